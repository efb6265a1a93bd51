"""Pairs: a suffix set read from a position, once, whatever stands above the position.

``pair(X, q)`` holds the tokens of X that end while the value at q is still being read, as shared dense rows and a
list, and one exit: the suffixes that remain where the value ended. A mask is then the pair of the whole vocabulary
with each item's position, followed by the pairs of the exits with the parents: tables are built once per (suffix set,
automaton state) and shared by every stack and every grammar that has the same position.

A pair is built by walking the suffix set's trie with states whose outermost parent is ``BASE_STATE``. Where a part of
the trie meets a single item whose own pair can be shared, that pair is used. It is built first, and the build goes on
where it waited: an explicit stack instead of recursion, see :mod:`.waiting`.
"""

from __future__ import annotations

from .apart import find_owing, is_apart, is_owing, walk_apart
from .arena import (
    BY_EXIT,
    COWALK,
    DOT_LOOP,
    EXITS,
    FREE_LOOP,
    FULL,
    LIST,
    MARKED,
    MARKED_DOT,
    PENDING,
    POS,
    POS_STRIDE,
    RULES,
    STATE,
    STATE_STRIDE,
    STATUS,
    VALUE,
    WAITS,
    WORK,
    take,
)
from .automaton_pairs import LOOP_FROM as MANY
from .automaton_pairs import has_automaton, visit_as_text, walk_automaton
from .calls import bare_state, expanded
from .collect import add_ids, add_tokens, arrive, end_at, fold_exits, has_work, is_costly, start_collecting
from .counted import is_counted, walk_counted
from .jit import kernel
from .languages import ANY, CUT, DOT, SPEC_KIND, TOTAL, in_loop
from .pair_table import P_EXIT, P_FAR, ask, find_pair, keep_pair, need_pair, use_tokens
from .positions import K_LEX, K_MEMBER, K_NUMBER, K_OPEN, K_STRING, K_TEXT, K_TOKEN
from .states import AT_BASE, BASE_STATE, S_COUNT, S_FLAGS, S_ITEMS, ends, state_of
from .steps import step
from .suffixes import EDGE_STRIDE, below, edges, suffix_set
from .suspects import doubt
from .tables import (
    OFTEN,
    counted_loop,
    free_text,
    gather_loop,
    is_marked,
    is_special,
    loop_ahead,
    loop_of,
    mark_below,
    text_loop,
)
from .trie import V_BYTE, V_CHILD, V_NODES, V_TOKFIRST, V_TOKIDS
from .waiting import can_wait, forget, keep, read_again, resume
from .words import avoids, has_words, walk_avoided, walk_words

SHARED_FROM = 48  # tokens below a node from which its own pair pays
LOOP_FROM = 128  # the same for the table of a loop set
AHEAD_FROM = 4096  # the same for a loop set that begins behind the next character


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


@kernel("void(A, A, i8, i8)")
def visit_merged(A, V, x, state):
    """One level of a merged set."""
    at = edges(A, V, x)
    if at == 0:
        return
    first = int(A[at + 2])
    for e in range(int(A[at + 3])):
        edge = first + e * EDGE_STRIDE
        to = step(A, state, int(A[edge]))
        if to < 0:
            if A[STATUS] == VALUE:
                doubt(A, V, A, int(A[edge + 2]), int(A[edge + 3]), int(A[edge + 1]), state)
            if A[STATUS] != 0:
                return
            continue
        add_ids(A, A, int(A[edge + 2]), int(A[edge + 3]))
        arrive(A, V, int(A[edge + 1]), to)


@kernel("void(A, A, i8, i8)")
def visit_level(A, V, x, state):
    """One level of a suffix set."""
    if x < V[V_NODES]:
        visit_node(A, V, x, state, 0)
    else:
        visit_merged(A, V, x, state)


@kernel("void(A, A, i8, i8)")
def visit_plainly(A, V, x, state):
    """Read the suffixes ``x`` from ``state`` without a table of its own."""
    at = int(A[STATE]) + state * STATE_STRIDE
    items = int(A[at + S_ITEMS])
    if A[at + S_COUNT] == 1 and has_automaton(A, int(A[items])):
        walk_automaton(A, V, x, int(A[items]), int(A[items + 1]))
    else:
        visit_level(A, V, x, state)


@kernel("void(A, A, i8, i8, i8)")
def visit_special(A, V, x, state, marked):
    """Read what matters below a trie node in a total state: the paths to what is special (``MARKED``, ``MARKED_DOT``).

    Everything else stays inside the string whatever it is, so its tokens are those of a table that all share.
    """
    if A[marked] == 0:
        mark_below(A, V, marked)
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
            special = is_special(marked, b)
            if not special and not is_marked(A, marked, c):
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


@kernel("void(A, A, i8, i8, i8, i8)")
def follow_loop(A, V, x, state, inside, loop):
    """Read ``x`` from ``state``: tokens inside a loop set from its table, then what leaves it from ``inside``."""
    shared = int(A[FREE_LOOP]) if loop == TOTAL else int(A[DOT_LOOP]) if loop == DOT else loop
    table = find_pair(A, x, -shared)
    if table == 0:
        ask(A, x, -shared)
        return
    use_tokens(A, table)
    if loop < 0:
        visit_special(A, V, x, state, MARKED if loop == TOTAL else MARKED_DOT)
        return
    if x < V[V_NODES]:
        visit_node(A, V, x, state, loop)
    if A[table + P_EXIT] >= 0 and A[STATUS] == 0:
        visit_merged(A, V, int(A[table + P_EXIT]), inside)


@kernel("void(A, A, i8, i8, i8)")
def follow_counted(A, V, x, state, loop):
    """Read ``x`` from a state that only counts the characters of a cut loop set, from the table of the set.

    However many were counted, leaving it leads to the same states; after ``CUT`` characters, the rest of a token is
    read from the state that is reached then.
    """
    table = find_pair(A, x, -loop)
    if table == 0:
        ask(A, x, -loop)
        return
    if A[table + P_FAR] == -2:
        visit_plainly(A, V, x, state)
        return
    use_tokens(A, table)
    if x < V[V_NODES]:
        visit_node(A, V, x, state, loop)
    if A[table + P_EXIT] >= 0 and A[STATUS] == 0:
        visit_merged(A, V, int(A[table + P_EXIT]), state)
    if A[table + P_FAR] >= 0 and A[STATUS] == 0:
        b = 0
        while not in_loop(A, loop, b):
            b += 1
        for _ in range(CUT):
            state = step(A, state, b)
            if state <= 0:
                return
        arrive(A, V, int(A[table + P_FAR]), state)


@kernel("void(A, A, i8, i8)")
def visit_loop(A, V, x, state):
    """Read ``x`` from a state that loops: tokens inside the loop from a shared table, then what leaves it."""
    loop, inside = loop_of(A, x, state), state
    counted = counted_loop(A, state) if loop == 0 else 0
    if counted:
        follow_counted(A, V, x, state, counted)
        return
    is_small = loop >= 0 and (loop == 0 or not in_loop(A, loop, OFTEN[0]))  # white space between words, say
    if is_small and x < V[V_NODES] and below(A, V, x) >= AHEAD_FROM:
        ahead = loop_ahead(A, x, state)
        if ahead:
            loop, inside = loop_of(A, x, ahead), ahead
    if loop == 0 or (loop < 0 and x >= V[V_NODES]):
        visit_plainly(A, V, x, state)
        return
    follow_loop(A, V, x, state, inside, loop)


@kernel("void(A, A, i8, i8, i8)")
def visit_accepting(A, V, x, pos, state):
    """Read ``x`` from a state of the position ``pos`` alone, at which the text may end: ``x`` has been noted as exit.

    Behind the end, nothing goes on with a byte of the loop set, so the other exits are where the loop is left.
    """
    loop = text_loop(A, int(A[POS]) + pos * POS_STRIDE)
    if loop == 0 or below(A, V, x) < LOOP_FROM:
        visit_level(A, V, x, state)
        return
    table = find_pair(A, x, -loop)
    if table != 0 and A[table + P_EXIT] >= 0 and A[A[STATE] + state * STATE_STRIDE + S_FLAGS] & AT_BASE:
        end_at(A, V, int(A[table + P_EXIT]), state)
    follow_loop(A, V, x, state, state, loop)


@kernel("b1(A, A, i8, i8, i8)")
def visit_called(A, V, x, pos, parent):
    """Read ``x`` at the only item of a state in a way that needs no further states; False when there is none."""
    if has_words(A, pos):
        walk_words(A, V, x, pos, parent)
        return True
    if parent == BASE_STATE and is_apart(A, V, x, pos):
        walk_apart(A, V, x, pos, parent)
        return True
    if parent == BASE_STATE and is_counted(A, pos):
        walk_counted(A, V, x, pos, parent)
        return True
    if visit_as_text(A, V, x, pos, parent):
        return True
    kind = A[A[POS] + pos * POS_STRIDE]
    if parent != BASE_STATE and (kind == K_STRING or kind == K_NUMBER or kind == K_OPEN):
        need_pair(A, V, x, pos, parent)
        return True
    if x < V[V_NODES] and avoids(A, pos):
        walk_avoided(A, V, x, pos, parent)
        return True
    return False


@kernel("b1(A, A, i8, i8)")
def visit_rules(A, V, x, state):
    """Read ``x`` from a state with items of rule automata, each item for itself; False where that does not pay."""
    at = int(A[STATE]) + state * STATE_STRIDE
    items, count, is_rule = int(A[at + S_ITEMS]), int(A[at + S_COUNT]), False
    if below(A, V, x) < SHARED_FROM:
        return False
    n_open, own = 0, 0
    for j in range(count):
        kind = A[A[POS] + A[items + 2 * j] * POS_STRIDE]
        if kind == K_LEX:
            return False
        is_rule = is_rule or kind == K_TEXT
        if A[items + 2 * j + 1] != 0:
            n_open += 1
            own = j
    if not is_rule:
        return False
    if n_open == 1 and A[items + 2 * own + 1] == BASE_STATE:
        visit_accepting(A, V, x, int(A[items + 2 * own]), state)
        return True
    for j in range(count):
        if A[items + 2 * j + 1] > 0:
            need_pair(A, V, x, int(A[items + 2 * j]), int(A[items + 2 * j + 1]))
    return True


@kernel("void(A, A, i8, i8)")
def visit(A, V, x, state):
    """Read the suffixes ``x`` from ``state``."""
    if A[RULES] != 0:
        state = expanded(A, state)
        if state < 0 or visit_rules(A, V, x, state):
            return
    at = int(A[STATE]) + state * STATE_STRIDE
    items, n = int(A[at + S_ITEMS]), below(A, V, x)
    pos, parent = int(A[items]), int(A[items + 1])
    if A[A[POS] + pos * POS_STRIDE] == K_MEMBER and parent != BASE_STATE:
        for j in range(int(A[at + S_COUNT])):  # behind a key, all items are of this kind
            need_pair(A, V, x, int(A[items + 2 * j]), int(A[items + 2 * j + 1]))
    elif n < SHARED_FROM or A[at + S_COUNT] > 1 or not visit_called(A, V, x, pos, parent):
        if n >= (MANY if has_automaton(A, pos) else LOOP_FROM):
            visit_loop(A, V, x, state)
        else:
            visit_plainly(A, V, x, state)


@kernel("void(A, A, i8, i8, i8)")
def read_text(A, V, x, pos, state):
    """Read ``x`` from a position in raw text, the only item of ``state``."""
    if ends(A, pos):
        visit_level(A, V, x, state)
    else:
        visit_loop(A, V, x, state)


@kernel("i8(A, A)")
def keep_exits(A, V):
    """The exits noted, as the exit of a pair (:mod:`.pair_table`)."""
    fold_exits(A, V)
    n = int(A[BY_EXIT + 2])
    if n == 0 or A[STATUS] != 0:
        return -1
    at = take(A, LIST, n + 1)
    if at < 0:
        return -1
    A[at] = n
    for j in range(n):
        A[at + 1 + j] = A[A[BY_EXIT] + j]
    return -at


@kernel("void(A, A, i8, i8)")
def begin(A, V, x, pos):
    """Read ``x`` from the position ``pos``: what is still to be read then is work."""
    kind = A[A[POS] + pos * POS_STRIDE]
    if is_owing(A, pos):
        find_owing(A, V, x, pos)
    elif has_words(A, pos):
        walk_words(A, V, x, pos, BASE_STATE)
    elif is_apart(A, V, x, pos):
        walk_apart(A, V, x, pos, BASE_STATE)
    elif is_counted(A, pos):
        walk_counted(A, V, x, pos, BASE_STATE)
    elif x < V[V_NODES] and avoids(A, pos):
        walk_avoided(A, V, x, pos, BASE_STATE)
    elif visit_as_text(A, V, x, pos, BASE_STATE):
        return
    elif kind == K_TEXT:
        state = bare_state(A, pos, BASE_STATE)
        if A[STATUS] == 0:
            read_text(A, V, x, pos, state)
    elif kind == K_TOKEN:
        if x == 0:
            add_ids(A, A, int(A[POS]) + pos * POS_STRIDE + 1, 1)
    else:
        state = state_of(A, pos, BASE_STATE)
        if A[STATUS] == 0:
            visit_loop(A, V, x, state)


@kernel("void(A, A)")
def read_on(A, V):
    """Read what is still to be read, as far as nothing else is missing."""
    waits = A[WAITS]
    while has_work(A, V):
        A[WORK + 2] -= 2
        rest, top = int(A[WORK + 2]), int(A[WORK]) + int(A[WORK + 2])
        x, state = int(A[top]), int(A[top + 1])
        A[WAITS] = 0
        visit(A, V, x, state)
        if A[WAITS]:
            waits = 1
            if can_wait(A):
                A[WORK + 2] = rest
                read_again(A, x, state)
    A[WAITS] = waits


@kernel("i8(A, A, i8, i8)")
def read_all(A, V, x, pos):
    """Collect the pair (x, pos): its exit, or -1."""
    A[WAITS] = 0
    if not resume(A, x, pos):
        start_collecting(A)
        at = int(A[POS]) + pos * POS_STRIDE
        if pos < 0:
            return gather_loop(A, V, x, -pos)
        if x == 0 and A[at] == K_STRING and A[at + 4] == 0 and A[at + 5] == 0 and A[A[at + 1] + SPEC_KIND] == ANY:
            return free_text(A, V, int(A[at + 1]), int(A[at + 3]))
        begin(A, V, x, pos)
    may_wait = A[WAITS] == 0 and can_wait(A)
    read_on(A, V)
    if A[STATUS] == 0 and A[WAITS] and may_wait:
        keep(A, x, pos)
    if A[STATUS] == 0 and A[WAITS] == 0:
        if A[BY_EXIT + 2]:
            return keep_exits(A, V)
        if A[EXITS + 2]:
            return suffix_set(A, V, int(A[EXITS]), int(A[EXITS + 2]))
    return -1


@kernel("b1(A, A, i8, i8)")
def build_pair(A, V, x, pos):
    """Build one pair; returns whether it is there (else others must be built first, or ``A[STATUS]`` is set)."""
    exit_set = read_all(A, V, x, pos)
    if A[STATUS] != 0 or A[WAITS] or is_costly(A):
        return False
    keep_pair(A, x, pos, exit_set)
    return A[STATUS] == 0


@kernel("void(A, A)")
def build_asked(A, V):
    """Build all pairs that were asked for, and those that they wait for, unless ``A[STATUS]`` or cost is against it."""
    base = int(A[PENDING])
    forget(A)
    while A[PENDING + 2] > 0 and A[STATUS] == 0 and not is_costly(A):
        top = base + int(A[PENDING + 2]) - 2
        x, pos = int(A[top]), int(A[top + 1])
        if find_pair(A, x, pos) or build_pair(A, V, x, pos):
            A[PENDING + 2] -= 2
