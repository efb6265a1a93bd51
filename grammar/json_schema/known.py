"""Objects of which every member is known by its text: of a document that differs little from others, hardly anything
is read.

What a plain schema means depends on nothing around it (see :mod:`.parts`). So where a document is a plain object and
some document before it has said the same of each member, its residual follows from the names and the members' goals.

What any other schema means depends on nothing but the definitions, as long as all references lead to those. So members
that are no parts are known, too, where one document before, which some grammar keeps, has said the same of all of them
beside the same definitions: their goals are that document's. Their names are the same as well, since errors name them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from functools import cache, cached_property, partial
from itertools import repeat
from typing import Any, NamedTuple, TypeAlias
from weakref import ref

from .dialects import DIALECTS, NEWEST, Dialect
from .goals import Goal, Goals
from .keywords import READERS
from .nodes import ANYTHING, SERIALS, Node
from .parts import GOALS, noted
from .plain import is_sorted, residuals
from .scalars import can_be_written
from .spelled import Spelled
from .values import Array, Object, Value

# what the root may say; other keywords say nothing as long as nothing refers to them
_SAID = frozenset({"$schema", "type", "properties", "required", "additionalProperties"})
_TOO_MUCH = frozenset(READERS) - _SAID
_TEXTS = {str}
_ANY = frozenset({"null", "boolean", "number", "string", "array", "object"})
_ANYTHING = GOALS.alone(ANYTHING)
_NO_MEMBERS: tuple[Any, ...] = (), (), (), ()
_IDENTIFIERS = {str, type(None)}
_Member: TypeAlias = tuple[str, bytes]  # its name and its text


class Asked(NamedTuple):
    """A document that is an object of which each member is spoken of by one schema at most.

    Attributes
    ----------
    schema : dict
        Its root, of plain JSON values.
    text : Spelled
    dialect : Dialect
        What its keywords mean.
    others : tuple of Value
        The residuals of values that are no objects.
    around : hashable
        All that the meaning of a member depends on, where references lead to definitions only.
    """

    schema: dict[str, Any]
    text: Spelled
    dialect: Dialect
    others: tuple[Value, ...]
    around: Hashable

    @property
    def members(self) -> Iterator[_Member]:
        """The name and the text of each member."""
        return zip(self.schema["properties"], self.text.members or (), strict=True)


def asked(schema: Any, text: Spelled, options: Hashable) -> Asked | None:
    """A document of plain JSON values, if it is such an object; its members mean the same with the same options."""
    if type(schema) is not dict or text.members is None or type(schema.get("additionalProperties", True)) is not bool:
        return None
    names, declared = (schema.get("$id"), schema.get("id")), schema.get("$schema")
    dialect = NEWEST if declared is None else DIALECTS.get(declared.rstrip("#")) if type(declared) is str else None
    others = _others(schema)
    if dialect is None or others is None or not _IDENTIFIERS.issuperset(map(type, names)):
        return None
    return _new(Asked, (schema, text, dialect, others, (dialect, options, names, text.definitions)))


_new = tuple.__new__  # half the time of calling Asked


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
    texts : dict of str to bytes
        The members of its root by name, as others may ask for them; empty before others know of it.
    n_bytes : int
        How long its text is; 0 before others know of it.
    lowered : ref or None
        For the lowering: what was lowered last.
    """

    def __init__(self, goals: Goals, root: Goal, is_open: bool, n_read: int) -> None:
        self.goals, self.root, self.is_open, self.n_read = goals, root, is_open, n_read
        self.texts: dict[str, bytes] = {}
        self.n_bytes = 0
        self.lowered: ref[Any] | None = None

    @cached_property
    def members(self) -> dict[_Member, Goal]:
        """The goals of members of its root that other documents may use."""
        if self.goals.reader.document.leads_far:
            return {}
        with self.goals.lock:
            value = self.goals.values(self.root)[-1]
        if not isinstance(value, Object):  # no object is possible
            return {}
        return {(name, self.texts[name]): goal for name, goal in value.names if name in self.texts and goal.satisfiable}


_Tables: TypeAlias = "dict[Hashable, dict[_Member, ref[Reading]]]"  # by what is around members, and by those


def _forget(tables: _Tables, around: Hashable, members: list[_Member], noted: ref[Reading]) -> None:
    """Take a document that nobody has any more out of its table, where others may stand by now."""
    table = tables.get(around, {})
    for member in members:
        if table.get(member) is noted:
            table.pop(member, None)
    if not table:
        tables.pop(around, None)


class Readings:
    """The documents that were read, as long as somebody has them."""

    def __init__(self) -> None:
        self._tables: _Tables = {}

    def note(self, asked: Asked, reading: Reading) -> None:
        """Let other documents use what a document says of the members of its root, if that depends on nothing else."""
        members = [*asked.members]
        reading.texts, reading.n_bytes = dict(members), asked.text.n_bytes
        noted = ref(reading, partial(_forget, self._tables, asked.around, members))
        self._tables.setdefault(asked.around, {}).update(zip(members, repeat(noted)))

    def find(self, asked: Asked, found: Sequence[object]) -> Reading | None:
        """A document that was read and has said the same of the members of which nothing was found."""
        table = self._tables.get(asked.around)
        if table is None:
            return None
        wanted = [member for member, part in zip(asked.members, found, strict=True) if part is None]
        noted = table.get(wanted[0])
        reading = None if noted is None else noted()
        return reading if reading is not None and reading.members.keys() >= {*wanted} else None


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


def known_object(asked: Asked, meaning: tuple[bool, bool, int], readings: Readings) -> Known | None:
    """A document whose members are all known; None where it has to be read.

    Parameters
    ----------
    asked : Asked
    meaning : (bool, bool, int)
        ``plain_integers``, ``format_assertion`` and ``max_dfa_states`` of the reader.
    readings : Readings
        Other documents.
    """
    schema, text, dialect, others, _ = asked
    properties, required, reading = schema["properties"], schema.get("required", []), None
    found = noted(text, (dialect, *meaning))
    if None in found:
        reading = readings.find(asked, found)
        if reading is None:
            return None
        own = reading.members
        members = zip(asked.members, found, strict=True)
        found = [part or (None, 0, own[member], reading.is_open) for member, part in members]
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


def _others(root: dict[str, Any]) -> tuple[Value, ...] | None:
    """The residuals of a document beside that of an object of which each member is spoken of by one schema at most;
    None where there is no such object.
    """
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
