"""Which goals are worked out before the first token."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from ..errors import Unenforceable
from ..number import NumberSpec
from .object_frames import FEW_DEMANDS
from .risks import Risks
from .values import Array, Number, Object, Value

if TYPE_CHECKING:
    from .formula import Formula
    from .goals import Goal, Goals

MUCH = 20  # a part of max_steps: documents that took less are far from it, and so is what they lead to


def reach(goals: Goals, root: Goal) -> None:
    """Work out the goals that generation can meet where one of them might pass a limit.

    An error must come before the first token; the rest is left to be worked out as generation gets there. Goals of
    risky nodes alone may ask for more than any goal that generation meets, so their limits are not the last word.
    Containers whose members depend on each other can stand in more states than can be looked at: their beginnings are,
    since the further one is written, the less is left to ask for.
    What may still be left out is looked for in every goal.
    """
    few = False
    if goals.reader.strict:
        if not (goals.reader.compound or goals.reader.connecting):
            return
        risks = Risks(goals)
        few = risks.are_large
        with suppress(Unenforceable):
            alike = map(goals.reader.representative, risks.found)
            pending = list(dict.fromkeys(goals.goal([node]) for node in alike))
            _walk(goals, pending, risks.may_lead_to_one, few)
            return
    _walk(goals, [root], lambda _: True, few)


def _walk(goals: Goals, pending: list[Goal], is_met: Callable[[Goal], bool], few: bool) -> None:
    """Work out some goals with those inside them that are met.

    ``few``: even few demands on a member may ask too much.
    """
    met = set(pending)
    connected: list[tuple[Goal, Object | Array]] = []

    def note(goal: Goal) -> None:
        if goal not in met and is_met(goal):
            met.add(goal)
            pending.append(goal)

    while pending or connected:
        goal, container = (pending.pop(), None) if pending else connected.pop()
        try:
            if container is None:
                with goals.piece(), goals.within:
                    for value in goals.values(goal):
                        if isinstance(value, (Object, Array)) and value.frame is not None:
                            connected.append((goal, value))
                        for child in _checked_children(goals, value, few):
                            note(child)
            elif goals.work > goals.max_steps // MUCH:
                for demand in _rehearse(goals, container):
                    note(goals.goal_of(demand))
        except Unenforceable as error:
            goals.blame(goal, error, goals.started)
            raise


def _checked_children(goals: Goals, value: Value, few: bool) -> Iterator[Goal]:
    """The goals inside a value, when these are known to be within limits."""
    yield from children(value)
    if isinstance(value, (Object, Array)) and value.frame is not None:
        yield from map(goals.goal_of, value.frame.first_demands(0 if few else FEW_DEMANDS))
    elif isinstance(value, Number) and isinstance(value.spec, NumberSpec) and value.spec.has_steps:
        value.spec.encode()


def _rehearse(goals: Goals, container: Object | Array) -> set[Formula]:
    """Work out how a container may begin, as generation will, and more of it as long as that takes much.

    Returns demands on the values of its members.
    """
    frame, residual = container.frame, container.residual
    assert frame is not None
    met, pending = {(residual, 0)}, deque([(residual, 0)])
    demands: set[Formula] = set()
    much = left = goals.max_steps // MUCH
    while pending and left > 0:
        members = frame.next_members(*pending.popleft())
        index, work = 0, much
        while index >= 0 and work >= much and left > 0:
            with goals.piece(), goals.within:
                exits, index = next(members, ((), -1))
                for demand, after in frame.live(exits, index):
                    demands.add(demand)
                    if after.op >= 0 and (after, index) not in met:
                        met.add((after, index))
                        pending.append((after, index))
                work = goals.work_done
                left -= work
    return demands


def children(value: Value) -> Iterable[Goal]:
    """The goals that a residual names."""
    if isinstance(value, Array):
        return (*value.prefix, value.rest)
    if isinstance(value, Object):
        named = (goal for _, goal in value.names + value.extra)
        if value.frame is not None:  # which decides about each name by itself
            return [*named, *map(value.frame.goals.goal_of, value.frame.others())]
        keyed = value.patterns[1] if value.patterns else ()
        return [goal for goal in (*named, value.free, *keyed) if goal is not None]
    return ()
