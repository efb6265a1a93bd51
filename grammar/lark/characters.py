"""Which characters the items of a Python pattern match, exactly as :mod:`re` decides it for texts of Unicode."""

from __future__ import annotations

import _sre  # type: ignore[import-not-found]
import re
from bisect import bisect_left
from collections.abc import Iterable
from functools import lru_cache
from re import _casefix, _constants  # type: ignore[attr-defined]
from typing import Any

import numpy as np

from .. import charset
from ..charset import ANY, CharSet, complement, interval, union

NEWLINE = interval(10, 10)
ASCII, IGNORECASE, DOTALL = int(re.ASCII), int(re.IGNORECASE), int(re.DOTALL)  # as numbers: much faster
_LAST_CASED = 0x1E943  # no character beyond the Adlam block has another case
_LAST_NAMED = 0x40000  # beyond the planes 0 to 3 there are only tags, variation selectors and private use

_CATEGORIES = {
    _constants.CATEGORY_DIGIT: r"\d",
    _constants.CATEGORY_SPACE: r"\s",
    _constants.CATEGORY_WORD: r"\w",
    _constants.CATEGORY_NOT_DIGIT: r"\D",
    _constants.CATEGORY_NOT_SPACE: r"\S",
    _constants.CATEGORY_NOT_WORD: r"\W",
}


@lru_cache(maxsize=16)
def category(name: str, ascii_only: bool) -> CharSet:
    r"""Set of ``\d``, ``\s``, ``\w`` or one of their complements; some milliseconds the first time."""
    if name[1].isupper():
        return complement(category(name.lower(), ascii_only))
    points = np.arange(0x80 if ascii_only else _LAST_NAMED, dtype="<u4")
    text = points.tobytes().decode("utf-32-le", "surrogatepass")
    found = re.compile(name + "+", re.ASCII if ascii_only else 0).finditer(text)
    return tuple(edge for match in found for edge in match.span())


@lru_cache(maxsize=1)
def _orbits() -> dict[int, tuple[int, ...]]:
    """The characters that `re` takes for a character under the flag ``i``, for all where it is more than one."""
    lower = {p: _sre.unicode_tolower(p) for p in range(_LAST_CASED + 1)}
    uppers: dict[int, list[int]] = {}
    for point, low in lower.items():
        if low != point:
            uppers.setdefault(low, []).append(point)
    found = {}
    for point in {*uppers, *(p for points in uppers.values() for p in points), *_casefix._EXTRA_CASES}:
        lows = {lower[point], *_casefix._EXTRA_CASES.get(lower[point], ())}
        found[point] = tuple({p for low in lows for p in (low, *uppers.get(low, ()))})
    return dict(sorted(found.items()))


@lru_cache(maxsize=1)
def _cased() -> list[int]:
    """The characters of `_orbits`, in order."""
    return list(_orbits())


def ignoring_case(points: CharSet, *, ascii_only: bool) -> CharSet:
    """Characters that a set matches under the flag ``i``: those whose lower case is that of a member, or equivalent."""
    if ascii_only:
        swapped = [ord(chr(p).swapcase()) for p in range(0x80) if charset.contains(points, p)]
        return union(points, *(interval(p, p) for p in swapped))
    cased = _cased()
    inside = [
        point
        for first, end in zip(points[::2], points[1::2], strict=True)
        for point in cased[bisect_left(cased, first) : bisect_left(cased, end)]
    ]
    return union(points, *(interval(p, p) for p in {p for point in inside for p in _orbits()[point]}))


def one(point: int, flags: int) -> CharSet:
    """What a literal matches."""
    return _one(point, flags & (IGNORECASE | ASCII))


@lru_cache(maxsize=4096)
def _one(point: int, flags: int) -> CharSet:
    points = interval(point, point) if not 0xD800 <= point <= 0xDFFF else charset.NONE
    return ignoring_case(points, ascii_only=bool(flags & ASCII)) if flags & IGNORECASE else points


def any_character(flags: int) -> CharSet:
    """What ``.`` matches."""
    return ANY if flags & DOTALL else complement(NEWLINE)


def members(items: Iterable[tuple[Any, Any]], flags: int) -> CharSet:
    """What a class in brackets matches; `items` are those of :mod:`re`'s parser."""
    negated, literals, categories = False, [charset.NONE], [charset.NONE]
    for op, value in items:
        if op is _constants.NEGATE:
            negated = True
        elif op is _constants.CATEGORY:
            categories.append(category(_CATEGORIES[value], bool(flags & ASCII)))
        else:
            first, last = value if op is _constants.RANGE else (value, value)
            literals.append(interval(first, last))
    points = union(*literals)
    if flags & IGNORECASE:
        points = ignoring_case(points, ascii_only=bool(flags & ASCII))
    points = union(points, *categories)
    return complement(points) if negated else points
