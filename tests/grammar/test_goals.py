"""Shortcuts of goals: whether a value exists is the same with them and without."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detent.grammar.json_schema import Goal, Goals, Object, goals
from detent.grammar.json_schema.document import Document
from detent.grammar.json_schema.object_frames import ObjectFrame
from detent.grammar.json_schema.parts import Parts
from detent.grammar.json_schema.reader import Reader

NAMES = st.sampled_from("ab")
MEMBERS = st.sampled_from([{"type": "string"}, {"type": "integer"}, {"enum": [1, "x"]}, {"pattern": "^x"}, True, False])
OBJECTS = st.fixed_dictionaries(
    {"type": st.sampled_from(["object", ["object", "array"]])},
    optional={
        "properties": st.dictionaries(NAMES, MEMBERS, max_size=2),
        "required": st.lists(NAMES, max_size=2, unique=True),
        "additionalProperties": MEMBERS,
        "patternProperties": st.dictionaries(NAMES, MEMBERS, min_size=1, max_size=1),
        "minProperties": st.integers(0, 3),
        "maxProperties": st.integers(0, 2),
        "minItems": st.just(1),
        "items": MEMBERS,
    },
)


def goals_of(schema: Any, *, max_branches: int = 1000) -> tuple[Goals, Goal]:
    reader = Reader(Document(schema), parts=Parts)
    node = reader.read()
    found = Goals(reader, max_branches=max_branches, max_depth=120)
    return found, found.goal([node])


def has_value(schema: Any) -> bool:
    found, root = goals_of(schema)
    return found.satisfiable(root)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.lists(OBJECTS, min_size=2, max_size=3), st.sampled_from(["allOf", "oneOf"]))
def test_what_is_seen_at_once_is_what_working_out_finds(alternatives: list[Any], keyword: str) -> None:
    schema = {keyword: alternatives}
    with patch.object(goals, "plainly_possible_together", lambda branch: False):
        expected = has_value(schema)
    assert has_value(schema) == expected


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        ({"required": ["a"], "properties": {"a": {"type": "string"}}}, {"required": ["b"]}, True),
        ({"required": ["a"], "maxProperties": 1}, {"required": ["b"]}, False),
        ({"required": ["a"]}, {"additionalProperties": False}, False),
        ({"required": ["a"], "properties": {"a": {"const": 1}}}, {"properties": {"a": {"const": 2}}}, False),
        ({"required": ["a"], "properties": {"a": False}}, {"required": ["b"]}, False),
        ({"required": ["a"]}, {"patternProperties": {"a": False}}, False),
        ({"required": ["a"]}, {"minProperties": 2, "properties": {"b": False}}, True),
        ({"required": ["a"], "properties": {"a": {"minimum": 1}}}, {"patternProperties": {"a": {"enum": [2]}}}, True),
        ({"required": ["a"], "properties": {"a": {"type": "array"}}}, {"additionalProperties": {"enum": [1]}}, False),
        ({"required": ["b"]}, {"patternProperties": {"^a": True}, "additionalProperties": False}, False),
        ({"required": ["ax"]}, {"patternProperties": {"^a": True}, "additionalProperties": False}, True),
    ],
)
def test_alternatives_that_meet(first: Any, second: Any, together: bool) -> None:
    for pair in ([first, second], [second, first]):
        assert has_value({"type": "object", "allOf": pair}) == together
        found, root = goals_of({"type": "object", "oneOf": pair})
        assert found.overlaps.exist(root.nodes[0].one_of[0]) == together


@settings(max_examples=300, derandomize=True, deadline=None)
@given(OBJECTS, OBJECTS)
def test_alternatives_meet_where_a_value_meets_both(first: Any, second: Any) -> None:
    found, root = goals_of({"oneOf": [first, second]})
    assert found.overlaps.exist(root.nodes[0].one_of[0]) == has_value({"allOf": [first, second]})


TAGS = {"oneOf": [{"properties": {"tag": {"const": tag}}} for tag in "ab"]}  # both hold where the tag is missing
TAGGED = {"type": "object", "required": ["tag"], "allOf": [TAGS]}


@pytest.mark.parametrize(
    ("schema", "together"),
    [
        (TAGGED, False),
        ({"type": "object", "allOf": [TAGS, {"required": ["tag"]}]}, False),
        ({"type": "object", "required": ["tag"], "allOf": [{"allOf": [TAGS]}]}, False),
        ({"type": "object", "allOf": [{"required": ["tag"]}], **TAGS}, False),
        ({"not": TAGGED}, False),
        ({"required": ["tag"], "allOf": [TAGS]}, True),  # values that are no objects meet both
        ({"type": "object", "allOf": [TAGS]}, True),
        ({"type": "object", "required": ["tag"], "anyOf": [TAGS, {}]}, True),
        ({**TAGGED, "properties": {"a": TAGS}}, True),  # one text, two places
        ({"properties": {"a": TAGS}, **TAGGED}, True),
        ({**TAGGED, "properties": {"a": {"allOf": [TAGS]}}}, True),
        ({"properties": {"a": TAGGED, "b": {"$ref": "#/properties/a/allOf/0"}}}, True),
        ({"properties": {"a": TAGGED, "b": {"allOf": [{"$ref": "#/properties/a/allOf/0"}]}}}, True),
    ],
)
def test_what_stands_beside_tells_alternatives_apart(schema: Any, together: bool) -> None:
    found, _ = goals_of(json.loads(json.dumps(schema)))  # no schema stands in two places
    choices = [options for node in found.reader.compound.values() for options in node.one_of]
    assert choices
    assert any(map(found.overlaps.exist, choices)) == together


def nested(depth: int) -> Any:
    value: Any = {}
    for _ in range(depth):
        value = {"a": value}
    return value


def test_what_the_base_says_is_not_asked_again() -> None:
    """In a closed object, "not this value" is said of its member alone: nothing is left that connects members."""
    definitions = {"words": {"properties": {"a": {"$ref": "#/$defs/words"}}, "additionalProperties": False}}
    schema = {"type": "object", "$defs": definitions, "$ref": "#/$defs/words", "not": {"const": nested(20)}}
    found, root = goals_of(schema)
    for _ in range(20):
        (value,) = (v for v in found.values(root) if isinstance(v, Object))
        assert value.frame is None
        ((_, root),) = value.names
    assert found.work < 1000


def tagged(values: int) -> Any:
    """Alternatives that overlap, each with a list of tags."""
    tags = [{"enum": [f"{k} {v}" for v in range(values)]} for k in range(12)]
    options = [{"properties": {"tag": tag, f"x{k}": {"type": "string"}}} for k, tag in enumerate(tags)]
    return {"type": "object", "oneOf": options}


@pytest.mark.parametrize(("values", "max_branches", "is_looked_at"), [(2, 1000, False), (2, 20, True), (60, 700, True)])
def test_tags_are_looked_at_where_they_could_pass_a_limit(values: int, max_branches: int, is_looked_at: bool) -> None:
    found, root = goals_of(tagged(values), max_branches=max_branches)
    (value,) = found.values(root)
    assert isinstance(value, Object)
    assert isinstance(value.frame, ObjectFrame)
    with found.piece(), found.within:
        assert any(value.frame.first_demands(8)) == is_looked_at


SCHEMAS: list[Any] = [
    {"properties": {"a": {"type": "string"}}},
    {"title": "x", "properties": {"a": {"type": "string"}}},
    {"properties": {"a": {"type": "string"}}, "title": "y"},
    {"properties": {"a": {"type": "integer"}}},
    {"properties": {"b": {"type": "string"}}},
    {"items": {"minimum": 1}, "minItems": 1},
    {"items": {"minimum": 1}, "minItems": 2},
    {"minItems": 2, "items": {"minimum": 1}},
    {"items": True, "anyOf": [{"minItems": 1}]},
    {"items": True, "anyOf": [{"minItems": 2}]},
    {"items": True, "anyOf": [{"minItems": 2}, {}]},
]


@settings(max_examples=50, derandomize=True, deadline=None)
@given(st.lists(st.sampled_from(SCHEMAS), min_size=2, max_size=8))
def test_schemas_of_one_text_have_one_representative(schemas: list[Any]) -> None:
    reader = Reader(Document({"allOf": [deepcopy(schema) for schema in schemas]}))
    nodes = reader.read().all_of
    first: dict[str, int] = {}
    for node, schema in zip(nodes, schemas, strict=True):
        text = json.dumps({keyword: value for keyword, value in schema.items() if keyword != "title"})
        assert reader.representative(node).serial == first.setdefault(text, node.serial)
