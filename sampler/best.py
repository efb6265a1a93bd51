"""Best of n: some texts, of which the best is taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from detent.sampler.base import Draft, Logits, Outcome, Query, Sampler
from detent.sampler.masking import Masking
from detent.sampler.particles import Particle, Population, write_tokens


@dataclass(frozen=True)
class BestOf:
    """Draw some texts, and keep the best.

    Parameters
    ----------
    candidates : int
        How many texts are drawn.
    score : callable, optional
        Takes a text; gives what is to be large. By default the log-probability of the text under the model.
    proposal : Sampler
        How each text is drawn.

    Raises
    ------
    ValueError
        If there is no candidate, or more texts are wanted than there are.
    """

    candidates: int = 8
    score: Callable[[str], float] | None = None
    proposal: Sampler = field(default_factory=Masking)

    def __post_init__(self) -> None:
        if self.candidates < 1:
            raise ValueError(f"candidates must be at least 1, not {self.candidates}")

    def init(self, query: Query) -> Population:
        """Start with the empty text in every slot."""
        if (query.n or 1) > self.candidates:
            raise ValueError(f"the best {query.n} of {self.candidates}: more candidates are needed")
        return Population.start(query, self.candidates, self.proposal)

    def step(self, states: Sequence[Population], model: Logits) -> list[Population]:
        """Write every text on to its next draw."""
        write_tokens(self.proposal, states, model)
        return list(states)

    def outcome(self, state: Population) -> Outcome:
        """Return the best of the whole texts, the best first."""
        whole = sorted((p for p in state.particles if p.guide.is_stopped()), key=self._score, reverse=True)
        return Outcome([Draft(particle.trace) for particle in whole[: state.query.n or 1]], None, state.stats)

    def _score(self, particle: Particle) -> float:
        if self.score is not None:
            return float(self.score(particle.guide.text))
        return sum(step.logprob + step.log_weight for step in particle.trace)
