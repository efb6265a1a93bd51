"""Texts written side by side from one prompt, each with a weight: what SMC and best-of-n share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from detent.automata.matcher import allocate_bitmask
from detent.sampler.base import NOTHING, Logits, Query, Sampler, Step
from detent.sampler.guide import Guide, Guides
from detent.sampler.weights import normalise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


@dataclass
class Particle:
    """One weighted text.

    Attributes
    ----------
    guide : Guide
        Where it stands.
    sampler_state : object
        Of the proposal.
    trace : list of Step
    log_weight : float
        Minus infinity for a text that came to a dead end.
    log_twist : float
        What a critic says of it now, which ``log_weight`` contains.
    """

    guide: Guide
    sampler_state: Any
    trace: list[Step] = field(default_factory=list)
    log_weight: float = 0.0
    log_twist: float = 0.0

    @property
    def is_live(self) -> bool:
        return self.log_weight > -np.inf and not self.guide.is_stopped()

    def copy(self) -> Particle:
        return Particle(self.guide.fork(), self.sampler_state, self.trace.copy(), self.log_weight, self.log_twist)


@dataclass
class Population:
    """The particles of one prompt; slot ``i`` draws from ``generators[i]``, whichever particle is in it."""

    query: Query
    particles: list[Particle]
    generators: list[np.random.Generator]
    n_forwards: int = 0
    n_tries: int = 0
    n_resamplings: int = 0

    @classmethod
    def start(cls, query: Query, n: int, sampler: Sampler) -> Population:
        """Put the empty text into every slot."""
        particles = [Particle(query.guide.fork(), sampler.init()) for _ in range(n)]
        return cls(query, particles, query.generator.spawn(n))

    @property
    def done(self) -> bool:
        return not any(particle.is_live for particle in self.particles)

    def live(self) -> Iterator[tuple[Particle, np.random.Generator]]:
        for particle, generator in zip(self.particles, self.generators, strict=True):
            if particle.is_live:
                yield particle, generator

    @property
    def stats(self) -> dict[str, int]:
        """What it cost."""
        return {"forwards": self.n_forwards, "tries": self.n_tries, "checks": self.query.guide.n_checks}

    @property
    def weights(self) -> tuple[NDArray[np.float64], float]:
        """The normalised weights, and the log of the mean weight."""
        return normalise([particle.log_weight for particle in self.particles])


class Forced(NamedTuple):
    """A forced token of a particle, and the row of the logits that says how likely it was."""

    particle: Particle
    token: int
    row: int


class Tip(NamedTuple):
    """A particle that is to draw a token: from which row of the logits, under which mask."""

    state: Population
    particle: Particle
    generator: np.random.Generator
    row: int
    mask: NDArray[np.int32]


def write_tokens(sampler: Sampler, states: Sequence[Population], model: Logits) -> list[Particle]:
    """Write what is forced and one token more behind every live particle, and weigh it; return these particles.

    Forced tokens are read along with the one before them, in one run of the model, and prefixes that several
    particles share are asked for once.
    """
    rows: dict[tuple[int, ...], int] = {}
    forced: list[Forced] = []
    tips: list[Tip] = []
    particles: list[Particle] = []
    for state in states:
        for particle, generator in state.live():
            text = (*state.query.prompt, *particle.guide.ids)
            (mask,) = allocate_bitmask(1, len(particle.guide.vocabulary))
            for token in particle.guide.take_forced(mask):
                forced.append(Forced(particle, token, rows.setdefault(text, len(rows))))
                text = (*text, token)
            if not particle.guide.is_stopped():
                tips.append(Tip(state, particle, generator, rows.setdefault(text, len(rows)), mask))
            state.n_forwards += 1
            particles.append(particle)
    logits = torch.as_tensor(model(list(rows)))
    _score(sampler, forced, logits)
    _draw(sampler, tips, logits)
    return particles


def _score(sampler: Sampler, forced: Sequence[Forced], logits: torch.Tensor) -> None:
    """Weigh forced tokens by how likely they were."""
    if not forced:
        return
    rows, places = np.unique([each.row for each in forced], return_inverse=True)
    laws = sampler.target(logits[rows.tolist()]).float()
    log_p = laws[places.tolist(), [each.token for each in forced]] - laws.logsumexp(-1)[places.tolist()]
    for (particle, token, _), log_weight in zip(forced, log_p.tolist(), strict=True):
        particle.log_weight += log_weight
        particle.trace.append(Step(token, True, 0.0, log_weight))


def _draw(sampler: Sampler, tips: Sequence[Tip], logits: torch.Tensor) -> None:
    """Draw a token behind each tip."""
    if not tips:
        return
    sampler_states, info = sampler.step(
        [tip.particle.sampler_state for tip in tips],
        logits[[tip.row for tip in tips]],
        Guides([tip.particle.guide for tip in tips], np.stack([tip.mask for tip in tips])),
        [tip.generator for tip in tips],
    )
    tries = info.n_tries or [0] * len(tips)
    for tip, sampler_state, n, token, logprob, log_weight in zip(tips, sampler_states, tries, *info[:3], strict=True):
        particle = tip.particle
        tip.state.n_tries += n
        particle.sampler_state = sampler_state
        particle.log_weight += log_weight
        if token == NOTHING:
            particle.log_weight = -np.inf
        elif particle.guide.accept(token):
            particle.trace.append(Step(token, False, logprob, log_weight))
        else:
            raise ValueError(f"the sampler drew token {token}, which is not allowed")
