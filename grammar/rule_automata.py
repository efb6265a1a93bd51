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


def _is_one_character(dfa: CharDfa, edges: list[list[tuple[CharSet, int]]]) -> bool:
    """Whether each text of an automaton is one character."""
    return len(edges) == 2 and not edges[1] and not dfa.accept[0] and all(target for _, target in edges[0])


def _edges(dfa: CharDfa) -> list[list[tuple[CharSet, int]]]:
    """Of each state, the characters that lead to each other one."""
    found: list[list[tuple[CharSet, int]]] = []
    sets = dfa.class_sets
    for row in dfa.trans.tolist():
        joined: dict[int, list[CharSet]] = {}
        for c, target in enumerate(row):
            if target >= 0:
                joined.setdefault(target, []).append(sets[c])
        found.append([(charset.union(*parts), target) for target, parts in joined.items()])
    return found


@dataclass(frozen=True)
class _Body:
    """The body of a rule becomes an automaton."""

    nfa: _Nfa
    rules: Rules
    max_states: int
    edges: dict[bytes, list[list[tuple[CharSet, int]]]]

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
        nfa, edges = self.nfa, self.edges.get(dfa.key)
        if edges is None:
            edges = self.edges[dfa.key] = _edges(dfa)
        if _is_one_character(dfa, edges):
            nfa.chars[at] += [(points, to) for points, _ in edges[0]]
            return
        first = len(nfa.empty)
        nfa.empty[at].append(first)
        nfa.empty += [[to] if accepts else [] for accepts in dfa.accept.tolist()]
        nfa.chars += [[(points, first + target) for points, target in row] for row in edges]
        nfa.calls += [[] for _ in edges]


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
        self._edges: dict[bytes, list[list[tuple[CharSet, int]]]] = {}
        self._circles: dict[str, _Circle] = {}
        self._size = 0
        for name in self._rules.reachable:
            if name in self._rules.solid:
                self._nfas[name] = self._build(name)
        order = {name: number for number, name in enumerate(self._nfas)}
        for members in components(self._nfas, self._begins_with):
            recursive = len(members) > 1 or members[0] in self._begins_with(members[0])
            circle = self._circle(sorted(members, key=order.__getitem__), recursive)
            self._circles.update(dict.fromkeys(members, circle))
        self.automata: dict[str, RuleAutomaton] = {}
        pending = [self.start] if self.start in self._nfas else []
        while pending:
            name = pending.pop()
            if name not in self.automata:
                self.automata[name] = automaton = self._circles[name].automaton(name, self.max_states)
                pending += [symbol.rule for _, symbol, _ in automaton.calls if isinstance(symbol, Call)]
        self.heights: dict[str, int] = {}
        for (name,) in components(self.automata, self._starts_with):
            self.heights[name] = max((self.heights[other] + 1 for other in self._starts_with(name)), default=0)

    # --------------------------------------------------------------------------------------------- bodies as automata
    def _build(self, name: str) -> _Nfa:
        nfa = _Nfa()
        nfa.state()
        nfa.end = append(self._rules.bodies[name], 0, _Body(nfa, self._rules, self.max_states, self._edges))
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

    def _circle(self, members: list[str], recursive: bool) -> _Circle:
        """One automaton for some rules that begin with each other."""
        nfa, first = _Nfa(), {}
        nfa.state()
        for member in members:
            body, first[member] = self._nfas[member], len(nfa.empty)
            shift = first[member]
            nfa.empty += [[to + shift for to in row] for row in body.empty]
            nfa.chars += [[(points, to + shift) for points, to in row] for row in body.chars]
            nfa.calls += [[(symbol, to + shift) for symbol, to in row] for row in body.calls]
        self._size += len(nfa.empty)
        if self._size > TOTAL_PER_STATE * self.max_states:
            raise LimitExceeded("rule_states", self._size // TOTAL_PER_STATE, self.max_states)
        ends = {member: first[member] + self._nfas[member].end for member in members}
        behind: list[tuple[int, int]] = []
        for member in members:
            for state in nfa.closure([first[member]]):
                nfa.chars[0] += nfa.chars[state]
                for symbol, to in nfa.calls[state]:
                    if recursive and isinstance(symbol, Call) and symbol.rule in ends:
                        behind.append((ends[symbol.rule], to))
                    else:
                        nfa.calls[0].append((symbol, to))
        for read, to in behind:
            nfa.empty[read].append(to)
        return _Circle(nfa, ends)


class _Circle:
    """Rules that begin with each other, as one automaton: the text of a rule is what leads from its start to the end
    of that rule.

    Parameters
    ----------
    nfa : _Nfa
    ends : dict of str to int
        State behind each rule.
    """

    def __init__(self, nfa: _Nfa, ends: Mapping[str, int]) -> None:
        sets: dict[CharSet, int] = {}
        for edges in nfa.chars:
            for points, _ in edges:
                sets.setdefault(points, len(sets))
        symbols: dict[Regular, int] = {}
        for calls in nfa.calls:
            for symbol, _ in calls:
                symbols.setdefault(symbol, len(symbols))
        self._nfa, self._ends, self._symbols = nfa, ends, list(symbols)
        starts, cls, member = charset.partition(list(sets))
        n_sets, n_symbols = len(sets), len(symbols)
        self._starts, self._cls, self._n_classes = np.array(starts, np.int32), cls, max(cls) + 1
        self._holds = np.zeros((n_sets + n_symbols, self._n_classes + n_symbols), np.uint8)
        self._holds[:n_sets, : self._n_classes] = np.array(member, np.uint8).reshape(n_sets, self._n_classes)
        self._holds[range(n_sets, n_sets + n_symbols), range(self._n_classes, self._n_classes + n_symbols)] = 1
        self._write(sets, symbols)
        # states that only lead on to one other
        self._sources: dict[int, list[int]] = {}
        for state, targets in enumerate(nfa.empty):
            if len(targets) == 1 and not nfa.chars[state] and not nfa.calls[state]:
                self._sources.setdefault(targets[0], []).append(state)

    def _write(self, sets: Mapping[CharSet, int], symbols: Mapping[Regular, int]) -> None:
        """The instructions, see :class:`~detent.grammar.program.Code`: of each state its edges in a row.

        The last instruction of a state fails, a read is followed by a jump, and the end of a rule begins with a jump
        that can be led over an instruction that accepts.
        """
        nfa = self._nfa
        ends = set(self._ends.values())
        self._address = address = [0]
        for state in range(len(nfa.empty)):
            edges = len(nfa.empty[state]) + 3 * (len(nfa.chars[state]) + len(nfa.calls[state]))
            address.append(address[-1] + edges + 2 * (state in ends) + 1)
        label, x, y = ([SPLIT] * address[-1] for _ in range(3))
        self._calls: dict[str, list[tuple[int, int]]] = {}  # of each rule, the instructions that read it, and where to
        for state in range(len(nfa.empty)):
            at = address[state]
            if state in ends:
                label[at + 1], x[at], y[at] = ACCEPT, at + 2, at + 2
                at += 2
            for to in nfa.empty[state]:
                x[at], y[at] = address[to], at + 1
                at += 1
            reads = [(sets[points], to) for points, to in nfa.chars[state]]
            for symbol, to in nfa.calls[state]:
                if isinstance(symbol, Call):
                    self._calls.setdefault(symbol.rule, []).append((at + 3 * len(reads) + 1, to))
                reads.append((len(sets) + symbols[symbol], to))
            for letter, to in reads:
                x[at], y[at], label[at + 1] = at + 1, at + 3, letter
                x[at + 2] = y[at + 2] = address[to]
                at += 3
            x[at] = y[at] = at
        self._label, self._x, self._y = (np.array(part, np.int32) for part in (label, x, y))

    def automaton(self, name: str, max_states: int) -> RuleAutomaton:
        """The texts of a rule without the empty one; no end but its own leads to a call of itself."""
        label, x, y = self._label.copy(), self._x.copy(), self._y.copy()
        end = self._address[self._ends[name]]
        x[end] = end + 1
        ending = self._ending(name)
        for at, to in self._calls.get(name, ()):
            if to in ending:  # what follows the inner text is what follows the outer one: a jump to the start
                label[at], x[at], y[at] = SPLIT, 0, 0
        trans, accept, size = kernels.determinise(label, x, y, self._holds, max_states, SIZE_PER_STATE * max_states)
        n_states = max(len(trans), -(-size // SIZE_PER_STATE))
        if n_states > max_states:
            raise LimitExceeded("rule_states", n_states, max_states, keyword=name)
        trans, accept, merged = canonical(*minimise(trans, accept))
        n = self._n_classes
        return _split(self._starts, merged[self._cls], trans, accept, merged[n:], self._symbols)

    def _ending(self, name: str) -> set[int]:
        """The states behind which only the end of a rule comes."""
        end = self._ends[name]
        ending, pending = {end}, [end]
        while pending:
            more = [state for state in self._sources.get(pending.pop(), ()) if state not in ending]
            ending.update(more)
            pending += more
        return ending


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
