"""A second thread that writes rows of masks, where there is a second core; see :mod:`detent.native.batch`.

To wake a thread takes longer than most batches. So when calls come in quick succession the helper stays awake between
them, looking at the board; a server that makes one step in 10 ms leaves it asleep, unless a batch is worth waking it.
"""

from __future__ import annotations

import atexit
import os
import threading
from contextlib import suppress
from functools import cache
from time import perf_counter, thread_time

import numpy as np
from numba import config

from detent.native import batch
from detent.native.jit import direct

_help_out = direct(batch.help_out)
CAPACITY = 1 << 14  # rows of a board
PATIENCE = 200e-6  # seconds for which the helper looks for another batch
REST, LONGEST_REST = 10e-3, 1.0  # seconds without it where it gets no processor of its own; twice as long each time
MOST_MISSED = 3  # batches in a row of which one has written all though the helper was awake
SMALL, LARGE = 1 << 16, 1 << 19  # words of a batch worth sharing, and worth waking the helper, which takes 50 µs


class Helper:
    """The thread and its board. Whoever stands in ``owner`` may use them, and others do without.

    Attributes
    ----------
    board : (board_of(CAPACITY),) int64
    owner : dict
        Under 0, whose they are: taken by ``setdefault``, at once, so that no interrupt loses who has them.
    """

    def __init__(self) -> None:
        self.owner: dict[int, object] = {}
        self.board = np.zeros(batch.board_of(CAPACITY), dtype=np.int64)
        self._held: tuple[object, ...] = ()
        self._bell, self._ends = threading.Lock(), False
        self._bell.acquire()
        self._thread: threading.Thread | None = None
        self._n_missed, self._last_end, self._rest, self._rests_until = 0, 0.0, REST, 0.0

    def lend(self, who: object, *held: object) -> bool:
        """Whether it is for somebody from now on, who gives it back, interrupted or not.

        The arrays of the batch are held meanwhile, so that nothing is written into other memory.
        """
        if self.owner.setdefault(0, who) is not who:
            return False
        self._held = held
        return True

    def wake(self, n_words: int) -> bool:
        """Whether the thread is awake; else it is woken, where that is worth it for a batch of so many words."""
        if self.board[batch.AWAKE]:
            return True
        now = perf_counter()
        if (n_words >= LARGE or now - self._last_end < PATIENCE) and now >= self._rests_until:
            self._ring()
        return False

    def give_back(self, who: object, result: int) -> None:
        """Note what :func:`.batch.finish` said of a batch, if it is for ``who``.

        The thread rests where both have one processor in turns.
        """
        if self.owner.get(0) is not who:
            return
        self._held = ()
        if result == batch.SHARED:
            self._n_missed, self._rest = 0, REST
        else:
            self._last_end = perf_counter()
            self._n_missed += result == batch.ALONE
            if self._n_missed == MOST_MISSED:
                self._n_missed, self._rests_until = 0, self._last_end + self._rest
                self._rest = min(2 * self._rest, LONGEST_REST)
                self.board[batch.PATIENCE] = 0
        self.owner.clear()

    def _ring(self) -> None:
        if self._thread is None:
            thread = threading.Thread(target=self._serve, name="detent-masks", daemon=True)
            with suppress(RuntimeError):  # the process ends, or has too many threads
                thread.start()
                self._thread = thread
                atexit.register(self.stop)
        if self._bell.locked():
            self._bell.release()

    def _serve(self) -> None:
        looks = _looks(PATIENCE)
        while self._bell.acquire() and not self._ends:
            self.board[batch.PATIENCE] = looks
            _help_out(self.board)

    def stop(self) -> None:
        """End the thread: the interpreter takes the code away that it runs."""
        if self._thread is not None and self._thread.is_alive():
            self._ends = True
            self.board[batch.PATIENCE] = 0
            self._ring()
            self._thread.join(1.0)


def _looks(duration: float) -> int:
    """How often one can look at a ticket in so many seconds of the processor."""
    idle = np.zeros(batch.board_of(0), dtype=np.int64)
    idle[batch.PATIENCE] = n = 1000
    start = thread_time()
    _help_out(idle)
    return int(n * duration / max(thread_time() - start, 1e-6))


@cache
def _helper() -> Helper | None:
    """The one of this process, where it may use another core and kernels can run beside Python."""
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Helper() if n_cores > 1 and not config.DISABLE_JIT else None  # type: ignore[attr-defined]


def helper_for(n: int, n_words: int) -> Helper | None:
    """The helper, for a batch of ``n`` rows with so many words in all that is worth sharing."""
    return None if n_words < SMALL or n > CAPACITY else _helper()


if hasattr(os, "register_at_fork"):  # a forked process has the memory of the helper, but not its thread
    os.register_at_fork(after_in_child=_helper.cache_clear)
