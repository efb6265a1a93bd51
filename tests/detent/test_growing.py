"""Texts that grow: equal to running every prefix by itself, and no token is read twice."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import detent
from detent.growing import SPARE, GrowingTexts, reads_trees

from .test_prefixes import alone
from .tiny import make_gpt2, make_llama

STARTS = [[1, 2, 3, 4, 5], [1, 2, 9, 8], [7], [7, 7, 7, 7, 7, 7, 7, 7]]


def equal(texts: GrowingTexts, prefixes: list[list[int]]) -> None:
    torch.testing.assert_close(texts(prefixes), alone(texts.model, prefixes), atol=2e-4, rtol=0)
    for row in texts._rows:
        assert row.columns == sorted(set(row.columns)) and len(row.columns) == len(row.ids)
        assert max([*row.columns, *row.others.values()]) < texts._length


@pytest.mark.parametrize("make", [make_llama, make_gpt2])
def test_any_prefixes_in_any_order(make: Any) -> None:
    model = make().eval()
    assert reads_trees(model)
    prefix = st.builds(lambda start, new: start + new, st.sampled_from(STARTS), st.lists(st.integers(0, 2), max_size=6))

    @settings(derandomize=True, max_examples=25, deadline=None)
    @given(st.lists(st.lists(prefix, min_size=1, max_size=5), min_size=3, max_size=6))
    def check(calls: list[list[list[int]]]) -> None:
        texts = GrowingTexts(model)
        for prefixes in calls:
            equal(texts, [*prefixes, prefixes[0], prefixes[0][:1]])  # again, and a place on the way

    check()


def make_eager() -> Any:
    model = make_llama()
    model.set_attn_implementation("eager")
    return model


@pytest.mark.parametrize("make", [make_llama, make_gpt2, make_eager])
def test_trees_behind_ragged_rows_of_which_some_wait(make: Any) -> None:
    """Pitfall 11: what was kept of each row's draft differs, so do positions; rows come, rest and go."""
    model = make().eval()

    @settings(derandomize=True, max_examples=10, deadline=None)
    @given(st.randoms(use_true_random=False), st.integers(1, 4))
    def check(rng: Any, n_rows: int) -> None:
        texts = GrowingTexts(model, max_idle=rng.choice([0, 3]))
        rows = [[rng.randrange(250) for _ in range(rng.randint(1, 20))] for _ in range(4)]
        rows = rows[:n_rows]
        for _ in range(12):
            prefixes = []
            for row in rows:
                if rng.random() < 0.8:
                    tree = [row]
                    for _ in range(rng.randrange(6)):
                        tree.append([*rng.choice(tree), rng.randrange(3)])
                    prefixes += tree
            if prefixes:
                equal(texts, prefixes)
            if rng.random() < 0.1:
                rows[rng.randrange(n_rows)] = [rng.randrange(250) for _ in range(rng.randint(1, 20))]
            for row in rows:
                row += [rng.randrange(3) for _ in range(rng.randint(0, 3))]

    check()


def test_only_new_tokens_are_read(llama: Any) -> None:
    texts = GrowingTexts(llama)
    text = list(range(1, 30))
    texts([text])
    assert texts.n_tokens == 29
    texts([[*text, 5], [*text, 5, 6], [*text, 5, 6, 7]])
    assert texts.n_tokens == 32
    texts([[*text, 5, 6, 1], [*text, 5, 6, 1, 1]])  # one guess was wrong
    assert texts.n_tokens == 34 and texts._length == 33
    text += [5, 6, 1]
    texts([[*text, 2], [*text, 2, 3], [*text, 2, 4], [*text, 2, 4, 5]])
    assert texts.n_tokens == 38 and texts._length == 36
    texts([[*text, 2, 4, 5, 6]])  # the other branch
    assert texts.n_tokens == 39 and texts._length == 37 and len(texts._rows) == 1


def test_one_text_without_branches_needs_no_mask(llama: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    masks = []
    make = GrowingTexts._mask
    monkeypatch.setattr(GrowingTexts, "_mask", lambda *args: masks.append(make(*args)) or masks[-1])
    texts = GrowingTexts(llama)
    text = [1, 2, 3]
    for wrong in ([], [4], [4, 5], [6]):
        texts([[*text, *wrong[:i]] for i in range(len(wrong) + 1)])
        text.append(9)
    assert masks == [None] * 4


def test_holes_are_closed_and_what_rests_is_forgotten(llama: Any) -> None:
    texts, one, other = GrowingTexts(llama, max_idle=5), [1, 2, 3], [5, 6, 7]
    for i in range(60):  # one row's guesses come true, the other's do not
        texts([one, other, *([*other, *range(n)] for n in range(1, 4))])
        one += [i, i, i]
        other.append(i)
        assert texts._length <= 1.25 * (len(one) + 3) + SPARE + 6
    for i in range(8):
        assert len(texts._rows) == 1 + (i <= 5)
        texts([one])
        one.append(i)
    texts([[9, 9, 9]])
    assert [row.ids for row in texts._rows] == [(9, 9, 9)]


def test_samples_of_one_prompt_get_rows_of_their_own(llama: Any) -> None:
    texts, prompt = GrowingTexts(llama), list(range(1, 20))
    rows = [[*prompt, i] for i in range(8)]
    texts([prompt])
    for i in range(12):
        equal(texts, rows)
        for row in rows:
            row.append(i)
    assert len(texts._rows) == 8


def test_nothing_is_kept_of_a_run_that_failed(llama: Any) -> None:
    texts, text = GrowingTexts(llama), [1, 2, 3]
    texts([text])
    layer = llama.model.layers[1]
    handle = layer.register_forward_pre_hook(lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        texts([[*text, 4], [*text, 4, 5]])
    handle.remove()
    equal(texts, [[*text, 4], [*text, 6]])


def test_an_empty_prefix_is_refused(llama: Any) -> None:
    with pytest.raises(ValueError, match="no tokens"):
        GrowingTexts(llama)([[1], []])


def test_models_that_cannot_are_read_from_the_store_of_prefixes(
    lm: detent.LanguageModel, plain_lm: detent.LanguageModel
) -> None:
    assert isinstance(lm.open_texts(), GrowingTexts)  # type: ignore[misc]
    prefixes = [[1, 2, 3], [4]]
    torch.testing.assert_close(plain_lm.open_texts()(prefixes), plain_lm.open_prefixes()(prefixes))  # type: ignore[misc]
    model = make_llama()
    model.config._attn_implementation = "flash_attention_2"
    assert not reads_trees(model)
