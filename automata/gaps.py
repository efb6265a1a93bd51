"""Texts with gaps as slots, vocabularies as automata over classes of bytes: what the chart kernels read."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from detent.grammar import charset
from detent.grammar.network import Network, utf8
from detent.native import dfa as dfa_kernels
from detent.native import infill_chart as chart

I32 = NDArray[np.int32]
MAX_TOKEN_NODES = 1_000_000


class Gap(NamedTuple):
    """A place where tokens are missing.

    Attributes
    ----------
    low : int
        Fewest tokens.
    high : int or None
        Most tokens; None: any number.
    """

    low: int = 0
    high: int | None = None


Part: TypeAlias = "str | bytes | Gap"


class Tokens:
    """The tokens that may stand in a gap, as the minimal automaton of their spellings in one network's classes of
    bytes.

    Parameters
    ----------
    network : Network
    texts : sequence of (bytes or None), or None
        What each token spells; None for one that never stands in a text. Without them, every single character is a
        token.

    Attributes
    ----------
    packed : int32 array
        The automaton of the spellings in the layout of :mod:`detent.native.infill_chart`.
    spellings : dict of bytes to int
        By its spelling in classes, the first token that has it; for single characters, the number is of no use.
    has_empty : bool
        Whether a token spells nothing.
    """

    def __init__(self, network: Network, texts: Sequence[bytes | None] | None) -> None:
        self.texts, self._network = texts, network
        self._letters: dict[int, list[int]] = {}
        self.has_empty = texts is not None and b"" in texts
        table = network.classes.astype(np.uint8)
        dead = bytes(np.flatnonzero((network.step < 0).all(axis=0)).tolist())
        self.spellings: dict[bytes, int] = {}
        found: Iterable[tuple[int, bytes]] = enumerate(
            table[np.frombuffer(text or b"", np.uint8)].tobytes() for text in texts or ()
        )
        if texts is None:
            sets = [[sorted(set(table[a : b + 1].tolist())) for a, b in spans] for spans in utf8(charset.ANY)]
            found = enumerate(bytes(letters) for parts in sets for letters in itertools.product(*parts))
        for number, spelling in found:
            if spelling and len(spelling.translate(None, dead)) == len(spelling):
                self.spellings.setdefault(spelling, number)
        self.packed = _pack(self.spellings, network.step.shape[1])

    @cached_property
    def alike(self) -> list[int]:
        """Of each token, the first one with the same spelling in classes, which the grammar cannot tell from it; -1 for
        one without bytes, or with some that the language does not have."""
        return [self.spellings.get(bytes(self.letters(token)), -1) for token in range(len(self.texts or ()))]

    @cached_property
    def usable(self) -> NDArray[np.bool_]:
        """(n_tokens,) bool: the tokens whose bytes the language has at all."""
        return np.array(self.alike, np.int64) >= 0

    @cached_property
    def longest(self) -> int:
        """Number of bytes of the longest spelling."""
        return max(map(len, self.spellings), default=0)

    @cached_property
    def words(self) -> I32:
        """What every token spells, in the layout of :mod:`detent.native.infill_window`."""
        texts = [text or b"" for text in self.texts or ()]
        letters = self._network.classes[np.frombuffer(b"".join(texts), np.uint8)]
        first = 2 + len(texts) + np.cumsum([0, *map(len, texts)])
        return np.concatenate([[len(texts)], first, letters]).astype(np.int32)

    def letters(self, token: int) -> list[int]:
        """What a token spells, in classes."""
        if token not in self._letters:
            text = self.texts[token] if self.texts and token < len(self.texts) else None
            self._letters[token] = self._network.classes[np.frombuffer(text or b"", np.uint8)].tolist()
        return self._letters[token]

    def text(self, spelling: bytes) -> bytes:
        """A token, or a character, of a spelling in classes."""
        if self.texts is not None:
            return self.texts[self.spellings[spelling]] or b"" if spelling else b""
        return bytes(self._readable[c] for c in spelling)

    @cached_property
    def _readable(self) -> list[int]:
        """A byte of each class: a letter or digit if there is one, else one that can be seen."""
        bytes_of = [np.flatnonzero(self._network.classes == c).tolist() for c in range(self._network.step.shape[1])]
        return [min(found, key=lambda b: (b > 126, not chr(b).isalnum(), b < 33, b)) for found in bytes_of]


def _pack(spellings: Iterable[bytes], n_classes: int) -> I32:
    words = sorted(spellings)
    letters = np.frombuffer(b"".join(words), np.uint8).astype(np.int32)
    ends = np.cumsum([0, *map(len, words)]).astype(np.int32)
    trans, accept = dfa_kernels.words(letters, ends, n_classes, MAX_TOKEN_NODES)
    source, classes = np.nonzero(trans >= 0)
    first = np.searchsorted(source, np.arange(len(trans) + 1))
    return _concatenate(chart.TOKENS_HEADER, [len(trans)], first, classes, trans[source, classes], accept)


def _concatenate(header: int, numbers: Sequence[int], *parts: NDArray[np.integer]) -> I32:
    """Numbers, then the offsets of arrays, then the arrays."""
    offsets = header + np.cumsum([0, *map(len, parts)])[:-1]
    return np.concatenate([numbers, offsets, *parts]).astype(np.int32)


def pack_network(network: Network) -> I32:
    """A network in the layout of :mod:`detent.native.infill_chart`."""
    first = np.cumsum([0, *map(len, network.calls)])
    calls = np.array([call for calls in network.calls for call in calls], np.int32).reshape(-1, 2)
    numbers = [network.n_states, network.step.shape[1], len(network.first)]
    parts = [
        network.step.ravel(),
        first,
        calls[:, 0],
        calls[:, 1],
        network.final,
        np.array(network.first),
        network.owner,
    ]
    return _concatenate(chart.NETWORK_HEADER, numbers, *parts)


@dataclass
class Slots:
    """A text with gaps as the chart reads it.

    Attributes
    ----------
    rows : (n_slots + 1, 6) int32
        See :mod:`detent.native.infill_chart`; the last one is the end.
    letters : (n_letters,) int32
        The fixed texts as classes of bytes.
    parts : list of (str, bytes or Gap)
    part : list of int
        The part that each slot belongs to.
    """

    rows: I32
    letters: I32
    parts: list[Part]
    part: list[int]

    @property
    def n_slots(self) -> int:
        return len(self.rows) - 1

    @cached_property
    def skippable(self) -> bool:
        """Whether the whole text may be empty."""
        at = 0
        while at < self.n_slots and self.rows[at, chart.SKIP_TO] >= 0:
            at = int(self.rows[at, chart.SKIP_TO])
        return at == self.n_slots


def slots_of(parts: Sequence[Part], network: Network, tokens: Tokens) -> Slots:
    """Lay out parts: a fixed text is one slot, a gap a slot for each token that may stand there, or a loop behind the
    fewest."""
    rows: list[tuple[int, ...]] = []
    letters: list[int] = []
    origin: list[int] = []
    for i, part in enumerate(parts):
        at = len(rows)
        if isinstance(part, Gap):
            for k in range(part.low):
                rows.append((0, 0, at + k + 1, at + k + 1 if tokens.has_empty else -1, 1, 0))
            if part.high is None:
                rows.append((0, 0, len(rows), len(rows) + 1, 0, 0))
            else:
                rows += [(0, 0, at + k + 1, at + part.high, 0, 0) for k in range(part.low, part.high)]
        elif part:
            data = part if isinstance(part, bytes) else part.encode(errors="surrogatepass")
            spelled = network.classes[np.frombuffer(data, np.uint8)].tolist()
            rows.append((len(letters), len(spelled), -1, -1, 0, 0))
            letters += spelled
        origin += [i] * (len(rows) - at)
    rows.append((0, 0, -1, -1, 0, 1))
    return Slots(np.array(rows, np.int32), np.array(letters or [0], np.int32), list(parts), origin)
