"""Memory for arenas: huge pages where kernels look often, and given back without anybody waiting for it.

To give back hundreds of megabytes takes milliseconds, and Python would keep its lock meanwhile, in whichever call lets
go of the last matcher. So a thread gives them back, without the lock, and piece by piece: the system has a lock, too.
"""

from __future__ import annotations

import ctypes
import mmap
from _thread import start_new_thread
from contextlib import suppress
from weakref import finalize

import numpy as np

PIECE = 32 << 20  # bytes given back at once: a fraction of a millisecond


def zeros(n_words: int, n_huge: int) -> np.ndarray:
    """(n_words,) int32, resident where it was touched; the first ``n_huge`` in huge pages where there are any."""
    if hasattr(mmap, "MADV_NOHUGEPAGE"):  # as on Linux
        with suppress(OSError):  # a system without huge pages, or without so much memory
            memory = mmap.mmap(-1, 4 * n_words, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            cut = 4 * n_huge // mmap.PAGESIZE * mmap.PAGESIZE
            memory.madvise(mmap.MADV_HUGEPAGE, 0, cut)
            memory.madvise(mmap.MADV_NOHUGEPAGE, cut)
            array = np.frombuffer(memory, np.int32)
            finalize(array, _hand_over, memory, array.ctypes.data).atexit = False  # views keep the array
            return array
    return np.zeros(n_words, np.int32)


def _hand_over(memory: mmap.mmap, address: int) -> None:
    """Let a thread give back what no array is made of any longer; where there can be none, it goes at once."""
    with suppress(RuntimeError):  # the process ends, or has too many threads
        start_new_thread(_give_back, (memory, address))


def _give_back(memory: mmap.mmap, address: int) -> None:
    advise = ctypes.CDLL(None).madvise  # mmap's own method keeps the lock
    for start in range(0, len(memory), PIECE):
        piece = min(PIECE, len(memory) - start)
        advise(ctypes.c_void_p(address + start), ctypes.c_size_t(piece), mmap.MADV_DONTNEED)
