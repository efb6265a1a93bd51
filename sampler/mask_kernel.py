"""Masks on CUDA tensors in one pass, as a Triton kernel: only forbidden logits are touched, and only written."""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl

BLOCK = 4096  # columns of one program


@triton.jit
def _forbid(logits, stride, width, mask, words, rows, has_rows: tl.constexpr, block: tl.constexpr):
    """Write minus infinity where the bit of a column is clear; a row of the mask below 0 leaves the logits alone."""
    row = tl.program_id(0).to(tl.int64)
    source = row
    if has_rows:
        source = tl.load(rows + row).to(tl.int64)
    if source >= 0:
        columns = tl.program_id(1) * block + tl.arange(0, block)
        word = columns >> 5
        packed = tl.load(mask + source * words + word, mask=word < words, other=0)
        is_forbidden = ((packed >> (columns & 31)) & 1) == 0
        tl.store(logits + row * stride + columns, float("-inf"), mask=is_forbidden & (columns < width))


def forbid(logits: torch.Tensor, mask: torch.Tensor, rows: torch.Tensor | None) -> None:
    """Set forbidden logits to minus infinity, in place.

    Parameters
    ----------
    logits : torch.Tensor, floating point ``[batch, width]``
        Columns next to each other in memory.
    mask : torch.Tensor, int32 ``[masks, words]``, contiguous
    rows : torch.Tensor, int64 ``[batch]``, or None
        All tensors are on one device.
    """
    batch, width = logits.shape
    grid: Any = (batch, triton.cdiv(width, BLOCK))
    where = mask if rows is None else rows
    with torch.cuda.device_of(logits):  # Triton launches on the current device
        _forbid[grid](logits, logits.stride(0), width, mask, mask.shape[1], where, rows is not None, BLOCK)
