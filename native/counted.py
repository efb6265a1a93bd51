"""Pairs of strings of bounded length: as without bounds, but for the tokens that the bounds forbid.

Every number of characters read so far has a mask of its own, yet hardly any token is long enough to pass the greatest
length, or closes the string before the least one. Only the ways to those are walked, and taken out of the pair that
knows no bounds and is shared.
"""

from __future__ import annotations

from .arena import COWALK, FULL, MARKED, POS, POS_STRIDE, STATUS
from .collect import add_row, arrive, clear_bit, clear_bits, keep_row
from .jit import kernel
from .languages import (
    AUTOMATON,
    DFA_ACCEPT,
    DFA_LONGEST,
    DFA_SLACK,
    DFA_STATES,
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
from .pair_table import P_EXIT, ask, find_pair, pair_row, use_tokens
from .positions import K_STRING, position
from .strings import CHAR, DEAD, QUOTE, char_step
from .suffixes import edge_byte, edge_range, edge_rest, height, members, subtract
from .tables import is_marked, mark_below
from .trie import V_BYTE, V_CHILD, V_NODES, V_TOKFIRST, V_TOKIDS

FAR = 8  # characters left from which to take out what is too long costs less than to read what is not


@kernel("b1(A, i8)")
def is_judged(A, spec):
    """Whether some steps of an automaton depend on the text before them."""
    return A[spec + SPEC_KIND] == AUTOMATON and A[A[spec + SPEC_REF] + DFA_VERDICTS] != 0


@kernel("b1(A, i8)")
def is_counted(A, pos):
    """Whether a position is inside a string of bounded length, far from the greatest one."""
    at = int(A[POS]) + pos * POS_STRIDE
    if A[at] != K_STRING or A[at + 5] != 0:
        return False
    spec = int(A[at + 1])
    if A[spec + SPEC_KIND] > AUTOMATON or is_judged(A, spec):
        return False
    if A[spec + SPEC_MAX] >= 0:
        return A[spec + SPEC_MAX] - A[at + 3] >= FAR
    return A[at + 3] < A[spec + SPEC_MIN]


@kernel("b1(A, i8)")
def some_end(A, spec):
    """Whether the texts from some state of an automaton are of bounded length."""
    if A[spec + SPEC_KIND] != AUTOMATON:
        return False
    dfa = int(A[spec + SPEC_REF])
    for q in range(int(A[dfa + DFA_STATES])):
        if A[A[dfa + DFA_LONGEST] + q] >= 0:
            return True
    return False


@kernel("b1(A, A, i8, i8, i8, i8, b1)")
def matters(A, V, spec, x, count, slack, ends):
    """Whether the bounds might forbid some of the suffixes ``x`` after ``count`` characters."""
    if A[spec + SPEC_MAX] >= 0 and count + height(A, V, x) + slack > A[spec + SPEC_MAX]:
        return True
    return count < A[spec + SPEC_MIN] and (ends or x >= V[V_NODES] or is_marked(A, MARKED, x))


@kernel("b1(A, i8, i8, i8, i8)")
def fits(A, spec, q, count, mode):
    """Whether the string can still end within its bounds, after ``count`` characters and a part of another one."""
    if A[spec + SPEC_KIND] == AUTOMATON:
        if mode != 0:
            return dfa_can_start(A, spec, q, count, mode)
        return dfa_fits(A, spec, int(A[spec + SPEC_REF]), q, count)
    return A[spec + SPEC_MAX] < 0 or count + (mode != 0) <= A[spec + SPEC_MAX]


@kernel("void(A, i8)")
def drop(A, edge):
    """Note an edge behind which nothing is allowed (-1 - edge: a closing quote).

    The list grows downwards from the end of the scratch region, of which the stack has the first half.
    """
    if A[COWALK + 2] >= A[COWALK + 1] // 4:
        A[STATUS] = FULL
        return
    A[A[COWALK] + A[COWALK + 1] - 1 - A[COWALK + 2]] = edge
    A[COWALK + 2] += 1


@kernel("i8(A, A, i8, i8, i8, i8, i8, i8, b1, i8)")
def read_counted(A, V, spec, edge, q, mode, count, slack, ends, top):
    """One edge of a suffix set from state ``q`` after ``count`` characters: the new number of frames."""
    r = char_step(mode, edge_byte(A, V, edge))
    if r == DEAD:
        return top
    is_automaton = A[spec + SPEC_KIND] == AUTOMATON
    if r == QUOTE:
        if count < A[spec + SPEC_MIN] and (not is_automaton or A[A[A[spec + SPEC_REF] + DFA_ACCEPT] + q]):
            drop(A, -1 - edge)
        return top
    if r >= CHAR:
        q = dfa_step(A, int(A[spec + SPEC_REF]), q, r & 0x1FFFFF) if is_automaton else 0
        r, count = 0, count + 1
    if q < 0:
        return top
    if not fits(A, spec, q, count, r):
        drop(A, edge)
        return top
    rest = edge_rest(A, V, edge)
    if rest < 0 or not matters(A, V, spec, rest, count + (r != 0), slack, ends):
        return top
    at = int(A[COWALK]) + 4 * top
    if 4 * top + 4 > A[COWALK + 1] // 2:
        A[STATUS] = FULL
        return 0
    A[at], A[at + 1], A[at + 2], A[at + 3] = rest, q, r, count
    return top + 1


@kernel("void(A, A, i8, i8, i8)")
def find_forbidden(A, V, x, at, slack):
    """Walk the suffixes ``x`` from the position whose record is at ``at``, and note the edges that bounds forbid."""
    spec = int(A[at + 1])
    ends, stack, top = some_end(A, spec), int(A[COWALK]), 1
    A[COWALK + 2] = 0
    A[stack], A[stack + 1], A[stack + 2], A[stack + 3] = x, A[at + 2], A[at + 4], A[at + 3]
    while top > 0 and A[STATUS] == 0:
        top -= 1
        frame = stack + 4 * top
        q, mode, count = int(A[frame + 1]), int(A[frame + 2]), int(A[frame + 3])
        first, stop = edge_range(A, V, int(A[frame]))
        for edge in range(first, stop):
            top = read_counted(A, V, spec, edge, q, mode, count, slack, ends, top)


@kernel("i8(A, A, i8, i8, i8)")
def note_exit(A, V, node, is_quote, n):
    """Note a trie node behind which a string may have ended: how many there are."""
    if not is_quote:
        return n
    if n >= A[COWALK + 1] // 2:
        A[STATUS] = FULL
        return n
    A[A[COWALK] + n] = node
    return n + 1


@kernel("i8(A, A, i8, i8, i8, i8)")
def clear_below(A, V, row, start, stop, n):
    """Take the tokens at a range of trie nodes and below out of a row, and note the quotes on the way."""
    child, first, ids, node_byte = int(V[V_CHILD]), int(V[V_TOKFIRST]), int(V[V_TOKIDS]), int(V[V_BYTE])
    while start < stop:
        for j in range(int(V[first + start]), int(V[first + stop])):
            clear_bit(A, row, int(V[ids + j]))
        for node in range(start, stop):
            n = note_exit(A, V, node, V[node_byte + node] == 34, n)
        start, stop = int(V[child + start]), int(V[child + stop])
    return n


@kernel("i8(A, A, i8, i8, i8)")
def clear_edge(A, V, row, edge, n):
    """Take out what is at a forbidden edge and behind it; behind a closing quote, only the exit."""
    closes = edge < 0
    edge = -1 - edge if closes else edge
    if edge < V[V_NODES] and not closes:
        return clear_below(A, V, row, edge, edge + 1, n)
    clear_bits(A, V, row, edge)
    rest = edge_rest(A, V, edge)
    if rest < 0:
        return n
    at, size = members(A, V, rest)
    for j in range(size):
        node = int(A[at + j]) if rest >= V[V_NODES] else rest
        if closes:
            n = note_exit(A, V, node, 1, n)
        else:
            n = clear_below(A, V, row, int(V[V[V_CHILD] + node]), int(V[V[V_CHILD] + node + 1]), n)
    return n


@kernel("void(A, A, i8, i8, i8)")
def walk_counted(A, V, x, pos, parent):
    """Read the suffixes ``x`` inside a string of bounded length.

    O(suffixes that might pass a bound), once the pair without bounds is there.
    """
    at = int(A[POS]) + pos * POS_STRIDE
    spec = int(A[at + 1])
    plain = position(A, K_STRING, int(A[spec + SPEC_FREE]), int(A[at + 2]), 0, int(A[at + 4]), 0, 0, 0)
    pair = find_pair(A, x, plain)
    if pair == 0:
        ask(A, x, plain)
        return
    if A[MARKED] == 0:
        mark_below(A, V, MARKED)
    find_forbidden(A, V, x, at, int(A[A[spec + SPEC_REF] + DFA_SLACK]) if A[spec + SPEC_KIND] == AUTOMATON else 0)
    count, n = int(A[COWALK + 2]), 0
    if count == 0 and A[STATUS] == 0:
        use_tokens(A, pair)
        arrive(A, V, int(A[pair + P_EXIT]), parent)
        return
    row = pair_row(A, pair) if A[STATUS] == 0 else 0
    if row == 0:
        return
    for j in range(count):
        n = clear_edge(A, V, row, int(A[A[COWALK] + A[COWALK + 1] - 1 - j]), n)
    add_row(A, keep_row(A, row))
    if A[STATUS] == 0:
        arrive(A, V, subtract(A, V, int(A[pair + P_EXIT]), int(A[COWALK]), n), parent)
