"""Arrays kept on disk between runs: what takes long to build is read back, checked, or silently built again.

One file per entry, named by kind and key. A file is written beside its place and moved there, so that readers see
all of it or nothing; a file that is truncated, damaged or of another format counts as absent. Nothing is unpickled.
"""

from __future__ import annotations

import json
import os
import tempfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import platformdirs

Arrays = dict[str, npt.NDArray[Any]]

_MAGIC = b"detent1\n"
_SUFFIX = ".detent"
_ALIGNMENT = 64


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
        try:
            with open(path, "rb") as file:
                content = np.empty(os.fstat(file.fileno()).st_size, np.uint8)
                if file.readinto(content.data) != content.size:
                    return None
            arrays = _decode(content, kind, key)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        with suppress(OSError):
            os.utime(path)
        return arrays

    def store(self, kind: str, key: bytes, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Keep arrays of numbers under a kind and a key, in place of what was there."""
        path = self._path(kind, key)
        if path is None:
            return
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(prefix="writing-", suffix=_SUFFIX, dir=path.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.writelines(_encode(kind, key, arrays))
                os.replace(temporary, path)
            except OSError:
                os.unlink(temporary)
            self._evict()

    def _path(self, kind: str, key: bytes) -> Path | None:
        return self.directory and self.directory / f"{kind}-{_digest(key)}{_SUFFIX}"

    def _evict(self) -> None:
        assert self.directory is not None
        with os.scandir(self.directory) as entries:
            files = [(entry.stat(), entry.path) for entry in entries if entry.name.endswith(_SUFFIX)]
        size = sum(status.st_size for status, _ in files)
        for status, path in sorted(files, key=_last_use):
            if size <= self.max_bytes:
                break
            with suppress(OSError):
                os.unlink(path)
            size -= status.st_size


def _digest(key: bytes) -> str:
    return blake2b(key, digest_size=24).hexdigest()


def _last_use(file: tuple[os.stat_result, str]) -> int:
    return file[0].st_mtime_ns


def _encode(kind: str, key: bytes, arrays: Mapping[str, npt.NDArray[Any]]) -> list[bytes | memoryview]:
    """Return the parts of a file: magic, two int64 (checksum of all after it, length of the index), index, arrays."""
    index: dict[str, Any] = {"kind": kind, "key": _digest(key), "arrays": {}}
    body: list[bytes | memoryview] = []
    position = 0
    for name, array in arrays.items():
        flat = np.ascontiguousarray(array)
        index["arrays"][name] = [array.dtype.str, array.shape, position]
        body += [flat.reshape(-1).view(np.uint8).data, bytes(-flat.nbytes % _ALIGNMENT)]
        position += flat.nbytes + len(body[-1])
    head = json.dumps(index).encode()
    head += b" " * (-(len(_MAGIC) + 16 + len(head)) % _ALIGNMENT)
    body[:0] = [np.array([len(head)], "<i8").tobytes(), head]
    checksum = 0
    for part in body:
        checksum = zlib.crc32(part, checksum)
    return [_MAGIC, np.array([checksum], "<i8").tobytes(), *body]


def _decode(content: npt.NDArray[np.uint8], kind: str, key: bytes) -> Arrays | None:
    """Return the arrays of a file as views of its content; ``None`` or an error for any other content."""
    start = len(_MAGIC) + 16
    if content[: len(_MAGIC)].tobytes() != _MAGIC:
        return None
    checksum, size = content[len(_MAGIC) : start].view("<i8").tolist()
    if zlib.crc32(content[len(_MAGIC) + 8 :].data) != checksum:
        return None
    index = json.loads(content[start : start + size].tobytes())
    if index["kind"] != kind or index["key"] != _digest(key):
        return None
    arrays = {}
    for name, (dtype, shape, position) in index["arrays"].items():
        first = start + size + position
        arrays[name] = (
            content[first : first + np.dtype(dtype).itemsize * int(np.prod(shape))].view(dtype).reshape(shape)
        )
    return arrays
