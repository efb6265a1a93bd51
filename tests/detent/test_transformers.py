"""The logits processor inside ``model.generate`` of transformers."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
import torch

import detent

from .tiny import EOS, make_llama

SCHEMA = {
    "type": "object",
    "properties": {"name": {"enum": ["Ann", "Bo"]}, "age": {"enum": [1, 22]}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
PROMPTS = torch.tensor([[EOS, 2, 3], [4, 5, 6]])


@pytest.fixture(scope="module")
def grammar(vocabulary: detent.Vocabulary) -> detent.Grammar:
    return detent.Compiler(vocabulary).json_schema(SCHEMA, whitespace="bounded")


def generate(
    model: Any, processor: detent.LogitsProcessor, prompts: torch.Tensor = PROMPTS, **options: Any
) -> torch.Tensor:
    attended = (prompts != EOS).long()
    options = {"attention_mask": attended, "max_new_tokens": 90, "do_sample": False, **options}
    return model.generate(prompts, logits_processor=[processor], **options)[:, prompts.shape[1] :]


def assert_valid(vocabulary: detent.Vocabulary, rows: torch.Tensor) -> None:
    for row in rows.tolist():
        text = b"".join(map(vocabulary.token_bytes, row[: row.index(EOS)]))
        jsonschema.validate(json.loads(text), SCHEMA)
        assert set(row[row.index(EOS) :]) == {EOS}


@pytest.mark.parametrize(
    "options",
    [{}, {"do_sample": True}, {"num_beams": 3, "num_return_sequences": 3}, {"do_sample": True, "num_beams": 2}],
    ids=["greedy", "sampling", "beams", "beam sampling"],
)
def test_every_row_is_valid(
    llama: Any, vocabulary: detent.Vocabulary, grammar: detent.Grammar, options: dict[str, Any]
) -> None:
    torch.manual_seed(0)
    processor = detent.LogitsProcessor(grammar)
    for _ in range(2):  # a processor serves any number of calls
        assert_valid(vocabulary, generate(llama, processor, **options))


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", ["draft model", "prompt lookup"])
def test_assisted_decoding_equals_greedy(
    llama: Any, vocabulary: detent.Vocabulary, grammar: detent.Grammar, kind: str
) -> None:
    options: dict[str, Any] = {"prompt_lookup_num_tokens": 3}
    if kind == "draft model":
        options = {"assistant_model": make_llama(seed=1)}
    processor = detent.LogitsProcessor(grammar)
    expected = generate(llama, processor, PROMPTS[1:])
    assisted = generate(llama, processor, PROMPTS[1:], **options)
    assert_valid(vocabulary, assisted)
    assert assisted[0].tolist() == expected[0].tolist()


def test_state_is_found_from_the_ids_in_any_order(vocabulary: detent.Vocabulary) -> None:
    grammar = detent.Compiler(vocabulary).regex("abc|xbd")
    processor = detent.LogitsProcessor(grammar)

    def allowed(*texts: bytes) -> list[str]:
        ids = torch.tensor([list(text) for text in texts])
        scores = processor(ids, torch.zeros(len(texts), len(vocabulary) + 3))
        return [
            bytes(t for t in row.isfinite().nonzero().flatten().tolist() if t < 256).decode("latin-1") for row in scores
        ]

    assert allowed(b"p", b"q") == ["ax", "ax"]
    assert allowed(b"qx", b"pa") == ["b", "b"]
    assert allowed(b"pab", b"qxb", b"pab") == ["c", "d", "c"]
    assert allowed(b"pa") == ["b"]  # back in length
    assert allowed(b"qxb") == ["d"]
    assert allowed(b"r" * 9) == ["ax"]  # a new prompt
    assert len(allowed(b"pz")[0]) == 256  # a draft that was never allowed


def test_scores_are_left_alone_and_padding_columns_are_forbidden(vocabulary: detent.Vocabulary) -> None:
    processor = detent.LogitsProcessor(detent.Compiler(vocabulary).regex("a"))
    scores = torch.zeros(1, len(vocabulary) + 40, dtype=torch.bfloat16)
    masked = processor(torch.tensor([[1]]), scores)
    assert scores.isfinite().all()
    assert masked.isfinite().nonzero().tolist() == [[0, ord("a")]]


def test_memory_is_bounded(vocabulary: detent.Vocabulary) -> None:
    processor = detent.LogitsProcessor(detent.Compiler(vocabulary).regex("a*"), memory=8)
    for length in range(1, 100):
        processor(torch.tensor([[1] + [ord("a")] * length]), torch.zeros(1, len(vocabulary)))
    assert len(processor._matchers) == 8


def test_same_texts_as_the_front_door(lm: detent.LanguageModel, llama: Any, grammar: detent.Grammar) -> None:
    greedy = detent.run(lm, PROMPTS[1].tolist(), grammar, sampler=detent.Masking(temperature=0), max_new_tokens=90)
    processed = generate(llama, detent.LogitsProcessor(grammar), PROMPTS[1:])
    assert processed[0].tolist() == greedy.tokens
