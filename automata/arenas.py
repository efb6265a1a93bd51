"""The arena in use, and the next one, made before it is needed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from typing import TypeVar

from detent.grammar.errors import LimitExceeded

from . import prelude
from .arena import Arena, ArenaFull, Beginning
from .cache import DiskCache
from .limits import Limits
from .vocabulary import Vocabulary

T = TypeVar("T")

SOON_FULL = 0.7  # of an arena's fullest region: the next arena is made
NEARLY_FULL = 0.9  # of an arena's fullest region: a text goes on in the rest, the next grammar begins in a new arena
CHECKED_EVERY = 16  # grammars; hardly any takes a hundredth of an arena
MAX_RENEWALS = 64  # arenas to try for one thing: others may fill a new one before its turn comes
NEARLY_EMPTY, ENOUGH = 0.25, 2  # what is too large for so many arenas of such fullness fits none


class Arenas:
    """The arenas of one vocabulary, one after the other. Thread-safe.

    Parameters
    ----------
    vocabulary : Vocabulary
    limits : Limits
        ``cache_bytes`` is the size of each.
    disk : DiskCache
        Where the tables of plain values are kept.
    leave : callable
        Told of each arena that is full, once another one is in use.

    Attributes
    ----------
    current : Arena
        The one in use.

    Raises
    ------
    LimitExceeded
        If not even an empty arena fits ``cache_bytes``.
    """

    def __init__(self, vocabulary: Vocabulary, limits: Limits, disk: DiskCache, leave: Callable[[Arena], None]) -> None:
        self.vocabulary, self.limits = vocabulary, limits
        self._disk, self._leave = disk, leave
        self._lock = threading.RLock()
        self._compiled = count(1)  # taken by several threads
        self._beginning: Beginning | None = None  # of every further arena
        self.current = self._new()
        self._spare: Future[Arena] | None = None  # the next one

    def renew(self, full: Arena) -> Arena:
        """Replace an arena that is full; matchers move when they meet its end, grammars when they are asked for."""
        with self._lock:
            if self.current is full:
                spare, self._spare = self._spare, None
                is_made = spare is not None and spare.done() and spare.exception() is None
                self.current = spare.result() if spare is not None and is_made else self._new()
                self._leave(full)
            return self.current

    def make_room(self) -> None:
        """Before a grammar is made: have memory for it at hand, and see now and then whether a new arena is due.

        Of one that is full in the middle of a text, some mask pays for the next. Another thread makes it before, and
        until it has, the rest of the old one must do: nobody waits for it.
        """
        self.current.look_ahead()
        if next(self._compiled) % CHECKED_EVERY:
            return
        fullness = self.current.fullness()
        if fullness > SOON_FULL and self._spare is None:
            self._spare = _aside(self._new)
        elif fullness > NEARLY_FULL and self._spare is not None and self._spare.done():
            self.renew(self.current)

    def too_large(self) -> LimitExceeded:
        """The error for what does not fit an arena of its own."""
        n_bytes = self.limits.cache_bytes
        return LimitExceeded("cache_bytes", n_bytes + 1, n_bytes)

    def _new(self) -> Arena:
        arena = self._first() if self._beginning is None else self._beginning.arena()
        arena.look_ahead()
        return arena

    def _first(self) -> Arena:
        n_bytes = self.limits.cache_bytes
        try:
            arena = Arena(self.vocabulary, n_bytes)
            memory = prelude.prepare(arena, self.vocabulary, self._disk)
        except ArenaFull:
            raise self.too_large() from None
        if memory is not None:
            self._beginning = Beginning(arena, n_bytes, memory)
        return arena


class Renewals:
    """How often something has moved on to another arena, since it did not fit the one before."""

    def __init__(self) -> None:
        self._n = self._n_fresh = 0

    def note(self, arena: Arena) -> None:
        """It moves to an arena."""
        self._n += 1
        self._n_fresh += arena.fullness() < NEARLY_EMPTY

    def are_enough(self) -> bool:
        """Whether it fits no arena, or others leave none to it."""
        return self._n == MAX_RENEWALS or self._n_fresh == ENOUGH


def _aside(work: Callable[[], T]) -> Future[T] | None:
    """Do some work in a thread of its own, if there can be one: not where the process ends, or has too many."""
    pool = ThreadPoolExecutor(1, "detent-arena")
    try:
        return pool.submit(work)
    except RuntimeError:
        return None
    finally:
        pool.shutdown(wait=False)
