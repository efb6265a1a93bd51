"""From rules to rule automata: the form that the engine runs.

The automaton of a rule reads characters and *calls*: a call reads a text of another rule and goes on in a state of its
own. Every rule automaton reads the rule's texts without the empty one; where the empty text matters, the call can be
passed by. The language stays what it was; the way there is free, since no tree of a text is ever built:

* rules without recursion that are small are written out where they are called;
* **left recursion**, which would call without end, is turned into loops by the left-corner construction (Rosenkrantz
  and Lewis 1970, as automata). Let C be a set of rules that begin with each other. A text of A in C begins with
  something of a rule of C that is no call of C; from there on, whenever a B of C has been read, and some rule D of C
  can begin with B, the text may go on behind that B towards a D that has been read. The states "a B has been read" are
  the ends of the bodies, so nothing is added but edges: the size is that of C for each of its rules;
* where a rule calls itself and is complete afterwards, what follows the inner text is what follows the outer one, so
  the call is a jump to the start (if f is the only end, texts are the ways from the start to f, and a text followed by
  a way from f to f is such a way again). So ``S: S S | a`` and ``E: E "+" E`` become loops, ambiguous as they are, and
  right recursion, too. Other calls with nothing behind them are marked: they take their caller's place.

Then the automata are made deterministic, calls being letters beside the characters, and minimal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..native import dfa as kernels
from ..native.minimise import canonical, minimise
from . import charset
from .charset import CharSet
from .dfa import I32, SIZE_PER_STATE, CharDfa
from .errors import LimitExceeded
from .program import ACCEPT, LENGTH_PER_STATE, SPLIT
from .regular import EMPTY, Alt, Chars, Regular, Repeat, Seq, alt, repeat, seq
from .rules import Call, Language, Rules, components
from .thompson import append

TAIL = -1  # instead of the state behind a call: nothing follows, the caller is done
INLINED = 48  # leaves and repeats of a rule that is written out where it is called
TOTAL_PER_STATE = 100  # size of all automata together, against the largest one allowed, before they are determinised


@dataclass(frozen=True, eq=False)
class RuleAutomaton:
    """The texts of a rule, the empty one aside.

    Attributes
    ----------
    dfa : CharDfa
        What is read by characters; minimal together with the calls. It may be without transitions.
    calls : tuple of (int, Regular, int)
        State, what is called there (`Call`, `Token` or `Island`), and the state behind it or ``TAIL``.
    """

    dfa: CharDfa
    calls: tuple[tuple[int, Regular, int], ...]


@dataclass
class _Nfa:
    """A nondeterministic automaton; state 0 is the start, ``end`` the one state that accepts."""

    empty: list[list[int]] = field(default_factory=list)
    chars: list[list[tuple[CharSet, int]]] = field(default_factory=list)
    calls: list[list[tuple[Regular, int]]] = field(default_factory=list)
    end: int = 0

    def state(self) -> int:
        self.empty.append([])
        self.chars.append([])
        self.calls.append([])
        return len(self.empty) - 1

    def closure(self, states: Iterable[int]) -> list[int]:
        """What can be reached without reading."""
        found = dict.fromkeys(states)
        pending = list(found)
        while pending:
            for to in self.empty[pending.pop()]:
                if to not in found:
                    found[to] = None
                    pending.append(to)
        return list(found)


@dataclass(frozen=True)
class _Body:
    """The body of a rule becomes an automaton."""

    nfa: _Nfa
    rules: Rules
    max_states: int

    def state(self) -> int:
        """A new state."""
        if len(self.nfa.empty) > LENGTH_PER_STATE * self.max_states:
            raise LimitExceeded("rule_states", len(self.nfa.empty) // LENGTH_PER_STATE, self.max_states)
        return self.nfa.state()

    def jump(self, at: int, to: int) -> None:
        """Let one state go on at another without reading."""
        self.nfa.empty[at].append(to)

    def leaf(self, node: Regular, at: int, to: int) -> None:
        """Read characters, or call; a call of a rule that may be empty can be passed by."""
        if isinstance(node, Chars):
            self.nfa.chars[at].append((node.points, to))
        elif isinstance(node, Language):
            self._embed(node.dfa, at, to)
        elif not isinstance(node, Call) or node.rule in self.rules.solid:
            self.nfa.calls[at].append((node, to))
        if isinstance(node, Call) and node.rule in self.rules.nullable:
            self.jump(at, to)

    def _embed(self, dfa: CharDfa, at: int, to: int) -> None:
        nfa = self.nfa
        first = len(nfa.empty)
        nfa.empty[at].append(first)
        for row, accepts in zip(dfa.edges, dfa.accept.tolist(), strict=True):
            nfa.empty.append([to] if accepts else [])
            nfa.chars.append([(points, first + target) for points, target in row])
            nfa.calls.append([])


def inline(rules: Rules) -> Rules:
    """The grammar with small rules written out, which are not recursive, and calls that lead nowhere left out."""
    bodies: dict[str, Regular] = {}
    short: dict[str, Regular] = {}
    for members in rules.circles:
        for name in members:
            bodies[name] = _substitute(rules.bodies[name], short, rules.productive)
        if len(members) == 1 and name not in rules.called[name] and _weight(bodies[name]) <= INLINED:
            short[name] = bodies[name]
    return Rules(bodies, rules.start)


def _substitute(node: Regular, short: Mapping[str, Regular], productive: frozenset[str]) -> Regular:
    if isinstance(node, Call):
        return short.get(node.rule, node) if node.rule in productive else EMPTY
    if isinstance(node, Seq | Alt):
        parts = [_substitute(part, short, productive) for part in node.parts]
        return seq(*parts) if isinstance(node, Seq) else alt(*parts)
    if isinstance(node, Repeat):
        return repeat(_substitute(node.part, short, productive), node.low, node.high)
    return node


def _weight(node: Regular) -> int:
    """Leaves and repeats of an expression with its repeats written out."""
    if isinstance(node, Seq | Alt):
        return sum(map(_weight, node.parts))
    if isinstance(node, Repeat):
        return 1 + _weight(node.part) * max(1, node.low, node.high or 0)
    return node.dfa.n_states if isinstance(node, Language) else 1


class RuleAutomata:
    """The automata of a grammar.

    Parameters
    ----------
    rules : Rules
        Productive.
    max_states : int
        States of one automaton, before it is minimised.

    Attributes
    ----------
    automata : dict of str to RuleAutomaton
        Of the start and of every rule that is called from there; of the start only if it has more than the empty text.
    heights : dict of str to int
        Falling along calls from start states, which lead round no circle: what a rule leads to decides its height.
    start : str
    is_nullable : bool
        Whether the whole text may be empty.

    Raises
    ------
    LimitExceeded
        ``rule_states``.
    """

    def __init__(self, rules: Rules, max_states: int) -> None:
        self.max_states = max_states
        self.start, self.is_nullable = rules.start, rules.start in rules.nullable
        self._rules = inline(rules)
        self._nfas: dict[str, _Nfa] = {}
        self._size = 0
        for name in self._rules.reachable:
            if name in self._rules.solid:
                self._nfas[name] = self._build(name)
        self._circles: dict[str, frozenset[str]] = {}
        for members in components(self._nfas, self._begins_with):
            circle = frozenset(members)
            for name in members:
                self._circles[name] = circle if len(members) > 1 or name in self._begins_with(name) else frozenset()
        self.automata: dict[str, RuleAutomaton] = {}
        pending = [self.start] if self.start in self._nfas else []
        while pending:
            name = pending.pop()
            if name not in self.automata:
                self.automata[name] = automaton = self._automaton(name)
                pending += [symbol.rule for _, symbol, _ in automaton.calls if isinstance(symbol, Call)]
        self.heights: dict[str, int] = {}
        for (name,) in components(self.automata, self._starts_with):
            self.heights[name] = max((self.heights[other] + 1 for other in self._starts_with(name)), default=0)

    # --------------------------------------------------------------------------------------------- bodies as automata
    def _build(self, name: str) -> _Nfa:
        nfa = _Nfa()
        nfa.state()
        nfa.end = append(self._rules.bodies[name], 0, _Body(nfa, self._rules, self.max_states))
        return nfa

    # ------------------------------------------------------------------------------------------- recursion to the left
    def _begins_with(self, name: str) -> dict[str, None]:
        """The rules that a body can call before it has read anything."""
        nfa = self._nfas[name]
        symbols = (symbol for state in nfa.closure([0]) for symbol, _ in nfa.calls[state])
        return {symbol.rule: None for symbol in symbols if isinstance(symbol, Call)}

    def _starts_with(self, name: str) -> list[str]:
        """The rules that an automaton calls from its start state."""
        calls = self.automata[name].calls
        return [symbol.rule for state, symbol, _ in calls if state == 0 and isinstance(symbol, Call)]

    def _texts(self, name: str) -> _Nfa:
        """The automaton of the texts of a rule without the empty one; no end but its own leads to a call of itself."""
        circle = self._circles[name]
        if not circle and name not in self._rules.nullable:
            self._grow(len(self._nfas[name].empty))
            self._jump(self._nfas[name], name)
            return self._nfas[name]
        members = [name, *(other for other in self._nfas if other in circle and other != name)]
        nfa, first = _Nfa(), {}
        nfa.state()
        for member in members:
            body, first[member] = self._nfas[member], len(nfa.empty)
            shift = first[member]
            nfa.empty += [[to + shift for to in row] for row in body.empty]
            nfa.chars += [[(points, to + shift) for points, to in row] for row in body.chars]
            nfa.calls += [[(symbol, to + shift) for symbol, to in row] for row in body.calls]
        end = {member: first[member] + self._nfas[member].end for member in members}
        nfa.end = end[name]
        self._grow(len(nfa.empty))
        behind: list[tuple[int, int]] = []
        for member in members:
            for state in nfa.closure([first[member]]):
                nfa.chars[0] += nfa.chars[state]
                for symbol, to in nfa.calls[state]:
                    if isinstance(symbol, Call) and symbol.rule in circle:
                        behind.append((end[symbol.rule], to))
                    else:
                        nfa.calls[0].append((symbol, to))
        for read, to in behind:
            nfa.empty[read].append(to)
        self._jump(nfa, name)
        return nfa

    def _grow(self, n_states: int) -> None:
        """Count the states of all automata together."""
        self._size += n_states
        if self._size > TOTAL_PER_STATE * self.max_states:
            raise LimitExceeded("rule_states", self._size // TOTAL_PER_STATE, self.max_states)

    @staticmethod
    def _jump(nfa: _Nfa, name: str) -> None:
        """Turn calls of the rule itself, behind which only its end comes, into ways to the start."""
        ending = {nfa.end}
        sources: dict[int, list[int]] = {}
        for state, targets in enumerate(nfa.empty):
            if len(targets) == 1 and not nfa.chars[state] and not nfa.calls[state] and state != nfa.end:
                sources.setdefault(targets[0], []).append(state)
        pending = [nfa.end]
        while pending:
            for state in sources.get(pending.pop(), ()):
                if state not in ending:
                    ending.add(state)
                    pending.append(state)
        for state, calls in enumerate(nfa.calls):
            jumps = [to for symbol, to in calls if isinstance(symbol, Call) and symbol.rule == name and to in ending]
            if jumps:
                nfa.empty[state].append(0)
                nfa.calls[state] = [
                    (symbol, to)
                    for symbol, to in calls
                    if not (isinstance(symbol, Call) and symbol.rule == name and to in ending)
                ]

    # ------------------------------------------------------------------------------------------------- determinisation
    def _automaton(self, name: str) -> RuleAutomaton:
        nfa = self._texts(name)
        sets: dict[CharSet, int] = {}
        for edges in nfa.chars:
            for points, _ in edges:
                sets.setdefault(points, len(sets))
        symbols: dict[Regular, int] = {}
        for calls in nfa.calls:
            for symbol, _ in calls:
                symbols.setdefault(symbol, len(symbols))
        starts, cls, member = charset.partition(list(sets))
        n_sets, n_classes, n_symbols = len(sets), max(cls) + 1, len(symbols)
        holds = np.zeros((n_sets + n_symbols, n_classes + n_symbols), np.uint8)
        holds[:n_sets, :n_classes] = np.array(member, np.uint8).reshape(n_sets, n_classes)
        holds[range(n_sets, n_sets + n_symbols), range(n_classes, n_classes + n_symbols)] = 1
        code = [np.array(part, np.int32) for part in _program(nfa, sets, symbols)]
        trans, accept, size = kernels.determinise(*code, holds, self.max_states, SIZE_PER_STATE * self.max_states)
        n_states = max(len(trans), -(-size // SIZE_PER_STATE))
        if n_states > self.max_states:
            raise LimitExceeded("rule_states", n_states, self.max_states, keyword=name)
        trans, accept, merged = canonical(*minimise(trans, accept))
        return _split(np.array(starts, np.int32), merged[cls], trans, accept, merged[n_classes:], list(symbols))


def _program(
    nfa: _Nfa, sets: Mapping[CharSet, int], symbols: Mapping[Regular, int]
) -> tuple[list[int], list[int], list[int]]:
    """The instructions of an automaton, see :class:`~detent.grammar.program.Code`: of each state its edges in a row.

    The last instruction of a state fails, and a read is followed by a jump.
    """
    address = [0]
    for state in range(len(nfa.empty)):
        edges = len(nfa.empty[state]) + 3 * (len(nfa.chars[state]) + len(nfa.calls[state]))
        address.append(address[-1] + edges + 2 * (state == nfa.end) + 1)
    label: list[int] = []
    x: list[int] = []
    y: list[int] = []
    for state, empty in enumerate(nfa.empty):
        at = address[state]
        if state == nfa.end:
            label += (SPLIT, ACCEPT)
            x += (at + 1, 0)
            y += (at + 2, 0)
            at += 2
        for to in empty:
            label.append(SPLIT)
            x.append(address[to])
            y.append(at + 1)
            at += 1
        reads = [(sets[points], address[to]) for points, to in nfa.chars[state]]
        reads += [(len(sets) + symbols[symbol], address[to]) for symbol, to in nfa.calls[state]]
        for letter, there in reads:
            label += (SPLIT, letter, SPLIT)
            x += (at + 1, 0, there)
            y += (at + 3, 0, there)
            at += 3
        label.append(SPLIT)
        x.append(at)
        y.append(at)
    return label, x, y


def _split(
    starts: I32,
    cls: I32,
    trans: I32,
    accept: I32,
    called_by: I32,
    symbols: list[Regular],
) -> RuleAutomaton:
    """Part what is read by characters from what is called."""
    _, found = np.unique(cls, return_index=True)
    order = cls[np.sort(found)]
    number = np.zeros(trans.shape[1], np.int32)
    number[order] = np.arange(len(order))
    first = np.ones(len(cls), np.bool_)
    np.not_equal(cls[1:], cls[:-1], out=first[1:])
    by_chars = np.ascontiguousarray(trans[:, order])
    dfa = CharDfa(starts[first], number[cls[first]].astype(np.int32), by_chars, (accept > 0).astype(np.uint8))
    moves: NDArray[np.bool_] = np.any(trans >= 0, axis=1)
    calls: list[tuple[int, Regular, int]] = []
    for symbol, column in zip(symbols, called_by.tolist(), strict=True):
        for state in np.flatnonzero(trans[:, column] >= 0).tolist():
            to = int(trans[state, column])
            calls.append((state, symbol, TAIL if accept[to] and not moves[to] else to))
    return RuleAutomaton(dfa, tuple(sorted(calls, key=lambda entry: entry[0])))
