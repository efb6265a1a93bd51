"""Goals with few values: all of them, as lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..number_list import NumberList
from ..number_set import NumberSet
from ..text_set import TextSet
from . import scalars
from .formula import ATOM, FALSE, TRUE, Formula
from .nodes import BOOLEAN, NULL, NUMBER, STRING, Node
from .values import Array, Literal, Number, Object, String, Value, canonical

if TYPE_CHECKING:
    from .goals import Goal, Goals

_NOT_AT_ALL = 1 << 30  # deeper than any goal


def few(goals: Goals, value: Formula, most: int) -> list[Formula] | None:
    """All values of a goal as constants, or None when there are more than ``most``."""
    is_listing = value.op == ATOM and value.atom.is_listing
    found = _listed(value.atom, most) if is_listing else goals.listing.values(goals, goals.goal_of(value), most)
    return None if found is None else [goals.constant(v) for v in found]


def _listed(node: Node, most: int) -> list[Any] | None:
    """The values of a list of scalars."""
    kinds = [scalars.enumerated(node, kind) for kind in (NULL, BOOLEAN, NUMBER, STRING)]
    if sum(map(len, kinds)) > most:
        return None
    return [v for values in kinds for v in values.values()]


class Listing:
    """The goals whose values are being listed, and what is known of those that were.

    A list that leaned on a goal further out, which was being listed, holds for that one's sake only.
    """

    def __init__(self) -> None:
        self._open: dict[Goal, int] = {}  # goals being listed -> depth
        self._leaned = _NOT_AT_ALL  # least depth of an open goal that was met again
        self._all: dict[Goal, list[Any]] = {}
        self._more_than: dict[Goal, int] = {}

    def begin(self) -> None:
        """Begin a piece of work: one that was interrupted may have left goals open."""
        self._open.clear()
        self._leaned = _NOT_AT_ALL

    def values(self, goals: Goals, goal: Goal, most: int) -> list[Any] | None:
        """All values of a goal, or None when there are more than ``most``."""
        if goal in self._all:
            return self._all[goal] if len(self._all[goal]) <= most else None
        if (not goal.nodes and goal.rest is TRUE) or self._more_than.get(goal, -1) >= most:
            return None
        depth = self._open.get(goal)
        if depth is not None:  # a goal inside itself: its values nest without end
            self._leaned = min(self._leaned, depth)
            return None
        return self._list(goals, goal, most)

    def _list(self, goals: Goals, goal: Goal, most: int) -> list[Any] | None:
        depth = len(self._open)
        outer, self._leaned = self._leaned, _NOT_AT_ALL
        self._open[goal] = depth
        try:
            found, is_final = goals.tentatively(lambda: _values_of(goals, goal, most))
        finally:
            del self._open[goal]
            leaned, self._leaned = self._leaned, min(outer, self._leaned)
        if leaned >= depth:
            self._leaned = outer
            if is_final and found is None:
                self._more_than[goal] = most
            elif is_final and found is not None:
                self._all[goal] = found
        return found


def _values_of(goals: Goals, goal: Goal, most: int) -> list[Any] | None:
    found: dict[Any, Any] = {}
    for value in goals.values(goal):
        more = _instances(goals, value, most)
        if more is None:
            return None
        found |= {canonical(v): v for v in more}
        if len(found) > most:
            return None
    return list(found.values())


def has_few(goals: Goals, value: Value, most: int) -> bool:
    """Whether a residual has no more instances than ``most``."""
    return _instances(goals, value, most) is not None


def _instances(goals: Goals, value: Value, most: int) -> list[Any] | None:
    """All instances of a residual, or None when there are more than ``most``."""
    if isinstance(value, Literal):
        return [{"null": None, "true": True, "false": False}[value.text]]
    if isinstance(value, Number):
        if isinstance(value.spec, NumberList):
            return list(value.spec.values) if len(value.spec.entries) <= most else None
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
    found: list[Any] = []
    pending: list[tuple[list[Any], Formula]] = [([], residual)]
    while pending:
        goals.facts.work += 1
        goals.check_work()
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
            members = goals.listing.values(goals, goal, most)
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
                instances = goals.listing.values(goals, demand, most)
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
