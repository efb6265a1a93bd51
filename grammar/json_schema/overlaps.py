"""Which alternatives of a ``oneOf`` can hold together: where none can, it reads like ``anyOf``."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from copy import copy
from typing import TYPE_CHECKING, NamedTuple

from .nodes import ANY_TYPE, ARRAY, BOOLEAN, NULL, OBJECT, SERIALS, Node
from .scalars import listed_values

if TYPE_CHECKING:
    from .goals import Goals


class Overlaps:
    """Every ``oneOf`` of a document.

    Decided by an upper approximation: other ``oneOf`` read as ``anyOf``, and only plain conjunctions looked at.

    Parameters
    ----------
    goals : Goals
        Goals that approximate.
    nodes : iterable of Node
    """

    def __init__(self, goals: Goals, nodes: Iterable[Node]) -> None:
        self._goals = goals
        self._outlines: dict[int, _Outline] = {}
        self._tables: dict[int, list[list[bool]]] = {}
        for node in nodes:
            for at, options in enumerate(node.one_of):
                self._tables[id(options)] = self._table(node, at)
        self._found = {key for key, table in self._tables.items() if any(map(any, table))}

    def __bool__(self) -> bool:
        return bool(self._found)

    def exist(self, options: list[Node]) -> bool:
        """Whether some alternatives can hold together."""
        return id(options) in self._found or id(options) not in self._tables

    def others(self, options: list[Node], k: int) -> list[Node]:
        """The alternatives that can hold together with one of them."""
        table = self._tables.get(id(options))
        if table is None:
            return [*options[:k], *options[k + 1 :]]
        return [other for other, meets in zip(options, table[k], strict=True) if meets]

    def _table(self, node: Node, at: int) -> list[list[bool]]:
        options = node.one_of[at]
        bare = _without_choices(node, next(SERIALS))
        outlines = [*map(self._outline, options)]
        everywhere = _outline(bare).met_by_least
        table = [[False] * len(options) for _ in options]
        unclear = []
        for k, first in enumerate(outlines):
            for m in range(k + 1, len(options)):
                if first.excludes(outlines[m]) or outlines[m].excludes(first):
                    continue
                if first.met_by_least & outlines[m].met_by_least & everywhere:
                    table[k][m] = table[m][k] = True
                else:
                    unclear.append((k, m))
        if unclear and (known := self._of_same_text(node, at)) is not None:
            return known
        for k, m in unclear:
            table[k][m] = table[m][k] = self._goals.satisfiable(self._goals.goal([bare, options[k], options[m]]))
        return table

    def _of_same_text(self, node: Node, at: int) -> list[list[bool]] | None:
        """The table of the first node with the same schema, unless something may be left out of one of them."""
        reader = self._goals.reader
        return self._tables.get(id(reader.representative(node).one_of[at])) if reader.strict else None

    def _outline(self, node: Node) -> _Outline:
        found = self._outlines.get(node.serial)
        if found is None:
            found = self._outlines[node.serial] = _outline(node)
        return found


class _Outline(NamedTuple):
    """What is easily seen of a schema.

    Attributes
    ----------
    types : int
    required : frozenset of str
    names : set of str or None
        All names that an object may have; None where they are not listed.
    tags : dict of str to set
        The values of required members that are lists of scalars.
    met_by_least : int
        Types of which the least value meets it: null, both booleans, ``{}`` and ``[]``.
    """

    types: int
    required: frozenset[str]
    names: set[str] | None
    tags: dict[str, set[Hashable]]
    met_by_least: int

    def excludes(self, other: _Outline) -> bool:
        """Whether this schema and another cannot both hold, as far as is easily seen."""
        types = self.types & other.types
        if types & ~OBJECT:
            return False
        if not types or (self.names is not None and not other.required <= self.names):
            return True
        return any(name in other.tags and values.isdisjoint(other.tags[name]) for name, values in self.tags.items())


def _outline(node: Node) -> _Outline:
    flat: dict[int, Node] = {}
    pending = [node]
    while pending:
        n = pending.pop()
        if n.serial not in flat:
            flat[n.serial] = n
            pending.extend(n.all_of)
    types = ANY_TYPE
    least = NULL | BOOLEAN | ARRAY | OBJECT
    required = frozenset(name for n in flat.values() for name in n.required)
    names: set[str] | None = None
    tags: dict[str, set[Hashable]] = {}
    for n in flat.values():
        types &= n.types
        if n.enum is not None or n.any_of or n.one_of or not n.is_conjunctive:
            least = 0
        least &= ~((OBJECT if required or n.min_properties else 0) | (ARRAY if n.min_items else 0))
        if n.additional is not None and not n.additional.types and not n.patterns:
            names = set(n.properties) if names is None else names & set(n.properties)
        for name in required & n.properties.keys():
            child = n.properties[name]
            if child.is_listing:
                values = {key for key, _ in listed_values(child)}
                tags[name] = tags[name] & values if name in tags else values
    return _Outline(types, required, names, tags, least & types)


def _without_choices(node: Node, serial: int) -> Node:
    """A node's own constraints alone."""
    bare = copy(node)
    bare.serial = serial
    bare.all_of = bare.any_of = bare.one_of = bare.none_of = bare.conditions = bare.dependent = ()
    bare.settle()
    return bare


__all__ = ["Overlaps"]
