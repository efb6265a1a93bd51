"""How every kernel of this package is compiled: one explicit signature, cached on disk, with one progress line.

Explicit signatures keep each kernel at one specialisation; literal integers and int32/int64 mixes would otherwise
multiply the compile time several times over.

Numba links the code of a kernel into every kernel that calls it, and optimises it there again, level after level. Only
a small kernel gains from that, by being inlined. The others are *exported*: they are called by a symbol of the process,
so each of them is optimised once, and a caller in the disk cache finds it by name in every later process.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from copy import copy
from pathlib import Path
from typing import Any

from llvmlite.binding import add_symbol  # type: ignore[import-untyped]
from numba import config, njit
from numba.core.caching import _CacheLocator

INLINED = 700  # bytes of bytecode up to which LLVM may find a kernel worth inlining

_compiling = False


def _drop_stale_kernels() -> None:
    """Forget every cached kernel when a file of this package is newer than the cache.

    Numba looks at the file of a kernel alone, while its code holds or calls the kernels of other files.
    """
    folder = Path(__file__).parent
    cache = folder / "__pycache__"
    if chosen := config.CACHE_DIR:  # type: ignore[attr-defined]
        cache = Path(chosen, _CacheLocator.get_suitable_cache_subpath(__file__))
    stamp = cache / "kernels.stamp"
    newest = str(max(file.stat().st_mtime_ns for file in folder.glob("*.py")))
    with suppress(OSError):  # a read-only installation never changes
        if not stamp.exists() or stamp.read_text() != newest:
            for kept in cache.glob("*.nb[ci]"):
                kept.unlink(missing_ok=True)
            cache.mkdir(parents=True, exist_ok=True)
            stamp.write_text(newest)


_drop_stale_kernels()


def kernel(signature: str, *, nogil: bool = False, allocates: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function for ``signature`` when its module is imported, or load it from Numba's cache.

    Parameters
    ----------
    signature : str
        Numba signature; ``A`` stands for the arena type ``int32[::1]`` and ``i8`` for ``int64``.
    nogil : bool
        Release the interpreter lock while the kernel runs. Kernels that write to an arena keep it: it is their mutex.
    allocates : bool
        Whether the kernel makes arrays. The others do without reference counts: a small one takes a third of the time.
    """
    full = signature.replace("A", "int32[::1]").replace("i8", "int64")
    options: dict[str, Any] = {"nogil": nogil, "_nrt": allocates, "error_model": "numpy", "no_cfunc_wrapper": True}

    def wrap(function: Callable[..., Any]) -> Any:
        compiled = njit(full, cache=True, **options)(function)
        if hasattr(compiled, "overloads"):  # absent under NUMBA_DISABLE_JIT
            _report(compiled)
            if len(function.__code__.co_code) > INLINED:
                _export(compiled)
        return compiled

    return wrap


def _export(compiled: Any) -> None:
    """Let other kernels call this one by a symbol instead of linking its code.

    Numba's own name of a function has a number in it that differs from process to process.
    """
    context = compiled.targetctx
    for result in compiled.overloads.values():
        exported = copy(result.fndesc)
        exported.mangled_name = f"{exported.modname}.{exported.qualname}"
        add_symbol(exported.mangled_name, result.library.get_pointer_to_function(result.fndesc.llvm_func_name))
        context.remove_user_function(result.entry_point)
        context.insert_user_function(result.entry_point, exported, [])


def _report(compiled: Any) -> None:
    """One line on stderr when kernels are compiled for the first time on this machine."""
    global _compiling
    if compiled.stats.cache_misses and not _compiling:
        _compiling = True
        print("detent: compiling kernels, once per installation", file=sys.stderr)  # noqa: T201
