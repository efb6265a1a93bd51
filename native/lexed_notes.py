"""What is noted while a pair of the lexer is put together, and how it is kept (:mod:`.lexed_pairs`).

Record (region PAIR): set, position, place and number of the groups (tags, row, list, length, whether the tokens have
passed a match), of the exits (tag, carry, set), and whether what follows the match in the state itself was left out:
too many tokens neither kill the lexer nor reach a longer match.
"""

from __future__ import annotations

import numpy as np

from .arena import (
    AHEAD,
    COWALK,
    DENSE,
    ENDED,
    FULL,
    IDS,
    LEFT,
    LIST,
    PAIR,
    PAIR_HASH,
    PAIR_STRIDE,
    STATUS,
    WANTED,
    WORDS,
    mix,
    take,
)
from .collect import keep_row, set_bits
from .fronts import BELOW, PREFIX, front, is_front, with_members
from .jit import kernel
from .pair_table import DENSE_FROM
from .positions import K_BYTE, position
from .suffixes import below, edge_tokens
from .trie import V_NODES

R_GROUPS, R_N_GROUPS, R_EXITS, R_N_EXITS, R_SHADOW = 2, 3, 4, 5, 6
GROUP, EXIT = 5, 3  # words of a group and of an exit
# set, lexer state, mode, tag and left state of the last match, bytes since then, depth, byte (or minus the number of
# bytes that lead to the set, a node of the trie, from where the path is known), whether it is the first frame
FRAME = 9
MAX_PATH = 1024
# instead of a tag: an exit behind the match that ended before the set of the pair begins; an exit that is kept already
BEFORE, DONE = -2, -3
EXIT_FROM = 1024  # tokens below a set from which it is an exit of its own instead of being merged with others
# scratch COWALK: groups (tags, tokens, rows, place), then rows (group, row)
N_GROUPS, N_ROWS, LAST_GROUP, N_SHADOWS, COUNTERS, MAX_GROUPS, AT_ROWS = 0, 1, 2, 3, 4, 20000, 80000
MISSING = 3  # spare word of region WANTED: whether the pair being built lacks others; -1: it is to start again


@kernel("i8(A, i8, i8)")
def group_of(A, tags, matched):
    """Number of the group of a set of tags, made if it is new; ``matched``: its tokens have passed a match."""
    tags = 2 * tags + matched
    base = int(A[COWALK]) + COUNTERS
    n = int(A[base - COUNTERS + N_GROUPS])
    last = int(A[base - COUNTERS + LAST_GROUP])
    if last < n and A[base + 4 * last] == tags:
        return last
    for k in range(n):
        if A[base + 4 * k] == tags:
            A[base - COUNTERS + LAST_GROUP] = k
            return k
    if n == MAX_GROUPS:
        A[STATUS] = FULL
        return 0
    A[base + 4 * n], A[base + 4 * n + 1], A[base + 4 * n + 2] = tags, 0, 0
    A[base - COUNTERS + N_GROUPS], A[base - COUNTERS + LAST_GROUP] = n + 1, n
    return n


@kernel("void(A, A, i8, i8, i8, i8)")
def end_tokens(A, source, at, n, tags, matched):
    """Note ``n`` tokens at ``source[at:]`` that end where ``tags`` are pending."""
    used, base = int(A[ENDED + 2]), int(A[ENDED])
    if A[WANTED + MISSING] < 0:
        return
    if 2 * (used + n) > A[ENDED + 1]:
        A[STATUS] = FULL
        return
    group = group_of(A, tags, matched)
    for j in range(n):
        A[base + 2 * (used + j)], A[base + 2 * (used + j) + 1] = group, source[at + j]
    A[ENDED + 2] = used + n
    A[int(A[COWALK]) + COUNTERS + 4 * group + 1] += n


@kernel("void(A, A, i8, i8, i8)")
def end_edge(A, V, edge, tags, matched):
    """Note the tokens that end at an edge."""
    at, n = edge_tokens(A, V, edge)
    if n and edge < V[V_NODES]:
        end_tokens(A, V, at, n, tags, matched)
    elif n:
        end_tokens(A, A, at, n, tags, matched)


@kernel("void(A, i8, i8, i8)")
def end_row(A, row, tags, matched):
    """Note all tokens of a dense row that end where ``tags`` are pending."""
    if A[WANTED + MISSING] < 0:
        return
    base, group = int(A[COWALK]), group_of(A, tags, matched)
    n = int(A[base + N_ROWS])
    if AT_ROWS + 2 * n + 2 > A[COWALK + 1]:
        A[STATUS] = FULL
        return
    A[base + AT_ROWS + 2 * n], A[base + AT_ROWS + 2 * n + 1] = group, row
    A[base + COUNTERS + 4 * group + 2] += 1
    A[base + N_ROWS] = n + 1


@kernel("void(A, i8, i8, i8, i8)")
def leave(A, tag, left, x, code):
    """Note that a token of the lexer ended, and what remains then."""
    used = int(A[LEFT + 2])
    if A[WANTED + MISSING] < 0:
        return
    if 4 * used + 4 > A[LEFT + 1] // 2:
        A[STATUS] = FULL
        return
    at = int(A[LEFT]) + 4 * used
    A[at], A[at + 1], A[at + 2], A[at + 3] = tag, left, x, code
    A[LEFT + 2] = used + 1


@kernel("i8(A, i8, i8)")
def prefix(A, depth, n):
    """The last ``n`` bytes of the path of ``depth`` bytes as a chain, the first one first."""
    path, chain = int(A[AHEAD]) + int(A[AHEAD + 1]) - MAX_PATH, 0
    for j in range(n):
        chain = position(A, K_BYTE, int(A[path + depth - 1 - j]), chain, 0, 0, 0, 0, 0)
    return chain


@kernel("void(A, i8, i8, i8, i8, i8, i8)")
def fall_back(A, tag, left, since, depth, x, kind):
    """Note that the token ends at its last match, ``since`` bytes before what remains of kind ``kind`` of ``x``."""
    before = since > depth  # the bytes before the set are those of whoever uses the pair
    leave(A, BEFORE if before else tag, left, x, prefix(A, depth, since - before) * PREFIX + kind)


@kernel("void(A, i8, i8, i8, i8, i8, i8, i8, i8, i8)")
def ahead(A, x, q, mode, tag, left, since, depth, b, is_first):
    """The set ``x`` is still to be read from a lexer state."""
    used, base = int(A[AHEAD + 2]), int(A[AHEAD])
    if used + FRAME > A[AHEAD + 1] // 2 or depth >= MAX_PATH:
        A[STATUS] = FULL
        return
    at = base + used
    A[at], A[at + 1], A[at + 2], A[at + 3], A[at + 4] = x, q, mode, tag, left
    A[at + 5], A[at + 6], A[at + 7], A[at + 8] = since, depth, b, is_first
    A[AHEAD + 2] = used + FRAME


@kernel("void(A)")
def _sort_by_group(A):
    """Order the tokens noted by their groups, in region IDS; each group learns where its own begin."""
    base, ended, out, start = int(A[COWALK]) + COUNTERS, int(A[ENDED]), int(A[IDS]), 0
    for k in range(int(A[base - COUNTERS + N_GROUPS])):
        A[base + 4 * k + 3] = start
        start += A[base + 4 * k + 1]
    for j in range(int(A[ENDED + 2])):
        at = base + 4 * int(A[ended + 2 * j]) + 3
        A[out + A[at]] = A[ended + 2 * j + 1]
        A[at] += 1


@kernel("i8(A, i8)")
def _only_row(A, k):
    """The row noted first for group ``k``."""
    at = int(A[COWALK]) + AT_ROWS
    while A[at] != k:
        at += 2
    return int(A[at + 1])


@kernel("b1(A, i8, i8)")
def _keep_group(A, k, at):
    """Write group ``k`` to ``at``: its tokens as a row, or as a list; False with ``FULL`` set."""
    base = int(A[COWALK])
    group = base + COUNTERS + 4 * k
    n, ids = int(A[group + 1]), int(A[IDS]) + int(A[group + 3]) - int(A[group + 1])
    A[at], A[at + 1], A[at + 2], A[at + 3], A[at + 4] = A[group] >> 1, 0, 0, n, A[group] & 1
    if A[group + 2] == 0 and n < DENSE_FROM:
        place = take(A, LIST, n)
        if place < 0:
            return False
        A[at + 2] = place
        for j in range(n):
            A[place + j] = A[ids + j]
        return True
    if A[group + 2] == 1 and n == 0:
        A[at + 1] = _only_row(A, k)
        return True
    row, words = take(A, DENSE, int(A[WORDS])), np.uint64(A[WORDS])
    if row < 0:
        return False
    to = np.uint64(row)
    for j in range(words):
        A[to + j] = 0
    for m in range(int(A[base + N_ROWS])):
        if A[base + AT_ROWS + 2 * m] == k:
            source = np.uint64(A[base + AT_ROWS + 2 * m + 1])
            for j in range(words):
                A[to + j] |= A[source + j]
    set_bits(A, row, ids, n)
    A[at + 1] = keep_row(A, row)
    return A[STATUS] == 0


@kernel("i8(A, A)")
def _kept_exits(A, V):
    """Write the exits, those with one tag and left state as one set: their place, where their number stands first."""
    base, used, n = int(A[LEFT]), int(A[LEFT + 2]), 0
    members, room = base + int(A[LEFT + 1]) // 2, int(A[LEFT + 1]) // 4
    found = members + room  # exits made, three words each
    j = 0
    while j < used:
        tag, left, m = A[base + 4 * j], A[base + 4 * j + 1], 0
        if tag != DONE:
            for k in range(j, used):
                at = base + 4 * k
                if A[at] != tag or A[at + 1] != left:
                    continue
                A[at] = DONE
                x, code = int(A[at + 2]), int(A[at + 3])
                if code == BELOW and is_front(A, V, x):
                    m = with_members(A, V, members, m, x)
                elif code == BELOW and below(A, V, x) >= EXIT_FROM and EXIT * n + 2 * EXIT < room:
                    A[found + EXIT * n], A[found + EXIT * n + 1], A[found + EXIT * n + 2] = tag, left, x
                    n += 1
                else:
                    A[members + 2 * m], A[members + 2 * m + 1] = x, code
                    m += 1
                if 2 * m > room // 2:
                    A[STATUS] = FULL
                    return 0
            x = front(A, V, members, m) if m else -1
            if A[STATUS] != 0 or EXIT * n + EXIT > room:
                A[STATUS] = FULL
                return 0
            if x >= 0:
                A[found + EXIT * n], A[found + EXIT * n + 1], A[found + EXIT * n + 2] = tag, left, x
                n += 1
        j += 1
    out = take(A, LIST, EXIT * n + 1)
    if out < 0:
        return 0
    A[out] = n
    for k in range(EXIT * n):
        A[out + 1 + k] = A[found + k]
    return out


@kernel("void(A, A, i8, i8, i8)")
def keep(A, V, x, place, in_shadow):
    """Publish what was collected as the pair (x, place)."""
    n = int(A[int(A[COWALK]) + N_GROUPS])
    groups, exits = take(A, LIST, GROUP * n), _kept_exits(A, V)
    if groups < 0 or exits == 0:
        return
    _sort_by_group(A)
    for k in range(n):
        if not _keep_group(A, k, groups + GROUP * k):
            return
    at = take(A, PAIR, PAIR_STRIDE)
    size, table = int(A[PAIR_HASH + 1]), int(A[PAIR_HASH])
    if at < 0 or A[PAIR + 2] > size * (PAIR_STRIDE // 2) or A[STATUS] != 0:
        A[STATUS] = FULL
        return
    A[at], A[at + 1], A[at + R_GROUPS], A[at + R_N_GROUPS] = x, place, groups, n
    A[at + R_EXITS], A[at + R_N_EXITS], A[at + R_SHADOW] = exits + 1, A[exits], in_shadow
    slot = (mix(mix(7, x), place) >> 11) & (size - 1)
    while A[table + slot] != 0:
        slot = (slot + 1) & (size - 1)
    A[table + slot] = (at - int(A[PAIR])) // PAIR_STRIDE
