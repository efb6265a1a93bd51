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

Where a rule has several exits, both those that a text ends by and those that a call comes back by are letters. So a
state behind a call of such a rule reads nothing but the exit, and what is said above of the end of a rule holds for
each of its exits.

Then the automata are made deterministic, calls being letters beside the characters, and minimal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..native import dfa as kernels
from ..native.minimise import canonical, minimise
from . import charset
from .charset import CharSet
from .dfa import I32, SIZE_PER_STATE, CharDfa
from .errors import LimitExceeded
from .program import ACCEPT, SPLIT
from .regular import EMPTY, Alt, Chars, Regular, Repeat, Seq, alt, repeat, seq
from .rules import Call, Exit, Language, Rest, Return, Rules, call, components, leave
from .thompson import append

TAIL = -1  # instead of the state behind a call: nothing follows, the caller is done
INLINED = 48  # leaves and repeats of a rule that is written out where it is called
BODY_PER_STATE = 4  # size of the automaton of a body against the largest one allowed, before it is determinised
TOTAL_PER_STATE = 20  # the same of all together


@dataclass(frozen=True, eq=False)
class RuleAutomaton:
    """The texts of a rule, the empty one aside.

    Attributes
    ----------
    dfa : CharDfa
        What is read by characters; minimal together with the calls. It may be without transitions.
    calls : tuple of (int, Regular, int)
        State, what is called there (`Call`, `Token` or `Island`), and the state behind it or ``TAIL``.
    exits : tuple of (int, int)
        State in which a text may end, and the exit by which it does; empty for a rule without exits.
    returns : tuple of (int, int, int)
        State behind a call, exit by which the rule that was called has ended, and the state then.
    """

    dfa: CharDfa
    calls: tuple[tuple[int, Regular, int], ...]
    exits: tuple[tuple[int, int], ...] = ()
    returns: tuple[tuple[int, int, int], ...] = ()

    @cached_property
    def exits_of(self) -> list[list[int]]:
        """Of each state the exits by which a text may end there, 0 in a rule without exits."""
        found: list[list[int]] = [[] if self.exits or not ends else [0] for ends in self.dfa.accept.tolist()]
        for state, exit in self.exits:
            found[state].append(exit)
        return found

    @cached_property
    def returns_of(self) -> dict[int, list[tuple[int, int]]]:
        """Of the states behind a call of a rule with exits: each exit, and the state then."""
        found: dict[int, list[tuple[int, int]]] = {}
        for state, exit, to in self.returns:
            found.setdefault(state, []).append((exit, to))
        return found


@dataclass
class _Nfa:
    """A nondeterministic automaton; state 0 is the start, ``end`` the one state that accepts.

    ``exits``: of a rule with exits, the states that leave by each.
    """

    empty: list[list[int]] = field(default_factory=list)
    chars: list[list[tuple[CharSet, int]]] = field(default_factory=list)
    calls: list[list[tuple[Regular, int]]] = field(default_factory=list)
    end: int = 0
    exits: dict[int, int] = field(default_factory=dict)

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
    """The grammar with small rules written out, which are not recursive, and calls that lead nowhere left out.

    Rules with exits stay, since no expression says what comes behind which exit.
    """
    bodies: dict[str, Regular] = {}
    short: dict[str, Regular] = {}
    for members in rules.circles:
        for name in members:
            bodies[name] = _substitute(rules.bodies[name], short, rules.productive)
        if len(members) == 1 and name not in rules.called[name] and not rules.exits[name]:
            whole = _substitute(bodies[name], short, rules.productive, is_whole=True)
            if _weight(whole) <= INLINED:
                short[name] = whole
    return Rules(bodies, rules.start)


def _substitute(
    node: Regular, short: Mapping[str, Regular], productive: frozenset[str], *, is_whole: bool = False
) -> Regular:
    """An expression with short rules written out; ``is_whole``: so that other text may follow."""
    if isinstance(node, Call):
        return short.get(node.rule, node) if node.rule in productive else EMPTY
    if isinstance(node, Rest):
        whole = short.get(node.rule) or call(node.rule)
        return EMPTY if node.rule not in productive else whole if is_whole else node
    if isinstance(node, Seq | Alt):
        parts = [_substitute(part, short, productive, is_whole=is_whole) for part in node.parts]
        return seq(*parts) if isinstance(node, Seq) else alt(*parts)
    if isinstance(node, Repeat):
        return repeat(_substitute(node.part, short, productive, is_whole=is_whole), node.low, node.high)
    return node


def _small(rules: Rules) -> frozenset[str]:
    """The rules with exits whose automata are put where they are called."""
    found = set()
    for members in rules.circles:
        name = members[0]
        if len(members) == 1 and rules.exits[name] and name not in rules.called[name]:
            weight, pending = 0, {name: None}
            for part in (reached := list(pending)):
                weight += _weight(rules.bodies[part])
                for leaf in rules.leaves[part]:
                    if isinstance(leaf, Rest) and leaf.rule not in pending:
                        pending[leaf.rule] = None
                        reached.append(leaf.rule)
            if weight <= INLINED:
                found.add(name)
    return frozenset(found)


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


class _Body:
    """The body of a rule becomes an automaton.

    Parameters
    ----------
    nfa : _Nfa
    of : _Bodies
        The grammar.
    end : int
        Where a body goes on that ends otherwise than by an exit.
    """

    def __init__(self, nfa: _Nfa, of: _Bodies, end: int) -> None:
        self.nfa, self._of, self._end = nfa, of, end
        self.exits: dict[int, int] = {}  # the states behind each exit
        self._inside: dict[int, _Body] = {}  # of the states behind calls: the body that stands there instead
        self._rests: dict[str, int] = {}
        self._pending: list[str] = []

    def append(self, name: str, at: int) -> None:
        """Append the body of a rule behind a state."""
        self.jump(append(self._of.rules.bodies[name], at, self), self._end)
        while self._pending:
            name = self._pending.pop()
            self.jump(append(self._of.rules.bodies[name], self._rests[name], self), self._end)

    def state(self) -> int:
        """A new state."""
        if len(self.nfa.empty) > BODY_PER_STATE * self._of.max_states:
            raise LimitExceeded("rule_states", len(self.nfa.empty) // BODY_PER_STATE, self._of.max_states)
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
        elif isinstance(node, Rest):
            if node.rule not in self._rests:
                self._rests[node.rule] = self.state()
                self._pending.append(node.rule)
            self.jump(at, self._rests[node.rule])
        elif isinstance(node, Exit):
            self.jump(at, self.behind(node.number))
        elif isinstance(node, Return) and at in self._inside:
            self.jump(self._inside[at].behind(node.number), to)
        elif isinstance(node, Call):
            self._call(node, at, to)
        else:
            self.nfa.calls[at].append((node, to))

    def _call(self, node: Call, at: int, to: int) -> None:
        if node.rule in self._of.small:
            self._inside[to] = body = _Body(self.nfa, self._of, to)
            body.append(node.rule, at)
            return
        if node.rule in self._of.rules.solid:
            self.nfa.calls[at].append((node, to))
        if node.rule in self._of.rules.nullable:
            self.jump(at, to)

    def behind(self, exit: int) -> int:
        """The state behind an exit."""
        if exit not in self.exits:
            self.exits[exit] = self.state()
        return self.exits[exit]

    def _embed(self, dfa: CharDfa, at: int, to: int) -> None:
        nfa, edges = self.nfa, self._of.edges(dfa)
        if _is_one_character(dfa, edges):
            nfa.chars[at] += [(points, to) for points, _ in edges[0]]
            return
        first = len(nfa.empty)
        nfa.empty[at].append(first)
        nfa.empty += [[to] if accepts else [] for accepts in dfa.accept.tolist()]
        nfa.chars += [[(points, first + target) for points, target in row] for row in edges]
        nfa.calls += [[] for _ in edges]


class _Bodies:
    """The bodies of a grammar, each as an automaton.

    Attributes
    ----------
    rules : Rules
        With what is short written out.
    small : frozenset of str
        As of :func:`_small`.
    """

    def __init__(self, rules: Rules, max_states: int) -> None:
        self.rules, self.max_states = inline(rules), max_states
        self.small = _small(self.rules)
        self._edges: dict[bytes, list[list[tuple[CharSet, int]]]] = {}

    def edges(self, dfa: CharDfa) -> list[list[tuple[CharSet, int]]]:
        """As :func:`_edges`, worked out once."""
        found = self._edges.get(dfa.key)
        if found is None:
            found = self._edges[dfa.key] = _edges(dfa)
        return found

    def automata(self) -> dict[str, _Nfa]:
        """Those of the start and of all rules that are called."""
        rules = self.rules
        called = {leaf.rule for name in rules.reachable for leaf in rules.leaves[name] if isinstance(leaf, Call)}
        names = [name for name in rules.reachable if name in called or name == rules.start]
        return {name: self._automaton(name) for name in names if name in rules.solid and name not in self.small}

    def _automaton(self, name: str) -> _Nfa:
        nfa = _Nfa()
        nfa.state()
        nfa.end = nfa.state()
        body = _Body(nfa, self, nfa.end)
        body.append(name, 0)
        nfa.exits = body.exits
        for exit, state in body.exits.items():
            nfa.calls[state].append((leave(exit), nfa.end))
        return nfa


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
        self._nfas = _Bodies(rules, max_states).automata()
        self._circles: dict[str, _Circle] = {}
        self._size = 0
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
        nfa, first = self._joined(members)
        self._size += len(nfa.empty)
        if self._size > TOTAL_PER_STATE * self.max_states:
            raise LimitExceeded("rule_states", self._size // TOTAL_PER_STATE, self.max_states)
        ends = {member: first[member] + self._nfas[member].end for member in members}
        exits = {
            member: {exit: first[member] + state for exit, state in self._nfas[member].exits.items()}
            for member in members
        }
        behind: list[tuple[int, int]] = []
        chars: list[tuple[CharSet, int]] = []
        calls: list[tuple[Regular, int]] = []
        for member in members:
            for state in nfa.closure([first[member]]):
                chars += nfa.chars[state]
                for symbol, to in nfa.calls[state]:
                    if recursive and isinstance(symbol, Call) and symbol.rule in ends:
                        own, ways = exits[symbol.rule], _returns(nfa, to)
                        behind += [(own[exit], then) for exit, then in ways if exit in own]
                        behind += [] if ways else [(ends[symbol.rule], to)]
                    elif not isinstance(symbol, Exit):  # that would be the empty text
                        calls.append((symbol, to))
        nfa.empty[0], nfa.chars[0], nfa.calls[0] = [], chars, calls
        for read, to in behind:
            nfa.empty[read].append(to)
        return _Circle(nfa, ends, exits)

    def _joined(self, members: list[str]) -> tuple[_Nfa, dict[str, int]]:
        """The automata of some rules side by side, each from a state of its own on; state 0 is for the start of all."""
        if len(members) == 1:  # nothing leads back to a start
            return self._nfas[members[0]], {members[0]: 0}
        nfa, first = _Nfa(), {}
        nfa.state()
        for member in members:
            body, first[member] = self._nfas[member], len(nfa.empty)
            shift = first[member]
            nfa.empty += [[to + shift for to in row] for row in body.empty]
            nfa.chars += [[(points, to + shift) for points, to in row] for row in body.chars]
            nfa.calls += [[(symbol, to + shift) for symbol, to in row] for row in body.calls]
        return nfa, first


def _returns(nfa: _Nfa, state: int) -> list[tuple[int, int]]:
    """The exits that a state behind a call tells apart, and the state behind each."""
    return [(symbol.number, to) for symbol, to in nfa.calls[state] if isinstance(symbol, Return)]


class _Circle:
    """Rules that begin with each other, as one automaton: the text of a rule is what leads from its start to the end
    of that rule.

    Parameters
    ----------
    nfa : _Nfa
    ends : dict of str to int
        State behind each rule.
    exits : dict of str to dict of int to int
        States that leave each rule by an exit.
    """

    def __init__(self, nfa: _Nfa, ends: Mapping[str, int], exits: Mapping[str, Mapping[int, int]]) -> None:
        sets: dict[CharSet, int] = {}
        for edges in nfa.chars:
            for points, _ in edges:
                sets.setdefault(points, len(sets))
        symbols: dict[Regular, int] = {}
        for calls in nfa.calls:
            for symbol, _ in calls:
                symbols.setdefault(symbol, len(symbols))
        self._nfa, self._ends, self._exits, self._symbols = nfa, ends, exits, list(symbols)
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
        ending = {exit: self._ending(state) for exit, state in self._exits[name].items()}
        plain = self._ending(self._ends[name])
        for at, to in self._calls.get(name, ()):
            ways = _returns(self._nfa, to)
            # what follows the inner text is what follows the outer one: a jump to the start
            if all(then in ending.get(exit, ()) for exit, then in ways) if ways else to in plain:
                label[at], x[at], y[at] = SPLIT, 0, 0
        trans, accept, size = kernels.determinise(label, x, y, self._holds, max_states, SIZE_PER_STATE * max_states)
        n_states = max(len(trans), -(-size // SIZE_PER_STATE))
        if n_states > max_states:
            raise LimitExceeded("rule_states", n_states, max_states, keyword=name)
        trans, accept, merged = canonical(*minimise(trans, accept))
        n = self._n_classes
        return _split(self._starts, merged[self._cls], trans, accept, merged[n:], self._symbols)

    def _ending(self, end: int) -> set[int]:
        """The states behind which only another one comes."""
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
    """Part what is read by characters from what is called, and from exits."""
    rows = {symbol: trans[:, letter] for symbol, letter in zip(symbols, called_by.tolist(), strict=True)}
    leaving = {symbol.number: rows.pop(symbol) >= 0 for symbol in symbols if isinstance(symbol, Exit)}
    leaving = {exit: row for exit, row in leaving.items() if row.any()}
    kept = np.arange(len(trans))
    if leaving:  # to the one state that accepts, which is left out
        (end,) = np.flatnonzero(accept).tolist()
        kept = np.delete(kept, end)
        accept = np.any(list(leaving.values()), axis=0)[kept]
        trans = np.where(trans == end, -1, trans)[kept]
        trans -= trans > end
        rows = {symbol: row[kept] - (row[kept] > end) for symbol, row in rows.items()}
    by_chars, starts, cls = _columns(starts, cls, trans)
    dfa = CharDfa(starts, cls, by_chars, (accept > 0).astype(np.uint8))
    moves: NDArray[np.bool_] = np.any(trans >= 0, axis=1)
    edges = [(state, symbol, to) for symbol, row in rows.items() for state, to in enumerate(row.tolist()) if to >= 0]
    exits = tuple((state, exit) for exit, row in leaving.items() for state in np.flatnonzero(row[kept]).tolist())
    returns = tuple((state, symbol.number, to) for state, symbol, to in edges if isinstance(symbol, Return))
    made = RuleAutomaton(dfa, (), tuple(sorted(exits)), tuple(sorted(returns)))

    def is_last(to: int) -> bool:
        """Whether a text that has come back from a call ends there by the same exit."""
        ways = made.returns_of.get(to, [(0, to)])
        return all(made.exits_of[then] == [exit] and not moves[then] for exit, then in ways)

    calls = [
        (state, symbol, TAIL if is_last(to) else to) for state, symbol, to in edges if not isinstance(symbol, Return)
    ]
    return replace(made, calls=tuple(sorted(calls, key=lambda entry: entry[0])))


def _columns(starts: I32, cls: I32, trans: I32) -> tuple[I32, I32, I32]:
    """The columns of an automaton that characters lead along, with the intervals of those characters."""
    _, found = np.unique(cls, return_index=True)
    order = cls[np.sort(found)]
    number = np.zeros(trans.shape[1], np.int32)
    number[order] = np.arange(len(order))
    first = np.ones(len(cls), np.bool_)
    np.not_equal(cls[1:], cls[:-1], out=first[1:])
    return np.ascontiguousarray(trans[:, order]), starts[first], number[cls[first]].astype(np.int32)
