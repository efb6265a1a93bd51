"""Masks of a batch: one look at each matcher, then all rows at once, on two cores where there are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from detent.grammar.errors import GrammarError
from detent.native import batch
from detent.native.batch import HEADER
from detent.native.jit import direct
from detent.native.masks import OWN

from .arena import Arena
from .helper import borrow
from .matcher import Bitmask, Matcher, check_mask, check_row

_begin, _offer, _finish = direct(batch.begin), direct(batch.offer), direct(batch.finish)
LOT = 1 << 13  # words to take at once: a microsecond of writing
HEAD = 4  # the first part of so many is offered before the others are looked at
Errors = dict[int, GrammarError]


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
    IndexError, ValueError
        As :meth:`Matcher.fill_bitmask`.
    GrammarError
        Of the first matcher whose mask cannot be worked out (a :class:`LimitExceeded`); its ``row`` is that of the
        mask. All other rows are written then, and in such a row no token is allowed.
    """
    n, A = len(matchers), matchers[0]._A if matchers else None
    if rows is not None and len(rows) != n:
        raise ValueError(f"{len(rows)} rows for {n} matchers")
    if A is None:
        return
    if mask is not matchers[0]._mask:
        check_mask(mask, A)
        matchers[0]._mask = mask
    check_row(mask, n - 1 if rows is None else min(rows))
    if rows is not None:
        check_row(mask, max(rows))
    errors = _fill(matchers, matchers[0]._arena, mask, rows)
    if errors:
        first = min(errors)
        errors[first].row = first if rows is None else int(rows[first])
        raise errors[first]


def _fill(matchers: Sequence[Matcher], arena: Arena, mask: Bitmask, rows: Sequence[int] | None) -> Errors:
    """Write all masks but those that cannot be worked out, and say why not."""
    n, n_words, errors = len(matchers), mask.shape[1], Errors()
    helper = borrow(n, n * n_words)
    board = np.empty(batch.board_of(n), dtype=np.int64) if helper is None else helper.board
    lot = max(1, LOT // n_words)
    head = n // HEAD // lot * lot if helper is not None and helper.begin(n * n_words, (arena, mask)) else 0
    _begin(arena.A, mask, board, n, lot)
    if rows is not None:
        board[HEADER : HEADER + n] = rows
    try:
        alone = _look(matchers, arena, board, 0, head, errors) if head else []
        alone += _look(matchers, arena, board, head, n, errors)
        for j in alone:
            _fill_alone(matchers[j], mask, int(board[HEADER + j]), j, errors)
    finally:
        helped = _finish(arena.A, mask, board)
        if helper is not None:
            helper.end(helped)
    return errors


def _look(
    matchers: Sequence[Matcher], arena: Arena, board: npt.NDArray[np.int64], start: int, stop: int, errors: Errors
) -> list[int]:
    """Offer the rows of some matchers; those that must write their mask themselves."""
    states = board[HEADER + len(matchers) :]
    part = matchers if stop - start == len(matchers) else matchers[start:stop]
    states[start:stop] = [matcher.state if matcher._arena is arena else OWN for matcher in part]
    alone: list[int] = []
    tried, j = -1, _offer(arena.A, arena.V, board, start, stop)
    while j < stop:
        if j == tried or states[j] >= OWN or not _is_prepared(matchers[j], arena, j, errors):
            alone.append(j)
            states[j] = 0
        tried, j = j, _offer(arena.A, arena.V, board, j, stop)
    return alone


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
