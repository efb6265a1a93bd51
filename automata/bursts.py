"""Bursts: bounded pieces of work during which Python's cyclic garbage collector waits.

Compiling and lowering make many small objects at once, nearly all of which stay. Python starts a collection after some
hundred new objects, and a full one, which visits every object of the process, when a quarter of them is new: in a
process of a million objects, a mask whose turn it happens to be takes 150 ms instead of 0.1. So the collector's first
threshold is 0 while a burst runs; what is due then comes with the next object that the caller makes. ``gc.disable`` and
``gc.enable`` are left to the caller, and thresholds that somebody sets meanwhile are kept.
"""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

FEW = 50  # objects: so many are made by a few calls
_lock = threading.RLock()  # a finaliser or signal handler may begin a burst of its own
_depth = 0  # bursts that run, in all threads
_before = gc.get_threshold()
_held = (0, *_before[1:])


def burst(function: Callable[P, R]) -> Callable[P, R]:
    """Hold collections back while a function runs."""

    @wraps(function)
    def held(*args: P.args, **kwargs: P.kwargs) -> R:
        _begin()
        try:
            return function(*args, **kwargs)
        finally:
            _end()

    return held


def brief(function: Callable[P, R]) -> Callable[P, R]:
    """The same for a function that makes ``FEW`` objects at most: hardly ever is a collection so near."""
    held = burst(function)

    @wraps(function)
    def near(*args: P.args, **kwargs: P.kwargs) -> R:
        return (function if gc.get_count()[0] < gc.get_threshold()[0] - FEW else held)(*args, **kwargs)

    return near


def _begin() -> None:
    """Begin a burst, without an object that could start a collection: a ``with`` statement makes two."""
    global _depth, _before, _held
    _lock.acquire()
    try:
        _depth += 1
        if _depth == 1:
            now = gc.get_threshold()
            if now != _before:
                _before, _held = now, (0, *now[1:])
            gc.set_threshold(*_held)
    finally:
        _lock.release()


def _end() -> None:
    global _depth
    with _lock:
        _depth -= 1
        if _depth == 0:
            if gc.get_count()[0] >= _before[0] - FEW:
                _put_back(None)
            _restore()


def _put_back(x: None) -> object:
    """Make some tuples of each size and some dicts, and drop them, where a collection is due.

    Calls pass their arguments in tuples and dicts, which come from lists of free ones that a burst may have used up.
    Some of each are put back, lest a mask that follows, a call of one kernel, makes a new object and pays for the
    burst: without them, 45 of 3,385 first masks of MaskBench do (0.2 to 3.6 ms, a full collection 300 to 500), with
    them none. Two of each, since a burst that begins takes some itself; spelled out, since that takes a sixth of the
    time.
    """
    return (
        ({}, {}, {}),
        ((x,), (x, x), (x, x, x), (x, x, x, x), (x, x, x, x, x)),
        ((x, x, x, x, x, x), (x, x, x, x, x, x, x), (x, x, x, x, x, x, x, x)),
        ((x,), (x, x), (x, x, x), (x, x, x, x), (x, x, x, x, x)),
        ((x, x, x, x, x, x), (x, x, x, x, x, x, x), (x, x, x, x, x, x, x, x)),
    )


def _restore() -> None:
    if gc.get_threshold() == _held:
        gc.set_threshold(*_before)


def _after_fork() -> None:
    """In a forked process, the bursts of other threads never end."""
    global _depth, _lock
    _lock = threading.RLock()
    if _depth:
        _depth = 0
        _restore()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
