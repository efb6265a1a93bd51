"""Threads of a lexer: where its program stands, what that owes to lookaheads, and what an instruction leads to."""

from __future__ import annotations

from .arena import FULL, STATUS, THREADS
from .jit import kernel
from .lexer import (
    ASSERT,
    AT_FINISHED,
    AT_LIST,
    AT_SEEN,
    AT_STACK,
    CHARS,
    DROPPED,
    ENTRY_WORDS,
    FAILED,
    HOLDS,
    L_ASSERTIONS,
    L_CLASSES,
    L_CODE,
    L_FORGETS,
    L_IGNORED,
    L_LOOK_END,
    L_LOOK_ENTER,
    L_LOOK_NEXT,
    L_STAMP,
    L_STAMPS,
    MATCH,
    MAX_OWED,
    MAX_THREADS,
    N_SEEN,
    NONE,
    field,
)
from .positions import K_OWED, position


@kernel("i8(A, i8, i8)")
def with_owed(A, owed, look):
    """The ascending list ``owed`` with the look state ``look`` added."""
    head, rest = 0, owed
    kept = int(A[THREADS]) + AT_LIST
    while rest != 0 and field(A, rest, 1) < look:
        A[kept + head] = field(A, rest, 1)
        head += 1
        rest = field(A, rest, 2)
        if head == MAX_OWED:
            A[STATUS] = FULL
            return owed
    if rest == 0 or field(A, rest, 1) != look:
        rest = position(A, K_OWED, look, rest, 0, 0, 0, 0, 0)
    while head > 0:
        head -= 1
        rest = position(A, K_OWED, int(A[kept + head]), rest, 0, 0, 0, 0, 0)
    return rest


@kernel("i8(A, i8, i8, i8)")
def owed_after(A, L, owed, c):
    """What is owed after a character of class ``c``; -1 when a lookahead has failed."""
    after = 0
    while owed != 0:
        look = int(A[A[L + L_LOOK_NEXT] + field(A, owed, 1) * A[L + L_CLASSES] + c])
        if look == FAILED:
            return -1
        if look != HOLDS:
            after = with_owed(A, after, look)
        owed = field(A, owed, 2)
    return after


@kernel("b1(A, i8, i8)")
def ends_well(A, L, owed):
    """Whether all that is owed is true at the end of the text."""
    while owed != 0:
        if A[A[L + L_LOOK_END] + field(A, owed, 1)] == 0:
            return False
        owed = field(A, owed, 2)
    return True


@kernel("i8(A, i8, i8)")
def kept_left(A, L, left):
    """What of a left state is kept: nothing (0) where the next character decides all that assertions can ask."""
    return 0 if A[L + L_FORGETS] else left


@kernel("void(A, i8)")
def begin_finding(A, L):
    """Forget what was found before."""
    A[THREADS + 2], A[THREADS + N_SEEN] = 0, 0
    A[L + L_STAMP] += 1


@kernel("void(A, i8, i8, i8, i8)")
def note(A, pc, owed, age, left):
    """Add a thread, or a match that owes something (``pc`` is then -1 - tag), to what was found."""
    n, base = int(A[THREADS + 2]), int(A[THREADS])
    if n == MAX_THREADS:
        A[STATUS] = FULL
        return
    at = base + ENTRY_WORDS * n
    A[at], A[at + 1], A[at + 2], A[at + 3] = pc, owed, age, left
    A[THREADS + 2] = n + 1


@kernel("i8(A, i8, i8, i8)")
def tag_of(A, L, terminal, n_finished):
    """The tag of a match: that of the first retyping string that finishes here, if one does."""
    if A[A[L + L_IGNORED] + terminal]:
        return DROPPED
    finished = int(A[THREADS]) + AT_FINISHED
    for k in range(n_finished):
        if A[finished + 2 * k] == terminal:
            return int(A[finished + 2 * k + 1])
    return terminal


@kernel("b1(A, i8, i8, i8)")
def met(A, L, pc, owed):
    """Whether an instruction was met before in this step with as little owed; it is now."""
    stamps = int(A[L + L_STAMPS])
    if A[stamps + pc] == A[L + L_STAMP]:
        return True
    if owed == 0:
        A[stamps + pc] = A[L + L_STAMP]
        return False
    n, seen = int(A[THREADS + N_SEEN]), int(A[THREADS]) + AT_SEEN
    for k in range(n):
        if A[seen + 2 * k] == pc and A[seen + 2 * k + 1] == owed:
            return True
    if n == MAX_THREADS:
        A[STATUS] = FULL
        return True
    A[seen + 2 * n], A[seen + 2 * n + 1] = pc, owed
    A[THREADS + N_SEEN] = n + 1
    return False


@kernel("i8(A, i8, i8, i8, i8, i8)")
def follow(A, L, pc, owed, left, n_finished):
    """Note all threads that ``pc`` leads to without a character: the tag of a match that owes nothing, or ``NONE``."""
    code, stack, top = int(A[L + L_CODE]), int(A[THREADS]) + AT_STACK, 1
    A[stack], A[stack + 1] = pc, owed
    while top > 0:
        top -= 1
        pc, owed = int(A[stack + 2 * top]), int(A[stack + 2 * top + 1])
        if met(A, L, pc, owed):
            continue
        at = code + 3 * pc
        op, a, b = A[at], int(A[at + 1]), int(A[at + 2])
        if op == CHARS:
            note(A, pc, owed, 0, 0)
        elif op == MATCH:
            tag = tag_of(A, L, a, n_finished)
            if owed == 0:
                return tag
            note(A, -1 - tag, owed, 0, kept_left(A, L, left))
        elif op == ASSERT:
            look = int(A[A[L + L_LOOK_ENTER] + left * A[L + L_ASSERTIONS] + a])
            if look != FAILED:
                A[stack + 2 * top], A[stack + 2 * top + 1] = b, owed if look == HOLDS else with_owed(A, owed, look)
                top += 1
        elif top + 2 > MAX_THREADS:
            A[STATUS] = FULL
        else:
            A[stack + 2 * top], A[stack + 2 * top + 1] = b, owed
            A[stack + 2 * top + 2], A[stack + 2 * top + 3] = a, owed
            top += 2
        if A[STATUS] != 0:
            return NONE
    return NONE
