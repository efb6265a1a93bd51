"""Tries of words, one word after another taken away, against sets."""

from __future__ import annotations

import numpy as np
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


@given(words=WORDS)
@settings(derandomize=True, deadline=None, max_examples=60)
def test_words_are_added(vocabulary: Vocabulary, words: list[str]) -> None:
    arena = Arena(vocabulary, 1 << 20)
    roots = [arena.trie_of_texts(tuple(sorted(words[:n]))) for n in range(1, len(words) + 1)]
    for n, root in enumerate(roots, 1):
        assert words_below(arena, root) == sorted(word.encode() for word in words[:n])
        assert arena.trie_of_texts(tuple(sorted(words[:n]))) == root


def test_a_word_more_takes_room_for_that_word(vocabulary: Vocabulary) -> None:
    arena, words, size = Arena(vocabulary, 1 << 24), [f"{7 * k % 1000:03}{k:04}-and-so-on" for k in range(500)], []
    for n in range(1, len(words) + 1):
        arena.trie_of_texts(tuple(sorted(words[:n])))
        size.append(int(arena.A[layout.TRIE + 2]))
    assert max(np.diff(size[1:])) <= (2 + 4 * 10 + len(words[0])) * layout.TRIE_STRIDE


def test_no_room_for_a_word_more(vocabulary: Vocabulary) -> None:
    arena = Arena(vocabulary, 1 << 20)
    root = arena.trie_of_texts(("aab", "b"))
    full, used = int(arena.A[layout.TRIE + 1]), int(arena.A[layout.TRIE + 2])
    for room in range(5 * layout.TRIE_STRIDE):
        arena.A[layout.TRIE + 1], arena.A[layout.TRIE + 2] = used + room, used
        with pytest.raises(ArenaFull):
            arena.trie_of_texts(("aab", "aac", "b"))
    arena.A[layout.TRIE + 1], arena.A[layout.TRIE + 2] = full, used
    assert words_below(arena, root) == [b"aab", b"b"]
    assert words_below(arena, arena.trie_of_texts(("aab", "aac", "b"))) == [b"aab", b"aac", b"b"]
