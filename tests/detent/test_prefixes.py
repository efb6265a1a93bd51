"""The store of prefixes: equal to running every prefix by itself, and cheaper."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import detent
from detent.prefixes import PrefixStore, keeps_everything

from .tiny import WIDTH, make_gpt2, make_llama

BYTES_PER_TOKEN = 2 * 2 * 32 * 4  # keys and values, layers, hidden units, bytes


def alone(model: Any, prefixes: list[list[int]]) -> torch.Tensor:
    with torch.inference_mode():
        return torch.stack([model(torch.tensor([prefix])).logits[0, -1] for prefix in prefixes])


prefix = st.builds(
    lambda base, new: base + new,
    st.sampled_from([[1, 2, 3, 4, 5], [1, 2, 9, 8], [7]]),
    st.lists(st.integers(0, 2), max_size=6),
)


@pytest.mark.parametrize("max_bytes", [1 << 20, 30 * BYTES_PER_TOKEN, 3 * BYTES_PER_TOKEN])
@pytest.mark.parametrize("make", [make_llama, make_gpt2])
def test_equals_running_every_prefix(make: Any, max_bytes: int) -> None:
    model = make().eval()
    assert keeps_everything(model)

    @settings(derandomize=True, max_examples=8, deadline=None)
    @given(st.lists(st.lists(prefix, min_size=1, max_size=5), min_size=3, max_size=6))
    def check(calls: list[list[list[int]]]) -> None:
        store = PrefixStore(model, max_bytes)
        for prefixes in calls:
            prefixes = [*prefixes, prefixes[0], prefixes[0][:1]]  # again, and a place on the way
            torch.testing.assert_close(store(prefixes), alone(model, prefixes), atol=2e-4, rtol=0)
            assert store.n_bytes <= max_bytes
            used = [slot for run, _ in store._runs() for slot in run.slots.tolist()]
            assert sorted(used + store._free) == list(range(1, len(store._pools[0][0])))

    check()


def test_only_new_tokens_are_read(llama: Any) -> None:
    store = PrefixStore(llama)
    text = list(range(1, 30))
    store([text])
    assert store.n_tokens == 29
    store([[*text, 5], [*text, 6]])
    assert store.n_tokens == 31
    store([[*text, 5, 1], [*text, 5, 2], [*text, 6, 1], [*text, 6]])
    assert store.n_tokens == 29 + 2 + 3 + 1  # one place on the way is asked for again
    store([text[:10]])
    assert store.n_tokens == 36


def test_prefixes_along_one_text_are_one_row(llama: Any) -> None:
    rows = []
    store = PrefixStore(llama)
    forward = llama.forward

    def watched(input_ids: torch.Tensor, **options: Any) -> Any:
        rows.append(tuple(input_ids.shape))
        return forward(input_ids=input_ids, **options)

    llama.forward, store._accepts = watched, dict.fromkeys(["position_ids", "logits_to_keep"]).keys()
    try:
        store([[3, 4], [3, 4, 5], [3, 4, 5, 6]])
        store([[3, 4, 5, 6, 7], [3, 4, 9], [3, 4, 9, 1]])
    finally:
        del llama.forward
    assert rows == [(1, 4), (2, 2)]


def test_an_empty_prefix_is_refused(llama: Any) -> None:
    with pytest.raises(ValueError, match="no tokens"):
        PrefixStore(llama)([[1], []])


def test_many_prefixes_run_in_parts(llama: Any) -> None:
    prefixes = [[1, i % WIDTH, i // WIDTH] for i in range(300)]
    store = PrefixStore(llama)
    torch.testing.assert_close(store(prefixes)[::37], alone(llama, prefixes[::37]), atol=2e-4, rtol=0)


def test_models_without_such_a_cache_are_read_whole(
    lm: detent.LanguageModel, plain_lm: detent.LanguageModel, llama: Any
) -> None:
    assert isinstance(lm.open_prefixes(), PrefixStore)  # type: ignore[misc]
    prefixes = [[1, 2, 3], [4]]
    torch.testing.assert_close(plain_lm.open_prefixes()(prefixes), alone(llama, prefixes))  # type: ignore[misc]
