"""Goals as text, for people: one line per goal, in the order in which they are met."""

from __future__ import annotations

import json
from collections.abc import Callable

from ..number_list import NumberList
from .goals import Goal, Goals
from .values import Array, Literal, Number, String, Value


def to_text(goals: Goals, root: Goal, *, most: int = 100) -> str:
    """Print what a goal allows, and the goals it names.

    Parameters
    ----------
    goals : Goals
        Where the goals live.
    root : Goal
    most : int
        Goals to print; the rest is left out with an ellipsis.

    Returns
    -------
    str
        Lines ``name = alternative | alternative``; ``!`` marks a required key, ``*`` any other key or item.
    """
    names: dict[Goal, str] = {root: "value"}
    lines: list[str] = []
    pending = [root]

    def name(goal: Goal) -> str:
        if not goal.nodes:
            return "anything"
        if goal not in names:
            names[goal] = f"value{len(names)}"
            pending.append(goal)
        return names[goal]

    while pending and len(lines) < most:
        goal = pending.pop(0)
        alternatives = [_alternative(value, name, goals) for value in goals.values(goal)]
        lines.append(f"{names[goal]} = {' | '.join(alternatives) or 'nothing'}")
    return "\n".join(lines + ["..."] * bool(pending))


def _alternative(value: Value, name: Callable[[Goal], str], goals: Goals) -> str:
    if isinstance(value, Literal):
        return value.text
    if isinstance(value, Number):
        return _number(value)
    if isinstance(value, String):
        return _string(value)
    if isinstance(value, Array):
        items = [name(goal) for goal in value.prefix]
        if value.longest is None or value.longest > len(items):
            items.append("*" + name(value.rest))
        return f"[{', '.join(items)}]{_bounds(value.shortest, value.longest)}"
    members = [f"{json.dumps(k)}{'!' * (k in value.required)}: {name(goal)}" for k, goal in value.names + value.extra]
    if value.free is not None and goals.satisfiable(value.free):
        members.append("*: " + name(value.free))
    if value.patterns is not None:
        members.extend(f"*{k}: {name(goal)}" for k, goal in enumerate(value.patterns[1]) if goal is not None)
    return "{" + ", ".join(members) + "}"


def _number(value: Number) -> str:
    spec = value.spec
    if isinstance(spec, NumberList):
        return " | ".join(f"{value:f}" for value in spec.values)
    low = "" if spec.lo is None else f"{'(' if spec.lo_open else '['}{spec.lo}"
    high = "" if spec.hi is None else f"{spec.hi}{')' if spec.hi_open else ']'}"
    kind = "integer" if spec.integer or spec.lexical_integer else "number"
    step = "" if spec.multiple_of is None else f" by {spec.multiple_of}"
    return kind + (f" {low}..{high}" if low or high else "") + step


def _string(value: String) -> str:
    if value.words is not None:
        return " | ".join(json.dumps(word, ensure_ascii=False) for word in value.words)
    kind = "string" if value.dfa is None else f"string by an automaton of {value.dfa.n_states} states"
    return kind + _bounds(value.shortest, value.longest)


def _bounds(shortest: int, longest: int | None) -> str:
    return "" if shortest == 0 and longest is None else f"{{{shortest},{'' if longest is None else longest}}}"
