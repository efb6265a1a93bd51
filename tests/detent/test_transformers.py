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
    "properties": {"name": {"enum": ["Ann", "Bo"]}, "ok": {"type": "boolean"}},
    "required": ["name", "ok"],
    "additionalProperties": False,
}
PROMPTS = torch.tensor([[EOS, 2, 3], [4, 5, 6]])


@pytest.fixture(scope="module")
def grammar(vocabulary: detent.Vocabulary) -> detent.Grammar:
    return detent.Compiler(vocabulary).json_schema(SCHEMA, whitespace="compact")


def generate(
    model: Any, processor: detent.LogitsProcessor, prompts: torch.Tensor = PROMPTS, **options: Any
) -> torch.Tensor:
    attended = (prompts != EOS).long()
    options = {"attention_mask": attended, "max_new_tokens": 150, "do_sample": False, **options}
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
    processor = detent.LogitsProcessor(
        detent.Compiler(vocabulary).json_schema({"enum": [17, 28]}, whitespace="compact")
    )

    def allowed(*texts: bytes) -> list[set[str]]:
        scores = processor(torch.tensor([list(text) for text in texts]), torch.zeros(len(texts), len(vocabulary) + 3))
        return [{chr(token) for token in row.isfinite().nonzero().flatten() if token < 256} for row in scores]

    one, two, three = allowed(b"p", b"q", b"p")
    assert one == two == three and {"1", "2"} <= one and "3" not in one
    one, two = allowed(b"q2", b"p1")
    assert "8" in one and "7" not in one and "7" in two and "8" not in two
    one, two, three = allowed(b"p17", b"q28", b"p17")
    assert one == three and not {"7", "8"} & (one | two)
    assert "7" in allowed(b"p1")[0]  # back in length
    assert allowed(b"r" * 9) == allowed(b"p")  # a new prompt
    assert len(allowed(b"pz")[0]) == 256  # a draft that was never allowed is not masked, and rejected anyway


def test_scores_are_left_alone_and_padding_columns_are_forbidden(vocabulary: detent.Vocabulary) -> None:
    processor = detent.LogitsProcessor(detent.Compiler(vocabulary).json_schema({"const": None}, whitespace="compact"))
    scores = torch.zeros(1, len(vocabulary) + 40, dtype=torch.bfloat16)
    masked = processor(torch.tensor([[1]]), scores)
    assert scores.isfinite().all()
    assert masked.isfinite().nonzero().tolist() == [[0, ord("n")]]


def test_memory_is_bounded(vocabulary: detent.Vocabulary) -> None:
    processor = detent.LogitsProcessor(detent.Compiler(vocabulary).json_schema({"type": "integer"}), memory=8)
    for length in range(1, 100):
        processor(torch.tensor([[1] + [ord("1")] * length]), torch.zeros(1, len(vocabulary)))
    assert len(processor._matchers) == 8


def test_same_texts_as_the_front_door(lm: detent.LanguageModel, llama: Any, grammar: detent.Grammar) -> None:
    greedy = detent.run(lm, PROMPTS[1].tolist(), grammar, sampler=detent.Masking(temperature=0), max_new_tokens=150)
    processed = generate(llama, detent.LogitsProcessor(grammar), PROMPTS[1:])
    assert processed[0].tolist() == greedy.tokens


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", ["draft model", "itself", "prompt lookup"])
def test_assisted_decoding_never_fails(
    llama: Any, vocabulary: detent.Vocabulary, grammar: detent.Grammar, kind: str
) -> None:
    """Greedy and sampled, the processor used again and again: refused drafts leave nothing behind."""
    processor = detent.LogitsProcessor(grammar)
    helpers: dict[str, dict[str, Any]] = {
        "draft model": {"assistant_model": make_llama(seed=1)},
        "itself": {"assistant_model": llama},
        "prompt lookup": {"prompt_lookup_num_tokens": 4},
    }
    for seed in range(6):
        torch.manual_seed(seed)
        prompt = torch.randint(32, 127, (1, 3 + seed))
        plain = generate(llama, processor, prompt)
        assert generate(llama, processor, prompt, **helpers[kind])[0].tolist() == plain[0].tolist()
        assert_valid(vocabulary, generate(llama, processor, prompt, do_sample=True, **helpers[kind]))
