"""Sampling under a mask: first the mask, then the temperature and the truncations, never an empty set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from detent.sampler.base import Constraint, Info
from detent.sampler.bitmask import apply_bitmask

if TYPE_CHECKING:
    from collections.abc import Sequence

LOWEST = -1e30  # stands for minus infinity in the model's own scores, so that an allowed token is never impossible


@dataclass(frozen=True)
class Masking:
    """Draw each token from the model restricted to the allowed tokens.

    The options apply in a fixed order: mask, temperature, top-k, top-p, min-p. Each keeps at least the most likely
    allowed token.

    Parameters
    ----------
    temperature : float
        Logits are divided by it; 0 is greedy decoding.
    top_k : int, optional
        Keep the ``top_k`` most likely tokens.
    top_p : float, optional
        Keep the smallest set of most likely tokens whose probability reaches ``top_p``.
    min_p : float, optional
        Keep tokens at least ``min_p`` times as likely as the most likely one.

    Raises
    ------
    ValueError
        If an option is out of its range.

    Notes
    -----
    Local masking is not sampling from the model conditioned on the grammar: it multiplies the weight of a text by
    one over the product of the masses allowed at each step. That product is reported as ``log_weight``.

    Examples
    --------
    >>> Masking(temperature=0.7, top_p=0.95)
    Masking(temperature=0.7, top_k=None, top_p=0.95, min_p=None)
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < float("inf"):
            raise ValueError(f"temperature must be finite and at least 0, not {self.temperature}")
        if self.top_k is not None and self.top_k < 1:
            raise ValueError(f"top_k must be at least 1, not {self.top_k}")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ValueError(f"top_p must be in (0, 1], not {self.top_p}")
        if self.min_p is not None and not 0 <= self.min_p <= 1:
            raise ValueError(f"min_p must be in [0, 1], not {self.min_p}")

    def init(self) -> None:
        """Make the state of one row: there is none."""

    def step(
        self,
        states: Sequence[None],
        logits: torch.Tensor,
        constraint: Constraint,
        generators: Sequence[np.random.Generator],
    ) -> tuple[list[None], Info]:
        """Draw one token per row; see :class:`detent.sampler.base.Sampler`."""
        scores = logits.float().clamp(min=LOWEST)
        log_total = scores.logsumexp(-1)
        apply_bitmask(scores, constraint.bitmask)
        log_allowed = scores.logsumexp(-1)
        tokens = draw(self.law(scores), generators)
        logprob = scores.gather(1, tokens.unsqueeze(1)).squeeze(1) - log_allowed
        return list(states), Info(tokens.tolist(), logprob.tolist(), (log_allowed - log_total).tolist())

    def law(self, scores: torch.Tensor) -> torch.Tensor:
        """Return the probabilities this sampler draws from.

        Parameters
        ----------
        scores : torch.Tensor, float32 ``[rows, width]``
            Masked logits: minus infinity where forbidden, at least one finite value per row.

        Returns
        -------
        torch.Tensor, float32 ``[rows, width]``
            Probabilities; every row sums to 1.
        """
        if self.temperature == 0:
            return torch.zeros_like(scores).scatter_(1, scores.argmax(-1, keepdim=True), 1.0)
        scores = (scores - scores.amax(-1, keepdim=True)) / self.temperature
        if self.top_k is not None and self.top_k < scores.shape[1]:
            kept = scores.topk(self.top_k).indices
            scores = torch.full_like(scores, -torch.inf).scatter_(1, kept, scores.gather(1, kept))
        if self.top_p is not None and self.top_p < 1:
            scores = _nucleus(scores, self.top_p)
        if self.min_p:
            scores = scores.masked_fill(scores < float(np.log(self.min_p)), -torch.inf)  # the largest score is 0
        return scores.softmax(-1)


def _nucleus(scores: torch.Tensor, top_p: float) -> torch.Tensor:
    """Keep the smallest set of most likely tokens whose mass reaches ``top_p`` (Holtzman et al. 2020, section 3.1)."""
    ranked, order = scores.sort(descending=True)
    probs = ranked.softmax(-1)
    before = probs.cumsum(-1) - probs
    ranked = ranked.masked_fill(before >= top_p, -torch.inf)
    return torch.empty_like(scores).scatter_(1, order, ranked)


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
    cumulative = probs.double().cumsum(-1)
    uniform = torch.tensor([generator.random() for generator in generators], dtype=torch.float64, device=probs.device)
    target = (uniform * cumulative[:, -1]).unsqueeze(1)
    index = torch.searchsorted(cumulative, target, right=True).clamp(max=probs.shape[1] - 1)
    # A parallel sum on a GPU may round differently in neighbouring blocks and so rise where the weight is zero.
    legal = probs.gather(1, index) > 0
    return torch.where(legal, index, probs.argmax(-1, keepdim=True)).squeeze(1)
