"""Boards: whoever takes which lots, every row is written once, as one row after another would be."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import config

from detent.native import batch
from detent.native.arena import WORDS

QUICK = settings(derandomize=True, deadline=None, max_examples=150)
N_WORDS, ROWS, RECIPES = 3, 500, 1000
Steps = list[tuple[str, int]]


class Offered:
    """A board over an arena that holds one dense row and one recipe for each row of the batch."""

    def __init__(self, n: int, lot: int, targets: list[int], missing: set[int] = frozenset()) -> None:  # type: ignore[assignment]
        self.A = np.zeros(RECIPES + 4 * n, np.int32)
        self.A[WORDS] = N_WORDS
        self.A[ROWS : ROWS + N_WORDS * n] = np.arange(1, N_WORDS * n + 1)
        self.mask = np.full((max(targets, default=0) + 2, N_WORDS), -1, np.int32)
        self.wanted, self.n, self.lot = self.mask.copy(), n, lot
        self.B = np.zeros(batch.board_of(n), np.int64)
        batch.begin(self.A, self.mask, self.B, n, lot)
        for j, row in enumerate(targets):
            self.A[RECIPES + 4 * j :][:2] = 1, ROWS + N_WORDS * j
            self.B[batch.HEADER + j] = row
            if j not in missing:
                self.B[batch.HEADER + n + j] = RECIPES + 4 * j
                self.wanted[row] = self.A[ROWS + N_WORDS * j :][:N_WORDS]

    def lots(self) -> int:
        return -(-self.n // self.lot)

    def offer(self, lots: int) -> None:
        """What :func:`batch.offer` does when all recipes are there."""
        self.B[batch.TICKET] += lots * batch.OFFERED

    def take(self, side: int) -> int:
        lot = int(batch.take_lot(self.B, side))
        if lot >= 0:
            batch.write_lot(self.A, self.mask, self.B, lot)
            batch.add_done(self.B, 1)
        return lot


