"""Which JSON numbers a schema admits: exact decimal bounds, integrality and multiples, and their integer table.

The table is read byte by byte by :mod:`detent.native.number`. Each sign has its own record, because the negative half
of an interval is the mirrored positive half.

Written exponents are limited where the value is judged; leading zeros of the exponent, zero, and a sign of which every
number is admitted know no limit, and neither does a number without an exponent. Elsewhere

- for a sign that a bound cuts, the exponent has at most three digits and a non-zero value lies in
  ``[10^LOWEST_DECADE, 10^HIGHEST_DECADE)``: an IEEE double;
- for a sign with no bound inside it, the exponent lies in ``+-FREE_EXPONENT``: the place of the point need not be
  remembered there, and a mantissa would have to pass a hundred digits to leave the doubles.

So whoever reads the numbers as doubles judges them as the specification does: 1e400 would be infinite, and 1e-400 zero,
which is an integer. Some limit must be: exponents are balanced against digits by counting, with finitely many states.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from itertools import chain
from math import lcm
from typing import NamedTuple

from detent.grammar.errors import GrammarError, Unsatisfiable
from detent.native import number_layout as layout
from detent.native.number_layout import EXPONENT_MAX, GREATER, INFINITE, LESS, NEVER

FREE_EXPONENT = 199
LOWEST_DECADE = -307
HIGHEST_DECADE = 308

MAX_BOUND_PLACES = 2_000  # digits before or after the point of a bound or a multiple
MAX_MODULUS = 1_000_000
MAX_PRIMES = 8  # that divide ten times such a number: the longest run of multiples that steps can exclude is below 2^8


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
        step = self._step()
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
        return (self.marked and self.lexical_integer) or self._interval().is_empty()

    def admits(self, value: int | float | Decimal) -> bool:
        """Return whether a value is admitted, compared as an exact decimal.

        A float stands for its ``repr``. Written without point and exponent, as `lexical_integer` asks, are an int and a
        Decimal whose exponent is 0.
        """
        if self.marked if is_plain(value) else self.lexical_integer:
            return False
        number = as_decimal(value)
        if not number.is_finite():
            return False
        step = self._step()
        above = self.lo is None or number > self.lo or (number == self.lo and not self.lo_open)
        below = self.hi is None or number < self.hi or (number == self.hi and not self.hi_open)
        if not (above and below and (step is None or is_multiple(number, step))):
            return False
        return not any(is_multiple(number, Fraction(each)) for each in self.excluded)

    def encode(self) -> tuple[int, ...]:
        """Return the table of the kernels in :mod:`detent.native.number`, as int32 values.

        Raises
        ------
        Unsatisfiable
            No number is admitted.
        GrammarError
            The step, or the least common multiple of all steps, without powers of ten, is above `MAX_MODULUS`; or
            an excluded step is `NEVER` decades away from the others.
        """
        interval = self._interval()
        if self.is_empty():
            raise Unsatisfiable("no number lies between the bounds.")
        wanted = self._step()
        step = _Step.of(wanted)
        exclusions = []
        if self.excluded:
            step, exclusions = _exclusions(wanted, step, [_Step.of(Fraction(each)) for each in self.excluded])
        positive, negative = interval.positive(), interval.mirrored().positive()
        zero = interval.has_zero()
        sides = [_Side(half, step, self.lexical_integer, zero) for half in (positive, negative)]
        plain_ok, point_ok = not self.marked, not self.lexical_integer
        flags = zero * layout.ZERO_OK | point_ok * layout.POINT_OK | plain_ok * layout.PLAIN_OK
        table = [flags, layout.HEADER if exclusions else 0, *step, layout.HEADER + len(exclusions), 0, *exclusions]
        for which, side in enumerate(sides if positive != negative else sides[:1]):
            table[layout.SIDES + which] = len(table)
            table += side.encode(len(table))
        return tuple(table)

    def _step(self) -> Fraction | None:
        """Return the least positive multiple, or None for the reals."""
        steps = [Fraction(1)] if self.integer or self.lexical_integer else []
        if self.multiple_of is not None:
            steps.append(Fraction(self.multiple_of))
        return common_multiple(steps) if steps else None

    def _interval(self) -> _Interval:
        """Return the bounds in units of the last decimal place of them all, on admitted numbers if there is a step."""
        step = self._step()
        given = [Fraction(b) for b in (self.lo, self.hi, step, *self.excluded) if b is not None]
        scale = max((_places(b) for b in given), default=0)

        def units(bound: Decimal | int | Fraction | None) -> int | None:
            return None if bound is None else int(Fraction(bound) * 10**scale)

        lo, hi = units(self.lo), units(self.hi)
        excluded = tuple(int(Fraction(each) * 10**scale) for each in self.excluded)
        return _Interval(lo, self.lo_open, hi, self.hi_open, units(step) or 0, scale, excluded).tightened()


class _Interval(NamedTuple):
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

    def tightened(self) -> _Interval:
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

    def mirrored(self) -> _Interval:
        lo, hi = (None if bound is None else -bound for bound in (self.hi, self.lo))
        return self._replace(lo=lo, lo_open=self.hi_open, hi=hi, hi_open=self.lo_open)

    def positive(self) -> _Interval:
        """Return the part above zero; a lower bound that cuts nothing off is dropped (``lo=None``).

        The step itself is admitted: it is a multiple of no excluded step, all of which are greater.
        """
        if self.lo is None or self.lo <= self.step:
            return self._replace(lo=None, lo_open=False)
        return self


class _Step(NamedTuple):
    """A step ``modulus / 10^places`` split for the kernels (the header of their table, from MODULUS to SMALLEST)."""

    modulus: int
    coprime: int
    base: int
    base_power: int
    places: int
    cover: int
    smallest: int

    @classmethod
    def of(cls, step: Fraction | None) -> _Step:
        if step is None:
            return cls(0, 1, 2, 0, 0, 0, -INFINITE)
        places = _places(step)
        modulus = int(step * 10**places)
        smallest = len(str(modulus)) - places
        while modulus % 10 == 0:
            modulus, places = modulus // 10, places - 1
        if modulus > MAX_MODULUS:
            raise GrammarError(
                f"the step {exact_decimal(step)} has more significant digits than can be tracked exactly.",
                keyword="multipleOf",
                hint=f"Its digits must make a number of at most {MAX_MODULUS}.",
            )
        base = 5 if modulus % 5 == 0 else 2
        coprime, power = modulus, 0
        while coprime % base == 0:
            coprime, power = coprime // base, power + 1
        return cls(modulus, coprime, base, power, places, len(str(modulus - 1)) if modulus > 1 else 0, smallest)


def _exclusions(wanted: Fraction | None, step: _Step, excluded: list[_Step]) -> tuple[_Step, list[int]]:
    """Return the header's step and the record of the excluded ones."""
    finest = max(each.places for each in excluded)
    own = step.modulus
    step = step._replace(modulus=lcm(*(each.modulus for each in (step, *excluded) if each.modulus)))
    if wanted is None:
        step = step._replace(places=finest)
    else:
        step = step._replace(cover=len(str(own * 2 ** min(len(excluded), MAX_PRIMES) - 1)))
    gaps = [step.places - each.places for each in excluded]
    spread = max(gap + each.base_power for gap, each in zip(gaps, excluded, strict=True))
    if step.modulus > MAX_MODULUS or spread >= NEVER:
        raise GrammarError(
            "the steps that multiples are told apart by cannot be tracked exactly.",
            keyword="multipleOf",
            hint=f"The least common multiple of their digits must be at most {MAX_MODULUS}, and they must lie within "
            f"{NEVER:,} decades.",
        )
    records = [[e.coprime, e.base, e.base_power, gap, e.modulus] for e, gap in zip(excluded, gaps, strict=True)]
    return step, [own, spread, len(excluded), *chain.from_iterable(records)]


@dataclass(frozen=True)
class _Side:
    """The magnitudes of one sign."""

    interval: _Interval
    step: _Step
    lexical: bool
    zero: bool

    def encode(self, offset: int) -> list[int]:
        """Return the record of this sign followed by the digits of its bounds; offsets count from the table's start."""
        part = self.interval
        cut = part.lo is not None or part.hi is not None
        lo_digits: list[int]
        hi_digits: list[int]
        if part.hi is not None and (part.hi <= 0 or part.is_empty()):
            (lo_q, lo_digits), (hi_q, hi_digits) = (INFINITE, []), (-INFINITE, [])
        else:
            lo_q, lo_digits = (-INFINITE, []) if part.lo is None else _significand(part.lo, part.scale)
            hi_q, hi_digits = (INFINITE, []) if part.hi is None else _significand(part.hi, part.scale)
        free = self.zero and not cut and self.step.modulus == 0
        x_first, x_last = self._exponents(cut, free)
        q_first, q_last = -INFINITE, INFINITE
        if cut and not self.lexical:
            q_first, q_last = self._first_decade(), HIGHEST_DECADE
        finite = [q for q in (lo_q, hi_q, q_first, q_last) if abs(q) < INFINITE]
        record = [0] * layout.SIDE
        record[layout.SIDE_OK] = int(lo_q <= hi_q or self.zero)
        record[layout.FREE] = free
        digits_at = offset + layout.SIDE
        record[layout.LO_Q : layout.LO_DIGITS + 1] = [lo_q, part.lo_open, len(lo_digits), digits_at]
        record[layout.HI_Q : layout.HI_DIGITS + 1] = [hi_q, part.hi_open, len(hi_digits), digits_at + len(lo_digits)]
        record[layout.X_FIRST : layout.Q_LAST + 1] = [x_first, x_last, q_first, q_last]
        # Past these positions every comparison of p + x has the same outcome, for every exponent x.
        record[layout.P_FIRST] = min(finite) - x_last - 2 if finite else 0
        record[layout.P_LAST] = max(finite) - min(x_first, 0) + 2 if finite else 0
        record[layout.COMPARED] = (0 if lo_digits else GREATER) | (0 if hi_digits else LESS) << 16
        record[layout.F_LAST] = max(0, x_last + self.step.places + 1)
        return [int(field) for field in record] + lo_digits + hi_digits

    def _exponents(self, cut: bool, free: bool) -> tuple[int, int]:
        if self.lexical:
            return 1, 0
        largest = INFINITE if free else EXPONENT_MAX if cut else FREE_EXPONENT
        return -largest, largest

    def _first_decade(self) -> int:
        """Return the first q of an admitted number that is at least ``10^LOWEST_DECADE``."""
        part = self.interval
        if not (part.excluded and part.step) or part.scale + LOWEST_DECADE < 0:
            return LOWEST_DECADE + 1
        least = 10 ** (part.scale + LOWEST_DECADE)
        least = part._replace(lo=max(least, part.lo or least)).tightened().lo or least
        return len(str(least)) - part.scale


def _checked(value: Decimal | int | float, keyword: str) -> Decimal:
    number = as_decimal(value)
    if not number.is_finite():
        raise GrammarError(f"{value} is not a finite number.", keyword=keyword)
    _, digits, exponent = number.as_tuple()
    if max(-int(exponent), number.adjusted() + 1, len(digits)) > MAX_BOUND_PLACES:
        raise GrammarError(
            "the number is too long to be compared digit by digit.",
            keyword=keyword,
            hint=f"At most {MAX_BOUND_PLACES} places on each side of the point are supported.",
        )
    return number if number else Decimal(0)


def as_decimal(value: Decimal | int | float) -> Decimal:
    """Return a number exactly; a float stands for its ``repr``."""
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def is_plain(value: Decimal | int | float) -> bool:
    """Return whether a number is written without point and exponent: an int, or a Decimal whose exponent is 0."""
    return isinstance(value, int) or (isinstance(value, Decimal) and value.as_tuple().exponent == 0)


def is_multiple(number: Decimal, step: Fraction) -> bool:
    """Return whether a finite number is a multiple of a positive terminating decimal, however large its exponent."""
    _, digits, exponent = number.as_tuple()
    places = _places(step)
    modulus, shift = int(step * 10**places), int(exponent) + places
    significand = int("".join(map(str, digits)))
    if shift >= 0:
        return significand * pow(10, shift, modulus) % modulus == 0
    return significand == 0 or (-shift < len(digits) and significand % (modulus * 10**-shift) == 0)


def _places(value: Fraction) -> int:
    """Return the number of decimal places of a terminating decimal."""
    places, rest = 0, value.denominator
    for prime in (2, 5):
        count = 0
        while rest % prime == 0:
            rest, count = rest // prime, count + 1
        places = max(places, count)
    return places


def exact_decimal(value: Fraction) -> Decimal:
    """Return a terminating decimal exactly, whatever the precision of the current decimal context."""
    places = _places(value)
    digits = tuple(map(int, str(abs(int(value * 10**places)))))
    return Decimal((int(value < 0), digits, -places))


def common_multiple(steps: list[Fraction]) -> Fraction:
    denominator = lcm(*(s.denominator for s in steps))
    return Fraction(lcm(*(int(s * denominator) for s in steps)), denominator)


def _significand(units: int, scale: int) -> tuple[int, list[int]]:
    """Return ``(q, D)`` with ``units / 10^scale = 0.D x 10^q``, for units > 0."""
    text = str(units)
    return len(text) - scale, [int(digit) for digit in text.rstrip("0")]
