"""Patterns as programs of ordered threads (see :mod:`.tables`), all programs of a grammar in one piece of code.

Code is made from its end: each node becomes the instructions that match it and then go on at a given place. Equal
instructions are one, so that what follows alternatives is shared, between terminals, too.

A repetition whose part can be empty needs care: `re` leaves it after a part that read nothing. So inside such a part
there are two copies of the code: as long as nothing was read, the end of the part leads out, afterwards round again. No
path leads back to an instruction without a character, and threads may be dropped that repeat one with a higher
priority.
"""

from __future__ import annotations

from typing import Any

from ..charset import CharSet
from ..errors import LimitExceeded
from .nodes import Assertion, Chars, Choice, Conditional, Group, Look, Node, Reference, Repeat, Seq, nullable
from .tables import ASSERT, CHARS, MATCH, SPLIT

Row = tuple[int, Any, Any]
VISITS = 16
# Instructions of code with groups, which :mod:`.captures` makes plain: a group (number, kept) begins or ends, go on at
# b; a reference is read, go on at the first place of b, or at the second if it is empty; go on at the first place of b
# if group a took part, else at the second; go on at b if a `Look` holds.
OPEN, CLOSE, REFER, WHETHER, LOOK = range(4, 9)


class Assembler:
    """Code of several programs.

    Parameters
    ----------
    max_length : int
        LimitExceeded is raised beyond so many instructions, or `VISITS` times as many visits of nodes.

    Attributes
    ----------
    max_length : int
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
        self.max_length, self._visits = max_length, 0
        self._known: dict[Row, int] = {}

    def program(self, node: Node, terminal: int) -> int:
        """Add the program of a terminal; where it begins."""
        return self._emit(node, self.row(MATCH, terminal, 0))

    def row(self, op: int, a: Any, b: Any) -> int:
        """The place of an instruction."""
        row = (op, a, b)
        at = self._known.get(row)
        if at is None:
            at = self._known[row] = self.append(row)
        return at

    def append(self, row: Row) -> int:
        """The place of a new instruction."""
        if len(self.code) >= self.max_length:
            raise LimitExceeded("regex_states", len(self.code) + 1, self.max_length)
        self.code.append(row)
        return len(self.code) - 1

    def split(self, first: int, second: int) -> int:
        """First one place, then another."""
        return first if first == second else self.row(SPLIT, first, second)

    def chars(self, points: CharSet, then: int) -> int:
        """A character of a set."""
        return self.row(CHARS, self.sets.setdefault(points, len(self.sets)), then)

    def check(self, node: Assertion, then: int) -> int:
        """An assertion."""
        return self.row(ASSERT, self.assertions.setdefault(node, len(self.assertions)), then)

    def _simple(self, node: Node, then: int, out: int) -> int:
        """A node without other nodes; on at `then` after a character, else at `out`."""
        if isinstance(node, Chars):
            return self.chars(node.points, then)
        if isinstance(node, Reference):
            return self.row(REFER, node, (then, out))
        if isinstance(node, Look):
            return self.row(LOOK, node, out)
        assert isinstance(node, Assertion)
        return self.check(node, out)

    def _emit(self, node: Node, then: int) -> int:
        """Match a node, go on at `then`."""
        self._visits += 1
        if self._visits > VISITS * self.max_length:
            raise LimitExceeded("regex_states", self._visits // VISITS, self.max_length)
        if isinstance(node, Seq):
            self._visits += len(node.parts)
            for part in reversed(node.parts):
                then = self.chars(part.points, then) if type(part) is Chars else self._emit(part, then)
            return then
        if isinstance(node, Choice):
            ways = [self._emit(part, then) for part in node.parts]
            at = ways.pop()
            while ways:
                at = self.split(ways.pop(), at)
            return at
        if isinstance(node, Repeat):
            return self._repeat(node, then)
        if isinstance(node, Group):
            key = node.number, node.kept
            return self.row(OPEN, key, self._emit(node.part, self.row(CLOSE, key, then)))
        if isinstance(node, Conditional):
            return self.row(WHETHER, node.number, (self._emit(node.yes, then), self._emit(node.no, then)))
        return self._simple(node, then, then)

    def _repeat(self, node: Repeat, then: int) -> int:
        at = then
        if node.high is None:
            at = self._loop(node, then)
        else:
            for _ in range(node.high - node.low):
                at, before = self._option(node, at, then), at
                if at == before:
                    break  # further parts would change nothing
        for _ in range(node.low):
            at, before = self._emit(node.part, at), at
            if at == before:
                break
        return at

    def _loop(self, node: Repeat, then: int) -> int:
        """Any number of parts."""
        at = self.append((SPLIT, 0, 0))
        again = self._part(node, at, then)
        self.code[at] = (SPLIT, again, then) if node.greedy else (SPLIT, then, again)
        return at

    def _option(self, node: Repeat, at: int, out: int) -> int:
        """Another part, then on at `at`; or on at `out`."""
        again = self._part(node, at, out)
        return self.split(again, out) if node.greedy else self.split(out, again)

    def _part(self, node: Repeat, at: int, out: int) -> int:
        """A part, then on at `at`; if it was empty, at `out`."""
        return self._emit_first(node.part, at, out) if nullable(node.part) else self._emit(node.part, at)

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
                at = self.split(ways.pop(), at)
            return at
        if isinstance(node, Repeat):
            return self._repeat_first(node, then, out)
        if isinstance(node, Group):
            key = node.number, node.kept
            then, out = self.row(CLOSE, key, then), self.row(CLOSE, key, out)
            return self.row(OPEN, key, self._emit_first(node.part, then, out))
        if isinstance(node, Conditional):
            yes, no = self._emit_first(node.yes, then, out), self._emit_first(node.no, then, out)
            return self.row(WHETHER, node.number, (yes, no))
        return self._simple(node, then, out)

    def _repeat_first(self, node: Repeat, then: int, out: int) -> int:
        part = node.part
        if node.high is None:
            inside = self._loop(node, then)
            again = self._emit_first(part, inside, out)
            at = self.split(again, out) if node.greedy else self.split(out, again)
        else:
            inside, at = then, out
            for _ in range(node.high - node.low):
                again = self._emit_first(part, inside, out)
                after = self.split(again, out) if node.greedy else self.split(out, again)
                before, inside, at = (inside, at), self._option(node, inside, then), after
                if before == (inside, at):
                    break
        for _ in range(node.low):
            before, inside, at = (inside, at), self._emit(part, inside), self._emit_first(part, inside, at)
            if before == (inside, at):
                break
        return at
