"""Bit masks on logits, against a loop over every bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from detent import apply_bitmask

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))]


def naive(logits: torch.Tensor, mask: np.ndarray, rows: list[int] | None = None) -> torch.Tensor:
    result = logits.clone()
    for i in range(logits.shape[0]):
        source = i if rows is None else rows[i]
        for token in range(logits.shape[1]):
            word, bit = divmod(token, 32)
            allowed = word < mask.shape[1] and mask[source, word] >> bit & 1
            if source >= 0 and not allowed:
                result[i, token] = -torch.inf
    return result


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("width", [1, 31, 32, 33, 64, 95, 96, 159])
def test_equals_the_loop(width: int, dtype: torch.dtype, device: str) -> None:
    rng = np.random.default_rng(width)
    mask = rng.integers(-(2**31), 2**31, (4, 3), dtype=np.int64).astype(np.int32)
    logits = torch.randn(4, width, generator=torch.Generator().manual_seed(width)).to(device, dtype)
    for rows in (None, [2, 0, 0, 3], [-1, 3, -1, 1], [-1, -1, -1, -1]):
        expected = naive(logits.cpu(), mask, rows)
        for kind in (mask, torch.from_numpy(mask), torch.from_numpy(mask).to(device)):
            masked = logits.clone()
            apply_bitmask(masked, kind, rows)
            assert torch.equal(masked.cpu(), expected)


def test_one_row_without_a_batch_and_a_strided_view() -> None:
    logits = torch.zeros(6)
    apply_bitmask(logits, np.array([[0b101]], np.int32))
    assert logits.isfinite().tolist() == [True, False, True, False, False, False]
    block = torch.zeros(2, 3, 6)
    apply_bitmask(block[:, 1], np.array([[1], [2]], np.int32))
    assert block.isfinite().sum().item() == 24 + 2


def test_mask_table_may_have_more_rows_than_the_batch() -> None:
    logits = torch.zeros(1, 32)
    apply_bitmask(logits, np.array([[0], [1 << 5]], np.int32), rows=[1])
    assert logits.isfinite().nonzero().tolist() == [[0, 5]]


@pytest.mark.parametrize(
    ("logits", "mask", "error", "message"),
    [
        (torch.zeros(2, 8), np.zeros((1, 1), np.int32), ValueError, "1 mask rows for 2 rows of logits"),
        (torch.zeros(2, 8), np.zeros((2, 1), np.int64), TypeError, "must be int32"),
        (torch.zeros(2, 8, dtype=torch.int64), np.zeros((2, 1), np.int32), TypeError, "must be floating point"),
        (torch.zeros(2, 8), np.zeros(2, np.int32), ValueError, "must be matrices"),
    ],
)
def test_refuses_what_does_not_fit(
    logits: torch.Tensor, mask: np.ndarray, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        apply_bitmask(logits, mask)
