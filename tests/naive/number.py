"""Naive judge of JSON numbers: rational arithmetic on whole texts, every exponent tried in turn."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from math import lcm

from detent.grammar import number_table as limits
from detent.grammar.number import NumberSpec
from detent.grammar.number_list import NumberList
from detent.native.number_layout import EXPONENT_DIGITS

NUMBER = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?")
MANTISSA_PREFIX = re.compile(r"(-?)(?:(0|[1-9][0-9]*)(\.[0-9]*)?)?")


@cache
def step(spec: NumberSpec) -> Fraction | None:
    """Least positive number that is a multiple of all the spec asks for (by search over multiples of the larger)."""
    wanted = [Fraction(1)] if spec.integer or spec.lexical_integer else []
    if spec.multiple_of is not None:
        wanted.append(Fraction(spec.multiple_of))
    if not wanted:
        return None
    common = wanted[0]
    while any(common % each for each in wanted):
        common += wanted[0]
    return common


def inside(spec: NumberSpec, value: Fraction) -> bool:
    """Whether a value is between the bounds."""
    lo, hi = spec.lo, spec.hi
    return (lo is None or value > lo or (value == Fraction(lo) and not spec.lo_open)) and (
        hi is None or value < hi or (value == Fraction(hi) and not spec.hi_open)
    )


def divisible(spec: NumberSpec, value: Fraction) -> bool:
    """Whether a value is a multiple of all the spec asks for and of nothing that it excludes."""
    least = step(spec)
    return (least is None or value % least == 0) and not any(value % Fraction(each) == 0 for each in spec.excluded)


def is_cut(spec: NumberSpec, negative: bool) -> bool:
    """Whether a bound refuses some non-zero number of this sign that meets the steps."""
    near, far = (spec.hi, spec.lo) if negative else (spec.lo, spec.hi)
    if far is not None:
        return True
    least = step(spec)
    if least is not None:
        return not inside(spec, -least if negative else least)  # no excluded step divides it: they are greater
    return near is not None and (near < 0 if negative else near > 0)


def is_free(spec: NumberSpec, negative: bool) -> bool:
    """Whether every number of this sign is admitted, and zero."""
    return not is_cut(spec, negative) and inside(spec, Fraction(0)) and step(spec) is None and not spec.excluded


def largest_exponent(spec: NumberSpec, negative: bool) -> int:
    return limits.EXPONENT_MAX if is_cut(spec, negative) or is_free(spec, negative) else limits.FREE_EXPONENT


def points(listed: NumberList) -> Iterator[NumberSpec]:
    """The numbers of a list, each as bounds that it alone lies between."""
    for value in listed.values:
        yield NumberSpec(value, False, value, False, lexical_integer=listed.lexical_integer)


def accepts(spec: NumberSpec | NumberList, text: str) -> bool:
    """Whether a text is a complete number that the spec admits, within the documented limits on exponents."""
    if isinstance(spec, NumberList):
        return any(accepts(each, text) for each in points(spec))
    match = NUMBER.fullmatch(text)
    if match is None:
        return False
    sign, whole, fraction, exponent = match.groups()
    marked = bool(fraction or exponent)
    if (spec.lexical_integer and marked) or (spec.marked and not marked):
        return False
    value = Fraction(sign + whole + "." + (fraction or "0"))
    if exponent and value and not is_free(spec, bool(sign)):
        significant = exponent.lstrip("+-").lstrip("0")
        if len(significant) > EXPONENT_DIGITS or abs(int(exponent)) > largest_exponent(spec, bool(sign)):
            return False
        value *= Fraction(10) ** int(exponent)
        if is_cut(spec, bool(sign)) and not in_window(abs(value)):
            return False
    return inside(spec, value) and divisible(spec, value)


def in_window(magnitude: Fraction) -> bool:
    return Fraction(10) ** limits.LOWEST_DECADE <= magnitude < Fraction(10) ** limits.HIGHEST_DECADE


def is_alive(spec: NumberSpec | NumberList, text: str, most_digits: int = 12) -> bool:
    """Whether some continuation with at most that many further whole digits is accepted.

    Exponents are tried one by one. A mantissa is a half-open interval of values, widened by further
    whole digits and shifted by every exponent; the question is whether that interval holds an admitted value.
    """
    if isinstance(spec, NumberList):
        return any(is_alive(each, text, most_digits) for each in points(spec))
    if re.search("[eE]", text):
        return any(accepts(spec, text + tail) for tail in exponent_tails(text))
    match = MANTISSA_PREFIX.fullmatch(text)
    if match is None or (spec.lexical_integer and "." in text):
        return False
    sign, whole, fraction = match.groups()
    if whole is None:
        signs = [sign] if sign else ["", "-"]
        return any(is_alive(spec, each + digit, most_digits) for each in signs for digit in "0123456789")
    f = len(fraction) - 1 if fraction else 0
    n = int(whole + (fraction or ".")[1:])
    negative = bool(sign)
    more = range(most_digits + 1) if fraction is None and whole != "0" else range(1)
    for k in more:
        first, last = Fraction(n * 10**k, 10**f), Fraction((n + 1) * 10**k, 10**f)
        if spec.lexical_integer and whole == "0":
            last = first + Fraction(1, 2)
        if holds(spec, negative, first, last, False):
            return True
    if spec.lexical_integer:
        return False
    most = largest_exponent(spec, negative)
    return any(
        holds(spec, negative, Fraction(n) * Fraction(10) ** (x - f), Fraction(n + 1) * Fraction(10) ** (x - f), True)
        for x in range(-most, most + 1 + max(more))
    )


def holds(spec: NumberSpec, negative: bool, first: Fraction, last: Fraction, written: bool) -> bool:
    """Whether [first, last) has the magnitude of an admitted value (in the window, if its exponent is written)."""
    if first == 0 and inside(spec, Fraction(0)) and divisible(spec, Fraction(0)):
        return True
    lo, hi = (spec.hi, spec.lo) if negative else (spec.lo, spec.hi)
    lo_open, hi_open = (spec.hi_open, spec.lo_open) if negative else (spec.lo_open, spec.hi_open)
    turn = -1 if negative else 1
    lows, highs = [(first, first == 0)], [(last, False)]
    if lo is not None:
        lows.append((turn * Fraction(lo), lo_open))
    if hi is not None:
        highs.append((turn * Fraction(hi), not hi_open))
    if written and is_cut(spec, negative):
        lows.append((Fraction(10) ** limits.LOWEST_DECADE, False))
        highs.append((Fraction(10) ** limits.HIGHEST_DECADE, False))
    low, low_open = max(lows)
    high, high_closed = min(highs)
    least = step(spec)
    if least is None:
        point = high_closed and not low_open and divisible(spec, turn * low)
        return low < high or (low == high and point)
    candidate = -(-low // least) * least
    if candidate == low and low_open:
        candidate += least
    if high - candidate > least * period(spec):
        return True
    for _ in range(period(spec)):
        if candidate > high or (candidate == high and not high_closed):
            return False
        if divisible(spec, candidate):
            return True
        candidate += least
    return False


@cache
def period(spec: NumberSpec) -> int:
    """After how many multiples of the step the same ones are excluded again (the first after zero is not)."""
    least = step(spec)
    assert least is not None
    return lcm(*((Fraction(each) / least).numerator for each in spec.excluded))


def exponent_tails(text: str) -> Iterator[str]:
    """Every way to complete a text that has an e, with at most EXPONENT_DIGITS exponent digits after leading zeros.

    After more digits than that, nothing but the text itself needs to be tried: only what takes any exponent accepts it.
    """
    tail = re.split("[eE]", text, maxsplit=1)[1]
    signs = ["", "+", "-"] if not tail else [""]
    room = max(0, EXPONENT_DIGITS - len(tail.lstrip("+-").lstrip("0")))
    for length in range(room + 1):
        for rest in range(10**length):
            for sign in signs:
                yield f"{sign}{rest:0{length}d}" if length else sign
