"""Which bytes the characters begin with that the states of an automaton read, or read without leaving."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detent.grammar.dfa import CharDfa

Bytes = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int32]

_LEAD_BYTES = {b: (b, b) for b in range(128)}
_LEAD_BYTES |= {b: ((b & 0x1F) << 6, (b & 0x1F) << 6 | 0x3F) for b in range(0xC2, 0xE0)}
_LEAD_BYTES |= {b: (max((b & 0xF) << 12, 0x800), (b & 0xF) << 12 | 0xFFF) for b in range(0xE0, 0xF0)}
_LEAD_BYTES |= {b: (max((b & 7) << 18, 0x10000), min((b & 7) << 18 | 0x3FFFF, 0x10FFFF)) for b in range(0xF0, 0xF5)}
_LEAD_BYTES[0xED] = (0xD000, 0xD7FF)  # the rest are surrogates
_BYTES = list(_LEAD_BYTES)
_SPANS = np.array(list(_LEAD_BYTES.values()))


def _counts(starts: Ints, cls: Ints, holds: Bytes) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Of the intervals that each byte's characters lie in, how many meet ``holds`` (n_states, n_classes), and all."""
    at = np.searchsorted(starts, _SPANS, side="right") - 1
    total = np.zeros((len(holds), len(cls) + 1), np.int64)
    np.cumsum(holds[:, cls], axis=1, out=total[:, 1:])
    return total[:, at[:, 1] + 1] - total[:, at[:, 0]], at[:, 1] + 1 - at[:, 0]


def begins(starts: Ints, cls: Ints, holds: Bytes) -> Bytes:
    """(n, 256): the bytes that some character begins with whose class is in each of ``n`` sets (n, n_classes)."""
    out = np.zeros((len(holds), 256), np.bool_)
    out[:, _BYTES] = _counts(starts, cls, holds)[0] > 0
    return out


def reads(dfa: CharDfa) -> Bytes:
    """(n_states, 256): the bytes that some character begins with which a state reads."""
    return begins(dfa.starts, dfa.cls, dfa.trans >= 0)


def stays(dfa: CharDfa) -> Bytes:
    """(n_states, 256): the bytes all of whose characters lead a state back to itself."""
    out = np.zeros((dfa.n_states, 256), np.bool_)
    found, width = _counts(dfa.starts, dfa.cls, dfa.trans == np.arange(dfa.n_states)[:, None])
    out[:, _BYTES] = found == width
    return out
