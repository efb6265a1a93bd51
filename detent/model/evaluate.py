"""Measure the demonstration model on texts it was not trained on, without any mask.

Run ``python -m detent.model.evaluate [DIR]``. Three sets of texts: *seen* (the training distribution, fresh draws),
*unseen keys* (notes whose real-word keys were kept out of training) and *unseen domain* (everyday sentences of a kind
kept out of training). Four rates of each: the answer parses as JSON, fits the schema, how many members of the answer
are right, and how many whole answers are right.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import jsonschema
import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from detent.model import MODEL_DIR
from detent.model.data import Example, domain_example, note, sample
from detent.model.domains import UNSEEN_DOMAIN
from detent.model.words import UNSEEN_NOUNS

SETS: dict[str, Callable[[Random], Example]] = {
    "seen": sample,
    "unseen keys": lambda rng: note(rng, UNSEEN_NOUNS),
    "unseen domain": lambda rng: domain_example(rng, UNSEEN_DOMAIN),
}


class Rates(NamedTuple):
    """Fractions in 0..1."""

    parses: float
    valid: float
    members: float
    whole: float


def answers(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    prompts: list[str],
    *,
    temperature: float = 0.0,
    max_new_tokens: int = 160,
) -> list[str]:
    """Continue every prompt, greedily when `temperature` is 0, and return the new texts."""
    tokenizer.padding_side = "left"
    inputs = tokenizer(prompts, padding=True, return_tensors="pt", return_token_type_ids=False)
    law: dict[str, Any] = {"do_sample": False}
    if temperature > 0:
        law = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}
    with torch.no_grad():
        outputs = model.generate(**inputs, **law, max_new_tokens=max_new_tokens)  # type: ignore[misc]
    return [
        str(text)
        for text in tokenizer.batch_decode(outputs[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    ]


def rates(examples: list[Example], texts: list[str]) -> Rates:
    """Compare answers with the truth."""
    parsed = valid = whole = members = right = 0
    for example, text in zip(examples, texts, strict=True):
        truth = _members(example.value)
        members += len(truth)
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            continue
        parsed += 1
        valid += jsonschema.Draft202012Validator(example.schema).is_valid(value)
        found = _members(value)
        right += sum(key in found and found[key] == part for key, part in truth.items())
        whole += value == example.value
    n = len(examples)
    return Rates(parsed / n, valid / n, right / members, whole / n)


def _members(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {"": value}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, nargs="?", default=MODEL_DIR)
    parser.add_argument("--number", type=int, default=200, help="texts of each set")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(options.model)
    model = LlamaForCausalLM.from_pretrained(options.model, dtype=torch.float32)
    sys.stdout.write(f"{'':24}{'parses':>8}{'valid':>8}{'members':>8}{'whole':>8}\n")
    for name, draw in SETS.items():
        rng = Random(f"evaluation {options.seed} {name}")
        examples = [draw(rng) for _ in range(options.number)]
        prompts = [example.prompt for example in examples]
        for temperature in (0.0, 1.0):
            measured = rates(examples, answers(model, tokenizer, prompts, temperature=temperature))
            row = "".join(f"{100 * rate:7.1f}%" for rate in measured)
            sys.stdout.write(f"{name + f', T={temperature:.0f}':24}{row}\n")


if __name__ == "__main__":
    main()
