"""Bounded work: pieces of it, the steps that they take, and the limits that they may not pass."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext

from ..errors import LimitExceeded

GRACE = 4  # times as much is granted while a text is written as when its grammar is compiled
_NOTHING = nullcontext()


class Bounded(ABC):
    """Work that is done in pieces, each of which is bounded.

    Parameters
    ----------
    max_branches : int
        Limit on the ways to meet the disjunctions of one goal.
    max_depth : int
        Limit on the nesting of required values that is looked into.
    max_steps : int
        Limit on the formulas that one piece of work may join: alternatives that overlap can multiply.

    Attributes
    ----------
    grace : int
        How many times the limits may be taken: once while a document is compiled.
    started : int
        What was done before the piece of work that is under way.
    """

    def __init__(self, *, max_branches: int, max_depth: int, max_steps: int) -> None:
        self.max_branches, self.max_depth, self.max_steps = max_branches, max_depth, max_steps
        self.grace, self.started = 1, 0
        self._running = threading.Lock()  # held while a piece of work is under way

    @property
    @abstractmethod
    def work(self) -> int:
        """The steps that were taken so far."""

    def piece(self) -> _Piece:
        """One piece of work, which is bounded by ``max_steps``, with all pieces inside it; done :attr:`within` that.

        Raises
        ------
        LimitExceeded
            ``max_depth`` where Python's stack is too short, whatever for.
        """
        return _Piece(self)

    @property
    def within(self) -> AbstractContextManager[object]:
        """What is held while a piece of work is under way: no interrupt can leave a lock of Python's held."""
        return _NOTHING if self.in_piece else self._running

    @property
    def in_piece(self) -> bool:
        """Whether what is done now belongs to a larger piece of work."""
        return self._running.locked()

    def begin(self) -> None:
        """Begin a piece of work that belongs to no larger one."""
        self.started = self.work

    @property
    def work_done(self) -> int:
        """The steps that the work under way has taken."""
        return self.work - self.started

    def check_work(self) -> None:
        """Raise when the work under way has taken too many steps."""
        steps, most = self.work_done, self.grace * self.max_steps
        if steps > most:
            raise LimitExceeded("max_steps", steps, most)

    def check_ways(self, ways: int) -> None:
        """Raise when the demands on one value can be met in too many ways."""
        most = self.grace * self.max_branches
        if ways > most:
            raise LimitExceeded("max_branches", ways, most, keyword="oneOf")


class _Piece:
    """A piece of work: see :meth:`Bounded.piece`."""

    __slots__ = ("_work",)

    def __init__(self, work: Bounded) -> None:
        self._work = work

    def __enter__(self) -> None:
        if not self._work.in_piece:
            self._work.begin()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and issubclass(kind, RecursionError):
            most = self._work.max_depth
            hint = "Python's stack is too short for it: see sys.setrecursionlimit."
            raise LimitExceeded("max_depth", most + 1, most, hint=hint) from None


__all__ = ["GRACE", "Bounded"]
