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
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

FEW = 50  # objects: so many are made by a few calls
# no lock guards these: an interrupt might leave it held
_running: set[object] = set()  # bursts, in all threads
_is_held = False  # whether the threshold is theirs
_before = gc.get_threshold()
_held = (0, *_before[1:])


def burst(function: Callable[P, R]) -> Callable[P, R]:
    """Hold collections back while a function runs."""

    @wraps(function)
    def held(*args: P.args, **kwargs: P.kwargs) -> R:
        who = object()
        try:  # an interrupt may come between any two calls: the end is gone through twice
            try:
                _begin(who)
                return function(*args, **kwargs)
            finally:
                _end(who)
        finally:
            if _is_held:
                _end(who)

    return held


def brief(function: Callable[P, R]) -> Callable[P, R]:
    """The same for a function that makes ``FEW`` objects at most: hardly ever is a collection so near."""
    held = burst(function)

    @wraps(function)
    def near(*args: P.args, **kwargs: P.kwargs) -> R:
        return (function if gc.get_count()[0] < gc.get_threshold()[0] - FEW else held)(*args, **kwargs)

    return near


def _begin(who: object) -> None:
    """Begin a burst, without an object that could start a collection: a ``with`` statement makes two."""
    global _before, _held, _is_held
    _running.add(who)
    now = gc.get_threshold()
    if not _is_held:
        if now != _before:
            _before, _held = now, (0, *now[1:])
        _is_held = True
        gc.set_threshold(*_held)


def _end(who: object) -> None:
    """End a burst, if it runs; the last one puts the threshold back."""
    global _is_held
    _running.discard(who)
    if _is_held and not _running:
        if gc.get_threshold() == _held:
            if gc.get_count()[0] >= _before[0] - FEW:
                _put_back(None)
            gc.set_threshold(*_before)
        _is_held = False


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


def _after_fork() -> None:
    """In a forked process, the bursts of other threads never end."""
    _running.clear()
    _end(None)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
