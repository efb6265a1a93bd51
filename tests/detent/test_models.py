"""Loading models, and running them in batches: equal to running each text alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

import detent
from detent import growing_cache
from detent.sessions import CachedSession, PlainSession

from .tiny import EOS, WIDTH, encode, make_gpt2, make_llama


@pytest.mark.parametrize("make", [make_llama, make_gpt2])
def test_cached_session_equals_running_whole_texts(make: Any) -> None:
    model = make().eval()

    @settings(derandomize=True, max_examples=15, deadline=None)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        token = st.integers(0, WIDTH - 1)
        prompts = data.draw(st.lists(st.lists(token, min_size=1, max_size=9), min_size=1, max_size=4))
        cached, plain = CachedSession(model), PlainSession(lambda ids: model(ids).logits[:, -1])
        with torch.inference_mode():
            torch.testing.assert_close(cached.prefill(prompts), plain.prefill(prompts), atol=2e-4, rtol=0)
            rows = len(prompts)
            for _ in range(3):
                size = data.draw(st.integers(1, 3))
                block = data.draw(st.lists(st.lists(token, min_size=size, max_size=size), min_size=rows, max_size=rows))
                alone = torch.cat([plain.extend([[row[i]] for row in block]) for i in range(size)], dim=1)
                torch.testing.assert_close(cached.extend(block), alone, atol=2e-4, rtol=0)
                kept = data.draw(st.lists(st.integers(0, rows - 1), min_size=1, max_size=4))
                cached.select(kept)
                plain.select(kept)
                rows = len(kept)

    check()


def test_a_cache_grows_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Token by token past the room of several growths, with rows dropped and doubled on the way."""
    monkeypatch.setattr(growing_cache, "ROOM", 5)
    model, texts = make_llama().eval(), [[1, 2, 3], [4], [5, 6]]
    cached, plain = CachedSession(model), PlainSession(lambda ids: model(ids).logits[:, -1])
    places = set()
    with torch.inference_mode():
        cached.prefill(texts), plain.prefill(texts)
        for i in range(40):
            block = [[(7 * i + row) % WIDTH] for row in range(3)]
            torch.testing.assert_close(cached.extend(block), plain.extend(block), atol=2e-4, rtol=0)
            places.add(cached.cache.layers[0].keys.data_ptr())
            if i in (11, 12, 30):
                cached.select([1, 1, 0]), plain.select([1, 1, 0])
    assert 3 < len(places) < 15


def byte_tokenizer(chat_template: str | None = None) -> PreTrainedTokenizerFast:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    core = Tokenizer(models.BPE({letter: i for i, letter in enumerate(alphabet)}, []))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, eos_token="<end>")
    tokenizer.chat_template = chat_template
    return tokenizer


def test_load_takes_the_chat_template_and_the_width_of_the_model(llama: Any) -> None:
    template = "{% for message in messages %}<{{ message.role }}>{{ message.content }}{% endfor %}"
    lm = detent.load(llama, byte_tokenizer(template + "{% if add_generation_prompt %}<assistant>{% endif %}"))
    assert lm.template("hi", None) == "<user>hi<assistant>"
    assert len(lm.vocabulary) == WIDTH and lm.max_length == 256
    assert set(lm.vocabulary.eos_ids) == {256, EOS}
    assert len(lm.encode("hi é")) == 5
    lm.template = lambda prompt, schema: f"{prompt}!"
    assert isinstance(detent.generate(lm, "hi", bool, seed=0, max_new_tokens=150, whitespace="compact"), bool)


def test_load_without_a_chat_template_gives_the_prompt_itself(llama: Any) -> None:
    assert detent.load(llama, byte_tokenizer()).template("hi", None) == "hi"


def test_load_switches_to_evaluation(vocabulary: detent.Vocabulary) -> None:
    model = make_gpt2().train()
    lm = detent.load(model, vocabulary, encode=encode)
    assert not model.training
    assert isinstance(detent.generate(lm, "hi", bool, seed=0, max_new_tokens=150, whitespace="compact"), bool)


def test_load_refuses_what_it_cannot_run(llama: Any, vocabulary: detent.Vocabulary) -> None:
    with pytest.raises(TypeError, match="needs a tokenizer"):
        detent.load(llama)
    result = detent.run(detent.load(llama, vocabulary), "text", bool)
    assert isinstance(result.error, TypeError) and "token ids" in str(result.error)


def test_a_callable_must_give_one_row_of_logits_per_row(vocabulary: detent.Vocabulary) -> None:
    lm = detent.load(lambda ids: torch.zeros(len(ids), 3, WIDTH), vocabulary, encode=encode)
    with pytest.raises(ValueError, match=r"must give logits \[1, vocabulary\], not \[1, 3, "):
        detent.run(lm, "text", bool)
