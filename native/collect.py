"""What is noted while a pair or a mask is put together: dense rows, token ids, exits, and what is still to be read."""

from __future__ import annotations

import numpy as np

from .arena import (
    AGAIN,
    BY_EXIT,
    DENSE,
    DENSE_HASH,
    EXITED,
    EXITS,
    FAR,
    FULL,
    IDS,
    LATER,
    POS,
    POS_STRIDE,
    RULES,
    SETS_BEFORE,
    SNODE,
    SNODE_STRIDE,
    SORT,
    STATE,
    STATE_STRIDE,
    STATUS,
    SUSPECTS,
    USED_LISTS,
    USED_ROWS,
    WORDS,
    WORK,
    mix,
    take,
)
from .jit import kernel
from .positions import K_BASE
from .states import AT_BASE, LIVE, S_COUNT, S_FLAGS, S_ITEMS
from .suffixes import edge_tokens, height, list_members, members, suffix_set
from .trie import V_NODES, V_TOKFIRST, V_TOKIDS

SHORT_LIST = 16  # ids below which a copy is cheaper than to look a list up
MOST_SETS = 1_500  # made for one mask: see is_costly
FEW_EXITS = 64  # exits up to which each is followed by itself


@kernel("i8(A, i8)")
def keep_row(A, at):
    """Hash-cons the dense row just taken at ``at`` (the last of its region): its place."""
    words, base = int(A[WORDS]), np.uint64(at)
    total = np.int64(0)
    for j in range(np.uint64(words)):  # unsigned indices: a vector loop; the sum stays below 2^58
        total += np.int64(A[base + j]) * np.int64(2 * j + np.uint64(1))
    h = mix(words, int(total) & 0xFFFFFFFFFFFF)
    size, table = int(A[DENSE_HASH + 1]), int(A[DENSE_HASH])
    slot = (h >> 11) & (size - 1)
    while A[table + slot] != 0:
        other, differ = np.uint64(A[table + slot]), np.int32(0)
        for j in range(np.uint64(words)):
            differ |= A[other + j] ^ A[base + j]
        if differ == 0:
            A[DENSE + 2] -= words
            return int(other)
        slot = (slot + 1) & (size - 1)
    if A[DENSE + 2] > (size // 2) * words:
        A[STATUS] = FULL
        return 0
    A[table + slot] = at
    return at


@kernel("void(A, i8, i8)")
def set_bit(A, row, t):
    """Put a token into a dense row."""
    A[row + (t >> 5)] |= np.int32(1) << np.int32(t & 31)


@kernel("void(A, i8, i8, i8)")
def set_bits(A, row, ids, n):
    """Set the bits of ``n`` tokens listed at ``ids`` in the dense row at ``row``."""
    for k in range(n):
        set_bit(A, row, int(A[ids + k]))


@kernel("void(A, i8, i8)")
def clear_bit(A, row, t):
    """Take a token out of a dense row."""
    A[row + (t >> 5)] &= ~(np.int32(1) << np.int32(t & 31))


@kernel("void(A, A, i8, i8)")
def clear_bits(A, V, row, edge):
    """Take the tokens that end at an edge of a suffix set out of a dense row."""
    at, n = edge_tokens(A, V, edge)
    for k in range(at, at + n):
        clear_bit(A, row, int(V[k]) if edge < V[V_NODES] else int(A[k]))


@kernel("i8(A, i8, i8)")
def dense_row(A, n_rows, with_ids):
    """A dense row of the first ``n_rows`` rows noted, the ids (``with_ids`` 1) and lists (2); 0 with ``FULL`` set."""
    words = int(A[WORDS])
    at = take(A, DENSE, words)
    if at < 0:
        return 0
    base, count = np.uint64(at), np.uint64(words)
    for j in range(count):
        A[base + j] = 0
    for k in range(n_rows):
        row = np.uint64(A[A[USED_ROWS] + k])
        for j in range(count):
            A[base + j] |= A[row + j]
    if with_ids:
        set_bits(A, at, int(A[IDS]), int(A[IDS + 2]))
    if with_ids > 1:
        for k in range(0, int(A[USED_LISTS + 2]), 2):
            set_bits(A, at, int(A[A[USED_LISTS] + k]), int(A[A[USED_LISTS] + k + 1]))
    return keep_row(A, at)


@kernel("void(A, i8)")
def add_row(A, row):
    """Note a dense row of the pair or mask being built."""
    at, n = int(A[USED_ROWS]), int(A[USED_ROWS + 2])
    for j in range(n):
        if A[at + j] == row:
            return
    if n == A[USED_ROWS + 1]:
        A[at] = dense_row(A, n, 0)
        n = 1
    A[at + n] = row
    A[USED_ROWS + 2] = n + 1


@kernel("void(A)")
def flush_ids(A):
    """Turn the ids noted so far into a dense row."""
    row = dense_row(A, 0, 1)
    A[IDS + 2] = 0
    if A[STATUS] == 0:
        add_row(A, row)


@kernel("void(A, A, i8, i8)")
def add_ids(A, source, at, n):
    """Note the token ids ``source[at : at + n]``."""
    used = int(A[IDS + 2])
    if used + n > A[IDS + 1]:
        flush_ids(A)
        used = 0
        if A[STATUS] != 0:
            return
    base, first = np.uint64(int(A[IDS]) + used), np.uint64(at)
    for j in range(np.uint64(n)):
        A[base + j] = source[first + j]
    A[IDS + 2] = used + n


@kernel("void(A, i8)")
def add_id(A, token):
    """Note one token id."""
    used = int(A[IDS + 2])
    if used == A[IDS + 1]:
        flush_ids(A)
        used = 0
    A[A[IDS] + used] = token
    A[IDS + 2] = used + 1


@kernel("void(A, i8, i8)")
def add_list(A, at, n):
    """Note ``n`` token ids listed at ``at``: where they are, or a copy of a few."""
    lists, used = int(A[USED_LISTS]), int(A[USED_LISTS + 2])
    if n < SHORT_LIST or used == A[USED_LISTS + 1]:
        add_ids(A, A, at, n)
        return
    for k in range(0, used, 2):
        if A[lists + k] == at:
            return
    A[lists + used], A[lists + used + 1] = at, n
    A[USED_LISTS + 2] = used + 2


@kernel("void(A, A, i8)")
def add_tokens(A, V, node):
    """Note the tokens that end at a trie node."""
    first = int(V[V_TOKFIRST]) + node
    start = int(V[first])
    n = int(V[first + 1]) - start
    if n:
        add_ids(A, V, int(V[V_TOKIDS]) + start, n)


@kernel("void(A, A, i8)")
def add_edge(A, V, edge):
    """Note the tokens that end at an edge of a suffix set."""
    at, n = edge_tokens(A, V, edge)
    if n and edge < V[V_NODES]:
        add_ids(A, V, at, n)
    elif n:
        add_ids(A, A, at, n)


@kernel("void(A, i8, i8)")
def add_node(A, region, node):
    """Append a trie node to a region of scratch."""
    used = int(A[region + 2])
    if used >= A[region + 1]:
        A[STATUS] = FULL
        return
    A[A[region] + used] = node
    A[region + 2] = used + 1


@kernel("void(A, A, i8)")
def add_exit(A, V, x):
    """Note that the value can end at every member of ``x``."""
    used, n = int(A[EXITS + 2]), members(A, V, x)[1]
    if used + n > A[EXITS + 1]:  # noted several times, perhaps
        used = list_members(A, V, suffix_set(A, V, int(A[EXITS]), used), int(A[EXITS]))
    if A[STATUS] != 0 or used + n > A[EXITS + 1]:
        A[STATUS] = FULL
        return
    A[EXITS + 2] = used + list_members(A, V, x, int(A[EXITS]) + used)


@kernel("void(A, A)")
def fold_exits(A, V):
    """Unite what remains behind each exit noted in ``BY_EXIT``: one suffix set for each exit. O(exits * noted).

    A rule either has exits or just ends, so ``EXITS`` is free meanwhile.
    """
    base, n, kept = int(A[BY_EXIT]), int(A[BY_EXIT + 2]), 0
    for i in range(0, n, 2):
        exit = int(A[base + i])
        if exit == 0:
            continue
        A[EXITS + 2] = 0
        for j in range(i, n, 2):
            if A[base + j] == exit:
                add_exit(A, V, int(A[base + j + 1]))
                A[base + j] = 0
        x = suffix_set(A, V, int(A[EXITS]), int(A[EXITS + 2]))
        if x >= 0:
            A[base + kept], A[base + kept + 1] = exit, x
            kept += 2
    A[EXITS + 2], A[BY_EXIT + 2] = 0, kept


@kernel("void(A, A, i8, i8)")
def end_at(A, V, x, state):
    """Note that the value can end at every member of ``x``, by the exits that ``state`` holds."""
    at = int(A[STATE]) + state * STATE_STRIDE
    items, count = int(A[at + S_ITEMS]), int(A[at + S_COUNT])
    for j in range(count):
        pos = int(A[POS]) + int(A[items + 2 * j]) * POS_STRIDE
        if A[pos] != K_BASE:
            continue
        if A[pos + 1] == 0:
            add_exit(A, V, x)
            return
        if A[BY_EXIT + 2] + 2 > A[BY_EXIT + 1]:
            fold_exits(A, V)
            if A[BY_EXIT + 2] + 2 > A[BY_EXIT + 1]:
                A[STATUS] = FULL
        if A[STATUS] != 0:
            return
        top = int(A[BY_EXIT]) + int(A[BY_EXIT + 2])
        A[top], A[top + 1] = A[pos + 1], x
        A[BY_EXIT + 2] += 2


@kernel("void(A, i8, i8)")
def push(A, x, state):
    """Suffix set ``x`` is still to be read from ``state``."""
    used, base = int(A[WORK + 2]), int(A[WORK])
    if used + 2 > A[WORK + 1]:
        A[STATUS] = FULL
        return
    A[base + used], A[base + used + 1] = x, state
    A[WORK + 2] = used + 2


@kernel("void(A, A, i8, i8)")
def arrive(A, V, x, state):
    """Some token bytes led to ``state`` with the suffixes ``x`` (-1: none) left to read."""
    if x < 0:
        return
    flags = A[A[STATE] + state * STATE_STRIDE + S_FLAGS]
    if flags & AT_BASE:
        end_at(A, V, x, state)
    if flags & LIVE:
        push(A, x, state)


@kernel("void(A, A, i8, i8)")
def defer(A, V, x, state):
    """Suffix set ``x`` is to be read from ``state`` later, together with others that are to be."""
    base, used, pool = int(A[LATER]), int(A[LATER + 2]), int(A[SORT])
    for j in range(0, used, 2):
        size = members(A, V, x)[1] + members(A, V, int(A[base + j]))[1]
        if A[base + j + 1] == state and size <= A[SORT + 1]:
            n = list_members(A, V, x, pool)
            n += list_members(A, V, int(A[base + j]), pool + n)
            A[base + j] = suffix_set(A, V, pool, n)
            return
    if used + 2 > A[LATER + 1]:
        A[STATUS] = FULL
        return
    A[base + used], A[base + used + 1] = x, state
    A[LATER + 2] = used + 2


@kernel("void(A, A, i8, i8)")
def leave(A, V, x, state):
    """The value has ended with the suffixes ``x`` (-1: none) left, which ``state`` reads.

    An ambiguous grammar has exponentially many ways through its stacks. So beyond some exits, those that lead to one
    state are united, and the longest suffixes are read first: then each state is left at most once for every length.
    """
    if x < 0:
        return
    A[EXITED] += 1
    flags = A[A[STATE] + state * STATE_STRIDE + S_FLAGS]
    if A[EXITED] <= FEW_EXITS or flags & LIVE == 0:
        arrive(A, V, x, state)
        return
    if flags & AT_BASE:
        end_at(A, V, x, state)
    defer(A, V, x, state)


@kernel("b1(A)")
def is_costly(A):
    """Whether a mask has taken so many new suffix sets that steps along the whole trie would have been shorter.

    So it is where a grammar is ambiguous at every character and nests as well: each exit leaves other suffixes.
    """
    return A[RULES] != 0 and A[SNODE + 2] - A[SETS_BEFORE] > MOST_SETS * SNODE_STRIDE


@kernel("b1(A, A)")
def has_work(A, V):
    """Whether something is still to be read: on top of the stack, if need be from what was deferred."""
    if A[STATUS] != 0 or is_costly(A):
        return False
    used, base = int(A[LATER + 2]), int(A[LATER])
    if A[WORK + 2] > 0 or used == 0:
        return A[WORK + 2] > 0
    best, tallest = 0, -1
    for j in range(0, used, 2):
        h = height(A, V, int(A[base + j]))
        if h > tallest:
            best, tallest = j, h
    push(A, int(A[base + best]), int(A[base + best + 1]))
    A[base + best], A[base + best + 1] = A[base + used - 2], A[base + used - 1]
    A[LATER + 2] = used - 2
    return True


@kernel("void(A)")
def start_collecting(A):
    """Forget what was noted before."""
    A[USED_ROWS + 2], A[USED_LISTS + 2], A[IDS + 2], A[EXITS + 2], A[WORK + 2], A[SUSPECTS + 2] = 0, 0, 0, 0, 0, 0
    A[LATER + 2], A[EXITED], A[FAR], A[AGAIN + 2], A[BY_EXIT + 2] = 0, 0, -1, 0, 0
