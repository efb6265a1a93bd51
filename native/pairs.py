"""Pairs: a suffix set read from a position, once, whatever stands above the position.

``pair(X, q)`` holds the tokens of X that end while the value at q is still being read, as shared dense rows and a
list, and one exit: the suffixes that remain where the value ended. A mask is then the pair of the whole vocabulary
with each item's position, followed by the pairs of the exits with the parents: tables are built once per (suffix set,
automaton state) and shared by every stack and every grammar that has the same position.

A pair is built by walking the suffix set's trie with states whose outermost parent is ``BASE_STATE``. Where a part of
the trie meets a single item whose own pair can be shared, that pair is used (the build stops, the pair is built first,
the build starts again: an explicit stack instead of recursion).

Pair record: suffix set, position, number of rows, rows, list, length, exit.
"""

from __future__ import annotations

from .arena import (
    COWALK,
    DENSE,
    DENSE_HASH,
    EOS,
    EXITS,
    FULL,
    HEAP,
    IDS,
    LENGTHS,
    LIST,
    MEMBER,
    N_EOS,
    PAIR,
    PAIR_HASH,
    PAIR_ROWS,
    PAIR_STRIDE,
    PENDING,
    POS,
    POS_STRIDE,
    RECIPE,
    SNODE,
    SNODE_STRIDE,
    SPACE_ROW,
    SPACE_SET,
    STATE,
    STATE_STRIDE,
    STATUS,
    USED_ROWS,
    WORDS,
    WORK,
    mix,
    take,
)
from .jit import kernel
from .languages import ANY, AUTOMATON, DFA_SLACK, SPEC_FREE, SPEC_KIND, SPEC_MAX, SPEC_MIN, SPEC_REF, trie_char, trie_child
from .positions import (
    COLON,
    K_KEY,
    K_NUMBER,
    K_OBJECT,
    K_OPEN,
    K_STRING,
    K_TEXT,
    O_FREE,
    O_GOALS,
    O_SORTED,
    O_SPEC,
    O_TEXT,
    O_WS,
    after_name,
    any_word,
    free_allowed,
    lazy,
    name_allowed,
    position,
)
from .states import AT_BASE, BASE_STATE, COMPLETE, LIVE, S_COUNT, S_FLAGS, S_ITEMS, S_RECIPE, state_of
from .steps import is_raw, name_can_go_on, step, word_can_go_on
from .strings import CHAR, DEAD, QUOTE, char_step
from .suffixes import EDGE_STRIDE, below, edges, height, suffix_set
from .trie import V_BYTE, V_CHILD, V_MAXLEN, V_NODES, V_TOKENS, V_TOKFIRST, V_TOKIDS

P_SET, P_POS, P_ROWS, P_ROW, P_LIST, P_COUNT, P_EXIT = 0, 1, 2, 3, 8, 9, 10
SHARED_FROM = 48  # tokens below a node from which its own pair pays
DENSE_FROM = 400  # listed tokens from which a dense row is cheaper to unite and to keep
L_TOKENS, L_STARTS, L_NODES, L_NODE_STARTS, L_ROWS, L_MOST = 0, 1, 2, 3, 4, 5




@kernel("void(A, i8)")
def add_row(A, row):
    """Note a dense row of the pair or mask being built."""
    at, n = int(A[USED_ROWS]), int(A[USED_ROWS + 2])
    for j in range(n):
        if A[at + j] == row:
            return
    if n == A[USED_ROWS + 1]:
        A[STATUS] = FULL
        return
    A[at + n] = row
    A[USED_ROWS + 2] = n + 1


@kernel("i8(A, i8)")
def keep_row(A, at):
    """Hash-cons the dense row just taken at ``at`` (the last of its region): its place."""
    words = int(A[WORDS])
    h = words
    for j in range(words):
        h = mix(h, int(A[at + j]))
    size, table = int(A[DENSE_HASH + 1]), int(A[DENSE_HASH])
    slot = (h >> 11) & (size - 1)
    while A[table + slot] != 0:
        other, same = int(A[table + slot]), True
        for j in range(words):
            if A[other + j] != A[at + j]:
                same = False
                break
        if same:
            A[DENSE + 2] -= words
            return other
        slot = (slot + 1) & (size - 1)
    if A[DENSE + 2] > (size // 2) * words:
        A[STATUS] = FULL
        return 0
    A[table + slot] = at
    return at


@kernel("i8(A, i8, i8)")
def dense_row(A, n_rows, with_ids):
    """A dense row united from the first ``n_rows`` noted rows and, if asked, the noted ids; 0 with ``FULL`` set."""
    words = int(A[WORDS])
    at = take(A, DENSE, words)
    if at < 0:
        return 0
    for j in range(words):
        A[at + j] = 0
    for k in range(n_rows):
        row = int(A[A[USED_ROWS] + k])
        for j in range(words):
            A[at + j] |= A[row + j]
    if with_ids:
        ids = int(A[IDS])
        for k in range(int(A[IDS + 2])):
            t = A[ids + k]
            A[at + (t >> 5)] |= 1 << (t & 31)
    return keep_row(A, at)


@kernel("void(A)")
def flush_ids(A):
    """Turn the ids noted so far into a dense row."""
    row = dense_row(A, 0, 1)
    A[IDS + 2] = 0
    if A[STATUS] == 0:
        add_row(A, row)


@kernel("void(A, A, i8, i8)")
def add_ids(A, source, at, n):
    """Note the token ids ``source[at : at + n]``."""
    used = int(A[IDS + 2])
    if used + n > A[IDS + 1]:
        flush_ids(A)
        used = 0
        if A[STATUS] != 0:
            return
    base = int(A[IDS]) + used
    for j in range(n):
        A[base + j] = source[at + j]
    A[IDS + 2] = used + n


@kernel("void(A, A, i8)")
def add_tokens(A, V, node):
    """Note the tokens that end at a trie node."""
    first = int(V[V_TOKFIRST]) + node
    start = int(V[first])
    n = int(V[first + 1]) - start
    if n:
        add_ids(A, V, int(V[V_TOKIDS]) + start, n)


@kernel("void(A, A, i8)")
def add_exit(A, V, x):
    """Note that the value can end at every member of ``x``."""
    used, base = int(A[EXITS + 2]), int(A[EXITS])
    nodes = int(V[V_NODES])
    if x < nodes:
        if used + 1 > A[EXITS + 1]:
            A[STATUS] = FULL
            return
        A[base + used] = x
        A[EXITS + 2] = used + 1
        return
    at = int(A[SNODE]) + (x - nodes) * SNODE_STRIDE
    n, members = int(A[at + 1]), int(A[at])
    if used + n > A[EXITS + 1]:
        A[STATUS] = FULL
        return
    for j in range(n):
        A[base + used + j] = A[members + j]
    A[EXITS + 2] = used + n


@kernel("void(A, i8, i8)")
def push(A, x, state):
    """Suffix set ``x`` is still to be read from ``state``."""
    used, base = int(A[WORK + 2]), int(A[WORK])
    if used + 2 > A[WORK + 1]:
        A[STATUS] = FULL
        return
    A[base + used], A[base + used + 1] = x, state
    A[WORK + 2] = used + 2


@kernel("void(A, A, i8, i8)")
def arrive(A, V, x, state):
    """Some token bytes led to ``state`` with the suffixes ``x`` (-1: none) left to read."""
    if x < 0:
        return
    flags = A[A[STATE] + state * STATE_STRIDE + S_FLAGS]
    if flags & AT_BASE:
        add_exit(A, V, x)
    if flags & LIVE:
        push(A, x, state)




@kernel("i8(A, i8, i8)")
def find_pair(A, x, pos):
    """Record of a pair, or 0."""
    h = mix(mix(7, x), pos)
    size, table = int(A[PAIR_HASH + 1]), int(A[PAIR_HASH])
    slot = (h >> 11) & (size - 1)
    while A[table + slot] != 0:
        at = int(A[PAIR]) + int(A[table + slot]) * PAIR_STRIDE
        if A[at] == x and A[at + 1] == pos:
            return at
        slot = (slot + 1) & (size - 1)
    return 0


@kernel("i8(A, A, i8, i8)")
def plain_position(A, V, pos, x):
    """The position that reads the suffixes ``x`` just like ``pos``, with counters dropped that they cannot reach.

    A mask depends on a count only up to the longest suffix, so ``maxLength: 10000`` has the mask of no maximum almost
    everywhere.
    """
    at = int(A[POS]) + pos * POS_STRIDE
    if A[at] != K_STRING and A[at] != K_OPEN:
        return pos
    spec = int(A[at + 1])
    if A[spec + SPEC_KIND] > AUTOMATON or (A[spec + SPEC_MAX] < 0 and A[spec + SPEC_MIN] == 0):
        return pos
    count = int(A[at + 3]) if A[at] == K_STRING else 0
    if count < A[spec + SPEC_MIN]:
        return pos
    if A[spec + SPEC_MAX] >= 0:
        slack = int(A[A[spec + SPEC_REF] + DFA_SLACK]) if A[spec + SPEC_KIND] == AUTOMATON else 0
        if count + height(A, V, x) + slack > A[spec + SPEC_MAX]:
            return pos
    free = int(A[spec + SPEC_FREE])
    if A[at] == K_OPEN:
        return position(A, K_OPEN, free, int(A[at + 2]), 0, 0, 0, 0, 0)
    return position(A, K_STRING, free, int(A[at + 2]), 0, int(A[at + 4]), 0, 0, 0)


@kernel("void(A, A, i8, i8)")
def use_pair(A, V, pair, parent):
    """Take over the tokens of a finished pair whose value ends in ``parent``."""
    for j in range(int(A[pair + P_ROWS])):
        add_row(A, int(A[pair + P_ROW + j]))
    add_ids(A, A, int(A[pair + P_LIST]), int(A[pair + P_COUNT]))
    arrive(A, V, int(A[pair + P_EXIT]), parent)


@kernel("void(A, i8, i8, i8)")
def keep_pair(A, x, pos, exit_set):
    """Publish what was collected as the pair (x, pos)."""
    if A[IDS + 2] > DENSE_FROM:
        flush_ids(A)
    n_rows = int(A[USED_ROWS + 2])
    if n_rows > PAIR_ROWS:
        row = dense_row(A, n_rows, 0)
        n_rows = 1
        A[A[USED_ROWS]] = row
    n = int(A[IDS + 2])
    at, ids = take(A, PAIR, PAIR_STRIDE), take(A, LIST, n)
    size, table = int(A[PAIR_HASH + 1]), int(A[PAIR_HASH])
    if at < 0 or ids < 0 or A[PAIR + 2] > size * (PAIR_STRIDE // 2):
        A[STATUS] = FULL
    if A[STATUS] != 0:
        return
    A[at], A[at + 1], A[at + P_ROWS], A[at + P_LIST], A[at + P_COUNT] = x, pos, n_rows, ids, n
    A[at + P_EXIT] = exit_set
    for j in range(n_rows):
        A[at + P_ROW + j] = A[A[USED_ROWS] + j]
    for j in range(n):
        A[ids + j] = A[A[IDS] + j]
    h = mix(mix(7, x), pos)
    slot = (h >> 11) & (size - 1)
    while A[table + slot] != 0:
        slot = (slot + 1) & (size - 1)
    A[table + slot] = (at - A[PAIR]) // PAIR_STRIDE


@kernel("void(A)")
def start_collecting(A):
    """Forget what was noted before."""
    A[USED_ROWS + 2], A[IDS + 2], A[EXITS + 2], A[WORK + 2] = 0, 0, 0, 0


@kernel("b1(A, A, i8, i8, i8)")
def need_pair(A, V, x, pos, parent):
    """Use the pair (x, pos) if it exists, else ask for it: returns whether the build must wait for it."""
    pos = plain_position(A, V, pos, x)
    pair = find_pair(A, x, pos)
    if pair:
        use_pair(A, V, pair, parent)
        return False
    used, base = int(A[PENDING + 2]), int(A[PENDING])
    if used + 2 > A[PENDING + 1]:
        A[STATUS] = FULL
        return True
    A[base + used], A[base + used + 1] = x, pos
    A[PENDING + 2] = used + 2
    return True


@kernel("b1(A, i8)")
def has_words(A, pos):
    """Whether a position stands between characters on a trie of words (a name, or one of the strings of an enum)."""
    at = int(A[POS]) + pos * POS_STRIDE
    if A[at] == K_KEY:
        obj = lazy(A, int(A[at + 1]))
        return A[at + 5] == 0 and A[at + 3] >= 0 and A[obj + O_SPEC] < 0
    return A[at] == K_STRING and A[at + 4] == 0 and A[A[at + 1] + SPEC_KIND] > AUTOMATON


@kernel("void(A, i8, i8)")
def sort_small(A, base, n):
    """Insertion sort of a short list of words."""
    for i in range(1, n):
        w, j = A[base + i], i
        while j > 0 and A[base + j - 1] > w:
            A[base + j] = A[base + j - 1]
            j -= 1
        A[base + j] = w


@kernel("i8(A, A, i8, i8, i8)")
def without(A, V, x, nodes_at, n):
    """The suffix set ``x`` without the ``n`` trie nodes at ``nodes_at``; -1 when nothing is left. O(members x log n)."""
    if n == 0:
        return x
    if x < V[V_NODES]:
        for j in range(n):
            if A[nodes_at + j] == x:
                return -1
        return x
    sort_small(A, nodes_at, n)
    at = int(A[SNODE]) + (x - int(V[V_NODES])) * SNODE_STRIDE
    members, pool, kept = int(A[at]), int(A[COWALK]), 0
    j = 0
    for k in range(int(A[at + 1])):
        node = A[members + k]
        while j < n and A[nodes_at + j] < node:
            j += 1
        if j < n and A[nodes_at + j] == node:
            continue
        A[pool + kept] = node
        kept += 1
    return suffix_set(A, V, pool, kept)


@kernel("void(A, A, i8, i8, i8)")
def use_free_text(A, V, pair, nodes_at, n):
    """Take over the tokens of a pair of free text, without those that end at ``n`` trie nodes.

    Tokens that close an allowed name were noted on their own, so all nodes where a listed name closes can be taken out.
    """
    if n == 0:
        for j in range(int(A[pair + P_ROWS])):
            add_row(A, int(A[pair + P_ROW + j]))
        add_ids(A, A, int(A[pair + P_LIST]), int(A[pair + P_COUNT]))
        return
    words = int(A[WORDS])
    at = take(A, DENSE, words)
    if at < 0:
        return
    for j in range(words):
        A[at + j] = 0
    for k in range(int(A[pair + P_ROWS])):
        row = int(A[pair + P_ROW + k])
        for j in range(words):
            A[at + j] |= A[row + j]
    for k in range(int(A[pair + P_COUNT])):
        t = A[A[pair + P_LIST] + k]
        A[at + (t >> 5)] |= 1 << (t & 31)
    first, ids = int(V[V_TOKFIRST]), int(V[V_TOKIDS])
    for j in range(n):
        node = int(A[nodes_at + j])
        for m in range(int(V[first + node]), int(V[first + node + 1])):
            t = V[ids + m]
            A[at + (t >> 5)] &= ~(1 << (t & 31))
    add_row(A, keep_row(A, at))


@kernel("b1(A, A, i8, i8, i8)")
def walk_words(A, V, x, pos, parent):
    """Read a part of the vocabulary along a trie of words, both tries at once, without making states on the way.

    Where names outside the list are allowed, they read as free text (whose pair is shared) except where a listed name
    closes: those suffixes are taken out of the free exit and read after their own name. Returns whether the build must
    wait for the pair of free text.
    """
    at = int(A[POS]) + pos * POS_STRIDE
    is_key = A[at] == K_KEY
    obj, number, seen = 0, 0, 0
    node = int(A[at + 2])
    free = False
    if is_key:
        number, seen, node = int(A[at + 1]), int(A[at + 2]), int(A[at + 3])
        obj = lazy(A, number)
        free = free_allowed(A, obj, seen)
    free_exit, pair, banned = -1, 0, False
    if free:
        text = position(A, K_STRING, int(A[obj + O_TEXT]), 0, 0, 0, 0, 0, 0)
        pair = find_pair(A, x, text)
        if pair == 0:
            return need_pair(A, V, x, text, parent)
        free_exit = int(A[pair + P_EXIT])
    stack, n_closed = int(A[COWALK]), 0
    closed = int(A[COWALK]) + int(A[COWALK + 1]) - 1  # nodes where a name closed, growing downwards
    child, node_byte = int(V[V_CHILD]), int(V[V_BYTE])
    A[stack], A[stack + 1], A[stack + 2] = x, node, 0
    top = 1
    while top > 0:
        top -= 1
        y, here, mode = int(A[stack + 3 * top]), int(A[stack + 3 * top + 1]), int(A[stack + 3 * top + 2])
        for c in range(int(V[child + y]), int(V[child + y + 1])):
            b = int(V[node_byte + c])
            r = char_step(mode, b)
            if r == DEAD:
                continue
            more = V[child + c] < V[child + c + 1]
            if r == QUOTE:
                leaf = int(A[here + 3])
                if leaf < 0:
                    continue
                to = parent
                if is_key:
                    k = int(A[A[obj + O_SORTED] + leaf])
                    if free:
                        A[closed - n_closed] = c
                        n_closed += 1
                    if not name_allowed(A, obj, seen, k):
                        banned = True
                        continue
                    then, goal = after_name(A, obj, seen, k), int(A[A[obj + O_GOALS] + k])
                    to = state_of(
                        A, position(A, K_OBJECT, number, then, COLON, goal, int(A[obj + O_WS]), 0, 0), parent
                    )
                    if A[STATUS] != 0:
                        return False
                add_tokens(A, V, c)
                if more:
                    arrive(A, V, c, to)
                continue
            to_node = here
            if is_raw(mode, b):
                to_node = trie_child(A, here, b)
            elif r >= CHAR:
                to_node = trie_char(A, here, r & 0x1FFFFF)
            elif not free:
                if is_key:
                    if not name_can_go_on(A, obj, seen, here, r):
                        continue
                elif not word_can_go_on(A, here, r):
                    continue
            if to_node < 0:
                continue
            if not free:
                if is_key and not any_word(A, obj, seen, to_node):
                    continue
                add_tokens(A, V, c)
            if more:
                if 3 * top + 6 + n_closed > A[COWALK + 1]:
                    A[STATUS] = FULL
                    return False
                A[stack + 3 * top], A[stack + 3 * top + 1] = c, to_node
                A[stack + 3 * top + 2] = 0 if r >= CHAR else r
                top += 1
    if free:
        use_free_text(A, V, pair, closed - n_closed + 1, n_closed if banned else 0)
    if free_exit >= 0:
        rest = without(A, V, free_exit, closed - n_closed + 1, n_closed)
        if rest >= 0:
            then = after_name(A, obj, seen, -1)
            back = position(A, K_OBJECT, number, then, COLON, int(A[obj + O_FREE]), int(A[obj + O_WS]), 0, 0)
            arrive(A, V, rest, state_of(A, back, parent))
    return False


@kernel("void(A, A, i8, i8)")
def visit_node(A, V, x, state):
    """One level of a plain trie node."""
    child, node_byte = int(V[V_CHILD]), int(V[V_BYTE])
    first = int(V[child + x])
    for c in range(first, int(V[child + x + 1])):
        to = step(A, state, int(V[node_byte + c]))
        if to < 0:
            if A[STATUS] != 0:
                return
            continue
        add_tokens(A, V, c)
        if V[child + c] < V[child + c + 1]:
            arrive(A, V, c, to)


@kernel("void(A, A, i8, i8, b1)")
def visit_merged(A, V, x, state, skip_spaces):
    """One level of a merged set; ``skip_spaces`` leaves out white space, which was merged away."""
    at = edges(A, V, x)
    if at == 0:
        return
    first = int(A[at + 2])
    for e in range(int(A[at + 3])):
        edge = first + e * EDGE_STRIDE
        b = int(A[edge])
        if skip_spaces and (b == 32 or b == 10 or b == 13 or b == 9):
            continue
        to = step(A, state, b)
        if to < 0:
            if A[STATUS] != 0:
                return
            continue
        add_ids(A, A, int(A[edge + 2]), int(A[edge + 3]))
        arrive(A, V, int(A[edge + 1]), to)


@kernel("b1(A, A, i8, i8)")
def visit(A, V, x, state):
    """Read the suffixes ``x`` from ``state``; returns whether the build must wait for another pair."""
    at = int(A[STATE]) + state * STATE_STRIDE
    if A[at + S_COUNT] == 1:
        pos, parent = int(A[A[at + S_ITEMS]]), int(A[A[at + S_ITEMS] + 1])
        kind = A[A[POS] + pos * POS_STRIDE]
        shared = kind == K_STRING or kind == K_NUMBER or kind == K_TEXT or kind == K_OPEN
        if shared and below(A, V, x) >= SHARED_FROM:
            return need_pair(A, V, x, pos, parent)
        if has_words(A, pos) and x < V[V_NODES]:
            return walk_words(A, V, x, pos, parent)
    if x < V[V_NODES]:
        visit_node(A, V, x, state)
    else:
        visit_merged(A, V, x, state, False)
    return False


@kernel("b1(A, i8)")
def loops_on_spaces(A, state):
    """Whether all four kinds of white space lead back to a state."""
    if A[A[STATE] + state * STATE_STRIDE + S_FLAGS] & AT_BASE:
        return False
    for b in (32, 10, 13, 9):
        if step(A, state, b) != state:
            return False
    return True


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


@kernel("b1(A, A, i8, i8)")
def build_pair(A, V, x, pos):
    """Build one pair; returns whether another one must be built first (or ``A[STATUS]`` is set)."""
    start_collecting(A)
    at = int(A[POS]) + pos * POS_STRIDE
    exit_set = -1
    spec = int(A[at + 1])
    if x == 0 and A[at] == K_STRING and A[at + 4] == 0 and A[spec + SPEC_KIND] == ANY:
        exit_set = free_text(A, V, spec, int(A[at + 3]))
    else:
        state = state_of(A, pos, BASE_STATE)
        if A[STATUS] != 0:
            return True
        waits = False
        if x == 0 and loops_on_spaces(A, state):
            add_row(A, int(A[SPACE_ROW]))
            visit_merged(A, V, int(A[SPACE_SET]), state, True)
        elif has_words(A, pos) and x < V[V_NODES]:
            waits = walk_words(A, V, x, pos, BASE_STATE)
        elif x < V[V_NODES]:
            visit_node(A, V, x, state)
        else:
            visit_merged(A, V, x, state, False)
        while not waits and A[STATUS] == 0 and A[WORK + 2] > 0:
            A[WORK + 2] -= 2
            top = int(A[WORK]) + int(A[WORK + 2])
            waits = visit(A, V, int(A[top]), int(A[top + 1]))
        if waits or A[STATUS] != 0:
            return True
        if A[EXITS + 2]:
            exit_set = suffix_set(A, V, int(A[EXITS]), int(A[EXITS + 2]))
    if A[STATUS] != 0:
        return True
    keep_pair(A, x, pos, exit_set)
    return False


@kernel("b1(A, A, i8, i8)")
def ensure_pair(A, V, x, pos):
    """Build a pair and all that it waits for; returns whether it is there (else ``A[STATUS]`` says why not)."""
    base = int(A[PENDING])
    A[base], A[base + 1] = x, pos
    A[PENDING + 2] = 2
    while A[PENDING + 2] > 0:
        top = base + int(A[PENDING + 2]) - 2
        x, pos = int(A[top]), int(A[top + 1])
        if find_pair(A, x, pos):
            A[PENDING + 2] -= 2
            continue
        if not build_pair(A, V, x, pos):
            A[PENDING + 2] -= 2
        if A[STATUS] != 0:
            return False
    return True




@kernel("void(A, A)")
def gather_spaces(A, V):
    """The row of tokens of white space alone, and the suffixes after any white space (none included)."""
    start_collecting(A)
    child, node_byte = int(V[V_CHILD]), int(V[V_BYTE])
    push(A, 0, 0)
    add_exit(A, V, 0)
    while A[WORK + 2] > 0:
        A[WORK + 2] -= 2
        y = int(A[A[WORK] + A[WORK + 2]])
        for c in range(int(V[child + y]), int(V[child + y + 1])):
            b = V[node_byte + c]
            if b == 32 or b == 10 or b == 13 or b == 9:
                add_tokens(A, V, c)
                if V[child + c] < V[child + c + 1]:
                    add_exit(A, V, c)
                    push(A, c, 0)
    A[SPACE_ROW] = dense_row(A, 0, 1)
    A[SPACE_SET] = suffix_set(A, V, int(A[EXITS]), int(A[EXITS + 2]))
