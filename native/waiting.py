"""Pairs that wait for others: what was collected for them is kept, and they go on where they waited.

Pairs are built from a stack: one that lacks others asks for them, and is on top again when they are there. So what is
kept is a stack, too. A frame is the place of the frame before, suffix set and position of the pair, and what is noted
in some regions of scratch: of each, how much and what. A frame that finds no room is not kept, nor those of an arena
with rules, where exits are united in an order of their own: such pairs start again.
"""

from __future__ import annotations

from .arena import AGAIN, EXITED, EXITS, FAR, IDS, KEPT, RULES, SUSPECTS, USED_LISTS, USED_ROWS, WORK
from .jit import kernel

REGIONS = (USED_ROWS, USED_LISTS, IDS, EXITS, SUSPECTS, AGAIN)
FRAME = 4  # place of the frame before, suffix set, position, exits taken


@kernel("void(A, i8, i8, i8)")
def ask_first(A, stack, x, place):
    """Put a pair that is missing on top of the region ``stack`` of those to build: it comes before all others.

    If it was to be built anyway, for another, it moves up. O(64).
    """
    base = int(A[stack])
    if A[stack + 2] + 2 > A[stack + 1]:
        A[stack + 2] = 2  # keep the first one, which asks again for whatever it still misses
    used = int(A[stack + 2])
    for j in range(max(0, used - 128), used, 2):
        if A[base + j] == x and A[base + j + 1] == place:
            for k in range(j, used - 2):
                A[base + k] = A[base + k + 2]
            used -= 2
            break
    A[base + used], A[base + used + 1] = x, place
    A[stack + 2] = used + 2


@kernel("b1(A)")
def can_wait(A):
    """Whether pairs can wait where they are."""
    return A[RULES] == 0


@kernel("void(A, i8, i8)")
def read_again(A, x, state):
    """Suffix set ``x`` is to be read from ``state`` when what that lacks is there."""
    used = int(A[AGAIN + 2])
    if used + 2 <= A[AGAIN + 1]:
        A[A[AGAIN] + used], A[A[AGAIN] + used + 1] = x, state
    A[AGAIN + 2] = used + 2  # more than there is room for: see `keep`


@kernel("void(A, i8, i8)")
def keep(A, x, pos):
    """Keep what was collected for the pair (x, pos), if there is room."""
    size = FRAME
    for region in REGIONS:
        size += 1 + int(A[region + 2])
    before, used = int(A[KEPT + 3]), int(A[KEPT + 2])
    if used + size > A[KEPT + 1] or A[AGAIN + 2] > A[AGAIN + 1]:
        return
    at = int(A[KEPT]) + used
    A[KEPT + 2], A[KEPT + 3] = used + size, at
    A[at], A[at + 1], A[at + 2], A[at + 3] = before, x, pos, A[EXITED]
    at += FRAME
    for region in REGIONS:
        base, n = int(A[region]), int(A[region + 2])
        A[at] = n
        for j in range(n):
            A[at + 1 + j] = A[base + j]
        at += 1 + n


@kernel("b1(A, i8, i8)")
def resume(A, x, pos):
    """Go on with the pair (x, pos), which waited last: what it waited with is still to be read. False if it did not."""
    at = int(A[KEPT + 3])
    if at == 0 or A[at + 1] != x or A[at + 2] != pos:
        return False
    A[KEPT + 2], A[KEPT + 3], A[EXITED], A[FAR] = at - int(A[KEPT]), A[at], A[at + 3], -1
    at += FRAME
    for region in REGIONS:
        base, n = int(A[region]), int(A[at])
        for j in range(n):
            A[base + j] = A[at + 1 + j]
        A[region + 2] = n
        at += 1 + n
    n = int(A[AGAIN + 2])
    for j in range(n):
        A[A[WORK] + j] = A[A[AGAIN] + j]
    A[WORK + 2], A[AGAIN + 2] = n, 0
    return True


@kernel("void(A)")
def forget(A):
    """Nothing waits any more."""
    A[KEPT + 2], A[KEPT + 3] = 0, 0
