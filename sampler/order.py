"""Tokens in the order of draws without replacement, lazily, with the mass that is left at each draw.

On the CPU the cumulative sum is inverted, two levels deep, and what was drawn is taken out (:func:`urns`).
Elsewhere the draws are an exponential race, whose first places are found on the device (:func:`races`). The laws are
equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from detent.native.jit import direct
from detent.native.urns import draw as draw_kernel
from detent.sampler.base import NOTHING

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = 256  # tokens of one partial sum
AHEAD = 2  # draws that are made for all rows at once: a recursive weight takes no more where the first is allowed
PLACES = 32  # of a race that are copied from the device at once

draw = direct(draw_kernel)


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
        return urns(scores.numpy(), log_norms, generators)
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


def urns(
    scores: NDArray[np.float32], log_norms: Sequence[float], generators: Sequence[np.random.Generator]
) -> list[Iterator[Drawn]]:
    """Draw by inverting sums: O(width) a row, then O(width / 256 + 256) a draw; the first two for all rows at once."""
    tops = scores.max(1)
    weights, sums = _fill(scores, tops)
    uniforms = np.array([generator.random(AHEAD) for generator in generators]).reshape(len(scores), AHEAD)
    tokens, log_rests = _take(weights, sums, uniforms)
    columns = tops.tolist(), log_norms, generators, weights, sums, tokens, log_rests
    return [_urn(*row) for row in zip(scores, *columns, strict=True)]


def _urn(
    scores: NDArray[np.float32],
    top: float,
    log_norm: float,
    generator: np.random.Generator,
    weights: NDArray[np.float32],
    sums: NDArray[np.float64],
    tokens: list[int],
    log_rests: list[float],
) -> Iterator[Drawn]:
    """Go on with one row, of which some tokens were drawn: with twice as many each time."""
    drawn: list[int] = []
    while -np.inf < top < np.inf:  # where a score is no number there is no law
        for token, log_rest in zip(tokens, log_rests, strict=True):
            if token == NOTHING:  # the weights have faded
                left = scores.copy()
                left[drawn] = -np.inf
                top = float(left.max())
                (weights,), (sums,) = _fill(left[None], np.array([top], np.float32))
                break
            drawn.append(token)
            yield Drawn(token, float(scores[token]) - log_norm, log_rest + top - log_norm)
        (tokens,), (log_rests,) = _take(weights[None], sums[None], generator.random((1, 2 * len(tokens))))


def _fill(scores: NDArray[np.float32], tops: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return weights, float32 ``[rows, blocks, 256]``, the largest of each row 1, and the sums of the blocks."""
    n_rows, width = scores.shape
    n_blocks = -(-width // BLOCK)
    weights = np.zeros((n_rows, n_blocks * BLOCK), np.float32)
    cells = weights[:, :width]
    np.subtract(scores, np.nan_to_num(tops)[:, None], out=cells)
    np.exp(cells, out=cells)
    blocks = weights.reshape(n_rows, n_blocks, BLOCK)
    return blocks, blocks.sum(2).astype(np.float64)


def _take(
    weights: NDArray[np.float32], sums: NDArray[np.float64], uniforms: NDArray[np.float64]
) -> tuple[list[list[int]], list[list[float]]]:
    """Draw as many tokens of each row as there are uniform numbers; see :func:`detent.native.urns.draw`."""
    tokens, log_rests = np.empty_like(uniforms, np.int64), np.zeros_like(uniforms)
    draw(weights, sums, uniforms, tokens, log_rests)
    return tokens.tolist(), log_rests.tolist()


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
