"""From rule automata to records: a grammar of rules in one arena.

What a rule may be followed by is worked out for the whole grammar, as sets of bytes. Where a rule may end inside a run
of characters that changes nothing (an identifier, white space), it tells the run's own bytes from those that go on
behind it, so that the run is read from tables that no grammar owns (:mod:`detent.native.tables`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Protocol, cast
from weakref import ref

import numpy as np

from detent.grammar.dfa import CharDfa
from detent.grammar.errors import GrammarError
from detent.grammar.rule_automata import RuleAutomata
from detent.grammar.rules import Call, Island, Token
from detent.native import arena as layout
from detent.native import calls, positions, states

from . import byte_sets
from .arena import Arena, Lowers
from .island import JsonIsland
from .lowering import Lowering, end_of_text

MAX_SHARED = 500  # rules of a grammar up to which their tables are shared with other grammars


class Inside(Protocol):
    """Another specification inside a grammar, called like a rule."""

    has_free_names: bool
    has_json: bool
    first_bytes: bytes

    def place(self, arena: Arena, names_end: int, followers: frozenset[int]) -> Lowering:
        """Its lowering in an arena; ``names_end`` as of :class:`JsonLowering`, and the bytes that may follow a text."""


@dataclass(frozen=True, eq=False)
class RuleIsland:
    """A grammar of rules inside another one.

    Attributes
    ----------
    rules : RuleAutomata
    """

    rules: RuleAutomata

    @property
    def is_nullable(self) -> bool:
        """Whether the empty text belongs to it."""
        return self.rules.is_nullable

    @cached_property
    def islands(self) -> list[Inside]:
        """The specifications in it."""
        return islands_of(self.rules)

    @property
    def has_free_names(self) -> bool:
        """Whether an object in it may have names that are not listed."""
        return any(island.has_free_names for island in self.islands)

    @property
    def has_json(self) -> bool:
        """Whether its texts can hold JSON values."""
        return bool(self.islands)

    @cached_property
    def first_bytes(self) -> bytes:
        """The bytes that its texts can begin with."""
        return bytes(np.flatnonzero(_reads(self.rules)[self.rules.start][0]).tolist()) if self.rules.automata else b""

    def place(self, arena: Arena, names_end: int, followers: frozenset[int]) -> RuleLowering:
        """Its lowering in an arena, as of :class:`Inside`."""
        return RuleLowering(arena, self.rules, names_end, followers)


def islands_of(rules: RuleAutomata) -> list[Inside]:
    """The other specifications that a grammar calls.

    Raises
    ------
    GrammarError
        If other text could be read beside an object that may have names that are not listed: which keys a text has is
        followed beside its state, where it can be told what is a key.
    """
    found: dict[Inside, None] = {}
    reads = _reads(rules)
    for rule in rules.automata.values():
        islands: dict[int, list[Inside]] = {}
        others = set()
        for state, symbol, _ in rule.calls:
            if isinstance(symbol, Island):
                islands.setdefault(state, []).append(cast(Inside, symbol.language))
            is_json = isinstance(symbol, Island) and isinstance(symbol.language, JsonIsland)
            if not is_json and _first(symbol, reads)[list(b'"[{ \t\r\n')].any():
                others.add(state)
        if not islands:
            continue
        others.update(np.flatnonzero(byte_sets.reads(rule.dfa)[:, list(b'"[{')].any(axis=1)).tolist())
        for state, called in islands.items():
            found.update(dict.fromkeys(called))
            is_open = any(island.has_free_names and isinstance(island, JsonIsland) for island in called)
            if is_open and others & _behind_spaces(rule.dfa, state):
                raise GrammarError(
                    "a JSON value stands where other text may begin like it, and its objects may have any names.",
                    keyword="json_schema",
                    hint="Set additionalProperties to false, or write a text before the value that tells them apart.",
                )
    return list(found)


def _behind_spaces(dfa: CharDfa, state: int) -> set[int]:
    """A state, and those that white space leads to from there, which may come before a JSON value as well."""
    reached, pending = {state}, [state]
    columns = set(dfa.classes(" \t\r\n"))
    while pending:
        row = dfa.trans[pending.pop()].tolist()
        more = {row[c] for c in columns if row[c] >= 0} - reached
        reached |= more
        pending += more
    return reached


class RuleLowering:
    """One grammar of rules in one arena, lowered as a whole; what its islands need later, they lower themselves.

    Attributes
    ----------
    start : int
        The state before the first byte.
    names_end : int
        As of :class:`JsonLowering`, shared by the islands.
    """

    def __init__(
        self, arena: Arena, rules: RuleAutomata, names_end: int | None = None, followers: frozenset[int] = frozenset()
    ) -> None:
        self.arena, self.rules = arena, rules
        self.names_end = arena.put([0, 2**31 - 1]) if names_end is None else names_end
        self._islands: dict[Hashable, Lowering] = {}
        self._tokens: dict[int, int] = {}
        self._me: ref[Lowers] = ref(self)
        reads = _reads(rules)
        behind = _behind(rules, _followers(rules, reads, followers))
        self._place_leaves(reads, behind)
        numbers = self._place_rules(behind)
        self.root = numbers.get(rules.start, 0)
        self.start = self._start(numbers)

    def _place_leaves(self, reads: Mapping[str, byte_sets.Bytes], behind: Mapping[str, byte_sets.Bytes]) -> None:
        islands: dict[Hashable, byte_sets.Bytes] = {}
        for name, rule in self.rules.automata.items():
            for _, symbol, to in rule.calls:
                if isinstance(symbol, Island):
                    found = islands.setdefault(symbol.language, np.zeros(256, np.bool_))
                    found |= reads[name][to] | behind[name][to] if to >= 0 else behind[name].any(axis=0)
                elif isinstance(symbol, Token) and symbol.token not in self._tokens:
                    begin = self.arena.position(positions.K_TOKEN, symbol.token)
                    self._tokens[symbol.token] = self._publish([1, begin])
        for language, found in islands.items():
            followers = frozenset(np.flatnonzero(found).tolist())
            self._islands[language] = cast(Inside, language).place(self.arena, self.names_end, followers)

    def _publish(self, record: list[int]) -> int:
        """A goal that is written at once."""
        number = self.arena.reserve(self._me)
        self.arena.publish(number, self.arena.put(record))
        return number

    def _place_rules(self, followers: Mapping[str, byte_sets.Bytes]) -> dict[str, int]:
        """The number of the goal of each rule."""
        arena, rules = self.arena, self.rules.automata
        loops = {name: _loops(rules[name].dfa, rules[name].calls, followers[name]) for name in rules}
        digests = {name: self._digest(name, loops[name]) for name in rules}
        numbers: dict[str, int] = {}
        missing: dict[str, Hashable] = {}
        for name in rules:
            key = self._key(name, digests)
            found = None if key is None else arena.goals.get(key)
            if found is None:
                found = arena.reserve(self._me)
                missing[name] = key
            numbers[name] = found
        for name in missing:
            table = [(state, self._goal(symbol, numbers), to) for state, symbol, to in rules[name].calls]
            rule, height = rules[name], self.rules.heights[name]
            exits = rule.exits_of if rule.exits else ()
            spec = arena.text_spec(rule.dfa, loops[name], table, height, exits=exits, returns=rule.returns_of)
            arena.publish(numbers[name], arena.put([1, arena.position(positions.K_TEXT, spec)]))
        # others may use them when all are written
        arena.goals.update({key: numbers[name] for name, key in missing.items() if key is not None})
        return numbers

    def _goal(self, symbol: object, numbers: Mapping[str, int]) -> int:
        if isinstance(symbol, Call):
            return numbers[symbol.rule]
        return (
            self._tokens[symbol.token]
            if isinstance(symbol, Token)
            else self._islands[cast(Island, symbol).language].root
        )

    def _digest(self, name: str, loops: byte_sets.Bytes) -> bytes:
        """What tells a rule from others, but for which rules it calls."""
        rule = self.rules.automata[name]
        calls_of = [(state, repr(symbol) if isinstance(symbol, Token) else "", to) for state, symbol, to in rule.calls]
        parts = (rule.dfa.key, loops.tobytes(), repr(calls_of), rule.exits, rule.returns)
        return blake2b(repr(parts).encode(), digest_size=16).digest()

    def _key(self, name: str, digests: Mapping[str, bytes]) -> Hashable:
        """What tells the language of a rule from others of the arena: everything that it leads to, in one order.

        None where that holds an island, which belongs to one grammar, and in very large grammars: O(rules).
        """
        if len(digests) > MAX_SHARED:
            return None
        order, pending, parts = {name: 0}, deque([name]), []
        while pending:
            rule = pending.popleft()
            targets = []
            for _, symbol, _ in self.rules.automata[rule].calls:
                if isinstance(symbol, Island):
                    return None
                if isinstance(symbol, Call):
                    if symbol.rule not in order:
                        order[symbol.rule] = len(order)
                        pending.append(symbol.rule)
                    targets.append(order[symbol.rule])
            parts.append((digests[rule], tuple(targets)))
        return "rule", tuple(parts)

    def _start(self, numbers: Mapping[str, int]) -> int:
        end = end_of_text(self.arena)
        if not numbers:
            return end
        A = self.arena.A
        begin = int(A[int(A[layout.LAZY]) + numbers[self.rules.start]])
        states.put_item(A, int(A[begin + 1]), end)
        if self.rules.is_nullable:
            states.emit_state(A, end)
        calls.expand(A, 0)
        state = int(states.close_buffer(A, 0))
        if state <= 0:
            self.arena.full()
        return state

    def lower(self, number: int) -> None:
        """Never asked for."""
        raise AssertionError(number)

    def after_value(self, number: int, value: object) -> int:
        """See :class:`Lowering`: the one island that has this array knows."""
        return self._owner(number).after_value(number, value)

    def has_seen(self, number: int, value: object) -> bool:
        """See :class:`Lowering`."""
        return self._owner(number).has_seen(number, value)

    def owns(self, number: int) -> bool:
        """See :class:`Lowering`."""
        return any(lowering.owns(number) for lowering in self._islands.values())

    def _owner(self, number: int) -> Lowering:
        return next(lowering for lowering in self._islands.values() if lowering.owns(number))


def _reads(rules: RuleAutomata) -> dict[str, byte_sets.Bytes]:
    """The bytes that each state of each rule reads, those that its calls begin with among them."""
    found = {name: byte_sets.reads(rule.dfa) for name, rule in rules.automata.items()}
    for name in sorted(rules.automata, key=rules.heights.__getitem__):
        for state, symbol, _ in rules.automata[name].calls:
            if state == 0:
                found[name][0] |= _first(symbol, found)
    for name, rule in rules.automata.items():
        for state, symbol, _ in rule.calls:
            found[name][state] |= _first(symbol, found)
    return found


def _first(symbol: object, reads: Mapping[str, byte_sets.Bytes]) -> byte_sets.Bytes:
    if isinstance(symbol, Call):
        return cast(byte_sets.Bytes, reads[symbol.rule][0])
    out = np.zeros(256, np.bool_)
    if isinstance(symbol, Island):
        out[list(cast(Inside, symbol.language).first_bytes)] = True
    return out


def _loops(dfa: CharDfa, calls_of: Sequence[tuple[int, object, int]], behind: byte_sets.Bytes) -> byte_sets.Bytes:
    """What each state may skip: nothing where it calls, and nothing that may follow the rule where that may end."""
    loops = byte_sets.stays(dfa)
    loops[[state for state, _, _ in calls_of]] = False
    return loops & ~behind


def _behind(rules: RuleAutomata, followers: Mapping[tuple[str, int], byte_sets.Bytes]) -> dict[str, byte_sets.Bytes]:
    """Of each state of each rule the bytes that may follow the rule if it ends there."""
    found = {}
    for name, rule in rules.automata.items():
        found[name] = np.zeros((rule.dfa.n_states, 256), np.bool_)
        for state, exits in enumerate(rule.exits_of):
            for exit in exits:
                found[name][state] |= followers[name, exit]
    return found


def _followers(
    rules: RuleAutomata, reads: Mapping[str, byte_sets.Bytes], outside: frozenset[int]
) -> dict[tuple[str, int], byte_sets.Bytes]:
    """The bytes that may follow each rule that ends by an exit (0: just ends) somewhere: the least solution.

    O(exits * calls).
    """
    exits = {name: {exit: None for row in rule.exits_of for exit in row} for name, rule in rules.automata.items()}
    found = {(name, exit): np.zeros(256, np.bool_) for name in exits for exit in exits[name]}
    if rules.start in exits:
        found[rules.start, 0][list(outside)] = True
    # exits of rules behind whose last calls a rule may end
    ends: dict[tuple[str, int], set[tuple[str, int]]] = {end: set() for end in found}
    for name, rule in rules.automata.items():
        for _, symbol, to in rule.calls:
            if not isinstance(symbol, Call):
                continue
            if to < 0:
                for exit in exits[symbol.rule]:
                    ends[name, exit].add((symbol.rule, exit))
            for exit, then in rule.returns_of.get(to, [(0, to)] if to >= 0 else []):
                if (symbol.rule, exit) in found:
                    found[symbol.rule, exit] |= reads[name][then]
                    for own in rule.exits_of[then]:
                        ends[name, own].add((symbol.rule, exit))
    pending = list(found)
    while pending:
        end = pending.pop()
        for last in ends[end]:
            more = found[last] | found[end]
            if (more != found[last]).any():
                found[last] = more
                pending.append(last)
    return found
