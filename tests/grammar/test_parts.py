"""Parts: documents with them say what they say without them, and share what can be shared."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from detent.automata.compiled import Grammar
from detent.automata.compiler import Compiler
from detent.automata.vocabulary import Vocabulary
from detent.grammar.errors import GrammarError, LimitExceeded, Unsatisfiable
from detent.grammar.json_schema import parts
from detent.grammar.json_schema.document import Document
from detent.grammar.json_schema.free_names import has_free_names
from detent.grammar.json_schema.goals import Goals
from detent.grammar.json_schema.nodes import Node
from detent.grammar.json_schema.parts import Parts
from detent.grammar.json_schema.reader import Reader
from detent.native import arena as layout
from tests.strategies import SCHEMAS, VALUES, instances

LATEST = "https://json-schema.org/draft/2020-12/schema"
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 9}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name"],
    "additionalProperties": False,
}


class Meaning:
    """A document, asked about values."""

    def __init__(self, schema: Any, **options: Any) -> None:
        self.reader = Reader(Document(schema), max_dfa_states=1_000, **options)
        self.root = self.reader.read()
        self.goals = Goals(self.reader, max_branches=100, max_depth=100)

    def __call__(self, value: Any) -> bool:
        goals = self.goals
        return goals.satisfiable(goals.goal_of(goals.formulas.all((goals.value_of(self.root), goals.constant(value)))))


def outcome(schema: Any, **options: Any) -> Meaning | tuple[str, str, str | None]:
    """The meaning of a schema, or what is wrong with it and where."""
    try:
        return Meaning(schema, **options)
    except GrammarError as error:
        return error.reason, error.pointer, error.keyword


def accepts(grammar: Grammar, text: str) -> bool:
    matcher = grammar.matcher()
    return matcher.accept_bytes(text.encode()) and matcher.is_complete()


def root_of(schema: Any) -> Node:
    return Reader(Document(schema), parts=Parts).read()


@given(st.data(), SCHEMAS)
@settings(derandomize=True, deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
def test_a_document_means_the_same_with_and_without_parts(data: Any, schema: Any) -> None:
    plain, shared = outcome(schema), outcome(schema, parts=Parts)
    if not isinstance(plain, Meaning) or not isinstance(shared, Meaning):
        assert plain == shared
        return
    assert has_free_names(plain.root, plain.reader) or not has_free_names(shared.root, shared.reader)
    assert has_free_names(shared.root, shared.reader) or not has_free_names(plain.root, plain.reader)
    for value in (data.draw(instances(schema)), data.draw(VALUES)):
        try:
            assert plain(value) == shared(value)
        except LimitExceeded:
            assume(False)


@pytest.mark.parametrize(
    "other",
    [
        PERSON | {"description": "someone"},
        {"$schema": LATEST, "$id": "http://x/y", **PERSON},
        PERSON | {"properties": {name: sub | {"title": name} for name, sub in PERSON["properties"].items()}},  # type: ignore[attr-defined]
        PERSON | {"properties": {name: sub | {"id": name} for name, sub in PERSON["properties"].items()}},  # type: ignore[attr-defined]
        PERSON | {"properties": {name: {"$schema": LATEST, **sub} for name, sub in PERSON["properties"].items()}},  # type: ignore[attr-defined]
    ],
)
def test_what_says_the_same_is_one_node(other: Any) -> None:
    assert root_of(PERSON).goal is not None
    assert root_of(other) is root_of(PERSON)


@pytest.mark.parametrize(
    "other",
    [
        PERSON | {"required": ["age"]},
        PERSON | {"additionalProperties": True},
        PERSON | {"properties": dict(reversed(PERSON["properties"].items()))},  # type: ignore[attr-defined]
        PERSON | {"$schema": "http://json-schema.org/draft-04/schema#"},  # 1.0 is no integer there
    ],
)
def test_what_says_something_else_is_another_node(other: Any) -> None:
    assert root_of(other) is not root_of(PERSON)


def test_a_reference_to_a_part_is_that_part() -> None:
    people = {"type": "array", "items": {"$ref": "#/$defs/person"}, "$defs": {"person": PERSON}}
    assert root_of(people).items is root_of(PERSON)
    assert root_of({"$ref": "#/$defs/person", "$defs": {"person": PERSON}}) is root_of(PERSON)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"$ref": "#"}},
        {"properties": {"a": {"$ref": "#/$defs/b"}}, "$defs": {"b": {"items": {"$ref": "#/$defs/b"}}}},
        {"properties": {"a": {"$id": "http://x/y", "type": "string"}}},
        {"$schema": "http://json-schema.org/draft-04/schema#", "items": {"id": "http://x/y", "type": "string"}},
        {"properties": {"a": {"$schema": "http://json-schema.org/draft-04/schema#", "type": "integer"}}},
        {"properties": {"a": {"$schema": "http://x/y", "type": "string"}}},
        {"items": {"anyOf": [{"type": "string"}, {"type": "null"}], "minItems": 1}},
        {"items": {"oneOf": [{"type": "string"}, {"enum": [None, "a"]}]}},
        {"items": {"anyOf": [{"enum": ["a"]}, {"enum": ["b"]}]}},
        {"items": {"enum": [1, []]}},
        {"items": {"const": []}},
    ],
)
def test_what_is_not_plain_is_no_part(schema: Any) -> None:
    assert root_of(schema).goal is None


PLAIN = [
    True,
    False,
    {"type": "string"},
    {"type": ["null", "integer"], "minimum": 3},
    {"enum": ["a", 2, None, True, 1.5]},
    {"type": "string", "pattern": "^b+$"},
    {"type": "string", "pattern": "^b+$", "minLength": 2, "maxLength": 3},
    {"type": "array", "items": {"type": "boolean"}, "minItems": 1},
    {"type": "object", "properties": {"k": {"type": "null"}}, "required": ["k"], "additionalProperties": False},
    {"type": "object", "properties": {"n": {"$ref": "#/$defs/n"}}, "additionalProperties": {"type": "string"}},
]


def test_formats_that_constrain_nothing_are_parts() -> None:
    assert root_of({"items": {"format": "of my own", "type": "string"}}).goal is not None


@given(st.data())
@settings(derandomize=True, deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
def test_alternatives_are_read_as_without_parts(compiler: Compiler, data: Any) -> None:
    plain = st.sampled_from(PLAIN)
    choices = st.builds(
        lambda keyword, options: {keyword: options}, st.sampled_from(["anyOf", "oneOf"]), st.lists(plain, min_size=1)
    )
    options = st.lists(choices | plain, min_size=1, max_size=3)
    schema: dict[str, Any] = {"anyOf": data.draw(options), "$defs": {"n": {"type": "number"}}}
    if data.draw(st.booleans()):
        schema = {"properties": {"x": schema}, "required": ["x"], "$defs": schema.pop("$defs")}
    if data.draw(st.booleans()):
        schema["allOf"] = [{"properties": {"k": data.draw(choices | plain)}}]
    without = Meaning(schema)
    value = data.draw(VALUES | st.sampled_from([{"k": None}, {"n": 1}, {"n": "a"}, {"z": "a"}, [True], "bb", 2, 1.5]))
    value = {"x": value} if "properties" in schema else value
    try:
        grammar = compiler.json_schema(schema, order="any")
    except Unsatisfiable:
        assert not without(value)
    else:
        assert accepts(grammar, json.dumps(value)) == without(value)


def test_alternatives_of_a_document_that_is_not_plain_are_its_own() -> None:
    some = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    whole = root_of({"properties": {"a": some}})
    assert whole.goal is not None and whole.properties["a"].goal is not None
    other = root_of({"properties": {"a": some}, "allOf": [{"properties": {"a": {"minLength": 2}}}]})
    assert other.goal is None and other.properties["a"].goal is None


def test_schemas_are_counted_once() -> None:
    some = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "null"}}]}
    for more, n_read in (({}, 6), ({"patternProperties": {"^b": True}}, 6)):
        for _ in range(2):  # the second time, what stands in ``some`` is known by its text
            reader = Reader(Document({"properties": {"a": some, "c": {"type": "null"}}, **more}), parts=Parts)
            reader.read()
            assert reader.n_read == n_read, more


def test_members_are_known_by_their_text_unless_they_refer() -> None:
    def member(schema: Any, **definitions: Any) -> Node:
        return root_of({"properties": {"a": copy.deepcopy(schema)}, "$defs": definitions}).properties["a"]

    listing = {"type": "object", "properties": {"b": {"$ref": "#/$defs/c"}}}
    assert member(listing, c={"minLength": 3}) is not member(listing, c={"minLength": 4})
    deep = {"type": "object", "properties": {"b": {"type": "array", "items": {"maxLength": 77}}}}
    assert member(deep) is member(deep) is member({"description": "more", **deep})
    shared = {"$ref": "#/$defs/c"}
    twice = {"properties": {"a": shared, "b": {"items": shared}}}
    first, second = (root_of({**twice, "$defs": {"c": {"maxLength": n}}}).properties["b"].items for n in (1, 2))
    assert first is not second
    reader = Reader(Document({"properties": {"a": deep}}), parts=Parts)
    inner = reader.read().properties["a"].properties["b"]
    assert reader.n_read == 4 and reader.pointer(inner) == "/properties/a/properties/b"


@pytest.mark.parametrize(
    "wrong",
    [{"type": "text"}, {"minLength": -1}, {"required": "a"}, {"pattern": "("}, {"items": 1}, {"$ref": "#/nowhere"}],
)
def test_errors_say_where_they_are(wrong: Any) -> None:
    schema = {"properties": {"a": {"items": copy.deepcopy(wrong)}}}
    with pytest.raises(GrammarError) as caught:
        root_of(schema)
    assert caught.value.pointer.startswith("/properties/a/items")


def test_texts_that_pass_a_limit_together_are_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    def root(schema: Any, **limits: int) -> Node:
        return Reader(Document(schema), parts=Parts, **limits).read()

    assert root({"pattern": "a.{3}$", "maxLength": 12}).goal is not None
    assert root({"pattern": "a.{3}$", "maxLength": 13}, max_dfa_states=40_000).goal is None
    monkeypatch.setattr(parts.GOALS.reader, "max_dfa_states", 300)
    assert root({"pattern": "a.{4}$", "format": "uri"}, max_dfa_states=300).goal is None


def test_limits_of_several_parts_say_where_they_are(compiler: Compiler) -> None:
    texts = [{"pattern": "a.{12}$"}, {"pattern": "b.{12}$"}, {"pattern": "c.{11}$|d.{7}$"}]
    schema = {"allOf": [{"properties": {"x": text}} for text in texts]}
    with pytest.raises(LimitExceeded) as caught:
        compiler.json_schema(schema)
    assert caught.value.pointer.endswith("/properties/x")


def test_lists_of_the_caller_may_change_afterwards() -> None:
    colours = ["red", "green"]
    root = root_of({"enum": colours})
    colours[0] = "blue"
    assert root.enum == ["red", "green"]
    assert root_of({"enum": ["red", "green"]}) is root


def test_a_document_writes_only_what_is_new(compiler: Compiler) -> None:
    """The records of a part that another document had are not written again."""

    def in_use(schema: Any) -> int:
        before = int(compiler.arenas.current.A[layout.HEAP + 2])
        grammar = compiler.json_schema(schema)
        assert accepts(grammar, '{"who": {"name": "x", "age": 3}}')
        return int(compiler.arenas.current.A[layout.HEAP + 2]) - before

    person = copy.deepcopy(PERSON)
    person["properties"]["never seen before"] = {"type": "null"}  # type: ignore[index]
    first = in_use({"properties": {"who": person}, "additionalProperties": False})
    second = in_use({"properties": {"who": person}, "additionalProperties": False, "maxProperties": 7})
    assert 0 < second < first


def test_a_part_that_becomes_a_root_is_written_without_others(compiler: Compiler) -> None:
    parts_of_others = {f"m{k}": {"type": "object", "properties": {f"n{k}": PERSON}} for k in range(40)}
    compiler.json_schema({"type": "object", "properties": parts_of_others})
    arena = compiler.arenas.current
    before = int(arena.A[layout.POS + 2])
    compiler.json_schema(parts_of_others["m3"])
    assert int(arena.A[layout.POS + 2]) - before < 10 * layout.POS_STRIDE


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_TABLES", {})
    monkeypatch.setattr(parts, "MOST_BYTES", 100_000)
    first = root_of({"enum": ["x" * 1_000]})
    assert root_of({"enum": ["x" * 1_000]}) is first
    for k in range(100):
        root_of({"enum": [f"{k:04}" + "x" * 1_000]})
    (table,) = parts._TABLES.values()
    assert len(table.by_words) < 100 and table.n_bytes <= 105_000
    assert root_of({"enum": ["x" * 1_000]}) is not first


@pytest.mark.parametrize("strict", [True, False])
def test_plain_integers_are_not_mistaken(compiler: Compiler, strict: bool) -> None:
    schema = {"properties": {"n": {"type": "integer"}}, "required": ["n"]}
    assert accepts(compiler.json_schema(schema, strict=strict), '{"n": 1.0}')
    assert not accepts(compiler.json_schema(schema, numbers="plain", strict=strict), '{"n": 1.0}')
    assert accepts(compiler.json_schema(schema, numbers="plain", strict=strict), '{"n": 1}')


@pytest.mark.parametrize("earlier", [(), ("if",), ("then",), ("then", "if")])
def test_the_order_of_names_does_not_depend_on_other_documents(
    vocabulary: Vocabulary, earlier: tuple[str, ...]
) -> None:
    kind, size = f"kind {len(earlier)}{earlier[:1]}", f"size {len(earlier)}{earlier[:1]}"
    schema = {"if": {"properties": {kind: {"maxLength": 5}}}, "then": {"properties": {size: {"minimum": 1}}}}
    compiler = Compiler(vocabulary, cache_dir=False)
    for keyword in earlier:
        compiler.json_schema({"items": schema[keyword]})
    grammar = compiler.json_schema({"items": schema}, order="fixed")
    assert accepts(grammar, json.dumps([{kind: "a", size: 2}]))
    assert not accepts(grammar, json.dumps([{size: 2, kind: "a"}]))
