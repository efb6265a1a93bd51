"""Canvases: a fixed number of positions, some with a token, the others masked, that must become a text of a language.

A canvas always knows a *witness*, a filling of its masks. Whether a token may stand somewhere is asked in this order;
each answer is exact:

1. the token in its place in the witness, everything else as it is: the chart of the witness is read from there on until
   what can follow is what could follow before;
2. the masks around it free, the others as in the witness;
3. all masks free.

Free runs of masks are first taken as any bytes whatever. What cannot be completed so cannot be completed at all. A
completion is a filling if its bytes can be spelled in the right number of tokens, perhaps by repeating one that leads
nowhere new. The runs where they cannot are taken as tokens of one byte, which proves nothing if it fails, then exactly,
mask by mask; so in the end there is a filling, or there is none (abstraction refined by counterexamples: Clarke et al.
2000).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detent.automata.gaps import I32
from detent.automata.infiller import Derivation, Infiller, larger
from detent.grammar.errors import Unsatisfiable
from detent.native import infill_chart as chart

MASK, BLANK = -1, -2  # no token yet; no token, where a region is shorter than it might be
LAYERS = 3  # masks in a row that are taken exactly as soon as any bytes prove too much
EXACT = 400  # places of free masks up to which all of them are taken exactly at once
FEW = 12  # runs up to which it is not worth while to leave some as in the witness
TOKENS, BYTES, FREE = 1, chart.ONE_BYTE, chart.ANY_BYTES  # how the masks of a run are taken


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
    ids : list of int
        The tokens, ``MASK`` and ``BLANK`` where there is none.
    witness : list of int
        A filling.
    n_checks, n_solved : int
        How many tokens were asked for, and how many of them took a whole chart.
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
        self._end_token = min(self.ends, default=MASK)
        self.ids = [MASK] * length
        self.witness: list[int] = []
        self.n_checks = self.n_solved = 0
        self._texts = infiller.tokens.texts or []
        self._width = infiller.tokens.longest
        self._letters = np.zeros(self._width * (length + 1), np.int32)
        self._rows = np.zeros((length + 1, chart.SLOT_WORDS), np.int32)
        self._chart = chart.allocate(1 << 12, length + 1)
        self._marks = np.zeros(4 * (length + 1), np.int32)
        self._signatures = np.full(length + 1, -1, np.int64)
        self._top = -1
        if not self.place({i: token for i, token in enumerate(ids) if token != MASK}):
            raise Unsatisfiable("no filling of the canvas is a text of the grammar")

    @property
    def end(self) -> int:
        """The first position behind the text: that of the first token of `ends`."""
        return next((i for i, token in enumerate(self.ids) if token in self.ends), self.length)

    @property
    def masks(self) -> list[int]:
        """The positions without a token."""
        return [i for i, token in enumerate(self.ids) if token == MASK]

    def possible(self, n: int, ends: Iterable[int]) -> NDArray[np.bool_]:
        """(n,) bool: the tokens that some text of the language may hold, and some ends."""
        possible = np.zeros(n, np.bool_)
        usable = self.infiller.tokens.usable[:n]
        possible[: len(usable)] = usable
        possible[[token for token in ends if token < n]] = True
        return possible

    def text(self) -> str:
        """The text of a canvas without masks."""
        return b"".join(self._spelled(token) for token in self.ids[: self.end]).decode()

    def allows(self, position: int, token: int) -> bool:
        """Whether the canvas can be completed with a token at a position."""
        return self.filling({position: token}) is not None

    def place(self, tokens: Mapping[int, int]) -> bool:
        """Put tokens at positions if the canvas can be completed with all of them; whether it was done."""
        witness = self.filling(tokens)
        if witness is None:
            return False
        for position, token in tokens.items():
            self.ids[position] = token
        if (end := self.end) < self.length:
            self.ids[end:] = witness[end:]
        self._take(witness)
        return True

    def close(self, position: int) -> bool:
        """Let the region of a mask end in front of it if the canvas can be completed then; whether it was done."""
        stop = next(stop for start, stop in self.regions if start <= position < stop)
        return self.place(dict.fromkeys(range(position, stop), BLANK))

    def filling(self, tokens: Mapping[int, int]) -> list[int] | None:
        """A filling of the canvas with more tokens in it; None where there is none."""
        self.n_checks += 1
        ids = list(self.ids)
        for position, token in tokens.items():
            if ids[position] != MASK and ids[position] != token:
                return None
            ids[position] = token
        end = self._text_end(ids)
        if end is None or not all(token < 0 or self._spelled(token) for token in ids[:end]):
            return None
        if self.witness:
            if all(self.witness[position] == token for position, token in tokens.items()):
                return self.witness
            if len(tokens) == 1:
                ((position, token),) = tokens.items()
                if position < end and self._spelled(self.witness[position]):
                    if self._recheck(position, token):
                        return [*self.witness[:position], token, *self.witness[position + 1 :]]
                    if MASK not in ids:
                        return None
        return self._search(ids, end, tokens)

    def _text_end(self, ids: Sequence[int]) -> int | None:
        """Where the text is over; None where a token stands behind that."""
        end = next((i for i, token in enumerate(ids) if token in self.ends), len(ids))
        return end if all(token == MASK or token in self.ends for token in ids[end:]) else None

    def _spelled(self, token: int) -> bytes:
        return (self._texts[token] or b"") if 0 <= token < len(self._texts) else b""

    def _letters_of(self, token: int) -> list[int]:
        """A token as classes of bytes; nothing for the ends of a text."""
        return self.infiller.tokens.letters(token) if token >= 0 and token not in self.ends else []

    # ------------------------------------------------------------------------------- the witness with one token changed
    def _take(self, witness: list[int]) -> None:
        """Take another filling; the chart of the one before stays as far as they are equal."""
        before, self.witness = self.witness, witness
        changed = [i for i in range(self.length) if not before or witness[i] != before[i]]
        for i in changed:
            self._write(i, witness[i])
        self._rows[self.length] = 0, 0, -1, -1, 0, 1
        if changed or not before:
            first = changed[0] if changed else 0
            if len(changed) != 1:
                self._signatures[first + 1 :] = -1
            self._read_to(first, first)
            self._read_to(self.length, first)

    def _write(self, position: int, token: int) -> None:
        """Let a slot of the witness spell a token."""
        spelled = self._letters_of(token)
        offset = position * self._width
        self._letters[offset : offset + len(spelled)] = spelled
        self._rows[position] = offset, len(spelled), -1, -1 if spelled else position + 1, 0, 0

    def _read_to(self, stop: int, changed: int) -> bool:
        """Cut or extend the chart of the witness to a boundary, or to where nothing has changed; whether it is a
        text."""
        while True:
            if self._top < 0:
                chart.cut(self._chart, 0, 0, 0, 0, -1, -1)
                chart.begin(*self._arguments)
                self._top = 0
            elif self._top > stop:
                chart.cut(self._chart, *self._marks[4 * stop : 4 * stop + 4].tolist(), stop, self._top)
                self._top = stop
            to = chart.read_on(*self._arguments, self._signatures, self._top, changed, stop)
            if to <= stop:
                self._top = max(to, -1 - to)
                return bool(to >= 0)
            self._chart, self._top = larger(self._chart, self.length + 1), -1

    @property
    def _arguments(self) -> tuple[I32, ...]:
        tables = self.infiller.packed, self.infiller.tokens.packed
        return (*tables, self._rows.ravel(), self._letters, self._chart, self._marks)

    def _recheck(self, position: int, token: int) -> bool:
        """Whether the witness is still a text with another token at a position."""
        self._read_to(position, position)
        kept = self._signatures.copy()
        self._write(position, token)
        good = self._read_to(self.length, position)
        self._signatures = kept
        self._write(position, self.witness[position])
        self._read_to(position, position)
        return good

    # --------------------------------------------------------------------------------------------------- other fillings
    def _search(self, ids: list[int], end: int, tokens: Mapping[int, int]) -> list[int] | None:
        """A filling with masks around some positions free, or with all of them."""
        if self.infiller.network.nullable and self.ends and all(token == MASK or token in self.ends for token in ids):
            return [self._end_token if token == MASK else token for token in ids]
        self.n_solved += 1
        runs = list(self._runs(ids, end))
        around = [run for run in runs if self.witness and self._touches(run, tokens)]
        if self.witness and FEW < len(around) + FEW < len(runs):
            filled = self._refine(ids, end, around)
            if filled:
                return filled
        return self._refine(ids, end, runs)

    def _refine(self, ids: list[int], end: int, free: Sequence[Run]) -> list[int] | None:
        """A filling where only some runs are free: these are taken as any bytes, until that proves too much."""
        places = sum(run.stop - run.start for run in free) * int(self.infiller.tokens.packed[chart.N_NODES])
        taken = dict.fromkeys(free, FREE if places > EXACT else TOKENS)
        while True:
            filled, unspelled = self._solve(ids, end, taken)
            if filled or not unspelled:
                return filled
            quick = {run: BYTES if run.stop - run.start > LAYERS else TOKENS for run in unspelled}
            if BYTES in quick.values():
                filled, _ = self._solve(ids, end, taken | quick)
                if filled:
                    return filled
            taken |= dict.fromkeys(unspelled, TOKENS)

    def _runs(self, ids: Sequence[int], end: int) -> Iterator[Run]:
        start = 0
        for i in range(end + 1):
            if i == end or ids[i] != MASK:
                if start < i:
                    yield Run(start, i, i in self._stops or (i == end and bool(self.ends)))
                start = i + 1

    def _touches(self, run: Run, tokens: Mapping[int, int]) -> bool:
        """Whether a run was part of one in which a token is put."""
        low, high = run.start, run.stop
        while low > 0 and self.ids[low - 1] == MASK:
            low -= 1
        while high < self.length and self.ids[high] == MASK:
            high += 1
        return any(low <= position < high for position in tokens)

    def _solve(self, ids: Sequence[int], end: int, taken: Mapping[Run, int]) -> tuple[list[int] | None, list[Run]]:
        """A filling where only some runs are free, taken in one of three ways.

        Returns
        -------
        filling : list of int or None
        unspelled : list of Run
            Without a filling: those whose text did not have the right number of tokens. None: no text was found.
        """
        filled = [w if t == MASK else t for t, w in zip(ids[:end], self.witness or ids, strict=False)]
        filled += [self._end_token if t == MASK else t for t in ids[end:]]
        for run in taken:
            filled[run.start : run.stop] = [MASK] * (run.stop - run.start)
        rows, letters = self._lay_out(filled, end, taken)
        if not self.infiller.solve(rows, letters, weighed=True):
            return None, []
        derivation = self.infiller.derivation()
        unspelled: list[Run] = []
        for run, how in taken.items():
            tokens = self._tokens_of(run, derivation, how)
            if tokens is None:
                unspelled.append(run)
            else:
                rest = run.stop - run.start - len(tokens)
                filled[run.start : run.stop] = [
                    *tokens,
                    *[BLANK if run.stop in self._stops else self._end_token] * rest,
                ]
        if unspelled:
            return None, unspelled
        return filled, []

    def _lay_out(self, filled: Sequence[int], end: int, taken: Mapping[Run, int]) -> tuple[I32, I32]:
        letters: list[int] = []
        table = []
        for i, token in enumerate(filled):
            spelled = self._letters_of(token) if i < end else ()
            table.append((len(letters), len(spelled), -1, -1 if spelled else i + 1, 0, i == end))
            letters += spelled
        table.append((0, 0, -1, -1, 0, end == self.length))
        rows = np.array(table, np.int32)
        for run, how in taken.items():
            span = slice(run.start, run.stop)
            if how == FREE:
                rows[run.start, chart.LENGTH] = chart.ANY_BYTES
                continue
            rows[span, chart.SKIP_TO] = run.stop if run.is_open else -1
            if how == BYTES:
                rows[span, chart.LENGTH] = chart.ONE_BYTE
            else:
                rows[span, chart.TOKEN_TO] = np.arange(run.start, run.stop) + 1
        return rows, np.array(letters or [0], np.int32)

    def _tokens_of(self, run: Run, derivation: Derivation, how: int) -> list[int] | None:
        """The tokens of a run; None if its text takes more, or cannot be made to take as many."""
        size = run.stop - run.start
        events = [event for event in derivation.events if run.start <= event[0] < run.stop]
        if how == FREE:
            letters = bytes(letter for _, letter, _ in events)
            visits = sorted((index, state) for index, slot, state in derivation.visits if slot == run.start)
            places = [(index - visits[0][0], state) for index, state in visits]
            return spell(letters, places, size, run.is_open, self.infiller)
        tokens, spelled = [], b""
        for _, letter, ends in events:
            spelled += bytes([letter])
            if ends:
                tokens.append(self.infiller.tokens.spellings[spelled])
                spelled = b""
        return tokens


def spell(
    letters: bytes, places: Iterable[tuple[int, int]], size: int, at_most: bool, infiller: Infiller
) -> list[int] | None:
    """Spell bytes in a number of tokens, by repeating one that leads nowhere new if need be.

    Parameters
    ----------
    letters : bytes
        Classes of bytes.
    places : iterable of (int, int)
        Numbers of letters, and states of the network behind so many.
    size : int
    at_most : bool
        Fewer tokens will do.
    infiller : Infiller
    """
    spellings, step = infiller.tokens.spellings, infiller.network.step
    heads = _counts(letters, spellings)
    counts = [k for k in range(size + 1) if heads[-1] >> k & 1]
    if counts and (at_most or counts[-1] == size):
        return _split(letters, heads, counts[0] if at_most else size, spellings)
    for i, state in places:
        loops = [c for c in np.flatnonzero(step[state] == state).tolist() if bytes([c]) in spellings]
        if not loops or not heads[i]:
            continue
        tails = _counts(letters[i:], spellings)
        ways = [(j, k) for j in range(i + 1) if heads[i] >> j & 1 for k in range(size - j) if tails[-1] >> k & 1]
        if ways:
            j, k = ways[0]
            middle = [spellings[bytes(loops[:1])]] * (size - j - k)
            return [*_split(letters[:i], heads, j, spellings), *middle, *_split(letters[i:], tails, k, spellings)]
    return None


def _counts(letters: bytes, spellings: Mapping[bytes, int]) -> list[int]:
    """Of every beginning, the numbers of tokens that spell it, as the bits of an integer."""
    longest = max(map(len, spellings), default=0)
    counts = [1]
    for i in range(1, len(letters) + 1):
        ways = 0
        for length in range(1, min(i, longest) + 1):
            if counts[i - length] and letters[i - length : i] in spellings:
                ways |= counts[i - length] << 1
        counts.append(ways)
    return counts


def _split(letters: bytes, counts: Sequence[int], size: int, spellings: Mapping[bytes, int]) -> list[int]:
    """So many tokens that spell some bytes; `counts` says that there are such."""
    tokens: list[int] = []
    at = len(letters)
    while at:
        length = next(
            n
            for n in range(1, at + 1)
            if letters[at - n : at] in spellings and counts[at - n] >> (size - 1 - len(tokens)) & 1
        )
        tokens.append(spellings[letters[at - length : at]])
        at -= length
    return tokens[::-1]
