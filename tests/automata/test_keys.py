"""Keys are never written twice, and never begun when nothing is left of them: against the naive recogniser."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detent.automata.compiler import Compiler
from detent.automata.matcher import Matcher
from detent.automata.vocabulary import Vocabulary
from detent.grammar.json_schema import goals
from tests.automata.test_masks import check_here
from tests.naive import masks as naive
from tests.naive.json_values import Recogniser, recogniser

QUICK = settings(
    derandomize=True, deadline=None, max_examples=600, suppress_health_check=list(HealthCheck), print_blob=False
)
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
    _"a"_ _,_"a"_:_ "_:1_,_"b" _" ,_ ,_"
"""


def pieces() -> list[bytes]:
    return list(dict.fromkeys(piece.replace("_", " ").encode() for piece in PIECES.split()))


@st.composite
def vocabularies(draw: Any) -> Vocabulary:
    """Every byte and a few awkward pieces, some of them joined."""
    piece = st.sampled_from(pieces())
    some = draw(st.lists(piece, max_size=12, unique=True))
    joined = draw(st.lists(st.lists(piece, min_size=2, max_size=3).map(b"".join), max_size=12))
    listed = [*(bytes([b]) for b in range(256)), *some, *joined, None]
    return Vocabulary.from_tokens(listed, eos=[len(listed) - 1])


def beginning(rng: random.Random) -> bytes:
    """The beginning of an object with some keys, that may be none of a schema."""
    spellings = ["a", "b", "ab", "ax", "bx", "x", "", "\\u0061", "é", "\\u00e9", "bb", "aax"]
    keys = rng.sample(spellings, rng.randrange(5))
    inner = rng.choice(["1", "1", "1", '{"a":1}', '{"b":{"a":1}}'])
    text = "{" + ",".join(f'"{key}":{inner}' for key in keys)
    tails = ["", ",", ',"', ',"a', ',"b', ',"\\u00', ',"a":{"a":1', ',"b":{"a":1},', ":{", '"b":[{"a":1,', "}"]
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
    st.sampled_from(("fixed", "any")),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
@QUICK
def test_masks(schema: Any, vocabulary: Vocabulary, order: Any, spelled: bool, seed: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if not spelled:
            patch.setattr(goals, "MAX_SPELLED", 0)
        matcher = Compiler(vocabulary, False).json_schema(schema, order=order, whitespace="compact").matcher()
        reference = recogniser(schema, order="any" if order == "any" else "schema", whitespace="compact")
        for k in range(3):
            rng = random.Random(3 * seed + k)
            text = beginning(rng)
            accepted = matcher.accept_bytes(text)
            assert accepted == reference.viable(text), text
            walk(matcher, reference, text if accepted else b"", rng, 8)
            matcher.reset()
