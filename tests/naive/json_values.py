"""A recogniser of JSON values, straight from the grammar IR: sets of stacks, byte by byte, all by search.

A stack is a pair (frame, stack below). A frame says what is being read; when it ends, the stack below goes on. Nothing
is counted, numbered or remembered beyond the text itself, and only stacks that some text can finish are kept.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

from detent.grammar.dfa import CharDfa
from detent.grammar.json_schema import Array, Goal, Goals, Literal, Number, Object, String, Value
from detent.grammar.json_schema.document import Document
from detent.grammar.json_schema.reader import Reader
from detent.grammar.number import NumberSpec
from detent.grammar.number_list import NumberList

from . import number

WHITE_SPACE = {"flexible": rb"[ \t\n\r]*", "compact": rb"", "bounded": rb" ?|\n[ \t]{0,40}"}
CODE_POINTS = range(0x110000)
SURROGATES = range(0xD800, 0xE000)

Stack = tuple[Any, ...]
Stacks = frozenset[Stack]


@dataclass(frozen=True)
class Begin:
    """White space, then a value."""

    goal: Goal
    gap: bytes = b""


@dataclass(frozen=True)
class Text:
    """The rest of a literal."""

    rest: bytes


@dataclass(frozen=True)
class Digits:
    """A number so far."""

    spec: NumberSpec
    text: str


@dataclass(frozen=True)
class Characters:
    """A string so far: whole characters, and the bytes of one that has begun."""

    string: String
    text: str = ""
    partial: bytes = b""


@dataclass(frozen=True)
class Key:
    """A key so far, after the names that were written before."""

    object: Object
    seen: tuple[str, ...]
    text: str = ""
    partial: bytes = b""


@dataclass(frozen=True)
class Members:
    """The punctuation of an object: at its start, after a member, before a name, or before a colon."""

    object: Object
    seen: tuple[str, ...]
    phase: str
    goal: Goal | None = None
    gap: bytes = b""


@dataclass(frozen=True)
class Items:
    """The punctuation of an array after some items."""

    array: Array
    count: int
    gap: bytes = b""


@dataclass(frozen=True)
class End:
    """White space after the document."""

    gap: bytes = b""


def recogniser(schema: Any, *, order: str = "schema", whitespace: str = "flexible") -> Recogniser:
    """The recogniser of a JSON Schema, with the options of ``Compiler.json_schema``."""
    reader = Reader(Document(schema), format_assertion=True, strict=True, max_nodes=10_000, max_dfa_states=10_000)
    root = reader.read()
    goals = Goals(reader, max_branches=1_000, max_depth=120)
    return Recogniser(goals, goals.goal([root]), order=order, whitespace=whitespace)


class Recogniser:
    """Which texts meet a goal.

    Parameters
    ----------
    goals : Goals
    root : Goal
    order : str
        "any", "schema" or "fixed", as in ``Compiler.json_schema``.
    whitespace : str
        "flexible", "bounded" or "compact".
    """

    def __init__(self, goals: Goals, root: Goal, *, order: str = "schema", whitespace: str = "flexible") -> None:
        self.goals = goals
        self.order = order
        self.white_space = re.compile(WHITE_SPACE[whitespace])
        self._possible: dict[Goal, bool] = {}
        self._steps: dict[tuple[Stacks, bytes], Stacks] = {}
        self.start: Stacks = frozenset([(Begin(root), (End(), ()))] if self.satisfiable(root) else [])

    def viable(self, text: bytes) -> bool:
        """Whether a text can be continued to a complete one."""
        return bool(self.read(self.start, text))

    def complete(self, text: bytes) -> bool:
        """Whether a text is complete."""
        return self.may_end(self.read(self.start, text))

    def read(self, stacks: Stacks, text: bytes) -> Stacks:
        """The stacks after some bytes; empty where they cannot come."""
        for k in range(len(text)):
            key = stacks, text[k : k + 1]
            if key not in self._steps:
                self._steps[key] = frozenset(after for stack in stacks for after in self._step(stack, key[1]))
            stacks = self._steps[key]
        return stacks

    def may_end(self, stacks: Stacks) -> bool:
        """Whether the text may end here."""
        return any(map(self._may_end, stacks))

    def _may_end(self, stack: Stack) -> bool:
        frame, below = stack
        if isinstance(frame, Digits):
            return number_accepts(frame.spec, frame.text) and self._may_end(below)
        return isinstance(frame, End)

    # ------------------------------------------------------------------------------------------------------- goals
    def satisfiable(self, goal: Goal) -> bool:
        """Whether some value meets a goal: the least fixed point over everything that it requires."""
        if goal not in self._possible:
            reached = [goal]
            for each in reached:  # grows while it is read
                needed = (child for value in self.goals.candidates(each) for child in _required(value))
                reached += [child for child in dict.fromkeys(needed) if child not in reached]
            met: set[Goal] = set()
            while more := [g for g in reached if g not in met and any(self._ways(g, met))]:
                met.update(more)
            self._possible |= {g: g in met for g in reached}
        return self._possible[goal]

    def values(self, goal: Goal) -> list[Value]:
        """The ways to meet a goal."""
        met = {child for value in self.goals.candidates(goal) for child in _required(value) if self.satisfiable(child)}
        return [
            value
            for value, possible in zip(self.goals.candidates(goal), self._ways(goal, met), strict=True)
            if possible
        ]

    def _ways(self, goal: Goal, met: set[Goal]) -> Iterator[bool]:
        for value in self.goals.candidates(goal):
            if isinstance(value, Array) and value.longest is not None and value.shortest > value.longest:
                yield False
            else:
                yield all(child in met for child in _required(value))

    # ------------------------------------------------------------------------------------------------------- steps
    def _step(self, stack: Stack, b: bytes) -> Iterator[Stack]:
        frame, below = stack
        if isinstance(frame, (Begin, Members, Items, End)) and self.white_space.fullmatch(frame.gap + b):
            yield _with_gap(frame, frame.gap + b), below
        if isinstance(frame, Begin):
            for value in self.values(frame.goal):
                yield from self._begin(value, below, b)
        elif isinstance(frame, Text):
            if frame.rest[:1] == b:
                yield (Text(frame.rest[1:]), below) if frame.rest[1:] else below
        elif isinstance(frame, Digits):
            if b.isascii() and number_is_alive(frame.spec, frame.text + b.decode()):
                yield Digits(frame.spec, frame.text + b.decode()), below
            if number_accepts(frame.spec, frame.text):
                yield from self._step(below, b)
        elif isinstance(frame, Characters):
            yield from self._characters(frame, below, b)
        elif isinstance(frame, Key):
            yield from self._key(frame, below, b)
        elif isinstance(frame, Members):
            yield from self._members(frame, below, b)
        elif isinstance(frame, Items):
            yield from self._items(frame, below, b)

    def _begin(self, value: Value, below: Stack, b: bytes) -> Iterator[Stack]:
        if isinstance(value, Literal):
            if value.text.encode()[:1] == b:
                yield Text(value.text.encode()[1:]), below
        elif isinstance(value, Number):
            if b.isascii() and number_is_alive(value.spec, b.decode()):
                yield Digits(value.spec, b.decode()), below
        elif isinstance(value, String):
            if b == b'"':
                yield Characters(value), below
        elif isinstance(value, Array):
            if b == b"[":
                yield Items(value, 0), below
                if self._may_add(value, 0):
                    yield Begin(_item(value, 0)), (Items(value, 1), below)
        elif b == b"{":
            yield Members(value, (), "start"), below

    def _characters(self, frame: Characters, below: Stack, b: bytes) -> Iterator[Stack]:
        string, text, partial = frame.string, frame.text, frame.partial + b
        if partial == b'"':
            if spells(string, text):
                yield below
        elif char := decoded(partial):
            if can_finish(string, text + char):
                yield Characters(string, text + char), below
        elif any(can_finish(string, text + char) for char in samples(partial, *_telling(string))):
            yield Characters(string, text, partial), below

    def _items(self, frame: Items, below: Stack, b: bytes) -> Iterator[Stack]:
        array, count = frame.array, frame.count
        if b == b"]" and count >= array.shortest:
            yield below
        if b == b"," and count and self._may_add(array, count):
            yield Begin(_item(array, count)), (Items(array, count + 1), below)

    def _may_add(self, array: Array, count: int) -> bool:
        return (array.longest is None or count < array.longest) and self.satisfiable(_item(array, count))

    def _members(self, frame: Members, below: Stack, b: bytes) -> Iterator[Stack]:
        value, seen, phase = frame.object, frame.seen, frame.phase
        if b == b":" and phase == "colon":
            yield Begin(frame.goal), (Members(value, seen, "after"), below)
        if b == b"," and phase == "after" and self._key_lives(value, seen, ""):
            yield Members(value, seen, "name"), below
        if b == b'"' and phase in ("start", "name") and self._key_lives(value, seen, ""):
            yield Key(value, seen), below
        if b == b"}" and phase in ("start", "after") and value.required.issubset(seen):
            yield below

    def _key(self, frame: Key, below: Stack, b: bytes) -> Iterator[Stack]:
        value, seen, text, partial = frame.object, frame.seen, frame.text, frame.partial + b
        if partial == b'"':
            listed, goal = self._named(value, text)
            if goal is not None and self.satisfiable(goal) and self._may_write(value, seen, text, listed):
                yield Members(value, (*seen, text), "colon", goal), below
        elif char := decoded(partial):
            if self._key_lives(value, seen, text + char):
                yield Key(value, seen, text + char), below
        elif any(self._key_lives(value, seen, text + char) for char in samples(partial, *_telling(value, seen))):
            yield Key(value, seen, text, partial), below

    def _named(self, value: Object, text: str) -> tuple[bool, Goal | None]:
        """Whether a whole key is listed, and what it holds."""
        for name, goal in (*value.names, *value.extra):
            if name == text:
                return True, goal
        if value.patterns is None:
            return False, value.free
        dfa, ends = value.patterns
        state = walk(dfa, text)
        return False, None if state is None else ends[state]

    def _may_write(self, value: Object, seen: tuple[str, ...], name: str, listed: bool) -> bool:
        """Whether a name may come after those seen."""
        if name in seen:
            return False
        return self._in_turn(value, seen, name if listed else None)

    def _in_turn(self, value: Object, seen: tuple[str, ...], name: str | None) -> bool:
        """Whether a name (None: one that is not listed) keeps the order of the schema."""
        if self.order != "fixed":
            due = [each for each, _ in value.names if each in value.required]
            before = due[: due.index(name)] if name in due else []
            return self.order == "any" or not value.in_order or all(each in seen for each in before)
        order = [each for each, _ in value.names]
        places = [order.index(each) + 1 if each in order else len(order) for each in seen]
        done = max(places, default=0)
        until = order.index(name) if name in order else len(order)
        return done <= until and not value.required.intersection(order[done:until])

    def _key_lives(self, value: Object, seen: tuple[str, ...], text: str) -> bool:
        """Whether the beginning of a key can be continued to one that may be written now."""
        for name, goal in (*value.names, *value.extra):
            if name.startswith(text) and self.satisfiable(goal) and self._may_write(value, seen, name, True):
                return True
        if not self._in_turn(value, seen, None):
            return False
        if value.patterns is None:
            return value.free is not None and self.satisfiable(value.free)
        dfa, ends = value.patterns
        begun = walk(dfa, text)
        if begun is None:
            return False
        good = frozenset(state for state, goal in enumerate(ends) if goal is not None and self.satisfiable(goal))
        listed = {name for name, _ in (*value.names, *value.extra)}
        taken = listed.union(seen)
        return any(text + rest not in taken for rest in _some_words(dfa, good, begun, len(taken) + 1))


def _with_gap(frame: Any, gap: bytes) -> Any:
    return type(frame)(**{**vars(frame), "gap": gap})


def _item(array: Array, index: int) -> Goal:
    return array.prefix[index] if index < len(array.prefix) else array.rest


def _required(value: Value) -> list[Goal]:
    """Goals of the children that a value cannot be without."""
    if isinstance(value, Array):
        return [_item(value, k) for k in range(value.shortest)]
    if isinstance(value, Object):
        return [goal for name, goal in value.names if name in value.required]
    return []


def _telling(value: String | Object, seen: tuple[str, ...] = ()) -> tuple[tuple[str, ...], CharDfa | None]:
    """Words and automaton that tell characters apart (names that were written, from the next characters, too)."""
    if isinstance(value, String):
        return value.words or (), value.dfa
    names = [name for name, _ in (*value.names, *value.extra)]
    written = [char for name in seen for p in name for char in (p, chr(min(ord(p) + 1, 0x10FFFF)))]
    return (*names, *dict.fromkeys(written)), value.patterns and value.patterns[0]


# ---------------------------------------------------------------------------------------------------------- characters
@cache
def decoded(spelling: bytes) -> str | None:
    """The one character that some bytes inside a JSON string stand for, or None."""
    try:
        text = json.loads(f'"{spelling.decode()}"')
    except ValueError:
        return None
    return text if len(text) == 1 and ord(text) not in SURROGATES else None


@cache
def completions(spelling: bytes) -> list[range]:
    """Code points that can complete a character which is not complete."""
    if spelling[:1] != b"\\":
        if spelling < b"\x80":
            return []
        first, last = (bisect_left(CODE_POINTS, end, key=_utf8) for end in (spelling, spelling + b"\xff"))
        return _without_surrogates(range(first, last))
    match = re.fullmatch(rb"\\(?:u(?:[0-9a-fA-F]{0,3}|[0-9a-fA-F]{4}(\\(?:u([0-9a-fA-F]{0,4}))?)?))?", spelling)
    if match is None:
        return []
    units, low_units = _units(spelling[2:6]), _units(match[2] or b"")
    high = range(max(units.start, 0xD800), min(units.stop, 0xDC00))
    low = range(max(low_units.start, 0xDC00), min(low_units.stop, 0xE000))
    if match[1] is None:
        pairs = range(_pair(high.start, 0xDC00), _pair(high.stop, 0xDC00)) if high else range(0)
        return [*_without_surrogates(units), *filter(len, [pairs])]
    return [range(_pair(high.start, low.start), _pair(high.start, low.stop))] if high and low else []


def _utf8(point: int) -> bytes:
    return chr(point).encode("utf-8", "surrogatepass")


def _units(digits: bytes) -> range:
    """UTF-16 units whose four hexadecimal digits begin so."""
    return range(int(digits.ljust(4, b"0"), 16), int(digits.ljust(4, b"f"), 16) + 1)


def _pair(high: int, low: int) -> int:
    return 0x10000 + 0x400 * (high - 0xD800) + (low - 0xDC00)


def _without_surrogates(points: range) -> list[range]:
    below = range(points.start, min(points.stop, SURROGATES.start))
    above = range(max(points.start, SURROGATES.stop), points.stop)
    return [part for part in (below, above) if part]


@cache
def samples(spelling: bytes, words: tuple[str, ...], dfa: CharDfa | None) -> list[str]:
    """Characters that can complete one, of each kind that the words or the automaton tell apart at least one."""
    telling = {ord(char) for word in words for char in word}
    if dfa is not None:
        telling.update(dfa.starts.tolist())
    found = {point for part in completions(spelling) for point in (part[0], *(p for p in telling if p in part))}
    return [chr(point) for point in sorted(found)]


# ------------------------------------------------------------------------------------------------------------- strings
def walk(dfa: CharDfa, text: str) -> int | None:
    """State of an automaton after a text."""
    state = 0 if dfa.n_states else -1
    for char in text:
        interval = max(k for k, start in enumerate(dfa.starts) if start <= ord(char))
        state = int(dfa.trans[state, dfa.cls[interval]]) if state >= 0 else -1
    return state if state >= 0 else None


@cache
def reachable(dfa: CharDfa, state: int) -> list[int]:
    """The states that can follow a state, itself first."""
    found = [state]
    for each in found:  # grows while it is read
        found += [int(t) for t in dict.fromkeys(dfa.trans[each].tolist()) if t >= 0 and t not in found]
    return found


@cache
def _some_words(dfa: CharDfa, good: frozenset[int], start: int, most: int) -> list[str]:
    """Texts that lead from a state to one of some others: all of them, or at least so many.

    Level by level; of a level that grows too large, the texts that are nearest to their end are kept, and each of them
    leads to another word.
    """
    found: list[str] = []
    near = _distances(dfa, good)
    bounds = [*dfa.starts.tolist(), 0x110000]
    letters = [point for first, end in pairwise(bounds) for point in range(first, min(end, first + most))]
    level = [("", start)] if start in near else []
    while level and len(found) < most:
        found += [text for text, state in level if state in good]
        steps = ((text + chr(point), _follow(dfa, state, point)) for text, state in level for point in letters)
        level = sorted((step for step in steps if step[1] in near), key=lambda step: near[step[1]])[: 4 * most]
    return found


def _follow(dfa: CharDfa, state: int, point: int) -> int:
    """The state after one character, or -1."""
    return int(dfa.trans[state, dfa.cls[max(k for k, start in enumerate(dfa.starts) if start <= point)]])


@cache
def _distances(dfa: CharDfa, good: frozenset[int]) -> dict[int, int]:
    """The least number of characters to a good state, where there is one."""
    near = dict.fromkeys(good, 0)
    for distance in range(1, dfa.n_states + 1):
        for state in range(dfa.n_states):
            if state not in near and any(near.get(int(t), distance) < distance for t in dfa.trans[state] if t >= 0):
                near[state] = distance
    return near


def spells(string: String, text: str) -> bool:
    """Whether a string may have this text."""
    if string.words is not None and text not in string.words:
        return False
    if string.longest is not None and len(text) > string.longest:
        return False
    if string.dfa is not None:
        state = walk(string.dfa, text)
        return len(text) >= string.shortest and state is not None and bool(string.dfa.accept[state])
    return len(text) >= string.shortest


@lru_cache(maxsize=100_000)
def can_finish(string: String, text: str) -> bool:
    """Whether a string may have a text that begins so."""
    if string.words is not None:
        return any(word.startswith(text) for word in string.words)
    if string.longest is not None and len(text) > string.longest:
        return False
    if string.dfa is None:
        return True
    begun, length = walk(string.dfa, text), len(text)
    states = set() if begun is None else {begun}
    last = string.longest if string.longest is not None else max(string.shortest, length) + string.dfa.n_states
    while states and length <= last:
        if length >= string.shortest and any(string.dfa.accept[state] for state in states):
            return True
        states = {t for state in states for t in string.dfa.trans[state].tolist() if t >= 0}
        length += 1
    return False


# ------------------------------------------------------------------------------------------------------------- numbers
NUMBER_PREFIX = re.compile(r"-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:(?<=[0-9])[eE][+-]?[0-9]*)?)?")


@lru_cache(maxsize=100_000)
def number_is_alive(spec: NumberSpec | NumberList, text: str) -> bool:
    """Whether a number may begin so."""
    return NUMBER_PREFIX.fullmatch(text) is not None and number.is_alive(spec, text)


number_accepts = lru_cache(maxsize=100_000)(number.accepts)
