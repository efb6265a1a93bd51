"""Sampling under a mask: first the mask, then the temperature and the truncations, never an empty set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from detent.sampler.base import NOTHING, Constraint, Info
from detent.sampler.bitmask import apply_bitmask
from detent.sampler.law import Law

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

LOWEST = -1e30  # stands for minus infinity in the model's own scores, so that an allowed token is never impossible


@dataclass(frozen=True)
class Masking(Law):
    """Draw each token from the model restricted to the allowed tokens.

    The options apply in a fixed order: mask, temperature, top-k, top-p, min-p. Each keeps at least the most likely
    allowed token.

    Parameters
    ----------
    temperature : float
        Logits are divided by it; 0 is greedy decoding.
    top_k, top_p, min_p : optional
        As for :class:`~detent.sampler.law.Law`.

    Raises
    ------
    ValueError
        If an option is out of its range.

    Notes
    -----
    Local masking is not sampling from the model conditioned on the grammar: it multiplies the weight of a text by
    one over the product of the masses allowed at each step. That product is reported as ``log_weight``.

    With a predicate, the mask is made by asking about every candidate: see :class:`~detent.AWRS`.

    Examples
    --------
    >>> Masking(temperature=0.7, top_p=0.95)
    Masking(temperature=0.7, top_k=None, top_p=0.95, min_p=None)
    """

    @property
    def is_plain(self) -> bool:
        """Whether no option changes the law, so that ``log_weight`` corrects it to the model's."""
        return Law(self.temperature, self.top_k, self.top_p, self.min_p) == Law()

    def init(self) -> None:
        """Make the state of one row: there is none."""

    def target(self, logits: torch.Tensor) -> torch.Tensor:
        """Weights are those of the model itself, whatever the options."""
        return logits.float().clamp(min=LOWEST)

    def step(
        self,
        states: Sequence[None],
        logits: torch.Tensor,
        constraint: Constraint,
        generators: Sequence[np.random.Generator],
    ) -> tuple[list[None], Info]:
        """Draw one token per row; see :class:`detent.sampler.base.Sampler`."""
        return list(states), self.decide(logits, constraint.bitmask, lambda law: draw(law, generators))

    def decide(
        self,
        logits: torch.Tensor,
        bitmask: NDArray[np.int32],
        choose: Callable[[torch.Tensor], torch.Tensor],
        log_futures: torch.Tensor | None = None,
    ) -> Info:
        """Let ``choose`` take one token per row from the law of this sampler.

        Parameters
        ----------
        logits : torch.Tensor, float ``[rows, width]``
        bitmask : numpy.ndarray, int32 ``[rows, words]``
            What is allowed.
        choose : callable
            From the law, float ``[rows, width]``, to tokens, int64 ``[rows]``.
        log_futures : torch.Tensor, float ``[rows, width]``, optional
            Log of a factor of every token's probability.

        Returns
        -------
        Info
            Its log-probabilities are those without the factors.
        """
        scores = logits.float().clamp(min=LOWEST)
        log_total = scores.logsumexp(-1)
        apply_bitmask(scores, bitmask)
        log_allowed = scores.logsumexp(-1)
        dead = log_allowed == -torch.inf
        scores[dead, 0] = 0.0
        law = self.law(scores if log_futures is None else scores + log_futures)
        tokens = choose(law)
        logprob = scores.gather(1, tokens.unsqueeze(1)).squeeze(1) - log_allowed.masked_fill(dead, 0.0)
        tokens = tokens.masked_fill(dead, NOTHING)
        return Info(tokens.tolist(), logprob.tolist(), (log_allowed - log_total).tolist())


def draw(probs: torch.Tensor, generators: Sequence[np.random.Generator]) -> torch.Tensor:
    """Draw one index per row by inverting the cumulative distribution.

    Parameters
    ----------
    probs : torch.Tensor, float ``[rows, width]``
        Weights of each row, not all zero; they need not sum to 1.
    generators : sequence of numpy.random.Generator, length rows
        Each gives one uniform number.

    Returns
    -------
    torch.Tensor, int64 ``[rows]``
        The indices; never one of weight zero.
    """
    uniforms = torch.tensor([generator.random() for generator in generators], dtype=torch.float64)
    return invert(probs, uniforms.to(probs.device))


def invert(probs: torch.Tensor, uniforms: torch.Tensor) -> torch.Tensor:
    """Return for each row of weights the index at which its uniform number, float64 ``[rows]``, falls."""
    cumulative = probs.double().cumsum(-1)
    target = (uniforms * cumulative[:, -1]).unsqueeze(1)
    index = torch.searchsorted(cumulative, target, right=True).clamp(max=probs.shape[1] - 1)
    # A parallel sum on a GPU may round differently in neighbouring blocks and so rise where the weight is zero.
    legal = probs.gather(1, index) > 0
    return torch.where(legal, index, probs.argmax(-1, keepdim=True)).squeeze(1)
