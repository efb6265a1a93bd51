"""Documents whose members are known by their text say what they say when they are read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detent.automata.compiled import Grammar
from detent.automata.compiler import Compiler
from detent.automata.limits import Limits
from detent.automata.vocabulary import Vocabulary
from detent.grammar.errors import GrammarError, Unsatisfiable
from detent.grammar.json_schema.document import Document
from detent.grammar.json_schema.free_names import has_free_names
from detent.grammar.json_schema.known import Known, known_object
from detent.grammar.json_schema.parts import GOALS, Parts
from detent.grammar.json_schema.reader import Reader
from detent.grammar.json_schema.values import Object

OPTIONS = (False, True, 50_000)  # as Reader has them by default
TEXT, COUNT = {"type": "string", "maxLength": 5}, {"type": "integer", "minimum": 0}
REFERS = {"$ref": "#/$defs/d"}
MEMBERS: list[Any] = [
    *(True, {}, {"description": "anything"}, TEXT, COUNT, {"enum": ["a", "b"]}, {"const": "x"}),
    {"anyOf": [TEXT, {"type": "null"}]},
    {"type": "object", "properties": {"x": COUNT}, "additionalProperties": False},
    {"type": "array", "items": {"type": "object"}},
    *(REFERS, {"type": "array", "items": REFERS}),
    *({"type": "string", "minLength": 3, "maxLength": 2}, False, {"$ref": "#"}, {"not": TEXT}),
]
NAMES = ["b", "a", "c", "ä", "d", "\ud800"]
ROOTS = st.fixed_dictionaries(
    {"type": st.just("object"), "properties": st.dictionaries(st.sampled_from(NAMES), st.sampled_from(MEMBERS))},
    optional={
        "required": st.lists(st.sampled_from([*NAMES, "e"]), max_size=3),
        "additionalProperties": st.sampled_from([True, False, TEXT]),
        "$schema": st.sampled_from(["http://json-schema.org/draft-04/schema#", "http://x/y", 5]),
        "$defs": st.sampled_from([{"d": TEXT}, {"d": COUNT}, {"d": False}, {}, 7]),
        "title": st.just("t"),
        "$id": st.just("http://x/z"),
        "minProperties": st.just(1),
    },
)


def read(schema: Any) -> Reader:
    return Reader(Document(schema), parts=Parts)


def meaning(value: Object) -> tuple[Any, ...]:
    free = value.free if value.free is not None and GOALS.satisfiable(value.free) else None
    return value.names, value.required, free, value.fewest, value.most, value.in_order, value.extra, value.patterns


def accepts(grammar: Grammar, text: str) -> bool:
    matcher = grammar.matcher()
    return matcher.accept_bytes(text.encode()) and matcher.is_complete()


@given(st.lists(ROOTS, min_size=2, max_size=4))
@settings(derandomize=True, deadline=None, max_examples=300, suppress_health_check=list(HealthCheck))
def test_what_is_known_is_what_would_be_read(roots: list[Any]) -> None:
    for schema in roots[:-1]:
        try:
            read(schema).read()
        except GrammarError:
            continue
    known, reader = known_object(roots[-1], *OPTIONS), read(roots[-1])
    if known is None:
        return
    node = reader.read()
    assert node.goal is not None and GOALS.satisfiable(node.goal) and not reader.annotations
    (found,) = GOALS.values(node.goal)
    assert isinstance(found, Object) and meaning(found) == meaning(known.residual)
    assert has_free_names(node, reader) == known.is_open
    assert reader.n_read <= known.most_read


def test_a_document_that_shares_all_members_is_known() -> None:
    first = {"type": "object", "properties": {f"known{k}": member for k, member in enumerate(MEMBERS[:10])}}
    read(first).read()
    names = {name: member for k, member in enumerate(MEMBERS[:10]) for name in (f"other{k}", f"more{k}")}
    for more in ({}, {"required": ["other3"]}, {"additionalProperties": False, "$id": "urn:x", "title": "T"}):
        assert isinstance(known_object({"type": "object", "properties": names, **more}, *OPTIONS), Known)


@pytest.mark.parametrize(
    "change",
    [
        {"type": ["object", "null"]},
        {"minProperties": 1},
        {"required": ["b"]},
        {"required": [5]},
        {"required": True},
        {"additionalProperties": TEXT},
        {"properties": {"a": TEXT, "b": {"type": "string", "maxLength": 123_456}}},
        {"properties": {"a": TEXT, "\ud800": TEXT}},
        {"$schema": "http://json-schema.org/draft-07/schema#"},  # nobody has said that there
        {"$schema": "http://example.com/of-my-own"},
        {"$ref": "#/$defs/a"},
    ],
)
def test_what_is_unknown_or_more_than_a_plain_object_is_read(change: Any) -> None:
    schema = {"type": "object", "properties": {"a": TEXT}, "$defs": {"a": {}}}
    read(schema).read()
    assert known_object(schema, *OPTIONS) is not None
    assert known_object(schema | change, *OPTIONS) is None


def test_references_are_known_beside_the_same_definitions_only() -> None:
    texts = {"type": "object", "properties": {"a": REFERS}, "$defs": {"d": {"maxLength": 31}}}
    read(texts).read()
    more = {"type": "object", "properties": {"b": REFERS}, "required": ["b"]}
    assert known_object({**more, "$defs": {"d": {"maxLength": 31}}}, *OPTIONS) is not None
    assert known_object({**more, "$defs": {"d": {"maxLength": 32}}}, *OPTIONS) is None
    assert known_object(more, *OPTIONS) is None


def test_references_to_anything_else_are_not_known_by_text() -> None:
    schema = {"type": "object", "properties": {"far": {"$ref": "#/properties/b"}, "b": {"minLength": 77}}, "$defs": {}}
    read(schema).read()
    other = {"type": "object", "properties": {"far": {"$ref": "#/properties/b"}}, "$defs": {}}
    assert known_object(other, *OPTIONS) is None
    with pytest.raises(GrammarError, match="points at nothing"):
        read(other).read()


def test_a_member_that_cannot_be_is_read(compiler: Compiler) -> None:
    impossible = {"type": "object", "properties": {"a": {"type": "string", "minLength": 2, "maxLength": 1}}}
    assert accepts(compiler.json_schema(impossible), "{}")
    with pytest.raises(Unsatisfiable):
        compiler.json_schema(impossible | {"required": ["a"]})


@pytest.mark.parametrize("additional", [None, 0, "no"])
def test_additional_properties_that_are_no_schema_are_refused_beside_known_members(
    compiler: Compiler, additional: Any
) -> None:
    compiler.json_schema({"type": "object", "properties": {"a": TEXT}})
    with pytest.raises(GrammarError, match="additionalProperties"):
        compiler.json_schema({"type": "object", "properties": {"a": TEXT}, "additionalProperties": additional})


def test_names_that_are_no_strings_are_refused_beside_known_members(compiler: Compiler) -> None:
    compiler.json_schema({"type": "object", "properties": {"a": TEXT}})
    with pytest.raises(GrammarError, match="the name 3 is not a string") as caught:
        compiler.json_schema({"type": "object", "properties": {3: TEXT}})
    assert (caught.value.pointer, caught.value.keyword) == ("", "properties")


def test_the_grammar_explains_itself_stands_in_others_and_moves(vocabulary: Vocabulary) -> None:
    compiler = Compiler(vocabulary, cache_dir=False)
    compiler.json_schema({"type": "object", "properties": {"id": COUNT, "name": TEXT}})
    schema = {"type": "object", "properties": {"name": TEXT, "n": COUNT}, "required": ["n"]}
    known = compiler.json_schema(schema, numbers="plain", order="any"), compiler.json_schema(schema)
    schema.clear()  # the caller's own
    for grammar in known:
        assert grammar.explain() == {"relaxed": [], "annotations": [], "nodes": 3}
    island = compiler.lark("%declare V\nstart: V V", islands={"V": known[1]})
    for _ in range(2):
        assert accepts(known[1], '{"name": "x", "n": 1.0}') and not accepts(known[1], '{"name": "x"}')
        assert accepts(island, '{"n": 1}{"n": 2, "z": null}') and not accepts(island, '{"n": 1}{}')
        compiler.renew(compiler.arena)


def test_limits_hold_for_what_is_known(vocabulary: Vocabulary) -> None:
    schema = {"type": "object", "properties": {f"p{k}": TEXT for k in range(9)}}
    Compiler(vocabulary).json_schema(schema)
    small = Compiler(vocabulary, limits=Limits(max_nodes=5))
    with pytest.raises(GrammarError, match="max_nodes"):
        small.json_schema(schema)
