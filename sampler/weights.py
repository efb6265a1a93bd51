"""Importance weights: normalising in logs, effective sample size, resampling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def normalise(log_weights: Sequence[float] | NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Return weights that sum to 1, and the log of the mean weight.

    Parameters
    ----------
    log_weights : sequence of float, length n
        Minus infinity for what weighs nothing.

    Returns
    -------
    weights : numpy.ndarray, float64 ``[n]``
        All zero when nothing weighs anything.
    log_mean : float
        Minus infinity then.
    """
    logs = np.asarray(log_weights, np.float64)
    top = logs.max(initial=-np.inf)
    if top == -np.inf:
        return np.zeros(len(logs)), -np.inf
    weights = np.exp(logs - top)
    total = weights.sum()
    return weights / total, float(top + np.log(total / len(logs)))


def effective_size(weights: NDArray[np.float64]) -> float:
    """Return one over the sum of the squares of normalised weights; 0 when they are all zero."""
    squares = float(weights @ weights)
    return 1 / squares if squares else 0.0


def resample(
    weights: NDArray[np.float64],
    generator: np.random.Generator,
    n: int,
    scheme: Literal["systematic", "stratified", "multinomial"] = "multinomial",
) -> list[int]:
    """Choose ``n`` indices, each ``n * weight`` times in the mean.

    Parameters
    ----------
    weights : numpy.ndarray, float64 ``[m]``
        Not all zero; they need not sum to 1.
    generator : numpy.random.Generator
    n : int
    scheme : {"systematic", "stratified", "multinomial"}
        One uniform number for all strata of the unit interval, one for each, or independent ones.

    Returns
    -------
    list of int
        Never one of weight zero. Ascending, but for ``"multinomial"``.

    Notes
    -----
    Douc, Cappé and Moulines (2005), section 2.
    """
    cumulative = np.cumsum(weights)
    if not cumulative[-1] > 0:
        raise ValueError("nothing to choose from: all weights are zero")
    if scheme == "multinomial":
        points = generator.random(n)
    else:
        points = (np.arange(n) + generator.random(None if scheme == "systematic" else n)) / n
    # the last index of positive weight takes what rounding puts beyond the sum
    index = np.searchsorted(cumulative, points * cumulative[-1], side="right")
    chosen: list[int] = np.minimum(index, np.flatnonzero(weights)[-1]).tolist()
    return chosen
