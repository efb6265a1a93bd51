"""Texts of formats, kept on disk where making their automata takes milliseconds (idn-hostname: about two seconds)."""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import detent.grammar
from detent.grammar.dfa import CharDfa
from detent.grammar.formats import LATEST, as_dfa, format_texts
from detent.grammar.judged import JudgedDfa, with_verdicts
from detent.grammar.text_set import TextSet

from .cache import DiskCache

_KIND = "narrow-format"  # with the bytes that numbers need, so that there is less to read and to check
_LARGE = {"date-time", "time", "email", "idn-email", "hostname", "idn-hostname", "ipv6", "regex"}
_LARGE |= {"uri", "uri-reference", "iri", "iri-reference"}
_ARRAYS = ("starts", "cls", "trans", "accept")


class FormatCache:
    """Texts by name and draft: in memory, then on disk, then made.

    Parameters
    ----------
    cache_dir : path, False or None
        As in :meth:`DiskCache.open`.
    """

    def __init__(self, cache_dir: Any = None) -> None:
        self._disk = DiskCache.open(cache_dir)
        self._source = _source()  # here, lest the first grammar with a format wait for it
        self._known: dict[tuple[str, int], TextSet | None] = {}

    def __call__(self, name: str, draft: int) -> CharDfa | None:
        """The texts of a format as one automaton, or None for an annotation."""
        texts = self.texts(name, draft)
        return None if texts is None else as_dfa(texts)

    def texts(self, name: str, draft: int) -> TextSet | None:
        """The texts of a format, or None for an annotation; a name of a later draft means what it means there."""
        key = (name, draft)
        if key not in self._known:
            make = self._load if name in _LARGE else self._make
            self._known[key] = make(name, draft)
        return self._known[key]

    def _make(self, name: str, draft: int) -> TextSet | None:
        found = format_texts(name, draft=draft)
        return found if found is not None or draft == LATEST else format_texts(name, draft=LATEST)

    def _load(self, name: str, draft: int) -> TextSet | None:
        key = self._source + f"{name}/{draft}".encode()
        arrays = self._disk.load(_KIND, key)
        if arrays is not None:
            return _unpacked(arrays)
        made = self._make(name, draft)
        if made is not None:
            self._disk.store(_KIND, key, _packed(made))
        return made


@cache
def _source() -> bytes:
    """A digest of the code that makes automata: another version never meets this one's files."""
    files = sorted(Path(detent.grammar.__file__).parent.glob("*.py"))
    return blake2b(b"".join(file.read_bytes() for file in files), digest_size=16).digest()


def _packed(texts: TextSet) -> dict[str, Any]:
    """A set of texts as arrays: its pieces, then the parts of the whole; with what is soon asked of each of them."""
    automata = [dfa for _, dfa in texts.pieces] + [dfa for dfa, _, _ in texts.whole if dfa is not None]
    arrays = {f"{part}{i}": getattr(dfa, part) for i, dfa in enumerate(automata) for part in _ARRAYS}
    arrays |= {f"verdicts{i}": dfa.verdicts for i, dfa in enumerate(automata) if isinstance(dfa, JudgedDfa)}
    lengths = [dfa.lengths for dfa in automata]
    arrays |= {f"lengths{i}": np.array([shortest, longest]) for i, (shortest, longest, _) in enumerate(lengths)}
    arrays["gapfree"] = np.array([gapfree for _, _, gapfree in lengths], np.uint8)
    bounds = [(low, high) for _, low, high in texts.whole]
    arrays["first"] = np.array([first for first, _ in texts.pieces], np.int32)
    arrays["bounds"] = np.array(bounds, np.int32).reshape(-1, 2)
    return {name: _narrow(array) for name, array in arrays.items()}


def _narrow(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The same numbers in fewer bytes each, if they fit."""
    low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
    for kind in (np.int8, np.int16):
        if array.itemsize > kind(0).itemsize and np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return array.astype(kind)
    return array


def _wide(array: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    return array.astype(np.int32)


def _unpacked(arrays: dict[str, Any]) -> TextSet:
    def automaton(i: int) -> CharDfa:
        starts, cls, trans = (_wide(arrays[f"{part}{i}"]) for part in _ARRAYS[:-1])
        dfa = CharDfa(starts, cls, trans, arrays[f"accept{i}"])
        if f"verdicts{i}" in arrays:
            dfa = with_verdicts(dfa, _wide(arrays[f"verdicts{i}"]))
        vars(dfa)["lengths"] = (*_wide(arrays[f"lengths{i}"]), bool(arrays["gapfree"][i]))
        return dfa

    first, bounds = arrays["first"].tolist(), arrays["bounds"].tolist()
    pieces = tuple((low, automaton(i)) for i, low in enumerate(first))
    return TextSet(pieces, whole=tuple((automaton(len(first) + i), *pair) for i, pair in enumerate(bounds)))
