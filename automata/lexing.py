"""The states of a lexer in an arena, as far as they are asked about: tokens, and the carries behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np

from detent.grammar.errors import LimitExceeded
from detent.grammar.rules import components
from detent.native import lexer, lexer_carries, lexer_steps
from detent.native.arena import STATUS

from .arena import Arena
from .limits import Limits

Letter: TypeAlias = "tuple[int, int]"  # a tag, and the carry behind the token
BROKEN = int(lexer.BROKEN)


class Lexing:
    """A lexer that is explored.

    Parameters
    ----------
    arena : Arena
    at : int
        Where the lexer lies in the arena.
    n_classes : int
    limits : Limits
        LimitExceeded is raised where more states of the lexer are needed (``regex_states``), or more steps in all
        (``proof_steps``), before the first text has begun.

    Attributes
    ----------
    has_begun : bool
        Whether limits hold no longer.
    """

    def __init__(self, arena: Arena, at: int, n_classes: int, limits: Limits) -> None:
        self._arena, self._at, self._limits, self.has_begun = arena, at, limits, False
        self._next: dict[int, tuple[int, ...]] = {}  # of lexer states
        self._endings: dict[int, tuple[Letter, ...]] = {}
        self._numbers: dict[Letter, int] = {}
        self._behind: dict[int, int] = {}  # of lexer states, the letters of all states behind them, one bit each
        self._letters: dict[int, frozenset[Letter]] = {}  # of such bits
        self._buffer = np.empty(max(n_classes, 4096), np.int32)
        self._n_steps = 0

    def checked(self, number: int) -> int:
        """What a kernel has answered, if it had room."""
        if self._arena.A[STATUS] != 0:
            self._arena.full()
        return number

    def spend(self, n_steps: int) -> None:
        """Count steps of the first answer."""
        self._n_steps += n_steps
        self._check("proof_steps", self._n_steps, self._limits.proof_steps)

    def _check(self, limit: str, measured: int, allowed: int) -> None:
        if measured > allowed and not self.has_begun:
            raise LimitExceeded(limit, measured, allowed)

    # ---------------------------------------------------------------------------------------------------- states
    def begin(self, context: int, carry: int) -> int:
        """The state between two tokens."""
        return self.checked(int(lexer_steps.lexer_start(self._arena.A, self._at, context, carry)))

    def ageless(self, state: int) -> int:
        """A state that stands for all that differ in nothing but how long ago something matched."""
        return self.checked(int(lexer_steps.ageless(self._arena.A, state)))

    def after(self, q: int) -> tuple[int, ...]:
        """The states one character behind one, whose own endings are then known."""
        after = self._next.get(q)
        if after is None:
            after = self._next[q] = self.completions(q, 0)
            n = self.checked(int(lexer_steps.endings(self._arena.A, q, self._buffer)))
            self._endings[q] = tuple((tag, carry) for tag, carry in self._buffer[: 2 * n].reshape(-1, 2).tolist())
            self._check("regex_states", len(self._next), self._limits.regex_states)
        return after

    def endings(self, q: int) -> tuple[Letter, ...]:
        """The letters of tokens that may end in a state."""
        self.after(q)
        return self._endings[q]

    def completions(self, q: int, mode: int) -> tuple[int, ...]:
        """The states that a character can lead to; ``mode``: one that has begun."""
        n = self.checked(int(lexer_steps.completions(self._arena.A, q, mode, self._buffer)))
        return tuple(self._buffer[:n].tolist())

    def behind(self, state: int) -> list[int]:
        """The states behind one, itself first."""
        found, seen = [state], {state}
        for q in found:
            for to in self.after(q):
                if to not in seen:
                    seen.add(to)
                    found.append(to)
        return found

    def letters(self, state: int) -> frozenset[Letter]:
        """The letters that can come of a token that is being read."""
        if state not in self._behind:
            self._read_on(state)
        bits = self._behind[state]
        if bits not in self._letters:
            self._letters[bits] = frozenset(letter for letter, number in self._numbers.items() if bits >> number & 1)
        return self._letters[bits]

    def _read_on(self, state: int) -> None:
        """Find the letters of all states behind one."""
        known, numbers = self._behind, self._numbers
        for members in components([state], lambda q: [to for to in self.after(q) if to not in known]):
            self.spend(len(members))
            bits = 0
            for q in members:
                for letter in self._endings[q]:
                    bits |= 1 << numbers.setdefault(letter, len(numbers))
                for to in self._next[q]:
                    bits |= known.get(to, 0)
            known.update(dict.fromkeys(members, bits))

    def tokens(self, context: int, carry: int) -> frozenset[Letter]:
        """The tokens that can come in a context, with the carries behind them."""
        return self.letters(self.begin(context, carry))

    def step(self, q: int, c: int) -> int:
        """The state behind a character of a class; -1 if no token goes on, or none did before."""
        to = self.checked(int(lexer_steps.lexer_step(self._arena.A, q, c))) if q > 0 else -1
        return self.ageless(to) if to > 0 else -1

    # ---------------------------------------------------------------------------------------------------- carries
    def carried(self, carry: int, c: int) -> int:
        """A carry after a character of a class; ``BROKEN`` when it came to grief."""
        A, at = self._arena.A, self._at
        row = int(A[at + lexer.L_LEFT_NEXT]) + int(lexer_carries.left_of(A, carry)) * int(A[at + lexer.L_CLASSES])
        return self.checked(int(lexer_carries.carried(A, at, carry, int(A[row + c]), c)))

    def may_stop(self, carry: int) -> bool:
        """Whether the text may end with a carry."""
        return bool(lexer_carries.may_stop(self._arena.A, carry))

    def carry_of(self, q: int) -> int:
        """The carry of earlier tokens in a state."""
        return int(lexer.field(self._arena.A, q, lexer.F_LEFT))

    def left_of(self, carry: int) -> int:
        """The left state of a carry."""
        return int(lexer_carries.left_of(self._arena.A, carry))

    def left_over(self, carry: int) -> Iterator[int]:
        """The instructions of the threads that a carry keeps, -1 for a match."""
        A = self._arena.A
        cell = int(lexer_carries.leftovers_of(A, carry))
        while cell != 0:
            yield int(lexer.field(A, cell, 1))
            cell = int(lexer.field(A, cell, 3))


__all__ = ["BROKEN", "Letter", "Lexing"]
