"""Wrong samplers: each criterion must find those that it is there for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from detent import AWRS, CARS, SMC, ASAp, BestOf
from detent.sampler import order
from detent.sampler.base import NOTHING, Info
from detent.sampler.particles import Particle
from tests.naive.texts import TOYS, Toy

from .criteria import CASES, N_PARTICLES, Step, fewer_bs


# -------------------------------------------------------------------------------------------------------------- a token
def weighing(weigh: Callable[[list[order.Drawn], int], float]) -> Step:
    """Try like the right one and weigh wrongly: from the draws, the last of them accepted."""

    def step(logits: torch.Tensor, check: Any, generators: Any) -> Info:
        tokens, log_weights, n_tries = [], [], []
        for draws in order.draws(logits, logits.logsumexp(-1).tolist(), generators):
            tried = []
            for drawn in draws:
                tried.append(drawn)
                if check(0, drawn.token):
                    break
            weight = weigh(tried, logits.shape[1])
            tokens.append(tried[-1].token if weight else NOTHING)
            log_weights.append(float(np.log(weight)) if weight else -np.inf)
            n_tries.append(len(tried))
        return Info(tokens, [], log_weights, n_tries)

    return step


def greedy(logits: torch.Tensor, check: Any, generators: Any) -> Info:
    """The right weight, and always the likeliest allowed token."""
    allowed = [token for token in range(logits.shape[1]) if check(0, token)]
    token = max(allowed, key=lambda each: logits[0, each])
    log_mass = logits[0].softmax(-1)[allowed].sum().log().item()
    return Info([token] * len(logits), [], [log_mass] * len(logits))


def full_scan(logits: torch.Tensor, check: Any, generators: Any) -> Info:
    """Ask about every token: the right law at the price of a mask."""
    return Info([], [], [], [logits.shape[1]] * len(logits))


def _until_little_is_left(tried: list[order.Drawn], width: int) -> float:
    """One minus what was rejected, and death where that is below 1e-5."""
    left = 1 - sum(np.exp(drawn.log_p) for drawn in tried[:-1])
    return float(left) if left > 1e-5 else 0.0


WEIGHTS: dict[str, Step] = {
    "weight 1": weighing(lambda tried, width: 1.0),
    "one over the tries": weighing(lambda tried, width: 1 / len(tried)),
    "mass that was not rejected": weighing(lambda tried, width: float(np.exp(tried[-1].log_rest))),
    "by rank": weighing(lambda tried, width: 1 - (len(tried) - 1) / width),
    "greedy": greedy,
}
WEIGHED_CASES = [CASES[name] for name in ("flat", "two forbidden peaks", "falling")]
early_stop = weighing(_until_little_is_left)


# ------------------------------------------------------------------------------------------------------------ particles
class NoWeights(SMC):
    """Masking's draws as if they weighed the same: masking offered as exact."""

    def step(self, states: Any, model: Any) -> Any:
        states = super().step(states, model)
        for state in states:
            for particle in state.particles:
                if particle.log_weight > -np.inf:
                    particle.log_weight = 0.0
        return states


class NoReset(SMC):
    """Copies keep the weights by which they were made: these count twice."""

    def _resample(self, state: Any) -> None:
        weights: list[float] = []
        copy = Particle.copy

        def noted(particle: Particle) -> Particle:
            weights.append(particle.log_weight)
            return copy(particle)

        Particle.copy = noted  # type: ignore[method-assign]
        try:
            super()._resample(state)
        finally:
            Particle.copy = copy  # type: ignore[method-assign]
        for particle, weight in zip(state.particles, weights, strict=False):
            particle.log_weight = weight


class KeptTwist(SMC):
    """The critic's word on every beginning counts."""

    def _twist(self, particle: Any) -> None:
        super()._twist(particle)
        particle.log_twist = 0.0


class Biased(AWRS):
    """Weights of the first draw only: 1 where it was allowed, as if nothing had been forbidden."""

    def step(self, *arguments: Any) -> Any:
        states, info = super().step(*arguments)
        likely = [0.0 if n <= 2 else weight for n, weight in zip(info.n_tries, info.log_weight, strict=True)]
        return states, info._replace(log_weight=likely)


PARTICLES: dict[str, tuple[Toy, SMC]] = {
    "masking as exact, skewed": (TOYS["skewed"], NoWeights(N_PARTICLES)),
    "masking as exact, wide": (TOYS["wide"], NoWeights(N_PARTICLES)),
    "weights not reset": (TOYS["wide"], NoReset(N_PARTICLES, threshold=1.0)),
    "every word of the critic counts": (TOYS["modulo"], KeptTwist(N_PARTICLES, critic=fewer_bs)),
    "biased weights": (TOYS["dyck"], SMC(N_PARTICLES, proposal=Biased())),
}


# ------------------------------------------------------------------------------------------------------------- attempts
class MaskedFresh(CARS):
    """New nodes are masked at once: silently ASAp."""

    _masks_at_once = True


class Unlearned(CARS):
    """What was learnt below is not told above."""

    def _commit(self, state: Any) -> None:
        super()._commit(state)
        for attempt in state.attempts:
            for node in attempt.path[1:]:
                node.log_mass = 0.0


class FirstFinished(CARS):
    """The shortest texts of a round come first."""

    def _commit(self, state: Any) -> None:
        state.attempts.sort(key=lambda attempt: (attempt.failed, len(attempt.trace)))
        super()._commit(state)


class PlainRejection(CARS):
    """Exact, and dear: everything is forgotten at once."""

    def _commit(self, state: Any) -> None:
        super()._commit(state)
        state.root.children.clear()
        state.root.log_mass = 0.0


def masking(n: int) -> BestOf:
    """``n`` texts by masking, in the order of the draws, offered as exact."""
    return BestOf(n, score=lambda text: 0.0)


ATTEMPTS: dict[str, tuple[Toy, Any]] = {
    "masked new nodes": (TOYS["skewed"], MaskedFresh(batch=1)),
    "masked new nodes, rounds of 8": (TOYS["wide"], MaskedFresh()),
    "ASAp as exact": (TOYS["skewed"], ASAp(batch=1)),
    "masking as exact": (TOYS["skewed"], masking(4)),
    "the shortest of a round first": (TOYS["modulo"], FirstFinished()),
    "nothing told above": (TOYS["skewed"], Unlearned(batch=1)),
}
