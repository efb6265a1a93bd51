"""Memory of an arena made resident before a kernel touches it.

NumPy asks for huge pages, and the first touch of one costs 0.2 to 1.8 ms: the system zeroes two megabytes (and the
host of a virtual machine may have to find them). Where the system can be asked to do that (Linux 5.14), a thread of its
own has it done for the memory that comes next in each region. Elsewhere, nothing happens.
"""

from __future__ import annotations

import ctypes
import sys
from threading import Thread

import numpy as np
import numpy.typing as npt

from detent.native import arena as layout

POPULATE_WRITE = 23  # MADV_POPULATE_WRITE
PAGE = 2 << 20
AHEAD = 2 * PAGE  # bytes of each region: some hundred dense rows, some ten thousand positions


def prepare_ahead(A: npt.NDArray[np.int32]) -> None:
    """Have the memory made resident that comes next in each region of an arena."""
    if sys.platform == "linux":
        Thread(target=_populate, args=(A,), name="detent-pages", daemon=True).start()


def _populate(A: npt.NDArray[np.int32]) -> None:
    madvise = ctypes.CDLL(None).madvise  # leaves the interpreter lock to others
    begin, end = A.ctypes.data, A.ctypes.data + A.nbytes
    for region in layout.REGIONS:
        start = begin + 4 * int(A[region] + A[region + 2]) & -PAGE
        for at in range(max(start, begin + PAGE & -PAGE), min(start + AHEAD, end - PAGE) + 1, PAGE):
            if madvise(ctypes.c_void_p(at), ctypes.c_size_t(PAGE), POPULATE_WRITE) != 0:
                return
