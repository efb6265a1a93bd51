"""Kernels that build finite automata: subset construction, products, word lists.

Tables are those of :mod:`detent.native.minimise`. A kernel that could grow without bound stops after ``max_states + 1``
rows; the caller sees the excess.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .char_classes import classes
from .jit import kernel
from .minimise import mix, smallest

I32 = NDArray[np.int32]

SPLIT, ACCEPT = -1, -2


@kernel("boolean(int32[:,::1], int64, int32[::1])", nogil=True)
def _is_row(table: I32, row: int, values: I32) -> bool:
    """Whether a row holds exactly these values, without a temporary array."""
    i, n = 0, values.shape[0]
    while i < n and table[row, i] == values[i]:
        i += 1
    return bool(i == n)


@kernel("int32[:,::1](int32[:,::1], int64)", nogil=True, allocates=True)
def _grown(table: I32, rows: int) -> I32:
    """A table of at least `rows` rows with the old content; it doubles where it grows."""
    if rows <= table.shape[0]:
        return table
    out = np.empty((max(rows, 2 * table.shape[0]), table.shape[1]), np.int32)
    for r in range(table.shape[0]):
        for c in range(table.shape[1]):
            out[r, c] = table[r, c]
    return out


@kernel("int32[::1](int32[::1], int64)", nogil=True, allocates=True)
def _longer(array: I32, size: int) -> I32:
    """An array of at least `size` entries with the old content; it doubles where it grows."""
    if size <= array.shape[0]:
        return array
    out = np.empty(max(size, 2 * array.shape[0]), np.int32)
    for i in range(array.shape[0]):
        out[i] = array[i]
    return out


@kernel("int64[::1](int64[::1], int64)", nogil=True, allocates=True)
def _longer_hashes(array: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """The same for 64-bit hashes."""
    out = np.empty(size, np.int64)
    for i in range(array.shape[0]):
        out[i] = array[i]
    return out


@kernel("int32[::1](int32[::1], int64[::1], int64)", nogil=True, allocates=True)
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


@kernel(
    "int64(int32[::1], int32[::1], int32[::1], int64, int32[::1], int64, int32[::1], int32[::1], int64)",
    nogil=True,
)
def _follow(label: I32, x: I32, y: I32, at: int, seen: I32, stamp: int, stack: I32, found: I32, n_found: int) -> int:
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


@kernel(
    "void(int32[::1], uint8[:,::1], int32[::1], int64, int64, int32[::1], int64, int32[::1], int32[::1])",
    nogil=True,
)
def _group_classes(
    label: I32,
    member: NDArray[np.uint8],
    items: I32,
    first: int,
    past: int,
    met: I32,
    stamp: int,
    same: I32,
    parted: I32,
) -> None:
    """For each class, the first one that is in the same sets as far as some instructions read them."""
    k = same.shape[0]
    for c in range(k):
        same[c] = 0
    for i in range(first, past):
        read = label[items[i]]
        if read < 0 or met[read] == stamp:
            continue
        met[read] = stamp
        for c in range(k):
            parted[c] = -1
        for c in range(k):
            other = same[c]
            if member[read, c] != member[read, other]:
                if parted[other] < 0:
                    parted[other] = c
                same[c] = parted[other]


@kernel(
    "boolean(int32[::1], int32[::1], int32[::1], uint8[:,::1], int64, int64, int32[:,::1], int32[::1], int32[::1], "
    "int32[::1], int64[::1], int32[::1], int32[:,::1], int32[:,::1], int64[::1])",
    nogil=True,
)
def _determinise(
    label: I32,
    x: I32,
    y: I32,
    member: NDArray[np.uint8],
    max_states: int,
    max_size: int,
    trans: I32,
    accept: I32,
    items: I32,
    start: I32,
    hashes: NDArray[np.int64],
    table: I32,
    by_instruction: I32,
    by_class: I32,
    at: NDArray[np.int64],
) -> bool:
    """Go on with a subset construction as far as its arrays reach; return whether that is all.

    ``at`` : (4,) int64, the number of states, the state and class to go on with, and the last stamp. Counting
    references to arrays that grow would take most of the time, so this kernel makes none.
    """
    n, k = label.shape[0], member.shape[1]
    seen, stack, found, met = by_instruction[0], by_instruction[1], by_instruction[2], by_instruction[3]
    same, parted = by_class[0], by_class[1]
    n_states, state, c, stamp = at[0], at[1], at[2], at[3]
    while n_states < trans.shape[0] and start[n_states] + n <= items.shape[0]:
        stamp += 1
        n_found = 0
        if state < 0:
            n_found = _follow(label, x, y, 0, seen, stamp, stack, found, 0)
        else:
            for j in range(start[state], start[state + 1]):
                p = items[j]
                if label[p] >= 0 and member[label[p], c]:
                    n_found = _follow(label, x, y, p + 1, seen, stamp, stack, found, n_found)
        target = -1
        if n_found:
            hashed = np.int64(0)
            for i in range(n_found):
                hashed += mix(np.int64(found[i]))
            slot = hashed & (table.shape[0] - 1)
            while table[slot] >= 0 and target < 0:
                other = table[slot]
                equal = hashes[other] == hashed and start[other + 1] - start[other] == n_found
                i = start[other]
                while equal and i < start[other + 1]:
                    equal = seen[items[i]] == stamp
                    i += 1
                if equal:
                    target = other
                slot = (slot + 1) & (table.shape[0] - 1)
            if target < 0:
                target = n_states
                n_states += 1
                accept[target], hashes[target], table[slot] = 0, hashed, target
                for i in range(n_found):
                    items[start[target] + i] = found[i]
                    if label[found[i]] == ACCEPT:
                        accept[target] = 1
                start[n_states] = start[target] + n_found
        if state >= 0:
            trans[state, c] = target
        c += 1
        while c == k or same[c] < c:
            if c < k:
                trans[state, c] = trans[state, same[c]]
                c += 1
                continue
            state, c = state + 1, 0
            if state == n_states or n_states > max_states or start[n_states] > max_size:
                at[0] = n_states
                return True
            _group_classes(label, member, items, start[state], start[state + 1], met, state, same, parted)
    at[0], at[1], at[2], at[3] = n_states, state, c, stamp
    return False


@kernel(
    "Tuple((int32[:,::1], int32[::1], int64))(int32[::1], int32[::1], int32[::1], uint8[:,::1], int64, int64)",
    nogil=True,
    allocates=True,
)
def determinise(
    label: I32, x: I32, y: I32, member: NDArray[np.uint8], max_states: int, max_size: int
) -> tuple[I32, I32, int]:
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
    max_states, max_size : int
        Stop after more states, or more instructions in all subsets together.

    Returns
    -------
    trans : (n_states, n_classes) int32
    accept : (n_states,) int32
    size : int
        Instructions in all subsets together.

    Notes
    -----
    A subset holds only instructions that read or accept; it is kept as a list, since counted repeats make many small
    subsets. O(n_classes * size * n) time at worst.
    """
    n, k = label.shape[0], member.shape[1]
    by_instruction, by_class = np.zeros((4, max(n, member.shape[0]) + 1), np.int32), np.zeros((2, k), np.int32)
    for i in range(member.shape[0]):
        by_instruction[3, i] = -1
    trans, accept = np.empty((16, k), np.int32), np.empty(16, np.int32)
    items, start = np.empty(4 * n, np.int32), np.zeros(17, np.int32)
    hashes, table, at = np.empty(16, np.int64), np.full(64, -1, np.int32), np.zeros(4, np.int64)
    at[1], at[2] = -1, k - 1
    while not _determinise(
        label,
        x,
        y,
        member,
        max_states,
        max_size,
        trans,
        accept,
        items,
        start,
        hashes,
        table,
        by_instruction,
        by_class,
        at,
    ):
        n_states = at[0]
        items = _longer(items, start[n_states] + n)
        if n_states == trans.shape[0]:
            trans, accept = _grown(trans, n_states + 1), _longer(accept, n_states + 1)
            start, hashes = _longer(start, 2 * n_states + 1), _longer_hashes(hashes, 2 * n_states)
            table = _rehashed(table, hashes, n_states)
    n_states = at[0]
    return trans[:n_states].copy(), accept[:n_states].copy(), np.int64(start[n_states])


@kernel(
    "Tuple((int32[::1], int32[::1], int32[:,::1], int32[::1], int64, int64))(int32[::1], int64, int64, int64, int64)",
    nogil=True,
    allocates=True,
)
def compiled(program: I32, n: int, n_sets: int, max_states: int, max_size: int) -> tuple[I32, I32, I32, I32, int, int]:
    """The smallest automaton of a program, in canonical form.

    Parameters
    ----------
    program : (3 * n + n_sets + n_points,) int32
        ``label``, ``x`` and ``y`` as :func:`determinise` takes them; then the sets, as :func:`.char_classes.classes`
        takes them: where the boundaries of each end, and all boundaries.
    n, n_sets : int
        Instructions and sets.
    max_states, max_size : int
        As of :func:`determinise`.

    Returns
    -------
    starts, cls : (n_intervals,) int32
    trans : (n_states, n_classes) int32
    accept : (n_states,) int32
    n_states, size : int
        Before it is minimised, and the instructions in all subsets together. Beyond the bounds, the rest is of no use.
    """
    sets = 3 * n + n_sets
    label, x, y = program[:n], program[n : 2 * n], program[2 * n : 3 * n]
    starts, cls, member = classes(program[sets:], program[3 * n : sets])
    trans, accept, size = determinise(label, x, y, member, max_states, max_size)
    n_states = np.int64(len(trans))
    if n_states <= max_states and size <= max_size:
        starts, cls, trans, accept = smallest(starts, cls, trans, accept)
    return starts, cls, trans, accept, n_states, size


@kernel(
    "boolean(int32[::1], int32[::1], int32[:,::1], uint8[::1], int64, int32[:,::1], int32[:,::1], int64[::1], "
    "int32[::1], int32[::1], int64[::1])",
    nogil=True,
)
def _product(
    tables: I32,
    offset: I32,
    column: I32,
    required: NDArray[np.uint8],
    max_states: int,
    trans: I32,
    parts: I32,
    hashes: NDArray[np.int64],
    table: I32,
    current: I32,
    at: NDArray[np.int64],
) -> bool:
    """Go on with a product as far as its arrays reach; return whether that is all.

    ``at`` : (3,) int64, the number of states, and the state and class that led to ``current``, the states of the
    automata. Counting references to arrays that grow would take most of the time, so this kernel makes none.
    """
    q, k = column.shape[0], column.shape[1] - 1
    n_states, state, c, target = at[0], at[1], at[2], -1
    while n_states < trans.shape[0]:
        dead, alive, a = False, False, 0
        while a < q and not dead:
            alive = alive or current[a] >= 0
            dead = required[a] == 1 and current[a] < 0
            a += 1
        # neighbouring classes mostly lead to one state
        a = 0 if target >= 0 and not dead else q + 1
        while a < q and parts[target, a] == current[a]:
            a += 1
        if a != q:
            target = -1
        if alive and not dead and target < 0:
            hashed = np.int64(0)
            for a in range(q):
                hashed = (hashed * 31 + mix(np.int64(current[a]) + 1)) & 0x7FFFFFFF
            slot = hashed & (table.shape[0] - 1)
            while table[slot] >= 0 and target < 0:
                other = table[slot]
                a = 0 if hashes[other] == hashed else q + 1
                while a < q and parts[other, a] == current[a]:
                    a += 1
                if a == q:
                    target = other
                slot = (slot + 1) & (table.shape[0] - 1)
            if target < 0:
                target = n_states
                n_states += 1
                hashes[target], table[slot] = hashed, target
                for a in range(q):
                    parts[target, a] = current[a]
        if state >= 0:
            trans[state, c] = target
        c += 1
        if c == k:
            state, c = state + 1, 0
            if state >= n_states or n_states > max_states:
                at[0] = n_states
                return True
        for a in range(q):
            s = parts[state, a]
            current[a] = tables[offset[a] + s * column[a, 0] + column[a, 1 + c]] if s >= 0 else -1
    at[0], at[1], at[2] = n_states, state, c
    return False


@kernel(
    "Tuple((int32[:,::1], int32[:,::1]))(int32[::1], int32[::1], int32[::1], int32[:,::1], uint8[::1], int64)",
    nogil=True,
    allocates=True,
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
    hashes, table, at = np.empty(16, np.int64), np.full(64, -1, np.int32), np.zeros(3, np.int64)
    at[1], at[2] = -1, k - 1
    current = begin.copy()
    while not _product(tables, offset, column, required, max_states, trans, parts, hashes, table, current, at):
        n_states = at[0]
        trans, parts = _grown(trans, n_states + 1), _grown(parts, n_states + 1)
        hashes = _longer_hashes(hashes, 2 * n_states)
        table = _rehashed(table, hashes, n_states)
    return trans[: at[0]].copy(), parts[: at[0]].copy()


@kernel("Tuple((int32[:,::1], int32[::1]))(int32[::1], int32[::1], int64, int64)", nogil=True, allocates=True)
def words(classes: I32, start: I32, n_classes: int, max_states: int) -> tuple[I32, I32]:
    """Minimal acyclic automaton of words.

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
            hashed = mix(np.int64(path_accept[depth]))
            for c in range(n_classes):
                if path[depth, c] >= 0:
                    hashed = (hashed * 31 + mix(np.int64(path[depth, c]) * n_classes + c)) & 0x7FFFFFFF
            slot, target = hashed & (table.shape[0] - 1), -1
            while table[slot] >= 0:
                other = table[slot]
                if (
                    hashes[other] == hashed
                    and accept[other] == path_accept[depth]
                    and _is_row(trans, other, path[depth])
                ):
                    target = other
                    break
                slot = (slot + 1) & (table.shape[0] - 1)
            if target < 0:
                target = n_states
                n_states += 1
                if n_states > max_states:
                    return _grown(trans, n_states)[:n_states].copy(), _longer(accept, n_states)[:n_states].copy()
                if n_states > trans.shape[0]:
                    trans, accept = _grown(trans, n_states), _longer(accept, 2 * n_states)
                    hashes = _longer_hashes(hashes, 2 * n_states)
                accept[target], hashes[target], table[slot] = path_accept[depth], hashed, target
                for c in range(n_classes):
                    trans[target, c] = path[depth, c]
                table = _rehashed(table, hashes, n_states)
            path_accept[depth] = 0
            for c in range(n_classes):
                path[depth, c] = -1
            depth -= 1
            if depth >= 0:
                path[depth, classes[start[w - 1] + depth]] = target
        if w < start.shape[0] - 1:
            depth = size
            path_accept[depth] = 1
    # The start was closed last: turn the numbers round.
    out, out_accept = np.full((n_states, n_classes), -1, np.int32), accept[:n_states][::-1].copy()
    for s in range(n_states):
        for c in range(n_classes):
            if trans[s, c] >= 0:
                out[n_states - 1 - s, c] = n_states - 1 - trans[s, c]
    return out, out_accept
