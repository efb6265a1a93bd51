"""Sorting in an arena, against Python's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detent.native import arena as layout
from detent.native import suffixes

QUICK = settings(derandomize=True, deadline=None, max_examples=200, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def arena() -> np.ndarray:
    return layout.allocate(1 << 20, 100)


@QUICK
@given(lists=st.lists(st.lists(st.integers(0, 50), max_size=12).map(sorted), max_size=9), mixed=st.lists(st.integers()))
def test_unions_of_lists_in_order(arena: np.ndarray, lists: list[list[int]], mixed: list[int]) -> None:
    words = [*(word for part in lists for word in part), *(word % 99 for word in mixed)]
    base = int(arena[layout.SORT])
    arena[base : base + len(words) + 1] = [*words, -7]
    suffixes.sort_words(arena, base, len(words))
    assert arena[base : base + len(words) + 1].tolist() == [*sorted(words), -7]


def test_more_than_there_is_room_for(arena: np.ndarray) -> None:
    suffixes.sort_words(arena, int(arena[layout.SORT]), int(arena[layout.RUNS + 1]) + 1)
    assert arena[layout.STATUS] == layout.FULL
    arena[layout.STATUS] = 0
