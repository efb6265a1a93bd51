"""Tokens in the order of draws without replacement, lazily, with the mass that is left at each draw.

On the CPU the cumulative sum is inverted, two levels deep, and what was drawn is taken out of it (:func:`urn`).
Elsewhere the draws are an exponential race, whose first places are found on the device (:func:`races`). The laws are
equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = 256  # tokens of one partial sum
FADED = 1e-25  # what is left of single-precision weights, the largest of them 1, before they are scaled up again
PLACES = 32  # of a race that are copied from the device at once


class Drawn(NamedTuple):
    """One draw.

    Attributes
    ----------
    token : int
    log_p : float
        Log-probability of the token.
    log_rest : float
        Log of the probability of everything that was not drawn before it, itself included: a sum over what is left,
        never one minus what was drawn.
    """

    token: int
    log_p: float
    log_rest: float


def draws(
    scores: torch.Tensor, log_norms: Sequence[float], generators: Sequence[np.random.Generator]
) -> list[Iterator[Drawn]]:
    """Draw from every row without replacement, for as long as anything with mass is left.

    Parameters
    ----------
    scores : torch.Tensor, float32 ``[rows, width]``
        Logits; minus infinity for what is never drawn.
    log_norms : sequence of float, length rows
        What is subtracted from a logit to make a log-probability.
    generators : sequence of numpy.random.Generator, length rows
        The randomness of each row.

    Returns
    -------
    list of iterator of Drawn
    """
    if scores.device.type == "cpu":
        return [urn(*row) for row in zip(scores.numpy(), log_norms, generators, strict=True)]
    return races(scores, log_norms, generators)


def draws_behind(first: int, scores: torch.Tensor, log_norm: float, generator: np.random.Generator) -> Iterator[Drawn]:
    """Draw from one row without replacement, the first draw being known.

    Parameters
    ----------
    first : int
        A draw from the law.
    scores : torch.Tensor, float32 ``[width]``
        Logits; minus infinity for what is never drawn.
    log_norm : float
        What is subtracted from a logit to make a log-probability.
    generator : numpy.random.Generator

    Yields
    ------
    Drawn
    """
    yield Drawn(first, float(scores[first]) - log_norm, float(scores.logsumexp(-1)) - log_norm)
    rest = scores.clone()
    rest[first] = -torch.inf
    yield from draws(rest.unsqueeze(0), [log_norm], [generator])[0]


def urn(scores: NDArray[np.float32], log_norm: float, generator: np.random.Generator) -> Iterator[Drawn]:
    """Draw from one row by inverting sums: O(width) once, then O(width / 256 + 256) for each draw."""
    drawn: list[int] = []
    left = scores
    while (top := float(left.max())) > -np.inf:
        weights = np.zeros((-(-len(left) // BLOCK), BLOCK), np.float32)
        flat = weights.reshape(-1)
        np.exp(left - top, out=flat[: len(left)])
        sums = weights.sum(1).astype(np.float64)
        offset = top - log_norm
        cumulative = sums.cumsum()
        while (total := cumulative[-1]) > FADED:
            point = generator.random() * total
            block = _place(cumulative, point)
            before = cumulative[block - 1] if block else 0.0
            inner = weights[block].cumsum(dtype=np.float64)
            token = block * BLOCK + _place(inner, (point - before) / sums[block] * inner[-1])
            drawn.append(token)
            yield Drawn(token, float(scores[token]) - log_norm, float(np.log(total)) + offset)
            flat[token] = 0.0
            sums[block] = weights[block].sum()
            cumulative = sums.cumsum()
        left = scores.copy()
        left[drawn] = -np.inf


def _place(cumulative: NDArray[np.float64], point: float) -> int:
    """Return the first index whose cumulative sum is beyond ``point``, never one that adds nothing."""
    index = int(cumulative.searchsorted(point, side="right"))
    if index == len(cumulative):  # rounding put the point at the very end
        index = int(cumulative.searchsorted(cumulative[-1], side="left"))
    return index


def races(
    scores: torch.Tensor, log_norms: Sequence[float], generators: Sequence[np.random.Generator]
) -> list[Iterator[Drawn]]:
    """Draw by an exponential race: token ``x`` arrives at time ``E_x / p_x``, and the first to arrive are drawn.

    One pass over the rows on their device, one transfer of the first 32 places; more only when these run out.
    """
    noise = torch.empty(scores.shape, dtype=torch.float64, device=scores.device)
    for row, generator in zip(noise, generators, strict=True):
        seeded = torch.Generator(scores.device).manual_seed(int(generator.integers(2**63)))
        row.exponential_(generator=seeded)
    keys = scores.double() - noise.clamp_(min=torch.finfo(torch.float64).tiny).log_()
    rest = scores.clone()
    first = _arrivals(keys, rest, PLACES).cpu().numpy()
    return [_race(*row) for row in zip(first, keys, rest, log_norms, strict=True)]


def _arrivals(keys: torch.Tensor, rest: torch.Tensor, n: int) -> torch.Tensor:
    """Return the next places of each race, and take them out of it.

    Returns
    -------
    torch.Tensor, float64 ``[rows, 2 * n + 1]``
        Tokens, their logits, and the log of the sum of all others' weights.
    """
    tokens = keys.topk(min(n, keys.shape[1]), dim=1).indices
    arrived = rest.gather(1, tokens)
    keys.scatter_(1, tokens, -torch.inf)
    rest.scatter_(1, tokens, -torch.inf)
    return torch.cat([tokens.double(), arrived.double(), rest.logsumexp(1, keepdim=True).double()], 1)


def _race(first: NDArray[np.float64], keys: torch.Tensor, rest: torch.Tensor, log_norm: float) -> Iterator[Drawn]:
    arrivals, n = first, PLACES
    while True:
        tokens, logits = arrivals[:-1].reshape(2, -1)
        log_rest = np.logaddexp.accumulate(np.append(arrivals[-1], logits[::-1]))[:0:-1]
        for token, logit, left in zip(tokens, logits, log_rest, strict=True):
            if logit == -np.inf:
                return
            yield Drawn(int(token), logit - log_norm, left - log_norm)
        if arrivals[-1] == -np.inf:
            return
        n *= 4
        arrivals = _arrivals(keys[None], rest[None], n)[0].cpu().numpy()
