"""Draws without replacement against inverting one sum over all that is left."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detent.native.urns import draw

SIZE = 4


def naive(weights: np.ndarray, uniforms: np.ndarray) -> tuple[list[int], list[float]]:
    """The draws of one row and the logs of what was left before each, until nothing is."""
    left, tokens, rests = weights.astype(np.float64).ravel(), [], []
    for uniform in uniforms:
        cumulative = left.cumsum()
        if cumulative[-1] <= 1e-25:
            break
        tokens.append(int((cumulative <= uniform * cumulative[-1]).sum()))
        rests.append(float(np.log(cumulative[-1])))
        left[tokens[-1]] = 0.0
    return tokens, rests


def drawn(weights: np.ndarray, uniforms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    weights = weights.copy()
    tokens, rests = np.empty(uniforms.shape, np.int64), np.zeros(uniforms.shape)
    draw(weights, weights.sum(2).astype(np.float64), uniforms, tokens, rests)
    return tokens, rests


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.data(), st.integers(1, 3), st.integers(1, 4), st.integers(1, 12))
def test_draws_are_those_of_one_sum(data: st.DataObject, n_rows: int, n_blocks: int, n_draws: int) -> None:
    """Weights and numbers are small multiples of powers of two, so that no sum is rounded and ties are met."""
    weight, uniform = st.sampled_from([0.0, 0.0, 0.25, 0.5, 0.75, 1.0]), st.integers(0, 63).map(lambda k: k / 64)
    n = n_rows * n_blocks * SIZE
    weights = np.array(data.draw(st.lists(weight, min_size=n, max_size=n)), np.float32).reshape(n_rows, n_blocks, SIZE)
    n = n_rows * n_draws
    uniforms = np.array(data.draw(st.lists(uniform, min_size=n, max_size=n))).reshape(n_rows, n_draws)
    tokens, rests = drawn(weights, uniforms)
    for row in range(n_rows):
        expected, logs = naive(weights[row], uniforms[row])
        assert tokens[row, : len(expected)].tolist() == expected
        np.testing.assert_allclose(rests[row, : len(expected)], logs, rtol=1e-12)
        assert len(expected) == n_draws or tokens[row, len(expected)] == -1


@pytest.mark.parametrize("uniform", [0.0, np.nextafter(1.0, 0.0)])
def test_what_has_no_weight_is_never_drawn(uniform: float) -> None:
    rng = np.random.default_rng(3)
    weights = rng.random((50, 3, 256), np.float32) ** 20
    weights[rng.random(weights.shape) < 0.5] = 0.0
    weights[::7, 1] = weights[::5, 2] = 0.0
    tokens, _ = drawn(weights, np.full((50, 20), uniform))
    flat = weights.reshape(50, -1)
    assert (np.take_along_axis(flat, tokens, 1) > 0).all()
    assert all(len(set(row)) == 20 for row in tokens.tolist())
