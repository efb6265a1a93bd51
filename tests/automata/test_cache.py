from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from detent.automata.cache import DiskCache

ARRAYS = {
    "masks": np.arange(12, dtype=np.int32).reshape(3, 4),
    "flags": np.array([True, False]),
    "empty": np.zeros((0, 7), np.uint64),
    "scalar": np.float64(2.5).reshape(()),
}


def only_file(directory: Path) -> Path:
    (path,) = directory.iterdir()
    return path


def test_arrays_come_back(tmp_path: Path) -> None:
    cache = DiskCache.open(tmp_path)
    assert cache.load("rows", b"key") is None
    cache.store("rows", b"key", ARRAYS)
    loaded = cache.load("rows", b"key")
    assert loaded is not None
    assert list(loaded) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert loaded[name].dtype == array.dtype
        assert loaded[name].shape == array.shape
        assert loaded[name].flags.writeable
        np.testing.assert_array_equal(loaded[name], array)


def test_kind_and_key_separate_entries(tmp_path: Path) -> None:
    cache = DiskCache.open(tmp_path)
    cache.store("rows", b"key", ARRAYS)
    assert cache.load("rows", b"other") is None
    assert cache.load("columns", b"key") is None


def test_an_entry_under_a_wrong_name_is_absent(tmp_path: Path) -> None:
    cache = DiskCache.open(tmp_path)
    cache.store("rows", b"key", ARRAYS)
    moved = only_file(tmp_path)
    cache.store("rows", b"other", ARRAYS)
    (other,) = set(tmp_path.iterdir()) - {moved}
    os.replace(moved, other)
    assert cache.load("rows", b"other") is None


def test_the_last_store_wins(tmp_path: Path) -> None:
    cache = DiskCache.open(tmp_path)
    cache.store("rows", b"key", ARRAYS)
    cache.store("rows", b"key", {"masks": np.zeros(1)})
    loaded = cache.load("rows", b"key")
    assert loaded is not None
    assert list(loaded) == ["masks"]
    only_file(tmp_path)


def test_any_damage_is_a_miss(tmp_path: Path) -> None:
    cache = DiskCache.open(tmp_path)
    cache.store("rows", b"key", ARRAYS)
    path = only_file(tmp_path)
    content = path.read_bytes()
    for size in range(0, len(content), 5):
        path.write_bytes(content[:size])
        assert cache.load("rows", b"key") is None
    for position in range(0, len(content), 3):
        damaged = bytearray(content)
        damaged[position] ^= 4
        path.write_bytes(damaged)
        assert cache.load("rows", b"key") is None


def test_what_was_read_longest_ago_leaves_first(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, max_bytes=3000)
    foreign = tmp_path / "notes.txt"
    foreign.write_bytes(bytes(5000))
    cache.store("rows", b"old", {"a": np.zeros(1000, np.uint8)})
    for path in tmp_path.iterdir():
        os.utime(path, ns=(0, 1))
    cache.store("rows", b"new", {"a": np.zeros(1000, np.uint8)})
    cache.store("rows", b"next", {"a": np.zeros(1000, np.uint8)})
    assert cache.load("rows", b"old") is None
    assert cache.load("rows", b"new") is not None
    assert cache.load("rows", b"next") is not None
    assert foreign.exists()


def test_reading_counts_as_use(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path)
    cache.store("rows", b"key", ARRAYS)
    os.utime(only_file(tmp_path), ns=(0, 0))
    cache.load("rows", b"key")
    assert only_file(tmp_path).stat().st_mtime_ns > 0


@pytest.mark.parametrize("off", [False, ""])
def test_switched_off(off: str | bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cache = DiskCache.open(off)  # type: ignore[arg-type]
    cache.store("rows", b"key", ARRAYS)
    assert cache.load("rows", b"key") is None
    assert not list(tmp_path.iterdir())


def test_the_environment_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DETENT_CACHE_DIR", str(tmp_path))
    assert DiskCache.open().directory == tmp_path
    monkeypatch.setenv("DETENT_CACHE_DIR", "")
    assert DiskCache.open().directory is None
    monkeypatch.delenv("DETENT_CACHE_DIR")
    assert DiskCache.open().directory is not None


def test_a_disk_that_refuses_is_a_miss(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    cache = DiskCache.open(blocked / "folder")
    cache.store("rows", b"key", ARRAYS)
    assert cache.load("rows", b"key") is None


def test_readers_beside_writers_see_whole_files(tmp_path: Path) -> None:
    cache = DiskCache.open(tmp_path)
    contents = [np.full(50_000, k, np.int64) for k in range(3)]

    def write(content: np.ndarray) -> None:
        for _ in range(20):
            cache.store("rows", b"key", {"a": content})

    with ThreadPoolExecutor() as pool:
        writers = [pool.submit(write, content) for content in contents]
        found = []
        while not all(writer.done() for writer in writers):
            found.append(cache.load("rows", b"key"))
    assert any(found)
    for arrays in filter(None, found):
        np.testing.assert_array_equal(arrays["a"], contents[arrays["a"][0]])
    only_file(tmp_path)
