"""The mask of a state by steps along the trie, token by token: for states whose pairs cost more than that."""

from __future__ import annotations

from .arena import COWALK, FULL, ITEM, POS, POS_STRIDE, RULES, STATE, STATE_STRIDE, STATUS, VALUE
from .calls import expanded
from .collect import add_ids, start_collecting
from .jit import kernel
from .positions import K_TOKEN
from .states import S_COUNT, S_ITEMS
from .steps import step
from .suspects import add_suspects, suspect_below
from .trie import V_BYTE, V_CHILD, V_TOKFIRST, V_TOKIDS


@kernel("b1(A, A, i8)")
def collect_plain(A, V, state):
    """Collect the mask of a state. O(nodes of the trie that the text may go on to).

    A text of an ambiguous grammar has as many states as futures, so there are few, and most steps are known.

    Returns
    -------
    bool
        False when ``A[STATUS]`` was set, or so many states had to be made that this is not the shorter way.
    """
    start_collecting(A)
    most = int(A[ITEM + 2]) + int(A[ITEM + 1]) // 64
    if A[RULES] != 0:
        state = expanded(A, state)
        if state < 0:
            return False
    at = int(A[STATE]) + state * STATE_STRIDE
    items = int(A[at + S_ITEMS])
    for j in range(int(A[at + S_COUNT])):
        pos = int(A[POS]) + int(A[items + 2 * j]) * POS_STRIDE
        if A[pos] == K_TOKEN:
            add_ids(A, A, pos + 1, 1)
    child, node_byte = int(V[V_CHILD]), int(V[V_BYTE])
    first, ids = int(V[V_TOKFIRST]), int(V[V_TOKIDS])
    stack, room, top = int(A[COWALK]), int(A[COWALK + 1]) // 2, 1
    A[stack], A[stack + 1] = 0, state
    while top > 0 and A[STATUS] == 0 and A[ITEM + 2] < most:
        top -= 1
        node, here = int(A[stack + 2 * top]), int(A[stack + 2 * top + 1])
        for c in range(int(V[child + node]), int(V[child + node + 1])):
            to, n = step(A, here, int(V[node_byte + c])), int(V[first + c + 1] - V[first + c])
            if A[STATUS] == VALUE:
                A[STATUS] = 0
                add_suspects(A, V, ids + int(V[first + c]), n)
                suspect_below(A, V, c)
            if A[STATUS] != 0 or top == room:
                A[STATUS] = A[STATUS] if A[STATUS] != 0 else FULL
                break
            if to > 0:
                add_ids(A, V, ids + int(V[first + c]), n)
                A[stack + 2 * top], A[stack + 2 * top + 1] = c, to
                top += 1
    return top == 0 and A[STATUS] == 0
