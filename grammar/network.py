"""Context-free grammars as networks: one automaton for each nonterminal, over bytes and calls.

A *recursive transition network* (Woods, Transition Network Grammars for Natural Language Analysis, 1970) reads a text
like an automaton,
but an edge may also be a call: a whole text of another nonterminal. Rules become a small network by transformations
that keep the language:

* terminals and nonterminals that do not call themselves are written into their callers,
* direct left recursion becomes a loop (X = a | X b is a b*), and so do calls in last place,
* what is left is made deterministic and minimal, with calls as letters of the alphabet.

Arithmetic is a network of one nonterminal, and so is JSON. No automaton accepts the empty text, and no call can read
it: a call of a nullable nonterminal may be passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..native import dfa as kernels
from ..native.minimise import minimise
from . import charset
from . import dfa as char_dfa
from .charset import CharSet
from .dfa import CharDfa
from .errors import GrammarError, LimitExceeded, Unenforceable, Unsatisfiable
from .regular import EMPTY, Chars, Epsilon, Regular
from .rules import Call, Language, Rules, leaves
from .thompson import append

I32 = NDArray[np.int32]

MAX_STATES = 20_000  # of one automaton on the way
WRITTEN_OUT = 1_500  # states up to which an automaton may grow by writing others into it
_SIZE_PER_STATE = 500
_ROUNDS = 4


@dataclass(frozen=True)
class Network:
    """Deterministic automata over classes of bytes and calls, states numbered through.

    Attributes
    ----------
    classes : (256,) int32
        Class of each byte.
    step : (n_states, n_classes) int32
        Next state, -1 where there is none.
    calls : list of list of (callee, state)
        For each state: the nonterminals that may be read next, and the states behind them.
    final : (n_states,) uint8
        1 where the text of the nonterminal may end.
    owner : (n_states,) int32
        The nonterminal of each state.
    first : list of int
        Start state of each nonterminal; nonterminal 0 is the start.
    names : list of str
    nullable : bool
        Whether the empty text is in the language.
    """

    classes: I32
    step: I32
    calls: list[list[tuple[int, int]]]
    final: NDArray[np.uint8]
    owner: I32
    first: list[int]
    names: list[str]
    nullable: bool

    @property
    def n_states(self) -> int:
        """Number of states."""
        return len(self.final)


def compile(rules: Rules) -> Network:
    """Network of the language of some rules.

    Raises
    ------
    GrammarError
        A rule is missing.
    Unenforceable
        A rule holds special tokens or a text of another specification.
    Unsatisfiable
        No text can be derived.
    LimitExceeded
        ``regex_states``.
    """
    return _Compilation(rules).network()


@dataclass
class _Automaton:
    """A minimal automaton over letters: byte classes, then calls. State 0 is the start."""

    trans: I32
    accept: NDArray[np.bool_]

    @property
    def size(self) -> int:
        return len(self.accept)


class _Nfa:
    """A nondeterministic automaton in the making; state 0 is the start."""

    def __init__(self, n_letters: int) -> None:
        self.n_letters = n_letters
        self.edges: list[list[tuple[tuple[int, ...], int]]] = []
        self.jumps: list[list[int]] = []
        self.accept: list[bool] = []

    def state(self, accept: bool = False) -> int:
        """A new state."""
        self.edges.append([])
        self.jumps.append([])
        self.accept.append(accept)
        return len(self.accept) - 1

    def copy(self, automaton: _Automaton, leave: int | None = None) -> int:
        """Copy an automaton, so that it goes on at a state where it accepts (None: accepts there). Returns its first
        state."""
        base = len(self.accept)
        for row, accepts in zip(automaton.trans.tolist(), automaton.accept.tolist(), strict=True):
            state = self.state(accepts and leave is None)
            if accepts and leave is not None:
                self.jumps[state].append(leave)
            by_target: dict[int, list[int]] = {}
            for letter, target in enumerate(row):
                if target >= 0:
                    by_target.setdefault(target, []).append(letter)
            self.edges[state] = [(tuple(letters), base + target) for target, letters in by_target.items()]
        return base

    def minimal(self, max_states: int = MAX_STATES) -> _Automaton:
        """The minimal deterministic automaton."""
        sets: dict[tuple[int, ...], int] = {}
        size = [3 * len(edges) + len(jumps) + 1 for edges, jumps in zip(self.edges, self.jumps, strict=True)]
        address = np.concatenate([[0], np.cumsum(size)]).tolist()
        rows: list[tuple[int, int, int]] = []
        for edges, jumps, accept in zip(self.edges, self.jumps, self.accept, strict=True):
            for letters, target in edges:
                at, goal = len(rows), address[target]
                rows += [(-1, at + 1, at + 3), (sets.setdefault(letters, len(sets)), 0, 0), (-1, goal, goal)]
            rows += [(-1, address[target], len(rows) + i + 1) for i, target in enumerate(jumps)]
            rows.append((-2, 0, 0) if accept else (-1, len(rows), len(rows)))
        member = np.zeros((len(sets), self.n_letters), np.uint8)
        for letters, i in sets.items():
            member[i, list(letters)] = 1
        label, x, y = (np.array(column, np.int32) for column in zip(*rows, strict=True))
        trans, accept, _ = kernels.determinise(label, x, y, member, max_states, _SIZE_PER_STATE * max_states)
        if len(trans) > max_states:
            raise LimitExceeded("regex_states", len(trans), max_states)
        trans, accept = minimise(trans, accept)
        return _Automaton(trans, accept > 0)


@dataclass(frozen=True)
class _Body:
    """The body of a rule becomes an automaton, whose letters are calls and terminals."""

    nfa: _Nfa
    letter: Callable[[Regular], int]

    def state(self) -> int:
        """A new state."""
        if len(self.nfa.accept) > 16 * MAX_STATES:
            raise LimitExceeded("regex_states", len(self.nfa.accept) // 16, MAX_STATES)
        return self.nfa.state()

    def jump(self, at: int, to: int) -> None:
        """Let one state go on at another without reading."""
        self.nfa.jumps[at].append(to)

    def leaf(self, node: Regular, at: int, to: int) -> None:
        """Read a terminal, or call."""
        self.nfa.edges[at].append(((self.letter(node),), to))


class _Compilation:
    """Rules on their way to a network; nonterminals and terminals are numbered alike."""

    def __init__(self, rules: Rules) -> None:
        if rules.start not in rules.bodies:
            raise GrammarError(f"there is no rule {rules.start}", keyword=rules.start)
        self.names = [rules.start, *(name for name in rules.bodies if name != rules.start)]
        self.number = {name: i for i, name in enumerate(self.names)}
        self.terminals: dict[Regular, int] = {}
        for name, body in rules.bodies.items():
            for leaf in leaves(body):
                if isinstance(leaf, Chars | Language):
                    self.terminals.setdefault(leaf, len(self.names) + len(self.terminals))
                elif isinstance(leaf, Call) and leaf.rule not in self.number:
                    raise GrammarError(f"nothing says what {leaf.rule} is", keyword=name)
                elif not isinstance(leaf, Call | Epsilon) and leaf is not EMPTY:
                    raise Unenforceable(f"{leaf!r} in a text with gaps", keyword=name)
        automata = {leaf: _char_automaton(leaf) for leaf in self.terminals}
        self.classes, self.n_classes = _byte_classes(automata.values())
        self.n_letters = self.n_classes + len(self.names) + len(self.terminals)
        self.automata = {self.terminals[leaf]: self._terminal(dfa) for leaf, dfa in automata.items()}
        for name, i in self.number.items():
            nfa = _Nfa(self.n_letters)
            nfa.accept[append(rules.bodies[name], nfa.state(), _Body(nfa, self.letter))] = True
            self.automata[i] = nfa.minimal()

    def letter(self, leaf: Regular) -> int:
        """The letter of a call or a terminal."""
        return self.n_classes + (self.number[leaf.rule] if isinstance(leaf, Call) else self.terminals[leaf])

    def network(self) -> Network:
        self._drop_unproductive()
        self._write_out()
        nullable = self._without_empty_texts()
        return self._number_through(nullable)

    def _terminal(self, dfa: CharDfa) -> _Automaton:
        """The automaton of a terminal over classes of bytes."""
        nfa = _Nfa(self.n_letters)
        for accept in dfa.accept.tolist() or [0]:
            nfa.state(bool(accept))
        for state, row in enumerate(dfa.trans.tolist()):
            for target in sorted({t for t in row if t >= 0}):
                points = charset.union(*(s for s, t in zip(dfa.class_sets, row, strict=True) if t == target))
                for spans in utf8(points):
                    at = state
                    for i, (low, high) in enumerate(spans):
                        to = target if i == len(spans) - 1 else nfa.state()
                        nfa.edges[at].append((tuple(sorted(set(self.classes[low : high + 1].tolist()))), to))
                        at = to
        return nfa.minimal()

    def _callees(self, automaton: _Automaton) -> set[int]:
        used = (automaton.trans[:, self.n_classes :] >= 0).any(axis=0)
        return set(np.nonzero(used)[0].tolist())

    def _forget(self, dropped: set[int]) -> None:
        """Remove nonterminals and the calls of them."""
        for i in dropped:
            self.automata.pop(i, None)
        columns = [self.n_classes + i for i in sorted(dropped)]
        for i, automaton in self.automata.items():
            if self._callees(automaton) & dropped:
                automaton.trans[:, columns] = -1
                trans, accept = minimise(automaton.trans, automaton.accept.astype(np.int32))
                self.automata[i] = _Automaton(trans, accept > 0)

    def _drop_unproductive(self) -> None:
        """Leave out what derives no text, then what the start does not reach."""
        while dropped := self.automata.keys() - self._deriving(letters=True):
            self._forget(dropped)
        if 0 not in self.automata:
            raise Unsatisfiable("no text can be derived", keyword=self.names[0])
        self._drop_unreachable()

    def _drop_unreachable(self) -> None:
        reached, pending = {0}, [0]
        while pending:
            new = self._callees(self.automata[pending.pop()]) - reached
            reached |= new
            pending += new
        self.automata = {i: self.automata[i] for i in sorted(reached)}

    def _deriving(self, *, letters: bool) -> set[int]:
        """The nonterminals that derive a text, or the empty text (without letters): a least fixed point over their
        automata."""
        known: set[int] = set()
        n_before = -1
        while len(known) > n_before:
            n_before = len(known)
            for i, automaton in self.automata.items():
                if i not in known and self._reaches(automaton, known, letters=letters):
                    known.add(i)
        return known

    def _reaches(self, automaton: _Automaton, known: set[int], *, letters: bool) -> bool:
        """Whether acceptance is reached by calls of known nonterminals, and by letters too where that is asked."""
        columns = list(range(self.n_classes)) if letters else []
        columns += [self.n_classes + i for i in known]
        seen, pending = {0}, [0] if automaton.size else []
        while pending:
            state = pending.pop()
            if automaton.accept[state]:
                return True
            new = {t for t in automaton.trans[state, columns].tolist() if t >= 0} - seen
            seen |= new
            pending += new
        return False

    def _write_out(self) -> None:
        """Turn recursion at the edges into loops, and write automata into their callers until no more of that is
        possible."""
        kept: set[int] = {0}
        for i in self.automata:
            self.automata[i] = self._looped(i)
        while True:
            callers = {i: [j for j, a in self.automata.items() if i in self._callees(a)] for i in self.automata}
            ready = [i for i in self.automata if i not in kept and i not in callers[i]]
            if not ready:
                return self._drop_unreachable()
            i = min(ready, key=lambda i: (len(callers[i]) * self.automata[i].size, i))
            try:
                written = {j: self._written_into(j, i) for j in callers[i]}
            except LimitExceeded:
                kept.add(i)
                continue
            self.automata.update(written)
            del self.automata[i]
            for j in written:
                self.automata[j] = self._looped(j)

    def _written_into(self, caller: int, callee: int) -> _Automaton:
        """The automaton of a caller with that of a callee in the place of each call: one copy for each place it goes on
        at."""
        outer, inner = self.automata[caller], self.automata[callee]
        letter = self.n_classes + callee
        behind = outer.trans[:, letter].copy()
        if outer.size + inner.size * len(set(behind[behind >= 0].tolist())) > 4 * WRITTEN_OUT:
            raise LimitExceeded("regex_states", outer.size * inner.size, WRITTEN_OUT)
        plain = outer.trans.copy()
        plain[:, letter] = -1
        nfa = _Nfa(self.n_letters)
        nfa.copy(_Automaton(plain, outer.accept))
        for target in sorted(set(behind[behind >= 0].tolist())):
            begin = nfa.copy(inner, leave=target)
            for state in np.nonzero(behind == target)[0].tolist():
                nfa.jumps[state].append(begin)
        return nfa.minimal(max(WRITTEN_OUT, outer.size + 1))

    def _looped(self, i: int) -> _Automaton:
        """The automaton without direct left recursion and without calls of itself in last place."""
        automaton = self.automata[i]
        for _ in range(_ROUNDS):
            letter = self.n_classes + i
            calls = automaton.trans[:, letter]
            left = int(calls[0])
            if left >= 0:
                automaton = self._left_looped(automaton, letter, left)
                continue
            only = automaton.accept.sum() == 1
            last = [
                s
                for s, t in enumerate(calls.tolist())
                if t >= 0 and automaton.accept[t] and (only or (automaton.trans[t] < 0).all())
            ]
            if not last:
                break
            automaton = self._right_looped(automaton, letter, last)
        return automaton

    def _left_looped(self, automaton: _Automaton, letter: int, behind: int) -> _Automaton:
        """X = a | X b is a b*: wherever the text may end, it may go on behind the call."""
        nfa = _Nfa(self.n_letters)
        start = nfa.state(bool(automaton.accept[0]))
        base = nfa.copy(automaton)
        nfa.edges[start] = [
            (kept, target) for letters, target in nfa.edges[base] if (kept := tuple(a for a in letters if a != letter))
        ]
        for state, accept in enumerate(nfa.accept):
            if accept:
                nfa.jumps[state].append(base + behind)
        return nfa.minimal()

    def _right_looped(self, automaton: _Automaton, letter: int, last: Sequence[int]) -> _Automaton:
        """A call of itself in last place is a jump to the start."""
        trans = automaton.trans.copy()
        trans[list(last), letter] = -1
        nfa = _Nfa(self.n_letters)
        nfa.copy(_Automaton(trans, automaton.accept))
        for state in last:
            nfa.jumps[state].append(0)
        return nfa.minimal()

    def _without_empty_texts(self) -> bool:
        """Let calls of nullable nonterminals be passed over, and no automaton accept the empty text; whether the start
        did."""
        nullable = self._deriving(letters=False)
        for i, automaton in self.automata.items():
            nfa = _Nfa(self.n_letters)
            start = nfa.state()
            base = nfa.copy(automaton)
            for state, row in enumerate(automaton.trans.tolist()):
                nfa.jumps[base + state] += {
                    base + row[self.n_classes + j] for j in nullable if row[self.n_classes + j] >= 0
                }
            pending, closure = [base], {base}
            while pending:
                new = set(nfa.jumps[pending.pop()]) - closure
                closure |= new
                pending += new
            nfa.edges[start] = [edge for state in sorted(closure) for edge in nfa.edges[state]]
            self.automata[i] = nfa.minimal()
        while dropped := {i for i, a in self.automata.items() if i and not a.size}:
            self._forget(dropped)
        self._drop_unreachable()
        return 0 in nullable

    def _number_through(self, nullable: bool) -> Network:
        order = list(self.automata)
        base = dict(zip(order, np.cumsum([0, *(self.automata[i].size for i in order)]).tolist(), strict=False))
        place = {i: k for k, i in enumerate(order)}
        step = [np.zeros((0, self.n_classes), np.int32)]
        calls: list[list[tuple[int, int]]] = []
        for i in order:
            trans = self.automata[i].trans
            moved = np.where(trans >= 0, trans + base[i], -1).astype(np.int32)
            step.append(moved[:, : self.n_classes])
            for row in moved[:, self.n_classes :].tolist():
                calls.append([(place[j], t) for j, t in enumerate(row) if t >= 0])
        table = np.concatenate(step)
        sizes = [self.automata[i].size for i in order]
        final = np.concatenate([self.automata[i].accept for i in order]).astype(np.uint8)
        owner = np.repeat(np.arange(len(order)), sizes).astype(np.int32)
        names = [self.names[i] if i < len(self.names) else "" for i in order]
        first = [base[i] for i in order]
        classes, table = _merge_classes(self.classes, table)
        return Network(classes, table, calls, final, owner, first, names, nullable)


def _merge_classes(classes: I32, step: I32) -> tuple[I32, I32]:
    """Unite classes that no state tells apart, unless well-formed UTF-8 does."""
    firsts = [int(np.argmax(classes == c)) for c in range(step.shape[1])]
    number: dict[tuple[int, ...], int] = {}
    merged = [
        number.setdefault((_utf8_kind(b), *column), len(number))
        for b, column in zip(firsts, step.T.tolist(), strict=True)
    ]
    kept = [merged.index(c) for c in range(len(number))]
    return np.array(merged, np.int32)[classes], np.ascontiguousarray(step[:, kept])


# first bytes of the parts into which well-formed UTF-8 divides all bytes (The Unicode Standard, table 3-7)
_UTF8_PARTS = (0x00, 0x80, 0x90, 0xA0, 0xC0, 0xC2, 0xE0, 0xE1, 0xED, 0xEE, 0xF0, 0xF1, 0xF4, 0xF5)


def _utf8_kind(byte: int) -> int:
    return int(np.searchsorted(_UTF8_PARTS, byte, "right"))


def _char_automaton(leaf: Regular) -> CharDfa:
    return leaf.dfa if isinstance(leaf, Language) else char_dfa.compile(leaf)


def _byte_classes(terminals: Iterable[CharDfa]) -> tuple[I32, int]:
    """Classes of bytes that no terminal tells apart."""
    cuts = set(_UTF8_PARTS)
    signatures: list[tuple[tuple[int, int], ...]] = []
    for dfa in terminals:
        for points in dfa.class_sets:
            signatures += [tuple(spans) for spans in utf8(points)]
    cuts |= {edge for spans in signatures for low, high in spans for edge in (low, high + 1)}
    starts = sorted(cuts - {256})
    classes = np.searchsorted(starts, np.arange(256), "right").astype(np.int32) - 1
    return classes, len(starts)


@lru_cache(maxsize=4096)
def utf8(points: CharSet) -> list[tuple[tuple[int, int], ...]]:
    """Sequences of byte ranges that spell exactly the characters of a set."""
    return [spans for low, end in zip(points[::2], points[1::2], strict=True) for spans in _utf8_range(low, end - 1)]


def _utf8_range(low: int, high: int) -> Iterator[tuple[tuple[int, int], ...]]:
    for limit in (0x7F, 0x7FF, 0xD7FF, 0xFFFF):
        if low <= limit < high:
            yield from _utf8_range(low, limit)
            yield from _utf8_range(max(limit + 1, 0xE000) if limit == 0xD7FF else limit + 1, high)
            return
    if low > high or (low >= 0xD800 and high <= 0xDFFF):
        return
    if high < 0x80:
        yield ((low, high),)
        return
    for first, last in charset.split_digits(low, high, (6, 12, 18)):
        yield tuple(zip(chr(first).encode(), chr(last).encode(), strict=True))
