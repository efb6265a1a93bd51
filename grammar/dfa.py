"""Deterministic automata over Unicode characters, in the one canonical form of their language."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import accumulate
from math import prod
from operator import and_
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..native import dfa as kernels
from ..native import text_lengths
from ..native.minimise import canonical_over, smallest
from . import charset, lookaround
from .charset import CharSet
from .errors import LimitExceeded
from .program import Program, packed
from .regular import ANY_CHAR, ANY_TEXT, EMPTY, Alt, And, Not, Regular, repeat

I32 = NDArray[np.int32]

MAX_STATES = 10_000
# The subsets of the construction may hold so many instructions on average, if all states that are allowed are made.
SIZE_PER_STATE = 500
FEW_STATES = 256  # of so many it is looked up which ones texts of some length lead to
MANY = 1 << 30  # words from which on they are not counted any further
_REFUSED = np.zeros(1, np.uint8)


@dataclass(frozen=True, eq=False)
class CharDfa:
    """A minimal automaton: every state is reachable and can reach acceptance; state 0 is the start.

    Automata of equal languages have equal arrays, so they compare and hash by content. The empty language has no state.

    Attributes
    ----------
    starts : (n_intervals,) int32
        First code points of consecutive intervals; ``starts[0] == 0``, the last one ends at 0x10FFFF.
    cls : (n_intervals,) int32
        Class of the characters of each interval, numbered in the order of their first characters.
    trans : (n_states, n_classes) int32
        Next state, -1 where no continuation is accepted; always -1 for surrogates.
    accept : (n_states,) uint8
        1 where the text read so far is accepted.
    """

    starts: I32
    cls: I32
    trans: I32
    accept: NDArray[np.uint8]

    @cached_property
    def key(self) -> bytes:
        """The whole automaton as bytes; equal exactly for equal languages."""
        shape = np.array([len(self.starts), *self.trans.shape], np.int32)
        return b"".join(a.tobytes() for a in (shape, self.starts, self.cls, self.trans, self.accept))

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, CharDfa) and self.trans.shape == other.trans.shape and self.key == other.key

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        """Of the first states alone: an automaton of megabytes is known by them as well."""
        arrays = self.starts, self.cls, self.trans[:64], self.accept
        return hash((self.trans.shape, *(a.tobytes() for a in arrays)))

    @property
    def n_bytes(self) -> int:
        """Size of the arrays."""
        return self.starts.nbytes + self.cls.nbytes + self.trans.nbytes + self.accept.nbytes

    @property
    def n_states(self) -> int:
        """Number of states."""
        return len(self.accept)

    @cached_property
    def intervals(self) -> tuple[list[int], list[int]]:
        """``starts`` and ``cls`` as lists."""
        return self.starts.tolist(), self.cls.tolist()

    def classes(self, text: str) -> Iterator[int]:
        """Class of each character of a text."""
        starts, cls = self.intervals
        return (cls[bisect_right(starts, ord(char)) - 1] for char in text)

    def state_after(self, text: str) -> int:
        """The state that a text leads to, or -1; there must be a state."""
        step, state = self.trans.item, 0
        for c in self.classes(text):
            state = step(state, c)
            if state < 0:
                return -1
        return state

    def accepts(self, text: str) -> bool:
        """Whether a text is accepted; there must be a state."""
        state = self.state_after(text)
        return state >= 0 and bool(self.accept[state])

    @cached_property
    def beginnings(self) -> int:
        """Bit set of how texts begin: the code points below 128, one bit for all others, and one for the empty text."""
        if not self.n_states:
            return 0
        goes_on = (self.trans[0] >= 0).tolist()
        found = int(self.accept[0]) << 129
        for first, past, c in zip(self.intervals[0], [*self.intervals[0][1:], 129], self.intervals[1], strict=True):
            if goes_on[c]:
                found |= (1 << min(past, 129)) - (1 << min(first, 128))
        return found

    @cached_property
    def lengths(self) -> tuple[I32, I32, bool]:
        """See :func:`lengths`."""
        accept = self.accept.astype(np.int32)
        shortest, longest = text_lengths.lengths(self.trans, accept)
        return shortest, longest, bool(text_lengths.gapfree(self.trans, accept, shortest, longest))

    @cached_property
    def repeated(self) -> tuple[CharDfa, int, int | None] | None:
        """Of ``[a-z]{2,8}``: ``[a-z]*``, 2 and 8 (None: no most); None of whatever does not just count, or up to 1."""
        n = self.n_states
        if n < 3 or self.trans.shape[1] > 2:
            return None
        goes_on, ahead = self.trans >= 0, np.arange(1, n + 1)
        if (goes_on[:-1] != goes_on[0]).any() or (np.diff(self.accept.astype(np.int8)) < 0).any():
            return None
        if (np.where(goes_on, self.trans, ahead[:, None])[:-1] != ahead[:-1, None]).any():
            return None
        is_endless = bool(goes_on[-1].any())
        if is_endless and ((goes_on[-1] != goes_on[0]).any() or self.trans[-1].max() != n - 1):
            return None
        each = CharDfa(self.starts, self.cls, np.where(goes_on[:1], 0, -1).astype(np.int32), np.ones(1, np.uint8))
        return each, int(self.accept.argmax()), None if is_endless else n - 1

    @cached_property
    def class_sets(self) -> list[CharSet]:
        """Characters of each class."""
        return charset.sets_of_classes(*self.intervals, self.trans.shape[1])


def coloured(starts: I32, cls: I32, trans: I32, colour: I32) -> tuple[CharDfa, I32]:
    """An automaton in canonical form, and the colours of its states."""
    return CharDfa(starts, cls, trans, (colour > 0).astype(np.uint8)), colour


def _check(n_states: int, max_states: int) -> None:
    if n_states > max_states:
        raise LimitExceeded("regex_states", n_states, max_states, keyword="pattern")


def compile(node: Regular, *, max_states: int = MAX_STATES) -> CharDfa:
    """Automaton of a regular expression.

    Raises
    ------
    LimitExceeded
        ``regex_states``: the automaton before minimisation, or the expression with its counted repeats written out,
        is too large.
    GrammarError
        An assertion inside an `And` or `Not` that is only a part of the expression.
    """
    return _compile(node, max_states, 0)


def _compile(node: Regular, max_states: int, depth: int) -> CharDfa:
    def part(node: Regular) -> CharDfa:
        return _compile(node, max_states, depth)

    if isinstance(node, And):
        return intersection(*map(part, node.parts), max_states=max_states)
    if isinstance(node, Not):
        return complement(part(node.part), max_states=max_states)
    if isinstance(node, Alt) and any(isinstance(choice, And | Not) for choice in node.parts):
        return union(*map(part, node.parts), max_states=max_states)
    program = Program(node, part, max_states)
    code, sets = program.code, [*program.sets]
    if program.looks:
        code, sets = lookaround.expand(program, lambda n, d: _compile(n, max_states, d), depth, max_states)
    words, n, most = packed(code, sets), len(code.label), SIZE_PER_STATE * max_states
    starts, cls, trans, accept, n_states, size = kernels.compiled(words, n, len(sets), max_states, most)
    _check(max(n_states, -(-size // SIZE_PER_STATE)), max_states)
    return coloured(starts, cls, trans, accept)[0]


def _distinct(values: NDArray[Any]) -> NDArray[Any]:
    """The different numbers of an array, in order: what ``np.unique`` does with 7 ms of imports when first called."""
    ordered = np.sort(values)
    first = np.empty(len(ordered), np.bool_)
    first[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered[first]


def _product(dfas: Sequence[CharDfa], required: Sequence[bool], max_states: int) -> tuple[I32, I32, I32, I32]:
    """Intervals, classes and transitions of the product, and which of the automata accept, (n_states, n) int32."""
    starts = _distinct(np.concatenate([dfa.starts for dfa in dfas]))
    columns = [dfa.cls[dfa.starts.searchsorted(starts, "right") - 1].tolist() for dfa in dfas]
    number: dict[tuple[int, ...], int] = {}
    cls = [number.setdefault(column, len(number)) for column in zip(*columns, strict=True)]
    tables = [dfa.trans.reshape(-1) for dfa in dfas]
    offsets = np.array([0, *accumulate(map(len, tables[:-1]))], np.int32)
    widths = [dfa.trans.shape[1] for dfa in dfas]
    column = np.array([widths, *number], np.int32).T.copy()
    begin = np.array([min(dfa.n_states, 1) - 1 for dfa in dfas], np.int32)
    needed = np.array(required, np.uint8)
    trans, parts = kernels.product(np.concatenate(tables), offsets, begin, column, needed, max_states)
    _check(len(trans), max_states)
    accept = np.concatenate([_REFUSED, *(dfa.accept for dfa in dfas)])  # the first for an automaton that has failed
    own = np.array([*accumulate([dfa.n_states for dfa in dfas[:-1]], initial=1)], np.int32)
    return starts, np.array(cls, np.int32), trans, accept[np.where(parts < 0, 0, parts + own)].astype(np.int32)


def _combine(dfas: Sequence[CharDfa], required: Sequence[bool], wanted: Sequence[int], max_states: int) -> CharDfa:
    """Texts of which each automaton says what is wanted: 1 accept, 0 refuse; -1 stands for "at least one accepts"."""
    starts, cls, trans, accepts = _product(dfas, required, max_states)
    if wanted[0] < 0:
        colour = accepts.max(axis=1, initial=0)
    else:
        colour = (accepts == np.array(wanted)).all(axis=1)
    return coloured(*smallest(starts, cls, trans, colour.astype(np.int32)))[0]


def intersection(*dfas: CharDfa, max_states: int = MAX_STATES) -> CharDfa:
    """Texts that every automaton accepts."""
    if len(dfas) == 1:
        return dfas[0]
    if not reduce(and_, [dfa.beginnings for dfa in dfas]):
        return NO_TEXT
    return _combine(dfas, [True] * len(dfas), [1] * len(dfas), max_states)


def most_together(dfas: Sequence[CharDfa]) -> int:
    """A bound on the states of an intersection before it is minimised, which costs little where one automaton is small.

    One character leads to few states; the states that longer texts lead to may all come together.
    """
    if not all(dfa.n_states for dfa in dfas):
        return 0
    first = prod(len({*dfa.trans[0].tolist()} - {-1}) for dfa in dfas)
    return 1 + first + prod(_reached_late(dfa) for dfa in dfas)


def _reached_late(dfa: CharDfa) -> int:
    """A bound on the states that texts of two characters and more lead to."""
    if dfa.n_states > FEW_STATES:
        return dfa.n_states
    states: Iterable[int] = range(dfa.n_states)
    rows = dfa.trans.tolist()
    for _ in range(2):
        states = {to for state in states for to in rows[state] if to >= 0}
    return len({*states})


def union(*dfas: CharDfa, max_states: int = MAX_STATES) -> CharDfa:
    """Texts that at least one automaton accepts."""
    if len(dfas) == 1:
        return dfas[0]
    return _combine(dfas, [False] * len(dfas), [-1], max_states)


def difference(a: CharDfa, b: CharDfa, *, max_states: int = MAX_STATES) -> CharDfa:
    """Texts that `a` accepts and `b` does not."""
    return _combine((a, b), (True, False), (1, 0), max_states)


def complement(a: CharDfa, *, max_states: int = MAX_STATES) -> CharDfa:
    """Texts (without surrogates) that `a` does not accept."""
    return difference(ALL_TEXTS, a, max_states=max_states)


def product(
    dfas: Sequence[CharDfa],
    *,
    rest: bool = False,
    matters: Callable[[int], bool] = lambda _: True,
    max_states: int = MAX_STATES,
) -> tuple[CharDfa, list[int]]:
    """Run several automata at once.

    Parameters
    ----------
    dfas : sequence of CharDfa
    rest : bool
        Accept texts that none of them accepts, too.
    matters : callable
        Of a profile, whether its texts are accepted at all.
    max_states : int

    Returns
    -------
    dfa : CharDfa
        Minimal among the automata that tell the same profiles.
    profile : list of int, one for each state
        Bit i is set where the i-th automaton accepts the text read so far.
    """
    members = [*dfas, ALL_TEXTS] if rest else list(dfas)
    if not members:
        return NO_TEXT, []
    starts, cls, trans, accepts = _product(members, [rest and dfa is ALL_TEXTS for dfa in members], max_states)
    packed = np.packbits(accepts.astype(np.uint8), axis=1, bitorder="little")
    rows, width = packed.tobytes(), packed.shape[1]
    masks = [rows[at : at + width] for at in range(0, len(rows), width)]
    by_colour, number = [0], {bytes(width): 0}
    for mask in dict.fromkeys(masks):
        if mask not in number:
            profile = int.from_bytes(mask, "little") & ((1 << len(dfas)) - 1)
            number[mask] = len(by_colour) if matters(profile) else 0
            by_colour += [profile] if number[mask] else []
    colour = np.array([number[mask] for mask in masks], np.int32)
    dfa, colour = coloured(*smallest(starts, cls, trans, colour))
    return dfa, [by_colour[c] for c in colour.tolist()]


def recolour(dfa: CharDfa, colours: Sequence[int]) -> tuple[CharDfa, list[int]]:
    """The minimal automaton that tells the same colour (0: not accepted) for every text, and its states' colours."""
    merged, kept = coloured(*smallest(dfa.starts, dfa.cls, dfa.trans, np.array(colours, np.int32)))
    return merged, kept.tolist()


def absorbing(dfa: CharDfa) -> NDArray[np.bool_]:
    """Which states every character leads back to, (n_states,)."""
    ends = np.append(dfa.starts[1:], charset.END)
    real = _distinct(dfa.cls[(dfa.starts < 0xD800) | (ends > 0xE000)])  # not of surrogates alone
    stays: NDArray[np.bool_] = (dfa.trans[:, real] == np.arange(dfa.n_states)[:, None]).all(axis=1)
    return stays


def words(dfa: CharDfa, most: int) -> list[str] | None:
    """The language as a sorted list when it has at most `most` texts, else None."""
    if not is_finite(dfa):
        return None
    letters = [
        [
            point
            for first, last in zip(s[::2], s[1::2], strict=True)
            for point in range(first, min(last, first + most + 1))
        ]
        for s in dfa.class_sets
    ]
    found: list[str] = []
    pending = [(0, "")] if dfa.n_states else []
    while pending:
        state, text = pending.pop()
        if dfa.accept[state]:
            found.append(text)
        pending.extend((int(to), text + chr(p)) for c, to in enumerate(dfa.trans[state]) if to >= 0 for p in letters[c])
        if len(found) + len(pending) > most:
            return None
    return sorted(found)


def from_words(words: Iterable[str], *, max_states: int = 1_000_000) -> CharDfa:
    """Automaton of a finite list of texts; those with a surrogate are left out, as no text holds one."""
    kept = sorted({word for word in words if word.isascii() or not any("\ud800" <= char <= "\udfff" for char in word)})
    if not kept:
        return NO_TEXT
    text = "".join(kept)
    used = {*map(ord, {*text})}
    points = sorted({0, *used, *[point + 1 for point in used if point < charset.END - 1]})
    number: dict[int, int] = {}
    kinds = [number.setdefault(point if point in used else -1, len(number)) for point in points]
    starts, cls = np.array(points, np.int32), np.array(kinds, np.int32)
    ends = np.array([0, *accumulate(map(len, kept))], np.int32)
    letters = cls[starts.searchsorted(np.frombuffer(text.encode("utf-32-le"), np.int32))]
    trans, accept = kernels.words(letters, ends, len(number), max_states)
    _check(len(trans), max_states)
    return coloured(*canonical_over(starts, cls, trans, accept))[0]


def restrict_length(dfa: CharDfa, low: int, high: int | None, *, max_states: int = MAX_STATES) -> CharDfa:
    """Texts of the automaton with `low` to `high` characters (any number from `low` on where `high` is None)."""
    if low == 0 and high is None:
        return dfa
    counter = compile(repeat(ANY_CHAR, low, high), max_states=max_states)
    return intersection(dfa, counter, max_states=max_states)


def lengths(dfa: CharDfa) -> tuple[I32, I32, bool]:
    """How many further characters lead to acceptance, worked out once for an automaton.

    Returns
    -------
    shortest : (n_states,) int32
    longest : (n_states,) int32
        -1 where there is no bound.
    gapfree : bool
        Whether every length between the two is possible, from every state.
    """
    return dfa.lengths


def counted_run(dfa: CharDfa) -> tuple[CharDfa, int, int] | None:
    """The automaton of any number of characters of a set, and how few and many `dfa` takes of them, if that is all.

    ``[a-z]{5,200}`` is such a run. O(size of the automaton).
    """
    if not dfa.n_states:
        return None
    last = dfa.n_states - 1
    reads = dfa.trans[:1] >= 0
    fewest = last + 1 - int(dfa.accept.sum())
    if not dfa.accept[fewest:].all() or (dfa.trans[last] >= 0).any() or dfa.trans[0].max() > 1:
        return None
    if not np.array_equal(dfa.trans[:last], np.where(reads, np.arange(1, last + 1)[:, None], -1)):
        return None
    loop = np.where(reads, 0, -1).astype(np.int32)
    return coloured(*canonical_over(dfa.starts, dfa.cls, loop, np.ones(1, np.int32)))[0], fewest, last


def counting(dfa: CharDfa, colours: ArrayLike, often: str, least: int) -> tuple[NDArray[np.bool_], I32]:
    """Which characters do nothing in a state but to count.

    In ``[a-z]{1,64}``, every letter leads to a state that differs from the one before in the letters that may still
    follow, and in nothing else. (A state that they lead back to counts nothing.)

    Parameters
    ----------
    dfa : CharDfa
    colours : (n_states,) int
        What else tells states apart.
    often : str
        Characters to look for: a set without any of them is not found.
    least : int
        How many must count in a row, for some state, to be worth the work.

    Returns
    -------
    run : (n_states, n_classes) bool
        The classes that lead to one state, and have one of these characters: of several such sets, the largest. Of no
        meaning where nothing counts.
    far : (n_states,) int32
        How many of them do nothing but to count; 0 where nothing is worth the work.
    """
    found = np.array(sorted(set(dfa.classes(often))), np.int32)
    colour = np.ascontiguousarray(colours, np.int32)
    ahead, far = text_lengths.counting(dfa.trans, colour, _class_sizes(dfa), found, least)
    return dfa.trans == ahead[:, None], far


def _class_sizes(dfa: CharDfa) -> NDArray[np.int64]:
    """How many characters each class has."""
    width = np.diff(dfa.starts, append=charset.END)
    return np.bincount(dfa.cls, width, dfa.trans.shape[1]).astype(np.int64)


def word_counts(dfa: CharDfa) -> I32:
    """How many continuations each state accepts, (n_states,) int32: -1 without end; ``MANY`` is that many or more."""
    longest = lengths(dfa)[1]
    counts = np.where(longest < 0, np.int32(-1), dfa.accept)  # a plain -1 would become one of the bytes of `accept`
    in_order = np.argsort(longest, kind="stable")[np.count_nonzero(longest < 0) :].astype(np.int32)
    text_lengths.count_words(dfa.trans, _class_sizes(dfa), in_order, MANY, counts)
    return counts


def gaps_below(dfa: CharDfa, width: int) -> bool:
    """Whether, from every state, some length of continuation falls in any window of `width` lengths between the
    shortest and the longest. False also where that is not certain after a while, or the automaton is very large.

    The sets of states that accept in exactly k characters are followed until one of them comes back.
    """
    width = min(width, 64)  # a narrower window is harder to meet, and the search takes longer with a wider one
    _, longest, gapfree = lengths(dfa)
    if gapfree:
        return True
    states, classes = np.nonzero(dfa.trans >= 0)
    edges = _distinct(states * dfa.n_states + dfa.trans[states, classes])
    if len(edges) > 200_000:
        return False
    by_edge, targets = edges // max(dfa.n_states, 1), edges % max(dfa.n_states, 1)
    first = np.flatnonzero(np.diff(by_edge, prepend=-1))
    sources = by_edge[first]
    now = dfa.accept.astype(bool)
    since = np.where(now, 0, -1)  # lengths since the last one that was possible; -1: none yet
    seen: set[bytes] = set()
    for length in range(512):
        key = now.tobytes() + np.minimum(since, width).tobytes()
        if key in seen:
            return True
        seen.add(key)
        if ((since >= width) & ((longest < 0) | (longest > length))).any():
            return False
        after = np.zeros(dfa.n_states, np.bool_)
        after[sources] = np.logical_or.reduceat(now[targets], first) if len(edges) else False
        now = after
        since = np.where(now, 0, np.where(since >= 0, since + 1, -1))
    return False


def is_finite(dfa: CharDfa) -> bool:
    """Whether the automaton accepts finitely many texts."""
    return bool((lengths(dfa)[1] >= 0).all())


def matches(dfa: CharDfa, text: str) -> bool:
    """Whether the automaton accepts a text."""
    return dfa.n_states > 0 and dfa.accepts(text)


def _readable(points: CharSet) -> str:
    """A character of a class that is easy on the eye: a letter or digit, else printable, else the first."""
    spans = list(zip(points[::2], points[1::2], strict=True))
    near = [chr(p) for a, b in spans for p in range(a, min(b, a + 128))]
    return next((c for c in near if c.isascii() and c.isalnum()), next(filter(str.isprintable, near), near[0]))


def example(dfa: CharDfa) -> str | None:
    """A shortest text of the automaton, or None where it accepts none."""
    if not dfa.n_states:
        return None
    shortest, state, text = lengths(dfa)[0], 0, ""
    while shortest[state]:
        row = dfa.trans[state].tolist()
        c = next(c for c, t in enumerate(row) if t >= 0 and shortest[t] < shortest[state])
        text += _readable(dfa.class_sets[c])
        state = row[c]
    return text


ALL_TEXTS, NO_TEXT = compile(ANY_TEXT), compile(EMPTY)
