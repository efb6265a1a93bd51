"""Masks inside names with labels that are judged when they end, against every token tried."""

from __future__ import annotations

import json
import random

import pytest

from detent.automata.compiler import Compiler
from detent.automata.matcher import Matcher
from detent.automata.vocabulary import Vocabulary
from detent.grammar import formats
from tests.masks import allowed

PIECES = r"""
xn-- n-- -- -3ya 3ya munchen mnchen- 0-gyc gyc. .xn--4dbc5h 4dbc5h" 5h", ya"} a" "a .a 。b ." ", ","x 02 ,"
πα α". ά\u03ac ώπα αa α" \u002e \u003 \u00 \u30 e5h mün chen.de -a -eieaa aaaaaaaaaaaaaaaa a-eieaa "," a","
"""


@pytest.fixture(scope="module")
def compiler() -> Compiler:
    listed = list(
        dict.fromkeys([*(bytes((byte,)) for byte in range(256)), *(piece.encode() for piece in PIECES.split())])
    )
    return Compiler(Vocabulary.from_tokens([*listed, b"<eos>"], eos=[len(listed)]))


def tried(matcher: Matcher) -> set[int]:
    """The tokens that are accepted, and from which a text can go on."""
    found = set()
    for token in range(len(matcher.grammar.vocabulary)):
        if matcher.accept(token):
            found.add(token)
            matcher.rollback(1)
    return found


SCHEMAS = [
    {"type": "string", "format": "hostname"},
    {"type": "string", "format": "idn-hostname"},
    {"type": "array", "items": {"format": "hostname", "type": "string"}, "uniqueItems": True, "minItems": 2},
    {"type": "object", "additionalProperties": {"format": "hostname"}},
    {"anyOf": [{"format": "hostname", "type": "string"}, {"type": "string", "maxLength": 9}]},
]
BEGINNINGS = ['"', '"', '["', '{"k":"', '"']
TEXTS = [
    "",
    "xn--",
    "xn--4db",
    "xn--4dbc5h",
    "a.xn--mnchen",
    "xn--4dbc5h.",
    "1.xn--4dbc5h",
    "xn--0-gyc",
    "x\\u006e--X\\u00",
]


@pytest.mark.parametrize(("schema", "begin"), [*zip(SCHEMAS, BEGINNINGS, strict=True)])
def test_masks_are_the_tokens_that_are_accepted(compiler: Compiler, schema: object, begin: str) -> None:
    grammar = compiler.json_schema(schema, order="any")
    for text in TEXTS:
        matcher = grammar.matcher()
        assert matcher.accept_bytes((begin + text).encode())
        assert allowed(matcher) == tried(matcher), text


@pytest.mark.parametrize("k", [0, 1, 2, 3, 4])
def test_walks_end_in_right_texts(compiler: Compiler, k: int) -> None:
    grammar, rng = compiler.json_schema(SCHEMAS[k], order="any"), random.Random(k)
    texts = formats.format_texts("idn-hostname" if k == 1 else "hostname")
    assert texts is not None
    judged = 0
    for _ in range(4 if k == 2 else 12):
        matcher, data = grammar.matcher(), b""
        begin = (BEGINNINGS[k] + rng.choice(TEXTS)).encode()
        assert matcher.accept_bytes(begin)
        data += begin
        for _ in range(400):
            choices = sorted(allowed(matcher) - {len(grammar.vocabulary) - 1})
            if not choices:
                break
            ends = [token for token in choices if b'"' in grammar.vocabulary.token_bytes(token)]
            token = rng.choice(ends if ends and rng.random() < 0.4 else choices)
            assert matcher.accept(token)
            data += grammar.vocabulary.token_bytes(token)
            if matcher.is_complete() and rng.random() < 0.8:
                break
        if not matcher.is_complete():
            continue
        value = json.loads(data)
        names = [value] if isinstance(value, str) else list(value.values()) if isinstance(value, dict) else value
        for name in names:
            if isinstance(name, str) and not (k == 4 and len(name) < 10):
                assert texts.matches(name), name
            judged += isinstance(name, str) and "xn--" in name.lower()
    assert judged


def test_a_label_that_is_too_near_the_end_of_a_name_does_not_begin(compiler: Compiler) -> None:
    matcher = compiler.json_schema(SCHEMAS[0]).matcher()
    assert matcher.accept_bytes(('"' + "a." * 95).encode())
    assert matcher.accept_bytes(b"xn--a") and allowed(matcher) == tried(matcher)
    matcher.rollback(1)
    assert matcher.accept_bytes(b"b.xn") and not matcher.accept_bytes(b"--")


@pytest.mark.nojit
def test_texts_that_differ_in_one_label_go_different_ways(compiler: Compiler) -> None:
    grammar = compiler.json_schema(SCHEMAS[0])
    for label, good in (("xn--4dbc5h", True), ("xn--4dbc5i", False), ("xn--l-fda", False), ("xn--ll-0ea", True)):
        matcher = grammar.matcher()
        assert matcher.accept_bytes(f'"{label}'.encode())
        assert matcher.forced_bytes() == b""
        assert matcher.accept_bytes(b'"') == good
        assert matcher.is_complete() == good


def test_long_labels_beyond_ascii_go_on_while_there_is_room(compiler: Compiler) -> None:
    grammar = compiler.json_schema(SCHEMAS[1])
    word = "παράδειγμα" * 5
    for n in (9, 10, 11, 19, 20, 30, 50):
        for end in ("", "\\u", "\\u03", "\\u03a", "."):
            matcher = grammar.matcher()
            assert matcher.accept_bytes(f'"{word[:n]}{end}'.encode())
            assert allowed(matcher) == tried(matcher), (n, end)
    matcher = grammar.matcher()
    assert matcher.accept_bytes(f'"{word}πα'.encode())
    assert not matcher.accept_bytes("ρ".encode()) and matcher.accept_bytes(b'.com"')


@pytest.mark.parametrize(
    ("schema", "good"),
    [
        ({"enum": ["xn--4dbc5h", "xn--4dbc5i"], "format": "hostname"}, True),
        ({"type": "string", "format": "hostname", "minLength": 1, "maxLength": 253}, True),
        ({"allOf": [{"format": "hostname"}, {"format": "hostname", "type": "string"}]}, True),
        ({"type": "string", "format": "hostname", "pattern": "^xn|a"}, False),
        ({"type": "string", "format": "hostname", "maxLength": 252}, False),
    ],
)
def test_judged_labels_beside_other_keywords(compiler: Compiler, schema: object, good: bool) -> None:
    grammar = compiler.json_schema(schema)
    assert grammar.matcher().accept_bytes(b'"xn--4dbc5h"') == good
    assert not grammar.matcher().accept_bytes(b'"xn--4dbc5i"')
