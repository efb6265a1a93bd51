"""From rule automata to records: a grammar of rules in one arena.

What a rule may be followed by is worked out for the whole grammar, as sets of bytes. Where a rule may end inside a run
of characters that changes nothing (an identifier, white space), it tells the run's own bytes from those that go on
behind it, so that the run is read from tables that no grammar owns (:mod:`detent.native.tables`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Mapping, Sequence
from hashlib import blake2b
from typing import cast
from weakref import ref

import numpy as np

from detent.grammar.dfa import CharDfa
from detent.grammar.errors import GrammarError
from detent.grammar.regular import Regular
from detent.grammar.rule_automata import RuleAutomata
from detent.grammar.rules import Call, Island, Token
from detent.native import arena as layout
from detent.native import calls, positions, states

from . import byte_sets
from .arena import Arena, Lowers
from .island import JsonIsland
from .lowering import JsonLowering, end_of_text


def islands_of(rules: RuleAutomata) -> list[JsonIsland]:
    """The schemas that a grammar calls.

    Raises
    ------
    GrammarError
        If other text could be read beside an object that may have names that are not listed: which keys a text has is
        followed beside its state, where it can be told what is a key.
    """
    found: dict[JsonIsland, None] = {}
    for rule in rules.automata.values():
        reads = byte_sets.reads(rule.dfa)
        by_state: dict[int, list[Regular]] = {}
        for state, symbol, _ in rule.calls:
            by_state.setdefault(state, []).append(symbol)
        for state, symbols in by_state.items():
            islands = [cast(JsonIsland, symbol.language) for symbol in symbols if isinstance(symbol, Island)]
            found.update(dict.fromkeys(islands))
            beside = any(isinstance(symbol, Call) for symbol in symbols) or reads[state, list(b'"[{')].any()
            if beside and any(island.has_free_names for island in islands):
                raise GrammarError(
                    "a JSON value stands where other text may begin like it, and its objects may have any names.",
                    keyword="json_schema",
                    hint="Set additionalProperties to false, or write a text before the value that tells them apart.",
                )
    return list(found)


class RuleLowering:
    """One grammar of rules in one arena, lowered as a whole; what its islands need later, they lower themselves.

    Attributes
    ----------
    start : int
        The state before the first byte.
    names_end : int
        As of :class:`JsonLowering`, shared by the islands.
    """

    def __init__(self, arena: Arena, rules: RuleAutomata) -> None:
        self.arena, self.rules = arena, rules
        self.names_end = arena.put([0, 2**31 - 1])
        self._islands: dict[Hashable, JsonLowering] = {}
        self._tokens: dict[int, int] = {}
        self._me: ref[Lowers] = ref(self)
        self._place_leaves()
        self._reads = {name: byte_sets.reads(rule.dfa) for name, rule in rules.automata.items()}
        self._add_called()
        numbers = self._place_rules(_followers(rules, self._reads))
        self.start = self._start(numbers)

    def _place_leaves(self) -> None:
        for rule in self.rules.automata.values():
            for _, symbol, _ in rule.calls:
                if isinstance(symbol, Island) and symbol.language not in self._islands:
                    island = cast(JsonIsland, symbol.language)
                    self._islands[island] = island.place(self.arena, self.names_end)
                elif isinstance(symbol, Token) and symbol.token not in self._tokens:
                    begin = self.arena.position(positions.K_TOKEN, symbol.token)
                    self._tokens[symbol.token] = self._publish([1, begin])

    def _publish(self, record: list[int]) -> int:
        """A goal that is written at once."""
        number = self.arena.reserve(self._me)
        self.arena.publish(number, self.arena.put(record))
        return number

    def _add_called(self) -> None:
        """Add to what each state reads what its calls begin with."""
        for name in sorted(self.rules.automata, key=self.rules.heights.__getitem__):
            for state, symbol, _ in self.rules.automata[name].calls:
                if state == 0:
                    self._reads[name][0] |= self._first(symbol)
        for name, rule in self.rules.automata.items():
            for state, symbol, _ in rule.calls:
                self._reads[name][state] |= self._first(symbol)

    def _first(self, symbol: object) -> byte_sets.Bytes:
        if isinstance(symbol, Call):
            return cast(byte_sets.Bytes, self._reads[symbol.rule][0])
        out = np.zeros(256, np.bool_)
        if isinstance(symbol, Island):
            out[list(cast(JsonIsland, symbol.language).first_bytes)] = True
        return out

    def _place_rules(self, followers: Mapping[str, byte_sets.Bytes]) -> dict[str, int]:
        """The number of the goal of each rule."""
        arena, rules = self.arena, self.rules.automata
        loops = {name: _loops(rules[name].dfa, rules[name].calls, followers[name]) for name in rules}
        digests = {name: self._digest(name, loops[name]) for name in rules}
        numbers: dict[str, int] = {}
        missing = []
        for name in rules:
            key = self._key(name, digests)
            found = None if key is None else arena.goals.get(key)
            if found is None:
                found = arena.reserve(self._me)
                missing.append(name)
                if key is not None:
                    arena.goals[key] = found
            numbers[name] = found
        for name in missing:
            table = [(state, self._goal(symbol, numbers), to) for state, symbol, to in rules[name].calls]
            spec = arena.text_spec(rules[name].dfa, loops[name], table, self.rules.heights[name])
            arena.publish(numbers[name], arena.put([1, arena.position(positions.K_TEXT, spec)]))
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
        parts = (rule.dfa.key, loops.tobytes(), repr(calls_of))
        return blake2b(repr(parts).encode(), digest_size=16).digest()

    def _key(self, name: str, digests: Mapping[str, bytes]) -> Hashable:
        """What tells the language of a rule from others of the arena: everything that it leads to, in one order.

        None where that holds an island, which belongs to one grammar.
        """
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

    def _owner(self, number: int) -> JsonLowering:
        return next(lowering for lowering in self._islands.values() if lowering.owns(number))


def _loops(dfa: CharDfa, calls_of: Sequence[tuple[int, object, int]], followers: byte_sets.Bytes) -> byte_sets.Bytes:
    """What each state may skip: nothing where it calls, and nothing that may follow the rule where that may end."""
    loops = byte_sets.stays(dfa)
    loops[[state for state, _, _ in calls_of]] = False
    loops[dfa.accept != 0] &= ~followers
    return loops


def _followers(rules: RuleAutomata, reads: Mapping[str, byte_sets.Bytes]) -> dict[str, byte_sets.Bytes]:
    """The bytes that may follow each rule somewhere: the least solution, O(rules * calls)."""
    found = {name: np.zeros(256, np.bool_) for name in rules.automata}
    ends: dict[str, set[str]] = {name: set() for name in rules.automata}  # rules behind whose last calls a rule may end
    for name, rule in rules.automata.items():
        for _, symbol, to in rule.calls:
            if isinstance(symbol, Call):
                if to >= 0:
                    found[symbol.rule] |= reads[name][to]
                if to < 0 or rule.dfa.accept[to]:
                    ends[name].add(symbol.rule)
    pending = list(rules.automata)
    while pending:
        name = pending.pop()
        for last in ends[name]:
            more = found[last] | found[name]
            if (more != found[last]).any():
                found[last] = more
                pending.append(last)
    return found
