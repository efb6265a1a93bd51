"""Programs of ordered threads (:mod:`detent.grammar.lark.tables`): shortest ways to a match, strings that match."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .jit import kernel, prepare
from .lexer import ASSERT, CHARS, MATCH, SPLIT

prepare("Lark grammars")

I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]

FIRST, CLASS, NEXT, OWNER = range(4)  # rows of the result of `ways`
NO, YES, OPEN = range(3)  # whether a string is matched; OPEN: an assertion decides
ENDS, ASSERTS = 1, 2


@kernel("int32[:,::1](A, A)", nogil=True, allocates=True)
def ways(code: I32, some_class: I32) -> I32:
    """Shortest ways to a match, lookarounds apart: from the matches backwards, the nearest instructions first.

    Parameters
    ----------
    code : (3 * n,) int32
    some_class : (n_sets,) int32
        A class of each set, -1 where there is none to use.

    Returns
    -------
    (4, n) int32
        For each instruction where such a way first reads a character, or matches (-1: there is none); for those that
        read, the class that is read, and where the way reads next; the terminal.

    Notes
    -----
    Breadth first, where only characters take a step: O(n).
    """
    n = code.shape[0] // 3
    count = np.zeros(n + 1, np.int32)
    for pc in range(n):  # what leads to an instruction: SPLIT both ways
        if code[3 * pc] != MATCH:
            count[code[3 * pc + 2] + 1] += 1
            if code[3 * pc] == SPLIT:
                count[code[3 * pc + 1] + 1] += 1
    for pc in range(n):
        count[pc + 1] += count[pc]
    before, fill = np.empty(count[n], np.int32), count.copy()
    found = np.zeros((4, n), np.int32)
    found[FIRST], found[CLASS] = -1, -1
    waiting = np.empty((2 * (count[n] + n) + 2, 2), np.int32)  # a queue, at both ends
    head = tail = np.int64(count[n]) + n
    for pc in range(n):
        op, a, b = code[3 * pc], code[3 * pc + 1], code[3 * pc + 2]
        if op == MATCH:
            waiting[tail, 0] = waiting[tail, 1] = pc
            tail += 1
            found[OWNER, pc] = a
        elif op != CHARS or some_class[a] >= 0:
            before[fill[b]] = pc
            fill[b] += 1
            if op == SPLIT:
                before[fill[a]] = pc
                fill[a] += 1
    while head < tail:
        pc, reading = waiting[head, 0], waiting[head, 1]
        head += 1
        if found[FIRST, pc] >= 0:
            continue
        found[FIRST, pc] = reading
        for at in range(count[pc], fill[pc]):
            other = np.int64(before[at])
            found[OWNER, other] = found[OWNER, pc]
            if code[3 * other] != CHARS:
                head -= 1
                waiting[head, 0], waiting[head, 1] = other, reading
            elif found[FIRST, other] < 0:
                found[CLASS, other], found[NEXT, other] = some_class[code[3 * other + 1]], reading
                waiting[tail, 0] = waiting[tail, 1] = other
                tail += 1
    return found


@kernel("Tuple((i8, i8))(A, i8, A, i8, A, i8, A)", nogil=True)
def _reach(code: I32, pc: int, threads: I32, n: int, stamps: I32, stamp: int, stack: I32) -> tuple[int, int]:
    """Add the instructions that read behind one to threads, in order, up to a match: their number, ENDS | ASSERTS."""
    flags = 0
    stack[0] = pc
    top = 1
    while top:
        top -= 1
        at = np.int64(stack[top])
        if stamps[at] == stamp:
            continue
        stamps[at] = stamp
        op = code[3 * at]
        if op == MATCH:
            return n, flags | ENDS
        if op == CHARS:
            threads[n] = at
            n += 1
        else:
            if op == ASSERT:
                flags |= ASSERTS
            stack[top] = code[3 * at + 2]
            top += 1
            if op == SPLIT:
                stack[top] = code[3 * at + 1]
                top += 1
    return n, flags


@kernel("void(A, A, uint8[:,::1], A, A, uint8[:,::1])", nogil=True, allocates=True)
def match_strings(code: I32, entry: I32, sets: U8, letters: I32, first: I32, found: U8) -> None:
    """Whether the first match of a program, in the order of its threads, is the whole of a string.

    Parameters
    ----------
    code : (3 * n,) int32
    entry : (n_programs,) int32
    sets : (n_sets, n_classes) uint8
    letters, first : int32
        String s is ``letters[first[s]:first[s + 1]]``, classes of characters; none is empty.
    found : (n_programs, n_strings) uint8, in and out
        Whether it is asked; becomes NO, YES, or OPEN where an assertion was met, which was taken to hold.
    """
    n_code = code.shape[0] // 3
    stamps, threads, after = np.zeros(n_code, np.int32), np.empty(n_code, np.int32), np.empty(n_code, np.int32)
    stack, start = np.empty(2 * n_code + 2, np.int32), np.empty(n_code, np.int32)
    stamp = 0
    for program in range(entry.shape[0]):
        stamp += 1
        n_start, flags_start = _reach(code, entry[program], start, 0, stamps, stamp, stack)
        for s in range(first.shape[0] - 1):
            if not found[program, s]:
                continue
            n, flags = n_start, flags_start
            threads[:n] = start[:n]
            for at in range(first[s], first[s + 1]):
                stamp += 1
                n_after, flags = 0, flags & ASSERTS
                for i in range(n):
                    read = 3 * np.int64(threads[i])
                    if sets[code[read + 1], letters[at]]:
                        n_after, more = _reach(code, code[read + 2], after, n_after, stamps, stamp, stack)
                        flags |= more
                        if more & ENDS:
                            break
                n = n_after
                threads[:n] = after[:n]
            found[program, s] = OPEN if flags & ASSERTS else YES if flags & ENDS else NO
