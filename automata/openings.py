"""What comes where no lexer reads: islands, beside what a token could still become, and tokens of the vocabulary.

A token ends where it would end in the whole text, that of the island behind it included. So where an island begins with
what makes a longer token, the lexer reads on beside it, and when that matches, the island was none. The carry of the
lexer (:mod:`detent.native.lexer_carries`) says what could still match; here it is followed through islands.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TypeAlias

import numpy as np

from detent.grammar.dfa import CharDfa
from detent.grammar.lark.tables import LexerTables

from .lexed_islands import LexedIsland
from .lexing import BROKEN, Letter, Lexing
from .rule_lowering import RuleIsland

Pair: TypeAlias = "tuple[int, int]"  # a state of an island, and a carry
PLAIN: Pair = (-1, 0)


class Texts:
    """The texts of islands, as far as they are known: of those that are no regular language, the first character.

    Attributes
    ----------
    letters : list of tuple of int
        The characters that neither the lexer nor islands tell apart: their class, whether they are beyond ASCII, and
        the class of each island.
    classes : list of (int, bool)
        The same for the lexer alone.
    """

    def __init__(self, content: LexedIsland, lexer: LexerTables) -> None:
        self._known: set[int] = set()
        self._dfas: dict[int, CharDfa] = {}
        for number, inside in content.islands.items():
            if isinstance(inside, RuleIsland) and not inside.rules.automata[inside.rules.start].calls:
                self._known.add(number)
                self._dfas[number] = inside.rules.automata[inside.rules.start].dfa
            else:
                self._dfas[number] = _first_character(inside.first_bytes)
        tables: list[LexerTables | CharDfa] = [lexer, *self._dfas.values()]
        bounds = [np.array([128, 0xE000]), *(table.starts for table in tables)]
        starts = np.setdiff1d(np.concatenate(bounds), np.arange(0xD800, 0xE000))  # (surrogates are no characters)
        columns = [table.cls[np.searchsorted(table.starts, starts, "right") - 1] for table in tables]
        self.letters = np.unique(np.stack([columns[0], starts >= 128, *columns[1:]]), axis=1).T.tolist()
        self.classes = sorted({(c, bool(is_far)) for c, is_far, *_ in self.letters})
        self._column = {number: 2 + k for k, number in enumerate(self._dfas)}

    def is_known(self, number: int) -> bool:
        """Whether all texts of an island are known; of others, no more than the first byte."""
        return number in self._known

    def after(self, number: int, state: int, letter: list[int]) -> int:
        """The state of an island behind a character; -1: none, or not known."""
        return int(self._dfas[number].trans[state, letter[self._column[number]]])

    def may_end(self, number: int, state: int) -> bool:
        """Whether it is known that a text of an island may end in a state."""
        return bool(self._dfas[number].accept[state])


def _first_character(first_bytes: bytes) -> CharDfa:
    """An automaton that reads one character and accepts nothing; of those beyond ASCII all, or none."""
    cls = np.zeros(129, np.int32)
    cls[[min(b, 128) for b in first_bytes]] = 1
    trans = np.array([[-1, 1], [-1, -1]], np.int32)
    return CharDfa(np.arange(129, dtype=np.int32), cls, trans, np.zeros(2, np.uint8))


class Openings:
    """What comes between the tokens of a lexer.

    Parameters
    ----------
    lexing : Lexing
    content : LexedIsland
    """

    def __init__(self, lexing: Lexing, content: LexedIsland) -> None:
        self._lexing, self._content = lexing, content
        self._paths: dict[tuple[int, int], dict[Pair, set[Pair]]] = {}

    @cached_property
    def texts(self) -> Texts:
        """The texts of the islands."""
        return Texts(self._content, self._content.grammar.lexer)

    def tokens(self, context: int, carry: int) -> frozenset[Letter]:
        """The tokens that can come in a context, with the carries behind them: plain ones where no lexer reads."""
        others = [(t, 0) for t in self._content.numbers() if self.can_open(t, carry)]
        return self._lexing.tokens(context, carry).union(others)

    def can_open(self, number: int, carry: int) -> bool:
        """Whether a text of what no lexer reads can come with a carry, if the carry with which it ends does no harm."""
        if carry >= 0:
            return True
        if number in self._content.tokens:
            return self._lexing.may_stop(carry)
        return PLAIN in self.read(number, carry) or len(self.ends(number, carry)) > 0

    def read(self, number: int, carry: int) -> dict[Pair, set[Pair]]:
        """The pairs that an island leads to while a carry is not plain, itself first, and what each leads to."""
        found = self._paths.get((number, carry))
        if found is None:
            found = self._paths[number, carry] = {}
            pending = [(0, carry)]
            for pair in pending:
                if pair not in found:
                    found[pair] = set() if pair == PLAIN else set(self._behind(number, *pair))
                    pending += found[pair]
        return found

    def _behind(self, number: int, state: int, carry: int) -> Iterator[Pair]:
        """The pairs one character behind one."""
        is_known = self.texts.is_known(number)
        self._lexing.spend(len(self.texts.letters))
        for letter in self.texts.letters:
            to = self.texts.after(number, state, letter)
            after = self._lexing.carried(carry, letter[0]) if to >= 0 else BROKEN
            if after != BROKEN:
                yield PLAIN if after >= 0 and (is_known or not letter[1]) else (to, after)

    def ends(self, number: int, carry: int) -> set[int]:
        """The carries that are not plain with which an island can end."""
        return {after for at, after in self.read(number, carry) if at > 0 and self.texts.may_end(number, at)}


__all__ = ["PLAIN", "Openings", "Pair", "Texts"]
