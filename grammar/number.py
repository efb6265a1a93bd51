"""Which JSON numbers a schema admits: exact decimal bounds, integrality and multiples, and their integer table.

The table is read byte by byte by :mod:`detent.native.number`. Each sign has its own record, because the negative half
of an interval is the mirrored positive half.

Limits on written exponents (a number without an exponent has none): at most three digits and, unless the
specification is plain (no bound, no multiple),

- for a sign that a bound cuts, a non-zero value lies in ``[10^LOWEST_DECADE, 10^HIGHEST_DECADE)``: an IEEE double;
- for a sign with no bound inside it, the exponent lies in ``+-FREE_EXPONENT``: the place of the point need not be
  remembered there, and a mantissa would have to pass a hundred digits to leave the doubles.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import lcm
from typing import NamedTuple

from detent.grammar.errors import GrammarError, Unsatisfiable
from detent.native import number_layout as layout
from detent.native.number_layout import EXPONENT_MAX, GREATER, INFINITE, LESS

FREE_EXPONENT = 199
LOWEST_DECADE = -307
HIGHEST_DECADE = 308

MAX_BOUND_PLACES = 2_000  # digits before or after the point of a bound or a multiple
MAX_MODULUS = 1_000_000


@dataclass(frozen=True)
class NumberSpec:
    """The set of numbers between two bounds that are multiples of a step.

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
    """

    lo: Decimal | int | None = None
    lo_open: bool = False
    hi: Decimal | int | None = None
    hi_open: bool = False
    integer: bool = False
    lexical_integer: bool = False
    multiple_of: Decimal | int | None = None

    def __post_init__(self) -> None:
        for name, keyword in (("lo", "minimum"), ("hi", "maximum"), ("multiple_of", "multipleOf")):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else _checked(value, keyword))
        object.__setattr__(self, "lo_open", self.lo is not None and bool(self.lo_open))
        object.__setattr__(self, "hi_open", self.hi is not None and bool(self.hi_open))
        if self.multiple_of is not None and self.multiple_of <= 0:
            raise GrammarError(f"{self.multiple_of} is not a positive number.", keyword="multipleOf")

    def intersect(self, other: NumberSpec) -> NumberSpec:
        """Return the specification of the numbers that both admit."""
        lows = [(s.lo, s.lo_open) for s in (self, other) if s.lo is not None]
        highs = [(s.hi, not s.hi_open) for s in (self, other) if s.hi is not None]
        lo, lo_open = max(lows, default=(None, False))
        hi, hi_closed = min(highs, default=(None, True))
        steps = [Fraction(s.multiple_of) for s in (self, other) if s.multiple_of is not None]
        step = _common_multiple(steps) if steps else None
        return NumberSpec(
            lo=lo,
            lo_open=lo_open,
            hi=hi,
            hi_open=not hi_closed,
            integer=self.integer or other.integer,
            lexical_integer=self.lexical_integer or other.lexical_integer,
            multiple_of=None if step is None else _decimal(step),
        )

    def is_empty(self) -> bool:
        """Return whether no number is admitted (exact)."""
        return self._interval().is_empty()

    def admits(self, value: int | float | Decimal) -> bool:
        """Return whether a value is admitted, compared as an exact decimal.

        A float stands for its ``repr``. With `lexical_integer` the value must also be written without point and
        exponent: an int, or a Decimal whose exponent is 0.
        """
        if self.lexical_integer and not (isinstance(value, int) or _is_plain_integer(value)):
            return False
        number = _exact(value)
        if not number.is_finite():
            return False
        step = self._step()
        above = self.lo is None or number > self.lo or (number == self.lo and not self.lo_open)
        below = self.hi is None or number < self.hi or (number == self.hi and not self.hi_open)
        return above and below and (step is None or Fraction(number) % step == 0)

    def encode(self) -> tuple[int, ...]:
        """Return the table of the kernels in :mod:`detent.native.number`, as int32 values.

        Raises
        ------
        Unsatisfiable
            No number is admitted.
        GrammarError
            The step, without its powers of ten, is above `MAX_MODULUS`.
        """
        interval = self._interval()
        if interval.is_empty():
            raise Unsatisfiable("no number lies between the bounds.")
        step = _Step.of(self._step())
        positive, negative = interval.positive(), interval.mirrored().positive()
        plain = self.lo is None and self.hi is None and step.modulus == 0
        sides = [_Side(half, step, plain, self.lexical_integer, interval.has_zero()) for half in (positive, negative)]
        table = [int(interval.has_zero()), int(not self.lexical_integer), *step, layout.HEADER, 0]
        for which, side in enumerate(sides if positive != negative else sides[:1]):
            table[layout.SIDES + which] = len(table)
            table += side.encode(len(table))
        return tuple(table)

    def _step(self) -> Fraction | None:
        """Return the least positive multiple, or None for the reals."""
        steps = [Fraction(1)] if self.integer or self.lexical_integer else []
        if self.multiple_of is not None:
            steps.append(Fraction(self.multiple_of))
        return _common_multiple(steps) if steps else None

    def _interval(self) -> _Interval:
        """Return the bounds in units of the last decimal place of all of them, on multiples of the step if any."""
        step = self._step()
        given = [Fraction(b) for b in (self.lo, self.hi, step) if b is not None]
        scale = max((_places(b) for b in given), default=0)

        def units(bound: Decimal | int | Fraction | None) -> int | None:
            return None if bound is None else int(Fraction(bound) * 10**scale)

        lo, hi = units(self.lo), units(self.hi)
        return _Interval(lo, self.lo_open, hi, self.hi_open, units(step) or 0, scale).tightened()


class _Interval(NamedTuple):
    """An interval of multiples of `step` (0: of terminating decimals), in units of ``10^-scale``."""

    lo: int | None
    lo_open: bool
    hi: int | None
    hi_open: bool
    step: int
    scale: int

    def tightened(self) -> _Interval:
        """Move the bounds inwards to multiples of the step, which closes them."""
        if not self.step:
            return self
        lo = None if self.lo is None else -(-(self.lo + self.lo_open) // self.step) * self.step
        hi = None if self.hi is None else (self.hi - self.hi_open) // self.step * self.step
        return self._replace(lo=lo, lo_open=False, hi=hi, hi_open=False)

    def is_empty(self) -> bool:
        if self.lo is None or self.hi is None:
            return False
        return self.lo > self.hi or (self.lo == self.hi and (self.lo_open or self.hi_open))

    def has_zero(self) -> bool:
        above = self.lo is None or self.lo < 0 or (self.lo == 0 and not self.lo_open)
        return above and (self.hi is None or self.hi > 0 or (self.hi == 0 and not self.hi_open))

    def mirrored(self) -> _Interval:
        lo, hi = (None if bound is None else -bound for bound in (self.hi, self.lo))
        return self._replace(lo=lo, lo_open=self.hi_open, hi=hi, hi_open=self.lo_open)

    def positive(self) -> _Interval:
        """Return the part above zero; a lower bound that cuts nothing off is dropped (``lo=None``)."""
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
                f"the step {_decimal(step)} has more significant digits than can be tracked exactly.",
                keyword="multipleOf",
                hint=f"Its digits must make a number of at most {MAX_MODULUS}.",
            )
        base = 5 if modulus % 5 == 0 else 2
        coprime, power = modulus, 0
        while coprime % base == 0:
            coprime, power = coprime // base, power + 1
        return cls(modulus, coprime, base, power, places, len(str(modulus - 1)) if modulus > 1 else 0, smallest)


@dataclass(frozen=True)
class _Side:
    """The magnitudes of one sign."""

    interval: _Interval
    step: _Step
    plain: bool
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
        x_first, x_last = self._exponents(cut)
        q_first, q_last = (LOWEST_DECADE + 1, HIGHEST_DECADE) if cut and not self.lexical else (-INFINITE, INFINITE)
        finite = [q for q in (lo_q, hi_q, q_first, q_last) if abs(q) < INFINITE]
        record = [0] * layout.SIDE
        record[layout.SIDE_OK] = int(lo_q <= hi_q or self.zero)
        record[layout.FREE] = int(self.zero and not cut and self.step.modulus == 0)
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

    def _exponents(self, cut: bool) -> tuple[int, int]:
        if self.lexical:
            return 1, 0
        largest = EXPONENT_MAX if self.plain or cut else FREE_EXPONENT
        return -largest, largest


def _checked(value: Decimal | int | float, keyword: str) -> Decimal:
    number = _exact(value)
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


def _exact(value: Decimal | int | float) -> Decimal:
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def _is_plain_integer(value: float | Decimal) -> bool:
    return isinstance(value, Decimal) and value.as_tuple().exponent == 0


def _places(value: Fraction) -> int:
    """Return the number of decimal places of a terminating decimal."""
    places, rest = 0, value.denominator
    for prime in (2, 5):
        count = 0
        while rest % prime == 0:
            rest, count = rest // prime, count + 1
        places = max(places, count)
    return places


def _decimal(value: Fraction) -> Decimal:
    """Return a terminating decimal exactly, whatever the precision of the current decimal context."""
    places = _places(value)
    digits = tuple(map(int, str(int(value * 10**places))))
    return Decimal((0, digits, -places))


def _common_multiple(steps: list[Fraction]) -> Fraction:
    denominator = lcm(*(s.denominator for s in steps))
    return Fraction(lcm(*(int(s * denominator) for s in steps)), denominator)


def _significand(units: int, scale: int) -> tuple[int, list[int]]:
    """Return ``(q, D)`` with ``units / 10^scale = 0.D x 10^q``, for units > 0."""
    text = str(units)
    return len(text) - scale, [int(digit) for digit in text.rstrip("0")]
