"""Object records: what does not change while an object is written (fields in :mod:`.positions`)."""

from __future__ import annotations

from .arena import HEAP, LAZY, take
from .jit import kernel
from .languages import trie_build
from .positions import (
    IN_ORDER,
    K_OBJECT,
    O_ALL,
    O_GOALS,
    O_LIVE,
    O_NAMES,
    O_NEXT,
    O_NONE_SEEN,
    O_ORDER,
    O_RECORD,
    O_REQUIRED,
    O_SET_WORDS,
    O_SORTED,
    O_TRIE,
    O_WS,
    START,
    position,
)


@kernel("i8(A, A, i8)")
def put_object(A, said, number):
    """Write the record of an object, its tables and the trie of its names.

    Parameters
    ----------
    said : (O_RECORD + 2 * n_all + n_due,) int32
        The record without what is worked out here, but with the number of names that must occur as ``O_NEXT``; then
        the goal of each name (-1: it cannot occur), the names in the order of their bytes, and those that must occur,
        in ascending order. Where ``O_TRIE`` is 0, the names follow as :func:`.languages.trie_build` takes them, and
        ``O_TRIE`` becomes their trie.
    number : int
        The lazy number of the record.

    Returns
    -------
    int
        The position before the object, or 0 with ``FULL`` set. O(names).
    """
    n, n_all = int(said[O_NAMES]), int(said[O_ALL])
    given = O_RECORD + 2 * n_all
    words = 0 if said[O_ORDER] == IN_ORDER else n_all // 32 + 1
    n_due = int(said[O_NEXT])
    if said[O_TRIE] == 0:
        root = trie_build(A, said, given + n_due, n_all)
        if root < 0:
            return 0
        said[O_TRIE] = root
    at = take(A, HEAP, given + 2 * (n + 1) + 2 * words)
    if at < 0:
        return 0
    for k in range(given):
        A[at + k] = said[k]
    goals, following = at + O_RECORD, at + given
    live, required = following + n + 1, following + 2 * (n + 1)
    A[at + O_GOALS], A[at + O_SORTED] = goals, goals + n_all
    A[at + O_NEXT], A[at + O_LIVE] = following, live
    A[at + O_REQUIRED], A[at + O_SET_WORDS] = required, words
    A[at + O_NONE_SEEN] = required + words if words else 0
    for k in range(2 * words):
        A[required + k] = 0
    A[following + n], A[live + n] = n, n
    due = given + n_due - 1
    for k in range(n - 1, -1, -1):
        A[following + k], A[live + k] = A[following + k + 1], A[live + k + 1]
        if A[goals + k] >= 0:
            A[live + k] = k
        if due >= given and said[due] == k:
            A[following + k] = k
            due -= 1
            if words:
                A[required + (k >> 5)] |= (1 << (k & 31) ^ 0x80000000) - 0x80000000  # bit 31 is the sign
    A[A[LAZY] + number] = at
    return position(A, K_OBJECT, number, 0, START, int(said[O_WS]), 0, 0, 0)
