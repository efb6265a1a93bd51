"""What a mask of a lexer reads apart from pairs, by steps: islands, and what may follow a text."""

from __future__ import annotations

from .arena import AHEAD, BUFFER, FULL, POS, POS_STRIDE, STATE, STATE_STRIDE, STATUS, VALUE
from .calls import expand
from .collect import add_ids, push
from .fronts import is_front, open_set
from .jit import kernel
from .lexed_steps import put_islands
from .positions import K_LEX
from .sets import has_member
from .states import S_COUNT, S_ITEMS, close_buffer
from .steps import step
from .suffixes import edge_byte, edge_range, edge_rest, edge_tokens
from .trie import V_BYTE, V_CHILD, V_NODES, V_TOKFIRST, V_TOKIDS

SPARE = 3  # spare word of region AHEAD: words in use of its upper half


@kernel("i8(A)")
def first_ahead(A):
    """Where the upper half of region AHEAD begins."""
    return int(A[AHEAD]) + int(A[AHEAD + 1]) // 2


@kernel("i8(A, i8)")
def put_ahead(A, n_words):
    """Where ``n_words`` words are written of what is still to be read, in the upper half of region AHEAD; 0: full."""
    used = int(A[AHEAD + SPARE])
    if used + n_words > int(A[AHEAD + 1]) // 2 - 2048:
        A[STATUS] = FULL
        return 0
    A[AHEAD + SPARE] = used + n_words
    return first_ahead(A) + used


@kernel("i8(A, i8)")
def take_ahead(A, n_words):
    """Where the words stand that were written last, which are taken away."""
    A[AHEAD + SPARE] -= n_words
    return first_ahead(A) + int(A[AHEAD + SPARE])


@kernel("b1(A, i8, b1)")
def has(A, state, lexer):
    """Whether some item of a state is that of a lexer, or (``lexer`` false) of something else."""
    at = int(A[STATE]) + state * STATE_STRIDE
    items = int(A[at + S_ITEMS])
    for j in range(int(A[at + S_COUNT])):
        if (A[A[POS] + A[items + 2 * j] * POS_STRIDE] == K_LEX) == lexer:
            return True
    return False


@kernel("void(A, i8, i8)")
def _read_behind(A, state, x):
    """A set is still to be read from a state by steps."""
    at = put_ahead(A, 2)
    if at != 0:
        A[at], A[at + 1] = state, x


@kernel("i8(A, A, i8, i8)")
def read_by_steps(A, V, x, state):
    """Collect the first level of a set by steps of states, and leave the rest to be read from those that follow.

    Only lexers have pairs with fronts. Where something else reads one, its levels are stepped through, too.
    """
    before = int(A[AHEAD + SPARE])
    _read_behind(A, state, x)
    while A[AHEAD + SPARE] > before and A[STATUS] == 0:
        at = take_ahead(A, 2)
        state, x = int(A[at]), int(A[at + 1])
        if not open_set(A, V, x):
            break
        first, last = edge_range(A, V, x)
        for edge in range(first, last):
            to = step(A, state, edge_byte(A, V, edge)) if A[STATUS] == 0 else -1
            if to <= 0:
                continue
            at, n = edge_tokens(A, V, edge)
            if edge < V[V_NODES]:
                add_ids(A, V, at, n)
            else:
                add_ids(A, A, at, n)
            rest = edge_rest(A, V, edge)
            if rest >= 0 and is_front(A, V, rest) and has(A, to, False):
                _read_behind(A, to, rest)
            elif rest >= 0 and open_set(A, V, rest):
                push(A, rest, to)
    A[AHEAD + SPARE] = before
    return 1 if A[STATUS] == 0 else 0


@kernel("void(A, A, i8, i8, i8)")
def leave_to_islands(A, V, G, cell, x):
    """A set is still to be read from the islands that a stack accepts."""
    start = int(A[BUFFER + 2])
    put_islands(A, G, cell)
    expand(A, start)
    state = close_buffer(A, start)
    if state > 0 and is_front(A, V, x):
        read_by_steps(A, V, x, state)
    elif state > 0:
        push(A, x, state)


@kernel("void(A, A, i8, i8)")
def read_around(A, V, marks, state):
    """Collect the tokens along the marked nodes of the trie by steps, until no lexer is left in the state.

    They are those in which the text of the grammar may end. O(marked nodes that a text of the grammar leads to).
    """
    child, node_byte = int(V[V_CHILD]), int(V[V_BYTE])
    first, ids = int(V[V_TOKFIRST]), int(V[V_TOKIDS])
    stack, room, top = first_ahead(A), int(A[AHEAD + 1]) // 4 - 1024, 1
    A[stack], A[stack + 1] = 0, state
    while top > 0:
        top -= 1
        node, here = int(A[stack + 2 * top]), int(A[stack + 2 * top + 1])
        for c in range(int(V[child + node]), int(V[child + node + 1])):
            if not has_member(A, marks, c):
                continue
            to = step(A, here, int(V[node_byte + c]))
            if A[STATUS] == VALUE:  # what stands behind decides: it is read apart
                A[STATUS] = 0
                push(A, node, here)
                break
            if A[STATUS] != 0 or top == room:
                A[STATUS] = A[STATUS] if A[STATUS] != 0 else FULL
                return
            if to <= 0:
                continue
            add_ids(A, V, ids + int(V[first + c]), int(V[first + c + 1] - V[first + c]))
            if V[child + c] == V[child + c + 1]:
                continue
            if has(A, to, True):
                A[stack + 2 * top], A[stack + 2 * top + 1] = c, to
                top += 1
            else:
                push(A, c, to)
