"""Exact decimals: spelling, multiples, and fractions that terminate."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import lcm


def as_decimal(value: Decimal | int | float) -> Decimal:
    """Return a number exactly; a float stands for its ``repr``."""
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def significand(value: Decimal | int | float) -> tuple[bool, str, int]:
    """Whether a number is negative, its significant digits D, and q: the magnitude is ``0.D x 10^q``.

    Equal numbers have the same; zero is ``(False, "", 0)``.
    """
    if type(value) is int:
        text = str(abs(value))
        return (value < 0, text.rstrip("0"), len(text)) if value else (False, "", 0)
    sign, figures, exponent = as_decimal(value).as_tuple()
    assert isinstance(exponent, int)
    digits = "".join(map(str, figures)).lstrip("0")
    return (bool(sign), digits.rstrip("0"), len(digits) + exponent) if digits else (False, "", 0)


def is_plain(value: Decimal | int | float) -> bool:
    """Return whether a number is written without point and exponent: an int, or a Decimal whose exponent is 0."""
    return isinstance(value, int) or (isinstance(value, Decimal) and value.as_tuple().exponent == 0)


def is_multiple(number: Decimal, step: Fraction) -> bool:
    """Return whether a finite number is a multiple of a positive terminating decimal, however large its exponent."""
    _, digits, exponent = number.as_tuple()
    if step == 1:
        return int(exponent) >= 0 or not any(digits[int(exponent) :])
    scale = decimal_places(step)
    modulus, shift = int(step.numerator * 10**scale) // step.denominator, int(exponent) + scale
    significand = int(Decimal((0, digits, 0)))
    if shift >= 0:
        return significand * pow(10, shift, modulus) % modulus == 0
    return significand == 0 or (-shift < len(digits) and significand % (modulus * 10**-shift) == 0)


def decimal_places(value: Fraction) -> int:
    """Return the number of decimal places of a terminating decimal."""
    most, rest = 0, value.denominator
    for prime in (2, 5):
        count = 0
        while rest % prime == 0:
            rest, count = rest // prime, count + 1
        most = max(most, count)
    return most


def exact_decimal(value: Fraction) -> Decimal:
    """Return a terminating decimal exactly, whatever the precision of the current decimal context."""
    scale = decimal_places(value)
    return Decimal((int(value < 0), Decimal(int(value * 10**scale)).as_tuple().digits, -scale))


def common_multiple(steps: list[Fraction]) -> Fraction:
    """Return the least positive number that is a multiple of all of some positive numbers."""
    denominator = lcm(*(s.denominator for s in steps))
    return Fraction(lcm(*(s.numerator * (denominator // s.denominator) for s in steps)), denominator)
