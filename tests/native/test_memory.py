"""Memory of arenas."""

from __future__ import annotations

import ctypes
import mmap
from typing import Any

import numpy as np
import pytest
from numba import config

from detent.native import memory


def test_zeros() -> None:
    for n_words, n_huge in ((5000, 0), (5000, 5000), (3 << 20, 1 << 20)):
        array = memory.zeros(n_words, n_huge)
        assert array.dtype == np.int32 and array.shape == (n_words,) and not array.any() and array.flags.writeable


@pytest.mark.skipif(not hasattr(memory.mmap, "MADV_NOHUGEPAGE"), reason="not on this system")
def test_memory_is_given_back_when_the_last_view_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "PIECE", 3 << 20)  # so that the last piece is a part
    handed: list[Any] = []
    monkeypatch.setattr(memory, "start_new_thread", lambda *work: handed.append(work))
    view = memory.zeros(2 << 20, 1 << 20)[7:]
    view[:: 1 << 10] = 1
    assert not handed
    del view
    ((give_back, (kept, address)),) = handed
    assert any(kept[::4096]) or any(kept[28::4096])
    give_back(kept, address)
    assert not any(kept[:])


def _resident(array: np.ndarray, start: int, end: int) -> bool:
    """Whether all pages of a run of words are in memory."""
    first = (array.ctypes.data + 4 * start) // mmap.PAGESIZE * mmap.PAGESIZE
    n_bytes = array.ctypes.data + 4 * end - first
    pages = (ctypes.c_ubyte * -(-n_bytes // mmap.PAGESIZE))()
    assert ctypes.CDLL(None).mincore(ctypes.c_void_p(first), ctypes.c_size_t(n_bytes), pages) == 0
    return all(page & 1 for page in pages)


@pytest.mark.skipif(not hasattr(memory.mmap, "MADV_NOHUGEPAGE"), reason="not on this system")
def test_what_is_touched_is_resident() -> None:
    array = memory.zeros(5 << 20, 1 << 20)
    array[70_000] = 7
    page = mmap.PAGESIZE // 4
    runs = np.array([70 * page, 80 * page, 3000 * page, 3003 * page, -1, -1], np.int32)
    assert not _resident(array, *runs[2:4].tolist())
    memory.touch(array.view(np.int64), runs, 4)
    assert _resident(array, *runs[:2].tolist()) and _resident(array, *runs[2:4].tolist())
    assert not _resident(array, 2000 * page, 2900 * page)
    assert array[70_000] == 7 and np.count_nonzero(array) == 1


@pytest.mark.skipif(config.DISABLE_JIT, reason="no thread touches anything then")
def test_a_thread_touches(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []
    monkeypatch.setattr(memory, "start_new_thread", lambda *work: started.append(work))
    array, runs = memory.zeros(5001, 0), np.array([0, 5000], np.int32)
    memory.make_resident(array, runs, 2)
    ((work, (words, *others)),) = started
    work(words, *others)
    assert words.base is not None and np.shares_memory(words, array) and others == [runs, 2]


def test_where_there_can_be_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(memory, "start_new_thread", refuse)
    array = memory.zeros(5000, 0)
    memory.make_resident(array, np.array([0, 5000], np.int32), 2)
    del array
