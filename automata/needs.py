"""What stacks need below their top to be completed: the pushdown system of lexer and LR parser.

From a state of the parser on top of a stack, some text leads either to the end of the text, whatever is below
(``ALIVE``), or to a reduction that takes the state away, and more: a *need* (nonterminal, how many cells are still to
be taken away), with the *letters* (:mod:`.carries`) before which that happens. Needs are the least solution of a system
of equations over states and blocks of carries, in the manner of A. Bouajjani, J. Esparza and O. Maler, "Reachability
Analysis of Pushdown Automata" (1997): the transitions of an automaton that reads a stack from the top.

The system is solved as far as it is asked about, nearest texts first, so that an answer can be had at the first way
out. The work is done by :mod:`detent.native.needs` and :mod:`detent.native.liveness`.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from detent.grammar.lark.tables import ParserTables
from detent.native import liveness
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
        self._entries = np.empty((ROOM, system.E_RECORD), np.int32)
        self._known, self._fresh = np.empty((ROOM, 1), np.int64), np.empty((ROOM, 1), np.int64)
        self._buckets = np.zeros(ROOM, np.int32)
        self._blocks, self._tags = np.zeros((0, 1), np.int64), np.zeros(0, np.int32)
        self._first, self._behind = np.zeros(1, np.int32), np.zeros((0, 2), np.int32)

    @property
    def n_entries(self) -> int:
        """How much is known."""
        return int(self._counts[system.N_ENTRIES])

    @property
    def is_solved(self) -> bool:
        """Whether all that was asked about is known."""
        return not self._counts[system.HEAD]

    def solve(self, n_steps: int) -> int:
        """Go on with what was asked about, for some steps: how many were done."""
        before = int(self._counts[system.N_STEPS])
        self._run(system.solve, before + n_steps)
        return int(self._counts[system.N_STEPS]) - before

    def meets(self, A: NDArray[np.int32], node: int, cell: int, above: int) -> int:
        """Whether a stack meets what a node needs: see :func:`detent.native.liveness.meets`."""
        return self._run(liveness.meets, A, node, cell, above)

    def answer(self, A: NDArray[np.int32], memos: NDArray[np.int32], first: int) -> tuple[int, int]:
        """Answer questions: see :func:`detent.native.liveness.answer`."""
        self._read_letters()
        k, reason = liveness.answer(self._table, self._system, A, memos, first)
        if reason == system.FULL:
            self._make_room()
        return int(k), int(reason)

    def new_places(self, A: NDArray[np.int32], memos: NDArray[np.int32]) -> list[list[int]]:
        """The places of questions that are new, to be noted: see :func:`detent.native.liveness.new_places`."""
        self._spare(len(memos))
        found = np.empty((len(memos), 3), np.int32)
        places: list[list[int]] = found[: liveness.new_places(self._table, A, memos, found)].tolist()
        return places

    def note_place(self, entry: int, block: int) -> None:
        """Note what can come in a place."""
        self._entries[entry, system.VALUE] = block + 1

    def between(self, state: int, context: int, carry: int) -> int:
        """The node of what is needed between two tokens in a context."""
        return self._entry(system.BETWEEN, state, self._carries.block(context, carry))

    def behind(self, state: int, letter: int) -> int:
        """The node of what is needed if a letter is read next that is not ignored."""
        self._read_letters()
        letters = np.zeros(self._known.shape[1], np.int64)
        letters[letter // WORD] = 1 << letter % WORD
        self._spare(system.ROOM_FOR_LETTER * len(self._carries.tags) + 2)
        return int(system.find_ahead(self._table, self._system, state, letters, letters.copy()))

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
    def _system(self) -> tuple[NDArray[Any], ...]:
        return *self._parser, self._tags, self._blocks, self._first, self._behind

    @property
    def _table(self) -> tuple[NDArray[Any], ...]:
        return self._entries, self._known, self._fresh, self._buckets, self._counts

    def _run(self, kernel: Any, *args: Any) -> int:
        """What a kernel answers, as soon as it has room."""
        self._read_letters()
        while (found := int(kernel(self._table, self._system, *args))) == system.FULL:
            self._make_room()
        return found

    def _entry(self, kind: int, state: int, other: int) -> int:
        self._spare(1)
        return int(system.find(self._table, kind, state, other, 0))

    def _spare(self, n: int) -> None:
        """See that there is room for some entries."""
        while self.n_entries + n > len(self._entries):
            self._make_room()

    def _make_room(self) -> None:
        """Take larger tables."""
        n, n_rows = self.n_entries, int(self._counts[system.N_ROWS])
        self._entries = _longer(self._entries, n)
        self._known, self._fresh = _longer(self._known, n_rows), _longer(self._fresh, n_rows)
        self._buckets = np.zeros(len(self._entries), np.int32)
        system.chain(self._entries, self._buckets, n)

    def _read_letters(self) -> None:
        """Take over the letters that there are by now, and the blocks."""
        carries, n_blocks = self._carries, len(self._blocks)
        n_words = -(-len(carries.tags) // WORD)
        if n_words > self._known.shape[1]:
            n_rows, n_words = int(self._counts[system.N_ROWS]), n_words + n_words // 4
            self._known, self._fresh = (_wider(rows, n_rows, n_words) for rows in (self._known, self._fresh))
            self._blocks = _wider(self._blocks, n_blocks, n_words)
        if len(carries.letters) > n_blocks:
            n_words = self._known.shape[1]
            rows = b"".join(letters.to_bytes(n_words * WORD // 8, "little") for letters in carries.letters[n_blocks:])
            new = np.frombuffer(rows, "<u4").reshape(-1, n_words).astype(np.int64)
            self._blocks = np.concatenate([self._blocks, new])
        if len(carries.tags) > len(self._tags):
            self._tags, self._first = np.array(carries.tags, np.int32), np.array(carries.behind_first, np.int32)
            self._behind = np.array(carries.behind, np.int32).reshape(-1, 2)


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
