"""Pairs of positions on a trie of words: read along both tries at once, without making states on the way.

Names of objects and the strings of an enumeration are such words. Where names outside the list are allowed, they read
as free text, whose pair is shared, except where a listed name closes.
"""

from __future__ import annotations

from .arena import (
    BANNED,
    COWALK,
    FULL,
    LAZY,
    POS,
    POS_STRIDE,
    SNODE,
    SNODE_STRIDE,
    STATUS,
    TRIE_STRIDE,
)
from .collect import add_edge, add_row, arrive, clear_bits, keep_row
from .jit import kernel
from .languages import AUTOMATON, SPEC_KIND, SPEC_MAX, trie_char, trie_child
from .pair_table import P_EXIT, ask, find_pair, pair_row, plain_position, use_tokens
from .positions import (
    K_KEY,
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
from .steps import after_key, avoid_step, free_goal, is_raw, name_can_go_on, word_can_go_on
from .strings import CHAR, DEAD, QUOTE, char_step
from .suffixes import edge_along, edge_byte, edge_range, edge_rest, subtract
from .trie import V_BYTE, V_CHILD, V_NODES


@kernel("b1(A, i8)")
def has_words(A, pos):
    """Whether a position stands between characters on a trie of words (a name, or one of the strings of an enum)."""
    at = int(A[POS]) + pos * POS_STRIDE
    if A[at] == K_KEY:
        obj = lazy(A, int(A[at + 1]))
        free = free_allowed(A, obj, int(A[at + 2]), int(A[at + 6]))
        return A[at + 5] == 0 and A[at + 3] >= 0 and (not free or free_goal(A, obj, int(A[at + 4])) >= 0)
    return A[at] == K_STRING and A[at + 4] == 0 and A[A[at + 1] + SPEC_KIND] > AUTOMATON


@kernel("i8(A, A, i8, i8)")
def nodes_behind(A, V, edges_at, n):
    """Copy the trie nodes behind ``n`` edges to the middle of the scratch region: their number."""
    base, room, count = int(A[COWALK]) + int(A[COWALK + 1]) // 2, int(A[COWALK + 1]) // 4, 0
    for j in range(n):
        x = edge_rest(A, V, int(A[edges_at + j]))
        if x < 0:
            continue
        at = int(A[SNODE]) + (x - int(V[V_NODES])) * SNODE_STRIDE
        size = 1 if x < V[V_NODES] else int(A[at + 1])
        if count + size > room:
            A[STATUS] = FULL
            return 0
        for k in range(size):
            A[base + count + k] = x if x < V[V_NODES] else A[A[at] + k]
        count += size
    return count


@kernel("i8(A, A, i8, i8, i8)")
def without(A, V, x, edges_at, n):
    """The suffix set ``x`` without what lies behind the ``n`` edges at ``edges_at``; -1 when nothing is left."""
    if n == 0:
        return x
    count = nodes_behind(A, V, edges_at, n)
    return subtract(A, V, x, int(A[COWALK]) + int(A[COWALK + 1]) // 2, count)


@kernel("void(A, A, i8, i8, i8)")
def use_free_text(A, V, pair, edges_at, n):
    """Take over the tokens of a pair of free text, without those that end at ``n`` edges.

    Tokens that close an allowed name were noted on their own, so all edges where a listed name closes can be taken out.
    """
    if n == 0:
        use_tokens(A, pair)
        return
    at = pair_row(A, pair)
    if at == 0:
        return
    for j in range(n):
        clear_bits(A, V, at, int(A[edges_at + j]))
    add_row(A, keep_row(A, at))


@kernel("i8(A, i8, i8, i8, i8)")
def push_frame(A, top, x, node, mode):
    """Suffix set ``x`` is still to be read from a node of the words: the new number of frames."""
    at = int(A[COWALK]) + 3 * top
    if 3 * top + 3 + A[COWALK + 2] > A[COWALK + 1]:
        A[STATUS] = FULL
        return 0
    A[at], A[at + 1], A[at + 2] = x, node, mode
    return top + 1


@kernel("void(A, A, i8, i8, i8, b1, i8)")
def close_word(A, V, edge, at, leaf, free, parent):
    """A word closes at an edge. ``at``: the record of the position, as in :func:`read_edge`."""
    if A[at] != K_KEY:
        add_edge(A, V, edge)
        arrive(A, V, edge_rest(A, V, edge), parent)
        return
    number, seen, count = int(A[at + 1]), int(A[at + 2]), int(A[at + 6])
    obj = int(A[A[LAZY] + number])
    k = int(A[A[obj + O_SORTED] + leaf])
    if free:
        A[A[COWALK] + A[COWALK + 1] - 1 - A[COWALK + 2]] = edge
        A[COWALK + 2] += 1
    if not name_allowed(A, obj, seen, count, k):
        A[BANNED] = 1
        return
    add_edge(A, V, edge)
    rest = edge_rest(A, V, edge)
    if rest >= 0:
        to = after_key(A, number, obj, seen, count, k, int(A[A[obj + O_GOALS] + k]), parent)
        if A[STATUS] == 0:
            arrive(A, V, rest, to)


@kernel("b1(A, i8, i8, i8)")
def can_spell(A, at, node, mode):
    """Whether a started escape can name a character that an allowed word below ``node`` goes on with."""
    if A[at] != K_KEY:
        return word_can_go_on(A, node, mode)
    return name_can_go_on(A, int(A[A[LAZY] + A[at + 1]]), int(A[at + 2]), int(A[at + 6]), node, mode)


@kernel("i8(A, A, i8, i8, i8, i8, b1, i8, i8)")
def read_edge(A, V, edge, at, here, mode, free, parent, top):
    """One edge of a suffix set from a node of the words.

    Parameters
    ----------
    at : int
        Record of the position that the walk began at.
    here, mode : int
        Node of the trie of words, and the mode inside its next character.
    free : bool
        Whether other names are allowed: then only what closes a word is noted here.
    top : int
        Frames on the stack.

    Returns
    -------
    int
        The new ``top``.
    """
    b = edge_byte(A, V, edge)
    r = char_step(mode, b)
    if r == DEAD:
        return top
    if r == QUOTE:
        if A[here + 3] >= 0:
            close_word(A, V, edge, at, int(A[here + 3]), free, parent)
        return top
    is_key, to = A[at] == K_KEY, here
    obj = int(A[A[LAZY] + A[at + 1]]) if is_key else 0
    if is_raw(mode, b):
        to = trie_child(A, here, b)
    elif r >= CHAR:
        to = trie_char(A, here, r & 0x1FFFFF)
    elif not free and not can_spell(A, at, here, r):
        return top
    if to < 0:
        return top
    if not free:
        if is_key and not any_word(A, obj, int(A[at + 2]), int(A[at + 6]), to):
            return top
        add_edge(A, V, edge)
    rest = edge_rest(A, V, edge)
    return top if rest < 0 else push_frame(A, top, rest, to, 0 if r >= CHAR else r)


@kernel("i8(A, A, i8, i8, i8, i8, b1, i8, i8)")
def read_level(A, V, y, at, here, mode, free, parent, top):
    """One level of a suffix set, as :func:`read_edge`: by its edges, or by the words' where those are fewer."""
    first, stop = edge_range(A, V, y)
    if mode != 0 or A[here + 2] + 2 >= stop - first:
        for edge in range(first, stop):
            top = read_edge(A, V, edge, at, here, mode, free, parent, top)
        return top
    for j in range(int(A[here + 2])):
        b = int(A[A[here + 1] + j * TRIE_STRIDE])
        edge = edge_along(A, V, y, b) if b >= 32 and b != 34 and b != 92 else -1
        if edge >= 0:
            top = read_edge(A, V, edge, at, here, mode, free, parent, top)
    for b in (34, 92):
        edge = edge_along(A, V, y, b)
        if edge >= 0:
            top = read_edge(A, V, edge, at, here, mode, free, parent, top)
    return top


@kernel("void(A, A, i8, i8, i8)")
def walk_words(A, V, x, pos, parent):
    """Read the suffixes ``x`` along a trie of words.

    Where other names are allowed, what closes a listed one is taken out of the free exit and read after its own name.
    """
    at = int(A[POS]) + pos * POS_STRIDE
    is_key = A[at] == K_KEY
    node = int(A[at + 3]) if is_key else int(A[at + 2])
    obj, pair = int(A[A[LAZY] + A[at + 1]]) if is_key else 0, 0
    free = is_key and free_allowed(A, obj, int(A[at + 2]), int(A[at + 6]))
    if free:
        text = position(A, K_STRING, int(A[obj + O_TEXT]), 0, 0, 0, 0, 0, 0)
        pair = find_pair(A, x, text)
        if pair == 0:
            ask(A, x, text)
            return
    A[COWALK + 2], A[BANNED] = 0, 0
    top = push_frame(A, 0, x, node, 0)
    while top > 0 and A[STATUS] == 0:
        frame = int(A[COWALK]) + 3 * (top - 1)
        top = read_level(A, V, int(A[frame]), at, int(A[frame + 1]), int(A[frame + 2]), free, parent, top - 1)
    if not free or A[STATUS] != 0:
        return
    n = int(A[COWALK + 2])
    closed = int(A[COWALK]) + int(A[COWALK + 1]) - n
    use_free_text(A, V, pair, closed, n if A[BANNED] else 0)
    rest = without(A, V, int(A[pair + P_EXIT]), closed, n) if A[pair + P_EXIT] >= 0 else -1
    if rest >= 0 and A[STATUS] == 0:
        goal = free_goal(A, obj, int(A[at + 4]))
        to = after_key(A, int(A[at + 1]), obj, int(A[at + 2]), int(A[at + 6]), -1, goal, parent)
        if A[STATUS] == 0:
            arrive(A, V, rest, to)


@kernel("b1(A, i8)")
def avoids(A, pos):
    """Whether a position stands inside a string that may become one of some texts to avoid."""
    at = int(A[POS]) + pos * POS_STRIDE
    return A[at] == K_STRING and A[at + 5] != 0


@kernel("void(A, A, i8, i8, i8)")
def walk_avoided(A, V, x, pos, parent):
    """Read a part of the vocabulary inside a string with texts to avoid: as without them, but for what closes one.

    Only the common beginnings of tokens and of those texts are walked.
    """
    at = int(A[POS]) + pos * POS_STRIDE
    spec, count = int(A[at + 1]), int(A[at + 3])
    plain = position(A, K_STRING, spec, int(A[at + 2]), count, int(A[at + 4]), 0, 0, 0)
    plain = plain_position(A, V, plain, x)
    pair = find_pair(A, x, plain)
    if pair == 0:
        ask(A, x, plain)
        return
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
                return
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
