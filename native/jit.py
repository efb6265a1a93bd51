"""How every kernel of this package is compiled: one explicit signature, cached on disk, with one progress line.

Explicit signatures keep each kernel at one specialisation; literal integers and int32/int64 mixes would otherwise
multiply the compile time several times over.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from numba import njit

_compiled = 0


def _drop_stale_kernels() -> None:
    """Forget every cached kernel when a file of this package is newer than the cache.

    Numba looks at the file of a kernel alone, while its code has the kernels of other files compiled into it.
    """
    folder = Path(__file__).parent
    stamp = folder / "__pycache__" / "kernels.stamp"
    newest = str(max(file.stat().st_mtime_ns for file in folder.glob("*.py")))
    with suppress(OSError):  # a read-only installation never changes
        if not stamp.exists() or stamp.read_text() != newest:
            for kept in stamp.parent.glob("*.nb[ci]"):
                kept.unlink(missing_ok=True)
            stamp.parent.mkdir(exist_ok=True)
            stamp.write_text(newest)


_drop_stale_kernels()


def kernel(signature: str, *, nogil: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function for ``signature`` when its module is imported, or load it from Numba's cache.

    Parameters
    ----------
    signature : str
        Numba signature; ``A`` stands for the arena type ``int32[::1]`` and ``i8`` for ``int64``.
    nogil : bool
        Release the interpreter lock while the kernel runs. Kernels that write to an arena keep it: it is their mutex.
    """
    full = signature.replace("A", "int32[::1]").replace("i8", "int64")

    def wrap(function: Callable[..., Any]) -> Any:
        # Kernels allocate nothing; without reference counts of its arguments a small one takes a third of the time.
        compiled = njit(full, cache=True, nogil=nogil, error_model="numpy", _nrt=False)(function)  # type: ignore[call-overload]
        _report(compiled)
        return compiled

    return wrap


def _report(compiled: Any) -> None:
    """One line on stderr while kernels are compiled for the first time on this machine."""
    global _compiled
    stats = getattr(compiled, "stats", None)  # absent under NUMBA_DISABLE_JIT
    if stats is None or not stats.cache_misses:
        return
    _compiled += 1
    if sys.stderr.isatty():
        print(f"\rdetent: compiling kernels, once per installation ({_compiled})", end="", file=sys.stderr)  # noqa: T201
    elif _compiled == 1:
        print("detent: compiling kernels, once per installation", file=sys.stderr)  # noqa: T201
