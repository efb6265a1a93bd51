"""Sequential Monte Carlo against exact enumeration."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from detent import AWRS, SMC, Masking
from detent.sampler import smc
from detent.sampler.base import run_strategy
from detent.sampler.particles import Particle
from detent.sampler.weights import effective_size, normalise, resample
from tests.naive.texts import TOYS, Toy

from .laws import assert_mean

RUNS, PARTICLES = 150, 16


def estimates(toy: Toy, sampler: SMC, runs: int = RUNS) -> tuple[np.ndarray, Counter[str]]:
    """The estimates of the normaliser, and the weighted texts of all runs."""
    outcomes = run_strategy(sampler, [toy.query([11, run]) for run in range(runs)], toy.model)
    pooled: Counter[str] = Counter()
    for outcome in outcomes:
        weights, log_mean = normalise([draft.log_weight for draft in outcome.drafts])
        assert outcome.log_z == log_mean
        for draft, weight in zip(outcome.drafts, weights, strict=True):
            # unnormalised: the pool is then a ratio of unbiased estimates
            pooled[toy.text([step.token for step in draft.trace])] += weight * np.exp(log_mean)
    return np.exp([outcome.log_z for outcome in outcomes]), pooled


def distance(pooled: Counter[str], law: dict[str, float]) -> float:
    total = sum(pooled.values())
    return sum(abs(pooled[text] / total - law.get(text, 0.0)) for text in {*pooled, *law}) / 2


def fewer_bs(text: str) -> float:
    return -0.7 * text.count("b")


CASES: dict[str, tuple[str, SMC]] = {
    "skewed": ("skewed", SMC(PARTICLES)),
    "dyck by masking": ("dyck", SMC(PARTICLES, proposal=Masking())),
    "dead ends": ("modulo", SMC(PARTICLES, proposal=AWRS(accepts=3), scheme="systematic")),
    "wide": ("wide", SMC(PARTICLES, threshold=0.9)),
    "no resampling": ("dyck", SMC(PARTICLES, threshold=0.0)),
    "colder": ("dyck", SMC(PARTICLES, proposal=AWRS(temperature=0.5))),
    "critic": ("modulo", SMC(PARTICLES, critic=fewer_bs)),
}


def truth(name: str, sampler: SMC) -> tuple[float, dict[str, float]]:
    toy = TOYS[name]
    temperature = getattr(sampler.proposal, "temperature", 1.0)
    if temperature != 1:
        plain = toy.scores
        toy = replace(toy, scores=lambda text: [score / temperature for score in plain(text)])
    masses = {
        text: mass * np.exp(sampler.critic(text) if sampler.critic else 0.0) for text, mass in toy.masses().items()
    }
    total = sum(masses.values())
    return total, {text: mass / total for text, mass in masses.items()}


@pytest.mark.parametrize("case", CASES)
def test_the_normaliser_is_unbiased_and_the_texts_follow_the_law(case: str) -> None:
    name, sampler = CASES[case]
    total, law = truth(name, sampler)
    z, pooled = estimates(TOYS[name], sampler)
    assert_mean(z, total)
    assert set(pooled) <= set(law) | {text for text, weight in pooled.items() if weight == 0}
    assert distance(pooled, law) < 0.14


class NoWeights(SMC):
    """Masking's draws as if they weighed the same."""

    def step(self, states: Any, model: Any) -> Any:
        states = super().step(states, model)
        for state in states:
            for particle in state.particles:
                if particle.log_weight > -np.inf:
                    particle.log_weight = 0.0
        return states


class NoReset(SMC):
    """Weights are kept where copies were made by weight: they count twice."""

    def _resample(self, state: Any) -> None:
        before = {id(particle.guide): particle.log_weight for particle in state.particles}
        copies = Particle.copy
        try:
            weights: list[float] = []
            Particle.copy = lambda self: weights.append(self.log_weight) or copies(self)  # type: ignore[assignment,func-returns-value]
            super()._resample(state)
        finally:
            Particle.copy = copies  # type: ignore[method-assign]
        if weights:
            for particle, weight in zip(state.particles, weights, strict=True):
                particle.log_weight = weight
        assert before


class KeptTwist(SMC):
    """The critic's word on every beginning counts."""

    def _twist(self, particle: Any) -> None:
        super()._twist(particle)
        particle.log_twist = 0.0


class Biased(AWRS):
    """The mass that was not rejected, without the toss for what comes behind."""

    def step(self, *arguments: Any) -> Any:
        states, info = super().step(*arguments)
        return states, info._replace(log_weight=[weight / 2 for weight in info.log_weight])


@pytest.mark.parametrize(
    ("name", "sampler"),
    [
        ("skewed", NoWeights(PARTICLES)),
        ("wide", NoWeights(PARTICLES)),
        ("wide", NoReset(PARTICLES, threshold=1.0)),
        ("modulo", KeptTwist(PARTICLES, critic=fewer_bs)),
        ("dyck", SMC(PARTICLES, proposal=Biased())),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, SMC) else value,
)
def test_wrong_samplers_are_found(name: str, sampler: SMC) -> None:
    total, law = truth(name, sampler)
    z, pooled = estimates(TOYS[name], sampler)
    with pytest.raises(AssertionError):
        assert_mean(z, total)
        assert distance(pooled, law) < 0.14


def test_all_dead_is_no_nan() -> None:
    toy = replace(TOYS["dyck"], may_begin=lambda text: text == "", is_good=lambda text: False)
    (outcome,) = run_strategy(SMC(4), [toy.query(0)], toy.model)
    assert outcome.log_z == -np.inf
    assert [draft.finished for draft in outcome.drafts] == [False] * 4


def test_some_dead_go_on() -> None:
    toy = replace(TOYS["dyck"], may_begin=lambda text: text in ("", "(", "()", ")"), is_good=lambda text: text == "()")
    (outcome,) = run_strategy(SMC(64, threshold=0.0), [toy.query(0)], toy.model)
    assert {draft.finished for draft in outcome.drafts} == {True, False}
    assert np.isfinite(outcome.log_z or np.nan)


def test_rows_do_not_depend_on_their_neighbours() -> None:
    toy = TOYS["wide"]
    together = run_strategy(SMC(4), [toy.query([2, i]) for i in range(3)], toy.model)
    for i in range(3):
        (alone,) = run_strategy(SMC(4), [toy.query([2, i])], toy.model)
        assert alone.drafts == together[i].drafts


def test_options_are_checked() -> None:
    for options in ({"particles": 0}, {"threshold": 1.5}, {"proposal": Masking(temperature=0.5)}):
        with pytest.raises(ValueError):
            SMC(**options)  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------------------- weights
@pytest.mark.parametrize("scheme", ["systematic", "stratified", "multinomial"])
def test_resampling_is_unbiased(scheme: Any) -> None:
    weights = np.array([0.0, 0.5, 0.0, 0.2, 0.3, 0.0])
    generator = np.random.default_rng(0)
    counts = np.array([np.bincount(resample(weights, generator, 7, scheme), minlength=6) for _ in range(3000)])
    for i, weight in enumerate(weights):
        assert_mean(counts[:, i], 7 * weight)
    assert counts[:, weights == 0].sum() == 0
    if scheme == "systematic":
        assert (abs(counts - 7 * weights) < 1).all()


class Stuck:
    def __init__(self, value: float) -> None:
        self.value = value

    def random(self, n: int | None = None) -> Any:
        return self.value if n is None else np.full(n, self.value)


@pytest.mark.parametrize("uniform", [0.0, np.nextafter(1.0, 0.0)])
@pytest.mark.parametrize("scheme", ["systematic", "stratified", "multinomial"])
def test_what_weighs_nothing_is_never_chosen(scheme: Any, uniform: float) -> None:
    for weights in ([0, 1, 0], [0.1] * 10 + [0], [1e-300, 0], [0, 0, 1 / 3, 1 / 3, 1 / 3]):
        chosen = resample(np.array(weights, float), Stuck(uniform), 5, scheme)  # type: ignore[arg-type]
        assert len(chosen) == 5 and all(weights[i] > 0 for i in chosen)
    with pytest.raises(ValueError, match="all weights are zero"):
        resample(np.zeros(3), Stuck(uniform), 2, scheme)  # type: ignore[arg-type]


def test_weights_are_normalised_in_logs() -> None:
    weights, log_mean = normalise([-2000.0, -2000.0 + np.log(3), -np.inf])
    np.testing.assert_allclose(weights, [0.25, 0.75, 0])
    assert log_mean == pytest.approx(-2000 + np.log(4 / 3))
    assert effective_size(weights) == pytest.approx(1 / (0.0625 + 0.5625))
    weights, log_mean = normalise([-np.inf, -np.inf])
    assert (weights == 0).all() and log_mean == -np.inf and effective_size(weights) == 0
    assert smc.SMC().particles == 16
