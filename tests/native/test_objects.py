"""Object records against their tables as the definitions say them."""

from __future__ import annotations

from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detent.native import arena as layout
from detent.native import positions
from detent.native.objects import put_object
from detent.native.positions import ANY_ORDER, IN_ORDER, O_RECORD, ORDERED_SET, REQUIRED_IN_ORDER

WORKED_OUT = ("O_LIVE", "O_TRIE", "O_GOALS", "O_NEXT", "O_REQUIRED", "O_SORTED", "O_SET_WORDS", "O_NONE_SEEN")
NUMBER, SPACE = 7, 2
NAMES = st.lists(st.text(st.sampled_from("ab\0\xff€😀"), max_size=4), max_size=40, unique=True)
Drawn = tuple[list[int], list[str], list[int], list[int], list[int]]


def empty(**room: int) -> np.ndarray:
    """An arena whose heap is filled with what must not be taken for zeros; ``room``: words of a region."""
    A = layout.allocate(1 << 20, 32)
    at, size = A[layout.HEAP : layout.HEAP + 2]
    A[at : at + size] = 77
    for region, words in room.items():
        A[getattr(layout, region) + 1] = A[getattr(layout, region) + 2] + words
    return A


@st.composite
def objects(draw: st.DrawFn) -> Drawn:
    """A record, all names in ascending order, their goals, their numbers, and those that must occur."""
    words = sorted(draw(NAMES))
    n = draw(st.integers(0, len(words)))
    goals = draw(
        st.lists(st.sampled_from([-1, 5, positions.EXITS + 9]), min_size=len(words), max_size=len(words)),
    )
    order = draw(st.permutations(range(len(words))))
    due = sorted(draw(st.sets(st.integers(0, n - 1)))) if n else []
    record = draw(st.lists(st.integers(-1, 99), min_size=O_RECORD, max_size=O_RECORD))
    record[positions.O_NAMES], record[positions.O_ALL] = n, len(words)
    record[positions.O_NEXT], record[positions.O_TRIE], record[positions.O_WS] = len(due), 0, SPACE
    record[positions.O_ORDER] = draw(st.sampled_from([IN_ORDER, ANY_ORDER, ORDERED_SET, REQUIRED_IN_ORDER]))
    return record, words, goals, order, due


def said(drawn: Drawn, *, spelled: bool = True) -> np.ndarray:
    """What the kernel is told; ``spelled``: with the text of names."""
    record, words, goals, order, due = drawn
    data = [word.encode() for word in words]
    text = b"".join(data)
    packed = np.frombuffer(text + bytes(-len(text) % 4), "<i4")
    ends = [*accumulate(map(len, data)), *packed] if spelled else []
    return np.array([*record, *goals, *order, *due, *ends], np.int32)


def spelled(A: np.ndarray, node: int, before: bytes = b"") -> dict[bytes, int]:
    """The words of a trie with their numbers."""
    first, count, leaf = A[node + 1 : node + 4].tolist()
    found = {before: leaf} if leaf >= 0 else {}
    for child in range(first, first + count * layout.TRIE_STRIDE, layout.TRIE_STRIDE):
        found |= spelled(A, child, before + bytes((A[child],)))
    return found


@given(objects())
@settings(derandomize=True, deadline=None, max_examples=200)
def test_tables_of_objects(drawn: Drawn) -> None:
    record, names, goals, order, due = drawn
    n = record[positions.O_NAMES]
    A, told = empty(), said(drawn)
    begin = int(put_object(A, told, NUMBER))
    at = int(A[A[layout.LAZY] + NUMBER])
    table = {name: int(A[at + getattr(positions, name)]) for name in WORKED_OUT}

    def words(name: str, count: int) -> list[int]:
        heap = int(A[layout.HEAP])
        assert heap <= table[name] <= heap + int(A[layout.HEAP + 2]) - count
        return A[table[name] : table[name] + count].tolist()

    fields = A[A[layout.POS] + begin * layout.POS_STRIDE :][: layout.POS_STRIDE].tolist()
    assert fields == [positions.K_OBJECT, NUMBER, 0, positions.START, SPACE, 0, 0, 0]
    kept = {getattr(positions, name) for name in WORKED_OUT}
    assert all(A[at + k] == word for k, word in enumerate(record) if k not in kept)
    assert table["O_TRIE"] == told[positions.O_TRIE]
    assert spelled(A, table["O_TRIE"]) == {name.encode(): k for k, name in enumerate(names)}
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


@given(objects())
@settings(derandomize=True, deadline=None, max_examples=50)
def test_a_trie_that_is_there_is_used(drawn: Drawn) -> None:
    A, told, again = empty(), said(drawn), said(drawn, spelled=False)
    put_object(A, told, NUMBER)
    used, again[positions.O_TRIE] = int(A[layout.TRIE + 2]), told[positions.O_TRIE]
    put_object(A, again, NUMBER + 1)
    assert A[layout.TRIE + 2] == used
    first, second = (A[A[A[layout.LAZY] + number] + positions.O_TRIE] for number in (NUMBER, NUMBER + 1))
    assert first == second


@pytest.mark.parametrize("full", ["HEAP", "TRIE", "POS"])
def test_a_full_region_is_a_status(full: str) -> None:
    A = empty(**{full: 2})
    record = [0] * O_RECORD
    record[positions.O_NAMES] = record[positions.O_ALL] = 1
    assert put_object(A, said((record, ["a"], [5], [0], [])), NUMBER) == 0
    assert A[layout.STATUS] == layout.FULL
