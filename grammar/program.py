"""Regular expressions as programs of four instructions: Thompson's automaton on flat lists."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from itertools import accumulate, chain
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .charset import CharSet
from .errors import LimitExceeded, Unenforceable
from .regular import Alt, And, Chars, Epsilon, Look, Not, Regular, Repeat, Seq

if TYPE_CHECKING:
    from .dfa import CharDfa

SPLIT, ACCEPT, FIRST_LOOK = -1, -2, -3
# Code may be this many times longer than the largest automaton that is allowed.
LENGTH_PER_STATE = 16
_INT32 = np.dtype(np.int32)


class Code:
    """Instructions i = 0, 1, ...; a fragment begins at its first one and ends by falling through its last.

    ====================== ===================================================================
    ``label[i] >= 0``      read a character of the set with this number, then go to i + 1
    ``SPLIT``              go to ``x[i]`` and to ``y[i]``; equal ones are a jump, x = y = i fails
    ``ACCEPT``             the text is accepted here
    ``FIRST_LOOK - j``     go to i + 1 if assertion j holds here
    ====================== ===================================================================
    """

    def __init__(self) -> None:
        self.label: list[int] = []
        self.x: list[int] = []
        self.y: list[int] = []

    def put(self, label: int, x: int = 0, y: int = 0) -> None:
        """Append an instruction."""
        self.label.append(label)
        self.x.append(x)
        self.y.append(y)

    def jump(self, target: int) -> None:
        """Append a jump."""
        self.put(SPLIT, target, target)

    def copy(self, start: int, times: int) -> None:
        """Append copies of the last instructions from `start` on, a fragment."""
        label, x, y = self.label[start:], self.x[start:], self.y[start:]
        self.label += label * times
        for i in range(1, times + 1):
            self.x += [target + i * len(x) for target in x]
            self.y += [target + i * len(x) for target in y]

    def graph(
        self, first: Sequence[int], edges: Sequence[Sequence[tuple[int, Sequence[int]]]], accept: Sequence[bool]
    ) -> None:
        """Append a nondeterministic automaton as a fragment that ends where the automaton accepts.

        Parameters
        ----------
        first : sequence of int
            Start states.
        edges : sequence
            For each state its edges (number of a set, target states).
        accept : sequence of bool
        """
        label, x, y = self.label, self.x, self.y
        address = [len(label) + max(len(first), 1)]
        for ways, accepts in zip(edges, accept, strict=True):
            size = sum([2 + len(targets) for _, targets in ways])
            address.append(address[-1] + (size + 1 if accepts or not ways else size - 1))
        self._fork([address[state] for state in first] or [len(label)])
        for ways, accepts in zip(edges, accept, strict=True):
            last = len(ways) - (not accepts)
            for k, (points, targets) in enumerate(ways):
                at = len(label)
                if k != last:
                    label.append(SPLIT)
                    x.append(at + 1)
                    y.append(at + 2 + len(targets))
                label.append(points)
                x.append(0)
                y.append(0)
                self._fork([address[state] for state in targets])
            if accepts or not ways:
                self.jump(address[-1] if accepts else len(label))

    def _fork(self, targets: Sequence[int]) -> None:
        at, *others = targets
        first = len(self.label)
        self.label += [SPLIT] * len(targets)
        self.x += [*others, at]
        self.y += [*range(first + 1, first + len(targets)), at]


def packed(code: Code, sets: Sequence[CharSet]) -> NDArray[np.int32]:
    """Code and the sets that it reads as :func:`detent.native.dfa.compiled` takes them."""
    words = array("i", code.label)
    words.extend(code.x)
    words.extend(code.y)
    words.extend(accumulate(map(len, sets)))
    words.extend(chain.from_iterable(sets))
    return np.frombuffer(words, _INT32)


class Program:
    """Code of an expression.

    Parameters
    ----------
    node : Regular
    automaton : callable
        Makes the automaton of an `And` or a `Not`.
    max_states : int
        Raises LimitExceeded where the code passes `LENGTH_PER_STATE` times this length.

    Attributes
    ----------
    code : Code
    sets : dict
        The sets of characters and their numbers.
    looks : dict
        The assertions and their numbers.
    """

    def __init__(self, node: Regular, automaton: Callable[[Regular], CharDfa], max_states: int) -> None:
        self.code = Code()
        self.sets: dict[CharSet, int] = {}
        self.looks: dict[Look, int] = {}
        self._automaton = automaton
        self._max_states = max_states
        self._embedded: dict[Regular, CharDfa] = {}
        self._emit(node)
        self.code.put(ACCEPT)

    def _emit(self, node: Regular) -> None:
        code = self.code
        if isinstance(node, Chars):
            code.put(self.sets.setdefault(node.points, len(self.sets)))
        elif isinstance(node, Seq):
            for part in node.parts:
                self._emit(part)
        elif isinstance(node, Repeat):
            self._repeat(node)
        elif isinstance(node, Alt):
            self._alt(node)
        elif isinstance(node, Look):
            code.put(FIRST_LOOK - self.looks.setdefault(node, len(self.looks)))
        elif isinstance(node, And | Not):
            if has_look(node):
                raise Unenforceable("an assertion inside an intersection or complement", keyword="pattern")
            if node not in self._embedded:
                self._embedded[node] = self._automaton(node)
            self._embed(self._embedded[node])
        elif not isinstance(node, Epsilon):
            code.jump(len(code.label))

    def _alt(self, node: Alt) -> None:
        code, jumps = self.code, []
        for part in node.parts[:-1]:
            split = len(code.label)
            code.put(SPLIT, split + 1)
            self._emit(part)
            jumps.append(len(code.label))
            code.put(SPLIT)
            code.y[split] = len(code.label)
        self._emit(node.parts[-1])
        for jump in jumps:
            code.x[jump] = code.y[jump] = len(code.label)

    def _repeat(self, node: Repeat) -> None:
        """``low`` copies, then a loop, or optional copies each of which may leave for the end at once."""
        code, low, high = self.code, node.low, node.high
        if low:
            size = self._copies(node.part, low, optional=False)
            if high is None:
                code.put(SPLIT, len(code.label) - size, len(code.label) + 1)
        elif high is None:
            start = len(code.label)
            code.put(SPLIT, start + 1)
            self._emit(node.part)
            code.jump(start)
            code.y[start] = len(code.label)
        if high is not None and high > low:
            start = len(code.label)
            size = self._copies(node.part, high - low, optional=True)
            for split in range(start, len(code.label), size):
                code.y[split] = len(code.label)

    def _copies(self, part: Regular, times: int, *, optional: bool) -> int:
        """Append a part several times, each after a split whose second way is open if optional; length of one."""
        code, start = self.code, len(self.code.label)
        if optional:
            code.put(SPLIT, start + 1)
        self._emit(part)
        size = len(code.label) - start
        length = start + size * times
        if length > LENGTH_PER_STATE * self._max_states:
            raise LimitExceeded("regex_states", length // LENGTH_PER_STATE, self._max_states, keyword="pattern")
        code.copy(start, times - 1)
        return size

    def _embed(self, dfa: CharDfa) -> None:
        numbers = [self.sets.setdefault(points, len(self.sets)) for points in dfa.class_sets]
        edges = [[(numbers[c], (t,)) for c, t in enumerate(row) if t >= 0] for row in dfa.trans.tolist()]
        self.code.graph(range(min(len(edges), 1)), edges, dfa.accept.tolist())


def has_look(node: Regular) -> bool:
    """Whether an assertion occurs in the expression."""
    if isinstance(node, Seq | Alt | And):
        return any(map(has_look, node.parts))
    return isinstance(node, Look) or (isinstance(node, Repeat | Not) and has_look(node.part))
