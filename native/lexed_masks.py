"""The tokens of an item that a lexer and an LR stack read: the pairs of the lexer, asked of the stack once per group.

Reading a suffix set begins with its pair with the lexer state. A group of tokens is allowed if the stack accepts one of
the tags that may still come; each exit shifts its tag, and what remains is read in the context of the new stack. The
cells of those stacks are scratch: most are never needed again.
"""

from __future__ import annotations

import numpy as np

from .arena import (
    AHEAD,
    CELLS,
    DENSE,
    FULL,
    POS,
    POS_STRIDE,
    STATE,
    STATE_STRIDE,
    STATUS,
    WORDS,
    take,
)
from .collect import add_ids, add_list, add_row, clear_bit, keep_row, push, set_bits
from .fronts import open_set
from .jit import kernel
from .languages import dfa_class
from .lexed_pairs import EXIT, GROUP, R_EXITS, R_GROUPS, R_N_EXITS, R_N_GROUPS, R_SHADOW, lexed_pair
from .lexed_steps import X_GRAMMAR, X_LEXER, X_MODE, X_SHADOW, X_TAIL, behind_token
from .lexer import F_ACCEPT, F_LATE, F_LEFT, NONE, can_begin, field, lexer_start, lexer_step, place_of
from .masks import recipe
from .pair_table import find_pair
from .stacks import G_CONTEXT, G_LEXER, accepts_some, after_tag, top
from .states import S_RECIPE, state_of
from .steps import step
from .strings import CHAR, DEAD, utf8_step
from .suffixes import edge_byte, edge_range, edge_rest, edge_tokens
from .trie import V_NODES, V_TOKBYTES, V_TOKOFF

FRAME = 4  # stack, set, lexer state, mode
SPARE = 3  # spare word of region AHEAD: words in use of its upper half


@kernel("void(A, i8, i8, i8, i8)")
def _ahead(A, cell, x, q, mode):
    """A set is still to be read from a lexer state above a stack (in the upper half of region AHEAD)."""
    n, room = int(A[AHEAD + SPARE]), int(A[AHEAD + 1]) // 2 - 2048
    if n + FRAME > room:
        A[STATUS] = FULL
        return
    at = int(A[AHEAD]) + int(A[AHEAD + 1]) // 2 + n
    A[at], A[at + 1], A[at + 2], A[at + 3] = cell, x, q, mode
    A[AHEAD + SPARE] = n + FRAME


@kernel("i8(A, A, i8, i8, i8)")
def _read_level(A, V, x, pos, parent):
    """Collect one level of a set by steps of states, and leave the rest to be read from the states that follow."""
    if not open_set(A, V, x):
        return 0
    state = state_of(A, pos, parent)
    first, last = edge_range(A, V, x)
    for edge in range(first, last):
        to = step(A, state, edge_byte(A, V, edge)) if A[STATUS] == 0 else -1
        if to <= 0:
            continue
        at, n = edge_tokens(A, V, edge)
        if edge < V[V_NODES]:
            add_ids(A, V, at, n)
        else:
            add_ids(A, A, at, n)
        rest = edge_rest(A, V, edge)
        if rest >= 0 and open_set(A, V, rest):
            push(A, rest, to)
    return 1 if A[STATUS] == 0 else 0


@kernel("b1(A, A, i8, i8, i8)")
def _passes_match(A, V, q, mode, token):
    """Whether the lexer passes a match while it reads a token."""
    L, at = field(A, q, 1), int(V[V_TOKOFF]) + token
    for j in range(int(V[at]), int(V[at + 1])):
        r = utf8_step(mode, int(V[int(V[V_TOKBYTES]) + j]))
        if r == DEAD:
            return False
        if r < CHAR:
            if not can_begin(A, q, r):
                return False
            mode = r
            continue
        q, mode = lexer_step(A, q, dfa_class(A, L, r & 0x1FFFFF)), 0
        if q < 0:
            return False
        if field(A, q, F_ACCEPT) != NONE or field(A, q, F_LATE) != 0:
            return True
    return False


@kernel("i8(A, A, i8, i8, i8)")
def _read_shadow(A, V, shadow, q, mode):
    """Collect the tokens that a shadow allows and in which no longer token can end; 0: its mask had to be made."""
    made = int(A[A[STATE] + shadow * STATE_STRIDE + S_RECIPE])
    if made == 0:
        recipe(A, V, shadow)
        return 0
    row, words = take(A, DENSE, int(A[WORDS])), np.uint64(A[WORDS])
    if row < 0:
        return 0
    base = np.uint64(row)
    for j in range(words):
        A[base + j] = 0
    for k in range(int(A[made])):
        source = np.uint64(A[made + 1 + k])
        for j in range(words):
            A[base + j] |= A[source + j]
    at = made + 1 + int(A[made])
    n_lists = int(A[at])
    for k in range(n_lists):
        set_bits(A, row, int(A[at + 1 + 2 * k]), int(A[at + 2 + 2 * k]))
    at += 1 + 2 * n_lists
    set_bits(A, row, at + 1, int(A[at]))
    for j in range(int(A[WORDS])):
        word = int(A[row + j]) & 0xFFFFFFFF
        for k in range(32):
            if (word >> k) & 1 and _passes_match(A, V, q, mode, 32 * j + k):
                clear_bit(A, row, 32 * j + k)
    if A[STATUS] == 0:
        add_row(A, keep_row(A, row))
    return 1 if A[STATUS] == 0 else 0


@kernel("i8(A, A, i8, i8, i8, i8, i8)")
def _read_pairs(A, V, G, x, q, mode, cell):
    """Collect the tokens of a set read from a lexer state above a stack; 0 when tables had to be built."""
    L, complete = int(A[G + G_LEXER]), 1
    A[CELLS + 2], A[AHEAD + SPARE] = 0, 0
    _ahead(A, cell, x, q, mode)
    while A[AHEAD + SPARE] > 0 and A[STATUS] == 0:
        A[AHEAD + SPARE] -= FRAME
        at = int(A[AHEAD]) + int(A[AHEAD + 1]) // 2 + int(A[AHEAD + SPARE])
        cell, x, q, mode = int(A[at]), int(A[at + 1]), int(A[at + 2]), int(A[at + 3])
        pair = find_pair(A, x, place_of(A, q, mode))
        if pair == 0:
            pair, complete = lexed_pair(A, V, x, q, mode), 0
            if pair == 0:
                return 0
        if A[pair + R_SHADOW]:
            shadow = behind_token(A, G, cell, field(A, q, F_ACCEPT), field(A, q, F_LEFT))
            if shadow > 0 and _read_shadow(A, V, shadow, q, mode) == 0:
                return 0
        groups, exits = int(A[pair + R_GROUPS]), int(A[pair + R_EXITS])
        for k in range(int(A[pair + R_N_GROUPS]) * complete):
            at = groups + GROUP * k
            if accepts_some(A, G, cell, int(A[at])):
                if A[at + 1] != 0:
                    add_row(A, int(A[at + 1]))
                else:
                    add_list(A, int(A[at + 2]), int(A[at + 3]))
        for k in range(int(A[pair + R_N_EXITS])):
            at = exits + EXIT * k
            then = after_tag(A, G, cell, int(A[at]))
            if then != 0:
                context = int(A[A[G + G_CONTEXT] + top(A, then)[0]])
                _ahead(A, then, int(A[at + 2]), lexer_start(A, L, context, int(A[at + 1])), 0)
    return complete if A[STATUS] == 0 else 0


@kernel("i8(A, A, i8, i8, i8)")
def read_lexed(A, V, x, pos, parent):
    """Collect the tokens of a set at an item of a lexer; 0 when tables had to be built, or ``A[STATUS]`` is set.

    Where bytes before the set must be read again, or shadows go along in the middle of a token, level by level.
    """
    at = int(A[POS]) + pos * POS_STRIDE
    G, q, mode, shadow = int(A[at + X_GRAMMAR]), int(A[at + X_LEXER]), int(A[at + X_MODE]), int(A[at + X_SHADOW])
    if A[at + X_TAIL] != 0 or (shadow != 0 and x != 0):
        return _read_level(A, V, x, pos, parent)
    if shadow != 0 and _read_shadow(A, V, shadow, q, mode) == 0:
        return 0
    return _read_pairs(A, V, G, x, q, mode, parent)
