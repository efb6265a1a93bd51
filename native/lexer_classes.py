"""Lexer states that no text of a bounded length can tell apart.

A counted repetition (``[a-z]{0,31}``) has as many lexer states as counts, which read tokens alike as long as the bound
is out of their reach. What a state does to texts of at most ``n`` characters is its *signature*: what is known of the
state itself, and the signatures of its successors for ``n - 1``. States with one signature share their pairs, and
where a state and its successor have one, short texts stay there as in a loop.
"""

from __future__ import annotations

from .arena import SORT, STATUS, THREADS
from .jit import kernel
from .languages import DFA_CLS, DFA_STARTS, LOOP_RECORD, interval_of
from .lexer import (
    AT_BITS,
    F_ACCEPT,
    F_LATE,
    F_LEFT,
    L_CLASSES,
    L_EXACT,
    L_INTERVALS,
    L_REPEATS,
    L_SPELLED,
    PROVED,
    field,
    known,
    owes,
    recorded,
)
from .lexer_carries import carry_on
from .lexer_loops import NO_LOOP
from .lexer_steps import lexer_step
from .lexer_tags import pending
from .positions import K_SIGNATURE, position
from .sets import add_member, kept_set
from .strings import mode_range, utf8_step
from .tables import OFTEN

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
    last, noted = 0, 0
    for c in range(classes if n > 0 else 0):
        to, found = max(lexer_step(A, q, c), 0), 0
        if to == last:
            continue
        if to > 0:
            place = place_of_signature(A, to, n - 1)
            if A[STATUS] != 0:
                return 0
            found = int(A[known(A, place)])
            if found == 0:  # one at a time: so the stack is no deeper than the texts are long
                used = int(A[SORT + SPARE])
                A[stack + 2 * used], A[stack + 2 * used + 1] = to, n - 1
                A[SORT + SPARE] = used + 1
                return 0
        if found != noted:  # runs of classes are noted: most classes kill most states
            chain = position(A, K_SIGNATURE, chain, found, -3, c, 0, 0, 0)
        last, noted = to, found
    return chain


@kernel("b1(A, i8, i8)")
def _counts(A, q, n):
    """Whether texts of ``n`` characters may be too short to tell a state apart from others that count."""
    L = field(A, q, 1)
    return A[L + L_REPEATS] != 0 and A[L + L_EXACT] == PROVED and n <= MAX_LENGTH and not owes(A, q)


@kernel("i8(A, i8, i8)")
def _signature(A, q, n):
    """The signature of a state for texts of ``n`` characters; 0 with ``A[STATUS]`` set."""
    stack, signature = int(A[SORT]), 0
    A[stack], A[stack + 1], A[SORT + SPARE] = q, n, 1
    while A[SORT + SPARE] > 0 and A[STATUS] == 0:
        at = stack + 2 * (int(A[SORT + SPARE]) - 1)
        state, length = int(A[at]), int(A[at + 1])
        place = place_of_signature(A, state, length)
        if A[STATUS] != 0:
            return 0
        signature = int(A[known(A, place)])
        if signature == 0:
            signature = _compute(A, state, length)
            if signature == 0:
                continue
            A[known(A, place)] = signature
        A[SORT + SPARE] -= 1
    return signature if A[STATUS] == 0 else 0


@kernel("i8(A, i8, i8)")
def alike(A, q, n):
    """The state that stands for all that do the same as ``q`` to texts of at most ``n`` characters."""
    if not _counts(A, q, n):
        return q
    signature = _signature(A, q, n)
    stands = recorded(A, K_SIGNATURE, signature, n, -4, 0, 0, 0, 0) if A[STATUS] == 0 else 0
    if A[STATUS] != 0:
        return q
    if A[known(A, stands)] == 0:
        A[known(A, stands)] = q
    return int(A[known(A, stands)])


@kernel("b1(A, i8, i8, i8, i8)")
def _stays(A, q, b, n, signature):
    """Whether every character whose UTF-8 form begins with ``b`` leads to a state with a signature."""
    L = field(A, q, 1)
    first, last = (b, b) if b < 0x80 else mode_range(utf8_step(0, b), 0)
    lo, intervals = interval_of(A, L, first), int(A[L + L_INTERVALS])
    while lo < intervals and A[A[L + DFA_STARTS] + lo] <= last:
        c = int(A[A[L + DFA_CLS] + lo])
        lo += 1
        if A[A[L + L_SPELLED] + c] == 0:
            continue
        to = lexer_step(A, q, c)
        if to <= 0 or _signature(A, to, n) != signature:
            return False
    return True


@kernel("i8(A, i8, i8)")
def loop_within(A, q, n):
    """The characters after which texts of ``n - 1`` more do not tell a state apart from itself; ``NO_LOOP``: none.

    To texts of at most ``n`` characters, these are a loop set (:func:`.lexer_loops.lexer_loop`).
    """
    if n == 0 or not _counts(A, q, n):
        return NO_LOOP
    place = recorded(A, K_SIGNATURE, q, n, -6, 0, 0, 0, 0)
    signature = _signature(A, q, n - 1) if A[STATUS] == 0 else 0
    if A[STATUS] != 0:
        return NO_LOOP
    if A[known(A, place)] == 0:
        bits, any_byte = int(A[THREADS]) + AT_BITS, False
        for j in range(LOOP_RECORD):
            A[bits + j] = 0
        for first in OFTEN:
            any_byte = any_byte or _stays(A, q, first, n - 1, signature)
        for b in range(0xF5 if any_byte else 0):
            if (b < 0x80 or b >= 0xC2) and _stays(A, q, b, n - 1, signature):
                add_member(A, bits, b)
        loop = kept_set(A, bits, LOOP_RECORD) if any_byte else NO_LOOP
        if A[STATUS] != 0:
            return NO_LOOP
        A[known(A, place)] = loop
    return int(A[known(A, place)])


@kernel("b1(A, i8, i8)")
def restarts(A, q, start):
    """Whether texts are read alike from ``q``, behind which the lexer would go on in ``start``, and from that state.

    So it is behind blanks: more of them lead to the same state from both, and all else ends them.
    """
    place = recorded(A, K_SIGNATURE, q, start, -8, 0, 0, 0, 0)
    if A[STATUS] != 0:
        return False
    if A[known(A, place)] == 0:
        alike = True
        for c in range(int(A[field(A, q, 1) + L_CLASSES])):
            to = lexer_step(A, q, c)
            if to > 0 and (to != q or lexer_step(A, start, c) != q):
                alike = False
                break
        if A[STATUS] != 0:
            return False
        A[known(A, place)] = 1 if alike else -1
    return A[known(A, place)] > 0
