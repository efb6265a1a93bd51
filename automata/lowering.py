"""From goals to records: writes what the kernels need of one grammar, when they first need it."""

from __future__ import annotations

from typing import Protocol
from weakref import ref

import numpy as np

from detent.grammar.dfa import CharDfa
from detent.grammar.json_schema import Array, Goal, Goals, Literal, Number, Object, String, Value
from detent.native import languages, positions

from .arena import Arena, Lowers

SPACE = {"flexible": 0, "compact": 1, "bounded": 2}


class Lowering(Protocol):
    """A specification placed in an arena."""

    start: int

    def lower(self, number: int) -> None:
        """Write the lazy record ``number``."""


class Placed:
    """A specification that is placed as a whole: nothing is lazy."""

    def __init__(self, start: int) -> None:
        self.start = start

    def lower(self, number: int) -> None:
        """Never asked for."""
        raise AssertionError(number)


def place_text(arena: Arena, language: CharDfa) -> Placed:
    """Raw text under an automaton."""
    spec = arena.spec(languages.AUTOMATON, 0, None, arena.dfa(language))
    return Placed(arena.state(arena.position(positions.K_TEXT, spec, 0, 0), _end(arena)))


def place_words(arena: Arena, words: tuple[str, ...]) -> Placed:
    """One of some texts."""
    return Placed(arena.state(arena.position(positions.K_WORD, arena.trie(words)), _end(arena)))


def _end(arena: Arena) -> int:
    """The state in which the text is complete and nothing may follow."""
    return arena.state(arena.position(positions.K_END, SPACE["compact"]), 0)


class JsonLowering:
    """One JSON grammar in one arena.

    Parameters
    ----------
    arena : Arena
    goals : Goals
    root : Goal
    any_order : bool
        Keys in any order; else in the order of the schema.
    whitespace : str
        "flexible", "bounded" or "compact".

    Attributes
    ----------
    start : int
        The state before the first byte.
    """

    def __init__(self, arena: Arena, goals: Goals, root: Goal, *, any_order: bool, whitespace: str) -> None:
        self.arena, self.goals = arena, goals
        self.any_order, self.space = any_order, SPACE[whitespace]
        self._numbers: dict[Goal, int] = {}
        self._pending: dict[int, Goal | Object | Array] = {}
        self._me: ref[Lowers] = ref(self)
        number = self._goal(root)
        self.lower(number)
        self.start = self._start(number)

    def _start(self, number: int) -> int:
        from detent.native.states import call, close_buffer

        A = self.arena.A
        end = self.arena.position(positions.K_END, self.space)
        call(A, number, end, 0)
        state = int(close_buffer(A, 0))
        if state <= 0:
            self.arena.full()
        return state

    def work_ahead(self, budget: int) -> None:
        """Lower breadth first until ``budget`` records have been written (generation does the rest)."""
        while budget > 0 and self._pending:
            for number in list(self._pending)[:budget]:
                self.lower(number)
                budget -= 1

    def lower(self, number: int) -> None:
        """Write the record of a goal, an object or an array."""
        item = self._pending.get(number)
        if item is None:
            return
        if isinstance(item, Goal):
            values = self.goals.values(item)
            at = self.arena.put([len(values), *map(self._begin, values)])
        elif isinstance(item, Object):
            at = self._object(item)
        else:
            at = self._array(item)
        self.arena.publish(number, at)
        self._pending.pop(number, None)

    def _reserve(self, item: Goal | Object | Array) -> int:
        number = self.arena.reserve(self._me)
        self._pending[number] = item
        return number

    def _goal(self, goal: Goal) -> int:
        """The lazy number of a goal."""
        number = self._numbers.get(goal)
        if number is None:
            number = self._numbers[goal] = self._reserve(goal)
        return number

    def _begin(self, value: Value) -> int:
        """The position before a value, with white space in front."""
        arena, ws = self.arena, self.space
        if isinstance(value, Literal):
            return arena.position(positions.K_LITERAL, arena.text(value.text), ws)
        if isinstance(value, Number):
            at, fields = arena.number(value.spec)
            return arena.position(positions.K_NUMBER, at, *fields, ws)
        if isinstance(value, String):
            return arena.position(positions.K_OPEN, self._spec(value), ws)
        if isinstance(value, Object):
            return arena.position(positions.K_OBJECT, self._reserve(value), 0, positions.START, 0, ws)
        return arena.position(positions.K_ARRAY, self._reserve(value), 0, positions.START, ws)

    def _spec(self, value: String) -> int:
        arena = self.arena
        if value.words is not None:
            return arena.spec(languages.WORDS_OF_TRIE, 0, None, arena.trie(value.words))
        if value.dfa is not None:
            return arena.spec(languages.AUTOMATON, value.shortest, value.longest, arena.dfa(value.dfa))
        return arena.any_text(value.shortest, value.longest)

    def _array(self, value: Array) -> int:
        longest = value.longest
        head = value.prefix if longest is None else value.prefix[:longest]
        for k, goal in enumerate(head):
            if not self.goals.satisfiable(goal):
                head, longest = head[:k], k
                break
        rest = -1
        if longest is None or longest > len(head):
            if self.goals.satisfiable(value.rest):
                rest = self._goal(value.rest)
            else:
                longest = len(head)
        goals = self.arena.put([*map(self._goal, head)])
        most = -1 if longest is None else longest
        return self.arena.put([len(head), rest, value.shortest, most, goals, self.space])

    def _object(self, value: Object) -> int:
        arena = self.arena
        n, total = len(value.names), len(value.names) + len(value.extra)
        names = [name for name, _ in (*value.names, *value.extra)]
        goals = np.full(total, -1, dtype=np.int32)
        for k, (_, goal) in enumerate((*value.names, *value.extra)):
            if self.goals.satisfiable(goal):
                goals[k] = self._goal(goal)
        by_bytes = sorted(range(total), key=lambda k: names[k].encode())
        trie = arena.trie(tuple(names[k] for k in by_bytes))
        required = [k for k in range(n) if names[k] in value.required]
        free, spec = -1, -1
        if value.patterns is not None:
            spec = arena.spec(languages.AUTOMATON, 0, None, self._names(*value.patterns))
        elif value.free is not None and self.goals.satisfiable(value.free):
            free = self._goal(value.free)
        extra = int((goals[n:] >= 0).any())
        words = (total + 31) // 32
        none_seen = arena.bit_set((), words) if self.any_order else 0
        record = [n, 0, trie, int(self.any_order), free, spec, self.space, 0, 0, 0, 0, words, none_seen]
        at = arena.put([*record, arena.any_text(), extra])
        arena.A[at + positions.O_GOALS] = arena.put(goals)
        arena.A[at + positions.O_SORTED] = arena.put(by_bytes)
        arena.A[at + positions.O_NEXT] = arena.put(_next_of(n, required))
        arena.A[at + positions.O_LIVE] = arena.put(_next_of(n, np.flatnonzero(goals[:n] >= 0).tolist()))
        arena.A[at + positions.O_REQUIRED] = arena.bit_set(required, words) if self.any_order else 0
        return at

    def _names(self, dfa: CharDfa, goals: tuple[Goal | None, ...]) -> int:
        """Address of the automaton of names outside the list."""
        return self.arena.dfa(dfa, [-1 if goal is None else self._goal(goal) for goal in goals])


def _next_of(n: int, members: list[int]) -> np.ndarray:
    """For each index up to ``n``: the least member from there on, or ``n``."""
    following = np.full(n + 1, n, dtype=np.int32)
    following[members] = members
    return np.minimum.accumulate(following[::-1])[::-1]
