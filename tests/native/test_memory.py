"""Memory of arenas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

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


def test_where_there_can_be_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(memory, "start_new_thread", refuse)
    array = memory.zeros(5000, 0)
    del array
