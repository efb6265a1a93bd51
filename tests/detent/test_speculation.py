"""Drafts through the front door, on random models: the same texts as without, whatever drafts."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
import pytest
import torch
from pydantic import BaseModel

import detent
from detent import Masking, ModelDrafter, Speculation
from detent.prefixes import PrefixStore
from detent.sampler.guide import Guide
from detent.sampler.speculation.drafter import Ask
from detent.sampler.speculation.texts import forced_text, retokenise, settled
from detent.sampler.speculation.tree import Tree

from .tiny import EOS, TOKENS, encode, make_gpt2, make_llama

OPTIONS: Any = {"max_new_tokens": 60, "whitespace": "compact", "seed": 3}
GREEDY = Masking(temperature=0)
PROMPTS = ["hello", "a", '{"name":"Ann"}', "hello"]


class Pick(BaseModel):
    name: Literal["Ann", "Bo"]
    note: str
    ok: bool


def foreign(seed: int = 5) -> detent.LanguageModel:
    """A random model over other tokens: bytes in another order, and pairs."""
    pairs = [bytes([a, b]) for a in b'abnot"{:,' for b in b'abnot"{:,']
    tokens: list[bytes | None] = [*pairs, *(bytes([value]) for value in reversed(range(256))), None]
    vocabulary = detent.Vocabulary.from_tokens(tokens, eos=[len(tokens) - 1])
    numbers = {token: i for i, token in enumerate(tokens)}

    def encode_pairs(text: str) -> list[int]:
        data, ids = text.encode(), []
        while data:
            n = 2 if data[:2] in numbers and len(data) > 1 else 1
            ids.append(numbers[data[:n]])
            data = data[n:]
        return ids

    torch.manual_seed(seed)
    table = torch.randn(len(tokens), len(tokens))
    return detent.load(lambda ids: table[ids[:, -1]], vocabulary, encode=encode_pairs)


def drafters(lm: detent.LanguageModel, llama: Any) -> dict[str, Any]:
    other = PrefixStore(make_llama(seed=1))
    return {
        "training-free": True,
        "lookup": detent.PromptLookup(),
        "n-grams": detent.NGrams(),
        "recycling": detent.Recycling(),
        "forced text": detent.ForcedText(lm.vocabulary, encode),
        "other model": ModelDrafter(other, confidence=0.0),
        "other model, tree": ModelDrafter(other, width=(3, 2, 1), confidence=0.0),
        "another architecture": detent.load(make_gpt2().eval(), lm.vocabulary, encode=encode),
        "fewer layers": ModelDrafter(PrefixStore(detent.skip_layers(llama, [1])), confidence=0.0),
        "itself": ModelDrafter(PrefixStore(llama), confidence=0.0),
        "another vocabulary": foreign(),
        "several": detent.Combined(detent.PromptLookup(longest=8, shortest=5), ModelDrafter(other)),
    }


KINDS = [
    "training-free", "lookup", "n-grams", "recycling", "forced text", "other model", "other model, tree",
    "another architecture", "fewer layers", "itself", "another vocabulary", "several",
]  # fmt: skip
NOT_DRAWN = ["training-free", "lookup", "n-grams", "recycling", "forced text", "another vocabulary"]


@pytest.mark.parametrize("kind", KINDS)
def test_greedy_is_the_same_token_for_token(lm: detent.LanguageModel, llama: Any, kind: str) -> None:
    prompts = [*PROMPTS, *(chr(97 + i) * (1 + i % 5) for i in range(20))]
    plain = detent.run(lm, prompts, Pick, sampler=GREEDY, **OPTIONS)
    drafted = detent.run(lm, prompts, Pick, sampler=GREEDY, draft=drafters(lm, llama)[kind], **OPTIONS)
    for one, two in zip(plain, drafted, strict=True):
        assert one.tokens == two.tokens and one.finish == two.finish
        assert one.logprob == pytest.approx(two.logprob, abs=1e-3)
        assert one.log_weight == pytest.approx(two.log_weight, abs=1e-2)
        assert one.stats.n_forced == two.stats.n_forced
    assert sum(r.stats.n_forwards for r in drafted) <= sum(r.stats.n_forwards for r in plain)


@pytest.mark.parametrize("kind", NOT_DRAWN)
@pytest.mark.parametrize("sampler", [Masking(), Masking(0.7, top_k=40, top_p=0.9), detent.AWRS()])
def test_drafts_that_are_not_drawn_change_no_token(
    lm: detent.LanguageModel, llama: Any, kind: str, sampler: Any
) -> None:
    plain = detent.run(lm, PROMPTS, Pick, sampler=sampler, n=2, **OPTIONS)
    drafted = detent.run(lm, PROMPTS, Pick, sampler=sampler, n=2, draft=drafters(lm, llama)[kind], **OPTIONS)
    for one, two in zip(plain, drafted, strict=True):
        assert [r.tokens for r in one] == [r.tokens for r in two]
        assert one.weights == pytest.approx(two.weights, abs=1e-3) and one.is_weighted == two.is_weighted


@pytest.mark.parametrize("kind", KINDS)
def test_texts_follow_the_grammar(lm: detent.LanguageModel, llama: Any, kind: str) -> None:
    draft = drafters(lm, llama)[kind]
    for seed in range(3):
        for result in detent.run(lm, PROMPTS, Pick, draft=draft, **{**OPTIONS, "seed": seed}):
            if result.finish == "stop":
                assert json.loads(result.text) == result.value.model_dump()
            else:
                assert result.finish == "length" and len(result.tokens) == 60


@pytest.mark.parametrize("kind", KINDS)
def test_rows_do_not_depend_on_the_batch(lm: detent.LanguageModel, llama: Any, kind: str) -> None:
    """Pitfall 11: acceptance is ragged, so are positions, padding and what is kept of keys and values."""
    prompts = [*PROMPTS, "xyz " * 9, "q", "hello hello", "{"]
    together, apart = (
        detent.run(lm, prompts, Pick, draft=drafters(lm, llama)[kind], batch_size=size, **OPTIONS) for size in (8, 1)
    )
    assert [r.tokens for r in together] == [r.tokens for r in apart]
    accepted = {r.stats.n_accepted for r in together}
    assert kind in ("n-grams", "recycling") or len(accepted) > 1 or accepted == {0}


def test_logprobs_are_those_of_the_model(
    lm: detent.LanguageModel, llama: Any, log_probability: Callable[[list[int], list[int]], list[float]]
) -> None:
    """Position ids and the cache are right, whatever was accepted and refused on the way."""
    for kind in ("training-free", "other model", "other model, tree", "itself"):
        results = detent.run(lm, PROMPTS, Pick, draft=drafters(lm, llama)[kind], **OPTIONS)
        for text, result in zip(PROMPTS, results, strict=True):
            expected = log_probability(list(text.encode()), result.tokens)
            assert [s.logprob + s.log_weight for s in result.trace] == pytest.approx(expected, abs=2e-3)


def test_the_limit_is_a_limit(lm: detent.LanguageModel, llama: Any) -> None:
    for kind in KINDS:
        plain = detent.run(lm, "hello", Pick, sampler=GREEDY, max_new_tokens=7)
        drafted = detent.run(lm, "hello", Pick, sampler=GREEDY, draft=drafters(lm, llama)[kind], max_new_tokens=7)
        assert plain.tokens == drafted.tokens and drafted.finish == "length"
        assert isinstance(drafted.error, detent.Truncated)


def test_any_callable_is_a_target(plain_lm: detent.LanguageModel, lm: detent.LanguageModel) -> None:
    for sampler in (GREEDY, Masking()):
        one, two = (detent.run(each, "hello", Pick, sampler=sampler, draft=True, **OPTIONS) for each in (plain_lm, lm))
        assert one.tokens == two.tokens


def test_a_predicate_stands_beside_the_grammar(lm: detent.LanguageModel) -> None:
    def no_an(text: str) -> bool:
        return "An" not in text

    for sampler in (Masking(), detent.AWRS()):
        plain = detent.run(lm, PROMPTS, Pick, sampler=sampler, where=no_an, **OPTIONS)
        drafted = detent.run(lm, PROMPTS, Pick, sampler=sampler, where=no_an, draft=True, **OPTIONS)
        assert [r.tokens for r in plain] == [r.tokens for r in drafted]
    result = detent.run(lm, "hello", lm.compiler.regex("abc"), where=lambda text: "c" not in text, draft=True)
    assert result.finish == "dead" and result.text == "ab"


def test_free_text_can_be_drafted(lm: detent.LanguageModel) -> None:
    plain, drafted = (detent.run(lm, PROMPTS, draft=d, max_new_tokens=30, seed=0) for d in (None, True))
    assert [r.tokens for r in plain] == [r.tokens for r in drafted]


def test_a_draft_equal_to_the_target_writes_one_token_more_than_it_drafts(lm: detent.LanguageModel, llama: Any) -> None:
    """k + 1 tokens a run, for text without forced tokens."""
    spec = lm.compiler.regex("[ab]{48}")
    for length in range(1, 9):
        draft = Speculation(ModelDrafter(PrefixStore(llama), confidence=0.0), length, adaptive=False)
        result = detent.run(lm, "hello", spec, draft=draft, seed=length)
        assert 48 / (length + 1) <= result.stats.n_forwards <= -(-48 // (length + 1)) + 1
        assert result.stats.n_accepted >= 48 * length // (length + 1) - 1


def test_forced_runs_cost_no_run_of_the_model(lm: detent.LanguageModel) -> None:
    spec = lm.compiler.regex("[ab]ccccccccccccccc[ab]ddddddddddddddddd")
    result = detent.run(lm, "hello", spec, draft=detent.Combined(), seed=0)
    assert result.stats.n_forced == 33 and result.stats.n_forwards <= 2 + 1
    assert [step.forced for step in result.trace].count(False) == 2


def test_a_text_that_is_repeated_is_copied(vocabulary: detent.Vocabulary) -> None:
    """At least three tokens a run where a model repeats the JSON of its prompt."""
    text = '{"name": "Ada", "tags": ["x1", "y22", "z333"], "total": 41.5, "open": true}'
    script = [*encode(text), EOS]

    def model(ids: torch.Tensor) -> torch.Tensor:
        logits = torch.zeros(len(ids), len(vocabulary))
        written = ids.shape[1] - len(script)
        logits[:, script[written] if written < len(script) else EOS] = 9.0
        return logits

    lm = detent.load(model, vocabulary, encode=lambda prompt: [*encode(text), ord("\n")])
    result = detent.run(lm, "x", {"type": "object"}, sampler=GREEDY, draft=detent.PromptLookup())
    assert result.text == text
    assert result.stats.n_tokens / result.stats.n_forwards >= 3


def test_drafting_stops_where_it_does_not_pay(lm: detent.LanguageModel) -> None:
    asked = []

    class Wrong:
        cost = 0.3

        def draft(self, asks: Sequence[Any]) -> list[Any]:
            asked.extend(ask.length for ask in asks)
            return [Tree.chain([ord("a")] * ask.length) for ask in asks]

        def learn(self, seen: Any) -> None:
            pass

    spec = lm.compiler.regex("[b-z]{60}a*")
    detent.run(lm, "hello", spec, draft=Wrong(), max_new_tokens=60)  # type: ignore[arg-type]
    assert asked[0] > 0 and asked.count(0) > len(asked) / 2 and any(asked[len(asked) // 2 :])


# --------------------------------------------------------------------------------------------------------------- stream
@pytest.mark.parametrize("draft", [None, True, detent.PromptLookup()])
def test_a_stream_is_the_text_in_pieces(lm: detent.LanguageModel, draft: Any) -> None:
    result = detent.run(lm, "hello", Pick, **OPTIONS)
    pieces, stream = [], detent.stream(lm, "hello", Pick, draft=draft, **OPTIONS)
    while True:
        try:
            pieces.append(next(stream))
        except StopIteration as end:
            streamed = end.value
            break
    assert "".join(pieces) == result.text == streamed.text and len(pieces) > 1
    assert streamed.tokens == result.tokens and all(pieces)


def test_a_stream_holds_back_the_parts_of_a_character(lm: detent.LanguageModel) -> None:
    pieces = list(detent.stream(lm, "hello", lm.compiler.regex("[éü日]{12}"), seed=0))
    assert "�" not in "".join(pieces) and len("".join(pieces)) == 12


def test_what_has_no_tokens_one_by_one_is_refused(lm: detent.LanguageModel) -> None:
    with pytest.raises(ValueError, match="token by token"):
        detent.run(lm, "hello", Pick, sampler=detent.SMC(2), draft=True)
    with pytest.raises(ValueError, match="nothing to stream"):
        detent.stream(lm, "hello", Pick, sampler=detent.BeamSearch())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="draft must be"):
        detent.run(lm, "hello", Pick, draft=7)  # type: ignore[arg-type]


# ---------------------------------------------------------------------------------------------------------- text drafts
MERGED = detent.Vocabulary.from_tokens([*TOKENS[:256], b"ab", b"abc", b"bc", "é".encode(), b"cd", None], eos=[261])


def longest_first(text: str) -> list[int]:
    pieces = {MERGED.token_bytes(i): i for i in range(261)}
    data, ids = text.encode(), []
    while data:
        n = next(n for n in (3, 2, 1) if data[:n] in pieces)
        ids.append(pieces[data[:n]])
        data = data[n:]
    return ids


def test_forced_bytes_are_cut_as_the_tokenizer_cuts_them() -> None:
    """Pitfall 7: a boundary that the tokenizer would not make is not made up; tokens that might grow are held back."""
    ab, abc, bc, accent = 256, 257, 258, 259
    cut = partial(retokenise, MERGED, longest_first)
    assert cut([ord("x")], b"abcx") == [abc, ord("x")]
    assert cut([ord("a")], b"bcx") == []  # "abc" is one token: no boundary behind "a"
    assert cut([ord("x"), ab], b"dd") == [ord("d")] * 2
    assert cut([], b"ab\xc3") == [ab]  # a character that is cut off
    assert cut([0xC3], b"\xa9ab") == []  # within a character
    assert cut([accent], b"\xff") == []
    compiler = detent.Compiler(MERGED)
    guide = Guide(MERGED, compiler.regex("[xy]abcbc").matcher())
    assert guide.accept(ord("x")) and forced_text(guide) == (b"abcbc", frozenset()) and guide.ids == [ord("x")]
    draft = detent.ForcedText(MERGED, longest_first)
    ask = Ask([1, ord("x")], 1, guide, 0, None, np.random.default_rng(0), None)  # type: ignore[arg-type]
    assert draft.draft([ask])[0].tokens[1:] == [abc, bc]
    assert settled(MERGED, longest_first, [], b"xab", frozenset(b"c")) == [ord("x")]  # "ab" becomes "abc"
    assert settled(MERGED, longest_first, [], b"xab", frozenset(b"d")) == [ord("x"), ab]


def test_a_draft_of_other_tokens_may_cut_a_character() -> None:
    """Pitfall 12: both sides may have half a character."""
    other = detent.Vocabulary.from_tokens([b"\xa9", b"\xc3", b"x", b"\xc3\xa9", b"ab", None], eos=[5])

    def says(tokens: Sequence[int]) -> Any:
        class Says:
            cost = 0.0

            def draft(self, asks: Sequence[Any]) -> list[Any]:
                return [Tree.chain(tokens) for _ in asks]

        return Says()

    def drafted(text: list[int], tokens: Sequence[int]) -> list[int]:
        translated = detent.Translated(MERGED, longest_first, other, lambda text: [2], says(tokens))
        ask = Ask(text, 1, Guide(MERGED), 9, None, np.random.default_rng(0), lambda guide: None)  # type: ignore[arg-type,return-value]
        return translated.draft([ask])[0].tokens[1:]

    assert drafted([ord("x")], [3, 4]) == [259, 256]
    assert drafted([ord("x")], [4, 1]) == [256]  # half a character at the end of the draft
    assert drafted([ord("x"), 0xC3], [3, 4]) == []  # half a character so far, which the draft writes again: no boundary
    assert drafted([ord("x"), 0xC3], [4]) == []


# ----------------------------------------------------------------------------------------------------------- boundaries
def scripted(text: bytes) -> Any:
    """Drafts always the same text."""

    class Script:
        cost = 0.0

        def draft(self, asks: Sequence[Ask]) -> list[Tree]:
            return [Tree.chain(list(text)[: ask.length]) for ask in asks]

        def learn(self, seen: Any) -> None:
            pass

    return Script()


@pytest.mark.parametrize("text", [b"ab;yes!", b";no", b";nope", b"aaaaaaaaaaaaaa", b";;", b"\x00\xff"])
def test_a_draft_may_cross_from_free_text_into_fixed_text(lm: detent.LanguageModel, text: bytes) -> None:
    """Pitfalls 4 and 5: a draft that is illegal from some place on neither stops the text nor leaks into it."""
    spec = lm.compiler.regex("[a-z]{0,9};(yes|no)")
    for sampler in (GREEDY, Masking(), detent.AWRS()):
        plain, drafted = (
            detent.run(lm, PROMPTS, spec, sampler=sampler, draft=d, seed=1) for d in (None, scripted(text))
        )
        assert [r.tokens for r in plain] == [r.tokens for r in drafted]
        assert all(r.finish == "stop" for r in drafted)


@pytest.mark.parametrize("text", [b'hm <f>{"x":1}</f>', b'<f>{"y', b"<f></f>", b'<f>{"x":12}</f> <f>{"x":', b"<<<f>{"])
def test_a_draft_may_cross_into_a_call_and_out_of_it(lm: detent.LanguageModel, text: bytes) -> None:
    """Pitfall 5: from free text, where everything is allowed, into a tag with a schema, within one draft."""
    schema = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
    content = {"type": "json_schema", "json_schema": schema}
    tag = {"type": "tag", "begin": "<f>", "content": content, "end": "</f>"}
    spec = lm.compiler.structural_tag(
        {"type": "structural_tag", "format": {"type": "triggered_tags", "triggers": ["<f>"], "tags": [tag]}}
    )
    for sampler in (GREEDY, Masking(), detent.AWRS()):
        plain, drafted = (
            detent.run(lm, PROMPTS, spec, sampler=sampler, draft=d, seed=2, max_new_tokens=24)
            for d in (None, scripted(text))
        )
        assert [r.tokens for r in plain] == [r.tokens for r in drafted]
        assert all(spec.matcher().validate(r.tokens) == len(r.tokens) for r in drafted)


def test_layers_are_skipped_without_touching_the_model(llama: Any) -> None:
    ids = torch.tensor([[1, 2, 3, 4]])
    with torch.inference_mode():
        before = llama(ids).logits
        whole, first, last = (detent.skip_layers(llama, kept) for kept in ([0, 1], [0], [1]))
        assert torch.equal(whole(ids).logits, before)
        assert not torch.allclose(first(ids).logits, last(ids).logits)
        assert torch.equal(llama(ids).logits, before) and len(llama.model.layers) == 2
    assert last.model.layers[0].self_attn.layer_idx == 0 and llama.model.layers[1].self_attn.layer_idx == 1
    assert last.lm_head.weight is llama.lm_head.weight
    assert len(detent.skip_layers(make_gpt2(), [1]).transformer.h) == 1
    for wrong in ([], [2], [1, 0], [0, 0]):
        with pytest.raises(ValueError, match="kept must be"):
            detent.skip_layers(llama, wrong)
