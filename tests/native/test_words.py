"""Tries of words, one word after another taken away, against sets."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detent.automata.arena import Arena, ArenaFull
from detent.automata.vocabulary import Vocabulary
from detent.native import arena as layout

WORDS = st.lists(st.text("abé", max_size=4), min_size=1, max_size=9, unique=True)


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary.from_tokens([b"a", b"b", b"<eos>"], eos=[2])


def words_below(arena: Arena, node: int) -> list[bytes]:
    """The words of a trie, in order."""
    A = arena.A
    found = [b""] if A[node + 3] >= 0 else []
    for k in range(int(A[node + 2])):
        child = int(A[node + 1]) + k * layout.TRIE_STRIDE
        found += [bytes([A[child]]) + rest for rest in words_below(arena, child)]
    return found


@given(words=WORDS)
@settings(derandomize=True, deadline=None, max_examples=60)
def test_words_are_taken_away(vocabulary: Vocabulary, words: list[str]) -> None:
    arena = Arena(vocabulary, 1 << 20)
    root = arena.trie(tuple(sorted(words)))
    for n in range(len(words), 0, -1):
        then = arena.trie_without(root, words[n - 1])
        assert words_below(arena, root) == sorted(word.encode() for word in words[:n])
        assert words_below(arena, then) == sorted(word.encode() for word in words[: n - 1])
        root = then


def test_no_room_for_what_is_left(vocabulary: Vocabulary) -> None:
    arena = Arena(vocabulary, 1 << 20)
    root = arena.trie(("a", "aab", "aac", "b"))
    full, used = int(arena.A[layout.TRIE + 1]), int(arena.A[layout.TRIE + 2])
    for room in range(6 * layout.TRIE_STRIDE):
        arena.A[layout.TRIE + 1], arena.A[layout.TRIE + 2] = used + room, used
        with pytest.raises(ArenaFull):
            arena.trie_without(root, "aac")
    arena.A[layout.TRIE + 1], arena.A[layout.TRIE + 2] = full, used
    assert words_below(arena, arena.trie_without(root, "aac")) == [b"a", b"aab", b"b"]
