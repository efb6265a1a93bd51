"""The law of filling one position after another, by enumeration, and the random texts that are held against it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import torch

from detent.automata.canvas import Canvas
from detent.automata.infiller import Infiller
from detent.sampler.denoising import Denoised, Denoising
from detent.sampler.schedules import Schedule, View
from tests.infill.cases import GRAMMARS
from tests.infill.toys import Toy

ANBN = ["a", "b", "ab", "aa", "bb"]
LENGTH = 4


class Middle:
    """A schedule that does not depend on the draws: the mask in the middle."""

    def choose(self, view: View, generator: np.random.Generator) -> list[int]:
        return [int(view.masks[len(view.masks) // 2])]


class Pairs:
    """Two masks at once, the first and the last."""

    def choose(self, view: View, generator: np.random.Generator) -> list[int]:
        return [int(p) for p in dict.fromkeys([view.masks[0], view.masks[-1]])]


class Last:
    """The last mask."""

    def choose(self, view: View, generator: np.random.Generator) -> list[int]:
        return [int(view.masks[-1])]


def generators(n: int) -> list[np.random.Generator]:
    return [np.random.default_rng(i) for i in range(n)]


def enumerated(toy: Toy, schedule: Schedule, infiller: Infiller, length: int = LENGTH) -> Counter[str]:
    """The law of a text where each position has the marginal's law given that the text can be completed."""
    found: Counter[str] = Counter()
    ends = [len(ANBN)]

    def choose(masks: list[int]) -> list[int]:
        view = View(np.array(masks), np.zeros(0), np.zeros(0), np.zeros(0, np.int64), [])
        return schedule.choose(view, np.random.default_rng(0))

    def go(ids: list[int], due: list[int], marginals: np.ndarray, mass: float) -> None:
        here = Canvas(infiller, length, ends, ids)
        due = [p for p in due if here.ids[p] < 0]
        if not here.masks:
            found[here.text()] += mass
            return
        if not due:
            due, marginals = choose(here.masks), toy.law(here.ids)
        allowed = [t for t in range(len(ANBN) + 1) if here.allows(due[0], t)]
        total = marginals[due[0], allowed].sum()
        for token in allowed:
            then = Canvas(infiller, length, ends, here.ids)
            assert then.place({due[0]: token})
            go(then.ids, due[1:], marginals, mass * marginals[due[0], token] / total)

    go([-1] * length, [], np.empty(0), 1.0)
    return found


def drawn(
    schedule: Schedule, n: int, *, weighted: bool = False, length: int = LENGTH
) -> tuple[Counter[str], Counter[str]]:
    """How often each text came out of `n` runs, and the law it should have."""
    infiller, toy = Infiller(GRAMMARS["anbn"], vocab=ANBN), Toy(len(ANBN) + 1, length, 3, 1.0)
    counts: Counter[str] = Counter()
    rng, blank = generators(n), Canvas(infiller, length, [len(ANBN)])
    for start in range(0, n, 1000):
        canvases = [blank.fork() for _ in rng[start : start + 1000]]
        done = Denoising(schedule, weighted=weighted).run(toy, canvases, rng[start : start + 1000])
        counts.update(each.text for each in done)
    return counts, enumerated(toy, schedule, infiller, length)


def furthest(counts: Counter[str], law: Counter[str]) -> float:
    """The largest distance of a share from its probability, in standard errors; infinite for an impossible text."""
    if not set(counts) <= set(law):
        return float("inf")
    n = counts.total()
    return max(abs(counts[text] / n - p) / np.sqrt(p * (1 - p) / n) for text, p in law.items() if 0 < p < 1)


def weight_error(n: int) -> float:
    """The distance of the mean of `n` weights from the true mass of what can stand there, in standard errors."""
    infiller, toy = Infiller(GRAMMARS["anbn"], vocab=["a", "b"]), Toy(3, LENGTH, 5, 1.0)
    ids = [0, -1, -1, -1]
    canvas = Canvas(infiller, LENGTH, [2], ids)
    scores = toy(torch.tensor([[0, 3, 3, 3]]))[0]
    true = sum(toy.law(ids)[3, t] for t in range(3) if canvas.allows(3, t))
    assert 0.2 < true < 0.95
    rng, weights = np.random.default_rng(0), []
    for _ in range(n):
        done = Denoised(log_weight=0.0)
        Denoising(Last(), weighted=True).fill(canvas.fork(), scores, rng, done)
        weights.append(np.exp(done.log_weight))
    return float(abs(np.mean(weights) - true) / (np.std(weights) / np.sqrt(n)))
