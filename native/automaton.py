"""Automata over characters as records in the arena, with what follows from an automaton for each of its states.

What the caller says of an automaton is one array: ``SAID_*``, then the beginnings of its intervals, their classes, the
transitions by states, which states accept, the shortest and longest lengths to acceptance; if it is one over names, the
goal of each state and how many names it has; and the loop sets, if they are known.
"""

from __future__ import annotations

from .arena import DOT_LOOP, FREE_LOOP, HEAP, SCRATCH, take
from .jit import kernel
from .languages import (
    DFA_ABSORBS,
    DFA_ACCEPT,
    DFA_ASCII,
    DFA_CALLS,
    DFA_CLASSES,
    DFA_CLS,
    DFA_COUNTS,
    DFA_ENDS,
    DFA_GOALS,
    DFA_INTERVALS,
    DFA_LENIENT,
    DFA_LONGEST,
    DFA_LOOPS,
    DFA_RECORD,
    DFA_SHORTEST,
    DFA_SLACK,
    DFA_STARTS,
    DFA_STATES,
    DFA_TEXT,
    DFA_TRANS,
    DFA_VERDICTS,
    DFA_WORDS,
    DOT,
    LOOP_RECORD,
    TOTAL,
    all_lead_to,
)
from .sets import add_member, kept_set
from .strings import LAST

SAID_STATES, SAID_CLASSES, SAID_INTERVALS, SAID_GOALS, SAID_LOOPS = 0, 1, 2, 3, 4  # the last two: how many follow
SAID_VERDICTS, SAID_CALLS, SAID_COUNTS, SAID_TEXT, SAID_RECORD = 5, 6, 7, 8, 9  # addresses, as in the record

# of a class: it has characters; it has some that a dot matches. Of a state: all texts of such characters are beginnings
# of accepted ones
REAL, DOTS = 1, 2


@kernel("void(A, i8)")
def _spread_ascii(A, dfa):
    """The class of each ASCII character."""
    starts, k = int(A[dfa + DFA_STARTS]), 0
    for b in range(128):
        while k + 1 < A[dfa + DFA_INTERVALS] and A[starts + k + 1] <= b:
            k += 1
        A[A[dfa + DFA_ASCII] + b] = A[A[dfa + DFA_CLS] + k]


@kernel("void(A, i8, i8)")
def _mark_classes(A, dfa, marks):
    """``REAL`` and ``DOTS`` of each class, at ``marks``: an interval of surrogates alone has no characters."""
    starts, n = int(A[dfa + DFA_STARTS]), int(A[dfa + DFA_INTERVALS])
    for c in range(A[dfa + DFA_CLASSES]):
        A[marks + c] = 0
    for k in range(n):
        first = int(A[starts + k])
        last = int(A[starts + k + 1]) - 1 if k + 1 < n else LAST
        if first >= 0xD800 and last <= 0xDFFF:
            continue
        is_newline = first == last and (first == 10 or first == 13)
        is_left = is_newline or (first >= 0x2028 and last <= 0x2029)
        A[marks + A[A[dfa + DFA_CLS] + k]] |= REAL if is_left else REAL | DOTS


@kernel("void(A, i8, i8)")
def _find_absorbing(A, dfa, marks):
    """Which states every character leads back to."""
    n_classes = int(A[dfa + DFA_CLASSES])
    for q in range(A[dfa + DFA_STATES]):
        row, stays = int(A[dfa + DFA_TRANS]) + q * n_classes, 1
        for c in range(n_classes):
            if A[marks + c] and A[row + c] != q:
                stays = 0
                break
        A[A[dfa + DFA_ABSORBS] + q] = stays


@kernel("void(A, i8)")
def _find_lenient(A, dfa):
    """In which states a text may end, and wherever it goes from there. O(transitions), a few times."""
    n, n_classes = int(A[dfa + DFA_STATES]), int(A[dfa + DFA_CLASSES])
    lenient, is_done = int(A[dfa + DFA_LENIENT]), False
    for q in range(n):
        A[lenient + q] = int(A[A[dfa + DFA_ACCEPT] + q] != 0)
    while not is_done:
        is_done = True
        for q in range(n - 1, -1, -1):  # most transitions lead to later states
            row, c = int(A[dfa + DFA_TRANS]) + q * n_classes, 0
            while A[lenient + q] and c < n_classes:
                if A[row + c] >= 0 and not A[lenient + A[row + c]]:
                    A[lenient + q], is_done = 0, False
                c += 1


@kernel("void(A, i8, i8)")
def _close(A, dfa, marks):
    """What each state keeps of ``REAL`` and ``DOTS``, where its loop set will be.

    The last states are asked first, since most transitions lead to later ones.
    """
    n, n_classes, closed = int(A[dfa + DFA_STATES]), int(A[dfa + DFA_CLASSES]), int(A[dfa + DFA_LOOPS])
    for q in range(n):
        A[closed + q] = REAL | DOTS
    is_done = False
    while not is_done:
        is_done = True
        for q in range(n - 1, -1, -1):
            row, kept = int(A[dfa + DFA_TRANS]) + q * n_classes, int(A[closed + q])
            for c in range(n_classes):
                if kept == 0:
                    break
                to = int(A[row + c])
                kept &= ~int(A[marks + c]) | (int(A[closed + to]) if to >= 0 else 0)
            if kept != A[closed + q]:
                A[closed + q] = kept
                is_done = False


@kernel("i8(A, i8, i8)")
def _loop_of(A, dfa, q):
    """Address of the loop set of a state; -1: no room."""
    for k in range(LOOP_RECORD):
        A[SCRATCH + k] = 0
    found = 0
    for b in range(32, 0xF5):
        if b == 34 or b == 92 or (b >= 128 and b < 0xC2):
            continue
        if all_lead_to(A, dfa, q, b, q):
            add_member(A, SCRATCH, b)
            found += 1
    return kept_set(A, SCRATCH, LOOP_RECORD) if found else 0


@kernel("b1(A, i8, i8)")
def _find_loops(A, dfa, marks):
    """The loop set of each state (0: none); False: no room."""
    n_classes, loops = int(A[dfa + DFA_CLASSES]), int(A[dfa + DFA_LOOPS])
    _close(A, dfa, marks)
    for q in range(A[dfa + DFA_STATES]):
        row, loop, closed = int(A[dfa + DFA_TRANS]) + q * n_classes, 0, int(A[loops + q])
        for c in range(n_classes):
            if A[row + c] == q:  # in large automata few states have such a class
                loop = _loop_of(A, dfa, q)
                break
        if loop < 0:
            return False
        if closed & REAL and loop != A[FREE_LOOP]:
            loop = TOTAL
        elif closed & DOTS and loop != A[FREE_LOOP] and loop != A[DOT_LOOP]:
            loop = DOT
        A[loops + q] = loop
    return True


@kernel("i8(A, A)")
def put_automaton(A, said):
    """Write the record of an automaton and return its address; -1: no room.

    The loop sets, where they are not given, are those of the inside of a string: the first bytes all of whose
    characters, as they stand there, lead a state back to itself. O(states * (classes + intervals)), more where it takes
    long until a text leaves the states that read every character.
    """
    n, n_goals, n_loops = int(said[SAID_STATES]), int(said[SAID_GOALS]), int(said[SAID_LOOPS])
    n_classes, n_intervals = int(said[SAID_CLASSES]), int(said[SAID_INTERVALS])
    n_words = len(said) - SAID_RECORD
    n_record = DFA_RECORD + n_words + 128 + 3 * n - n_loops
    at = take(A, HEAP, n_record + n_classes)
    if at < 0:
        return -1
    marks = at + n_record
    A[HEAP + 2] -= n_classes  # they are used here only
    A[at + DFA_STATES], A[at + DFA_CLASSES], A[at + DFA_INTERVALS] = n, n_classes, n_intervals
    A[at + DFA_VERDICTS], A[at + DFA_CALLS] = said[SAID_VERDICTS], said[SAID_CALLS]
    A[at + DFA_COUNTS], A[at + DFA_TEXT] = said[SAID_COUNTS], said[SAID_TEXT]
    to = at + DFA_RECORD
    for k in range(n_words):
        A[to + k] = said[SAID_RECORD + k]
    A[at + DFA_STARTS], A[at + DFA_CLS], A[at + DFA_TRANS] = to, to + n_intervals, to + 2 * n_intervals
    A[at + DFA_ACCEPT] = accept = to + 2 * n_intervals + n * n_classes
    A[at + DFA_SHORTEST], A[at + DFA_LONGEST], A[at + DFA_GOALS] = accept + n, accept + 2 * n, accept + 3 * n
    A[at + DFA_WORDS], A[at + DFA_LOOPS] = accept + 3 * n + n_goals, accept + 3 * n + 2 * n_goals
    A[at + DFA_ASCII] = accept + 4 * n + 2 * n_goals
    A[at + DFA_ABSORBS] = accept + 4 * n + 2 * n_goals + 128
    A[at + DFA_LENIENT] = A[at + DFA_ABSORBS] + n
    A[at + DFA_SLACK] = A[at + DFA_ENDS] = 0
    for q in range(n):
        A[at + DFA_SLACK] = max(A[at + DFA_SLACK], A[accept + n + q])
    for q in range(n_goals):
        if A[A[at + DFA_WORDS] + q] >= 0:
            A[at + DFA_ENDS] = 1
    _spread_ascii(A, at)
    _mark_classes(A, at, marks)
    _find_absorbing(A, at, marks)
    _find_lenient(A, at)
    return at if n_loops or _find_loops(A, at, marks) else -1
