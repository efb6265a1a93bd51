"""Boards: the ids of a canvas, its witness and the path of that; and windows of it as slots of a chart.

::

    board = header | ids | witness | open | taken | path of each boundary | frames
    words = number of tokens | first letter of each token, and of no more | letters

Ids are tokens, ``MASK``, or negative numbers that spell nothing. Where ``open`` is set, masks in front may take fewer
tokens. ``taken`` says how the masks that begin there are read: ``EXACTLY``, as many tokens of one byte (``BYTE_EACH``),
or, if they are many, as any bytes whatever (0). A row of the path is the first state there and its frame, and the last
ones: a boundary is passed by going into calls and out of them. A frame is three numbers: the one around it, the state
behind it, its depth.
"""

from __future__ import annotations

import numpy as np

from .infill_chart import ANY_BYTES, LENGTH, MAY_END, OFFSET, ONE_BYTE, SKIP_COST, SKIP_TO, SLOT_WORDS, TOKEN_TO
from .jit import kernel

MASK, BLANK = -1, -2  # no token yet, no token; smaller numbers are ends of the text
NOTHING = np.iinfo(np.int32).min  # where a witness is not known
EXACTLY, BYTE_EACH = 1, 2

SIZE, N_FRAMES, FRAME_CAPACITY, IDS, WITNESS, OPEN, TAKEN, PATH, FRAMES, FIRST, LAST = range(11)
BOARD_HEADER = 11
PATH_WORDS, FRAME_WORDS = 4, 3


def board(length: int) -> np.ndarray:
    """An empty board: all masks, a path without frames but the one of the whole text.

    Parameters
    ----------
    length : int
        Number of positions.

    Returns
    -------
    (words,) int32
    """
    n_frames = 64 + 16 * length
    sizes = [length, length, length + 1, length + 1, PATH_WORDS * (length + 1), FRAME_WORDS * n_frames]
    B = np.zeros(BOARD_HEADER + sum(sizes), np.int32)
    B[IDS : IDS + len(sizes)] = BOARD_HEADER + np.cumsum([0, *sizes[:-1]])
    B[SIZE], B[FRAME_CAPACITY], B[N_FRAMES] = length, n_frames, 1
    B[B[IDS] : B[WITNESS]] = MASK
    B[B[WITNESS] : B[OPEN]] = NOTHING
    B[B[FRAMES]] = -1
    return B


@kernel("void(A, i8, i8, i8, i8)")
def extend(B, low, high, n_runs, n_fixed):
    """The window around positions `low` to `high` - 1: so many runs of masks on each side, each behind at most
    `n_fixed` tokens."""
    ids, size = int(B[IDS]), int(B[SIZE])
    while low > 0 and B[ids + low - 1] == MASK:
        low -= 1
    while high < size and B[ids + high] == MASK:
        high += 1
    for run in range(n_runs + 1):
        if low == 0 and high == size:
            break
        stop = max(0, low - n_fixed)
        while low > stop and B[ids + low - 1] != MASK:
            low -= 1
        while run < n_runs and low > 0 and B[ids + low - 1] == MASK:
            low -= 1
        stop = min(size, high + n_fixed)
        while high < stop and B[ids + high] != MASK:
            high += 1
        while run < n_runs and high < size and B[ids + high] == MASK:
            high += 1
    while high < size and B[ids + high] < BLANK:
        high += 1
    B[FIRST], B[LAST] = low, high


@kernel("i8(A, A, A, i8, i8, i8, i8)")
def lay_out(W, B, S, row, first, last, n_exact):
    """Slots of a window: of the ids (`row` = ``B[IDS]``) or the witness; whether some masks are taken as any bytes, as
    more than `n_exact` side by side are unless ``taken`` says otherwise."""
    is_free = 0
    at = first
    while at < last:
        token = int(B[row + at])
        s = (at - first) * SLOT_WORDS
        if token != MASK:
            begin = int(W[1 + token]) if token >= 0 else 0
            length = int(W[2 + token]) - begin if token >= 0 else 0
            S[s + OFFSET], S[s + LENGTH], S[s + TOKEN_TO] = begin, length, -1
            S[s + SKIP_TO], S[s + SKIP_COST], S[s + MAY_END] = -1 if length else at + 1 - first, 0, 0
            at += 1
            continue
        stop = at
        while stop < last and B[row + stop] == MASK:
            stop += 1
        is_open = B[B[OPEN] + stop] > 0
        if stop < B[SIZE] and B[row + stop] < BLANK:
            is_open = True
        how = int(B[B[TAKEN] + at])
        any_bytes = how == 0 and stop - at > n_exact
        for k in range(at, stop):
            s = (k - first) * SLOT_WORDS
            S[s + OFFSET], S[s + LENGTH], S[s + SKIP_COST], S[s + MAY_END] = 0, 0, 0, 0
            S[s + TOKEN_TO], S[s + SKIP_TO] = k + 1 - first, stop - first if is_open else -1
            if how == BYTE_EACH:
                S[s + TOKEN_TO], S[s + LENGTH] = -1, ONE_BYTE
            if any_bytes:
                S[s + TOKEN_TO], S[s + SKIP_TO] = -1, stop - first
        if any_bytes:
            is_free = 1
            S[(at - first) * SLOT_WORDS + LENGTH] = ANY_BYTES
        at = stop
    s = (last - first) * SLOT_WORDS
    S[s + OFFSET], S[s + LENGTH], S[s + TOKEN_TO], S[s + SKIP_TO], S[s + SKIP_COST] = 0, 0, -1, -1, 0
    S[s + MAY_END] = 1 if last == B[SIZE] else 0
    return is_free
