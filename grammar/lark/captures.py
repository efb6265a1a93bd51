"""References to groups compiled away: code for each choice of texts that the groups have read.

A group of finitely many texts makes finitely many copies of what is read until the last reference to it. The order of
the threads is that of the code with groups, so the match is the one that `re` finds.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import TypeAlias

from .. import charset
from ..charset import CharSet
from . import characters
from .nodes import Node, Reference, assertion, references
from .pattern import Unsupported
from .programs import CLOSE, LOOK, OPEN, REFER, WHETHER, Assembler, Row
from .tables import ASSERT, CHARS, MATCH, SPLIT

MAX_TEXTS = 4_000  # of one group, and of groups side by side
# Groups that took part and are still referred to: number, text, whether it is still being read.
Held: TypeAlias = "tuple[tuple[int, str, bool], ...]"
State: TypeAlias = "tuple[int, Held, int]"  # instruction, groups, how much of a reference was read


def program(node: Node, terminal: int, into: Assembler) -> int:
    """Add the program of a terminal whose pattern refers to groups; where it begins.

    Raises
    ------
    Unsupported
        A group has too many texts.
    LimitExceeded
    """
    own = Assembler(into.max_length)
    entry = own.program(node, terminal)
    return _Unfolding(own, into).program(entry)


class _Unfolding:
    """Makes plain code of code with groups.

    Parameters
    ----------
    own : Assembler
        With the code with groups.
    into : Assembler
    """

    def __init__(self, own: Assembler, into: Assembler) -> None:
        self._code, self._sets, self._assertions = own.code, list(own.sets), list(own.assertions)
        self._into, self._live = into, _live(own.code)
        self._place: dict[State, int] = {}
        self._pending: list[State] = []
        self._texts: set[Held] = set()

    def program(self, entry: int) -> int:
        """Where the plain code of a program begins."""
        first = self._at(entry, ())
        while self._pending:
            state = self._pending.pop()
            self._into.code[self._place[state]] = self._into.code[self._made(*state)]
        return first

    def _at(self, pc: int, held: Held, read: int = 0) -> int:
        """The place of the code that goes on at an instruction, with groups that have read something."""
        while True:
            op, a, b = self._code[pc]
            held = tuple(group for group in held if group[0] in self._live[pc])
            if op == OPEN:
                number, kept = a
                held = tuple(group for group in held if group[0] != number)
                if kept and number in self._live[b]:
                    held = tuple(sorted((*held, (number, "", True))))
                pc = b
            elif op == CLOSE:
                number, kept = a
                text = next((text for other, text, _ in held if other == number), "")
                held = tuple(sorted((*(g for g in held if g[0] != number), (number, text, False))))
                pc = b
            elif op == WHETHER:
                pc = b[0 if any(number == a for number, _, _ in held) else 1]
            elif op == REFER and self._text(a, held) == "":
                pc = b[1]
            elif op == REFER and read and read == len(self._text(a, held) or ""):
                pc, read = b[0], 0
            else:
                break
        state = pc, held, read
        place = self._place.get(state)
        if place is None:
            self._texts.add(held)
            if len(self._texts) > MAX_TEXTS:
                raise Unsupported(f"a reference to a group that has, with those beside it, more than {MAX_TEXTS} texts")
            place = self._place[state] = self._into.append((SPLIT, 0, 0))
            self._pending.append(state)
        return place

    def _made(self, pc: int, held: Held, read: int) -> int:
        """The place of the instruction of a state."""
        op, a, b = self._code[pc]
        into = self._into
        if op == MATCH:
            return into.row(op, a, b)
        if op == SPLIT:
            return into.row(op, self._at(a, held), self._at(b, held))
        if op == ASSERT:
            return into.check(self._assertions[a], self._at(b, held))
        if op == LOOK:
            return into.check(assertion(a, {number: text for number, text, _ in held}), self._at(b, held))
        if op == CHARS:
            return self._chars(self._sets[a], held, lambda after: self._at(b, after))
        text = self._text(a, held)
        if text is None:
            return into.chars(charset.NONE, self._at(b[0], held))
        alike = characters.alike(ord(text[read]), a.flags)
        return self._chars(alike, held, lambda after: self._at(pc, after, read + 1))

    def _chars(self, points: CharSet, held: Held, then: Callable[[Held], int]) -> int:
        """A character, which the groups that are open keep."""
        if not any(is_open for _, _, is_open in held):
            return self._into.chars(points, then(held))
        if sum(points[1::2]) - sum(points[::2]) > MAX_TEXTS:
            raise Unsupported(f"a reference to a group that has more than {MAX_TEXTS} texts")
        at = self._into.chars(charset.NONE, 0)
        for p in chain.from_iterable(map(range, points[::2], points[1::2])):
            after = tuple((number, text + chr(p) * is_open, is_open) for number, text, is_open in held)
            at = self._into.split(self._into.chars((p, p + 1), then(after)), at)
        return at

    @staticmethod
    def _text(reference: Reference, held: Held) -> str | None:
        """The text of a group; None where it took no part."""
        return next((text for number, text, _ in held if number == reference.number), None)


def _live(code: list[Row]) -> list[frozenset[int]]:
    """For each instruction the groups that are referred to from there on, before they are read again."""
    live: list[frozenset[int]] = [frozenset()] * len(code)
    changed = True
    while changed:
        changed = False
        for pc, (op, a, b) in enumerate(code):
            found = frozenset().union(*(live[to] for to in _targets(op, a, b)))
            if op == OPEN:
                found -= {a[0]}
            elif op == WHETHER:
                found |= {a}
            elif op in (REFER, LOOK):
                found |= references(a)
            changed |= found != live[pc]
            live[pc] = found
    return live


def _targets(op: int, a: object, b: object) -> tuple[int, ...]:
    if op == SPLIT:
        return a, b  # type: ignore[return-value]
    if op in (REFER, WHETHER):
        return b  # type: ignore[return-value]
    return () if op == MATCH else (b,)  # type: ignore[return-value]
