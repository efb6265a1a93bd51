"""Strategies read forced tokens along with the token before them, and ask a predicate once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from detent import AWRS, CARS, SMC, ASAp, BeamSearch, BestOf, Masking, Predicate, StochasticBeams
from detent.sampler.base import run_strategy
from detent.sampler.guide import KEPT, Guide
from tests.naive.texts import TOYS, Toy

from .criteria import exact, fresh_runs, texts, weighted_texts
from .laws import assert_law, assert_met

WORD = "xyzxyz"  # behind every a or b


def _scores(text: str) -> list[float]:
    """Likes what is forced, and sometimes stops."""
    forced = WORD[len(text) % 7 - 1] if len(text) % 7 else ""
    slope = 0.2 + 0.1 * text.count("b")
    return [*(4.5 if letter == forced else slope * i for i, letter in enumerate("abxyz")), 1.0]


def _may_begin(text: str) -> bool:
    return len(text) <= 14 and all(
        letter == WORD[i % 7 - 1] if i % 7 else letter in "ab" for i, letter in enumerate(text)
    )


def _is_good(text: str) -> bool:
    return len(text) in (7, 14)


WORDS = Toy("abxyz", _scores, _is_good, _may_begin, 16)

STRATEGIES: dict[str, Any] = {
    "smc": SMC(8),
    "smc by masking": SMC(8, proposal=Masking(), threshold=0.9),
    "best of": BestOf(4),
    "asap": ASAp(batch=2),
    "cars": CARS(batch=2),
    "beams": BeamSearch(width=4),
    "diverse beams": BeamSearch(width=4, groups=2),
    "stochastic beams": StochasticBeams(),
}
strategy = pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES)


class Watched:
    """A model that counts its calls, and the texts that it would run, prefixes along one text being one row."""

    def __init__(self, toy: Toy) -> None:
        self.toy, self.n_calls, self.n_rows, self.asked = toy, 0, 0, Counter[tuple[int, ...]]()

    def __call__(self, prefixes: Sequence[Sequence[int]]) -> torch.Tensor:
        texts = [tuple(prefix) for prefix in prefixes]
        assert len(set(texts)) == len(texts)
        self.n_calls += 1
        self.n_rows += sum(not any(other[: len(text)] == text != other for other in texts) for text in texts)
        self.asked.update(texts)
        return self.toy.model(prefixes)


@strategy
def test_forced_tokens_cost_no_run_of_their_own(strategy: Any) -> None:
    model = Watched(WORDS)
    (outcome,) = run_strategy(strategy, [WORDS.query(0, 2, by_mask=True)], model)
    longest = max(len(draft.trace) for draft in outcome.drafts)
    assert longest >= 8
    if not isinstance(strategy, CARS):  # whose attempts fail at first
        assert model.n_calls <= 3  # a letter is drawn at most twice
    assert model.n_rows <= outcome.stats["forwards"]
    for draft in outcome.drafts:
        laws = WORDS.model([[0, *(step.token for step in draft.trace[:i])] for i in range(len(draft.trace))])
        log_p = laws.double().log_softmax(-1)[range(len(draft.trace)), [step.token for step in draft.trace]]
        assert sum(step.logprob + step.log_weight for step in draft.trace) == pytest.approx(
            log_p.sum().item(), abs=1e-4
        )


@pytest.mark.parametrize("sampler", [SMC(8), SMC(8, proposal=Masking(), threshold=0.9)])
def test_what_is_read_ahead_leaves_weights_right(sampler: SMC) -> None:
    assert_met(weighted_texts(WORDS, sampler, 150))


@pytest.mark.parametrize("sampler", [BestOf(1), ASAp(), StochasticBeams()])
def test_what_is_read_ahead_leaves_the_law_of_masking(sampler: Any) -> None:
    rows = fresh_runs(WORDS, sampler, 400, n=1)
    assert_law(Counter(row[0] for row in rows), WORDS.law(masked=True))


def test_what_is_read_ahead_leaves_the_likeliest_texts() -> None:
    masses = WORDS.masses()
    (outcome,) = run_strategy(BeamSearch(width=6), [WORDS.query(0, 6, by_mask=True)], WORDS.model)
    assert texts(WORDS, outcome) == sorted(masses, key=lambda text: -masses[text])[:6]


def test_what_is_read_ahead_leaves_cars_exact_and_teaches_it() -> None:
    assert_met(exact(WORDS, CARS(batch=2), 300))
    hostile = replace(WORDS, scores=_dislikes)  # of six forced tokens, each takes one failure where none is read ahead
    ahead, one_by_one = (
        sum(outcome.stats["attempts"] for outcome in run_strategy(CARS(batch=1), queries, hostile.model))
        for queries in ([hostile.query([1, i], 1, by_mask=mask) for i in range(10)] for mask in (True, False))
    )
    assert ahead < one_by_one / 2


def _dislikes(text: str) -> list[float]:
    return [1.0 if len(text) % 7 == 0 else 5.0, 1.0, 0.0, 0.0, 0.0, 1.0]


@pytest.mark.parametrize("strategy", [SMC(8), SMC(8, proposal=AWRS(accepts=3)), *list(STRATEGIES.values())[3:]])
def test_a_predicate_is_asked_once_about_a_text(strategy: Any) -> None:
    toy = TOYS["wide"]
    asked: Counter[tuple[str, bool]] = Counter()

    def may_begin(text: str) -> bool:
        asked[text, False] += 1
        return toy.may_begin(text)

    def is_good(text: str) -> bool:
        asked[text, True] += 1
        return toy.is_good(text)

    query = toy.query(0, 4)
    guide = Guide(toy.vocabulary, None, Predicate(may_begin, is_good), toy.limit)
    (outcome,) = run_strategy(strategy, [replace(query, guide=guide)], toy.model)
    assert max(asked.values()) == 1 and sum(asked.values()) == outcome.stats["checks"]


def test_verdicts_on_whole_masks_are_not_kept() -> None:
    letters = "".join(map(chr, range(256, 256 + 2 * KEPT)))
    toy = Toy(letters, lambda text: [0.0] * (len(letters) + 1), lambda text: True, lambda text: "Ā" not in text, 4)
    guide = toy.query(0).guide
    assert [guide.allows(token) for token in range(len(letters))] == [False] + [True] * (len(letters) - 1)
    first = guide._place
    other = guide.fork()
    assert guide.accept(5) and not other.accept(0) and other.accept(5)
    assert guide._place is other._place and len(first.verdicts) <= KEPT
    guide.rollback(1)
    assert guide.accept(7) and guide.allows(1) and first.behind.keys() == {5, 7}


def test_a_refused_forced_token_is_a_dead_end() -> None:
    guide = WORDS.query(0, by_mask=True).guide
    matcher = guide._matcher
    guide = Guide(WORDS.vocabulary, matcher, Predicate(lambda text: "z" not in text), WORDS.limit)
    assert guide.accept(0)
    mask = np.full(1, -1, np.int32)
    assert [WORDS.letters[token] for token in guide.take_forced(mask)] == ["x", "y"] and not mask.any()
    for sampler in STRATEGIES.values():
        query = WORDS.query(0, 2, by_mask=True)
        again = Guide(WORDS.vocabulary, query.guide._matcher, guide._predicate, WORDS.limit)
        (outcome,) = run_strategy(sampler, [replace(query, guide=again)], WORDS.model)
        assert not any(draft.finished and draft.trace for draft in outcome.drafts if len(draft.trace) > 1)
