"""A cache of keys and values that is written in place, instead of copied for every token."""

from __future__ import annotations

from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from detent.prefixes import keeps_everything

ROOM = 64  # tokens for which a layer makes room at least


class GrowingLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """Keys and values of one layer, views of tensors with room for further tokens.

    Notes
    -----
    ``DynamicLayer`` joins old and new tensors for every token, which costs as much as reading the whole cache again.
    Here a token is written behind the others; rows that are chosen or dropped are copied once, to where there is room.
    """

    _rooms: tuple[torch.Tensor, ...] = ()

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append the keys and values of new tokens, ``[rows, heads, tokens, dim]``; return all."""
        known = self.get_seq_length()
        if known == 0:
            keys, values = super().update(key_states, value_states, *args, **kwargs)
            return keys, values
        length = known + key_states.shape[-2]
        assert self.keys is not None and self.values is not None
        old = self.keys, self.values
        if not all(_is_part(part, room, length) for part, room in zip(old, self._rooms or old, strict=True)):
            self._rooms = tuple(_with_room(part, length) for part in old)
        for room, new in zip(self._rooms, (key_states, value_states), strict=True):
            room[..., known:length, :] = new
        self.keys, self.values = (room[..., :length, :] for room in self._rooms)
        return self.keys, self.values

    def reorder_cache(self, beam_idx: torch.Tensor) -> None:
        """Go on with some rows, int64 ``[rows]``."""
        known = self.get_seq_length()
        if known == 0:
            return
        assert self.keys is not None and self.values is not None
        self._rooms = tuple(_with_room(part, known, beam_idx) for part in (self.keys, self.values))
        self.keys, self.values = (room[..., :known, :] for room in self._rooms)


def _is_part(part: torch.Tensor, room: torch.Tensor, length: int) -> bool:
    """Tell whether ``part`` is the beginning of a tensor with room for ``length`` tokens."""
    return part.data_ptr() == room.data_ptr() and part.shape[0] == room.shape[0] and room.shape[-2] >= length


def _with_room(part: torch.Tensor, length: int, rows: torch.Tensor | None = None) -> torch.Tensor:
    """Copy ``part``, or some rows of it, into a tensor with room for more than ``length`` tokens."""
    n_rows, n_heads, n_tokens, dim = part.shape
    n_rows = n_rows if rows is None else len(rows)
    room = part.new_empty(n_rows, n_heads, length + max(ROOM, length // 4), dim)
    if rows is None:
        room[..., :n_tokens, :] = part
    else:
        torch.index_select(part, 0, rows.to(part.device), out=room[..., :n_tokens, :])
    return room


def growing_cache(model: Any) -> Any:
    """Return an empty cache for a model whose every layer keeps all tokens, or ``None``: it makes its own."""
    if not keeps_everything(model):
        return None
    cache = DynamicCache(config=model.config)
    cache.layers = [GrowingLayer() for _ in cache.layers]  # type: ignore[no-untyped-call]
    return cache
