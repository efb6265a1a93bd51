"""Which characters the items of a Python pattern match, exactly as :mod:`re` decides it for texts of Unicode."""

from __future__ import annotations

import _sre  # type: ignore[import-not-found]
import re
import string
from collections.abc import Iterable
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import charset
from ..charset import ANY, CharSet, complement, interval, union
from .sre import constants, extra_cases

Ints = NDArray[np.int64]
NEWLINE = interval(10, 10)
ASCII, IGNORECASE, DOTALL = int(re.ASCII), int(re.IGNORECASE), int(re.DOTALL)  # as numbers: much faster
_LAST_CASED = 0x1E943  # no character beyond the Adlam block has another case
# Beyond there are only tags, variation selectors and private use; digits and spaces end earlier.
_TESTS = {
    r"\w": (0x40000, np.char.isalnum, string.ascii_letters + string.digits + "_"),
    r"\d": (0x20000, np.char.isdecimal, string.digits),
    r"\s": (0x3001, np.char.isspace, " \t\n\r\f\v"),
}
_DOTTED_I, _SIGMA = 0x130, 0x3A3  # what str.lower makes of these is no single character, or depends on the others
_NEAR_ASCII = (*range(0x80), _DOTTED_I, 0x131, 0x17F, 0x212A)  # and all that `re` takes for a letter of it without case

_CATEGORIES = {
    constants.CATEGORY_DIGIT: r"\d",
    constants.CATEGORY_SPACE: r"\s",
    constants.CATEGORY_WORD: r"\w",
    constants.CATEGORY_NOT_DIGIT: r"\D",
    constants.CATEGORY_NOT_SPACE: r"\S",
    constants.CATEGORY_NOT_WORD: r"\W",
}


@lru_cache(maxsize=16)
def category(name: str, ascii_only: bool) -> CharSet:
    r"""Set of ``\d``, ``\s``, ``\w`` or one of their complements; two milliseconds the first time."""
    if name[1].isupper():
        return complement(category(name.lower(), ascii_only))
    bound, is_member, in_ascii = _TESTS[name]
    if ascii_only:
        return charset.of(in_ascii)
    members = is_member(np.arange(bound, dtype=np.uint32).view("U1"))
    members[ord("_")] |= name == r"\w"
    return tuple(np.flatnonzero(np.diff(members, prepend=False, append=False)).tolist())


@lru_cache(maxsize=1)
def _cases() -> tuple[Ints, Ints]:
    """The characters that differ from another one in case only in the eyes of `re`, and the lower case of each.

    Three milliseconds the first time.
    """
    points = np.arange(_LAST_CASED + 1, dtype=np.uint32)
    points[[_DOTTED_I, _SIGMA]] = 0
    text = str(points.view(f"U{len(points)}")[0])
    lows = np.array([text.lower()]).view(np.uint32).astype(np.int64)
    lows[[_DOTTED_I, _SIGMA]] = [_sre.unicode_tolower(p) for p in (_DOTTED_I, _SIGMA)]
    is_cased = lows != np.arange(len(lows))
    is_cased[lows[is_cased]] = is_cased[list(extra_cases)] = True
    cased = np.flatnonzero(is_cased)
    return cased, lows[cased]


@lru_cache(maxsize=1)
def _ascii_cases() -> dict[int, list[int]]:
    """For each character of ASCII, those that `re` takes for the same one without case."""
    found: dict[int, list[int]] = {}
    low = {p: _sre.unicode_tolower(p) for p in _NEAR_ASCII}
    for p in range(0x80):
        wanted = (low[p], *extra_cases.get(low[p], ()))
        found[p] = [other for other in _NEAR_ASCII if low[other] in wanted] if chr(p).isalpha() else [p]
    return found


def _points(members: Iterable[int]) -> CharSet:
    return union(*[interval(p, p) for p in sorted(members)])


def ignoring_case(points: CharSet, *, ascii_only: bool) -> CharSet:
    """Characters that a set matches under the flag ``i``: those whose lower case is that of a member, or equivalent."""
    if ascii_only:
        swapped = [ord(chr(p).swapcase()) for p in range(0x80) if charset.contains(points, p)]
        return union(points, *(interval(p, p) for p in swapped))
    if points and points[-1] <= 0x80:
        return _points({other for p in range(0x80) if charset.contains(points, p) for other in _ascii_cases()[p]})
    cased, low = _cases()
    wanted = np.zeros(_LAST_CASED + 1, np.bool_)
    wanted[low[np.searchsorted(points, cased, side="right") % 2 == 1]] = True
    wanted[[other for p in extra_cases if wanted[p] for other in extra_cases[p]]] = True
    return union(points, *(interval(p, p) for p in cased[wanted[low]].tolist()))


def one(point: int, flags: int) -> CharSet:
    """What a literal matches."""
    return _one(point, flags & (IGNORECASE | ASCII))


@lru_cache(maxsize=4096)
def _one(point: int, flags: int) -> CharSet:
    points = interval(point, point) if not 0xD800 <= point <= 0xDFFF else charset.NONE
    if not flags & IGNORECASE or not points:
        return points
    if flags & ASCII:
        return ignoring_case(points, ascii_only=True)
    if point < 0x80:
        return _points(_ascii_cases()[point])
    low = _sre.unicode_tolower(point)
    cased, lows = _cases()
    alike = [cased[lows == other].tolist() for other in (low, *extra_cases.get(low, ()))]
    return _points({point, *chain.from_iterable(alike)})


def alike(point: int, flags: int) -> CharSet:
    """What a reference to a character matches: without case, those of the same lower case, and no others."""
    if not flags & IGNORECASE:
        return interval(point, point)
    if flags & ASCII:
        return ignoring_case(interval(point, point), ascii_only=True)
    cased, lows = _cases()
    low = _sre.unicode_tolower(point)
    return union(interval(low, low), *(interval(p, p) for p in cased[lows == low].tolist()))


def any_character(flags: int) -> CharSet:
    """What ``.`` matches."""
    return ANY if flags & DOTALL else complement(NEWLINE)


def members(items: Iterable[tuple[Any, Any]], flags: int) -> CharSet:
    """What a class in brackets matches; `items` are those of :mod:`re`'s parser."""
    return _members(tuple(items), flags & (IGNORECASE | ASCII))


@lru_cache(maxsize=1024)
def _members(items: tuple[tuple[Any, Any], ...], flags: int) -> CharSet:
    negated, literals, categories = False, [charset.NONE], [charset.NONE]
    for op, value in items:
        if op is constants.NEGATE:
            negated = True
        elif op is constants.CATEGORY:
            categories.append(category(_CATEGORIES[value], bool(flags & ASCII)))
        else:
            first, last = value if op is constants.RANGE else (value, value)
            literals.append(interval(first, last))
    points = union(*literals)
    if flags & IGNORECASE:
        points = ignoring_case(points, ascii_only=bool(flags & ASCII))
    points = union(points, *categories)
    return complement(points) if negated else points
