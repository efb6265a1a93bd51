"""A lock between processes that ends with those that hold it, however they end."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import sleep

if sys.platform == "win32":
    import msvcrt

    HELD = PermissionError

    def _try(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

    def _leave(handle: int) -> None:
        os.close(handle)

else:
    import fcntl

    HELD = BlockingIOError

    def _try(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _leave(handle: int) -> None:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_UN)  # also for processes that were forked meanwhile, and live on
        os.close(handle)


_PAUSE = 0.05  # seconds between two attempts


@contextmanager
def hold(path: Path, waits: Callable[[], None]) -> Iterator[tuple[int, ...]]:
    """Hold the lock of a file, and wait for it where another process does.

    Where the file cannot be written, or its file system has no locks, the block runs without one.

    Parameters
    ----------
    path : pathlib.Path
        The file, which is made where it is missing, and stays.
    waits : callable
        Called once if there is something to wait for.

    Yields
    ------
    tuple of int
        Descriptors for ``pass_fds`` of children (none on Windows): a child that outlives this process goes on
        holding the lock.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError:
        yield ()
        return
    try:
        yield (handle,) if _locked(handle, waits) and sys.platform != "win32" else ()
    finally:
        _leave(handle)


def _locked(handle: int, waits: Callable[[], None]) -> bool:
    """Wait for a lock; whether there are locks."""
    is_waiting = False
    while True:
        try:
            _try(handle)
            return True
        except HELD:
            if not is_waiting:
                waits()
            is_waiting = True
            sleep(_PAUSE)
        except OSError:
            return False
