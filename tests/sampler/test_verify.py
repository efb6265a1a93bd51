"""Verification of drafts: the tokens follow the target's law, whatever the draft is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
import torch

from detent.sampler.speculation import verify
from detent.sampler.speculation.verify import choose, reject

from .laws import chi_square_p, total_variation

WIDTH, LEGAL, DRAWS = 8, 4, 200_000
SEEDS = range(20)


def laws(seed: int, draft: str, temperature: float, width: int = WIDTH, legal: int = LEGAL) -> torch.Tensor:
    """The target's law and a draft's, both under one mask, float64 ``[2, width]``."""
    rng = np.random.default_rng([5, seed])
    logits = 2 * torch.from_numpy(rng.standard_normal((2, width)))
    mask = torch.zeros(width, dtype=torch.bool)
    mask[rng.permutation(width)[:legal]] = True
    if draft == "equal":
        logits[1] = logits[0]
    if draft == "adversarial":  # 0.99 on what is not allowed
        logits[1] = torch.where(mask, logits[1].log_softmax(0) + np.log(0.01), np.log(0.99 / (width - legal)))
    if draft == "opposite":
        logits[1] = -logits[0]
    return (logits / temperature).masked_fill(~mask, -torch.inf).softmax(-1)


def drawn_children(q: torch.Tensor, n: int, width: int, rng: np.random.Generator) -> torch.Tensor:
    """``n`` times ``width`` tokens without replacement (Gumbel's top k); -1 behind the last possible one."""
    keys = q.log() + torch.from_numpy(rng.gumbel(size=(n, len(q))))
    top = keys.topk(width)
    return top.indices.masked_fill(top.values == -torch.inf, -1)


def verified(seed: int, draft: str, temperature: float, width: int, n: int = DRAWS) -> tuple[Counter[int], dict]:
    p, q = laws(seed, draft, temperature)
    rng = np.random.default_rng([7, seed, width])
    children = drawn_children(q, n, width, rng) if width else None
    uniforms = torch.from_numpy(rng.random((n, width + 1)))
    tokens = choose(p.expand(n, -1), uniforms, children, q.expand(n, -1))
    counts = torch.bincount(tokens, minlength=WIDTH).tolist()
    return Counter({token: count for token, count in enumerate(counts) if count}), dict(enumerate(p.tolist()))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("draft", ["equal", "independent", "adversarial", "opposite"])
@pytest.mark.parametrize("width", [0, 1, 2, 5], ids=["point mass", "chain", "two children", "more than are allowed"])
def test_the_law_is_the_targets(width: int, draft: str, temperature: float) -> None:
    """In at least 19 of 20 seeds chi-square has p > 0.001, and no seed is farther off than plain draws are."""
    n = DRAWS if temperature == 1.0 and draft == "independent" else DRAWS // 20
    found = [verified(seed, draft, temperature, width, n) for seed in SEEDS]
    assert sum(chi_square_p(*pair) > 0.001 for pair in found) >= 19
    rng = np.random.default_rng(0)
    for counts, law in found[:3]:
        plain = rng.multinomial(n, list(law.values()), size=50)
        noise = np.abs(plain / n - np.array(list(law.values()))).sum(1) / 2
        assert total_variation(counts, law) <= noise.mean() + 4 * noise.std()


@pytest.mark.parametrize("draft", ["equal", "independent", "adversarial", "opposite"])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_marginal_of_one_step_is_exact(seed: int, draft: str) -> None:
    for temperature in (0.5, 1.0, 1.5):
        p, q = laws(seed, draft, temperature)
        np.testing.assert_allclose(marginal(p, q, 1), p, atol=1e-9)
        np.testing.assert_allclose(marginal(p, q, 3), p, atol=1e-9)


def marginal(p: torch.Tensor, q: torch.Tensor, n_left: int) -> torch.Tensor:
    """The law of the chosen token, summed over all children and both sides of every comparison."""
    if n_left == 0 or q.sum() == 0:
        return p
    law = torch.zeros_like(p)
    for token in q.nonzero().flatten():
        keep = min(1.0, float(p[token] / q[token]))
        law[token] += q[token] * keep
        if keep < 1:
            p_left, q_left = reject(p[None], q[None], token.reshape(1, 1))
            law += q[token] * (1 - keep) * marginal(p_left[0], q_left[0], n_left - 1)
    return law


def test_equal_laws_keep_every_child() -> None:
    p, _ = laws(0, "equal", 1.0)
    rng = np.random.default_rng(0)
    children = drawn_children(p, 1000, 1, rng)
    uniforms = torch.from_numpy(rng.random((1000, 2)))
    assert torch.equal(choose(p.expand(1000, -1), uniforms, children, p.expand(1000, -1)), children[:, 0])


def test_nothing_impossible_is_kept_even_where_the_uniform_number_is_zero() -> None:
    p = torch.tensor([[0.0, 0.4, 0.6]], dtype=torch.float64)
    q = torch.tensor([[0.9, 0.1, 0.0]], dtype=torch.float64)
    uniforms = torch.zeros(1, 2, dtype=torch.float64)
    assert choose(p, uniforms, torch.tensor([[0]]), q).item() in (1, 2)
    assert choose(p, uniforms).item() == 1


def test_an_empty_residual_is_no_nan() -> None:
    """Equal laws but for rounding, and a uniform number that lies between them."""
    p = torch.tensor([[0.3, 0.7 - 1e-16]], dtype=torch.float64)
    q = torch.tensor([[0.3, 0.7]], dtype=torch.float64)
    chosen = choose(p, torch.tensor([[np.nextafter(1.0, 2.0), 0.5]]), torch.tensor([[1]]), q)
    assert chosen.item() in (0, 1)
    left, nothing = reject(p, torch.tensor([[0.0, 1.0]], dtype=torch.float64), torch.tensor([[1]]))
    assert left.tolist() == [[1.0, 0.0]] and nothing.tolist() == [[0.0, 0.0]]


Verifier = Callable[..., torch.Tensor]


def always_keeps(
    target: torch.Tensor, uniforms: torch.Tensor, children: torch.Tensor, draft: torch.Tensor
) -> torch.Tensor:
    return children[:, 0]


def keeps_the_target(p: torch.Tensor, q: torch.Tensor, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The residual forgets the draft."""
    return p, q.scatter(1, tokens, 0.0)


def keeps_the_child(p: torch.Tensor, q: torch.Tensor, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The next child is compared with the law that the first was drawn from."""
    return reject(p, q, tokens)[0], q


@pytest.mark.parametrize(("wrong", "width"), [(keeps_the_target, 1), (keeps_the_target, 2), (keeps_the_child, 2)])
def test_wrong_residuals_are_found(monkeypatch: pytest.MonkeyPatch, wrong: Verifier, width: int) -> None:
    monkeypatch.setattr(verify, "reject", wrong)
    assert sum(chi_square_p(*verified(seed, "independent", 1.0, width)) > 0.001 for seed in range(5)) < 2


def test_keeping_every_child_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "choose", always_keeps)
    assert chi_square_p(*verified(0, "independent", 1.0, 1)) < 1e-6


def test_an_unmasked_draft_law_is_found() -> None:
    """Pitfall 9: children drawn from the masked law, compared with the unmasked one."""
    p, q = laws(3, "independent", 1.0)
    rng = np.random.default_rng(0)
    children = drawn_children(q, DRAWS, 1, rng)
    unmasked = torch.full_like(q, 0.9 / WIDTH) + 0.1 * q
    tokens = choose(p.expand(DRAWS, -1), torch.from_numpy(rng.random((DRAWS, 2))), children, unmasked.expand(DRAWS, -1))
    counts = Counter(tokens.tolist())
    assert chi_square_p(counts, dict(enumerate(p.tolist()))) < 1e-6
