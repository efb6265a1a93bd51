"""Masks where the logits are: a table of rows on the device, and the number of a row for each sequence.

A state that was seen before costs a look-up; only the rows of new states are written, and travel. So a step whose
states are known does no work in the size of the vocabulary on the host.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
import torch

from detent.automata.matcher import Matcher, allocate_bitmask

from .bitmask import apply_bitmask

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detent.automata.arena import Arena


class MaskTable:
    """Rows of masks on one device, shared by all matchers over one vocabulary; the oldest leave when it is full.

    Parameters
    ----------
    n_tokens : int
        ``len(vocabulary)``.
    capacity : int
        Number of rows: the greatest batch at least. 4096 rows of 128k tokens are 64 MB.
    device : torch.device or str

    Attributes
    ----------
    masks : torch.Tensor, int32 ``[capacity, words]``
        On the device. Bit ``t % 32`` of word ``t // 32`` of a row is set when token ``t`` is allowed.

    Examples
    --------
    >>> table = MaskTable(len(vocabulary), device=logits.device)           # doctest: +SKIP
    >>> apply_bitmask(logits, table.masks, table.rows(matchers))           # doctest: +SKIP
    """

    def __init__(self, n_tokens: int, capacity: int = 4096, device: torch.device | str = "cpu") -> None:
        self.masks = torch.from_numpy(allocate_bitmask(capacity, n_tokens)).to(device)
        self._n_tokens, self._is_shared = n_tokens, self.masks.device.type == "cpu"
        self._known: WeakKeyDictionary[Arena, dict[int, int]] = WeakKeyDictionary()  # rows by state
        self._owners: list[tuple[dict[int, int], int] | None] = [None] * capacity
        self._order = deque(range(capacity))  # the row that is written next comes first

    def rows(self, matchers: Sequence[Matcher]) -> NDArray[np.int64]:
        """The row of each matcher's mask; those that are missing are written and copied to the device.

        They stay valid until the next call.

        Raises
        ------
        ValueError
            If there are more matchers than rows.
        """
        if len(matchers) > len(self._owners):
            raise ValueError(f"{len(matchers)} matchers for a table of {len(self._owners)} rows")
        arena, known, rows, missing = None, {}, [], []
        for i, matcher in enumerate(matchers):
            if matcher._arena is not arena:
                arena = matcher._arena
                known = self._known.setdefault(arena, {})
            row = known.get(matcher.state, -1)
            if row < 0:
                row = -1
                missing.append(i)
            rows.append(row)
        found = np.array(rows, dtype=np.int64)
        if missing:
            self._write(matchers, missing, found)
        return found

    def apply(self, logits: torch.Tensor, matchers: Sequence[Matcher]) -> None:
        """Set the logits of forbidden tokens to minus infinity, in place; see :func:`.apply_bitmask`."""
        apply_bitmask(logits, self.masks, self.rows(matchers))

    def _write(self, matchers: Sequence[Matcher], missing: list[int], found: NDArray[np.int64]) -> None:
        """Give the missing ones rows that none of the others has."""
        used = set(found.tolist())
        new, targets = allocate_bitmask(len(missing), self._n_tokens), []
        for j, i in enumerate(missing):
            matcher = matchers[i]
            is_own = not matcher.prepare()  # the text has ended, or decides some tokens
            known, state = self._known.setdefault(matcher._arena, {}), matcher.state
            row = -1 if is_own else known.get(state, -1)  # two of the batch may share a new state
            if row < 0:
                row = self._free_row(used)
                matcher.fill_bitmask(new, j)
                targets.append((j, row))
                if not is_own:
                    known[state], self._owners[row] = row, (known, state)
            used.add(row)
            found[i] = row
        self._copy(new, targets)

    def _free_row(self, used: set[int]) -> int:
        """The oldest row that this batch does not use; whoever had it forgets it."""
        while self._order[0] in used:
            self._order.rotate(-1)
        row = self._order[0]
        self._order.rotate(-1)
        owner = self._owners[row]
        if owner is not None:
            known, state = owner
            del known[state]
            self._owners[row] = None
        return row

    def _copy(self, new: NDArray[np.int32], targets: list[tuple[int, int]]) -> None:
        """Copy rows to the table; the host goes on while they travel."""
        sources, rows = zip(*targets, strict=True) if targets else ((), ())
        packed, index = torch.from_numpy(new[list(sources)]), torch.tensor(rows, dtype=torch.int64)
        if not self._is_shared:
            packed, index = packed.pin_memory(), index.pin_memory()
        device = self.masks.device
        self.masks.index_copy_(0, index.to(device, non_blocking=True), packed.to(device, non_blocking=True))
