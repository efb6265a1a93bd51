"""Masks of a batch: one look at each matcher, then all rows at once, on two cores where there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from struct import Struct
from time import sleep

import numpy as np
import numpy.typing as npt

from detent.grammar.errors import GrammarError
from detent.native import batch
from detent.native.batch import HEADER
from detent.native.jit import direct
from detent.native.masks import OWN

from .arena import Arena
from .helper import Helper, helper_for
from .matcher import Bitmask, Matcher, check_mask, check_row

_begin, _offer, _finish = direct(batch.begin), direct(batch.offer), direct(batch.finish)
LOT = 3 << 12  # words to take at once: a microsecond of writing
HEAD = 4  # the first part of so many is offered before the others are looked at
Errors = dict[int, GrammarError]
Board = npt.NDArray[np.int64]


def fill_bitmasks(matchers: Sequence[Matcher], mask: Bitmask, rows: Sequence[int] | None = None) -> None:
    """Masks of a batch, written without the interpreter lock, on two cores where that is quicker.

    Parameters
    ----------
    matchers : sequence of Matcher
        Of any grammars over one vocabulary.
    mask : (n_rows, ceil(n / 32)) int32, C-contiguous
    rows : sequence of int, optional
        Row of each matcher, no two the same; by default 0, 1, ...

    Raises
    ------
    IndexError, TypeError, ValueError
        As :meth:`Matcher.fill_bitmask`.
    GrammarError
        Of the first matcher whose mask cannot be worked out (a :class:`LimitExceeded`); its ``row`` is that of the
        mask. All other rows are written then, and in such a row no token is allowed.
    """
    n = len(matchers)
    if rows is not None and len(rows) != n:
        raise ValueError(f"{len(rows)} rows for {n} matchers")
    if n == 0:
        return
    first = matchers[0]
    if mask is not first._mask:
        check_mask(mask, first._A)
        first._mask = mask
    check_row(mask, n - 1 if rows is None else min(rows))
    if rows is not None:
        check_row(mask, max(rows))
    arena, helper = first._arena, helper_for(n, n * mask.shape[1])
    boards: list[Board] = []
    errors: Errors = {}
    try:  # an interrupt may come between any two lines: then all that must be done at the end is done twice
        try:
            _share(matchers, arena, mask, rows, helper, boards, errors)
        finally:
            _end(arena, mask, helper, boards)
    except BaseException:
        _end(arena, mask, helper, boards)
        raise
    if errors:
        j = min(errors)
        errors[j].row = j if rows is None else int(rows[j])
        raise errors[j]


def _share(
    matchers: Sequence[Matcher],
    arena: Arena,
    mask: Bitmask,
    rows: Sequence[int] | None,
    helper: Helper | None,
    boards: list[Board],
    errors: Errors,
) -> None:
    """Offer the rows of a batch on a board, which is noted first.

    Where the helper is awake, the first rows are offered before the other matchers are looked at.
    """
    n = len(matchers)
    if helper is None or not helper.lend(boards, mask, arena):
        board, lot, head = np.zeros(batch.board_of(n), dtype=np.int64), n, 0
    else:
        board, lot = helper.board, max(1, LOT // mask.shape[1])
        head = n // HEAD // lot * lot if helper.wake(n * mask.shape[1]) else 0
    boards.append(board)
    _begin(arena.A, mask, board, n, lot)
    if rows is not None:
        board[HEADER : HEADER + n] = rows
    alone = _look(matchers, arena, board, 0, head, errors) if head else []
    alone += _look(matchers, arena, board, head, n, errors)
    for j in alone:
        _fill_alone(matchers[j], mask, int(board[HEADER + j]), j, errors)


def _end(arena: Arena, mask: Bitmask, helper: Helper | None, boards: list[Board]) -> None:
    """Write what was offered, wait for what the helper has taken of it, and give the helper back.

    Of a board on which nothing is offered any longer, nothing is written.
    """
    result = batch.ASLEEP
    for board in boards:
        while (result := _finish(arena.A, mask, board)) == batch.PENDING:
            sleep(0.0)
    boards.clear()
    if helper is not None:
        helper.give_back(boards, result)


def _look(matchers: Sequence[Matcher], arena: Arena, board: Board, start: int, stop: int, errors: Errors) -> list[int]:
    """Offer the rows of some matchers; those that must write their mask themselves."""
    at = HEADER + len(matchers)
    states = [matcher.state if matcher._arena is arena else OWN for matcher in matchers[start:stop]]
    _packing(stop - start)(board.data, 8 * (at + start), *states)  # half the time of an assignment
    j, tried = _offer(arena.A, arena.V, board, start, stop), -1
    alone: list[int] = []
    while j < stop:
        if j == tried or states[j - start] >= OWN or not _is_prepared(matchers[j], arena, j, errors):
            alone.append(j)
            board[at + j] = 0
        tried, j = j, _offer(arena.A, arena.V, board, j, stop)
    return alone


@lru_cache(maxsize=64)
def _packing(n: int) -> Callable[..., None]:
    """What writes so many integers into a buffer."""
    return Struct(f"{n}q").pack_into


def _is_prepared(matcher: Matcher, arena: Arena, j: int, errors: Errors) -> bool:
    """Whether the mask is now made of what the arena of the batch holds."""
    try:
        return matcher.prepare() and matcher._arena is arena
    except GrammarError as error:
        errors[j] = error
        return False


def _fill_alone(matcher: Matcher, mask: Bitmask, row: int, j: int, errors: Errors) -> None:
    """Write the mask of one matcher, or that nothing is allowed where it is not known."""
    try:
        if j not in errors:
            matcher.fill_bitmask(mask, row)
    except GrammarError as error:
        errors[j] = error
    if j in errors:
        mask[row] = 0
