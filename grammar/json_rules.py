"""JSON Schema and patterns as context-free rules, for what reads texts by rules: only schemas whose texts are
context-free.

Objects have their listed names in the order of the schema (``order="fixed"`` elsewhere), and no others: that names must
differ is not context-free, so a schema that lets an object have any name is refused. So are bounds of numbers beyond
short ranges of integers, multiples, and members that depend on each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import reduce
from typing import Any

from . import charset, dfa, regex
from .charset import CharSet
from .errors import Unenforceable
from .json_schema import Array, Goal, Goals, Literal, Number, Object, String, Value
from .json_schema.conflicts import conflict
from .json_schema.document import Document
from .json_schema.reader import Reader
from .number import NumberSpec
from .number_list import NumberList
from .regular import EPSILON, Regular, alt, chars, repeat, seq
from .rules import Rules, call, language
from .text_set import TextSet

MAX_NODES, MAX_STATES, MAX_BRANCHES, MAX_DEPTH = 10_000, 10_000, 1_000, 120
MAX_INTEGERS = 20_000  # of a range that is written out
MAX_TEXT_STATES = 500  # of an automaton over the characters of a string


def read_regex(pattern: str) -> Rules:
    """Rules of the texts that an ECMA-262 pattern matches from start to end."""
    return Rules({"start": language(dfa.compile(regex.parse(pattern, anchored=True)))}, "start")


def read_json_schema(schema: Any) -> Rules:
    """Rules of the texts that a JSON Schema accepts, with their names in its order and integers as digits alone.

    Parameters
    ----------
    schema : dict or bool

    Raises
    ------
    Unenforceable
        The texts are not context-free, or not in a way that is known here.
    Unsatisfiable
        No value meets the schema.
    """
    reader = Reader(
        Document(schema),
        format_assertion=True,
        strict=True,
        plain_integers=True,
        max_nodes=MAX_NODES,
        max_dfa_states=MAX_STATES,
    )
    root_node = reader.read()
    goals = _goals_of(reader)
    root = goals.goal([root_node])
    if not goals.satisfiable(root):
        raise conflict(reader, _goals_of)
    return _Reading(goals, root).rules()


def _goals_of(reader: Reader) -> Goals:
    return Goals(reader, max_branches=MAX_BRANCHES, max_depth=MAX_DEPTH)


def _text(text: str) -> Regular:
    return seq(*(chars(charset.of(char)) for char in text))


_SPACE = repeat(chars(charset.of(" \t\n\r")), 0, None)
_HEX = [charset.of(f"{digit:x}{digit:X}") for digit in range(16)]
_ESCAPED = {8: "b", 9: "t", 10: "n", 12: "f", 13: "r", 34: '"', 47: "/", 92: "\\"}
_RAW = charset.intersection(charset.ANY, charset.complement(charset.union(charset.interval(0, 31), charset.of('"\\'))))
_INTEGER = r"-?(0|[1-9][0-9]*)"


class _Reading:
    """Goals on their way to rules: each goal is one, and each rest of an object."""

    def __init__(self, goals: Goals, root: Goal) -> None:
        self.goals, self.root = goals, root
        self.bodies: dict[str, Regular] = {}
        self.names: dict[Goal, str] = {}
        self.pending: list[Goal] = []

    def rules(self) -> Rules:
        start = seq(_SPACE, self._goal(self.root))
        while self.pending:
            goal = self.pending.pop()
            self.bodies[self.names[goal]] = alt(*(seq(self._value(v, goal), _SPACE) for v in self.goals.values(goal)))
        return Rules({"start": start, **self.bodies}, "start")

    def _goal(self, goal: Goal) -> Regular:
        """A value with white space behind it."""
        if goal not in self.names:
            self.names[goal] = f"value {len(self.names)}"
            self.pending.append(goal)
        return call(self.names[goal])

    def _value(self, value: Value, goal: Goal) -> Regular:
        if isinstance(value, Literal):
            return _text(value.text)
        if isinstance(value, Number):
            return _number(value.spec, goal)
        if isinstance(value, String):
            return self._string(value, goal)
        return self._object(value, goal) if isinstance(value, Object) else self._array(value, goal)

    def _string(self, value: String, goal: Goal) -> Regular:
        quote = _text('"')
        if value.words is not None:
            spelled = [seq(*(_spelled(charset.of(char)) for char in word)) for word in value.words]
            return seq(quote, alt(*spelled), quote)
        if value.dfa is None and not value.avoid:
            return seq(quote, repeat(_spelled(charset.ANY), value.shortest, value.longest), quote)
        texts = TextSet.of(value.dfa, value.shortest, value.longest) & ~TextSet.words(value.avoid)
        automaton = texts.automaton()
        if automaton.n_states > MAX_TEXT_STATES:
            raise _refused(f"a string of an automaton of {automaton.n_states} states", goal)
        prefix = f"text {len(self.bodies)} of {self.names[goal]} "
        for state, row in enumerate(automaton.trans.tolist()):
            ways = [EPSILON] if automaton.accept[state] else []
            for target in sorted({t for t in row if t >= 0}):
                points = charset.union(*(s for s, t in zip(automaton.class_sets, row, strict=True) if t == target))
                ways.append(seq(_spelled(points), call(f"{prefix}{target}")))
            self.bodies[f"{prefix}{state}"] = alt(*ways)
        return seq(quote, call(f"{prefix}0"), quote)

    def _array(self, value: Array, goal: Goal) -> Regular:
        if value.frame is not None:
            raise _refused("items that depend on each other", goal)
        comma = seq(_text(","), _SPACE)
        low, high = value.shortest, value.longest
        head = value.prefix if high is None else value.prefix[:high]
        live = [self.goals.satisfiable(item) for item in head]
        if False in live:
            head, high = head[: live.index(False)], live.index(False)
        tail: Regular = EPSILON
        if (high is None or high > len(head)) and self.goals.satisfiable(value.rest):
            most = None if high is None else high - len(head)
            item = self._goal(value.rest)
            if not head:
                more = repeat(seq(comma, item), max(low - 1, 0), None if most is None else most - 1)
                tail = alt(*([EPSILON] if low == 0 else []), seq(item, more))
            else:
                tail = repeat(seq(comma, item), max(low - len(head), 0), most)
        for k in reversed(range(len(head))):
            tail = seq(*([comma] if k else []), self._goal(head[k]), tail)
            tail = tail if k < low else alt(EPSILON, tail)
        return seq(_text("["), _SPACE, tail, _text("]"))

    def _object(self, value: Object, goal: Goal) -> Regular:
        if value.frame is not None:
            raise _refused("members that depend on each other", goal)
        if value.patterns is not None or value.extra or (value.free is not None and self.goals.satisfiable(value.free)):
            hint = "Say additionalProperties: false."
            raise _refused("an object with names that are not listed: they must differ", goal, hint)
        members = [(n, g) for n, g in value.names if n in value.required or self.goals.satisfiable(g)]
        if value.fewest > len(value.required) or (value.most is not None and value.most < len(members)):
            raise _refused("a number of members", goal)
        comma = seq(_text(","), _SPACE)
        written = [
            seq(self._string(String(words=(n,)), goal), _SPACE, _text(":"), _SPACE, self._goal(g)) for n, g in members
        ]
        first: Regular = EPSILON
        more: Regular = EPSILON  # what follows a member
        for k in reversed(range(len(members))):
            due = members[k][0] in value.required
            first = seq(written[k], more) if due else alt(seq(written[k], more), first)
            name = f"members {k} of {self.names[goal]} {len(self.bodies)}"
            self.bodies[name] = seq(repeat(seq(comma, written[k]), int(due), 1), more)
            more = call(name)
        return seq(_text("{"), _SPACE, first, _text("}"))


def _refused(what: str, goal: Goal, hint: str | None = None) -> Unenforceable:
    return Unenforceable(f"{what}, in a text with gaps", pointer=goal.pointer, hint=hint)


def _number(spec: NumberSpec | NumberList, goal: Goal) -> Regular:
    if isinstance(spec, NumberList):
        if any(len(digits) > q for _, digits, q in spec.entries if digits):
            raise _refused("a number that is no integer", goal)
        return _integers(map(int, spec.values))
    if spec in (NumberSpec(), NumberSpec(lexical_integer=True), NumberSpec(lexical_integer=True, integer=True)):
        pattern = _INTEGER + ("" if spec.lexical_integer else r"(\.[0-9]+)?([eE][+-]?[0-9]+)?")
        return language(dfa.compile(regex.parse(pattern, anchored=True)))
    if spec.lo is not None and spec.hi is not None and (spec.lexical_integer or spec.lo == spec.hi):
        integers = range(int(spec.lo) - 1, int(spec.hi) + 2)
        if len(integers) <= MAX_INTEGERS:
            found = [i for i in integers if spec.admits(i)]
            if not found:
                raise _refused("a number that is no integer", goal)
            return _integers(found)
    raise _refused("bounds or multiples of a number", goal)


def _integers(found: Iterable[int]) -> Regular:
    """Some integers, written as digits."""
    words = [*map(str, found)]
    return language(dfa.from_words(words + ["-0"] * ("0" in words)))


def _spelled(points: CharSet) -> Regular:
    """One character of a set as JSON spells it in a string: raw, or with any of its escapes."""
    ways = [chars(charset.intersection(points, _RAW))]
    short = [char for point, char in _ESCAPED.items() if charset.contains(points, point)]
    if short:
        ways.append(seq(_text("\\"), chars(charset.of("".join(short)))))
    hexed = [
        seq(*(seq(_text("\\u"), *(_digits(*span) for span in unit)) for unit in units))
        for low, end in zip(points[::2], points[1::2], strict=True)
        for units in _utf16(low, end - 1)
    ]
    return alt(*ways, *hexed)


def _digits(low: int, high: int) -> Regular:
    return chars(reduce(charset.union, _HEX[low : high + 1]))


Unit = tuple[tuple[int, int], ...]  # ranges of four hexadecimal digits


def _utf16(low: int, high: int) -> Iterator[tuple[Unit, ...]]:
    """Sequences of code units that spell the characters of a range."""
    if low <= 0xFFFF < high:
        yield from _utf16(low, 0xFFFF)
        yield from _utf16(0x10000, high)
    elif high <= 0xFFFF:
        yield from ((unit,) for unit in _four_digits(low, high))
    else:
        (first, start), (last, stop) = divmod(low - 0x10000, 0x400), divmod(high - 0x10000, 0x400)
        spans = (
            [(first, first, start, stop)] if first == last else [(first, first, start, 0x3FF), (last, last, 0, stop)]
        )
        if last - first > 1:
            spans.append((first + 1, last - 1, 0, 0x3FF))
        for a, b, c, d in spans:
            for lead in _four_digits(0xD800 + a, 0xD800 + b):
                yield from ((lead, trail) for trail in _four_digits(0xDC00 + c, 0xDC00 + d))


def _four_digits(low: int, high: int) -> Iterator[Unit]:
    for first, last in charset.split_digits(low, high, (4, 8, 12)):
        yield tuple((first >> shift & 15, last >> shift & 15) for shift in (12, 8, 4, 0))
