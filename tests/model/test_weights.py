"""The bundled weights: they load offline, fit the wheel, and copy what they have never seen."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from detent.model import MODEL_DIR, format_prompt

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def model():  # type: ignore[no-untyped-def]
    return transformers.LlamaForCausalLM.from_pretrained(MODEL_DIR)


@pytest.fixture(scope="module")
def tokenizer():  # type: ignore[no-untyped-def]
    return transformers.PreTrainedTokenizerFast.from_pretrained(MODEL_DIR)


def test_weights_are_small_and_read_as_single_precision(model) -> None:  # type: ignore[no-untyped-def]
    assert MODEL_DIR.joinpath("model.safetensors").stat().st_size <= 4_000_000
    assert model.dtype == torch.float32
    assert not model.training


@pytest.mark.parametrize("text", ["Zoë paid 12.50 €\n", '{"a b": [1, null]}', "日本\t\x00", " lead and trail "])
def test_every_text_survives_the_tokenizer(tokenizer, text: str) -> None:  # type: ignore[no-untyped-def]
    assert tokenizer.decode(tokenizer(text).input_ids) == text


def test_a_value_has_the_same_tokens_in_the_text_and_in_the_answer(tokenizer) -> None:  # type: ignore[no-untyped-def]
    word = tokenizer("zaruvimo", add_special_tokens=False).input_ids
    for around in ("a zaruvimo b", '{"k": "zaruvimo"}', '["zaruvimo", 1]'):
        ids = tokenizer(around).input_ids
        assert any(ids[i : i + len(word)] == word for i in range(len(ids)))


@pytest.mark.parametrize(
    ("text", "schema", "answer"),
    [
        (
            "Meet Omar (51), baker in Turin.",
            {"properties": {"name": {"type": "string"}, "age": {"type": "integer"}, "city": {"type": "string"}}},
            {"name": "Omar", "age": 51, "city": "Turin"},
        ),
        (
            "voltage: 230, mascot: zaruvi",
            {"properties": {"mascot": {"type": "string"}, "voltage": {"type": "integer"}}},
            {"mascot": "zaruvi", "voltage": 230},
        ),
    ],
)
def test_greedy_answer(model, tokenizer, text, schema, answer) -> None:  # type: ignore[no-untyped-def]
    inputs = tokenizer(format_prompt(text, schema), return_tensors="pt", return_token_type_ids=False)
    with torch.no_grad():
        output = model.generate(**inputs, do_sample=False, max_new_tokens=60)[0, inputs["input_ids"].shape[1] :]
    assert output[-1] == tokenizer.eos_token_id
    assert json.loads(tokenizer.decode(output, skip_special_tokens=True)) == answer


@pytest.mark.parametrize("name", ["draft", "foreign-draft"])
def test_drafts_are_small(name: str) -> None:
    assert MODEL_DIR.joinpath(name, "model.safetensors").stat().st_size <= 1_000_000


def test_drafts_draft_for_the_model() -> None:
    import detent
    from detent.speculation import to_speculation

    lm, schema = detent.load(), {"properties": {"mascot": {"type": "string"}, "voltage": {"type": "integer"}}}
    assert detent.load_draft().vocabulary == lm.vocabulary != detent.load_draft(foreign=True).vocabulary
    prompts, greedy = ["voltage: 230, mascot: zaruvi", "mascot: bim; voltage = 12"], detent.Masking(temperature=0)
    plain = detent.run(lm, prompts, schema, sampler=greedy)
    for draft in (detent.load_draft(), detent.load_draft(foreign=True), True):
        as_long = replace(to_speculation(draft, lm), length=5, adaptive=False)
        drafted = detent.run(lm, prompts, schema, sampler=greedy, draft=as_long)
        assert [r.tokens for r in drafted] == [r.tokens for r in plain]
        assert sum(r.stats.n_tokens for r in drafted) >= 2 * sum(r.stats.n_forwards for r in drafted)
