"""Which names of an object may come next, against sets of numbers."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detent.native import arena as layout
from detent.native import positions
from detent.native.languages import heap_put

ORDERS = (positions.ANY_ORDER, positions.REQUIRED_IN_ORDER)
SETS = st.sets(st.integers(0, 69))


def put_set(A: np.ndarray, members: set[int]) -> int:
    words = np.zeros(3, np.uint32)
    for k in members:
        words[k >> 5] |= np.uint32(1 << (k & 31))
    return int(heap_put(A, words.view(np.int32)))


def put_object(A: np.ndarray, n: int, order: int, required: set[int], dead: set[int], most: int) -> int:
    """A closed object of ``n`` names, which its trie holds backwards; those in ``dead`` have no value."""
    record = np.zeros(positions.O_RECORD, np.int32)
    goals = np.array([-1 if k in dead else 1 for k in range(n)], np.int32)
    record[[positions.O_NAMES, positions.O_ALL, positions.O_ORDER]] = n, n, order
    record[[positions.O_FREE, positions.O_SPEC, positions.O_MOST, positions.O_SET_WORDS]] = -1, -1, most, 3
    record[positions.O_GOALS] = heap_put(A, goals)
    record[positions.O_SORTED] = heap_put(A, np.arange(n, dtype=np.int32)[::-1].copy())
    record[positions.O_REQUIRED] = put_set(A, required)
    return int(heap_put(A, record))


@settings(derandomize=True, deadline=None)
@given(st.integers(1, 70), st.sampled_from(ORDERS), SETS, SETS, SETS, st.integers(-1, 8), st.data())
def test_some_name_is_allowed(
    n: int, order: int, required: set[int], seen: set[int], dead: set[int], room: int, data: st.DataObject
) -> None:
    names = set(range(n))
    required, seen, dead = required & names, seen & names, dead & names
    due = required - seen
    most = -1 if room < 0 else len(seen) + room
    A = layout.allocate(1 << 20, 32)
    at = put_object(A, n, order, required, dead, most)
    first = data.draw(st.integers(0, n))
    node = int(heap_put(A, np.array([0, 0, 0, 0, first, data.draw(st.integers(first, n))], np.int32)))
    below = {n - 1 - j for j in range(int(A[node + 4]), int(A[node + 5]))}

    def is_allowed(k: int) -> bool:
        in_turn = order == positions.ANY_ORDER or k not in required or k == min(due, default=-1)
        fits = most < 0 or len(seen) + 1 + len(due - {k}) <= most
        return k not in seen | dead and in_turn and fits

    written = put_set(A, seen)
    assert positions.first_due(A, at, written) == min(due, default=n)
    assert positions.spare(A, at, written, len(seen)) == most - len(seen) - len(due)
    assert positions.any_word(A, at, written, len(seen), node) == any(map(is_allowed, below))
    for k in names:
        assert positions.name_allowed(A, at, written, len(seen), k) == is_allowed(k)


@settings(derandomize=True, deadline=None)
@given(st.integers(-(2**31), 2**31 - 1))
def test_ones(word: int) -> None:
    assert positions.ones(word) == bin(word & 0xFFFFFFFF).count("1")
