"""Sequential Monte Carlo: weighted texts side by side, the light ones given up for copies of the heavy ones.

Lew et al. 2023 (arXiv:2306.03081), Loula et al. 2025 (arXiv:2504.13139). In the words of the field: the moves are the
model's law, the potential is the constraint, times a critic.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from detent.sampler.awrs import AWRS
from detent.sampler.base import Draft, Logits, Outcome, Query, Sampler
from detent.sampler.masking import Masking
from detent.sampler.particles import Particle, Population, write_tokens
from detent.sampler.weights import effective_size, resample


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
    The mean weight is an unbiased estimate of the sum of ``P(y) psi(y)`` over valid texts ``y`` within the limit, the
    end included: where only one more token may be written, it must be the end, and counts with its probability. Its
    log is ``log_z`` of the results. Texts weigh ``log_weight``; as the number of particles grows, drawing from them by
    weight becomes exact.

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
        if isinstance(self.proposal, Masking) and not self.proposal.is_plain:
            raise ValueError("the weights of Masking are those of the plain model: give options to AWRS(...)")

    def init(self, query: Query) -> Population:
        """Start with the empty text in every slot."""
        return Population.start(query, query.n or self.particles, self.proposal)

    def step(self, states: Sequence[Population], model: Logits) -> list[Population]:
        """Write every live particle on to its next draw, weigh, and resample where weights have grown uneven."""
        for particle in write_tokens(self.proposal, states, model):
            self._twist(particle)
        for state in states:
            self._resample(state)
        return list(states)

    def _twist(self, particle: Particle) -> None:
        """Put what the critic says now in the place of what it said of the text before."""
        if self.critic is None or particle.log_weight == -np.inf:
            return
        log_twist = float(self.critic(particle.guide.text))
        particle.log_weight += log_twist - particle.log_twist
        particle.log_twist = log_twist

    def _resample(self, state: Population) -> None:
        weights, log_mean = state.weights
        if state.done or effective_size(weights) >= self.threshold * len(weights):
            return
        chosen = resample(weights, state.query.generator, len(weights), self.scheme)
        state.particles = [state.particles[i].copy() for i in chosen]
        for particle in state.particles:
            particle.log_weight = log_mean
        state.n_resamplings += 1

    def outcome(self, state: Population) -> Outcome:
        """Return the particles with their weights."""
        drafts = [
            Draft(particle.trace, particle.log_weight, particle.log_weight > -np.inf) for particle in state.particles
        ]
        return Outcome(drafts, state.weights[1], {**state.stats, "resamplings": state.n_resamplings})
