"""What generation gives back: the value, the text, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from detent.decoding import Step
from detent.grammar.residual import Residual

T = TypeVar("T")
Finish = Literal["stop", "length", "error"]


@dataclass(frozen=True)
class Stats:
    """What one text cost.

    Attributes
    ----------
    n_prompt_tokens, n_tokens, n_forced : int
        Tokens of the prompt, tokens written (the closing EOS included), and how many of these were the only choice.
    n_masks : int
        Masks made.
    model_seconds, mask_seconds : float
        Time in the model, as this row's share of its batch; time in making masks and accepting tokens.
    """

    n_prompt_tokens: int = 0
    n_tokens: int = 0
    n_forced: int = 0
    n_masks: int = 0
    model_seconds: float = 0.0
    mask_seconds: float = 0.0


@dataclass(frozen=True)
class Result(Generic[T]):
    """One generated text and the value it stands for.

    Attributes
    ----------
    text : str
        What the model wrote, without the EOS token.
    tokens : list of int
        The ids, the closing EOS included where it was written.
    finish : {"stop", "length", "error"}
        The text is complete; the tokens ran out; the row did not start.
    stats : Stats
    trace : list of Step
        The probability of each token.
    error : Exception or None
        Why there is no value: ``Truncated``, the parser's ``ValueError``, or what was wrong with the prompt.
    residual : Residual
        What of the schema was not enforced, with the check that makes up for it; false where everything was, as always
        unless ``strict=False`` was asked for.
    """

    text: str = ""
    tokens: list[int] = field(default_factory=list)
    finish: Finish = "error"
    stats: Stats = field(default_factory=Stats)
    trace: list[Step] = field(default_factory=list, repr=False)
    error: Exception | None = None
    residual: Residual = field(default_factory=Residual)
    _value: Any = field(default=None, repr=False)

    @property
    def value(self) -> T:
        """The parsed value; raises ``error`` when there is none, so that no cut-off text passes as success."""
        if self.error is not None:
            raise self.error
        value: T = self._value
        return value

    @property
    def logprob(self) -> float:
        """Log-probability of the tokens under the model masked and renormalised at each step.

        Taken at temperature 1 and without truncation, whatever the sampler. The law of plain masking, not of the
        model conditioned on the grammar.
        """
        return sum(step.logprob for step in self.trace)

    @property
    def log_weight(self) -> float:
        """Log of the product of the probabilities that the model gave to what was allowed at each step.

        ``logprob + log_weight`` is the log-probability of the tokens under the model without the constraint: for a
        text drawn by plain masking at temperature 1, ``exp(log_weight)`` is its importance weight.
        """
        return sum(step.log_weight for step in self.trace)
