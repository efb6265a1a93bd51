"""Every error detent raises on purpose: the data first, then one sentence made from it."""

from __future__ import annotations

from typing import Any


class DetentError(Exception):
    """Base of all errors of this library."""


class GrammarError(DetentError, ValueError):
    """A specification that cannot be enforced exactly; raised before the first token.

    Attributes
    ----------
    pointer : str
        JSON pointer of the place in the schema (``""`` is the root), or a line of the grammar.
    keyword : str or None
        The keyword at that place.
    reason : str
        What is wrong.
    hint : str or None
        What to do about it.
    """

    def __init__(self, reason: str, *, pointer: str = "", keyword: str | None = None, hint: str | None = None) -> None:
        self.reason, self.pointer, self.keyword, self.hint = reason, pointer, keyword, hint
        where = f"at {pointer or '/'}" + (f" ({keyword})" if keyword else "")
        super().__init__(f"{where}: {reason}" + (f" {hint}" if hint else ""))


class Unsatisfiable(GrammarError):
    """The specification has no instance: there is nothing a model could write."""

    def __init__(self, reason: str, **place: Any) -> None:
        super().__init__(f"unsatisfiable: {reason}", **place)


class LimitExceeded(GrammarError):
    """A named limit was passed.

    Attributes
    ----------
    limit : str
        Name of the field of :class:`detent.Limits`.
    measured : int
        The size that was met (or the first size beyond the limit).
    """

    def __init__(self, limit: str, measured: int, allowed: int, **place: Any) -> None:
        self.limit, self.measured = limit, measured
        hint = place.pop("hint", None) or f"Raise it with detent.Limits({limit}=...)."
        super().__init__(f"limit {limit} exceeded: {measured} > {allowed}.", hint=hint, **place)


class VocabularyError(DetentError, ValueError):
    """A tokenizer whose tokens cannot be mapped to bytes, or a vocabulary that cannot spell the grammar."""


class Truncated(DetentError):
    """Generation ran out of tokens before the text was complete.

    Attributes
    ----------
    text : str
        What was written so far.
    partial : object
        The same text closed as far as it parses, or ``None``.
    n_tokens : int
        Number of tokens generated.
    """

    def __init__(self, text: str, partial: Any, n_tokens: int) -> None:
        self.text, self.partial, self.n_tokens = text, partial, n_tokens
        super().__init__(f"out of tokens after {n_tokens}: the text is not complete. Raise max_new_tokens.")
