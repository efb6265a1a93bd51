"""Goals with few values: all of them, as lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..number_set import NumberSet
from ..text_set import TextSet
from . import scalars
from .formula import ATOM, FALSE, TRUE, Formula
from .nodes import BOOLEAN, NULL, NUMBER, STRING, Node
from .values import Array, Literal, Number, Object, String, Value, canonical

if TYPE_CHECKING:
    from .goals import Goal, Goals


def few(goals: Goals, value: Formula, most: int) -> list[Formula] | None:
    """All values of a goal as constants, or None when there are more than ``most``."""
    is_listing = value.op == ATOM and value.atom.is_listing
    found = _listed(value.atom, most) if is_listing else _few_values(goals, goals.goal_of(value), most)
    return None if found is None else [goals.constant(v) for v in found]


def _listed(node: Node, most: int) -> list[Any] | None:
    """The values of a list of scalars."""
    kinds = [scalars.enumerated(node, kind) for kind in (NULL, BOOLEAN, NUMBER, STRING)]
    if sum(map(len, kinds)) > most:
        return None
    return [v for values in kinds for v in values.values()]


def _few_values(goals: Goals, goal: Goal, most: int) -> list[Any] | None:
    if (not goal.nodes and goal.rest is TRUE) or goal in goals.listing:
        return None  # a goal inside itself: its values nest without end
    found: dict[Any, Any] = {}
    goals.listing.add(goal)
    try:
        for value in goals.values(goal):
            more = _instances(goals, value, most)
            if more is None:
                return None
            found |= {canonical(v): v for v in more}
            if len(found) > most:
                return None
    finally:
        goals.listing.remove(goal)
    return list(found.values())


def has_few(goals: Goals, value: Value, most: int) -> bool:
    """Whether a residual has no more instances than ``most``."""
    return _instances(goals, value, most) is not None


def _instances(goals: Goals, value: Value, most: int) -> list[Any] | None:
    """All instances of a residual, or None when there are more than ``most``."""
    if isinstance(value, Literal):
        return [{"null": None, "true": True, "false": False}[value.text]]
    if isinstance(value, Number):
        numbers = NumberSet.of(value.spec).values(most)
        return None if numbers is None else list(numbers)
    if isinstance(value, String):
        if value.words is not None:
            return list(value.words) if len(value.words) <= most else None
        words = TextSet.of(value.dfa, value.shortest, value.longest).words_if_few(most + len(value.avoid))
        return None if words is None else [w for w in words if w not in value.avoid]
    if isinstance(value, Array):
        return _few_arrays(goals, value, most)
    return _few_objects(goals, value, most)


def _few_arrays(goals: Goals, value: Array, most: int) -> list[Any] | None:
    frame, residual = value.frame, value.residual
    members_of: dict[Goal, list[Any] | None] = {}
    found: list[Any] = []
    pending: list[tuple[list[Any], Formula]] = [([], residual)]
    while pending:
        items, f = pending.pop()
        n = len(items)
        if (frame is None or frame.facts.closed(f)) and n >= value.shortest:
            found.append(items)
        if frame is None:
            goal = value.prefix[n] if n < len(value.prefix) else value.rest
            full = value.longest is not None and n >= value.longest
            exits = [] if full or not goals.satisfiable(goal) else [(goal, f)]
            index, then = n, n if value.longest is None and n >= len(value.prefix) else n + 1
        else:
            index = min(n, frame.width)
            then = min(index + 1, frame.width)
            exits = [(goals.goal_of(v), after) for v, after in frame.live(frame.exits(f, index), then)]
        for goal, after in exits:
            if goal not in members_of:
                members_of[goal] = _few_values(goals, goal, most)
            members = members_of[goal]
            if members is None:
                return None
            for v in members:
                noted = after if frame is None else frame.facts.noted(after, goals.constant(v))
                if noted is after is f and then == index:
                    return None  # where one more item changes nothing, any number may come
                pending.append(([*items, v], noted))
        if len(found) + len(pending) > 2 * most + 64:
            return None
    return _distinct(found, most)


def _few_objects(goals: Goals, value: Object, most: int) -> list[Any] | None:
    frame = value.frame
    if frame is None:
        free = value.free is not None and goals.satisfiable(value.free)
        if free and value.most is None:
            return None
        if (free or value.patterns is not None) and (value.most is None or value.most > len(value.required)):
            return None
    elif frame.n_kinds and any(frame.is_live(value.residual, None, c) for c in range(frame.n_kinds)):
        return None
    pending: list[tuple[dict[str, Any], Formula]] = [({}, value.residual)]
    for k, (name, goal) in enumerate((*value.names, *value.extra)):
        further: list[tuple[dict[str, Any], Formula]] = []
        for members, f in pending:
            if frame is None:
                full = value.most is not None and len(members) >= value.most
                exits = [] if full or not goals.satisfiable(goal) else [(goal, f)]
                absent = f if name not in value.required else FALSE
            else:
                exits = [(goals.goal_of(v), after) for v, after in frame.live(frame.exits(f, k, None))]
                absent = frame.facts.without(f, [k]) if frame.base.get(k, (True,))[0] else FALSE
            if absent is not FALSE:
                further.append((members, absent))
            for demand, after in exits:
                instances = _few_values(goals, demand, most)
                if instances is None:
                    return None
                further += [({**members, name: v}, after) for v in instances]
        if len(further) > 16 * most + 64:
            return None
        pending = further
    fits = [m for m, f in pending if frame is None or frame.facts.closed(f)]
    fits = [m for m in fits if value.fewest <= len(m) and (value.most is None or len(m) <= value.most)]
    return _distinct(fits, most)


def _distinct(values: list[Any], most: int) -> list[Any] | None:
    """Values without repetitions (exits may overlap), or None when there are more than ``most``."""
    found = {canonical(v): v for v in values}
    return list(found.values()) if len(found) <= most else None
