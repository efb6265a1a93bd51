r"""Patterns of ECMA-262 (flag u) as regular expressions, with the meaning JSON Schema gives them.

A pattern is searched for: it matches a text that contains a match. Where real schemas are laxer than flag u, a form
with one possible meaning is taken and one that validators read differently is refused:

* taken: an escaped character that is no ASCII letter or digit (``\-``, ``\_``, ``\@``) stands for itself; ``]``, ``}``
  and a ``{`` that begins no quantifier are literals; ``[\w-.]`` holds a hyphen; ``(?P<name>...)`` is a group;
  ``(?i)`` at the start ignores case;
* refused: other escaped letters (``\Z``, ``\a``: Python reads an anchor, ECMA-262 without u a letter),
  atomic groups, possessive quantifiers, other inline flags for the rest of the pattern, ``\0`` before a digit.

Back-references are taken to groups that have finitely many texts (:mod:`~detent.grammar.references`).

``\d``, ``\w`` and ``\b`` are ASCII and ``$`` is the very end, as ECMA-262 has it and Python's `re` has not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NoReturn

from . import charset, references
from .charset import CharSet
from .errors import GrammarError, LimitExceeded, Unenforceable
from .regular import (
    ANY_TEXT,
    EMPTY,
    EPSILON,
    START,
    STOP,
    Alt,
    Look,
    Regular,
    Repeat,
    Seq,
    alt,
    capture,
    character,
    chars,
    conj,
    look,
    neg,
    reference,
    repeat,
    seq,
)

MAX_DEPTH = 100

_QUANTIFIER = re.compile(r"(?:([*+?])|\{([0-9]+)(?:(,)([0-9]*))?\})(\??)")
_QUANTIFIES = frozenset("*+?{")  # how one begins
_PLAIN = re.compile(r"[^\\^$.*+?()\[\]{}|]+")  # characters that stand for themselves
_GROUP = re.compile(r"\?(?:(<?[=!])|P?<(?P<name>(?!\d)[\w$]+)>|(?P<on>[ims]*)(?P<off>-[ims]*)?:|(?P<onward>i)\))")
_REFERENCE = re.compile(r"([1-9][0-9]*)|k<((?!\d)[\w$]+)>")
_LINE_ENDS = charset.complement(charset.DOT)
_TOO_MANY = 10**18
_CLASS = re.compile(r"(?:[^\\\]]|\\.)*\]", re.DOTALL)  # behind its bracket
_HEX = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|u\{0*([0-9A-Fa-f]{1,6})\}")
_PROPERTY = re.compile(r"[pP]\{(\w+)(?:=(\w+))?\}")
_CONTROL = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13}
_COUNT = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_SETS = {"d": charset.DIGIT, "w": charset.WORD, "s": charset.SPACE}
_SETS |= {name.upper(): charset.complement(points) for name, points in _SETS.items()}


def parse(pattern: str, *, anchored: bool = False, max_depth: int = MAX_DEPTH) -> Regular:
    """Expression of the texts in which a pattern is found.

    Parameters
    ----------
    pattern : str
    anchored : bool
        The pattern must match the whole text.
    max_depth : int
        Deepest nesting of groups.

    Raises
    ------
    GrammarError
        The pattern is not valid.
    Unenforceable
        It refers to a group that is too large, or names an unknown property of characters.
    LimitExceeded
        ``regex_depth``.

    Examples
    --------
    >>> parse("^a|b")
    <Alt a[\\s\\S]*|[\\s\\S]*b[\\s\\S]*>
    """
    parser = Parser(pattern, max_depth)
    node = parser.pattern_text()
    if parser.refers:
        parser = Parser(pattern, max_depth, parser.names)
        node = references.expand(parser.pattern_text(), parser.fail_group)
    return _whole(node) if anchored else search(node)


def search(node: Regular) -> Regular:
    """Texts that contain a match. Anchors and lookaheads at the edges are resolved, so that few patterns keep any."""
    if isinstance(node, Seq) and node.parts[0] is START and node.parts[-1] is STOP:
        return _resolve_lookaheads(seq(*node.parts[1:-1]))
    fixed, floating = _part(node, START, 0)
    return _match_at_start(alt(fixed, seq(ANY_TEXT, _beside_any_text(floating, 0))))


def _match_at_start(node: Regular) -> Regular:
    """Texts that begin with a match."""
    fixed, floating = _part(node, STOP, -1)
    return _resolve_lookaheads(alt(fixed, seq(_beside_any_text(floating, -1), ANY_TEXT)))


def _whole(node: Regular) -> Regular:
    """Texts that match from start to end."""
    return _resolve_lookaheads(alt(*_part(alt(*_part(node, START, 0)), STOP, -1)))


def _resolve_lookaheads(node: Regular) -> Regular:
    """Lookaheads at the start of a whole text are an intersection: ``(?!a)b`` is ``b`` without ``a[any]*``."""
    if isinstance(node, Alt):
        return alt(*map(_resolve_lookaheads, node.parts))
    parts = node.parts if isinstance(node, Seq) else (node,)
    languages = []
    for i, part in enumerate(parts):
        if isinstance(part, Look) and not part.behind:
            language = _match_at_start(part.part)
            languages.append(neg(language) if part.negative else language)
        elif part is not START:
            return conj(*languages, seq(*parts[i:]))
    return conj(*languages, EPSILON)


def _part(node: Regular, anchor: Regular, edge: int) -> tuple[Regular, Regular]:
    """The alternatives with an anchor at an edge (0 or -1), which is taken off, and those without."""
    if node is anchor:
        return EPSILON, EMPTY
    if isinstance(node, Alt):
        pairs = [_part(part, anchor, edge) for part in node.parts]
        return alt(*(fixed for fixed, _ in pairs)), alt(*(floating for _, floating in pairs))
    if isinstance(node, Seq):
        fixed, floating = _part(node.parts[edge], anchor, edge)
        if fixed is EMPTY:
            return EMPTY, node
        if edge == 0:
            return seq(fixed, *node.parts[1:]), seq(floating, *node.parts[1:])
        return seq(*node.parts[:-1], fixed), seq(*node.parts[:-1], floating)
    return EMPTY, node


def _beside_any_text(node: Regular, edge: int) -> Regular:
    """A smaller expression that means the same next to ``[any]*``: optional parts at that edge go."""
    if isinstance(node, Repeat):
        least = repeat(node.part, node.low, node.low)
        return _beside_any_text(least, edge) if node.low < 2 else least
    if isinstance(node, Alt):
        parts = [_beside_any_text(part, edge) for part in node.parts]
        return EPSILON if EPSILON in parts else alt(*parts)
    if isinstance(node, Seq):
        outer = _beside_any_text(node.parts[edge], edge)
        inner = seq(*(node.parts[1:] if edge == 0 else node.parts[:-1]))
        if outer is EPSILON:
            return _beside_any_text(inner, edge)
        return seq(outer, inner) if edge == 0 else seq(inner, outer)
    return node


@lru_cache(maxsize=1024)
def _class(text: str, flags: frozenset[str]) -> Regular | None:
    """The characters of a class by its text behind the bracket; None for an error: the parser tells its place."""
    parser = Parser(text, 0)
    parser.flags = flags
    try:
        return chars(parser.character_class())
    except GrammarError:
        return None


def _count(digits: str) -> int:
    """A count; those that no limit allows are one."""
    digits = digits.lstrip("0") or "0"
    return int(digits) if len(digits) < len(str(_TOO_MANY)) else _TOO_MANY


class Parser:
    """Recursive descent over the grammar of ECMA-262, section 22.2.1."""

    def __init__(self, pattern: str, max_depth: int, known: Mapping[str, tuple[int, ...]] | None = None) -> None:
        self.pattern, self.max_depth = pattern, max_depth
        self.at = self.depth = 0
        self.flags: frozenset[str] = frozenset()
        # Groups by name and number, where each opens, and the alternatives (disjunction: choice) around it. A reference
        # may stand before its group: a first pass finds the groups, a second one knows them and keeps what they match.
        self.known = known
        self.names: dict[str, tuple[int, ...]] = {}
        self.opens: list[int] = []
        self.refers = False
        self.around: dict[int, int] = {}
        self.named: dict[str, list[dict[int, int]]] = {}

    def fail(self, reason: str, hint: str | None = None, kind: type[GrammarError] = GrammarError) -> NoReturn:
        raise kind(f"pattern {self.pattern!r}, character {self.at}: {reason}.", keyword="pattern", hint=hint) from None

    def fail_group(self, group: int, reason: str) -> NoReturn:
        self.at = self.opens[group - 1]
        self.fail(f"group {group}, which a back-reference repeats, {reason}", kind=Unenforceable)

    def pattern_text(self) -> Regular:
        node = self.disjunction()
        if self.at < len(self.pattern):
            self.fail("unbalanced )")
        return node

    def points(self, points: CharSet) -> CharSet:
        return charset.fold_case(points) if "i" in self.flags else points

    def disjunction(self) -> Regular:
        start = self.at
        self.around[start] = 0
        choices = [self.alternative()]
        while self.pattern[self.at : self.at + 1] == "|":
            self.at += 1
            self.around[start] += 1
            choices.append(self.alternative())
        del self.around[start]
        return alt(*choices)

    def alternative(self) -> Regular:
        parts: list[Regular] = []
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            if "i" not in self.flags and (plain := _PLAIN.match(self.pattern, self.at)):
                repeats = self.pattern[plain.end() : plain.end() + 1] in _QUANTIFIES  # the last one
                self.at = plain.end() - repeats
                parts += map(character, map(ord, self.pattern[plain.start() : self.at]))
                if not repeats:
                    continue
            parts.append(self.term())
        return seq(*parts)

    def term(self) -> Regular:
        char = self.pattern[self.at]
        if char in "*+?" or (char == "{" and _QUANTIFIER.match(self.pattern, self.at)):
            self.fail("nothing to repeat")
        self.at += 1
        if char in "^$":
            edge, behind = (START, True) if char == "^" else (STOP, False)
            return alt(edge, look(chars(_LINE_ENDS), behind=behind)) if "m" in self.flags else edge
        if char == "\\" and self.pattern[self.at : self.at + 1] in ("b", "B"):
            self.at += 1
            return self.boundary(self.pattern[self.at - 1] == "B")
        if char == "\\" and self.pattern[self.at : self.at + 1] in (*"123456789k",):
            return self.quantified(self.reference())
        if char == "(":
            return self.quantified(self.group())
        if char == "[":
            return self.quantified(self.known_class() or chars(self.character_class()))
        if char == ".":
            return self.quantified(chars(charset.ANY if "s" in self.flags else charset.DOT))
        found = self.escape(in_class=False) if char == "\\" else ord(char)
        if not isinstance(found, int):
            return self.quantified(chars(found))
        if "i" in self.flags:
            return self.quantified(chars(charset.fold_case(charset.interval(found, found))))
        return self.quantified(character(found))

    def quantified(self, node: Regular) -> Regular:
        if self.pattern[self.at : self.at + 1] not in _QUANTIFIES:
            return node
        match = _QUANTIFIER.match(self.pattern, self.at)
        if not match:
            return node
        sign, low_digits, comma, high_digits, _ = match.groups()
        self.at = match.end()
        if _QUANTIFIER.match(self.pattern, self.at):
            self.fail("a quantifier after a quantifier")
        if sign:
            low, high = _COUNT[sign]
        else:
            low = _count(low_digits)
            high = low if not comma else _count(high_digits) if high_digits else None
            if high is not None and high < low:
                self.fail("the bounds of a quantifier are out of order")
        return repeat(node, low, high)

    def boundary(self, negative: bool) -> Regular:
        word = chars(self.points(charset.WORD))
        sides = [(True, False), (False, True)] if not negative else [(True, True), (False, False)]
        return alt(*(seq(look(word, behind=True, negative=b), look(word, negative=a)) for b, a in sides))

    def group(self) -> Regular:
        self.depth += 1
        if self.depth > self.max_depth:
            raise LimitExceeded("regex_depth", self.depth, self.max_depth, keyword="pattern")
        kind, captures, flags, opened = None, True, self.flags, self.at
        if self.pattern[self.at : self.at + 1] == "?":
            match = _GROUP.match(self.pattern, self.at)
            if not match:
                self.fail(f"unknown group ({self.pattern[self.at : self.at + 3]}")
            kind, captures = match[1], match["name"] is not None
            self.modify(match)
            self.at = match.end()
            if match["onward"]:
                self.depth -= 1
                return EPSILON
            if captures:
                self.name(match["name"])
        if captures:
            self.opens.append(opened)
            self.names[str(len(self.opens))] = (len(self.opens),)
        number = len(self.opens)
        node = self.disjunction()
        if self.pattern[self.at : self.at + 1] != ")":
            self.fail("a group is not closed")
        self.at += 1
        self.depth -= 1
        self.flags = flags
        if kind:
            return look(node, behind=kind[0] == "<", negative=kind[-1] == "!")
        return capture(node, number) if captures and self.known is not None else node

    def modify(self, match: re.Match[str]) -> None:
        """Set the flags of ``(?i:``, ``(?s-m:`` and the like."""
        if match["onward"] and self.at > 1:
            self.fail("(?i) is only taken at the start")
        on, off = match["on"] or match["onward"] or "", (match["off"] or "")[1:]
        if len({*on, *off}) < len(on + off) or (match["off"] == "-" and not on):
            self.fail(f"unknown group ({match[0]}")
        self.flags = (self.flags | {*on}) - {*off}

    def name(self, name: str) -> None:
        """Give the next group a name, which only groups of other alternatives may have."""
        for around in self.named.setdefault(name, []):
            if all(self.around.get(start, choice) == choice for start, choice in around.items()):
                self.fail(f"a second group with the name {name}")
        self.named[name].append(dict(self.around))
        self.names[name] = (*self.names.get(name, ()), len(self.opens) + 1)

    def reference(self) -> Regular:
        """A back-reference, after the backslash."""
        match = _REFERENCE.match(self.pattern, self.at)
        if not match:
            self.fail(r"an incomplete \k<name>")
        self.refers = True
        groups = (self.known or {}).get(match[1] or match[2])
        if self.known is not None and groups is None:
            self.fail(f"no group {match[1] or match[2]} to refer to")
        self.at = match.end()
        return reference(*(groups or ()), ignore_case="i" in self.flags)

    def escape(self, in_class: bool) -> int | CharSet:
        """A code point or a set, after the backslash."""
        if self.at == len(self.pattern):
            self.fail("a lone backslash at the end")
        char = self.pattern[self.at]
        if char in _SETS:
            self.at += 1
            if char in "wW" and "i" in self.flags:
                word = charset.fold_case(charset.WORD)
                return word if char == "w" else charset.complement(word)
            return _SETS[char]
        if char in "pP":
            return self.unicode_property()
        if char in "xu":
            return self.hexadecimal()
        self.at += 1
        following = self.pattern[self.at : self.at + 1]
        if char in _CONTROL:
            return _CONTROL[char]
        if char == "c" and following.isascii() and following.isalpha():
            self.at += 1
            return ord(following) % 32
        if char == "0" and not following.isdigit():
            return 0
        if char == "b" and in_class:
            return 8
        if char.isascii() and char.isalnum():
            hint = {"A": "Write ^ instead.", "Z": "Write $ instead.", "z": "Write $ instead."}.get(char)
            self.fail(f"ECMA-262 has no escape \\{char}", hint)
        return ord(char)

    def hexadecimal(self) -> int:
        match = _HEX.match(self.pattern, self.at)
        if not match:
            self.fail("an incomplete \\x or \\u")
        self.at = match.end()
        point = int(match[match.lastindex or 0], 16)
        if point >= charset.END:
            self.fail("no such code point")
        if 0xD800 <= point < 0xDC00 and match[2]:
            low = _HEX.match(self.pattern, self.at + 1) if self.pattern.startswith("\\u", self.at) else None
            if low and low[2] and 0xDC00 <= int(low[2], 16) < 0xE000:
                self.at = low.end()
                return 0x10000 + (point - 0xD800) * 0x400 + int(low[2], 16) - 0xDC00
        return point

    def unicode_property(self) -> CharSet:
        match = _PROPERTY.match(self.pattern, self.at)
        points = charset.unicode_property(match[1], match[2] or "") if match else None
        if match is None or points is None:
            known = Unenforceable if match else GrammarError
            self.fail(f"the Unicode property {match[0] if match else ''!r} is not known", kind=known)
        negative = self.pattern[self.at] == "P"
        self.at = match.end()
        return self.points(charset.complement(points) if negative else points)

    def known_class(self) -> Regular | None:
        """The characters of a class that some pattern had before; None for one that is wrong."""
        match = _CLASS.match(self.pattern, self.at)
        found = None if match is None else _class(match[0], self.flags)
        if match is not None and found is not None:
            self.at = match.end()
        return found

    def character_class(self) -> CharSet:
        negative = self.pattern[self.at : self.at + 1] == "^"
        self.at += negative
        sets: list[CharSet] = [charset.NONE]
        while self.pattern[self.at : self.at + 1] != "]":
            first = self.class_atom()
            if not isinstance(first, int):
                sets.append(first)
                continue
            last = first
            if self.pattern[self.at : self.at + 1] == "-" and self.pattern[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 1
                found = self.class_atom()
                if isinstance(found, int):
                    last = found
                else:
                    sets += [found, charset.interval(0x2D, 0x2D)]
            if last < first:
                self.fail("a range is out of order")
            sets.append(charset.interval(first, last))
        self.at += 1
        points = self.points(charset.union(*sets))
        return charset.complement(points) if negative else points

    def class_atom(self) -> int | CharSet:
        if self.at == len(self.pattern):
            self.fail("a class is not closed")
        char = self.pattern[self.at]
        self.at += 1
        return self.escape(in_class=True) if char == "\\" else ord(char)
