"""Keys are never written twice, and never begun when nothing is left of them: against the naive recogniser."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from detent.automata.batch import fill_bitmasks
from detent.automata.compiler import Compiler
from detent.automata.matcher import Matcher, allocate_bitmask
from detent.automata.vocabulary import Vocabulary
from detent.grammar.errors import GrammarError
from detent.grammar.json_schema import Array, Object, names
from detent.grammar.json_schema.free_names import has_free_names
from tests.automata.test_masks import check_here
from tests.automata.test_matcher import act, observe, replayed
from tests.masks import allowed
from tests.naive import masks as naive
from tests.naive.json_values import Recogniser, recogniser
from tests.strategies import SCHEMAS as ANY_SCHEMAS

QUICK = settings(
    derandomize=True, deadline=None, max_examples=150, suppress_health_check=list(HealthCheck), print_blob=False
)
SEEDS = st.integers(0, 2**32 - 1)
ONE = {"const": 1}
# names of each kind: free ones, listed ones beside them, and classes of which finitely many follow some beginning
SCHEMAS: list[Any] = [
    {"type": "object"},
    {"type": ["object", "array", "integer"], "additionalProperties": {"$ref": "#"}, "items": {"$ref": "#"}},
    {"type": "object", "properties": {"a": ONE, "ab": ONE}, "required": ["a"], "additionalProperties": ONE},
    {"type": "object", "patternProperties": {"^[ab]*x$": ONE}, "additionalProperties": False},
    {"type": "object", "patternProperties": {"^a*x$": ONE, "^b": {"$ref": "#"}}, "additionalProperties": False},
    {"type": "object", "patternProperties": {"^[ab]$": ONE}, "additionalProperties": False},
    {"type": "object", "patternProperties": {"^(a|ab|é|è)$": {"$ref": "#"}}, "additionalProperties": False},
    {"type": "object", "patternProperties": {"^[ab]$": {}}, "properties": {"a": ONE, "x": ONE}, "required": ["x"]},
    {"type": "object", "patternProperties": {"^[ab]{1,2}$": ONE}, "properties": {"ab": False, "x": ONE}},
    {"type": "object", "patternProperties": {"^[^a]$|^a?$": ONE}, "additionalProperties": False},
    {
        "type": "object",
        "anyOf": [
            {"patternProperties": {"^[ab]$": ONE}, "additionalProperties": False},
            {"patternProperties": {"^b+x?$": ONE}, "additionalProperties": False},
        ],
    },
]
PIECES = r"""
    " "a" "a "b" "ab" "x" "" "bx" a b ab x" a" b" \u0061 \u006 \u0062" "\u "\u00 \u00e9 \u0 61 2" \ "\
    "a":1,"a" ":1,"a ":1,"a" ":1,"a": ":1," ":1, ":1 :1 :1, :1," :1,"b" ,"a ,"b ,"ab ,"a" ,"b": , ,, ", ," ,"" ,"\u
    {"a":1,"a": {"a":1,"b": {"a":1}, {"a":1},"a" {" {"a":{"a": {"b":{ }} }, },"a": },"b },"b" [{"a": [1, }],"a" :[ {
    1," 1,"a 1,"a":1,"b":1,"a 1,"b":1, a":1,"b":1,"a" b":1,"ab" a":{"a":1},"a é" é "é è ":1,"è" ,"é":1
    _"a"_ _,_"a"_:_ "_:1_,_"b" _" ,_ ,_" ,"\\u00e "\\u00e ,"\\u006 ,"\ ,"a\ ,"q\" \" ,"a\""
"""


def pieces() -> list[bytes]:
    """Distinct pieces; some end inside a character."""
    listed = [piece.replace("_", " ").encode() for piece in PIECES.split()]
    return list(dict.fromkeys([*listed, b',"\xc3', b'"\xc3', b'1,"a\xc3']))


@st.composite
def vocabularies(draw: Any) -> Vocabulary:
    """Every byte and a few awkward pieces or all of them, some of them joined."""
    piece = st.sampled_from(pieces())
    some = draw(st.one_of(st.just(pieces()), st.lists(piece, max_size=12, unique=True)))
    joined = draw(st.lists(st.lists(piece, min_size=2, max_size=3).map(b"".join), max_size=12))
    listed = [*(bytes([b]) for b in range(256)), *some, *joined, None]
    return Vocabulary.from_tokens(listed, eos=[len(listed) - 1])


def beginning(reference: Recogniser, rng: random.Random) -> bytes:
    """The beginning of an object with most of the keys that it can have, and a piece that often cannot follow."""
    spellings = ["a", "b", "ab", "ax", "bx", "x", "", "\\u0061", "é", "\\u00e8", "bb", "aax", 'a\\"', "\\\\"]
    most, text = rng.choice((0.3, 0.7, 1)), "{"
    for key in rng.sample(spellings, len(spellings)):
        inner = rng.choice(["1", "1", "1", '{"a":1}', '{"b":{"a":1}}'])
        piece = f'"{key}":{inner}' if text == "{" else f',"{key}":{inner}'
        if rng.random() < most and reference.viable((text + piece).encode()):
            text += piece
    tails = [
        "",
        "",
        ",",
        ',"',
        ',"a',
        ',"b',
        ',"\\u00',
        ',"a":{"a":1',
        ',"b":{"a":1},',
        ",'a\\",
        ":{",
        '"b":[{"a":1,',
        "}",
    ]
    return (text + rng.choice(tails)).encode()


def take_likely(matcher: Matcher, mask: set[int], rng: random.Random) -> bytes:
    """Take a token that leads to keys rather than to long strings or white space."""
    vocabulary = matcher.grammar.vocabulary
    long = [t for t in mask if t > 255]
    likely = [t for t in mask if t < 256 and chr(t) in '"ab:1,{}[]x\\u06']
    token = rng.choice(sorted(long if long and rng.random() < 0.5 else likely or mask))
    spelling = vocabulary.token_bytes(token)
    assert matcher.accept(token)
    return spelling


def walk(matcher: Matcher, reference: Recogniser, text: bytes, rng: random.Random, steps: int) -> None:
    """Compare masks, and what is forced, along likely tokens."""
    for _ in range(steps):
        mask = check_here(matcher, reference, text)
        text += take_likely(matcher, mask, rng)
        if matcher.is_stopped():
            break
        assert matcher.forced_bytes()[:3] == naive.forced_bytes(reference, reference.read(reference.start, text), 3)


@given(
    st.sampled_from(SCHEMAS),
    vocabularies(),
    st.sampled_from(("schema", "fixed", "any")),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
@QUICK
def test_masks(schema: Any, vocabulary: Vocabulary, order: Any, spelled: bool, seed: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if not spelled:
            patch.setattr(names, "MAX_SPELLED", 0)
        matcher = Compiler(vocabulary, False).json_schema(schema, order=order, whitespace="compact").matcher()
        reference = recogniser(schema, order=order, whitespace="compact")
        for k in range(3):
            rng = random.Random(3 * seed + k)
            text = beginning(reference, rng)
            accepted = matcher.accept_bytes(text)
            assert accepted == reference.viable(text), text
            walk(matcher, reference, text if accepted else b"", rng, 8)
            matcher.reset()


@given(st.sampled_from(SCHEMAS), SEEDS)
@settings(QUICK, max_examples=40)
def test_scripts(compiler: Compiler, schema: Any, seed: int) -> None:
    """Rollback, fork, reset and validate, against fresh matchers of the same history."""
    grammar, rng = compiler.json_schema(schema, order="any"), random.Random(seed)
    matcher, history = grammar.matcher(), list[int | bytes]()
    text = beginning(recogniser(schema, order="any"), rng)
    if matcher.accept_bytes(text):
        history.append(text)
    for _ in range(12):
        matcher = act(matcher, history, rng)
        assert observe(matcher) == observe(replayed(grammar, history))


@pytest.mark.nojit
def test_batches(compiler: Compiler) -> None:
    rng, matchers = random.Random(1), []
    for k in range(60):
        schema = SCHEMAS[k % len(SCHEMAS)]
        matcher = compiler.json_schema(schema, order="any").matcher()
        matcher.accept_bytes(beginning(recogniser(schema, order="any"), rng))
        matchers.append(matcher)
    n = len(compiler.vocabulary)
    wanted, mask = allocate_bitmask(len(matchers), n), allocate_bitmask(len(matchers), n)
    for row, matcher in enumerate(matchers):
        matcher.fill_bitmask(wanted, row)
    fill_bitmasks(matchers, mask)
    assert (mask == wanted).all()


def test_many_keys(compiler: Compiler) -> None:
    matcher = compiler.json_schema({"type": "object"}).matcher()
    assert matcher.accept_bytes(b'{"":0')
    for k in range(400):
        assert matcher.accept_bytes(f',"k{k}":{{"":'.encode()) and matcher.accept_bytes(b"[{}]}")
        if k % 50 == 0:
            other = matcher.fork()
            assert not other.accept_bytes(f',"k{rng_below(k)}"'.encode())
            assert other.accept_bytes(b',"k') and matcher.accept_bytes(b" ")
    assert not matcher.accept_bytes(b',"k399"') and not matcher.accept_bytes(b',""')
    matcher.rollback(1)
    assert matcher.accept_bytes(b"0}") and not matcher.accept_bytes(b',"k399"')
    matcher.rollback(2)
    assert matcher.accept_bytes(b',"k399"')
    matcher.reset()
    assert matcher.accept_bytes(b'{"k399"')


def test_endlessly_many_names_never_run_out(compiler: Compiler) -> None:
    """However many of them an object has, more may follow, and any that is new."""
    schema = {"type": "object", "patternProperties": {"^a+$": {"type": "null"}}, "additionalProperties": False}
    matcher = compiler.json_schema(schema, whitespace="compact").matcher()
    listed = ",".join(f'"{"a" * n}":null' for n in range(1, 301))
    assert matcher.accept_bytes(f"{{{listed}".encode())
    assert {b",", b"}"} <= {compiler.vocabulary.token_bytes(token) for token in allowed(matcher)}
    assert matcher.accept_bytes(b',"' + b"a" * 300)
    assert b'"' not in {compiler.vocabulary.token_bytes(token) for token in allowed(matcher)}
    assert matcher.accept_bytes(b'a":null}') and matcher.is_complete()


def rng_below(k: int) -> int:
    return random.Random(k).randrange(k + 1)


LISTED = {"type": "object", "properties": {"a": ONE}, "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "free"),
    [
        (LISTED, False),
        ({"$ref": "#/$defs/x", "$defs": {"x": LISTED}}, False),
        ({"anyOf": [LISTED, {"type": "string"}]}, False),
        ({"enum": [1, {"a": 1}]}, False),
        ({"type": "array", "items": LISTED}, False),
        ({"type": "array", "prefixItems": [LISTED], "maxItems": 1}, False),
        ({"type": "array", "prefixItems": [LISTED]}, True),
        ({"type": "array"}, True),
        ({"anyOf": [LISTED, {}]}, True),
        ({**LISTED, "properties": {"a": {}}}, True),
        ({**LISTED, "patternProperties": {"^x": ONE}}, True),
        (True, True),
    ],
)
def test_only_free_names_are_followed(compiler: Compiler, schema: Any, free: bool) -> None:
    assert compiler.json_schema(schema).has_free_names == free


@given(ANY_SCHEMAS)
@settings(QUICK, max_examples=200)
def test_free_names_are_found(schema: Any) -> None:
    """Where none are expected, no object that can be reached has any."""
    try:
        reference = recogniser(schema)
    except GrammarError:  # a reference that leads back to itself
        assume(False)
    ((begin, _),) = reference.start or [(None, None)]
    reader = reference.goals.reader
    assume(begin is not None)
    assume(not has_free_names(begin.goal.nodes[0] if begin.goal.nodes else reader.anything, reader))
    met, pending = {begin.goal}, [begin.goal]
    while pending:
        for value in reference.values(pending.pop()):
            children: list[Any] = []
            if isinstance(value, Array):
                children = [*value.prefix, value.rest][: value.longest]
            elif isinstance(value, Object):
                assert value.patterns is None and (value.free is None or not reference.satisfiable(value.free))
                children = [goal for _, goal in (*value.names, *value.extra)]
            for goal in children:
                if goal not in met:
                    met.add(goal)
                    pending.append(goal)
