"""Which lexer states above which stacks are dead ends: an emptiness test of the pushdown system of lexer and LR stack.

At a place between two tokens, what can still come depends on the stack and on the *carry* of the lexer
(:mod:`detent.native.lexer`). A *letter* is a token together with the carry behind it, ``(tag, carry)``. From a state
of the parser on top of the stack, some text leads either to the end of the text, whatever is below (``ALIVE``), or to
a reduction that takes the state away, and more: a *need* ``(nonterminal, number of cells still to be taken away,
letter read)``, which what is below must meet. The sets of needs are the least solution of a system of equations over
letters and states, in the manner of A. Bouajjani, J. Esparza and O. Maler, "Reachability Analysis of Pushdown
Automata" (1997): they are the transitions of a finite automaton that reads a stack from the top and accepts if some
text can end above it.
"""

from __future__ import annotations

from collections.abc import Iterable
from threading import RLock
from typing import TypeAlias

import numpy as np

from detent.grammar.errors import LimitExceeded
from detent.grammar.lark.tables import ACCEPT, END, LexedGrammar
from detent.native import lexer, positions, stacks
from detent.native.arena import STATUS

from .arena import Arena
from .lowering import Placed

Letter: TypeAlias = "tuple[int, int]"
Need: TypeAlias = "tuple[int, int, Letter]"
Key: TypeAlias = "tuple[str, int, Letter]"  # kind of an equation, state, letter (of 'BETWEEN': 0 and the carry)
BETWEEN, READ, GOTO = "between", "read", "goto"
ALIVE: Need = (-1, -1, (-1, -1))
EVERYTHING = frozenset([ALIVE])
ENDING = 1 << 40  # the letter of the end of the text is (END, ENDING)


class Liveness(Placed):
    """Decides whether a text can be finished.

    Parameters
    ----------
    arena : Arena
    grammar : LexedGrammar
    at : int
        Where the grammar lies in the arena.
    plain_lives : bool
        Whether every stack is alive with a plain carry.
    max_states : int
        LimitExceeded is raised where the first answer needs more states of the lexer, or more equations. Once a text
        has begun, every question is answered.
    """

    def __init__(self, arena: Arena, grammar: LexedGrammar, at: int, *, plain_lives: bool, max_states: int) -> None:
        super().__init__(0)
        self._arena, self._at, self._plain_lives, self._max_states = arena, at, plain_lives, max_states
        self._has_begun = False
        self._lexer = int(arena.A[at + stacks.G_LEXER])
        parser = grammar.parser
        self._action, self._goto = parser.action.tolist(), parser.goto.tolist()
        self._left, self._length = parser.rule_left.tolist(), parser.rule_length.tolist()
        self._context = parser.context.tolist()
        self._next: dict[int, tuple[int, ...]] = {}  # of lexer states
        self._endings: dict[int, tuple[Letter, ...]] = {}
        self._letters: dict[int, frozenset[Letter]] = {}  # of lexer states, the letters of all states behind them
        self._buffer = np.empty(max(grammar.lexer.sets.shape[1], 4096), np.int32)
        self._values: dict[Key, frozenset[Need]] = {}
        self._users: dict[Key, set[Key]] = {}
        self._met: dict[tuple[int, frozenset[Need]], bool] = {}
        self._pending: list[Key] = []
        self._lock = RLock()  # several threads may ask

    # ------------------------------------------------------------------------------------------------- the lexer
    def _checked(self, number: int) -> int:
        if self._arena.A[STATUS] != 0:
            self._arena.full()
        return number

    def _explore(self, state: int) -> list[int]:
        """The states behind one, itself first."""
        found, seen = [state], {state}
        for q in found:
            for to in self._after(q):
                if to not in seen:
                    seen.add(to)
                    found.append(to)
        return found

    def _after(self, q: int) -> tuple[int, ...]:
        """The states one character behind one, whose own endings are then known."""
        after = self._next.get(q)
        if after is None:
            after = self._next[q] = self._completions(q, 0)
            n = self._checked(int(lexer.endings(self._arena.A, q, self._buffer)))
            self._endings[q] = tuple(map(tuple, self._buffer[: 2 * n].reshape(-1, 2).tolist()))
            if len(self._next) > self._max_states and not self._has_begun:
                raise LimitExceeded("regex_states", len(self._next), self._max_states)
        return after

    def _completions(self, q: int, mode: int) -> tuple[int, ...]:
        n = self._checked(int(lexer.completions(self._arena.A, q, mode, self._buffer)))
        return tuple(self._buffer[:n].tolist())

    def _letters_behind(self, state: int) -> frozenset[Letter]:
        """The letters that can come of a token that is being read."""
        found = self._letters.get(state)
        if found is None:
            states = self._explore(state)
            found = self._letters[state] = frozenset(letter for q in states for letter in self._endings[q])
        return found

    # --------------------------------------------------------------------------------------------- the equations
    def _evaluate(self, key: Key) -> frozenset[Need]:
        """The right side of an equation, with the values of now."""
        kind, state, letter = key
        if kind == BETWEEN:
            carry = letter[1]
            if carry >= 0 and self._plain_lives:
                return EVERYTHING
            begin = self._checked(int(lexer.lexer_start(self._arena.A, self._lexer, self._context[state], carry)))
            letters = set(self._letters_behind(begin))
            if lexer.may_stop(self._arena.A, carry):
                letters.add((END, ENDING))
            return self._union(self._value((READ, state, read), key) for read in letters)
        if kind == GOTO:
            nonterminal, state = divmod(state, len(self._action))
            return self._popped(self._value((READ, self._goto[state][nonterminal], letter), key), state, key)
        tag, carry = letter
        if tag == lexer.DROPPED and carry != ENDING:
            return self._value((BETWEEN, state, (0, carry)), key)
        action = self._action[state][tag]
        if action >= 0:
            shifted = self._value((BETWEEN, action - 1, (0, carry)), key) if action else frozenset()
            return self._popped(shifted, state, key)
        if action == ACCEPT:
            return EVERYTHING
        nonterminal, length = self._left[-1 - action], self._length[-1 - action]
        if length:
            return frozenset([(nonterminal, length - 1, letter)])
        return self._value(self._goto_key(nonterminal, state, letter), key)

    def _goto_key(self, nonterminal: int, state: int, letter: Letter) -> Key:
        return GOTO, nonterminal * len(self._action) + state, letter

    def _popped(self, needs: frozenset[Need], state: int, key: Key | None) -> frozenset[Need]:
        """What is needed of the rest of a stack so that its top, a state, meets a need."""
        return self._union(self._below(need, state, key) for need in needs)

    def _below(self, need: Need, state: int, key: Key | None) -> frozenset[Need]:
        nonterminal, more, letter = need
        if need == ALIVE:
            return EVERYTHING
        if more > 0:
            return frozenset([(nonterminal, more - 1, letter)])
        if self._goto[state][nonterminal] < 0:
            return frozenset()
        return self._value(self._goto_key(nonterminal, state, letter), key)

    @staticmethod
    def _union(sets: Iterable[frozenset[Need]]) -> frozenset[Need]:
        found: frozenset[Need] = frozenset().union(*sets)
        return EVERYTHING if ALIVE in found else found

    def _value(self, key: Key, user: Key | None = None) -> frozenset[Need]:
        """The value of an equation so far, which its user waits for; without a user, the solution."""
        if key not in self._values:
            self._values[key], self._users[key] = frozenset(), set()
            self._pending.append(key)
            if len(self._values) > EQUATIONS * self._max_states and not self._has_begun:
                raise LimitExceeded("regex_states", len(self._values) // EQUATIONS, self._max_states)
        if user is not None:
            self._users[key].add(user)
            return self._values[key]
        while self._pending:
            changed = self._pending.pop()
            value = self._evaluate(changed)
            if value != self._values[changed]:
                self._values[changed] = value
                self._pending += self._users[changed]
        return self._values[key]

    # -------------------------------------------------------------------------------------------------- questions
    def can_follow(self, letter: Letter, cell: int) -> bool:
        """Whether a text can be finished whose next token, above a stack, is a letter."""
        state, below = self._top(cell)
        return self._is_met(self._value((READ, state, letter)), below, state)

    def _top(self, cell: int) -> tuple[int, int]:
        state, below = stacks.top(self._arena.A, cell)
        return int(state), int(below)

    def _is_met(self, needs: frozenset[Need], cell: int, above: int) -> bool:
        """Whether a stack meets some of the needs; ``above`` is the state above it."""
        asked = []
        found = False
        while needs and above != 0:
            key = cell, needs
            if ALIVE in needs:
                found = True
                break
            known = self._met.get(key)
            if known is not None:
                found = known
                break
            asked.append(key)
            above, cell = self._top(cell)
            needs = self._popped(needs, above, None)
        found = found or ALIVE in needs
        self._met.update(dict.fromkeys(asked, found))
        return found

    def lives(self, state: int, cell: int) -> bool:
        """Whether a text can be finished that stands in a lexer state above a stack.

        The search ends at the first letter that can follow: noted for the states that lead there, else for all.
        """
        before, pending = {state: -1}, [state]
        known: dict[Letter, bool] = {}
        for q in pending:
            for to in self._after(q):
                if to not in before:
                    before[to] = q
                    pending.append(to)
            for letter in self._endings[q]:
                if letter not in known:
                    known[letter] = self.can_follow(letter, cell)
                if known[letter]:
                    while q >= 0:
                        self._note(q, cell, True)
                        q = before[q]
                    return True
        for q in pending:
            self._note(q, cell, False)
        return False

    def _note(self, place: int, cell: int, answer: bool) -> None:
        A = self._arena.A
        memo = self._checked(int(lexer.recorded(A, positions.K_LIVES, place, cell, 0, 0, 0, 0, 0)))
        A[lexer.known(A, memo)] = 1 if answer else -1

    def begins(self, cell: int, carry: int) -> bool:
        """Whether any text can be finished that goes on behind a token, above a stack; noted."""
        state, below = self._top(cell)
        found = self._is_met(self._value((BETWEEN, state, (0, carry))), below, state)
        begin = self._checked(int(lexer.lexer_start(self._arena.A, self._lexer, self._context[state], carry)))
        self._note(begin, cell, found)
        return found

    def lower(self, number: int) -> None:
        """Answer what kernels have asked."""
        self._has_begun = True
        with self._lock:
            for memo in self._asked():
                if self._arena.A[lexer.known(self._arena.A, memo)] == 0:
                    self._answer(memo)

    def _asked(self) -> list[int]:
        """The questions without an answer, which kernels may ask again from now on."""
        A = self._arena.A
        found, memo = [], int(A[self._at + stacks.G_ASKED])
        while memo > 0:
            found.append(memo)
            at = int(lexer.known(A, memo)) + lexer.Q_ASKED
            memo, A[at] = int(A[at]), 0
        A[self._at + stacks.G_ASKED] = 0
        return found

    def _answer(self, memo: int) -> None:
        """Answer one question."""
        A = self._arena.A
        place, cell = int(lexer.field(A, memo, 1)), int(lexer.field(A, memo, 2))
        if int(lexer.field(A, place, 0)) == positions.K_INSIDE:
            q, mode = int(lexer.field(A, place, 1)), int(lexer.field(A, place, 2))
            answer = any(self.lives(to, cell) for to in self._completions(q, mode))
        elif lexer.field(A, place, lexer.F_START):
            answer = self.begins(cell, int(lexer.field(A, place, lexer.F_LEFT)))
        else:
            answer = self.lives(self._checked(int(lexer.ageless(A, place))), cell)
        self._note(place, cell, answer)


EQUATIONS = 2  # for each lexer state: a second of work for some ten thousand

__all__ = ["Liveness"]
