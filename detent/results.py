"""What generation gives back: the value, the text, and what it cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

import numpy as np

from detent.grammar.residual import Residual
from detent.sampler.base import Step
from detent.sampler.weights import effective_size, normalise, resample

if TYPE_CHECKING:
    from numpy.typing import NDArray

T = TypeVar("T")
Finish = Literal["stop", "length", "dead", "error"]


@dataclass(frozen=True)
class Stats:
    """What one text cost.

    Attributes
    ----------
    n_prompt_tokens, n_tokens, n_forced : int
        Tokens of the prompt, tokens written (the closing EOS included), and how many of these were the only choice.
    n_masks : int
        Masks made.
    n_forwards : int
        Runs of the model that this row took part in.
    n_drafted, n_accepted : int
        Tokens that were drafted, and how many of these became part of the text.
    n_tries, n_checks : int
        Tokens that were tried against the constraint one by one; calls of the predicate.
    model_seconds, mask_seconds : float
        Time in the model, as this row's share of its batch; time in making masks and accepting tokens.
    """

    n_prompt_tokens: int = 0
    n_tokens: int = 0
    n_forced: int = 0
    n_masks: int = 0
    n_forwards: int = 0
    n_drafted: int = 0
    n_accepted: int = 0
    n_tries: int = 0
    n_checks: int = 0
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
    finish : {"stop", "length", "dead", "error"}
        The text is complete; the tokens ran out; a predicate refused every way on, or no text was found; the row met a
        limit, or did not start.
    stats : Stats
    trace : list of Step
        The probability of each token.
    error : Exception or None
        Why there is no value: ``Truncated``, ``DeadEnd``, ``LimitExceeded``, the parser's ``ValueError``, or what was
        wrong with the prompt.
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
    _log_weight: float | None = field(default=None, repr=False)

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

        Taken at temperature 1 and without truncation, whatever the options of ``Masking``. The law of plain masking,
        not of the model conditioned on the grammar. Where only an estimate of the mask's mass is known, an estimate;
        from samplers that write whole texts, the log-probability under the model itself.
        """
        return sum(step.logprob for step in self.trace)

    @property
    def log_weight(self) -> float:
        """Log of the importance weight of the text: minus infinity for one that came to a dead end.

        Token by token, it is the product of the probabilities that the model gave to what was allowed at each step,
        or an estimate of it: ``logprob + log_weight`` is the log-probability of the tokens under the model without the
        constraint. Samplers that write whole texts say it themselves: 0 where all texts weigh the same.
        """
        if self._log_weight is not None:
            return self._log_weight
        return float("-inf") if self.finish == "dead" else sum(step.log_weight for step in self.trace)


class Results(list[Result[T]]):
    """The texts that one prompt got, with ``n=``.

    Attributes
    ----------
    log_z : float or None
        Log of an estimate of the probability that the model's own text is valid, where the sampler has one.
    is_weighted : bool
        Whether the texts follow the sampler's law only with their weights; else each of them does by itself, and
        weights correct that law.
    stats : dict
        What the sampler did for all of them together, by name.
    """

    def __init__(self, results: Iterable[Result[T]], log_z: float | None = None) -> None:
        super().__init__(results)
        self.log_z = log_z
        self.is_weighted = False
        self.stats: dict[str, Any] = {}

    @property
    def weights(self) -> NDArray[np.float64]:
        """The importance weights, normalised; zero for texts that are not whole.

        Those of ``Masking`` belong to its texts at temperature 1 without truncation.
        """
        return normalise([result.log_weight if result.finish == "stop" else -np.inf for result in self])[0]

    @property
    def ess(self) -> float:
        """Effective sample size: how many equally weighted texts these are worth (Kong 1992)."""
        return effective_size(self.weights)

    def draw(self, generator: np.random.Generator, n: int = 1) -> list[Result[T]]:
        """Choose ``n`` of the texts in proportion to their weights, with replacement."""
        return [self[i] for i in resample(self.weights, generator, n)]
