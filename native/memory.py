"""Memory for arenas: huge pages where kernels look often, touched and given back without anybody waiting for it.

A huge page takes milliseconds when it is first touched, in whichever mask comes upon it. So a thread touches what is
used soon: a kernel, which makes no objects that could start a collection of garbage. To give back hundreds of megabytes
takes milliseconds, too, and Python would keep its lock meanwhile, in whichever call lets go of the last matcher. So a
thread gives them back, without the lock, and piece by piece: the system has a lock, too.
"""

from __future__ import annotations

import ctypes
import mmap
from _thread import start_new_thread
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from weakref import finalize

import numpy as np
from numba import config
from numpy.typing import NDArray

from .atomic import swap
from .jit import direct, kernel

I32 = NDArray[np.int32]

PIECE = 32 << 20  # bytes given back at once: a fraction of a millisecond
PAGE = 4096 // 8  # int64 words of the smallest page


def zeros(n_words: int, n_huge: int) -> I32:
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


def make_resident(array: I32, runs: I32, n: int) -> None:
    """Have a thread :func:`touch` runs of an array of :func:`zeros`, where kernels can run beside Python."""
    if not config.DISABLE_JIT:  # type: ignore[attr-defined]
        _aside(_touch, array[: len(array) // 2 * 2].view(np.int64), runs, n)


@kernel("void(int64[::1], A, i8)", nogil=True)
def touch(words: NDArray[np.int64], runs: I32, n: int) -> None:
    """Make pages resident and change nothing, whatever other threads write there meanwhile.

    The page in which a run ends may be left to the run that follows.

    Parameters
    ----------
    words : (n_words // 2,) int64
        The memory.
    runs : (>= n,) int32
        Where runs of int32 words begin and end, in turns.
    n : int
        How many numbers there are.
    """
    for k in range(0, n, 2):
        for at in range(runs[k] // 2, runs[k + 1] // 2, PAGE):
            swap(words, at, 0, 0)


_touch = direct(touch)


def _aside(work: Callable[..., None], *arguments: Any) -> None:
    with suppress(RuntimeError):  # the process ends, or has too many threads
        start_new_thread(work, arguments)


def _give_back(memory: mmap.mmap, address: int) -> None:
    advise = ctypes.CDLL(None).madvise  # mmap's own method keeps the lock
    for start in range(0, len(memory), PIECE):
        piece = min(PIECE, len(memory) - start)
        advise(ctypes.c_void_p(address + start), ctypes.c_size_t(piece), mmap.MADV_DONTNEED)
