"""Sets of JSON numbers closed under intersection, union and complement.

A set is told apart by the real line twice, once for integers written without point and exponent and once for all other
spellings. On each line finitely many cuts leave open gaps, and inside a gap only divisibility counts. There the set is
the sum of *weights*: how much each step adds to the multiples of it (step 0: to every number), 1 in all for members and
0 for others. No two sums of this kind are one function, the product of two steps is their least common multiple, and so
the algebra is that of polynomials: ``a & b = ab``, ``a | b = a + b - ab``, ``~a = 1 - a``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property, lru_cache, partial
from itertools import pairwise

from detent.grammar.decimals import as_decimal, common_multiple, exact_decimal, is_multiple, is_plain
from detent.grammar.errors import Unenforceable
from detent.grammar.number import NumberSpec

MAX_WEIGHTS = 256  # eight steps without common divisors
Weights = tuple[tuple[Fraction, int], ...]  # (step, weight), sorted, no weight 0
Cell = tuple[Fraction, tuple[Fraction, ...]]  # the multiples of a step and of none of some others

EVERY = Fraction(0)
ALL: Weights = ((EVERY, 1),)
NONE: Weights = ()
WHOLE: Weights = ((Fraction(1), 1),)


@dataclass(frozen=True)
class NumberSet:
    """A finite union of :class:`NumberSpec`: bounds, multiples, spellings and all that follows from them, exactly.

    Equal objects are equal sets. Equal sets are equal objects, with equal hashes, unless a step other than 1 has few
    multiples between two bounds; ``(a & ~b | b & ~a).is_empty()`` knows that, too.

    Examples
    --------
    >>> odd = NumberSet.of(NumberSpec(integer=True)) & ~NumberSet.of(NumberSpec(multiple_of=2))
    >>> odd.admits(3), odd.admits(4), odd.admits(3.5)
    (True, False, False)
    >>> (odd & NumberSet.of(NumberSpec(lo=0, hi=6))).values(10)
    (Decimal('1'), Decimal('3'), Decimal('5'))
    """

    _plain: _Line
    _marked: _Line

    @classmethod
    def all(cls) -> NumberSet:
        """Return the set of all numbers."""
        return cls.of(NumberSpec())

    @classmethod
    def of(cls, spec: NumberSpec) -> NumberSet:
        """Return the numbers, and their spellings, that a specification admits."""
        line = _Line.of(spec)
        return cls(NOTHING if spec.marked else line & INTEGERS, NOTHING if spec.lexical_integer else line)

    @classmethod
    def exactly(cls, values: Iterable[Decimal | int | float]) -> NumberSet:
        """Return the set of some finite values, however they are written."""
        cuts = tuple(sorted({as_decimal(value) for value in values}))
        line = _Line.made(cuts, [True] * len(cuts), [NONE] * (len(cuts) + 1))
        return cls(line & INTEGERS, line)

    def __and__(self, other: NumberSet) -> NumberSet:
        return NumberSet(self._plain & other._plain, self._marked & other._marked)

    def __or__(self, other: NumberSet) -> NumberSet:
        return NumberSet(self._plain | other._plain, self._marked | other._marked)

    def __invert__(self) -> NumberSet:
        return NumberSet(~self._plain & INTEGERS, ~self._marked)

    @cached_property
    def specs(self) -> tuple[NumberSpec, ...]:
        """Specifications that are not empty, have no number in common, and together are the set; in a fixed order."""
        if self._plain == self._marked & INTEGERS:
            return tuple(self._marked.specs())
        both = self._marked & (self._plain | ~INTEGERS)
        return (
            *both.specs(),
            *(self._plain & ~self._marked).specs(lexical_integer=True),
            *(self._marked & ~both).specs(marked=True),
        )

    def is_empty(self) -> bool:
        """Return whether no number is admitted."""
        return self._plain == self._marked == NOTHING

    def admits(self, value: Decimal | int | float) -> bool:
        """Return whether a value is admitted as it is written, see :meth:`NumberSpec.admits`."""
        number = as_decimal(value)
        return number.is_finite() and (self._plain if is_plain(value) else self._marked).admits(number)

    def size(self, most: int) -> int:
        """Return how many values there are, in whatever spelling, or `most` if they are more."""
        count = (self._plain | self._marked).count()
        return most if count is None else min(count, most)

    def values(self, most: int) -> tuple[Decimal, ...] | None:
        """Return the values in ascending order, or None if there are more than `most`."""
        line = self._plain | self._marked
        count = line.count()
        if count is None or count > most:
            return None
        return tuple(sorted(value for spec in line.specs() for value in spec.values()))


@dataclass(frozen=True)
class _Line:
    """A set of real numbers: what lies at each cut, and the weights in the gap before each cut and after the last."""

    cuts: tuple[Decimal, ...]
    points: tuple[bool, ...]
    gaps: tuple[Weights, ...]

    @classmethod
    def of(cls, spec: NumberSpec) -> _Line:
        """Return the values of a specification."""
        inside = _weights({spec.step or EVERY: 1})
        for step in spec.excluded:
            inside = _times(inside, _minus(ALL, ((Fraction(step), 1),)))
        if spec.lo is not None and spec.lo == spec.hi:
            return cls.made((as_decimal(spec.lo),), [spec.holds(spec.lo)], [NONE, NONE])
        if spec.lo is not None and spec.hi is not None and spec.lo > spec.hi:
            return NOTHING
        cuts = tuple(as_decimal(bound) for bound in (spec.lo, spec.hi) if bound is not None)
        before, after = [NONE] * (spec.lo is not None), [NONE] * (spec.hi is not None)
        return cls.made(cuts, [spec.holds(cut) for cut in cuts], [*before, inside, *after])

    @classmethod
    def made(cls, cuts: tuple[Decimal, ...], points: Iterable[bool], gaps: Iterable[Weights]) -> _Line:
        """Return a line without the cuts where nothing changes and the weights that do not count between theirs."""
        ends = (None, *cuts, None)
        rest = iter(gaps)
        line: list[tuple[Decimal | None, bool, Weights]] = [(None, False, next(rest))]
        for cut, point, right, end in zip(cuts, points, rest, ends[2:], strict=True):
            start, _, left = line[-1]
            for whole in (left, right, NONE, WHOLE):
                if (
                    _holds(whole, cut) == point
                    and (whole == left or _within(whole, start, cut) == _within(left, start, cut))
                    and (whole == right or _within(whole, cut, end) == _within(right, cut, end))
                ):
                    line[-1] = *line[-1][:2], whole
                    break
            else:
                line.append((cut, point, right))
        kept = [cut for cut, _, _ in line[1:] if cut is not None]
        within = (_within(gap, start, end) for (start, _, gap), end in zip(line, [*kept, None], strict=True))
        return cls(tuple(kept), tuple(point for _, point, _ in line[1:]), tuple(within))

    def __and__(self, other: _Line) -> _Line:
        return self._with(other, _times)

    def __or__(self, other: _Line) -> _Line:
        return self._with(other, lambda a, b: _minus(_plus(a, b), _times(a, b)))

    def __invert__(self) -> _Line:
        return _Line.made(self.cuts, [not point for point in self.points], [_minus(ALL, gap) for gap in self.gaps])

    def _with(self, other: _Line, combine: Callable[[Weights, Weights], Weights]) -> _Line:
        cuts = tuple(sorted({*self.cuts, *other.cuts}))
        pairs = [(self.gaps[0], other.gaps[0])]
        pairs += [(self._after(cut), other._after(cut)) for cut in cuts]
        sides = [[ALL if line.admits(cut) else NONE for line in (self, other)] for cut in cuts]
        return _Line.made(cuts, [combine(a, b) == ALL for a, b in sides], [combine(a, b) for a, b in pairs])

    def _after(self, cut: Decimal) -> Weights:
        at = bisect_left(self.cuts, cut)
        return self.gaps[at + (at < len(self.cuts) and self.cuts[at] == cut)]

    def admits(self, value: Decimal) -> bool:
        at = bisect_left(self.cuts, value)
        if at < len(self.cuts) and self.cuts[at] == value:
            return self.points[at]
        return _holds(self.gaps[at], value)

    def count(self) -> int | None:
        """Return the number of values, None if they are infinitely many."""
        counts = [_count(gap, a, b) for gap, (a, b) in zip(self.gaps, pairwise((None, *self.cuts, None)), strict=True)]
        known = [count for count in counts if count is not None]
        return sum(known) + sum(self.points) if len(known) == len(counts) else None

    def specs(self, *, lexical_integer: bool = False, marked: bool = False) -> list[NumberSpec]:
        """Return disjoint specifications: each cell of the weights runs on over all cuts that leave it alone."""
        make = partial(_spec, lexical_integer=lexical_integer, marked=marked)
        found: list[NumberSpec] = []
        single: list[Decimal] = []
        runs: dict[Cell, tuple[Decimal | None, bool]] = dict.fromkeys(_cells(self.gaps[0]), (None, False))
        for cut, point, gap in zip(self.cuts, self.points, self.gaps[1:], strict=True):
            cells = _cells(gap)
            through = {cell: runs[cell] for cell in cells if cell in runs and (point or not _in_cell(cell, cut))}
            missing = point and not any(_in_cell(cell, cut) for cell in through)
            for cell, start in runs.items():
                if cell not in through:
                    closed = missing and _in_cell(cell, cut)
                    missing = missing and not closed
                    found.append(make(cell, *start, cut, not closed))
            runs = {}
            for cell in cells:
                closed = missing and _in_cell(cell, cut)
                missing = missing and (cell in through or not closed)
                runs[cell] = through.get(cell, (cut, not closed))
            if missing:
                single.append(cut)
        for cell, start in runs.items():
            found.append(make(cell, *start, None, False))
        found += [make((Fraction(int(lo < hi)), ()), lo, False, hi, False) for lo, hi in _integer_runs(single)]
        return sorted((spec for spec in found if not spec.is_empty()), key=_order)


def _spec(
    cell: Cell,
    lo: Decimal | None,
    lo_open: bool,
    hi: Decimal | None,
    hi_open: bool,
    *,
    lexical_integer: bool,
    marked: bool,
) -> NumberSpec:
    step, excluded = cell
    multiple_of = exact_decimal(step) if step not in (EVERY, 1) else None
    divisibility = step == 1, lexical_integer, multiple_of, tuple(map(exact_decimal, excluded))
    return NumberSpec(lo, lo_open, hi, hi_open, *divisibility, marked)


def _order(spec: NumberSpec) -> tuple[bool, Decimal, bool, Fraction]:
    return spec.lo is not None, as_decimal(spec.lo or 0), spec.lo_open, spec.step or EVERY


def _integer_runs(points: list[Decimal]) -> Iterator[tuple[Decimal, Decimal]]:
    """Yield ascending numbers as the ends of intervals: neighbouring integers in one, others alone."""
    start = 0
    for at, point in enumerate(points, 1):
        if at == len(points) or points[at] - point != 1 or not is_multiple(point, Fraction(1)):
            yield points[start], point
            start = at


# ------------------------------------------------------------------------------------------------------------- weights
def _weights(weights: dict[Fraction, int]) -> Weights:
    found = tuple(sorted((step, weight) for step, weight in weights.items() if weight))
    _check(len(found))
    return found


def _check(count: int) -> None:
    if count > MAX_WEIGHTS:
        raise Unenforceable(
            "too many multiples are combined.",
            keyword="multipleOf",
            hint=f"At most {MAX_WEIGHTS} combinations of multiples can be told apart.",
        )


def _plus(a: Weights, b: Weights, sign: int = 1) -> Weights:
    found = dict(a)
    for step, weight in b:
        found[step] = found.get(step, 0) + sign * weight
    return _weights(found)


def _minus(a: Weights, b: Weights) -> Weights:
    return _plus(a, b, -1)


def _times(a: Weights, b: Weights) -> Weights:
    found: dict[Fraction, int] = {}
    for s, v in a:
        for t, w in b:
            step = _both(s, t)
            found[step] = found.get(step, 0) + v * w
    return _weights(found)


@lru_cache(maxsize=1024)
def _both(s: Fraction, t: Fraction) -> Fraction:
    """Return the step of the numbers that are multiples of two."""
    return common_multiple([s, t]) if s and t else s or t


def _divides(step: Fraction, other: Fraction) -> bool:
    return not step or (other != EVERY and other % step == 0)


def _holds(weights: Weights, value: Decimal) -> bool:
    return sum(weight for step, weight in weights if not step or is_multiple(value, step)) == 1


def _in_cell(cell: Cell, value: Decimal) -> bool:
    step, excluded = cell
    return (not step or is_multiple(value, step)) and not any(is_multiple(value, each) for each in excluded)


def _multiples(step: Fraction, a: Decimal, b: Decimal) -> int:
    """Return how many multiples lie strictly between two numbers."""
    n, d = step.numerator, step.denominator
    (low, low_d), (high, high_d) = a.as_integer_ratio(), b.as_integer_ratio()
    return max(0, -(-high * d // (high_d * n)) - low * d // (low_d * n) - 1)


def _count(weights: Weights, a: Decimal | None, b: Decimal | None) -> int | None:
    """Return how many numbers strictly between two bounds have weight 1, None if they are infinitely many."""
    if not weights:
        return 0
    if a is None or b is None or weights[0][0] == EVERY:
        return None
    return sum(weight * _multiples(step, a, b) for step, weight in weights)


def _within(weights: Weights, a: Decimal | None, b: Decimal | None) -> Weights:
    """Return weights without the steps that have no multiple strictly between two bounds; none if no number is left."""
    if a is None or b is None:
        return weights
    if not weights or _count(weights, a, b) == 0:
        return NONE
    return tuple((step, weight) for step, weight in weights if not step or _multiples(step, a, b))


@lru_cache(maxsize=1024)
def _cells(weights: Weights) -> tuple[Cell, ...]:
    """Return disjoint cells that make up a set: coarse steps first, each with all of its multiples that are members."""
    closed: set[Fraction] = set()
    for step, _ in weights:
        closed |= {step, *(_both(step, other) for other in closed)}
        _check(len(closed))
    steps = sorted(closed)
    left = {step for step in steps if sum(weight for each, weight in weights if _divides(each, step)) == 1}
    cells: list[Cell] = []
    for step in steps:
        if step in left:
            excluded: list[Fraction] = []
            for other in steps:  # ascending, so that divisors come first
                if other == step or not _divides(step, other) or any(_divides(each, other) for each in excluded):
                    continue
                if other in left:
                    left.remove(other)
                else:
                    excluded.append(other)
            cells.append((step, tuple(excluded)))
    return tuple(cells)


NOTHING = _Line((), (), (NONE,))
INTEGERS = _Line((), (), (WHOLE,))
