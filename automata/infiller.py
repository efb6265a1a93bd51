"""A grammar and the tokens of its gaps: whether a text with gaps can be completed, and how."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from detent.automata.gaps import I32, Gap, Part, Slots, Tokens, pack_network, slots_of
from detent.automata.vocabulary import Vocabulary
from detent.grammar import network as networks
from detent.grammar.errors import LimitExceeded
from detent.grammar.json_rules import read_json_schema
from detent.grammar.rules import Rules
from detent.native import infill_chart as chart

Grammar: TypeAlias = "str | Rules | Mapping[str, Any] | bool"
SMALLEST, KEPT, LARGEST = 1 << 14, 1 << 18, 1 << 22  # items of a chart


class Filling(NamedTuple):
    """A completed text.

    Attributes
    ----------
    text : str
    gaps : tuple of tuple of bytes
        The tokens of each gap.
    """

    text: str
    gaps: tuple[tuple[bytes, ...], ...]

    @property
    def n_tokens(self) -> int:
        """Number of tokens in all gaps together."""
        return sum(map(len, self.gaps))


class Infiller:
    """A grammar, and the tokens that may stand in its gaps: compiled once, for any number of texts.

    Parameters
    ----------
    grammar : str, Rules, dict or bool
        Lark's notation, read without a lexer (see :mod:`detent.grammar.scannerless`); rules; or a JSON Schema
        (see :mod:`detent.grammar.json_rules`).
    start : str
        The rule of a grammar in Lark's notation that a whole text must match.
    vocab : Vocabulary or sequence of (str or bytes), optional
        The tokens that may stand in a gap; by default every single character is one.

    Raises
    ------
    GrammarError
        The grammar is wrong, or asks for more than can be done; before anything is written.
    """

    def __init__(
        self, grammar: Grammar, *, start: str = "start", vocab: Vocabulary | Sequence[str | bytes] | None = None
    ) -> None:
        self.network = _network(grammar, start)
        self.tokens = Tokens(self.network, _token_texts(vocab))
        self.packed = pack_network(self.network)

    def completable(
        self, parts: Sequence[Part | None], *, max_gap_tokens: int | None = None, exact: bool = False
    ) -> bool:
        """Whether the gaps of a text can be filled so that it belongs to the language.

        Parameters
        ----------
        parts : sequence of (str, bytes, Gap or None)
            See :func:`completable`.
        max_gap_tokens : int, optional
        exact : bool
        """
        slots = self._slots(parts, max_gap_tokens, exact)
        if self.network.nullable and slots.skippable:
            return True
        return self.solve(slots.rows, slots.letters, weighed=False)

    def complete(
        self, parts: Sequence[Part | None], *, max_gap_tokens: int | None = None, exact: bool = False
    ) -> Filling | None:
        """A filling with as few tokens as possible; None where there is none. Parameters as for :func:`completable`."""
        slots = self._slots(parts, max_gap_tokens, exact)
        if self.network.nullable and slots.skippable:
            events: list[list[int]] = []
        elif self.solve(slots.rows, slots.letters, weighed=True):
            events = self.derivation().events
        else:
            return None
        return self._filling(slots, events)

    def _filling(self, slots: Slots, events: Sequence[Sequence[int]]) -> Filling:
        """Put bytes together to tokens: of each gap its own."""
        pieces: list[list[bytes]] = [[] for _ in slots.parts]
        for i, part in enumerate(slots.parts):
            if not isinstance(part, Gap):
                pieces[i].append(part if isinstance(part, bytes) else part.encode(errors="surrogatepass"))
        spelled = b""
        for slot, letter, ends in events:
            if slots.rows[slot, chart.LENGTH]:
                continue
            spelled += bytes([letter]) if letter >= 0 else b""
            if ends:
                pieces[slots.part[slot]].append(self.tokens.text(spelled))
                spelled = b""
        for part, tokens in zip(slots.parts, pieces, strict=True):
            if isinstance(part, Gap):  # only where all texts may be empty
                tokens += [b""] * (part.low - len(tokens))
        text = b"".join(token for tokens in pieces for token in tokens).decode()
        gaps = tuple(tuple(tokens) for part, tokens in zip(slots.parts, pieces, strict=True) if isinstance(part, Gap))
        return Filling(text, gaps)

    def _slots(self, parts: Sequence[Part | None], max_gap_tokens: int | None, exact: bool) -> Slots:
        gap = bounds(max_gap_tokens, exact)
        return slots_of([gap if part is None else part for part in spaced(parts)], self.network, self.tokens)

    def solve(self, rows: I32, letters: I32, *, weighed: bool) -> bool:
        """Whether slots can be completed; `weighed` finds the fewest tokens, see :meth:`events`.

        Parameters
        ----------
        rows, letters : int32 arrays
            See :class:`~detent.automata.gaps.Slots`.
        weighed : bool
        """
        n_slots = len(rows) - 1
        C = shared_chart(min(int(_scratch.charts[0][chart.CAPACITY]), KEPT), n_slots)
        chart.clear(C)
        while True:
            C[chart.WEIGHED] = weighed
            found = chart.solve(self.packed, self.tokens.packed, rows.ravel(), letters, C, n_slots, not weighed)
            if found != chart.FULL:
                return bool(found == chart.YES)
            C = _scratch.charts[0] = larger(C, 2 * n_slots)

    def derivation(self) -> Derivation:
        """How the last text that this thread solved with weights is completed."""
        C = _scratch.charts[0]
        return trace(C, [int(C[chart.ACCEPTED])])


class Derivation(NamedTuple):
    """A way to complete a text.

    Attributes
    ----------
    events : list of [slot, letter, ends]
        One byte (its class), or one token that spells nothing (-1), from the first to the last; and whether a token
        ends there.
    visits : (n, 3) int32
        The states of the network on the way, the last one first: how many events come behind, slot and state.
    """

    events: list[list[int]]
    visits: I32

    def states_in(self, slot: int) -> list[tuple[int, int]]:
        """The states in a slot, each with the number of events of that slot in front of it."""
        behind, _, states = self.visits[self.visits[:, 1] == slot].T
        return sorted(zip((behind.max() - behind).tolist(), states.tolist(), strict=True))


class _Scratch(threading.local):
    """Two charts of a thread, which all grammars use: they grow, and unless they are very large they stay."""

    def __init__(self) -> None:
        self.charts = [chart.allocate(SMALLEST, 256) for _ in range(2)]

    def holds(self, which: int, capacity: int, n_slots: int) -> bool:
        """Whether a chart has room for so many items and slots, and not for far more."""
        C = self.charts[which]
        return capacity <= int(C[chart.CAPACITY]) <= max(capacity, KEPT) and len(C) > int(C[chart.HEADS]) + n_slots


_scratch = _Scratch()


def shared_chart(capacity: int, n_slots: int, which: int = 0) -> I32:
    """A chart of this thread, as it was left, with room for so many items, or more."""
    if not _scratch.holds(which, capacity, n_slots):
        _scratch.charts[which] = chart.allocate(capacity, 2 * n_slots)
    return _scratch.charts[which]


def larger(old: I32, n_slots: int) -> I32:
    """An empty chart of four times the capacity."""
    capacity = 4 * int(old[chart.CAPACITY])
    if capacity > LARGEST:
        raise LimitExceeded("chart_items", capacity, LARGEST, hint="Fewer masks or tokens at once take less.")
    return chart.allocate(capacity, n_slots)


def trace(C: I32, items: Sequence[int]) -> Derivation:
    """How an accepted item came about; or one inside calls, in front of it the items that called."""
    size = 1 << 10
    while True:
        events, visits, pending = (np.empty(n * size, np.int32) for n in (3, 3, 1))
        pending[: len(items)] = items
        found = chart.trace(C, events, visits, pending, len(items))
        if found >= 0:
            n_events, n_visits = found >> 32, found & 0xFFFFFFFF
            kept = events[: 3 * n_events].reshape(-1, 3)[::-1].tolist()
            return Derivation(kept, visits[: 3 * n_visits].reshape(-1, 3))
        size *= 4


def spaced(parts: Sequence[Part | None]) -> list[Part | None]:
    """Put a gap between neighbouring texts."""
    if isinstance(parts, str | bytes):
        raise TypeError(f"parts must be a list of texts and gaps, not {parts!r:.40}")
    out: list[Part | None] = []
    for part in parts:
        if out and isinstance(part, str | bytes) and isinstance(out[-1], str | bytes):
            out.append(None)
        out.append(part)
    return out


def bounds(max_gap_tokens: int | None, exact: bool) -> Gap:
    """The gap that None stands for."""
    if max_gap_tokens is not None and max_gap_tokens < 0:
        raise ValueError(f"max_gap_tokens must not be negative, not {max_gap_tokens}")
    if exact and max_gap_tokens is None:
        raise ValueError("exact asks for max_gap_tokens")
    return Gap(max_gap_tokens or 0 if exact else 0, max_gap_tokens)


def _network(grammar: Grammar, start: str) -> networks.Network:
    if isinstance(grammar, str):
        return _network_of_text(grammar, start)
    return networks.compile(grammar if isinstance(grammar, Rules) else read_json_schema(grammar))


@lru_cache(maxsize=64)
def _network_of_text(grammar: str, start: str) -> networks.Network:
    from detent.grammar.scannerless import read_lark

    return networks.compile(read_lark(grammar, start))


def _token_texts(vocab: Vocabulary | Sequence[str | bytes] | None) -> list[bytes | None] | None:
    if vocab is None:
        return None
    if isinstance(vocab, Vocabulary):
        return [vocab.token_bytes(i) or None for i in range(len(vocab))]
    return [text.encode() if isinstance(text, str) else text for text in vocab]
