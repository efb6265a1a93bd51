"""Sets of Unicode code points as sorted boundaries, and the classes that regular expressions name.

A set is a flat tuple ``(a0, b0, a1, b1, ...)`` with ``a0 < b0 < a1 < ...``: the code points of ``[a0, b0)``,
``[a1, b1)``, ... Each boundary toggles membership, so every Boolean operation is one sweep over boundaries.
Surrogates belong to no set: a text holds Unicode scalar values only.
"""

from __future__ import annotations

import sys
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, chain, groupby
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..native import char_classes

CharSet: TypeAlias = "tuple[int, ...]"

END = 0x110000
NONE: CharSet = ()
ANY: CharSet = (0, 0xD800, 0xE000, END)


def _covered(sets: tuple[CharSet, ...], least: int) -> CharSet:
    """Points that lie in at least `least` of the sets."""
    out: list[int] = []
    depth = 0
    for point, change in sorted((point, -1 if i & 1 else 1) for s in sets for i, point in enumerate(s)):
        inside = depth >= least
        depth += change
        if inside != (depth >= least):
            if out and out[-1] == point:
                out.pop()
            else:
                out.append(point)
    return tuple(out)


def union(*sets: CharSet) -> CharSet:
    """Union of sets."""
    return sets[0] if len(sets) == 1 else _covered(sets, 1)


def intersection(*sets: CharSet) -> CharSet:
    """Intersection of one or more sets."""
    return sets[0] if len(sets) == 1 else _covered(sets, len(sets))


def complement(s: CharSet) -> CharSet:
    """Scalar values outside `s`: the symmetric difference with `ANY`, whose boundaries are toggled."""
    return tuple(sorted({*s} ^ {*ANY}))


def interval(first: int, last: int) -> CharSet:
    """Scalar values from `first` to `last`, both included."""
    if last < 0xD800 or first > 0xDFFF:
        return (first, last + 1)
    return intersection(ANY, (first, last + 1))


def of(text: str) -> CharSet:
    """Set of the characters of a text."""
    return union(NONE, *(interval(ord(c), ord(c)) for c in set(text)))


def contains(s: CharSet, point: int) -> bool:
    """Whether the set holds a code point: an odd number of boundaries is at or below it."""
    return bisect_right(s, point) & 1 == 1


DIGIT = of("0123456789")
WORD = union(DIGIT, interval(0x41, 0x5A), interval(0x61, 0x7A), of("_"))
# ECMA-262 WhiteSpace and LineTerminator: TAB to CR, general category Zs, U+2028, U+2029, U+FEFF.
SPACE = union(interval(9, 13), of(" \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff"), interval(0x2000, 0x200A))
DOT = complement(of("\n\r\u2028\u2029"))

# General_Category values by every name that ECMA-262 takes: short name, long name, and a third where there is one.
_CATEGORY_NAMES = """
L Letter; LC Cased_Letter; Lu Uppercase_Letter; Ll Lowercase_Letter; Lt Titlecase_Letter; Lm Modifier_Letter;
Lo Other_Letter; M Mark Combining_Mark; Mn Nonspacing_Mark; Mc Spacing_Mark; Me Enclosing_Mark; N Number;
Nd Decimal_Number digit; Nl Letter_Number; No Other_Number; P Punctuation punct; Pc Connector_Punctuation;
Pd Dash_Punctuation; Ps Open_Punctuation; Pe Close_Punctuation; Pi Initial_Punctuation; Pf Final_Punctuation;
Po Other_Punctuation; S Symbol; Sm Math_Symbol; Sc Currency_Symbol; Sk Modifier_Symbol; So Other_Symbol;
Z Separator; Zs Space_Separator; Zl Line_Separator; Zp Paragraph_Separator; C Other; Cc Control cntrl; Cf Format;
Cs Surrogate; Co Private_Use; Cn Unassigned
"""
_CATEGORIES = {name: names[0] for names in map(str.split, _CATEGORY_NAMES.split(";")) for name in names}

# Unicode 17 Scripts.txt for the common scripts: long name, short name, then the differences of the boundaries, base 36.
_SCRIPT_TABLE = """
Arabic Arab 16o 5 1 6 1 e 1 3 1 w 1 a b q 1 30 1 y 28 1c 6o y 5 23 1 t 1bv4 dq 2 40 w g 34 5 1 3r 31f v 1v 6 1 12 1 g
  181s 4 1 r 1 2 1 1 2 1 1 a 1 4 1 1 1 1 6 1 4 1 1 1 1 1 1 3 1 2 1 1 2 1 1 1 1 1 1 1 1 1 1 2 1 1 2 4 1 7 1 4 1 4 1 1 1
  a 1 h 5 3 1 5 1 h 1g 2
Armenian Armn 10x 12 1 1k 1chv 5
Bengali Beng 1vk 4 1 8 2 2 2 m 1 7 1 1 3 4 2 9 2 2 2 4 8 1 4 2 1 5 2 p 1ii9 2
Cyrillic Cyrl sg 3p 2 4p 4ls b 4g 1 24 1 38n w nr4 2o ham 2 18n4 1q x 1
Devanagari Deva 1s0 29 4 f 2 q vhc w mio b
Georgian Geor 3a8 12 1 1 5 1 2 17 1 4 2a8 17 2 3 37k 12 1 1 5 1
Greek Grek og 4 1 3 2 4 1 1 4 1 1 1 1 3 1 1 1 k 1 1r e g 4yu 5 1e 5 4 5 2c 1 8w m 2 6 2 12 2 6 2 8 1 1 1 1 1 1 1 v 2
  1h 1 f 1 e 2 6 1 j 2 3 1 9 87 1 rb2 1 gyi 27 h 1 155r 1y 2p9 2
Gujarati Gujr 22p 3 1 9 1 3 1 m 1 7 1 2 1 5 2 a 1 3 1 3 2 1 f 4 2 c 7 7
Gurmukhi Guru 1z5 3 1 6 4 2 2 m 1 7 1 2 1 2 1 2 2 1 1 5 4 2 2 3 3 1 7 4 1 1 7 h
Han Hani 96o q 1 2h c 5y 1b 1 1 1 p 9 e 4 qs 534 1s g74 hkw a6 2 2y n48 2 c 7 sg9 wyo w 3dr 1 4ge 2 5rl f ha 1wi f2
  15u 3t7 5 6ju
Hangul Hang 3cw 74 5ym 2 75 2m 35 v 1t v nhd t hv 8mc c n 4 1d 7tw v 3 6 2 6 2 6 2 3
Hebrew Hebr 13l 1l 6 r 4 6 1cfc q 1 5 1 1 1 2 1 2 1 a
Hiragana Hira 9j5 2e 6 3 23q9 7z 3 1 e 1 t 3 crx 1
Kannada Knda 2gw d 1 3 1 n 1 a 1 5 2 9 1 3 1 4 7 2 5 3 1 4 2 a 1 3
Katakana Kana 9lt 2i 2 3 6o g 5s 1b 1 2g 14b2 a 1 19 ytu 4 1 7 1 2 1 1 7z 3 1 5 18 1 e 5
Khmer Khmr 4n4 2m 2 a 6 a di w
Lao Laoo 2v5 2 1 1 1 5 1 o 1 1 1 n 2 5 1 1 1 7 1 a 2 4
Latin Latn 1t q 6 q 1b 1 f 1 5 n 1 v 1 ch 13 5 55n 12 6 1d 5 4 5 d 1 1y 1t 74 a9 1 d 1 g g 3u 2 6 1 r 1 h 15 253 w o82
  2u 3 2b 4 1 e f mo 17 1 9 1 4 2 2 fpu 7 t6 q 6 q 1lx 6 1 16 1 e 16io 3m e 7 1i 12 2 b
Malayalam Mlym 2kg d 1 3 1 1f 1 3 1 6 4 g 2 q
Myanmar Mymr 35s 4g u9s v 2p w le8 k
Sinhala Sinh 2o1 3 1 i 3 o 1 9 1 1 2 7 3 1 4 6 1 1 1 8 6 a 2 3 1fcc k
Tamil Taml 29u 2 1 6 3 3 1 4 3 2 1 1 1 2 3 2 3 3 3 c 4 5 3 3 1 4 2 1 6 1 e l 1ih1 1e d 1
Telugu Telu 2dc d 1 3 1 n 1 g 2 9 1 3 1 4 7 2 1 3 1 2 2 4 2 a 7 9
Thai Thai 2rl 1m 5 s
Tibetan Tibt 2yo 20 1 10 4 13 1 10 1 f 1 7 4 2
"""
_SCRIPTS: dict[str, str] = {}
for _line in _SCRIPT_TABLE.replace("\n  ", " ").strip().splitlines():
    _long, _short, _differences = _line.split(" ", 2)
    _SCRIPTS[_long] = _SCRIPTS[_short] = _differences


@lru_cache(maxsize=1)
def _category_sets() -> dict[str, CharSet]:
    """Set of each two-letter general category; one scan of all code points, about 0.15 s."""
    boundaries: dict[str, list[int]] = {}
    start = 0
    for name, run in groupby(map(unicodedata.category, map(chr, range(END)))):
        end = start + sum(1 for _ in run)
        boundaries.setdefault(name, []).extend((start, end))
        start = end
    return {name: intersection(ANY, tuple(found)) for name, found in boundaries.items()}


@lru_cache(maxsize=256)
def _category(name: str) -> CharSet:
    parts = ("Lu", "Ll", "Lt") if name == "LC" else (name,)
    return union(NONE, *(s for key, s in _category_sets().items() if key.startswith(parts)))


@lru_cache(maxsize=256)
def _script(name: str) -> CharSet:
    out = [0]
    for difference in _SCRIPTS[name].split():
        out.append(out[-1] + int(difference, 36))
    return tuple(out[1:])


def unicode_property(name: str, value: str = "") -> CharSet | None:
    """Set of ``\\p{name}`` or ``\\p{name=value}``; None where the property is not known here.

    Known: every General_Category, Any, ASCII, Assigned, and Script of the scripts in the table above.
    Categories are those of the running Python's :mod:`unicodedata`.
    """
    if name in ("General_Category", "gc"):
        return _category(_CATEGORIES[value]) if value in _CATEGORIES else None
    if name in ("Script", "sc"):
        return _script(value) if value in _SCRIPTS else None
    if value:
        return None
    if name in _CATEGORIES:
        return _category(_CATEGORIES[name])
    if name == "Assigned":
        return complement(_category("Cn"))
    return {"Any": ANY, "ASCII": (0, 0x80)}.get(name)


@lru_cache(maxsize=1)
def _case_orbits() -> dict[int, set[int]]:
    """Characters of equal simple case folding, by each of them."""
    by_fold: dict[str, set[int]] = {}
    for point in range(sys.maxunicode + 1):
        char = chr(point)
        if char != char.lower() or char != char.upper():
            fold = char.casefold() if len(char.casefold()) == 1 else char.lower()
            by_fold.setdefault(fold, {ord(fold) if len(fold) == 1 else point}).add(point)
    return {point: orbit for orbit in by_fold.values() for point in orbit if len(orbit) > 1}


def fold_case(s: CharSet) -> CharSet:
    """The set with every character that differs from one of its members in case only (ECMA-262 flags i and u)."""
    extra = {other for point, orbit in _case_orbits().items() if contains(s, point) for other in orbit}
    return union(s, *(interval(point, point) for point in extra))


def partition(sets: Sequence[CharSet]) -> tuple[list[int], list[int], list[list[int]]]:
    """Divide all code points into the classes that the sets can tell apart: as :func:`classes`, all as lists."""
    starts, cls, member = classes(sets)
    return starts.tolist(), cls.tolist(), member.tolist()


def classes(sets: Sequence[CharSet]) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8]]:
    """Divide all code points into the classes that the sets can tell apart.

    Returns
    -------
    starts, cls, member
        As of :func:`detent.native.char_classes.classes`.
    """
    points = np.fromiter(chain.from_iterable(sets), np.int32)
    starts, cls, member = char_classes.classes(points, np.fromiter(accumulate(map(len, sets)), np.int32))
    return starts, cls, member


def sets_of_classes(starts: Sequence[int], cls: Sequence[int], n_classes: int) -> list[CharSet]:
    """The characters of each class, by the first code point and the class of consecutive intervals."""
    sets: list[list[int]] = [[] for _ in range(n_classes)]
    for start, end, c in zip(starts, [*starts[1:], END], cls, strict=True):
        sets[c] += (start, end)
    return [*map(tuple, sets)]


def split_digits(low: int, high: int, places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Divide a range of numbers so that in each part the digits take their values independently of each other.

    Parameters
    ----------
    low, high : int
        The range, both ends included.
    places : sequence of int
        Where each digit but the lowest begins, in bits from the right, ascending.
    """
    for bits in places:  # until every digit takes all of its values behind the first that is not fixed
        mask = (1 << bits) - 1
        if low & ~mask != high & ~mask:
            if low & mask:
                yield from split_digits(low, low | mask, places)
                yield from split_digits((low | mask) + 1, high, places)
                return
            if high & mask != mask:
                yield from split_digits(low, (high & ~mask) - 1, places)
                yield from split_digits(high & ~mask, high, places)
                return
    yield low, high
