"""Plain patterns, which a kernel reads: see :mod:`detent.native.patterns`."""

from __future__ import annotations

from itertools import accumulate, chain

import numpy as np

from ..native import patterns
from . import charset
from .dfa import SIZE_PER_STATE, CharDfa, coloured

_SETS = [charset.DIGIT, charset.WORD, charset.SPACE]
_SETS += [*map(charset.complement, _SETS), charset.DOT, charset.ANY]
_ENDS = accumulate(map(len, _SETS), initial=patterns.N_KNOWN)
_KNOWN = np.array([*[*_ENDS][1:], *chain.from_iterable(_SETS)], np.int32)


def compile_plain(pattern: str, *, max_states: int) -> CharDfa | None:
    """The automaton of the texts in which a pattern is found; None for any that is not plain, wrong or large."""
    if not pattern.isascii():
        return None
    text = np.frombuffer(bytearray(pattern, "ascii"), np.uint8)
    *found, n_states, size = patterns.compiled_pattern(text, _KNOWN, max_states, SIZE_PER_STATE * max_states)
    if not 0 <= n_states <= max_states or size > SIZE_PER_STATE * max_states:
        return None
    return coloured(*found)[0]
