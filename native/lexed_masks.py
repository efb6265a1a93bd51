"""The tokens of an item that a lexer and an LR stack read: the pairs of the lexer, asked of the stack once per group.

Reading a suffix set begins with its pair with the lexer state. A group of tokens is allowed if the stack accepts one of
the tags that may still come; each exit shifts its tag, and what remains is read in the context of the new stack. The
cells of those stacks are scratch: most are never needed again.
"""

from __future__ import annotations

import numpy as np

from .arena import (
    AHEAD,
    BUFFER,
    CELLS,
    DENSE,
    ENDED,
    FULL,
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
    VALUE,
    WORDS,
    take,
)
from .calls import expand
from .collect import add_ids, add_list, add_row, clear_bit, clear_bits, keep_row, push, set_bits
from .fronts import BELOW, EDGE, PREFIX, is_front, open_set
from .jit import kernel
from .lexed_notes import EXIT, GROUP, R_EXITS, R_GROUPS, R_N_EXITS, R_N_GROUPS, R_SHADOW
from .lexed_pairs import lexed_pair
from .lexed_steps import X_GRAMMAR, X_LEXER, X_MODE, X_SHADOW, X_TAIL, behind_token, lives, put_islands
from .lexer import ALWAYS_ASKED, ASKED, F_ACCEPT, L_EXACT, L_FAR, field, place_of
from .lexer_carries import carry_on
from .lexer_steps import lexer_start
from .masks import recipe
from .pair_table import find_pair
from .positions import K_LEX
from .sets import has_member
from .stacks import G_AROUND, G_CONTEXT, G_ISLANDS, G_LAZY, G_LEXER, accepts_some, after_tag, kept_stack, top
from .states import S_COUNT, S_ITEMS, S_RECIPE, close_buffer, state_of
from .steps import step
from .strings import CHAR, DEAD, utf8_step
from .suffixes import edge_byte, edge_range, edge_rest, edge_tokens
from .trie import V_BYTE, V_CHILD, V_NODES, V_TOKFIRST, V_TOKIDS

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


@kernel("b1(A, i8, b1)")
def _has(A, state, lexer):
    """Whether some item of a state is that of a lexer, or (``lexer`` false) of something else."""
    at = int(A[STATE]) + state * STATE_STRIDE
    items = int(A[at + S_ITEMS])
    for j in range(int(A[at + S_COUNT])):
        if (A[A[POS] + A[items + 2 * j] * POS_STRIDE] == K_LEX) == lexer:
            return True
    return False


@kernel("i8(A, A, i8, i8)")
def _read_by_steps(A, V, x, state):
    """Collect the first level of a set by steps of states, and leave the rest to be read from those that follow.

    Only lexers have pairs with fronts. Where something else reads one, its levels are stepped through, too.
    """
    before = int(A[AHEAD + SPARE])
    _ahead(A, state, x, 0, 0)
    while A[AHEAD + SPARE] > before and A[STATUS] == 0:
        A[AHEAD + SPARE] -= FRAME
        at = int(A[AHEAD]) + int(A[AHEAD + 1]) // 2 + int(A[AHEAD + SPARE])
        state, x = int(A[at]), int(A[at + 1])
        if not open_set(A, V, x):
            break
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
            if rest >= 0 and is_front(A, V, rest) and _has(A, to, False):
                _ahead(A, to, rest, 0, 0)
            elif rest >= 0 and open_set(A, V, rest):
                push(A, rest, to)
    A[AHEAD + SPARE] = before
    return 1 if A[STATUS] == 0 else 0


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


@kernel("void(A, A, i8, i8, i8)")
def _leave_to_islands(A, V, G, cell, x):
    """A set is still to be read from the islands that a stack accepts."""
    start = int(A[BUFFER + 2])
    put_islands(A, G, cell)
    expand(A, start)
    state = close_buffer(A, start)
    if state > 0 and is_front(A, V, x):
        _read_by_steps(A, V, x, state)
    elif state > 0:
        push(A, x, state)


@kernel("void(A, A, i8, i8)")
def _read_around(A, V, marks, state):
    """Collect the tokens along the marked nodes of the trie by steps, until no lexer is left in the state.

    They are those in which the text of the grammar may end. O(marked nodes that a text of the grammar leads to).
    """
    child, node_byte = int(V[V_CHILD]), int(V[V_BYTE])
    first, ids = int(V[V_TOKFIRST]), int(V[V_TOKIDS])
    stack, room, top = int(A[AHEAD]) + int(A[AHEAD + 1]) // 2, int(A[AHEAD + 1]) // 4 - 1024, 1
    A[stack], A[stack + 1] = 0, state
    while top > 0:
        top -= 1
        node, here = int(A[stack + 2 * top]), int(A[stack + 2 * top + 1])
        for c in range(int(V[child + node]), int(V[child + node + 1])):
            if not has_member(A, marks, c):
                continue
            to = step(A, here, int(V[node_byte + c]))
            if A[STATUS] == VALUE:  # what stands behind decides: it is read apart
                A[STATUS] = 0
                push(A, node, here)
                break
            if A[STATUS] != 0 or top == room:
                A[STATUS] = A[STATUS] if A[STATUS] != 0 else FULL
                return
            if to <= 0:
                continue
            add_ids(A, V, ids + int(V[first + c]), int(V[first + c + 1] - V[first + c]))
            if V[child + c] == V[child + c + 1]:
                continue
            if _has(A, to, True):
                A[stack + 2 * top], A[stack + 2 * top + 1] = c, to
                top += 1
            else:
                push(A, c, to)


@kernel("b1(A, i8, i8, i8)")
def _is_allowed(A, G, cell, tags):
    """Whether tokens of a group are allowed above a stack; False with ``NEED`` set: not known yet."""
    if tags >= 0:
        return accepts_some(A, G, cell, tags)
    if A[A[G + G_LEXER] + L_EXACT] == ASKED and accepts_some(A, G, cell, field(A, -tags, 1)):
        return True
    return lives(A, G, field(A, -tags, 2), kept_stack(A, cell))


@kernel("i8(A, A, i8, i8, i8, i8, i8)")
def _read_pairs(A, V, G, x, q, mode, cell):
    """Collect the tokens of a set read from a lexer state above a stack; 0 when tables had to be built.

    All that must be asked of stacks (:func:`.lexed_steps.lives`) is asked together, once no table is missing.
    """
    L, complete, asked = int(A[G + G_LEXER]), 1, False
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
            shadow = behind_token(A, G, cell, field(A, q, F_ACCEPT), carry_on(A, q))
            if shadow > 0 and _read_shadow(A, V, shadow, q, mode) == 0:
                return 0
        groups, exits = int(A[pair + R_GROUPS]), int(A[pair + R_EXITS])
        for k in range(int(A[pair + R_N_GROUPS]) * complete):
            at = groups + GROUP * k
            if _is_allowed(A, G, cell, int(A[at])):
                if A[at + 1] != 0:
                    add_row(A, int(A[at + 1]))
                else:
                    add_list(A, int(A[at + 2]), int(A[at + 3]))
            if A[STATUS] == NEED:
                A[STATUS], asked = 0, True
        for k in range(int(A[pair + R_N_EXITS])):
            at = exits + EXIT * k
            then = after_tag(A, G, cell, int(A[at]))
            if then != 0:
                context = int(A[A[G + G_CONTEXT] + top(A, then)[0]])
                _ahead(A, then, int(A[at + 2]), lexer_start(A, L, context, int(A[at + 1])), 0)
                if A[G + G_ISLANDS] != 0:
                    _leave_to_islands(A, V, G, then, int(A[at + 2]))
    if asked and A[STATUS] == 0:
        A[STATUS], A[NEEDED] = NEED, A[G + G_LAZY]
    return complete if A[STATUS] == 0 else 0


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
        return _read_by_steps(A, V, x, state_of(A, pos, parent))
    if shadow != 0 and _read_shadow(A, V, shadow, q, mode) == 0:
        return 0
    if _read_pairs(A, V, G, x, q, mode, parent) == 0:
        return 0
    if marks != 0:
        _read_around(A, V, marks, state_of(A, pos, parent))
    return 1 if A[STATUS] == 0 else 0
