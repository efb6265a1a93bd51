"""How every kernel of this package is compiled: one explicit signature, cached on disk.

Explicit signatures keep each kernel at one specialisation; literal integers and int32/int64 mixes would otherwise
multiply the compile time several times over.

Numba links the code of a kernel into every kernel that calls it, and optimises it there again, level after level. Only
a small kernel gains from that, by being inlined. The others are *exported*: they are called by a symbol of the process,
so each of them is optimised once, and a caller in the disk cache finds it by name in every later process.

When all are compiled (:mod:`.build`), one process gathers their machine code (:mod:`.image`). From then on nothing
else is read, and a kernel is a builtin function, which looks at no types of arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from importlib import import_module
from pathlib import Path
from typing import Any

from llvmlite.binding import add_symbol  # type: ignore[import-untyped]
from numba import config, njit

from . import build, files
from .image import Compiled, Image, gather, name_of

INLINED = 700  # bytes of bytecode up to which LLVM may find a kernel worth inlining

_compiled: Compiled = {}
_exported: set[str] = set()
_images: dict[str, Image | None] = {}


def prepare(purpose: str = "") -> None:
    """Have the kernels for a purpose ("": those that every grammar needs) at hand before they are defined.

    Raises
    ------
    ImportError
        If they could not be compiled, while those that they call are out of an image: nothing can be compiled that
        calls those.
    """
    if config.DISABLE_JIT or purpose in _images:  # type: ignore[attr-defined]
        return
    image = build.find_image(purpose)
    if image is None and _images.get("") is not None:
        raise ImportError(f"the kernels for {purpose} could not be compiled: is there enough memory and disk?")
    _images[purpose] = image


prepare()


def kernel(
    signature: str, *, nogil: bool = False, allocates: bool = False, exported: bool = False
) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function for ``signature`` when its module is imported, or load it from the disk.

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
        if config.DISABLE_JIT:  # type: ignore[attr-defined]
            return function
        for image in _images.values():
            if image is not None and (loaded := image.load(function, allocates=allocates)) is not None:
                return loaded
        with _kept_in(build.folder()):
            compiled = njit(full, cache=True, **options)(function)
        _compiled[name_of(function)] = compiled
        if exported or len(function.__code__.co_code) > INLINED:
            _export(compiled)
        return compiled

    return wrap


@contextmanager
def _kept_in(folder: Path) -> Iterator[None]:
    """Let Numba keep its files of a function in a folder; it looks where to when the function is decorated."""
    before = config.CACHE_DIR  # type: ignore[attr-defined]
    config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        config.CACHE_DIR = before  # type: ignore[attr-defined]


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


def write_image(path: str, names: list[str]) -> None:
    """Gather the code of the kernels of some modules in a file, or note that it cannot be gathered."""
    modules = [f"{__package__}.{name}" for name in names]
    for module in modules:
        import_module(module)
    try:
        arrays = gather({k: v for k, v in _compiled.items() if k.rpartition(".")[0] in modules}, _exported)
    except (AttributeError, LookupError, TypeError, ValueError):  # another version of Numba
        arrays = gather({}, set())
    files.write(Path(path), arrays)
