"""Characters in classes, against each character looked at by itself."""

from __future__ import annotations

from itertools import accumulate, chain

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detent.grammar import charset
from detent.native.char_classes import END, classes

QUICK = settings(derandomize=True, deadline=None, max_examples=400, suppress_health_check=list(HealthCheck))
MOST = 24  # a boundary there is the end of all code points

boundaries = st.lists(st.integers(0, MOST), unique=True, max_size=10).map(sorted)
sets = boundaries.map(lambda found: tuple(END if point == MOST else point for point in found[: len(found) // 2 * 2]))


@QUICK
@given(st.lists(sets, max_size=9))
def test_classes(family: list[charset.CharSet]) -> None:
    points = np.array([*chain.from_iterable(family)], np.int32)
    starts, cls, member = classes(points, np.array([*accumulate(map(len, family))], np.int32))
    assert starts.tolist() == sorted({0, *points.tolist()} - {END})
    held = [tuple(charset.contains(points, at) for points in family) for at in starts.tolist()]
    numbers: dict[tuple[bool, ...], int] = {}
    assert cls.tolist() == [numbers.setdefault(by, len(numbers)) for by in held]
    assert member.shape == (len(family), len(numbers))
    assert [tuple(column) for column in member.T.astype(bool).tolist()] == list(numbers)


def test_many_sets() -> None:
    family = [charset.of("abc"), charset.complement(charset.of("b")), *(charset.interval(k, k) for k in range(500))]
    starts, cls, member = charset.classes(family)
    assert len(starts) == len(cls) and member.shape == (502, cls.max() + 1)
    for k, (start, c) in enumerate(zip(starts.tolist(), cls.tolist(), strict=True)):
        assert member[:, c].tolist() == [charset.contains(points, start) for points in family], k
