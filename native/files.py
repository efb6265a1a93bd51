"""Arrays in a file: written beside its place and moved there, read back only when every byte is right.

Readers see all of a file or nothing, whoever else writes it; a file that is truncated, damaged, of another format or of
another name counts as absent. Nothing is unpickled.
"""

from __future__ import annotations

import json
import os
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Arrays = dict[str, npt.NDArray[Any]]

SUFFIX = ".detent"
_MAGIC = b"detent2\n"
_ALIGNMENT = 64


def read(path: Path) -> Arrays | None:
    """The arrays of a file, or None."""
    try:
        with open(path, "rb") as file:
            content = np.empty(os.fstat(file.fileno()).st_size, np.uint8)
            if file.readinto(content.data) != content.size:
                return None
        return _decode(content, path.stem)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Keep arrays of numbers in a file, in place of what was there.

    Raises
    ------
    OSError
        Whatever the disk refuses; nothing is left behind then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix="writing-", suffix=SUFFIX, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(_encode(path.stem, arrays))
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise


def _encode(name: str, arrays: Mapping[str, npt.NDArray[Any]]) -> list[bytes | memoryview]:
    """The parts of a file: magic, two int64 (checksum of all after it, length of the index), index, arrays."""
    index: dict[str, Any] = {"name": name, "arrays": {}}
    body: list[bytes | memoryview] = []
    position = 0
    for key, array in arrays.items():
        flat = np.ascontiguousarray(array)
        index["arrays"][key] = [array.dtype.str, array.shape, position]
        body += [flat.reshape(-1).view(np.uint8).data, bytes(-flat.nbytes % _ALIGNMENT)]
        position += flat.nbytes + len(body[-1])
    head = json.dumps(index).encode()
    head += b" " * (-(len(_MAGIC) + 16 + len(head)) % _ALIGNMENT)
    body[:0] = [np.array([len(head)], "<i8").tobytes(), head]
    checksum = 0
    for part in body:
        checksum = zlib.crc32(part, checksum)
    return [_MAGIC, np.array([checksum], "<i8").tobytes(), *body]


def _decode(content: npt.NDArray[np.uint8], name: str) -> Arrays | None:
    """The arrays of a file as views of its content; None or an error for any other content."""
    start = len(_MAGIC) + 16
    if content[: len(_MAGIC)].tobytes() != _MAGIC:
        return None
    checksum, size = content[len(_MAGIC) : start].view("<i8").tolist()
    if zlib.crc32(content[len(_MAGIC) + 8 :].data) != checksum:
        return None
    index = json.loads(content[start : start + size].tobytes())
    if index["name"] != name:
        return None
    arrays = {}
    for key, (dtype, shape, position) in index["arrays"].items():
        first = start + size + position
        arrays[key] = content[first : first + np.dtype(dtype).itemsize * int(np.prod(shape))].view(dtype).reshape(shape)
    return arrays
