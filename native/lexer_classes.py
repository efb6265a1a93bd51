"""Lexer states that no text of a bounded length can tell apart.

A counted repetition (``[a-z]{0,31}``) has as many lexer states as counts, which read tokens alike as long as the bound
is out of their reach. What a state does to texts of at most ``n`` characters is its *signature*: what is known of the
state itself, and the signatures of its successors for ``n - 1``. States with one signature share their pairs. Inside a
character, states share them if every completion leads to the same state.
"""

from __future__ import annotations

from .arena import SORT, STATUS
from .jit import kernel
from .lexer import (
    F_ACCEPT,
    F_LATE,
    F_LEFT,
    L_CLASSES,
    L_EXACT,
    L_REPEATS,
    PROVED,
    carry_on,
    field,
    known,
    lexer_step,
    owes,
    recorded,
)
from .lexer_tags import pending
from .positions import K_SIGNATURE, position

MAX_LENGTH = 48  # characters; one state each is being worked out at a time
SPARE = 3  # spare word of region SORT: states whose signature is being worked out


@kernel("i8(A, i8, i8)")
def place_of_signature(A, q, n):
    """Where the signature of a state for texts of ``n`` characters is kept; 0: no room."""
    return recorded(A, K_SIGNATURE, q, n, -1, 0, 0, 0, 0)


@kernel("i8(A, i8, i8)")
def _compute(A, q, n):
    """The signature of a state whose successors have theirs; 0 when one of them is asked for first."""
    stack, classes = int(A[SORT]), int(A[field(A, q, 1) + L_CLASSES])
    accept, late, carry = field(A, q, F_ACCEPT), field(A, q, F_LATE), field(A, q, F_LEFT)
    chain = position(A, K_SIGNATURE, accept, late, -2, carry, pending(A, q), carry_on(A, q), 0)
    complete = True
    for c in range(classes if n > 0 else 0):
        to = lexer_step(A, q, c)
        found = 0
        if to > 0:
            place = place_of_signature(A, to, n - 1)
            if A[STATUS] != 0:
                return 0
            found = int(A[known(A, place)])
            if found == 0:
                used = int(A[SORT + SPARE])
                if complete:  # one at a time: then the stack is no deeper than the texts are long
                    A[stack + 2 * used], A[stack + 2 * used + 1] = to, n - 1
                    A[SORT + SPARE] = used + 1
                complete = False
        if complete:
            chain = position(A, K_SIGNATURE, chain, found, -3, 0, 0, 0, 0)
    return chain if complete else 0


@kernel("i8(A, i8, i8)")
def alike(A, q, n):
    """The state that stands for all that do the same as ``q`` to texts of at most ``n`` characters."""
    L = field(A, q, 1)
    if A[L + L_REPEATS] == 0 or A[L + L_EXACT] != PROVED or n > MAX_LENGTH or owes(A, q):
        return q
    stack = int(A[SORT])
    A[stack], A[stack + 1], A[SORT + SPARE] = q, n, 1
    signature = 0
    while A[SORT + SPARE] > 0 and A[STATUS] == 0:
        at = stack + 2 * (int(A[SORT + SPARE]) - 1)
        state, length = int(A[at]), int(A[at + 1])
        place = place_of_signature(A, state, length)
        if A[STATUS] != 0:
            return q
        signature = int(A[known(A, place)])
        if signature == 0:
            signature = _compute(A, state, length)
            if signature == 0:
                continue
            A[known(A, place)] = signature
        A[SORT + SPARE] -= 1
    if A[STATUS] != 0:
        return q
    stands = recorded(A, K_SIGNATURE, signature, n, -4, 0, 0, 0, 0)
    if A[STATUS] != 0:
        return q
    if A[known(A, stands)] == 0:
        A[known(A, stands)] = q
    return int(A[known(A, stands)])
