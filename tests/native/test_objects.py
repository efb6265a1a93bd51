"""Object records against their tables as the definitions say them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detent.native import arena as layout
from detent.native import positions
from detent.native.objects import put_object
from detent.native.positions import ANY_ORDER, IN_ORDER, O_RECORD, ORDERED_SET, REQUIRED_IN_ORDER

WORKED_OUT = ("O_LIVE", "O_GOALS", "O_NEXT", "O_REQUIRED", "O_SORTED", "O_SET_WORDS", "O_NONE_SEEN")


def heap(size: int) -> np.ndarray:
    """An arena that has a heap alone, filled with what must not be taken for zeros."""
    A = np.full(layout.HEADER + size, 77, np.int32)
    A[: layout.HEADER] = 0
    A[layout.HEAP : layout.HEAP + 3] = layout.HEADER, size, 0
    return A


@st.composite
def objects(draw: st.DrawFn) -> tuple[list[int], int, list[int], list[int], list[int]]:
    """A record, how many names are listed, goals, the order of all names, and those that must occur."""
    n, extra = draw(st.integers(0, 70)), draw(st.integers(0, 3))
    goals = draw(st.lists(st.sampled_from([-1, 5, positions.EXITS + 9]), min_size=n + extra, max_size=n + extra))
    order = draw(st.permutations(range(n + extra)))
    due = sorted(draw(st.sets(st.integers(0, n - 1)))) if n else []
    record = draw(st.lists(st.integers(-1, 99), min_size=O_RECORD, max_size=O_RECORD))
    record[positions.O_NAMES], record[positions.O_ALL] = n, n + extra
    record[positions.O_ORDER] = draw(st.sampled_from([IN_ORDER, ANY_ORDER, ORDERED_SET, REQUIRED_IN_ORDER]))
    return record, n, goals, order, due


@given(objects())
@settings(derandomize=True, deadline=None, max_examples=200)
def test_tables_of_objects(drawn: tuple[list[int], int, list[int], list[int], list[int]]) -> None:
    record, n, goals, order, due = drawn
    A = heap(1_000)
    at = int(put_object(A, np.array([*record, *goals, *order, *due], np.int32)))
    table = {name: int(A[at + getattr(positions, name)]) for name in WORKED_OUT}

    def words(name: str, count: int) -> list[int]:
        assert layout.HEADER <= table[name] <= layout.HEADER + int(A[layout.HEAP + 2]) - count
        return A[table[name] : table[name] + count].tolist()

    kept = {getattr(positions, name) for name in WORKED_OUT}
    assert all(A[at + k] == word for k, word in enumerate(record) if k not in kept)
    assert words("O_GOALS", len(goals)) == goals
    assert words("O_SORTED", len(order)) == order
    assert words("O_NEXT", n + 1) == [min([d for d in due if d >= k], default=n) for k in range(n + 1)]
    assert words("O_LIVE", n + 1) == [min([m for m in range(k, n) if goals[m] >= 0], default=n) for k in range(n + 1)]
    if record[positions.O_ORDER] == IN_ORDER:
        assert table["O_SET_WORDS"] == table["O_NONE_SEEN"] == 0
    else:
        size = table["O_SET_WORDS"]
        bits = np.array(words("O_REQUIRED", size), np.int32).view(np.uint32)
        assert [k for k in range(32 * size) if bits[k // 32] >> k % 32 & 1] == due
        assert 32 * size > len(order)
        assert words("O_NONE_SEEN", size) == [0] * size


def test_a_full_heap_is_a_status() -> None:
    A = heap(O_RECORD)
    record = np.zeros(O_RECORD, np.int32)
    assert put_object(A, record) == -1
    assert A[layout.STATUS] == layout.FULL
