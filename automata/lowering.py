"""Specifications placed in an arena: from goals to the state before the first byte."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol
from weakref import ref

from detent.grammar.dfa import CharDfa
from detent.grammar.json_schema import Goal, Goals, Value
from detent.grammar.json_schema.known import Reading
from detent.native import arena as layout
from detent.native import positions

from . import byte_sets
from .arena import Arena
from .records import SPACE, Order, Records, SharedRecords, start_state

# fields of positions before a value that count white space
_SPACE_BEFORE = {
    positions.K_LITERAL: 2,
    positions.K_OPEN: 2,
    positions.K_OBJECT: 4,
    positions.K_ARRAY: 4,
    positions.K_NUMBER: 6,
}


class Lowering(Protocol):
    """A specification placed in an arena."""

    start: int
    root: int
    names_end: int

    def owns(self, number: int) -> bool:
        """Whether a record is an array of this specification whose items depend on each other."""

    def lower(self, number: int) -> None:
        """Write the lazy record ``number``."""

    def after_value(self, number: int, value: object) -> int:
        """The record that takes the place of ``number`` once the value of the item read last is known."""

    def has_seen(self, number: int, value: object) -> bool:
        """Whether the items of array ``number`` before the last one have this value among them."""


class Placed:
    """A specification that writes nothing later on: it is placed as a whole, or ``records`` do."""

    names_end = root = 0

    def __init__(self, start: int, records: Records | None = None) -> None:
        self.start, self._records = start, records
        if records is not None:
            self.names_end = records.names_end

    def owns(self, number: int) -> bool:
        """Nothing."""
        return False

    def lower(self, number: int) -> None:
        """Never asked for."""
        raise AssertionError(number)

    def after_value(self, number: int, value: object) -> int:
        """Never asked for."""
        raise AssertionError(number)

    def has_seen(self, number: int, value: object) -> bool:
        """Never asked for."""
        raise AssertionError(number)


def place_text(arena: Arena, language: CharDfa) -> Placed:
    """Raw text under an automaton."""
    spec = arena.text_spec(language, byte_sets.stays(language))
    return Placed(arena.state(arena.position(positions.K_TEXT, spec, 0, 0), end_of_text(arena)))


def place_words(arena: Arena, words: tuple[str, ...]) -> Placed:
    """One of some texts."""
    root = arena.trie(words)
    return Placed(arena.state(arena.position(positions.K_WORD, root), end_of_text(arena)))


def end_of_text(arena: Arena) -> int:
    """The state in which the text is complete and nothing may follow."""
    return arena.state(arena.position(positions.K_END, SPACE["compact"]), 0)


class JsonLowering(Records):
    """One JSON grammar in one arena.

    Parameters
    ----------
    arena : Arena
    goals : Goals
    root : Goal
    order : {"any", "schema", "fixed"}
    whitespace : str
        "flexible", "bounded" or "compact".
    names_end : int or None

    Attributes
    ----------
    start : int
        The state before the first byte.
    root : int
        The number of its goal.
    end, after : int
        The position and the state behind a value that is the whole text.
    """

    def __init__(
        self, arena: Arena, goals: Goals, root: Goal, *, order: Order, whitespace: str, names_end: int | None = None
    ) -> None:
        space = SPACE[whitespace]
        self._shared = SharedRecords.of(arena, order, space)
        super().__init__(arena, goals, order, space, names_end)
        self.root = (self._shared if root.is_shared else self).written(root)
        self.end, self.after = self._shared.end, self._shared.after
        self.start = start_state(arena, self.root, self.end)

    def begin_at_once(self) -> None:
        """Let no white space stand before the whole value: another record takes the place of its goal's."""
        A = self.arena.A
        at = int(A[int(A[layout.LAZY]) + self.root])
        begins = [int(A[layout.POS]) + layout.POS_STRIDE * int(k) for k in A[at + 1 : at + 1 + int(A[at])]]
        items = [A[begin : begin + layout.POS_STRIDE].tolist() for begin in begins]
        for item in items:
            item[_SPACE_BEFORE[item[0]]] = SPACE["compact"]
        self.root = self.arena.reserve(self._me)
        record = [len(items), *(self.arena.position(*item) for item in items)]
        self.arena.publish(self.root, self.arena.put(record))

    def number(self, goal: Goal) -> int:
        """The number of a goal: of its record, or of where that is to be written."""
        if not goal.is_shared:
            return super().number(goal)
        return self._shared.number(goal)

    @property
    def numbers_of_most(self) -> Mapping[Goal, int]:
        """Those of goals that documents share."""
        return self._shared.numbers_of_most

    def write(self, number: int) -> Sequence[int]:
        """The same; of what documents share, those records are written."""
        if number in self._pending:
            return super().write(number)
        with self._shared.goals.lock:
            return self._shared.write(number)

    def lower_all(self) -> None:
        """Write every record that can be reached."""
        super().lower_all()
        self._shared.lower_all()


class Beside:
    """A document that is one object, whose members have the records of another document or of all.

    Parameters
    ----------
    other : JsonLowering
        That document.
    values : sequence of Value
        Its residuals.
    """

    root = 0

    def __init__(self, other: JsonLowering, values: Sequence[Value]) -> None:
        self.start = other.before(values, other.end, other.after)
        self.names_end = other.names_end
        self.owns, self.lower = other.owns, other.lower
        self.after_value, self.has_seen = other.after_value, other.has_seen


def place_part(arena: Arena, root: Goal, *, order: Order, whitespace: str) -> Placed:
    """Place a document that is one part: its records are those that documents share."""
    shared = SharedRecords.of(arena, order, SPACE[whitespace])
    return Placed(start_state(arena, shared.written(root), shared.end), shared)


def place_reading(arena: Arena, reading: Reading, *, order: Order, whitespace: str) -> JsonLowering:
    """Place a document that was read."""
    placed = JsonLowering(arena, reading.goals, reading.root, order=order, whitespace=whitespace)
    reading.lowered = ref(placed)
    return placed


def place_values(
    arena: Arena, values: Sequence[Value], *, order: Order, whitespace: str, reading: Reading | None = None
) -> Lowering:
    """Place a document by its residuals, whose members are parts or those of a document that was read."""
    if reading is None:
        shared = SharedRecords.of(arena, order, SPACE[whitespace])
        return Placed(shared.before(values, shared.end, shared.after), shared)
    lowered: JsonLowering | None = None if reading.lowered is None else reading.lowered()
    if lowered is None or lowered.arena is not arena:
        lowered = place_reading(arena, reading, order=order, whitespace=whitespace)
    return Beside(lowered, values)
