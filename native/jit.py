"""How every kernel of this package is compiled: one explicit signature, cached on disk, with one progress line.

Explicit signatures keep each kernel at one specialisation; literal integers and int32/int64 mixes would otherwise
multiply the compile time several times over.

Numba links the code of a kernel into every kernel that calls it, and optimises it there again, level after level. Only
a small kernel gains from that, by being inlined. The others are *exported*: they are called by a symbol of the process,
so each of them is optimised once, and a caller in the disk cache finds it by name in every later process.
"""

from __future__ import annotations

import os
import subprocess
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

# modules compiled side by side the first time, in waves: each builds on the one before
WAVES = (("positions, languages", "number, suffixes"), ("steps", "dfa, keys"), ("pairs", "duplicates, infill_chart"))


def _drop_stale_kernels() -> bool:
    """Forget every cached kernel when a file of this package is newer than the cache; whether that was so.

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
            return True
    return False


def _compile_side_by_side() -> None:
    """Fill an empty cache from two processes; whatever they leave undone is compiled where it is imported."""
    print("detent: compiling kernels, once per installation", file=sys.stderr)  # noqa: T201
    if (os.cpu_count() or 1) < 2 or not sys.executable:
        return
    with suppress(OSError):
        for wave in WAVES:
            for process in [_import_elsewhere(modules) for modules in wave]:
                process.wait()


def _import_elsewhere(modules: str) -> subprocess.Popen[bytes]:
    """Import kernel modules in a process of their own, which leaves them in the cache."""
    code = f"import sys; sys.path[:] = {sys.path!r}; from detent.native import {modules}"
    quiet = subprocess.DEVNULL
    return subprocess.Popen([sys.executable, "-c", code], stdin=quiet, stdout=quiet, stderr=quiet)


if _drop_stale_kernels() and not config.DISABLE_JIT:  # type: ignore[attr-defined]
    _compile_side_by_side()


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
        if hasattr(compiled, "overloads") and len(function.__code__.co_code) > INLINED:  # (no overloads: JIT disabled)
            _export(compiled)
        return compiled

    return wrap


def direct(compiled: Any) -> Callable[..., Any]:
    """A kernel without Numba's dispatcher, which takes longer than a small kernel.

    The types of arguments are not looked at: arrays must be of the types of the signature, and contiguous.
    """
    for result in getattr(compiled, "overloads", {}).values():
        return result.entry_point  # type: ignore[no-any-return]
    return compiled  # type: ignore[no-any-return]


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
