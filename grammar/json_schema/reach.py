"""Which goals are worked out before the first token."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from ..errors import Unenforceable
from .risks import Risks
from .values import Array, Number, Object, Value

if TYPE_CHECKING:
    from .goals import Goal, Goals


def reach(goals: Goals, root: Goal) -> None:
    """Work out the goals that generation can meet where one of them might pass a limit.

    An error must come before the first token; the rest is left to be worked out as generation gets there. Goals of
    risky nodes alone may ask for more than any goal that generation meets, so their limits are not the last word.
    What may still be left out is looked for in every goal.
    """
    if goals.reader.strict:
        if not (goals.reader.compound or goals.reader.connecting):
            return
        risks = Risks(goals)
        with suppress(Unenforceable):
            alike = map(goals.reader.representative, risks.found)
            _walk(goals, list(dict.fromkeys(goals.goal([node]) for node in alike)), risks.may_lead_to_one)
            return
    _walk(goals, [root], lambda _: True)


def _walk(goals: Goals, pending: list[Goal], is_met: Callable[[Goal], bool]) -> None:
    """Work out some goals with those inside them that are met."""
    met = set(pending)
    while pending:
        goal = pending.pop()
        try:
            children = _checked_children(goals, goal)
        except Unenforceable as error:
            goals.blame(goal, error, goals.started)
            raise
        for child in children:
            if child not in met and is_met(child):
                met.add(child)
                pending.append(child)


def _checked_children(goals: Goals, goal: Goal) -> list[Goal]:
    """The goals inside the values of a goal, when these are known to be within limits."""
    values = goals.values(goal)
    for value in values:
        if isinstance(value, Object) and value.frame is not None:
            value.frame.check()
        elif isinstance(value, Number) and (value.spec.multiple_of is not None or value.spec.excluded):
            value.spec.encode()
    return [child for value in values for child in children(value)]


def children(value: Value) -> Iterable[Goal]:
    """The goals that a residual names."""
    if isinstance(value, Array):
        return (*value.prefix, value.rest)
    if isinstance(value, Object):
        keyed = value.patterns[1] if value.patterns else ()
        named = (goal for _, goal in value.names + value.extra)
        return [goal for goal in (*named, value.free, *keyed) if goal is not None]
    return ()
