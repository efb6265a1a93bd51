"""Sparse tables as *combs*: rows that are moved against each other until no two entries meet.

The entry of row r in column c, if there is one, stands at ``place[r] + c``, beside its column: a lookup compares that,
so no two rows may stand at the same place. (R. E. Tarjan and A. C. Yao, "Storing a Sparse Table", 1979.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .jit import kernel, prepare

prepare("Lark grammars")

I32 = NDArray[np.int32]
PATIENCE = 64  # places that a row tries before it gives up those below for good


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
