"""Objects of which every member is known by its text: of a document that differs little from others, hardly anything
is read.

What a plain schema means depends on nothing around it (see :mod:`.parts`). So where a document is a plain object and
some document before it has said the same of each member, its residual follows from the names and the members' goals.

What any other schema means depends on nothing but the definitions, as long as all references lead to those. So members
that are no parts are known, too, where one document before, which some grammar keeps, has said the same of all of them
beside the same definitions: their goals are that document's. Their names are the same as well, since errors name them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from functools import cache, cached_property, partial
from itertools import repeat
from typing import Any, NamedTuple, TypeAlias
from weakref import ref

from .dialects import DIALECTS, NEWEST
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
    """A document that is an object of which each member is spoken of by one schema at most, and not known.

    Attributes
    ----------
    names : list of str
        Of its members.
    texts : tuple of bytes
        The same members as text.
    around : hashable
        All that their meaning depends on, where references lead to definitions only.
    n_bytes : int
        How long the text of the document is.
    """

    names: list[str]
    texts: tuple[bytes, ...]
    around: Hashable
    n_bytes: int


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
        members = [*zip(asked.names, asked.texts, strict=True)]
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
    """A document whose members are all known; what others may ask for once it is read; or neither.

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
    declared, additional, required = said("$schema"), said("additionalProperties", True), said("required", [])
    dialect = NEWEST if declared is None else DIALECTS.get(declared.rstrip("#")) if type(declared) is str else None
    others = () if said("type") == "object" else _others(said("type", _ANY))
    if members is None or dialect is None or others is None or type(additional) is not bool:
        return None
    if not _TOO_MUCH.isdisjoint(schema):
        return None
    names, n_read, is_open = [*schema["properties"]], 1, additional
    found: list[Any] = noted(text, (dialect, *meaning))
    reading = None
    if None in found:
        identifiers = said("$id"), said("id")
        if not _IDENTIFIERS.issuperset(map(type, identifiers)):
            return None
        around = dialect, options, identifiers, text.definitions
        first = found.index(None)
        reading = readings.find(around, (names[first], members[first]))
        whole = None if reading is None else _beside(found, zip(names, members, strict=True), reading)
        if reading is None or whole is None:
            return _new(Asked, (names, members, around, text.n_bytes))
        found, n_read, is_open = whole, 1 + reading.n_read, additional or reading.is_open
    _, n_schemas, goals, are_open = zip(*found, strict=True) if found else _NO_MEMBERS
    if type(required) is not list or not _TEXTS.issuperset(map(type, names + required)):
        return None
    if not all(map(schema["properties"].__contains__, required)):
        if not additional:  # there cannot be all that are required
            return None
        names = [*dict.fromkeys(names + required)]
        goals += (_ANYTHING,) * (len(names) - len(goals))
    if None in goals or not can_be_written("".join(names)):
        return None
    residual = Object(
        tuple(zip(names, goals, strict=True)),
        frozenset(required),
        others=_ANYTHING if additional else None,
        in_order=not additional and not is_sorted(names),
    )
    is_open = is_open or True in are_open or any(isinstance(value, Array) for value in others)
    return _new(Known, ([*others, residual], is_open, sum(n_schemas, n_read), reading))


_new = tuple.__new__  # half the time of calling a named tuple


def _beside(found: list[Any], members: Iterable[_Member], reading: Reading) -> list[Any] | None:
    """What is known of members if some are those of a document that was read; None where that has not all of them."""
    own = reading.members
    both = zip(found, members, strict=True)
    whole = [part or (None, 0, own[member], False) for part, member in both if part or member in own]
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
