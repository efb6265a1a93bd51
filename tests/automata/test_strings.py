"""Strings byte by byte: UTF-8, escapes and surrogate pairs, for every kind of string and for keys."""

from __future__ import annotations

import json
from typing import Any

import pytest

from detent.automata.compiler import Compiler
from tests.naive.json_values import recogniser

# "é😀x" belongs to each of them
KINDS: dict[str, Any] = {
    "any": {"type": "string"},
    "bounded": {"type": "string", "minLength": 3, "maxLength": 3},
    "pattern": {"type": "string", "pattern": "^[^a-w]+$"},
    "both": {"type": "string", "pattern": "x", "maxLength": 3},
    "words": {"enum": ["é😀x", "é😁x", "éa", "é\u0800", "a", "\x7f"]},
    "constant": {"const": "é😀x"},
}
KEYS: dict[str, Any] = {
    "listed": {"properties": {"é😀x": {"type": "null"}}, "required": ["é😀x"], "additionalProperties": False},
    "free": {"additionalProperties": {"type": "null"}},
    "matching": {"patternProperties": {"^[^a-w]+$": {"type": "null"}}, "additionalProperties": False},
    "beside": {"properties": {"é😁x": False, "éa": {}}, "additionalProperties": {"type": "null"}},
}
SCHEMAS = [(kind, schema, "{}") for kind, schema in KINDS.items()]
SCHEMAS += [(kind, {"type": "object", **schema}, "{{{}:null}}") for kind, schema in KEYS.items()]
SPELLINGS = [
    '"é😀x"',
    '"\\u00e9\\ud83d\\ude00\\u0078"',
    '"\\u00E9\\uD83D\\uDE00x"',
    '"é\\ud83D\\uDe00x"',
]
BROKEN = [
    b'"\xc3"',  # a character that is not finished
    b'"\xe9"',
    b'"\xc0\xa9',  # overlong
    b'"\xe0\x80\x80',
    b'"\xf0\x80\x80\x80',
    b'"\xed\xa0\x80',  # a surrogate in UTF-8
    b'"\xf4\x90\x80\x80',  # beyond U+10FFFF
    b'"\xf5',
    b'"\xff',
    b'"\x80',
    b'"\xc3\xa9\xf0\x9f\x98x',
    b'"\\ud83d"',  # lone surrogates
    b'"\\ud83dx',
    b'"\\ud83d\\n',
    b'"\\ud83d\\u0041',
    b'"\\ud83d\\ud83d',
    b'"\\ude00',
    b'"\\u00e9\\ud83d\\ude0g',
    b'"\\u00g',
    b'"\\u00"',
    b'"\\x',
    b'"\\U',
    b'"\\\n',
    b'"\n',
    b'"\x00',
    b'"\x1f',
]


def viable(compiler: Compiler, schema: Any, data: bytes) -> int:
    """How many bytes can be read; each of them agrees with the naive recogniser."""
    matcher, reference = compiler.json_schema(schema).matcher(), recogniser(schema)
    for k in range(len(data)):
        accepted = matcher.accept_bytes(data[k : k + 1])
        assert accepted == reference.viable(data[: k + 1]), data[: k + 1]
        assert matcher.is_complete() == reference.complete(data[: k + accepted])
        if not accepted:
            return k
    return len(data)


@pytest.mark.nojit
@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize(("kind", "schema", "frame"), SCHEMAS, ids=[kind for kind, _, _ in SCHEMAS])
def test_every_spelling_is_read(compiler: Compiler, kind: str, schema: Any, frame: str, spelling: str) -> None:
    text = frame.format(spelling)
    assert "é😀x" in (json.loads(text) if frame == "{}" else list(json.loads(text)))
    matcher = compiler.json_schema(schema).matcher()
    assert matcher.accept_bytes(text.encode()) and matcher.is_complete()
    assert viable(compiler, schema, text.encode()) == len(text.encode())


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize(("kind", "schema", "frame"), SCHEMAS, ids=[kind for kind, _, _ in SCHEMAS])
def test_nothing_else_is_read(compiler: Compiler, kind: str, schema: Any, frame: str, broken: bytes) -> None:
    data = frame.format("").encode()[:1] + broken
    assert viable(compiler, schema, data) < len(data)


@pytest.mark.parametrize("escape", ['\\"', "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t", "\\u001f", "\\u0000"])
def test_short_escapes_are_the_characters_that_they_name(compiler: Compiler, escape: str) -> None:
    char = json.loads(f'"{escape}"')
    for schema in ({"const": char}, {"type": "string", "maxLength": 1}, {"type": "string", "pattern": "^[^a]$"}):
        for spelling in (escape, f"\\u{ord(char):04x}", f"\\u{ord(char):04X}"):
            matcher = compiler.json_schema(schema).matcher()
            assert matcher.accept_bytes(f'"{spelling}"'.encode()) and matcher.is_complete()


@pytest.mark.nojit
def test_lengths_count_characters(compiler: Compiler) -> None:
    schema = {"type": "string", "minLength": 2, "maxLength": 2}
    for text in ("ab", "é😀", "😀😀", "\\ud83d\\ude00a", "\\n\\u0041"):
        assert viable(compiler, schema, f'"{text}"'.encode()) == len(text.encode()) + 2
    for text in ("", "a", "😀", "abc", "\\ud83d\\ude00", "aéb"):
        assert viable(compiler, schema, f'"{text}"'.encode()) < len(text.encode()) + 2


@pytest.mark.nojit
def test_a_character_is_begun_only_if_it_can_be_finished(compiler: Compiler) -> None:
    """Lead bytes and escapes are refused where no character behind them would do."""
    schema = {"type": "string", "pattern": "^[é😀]$"}
    for begun in (b'"\xc3', b'"\xf0\x9f\x98', b'"\\u00', b'"\\ud83d\\ude'):
        assert viable(compiler, schema, begun) == len(begun)
    for begun in (b'"\xc4', b'"\xe2', b'"\xf0\x9e', b'"\\n', b'"\\u01', b'"\\ud83e', b'"\\ud83d\\udd'):
        assert viable(compiler, schema, begun) == len(begun) - 1
