"""Python patterns as trees of six kinds of nodes, from :mod:`re`'s own parser, so that it means what `re` says.

The order of alternatives and the greed of repetitions are kept: which match is found depends on them. Assertions are
kept as languages of *marked* texts: ``left MARK right`` is in the language where the assertion holds between left and
right.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from .. import charset, regular
from ..charset import CharSet, complement
from ..regular import ANY_TEXT, EPSILON, START, STOP, Regular
from . import characters
from .sre import constants, parser

MARK = regular.chars((0xDFFF, 0xE000))  # a surrogate: no text holds it
_NEWLINE = regular.chars(characters.NEWLINE)
MULTILINE, UNICODE = int(re.MULTILINE), int(re.UNICODE)
_TYPE_FLAGS = int(re.ASCII | re.LOCALE | re.UNICODE)


@dataclass(frozen=True, slots=True)
class Chars:
    """One character of a set."""

    points: CharSet


@dataclass(frozen=True, slots=True)
class Seq:
    """One part after another."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """The first part after which the rest matches."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """From `low` to `high` parts (None: without end), many first if greedy, few first if not."""

    part: Node
    low: int
    high: int | None
    greedy: bool


@dataclass(frozen=True, slots=True)
class Assertion:
    """The empty text where `look`, an expression of assertions, holds: the marked text is (not) in a language."""

    look: Regular
    marked: Regular
    negative: bool


Node: TypeAlias = "Chars | Seq | Choice | Repeat | Assertion"
EMPTY = Seq(())


@dataclass(frozen=True)
class Pattern:
    """A pattern that was read.

    Attributes
    ----------
    node : Node
    min_width, max_width : int
        As :mod:`re` counts them; Lark orders terminals by the latter.
    names : frozenset of str
        Named groups.
    flags : int
        Flags of the whole pattern, ``(?i)``, which is possible only where it is not part of another one.
    """

    node: Node
    min_width: int
    max_width: int
    names: frozenset[str]
    flags: int


class Unsupported(ValueError):
    """A construct of `re` that has no program."""


def nullable(node: Node) -> bool:
    """Whether a node can match the empty text."""
    if isinstance(node, Seq):
        return all(map(nullable, node.parts))
    if isinstance(node, Choice):
        return any(map(nullable, node.parts))
    return isinstance(node, Assertion) or (isinstance(node, Repeat) and (node.low == 0 or nullable(node.part)))


@lru_cache(maxsize=1024)
def read(text: str) -> Pattern:
    """Read a pattern.

    Raises
    ------
    re.error
        It is none.
    Unsupported
        It needs more than ordered threads with assertions.
    """
    tree = parsed(text)
    low, high = tree.getwidth()
    flags, names = int(tree.state.flags), frozenset(tree.state.groupdict)
    return Pattern(_sequence(tree, flags), int(low), int(high), names, flags & ~UNICODE)


def parsed(text: str) -> Any:
    """The tree of a pattern that :mod:`re` makes."""
    with warnings.catch_warnings():  # of what a later Python may read in another way
        warnings.simplefilter("ignore")
        return parser.parse(text)


def literal(text: str, flags: int) -> Node:
    """The node of a plain text."""
    return Seq(tuple([_char(c, flags) for c in text]))


@lru_cache(maxsize=1024)
def _char(char: str, flags: int) -> Chars:
    return Chars(characters.one(ord(char), flags))


def _sequence(items: Any, flags: int) -> Node:
    parts = [_item(op, value, flags) for op, value in items]
    return parts[0] if len(parts) == 1 else Seq(tuple(parts))


def _item(op: Any, value: Any, flags: int) -> Node:
    found = _ITEMS.get(op)
    if found is None:
        raise Unsupported(_REFUSED.get(op, f"{str(op).lower()} of Python's re"))
    return found(value, flags)  # type: ignore[no-any-return]


def _group(value: Any, flags: int) -> Node:
    _, add, remove, items = value
    if add & _TYPE_FLAGS:
        flags &= ~_TYPE_FLAGS
    return _sequence(items, (flags | add) & ~remove)


def _repeat(value: Any, flags: int, *, greedy: bool) -> Node:
    low, high, items = value
    return Repeat(_sequence(items, flags), low, None if high == constants.MAXREPEAT else high, greedy)


def _possessive(value: Any, flags: int) -> Node:
    repeat = _repeat(value, flags, greedy=True)
    assert isinstance(repeat, Repeat)
    part, low, high = repeat.part, repeat.low, repeat.high
    if not isinstance(part, Chars):
        raise Unsupported("a possessive repetition of more than one character")
    stop = _look(regular.chars(part.points), negative=True)
    if high is None:
        return Seq((repeat, stop))
    full = Repeat(part, high, high, True)
    return Choice((full, Seq((Repeat(part, low, high - 1, True), stop)))) if high > low else full


def _look(part: Regular, *, behind: bool = False, negative: bool = False) -> Assertion:
    marked = (ANY_TEXT, part, MARK, ANY_TEXT) if behind else (ANY_TEXT, MARK, part, ANY_TEXT)
    return Assertion(regular.look(part, behind=behind, negative=negative), regular.seq(*marked), negative)


def _assert(value: Any, flags: int, *, negative: bool) -> Node:
    direction, items = value
    return _look(_regular(_sequence(items, flags)), behind=direction < 0, negative=negative)


def _at(value: Any, flags: int) -> Node:
    if value in (constants.AT_BEGINNING, constants.AT_BEGINNING_STRING):
        many = value is constants.AT_BEGINNING and flags & MULTILINE
        before = regular.alt(EPSILON, regular.seq(ANY_TEXT, _NEWLINE)) if many else EPSILON
        look = regular.alt(START, regular.look(_NEWLINE, behind=True)) if many else START
        return Assertion(look, regular.seq(before, MARK, ANY_TEXT), False)
    if value in (constants.AT_END, constants.AT_END_STRING):
        after = EPSILON
        if value is constants.AT_END:
            after = regular.alt(EPSILON, regular.seq(_NEWLINE, ANY_TEXT if flags & MULTILINE else EPSILON))
        return Assertion(regular.look(regular.seq(after, STOP)), regular.seq(ANY_TEXT, MARK, after), False)
    return _boundary(bool(flags & characters.ASCII), value is constants.AT_NON_BOUNDARY)


@lru_cache(maxsize=4)
def _boundary(ascii_only: bool, negative: bool) -> Assertion:
    points = characters.category(r"\w", ascii_only)
    word, other = regular.chars(points), regular.chars(complement(points))
    ends = (regular.look(word, behind=True), regular.look(word, negative=True))
    begins = (regular.look(word, behind=True, negative=True), regular.look(word))
    stays = ((ends[0], begins[1]), (begins[0], ends[1])) if negative else (ends, begins)
    marked = regular.alt(
        regular.seq(ANY_TEXT, word, MARK, regular.alt(EPSILON, regular.seq(other, ANY_TEXT))),
        regular.seq(regular.alt(EPSILON, regular.seq(ANY_TEXT, other)), MARK, word, ANY_TEXT),
    )
    return Assertion(regular.alt(*(regular.seq(*pair) for pair in stays)), marked, negative)


_ITEMS: dict[Any, Any] = {
    constants.LITERAL: lambda value, flags: Chars(characters.one(value, flags)),
    constants.NOT_LITERAL: lambda value, flags: Chars(complement(characters.one(value, flags))),
    constants.ANY: lambda _, flags: Chars(characters.any_character(flags)),
    constants.IN: lambda value, flags: Chars(characters.members(value, flags)),
    constants.BRANCH: lambda value, flags: Choice(tuple(_sequence(items, flags) for items in value[1])),
    constants.SUBPATTERN: _group,
    constants.MAX_REPEAT: lambda value, flags: _repeat(value, flags, greedy=True),
    constants.MIN_REPEAT: lambda value, flags: _repeat(value, flags, greedy=False),
    constants.ASSERT: lambda value, flags: _assert(value, flags, negative=False),
    constants.ASSERT_NOT: lambda value, flags: _assert(value, flags, negative=True),
    constants.AT: _at,
    constants.FAILURE: lambda *_: Chars(charset.NONE),
}
if hasattr(constants, "POSSESSIVE_REPEAT"):  # Python 3.11
    _ITEMS[constants.POSSESSIVE_REPEAT] = _possessive
_REFUSED = {
    constants.GROUPREF: "a back-reference",
    constants.GROUPREF_EXISTS: "a conditional on a group",
    getattr(constants, "ATOMIC_GROUP", None): "an atomic group",
}


def _regular(node: Node) -> Regular:
    """The language of a node inside an assertion, where only the existence of a match counts."""
    if isinstance(node, Chars):
        return regular.chars(node.points)
    if isinstance(node, Seq):
        return regular.seq(*map(_regular, node.parts))
    if isinstance(node, Choice):
        return regular.alt(*map(_regular, node.parts))
    if isinstance(node, Repeat):
        return regular.repeat(_regular(node.part), node.low, node.high)
    return node.look
