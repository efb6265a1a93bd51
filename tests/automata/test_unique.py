"""Arrays whose items must differ: values read out of the text, masks against every token tried, texts to avoid."""

from __future__ import annotations

import json
import random
import re
from decimal import Decimal
from functools import partial
from itertools import chain, product
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detent.automata.batch import fill_bitmasks
from detent.automata.compiled import Grammar
from detent.automata.compiler import Compiler
from detent.automata.limits import Limits
from detent.automata.matcher import Matcher, allocate_bitmask
from detent.automata.placement import last_value, last_value_of
from detent.automata.vocabulary import Vocabulary
from detent.grammar.errors import LimitExceeded, Unsatisfiable
from tests.masks import allowed, arenas_made
from tests.strategies import LETTERS, VALUES, spellings_of, split, tokens

QUICK = settings(
    derandomize=True, deadline=None, max_examples=60, suppress_health_check=list(HealthCheck), print_blob=False
)
SEEDS = st.integers(0, 2**32 - 1)
COMMAS = r"""
    "," ", ,1 ", "a ],[ 1,2 a","b"," ,"a", 1,1, },{" ,{"a":1}, ,_ ,[1,2],[ ,"" 1],[1 ",{ "a","a" "a","b" 1.0, ,1.0 ],1
    ,"\ ,"" ,true, ,null null,n 0,0 ]],[ "],"a ,"\u0061" ,[ ,{ ,{_"
"""


def vocabulary() -> Vocabulary:
    """The small vocabulary, and tokens with commas in awkward places."""
    listed = tokens()
    extra: list[bytes | None] = [piece.replace("_", " ").encode() for piece in COMMAS.split()]
    return Vocabulary.from_tokens([*extra, *listed], eos=[len(extra) + len(listed) - 2])


@pytest.fixture(scope="module")
def compiler() -> Compiler:
    return Compiler(vocabulary())


@pytest.fixture(scope="module")
def cramped() -> Compiler:
    """A compiler whose arena is full again and again."""
    return Compiler(vocabulary(), limits=Limits(cache_bytes=1 << 20))


def tried(matcher: Matcher) -> set[int]:
    """Every token that a copy of the matcher takes."""
    return {token for token in range(len(matcher.grammar.vocabulary)) if matcher.fork().accept(token)}


def accepts(grammar: Grammar, text: bytes) -> bool:
    matcher = grammar.matcher()
    return matcher.accept_bytes(text) and matcher.is_complete()


def walk(grammar: Grammar, schema: Any, rng: random.Random, steps: int) -> None:
    """Compare masks along a random text, and what is complete with the validator."""
    validator = jsonschema.Draft202012Validator(schema)
    matcher, text, spelling = grammar.matcher(), b"", grammar.vocabulary.token_bytes
    for _ in range(steps):
        mask = allowed(matcher)
        assert mask, text
        assert mask == tried(matcher), (text, {spelling(token) for token in mask ^ tried(matcher)})
        assert not matcher.is_complete() or validator.is_valid(json.loads(text)), text
        busy = sorted(token for token in mask if b"," in spelling(token)) if rng.random() < 0.5 else []
        solid = sorted(token for token in mask if spelling(token).strip()) if rng.random() < 0.9 else []
        token = rng.choice(busy or solid or sorted(mask))
        assert matcher.accept(token)
        if matcher.is_stopped():
            break
        text += spelling(token)


# ------------------------------------------------------------------------------------------------------- the last value
BEGINNINGS = (b"[", b'{"a":', b'["x\\\\",', b"")


@given(VALUES, VALUES, st.sampled_from(BEGINNINGS), st.sampled_from((b"", b" ", b"\n\t")), SEEDS)
@QUICK
def test_the_last_value_of_a_text(value: Any, other: Any, before: bytes, after: bytes, seed: int) -> None:
    rng = random.Random(seed)
    shown = json.dumps(value, ensure_ascii=rng.random() < 0.5, indent=rng.choice((None, 1))).encode()
    text = before + shown + after
    if before == b"[":
        text = b"[" + json.dumps(other).encode() + b", " + shown + after
    wanted = json.loads(shown, parse_float=Decimal)
    assert last_value(text, is_whole=True) == wanted
    cuts = sorted(rng.sample(range(len(text) + 1), min(len(text), 40)))
    pieces = [text[i:j] for i, j in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert last_value_of(reversed(pieces)) == wanted
    for start in range(len(text)):
        assert last_value(text[start:], is_whole=False) in (..., wanted)


def test_last_values_that_are_awkward() -> None:
    assert last_value(b'["\\\\", "a\\"[\\\\" ', is_whole=True) == 'a"[\\'
    assert last_value(b'[{"]": "}\\\\\\""}', is_whole=True) == {"]": '}\\"'}
    assert last_value(b"[1e999", is_whole=True) == Decimal("1e999")
    assert last_value(b"[" + b"7" * 5000, is_whole=True) == Decimal("7" * 5000)
    assert last_value(b"12", is_whole=False) is ...
    assert last_value(b"12", is_whole=True) == 12


# ----------------------------------------------------------------------------------------------------------- end to end
def unique(items: Any, **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, "uniqueItems": True, **more}


FIXED: list[Any] = [
    unique({"type": "string"}),
    unique({"type": "integer"}),
    unique({"type": "number"}, minItems=2, maxItems=3),
    unique({"type": "string", "maxLength": 1}),
    unique({"type": "string", "maxLength": 2, "minLength": 1}),
    unique({"type": "string", "maxLength": 0}),
    unique({"type": "string", "pattern": "^[ab]*$"}, minItems=2),
    unique({"type": "string", "pattern": "^[ab]*$", "maxLength": 1}, minItems=2),
    unique({"enum": [1, 2, "a", None, True, False, 0, [1], {"a": 1}]}, minItems=2),
    unique({"type": "integer", "minimum": 0, "maximum": 3}, minItems=3),
    unique({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}),
    unique({"type": "object", "properties": {"a": {"type": "boolean"}}, "additionalProperties": False}, minItems=2),
    unique(unique({"type": "integer", "minimum": 0, "maximum": 12}, maxItems=2)),
    unique(True),
    unique({"type": "number"}, prefixItems=[{"enum": ["a", "b"]}, {"enum": ["a"]}], minItems=2),
    unique(True, contains={"enum": [1, 2]}, minContains=2),
    {"anyOf": [unique({"type": "integer"}), {"type": "array", "items": {"enum": ["a", 1]}, "maxItems": 3}]},
    {"type": "object", "properties": {"a": unique({"enum": ["a", "b", 1]})}, "required": ["a"]},
    {"type": "array", "items": {"enum": [1, 2, "a"]}, "maxItems": 3, "not": {"uniqueItems": True}},
    unique({"enum": ["a", "b", "ab", "", '"', "é"]}),
    unique({"enum": ["a", "b", "ab"]}, minItems=2),
    unique({"enum": ["", "a"]}, maxItems=2),
    unique({"type": "string", "enum": ["a", "b", "_"]}, minItems=3, maxItems=3),
    {"anyOf": [unique({"enum": ["a", "ab"]}), unique({"enum": ["a", "b", 1]}), {"type": "array", "maxItems": 1}]},
    unique({"enum": ["a", "ab"]}, prefixItems=[{"const": "b"}]),
    unique({"enum": [1, 2, "a"]}, **{"not": {"maxItems": 1, "uniqueItems": True}}),
]


@pytest.mark.parametrize("schema", FIXED)
@pytest.mark.parametrize("whitespace", ["flexible", "bounded", "compact"])
def test_masks(compiler: Compiler, schema: Any, whitespace: Any) -> None:
    grammar = compiler.json_schema(schema, order="any", whitespace=whitespace)
    for seed in range(3):
        walk(grammar, schema, random.Random(seed), 10)


@pytest.mark.parametrize("more", [{}, {"minItems": 2}, {"maxItems": 1}])
def test_items_that_differ_and_are_too_few_for_it(compiler: Compiler, more: dict[str, int]) -> None:
    schema = unique({"enum": [1]}, **{"not": {"uniqueItems": True, "maxItems": 1}}, **more)
    with pytest.raises(Unsatisfiable):
        compiler.json_schema(schema)


@pytest.mark.nojit
def test_masks_of_one_array(compiler: Compiler) -> None:
    grammar = compiler.json_schema(unique({"enum": ["a", "b", 1]}, minItems=2), whitespace="compact")
    matcher = grammar.matcher()
    for taken in (b'["a', b'"', b",", b"1", b',"b"', b"]"):
        assert matcher.accept_bytes(taken)
        assert allowed(matcher) == tried(matcher)


@pytest.mark.nojit
def test_masks_of_one_array_of_words(compiler: Compiler) -> None:
    matcher = compiler.json_schema(unique({"enum": ["a", "b", "ab"]}), whitespace="compact").matcher()
    for taken in (b'["a', b'"', b",", b'"b"', b',"ab', b'"', b"]"):
        assert matcher.accept_bytes(taken)
        assert allowed(matcher) == tried(matcher)


def test_masks_of_words_wait_for_no_value_while_some_are_left(compiler: Compiler) -> None:
    matcher = compiler.json_schema(unique({"enum": ["a", "b", "ab", ""]})).matcher()
    for taken, is_all in ((b'["a', True), (b'","b', True), (b'","ab', False)):
        assert matcher.accept_bytes(taken)
        assert matcher.prepare() == is_all
    assert allowed(matcher) == tried(matcher)


def _items() -> st.SearchStrategy[Any]:
    scalars: list[Any] = [
        {"type": "string"},
        {"type": "integer"},
        {"type": ["boolean", "null"]},
        {"type": "string", "maxLength": 1},
        {"type": "string", "pattern": "^a"},
        {"type": "string", "pattern": "^[ab]{0,2}$"},
        {"type": "integer", "minimum": 0, "maximum": 2},
        {"type": "number", "multipleOf": 0.5, "minimum": 0},
        True,
    ]
    finite = st.lists(VALUES, min_size=1, max_size=5).map(lambda values: {"enum": values})
    leaves = st.one_of(st.sampled_from(scalars), finite)
    return st.recursive(leaves, lambda inner: st.one_of(_arrays(inner), _objects(inner)), max_leaves=3)


@st.composite
def _arrays(draw: Any, inner: st.SearchStrategy[Any]) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "array", "items": draw(inner), "uniqueItems": draw(st.integers(0, 4)) > 0}
    if draw(st.booleans()):
        schema["minItems"] = draw(st.integers(0, 3))
    if draw(st.booleans()):
        schema["maxItems"] = schema.get("minItems", 0) + draw(st.integers(0, 2))
    if draw(st.integers(0, 3)) == 0:
        schema["prefixItems"] = draw(st.lists(inner, min_size=1, max_size=2))
    if draw(st.integers(0, 4)) == 0:
        schema["contains"] = draw(inner)
    if draw(st.integers(0, 4)) == 0:
        schema["not"] = {"uniqueItems": True, "maxItems": draw(st.integers(0, 2))}
    return schema


@st.composite
def _objects(draw: Any, inner: st.SearchStrategy[Any]) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(("a", "b", "ab")), min_size=1, max_size=2, unique=True))
    required = [name for name in names if draw(st.booleans())]
    properties = {name: draw(inner) for name in names}
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


@given(_arrays(_items()), st.sampled_from(("flexible", "compact")), SEEDS)
@QUICK
def test_masks_of_any_schema(compiler: Compiler, schema: Any, whitespace: Any, seed: int) -> None:
    try:
        grammar = compiler.json_schema(schema, order="any", whitespace=whitespace)
    except Unsatisfiable:
        return
    walk(grammar, schema, random.Random(seed), 8)


def _spelled(value: Any, rng: random.Random) -> str:
    """A value in one of its spellings."""
    if isinstance(value, list):
        return "[" + ", ".join(_spelled(item, rng) for item in value) + "]"
    if isinstance(value, dict):
        members = rng.sample(sorted(value.items()), len(value))
        return "{" + ",".join(json.dumps(name) + ":" + _spelled(item, rng) for name, item in members) + "}"
    if isinstance(value, str):
        plain = json.dumps(value, ensure_ascii=rng.random() < 0.5)
        escaped = f'"\\u{ord(plain[1]):04x}{plain[2:]}'
        return escaped if rng.random() < 0.3 and plain[1] not in '"\\' and ord(plain[1]) < 0x10000 else plain
    if isinstance(value, int) and not isinstance(value, bool) and rng.random() < 0.4:
        return rng.choice([f"{value}.0", f"{value}e0", f"{value * 10}e-1"])
    return json.dumps(value)


@given(_arrays(_items()), st.lists(st.one_of(VALUES, st.text(LETTERS, max_size=2)), max_size=4), st.booleans(), SEEDS)
@QUICK
def test_instances(compiler: Compiler, schema: Any, value: Any, again: bool, seed: int) -> None:
    rng = random.Random(seed)
    if again and value:
        value = [*value, rng.choice(value)]
    valid = jsonschema.Draft202012Validator(schema).is_valid(value)
    try:
        grammar = compiler.json_schema(schema, order="any")
    except Unsatisfiable:
        assert not valid
        return
    text = _spelled(value, rng).encode()
    assert accepts(grammar, text) == valid
    matcher = grammar.matcher()
    listed = split(text, spellings_of(compiler.vocabulary), rng)
    assert (matcher.validate(listed) == len(listed) and all(map(matcher.accept, listed))) == valid or not valid


def test_equal_values_in_other_spellings(compiler: Compiler) -> None:
    grammar = compiler.json_schema(unique(True))
    for text in (
        "[1, 1.0]", "[10, 1e1]", "[0, -0.0]", '["a", "\\u0061"]', '[{"a": 1, "b": 2}, {"b": 2.0, "a": 1}]',
        '["\\ud83d\\ude00", "😀"]', "[[], [ ]]", "[1e999, 10e998]",
    ):  # fmt: skip
        assert not accepts(grammar, text.encode()), text
    for text in ("[1, true]", "[0, false]", "[[1], [1, 1]]", '[null, "null"]', '["a", "A"]', "[{}, []]", "[1, 11]"):
        assert accepts(grammar, text.encode()), text


def test_items_of_a_list_in_any_order(compiler: Compiler) -> None:
    """Whatever was read before, and in whichever order, exactly the values that are left may come next."""
    schema = unique({"enum": ["b", "", "a", "ab", 1, 1.0, None, True, False, "\ud800"], "maxLength": 1}, maxItems=6)
    spelled = {'"b"': 0, '""': 1, '"a"': 2, '"\\u0061"': 2, "1": 3, "1.0": 3, "null": 4, "true": 5}
    matcher, rng = compiler.json_schema(schema).matcher(), random.Random(8)
    for _ in range(12):
        matcher.reset()
        left, text = set(spelled.values()), "["
        while left:
            assert matcher.accept_bytes(text.encode())
            assert allowed(matcher) == tried(matcher)
            for spelling, k in spelled.items():
                assert matcher.fork().accept_bytes(f"{spelling},".encode()) == (k in left and len(left) > 1)
            assert not matcher.fork().accept_bytes(b'"ab"')
            text = rng.choice([spelling for spelling, k in spelled.items() if k in left])
            left.remove(spelled[text])
            text += ","
        assert matcher.accept_bytes(f"{text[:-1]}]".encode())


def test_steps_of_a_matcher(compiler: Compiler, cramped: Compiler) -> None:
    """Rollback, forks, validation and forced text, in an arena that stays and in ones that are replaced."""
    schema = unique({"enum": [True, False, None]}, minItems=3)
    for some in (compiler, cramped):
        matcher = some.json_schema(schema, whitespace="compact").matcher()
        assert matcher.accept_bytes(b"[true,f")
        fork = matcher.fork()
        assert matcher.forced_bytes() == b"alse,null]"
        assert b"".join(map(some.vocabulary.token_bytes, matcher.forced_tokens())) == b""
        assert not matcher.accept_bytes(b"alse,t")
        assert matcher.accept_bytes(b"alse,null]")
        matcher.rollback(2)
        assert matcher.accept_bytes(b"[null,true")
        assert fork.forced_bytes() == b"alse,null]"
        assert matcher.forced_bytes() == b",false]"


def test_arenas_that_fill(compiler: Compiler, cramped: Compiler) -> None:
    for schema in FIXED[:12]:
        for seed in range(3):
            rng, one = random.Random(seed), compiler.json_schema(schema).matcher()
            other = cramped.json_schema(schema).matcher()
            for _ in range(12):
                mask = allowed(one)
                assert mask == allowed(other)
                token = rng.choice(sorted(mask))
                assert one.accept(token)
                assert other.accept(token)
                if one.is_stopped():
                    break


def test_batches(compiler: Compiler) -> None:
    rng, matchers = random.Random(5), []
    for k in range(40):
        matcher = compiler.json_schema(FIXED[k % len(FIXED)]).matcher()
        for _ in range(rng.randrange(8)):
            matcher.accept(rng.choice(sorted(allowed(matcher)) or [0]))
        matchers.append(matcher)
    n = len(compiler.vocabulary)
    mask, wanted = allocate_bitmask(len(matchers), n), allocate_bitmask(len(matchers), n)
    fill_bitmasks(matchers, mask)
    for row, matcher in enumerate(matchers):
        matcher.fill_bitmask(wanted, row)
    assert (mask == wanted).all()


# ------------------------------------------------------------------------------------------------------ texts to avoid
@pytest.mark.parametrize("longest", [None, 1, 2, 5])
def test_texts_to_avoid(compiler: Compiler, longest: int | None) -> None:
    """Of some started characters, all completions are taken."""
    taken = ["", "a", "ab", "b", *map(chr, range(0xE0, 0xF0)), "😀", "😁", 'q"', "\n"]
    bound = {} if longest is None else {"maxLength": longest}
    grammar = compiler.json_schema(unique({"type": "string", **bound}), whitespace="compact")
    kept = [text for text in taken if longest is None or len(text) <= longest]
    start = json.dumps(kept, separators=(",", ":"))[:-1].encode() + b',"'
    matcher = grammar.matcher()
    assert matcher.accept_bytes(start)
    for text in kept:
        for spelling in (json.dumps(text), json.dumps(text, ensure_ascii=False)):
            assert not matcher.fork().accept_bytes(spelling[1:].encode())
    dead = {1: (b"a", b"b", b"ab", b"\\u00e"), 2: (b"ab",)}.get(longest or 0, ())
    for prefix in (b"", b"a", b"\\u00e", b"\\u00", b"\xc3", b"\\ud83d\\ude0", b"\xf0\x9f\x98", b"\\", b"ab", b"b"):
        fork = matcher.fork()
        assert fork.accept_bytes(prefix) == (prefix not in dead)
        assert allowed(fork)
        assert allowed(fork) == tried(fork), prefix


@pytest.mark.parametrize(
    "pattern", [r"^[a-c]{1,3}(x[a-c]*)?$", r"^(a|b+)$", r"^[a-c]+@[a-c]{1,3}$", r"^(ab?|a{3,4}b*c?)$"]
)
def test_texts_of_a_pattern_to_avoid(compiler: Compiler, pattern: str) -> None:
    """Behind some texts endlessly many go on, behind others few or none: those must be seen to before their end."""
    grammar = compiler.json_schema(unique({"type": "string", "pattern": pattern}), whitespace="compact")
    texts = [*map("".join, chain.from_iterable(product("abcx@", repeat=n) for n in range(6)))]
    texts = [text for text in texts if re.search(pattern, text)][:25]
    for n in range(0, len(texts), 4):
        matcher, ways = grammar.matcher(), set()
        assert matcher.accept_bytes((json.dumps(texts[:n], separators=(",", ":"))[:-1] + "," * (n > 0)).encode())
        for text in texts:
            fork = matcher.fork()
            assert (fork.accept_bytes(f'"{text}"]'.encode()) and fork.is_complete()) == (text not in texts[:n])
            ways.update(text[:k] for k in range(len(text) + 1))
        for way in sorted(ways):
            fork = matcher.fork()
            if fork.accept_bytes(f'"{way}'.encode()):
                assert allowed(fork), (n, way)
                assert allowed(fork) == tried(fork), (n, way)


TEXT = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
PAIR = {"properties": {"a": {"properties": {"b": {"type": "integer"}}}, "d": {"items": {"type": "object"}}}}


@pytest.mark.parametrize(
    ("items", "values", "new"),
    [
        ({"type": "string"}, [f"{7 * k % 1500} of many texts" for k in range(1500)], "new"),
        ({"type": "string", "format": "email"}, [f"{7 * k % 300}.someone@example.org" for k in range(300)], "n@ew.org"),
        (TEXT, [{"a": f"{7 * k % 300} of many"} for k in range(300)], {"a": "0 of many", "b": 1}),
        (TEXT | {"additionalProperties": False}, [{"a": f"{7 * k % 300} of many"} for k in range(300)], {"a": "new"}),
        (PAIR, [{"a": {"b": k % 5, "c": [k // 10]}, "d": [{"b": k // 5 % 2}]} for k in range(100)], {"d": []}),
        ({"type": "array", "items": PAIR}, [[{"d": [{}] * (k % 10)}, {"a": {"b": k}}] for k in range(50)], [{}, {}]),
    ],
    ids=["texts", "addresses", "objects", "closed objects", "objects in objects", "lists of objects"],
)
def test_many_items(compiler: Compiler, items: Any, values: list[Any], new: Any) -> None:
    """As many different items as a text may have: what is kept of each is that item."""
    matcher = compiler.json_schema(unique(items), whitespace="compact").matcher()
    written = partial(json.dumps, separators=(",", ":"))
    assert matcher.accept_bytes(written(values).encode()[:-1])
    for value in (values[0], values[-1]):
        fork = matcher.fork()
        assert not (fork.accept_bytes(b"," + written(value).encode()) and fork.accept_bytes(b"]"))
    assert matcher.accept_bytes(b"," + written(new).encode() + b"]")
    assert matcher.is_complete()


def test_a_text_that_fits_no_arena(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told after few arenas, in each of which the text is read again; a shorter text can still be ended."""
    compiler = Compiler(vocabulary(), limits=Limits(cache_bytes=1 << 20))
    matcher = compiler.json_schema(unique({"type": "integer"}), whitespace="compact").matcher()
    made = arenas_made(compiler, monkeypatch)
    assert matcher.accept_bytes(b"[0")
    before = k = 0
    with pytest.raises(LimitExceeded, match="cache_bytes") as error:
        for k in range(1, 2000):
            before = len(made)
            assert matcher.accept_bytes(f",{k}".encode())
    assert len(made) - before <= 4
    assert error.value.text.endswith(f",{k - 1}")
    matcher.rollback(k // 2)
    assert matcher.accept_bytes(b"]") and matcher.is_complete()


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"not": {"uniqueItems": True}, "enum": [[3, 3], [1]]}, b"[3,3]"),
        ({"not": {"uniqueItems": True}, "items": {"const": 3}, "maxItems": 2}, b"[3,3]"),
        ({"not": {"uniqueItems": True}, "prefixItems": [{"enum": [1, 2]}, {"enum": [2, 3]}], "items": False}, b"[2,2]"),
    ],
)
def test_the_last_item_may_equal_the_first(compiler: Compiler, schema: Any, text: bytes) -> None:
    matcher = compiler.json_schema(schema, whitespace="compact").matcher()
    assert all(matcher.accept_bytes(text[k : k + 1]) for k in range(len(text)))
    assert matcher.is_complete()
