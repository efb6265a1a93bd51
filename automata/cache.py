"""A folder of arrays kept between runs: what takes long to build is read back, checked, or silently built again.

One file per entry, named by kind and key; what makes a file good is in :mod:`detent.native.files`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

import numpy.typing as npt
import platformdirs

from detent.native import files
from detent.native.files import Arrays


@dataclass(frozen=True)
class DiskCache:
    """A folder of arrays, bounded in bytes; the entries read longest ago leave first.

    Every failure of the disk (no room, no permission) is treated as a miss: the cache only saves time.

    Attributes
    ----------
    directory : Path or None
        The folder, made when first written to; ``None`` stores nothing.
    max_bytes : int
        Bound on the size of all files together.
    """

    directory: Path | None
    max_bytes: int = 1 << 30

    @classmethod
    def open(cls, cache_dir: str | os.PathLike[str] | Literal[False] | None = None) -> DiskCache:
        """Return the cache of a folder.

        ``None`` means the environment variable ``DETENT_CACHE_DIR``, or else the user's cache folder. ``False`` or
        ``""``, given here or in the variable, switches the cache off.
        """
        if cache_dir is None:
            cache_dir = os.environ.get("DETENT_CACHE_DIR", platformdirs.user_cache_dir("detent", appauthor=False))
        return cls(Path(cache_dir) if cache_dir else None)

    def load(self, kind: str, key: bytes) -> Arrays | None:
        """Return the arrays stored under a kind and a key, or ``None``."""
        path = self._path(kind, key)
        if path is None:
            return None
        arrays = files.read(path)
        if arrays is not None:
            with suppress(OSError):
                os.utime(path)
        return arrays

    def store(self, kind: str, key: bytes, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Keep arrays of numbers under a kind and a key, in place of what was there."""
        path = self._path(kind, key)
        if path is None:
            return
        with suppress(OSError):
            files.write(path, arrays)
            self._evict()

    def _path(self, kind: str, key: bytes) -> Path | None:
        return self.directory and self.directory / f"{kind}-{_digest(key)}{files.SUFFIX}"

    def _evict(self) -> None:
        assert self.directory is not None
        with os.scandir(self.directory) as entries:
            stored = [(entry.stat(), entry.path) for entry in entries if entry.name.endswith(files.SUFFIX)]
        size = sum(status.st_size for status, _ in stored)
        for status, path in sorted(stored, key=_last_use):
            if size <= self.max_bytes:
                break
            with suppress(OSError):
                os.unlink(path)
            size -= status.st_size


def _digest(key: bytes) -> str:
    return blake2b(key, digest_size=24).hexdigest()


def _last_use(file: tuple[os.stat_result, str]) -> int:
    return file[0].st_mtime_ns
