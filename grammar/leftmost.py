r"""Python patterns as sets of texts, the way :func:`re.match` reads them: the texts that a match from their start
covers.

That is not always the regular language that one reads. The first alternative after which the rest matches is taken, so
``\+|\+[1-9]`` is ``+`` alone, and a lazy ``".*?"`` ends at the first quote. It is what Lark's Earley parser with the
lexer ``dynamic_complete`` takes as a terminal: all beginnings of the match at a place that are themselves such texts.

An *ordered* simulation decides it (Cox, Regular Expression Matching: the Virtual Machine Approach, 2009; threads in the
order in which a backtracking matcher would try them). A state is the list of threads, cut behind the first that
accepts; a text belongs to the language when the list behind it holds one that accepts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from re import _compiler, _constants, _parser  # type: ignore[attr-defined]
from typing import Any

import numpy as np

from ..native.minimise import minimise
from . import charset
from .charset import CharSet
from .dfa import CharDfa, _canonical
from .errors import GrammarError, LimitExceeded, Unenforceable

MAX_STATES, MAX_CODE = 10_000, 100_000
CHARS, SPLIT, BEHIND, MATCH = range(4)
_SINGLE = {_constants.LITERAL, _constants.NOT_LITERAL, _constants.ANY, _constants.IN}
_REPEATS = {_constants.MAX_REPEAT, _constants.MIN_REPEAT}
Row = tuple[int, Any, Any]


@lru_cache(maxsize=1024)
def language(pattern: str, *, max_states: int = MAX_STATES) -> CharDfa:
    """Automaton of the texts that :func:`re.match` covers from the first character to the last.

    Raises
    ------
    GrammarError
        The pattern is not valid.
    Unenforceable
        It looks beyond its own match, or has back-references, atomic groups or possessive repetitions.
    LimitExceeded
        ``regex_states``.

    Examples
    --------
    >>> dfa = language(r"\\+|\\+[1-9]")
    >>> dfa.accepts("+"), dfa.accepts("+2")
    (True, False)
    """
    try:
        tree = _parser.parse(pattern)
    except re.error as error:
        raise GrammarError(f"not a pattern of Python: {error}", keyword=pattern) from None
    program = _Program(pattern, tree)
    return _determinise(program, max_states)


class _Program:
    """Instructions (CHARS, set, next), (SPLIT, first, second), (BEHIND, (set, wanted), next), (MATCH, 0, 0).

    Code is made from its end, each node in front of what follows it. A node that can be empty inside a repetition gets
    a second place to go on, for when it read nothing: `re` leaves a repetition after an empty round.
    """

    def __init__(self, pattern: str, tree: Any) -> None:
        self.pattern, self.flags = pattern, tree.state.flags
        self.code: list[Row] = []
        self.sets: dict[CharSet, int] = {}
        end = self._put(MATCH)
        self.start = self._sequence(list(tree), end, end, self.flags)

    def _put(self, op: int, a: Any = 0, b: Any = 0) -> int:
        if len(self.code) >= MAX_CODE:
            raise LimitExceeded("regex_states", len(self.code) + 1, MAX_CODE, keyword=self.pattern)
        self.code.append((op, a, b))
        return len(self.code) - 1

    def _refuse(self, what: Any) -> Unenforceable:
        return Unenforceable(f"{str(what).lower()} in a terminal that is read without a lexer", keyword=self.pattern)

    def _number(self, points: CharSet) -> int:
        return self.sets.setdefault(points, len(self.sets))

    def _sequence(self, nodes: list[Any], read: int, empty: int, flags: int) -> int:
        """Code of nodes; it goes on at `read`, or at `empty` when nothing was read. Returns where it begins."""
        for node in reversed(nodes):
            if _least(node):
                read = empty = self._node(node, read, read, flags)
            else:  # with something read before it or not, this node may be passed over
                same = read == empty
                begin = self._node(node, read, empty, flags)
                read = begin if same else self._node(node, read, read, flags)
                empty = begin
        return empty

    def _node(self, node: Any, read: int, empty: int, flags: int) -> int:
        op, value = node
        if op in _SINGLE:
            return self._put(CHARS, self._number(_characters(node, flags)), read)
        if op is _constants.SUBPATTERN:
            _, add, remove, inner = value
            return self._sequence(list(inner), read, empty, (flags | add) & ~remove)
        if op is _constants.BRANCH:
            begin = -1
            for branch in reversed(value[1]):
                at = self._sequence(list(branch), read, empty, flags)
                begin = at if begin < 0 else self._put(SPLIT, at, begin)
            return begin
        if op in _REPEATS:
            return self._repeat(op is _constants.MAX_REPEAT, value, read, empty, flags)
        if op in (_constants.ASSERT, _constants.ASSERT_NOT) and value[0] < 0:
            inner = list(value[1])
            if len(inner) == 1 and inner[0][0] in _SINGLE:
                wanted = op is _constants.ASSERT
                return self._put(BEHIND, (self._number(_characters(inner[0], flags)), wanted), empty)
        raise self._refuse(op)

    def _repeat(self, greedy: bool, value: Any, read: int, empty: int, flags: int) -> int:
        low, high, inner = value
        nodes = list(inner)

        def fork(into: int, past: int) -> int:
            return self._put(SPLIT, into, past) if greedy else self._put(SPLIT, past, into)

        if high is _constants.MAXREPEAT:
            loop = self._put(SPLIT, -1, -1)
            into = self._sequence(nodes, loop, read, flags)
            self.code[loop] = (SPLIT, into, read) if greedy else (SPLIT, read, into)
            read_on, empty_on = loop, fork(self._sequence(nodes, loop, empty, flags), empty)
        else:
            read_on, empty_on = read, empty
            for _ in range(high - low):
                inside = self._sequence(nodes, read_on, read, flags)
                first = self._sequence(nodes, read_on, empty, flags) if read != empty else inside
                read_on, empty_on = fork(inside, read), fork(first, empty)
        for _ in range(low):
            first = self._sequence(nodes, read_on, empty_on, flags)
            read_on = self._sequence(nodes, read_on, read_on, flags) if read_on != empty_on else first
            empty_on = first
        return empty_on


def _least(node: Any) -> int:
    """Fewest characters of a node, as `re` counts them."""
    op, value = node
    if op in _SINGLE:
        return 1
    if op is _constants.SUBPATTERN:
        return int(value[3].getwidth()[0])
    if op is _constants.BRANCH:
        return int(min(branch.getwidth()[0] for branch in value[1]))
    if op in _REPEATS:
        return int(value[0] * value[2].getwidth()[0])
    return 0


def _characters(node: Any, flags: int) -> CharSet:
    """The characters that a node of one character matches."""
    op, value = node
    if op is _constants.LITERAL and not flags & re.IGNORECASE:
        return charset.interval(value, value)
    if op is _constants.ANY:
        return charset.ANY if flags & re.DOTALL else charset.complement(charset.of("\n"))
    if op is _constants.NOT_LITERAL and not flags & re.IGNORECASE:
        return charset.complement(charset.interval(value, value))
    if op is _constants.IN and not flags & re.IGNORECASE:
        parts, negated = [], False
        for kind, item in value:
            if kind is _constants.NEGATE:
                negated = True
            elif kind is _constants.LITERAL:
                parts.append(charset.interval(item, item))
            elif kind is _constants.RANGE:
                parts.append(charset.interval(*item))
            else:
                return _asked(repr(node), node, flags)
        points = charset.union(charset.NONE, *parts)
        return charset.complement(points) if negated else points
    return _asked(repr(node), node, flags)


_ASKED: dict[tuple[str, int], CharSet] = {}


def _asked(key: str, node: Any, flags: int) -> CharSet:
    """The same by asking `re` of every character: for classes of Unicode, and letters of either case."""
    flags &= re.IGNORECASE | re.ASCII | re.UNICODE
    if (key, flags) not in _ASKED:
        state = _parser.State()
        state.flags, state.str = flags, ""
        run = (_constants.MAX_REPEAT, (1, _constants.MAXREPEAT, _parser.SubPattern(state, [node])))
        searcher = _compiler.compile(_parser.SubPattern(state, [run]), flags)
        every = "".join(map(chr, (*range(0xD800), *range(0xE000, charset.END))))
        gap = 0x800  # surrogates, which are no characters of a text
        points = [p + gap * (p >= 0xD800) for match in searcher.finditer(every) for p in match.span()]
        points = [p - gap * (p == 0xE000 and i & 1) for i, p in enumerate(points)]
        _ASKED[key, flags] = charset.intersection(charset.ANY, tuple(points))
    return _ASKED[key, flags]


def _determinise(program: _Program, max_states: int) -> CharDfa:
    """Ordered subset construction; where the pattern looks behind, the class of the last character is part of a
    state."""
    starts, cls, member = charset.partition(list(program.sets))
    n_classes = max(cls) + 1
    real = [c for s, c in zip(starts, cls, strict=True) if not 0xD800 <= s < 0xE000]
    classes = sorted(set(real))
    looks = any(op == BEHIND for op, _, _ in program.code)
    follow = _follower(program, member)
    first = (follow((program.start,), -1), -1)
    number, states = {first: 0}, [first]
    trans: list[list[int]] = []
    for threads, _last in states:
        row = [-1] * n_classes
        for c in classes:
            moved = tuple(program.code[i][2] for i in threads if i >= 0 and member[program.code[i][1]][c])
            found = (follow(moved, c), c if looks else -1)
            if found[0]:
                row[c] = number.setdefault(found, len(number))
                if row[c] == len(states):
                    states.append(found)
                    if len(states) > max_states:
                        raise LimitExceeded("regex_states", len(states), max_states, keyword=program.pattern)
        trans.append(row)
    accept = np.array([-1 in threads for threads, _ in states], np.int32)
    table = np.array(trans, np.int32).reshape(len(states), n_classes)
    return _canonical(np.array(starts, np.int32), np.array(cls, np.int32), *minimise(table, accept))[0]


def _follower(program: _Program, member: list[list[int]]) -> Callable[[tuple[int, ...], int], tuple[int, ...]]:
    """The threads that read a character (-1: one that accepts, then the last) in order, from places in the code."""
    code = program.code

    def follow(places: tuple[int, ...], last: int) -> tuple[int, ...]:
        seen: set[int] = set()
        out: list[int] = []
        stack = list(reversed(places))
        while stack:
            at = stack.pop()
            if at in seen:
                continue
            seen.add(at)
            op, a, b = code[at]
            if op == MATCH:
                return (*out, -1)
            if op == CHARS:
                out.append(at)
            elif op == SPLIT:
                stack += (b, a)
            else:
                points, wanted = a
                if last < 0:
                    raise program._refuse("a look behind the start")
                if bool(member[points][last]) == wanted:
                    stack.append(b)
        return tuple(out)

    return follow
