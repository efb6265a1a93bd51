"""Witnesses: a filling of all masks of a canvas, and how the grammar reads it.

Whether the ids of a canvas can still be completed is asked in windows around what has changed, small ones first
(:mod:`detent.native.infill_window`): if the window cannot be read with the change inside, whatever stands around it,
the answer is no; if it can be filled so that the witness may stay outside, it is yes. Only where none of a few windows
tells, all masks are free.

Long runs of masks are first taken as any bytes whatever. What cannot be completed so cannot be completed at all. A
completion is a filling if its bytes can be spelled in the right number of tokens, perhaps by repeating one that leads
nowhere new. The runs where they cannot are taken as tokens of one byte, which proves nothing if it fails, then exactly,
mask by mask; so in the end there is a filling, or there is none (abstraction refined by counterexamples: Clarke et al.
2000).
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Sequence
from copy import copy
from typing import NamedTuple

import numpy as np

from detent.automata.infiller import LARGEST, Derivation, Infiller, shared_chart, trace
from detent.automata.spelling import spell
from detent.grammar.errors import LimitExceeded
from detent.native import infill_board as board
from detent.native import infill_chart as chart
from detent.native import infill_window as window

EVERYTHING = 1 << 20
# runs of masks on each side, and tokens in front of each; the last one is the whole canvas
WINDOWS = ((0, 8), (1, 32), (4, 256), (8, 512), (16, 1 << 10), (64, 1 << 12), (EVERYTHING, EVERYTHING))
WHOLE = len(WINDOWS) - 1
LAYERS = 3  # masks in a row that are taken exactly as soon as any bytes prove too much
# places of a run of masks up to which the least window, and others, take it exactly; of all masks, for the whole canvas
EXACT_FIRST, EXACT_RUN, EXACT = 200, 4_000, 400
SMALLEST_WINDOW, LARGEST_WINDOW = 1 << 11, 1 << 19  # items of the chart of a window

_versions = itertools.count(1)  # of all boards, whenever something is put on one


class Run(NamedTuple):
    """Masks side by side, from `start` to before `stop`; an open run may take fewer tokens."""

    start: int
    stop: int
    is_open: bool


class Witness:
    """A filling of a canvas.

    Parameters
    ----------
    infiller : Infiller
        With a vocabulary.
    length : int
        Number of positions.
    stops : collection of int
        Masks in front of these positions may take fewer tokens.
    end : int or None
        What stands behind a text that is shorter than the canvas, as it is written on a board; None: none may be.

    Attributes
    ----------
    ids, filling : (length,) int32
        What is known, ``MASK`` where there is nothing yet; and the same without masks. See
        :mod:`detent.native.infill_board`.
    version : int
        Of the ids, but for those that are being tried, and of the filling.
    n_solved : int
        How many questions took the whole canvas.
    """

    def __init__(self, infiller: Infiller, length: int, stops: Collection[int], end: int | None) -> None:
        self.infiller, self.length, self.n_solved = infiller, length, 0
        self._stops, self._end = frozenset(stops), end
        self._tables = infiller.packed, infiller.tokens.packed, infiller.tokens.words
        self._n_nodes = int(infiller.tokens.packed[chart.N_NODES])
        self._board = B = board.board(length)
        B[[B[board.OPEN] + stop for stop in (*self._stops, *([] if end is None else [length]))]] = 1
        B[B[board.PATH]] = infiller.network.first[0]
        self._slots = np.zeros(chart.SLOT_WORDS * (length + 1), np.int32)
        self._small = [chart.allocate(SMALLEST_WINDOW, length + 2) for _ in range(2)]  # of most windows, of the least
        self._chart = self._small[0]
        self._chain, self._pending = (np.zeros(2 * int(B[board.FRAME_CAPACITY]) + 8, np.int32) for _ in range(2))
        self._capacity = [SMALLEST_WINDOW] * len(WINDOWS)  # of the charts that windows took last
        self._is_read = False  # whether the path on the board is that of the filling
        self._look()

    def fork(self) -> Witness:
        """A witness of its own that stands where this one does, for the same thread: they share their scratch."""
        other = copy(self)
        other._board, other._capacity = self._board.copy(), self._capacity.copy()
        other._look()
        return other

    def _look(self) -> None:
        """Look at the board, without what questions leave for later ones about the same position."""
        B, length = self._board, self.length
        self.ids, self.filling, self._taken = (B[B[at] :][:length] for at in (board.IDS, board.WITNESS, board.TAKEN))
        self._taken[:] = 0
        self._is_refined = False
        self._told_at, self._told_by = (0, 0), 0  # the position that changed last, and the window that said no
        self.changed()

    def changed(self) -> None:
        """Take note that something was put on the board."""
        self.version = self._reading = next(_versions)

    # ---------------------------------------------------------------------------------------------------------- answers
    def decide(self, low: int, high: int, *, keep: bool = True) -> bool:
        """Whether the ids can be completed, of which some from `low` to before `high` are new.

        `keep`: with a witness of just that. Otherwise it may stay as it is.
        """
        if self.infiller.network.nullable and not (self.ids >= 0).any() and self._take_nothing():
            return True
        if self._told_at != (self.version, low):
            self._told_at, self._told_by = (self.version, low), 0
            self._coarsen()
        for i in range(len(WINDOWS)) if self._is_read else [WHOLE]:
            if 0 < i < self._told_by:  # other tokens took more
                continue
            found = self._in_window(i, low, high, keep=keep)
            if found is not None:
                break
        if not found:
            self._told_by = max(i, self._told_by)
        return bool(found)

    def _in_window(self, i: int, low: int, high: int, *, keep: bool) -> bool | None:
        """The answer of a window; None where it does not tell."""
        self.n_solved += i == WHOLE
        n_exact = self._n_exact(i)
        while True:
            found, n_exact = self._ask(i, low, high, n_exact)
            if found == window.KNOWN or (found == chart.YES and not keep):
                return True
            if found in (chart.YES, window.UNSPELLED):
                unspelled = self._adopt(n_exact)
                if not unspelled:
                    return True
                self._refine(unspelled)
            elif found == chart.FULL:
                self._coarsen()
                return None
            elif self._is_refined and (quick := np.flatnonzero(self._taken == board.BYTE_EACH)).size:
                self._refine(quick.tolist())
            else:
                return False if found == chart.NO else None

    def _n_exact(self, i: int) -> int:
        """Up to how many masks side by side a window takes exactly at first."""
        if i == WHOLE and int((self.ids == board.MASK).sum()) * self._n_nodes <= EXACT:
            return self.length
        return min(LAYERS, (EXACT_RUN if i else EXACT_FIRST) // self._n_nodes)

    def _ask(self, i: int, low: int, high: int, n_exact: int) -> tuple[int, int]:
        """What a window says, in a small chart if that will do, large ones are shared; and how many masks were taken
        exactly."""
        n_runs, n_fixed = WINDOWS[i]
        self._use(i, self._capacity[i])
        while True:
            scratch = self._board, self._slots, self._chart, self._chain
            found = int(window.ask(*self._tables, *scratch, self._reading, low, high, n_runs, n_fixed, n_exact))
            if found == chart.FULL and self._grow(i, LARGEST if i == WHOLE and not n_exact else LARGEST_WINDOW):
                continue
            self._capacity[i] = min(int(self._chart[chart.CAPACITY]), LARGEST_WINDOW)
            if found != chart.FULL or not n_exact:
                break
            n_exact = 0  # rather coarsely than not at all
        if found == chart.FULL and i == WHOLE:
            raise LimitExceeded("chart_items", 4 * LARGEST, LARGEST, hint="Fewer masks or tokens at once take less.")
        return found, n_exact

    def _use(self, i: int, capacity: int) -> None:
        """Take a chart, one of this witness if that will do; the least window, always asked first, has its own."""
        which = 0 if i else 1
        is_small = capacity <= SMALLEST_WINDOW
        self._chart = self._small[which] if is_small else shared_chart(capacity, self.length + 2, which)

    def _grow(self, i: int, largest: int) -> bool:
        """Take a larger chart, unless this one is very large."""
        capacity = int(self._chart[chart.CAPACITY])
        if capacity < largest:
            self._use(i, 4 * capacity)
        return capacity < largest

    def _refine(self, starts: Iterable[int]) -> None:
        """Take some runs less coarsely: given by their first masks."""
        for start in starts:
            is_long = (self.ids[start : start + LAYERS + 1] == board.MASK).sum() > LAYERS
            is_coarse = self._taken[start] == 0
            self._taken[start] = board.BYTE_EACH if is_long and is_coarse else board.EXACTLY
        self._is_refined, self._reading = True, next(_versions)

    def _coarsen(self) -> None:
        """Take all runs as at first."""
        if self._is_refined:
            self._taken[:] = 0
            self._is_refined, self._reading = False, next(_versions)

    # --------------------------------------------------------------------------------------------------------- fillings
    def _adopt(self, n_exact: int) -> list[int]:
        """Take the filling of the window; or the beginnings of the runs whose bytes cannot be spelled."""
        first, last = self._board[board.FIRST : board.LAST + 1].tolist()
        derivation = trace(self._chart, self._chain[: self._chain[-1]][::-1].tolist())
        filled, unspelled = self.ids[first:last].copy(), []
        for run in self._runs(first, last):
            is_free = run.stop - run.start > n_exact and self._taken[run.start] == 0
            tokens = self._tokens_of(run, derivation, is_free, first)
            if tokens is None:
                unspelled.append(run.start)
            else:
                filled[run.start - first : run.stop - first] = tokens
        if not unspelled:
            self.filling[first:last] = filled
            self._read()
        return unspelled

    def _take_nothing(self) -> bool:
        """Take the empty text, of which there is no path; False where masks must take tokens."""
        runs = list(self._runs(0, self.length))
        if not all(run.is_open for run in runs):
            return False
        self.filling[:] = self.ids
        for run in runs:
            self.filling[run.start : run.stop] = self._nothing(run)
        self._is_read = False
        self.changed()
        return True

    def _read(self) -> None:
        """Bring the path up to date: in the window, or everywhere."""
        self.changed()
        B, everywhere = self._board, [0, self.length]
        for bounds in (B[board.FIRST : board.LAST + 1].tolist(), everywhere):
            B[board.FIRST : board.LAST + 1] = bounds
            if bounds == everywhere:
                B[board.N_FRAMES] = 1
            self._chart, found = self._small[0], chart.FULL
            while found == chart.FULL:
                found = window.walk(*self._tables, B, self._slots, self._chart, self._chain, self._pending)
                if found == chart.FULL and not self._grow(1, LARGEST_WINDOW):
                    break
            self._is_read = found == chart.YES
            if found != chart.FULL:
                break

    def _runs(self, first: int, last: int) -> Iterator[Run]:
        ids = self.ids[first:last].tolist()
        start = first
        for at in range(first, last + 1):
            if at == last or ids[at - first] != board.MASK:
                if start < at:
                    is_over = at == self.length or self.ids[at] < board.BLANK
                    yield Run(start, at, at in self._stops or (self._end is not None and bool(is_over)))
                start = at + 1

    def _tokens_of(self, run: Run, derivation: Derivation, is_free: bool, first: int) -> list[int] | None:
        """What stands in a run; None if its bytes take more tokens, or cannot be made to take as many."""
        size, slot = run.stop - run.start, run.start - first
        events = [event for event in derivation.events if slot <= event[0] < slot + size]
        if is_free:
            letters = bytes(letter for _, letter, _ in events)
            tokens = spell(letters, derivation.states_in(slot), size, run.is_open, self.infiller)
        else:
            tokens = self._tokens_in(events)
        return None if tokens is None else tokens + [self._nothing(run)] * (size - len(tokens))

    def _nothing(self, run: Run) -> int:
        """What stands where a run takes fewer tokens."""
        return board.BLANK if run.stop in self._stops or self._end is None else self._end

    def _tokens_in(self, events: Iterable[Sequence[int]]) -> list[int]:
        """The tokens that bytes were read as."""
        tokens, spelled = [], b""
        for _, letter, ends in events:
            spelled += bytes([letter])
            if ends:
                tokens.append(self.infiller.tokens.spellings[spelled])
                spelled = b""
        return tokens
