"""Why no text of a Lark grammar leads into a dead end: a test that most grammars pass.

A text can be stuck although each of its tokens was allowed: the stack may have no completion, no text may be split into the
tokens that could come, or what is left of a longer token may swallow whatever comes. The test looks for texts that always
work: a *word* for each terminal, which every context that tries the terminal splits off as that terminal, and behind each
terminal a *separator*, an ignored token or nothing, such that no leftover (:mod:`detent.native.leftovers`) ever matches. If every
stack can be completed by terminals with such words, spelling them finishes any text.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from detent.grammar.lark.tables import ASSERT, END, HOLDS, LexedGrammar
from detent.native import leftovers, lexer

from .sentences import Hints, Rule, spelled_classes

Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]
MAX_NODES = 2048  # beyond, the test is not tried: it takes time and room that grow with the square
MAX_SEPARATORS = 12


@dataclass(frozen=True, eq=False)
class Nodes:
    """The programs of all terminals; see :mod:`detent.native.leftovers`."""

    first: Ints
    reads: Ints
    leads: Ints
    owner: Ints
    ends: Ints
    begin: Ints


def nodes_of(grammar: LexedGrammar, sure: Ints) -> Nodes | None:
    """The nodes of a grammar; None if there are too many."""
    tables = grammar.lexer
    room = min(len(tables.code) + len(tables.entry) + 4, MAX_NODES)
    first, owner, ends = np.zeros((3, room), np.int32)
    reads, leads = np.zeros((2, 64 * room), np.int32)
    code = np.ascontiguousarray(tables.code.ravel())
    n = leftovers.find_nodes(code, tables.entry, sure, first, reads, leads, owner, ends)
    if n < 0:
        return None
    begin = np.zeros(len(tables.entry), np.int32)
    begin[tables.entry >= 0] = np.arange(1, np.count_nonzero(tables.entry >= 0) + 1)
    edges = int(first[n])
    return Nodes(first[: n + 1], reads[:edges], leads[:edges], owner[:n], ends[:n], begin)


class Proof:
    """The test of one grammar.

    Parameters
    ----------
    grammar : LexedGrammar
    hints : Hints
        Ways to a match.
    rules : list
        The rules of the parser.
    """

    def __init__(self, grammar: LexedGrammar, hints: Hints, rules: list[Rule]) -> None:
        self._grammar, self._hints, self._rules = grammar, hints, rules
        self._tables, self._parser = grammar.lexer, grammar.parser
        self._n = len(self._tables.entry)

    def run(self) -> tuple[Bytes, bool]:
        """Which terminals do no harm, and whether every stack is alive behind a token of which no other is left over.

        If all are harmless and every stack is alive, there are no dead ends.
        """
        nodes = nodes_of(self._grammar, (~self._asserting).astype(np.int32))
        if nodes is None:
            return np.zeros(self._n, np.uint8), False
        self._nodes = nodes
        separators, source = self._separators()
        words = [*separators, *self._words()]
        found, n = self._matches(words), len(separators)
        usable = self._usable(words[n:], found[n:])
        kept = [k for k in range(n) if k == 0 or not found[k, self._tables.ignored == 0].any()]
        words = [separators[k] for k in kept] + [word if usable[t] else [] for t, word in enumerate(words[n:])]
        harmful, left, choice = self._separated(words, np.array([source[k] for k in kept], np.int32))
        touched = (left & harmful[nodes.owner]).any(axis=1)  # behind these, what does harm may be left
        if touched[[source[k] for k in kept]][np.unique(choice[nodes.begin > 0])].any():
            return np.zeros(self._n, np.uint8), False
        lives = not self._parser.contested[END] and self._can_be_completed(usable & ~touched)
        return (1 - harmful if lives else np.zeros(self._n, np.uint8)), lives

    # ---------------------------------------------------------------------------------------------------- words
    @cached_property
    def _asserting(self) -> Bools:
        """Terminals with assertions."""
        found = np.zeros(self._n, np.bool_)
        found[self._hints.owner[self._tables.code[:, 0] == ASSERT]] = True
        return found

    def _word(self, terminal: int) -> list[int]:
        """Classes of a shortest word, assertions apart."""
        hints, pc, out = self._hints, self._hints.first[int(self._tables.entry[terminal])], []
        while pc >= 0 and hints.char_class[pc] >= 0:
            out.append(int(hints.char_class[pc]))
            pc = int(hints.next[pc])
        return out

    def _words(self) -> list[list[int]]:
        return [self._word(t) if self._tables.entry[t] >= 0 else [] for t in range(self._n)]

    def _separators(self) -> tuple[list[list[int]], list[int]]:
        """The empty text and some words of ignored terminals, with their terminals."""
        tables, nodes = self._tables, self._nodes
        spelled = spelled_classes(tables)[1]
        found: list[list[int]] = [[]]
        source = [0]
        for t in np.flatnonzero(tables.ignored).tolist():
            if self._asserting[t] or not nodes.begin[t]:
                continue
            v = nodes.begin[t]
            for e in range(nodes.first[v], nodes.first[v + 1]):
                if nodes.ends[nodes.leads[e]]:
                    for c in np.flatnonzero(tables.sets[nodes.reads[e]] & spelled).tolist():
                        found.append([c])
                        source.append(t)
        return found[:MAX_SEPARATORS], source[:MAX_SEPARATORS]

    def _flat(self, words: list[list[int]]) -> tuple[Ints, Ints]:
        ends = np.cumsum([0, *map(len, words)]).astype(np.int32)
        return np.array([c for word in words for c in word], np.int32), ends

    def _matches(self, words: list[list[int]]) -> Bytes:
        nodes, found = self._nodes, np.zeros((len(words), self._n), np.uint8)
        parts = (nodes.first, nodes.reads, nodes.leads, nodes.owner, nodes.ends, nodes.begin)
        leftovers.match_words(*parts, self._tables.sets, *self._flat(words), found)
        return found

    @cached_property
    def _places(self) -> Ints:
        """``(n_contexts, n_terminals)``: at which place a terminal is tried, ``NOWHERE`` for not."""
        tables = self._tables
        n = len(tables.order_first) - 1
        places = np.full((n, self._n), NOWHERE, np.int32)
        context = np.repeat(np.arange(n), np.diff(tables.order_first))
        places[context, tables.order] = np.arange(len(tables.order))
        return places

    @cached_property
    def _asked(self) -> Bools:
        """``(n_contexts, n_terminals)``: whether a parser in such a context has a use for a terminal."""
        asked = np.zeros((len(self._tables.order_first) - 1, self._n), np.bool_)
        np.logical_or.at(asked, self._parser.context, self._parser.action != 0)
        return asked

    def _usable(self, words: list[list[int]], found: Bytes) -> Bytes:
        """Terminals that come without conflicts, and whose word is taken for them in every context."""
        tables, places = self._tables, self._places
        usable = (self._parser.contested == 0) & (tables.ignored == 0) & ~self._asserting
        usable &= np.array([len(word) > 0 for word in words])
        for t in np.flatnonzero(usable).tolist():
            others = np.flatnonzero(found[t])
            if len(others) == 1 and (places[self._asked[:, t], t] != NOWHERE).all():
                continue
            contexts = np.flatnonzero(self._asked[:, t])
            at = places[contexts][:, others]
            best = at.argmin(axis=1)
            entry, winner = at[np.arange(len(contexts)), best], others[best]
            usable[t] = all(
                taken != NOWHERE and (other == t or self._becomes(t, other, taken, found[t]))
                for other, taken in set(zip(winner.tolist(), entry.tolist(), strict=True))
            )
        return usable.astype(np.uint8)

    def _becomes(self, terminal: int, other: int, entry: int, found: Bytes) -> bool:
        """Whether the word of a terminal, matched by another one's entry of ``order``, gets the terminal's tag."""
        tables = self._tables
        if self._asserting[other] or tables.ignored[other] or not found[other] & leftovers.WHOLE:
            return False
        strings = tables.retype[tables.retype_first[entry] : tables.retype_first[entry + 1]].tolist()
        return next((s for s in strings if found[s] & leftovers.WHOLE), -1) == terminal

    # ------------------------------------------------------------------------------------------------- separators
    @cached_property
    def _before(self) -> Bytes:
        """``[t, u]``: whether terminal u is tried before t in some context that asks for t."""
        tried = self._places[:, None, :] != NOWHERE
        earlier = self._asked_or_ignored[:, :, None] & tried & (self._places[:, None, :] < self._places[:, :, None])
        return earlier.any(axis=0).astype(np.uint8)

    @cached_property
    def _asked_or_ignored(self) -> Bools:
        return self._asked | (self._tables.ignored != 0)

    @cached_property
    def _follows(self) -> Bytes:
        """Which terminal can come behind which."""
        action, follows = self._parser.action, np.zeros((self._n, self._n), np.uint8)
        s, t = np.nonzero(action > 0)
        np.logical_or.at(follows, t, (action[action[s, t] - 1] != 0).astype(np.uint8))
        ignored = self._tables.ignored != 0
        follows[:, ignored], follows[ignored] = 1, 1
        return follows

    def _separated(self, words: list[list[int]], source: Ints) -> tuple[Bytes, Bytes, Ints]:
        """Terminals that do harm; what can be left behind each; the separator that works behind it for all others."""
        nodes, tables = self._nodes, self._tables
        programs = (nodes.first, nodes.reads, nodes.leads, nodes.owner, nodes.ends)
        spelled = tables.sets * spelled_classes(tables)[1].astype(np.uint8)
        meet = (spelled.astype(np.float32) @ spelled.T.astype(np.float32) > 0).astype(np.uint8)
        left, both = np.zeros((self._n, len(nodes.owner)), np.uint8), np.zeros((self._n, self._n), np.uint8)
        matching, harmful = np.zeros((2, self._n), np.uint8)
        leftovers.spread(*programs, nodes.begin, meet, self._before, self._follows, left, both, matching)
        harmful |= matching & ~self._always_shifted
        choice = np.where(nodes.begin > 0, -1, 0).astype(np.int32)
        arguments = (tables.sets, *self._flat(words), source, self._follows, left)
        leftovers.choose(*programs, *arguments, self._allowed(words, source, both), choice, harmful)
        harmful |= choice < 0  # what matches of these owe does not come true
        leftovers.choose(*programs, *arguments, np.ones((self._n, len(source)), np.uint8), choice, harmful)
        owing = (harmful != 0) & self._asserting  # other tags of their matches: of ignored ones, and key words
        harmful[lexer.DROPPED] = (owing & (tables.ignored != 0)).any()
        entry = np.repeat(np.arange(len(tables.order)), np.diff(tables.retype_first))
        harmful[tables.retype[owing[tables.order[entry]]]] = 1
        return harmful, left, choice

    @cached_property
    def _always_shifted(self) -> Bytes:
        """Terminals whose tokens are taken wherever they are tried: so a text in which one has begun is no dead end."""
        tables, action = self._tables, self._parser.action
        refused = np.zeros(self._asked.shape, np.bool_)
        np.logical_or.at(refused, self._parser.context, action <= 0)
        context = np.repeat(np.arange(len(refused)), np.diff(tables.order_first))
        entry = np.repeat(np.arange(len(tables.order)), np.diff(tables.retype_first))
        bad = np.zeros(self._n, np.bool_)
        bad[tables.order[refused[context, tables.order] & (tables.ignored[tables.order] == 0)]] = True
        bad[tables.order[entry[refused[context[entry], tables.retype]]]] = True
        return (~bad).astype(np.uint8)

    def _allowed(self, words: list[list[int]], source: Ints, both: Bytes) -> Bytes:
        """``(n_terminals, n_separators)``: which separators make what the matches of a terminal owe come true."""
        tables = self._tables
        allowed = np.ones((self._n, len(source)), np.uint8)
        for t in np.flatnonzero(self._asserting).tolist():
            owed = self._owed(t)
            if not owed:
                continue
            if (tables.look_next[owed] > HOLDS).any() or both[:, t].any():
                allowed[t] = 0
                continue
            for k in range(len(source)):
                next_words = [words[k]] if k else [words[len(source) + u] for u in np.flatnonzero(self._follows[t])]
                firsts = [word[0] for word in next_words if word]
                allowed[t, k] = (tables.look_next[owed][:, firsts] == HOLDS).all()
                if k == 0:
                    allowed[t, k] &= tables.look_end[owed].all()
        return allowed

    def _owed(self, terminal: int) -> list[int]:
        """The look states that matches of a terminal may owe."""
        tables, found = self._tables, set()
        pending, seen = [(int(tables.entry[terminal]), HOLDS)], set()
        while pending:
            thread = pending.pop()
            if thread in seen:
                continue
            seen.add(thread)
            pc, look = thread
            op, a, b = tables.code[pc].tolist()
            if op == leftovers.MATCH:
                found.add(look)
            elif op == leftovers.CHARS:
                reads = tables.sets[a] != 0
                pending += [(b, to) for to in np.unique(tables.look_next[look, reads]).tolist()]
            elif op == ASSERT:
                pending += [(b, to) for to in np.unique(tables.look_enter[:, a]).tolist()]
                pending.append((b, look))
            else:
                pending += [(a, look), (b, look)]
            pending = [(pc, look) for pc, look in pending if look != 0]
        return sorted(found - {HOLDS})

    def _can_be_completed(self, usable: Bytes) -> bool:
        left = np.array([left for left, _ in self._rules], np.int32)
        right = np.array([x for _, symbols in self._rules for x in symbols], np.int32)
        first = np.cumsum([0, *(len(symbols) for _, symbols in self._rules)]).astype(np.int32)
        return bool(leftovers.completable(self._parser.action, self._parser.goto, left, first, right, usable))


NOWHERE = np.iinfo(np.int32).max

__all__ = ["Proof"]
