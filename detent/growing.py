"""Texts that grow, with drafts that are taken back: the model reads only what is new, trees of tokens included.

Drafting asks again and again about the same few texts, each time a few tokens longer and with other guesses behind it.
So the keys and values of the last call stay where they are: every text is a row of the cache, and a guess that was
wrong is cut off or never attended to again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from inspect import signature
from typing import Any, NamedTuple

import numpy as np
import torch
from transformers import DynamicCache

from detent.prefixes import keeps_everything

WASTE, SPARE = 1.25, 64  # columns of the cache for each token of the longest text, and beyond

Ids = tuple[int, ...]


class Text:
    """A row of the cache: a text, and guesses that branch off from it.

    Attributes
    ----------
    ids : tuple of int
        The text; ``columns`` says where in the cache each of its tokens stands, ascending.
    columns : list of int
    others : dict
        From the column before (-1: none) and a token to the column of that token, for what branches off.
    idle : int
        How many calls ago it was asked about.
    """

    __slots__ = ("columns", "idle", "ids", "others")

    def __init__(self, ids: Ids = (), columns: list[int] | None = None) -> None:
        self.ids, self.columns, self.idle = ids, columns or [], 0
        self.others: dict[tuple[int, int], int] = {}

    def find(self, prefix: Ids) -> list[int]:
        """Return the columns of as much of a prefix as was read, without its last token."""
        n = min(_shared(self.ids, prefix), len(prefix) - 1)
        columns = self.columns[:n]
        for token in prefix[n:-1]:
            column = self.others.get((columns[-1] if columns else -1, token))
            if column is None:
                break
            columns.append(column)
        return columns


class Node(NamedTuple):
    """A token to be read: behind another such node, or (``parent`` -1) behind the columns ``known``."""

    token: int
    depth: int
    parent: int
    known: list[int]


class Asked(NamedTuple):
    """What is to be read in a row: the nodes, and which of them is the last of each prefix."""

    nodes: list[Node]
    ends: dict[Ids, int]

    @property
    def is_chain(self) -> bool:
        return all(node.parent == i - 1 for i, node in enumerate(self.nodes))


class GrowingTexts:
    """A transformers model as a callable from prefixes to logits, for a few texts that grow from call to call.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        One of which :func:`reads_trees` is true.
    max_idle : int
        How many calls a text may miss before it is forgotten. Till then its row is run with nothing to read.

    Attributes
    ----------
    n_tokens : int
        How many tokens the model has read.

    Notes
    -----
    What a call does not go on from is forgotten soon: :class:`detent.prefixes.PrefixStore` is for texts that come
    back. Prefixes that go on from one text are one row, a tree of tokens under a mask of its own (Miao et al. 2023,
    SpecInfer, arXiv:2305.09781, section 4.2). One text without guesses costs what plain decoding does.
    """

    def __init__(self, model: Any, max_idle: int = 0) -> None:
        self.model, self.max_idle = model, max_idle
        self.n_tokens = 0
        self._device = model.device
        self._keeps_logits = "logits_to_keep" in signature(model.forward).parameters
        self._rows: list[Text] = []
        self._cache: Any = DynamicCache()

    def __call__(self, prefixes: Sequence[Sequence[int]]) -> torch.Tensor:
        """Return the logits that follow some prefixes.

        Parameters
        ----------
        prefixes : sequence of sequence of int
            None empty; equal ones are read once.

        Returns
        -------
        torch.Tensor, float ``[prefixes, width]``
        """
        texts = [tuple(prefix) for prefix in prefixes]
        if not all(texts):
            raise ValueError("a prefix has no tokens")
        try:
            with torch.inference_mode():
                flat, places = self._logits(list(dict.fromkeys(texts)))
        except BaseException:  # some layers may have read what others have not
            self._rows, self._cache = [], DynamicCache()
            raise
        index = [places[text] for text in texts]
        return flat if index == list(range(len(flat))) else flat[torch.tensor(index, device=flat.device)]

    def _logits(self, texts: list[Ids]) -> tuple[torch.Tensor, dict[Ids, int]]:
        """Return the logits behind some different texts, among others, and the place of each."""
        asked, fresh = self._assign(texts)
        read: list[tuple[torch.Tensor, dict[Ids, int]]] = []
        if asked := self._prepare(asked):
            read.append(self._read(self._rows, self._cache, asked))
        if fresh:
            rows, cache = [Text() for _ in fresh], DynamicCache()
            read.append(self._read(rows, cache, fresh))
            self._join(rows, cache)
        if len(read) == 1:
            return read[0]
        start = len(read[0][0])
        behind = {prefix: start + place for prefix, place in read[1][1].items()}
        return torch.cat([logits for logits, _ in read]), read[0][1] | behind

    # ---------------------------------------------------------------------------------------------------------- rows
    def _assign(self, texts: Sequence[Ids]) -> tuple[list[list[Ids]], list[list[Ids]]]:
        """Return the prefixes that each row is asked about, and the new texts with theirs."""
        asked: list[list[Ids]] = [[] for _ in self._rows]
        fresh: list[list[Ids]] = []
        row, last = -1, asked[0] if asked else []
        for text in texts:
            if last and text[: len(last[0])] == last[0]:
                last.append(text)
                continue
            row = self._row_of(text, row)
            if row >= 0:
                last = asked[row]
            else:
                fresh.append([])
                last = fresh[-1]
            last.append(text)
        return asked, fresh

    def _row_of(self, text: Ids, last: int) -> int:
        """Return the row that knows most of a text; -1 when none knows half of it."""
        best, most = -1, len(text) // 2
        for i in range(len(self._rows)):
            row = (last + 1 + i) % len(self._rows)
            n = len(self._rows[row].find(text))
            if 0 < n == len(text) - 1:
                return row
            if n > most:
                best, most = row, n
        return best

    def _prepare(self, asked: list[list[Ids]]) -> list[list[Ids]]:
        """Make the cache ready for the prefixes of each row: nothing is kept that only takes place."""
        if not any(asked):
            self._rows, self._cache = [], DynamicCache()
            return []
        nested = True
        for row, prefixes in zip(self._rows, asked, strict=True):
            row.idle = 0 if prefixes else row.idle + 1
            prefixes.sort(key=len)
            if prefixes and all(prefix[: len(prefixes[0])] == prefixes[0] for prefix in prefixes):
                row.columns = row.find(prefixes[0])
                row.ids, row.others = prefixes[0][: len(row.columns)], {}
            else:
                nested = nested and not prefixes
        longest = max(len(row.columns) for row in self._rows)
        if self._length > WASTE * longest + SPARE or any(row.idle > self.max_idle for row in self._rows):
            return self._rearrange(asked)
        if nested:
            end = 1 + max((row.columns[-1] for row in self._rows if row.columns), default=-1)
            if end < self._length:
                self._change(lambda part: part[:, :, :end])
                for row in self._rows:
                    row.others = {}
        return asked

    def _rearrange(self, asked: list[list[Ids]]) -> list[list[Ids]]:
        """Give every text a row of its own without holes; forget those that nobody asks about."""
        sources, rows, prefixes = [], [], []
        for i, (row, of_row) in enumerate(zip(self._rows, asked, strict=True)):
            for group in _groups(of_row):
                sources.append((i, row.find(group[0])))
                prefixes.append(group)
            if not of_row and row.idle <= self.max_idle:
                sources.append((i, row.columns))
                prefixes.append([])
        size = max(len(columns) for _, columns in sources)
        columns = np.zeros((len(sources), size), np.int64)
        for new, (i, known) in enumerate(sources):
            columns[new, : len(known)] = known
            text = prefixes[new][0] if prefixes[new] else self._rows[i].ids
            rows.append(Text(text[: len(known)], list(range(len(known)))))
            rows[-1].idle = self._rows[i].idle
        where = torch.from_numpy(columns).to(self._device)
        of_row_index = torch.tensor([[i] for i, _ in sources], device=self._device)
        self._change(lambda part: part[of_row_index, :, where].transpose(1, 2))
        self._rows = rows
        return prefixes

    def _join(self, rows: list[Text], cache: Any) -> None:
        """Put new rows below the old ones."""
        if self._rows:
            length = max(self._length, cache.get_seq_length())
            for layer, other in zip(self._cache.layers, cache.layers, strict=True):
                layer.keys = torch.cat([_widened(layer.keys, length), _widened(other.keys, length)])
                layer.values = torch.cat([_widened(layer.values, length), _widened(other.values, length)])
        else:
            self._cache = cache
        self._rows = self._rows + rows

    @property
    def _length(self) -> int:
        length: int = self._cache.get_seq_length()
        return length

    def _change(self, how: Callable[[torch.Tensor], torch.Tensor]) -> None:
        for layer in self._cache.layers:
            layer.keys, layer.values = how(layer.keys), how(layer.values)

    # ------------------------------------------------------------------------------------------------------- reading
    def _read(self, rows: list[Text], cache: Any, prefixes: list[list[Ids]]) -> tuple[torch.Tensor, dict[Ids, int]]:
        """Read what is new in each row; return logits, float ``[places, width]``, and the place of each prefix."""
        n_old = cache.get_seq_length()
        asked = [_nodes(row, of_row) for row, of_row in zip(rows, prefixes, strict=True)]
        n_new = max(len(a.nodes) for a in asked)
        starts = [n_new - len(a.nodes) for a in asked]  # padded on the left, so that few logits are needed
        n_kept = n_new - min(start + end for start, a in zip(starts, asked, strict=True) for end in a.ends.values())
        ids, positions = np.zeros((2, len(rows), n_new), np.int64)
        for i, (start, a) in enumerate(zip(starts, asked, strict=True)):
            ids[i, start:] = [node.token for node in a.nodes]
            positions[i, start:] = [node.depth for node in a.nodes]
        inputs: dict[str, Any] = {
            "input_ids": torch.from_numpy(ids).to(self._device),
            "position_ids": torch.from_numpy(positions).to(self._device),
            "attention_mask": self._mask(asked, n_old, n_new),
        }
        if self._keeps_logits:
            inputs["logits_to_keep"] = n_kept
        logits = self.model(**inputs, past_key_values=cache, use_cache=True).logits[:, -n_kept:]
        self.n_tokens += sum(len(a.nodes) for a in asked)
        found: dict[Ids, int] = {}
        for i, (row, start, a) in enumerate(zip(rows, starts, asked, strict=True)):
            _keep(row, a, n_old + start)
            first = i * n_kept + start - (n_new - n_kept)
            found.update((prefix, first + end) for prefix, end in a.ends.items())
        return logits.flatten(0, 1), found

    def _mask(self, asked: list[Asked], n_old: int, n_new: int) -> torch.Tensor | None:
        """Return what the new tokens attend to; ``None`` when that is everything before them."""
        chains = all(a.is_chain for a in asked)
        if chains and all(len(a.nodes) == n_new and len(a.nodes[0].known) == n_old for a in asked):
            return None
        if chains:
            attended = np.zeros((len(asked), n_old + n_new), np.int64)
            for row, a in zip(attended, asked, strict=True):
                row[a.nodes[0].known if a.nodes else slice(0, 1)] = 1
                row[n_old + n_new - len(a.nodes) :] = 1
            return torch.from_numpy(attended).to(self._device)
        allowed = np.zeros((len(asked), 1, n_new, n_old + n_new), np.bool_)
        allowed[:, 0, range(n_new), range(n_old, n_old + n_new)] = True
        for (matrix,), a in zip(allowed, asked, strict=True):
            matrix = matrix[n_new - len(a.nodes) :]
            for row, node in zip(matrix, a.nodes, strict=True):
                if node.parent >= 0:
                    row |= matrix[node.parent]
                else:
                    row[node.known] = True
        mask = torch.from_numpy(allowed).to(self._device)
        if self.model.config._attn_implementation == "sdpa":
            return mask
        lowest = torch.finfo(self.model.dtype).min
        return torch.zeros_like(mask, dtype=self.model.dtype).masked_fill_(~mask, lowest)


def _shared(one: Ids, other: Ids) -> int:
    """Return how many tokens two texts begin with alike."""
    alike, unlike = 0, min(len(one), len(other))
    if one[:unlike] == other[:unlike]:
        return unlike
    while unlike - alike > 1:
        middle = (alike + unlike) // 2
        if one[alike:middle] == other[alike:middle]:
            alike = middle
        else:
            unlike = middle
    return alike


def _groups(prefixes: Sequence[Ids]) -> Iterator[list[Ids]]:
    """Cut prefixes into groups whose shortest all others of the group begin with."""
    group: list[Ids] = []
    for prefix in sorted(prefixes):
        if group and prefix[: len(group[0])] != group[0]:
            yield sorted(group, key=len)
            group = []
        group.append(prefix)
    if group:
        yield sorted(group, key=len)


def _nodes(row: Text, prefixes: Sequence[Ids]) -> Asked:
    """Plan what must be read for some prefixes, the shortest first: their new tokens, and the last of each."""
    nodes: list[Node] = []
    ends: dict[Ids, int] = {}
    made: dict[tuple[int, int, int], int] = {}
    for prefix in prefixes:
        known = row.find(prefix)
        last, at = -1, known[-1] if known else -1
        for depth in range(len(known), len(prefix)):
            token = prefix[depth]
            number = made.setdefault((last, at, token), len(nodes))
            if number == len(nodes):
                nodes.append(Node(token, depth, last, known))
            last, at = number, -1
        ends[prefix] = last
    return Asked(nodes, ends)


def _keep(row: Text, asked: Asked, start: int) -> None:
    """Remember where the new tokens of a row stand, the first of them in column ``start``."""
    n = 0
    if not row.others:
        for n, node in enumerate([*asked.nodes, None]):
            if node is None or node.parent != n - 1 or len(node.known) != len(row.columns):
                break
        row.ids += tuple(node.token for node in asked.nodes[:n])
        row.columns += range(start, start + n)
    for i, node in enumerate(asked.nodes[n:], n):
        before = start + node.parent if node.parent >= 0 else node.known[-1] if node.known else -1
        row.others[before, node.token] = start + i


def _widened(part: torch.Tensor, length: int) -> torch.Tensor:
    """Fill keys or values, ``[rows, heads, length, dim]``, up to more columns."""
    return torch.nn.functional.pad(part, (0, 0, 0, length - part.shape[2]))


def reads_trees(model: Any) -> bool:
    """Tell whether a transformers model takes positions and a mask for every pair of tokens, and keeps all tokens."""
    config = model.config
    return (
        keeps_everything(model)
        and "position_ids" in signature(model.forward).parameters
        and getattr(config, "_attn_implementation", None) in ("sdpa", "eager")
        and not getattr(config, "alibi", False)
    )
