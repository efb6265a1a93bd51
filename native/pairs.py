"""Pairs: a suffix set read from a position, once, whatever stands above the position.

``pair(X, q)`` holds the tokens of X that end while the value at q is still being read, as shared dense rows and a
list, and one exit: the suffixes that remain where the value ended. A mask is then the pair of the whole vocabulary
with each item's position, followed by the pairs of the exits with the parents: tables are built once per (suffix set,
automaton state) and shared by every stack and every grammar that has the same position.

A pair is built by walking the suffix set's trie with states whose outermost parent is ``BASE_STATE``. Where a part of
the trie meets a single item whose own pair can be shared, that pair is used (the build stops, the pair is built first,
the build starts again: an explicit stack instead of recursion).

Pair record: suffix set, position, number of rows, rows, list, length, exit, suspects (:mod:`.suspects`; 0: none).
"""

from __future__ import annotations

from .arena import (
    COWALK,
    DENSE,
    EXITS,
    FREE_LOOP,
    FULL,
    IDS,
    LIST,
    MARKED,
    PAIR,
    PAIR_HASH,
    PAIR_ROWS,
    PAIR_STRIDE,
    PENDING,
    POS,
    POS_STRIDE,
    SNODE,
    SNODE_STRIDE,
    STATE,
    STATE_STRIDE,
    STATUS,
    USED_ROWS,
    VALUE,
    WORDS,
    WORK,
    mix,
    take,
)
from .collect import add_ids, add_row, add_tokens, arrive, dense_row, flush_ids, keep_row, start_collecting
from .jit import kernel
from .languages import (
    ANY,
    AUTOMATON,
    DFA_SLACK,
    SPEC_FREE,
    SPEC_KIND,
    SPEC_MAX,
    SPEC_MIN,
    SPEC_REF,
    TOTAL,
    in_loop,
    trie_char,
    trie_child,
)
from .positions import (
    A_LOOSE,
    A_UNIQUE,
    K_ARRAY,
    K_KEY,
    K_NUMBER,
    K_OPEN,
    K_STRING,
    O_GOALS,
    O_SORTED,
    O_TEXT,
    any_word,
    free_allowed,
    lazy,
    name_allowed,
    position,
)
from .states import BASE_STATE, S_COUNT, S_ITEMS, state_of
from .steps import avoid_step, before_colon, free_goal, is_raw, name_can_go_on, step, word_can_go_on
from .strings import CHAR, DEAD, QUOTE, char_step
from .suffixes import EDGE_STRIDE, below, edges, height, suffix_set
from .suspects import add_suspects, doubt, keep_suspects
from .tables import free_text, gather_loop, is_marked, loop_of, mark_quotes_below
from .trie import V_BYTE, V_CHILD, V_NODES, V_TOKFIRST, V_TOKIDS

P_SET, P_POS, P_ROWS, P_ROW, P_LIST, P_COUNT, P_EXIT, P_SUSPECTS = 0, 1, 2, 3, 8, 9, 10, 11
SHARED_FROM = 48  # tokens below a node from which its own pair pays
LOOP_FROM = 128  # the same for the table of a loop set
DENSE_FROM = 400  # listed tokens from which a dense row is cheaper to unite and to keep


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
    everywhere. Arrays whose items must differ are alike whatever their items were, as far as that is known.
    """
    at = int(A[POS]) + pos * POS_STRIDE
    if A[at] == K_ARRAY and A[at + 5] == 1:
        arr = lazy(A, int(A[at + 1]))
        loose, bits = int(A[arr + A_LOOSE]), int(A[arr + A_UNIQUE])
        if arr == 0 or loose == 0:
            return pos
        return position(A, K_ARRAY, loose, int(A[at + 2]), int(A[at + 3]), int(A[at + 4]), 2 * bits + 1, 0, 0)
    if A[at] != K_STRING and A[at] != K_OPEN:
        return pos
    spec = int(A[at + 1])
    if A[spec + SPEC_KIND] > AUTOMATON or (A[spec + SPEC_MAX] < 0 and A[spec + SPEC_MIN] == 0):
        return pos
    count, avoid = int(A[at + 3]), int(A[at + 5])
    if A[at] == K_OPEN:
        count, avoid = 0, int(A[at + 3])
    if count < A[spec + SPEC_MIN]:
        return pos
    if A[spec + SPEC_MAX] >= 0:
        slack = int(A[A[spec + SPEC_REF] + DFA_SLACK]) if A[spec + SPEC_KIND] == AUTOMATON else 0
        if count + height(A, V, x) + slack + (avoid != 0) > A[spec + SPEC_MAX]:
            return pos
    free = int(A[spec + SPEC_FREE])
    if A[at] == K_OPEN:
        return position(A, K_OPEN, free, int(A[at + 2]), avoid, 0, 0, 0, 0)
    return position(A, K_STRING, free, int(A[at + 2]), 0, int(A[at + 4]), avoid, 0, 0)


@kernel("void(A, i8)")
def use_tokens(A, pair):
    """Take over the tokens of a finished pair."""
    for j in range(int(A[pair + P_ROWS])):
        add_row(A, int(A[pair + P_ROW + j]))
    add_ids(A, A, int(A[pair + P_LIST]), int(A[pair + P_COUNT]))
    suspects = int(A[pair + P_SUSPECTS])
    if suspects != 0:
        add_suspects(A, A, suspects + 1, int(A[suspects]))


@kernel("b1(A, i8, i8)")
def ask(A, x, pos):
    """Ask for a pair that is missing: it is built before the pair that waits for it starts again. Always true."""
    base = int(A[PENDING])
    if A[PENDING + 2] + 2 > A[PENDING + 1]:
        A[PENDING + 2] = 2  # keep the first one, which asks again for whatever it still misses
    used = int(A[PENDING + 2])
    for j in range(max(0, used - 64), used, 2):
        if A[base + j] == x and A[base + j + 1] == pos:
            return True
    A[base + used], A[base + used + 1] = x, pos
    A[PENDING + 2] = used + 2
    return True


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
    at, ids, suspects = take(A, PAIR, PAIR_STRIDE), take(A, LIST, n), keep_suspects(A, LIST)
    size, table = int(A[PAIR_HASH + 1]), int(A[PAIR_HASH])
    if at < 0 or ids < 0 or A[PAIR + 2] > size * (PAIR_STRIDE // 2):
        A[STATUS] = FULL
    if A[STATUS] != 0:
        return
    A[at], A[at + 1], A[at + P_ROWS], A[at + P_LIST], A[at + P_COUNT] = x, pos, n_rows, ids, n
    A[at + P_EXIT], A[at + P_SUSPECTS] = exit_set, suspects
    for j in range(n_rows):
        A[at + P_ROW + j] = A[A[USED_ROWS] + j]
    for j in range(n):
        A[ids + j] = A[A[IDS] + j]
    h = mix(mix(7, x), pos)
    slot = (h >> 11) & (size - 1)
    while A[table + slot] != 0:
        slot = (slot + 1) & (size - 1)
    A[table + slot] = (at - A[PAIR]) // PAIR_STRIDE


@kernel("b1(A, A, i8, i8, i8)")
def need_pair(A, V, x, pos, parent):
    """Use the pair (x, pos) if it exists, else ask for it: returns whether the build must wait for it."""
    pos = plain_position(A, V, pos, x)
    pair = find_pair(A, x, pos)
    if pair == 0:
        return ask(A, x, pos)
    use_tokens(A, pair)
    arrive(A, V, int(A[pair + P_EXIT]), parent)
    return False


@kernel("b1(A, i8)")
def has_words(A, pos):
    """Whether a position stands between characters on a trie of words (a name, or one of the strings of an enum)."""
    at = int(A[POS]) + pos * POS_STRIDE
    if A[at] == K_KEY:
        obj = lazy(A, int(A[at + 1]))
        free = free_allowed(A, obj, int(A[at + 2]), int(A[at + 6]))
        return A[at + 5] == 0 and A[at + 3] >= 0 and (not free or free_goal(A, obj, int(A[at + 4])) >= 0)
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
    """The suffix set ``x`` without the ``n`` trie nodes at ``nodes_at``; -1 when nothing is left."""
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
        use_tokens(A, pair)
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
    obj, number, seen, count = 0, 0, 0, 0
    node = int(A[at + 2])
    free = False
    if is_key:
        number, seen, node = int(A[at + 1]), int(A[at + 2]), int(A[at + 3])
        obj, count = lazy(A, number), int(A[at + 6])
        free = free_allowed(A, obj, seen, count)
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
                    if not name_allowed(A, obj, seen, count, k):
                        banned = True
                        continue
                    goal = int(A[A[obj + O_GOALS] + k])
                    to = state_of(A, before_colon(A, number, obj, seen, count, k, goal), parent)
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
                    if not name_can_go_on(A, obj, seen, count, here, r):
                        continue
                elif not word_can_go_on(A, here, r):
                    continue
            if to_node < 0:
                continue
            if not free:
                if is_key and not any_word(A, obj, seen, count, to_node):
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
            back = before_colon(A, number, obj, seen, count, -1, free_goal(A, obj, int(A[at + 4])))
            arrive(A, V, rest, state_of(A, back, parent))
    return False


@kernel("b1(A, i8)")
def avoids(A, pos):
    """Whether a position stands inside a string that may become one of some texts to avoid."""
    at = int(A[POS]) + pos * POS_STRIDE
    return A[at] == K_STRING and A[at + 5] != 0


@kernel("b1(A, A, i8, i8, i8)")
def walk_avoided(A, V, x, pos, parent):
    """Read a part of the vocabulary inside a string with texts to avoid: as without them, but for what closes one.

    Only the common beginnings of tokens and of those texts are walked. Returns whether the build must wait for the pair
    that does not know of them.
    """
    at = int(A[POS]) + pos * POS_STRIDE
    spec, count = int(A[at + 1]), int(A[at + 3])
    plain = position(A, K_STRING, spec, int(A[at + 2]), count, int(A[at + 4]), 0, 0, 0)
    plain = plain_position(A, V, plain, x)
    pair = find_pair(A, x, plain)
    if pair == 0:
        return ask(A, x, plain)
    stack, n_gone = int(A[COWALK]), 0
    gone = int(A[COWALK]) + int(A[COWALK + 1]) - 1  # nodes whose tokens are not allowed, growing downwards
    child, node_byte = int(V[V_CHILD]), int(V[V_BYTE])
    A[stack], A[stack + 1], A[stack + 2], A[stack + 3] = x, A[at + 5], A[at + 4], count
    top = 1
    while top > 0:
        top -= 1
        frame = stack + 4 * top
        y, here, mode, count = int(A[frame]), int(A[frame + 1]), int(A[frame + 2]), int(A[frame + 3])
        for c in range(int(V[child + y]), int(V[child + y + 1])):
            r = char_step(mode, int(V[node_byte + c]))
            if r == DEAD:
                continue
            to = 0
            if r == QUOTE:
                is_gone = A[here + 3] >= 0
            else:
                to = avoid_step(A, here, r, 0)
                is_gone = to != 0 and count + 1 == A[spec + SPEC_MAX] and avoid_step(A, here, r, 1) < 0
            if 4 * top + 8 + n_gone > A[COWALK + 1]:
                A[STATUS] = FULL
                return False
            if is_gone:
                A[gone - n_gone] = c
                n_gone += 1
            if to != 0 and V[child + c] < V[child + c + 1]:
                frame = stack + 4 * top
                A[frame], A[frame + 1] = c, to
                A[frame + 2], A[frame + 3] = 0 if r >= CHAR else r, count + 1 if r >= CHAR else count
                top += 1
    use_free_text(A, V, pair, gone - n_gone + 1, n_gone)
    if A[STATUS] == 0 and A[pair + P_EXIT] >= 0:
        arrive(A, V, without(A, V, int(A[pair + P_EXIT]), gone - n_gone + 1, n_gone), parent)
    return False


@kernel("void(A, A, i8, i8, i8)")
def visit_node(A, V, x, state, skip):
    """One level of a plain trie node, without the bytes of the loop set ``skip`` (0: none)."""
    child, node_byte = int(V[V_CHILD]), int(V[V_BYTE])
    first = int(V[child + x])
    for c in range(first, int(V[child + x + 1])):
        b = int(V[node_byte + c])
        if skip and in_loop(A, skip, b):
            continue
        to = step(A, state, b)
        if to < 0:
            if A[STATUS] == VALUE:
                start = int(V[V[V_TOKFIRST] + c])
                n = int(V[V[V_TOKFIRST] + c + 1]) - start
                more = c if V[child + c] < V[child + c + 1] else -1
                doubt(A, V, V, int(V[V_TOKIDS]) + start, n, more, state)
            if A[STATUS] != 0:
                return
            continue
        add_tokens(A, V, c)
        if V[child + c] < V[child + c + 1]:
            arrive(A, V, c, to)


@kernel("void(A, A, i8, i8, i8)")
def visit_merged(A, V, x, state, skip):
    """One level of a merged set, without the bytes of the loop set ``skip`` (0: none)."""
    at = edges(A, V, x)
    if at == 0:
        return
    first = int(A[at + 2])
    for e in range(int(A[at + 3])):
        edge = first + e * EDGE_STRIDE
        b = int(A[edge])
        if skip and in_loop(A, skip, b):
            continue
        to = step(A, state, b)
        if to < 0:
            if A[STATUS] == VALUE:
                doubt(A, V, A, int(A[edge + 2]), int(A[edge + 3]), int(A[edge + 1]), state)
            if A[STATUS] != 0:
                return
            continue
        add_ids(A, A, int(A[edge + 2]), int(A[edge + 3]))
        arrive(A, V, int(A[edge + 1]), to)


@kernel("void(A, A, i8, i8, i8)")
def visit_level(A, V, x, state, skip):
    """One level of a suffix set."""
    if x < V[V_NODES]:
        visit_node(A, V, x, state, skip)
    else:
        visit_merged(A, V, x, state, skip)


@kernel("void(A, A, i8, i8)")
def visit_quotes(A, V, x, state):
    """Read what matters below a trie node in a total state: the paths to quotes and backslashes.

    Everything else stays inside the string whatever it is, so its tokens are those of free text.
    """
    if A[MARKED] == 0:
        mark_quotes_below(A, V)
        if A[STATUS] != 0:
            return
    child, node_byte = int(V[V_CHILD]), int(V[V_BYTE])
    stack, top = int(A[COWALK]), 1
    A[stack], A[stack + 1] = x, state
    while top > 0:
        top -= 1
        y, here = int(A[stack + 2 * top]), int(A[stack + 2 * top + 1])
        for c in range(int(V[child + y]), int(V[child + y + 1])):
            b = int(V[node_byte + c])
            special = b == 34 or b == 92
            if not special and not is_marked(A, c):
                continue
            to = step(A, here, b)
            if to < 0:
                if A[STATUS] != 0:
                    return
                continue
            if special:
                add_tokens(A, V, c)
                if V[child + c] < V[child + c + 1]:
                    arrive(A, V, c, to)
            else:
                if 2 * top + 2 > A[COWALK + 1]:
                    A[STATUS] = FULL
                    return
                A[stack + 2 * top], A[stack + 2 * top + 1] = c, to
                top += 1


@kernel("b1(A, A, i8, i8)")
def visit_loop(A, V, x, state):
    """Read ``x`` from a state that loops: tokens inside the loop from a shared table, then what leaves it.

    Returns whether the build must wait for the table.
    """
    loop = loop_of(A, x, state)
    if loop == 0 or (loop == TOTAL and x >= V[V_NODES]):
        visit_level(A, V, x, state, 0)
        return False
    shared = int(A[FREE_LOOP]) if loop == TOTAL else loop
    table = find_pair(A, x, -shared)
    if table == 0:
        return ask(A, x, -shared)
    use_tokens(A, table)
    if loop == TOTAL:
        visit_quotes(A, V, x, state)
        return False
    if A[table + P_EXIT] >= 0:
        visit_level(A, V, int(A[table + P_EXIT]), state, loop)
    return False


@kernel("b1(A, A, i8, i8)")
def visit(A, V, x, state):
    """Read the suffixes ``x`` from ``state``; returns whether the build must wait for another pair."""
    if below(A, V, x) >= SHARED_FROM:
        at = int(A[STATE]) + state * STATE_STRIDE
        if A[at + S_COUNT] == 1:
            pos, parent = int(A[A[at + S_ITEMS]]), int(A[A[at + S_ITEMS] + 1])
            kind = A[A[POS] + pos * POS_STRIDE]
            if parent != BASE_STATE and (kind == K_STRING or kind == K_NUMBER or kind == K_OPEN):
                return need_pair(A, V, x, pos, parent)
            if x < V[V_NODES] and has_words(A, pos):
                return walk_words(A, V, x, pos, parent)
            if x < V[V_NODES] and avoids(A, pos):
                return walk_avoided(A, V, x, pos, parent)
        if below(A, V, x) >= LOOP_FROM:
            return visit_loop(A, V, x, state)
    visit_level(A, V, x, state, 0)
    return False


@kernel("b1(A, A, i8, i8)")
def build_pair(A, V, x, pos):
    """Build one pair; returns whether others must be built first (or ``A[STATUS]`` is set)."""
    start_collecting(A)
    exit_set = -1
    at = int(A[POS]) + pos * POS_STRIDE
    if pos < 0:
        gather_loop(A, V, x, -pos)
    elif x == 0 and A[at] == K_STRING and A[at + 4] == 0 and A[at + 5] == 0 and A[A[at + 1] + SPEC_KIND] == ANY:
        exit_set = free_text(A, V, int(A[at + 1]), int(A[at + 3]))
    else:
        state = state_of(A, pos, BASE_STATE)
        if A[STATUS] != 0:
            return True
        if x < V[V_NODES] and has_words(A, pos):
            waits = walk_words(A, V, x, pos, BASE_STATE)
        elif x < V[V_NODES] and avoids(A, pos):
            waits = walk_avoided(A, V, x, pos, BASE_STATE)
        else:
            waits = visit_loop(A, V, x, state)
        while A[STATUS] == 0 and A[WORK + 2] > 0:
            A[WORK + 2] -= 2
            top = int(A[WORK]) + int(A[WORK + 2])
            if visit(A, V, int(A[top]), int(A[top + 1])):
                waits = True
        if waits:
            return True
    if A[STATUS] == 0 and A[EXITS + 2]:
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
