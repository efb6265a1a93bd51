"""Schemas without instances name the place that makes them so."""

from __future__ import annotations

from typing import Any

import pytest

import detent
from detent.grammar.json_rules import read_json_schema

INNER: dict[str, Any] = {"type": "object", "properties": {"a": False}, "required": ["a"]}
CASES: list[tuple[Any, str, str | None, str]] = [
    (False, "", None, ""),
    ({"enum": []}, "", "enum", ""),
    ({"not": {}}, "", "not", ""),
    ({"type": "object", "properties": {"x": INNER}, "required": ["x"]}, "/properties/x/properties/a", None, ""),
    (
        {"type": "array", "items": {"type": "integer", "minimum": 3, "maximum": 2}, "minItems": 1},
        "/items",
        None,
        "maximum",
    ),
    ({"type": "array", "items": {"enum": [1, 2]}, "minItems": 3, "uniqueItems": True}, "", None, "uniqueItems"),
    ({"type": "array", "prefixItems": [{}, {"enum": []}], "minItems": 2}, "/prefixItems/1", "enum", ""),
    (
        {"type": "object", "properties": {"a/b": {"type": "array", "contains": False}}, "required": ["a/b"]},
        "/properties/a~1b/contains",
        None,
        "",
    ),
    ({"allOf": [{"type": "string"}, {"type": "integer"}]}, "", "allOf", ""),
    ({"allOf": [{"type": "string"}, {"type": "integer", "enum": ["a"]}]}, "/allOf/1", None, "type"),
    ({"anyOf": [False, {"type": "integer", "multipleOf": 5, "minimum": 1, "maximum": 4}]}, "", "anyOf", ""),
    ({"type": "object", "required": ["b"], "additionalProperties": False}, "", None, "additionalProperties"),
    (
        {
            "$ref": "#/$defs/node",
            "$defs": {"node": {"type": "object", "properties": {"n": {"$ref": "#/$defs/node"}}, "required": ["n"]}},
        },
        "/$defs/node",
        None,
        "required",
    ),
    (
        {
            "$id": "http://example.com/root",
            "$defs": {"pair": {"$id": "pair", "type": "array", "minItems": 2, "maxItems": 1}},
            "type": "object",
            "properties": {"v": {"$ref": "pair"}},
            "required": ["v"],
        },
        "/$defs/pair",
        None,
        "maxItems",
    ),
]


@pytest.mark.parametrize(("schema", "pointer", "keyword", "named"), CASES)
def test_the_innermost_conflict_is_named(
    compiler: detent.Compiler, schema: Any, pointer: str, keyword: str | None, named: str
) -> None:
    with pytest.raises(detent.Unsatisfiable) as caught:
        compiler.json_schema(schema, order="any")
    assert (caught.value.pointer, caught.value.keyword) == (pointer, keyword)
    assert named in (caught.value.hint or "")


def test_a_conflict_elsewhere_is_named_by_its_uri() -> None:
    compiler = detent.Compiler(detent.Vocabulary.from_tokens([bytes([b]) for b in range(256)] + [b""], eos=[256]))
    remotes = {"http://example.com/other": {"type": "array", "items": False, "minItems": 1}}
    schema = {"type": "array", "items": {"$ref": "http://example.com/other"}, "minItems": 1}
    with pytest.raises(detent.Unsatisfiable) as caught:
        compiler.json_schema(schema, remotes=remotes)
    assert caught.value.pointer == "http://example.com/other#/items"


def test_texts_with_gaps_name_it_too() -> None:
    with pytest.raises(detent.Unsatisfiable) as caught:
        read_json_schema({"type": "object", "properties": {"x": INNER}, "required": ["x"]})
    assert caught.value.pointer == "/properties/x/properties/a"
