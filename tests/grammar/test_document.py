"""Where references lead: one small example per rule, scopes against the jsonschema library, and errors."""

from __future__ import annotations

import copy
import json
import random
import subprocess
import sys
from typing import Any

import jsonschema
import pytest
import referencing
import referencing.jsonschema

from detent.grammar.errors import GrammarError
from detent.grammar.json_schema.dialects import DIALECTS, metaschema
from detent.grammar.json_schema.document import Document, join
from detent.grammar.json_schema.goals import Goals
from detent.grammar.json_schema.nodes import Node
from detent.grammar.json_schema.reader import Reader

URI = {dialect.draft: uri for uri, dialect in DIALECTS.items()}
WORD, COUNT = {"type": "string"}, {"type": "integer"}


class Checker:
    """A schema as nodes, asked about values."""

    def __init__(self, schema: Any, draft: int = 2020, **options: Any) -> None:
        remotes = options.pop("remotes", None)
        if isinstance(schema, dict):
            schema = {"$schema": URI[draft], **schema}
        self.reader = Reader(Document(schema, remotes), **options)
        self.root: Node = self.reader.read()
        self._goals = Goals(self.reader, max_branches=100, max_depth=100)

    def __call__(self, value: Any) -> bool:
        goals = self._goals
        return goals.satisfiable(goals.goal_of(goals.formulas.all((goals.value_of(self.root), goals.constant(value)))))


def leads_to_words(schema: Any, draft: int = 2020, **options: Any) -> bool:
    """Whether the property ``p`` of a schema holds strings (else: integers)."""
    check = Checker(schema, draft, **options)
    assert check({"p": "w"}) != check({"p": 1})
    return check({"p": "w"})


def message(schema: Any, draft: int = 2020, **options: Any) -> str:
    with pytest.raises(GrammarError) as caught:
        Checker(schema, draft, **options)
    return str(caught.value)


# -------------------------------------------------------------------------------------------------------- pointers
@pytest.mark.parametrize(
    "ref",
    [
        "#/$defs/a~1b",
        "#/$defs/c~0d",
        "#/$defs/e%25f",
        "#/$defs/g%22h",
        "#%2F%24defs%2Fa~1b",
        "#/$defs/list/prefixItems/1",
        "#/$defs//$defs/",
        "#/x-unknown/0/deep",
    ],
)
def test_pointers(ref: str) -> None:
    definitions = dict.fromkeys(("a/b", "c~d", "e%f", 'g"h'), WORD)
    nested = {"list": {"prefixItems": [COUNT, WORD]}, "": {"$defs": {"": WORD}}}
    schema = {"properties": {"p": {"$ref": ref}}, "$defs": definitions | nested, "x-unknown": [{"deep": WORD}]}
    assert leads_to_words(schema)


@pytest.mark.parametrize(
    "ref", ["#/$defs/no", "#/$defs/list/01", "#/$defs/list/-1", "#/$defs/list/2", "#/$defs/w/type/0"]
)
def test_pointers_at_nothing(ref: str) -> None:
    schema = {"properties": {"p": {"$ref": ref}}, "$defs": {"list": [WORD, WORD], "w": WORD}}
    assert message(schema) == f"at /properties/p ($ref): {ref} points at nothing."


def test_a_pointer_must_lead_to_a_schema() -> None:
    assert message({"$ref": "#/title", "title": "x"}) == "at /title: a schema is an object or a boolean, not 'x'."


def test_errors_below_a_named_resource_tell_the_place_in_the_document() -> None:
    inner = {"$id": "http://x.org/inner", "properties": {"q": {"$ref": "#/$defs/d"}}, "$defs": {"d": {"type": "no"}}}
    assert message({"properties": {"p": inner}}).startswith("at /properties/p/$defs/d (type)")


def test_siblings_of_a_reference() -> None:
    schema = {
        "properties": {"p": {"$ref": "#/definitions/d", "type": "string"}},
        "definitions": {"d": {"maxLength": 1}},
    }
    for draft in URI:
        check = Checker(schema, draft)
        assert not check({"p": "ab"})
        assert check({"p": 1}) == (draft <= 7)


def test_a_property_named_like_a_keyword() -> None:
    check = Checker({"properties": {"$ref": WORD, "$id": WORD, "$schema": COUNT, "$anchor": WORD}})
    assert check({"$ref": "#/nowhere", "$id": "x", "$schema": 1})
    assert not check({"$ref": 1})


# ----------------------------------------------------------------------------------------------------- identifiers
@pytest.mark.parametrize("draft", URI)
def test_identifiers_change_the_base(draft: int) -> None:
    own = "id" if draft == 4 else "$id"
    schema = {
        own: "http://x.org/a/root",
        "properties": {
            "p": {"allOf": [{"$ref": "b/c"}, {"$ref": "http://x.org/a/b/c#"}, {"$ref": "/a/b/c#/definitions/d"}]}
        },
        "definitions": {
            "folder": {own: "b/", "not-a-keyword": {}, "allOf": [{own: "c", **WORD, "definitions": {"d": WORD}}]}
        },
    }
    assert leads_to_words(schema, draft)


@pytest.mark.parametrize("draft", [4, 6, 7])
def test_anchors_by_identifier(draft: int) -> None:
    own = "id" if draft == 4 else "$id"
    definitions = {"a": {own: "#here", **WORD}, "b": {own: "http://x.org/b#there", **WORD}}
    for ref in ("#here", "http://x.org/b#there", "http://x.org/b"):
        assert leads_to_words({"properties": {"p": {"$ref": ref}}, "definitions": definitions}, draft)
    assert "#here is not an anchor" in message({"$ref": "#here", "$defs": definitions}, 2020)


@pytest.mark.parametrize("draft", [6, 7, 2019, 2020])
def test_an_identifier_beside_a_reference(draft: int) -> None:
    schema = {
        "$id": "http://x.org/root",
        "properties": {"p": {"$id": "http://y.org/", "$ref": "d"}},
        "definitions": {"x": {"$id": "http://x.org/d", **WORD}, "y": {"$id": "http://y.org/d", **COUNT}},
    }
    assert leads_to_words(schema, draft) == (draft <= 7)


def test_what_is_no_identifier() -> None:
    data = {"$id": "http://x.org/d", "$anchor": "d", **COUNT}
    for keyword, value in (("enum", [data]), ("const", data), ("x-unknown", data), ("examples", [data])):
        outside = {"properties": {"q": {keyword: value}}, "$defs": {"d": {"$id": "http://x.org/d", **WORD}}}
        assert leads_to_words({**outside, "properties": {"p": {"$ref": "http://x.org/d"}, **outside["properties"]}})
        assert "#d is not an anchor" in message({"$ref": "#d", keyword: value})


def test_an_identifier_under_an_unknown_keyword_counts_once_a_pointer_leads_there() -> None:
    stray = {"$id": "http://x.org/stray", "$ref": "#d", "$defs": {"d": {"$anchor": "d", **WORD}}}
    schema = {"properties": {"p": {"$ref": "#/x-unknown/a"}}, "x-unknown": {"a": stray}}
    assert leads_to_words(schema)
    assert "names http://x.org/stray" in message({"$ref": "http://x.org/stray", "x-unknown": stray})


@pytest.mark.parametrize(
    "name", ["urn:uuid:deadbeef-1234-ffff-ffff-4321feebdaed", "urn:example:a?=q", "tag:x.org,2024:a"]
)
def test_identifiers_of_any_scheme(name: str) -> None:
    schema = {
        "$id": name,
        "properties": {
            "p": {"allOf": [{"$ref": "#/$defs/d"}, {"$ref": f"{name}#/$defs/d"}, {"$ref": "#a"}, {"$ref": f"{name}#a"}]}
        },
        "$defs": {"d": {"$anchor": "a", **WORD}},
    }
    assert leads_to_words(schema)


@pytest.mark.parametrize(
    ("base", "ref", "joined"),
    [
        ("http://x.org/a/b", "../c?q", "http://x.org/c?q"),
        ("x-own://h/a/b", "../c?q", "x-own://h/c?q"),
        ("x-own://h/a/b", "urn:z", "urn:z"),
        ("file:///a/b", "c", "file:///a/c"),
        ("urn:a:b", "#c", "urn:a:b#c"),
        ("", "a/b", "a/b"),
        ("a/b", "", "a/b"),
    ],
)
def test_join(base: str, ref: str, joined: str) -> None:
    assert join(base, ref) == joined


def test_anchors_belong_to_their_resource() -> None:
    inner = {"$id": "http://x.org/inner", "$defs": {"d": {"$anchor": "a", **WORD}}}
    schema = {
        "properties": {"p": {"$ref": "http://x.org/inner#a"}},
        "$defs": {"inner": inner, "d": {"$anchor": "a", **COUNT}},
    }
    assert leads_to_words(schema)
    assert leads_to_words({**schema, "properties": {"p": {"$ref": "#a"}}}) is False


# --------------------------------------------------------------------------------------------------------- remotes
def test_remotes() -> None:
    remotes = {
        "http://x.org/a#": {"$id": "http://y.org/own", "$ref": "other", "$defs": {"d": {"$id": "nested", **WORD}}},
        "http://y.org/other": {"$anchor": "top", **WORD},
    }
    for ref in (
        "http://x.org/a",
        "http://y.org/other#top",
        "http://y.org/own",
        "http://y.org/nested",
        "http://x.org/a#/$defs/d",
    ):
        assert leads_to_words({"properties": {"p": {"$ref": ref}}}, remotes=remotes)


def test_a_remote_of_another_draft() -> None:
    old = {"$schema": URI[7], "$ref": "#/definitions/d", "maxLength": 1, "definitions": {"d": WORD}}
    assert Checker({"$ref": "http://x.org/old"}, remotes={"http://x.org/old": old})("ab")
    del old["$schema"]
    assert not Checker({"$ref": "http://x.org/old"}, remotes={"http://x.org/old": old})("ab")


def test_errors_in_remotes_name_their_uri() -> None:
    remotes = {"http://x.org/a": {"$defs": {"d": {"type": "no"}}}}
    assert message({"$ref": "http://x.org/a#/$defs/d"}, remotes=remotes).startswith("at http://x.org/a#/$defs/d (type)")


def test_an_absent_remote() -> None:
    text = message({"$id": "http://x.org/a", "properties": {"p": {"$ref": "b#c"}}})
    assert text == (
        "at /properties/p ($ref): 'b#c' names http://x.org/b, which is not here, and nothing is fetched. "
        "Pass it as remotes={'http://x.org/b': schema}."
    )


# ---------------------------------------------------------------------------------------------------- meta-schemas
@pytest.mark.parametrize("draft", URI)
def test_metaschemas_are_built_in(draft: int) -> None:
    for ref in (URI[draft], URI[draft] + "#"):
        check = Checker({"$ref": ref}, draft, strict=False, format_assertion=False)
        assert check({"properties": {"a": {"items": {"minLength": 1}}}})
        assert not check({"properties": {"a": {"items": {"minLength": "1"}}}})


def test_a_metaschema_with_its_formats() -> None:
    """``propertyNames`` with the format ``regex`` is an automaton of more than 10,000 states."""
    check = Checker({"$ref": URI[2020]}, 2020)
    assert check({"patternProperties": {"^(a|b)+$": {"pattern": "[a-z]"}}})
    assert not check({"patternProperties": {"^(a|b+$": True}})
    assert not check({"pattern": "[a-"})


def test_metaschemas_of_other_drafts_are_not() -> None:
    assert metaschema("http://json-schema.org/draft-03/schema") is None
    assert "Pass it as remotes" in message({"$ref": "http://json-schema.org/draft-03/schema"})


def test_metaschemas_are_read_on_demand() -> None:
    code = "import sys, detent, detent.grammar.json_schema; assert 'jsonschema_specifications' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


# ---------------------------------------------------------------------------------------------------- vocabularies
def custom(draft: int, *vocabularies: str, schema: str | None = None, **more: bool) -> dict[str, Any]:
    """Remotes with a meta-schema that lists some vocabularies."""
    base = URI[draft].removesuffix("schema") + "vocab/"
    listed = {base + name: True for name in ("core", *vocabularies)} | more
    return {"http://x.org/meta": {"$schema": schema or URI[draft], "$vocabulary": listed}}


@pytest.mark.parametrize("draft", [2019, 2020])
def test_vocabularies_that_are_not_listed_say_nothing(draft: int) -> None:
    schema = {"$schema": "http://x.org/meta#", "properties": {"p": {"minimum": 5}, "q": False}}
    check = Checker(schema, remotes=custom(draft, "applicator"))
    assert check({"p": 1})
    assert not check({"q": 1})
    check = Checker(schema, remotes=custom(draft, "validation"))
    assert check({"q": 1})
    assert not Checker(schema, remotes=custom(draft, "applicator", "validation"))({"p": 1})


def test_a_metaschema_without_vocabularies_is_read_as_its_own_draft() -> None:
    schema = {"$schema": "http://x.org/meta", "$ref": "#/definitions/d", "type": "null", "definitions": {"d": WORD}}
    assert Checker(schema, remotes={"http://x.org/meta": {"$schema": URI[7]}})("a")
    nested = {"http://x.org/meta": {"$schema": "http://x.org/m2"}, "http://x.org/m2": {"$schema": URI[7]}}
    assert Checker(schema, remotes=nested)("a")
    assert not Checker(schema, remotes={"http://x.org/meta": {"$schema": "http://x.org/meta"}})("a")


def test_the_dialect_of_one_resource_alone() -> None:
    free = {"$schema": "http://x.org/meta", "$id": "http://x.org/free", "minimum": 5}
    check = Checker(
        {"properties": {"p": {"$ref": "free"}, "q": {"minimum": 5}}, "$id": "http://x.org/", "$defs": {"f": free}},
        remotes=custom(2020),
    )
    assert check({"p": 1})
    assert not check({"q": 1})


def test_unknown_vocabularies() -> None:
    schema = {"properties": {"p": {"$schema": "http://x.org/meta", "$ref": "#/$defs/d"}}, "$defs": {"d": WORD}}
    assert leads_to_words(schema, remotes=custom(2020, **{"http://x.org/v": False}))
    assert message(schema, remotes=custom(2020, **{"http://x.org/v": True})) == (
        "at /properties/p ($schema): http://x.org/meta requires the vocabulary http://x.org/v, which is not known."
    )


def test_format_as_a_vocabulary() -> None:
    schema = {"$schema": "http://x.org/meta", "format": "date"}
    assert not Checker(schema, remotes=custom(2020, "format-assertion"), format_assertion=False)("x")
    assert Checker(schema, remotes=custom(2020, "format-annotation"), format_assertion=False)("x")
    assert Checker(schema, remotes=custom(2020), format_assertion=True)("x")


def test_an_unknown_dialect_is_read_as_the_latest_and_listed() -> None:
    schema = {"$schema": "http://x.org/nowhere", "prefixItems": [WORD]}
    check = Checker(schema)
    assert not check([1])
    assert check.reader.annotations == [("", "http://x.org/nowhere")]


# -------------------------------------------------------------------------------------------------- dynamic scopes
def tree(draft: int, **root: Any) -> dict[str, Any]:
    """A resource whose nodes hold nodes, and one that extends it."""
    ref = {"$recursiveRef": "#"} if draft == 2019 else {"$dynamicRef": "#node"}
    anchor = {"$recursiveAnchor": True} if draft == 2019 else {"$dynamicAnchor": "node"}
    inner = {"$id": "tree", **anchor, "type": "object", "properties": {"data": True, "child": ref}}
    return {"$id": "http://x.org/strict", **anchor, "$ref": "tree", "required": ["data"], "$defs": {"t": inner}, **root}


@pytest.mark.parametrize("draft", [2019, 2020])
def test_the_outermost_resource_decides(draft: int) -> None:
    check = Checker(tree(draft), draft)
    assert check({"data": 1, "child": {"data": 2}})
    assert not check({"data": 1, "child": {}})
    assert len(check.reader.nodes()) == 3


@pytest.mark.parametrize(
    ("draft", "plain"),
    [
        (2020, {"$anchor": "node", "$dynamicAnchor": "other"}),
        (2019, {"$recursiveAnchor": False}),
        (2020, {}),
        (2019, {}),
    ],
)
def test_an_outer_resource_that_does_not_take_part(draft: int, plain: dict[str, Any]) -> None:
    schema = tree(draft)
    for name in ("$dynamicAnchor", "$recursiveAnchor"):
        schema.pop(name, None)
    check = Checker(schema | plain, draft)
    assert check({"data": 1, "child": {}})
    assert not check({"data": 1, "child": 1})


@pytest.mark.parametrize("anchor", [{"$anchor": "node"}, {"$anchor": "node", "$dynamicAnchor": "other"}])
def test_a_dynamic_reference_that_starts_at_a_plain_anchor_is_a_reference(anchor: dict[str, Any]) -> None:
    schema = tree(2020)
    del schema["$defs"]["t"]["$dynamicAnchor"]
    schema["$defs"]["t"] |= anchor
    check = Checker(schema)
    assert check({"data": 1, "child": {}})
    assert not check({"data": 1, "child": 1})


def test_a_dynamic_reference_by_pointer_is_a_reference() -> None:
    schema = tree(2020)
    schema["$defs"]["t"]["properties"]["child"] = {"$dynamicRef": "#"}
    assert Checker(schema)({"data": 1, "child": {}})


def test_a_dynamic_reference_into_another_resource() -> None:
    other = {"$id": "http://x.org/other", "$defs": {"d": {"$dynamicAnchor": "d", **COUNT}}}
    schema = {"properties": {"p": {"$dynamicRef": "http://x.org/other#d"}}, "$defs": {"o": other}}
    assert not leads_to_words(schema)
    schema["$defs"]["d"] = {"$dynamicAnchor": "d", **WORD}
    assert leads_to_words(schema)


def test_a_pointer_across_resources_enters_only_the_last() -> None:
    middle = {"$id": "bar", "$defs": {"item": {"$id": "item", "properties": {"p": {"$dynamicRef": "#c"}}}}}
    middle["$defs"]["c"] = {"$dynamicAnchor": "c", **COUNT}
    middle["$defs"]["item"]["$defs"] = {"c": {"$dynamicAnchor": "c", **WORD}}
    assert leads_to_words({"$id": "http://x.org/", "$ref": "bar#/$defs/item", "$defs": {"bar": middle}})
    assert not leads_to_words({"$id": "http://x.org/", "$ref": "bar", "$defs": {"bar": middle | {"$ref": "item"}}})


def test_scopes_enter_through_remotes() -> None:
    schema = tree(2020)
    remotes = {"http://x.org/tree": schema.pop("$defs")["t"]}
    check = Checker(schema, remotes=remotes)
    assert not check({"data": 1, "child": {}})


@pytest.mark.parametrize(("draft", "other"), [(2019, 2020), (2020, 2019)])
def test_each_draft_has_its_own_dynamic_references(draft: int, other: int) -> None:
    schema = tree(draft)
    schema["$defs"]["t"] = {**tree(other)["$defs"]["t"], "$schema": URI[other]}
    check = Checker(schema, draft)
    assert check({"data": 1, "child": {}})
    assert not check({"data": 1, "child": 1})
    foreign = {"$recursiveRef": "#/nowhere"} if draft == 2020 else {"$dynamicRef": "#nowhere"}
    assert Checker(foreign, draft)(1)


def test_one_schema_in_two_scopes() -> None:
    box = {"$id": "box", "properties": {"p": {"$dynamicRef": "#c"}}, "$defs": {"c": {"$dynamicAnchor": "c"}}}
    kinds = {
        name: {"$id": name, "$ref": "box", "$defs": {"c": {"$dynamicAnchor": "c", **kind}}}
        for name, kind in (("words", WORD), ("counts", COUNT))
    }
    schema = {
        "$id": "http://x.org/",
        "properties": {name: {"$ref": name} for name in kinds},
        "$defs": {"b": box, **kinds},
    }
    check = Checker(schema)
    assert check({"words": {"p": "a"}, "counts": {"p": 1}})
    assert not check({"words": {"p": 1}})
    assert not check({"counts": {"p": "a"}})


def test_a_recursive_anchor_counts_once_its_schema_was_entered() -> None:
    chain = {"$recursiveAnchor": True, "properties": {"p": {"$recursiveRef": "#"}}}
    inner = {"$id": "inner", **chain, "type": ["object", "string"]}
    outer = {"$id": "outer", **chain, "$ref": "inner", "type": ["object", "integer"], "$defs": {"d": {"$ref": "inner"}}}
    schema = {"$id": "http://x.org/", "$ref": "outer#/$defs/d", "$defs": {"i": inner, "o": outer}}
    assert leads_to_words(schema, 2019)
    check = Checker({**schema, "$ref": "outer"}, 2019)
    assert check({"p": {}}) and not check({"p": "w"}) and not check({"p": 1})


def test_a_recursive_reference_leads_to_the_root_alone() -> None:
    assert "is not a value" in message({"$recursiveRef": "#/$defs/a", "$defs": {"a": {}}}, 2019)


def random_resources(rng: random.Random, draft: int) -> list[dict[str, Any]]:
    """Three resources that refer to each other.

    Dynamic anchors stand at roots, and roots have identifiers: elsewhere the library loses the base URI of the target,
    or the outermost resource.
    """
    names = ["r0", "r1", "r2"]

    def leaf() -> dict[str, Any]:
        kind = rng.randrange(4)
        if kind == 0:
            return {"type": rng.choice(["string", "integer", "object"])}
        if kind == 1:
            return {"$ref": rng.choice(names) + ("" if draft == 2019 else rng.choice(["", "#/$defs/p", "#/$defs/q"]))}
        if draft == 2019:
            return {"$recursiveRef": "#"}
        return {"$dynamicRef": rng.choice(["", *names]) + "#" + rng.choice("ab")}

    def schema(depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {"additionalProperties": leaf()} if rng.random() < 0.3 else {}
        made["properties"] = {key: schema(0) if depth and rng.random() < 0.4 else leaf() for key in "xy"}
        return made | ({"anyOf": [leaf(), leaf()]} if rng.random() < 0.2 else {})

    def resource(name: str) -> dict[str, Any]:
        made = {"$schema": URI[draft], "$id": f"http://x.org/{name}", **schema(1)}
        if draft == 2019:
            return made | {"$recursiveAnchor": rng.random() < 0.7, "$defs": {}}
        plain, dynamic = rng.sample("ab", 2)
        return made | {"$dynamicAnchor": dynamic, "$defs": {"p": schema(0), "q": {"$anchor": plain, **schema(0)}}}

    return list(map(resource, names))


def by_name(resource: dict[str, Any]) -> dict[str, Any]:
    """A resource of 2019-09 in the terms of 2020-12: the library stops at resources between that take no part."""
    anchored = resource["$recursiveAnchor"]
    text = json.dumps(resource | {"$schema": URI[2020]})
    text = text.replace('"$recursiveRef": "#"', '"$dynamicRef": "#r"' if anchored else '"$ref": "#"')
    return json.loads(text) | ({"$dynamicAnchor": "r"} if anchored else {})


def random_value(rng: random.Random, depth: int) -> Any:
    if depth and rng.random() < 0.7:
        return {key: random_value(rng, depth - 1) for key in "xyz" if rng.random() < 0.6}
    return rng.choice([1, "s", {}])


@pytest.mark.parametrize("draft", [2019, 2020])
@pytest.mark.parametrize("embedded", [False, True])
def test_scopes_against_jsonschema(draft: int, embedded: bool) -> None:
    answers = []
    for seed in range(100):
        rng = random.Random(seed)
        resources = random_resources(rng, draft)
        root, *others = map(by_name, resources) if draft == 2019 else resources
        registered = [(other["$id"], referencing.jsonschema.DRAFT202012.create_resource(other)) for other in others]
        registry: Any = referencing.Registry().with_resources(registered)
        valid = jsonschema.Draft202012Validator(copy.deepcopy(root), registry=registry).is_valid
        root, *others = resources
        if embedded:
            root["$defs"] |= {other["$id"]: other for other in others}
        try:
            check = Checker(root, remotes={other["$id"]: other for other in others if not embedded})
        except GrammarError as error:
            assert "leads back" in error.reason
            continue
        for _ in range(5):
            value = random_value(rng, 4)
            answers.append(check(value))
            assert answers[-1] == valid(value), (seed, value)
    assert 50 < sum(answers) < len(answers) - 50


# --------------------------------------------------------------------------------------------------------- circles
@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {
            "$ref": "#/$defs/a",
            "$defs": {"a": {"allOf": [{"$ref": "#/$defs/b"}]}, "b": {"anyOf": [{"$ref": "#/$defs/a"}, True]}},
        },
        {"oneOf": [{"$ref": "#"}, {"type": "null"}]},
        {"$dynamicRef": "#a", "$dynamicAnchor": "a"},
        {"properties": {"p": {"$dynamicAnchor": "a", "allOf": [{"$dynamicRef": "#a"}]}}},
    ],
)
def test_circles_that_enter_no_value(schema: Any) -> None:
    assert "leads back to itself" in message(schema)


def test_a_circle_of_schemas_that_a_scope_ends() -> None:
    inner = {
        "$id": "in",
        "$ref": "#/$defs/turn",
        "$defs": {"turn": {"$dynamicRef": "#a"}, "d": {"$dynamicAnchor": "a"}},
    }
    outer = {"$id": "out", "$ref": "in#/$defs/turn", "$defs": {"d": {"$dynamicAnchor": "a", **WORD}}}
    inner["$defs"]["d"] |= {"$ref": "out"}
    schema = {"$id": "http://x.org/", "properties": {"p": {"$ref": "out"}}, "$defs": {"in": inner, "out": outer}}
    assert leads_to_words(schema)
    assert "leads back to itself" in message({**schema, "properties": {"p": {"$ref": "in"}}})
