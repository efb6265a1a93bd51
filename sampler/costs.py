"""What a try and a mask were seen to take: how long to try before the mask is made."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from statistics import median
from time import perf_counter
from typing import TypeVar

T = TypeVar("T")

MISSES = 32  # forbidden tokens before a mask, as long as nothing was measured
RECENT = 64  # measurements of each kind that count


class Costs:
    """How long tries and masks took, and so how many forbidden tokens are worth a mask.

    Give the same object to every call of :func:`~detent.awrs_step` in a loop.

    Notes
    -----
    Neither the allowed mass nor the tries that it takes are known beforehand. Whoever tries for as long as a mask
    takes, and then makes the mask, pays at most twice the cheaper of both (ski rental: Karlin et al. 1988).

    Medians of the last measurements decide. The first mask counts for nothing: it may compile something.

    Examples
    --------
    >>> Costs().misses
    32
    """

    def __init__(self) -> None:
        self._tries: deque[float] = deque(maxlen=RECENT)
        self._masks: deque[float] = deque(maxlen=RECENT)
        self._is_warm = False

    @property
    def misses(self) -> int:
        """After how many forbidden tokens a mask is due."""
        if not (self._tries and self._masks):
            return MISSES
        return max(1, round(median(self._masks) / max(median(self._tries), 1e-9)))

    def watch(self, draws: Iterator[T]) -> Iterator[T]:
        """Pass draws on, and note how long a try takes: from one draw to the next, the check between them included."""
        last = None
        for drawn in draws:
            now = perf_counter()
            if last is not None:
                self._tries.append(now - last)
            last = now
            yield drawn

    def mask(self, make: Callable[[], T]) -> T:
        """Call what makes a mask, and note how long it takes."""
        start = perf_counter()
        made = make()
        if self._is_warm:
            self._masks.append(perf_counter() - start)
        self._is_warm = True
        return made
