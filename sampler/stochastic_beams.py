"""Stochastic beams: different texts, drawn without replacement in one search.

Kool et al. 2019, "Stochastic Beams and Where to Find Them" (arXiv:1903.06059).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from detent.sampler.base import Draft, Logits, Outcome, Query
from detent.sampler.beams import Beam, Search, read_beams
from detent.sampler.bitmask import apply_bitmask
from detent.sampler.guide import Guides
from detent.sampler.law import Law

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Candidate(NamedTuple):
    """A beam with one more token, or a whole text (``token`` is minus one)."""

    rank: float
    beam: Beam
    token: int = -1
    score: float = 0.0
    log_p: float = 0.0


@dataclass(frozen=True)
class StochasticBeams(Law):
    """Draw different texts: ``n=`` of them without replacement, from the law of masking.

    Parameters
    ----------
    temperature, top_k, top_p, min_p : optional
        As for :class:`~detent.Masking`.

    Raises
    ------
    ValueError
        If an option is out of its range.

    Notes
    -----
    Every text has a Gumbel variable, shifted by its log-probability, and the texts with the largest are the draws. They
    are found top down, because the largest one below a prefix is a Gumbel variable shifted by the log-probability of
    the prefix (section 3). Results come in the order of the draws. Texts that come to a dead end are lost.
    """

    def init(self, query: Query) -> Search:
        """Start with the empty text."""
        return Search(query, [[Beam(query.guide.fork(), rank=query.generator.gumbel())]], [[]])

    def step(self, states: Sequence[Search], model: Logits) -> list[Search]:
        """Write one token of every beam, and keep those with the largest variables."""
        logits = read_beams(states, model).float()
        log_p = logits.log_softmax(-1).cpu().numpy()
        apply_bitmask(logits, Guides([beam.guide for state in states for beam in state.beams]).bitmask)
        dead = (logits == -torch.inf).all(1, keepdim=True)
        laws = self.scaled(logits.masked_fill(dead, 0.0)).double().log_softmax(-1).masked_fill(dead, -torch.inf)
        rows = zip(laws.cpu().numpy(), log_p, strict=True)
        for state in states:
            candidates = [Candidate(beam.rank, beam) for beam in state.found[0]]
            for beam in state.live[0]:
                candidates += self._candidates(state, beam, *next(rows))
            self._keep(state, candidates)
        return list(states)

    def _candidates(
        self, state: Search, beam: Beam, law: NDArray[np.float64], log_p: NDArray[np.float32]
    ) -> list[Candidate]:
        """Return the continuations of a beam with the largest variables."""
        tokens = np.flatnonzero(law > -np.inf)
        ranks = below(beam.rank, beam.score + law[tokens], state.query.generator)
        best = np.argsort(-ranks, kind="stable")[: state.query.n or 1]
        return [
            Candidate(float(ranks[i]), beam, token, beam.score + float(law[token]), float(log_p[token]))
            for i, token in zip(best.tolist(), tokens[best].tolist(), strict=True)
        ]

    def _keep(self, state: Search, candidates: list[Candidate]) -> None:
        candidates.sort(key=lambda candidate: -candidate.rank)
        live: list[Beam] = []
        found: list[Beam] = []
        for rank, beam, token, score, log_p in candidates[: state.query.n or 1]:
            after = beam if token < 0 else beam.extended(token, score, rank, log_p)
            (found if after.guide.is_stopped() else live).append(after)
        state.live[0], state.found[0] = live, found

    def outcome(self, state: Search) -> Outcome:
        """Return the texts in the order of the draws."""
        drafts = [Draft(list(beam.trace)) for beam in state.found[0]]
        return Outcome(drafts, None, {"forwards": state.n_forwards, "checks": state.query.guide.n_checks})


def below(largest: float, locations: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
    """Draw Gumbel variables, given the largest of them.

    Parameters
    ----------
    largest : float
    locations : numpy.ndarray, float64 ``[n]``
    generator : numpy.random.Generator

    Returns
    -------
    numpy.ndarray, float64 ``[n]``
        Independent but for their maximum, which is ``largest``.

    Notes
    -----
    Appendix B.3 of the paper: ``-log(exp(-largest) - exp(-max(g)) + exp(-g))`` of free variables ``g``.
    """
    free = locations + generator.gumbel(size=len(locations))
    gap = free - free.max(initial=-np.inf)
    with np.errstate(divide="ignore"):  # of the largest one
        v = largest - free + np.log(-np.expm1(gap))
    shifted: NDArray[np.float64] = largest - np.maximum(v, 0.0) - np.log1p(np.exp(-np.abs(v)))
    return shifted
