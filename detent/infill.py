"""Texts with gaps under a grammar: can they be completed, how, and in how few tokens?

    >>> from detent import infill
    >>> grammar = 'start: "(" start ")" start |'
    >>> infill.completable(grammar, ["((", None, ")"])
    True
    >>> infill.completable(grammar, ["((", None, ")"], max_gap_tokens=2, exact=True)
    False
    >>> infill.complete(grammar, ["((", None, ")"])
    '(())'

Everything here is compiled once for a grammar and a vocabulary; :class:`Infiller` is that object. For models that fill
in any order there are :class:`Canvas`, :class:`Denoising` and the schedules, for left-to-right models
:func:`fill_regions`. Importing this module loads no torch.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from detent.automata.canvas import BLANK, MASK, Canvas
from detent.automata.gaps import Gap, Part
from detent.automata.infiller import Filling, Grammar, Infiller
from detent.automata.vocabulary import Vocabulary
from detent.grammar.json_rules import read_json_schema, read_regex
from detent.grammar.scannerless import read_lark

if TYPE_CHECKING:
    from detent.sampler.denoising import Denoised, Denoiser, Denoising, MaskedLM
    from detent.sampler.lookahead import LookAhead
    from detent.sampler.regions import fill_regions
    from detent.sampler.schedules import AllIn, Blocks, Local, OneByOne, Schedule, Threshold

_WITH_TORCH = {
    **dict.fromkeys(("Denoised", "Denoiser", "Denoising", "MaskedLM"), "denoising"),
    **dict.fromkeys(("AllIn", "Blocks", "Local", "OneByOne", "Schedule", "Threshold"), "schedules"),
    "LookAhead": "lookahead",
    "fill_regions": "regions",
}

__all__ = [
    "BLANK",
    "MASK",
    "AllIn",
    "Blocks",
    "Canvas",
    "Denoised",
    "Denoiser",
    "Denoising",
    "Filling",
    "Gap",
    "Infiller",
    "Local",
    "LookAhead",
    "MaskedLM",
    "OneByOne",
    "Schedule",
    "Threshold",
    "completable",
    "complete",
    "fill_regions",
    "read_json_schema",
    "read_lark",
    "read_regex",
]


def completable(
    grammar: Grammar,
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
    grammar : str, Rules, dict or bool
        Lark's notation, read without a lexer; rules (:func:`read_regex` makes some); or a JSON Schema.
    parts : sequence of (str, bytes, Gap or None)
        Fixed texts and gaps, from left to right. None is a gap, and so is the place between two texts side by side. A
        :class:`Gap` has bounds of its own. ``["a", None, "b"]`` and ``["a", "b"]`` are ``a``, a gap, ``b``; ``[None,
        "a"]`` and ``["", "a"]`` begin with a gap.
    start : str
        The rule of a grammar in Lark's notation that a whole text must match.
    max_gap_tokens : int, optional
        Most tokens in each gap that is None; by default any number.
    exact : bool
        These gaps take exactly so many.
    vocab : Vocabulary or sequence of (str or bytes), optional
        The tokens; by default every single character is one.

    Raises
    ------
    GrammarError
        The grammar is wrong, or asks for more than can be done.
    LimitExceeded
        ``chart_items``: the text with its gaps is too large.
    """
    infiller = _infiller(*_key(grammar, vocab), start)
    return infiller.completable(parts, max_gap_tokens=max_gap_tokens, exact=exact)


def complete(
    grammar: Grammar,
    parts: Sequence[Part | None],
    *,
    start: str = "start",
    max_gap_tokens: int | None = None,
    exact: bool = False,
    vocab: Vocabulary | Sequence[str | bytes] | None = None,
) -> str | None:
    """The whole text, its gaps filled with as few tokens as possible; None if that cannot be. See
    :func:`completable`."""
    infiller = _infiller(*_key(grammar, vocab), start)
    filling = infiller.complete(parts, max_gap_tokens=max_gap_tokens, exact=exact)
    return None if filling is None else filling.text


def _key(grammar: Grammar, vocab: Any) -> tuple[Any, bool, Any]:
    """What can be looked up: a schema as JSON text, and that it is one; a vocabulary as it is or as a tuple."""
    tokens = vocab if vocab is None or isinstance(vocab, Vocabulary) else tuple(vocab)
    is_schema = not isinstance(grammar, str) and not hasattr(grammar, "bodies")
    return json.dumps(grammar) if is_schema else grammar, is_schema, tokens


@lru_cache(maxsize=64)
def _infiller(grammar: Any, is_schema: bool, vocab: Any, start: str) -> Infiller:
    return Infiller(json.loads(grammar) if is_schema else grammar, start=start, vocab=vocab)


def __getattr__(name: str) -> Any:
    if name in _WITH_TORCH:
        return getattr(import_module(f"detent.sampler.{_WITH_TORCH[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
