"""JSON Schema against the jsonschema library: what a grammar accepts, what its masks let through, and errors."""

from __future__ import annotations

import json
import math
import random
import re
from fractions import Fraction
from itertools import permutations
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from detent.automata.compiled import Grammar
from detent.automata.compiler import Compiler
from detent.automata.limits import Limits
from detent.automata.matcher import allocate_bitmask
from detent.automata.vocabulary import Vocabulary
from detent.grammar.errors import GrammarError, LimitExceeded, Unsatisfiable
from tests.naive.json_values import recogniser
from tests.strategies import SCHEMAS, instances

QUICK = settings(
    derandomize=True, deadline=None, max_examples=150, suppress_health_check=list(HealthCheck), print_blob=False
)
DRAFTS = {
    4: (jsonschema.Draft4Validator, "http://json-schema.org/draft-04/schema#"),
    6: (jsonschema.Draft6Validator, "http://json-schema.org/draft-06/schema#"),
    7: (jsonschema.Draft7Validator, "http://json-schema.org/draft-07/schema#"),
    2019: (jsonschema.Draft201909Validator, "https://json-schema.org/draft/2019-09/schema"),
    2020: (jsonschema.Draft202012Validator, "https://json-schema.org/draft/2020-12/schema"),
}


def exact(value: Any) -> Any:
    """JSON with its numbers as integers and fractions, so that jsonschema does not round."""
    if isinstance(value, float) and math.isfinite(value):
        value = Fraction(value)
        return value.numerator if value.denominator == 1 else value
    if isinstance(value, list):
        return list(map(exact, value))
    return {k: exact(v) for k, v in value.items()} if isinstance(value, dict) else value


def for_python(schema: Any) -> Any:
    """A schema whose patterns mean in Python what they mean in ECMA-262."""
    text = json.dumps(schema)
    for pattern in set(re.findall(r'"(?:[^"\\]|\\.)*\$"', text)):
        text = text.replace(pattern, pattern[:-2] + '\\\\Z"')
    return exact(json.loads(text))


def is_valid(schema: Any, value: Any) -> bool:
    return bool(jsonschema.Draft202012Validator(for_python(schema)).is_valid(exact(value)))


def compiled(compiler: Compiler, schema: Any, **options: Any) -> Grammar:
    """A grammar; schemas without instances, beyond the limits and with circular references are passed over."""
    try:
        return compiler.json_schema(schema, **options)
    except GrammarError as error:
        assume(not isinstance(error, (Unsatisfiable, LimitExceeded)) and error.keyword != "$ref")
        raise


def accepts(grammar: Grammar, text: str) -> bool:
    matcher = grammar.matcher()
    return matcher.accept_bytes(text.encode()) and matcher.is_complete()


@given(st.data(), SCHEMAS)
@QUICK
def test_accepts_what_is_valid(compiler: Compiler, data: st.DataObject, schema: Any) -> None:
    grammar = compiled(compiler, schema, order="any")
    ordered = compiled(compiler, schema)
    reference = recogniser(schema)
    for _ in range(4):
        value = data.draw(instances(schema))
        text = json.dumps(value, ensure_ascii=data.draw(st.booleans()))
        assert accepts(grammar, text) == is_valid(schema, value), text
        assert accepts(ordered, text) == reference.complete(text.encode()), text


@st.composite
def _tagged(draw: st.DrawFn) -> Any:
    """Alternatives by tag, and what may stand beside them: in place, as a value, behind a reference, or negated."""
    tags = st.sampled_from([{"const": 1}, {"enum": [2, 3]}, {"enum": [3, 4]}])
    option = {"properties": {"t": draw(tags), "v": draw(st.sampled_from([True, {"const": 1}]))}}
    other = {"properties": {"t": draw(tags), "v": draw(st.sampled_from([True, {"const": 2}]))}}
    choice = {"oneOf": [option, {**other, **draw(st.sampled_from([{}, {"required": ["t"]}]))}]}
    beside = draw(st.sampled_from([{"required": ["t"]}, {"required": ["v"]}, {"type": "object", "required": ["t"]}]))
    places = [choice, {"$ref": "#/$defs/choice"}, {"allOf": [choice]}, {"allOf": [choice], **beside}]
    place = st.sampled_from(places)
    whole = draw(st.sampled_from([{"allOf": [draw(place)], **beside}, {"allOf": [draw(place), beside]}]))
    ways: list[Any] = [{}, {"properties": {"v": draw(place)}}, {"anyOf": [whole, draw(place)]}, {"not": whole}]
    return {"$defs": {"choice": choice}, **draw(st.sampled_from([whole, {}])), **draw(st.sampled_from(ways))}


_SMALL = st.dictionaries(st.sampled_from("tv"), st.integers(1, 4), max_size=2)


@given(st.lists(_SMALL | st.fixed_dictionaries({"v": _SMALL | st.just(1)}, optional={"t": st.just(1)})), _tagged())
@QUICK
def test_alternatives_beside_what_tells_them_apart(compiler: Compiler, values: list[Any], schema: Any) -> None:
    grammar = compiled(compiler, json.loads(json.dumps(schema)), order="any")
    for value in [*values, 1, {}, {"t": 1}, {"t": 3, "v": 1}, {"v": 1}, {"v": {"t": 2}}, {"v": {"v": 1}, "t": 2}]:
        assert accepts(grammar, json.dumps(value)) == is_valid(schema, value), value


def _named(patterns: list[str]) -> st.SearchStrategy[Any]:
    """Schemas that say something of names that match one of some patterns."""
    pattern = st.sampled_from(patterns)
    meaning = st.sampled_from([True, False, {"type": "integer"}, {"const": 1}])
    named = st.one_of(
        st.builds(lambda p, v: {"patternProperties": {p: v}}, pattern, meaning),
        st.builds(lambda p, v: {"patternProperties": {p: v}, "additionalProperties": False}, pattern, meaning),
        st.builds(lambda p: {"propertyNames": {"pattern": p}}, pattern),
        st.sampled_from(
            [{"propertyNames": {"enum": ["a"]}}, {"const": {}}, {"enum": [{}, {"a": 1}]}, {"maxProperties": 0}]
        ),
        st.sampled_from(
            [{"properties": {"b": True}, "additionalProperties": False}, {"required": ["b"]}, {"minProperties": 2}]
        ),
    )
    return st.one_of(
        named,
        st.builds(lambda part: {"not": part}, named),
        st.builds(lambda part: {"oneOf": [part, True]}, named),
        st.builds(lambda one, other: {"anyOf": [one, {"not": other}]}, named, named),
    )


_SPELLED, _TOLD_APART = _named(["^a$", "^b$", "^(a|b)$", "^[bc]$"]), _named(["a", "^b", "^..?$", "^[^c]*$"])


@given(st.lists(_SPELLED, min_size=1, max_size=3), st.sampled_from(["any", "schema", "fixed"]))
@example([{"not": {"patternProperties": {"^a$": False}}}], "schema")
@example([{"propertyNames": {"enum": ["a"]}}, {"not": {"const": {}}}], "any")
@example([{"minProperties": 2}, {"not": {"propertyNames": {"pattern": "^a$"}}}], "fixed")
@QUICK
def test_names_that_patterns_spell_out(compiler: Compiler, parts: list[Any], order: Any) -> None:
    _check_names(compiler, parts, order)


@given(st.lists(_TOLD_APART, min_size=1, max_size=3), st.sampled_from(["any", "schema", "fixed"]))
@example([{"patternProperties": {"a": {}}}, {"properties": {"b": True}, "additionalProperties": False}], "any")
@example([{"propertyNames": {"pattern": "^b"}}, {"not": {"propertyNames": {"pattern": "^..?$"}}}], "any")
@QUICK
def test_names_that_patterns_tell_apart(compiler: Compiler, parts: list[Any], order: Any) -> None:
    _check_names(compiler, parts, order)


def _check_names(compiler: Compiler, parts: list[Any], order: Any) -> None:
    schema = {"type": "object", "allOf": parts}
    grammar = compiled(compiler, schema, order=order)
    alone = [{name: value} for name in ["a", "b", "ab", "bab", "cb", "d"] for value in [1, "x"]]
    for value in [{}, *alone, {"a": 1, "b": 1}, {"b": 1, "c": "x"}, {"bab": 1, "d": 2}]:
        texts = [json.dumps(dict(members)) for members in permutations(value.items())]
        assert any(accepts(grammar, text) for text in texts) == is_valid(schema, value), value


@pytest.mark.parametrize("pattern", [r"^[^\uE000-\uF8FF]*$", r"^a?[^\uD900-\uF000]*$", r"^[^\uDFFF\uE000]*$"])
@pytest.mark.parametrize("keyword", ["additionalProperties", "unevaluatedProperties", "propertyNames"])
def test_names_without_the_first_characters_behind_surrogates(compiler: Compiler, pattern: str, keyword: str) -> None:
    schema = {"type": "object", "patternProperties": {pattern: {"type": "integer"}}, keyword: False}
    if keyword == "propertyNames":
        schema = {"type": "object", keyword: {"pattern": pattern}}
    grammar = compiled(compiler, schema)
    for name in ("", "a", "\ud7ff", "\ue000", "a\ue000", "\ue001", "\uf8ff", "\uf900"):
        for text in (json.dumps({name: 1}), json.dumps({name: 1}, ensure_ascii=False)):
            assert accepts(grammar, text) == is_valid(schema, {name: 1}), name


@given(st.data(), st.sampled_from((4, 6, 7, 2019)))
@QUICK
def test_older_drafts(compiler: Compiler, data: st.DataObject, draft: int) -> None:
    item = data.draw(st.sampled_from(({"type": "integer"}, {"type": "number"}, {"enum": [1, "a", None]})))
    schema = {
        "$schema": DRAFTS[draft][1],
        "items": [item, {"$ref": "#/definitions/word", "minLength": 3}],
        "additionalItems": data.draw(st.sampled_from((True, False, {"type": "boolean"}))),
        "definitions": {"word": {"type": "string", "maxLength": 4}},
        **({"const": [1, "abc"]} if data.draw(st.booleans()) else {}),
    }
    value = data.draw(st.lists(st.sampled_from((1, 1.0, 1.5, 2, "a", "abc", "abcde", None, True)), max_size=3))
    assert accepts(compiled(compiler, schema), json.dumps(value)) == DRAFTS[draft][0](schema).is_valid(value)


CLOSING = (b"}", b"]", b"}}", b'"')
PLAIN = (*CLOSING, b"null", b"true", b"0", b"1", b"a", b"b", b",", b":", b"[", b"{")


def finish(grammar: Grammar, rng: random.Random, steps: int) -> bytes | None:
    """A text of random tokens that heads for its end after some steps; None where it does not find it."""
    vocabulary, matcher, text = grammar.vocabulary, grammar.matcher(), b""
    mask = allocate_bitmask(1, len(vocabulary))
    for step in range(1000):
        matcher.fill_bitmask(mask)
        allowed = np.flatnonzero(np.unpackbits(mask.view(np.uint8), bitorder="little")).tolist()
        assert allowed, text
        if step >= steps and matcher.is_complete():
            assert matcher.accept(vocabulary.eos_ids[0])
            return text
        choices = [token for token in allowed if token not in vocabulary.eos_ids]
        if step >= steps and rng.random() < 0.9:
            brackets = [t for t in choices if vocabulary.token_bytes(t) in CLOSING[:3]]
            names = [t for t in choices if vocabulary.token_bytes(t).endswith(b'":')]
            plain = [t for t in choices if vocabulary.token_bytes(t) in PLAIN]
            choices = brackets or (names if names and rng.random() < 0.5 else plain[:4]) or choices
        if not choices:  # the text is complete and nothing else may follow
            return text
        token = rng.choice(choices)
        assert matcher.accept(token)
        text += vocabulary.token_bytes(token)
    return None


@given(
    SCHEMAS,
    st.sampled_from(("schema", "any", "fixed")),
    st.sampled_from(("flexible", "bounded", "compact")),
    st.integers(),
)
@settings(QUICK, max_examples=60)
def test_walks_through_masks_end_in_valid_texts(
    compiler: Compiler, schema: Any, order: str, whitespace: str, seed: int
) -> None:
    grammar = compiled(compiler, schema, order=order, whitespace=whitespace)
    rng = random.Random(seed)
    for steps in (0, 10, 25):
        text = finish(grammar, rng, steps)
        if text is None:
            continue
        value = json.loads(text, parse_float=_exact_number)
        assert is_valid(schema, value), text
        if whitespace == "compact":
            assert text == _without_white_space(text)


def _exact_number(text: str) -> Any:
    if re.search("[eE][+-]?0*[1-9][0-9]{4}", text):  # too long to write out; only where every number is admitted
        return float(text)
    value = Fraction(text)
    return value.numerator if value.denominator == 1 else value


def _without_white_space(text: bytes) -> bytes:
    return re.sub(rb'("(?:[^"\\]|\\.)*")|[ \t\r\n]+', lambda match: match[1] or b"", text, flags=re.DOTALL)


# -------------------------------------------------------------------------------------------------------------- orders
ORDERED = {
    "properties": {"b": {"type": "integer"}, "a": True},
    "required": ["c", "b"],
    "additionalProperties": {"type": "null"},
}


@pytest.mark.nojit
@pytest.mark.parametrize(
    ("text", "in_order"),
    [
        ('{"b": 1, "c": null}', True),
        ('{"b": 1, "a": {}, "c": null}', True),
        ('{"b": 1, "c": null, "x": null, "y": null}', True),
        ('{"c": null, "b": 1}', False),
        ('{"a": 0, "b": 1, "c": null}', False),
        ('{"b": 1, "x": null, "c": null}', False),
        ('{"b": 1, "c": null, "x": null, "a": 1}', False),
    ],
)
def test_orders_of_keys(compiler: Compiler, text: str, in_order: bool) -> None:
    assert accepts(compiler.json_schema(ORDERED, order="fixed"), text) == in_order
    assert accepts(compiler.json_schema(ORDERED), text)
    assert accepts(compiler.json_schema(ORDERED, order="any"), text)


@pytest.mark.nojit
@pytest.mark.parametrize(
    ("names", "keys", "in_order"),
    [
        ("bca", "bca", True),
        ("bca", "cb", False),
        ("bca", "abc", True),  # a is optional
        ("bca", "bac", True),
        ("abc", "cba", True),  # three names in alphabetical order: no order was meant
        ("ab", "ba", False),
    ],
)
def test_required_keys_of_closed_objects_are_in_order(
    compiler: Compiler, names: str, keys: str, in_order: bool
) -> None:
    schema = {"properties": dict.fromkeys(names, True), "required": sorted({*names} - {"a"} | {*names[:1]})}
    text = "{" + ", ".join(f'"{key}": 0' for key in keys) + "}"
    closed = schema | {"additionalProperties": False}
    required = len(names) == 2
    closed["required"] = list(names) if required else schema["required"]
    assert accepts(compiler.json_schema(closed), text) == in_order
    assert accepts(compiler.json_schema(schema), text) == (set(schema["required"]) <= {*keys})


@pytest.mark.parametrize("order", ["schema", "any", "fixed"])
def test_listed_names_are_written_once_and_required_ones_at_least_once(compiler: Compiler, order: str) -> None:
    grammar = compiler.json_schema(ORDERED, order=order)
    for text in ['{"b": 1, "c": null, "b": 2}', '{"b": 1, "c": null, "c": null}', '{"b": 1}', '{"c": null}', "{}"]:
        assert not accepts(grammar, text)
    assert not accepts(grammar, '{"b": 1, "c": null, "\\u0062": null}')


# ---------------------------------------------------------------------------------------------------------- whitespace
@pytest.mark.parametrize(
    ("text", "modes"),
    [
        ('{"a":[1,2]}', "flexible bounded compact"),
        ('{"a": [1, 2]}', "flexible bounded"),
        ('{\n  "a": [\n    1,\n    2\n  ]\n}\n', "flexible bounded"),
        ('\n\t{ "a" : [ ] } ', "flexible bounded"),
        ('{"a":  [1]}', "flexible"),
        ('{\n\n"a": 1}', "flexible"),
        ('{\r\n"a":\t1}', "flexible"),
        ("{\n" + " " * 40 + "}", "flexible bounded"),
        ("{\n" + " " * 41 + "}", "flexible"),
        ("{}\f", ""),
    ],
)
def test_white_space(compiler: Compiler, text: str, modes: str) -> None:
    for mode in ("flexible", "bounded", "compact"):
        assert accepts(compiler.json_schema({"type": "object"}, whitespace=mode), text) == (mode in modes.split())


# -------------------------------------------------------------------------------------------------------------- errors
@pytest.mark.parametrize(
    ("schema", "pointer", "keyword"),
    [
        ({"type": "integre"}, "", "type"),
        ({"properties": {"a/b": {"minLength": -1}}}, "/properties/a~1b", "minLength"),
        ({"items": {"enum": 3}}, "/items", "enum"),
        ({"anyOf": []}, "", "anyOf"),
        ({"allOf": [True, 3]}, "/allOf/1", None),
        ({"multipleOf": 0}, "", "multipleOf"),
        ({"required": ["a", 1]}, "", "required"),
        ({"properties": {"a": {"pattern": "("}}}, "/properties/a", "pattern"),
        ({"items": {"$ref": "#/$defs/none"}}, "/items", "$ref"),
        ({"items": {"$ref": "other.json"}}, "/items", "$ref"),
        ({"items": {"$ref": "#nowhere"}}, "/items", "$ref"),
        ({"$ref": "#"}, "", "$ref"),
        ({"properties": {3: True}}, "", "properties"),
        ({"properties": {"a": True, None: {"$ref": "#"}}}, "", "properties"),
        ({"items": {"properties": {3: {"type": "string"}}}}, "/items", "properties"),
        ({"properties": {"a": {"anyOf": [{"properties": {b"a": {}}}, {}]}}}, "/properties/a/anyOf/0", "properties"),
        ({"$defs": {"a": {"properties": {3: True}}}, "items": {"$ref": "#/$defs/a"}}, "/$defs/a", "properties"),
        ({"not": {"patternProperties": {3: True}}}, "/not", "patternProperties"),
        ({"enum": ["a", {"b": [{3: 1}]}]}, "", "enum"),
        ({"properties": {"a": {"const": {3: 1}}}}, "/properties/a", "const"),
        ({"uniqueItems": True, "items": {"enum": [{True: 1}]}}, "/items", "enum"),
        ({"dependentRequired": {3: ["a"]}}, "", "dependentRequired"),
        ({"dependentSchemas": {3: {"required": ["a"]}}}, "", "dependentSchemas"),
        ({"dependencies": {3: {"required": ["a"]}}}, "", "dependencies"),
        ({"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, {"type": "null"}]}}, "$ref": "#/$defs/a"}, None, "$ref"),
    ],
)
def test_errors_name_the_place(compiler: Compiler, schema: Any, pointer: str | None, keyword: str | None) -> None:
    with pytest.raises(GrammarError) as caught:
        compiler.json_schema(schema)
    assert pointer is None or caught.value.pointer == pointer
    assert caught.value.keyword == keyword
    assert caught.value.reason and not isinstance(caught.value, (Unsatisfiable, LimitExceeded))


@pytest.mark.parametrize(
    ("schema", "pointer"),
    [
        (False, ""),
        ({"type": "string", "enum": [1, 2]}, ""),
        ({"type": "object", "properties": {"a": False}, "required": ["a"]}, "/properties/a"),
        ({"allOf": [{"type": "string"}, {"type": "integer"}]}, ""),
        ({"type": "integer", "minimum": 3, "exclusiveMaximum": 3}, ""),
        ({"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}, ""),
        ({"type": "string", "pattern": "^a{3}$", "maxLength": 2}, ""),
        ({"type": "array", "items": {"type": "integer", "minimum": 0.2, "maximum": 0.8}, "minItems": 1}, "/items"),
    ],
)
def test_schemas_without_instances(compiler: Compiler, schema: Any, pointer: str) -> None:
    with pytest.raises(Unsatisfiable) as caught:
        compiler.json_schema(schema)
    assert caught.value.pointer == pointer


NESTED: dict[str, Any] = {"type": "integer"}
for _ in range(30):
    NESTED = {"type": "object", "properties": {"a": NESTED}, "required": ["a"]}


# p may meet any set of the parts, and each leaves q something else
PARTS = [{"properties": {f"k{k}": {"type": "string"}}} for k in range(9)]
OVERLAPPING = {"oneOf": [{"properties": {"p": part, "q": part}} for part in PARTS]}
COUNTED = {"not": OVERLAPPING, "minProperties": 9, "required": ["p"]}


@pytest.mark.parametrize(
    ("schema", "limits"),
    [
        ({"properties": {str(k): {"minimum": k} for k in range(20)}}, {"max_nodes": 10}),
        (OVERLAPPING, {"max_branches": 100}),
        (COUNTED, {"max_steps": 100}),
        (NESTED, {"max_depth": 10}),
        ({"type": "string", "pattern": "(a|b)*a(a|b){9}$"}, {"regex_states": 100}),
        ({"enum": [str(k) * 50 for k in range(100_000)]}, {"cache_bytes": 1 << 20}),
    ],
)
def test_limits(vocabulary: Vocabulary, schema: Any, limits: dict[str, int]) -> None:
    ((name, allowed),) = limits.items()
    with pytest.raises(LimitExceeded) as caught:
        Compiler(vocabulary, limits=Limits(**limits)).json_schema(schema)
    assert caught.value.limit == name
    assert caught.value.measured > allowed


def test_references_by_remotes_and_anchors(compiler: Compiler) -> None:
    remote = {"$id": "http://e.test/word", "$defs": {"w": {"$anchor": "short", "type": "string", "maxLength": 1}}}
    schema = {"items": {"$ref": "http://e.test/word#short"}}
    grammar = compiler.json_schema(schema, remotes={"http://e.test/word": remote})
    assert accepts(grammar, '["a", "é"]')
    assert not accepts(grammar, '["ab"]')
    with pytest.raises(GrammarError) as caught:
        compiler.json_schema(schema)
    assert "http://e.test/word" in (caught.value.hint or "")


def test_names_may_have_to_meet_the_schema_itself(compiler: Compiler) -> None:
    names = {"oneOf": [{"$ref": "#"}, {"type": "object", "patternProperties": {"const": True}}]}
    grammar = compiled(compiler, {"minProperties": 1, "propertyNames": names})
    assert [accepts(grammar, text) for text in ("5", '{"a":1}', "{}")] == [True, True, False]
