"""Boards: whoever takes which lots, every row is written as one row after another would be."""

from __future__ import annotations

import threading
from time import sleep

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import config

from detent.native import batch
from detent.native.arena import WORDS

QUICK = settings(derandomize=True, deadline=None, max_examples=150)
ROWS = 500


class Board:
    """A batch on a board, over an arena that holds a dense row and a recipe of it for each row of the batch.

    Rows without a recipe (those that are written elsewhere) are not to be touched.
    """

    def __init__(self, targets: list[int], lot: int, without: frozenset[int] = frozenset(), n_words: int = 3) -> None:
        self.n, self.lot = len(targets), lot
        recipes = ROWS + n_words * self.n
        self.A = np.zeros(recipes + 4 * self.n, np.int32)
        self.A[WORDS] = n_words
        self.A[ROWS:recipes] = np.arange(1, recipes - ROWS + 1)
        self.mask = np.full((max(targets) + 2, n_words), -1, np.int32)
        self.wanted = self.mask.copy()
        self.B = np.zeros(batch.board_of(self.n), np.int64)
        batch.begin(self.A, self.mask, self.B, self.n, lot)
        for j, row in enumerate(targets):
            dense, made = ROWS + n_words * j, recipes + 4 * j
            self.A[made : made + 2] = 1, dense
            self.B[batch.HEADER + j] = row
            if j not in without:
                self.B[batch.HEADER + self.n + j] = made
                self.wanted[row] = self.A[dense : dense + n_words]

    def offer(self, stop: int) -> None:
        """Offer all rows before ``stop``; their recipes are there."""
        assert batch.offer(self.A, self.A, self.B, stop, stop) == stop


def boards() -> st.SearchStrategy[Board]:
    targets = st.lists(st.integers(0, 40), min_size=1, max_size=24, unique=True)
    return st.builds(Board, targets, st.integers(1, 7), st.frozensets(st.integers(0, 23), max_size=3))


@QUICK
@given(boards(), st.data())
def test_each_lot_is_taken_once(board: Board, data: st.DataObject) -> None:
    """The front takes lots as they are offered; the back begins when all are."""
    taken: list[int] = []
    n_lots = -(-board.n // board.lot)
    assert batch.take_lot(board.B, batch.FRONT) == -1
    for offered in sorted({*data.draw(st.lists(st.integers(1, n_lots), max_size=3)), n_lots}):
        board.offer(min(offered * board.lot, board.n))
        for _ in range(data.draw(st.integers(0, n_lots))):
            lot = int(batch.take_lot(board.B, batch.FRONT))
            assert lot < offered
            taken.append(lot)
    for side in data.draw(st.lists(st.sampled_from([batch.FRONT, batch.BACK]), max_size=n_lots)):
        taken.append(int(batch.take_lot(board.B, side)))
    while (lot := int(batch.take_lot(board.B, batch.BACK))) >= 0:
        taken.append(lot)
    assert sorted(lot for lot in taken if lot >= 0) == list(range(n_lots))


@QUICK
@given(boards(), st.integers(0, 24))
def test_rows_are_written_whoever_writes_them(board: Board, head: int) -> None:
    """The helper comes while a part is offered, and the caller goes on; then a batch that it does not come to."""
    board.B[batch.PATIENCE] = 2
    for first in (min(head // board.lot * board.lot, board.n), 0):
        n_lots, n_helped = -(-board.n // board.lot), -(-first // board.lot)
        if first:
            board.offer(first)
            batch.help_out(board.B)
        board.offer(board.n)
        assert batch.finish(board.A, board.mask, board.B) == (batch.SHARED if 0 < n_helped < n_lots else batch.ASLEEP)
        assert (board.mask == board.wanted).all()
        states = board.B[batch.HEADER :].copy()
        board.mask[:] = -1
        batch.begin(board.A, board.mask, board.B, board.n, board.lot)
        board.B[batch.HEADER :] = states


def test_what_the_caller_is_told() -> None:
    board = Board([0, 1, 2, 3], 2)
    board.offer(4)
    board.B[batch.AWAKE] = 1
    assert batch.take_lot(board.B, batch.FRONT) == 0
    assert batch.finish(board.A, board.mask, board.B) == batch.PENDING
    assert (board.mask[2:4] == board.wanted[2:4]).all() and (board.mask[:2] == -1).all()
    batch.write_lot(board.A, board.mask, board.B, 0)
    board.B[batch.DONE] += 1
    assert batch.finish(board.A, board.mask, board.B) == batch.SHARED
    assert (board.mask == board.wanted).all()
    batch.begin(board.A, board.mask, board.B, 4, 2)
    board.offer(4)
    assert batch.finish(board.A, board.mask, board.B) == batch.ALONE


@pytest.mark.skipif(config.DISABLE_JIT, reason="kernels that are plain Python hold the interpreter lock")
def test_two_threads() -> None:
    """Many batches on one board, with a helper that never sleeps."""
    board = Board(list(range(40)), 1, n_words=1000)
    board.B[batch.PATIENCE] = 1 << 60
    helper = threading.Thread(target=batch.help_out, args=(board.B,))
    recipes, rows = board.B[batch.HEADER + board.n :].copy(), np.arange(board.n)
    helper.start()
    try:
        results = set()
        for k in range(2000):
            board.mask[:] = -1
            board.lot = 1 + k % 3
            batch.begin(board.A, board.mask, board.B, board.n, board.lot)
            board.B[batch.HEADER + board.n :] = np.roll(recipes, k)
            board.B[batch.HEADER : batch.HEADER + board.n] = np.roll(rows, k)
            for stop in (12, board.n):
                board.offer(stop)
            while (result := batch.finish(board.A, board.mask, board.B)) == batch.PENDING:
                sleep(0.0)
            results.add(result)
            assert (board.mask == board.wanted).all()
    finally:
        board.B[batch.PATIENCE] = 0
        helper.join()
    assert results <= {batch.SHARED, batch.ALONE, batch.ASLEEP}
