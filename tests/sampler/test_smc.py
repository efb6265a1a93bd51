"""Sequential Monte Carlo against exact enumeration."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from detent import SMC, Masking
from detent.sampler.base import run_strategy
from detent.sampler.weights import effective_size, normalise, resample
from tests.naive.texts import TOYS

from . import wrong
from .criteria import SMC_CASES, weighted_texts
from .laws import assert_mean, assert_met

RUNS = 150


@pytest.mark.parametrize("case", SMC_CASES)
def test_the_normaliser_is_unbiased_and_the_texts_follow_the_law(case: str) -> None:
    assert_met(weighted_texts(*SMC_CASES[case], RUNS))


@pytest.mark.parametrize("name", wrong.PARTICLES)
def test_wrong_samplers_are_found(name: str) -> None:
    with pytest.raises(AssertionError):
        assert_met(weighted_texts(*wrong.PARTICLES[name], RUNS))


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
