"""Models of random numbers that see everything."""

from __future__ import annotations

import numpy as np
import torch

from detent.automata.canvas import Canvas


class Toy:
    """Scores of a position depend on the position and on every other token; the last token is the mask.

    Parameters
    ----------
    n_tokens : int
    length : int
    seed : int
    sharpness : float
    """

    def __init__(self, n_tokens: int, length: int, seed: int = 0, sharpness: float = 1.5) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.mask_id, self.length, self.calls = n_tokens, length, 0
        self._own = torch.randn(length, n_tokens, generator=generator) * sharpness
        self._other = torch.randn(n_tokens + 1, 2 * length, n_tokens, generator=generator) * sharpness

    def __call__(self, ids: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        rows, length = ids.shape
        places = torch.arange(length)
        distance = (places[:, None] - places[None, :] + self.length).expand(rows, length, length)
        return self._own[:length] + self._other[ids[:, None, :].expand(rows, length, length), distance].mean(2)

    def law(self, ids: list[int]) -> np.ndarray:
        """Probabilities (length, n_tokens) of a canvas; negative numbers are masks."""
        scores = self(torch.tensor([[token if token >= 0 else self.mask_id for token in ids]]))[0].double().numpy()
        return np.exp(scores - np.logaddexp.reduce(scores, axis=1)[:, None])


class Sure:
    """A model that gives one text most of the mass, and the rest to other tokens.

    Parameters
    ----------
    target : list of int
    n_tokens : int
    certainty : float
    """

    def __init__(self, target: list[int], n_tokens: int, certainty: float) -> None:
        self.mask_id = n_tokens
        law = torch.full((len(target), n_tokens), (1 - certainty) / (n_tokens - 1))
        law[torch.arange(len(target)), torch.tensor(target)] = certainty
        self._scores = law.log()

    def __call__(self, ids: torch.Tensor) -> torch.Tensor:
        return self._scores.expand(len(ids), -1, -1)


class Legal:
    """A model that gives most of the mass to the witness of a canvas, whatever stands there by now.

    Parameters
    ----------
    canvas : Canvas
    n_tokens : int
    certainty : float
    """

    def __init__(self, canvas: Canvas, n_tokens: int, certainty: float) -> None:
        self.mask_id, self._canvas, self._certainty = n_tokens, canvas, certainty

    def __call__(self, ids: torch.Tensor) -> torch.Tensor:
        return Sure(self._canvas.witness, self.mask_id, self._certainty)(ids)
