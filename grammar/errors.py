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
    row : int or None
        The row of the mask, where ``fill_bitmasks`` could not work it out.
    """

    row: int | None = None

    def __init__(self, reason: str, *, pointer: str = "", keyword: str | None = None, hint: str | None = None) -> None:
        self.reason, self.pointer, self.keyword, self.hint = reason, pointer, keyword, hint
        super().__init__(reason)

    def __str__(self) -> str:
        where = f"at {self.pointer or '/'}" + (f" ({self.keyword})" if self.keyword else "")
        if self.row is not None:
            where = f"row {self.row}, {where}"
        return f"{where}: {self.reason}" + (f" {self.hint}" if self.hint else "")


class Unsatisfiable(GrammarError):
    """The specification has no instance: there is nothing a model could write."""

    def __init__(self, reason: str, **place: Any) -> None:
        super().__init__(f"unsatisfiable: {reason}", **place)


class Unenforceable(GrammarError):
    """A right specification that asks for more than can be enforced exactly; ``strict=False`` leaves it out.

    Attributes
    ----------
    subject : object
        What was being worked out, where several keywords together ask for too much.
    """

    subject: Any = None


class LimitExceeded(Unenforceable):
    """A named limit was passed.

    Attributes
    ----------
    limit : str
        Name of the field of :class:`detent.Limits`.
    measured : int
        The size that was met (or the first size beyond the limit).
    text : str or None
        What had been written, where the limit was met while a text was written; ``None`` where a specification was
        compiled.
    """

    text: str | None = None

    def __init__(self, limit: str, measured: int, allowed: int, **place: Any) -> None:
        self.limit, self.measured = limit, measured
        hint = place.pop("hint", None) or f"Raise it with detent.Limits({limit}=...)."
        super().__init__(f"limit {limit} exceeded: {measured} > {allowed}.", hint=hint, **place)


class Violated(DetentError, ValueError):
    """A value does not meet what was left out of its schema by ``strict=False``.

    Attributes
    ----------
    violations : tuple of Violation
        What is wrong with it, by the whole schema.
    """

    def __init__(self, violations: Any) -> None:
        self.violations = tuple(violations)
        more = f" (and {len(self.violations) - 1} more)" if len(self.violations) > 1 else ""
        super().__init__(f"{self.violations[0]}{more}")


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


class DeadEnd(DetentError):
    """A predicate refused every way to go on, or no valid text was found in the tries that were granted.

    Attributes
    ----------
    text : str
        What was written so far.
    n_tokens : int
        Number of tokens generated.
    """

    def __init__(self, text: str, n_tokens: int) -> None:
        self.text, self.n_tokens = text, n_tokens
        way = (
            f"no way on after {n_tokens} tokens: every further one is refused."
            if n_tokens
            else "no valid text was found."
        )
        super().__init__(way)
