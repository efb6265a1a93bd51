"""Texts written side by side from one prompt, each with a weight: what SMC and best-of-n share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

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


def write_tokens(sampler: Sampler, states: Sequence[Population], model: Logits) -> list[Particle]:
    """Write one token of every live particle, and weigh it; return these particles."""
    live = [(state, *pair) for state in states for pair in state.live()]
    logits = torch.as_tensor(model([state.query.prompt + particle.guide.ids for state, particle, _ in live]))
    sampler_states, info = sampler.step(
        [particle.sampler_state for _, particle, _ in live],
        logits,
        Guides([particle.guide for _, particle, _ in live]),
        [generator for _, _, generator in live],
    )
    tries = info.n_tries or [0] * len(live)
    for (state, particle, _), sampler_state, n, token, logprob, log_weight in zip(
        live, sampler_states, tries, *info[:3], strict=True
    ):
        state.n_forwards += 1
        state.n_tries += n
        particle.sampler_state = sampler_state
        particle.log_weight += log_weight
        if token == NOTHING:
            particle.log_weight = -np.inf
        elif particle.guide.accept(token):
            particle.trace.append(Step(token, False, logprob, log_weight))
        else:
            raise ValueError(f"the sampler drew token {token}, which is not allowed")
    return [particle for _, particle, _ in live]
