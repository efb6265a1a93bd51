"""The records of goals in one arena: what the kernels need of a value, written when they first need it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, MutableSequence, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, replace
from functools import reduce
from itertools import chain, compress, count, repeat
from operator import itemgetter, or_
from typing import Any, TypeAlias
from typing import Literal as OneOf
from weakref import proxy, ref

from detent.grammar.dfa import CharDfa
from detent.grammar.errors import Unenforceable
from detent.grammar.json_schema import Array, Goal, Goals, Number, Object, String, Value
from detent.grammar.json_schema.array_frames import ArrayFrame
from detent.grammar.json_schema.facts import only_counts, seen, unique
from detent.grammar.json_schema.few import few, has_few
from detent.grammar.json_schema.formula import TRUE, Formula
from detent.grammar.json_schema.names import told_apart
from detent.grammar.json_schema.nodes import ARRAY, OBJECT, Node
from detent.grammar.json_schema.object_frames import ObjectFrame
from detent.grammar.json_schema.parts import GOALS
from detent.grammar.number import NumberSpec
from detent.native import languages, positions, states
from detent.native.jit import direct

from .arena import Arena, Lowers

_state_of_call = direct(states.state_of_call)

Order = OneOf["schema", "any", "fixed"]
SPACE = {"flexible": 0, "compact": 1, "bounded": 2}
MOST_SHARED = 20_000  # goals of which an arena remembers the records for all documents
MANY_WORDS = 16  # from so many on, a trie is looked for that lacks only one of them
AHEAD = 4  # records behind a goal: `[{"` takes those of an array, its exits, the goals of these, and objects
MANY = 1_000  # values of an item beyond which one more or less makes no difference to what may follow
MOST_MANY = 512_000  # the same after so many items; there are more characters than that

_Lazy: TypeAlias = "Goal | Object | Array | _Exits"
# an object's names in the order of their bytes, their numbers in that order, and the required ones
_Listed: TypeAlias = tuple[tuple[str, ...], list[int], list[int]]
_NOWHERE: MutableSequence[int] = deque(maxlen=0)
_NAME, _GOAL = itemgetter(0), itemgetter(1)  # of a member


class Records:
    """The records of goals in one arena.

    Parameters
    ----------
    arena : Arena
    goals : Goals
    order : {"any", "schema", "fixed"}
        Keys in any order; required keys of closed objects in the order of the schema; all keys in its order.
    space : int
        White space, a value of ``SPACE``.
    names_end : int or None
        As an attribute.

    Attributes
    ----------
    names_end : int
        Address of two words: whether finitely many names follow some beginning, and the fewest that an object may have.
        Islands of one grammar share them.
    """

    def __init__(self, arena: Arena, goals: Goals, order: Order, space: int, names_end: int | None = None) -> None:
        self.arena, self.goals = arena, goals
        self.order, self.space = order, space
        self._numbers: dict[Goal, int] = {}
        self._pending: dict[int, _Lazy] = {}
        self._arrays: dict[int, Array | _Words] = {}
        self._words: dict[tuple[ArrayFrame, int], int] = {}
        self._bits: dict[tuple[Formula, int], int] = {}
        self._loose_bits: dict[tuple[ArrayFrame, Formula, int], int] = {}
        self._records: dict[tuple[object, Formula], int] = {}
        self._names_of: dict[ObjectFrame, _Listed] = {}
        self._alone: dict[ObjectFrame, list[int | None]] = {}  # members that the residual says nothing of
        self._next: MutableSequence[int] = _NOWHERE  # what is asked for with the record that is being written
        self._me: ref[Lowers] = ref(self)
        self._any_name = arena.any_text()
        self.names_end = arena.put([0, 2**31 - 1]) if names_end is None else names_end

    def lower(self, number: int) -> None:
        """Write the record of a goal, an object or an array, and those that are asked for together with it."""
        with self.goals.lock:
            found = self.write(number)
            with suppress(Unenforceable):  # nothing has asked for these yet, and perhaps nothing will
                for _ in range(AHEAD if found else 0):
                    found = [*chain.from_iterable(map(self.write, found))]

    def lower_all(self) -> None:
        """Write every record that can be reached."""
        while self._pending:
            self.lower(next(iter(self._pending)))

    def write(self, number: int) -> Sequence[int]:
        """Write one record, as a piece of work of its own: the records that kernels ask for as soon as they have it."""
        item = self._pending.get(number)
        if item is None:
            return ()
        with self.goals.piece(), self.goals.within:
            found: list[int] = []
            self._next = found
            publish = self.arena.publish
            if isinstance(item, Object):
                self._object(item, number)
            elif isinstance(item, Goal):
                publish(number, self._goal(item))
            elif isinstance(item, Array):
                publish(number, self._array(item))
            else:
                publish(number, self._exits(item))
            self._pending.pop(number, None)
            self._next = _NOWHERE
        return found

    def _reserve(self, item: _Lazy) -> int:
        number = self.arena.reserve(self._me)
        self._pending[number] = item
        return number

    def _reserve_next(self, item: _Lazy) -> int:
        number = self._reserve(item)
        self._next.append(number)
        return number

    def number(self, goal: Goal) -> int:
        """The number of a goal: of its record, or of where that is to be written."""
        number = self._numbers.get(goal)
        if number is None:
            number = self._numbers[goal] = self._reserve(goal)
        return number

    @property
    def numbers_of_most(self) -> Mapping[Goal, int]:
        """The numbers of most goals that have one."""
        return self._numbers

    def written(self, goal: Goal) -> int:
        """The number of a goal whose record is written, with those of the arrays and objects that it begins."""
        with self.goals.lock, self.goals.piece(), self.goals.within:
            number = self.number(goal)
            if number in self._pending:
                self.arena.publish(number, self._goal(goal, at_once=True))
                self._pending.pop(number, None)
        return number

    def before(self, values: Sequence[Value], end: int, after: int) -> int:
        """The state before a text that is one value without a goal, by its residuals.

        ``end``, ``after``: the position and the state behind it.
        """
        arena = self.arena
        with self.goals.lock:
            begins = [*map(self._begin, values, repeat(True))]
        if len(begins) == 1:
            return arena.state(begins[0], after)
        return start_state(arena, arena.place(arena.put([len(begins), *begins])), end)

    def _goal(self, goal: Goal, *, at_once: bool = False) -> int:
        """The ways to begin a value; ``at_once``: with the records of arrays and objects."""
        values = self.goals.values(goal)
        return self.arena.put([len(values), *[self._begin(value, at_once) for value in values]])

    def _begin(self, value: Value, at_once: bool) -> int:
        """The position before a value, with white space in front."""
        arena, ws = self.arena, self.space
        if isinstance(value, Object):
            if at_once:
                return self._object(value, arena.take())
            return arena.position(positions.K_OBJECT, self._reserve_next(value), 0, positions.START, ws)
        if isinstance(value, Array):
            words = self._words_of(value)
            if words is not None:
                number = words
            else:
                number = arena.place(self._array(value)) if at_once else self._reserve_next(value)
            return arena.position(positions.K_ARRAY, number, 0, positions.START, ws)
        if isinstance(value, String):
            avoid = arena.trie_of_texts(value.avoid) if value.avoid else 0
            return arena.position(positions.K_OPEN, self._spec(value), ws, avoid)
        if isinstance(value, Number):
            at, fields = arena.number(value.spec)
            return arena.position(positions.K_NUMBER, at, *fields, ws)
        return arena.position(positions.K_LITERAL, arena.text(value.text), ws)

    def _spec(self, value: String) -> int:
        arena = self.arena
        if value.words is not None:
            trie = arena.trie if len(value.words) < MANY_WORDS else arena.trie_of_texts
            return arena.spec(languages.WORDS_OF_TRIE, 0, None, trie(value.words))
        if value.dfa is None:
            return arena.any_text(value.shortest, value.longest)
        return arena.string(value.dfa, value.shortest, value.longest)

    def _array(self, value: Array) -> int:
        if value.frame is not None:
            return self._connected_array(value, value.frame)
        longest = value.longest
        head = value.prefix if longest is None else value.prefix[:longest]
        for k, goal in enumerate(head):
            if not self.goals.satisfiable(goal):
                head, longest = head[:k], k
                break
        rest = -1
        if longest is None or longest > len(head):
            if self.goals.satisfiable(value.rest):
                rest = self.number(value.rest)
            else:
                longest = len(head)
        numbers = [*map(self.number, head)]
        self._next.append(numbers[0] if head else rest)
        goals = self.arena.put(numbers) if head else 0
        most = -1 if longest is None else longest
        return self.arena.put([len(head), rest, value.shortest, most, goals, self.space, 1, 0, 0])

    def _exits(self, item: _Exits) -> int:
        """What a member may be, and the record that goes on after it."""
        frame = item.container.frame
        if isinstance(frame, ObjectFrame):
            exits = frame.live(frame.exits(item.residual, item.place, item.kind))
        else:
            assert frame is not None and item.place is not None
            then = min(item.place + 1, frame.width)
            exits = frame.live(frame.exits(item.residual, item.place), then)
        found = [(self.number(self.goals.goal_of(demand)), self._after(item.container, f)) for demand, f in exits]
        self._next += map(_NAME, found)
        return self.arena.put([len(found), *chain.from_iterable(found)])

    def _connected_array(self, value: Array, frame: ArrayFrame) -> int:
        """An array whose items depend on each other: what an item may be is worked out when it is reached."""
        exits = [positions.EXITS + self._reserve(_Exits(value, value.residual, k)) for k in range(frame.width + 1)]
        self._next.append(exits[0] - positions.EXITS)
        goals = self.arena.put(exits[:-1]) if frame.width else 0
        closes = int(frame.facts.closed(value.residual))
        differ, then = 0, 0
        if asks := unique(value.residual):
            loose = frame.facts.loose(value.residual)
            differ = self._unique(value, frame, loose)
            then = self._after(value, loose) if asks == 1 else 0
        return self.arena.put([frame.width, exits[-1], 0, -1, goals, self.space, closes, differ, then])

    def _words_of(self, value: Array) -> int | None:
        """The record of an array whose items are words that differ; None where it is another one."""
        frame = value.frame
        found = None if frame is None else frame.words(value.residual)
        if frame is None or found is None:
            return None
        words, fewest, most = found
        goal = self.goals.goal_of(frame.value(0))
        loose = self._reserve(Array((), goal, fewest, most))
        places: dict[object, int] = {word: k for k, word in enumerate(words)}
        root = self.arena.trie(tuple(words))
        return self._put_words(_Words(frame, places, (1 << len(words)) - 1, root, fewest, most, loose))

    def _put_words(self, value: _Words) -> int:
        """The record of what is left of such an array."""
        key = value.frame, value.left
        number = self._words.get(key)
        if number is None:
            arena, n = self.arena, value.left.bit_count()
            spec = arena.spec(languages.WORDS_OF_TRIE, 0, None, value.root)
            goal = arena.place(arena.put([1, arena.position(positions.K_OPEN, spec, self.space)]))
            bits = positions.DIFFERENT
            if n > 1 + ("" in value.places):
                bits |= positions.AMPLE | positions.AMPLE_WORDS
            most = -1 if value.most is None else value.most
            record = [0, goal, value.fewest, most if n else 0, 0, self.space, 1, bits, value.loose]
            number = arena.place(arena.put(record))
            self._arrays[number] = value
            self._words[key] = number
        return number

    def _unique(self, value: Array, frame: ArrayFrame, loose: Formula) -> int:
        """Bits of ``A_UNIQUE``: what is sure about the next item before the value of the last one is looked at."""
        bits, residual = positions.DIFFERENT, value.residual
        if frame.width:
            return bits
        most = MANY
        while most <= len(seen(residual)):
            most *= 8
        if (loose is TRUE or only_counts(loose)) and most <= MOST_MANY:
            if (frame, loose, most) not in self._loose_bits:
                ample = (self._ample(demand, most) for demand, _ in frame.live(frame.exits(loose, 0)))
                self._loose_bits[frame, loose, most] = reduce(or_, ample, 0)
            bits |= self._loose_bits[frame, loose, most]
        elif any(few(self.goals, demand, MANY) is None for demand, _ in frame.live(frame.exits(residual, 0))):
            bits |= positions.AMPLE
        return bits

    def _ample(self, demand: Formula, most: int) -> int:
        """What more values begin with than may be excluded: bits of ``A_UNIQUE``."""
        bits = self._bits.get((demand, most))
        if bits is None:
            bits = 0 if few(self.goals, demand, most) is not None else positions.AMPLE
            for value in self.goals.values(self.goals.goal_of(demand)) if bits else ():
                if isinstance(value, String) and value.is_vast:
                    bits |= positions.AMPLE_TEXT
                elif isinstance(value, Number) and isinstance(value.spec, NumberSpec) and value.spec.lo is None:
                    bits |= positions.AMPLE_MINUS
                elif isinstance(value, Object) and not has_few(self.goals, value, most):
                    bits |= positions.AMPLE_OBJECT
                elif isinstance(value, Array) and not has_few(self.goals, value, most):
                    bits |= positions.AMPLE_ARRAY
            self._bits[demand, most] = bits
        return bits

    def has_seen(self, number: int, value: object) -> bool:
        """Whether an array whose items must differ has an item with this value, the one read last aside."""
        with self.goals.lock:
            array = self._arrays[number]
            assert isinstance(array, Array), "a list has no endlessly many texts"
            return self.goals.constant(value) in seen(array.residual)

    def owns(self, number: int) -> bool:
        """Whether a record is an array of this specification whose items depend on each other."""
        return number in self._arrays

    def after_value(self, number: int, value: object) -> int:
        """The record of an array whose items must differ, once the value of the item read last is known."""
        with self.goals.lock:
            array = self._arrays[number]
            if isinstance(array, _Words):
                return self._put_words(array.without(value, self.arena))
            assert array.frame is not None
            return self._after(array, array.frame.facts.noted(array.residual, self.goals.constant(value)))

    def _object(self, value: Object, number: int) -> int:
        """Write the record of an object; the position before it."""
        goals, free, names_dfa = self._members(value)
        names, by_bytes, due = self._listed(value)
        n = len(value.names)
        spec = -1 if names_dfa is None else self.arena.spec(languages.AUTOMATON, 0, None, self._names(*names_dfa))
        extra = int(bool(value.extra) and max(goals[n:]) >= 0)
        order = self._order_of(value)
        most = -1 if value.most is None else value.most
        closes = value.frame is None or value.frame.facts.closed(value.residual)
        record = [n, 0, 0, order, free, spec, self.space, 0, len(due), 0, 0, 0, 0]  # 0: the kernel's
        record += [self._any_name, extra, len(names), value.fewest, most, closes]
        return self.arena.put_object(number, record + goals + by_bytes + due, names)

    def _listed(self, value: Object) -> _Listed:
        """What does not change while an object is written: see ``_Listed``."""
        found = None if value.frame is None else self._names_of.get(value.frame)
        if found is None:
            names = [*map(_NAME, value.names + value.extra)]
            by_bytes = sorted(range(len(names)), key=names.__getitem__)  # the order of code points is that of bytes
            listed = names[: len(value.names)]
            due = [*compress(count(), map(value.required.__contains__, listed))] if value.required else []
            found = tuple(map(names.__getitem__, by_bytes)), by_bytes, due
            if value.frame is not None:
                self._names_of[value.frame] = found
        return found

    def _names(self, names: CharDfa, goals: list[int]) -> int:
        """The address of an automaton over free names; whether they can be used up is noted."""
        A, at = self.arena.A, self.arena.dfa(names, goals)
        if A[at + languages.DFA_ENDS]:
            A[self.names_end] = 1
            most = int(A[A[at + languages.DFA_WORDS]])
            if most >= 0:
                A[self.names_end + 1] = min(int(A[self.names_end + 1]), most)
        return at

    def _order_of(self, value: Object) -> int:
        """Which order the names of an object come in: the same for all records of one, which read one set of names."""
        if self.order == "fixed":
            counted = value.extra or value.fewest or value.most is not None
            return positions.ORDERED_SET if counted else positions.IN_ORDER
        return positions.REQUIRED_IN_ORDER if self.order == "schema" and value.in_order else positions.ANY_ORDER

    def _members(self, value: Object) -> tuple[list[int], int, tuple[CharDfa, list[int]] | None]:
        """What each listed name, any other name, or those that an automaton tells apart may hold; -1: not allowed."""
        if value.frame is not None:
            return self._connected_members(value, value.frame)
        number, satisfiable = self.number, self.goals.satisfiable
        members = [*map(_GOAL, value.names + value.extra)]
        goals: list[Any] = [*map(self.numbers_of_most.get, members)]
        if None in goals:
            both = zip(goals, members, strict=True)
            goals = [known or (number(goal) if goal.satisfiable or satisfiable(goal) else -1) for known, goal in both]
        free, names_dfa, others = -1, None, value.told()
        if isinstance(others, tuple):
            dfa, by_state = others
            kept = [goal if goal is not None and self.goals.satisfiable(goal) else None for goal in by_state]
            told = told_apart(dfa, kept)
            if isinstance(told, tuple):
                names_dfa = told[0], [-1 if goal is None else self.number(goal) for goal in told[1]]
            elif told is not None:
                free = self.number(told)
        elif others is not None:
            free = self._numbers.get(others) or (number(others) if satisfiable(others) else -1)
        return goals, free, names_dfa

    def _connected_members(
        self, value: Object, frame: ObjectFrame
    ) -> tuple[list[int], int, tuple[CharDfa, list[int]] | None]:
        """The same where members depend on each other."""
        n_names, n_members = len(frame.names), len(frame.names) + frame.n_kinds
        known = self._alone.get(frame)
        if known is None:
            known = self._alone[frame] = [None] * n_members
        found: list[Any] = known.copy()
        for member, now in self._touched(value, frame):
            found[member] = self._leading_on(value, now, member)
        if None in found:
            for k in [k for k, number in enumerate(found) if number is None]:
                goal = self.goals.goal_of(frame.value(*frame.member(k if k < n_names else k - n_members)))
                found[k] = known[k] = self.number(goal) if self.goals.satisfiable(goal) else -1
        goals, kinds = found[:n_names], found[: n_names - n_members - 1 : -1]
        if frame.keys is None:
            return goals, kinds[0], None
        exits = [None if goal < 0 else goal for goal in kinds]
        told = told_apart(frame.keys, [exits[c] if c >= 0 else None for c in frame.kinds])
        if not isinstance(told, tuple):
            return goals, -1 if told is None else told, None
        return goals, -1, (told[0], [-1 if goal is None else goal for goal in told[1]])

    def _touched(self, value: Object, frame: ObjectFrame) -> Iterable[tuple[int, Formula]]:
        """The members that must not be read alone, each with what is left of the residual where it comes.

        In the order of the schema, a name leaves those before it out.
        """
        now = value.residual
        if self.order != "fixed":
            return zip(frame.touched(now), repeat(now))
        found = []
        for k in range(frame.n_listed):
            if now is not value.residual or k in frame.touched(now):
                found.append((k, now))
            now = frame.facts.without(now, [k])
        others = [*range(frame.n_listed, len(frame.names)), *range(-frame.n_kinds, 0)]
        return found + [(k, now) for k in others if now is not value.residual or k in frame.touched(now)]

    def _leading_on(self, value: Object, now: Formula, member: int) -> int:
        """The number of the exits of a member, which are yet to be worked out; -1: it cannot come."""
        assert value.frame is not None
        place, kind = value.frame.member(member)
        if not value.frame.is_live(now, place, kind):
            return -1
        return positions.EXITS + self._reserve(_Exits(value, now, place, kind))

    def _after(self, value: Object | Array, residual: Formula) -> int:
        """The record of a container with another residual."""
        assert value.frame is not None
        key = (value.frame, residual)
        number = self._records.get(key)
        if number is None:
            then = value.after(residual)
            number = self._reserve(then)
            if isinstance(then, Array):
                self._arrays[number] = then
            self._records[key] = number
        return number


class SharedRecords(Records):
    """The records of parts in one arena, for all documents: see :mod:`detent.grammar.json_schema.parts`.

    The arena keeps them, so they do not keep it.

    Attributes
    ----------
    end, after : int
        The position and the state behind a value that is the whole text.
    """

    def __init__(self, arena: Arena, goals: Goals, order: Order, space: int) -> None:
        super().__init__(arena, goals, order, space)
        self.end = arena.position(positions.K_END, space)
        self.after = arena.state(self.end, 0)

    def number(self, goal: Goal) -> int:
        """The same; what is small is written at once."""
        number = self._numbers.get(goal)
        if number is None:
            with self.goals.lock:
                number = super().number(goal)
                if not goal.nodes or _is_small(goal.nodes[0]):
                    self.written(goal)
        return number

    def written(self, goal: Goal) -> int:
        """The same; parts are no work that wants a bound."""
        number = self._numbers.get(goal)
        if number is None or number in self._pending:
            with self.goals.lock:
                number = super().number(goal)
                self.arena.publish(number, self._goal(goal, at_once=True))
                self._pending.pop(number, None)
        return number

    def copied(self, arena: Arena) -> SharedRecords:
        """What is as far with a copy of the arena."""
        other = copy(self)
        vars(other).update({name: table.copy() for name, table in vars(self).items() if isinstance(table, dict)})
        other.arena, other._me = proxy(arena), ref(other)
        return other

    @staticmethod
    def of(arena: Arena, order: Order, space: int) -> SharedRecords:
        """Those of an arena; new ones where they have become too many for those that were used once."""
        found: Any = arena.shared.get((order, space))
        if found is None or len(found._numbers) > MOST_SHARED:
            found = arena.shared[order, space] = SharedRecords(proxy(arena), GOALS, order, space)
        return found  # type: ignore[no-any-return]


def _is_small(node: Node) -> bool:
    """Whether a node says something of scalars alone, without lists and automata."""
    if node.any_of:
        return all(map(_is_small, node.any_of[0]))
    return not (node.types & (ARRAY | OBJECT) or node.enum is not None or node.texts)


def start_state(arena: Arena, root: int, end: int) -> int:
    """The state before a text that is one value, with the position behind it."""
    state = int(_state_of_call(arena.A, root, end))
    if state <= 0:
        arena.full()
    return state


@dataclass(slots=True, eq=False)
class _Exits:
    """A member of a container whose members depend on each other: a listed one, or one of a kind."""

    container: Object | Array
    residual: Formula
    place: int | None
    kind: int | None = None


@dataclass(frozen=True, eq=False)
class _Words:
    """An array of which every item is another one of some words.

    ``places``: the bit of each word; ``left`` and ``root``: those that were not used, as bits and as a trie;
    ``loose``: the record if items could be equal.
    """

    frame: ArrayFrame
    places: Mapping[object, int]
    left: int
    root: int
    fewest: int
    most: int | None
    loose: int

    def without(self, word: object, arena: Arena) -> _Words:
        """What is left after one more word."""
        bit = 1 << self.places[word]
        return replace(self, left=self.left ^ bit, root=arena.trie_without(self.root, str(word)))
