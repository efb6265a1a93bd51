"""Whether stacks meet what is needed above them (:mod:`.needs`), and answers to questions of a mask.

A stack is read from the top: what is needed of it becomes what is needed below its top, as far as that is known. Of
each pair of a stack and a list of needs it is noted whether it meets them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .arena import STATUS
from .jit import kernel, prepare
from .lexed_steps import WHATEVER_BELOW
from .lexer import field, known, recorded
from .needs import (
    AFTER,
    ASKED,
    BETWEEN,
    FACTS,
    FULL,
    HEAD,
    IS_ALIVE,
    KEY,
    LAST,
    LISTED,
    MET,
    N_ENTRIES,
    N_FACTS,
    N_STEPS,
    NEED,
    NEEDS,
    NEXT,
    NOWHERE,
    PLACE,
    ROOM_FOR_LETTER,
    ROW,
    SYSTEM,
    TABLE,
    TAIL,
    VALUE,
    System,
    Table,
    find,
    find_set,
    solve,
)
from .positions import K_LIVES
from .stacks import top

prepare("Lark grammars")

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
YES, UNKNOWN, NO = 1, 0, -2  # beside FULL
NO_ROOM = -3
A_LOOK = 64  # steps to what follows for a stack from what is known
FIRST_STEPS, MOST_STEPS = 256, 1 << 13  # of a search before a look at what it has found: twice as many each time


@kernel("i8(" + TABLE + ", i8)")
def _list_needs(table: Table, node: int) -> int:
    """The list of what a node is known to need, which is the same for all nodes that need the same; 0: nothing."""
    entries, letters = table[0], table[1]
    if entries[node, LISTED] < 0:
        listed, last = np.int64(0), np.int64(len(entries))
        for _ in range(entries[node, N_FACTS]):  # from the greatest number on, so that there is one list
            need, row, fact = np.int64(0), np.int64(0), np.int64(entries[node, FACTS])
            while fact > 0:
                number = find(table, NEED, entries[fact, KEY + 1], entries[fact, KEY + 2], 0)
                if need < number < last:
                    need, row = np.int64(number), np.int64(entries[fact, ROW])
                fact = np.int64(entries[fact, NEXT])
            listed = np.int64(find(table, NEEDS, need, find_set(table, letters[row]), listed))
            last = need
        entries[node, LISTED] = listed
    return int(np.int64(entries[node, LISTED]))


@kernel("i8(" + TABLE + "," + SYSTEM + ", i8, i8)")
def _below_top(table: Table, system: System, node: int, state: int) -> int:
    """The node of what is needed of the rest of a stack so that its top meets what a node is known to need, or FULL."""
    entries, counts, n_letters = table[0], table[4], len(system[5])
    if counts[N_ENTRIES] + 3 * entries[node, N_FACTS] + ROOM_FOR_LETTER * n_letters > len(entries):
        return FULL
    below = np.int64(find(table, ASKED, state, _list_needs(table, node), 0))
    if entries[below, AFTER] != NOWHERE and solve(table, system, counts[N_STEPS] + A_LOOK) == FULL:
        return FULL
    return int(below)


@kernel("i8(" + TABLE + "," + SYSTEM + ", A, i8, i8, i8)")
def meets(table: Table, system: System, A: I32, node: int, cell: int, above: int) -> int:
    """Whether a stack meets what a node needs.

    Parameters
    ----------
    table, system
        See :func:`.needs.solve`.
    cell, above : int
        The stack, and the state above it.

    Returns
    -------
    int
        ``YES``, ``NO``, ``UNKNOWN``: not known as far as the system is solved, or ``FULL``: there was no room.
    """
    entries, counts = table[0], table[4]
    found, last, state = UNKNOWN, np.int64(0), np.int64(above)
    is_solved = counts[HEAD] == 0  # at every step: else more may be needed than what was listed
    while state != 0 and not entries[node, IS_ALIVE] and entries[node, N_FACTS]:
        if counts[N_ENTRIES] + 3 * entries[node, N_FACTS] + 1 > len(entries):
            return FULL
        met = np.int64(find(table, MET, cell, _list_needs(table, node), 0))
        found = np.int64(entries[met, VALUE])
        if found != UNKNOWN:
            break
        entries[met, NEXT], last = last, met
        state, cell = top(A, cell)
        node = _below_top(table, system, node, state)
        if node == FULL:
            return FULL
        is_solved &= counts[HEAD] == 0
    if found != YES:
        found = YES if entries[node, IS_ALIVE] else NO if is_solved else UNKNOWN
    while last > 0 and found != UNKNOWN:
        entries[last, VALUE] = found
        last = np.int64(entries[last, NEXT])
    return int(found)


@kernel("i8(" + TABLE + ", A, A, int32[:,::1])")
def new_places(table: Table, A: I32, memos: I32, found: I32) -> int:
    """List the places of questions (``K_LIVES``) that are new: how many there are.

    Parameters
    ----------
    found : (n_memos, 3) int32, out
        Their entries, whose value is to be set to the block and 1, lexer states and contexts. There is room for as many
        entries.
    """
    n = 0
    for k in range(len(memos)):
        memo, before = np.int64(memos[k]), table[4][N_ENTRIES]
        place, context = field(A, memo, 1), field(A, memo, 3)
        e = find(table, PLACE, place, context, 0)
        if e >= before:
            found[n, 0], found[n, 1], found[n, 2] = e, place, context
            n += 1
    return n


@kernel("UniTuple(i8, 2)(" + TABLE + "," + SYSTEM + ", A, A, i8)")
def answer(table: Table, system: System, A: I32, memos: I32, first: int) -> tuple[int, int]:
    """Answer questions, of which no place is new, from the first of some on: note whether a text can be finished.

    Returns
    -------
    k, reason : int
        The first question that is not answered, and why: ``UNKNOWN``: the search takes long, ``FULL``: there is no
        room in the table, ``NO_ROOM``: in the arena.
        ``YES`` behind the last one.
    """
    entries, counts = table[0], table[4]
    for k in range(first, len(memos)):
        memo = np.int64(memos[k])
        place, cell, around = field(A, memo, 1), field(A, memo, 2), field(A, memo, 3)
        state, below = top(A, cell)
        whatever = recorded(A, K_LIVES, place, WHATEVER_BELOW, around, state, 0, 0, 0)
        if A[STATUS] != 0:
            return k, NO_ROOM
        if A[known(A, memo)] != 0 or A[known(A, whatever)] != 0:
            continue
        if counts[N_ENTRIES] + 2 > len(entries):
            return k, FULL
        block = np.int64(entries[find(table, PLACE, place, around, 0), VALUE]) - 1
        tail, counts[TAIL] = counts[TAIL], 0
        node = find(table, BETWEEN, state, block, 0)
        found, n_steps = meets(table, system, A, node, below, state), FIRST_STEPS
        if counts[TAIL] == 0:  # no new node
            counts[TAIL] = tail if tail > 0 and entries[tail, AFTER] != NOWHERE else counts[LAST]
        while found == UNKNOWN and n_steps < MOST_STEPS:
            if solve(table, system, counts[N_STEPS] + n_steps) == FULL:
                return k, FULL
            found, n_steps = meets(table, system, A, node, below, state), 2 * n_steps
        if found in (UNKNOWN, FULL):
            return k, found
        A[known(A, memo)] = found
        if entries[node, IS_ALIVE] or not entries[node, N_FACTS] or state == 0:
            A[known(A, whatever)] = found
    return len(memos), YES
