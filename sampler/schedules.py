"""Schedules of any-order models: which masks are filled in a step.

A schedule says so from the model's marginals alone, so it takes as many steps with a grammar as without one: whatever
it chooses is filled, only with other tokens where the drawn ones do not go together.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


class View(NamedTuple):
    """What a schedule sees of one canvas.

    Attributes
    ----------
    masks : (n,) int64
        The masked positions, rising.
    confidence : (n,) float64
        Probability of the most likely token of each.
    margin : (n,) float64
        How much more likely that is than the second.
    best : (n,) int64
        The most likely token of each.
    ids : sequence of int
        The whole canvas; negative numbers are masks.
    """

    masks: NDArray[np.int64]
    confidence: NDArray[np.float64]
    margin: NDArray[np.float64]
    best: NDArray[np.int64]
    ids: Sequence[int]

    def ranked(self, kept: NDArray[np.bool_]) -> list[int]:
        """The positions that are kept, the most confident first."""
        chosen = np.flatnonzero(kept)
        ranked: list[int] = self.masks[chosen[np.argsort(-self.confidence[chosen], kind="stable")]].tolist()
        return ranked

    def only(self, kept: NDArray[np.bool_]) -> View:
        """The view of some of the masks."""
        return View(self.masks[kept], self.confidence[kept], self.margin[kept], self.best[kept], self.ids)


class Schedule(Protocol):
    """Chooses positions."""

    def choose(self, view: View, generator: np.random.Generator) -> list[int]:
        """The masked positions to fill now, in the order in which they take precedence: one or more."""


@dataclass(frozen=True)
class OneByOne:
    """One mask a step: the one the model is surest of (LLaDA, arXiv 2502.09992), the leftmost, or any."""

    order: Literal["confidence", "left", "random"] = "confidence"

    def choose(self, view: View, generator: np.random.Generator) -> list[int]:
        """See :class:`Schedule`."""
        if self.order == "left":
            return [int(view.masks[0])]
        if self.order == "random":
            return [int(generator.choice(view.masks))]
        return [int(view.masks[int(np.argmax(view.confidence))])]


@dataclass(frozen=True)
class Threshold:
    """Every mask the model is sure enough of, at least one (Dimple's confident decoding, arXiv 2505.16990)."""

    threshold: float = 0.9

    def choose(self, view: View, generator: np.random.Generator) -> list[int]:
        """See :class:`Schedule`."""
        return view.ranked(view.confidence >= min(self.threshold, float(view.confidence.max())))


@dataclass(frozen=True)
class Local:
    """Masks the model is sure of, and those near them it is nearly sure of (LocalLeap, arXiv 2510.07081)."""

    threshold: float = 0.9
    relaxed: float = 0.75
    radius: int = 4

    def choose(self, view: View, generator: np.random.Generator) -> list[int]:
        """See :class:`Schedule`."""
        anchors = view.confidence >= min(self.threshold, float(view.confidence.max()))
        distance = np.abs(view.masks[:, None] - view.masks[anchors][None, :]).min(axis=1)
        return view.ranked(anchors | ((distance <= self.radius) & (view.confidence >= self.relaxed)))


@dataclass(frozen=True)
class AllIn:
    """Everything at once as soon as the model prefers one token everywhere by a margin; before that, another schedule
    (Prophet, arXiv 2508.19982)."""

    margin: float = 0.5
    otherwise: Schedule = field(default_factory=OneByOne)

    def choose(self, view: View, generator: np.random.Generator) -> list[int]:
        """See :class:`Schedule`."""
        if view.margin.min() >= self.margin:
            return view.ranked(np.ones(len(view.masks), np.bool_))
        return self.otherwise.choose(view, generator)


@dataclass(frozen=True)
class Blocks:
    """Blocks from left to right, each by another schedule (semi-autoregressive decoding).

    Parameters
    ----------
    size : int
        Positions of a block.
    inside : Schedule
    units : collection of int
        Tokens with which a unit of the grammar ends (``}``, ``,``, ``;``): a block ends behind the first position where
        one stands or is the most likely, if that comes before `size` (AdaBlock-dLLM, arXiv 2509.26432).
    """

    size: int = 32
    inside: Schedule = field(default_factory=OneByOne)
    units: Collection[int] = ()

    def choose(self, view: View, generator: np.random.Generator) -> list[int]:
        """See :class:`Schedule`."""
        start = int(view.masks[0]) if self.units else int(view.masks[0]) // self.size * self.size
        stop = start + self.size
        likely = dict(zip(view.masks.tolist(), view.best.tolist(), strict=True))
        for position in range(start, min(stop, len(view.ids))) if self.units else ():
            if likely.get(position, view.ids[position]) in self.units:
                stop = position + 1
                break
        return self.inside.choose(view.only(view.masks < stop), generator)
