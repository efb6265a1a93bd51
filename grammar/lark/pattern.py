"""Python patterns as trees (:mod:`.nodes`), from :mod:`re`'s own parser, so that they mean what `re` says."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .. import charset, regular
from ..charset import complement
from ..regular import ANY_TEXT, EPSILON, START, STOP
from . import characters, nodes
from .atomic import Unguarded, atomic
from .nodes import MARK, Assertion, Chars, Choice, Conditional, Group, Look, Node, Reference, Repeat, Seq
from .sre import constants, parser

_NEWLINE = regular.chars(characters.NEWLINE)
MULTILINE, UNICODE = int(re.MULTILINE), int(re.UNICODE)
_TYPE_FLAGS = int(re.ASCII | re.LOCALE | re.UNICODE)
_REFERS = re.compile(r"\\[1-9]|\(\?P=|\(\?\(")  # what may refer to a group is worth a look at the tree


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
    refers : bool
        Whether something in it refers to a group.
    """

    node: Node
    min_width: int
    max_width: int
    names: frozenset[str]
    flags: int
    refers: bool


class Unsupported(ValueError):
    """A construct of `re` that has no program."""


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
    flags = int(tree.state.flags)
    referred = set(_references(tree)) if _REFERS.search(text) else set()
    try:
        node = _Reader(referred).sequence(tree, flags)
    except Unguarded as error:
        raise Unsupported(str(error)) from None
    names = frozenset(tree.state.groupdict)
    return Pattern(node, int(low), int(high), names, flags & ~UNICODE, len(referred) > 0)


def check_joined(name: str, text: str) -> None:
    """Check that a pattern means the same as a named group among others, as Lark's lexers join them.

    Raises
    ------
    Unsupported
        It does not.
    """
    if read(text).flags:
        raise Unsupported("flags for the whole pattern, (?i), which are not possible inside of Lark's own pattern")
    if not _REFERS.search(text):
        return
    alone = [number + 1 for _, number in _references(parsed(text))]
    try:
        joined = [number for _, number in _references(parsed(f"(?P<{name}>{text})"))]
    except re.error:
        joined = []
    if alone != joined:
        raise Unsupported(
            "a reference to a group by its number, which is another one in Lark's own pattern; name the group, as in "
            "(?P<name>...)(?P=name)"
        )


def parsed(text: str) -> Any:
    """The tree of a pattern that :mod:`re` makes."""
    with warnings.catch_warnings():  # of what a later Python may read in another way
        warnings.simplefilter("ignore")
        return parser.parse(text)


def _references(items: Any) -> Iterator[tuple[bool, int]]:
    """The groups that are referred to, and whether by their text."""
    for op, value in items:
        if op is constants.GROUPREF:
            yield True, value
        elif op is constants.GROUPREF_EXISTS:
            yield False, value[0]
        for inner in _inside(op, value):
            yield from _references(inner)


def _inside(op: Any, value: Any) -> Iterator[Any]:
    """The sequences inside of an item."""
    if op is constants.BRANCH:
        yield from value[1]
    elif isinstance(value, tuple):
        yield from (part for part in value if isinstance(part, parser.SubPattern))
    elif isinstance(value, parser.SubPattern):
        yield value


def literal(text: str, flags: int) -> Node:
    """The node of a plain text."""
    return Seq(tuple([nodes.char(c, flags) for c in text]))


class _Reader:
    """Makes nodes of the items of :mod:`re`'s parser.

    Parameters
    ----------
    referred : set of (bool, int)
        See :func:`_references`.
    """

    def __init__(self, referred: set[tuple[bool, int]]) -> None:
        self._referred = {number for _, number in referred}
        self._kept = {number for by_text, number in referred if by_text}
        self._open: list[int] = []

    def sequence(self, items: Any, flags: int) -> Node:
        """The node of a sequence of items."""
        parts = [self._item(op, value, flags) for op, value in items]
        return parts[0] if len(parts) == 1 else Seq(tuple(parts))

    def _item(self, op: Any, value: Any, flags: int) -> Node:
        found = _ITEMS.get(op)
        if found is None:
            raise Unsupported(f"{str(op).lower()} of Python's re")
        return found(self, value, flags)  # type: ignore[no-any-return]

    def group(self, value: Any, flags: int) -> Node:
        number, add, remove, items = value
        if add & _TYPE_FLAGS:
            flags &= ~_TYPE_FLAGS
        flags = (flags | add) & ~remove
        if number not in self._referred:
            return self.sequence(items, flags)
        self._open.append(number)
        part = self.sequence(items, flags)
        self._open.pop()
        if number in self._kept and _is_endless(part):
            raise Unsupported(
                f"a reference to group {number}, which has endlessly many texts; write out the texts that it may have, "
                "or bound them, as in (a{1,3})"
            )
        return Group(number, part, number in self._kept)

    def reference(self, value: Any, flags: int) -> Node:
        return Reference(value, flags & (characters.IGNORECASE | characters.ASCII))

    def conditional(self, value: Any, flags: int) -> Node:
        number, yes, no = value
        if number in self._open:
            raise Unsupported(f"a conditional on group {number} inside of this group")
        return Conditional(number, self.sequence(yes, flags), nodes.EMPTY if no is None else self.sequence(no, flags))

    def repeat(self, value: Any, flags: int, *, greedy: bool = True) -> Repeat:
        low, high, items = value
        return Repeat(self.sequence(items, flags), low, None if high == constants.MAXREPEAT else high, greedy)

    def branch(self, value: Any, flags: int) -> Node:
        return Choice(tuple([self.sequence(items, flags) for items in value[1]]))

    def look(self, value: Any, flags: int, *, negative: bool) -> Node:
        direction, items = value
        part = self.sequence(items, flags)
        if inner := nodes.groups(part):
            raise Unsupported(f"a reference to group {min(inner)}, which stands in a lookahead or lookbehind")
        look = Look(part, direction < 0, negative)
        return look if nodes.references(part) else nodes.assertion(look)


def _is_endless(node: Node) -> bool:
    """Whether a node has endlessly many texts."""
    if isinstance(node, Repeat) and node.high is None and _reads(node.part):
        return True
    return not isinstance(node, Look) and any(map(_is_endless, nodes.children(node)))


def _reads(node: Node) -> bool:
    """Whether a node may read anything."""
    return isinstance(node, Chars | Reference) or (
        not isinstance(node, Look) and any(map(_reads, nodes.children(node)))
    )


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
    constants.LITERAL: lambda _, value, flags: nodes.char(chr(value), flags),
    constants.NOT_LITERAL: lambda _, value, flags: Chars(complement(characters.one(value, flags))),
    constants.ANY: lambda _, value, flags: Chars(characters.any_character(flags)),
    constants.IN: lambda _, value, flags: Chars(characters.members(value, flags)),
    constants.BRANCH: _Reader.branch,
    constants.SUBPATTERN: _Reader.group,
    constants.GROUPREF: _Reader.reference,
    constants.GROUPREF_EXISTS: _Reader.conditional,
    constants.MAX_REPEAT: _Reader.repeat,
    constants.MIN_REPEAT: lambda reader, value, flags: reader.repeat(value, flags, greedy=False),
    constants.ASSERT: lambda reader, value, flags: reader.look(value, flags, negative=False),
    constants.ASSERT_NOT: lambda reader, value, flags: reader.look(value, flags, negative=True),
    constants.AT: lambda _, value, flags: _at(value, flags),
    constants.FAILURE: lambda *_: Chars(charset.NONE),
}
_SINCE_3_11 = {
    "POSSESSIVE_REPEAT": lambda reader, value, flags: atomic(reader.repeat(value, flags)),
    "ATOMIC_GROUP": lambda reader, value, flags: atomic(reader.sequence(value, flags)),
}
_ITEMS |= {getattr(constants, name): item for name, item in _SINCE_3_11.items() if hasattr(constants, name)}
