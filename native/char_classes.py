"""Characters in classes: those that no set of a family tells apart are one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .jit import kernel

I32 = NDArray[np.int32]

END = 0x110000


@kernel("int32[::1](int32[::1])", nogil=True, allocates=True)
def _starts(points: I32) -> I32:
    """The first code points of the intervals between boundaries, in ascending order, 0 among them."""
    ordered, starts, n = np.sort(points), np.zeros(len(points) + 1, np.int32), 1
    for point in ordered:
        if starts[n - 1] < point < END:
            starts[n] = point
            n += 1
    found: I32 = starts[:n].copy()
    return found


@kernel("Tuple((int32[::1], int32[::1], uint8[:,::1]))(int32[::1], int32[::1])", nogil=True, allocates=True)
def classes(points: I32, past: I32) -> tuple[I32, I32, NDArray[np.uint8]]:
    """Divide all code points into the classes that some sets can tell apart.

    Parameters
    ----------
    points : (n_points,) int32
        The boundaries of one set after another, each of which toggles membership (:mod:`detent.grammar.charset`).
    past : (n_sets,) int32
        Where those of each set end.

    Returns
    -------
    starts : (n_intervals,) int32
        First code points of consecutive intervals from 0 to 0x10FFFF.
    cls : (n_intervals,) int32
        Class of each interval; classes are numbered in the order of their first characters.
    member : (n_sets, n_classes) uint8
        Whether a set holds a class.

    Notes
    -----
    Each set parts the classes that it holds only some intervals of. O(n_points log n_points), and the intervals that
    each set holds.
    """
    starts = _starts(points)
    n_intervals = len(starts)
    edge = np.searchsorted(starts, points).astype(np.int32)
    cls, size, n_classes = np.zeros(n_intervals, np.int32), np.zeros(n_intervals, np.int32), 1
    held, own = np.zeros(n_intervals, np.int32), np.empty(n_intervals, np.int32)
    size[0], first = n_intervals, 0
    for s in range(len(past)):
        for at in range(first, past[s], 2):
            for i in range(edge[at], edge[at + 1]):
                held[cls[i]] += 1
        for at in range(first, past[s], 2):
            for i in range(edge[at], edge[at + 1]):
                c = cls[i]
                if held[c] > 0:  # the first interval of it; held is then how many are still to come, less than none
                    own[c] = c
                    if held[c] < size[c]:
                        own[c], size[n_classes], size[c] = n_classes, held[c], size[c] - held[c]
                        n_classes += 1
                    held[c] = -held[c]
                held[c] += 1
                cls[i] = own[c]
        first = past[s]
    number, n_classes = own, 0
    number[:] = -1
    for i in range(n_intervals):
        if number[cls[i]] < 0:
            number[cls[i]] = n_classes
            n_classes += 1
        cls[i] = number[cls[i]]
    member, first = np.zeros((len(past), n_classes), np.uint8), 0
    for s in range(len(past)):
        for at in range(first, past[s], 2):
            for i in range(edge[at], edge[at + 1]):
                member[s, cls[i]] = 1
        first = past[s]
    return starts, cls, member
