"""Masks without the tokens that would write a key twice, or begin one that can only become one written before.

A mask is made from the state alone and shared; here the few tokens are taken away that the keys of this one text
forbid. Inside a key, those are found along each key that begins like it, through the trie of the vocabulary. Any other
token writes a key, or begins one, between its own quotes (:mod:`detent.native.key_tokens`): those that concern a key of
an open object are tried one by one.
"""

from __future__ import annotations

import numpy as np

from .arena import COWALK, FULL, MARKED, POS, POS_STRIDE, SHORT, STATE, STATE_STRIDE, STATUS, VALUE
from .jit import kernel
from .key_tokens import (
    CLOSINGS,
    ENTRY,
    FILTER,
    MANY_KEYS,
    N_BARE,
    N_BEGUN,
    N_CLOSED,
    N_CLOSINGS,
    N_PARTIAL,
    N_SECOND,
    OPENINGS,
    filter_bit,
    hash_before,
)
from .keys import (
    COUNT,
    E_BEFORE,
    E_BEGUN,
    E_ENDINGS,
    E_HOT,
    E_LENGTH,
    E_TEXT,
    ENDS,
    F_COUNT,
    F_LAST,
    F_PARENT,
    HOT,
    IS_KEY,
    ISLANDS,
    LAST,
    MODE,
    TEXT,
    TOP,
    USED,
    find_text,
    has_room,
    has_text,
    leave_island,
    lex,
    note_hot,
    restore,
    save,
)
from .names_left import begins, goes_on, name_left, some_end
from .positions import K_ARRAY, K_KEY, K_MEMBER, K_OBJECT, K_STRING, K_TEXT, START
from .states import S_COUNT, S_ITEMS
from .steps import ask_value, step
from .strings import CHAR, char_step, spelled
from .suffixes import trie_edge
from .tables import is_marked, mark_below
from .trie import V_BYTE, V_CHILD, V_CLOSINGS, V_OPENINGS, V_TOKBYTES, V_TOKFIRST, V_TOKIDS, V_TOKOFF

NOTED = 30  # characters of a key of which is kept whether tokens can end it from there


@kernel("b1(A, i8)")
def is_inside(A, state):
    """Whether a text is inside a string, an object or an array of an island.

    A grammar whose islands need this is refused where other text could be read beside them (see
    :mod:`detent.automata.rule_lowering`), so one item tells.
    """
    at = int(A[STATE]) + state * STATE_STRIDE
    items = int(A[at + S_ITEMS])
    for j in range(int(A[at + S_COUNT])):
        pos = int(A[POS]) + int(A[items + 2 * j]) * POS_STRIDE
        kind = A[pos]
        if kind == K_STRING or kind == K_KEY or kind == K_MEMBER:
            return True
        if (kind == K_OBJECT or kind == K_ARRAY) and A[pos + 3] != START:
            return True
        if kind != K_TEXT and A[items + 2 * j + 1] > 0:
            above = int(A[A[STATE] + A[items + 2 * j + 1] * STATE_STRIDE + S_ITEMS])
            kind = A[A[POS] + A[above] * POS_STRIDE]
            if kind == K_OBJECT or kind == K_ARRAY:
                return True
    return False


@kernel("i8(A, A, i8, A, i8, i8, A)")
def follow_islands(A, V, state, data, first, last, K):
    """As :func:`follow`, of a text that is JSON in parts, which the lexer reads; its header has been saved."""
    was_inside = is_inside(A, state)
    for j in range(first, last):
        b = int(data[j])
        to = step(A, state, b)
        if to <= 0:
            restore(K)
            return ask_value(A, state, j - first) if A[STATUS] == VALUE else 0
        state = to
        inside = is_inside(A, state)
        if inside:
            ends_key = K[IS_KEY] != 0 and K[MODE] == 0 and b == 34
            if not lex(K, b):
                restore(K)
                return 0
            if ends_key:
                note_hot(V, K)
        elif was_inside:
            leave_island(K)
        was_inside = inside
    if K[MODE] >= 0 and K[IS_KEY] and K[COUNT] and not name_left(A, K, state):
        restore(K)
        return 0
    return state


@kernel("i8(A, A, i8, A, i8, i8, i8, A)")
def follow(A, V, state, data, first, read, last, K):
    """State after the bytes ``data[first:last]``, with the lexer beside it (called for bytes that matter to it).

    Parameters
    ----------
    read : int
        The bytes before it have led to ``state``: only the lexer reads them.

    Returns
    -------
    int
        0 when they are not allowed, or ``A[STATUS]`` says why they could not be read; :func:`.steps.ask_value` when a
        value must be known first. Then nothing has changed.
    """
    if not has_room(K, last - first):
        A[STATUS] = SHORT
        return 0
    save(K)
    if K[ISLANDS]:
        return follow_islands(A, V, state, data, first, last, K)
    mode, is_key, used = int(K[MODE]), int(K[IS_KEY]), int(K[USED])
    for j in range(first, last):
        b = int(data[j])
        if j >= read:
            to = step(A, state, b)
            if to <= 0:
                restore(K)
                return ask_value(A, state, j - first) if A[STATUS] == VALUE else 0
            state = to
        if mode == 0 and b != 34 and b != 92 and b < 0x80:
            if is_key:
                K[used] = b
                used += 1
            continue
        if mode < 0 and b != 34 and b != 44 and b | 32 != 123 and b | 32 != 125:
            continue
        K[USED] = used
        if not lex(K, b):
            restore(K)
            return 0
        if is_key and mode == 0 and b == 34:
            note_hot(V, K)
        mode, is_key, used = int(K[MODE]), int(K[IS_KEY]), int(K[USED])
    K[USED] = used
    if is_key and K[COUNT] and not name_left(A, K, state):
        restore(K)
        return 0
    return state


@kernel("void(A, A, int32[:, ::1], i8, i8, i8, A)")
def try_token(A, V, mask, row, state, token, K):
    """Take a token away if it is not allowed after all; nothing once ``A[STATUS]`` is set.

    What goes on after a value that is not known is sure (:mod:`.suspects`), so no key begins there.
    """
    if A[STATUS] != 0 or (mask[row, token >> 5] >> (token & 31)) & 1 == 0:
        return
    at, base = int(V[V_TOKOFF]) + token, int(V[V_TOKBYTES])
    first = base + int(V[at])
    result = follow(A, V, state, V, first, first, base + int(V[at + 1]), K)
    if result > 0:
        restore(K)
    elif result == 0 and A[STATUS] == 0:
        mask[row, token >> 5] &= ~(np.int32(1) << np.int32(token & 31))


@kernel("void(A, int32[:, ::1], i8, i8)")
def clear_from(V, mask, row, node):
    """Take away all tokens that end at a trie node or below: level by level they are one slice."""
    child, first, ids = int(V[V_CHILD]), int(V[V_TOKFIRST]), int(V[V_TOKIDS])
    start, stop = node, node + 1
    while start < stop:
        for j in range(int(V[first + start]), int(V[first + stop])):
            t = V[ids + j]
            mask[row, t >> 5] &= ~(1 << (t & 31))
        start, stop = int(V[child + start]), int(V[child + stop])


@kernel("i8(A, A, int32[:, ::1], i8, i8, i8, i8, i8, i8, i8, A, i8)")
def follow_key(A, V, mask, row, entry, ends, c, here, mode, length, K, top):
    """Enter node ``c`` of the trie along a key that was written before.

    What cannot come to another key is taken away; what is still to be looked into is put on the stack.

    Parameters
    ----------
    entry, length, mode : int
        The key, how many of its characters were read, and the mode inside the next one.
    ends : int
        Whether names can be used up: then every beginning is looked at, else only the way to closing quotes.
    here : int
        State at the parent of ``c``.
    top : int
        Frames on the stack (node, state, mode, length).

    Returns
    -------
    int
        The new ``top``.
    """
    if not ends and not is_marked(A, MARKED, c):
        return top
    b = int(V[V[V_BYTE] + c])
    mode = char_step(mode, b)
    to = step(A, here, b)
    if to <= 0:
        return top
    if mode >= CHAR:
        mode, length = 0, length + 1
    if ends and not goes_on(A, K, to, entry + E_TEXT, length, mode):
        clear_from(V, mask, row, c)
        return top
    if V[V[V_CHILD] + c] < V[V[V_CHILD] + c + 1]:
        if 4 * top + 4 > A[COWALK + 1]:
            A[STATUS] = FULL
            return top
        at = int(A[COWALK]) + 4 * top
        A[at], A[at + 1], A[at + 2], A[at + 3] = c, to, mode, length
        top += 1
    return top


@kernel("i8(A, A, int32[:, ::1], i8, i8, i8, i8, A)")
def strike_key(A, V, mask, row, state, entry, ends, K):
    """Take away what leads from inside a key to one that was written before, in every spelling.

    Returns
    -------
    int
        The last character of the key that was looked at.
    """
    stack = int(A[COWALK])
    start = int(K[USED]) - int(K[TEXT]) - E_TEXT
    A[stack], A[stack + 1], A[stack + 2], A[stack + 3] = 0, state, K[MODE], start
    top, depth = 1, 0
    while top > 0 and A[STATUS] == 0:
        top -= 1
        at = stack + 4 * top
        y, here, mode, length = int(A[at]), int(A[at + 1]), int(A[at + 2]), int(A[at + 3])
        depth = max(depth, length)
        if length == K[entry + E_LENGTH]:
            c = trie_edge(V, y, 34)
            if c >= 0:
                clear_from(V, mask, row, c)
            continue
        for way in range(2):
            b = spelled(mode, int(K[entry + E_TEXT + length]), way)
            c = trie_edge(V, y, b) if b >= 0 else -1
            if c >= 0:
                top = follow_key(A, V, mask, row, entry, ends, c, here, mode, length, K, top)
    return depth


@kernel("i8(A, A, i8, i8)")
def first_closing(V, K, entry, start):
    """The first closing that reads a key from character ``start`` on, or -1."""
    table, text, length = int(V[V_CLOSINGS]), entry + E_TEXT + start, int(K[entry + E_LENGTH]) - start
    at, n = table + CLOSINGS, int(V[table + N_CLOSINGS])
    k = find_text(V, table, at, n, K, text, length)
    return k if has_text(V, table, at, n, k, K, text, length) else -1


@kernel("void(A, A, i8)")
def find_endings(V, K, entry):
    """Note from which characters on (of the first ``NOTED``) tokens can end a key."""
    bits, length, h = V[V_CLOSINGS] + FILTER, int(K[entry + E_LENGTH]), 0
    found = 1 << NOTED
    for start in range(length, -1, -1):
        if start < length:
            h = hash_before(h, int(K[entry + E_TEXT + start]))
        bit = filter_bit(h)
        if start < NOTED and (V[bits + (bit >> 5)] >> (bit & 31)) & 1 and first_closing(V, K, entry, start) >= 0:
            found |= 1 << start
    K[entry + E_ENDINGS] = found


@kernel("b1(A, A, i8, i8)")
def can_end(V, K, entry, start):
    """Whether a token can end a key of which ``start`` characters were read."""
    if K[entry + E_ENDINGS] == 0:
        find_endings(V, K, entry)
    if start < NOTED:
        return (K[entry + E_ENDINGS] >> start) & 1 != 0
    return first_closing(V, K, entry, start) >= 0


@kernel("void(A, int32[:, ::1], i8, i8, i8, A)")
def strike_closings(V, mask, row, entry, start, K):
    """Take away the tokens that end a key like one that was written, of which ``start`` characters were read."""
    if not can_end(V, K, entry, start):
        return
    k = first_closing(V, K, entry, start)
    table, text, length = int(V[V_CLOSINGS]), entry + E_TEXT + start, int(K[entry + E_LENGTH]) - start
    while has_text(V, table, table + CLOSINGS, int(V[table + N_CLOSINGS]), k, K, text, length):
        clear_from(V, mask, row, int(V[table + CLOSINGS + ENTRY * k]))
        k += 1


@kernel("i8(A, i8, i8)")
def alike(K, entry, other):
    """How many characters two keys begin with alike."""
    n = min(int(K[entry + E_LENGTH]), int(K[other + E_LENGTH]))
    for j in range(n):
        if K[entry + E_TEXT + j] != K[other + E_TEXT + j]:
            return j
    return n


@kernel("void(A, A, int32[:, ::1], i8, i8, A)")
def strike_here(A, V, mask, row, state, K):
    """Take away what leads on from inside a key to one that its object has. O(keys of the object)."""
    text = int(K[TEXT]) + E_TEXT
    length, mode, entry = int(K[USED]) - text, int(K[MODE]), int(K[LAST])
    ends = A[K[ENDS]] != 0 and some_end(A, state)
    if A[MARKED] == 0 and mode != 0 and not ends:
        mark_below(A, V, MARKED)
    walked, depth = 0, 0
    while entry != 0 and A[STATUS] == 0:
        if begins(K, entry, text, length, mode):
            if mode == 0 and not ends:
                strike_closings(V, mask, row, entry, length, K)
            elif walked == 0 or alike(K, entry, walked) <= depth:  # else everything on the way is the same
                walked, depth = entry, strike_key(A, V, mask, row, state, entry, ends, K)
        entry = int(K[entry + E_BEFORE])


@kernel("void(A, A, int32[:, ::1], i8, i8, i8, A)")
def try_whole(A, V, mask, row, state, entry, K):
    """Try the tokens that write a key as a whole."""
    table, text, length = int(V[V_OPENINGS]), entry + E_TEXT, int(K[entry + E_LENGTH])
    at, n = table + OPENINGS, int(V[table + N_CLOSED])
    k = find_text(V, table, at, n, K, text, length)
    while has_text(V, table, at, n, k, K, text, length):
        try_token(A, V, mask, row, state, int(V[at + ENTRY * k]), K)
        k += 1


@kernel("i8(A, i8, i8, i8, i8)")
def begun_from(V, lo, hi, depth, cp):
    """Of begun openings, alike for ``depth`` characters and longer, the first that goes on with ``cp`` or more."""
    table = int(V[V_OPENINGS])
    while lo < hi:
        mid = (lo + hi) >> 1
        if V[table + V[table + OPENINGS + ENTRY * mid + 1] + depth] < cp:
            lo = mid + 1
        else:
            hi = mid
    return lo


@kernel("b1(A, A, i8)")
def can_begin(V, K, entry):
    """Whether a token opens a key and begins it as this one does."""
    if K[entry + E_BEGUN] == 0:
        lo, hi = int(V[V[V_OPENINGS] + N_CLOSED]), int(V[V[V_OPENINGS] + N_CLOSED] + V[V[V_OPENINGS] + N_BEGUN])
        found = False
        if K[entry + E_LENGTH] > 0:
            cp = int(K[entry + E_TEXT])
            found = begun_from(V, lo, hi, 0, cp) < begun_from(V, lo, hi, 0, cp + 1)
        K[entry + E_BEGUN] = 1 if found else -1
    return K[entry + E_BEGUN] > 0


@kernel("void(A, A, int32[:, ::1], i8, i8, i8, A)")
def try_begun(A, V, mask, row, state, entry, K):
    """Try the tokens that begin a key like one that was written. O(length log openings)."""
    table = int(V[V_OPENINGS])
    lo = int(V[table + N_CLOSED])
    hi = lo + int(V[table + N_BEGUN])
    for depth in range(int(K[entry + E_LENGTH])):
        cp = int(K[entry + E_TEXT + depth])
        lo = begun_from(V, lo, hi, depth, cp)
        hi = begun_from(V, lo, hi, depth, cp + 1)
        while lo < hi and V[table + OPENINGS + ENTRY * lo + 2] == depth + 1:
            try_token(A, V, mask, row, state, int(V[table + OPENINGS + ENTRY * lo]), K)
            lo += 1
        if lo == hi:
            return


@kernel("void(A, A, int32[:, ::1], i8, i8, i8, A)")
def try_listed(A, V, mask, row, state, kind, K):
    """Try all tokens of a kind: ``N_PARTIAL``, ``N_BARE`` or ``N_SECOND``."""
    table = int(V[V_OPENINGS])
    at = table + OPENINGS + ENTRY * int(V[table + N_CLOSED] + V[table + N_BEGUN])
    for earlier in range(N_PARTIAL, kind):
        at += int(V[table + earlier])
    for j in range(int(V[table + kind])):
        try_token(A, V, mask, row, state, int(V[at + j]), K)


@kernel("i8(A, A, A)")
def most_keys(A, V, K):
    """The most keys that an open object can have after one more token, and one for the empty name."""
    frame, most = int(K[TOP]), int(K[COUNT])
    while frame != 0:
        most, frame = max(most, int(K[frame + F_COUNT])), int(K[frame + F_PARENT])
    return most + int(V[V[V_OPENINGS] + MANY_KEYS]) + 1


@kernel("i8(A, A, i8, i8)")
def next_begun(V, K, entry, frame):
    """The first entry from one on, in a frame and those around it, whose beginning a token opens, and its frame.

    Returns
    -------
    int
        frame << 32 | entry, or 0.
    """
    while frame != 0:
        while entry != 0:
            if can_begin(V, K, entry):
                return frame << 32 | entry
            entry = int(K[entry + E_BEFORE])
        entry, frame = int(K[frame + F_LAST]), int(K[frame + F_PARENT])
    return 0


@kernel("void(A, A, int32[:, ::1], i8, i8, A)")
def strike_begun(A, V, mask, row, state, K):
    """Take away tokens that begin a key of which nothing is left; needed where names can be used up."""
    try_listed(A, V, mask, row, state, N_PARTIAL, K)
    found = next_begun(V, K, int(K[LAST]), int(K[TOP]))
    while found != 0 and A[STATUS] == 0:
        entry = found & 0xFFFFFFFF
        try_begun(A, V, mask, row, state, entry, K)
        found = next_begun(V, K, int(K[entry + E_BEFORE]), found >> 32)
    if most_keys(A, V, K) >= A[K[ENDS] + 1]:
        try_listed(A, V, mask, row, state, N_BARE, K)


@kernel("b1(A, A, A)")
def may_strike_begun(A, V, K):
    """Whether :func:`strike_begun` has anything to look at. O(keys of the open objects)."""
    if V[V[V_OPENINGS] + N_PARTIAL] != 0 or next_begun(V, K, int(K[LAST]), int(K[TOP])) != 0:
        return True
    return most_keys(A, V, K) >= A[K[ENDS] + 1]


@kernel("b1(A, A, A)")
def may_strike_here(A, V, K):
    """Whether :func:`strike_here` has anything to look at. O(keys of the object)."""
    text = int(K[TEXT]) + E_TEXT
    length, mode, entry = int(K[USED]) - text, int(K[MODE]), int(K[LAST])
    walks = mode != 0 or A[K[ENDS]] != 0
    while entry != 0:
        if begins(K, entry, text, length, mode) and (walks or can_end(V, K, entry, length)):
            return True
        entry = int(K[entry + E_BEFORE])
    return False


@kernel("b1(A, A, A)")
def may_strike(A, V, K):
    """Whether :func:`strike` has anything to look at."""
    if K[HOT] != 0 or V[V[V_OPENINGS] + N_SECOND] != 0 or (A[K[ENDS]] != 0 and may_strike_begun(A, V, K)):
        return True
    return K[COUNT] != 0 and K[MODE] >= 0 and K[IS_KEY] != 0 and may_strike_here(A, V, K)


@kernel("void(A, A, int32[:, ::1], i8, i8, A)")
def strike(A, V, mask, row, state, K):
    """Take away from the mask of a state what the keys of the text forbid.

    Parameters
    ----------
    mask : (rows, ceil(n / 32)) int32
        Row ``row`` holds the mask of ``state``; when ``A[STATUS]`` is set, some of what must go is still there.
    """
    if K[COUNT] != 0 and K[MODE] >= 0 and K[IS_KEY]:
        strike_here(A, V, mask, row, state, K)
    entry = int(K[HOT])
    while entry != 0 and A[STATUS] == 0:
        try_whole(A, V, mask, row, state, entry, K)
        entry = int(K[entry + E_HOT])
    try_listed(A, V, mask, row, state, N_SECOND, K)
    if A[K[ENDS]] != 0 and A[STATUS] == 0:
        strike_begun(A, V, mask, row, state, K)
