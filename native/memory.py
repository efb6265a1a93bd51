"""Memory for arenas: huge pages where kernels look often, touched and given back without anybody waiting for it.

A huge page takes milliseconds when it is first touched, in whichever mask comes upon it. So a thread touches what is
used soon. To give back hundreds of megabytes takes milliseconds, too, and Python would keep its lock meanwhile, in
whichever call lets go of the last matcher. So a thread gives them back, without the lock, and piece by piece: the
system has a lock, too.
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
            _advise(array.ctypes.data + 4 * start, 4 * (end - start), _POPULATE_WRITE)


def _give_back(memory: mmap.mmap, address: int) -> None:
    for start in range(0, len(memory), PIECE):
        _advise(address + start, min(PIECE, len(memory) - start), mmap.MADV_DONTNEED)


def _advise(address: int, n_bytes: int, advice: int) -> None:
    """Tell the system about whole pages, without Python's lock, which mmap's own method keeps."""
    first = address // mmap.PAGESIZE * mmap.PAGESIZE
    ctypes.CDLL(None).madvise(ctypes.c_void_p(first), ctypes.c_size_t(address + n_bytes - first), advice)
