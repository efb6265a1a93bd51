"""Beams against exact enumeration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
import torch

from detent import BeamSearch, BestOf, Masking, StochasticBeams
from detent.sampler.base import Outcome, run_strategy
from detent.sampler.stochastic_beams import below
from tests.naive.texts import TOYS, Toy

from .laws import assert_law, assert_mean


def texts(toy: Toy, outcome: Outcome) -> list[str]:
    return [toy.text([step.token for step in draft.trace]) for draft in outcome.drafts]


@pytest.mark.parametrize("name", TOYS)
def test_wide_beams_are_exhaustive(name: str) -> None:
    toy = TOYS[name]
    masses = toy.masses()
    ranked = sorted(masses, key=lambda text: -masses[text])[:6]
    (outcome,) = run_strategy(BeamSearch(width=600), [toy.query(0, 6)], toy.model)
    assert texts(toy, outcome) == ranked
    scores = [sum(step.logprob for step in draft.trace) for draft in outcome.drafts]
    np.testing.assert_allclose(scores, [np.log(masses[text]) for text in ranked], rtol=1e-4)


def test_renormalised_scores_are_found() -> None:
    """A model that is masked before it is asked makes beams rank by masking's law."""
    toy = TOYS["skewed"]

    def masked(prefixes: Sequence[Sequence[int]]) -> torch.Tensor:
        logits = toy.model(prefixes)
        for row, prefix in zip(logits, prefixes, strict=True):
            beginning = toy.text(prefix[1:])
            row[[not toy.may_begin(beginning + letter) for letter in toy.letters] + [False]] = -torch.inf
        return logits

    masses = toy.masses()
    (outcome,) = run_strategy(BeamSearch(width=600), [toy.query(0)], masked)
    assert texts(toy, outcome)[0] != max(masses, key=lambda text: masses[text])


def naive_beams(toy: Toy, width: int, groups: int, diversity: float, penalty: float) -> list[str]:
    """Figure 2 of the paper, one beam at a time: what each group has found, the best first."""
    live: list[list[tuple[str, float, float]]] = [[("", 0.0, 0.0)] for _ in range(groups)]  # text, rank, log p
    found: list[list[tuple[float, str]]] = [[] for _ in range(groups)]
    for length in range(1, toy.limit + 1):
        taken: Counter[str] = Counter()
        for number, group in enumerate(live):
            options = []
            for text, rank, _ in group:
                law = toy.model([[0, *map(toy.letters.index, text)]])[0].double().log_softmax(-1).tolist()
                if toy.is_good(text) and toy.may_begin(text):
                    options.append((rank + law[-1], text, ""))
                for letter, log_p in zip(toy.letters, law, strict=False):
                    if length < toy.limit and toy.may_begin(text + letter):
                        options.append((rank + log_p - diversity * taken[letter], text, letter))
            options.sort(reverse=True)
            ends = [(rank / length**penalty, text) for rank, text, letter in options[: 2 * width] if not letter]
            found[number] = sorted(found[number] + ends, reverse=True)[:width]
            kept = [(text + letter, rank, 0.0) for rank, text, letter in options[: 2 * width] if letter][:width]
            taken.update(text[-1] for text, _, _ in kept)
            live[number] = kept
    ranked = sorted((pair for group in found for pair in group), reverse=True)
    return list(dict.fromkeys(text for _, text in ranked))


@pytest.mark.parametrize("name", TOYS)
@pytest.mark.parametrize(("width", "groups"), [(1, 1), (3, 1), (2, 2), (2, 3)])
@pytest.mark.parametrize("penalty", [0.0, 0.8])
def test_beams_equal_a_plain_search(name: str, width: int, groups: int, penalty: float) -> None:
    toy = TOYS[name]
    sampler = BeamSearch(width * groups, groups, 0.7, penalty)
    expected = naive_beams(toy, width, groups, 0.7, penalty)
    for by_mask in (False, True):
        (outcome,) = run_strategy(sampler, [toy.query(0, width * groups, by_mask)], toy.model)
        assert texts(toy, outcome) == expected


def test_a_length_penalty_ranks_by_mean() -> None:
    toy = TOYS["modulo"]
    masses = toy.masses()
    ranked = sorted(masses, key=lambda text: -np.log(masses[text]) / (len(text) + 1))[:4]
    (outcome,) = run_strategy(BeamSearch(width=200, length_penalty=1.0), [toy.query(0, 4)], toy.model)
    assert texts(toy, outcome) == ranked


def test_one_beam_is_greedy() -> None:
    toy = TOYS["wide"]
    (outcome,) = run_strategy(BeamSearch(width=1), [toy.query(0)], toy.model)
    (greedy,) = run_strategy(BestOf(1, proposal=Masking(temperature=0)), [toy.query(0)], toy.model)
    text, best = texts(toy, outcome)[0], texts(toy, greedy)[0]
    assert text[: len(best)] == best or best[: len(text)] == text or text == best


def test_diverse_groups_differ_more() -> None:
    toy = TOYS["wide"]
    plain, diverse = (
        texts(toy, run_strategy(BeamSearch(width=4, groups=4, diversity=diversity), [toy.query(0, 4)], toy.model)[0])
        for diversity in (0.0, 5.0)
    )
    assert len(set(plain)) == 1 < len(set(diverse)) and plain[0] in diverse


@pytest.mark.parametrize("options", [{}, {"groups": 2, "width": 4}])
def test_rows_do_not_depend_on_their_neighbours(options: dict[str, int]) -> None:
    toy = TOYS["dyck"]
    for sampler in (BeamSearch(**options), StochasticBeams()):  # type: ignore[arg-type]
        together = run_strategy(sampler, [toy.query([1, i]) for i in range(3)], toy.model)
        assert [run_strategy(sampler, [toy.query([1, i])], toy.model)[0] for i in range(3)] == together


def test_dead_ends_are_lost() -> None:
    toy = replace(TOYS["dyck"], is_good=lambda text: False)
    for sampler in (BeamSearch(), StochasticBeams(), BestOf()):
        (outcome,) = run_strategy(sampler, [toy.query(0)], toy.model)
        assert outcome.drafts == []


# ----------------------------------------------------------------------------------------------------- stochastic beams
def in_order(law: dict[str, float], k: int) -> dict[tuple[str, ...], float]:
    """The law of the first ``k`` draws without replacement."""
    found = {}
    for texts in permutations(law, k):
        p, left = 1.0, 1.0
        for text in texts:
            p, left = p * law[text] / left, left - law[text]
        found[texts] = p
    return found


@pytest.mark.parametrize("name", ["dyck", "skewed"])
def test_stochastic_beams_draw_without_replacement(name: str) -> None:
    toy = TOYS[name] if name == "dyck" else replace(TOYS[name], limit=4)
    law = toy.law(masked=True)
    if name == "dyck":  # masking meets no dead end before the limit
        toy = replace(toy, may_begin=lambda text: toy_prefix(text, TOYS["dyck"].limit - 1))
        law = toy.law(masked=True)
    runs = 3000
    outcomes = run_strategy(StochasticBeams(), [toy.query([1, run], 2) for run in range(runs)], toy.model)
    pairs = Counter(tuple(texts(toy, outcome)) for outcome in outcomes)
    assert_law(pairs, in_order(law, 2))
    with pytest.raises(AssertionError, match="chi-square"):  # independent draws are found
        generator = np.random.default_rng(0)
        names, p = list(law), np.array(list(law.values()))
        drawn = generator.choice(len(names), size=(runs, 2), p=p / p.sum())
        assert_law(Counter((names[a], names[b]) for a, b in drawn), in_order(law, 2))


def toy_prefix(text: str, longest: int) -> bool:
    """Whether balanced brackets of a length within the limit begin so."""
    depth = 0
    for letter in text:
        depth += 1 if letter == "(" else -1
        if depth < 0:
            return False
    return len(text) + depth <= longest


def test_one_stochastic_beam_is_a_draw() -> None:
    toy = replace(TOYS["dyck"], may_begin=lambda text: toy_prefix(text, 7))
    outcomes = run_strategy(StochasticBeams(), [toy.query([5, run]) for run in range(1000)], toy.model)
    assert_law(Counter(texts(toy, outcome)[0] for outcome in outcomes), toy.law(masked=True))


def test_gumbels_below_a_maximum() -> None:
    generator = np.random.default_rng(0)
    locations = np.log([0.1, 0.6, 0.3])
    drawn = np.array([below(1.5, locations, generator) for _ in range(4000)])
    np.testing.assert_allclose(drawn.max(1), 1.5)
    assert_law(Counter(drawn.argmax(1).tolist()), {0: 0.1, 1: 0.6, 2: 0.3})
    free = locations + generator.gumbel(size=(400_000, 3))
    near = free[abs(free.max(1) - 1.5) < 0.02]
    for values, reference in zip(np.sort(drawn).T[:2], np.sort(near).T[:2], strict=True):
        assert_mean(values, reference.mean(), 5)


# ---------------------------------------------------------------------------------------------------------------- best
def test_the_best_comes_first() -> None:
    toy = TOYS["wide"]
    (outcome,) = run_strategy(BestOf(candidates=20, score=len), [toy.query(0, 20)], toy.model)
    lengths = [len(text) for text in texts(toy, outcome)]
    assert lengths == sorted(lengths, reverse=True) and lengths[0] > lengths[-1]
    (outcome,) = run_strategy(BestOf(candidates=20), [toy.query(0, 20)], toy.model)
    masses = toy.masses()
    found = [masses[text] for text in texts(toy, outcome)]
    assert found == sorted(found, reverse=True)


def test_options_are_checked() -> None:
    with pytest.raises(ValueError, match="multiple"):
        BeamSearch(width=4, groups=3)
    with pytest.raises(ValueError, match="width"):
        BeamSearch(width=2).init(TOYS["dyck"].query(0, 3))
    with pytest.raises(ValueError, match="candidates"):
        BestOf(2).init(TOYS["dyck"].query(0, 3))
