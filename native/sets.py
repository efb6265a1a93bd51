"""Sets of small numbers as rows of bits, hash-consed: equal sets stand at one place."""

from __future__ import annotations

from .arena import FULL, SET, SET_HASH, STATUS, mix, take
from .jit import kernel


@kernel("i8(i8, i8, i8)")
def word_with(word, j, k):
    """Word ``j`` of a set, with member ``k`` if that is one of its bits."""
    if k >> 5 != j:
        return word
    return word | (1 << (k & 31) if k & 31 < 31 else -(1 << 31))


@kernel("i8(A, i8, i8, i8)")
def kept_with(A, at, words, k):
    """The set of ``words`` words at ``at`` with member ``k`` (-1: as it is), hash-consed; -1: no room."""
    h = words
    for j in range(words):
        h = mix(h, word_with(int(A[at + j]), j, k) & 0xFFFFFFFF)
    size, table = int(A[SET_HASH + 1]), int(A[SET_HASH])
    slot = (h >> 11) & (size - 1)
    while A[table + slot] != 0:
        other = int(A[table + slot])
        same = A[other - 1] == words
        for j in range(words if same else 0):
            if A[other + j] != word_with(int(A[at + j]), j, k):
                same = False
                break
        if same:
            return other
        slot = (slot + 1) & (size - 1)
    out = take(A, SET, words + 1)
    if out < 0 or A[SET + 2] > size:
        A[STATUS] = FULL
        return -1
    A[out] = words
    for j in range(words):
        A[out + 1 + j] = word_with(int(A[at + j]), j, k)
    A[table + slot] = out + 1
    return out + 1


@kernel("i8(A, i8, i8)")
def kept_set(A, at, words):
    """The set of ``words`` words at ``at``, hash-consed; -1: no room."""
    return kept_with(A, at, words, -1)


@kernel("void(A, i8, i8)")
def add_member(A, at, k):
    """Add ``k`` to the set at ``at``."""
    A[at + (k >> 5)] |= 1 << (k & 31) if k & 31 < 31 else -(1 << 31)


@kernel("b1(A, i8, i8)")
def has_member(A, at, k):
    """Whether the set at ``at`` holds ``k``."""
    return bool((A[at + (k >> 5)] >> (k & 31)) & 1)
