"""Plain objects: their residual follows from the names and the goals of their members, so nothing else is read of a
document that is one, and hardly anything of one that differs little from others.

What a plain schema means depends on nothing around it (see :mod:`.parts`). So where a document is a plain object,
only those of its members are read of which no document before has said the same.

What any other schema means depends on nothing but the definitions, as long as all references lead to those. So members
that are no parts are known, too, where one document before, which some grammar keeps, has said the same of all of them
beside the same definitions: their goals are that document's. Their names are the same as well, since errors name them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from functools import cache, cached_property, partial
from itertools import repeat
from operator import attrgetter
from typing import Any, NamedTuple, TypeAlias
from weakref import ref

from .dialects import DIALECTS, NEWEST
from .free_names import is_open
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
_NO_MEMBERS: tuple[Any, ...] = (), (), ()
_IDENTIFIERS = {str, type(None)}
_OPEN = attrgetter("open")
_Member: TypeAlias = tuple[str, bytes]  # its name and its text


class Asked(NamedTuple):
    """A document that is an object of which each member is spoken of by one schema at most, and not known.

    Attributes
    ----------
    schema : dict
        Its root.
    others : tuple of Value
        Its residuals for other types.
    texts : tuple of bytes
        Its members as text.
    around : hashable
        All that their meaning depends on, where references lead to definitions only.
    n_bytes : int
        How long the text of the document is.
    """

    schema: dict[str, Any]
    others: tuple[Value, ...]
    texts: tuple[bytes, ...]
    around: Hashable
    n_bytes: int

    def of_parts(self, nodes: Sequence[Node], n_read: int) -> Known | None:
        """The document, once its members are read and all of them are parts; None if one of them cannot be."""
        goals = [node.goal if node.goal is not None and node.goal.satisfiable else None for node in nodes]
        values = _values(self.schema, goals, self.others)
        if values is None:
            return None
        return _new(Known, (values, _is_open(self.schema, self.others, nodes), n_read, None))


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


_NOBODY: dict[Any, Any] = {}
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
        members = [*zip(asked.schema["properties"], asked.texts, strict=True)]
        reading.texts, reading.n_bytes = dict(members), asked.n_bytes
        noted = ref(reading, partial(_forget, self._tables, asked.around, members))
        self._tables.setdefault(asked.around, {}).update(zip(members, repeat(noted)))

    def find(self, around: Hashable, member: _Member) -> Reading | None:
        """A document that was read last and has said the same of a member."""
        noted = self._tables.get(around, _NOBODY).get(member)
        return None if noted is None else noted()


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


def known_object(
    schema: dict[str, Any], text: Spelled, meaning: tuple[bool, bool, int], readings: Readings, options: Hashable
) -> Known | Asked | None:
    """A document whose members are all known; one that is known once they are, or that others may ask for; or neither.

    Parameters
    ----------
    schema : dict
        Its root, of plain JSON values.
    text : Spelled
    meaning : (bool, bool, int)
        ``plain_integers``, ``format_assertion`` and ``max_dfa_states`` of the reader.
    readings : Readings
        Other documents.
    options : hashable
        Members of those mean the same with the same options.
    """
    said, members = schema.get, text.members
    declared = said("$schema")
    dialect = NEWEST if declared is None else DIALECTS.get(declared.rstrip("#")) if type(declared) is str else None
    others = () if said("type") == "object" else _others(said("type", _ANY))
    if members is None or dialect is None or others is None or type(said("additionalProperties", True)) is not bool:
        return None
    if not _TOO_MUCH.isdisjoint(schema):
        return None
    found: list[Any] = noted(text, (dialect, *meaning))
    reading, n_read = None, 1
    if not all(found):
        identifiers = said("$id"), said("id")
        if not _IDENTIFIERS.issuperset(map(type, identifiers)):
            return None
        around = dialect, options, identifiers, text.definitions
        both = [*zip(schema["properties"], members, strict=True)]
        reading = readings.find(around, both[found.index(None)])
        whole = None if reading is None else _beside(found, both, reading)
        if reading is None or whole is None:
            return _new(Asked, (schema, others, members, around, text.n_bytes))
        found, n_read = whole, 1 + reading.n_read
    nodes, n_schemas, goals = zip(*found, strict=True) if found else _NO_MEMBERS
    values = _values(schema, goals, others)
    if values is None:
        return None
    may_be_open = (reading is not None and reading.is_open) or _is_open(schema, others, [*filter(None, nodes)])
    return _new(Known, (values, may_be_open, sum(n_schemas, n_read), reading))


_new = tuple.__new__  # half the time of calling a named tuple


def _values(schema: dict[str, Any], goals: Sequence[Any], others: tuple[Value, ...]) -> list[Value] | None:
    """The residuals of a plain object, by the goals of its members; None where one cannot be, or there is an error."""
    names, required = [*schema["properties"]], schema.get("required", [])
    additional = schema.get("additionalProperties", True)
    if None in goals or type(required) is not list or not _TEXTS.issuperset(map(type, names + required)):
        return None
    if not all(map(schema["properties"].__contains__, required)):
        if not additional:  # there cannot be all that are required
            return None
        names = [*dict.fromkeys(names + required)]
        goals = [*goals, *(_ANYTHING,) * (len(names) - len(goals))]
    if not can_be_written("".join(names)):
        return None
    others_are, in_order = (_ANYTHING, False) if additional else (None, not is_sorted(names))
    listed = tuple(zip(names, goals, strict=True))
    return [*others, Object(listed, frozenset(required), (), others_are, 0, None, in_order)]


def _is_open(schema: dict[str, Any], others: Iterable[Value], nodes: Sequence[Node]) -> bool:
    """Whether some object may have names that are not listed, in a plain object or in one of its members."""
    if schema.get("additionalProperties", True) or (others and any(isinstance(value, Array) for value in others)):
        return True
    found = [*map(_OPEN, nodes)]
    return True in found or (None in found and any(map(is_open, nodes)))


def _beside(found: list[Any], members: Iterable[_Member], reading: Reading) -> list[Any] | None:
    """What is known of members if some are those of a document that was read; None where that has not all of them."""
    own = reading.members
    both = zip(found, members, strict=True)
    whole = [part or (None, 0, own[member]) for part, member in both if part or member in own]
    return whole if len(whole) == len(found) else None


def _others(types: Any) -> tuple[Value, ...] | None:
    """The residuals of all values of some types, objects aside; None where those are not among the types."""
    if type(types) is list and _TEXTS.issuperset(map(type, types)):
        types = frozenset(types)
    return _residuals_of(types) if type(types) is frozenset and "object" in types and types <= _ANY else None


@cache
def _residuals_of(types: frozenset[str]) -> tuple[Value, ...]:
    """The residuals of all values of some types, objects aside."""
    node = Node(GOALS.reader.document.root, next(SERIALS))
    READERS["type"](GOALS.reader, node, [*types - {"object"}])
    return tuple(residuals(GOALS, [node]))
