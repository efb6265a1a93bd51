"""Constrained adaptive rejection sampling: exact samples of the model given the constraint, at a falling price.

Parys et al. 2025 (arXiv:2510.01902).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from detent.sampler.attempts import Attempt, Attempts, Learning, draws_at
from detent.sampler.weights import normalise

if TYPE_CHECKING:
    from detent.sampler.order import Drawn


@dataclass(frozen=True)
class CARS(Attempts):
    """Draw texts from exactly the model's law among valid texts, each independently of the others.

    An attempt draws tokens from the model without a mask where it comes first; a forbidden token ends it. What it saw
    is learnt: the masks on its way, the forbidden token, and how much less can be valid above. Later attempts never
    spend a draw on what is known to be invalid, and no run of the model on a prefix that is known.

    Parameters
    ----------
    temperature, top_k, top_p, min_p : optional
        They shape the law that is meant by "the model", before the constraint.
    batch : int
        Attempts side by side, at most. They are drawn from what was known before them, and stay exact.
    patience : int
        Give up after so many attempts in a row without a valid text.
    trie : Trie, optional
        What was learnt before, and where to learn on: saved and loaded, it spares other runs the failures. By default
        every prompt of a run has its own.

    Notes
    -----
    An attempt succeeds with the probability of a valid text over the mass that can still be valid, which falls with
    every attempt. Valid are texts within the limit of tokens, the end included.

    Masking a node when it is first seen would be ASAp: cheaper, and not exact.

    Examples
    --------
    >>> results = detent.run(lm, "Ada is 36.", Person, sampler=CARS(), n=10)         # doctest: +SKIP
    >>> results.stats["attempts"], results.stats["forwards"], results.log_z           # doctest: +SKIP
    """

    def _draw(self, state: Learning, attempt: Attempt) -> Drawn | None:
        # a node that is new in this round has no mask yet: drawn from as the model has it
        drawn = next(draws_at(attempt.node, attempt.generator), None)
        if drawn is None or attempt.guide.accept(drawn.token):
            return drawn
        self._refuse(state, attempt.node, drawn.token)
        return None

    def _log_z(self, state: Learning) -> float:
        """The mean of the attempts' estimates, within what is known for certain."""
        mean = normalise(state.log_masses)[1]
        return min(max(mean, state.root.log_found), state.root.log_mass)
