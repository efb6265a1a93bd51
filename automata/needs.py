"""What stacks need below their top to be completed: the pushdown system of lexer and LR parser.

From a state of the parser on top of a stack, some text leads either to the end of the text, whatever is below
(``ALIVE``), or to a reduction that takes the state away, and more: a *need* (nonterminal, how many cells are still to
be taken away), with the *letters* (:mod:`.carries`) before which that happens. Needs are the least solution of a system
of equations over states and blocks of carries, in the manner of A. Bouajjani, J. Esparza and O. Maler, "Reachability
Analysis of Pushdown Automata" (1997): the transitions of an automaton that reads a stack from the top.

The system is solved as far as it is asked about, nearest texts first, so that an answer can be had at the first way
out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TypeAlias

import numpy as np

from detent.grammar.lark.tables import ACCEPT, ParserTables

from .carries import LIVING, Carries

Path: TypeAlias = "tuple[int, ...]"  # states that stand on the rest of a stack, the top last
Need: TypeAlias = "tuple[int, int]"
Facts: TypeAlias = "dict[Need, int]"  # the letters of each need
Row: TypeAlias = "tuple[list[tuple[int, int, int]], int, int]"  # (letters, nonterminal, length); of shifts; of the end
ALIVE: Need = (-1, -1)


class Node:
    """A set of needs in the making.

    Attributes
    ----------
    equation : tuple of int or None
        What it stands for, if that was not yet looked at.
    facts, fresh : Facts
        What is known so far, and what its users have not been told.
    users : list of (Node, Path)
        What is needed below a path, a node takes over.
    seen : dict of Path to int
        The letters that were read above each path.
    is_kept : bool
        Whether it is told what becomes known later.
    """

    __slots__ = ("equation", "facts", "fresh", "is_kept", "seen", "users")

    def __init__(self, equation: tuple[int, int, bool] | None = None) -> None:
        self.equation, self.is_kept = equation, equation is not None
        self.facts: Facts = {}
        self.fresh: Facts = {}
        self.users: list[tuple[Node, Path]] = []
        self.seen: dict[Path, int] = {}


class Needs:
    """The equations of one grammar.

    Parameters
    ----------
    parser : ParserTables
    carries : Carries

    Attributes
    ----------
    n_steps : int
        What was done so far: letters read above paths, and needs told.
    """

    def __init__(self, parser: ParserTables, carries: Carries) -> None:
        self._action = parser.action
        states, nonterminals = np.nonzero(parser.goto >= 0)
        places = zip(states.tolist(), nonterminals.tolist(), strict=True)
        self._goto = dict(zip(places, parser.goto[states, nonterminals].tolist(), strict=True))
        self._left, self._length = parser.rule_left.tolist(), parser.rule_length.tolist()
        self._context, self._carries = parser.context.tolist(), carries
        self._nodes: dict[tuple[int, int, bool], Node] = {}
        self._pending: deque[Node] = deque()
        self._actions: dict[int, list[int]] = {}
        self._rows: dict[int, Row] = {}
        self._n_letters = 0  # that the rows know of
        self.n_steps = 0

    @property
    def is_solved(self) -> bool:
        """Whether all that was asked about is known."""
        return not self._pending

    def solve(self, n_steps: int) -> int:
        """Go on with what was asked about, for some steps: how many were done."""
        before, end = self.n_steps, self.n_steps + n_steps
        while self._pending and self.n_steps < end:
            node = self._pending.popleft()
            if node.equation is not None:
                self._begin(node, *node.equation)
                node.equation = None
            fresh, node.fresh = node.fresh, {}
            for user, path in node.users:
                self._tell(user, path, fresh)
        return self.n_steps - before

    def between(self, state: int, context: int, carry: int) -> Facts:
        """What is needed, as far as is known, between two tokens in a context."""
        return self._node(state, self._carries.block(context, carry)).facts

    def behind(self, state: int, letter: int) -> Facts:
        """What is needed if a letter is read next that is not ignored."""
        node = Node()
        self._read(node, (state,), 1 << letter)
        return node.facts

    def below(self, facts: Facts, state: int) -> Facts:
        """What is needed of the rest of a stack so that its top, a state, meets a need."""
        node = Node()
        self._tell(node, (state,), facts)
        return node.facts

    # --------------------------------------------------------------------------------------------------- equations
    def _node(self, state: int, number: int, is_letter: bool = False) -> Node:
        """What is needed between two tokens, behind a block of carries, or if a letter is shifted."""
        key = state, number, is_letter
        node = self._nodes.get(key)
        if node is None:
            node = self._nodes[key] = Node(key)
            if number == LIVING and not is_letter:
                node.equation, node.facts = None, {ALIVE: 1}
            else:
                self._pending.append(node)
        return node

    def _begin(self, node: Node, state: int, number: int, is_letter: bool) -> None:
        """Read the letters of a node, each of which is a node of its own if it is shifted."""
        carries = self._carries
        if is_letter:
            to = self._actions_in(state)[carries.tags[number]] - 1
            self._use(node, (state,), self._node(to, carries.behind(number, self._context[to])))
            return
        letters = carries.letters[number]
        self._read(node, (state,), letters & ~carries.ignored)
        for letter in _members(letters & carries.ignored):
            self._use(node, (), self._node(state, carries.behind_ignored(letter)))

    def _use(self, node: Node, path: Path, source: Node) -> None:
        """Let a node have what another one needs, below a path."""
        if node.is_kept and ALIVE not in source.facts:
            source.users.append((node, path))
        self._tell(node, path, source.facts)

    def _tell(self, node: Node, path: Path, facts: Facts) -> None:
        """Let a node have needs, below a path."""
        for (nonterminal, more), letters in list(facts.items()):
            self.n_steps += 1
            if nonterminal < 0:
                self._add(node, ALIVE, letters)
            elif more >= len(path):
                self._add(node, (nonterminal, more - len(path)), letters)
            else:
                self._go(node, path[: len(path) - more], nonterminal, letters)

    def _go(self, node: Node, path: Path, nonterminal: int, letters: int) -> None:
        """Read a nonterminal above a path, and then a letter."""
        to = self._goto.get((path[-1], nonterminal))
        if to is not None:
            self._read(node, (*path, to), letters)

    def _read(self, node: Node, path: Path, letters: int) -> None:
        """Read one of some letters above a path; a parser that puts more states there than it has never ends."""
        pending = [(path, letters)]
        while pending:
            path, letters = pending.pop()
            letters &= ~node.seen.get(path, 0)
            if not letters or ALIVE in node.facts or len(path) > len(self._action) + 1:
                continue
            node.seen[path] = node.seen.get(path, 0) | letters
            self.n_steps += 1
            reduced, shifted, accepted = self._row(path[-1])
            if letters & accepted:
                self._add(node, ALIVE, 1)
            for before, nonterminal, length in reduced:
                if letters & before and length >= len(path):
                    self._add(node, (nonterminal, length - len(path)), letters & before)
                elif letters & before:
                    rest = path[: len(path) - length]
                    to = self._goto.get((rest[-1], nonterminal))
                    if to is not None:
                        pending.append(((*rest, to), letters & before))
            for letter in _members(letters & shifted):
                self._use(node, path[:-1], self._node(path[-1], letter, True))

    def _add(self, node: Node, need: Need, letters: int) -> None:
        """Add what may be read before some letters to a node's needs."""
        known = node.facts.get(need, 0)
        letters &= ~known
        if not letters or ALIVE in node.facts:
            return
        node.facts[need] = known | letters
        if node.is_kept:
            if not node.fresh and node.equation is None:
                self._pending.append(node)
            node.fresh[need] = node.fresh.get(need, 0) | letters

    def _row(self, state: int) -> Row:
        """What the parser does in a state: rules it reduces by, and before which letters; those it shifts; the end."""
        if self._n_letters != len(self._carries):
            self._rows, self._n_letters = {}, len(self._carries)
        found = self._rows.get(state)
        if found is None:
            actions = self._actions_in(state)
            reduced: dict[tuple[int, int], int] = {}
            shifted = accepted = 0
            for tag, letters in self._carries.with_tag.items():
                action = actions[tag]
                if action > 0:
                    shifted |= letters
                elif action == ACCEPT:
                    accepted |= letters
                elif action < 0:
                    rule = self._left[-1 - action], self._length[-1 - action]
                    reduced[rule] = reduced.get(rule, 0) | letters
            found = self._rows[state] = [(before, *rule) for rule, before in reduced.items()], shifted, accepted
        return found

    def _actions_in(self, state: int) -> list[int]:
        actions = self._actions.get(state)
        if actions is None:
            actions = self._actions[state] = self._action[state].tolist()
        return actions


def _members(letters: int) -> Iterator[int]:
    """The numbers of the bits that are set."""
    while letters:
        yield (letters & -letters).bit_length() - 1
        letters &= letters - 1


__all__ = ["ALIVE", "Facts", "Needs"]
