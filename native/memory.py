"""Memory for arenas: huge pages where kernels look often, touched and given back without anybody waiting for it.

A huge page takes milliseconds when it is first touched, in whichever mask comes upon it. So a thread touches what is
used soon. To give back hundreds of megabytes takes milliseconds, too, and Python would keep its lock meanwhile, in
whichever call lets go of the last matcher. So a thread gives them back. Both go without Python's lock, and piece by
piece: the system has a lock, too, for which an allocation elsewhere waits.
"""

from __future__ import annotations

import ctypes
import mmap
from _thread import start_new_thread
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any
from weakref import finalize

import numpy as np

PIECE = 32 << 20  # bytes given back at once: a fraction of a millisecond
HUGE_PAGE = 2 << 20  # bytes touched at once
_POPULATE_WRITE = 23  # of madvise in Linux 5.14 and later, which Python's module does not name


def zeros(n_words: int, n_huge: int) -> np.ndarray:
    """(n_words,) int32, resident where it was touched; the first ``n_huge`` in huge pages where there are any."""
    if hasattr(mmap, "MADV_NOHUGEPAGE"):  # as on Linux
        with suppress(OSError):  # a system without huge pages, or without so much memory
            memory = mmap.mmap(-1, 4 * n_words, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            cut = 4 * n_huge // mmap.PAGESIZE * mmap.PAGESIZE
            memory.madvise(mmap.MADV_HUGEPAGE, 0, cut)
            memory.madvise(mmap.MADV_NOHUGEPAGE, cut)
            array = np.frombuffer(memory, np.int32)
            finalize(array, _aside, _give_back, memory, array.ctypes.data).atexit = False  # views keep the array
            return array
    return np.zeros(n_words, np.int32)


def make_resident(array: np.ndarray, runs: Sequence[int]) -> None:
    """Have a thread touch runs of words of an array of :func:`zeros`: where each begins and ends, in turns."""
    _aside(_touch, array, [*runs])


def _aside(work: Callable[..., None], *arguments: Any) -> None:
    with suppress(RuntimeError):  # the process ends, or has too many threads
        start_new_thread(work, arguments)


def _touch(array: np.ndarray, runs: Sequence[int]) -> None:
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        for start, end in zip(runs[::2], runs[1::2], strict=True):
            _advise(array.ctypes.data + 4 * start, 4 * (end - start), HUGE_PAGE, _POPULATE_WRITE)


def _give_back(memory: mmap.mmap, address: int) -> None:
    _advise(address, len(memory), PIECE, mmap.MADV_DONTNEED)


def _advise(address: int, n_bytes: int, piece: int, advice: int) -> None:
    """Tell the system about whole pages, piece by piece and without Python's lock, which mmap's own method keeps."""
    advise = ctypes.CDLL(None).madvise
    end = address + n_bytes
    for start in range(address // mmap.PAGESIZE * mmap.PAGESIZE, end, piece):
        advise(ctypes.c_void_p(start), ctypes.c_size_t(min(piece, end - start)), advice)
