"""Which characters the items of a Python pattern match, exactly as :mod:`re` decides it for texts of Unicode."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from re import _casefix, _constants  # type: ignore[attr-defined]
from typing import Any

import _sre  # type: ignore[import-not-found]
import numpy as np

from .. import charset
from ..charset import ANY, CharSet, complement, interval, union

NEWLINE = interval(10, 10)
_LAST_CASED = 0x1E943  # no character beyond the Adlam block has another case

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
    r"""Set of ``\d``, ``\s``, ``\w`` or one of their complements; 10-40 ms the first time, as all characters are asked."""
    if name[1].isupper():
        return complement(category(name.lower(), ascii_only))
    points = np.arange(0x80 if ascii_only else charset.END, dtype="<u4")
    text = points.tobytes().decode("utf-32-le", "surrogatepass")
    found = re.compile(name + "+", re.ASCII if ascii_only else 0).finditer(text)
    return tuple(edge for match in found for edge in match.span())


@lru_cache(maxsize=1)
def _cased() -> dict[int, list[int]]:
    """Characters by their lower case, for each lower case of another character."""
    by_lower: dict[int, list[int]] = {}
    for point in range(_LAST_CASED + 1):
        lower = _sre.unicode_tolower(point)
        if lower != point:
            by_lower.setdefault(lower, []).append(point)
    return by_lower


def ignoring_case(points: CharSet, *, ascii_only: bool) -> CharSet:
    """Characters that a set matches under the flag ``i``: those whose lower case is that of a member, or equivalent."""
    if ascii_only:
        swapped = [ord(chr(p).swapcase()) for p in range(0x80) if charset.contains(points, p)]
        return union(points, *(interval(p, p) for p in swapped))
    lowers = [p for p in _cased() if charset.contains(points, p)]
    lowers += [lower for lower, uppers in _cased().items() if any(charset.contains(points, p) for p in uppers)]
    lowers += [p for p in _casefix._EXTRA_CASES if charset.contains(points, p)]
    same = set(lowers).union(*(_casefix._EXTRA_CASES.get(p, ()) for p in lowers))
    more = same.union(*(_cased().get(p, ()) for p in same))
    return union(points, *(interval(p, p) for p in more))


def one(point: int, flags: int) -> CharSet:
    """What a literal matches."""
    return _one(point, flags & (re.IGNORECASE | re.ASCII))


@lru_cache(maxsize=4096)
def _one(point: int, flags: int) -> CharSet:
    points = interval(point, point) if not 0xD800 <= point <= 0xDFFF else charset.NONE
    return ignoring_case(points, ascii_only=bool(flags & re.ASCII)) if flags & re.IGNORECASE else points


def any_character(flags: int) -> CharSet:
    """What ``.`` matches."""
    return ANY if flags & re.DOTALL else complement(NEWLINE)


def members(items: Iterable[tuple[Any, Any]], flags: int) -> CharSet:
    """What a class in brackets matches; `items` are those of :mod:`re`'s parser."""
    negated, literals, categories = False, [charset.NONE], [charset.NONE]
    for op, value in items:
        if op is _constants.NEGATE:
            negated = True
        elif op is _constants.CATEGORY:
            categories.append(category(_CATEGORIES[value], bool(flags & re.ASCII)))
        else:
            first, last = value if op is _constants.RANGE else (value, value)
            literals.append(charset.intersection(ANY, (first, last + 1)))
    points = union(*literals)
    if flags & re.IGNORECASE:
        points = ignoring_case(points, ascii_only=bool(flags & re.ASCII))
    points = union(points, *categories)
    return complement(points) if negated else points
