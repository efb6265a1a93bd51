"""Kernels on finite automata: subset construction, minimisation, products, word lists, lengths.

Every table is ``trans : (n_states, n_classes) int32``, the next state or -1 (dead); state 0 is the start. A *colour*
``(n_states,) int32`` tells what a state accepts: 0 nothing, a positive number one kind of acceptance.
A kernel that could grow without bound stops after ``max_states + 1`` rows; the caller sees the excess.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

I32 = NDArray[np.int32]

SPLIT, ACCEPT = -1, -2

# Rows of a refinable partition: the elements grouped by set, location and set of each element; of each set the first
# position, the position past its end and the number of marked elements; the sets that hold marked elements.
ELEMENT, LOCATION, SET, FIRST, PAST, MARKED, TOUCHED = range(7)


@njit("int64(int64)", cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _mix(value: int) -> int:
    """Scramble a number below 2**31 into 32 bits."""
    value = (value + 1) * 2654435761 & 0xFFFFFFFF
    value = (value ^ (value >> 15)) * 739982445 & 0xFFFFFFFF
    return value ^ (value >> 13)


@njit("boolean(int32[:,::1], int64, int32[::1])", cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _is_row(table: I32, row: int, values: I32) -> bool:
    """Whether a row holds exactly these values, without a temporary array."""
    for i in range(values.shape[0]):
        if table[row, i] != values[i]:
            return False
    return True


@njit("int32[:,::1](int32[:,::1], int64)", cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _grown(table: I32, rows: int) -> I32:
    """A table of at least `rows` rows with the old content; it doubles where it grows."""
    if rows <= table.shape[0]:
        return table
    out = np.empty((max(rows, 2 * table.shape[0]), table.shape[1]), np.int32)
    out[: table.shape[0]] = table
    return out


@njit("int32[::1](int32[::1], int64)", cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _longer(array: I32, size: int) -> I32:
    """An array of at least `size` entries with the old content; it doubles where it grows."""
    if size <= array.shape[0]:
        return array
    out = np.empty(max(size, 2 * array.shape[0]), np.int32)
    out[: array.shape[0]] = array
    return out


@njit("int64[::1](int64[::1], int64)", cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _longer_hashes(array: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """The same for 64-bit hashes."""
    out = np.empty(size, np.int64)
    out[: array.shape[0]] = array
    return out


@njit("int32[::1](int32[::1], int64[::1], int64)", cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _rehashed(table: I32, hashes: NDArray[np.int64], n: int) -> I32:
    """A hash table of at least ``2 n`` slots for entries 0 .. n-1; the same table where it is large enough."""
    if 2 * n < table.shape[0]:
        return table
    out = np.full(4 * table.shape[0], -1, np.int32)
    for i in range(n):
        slot = hashes[i] & (out.shape[0] - 1)
        while out[slot] >= 0:
            slot = (slot + 1) & (out.shape[0] - 1)
        out[slot] = i
    return out


@njit(  # type: ignore[untyped-decorator]
    "int64(int32[::1], int32[::1], int32[::1], int64, int32[::1], int64, int32[::1], int32[::1], int64)",
    cache=True,
    nogil=True,
)
def _follow(
    label: I32, x: I32, y: I32, at: int, seen: I32, stamp: int, stack: I32, found: I32, n_found: int
) -> int:
    """Append to `found` the instructions that read or accept and that splits lead to from `at`; return their number."""
    if seen[at] == stamp:
        return n_found
    seen[at] = stamp
    stack[0] = at
    depth = 1
    while depth:
        depth -= 1
        i = stack[depth]
        if label[i] != SPLIT:
            found[n_found] = i
            n_found += 1
            continue
        for target in (y[i], x[i]):
            if seen[target] != stamp:
                seen[target] = stamp
                stack[depth] = target
                depth += 1
    return n_found


@njit(  # type: ignore[untyped-decorator]
    "Tuple((int32[:,::1], int32[::1]))(int32[::1], int32[::1], int32[::1], uint8[:,::1], int64)",
    cache=True,
    nogil=True,
)
def determinise(label: I32, x: I32, y: I32, member: NDArray[np.uint8], max_states: int) -> tuple[I32, I32]:
    """Subset construction over the instructions of a program.

    Parameters
    ----------
    label : (n,) int32
        A set's number: read one character of the set and go to the next instruction; `SPLIT`: go to both `x` and `y`
        (equal ones are a jump, one that leads to itself fails); `ACCEPT`.
    x, y : (n,) int32
        Targets of splits.
    member : (n_sets, n_classes) uint8
        Whether a set holds the characters of a class.
    max_states : int

    Returns
    -------
    trans : (n_states, n_classes) int32
    accept : (n_states,) int32

    Notes
    -----
    A subset holds only instructions that read or accept; it is kept as a list, since counted repeats make many small
    subsets. O(n_states * n_classes * n) time at worst.
    """
    n, k = label.shape[0], member.shape[1]
    seen, stack, found = np.zeros(n, np.int32), np.empty(n + 1, np.int32), np.empty(n, np.int32)
    trans, accept = np.empty((16, k), np.int32), np.empty(16, np.int32)
    items, start = np.empty(4 * n, np.int32), np.zeros(17, np.int32)
    hashes, table = np.empty(16, np.int64), np.full(64, -1, np.int32)
    stamp, n_states, state, c = 1, 0, -1, k - 1
    n_found = _follow(label, x, y, 0, seen, stamp, stack, found, 0)
    while True:
        target = -1
        if n_found:
            hashed = np.int64(0)
            for i in range(n_found):
                hashed += _mix(np.int64(found[i]))
            slot = hashed & (table.shape[0] - 1)
            while table[slot] >= 0:
                other = table[slot]
                same = hashes[other] == hashed and start[other + 1] - start[other] == n_found
                i = start[other]
                while same and i < start[other + 1]:
                    same = seen[items[i]] == stamp
                    i += 1
                if same:
                    target = other
                    break
                slot = (slot + 1) & (table.shape[0] - 1)
            if target < 0:
                target = n_states
                n_states += 1
                if n_states > trans.shape[0]:
                    trans, accept = _grown(trans, n_states), _longer(accept, 2 * n_states)
                    start = _longer(start, 2 * n_states + 1)
                    hashes = _longer_hashes(hashes, 2 * n_states)
                items = _longer(items, start[target] + n_found)
                accept[target], hashes[target], table[slot] = 0, hashed, target
                for i in range(n_found):
                    items[start[target] + i] = found[i]
                    if label[found[i]] == ACCEPT:
                        accept[target] = 1
                start[n_states] = start[target] + n_found
                table = _rehashed(table, hashes, n_states)
        if state >= 0:
            trans[state, c] = target
        c += 1
        if c == k:
            state, c = state + 1, 0
            if state == n_states or n_states > max_states:
                return trans[:n_states].copy(), accept[:n_states].copy()
        stamp += 1
        n_found = 0
        for j in range(start[state], start[state + 1]):
            p = items[j]
            if label[p] >= 0 and member[label[p], c]:
                n_found = _follow(label, x, y, p + 1, seen, stamp, stack, found, n_found)


@njit("int64(int32[:,::1], int64, int64)", cache=True, nogil=True)  # type: ignore[untyped-decorator]
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


@njit("int64(int32[:,::1], int64, int64)", cache=True, nogil=True)  # type: ignore[untyped-decorator]
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


@njit("Tuple((int32[::1], int32[::1]))(int32[::1], int64)", cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _group(key: I32, n_keys: int) -> tuple[I32, I32]:
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


@njit("int64(int32[:,::1], int32[::1], int64)", cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _split_by(partition: I32, key: I32, n_keys: int) -> int:
    """Partition elements by their keys; return the number of sets."""
    order, start = _group(key, n_keys)
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


@njit("int32[::1](int32[:,::1], int32[::1])", cache=True, nogil=True)  # type: ignore[untyped-decorator]
def live_states(trans: I32, colour: I32) -> I32:
    """1 for each state from which a state of positive colour is reached, else 0."""
    n, k = trans.shape
    sources, start = _group(trans.copy().reshape(n * k) + np.int32(1), n + 1)
    live, stack, depth = np.zeros(n, np.int32), np.empty(n, np.int32), 0
    for s in range(n):
        if colour[s] > 0:
            live[s], stack[depth] = 1, s
            depth += 1
    while depth:
        depth -= 1
        target = stack[depth]
        for i in range(start[target + 1], start[target + 2]):
            s = sources[i] // k
            if not live[s]:
                live[s], stack[depth] = 1, s
                depth += 1
    return live


@njit(  # type: ignore[untyped-decorator]
    "Tuple((int32[:,::1], int32[::1]))(int32[:,::1], int32[::1])", cache=True, nogil=True
)
def minimise(trans: I32, colour: I32) -> tuple[I32, I32]:
    """The smallest automaton with the same colour for every text; its start is state 0, dead states are dropped.

    Parameters
    ----------
    trans : (n, n_classes) int32
        Every state must be reachable.
    colour : (n,) int32

    Notes
    -----
    Valmari, Fast brief practical DFA minimization (IPL 112, 2012): a partition of the states and one of the
    transitions refine each other. O(m log m) for m live transitions.
    """
    n, k = trans.shape
    live = live_states(trans, colour)
    if n == 0 or not live[0]:
        return np.empty((0, k), np.int32), np.empty(0, np.int32)
    m = 0
    tail, via, head = np.empty(n * k, np.int32), np.empty(n * k, np.int32), np.empty(n * k, np.int32)
    for s in range(n):
        for c in range(k):
            if trans[s, c] >= 0 and live[s] and live[trans[s, c]]:
                tail[m], via[m], head[m] = s, c, trans[s, c]
                m += 1
    incoming, start = _group(head[:m].copy(), n)
    blocks, cords = np.empty((7, n), np.int32), np.empty((7, m), np.int32)
    n_blocks = _split_by(blocks, colour, np.int64(colour.max()) + 1)
    n_cords = _split_by(cords, via[:m].copy(), k)
    block, cord = 1, 0
    while cord < n_cords:
        n_touched = 0
        for i in range(cords[FIRST, cord], cords[PAST, cord]):
            n_touched = _mark(blocks, tail[cords[ELEMENT, i]], n_touched)
        n_blocks = _split(blocks, n_blocks, n_touched)
        cord += 1
        while block < n_blocks:
            n_touched = 0
            for i in range(blocks[FIRST, block], blocks[PAST, block]):
                state = blocks[ELEMENT, i]
                for j in range(start[state], start[state + 1]):
                    n_touched = _mark(cords, incoming[j], n_touched)
            n_cords = _split(cords, n_cords, n_touched)
            block += 1
    # Live states and dead ones of the same colour 0 may have begun in one block, but no transition leads out of a dead
    # state, so the first transition on the way to acceptance has parted them.
    number, n_out = np.full(n_blocks, -1, np.int32), 1
    number[blocks[SET, 0]] = 0
    for s in range(n):
        b = blocks[SET, s]
        if live[s] and number[b] < 0:
            number[b] = n_out
            n_out += 1
    out, out_colour = np.full((n_out, k), -1, np.int32), np.zeros(n_out, np.int32)
    for s in range(n):
        if live[s]:
            out_colour[number[blocks[SET, s]]] = colour[s]
    for e in range(m):
        out[number[blocks[SET, tail[e]]], via[e]] = number[blocks[SET, head[e]]]
    return out, out_colour


@njit(  # type: ignore[untyped-decorator]
    "Tuple((int32[:,::1], int32[::1], int32[::1]))(int32[:,::1], int32[::1])", cache=True, nogil=True
)
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
    merged, first, hashes = np.empty(k, np.int32), np.empty(k, np.int32), np.empty(k, np.int64)
    n_merged = 0
    for c in range(k):
        hashed = np.int64(0)
        for s in range(n):
            hashed = (hashed * 31 + _mix(np.int64(trans[s, c]) + 1)) & 0x7FFFFFFF
        target = -1
        for r in range(n_merged):
            if hashes[r] == hashed and np.all(trans[:, first[r]] == trans[:, c]):
                target = r
                break
        if target < 0:
            target = n_merged
            first[target], hashes[target] = c, hashed
            n_merged += 1
        merged[c] = target
    order, number = np.empty(n, np.int32), np.full(n, -1, np.int32)
    out, out_colour = np.full((n, n_merged), -1, np.int32), np.zeros(n, np.int32)
    n_out = min(n, 1)
    order[:n_out], number[:n_out] = 0, 0
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


@njit(  # type: ignore[untyped-decorator]
    "Tuple((int32[:,::1], int32[:,::1]))(int32[::1], int32[::1], int32[::1], int32[:,::1], uint8[::1], int64)",
    cache=True,
    nogil=True,
)
def product(
    tables: I32, offset: I32, begin: I32, column: I32, required: NDArray[np.uint8], max_states: int
) -> tuple[I32, I32]:
    """Reachable part of the product of several automata.

    Parameters
    ----------
    tables : (total,) int32
        The transition tables of all automata, row after row, one automaton after another.
    offset, begin : (n_automata,) int32
        Where each table begins; the start state, -1 in an automaton without states.
    column : (n_automata, 1 + n_classes) int32
        The number of columns of each table, then the column that each class of the product means in it.
    required : (n_automata,) uint8
        1: a state of the product is dead as soon as this automaton is; where none is required, when all are.
    max_states : int

    Returns
    -------
    trans : (n_states, n_classes) int32
    parts : (n_states, n_automata) int32
        State of each automaton, -1 where it is dead.
    """
    q, k = column.shape[0], column.shape[1] - 1
    trans, parts = np.empty((16, k), np.int32), np.empty((16, q), np.int32)
    hashes, table = np.empty(16, np.int64), np.full(64, -1, np.int32)
    current = begin.copy()
    n_states, state, c = 0, -1, k - 1
    while True:
        dead, alive = False, False
        for a in range(q):
            alive = alive or current[a] >= 0
            dead = dead or (required[a] == 1 and current[a] < 0)
        target = -1
        if alive and not dead:
            hashed = np.int64(0)
            for a in range(q):
                hashed = (hashed * 31 + _mix(np.int64(current[a]) + 1)) & 0x7FFFFFFF
            slot = hashed & (table.shape[0] - 1)
            while table[slot] >= 0:
                if hashes[table[slot]] == hashed and _is_row(parts, table[slot], current):
                    target = table[slot]
                    break
                slot = (slot + 1) & (table.shape[0] - 1)
            if target < 0:
                target = n_states
                n_states += 1
                if n_states > trans.shape[0]:
                    trans, parts = _grown(trans, n_states), _grown(parts, n_states)
                    hashes = _longer_hashes(hashes, 2 * n_states)
                parts[target], hashes[target], table[slot] = current, hashed, target
                table = _rehashed(table, hashes, n_states)
        if state >= 0:
            trans[state, c] = target
        c += 1
        if c == k:
            state, c = state + 1, 0
            if state >= n_states or n_states > max_states:
                return trans[:n_states].copy(), parts[:n_states].copy()
        for a in range(q):
            s = parts[state, a]
            current[a] = tables[offset[a] + s * column[a, 0] + column[a, 1 + c]] if s >= 0 else -1


@njit(  # type: ignore[untyped-decorator]
    "Tuple((int32[:,::1], int32[::1]))(int32[::1], int32[::1], int64, int64)", cache=True, nogil=True
)
def words(classes: I32, start: I32, n_classes: int, max_states: int) -> tuple[I32, I32]:
    """Minimal acyclic automaton of words; its last state is the start.

    Parameters
    ----------
    classes : (total,) int32
        The words' characters as classes; word i is ``classes[start[i]:start[i + 1]]``.
    start : (n_words + 1,) int32
        The words must be in lexicographic order of their classes, without repetition.
    n_classes, max_states : int

    Returns
    -------
    trans : (n_states, n_classes) int32
    accept : (n_states,) int32

    Notes
    -----
    Daciuk, Mihov, Watson, Watson, Incremental construction of minimal acyclic finite-state automata (2000), algorithm
    1: only the path of the last word is still open; a state that leaves it is looked up among the finished ones.
    """
    longest = 0
    for w in range(start.shape[0] - 1):
        longest = max(longest, start[w + 1] - start[w])
    path, path_accept = np.full((longest + 1, n_classes), -1, np.int32), np.zeros(longest + 1, np.int32)
    trans, accept = np.empty((16, n_classes), np.int32), np.empty(16, np.int32)
    hashes, table = np.empty(16, np.int64), np.full(64, -1, np.int32)
    n_states, depth = 0, 0
    for w in range(start.shape[0]):
        # The common prefix with the last word stays open; after the last word everything is closed, the start too.
        keep = -1
        if w < start.shape[0] - 1:
            keep, size = 0, start[w + 1] - start[w]
            while keep < depth and keep < size and classes[start[w] + keep] == classes[start[w - 1] + keep]:
                keep += 1
        while depth > keep:
            hashed = _mix(np.int64(path_accept[depth]))
            for c in range(n_classes):
                if path[depth, c] >= 0:
                    hashed = (hashed * 31 + _mix(np.int64(path[depth, c]) * n_classes + c)) & 0x7FFFFFFF
            slot, target = hashed & (table.shape[0] - 1), -1
            while table[slot] >= 0:
                other = table[slot]
                if hashes[other] == hashed and accept[other] == path_accept[depth] and _is_row(trans, other, path[depth]):
                    target = other
                    break
                slot = (slot + 1) & (table.shape[0] - 1)
            if target < 0:
                target = n_states
                n_states += 1
                if n_states > max_states:
                    return trans[:1], accept[:1]
                if n_states > trans.shape[0]:
                    trans, accept = _grown(trans, n_states), _longer(accept, 2 * n_states)
                    hashes = _longer_hashes(hashes, 2 * n_states)
                trans[target], accept[target], hashes[target], table[slot] = path[depth], path_accept[depth], hashed, target
                table = _rehashed(table, hashes, n_states)
            path[depth], path_accept[depth] = -1, 0
            depth -= 1
            if depth >= 0:
                path[depth, classes[start[w - 1] + depth]] = target
        if w < start.shape[0] - 1:
            depth = size
            path_accept[depth] = 1
    return trans[:n_states].copy(), accept[:n_states].copy()


@njit(  # type: ignore[untyped-decorator]
    "Tuple((int32[::1], int32[::1]))(int32[:,::1], int32[::1])", cache=True, nogil=True
)
def lengths(trans: I32, accept: I32) -> tuple[I32, I32]:
    """Fewest and most further characters to acceptance from every state of a trimmed automaton.

    Returns
    -------
    shortest : (n_states,) int32
    longest : (n_states,) int32
        -1 where there is no bound. O(n_states * n_classes).
    """
    n, k = trans.shape
    sources, start = _group(trans.copy().reshape(n * k) + np.int32(1), n + 1)
    shortest, longest = np.full(n, -1, np.int32), np.full(n, -1, np.int32)
    queue, head, size = np.empty(n, np.int32), 0, 0
    for s in range(n):
        if accept[s] > 0:
            shortest[s], queue[size] = 0, s
            size += 1
    while head < size:
        target = queue[head]
        head += 1
        for i in range(start[target + 1], start[target + 2]):
            s = sources[i] // k
            if shortest[s] < 0:
                shortest[s], queue[size] = shortest[target] + 1, s
                size += 1
    # A state is bounded once all of its successors are: take them away in that order.
    pending, head, size = np.zeros(n, np.int32), 0, 0
    for s in range(n):
        pending[s] = np.sum(trans[s] >= 0)
        if pending[s] == 0:
            longest[s], queue[size] = 0, s
            size += 1
    reach = np.zeros(n, np.int32)
    while head < size:
        target = queue[head]
        head += 1
        for i in range(start[target + 1], start[target + 2]):
            s = sources[i] // k
            reach[s] = max(reach[s], longest[target] + 1)
            pending[s] -= 1
            if pending[s] == 0:
                longest[s], queue[size] = reach[s], s
                size += 1
    return shortest, longest


@njit(  # type: ignore[untyped-decorator]
    "boolean(int32[:,::1], int32[::1], int32[::1], int32[::1])", cache=True, nogil=True
)
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
