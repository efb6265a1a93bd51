"""Hypothesis strategies: schemas, instances near them, and tokens that cut JSON in awkward places."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from detent.automata.vocabulary import Vocabulary

KEYS = ("a", "b", "ab", "id", "é", 'q"', "", "😀")
FREE_KEYS = ("x", "x1", "abc", "i", "ba", "\n", "ΩΩ")
PATTERNS = {
    "^a+b$": ("ab", "aab"),
    "^[a-z]{2,4}$": ("xy", "abcd"),
    "b": ("b", "abc", 'a"b'),
    "^(é|😀)*$": ("", "é😀"),
    "^\\d+(\\.\\d)?$": ("1", "20.5"),
    "^[^x]*$": ("", "ab\\", "/"),
}
KEY_PATTERNS = ("^x", "b$", "^[ai]", "é")
LETTERS = 'abxy1 "\\/\n\téß😀Ω'


PIECES = r"""
    {" "} "}, "} , } ]} }] ]] [[ [{ }, {} [] "" "," ":" ": ":" ":{" ":[ ", "], [" [", {"a {"a": "a": "ab":1 "id":
    a": b": ab": id": "a "b a","b "a","b" ":"a", ":1, 1,"b": 12 00 007 1.5 0.25 -1 -0 1e e1 e+ .5 0] 0} 1, ,1 ,-
    true false null tru alse ull true, null} "true nul :null ,null [null [true ab aab aa abc xx x1 x" \u \u00 \u0061
    \u00e9 \u00E9 \ud83d \ud83d\ude00 \ud \ude0 \u006 u0061 \n \" \\ \\" a\ \/b "\u \t" \x \ud800" é éé 😀 😀"
    é": "é "é": é😀 q\": "q\" ΩΩ "":1 "": {"": ","a":" "}]} }}} ]]] {{ "],"
    _ __ ^ ^__ ^____ ^> _{ _" ":_ ":_" ",_" ,_ :_ _} ^} _^ ~^ }_ ]_ 1_ {_"a" ^__} _"a":_ [_ [^__
"""
BLANKS = str.maketrans("_^~>", " \n\r\t")
SPLIT_CHARACTERS = """
    a9 9f98 9880 9f988022 61c3 22f09f eda0 c3a9c3 e282 a9223a fffe c0af
"""


def tokens(joined: int = 0) -> list[bytes | None]:
    """A small vocabulary: every byte, pieces of JSON and of its strings, repeats; the last three are no text.

    ``joined`` is the number of further tokens, each made of two others.
    """
    single = [bytes([b]) for b in range(256)]
    pieces = [piece.translate(BLANKS).encode() for piece in PIECES.split()] + [b" " * 41]
    pieces += [bytes.fromhex(digits) for digits in SPLIT_CHARACTERS.split()]
    rng = random.Random(joined)
    pairs = [rng.choice(pieces) + rng.choice([*pieces, *single[32:127]]) for _ in range(joined)]
    return [*single, *pieces, *pairs, b"a", b'"', b'":', b"1", b" ", b"{", None, None, b"pad"]


# ------------------------------------------------------------------------------------------------------------- schemas
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-20, 200),
    st.integers(-40, 40).map(lambda n: n / 4),
    st.sampled_from(("", "a", "ab", "true", "é😀", 'q"\\', "\n/", "1")),
)
NAMES = st.sampled_from(KEYS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(KEYS + FREE_KEYS), inner, max_size=2)
    ),
    max_leaves=3,
)


@st.composite
def _numbers(draw: Any) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": draw(st.sampled_from(("integer", "number")))}
    low = draw(st.integers(-30, 30))
    if draw(st.booleans()):
        schema[draw(st.sampled_from(("minimum", "exclusiveMinimum")))] = draw(st.sampled_from((low, low / 4)))
    if draw(st.booleans()):
        schema[draw(st.sampled_from(("maximum", "exclusiveMaximum")))] = low + draw(st.integers(1, 120))
    if draw(st.integers(0, 3)) == 0:
        schema["multipleOf"] = draw(st.sampled_from((2, 7, 0.5, 10)))
    return schema


@st.composite
def _strings(draw: Any) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    if draw(st.booleans()):
        schema["pattern"] = draw(st.sampled_from(tuple(PATTERNS)))
    if draw(st.booleans()):
        schema["minLength"] = draw(st.integers(0, 3))
    if draw(st.booleans()):
        schema["maxLength"] = schema.get("minLength", 0) + draw(st.integers(0, 4))
    return schema


@st.composite
def _objects(draw: Any, inner: st.SearchStrategy[Any]) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    if draw(st.booleans()):
        schema["type"] = "object"
    if names := draw(st.lists(NAMES, unique=True, max_size=4)):
        schema["properties"] = {name: draw(inner) for name in names}
    if required := draw(st.lists(st.sampled_from((*names, *KEYS[:3])), unique=True, max_size=3)):
        schema["required"] = required
    if draw(st.booleans()):
        schema["additionalProperties"] = draw(st.one_of(st.just(False), inner))
    if draw(st.integers(0, 3)) == 0:
        schema["patternProperties"] = {draw(st.sampled_from(KEY_PATTERNS)): draw(inner)}
    return schema


@st.composite
def _arrays(draw: Any, inner: st.SearchStrategy[Any]) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    if draw(st.booleans()):
        schema["type"] = "array"
    if draw(st.booleans()):
        schema["items"] = draw(inner)
    if draw(st.booleans()):
        schema["prefixItems"] = draw(st.lists(inner, min_size=1, max_size=3))
    if draw(st.booleans()):
        schema["minItems"] = draw(st.integers(0, 3))
    if draw(st.booleans()):
        schema["maxItems"] = schema.get("minItems", 0) + draw(st.integers(0, 2))
    return schema


TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")
_LEAVES = st.one_of(
    st.just(True),
    st.sampled_from(TYPES).map(lambda name: {"type": name}),
    st.lists(st.sampled_from(TYPES), min_size=1, max_size=3, unique=True).map(lambda names: {"type": names}),
    st.lists(VALUES, min_size=1, max_size=4, unique_by=lambda v: json.dumps(v, sort_keys=True)).map(
        lambda values: {"enum": values}
    ),
    VALUES.map(lambda value: {"const": value}),
    _numbers(),
    _strings(),
)
_REFERENCE = st.sampled_from(({"$ref": "#/$defs/one"}, {"$ref": "#/$defs/two"}))


def _tagged(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """``oneOf`` of objects that a required constant tells apart."""

    def union(bodies: list[Any]) -> dict[str, Any]:
        branches = [
            {"type": "object", "properties": {"id": {"const": k}, "b": body}, "required": ["id"]}
            for k, body in enumerate(bodies)
        ]
        return {"oneOf": branches}

    return st.lists(inner, min_size=2, max_size=3).map(union)


def _combined(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def combine(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        some = st.lists(inner, min_size=1, max_size=3)
        pair = st.lists(inner, min_size=2, max_size=2)
        return st.one_of(
            _objects(inner),
            _arrays(inner),
            some.map(lambda schemas: {"anyOf": schemas}),
            pair.map(lambda schemas: {"allOf": schemas}),
            st.tuples(_objects(inner), some).map(lambda both: {**both[0], "anyOf": both[1]}),
            _tagged(inner),
            st.tuples(_strings(), _numbers()).map(lambda both: {"oneOf": list(both)}),
        )

    return st.recursive(leaves, combine, max_leaves=8)


def _document(root: Any, one: Any, two: Any) -> Any:
    if "$ref" not in json.dumps(root) or isinstance(root, bool):
        return root
    return {**root, "$defs": {"one": one, "two": two}}


_WITH_REFERENCES = _combined(st.one_of(_LEAVES, _LEAVES, _REFERENCE))
_DEFINITIONS = st.one_of(_objects(st.one_of(_LEAVES, _REFERENCE)), _WITH_REFERENCES)
SCHEMAS = st.builds(_document, _WITH_REFERENCES, _DEFINITIONS, _DEFINITIONS)


# ----------------------------------------------------------------------------------------------------------- instances
@st.composite
def instances(draw: Callable[..., Any], schema: Any) -> Any:
    """Values that mostly meet a schema, and now and then nearly."""
    return _instance(draw, schema, schema, 0)


def _instance(draw: Callable[..., Any], schema: Any, root: Any, depth: int) -> Any:
    if isinstance(schema, bool) or depth > 6 or draw(st.integers(0, 19)) == 0:
        return draw(VALUES)
    schema = _merged(draw, schema, root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return draw(st.sampled_from(schema["enum"]))
    kinds = schema.get("type") or _kinds(schema)
    kind = kinds if isinstance(kinds, str) else draw(st.sampled_from(kinds))
    if kind == "object":
        return _object(draw, schema, root, depth)
    if kind == "array":
        prefix = schema.get("prefixItems", [])
        least = schema.get("minItems", 0)
        length = draw(st.integers(least, max(least, min(schema.get("maxItems", least + 3), least + 3))))
        goals = [prefix[k] if k < len(prefix) else schema.get("items", True) for k in range(length)]
        return [_instance(draw, goal, root, depth + 1) for goal in goals]
    if kind == "string":
        if "pattern" in schema:
            return draw(st.sampled_from(PATTERNS[schema["pattern"]]))
        least = schema.get("minLength", 0)
        most = max(least, schema.get("maxLength", least + 4))
        return draw(st.text(st.sampled_from(LETTERS), min_size=least, max_size=most))
    if kind in ("integer", "number"):
        low = int(schema.get("minimum", schema.get("exclusiveMinimum", -20)))
        high = int(schema.get("maximum", schema.get("exclusiveMaximum", low + 60)))
        number = draw(st.integers(low, max(low, high)))
        return number if kind == "integer" else number + draw(st.sampled_from((0, 0.25, 0.5)))
    return None if kind == "null" else draw(st.booleans())


def _merged(draw: Callable[..., Any], schema: dict[str, Any], root: Any) -> dict[str, Any]:
    """One way to meet references and combinators, as a single schema (roughly)."""
    schema = dict(schema)
    for _ in range(6):
        parts = schema.pop("allOf", [])
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                parts = [*parts, draw(st.sampled_from(schema.pop(keyword)))]
        if "$ref" in schema:
            parts = [*parts, root["$defs"][schema.pop("$ref").rsplit("/", 1)[1]]]
        for part in parts:
            if isinstance(part, dict):
                properties = {**schema.get("properties", {}), **part.get("properties", {})}
                required = [*schema.get("required", []), *part.get("required", [])]
                schema |= {**part, "properties": properties, "required": required}
    return {keyword: value for keyword, value in schema.items() if value not in ({}, []) or keyword == "const"}


def _kinds(schema: dict[str, Any]) -> tuple[str, ...]:
    if {"properties", "required", "additionalProperties", "patternProperties"} & set(schema):
        return ("object",)
    return ("array",) if {"items", "prefixItems", "minItems", "maxItems"} & set(schema) else TYPES


def _object(draw: Callable[..., Any], schema: dict[str, Any], root: Any, depth: int) -> dict[str, Any]:
    properties = schema.get("properties", {})
    names = [name for name in properties if draw(st.booleans())] + schema.get("required", [])
    if schema.get("additionalProperties", True) is not False:
        names += draw(st.lists(st.sampled_from(FREE_KEYS), max_size=2))
    names = draw(st.permutations(list(dict.fromkeys(names))))
    rest = schema.get("additionalProperties", True)
    return {name: _instance(draw, properties.get(name, rest), root, depth + 1) for name in names}


# -------------------------------------------------------------------------------------------------------- tokenisation
def split(data: bytes, spellings: dict[bytes, list[int]], rng: random.Random) -> list[int]:
    """A random way to write some bytes with tokens."""
    out, at = [], 0
    longest = max(map(len, spellings))
    while at < len(data):
        fits = [n for n in range(1, longest + 1) if data[at : at + n] in spellings and at + n <= len(data)]
        n = rng.choice(fits)
        out.append(rng.choice(spellings[data[at : at + n]]))
        at += n
    return out


def spellings_of(vocabulary: Vocabulary) -> dict[bytes, list[int]]:
    """The tokens of each spelling."""
    found: dict[bytes, list[int]] = {}
    for token in range(len(vocabulary)):
        if spelling := vocabulary.token_bytes(token):
            found.setdefault(spelling, []).append(token)
    return found
