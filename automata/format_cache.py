"""Automata of formats, kept on disk where making them takes long (date-time: 11,000 states, about 70 ms)."""

from __future__ import annotations

from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

import detent.grammar
from detent.grammar.dfa import CharDfa
from detent.grammar.json_schema.nodes import format_dfa

from .cache import DiskCache

_KIND = "format"
_LARGE = {"date-time", "time", "hostname", "regex"}
_SOURCES = ("formats.py", "pattern_format.py", "regex.py", "dfa.py")


class FormatCache:
    """Automata by name and draft: in memory, then on disk, then made.

    Parameters
    ----------
    cache_dir : path, False or None
        As in :meth:`DiskCache.open`.
    """

    def __init__(self, cache_dir: Any = None) -> None:
        self._disk = DiskCache.open(cache_dir)
        self._known: dict[tuple[str, int], CharDfa | None] = {}

    def __call__(self, name: str, draft: int) -> CharDfa | None:
        """The automaton of a format, or None for an annotation."""
        key = (name, draft)
        if key not in self._known:
            self._known[key] = self._load(name, draft) if name in _LARGE else format_dfa(name, draft)
        return self._known[key]

    def _load(self, name: str, draft: int) -> CharDfa | None:
        key = self._source + f"{name}/{draft}".encode()
        arrays = self._disk.load(_KIND, key)
        if arrays is not None:
            return CharDfa(arrays["starts"], arrays["cls"], arrays["trans"], arrays["accept"])
        made = format_dfa(name, draft)
        if made is not None:
            self._disk.store(
                _KIND, key, {"starts": made.starts, "cls": made.cls, "trans": made.trans, "accept": made.accept}
            )
        return made

    @cached_property
    def _source(self) -> bytes:
        """A digest of the code that makes automata: another version never meets this one's files."""
        folder = Path(detent.grammar.__file__).parent
        return blake2b(b"".join((folder / file).read_bytes() for file in _SOURCES), digest_size=16).digest()
