"""Tests of laws at fixed seeds: chi-square, total variation, means."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import NamedTuple, TypeVar

import numpy as np
import torch

K = TypeVar("K", bound=Hashable)
LOWEST_P = 1e-5  # a right sampler fails one test in 100,000
MANY = 10_000  # draws from which on the distance is held to twice its mean: a right sampler fails one test in 500


def chi_square_p(counts: Mapping[K, int], law: Mapping[K, float]) -> float:
    """The p-value of counts under a law; outcomes expected less than five times count as one."""
    n = sum(counts.values())
    if any(law.get(outcome, 0.0) == 0 for outcome in counts):
        return 0.0
    pairs = sorted((n * p, counts.get(outcome, 0)) for outcome, p in law.items() if p > 0)
    statistic, cells, expected_rare, seen_rare = 0.0, 0, 0.0, 0
    for expected, seen in pairs:
        if expected < 5:
            expected_rare, seen_rare = expected_rare + expected, seen_rare + seen
        else:
            statistic += (seen - expected) ** 2 / expected
            cells += 1
    if expected_rare > 0:
        statistic += (seen_rare - expected_rare) ** 2 / expected_rare
        cells += 1
    if cells < 2:
        return 1.0
    half = torch.tensor([(cells - 1) / 2, statistic / 2], dtype=torch.float64)
    return torch.special.gammaincc(half[0], half[1]).item()


def total_variation(counts: Mapping[K, int], law: Mapping[K, float]) -> float:
    n = sum(counts.values())
    return sum(abs(counts.get(outcome, 0) / n - law.get(outcome, 0.0)) for outcome in {*counts, *law}) / 2


def variation_noise(law: Mapping[K, float], n: int) -> float:
    """The total variation that ``n`` exact draws show in the mean, at most."""
    return sum((p * (1 - p) / n) ** 0.5 for p in law.values()) * (2 / np.pi) ** 0.5 / 2


class Finding(NamedTuple):
    """A number and what it may be at most."""

    what: str
    value: float
    bound: float

    @property
    def is_met(self) -> bool:
        return self.value <= self.bound  # a NaN is not


def of_law(counts: Mapping[K, int], law: Mapping[K, float]) -> list[Finding]:
    """Counts against a law: chi-square and total variation."""
    n, noise = sum(counts.values()), variation_noise(law, sum(counts.values()))
    # one draw moves the distance by 1 / n at most (McDiarmid), so it is beyond this with a probability of 1e-5
    bound = noise + (np.log(1e5) / (2 * n)) ** 0.5
    if n >= MANY:
        bound = min(bound, 2 * noise + 0.005)
    return [
        Finding("chi-square, -log10 p", -float(np.log10(max(chi_square_p(counts, law), 1e-300))), -np.log10(LOWEST_P)),
        Finding("total variation", total_variation(counts, law), bound),
    ]


def of_mean(what: str, values: Iterable[float], mean: float, errors: float = 4.0) -> Finding:
    """The distance of a mean from the right one, in standard errors."""
    array = np.fromiter(values, np.float64)
    error = array.std(ddof=1) / len(array) ** 0.5
    rounding = 1e-4 * abs(mean)  # of logits in single precision
    off = max(abs(float(array.mean()) - mean) - rounding, 0.0)
    if error:
        off /= error
    elif off:
        off = np.inf
    return Finding(f"mean of {what}, standard errors off", off, errors)


def assert_met(findings: Iterable[Finding]) -> None:
    for finding in findings:
        assert finding.is_met, f"{finding.what}: {finding.value:.3g}, at most {finding.bound:.3g}"


def assert_law(counts: Mapping[K, int], law: Mapping[K, float]) -> None:
    assert_met(of_law(counts, law))


def assert_mean(values: Iterable[float], mean: float, errors: float = 4.0) -> None:
    """The mean is right within some standard errors."""
    assert_met([of_mean("values", values, mean, errors)])
