"""Adaptive weighted rejection: the law of the token, the mean of the weight, the number of tries."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from detent import AWRS, Costs, awrs_step
from detent.sampler import awrs, costs, order

from . import wrong
from .criteria import CASES, VARIANTS, Case, draw_tokens, expected_tries, little_mass, tries, weighted
from .laws import assert_met

N = 4_000


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", CASES)
def test_draws_are_properly_weighted(name: str, variant: str) -> None:
    assert_met(weighted(CASES[name], *draw_tokens(CASES[name], N, **VARIANTS[variant])[:2]))


@pytest.mark.parametrize("name", ["flat", "falling"])
def test_the_race_of_the_device_has_the_same_law(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "PLACES", 3)  # so that it runs out of places
    monkeypatch.setattr(awrs, "draws", order.races)
    for variant in ("recursive", "three accepts", "mask after two"):
        assert_met(weighted(CASES[name], *draw_tokens(CASES[name], N // 2, **VARIANTS[variant])[:2]))


@pytest.mark.parametrize("name", wrong.WEIGHTS)
def test_a_wrong_weight_is_found(name: str) -> None:
    for case in wrong.WEIGHED_CASES:
        with pytest.raises(AssertionError):
            assert_met(weighted(case, *draw_tokens(case, N // 2, wrong.WEIGHTS[name])[:2]))


# --------------------------------------------------------------------------------------------------------------- edges
@pytest.mark.parametrize("accepts", [None, 3])
@pytest.mark.parametrize("log_mass", [-7, -14, -25, -60, -200])
@pytest.mark.parametrize("peaks", [1, 60])
def test_little_mass_is_no_death(accepts: int | None, log_mass: float, peaks: int) -> None:
    """Mass down to e-200, with and without a dominant token."""
    assert_met(little_mass(log_mass, peaks, 300, accepts=accepts))


@pytest.mark.parametrize("log_mass", [-14, -60])
def test_the_race_of_the_device_meets_little_mass(log_mass: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awrs, "draws", order.races)
    assert_met(little_mass(log_mass, 60, 300))


def test_one_minus_what_was_rejected_is_found() -> None:
    for log_mass in (-14, -25):
        with pytest.raises(AssertionError, match="dead"):
            assert_met(little_mass(log_mass, 60, 300, wrong.early_stop))


def test_nothing_allowed_is_dead_without_nan() -> None:
    for accepts in (None, 2):
        info = awrs_step(torch.zeros(2, 5), lambda row, token: False, [np.random.default_rng(0)] * 2, accepts=accepts)
        assert info.tokens == [-1, -1] and info.log_weight == [-np.inf] * 2 and info.logprob == [0.0] * 2
        assert info.n_tries == [5, 5]


def test_no_rows() -> None:
    assert awrs_step(torch.zeros(0, 3), lambda row, token: True, []).tokens == []


@pytest.mark.parametrize("score", [np.nan, np.inf])
def test_what_is_no_law_is_dead(score: float) -> None:
    logits = torch.tensor([[0.0, score, 1.0], [0.0, 2.0, 1.0]])
    info = awrs_step(logits, lambda row, token: token == 2, [np.random.default_rng(i) for i in range(2)])
    assert info.tokens == [-1, 2] and info.log_weight[0] == -np.inf


@pytest.mark.parametrize("accepts", [None, 2, 5])
def test_a_certain_token(accepts: int | None) -> None:
    logits = torch.full((1, 4), -torch.inf)
    logits[0, 2] = 3.0
    info = awrs_step(logits, lambda row, token: True, [np.random.default_rng(0)], accepts=accepts)
    assert info.tokens == [2] and info.log_weight == [pytest.approx(0.0)] and info.n_tries == [1]


def test_what_has_no_mass_is_never_tried() -> None:
    logits = torch.tensor([[-torch.inf, 0.0, -torch.inf, 1.0]])
    tried = set()
    awrs_step(logits, lambda row, token: bool(tried.add(token)), [np.random.default_rng(0)])
    assert tried == {1, 3}


def test_options_are_checked() -> None:
    with pytest.raises(ValueError, match="accepts"):
        AWRS(accepts=1)
    with pytest.raises(ValueError, match="mask"):
        awrs_step(torch.zeros(1, 2), lambda row, token: True, [], accepts=2, mask=lambda row: np.ones(2, np.bool_))


# -------------------------------------------------------------------------------------------------------------- costs
class Clock:
    """A clock that checks and masks move on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, check: float, mask: float) -> None:
        self.now, self.per_check, self.per_mask, self.n_masks = 0.0, check, mask, 0
        monkeypatch.setattr(costs, "perf_counter", lambda: self.now)

    def step(self, case: Case, measured: Costs, n: int) -> tuple[list[int], np.ndarray]:
        """Draw ``n`` tokens one after the other, with costs that this clock shows."""
        probs, allowed = case
        logits = torch.tensor(probs, dtype=torch.float64).log().float()[None]
        whole = np.isin(np.arange(len(probs)), sorted(allowed))

        def check(row: int, token: int) -> bool:
            self.now += self.per_check
            return token in allowed

        def mask(row: int) -> np.ndarray:
            self.now += self.per_mask
            self.n_masks += 1
            return whole

        generators = [np.random.default_rng([8, i]) for i in range(n)]
        infos = [awrs_step(logits, check, [generator], mask=mask, misses=measured) for generator in generators]
        return [info.tokens[0] for info in infos], np.exp([info.log_weight[0] for info in infos])


HARD: Case = ([1.0] * 60, {7, 31})  # 20 tries to the first allowed token


@pytest.mark.parametrize(("check", "mask", "misses"), [(1.0, 3.0, 3), (1.0, 0.2, 1), (1e-3, 1.0, 1000)])
def test_misses_are_the_costs_of_a_mask_over_those_of_a_try(
    monkeypatch: pytest.MonkeyPatch, check: float, mask: float, misses: int
) -> None:
    measured = Costs()
    assert measured.misses == 32
    clock = Clock(monkeypatch, check, mask)
    clock.step(HARD, measured, 40)
    assert measured.misses == misses
    before = clock.n_masks
    clock.step(HARD, measured, 40)
    assert (clock.n_masks - before > 20) == (misses <= 3)


def test_measured_costs_leave_the_law(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = Costs()
    clock = Clock(monkeypatch, 1.0, 3.0)
    clock.step(HARD, measured, 40)
    assert_met(weighted(CASES["falling"], *clock.step(CASES["falling"], measured, 1500)))
    assert clock.n_masks > 40 and measured.misses == 3


def test_at_most_twice_the_better_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ski rental, in the mean: hard and easy rows, dear and cheap masks."""
    for case in (HARD, CASES["all allowed"], CASES["two forbidden peaks"]):
        for mask in (0.5, 4.0, 30.0):
            measured, clock = Costs(), Clock(monkeypatch, 1.0, mask)
            clock.step(HARD, measured, 60)
            start = clock.now
            clock.step(case, measured, 300)
            spent = (clock.now - start) / 300
            law = np.array(case[0]) / sum(case[0])
            tries = expected_tries(law, np.isin(np.arange(len(law)), sorted(case[1])), 2)
            assert spent <= 2 * min(tries, mask + 1) + 1.5


def test_the_first_mask_counts_for_nothing() -> None:
    measured = Costs()
    measured.mask(lambda: None)
    list(measured.watch(iter("abc")))
    assert measured.misses == 32
    measured.mask(lambda: None)
    assert measured.misses != 32


# --------------------------------------------------------------------------------------------------------------- order
class Stuck:
    """A generator that gives one number again and again."""

    def __init__(self, value: float) -> None:
        self.value = value

    def random(self, size: int | tuple[int, ...]) -> np.ndarray:
        return np.full(size, self.value)


@pytest.mark.parametrize("uniform", [0.0, np.nextafter(1.0, 0.0), 0.5])
@pytest.mark.parametrize("width", [1, 5, 256, 257, 1500])
def test_every_token_with_mass_comes_once_and_the_rest_falls(uniform: float, width: int) -> None:
    generator = torch.Generator().manual_seed(width)
    logits = 30 * torch.randn(1, width, generator=generator)
    logits[0, ::3] = -torch.inf if width > 1 else 0.0
    (urn,) = order.urns(logits.numpy(), logits.logsumexp(-1).tolist(), [Stuck(uniform)])  # type: ignore[list-item]
    drawn = list(urn)
    assert sorted(d.token for d in drawn) == (logits[0] > -torch.inf).nonzero().flatten().tolist()
    rests = np.array([d.log_rest for d in drawn])
    assert rests[0] == pytest.approx(0, abs=1e-5) and (np.diff(rests) <= 1e-6).all()
    tail = np.logaddexp.accumulate([d.log_p for d in drawn][::-1])[::-1]
    np.testing.assert_allclose(rests, tail, atol=1e-4)


# --------------------------------------------------------------------------------------------------------------- tries
@pytest.mark.parametrize("width", [64, 1024, 32_768])
@pytest.mark.parametrize("accepts", [None, 2, 3])
def test_tries_are_those_of_the_closed_form(width: int, accepts: int | None) -> None:
    assert_met(tries(width, 300, accepts=accepts))


def test_a_full_scan_is_found() -> None:
    with pytest.raises(AssertionError, match="tries"):
        assert_met(tries(1024, 10, wrong.full_scan))


@pytest.mark.parametrize("draws", [order.draws, order.races])
def test_rows_do_not_depend_on_their_neighbours(draws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awrs, "draws", draws)
    logits = torch.randn(5, 300, generator=torch.Generator().manual_seed(1))

    def check(row: int, token: int) -> bool:
        return token % 5 == 0

    for accepts in (None, 3):
        together = awrs_step(logits, check, [np.random.default_rng(i) for i in range(5)], accepts=accepts)
        for i in range(5):
            alone = awrs_step(logits[i : i + 1], check, [np.random.default_rng(i)], accepts=accepts)
            assert (alone.tokens[0], alone.n_tries[0]) == (together.tokens[i], together.n_tries[i])
            assert alone.log_weight[0] == pytest.approx(together.log_weight[i])
