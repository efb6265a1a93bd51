"""Kernels that bring a finite automaton into its smallest, canonical form.

A table is ``trans : (n_states, n_classes) int32``, the next state or -1 (dead); state 0 is the start. A *colour*
``(n_states,) int32`` tells what a state accepts: 0 nothing, a positive number one kind of acceptance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .jit import kernel

I32 = NDArray[np.int32]

# Rows of a refinable partition: the elements grouped by set, location and set of each element; of each set the first
# position, the position past its end and the number of marked elements; the sets that hold marked elements.
ELEMENT, LOCATION, SET, FIRST, PAST, MARKED, TOUCHED = range(7)
ROUNDS = 8  # looks at each state and transition before refinement by smaller halves begins


@kernel("int64(int64)", nogil=True)
def mix(value: int) -> int:
    """Scramble a number below 2**31 into 32 bits."""
    value = (value + 1) * 2654435761 & 0xFFFFFFFF
    value = (value ^ (value >> 15)) * 739982445 & 0xFFFFFFFF
    return value ^ (value >> 13)


@kernel("Tuple((int32[::1], int32[::1]))(int32[::1], int64)", nogil=True, allocates=True)
def group(key: I32, n_keys: int) -> tuple[I32, I32]:
    """Indices grouped by key: those of key v are ``order[start[v]:start[v + 1]]``, in rising order."""
    start = np.zeros(n_keys + 1, np.int32)
    for i in range(key.shape[0]):
        start[key[i] + 1] += 1
    for v in range(n_keys):
        start[v + 1] += start[v]
    order, fill = np.empty(key.shape[0], np.int32), start.copy()
    for i in range(key.shape[0]):
        order[fill[key[i]]] = i
        fill[key[i]] += 1
    return order, start


@kernel("Tuple((int32[::1], int32[::1]))(int32[:,::1])", nogil=True, allocates=True)
def predecessors(trans: I32) -> tuple[I32, I32]:
    """The states that transitions come from, one for each: those to state t are ``sources[start[t]:start[t + 1]]``."""
    n, k = trans.shape
    start = np.zeros(n + 1, np.int32)
    for s in range(n):
        for c in range(k):
            if trans[s, c] >= 0:
                start[trans[s, c] + 1] += 1
    for t in range(n):
        start[t + 1] += start[t]
    sources, fill = np.empty(start[n], np.int32), start.copy()
    for s in range(n):
        for c in range(k):
            t = trans[s, c]
            if t >= 0:
                sources[fill[t]] = s
                fill[t] += 1
    return sources, start


@kernel("int64(int32[:,::1], int64, int64)", nogil=True)
def _mark(partition: I32, element: int, n_touched: int) -> int:
    """Move an element to the marked front of its set; return the number of touched sets."""
    s, i = partition[SET, element], partition[LOCATION, element]
    j = partition[FIRST, s] + partition[MARKED, s]
    if i < j:
        return n_touched
    other = partition[ELEMENT, j]
    partition[ELEMENT, i], partition[LOCATION, other] = other, i
    partition[ELEMENT, j], partition[LOCATION, element] = element, j
    if partition[MARKED, s] == 0:
        partition[TOUCHED, n_touched] = s
        n_touched += 1
    partition[MARKED, s] += 1
    return n_touched


@kernel("int64(int32[:,::1], int64, int64)", nogil=True)
def _split(partition: I32, n_sets: int, n_touched: int) -> int:
    """Split each touched set into its marked and unmarked elements, the smaller part new; return the number of sets."""
    for t in range(n_touched):
        s = partition[TOUCHED, t]
        first, past = partition[FIRST, s], partition[PAST, s]
        middle = first + partition[MARKED, s]
        partition[MARKED, s] = 0
        if middle == past:
            continue
        if middle - first <= past - middle:
            new_first, new_past, partition[FIRST, s] = first, middle, middle
        else:
            new_first, new_past, partition[PAST, s] = middle, past, middle
        partition[FIRST, n_sets], partition[PAST, n_sets], partition[MARKED, n_sets] = new_first, new_past, 0
        for i in range(new_first, new_past):
            partition[SET, partition[ELEMENT, i]] = n_sets
        n_sets += 1
    return n_sets


@kernel("int64(int32[:,::1], int32[::1], int64)", nogil=True, allocates=True)
def _split_by(partition: I32, key: I32, n_keys: int) -> int:
    """Partition elements by their keys; return the number of sets."""
    order, start = group(key, n_keys)
    n_sets = 0
    for i in range(order.shape[0]):
        partition[ELEMENT, i], partition[LOCATION, order[i]] = order[i], i
    for v in range(n_keys):
        if start[v] < start[v + 1]:
            partition[FIRST, n_sets], partition[PAST, n_sets], partition[MARKED, n_sets] = start[v], start[v + 1], 0
            for i in range(start[v], start[v + 1]):
                partition[SET, order[i]] = n_sets
            n_sets += 1
    return n_sets


@kernel("int32[::1](int32[:,::1], int32[::1])", nogil=True, allocates=True)
def live_states(trans: I32, colour: I32) -> I32:
    """1 for each state from which a state of positive colour is reached, else 0."""
    n = trans.shape[0]
    sources, start = predecessors(trans)
    live, stack, depth = np.zeros(n, np.int32), np.empty(n, np.int32), 0
    for s in range(n):
        if colour[s] > 0:
            live[s], stack[depth] = 1, s
            depth += 1
    while depth:
        depth -= 1
        target = stack[depth]
        for i in range(start[target], start[target + 1]):
            s = sources[i]
            if not live[s]:
                live[s], stack[depth] = 1, s
                depth += 1
    return live


@kernel("int64(int32[::1], int32[::1], int32[::1], int32[::1], int64, int64)", nogil=True)
def _goes_alike(start: I32, via: I32, head: I32, block: I32, s: int, t: int) -> int:
    """Whether the transitions of two states lead to the same blocks."""
    first, other = start[s], start[t]
    if start[s + 1] - first != start[t + 1] - other:
        return 0
    for i in range(start[s + 1] - first):
        if via[first + i] != via[other + i] or block[head[first + i]] != block[head[other + i]]:
            return 0
    return 1


@kernel("Tuple((int32[::1], int64, int64))(int32[::1], int32[::1], int32[::1], int32[::1])", nogil=True, allocates=True)
def _rounds(start: I32, via: I32, head: I32, colour: I32) -> tuple[I32, int, int]:
    """Partition states by rounds: each tells apart those whose transitions lead to different blocks of the last one.

    Most automata, however large, take a few rounds, in which ever fewer states share a block. Chains take as many
    as they have states, so there is an end to it.

    Parameters
    ----------
    start : (n + 1,) int32
        The transitions of state s are those from ``start[s]`` up to ``start[s + 1]``.
    via, head : (m,) int32
        Their classes, rising in each state, and where they lead.
    colour : (n,) int32

    Returns
    -------
    block : (n,) int32
    n_blocks : int
    is_final : int
        1 where no further round would tell any states apart.
    """
    n, n_colours = colour.shape[0], 0
    for s in range(n):
        n_colours = max(n_colours, colour[s] + 1)
    rank, block, n_blocks = np.full(n_colours, -1, np.int32), np.empty(n, np.int32), 0
    for s in range(n):
        if rank[colour[s]] < 0:
            rank[colour[s]] = n_blocks
            n_blocks += 1
        block[s] = rank[colour[s]]
    n_slots = 4
    while n_slots < 2 * n:
        n_slots *= 2
    table, hashes, then = np.empty(n_slots, np.int32), np.empty(n, np.int64), block.copy()
    shared, n_shared = np.arange(n).astype(np.int32), n  # states that are not alone in their blocks
    size, taken = np.empty(n, np.int32), np.full(n, -1, np.int32)  # the round in which some state kept the number
    left, turn, n_before = ROUNDS * (n + head.shape[0]), 0, 0
    while n_shared and n_blocks > n_before and left > 0:
        table[:], n_before = -1, n_blocks
        for i in range(n_shared):
            s = shared[i]
            hashed = np.int64(block[s])
            for e in range(start[s], start[s + 1]):
                to = (np.int64(block[head[e]]) << 10 ^ np.int64(via[e])) & 0x7FFFFFFF
                hashed = (hashed * 1000003 + to) & 0x7FFFFFFF
            left -= 1 + start[s + 1] - start[s]
            slot = mix(hashed) & n_slots - 1
            while True:
                t = table[slot]
                if t < 0:
                    table[slot], hashes[s] = s, hashed
                    if taken[block[s]] == turn:
                        then[s] = n_blocks
                        n_blocks += 1
                    taken[block[s]] = turn
                    break
                if hashes[t] == hashed and block[t] == block[s] and _goes_alike(start, via, head, block, s, t):
                    then[s] = then[t]
                    break
                slot = slot + 1 & n_slots - 1
        size[:n_blocks] = 0
        for i in range(n_shared):
            size[then[shared[i]]] += 1
        n_left = 0
        for i in range(n_shared):
            s = shared[i]
            block[s] = then[s]
            if size[then[s]] > 1:
                shared[n_left] = s
                n_left += 1
        n_shared, turn = n_left, turn + 1
    return block, n_blocks, int(n_shared == 0 or n_blocks == n_before)


@kernel(
    "Tuple((int32[::1], int64))(int32[::1], int32[::1], int32[::1], int64, int32[::1], int64)",
    nogil=True,
    allocates=True,
)
def _refined(start: I32, via: I32, head: I32, n_classes: int, block: I32, n_blocks: int) -> tuple[I32, int]:
    """The coarsest partition of the states, finer than a given one, whose transitions lead from blocks to blocks."""
    n, m = block.shape[0], head.shape[0]
    incoming, first = group(head, n)
    tail = np.empty(m, np.int32)
    for s in range(n):
        tail[start[s] : start[s + 1]] = s
    blocks, cords = np.empty((7, n), np.int32), np.empty((7, m), np.int32)
    n_blocks = _split_by(blocks, block, n_blocks)
    n_cords = _split_by(cords, via, n_classes)
    b, cord = 1, 0
    while cord < n_cords:
        n_touched = 0
        for i in range(cords[FIRST, cord], cords[PAST, cord]):
            n_touched = _mark(blocks, tail[cords[ELEMENT, i]], n_touched)
        n_blocks = _split(blocks, n_blocks, n_touched)
        cord += 1
        while b < n_blocks:
            n_touched = 0
            for i in range(blocks[FIRST, b], blocks[PAST, b]):
                state = blocks[ELEMENT, i]
                for j in range(first[state], first[state + 1]):
                    n_touched = _mark(cords, incoming[j], n_touched)
            n_cords = _split(cords, n_cords, n_touched)
            b += 1
    return blocks[SET].copy(), n_blocks


@kernel("int32[::1](int32[:,::1], int32[::1])", nogil=True, allocates=True)
def _beginning(trans: I32, live: I32) -> I32:
    """The live states that no cycle leads to, each before those that it leads to."""
    n, k = trans.shape
    due, order, n_order = np.zeros(n, np.int32), np.empty(n, np.int32), 0
    for s in range(n):
        for c in range(k if live[s] else 0):
            if trans[s, c] >= 0:
                due[trans[s, c]] += 1
    if not due[0]:  # the others are reached from it
        order[0], n_order = 0, 1
    i = 0
    while i < n_order:
        for c in range(k):
            t = trans[order[i], c]
            if t >= 0:
                due[t] -= 1
                if due[t] == 0 and live[t]:
                    order[n_order] = t
                    n_order += 1
        i += 1
    found: I32 = order[:n_order].copy()
    return found


@kernel("int64(int32[:,::1], int32[::1], int32[::1], int32[::1], int64)", nogil=True, allocates=True)
def _end_first(trans: I32, colour: I32, order: I32, block: I32, n_blocks: int) -> int:
    """Blocks of states that no cycle leads to, from those of all others, which need no rounds: the number of blocks.

    Taken from the last one on, each state leads to states whose blocks are known.

    Parameters
    ----------
    order : int32
        Those states, each before those that it leads to.
    block : (n,) int32
        -1 for them, and for dead states; theirs are filled in.
    """
    n, k = trans.shape
    n_slots, last = 4, n + order.shape[0] - 1
    while n_slots < 2 * (n_blocks + order.shape[0]):
        n_slots *= 2
    table, hashes, is_known = np.full(n_slots, -1, np.int32), np.empty(n, np.int64), np.zeros(n_blocks, np.bool_)
    for j in range(last + 1):
        s = j if j < n else order[last - j]
        if j < n:  # first one state of each known block
            if block[s] < 0 or is_known[block[s]]:
                continue
            is_known[block[s]] = True
        hashed = np.int64(colour[s])
        for c in range(k):
            to = block[trans[s, c]] if trans[s, c] >= 0 else -1
            if to >= 0:
                hashed = (hashed * 1000003 + ((np.int64(to) << 10 ^ np.int64(c)) & 0x7FFFFFFF)) & 0x7FFFFFFF
        hashes[s], slot = hashed, mix(hashed) & n_slots - 1
        while table[slot] >= 0:
            t = table[slot]
            if hashes[t] == hashed and colour[t] == colour[s]:
                c = 0
                while c < k:
                    to = block[trans[s, c]] if trans[s, c] >= 0 else -1
                    if to != (block[trans[t, c]] if trans[t, c] >= 0 else -1):
                        break
                    c += 1
                if c == k:
                    block[s] = block[t]
                    break
            slot = slot + 1 & n_slots - 1
        if block[s] < 0:
            block[s] = n_blocks
            n_blocks += 1
        if table[slot] < 0:
            table[slot] = s
    return n_blocks


@kernel("Tuple((int32[::1], int64))(int32[:,::1], int32[::1], int32[::1])", nogil=True, allocates=True)
def _blocks(trans: I32, colour: I32, live: I32) -> tuple[I32, int]:
    """The block of each live state (dead ones: -1), and the number of blocks: states of one block accept the same."""
    n, k = trans.shape
    order = _beginning(trans, live)
    place, states, n_states, m = np.full(n, -1, np.int32), np.empty(n, np.int32), 0, 0
    for i in range(order.shape[0]):
        place[order[i]] = 0
    for s in range(n):
        if live[s] and place[s] < 0:
            place[s], states[n_states] = n_states, s
            n_states += 1
    for i in range(order.shape[0]):
        place[order[i]] = -1
    start = np.zeros(n_states + 1, np.int32)
    for i in range(n_states):
        start[i + 1] = start[i]
        for c in range(k):
            if trans[states[i], c] >= 0 and place[trans[states[i], c]] >= 0:
                start[i + 1] += 1
    via, head = np.empty(start[n_states], np.int32), np.empty(start[n_states], np.int32)
    for i in range(n_states):
        for c in range(k):
            if trans[states[i], c] >= 0 and place[trans[states[i], c]] >= 0:
                via[m], head[m] = c, place[trans[states[i], c]]
                m += 1
    found, n_blocks, is_final = _rounds(start, via, head, colour[states[:n_states]])
    if not is_final:
        found, n_blocks = _refined(start, via, head, k, found, n_blocks)
    for i in range(n_states):
        place[states[i]] = found[i]
    return place, _end_first(trans, colour, order, place, n_blocks)


@kernel("Tuple((int32[:,::1], int32[::1]))(int32[:,::1], int32[::1])", nogil=True, allocates=True)
def minimise(trans: I32, colour: I32) -> tuple[I32, I32]:
    """The smallest automaton with the same colour for every text; its start is state 0, dead states are dropped.

    Parameters
    ----------
    trans : (n, n_classes) int32
        Every state must be reachable.
    colour : (n,) int32

    Notes
    -----
    States that no cycle leads to are looked at once, from the last one back. The others are parted in rounds; where
    these do not suffice: Valmari, Fast brief practical DFA minimization (IPL 112, 2012). A partition of the
    states and one of the transitions refine each other, O(m log m) for m live transitions.
    """
    n, k = trans.shape
    live = live_states(trans, colour)
    if n == 0 or not live[0]:
        return np.empty((0, k), np.int32), np.empty(0, np.int32)
    block, n_blocks = _blocks(trans, colour, live)
    number, n_out = np.full(n_blocks, -1, np.int32), 0
    first = np.empty(n_blocks, np.int32)  # a state of each block, by number
    for s in range(n):
        if live[s] and number[block[s]] < 0:
            number[block[s]], first[n_out] = n_out, s
            n_out += 1
    out, out_colour = np.full((n_out, k), -1, np.int32), np.zeros(n_out, np.int32)
    for i in range(n_out):
        out_colour[i] = colour[first[i]]
        for c in range(k):
            to = trans[first[i], c]
            if to >= 0 and live[to]:
                out[i, c] = number[block[to]]
    return out, out_colour


@kernel("Tuple((int32[:,::1], int32[::1], int32[::1]))(int32[:,::1], int32[::1])", nogil=True, allocates=True)
def canonical(trans: I32, colour: I32) -> tuple[I32, I32, I32]:
    """Merge classes with equal columns and number the states breadth-first, classes in rising order.

    Parameters
    ----------
    trans : (n, n_classes) int32
        A minimal automaton: the result is then the same for every automaton of the language, if its classes are
        numbered in the order of their first characters.
    colour : (n,) int32

    Returns
    -------
    trans : (n, n_merged) int32
    colour : (n,) int32
    merged : (n_classes,) int32
        New number of each class.
    """
    n, k = trans.shape
    merged, first, hashes = np.empty(k, np.int32), np.empty(k, np.int32), np.zeros(k, np.int64)
    n_merged = 0
    for s in range(n):
        for c in range(k):
            hashes[c] = (hashes[c] * 1000003 + trans[s, c] + 1) & 0x7FFFFFFF
    for c in range(k):
        target = -1
        for r in range(n_merged):
            s = 0 if hashes[first[r]] == hashes[c] else -1
            while 0 <= s < n and trans[s, first[r]] == trans[s, c]:
                s += 1
            if s == n:
                target = r
                break
        if target < 0:
            target = n_merged
            first[target] = c
            n_merged += 1
        merged[c] = target
    order, number = np.empty(n, np.int32), np.full(n, -1, np.int32)
    out, out_colour = np.full((n, n_merged), -1, np.int32), np.zeros(n, np.int32)
    n_out = min(n, 1)
    if n:
        order[0], number[0] = 0, 0
    for i in range(n):
        out_colour[i] = colour[order[i]]
        for r in range(n_merged):
            target = trans[order[i], first[r]]
            if target >= 0:
                if number[target] < 0:
                    number[target], order[n_out] = n_out, target
                    n_out += 1
                out[i, r] = number[target]
    return out, out_colour, merged


@kernel(
    "Tuple((int32[::1], int32[::1], int32[:,::1], int32[::1]))(int32[::1], int32[::1], int32[:,::1], int32[::1])",
    nogil=True,
    allocates=True,
)
def canonical_over(starts: I32, cls: I32, trans: I32, colour: I32) -> tuple[I32, I32, I32, I32]:
    """The same with the intervals of characters that each class has: as few as there can be.

    Parameters
    ----------
    starts, cls : (n_intervals,) int32
        First character of each interval, and its class.
    trans, colour
        As of :func:`canonical`.
    """
    trans, colour, merged = canonical(trans, colour)
    out_starts, out_cls, n = np.empty(len(cls), np.int32), np.empty(len(cls), np.int32), 0
    for i in range(len(cls)):
        c = merged[cls[i]]
        if n == 0 or out_cls[n - 1] != c:
            out_starts[n], out_cls[n] = starts[i], c
            n += 1
    return out_starts[:n].copy(), out_cls[:n].copy(), trans, colour


@kernel(
    "Tuple((int32[::1], int32[::1], int32[:,::1], int32[::1]))(int32[::1], int32[::1], int32[:,::1], int32[::1])",
    nogil=True,
    allocates=True,
)
def smallest(starts: I32, cls: I32, trans: I32, colour: I32) -> tuple[I32, I32, I32, I32]:
    """The canonical form of any automaton of which every state is reachable, as :func:`canonical_over` takes it."""
    trans, colour = minimise(trans, colour)
    starts, cls, trans, colour = canonical_over(starts, cls, trans, colour)
    return starts, cls, trans, colour
