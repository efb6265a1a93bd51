"""Pairs of the lexer that wait for others: what was noted for them is kept, and they go on where they waited.

As in :mod:`.waiting`, what is kept is a stack. On it lie the frames of the pair that is being built that lack a pair,
as soon as that is known, each with as much of its path as shadows may need; when all else has been read, what was
noted (:mod:`.lexed_notes`); and a trailer, which says how much of what. A pair that finds no room starts again.
"""

from __future__ import annotations

from .arena import AHEAD, COWALK, ENDED, KEPT, LEFT, WANTED
from .jit import kernel
from .lexed_notes import AT_ROWS, COUNTERS, FRAME, MAX_PATH, MISSING, N_GROUPS, N_ROWS
from .lexer import NONE
from .waiting import ask_first

# place of the trailer before, suffix set, place, whether shadows are left out, words of frames, of what was noted
T_BEFORE, T_SET, T_PLACE, T_SHADOW, T_FRAMES, T_NOTED, TRAILER = 0, 1, 2, 3, 4, 5, 9


@kernel("void(A, i8, i8, i8)")
def copy_words(A, source, to, n):
    """Copy ``n`` words to the front, or to where they are not."""
    for j in range(n):
        A[to + j] = A[source + j]


@kernel("void(A, i8)")
def wait(A, frame):
    """Ask for the pair of a frame's set and place (in the word of its lexer state); the frame waits for it."""
    depth, used = int(A[frame + 6]), int(A[KEPT + 2])
    n = min(int(A[frame + 5]), depth) if A[frame + 3] != NONE else 0
    ask_first(A, WANTED, int(A[frame]), int(A[frame + 1]))
    if A[WANTED + MISSING] < 0 or used + FRAME + n > A[KEPT + 1]:
        A[WANTED + MISSING] = -1
        return
    at = int(A[KEPT]) + used
    copy_words(A, frame, at, FRAME)
    copy_words(A, int(A[AHEAD]) + int(A[AHEAD + 1]) - MAX_PATH + depth - n, at + FRAME, n)
    A[at + 7], A[KEPT + 2], A[WANTED + MISSING] = n, used + FRAME + n, 1


@kernel("i8(A, i8, i8)")
def waiting_frame(A, at, frame):
    """Put back a frame kept at ``at``, and the end of its path: where the next one is."""
    copy_words(A, at, frame, FRAME)
    n, path = int(A[frame + 7]), int(A[AHEAD]) + int(A[AHEAD + 1]) - MAX_PATH
    copy_words(A, at + FRAME, path + int(A[frame + 6]) - n, n)
    return at + FRAME + n


@kernel("UniTuple(i8, 4)(A)")
def noted_at(A):
    """Where the parts of what is noted begin."""
    return int(A[COWALK]), int(A[COWALK]) + AT_ROWS, int(A[ENDED]), int(A[LEFT])


@kernel("UniTuple(i8, 4)(A)")
def noted_sizes(A):
    """The words of what is noted: groups, rows, tokens, what remains."""
    base = int(A[COWALK])
    groups, rows = COUNTERS + 4 * int(A[base + N_GROUPS]), 2 * int(A[base + N_ROWS])
    return groups, rows, 2 * int(A[ENDED + 2]), 4 * int(A[LEFT + 2])


@kernel("void(A, i8, i8, i8, i8)")
def keep_waiting(A, x, place, in_shadow, start):
    """Keep what was noted for a pair, whose frames wait from ``start`` on, if there is room."""
    sizes, places, used = noted_sizes(A), noted_at(A), int(A[KEPT + 2])
    total = sizes[0] + sizes[1] + sizes[2] + sizes[3] + TRAILER
    if A[WANTED + MISSING] < 0 or used + total > A[KEPT + 1]:
        A[KEPT + 2] = start
        return
    at, trailer = int(A[KEPT]) + used, int(A[KEPT]) + used + total - TRAILER
    for k in range(4):
        copy_words(A, places[k], at, sizes[k])
        A[trailer + T_NOTED + k] = sizes[k]
        at += sizes[k]
    A[trailer + T_BEFORE], A[trailer + T_SET], A[trailer + T_PLACE] = A[KEPT + 3], x, place
    A[trailer + T_SHADOW], A[trailer + T_FRAMES] = in_shadow, used - start
    A[KEPT + 2], A[KEPT + 3] = used + total, trailer


@kernel("UniTuple(i8, 3)(A, i8, i8)")
def resume(A, x, place):
    """Put back what was noted for the pair that waited last: whether shadows are left out, its frames and their end.

    -1 instead, if it is not (x, place). The frames may be kept again while they are read.
    """
    trailer = int(A[KEPT + 3])
    if trailer == 0 or A[trailer + T_SET] != x or A[trailer + T_PLACE] != place:
        return -1, 0, 0
    at, places = trailer, noted_at(A)
    for k in range(3, -1, -1):
        size = int(A[trailer + T_NOTED + k])
        at -= size
        copy_words(A, at, places[k], size)
    A[ENDED + 2], A[LEFT + 2] = A[trailer + T_NOTED + 2] // 2, A[trailer + T_NOTED + 3] // 4
    first = at - int(A[trailer + T_FRAMES])
    A[KEPT + 2], A[KEPT + 3], A[WANTED + MISSING] = first - int(A[KEPT]), A[trailer + T_BEFORE], 0
    return int(A[trailer + T_SHADOW]), first, at
