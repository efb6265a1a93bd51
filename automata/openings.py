"""Islands that begin where a token could still go on: whether a text can be stuck in one of them.

A token ends where it would end in the whole text, that of the island behind it included. So where an island may begin
with what makes a longer token, the lexer reads on beside it: when that token matches, the island was none, and if the
parser has no use for the longer token, the text is stuck. Whatever has been read of an island, there must be a way on
by which all that was left over (:mod:`detent.native.leftovers`) dies unmatched: inside the island, or with the first
character behind it. Where there is none, or none is known, the grammar is refused.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TypeAlias

import numpy as np

from detent.grammar.dfa import CharDfa
from detent.grammar.errors import GrammarError, LimitExceeded
from detent.grammar.lark.tables import END, LexerTables

from .dead_ends import Proof, Verdict
from .lexed_islands import LexedIsland
from .rule_lowering import RuleIsland

# what may stand there (states of the island; OPENING, where it could begin; nodes in ignored text, as negative numbers
# from FIRST_NODE on), and the nodes that are left over, or tried beside ignored text; SAVED: none are, the text goes on
Config: TypeAlias = "tuple[frozenset[int], frozenset[int]]"
OPENING, FIRST_NODE = -1, -2
SAVED: Config = (frozenset(), frozenset())


Moves: TypeAlias = "list[tuple[int, int]]"  # classes of the lexer, and the state behind each


class Known:
    """The texts of an island of which the first character is known."""

    def __init__(self, first: set[int]) -> None:
        self._first = first

    def moves(self, state: int) -> Moves:
        """What is read in a state."""
        return [] if state else [(c, 1) for c in sorted(self._first)]

    def may_end(self, state: int) -> bool:
        """Whether it is known that a text may end in a state."""
        return False


class Regular:
    """The texts of an island that are a regular language."""

    def __init__(self, dfa: CharDfa, lexer: LexerTables) -> None:
        starts = np.union1d(lexer.starts, dfa.starts)
        classes = lexer.cls[np.searchsorted(lexer.starts, starts, side="right") - 1]
        columns = dfa.cls[np.searchsorted(dfa.starts, starts, side="right") - 1]
        self._dfa, self._pairs = dfa, np.unique(np.stack([classes, columns]), axis=1).T.tolist()
        self._moves: dict[int, Moves] = {}

    def moves(self, state: int) -> Moves:
        """What is read in a state."""
        if state not in self._moves:
            row = self._dfa.trans[state]
            self._moves[state] = sorted({(c, int(row[column])) for c, column in self._pairs if row[column] >= 0})
        return self._moves[state]

    def may_end(self, state: int) -> bool:
        """Whether a text may end in a state."""
        return bool(self._dfa.accept[state])


def check_openings(proof: Proof, verdict: Verdict, content: LexedIsland) -> None:
    """Refuse islands in which a text may be stuck.

    Raises
    ------
    GrammarError
    LimitExceeded
        ``proof_steps``: more had to be looked at.
    """
    openings, ignored = content.openings(), content.grammar.lexer.ignored
    for number in content.islands:
        before = np.flatnonzero((proof.follows[:, number] != 0) & (ignored == 0)).tolist()
        texts = _texts(content, number, openings[number] or set())
        for t in (END, *(t for t in before if proof.left_behind(t))):
            _Opening(proof, verdict, content, t, number, texts).check()


class _Opening:
    """One island behind one terminal, with ignored text between them or not; behind ``END``: behind ignored text."""

    def __init__(
        self, proof: Proof, verdict: Verdict, content: LexedIsland, before: int, number: int, texts: Known | Regular
    ) -> None:
        self._proof, self._content, self._before, self._number = proof, content, before, number
        self._texts, self._lives = texts, verdict.lives and before != END
        self._start: Config = frozenset([OPENING]), proof.left_behind(before)
        self._is_own, self._is_ignored = proof.are_its_own(before), content.grammar.lexer.ignored != 0
        ignored = [t for t in np.flatnonzero(self._is_ignored).tolist() if not proof.asserts(t)]
        self._ignored = [int(proof.nodes.begin[t]) for t in ignored]
        rivals = np.flatnonzero(proof.before[ignored].any(axis=0) & ~self._is_ignored).tolist()
        self._rivals = [int(proof.nodes.begin[u]) for u in rivals]

    def check(self) -> None:
        """Look at all that may be read of the island while something is left over."""
        users: dict[Config, list[Config]] = defaultdict(list)
        found, pending, n_steps = {self._start}, [self._start], 0
        for config in pending:
            if self._ends_well(*config):
                users[SAVED].append(config)
            for there, is_sure in self._behind(*config):
                n_steps += len(there[0]) + len(there[1])
                if is_sure:
                    users[there].append(config)
                if there != SAVED and there not in found:
                    found.add(there)
                    pending.append(there)
            limit = self._content.limits.proof_steps
            if n_steps > limit:
                raise LimitExceeded("proof_steps", n_steps, limit)
        saved, todo = {SAVED}, [SAVED]
        for config in todo:
            new = set(users[config]) - saved
            saved |= new
            todo += new
        for states, stuck in pending:
            if max(states) >= 0 and (states, stuck) not in saved:
                raise self._error(stuck)

    def _behind(self, states: frozenset[int], left: frozenset[int]) -> Iterator[tuple[Config, bool]]:
        """What characters lead to, and whether that is sure."""
        proof, rivals = self._proof, self._rivals if OPENING in states else []
        steps: dict[int, set[int]] = defaultdict(set)
        for state in states:
            for c, to in (*self._steps_inside(state), *self._steps_ignored(state)):
                steps[c].add(to)
        for c, there in steps.items():
            read = proof.read([*sorted(left), *(rivals if min(there) <= FIRST_NODE else ())], [c])
            rest = frozenset(v for v in read if proof.reads_on(v))
            matched = {int(proof.nodes.owner[v]) for v in read if proof.nodes.ends[v]}
            if not matched or any(proof.asserts(u) for u in matched):
                yield (frozenset(there), rest) if rest else SAVED, not matched
            elif self._is_own and matched == {self._before}:  # the token before was longer: the island is still to come
                yield (frozenset([OPENING]), rest) if rest else SAVED, True
            elif not rest and all(self._is_ignored[u] for u in matched):  # the token before is still to come
                yield self._start, True
            elif self._lives and all(proof.is_implied(self._before, u) for u in matched):
                yield SAVED, True

    def _steps_inside(self, state: int) -> Moves:
        """The classes that the island begins with, or goes on with, and its states then."""
        return self._texts.moves(max(state, 0)) if state > FIRST_NODE else []

    def _steps_ignored(self, state: int) -> Iterator[tuple[int, int]]:
        """The classes that ignored text begins with, or goes on with, and what may stand there then."""
        nodes, sets = self._proof.nodes, self._content.grammar.lexer.sets
        for v in self._ignored if state == OPENING else [FIRST_NODE - state] if state <= FIRST_NODE else ():
            for e in range(nodes.first[v], nodes.first[v + 1]):
                to = int(nodes.leads[e])
                for c in np.flatnonzero(sets[nodes.reads[e]]).tolist():
                    yield c, FIRST_NODE - to
                    if nodes.ends[to]:
                        yield c, OPENING

    def _ends_well(self, states: frozenset[int], left: frozenset[int]) -> bool:
        """Whether the island may end, and whatever the parser wants then is the end of what is left over."""
        if not any(state >= 0 and self._texts.may_end(state) for state in states):
            return False
        proof = self._proof
        wanted = np.flatnonzero((proof.follows[self._number] != 0) & ~self._is_ignored).tolist()
        return not any(proof.read(sorted(left), [c]) for u in wanted for c in proof.first_classes(u))

    def _error(self, left: frozenset[int]) -> GrammarError:
        names = self._content.grammar.terminals
        before = names[self._before] if self._before != END else "ignored text"
        longer = names[min(int(self._proof.nodes.owner[v]) for v in left)]
        return GrammarError(
            f"the island {names[self._number]} cannot be told from a longer token: behind {before}, it "
            f"may begin as {longer} goes on, and the text may be stuck there.",
            keyword=names[self._number],
            hint="Write a terminal before the island that tells them apart.",
        )


def _texts(content: LexedIsland, number: int, first: set[int]) -> Known | Regular:
    """The texts of an island, as far as they are known."""
    inside = content.islands[number]
    if isinstance(inside, RuleIsland):
        automaton = inside.rules.automata[inside.rules.start]
        if not automaton.calls:
            return Regular(automaton.dfa, content.grammar.lexer)
    return Known(first)


__all__ = ["check_openings"]
