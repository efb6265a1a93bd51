"""Patterns as programs of ordered threads (see :mod:`.tables`), all programs of a grammar in one piece of code.

Code is made from its end: each node becomes the instructions that match it and then go on at a given place. Equal
instructions are one, so that what follows alternatives is shared, between terminals, too.

A repetition whose part can be empty needs care: `re` leaves it after a part that read nothing. So inside such a part
there are two copies of the code: as long as nothing was read, the end of the part leads out, afterwards round again. No
path leads back to an instruction without a character, and threads may be dropped that repeat one with a higher
priority.
"""

from __future__ import annotations

from ..charset import CharSet
from ..errors import LimitExceeded
from .pattern import Assertion, Chars, Choice, Node, Repeat, Seq, nullable
from .tables import ASSERT, CHARS, MATCH, SPLIT

Row = tuple[int, int, int]


class Assembler:
    """Code of several programs.

    Parameters
    ----------
    max_length : int
        LimitExceeded is raised beyond so many instructions.

    Attributes
    ----------
    code : list of (op, a, b)
    sets : dict
        Sets of characters and their numbers.
    assertions : dict
        Assertions and their numbers.
    """

    def __init__(self, max_length: int) -> None:
        self.code: list[Row] = []
        self.sets: dict[CharSet, int] = {}
        self.assertions: dict[Assertion, int] = {}
        self._max_length = max_length
        self._known: dict[Row, int] = {}

    def program(self, node: Node, terminal: int) -> int:
        """Add the program of a terminal; where it begins."""
        return self._emit(node, self._row(MATCH, terminal, 0))

    def _row(self, op: int, a: int, b: int) -> int:
        row = (op, a, b)
        at = self._known.get(row)
        if at is None:
            at = self._known[row] = self._append(row)
        return at

    def _append(self, row: Row) -> int:
        if len(self.code) >= self._max_length:
            raise LimitExceeded("regex_states", len(self.code) + 1, self._max_length)
        self.code.append(row)
        return len(self.code) - 1

    def _split(self, first: int, second: int) -> int:
        return first if first == second else self._row(SPLIT, first, second)

    def _simple(self, node: Chars | Assertion, then: int) -> int:
        if isinstance(node, Chars):
            return self._row(CHARS, self.sets.setdefault(node.points, len(self.sets)), then)
        return self._row(ASSERT, self.assertions.setdefault(node, len(self.assertions)), then)

    def _emit(self, node: Node, then: int) -> int:
        """Match a node, go on at `then`."""
        if isinstance(node, Seq):
            for part in reversed(node.parts):
                then = self._emit(part, then)
            return then
        if isinstance(node, Choice):
            ways = [self._emit(part, then) for part in node.parts]
            at = ways.pop()
            while ways:
                at = self._split(ways.pop(), at)
            return at
        if isinstance(node, Repeat):
            return self._repeat(node, then)
        return self._simple(node, then)

    def _repeat(self, node: Repeat, then: int) -> int:
        part, empty = node.part, nullable(node.part)
        at = then
        if node.high is None:
            at = self._append((SPLIT, 0, 0))
            again = self._emit_first(part, at, then) if empty else self._emit(part, at)
            self.code[at] = (SPLIT, again, then) if node.greedy else (SPLIT, then, again)
        else:
            for _ in range(node.high - node.low):
                again = self._emit_first(part, at, then) if empty else self._emit(part, at)
                at = self._split(again, then) if node.greedy else self._split(then, again)
        for _ in range(node.low):
            at = self._emit(part, at)
        return at

    def _emit_first(self, node: Node, then: int, out: int) -> int:
        """Match a node inside a part that has read nothing so far: go on at `then` after a character, else at `out`."""
        if isinstance(node, Seq):
            for part in reversed(node.parts):
                then, out = self._emit(part, then), self._emit_first(part, then, out)
            return out
        if isinstance(node, Choice):
            ways = [self._emit_first(part, then, out) for part in node.parts]
            at = ways.pop()
            while ways:
                at = self._split(ways.pop(), at)
            return at
        if isinstance(node, Repeat):
            return self._repeat_first(node, then, out)
        return self._simple(node, then if isinstance(node, Chars) else out)

    def _repeat_first(self, node: Repeat, then: int, out: int) -> int:
        part, low, high = node.part, node.low, node.high
        if low:  # one part, then the rest
            rest = Repeat(part, low - 1, None if high is None else high - 1, node.greedy)
            return self._emit_first(part, self._emit(rest, then), self._repeat_first(rest, then, out))
        if high == 0:
            return out
        rest = Repeat(part, 0, None if high is None else high - 1, node.greedy)
        again = self._emit_first(part, self._emit(rest, then), out)
        return self._split(again, out) if node.greedy else self._split(out, again)
