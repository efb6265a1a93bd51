"""Beam search under a constraint: by the model's own probability, in diverse groups, or drawn without replacement.

Diverse groups: Vijayakumar et al. 2018 (arXiv:1610.02424). Stochastic beams: Kool et al. 2019 (arXiv:1903.06059).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from detent.sampler.base import Draft, Logits, Outcome, Query, Step
from detent.sampler.bitmask import apply_bitmask
from detent.sampler.guide import Guide, Guides
from detent.sampler.law import Law


@dataclass(frozen=True)
class Beam:
    """A text of a search.

    Attributes
    ----------
    guide : Guide
    trace : tuple of Step
    score : float
        Log-probability under the model, of a stochastic beam under masking.
    rank : float
        By what beams compete: the score, or what a stochastic beam drew.
    """

    guide: Guide
    trace: tuple[Step, ...] = ()
    score: float = 0.0
    rank: float = 0.0

    def length_score(self, length_penalty: float) -> float:
        return self.rank / max(1, len(self.trace)) ** length_penalty if length_penalty else self.rank


@dataclass
class Search:
    """The state of one prompt: the beams of each group, and the whole texts each group has found."""

    query: Query
    live: list[list[Beam]]
    found: list[list[Beam]]
    n_forwards: int = 0

    @property
    def done(self) -> bool:
        return not any(self.live)


@dataclass(frozen=True)
class BeamSearch:
    """Keep the most likely beginnings of valid texts at each length.

    Parameters
    ----------
    width : int
        How many beginnings are kept, all groups together; ``n=`` texts need at least as many.
    groups : int
        Groups that search one after the other at each length.
    diversity : float
        What a group's beam pays, in nats, for each beam of an earlier group that took the same token at this length.
    length_penalty : float
        Whole texts compete by their log-probability over their length to this power; 0 is the most likely text.

    Raises
    ------
    ValueError
        If an option is out of its range.

    Notes
    -----
    Scores are the model's own log-probabilities, never renormalised over what is allowed: with ``width`` as large as the
    number of beginnings, the results are the most likely valid texts in order. ``Result.logprob`` is the score.
    """

    width: int = 4
    groups: int = 1
    diversity: float = 0.5
    length_penalty: float = 0.0

    def __post_init__(self) -> None:
        if self.groups < 1 or self.width < self.groups or self.width % self.groups:
            raise ValueError(f"width must be a multiple of groups, not {self.width} of {self.groups}")
        if self.diversity < 0 or self.length_penalty < 0:
            raise ValueError("diversity and length_penalty must be at least 0")

    def init(self, query: Query) -> Search:
        """Start every group with the empty text."""
        if (query.n or 1) > self.width:
            raise ValueError(f"{query.n} texts need a width of at least {query.n}, not {self.width}")
        beam = Beam(query.guide.fork())
        return Search(query, [[beam] for _ in range(self.groups)], [[] for _ in range(self.groups)])

    def step(self, states: Sequence[Search], model: Logits) -> list[Search]:
        """Write one token of every beam, and keep the best."""
        beams = [(state, beam) for state in states for group in state.live for beam in group]
        logits = torch.as_tensor(model([state.query.prompt + beam.guide.ids for state, beam in beams])).float()
        laws = iter(logits.log_softmax(-1))
        constraint = Guides([beam.guide for _, beam in beams])
        allowed = torch.zeros_like(logits)
        apply_bitmask(allowed, constraint.bitmask)
        masks = iter(allowed == 0)
        for state in states:
            chosen: Counter[int] = Counter()
            for number, group in enumerate(state.live):
                rows = [(beam, next(laws), next(masks)) for beam in group]
                state.n_forwards += len(rows)
                state.live[number] = self._extend(state, number, rows, chosen)
        return list(states)

    def _extend(
        self,
        state: Search,
        number: int,
        rows: Sequence[tuple[Beam, torch.Tensor, torch.Tensor]],
        chosen: Counter[int],
    ) -> list[Beam]:
        """Return the next beams of a group; whole texts go to those found."""
        if not rows:
            return []
        width = self.width // self.groups
        penalty = torch.zeros_like(rows[0][1])
        for token, count in chosen.items():
            penalty[token] = self.diversity * count
        ranks = torch.stack([beam.rank + law - penalty for beam, law, _ in rows])
        ranks[~torch.stack([mask for _, _, mask in rows])] = -torch.inf
        best = ranks.flatten().topk(min(2 * width, ranks.numel()))
        found, live = state.found[number], []
        for rank, place in zip(best.values.tolist(), best.indices.tolist(), strict=True):
            row, token = divmod(place, ranks.shape[1])
            if rank == -np.inf or len(live) == width:
                break
            beam, law, _ = rows[row]
            after = _take(beam, token, law[token].item(), rank)
            (found if after.guide.is_stopped() else live).append(after)
        chosen.update(beam.trace[-1].token for beam in live)
        found.sort(key=self._merit, reverse=True)
        del found[width:]
        if len(found) == width:
            live = [beam for beam in live if self._hope(state, beam) > self._merit(found[-1])]
        return live

    def _merit(self, beam: Beam) -> float:
        return beam.length_score(self.length_penalty)

    def _hope(self, state: Search, beam: Beam) -> float:
        """The best that can become of a beam: no token likelier than certain, and as long as the penalty likes."""
        limit = state.query.guide.limit
        if self.length_penalty == 0 or limit is None:
            return beam.rank if self.length_penalty == 0 else 0.0
        return beam.rank / limit**self.length_penalty

    def outcome(self, state: Search) -> Outcome:
        """Return the best whole texts of all groups, the best first."""
        found = sorted((beam for group in state.found for beam in group), key=self._merit, reverse=True)
        drafts = [Draft(list(beam.trace)) for beam in _distinct(found)[: state.query.n or 1]]
        return Outcome(drafts, None, {"forwards": state.n_forwards, "checks": state.query.guide.n_checks})


def _take(beam: Beam, token: int, log_p: float, rank: float) -> Beam:
    guide = beam.guide.fork()
    if not guide.accept(token):
        raise AssertionError("a mask and its guide disagree")
    return replace(
        beam,
        guide=guide,
        trace=(*beam.trace, Step(token, False, log_p, 0.0)),
        score=beam.score + log_p,
        rank=rank,
    )


def _distinct(beams: Iterable[Beam]) -> list[Beam]:
    """The beams without those whose tokens came before: groups may find the same text."""
    seen: dict[tuple[int, ...], Beam] = {}
    for beam in beams:
        seen.setdefault(tuple(step.token for step in beam.trace), beam)
    return list(seen.values())


@dataclass(frozen=True)
class StochasticBeams(Law):
    """Draw different texts: without replacement, from the law of masking.

    Parameters
    ----------
    temperature, top_k, top_p, min_p : optional
        As for :class:`~detent.Masking`.
    width : int
        How many texts, where ``n=`` does not say.

    Notes
    -----
    Every text has one Gumbel variable, shifted by its log-probability; the texts with the largest are found top down,
    because the largest below a prefix is a Gumbel variable shifted by the prefix's log-probability (Kool et al. 2019,
    section 3). Nothing is found twice; results come in the order of the draws. Texts that come to a dead end are lost.
    """

    width: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.width < 1:
            raise ValueError(f"width must be at least 1, not {self.width}")

    def init(self, query: Query) -> Search:
        """Start with the empty text."""
        return Search(query, [[Beam(query.guide.fork(), rank=query.generator.gumbel())]], [[]])

    def step(self, states: Sequence[Search], model: Logits) -> list[Search]:
        """Write one token of every beam, and keep those with the largest variables."""
        beams = [(state, beam) for state in states for beam in state.live[0]]
        logits = torch.as_tensor(model([state.query.prompt + beam.guide.ids for state, beam in beams])).float().clone()
        log_p = iter(logits.log_softmax(-1).cpu())
        apply_bitmask(logits, Guides([beam.guide for _, beam in beams]).bitmask)
        laws = iter(self.scaled(logits).log_softmax(-1).double().cpu().numpy())
        for state in states:
            state.n_forwards += len(state.live[0])
            self._extend(state, [(beam, next(laws), next(log_p)) for beam in state.live[0]])
        return list(states)

    def _extend(self, state: Search, rows: Sequence[tuple[Beam, np.ndarray, torch.Tensor]]) -> None:
        candidates: list[tuple[float, Beam, int, float]] = []
        for beam, law, log_p in rows:
            tokens = np.flatnonzero(law > -np.inf)  # none at a dead end, where the law is not a number
            ranks = _below(beam.rank, beam.score + law[tokens], state.query.generator)
            best = np.argsort(-ranks, kind="stable")[: self._width(state)]
            candidates += [(float(ranks[i]), beam, int(tokens[i]), float(law[tokens[i]])) for i in best]
        found = [(beam.rank, beam, -1, 0.0) for beam in state.found[0]]
        kept = sorted(found + candidates, key=lambda candidate: -candidate[0])[: self._width(state)]
        by_beam = {id(beam): log_p for beam, _, log_p in rows}
        live: list[Beam] = []
        state.found[0] = []
        for rank, beam, token, log_law in kept:
            if token < 0:
                state.found[0].append(beam)
                continue
            after = _take(beam, token, float(by_beam[id(beam)][token]), rank)
            after = replace(after, score=beam.score + log_law)
            (state.found[0] if after.guide.is_stopped() else live).append(after)
        state.live[0] = live

    def _width(self, state: Search) -> int:
        return state.query.n or self.width

    def outcome(self, state: Search) -> Outcome:
        """Return the texts in the order of the draws."""
        drafts = [Draft(list(beam.trace)) for beam in state.found[0]]
        return Outcome(drafts, None, {"forwards": state.n_forwards, "checks": state.query.guide.n_checks})


def _below(largest: float, locations: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Draw Gumbel variables with these locations, given the largest of them (Kool et al. 2019, appendix B.3)."""
    if not len(locations):
        return locations
    free = locations + generator.gumbel(size=len(locations))
    gap = largest - free + np.log1p(-np.exp(np.minimum(free - free.max(), 0.0))[free < free.max()].sum() * 0)
    return gap


__all__ = ["Beam", "BeamSearch", "Search", "StochasticBeams", "field"]
