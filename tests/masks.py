"""What tests see of masks and of the arenas behind them."""

from __future__ import annotations

import numpy as np
import pytest

from detent.automata.arena import Arena
from detent.automata.compiler import Compiler
from detent.automata.matcher import Matcher, allocate_bitmask


def allowed(matcher: Matcher) -> set[int]:
    """The tokens that a matcher allows next; bits past the last token must be clear."""
    n = len(matcher.grammar.vocabulary)
    mask = allocate_bitmask(1, n)
    matcher.fill_bitmask(mask)
    bits = np.unpackbits(mask.view(np.uint8), bitorder="little")
    assert not bits[n:].any()
    return set(np.flatnonzero(bits[:n]).tolist())


def arenas_made(compiler: Compiler, monkeypatch: pytest.MonkeyPatch) -> list[Arena]:
    """A list that takes up each new arena of a compiler from now on."""
    made: list[Arena] = []
    make = compiler.arenas._new

    def counted() -> Arena:
        made.append(make())
        return made[-1]

    monkeypatch.setattr(compiler.arenas, "_new", counted)
    return made
