"""What stacks need below their top to be completed: the pushdown system of lexer and LR parser.

From a state of the parser on top of a stack, some text leads either to the end of the text, whatever is below
(``ALIVE``), or to a reduction that takes the state away, and more: a *need* (nonterminal, how many cells are still to
be taken away), with the *letters* (:mod:`.carries`) before which that happens. Needs are the least solution of a system
of equations over states and blocks of carries, in the manner of A. Bouajjani, J. Esparza and O. Maler, "Reachability
Analysis of Pushdown Automata" (1997): the transitions of an automaton that reads a stack from the top.

The system is solved as far as it is asked about, nearest texts first, so that an answer can be had at the first way
out. The work is done by :mod:`detent.native.needs`.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from detent.grammar.lark.tables import ParserTables
from detent.native import needs as system

from .carries import Carries

Need: TypeAlias = "tuple[int, int]"
Facts: TypeAlias = "dict[Need, int]"  # the letters of each need
ALIVE: Need = (system.ANY, system.ANY)
ROOM, GROWTH = 4096, 4  # entries, to begin with; memory that is not written to costs nothing
WORD = 32  # letters


class Needs:
    """The equations of one grammar.

    Parameters
    ----------
    parser : ParserTables
    carries : Carries
    """

    def __init__(self, parser: ParserTables, carries: Carries) -> None:
        self._carries = carries
        self._parser = parser.action, parser.goto, parser.rule_left, parser.rule_length, parser.context
        self._counts = np.zeros(system.N_COUNTS, np.int64)
        self._counts[system.N_ENTRIES] = 1
        self._entries, self._queue = np.empty((ROOM, system.E_RECORD), np.int32), np.empty(ROOM, np.int32)
        self._known, self._fresh = np.empty((ROOM, 1), np.int64), np.empty((ROOM, 1), np.int64)
        self._buckets = np.zeros(ROOM, np.int32)
        self._letters: tuple[NDArray[Any], ...] = ()

    @property
    def n_entries(self) -> int:
        """How much is known."""
        return int(self._counts[system.N_ENTRIES])

    @property
    def is_solved(self) -> bool:
        """Whether all that was asked about is known."""
        return not self._counts[system.N_QUEUED]

    def solve(self, n_steps: int) -> int:
        """Go on with what was asked about, for some steps: how many were done."""
        before = int(self._counts[system.N_STEPS])
        self._read_letters()
        while system.solve(*self._table, *self._parser, *self._letters, before + n_steps) == system.FULL:
            self._make_room()
        return int(self._counts[system.N_STEPS]) - before

    def between(self, state: int, context: int, carry: int) -> int:
        """The node of what is needed between two tokens in a context."""
        return self._node(system.BETWEEN, state, self._carries.block(context, carry))

    def behind(self, state: int, letter: int) -> int:
        """The node of what is needed if a letter is read next that is not ignored."""
        self._read_letters()
        letters = np.zeros(self._known.shape[1], np.int64)
        letters[letter // WORD] = 1 << letter % WORD
        self._spare(system.ROOM_FOR_LETTER * len(self._carries.tags) + 2)
        return int(system.find_ahead(*self._table, *self._parser, *self._letters, state, letters, letters.copy()))

    def below(self, node: int, state: int) -> int:
        """The node of what is needed of the rest of a stack so that its top, a state, meets what a node needs.

        What is known of that node is known of this one, too.
        """
        found = self._node(system.ASKED, state, node)
        self.solve(0)
        return found

    def facts(self, node: int) -> Facts:
        """What a node needs, as far as is known."""
        found = np.empty((self._entries[node, system.N_FACTS], 2 + self._known.shape[1]), np.int64)
        system.copy_facts(self._entries, self._known, node, found)
        return {
            (nonterminal, more): sum(word << WORD * w for w, word in enumerate(words))
            for nonterminal, more, *words in found.tolist()
        }

    # ------------------------------------------------------------------------------------------------------ tables
    @property
    def _table(self) -> tuple[NDArray[Any], ...]:
        return self._entries, self._known, self._fresh, self._buckets, self._queue, self._counts

    def _node(self, kind: int, state: int, other: int) -> int:
        self._spare(1)
        return int(system.find(*self._table, kind, state, other, 0))

    def _spare(self, n: int) -> None:
        """See that there is room for some entries."""
        while self.n_entries + n > len(self._entries):
            self._make_room()

    def _make_room(self) -> None:
        """Take larger tables."""
        n, n_rows = self.n_entries, int(self._counts[system.N_ROWS])
        queue = np.roll(self._queue, -int(self._counts[system.HEAD]))
        self._entries, self._queue = _longer(self._entries, n), _longer(queue, len(queue))
        self._known, self._fresh = _longer(self._known, n_rows), _longer(self._fresh, n_rows)
        self._buckets, self._counts[system.HEAD] = np.zeros(len(self._entries), np.int32), 0
        system.chain(self._entries, self._buckets, n)

    def _read_letters(self) -> None:
        """Take over the letters that there are by now, and the blocks."""
        carries = self._carries
        if self._letters and [*map(len, self._letters[:2])] == [len(carries.tags), len(carries.letters)]:
            return
        n_words = -(-len(carries.tags) // WORD)
        if n_words > self._known.shape[1]:
            n_rows, n_words = int(self._counts[system.N_ROWS]), n_words + n_words // 4
            self._known, self._fresh = (_wider(rows, n_rows, n_words) for rows in (self._known, self._fresh))
        n_bytes = WORD // 8 * self._known.shape[1]
        rows = b"".join(letters.to_bytes(n_bytes, "little") for letters in carries.letters)
        blocks = np.frombuffer(rows, "<u4").reshape(-1, self._known.shape[1]).astype(np.int64)
        tags, first, behind = (np.array(x, np.int32) for x in (carries.tags, carries.behind_first, carries.behind))
        self._letters = tags, blocks, first, behind.reshape(-1, 2)


def _longer(table: NDArray[Any], n: int) -> NDArray[Any]:
    """A longer table with the same first rows."""
    found = np.empty((GROWTH * len(table), *table.shape[1:]), table.dtype)
    found[:n] = table[:n]
    return found


def _wider(rows: NDArray[Any], n: int, n_words: int) -> NDArray[Any]:
    """Rows of more words, of which the first ones count."""
    found = np.empty((len(rows), n_words), rows.dtype)
    found[:n, : rows.shape[1]], found[:n, rows.shape[1] :] = rows[:n], 0
    return found


__all__ = ["ALIVE", "Facts", "Needs"]
