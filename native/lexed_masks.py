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
    ENDED,
    NEED,
    NEEDED,
    POS,
    POS_STRIDE,
    SNODE,
    SNODE_STRIDE,
    SORT,
    STATE,
    STATE_STRIDE,
    STATUS,
    WORDS,
    take,
)
from .collect import add_row, clear_bit, clear_bits, keep_row, set_bits
from .fronts import BELOW, EDGE, PREFIX, is_front
from .jit import kernel
from .lexed_apart import SPARE, leave_to_islands, put_ahead, read_around, read_by_steps, take_ahead
from .lexed_notes import EXIT, GROUP, R_EXITS, R_GROUPS, R_N_EXITS, R_N_GROUPS, R_SHADOW
from .lexed_pairs import lexed_pair
from .lexed_places import BY_PLACES, UNKNOWN, add_groups, read_places
from .lexed_steps import X_GRAMMAR, X_LEXER, X_MODE, X_SHADOW, X_TAIL, behind_token, context_of
from .lexer import ALWAYS_ASKED, DROPPED, F_ACCEPT, L_EXACT, L_FAR, NONE, field, place_of
from .lexer_carries import carry_on
from .lexer_classes import restarts
from .lexer_loops import forgets
from .lexer_steps import lexer_start
from .masks import recipe
from .pair_table import find_pair
from .sets import has_member
from .stacks import G_AROUND, G_ISLANDS, G_LAZY, G_LEXER, G_SPELLS, after_tag
from .states import S_RECIPE, state_of
from .strings import CHAR, DEAD, utf8_step
from .suffixes import below, edge_rest
from .trie import V_BYTE, V_CHILD, V_NODES, V_TOKFIRST, V_TOKIDS

FRAME = 4  # stack, set, lexer state, mode
MANY, MANY_TIMES = 4096, 3  # sets, and times the tokens of the vocabulary, that are read before places are told apart


@kernel("void(A, A, i8, i8)")
def clear_below(A, V, row, node):
    """Take the tokens at and below a node of the trie out of a dense row: level by level, each one slice."""
    child, first, ids = int(V[V_CHILD]), int(V[V_TOKFIRST]), int(V[V_TOKIDS])
    lo, hi = node, node + 1
    while lo < hi:
        for t in range(int(V[first + lo]), int(V[first + hi])):
            clear_bit(A, row, int(V[ids + t]))
        lo, hi = int(V[child + lo]), int(V[child + hi])


@kernel("void(A, A, i8, i8)")
def _clear_set(A, V, row, x):
    """Take the tokens with suffixes in a set that is no front out of a dense row."""
    nodes, child = int(V[V_NODES]), int(V[V_CHILD])
    members, n = 0, 1
    if x >= nodes:
        at = int(A[SNODE]) + (x - nodes) * SNODE_STRIDE
        members, n = int(A[at]), int(A[at + 1])
    for j in range(n):
        node = x if x < nodes else int(A[members + j])
        for c in range(int(V[child + node]), int(V[child + node + 1])):
            clear_below(A, V, row, c)


@kernel("void(A, A, i8, i8)")
def _clear_exit(A, V, row, x):
    """Take the tokens with suffixes in an exit of a pair with the whole vocabulary out of a dense row."""
    if not is_front(A, V, x):
        _clear_set(A, V, row, x)
        return
    at = int(A[SNODE]) + (x - int(V[V_NODES])) * SNODE_STRIDE
    members = int(A[at])
    for j in range(-int(A[at + 1])):
        y, kind = int(A[members + 2 * j]), int(A[members + 2 * j + 1]) % PREFIX
        if kind == BELOW:
            _clear_set(A, V, row, y)
        else:
            clear_bits(A, V, row, y)
            rest = edge_rest(A, V, y) if kind == EDGE else -1
            if rest >= 0:
                _clear_set(A, V, row, rest)


@kernel("i8(A, A, i8, i8)")
def _unfinished(A, V, row, mode):
    """List the tokens of a dense row that end inside the first character (in region ENDED): how many."""
    child, node_byte, queue, done, queued, n = int(V[V_CHILD]), int(V[V_BYTE]), int(A[SORT]), 0, 1, 0
    first, ids, out = int(V[V_TOKFIRST]), int(V[V_TOKIDS]), int(A[ENDED])
    A[queue], A[queue + 1] = 0, mode
    while done < queued:
        node, mode = int(A[queue + 2 * done]), int(A[queue + 2 * done + 1])
        done += 1
        for c in range(int(V[child + node]), int(V[child + node + 1])):
            r = utf8_step(mode, int(V[node_byte + c]))
            if r == DEAD or r >= CHAR:
                continue
            A[queue + 2 * queued], A[queue + 2 * queued + 1] = c, r
            queued += 1
            for t in range(int(V[first + c]), int(V[first + c + 1])):
                if has_member(A, row, int(V[ids + t])):
                    A[out + n] = V[ids + t]
                    n += 1
    return n


@kernel("void(A, A, i8, i8, i8)")
def _clear_matched(A, V, row, pair, mode):
    """Take the tokens in which the lexer passes a match out of a dense row: exits, and groups behind a match.

    Groups out of the tables of loops may hold tokens that end inside the first character: they have passed no match.
    """
    n = _unfinished(A, V, row, mode)
    for k in range(int(A[pair + R_N_EXITS])):
        _clear_exit(A, V, row, int(A[int(A[pair + R_EXITS]) + EXIT * k + 2]))
    for k in range(int(A[pair + R_N_GROUPS])):
        at = int(A[pair + R_GROUPS]) + GROUP * k
        if A[at + 4] == 0:
            continue
        if A[at + 1] != 0:
            for j in range(int(A[WORDS])):
                A[row + j] &= ~A[int(A[at + 1]) + j]
        for j in range(int(A[at + 3]) if A[at + 2] != 0 else 0):
            clear_bit(A, row, int(A[int(A[at + 2]) + j]))
    set_bits(A, row, int(A[ENDED]), n)


@kernel("i8(A, A, i8, i8, i8)")
def _read_shadow(A, V, shadow, q, mode):
    """Collect the tokens that a shadow allows and in which no longer token can end; 0: its mask had to be made."""
    made = int(A[A[STATE] + shadow * STATE_STRIDE + S_RECIPE])
    if made == 0:
        recipe(A, V, shadow)
        return 0
    pair = find_pair(A, 0, place_of(A, q, mode))
    if pair == 0:
        lexed_pair(A, V, 0, q, mode)
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
    _clear_matched(A, V, row, pair, mode)
    if A[STATUS] == 0:
        add_row(A, keep_row(A, row))
    return 1 if A[STATUS] == 0 else 0


@kernel("i8(A, A, i8, i8, i8)")
def _read_behind_match(A, V, G, q, cell):
    """Collect what the pair of a set and a lexer state leaves to a mask of its own; 0: that had to be made."""
    shadow = behind_token(A, G, cell, field(A, q, F_ACCEPT), carry_on(A, q))
    return _read_shadow(A, V, shadow, q, 0) if shadow > 0 else 1


@kernel("void(A, i8, i8, i8, i8)")
def _read_behind(A, cell, x, q, mode):
    """A set is still to be read from a lexer state above a stack."""
    at = put_ahead(A, FRAME)
    if at != 0:
        A[at], A[at + 1], A[at + 2], A[at + 3] = cell, x, q, mode


@kernel("i8(A, A, i8, i8, i8, i8, i8)")
def _read_pairs(A, V, G, x, q, mode, cell):
    """Collect the tokens of a set read from a lexer state above a stack; 0 when tables had to be built.

    All that must be asked of stacks (:func:`.lexed_steps.lives`) is asked together, once no table is missing.
    Where so many sets or tokens are read that the grammar seems to spell words, all starts again by places.
    """
    L, complete, asked, n_sets, n_tokens = int(A[G + G_LEXER]), 1, False, 0, 0
    A[CELLS + 2], A[AHEAD + SPARE] = 0, 0
    _read_behind(A, cell, x, q, mode)
    while A[AHEAD + SPARE] > 0 and A[STATUS] == 0:
        at = take_ahead(A, FRAME)
        cell, x, q, mode = int(A[at]), int(A[at + 1]), int(A[at + 2]), int(A[at + 3])
        pair = find_pair(A, x, place_of(A, q, mode))
        if pair == 0:
            pair, complete = lexed_pair(A, V, x, q, mode), 0
            if pair == 0:
                return 0
        if A[pair + R_SHADOW] and _read_behind_match(A, V, G, q, cell) == 0:
            return 0
        n_sets, n_tokens = n_sets + 1, n_tokens + below(A, V, x)
        if (n_sets > MANY or n_tokens > MANY_TIMES * below(A, V, 0)) and A[G + G_SPELLS] == UNKNOWN:
            A[G + G_SPELLS] = BY_PLACES
            return 0
        if complete:
            asked |= add_groups(A, G, cell, -1, pair)
        for k in range(int(A[pair + R_N_EXITS])):
            at = int(A[pair + R_EXITS]) + EXIT * k
            then = after_tag(A, G, cell, int(A[at]))
            if then != 0:
                start = lexer_start(A, L, context_of(A, G, then), int(A[at + 1]))
                _read_behind(A, then, int(A[at + 2]), start, 0)
                if A[G + G_ISLANDS] != 0:
                    leave_to_islands(A, V, G, then, int(A[at + 2]))
    if asked and A[STATUS] == 0:
        A[STATUS], A[NEEDED] = NEED, A[G + G_LAZY]
    return complete if A[STATUS] == 0 else 0


@kernel("i8(A, A, i8, i8, i8, i8, i8)")
def _read_many(A, V, G, x, q, mode, cell):
    """As :func:`_read_pairs`, whatever the number of stacks."""
    if mode == 0 and field(A, q, F_ACCEPT) != NONE:
        pair = find_pair(A, x, q)
        if pair == 0:
            lexed_pair(A, V, x, q, mode)
            return 0
        if A[pair + R_SHADOW] and _read_behind_match(A, V, G, q, cell) == 0:
            return 0
    return read_places(A, V, G, x, q, mode, cell)


@kernel("i8(A, i8, i8, i8)")
def _restarted(A, G, q, cell):
    """The state between two tokens, where text is read from that as it is from ``q``, behind some that is ignored."""
    if field(A, q, F_ACCEPT) != DROPPED or not forgets(A, q) or A[G + G_ISLANDS] != 0:
        return q
    start = lexer_start(A, int(A[G + G_LEXER]), context_of(A, G, cell), carry_on(A, q))
    return start if start > 0 and restarts(A, q, start) else q


@kernel("i8(A, A, i8, i8, i8)", exported=True)
def read_lexed(A, V, x, pos, parent):
    """Collect the tokens of a set at an item of a lexer; 0 when tables had to be built, or ``A[STATUS]`` is set.

    Where bytes before the set must be read again, or shadows go along in the middle of a token, level by level; also
    where the text of the grammar may end in the middle of a token, which no pair knows of, and where each stack must be
    asked for dead ends while matches may wait for what they owe without end.
    """
    at = int(A[POS]) + pos * POS_STRIDE
    G, q, mode, shadow = int(A[at + X_GRAMMAR]), int(A[at + X_LEXER]), int(A[at + X_MODE]), int(A[at + X_SHADOW])
    marks = int(A[G + G_AROUND])
    L = int(A[G + G_LEXER])
    is_far = A[L + L_EXACT] == ALWAYS_ASKED and A[L + L_FAR] != 0
    if A[at + X_TAIL] != 0 or (x != 0 and (shadow != 0 or marks != 0)) or is_far:
        return read_by_steps(A, V, x, state_of(A, pos, parent))
    if shadow != 0 and _read_shadow(A, V, shadow, q, mode) == 0:
        return 0
    if mode == 0:
        q = _restarted(A, G, q, parent)
    if A[G + G_SPELLS] == BY_PLACES:
        read = _read_many(A, V, G, x, q, mode, parent)
    else:
        read = _read_pairs(A, V, G, x, q, mode, parent)
    if read == 0:
        return 0
    if marks != 0:
        read_around(A, V, marks, state_of(A, pos, parent))
    return 1 if A[STATUS] == 0 else 0
