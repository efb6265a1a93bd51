"""Canvases: a fixed number of positions, some with a token, the others masked, that must become a text of a language.

A canvas always knows a *witness*, a filling of its masks, and how the grammar reads it. Whether a token may stand
somewhere is asked in windows around it, small ones first (:mod:`detent.native.infill_window`): if the window cannot be
read with the token inside, whatever stands around it, the answer is no; if it can be filled so that the witness may
stay outside, it is yes. Only where none of a few windows tells, all masks are free.

Free runs of masks are first taken as any bytes whatever. What cannot be completed so cannot be completed at all. A
completion is a filling if its bytes can be spelled in the right number of tokens, perhaps by repeating one that leads
nowhere new. The runs where they cannot are taken as tokens of one byte, which proves nothing if it fails, then exactly,
mask by mask; so in the end there is a filling, or there is none (abstraction refined by counterexamples: Clarke et al.
2000).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detent.automata.gaps import I32
from detent.automata.infiller import Derivation, Infiller, shared_chart, trace
from detent.automata.spelling import spell
from detent.grammar.errors import Unsatisfiable
from detent.native import infill_chart as chart
from detent.native import infill_window as window

MASK, BLANK = window.MASK, window.BLANK  # no token yet; no token, where a region is shorter than it might be
LAYERS = 3  # masks in a row that are taken exactly as soon as any bytes prove too much
EXACT = 400  # places of free masks up to which all of them are taken exactly at once
# runs of masks on each side, and tokens in front of each; the last one is the whole canvas
WINDOWS = ((0, 8), (1, 32), (4, 256), (8, 512), (16, 1 << 10), (64, 1 << 12), (1 << 20, 1 << 20))
EXACT_RUN, EXACT_FIRST = 4_000, 200  # places of a run of masks up to which a window, and the least, takes it exactly
SMALLEST_WINDOW, LARGEST_WINDOW = 1 << 11, 1 << 16  # items of the chart of a window
TOKENS, BYTES, FREE = 1, chart.ONE_BYTE, chart.ANY_BYTES  # how the masks of a run are taken

_versions = itertools.count(1)  # of all canvases, whenever something is put on one


class Run(NamedTuple):
    """Masks side by side, from `start` to before `stop`; an open run may take fewer tokens."""

    start: int
    stop: int
    is_open: bool


class Canvas:
    """Positions under a grammar.

    Parameters
    ----------
    infiller : Infiller
        With a vocabulary.
    length : int
        Number of positions.
    ends : iterable of int
        Tokens behind the text: ends of sequence and padding. Where one stands, the text is over. Without any, the text
        must fill the canvas.
    ids : sequence of int, optional
        The tokens to begin with, ``MASK`` where there is none.
    regions : sequence of (int, int)
        Start and stop of masks that may take fewer tokens, followed by ``BLANK``.

    Raises
    ------
    Unsatisfiable
        No filling makes a text of the language.

    Attributes
    ----------
    n_checks, n_solved : int
        How many tokens were asked for, and how many of them took the whole canvas.
    """

    def __init__(
        self,
        infiller: Infiller,
        length: int,
        ends: Iterable[int] = (),
        ids: Sequence[int] = (),
        regions: Sequence[tuple[int, int]] = (),
    ) -> None:
        self.infiller, self.length, self.ends = infiller, length, frozenset(ends)
        self.regions = tuple(regions)
        self._stops = {stop for _, stop in regions}
        self._end = _coded(min(self.ends, default=0))
        self.n_checks = self.n_solved = 0
        self._texts, self._alike = infiller.tokens.texts or [], infiller.tokens.alike
        self._tables = infiller.packed, infiller.tokens.packed, infiller.tokens.words
        nodes = int(infiller.tokens.packed[chart.N_NODES])
        self._n_exact = [min(LAYERS, places // nodes) for places in (EXACT_FIRST, EXACT_RUN)]
        self._exactly = 0  # masks of a run that the window at hand takes exactly
        self._board = B = window.board(length)
        self._ids, self._witness = self._views()
        B[[B[window.OPEN] + stop for stop in (*self._stops, *([length] if self.ends else []))]] = 1
        B[B[window.PATH]] = infiller.network.first[0]
        self._slots = np.zeros(chart.SLOT_WORDS * (length + 1), np.int32)
        self._small = self._chart = chart.allocate(SMALLEST_WINDOW, length + 2)
        self._chain, self._pending = (np.zeros(2 * int(B[window.FRAME_CAPACITY]) + 8, np.int32) for _ in range(2))
        self._capacity: dict[int, int] = {}  # of the charts that windows of so many runs took last
        self._forget()
        self._is_read = False  # whether the path is that of the witness
        if not self._settle({i: token for i, token in enumerate(ids) if token != MASK}):
            raise Unsatisfiable("no filling of the canvas is a text of the grammar")

    def fork(self) -> Canvas:
        """A canvas of its own that stands where this one does."""
        other = copy(self)
        other._board = self._board.copy()
        other._ids, other._witness = other._views()
        other._forget()
        return other

    def _forget(self) -> None:
        """Begin without what questions leave for later ones about the same position."""
        self._version, self._told_at, self._told_by = next(_versions), (0, 0), 0
        self._refused_at, self._refused = (0, 0), set[int]()  # spellings that cannot stand at a position
        self._memory = {n_runs: np.zeros(window.MEMORY, np.int64) for n_runs, _ in WINDOWS}
        self._unused = np.zeros(window.MEMORY, np.int64)

    def _views(self) -> tuple[I32, I32]:
        board = self._board
        return board[board[window.IDS] :][: self.length], board[board[window.WITNESS] :][: self.length]

    @property
    def ids(self) -> list[int]:
        """The tokens, ``MASK`` and ``BLANK`` where there is none."""
        return [token if token >= BLANK else _coded(token) for token in self._ids.tolist()]

    @property
    def witness(self) -> list[int]:
        """A filling."""
        return [token if token >= BLANK else _coded(token) for token in self._witness.tolist()]

    @property
    def end(self) -> int:
        """The first position behind the text: that of the first token of `ends`."""
        return _end(self._ids)

    @property
    def masks(self) -> list[int]:
        """The positions without a token."""
        masks: list[int] = np.flatnonzero(self._ids == MASK).tolist()
        return masks

    def possible(self, n: int, ends: Iterable[int]) -> NDArray[np.bool_]:
        """(n,) bool: the tokens that some text of the language may hold, and some ends."""
        possible = np.zeros(n, np.bool_)
        usable = self.infiller.tokens.usable[:n]
        possible[: len(usable)] = usable
        possible[[token for token in ends if token < n]] = True
        return possible

    def text(self) -> str:
        """The text of a canvas without masks."""
        return b"".join(self._texts[token] or b"" for token in self._ids.tolist() if token >= 0).decode()

    def allows(self, position: int, token: int) -> bool:
        """Whether the canvas can be completed with a token at a position."""
        return self._ask({position: token}, keep=False)

    def place(self, tokens: Mapping[int, int]) -> bool:
        """Put tokens at positions if the canvas can be completed with all of them; whether it was done."""
        return self._ask(tokens, keep=True)

    def filling(self, tokens: Mapping[int, int]) -> list[int] | None:
        """A filling of the canvas with more tokens in it; None where there is none."""
        before = self._ids.copy()
        found = self.witness if self._ask(tokens, keep=True) else None
        self._ids[:] = before
        return found

    def close(self, position: int) -> bool:
        """Let the region of a mask end in front of it if the canvas can be completed then; whether it was done."""
        stop = next(stop for start, stop in self.regions if start <= position < stop)
        return self.place(dict.fromkeys(range(position, stop), BLANK))

    def _ask(self, tokens: Mapping[int, int], *, keep: bool) -> bool:
        self.n_checks += 1
        if len(tokens) == 1:
            (position, token), *_ = tokens.items()
            if token >= 0 and token not in self.ends and self._ids[position] == MASK:
                return self._stands(position, token, keep=keep)
        before = self._ids.copy()
        good = self._settle(tokens, keep=keep)
        if not (good and keep):
            self._ids[:] = before
        if (good and keep) or len(tokens) > 1:
            self._version = next(_versions)
        return good

    def _stands(self, position: int, token: int, *, keep: bool) -> bool:
        """The same for one token with bytes at a mask; what is spelled alike is asked for once."""
        here = self._version, position
        if self._refused_at != here:
            self._refused_at, self._refused = here, set()
        spelling = self._alike[token] if token < len(self._alike) else -1
        if spelling < 0 or spelling in self._refused:
            return False
        self._ids[position] = token
        good = self._decide(position, position + 1, keep=keep) if self._is_read else self._search()
        if good and keep:
            self._version = next(_versions)
        else:
            self._ids[position] = MASK
        if not good:
            self._refused.add(spelling)
        return good

    # -------------------------------------------------------------------------------------------------- placing tokens
    def _settle(self, tokens: Mapping[int, int], *, keep: bool = True) -> bool:
        """Write tokens and find a witness for them, one after another, or at once where they stand side by side.

        A witness of more tokens is one of fewer, so it need not be undone where the tokens are taken back.
        """
        if not self._is_read:
            return all(self._write(*each, tokens) for each in tokens.items()) and self._search()
        low, high = min(tokens, default=0), max(tokens, default=-1) + 1
        if high - low == len(tokens):
            if not all(self._write(*each, tokens) for each in tokens.items()):
                return False
            is_over = not self.ends.isdisjoint(tokens.values())
            return self._decide(low, self.length if is_over else high, keep=keep)
        for position, token in tokens.items():
            self._version = next(_versions)
            is_known = self._ids[position] != MASK
            if not self._write(position, token, tokens):
                return False
            if not is_known and not self._decide(position, self.length if token in self.ends else position + 1):
                return False
        return True

    def _write(self, position: int, token: int, others: Mapping[int, int]) -> bool:
        """Write one token; an end fills what is behind it. False where something else stands already."""
        known, new = int(self._ids[position]), _coded(token) if token in self.ends else token
        if known != MASK or (new >= 0 and not self._spells(new)):
            return known == new
        self._ids[position] = new
        if new < BLANK:
            behind = self._ids[position + 1 :]
            if (behind > MASK).any():
                return False
            for at in np.flatnonzero(behind == MASK).tolist():
                also = others.get(position + 1 + at)
                if also is not None and also not in self.ends:
                    return False
                behind[at] = self._end if also is None else _coded(also)
        return True

    def _spells(self, token: int) -> bool:
        return token < len(self._texts) and bool(self._texts[token])

    def _decide(self, low: int, high: int, *, keep: bool = True) -> bool:
        """Whether the ids can be completed, some of which are new; `keep`: with such a witness."""
        if self.infiller.network.nullable and not (self._ids >= 0).any():
            return self._search()
        first = self._told_by if self._told_at == (self._version, low) else 0  # other tokens took this window
        for i, (n_runs, n_fixed) in enumerate(WINDOWS):
            if 0 < i < first:
                continue
            found = self._in_window(low, high, n_runs, n_fixed)
            if found == chart.NO:
                self._told_at, self._told_by = (self._version, low), max(i, first)
                return False
            if found == window.KNOWN or (found == chart.YES and not keep):
                return True
            if found in (chart.YES, window.UNSPELLED) and self._adopt():
                return True
        return self._search()

    def _in_window(self, low: int, high: int, n_runs: int, n_fixed: int) -> int:
        """The answer of a window, in a small chart if that will do; large ones are shared."""
        self._use(self._capacity.get(n_runs, SMALLEST_WINDOW))
        memory, wanted = self._memory[n_runs], self._n_exact[n_runs > 0]
        self._exactly = wanted
        while True:
            scratch = self._board, self._slots, self._chart, self._chain
            found = int(
                window.ask(*self._tables, *scratch, memory, self._version, low, high, n_runs, n_fixed, self._exactly)
            )
            if found == chart.FULL and self._grow():
                continue
            self._capacity[n_runs] = int(self._chart[chart.CAPACITY])
            if self._exactly != wanted:
                memory.fill(0)
            if found != chart.FULL or not self._exactly:
                return found
            self._exactly = 0  # rather coarsely than not at all; charts are laid out otherwise then
            memory.fill(0)

    def _use(self, capacity: int) -> None:
        small = self._small
        self._chart = small if capacity <= SMALLEST_WINDOW else shared_chart(capacity, self.length + 2)

    def _grow(self) -> bool:
        """Take a larger chart, unless this one is very large."""
        capacity = int(self._chart[chart.CAPACITY])
        if capacity < LARGEST_WINDOW:
            self._use(4 * capacity)
        return capacity < LARGEST_WINDOW

    def _adopt(self) -> bool:
        """Take the filling of the window into the witness; False where its bytes cannot be spelled."""
        first, last = self._board[window.FIRST : window.LAST + 1].tolist()
        derivation = trace(self._chart, self._chain[: self._chain[-1]][::-1].tolist())
        filled = self._ids[first:last].copy()
        for run in self._runs(first, last):
            tokens = self._tokens_of(run, derivation, run.stop - run.start > self._exactly, first)
            if tokens is None:
                return False
            filled[run.start - first : run.stop - first] = tokens
        self._witness[first:last] = filled
        self._read()
        return True

    def _read(self) -> None:
        """Bring the path up to date: in the window, or everywhere."""
        self._version = next(_versions)
        self._chart, found = self._small, chart.FULL
        while found == chart.FULL:
            scratch = self._board, self._slots, self._chart, self._chain, self._pending, self._unused
            found = window.walk(*self._tables, *scratch)
            if found == chart.FULL and not self._grow():
                break
        if found == chart.FULL and self._board[window.FIRST : window.LAST + 1].tolist() != [0, self.length]:
            self._take(self._witness)
        else:
            self._is_read = bool(found == chart.YES)

    # --------------------------------------------------------------------------------------------------- all masks free
    def _search(self) -> bool:
        """Whether there is any filling; it becomes the witness."""
        runs = list(self._runs(0, self.length))
        is_empty = self.infiller.network.nullable and not (self._ids >= 0).any()  # no path reads that
        if is_empty and all(run.is_open for run in runs):
            filled = self._ids.copy()
            for run in runs:
                filled[run.start : run.stop] = self._nothing(run)
            self._take(filled)
            return True
        self.n_solved += 1
        places = sum(run.stop - run.start for run in runs) * int(self.infiller.tokens.packed[chart.N_NODES])
        taken = dict.fromkeys(runs, FREE if places > EXACT else TOKENS)
        while True:
            is_found, unspelled = self._solve(taken)
            if is_found or not unspelled:
                return is_found
            quick = {run: BYTES if run.stop - run.start > LAYERS else TOKENS for run in unspelled}
            if BYTES in quick.values() and self._solve(taken | quick)[0]:
                return True
            taken |= dict.fromkeys(unspelled, TOKENS)

    def _runs(self, first: int, last: int) -> Iterator[Run]:
        ids = self._ids[first:last].tolist()
        start = first
        for at in range(first, last + 1):
            if at == last or ids[at - first] != MASK:
                if start < at:
                    over = at == self.length or self._ids[at] < BLANK
                    yield Run(start, at, at in self._stops or (bool(self.ends) and bool(over)))
                start = at + 1

    def _solve(self, taken: Mapping[Run, int]) -> tuple[bool, list[Run]]:
        """Whether there is a filling, with each run of masks taken in one of three ways; and, without one, the runs
        whose text did not have the right number of tokens. None: no text was found."""
        if not self.infiller.solve(*self._lay_out(taken), weighed=True):
            return False, []
        derivation = self.infiller.derivation()
        filled, unspelled = self._ids.copy(), []
        for run, how in taken.items():
            tokens = self._tokens_of(run, derivation, how == FREE)
            if tokens is None:
                unspelled.append(run)
            else:
                filled[run.start : run.stop] = tokens
        if unspelled:
            return False, unspelled
        self._take(filled)
        return True, []

    def _nothing(self, run: Run) -> int:
        """What stands where a run takes fewer tokens."""
        return BLANK if run.stop in self._stops else self._end

    def _take(self, filled: I32) -> None:
        self._witness[:] = filled
        self._board[window.FIRST], self._board[window.LAST], self._board[window.N_FRAMES] = 0, self.length, 1
        self._read()

    def _lay_out(self, taken: Mapping[Run, int]) -> tuple[I32, I32]:
        words = self.infiller.tokens.words
        rows = np.zeros((self.length + 1, chart.SLOT_WORDS), np.int32)
        known = np.maximum(self._ids, 0)
        rows[:-1, chart.OFFSET] = words[1 + known]
        rows[:-1, chart.LENGTH] = np.where(self._ids >= 0, words[2 + known] - words[1 + known], 0)
        rows[:, chart.TOKEN_TO] = rows[-1, chart.SKIP_TO] = -1
        rows[:-1, chart.SKIP_TO] = np.where(rows[:-1, chart.LENGTH] > 0, -1, np.arange(1, self.length + 1))
        rows[-1, chart.MAY_END] = 1
        for run, how in taken.items():
            span = slice(run.start, run.stop)
            if how == FREE:
                rows[run.start, [chart.LENGTH, chart.SKIP_TO]] = chart.ANY_BYTES, run.stop
                continue
            rows[span, chart.SKIP_TO] = run.stop if run.is_open else -1
            if how == BYTES:
                rows[span, chart.LENGTH] = chart.ONE_BYTE
            else:
                rows[span, chart.TOKEN_TO] = np.arange(run.start, run.stop) + 1
        return rows, words

    def _tokens_of(self, run: Run, derivation: Derivation, is_free: bool, first: int = 0) -> list[int] | None:
        """What stands in a run; None if its bytes take more tokens, or cannot be made to take as many."""
        size, slot = run.stop - run.start, run.start - first
        events = [event for event in derivation.events if slot <= event[0] < slot + size]
        if is_free:
            letters = bytes(letter for _, letter, _ in events)
            tokens = spell(letters, derivation.states_in(slot), size, run.is_open, self.infiller)
        else:
            tokens = self._tokens_in(events)
        return None if tokens is None else tokens + [self._nothing(run)] * (size - len(tokens))

    def _tokens_in(self, events: Iterable[Sequence[int]]) -> list[int]:
        """The tokens that bytes were read as."""
        tokens, spelled = [], b""
        for _, letter, ends in events:
            spelled += bytes([letter])
            if ends:
                tokens.append(self.infiller.tokens.spellings[spelled])
                spelled = b""
        return tokens


def _coded(token: int) -> int:
    """An end of the text as a negative number, and back."""
    return BLANK - 1 - token


def _end(ids: I32) -> int:
    """The first position with an end, or how many there are."""
    ends = ids < BLANK
    return int(ends.argmax()) if ends.any() else len(ids)
