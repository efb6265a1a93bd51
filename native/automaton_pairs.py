"""Pairs of positions inside a string under an automaton: read along trie and automaton at once, without making states.

A state of the automaton has a mask of its own, for which up to all of the trie is read. So nothing is looked up on the
way, and the trie is read as it lies in memory, in preorder, with a frame by depth. Keys that the automaton of free
names reads are such strings, too.

Where much is left to read, bounds on the number of characters are out of reach and the automaton loops, what that
leads to is a table that all grammars share (:mod:`.tables`): there a state is made.
"""

from __future__ import annotations

import numpy as np

from .arena import COWALK, DENSE, FULL, LAZY, LEADS, POS, POS_STRIDE, STATUS, WORDS, take
from .collect import add_id, add_tokens, arrive, set_bit
from .jit import kernel
from .languages import (
    AUTOMATON,
    DFA_ACCEPT,
    DFA_ASCII,
    DFA_CLASSES,
    DFA_COUNTS,
    DFA_GOALS,
    DFA_LENIENT,
    DFA_LOOPS,
    DFA_SHORTEST,
    DFA_STATES,
    DFA_TEXT,
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
    shortest_after,
    state_behind,
)
from .pair_table import is_unbounded
from .positions import K_KEY, K_STRING, O_SPEC, O_TEXT, position
from .states import state_of
from .steps import after_key, free_goal
from .strings import ALIKE, CHAR, DEAD, QUOTE, char_step
from .suffixes import below, edge_rest, members
from .trie import NO_TOKEN, SEVERAL, V_BELOW, V_END, V_MAXLEN, V_NODE, V_PLACE, V_STEP, V_TOKEN, V_TOKFIRST, V_TOKIDS

FRAME = 3  # by depth in the trie: state of the automaton, mode, characters read
LOOP_FROM = 128  # tokens below a node from which the table of a loop set pays
LEAD, LEADS_FROM = 64, 512  # first bytes of characters beyond ASCII; tokens to read from which to remember them pays
MODE, CLOSED = 1 << 24, -2


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


@kernel("i8(A, i8, i8, i8, i8, i8)")
def state_of_name(A, at, spec, n, goal, parent):
    """The state inside a string that stands for the key at ``at``, after n characters; its member holds ``goal``."""
    number = int(A[at + 1])
    obj = int(A[A[LAZY] + number])
    then = after_key(A, number, obj, int(A[at + 2]), int(A[at + 6]), -1, goal, parent)
    return state_of(A, position(A, K_STRING, spec, 0, n, 0, 0, 0, 0), then) if A[STATUS] == 0 else -1


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
    return state_of_name(A, at, int(A[obj + O_TEXT]), 0, goal, parent)


@kernel("b1(A, A, i8, i8, i8)")
def visit_as_text(A, V, x, pos, parent):
    """Read ``x`` inside a key that is none of the listed as inside the string that it is, if there is one.

    Masks of strings are put together from tables that all lengths share.
    """
    at = int(A[POS]) + pos * POS_STRIDE
    if A[at] != K_KEY or A[at + 5] != 0 or not has_automaton(A, pos):
        return False
    dfa = int(A[spec_of(A, at) + SPEC_REF])
    if A[dfa + DFA_TEXT] == 0:
        return False
    goal, k = -1, 0
    while goal < 0:
        goal, k = int(A[A[dfa + DFA_GOALS] + k]), k + 1
    to = state_of_name(A, at, int(A[dfa + DFA_TEXT]), int(A[at + 4]), goal, parent)
    if A[STATUS] == 0:
        arrive(A, V, x, to)
    return True


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


@kernel("void(A, A, i8, i8)")
def forget_leads(A, V, x, dfa):
    """Begin to remember where first bytes of characters lead, as far as it pays for the suffixes ``x``."""
    n = min(LEAD * int(A[dfa + DFA_STATES]), int(A[LEADS + 1])) if below(A, V, x) >= LEADS_FROM else 0
    A[LEADS + 2] = n
    for j in range(int(A[LEADS]), int(A[LEADS]) + n):
        A[j] = 0


@kernel("i8(A, i8, i8, i8)")
def lead(A, dfa, q, b):
    """:func:`.state_behind` of the first byte of a character beyond ASCII, found once."""
    slot = LEAD * q + (b & (LEAD - 1))
    if slot >= A[LEADS + 2]:
        return -2
    at = int(A[LEADS]) + slot
    if A[at] == 0:
        A[at] = state_behind(A, dfa, q, b) + 3
    return int(A[at]) - 3


@kernel("i8(A, i8, i8, i8, i8)")
def read_byte(A, dfa, q, mode, b):
    """One byte inside a string: the state of the automaton and, times ``MODE``, the mode; ``DEAD`` or ``CLOSED``.

    In the mode ``ALIKE``, the state is that to which the character leads.
    """
    if mode == 0 and 0xC2 <= b <= 0xF4:
        to = lead(A, dfa, q, b)
        if to != -2:
            return DEAD if to < 0 else (ALIKE | (1 + (b >= 0xE0) + (b >= 0xF0))) * MODE + to
    if mode & ALIKE == ALIKE:
        left = (mode & 3) - 1
        return DEAD if b & 0xC0 != 0x80 else (ALIKE | left) * MODE + q if left else q
    r = char_step(mode, b)
    if r == DEAD or r == QUOTE:
        return DEAD if r == DEAD else CLOSED
    return dfa_step(A, dfa, q, r & 0x1FFFFF) if r >= CHAR else r * MODE + q


@kernel("b1(A, i8, i8, i8, i8)")
def may_stay(A, spec, q, mode, count):
    """Whether a string may end within its bounds after ``count`` characters and a part of another one."""
    if mode == 0 or mode & ALIKE == ALIKE:
        return dfa_fits(A, spec, int(A[spec + SPEC_REF]), q, count + (mode != 0))
    return dfa_can_start(A, spec, q, count, mode)


@kernel("void(A, A, i8, i8)")
def note_owing(A, V, place, to):
    """Note the tokens that end at a place of the trie in the row whose place stands at ``to`` (0: it is made)."""
    token = int(V[V[V_TOKEN] + place])
    if token == NO_TOKEN:
        return
    if A[to] == 0:
        row, words = take(A, DENSE, int(A[WORDS])), np.uint64(A[WORDS])
        if row < 0:
            return
        base = np.uint64(row)
        for j in range(words):  # unsigned indices: a vector loop
            A[base + j] = 0
        A[to] = row
    if token >= 0:
        set_bit(A, int(A[to]), token)
    else:
        first = int(V[V_TOKFIRST]) + int(V[V[V_NODE] + place])
        for j in range(int(V[first]), int(V[first + 1])):
            set_bit(A, int(A[to]), int(V[V[V_TOKIDS] + j]))


@kernel("b1(A, A, i8, i8, i8, i8, i8)")
def enter_owing(A, V, dfa, place, q, mode, rows):
    """Note the tokens at a place of the trie if the automaton owes something there; whether it may owe some below."""
    if mode != 0 and mode & ALIKE != ALIKE:
        owed = shortest_after(A, dfa, q, mode)
    elif A[A[dfa + DFA_LENIENT] + q]:
        return False
    else:
        owed = int(A[A[dfa + DFA_SHORTEST] + q])
    if owed > 0:
        note_owing(A, V, place, rows + owed - 1)
    return owed >= 0


@kernel("b1(A, A, i8, i8, i8, i8, i8, i8)")
def enter(A, V, node, q, mode, count, at, parent):
    """Note the tokens at a trie node if the string may stay inside; whether what is below is to be read from there."""
    spec = spec_of(A, at)
    if not may_stay(A, spec, q, mode, count):
        return False
    add_tokens(A, V, node)
    if mode == 0 and goes_round(A, V, spec, node, q, count):
        arrive_inside(A, V, node, q, at, parent)
        return False
    return True


@kernel("void(A, A, i8, i8, i8, i8, i8, i8, i8)")
def walk_below(A, V, x, q, mode, count, at, parent, rows):
    """Read what is below a trie node, in preorder, from a state of the automaton of the position at ``at``.

    Parameters
    ----------
    rows : int
        Where the rows stand in which tokens are noted behind which the automaton owes characters; 0: all are noted.
    """
    if FRAME * (V[V_MAXLEN] + 1) > A[COWALK + 1]:
        A[STATUS] = FULL
        return
    spec, first = spec_of(A, at), count
    step, end, tokens, nodes = int(V[V_STEP]), int(V[V_END]), int(V[V_TOKEN]), int(V[V_NODE])
    dfa = int(A[spec + SPEC_REF])
    ascii_class, trans, classes = int(A[dfa + DFA_ASCII]), int(A[dfa + DFA_TRANS]), int(A[dfa + DFA_CLASSES])
    is_plain = rows == 0 and A[spec + SPEC_MAX] < 0 and count >= A[spec + SPEC_MIN]
    i = int(V[V[V_PLACE] + x])
    stop, frames = int(V[end + i]), int(A[COWALK]) - FRAME * (V[step + i] >> 8)
    top = int(A[COWALK])
    A[top], A[top + 1], A[top + 2] = q, mode, count
    i += 1
    while i < stop and A[STATUS] == 0:
        word = np.uint64(V[np.uint64(step + i)])
        b, above = word & np.uint64(0xFF), np.uint64(frames - FRAME) + np.uint64(FRAME) * (word >> np.uint64(8))
        q, mode, behind = int(A[above]), int(A[above + np.uint64(1)]), int(V[np.uint64(end + i)])
        if mode == 0 and 0x20 <= b < 0x80 and b != 34 and b != 92:
            read = int(A[np.uint64(trans + q * classes) + np.uint64(A[np.uint64(ascii_class) + b])])
        else:
            read = read_byte(A, dfa, q, mode, int(b))
        if read < 0:
            if read == CLOSED and rows == 0:
                close_text(A, V, int(V[nodes + i]), q, int(A[above + np.uint64(2)]), at, parent)
            i = behind
            continue
        q, mode = read & (MODE - 1), read >> 24
        if is_plain and behind - i < LOOP_FROM and (mode == 0 or mode & ALIKE == ALIKE):
            token = V[np.uint64(tokens + i)]
            if token >= 0:
                add_id(A, int(token))
            elif token == SEVERAL:
                add_tokens(A, V, int(V[nodes + i]))
            i += 1
            if i < behind:  # whatever the count is, it is enough
                frame = above + np.uint64(FRAME)
                A[frame], A[frame + np.uint64(1)], A[frame + np.uint64(2)] = q, mode, first
            continue
        count = int(A[above + np.uint64(2)]) + (mode == 0)
        if rows:
            goes_on = enter_owing(A, V, dfa, i, q, mode, rows)
        else:
            goes_on = enter(A, V, int(V[nodes + i]), q, mode, count, at, parent)
        below_it = int(above) + FRAME
        A[below_it], A[below_it + 1], A[below_it + 2] = q, mode, count
        i = i + 1 if goes_on else behind


@kernel("void(A, A, i8, i8, i8)")
def walk_automaton(A, V, x, pos, parent):
    """Read the suffixes ``x`` from a position that an automaton alone reads. O(nodes that stay inside)."""
    at = int(A[POS]) + pos * POS_STRIDE
    q, mode, count = int(A[at + 2]), int(A[at + 4]), int(A[at + 3])
    if A[at] == K_KEY:
        q, mode, count = int(A[at + 4]), int(A[at + 5]), 0
    listed, n = members(A, V, x)
    forget_leads(A, V, x, int(A[spec_of(A, at) + SPEC_REF]))
    for j in range(n):
        walk_below(A, V, int(A[listed + j]) if listed else x, q, mode, count, at, parent, 0)
