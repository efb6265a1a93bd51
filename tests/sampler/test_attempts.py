"""ASAp and CARS against exact enumeration."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from detent import CARS, ASAp, Trie
from detent.sampler.attempts import draws_at
from detent.sampler.base import run_strategy
from tests.naive.texts import TOYS

from . import wrong
from .criteria import attempts_fall, exact, first_and_fourth, fresh_runs, goes_to_the_law, texts
from .laws import assert_law, assert_met, total_variation, variation_noise

RUNS = 600


@pytest.mark.parametrize(
    ("name", "batch", "by_mask"),
    [
        ("skewed", 1, True),
        ("skewed", 8, False),
        ("dyck", 1, False),
        ("dyck", 8, True),
        ("modulo", 8, False),
        ("wide", 8, True),
    ],
)
def test_cars_is_exact_from_the_first_text(name: str, batch: int, by_mask: bool) -> None:
    assert_met(exact(TOYS[name], CARS(batch=batch), RUNS, by_mask))


def test_options_shape_the_law_before_the_constraint() -> None:
    toy = TOYS["dyck"]
    colder = replace(toy, scores=lambda text: [2 * score for score in toy.scores(text)])
    assert_met(first_and_fourth(colder, fresh_runs(toy, CARS(temperature=0.5), RUNS, by_mask=False)))

    def two_best(text: str) -> list[float]:
        scores = list(toy.scores(text))
        return [score if score > min(scores) else -np.inf for score in scores]

    rows = fresh_runs(toy, CARS(top_k=2), RUNS, by_mask=False)
    assert_met(first_and_fourth(replace(toy, scores=two_best), rows))


@pytest.mark.parametrize("by_mask", [False, True])
def test_logits_beyond_the_vocabulary_are_never_valid(by_mask: bool) -> None:
    toy = TOYS["dyck"]

    def padded(prefixes: Any) -> torch.Tensor:
        return torch.nn.functional.pad(toy.model(prefixes), (0, 40), value=-3.0)

    queries = [toy.query([3, run], 1, by_mask) for run in range(RUNS // 4)]
    outcomes = run_strategy(CARS(), queries, padded)
    assert_law(Counter(texts(toy, outcome)[0] for outcome in outcomes), toy.law())
    (outcome,) = run_strategy(ASAp(), [toy.query(0, 50, by_mask)], padded)
    assert all(step.token <= len(toy.letters) for draft in outcome.drafts for step in draft.trace)


@pytest.mark.parametrize("name", wrong.ATTEMPTS)
def test_wrong_samplers_are_found(name: str) -> None:
    toy, sampler = wrong.ATTEMPTS[name]
    with pytest.raises(AssertionError, match="chi-square"):
        assert_met(exact(toy, sampler, RUNS))


@pytest.mark.parametrize("name", ["skewed", "dyck"])
def test_attempts_fall(name: str) -> None:
    assert_met(attempts_fall(TOYS[name], CARS(batch=1)))


def test_plain_rejection_is_found_by_its_cost() -> None:
    toy = TOYS["skewed"]
    assert_met(exact(toy, wrong.PlainRejection(batch=1), RUNS // 6))
    with pytest.raises(AssertionError, match="attempts"):
        assert_met(attempts_fall(toy, wrong.PlainRejection(batch=1), 1))


@pytest.mark.parametrize("name", ["skewed", "dyck", "wide"])
def test_asap_goes_to_the_law(name: str) -> None:
    assert_met(goes_to_the_law(TOYS[name], ASAp(batch=1), 25))


def test_masking_does_not_go_to_the_law() -> None:
    with pytest.raises(AssertionError, match="KL"):
        assert_met(goes_to_the_law(TOYS["skewed"], wrong.masking(200), 4))


def test_the_first_text_of_asap_is_masking() -> None:
    toy = TOYS["skewed"]
    rows = fresh_runs(toy, ASAp(), RUNS, n=1, by_mask=False)
    assert_law(Counter(row[0] for row in rows), toy.law(masked=True))


def test_bounds_enclose_the_mass_and_meet() -> None:
    for name, toy in TOYS.items():
        mass = sum(toy.masses().values())
        for sampler in (CARS(), ASAp()):
            (outcome,) = run_strategy(sampler, [toy.query(1, 30)], toy.model)
            lower, upper = np.exp(outcome.stats["log_lower"]), np.exp(outcome.stats["log_upper"])
            assert lower <= mass * (1 + 1e-5) and upper >= mass * (1 - 1e-5)
            assert lower <= np.exp(outcome.log_z or 0.0) * (1 + 1e-9)
        if name in ("dyck", "modulo"):  # few texts: all are found
            (outcome,) = run_strategy(ASAp(), [toy.query(1, 2000)], toy.model)
            assert outcome.log_z == pytest.approx(np.log(mass), abs=0.01)
            assert outcome.stats["log_lower"] == pytest.approx(np.log(mass), abs=0.01)


def test_the_mean_of_attempts_estimates_the_mass() -> None:
    toy = TOYS["dyck"]
    mass = sum(toy.masses().values())
    for n in (1, 50):
        outcomes = run_strategy(CARS(batch=1), [toy.query([8, i], n) for i in range(100)], toy.model)
        z = np.exp([outcome.log_z or 0.0 for outcome in outcomes])
        if n == 50:
            assert abs(z.mean() - mass) < 0.03


def test_warm_up_ends_at_the_tolerance() -> None:
    toy = TOYS["dyck"]
    (outcome,) = run_strategy(ASAp(batch=1, warmup=10_000, tolerance=0.05), [toy.query(0, 5)], toy.model)
    assert len(outcome.drafts) == 5 and outcome.stats["attempts"] < 500
    assert outcome.stats["log_lower"] - outcome.stats["log_upper"] >= np.log(0.95)
    runs = 200
    outcomes = run_strategy(ASAp(warmup=10_000, tolerance=0.05), [toy.query([9, i]) for i in range(runs)], toy.model)
    found = Counter(texts(toy, outcome)[0] for outcome in outcomes)
    assert total_variation(found, toy.law()) < 0.05 + variation_noise(toy.law(), runs) + 0.05


def test_what_cannot_be_valid_is_found_out() -> None:
    toy = replace(TOYS["dyck"], is_good=lambda text: False)
    for sampler in (CARS(), ASAp()):
        (outcome,) = run_strategy(sampler, [toy.query(0, 2)], toy.model)
        assert outcome.drafts == [] and outcome.log_z == -np.inf


def test_patience_ends() -> None:
    toy = replace(TOYS["wide"], is_good=lambda text: False, limit=40)
    (outcome,) = run_strategy(CARS(patience=7), [toy.query(0)], toy.model)
    assert outcome.drafts == [] and outcome.stats["attempts"] == 7


def test_rows_do_not_depend_on_their_neighbours() -> None:
    toy = TOYS["wide"]
    for sampler in (CARS(), ASAp(temperature=0.7)):
        together = run_strategy(sampler, [toy.query([2, i], 5) for i in range(3)], toy.model)
        for i in range(3):
            (alone,) = run_strategy(sampler, [toy.query([2, i], 5)], toy.model)
            assert alone == together[i]


# ---------------------------------------------------------------------------------------------------------------- trie
def test_a_saved_trie_knows_what_it_knew(tmp_path: Path) -> None:
    toy = TOYS["wide"]
    trie = Trie()
    run_strategy(CARS(trie=trie), [toy.query(0, 60)], toy.model)
    trie.save(tmp_path / "trie.npz")
    again = Trie.load(tmp_path / "trie.npz")
    one, other = (run_strategy(CARS(trie=known), [toy.query(1, 30)], toy.model)[0] for known in (again, trie))
    assert texts(toy, one) == texts(toy, other)
    assert one.stats["attempts"] == other.stats["attempts"]
    assert one.stats["forwards"] == other.stats["forwards"]
    assert one.log_z == pytest.approx(other.log_z)
    (cold,) = run_strategy(CARS(), [toy.query(1, 30)], toy.model)
    assert one.stats["forwards"] < cold.stats["forwards"] / 2 and one.stats["attempts"] < cold.stats["attempts"]


def test_an_empty_trie_can_be_saved(tmp_path: Path) -> None:
    Trie().save(tmp_path / "empty.npz")
    assert Trie.load(tmp_path / "empty.npz").roots == {}


def test_forgetting_laws_changes_nothing_but_the_cost() -> None:
    toy = TOYS["wide"]
    small, large = Trie(max_bytes=4 * 9 * 5), Trie()
    one, other = (run_strategy(CARS(trie=trie), [toy.query(1, 40)], toy.model)[0] for trie in (small, large))
    assert texts(toy, one) == texts(toy, other)
    assert one.stats["forwards"] > other.stats["forwards"]
    assert small._n_bytes <= 4 * 9 * 5


@pytest.mark.parametrize("max_bytes", [1 << 20, 40])
def test_prompts_that_share_a_trie_stay_exact(max_bytes: int) -> None:
    """Equal prompts take turns; a bound on the memory never takes away what a round is drawn from."""
    toy, runs = TOYS["modulo"], 300
    first: Counter[str] = Counter()
    for run in range(runs):
        queries = [replace(toy.query([5, run, i], 2), prompt=[i // 2]) for i in range(4)]
        outcomes = run_strategy(CARS(batch=2, trie=Trie(max_bytes)), queries, toy.model)
        first.update(texts(toy, outcome)[-1] for outcome in outcomes)
    assert_law(first, toy.law())


def test_draws_follow_what_is_left() -> None:
    toy = TOYS["skewed"]
    trie = Trie()
    run_strategy(ASAp(trie=trie), [toy.query(1, 300)], toy.model)
    root = trie.root([0])
    law = np.exp(root.scores())
    generator = np.random.default_rng(0)
    counts = Counter(next(draws_at(root, generator)).token for _ in range(2000))
    assert_law(counts, dict(enumerate((law / law.sum()).tolist())))


@pytest.mark.parametrize("options", [{"batch": 0}, {"patience": 0}, {"temperature": -1}])
def test_options_are_checked(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="at least"):
        CARS(**options)
    with pytest.raises(ValueError, match="tolerance"):
        ASAp(tolerance=1.0)
