"""Texts with gaps under a grammar: can they be completed, how, and in how few tokens?

    >>> from detent import infill
    >>> grammar = 'start: "(" start ")" start |'
    >>> infill.completable(grammar, ["((", None, ")"])
    True
    >>> infill.completable(grammar, ["((", None, ")"], max_gap_tokens=2, exact=True)
    False
    >>> infill.complete(grammar, ["((", None, ")"])
    '(())'
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from detent.automata.gaps import Gap, Part, Slots, Tokens, pack_network, slots_of
from detent.automata.vocabulary import Vocabulary
from detent.grammar import network as networks
from detent.grammar.errors import LimitExceeded
from detent.grammar.rules import Rules
from detent.native import infill_chart as chart

if TYPE_CHECKING:
    from detent.automata.gaps import I32

SMALLEST, LARGEST = 1 << 12, 1 << 24  # items of a chart


class Infiller:
    """A grammar, and the tokens that may stand in its gaps: compiled once, for any number of texts.

    Parameters
    ----------
    grammar : str or Rules
        Lark's notation, read without a lexer (see :mod:`detent.grammar.scannerless`), or rules.
    start : str
        The rule that a whole text must match.
    vocab : Vocabulary or sequence of (str or bytes), optional
        The tokens that may stand in a gap; by default every single character is one.

    Raises
    ------
    GrammarError
        The grammar is wrong, or asks for more than can be done; before anything is written.
    """

    def __init__(
        self, grammar: str | Rules, *, start: str = "start", vocab: Vocabulary | Sequence[str | bytes] | None = None
    ) -> None:
        self.network = _network(grammar, start)
        self.tokens = Tokens(self.network, _token_texts(vocab))
        self._packed = pack_network(self.network)
        self._chart = chart.allocate(SMALLEST, 256)

    def completable(self, parts: Sequence[Part | None], *, max_gap_tokens: int | None = None, exact: bool = False) -> bool:
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
        return self._solve(slots, weighed=False)

    def complete(
        self, parts: Sequence[Part | None], *, max_gap_tokens: int | None = None, exact: bool = False
    ) -> list[list[bytes]] | None:
        """A filling with as few tokens as possible: of each part its tokens, a fixed text as one; None where there is none."""
        kept = [Gap() if part is None else part for part in spaced(parts)]
        slots = self._slots(parts, max_gap_tokens, exact)
        return kept and slots and None

    def _slots(self, parts: Sequence[Part | None], max_gap_tokens: int | None, exact: bool) -> Slots:
        gap = bounds(max_gap_tokens, exact)
        return slots_of([gap if part is None else part for part in spaced(parts)], self.network, self.tokens)

    def _solve(self, slots: Slots, weighed: bool) -> bool:
        arguments = self._packed, self.tokens.packed, slots.rows.ravel(), slots.letters
        while True:
            chart_array = self._empty_chart(slots.n_slots)
            chart_array[chart.WEIGHED] = weighed
            found = chart.solve(*arguments, chart_array, slots.n_slots, not weighed)
            if found != chart.FULL:
                return bool(found == chart.YES)
            self._grow(slots.n_slots)

    def _empty_chart(self, n_slots: int) -> I32:
        if len(self._chart) <= self._chart[chart.HEADS] + n_slots + 1:
            self._chart = chart.allocate(int(self._chart[chart.CAPACITY]), 2 * n_slots)
        chart.cut(self._chart, 0, 0, 0, 0, -1, -1)
        return self._chart

    def _grow(self, n_slots: int) -> None:
        capacity = 4 * int(self._chart[chart.CAPACITY])
        if capacity > LARGEST:
            raise LimitExceeded("chart_items", capacity, LARGEST)
        self._chart = chart.allocate(capacity, 2 * n_slots)


def spaced(parts: Sequence[Part | None]) -> list[Part | None]:
    """Put a gap between neighbouring texts."""
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


def completable(
    grammar: str | Rules,
    parts: Sequence[Part | None],
    *,
    start: str = "start",
    max_gap_tokens: int | None = None,
    exact: bool = False,
    vocab: Any = None,
) -> bool:
    return _infiller(grammar, start, _key(vocab)).completable(parts, max_gap_tokens=max_gap_tokens, exact=exact)


@lru_cache(maxsize=64)
def _infiller(grammar: str | Rules, start: str, vocab: Any) -> Infiller:
    return Infiller(grammar, start=start, vocab=vocab)


def _key(vocab: Any) -> Any:
    return vocab if vocab is None or isinstance(vocab, Vocabulary) else tuple(vocab)


@lru_cache(maxsize=64)
def _network(grammar: str | Rules, start: str) -> networks.Network:
    if isinstance(grammar, Rules):
        return networks.compile(grammar)
    from detent.grammar.scannerless import read_lark

    return networks.compile(read_lark(grammar, start))


def _token_texts(vocab: Any) -> list[bytes] | None:
    if vocab is None:
        return None
    if isinstance(vocab, Vocabulary):
        texts = [vocab.token_bytes(i) for i in range(len(vocab))]
        return [text for text in texts if text]
    return [text.encode() if isinstance(text, str) else text for text in vocab]
