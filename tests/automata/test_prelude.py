"""Tables of plain values from disk: they change nothing but the time that masks take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detent.automata.compiler import Compiler
from detent.automata.limits import Limits
from detent.automata.matcher import allocate_bitmask
from detent.automata.vocabulary import Vocabulary
from detent.native import arena as layout
from detent.native import trie

SCHEMAS: list[tuple[Any, str]] = [
    ({}, '{"a": [1, "b\\u00e9", {"a": null}], "c": -1.5e3}'),
    (
        {
            "type": "object",
            "properties": {
                "name": {"type": "string", "maxLength": 7},
                "age": {"type": "integer", "minimum": 3},
                "kind": {"enum": ["red", "green"]},
                "code": {"type": "string", "pattern": "^[a-z]+-[0-9]{2}$"},
            },
            "required": ["name", "age"],
            "additionalProperties": {"type": "string"},
        },
        '{"name": "Zoë", "age": 36, "kind": "red", "code": "ab-12", "other": "x"}',
    ),
    ({"type": "array", "items": {"type": "string"}, "uniqueItems": True, "maxItems": 3}, '[ "a", "b",\n"c"]'),
]


NAMES = 'start: NAME ("," NAME)*\nNAME: /[A-Za-z_][A-Za-z0-9_]*/\n%ignore " "'
WIDE_NAMES = 'start: (NAME "," | "if" NAME)+\nNAME: /[^\\W\\d]\\w*/\n%ignore " "'


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    """Every byte, and enough pairs of characters, and words behind a blank, to make tables worth keeping."""
    pairs = [bytes((a, b)) for a in range(0x20, 0x7F) for b in range(0x20, 0x7F)]
    words = [b" a" + pair for pair in pairs if pair.isalnum()]
    tokens = [*(bytes((b,)) for b in range(256)), *pairs, *words, b"</s>"]
    return Vocabulary.from_tokens(tokens, eos=[len(tokens) - 1])


def masks(compiler: Compiler) -> list[np.ndarray]:
    """The masks on the way through each text, byte by byte."""
    out = []
    grammars = [(compiler.json_schema(schema), text) for schema, text in SCHEMAS]
    names = [(compiler.lark(NAMES), "ab, a_1 , cd"), (compiler.lark(WIDE_NAMES), "ab, if a_1 é,")]
    for grammar, text in [*grammars, *names]:
        matcher = grammar.matcher()
        for byte in text.encode():
            mask = allocate_bitmask(1, len(compiler.vocabulary))
            matcher.fill_bitmask(mask)
            out.append(mask)
            assert matcher.accept_bytes(bytes((byte,)))
        assert matcher.is_complete()
    return out


def states(compiler: Compiler) -> int:
    return int(compiler.arenas.current.A[layout.STATE + 2])


def test_masks_are_the_same(vocabulary: Vocabulary, tmp_path: Path) -> None:
    plain, made, read = (Compiler(vocabulary, cache_dir) for cache_dir in (False, tmp_path, tmp_path))
    assert len(list(tmp_path.glob("tables-*"))) == 1
    assert states(plain) < states(made) == states(read)
    np.testing.assert_equal(masks(made), masks(plain))
    np.testing.assert_equal(masks(read), masks(plain))


def test_what_is_read_is_what_was_made(vocabulary: Vocabulary, tmp_path: Path) -> None:
    made, read = (layout.snapshot(Compiler(vocabulary, tmp_path).arenas.current.A) for _ in range(2))
    np.testing.assert_equal(read, made)


def test_a_damaged_file_is_made_again(vocabulary: Vocabulary, tmp_path: Path) -> None:
    made = layout.snapshot(Compiler(vocabulary, tmp_path).arenas.current.A)
    (path,) = tmp_path.glob("tables-*")
    good = path.read_bytes()
    path.write_bytes(good[: len(good) // 2])
    np.testing.assert_equal(layout.snapshot(Compiler(vocabulary, tmp_path).arenas.current.A), made)
    assert path.read_bytes() == good


def test_every_vocabulary_and_size_has_its_own(vocabulary: Vocabulary, tmp_path: Path) -> None:
    tokens = [vocabulary.token_bytes(i) for i in range(len(vocabulary))]
    other = Vocabulary.from_tokens([*tokens[:-1], b"abc", b"</s>"], eos=[len(tokens)])
    for kind, limits in ((vocabulary, Limits()), (other, Limits()), (vocabulary, Limits(cache_bytes=256 << 20))):
        Compiler(kind, tmp_path, limits)
    assert len(list(tmp_path.glob("tables-*"))) == 3


def test_a_new_arena_begins_as_the_first_did(vocabulary: Vocabulary, tmp_path: Path) -> None:
    plain, compiler = Compiler(vocabulary, False), Compiler(vocabulary, tmp_path)
    first = layout.snapshot(compiler.arenas.current.A)
    expected = masks(plain)
    for _ in range(2):
        np.testing.assert_equal(masks(compiler), expected)  # what is written meanwhile is in no other arena
        full = compiler.arenas.current
        assert compiler.arenas.renew(full) is not full
        np.testing.assert_equal(layout.snapshot(compiler.arenas.current.A), first)
    for table in ("_specs", "_tries"):
        assert len(vars(compiler.arenas.current)[table]) < len(vars(full)[table])


def test_records_of_a_new_arena_are_its_own(vocabulary: Vocabulary, tmp_path: Path) -> None:
    compiler = Compiler(vocabulary, tmp_path)
    schema = {"type": "object", "properties": {"a": {"type": "array", "items": {"enum": ["x", 1]}}}}
    before = compiler.json_schema(schema).matcher()
    compiler.arenas.renew(compiler.arenas.current)
    after = compiler.json_schema(schema).matcher()
    assert before._arena is not after._arena
    records = [matcher._arena.shared["schema", 0] for matcher in (before, after)]
    assert records[0]._numbers is not records[1]._numbers and records[1]._me() is records[1]
    for matcher in (before, after):
        assert matcher.accept_bytes(b'{"a": ["x", 1]') and not matcher.accept_bytes(b", 2")


def test_a_small_arena_does_without(vocabulary: Vocabulary, tmp_path: Path) -> None:
    compiler = Compiler(vocabulary, tmp_path, Limits(cache_bytes=1 << 20))
    assert states(compiler) == 2 * layout.STATE_STRIDE
    assert not list(tmp_path.iterdir())


def test_a_small_vocabulary_does_without(tmp_path: Path) -> None:
    small = Vocabulary.from_tokens([*(bytes((b,)) for b in range(256)), b"</s>"], eos=[256])
    assert states(Compiler(small, tmp_path)) == 2 * layout.STATE_STRIDE
    assert not list(tmp_path.iterdir())


def test_lexers_read_runs_of_text_from_its_tables(vocabulary: Vocabulary, tmp_path: Path) -> None:
    compiler = Compiler(vocabulary, tmp_path)
    A, before = compiler.arenas.current.A, int(compiler.arenas.current.A[layout.PAIR + 2])
    matcher = compiler.lark('start: STRING\nSTRING: /"([^"\\\\\\n]|\\\\.)*"/').matcher()
    matcher.accept_bytes(b'"a')
    matcher.fill_bitmask(allocate_bitmask(1, len(vocabulary)))
    records = A[A[layout.PAIR] + before : A[layout.PAIR] + A[layout.PAIR + 2]].reshape(-1, layout.PAIR_STRIDE)
    assert len(records) > 0
    assert (records[:, :2] >= 0).all(axis=1)[records[:, 0] == 0].all()  # no table of a loop over the whole vocabulary


def test_lexers_read_words_behind_a_blank_from_its_tables(vocabulary: Vocabulary, tmp_path: Path) -> None:
    compiler = Compiler(vocabulary, tmp_path)
    A, before = compiler.arenas.current.A, int(compiler.arenas.current.A[layout.PAIR + 2])
    matcher = compiler.lark(NAMES).matcher()
    assert matcher.accept_bytes(b"ab,")
    matcher.fill_bitmask(allocate_bitmask(1, len(vocabulary)))
    records = A[A[layout.PAIR] + before : A[layout.PAIR] + A[layout.PAIR + 2]].reshape(-1, layout.PAIR_STRIDE)
    assert len(records) > 0
    nodes = records[records[:, 0] < vocabulary.packed[trie.V_NODES]]  # of the others, what is left of tokens is a union
    assert (nodes[:, 1] >= 0).all()  # no table of a loop
