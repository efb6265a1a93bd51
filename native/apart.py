"""Pairs of strings that an automaton reads and whose length is bounded, put together from what each of both allows.

A token that stays inside must fit the bounds with all the characters that it *needs*: its own, and those without which
the automaton does not accept behind it. Hardly any token leaves the automaton where it does not accept. So a mask is
what the pair without bounds has in common with that of any text within the bounds, less those of a list of such tokens
that need too much. All three are shared, the last by all lengths.
"""

from __future__ import annotations

import numpy as np

from .arena import COWALK, DENSE, FAR, FULL, LIST, POS, POS_STRIDE, STATUS, WORDS, take
from .automaton_pairs import walk_automaton
from .collect import add_row, arrive, clear_bit, keep_row
from .counted import is_counted, some_end, walk_counted
from .jit import kernel
from .languages import (
    AUTOMATON,
    DFA_LENIENT,
    DFA_SHORTEST,
    DFA_STATES,
    SPEC_FREE,
    SPEC_KIND,
    SPEC_MAX,
    SPEC_MIN,
    SPEC_REF,
    SPEC_REST,
    dfa_step,
    shortest_after,
)
from .pair_table import P_EXIT, P_FAR, ask, find_pair, pair_row, plain_position
from .positions import K_STRING, position
from .strings import CHAR, DEAD, QUOTE, char_step
from .suffixes import intersection
from .trie import V_BYTE, V_CHILD, V_NODES, V_TOKFIRST, V_TOKIDS

NEEDS = 1  # last but one field of a position that stands for the list of tokens which need more than they have
NEAR = 24  # characters left from which the few tokens that are longer are found sooner than a list is made
FEW = 16  # states of an automaton: each has a list of its own, and a text comes back to each
MOST = 1 << 12  # tokens in a list; where there are more, it is of no use
NO_LIST = -2


@kernel("b1(A, A, i8, i8)")
def is_apart(A, V, x, pos):
    """Whether the pair of the suffixes ``x`` and a position can be put together from what bounds and automaton allow.

    A token must not stand for two suffixes in ``x``, one of which the automaton allows and the other one the bounds.
    """
    at = int(A[POS]) + pos * POS_STRIDE
    spec = int(A[at + 1])
    if x >= V[V_NODES] or A[at] != K_STRING or A[at + 4] != 0 or A[at + 5] != 0 or A[spec + SPEC_KIND] != AUTOMATON:
        return False
    if A[spec + SPEC_REST] == 0 or (A[at + 3] < A[spec + SPEC_MIN] and some_end(A, spec)):
        return False
    dfa, is_near = int(A[spec + SPEC_REF]), A[spec + SPEC_MAX] - A[at + 3] < NEAR
    return A[A[dfa + DFA_LENIENT] + A[at + 2]] != 0 or (is_near and A[dfa + DFA_STATES] <= FEW)


@kernel("b1(A, i8)")
def is_list(A, pos):
    """Whether a position stands for a list of tokens, and for nothing that can be read."""
    at = int(A[POS]) + pos * POS_STRIDE
    return A[at] == K_STRING and A[at + 6] == NEEDS


@kernel("void(A, A, i8, i8)")
def note_tokens(A, V, node, need):
    """Append the tokens that end at a trie node to the list, each behind the number of characters that it needs."""
    first, ids = int(V[V_TOKFIRST]) + node, int(V[V_TOKIDS])
    for j in range(int(V[first]), int(V[first + 1])):
        to = take(A, LIST, 2)
        if to < 0:
            return
        A[to], A[to + 1] = need, V[ids + j]


@kernel("i8(A, i8, i8, i8, i8, i8)")
def push(A, node, q, mode, count, top):
    """What is below a trie node is still to be read from there: the new number of frames."""
    at = int(A[COWALK]) + 4 * top
    if 4 * top + 4 > A[COWALK + 1]:
        A[STATUS] = FULL
        return 0
    A[at], A[at + 1], A[at + 2], A[at + 3] = node, q, mode, count
    return top + 1


@kernel("i8(A, A, i8, i8, i8, i8, i8, i8)")
def read_edge(A, V, dfa, node, q, mode, count, top):
    """Read the byte of a trie node, and note its tokens if they need more than they have: the new number of frames."""
    r = char_step(mode, int(V[V[V_BYTE] + node]))
    if r == DEAD or r == QUOTE:
        return top
    if r >= CHAR:
        q, r, count = dfa_step(A, dfa, q, r & 0x1FFFFF), 0, count + 1
        if q < 0 or A[A[dfa + DFA_LENIENT] + q]:
            return top
        more = int(A[A[dfa + DFA_SHORTEST] + q])
    else:
        more = shortest_after(A, dfa, q, r)
        if more < 0:
            return top
    if more > 0:
        note_tokens(A, V, node, count + (r != 0) + more)
    return push(A, node, q, r, count, top) if V[V[V_CHILD] + node] < V[V[V_CHILD] + node + 1] else top


@kernel("void(A, A, i8, i8)")
def list_needs(A, V, x, pos):
    """List the tokens below a trie node behind which an automaton needs more. O(nodes from which it may come there)."""
    at = int(A[POS]) + pos * POS_STRIDE
    dfa, used, start = int(A[A[at + 1] + SPEC_REF]), int(A[LIST + 2]), take(A, LIST, 1)
    top = push(A, x, int(A[at + 2]), 0, 0, 0)
    while top > 0 and A[STATUS] == 0:
        top -= 1
        frame = int(A[COWALK]) + 4 * top
        node, q, mode, count = int(A[frame]), int(A[frame + 1]), int(A[frame + 2]), int(A[frame + 3])
        for c in range(int(V[V[V_CHILD] + node]), int(V[V[V_CHILD] + node + 1])):
            top = read_edge(A, V, dfa, c, q, mode, count, top)
        if A[LIST + 2] - used > 2 * MOST:
            A[LIST + 2], A[FAR] = used, NO_LIST
            return
    if A[STATUS] == 0:
        A[start], A[FAR] = (A[LIST + 2] - used) // 2, start


@kernel("void(A, i8, i8)")
def keep_common(A, row, pair):
    """Take what is not in a pair out of a dense row, the last of its region. O(words of a row)."""
    other = np.uint64(pair_row(A, pair))
    if other == 0:
        return
    base, words = np.uint64(row), np.uint64(A[WORDS])
    for j in range(words):  # unsigned indices: a vector loop
        A[base + j] &= A[other + j]
    A[DENSE + 2] -= A[WORDS]


@kernel("void(A, i8, i8, i8)")
def drop_needy(A, row, needs, left):
    """Take the tokens of a list out of a dense row that need more characters than are left."""
    first = int(A[needs + P_FAR]) + 1
    for j in range(first, first + 2 * int(A[first - 1]), 2):
        if A[j] > left:
            clear_bit(A, row, int(A[j + 1]))


@kernel("i8(A, i8, i8)")
def wanted(A, x, pos):
    """The pair (x, pos); 0 when it is asked for."""
    pair = find_pair(A, x, pos)
    if pair == 0:
        ask(A, x, pos)
    return pair


@kernel("void(A, A, i8, i8, i8)")
def walk_apart(A, V, x, pos, parent):
    """Put the pair (x, pos) together, once all that it is made of is there. O(words of a row and the list)."""
    at = int(A[POS]) + pos * POS_STRIDE
    spec, q, count = int(A[at + 1]), int(A[at + 2]), int(A[at + 3])
    free, any_text = int(A[spec + SPEC_FREE]), position(A, K_STRING, int(A[spec + SPEC_REST]), 0, count, 0, 0, 0, 0)
    pair = wanted(A, x, position(A, K_STRING, free, q, 0, 0, 0, 0, 0))
    text = wanted(A, x, plain_position(A, V, any_text, x))
    is_lenient, needs = A[A[A[spec + SPEC_REF] + DFA_LENIENT] + q] != 0, 0
    if not is_lenient:
        needs = wanted(A, x, position(A, K_STRING, free, q, 0, 0, 0, NEEDS, 0))
    if pair == 0 or text == 0 or not (is_lenient or needs) or A[STATUS] != 0:
        return
    if needs and A[needs + P_FAR] == NO_LIST:
        if is_counted(A, pos):
            walk_counted(A, V, x, pos, parent)
        else:
            walk_automaton(A, V, x, pos, parent)
        return
    row = pair_row(A, pair)
    if row == 0:
        return
    keep_common(A, row, text)
    if needs:
        drop_needy(A, row, needs, int(A[spec + SPEC_MAX]) - count)
    add_row(A, keep_row(A, row))
    if A[STATUS] == 0:
        arrive(A, V, intersection(A, V, int(A[pair + P_EXIT]), int(A[text + P_EXIT])), parent)
