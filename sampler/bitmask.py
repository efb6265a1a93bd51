"""Bit masks on logits, where the logits are."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def apply_bitmask(
    logits: torch.Tensor,
    mask: NDArray[np.int32] | torch.Tensor,
    rows: Sequence[int] | NDArray[np.integer] | torch.Tensor | None = None,
) -> None:
    """Set the logits of forbidden tokens to minus infinity, in place.

    Parameters
    ----------
    logits : torch.Tensor, float32, float16 or bfloat16, ``[batch, width]`` or ``[width]``
        Scores on any device. Columns beyond the mask are forbidden.
    mask : numpy.ndarray or torch.Tensor, int32 ``[masks, words]``
        Bit ``t % 32`` of word ``t // 32`` is set when token ``t`` is allowed. Bits beyond ``width`` are ignored.
    rows : sequence of int, length batch, optional
        The row of ``mask`` for each row of ``logits``; a negative number leaves that row of the logits alone.
        By default row ``i`` of the mask belongs to row ``i`` of the logits.

    Raises
    ------
    TypeError
        If the logits are no tensor of floating point or the mask is no int32.
    ValueError
        If the shapes do not fit each other.

    Notes
    -----
    O(batch * width). On the CPU the bits are unpacked by NumPy. Elsewhere only the packed words travel; on CUDA one
    Triton kernel then writes the forbidden logits and reads none (:mod:`.mask_kernel`).

    Examples
    --------
    >>> logits = torch.zeros(1, 4)
    >>> apply_bitmask(logits, np.array([[0b0101]], np.int32))
    >>> logits
    tensor([[0., -inf, 0., -inf]])
    """
    if not isinstance(logits, torch.Tensor) or not isinstance(mask, np.ndarray | torch.Tensor):
        kinds = f"{type(logits).__name__} and {type(mask).__name__}"
        raise TypeError(f"logits must be a tensor, the mask an array or tensor, not {kinds}: torch.from_numpy")
    if logits.ndim == 1:
        logits = logits.unsqueeze(0)
    _check(logits, mask, rows)
    if logits.device.type == "cuda" and logits.stride(1) == 1 and has_triton():
        _apply_on_device(logits, mask, rows)
        return
    if rows is not None:
        index = torch.as_tensor(rows, dtype=torch.int64)
        masked = (index >= 0).nonzero().squeeze(1)
        if len(masked) < len(index):
            part = logits[masked.to(logits.device)]
            apply_bitmask(part, mask, index[masked])
            logits[masked.to(logits.device)] = part
            return
        mask = mask[index.numpy()] if isinstance(mask, np.ndarray) else mask[index.to(mask.device)]
    forbidden = _unpack_forbidden(mask, logits.device)
    width = min(logits.shape[1], forbidden.shape[1])
    logits[:, :width].masked_fill_(forbidden[:, :width], -torch.inf)
    logits[:, width:] = -torch.inf


@cache
def has_triton() -> bool:
    """Whether kernels can be written in Triton: it comes with PyTorch where that is built for CUDA."""
    return find_spec("triton") is not None


def _apply_on_device(
    logits: torch.Tensor,
    mask: NDArray[np.int32] | torch.Tensor,
    rows: Sequence[int] | NDArray[np.integer] | torch.Tensor | None,
) -> None:
    """The same by one kernel, on the device of the logits; only the rows of the mask that are asked for travel."""
    from .mask_kernel import forbid

    index = None if rows is None else torch.as_tensor(rows, dtype=torch.int64)
    packed = torch.as_tensor(mask)
    if index is not None and packed.device != logits.device:
        given = index.cpu().numpy()
        used, places = np.unique(np.maximum(given, 0), return_inverse=True)
        packed, index = packed[torch.from_numpy(used)], torch.from_numpy(np.where(given < 0, -1, places))
    packed = packed.to(logits.device, non_blocking=True).contiguous()
    forbid(logits, packed, None if index is None else index.to(logits.device, non_blocking=True))


def _check(logits: torch.Tensor, mask: NDArray[np.int32] | torch.Tensor, rows: object) -> None:
    if not logits.is_floating_point():
        raise TypeError(f"logits must be floating point, not {logits.dtype}")
    if mask.dtype not in (np.int32, torch.int32):
        raise TypeError(f"the mask must be int32, not {mask.dtype}")
    if logits.ndim != 2 or mask.ndim != 2:
        raise ValueError(f"logits and mask must be matrices, not of shapes {tuple(logits.shape)} and {mask.shape}")
    n_rows = mask.shape[0] if rows is None else len(rows)  # type: ignore[arg-type]
    if n_rows != logits.shape[0]:
        raise ValueError(f"{n_rows} mask rows for {logits.shape[0]} rows of logits, of shape {tuple(logits.shape)}")


def _unpack_forbidden(mask: NDArray[np.int32] | torch.Tensor, device: torch.device) -> torch.Tensor:
    """Return a bool tensor ``[rows, 32 * words]`` on ``device``, true where the bit is clear."""
    if device.type == "cpu":
        words = np.ascontiguousarray(mask if isinstance(mask, np.ndarray) else mask.cpu().numpy(), dtype="<i4")
        bits = np.unpackbits((~words).view(np.uint8), axis=1, bitorder="little")
        return torch.from_numpy(bits).view(torch.bool)
    packed = torch.as_tensor(mask).to(device, non_blocking=True)
    shifts = torch.arange(32, dtype=torch.int32, device=device)
    return ((packed.unsqueeze(2) >> shifts) & 1).eq(0).flatten(1)
