"""Temperature and truncation: what they make of a row of scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class Law:
    """The options that shape the law of one token, in a fixed order: temperature, top-k, top-p, min-p.

    Each keeps at least the most likely token.

    Parameters
    ----------
    temperature : float
        Logits are divided by it; 0 leaves the most likely token alone.
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

    def law(self, scores: torch.Tensor) -> torch.Tensor:
        """Return the probabilities of the tokens.

        Parameters
        ----------
        scores : torch.Tensor, float32 ``[rows, width]``
            Logits: minus infinity where a token is impossible, at least one finite value per row.

        Returns
        -------
        torch.Tensor, float32 ``[rows, width]``
            Probabilities; every row sums to 1.
        """
        return self.scaled(scores).softmax(-1)

    def scaled(self, scores: torch.Tensor) -> torch.Tensor:
        """Return logits of the law, float32 ``[rows, width]``: minus infinity where it has no mass."""
        scores = scores.float()
        if self.temperature == 0:
            return torch.full_like(scores, -torch.inf).scatter_(1, scores.argmax(-1, keepdim=True), 0.0)
        if self.temperature != 1:
            scores = (scores - scores.amax(-1, keepdim=True)) / self.temperature
        if self.top_k is not None and self.top_k < scores.shape[1]:
            kept = scores.topk(self.top_k).indices
            scores = torch.full_like(scores, -torch.inf).scatter_(1, kept, scores.gather(1, kept))
        if self.top_p is not None and self.top_p < 1:
            scores = _nucleus(scores, self.top_p)
        if self.min_p:
            lowest = scores.amax(-1, keepdim=True) + float(np.log(self.min_p))
            scores = scores.masked_fill(scores < lowest, -torch.inf)
        return scores


def _nucleus(scores: torch.Tensor, top_p: float) -> torch.Tensor:
    """Keep the smallest set of most likely tokens whose mass reaches ``top_p`` (Holtzman et al. 2020, section 3.1)."""
    ranked, order = scores.sort(descending=True)
    probs = ranked.softmax(-1)
    before = probs.cumsum(-1) - probs
    ranked = ranked.masked_fill(before >= top_p, -torch.inf)
    return torch.empty_like(scores).scatter_(1, order, ranked)
