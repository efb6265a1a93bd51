"""Documents whose members are known by their text say what they say when they are read."""

from __future__ import annotations

import gc
import json
import marshal
import random
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detent.automata.compiled import Grammar
from detent.automata.compiler import Compiler
from detent.automata.limits import Limits
from detent.automata.matcher import allocate_bitmask
from detent.automata.vocabulary import Vocabulary
from detent.grammar.errors import GrammarError, Unsatisfiable
from detent.grammar.json_schema import parts
from detent.grammar.json_schema.document import Document
from detent.grammar.json_schema.free_names import has_free_names
from detent.grammar.json_schema.known import Asked, Known, Readings, known_object
from detent.grammar.json_schema.parts import GOALS, Parts
from detent.grammar.json_schema.reader import Reader
from detent.grammar.json_schema.spelled import NO_SHARING, spelled
from detent.grammar.json_schema.values import Object
from detent.grammar.recent import Recent

MEANING = (False, True, 50_000)  # as Reader has them by default
TEXT, COUNT = {"type": "string", "maxLength": 5}, {"type": "integer", "minimum": 0}
REFERS = {"$ref": "#/$defs/d"}
MEMBERS: list[Any] = [
    *(True, {}, {"description": "anything"}, TEXT, COUNT, {"enum": ["a", "b"]}, {"const": "x"}),
    {"anyOf": [TEXT, {"type": "null"}]},
    {"type": "object", "properties": {"x": COUNT}, "additionalProperties": False},
    {"type": "array", "items": {"type": "object"}},
    *(REFERS, {"type": "array", "items": REFERS}, {"type": "string", "format": "unheard-of"}),
    *({"type": "string", "minLength": 3, "maxLength": 2}, False, {"$ref": "#"}, {"not": TEXT}),
]
NAMES = ["b", "a", "c", "ä", "d", "\ud800"]
ROOTS = st.fixed_dictionaries(
    {"properties": st.dictionaries(st.sampled_from(NAMES), st.sampled_from(MEMBERS))},
    optional={
        "type": st.sampled_from(["object", "object", ["object"], ["null", "object", "array"], ["integer", "object"]]),
        "required": st.lists(st.sampled_from([*NAMES, "e"]), max_size=3),
        "additionalProperties": st.sampled_from([True, False, TEXT]),
        "$schema": st.sampled_from(["http://json-schema.org/draft-04/schema#", "http://x/y", 5]),
        "$defs": st.sampled_from([{"d": TEXT}, {"d": COUNT}, {"d": False}, {}, 7]),
        "title": st.just("t"),
        "$id": st.just("http://x/z"),
        "minProperties": st.just(1),
    },
)

NODES = {"type": "object", "properties": {"next": {"$ref": "#/$defs/d"}, "is": {"const": 1}}}
NEAR: list[Any] = [  # no parts, and what they mean depends on definitions at most
    *({"not": TEXT}, {"allOf": [REFERS, {"minLength": 1}]}, {"type": "array", "uniqueItems": True}),
    *({"const": 1}, {"const": True}, {"const": 1.0}, {"const": [1]}, {"const": [True]}, {"enum": [-0.0, {"b": 1}]}),
    {"type": "object", "patternProperties": {"^a": COUNT, "b$": {"minimum": 2}}, "additionalProperties": False},
    {"oneOf": [{"minimum": 2}, {"maximum": 3, "type": "integer"}]},
    {"anyOf": [REFERS, {"type": "array", "prefixItems": [REFERS], "items": False}]},
    {"if": {"minLength": 2}, "then": False},
    {"propertyNames": {"maxLength": 1}, "maxProperties": 2},
    {"not": {"format": "date"}, "type": "string", "maxLength": 10},
    {"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "unheard-of", "maxLength": 2}]},
]
FAR: list[Any] = [
    *({"$ref": "#/$defs/d/properties/next"}, {"$ref": "#/$defs/d/properties/is"}),
    {"allOf": [{"$ref": "#/properties/a"}, {"type": ["string", "integer"]}]},
    {"items": {"$ref": "#"}, "maxItems": 2},
    {"$id": "http://x/z", "allOf": [REFERS]},
    {"$id": "http://x/w", "allOf": [REFERS], "$defs": {"d": {"const": "w"}}},
    {"id": "http://x/w", "allOf": [REFERS], "$defs": {"d": {"const": "w"}}},
    *({"allOf": [{"$ref": "http://x/w"}]}, {"allOf": [{"$dynamicRef": "#n"}]}, {"allOf": [{"$ref": "#n"}]}),
    *({"$dynamicAnchor": "n", "not": {"type": "object"}}, {"$anchor": "n", "not": {"type": "array"}}),
]
ALL_MEMBERS = NEAR * 2 + MEMBERS[:14] + FAR
WAYS = [{}, {"order": "fixed", "numbers": "plain"}, {"whitespace": "compact", "format_assertion": False}]


def read(schema: Any) -> Reader:
    return Reader(Document(schema), parts=Parts)


def known_alone(schema: Any) -> Known | None:
    """What is known of a document by its parts."""
    text = spelled(schema)
    found = None if text is None else known_object(schema, text, MEANING, Readings(), None)
    return found if isinstance(found, Known) else None


def known_once_read(schema: Any) -> Known | None:
    """The same where nothing is known before and all members are read."""
    parts._TABLES.clear()
    text = spelled(schema)
    found = None if text is None else known_object(schema, text, MEANING, Readings(), None)
    if not isinstance(found, Asked):
        return None
    reader = read(schema)
    nodes = reader.members()
    return None if nodes is None else found.of_parts(nodes, 1 + reader.n_read)


def meaning(value: Object) -> tuple[Any, ...]:
    free = value.free if value.free is not None and GOALS.satisfiable(value.free) else None
    return value.names, value.required, free, value.fewest, value.most, value.in_order, value.extra, value.patterns


def accepts(grammar: Grammar, text: str) -> bool:
    matcher = grammar.matcher()
    return matcher.accept_bytes(text.encode()) and matcher.is_complete()


@given(st.lists(ROOTS, min_size=2, max_size=4))
@settings(derandomize=True, deadline=None, max_examples=300, suppress_health_check=list(HealthCheck))
def test_what_is_known_is_what_would_be_read(roots: list[Any]) -> None:
    roots = [marshal.loads(marshal.dumps(root, NO_SHARING)) for root in roots]  # no schema stands in two places
    assert_is_read(roots[-1], known_once_read(roots[-1]))
    for schema in roots[:-1]:
        try:
            read(schema).read()
        except GrammarError:
            continue
    assert_is_read(roots[-1], known_alone(roots[-1]))


def assert_is_read(schema: Any, known: Known | None) -> None:
    """What is known of a document, if anything, is what is read of it."""
    if known is None:
        return
    reader = read(schema)
    node = reader.read()
    assert node.goal is not None and GOALS.satisfiable(node.goal)
    *others, found = GOALS.values(node.goal)
    *known_others, residual = known.values
    assert isinstance(found, Object) and isinstance(residual, Object) and meaning(found) == meaning(residual)
    assert [*map(type, others)] == [*map(type, known_others)]
    assert has_free_names(node, reader) == known.is_open
    assert reader.n_read <= known.most_read


def outcome(compiler: Compiler, schema: Any, **options: Any) -> Grammar | tuple[Any, ...]:
    """A grammar, or what the error says."""
    try:
        return compiler.json_schema(schema, **options)
    except GrammarError as error:
        return type(error), error.pointer, error.keyword, error.reason


def assert_same_texts(one: Grammar, two: Grammar, dice: random.Random) -> None:
    """The same masks along a walk."""
    matchers = one.matcher(), two.matcher()
    masks = allocate_bitmask(2, len(one.vocabulary))
    for _ in range(16):
        for row, matcher in enumerate(matchers):
            matcher.fill_bitmask(masks, row)
        assert np.array_equal(masks[0], masks[1])
        allowed = np.flatnonzero(np.unpackbits(masks[0].view(np.uint8), bitorder="little"))
        if not len(allowed):
            break
        token = int(dice.choice(allowed.tolist()))
        assert all(matcher.accept(token) for matcher in matchers)


def any_root(dice: random.Random) -> dict[str, Any]:
    root = {
        "properties": {dice.choice(NAMES[:4]): dice.choice(ALL_MEMBERS) for _ in range(dice.randint(1, 3))},
        "$defs": {"d": dice.choice([TEXT, COUNT, NODES, {"$id": "http://x/w", **NODES}])},
        "type": dice.choice(["object", "object", ["array", "object"], ["object", "integer"]]),
        "required": dice.sample(["a", "b", "e"], dice.randint(0, 2)),
        "additionalProperties": dice.choice([True, False]),
        "$schema": f"http://json-schema.org/draft-0{dice.choice([4, 7])}/schema#",
        "$id": dice.choice(["http://x/z", "http://x/y"]),
    }
    often = {"properties": 1.0, "$defs": 1.0, "type": 0.8}
    return {keyword: value for keyword, value in root.items() if dice.random() < often.get(keyword, 0.3)}


@pytest.mark.parametrize("seed", range(2))
def test_a_changed_document_means_what_it_means_alone(vocabulary: Vocabulary, seed: int) -> None:
    compiler, dice, n_known = Compiler(vocabulary, cache_dir=False), random.Random(seed), 0
    for _ in range(300):
        root, other = (json.loads(json.dumps(any_root(dice))) for _ in "12")  # no schema stands in two places
        options = dice.choice(WAYS)
        keyword = dice.choice(["properties"] * 4 + ["$defs", "$id", "$schema", "required", "additionalProperties"])
        changed = {**root, keyword: other.get(keyword, root.get(keyword))}
        if keyword == "properties":
            changed[keyword] = {**root[keyword], **other[keyword]}
        outcome(compiler, root, **options)
        found = outcome(compiler, changed, **options)
        alone = outcome(compiler, changed, remotes={"urn:of-no-use": True}, **options)  # which is read
        if isinstance(found, Grammar) and isinstance(alone, Grammar):
            assert_same_texts(found, alone, dice)
            assert found.explain() == alone.explain()
            n_known += found.keeps > 0
        else:
            assert found == alone
    assert n_known > 5


UNIQUE = {"type": "array", "items": {"type": "integer"}, "uniqueItems": True}
TREE = {"type": "object", "properties": {"below": {"type": "array", "items": {"$ref": "#/$defs/d"}}}}


def test_nobody_may_have_asked_whether_a_member_is_open(vocabulary: Vocabulary) -> None:
    compiler = Compiler(vocabulary, cache_dir=False)
    member = {"type": "object", "properties": {"only here": {"type": "null"}}}
    both = {"type": "object", "properties": {"a": member, "b": TEXT}}
    assert compiler.json_schema(both).has_free_names  # the root alone says so
    closed = {**both, "additionalProperties": False}
    assert compiler.json_schema(closed).has_free_names
    assert not accepts(compiler.json_schema(closed), '{"a": {"x": 1, "x": 2}}')
    shut = {**closed, "properties": {"b": TEXT}}
    assert not compiler.json_schema(shut).has_free_names


def test_documents_without_goals_of_their_own_weigh_little(vocabulary: Vocabulary) -> None:
    def compiled(member: Any) -> list[Grammar]:
        return [compiler.json_schema({"type": "object", "properties": {f"{k}": member}}) for k in range(200)]

    compiler = Compiler(vocabulary, cache_dir=False, limits=Limits(cache_bytes=16 << 20))
    kept = compiled(TEXT)
    assert all(grammar.is_shared for grammar in kept)
    assert all(known is again for known, again in zip(kept, compiled(TEXT), strict=True))
    read = compiled(UNIQUE)
    assert not any(grammar.is_shared for grammar in read)
    assert sum(grammar in read for grammar in compiler._grammars.values()) < 50


def test_members_of_a_document_that_was_read_are_known_as_long_as_it_is_kept(vocabulary: Vocabulary) -> None:
    compiler = Compiler(vocabulary, cache_dir=False, limits=Limits(cache_bytes=1 << 28))
    schema = {"type": "object", "properties": {"a": UNIQUE, "t": REFERS}, "$defs": {"d": TREE}}
    text = {**schema, "properties": {**schema["properties"], "x": TEXT}}
    read = compiler.json_schema(schema)
    known = compiler.json_schema(text)
    assert read.keeps == 0 and known.keeps > 0
    for _ in range(2):
        assert accepts(known, '{"t": {"below": [{"below": []}]}, "a": [1, 2], "x": "y"}')
        assert not accepts(known, '{"a": [1, 1]}') and not accepts(known, '{"x": 1}')
        compiler.arenas.renew(compiler.arenas.current)
    for change in ({"properties": {"b": UNIQUE}}, {"$defs": {"d": {**TREE, "title": "t"}}}, {"$id": "http://x/y"}):
        assert compiler.json_schema({**schema, **change}).keeps == 0
    assert compiler.json_schema(text, order="any").keeps == 0
    readings = compiler._json.readings
    assert len(readings._tables) > 0
    compiler._grammars, read, known = Recent(1), None, None  # type: ignore[assignment]
    gc.collect()
    assert len(readings._tables) == 0


def spoil(value: Any) -> None:
    """Empty all containers of a document."""
    if isinstance(value, dict | list):
        for inner in [*value.values()] if isinstance(value, dict) else [*value]:
            spoil(inner)
        value.clear()


def differing(n: int) -> dict[str, Any]:
    """An array of objects that differ, and that none of has a number."""
    q = {"type": "object", "properties": {"q": {"not": {"const": n}}}, "required": ["q"], "additionalProperties": False}
    return {"type": "array", "items": q, "uniqueItems": True}


def test_goals_that_generation_gets_to_late_are_those_of_the_document_that_was_compiled(compiler: Compiler) -> None:
    late = {"type": "object", "properties": {"x": differing(1), "y": differing(2)}}
    schema = {"type": "object", "properties": {"late": late}}
    more = {**schema, "properties": {"late": json.loads(json.dumps(late)), "more": TEXT}}
    grammars = [compiler.json_schema(schema)]
    spoil(schema)
    grammars.append(compiler.json_schema(more))
    assert grammars[1].keeps > 0
    for grammar in grammars:
        assert accepts(grammar, '{"late": {"x": [{"q": 2}, {"q": 3}], "y": [{"q": 1}, {"q": 3}]}}')
        for name, q in (("x", 1), ("y", 2)):
            assert not accepts(grammar, f'{{"late": {{"{name}": [{{"q": 3}}, {{"q": {q}}}]}}}}')
            assert not accepts(grammar, f'{{"late": {{"{name}": [{{"q": 3}}, {{"q": 3}}]}}}}')


@pytest.mark.parametrize("seed", range(2))
def test_what_the_caller_does_to_a_document_afterwards_changes_none(vocabulary: Vocabulary, seed: int) -> None:
    dice = random.Random(seed)
    compiler, apart = (Compiler(vocabulary, cache_dir=False) for _ in "12")
    n_known = 0
    for _ in range(60):
        root = any_root(dice)
        root["properties"]["late"] = {"type": "object", "properties": {"x": differing(dice.randint(1, 3)), "y": REFERS}}
        text, options = json.dumps(root), dice.choice(WAYS)
        mine = json.loads(text)
        found, alone = outcome(compiler, mine, **options), outcome(apart, json.loads(text), **options)
        spoil(mine)
        assert isinstance(found, Grammar) == isinstance(alone, Grammar)
        if isinstance(found, Grammar) and isinstance(alone, Grammar):
            for _ in range(3):
                assert_same_texts(found, alone, dice)
            root["properties"]["one more"] = TEXT
            more = outcome(compiler, root, **options)
            assert isinstance(more, Grammar)
            n_known += more.keeps > 0
            assert_same_texts(more, apart.json_schema(root, remotes={"urn:of-no-use": True}, **options), dice)
    assert n_known > 10


def test_a_closed_document_is_told_from_its_text() -> None:
    part = {"type": "array", "items": {"type": "string", "maxLength": 54_321}, "maxItems": 7}
    text = json.dumps({"properties": {"a": {"allOf": [{"not": TEXT}, part]}, "b/~": {"not": {"minLength": 3}}}})
    schema = json.loads(text)
    reader = read(schema)
    reader.read()
    shared = next(inner for node in reader.nodes() for inner in node.all_of if inner.goal is not None)
    places = [node.place for node in reader.nodes()]
    before = [json.dumps(place.schema) for place in places], reader.pointer(shared)
    reader.document.close()
    spoil(schema)
    assert ([json.dumps(reader.document.schema_of(place)) for place in places], reader.pointer(shared)) == before
    assert before[1] == "/properties/a/allOf/1" and json.dumps(reader.document.again) == text


KEYWORDS = st.sampled_from(["properties", "$defs", "definitions", "a"])
SCALARS = st.sampled_from([None, True, 1, 1.0, -0.0, "a", "\ud800", float("inf")])


@given(st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(KEYWORDS, inner)))
@settings(derandomize=True, deadline=None)
def test_documents_come_back_from_their_text(value: Any) -> None:
    text = spelled(value)
    assert text is not None and repr(text.value()) == repr(value)
    assert spelled(text.value()) == text


def test_texts_tell_documents_apart() -> None:
    held: list[Any] = [None, {}, [], (), {"a": 1}, {"a": 1.0}, {"a": True}, ["a"], ("a",), {"a": {}, "b": {}}]
    roots: list[dict[str, Any]] = [{}]
    for keyword in ("properties", "$defs", "definitions"):
        roots += [{**root, keyword: value} for root in roots for value in held]
    texts = {repr(root): spelled(root) for root in roots}
    assert len({*texts.values()}) == len(texts) == 11**3 and None not in texts.values()
    assert spelled({"b": 1, "a": 2}) != spelled({"a": 2, "b": 1})


class Mapping(dict):  # type: ignore[type-arg]
    pass


class Text(str):
    pass


@pytest.mark.parametrize(
    "member", [Mapping(TEXT), {"const": Text("x")}, {Text("type"): "string"}, {"maximum": Decimal(5)}]
)
@pytest.mark.parametrize("place", ["properties", "$defs", "definitions", "default"])
def test_subclasses_are_no_plain_values(place: str, member: Any) -> None:
    assert spelled({place: {"a": member}}) is None and spelled({place: member}) is None
    assert spelled(Mapping()) is None and spelled({Text("properties"): {}}) is None


def test_a_plain_object_is_known_once_its_members_are_read() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "maxLength": 55_555}, "b": COUNT}}
    assert known_once_read(schema | {"required": ["a"]}) is not None
    assert known_once_read(schema | {"properties": {"a": {"not": TEXT}}}) is None
    assert known_once_read(schema | {"properties": {"a": False}}) is None
    assert known_once_read(schema | {"additionalProperties": False, "required": ["c"]}) is None


def test_a_document_that_shares_all_members_is_known() -> None:
    first = {"type": "object", "properties": {f"known{k}": member for k, member in enumerate(MEMBERS[:10])}}
    read(first).read()
    names = {name: member for k, member in enumerate(MEMBERS[:10]) for name in (f"other{k}", f"more{k}")}
    for more in ({}, {"required": ["other3"]}, {"additionalProperties": False, "$id": "urn:x", "title": "T"}):
        assert isinstance(known_alone({"type": "object", "properties": names, **more}), Known)


@pytest.mark.parametrize(
    "change",
    [
        {"type": ["integer", "object"]},
        {"type": None},
        {"type": ["string"]},
        {"minProperties": 1},
        {"required": ["b"], "additionalProperties": False},
        {"required": [5]},
        {"required": True},
        {"additionalProperties": TEXT},
        {"additionalProperties": None},
        {"properties": {"a": TEXT, "b": {"type": "string", "maxLength": 123_456}}},
        {"properties": {"a": TEXT, "\ud800": TEXT}},
        {"$schema": "http://json-schema.org/draft-07/schema#"},  # nobody has said that there
        {"$schema": "http://example.com/of-my-own"},
        {"$ref": "#/$defs/a"},
    ],
)
def test_what_is_unknown_or_more_than_a_plain_object_is_read(change: Any) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "maxLength": 4_321}}, "$defs": {"a": {}}}
    read(schema).read()
    assert known_alone(schema) is not None
    assert known_alone(schema | change) is None


def test_references_are_known_beside_the_same_definitions_only() -> None:
    texts = {"type": "object", "properties": {"a": REFERS}, "$defs": {"d": {"maxLength": 31}}}
    read(texts).read()
    more = {"type": "object", "properties": {"b": REFERS}, "required": ["b"]}
    assert known_alone({**more, "$defs": {"d": {"maxLength": 31}}}) is not None
    assert known_alone({**more, "$defs": {"d": {"maxLength": 32}}}) is None
    assert known_alone(more) is None


def test_references_to_anything_else_are_not_known_by_text() -> None:
    schema = {"type": "object", "properties": {"far": {"$ref": "#/properties/b"}, "b": {"minLength": 77}}, "$defs": {}}
    read(schema).read()
    other = {"type": "object", "properties": {"far": {"$ref": "#/properties/b"}}, "$defs": {}}
    assert known_alone(other) is None
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
        compiler.arenas.renew(compiler.arenas.current)


def test_formats_that_constrain_nothing_are_told_wherever_they_stand(vocabulary: Vocabulary) -> None:
    """Also where another document has said the same: in members that are known, in parts, and beside what is none."""
    compiler = Compiler(vocabulary, cache_dir=False)
    odd, port = {"type": "string", "format": "odd"}, {"type": "integer", "format": "int32"}
    members = {"a": odd, "b": {"type": "array", "items": port}}
    found = [("/properties/a", "odd"), ("/properties/b/items", "int32")]
    for more, others in (
        ({}, []),
        ({"c": port}, [("/properties/c", "int32")]),
        ({"d": {"not": odd, "type": "string"}}, [("/properties/d/not", "odd")]),
        ({"e": {"minimum": Decimal(1)}}, []),  # not among plain JSON values
        ({"f": {"type": "string", "format": "date"}}, []),
    ):
        schema = {"type": "object", "properties": {**members, **more}, "required": ["a"]}
        for options in ({}, {"order": "any"}, {"remotes": {"urn:of-no-use": True}}):
            if more.keys() == {"d"}:
                with pytest.raises(Unsatisfiable):
                    compiler.json_schema({**schema, "required": ["d"]}, **options)
            grammar = compiler.json_schema(schema, **options)
            assert sorted(grammar.explain()["annotations"]) == found + others
            assert accepts(grammar, '{"a": "x", "b": [12]}') and not accepts(grammar, '{"a": 1}')
    nothing = compiler.json_schema({**schema, "properties": members | more}, format_assertion=False)
    assert sorted(nothing.explain()["annotations"]) == [*found, ("/properties/f", "date")]
    assert accepts(nothing, '{"a": "x", "f": "y"}') and not accepts(grammar, '{"a": "x", "f": "y"}')


def test_limits_hold_for_what_is_known(vocabulary: Vocabulary) -> None:
    schema = {"type": "object", "properties": {f"p{k}": TEXT for k in range(9)}}
    Compiler(vocabulary).json_schema(schema)
    small = Compiler(vocabulary, limits=Limits(max_nodes=5))
    with pytest.raises(GrammarError, match="max_nodes"):
        small.json_schema(schema)
