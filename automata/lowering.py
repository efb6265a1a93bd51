"""From goals to records: writes what the kernels need of one grammar, when they first need it."""

from __future__ import annotations

from itertools import accumulate, chain, islice
from typing import Protocol
from weakref import ref

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
    return Placed(
        arena.state(arena.position(positions.K_WORD, arena.trie(tuple(word.encode() for word in words))), _end(arena))
    )


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
            for number in list(islice(self._pending, budget)):
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
            return arena.spec(
                languages.WORDS_OF_TRIE, 0, None, arena.trie(tuple(word.encode() for word in value.words))
            )
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
        n, members = len(value.names), (*value.names, *value.extra)
        names = [name for name, _ in members]
        goals = [self._goal(goal) if self.goals.satisfiable(goal) else -1 for _, goal in members]
        encoded = [name.encode() for name in names]
        by_bytes = sorted(range(len(names)), key=encoded.__getitem__)
        trie = arena.trie(tuple(encoded[k] for k in by_bytes))
        free, spec = -1, -1
        if value.patterns is not None:
            spec = arena.spec(languages.AUTOMATON, 0, None, self._names(*value.patterns))
        elif value.free is not None and self.goals.satisfiable(value.free):
            free = self._goal(value.free)
        extra = int(any(goal >= 0 for goal in goals[n:]))
        if extra and not self.any_order:
            arena.names_end(sum(goal >= 0 for goal in goals[n:]))
        is_required = [name in value.required for name in names[:n]]
        required, none_seen = [], []
        if self.any_order:
            words = (len(names) + 31) // 32 or 1
            bits = sum(1 << k for k, due in enumerate(is_required) if due)
            required, none_seen = _words(bits, words), [0] * words
        parts = [goals, _next_of(is_required), _next_of([goal >= 0 for goal in goals[:n]]), by_bytes]
        parts += [required, none_seen]
        text = arena.any_text()  # before the end of the heap is read: it may add to it
        text, at = arena.any_text(), arena.heap_end()  # nothing else may be put between this and the record
        goals_at, next_at, live_at, sorted_at, required_at, none_at, _ = accumulate(
            map(len, parts), initial=at + positions.O_RECORD
        )
        record = [n, live_at, trie, int(self.any_order), free, spec, self.space, goals_at, next_at, required_at]
        record += [sorted_at, len(required), none_at if self.any_order else 0, text, extra]
        return arena.put([*record, *chain.from_iterable(parts)])

    def _names(self, dfa: CharDfa, goals: tuple[Goal | None, ...]) -> int:
        """Address of the automaton of names outside the list."""
        return self.arena.dfa(dfa, [-1 if goal is None else self._goal(goal) for goal in goals])


def _next_of(member: list[bool]) -> list[int]:
    """For each index up to the length: the least member from there on, or the length."""
    least = n = len(member)
    following = [n] * (n + 1)
    for k in range(n - 1, -1, -1):
        if member[k]:
            least = k
        following[k] = least
    return following


def _words(bits: int, n: int) -> list[int]:
    """A set of small integers as ``n`` signed words of 32 bits."""
    return [(word ^ 0x80000000) - 0x80000000 for k in range(n) for word in [bits >> 32 * k & 0xFFFFFFFF]]
