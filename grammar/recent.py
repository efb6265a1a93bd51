"""A memo of what was used last, bounded by what its entries weigh."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """Values by key; when they weigh too much together, those used longest ago leave. Thread-safe.

    Parameters
    ----------
    most : int
        Bound on the weight of all entries together; the newest one stays, whatever it weighs.

    Examples
    --------
    >>> recent = Recent[str](5)
    >>> recent.put("a", "x", 3), recent.put("b", "y", 3)
    (None, None)
    >>> recent.get("a"), recent.get("b")
    (None, 'y')
    """

    def __init__(self, most: int) -> None:
        self._most, self._weight = most, 0
        self._entries: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> T | None:
        """The value of a key, which counts as used."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        with self._lock:
            if key in self._entries:  # another thread may have let it leave meanwhile
                self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: Hashable, value: T, weight: int) -> None:
        """Keep a value, in place of an older one."""
        entry = value, weight
        with self._lock:
            before = self._entries.setdefault(key, entry)
            if before is not entry:
                self._weight -= before[1]
                self._entries[key] = entry
                self._entries.move_to_end(key)
            self._weight += weight
            while self._weight > self._most and len(self._entries) > 1:
                _, (_, left) = self._entries.popitem(last=False)
                self._weight -= left

    def values(self) -> list[T]:
        """All values, those used longest ago first."""
        with self._lock:
            return [value for value, _ in self._entries.values()]
