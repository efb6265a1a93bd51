"""The trees of Python patterns.

The order of alternatives and the greed of repetitions are kept: which match is found depends on them. Assertions are
kept as languages of *marked* texts: ``left MARK right`` is in the language where the assertion holds between left and
right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from .. import charset, regular
from ..charset import CharSet
from ..regular import ANY_TEXT, Regular
from . import characters

MARK = regular.chars((0xDFFF, 0xE000))  # a surrogate: no text holds it
Texts: TypeAlias = Mapping[int, str]  # what groups have read; those that took no part are missing


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


@dataclass(frozen=True, slots=True)
class Group:
    """A part whose text (if `kept`), or that it took part, is referred to by a number."""

    number: int
    part: Node
    kept: bool


@dataclass(frozen=True, slots=True)
class Reference:
    """The text that a group has read; nothing matches where the group took no part."""

    number: int
    flags: int


@dataclass(frozen=True, slots=True)
class Conditional:
    """One of two parts: did the group take part?"""

    number: int
    yes: Node
    no: Node


@dataclass(frozen=True, slots=True)
class Look:
    """An assertion that refers to groups before it."""

    part: Node
    behind: bool
    negative: bool


Node: TypeAlias = "Chars | Seq | Choice | Repeat | Assertion | Group | Reference | Conditional | Look"
EMPTY = Seq(())


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly inside."""
    if isinstance(node, Seq | Choice):
        return node.parts
    if isinstance(node, Conditional):
        return node.yes, node.no
    return (node.part,) if isinstance(node, Repeat | Group | Look) else ()


def nullable(node: Node) -> bool:
    """Whether a node may match the empty text; of a reference, it depends on the group."""
    if isinstance(node, Chars):
        return False
    if isinstance(node, Seq):
        return all(map(nullable, node.parts))
    if isinstance(node, Choice | Conditional):
        return any(map(nullable, children(node)))
    if isinstance(node, Repeat):
        return node.low == 0 or nullable(node.part)
    return not isinstance(node, Group) or nullable(node.part)


def references(node: Node) -> frozenset[int]:
    """The groups that a node refers to."""
    return frozenset(n.number for n in _inside(node) if isinstance(n, Reference | Conditional))


def groups(node: Node) -> frozenset[int]:
    """The groups inside of a node that are referred to."""
    return frozenset(n.number for n in _inside(node) if isinstance(n, Group))


def _inside(node: Node) -> list[Node]:
    """A node and all those in it, but for characters."""
    found = [node]
    for one in found:
        found += [part for part in children(one) if type(part) is not Chars]
    return found


def language(node: Node, texts: Texts = {}) -> Regular:  # noqa: B006  (a mapping)
    """The texts of a node inside an assertion, where only the existence of a match counts."""
    if isinstance(node, Chars):
        return regular.chars(node.points)
    if isinstance(node, Assertion):
        return node.look
    if isinstance(node, Reference):
        spelled = [regular.chars(characters.alike(ord(c), node.flags)) for c in texts.get(node.number, "")]
        return regular.seq(*spelled) if node.number in texts else regular.chars(charset.NONE)
    if isinstance(node, Conditional):
        return language(node.yes if node.number in texts else node.no, texts)
    parts = [language(part, texts) for part in children(node)]
    if isinstance(node, Repeat):
        return regular.repeat(parts[0], node.low, node.high)
    if isinstance(node, Look):
        return regular.look(parts[0], behind=node.behind, negative=node.negative)
    return regular.alt(*parts) if isinstance(node, Choice) else regular.seq(*parts)


def assertion(look: Look, texts: Texts = {}) -> Assertion:  # noqa: B006
    """A lookahead or lookbehind as an assertion, where the groups that it refers to have read some texts."""
    part = language(look.part, texts)
    marked = (ANY_TEXT, part, MARK, ANY_TEXT) if look.behind else (ANY_TEXT, MARK, part, ANY_TEXT)
    return Assertion(
        regular.look(part, behind=look.behind, negative=look.negative), regular.seq(*marked), look.negative
    )


@lru_cache(maxsize=1024)
def char(char: str, flags: int) -> Chars:
    """The node of a character."""
    return Chars(characters.one(ord(char), flags))
