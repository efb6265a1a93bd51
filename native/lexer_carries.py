"""Carries: what a lexer takes along from token to token.

As a rule that is the left state alone, a number from 0 on. Where ``L_CARRIES`` is set, some tokens leave more behind
(:mod:`.leftovers`): the threads that were preferred to the match, which must never match from now on, and the
lookaheads that the match owes. Such a carry is minus the number of a position ``(K_CARRY, lexer, left state, leftovers,
owed)``. A match among the leftovers kills the state. Where no assertion is tried at the first character of a token,
and the last character alone decides the left state (``\\b``), that is not kept (``L_FORGETS``): states would differ in
what nobody asks for.
"""

from __future__ import annotations

from .arena import FULL, POS, POS_STRIDE, STATUS, THREADS
from .jit import kernel
from .lexer import (
    AT_SEEN,
    BROKEN,
    ENTRY_WORDS,
    F_ACCEPT,
    F_LEFT,
    F_LIST,
    L_CARRIES,
    L_CLASSES,
    L_CODE,
    L_OWNER,
    L_SAFE,
    L_SETS,
    MAX_THREADS,
    NONE,
    field,
)
from .lexer_threads import begin_finding, ends_well, follow, kept_left, note, owed_after, with_owed
from .positions import K_CARRY, K_THREAD, position
from .sets import has_member


@kernel("i8(A, i8)")
def left_of(A, carry):
    """The left state of a carry."""
    return carry if carry >= 0 else field(A, -carry, 2)


@kernel("i8(A, i8)")
def leftovers_of(A, carry):
    """The leftovers of a carry: a chain of ``(K_THREAD, pc, owed)``, ``pc`` being -1 for a match; 0: none."""
    return 0 if carry >= 0 else field(A, -carry, 3)


@kernel("i8(A, i8)")
def owed_of(A, carry):
    """What a carry owes to lookaheads."""
    return 0 if carry >= 0 else field(A, -carry, 4)


@kernel("i8(A, i8, i8)")
def kept_leftovers(A, n, chain):
    """The first ``n`` things found, and a chain of leftovers, as one sorted chain without repetitions."""
    base, out, m = int(A[THREADS]), int(A[THREADS]) + AT_SEEN, 0
    while n > 0 or chain != 0:
        if n > 0:
            n -= 1
            pc, owed = max(int(A[base + ENTRY_WORDS * n]), -1), int(A[base + ENTRY_WORDS * n + 1])
        else:
            pc, owed, chain = field(A, chain, 1), field(A, chain, 2), field(A, chain, 3)
        if m == MAX_THREADS - 1:
            A[STATUS] = FULL
            return 0
        k = m
        while k > 0 and (A[out + 2 * k - 2] > pc or (A[out + 2 * k - 2] == pc and A[out + 2 * k - 1] > owed)):
            A[out + 2 * k], A[out + 2 * k + 1] = A[out + 2 * k - 2], A[out + 2 * k - 1]
            k -= 1
        A[out + 2 * k], A[out + 2 * k + 1] = pc, owed
        m += 1
    for k in range(m - 1, -1, -1):
        pc, owed = int(A[out + 2 * k]), int(A[out + 2 * k + 1])
        if chain == 0 or field(A, chain, 1) != pc or field(A, chain, 2) != owed:
            chain = position(A, K_THREAD, pc, owed, chain, 0, 0, 0, 0)
    return chain


@kernel("i8(A, i8, i8)")
def joined(A, owed, more):
    """Two lists of look states as one."""
    while more != 0:
        owed = with_owed(A, owed, field(A, more, 1))
        more = field(A, more, 2)
    return owed


@kernel("i8(A, i8, i8, i8, i8, i8)")
def carry_behind(A, L, carry, n, owed, tag):
    """The carry behind a match of ``tag`` that owes ``owed``, to which the first ``n`` things found were preferred.

    It is plain where all of them are of terminals that do no harm there, and nothing was carried before.
    """
    left, safe = left_of(A, carry), leftovers_of(A, carry) == 0 and owed_of(A, carry) == 0
    row = int(A[int(A[L + L_SAFE]) + tag])
    for k in range(n):
        entry = int(A[int(A[THREADS]) + ENTRY_WORDS * k])
        safe = safe and entry >= 0 and has_member(A, row, int(A[A[L + L_OWNER] + entry]))
    if safe and (owed == 0 or has_member(A, row, tag)):
        return left
    chain = kept_leftovers(A, n, leftovers_of(A, carry))
    return -position(A, K_CARRY, L, left, chain, joined(A, owed_of(A, carry), owed), 0, 0, 0)


@kernel("i8(A, i8)")
def carry_on(A, q):
    """The carry of a token that ends in state ``q``."""
    L, carry, cell, n = field(A, q, 1), field(A, q, F_LEFT), field(A, q, F_LIST), 0
    if A[L + L_CARRIES] == 0 or field(A, q, F_ACCEPT) == NONE:
        return carry
    A[THREADS + 2] = 0
    while cell != 0:
        is_thread = A[A[POS] + cell * POS_STRIDE] == K_THREAD
        note(A, field(A, cell, 1) if is_thread else -1, field(A, cell, 2), 0, 0)
        n += 1
        cell = field(A, cell, 3)
    return carry_behind(A, L, carry, n, 0, field(A, q, F_ACCEPT))


@kernel("i8(A, i8, i8)")
def carry_owing(A, q, cell):
    """The carry behind a match of state ``q`` if that is the token: what it owes must come true of what follows."""
    carry, owed = field(A, cell, 5), field(A, cell, 2)
    if carry < 0 or field(A, cell, 4) != 0:
        return carry
    return -position(A, K_CARRY, field(A, q, 1), carry, 0, owed, 0, 0, 0)


@kernel("b1(A, i8)")
def may_stop(A, carry):
    """Whether the text may end with a carry: nothing left over matches there, and nothing is owed."""
    cell, L = leftovers_of(A, carry), 0 if carry >= 0 else field(A, -carry, 1)
    while cell != 0:
        if field(A, cell, 1) == -1 and ends_well(A, L, field(A, cell, 2)):
            return False
        cell = field(A, cell, 3)
    return ends_well(A, L, owed_of(A, carry))


@kernel("i8(A, i8, i8, i8, i8)")
def carried(A, L, carry, left, c):
    """A carry after a character of class ``c`` that leads to a left state; ``BROKEN`` when it came to grief."""
    kept = kept_left(A, L, left)
    if carry >= 0:
        return kept
    begin_finding(A, L)
    code, sets, classes = int(A[L + L_CODE]), int(A[L + L_SETS]), int(A[L + L_CLASSES])
    cell = leftovers_of(A, carry)
    while cell != 0 and A[STATUS] == 0:
        pc, owed = field(A, cell, 1), owed_after(A, L, field(A, cell, 2), c)
        cell = field(A, cell, 3)
        if pc < 0:
            matched = owed == 0
            if owed > 0:
                note(A, -1, owed, 0, 0)
        else:
            goes_on = owed >= 0 and A[sets + A[code + 3 * pc + 1] * classes + c] != 0
            matched = goes_on and follow(A, L, int(A[code + 3 * pc + 2]), owed, left, 0) != NONE
        if matched:
            return BROKEN
    owed = owed_after(A, L, owed_of(A, carry), c)
    if owed < 0 or A[STATUS] != 0:
        return BROKEN
    chain = kept_leftovers(A, int(A[THREADS + 2]), 0)
    return kept if chain == 0 and owed == 0 else -position(A, K_CARRY, L, kept, chain, owed, 0, 0, 0)
