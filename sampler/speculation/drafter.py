"""What a drafter is, and several of them in one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from detent.sampler.speculation.tree import LONGEST, Tree

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from detent.sampler.guide import Guide

DraftLaw: TypeAlias = "Callable[[torch.Tensor, NDArray[np.int32]], torch.Tensor]"
"""From logits ``[rows, any width]`` and masks ``[rows, words]`` to the laws ``[rows, n]`` that a draft is drawn from,
``n`` being the size of the vocabulary: temperature, truncation and mask in the order of the target. Rows may be zero.
"""


class Ask(NamedTuple):
    """A draft is wanted.

    Attributes
    ----------
    text : list of int
        Prompt and answer so far.
    start : int
        Where the answer begins.
    guide : Guide
        Where the answer stands. May be moved; must be put back.
    length : int
        How many tokens to guess one after another, at most. What can only come next does not count.
    law : callable or None
        How a drafter that knows probabilities draws. ``None``: it does not draw, but takes what is most likely.
    generator : numpy.random.Generator
        For drawing.
    mask : callable
        The mask that the target will use where a guide stands.
    root : numpy.ndarray, int32 ``[words]``, optional
        The mask here, where it is known.
    length_at : callable, optional
        From the cost of a guess to what ``length`` would be.
    """

    text: list[int]
    start: int
    guide: Guide
    length: int
    law: DraftLaw | None
    generator: np.random.Generator
    mask: Callable[[Guide], NDArray[np.int32]]
    root: NDArray[np.int32] | None = None
    length_at: Callable[[float], int] | None = None


class Seen(NamedTuple):
    """What the target was seen to do.

    Attributes
    ----------
    text : list of int
        Prompt and answer, the tokens of this round included.
    n_new : int
        How many of them this round wrote.
    read : list of int
        Some tokens that the target read, drafted ones among them.
    logits : torch.Tensor, float ``[read, width]``
        What it made of each, before any mask.
    """

    text: list[int]
    n_new: int
    read: list[int]
    logits: torch.Tensor


class Drafter(Protocol):
    """Guesses how texts go on.

    A draft is never wrong: what the constraint refuses is cut off, and the target's law decides about the rest. State
    that belongs to a text is found from its tokens, so that there is nothing to undo.
    """

    @property
    def cost(self) -> float:
        """Time of guessing a token, as a part of a run of the target."""

    def draft(self, asks: Sequence[Ask]) -> list[Tree]:
        """Return a tree for each text; the root alone where there is nothing to say."""

    def learn(self, seen: Sequence[Seen]) -> None:
        """Take notice of what the target wrote."""


@dataclass(frozen=True)
class Combined:
    """Several drafters: each stretch of a draft comes from the first of them that has something to say.

    Parameters
    ----------
    drafters : Drafter
        The surest first. Only the first stretch may be a tree, or drawn from a law; a model that goes on from another
        drafter's stretch gives its most likely tokens.
    """

    drafters: tuple[Drafter, ...]

    def __init__(self, *drafters: Drafter) -> None:
        object.__setattr__(self, "drafters", drafters)

    @property
    def cost(self) -> float:
        return max((drafter.cost for drafter in self.drafters), default=0.0)

    @property
    def draws(self) -> bool:
        return any(getattr(drafter, "draws", True) for drafter in self.drafters)

    def draft(self, asks: Sequence[Ask]) -> list[Tree]:
        return [self._one(ask) for ask in asks]

    def _one(self, ask: Ask) -> Tree:
        tokens: list[int] = []
        n_guessed = 0
        try:
            while len(tokens) < LONGEST and not ask.guide.is_stopped():
                rest = ask._replace(text=ask.text + tokens)
                rest = rest._replace(law=None, root=None) if tokens else rest
                for drafter in self.drafters:
                    length = ask.length if ask.length_at is None else ask.length_at(drafter.cost)
                    (tree,) = drafter.draft([rest._replace(length=max(0, length - n_guessed), length_at=None)])
                    if not tokens and (tree.laws or max(tree.depths) < len(tree) - 1):
                        return tree
                    taken = _take(tree, ask.guide)
                    if taken:
                        tokens += taken
                        n_guessed += 0 if getattr(drafter, "is_sure", False) else len(taken)
                        break
                else:
                    break
        finally:
            ask.guide.rollback(len(tokens))
        return Tree.chain(tokens)

    def learn(self, seen: Sequence[Seen]) -> None:
        for drafter in self.drafters:
            drafter.learn(seen)


def _take(tree: Tree, guide: Guide) -> list[int]:
    """Move a guide along the first path of a tree, as far as it may go; return the tokens."""
    taken: list[int] = []
    node, children = 0, tree.children()
    while children[node] and guide.accept(tree.tokens[children[node][0]]):
        node = children[node][0]
        taken.append(tree.tokens[node])
    return taken
