"""Pairs of strings that an automaton reads and whose length is bounded, put together from what each of both allows.

A token that stays inside must fit the bounds with what the automaton *owes* behind it: the characters without which it
does not accept. Where it may accept anywhere, a mask is what the pair without bounds has in common with that of any
text within the bounds. Elsewhere rows say which tokens leave the automaton owing how much, and those must be within
what bounds allow of any text that is so much longer. All of these are shared, the rows by all lengths.
"""

from __future__ import annotations

import numpy as np

from .arena import DENSE, FAR, LIST, POS, POS_STRIDE, STATUS, WORDS, take
from .automaton_pairs import forget_leads, walk_below
from .collect import add_row, arrive, keep_row
from .counted import some_end
from .jit import kernel
from .languages import (
    AUTOMATON,
    DFA_LENIENT,
    DFA_SLACK,
    DFA_STATES,
    SPEC_FREE,
    SPEC_KIND,
    SPEC_MAX,
    SPEC_MIN,
    SPEC_REF,
    SPEC_REST,
)
from .pair_table import P_EXIT, P_FAR, ask, find_pair, pair_row, plain_position
from .positions import K_STRING, position
from .suffixes import below, intersection
from .trie import V_NODES

OWING = 1  # last but one field of a position that stands for the rows of tokens behind which the automaton owes
# characters left: fewer tokens fit below, and fewer are longer from there on, than there are to read for these rows
CLOSE, NEAR = 4, 24
FEW = 16  # states of an automaton: each has rows of its own, and a text comes back to each
MOST = 6  # characters that an automaton may owe
MANY = 1024  # tokens below a node from which rows pay


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
    dfa, left = int(A[spec + SPEC_REF]), int(A[spec + SPEC_MAX] - A[at + 3])
    if A[A[dfa + DFA_LENIENT] + A[at + 2]] != 0:
        return True
    return CLOSE <= left < NEAR and below(A, V, x) >= MANY and A[dfa + DFA_STATES] <= FEW and A[dfa + DFA_SLACK] <= MOST


@kernel("b1(A, i8)")
def is_owing(A, pos):
    """Whether a position stands for rows of tokens, and for nothing that can be read."""
    at = int(A[POS]) + pos * POS_STRIDE
    return A[at] == K_STRING and A[at + 6] == OWING


@kernel("void(A, A, i8, i8)")
def find_owing(A, V, x, pos):
    """Make the rows of tokens below a trie node behind which an automaton owes 1, 2 ... characters.

    O(nodes from which it may come to owe some).
    """
    at = int(A[POS]) + pos * POS_STRIDE
    dfa = int(A[A[at + 1] + SPEC_REF])
    rows, n = take(A, LIST, int(A[dfa + DFA_SLACK])), int(A[dfa + DFA_SLACK])
    if rows < 0:
        return
    for j in range(n):
        A[rows + j] = 0
    forget_leads(A, V, x, dfa)
    walk_below(A, V, x, int(A[at + 2]), 0, 0, at, 0, rows)
    A[FAR] = rows


@kernel("i8(A, i8, i8)")
def wanted(A, x, pos):
    """The pair (x, pos); 0 when it is asked for."""
    pair = find_pair(A, x, pos)
    if pair == 0:
        ask(A, x, pos)
    return pair


@kernel("i8(A, A, i8, i8, i8)")
def text_pair(A, V, x, spec, count):
    """The pair of any text within the bounds of a specification, after ``count`` characters; 0 when it is asked for."""
    pos = position(A, K_STRING, int(A[spec + SPEC_REST]), 0, count, 0, 0, 0, 0)
    return wanted(A, x, plain_position(A, V, pos, x))


@kernel("b1(A, A, i8, i8, i8, i8)")
def has_texts(A, V, x, spec, count, rows):
    """Whether all pairs of longer texts are there that rows of tokens behind which an automaton owes ask for."""
    found = True
    for owed in range(1, int(A[A[spec + SPEC_REF] + DFA_SLACK]) + 1):
        if A[rows + owed - 1] and count + owed <= A[spec + SPEC_MAX] and text_pair(A, V, x, spec, count + owed) == 0:
            found = False
    return found


@kernel("void(A, i8, i8, i8)")
def keep_within(A, row, tokens, pair):
    """Take those of some tokens (a row; 0: all) out of a row that are not in a pair (0: in none). O(words of a row)."""
    other = pair_row(A, pair) if pair else 0
    if pair and other == 0:
        return
    for j in range(np.uint64(A[WORDS])):
        within = A[np.uint64(other) + j] if pair else np.int32(0)
        A[np.uint64(row) + j] &= within | (~A[np.uint64(tokens) + j] if tokens else np.int32(0))
    if pair:
        A[DENSE + 2] -= A[WORDS]


@kernel("void(A, A, i8, i8, i8)")
def walk_apart(A, V, x, pos, parent):
    """Put the pair (x, pos) together, once all that it is made of is there. O(words of some rows)."""
    at = int(A[POS]) + pos * POS_STRIDE
    spec, q, count = int(A[at + 1]), int(A[at + 2]), int(A[at + 3])
    free, dfa, rows = int(A[spec + SPEC_FREE]), int(A[spec + SPEC_REF]), 0
    pair = wanted(A, x, position(A, K_STRING, free, q, 0, 0, 0, 0, 0))
    text = text_pair(A, V, x, spec, count)
    if A[A[dfa + DFA_LENIENT] + q] == 0:
        owing = wanted(A, x, position(A, K_STRING, free, q, 0, 0, 0, OWING, 0))
        if owing == 0 or not has_texts(A, V, x, spec, count, int(A[owing + P_FAR])):
            return
        rows = int(A[owing + P_FAR])
    if pair == 0 or text == 0 or A[STATUS] != 0:
        return
    row = pair_row(A, pair)
    if row == 0:
        return
    keep_within(A, row, 0, text)
    for owed in range(1, (int(A[dfa + DFA_SLACK]) if rows else 0) + 1):
        if A[rows + owed - 1]:
            longer = text_pair(A, V, x, spec, count + owed) if count + owed <= A[spec + SPEC_MAX] else 0
            keep_within(A, row, int(A[rows + owed - 1]), longer)
    add_row(A, keep_row(A, row))
    if A[STATUS] == 0:
        arrive(A, V, intersection(A, V, int(A[pair + P_EXIT]), int(A[text + P_EXIT])), parent)
