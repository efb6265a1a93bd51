"""What contexts try, and which tag a word gets there, against what the words say."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detent.native import leftovers

QUICK = settings(
    derandomize=True, deadline=None, max_examples=150, suppress_health_check=list(HealthCheck), print_blob=False
)
N = 5  # terminals


@st.composite
def contexts(draw: st.DrawFn) -> list[tuple[set[int], list[tuple[int, list[int]]]]]:
    """Some contexts: what there is a use for, and what is tried, each with its strings."""
    terminals = st.integers(1, N - 1)
    found = []
    for _ in range(draw(st.integers(1, 3))):
        order = draw(st.lists(terminals, unique=True, max_size=N))
        found.append((draw(st.sets(terminals)), [(t, draw(st.lists(terminals, max_size=2))) for t in order]))
    return found


def tables(found: list[tuple[set[int], list[tuple[int, list[int]]]]]) -> tuple[list[np.ndarray], np.ndarray]:
    tried = [entry for _, order in found for entry in order]
    first = np.cumsum([0, *(len(order) for _, order in found)])
    retype_first = np.cumsum([0, *(len(strings) for _, strings in tried)])
    arrays = (first, [t for t, _ in tried], retype_first, [s for _, strings in tried for s in strings])
    asked = np.array([[t in wanted for t in range(N)] for wanted, _ in found], np.uint8)
    return [np.array(array, np.int32) for array in arrays], asked


@QUICK
@given(contexts())
def test_before(found: list[tuple[set[int], list[tuple[int, list[int]]]]]) -> None:
    (first, order, _, _), asked = tables(found)
    before = np.zeros((N, N), np.uint8)
    leftovers.find_before(first, order, asked, before)
    for t in range(N):
        for u in range(N):
            places = [([e for e, _ in tried] + [t], u) for wanted, tried in found if t in wanted]
            assert before[t, u] == any(u in names[: names.index(t)] for names, u in places)


@QUICK
@given(contexts(), st.lists(st.integers(0, 3), min_size=N * N, max_size=N * N), st.sets(st.integers(0, N - 1)))
def test_spelled(found: list[tuple[set[int], list[tuple[int, list[int]]]]], flags: list[int], sure: set[int]) -> None:
    (first, order, retype_first, retype), asked = tables(found)
    matches, certain = np.array(flags, np.uint8).reshape(N, N), np.array([t in sure for t in range(N)], np.uint8)
    usable = np.ones(N, np.uint8)
    leftovers.keep_spelled(first, order, retype_first, retype, asked, matches, certain, usable)

    def tag(t: int, tried: list[tuple[int, list[int]]]) -> int | None:
        winner, strings = next(((u, more) for u, more in tried if matches[t, u]), (None, []))
        if winner is None:
            return None
        if winner != t and (winner not in sure or not matches[t, winner] & leftovers.WHOLE):
            return winner
        return next((s for s in strings if matches[t, s] & leftovers.WHOLE), winner)

    assert usable.tolist() == [all(tag(t, tried) == t for wanted, tried in found if t in wanted) for t in range(N)]
