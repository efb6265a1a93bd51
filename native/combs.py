"""Sparse tables as *combs*: rows that are moved against each other until no two entries meet.

The entry of row r in column c, if there is one, stands at ``place[r] + c``, beside its column: a lookup compares that,
so no two rows may stand at the same place. (R. E. Tarjan and A. C. Yao, "Storing a Sparse Table", 1979.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .arena import mix
from .jit import kernel, prepare
from .minimise import group

prepare("Lark grammars")

I32 = NDArray[np.int32]
PATIENCE = 16  # places that a row tries before it gives up those below for good (64: thrice the time, 3 % less room)


@kernel("Tuple((i8, A))(A, A, A, i8)", nogil=True, allocates=True)
def pack(first: I32, column: I32, order: I32, n_columns: int) -> tuple[int, I32]:
    """Find places for the rows.

    Parameters
    ----------
    first, column : int32
        Row r has entries in ``column[first[r]:first[r + 1]]``.
    order : (n_rows,) int32
        In which order the rows get their places: those with many entries first leave the fewest holes.
    n_columns : int

    Returns
    -------
    size : int
        Every place and column lead below it.
    place : (n_rows,) int32

    Notes
    -----
    Each row fails at `PATIENCE` places, and each place is given up once: so time is linear in the entries, as is room
    but for what is given up.
    """
    n_rows = len(first) - 1
    room = len(column) + n_rows + n_columns
    taken, is_place = np.zeros(room, np.uint8), np.zeros(room, np.uint8)
    place = np.zeros(n_rows, np.int32)
    lowest = last = 0
    for r in order:
        begin, end = first[r], first[r + 1]
        at, n_failed = lowest, 0
        while True:
            if at + n_columns > len(taken):
                more = np.zeros(len(taken) + n_columns, np.uint8)
                taken, is_place = np.concatenate((taken, more)), np.concatenate((is_place, more))
            fits = is_place[at] == 0
            k = begin
            while fits and k < end:
                fits = taken[at + column[k]] == 0
                k += 1
            if fits:
                break
            at += 1
            n_failed += 1
            if n_failed > PATIENCE:
                lowest += 1
        place[r] = at
        is_place[at] = 1
        last = max(last, at)
        for k in range(begin, end):
            taken[at + column[k]] = 1
    return last + n_columns, place


@kernel("Tuple((A, A))(int32[:,::1])", nogil=True, allocates=True)
def distinct(table: I32) -> tuple[I32, I32]:
    """The different rows of a table.

    Returns
    -------
    number : (n_rows,) int32
        The number of each row among them.
    kept : int32
        One row of each number, in rising order.
    """
    n_rows, n_columns = table.shape
    n_slots, n_kept = 1, 0
    while n_slots < 2 * n_rows:
        n_slots *= 2
    slots, number, kept = np.full(n_slots, -1, np.int32), np.empty(n_rows, np.int32), np.empty(n_rows, np.int32)
    for r in range(n_rows):
        hashed = 0
        for c in range(n_columns):
            hashed = mix(hashed, int(table[r, c]))
        slot = hashed & (n_slots - 1)
        while slots[slot] >= 0:
            other, c = kept[slots[slot]], 0
            while c < n_columns and table[r, c] == table[other, c]:
                c += 1
            if c == n_columns:
                break
            slot = (slot + 1) & (n_slots - 1)
        if slots[slot] < 0:
            slots[slot], kept[n_kept] = n_kept, r
            n_kept += 1
        number[r] = slots[slot]
    return number, kept[:n_kept].copy()


@kernel("Tuple((A, A))(int32[:,::1], i8)", nogil=True, allocates=True)
def comb(table: I32, absent: int) -> tuple[I32, I32]:
    """A sparse table as a comb, equal rows once.

    Parameters
    ----------
    table : (n_rows, n_columns) int32
    absent : int
        What stands where there is no entry.

    Returns
    -------
    entries : int32
        At twice a place the column, and behind it the value; -1 where there is none.
    place : (n_rows,) int32
    """
    n_columns = table.shape[1]
    number, kept = distinct(table)
    first, n_absent, n = np.zeros(len(kept) + 1, np.int32), np.zeros(len(kept), np.int32), 0
    for i in range(len(kept)):
        for c in range(n_columns):
            n_absent[i] += table[kept[i], c] == absent
        n += n_columns - n_absent[i]
        first[i + 1] = n
    column = np.empty(n, np.int32)
    n = 0
    for r in kept:
        for c in range(n_columns):
            if table[r, c] != absent:
                column[n] = c
                n += 1
    size, place = pack(first, column, group(n_absent, n_columns + 1)[0], n_columns)
    entries = np.full(2 * size, -1, np.int32)
    for i in range(len(kept)):
        for c in column[first[i] : first[i + 1]]:
            at = 2 * (place[i] + c)
            entries[at], entries[at + 1] = c, table[kept[i], c]
    return entries, place[number]
