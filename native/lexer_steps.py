"""Lexer states: how they begin, and what a character leads to."""

from __future__ import annotations

from .arena import FULL, POS, POS_STRIDE, ROW, STATUS, THREADS, take
from .jit import kernel
from .languages import DFA_CLS, DFA_STARTS, interval_of
from .lexer import (
    ALL_ALIVE,
    ALL_DEAD,
    AT_FINISHED,
    AT_SEEN,
    AT_STRINGS,
    BROKEN,
    ENTRY_WORDS,
    F_ACCEPT,
    F_LATE,
    F_LEFT,
    F_LIST,
    F_RETYPES,
    F_START,
    L_BEGIN,
    L_CARRIES,
    L_CLASSES,
    L_CODE,
    L_ENTRY,
    L_INTERVALS,
    L_LEFT_NEXT,
    L_LEFTS,
    L_N_OTHERS,
    L_ORDER,
    L_ORDER_FIRST,
    L_OTHERS,
    L_OWNER,
    L_RETYPE,
    L_RETYPE_FIRST,
    L_SEARCH,
    L_SETS,
    L_SPELLED,
    MATCH,
    MAX_THREADS,
    MIXED,
    NONE,
    Q_OTHERS,
    Q_SEARCH,
    Q_TRANS,
    SPLIT,
    field,
    known,
    recorded,
)
from .lexer_carries import carried, carry_behind, carry_on, left_of
from .lexer_threads import begin_finding, follow, note, owed_after
from .positions import K_BEGUN, K_LATE, K_LEXER, K_MATCH, K_RETYPE, K_THREAD, position
from .strings import mode_range


@kernel("i8(A, i8, i8, i8, i8, i8, i8)")
def keep_lexer_state(A, L, n_strings, accept, late, left, is_start):
    """The lexer state of what was found: its number, or -1 when nothing is left (or ``A[STATUS]`` is set)."""
    n, base, owner = int(A[THREADS + 2]), int(A[THREADS]), int(A[L + L_OWNER])
    if A[STATUS] != 0 or (n == 0 and accept == NONE and late == 0 and not is_start):
        return -1
    entries = 0
    for k in range(n - 1, -1, -1):
        at = base + ENTRY_WORDS * k
        pc, owed = int(A[at]), int(A[at + 1])
        if pc >= 0:
            entries = position(A, K_THREAD, pc, owed, entries, 0, 0, 0, 0)
        else:
            carry = int(A[at + 3])
            if A[at + 2] == 0 and A[L + L_CARRIES]:
                carry = carry_behind(A, L, left, k, owed, -1 - pc)
            entries = position(A, K_MATCH, -1 - pc, owed, entries, int(A[at + 2]), carry, 0, 0)
    retypes, strings = 0, base + AT_STRINGS
    for k in range(n_strings - 1, -1, -1):
        pc, terminal = int(A[strings + 2 * k]), int(A[strings + 2 * k + 1])
        for j in range(n):
            entry = int(A[base + ENTRY_WORDS * j])
            if entry >= 0 and A[owner + entry] == terminal:
                retypes = position(A, K_RETYPE, pc, terminal, retypes, 0, 0, 0, 0)
                break
    if A[STATUS] != 0:
        return -1
    q = recorded(A, K_LEXER, L, entries, retypes, accept, late, left, is_start)
    return q if A[STATUS] == 0 else -1


@kernel("i8(A, i8, i8)")
def in_string(A, L, pc):
    """Where a plain string reads its next character, or -1 - its tag when it has been read."""
    code = int(A[L + L_CODE])
    while A[code + 3 * pc] == SPLIT:
        pc = int(A[code + 3 * pc + 1])
    return -1 - int(A[code + 3 * pc + 1]) if A[code + 3 * pc] == MATCH else pc


@kernel("i8(A, i8, i8, i8)")
def lexer_start(A, L, context, carry):
    """The lexer state between two tokens; -1 when ``A[STATUS]`` is set. O(program) the first time."""
    left = left_of(A, carry)
    memo = int(A[L + L_BEGIN]) + context * int(A[L + L_LEFTS]) + left
    if carry < 0:
        memo = known(A, recorded(A, K_BEGUN, context, -carry, 0, 0, 0, 0, 0))
    if A[STATUS] != 0:
        return -1
    if A[memo] != 0:
        return int(A[memo])
    begin_finding(A, L)
    order, entry, n_strings = int(A[L + L_ORDER]), int(A[L + L_ENTRY]), 0
    first, strings = int(A[L + L_RETYPE_FIRST]), int(A[THREADS]) + AT_STRINGS
    for i in range(int(A[A[L + L_ORDER_FIRST] + context]), int(A[A[L + L_ORDER_FIRST] + context + 1])):
        terminal = int(A[order + i])
        follow(A, L, int(A[entry + terminal]), 0, left, 0)
        for j in range(int(A[first + i]), int(A[first + i + 1])):
            if n_strings == MAX_THREADS:
                A[STATUS] = FULL
                return -1
            pc = in_string(A, L, int(A[entry + A[A[L + L_RETYPE] + j]]))
            A[strings + 2 * n_strings], A[strings + 2 * n_strings + 1] = pc, terminal
            n_strings += 1
    q = keep_lexer_state(A, L, n_strings, NONE, 0, carry, 1)
    if q > 0:
        A[memo] = q
    return q


@kernel("i8(A, i8, i8, i8)")
def _compute_transition(A, L, q, c):
    """The lexer state after a character of class ``c``, computed."""
    code, sets, classes = int(A[L + L_CODE]), int(A[L + L_SETS]), int(A[L + L_CLASSES])
    left = int(A[A[L + L_LEFT_NEXT] + left_of(A, field(A, q, F_LEFT)) * classes + c])
    carry = carried(A, L, field(A, q, F_LEFT), left, c)
    if carry == BROKEN:
        return -1
    begin_finding(A, L)
    finished, strings = int(A[THREADS]) + AT_FINISHED, int(A[THREADS]) + AT_STRINGS
    n_strings, n_finished, cell = 0, 0, field(A, q, F_RETYPES)
    while cell != 0:
        at = code + 3 * field(A, cell, 1)
        if A[sets + A[at + 1] * classes + c]:
            pc = in_string(A, L, int(A[at + 2]))
            if pc < 0:
                A[finished + 2 * n_finished], A[finished + 2 * n_finished + 1] = field(A, cell, 2), -1 - pc
                n_finished += 1
            else:
                A[strings + 2 * n_strings], A[strings + 2 * n_strings + 1] = pc, field(A, cell, 2)
                n_strings += 1
        cell = field(A, cell, 3)
    accept, late, cell = NONE, 0, field(A, q, F_LIST)
    while cell != 0 and accept == NONE and late == 0 and A[STATUS] == 0:
        at = int(A[POS]) + cell * POS_STRIDE
        owed = owed_after(A, L, int(A[at + 2]), c) if A[at + 2] else 0
        if A[at] == K_THREAD:
            read = code + 3 * int(A[at + 1])
            if owed >= 0 and A[sets + A[read + 1] * classes + c]:
                accept = follow(A, L, int(A[read + 2]), owed, left, n_finished)
        elif owed > 0:
            note(A, -1 - int(A[at + 1]), owed, int(A[at + 4]) + 1, int(A[at + 5]))
        elif owed == 0:
            late = position(A, K_LATE, int(A[at + 1]), int(A[at + 5]), int(A[at + 4]) + 1, 0, 0, 0, 0)
        cell = int(A[at + 3])
    return keep_lexer_state(A, L, n_strings, accept, late, carry, 0)


@kernel("i8(A, i8, i8)")
def lexer_step(A, q, c):
    """The lexer state after a character of class ``c``, or -1: dead, or ``A[STATUS]`` is set."""
    L, at = field(A, q, 1), known(A, q)
    row = int(A[at + Q_TRANS])
    if row == 0:
        row = take(A, ROW, int(A[L + L_CLASSES]))
        if row < 0:
            return -1
        A[at + Q_TRANS] = row
    to = int(A[row + c])
    if to == 0:
        to = _compute_transition(A, L, q, c)
        if A[STATUS] != 0:
            return -1
        A[row + c] = to
    return to


@kernel("i8(A, i8)")
def beyond_ascii(A, q):
    """Whether the characters beyond ASCII all kill a state, or none does, or some do; 0 with ``A[STATUS]`` set."""
    at, L = known(A, q), field(A, q, 1)
    if A[at + Q_OTHERS] == 0:
        dead, n = 0, int(A[L + L_N_OTHERS])
        for k in range(n):
            dead += lexer_step(A, q, int(A[A[L + L_OTHERS] + k])) < 0
            if A[STATUS] != 0:
                return 0
        A[at + Q_OTHERS] = ALL_DEAD if dead == n else ALL_ALIVE if dead == 0 else MIXED
    return int(A[at + Q_OTHERS])


@kernel("b1(A, i8, i8)")
def can_begin(A, q, mode):
    """Whether a character that has begun can be completed without killing the state."""
    found = beyond_ascii(A, q)
    if found != MIXED:
        return found == ALL_ALIVE
    L = field(A, q, 1)
    first, last = mode_range(mode, 0)
    lo, n = interval_of(A, L, first), int(A[L + L_INTERVALS])
    while lo < n and A[A[L + DFA_STARTS] + lo] <= last:
        c = int(A[A[L + DFA_CLS] + lo])
        if A[A[L + L_SPELLED] + c] and lexer_step(A, q, c) > 0:
            return True
        lo += 1
    return False


@kernel("i8(A, i8)")
def ageless(A, q):
    """A state that stands for all that differ in nothing but how long ago something matched; 0: no room."""
    cell, n, base, late = field(A, q, F_LIST), 0, int(A[THREADS]) + AT_SEEN, field(A, q, F_LATE)
    while cell != 0 and n < MAX_THREADS:
        A[base + n] = cell
        n += 1
        cell = field(A, cell, 3)
    while n > 0:
        n -= 1
        at = int(A[POS]) + int(A[base + n]) * POS_STRIDE
        age = min(int(A[at + 4]), 1)
        cell = position(A, int(A[at]), int(A[at + 1]), int(A[at + 2]), cell, age, int(A[at + 5]), 0, 0)
    if late != 0:
        late = position(A, K_LATE, field(A, late, 1), field(A, late, 2), 1, 0, 0, 0, 0)
    L, retypes, accept = field(A, q, 1), field(A, q, F_RETYPES), field(A, q, F_ACCEPT)
    return recorded(A, K_LEXER, L, cell, retypes, accept, late, field(A, q, F_LEFT), field(A, q, F_START))


@kernel("i8(A, i8, i8, A, i8)")
def _add_completion(A, q, c, found, n):
    """Add the state that a character of class ``c`` leads to, if it is not there (:func:`completions`); how many."""
    L = field(A, q, 1)
    search = int(A[L + L_SEARCH])
    to = lexer_step(A, q, c) if A[A[L + L_SPELLED] + c] else -1
    if to <= 0 or A[known(A, to) + Q_SEARCH] == search:
        return n
    A[known(A, to) + Q_SEARCH] = search
    standing = ageless(A, to)
    if A[STATUS] != 0 or (standing != to and A[known(A, standing) + Q_SEARCH] == search):
        return n
    A[known(A, standing) + Q_SEARCH] = search
    found[n] = standing
    return n + 1


@kernel("i8(A, i8, i8, A)")
def completions(A, q, mode, found):
    """The states, ageless, without repetitions, that a character can lead to (``mode``: one that has begun); how many.

    Parameters
    ----------
    found : (n_classes,) int32, out
    """
    L, n = field(A, q, 1), 0
    A[L + L_SEARCH] += 1
    for c in range(int(A[L + L_CLASSES]) if mode == 0 else 0):
        n = _add_completion(A, q, c, found, n)
        if A[STATUS] != 0:
            return 0
    first, last = mode_range(mode, 0) if mode != 0 else (0, -1)
    lo, intervals = interval_of(A, L, first), int(A[L + L_INTERVALS])
    while lo < intervals and A[A[L + DFA_STARTS] + lo] <= last:
        n = _add_completion(A, q, int(A[A[L + DFA_CLS] + lo]), found, n)
        if A[STATUS] != 0:
            return 0
        lo += 1
    return n


@kernel("i8(A, i8, A)")
def endings(A, q, found):
    """The tokens that may end in a state, as pairs (tag, carry behind it) in ``found``; how many."""
    n, cell = 0, field(A, q, F_LIST)
    if field(A, q, F_ACCEPT) != NONE:
        found[0], found[1], n = field(A, q, F_ACCEPT), carry_on(A, q), 1
    while cell != 0 and 2 * n + 2 <= len(found):
        if A[A[POS] + cell * POS_STRIDE] == K_MATCH and field(A, cell, 4) == 0:
            found[2 * n], found[2 * n + 1] = field(A, cell, 1), field(A, cell, 5)
            n += 1
        cell = field(A, cell, 3)
    return n
