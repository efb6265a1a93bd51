"""Whether a key that has begun can still become one that its object has not.

An automaton of free names may have states from which only finitely many names follow. What is left is a matter of
counting: the names that it accepts below a beginning, less the keys of the object among them. Which listed names were
written is part of the position.
"""

from __future__ import annotations

from .arena import LAZY, POS, POS_STRIDE, STATE, STATE_STRIDE
from .jit import kernel
from .keys import COUNT, E_BEFORE, E_LENGTH, E_TEXT, LAST, MODE, TEXT, USED
from .languages import (
    DFA_CLASSES,
    DFA_CLS,
    DFA_ENDS,
    DFA_GOALS,
    DFA_INTERVALS,
    DFA_STARTS,
    DFA_TRANS,
    DFA_WORDS,
    SPEC_REF,
    dfa_step,
    interval_of,
)
from .positions import (
    K_KEY,
    K_OBJECT,
    NAME,
    O_SPEC,
    O_TRIE,
    any_word,
    free_allowed,
)
from .states import S_COUNT, S_ITEMS
from .steps import name_can_go_on
from .strings import LAST as LAST_CHAR
from .strings import UTF8, mode_range

MANY = 1 << 30


@kernel("b1(i8, i8)")
def can_be(mode, cp):
    """Whether a character that has begun can become this one."""
    if mode == 0:
        return True
    for part in range(3):
        first, last = mode_range(mode, part)
        if first <= cp <= last:
            return True
    return False


@kernel("b1(A, i8, i8, i8, i8)")
def begins(K, entry, text, length, mode):
    """Whether a key of the buffer begins with a text and a character that may have begun."""
    size = int(K[entry + E_LENGTH])
    if size < length + (1 if mode != 0 else 0):
        return False
    for j in range(length):
        if K[entry + E_TEXT + j] != K[text + j]:
            return False
    return mode == 0 or can_be(mode, int(K[entry + E_TEXT + length]))


@kernel("i8(A, i8, i8, i8)")
def words_from(A, dfa, q, mode):
    """How many words an automaton accepts from a state, after a character that may have begun; -1 without end."""
    words, n = int(A[dfa + DFA_WORDS]), int(A[dfa + DFA_INTERVALS])
    if mode == 0:
        return int(A[words + q])
    starts, cls = int(A[dfa + DFA_STARTS]), int(A[dfa + DFA_CLS])
    row, total = int(A[dfa + DFA_TRANS]) + q * int(A[dfa + DFA_CLASSES]), 0
    for part in range(3):
        first, last = mode_range(mode, part)
        if first > last:
            continue
        k = interval_of(A, dfa, first)
        while k < n and A[starts + k] <= last:
            to = int(A[row + A[cls + k]])
            if to >= 0:
                if A[words + to] < 0:
                    return -1
                end = int(A[starts + k + 1]) - 1 if k + 1 < n else LAST_CHAR
                total += (min(last, end) - max(first, int(A[starts + k])) + 1) * int(A[words + to])
            k += 1
    return min(total, MANY)


@kernel("b1(A, A, i8, i8, i8, i8, i8)")
def free_name_left(A, K, dfa, q, text, length, mode):
    """Whether an automaton that has read a beginning can read on to a name that the object does not have.

    O(keys of the object), and only where the words of the state are that few.
    """
    left = words_from(A, dfa, q, mode)
    if left < 0 or left > K[COUNT]:
        return True
    goals, entry = int(A[dfa + DFA_GOALS]), int(K[LAST])
    while entry != 0:
        if begins(K, entry, text, length, mode):
            to, j = q, length
            while to >= 0 and j < K[entry + E_LENGTH]:
                to = dfa_step(A, dfa, to, int(K[entry + E_TEXT + j]))
                j += 1
            if to >= 0 and A[goals + to] >= 0:
                left -= 1
        entry = int(K[entry + E_BEFORE])
    return left > 0


@kernel("b1(A, A, i8, i8, i8, i8)")
def item_goes_on(A, K, pos, text, length, mode):
    """Whether a position before or inside a key can come to a name that the object does not have."""
    at = int(A[POS]) + pos * POS_STRIDE
    inside = A[at] == K_KEY
    if not inside and (A[at] != K_OBJECT or A[at + 3] != NAME):
        return True
    obj, seen, count = int(A[A[LAZY] + A[at + 1]]), int(A[at + 2]), int(A[at + 6 if inside else at + 5])
    free, spec = free_allowed(A, obj, seen, count), int(A[obj + O_SPEC])
    if free and spec < 0:
        return True
    q = int(A[at + 4]) if inside else 0
    if free and q >= 0 and free_name_left(A, K, int(A[spec + SPEC_REF]), q, text, length, mode):
        return True
    node = int(A[at + 3]) if inside else int(A[obj + O_TRIE])
    if node < 0:
        return False
    whole = mode == 0 or (mode & ~0xFFFFFF) == UTF8
    return any_word(A, obj, seen, count, node) if whole else name_can_go_on(A, obj, seen, count, node, mode)


@kernel("b1(A, i8)")
def some_end(A, state):
    """Whether names can be used up at some item of a state inside a key."""
    at = int(A[STATE]) + state * STATE_STRIDE
    items = int(A[at + S_ITEMS])
    for j in range(int(A[at + S_COUNT])):
        pos = int(A[POS]) + int(A[items + 2 * j]) * POS_STRIDE
        if A[pos] == K_KEY:
            obj = int(A[A[LAZY] + A[pos + 1]])
            if A[obj + O_SPEC] >= 0 and A[A[A[obj + O_SPEC] + SPEC_REF] + DFA_ENDS]:
                return True
    return False


@kernel("b1(A, A, i8, i8, i8, i8)")
def goes_on(A, K, state, text, length, mode):
    """Whether some item of a state can, after a beginning of ``length`` characters at ``text`` in the buffer."""
    at = int(A[STATE]) + state * STATE_STRIDE
    items = int(A[at + S_ITEMS])
    for j in range(int(A[at + S_COUNT])):
        if item_goes_on(A, K, int(A[items + 2 * j]), text, length, mode):
            return True
    return False


@kernel("b1(A, A, i8)")
def name_left(A, K, state):
    """Whether the key that is being read, or that must come next, can be one that the open object does not have."""
    if K[MODE] < 0:
        return goes_on(A, K, state, 0, 0, 0)
    text = int(K[TEXT]) + E_TEXT
    return goes_on(A, K, state, text, int(K[USED]) - text, int(K[MODE]))
