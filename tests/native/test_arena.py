"""The layout of arenas."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detent.native import arena as layout


@given(st.lists(st.tuples(st.sampled_from(layout.REGIONS), st.floats(0, 1)), max_size=20))
def test_what_is_used_soon_is_said_once(growth: list[tuple[int, float]]) -> None:
    A = layout.allocate(1 << 22, 1000)
    said: dict[int, int] = dict.fromkeys(layout.REGIONS, 0)  # up to where
    runs = np.empty(2 * len(layout.REGIONS), np.int32)
    for region, share in [(layout.POS, 0.0), *growth]:
        size, used = A[region + 1 : region + 3].tolist()
        A[region + 2] = max(used, int(share * size))
        n = layout.soon_used(A, runs)
        for start, end in runs[:n].reshape(-1, 2).tolist():
            (where,) = (r for r in layout.REGIONS if A[r] <= start < A[r] + A[r + 1])
            assert start == A[where] + max(said[where], A[where + 2]) < end <= A[where] + A[where + 1]
            said[where] = end - int(A[where])
        for r in layout.REGIONS:
            ahead = min(layout.SOON, int(A[r + 1]) // layout.SOON_SHARE)
            assert max(said[r], A[r + 2]) >= min(A[r + 1], A[r + 2] + ahead)
        assert layout.soon_used(A, runs) == 0
