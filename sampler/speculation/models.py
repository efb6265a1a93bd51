"""Drafts by language models: a smaller one of the same vocabulary, or the target without some of its layers."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch

from detent.sampler.bitmask import apply_bitmask
from detent.sampler.guide import only_token
from detent.sampler.order import draws
from detent.sampler.speculation.tree import Tree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detent.sampler.base import Logits
    from detent.sampler.guide import Guide
    from detent.sampler.speculation.drafter import Ask, Seen


@dataclass
class Tip:
    """A node that is to get children.

    Attributes
    ----------
    ask : Ask
    tree : Tree
        The answer to it.
    node : int
    guide : Guide
        Where the node stands.
    n_guessed : int
        How many tokens on the way were no matter of course.
    confidence : float
        The product of the largest probabilities on the way.
    mask : numpy.ndarray, int32 ``[words]``
        What may follow the node.
    """

    ask: Ask
    tree: Tree
    node: int
    guide: Guide
    n_guessed: int = 0
    confidence: float = 1.0
    mask: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))


@dataclass(frozen=True)
class ModelDrafter:
    """A language model with the target's tokens; its logits may be wider or narrower.

    Parameters
    ----------
    model : callable
        From prefixes to logits.
    width : int or sequence of int
        Children of a node, at each depth: 1 drafts a chain, ``(3, 2, 1, 1)`` a tree.
    confidence : float
        Draft on as long as the product of the draft's largest probabilities is at least this.
    cost : float
        Time of a run, as a part of a run of the target.

    Notes
    -----
    Children are drawn without replacement from the draft's law under the target's mask (Jeon et al. 2024,
    arXiv:2402.14160), so there are never more than the mask allows. Where one token is allowed, the model is not asked.
    """

    model: Logits
    width: int | Sequence[int] = 1
    confidence: float = 0.05
    cost: float = 0.1
    draws: ClassVar[bool] = True

    def __post_init__(self) -> None:
        widths = [self.width] if isinstance(self.width, int) else self.width
        if not widths or min(widths) < 1:
            raise ValueError(f"width must be at least 1, not {self.width}")

    def draft(self, asks: Sequence[Ask]) -> list[Tree]:
        trees = [Tree() for _ in asks]
        tips: list[Tip] = []
        for ask, tree in zip(asks, trees, strict=True):
            if ask.length > 0:
                tips += self._tips(Tip(ask, tree, 0, ask.guide.fork()))
        while tips:
            logits = self.model([tip.ask.text + tip.tree.path(tip.node) for tip in tips])
            masks = np.stack([tip.mask for tip in tips])
            law = tips[0].ask.law
            drawn = _likeliest(logits, masks) if law is None else law(logits, masks)
            tips = [tip for old, row in zip(tips, drawn, strict=True) for tip in self._grow(old, row)]
        return trees

    def _grow(self, tip: Tip, law: torch.Tensor) -> list[Tip]:
        """Add the children of a tip; return those that get children in turn."""
        n = self.width if isinstance(self.width, int) else self.width[min(tip.n_guessed, len(self.width) - 1)]
        if tip.ask.law is None:
            tokens = [token for token in law.topk(min(n, len(law))).indices.tolist() if law[token] > 0]
        else:
            order = draws(law.log().unsqueeze(0), [0.0], [tip.ask.generator])[0]
            tokens = [drawn.token for drawn, _ in zip(order, range(n), strict=False)]
            if tokens:
                tip.tree.laws[tip.node] = law
        confidence = tip.confidence * float(law.max())
        tips = []
        for token in tokens:
            node = tip.tree.add(tip.node, token)
            guide = tip.guide.fork() if token != tokens[-1] else tip.guide
            if guide.accept(token):
                tips.append(Tip(tip.ask, tip.tree, node, guide, tip.n_guessed + 1, confidence))
        return [ready for child in tips for ready in self._tips(child)]

    def _tips(self, tip: Tip) -> list[Tip]:
        """Go on to where there is a choice; nowhere, if the draft is long or unsure enough."""
        while not tip.guide.is_stopped():
            if tip.n_guessed >= tip.ask.length or tip.confidence < self.confidence:
                return []
            known = None if tip.node else tip.ask.root
            tip.mask = tip.tree.masks[tip.node] = tip.ask.mask(tip.guide) if known is None else known
            token = only_token(tip.mask)
            if token is None:
                return [tip] if tip.mask.any() else []
            if not tip.guide.accept(token):
                return []
            tip.node = tip.tree.add(tip.node, token)
        return []

    def learn(self, seen: Sequence[Seen]) -> None:
        """Nothing: the model is trained."""


def _likeliest(logits: torch.Tensor, masks: NDArray[np.int32]) -> torch.Tensor:
    """Return the law of each row under its mask; zero where the draft knows no token that is allowed."""
    scores = logits.float().clone()
    apply_bitmask(scores, masks)
    return scores.softmax(-1).nan_to_num(0.0)


def skip_layers(model: Any, kept: Sequence[int]) -> Any:
    """Return a transformers model with some of its layers only; the weights are shared.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        Left as it is.
    kept : sequence of int
        The layers that stay, ascending.

    Returns
    -------
    transformers.PreTrainedModel
        It drafts for the whole model. It needs a cache of its own.

    Raises
    ------
    ValueError
        If the layers are not found in the model.

    Notes
    -----
    Zhang et al. 2024 (arXiv:2309.08168); SWIFT (Xia et al. 2024, arXiv:2410.06916) chooses the layers while it runs.
    """
    n_layers = model.config.num_hidden_layers
    if not kept or list(kept) != sorted(set(kept)) or not 0 <= kept[0] <= kept[-1] < n_layers:
        raise ValueError(f"kept must be some of the layers 0 to {n_layers - 1}, ascending, not {list(kept)}")
    shallow, n_found = _without(model, n_layers, kept)
    if n_found != 1:
        raise ValueError(f"{type(model).__name__} has {n_found} lists of {n_layers} layers, not one")
    shallow.config = copy.deepcopy(model.config)
    shallow.config.num_hidden_layers = len(kept)
    if getattr(model.config, "layer_types", None):
        shallow.config.layer_types = [model.config.layer_types[layer] for layer in kept]
    return shallow


def _without(module: torch.nn.Module, n_layers: int, kept: Sequence[int]) -> tuple[Any, int]:
    """Copy a module, but not its weights, with some of its layers; return it and how many lists of layers it has."""
    if isinstance(module, torch.nn.ModuleList) and len(module) == n_layers:
        return torch.nn.ModuleList([_renumbered(module[old], new) for new, old in enumerate(kept)]), 1
    other, n_found = _twin(module), 0
    for name, child in module.named_children():
        other._modules[name], found = _without(child, n_layers, kept)
        n_found += found
    return other, n_found


def _renumbered(module: torch.nn.Module, number: int) -> torch.nn.Module:
    """Copy a layer, but not its weights, with another place in the cache."""
    other: torch.nn.Module = _twin(module)
    if hasattr(other, "layer_idx"):
        other.layer_idx = number  # type: ignore[assignment]
    for name, child in module.named_children():
        other._modules[name] = _renumbered(child, number)
    return other


def _twin(module: torch.nn.Module) -> Any:
    other = copy.copy(module)
    other._modules = dict(module._modules)
    return other
