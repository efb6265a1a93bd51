from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detent.native import trie
from detent.native.suffixes import trie_parent
from tests.naive.trie import breadth_first, preorder

NAMES = ("child_first", "byte", "token_first", "token_ids", "height", "below")

few_letters = st.lists(st.lists(st.sampled_from([0, 1, 97, 255]), max_size=6).map(bytes), max_size=80)
any_bytes = st.lists(st.binary(max_size=5), max_size=120)


def flatten(tokens: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    offsets = np.cumsum([0, *map(len, tokens)]).astype(np.int32)
    return np.array(list(b"".join(tokens)), np.uint8), offsets


@settings(derandomize=True, deadline=None, max_examples=150)
@given(few_letters | any_bytes)
def test_equals_nested_dictionaries(tokens: list[bytes]) -> None:
    computed = {name: array.tolist() for name, array in zip(NAMES, trie.build_trie(*flatten(tokens)), strict=True)}
    assert computed == breadth_first(tokens)


def test_large_slices_are_sorted_stably() -> None:
    generator = np.random.default_rng(5)
    tokens = [bytes(generator.integers(0, 256, size).tolist()) for size in generator.integers(0, 4, 3000)]
    computed = {name: array.tolist() for name, array in zip(NAMES, trie.build_trie(*flatten(tokens)), strict=True)}
    assert computed == breadth_first(tokens)


@pytest.mark.parametrize("tokens", [[], [b""], [b"a"], [b"", b"a", b"ab", b"b", b"a"], [b"x" * 300]])
def test_layout(tokens: list[bytes]) -> None:
    packed = trie.pack(*flatten(tokens))
    expected = breadth_first(tokens)
    n_nodes = len(expected["byte"])

    def read(field: int, size: int) -> list[int]:
        return packed[packed[field] : packed[field] + size].tolist()

    assert packed.dtype == np.int32
    assert packed.flags.c_contiguous
    assert packed[trie.V_VERSION] == trie.LAYOUT_VERSION
    assert packed[trie.V_TOKENS] == len(tokens)
    assert packed[trie.V_NODES] == n_nodes
    assert packed[trie.V_MAXLEN] == max(map(len, tokens), default=0)
    assert read(trie.V_CHILD, n_nodes + 1) == expected["child_first"]
    assert read(trie.V_BYTE, n_nodes) == expected["byte"]
    assert read(trie.V_TOKFIRST, n_nodes + 1) == expected["token_first"]
    assert read(trie.V_TOKIDS, len(expected["token_ids"])) == expected["token_ids"]
    assert read(trie.V_HEIGHT, n_nodes) == expected["height"]
    assert read(trie.V_BELOW, n_nodes) == expected["below"]
    assert read(trie.V_TOKOFF, len(tokens) + 1) == flatten(tokens)[1].tolist()
    assert bytes(read(trie.V_TOKBYTES, len(b"".join(tokens)))) == b"".join(tokens)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(few_letters | any_bytes)
def test_preorder(tokens: list[bytes]) -> None:
    packed, expected = trie.pack(*flatten(tokens)), preorder(tokens)
    first = packed[packed[trie.V_TOKFIRST] :]
    ids = packed[packed[trie.V_TOKIDS] :]
    assert packed[trie.V_NODES] == len(expected)
    for at, (byte, depth, size, ended) in enumerate(expected):
        step, end, token, node = (
            packed[packed[field] + at] for field in (trie.V_STEP, trie.V_END, trie.V_TOKEN, trie.V_NODE)
        )
        assert (step & 0xFF, step >> 8, end - at) == (byte, depth, size)
        assert packed[packed[trie.V_PLACE] + node] == at
        assert packed[packed[trie.V_BYTE] + node] == byte
        assert ids[first[node] : first[node + 1]].tolist() == ended
        assert token == (trie.SEVERAL if len(ended) > 1 else ended[0] if ended else trie.NO_TOKEN)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(few_letters | any_bytes)
def test_parents(tokens: list[bytes]) -> None:
    packed = trie.pack(*flatten(tokens))
    child = packed[packed[trie.V_CHILD] :]
    for node in range(packed[trie.V_NODES]):
        assert all(trie_parent(packed, c) == node for c in range(child[node], child[node + 1]))


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.lists(st.text(max_size=3).map(str.encode) | st.binary(max_size=5), max_size=60))
def test_bytes_know_their_characters(tokens: list[bytes]) -> None:
    child_first, byte, *_ = trie.build_trie(*flatten(tokens))
    found = trie.characters(child_first, byte)
    begun = {0: b""}  # by node: the bytes of a character that is not finished
    for node in range(byte.size):
        for c in range(child_first[node], child_first[node + 1]):
            char = begun[node] + bytes([byte[c]])
            kind = beginning(char)
            begun[c] = char if kind == "begun" else b""
            starts = 0 if begun[node] else trie.STARTS_CHAR
            assert found[c] == (trie.NO_LEAD if kind == "wrong" else char[0] | starts)


def beginning(part: bytes) -> str:
    """Whether bytes are a character, begin one, or neither."""
    try:
        part.decode()
    except UnicodeDecodeError as error:
        return "begun" if error.reason == "unexpected end of data" else "wrong"
    return "whole"
