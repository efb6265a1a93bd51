"""Draws without replacement from rows of weights, by inverting sums."""

from __future__ import annotations

import numpy as np

from .jit import kernel

FADED = 1e-25  # what is left of single-precision weights, the largest of them 1, before they must be scaled up again


@kernel("void(f4[:, :, ::1], f8[:, ::1], f8[:, ::1], i8[:, ::1], f8[:, ::1])")
def draw(weights, sums, uniforms, tokens, log_rests):
    """Draw some tokens of every row, one after the other, and take them out.

    Parameters
    ----------
    weights : float32 ``[rows, blocks, size]``
        Not negative; token ``t`` is ``[t // size, t % size]``. What was drawn becomes 0.
    sums : float64 ``[rows, blocks]``
        Sums of the blocks; kept.
    uniforms : float64 ``[rows, draws]``
        In [0, 1).
    tokens : int64 ``[rows, draws]``
        Is filled with the draws; -1 behind the last where the weights have faded.
    log_rests : float64 ``[rows, draws]``
        Is filled with the log of what was in the row before each draw.

    Notes
    -----
    O(rows * draws * (blocks + size)). A token without weight is never drawn: what rounding leaves beyond the end
    belongs to the last that has some.
    """
    n_rows, n_blocks, size = weights.shape
    for row in range(n_rows):
        for i in range(uniforms.shape[1]):
            tokens[row, i] = -1
            total = 0.0
            for b in range(n_blocks):
                total += sums[row, b]
            if total <= FADED:
                break
            point, block = uniforms[row, i] * total, 0
            for b in range(n_blocks):
                if sums[row, b] > 0.0:
                    block = b
                    if point < sums[row, b]:
                        break
                    point -= sums[row, b]
            inner = 0.0
            for k in range(size):
                inner += weights[row, block, k]
            point *= inner / sums[row, block]  # the sum of a block was rounded otherwise
            place = 0
            for k in range(size):
                weight = np.float64(weights[row, block, k])
                if weight > 0.0:
                    place = k
                    if point < weight:
                        break
                    point -= weight
            weights[row, block, place] = 0.0
            inner = 0.0
            for k in range(size):
                inner += weights[row, block, k]
            sums[row, block] = inner
            tokens[row, i], log_rests[row, i] = size * block + place, np.log(total)
