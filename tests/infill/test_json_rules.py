"""JSON Schemas as rules: against the naive recogniser of JSON values."""

from __future__ import annotations

import json
from itertools import product
from random import Random
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from detent.automata.infiller import Infiller
from detent.grammar.errors import Unenforceable
from detent.grammar.json_rules import read_json_schema
from tests.naive.json_values import recogniser

TREE = {
    "type": "object",
    "properties": {"v": {"type": "integer"}, "k": {"type": "array", "items": {"$ref": "#/$defs/t"}}},
    "required": ["k"],
    "additionalProperties": False,
}
PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "pattern": "^[A-Zé]"},
        "age": {"type": "integer", "minimum": -3, "maximum": 15},
        "tags": {"type": "array", "items": {"enum": ["a", "b\n", "é", 1, None]}, "minItems": 1, "maxItems": 3},
        "ok": {"type": ["boolean", "null"]},
        "x": {"type": "number"},
    },
    "required": ["name", "tags"],
    "additionalProperties": False,
}
EITHER = [
    {"type": "string", "format": "date"},
    {"const": 5},
    {
        "type": "object",
        "properties": {"a": {"const": "x"}, "b": {"enum": [1, 2]}},
        "additionalProperties": False,
    },
]
SCHEMAS: list[tuple[dict[str, Any], list[str]]] = [
    (
        PERSON,
        [
            '{"name":"A","age":-2,"tags":["a",1,null],"ok":true,"x":1.5e3}',
            r'{"name": "\u00e9b" , "tags":["\u0062\n"] }',
        ],
    ),
    (
        {
            "type": "array",
            "prefixItems": [{"type": "boolean"}, {"type": "string", "maxLength": 2}],
            "items": {"type": "null"},
            "minItems": 1,
        },
        ['[true,"ab",null]', "[false]", r'[true,"\ud83d\ude00x"]'],
    ),
    ({"type": "array", "prefixItems": [{"type": "boolean"}, False]}, ["[true]", "[]"]),
    ({"$defs": {"t": TREE}, "$ref": "#/$defs/t"}, ['{"v":1,"k":[{"k":[]},{"v":-20,"k":[]}]}']),
    ({"anyOf": EITHER}, ['"2024-02-29"', "5", '{"a":"x","b":2}', '{"b":1}', "{}"]),
]


@pytest.mark.parametrize(("schema", "texts"), SCHEMAS)
def test_agrees_with_the_recogniser(schema: dict[str, Any], texts: list[str]) -> None:
    infiller, naive, rng = Infiller(read_json_schema(schema)), recogniser(schema, order="fixed"), Random(0)
    accepted = 0
    for _ in range(300):
        text = rng.choice(texts)
        for _ in range(rng.randrange(4)):
            at, char = rng.randrange(len(text) + 1), rng.choice(' ,"{}[]:019aAbnx-.e\\u\n')
            text = rng.choice(
                [text[:at] + char + text[at:], text[:at] + text[at + 1 :], text[:at] + char + text[at + 1 :]]
            )
        expected, found = naive.complete(text.encode()), infiller.completable([text])
        # integers are digits alone here
        assert found == expected or (expected and ("." in text or "e" in text.lower())), text
        accepted += found
    assert 30 < accepted < 300


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "not": {"enum": ["", "ab", "é", "\n"]}},
        {"type": "string", "pattern": "^a*(b|bb)?$", "not": {"enum": ["a", "aab", "b", "é"]}},
        {"type": "string", "pattern": "^(a|b{1,2})$", "not": {"const": "a"}},
        {"type": "string", "minLength": 1, "maxLength": 2, "not": {"enum": ["a", "ab", "bbb"]}},
    ],
)
def test_strings_less_some(schema: dict[str, Any]) -> None:
    infiller, validator = Infiller(read_json_schema(schema)), Draft202012Validator(schema)
    texts = ["".join(text) for n in range(5) for text in product('abé"', repeat=n)]
    found = [infiller.completable([json.dumps(text)]) for text in texts]
    assert found == [*map(validator.is_valid, texts)]
    assert 0 < sum(found) < len(found)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": "array", "items": {"type": "integer"}, "uniqueItems": True},
        {"type": "number", "multipleOf": 0.5},
        {"type": "integer", "minimum": 0},
        {"const": 0.5},
        {"type": "object", "properties": {"a": True, "b": True}, "additionalProperties": False, "maxProperties": 1},
    ],
)
def test_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(Unenforceable, match="in a text with gaps"):
        read_json_schema(schema)
