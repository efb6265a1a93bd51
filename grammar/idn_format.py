r"""The format ``idn-hostname``: names of RFC 5890 to 5893, as far as a finite automaton of a sensible size can tell.

Whether a label is valid depends on the length of its Punycode, which is a sum over all of its characters. The automaton
holds every name within these bounds, and none that is not valid:

* a label beyond ASCII has at most 10 characters: then its Punycode fits whatever they are; or it is longer, all letters
  of one of a few alphabets (`ALPHABETS` of `idna.py`), and before its last one, each letter of the alphabet would have
  fitted (Latin: 19 at most);
* there are at most three such labels, and then at most 67 characters in all, and no label that begins with ``xn--``;
* marks of a combining class that normal form C may melt into another character do not occur, and two marks with such a
  class never follow each other;
* a ZERO WIDTH NON-JOINER without virama stands between two letters of the block Arabic.

The tables are derived as RFC 5892 says from the Unicode version of the running Python.
"""

from __future__ import annotations

import unicodedata
from dataclasses import replace

from . import charset, dfa, idna
from .charset import CharSet
from .judged import MAX_ASCII_NAME, after_verdict, ascii_names, judged, without_verdicts
from .regex import parse
from .regular import ANY_CHAR, ANY_TEXT, EPSILON, Regular, alt, chars, conj, literal, neg, repeat, seq
from .text_set import TextSet

# With 10 characters below U+323B0 the first delta is below 2.1 million: five digits at most; each other one has at most
# six: 59 with "xn--" in front are 63.
MAX_LABEL, LAST_POINT = 10, 0x323AF
# A label beyond ASCII has at most 62 characters more in its other form.
MAX_LABELS, MAX_NAME = 3, MAX_ASCII_NAME - 3 * 62
_DOTS = ".\u3002\uff0e\uff61"


def _points(points: list[int]) -> CharSet:
    return charset.of("".join(map(chr, points)))


def _letters() -> list[int]:
    """Code points that RFC 5892 derives to be valid, without its exceptions."""
    sets = (charset.unicode_property(name) for name in idna.LETTER_DIGITS)
    kinds = charset.union(*(points for points in sets if points is not None))
    found = charset.intersection(kinds, charset.complement(idna.IGNORABLE))
    spans = zip(found[::2], found[1::2], strict=True)
    return [point for a, b in spans for point in range(a, min(b, LAST_POINT + 1)) if idna.is_stable(chr(point))]


def _compositions() -> dict[str, set[str]]:
    """For each character that composes with one before it, those it composes with."""
    found: dict[str, set[str]] = {}
    for point in range(LAST_POINT + 1):
        parts = unicodedata.decomposition(chr(point)).split()
        if len(parts) == 2 and parts[0][0] != "<" and unicodedata.normalize("NFC", chr(point)) == chr(point):
            found.setdefault(chr(int(parts[1], 16)), set()).add(chr(int(parts[0], 16)))
    return found


def _holds(node: Regular) -> Regular:
    return seq(ANY_TEXT, node, ANY_TEXT)


class _Labels:
    """The languages of labels beyond ASCII."""

    def __init__(self) -> None:
        composing = _compositions()
        melting = {char for char in composing if unicodedata.combining(char)}
        valid = (
            {*map(chr, _letters()), *idna.PVALID, *idna.CONTEXT, *"".join(idna.DIGITS), "-"}
            - {*idna.DISALLOWED}
            - melting
        )
        self.valid = sorted(map(ord, valid))
        self.pairs = {char: before for char, before in composing.items() if char in valid}

    def where(self, function: str, *values: object) -> CharSet:
        """Valid characters of which a function of `unicodedata` has one of these values."""
        found = getattr(unicodedata, function)
        return _points([point for point in self.valid if found(chr(point)) in values])

    def rules(self) -> list[Regular]:
        """What a label must be, and what it must not hold."""
        hyphen, any_valid = literal("-"), chars(_points(self.valid))
        marks = chars(self.where("category", "Mn", "Mc"))
        classes = {value for point in self.valid if (value := unicodedata.combining(chr(point)))}
        combining = chars(self.where("combining", *classes))
        refused = [
            seq(alt(marks, hyphen), ANY_TEXT),
            seq(ANY_TEXT, hyphen),
            seq(ANY_CHAR, ANY_CHAR, literal("--"), ANY_TEXT),
            _holds(seq(combining, combining)),
            *(_holds(seq(chars(charset.of("".join(before))), literal(c))) for c, before in self.pairs.items()),
            conj(*(_holds(chars(charset.of(digits))) for digits in idna.DIGITS)),
        ]
        beyond = chars(charset.interval(0x80, charset.END - 1))
        return [repeat(any_valid, 1, MAX_LABEL), _holds(beyond), *map(neg, refused), *self.contexts()]

    def contexts(self) -> list[Regular]:
        """The contextual rules of RFC 5892, appendix A: what must stand before or after some characters."""

        def but(points: CharSet) -> Regular:
            return chars(charset.complement(points))

        def after(points: CharSet) -> Regular:
            """Texts that do not end in one of the characters."""
            return alt(EPSILON, seq(ANY_TEXT, but(points)))

        def before(points: CharSet) -> Regular:
            return alt(EPSILON, seq(but(points), ANY_TEXT))

        virama, joining = self.where("combining", 9), idna.joining()[0]
        japanese = idna.script("Hiragana", "Katakana", "Han")
        refused = [
            seq(after(charset.of("l")), literal("\u00b7"), ANY_TEXT),
            seq(ANY_TEXT, literal("\u00b7"), before(charset.of("l"))),
            seq(ANY_TEXT, literal("\u0375"), before(idna.script("Greek"))),
            seq(after(idna.script("Hebrew")), chars(charset.of("\u05f3\u05f4")), ANY_TEXT),
            seq(after(virama), literal("\u200d"), ANY_TEXT),
            seq(after(charset.union(virama, joining)), literal("\u200c"), ANY_TEXT),
            seq(ANY_TEXT, chars(joining), literal("\u200c"), before(joining)),
            conj(_holds(literal("\u30fb")), neg(_holds(chars(japanese)))),
        ]
        return list(map(neg, refused))

    def left_to_right(self) -> Regular:
        """RFC 5893, rules 1, 5 and 6."""
        strong, digit = chars(self.where("bidirectional", "L")), chars(self.where("bidirectional", "L", "EN"))
        inside = chars(self.where("bidirectional", "L", "EN", "ES", "CS", "ET", "ON", "BN", "NSM"))
        return conj(seq(strong, repeat(inside, 0, None)), self._ending(digit))

    def right_to_left(self) -> Regular:
        """RFC 5893, rules 1 to 4."""
        first = chars(self.where("bidirectional", "R", "AL"))
        kinds = ("R", "AL", "AN", "EN", "ES", "CS", "ET", "ON", "BN", "NSM")
        inside = chars(self.where("bidirectional", *kinds))
        mixed = conj(*(_holds(chars(self.where("bidirectional", kind))) for kind in ("EN", "AN")))
        last = chars(self.where("bidirectional", "R", "AL", "EN", "AN"))
        return conj(seq(first, repeat(inside, 0, None)), self._ending(last), neg(mixed))

    def _ending(self, last: Regular) -> Regular:
        return seq(ANY_TEXT, last, repeat(chars(self.where("bidirectional", "NSM")), 0, None))

    def neutral(self) -> Regular:
        """No character that is written from the right."""
        return neg(_holds(chars(self.where("bidirectional", "R", "AL", "AN"))))


def _long_labels(*, from_left: bool) -> Regular:
    """Longer labels of one alphabet: from some length on, it is asked before each letter whether there is room."""
    beyond = _holds(chars(charset.interval(0x80, charset.END - 1)))
    found = []
    for alphabet in idna.ALPHABETS:
        if (unicodedata.bidirectional(min(alphabet)) == "L") == from_left:
            letter = chars(charset.of("".join(alphabet)))
            begin = conj(repeat(letter, MAX_LABEL, MAX_LABEL), beyond)
            more = repeat(letter, 1, idna.MAX_LETTERS - MAX_LABEL)
            asked = seq(after_verdict(idna.ROOM), letter)
            found.append(seq(begin, more, EPSILON if alphabet is idna.LATIN else repeat(asked, 0, None)))
    return alt(*found)


def idn_hostnames() -> TextSet:
    """The texts of the format."""
    labels = _Labels()
    valid = conj(*labels.rules())
    left, right = (conj(valid, direction) for direction in (labels.left_to_right(), labels.right_to_left()))
    ascii_label = parse(r"(?!..--)[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?", anchored=True)
    # Names in which nothing is written from the right; names of which every label keeps the rules of RFC 5893.
    long_left, long_right = (_long_labels(from_left=from_left) for from_left in (True, False))
    plain = _names(ascii_label, alt(conj(valid, labels.neutral()), long_left), MAX_LABELS)
    directed = _names(conj(ascii_label, parse("^[A-Za-z]")), alt(left, right, long_left, long_right), MAX_LABELS)
    marked = dfa.compile(alt(plain, directed), max_states=50_000)
    dot = chars(charset.of(_DOTS))
    ascii_only = dfa.compile(seq(ascii_label, repeat(seq(dot, ascii_label), 0, None)))
    texts = TextSet.of(ascii_only, 1, MAX_ASCII_NAME) | TextSet.of(without_verdicts(marked), 1, MAX_NAME)
    return replace(texts, whole=((ascii_names(f"[{_DOTS}]"), 1, MAX_ASCII_NAME), (judged(marked), 1, MAX_NAME)))


def _names(ascii_label: Regular, other: Regular, most: int) -> Regular:
    """Labels and dots, with one of the other labels, and at most so many."""
    dot = chars(charset.of(_DOTS))
    ascii_only = seq(ascii_label, repeat(seq(dot, ascii_label), 0, None))
    more = alt(ascii_only, _names(ascii_label, other, most - 1)) if most > 1 else ascii_only
    return seq(repeat(seq(ascii_label, dot), 0, None), other, alt(EPSILON, seq(dot, more)))
