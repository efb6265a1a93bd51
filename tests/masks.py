"""The tokens of a mask, as a set."""

from __future__ import annotations

import numpy as np

from detent.automata.matcher import Matcher, allocate_bitmask


def allowed(matcher: Matcher) -> set[int]:
    """The tokens that a matcher allows next; bits past the last token must be clear."""
    n = len(matcher.grammar.vocabulary)
    mask = allocate_bitmask(1, n)
    matcher.fill_bitmask(mask)
    bits = np.unpackbits(mask.view(np.uint8), bitorder="little")
    assert not bits[n:].any()
    return set(np.flatnonzero(bits[:n]).tolist())
