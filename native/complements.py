"""The table of a large loop set over the whole vocabulary, from the few bytes that are not in it.

A sweep of the trie looks at every node. Nearly all of them stay inside the loop of a string or a comment, so it is
cheaper to begin with all tokens of well-formed text, and to take away what lies below the edges that leave the
loop. The index for that is made once per vocabulary: the parent of every node, its UTF-8 mode, the nodes by their byte.
"""

from __future__ import annotations

import numpy as np

from .arena import DENSE, HEAP, INDEX, STATUS, WORDS, take
from .collect import add_exit, add_row, clear_bit, keep_row
from .jit import kernel
from .languages import in_loop
from .strings import CHAR, DEAD, utf8_step
from .trie import V_BYTE, V_CHILD, V_NODES, V_TOKFIRST, V_TOKIDS

I_PARENT, I_MODE, I_FIRST, I_NODES, I_ROW, I_RECORD = 0, 1, 2, 3, 4, 5
SHARE = 4  # a complement is used when at most one node in so many has one of its bytes


@kernel("void(A, A)")
def make_index(A, V):
    """Make the index. O(trie)."""
    nodes, child, node_byte = int(V[V_NODES]), int(V[V_CHILD]), int(V[V_BYTE])
    first, ids, words = int(V[V_TOKFIRST]), int(V[V_TOKIDS]), int(A[WORDS])
    at, row = take(A, HEAP, I_RECORD + 3 * nodes + 258), take(A, DENSE, words)
    if at < 0 or row < 0:
        return
    parent, mode = at + I_RECORD, at + I_RECORD + nodes
    starts, by_byte = mode + nodes + 1, mode + nodes + 258
    for k in range(258):
        A[starts - 1 + k] = 0
    for j in range(words):
        A[row + j] = 0
    A[parent], A[mode] = 0, 0
    for node in range(nodes):
        here = int(A[mode + node])
        for c in range(int(V[child + node]), int(V[child + node + 1])):
            b = int(V[node_byte + c])
            r = utf8_step(here, b) if here >= 0 else DEAD
            A[parent + c], A[mode + c] = node, -1 if r == DEAD else 0 if r >= CHAR else r
            A[starts + b] += 1
            if r != DEAD:
                for t in range(int(V[first + c]), int(V[first + c + 1])):
                    token = V[ids + t]
                    A[row + (token >> 5)] |= 1 << (token & 31)
    for b in range(1, 257):
        A[starts + b] += A[starts + b - 1]
    for node in range(nodes - 1, 0, -1):
        b = int(V[node_byte + node])
        A[starts + b] -= 1
        A[by_byte + A[starts + b]] = node
    A[at + I_PARENT], A[at + I_MODE], A[at + I_FIRST], A[at + I_NODES] = parent, mode, starts, by_byte
    A[at + I_ROW] = keep_row(A, row)
    A[INDEX] = at


@kernel("b1(A, A, i8, i8)")
def leaves_first(A, V, loop, node):
    """Whether the edge into a node, at the start of a character, is the first on its path that leaves a loop set."""
    parent, mode, node_byte = int(A[A[INDEX] + I_PARENT]), int(A[A[INDEX] + I_MODE]), int(V[V_BYTE])
    node = int(A[parent + node])
    if A[mode + node] != 0:
        return False
    while node != 0:
        above = int(A[parent + node])
        if A[mode + above] == 0 and not in_loop(A, loop, int(V[node_byte + node])):
            return False
        node = above
    return True


@kernel("void(A, A, i8, i8)")
def clear_below(A, V, row, node):
    """Take the tokens at and below a node of the trie out of a dense row: level by level, each one slice."""
    child, first, ids = int(V[V_CHILD]), int(V[V_TOKFIRST]), int(V[V_TOKIDS])
    lo, hi = node, node + 1
    while lo < hi:
        for t in range(int(V[first + lo]), int(V[first + hi])):
            clear_bit(A, row, int(V[ids + t]))
        lo, hi = int(V[child + lo]), int(V[child + hi])


@kernel("b1(A, A, i8)")
def gather_complement(A, V, loop):
    """Collect the table of the whole vocabulary and a loop set; False when the set is too small for this to pay."""
    if A[INDEX] == 0:
        make_index(A, V)
        if A[STATUS] != 0:
            return True
    at, total = int(A[INDEX]), 0
    starts, by_byte = int(A[at + I_FIRST]), int(A[at + I_NODES])
    for b in range(256):
        if not in_loop(A, loop, b):
            total += A[starts + b + 1] - A[starts + b] if b < 0x80 or 0xC2 <= b <= 0xF4 else 0
    if SHARE * total > V[V_NODES]:
        return False
    row, words = take(A, DENSE, int(A[WORDS])), np.uint64(A[WORDS])
    if row < 0:
        return True
    to, source = np.uint64(row), np.uint64(A[at + I_ROW])
    for j in range(words):
        A[to + j] = A[source + j]
    for b in range(256):
        if in_loop(A, loop, b):
            continue
        for j in range(int(A[starts + b]), int(A[starts + b + 1])):
            node = int(A[by_byte + j])
            if leaves_first(A, V, loop, node):
                add_exit(A, V, int(A[int(A[at + I_PARENT]) + node]))
                clear_below(A, V, row, node)
    row = keep_row(A, row)
    if A[STATUS] == 0:
        add_row(A, row)
    return True
