"""Sequences whose elements are worked out when somebody first asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Generic, TypeVar

V = TypeVar("V")


class Lazy(Generic[V]):
    """The elements of an iterator, each worked out once."""

    def __init__(self, source: Iterator[V]) -> None:
        self.found: list[V] = []
        self.running = False
        self._source = source

    def __iter__(self) -> Iterator[V]:
        k = 0
        while k < len(self.found) or self._advance():
            yield self.found[k]
            k += 1

    def _advance(self) -> bool:
        self.running = True  # and stays so where there is an error: nothing is known of the rest then
        more = list(islice(self._source, 1))
        self.found += more  # before it ends, lest an interrupt lose one
        self.running = False
        return bool(more)
