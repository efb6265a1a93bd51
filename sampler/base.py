"""What a sampler is: ``init`` and ``step`` over explicit state, for a batch of rows.

There are two kinds. A :class:`Sampler` draws the next token of each row from its logits. A :class:`Strategy` writes
whole texts and asks the model for what follows any prefixes: particles, beams, attempts on a trie.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from detent.sampler.guide import Guide

NOTHING = -1
"""In place of a token: none may be written."""

Logits: TypeAlias = Callable[[Sequence[Sequence[int]]], Any]
"""From prefixes (ids, prompt included, none empty) to the logits ``[prefixes, width]`` of what follows each."""


class Constraint(Protocol):
    """What each row of a batch may write next."""

    @property
    def bitmask(self) -> NDArray[np.int32]:
        """Allowed tokens, int32 ``[rows, ceil(n / 32)]``: bit ``t % 32`` of word ``t // 32`` is token ``t``."""

    @property
    def candidates(self) -> NDArray[np.int32]:
        """Tokens that may be allowed, like ``bitmask`` and a superset of it, which costs no call of a predicate."""

    def is_exact(self, row: int) -> bool:
        """Tell whether the row's candidates are the allowed tokens."""

    def allows(self, row: int, token: int) -> bool:
        """Tell whether ``row`` may write ``token``, one of its candidates, without making the whole mask."""


class Info(NamedTuple):
    """What one step drew, and how likely that was.

    Attributes
    ----------
    tokens : list of int
        One token per row; ``NOTHING`` where none is allowed.
    logprob : list of float
        Log-probability of each token under the model restricted to the allowed tokens and renormalised. Of
        :class:`~detent.Masking` at temperature 1 and before any truncation, so it does not depend on its options.
    log_weight : list of float
        Log of the probability that the model gives to all allowed tokens together, or of an unbiased estimate of it;
        minus infinity for ``NOTHING``. ``logprob + log_weight`` is the log-probability of the token under the model
        without the constraint.
    n_tries : sequence of int
        How many tokens were tried against the constraint; empty for samplers that try none.
    """

    tokens: list[int]
    logprob: list[float]
    log_weight: list[float]
    n_tries: Sequence[int] = ()


class Sampler(Protocol):
    """Draws the next token of every row from its logits and its constraint."""

    def init(self) -> Any:
        """Make the state of one new row."""

    def target(self, logits: torch.Tensor) -> torch.Tensor:
        """Return the logits ``[rows, width]`` of the law that ``log_weight`` speaks of: "the model" there."""

    def step(
        self,
        states: Sequence[Any],
        logits: torch.Tensor,
        constraint: Constraint,
        generators: Sequence[np.random.Generator],
    ) -> tuple[list[Any], Info]:
        """Draw one token per row.

        Parameters
        ----------
        states : sequence, length rows
            State of each row, from ``init`` or from the step before. Never changed in place, so that it can be shared.
        logits : torch.Tensor, float ``[rows, width]``
            Raw scores of the model; ``width`` may be larger than the vocabulary. Left as they are.
        constraint : Constraint
            What each row may write.
        generators : sequence of numpy.random.Generator, length rows
            The randomness of each row, so that a row does not depend on its neighbours.

        Returns
        -------
        states : list
            The next states.
        info : Info
            What was drawn.
        """


@dataclass(frozen=True)
class Query:
    """What a strategy is asked to write for one prompt.

    Attributes
    ----------
    prompt : list of int
        Ids of the prompt, not empty.
    guide : Guide
        The constraint at the start of the answer, with the limit of its length. To be forked, not moved.
    generator : numpy.random.Generator
        The randomness of this row alone.
    n : int or None
        How many texts are wanted; ``None``: one, of however many the strategy makes.
    """

    prompt: list[int]
    guide: Guide
    generator: np.random.Generator
    n: int | None = None


class Step(NamedTuple):
    """One token of a text.

    Attributes
    ----------
    token : int
        Its id.
    forced : bool
        Whether it was the only allowed token, so that nothing was drawn.
    logprob : float
        Its log-probability under the model restricted to the allowed tokens; 0 where it was forced.
    log_weight : float
        Log of the probability that the model gave to all allowed tokens together, or of an estimate of it.
    drafted : bool
        Whether a draft had it, so that it came without a run of the model of its own.
    """

    token: int
    forced: bool
    logprob: float
    log_weight: float
    drafted: bool = False


class Draft(NamedTuple):
    """A text as a strategy leaves it.

    Attributes
    ----------
    trace : list of Step
        Its tokens, the closing EOS included.
    log_weight : float
        Log of its importance weight: 0 for texts that all weigh the same.
    finished : bool
        Whether the text is complete; a text that came to a dead end is not.
    """

    trace: list[Step]
    log_weight: float = 0.0
    finished: bool = True


@dataclass(frozen=True)
class Outcome:
    """What a strategy wrote for one prompt.

    Attributes
    ----------
    drafts : list of Draft
        The texts.
    log_z : float or None
        Log of an estimate of the probability that the model's own text is valid; ``None`` where there is none.
    stats : dict
        What it cost, by name.
    """

    drafts: list[Draft]
    log_z: float | None = None
    stats: dict[str, Any] = field(default_factory=dict)


class Strategy(Protocol):
    """Writes whole texts, for a batch of prompts."""

    def init(self, query: Query) -> Any:
        """Make the state of one prompt. A state has an attribute ``done``."""

    def step(self, states: Sequence[Any], model: Logits) -> list[Any]:
        """Go one step further with every state, none of them done, in as few calls of the model as possible.

        Returns
        -------
        list
            The next states. What belongs to a row is decided by its own state and generator alone.
        """

    def outcome(self, state: Any) -> Outcome:
        """Return the texts of a state that is done."""


def run_strategy(strategy: Strategy, queries: Sequence[Query], model: Logits) -> list[Outcome]:
    """Answer some queries, side by side.

    Parameters
    ----------
    strategy : Strategy
    queries : sequence of Query
    model : callable
        From prefixes to logits.

    Returns
    -------
    list of Outcome
        In the order of the queries.
    """
    states = [strategy.init(query) for query in queries]
    while live := [i for i, state in enumerate(states) if not state.done]:
        for i, state in zip(live, strategy.step([states[i] for i in live], model), strict=True):
            states[i] = state
    return [strategy.outcome(state) for state in states]
