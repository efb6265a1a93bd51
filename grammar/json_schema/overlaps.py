"""Which alternatives of a ``oneOf`` can hold together: where none can, it reads like ``anyOf``."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from copy import copy
from itertools import chain, repeat
from typing import TYPE_CHECKING

from .free_names import children
from .names import children_of, matches
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
        nodes = list(nodes)
        for node in nodes:
            for at, options in enumerate(node.one_of):
                self._tables[id(options)] = self._table(node, at)
        self._found = {key for key, table in self._tables.items() if any(map(any, table))}
        if self._found and goals.reader.strict:
            self._look_around(nodes)

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
        outlines, around = [*map(self._outline, options)], _Outline(bare)
        table = [[False] * len(options) for _ in options]
        unclear = []
        for k, first in enumerate(outlines):
            for m in range(k + 1, len(options)):
                if first.excludes(outlines[m], around):
                    continue
                if first.met_by_least & outlines[m].met_by_least & around.met_by_least:
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

    def _look_around(self, nodes: list[Node]) -> None:
        """Note what cannot hold together where a ``oneOf`` stands: tags may be required by what is beside it.

        Schemas of one text stand for each other, so what is noted of one of them must be true of all.
        """
        reader = self._goals.reader
        holders = _only_holders(nodes, reader.nodes())
        alike: dict[tuple[int, int], list[list[bool]]] = {}
        keys = {}
        for node in nodes:
            outermost = node
            while outermost.serial in holders:
                outermost = holders[outermost.serial]
            for at, options in enumerate(node.one_of):
                if id(options) in self._found:
                    key = keys[id(options)] = reader.representative(node).serial, at
                    table = self._beside(options, self._outline(outermost))
                    alike[key] = _either(alike[key], table) if key in alike else table
        self._tables |= {options: alike[key] for options, key in keys.items()}
        self._found = {key for key in self._found if any(map(any, self._tables[key]))}

    def _beside(self, options: list[Node], around: _Outline) -> list[list[bool]]:
        """The table of some alternatives beside something else that holds."""
        outlines = [*map(self._outline, options)]
        return [
            [meets and not first.excludes(second, around) for second, meets in zip(outlines, row, strict=True)]
            for first, row in zip(outlines, self._tables[id(options)], strict=True)
        ]

    def _outline(self, node: Node) -> _Outline:
        found = self._outlines.get(node.serial)
        if found is None:
            found = self._outlines[node.serial] = _Outline(node)
        return found


class _Outline:
    """What is easily seen of a schema.

    Attributes
    ----------
    types : int
    required : frozenset of str
    met_by_least : int
        Types of which the least value meets it: null, both booleans, ``{}`` and ``[]``.
    """

    def __init__(self, node: Node) -> None:
        flat: dict[int, Node] = {}
        pending = [node]
        while pending:
            n = pending.pop()
            if n.serial not in flat:
                flat[n.serial] = n
                pending.extend(n.all_of)
        self.types, least = ANY_TYPE, NULL | BOOLEAN | ARRAY | OBJECT
        self.required = frozenset(name for n in flat.values() for name in n.required)
        for n in flat.values():
            self.types &= n.types
            if n.enum is not None or n.any_of or n.one_of or not n.is_conjunctive:
                least = 0
            least &= ~((OBJECT if self.required or n.min_properties else 0) | (ARRAY if n.min_items else 0))
        self.met_by_least = least & self.types
        self._objects = [n for n in flat.values() if n.properties or n.patterns or n.additional is not None]
        self._members: dict[str, tuple[int, set[Hashable] | None]] = {}

    def excludes(self, other: _Outline, around: _Outline) -> bool:
        """Whether this schema and another cannot both hold beside a third, as far as is easily seen."""
        types = self.types & other.types & around.types
        if types & ~OBJECT:
            return False
        return not types or any(
            map(self._differs_in, chain(self.required, other.required, around.required), repeat(other))
        )

    def _differs_in(self, name: str, other: _Outline) -> bool:
        """Whether this schema and another leave a member no value."""
        (types, values), (other_types, other_values) = self._member(name), other._member(name)
        if values is not None and other_values is not None and values.isdisjoint(other_values):
            return True
        return not types & other_types

    def _member(self, name: str) -> tuple[int, set[Hashable] | None]:
        """The types that a member may have, and its values where these are a list of scalars: a tag."""
        found = self._members.get(name)
        if found is None:
            types, values = ANY_TYPE, None
            for node in self._objects:
                matching = {dfa.key for dfa, _ in node.patterns if matches(dfa, name)}
                for child in children_of((node,), name, matching):
                    types &= child.types
                    if child.is_listing:
                        listed = {key for key, _ in listed_values(child)}
                        values = listed if values is None else values & listed
            found = self._members[name] = types, values
        return found


def _without_choices(node: Node, serial: int) -> Node:
    """A node's own constraints alone."""
    bare = copy(node)
    bare.serial = serial
    bare.all_of = bare.any_of = bare.one_of = bare.none_of = bare.conditions = bare.dependent = ()
    bare.settle()
    return bare


def _either(first: list[list[bool]], second: list[list[bool]]) -> list[list[bool]]:
    """What holds in one of two tables."""
    return [[a or b for a, b in zip(*rows, strict=True)] for rows in zip(first, second, strict=True)]


def _only_holders(compound: list[Node], nodes: list[Node]) -> dict[int, Node]:
    """By serial number, the node in whose ``allOf`` another stands, of those that stand nowhere else."""
    holders: dict[int, Node] = {}
    elsewhere = {node.serial for node in nodes[:1]}  # the root
    for node in compound:
        for inner in node.in_place():
            if inner.serial in holders or inner not in node.all_of:
                elsewhere.add(inner.serial)
            holders[inner.serial] = node
    values = chain.from_iterable(map(children, nodes))
    names = (node.property_names for node in nodes if node.property_names is not None)
    elsewhere.update(node.serial for node in chain(values, names))
    return {serial: node for serial, node in holders.items() if serial not in elsewhere}


__all__ = ["Overlaps"]
