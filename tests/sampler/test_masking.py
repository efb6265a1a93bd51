"""The masking sampler as a law, against a plain reference on small vocabularies."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from detent import Masking
from detent.sampler.masking import draw

WIDTH = 12


class Fixed:
    """A constraint that never changes."""

    def __init__(self, *allowed: set[int]) -> None:
        self.allowed = allowed
        words = [sum(1 << token for token in row) for row in allowed]
        self.bitmask = np.array([words], np.uint32).view(np.int32).reshape(-1, 1)

    def allows(self, row: int, token: int) -> bool:
        return token in self.allowed[row]


def naive_law(logits: list[float], allowed: set[int], sampler: Masking) -> np.ndarray:
    """Mask, then temperature, top-k, top-p, min-p, one token at a time."""
    probs = np.zeros(len(logits))
    if sampler.temperature == 0:
        probs[max(sorted(allowed), key=lambda token: logits[token])] = 1
        return probs
    top = max(logits[token] for token in allowed)
    for token in allowed:
        probs[token] = np.exp((logits[token] - top) / sampler.temperature)
    ranked = sorted(allowed, key=lambda token: -logits[token])
    ranked = ranked[: sampler.top_k or len(ranked)]
    if sampler.top_p is not None:
        mass, kept = 0.0, []
        for token in ranked:
            if mass < sampler.top_p * sum(probs[ranked]):
                kept.append(token)
            mass += probs[token]
        ranked = kept
    ranked = [token for token in ranked if probs[token] >= (sampler.min_p or 0) * probs[ranked[0]]]
    probs[[token for token in range(len(logits)) if token not in ranked]] = 0
    return probs / probs.sum()


samplers = st.builds(
    Masking,
    temperature=st.sampled_from([0.0, 0.3, 1.0, 2.0]),
    top_k=st.none() | st.integers(1, WIDTH + 3),
    top_p=st.none() | st.sampled_from([0.05, 0.5, 0.9]),
    min_p=st.none() | st.sampled_from([0.0, 0.1, 1.0]),
)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(
    st.permutations(range(WIDTH)),
    st.sets(st.integers(0, WIDTH - 1), min_size=1),
    samplers,
)
def test_law_equals_the_reference(order: list[int], allowed: set[int], sampler: Masking) -> None:
    logits = [rank / 3.1 for rank in order]
    scores = torch.full((1, WIDTH), -torch.inf)
    scores[0, sorted(allowed)] = torch.tensor([logits[token] for token in sorted(allowed)])
    law = sampler.law(scores)[0].numpy()
    np.testing.assert_allclose(law, naive_law(logits, allowed, sampler), atol=1e-6)


def test_a_mask_behind_the_truncation_is_found() -> None:
    """Top-k of everything, then the mask: another law, and at times none at all."""
    logits = torch.tensor([[3.0, 2.0, 1.0, 0.0]])
    allowed, sampler = {1, 3}, Masking(top_k=2)
    wrong = sampler.law(logits)[0].numpy() * np.isin(range(4), sorted(allowed))
    assert abs(wrong / wrong.sum() - naive_law(logits[0].tolist(), allowed, sampler)).max() > 0.1
    assert Masking(top_k=1).law(logits)[0, sorted(allowed)].sum() == 0


def test_reports_the_masked_untruncated_law() -> None:
    logits = torch.randn(2, WIDTH, generator=torch.Generator().manual_seed(0))
    constraint = Fixed({1, 4, 7}, {2})
    generators = [np.random.default_rng(i) for i in range(2)]
    _, info = Masking(temperature=0.2, top_k=1).step([None, None], logits, constraint, generators)
    full = logits.log_softmax(-1)
    for row, token in enumerate(info.tokens):
        assert constraint.allows(row, token)
        assert info.logprob[row] + info.log_weight[row] == pytest.approx(full[row, token].item(), abs=1e-5)
        mass = full[row, sorted(constraint.allowed[row])].logsumexp(-1).item()
        assert info.log_weight[row] == pytest.approx(mass, abs=1e-5)
    assert info.logprob[1] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_what_the_model_holds_impossible_is_still_drawn_when_nothing_else_is_allowed(dtype: torch.dtype) -> None:
    logits = torch.full((1, WIDTH), -torch.inf, dtype=dtype)
    logits[0, 0] = 5
    drawn = set()
    for seed in range(20):
        _, info = Masking().step([None], logits, Fixed({3, 9}), [np.random.default_rng(seed)])
        drawn.add(info.tokens[0])
        assert np.isfinite(info.logprob[0]) and info.log_weight[0] < -1e20
    assert drawn == {3, 9}


def test_draws_follow_the_law() -> None:
    probs = torch.tensor([[0.0, 0.2, 0.0, 0.5, 0.3, 0.0]])
    n = 20_000
    tokens = draw(probs.expand(n, -1), [np.random.default_rng(seed) for seed in range(n)])
    counts = np.bincount(tokens.numpy(), minlength=6)
    assert counts[[0, 2, 5]].sum() == 0
    expected = probs[0, [1, 3, 4]].numpy() * n
    assert ((counts[[1, 3, 4]] - expected) ** 2 / expected).sum() < 27.6  # chi-square, 2 degrees, p = 1e-6


class Stuck:
    """A generator that gives one number."""

    def __init__(self, value: float) -> None:
        self.value = value

    def random(self) -> float:
        return self.value


@pytest.mark.parametrize("uniform", [0.0, np.nextafter(1.0, 0.0), 0.5])
@pytest.mark.parametrize("width", [1, 3, 1000])
def test_boundary_draws_never_have_weight_zero(uniform: float, width: int) -> None:
    generator = torch.Generator().manual_seed(width)
    for keep in (1, width // 2 + 1, width):
        probs = torch.zeros(1, width + 2)
        places = 1 + torch.randperm(width, generator=generator)[:keep]
        probs[0, places] = torch.rand(keep, generator=generator) * 1e-3 + 1e-9
        token = draw(probs, [Stuck(uniform)])  # type: ignore[list-item]
        assert probs[0, token].item() > 0


def test_a_row_does_not_depend_on_its_neighbours() -> None:
    logits = torch.randn(5, WIDTH, generator=torch.Generator().manual_seed(1))
    allowed = [set(range(row, WIDTH, 2)) for row in range(5)]
    together = Masking().step([None] * 5, logits, Fixed(*allowed), [np.random.default_rng(i) for i in range(5)])[1]
    for i in range(5):
        alone = Masking().step([None], logits[i : i + 1], Fixed(allowed[i]), [np.random.default_rng(i)])[1]
        assert alone.tokens[0] == together.tokens[i]


def test_higher_temperature_is_flatter() -> None:
    scores = torch.randn(1, WIDTH, generator=torch.Generator().manual_seed(2))
    entropies = [torch.special.entr(Masking(temperature=t).law(scores)).sum().item() for t in (0, 0.1, 0.5, 1, 5)]
    assert all(low < high for low, high in pairwise(entropies))


@pytest.mark.parametrize(
    "options",
    [{"temperature": -1}, {"temperature": float("inf")}, {"top_k": 0}, {"top_p": 0}, {"top_p": 1.1}, {"min_p": 2}],
)
def test_refuses_options_out_of_range(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        Masking(**options)  # type: ignore[arg-type]
