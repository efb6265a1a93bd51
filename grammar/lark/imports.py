"""Where imported grammars come from: the caller's folders and functions, the grammar's own folder, Lark's package."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

from ..errors import GrammarError

ImportPath: TypeAlias = "str | os.PathLike[str] | Callable[[Any, str], tuple[Any, str]]"

UNKNOWN = ""  # the folder of a grammar that came as a text


class Loader:
    """Finds the texts of imported grammars.

    Parameters
    ----------
    paths : sequence
        Folders, or functions ``(base, path) -> (where, text)`` as Lark takes them, that raise OSError for what they do
        not have: `base` is None, or for a relative import the folder of the grammar that imports; `path` ends in
        ``.lark``.
    source : path or None
        The file of the grammar itself. Without it, its relative imports are looked for in `paths` only.

    Attributes
    ----------
    fixed : bool
        Whether all that was loaded is part of Lark's package, and will be the same next time.
    """

    def __init__(self, paths: Sequence[ImportPath] = (), source: str | os.PathLike[str] | None = None) -> None:
        self.paths = tuple(paths)
        self.source: Any = None if source is None else os.path.abspath(source)
        self.fixed = True

    def load(self, path: tuple[str, ...], relative: bool, source: Any) -> tuple[Any, str]:
        """Where a grammar was found, and its text.

        Parameters
        ----------
        path : tuple of str
        relative : bool
            Whether it stands beside the grammar that imports it.
        source
            Where that grammar was found.

        Raises
        ------
        OSError
            It was not found.
        GrammarError
            It is relative to a place that is not known.
        """
        base, file = folder(source) if relative else None, os.path.join(*path) + ".lark"
        for place in (*self.paths, base):
            if place is None:
                continue
            if place == UNKNOWN:
                raise GrammarError(
                    f"no place is known to import .{'.'.join(path)} from.", hint="Pass source or import_paths."
                )
            try:
                where, text = place(base or None, file) if callable(place) else read_file(Path(place, file))
            except OSError:
                continue
            self.fixed = self.fixed and isinstance(where, str) and where.startswith(_package_folder())
            return where, text
        if relative:
            raise FileNotFoundError(file)
        return package_grammar(file)

    def for_lark(self) -> list[ImportPath]:
        """The same for Lark's own reader, which must not look beside the running program."""

        def place(base: Any, file: str) -> tuple[Any, str]:
            path = tuple(file.removesuffix(".lark").split(os.sep))
            if base is None:
                return self.load(path, False, None)
            if isinstance(base, str):
                return self.load(path, True, os.path.join(base, "_") if base else None)
            return self.load(path, True, base._replace(path=os.path.join(base.path, "_")))

        return [place]


def folder(source: Any) -> Any:
    """Where the relative imports of a grammar are looked for."""
    if source is None:
        return UNKNOWN
    return os.path.dirname(source) if isinstance(source, str) else source._replace(path=os.path.dirname(source.path))


def read_file(path: Path) -> tuple[str, str]:
    """A file's path and text."""
    return str(path), path.read_text("utf-8")


@lru_cache(maxsize=1)
def _package_folder() -> str:
    spec = find_spec("lark")
    return os.path.join(next(iter(spec.submodule_search_locations or ())), "grammars") if spec else "\0"


@lru_cache(maxsize=64)
def package_grammar(file: str) -> tuple[str, str]:
    """A grammar inside of the lark package, which is not imported for it."""
    return read_file(Path(_package_folder(), file))
