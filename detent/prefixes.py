"""Keys and values of texts read before: a tree of prefixes over a pool of slots, bounded in bytes.

Strategies ask for what follows any prefixes (:data:`detent.sampler.base.Logits`). Of each prefix, only the tokens that
no earlier prefix began with are run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from inspect import signature
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from transformers import DynamicCache

MAX_ROWS = 128  # of one run of the model


class Node:
    """A prefix whose last token has keys and values in a slot of the pool."""

    __slots__ = ("children", "depth", "parent", "slot", "stamp", "token")

    def __init__(self, parent: Node | None, token: int, slot: int, stamp: int) -> None:
        self.parent, self.token, self.slot, self.stamp = parent, token, slot, stamp
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.children: dict[int, Node] = {}


class Reading(NamedTuple):
    """One text to run: ``path`` are the nodes of its beginning; the logits after each of ``lengths`` are wanted."""

    text: tuple[int, ...]
    path: list[Node]
    lengths: list[int]

    @property
    def new(self) -> tuple[int, ...]:
        return self.text[len(self.path) :]


class PrefixStore:
    """A transformers model as a callable from prefixes to logits, which remembers what it read.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        A causal language model whose every layer keeps the keys and values of all tokens.
    max_bytes : int
        Memory for keys and values; the prefixes used longest ago are forgotten first.

    Attributes
    ----------
    n_tokens : int
        How many tokens the model has read.
    n_bytes : int
        Memory that the pool takes now.

    Notes
    -----
    A token is one slot, so branching costs nothing: a row is a list of slots. Prefixes that lie along one text are
    read in one row. A run gathers the slots of its rows, O(rows * length), which is what appending to a cache costs.
    """

    def __init__(self, model: Any, max_bytes: int = 1 << 30) -> None:
        self.model = model
        self.max_bytes = max_bytes
        self.n_tokens = 0
        self._accepts = signature(model.forward).parameters.keys()
        self._pools: list[tuple[torch.Tensor, ...]] = []  # keys and values of each layer, [slots, heads, dim]
        self._free: list[int] = []
        self._root = Node(None, -1, 0, 0)
        self._now = 0

    @property
    def n_bytes(self) -> int:
        return sum(part.nbytes for pool in self._pools for part in pool)

    def __call__(self, prefixes: Sequence[Sequence[int]]) -> torch.Tensor:
        """Return the logits that follow some prefixes.

        Parameters
        ----------
        prefixes : sequence of sequence of int
            None empty; equal ones are run once.

        Returns
        -------
        torch.Tensor, float ``[prefixes, width]``
        """
        self._now += 1
        texts = [tuple(prefix) for prefix in prefixes]
        # Rows that bring equally much new text stand together, so that little is padded.
        readings = sorted(self._readings(texts), key=lambda reading: len(reading.new))
        found: dict[tuple[int, ...], torch.Tensor] = {}
        with torch.inference_mode():
            for start in range(0, len(readings), MAX_ROWS):
                found.update(self._run(readings[start : start + MAX_ROWS]))
            return torch.stack([found[text] for text in texts])

    def _readings(self, texts: Iterable[tuple[int, ...]]) -> Iterator[Reading]:
        """Cut what the tree has off each text that no other text goes on from."""
        ordered = sorted(set(texts))
        lengths: list[int] = []
        for text, following in pairwise([*ordered, ()]):
            if not text:
                raise ValueError("a prefix has no tokens")
            lengths.append(len(text))
            if following[: len(text)] != text:
                # the token before the first place that is asked for must be run
                yield Reading(text, self._path(text[: lengths[0] - 1]), lengths)
                lengths = []

    def _path(self, text: Sequence[int]) -> list[Node]:
        node, path = self._root, []
        for token in text:
            child = node.children.get(token)
            if child is None:
                break
            child.stamp = self._now
            path.append(child)
            node = child
        return path

    def _run(self, readings: Sequence[Reading]) -> Iterator[tuple[tuple[int, ...], torch.Tensor]]:
        """Run the new tokens of some texts, behind the old ones; yield each prefix with its logits."""
        device = self.model.device
        n_old, n_new = max(len(r.path) for r in readings), max(len(r.new) for r in readings)
        n_kept = max(len(r.text) - r.lengths[0] for r in readings) + 1
        slots = torch.tensor([[0] * (n_old - len(r.path)) + [node.slot for node in r.path] for r in readings])
        ids = torch.tensor([[0] * (n_new - len(r.new)) + list(r.new) for r in readings])
        n_read = torch.tensor([[len(r.path), len(r.new)] for r in readings])
        attended = torch.cat(
            [torch.arange(n_old) >= n_old - n_read[:, :1], torch.arange(n_new) >= n_new - n_read[:, 1:]], 1
        ).long()
        inputs: dict[str, Any] = {"input_ids": ids.to(device), "attention_mask": attended.to(device)}
        if "position_ids" in self._accepts:
            inputs["position_ids"] = (attended.cumsum(1) - 1).clamp(min=0)[:, n_old:].to(device)
        if "logits_to_keep" in self._accepts:
            inputs["logits_to_keep"] = n_kept
        cache = DynamicCache()
        if n_old:
            where = slots.to(device)
            for layer, (keys, values) in enumerate(self._pools):
                cache.update(keys[where].transpose(1, 2), values[where].transpose(1, 2), layer)
        output = self.model(**inputs, past_key_values=cache, use_cache=True)
        self.n_tokens += sum(len(r.new) for r in readings)
        self._keep(readings, output.past_key_values, n_old + n_new)
        for row, reading in enumerate(readings):
            for length in reading.lengths:
                yield reading.text[:length], output.logits[row, length - len(reading.text) - 1]

    def _keep(self, readings: Sequence[Reading], cache: Any, length: int) -> None:
        """Put the keys and values of new tokens into the pool, as far as there is room."""
        layers = [(keys, values) for keys, values, *_ in cache]
        if not self._pools:
            self._pools = [tuple(part.new_zeros(1, part.shape[1], part.shape[3]) for part in layer) for layer in layers]
        wanted = sum(len(reading.new) for reading in readings)
        if len(self._free) < wanted:
            self._make_room(wanted)
        rows, places, slots = [], [], []
        for row, reading in enumerate(readings):
            node = reading.path[-1] if reading.path else self._root
            for place, token in enumerate(reading.new, length - len(reading.new)):
                child = node.children.get(token)
                if child is None:
                    if not self._free:
                        break
                    child = node.children[token] = Node(node, token, self._free.pop(), self._now)
                    rows.append(row)
                    places.append(place)
                    slots.append(child.slot)
                child.stamp = self._now
                node = child
        where, row_index, place_index = (torch.tensor(part, device=self.model.device) for part in (slots, rows, places))
        if slots:
            for pool, layer in zip(self._pools, layers, strict=True):
                for part, new in zip(pool, layer, strict=True):
                    part[where] = new[row_index, :, place_index]

    def _make_room(self, wanted: int) -> None:
        """Let the pool grow to its bound; then forget what was used longest ago, a quarter at least."""
        size = len(self._pools[0][0])
        most = max(2, self.max_bytes // (self.n_bytes // size))
        larger = min(most, max(2 * size, size + wanted))
        if larger > size:
            self._pools = [
                tuple(torch.cat([part, part.new_zeros(larger - size, *part.shape[1:])]) for part in pool)
                for pool in self._pools
            ]
            self._free += range(size, larger)
        if len(self._free) < wanted:
            old = [node for node in self._nodes() if node.stamp < self._now]
            # nobody reads a child without its parents, so parents are never older
            old.sort(key=lambda node: (node.stamp, -node.depth))
            for node in old[: max(wanted - len(self._free), most // 4)]:
                assert node.parent is not None
                del node.parent.children[node.token]
                self._free.append(node.slot)

    def _nodes(self) -> Iterator[Node]:
        stack = list(self._root.children.values())
        while stack:
            node = stack.pop()
            yield node
            stack += node.children.values()


def keeps_everything(model: Any) -> bool:
    """Tell whether every layer of a transformers model caches the keys and values of all tokens, and nothing else."""
    if "config" not in signature(DynamicCache.__init__).parameters:  # transformers before 4.56 does not tell
        return False
    return all(type(layer).__name__ == "DynamicLayer" for layer in DynamicCache(config=model.config).layers)
