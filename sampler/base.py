"""What a sampler is: ``init`` and ``step`` over explicit state, for a batch of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import torch
    from numpy.typing import NDArray


class Constraint(Protocol):
    """What each row of a batch may write next."""

    @property
    def bitmask(self) -> NDArray[np.int32]:
        """Allowed tokens, int32 ``[rows, ceil(n / 32)]``: bit ``t % 32`` of word ``t // 32`` is token ``t``."""

    def allows(self, row: int, token: int) -> bool:
        """Tell whether ``row`` may write ``token``, without making the whole mask."""


class Info(NamedTuple):
    """What one step drew, and how likely that was.

    Attributes
    ----------
    tokens : list of int
        One token per row.
    logprob : list of float
        Log-probability of each token under the model restricted to the allowed tokens and renormalised, at
        temperature 1 and before any truncation (so it does not depend on the sampler's options).
    log_weight : list of float
        Log of the probability that the model gives to all allowed tokens together, or of an unbiased estimate of it.
        ``logprob + log_weight`` is the log-probability of the token under the model without the constraint.
    """

    tokens: list[int]
    logprob: list[float]
    log_weight: list[float]


class Sampler(Protocol):
    """Draws the next token of every row from its logits and its constraint."""

    def init(self) -> Any:
        """Make the state of one new row."""

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
            State of each row, from ``init`` or from the step before.
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
