"""Sequential Monte Carlo: weighted texts side by side, the light ones given up for copies of the heavy ones.

Lew et al. 2023 (arXiv:2306.03081), Loula et al. 2025 (arXiv:2504.13139). The Feynman-Kac model has the model's law as its
moves and the constraint, times a critic, as its potential.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from detent.sampler.awrs import AWRS
from detent.sampler.base import NOTHING, Draft, Logits, Outcome, Query, Sampler, Step
from detent.sampler.guide import Guide, Guides
from detent.sampler.masking import Masking
from detent.sampler.weights import effective_size, normalise, resample

if TYPE_CHECKING:
    from collections.abc import Iterator


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
        What the critic says of it now, which ``log_weight`` contains.
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
    n_resampled: int = 0

    @property
    def done(self) -> bool:
        return not any(particle.is_live for particle in self.particles)

    def live(self) -> Iterator[tuple[Particle, np.random.Generator]]:
        for particle, generator in zip(self.particles, self.generators, strict=True):
            if particle.is_live:
                yield particle, generator

    @property
    def weights(self) -> tuple[np.ndarray[Any, np.dtype[np.float64]], float]:
        return normalise([particle.log_weight for particle in self.particles])


@dataclass(frozen=True)
class SMC:
    """Write weighted texts that stand for the model's own law among valid texts, times a critic.

    Parameters
    ----------
    particles : int
        How many texts, where ``n=`` does not say.
    proposal : Sampler
        How a particle gets its next token: ``AWRS()``, ``Masking()``, or any sampler whose ``log_weight`` is right for
        what it draws. Its temperature is that of the law: ``AWRS(temperature=0.7)``.
    critic : callable, optional
        Takes the text of a particle, whole or not; gives the log of a factor of its weight. What it says of a beginning
        only steers; what it says of a whole text counts.
    threshold : float
        Resample when the effective sample size falls below this part of the particles; 0 never does.
    scheme : {"stratified", "systematic", "multinomial"}
        How to resample.

    Raises
    ------
    ValueError
        If an option is out of its range.

    Notes
    -----
    The mean weight is an unbiased estimate of the sum of ``P(y) psi(y)`` over valid texts ``y`` within the limit, the end
    included: where only one more token may be written, it must be the end, and counts with its probability. It is
    ``log_z`` of the results. Texts weigh ``log_weight``; as the number of particles grows, drawing from them by weight
    becomes exact.

    Examples
    --------
    >>> results = detent.run(lm, "Ada is 36.", Person, sampler=SMC(), n=32)          # doctest: +SKIP
    >>> results.log_z, results.ess, results.weights                                 # doctest: +SKIP
    """

    particles: int = 16
    proposal: Sampler = field(default_factory=AWRS)
    critic: Callable[[str], float] | None = None
    threshold: float = 0.5
    scheme: Literal["stratified", "systematic", "multinomial"] = "stratified"

    def __post_init__(self) -> None:
        if self.particles < 1:
            raise ValueError(f"particles must be at least 1, not {self.particles}")
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold must be in [0, 1], not {self.threshold}")
        if isinstance(self.proposal, Masking) and self.proposal != Masking():
            raise ValueError("the weights of Masking are those of the plain model: give options to AWRS(...)")

    def init(self, query: Query) -> Population:
        """Start with the empty text in every slot."""
        n = query.n or self.particles
        particles = [Particle(query.guide.fork(), self.proposal.init()) for _ in range(n)]
        return Population(query, particles, query.generator.spawn(n))

    def step(self, states: Sequence[Population], model: Logits) -> list[Population]:
        """Write one token of every live particle, weigh, and resample where weights have grown uneven."""
        live = [(state, *pair) for state in states for pair in state.live()]
        logits = torch.as_tensor(model([state.query.prompt + particle.guide.ids for state, particle, _ in live]))
        sampler_states, info = self.proposal.step(
            [particle.sampler_state for _, particle, _ in live],
            logits,
            Guides([particle.guide for _, particle, _ in live]),
            [generator for _, _, generator in live],
        )
        tries = info.n_tries or [0] * len(live)
        for (state, particle, _), sampler_state, n, *drawn in zip(live, sampler_states, tries, *info[:3], strict=True):
            state.n_forwards += 1
            state.n_tries += n
            particle.sampler_state = sampler_state
            self._extend(particle, *drawn)
        for state in states:
            self._resample(state)
        return list(states)

    def _extend(self, particle: Particle, token: int, logprob: float, log_weight: float) -> None:
        if token == NOTHING:
            particle.log_weight = -np.inf
            return
        if not particle.guide.accept(token):
            raise ValueError(f"the proposal drew token {token}, which is not allowed")
        particle.trace.append(Step(token, False, logprob, log_weight))
        particle.log_weight += log_weight
        if self.critic is not None:
            twist = float(self.critic(particle.guide.text))
            particle.log_weight += twist - particle.log_twist
            particle.log_twist = twist

    def _resample(self, state: Population) -> None:
        if state.done:
            return
        weights, log_mean = state.weights
        n = len(weights)
        if effective_size(weights) >= self.threshold * n:
            return
        chosen = resample(weights, state.query.generator, n, self.scheme)
        state.particles = [state.particles[i].copy() for i in chosen]
        for particle in state.particles:
            particle.log_weight = log_mean
        state.n_resampled += 1

    def outcome(self, state: Population) -> Outcome:
        """Return the particles with their weights."""
        drafts = [
            Draft(particle.trace, particle.log_weight, particle.log_weight > -np.inf) for particle in state.particles
        ]
        stats = {
            "forwards": state.n_forwards,
            "tries": state.n_tries,
            "checks": state.query.guide.n_checks,
            "resamplings": state.n_resampled,
        }
        return Outcome(drafts, state.weights[1], stats)
