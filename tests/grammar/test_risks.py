"""A limit that some goal passes is passed before the first token: against a walk over every goal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from detent.grammar.errors import GrammarError, LimitExceeded
from detent.grammar.json_schema import Goal, Goals, risks
from detent.grammar.json_schema.branches import branches, is_plain
from detent.grammar.json_schema.document import Document
from detent.grammar.json_schema.formula import TRUE
from detent.grammar.json_schema.nodes import Node
from detent.grammar.json_schema.parts import Parts
from detent.grammar.json_schema.reach import children, reach
from detent.grammar.json_schema.reader import Reader
from detent.grammar.json_schema.values import Object
from tests.strategies import SCHEMAS

FEW_STATES = 12


def goals_of(schema: Any, *, max_branches: int = 1000) -> tuple[Goals, Goal]:
    """The goals of a document under narrow limits."""
    reader = Reader(Document(schema), max_dfa_states=FEW_STATES, parts=Parts)
    node = reader.read()
    goals = Goals(reader, max_branches=max_branches, max_depth=120)
    return goals, goals.goal([node])


def walk(goals: Goals, root: Goal) -> None:
    """Work out every goal that generation can meet."""
    met, pending = {root}, [root]
    while pending:
        for value in goals.values(pending.pop()):
            if isinstance(value, Object) and value.frame is not None:
                list(value.frame.first_demands(8))
            further = [child for child in children(value) if child not in met]
            met.update(further)
            pending += further


def passes(limited: Callable[[Goals, Goal], None], schema: Any) -> bool:
    goals, root = goals_of(schema)
    try:
        limited(goals, root)
    except LimitExceeded:
        return True
    return False


def pattern(k: int) -> dict[str, Any]:
    """A string whose automata multiply with others of the kind."""
    return {"type": "string", "pattern": f"{'ab'[k - 1]}.{{{k}}}$"}


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def member(name: str, found: Any) -> Any:
        return {name: {"x": found} if name.endswith("roperties") and name != "additionalProperties" else found}

    below = st.builds(member, st.sampled_from(("properties", "patternProperties", "additionalProperties")), inner)
    beside = st.builds(
        lambda name, found: {name: found},
        st.sampled_from(("allOf", "allOf", "anyOf")),
        st.lists(inner, min_size=2, max_size=3),
    )
    both = st.builds(lambda a, b: {**a, "allOf": [b]}, below, below)
    return st.one_of(below, beside, both, both, inner.map(lambda found: {"not": found}))


COUNTED = {"type": "string", "pattern": "^a*b*$", "maxLength": 100}  # of any length, so none is built in
BUILT_IN = {"type": "string", "pattern": "^(aaaaa)*$", "minLength": 4, "maxLength": 6}
LEAVES = st.sampled_from((pattern(1), pattern(2), {"type": "null"}, COUNTED, BUILT_IN))


@given(st.recursive(LEAVES, containers, max_leaves=5))
@settings(derandomize=True, deadline=None, max_examples=400, suppress_health_check=list(HealthCheck), print_blob=False)
def test_limits_are_passed_early(schema: Any) -> None:
    schema = {"allOf": [schema]}
    if passes(walk, schema):
        assert passes(lambda goals, root: reach(goals, root), schema)


TWO = {"properties": {"x": pattern(2)}, "allOf": [{"properties": {"x": pattern(1)}}]}
MEETING = [
    TWO,
    {"properties": {"x": pattern(2)}, "patternProperties": {"x": pattern(1)}, "allOf": [True]},
    {"items": TWO, "allOf": [{"items": {"properties": {"x": True}}}]},
    {"anyOf": [TWO, {"type": "null"}]},
    {"not": {"not": TWO}},
    {"if": TWO, "then": {"required": ["x"]}},
]


@pytest.mark.parametrize("schema", MEETING)
def test_what_meets_is_looked_at(schema: Any) -> None:
    assert passes(lambda goals, root: reach(goals, root), {"properties": {"a": schema}})


def test_alternatives_meet_one_at_a_time() -> None:
    options = [{"properties": {"x": pattern(k), "y": {"anyOf": [pattern(1), pattern(2)]}}} for k in (1, 2, 1)]
    goals, _ = goals_of({"properties": {"a": {"anyOf": options}}})
    assert not risks.Risks(goals).found


@pytest.mark.parametrize(
    ("schema", "max_states", "is_large"),
    [
        (COUNTED, 20, False),
        (BUILT_IN, 5, True),
        (BUILT_IN, 20, False),
        ({"not": {"properties": {"x": COUNTED}}}, 20, False),
        ({"type": "string", "format": "ipv4", "pattern": "^[0-9]"}, 30, False),
        ({"type": "string", "format": "ipv4", "pattern": "[12]$"}, 30, True),
        (TWO, 20, True),
    ],
)
def test_what_one_schema_says_of_strings_is_told_from_its_automata(
    schema: Any, max_states: int, is_large: bool
) -> None:
    goals, _ = goals_of({"properties": {"a": schema, "b": {"not": {}}}})
    goals.reader.max_dfa_states = max_states
    assert risks.Risks(goals).are_large == is_large


def test_nothing_else_is_worked_out() -> None:
    goals, root = goals_of(
        {"properties": {"a": {"anyOf": [{"type": "null"}, {"minimum": 0}]}, "b": {"not": pattern(1)}}}
    )
    reach(goals, root)
    assert all(goal.candidates is None for goal in goals._goals.values())


def test_too_many_ways() -> None:
    choice = {"anyOf": [{"minLength": 1}, {"type": "null"}, {"minimum": 0}]}
    goals, _ = goals_of({"properties": {"a": {"allOf": [choice, choice]}}}, max_branches=8)
    assert [node.place.pointer for node in risks.Risks(goals).found] == ["/properties/a"]


# ------------------------------------------------------------------------------------- ways to meet disjunctions
FEW = 2  # ways to meet the disjunctions of one goal


def reached(schema: Any) -> tuple[Goals, Goal, set[Goal]]:
    """The goals of a document, and those that were worked out in advance."""
    reader = Reader(Document(schema))
    node = reader.read()
    goals = Goals(reader, max_branches=FEW, max_depth=120)
    root = goals.goal([node])
    reach(goals, root)
    return goals, root, {goal for goal in goals._goals.values() if goal.candidates is not None}


def is_plain_below(goals: Goals, node: Node) -> bool:
    return is_plain(goals, node) and all(is_plain_below(goals, inner) for inner in node.in_place())


def said(goals: Goals, goal: Goal) -> tuple[int, ...]:
    """What the nodes of a goal say: goals of schemas that say the same pass the same limits."""
    return tuple(sorted({goals.reader.representative(node).serial for node in goal.nodes}))


def forgotten(schema: Any) -> list[str]:
    """Pointers of goals that multiply out and were not worked out in advance."""
    goals, root, worked_out = reached(schema)
    looked_at = {said(goals, goal) for goal in worked_out}
    met, pending, missing = {root}, [root], []
    while pending:
        goal = pending.pop()
        plain = goal.rest is TRUE and all(is_plain_below(goals, n) for n in goal.nodes)
        if plain and said(goals, goal) not in looked_at and branches(goals, goal) is None:
            missing.append(goal.pointer)
        further = [child for value in goals.values(goal) for child in children(value) if child not in met]
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
