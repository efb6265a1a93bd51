"""Pairs of positions inside a string under an automaton: read along trie and automaton at once, without making states.

A state of the automaton has a mask of its own, for which up to all of the trie is read. So nothing is looked up on the
way: a frame is a trie node, a state of the automaton, and the mode inside a character. Keys that the
automaton of free names reads are such strings, too.

Where much is left to read, bounds on the number of characters are out of reach and the automaton loops, what that
leads to is a table that all grammars share (:mod:`.tables`): there a state is made.
"""

from __future__ import annotations

from .arena import COWALK, FULL, LAZY, POS, POS_STRIDE, STATUS
from .collect import add_ids, add_tokens, arrive
from .jit import kernel
from .languages import (
    AUTOMATON,
    DFA_ACCEPT,
    DFA_ASCII,
    DFA_CLASSES,
    DFA_COUNTS,
    DFA_GOALS,
    DFA_LOOPS,
    DFA_TRANS,
    DFA_VERDICTS,
    SPEC_FREE,
    SPEC_KIND,
    SPEC_MAX,
    SPEC_MIN,
    SPEC_REF,
    dfa_can_start,
    dfa_fits,
    dfa_step,
)
from .pair_table import is_unbounded
from .positions import K_KEY, K_STRING, O_SPEC, O_TEXT, position
from .states import state_of
from .steps import after_key, free_goal
from .strings import CHAR, DEAD, QUOTE, char_step
from .suffixes import edge_rest, members
from .trie import V_BELOW, V_BYTE, V_CHILD, V_TOKFIRST, V_TOKIDS

FRAME = 4  # trie node, state of the automaton, mode, characters read
LOOP_FROM = 128  # tokens below a node from which the table of a loop set pays


@kernel("i8(A, i8)")
def spec_of(A, at):
    """The specification that the position whose record is at ``at`` reads, as :func:`has_automaton` says."""
    return int(A[A[A[LAZY] + A[at + 1]] + O_SPEC]) if A[at] == K_KEY else int(A[at + 1])


@kernel("b1(A, i8)")
def has_automaton(A, pos):
    """Whether a position stands inside a string, or a key that is none of the listed, that an automaton alone reads."""
    at = int(A[POS]) + pos * POS_STRIDE
    if A[at] == K_KEY:
        return A[at + 3] < 0 and A[at + 4] >= 0 and spec_of(A, at) >= 0
    spec = int(A[at + 1])
    if A[at] != K_STRING or A[at + 5] != 0 or A[spec + SPEC_KIND] != AUTOMATON:
        return False
    return A[A[spec + SPEC_REF] + DFA_VERDICTS] == 0


@kernel("i8(A, i8, i8, i8)")
def state_inside(A, at, q, parent):
    """The state of the same string or key in the state ``q`` of its automaton, between characters, without bounds."""
    if A[at] != K_KEY:
        return state_of(A, position(A, K_STRING, int(A[A[at + 1] + SPEC_FREE]), q, 0, 0, 0, 0, 0), parent)
    number, seen, count = int(A[at + 1]), int(A[at + 2]), int(A[at + 6])
    obj = int(A[A[LAZY] + number])
    goal = free_goal(A, obj, q)
    if goal < 0:
        return state_of(A, position(A, K_KEY, number, seen, -1, q, 0, count, 0), parent)
    then = after_key(A, number, obj, seen, count, -1, goal, parent)
    return state_of(A, position(A, K_STRING, int(A[obj + O_TEXT]), 0, 0, 0, 0, 0, 0), then) if A[STATUS] == 0 else -1


@kernel("void(A, A, i8, i8, i8, i8, i8)")
def close_text(A, V, node, q, count, at, parent):
    """A closing quote at a trie node."""
    spec, rest = spec_of(A, at), edge_rest(A, V, node)
    dfa = int(A[spec + SPEC_REF])
    if A[at] != K_KEY:
        if A[A[dfa + DFA_ACCEPT] + q] != 0 and count >= A[spec + SPEC_MIN]:
            add_tokens(A, V, node)
            arrive(A, V, rest, parent)
        return
    goal = int(A[A[dfa + DFA_GOALS] + q])
    if goal < 0:
        return
    add_tokens(A, V, node)
    if rest >= 0:
        number, seen, count = int(A[at + 1]), int(A[at + 2]), int(A[at + 6])
        to = after_key(A, number, int(A[A[LAZY] + number]), seen, count, -1, goal, parent)
        if A[STATUS] == 0:
            arrive(A, V, rest, to)


@kernel("i8(A, i8, i8, i8, i8, i8)")
def enqueue(A, node, q, mode, count, queued):
    """What is below a trie node is still to be read from there: how many frames were ever queued."""
    frame = int(A[COWALK]) + FRAME * (queued & (int(A[COWALK + 1]) // FRAME - 1))
    A[frame], A[frame + 1], A[frame + 2], A[frame + 3] = node, q, mode, count
    return queued + 1


@kernel("void(A, A, i8, i8, i8, i8)")
def arrive_inside(A, V, node, q, at, parent):
    """What is below a trie node is to be read from the state ``q`` of the automaton, which loops, from a table."""
    to = state_inside(A, at, q, parent)
    if A[STATUS] == 0:
        arrive(A, V, node, to)


@kernel("b1(A, i8, i8)")
def has_loop(A, dfa, q):
    """Whether an automaton loops in a state, or counts what could loop."""
    counts = int(A[dfa + DFA_COUNTS])
    return A[A[dfa + DFA_LOOPS] + q] != 0 or (counts != 0 and A[counts + q] != 0)


@kernel("b1(A, A, i8, i8, i8, i8)")
def goes_round(A, V, spec, node, q, count):
    """Whether what is below a trie node is read best from the table of the loop in which the automaton is."""
    dfa = int(A[spec + SPEC_REF])
    return V[V[V_BELOW] + node] >= LOOP_FROM and has_loop(A, dfa, q) and is_unbounded(A, V, spec, node, count, 0)


@kernel("i8(A, A, i8, i8, i8, i8, i8, i8, i8)")
def read_part(A, V, node, q, mode, count, at, parent, queued):
    """Read the byte of a trie node, whatever it is: how many frames were ever queued."""
    r = char_step(mode, int(V[V[V_BYTE] + node]))
    if r == DEAD:
        return queued
    if r == QUOTE:
        close_text(A, V, node, q, count, at, parent)
        return queued
    spec = spec_of(A, at)
    if r >= CHAR:
        dfa = int(A[spec + SPEC_REF])
        q, r, count = dfa_step(A, dfa, q, r & 0x1FFFFF), 0, count + 1
        if q < 0 or not dfa_fits(A, spec, dfa, q, count):
            return queued
    elif not dfa_can_start(A, spec, q, count, r):
        return queued
    add_tokens(A, V, node)
    if V[V[V_CHILD] + node] == V[V[V_CHILD] + node + 1]:
        return queued
    if r == 0 and goes_round(A, V, spec, node, q, count):
        arrive_inside(A, V, node, q, at, parent)
        return queued
    return enqueue(A, node, q, r, count, queued)


@kernel("i8(A, A, i8, i8, i8, i8)")
def enqueue_all(A, V, x, q, mode, count):
    """Queue the trie nodes of a suffix set: how many there are."""
    at, n = members(A, V, x)
    if FRAME * (n + 256) > A[COWALK + 1]:
        A[STATUS] = FULL
        return 0
    for j in range(n):
        enqueue(A, int(A[at + j]) if at else x, q, mode, count, j)
    return n


@kernel("void(A, A, i8, i8)")
def add_run(A, V, start, stop):
    """Note the tokens that end at the trie nodes ``start`` to ``stop - 1``."""
    at = int(V[V[V_TOKFIRST] + start])
    add_ids(A, V, int(V[V_TOKIDS]) + at, int(V[V[V_TOKFIRST] + stop]) - at)


@kernel("void(A, A, i8, i8, i8)")
def walk_automaton(A, V, x, pos, parent):
    """Read the suffixes ``x`` from a position that an automaton alone reads. O(nodes that stay inside).

    Breadth first, as the trie is numbered: what is read lies in a row, and so do the tokens that are noted.
    """
    at, child, node_byte = int(A[POS]) + pos * POS_STRIDE, int(V[V_CHILD]), int(V[V_BYTE])
    spec = spec_of(A, at)
    dfa = int(A[spec + SPEC_REF])
    ascii_class, trans, classes = int(A[dfa + DFA_ASCII]), int(A[dfa + DFA_TRANS]), int(A[dfa + DFA_CLASSES])
    q, mode, count = int(A[at + 2]), int(A[at + 4]), int(A[at + 3])
    if A[at] == K_KEY:
        q, mode, count = int(A[at + 4]), int(A[at + 5]), 0
    has_bounds = A[spec + SPEC_MAX] >= 0 or count < A[spec + SPEC_MIN]
    queue, size = int(A[COWALK]), int(A[COWALK + 1]) // FRAME
    queued, done, run, stop = enqueue_all(A, V, x, q, mode, count), 0, 0, 0
    while done < queued and A[STATUS] == 0:
        frame = queue + FRAME * (done & (size - 1))
        node, q, mode, count = int(A[frame]), int(A[frame + 1]), int(A[frame + 2]), int(A[frame + 3])
        row, done = trans + q * classes, done + 1
        for c in range(int(V[child + node]), int(V[child + node + 1])):
            b = int(V[node_byte + c])
            if mode != 0 or b < 0x20 or b >= 0x80 or b == 34 or b == 92:
                queued = read_part(A, V, c, q, mode, count, at, parent, queued)
                continue
            to = int(A[row + A[ascii_class + b]])
            if to < 0 or (has_bounds and not dfa_fits(A, spec, dfa, to, count + 1)):
                continue
            if c != stop:
                add_run(A, V, run, stop)
                run = c
            stop = c + 1
            if V[child + c] == V[child + c + 1]:
                continue
            if goes_round(A, V, spec, c, to, count + 1):
                arrive_inside(A, V, c, to, at, parent)
            else:
                queued = enqueue(A, c, to, 0, count + 1, queued)
        if queued - done > size - 256:
            A[STATUS] = FULL
    add_run(A, V, run, stop)
