from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detent.automata.format_cache import FormatCache
from detent.grammar import formats


def test_texts_come_back_from_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = FormatCache(tmp_path).texts("time", 7)
    assert made is not None and made.matches("12:00:00Z")
    monkeypatch.setattr(FormatCache, "_make", lambda *_: pytest.fail("made again"))
    back = FormatCache(tmp_path).texts("time", 7)
    assert back == made
    for (_, known), (_, dfa) in zip(back.pieces, made.pieces, strict=True):
        assert all(map(np.array_equal, vars(known)["lengths"], dfa.lengths))
    with pytest.raises(pytest.fail.Exception):
        FormatCache(tmp_path).texts("date-time", 7)


def test_sets_of_several_pieces_come_back_from_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    several = formats.format_texts("hostname")
    monkeypatch.setattr(FormatCache, "_make", lambda *_: several)
    assert several is not None and len(several.pieces) == 3
    FormatCache(tmp_path).texts("idn-hostname", 7)
    assert FormatCache(tmp_path).texts("idn-hostname", 7) == several


def test_later_formats_are_taken_and_unknown_ones_are_annotations() -> None:
    cache = FormatCache(False)
    texts = formats.format_texts("uuid")
    assert texts is not None and cache.texts("uuid", 4) is texts and cache("uuid", 4) == formats.as_dfa(texts)
    assert cache.texts("path", 2020) is None and cache("path", 2020) is None
