"""Which keys the open objects have: a lexer of JSON beside the state of a matcher.

The lexical structure of JSON is the same under every schema, so the keys of a text need not be part of any state:
states, pairs and recipes stay shared whatever keys were written. A key is compared by its decoded characters.

The keys of one text live in a buffer of the matcher, ``K``: header, records, free words, journal. Records are only ever
appended, so what the header says is all that a step changes, and to undo steps is to restore it from the journal, which
grows from the end of the buffer and holds the header before each step.

::

    header    MODE      mode of the open string (:mod:`detent.native.strings`), OUTSIDE between strings
              IS_KEY    whether the open string, or else the next one, is a key
              TOP       frame of the innermost open object or array
              LAST      its last key (0: none, or an array), and COUNT the number of its keys
              HOT       last key of any open object that some token can write on its own
              TEXT      entry of the key being read
              USED      words in use
              STEPS     number of snapshots in the journal
              ENDS      address in the arena: whether names of the grammar can be used up, and of how few
              ISLANDS   whether JSON is only a part of the text
    frame     frame around it, whether it is an object, and LAST, COUNT and HOT of the one around it
    entry     the entry before it in its object, the hot entry before it, number of characters, hash, what was found
              out about it (0: nothing yet): from where tokens can end it, whether they can begin it; characters

All other addresses are offsets in the buffer.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .arena import mix
from .jit import kernel
from .key_tokens import ENTRY, N_CLOSED, OPENINGS
from .strings import CHAR, QUOTE, char_step
from .trie import V_OPENINGS

MODE, IS_KEY, TOP, LAST, COUNT, HOT, TEXT, USED, SNAPSHOT, STEPS, ENDS, HEADER = 0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 9, 11
ISLANDS = 10
F_PARENT, F_OBJECT, F_LAST, F_COUNT, F_HOT, FRAME = 0, 1, 2, 3, 4, 5
E_BEFORE, E_HOT, E_LENGTH, E_HASH, E_ENDINGS, E_BEGUN, E_TEXT = 0, 1, 2, 3, 4, 5, 6
PER_BYTE = 6  # words that one byte adds at most
OUTSIDE = -1
SMALLEST = 256  # words of a new buffer


def new_buffer(ends: int, *, islands: bool = False) -> npt.NDArray[np.int32]:
    """A buffer at the start of a text, (``SMALLEST``,) int32; the arguments are for ``ENDS`` and ``ISLANDS``."""
    K = np.zeros(SMALLEST, np.int32)
    K[MODE], K[USED], K[ENDS], K[ISLANDS] = OUTSIDE, HEADER, ends, islands
    return K


def larger(K: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """A copy of a buffer with twice the room."""
    out = np.zeros(2 * len(K), np.int32)
    used, journal = int(K[USED]), SNAPSHOT * int(K[STEPS])
    out[:used] = K[:used]
    out[len(out) - journal :] = K[len(K) - journal :]
    return out


@kernel("b1(A, i8)")
def has_room(K, n_bytes):
    """Whether the records of so many bytes fit, and one more snapshot."""
    return K[USED] + PER_BYTE * n_bytes + SNAPSHOT * (K[STEPS] + 1) <= len(K)


@kernel("void(A)")
def save(K):
    """Write the header behind the journal: the state to come back to."""
    at = np.uint64(len(K) - SNAPSHOT * (int(K[STEPS]) + 1))
    for j in range(np.uint64(SNAPSHOT)):  # unsigned indices: a vector copy
        K[at + j] = K[j]


@kernel("void(A)")
def restore(K):
    """Go back to what :func:`save` wrote."""
    at = np.uint64(len(K) - SNAPSHOT * (int(K[STEPS]) + 1))
    for j in range(np.uint64(SNAPSHOT)):
        K[j] = K[at + j]


@kernel("void(A, i8)")
def rollback(K, n):
    """Undo the last ``n`` steps, at least one. O(1)."""
    K[STEPS] -= n
    restore(K)


@kernel("i8(A, i8, i8, A, i8, i8)")
def compare(K, text, length, V, other, size):
    """Order of two texts of code points, one in each array: negative, 0 or positive."""
    for j in range(min(length, size)):
        if K[text + j] != V[other + j]:
            return int(K[text + j]) - int(V[other + j])
    return length - size


@kernel("i8(A, i8, i8, i8, A, i8, i8)")
def find_text(V, table, at, n, K, text, length):
    """Number of the first of ``n`` entries at ``at``, sorted by text, that has this text or a later one. O(log n)."""
    lo, hi = 0, n
    while lo < hi:
        mid = (lo + hi) >> 1
        entry = at + ENTRY * mid
        if compare(K, text, length, V, table + int(V[entry + 1]), int(V[entry + 2])) > 0:
            lo = mid + 1
        else:
            hi = mid
    return lo


@kernel("b1(A, i8, i8, i8, i8, A, i8, i8)")
def has_text(V, table, at, n, k, K, text, length):
    """Whether entry ``k`` of :func:`find_text` is there and has this text."""
    entry = at + ENTRY * k
    return k < n and compare(K, text, length, V, table + int(V[entry + 1]), int(V[entry + 2])) == 0


@kernel("b1(A, A, i8, i8)")
def can_be_written(V, K, text, length):
    """Whether a token can write a whole key with this text."""
    table = int(V[V_OPENINGS])
    at, n = table + OPENINGS, int(V[table + N_CLOSED])
    return has_text(V, table, at, n, find_text(V, table, at, n, K, text, length), K, text, length)


@kernel("void(A, A)")
def note_hot(V, K):
    """Note the last key of the open object as hot if a token can write it. O(log openings)."""
    entry = int(K[LAST])
    if can_be_written(V, K, entry + E_TEXT, int(K[entry + E_LENGTH])):
        K[HOT] = entry


@kernel("b1(A)")
def close_key(K):
    """Record the key that was read; False when its object has it already. O(keys of the object)."""
    entry = int(K[TEXT])
    text, length = entry + E_TEXT, int(K[USED]) - entry - E_TEXT
    h = length
    for j in range(length):
        h = mix(h, int(K[text + j]))
    h &= 0x7FFFFFFF
    other = int(K[LAST])
    while other != 0:
        if K[other + E_HASH] == h and compare(K, text, length, K, other + E_TEXT, int(K[other + E_LENGTH])) == 0:
            return False
        other = int(K[other + E_BEFORE])
    K[entry + E_BEFORE], K[entry + E_HOT] = K[LAST], K[HOT]
    K[entry + E_LENGTH], K[entry + E_HASH] = length, h
    K[entry + E_ENDINGS], K[entry + E_BEGUN] = 0, 0
    K[LAST], K[IS_KEY] = entry, 0
    K[COUNT] += 1
    return True


@kernel("void(A, i8)")
def open_frame(K, is_object):
    """An opening brace or bracket."""
    at = int(K[USED])
    K[at + F_PARENT], K[at + F_OBJECT] = K[TOP], is_object
    K[at + F_LAST], K[at + F_COUNT], K[at + F_HOT] = K[LAST], K[COUNT], K[HOT]
    K[TOP], K[LAST], K[COUNT], K[IS_KEY], K[USED] = at, 0, 0, is_object, at + FRAME


@kernel("void(A)")
def close_frame(K):
    """A closing brace or bracket."""
    at = int(K[TOP])
    K[TOP], K[LAST], K[COUNT], K[HOT] = K[at + F_PARENT], K[at + F_LAST], K[at + F_COUNT], K[at + F_HOT]
    K[IS_KEY] = 0


@kernel("void(A, i8)")
def between(K, b):
    """A byte outside strings."""
    if b == 34:
        K[MODE] = 0
        if K[IS_KEY]:
            K[TEXT] = K[USED]
            K[USED] += E_TEXT
    elif b == 44:
        K[IS_KEY] = K[K[TOP] + F_OBJECT]
    elif b == 123 or b == 91:
        open_frame(K, 1 if b == 123 else 0)
    elif b == 125 or b == 93:
        close_frame(K)


@kernel("void(A)")
def leave_island(K):
    """Forget the keys of a JSON value that has ended, as at the start of a text."""
    K[MODE], K[IS_KEY], K[TOP], K[LAST], K[COUNT], K[HOT] = OUTSIDE, 0, 0, 0, 0, 0


@kernel("b1(A, i8)")
def lex(K, b):
    """Read one more byte of a JSON text; False when it ends a key that the open object already has.

    Parameters
    ----------
    K : (n,) int32
        Buffer with room for the byte (:func:`has_room`).
    b : int
        A byte that some state allows: nothing else is checked here.
    """
    mode = int(K[MODE])
    if mode < 0:
        between(K, b)
        return True
    r = char_step(mode, b)
    if r == QUOTE:
        K[MODE] = OUTSIDE
        return K[IS_KEY] == 0 or close_key(K)
    if r >= CHAR:
        if K[IS_KEY]:
            K[K[USED]] = r & 0x1FFFFF
            K[USED] += 1
        r = 0
    K[MODE] = r
    return True
