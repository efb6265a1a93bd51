"""What a schema says of one JSON type: a formula over what each node in place says itself.

Applicators that stay in place (``allOf``, ``anyOf``, ``oneOf``, ``not``, ``if``, ``$ref``, ``dependentSchemas``) are
multiplied out into the formula; nodes that say nothing of the type are constants. Atoms are nodes (their own
constraints), :class:`Present`, :class:`Unevaluated` and :class:`Unknown`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from .formula import ATOM, FALSE, NOT, OR, TRUE, Formula
from .nodes import ARRAY, NUMBER, OBJECT, STRING, Node

if TYPE_CHECKING:
    from .goals import Goals


class Present(NamedTuple):
    """The object has a key."""

    name: str


class Unevaluated(NamedTuple):
    """``unevaluatedProperties`` or ``unevaluatedItems`` of a node holds."""

    node: Node


class Unknown(NamedTuple):
    """What was left out of a node holds, too.

    Nobody can tell, so neither this nor its negation may exclude a value: at the end both are granted.
    """

    node: Node


def expand(goals: Goals, node: Node, kind: int) -> Formula:
    """What a node, with everything in place, asks of a value of one type."""
    if not node.types & kind:
        return FALSE
    key = (node.serial, kind)
    found = goals.expanded.get(key)
    if found is None:
        found = goals.expanded[key] = goals.typed.all(_parts(goals, node, kind))
    return found


def _parts(goals: Goals, node: Node, kind: int) -> Iterator[Formula]:
    typed = goals.typed

    def of(other: Node) -> Formula:
        return expand(goals, other, kind)

    def no(other: Node) -> Formula:
        return typed.no(of(other))

    if node.enum is not None and kind in (ARRAY, OBJECT):
        yield typed.any(typed.atom(n) for n in goals.listed(node, kind))
    if says_something(node, kind):
        yield typed.atom(node)
    if node.unknown & kind:
        yield typed.atom(Unknown(node))
    yield from map(of, node.all_of)
    for options in node.any_of:
        yield typed.any(map(of, options))
    for options in node.one_of:
        each = [*map(of, options)]  # before any is denied: names come in the order in which they are asked about
        others = [goals.overlaps.others(options, k) for k in range(len(options))]
        overlapping = {other.serial: other for found in others for other in found}
        denied = {serial: no(other) for serial, other in overlapping.items()}
        ways = zip(each, others, strict=True)
        yield typed.any([typed.all([way, *(denied[other.serial] for other in found)]) for way, found in ways])
    yield from map(no, node.none_of)
    for test, then, otherwise in node.conditions:
        if not (then.is_anything and otherwise.is_anything):
            yield typed.any((typed.all((of(test), of(then))), typed.all((no(test), of(otherwise)))))
    if kind == OBJECT:
        for name, other in node.dependent:
            yield typed.any((typed.no(typed.atom(Present(name))), of(other)))
        for name, needed in node.needed_with:
            yield typed.any((typed.no(typed.atom(Present(name))), typed.all(typed.atom(Present(n)) for n in needed)))
    unevaluated = {OBJECT: node.unevaluated_properties, ARRAY: node.unevaluated_items}.get(kind)
    if unevaluated is not None and not unevaluated.is_anything:
        yield typed.atom(Unevaluated(node))


def of_type(goals: Goals, formula: Formula, kind: int) -> Formula:
    """A formula over nodes as one over what they say themselves of a type."""

    def walk(f: Formula) -> Formula:
        if f.op == ATOM:
            return expand(goals, f.atom, kind)
        if f.op == NOT:
            return goals.typed.no(walk(f.parts[0]))
        if f.op < 0:
            return f
        return (goals.typed.any if f.op == OR else goals.typed.all)(map(walk, f.parts))

    found = walk(formula)
    return goals.typed.grant(found, Unknown) if goals.reader.has_unknown else found


def says_something(node: Node, kind: int) -> bool:
    """Whether a node itself constrains values of a type that it allows."""
    if kind == OBJECT:
        limited = bool(node.properties or node.patterns or node.required or node.property_names is not None)
        return bool(limited or node.additional or node.min_properties or node.max_properties is not None)
    if kind == ARRAY:
        limited = bool(node.prefix or node.items is not None or node.contains is not None or node.unique)
        return bool(limited or node.min_items or node.max_items is not None)
    if kind == STRING:
        limited = bool(node.texts or node.narrowed or node.shortest or node.longest is not None)
        return bool(limited or node.enum is not None)
    if kind == NUMBER:
        return bool(node.number or node.integer or node.multiple is not None or node.enum is not None)
    return node.enum is not None


def evaluated_name(goals: Goals, node: Node, name: str | None, matching: set[bytes]) -> Formula:
    """When a key counts as looked at by a node that holds (``unevaluatedProperties`` of the node itself aside)."""
    own = name is not None and name in node.properties
    if own or node.additional is not None or any(d.key in matching for d, _ in node.patterns):
        return TRUE
    typed = goals.typed
    inner = (
        condition
        if other.unevaluated_properties is not None
        else typed.all((condition, evaluated_name(goals, other, name, matching)))
        for condition, other in _in_place(goals, node, OBJECT)
    )
    return typed.any((*inner, typed.atom(Unknown(node)) if node.unknown & OBJECT else FALSE))


def evaluated_item(goals: Goals, node: Node, index: int | None) -> tuple[Formula, list[tuple[Formula, Formula]]]:
    """When an item (None: one of the rest) counts as looked at by a node that holds.

    Returns
    -------
    always : Formula
        When every such item does.
    when_met : list of (Formula, Formula)
        Where the first holds, items that meet the second do (``contains``).
    """
    always: list[Formula] = []
    when_met: list[tuple[Formula, Formula]] = []
    pending = [(TRUE, node)]
    while pending:
        condition, at = pending.pop()
        looks = at.items is not None or (index is not None and index < len(at.prefix))
        if looks or (at is not node and at.unevaluated_items is not None):
            always.append(condition)
            continue
        if at.unknown & ARRAY:
            always.append(goals.typed.all((condition, goals.typed.atom(Unknown(at)))))
        if at.contains is not None:  # in 2019-09 as well, as validators have it
            when_met.append((condition, goals.value_of(at.contains)))
        pending += [(goals.typed.all((condition, more)), other) for more, other in _in_place(goals, at, ARRAY)]
    return goals.typed.any(always), when_met


def _in_place(goals: Goals, node: Node, kind: int) -> Iterator[tuple[Formula, Node]]:
    """The schemas in place whose findings count for a node that holds, and when they hold."""
    typed = goals.typed
    yield from ((TRUE, other) for other in node.all_of)
    for options in (*node.any_of, *node.one_of):
        yield from ((expand(goals, other, kind), other) for other in options)
    for test, then, otherwise in node.conditions:
        met = expand(goals, test, kind)
        yield met, test
        yield typed.all((met, expand(goals, then, kind))), then
        yield typed.all((typed.no(met), expand(goals, otherwise, kind))), otherwise
    if kind == OBJECT:
        for name, other in node.dependent:
            yield typed.all((typed.atom(Present(name)), expand(goals, other, kind))), other
