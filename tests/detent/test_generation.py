"""Generation with random models: what is reported must be what the model says."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import pytest
import torch
from pydantic import BaseModel, ValidationError, field_validator

import detent
from detent.decoding import Step

OPTIONS: Any = {"max_new_tokens": 150, "whitespace": "compact"}  # enough for any Person, whatever is escaped
PROMPTS = ["hello", "a", "what is it?", "hello", "xyz " * 9]


class Person(BaseModel):
    name: Literal["Ann", "Bo", "Christine"]
    ok: bool


@dataclass
class Point:
    x: Literal[0, 1]
    y: Literal[0, 1]


def run_all(lm: detent.LanguageModel, **options: Any) -> list[detent.Result[Person]]:
    return detent.run(lm, PROMPTS, Person, seed=3, **OPTIONS, **options)


def test_values_are_instances(lm: detent.LanguageModel) -> None:
    for result in run_all(lm):
        assert isinstance(result.value, Person)
        assert result.finish == "stop"
        assert json.loads(result.text) == result.value.model_dump()


def test_logprob_and_log_weight_are_those_of_the_model(
    lm: detent.LanguageModel, log_probability: Callable[[list[int], list[int]], list[float]]
) -> None:
    for prompt, result in zip(PROMPTS, run_all(lm), strict=True):
        assert [step.token for step in result.trace] == result.tokens
        expected = log_probability(list(prompt.encode()), result.tokens)
        assert [step.logprob + step.log_weight for step in result.trace] == pytest.approx(expected, abs=1e-4)
        assert result.logprob + result.log_weight == pytest.approx(sum(expected), abs=1e-3)
        assert all(step.logprob == 0 for step in result.trace if step.forced)


@pytest.mark.parametrize("batch_size", [1, 2, 4])
def test_rows_do_not_depend_on_the_batch(lm: detent.LanguageModel, batch_size: int) -> None:
    for one, other in zip(run_all(lm), run_all(lm, batch_size=batch_size), strict=True):
        assert one.tokens == other.tokens
        assert one.logprob == pytest.approx(other.logprob, abs=1e-4)


def test_equal_prompts_draw_differently_and_a_single_prompt_is_row_zero(lm: detent.LanguageModel) -> None:
    results = run_all(lm)
    assert results[0].tokens != results[3].tokens
    assert detent.run(lm, PROMPTS[0], Person, seed=3, **OPTIONS).tokens == results[0].tokens


def test_a_bare_callable_gives_the_same(lm: detent.LanguageModel, plain_lm: detent.LanguageModel) -> None:
    for one, other in zip(run_all(lm), run_all(plain_lm), strict=True):
        assert one.tokens == other.tokens
        assert one.log_weight == pytest.approx(other.log_weight, abs=1e-3)


def test_forced_tokens_are_counted_and_read_in_blocks(lm: detent.LanguageModel) -> None:
    blocks = []

    class Recorder:
        max_block = None

        def __init__(self) -> None:
            self.session = lm.open_session()

        def prefill(self, prompts: Any) -> torch.Tensor:
            return self.session.prefill(prompts)

        def extend(self, tokens: Any) -> torch.Tensor:
            blocks.append(len(tokens[0]))
            return self.session.extend(tokens)

        def select(self, rows: Any) -> None:
            self.session.select(rows)

    watched = detent.LanguageModel(Recorder, lm.vocabulary, lm.encode, lm.template)
    result = detent.run(watched, "hello", {"const": None}, whitespace="compact", seed=0)
    assert result.value is None and result.text == "null"
    assert result.stats.n_tokens == len(result.tokens) == 5  # n, u, l, l and EOS
    assert result.stats.n_forced == 5 and result.logprob == 0
    assert blocks == [4]
    assert result.stats.model_seconds > 0 and result.stats.mask_seconds > 0


def test_greedy_takes_the_most_likely_allowed_token(lm: detent.LanguageModel) -> None:
    greedy = detent.Masking(temperature=0)
    one, other = (detent.run(lm, "hi", Person, sampler=greedy, seed=seed, **OPTIONS) for seed in (1, 2))
    assert one.tokens == other.tokens


def test_truncated_is_never_a_value(lm: detent.LanguageModel) -> None:
    result = detent.run(
        lm, "hi", list[Literal["abc"]], max_new_tokens=4, seed=0, whitespace="compact", sampler=Longest()
    )
    assert result.finish == "length" and len(result.tokens) == 4
    with pytest.raises(detent.Truncated) as caught:
        _ = result.value
    assert caught.value.text == result.text and caught.value.n_tokens == 4
    assert isinstance(caught.value.partial, list)
    with pytest.raises(detent.Truncated):
        detent.generate(lm, ["hi", "ho"], Person, max_new_tokens=3)


class Longest(detent.Masking):
    """Prefers anything to the end of an array."""

    def step(self, states: Any, logits: torch.Tensor, constraint: Any, generators: Any) -> Any:
        logits = logits.clone()
        logits[:, ord("]")] = -1e9
        return super().step(states, logits, constraint, generators)


def test_complete_at_the_limit_is_not_truncated(lm: detent.LanguageModel) -> None:
    result = detent.run(lm, "hi", {"const": None}, max_new_tokens=4, whitespace="compact", seed=0)
    assert result.value is None and result.finish == "stop"


def test_a_bad_row_does_not_disturb_the_others(lm: detent.LanguageModel) -> None:
    prompts: list[Any] = ["hello", "", "x" * 300, "\ud800", "hello"]
    results = detent.run(lm, prompts, Person, seed=0, **OPTIONS)
    assert [result.finish for result in results] == ["stop", "error", "error", "error", "stop"]
    for result, message in zip(results[1:4], ["no tokens", "300 tokens", "surrogates"], strict=True):
        with pytest.raises(ValueError, match=message):
            _ = result.value
    with pytest.raises(ValueError, match="no tokens"):
        detent.generate(lm, prompts, Person, seed=0, **OPTIONS)


def test_the_model_length_is_a_limit(lm: detent.LanguageModel) -> None:
    result = detent.run(lm, "x" * 250, Person, max_new_tokens=100)
    assert isinstance(result.error, detent.Truncated) and len(result.tokens) == 6


def test_checks_that_no_mask_carries_are_errors_of_the_row(lm: detent.LanguageModel) -> None:
    class Picky(BaseModel):
        name: Literal["Ann", "Bo"]

        @field_validator("name")
        @classmethod
        def refuse(cls, value: str) -> str:
            raise ValueError("never good enough")

    result = detent.run(lm, "hi", Picky, seed=0)
    assert result.finish == "stop" and isinstance(result.error, ValidationError)
    with pytest.raises(ValidationError, match="never good enough"):
        detent.generate(lm, "hi", Picky, seed=0)


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        (Point, Point),
        (bool, bool),
        (Literal["a", "b"], str),
        (bool | None, bool | None),
        ({"enum": [1, "x", None]}, object),
        ('{"type": "boolean"}', bool),
        (tuple[bool, bool], tuple),
    ],
)
def test_specifications(lm: detent.LanguageModel, spec: Any, kind: Any) -> None:
    value = detent.generate(lm, "hi", spec, seed=1, **OPTIONS, sampler=detent.Masking(temperature=0.5))
    assert isinstance(value, kind)


def test_compiled_grammar_gives_text(lm: detent.LanguageModel) -> None:
    grammar = lm.compiler.json_schema({"const": None}, whitespace="compact")
    assert detent.generate(lm, "hi", grammar, seed=0) == "null"


@pytest.mark.parametrize("seed", range(3))
def test_patterns_and_choices(lm: detent.LanguageModel, seed: int) -> None:
    choices = ["yes", "no", "not yet", "ja"]
    assert detent.generate(lm, "hi", lm.compiler.choice(choices), seed=seed) in choices
    pattern = lm.compiler.regex("[a-f]{2,4}-[0-9]{3}")
    texts = detent.generate(lm, ["hi", "ho"], pattern, seed=seed)
    assert all(re.fullmatch("[a-f]{2,4}-[0-9]{3}", text) for text in texts)
    result = detent.run(lm, "hi", lm.compiler.regex("a{40}"), max_new_tokens=9)
    assert isinstance(result.error, detent.Truncated) and result.error.partial is None


def test_integers_are_digits_unless_asked_otherwise(lm: detent.LanguageModel) -> None:
    spec = {"type": "integer", "minimum": 10, "maximum": 99}
    for result in detent.run(lm, ["hi"] * 20, spec, seed=0, whitespace="compact"):
        assert re.fullmatch("[1-9][0-9]", result.text)
    texts = [result.text for result in detent.run(lm, ["hi"] * 20, spec, seed=0, numbers="any", whitespace="compact")]
    assert not all(re.fullmatch("[1-9][0-9]", text) for text in texts)


def test_no_specification_is_free_text(
    lm: detent.LanguageModel, log_probability: Callable[[list[int], list[int]], list[float]]
) -> None:
    result = detent.run(lm, "hi", max_new_tokens=12, seed=0)
    expected = log_probability(list(b"hi"), result.tokens)
    assert result.logprob + result.log_weight == pytest.approx(sum(expected), abs=1e-3)
    assert result.stats.n_masks == 0
    assert all(step.token < len(lm.vocabulary) for step in result.trace)


def test_without_the_constraint_the_parsing_stays(lm: detent.LanguageModel) -> None:
    result = detent.run(lm, "hi", Person, constrained=False, seed=0, max_new_tokens=20)
    assert result.error is not None


def test_prompts_as_token_ids(lm: detent.LanguageModel) -> None:
    text = detent.run(lm, "hello", Person, seed=1, **OPTIONS)
    ids = detent.run(lm, list(b"hello"), Person, seed=1, **OPTIONS)
    assert ids.tokens == text.tokens
    assert [r.tokens for r in detent.run(lm, [list(b"hello")], Person, seed=1, **OPTIONS)] == [ids.tokens]
    assert detent.run(lm, [], Person) == []


def test_refuses_a_specification_before_the_first_token(lm: detent.LanguageModel) -> None:
    with pytest.raises(detent.GrammarError):
        detent.generate(lm, "hi", object())
    with pytest.raises(detent.GrammarError):
        detent.generate(lm, "hi", "{not json")
    with pytest.raises(ValueError, match="max_new_tokens"):
        detent.run(lm, "hi", bool, max_new_tokens=0)
    tokens = [bytes([b]) for b in reversed(range(256))] + [b""]
    elsewhere = detent.Compiler(detent.Vocabulary.from_tokens(tokens, eos=[256]), cache_dir=False)
    with pytest.raises(ValueError, match="another vocabulary"):
        detent.run(lm, "hi", elsewhere.choice(["a"]))


def test_refuses_arguments_of_other_kinds(lm: detent.LanguageModel) -> None:
    asked: list[tuple[dict[str, Any], str]] = [
        ({"sampler": "greedy"}, "'greedy'"),
        ({"sampler": detent.Masking}, "class Masking"),
        ({"where": "a text"}, "function"),
        ({"draft": "model"}, "draft"),
    ]
    for options, named in asked:
        with pytest.raises(TypeError, match=named):
            detent.run(lm, "hi", bool, **options)
    for prompt in (None, 5):
        with pytest.raises(TypeError, match="prompt"):
            detent.run(lm, prompt, bool)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="sampler"):
        detent.stream(lm, "hi", bool, sampler="greedy")  # type: ignore[arg-type]


def test_importance_weights_recover_the_unconstrained_probability(vocabulary: detent.Vocabulary) -> None:
    """The mean of exp(log_weight) under masking is the probability that the model obeys by itself."""

    def model(ids: torch.Tensor) -> torch.Tensor:
        logits = torch.full((len(ids), len(vocabulary)), -torch.inf)
        for token, logit in ((ord("1"), 1.0), (ord("2"), 0.0), (vocabulary.eos_ids[0], 0.5)):
            logits[:, token] = logit
        return logits

    lm = detent.load(model, vocabulary, encode=lambda text: [0])
    results = detent.run(lm, ["x"] * 400, {"enum": [1, 12, 22]}, seed=0, batch_size=100, whitespace="compact")
    one, two, end = torch.tensor([1.0, 0.0, 0.5]).softmax(0).tolist()
    expected = one * end + one * two * end + two * two * end
    weights = [math.exp(result.log_weight) for result in results]
    assert sum(weights) / len(weights) == pytest.approx(expected, rel=0.1)


def test_structured(lm: detent.LanguageModel) -> None:
    seen: list[str] = []
    watched = detent.LanguageModel(
        lm.open_session, lm.vocabulary, lm.encode, lambda prompt, schema: seen.append(prompt) or prompt
    )

    @detent.structured(watched, seed=0, **OPTIONS)
    def extract(text: str, count: int = 3) -> Person:
        """Extract {count} from:

        {text}
        """

    assert isinstance(extract("here"), Person)
    assert isinstance(extract(count=4, text="there"), Person)
    assert seen == ["Extract 3 from:\n\nhere", "Extract 4 from:\n\nthere"]
    assert extract.__name__ == "extract"
    with pytest.raises(TypeError, match="missing a required argument"):
        extract()


def test_structured_coroutines_run_side_by_side(lm: detent.LanguageModel) -> None:
    @detent.structured(lm, seed=0, **OPTIONS)
    async def extract(text: str) -> Person:
        """Extract from: {text}"""

    async def both() -> list[Person]:
        return await asyncio.gather(extract("a"), extract("b"), extract("a"))

    first, second, third = asyncio.run(both())
    assert isinstance(second, Person) and first == third


def test_structured_needs_a_prompt_and_a_type(lm: detent.LanguageModel) -> None:
    def silent(text: str) -> Person: ...

    def untyped(text: str):  # type: ignore[no-untyped-def]
        """Extract from: {text}"""

    for function in (silent, untyped):
        with pytest.raises(TypeError, match=function.__name__):
            detent.structured(lm)(function)


def test_step_is_documented_in_order() -> None:
    assert Step._fields == ("token", "forced", "logprob", "log_weight", "drafted")


def test_what_strict_leaves_out_is_never_silent(lm: detent.LanguageModel) -> None:
    schema = {"type": "string", "pattern": r"^(a+)\1$", "maxLength": 3}
    options: dict[str, Any] = {"whitespace": "compact", "seed": 1, "max_new_tokens": 40}
    with pytest.raises(detent.Unenforceable):
        detent.run(lm, "hi", schema, **options)
    result = detent.run(lm, "hi", schema, strict=False, **options)
    assert len(result.value) <= 3 and result.residual and not result.residual.holds
    assert "pattern" in repr(result)
    with pytest.raises(detent.Violated, match="does not match"):
        detent.generate(lm, "hi", schema, strict=False, **options)


def test_what_holds_is_a_value(lm: detent.LanguageModel) -> None:
    schema = {"enum": ["aa", "aaaa"], "pattern": r"^(a+)\1$"}
    assert detent.generate(lm, "hi", schema, strict=False, seed=1) in ("aa", "aaaa")
    grammar = lm.compiler.json_schema(schema, strict=False)
    assert detent.run(lm, "hi", grammar, seed=1).residual.holds
    assert not detent.run(lm, "hi", {"enum": ["aa"]}, strict=False, seed=1).residual
