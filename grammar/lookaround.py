"""Assertions (lookahead, lookbehind, boundaries) compiled away: a program without them that accepts the same texts.

An assertion at a place of a text is a property of the text with that place marked: ``left # right`` is in
``[any]* # part [any]*`` (ahead) or in ``[any]* part # [any]*`` (behind). This language is regular; let D be its
automaton. While a text is read from the left,

* the state that D is in without the mark is a function of the text read; every thread carries it;
* a thread that meets the assertion takes D's step on ``#``. If the state then accepts every text (it always does, or
  none, for a lookbehind), the assertion is settled. Otherwise the thread owes it: it carries D's state along, and may
  accept only if D does (does not, for a negative assertion).

So the threads are the states of a plain nondeterministic automaton. Nested assertions need nothing more: D is made by
this very construction, in which the marks of the outer assertions are invisible. A mark is a surrogate, which no text
holds and no set names; each depth of nesting has its own.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from . import charset
from .errors import LimitExceeded
from .program import ACCEPT, FIRST_LOOK, SPLIT, Code, Program
from .regular import ANY_TEXT, Look, Regular, chars, seq

if TYPE_CHECKING:
    from .charset import CharSet
    from .dfa import CharDfa

FIRST_MARK, LAST_MARK = 0xD800, 0xDFFF
# Threads, for each state of the automaton that is allowed.
THREADS_PER_STATE = 2

# What a thread owes: pairs (assertion, state of its automaton).
Debts: TypeAlias = "frozenset[tuple[int, int]]"
# States of the assertions' automata without their marks, instruction, debts.
Thread: TypeAlias = "tuple[tuple[int, ...], int, Debts]"


def marked(look: Look, depth: int) -> Regular:
    """The texts with one mark, where the assertion (taken positively) holds."""
    mark = chars((FIRST_MARK + depth, FIRST_MARK + depth + 1))
    if look.behind:
        return seq(ANY_TEXT, look.part, mark, ANY_TEXT)
    return seq(ANY_TEXT, mark, look.part, ANY_TEXT)


def is_mark(point: int) -> bool:
    """Whether a code point is a mark rather than a character."""
    return FIRST_MARK <= point <= LAST_MARK


class _Assertion:
    """An assertion's automaton over the classes of the whole program."""

    def __init__(self, look: Look, dfa: CharDfa, depth: int, points: list[int]) -> None:
        starts, cls = dfa.starts.tolist(), dfa.cls.tolist()
        self.negative = look.negative
        self.rows: list[list[int]] = dfa.trans.tolist()
        self.accept: list[int] = dfa.accept.tolist()
        self.columns = [cls[bisect_right(starts, point) - 1] for point in points]
        self.mark = cls[bisect_right(starts, FIRST_MARK + depth) - 1]
        text_columns = {c for c, point in zip(self.columns, points, strict=True) if not is_mark(point)}
        self.universal = {
            s for s, row in enumerate(self.rows) if self.accept[s] and {row[c] for c in text_columns} == {s}
        }
        # States that any character leads on from to the same state, as one of them; -1 stays what it is.
        first: dict[tuple[int, ...], int] = {}
        ordered = sorted(text_columns)
        self.alike = [first.setdefault(tuple([row[c] for c in ordered]), s) for s, row in enumerate(self.rows)] + [-1]

    def debt(self, state: int, column: int) -> int | None:
        """What is owed after a step from a state: the next state; -1 nothing, as it is settled; None, it has failed."""
        state = self.rows[state][column] if state >= 0 else -1
        if state >= 0 and state not in self.universal:
            return state
        return None if self.negative == (state >= 0) else -1


class _Threads:
    """The threads of a program with assertions, found one after another."""

    def __init__(
        self, program: Program, assertions: list[_Assertion], points: list[int], member: list[list[int]]
    ) -> None:
        self.code, self.assertions = program.code, assertions
        self.invisible = list(map(is_mark, points))
        alike: dict[tuple[int, ...], list[int]] = {}  # classes that the assertions do not tell apart
        for c, invisible in enumerate(self.invisible):
            alike.setdefault((-1,) if invisible else tuple(a.columns[c] for a in assertions), []).append(c)
        kept = ([[c for c in classes if row[c]] for classes in alike.values()] for row in member)
        self.read = [list(filter(None, groups)) for groups in kept]  # of each set
        self.reads_mark = [any(self.invisible[classes[0]] for classes in groups) for groups in self.read]
        self.number: dict[Thread, int] = {}
        self.order: list[Thread] = []
        self._moved: dict[tuple[tuple[int, ...], Debts, int], tuple[tuple[int, ...], Debts] | None] = {}

    def enter(self, left: tuple[int, ...], at: int, debts: Debts) -> tuple[int, ...]:
        """Numbers of the threads that read or accept, after splits and assertions.

        Such a thread meets an assertion behind the next character only: of what was read, it need not tell apart what
        that character makes one.
        """
        label, x, y = self.code.label, self.code.x, self.code.y
        further = tuple([a.alike[s] for a, s in zip(self.assertions, left, strict=True)])
        seen, stack, found = {(at, debts)}, [(at, debts)], []
        while stack:
            i, debts = stack.pop()
            if label[i] >= 0 or label[i] == ACCEPT:
                stays = label[i] >= 0 and self.reads_mark[label[i]]
                found.append(self._numbered((left if stays else further, i, debts)))
                continue
            if label[i] == SPLIT:
                targets = [(x[i], debts), (y[i], debts)]
            else:
                j = FIRST_LOOK - label[i]
                debt = self.assertions[j].debt(left[j], self.assertions[j].mark)
                targets = [] if debt is None else [(i + 1, debts if debt < 0 else debts | {(j, debt)})]
            stack += [target for target in targets if target not in seen]
            seen.update(targets)
        return tuple(sorted(found))

    def _numbered(self, thread: Thread) -> int:
        number = self.number.setdefault(thread, len(self.order))
        if number == len(self.order):
            self.order.append(thread)
        return number

    def steps(self, thread: Thread) -> dict[tuple[int, ...], list[int]]:
        """Threads after one character, with the classes that lead to them."""
        label = self.code.label[thread[1]]
        ways: dict[tuple[int, ...], list[int]] = {}
        for classes in self.read[label] if label != ACCEPT else ():
            if targets := self._step(thread, classes[0]):
                ways.setdefault(targets, []).extend(classes)
        return ways

    def _step(self, thread: Thread, c: int) -> tuple[int, ...]:
        """Threads after a character of a class that the thread reads."""
        left, i, debts = thread
        if self.invisible[c]:
            return self.enter(left, i + 1, debts)
        key = left, debts, c  # threads are many, these are few
        if key not in self._moved:
            self._moved[key] = self._move(left, debts, c)
        moved = self._moved[key]
        return () if moved is None else self.enter(moved[0], i + 1, moved[1])

    def _move(self, left: tuple[int, ...], debts: Debts, c: int) -> tuple[tuple[int, ...], Debts] | None:
        """What a thread carries after a character of a class; None where an assertion has failed."""
        owed = {(j, self.assertions[j].debt(state, self.assertions[j].columns[c])) for j, state in debts}
        if any(debt is None for _, debt in owed):
            return None
        moved = [a.rows[s][a.columns[c]] if s >= 0 else -1 for a, s in zip(self.assertions, left, strict=True)]
        return tuple(moved), frozenset((j, debt) for j, debt in owed if debt is not None and debt >= 0)

    def accepts(self, thread: Thread) -> bool:
        """Whether the text may end here."""
        return self.code.label[thread[1]] == ACCEPT and all(
            self.assertions[j].accept[state] != self.assertions[j].negative for j, state in thread[2]
        )


def expand(
    program: Program, automaton: Callable[[Regular, int], CharDfa], depth: int, max_states: int
) -> tuple[Code, list[CharSet]]:
    """A program without assertions.

    Parameters
    ----------
    program : Program
    automaton : callable
        Compiles an expression at a depth of nesting.
    depth : int
        Number of assertions around the program.
    max_states : int
        Raises LimitExceeded beyond `THREADS_PER_STATE` times so many threads.

    Returns
    -------
    code : Code
    sets : list of CharSet
        Those that the code reads, by number.
    """
    automata = [automaton(marked(look, depth), depth + 1) for look in program.looks]
    starts, cls, member = charset.partition([*program.sets, *(s for dfa in automata for s in dfa.class_sets)])
    points = [starts[cls.index(c)] for c in range(len(member[0]))]
    assertions = [_Assertion(look, dfa, depth, points) for look, dfa in zip(program.looks, automata, strict=True)]
    threads = _Threads(program, assertions, points, member)
    first = threads.enter(tuple(min(len(a.rows), 1) - 1 for a in assertions), 0, frozenset())
    ways: list[dict[tuple[int, ...], list[int]]] = []
    for thread in threads.order:
        if len(threads.order) > THREADS_PER_STATE * max_states:
            raise LimitExceeded("regex_states", len(threads.order) // THREADS_PER_STATE, max_states, keyword="pattern")
        ways.append(threads.steps(thread))
    groups: dict[tuple[int, ...], int] = {}
    labelled = [
        [(groups.setdefault(tuple(sorted(cs)), len(groups)), targets) for targets, cs in way.items()] for way in ways
    ]
    code = Code()
    code.graph(first, labelled, [threads.accepts(thread) for thread in threads.order])
    code.put(ACCEPT)
    by_class = charset.sets_of_classes(starts, cls, len(points))
    return code, [charset.union(*(by_class[c] for c in group)) for group in groups]
