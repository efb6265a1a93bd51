"""Memory made resident ahead: afterwards, kernels find pages there, and the arena is as it was."""

from __future__ import annotations

import platform
import resource
import sys

import pytest

from detent.automata import pages
from detent.native import arena as layout

OLD = not sys.platform.startswith("linux") or tuple(map(int, platform.release().split(".")[:2])) < (5, 14)


@pytest.mark.skipif(OLD, reason="the system cannot be asked")
def test_pages_are_there() -> None:
    A = layout.allocate(1 << 28, 1000)
    header = A[: layout.HEADER].copy()
    pages._populate(A)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for region in (layout.STATE, layout.MEMBER, layout.DENSE, layout.LIST):
        start = int(A[region] + A[region + 2])
        A[start : start + pages.AHEAD // 4] = 0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 16
    assert (A[: layout.HEADER] == header).all() and not A[layout.HEADER :: 4096].any()


def test_in_the_background() -> None:
    A = layout.allocate(1 << 24, 1000)
    pages.prepare_ahead(A)
    A[-1] = 1
    assert A[-1] == 1
