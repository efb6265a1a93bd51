"""Kernels that measure the texts of finite automata: how long they are, and where a state does nothing but count.

Tables are those of :mod:`detent.native.minimise`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .jit import kernel
from .minimise import predecessors

I32 = NDArray[np.int32]


@kernel("Tuple((int32[::1], int32[::1]))(int32[:,::1], int32[::1])", nogil=True, allocates=True)
def lengths(trans: I32, accept: I32) -> tuple[I32, I32]:
    """Fewest and most further characters to acceptance from every state of a trimmed automaton.

    Returns
    -------
    shortest : (n_states,) int32
    longest : (n_states,) int32
        -1 where there is no bound. O(n_states * n_classes).
    """
    n, k = trans.shape
    sources, start = predecessors(trans)
    shortest, longest = np.full(n, -1, np.int32), np.full(n, -1, np.int32)
    queue, head, size = np.empty(n, np.int32), 0, 0
    for s in range(n):
        if accept[s] > 0:
            shortest[s], queue[size] = 0, s
            size += 1
    while head < size:
        target = queue[head]
        head += 1
        for i in range(start[target], start[target + 1]):
            s = sources[i]
            if shortest[s] < 0:
                shortest[s], queue[size] = shortest[target] + 1, s
                size += 1
    # A state is bounded once all of its successors are: take them away in that order.
    pending, head, size = np.zeros(n, np.int32), 0, 0
    for s in range(n):
        for c in range(k):
            pending[s] += trans[s, c] >= 0
        if pending[s] == 0:
            longest[s], queue[size] = 0, s
            size += 1
    reach = np.zeros(n, np.int32)
    while head < size:
        target = queue[head]
        head += 1
        for i in range(start[target], start[target + 1]):
            s = sources[i]
            reach[s] = max(reach[s], longest[target] + 1)
            pending[s] -= 1
            if pending[s] == 0:
                longest[s], queue[size] = reach[s], s
                size += 1
    return shortest, longest


@kernel("void(int32[:,::1], int64[::1], int32[::1], i8, int32[::1])", nogil=True)
def count_words(trans: I32, sizes: NDArray[np.int64], in_order: I32, most: int, counts: I32) -> None:
    """Count the continuations that states accept.

    Parameters
    ----------
    trans : (n_states, n_classes) int32
    sizes : (n_classes,) int64
        How many characters each class has.
    in_order : int32
        The states that can be counted, each behind those that it leads to.
    most : int
        Counts end there.
    counts : (n_states,) int32
        Of these states 1 for those that accept, else 0: becomes the counts. O(n_states * n_classes).
    """
    for s in in_order:
        found = int(counts[s])
        for c in range(trans.shape[1]):
            if trans[s, c] >= 0:
                found = min(most, found + sizes[c] * counts[trans[s, c]])
        counts[s] = found


@kernel("boolean(int32[:,::1], int32[::1], int32[::1], int32[::1])", nogil=True, allocates=True)
def gapfree(trans: I32, accept: I32, shortest: I32, longest: I32) -> bool:
    """Whether from every state all lengths between the shortest and the longest are possible.

    Notes
    -----
    The lengths of s are {0 if s accepts} and those of its successors plus 1. If these sets, taken as intervals, leave
    no gap anywhere, then by induction on the length every length of an interval is possible; a gap is one in fact.
    """
    n, k = trans.shape
    for s in range(n):
        # Lengths 0 .. reach - 1 below `shortest` do not matter; grow the covered interval until nothing joins it.
        reach = 0 if accept[s] > 0 else shortest[s] - 1
        grown = True
        while grown and reach >= 0:
            grown = False
            for c in range(k):
                t = trans[s, c]
                if t >= 0 and shortest[t] <= reach:
                    if longest[t] < 0:
                        reach, grown = -1, False
                        break
                    if longest[t] + 1 > reach:
                        reach, grown = longest[t] + 1, True
        if reach != longest[s]:
            return False
    return True


@kernel("int32[::1](int32[::1], boolean[::1])", nogil=True, allocates=True)
def _in_a_row(ahead: I32, holds: NDArray[np.bool_]) -> I32:
    """Of each state, how many in a row something holds of, going ahead until a state leads to itself. O(n_states)."""
    n = len(ahead)
    far = np.full(n, -1, np.int32)
    for first in range(n):
        state, steps = first, 0
        while far[state] < 0 and holds[state] and ahead[state] != state and steps < n:
            state, steps = ahead[state], steps + 1
        rest = max(far[state], np.int32(0))
        if steps == 0:
            far[state] = rest
        state = first
        for k in range(steps):
            far[state] = rest + steps - k
            state = ahead[state]
    return far


@kernel(
    "Tuple((int32[::1], int32[::1]))(int32[:,::1], int32[::1], int64[::1], int32[::1], int64)",
    nogil=True,
    allocates=True,
)
def counting(trans: I32, colour: I32, sizes: NDArray[np.int64], often: I32, least: int) -> tuple[I32, I32]:
    """Which states do nothing with some characters but to count.

    Parameters
    ----------
    trans : (n_states, n_classes) int32
    colour : (n_states,) int32
        What else tells states apart.
    sizes : (n_classes,) int64
        How many characters each class has.
    often : (n_often,) int32
        Classes to look for.
    least : int
        How many must count in a row, for some state, to be worth the work.

    Returns
    -------
    ahead : (n_states,) int32
        Where the largest set of characters with one of these classes leads; the state itself where none does.
    far : (n_states,) int32
        How many states in a row differ from the one ahead in nothing but that. O(n_states * n_classes * n_often).
    """
    n, k = trans.shape
    ahead, far, holds = np.arange(n).astype(np.int32), np.zeros(n, np.int32), np.zeros(n, np.bool_)
    live, to = np.zeros(n, np.int32), np.empty(n, np.int32)
    for s in range(n):
        for c in range(k):
            live[s] += trans[s, c] >= 0
    is_likely = False
    for c in often:
        for s in range(n):
            t = trans[s, c]
            holds[s], to[s] = t >= 0 and colour[s] == colour[t] and live[s] == live[t], t
        is_likely = is_likely or (_in_a_row(to, holds) >= least).any()
    if not is_likely:
        return ahead, far
    for s in range(n):
        most = 0
        for c in often:
            t, size = trans[s, c], 0
            if t >= 0:
                for d in range(k):
                    size += sizes[d] if trans[s, d] == t else 0
            if size > most:
                ahead[s], most = t, size
    for s in range(n):
        t = ahead[s]
        holds[s] = colour[s] == colour[t]
        for c in range(k):
            is_run = trans[s, c] == t
            if is_run != (trans[t, c] == ahead[t]) or not (is_run or trans[s, c] == trans[t, c]):
                holds[s] = False
                break
    return ahead, _in_a_row(ahead, holds)
