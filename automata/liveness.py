"""Which lexer states above which stacks are dead ends: questions to the pushdown system of lexer and LR stack.

At a place between two tokens, what can still come depends on the stack, on the *carry* of the lexer
(:mod:`detent.native.lexer_carries`) and on the context. What a stack must be like below its top for some text to end
above it is known as far as it was asked for (:mod:`.needs`); here the lexer is explored, stacks are read from the top,
and answers are noted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from threading import RLock
from typing import TypeAlias

import numpy as np

from detent.grammar.errors import LimitExceeded
from detent.grammar.lark.tables import LexedGrammar, ParserTables
from detent.native import lexer, lexer_carries, lexer_steps, positions, stacks
from detent.native.arena import STATUS

from .arena import Arena
from .carries import Carries
from .limits import Limits
from .lowering import Placed
from .needs import ALIVE, Facts, Needs

Letter: TypeAlias = "tuple[int, int]"  # a tag, and the carry behind the token
Question: TypeAlias = "tuple[int, frozenset[tuple[tuple[int, int], int]]]"  # a cell, and needs
FIRST_STEPS, MOST_STEPS = 256, 1 << 16  # of a search before a look at what it has found: twice as many each time


class Liveness(Placed):
    """Decides whether a text can be finished.

    Parameters
    ----------
    arena : Arena
    grammar : LexedGrammar
    at : int
        Where the grammar lies in the arena.
    others : mapping of int to set of int or None
        Of the terminals that come although no lexer reads them, the classes of characters that their texts can begin
        with; None if the text of the lexer ends there.
    plain_lives : bool
        Whether every stack is alive with a plain carry.
    limits : Limits
        LimitExceeded is raised where the first answer needs more states of the lexer (``regex_states``), or more steps
        in all (``proof_steps``). Once a text has begun, every question is answered.
    """

    def __init__(
        self,
        arena: Arena,
        grammar: LexedGrammar,
        at: int,
        others: Mapping[int, set[int] | None],
        *,
        plain_lives: bool,
        limits: Limits,
    ) -> None:
        super().__init__(0)
        self._arena, self._at, self._others, self._limits, self._has_begun = arena, at, others, limits, False
        self._lexer = int(arena.A[at + stacks.G_LEXER])
        parser = grammar.parser
        self._context = parser.context.tolist()
        self._next: dict[int, tuple[int, ...]] = {}  # of lexer states
        self._endings: dict[int, tuple[Letter, ...]] = {}
        self._letters: dict[int, frozenset[Letter]] = {}  # of lexer states, the letters of all states behind them
        self._buffer = np.empty(max(grammar.lexer.sets.shape[1], 4096), np.int32)
        self._n_steps = 0
        lexing = self._tokens, self._may_stop, _contexts(parser), self._spend
        self._carries = Carries(*lexing, plain_lives=plain_lives)
        self._needs = Needs(parser, self._carries)
        self._met: dict[Question, bool] = {}
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
            n = self._checked(int(lexer_steps.endings(self._arena.A, q, self._buffer)))
            self._endings[q] = tuple(map(tuple, self._buffer[: 2 * n].reshape(-1, 2).tolist()))
            self._check("regex_states", len(self._next), self._limits.regex_states)
        return after

    def _completions(self, q: int, mode: int) -> tuple[int, ...]:
        n = self._checked(int(lexer_steps.completions(self._arena.A, q, mode, self._buffer)))
        return tuple(self._buffer[:n].tolist())

    def _letters_behind(self, state: int) -> frozenset[Letter]:
        """The letters that can come of a token that is being read."""
        found = self._letters.get(state)
        if found is None:
            states = self._explore(state)
            self._spend(len(states))
            found = self._letters[state] = frozenset(letter for q in states for letter in self._endings[q])
        return found

    def _check(self, limit: str, measured: int, allowed: int) -> None:
        if measured > allowed and not self._has_begun:
            raise LimitExceeded(limit, measured, allowed)

    def _spend(self, n_steps: int) -> None:
        """Count steps of the first answer."""
        self._n_steps += n_steps
        self._check("proof_steps", self._n_steps, self._limits.proof_steps)

    def _begin(self, context: int, carry: int) -> int:
        """The state between two tokens."""
        return self._checked(int(lexer_steps.lexer_start(self._arena.A, self._lexer, context, carry)))

    def _tokens(self, context: int, carry: int) -> frozenset[Letter]:
        """The tokens that can come in a context, with the carries behind them: plain ones where no lexer reads."""
        others = [(t, 0) for t, classes in self._others.items() if self._can_open(carry, classes)]
        return self._letters_behind(self._begin(context, carry)).union(others)

    def _can_open(self, carry: int, classes: set[int] | None) -> bool:
        """Whether something that no lexer reads can begin with a carry, as far as its first character tells."""
        if classes is None:
            return self._may_stop(carry)
        return carry >= 0 or any(self._survives(carry, c) for c in classes)

    def _survives(self, carry: int, c: int) -> bool:
        """Whether a carry is not broken by a character of a class."""
        A, at = self._arena.A, self._lexer
        row = int(A[at + lexer.L_LEFT_NEXT]) + int(lexer_carries.left_of(A, carry)) * int(A[at + lexer.L_CLASSES])
        return self._checked(int(lexer_carries.carried(A, at, carry, int(A[row + c]), c))) != lexer.BROKEN

    def _may_stop(self, carry: int) -> bool:
        return bool(lexer_carries.may_stop(self._arena.A, carry))

    # -------------------------------------------------------------------------------------------------- questions
    def can_follow(self, letter: Letter, cell: int, context: int) -> bool:
        """Whether a text can be finished whose next token, read in a context above a stack, is a letter."""
        (state, below), (tag, carry) = self._top(cell), letter
        if tag == lexer.DROPPED:
            return self._is_met(lambda: self._needs.between(state, context, carry), below, state)
        number = self._carries.letter(context, tag, carry)
        return self._is_met(lambda: self._needs.behind(state, number), below, state)

    def _top(self, cell: int) -> tuple[int, int]:
        state, below = stacks.top(self._arena.A, cell)
        return int(state), int(below)

    def _is_met(self, needs: Callable[[], Facts], cell: int, above: int) -> bool:
        """Whether a stack meets some needs, which become known; ``above`` is the state above it."""
        n_steps = FIRST_STEPS
        while True:
            found, asked = self._look(needs(), cell, above)
            if found or self._needs.is_solved:
                self._met.update(dict.fromkeys(asked, found))
                return found
            self._spend(self._needs.solve(n_steps))
            n_steps = min(2 * n_steps, MOST_STEPS)

    def _look(self, needs: Facts, cell: int, above: int) -> tuple[bool, list[Question]]:
        """Whether a stack meets some of the needs, as far as is known, and what was asked of stacks below."""
        asked: list[Question] = []
        while needs and above != 0 and ALIVE not in needs:
            key = cell, frozenset(needs.items())
            known = self._met.get(key)
            if known is not None:
                return known, asked
            asked.append(key)
            above, cell = self._top(cell)
            needs = self._needs.below(needs, above)
        return ALIVE in needs, asked

    def lives(self, state: int, cell: int, context: int) -> bool:
        """Whether a text can be finished that stands in a lexer state, in a context above a stack.

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
                    known[letter] = self.can_follow(letter, cell, context)
                if known[letter]:
                    while q >= 0:
                        self._note(q, cell, context, True)
                        q = before[q]
                    return True
        for q in pending:
            self._note(q, cell, context, False)
        return False

    def _note(self, place: int, cell: int, context: int, answer: bool) -> None:
        A = self._arena.A
        memo = self._checked(int(lexer.recorded(A, positions.K_LIVES, place, cell, context, 0, 0, 0, 0)))
        A[lexer.known(A, memo)] = 1 if answer else -1

    def begins(self, cell: int, carry: int) -> bool:
        """Whether any text can be finished that goes on behind a token, above a stack; noted."""
        state, below = self._top(cell)
        context = self._context[state]
        found = self._is_met(lambda: self._needs.between(state, context, carry), below, state)
        self._note(self._begin(context, carry), cell, context, found)
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
        place, cell, context = (int(lexer.field(A, memo, k)) for k in (1, 2, 3))
        if int(lexer.field(A, place, 0)) == positions.K_INSIDE:
            q, mode = int(lexer.field(A, place, 1)), int(lexer.field(A, place, 2))
            answer = any(self.lives(to, cell, context) for to in self._completions(q, mode))
        elif lexer.field(A, place, lexer.F_START):
            answer = self.begins(cell, int(lexer.field(A, place, lexer.F_LEFT)))
        else:
            answer = self.lives(self._checked(int(lexer_steps.ageless(A, place))), cell, context)
        self._note(place, cell, context, answer)


def _contexts(parser: ParserTables) -> dict[int, list[int]]:
    """The contexts that each terminal can lead to."""
    found: dict[int, set[int]] = defaultdict(set)
    for state, terminal in np.argwhere(parser.action > 0).tolist():
        found[terminal].add(int(parser.context[parser.action[state, terminal] - 1]))
    return {terminal: sorted(contexts) for terminal, contexts in found.items()}


__all__ = ["Liveness"]
