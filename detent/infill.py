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

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from detent.automata.gaps import Gap, Part
from detent.automata.infiller import Filling, Infiller
from detent.automata.vocabulary import Vocabulary
from detent.grammar.rules import Rules

__all__ = ["Filling", "Gap", "Infiller", "complete", "completable"]


def completable(
    grammar: str | Rules,
    parts: Sequence[Part | None],
    *,
    start: str = "start",
    max_gap_tokens: int | None = None,
    exact: bool = False,
    vocab: Vocabulary | Sequence[str | bytes] | None = None,
) -> bool:
    """Whether a text with gaps can be completed to a text of a grammar.

    Parameters
    ----------
    grammar : str or Rules
        Lark's notation, read without a lexer; or rules.
    parts : sequence of (str, bytes, Gap or None)
        Fixed texts and gaps, from left to right. None is a gap; so is the place between two texts side by side. A :class:`Gap` has bounds of its
        own. ``["a", None, "b"]`` and ``["a", "b"]`` are ``a``, a gap, ``b``; ``[None, "a"]`` and ``["", "a"]`` begin with a gap.
    start : str
    max_gap_tokens : int, optional
        Most tokens in each gap; by default any number.
    exact : bool
        Each gap takes exactly `max_gap_tokens`.
    vocab : Vocabulary or sequence of (str or bytes), optional
        The tokens; by default every single character is one.

    Raises
    ------
    GrammarError
        The grammar is wrong, or asks for more than can be done.
    LimitExceeded
        ``chart_items``: the text with its gaps is too large.
    """
    return _infiller(grammar, start, _key(vocab)).completable(parts, max_gap_tokens=max_gap_tokens, exact=exact)


def complete(
    grammar: str | Rules,
    parts: Sequence[Part | None],
    *,
    start: str = "start",
    max_gap_tokens: int | None = None,
    exact: bool = False,
    vocab: Vocabulary | Sequence[str | bytes] | None = None,
) -> str | None:
    """The whole text with its gaps filled by as few tokens as possible; None where that cannot be. See :func:`completable`."""
    infiller = _infiller(grammar, start, _key(vocab))
    filling = infiller.complete(parts, max_gap_tokens=max_gap_tokens, exact=exact)
    return None if filling is None else filling.text


@lru_cache(maxsize=64)
def _infiller(grammar: str | Rules, start: str, vocab: Any) -> Infiller:
    return Infiller(grammar, start=start, vocab=vocab)


def _key(vocab: Any) -> Any:
    return vocab if vocab is None or isinstance(vocab, Vocabulary) else tuple(vocab)


