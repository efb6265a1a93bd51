"""Every sampler through the front door, on random models."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest
import torch
from pydantic import BaseModel

import detent
from detent.prefixes import PrefixStore
from detent.sampler import awrs, order

from .tiny import make_llama

OPTIONS: Any = {"max_new_tokens": 60, "whitespace": "compact", "seed": 3}


class Pick(BaseModel):
    name: Literal["Ann", "Bo"]
    ok: bool


SAMPLERS: dict[str, Any] = {
    "masking": detent.Masking(),
    "awrs": detent.AWRS(),
    "awrs by accepts": detent.AWRS(accepts=3),
    "smc": detent.SMC(4),
    "smc by masking": detent.SMC(4, proposal=detent.Masking()),
    "asap": detent.ASAp(),
    "beams": detent.BeamSearch(width=4),
    "diverse beams": detent.BeamSearch(width=4, groups=2),
    "stochastic beams": detent.StochasticBeams(),
    "best of": detent.BestOf(4, proposal=detent.Masking(temperature=0.7)),
}
sampler = pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)


@sampler
def test_texts_follow_the_grammar(lm: detent.LanguageModel, sampler: Any) -> None:
    results = detent.run(lm, "hello", Pick, sampler=sampler, n=3, **OPTIONS)
    assert isinstance(results, detent.Results) and len(results) == 3
    for result in results:
        assert isinstance(result.value, Pick) and json.loads(result.text) == result.value.model_dump()
    assert results.weights.sum() == pytest.approx(1) and 1 <= results.ess <= 3.001
    values = detent.generate(lm, "hello", Pick, sampler=sampler, n=3, **OPTIONS)
    assert all(isinstance(value, Pick) for value in values) and len(values) == 3
    if not results.is_weighted:
        assert values == [result.value for result in results]


@sampler
def test_one_text_without_n(lm: detent.LanguageModel, sampler: Any) -> None:
    assert isinstance(detent.generate(lm, "hello", Pick, sampler=sampler, **OPTIONS), Pick)


@sampler
def test_rows_do_not_depend_on_the_batch(lm: detent.LanguageModel, sampler: Any) -> None:
    prompts = ["hello", "a", "hello"]
    together, apart = (
        detent.run(lm, prompts, Pick, sampler=sampler, n=2, batch_size=size, **OPTIONS) for size in (32, 1)
    )
    for one, other in zip(together, apart, strict=True):
        assert [result.tokens for result in one] == [result.tokens for result in other]
        assert [r.log_weight for r in one] == pytest.approx([r.log_weight for r in other], abs=1e-3)


@pytest.mark.parametrize("draft", [None, True, "other model"])
@pytest.mark.parametrize("where", [None, lambda text: "Bo" not in text], ids=["grammar", "predicate"])
def test_the_race_of_the_device_in_the_loop(
    lm: detent.LanguageModel,
    log_probability: Callable[[list[int], list[int]], list[float]],
    monkeypatch: pytest.MonkeyPatch,
    where: Any,
    draft: Any,
) -> None:
    """What runs where logits are on a GPU: valid texts, the same in batches of any size, and what they weigh."""
    monkeypatch.setattr(awrs, "draws", order.races)
    monkeypatch.setattr(order, "draws", order.races)
    if draft == "other model":
        draft = detent.ModelDrafter(PrefixStore(make_llama(seed=1)), confidence=0.0)
    options: Any = {"sampler": detent.AWRS(), "where": where, "draft": draft, "n": 3, **OPTIONS}
    prompts = ["hello", "a"]
    together, apart = (detent.run(lm, prompts, Pick, batch_size=size, **options) for size in (32, 1))
    for prompt, one, other in zip(prompts, together, apart, strict=True):
        assert [result.tokens for result in one] == [result.tokens for result in other]
        assert [r.log_weight for r in one] == pytest.approx([r.log_weight for r in other], abs=1e-3)
        for result in one:
            assert isinstance(result.value, Pick) and (where is None or where(result.text))
            expected = log_probability(list(prompt.encode()), result.tokens)
            assert [s.logprob + s.log_weight for s in result.trace] == pytest.approx(expected, abs=2e-3)


PREDICATES: dict[str, Any] = {
    "text": lambda text: len(text) % 3 != 2 and text.isascii(),
    "bytes": detent.Predicate(lambda data: b"x" not in data, lambda data: len(data) > 1, on="bytes"),
    "ids": detent.Predicate(lambda ids: sum(ids) % 7 != 3, lambda ids: len(ids) > 1, on="ids"),
}


@pytest.mark.parametrize("where", PREDICATES.values(), ids=PREDICATES)
@sampler
def test_rows_under_a_predicate_do_not_depend_on_the_batch(
    vocabulary: detent.Vocabulary, sampler: Any, where: Any
) -> None:
    lm = tiny_table(vocabulary)
    options: Any = {"max_new_tokens": 6, "seed": 5, "where": where}
    together, apart = (
        detent.run(lm, [[1], [2], [3]], sampler=sampler, n=2, batch_size=size, **options) for size in (32, 1)
    )
    for one, other in zip(together, apart, strict=True):
        assert [result.tokens for result in one] == [result.tokens for result in other]
        assert [r.log_weight for r in one] == pytest.approx([r.log_weight for r in other])


@pytest.mark.parametrize("sampler", [detent.CARS(), detent.CARS(batch=1), detent.ASAp(warmup=5), detent.AWRS()])
def test_rows_of_rejection_do_not_depend_on_the_batch(vocabulary: detent.Vocabulary, sampler: Any) -> None:
    lm = tiny_table(vocabulary)
    options: Any = {"max_new_tokens": 5, "seed": 5, "whitespace": "compact"}
    together, apart = (
        detent.run(lm, [[1], [2], [3]], {"enum": [1, 12, 22]}, sampler=sampler, n=9, batch_size=size, **options)
        for size in (32, 1)
    )
    for one, other in zip(together, apart, strict=True):
        assert [result.tokens for result in one] == [result.tokens for result in other]
        assert one.log_z == pytest.approx(other.log_z)


@pytest.mark.parametrize("sampler", [detent.Masking(), detent.AWRS(), detent.SMC(), detent.CARS(), detent.ASAp()])
def test_every_answer_has_statistics(vocabulary: detent.Vocabulary, sampler: Any) -> None:
    options: Any = {"max_new_tokens": 5, "seed": 5, "where": twelve}
    results = detent.run(tiny_table(vocabulary), [1], sampler=sampler, n=4, **options)
    assert results.log_z is not None and 0 < results.ess <= 4 and len(results.weights) == 4
    assert results.stats["forwards"] > 0 and results.stats["seconds"] > 0 and results.stats["checks"] > 0
    assert all(result.log_weight <= 0 for result in results)


def test_little_mass_survives_every_step(vocabulary: detent.Vocabulary) -> None:
    """A model that holds each allowed token to have a probability of 1e-11."""

    def model(ids: torch.Tensor) -> torch.Tensor:
        logits = torch.full((len(ids), len(vocabulary)), -40.0)
        logits[:, ord("x")] = 0.0
        logits[:, [ord("1"), ord("2"), vocabulary.eos_ids[0]]] = torch.tensor([-25.3, -25.9, -25.3])
        return logits

    lm = detent.load(model, vocabulary, encode=lambda text: [0])
    spec = lm.compiler.regex("[12]{3}")
    log_mass = 3 * np.logaddexp(-25.3, -25.9) - 25.3
    for sampler in (detent.AWRS(), detent.SMC(8), detent.SMC(8, proposal=detent.Masking())):
        results = detent.run(lm, "x", spec, sampler=sampler, n=8, max_new_tokens=8, seed=1)
        assert all(result.finish == "stop" for result in results) and results.log_z == pytest.approx(log_mass, abs=0.01)
    digits = detent.run(
        lm, "x", where=lambda text: set(text) <= set("12"), sampler=detent.AWRS(), n=8, max_new_tokens=8
    )
    assert all(result.finish in ("stop", "length") for result in digits) and digits.ess > 0


@sampler
def test_logprobs_are_those_of_the_model(
    lm: detent.LanguageModel, sampler: Any, log_probability: Callable[[list[int], list[int]], list[float]]
) -> None:
    for result in detent.run(lm, "hello", Pick, sampler=sampler, n=3, **OPTIONS):
        expected = log_probability(list(b"hello"), result.tokens)
        if isinstance(sampler, detent.Masking | detent.AWRS | detent.SMC):
            assert [step.logprob + step.log_weight for step in result.trace] == pytest.approx(expected, abs=1e-3)
        else:
            assert sum(s.logprob + s.log_weight for s in result.trace) == pytest.approx(sum(expected), abs=1e-2)


def tiny_table(vocabulary: detent.Vocabulary) -> detent.LanguageModel:
    """A model that writes ``1`` and ``2``."""

    def model(ids: torch.Tensor) -> torch.Tensor:
        logits = torch.full((len(ids), len(vocabulary)), -torch.inf)
        for token, logit in ((ord("1"), 1.0), (ord("2"), 0.0), (vocabulary.eos_ids[0], 0.5)):
            logits[:, token] = logit
        return logits

    return detent.load(model, vocabulary, encode=lambda text: [0])


ONE, TWO, END = torch.tensor([1.0, 0.0, 0.5]).softmax(0).tolist()
LAW = {"1": ONE * END, "12": ONE * TWO * END, "22": TWO * TWO * END}


def twelve(text: str) -> bool:
    return text in ("1", "12", "2", "22")


@pytest.mark.parametrize(
    "sampler", [detent.Masking(), detent.AWRS(), detent.AWRS(accepts=3), detent.SMC(), detent.CARS(), detent.ASAp()]
)
@pytest.mark.parametrize("by", ["grammar", "predicate", "both"])
def test_all_of_them_estimate_the_mass_of_valid_texts(vocabulary: detent.Vocabulary, sampler: Any, by: str) -> None:
    lm = tiny_table(vocabulary)
    spec = None if by == "predicate" else {"enum": [1, 12, 22, 121]}
    where = {
        "grammar": detent.Predicate(complete=lambda text: text != "121"),
        "predicate": detent.Predicate(twelve, LAW.__contains__),
        "both": twelve,
    }[by]
    n = 400 if not isinstance(sampler, detent.ASAp) else 60
    options: Any = {"max_new_tokens": 5, "whitespace": "compact", "seed": 0, "batch_size": 100}
    results = detent.run(lm, "x", spec, sampler=sampler, where=where, n=n, **options)
    assert {result.text for result in results if result.finish == "stop"} == set(LAW)
    assert np.exp(results.log_z) == pytest.approx(sum(LAW.values()), rel=0.12)
    weights = results.weights
    for text, mass in LAW.items():
        share = sum(w for w, result in zip(weights, results, strict=True) if result.text == text)
        assert share == pytest.approx(mass / sum(LAW.values()), abs=0.1)
    assert 0 < results.ess <= n + 1e-6


def test_a_predicate_may_refuse_everything(lm: detent.LanguageModel) -> None:
    samplers = (detent.Masking(), detent.AWRS(), detent.SMC(2), detent.CARS(patience=3), detent.ASAp(patience=3))
    for sampler in (*samplers, detent.BeamSearch(), detent.BestOf(2), detent.StochasticBeams()):
        result = detent.run(lm, "hello", bool, sampler=sampler, where=lambda text: False, seed=0)
        assert result.finish == "dead" and result.log_weight == -np.inf
        with pytest.raises(detent.DeadEnd, match="no valid text"):
            _ = result.value


def test_a_forced_token_may_be_refused(lm: detent.LanguageModel) -> None:
    spec = lm.compiler.regex("abc")
    result = detent.run(lm, "hello", spec, where=lambda text: "c" not in text)
    assert result.finish == "dead" and result.text == "ab"
    with pytest.raises(detent.DeadEnd, match="no way on after 2 tokens"):
        _ = result.value
    (results,) = detent.run(lm, ["hello"], spec, where=lambda text: "c" not in text, n=2)
    assert results.log_z == -np.inf and results.ess == 0 and not results.weights.any()


def test_a_bad_prompt_does_not_disturb_the_others(lm: detent.LanguageModel) -> None:
    good, bad = detent.run(lm, ["hello", ""], Pick, sampler=detent.ASAp(), **OPTIONS)
    assert good.finish == "stop" and bad.finish == "error"
    good, bad = detent.run(lm, ["hello", ""], Pick, n=2, **OPTIONS)
    assert [r.finish for r in good] == ["stop"] * 2 and {r.finish for r in bad} == {"error"}


def test_the_limit_is_a_limit(lm: detent.LanguageModel) -> None:
    for sampler in (detent.SMC(), detent.ASAp(), detent.BeamSearch()):
        result = detent.run(lm, "hello", {"enum": [1, 22222]}, sampler=sampler, max_new_tokens=2, whitespace="compact")
        assert result.text == "1" and len(result.tokens) == 2


def test_weighted_texts_are_drawn_by_weight(lm: detent.LanguageModel) -> None:
    results = detent.run(lm, "hello", Pick, sampler=detent.SMC(threshold=0), n=8, **OPTIONS)
    assert results.is_weighted and results.stats["forwards"] > 0 and results.stats["seconds"] > 0
    drawn = results.draw(np.random.default_rng(0), 500)
    likely = int(np.argmax(results.weights))
    share = sum(result is results[likely] for result in drawn) / 500
    assert share == pytest.approx(results.weights[likely], abs=0.1)


def test_only_proper_weights_estimate_a_mass(lm: detent.LanguageModel) -> None:
    for sampler, is_proper in ((detent.Masking(), True), (detent.Masking(top_k=3), False), (detent.AWRS(0.5), True)):
        results = detent.run(lm, "hello", Pick, sampler=sampler, n=2, **OPTIONS)
        assert (results.log_z is not None) == is_proper
    with pytest.raises(ValueError, match="at least 1"):
        detent.run(lm, "hello", Pick, n=0)


def test_more_texts_begin_with_the_same(lm: detent.LanguageModel) -> None:
    few, many = (detent.run(lm, "hello", Pick, n=n, **OPTIONS) for n in (2, 5))
    assert [result.tokens for result in many[:2]] == [result.tokens for result in few]
