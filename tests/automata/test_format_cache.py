from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detent.automata.format_cache import FormatCache, _narrow
from detent.grammar import formats


def test_texts_come_back_from_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = FormatCache(tmp_path).texts("time", 7)
    assert made is not None and made.matches("12:00:00Z")
    monkeypatch.setattr(FormatCache, "_make", lambda *_: pytest.fail("made again"))
    back = FormatCache(tmp_path).texts("time", 7)
    assert back == made
    for (_, known), (_, dfa) in zip(back.pieces, made.pieces, strict=True):
        assert all(map(np.array_equal, vars(known)["lengths"], dfa.lengths))
        for part in ("starts", "cls", "trans", "accept"):
            assert getattr(known, part).dtype == getattr(dfa, part).dtype and getattr(known, part).flags.c_contiguous
    with pytest.raises(pytest.fail.Exception):
        FormatCache(tmp_path).texts("date-time", 7)


def test_sets_of_several_pieces_come_back_from_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    several = formats.format_texts("hostname")
    monkeypatch.setattr(FormatCache, "_make", lambda *_: several)
    assert several is not None and len(several.pieces) == 3
    FormatCache(tmp_path).texts("idn-hostname", 7)
    assert FormatCache(tmp_path).texts("idn-hostname", 7) == several


def test_numbers_take_no_more_bytes_than_they_need() -> None:
    for numbers, kind in (([], np.int8), ([-128, 127], np.int8), ([128], np.int16), ([-32768], np.int16)):
        narrow = _narrow(np.array(numbers, np.int32))
        assert narrow.dtype == kind and narrow.tolist() == numbers
    for numbers, kept in (([32768], np.int32), ([0, 1], np.uint8), ([200], np.uint8)):
        narrow = _narrow(np.array(numbers, kept))
        assert narrow.dtype == kept and narrow.tolist() == numbers


def test_later_formats_are_taken_and_unknown_ones_are_annotations() -> None:
    cache = FormatCache(False)
    texts = formats.format_texts("uuid")
    assert texts is not None and cache.texts("uuid", 4) is texts and cache("uuid", 4) == formats.as_dfa(texts)
    assert cache.texts("path", 2020) is None and cache("path", 2020) is None
