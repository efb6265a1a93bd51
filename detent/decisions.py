"""Decisions along drafts: with which random numbers, in which law, and how far a text follows its draft."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from detent.sampler.base import NOTHING, Step
from detent.sampler.bitmask import apply_bitmask
from detent.sampler.masking import LOWEST, Masking
from detent.sampler.speculation.verify import choose

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detent.rounds import Round


class Numbers:
    """The uniform numbers of a row's decisions.

    They are those of plain decoding: the next of the row's generator, one for each decision on the way. So they are
    read ahead, and only those that were used are taken. Where drafts were drawn, there are new ones for every node.
    """

    def __init__(self, r: Round) -> None:
        self.r = r

    def __call__(self, n: int) -> NDArray[np.float64]:
        """Return the numbers of the open nodes, float64 ``[open, n]``; the last is that of drawing without a draft."""
        tree, generator = self.r.tree, self.r.row.generator
        numbers = np.zeros((len(tree.open), n))
        if tree.laws:
            children = tree.children()
            own = max(len(children[node]) for node in tree.laws) + 1  # whatever other rows need
            drawn = generator.random((len(tree.open), own))
            numbers[:, : own - 1], numbers[:, -1] = drawn[:, :-1], drawn[:, -1]
            return numbers
        if len(tree.open) == 1:
            numbers[:, -1] = generator.random()
            return numbers
        n_before = {0: 0}
        for node in tree.open[1:]:
            parent = tree.parents[node]
            n_before[node] = n_before[parent] + (parent not in tree.forced)
        state = generator.bit_generator.state
        stream = generator.random(max(n_before.values()) + 1)
        generator.bit_generator.state = state
        numbers[:, -1] = stream[list(n_before.values())]
        return numbers

    def take(self, n_used: int) -> None:
        """Take as many numbers from the generator as there were decisions."""
        if not self.r.tree.laws and len(self.r.tree.open) > 1:
            self.r.row.generator.random(n_used)


def choose_all(rounds: Sequence[Round], numbers: Sequence[Numbers], target: torch.Tensor) -> torch.Tensor:
    """Choose the tokens of all open nodes from their laws, float ``[open nodes, width]``."""
    drawn = [(r.tree.children(), r.tree) for r in rounds]
    n = max((len(children[node]) for children, tree in drawn for node in tree.laws), default=0)
    uniforms = torch.from_numpy(np.concatenate([of_row(n + 1) for of_row in numbers])).to(target.device)
    if n == 0:
        return choose(target, uniforms)
    tokens = np.full((len(target), n), -1)
    draft = torch.zeros_like(target)
    places = ((children[node], tree, node) for children, tree in drawn for node in tree.open)
    for i, (children, tree, node) in enumerate(places):
        if node in tree.laws:
            tokens[i, : len(children)] = [tree.tokens[child] for child in children]
            draft[i] = fit(tree.laws[node].unsqueeze(0), target.shape[1], 0.0)
    return choose(target, uniforms, torch.from_numpy(tokens).to(target.device), draft)


def follow(r: Round, decide: Callable[[int], Step]) -> int:
    """Write tokens along the draft, as far as it agrees, and one more; return how many of them were decided."""
    row, tree, children = r.row, r.tree, r.tree.children()
    node, n_decided = 0, 0
    while not row.closed:
        step = decide(node)
        forced = node in tree.forced
        n_decided += not forced
        if step.token == NOTHING or not row.take(step.token):
            if step.token != NOTHING and not forced and row.error is None:
                raise ValueError(f"the sampler drew token {step.token}, which is not allowed")
            row.dead = True
            return n_decided
        child = next((child for child in children[node] if tree.tokens[child] == step.token), None)
        logprob = 0.0 if forced else step.logprob
        row.trace.append(step._replace(forced=forced, logprob=logprob, drafted=child is not None))
        if child is None:
            return n_decided
        node = child
    return n_decided


def fit(rows: torch.Tensor, width: int, fill: float) -> torch.Tensor:
    """Return rows of another width, filled up or cut off on the right."""
    if rows.shape[1] == width:
        return rows
    fitted = rows.new_full((len(rows), width), fill)
    shared = min(width, rows.shape[1])
    fitted[:, :shared] = rows[:, :shared]
    return fitted


def law_under(sampler: Any, logits: torch.Tensor, masks: NDArray[np.int32]) -> torch.Tensor:
    """Return the law that ``Masking`` or ``AWRS`` draws from under some masks, in its order of options and mask.

    Parameters
    ----------
    sampler : Masking or AWRS
    logits : torch.Tensor, float ``[rows, width]``
        Left as they are.
    masks : numpy.ndarray, int32 ``[rows, words]``

    Returns
    -------
    torch.Tensor, float32 ``[rows, width]``
        Zero in rows that allow nothing.
    """
    if isinstance(sampler, Masking):
        scores = logits.float().clamp(min=LOWEST)
        apply_bitmask(scores, masks)
        dead = scores.amax(-1) == -torch.inf
        scores[dead, 0] = 0.0
        law = sampler.law(scores)
        law[dead] = 0.0
        return law
    scores = sampler.scaled(logits).clone()
    apply_bitmask(scores, masks)
    probs: torch.Tensor = scores.softmax(-1).nan_to_num(0.0)
    return probs
