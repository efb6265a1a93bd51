"""Goals that might pass a limit are worked out before the first token: against a walk over every goal."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, assume, given, settings

from detent.grammar.errors import GrammarError
from detent.grammar.json_schema import Goal, Goals
from detent.grammar.json_schema.document import Document
from detent.grammar.json_schema.formula import TRUE
from detent.grammar.json_schema.goals import _children
from detent.grammar.json_schema.nodes import Node, Reader
from tests.strategies import SCHEMAS

FEW = 2  # ways to meet the disjunctions of one goal


def reached(schema: Any) -> tuple[Goals, Goal, set[Goal]]:
    """The goals of a document, and those that were worked out in advance."""
    reader = Reader(Document(schema))
    node = reader.read()
    goals = Goals(reader, max_branches=FEW, max_depth=120)
    root = goals.goal([node])
    goals.reach(root)
    return goals, root, {goal for goal in goals._goals.values() if goal.candidates is not None}


def is_plain_below(goals: Goals, node: Node) -> bool:
    return goals.is_plain(node) and all(is_plain_below(goals, inner) for inner in node.in_place())


def forgotten(schema: Any) -> list[str]:
    """Pointers of goals that multiply out and were not worked out in advance."""
    goals, root, worked_out = reached(schema)
    met, pending, missing = {root}, [root], []
    while pending:
        goal = pending.pop()
        is_plain = goal.rest is TRUE and all(is_plain_below(goals, n) for n in goal.nodes)
        if is_plain and goal not in worked_out and goals._branches(goal) is None:
            missing.append(goal.pointer)
        further = [child for value in goals.values(goal) for child in _children(value) if child not in met]
        met.update(further)
        pending += further
    return missing


@given(SCHEMAS)
@settings(derandomize=True, deadline=None, max_examples=300, suppress_health_check=list(HealthCheck), print_blob=False)
def test_goals_that_multiply_out_are_worked_out(schema: Any) -> None:
    try:
        assert not forgotten(schema)
    except GrammarError:  # a reference that leads back to itself
        assume(False)


def test_what_may_meet_is_looked_at() -> None:
    def two() -> Any:
        return {"anyOf": [{"minLength": 1}, {"type": "null"}]}

    schema = {"type": "object", "properties": {"x": two(), "y": two(), "z": {"items": two()}}}
    assert not reached(schema)[2]
    schema["allOf"] = [{"properties": {"a": {}}, "additionalProperties": two()}]
    assert not forgotten(schema)
    assert "/properties/x" in {goal.pointer for goal in reached(schema)[2]}
