"""Drafts: trees of tokens that a text may go on with, cut to what its constraint allows."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np

from detent.automata.matcher import allocate_bitmask
from detent.sampler.base import NOTHING
from detent.sampler.guide import Guides, only_token

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from detent.sampler.guide import Guide

LONGEST = 64  # tokens of one path: what is forced may be longer than any guess should be


@dataclass
class Tree:
    """Tokens behind a text; node 0 is the text itself.

    Attributes
    ----------
    tokens : list of int
        The token of each node; of the root, ``NOTHING``.
    parents, depths : list of int
        Of each node. A parent comes before its children.
    laws : dict
        From a node to the law, float ``[width]``, that its children were drawn from, one after another without
        replacement. Children of other nodes were chosen by a rule that draws nothing.
    masks : dict
        From a node to the tokens that may follow it, int32 ``[words]``, as far as they are known.
    open : list of int
        The nodes behind which something may be written, parents first; known of planted trees.
    forced : set of int
        The nodes behind which there is only one candidate; known of trees with all masks. Never the root: what is
        forced there was written before.
    """

    tokens: list[int] = field(default_factory=lambda: [NOTHING])
    parents: list[int] = field(default_factory=lambda: [-1])
    depths: list[int] = field(default_factory=lambda: [0])
    laws: dict[int, torch.Tensor] = field(default_factory=dict)
    masks: dict[int, NDArray[np.int32]] = field(default_factory=dict)
    open: list[int] = field(default_factory=list)
    forced: set[int] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.tokens)

    @classmethod
    def chain(cls, tokens: Iterable[int]) -> Tree:
        """Make a tree without branches."""
        tree, node = cls(), 0
        for token in tokens:
            node = tree.add(node, token)
        return tree

    def add(self, parent: int, token: int) -> int:
        """Append a node and return its number."""
        self.tokens.append(token)
        self.parents.append(parent)
        self.depths.append(self.depths[parent] + 1)
        return len(self.tokens) - 1

    def children(self) -> list[list[int]]:
        """Return the children of each node, in their order."""
        found: list[list[int]] = [[] for _ in self.tokens]
        for node, parent in enumerate(self.parents[1:], 1):
            found[parent].append(node)
        return found

    def path(self, node: int) -> list[int]:
        """Return the tokens from the text to a node."""
        tokens = []
        while node:
            tokens.append(self.tokens[node])
            node = self.parents[node]
        return tokens[::-1]


def visit(tree: Tree, guide: Guide) -> Generator[int, None, None]:
    """Lead a guide through a tree, depth first, and put it back.

    Yields
    ------
    int
        Every node that the guide can stand at, while it stands there. What is behind a refused token is not visited.
    """
    start, children, stack = len(guide.ids), tree.children(), [0]
    try:
        while stack:
            node = stack.pop()
            if node:
                guide.rollback(len(guide.ids) - start - tree.depths[tree.parents[node]])
                if not guide.accept(tree.tokens[node]):
                    continue
            yield node
            stack += reversed(children[node])
    finally:
        guide.rollback(len(guide.ids) - start)


def plant(draft: Tree, guide: Guide, room: int) -> Tree:
    """Return the part of a draft that may follow a text, its leaves prolonged by what is forced.

    Parameters
    ----------
    draft : Tree
    guide : Guide
        Where the text stands; it is moved and put back.
    room : int
        How many tokens may follow the text.

    Returns
    -------
    Tree
        Of a node whose law its children were drawn from, no child is left out, even where it is refused: that it was
        drawn counts. Masks are known for the leaves, and where the draft knew them.

    Notes
    -----
    Costs one step of the guide per node, and no mask for what is cut off.
    """
    tree = _pruned(draft, guide, room) if len(draft) > 1 else draft
    children, tails = tree.children(), []
    with closing(visit(tree, guide)) as nodes:  # the guide is put back at once where a limit is met
        for node in nodes:
            if tree.depths[node] < room and not guide.is_stopped():
                tree.open.append(node)
                if not children[node]:
                    n = min(room, LONGEST) - tree.depths[node]
                    tails.append((node, *_forced(guide, n, tree.masks.get(node))))
    for node, masks, tokens in tails:
        tree.masks[node] = masks[0]
        for token, mask in zip_longest(tokens, masks[1:]):
            node = tree.add(node, token)
            if mask is not None:
                tree.masks[node] = mask
                tree.open.append(node)
    tree.open.sort()
    return tree


def _pruned(draft: Tree, guide: Guide, room: int) -> Tree:
    reached = set(visit(draft, guide))
    tree = Tree()
    numbers: dict[int, int] = {0: 0}
    for node, (token, parent) in enumerate(zip(draft.tokens, draft.parents, strict=True)):
        if node and parent in numbers and draft.depths[node] <= room and (node in reached or parent in draft.laws):
            numbers[node] = tree.add(numbers[parent], token)
    tree.masks = {numbers[node]: mask for node, mask in draft.masks.items() if node in numbers}
    tree.laws = {
        numbers[node]: law for node, law in draft.laws.items() if node in numbers and draft.depths[node] < room
    }
    return tree


def _forced(guide: Guide, room: int, first: NDArray[np.int32] | None) -> tuple[list[NDArray[np.int32]], list[int]]:
    """Return the masks from here on, of which the ``first`` may be known, while they have one token; and the tokens."""
    masks = [candidates(guide) if first is None else first]
    tokens: list[int] = []
    while True:
        token = only_token(masks[-1])
        if token is None or not guide.accept(token):
            break
        tokens.append(token)
        if len(tokens) == room or guide.is_stopped():
            break
        masks.append(candidates(guide))
    return masks, tokens


def complete_masks(tree: Tree, guide: Guide, room: int, exact: bool) -> None:
    """Make the masks of all nodes behind which something may be written.

    Parameters
    ----------
    tree : Tree
        Planted; its masks are completed.
    guide : Guide
        Where the text stands; it is moved and put back.
    room : int
        How many tokens may follow the text.
    exact : bool
        Whether to ask a predicate about every candidate.
    """
    with closing(visit(tree, guide)) as nodes:
        for node in nodes:
            if tree.depths[node] >= room or guide.is_stopped():
                continue
            mask = tree.masks[node] if node in tree.masks else candidates(guide)
            if node and only_token(mask) is not None:
                tree.forced.add(node)
            tree.masks[node] = mask if guide.is_exact or not exact else allowed(guide, mask)


def candidates(guide: Guide) -> NDArray[np.int32]:
    """Return the tokens that may come next, int32 ``[words]``; with a predicate, a superset of them."""
    mask = allocate_bitmask(1, len(guide.vocabulary))
    guide.fill_bitmask(mask)
    row: NDArray[np.int32] = mask[0]
    return row


def allowed(guide: Guide, mask: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return those of some candidates that the guide allows, int32 ``[words]``."""
    exact: NDArray[np.int32] = Guides([guide], mask[None]).bitmask[0]
    return exact
