"""A limit that is met in the middle of a text: the row keeps what it wrote, the others go on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import detent
from detent.automata.lowering import JsonLowering
from detent.automata.matcher import Matcher

WAYS = [{"properties": {"p": {"minimum": k}, "q": {"maximum": k}}, "required": ["p"]} for k in range(5)]
CONNECTED = {"type": "object", "properties": {"x": {"type": "object", "oneOf": WAYS}}, "required": ["x"]}
PROMPT = "Write: "


@pytest.fixture
def grammar(lm: detent.LanguageModel) -> detent.Grammar:
    """As if far more work had been asked for: nothing is granted in the middle of the text."""
    grammar = detent.Compiler(lm.vocabulary).json_schema(CONNECTED, order="fixed", whitespace="compact")
    lowering = grammar.bind().lowering
    assert isinstance(lowering, JsonLowering)
    lowering.goals.grace = -1
    return grammar


WRITERS: list[dict[str, Any]] = [
    {},
    {"draft": True},
    {"sampler": detent.AWRS()},
    {"sampler": detent.AWRS(), "draft": True},
    {"where": lambda text: True},
]


@pytest.mark.parametrize("options", WRITERS)
def test_the_result_keeps_the_text(lm: detent.LanguageModel, grammar: detent.Grammar, options: dict[str, Any]) -> None:
    for result in detent.run(lm, [PROMPT, PROMPT + "!"], grammar, seed=0, **options):
        assert result.finish == "error" and isinstance(result.error, detent.LimitExceeded)
        assert result.text.startswith('{"x":') and result.error.text.startswith('{"x":')
        assert b"".join(map(lm.vocabulary.token_bytes, result.tokens)).decode() == result.text
        assert result.stats.n_tokens == len(result.tokens) > 0
        with pytest.raises(detent.LimitExceeded):
            _ = result.value


def test_drafts_change_no_text_that_meets_a_limit(lm: detent.LanguageModel, grammar: detent.Grammar) -> None:
    plain = detent.run(lm, [PROMPT] * 3, grammar, seed=0)
    drafted = detent.run(lm, [PROMPT] * 3, grammar, seed=0, draft=True)
    assert [result.tokens for result in drafted] == [result.tokens for result in plain]


@pytest.mark.parametrize("sampler", [detent.Masking(), detent.SMC(4), detent.CARS(), detent.BeamSearch(2)])
def test_generate_raises_with_the_text(lm: detent.LanguageModel, grammar: detent.Grammar, sampler: Any) -> None:
    with pytest.raises(detent.LimitExceeded) as caught:
        detent.generate(lm, PROMPT, grammar, sampler=sampler, seed=0)
    assert caught.value.text is not None and caught.value.text.startswith('{"x":')
    with pytest.raises(detent.LimitExceeded):
        detent.generate(lm, [PROMPT], grammar, sampler=sampler, seed=0, n=2)
    (results,) = detent.run(lm, [PROMPT], grammar, sampler=sampler, seed=0, n=2)
    assert isinstance(results[0].error, detent.LimitExceeded)


def test_a_stream_raises_behind_what_it_gave(lm: detent.LanguageModel, grammar: detent.Grammar) -> None:
    pieces: list[str] = []
    with pytest.raises(detent.LimitExceeded) as caught:
        pieces.extend(detent.stream(lm, PROMPT, grammar, seed=0))
    assert caught.value.text == "".join(pieces) and pieces


def test_structured_raises_with_the_text(
    lm: detent.LanguageModel, grammar: detent.Grammar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detent.generation.get_type_hints", lambda *_, **__: {"return": grammar})

    @detent.structured(lm, seed=0)
    async def write() -> str:  # type: ignore[empty-body]
        """Write:"""

    with pytest.raises(detent.LimitExceeded) as caught:
        asyncio.run(write())
    assert caught.value.text is not None and caught.value.text.startswith('{"x":')


@pytest.mark.parametrize("method", ["fill_bitmask", "accept"])
@pytest.mark.parametrize("options", WRITERS[:3])
def test_other_rows_go_on(
    lm: detent.LanguageModel, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], method: str
) -> None:
    def texts(**more: Any) -> list[detent.Result[str]]:
        grammar = lm.compiler.regex("(ab|ba)[a-c]{9}")
        results: list[detent.Result[str]] = detent.run(lm, [PROMPT] * 8, grammar, seed=1, **options, **more)
        return results

    usual, plain = texts(), getattr(Matcher, method)
    assert {result.text[0] for result in usual} == {"a", "b"}

    def limited(matcher: Matcher, *arguments: Any) -> Any:
        if matcher._taken[:2] == [*b"ba"] and len(matcher._taken) >= 5:
            raise detent.LimitExceeded("cache_bytes", 2, 1)
        return plain(matcher, *arguments)

    monkeypatch.setattr(Matcher, method, limited)
    alone = options.get("sampler") is not None and method == "accept"  # it tries tokens for all rows at once
    for before, result in zip(usual, texts(batch_size=1 if alone else 8), strict=True):
        if before.text.startswith("a"):
            assert (result.text, result.finish) == (before.text, "stop")
        else:
            assert result.finish == "error" and result.text == before.text[: len(result.tokens)]
            assert len(result.tokens) >= 5 or options
