"""Objects of which every member is known by its text: of a document that differs little from others, hardly anything
is read.

What a plain schema means depends on nothing around it (see :mod:`.parts`). So where a document is a plain object and
some document before it has said the same of each member, its residual follows from the names and the members' goals.

What any other schema means depends on nothing but the definitions, as long as all references lead to those. So members
that are no parts are known, too, where one document before, which some grammar keeps, has said the same of all of them
beside the same definitions: their goals are that document's. Their names are the same as well, since errors name them.
"""

from __future__ import annotations

import marshal
from collections.abc import Hashable, Iterable
from functools import cache
from typing import Any, NamedTuple, TypeAlias
from weakref import WeakValueDictionary, ref

from .dialects import DIALECTS, NEWEST, Dialect
from .goals import Goal, Goals
from .keywords import READERS
from .nodes import ANYTHING, SERIALS, Node
from .parts import GOALS, noted
from .plain import is_sorted, residuals
from .reader import NO_SHARING
from .scalars import can_be_written
from .values import Array, Object, Value

# what the root may say; other keywords say nothing as long as nothing refers to them
_SAID = frozenset({"$schema", "type", "properties", "required", "additionalProperties"})
_TOO_MUCH = frozenset(READERS) - _SAID
_TEXTS = {str}
_ANY = frozenset({"null", "boolean", "number", "string", "array", "object"})
_ANYTHING = GOALS.alone(ANYTHING)
_NO_MEMBERS: tuple[Any, ...] = (), (), (), ()
_Member: TypeAlias = tuple[str, bytes]  # its name and its text


class Reading:
    """A document that was read, and has goals of its own.

    Parameters
    ----------
    goals : Goals
    root : Goal
    is_open : bool
        Whether some object in it may have names that are not listed.
    n_read : int
        How many schemas were read.

    Attributes
    ----------
    members : dict of (str, bytes) to Goal
        The goals of members of its root, by name and text: those that other documents may use.
    n_bytes : int
        How long its text is; 0 before others know of it.
    lowered : ref or None
        For the lowering: what was lowered last.
    """

    def __init__(self, goals: Goals, root: Goal, is_open: bool, n_read: int) -> None:
        self.goals, self.root, self.is_open, self.n_read = goals, root, is_open, n_read
        self.members: dict[_Member, Goal] = {}
        self.n_bytes = 0
        self.lowered: ref[Any] | None = None


class Known(NamedTuple):
    """A document that is a plain object of known members.

    Attributes
    ----------
    values : list of Value
        Its residuals.
    is_open : bool
        Whether some object in it may have names that are not listed.
    most_read : int
        It has no more schemas than that.
    reading : Reading or None
        Whose goals those are that documents do not share.
    """

    values: list[Value]
    is_open: bool
    most_read: int
    reading: Reading | None


class Readings:
    """The documents that were read, as long as somebody has them."""

    def __init__(self) -> None:
        self._by_member: WeakValueDictionary[Hashable, Reading] = WeakValueDictionary()

    def note(self, schema: dict[str, Any], options: Hashable, reading: Reading, n_bytes: int) -> None:
        """Let other documents use what a document says of the members of its root, if that depends on nothing else.

        Parameters
        ----------
        schema : dict
            Its root, of plain JSON values that nobody changes.
        options : hashable
            What its members mean depends on those and their dialect.
        reading : Reading
        n_bytes : int
            How long its text is.
        """
        dialect = _dialect_of(schema)
        if dialect is None or _others(schema) is None or reading.goals.reader.document.leads_far:
            return
        with reading.goals.lock:
            value = reading.goals.values(reading.root)[-1]
        if not isinstance(value, Object):  # no object is possible
            return
        own = [(name, goal) for name, goal in value.names if not goal.is_shared and goal.satisfiable]
        texts = _texts_of([schema["properties"][name] for name, _ in own])
        reading.n_bytes = n_bytes
        around = _around(schema, dialect, options)
        for (name, goal), text in zip(own, texts, strict=True):
            reading.members[name, text] = goal
            self._by_member[name, text, around] = reading

    def find(
        self, schema: dict[str, Any], dialect: Dialect, options: Hashable, wanted: list[_Member]
    ) -> Reading | None:
        """A document that was read and has said the same of some members."""
        reading = self._by_member.get((*wanted[0], _around(schema, dialect, options)))
        return reading if reading is not None and reading.members.keys() >= {*wanted} else None


def known_object(
    schema: dict[str, Any], meaning: tuple[bool, bool, int], readings: Readings, options: Hashable
) -> Known | None:
    """A document of plain JSON values whose members are all known; None where it has to be read.

    Parameters
    ----------
    schema : dict
        Its root.
    meaning : (bool, bool, int)
        ``plain_integers``, ``format_assertion`` and ``max_dfa_states`` of the reader.
    readings : Readings
        Other documents.
    options : hashable
        As those were noted with.
    """
    dialect, others = _dialect_of(schema), _others(schema)
    if dialect is None or others is None:
        return None
    properties, required = schema["properties"], schema.get("required", [])
    texts, reading = _texts_of(properties.values()), None
    found = noted(schema, texts, (dialect, *meaning))
    if None in found:
        wanted = [m for m, part in zip(zip(properties, texts, strict=True), found, strict=True) if part is None]
        reading = readings.find(schema, dialect, options, wanted)
        if reading is None:
            return None
        own = map(reading.members.__getitem__, wanted)
        found = [(None, 0, next(own), reading.is_open) if part is None else part for part in found]
    _, n_schemas, goals, are_open = zip(*found, strict=True) if found else _NO_MEMBERS
    is_closed = schema.get("additionalProperties") is False
    names = _named(properties, required, is_closed)
    if names is None or None in goals or not can_be_written("".join(names)):
        return None
    if len(names) > len(goals):
        goals += (_ANYTHING,) * (len(names) - len(goals))
    residual = Object(
        tuple(zip(names, goals, strict=True)),
        frozenset(required),
        free=None if is_closed else _ANYTHING,
        in_order=is_closed and not is_sorted(names),
    )
    is_open = not is_closed or True in are_open or any(isinstance(value, Array) for value in others)
    most_read = 1 + sum(n_schemas) + (0 if reading is None else reading.n_read)
    return Known([*others, residual], is_open, most_read, reading)


def _dialect_of(root: dict[str, Any]) -> Dialect | None:
    """What the keywords of a document mean, where that is one of the drafts."""
    declared = root.get("$schema")
    return NEWEST if declared is None else DIALECTS.get(declared.rstrip("#")) if type(declared) is str else None


def _others(root: dict[str, Any]) -> tuple[Value, ...] | None:
    """The residuals of a document beside that of an object of which each member is spoken of by one schema at most;
    None where there is no such object.
    """
    if type(root.get("properties")) is not dict or type(root.get("additionalProperties", True)) is not bool:
        return None
    if not _TOO_MUCH.isdisjoint(root):
        return None
    types: Any = root.get("type", _ANY)
    if types == "object":
        return ()
    if type(types) is list and _TEXTS.issuperset(map(type, types)):
        types = frozenset(types)
    return _residuals_of(types) if type(types) is frozenset and "object" in types and types <= _ANY else None


@cache
def _residuals_of(types: frozenset[str]) -> tuple[Value, ...]:
    """The residuals of all values of some types, objects aside."""
    node = Node(GOALS.reader.document.root, next(SERIALS))
    READERS["type"](GOALS.reader, node, [*types - {"object"}])
    return tuple(residuals(GOALS, [node]))


def _texts_of(schemas: Iterable[Any]) -> list[bytes]:
    """Each schema as text, the same for those that are the same word for word."""
    return [marshal.dumps(schema, NO_SHARING) for schema in schemas]


def _around(root: dict[str, Any], dialect: Dialect, options: Hashable) -> Hashable:
    """All that the meaning of a member depends on, where references lead to definitions only."""
    said = root.get
    return dialect, options, marshal.dumps((*map(said, ("definitions", "$defs", "$id", "id")),), NO_SHARING)


def _named(properties: dict[str, Any], required: Any, is_closed: bool) -> list[str] | None:
    """The names that are listed, and those that are required besides; None where there cannot be all that are."""
    if type(required) is not list or not _TEXTS.issuperset(map(type, required)):
        return None
    listed = [*properties]
    if not _TEXTS.issuperset(map(type, listed)):
        return None
    if all(map(properties.__contains__, required)):
        return listed
    return None if is_closed else [*dict.fromkeys(listed + required)]
