"""Which lexer states above which stacks are dead ends: questions to the pushdown system of lexer and LR stack.

At a place between two tokens, what can still come depends on the stack, on the *carry* of the lexer
(:mod:`detent.native.lexer_carries`) and on the context. What a stack must be like below its top for some text to end
above it is known as far as it was asked for (:mod:`.needs`); here the lexer is explored, stacks are read from the top,
and answers are noted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from threading import RLock
from typing import TypeAlias

import numpy as np

from detent.grammar.lark.tables import ParserTables
from detent.native import lexed_steps, lexer, positions, stacks

from .arena import Arena
from .carries import Carries
from .lexing import Letter, Lexing
from .lowering import Placed
from .needs import ALIVE, Facts, Needs
from .openings import Openings

Question: TypeAlias = "tuple[int, frozenset[tuple[tuple[int, int], int]]]"  # a cell, and needs
Answer: TypeAlias = "tuple[bool, bool]"  # and whether it is that of all stacks with the same top
AT_ONCE = 64  # questions
FIRST_STEPS, MOST_STEPS = 256, 1 << 16  # of a search before a look at what it has found: twice as many each time
MOST = 1 << 17  # answers and entries beyond those that the first questions take


class Liveness(Placed):
    """Decides whether a text can be finished.

    Parameters
    ----------
    arena : Arena
    parser : ParserTables
    at : int
        Where the grammar lies in the arena.
    lexing : Lexing
    openings : Openings
    plain_lives : bool
        Whether every stack is alive with a plain carry.
    """

    def __init__(
        self,
        arena: Arena,
        parser: ParserTables,
        at: int,
        lexing: Lexing,
        openings: Openings,
        *,
        plain_lives: bool,
    ) -> None:
        super().__init__(0)
        self._arena, self._parser, self._at, self._lexing = arena, parser, at, lexing
        self._context = parser.context.tolist()
        letters = openings.tokens, lexing.may_stop, _contexts(parser), lexing.spend
        self._new_carries = partial(Carries, *letters, plain_lives=plain_lives)
        self._lock = RLock()  # several threads may ask
        self._asked = np.empty(AT_ONCE, np.int32)
        self._begin()

    def _begin(self) -> None:
        """Begin without knowledge: what is noted in the arena stays."""
        self._carries = self._new_carries()
        self._needs = Needs(self._parser, self._carries)
        self._met: dict[Question, bool] = {}
        self._way_out: dict[tuple[int, int], Letter] = {}  # of a lexer state and a context, for some stack
        self._is_whole = True  # no search was broken off in the middle, by a limit or an interrupt
        self._most = 0  # how much may be known; 0: that is not decided

    # -------------------------------------------------------------------------------------------------- questions
    def can_follow(self, letter: Letter, cell: int, context: int) -> Answer:
        """Whether a text can be finished whose next token, read in a context above a stack, is a letter."""
        (state, below), (tag, carry) = self._top(cell), letter
        if tag == lexer.DROPPED:
            return self._is_met(self._needs.between(state, context, carry), below, state)
        number = self._carries.letter(context, tag, carry)
        return self._is_met(self._needs.behind(state, number), below, state)

    def _top(self, cell: int) -> tuple[int, int]:
        state, below = stacks.top(self._arena.A, cell)
        return int(state), int(below)

    def _is_met(self, node: int, cell: int, above: int) -> Answer:
        """Whether a stack meets what a node needs, which becomes known; ``above`` is the state above it."""
        n_steps = FIRST_STEPS
        while True:
            found, asked = self._look(node, cell, above)
            if found or self._needs.is_solved:
                self._met.update(dict.fromkeys(asked, found))
                return found, not _asks_below(self._needs.facts(node), above)
            self._lexing.spend(self._needs.solve(n_steps))
            n_steps = min(2 * n_steps, MOST_STEPS)

    def _look(self, node: int, cell: int, above: int) -> tuple[bool, list[Question]]:
        """Whether a stack meets some of a node's needs, as far as is known, and what was asked of stacks below."""
        asked: list[Question] = []
        while _asks_below(needs := self._needs.facts(node), above):
            key = cell, frozenset(needs.items())
            known = self._met.get(key)
            if known is not None:
                return known, asked
            asked.append(key)
            above, cell = self._top(cell)
            node = self._needs.below(node, above)
        return ALIVE in needs, asked

    def lives(self, state: int, cell: int, context: int) -> Answer:
        """Whether a text can be finished that stands in a lexer state, in a context above a stack.

        The search ends at the first letter that can follow: noted for the states that lead there, else for all. It is
        the one that could follow another stack, as a rule.
        """
        letter = self._way_out.get((state, context))
        if letter is not None and (answer := self.can_follow(letter, cell, context))[0]:
            self._note(state, cell, context, answer)
            return answer
        before, pending = {state: -1}, [state]
        known: dict[Letter, Answer] = {}
        for q in pending:
            for to in self._lexing.after(q):
                if to not in before:
                    before[to] = q
                    pending.append(to)
            for letter in self._lexing.endings(q):
                if letter not in known:
                    known[letter] = self.can_follow(letter, cell, context)
                if known[letter][0]:
                    self._way_out[state, context] = letter
                    while q >= 0:
                        self._note(q, cell, context, known[letter])
                        q = before[q]
                    return known[letter]
        answer = _any(known.values())
        for q in pending:
            self._note(q, cell, context, answer)
        return answer

    def _note(self, place: int, cell: int, context: int, answer: Answer) -> None:
        found, whatever_below = answer
        self._arena.A[self._noted_at(place, cell, context, whatever_below=whatever_below)] = 1 if found else -1

    def _noted_at(self, place: int, cell: int, context: int, *, whatever_below: bool) -> int:
        """Where an answer stands."""
        asked = (lexed_steps.WHATEVER_BELOW, context, self._top(cell)[0]) if whatever_below else (cell, context, 0)
        memo = int(lexer.recorded(self._arena.A, positions.K_LIVES, place, *asked, 0, 0, 0))
        return int(lexer.known(self._arena.A, self._lexing.checked(memo)))

    def begins(self, cell: int, carry: int) -> Answer:
        """Whether any text can be finished that goes on behind a token, above a stack; noted."""
        state, below = self._top(cell)
        context = self._context[state]
        answer = self._is_met(self._needs.between(state, context, carry), below, state)
        self._note(self._lexing.begin(context, carry), cell, context, answer)
        return answer

    def is_hopeless(self, state: int, carry: int) -> bool:
        """Whether no text can be finished behind a token that led to a state of the parser, whatever is below."""
        node = self._needs.between(state, self._context[state], carry)
        while not self._needs.facts(node) and not self._needs.is_solved:
            self._lexing.spend(self._needs.solve(FIRST_STEPS))
        return not self._needs.facts(node)

    def is_as_good(self, context: int, letter: Letter, other: Letter) -> bool:
        """Whether a text can be finished with another letter next wherever it can with one, if both are shifted."""
        numbers = [self._carries.letter(context, *x) for x in (letter, other)]
        shifts = np.flatnonzero((self._parser.action[:, letter[0]] > 0) & (self._parser.context == context))
        for state in shifts.tolist():
            needs, found = (self._solved(state, number) for number in numbers)
            if ALIVE not in found and any(letters & ~found.get(need, 0) for need, letters in needs.items()):
                return False
        return True

    def _solved(self, state: int, letter: int) -> Facts:
        """All that is needed if a letter is read next."""
        node = self._needs.behind(state, letter)
        while not self._needs.is_solved:
            self._lexing.spend(self._needs.solve(MOST_STEPS))
        return self._needs.facts(node)

    def lower(self, number: int) -> None:
        """Answer what kernels have asked."""
        self._lexing.has_begun = True
        with self._lock:
            if not self._is_whole or 0 < self._most < self._n_known:
                self._begin()
            self._is_whole = False
            while n := int(lexed_steps.take_asked(self._arena.A, self._at, self._asked)):
                for memo in self._asked[:n].tolist():
                    self._answer(memo)
            self._is_whole, self._most = True, self._most or self._n_known + MOST

    @property
    def _n_known(self) -> int:
        return self._needs.n_entries + len(self._met)

    def _answer(self, memo: int) -> None:
        """Answer one question, if no other answer says as much."""
        A = self._arena.A
        place, cell, context = (int(lexer.field(A, memo, k)) for k in (1, 2, 3))
        if A[lexer.known(A, memo)] != 0 or A[self._noted_at(place, cell, context, whatever_below=True)] != 0:
            return
        if int(lexer.field(A, place, 0)) == positions.K_INSIDE:
            q, mode = int(lexer.field(A, place, 1)), int(lexer.field(A, place, 2))
            answer = _any(self.lives(to, cell, context) for to in self._lexing.completions(q, mode))
        elif lexer.field(A, place, lexer.F_START):
            answer = self.begins(cell, int(lexer.field(A, place, lexer.F_LEFT)))
        else:
            answer = self.lives(self._lexing.ageless(place), cell, context)
        self._note(place, cell, context, answer)


def _asks_below(needs: Facts, above: int) -> bool:
    """Whether it depends on the stack below a state if needs are met."""
    return bool(needs) and above != 0 and ALIVE not in needs


def _any(answers: Iterable[Answer]) -> Answer:
    """Whether one of the answers is yes: the first such one."""
    below = True
    for answer in answers:
        if answer[0]:
            return answer
        below &= answer[1]
    return False, below


def _contexts(parser: ParserTables) -> dict[int, list[int]]:
    """The contexts that each terminal can lead to."""
    found: dict[int, set[int]] = defaultdict(set)
    for state, terminal in np.argwhere(parser.action > 0).tolist():
        found[terminal].add(int(parser.context[parser.action[state, terminal] - 1]))
    return {terminal: sorted(contexts) for terminal, contexts in found.items()}


__all__ = ["Liveness"]
