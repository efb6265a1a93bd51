"""Drafts copied from what the text says already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detent.sampler.speculation.tree import Tree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detent.sampler.speculation.drafter import Ask, Seen


@dataclass(frozen=True)
class PromptLookup:
    """Go on as the text did after the last tokens stood there before, in the prompt or in the answer.

    Parameters
    ----------
    longest, shortest : int
        How many of the last tokens must agree: the more the better.
    cost : float

    Notes
    -----
    Of the places that agree in the most tokens, the last whose next token the constraint allows. O(length of the text)
    for each draft. Yang et al. 2023 (arXiv:2304.04487); CopySpec (Dumitru et al. 2025, arXiv:2502.08923).
    """

    longest: int = 4
    shortest: int = 1
    cost: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.shortest <= self.longest:
            raise ValueError(f"shortest must be at least 1 and at most longest, not {self.shortest} and {self.longest}")

    def draft(self, asks: Sequence[Ask]) -> list[Tree]:
        return [Tree.chain(self._copied(ask)) for ask in asks]

    def _copied(self, ask: Ask) -> list[int]:
        if ask.length < 1:
            return []
        text = np.array(ask.text, np.int64)
        verdicts: dict[int, bool] = {}
        for behind in reversed(_places(text, self.longest, self.shortest)):
            for place in behind[::-1].tolist():
                token = ask.text[place]
                if token not in verdicts:
                    verdicts[token] = ask.guide.allows(token)
                if verdicts[token]:
                    return ask.text[place : place + ask.length]
        return []

    def learn(self, seen: Sequence[Seen]) -> None:
        """Nothing: everything stands in the text."""


def _places(text: NDArray[np.int64], longest: int, shortest: int) -> list[NDArray[np.int64]]:
    """Return the places behind which the last n tokens of a text stand, for n from ``shortest`` to ``longest``."""
    found = []
    behind = np.arange(1, len(text))
    for n in range(1, min(longest, len(text) - 1) + 1):
        behind = behind[behind >= n]
        behind = behind[text[behind - n] == text[-n]]
        if n >= shortest:
            found.append(behind)
    return found
