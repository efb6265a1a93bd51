"""Tables over the vocabulary that no grammar owns: runs of characters that change nothing, and free text by its length.

A *loop set* is a set of characters after which a state is the same state. Which tokens stay inside it, and what is
left of those that leave it, depends on the set alone: so ``[a-z]*``, ``[^ ]+`` and the body of every string cost one
walk per vocabulary, whatever the grammar.
"""

from __future__ import annotations

import numpy as np

from .arena import (
    COWALK,
    DENSE,
    DOT_LOOP,
    EXITS,
    FAR,
    FREE_LOOP,
    FULL,
    HEAP,
    IDS,
    LAZY,
    LENGTHS,
    LIST,
    MARKED_DOT,
    MEMBER,
    POS,
    POS_STRIDE,
    SORT,
    SPACE_LOOP,
    STATE,
    STATE_STRIDE,
    STATUS,
    USED_ROWS,
    WORDS,
    WORK,
    take,
)
from .collect import add_ids, add_node, add_row, add_tokens, clear_bit, dense_row, keep_row
from .jit import kernel
from .languages import (
    ANY,
    AUTOMATON,
    CUT,
    DFA_COUNTS,
    DFA_LOOPS,
    DFA_VERDICTS,
    DOT,
    LOOP_CUT,
    NOT_DOT,
    SPEC_KIND,
    SPEC_MAX,
    SPEC_MIN,
    SPEC_REF,
    TOTAL,
    all_lead_to,
    dfa_step,
    in_loop,
)
from .positions import K_KEY, K_STRING, K_TEXT, O_SPEC
from .states import AT_BASE, S_COUNT, S_FLAGS, S_ITEMS
from .steps import step
from .strings import CHAR, DEAD, QUOTE, char_step
from .suffixes import members, set_behind, suffix_set
from .trie import STARTS_CHAR, V_BYTE, V_CHAR, V_CHILD, V_HEIGHT, V_MAXLEN, V_NODES, V_TOKFIRST, V_TOKIDS

OFTEN = (97, 65, 48, 32, 45, 95)  # characters of which most loops have one: a A 0 space - _
L_TOKENS, L_STARTS, L_NODES, L_NODE_STARTS, L_ROWS, L_MOST = 0, 1, 2, 3, 4, 5


@kernel("void(A, A, i8, i8, i8, i8, i8)")
def _measure(A, V, token_starts, node_starts, tokens, nodes, fill):
    """One pass of :func:`measure_free_text`: count (``fill`` 0) or place (1)."""
    child, node_byte = int(V[V_CHILD]), int(V[V_BYTE])
    first, ids = int(V[V_TOKFIRST]), int(V[V_TOKIDS])
    stack, top = int(A[COWALK]), 1
    A[stack], A[stack + 1], A[stack + 2] = 0, 0, 0
    while top > 0:
        top -= 1
        y, mode, chars = int(A[stack + 3 * top]), int(A[stack + 3 * top + 1]), int(A[stack + 3 * top + 2])
        for c in range(int(V[child + y]), int(V[child + y + 1])):
            r = char_step(mode, int(V[node_byte + c]))
            if r == DEAD:
                continue
            if r == QUOTE:
                if fill:
                    A[nodes + A[node_starts + chars]] = c
                A[node_starts + chars] += 1
                # a token that ends with the quote is complete: it counts with the nodes
                continue
            needed = chars + 1 if mode == 0 else chars
            for t in range(int(V[first + c]), int(V[first + c + 1])):
                if fill:
                    A[tokens + A[token_starts + needed]] = V[ids + t]
                A[token_starts + needed] += 1
            if V[child + c] < V[child + c + 1]:
                A[stack + 3 * top], A[stack + 3 * top + 1] = c, 0 if r >= CHAR else r
                A[stack + 3 * top + 2] = needed
                top += 1


@kernel("void(A, A)")
def measure_free_text(A, V):
    """Read the whole vocabulary once as the inside of a string, counting characters.

    Leaves the tokens that stay inside, ordered by the characters they need, and the trie nodes behind a closing quote,
    ordered by the characters before it; both with a table of starts. O(trie).
    """
    most = int(V[V_MAXLEN]) + 2
    counts = take(A, HEAP, 3 * most + 3)
    if counts < 0:
        return
    token_starts, node_starts, rows = counts, counts + most + 1, counts + 2 * most + 2
    tokens, nodes = 0, 0
    for fill in range(2):
        if fill:
            n_tokens, n_nodes = 0, 0
            for k in range(most + 1):
                c = int(A[token_starts + k])
                A[token_starts + k] = n_tokens
                n_tokens += c
                c = int(A[node_starts + k])
                A[node_starts + k] = n_nodes
                n_nodes += c
            tokens, nodes = take(A, LIST, n_tokens), take(A, MEMBER, n_nodes)
            if tokens < 0 or nodes < 0:
                return
        else:
            for k in range(3 * most + 3):
                A[counts + k] = 0
        _measure(A, V, token_starts, node_starts, tokens, nodes, fill)
    for k in range(most, 0, -1):  # filling moved every start to its end
        A[token_starts + k] = A[token_starts + k - 1]
        A[node_starts + k] = A[node_starts + k - 1]
    A[token_starts], A[node_starts] = 0, 0
    A[LENGTHS + L_TOKENS], A[LENGTHS + L_STARTS] = tokens, token_starts
    A[LENGTHS + L_NODES], A[LENGTHS + L_NODE_STARTS] = nodes, node_starts
    A[LENGTHS + L_ROWS], A[LENGTHS + L_MOST] = rows, most


@kernel("i8(A, i8, i8)")
def free_row(A, left, most):
    """The dense row of the tokens that need at most ``left`` characters; 0 with ``FULL`` set.

    Most tokens are short: what is left out of the row of all (``most``) is less to write than what is in.
    """
    tokens, n = int(A[LENGTHS + L_TOKENS]), int(A[A[LENGTHS + L_STARTS] + left + 1])
    total = int(A[A[LENGTHS + L_STARTS] + most + 1])
    if left == most or 2 * n <= total:
        add_ids(A, A, tokens, n)
        row = dense_row(A, 0, 1)
        A[IDS + 2] = 0
        return row
    at = take(A, DENSE, int(A[WORDS]))
    if at < 0:
        return 0
    base, source = np.uint64(at), np.uint64(A[A[LENGTHS + L_ROWS] + most])
    for j in range(np.uint64(A[WORDS])):  # unsigned indices: a vector loop
        A[base + j] = A[source + j]
    for k in range(tokens + n, tokens + total):
        clear_bit(A, at, int(A[k]))
    return keep_row(A, at)


@kernel("i8(A, A, i8, i8)")
def free_text(A, V, spec, count):
    """The pair of the whole vocabulary with free text after ``count`` characters: collects tokens, returns the exit."""
    if A[LENGTHS + L_MOST] == 0:
        measure_free_text(A, V)
        if A[STATUS] != 0:
            return -1
    most = int(A[LENGTHS + L_MOST]) - 1
    left = most if A[spec + SPEC_MAX] < 0 else min(most, int(A[spec + SPEC_MAX]) - count)
    owed = min(most + 1, max(0, int(A[spec + SPEC_MIN]) - count))
    rows = int(A[LENGTHS + L_ROWS])
    for room in (most, left):
        if A[rows + room] == 0:
            row = free_row(A, room, most)
            if A[STATUS] != 0:
                return -1
            A[rows + room] = row
    add_row(A, int(A[rows + left]))
    nodes, starts = int(A[LENGTHS + L_NODES]), int(A[LENGTHS + L_NODE_STARTS])
    pool, n = int(A[COWALK]), 0
    for j in range(int(A[starts + owed]), int(A[starts + left + 1]) if owed <= left else 0):
        node = int(A[nodes + j])
        add_tokens(A, V, node)
        A[pool + n] = node
        n += 1
    A[A[USED_ROWS]] = dense_row(A, 1, 1)  # tokens inside and tokens that close: one row, shared by all that use this
    A[IDS + 2] = 0
    return suffix_set(A, V, pool, n)


@kernel("i8(A, A, i8, i8, i8)")
def keep_run(A, V, queued, lo, hi):
    """Note the tokens that end at nodes ``lo`` to ``hi - 1``, and queue the nodes: how many runs were ever queued."""
    child, first = int(V[V_CHILD]), int(V[V_TOKFIRST])
    start = int(V[first + lo])
    add_ids(A, V, int(V[V_TOKIDS]) + start, int(V[first + hi]) - start)
    if V[child + lo] == V[child + hi]:
        return queued
    at = int(A[SORT]) + ((2 * queued) & (int(A[SORT + 1]) - 1))
    A[at], A[at + 1] = lo, hi
    return queued + 1


@kernel("void(A, A, i8, i8)")
def keep_far(A, V, done, queued):
    """Note the nodes of the runs that are still queued: what is behind them is read from the state reached there."""
    runs = int(A[SORT + 1]) // 2
    for k in range(done, queued):
        at = int(A[SORT]) + 2 * (k & (runs - 1))
        for node in range(int(A[at]), int(A[at + 1])):
            add_node(A, COWALK, node)


@kernel("void(A, A, i8, i8, b1)")
def spread_loop(A, V, x, loop, with_own):
    """Note the tokens below a trie node that stay inside a loop set, and the nodes from and by which others leave it.

    The text stands between characters. Breadth first, as the trie is numbered: nodes that stay inside come in runs, and
    so do their children and tokens. The children of ``x`` leave it only ``with_own``. O(nodes inside the loop).

    Where the loop set is cut, a character may also be written as an escape, behind which states still differ in their
    counts: these differences must be out of the reach of what is left of the tokens there.
    """
    child, char, bits, one = np.uint64(V[V_CHILD]), np.uint64(V[V_CHAR]), np.uint64(loop), np.uint64(1)
    runs, left = int(A[SORT + 1]) // 2, np.uint64(V[V_NODES])
    done, queued, level, level_end = 0, 1, 0, 1
    A[A[SORT]], A[A[SORT] + 1] = x, x + 1
    while done < queued and A[STATUS] == 0:
        if done == level_end:
            level, level_end = level + 1, queued
            if level == CUT and A[loop + LOOP_CUT]:
                keep_far(A, V, done, queued)
                return
        at = int(A[SORT]) + 2 * (done & (runs - 1))
        parent = np.uint64(A[at])
        run, end = np.uint64(V[child + parent]), np.uint64(V[child + np.uint64(A[at + 1])])
        done += 1
        for c in range(run, end):  # unsigned indices: half the time
            char_of = V[char + c]
            lead = char_of & 0xFF
            if (A[bits + np.uint64(lead >> 5)] >> (lead & 31)) & 1:
                continue
            if run < c:
                queued = keep_run(A, V, queued, np.int64(run), np.int64(c))
            run = c + one
            if char_of & STARTS_CHAR and (done > 1 or with_own):
                add_node(A, EXITS, np.int64(c))
                if lead == 92 and level + 1 + V[int(V[V_HEIGHT]) + np.int64(c)] > CUT and A[loop + LOOP_CUT]:
                    A[FAR] = -2
                while np.uint64(V[child + parent + one]) <= c:
                    parent += one
                if left != parent:
                    left = parent
                    add_node(A, WORK, np.int64(parent))
        if run < end:
            queued = keep_run(A, V, queued, np.int64(run), np.int64(end))
        if queued - done >= runs:
            A[STATUS] = FULL


@kernel("i8(A, A, i8, i8)")
def gather_loop(A, V, x, loop):
    """The table of a suffix set and a loop set: collects tokens inside the loop, returns what leaves it.

    Tokens that end inside a character count as inside: every completion of it belongs to the loop. The bytes that leave
    a trie node at once are not in the table, they differ for states that only lead into the loop.
    """
    at, n = members(A, V, x)
    A[COWALK + 2] = 0
    for j in range(n):
        spread_loop(A, V, int(A[at + j]) if at else x, loop, at > 0)
    count, A[WORK + 2] = int(A[WORK + 2]), 0
    if A[FAR] == -1:
        A[FAR] = suffix_set(A, V, int(A[COWALK]), int(A[COWALK + 2]))
    A[COWALK + 2] = 0
    if A[STATUS] != 0:
        return -1
    return set_behind(A, V, int(A[EXITS]), int(A[EXITS + 2]), int(A[WORK]), count)


@kernel("i8(A, i8)")
def key_loop(A, pos):
    """The loop set of a position inside a key (its record at ``pos``) that an automaton of free names reads."""
    spec, q = int(A[A[A[LAZY] + A[pos + 1]] + O_SPEC]), int(A[pos + 4])
    if spec < 0 or q < 0 or A[pos + 5] != 0:
        return 0
    loop = int(A[A[A[spec + SPEC_REF] + DFA_LOOPS] + q])
    if A[pos + 3] < 0 or loop < 0:
        return loop
    # on the trie of names the state changes, but any character may follow
    return TOTAL if loop == A[FREE_LOOP] else DOT if loop == A[DOT_LOOP] else 0


@kernel("i8(A, i8)")
def text_loop(A, pos):
    """The loop set of a position in raw text (its record at ``pos``).

    Where the text may end, it has no byte that anything can go on with behind the end.
    """
    if A[pos + 3] != 0:
        return 0
    return int(A[A[A[A[pos + 1] + SPEC_REF] + DFA_LOOPS] + A[pos + 2]])


@kernel("i8(A, i8, i8)")
def loop_of(A, x, state):
    """The loop set of a state: bytes and characters after which it is the same state; 0 when it is not worth using.

    ``TOTAL`` or ``DOT`` instead: states change, but whatever characters follow stay inside the string.
    """
    at = int(A[STATE]) + state * STATE_STRIDE
    if A[at + S_FLAGS] & AT_BASE:
        return 0
    if A[at + S_COUNT] == 1:
        pos = int(A[POS]) + int(A[A[at + S_ITEMS]]) * POS_STRIDE
        if A[pos] == K_KEY:
            return key_loop(A, pos)
        if A[pos] == K_TEXT:
            return text_loop(A, pos)
        if A[pos] == K_STRING and A[pos + 4] == 0 and A[pos + 5] == 0:
            spec = int(A[pos + 1])
            bounded = A[spec + SPEC_MAX] >= 0 or A[pos + 3] < A[spec + SPEC_MIN]
            if A[spec + SPEC_KIND] == ANY:
                return 0 if bounded else int(A[FREE_LOOP])
            if A[spec + SPEC_KIND] == AUTOMATON and not bounded:
                return int(A[A[A[spec + SPEC_REF] + DFA_LOOPS] + A[pos + 2]])
            return 0
    if x != 0:
        return 0
    for b in (32, 10, 13, 9):
        if step(A, state, b) != state:
            return 0
    return int(A[SPACE_LOOP])


@kernel("i8(A, i8)")
def counted_loop(A, state):
    """The cut loop set (``DFA_COUNTS``) of a state whose automaton does nothing but to count its characters; else 0."""
    at = int(A[STATE]) + state * STATE_STRIDE
    if A[at + S_FLAGS] & AT_BASE or A[at + S_COUNT] != 1:
        return 0
    pos = int(A[POS]) + int(A[A[at + S_ITEMS]]) * POS_STRIDE
    if A[pos] == K_KEY:
        spec, q = int(A[A[A[LAZY] + A[pos + 1]] + O_SPEC]), int(A[pos + 4])
        if spec < 0 or q < 0 or A[pos + 3] >= 0 or A[pos + 5] != 0:
            return 0
    elif A[pos] == K_STRING and A[pos + 4] == 0 and A[pos + 5] == 0:
        spec, q = int(A[pos + 1]), int(A[pos + 2])
        if A[spec + SPEC_KIND] != AUTOMATON or A[spec + SPEC_MAX] >= 0 or A[pos + 3] < A[spec + SPEC_MIN]:
            return 0
    else:
        return 0
    counts = int(A[A[spec + SPEC_REF] + DFA_COUNTS])
    return int(A[counts + q]) if counts else 0


@kernel("i8(A, i8)")
def _only_item(A, state):
    """Where the position of the only item of a state is; 0 where there are several."""
    at = int(A[STATE]) + state * STATE_STRIDE
    return int(A[POS]) + int(A[A[at + S_ITEMS]]) * POS_STRIDE if A[at + S_COUNT] == 1 else 0


@kernel("i8(A, i8, i8)")
def loop_ahead(A, x, state):
    """The state that loops and that every character of its loop leads to from here as well; 0 where there is none.

    So ``^[a-z]+$`` needs one table, not one for every first byte.
    """
    pos = _only_item(A, state)
    if A[pos] != K_STRING or A[A[pos + 1] + SPEC_KIND] != AUTOMATON or A[pos + 4] != 0 or A[pos + 5] != 0:
        return 0
    dfa, q = int(A[A[pos + 1] + SPEC_REF]), int(A[pos + 2])
    for first in OFTEN:
        if A[dfa + DFA_VERDICTS] or dfa_step(A, dfa, q, first) < 0:
            continue
        ahead = step(A, state, first)
        if ahead < 0:
            continue
        loop, then = loop_of(A, x, ahead), _only_item(A, ahead)
        if loop <= 0 or A[then] != K_STRING or A[then + 1] != A[pos + 1]:
            return 0
        for b in range(256):
            if in_loop(A, loop, b) and not all_lead_to(A, dfa, q, b, int(A[then + 2])):
                return 0
        return ahead
    return 0


@kernel("b1(A, i8, i8)")
def is_marked(A, marked, node):
    """Whether something special lies below a trie node: see :func:`mark_below`."""
    return bool((A[A[marked] + (node >> 5)] >> (node & 31)) & 1)


@kernel("b1(i8, i8)")
def is_special(marked, b):
    """Whether a byte is a quote or a backslash or, for ``MARKED_DOT``, begins a character that is no dot."""
    return b == 34 or b == 92 or (b == NOT_DOT and marked == MARKED_DOT)


@kernel("void(A, A, i8)")
def mark_below(A, V, marked):
    """Find the trie nodes with a special byte below, once per vocabulary, for ``MARKED`` or ``MARKED_DOT``. O(trie)."""
    nodes, child, node_byte = int(V[V_NODES]), int(V[V_CHILD]), int(V[V_BYTE])
    marks = take(A, LIST, (nodes + 31) // 32)
    if marks < 0:
        return
    for j in range((nodes + 31) // 32):
        A[marks + j] = 0
    for node in range(nodes - 1, -1, -1):  # breadth first: children come after their parents
        for c in range(int(V[child + node]), int(V[child + node + 1])):
            if is_special(marked, int(V[node_byte + c])) or (A[marks + (c >> 5)] >> (c & 31)) & 1:
                A[marks + (node >> 5)] |= np.int32(1) << np.int32(node & 31)
                break
    A[marked] = marks
