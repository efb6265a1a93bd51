"""The tests of laws themselves: how often they are wrong, and what they find."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from .laws import assert_law, assert_mean, chi_square_p

LAW = {"a": 0.4, "b": 0.3, "c": 0.2, "d": 0.07, "e": 0.03}
N = 2000


def drawn(law: dict[str, float], seed: int, n: int = N) -> Counter[str]:
    counts = np.random.default_rng(seed).multinomial(n, list(law.values()))
    return Counter(dict(zip(law, counts.tolist(), strict=True)))


def test_right_laws_pass() -> None:
    for seed in range(300):
        assert_law(drawn(LAW, seed), LAW)


def test_p_values_are_uniform() -> None:
    values = [chi_square_p(drawn(LAW, seed), LAW) for seed in range(400)]
    shares = np.histogram(values, bins=5, range=(0, 1))[0] / 400
    assert abs(shares - 0.2).max() < 0.08


@pytest.mark.parametrize(("n", "shift"), [(600, 0.09), (2000, 0.05), (10_000, 0.025)])
def test_power(n: int, shift: float) -> None:
    """What tests of this many draws find with a probability of at least 0.98: a law so far away."""
    shifted = LAW | {"a": LAW["a"] - shift, "d": LAW["d"] + shift}
    found = 0
    for seed in range(100):
        try:
            assert_law(drawn(shifted, seed, n), LAW)
        except AssertionError:
            found += 1
    assert found >= 98


def test_what_cannot_be_is_found() -> None:
    with pytest.raises(AssertionError, match="chi-square"):
        assert_law(drawn(LAW, 0) + Counter("z"), LAW)


def test_a_wrong_mean_is_found() -> None:
    values = np.random.default_rng(0).exponential(size=4000)
    assert_mean(values, 1.0)
    with pytest.raises(AssertionError, match="mean"):
        assert_mean(values, 1.1)
