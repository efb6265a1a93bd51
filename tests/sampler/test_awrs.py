"""Adaptive weighted rejection: the law of the token, the mean of the weight, the number of tries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from detent import AWRS, awrs_step
from detent.sampler import awrs, order

from .laws import assert_law, assert_mean

N = 4_000
Case = tuple[list[float], set[int]]

CASES: dict[str, Case] = {
    "flat": ([1.0] * 8, {1, 4, 7}),
    "two forbidden peaks": ([40.0, 30.0, 5.0, 1.0, 1.0, 0.5], {3, 4, 5}),
    "allowed peak": ([90.0, 5.0, 3.0, 2.0], {0, 3}),
    "falling": ([0.5**i for i in range(20)], set(range(1, 20, 3))),
    "all allowed": ([3.0, 2.0, 1.0], {0, 1, 2}),
    "one allowed": ([1.0, 1.0, 1.0, 5.0], {1}),
}


def run(case: Case, n: int, step: Callable[..., Any] = awrs_step, **options: Any) -> tuple[list[int], np.ndarray, Any]:
    """Tokens, weights and tries of ``n`` rows with generators of their own."""
    probs, allowed = case
    logits = torch.tensor(probs, dtype=torch.float64).log().float().expand(n, -1)
    generators = [np.random.default_rng([7, i]) for i in range(n)]
    info = step(logits, lambda row, token: token in allowed, generators, **options)
    return info.tokens, np.exp(info.log_weight), info.n_tries


def check_weighted(case: Case, tokens: list[int], weights: np.ndarray) -> None:
    """``E[W] = Z`` and ``E[W 1{X = x}] = p_x``, the law of the token, and nothing forbidden alive."""
    probs, allowed = case
    law = np.array(probs) / sum(probs)
    mass = law[sorted(allowed)].sum()
    alive = [token for token, weight in zip(tokens, weights, strict=True) if weight > 0]
    assert set(alive) <= allowed
    assert_mean(weights, mass)
    for token in allowed:
        if law[token] * len(tokens) < 30 * mass:
            continue  # too rare for a mean
        assert_mean(weights * (np.array(tokens) == token), law[token], 4.5)
    assert_law(Counter(tokens), {token: law[token] / mass for token in allowed})


VARIANTS: dict[str, dict[str, Any]] = {
    "recursive": {},
    "two accepts": {"accepts": 2},
    "three accepts": {"accepts": 3},
    "six accepts": {"accepts": 6},
    "mask after two": {"misses": 2},
}


def with_mask(case: Case, options: dict[str, Any]) -> dict[str, Any]:
    if "misses" not in options:
        return options
    allowed = np.isin(np.arange(len(case[0])), sorted(case[1]))
    return {**options, "mask": lambda row: allowed}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", CASES)
def test_draws_are_properly_weighted(name: str, variant: str) -> None:
    case = CASES[name]
    check_weighted(case, *run(case, N, **with_mask(case, VARIANTS[variant]))[:2])


@pytest.mark.parametrize("name", ["flat", "falling"])
def test_the_race_of_the_device_has_the_same_law(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "PLACES", 3)  # so that it runs out of places
    monkeypatch.setattr(awrs, "draws", order.races)
    for variant in ({}, {"accepts": 3}):
        check_weighted(CASES[name], *run(CASES[name], N, **variant)[:2])


# ------------------------------------------------------------------------------------------------------ wrong samplers
def wrong(weigh: Callable[[list[order.Drawn], int], float]) -> Callable[..., Any]:
    """A sampler that tries like the right one and weighs wrongly: from the draws, the last of them accepted."""

    def step(logits: torch.Tensor, check: Any, generators: Any) -> Any:
        tokens, weights = [], []
        for draws in order.draws(logits, logits.logsumexp(-1).tolist(), generators):
            tried = []
            for drawn in draws:
                tried.append(drawn)
                if check(0, drawn.token):
                    break
            tokens.append(tried[-1].token)
            weights.append(np.log(weigh(tried, len(logits[0]))))
        return awrs.Info(tokens, [], weights)

    return step


WRONG: dict[str, Callable[[list[order.Drawn], int], float]] = {
    "one": lambda tried, width: 1.0,
    "one over the tries": lambda tried, width: 1 / len(tried),
    "mass that was not rejected": lambda tried, width: np.exp(tried[-1].log_rest),
    "by rank": lambda tried, width: 1 - (len(tried) - 1) / width,
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_weight_is_found(name: str) -> None:
    found = 0
    for case in ("flat", "two forbidden peaks", "falling"):
        try:
            check_weighted(CASES[case], *run(CASES[case], N, wrong(WRONG[name]))[:2])
        except AssertionError:
            found += 1
    assert found == 3


def test_a_wrong_law_is_found() -> None:
    def greedy(logits: torch.Tensor, check: Any, generators: Any) -> Any:
        tokens = [max(CASES["falling"][1], key=lambda t: logits[0, t])] * len(logits)
        mass = logits[0].softmax(-1)[sorted(CASES["falling"][1])].sum().log().item()
        return awrs.Info(tokens, [], [mass] * len(logits))

    with pytest.raises(AssertionError, match="mean"):
        check_weighted(CASES["falling"], *run(CASES["falling"], N, greedy)[:2])


# --------------------------------------------------------------------------------------------------------------- edges
@pytest.mark.parametrize("accepts", [None, 3])
@pytest.mark.parametrize("log_mass", [-7, -14, -25, -60, -200])
@pytest.mark.parametrize("peaks", [1, 60])
def test_little_mass_is_no_death(accepts: int | None, log_mass: float, peaks: int) -> None:
    """Mass down to e-200, with and without a dominant token: the right law, nothing dead."""
    n = 300
    allowed = {peaks, peaks + 1}
    logits = torch.zeros(peaks + 2)
    logits[peaks], logits[peaks + 1] = log_mass + np.log(0.75 * peaks), log_mass + np.log(0.25 * peaks)
    generators = [np.random.default_rng([3, i]) for i in range(n)]
    info = awrs_step(logits.expand(n, -1), lambda row, token: token in allowed, generators, accepts=accepts)
    assert set(info.tokens) == allowed
    assert_law(Counter(info.tokens), {peaks: 0.75, peaks + 1: 0.25})
    relative = np.exp(np.array(info.log_weight) - log_mass)
    if log_mass < -10:  # above, what is drawn before the peaks is rare and heavy
        assert_mean(relative, 1.0, 6)


def test_nothing_allowed_is_dead_without_nan() -> None:
    for accepts in (None, 2):
        info = awrs_step(torch.zeros(2, 5), lambda row, token: False, [np.random.default_rng(0)] * 2, accepts=accepts)
        assert info.tokens == [-1, -1] and info.log_weight == [-np.inf] * 2 and info.logprob == [0.0] * 2
        assert info.n_tries == [5, 5]


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


# --------------------------------------------------------------------------------------------------------------- order
class Stuck:
    """A generator that gives one number."""

    def __init__(self, value: float) -> None:
        self.value = value

    def random(self) -> float:
        return self.value


@pytest.mark.parametrize("uniform", [0.0, np.nextafter(1.0, 0.0), 0.5])
@pytest.mark.parametrize("width", [1, 5, 256, 257, 1500])
def test_every_token_with_mass_comes_once_and_the_rest_falls(uniform: float, width: int) -> None:
    generator = torch.Generator().manual_seed(width)
    logits = 30 * torch.randn(1, width, generator=generator)
    logits[0, ::3] = -torch.inf if width > 1 else 0.0
    drawn = list(order.urn(logits[0].numpy(), logits.logsumexp(-1).item(), Stuck(uniform)))  # type: ignore[arg-type]
    assert sorted(d.token for d in drawn) == (logits[0] > -torch.inf).nonzero().flatten().tolist()
    rests = np.array([d.log_rest for d in drawn])
    assert rests[0] == pytest.approx(0, abs=1e-5) and (np.diff(rests) <= 0).all()
    tail = np.logaddexp.accumulate([d.log_p for d in drawn][::-1])[::-1]
    np.testing.assert_allclose(rests, tail, atol=1e-4)


# --------------------------------------------------------------------------------------------------------------- tries
def expected_tries(law: np.ndarray, allowed: np.ndarray, accepts: int) -> float:
    mass = law[allowed].sum()
    forbidden = (1 - (mass / (mass + law[~allowed])) ** accepts).sum()
    return forbidden + (1 - (1 - law[allowed] / mass) ** accepts).sum()


@pytest.mark.parametrize("width", [64, 1024, 32_768])
@pytest.mark.parametrize("accepts", [None, 2, 3])
def test_tries_are_those_of_the_closed_form(width: int, accepts: int | None) -> None:
    rng = np.random.default_rng(width)
    logits = 3 * rng.standard_normal(width).astype(np.float32)
    allowed = rng.random(width) < 0.4
    law = np.exp(logits.astype(np.float64))
    law /= law.sum()
    n = 300
    generators = [np.random.default_rng([5, i]) for i in range(n)]
    info = awrs_step(torch.tensor(logits).expand(n, -1), lambda row, token: allowed[token], generators, accepts=accepts)
    expected = expected_tries(law, allowed, accepts or 2)
    assert np.mean(info.n_tries) <= 1.25 * expected + 0.3
    full_scan = allowed.sum()
    assert np.mean(info.n_tries) < full_scan / 2
