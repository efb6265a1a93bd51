"""Where compiled kernels are kept, and how they are compiled the first time: side by side, by one process for all.

Numba looks at the file of a kernel alone to know whether it must be compiled again, while its code holds or calls the
kernels of other files. So all that was made from the same sources has a folder of its own: Numba's files, which are
read where a kernel is to be compiled that calls them, and the images, from which kernels are loaded otherwise.

One process at a time fills a folder. The others wait for it, and for the processes that it left behind if it was
killed; whoever comes next goes on with what is there.
"""

from __future__ import annotations

import atexit
import os
import sys
from contextlib import suppress
from functools import cache
from itertools import chain
from pathlib import Path
from pkgutil import iter_modules
from shutil import rmtree
from tempfile import mkdtemp

from numba import config, njit

from . import files
from .image import Image, image_name, source_digest
from .lock import hold
from .workers import run_all

# modules that only some grammars need, compiled when one of them is imported
APART = {
    "Lark grammars": (
        *("lalr", "leftovers", "pruning", "items", "questions", "derivations", "programs", "combs", "stacks", "fronts"),
        *("needs", "liveness"),
        *("lexer", "lexer_threads", "lexer_carries", "lexer_steps", "lexer_tags", "lexer_loops", "lexer_classes"),
        *("lexed_steps", "lexed_notes", "lexed_waiting", "lexed_edges", "lexed_words", "lexed_looping", "lexed_pairs"),
        *("lexed_apart", "lexed_places", "lexed_masks"),
    ),
    "texts with gaps": ("infill_chart", "infill_board", "infill_window"),
}
_HERE = Path(__file__).parent
_FILLED = "DETENT_COMPILING"  # set in the processes that compile: the folder that they fill


def find_image(purpose: str) -> Image | None:
    """The image of the kernels for a purpose ("": of those that every grammar needs), made if there is none.

    None where none can be made, and in the processes that make it.
    """
    if _FILLED in os.environ:
        return None
    name = image_name(_folder_name(), purpose)
    found = None
    if not config.CACHE_DIR:  # type: ignore[attr-defined]
        shipped = _HERE / "__pycache__" / _folder_name()  # Numba turns from it when it is not writable
        found = files.read(shipped / name)
    if found is None:
        found = files.read(folder() / name)
    if found is None and sys.executable:
        with hold(folder().parent / "kernels.lock", _tell_of_waiting) as lock:
            found = files.read(folder() / name)  # whoever was waited for may have made it
            if found is None:
                _compile(name, purpose, lock)
                found = files.read(folder() / name)
    return None if found is None else Image(found)


@cache
def folder() -> Path:
    """The folder of the kernels of these sources: where Numba keeps its files, or one of this process alone.

    Raises
    ------
    ImportError
        In a process that compiles, if the sources are others than those it was started for.
    """
    if _FILLED in os.environ:
        filled = Path(os.environ[_FILLED])
        if filled.name != _folder_name():
            raise ImportError(f"{filled} is for other sources")
        return filled
    try:
        place = Path(str(njit(cache=True)(_tell).stats.cache_path))
    except RuntimeError:  # Numba may write nowhere
        place = Path(mkdtemp(prefix="detent-"))
        atexit.register(rmtree, place, ignore_errors=True)
        _tell("compiled kernels cannot be kept: set NUMBA_CACHE_DIR to a folder that can be written")
    return place / _folder_name()


@cache
def _folder_name() -> str:
    return f"kernels-{source_digest()}"


def _compile(image: str, purpose: str, lock: tuple[int, ...]) -> None:
    """Fill the folder with compiled kernels and their image; what stays undone is compiled where it is imported.

    Raises
    ------
    ImportError
        If sources were changed meanwhile: nobody knows which of them was compiled.
    """
    _tell(f"compiling kernels{purpose and f' for {purpose}'}, once per installation")
    for other in folder().parent.glob("kernels-*"):
        if other != folder():
            rmtree(other, ignore_errors=True)
    modules = modules_of(purpose)
    gather = f"from detent.native import jit; jit.write_image({str(folder() / image)!r}, {modules!r})"
    with suppress(OSError):  # processes that could not be started
        if error := run_all(modules, gather, os.environ | {_FILLED: str(folder())}, lock):
            _tell(f"some kernels could not be compiled: {error}")
    if _folder_name() != f"kernels-{source_digest()}":
        rmtree(folder(), ignore_errors=True)
        raise ImportError("the sources of the kernels changed while they were compiled; please start again")


def modules_of(purpose: str) -> list[str]:
    """The modules whose kernels one image holds."""
    if purpose:
        return list(APART[purpose])
    others = set(chain.from_iterable(APART.values()))
    return [module.name for module in iter_modules([str(_HERE)]) if module.name not in others]


def _tell_of_waiting() -> None:
    _tell("waiting for another process, which compiles the kernels")


def _tell(what: str) -> None:
    print(f"detent: {what}", file=sys.stderr)  # noqa: T201
