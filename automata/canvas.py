"""Canvases: positions with a token or a mask, as many as given, that must become a text of a language.

A canvas always knows a *witness* (:mod:`detent.automata.witness`), a filling of its masks. So it can be completed at
any moment: a token is placed only if it still can be afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy

import numpy as np
from numpy.typing import NDArray

from detent.automata.gaps import I32
from detent.automata.infiller import Infiller
from detent.automata.witness import Witness
from detent.grammar.errors import Unsatisfiable
from detent.native import infill_board as board

MASK, BLANK = board.MASK, board.BLANK  # no token yet; no token, where a region is shorter than it might be


class Canvas:
    """Positions under a grammar.

    Parameters
    ----------
    infiller : Infiller
        With a vocabulary.
    length : int
        Number of positions.
    ends : iterable of int
        Tokens behind the text: ends of sequence and padding. Where one stands, the text is over. Without any, the text
        must fill the canvas.
    ids : sequence of int, optional
        The tokens to begin with, ``MASK`` where there is none.
    regions : sequence of (int, int)
        Start and stop of masks that may take fewer tokens, followed by ``BLANK``.

    Raises
    ------
    Unsatisfiable
        No filling makes a text of the language.

    Attributes
    ----------
    n_checks : int
        How many tokens were asked for.
    """

    def __init__(
        self,
        infiller: Infiller,
        length: int,
        ends: Iterable[int] = (),
        ids: Sequence[int] = (),
        regions: Sequence[tuple[int, int]] = (),
    ) -> None:
        self.infiller, self.length, self.ends = infiller, length, frozenset(ends)
        self.regions = tuple(regions)
        self._end = _coded(min(self.ends, default=0))
        self.n_checks = 0
        self._texts, self._alike = infiller.tokens.texts or [], infiller.tokens.alike
        self._refused_at, self._refused = (0, 0), set[int]()  # spellings that cannot stand at a position
        self._witness = Witness(infiller, length, {stop for _, stop in regions}, self._end if self.ends else None)
        self._ids = self._witness.ids
        known = {i: token for i, token in enumerate(ids) if token != MASK}
        if not (all(self._write(*each, known) for each in known.items()) and self._witness.decide(0, length)):
            raise Unsatisfiable("no filling of the canvas is a text of the grammar")

    def fork(self) -> Canvas:
        """A canvas of its own that stands where this one does, for the same thread."""
        other = copy(self)
        other._witness = self._witness.fork()
        other._ids = other._witness.ids
        return other

    @property
    def n_solved(self) -> int:
        """How many questions took the whole canvas."""
        return self._witness.n_solved

    @property
    def ids(self) -> list[int]:
        """The tokens, ``MASK`` and ``BLANK`` where there is none."""
        return [token if token >= BLANK else _coded(token) for token in self._ids.tolist()]

    @property
    def witness(self) -> list[int]:
        """A filling."""
        return [token if token >= BLANK else _coded(token) for token in self._witness.filling.tolist()]

    @property
    def end(self) -> int:
        """The first position behind the text: that of the first token of `ends`."""
        return _end(self._ids)

    @property
    def masks(self) -> list[int]:
        """The positions without a token."""
        masks: list[int] = np.flatnonzero(self._ids == MASK).tolist()
        return masks

    def possible(self, n: int, ends: Iterable[int]) -> NDArray[np.bool_]:
        """(n,) bool: the tokens that some text of the language may hold, and some ends."""
        possible = np.zeros(n, np.bool_)
        usable = self.infiller.tokens.usable[:n]
        possible[: len(usable)] = usable
        possible[[token for token in ends if token < n]] = True
        return possible

    def text(self) -> str:
        """The text of a canvas without masks."""
        return b"".join(self._texts[token] or b"" for token in self._ids.tolist() if token >= 0).decode()

    def allows(self, position: int, token: int) -> bool:
        """Whether the canvas can be completed with a token at a position."""
        return self._ask({position: token}, keep=False)

    def place(self, tokens: Mapping[int, int]) -> bool:
        """Put tokens at positions if the canvas can be completed with all of them; whether it was done."""
        return self._ask(tokens, keep=True)

    def filling(self, tokens: Mapping[int, int]) -> list[int] | None:
        """A filling of the canvas with more tokens in it; None where there is none."""
        before = self._ids.copy()
        found = self.witness if self._ask(tokens, keep=True) else None
        self._ids[:] = before
        return found

    def close(self, position: int) -> bool:
        """Let the region of a mask end in front of it if the canvas can be completed then; whether it was done."""
        stop = next(stop for start, stop in self.regions if start <= position < stop)
        return self.place(dict.fromkeys(range(position, stop), BLANK))

    def _ask(self, tokens: Mapping[int, int], *, keep: bool) -> bool:
        self.n_checks += 1
        if len(tokens) == 1:
            (position, token), *_ = tokens.items()
            if token >= 0 and token not in self.ends and self._ids[position] == MASK:
                return self._stands(position, token, keep=keep)
        before, good = self._ids.copy(), False
        try:
            good = self._settle(tokens, keep=keep)
        finally:
            if not (good and keep):
                self._ids[:] = before
            if (good and keep) or len(tokens) > 1:
                self._witness.changed()
        return good

    def _stands(self, position: int, token: int, *, keep: bool) -> bool:
        """The same for one token with bytes at a mask; what is spelled alike is asked for once."""
        here = self._witness.version, position
        if self._refused_at != here:
            self._refused_at, self._refused = here, set()
        spelling = self._alike[token] if token < len(self._alike) else -1
        if spelling < 0 or spelling in self._refused:
            return False
        self._ids[position] = token
        good = False
        try:
            good = self._witness.decide(position, position + 1, keep=keep)
        finally:
            if good and keep:
                self._witness.changed()
            else:
                self._ids[position] = MASK
        if not good:
            self._refused.add(spelling)
        return good

    def _settle(self, tokens: Mapping[int, int], *, keep: bool = True) -> bool:
        """Write tokens and find a witness for them, one after another, or at once where they stand side by side.

        A witness of more tokens is one of fewer, so it need not be undone where the tokens are taken back.
        """
        low, high = min(tokens, default=0), max(tokens, default=-1) + 1
        if high - low == len(tokens):
            if not all(self._write(*each, tokens) for each in tokens.items()):
                return False
            is_over = not self.ends.isdisjoint(tokens.values())
            return self._witness.decide(low, self.length if is_over else high, keep=keep)
        for position, token in tokens.items():
            self._witness.changed()
            is_known = self._ids[position] != MASK
            if not self._write(position, token, tokens):
                return False
            if not is_known and not self._witness.decide(position, self.length if token in self.ends else position + 1):
                return False
        return True

    def _write(self, position: int, token: int, others: Mapping[int, int]) -> bool:
        """Write one token; an end fills what is behind it. False where something else stands already."""
        known, new = int(self._ids[position]), _coded(token) if token in self.ends else token
        if known != MASK or (new >= 0 and not self._spells(new)):
            return known == new
        self._ids[position] = new
        if new < BLANK:
            behind = self._ids[position + 1 :]
            if (behind > MASK).any():
                return False
            for at in np.flatnonzero(behind == MASK).tolist():
                also = others.get(position + 1 + at)
                if also is not None and also not in self.ends:
                    return False
                behind[at] = self._end if also is None else _coded(also)
        return True

    def _spells(self, token: int) -> bool:
        return token < len(self._texts) and bool(self._texts[token])


def _coded(token: int) -> int:
    """An end of the text as a negative number, and back."""
    return BLANK - 1 - token


def _end(ids: I32) -> int:
    """The first position with an end, or how many there are."""
    ends = ids < BLANK
    return int(ends.argmax()) if ends.any() else len(ids)
