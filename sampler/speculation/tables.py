"""Drafts from tables that are learnt while the target writes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from detent.sampler.speculation.tree import Tree

if TYPE_CHECKING:
    from detent.sampler.speculation.drafter import Ask, Seen


class NGrams:
    """What followed the last tokens whenever they were written before, in any text.

    Parameters
    ----------
    order : int
        Tokens of the longest n-gram: 3 looks at the last two and, where they are new, at the last one.
    size : int
        How many beginnings are remembered; those used longest ago are forgotten.
    rivals : int
        How many continuations of each are counted.
    cost : float

    Notes
    -----
    The most frequent continuation that the constraint allows is drafted. Counts of rivals are halved when there are
    too many, so that the table follows what is written now. ADED (Liu et al. 2024, arXiv:2406.17404) is the idea.
    """

    def __init__(self, order: int = 4, size: int = 1 << 16, rivals: int = 8, cost: float = 0.0) -> None:
        if order < 2:
            raise ValueError(f"order must be at least 2, not {order}")
        self.order, self.size, self.rivals, self.cost = order, size, rivals, cost
        self._followers: OrderedDict[tuple[int, ...], dict[int, int]] = OrderedDict()

    def draft(self, asks: Sequence[Ask]) -> list[Tree]:
        return [Tree.chain(self._path(ask)) for ask in asks]

    def _path(self, ask: Ask) -> list[int]:
        tokens: list[int] = []
        try:
            while len(tokens) < ask.length:
                token = self._next(ask, (ask.text[-self.order :] + tokens)[-self.order + 1 :])
                if token is None or not ask.guide.accept(token):
                    break
                tokens.append(token)
        finally:
            ask.guide.rollback(len(tokens))
        return tokens

    def _next(self, ask: Ask, last: list[int]) -> int | None:
        for start in range(len(last)):
            followers = self._followers.get(tuple(last[start:]), {})
            for token in sorted(followers, key=lambda token: -followers[token]):
                if ask.guide.allows(token):
                    return token
        return None

    def learn(self, seen: Sequence[Seen]) -> None:
        """Count what was written."""
        for text, n_new, _, _ in seen:
            for end in range(len(text) - n_new, len(text)):
                for n in range(1, min(self.order, end + 1)):
                    self._count(tuple(text[end - n : end]), text[end])

    def _count(self, last: tuple[int, ...], token: int) -> None:
        followers = self._followers.setdefault(last, {})
        self._followers.move_to_end(last)
        followers[token] = followers.get(token, 0) + 2
        if len(followers) > self.rivals:
            halved = {token: count // 2 for token, count in followers.items() if count > 2}
            self._followers[last] = {token: 2} | halved if len(halved) < self.rivals else {token: 2}
        if len(self._followers) > self.size:
            self._followers.popitem(last=False)


class Recycling:
    """A tree of what the target thought likely behind each token when it last read it.

    Parameters
    ----------
    widths : sequence of int
        Children of a node at each depth.
    size : int
        How many tokens are remembered; those read longest ago are forgotten.
    cost : float

    Notes
    -----
    Token Recycling (Luo et al. 2024, arXiv:2408.08696). Candidates are kept as they were before any mask, twice as many
    as a node has children: another place in the grammar allows others of them.
    """

    def __init__(self, widths: Sequence[int] = (3, 2, 1, 1), size: int = 1 << 15, cost: float = 0.0) -> None:
        if not widths or min(widths) < 1:
            raise ValueError(f"widths must be at least 1, not {widths}")
        self.widths, self.size, self.cost = tuple(widths), size, cost
        self._likely: OrderedDict[int, list[int]] = OrderedDict()

    def draft(self, asks: Sequence[Ask]) -> list[Tree]:
        return [self._tree(ask) for ask in asks]

    def _tree(self, ask: Ask) -> Tree:
        tree = Tree()
        if ask.length > 0:
            self._grow(ask, tree, 0, ask.text[-1])
        return tree

    def _grow(self, ask: Ask, tree: Tree, node: int, token: int) -> None:
        depth = tree.depths[node]
        if depth == min(ask.length, len(self.widths)):
            return
        n_children = 0
        for child in self._likely.get(token, []):
            if n_children == self.widths[depth]:
                return
            if ask.guide.accept(child):
                self._grow(ask, tree, tree.add(node, child), child)
                ask.guide.rollback(1)
                n_children += 1

    def learn(self, seen: Sequence[Seen]) -> None:
        """Remember the likeliest tokens behind everything that was read."""
        for _, _, read, logits in seen:
            n = min(2 * max(self.widths), logits.shape[1])
            for token, likely in zip(read, logits.topk(n).indices.tolist(), strict=True):
                self._likely[token] = likely
                self._likely.move_to_end(token)
        while len(self._likely) > self.size:
            self._likely.popitem(last=False)
