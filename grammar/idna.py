"""Labels of internationalised names: which are valid (RFC 5892 and 5893), and A-labels, ``xn--`` and their Punycode.

No finite automaton of a sensible size holds the A-labels: :func:`judge` decodes one. But every text after ``xn--`` can
still become one while there is room (:data:`RESCUE`), so nobody needs to know before the label ends.

The tables are derived as RFC 5892 says from the Unicode version of the running Python.
"""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache

import numpy as np

from ..native.punycode import longest_with
from . import charset
from .charset import CharSet

# What is said of a valid label: written from the left, but not as RFC 5893 asks of labels beside one that is written
# from the right; written as it asks; written from the right.
NEUTRAL, LEFT, RIGHT = range(3)
# And of one that ends in a letter of an alphabet: whichever letter of it comes next, the label is not too long.
ROOM = 3

# Letters of which none melts into another or has a rule of its own. A long label is made of one alphabet: Latin, Greek,
# Cyrillic, Armenian, Hebrew, Arabic, Georgian, Hiragana, Katakana.
ALPHABETS = tuple(
    frozenset(chr(point) for span in spans.split() for point in range(ord(span[0]), ord(span[1]) + 1))
    for spans in ("az ßö øÿ", "άώ", "аџ", "աֆ", "את", "ءؿ في", "აჺ", "ぁん", "ァヴ")
)
# Most tokens are made of Latin letters, and asking for room before each of them takes seconds: such labels do not ask.
LATIN = ALPHABETS[0]
MAX_PUNYCODE = 59
# So many letters of an alphabet always fit: it spans less than 100 code points, so every delta but the first is below
# 2,886 and has three digits at most (RFC 3492, section 5). So has the first one, and 19 * 3 and a hyphen are 58.
MAX_LETTERS = 19

PVALID = "\u00df\u03c2\u06fd\u06fe\u0f0b\u3007"
CONTEXT = "\u00b7\u0375\u05f3\u05f4\u30fb\u200c\u200d"
DIGITS = ("٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹")
DISALLOWED = "\u0640\u07fa\u302e\u302f\u3031\u3032\u3033\u3034\u3035\u303b"
# Blocks and default ignorable code points that RFC 5892 leaves out, old Hangul jamo.
IGNORABLE: CharSet = (
    *(0x034F, 0x0350, 0x1100, 0x1200, 0x17B4, 0x17B6, 0x180B, 0x1810, 0x20D0, 0x2100, 0x3164, 0x3165, 0xA960, 0xA980),
    *(0xD7B0, 0xD800, 0xFE00, 0xFE10, 0xFFA0, 0xFFA1, 0x1D100, 0x1D250, 0xE0000, 0xE1000),
)  # fmt: skip
LETTER_DIGITS = ("Ll", "Lu", "Lo", "Nd", "Lm", "Mn", "Mc")

# Whatever the first FREE characters after "xn--" are, RESCUE makes a valid label of them (LEFT): an "a" comes last, so
# that no hyphen is last, and three letters come to stand in front, so that no hyphens are third and fourth.
FREE = 52
RESCUE = "a-" + ("\u00e0" * 3 + "a" * (FREE + 1)).encode("punycode").decode().rpartition("-")[2]


def is_stable(char: str) -> bool:
    """Whether normal form and case folding leave a character as it is."""
    folded = unicodedata.normalize("NFKC", char).casefold()
    return unicodedata.normalize("NFKC", folded) == char


@cache
def joining() -> tuple[CharSet, CharSet]:
    """Letters that join what follows, and those that join what stands before: by their presentation forms."""
    forms = (
        unicodedata.decomposition(chr(point)).split() for point in (*range(0xFB50, 0xFC00), *range(0xFE80, 0xFEFD))
    )
    letters = [(parts[0], chr(int(parts[1], 16))) for parts in forms if len(parts) == 2]
    initial, final = ("".join(c for form, c in letters if form == name) for name in ("<initial>", "<final>"))
    return charset.of(initial), charset.of(final)


@cache
def script(*names: str) -> CharSet:
    """The characters of some scripts."""
    return charset.union(*(charset.unicode_property("Script", name) or charset.NONE for name in names))


@cache
def _is_permitted(char: str) -> bool:
    if char in PVALID or char in CONTEXT or char == "-" or char in "".join(DIGITS):
        return True
    return (
        unicodedata.category(char) in LETTER_DIGITS
        and char not in DISALLOWED
        and not charset.contains(IGNORABLE, ord(char))
        and is_stable(char)
    )


def _joins(label: str, i: int) -> bool:
    """Whether a ZERO WIDTH NON-JOINER stands between letters that would join, marks aside."""
    before, after = label[:i], label[i + 1 :]
    while before and unicodedata.category(before[-1]) == "Mn":
        before = before[:-1]
    while after and unicodedata.category(after[0]) == "Mn":
        after = after[1:]
    first, second = joining()
    return (
        bool(before and after) and charset.contains(first, ord(before[-1])) and charset.contains(second, ord(after[0]))
    )


def _keeps_contexts(label: str) -> bool:
    """The contextual rules of RFC 5892, appendix A."""
    for i, char in enumerate(label):
        before, after = label[i - 1] if i else "", label[i + 1 : i + 2]
        if char == "\u00b7":
            good = before == after == "l"
        elif char == "\u0375":
            good = after != "" and charset.contains(script("Greek"), ord(after))
        elif char in "\u05f3\u05f4":
            good = before != "" and charset.contains(script("Hebrew"), ord(before))
        elif char == "\u30fb":
            japanese = script("Hiragana", "Katakana", "Han")
            good = any(charset.contains(japanese, ord(c)) for c in label if c != char)
        elif char in "\u200c\u200d":
            virama = before != "" and unicodedata.combining(before) == 9
            good = virama or (char == "\u200c" and _joins(label, i))
        else:
            continue
        if not good:
            return False
    return not all(any(digit in label for digit in digits) for digits in DIGITS)


def _direction(label: str) -> int | None:
    """RFC 5893, section 2."""
    kinds = [unicodedata.bidirectional(char) for char in label]
    last = next((kind for kind in reversed(kinds) if kind != "NSM"), "NSM")
    if {"R", "AL", "AN"}.isdisjoint(kinds):
        inside = {"L", "EN", "ES", "CS", "ET", "ON", "BN", "NSM"}
        return LEFT if kinds[0] == "L" and last in ("L", "EN") and inside.issuperset(kinds) else NEUTRAL
    inside = {"R", "AL", "AN", "EN", "ES", "CS", "ET", "ON", "BN", "NSM"}
    good = kinds[0] in ("R", "AL") and last in ("R", "AL", "EN", "AN") and inside.issuperset(kinds)
    return RIGHT if good and not {"EN", "AN"}.issubset(kinds) else None


def judge_label(label: str) -> int | None:
    """What a label beyond ASCII is: `NEUTRAL`, `LEFT` or `RIGHT`, or None if it is not valid, its length aside."""
    if label.isascii() or not all(map(_is_permitted, label)) or unicodedata.normalize("NFC", label) != label:
        return None
    if label[0] == "-" or label[-1] == "-" or label[2:4] == "--" or unicodedata.category(label[0]) in ("Mn", "Mc"):
        return None
    return _direction(label) if _keeps_contexts(label) else None


def judge(a_label: str) -> int | None:
    """The same for a label that begins with ``xn--``, in any case."""
    text = a_label[4:].lower()
    try:
        label = text.encode("ascii").decode("punycode")
    except UnicodeError:
        return None
    return judge_label(label) if label.encode("punycode").decode() == text else None


@lru_cache(maxsize=1 << 14)
def has_room(label: str) -> bool:
    """Whether the Punycode of a label of one alphabet fits with any further letter of it."""
    alphabet = next((letters for letters in ALPHABETS if letters.issuperset(label)), None)
    if alphabet is None:
        return False
    points, letters = (np.array([*map(ord, text)], np.int32) for text in (label + "?", sorted(alphabet)))
    return int(longest_with(points, letters)) <= MAX_PUNYCODE
