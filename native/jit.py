"""How every kernel of this package is compiled: one explicit signature, cached on disk, with one progress line.

Explicit signatures keep each kernel at one specialisation; literal integers and int32/int64 mixes would otherwise
multiply the compile time several times over.

Numba links the code of a kernel into every kernel that calls it, and optimises it there again, level after level. Only
a small kernel gains from that, by being inlined. The others are *exported*: they are called by a symbol of the process,
so each of them is optimised once, and a caller in the disk cache finds it by name in every later process.

When all are compiled, a last process gathers their machine code (:mod:`.image`). From then on nothing else is read, and
a kernel is a builtin function, which looks at no types of arguments.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from copy import copy
from importlib import import_module
from itertools import chain
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from llvmlite.binding import add_symbol  # type: ignore[import-untyped]
from numba import config, njit

from . import files
from .image import Compiled, Image, gather, image_name, name_of, source_digest

INLINED = 700  # bytes of bytecode up to which LLVM may find a kernel worth inlining

# modules compiled side by side the first time, in waves: each builds on the one before
WAVES = (("positions, languages", "number, suffixes"), ("steps", "dfa, keys"), ("pairs", "duplicates"))
# modules that only some grammars need, compiled when one of them is imported, which calls :func:`prepare`
APART = {
    "Lark grammars": (
        ("lalr", "lexer, lexer_tags, lexer_loops, lexer_classes, stacks, fronts"),
        ("lexed_steps", "lexed_notes, lexed_pairs"),
        ("lexed_masks",),
    ),
    "texts with gaps": (("infill_chart",), ("infill_window",)),
}
_BUSY = "DETENT_COMPILING"  # set in the processes that compile


def prepare(purpose: str = "") -> None:
    """Make an image of the kernels for a purpose ("": of those that every grammar needs) unless there is one."""
    if config.DISABLE_JIT or _BUSY in os.environ or purpose in _images:  # type: ignore[attr-defined]
        return
    sources = source_digest()
    folder, name = Path(str(njit(cache=True)(prepare).stats.cache_path)), image_name(sources, purpose)
    shipped = Path(__file__).parent / "__pycache__"  # Numba turns from it when it is not writable
    found = files.read(folder / name)
    if found is None and not config.CACHE_DIR:  # type: ignore[attr-defined]
        found = files.read(shipped / name)
    if found is None:
        _compile_side_by_side(folder, sources, name, purpose)
        found = files.read(folder / name)
    _images[purpose] = None if found is None else Image(found)


def _compile_side_by_side(folder: Path, sources: str, image: str, purpose: str) -> None:
    """Fill a folder with compiled kernels and their image; what stays undone is compiled where it is imported.

    Numba looks at the file of a kernel alone, while its code holds or calls the kernels of other files: so all that
    was compiled from other sources is dropped.
    """
    with suppress(OSError):
        stamp = folder / "kernels.stamp"
        is_stale = not stamp.exists() or stamp.read_text() != sources
        if is_stale or sys.executable:
            aim = purpose and f" for {purpose}"
            print(f"detent: compiling kernels{aim}, once per installation", file=sys.stderr)  # noqa: T201
        if is_stale:
            for kept in (*folder.glob("*.nb[ci]"), *folder.glob(f"kernels-*{files.SUFFIX}")):
                kept.unlink(missing_ok=True)
            stamp.write_text(sources)
        if sys.executable:
            for wave in APART.get(purpose, WAVES):
                for process in [_elsewhere(f"from detent.native import {modules}") for modules in wave]:
                    process.wait()
            _elsewhere(f"from detent.native import jit; jit.write_image({str(folder / image)!r}, {purpose!r})").wait()


def _elsewhere(code: str) -> subprocess.Popen[bytes]:
    """Run code in a process of its own, which leaves what it compiles in the cache.

    Collections of garbage take a tenth of its time, and find little in the minute that it lives.
    """
    code = f"import gc, sys; gc.disable(); sys.path[:] = {sys.path!r}; {code}"
    quiet, environment = subprocess.DEVNULL, os.environ | {_BUSY: "1"}
    return subprocess.Popen([sys.executable, "-c", code], env=environment, stdin=quiet, stdout=quiet, stderr=quiet)


def modules_of(purpose: str) -> list[str]:
    """The modules whose kernels one image holds."""
    apart = {key: ", ".join(chain.from_iterable(waves)).split(", ") for key, waves in APART.items()}
    if purpose:
        return apart[purpose]
    others = set(chain.from_iterable(apart.values()))
    return [module.name for module in iter_modules([str(Path(__file__).parent)]) if module.name not in others]


def write_image(path: str, purpose: str) -> None:
    """Gather the code of the kernels for a purpose in a file, or note that it cannot be gathered."""
    modules = [f"{__package__}.{name}" for name in modules_of(purpose)]
    try:
        for module in modules:
            import_module(module)
        arrays = gather({k: v for k, v in _compiled.items() if k.rpartition(".")[0] in modules}, _exported)
    except Exception:  # whatever another version of Numba may raise; an interrupted process notes nothing
        arrays = gather({}, set())
    files.write(Path(path), arrays)


_compiled: Compiled = {}
_exported: set[str] = set()
_images: dict[str, Image | None] = {}
prepare()


def kernel(
    signature: str, *, nogil: bool = False, allocates: bool = False, exported: bool = False
) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function for ``signature`` when its module is imported, or load it from Numba's cache.

    Parameters
    ----------
    signature : str
        Numba signature; ``A`` stands for the arena type ``int32[::1]`` and ``i8`` for ``int64``.
    nogil : bool
        Release the interpreter lock while the kernel runs. Kernels that write to an arena keep it: it is their mutex.
    allocates : bool
        Whether the kernel makes arrays. The others do without reference counts: a small one takes a third of the time.
    exported : bool
        Whether the kernel needs a symbol however small it is.
    """
    full = signature.replace("A", "int32[::1]").replace("i8", "int64")
    options: dict[str, Any] = {"nogil": nogil, "_nrt": allocates, "error_model": "numpy", "no_cfunc_wrapper": True}

    def wrap(function: Callable[..., Any]) -> Any:
        for image in _images.values():
            if image is not None and (loaded := image.load(function, allocates=allocates)) is not None:
                return loaded
        compiled = njit(full, cache=True, **options)(function)
        if hasattr(compiled, "overloads"):  # (no overloads: JIT disabled)
            _compiled[name_of(function)] = compiled
            if exported or len(function.__code__.co_code) > INLINED:
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
        exported.mangled_name = name_of(compiled.py_func)
        _exported.add(exported.mangled_name)
        add_symbol(exported.mangled_name, result.library.get_pointer_to_function(result.fndesc.llvm_func_name))
        context.remove_user_function(result.entry_point)
        context.insert_user_function(result.entry_point, exported, [])
