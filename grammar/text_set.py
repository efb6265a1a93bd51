"""Sets of texts, closed under intersection, union and complement: automata for the characters, numbers for the lengths.

The lengths are cut into intervals, and each interval has one automaton. So a bound on the length alone never becomes an
automaton: ``~{maxLength 5}`` is another cut at the same place, however large the number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np

from . import dfa as automata
from .dfa import ALL_TEXTS, MAX_STATES, NO_TEXT, CharDfa
from .errors import LimitExceeded

COUNTED_FROM = 32  # states of an automaton that only counts, from which counting beside it is cheaper
MAX_LENGTH = 1 << 30  # no bound on a length is taken for this one

# The first length of an interval and the language of the texts with a length in it.
Piece: TypeAlias = "tuple[int, CharDfa]"
# A language, and the least and the greatest number of characters.
Part: TypeAlias = "tuple[CharDfa | None, int, int | None]"


@dataclass(frozen=True)
class TextSet:
    """A set of texts without surrogates.

    Sets with equal pieces are equal; the converse does not hold, as an automaton may say more or less of the lengths
    outside of its interval.

    Attributes
    ----------
    pieces : tuple of (int, CharDfa)
        By length: the first piece begins at 0, each ends before the next, the last has no end. Neighbours differ.
    max_states : int
        Largest automaton that an operation may build, before it is minimised; that of the more generous operand.
        Beyond it they raise ``LimitExceeded("regex_states", ...)``.
    whole : tuple of (CharDfa or None, int, int or None)
        Parts of a larger set, with judged texts, that it stands for where it is not combined with another; or nothing.
    """

    pieces: tuple[Piece, ...]
    max_states: int = field(default=MAX_STATES, compare=False)
    whole: tuple[Part, ...] = ()

    @classmethod
    def all(cls, *, max_states: int = MAX_STATES) -> TextSet:
        """Every text."""
        return cls(((0, ALL_TEXTS),), max_states)

    @classmethod
    def of(
        cls,
        dfa: CharDfa | None = None,
        shortest: int = 0,
        longest: int | None = None,
        *,
        max_states: int = MAX_STATES,
    ) -> TextSet:
        """Texts of an automaton (None: any) with so many characters (longest None: no bound)."""
        pieces = [(0, NO_TEXT), (shortest, ALL_TEXTS if dfa is None else dfa)]
        if longest is not None:
            pieces.append((max(longest + 1, shortest), NO_TEXT))
        return cls(_normal(pieces), max_states)

    @classmethod
    def words(cls, words: Iterable[str], *, max_states: int = MAX_STATES) -> TextSet:
        """A finite list of texts; those with a surrogate are left out."""
        return cls.of(automata.from_words(words), max_states=max_states)

    def __and__(self, other: TextSet) -> TextSet:
        return self._combine(other, _intersection)

    def __or__(self, other: TextSet) -> TextSet:
        return self._combine(other, _union)

    def __invert__(self) -> TextSet:
        return TextSet(
            _normal([(first, _complement(dfa, self.max_states)) for first, dfa in self.pieces]), self.max_states
        )

    def _combine(self, other: TextSet, operation: Callable[[CharDfa, CharDfa, int], CharDfa]) -> TextSet:
        max_states = max(self.max_states, other.max_states)
        if operation is _intersection:
            for one, bound in ((self, other), (other, self)):
                if one.whole and bound._bounds_none_of(one.whole):
                    return replace(one, max_states=max_states)
        cuts = sorted({first for piece in (self, other) for first, _ in piece.pieces})
        pieces = [(first, operation(self._at(first), other._at(first), max_states)) for first in cuts]
        return TextSet(_normal(pieces), max_states)

    def _bounds_none_of(self, parts: tuple[Part, ...]) -> bool:
        """Whether every text with a length that some parts have is in the set."""
        first = min(low for _, low, _ in parts)
        last = max(MAX_LENGTH if high is None else high for _, _, high in parts)
        here = (dfa for dfa, low, high in self._intervals() if low <= last and (high is None or high >= first))
        return all(dfa == ALL_TEXTS for dfa in here)

    def _at(self, length: int) -> CharDfa:
        """The language of the texts of a length."""
        return next(dfa for first, dfa in reversed(self.pieces) if first <= length)

    def _intervals(self) -> list[tuple[CharDfa, int, int | None]]:
        """The pieces and their lengths."""
        ends = [first - 1 for first, _ in self.pieces[1:]]
        return [(dfa, first, last) for (first, dfa), last in zip(self.pieces, [*ends, None], strict=True)]

    def _spans(self) -> list[tuple[CharDfa, int, int | None]]:
        """The same of the pieces with a text, perhaps."""
        return [span for span in self._intervals() if span[0].n_states]

    def parts(self, max_states: int | None = None) -> tuple[Part, ...]:
        """Disjoint languages with bounds on the length that can be counted beside the automaton.

        From every state that is reached within the bounds, some continuation meets them. Where counting alone cannot
        promise that, the bounds are built into the automaton.

        Parameters
        ----------
        max_states : int, optional
            Instead of that of the set.

        Returns
        -------
        parts : tuple of (CharDfa or None, int, int or None)
            Language (None: any text), fewest and most characters. No part is empty; no parts: no text.

        Raises
        ------
        LimitExceeded
            ``regex_states``
        """
        if self.whole:
            return self.whole
        allowed = self.max_states if max_states is None else max_states
        parts = (_counted(*span, allowed) for span in self._spans())
        return tuple(part for part in parts if part is not None)

    def automaton(self) -> CharDfa:
        """One automaton of the whole set, with the bounds on the length built in.

        Raises
        ------
        LimitExceeded
            ``regex_states``
        """
        limit = self.max_states
        spans = [_within(dfa, first, last, limit) for dfa, first, last in self._spans()]
        return automata.union(*spans, max_states=limit) if spans else NO_TEXT

    def is_empty(self) -> bool:
        """Whether no text is in the set."""
        return self.size(1) == 0

    def matches(self, text: str) -> bool:
        """Whether a text is in the set."""
        if self.whole:
            fitting = (dfa for dfa, low, high in self.whole if low <= len(text) and (high is None or len(text) <= high))
            return any(dfa is None or automata.matches(dfa, text) for dfa in fitting)
        return automata.matches(self._at(len(text)), text)

    def size(self, most: int) -> int:
        """Number of texts, or `most` where there are at least so many (`most` up to 2**52)."""
        total = 0
        for span in self._spans():
            total += _count(*span, most - total)
        return total

    def words_if_few(self, most: int) -> tuple[str, ...] | None:
        """The texts, sorted; None where there are more than `most`, or where they are too long for an automaton."""
        if self.size(most + 1) > most:
            return None
        found: list[str] = []
        for dfa, first, last in self._spans():
            longest = int(automata.lengths(dfa)[1][0])
            last = longest if last is None else last
            try:
                within = dfa if first == 0 and 0 <= longest <= last else _within(dfa, first, last, self.max_states)
            except LimitExceeded:
                return None
            found += automata.words(within, most) or ()
        return tuple(sorted(found))


def _normal(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """Pieces without empty intervals, and without neighbours that are one; languages that never fit are `NO_TEXT`."""
    kept: list[Piece] = []
    given = list(pieces)
    for i, (first, dfa) in enumerate(given):
        end = given[i + 1][0] if i + 1 < len(given) else None
        if end is not None and first >= end:
            continue
        language = dfa if _may_fit(dfa, first, end) else NO_TEXT
        if not kept or kept[-1][1] != language:
            kept.append((first, language))
    return tuple(kept)


def _may_fit(dfa: CharDfa, first: int, end: int | None) -> bool:
    """Whether some lengths of a language lie on either side of, or between, the bounds."""
    if not dfa.n_states:
        return False
    shortest, longest, _ = automata.lengths(dfa)
    return not (0 <= longest[0] < first or (end is not None and shortest[0] >= end))


def _intersection(a: CharDfa, b: CharDfa, max_states: int) -> CharDfa:
    if b in (a, ALL_TEXTS) or not a.n_states:
        return a
    return b if a == ALL_TEXTS or not b.n_states else automata.intersection(a, b, max_states=max_states)


def _union(a: CharDfa, b: CharDfa, max_states: int) -> CharDfa:
    if a in (b, ALL_TEXTS) or not b.n_states:
        return a
    return b if not a.n_states or b == ALL_TEXTS else automata.union(a, b, max_states=max_states)


def _complement(dfa: CharDfa, max_states: int) -> CharDfa:
    if not dfa.n_states:
        return ALL_TEXTS
    return NO_TEXT if dfa == ALL_TEXTS else automata.complement(dfa, max_states=max_states)


def _within(dfa: CharDfa, shortest: int, longest: int | None, max_states: int) -> CharDfa:
    return automata.restrict_length(dfa, shortest, longest, max_states=max_states)


def _counted(dfa: CharDfa, shortest: int, longest: int | None, max_states: int) -> Part | None:
    """A language with bounds on its length: counted beside the automaton where that is exact, else built in."""
    if dfa == ALL_TEXTS:
        return None, shortest, longest
    run = automata.counted_run(dfa) if dfa.n_states > COUNTED_FROM else None
    if run is not None:
        dfa, fewest, most = run
        shortest, longest = max(shortest, fewest), most if longest is None else min(longest, most)
        return (None if dfa == ALL_TEXTS else dfa), shortest, longest
    low, high, _ = automata.lengths(dfa)
    if low[0] >= shortest and (longest is None or 0 <= high[0] <= longest):
        return dfa, 0, None
    if longest is None or automata.gaps_below(dfa, longest - shortest + 1):
        return dfa, shortest, longest
    built_in = _within(dfa, shortest, longest, max_states)
    return (built_in, 0, None) if built_in.n_states else None


def _count(dfa: CharDfa, shortest: int, longest: int | None, most: int) -> int:
    """Number of texts of a language with so many characters, at most `most`.

    Follows the number of ways to each state, cut at `most`, from length to length, until that vector comes back
    (Brent's cycle detection): from then on every period adds the same.
    """
    sizes = np.array([sum(s[1::2]) - sum(s[::2]) for s in dfa.class_sets], np.float64)
    states, classes = np.nonzero(dfa.trans >= 0)
    targets, factors = dfa.trans[states, classes], np.minimum(sizes, most)[classes]
    ways = np.zeros(dfa.n_states)
    ways[0] = 1
    total = length = 0
    saved, saved_at, saved_total, wait = ways, 0, 0, 1
    while total < most and ways.any() and (longest is None or length <= longest):
        if length == shortest or length - saved_at == wait:
            wait = 1 if length == shortest else 2 * wait
            saved, saved_at, saved_total = ways, length, total
        elif length > saved_at and np.array_equal(saved, ways):
            period, gain = length - saved_at, total - saved_total
            end = shortest if length < shortest else longest
            if end is None or (length >= shortest and not gain):
                return most if gain else total
            rounds = (end - length) // period
            total, length = total + gain * rounds, length + period * rounds
            saved_at, saved_total = length, total
            if length == shortest:
                continue
        if length >= shortest:
            total += int(min(ways[dfa.accept > 0].sum(), most))
        ways = np.minimum(np.bincount(targets, ways[states] * factors, dfa.n_states), most)
        length += 1
    return min(total, most)
