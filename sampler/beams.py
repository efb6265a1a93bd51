"""Beam search under a constraint, by the model's own probability; diverse groups of beams.

Vijayakumar et al. 2018, "Diverse Beam Search" (arXiv:1610.02424).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from detent.automata.matcher import allocate_bitmask
from detent.sampler.base import Draft, Logits, Outcome, Query, Step
from detent.sampler.bitmask import apply_bitmask
from detent.sampler.guide import Guide, Guides


@dataclass(frozen=True)
class Beam:
    """A text of a search.

    Attributes
    ----------
    guide : Guide
    trace : tuple of Step
    score : float
        Log-probability of the text.
    rank : float
        By what beams compete.
    """

    guide: Guide
    trace: tuple[Step, ...] = ()
    score: float = 0.0
    rank: float = 0.0

    def extended(self, token: int, score: float, rank: float, log_p: float) -> Beam:
        """Return the beam with one more token, of this log-probability under the model."""
        guide = self.guide.fork()
        if not guide.accept(token):
            raise ValueError(f"token {token} is in the mask and not allowed")
        return Beam(guide, (*self.trace, Step(token, False, log_p, 0.0)), score, rank)


@dataclass
class Search:
    """The state of one prompt: the beams of each group, and the whole texts each group has found.

    ``ahead`` has the logits behind beginnings that the live beams are forced to come to.
    """

    query: Query
    live: list[list[Beam]]
    found: list[list[Beam]]
    ahead: dict[tuple[int, ...], torch.Tensor] = field(default_factory=dict)
    n_forwards: int = 0

    @property
    def beams(self) -> list[Beam]:
        return [beam for group in self.live for beam in group]

    @property
    def done(self) -> bool:
        return not any(self.live)


def read_beams(states: Sequence[Search], model: Logits) -> torch.Tensor:
    """Return the logits behind every live beam, ``[beams, width]``; those behind forced tokens are read along."""
    asked: dict[tuple[int, tuple[int, ...]], Search] = {}
    for number, state in enumerate(states):
        beams = {tuple(beam.guide.ids): beam for beam in state.beams}
        length = len(next(iter(beams)))
        state.ahead = {ids: row for ids, row in state.ahead.items() if ids[:length] in beams}
        for ids in [ids for ids in beams if ids not in state.ahead]:
            guide = beams[ids].guide.fork()
            (mask,) = allocate_bitmask(1, len(guide.vocabulary))
            n_forced = len(guide.take_forced(mask)) - guide.is_stopped()
            asked |= dict.fromkeys(((number, tuple(guide.ids[: length + n])) for n in range(n_forced + 1)), state)
            state.n_forwards += 1
    if asked:
        rows = torch.as_tensor(model([[*state.query.prompt, *ids] for (_, ids), state in asked.items()]))
        for ((_, ids), state), row in zip(asked.items(), rows, strict=True):
            state.ahead[ids] = row
    return torch.stack([state.ahead[tuple(beam.guide.ids)] for state in states for beam in state.beams])


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
    Scores are the model's own log-probabilities, never renormalised over what is allowed: with a ``width`` that holds
    all beginnings, the results are the most likely valid texts in order. ``Result.logprob`` is the score.
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
        logits = read_beams(states, model).float()
        laws = iter(logits.log_softmax(-1))
        constraint = Guides([beam.guide for state in states for beam in state.beams])
        allowed = torch.zeros_like(logits)
        apply_bitmask(allowed, constraint.bitmask)
        masks = iter(allowed == 0)
        for state in states:
            chosen: Counter[int] = Counter()
            for number, group in enumerate(state.live):
                rows = [(beam, next(laws), next(masks)) for beam in group]
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
        laws = torch.stack([law for _, law, _ in rows])
        ranks = torch.stack([beam.rank + law - penalty for beam, law, _ in rows])
        ranks[~torch.stack([mask for _, _, mask in rows])] = -torch.inf
        best = ranks.flatten().topk(min(2 * width, ranks.numel()))
        found = state.found[number]
        live: list[Beam] = []
        log_ps = laws.flatten()[best.indices]
        for rank, place, log_p in zip(best.values.tolist(), best.indices.tolist(), log_ps.tolist(), strict=True):
            row, token = divmod(place, ranks.shape[1])
            if rank == -np.inf:
                break
            beam = rows[row][0]
            after = beam.extended(token, beam.score + log_p, rank, log_p)
            if after.guide.is_stopped():
                found.append(after)
            elif len(live) < width:
                live.append(after)
        chosen.update(beam.trace[-1].token for beam in live)
        found.sort(key=self._merit, reverse=True)
        del found[width:]
        if len(found) == width:
            live = [beam for beam in live if self._hope(state, beam) > self._merit(found[-1])]
        return live

    def _merit(self, beam: Beam) -> float:
        return beam.rank / float(len(beam.trace) ** self.length_penalty)

    def _hope(self, state: Search, beam: Beam) -> float:
        """The best that can become of a beam: no token is likelier than certain, and a longer text may pay less."""
        limit = state.query.guide.limit
        return beam.rank / float(limit**self.length_penalty) if limit else 0.0

    def outcome(self, state: Search) -> Outcome:
        """Return the best whole texts of all groups, the best first."""
        found = sorted((beam for group in state.found for beam in group), key=self._merit, reverse=True)
        drafts = [Draft(list(beam.trace)) for beam in _distinct(found)[: state.query.n or 1]]
        return Outcome(drafts, None, {"forwards": state.n_forwards, "checks": state.query.guide.n_checks})


def _distinct(beams: Iterable[Beam]) -> list[Beam]:
    """The beams without those whose tokens came before: groups may find the same text."""
    seen: dict[tuple[int, ...], Beam] = {}
    for beam in beams:
        seen.setdefault(tuple(step.token for step in beam.trace), beam)
    return list(seen.values())
