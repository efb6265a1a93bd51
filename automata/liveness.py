"""Which lexer states above which stacks are dead ends: questions to the pushdown system of lexer and LR stack.

At a place between two tokens, what can still come depends on the stack, on the *carry* of the lexer
(:mod:`detent.native.lexer_carries`) and on the context. What a stack must be like below its top for some text to end
above it is known as far as it was asked for (:mod:`.needs`); here the lexer is explored, stacks are read from the top,
and answers are noted.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from threading import RLock

import numpy as np
from numpy.typing import NDArray

from detent.grammar.lark.tables import ParserTables
from detent.native import lexed_steps, lexer, positions, stacks
from detent.native import liveness as kernels

from .arena import Arena
from .carries import Carries
from .lexing import Letter, Lexing
from .lowering import Placed
from .needs import ALIVE, Facts, Needs
from .openings import Openings

AT_ONCE = 256  # questions
FIRST_STEPS, MOST_STEPS = 256, 1 << 16  # of a search before a look at what it has found: twice as many each time
MOST = 1 << 17  # entries beyond those that the first questions take


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
        self._is_whole = True  # no search was broken off in the middle, by a limit or an interrupt
        self._most = 0  # how much may be known; 0: that is not decided

    # -------------------------------------------------------------------------------------------------- questions
    def begins(self, cell: int, carry: int) -> bool:
        """Whether any text can be finished that goes on behind a token, above a stack."""
        state, below = map(int, stacks.top(self._arena.A, cell))
        node = self._needs.between(state, self._context[state], carry)
        n_steps = FIRST_STEPS
        while (found := self._needs.meets(self._arena.A, node, below, state)) == kernels.UNKNOWN:
            n_steps = self._search(n_steps)
        return found == kernels.YES

    def _search(self, n_steps: int) -> int:
        """Go on for some steps: how many to do the next time."""
        self._lexing.spend(self._needs.solve(n_steps))
        return min(2 * n_steps, MOST_STEPS)

    def is_hopeless(self, state: int, carry: int) -> bool:
        """Whether no text can be finished behind a token that led to a state of the parser, whatever is below."""
        node = self._needs.between(state, self._context[state], carry)
        while not self._needs.facts(node) and not self._needs.is_solved:
            self._search(FIRST_STEPS)
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
            self._search(MOST_STEPS)
        return self._needs.facts(node)

    def lower(self, number: int) -> None:
        """Answer what kernels have asked."""
        self._lexing.has_begun = True
        with self._lock:
            if not self._is_whole or 0 < self._most < self._needs.n_entries:
                self._begin()
            self._is_whole = False
            while n := int(lexed_steps.take_asked(self._arena.A, self._at, self._asked)):
                self._answer(self._asked[:n])
            self._is_whole, self._most = True, self._most or self._needs.n_entries + MOST

    def _answer(self, memos: NDArray[np.int32]) -> None:
        """Answer some questions."""
        k = 0
        for entry, place, context in self._needs.new_places(self._arena.A, memos):
            self._needs.note_place(entry, self._block(place, context))
        while k < len(memos):
            k, reason = self._needs.answer(self._arena.A, memos, k)
            if reason == kernels.NO_ROOM:
                self._arena.full()
            elif reason == kernels.UNKNOWN:
                self._needs.solve(MOST_STEPS)

    def _block(self, place: int, context: int) -> int:
        """The block of what can come in a lexer state, in a context."""
        A, lexing = self._arena.A, self._lexing
        if int(lexer.field(A, place, 0)) == positions.K_INSIDE:
            states = lexing.completions(int(lexer.field(A, place, 1)), int(lexer.field(A, place, 2)))
            return self._carries.group(context, frozenset().union(*map(lexing.letters, states)))
        if lexer.field(A, place, lexer.F_START):
            return self._carries.block(context, int(lexer.field(A, place, lexer.F_LEFT)))
        return self._carries.group(context, lexing.letters(lexing.ageless(place)))


def _contexts(parser: ParserTables) -> dict[int, list[int]]:
    """The contexts that each terminal can lead to."""
    found: dict[int, set[int]] = defaultdict(set)
    for state, terminal in np.argwhere(parser.action > 0).tolist():
        found[terminal].add(int(parser.context[parser.action[state, terminal] - 1]))
    return {terminal: sorted(contexts) for terminal, contexts in found.items()}


__all__ = ["Liveness"]
