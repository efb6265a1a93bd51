"""What samplers must meet on models small enough to enumerate, in any number of draws.

The tests here take few draws, ``benchmarks/sampler_laws.py`` many. Every criterion takes the sampler, so that wrong
ones (:mod:`.wrong`) can be held against it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from detent import AWRS, CARS, SMC, Masking, awrs_step
from detent.sampler.base import Outcome, Strategy, run_strategy
from detent.sampler.weights import normalise
from tests.naive.texts import TOYS, Toy

from .laws import Finding, of_law, of_mean

Case = tuple[list[float], set[int]]
Step = Callable[..., Any]

CASES: dict[str, Case] = {
    "flat": ([1.0] * 8, {1, 4, 7}),
    "two forbidden peaks": ([40.0, 30.0, 5.0, 1.0, 1.0, 0.5], {3, 4, 5}),
    "allowed peak": ([90.0, 5.0, 3.0, 2.0], {0, 3}),
    "falling": ([0.5**i for i in range(20)], set(range(1, 20, 3))),
    "all allowed": ([3.0, 2.0, 1.0], {0, 1, 2}),
    "one allowed": ([1.0, 1.0, 1.0, 5.0], {1}),
}
VARIANTS: dict[str, dict[str, Any]] = {
    "recursive": {},
    "two accepts": {"accepts": 2},
    "three accepts": {"accepts": 3},
    "six accepts": {"accepts": 6},
    "mask after two": {"misses": 2},
}


# -------------------------------------------------------------------------------------------------------------- a token
def draw_tokens(case: Case, n: int, step: Step = awrs_step, **options: Any) -> tuple[list[int], np.ndarray, Any]:
    """Tokens, weights and tries of ``n`` rows with generators of their own."""
    probs, allowed = case
    if "misses" in options:
        whole = np.isin(np.arange(len(probs)), sorted(allowed))
        options["mask"] = lambda row: whole
    logits = torch.tensor(probs, dtype=torch.float64).log().float().expand(n, -1)
    generators = [np.random.default_rng([7, i]) for i in range(n)]
    info = step(logits, lambda row, token: token in allowed, generators, **options)
    return info.tokens, np.exp(info.log_weight), info.n_tries


def weighted(case: Case, tokens: list[int], weights: np.ndarray) -> Iterator[Finding]:
    """``E[W] = Z`` and ``E[W 1{X = x}] = p_x``, the law of the token, and nothing forbidden alive."""
    probs, allowed = case
    law = np.array(probs) / sum(probs)
    mass = law[sorted(allowed)].sum()
    alive = {token for token, weight in zip(tokens, weights, strict=True) if weight > 0}
    yield Finding("forbidden tokens alive", len(alive - allowed), 0)
    yield of_mean("W", weights, mass)
    for token in sorted(allowed):
        if law[token] * len(tokens) >= 30 * mass:  # else too rare for a mean
            yield of_mean(f"W 1{{X = {token}}}", weights * (np.array(tokens) == token), law[token], 4.5)
    yield from of_law(Counter(tokens), {token: law[token] / mass for token in allowed})


def little_mass(log_mass: float, peaks: int, n: int, step: Step = awrs_step, **options: Any) -> Iterator[Finding]:
    """Two allowed tokens of little mass, behind some equal forbidden ones: the right law, nothing dead."""
    allowed = {peaks, peaks + 1}
    logits = torch.zeros(peaks + 2)
    logits[peaks], logits[peaks + 1] = log_mass + np.log(0.75 * peaks), log_mass + np.log(0.25 * peaks)
    generators = [np.random.default_rng([3, i]) for i in range(n)]
    info = step(logits.expand(n, -1), lambda row, token: token in allowed, generators, **options)
    relative = np.exp(np.array(info.log_weight) - log_mass)
    yield Finding("share of dead draws", float((relative == 0).mean()), 1e-3)
    yield from of_law(Counter(info.tokens), {peaks: 0.75, peaks + 1: 0.25})
    if log_mass < -10:  # above, what is drawn before the peaks is rare and heavy
        yield of_mean("W / Z", relative, 1.0, 6)


def expected_tries(law: np.ndarray, allowed: np.ndarray, accepts: int) -> float:
    """Distinct tokens that are tried until ``accepts`` draws with replacement were allowed."""
    mass = law[allowed].sum()
    forbidden = (1 - (mass / (mass + law[~allowed])) ** accepts).sum()
    return float(forbidden + (1 - (1 - law[allowed] / mass) ** accepts).sum())


def tries(width: int, n: int, step: Step = awrs_step, **options: Any) -> Iterator[Finding]:
    """Tries a draw: near the closed form, far from all of the vocabulary."""
    rng = np.random.default_rng(width)
    logits = 3 * rng.standard_normal(width).astype(np.float32)
    allowed = rng.random(width) < 0.4
    law = np.exp(logits.astype(np.float64))
    law /= law.sum()
    generators = [np.random.default_rng([5, i]) for i in range(n)]
    info = step(torch.tensor(logits).expand(n, -1), lambda row, token: allowed[token], generators, **options)
    accepts = options.get("accepts") or 2
    yield Finding("tries", float(np.mean(info.n_tries)), 1.25 * expected_tries(law, allowed, accepts) + 0.3)
    yield Finding("tries", float(np.mean(info.n_tries)), max(width / 20, 12))


# -------------------------------------------------------------------------------------------------------------- texts
def texts(toy: Toy, outcome: Outcome) -> list[str]:
    return [toy.text([step.token for step in draft.trace]) for draft in outcome.drafts]


N_PARTICLES = 16


def fewer_bs(text: str) -> float:
    return -0.7 * text.count("b")


SMC_CASES: dict[str, tuple[Toy, SMC]] = {
    "skewed": (TOYS["skewed"], SMC(N_PARTICLES)),
    "dyck by masking": (TOYS["dyck"], SMC(N_PARTICLES, proposal=Masking())),
    "dead ends": (TOYS["modulo"], SMC(N_PARTICLES, proposal=AWRS(accepts=3), scheme="systematic")),
    "wide": (TOYS["wide"], SMC(N_PARTICLES, threshold=0.9)),
    "no resampling": (TOYS["dyck"], SMC(N_PARTICLES, threshold=0.0)),
    "colder": (TOYS["dyck"], SMC(N_PARTICLES, proposal=AWRS(temperature=0.5))),
    "critic": (TOYS["modulo"], SMC(N_PARTICLES, critic=fewer_bs)),
}


def truth(toy: Toy, sampler: SMC) -> tuple[float, dict[str, float]]:
    """The normaliser and the law that a sampler with critic and temperature has on a toy."""
    temperature = getattr(sampler.proposal, "temperature", 1.0)
    if temperature != 1:
        plain = toy.scores
        toy = replace(toy, scores=lambda text: [score / temperature for score in plain(text)])
    masses = {
        text: mass * np.exp(sampler.critic(text) if sampler.critic else 0.0) for text, mass in toy.masses().items()
    }
    total = sum(masses.values())
    return total, {text: mass / total for text, mass in masses.items()}


def weighted_texts(toy: Toy, sampler: SMC, runs: int) -> Iterator[Finding]:
    """Estimates of the normaliser and of the mass of each text have the right means; pooled texts have the law."""
    total, law = truth(toy, sampler)
    queries = [toy.query([11, run], by_mask=run % 2 == 0) for run in range(runs)]  # both kinds of constraint, in turns
    outcomes = run_strategy(sampler, queries, toy.model)
    masses: list[Counter[str]] = []
    for outcome in outcomes:
        weights, log_mean = normalise([draft.log_weight for draft in outcome.drafts])
        assert outcome.log_z == log_mean
        masses.append(Counter())
        for text, weight in zip(texts(toy, outcome), weights, strict=True):
            masses[-1][text] += weight * np.exp(log_mean)
    pooled = sum(masses, Counter())
    pool = sum(pooled.values())
    distance = sum(abs(pooled[text] / pool - law.get(text, 0.0)) for text in {*pooled, *law}) / 2
    yield Finding("weight of what is not valid", sum(pooled[text] for text in pooled.keys() - law.keys()), 0)
    yield of_mean("the normaliser", np.exp([outcome.log_z for outcome in outcomes]), total)
    for text, p in law.items():
        if p * runs >= 10:  # else too rare for a mean
            yield of_mean(f"the mass of {text!r}", [mass[text] for mass in masses], p * total, 4.5)
    yield Finding("total variation of the pool", distance, 0.14 if len(law) > 100 else 0.1)


def first_and_fourth(toy: Toy, rows: list[list[str]]) -> Iterator[Finding]:
    """The first and the fourth text follow the law, and do not know of each other."""
    law = toy.law()
    first, fourth = [row[0] for row in rows], [row[3] for row in rows]
    yield from of_law(Counter(first), law)
    yield from of_law(Counter(fourth), law)
    likely = max(law, key=lambda text: law[text])
    both = Counter((a == likely, b == likely) for a, b in zip(first, fourth, strict=True))
    p = law[likely]
    yield from of_law(
        both, {(a, b): (p if a else 1 - p) * (p if b else 1 - p) for a in (True, False) for b in (True, False)}
    )


def fresh_runs(toy: Toy, sampler: Strategy, runs: int, n: int = 4, by_mask: bool = True) -> list[list[str]]:
    """The texts of runs that know nothing of each other."""
    outcomes = run_strategy(sampler, [toy.query([3, run], n, by_mask) for run in range(runs)], toy.model)
    return [texts(toy, outcome) for outcome in outcomes]


def exact(toy: Toy, sampler: Strategy, runs: int, by_mask: bool = True) -> Iterator[Finding]:
    """Exact from the first text on, and independent."""
    yield from first_and_fourth(toy, fresh_runs(toy, sampler, runs, by_mask=by_mask))


def attempts_fall(toy: Toy, sampler: CARS, seeds: int = 20) -> Iterator[Finding]:
    """Attempts for a text: fewer than those of plain rejection at first, 1.1 behind the fortieth text."""
    early, late = [], []
    for seed in range(seeds):
        few, forty, sixty = (
            run_strategy(sampler, [toy.query([4, seed], n)], toy.model)[0].stats["attempts"] for n in (5, 40, 60)
        )
        early.append(few / 5)
        late.append((sixty - forty) / 20)
    plain = 1 / sum(toy.masses().values())
    yield Finding("attempts a text, the first 5", float(np.mean(early)), 0.9 * plain)
    yield Finding("attempts a text, 41 to 60", float(np.mean(late)), 1.1)


def divergence(found: list[str], law: dict[str, float], proposal: dict[str, float]) -> float:
    """KL from the law to counts smoothed by the proposal."""
    counts = Counter(found)
    n = len(found)
    return sum(p * np.log(p / ((counts[text] + 25 * proposal[text]) / (n + 25))) for text, p in law.items() if p > 0)


def goes_to_the_law(toy: Toy, sampler: Strategy, chains: int) -> Iterator[Finding]:
    """Chains of 200 texts, of which the last are near the law and all are valid."""
    law, masked = toy.law(), toy.law(masked=True)
    outcomes = run_strategy(sampler, [toy.query([6, chain], 200, True) for chain in range(chains)], toy.model)
    rows = [texts(toy, outcome) for outcome in outcomes]
    yield Finding("texts that are not valid", len({text for row in rows for text in row} - set(law)), 0)
    first = divergence([text for row in rows for text in row[:3]], law, masked)
    last = divergence([text for row in rows for text in row[-25:]], law, masked)
    plain = sum(p * np.log(p / masked[text]) for text, p in law.items())
    yield Finding("KL of the last 25 (masking's / 4)", last, 0.25 * plain + 0.01)
    yield Finding("KL of the last 25 (of the first 3)", last, first)
