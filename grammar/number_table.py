"""Number specifications as tables of integers, read byte by byte by :mod:`detent.native.number`.

Each sign has its own record, because the negative half of an interval is the mirrored positive half.

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

from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from math import lcm
from typing import TYPE_CHECKING, NamedTuple

from detent.grammar.decimals import decimal_places, exact_decimal
from detent.grammar.errors import Unenforceable
from detent.native import number_layout as layout
from detent.native.number_layout import EXPONENT_MAX as EXPONENT_MAX
from detent.native.number_layout import GREATER, INFINITE, LESS, NEVER

if TYPE_CHECKING:
    from detent.grammar.number import Interval

FREE_EXPONENT = 199
LOWEST_DECADE = -307
HIGHEST_DECADE = 308

MAX_MODULUS = 1_000_000_000  # of one step: its square fits 63 bits
MAX_MULTIPLE = 1_000_000  # least common multiple of a step and those that are excluded: 20 bits
MAX_PRIMES = 8  # that divide ten times such a number: the longest run of multiples that steps can exclude is below 2^8


def encode(
    interval: Interval, wanted: Fraction | None, excluded: list[Fraction], *, plain_ok: bool, point_ok: bool
) -> tuple[int, ...]:
    """Return the table of the kernels in :mod:`detent.native.number`, as int32 values.

    Parameters
    ----------
    interval : Interval
        Where the values lie; not empty.
    wanted : Fraction or None
        Values are multiples of this step.
    excluded : list of Fraction
        And of none of these, which are multiples of it.
    plain_ok, point_ok : bool
        Whether a text without point and exponent is admitted, and any other.

    Raises
    ------
    Unenforceable
        A step without powers of ten is above `MAX_MODULUS`, the least common multiple of several above `MAX_MULTIPLE`,
        or the steps
        are `NEVER` decades apart.
    """
    step = _Step.of(wanted)
    exclusions: list[int] = []
    if excluded:
        step, exclusions = _exclusions(wanted, step, [_Step.of(each) for each in excluded])
    positive, negative = interval.positive(), interval.mirrored().positive()
    zero = interval.has_zero()
    sides = [_Side(half, step, not point_ok, zero) for half in (positive, negative)]
    flags = zero * layout.ZERO_OK | point_ok * layout.POINT_OK | plain_ok * layout.PLAIN_OK
    table = [flags, layout.HEADER if exclusions else 0, *step, layout.HEADER + len(exclusions), 0, *exclusions]
    for which, side in enumerate(sides if positive != negative else sides[:1]):
        table[layout.SIDES + which] = len(table)
        table += side.encode(len(table))
    return tuple(table)


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
        places = decimal_places(step)
        modulus = int(step * 10**places)
        smallest = len(str(modulus)) - places
        while modulus % 10 == 0:
            modulus, places = modulus // 10, places - 1
        if modulus > MAX_MODULUS:
            raise Unenforceable(
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
    if step.modulus > MAX_MULTIPLE or spread >= NEVER:
        raise Unenforceable(
            "the steps that multiples are told apart by cannot be tracked exactly.",
            keyword="multipleOf",
            hint=f"The least common multiple of their digits must be at most {MAX_MULTIPLE}, and they must lie within "
            f"{NEVER:,} decades.",
        )
    records = [[e.coprime, e.base, e.base_power, gap, e.modulus] for e, gap in zip(excluded, gaps, strict=True)]
    return step, [own, spread, len(excluded), *chain.from_iterable(records)]


@dataclass(frozen=True)
class _Side:
    """The magnitudes of one sign."""

    interval: Interval
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


def _significand(units: int, scale: int) -> tuple[int, list[int]]:
    """Return ``(q, D)`` with ``units / 10^scale = 0.D x 10^q``, for units > 0."""
    text = str(units)
    return len(text) - scale, [int(digit) for digit in text.rstrip("0")]
