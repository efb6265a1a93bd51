"""The bundled model through every door: what comes out is of the type, or is valid."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Literal

import jsonschema
import pytest
import torch
from pydantic import BaseModel
from transformers import AutoModelForCausalLM, AutoTokenizer

import detent
from detent.model import MODEL_DIR

GREEDY = detent.Masking(temperature=0)
TEXTS = ["Bug: no paper. Severity: low.", "[urgent] login: nobody can sign in.", "Bug: wrong colour."]


class Ticket(BaseModel):
    summary: Literal["paper", "login", "colour"]
    severity: Literal["low", "normal", "high", "urgent"]


@pytest.fixture(scope="module")
def bundled() -> detent.LanguageModel:
    return detent.load()


def test_batches_equal_single_runs(bundled: detent.LanguageModel) -> None:
    together = detent.run(bundled, TEXTS, Ticket, sampler=GREEDY)
    for text, result in zip(TEXTS, together, strict=True):
        alone = detent.run(bundled, text, Ticket, sampler=GREEDY)
        assert isinstance(alone.value, Ticket) and alone.text == result.text
        assert alone.logprob == pytest.approx(result.logprob, abs=1e-3)


@pytest.mark.parametrize(
    "sampler", [detent.Masking(), detent.Masking(temperature=0.7, top_k=20, top_p=0.9, min_p=0.01)]
)
def test_sampling(bundled: detent.LanguageModel, sampler: detent.Masking) -> None:
    assert all(isinstance(value, Ticket) for value in detent.generate(bundled, TEXTS, Ticket, sampler=sampler, seed=2))


def test_structured(bundled: detent.LanguageModel) -> None:
    @detent.structured(bundled, sampler=GREEDY)
    def read(text: str) -> Ticket:
        """{text}"""

    @detent.structured(bundled, sampler=GREEDY)
    async def read_later(text: str) -> Ticket:
        """{text}"""

    assert asyncio.run(read_later(TEXTS[0])) == read(TEXTS[0])


def test_patterns_and_choices(bundled: detent.LanguageModel) -> None:
    assert detent.generate(bundled, TEXTS[0], bundled.compiler.choice(["paper", "ink"]), seed=0) in ("paper", "ink")
    assert detent.generate(bundled, TEXTS[0], bundled.compiler.regex("[0-9]{3}"), seed=0).isdecimal()


@pytest.mark.parametrize("options", [{}, {"num_beams": 2}, {"do_sample": True, "temperature": 1.3}])
def test_logits_processor(options: dict[str, Any]) -> None:
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(MODEL_DIR)
    tokenizer = AutoTokenizer.from_pretrained(MODEL_DIR, padding_side="left")
    compiler = detent.Compiler(detent.Vocabulary.from_transformers(tokenizer, n=model.config.vocab_size))
    schema = Ticket.model_json_schema()
    processor = detent.LogitsProcessor(
        compiler.json_schema(schema | {"additionalProperties": False}, whitespace="bounded")
    )
    inputs = tokenizer(TEXTS, return_tensors="pt", padding=True, return_token_type_ids=False)
    outputs = model.generate(
        **inputs, logits_processor=[processor], **{"do_sample": False, "max_new_tokens": 120, **options}
    )
    for row in outputs[:, inputs["input_ids"].shape[1] :]:
        jsonschema.validate(json.loads(tokenizer.decode(row, skip_special_tokens=True)), schema)
