"""Keys and values of texts read before: a radix tree of prefixes over a pool of slots, bounded in bytes.

Strategies ask for what follows any prefixes (:data:`detent.sampler.base.Logits`). Of each prefix, only the tokens that
no earlier prefix began with are run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from inspect import signature
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from transformers import DynamicCache

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_ROWS = 128  # of one run of the model


class Run:
    """Some tokens in a row, behind those of the parents, with the slots of their keys and values.

    Attributes
    ----------
    parent : Run or None
    tokens : tuple of int
    slots : numpy.ndarray, int64 ``[len(tokens)]``
    stamp : int
        When it was last used; never later than its parent.
    children : dict
        By their first tokens.
    """

    __slots__ = ("children", "parent", "slots", "stamp", "tokens")

    def __init__(self, parent: Run | None, tokens: tuple[int, ...], slots: NDArray[np.int64], stamp: int) -> None:
        self.parent, self.tokens, self.slots, self.stamp = parent, tokens, slots, stamp
        self.children: dict[int, Run] = {}
        if parent is not None:
            parent.children[tokens[0]] = self

    def split(self, n: int) -> Run:
        """Cut the run behind its first ``n`` tokens; return this first part, whose child is the rest."""
        assert self.parent is not None and 0 < n < len(self.tokens)
        first = Run(self.parent, self.tokens[:n], self.slots[:n], self.stamp)
        self.parent, self.tokens, self.slots = first, self.tokens[n:], self.slots[n:]
        first.children[self.tokens[0]] = self
        return first


class Found(NamedTuple):
    """How far a text is known: to token ``n`` of ``run``, the last of its slots ``slots``."""

    run: Run
    n: int
    slots: NDArray[np.int64]


class Reading(NamedTuple):
    """One text to run behind what is known of it; the logits after each of ``lengths`` are wanted."""

    text: tuple[int, ...]
    slots: NDArray[np.int64]
    lengths: list[int]

    @property
    def new(self) -> tuple[int, ...]:
        return self.text[len(self.slots) :]


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
    A token has one slot, so branching costs nothing: a row is a list of slots. Prefixes that lie along one text are
    read in one row. A run gathers the slots of its rows, O(rows * length), which is what appending to a cache costs.
    """

    def __init__(self, model: Any, max_bytes: int = 1 << 30) -> None:
        self.model = model
        self.max_bytes = max_bytes
        self.n_tokens = 0
        self._accepts = signature(model.forward).parameters.keys()
        self._pools: list[tuple[torch.Tensor, ...]] = []  # keys and values of each layer, [slots, heads, dim]
        self._free: list[int] = []
        self._root = Run(None, (), np.zeros(0, np.int64), 0)
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
                yield Reading(text, self._find(text[: lengths[0] - 1]).slots, lengths)
                lengths = []

    def _find(self, text: tuple[int, ...]) -> Found:
        """Walk down the tree along a text, as far as it goes."""
        run, n, done = self._root, 0, 0
        pieces = [self._root.slots]
        while done < len(text) and n == len(run.tokens) and (child := run.children.get(text[done])) is not None:
            run, n = child, len(child.tokens)
            part = text[done : done + n]
            if part != run.tokens:
                n = next((i for i, (a, b) in enumerate(zip(part, run.tokens, strict=False)) if a != b), len(part))
            run.stamp = self._now
            pieces.append(run.slots[:n])
            done += n
        return Found(run, n, np.concatenate(pieces))

    def _run(self, readings: Sequence[Reading]) -> Iterator[tuple[tuple[int, ...], torch.Tensor]]:
        """Run the new tokens of some texts, behind the old ones; yield each prefix with its logits."""
        device = self.model.device
        n_old, n_new = max(len(r.slots) for r in readings), max(len(r.new) for r in readings)
        n_kept = max(len(r.text) - r.lengths[0] for r in readings) + 1
        slots, ids = np.zeros((len(readings), n_old), np.int64), np.zeros((len(readings), n_new), np.int64)
        attended = torch.zeros(len(readings), n_old + n_new, dtype=torch.int64)
        for row, reading in enumerate(readings):  # padded on the left, between the old and the new ones, too
            known, new = len(reading.slots), len(reading.new)
            slots[row, n_old - known :] = reading.slots
            ids[row, n_new - new :] = reading.new
            attended[row, n_old - known : n_old] = attended[row, n_old + n_new - new :] = 1
        inputs: dict[str, Any] = {
            "input_ids": torch.from_numpy(ids).to(device),
            "attention_mask": attended.to(device),
        }
        if "position_ids" in self._accepts:
            inputs["position_ids"] = (attended.cumsum(1) - 1).clamp(min=0)[:, n_old:].to(device)
        if "logits_to_keep" in self._accepts:
            inputs["logits_to_keep"] = n_kept
        cache = DynamicCache()
        if n_old:
            where = torch.from_numpy(slots).to(device)
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
        rows: list[int] = []
        places: list[int] = []
        slots: list[int] = []
        for row, reading in enumerate(readings):
            known, taken = self._insert(reading.text)
            rows += [row] * len(taken)
            start = length - len(reading.text) + known
            places += range(start, start + len(taken))
            slots += taken
        if not slots:
            return
        where, row_index, place_index = (torch.tensor(part, device=self.model.device) for part in (slots, rows, places))
        for pool, layer in zip(self._pools, layers, strict=True):
            for part, new in zip(pool, layer, strict=True):
                part[where] = new[row_index, :, place_index]

    def _insert(self, text: tuple[int, ...]) -> tuple[int, list[int]]:
        """Make the tree know a text, as far as there are slots; return how far it did, and the slots taken."""
        run, n, slots = self._find(text)
        known = len(slots)
        taken = self._free[max(0, len(self._free) - (len(text) - known)) :]
        if not taken:
            return known, taken
        del self._free[-len(taken) :]
        tokens, new = text[known : known + len(taken)], np.array(taken, np.int64)
        if n < len(run.tokens):
            run = run.split(n)
        if run is self._root or run.children:
            Run(run, tokens, new, self._now)
        else:
            run.tokens, run.slots = run.tokens + tokens, np.concatenate([run.slots, new])
        return known, taken

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
            enough = max(wanted, len(self._free) + most // 4)
            # children are never used without their parents: those used longest ago have none that stay
            old = sorted((run.stamp, -depth, i, run) for i, (run, depth) in enumerate(self._runs()))
            for stamp, _, _, run in old:
                if stamp == self._now or len(self._free) >= enough:
                    break
                assert run.parent is not None
                del run.parent.children[run.tokens[0]]
                self._free += run.slots.tolist()

    def _runs(self) -> Iterator[tuple[Run, int]]:
        """Yield every run but the root, with its depth."""
        stack = [(run, 1) for run in self._root.children.values()]
        while stack:
            run, depth = stack.pop()
            yield run, depth
            stack += [(child, depth + 1) for child in run.children.values()]


def keeps_everything(model: Any) -> bool:
    """Tell whether every layer of a transformers model caches the keys and values of all tokens, and nothing else."""
    if "config" not in signature(DynamicCache.__init__).parameters:  # transformers before 4.56 does not tell
        return False
    return all(type(layer).__name__ == "DynamicLayer" for layer in DynamicCache(config=model.config).layers)
