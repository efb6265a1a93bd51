"""Tables over the vocabulary that no grammar owns: runs of characters that change nothing, and free text by its length.

A *loop set* is a set of characters after which a state is the same state. Which tokens stay inside it, and what is
left of those that leave it, depends on the set alone: so ``[a-z]*``, ``[^ ]+`` and the body of every string cost one
walk per vocabulary, whatever the grammar.
"""

from __future__ import annotations

from .arena import (
    COWALK,
    FREE_LOOP,
    HEAP,
    IDS,
    LAZY,
    LENGTHS,
    LIST,
    MARKED,
    MEMBER,
    POS,
    POS_STRIDE,
    SORT,
    SPACE_LOOP,
    STATE,
    STATE_STRIDE,
    STATUS,
    USED_ROWS,
    WORK,
    take,
)
from .collect import add_exit, add_ids, add_row, add_tokens, dense_row, flush_ids, push
from .complements import gather_complement
from .jit import kernel
from .languages import ANY, AUTOMATON, DFA_LOOPS, SPEC_KIND, SPEC_MAX, SPEC_MIN, SPEC_REF, TOTAL, in_loop
from .positions import K_KEY, K_STRING, K_TEXT, O_SPEC
from .states import AT_BASE, S_COUNT, S_FLAGS, S_ITEMS
from .steps import step
from .strings import CHAR, DEAD, QUOTE, char_step, utf8_step
from .suffixes import members, suffix_set
from .trie import V_BYTE, V_CHILD, V_MAXLEN, V_NODES, V_TOKFIRST, V_TOKIDS

WIDE = 12  # bytes of a loop set from which sweeping the trie is quicker than following what stays inside
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
    if A[rows + left] == 0:
        n = int(A[A[LENGTHS + L_STARTS] + left + 1])
        add_ids(A, A, int(A[LENGTHS + L_TOKENS]), n)
        row = dense_row(A, 0, 1)
        A[IDS + 2] = 0
        if A[STATUS] != 0:
            return -1
        A[rows + left] = row
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


@kernel("b1(A, i8, i8, i8)")
def loop_reads(A, loop, mode, b):
    """Whether a byte stays in a loop set."""
    if mode == 0 and not in_loop(A, loop, b):
        return False
    return utf8_step(mode, b) != DEAD


@kernel("void(A, A, i8, i8)")
def add_leaving(A, V, node, loop):
    """Note a trie node as an exit if it goes on with a byte outside a loop set."""
    child, node_byte = int(V[V_CHILD]), int(V[V_BYTE])
    for c in range(int(V[child + node]), int(V[child + node + 1])):
        if not in_loop(A, loop, int(V[node_byte + c])):
            add_exit(A, V, node)
            return


@kernel("void(A, A, i8, i8)")
def sweep_loop(A, V, x, loop):
    """As :func:`gather_loop`, for a node of the trie: level by level, each of which is one slice of the trie's arrays.

    ``SORT`` has room for the UTF-8 mode of every node (-1: outside the loop). O(trie below ``x``).
    """
    child, node_byte, modes = int(V[V_CHILD]), int(V[V_BYTE]), int(A[SORT])
    first, ids = int(V[V_TOKFIRST]), int(V[V_TOKIDS])
    base, n, most = int(A[IDS]), int(A[IDS + 2]), int(A[IDS + 1])
    lo, hi = x, x + 1
    A[modes + x] = 0
    while lo < hi and A[STATUS] == 0:
        for node in range(lo, hi):
            mode = int(A[modes + node])
            leaves = False
            for c in range(int(V[child + node]), int(V[child + node + 1])):
                A[modes + c] = -1
                if mode < 0:
                    continue
                b = int(V[node_byte + c])
                if mode == 0 and not in_loop(A, loop, b):
                    leaves = True
                    continue
                after = 0
                if mode != 0 or b >= 0x80:
                    r = utf8_step(mode, b)
                    if r == DEAD:
                        continue
                    after = 0 if r >= CHAR else r
                A[modes + c] = after
                start, stop = int(V[first + c]), int(V[first + c + 1])
                if n + stop - start > most:
                    A[IDS + 2] = n
                    flush_ids(A)
                    n = 0
                for t in range(start, stop):
                    A[base + n] = V[ids + t]
                    n += 1
            if leaves:
                add_exit(A, V, node)
        lo, hi = int(V[child + lo]), int(V[child + hi])
    A[IDS + 2] = n


@kernel("b1(A, i8)")
def is_wide(A, loop):
    """Whether a loop set has so many bytes that most of the trie may lie inside: more than white space or digits."""
    n = 0
    for b in range(256):
        n += in_loop(A, loop, b)
    return n >= WIDE


@kernel("void(A, A, i8, i8)")
def gather_loop(A, V, x, loop):
    """The table of a suffix set and a loop set: tokens inside the loop, and as exit the suffixes that leave it.

    Tokens that end inside a character count as inside: every completion of it belongs to the loop. The members of a set
    are read one by one, which makes no further sets.
    """
    nodes = int(V[V_NODES])
    if x == 0 and gather_complement(A, V, loop):
        return
    if x < nodes and nodes <= A[SORT + 1] and is_wide(A, loop):
        sweep_loop(A, V, x, loop)
        return
    child, node_byte = int(V[V_CHILD]), int(V[V_BYTE])
    at, n = members(A, V, x)
    for j in range(n):
        node = x if x < V[V_NODES] else int(A[at + j])
        add_leaving(A, V, node, loop)
        push(A, node, 0)
        while A[WORK + 2] > 0 and A[STATUS] == 0:
            A[WORK + 2] -= 2
            top = int(A[WORK]) + int(A[WORK + 2])
            y, mode = int(A[top]), int(A[top + 1])
            for c in range(int(V[child + y]), int(V[child + y + 1])):
                b = int(V[node_byte + c])
                if not loop_reads(A, loop, mode, b):
                    continue
                add_tokens(A, V, c)
                if V[child + c] == V[child + c + 1]:
                    continue
                then = utf8_step(mode, b)
                if then >= CHAR:
                    then = 0
                    add_leaving(A, V, c, loop)
                push(A, c, then)


@kernel("i8(A, i8)")
def key_loop(A, pos):
    """The loop set of a position inside a key (its record at ``pos``) that an automaton of free names reads."""
    spec, q = int(A[A[A[LAZY] + A[pos + 1]] + O_SPEC]), int(A[pos + 4])
    if spec < 0 or q < 0 or A[pos + 5] != 0:
        return 0
    loop = int(A[A[A[spec + SPEC_REF] + DFA_LOOPS] + q])
    if A[pos + 3] < 0 or loop == TOTAL:
        return loop
    return TOTAL if loop == A[FREE_LOOP] else 0  # on the trie of names the state changes, but any character may follow


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

    ``TOTAL`` instead: states change, but whatever characters follow stay inside the string.
    """
    at = int(A[STATE]) + state * STATE_STRIDE
    if A[at + S_FLAGS] & AT_BASE:
        return 0
    if A[at + S_COUNT] == 1:
        pos = int(A[POS]) + int(A[A[at + S_ITEMS]]) * POS_STRIDE
        if A[pos] == K_KEY:
            return key_loop(A, pos)
        if A[pos] == K_STRING and A[pos + 4] == 0 and A[pos + 5] == 0:
            spec = int(A[pos + 1])
            bounded = A[spec + SPEC_MAX] >= 0 or A[pos + 3] < A[spec + SPEC_MIN]
            if A[spec + SPEC_KIND] == ANY:
                return 0 if bounded else int(A[FREE_LOOP])
            if A[spec + SPEC_KIND] == AUTOMATON and not bounded:
                return int(A[A[A[spec + SPEC_REF] + DFA_LOOPS] + A[pos + 2]])
            return 0
        if A[pos] == K_TEXT:
            return text_loop(A, pos)
    if x != 0:
        return 0
    for b in (32, 10, 13, 9):
        if step(A, state, b) != state:
            return 0
    return int(A[SPACE_LOOP])


@kernel("b1(A, i8)")
def is_marked(A, node):
    """Whether a quote or a backslash lies below a trie node."""
    return bool((A[A[MARKED] + (node >> 5)] >> (node & 31)) & 1)


@kernel("void(A, A)")
def mark_quotes_below(A, V):
    """Find the trie nodes with a quote or a backslash below, once per vocabulary. O(trie)."""
    nodes, child, node_byte = int(V[V_NODES]), int(V[V_CHILD]), int(V[V_BYTE])
    marks = take(A, LIST, (nodes + 31) // 32)
    if marks < 0:
        return
    for j in range((nodes + 31) // 32):
        A[marks + j] = 0
    for node in range(nodes - 1, -1, -1):  # breadth first: children come after their parents
        for c in range(int(V[child + node]), int(V[child + node + 1])):
            b = V[node_byte + c]
            if b == 34 or b == 92 or (A[marks + (c >> 5)] >> (c & 31)) & 1:
                A[marks + (node >> 5)] |= 1 << (node & 31)
                break
    A[MARKED] = marks
