"""Loops of lexer states: which characters lead back to a state, or on to one that they lead back to.

A lexer state whose loop set is known reads long texts from tables that no grammar owns (:mod:`.tables`). The first
character of a string, and the first byte of a character, lead to such a state, too.
"""

from __future__ import annotations

from .arena import STATUS, THREADS
from .jit import kernel
from .languages import DFA_CLS, DFA_STARTS, LOOP_RECORD, in_loop, interval_of, settle
from .lexer import (
    AT_BITS,
    F_LATE,
    L_ASCII,
    L_INTERVALS,
    L_SPELLED,
    Q_AHEAD,
    Q_BYTES,
    Q_LOOP,
    Q_TARGET,
    field,
    known,
    looks_back,
    place_of,
    recorded,
)
from .lexer_steps import lexer_step
from .positions import K_SIGNATURE
from .sets import add_member, kept_set
from .strings import mode_range, utf8_step
from .tables import OFTEN

NO_LOOP = -1
FEW = 16  # first bytes of a loop up to which other ways than into the loop are followed one by one, whatever most do


@kernel("i8(A, i8, i8)")
def target(A, q, mode):
    """The state that every completion of a character that has begun leads to; -1 when they differ, or some are dead."""
    place = place_of(A, q, mode)
    if A[STATUS] != 0:
        return -1
    at, L = known(A, place) + Q_TARGET, field(A, q, 1)
    if A[at] == 0:
        first, last = mode_range(mode, 0)
        lo, n, found = interval_of(A, L, first), int(A[L + L_INTERVALS]), 0
        while lo < n and A[A[L + DFA_STARTS] + lo] <= last and found >= 0:
            c = int(A[A[L + DFA_CLS] + lo])
            if A[A[L + L_SPELLED] + c]:
                to = lexer_step(A, q, c)
                found = to if found == 0 or found == to else -1
            lo += 1
        if A[STATUS] != 0:
            return -1
        A[at] = found
    return int(A[at])


@kernel("i8(A, i8, i8)")
def alike_inside(A, q, mode):
    """The state that stands, inside a character, for all from which every completion leads to one state."""
    to = target(A, q, mode)
    stands = recorded(A, K_SIGNATURE, to, mode, -5, 0, 0, 0, 0) if to > 0 else 0
    if stands == 0:
        return q
    if A[known(A, stands)] == 0:
        A[known(A, stands)] = q
    return int(A[known(A, stands)])


@kernel("b1(A, i8, i8, i8)")
def all_lead(A, q, b, to):
    """Whether every character whose UTF-8 form begins with ``b`` leads from a state to ``to``."""
    L = field(A, q, 1)
    if b < 0x80:
        return lexer_step(A, q, int(A[A[L + L_ASCII] + b])) == to
    return target(A, q, settle(A, L, utf8_step(0, b))) == to


@kernel("i8(A, i8)")
def lexer_loop(A, q):
    """The loop set of a state (see :mod:`.tables`): characters after which it is the same state; ``NO_LOOP``: none."""
    at = known(A, q)
    if A[at + Q_LOOP] == 0:
        bits, any_byte = int(A[THREADS]) + AT_BITS, False
        for j in range(LOOP_RECORD):
            A[bits + j] = 0
        for b in range(0xF5):
            if (b < 0x80 or b >= 0xC2) and all_lead(A, q, b, q):
                add_member(A, bits, b)
                any_byte = True
            if A[STATUS] != 0:
                return NO_LOOP
        loop = kept_set(A, bits, LOOP_RECORD) if any_byte else NO_LOOP
        if A[STATUS] != 0:
            return NO_LOOP
        A[at + Q_LOOP] = loop
    return int(A[at + Q_LOOP])


@kernel("b1(A, i8)")
def forgets(A, q):
    """Whether the way to a state is forgotten there: no match has ended, or owes something, some characters ago."""
    return field(A, q, F_LATE) == 0 and not looks_back(A, q, 0)


@kernel("i8(A, i8)")
def _find_ahead(A, q):
    """As :func:`loop_ahead`, computed; -1 for none."""
    bits = int(A[THREADS]) + AT_BITS
    for first in OFTEN:
        to = lexer_step(A, q, int(A[A[field(A, q, 1) + L_ASCII] + first]))
        loop = lexer_loop(A, to) if to > 0 and forgets(A, to) else NO_LOOP
        if A[STATUS] != 0:
            return -1
        if loop == NO_LOOP or not in_loop(A, loop, first):
            continue
        for j in range(LOOP_RECORD):
            A[bits + j] = 0
        led, others = 0, 0
        for b in range(0xF5):
            if in_loop(A, loop, b) and all_lead(A, q, b, to):
                add_member(A, bits, b)
                led += 1
            elif in_loop(A, loop, b):
                others += 1
        if others > max(FEW, led):
            return -1
        leading = kept_set(A, bits, LOOP_RECORD)
        if A[STATUS] != 0:
            return -1
        A[known(A, q) + Q_BYTES] = leading
        return to
    return -1


@kernel("i8(A, i8)")
def loop_ahead(A, q):
    """The state that loops and that most characters of its loop lead to from ``q`` as well; -1: there is none.

    Those that do are a loop set, too (``Q_BYTES``).
    """
    at = known(A, q)
    if A[at + Q_AHEAD] == 0:
        to = _find_ahead(A, q)
        if A[STATUS] != 0:
            return -1
        A[at + Q_AHEAD] = to
    return int(A[at + Q_AHEAD])
