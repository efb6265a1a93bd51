"""``strict=False``: whatever cannot be enforced is left out, is said, and never blocks a right text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from detent.automata.compiled import Grammar
from detent.automata.compiler import Compiler
from detent.automata.limits import Limits
from detent.automata.vocabulary import Vocabulary
from detent.grammar.errors import GrammarError, LimitExceeded, Unenforceable

DOUBLED = r"^(a+)\1$"  # even numbers of a
FINE = 1.12345678912345
PARTS = [{"properties": {f"k{i}": {"type": "string"}}} for i in range(12)]
MANY_WAYS = {"type": "object", "oneOf": [{"properties": {"p": part, "q": part}} for part in PARTS]}

ALL_WRONG = json.dumps({"p": {f"k{i}": 1 for i in range(12)}})


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "integer"}
    for _ in range(depth):
        schema = {"type": "array", "items": schema, "minItems": 1}
    return schema


# schema, (pointer, keyword) of what is left out, valid texts, invalid ones that are still refused
CASES: list[tuple[Any, list[tuple[str, str]], list[str], list[str]]] = [
    ({"type": "string", "pattern": DOUBLED}, [("", "pattern")], ['"aa"'], ["1"]),
    ({"pattern": r"^\p{Script=Klingon}$", "maxLength": 1}, [("", "pattern")], ['"a"'], ['"aa"']),
    ({"pattern": "^(a|b)*a(a|b){20}$", "minLength": 1}, [("", "pattern")], ['"a"'], ['""']),
    ({"not": {"pattern": DOUBLED}, "maxLength": 2}, [("/not", "pattern")], ['"aa"', '"a"'], ["1", '"aaa"']),
    (
        {"if": {"pattern": DOUBLED}, "then": {"maxLength": 2}, "else": {"maxLength": 3}},
        [("/if", "pattern")],
        ['"aa"', '"aaa"'],
        ['"aaaa"'],
    ),
    ({"oneOf": [{"pattern": DOUBLED}, {"minLength": 2}]}, [("/oneOf/0", "pattern")], ['"aaa"', '"a"'], []),
    ({"properties": {"a": {"not": {"multipleOf": FINE}}}}, [("/properties/a/not", "multipleOf")], ['{"a": 1}'], []),
    (
        {"contains": {"type": "string", "pattern": DOUBLED}, "maxContains": 1},
        [("/contains", "pattern")],
        ['["aa"]', '["a", "aa", "aaa"]'],
        ["[]", "[1]"],
    ),
    (
        {"patternProperties": {DOUBLED: {}, "^b": {"type": "null"}}, "additionalProperties": False},
        [("", "patternProperties"), ("", "additionalProperties")],
        ['{"aa": 1, "b": null}'],
        ['{"b": 1}'],
    ),
    (
        {"allOf": [{"patternProperties": {DOUBLED: {}}}], "unevaluatedProperties": False},
        [("/allOf/0", "patternProperties")],
        ['{"aa": 1}', "{}"],
        [],
    ),
    (
        {"not": {"allOf": [{"patternProperties": {DOUBLED: {}}}], "unevaluatedProperties": False}},
        [("/not/allOf/0", "patternProperties")],
        ['{"aa": 1}', '{"b": 1}'],
        [],
    ),
    (
        {"propertyNames": {"pattern": DOUBLED, "minLength": 2}},
        [("/propertyNames", "pattern")],
        ['{"aa": 1}'],
        ['{"a": 1}'],
    ),
    ({"not": {"propertyNames": {"pattern": DOUBLED}}}, [("/not/propertyNames", "pattern")], ['{"a": 1}'], ["1"]),
    ({"uniqueItems": True, "items": {"pattern": DOUBLED}}, [("/items", "pattern")], ['["aa", "a"]'], ['["a", "a"]']),
    ({"allOf": [{"multipleOf": 999983}, {"multipleOf": 999979}]}, [("/allOf/0", "multipleOf")], ["999962000357"], []),
    ({"minimum": 10**3000, "type": "integer"}, [("", "minimum")], ["1"], ["1.5"]),
    ({"enum": [10**3000, 1], "type": "integer"}, [("", "enum")], ["1"], ["1.5"]),
    ({"minItems": 10**18, "type": "array"}, [("", "minItems")], ["[]"], ["{}"]),
    ({"contains": {"minimum": 1}, "minContains": 10**12}, [("", "contains")], ["[0]"], []),
    (MANY_WAYS, [("", "oneOf")], ['{"p": {"k1": 1}}'], [ALL_WRONG]),
    (
        {"allOf": [{"pattern": "a.{12}$"}, {"pattern": "b.{12}$"}, {"pattern": "c.{11}$|d.{7}$"}], "maxLength": 30},
        [("/allOf/0", "pattern"), ("/allOf/2", "pattern")],
        ['"bbbbbbbbbbbbb"'],
        ['"b"'],
    ),
    (
        {"patternProperties": {f"{c}.{{12}}$": {"type": "null"} for c in "abcd"}},
        [("", "patternProperties")],
        ['{"a": 1}'],
        ["{"],
    ),
    (nested(140), [("/items" * 120, k) for k in ("type", "items", "minItems")], ["[" * 141 + "1" + "]" * 141], ["1"]),
]


def accepts(grammar: Grammar, text: str) -> bool:
    matcher = grammar.matcher()
    return matcher.accept_bytes(text.encode()) and matcher.is_complete()


@pytest.mark.parametrize(("schema", "left_out", "right", "wrong"), CASES)
def test_what_cannot_be_enforced_is_left_out(
    compiler: Compiler, schema: Any, left_out: list[tuple[str, str]], right: list[str], wrong: list[str]
) -> None:
    with pytest.raises(Unenforceable):
        compiler.json_schema(schema, order="any")
    grammar = compiler.json_schema(schema, order="any", strict=False)
    relaxed = grammar.explain()["relaxed"]
    assert [(r.pointer, r.keyword) for r in relaxed] == left_out
    assert all(r.reason.endswith(".") for r in relaxed)
    assert [text for text in right if not accepts(grammar, text)] == []
    assert [text for text in wrong if accepts(grammar, text)] == []


@pytest.mark.parametrize(
    "schema",
    [{"pattern": "(["}, {"type": "text"}, {"minimum": "1"}, {"$ref": "#/nowhere"}, {"patternProperties": {"(": {}}}],
)
def test_wrong_schemas_stay_errors(compiler: Compiler, schema: Any) -> None:
    with pytest.raises(GrammarError) as caught:
        compiler.json_schema(schema, strict=False)
    assert not isinstance(caught.value, Unenforceable) and caught.value.keyword in schema


def test_the_size_of_the_document_stays_an_error(vocabulary: Vocabulary) -> None:
    compiler = Compiler(vocabulary, limits=Limits(max_nodes=3))
    with pytest.raises(LimitExceeded):
        compiler.json_schema({"properties": {name: {"type": "null"} for name in "abcdef"}}, strict=False)


def test_errors_name_the_place_and_the_remedy(compiler: Compiler) -> None:
    with pytest.raises(Unenforceable, match="strict=False") as caught:
        compiler.json_schema({"properties": {"a": {"multipleOf": FINE}}})
    assert (caught.value.pointer, caught.value.keyword) == ("/properties/a", "multipleOf")


def test_several_multiples_are_judged_before_the_first_token(compiler: Compiler) -> None:
    schema: dict[str, Any] = {"allOf": [{"multipleOf": 999983}, {"multipleOf": 999979}]}
    for _ in range(30):
        schema = {"type": "object", "properties": {"a": schema}}
    with pytest.raises(Unenforceable) as caught:
        compiler.json_schema(schema)
    assert caught.value.keyword == "multipleOf"


def test_the_residual_of_a_text(compiler: Compiler) -> None:
    grammar = compiler.json_schema({"pattern": DOUBLED, "format": "date"}, strict=False, format_assertion=False)
    assert [(r.pointer, r.keyword) for r in grammar.residual('"aa"').relaxed] == [("", "pattern")]
    assert grammar.residual('"aa"').holds and not grammar.residual('"aaa"').holds
    assert not compiler.json_schema({"pattern": "a"}, strict=False).residual('"b"')
    assert not compiler.regex("a").residual("b")


def test_the_residual_knows_the_schema_as_it_was(compiler: Compiler) -> None:
    schema = {"pattern": DOUBLED}
    grammar = compiler.json_schema(schema, strict=False)
    schema["pattern"] = "b"
    assert grammar.residual('"aa"').holds
