"""A word of each terminal of a Lark grammar that every context which tries the terminal splits off as that terminal."""

from __future__ import annotations

import numpy as np

from detent.grammar.lark.tables import ASSERT, END, FAILED, HOLDS
from detent.native import leftovers

from .terminals import Bytes, Terminals


class Words:
    """Words of terminals, as classes of characters.

    Parameters
    ----------
    terminals : Terminals
    separators : list of list of int
        What may stand behind a token: the empty text, and words of ignored terminals.

    Attributes
    ----------
    texts : list of list of int
        A word of each terminal; empty if there is none.
    usable : (n_terminals,) uint8
        Terminals whose word is taken for them in every context.
    """

    def __init__(self, terminals: Terminals, separators: list[list[int]]) -> None:
        self._terminals = terminals
        self.texts = self._words()
        self.usable = self._usable()
        self._check_assertions([word for word in separators if word])

    def _words(self) -> list[list[int]]:
        """Classes of a shortest word of each terminal, assertions apart; of none, if there is none."""
        shortest = self._shortest()
        words = shortest.copy()
        for t in np.flatnonzero(~self._terminals.asserting).tolist():
            if len(words[t]) == 1:  # there may be others as short, of which less is left: a line's end, or a comment
                others = [[c] for c in self._characters(t, shortest)]
                if others:
                    words[t] = min(others, key=lambda word: self._n_next(t, word)) if len(others) > 1 else others[0]
        return words

    def _shortest(self) -> list[list[int]]:
        terminals = self._terminals
        hints = terminals.hints
        first, read, then = hints.first, hints.char_class.tolist(), hints.next.tolist()
        words = []
        for entry in terminals.tables.entry.tolist():
            word, pc = [], first[entry] if entry >= 0 else -1
            while pc >= 0 and read[pc] >= 0:
                word.append(read[pc])
                pc = then[pc]
            words.append(word)
        return words

    def _characters(self, terminal: int, shortest: list[list[int]]) -> list[int]:
        """A class of each set of which one character is a text of a terminal, and of no other in its place."""
        terminals = self._terminals
        ends, found = terminals.nodes.ends, []
        taken = [shortest[u][0] for u in terminals.retyped[terminal] if len(shortest[u]) == 1]
        for reads, to in terminals.nodes.edges[terminals.nodes.begin[terminal]]:
            c = int(terminals.hints.some_class[reads]) if ends[to] else -1
            if c in taken:
                free = terminals.tables.sets[reads] & terminals.hints.spelled
                free[taken] = 0
                c = int(free.argmax()) if free.any() else -1
            if c >= 0:
                found.append(c)
        return found

    def _n_next(self, terminal: int, word: list[int]) -> int:
        """How many classes a terminal can go on with behind a word."""
        terminals = self._terminals
        return int(terminals.possible(terminals.read([int(terminals.nodes.begin[terminal])], word)).sum())

    def _usable(self) -> Bytes:
        """Terminals whose word is taken for them in every context, assertions apart."""
        terminals = self._terminals
        tables, found = terminals.tables, terminals.matches(self.texts)
        has_word = np.array([len(word) > 0 for word in self.texts])
        usable: Bytes = ((tables.ignored == 0) & has_word & terminals.asked.any(axis=0)).astype(np.uint8)
        certain = (tables.ignored == 0) & ~terminals.asserting
        tried = (tables.order_first, tables.order, tables.retype_first, tables.retype)
        leftovers.keep_spelled(*tried, terminals.asked.view(np.uint8), found, certain.view(np.uint8), usable)
        usable[list(terminals.others)] = 1
        return usable

    def _check_assertions(self, separators: list[list[int]]) -> None:
        """Keep terminals with assertions only if these hold in their words, whatever is before and behind."""
        terminals, texts, usable = self._terminals, self.texts, self.usable
        for t in np.flatnonzero(usable & terminals.asserting).tolist():
            behind = separators
            if not behind and not terminals.meets_others[t]:  # the end of the text is an empty word
                follows = np.flatnonzero(terminals.follows[t]).tolist()
                behind = [texts[u] for u in follows if usable[u] or u == END]
            usable[t] = len(behind) > 0 and all(
                self._matches_whole(t, texts[t], word, left)
                for word in behind
                for left in range(len(terminals.tables.left_next))
            )

    def _matches_whole(self, terminal: int, word: list[int], behind: list[int], left: int) -> bool:
        """Whether the first match of a terminal's program, in a left state, is its word; at the end: nothing behind."""
        tables, lefts = self._terminals.tables, [left]
        for c in word:
            lefts.append(int(tables.left_next[lefts[-1], c]))
        text, pending, seen = [*word, *behind], [(int(tables.entry[terminal]), 0)], set()
        while pending:
            pc, at = pending.pop()
            if (pc, at) in seen or at > len(word):
                continue
            seen.add((pc, at))
            op, a, b = tables.code[pc].tolist()
            if op == leftovers.MATCH:
                return at == len(word)
            if op == leftovers.CHARS and at < len(text) and tables.sets[a, text[at]]:
                pending.append((b, at + 1))
            elif op == leftovers.SPLIT:
                pending += [(b, at), (a, at)]
            elif op == ASSERT:
                look = int(tables.look_enter[lefts[at], a])
                for c in text[at:]:
                    look = int(tables.look_next[look, c]) if look > HOLDS else look
                if look > HOLDS and not behind:
                    look = HOLDS if tables.look_end[look] else FAILED
                if look > HOLDS:
                    return False  # not decided by this text
                if look == HOLDS:
                    pending.append((b, at))
        return False
