"""Which JSON numbers a schema admits: exact decimal bounds, integrality, multiples and spelling."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import NamedTuple

from detent.grammar.decimals import as_decimal, common_multiple, decimal_places, exact_decimal, is_multiple, is_plain
from detent.grammar.errors import GrammarError, Unenforceable, Unsatisfiable
from detent.grammar.number_table import encode

MAX_BOUND_PLACES = 2_000  # digits before or after the point of a bound or a multiple


@dataclass(frozen=True)
class NumberSpec:
    """The set of numbers between two bounds that are multiples of one step and of none of some others.

    Parameters
    ----------
    lo, hi : Decimal, int or None
        Bounds, exact; None is no bound. A float is taken as its shortest decimal (its ``repr``).
    lo_open, hi_open : bool
        True where the bound itself is excluded.
    integer : bool
        The value is an integer however it is written: ``1.0``, ``15e1`` and ``150e-1`` are.
    lexical_integer : bool
        The text has neither point nor exponent (JSON Schema draft 4).
    multiple_of : Decimal, int or None
        The value is a multiple of this positive number.
    excluded : tuple of Decimal or int
        The value is a multiple of none of these positive numbers (1: it is not an integer). Kept in one form: as
        multiples of the wanted step, without those that say nothing, sorted.
    marked : bool
        The text has a point or an exponent: what `lexical_integer` leaves out.

    Raises
    ------
    GrammarError
        A bound that is not finite or has more than `MAX_BOUND_PLACES` places, or a multiple that is not positive.

    Examples
    --------
    >>> NumberSpec(lo=0, hi=10, multiple_of=Decimal("0.5")).admits(2.5)
    True
    >>> NumberSpec(lo=Decimal("0.2"), hi=Decimal("0.8"), integer=True).is_empty()
    True
    >>> NumberSpec(multiple_of=2, excluded=(3, 5, 12)).excluded
    (Decimal('6'), Decimal('10'))
    """

    lo: Decimal | int | None = None
    lo_open: bool = False
    hi: Decimal | int | None = None
    hi_open: bool = False
    integer: bool = False
    lexical_integer: bool = False
    multiple_of: Decimal | int | None = None
    excluded: tuple[Decimal | int, ...] = ()
    marked: bool = False

    def __post_init__(self) -> None:
        for name, keyword in (("lo", "minimum"), ("hi", "maximum"), ("multiple_of", "multipleOf")):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else _checked(value, keyword))
        object.__setattr__(self, "lo_open", self.lo is not None and bool(self.lo_open))
        object.__setattr__(self, "hi_open", self.hi is not None and bool(self.hi_open))
        excluded = [_checked(step, "multipleOf") for step in self.excluded]
        for step in [*excluded, *([] if self.multiple_of is None else [self.multiple_of])]:
            if step <= 0:
                raise GrammarError(f"{step} is not a positive number.", keyword="multipleOf")
        object.__setattr__(self, "excluded", self._noticed(excluded) if excluded else ())

    def _noticed(self, excluded: list[Decimal]) -> tuple[Decimal, ...]:
        """Return excluded steps as multiples of the wanted one, only those that exclude something the others do not."""
        step = self.step
        found: list[Fraction] = []
        for other in sorted(Fraction(e) if step is None else common_multiple([Fraction(e), step]) for e in excluded):
            if not any(other % smaller == 0 for smaller in found):
                found.append(other)
        bounds = replace(self, excluded=(), integer=False, lexical_integer=False)
        meets = (not replace(bounds, multiple_of=exact_decimal(each)).is_empty() for each in found)
        return tuple(exact_decimal(each) for each, met in zip(found, meets, strict=True) if met)

    def intersect(self, other: NumberSpec) -> NumberSpec:
        """Return the specification of the numbers that both admit."""
        lows = [(s.lo, s.lo_open) for s in (self, other) if s.lo is not None]
        highs = [(s.hi, not s.hi_open) for s in (self, other) if s.hi is not None]
        lo, lo_open = max(lows, default=(None, False))
        hi, hi_closed = min(highs, default=(None, True))
        steps = [Fraction(s.multiple_of) for s in (self, other) if s.multiple_of is not None]
        step = common_multiple(steps) if steps else None
        return NumberSpec(
            lo=lo,
            lo_open=lo_open,
            hi=hi,
            hi_open=not hi_closed,
            integer=self.integer or other.integer,
            lexical_integer=self.lexical_integer or other.lexical_integer,
            multiple_of=None if step is None else exact_decimal(step),
            excluded=self.excluded + other.excluded,
            marked=self.marked or other.marked,
        )

    def is_empty(self) -> bool:
        """Return whether no number is admitted (exact)."""
        return (self.marked and self.lexical_integer) or self._interval.is_empty()

    def admits(self, value: int | float | Decimal) -> bool:
        """Return whether a value is admitted, compared as an exact decimal.

        A float stands for its ``repr``. Written without point and exponent, as `lexical_integer` asks, are an int and a
        Decimal whose exponent is 0.
        """
        number = as_decimal(value)
        spelled = not self.marked if is_plain(value) else not self.lexical_integer
        return spelled and number.is_finite() and self.holds(number)

    def holds(self, value: int | Decimal) -> bool:
        """Return whether a finite value is admitted in some spelling."""
        number, step = Decimal(value), self.step
        above = self.lo is None or number > self.lo or (number == self.lo and not self.lo_open)
        below = self.hi is None or number < self.hi or (number == self.hi and not self.hi_open)
        if not (above and below and (step is None or is_multiple(number, step))):
            return False
        return not any(is_multiple(number, Fraction(each)) for each in self.excluded)

    def without(self, values: Iterable[Decimal]) -> list[NumberSpec]:
        """Return specifications of the numbers that are none of some values, which come in ascending order."""
        ends = [None, *filter(self.holds, values), None]
        if len(ends) == 2:
            return [self]
        return [found for lo, hi in pairwise(ends) if (found := _between(self, lo, hi)) is not None]

    def values(self) -> Iterator[Decimal]:
        """Yield the values in ascending order, from a lower bound that there must be; those of reals are its point."""
        interval = self._interval
        value = interval.lo
        while value is not None and (interval.hi is None or value <= interval.hi):
            if not interval.excludes(value):
                yield exact_decimal(Fraction(value, 10**interval.scale))
            value = value + interval.step if interval.step else None

    def encode(self) -> tuple[int, ...]:
        """Return the table of the kernels in :mod:`detent.native.number`, as int32 values.

        Raises
        ------
        Unsatisfiable
            No number is admitted.
        Unenforceable
            The steps cannot be tracked, see :func:`detent.grammar.number_table.encode`.
        """
        interval = self._interval
        if self.is_empty():
            raise Unsatisfiable("no number lies between the bounds.")
        excluded = [Fraction(each) for each in self.excluded]
        return encode(interval, self.step, excluded, plain_ok=not self.marked, point_ok=not self.lexical_integer)

    @property
    def has_steps(self) -> bool:
        """Return whether it says something of multiples."""
        return self.multiple_of is not None or bool(self.excluded)

    @cached_property
    def step(self) -> Fraction | None:
        """The least positive multiple, or None for the reals."""
        if self.multiple_of is None:
            return _ONE if self.integer or self.lexical_integer else None
        step = Fraction(self.multiple_of)
        return common_multiple([_ONE, step]) if self.integer or self.lexical_integer else step

    @cached_property
    def _interval(self) -> Interval:
        """The bounds in units of the last decimal place of them all, on admitted numbers if there is a step."""
        step = self.step
        given = [bound for bound in (self.lo, self.hi, step, *self.excluded) if bound is not None]
        scale = max(map(_places, given), default=0)

        def units(bound: Decimal | int | Fraction | None) -> int | None:
            return None if bound is None else int(bound) if scale == 0 else int(Fraction(bound) * 10**scale)

        lo, hi = units(self.lo), units(self.hi)
        excluded = tuple(int(Fraction(each) * 10**scale) for each in self.excluded)
        return Interval(lo, self.lo_open, hi, self.hi_open, units(step) or 0, scale, excluded).tightened()


@lru_cache(maxsize=1 << 13)
def _between(spec: NumberSpec, lo: Decimal | None, hi: Decimal | None) -> NumberSpec | None:
    """The numbers of a specification between two others, None if there are none.

    Where items must differ, it is asked about all that came before, for each item.
    """
    found = spec.intersect(NumberSpec(lo=lo, lo_open=True, hi=hi, hi_open=True))
    return None if found.is_empty() else found


_ONE = Fraction(1)


def _places(value: Decimal | int | Fraction) -> int:
    """How many decimal places a number has."""
    is_whole = value.denominator == 1 if isinstance(value, Fraction | int) else int(value.as_tuple().exponent) >= 0
    return 0 if is_whole else decimal_places(Fraction(value))


class Interval(NamedTuple):
    """The multiples of `step` (0: all decimals) and of no `excluded` between bounds, in units of ``10^-scale``."""

    lo: int | None
    lo_open: bool
    hi: int | None
    hi_open: bool
    step: int
    scale: int
    excluded: tuple[int, ...]

    def excludes(self, value: int) -> bool:
        return any(value % each == 0 for each in self.excluded)

    def tightened(self) -> Interval:
        """Move the bounds inwards to admitted multiples of the step and close them; without a step, open excluded ones.

        An excluded step is the step times something with a prime in it, and the multiples of r primes leave out one of
        any 2^r neighbours (Kanold): the walk to an admitted number is short.
        """
        lo, hi, step = self.lo, self.hi, self.step
        if not step:
            lo_open = self.lo_open or (lo is not None and self.excludes(lo))
            hi_open = self.hi_open or (hi is not None and self.excludes(hi))
            return self._replace(lo_open=lo_open, hi_open=hi_open)
        if self.excludes(step):
            return self._replace(lo=1, hi=0)
        if lo is not None:
            lo = -(-(lo + self.lo_open) // step) * step
            while self.excludes(lo):
                lo += step
        if hi is not None:
            hi = (hi - self.hi_open) // step * step
            while self.excludes(hi):
                hi -= step
        return self._replace(lo=lo, lo_open=False, hi=hi, hi_open=False)

    def is_empty(self) -> bool:
        if self.lo is None or self.hi is None:
            return False
        return self.lo > self.hi or (self.lo == self.hi and (self.lo_open or self.hi_open))

    def has_zero(self) -> bool:
        if self.excluded:
            return False
        above = self.lo is None or self.lo < 0 or (self.lo == 0 and not self.lo_open)
        return above and (self.hi is None or self.hi > 0 or (self.hi == 0 and not self.hi_open))

    def mirrored(self) -> Interval:
        lo, hi = (None if bound is None else -bound for bound in (self.hi, self.lo))
        return self._replace(lo=lo, lo_open=self.hi_open, hi=hi, hi_open=self.lo_open)

    def positive(self) -> Interval:
        """Return the part above zero; a lower bound that cuts nothing off is dropped (``lo=None``).

        The step itself is admitted: it is a multiple of no excluded step, all of which are greater.
        """
        if self.lo is None or self.lo <= self.step:
            return self._replace(lo=None, lo_open=False)
        return self


def _checked(value: Decimal | int | float, keyword: str) -> Decimal:
    number = as_decimal(value)
    if not number.is_finite():
        raise GrammarError(f"{value} is not a finite number.", keyword=keyword)
    _, digits, exponent = number.as_tuple()
    if max(-int(exponent), number.adjusted() + 1, len(digits)) > MAX_BOUND_PLACES:
        raise Unenforceable(
            "the number is too long to be compared digit by digit.",
            keyword=keyword,
            hint=f"At most {MAX_BOUND_PLACES} places on each side of the point are supported.",
        )
    return number if number else Decimal(0)
