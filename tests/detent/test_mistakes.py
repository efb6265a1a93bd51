"""Common mistakes are refused by type and with the remedy, before the first token."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import BaseModel

import detent

VOCABULARY = detent.Vocabulary.from_tokens([*(bytes([b]) for b in range(256)), None], eos=[256])
LOGITS, MASK = torch.zeros(2, 257), detent.allocate_bitmask(2, 257)
PAGE = Path("invoice.schema.json")


class Person(BaseModel):
    name: str


def compiler() -> Any:
    return detent.Compiler(VOCABULARY)


def fill(mask: Any, row: int = 0) -> Callable[[], object]:
    return lambda: compiler().json_schema(True).matcher().fill_bitmask(mask, row)


def locked() -> Any:
    mask = detent.allocate_bitmask(1, 257)
    mask.flags.writeable = False
    return mask


MISTAKES: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: detent.Vocabulary.from_transformers("gpt2"), detent.VocabularyError, "AutoTokenizer"),
    (lambda: detent.Vocabulary.from_tiktoken("cl100k_base"), TypeError, "get_encoding"),
    (lambda: detent.Vocabulary.from_tokens(["a", "b"]), TypeError, "bytes"),  # type: ignore[list-item]
    (lambda: detent.Vocabulary.from_tokens([b"a", b"b"], eos=1), TypeError, r"eos=\[1\]"),  # type: ignore[arg-type]
    (lambda: detent.Limits(cache_bytes="1GB"), TypeError, "cache_bytes"),  # type: ignore[arg-type]
    (lambda: detent.Limits(max_nodes=0), ValueError, "max_nodes must be at least 1"),
    (lambda: detent.Compiler(object()), TypeError, "Vocabulary.from_transformers"),  # type: ignore[arg-type]
    (lambda: detent.Compiler(VOCABULARY, limits={"max_nodes": 5}), TypeError, "Limits"),  # type: ignore[arg-type]
    (lambda: detent.Compiler(VOCABULARY, limits=detent.Limits(cache_bytes=9)), detent.LimitExceeded, "cache_bytes"),
    (lambda: compiler().json_schema("invoice.json"), detent.GrammarError, "not the name of a file"),
    (lambda: compiler().structural_tag("<tool>"), detent.GrammarError, "is not JSON"),
    (lambda: compiler().lark("sql.lark"), detent.GrammarError, "given as its text"),
    (lambda: compiler().gbnf("sql.gbnf"), detent.GrammarError, "given as its text"),
    (lambda: compiler().lark(PAGE), TypeError, "a grammar must be a str"),
    (lambda: compiler().ebnf(None), TypeError, "a grammar must be a str"),
    (lambda: compiler().regex(re.compile("a")), TypeError, "pattern must be a str"),
    (lambda: compiler().choice("yes"), TypeError, r"\['yes'\]"),
    (lambda: compiler().choice([1, 2]), TypeError, "a choice must be a str"),
    (fill(torch.zeros(1, 9, dtype=torch.int32)), TypeError, "numpy"),
    (fill(MASK[0]), ValueError, "allocate_bitmask"),
    (fill(np.ones((1, 257), np.bool_)), ValueError, "allocate_bitmask"),
    (fill(detent.allocate_bitmask(1, 100)), ValueError, "4 words for a vocabulary of 9"),
    (fill(locked()), ValueError, "writable"),
    (fill(MASK, 2), IndexError, "row 2 of a mask of 2 rows"),
    (lambda: detent.apply_bitmask(LOGITS.numpy(), MASK), TypeError, "from_numpy"),  # type: ignore[arg-type]
    (lambda: detent.apply_bitmask(MASK, LOGITS), TypeError, "from_numpy"),  # type: ignore[arg-type]
    (lambda: detent.apply_bitmask(LOGITS, MASK.tolist()), TypeError, "list"),
    (lambda: detent.apply_bitmask(LOGITS > 0, MASK), TypeError, "floating point"),
    (lambda: detent.apply_bitmask(LOGITS.T, MASK), ValueError, r"257 rows of logits, of shape \(257, 2\)"),
    (lambda: detent.apply_bitmask(LOGITS, MASK[:1]), ValueError, "1 mask rows for 2 rows"),
    (lambda: detent.apply_bitmask(LOGITS, MASK > 0), TypeError, "int32"),
    (lambda: detent.load("gpt2", "gpt2"), TypeError, "from_pretrained"),
    (lambda: detent.load(tokenizer=VOCABULARY), TypeError, "model must be a model"),
    (lambda: detent.load(lambda ids: LOGITS), TypeError, "needs a tokenizer"),
    (lambda: detent.generate(torch.nn.Linear(1, 1), "a", Person), TypeError, "detent.load"),  # type: ignore[call-overload]
    (lambda: detent.structured(fill), TypeError, r"@detent.structured\(lm\)"),  # type: ignore[arg-type]
    (lambda: detent.LogitsProcessor({"type": "object"}), TypeError, "json_schema"),  # type: ignore[arg-type]
    (lambda: detent.infill.completable({"type": "integer"}, "abc"), TypeError, "list of texts"),
]
SPECIFICATIONS: list[tuple[Any, str]] = [
    (PAGE, "a file must be read"),
    (str(PAGE), "not the name of a file"),
    ("{'type': 'integer'}", "is not JSON"),
    (b"{}", "no specification"),
    (["yes", "no"], "no specification"),
    (Person(name="Ada"), "no specification"),
]
OPTIONS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"max_new_tokens": "5"}, TypeError, "max_new_tokens must be an int"),
    ({"max_new_tokens": 0}, ValueError, "max_new_tokens must be at least 1"),
    ({"n": 2.5}, TypeError, "n must be an int"),
    ({"sampler": "greedy"}, TypeError, "detent.Masking"),
    ({"sampler": detent.Masking}, TypeError, "the class Masking"),
    ({"draft": "ngrams"}, TypeError, "draft must be True"),
    ({"where": True}, TypeError, "function"),
    ({"whitespace": "none"}, ValueError, "compact"),
]


@pytest.mark.parametrize(("mistake", "kind", "remedy"), MISTAKES)
def test_mistakes(mistake: Callable[[], object], kind: type[Exception], remedy: str) -> None:
    with pytest.raises(kind, match=remedy):
        mistake()


@pytest.mark.parametrize(("spec", "remedy"), SPECIFICATIONS)
def test_what_is_no_specification(lm: detent.LanguageModel, spec: Any, remedy: str) -> None:
    with pytest.raises(detent.GrammarError, match=remedy):
        detent.generate(lm, "Ada", spec)


@pytest.mark.parametrize(("options", "kind", "remedy"), OPTIONS)
def test_options(lm: detent.LanguageModel, options: dict[str, Any], kind: type[Exception], remedy: str) -> None:
    with pytest.raises(kind, match=remedy):
        detent.generate(lm, "Ada", Person, **options)


def test_prompts(lm: detent.LanguageModel) -> None:
    with pytest.raises(TypeError, match="apply_chat_template"):
        detent.generate(lm, [{"role": "user", "content": "Who?"}], Person)
    with pytest.raises(TypeError, match="a text or token ids"):
        detent.stream(lm, ["Ada", "Bob"], Person)  # type: ignore[arg-type]
    ids = torch.tensor([65, 100])
    assert detent.run(lm, [ids], bool, seed=0)[0].text == detent.run(lm, [[65, 100]], bool, seed=0)[0].text
