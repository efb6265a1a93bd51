"""The table of pairs: looked up, asked for when missing, and published when built (:mod:`.pairs`).

Pair record: suffix set, position, number of rows, rows, number of lists, address of the lists (place and length of
each) and of the ids behind them, number of ids, exit (of a rule with several: minus the address of a list of them, each
with what remains, behind its length), suspects (:mod:`.suspects`; 0: none), and of the table of a cut
loop set what is left of tokens that stay inside it for ``CUT`` bytes (-1: nothing; -2: the table is of no use).
"""

from __future__ import annotations

import numpy as np

from .arena import (
    DENSE,
    FAR,
    FULL,
    IDS,
    LIST,
    PAIR,
    PAIR_HASH,
    PAIR_ROWS,
    PAIR_STRIDE,
    PENDING,
    POS,
    POS_STRIDE,
    STATUS,
    USED_LISTS,
    USED_ROWS,
    WAITS,
    WORDS,
    mix,
    take,
)
from .collect import add_list, add_row, dense_row, flush_ids, leave, set_bits
from .jit import kernel
from .languages import AUTOMATON, DFA_SLACK, SPEC_FREE, SPEC_KIND, SPEC_MAX, SPEC_MIN, SPEC_REF
from .positions import A_LOOSE, A_UNIQUE, K_ARRAY, K_OPEN, K_STRING, lazy, position
from .states import merge
from .suffixes import height
from .suspects import add_suspects, keep_suspects
from .waiting import ask_first

P_SET, P_POS, P_ROWS, P_ROW, P_LISTS, P_LIST, P_COUNT, P_EXIT, P_SUSPECTS = 0, 1, 2, 3, 7, 8, 9, 10, 11
P_FAR = 12
DENSE_FROM = 400  # listed tokens from which a dense row is cheaper to unite and to keep


@kernel("i8(A, i8, i8)")
def find_pair(A, x, pos):
    """Record of a pair, or 0."""
    h = mix(mix(7, x), pos)
    size, table = int(A[PAIR_HASH + 1]), int(A[PAIR_HASH])
    slot = (h >> 11) & (size - 1)
    while A[table + slot] != 0:
        at = int(A[PAIR]) + int(A[table + slot]) * PAIR_STRIDE
        if A[at] == x and A[at + 1] == pos:
            return at
        slot = (slot + 1) & (size - 1)
    return 0


@kernel("b1(A, A, i8, i8, i8, i8)")
def is_unbounded(A, V, spec, x, count, spare):
    """Whether bounds forbid none of the suffixes ``x`` after ``count`` characters, if ``spare`` more must be left."""
    if count < A[spec + SPEC_MIN]:
        return False
    if A[spec + SPEC_MAX] < 0:
        return True
    slack = int(A[A[spec + SPEC_REF] + DFA_SLACK]) if A[spec + SPEC_KIND] == AUTOMATON else 0
    return count + height(A, V, x) + slack + spare <= A[spec + SPEC_MAX]


@kernel("i8(A, A, i8, i8)")
def plain_position(A, V, pos, x):
    """The position that reads the suffixes ``x`` just like ``pos``, with counters dropped that they cannot reach.

    A mask depends on a count only up to the longest suffix, so ``maxLength: 10000`` has the mask of no maximum almost
    everywhere. Arrays whose items must differ are alike whatever their items were, as far as that is known.
    """
    at = int(A[POS]) + pos * POS_STRIDE
    if A[at] == K_ARRAY and A[at + 5] == 1:
        arr = lazy(A, int(A[at + 1]))
        loose, bits = int(A[arr + A_LOOSE]), int(A[arr + A_UNIQUE])
        if arr == 0 or loose == 0:
            return pos
        return position(A, K_ARRAY, loose, int(A[at + 2]), int(A[at + 3]), int(A[at + 4]), 2 * bits + 1, 0, 0)
    if A[at] != K_STRING and A[at] != K_OPEN:
        return pos
    spec = int(A[at + 1])
    if A[spec + SPEC_KIND] > AUTOMATON or (A[spec + SPEC_MAX] < 0 and A[spec + SPEC_MIN] == 0):
        return pos
    count, avoid = int(A[at + 3]), int(A[at + 5])
    if A[at] == K_OPEN:
        count, avoid = 0, int(A[at + 3])
    if not is_unbounded(A, V, spec, x, count, int(avoid != 0)):
        return pos
    free = int(A[spec + SPEC_FREE])
    if A[at] == K_OPEN:
        return position(A, K_OPEN, free, int(A[at + 2]), avoid, 0, 0, 0, 0)
    return position(A, K_STRING, free, int(A[at + 2]), 0, int(A[at + 4]), avoid, 0, 0)


@kernel("void(A, i8)")
def use_tokens(A, pair):
    """Take over the tokens of a finished pair."""
    for j in range(int(A[pair + P_ROWS])):
        add_row(A, int(A[pair + P_ROW + j]))
    at, n = int(A[pair + P_LIST]), int(A[pair + P_LISTS])
    for j in range(n):
        add_list(A, int(A[at + 2 * j]), int(A[at + 2 * j + 1]))
    add_list(A, at + 2 * n, int(A[pair + P_COUNT]))
    suspects = int(A[pair + P_SUSPECTS])
    if suspects != 0:
        add_suspects(A, A, suspects + 1, int(A[suspects]))


@kernel("i8(A, i8)")
def pair_row(A, pair):
    """A dense row with all tokens of a pair, still to be kept (:func:`.collect.keep_row`); 0 with ``FULL`` set."""
    at, words = take(A, DENSE, int(A[WORDS])), np.uint64(A[WORDS])
    if at < 0:
        return 0
    base = np.uint64(at)
    for j in range(words):  # unsigned indices: vector loops
        A[base + j] = 0
    for k in range(int(A[pair + P_ROWS])):
        row = np.uint64(A[pair + P_ROW + k])
        for j in range(words):
            A[base + j] |= A[row + j]
    ids, n_lists = int(A[pair + P_LIST]), int(A[pair + P_LISTS])
    for k in range(n_lists):
        set_bits(A, at, int(A[ids + 2 * k]), int(A[ids + 2 * k + 1]))
    set_bits(A, at, ids + 2 * n_lists, int(A[pair + P_COUNT]))
    return at


@kernel("void(A, i8, i8)")
def ask(A, x, pos):
    """Ask for a pair that is missing: it is built before the pair that waits for it goes on."""
    A[WAITS] = 1
    ask_first(A, PENDING, x, pos)


@kernel("void(A, i8, i8, i8)")
def keep_pair(A, x, pos, exit_set):
    """Publish what was collected as the pair (x, pos)."""
    if A[IDS + 2] > DENSE_FROM:
        flush_ids(A)
    n_rows = int(A[USED_ROWS + 2])
    if n_rows > PAIR_ROWS:
        row = dense_row(A, n_rows, 0)
        n_rows = 1
        A[A[USED_ROWS]] = row
    n, n_lists = int(A[IDS + 2]), int(A[USED_LISTS + 2])
    at, ids, suspects = take(A, PAIR, PAIR_STRIDE), take(A, LIST, n_lists + n), keep_suspects(A, LIST)
    size, table = int(A[PAIR_HASH + 1]), int(A[PAIR_HASH])
    if at < 0 or ids < 0 or A[PAIR + 2] > size * (PAIR_STRIDE // 2):
        A[STATUS] = FULL
    if A[STATUS] != 0:
        return
    A[at], A[at + 1], A[at + P_ROWS], A[at + P_LIST], A[at + P_COUNT] = x, pos, n_rows, ids, n
    A[at + P_LISTS], A[at + P_EXIT], A[at + P_SUSPECTS], A[at + P_FAR] = n_lists // 2, exit_set, suspects, A[FAR]
    for j in range(n_rows):
        A[at + P_ROW + j] = A[A[USED_ROWS] + j]
    for j in range(n_lists):
        A[ids + j] = A[A[USED_LISTS] + j]
    for j in range(n):
        A[ids + n_lists + j] = A[A[IDS] + j]
    h = mix(mix(7, x), pos)
    slot = (h >> 11) & (size - 1)
    while A[table + slot] != 0:
        slot = (slot + 1) & (size - 1)
    A[table + slot] = (at - A[PAIR]) // PAIR_STRIDE


@kernel("void(A, A, i8, i8)")
def leave_pair(A, V, pair, parent):
    """What remains behind a pair is read from the parent of its position."""
    x = int(A[pair + P_EXIT])
    if x >= -1:
        leave(A, V, x, parent)
        return
    for k in range(0, int(A[-x]), 2):
        state = merge(A, -int(A[-x + 1 + k]), parent)
        if state > 0:
            leave(A, V, int(A[-x + 2 + k]), state)


@kernel("void(A, A, i8, i8, i8)")
def need_pair(A, V, x, pos, parent):
    """Use the pair (x, pos) if it exists, else ask for it."""
    pos = plain_position(A, V, pos, x)
    pair = find_pair(A, x, pos)
    if pair == 0:
        ask(A, x, pos)
        return
    use_tokens(A, pair)
    leave_pair(A, V, pair, parent)
