"""What the lexer and the parser of a Lark grammar make of each terminal, as far as the proof of no dead ends asks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detent.grammar.lark.tables import ASSERT, FAILED, HOLDS, LexedGrammar, LexerTables
from detent.native import leftovers, lexer

from .sentences import Hints

Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]
MAX_NODES = 1 << 15  # beyond, the test is not tried: it takes addresses, if not memory, that grow with the square


class TooManyNodes(Exception):
    """The programs of all terminals together are too large for the test."""


@dataclass(frozen=True, eq=False)
class Nodes:
    """The programs of all terminals; see :mod:`detent.native.leftovers`."""

    first: Ints
    reads: Ints
    leads: Ints
    owner: Ints
    ends: Ints
    begin: Ints

    @cached_property
    def edges(self) -> list[list[tuple[int, int]]]:
        """What each node reads, and where that leads."""
        both, first = list(zip(self.reads.tolist(), self.leads.tolist(), strict=True)), self.first.tolist()
        return [both[a:b] for a, b in pairwise(first)]


def _nodes_of(tables: LexerTables, sure: Ints) -> Nodes:
    room = min(len(tables.code) + len(tables.entry) + 4, MAX_NODES)
    first, owner, ends = np.zeros((3, room), np.int32)
    reads, leads = np.zeros((2, 64 * room), np.int32)
    code = np.ascontiguousarray(tables.code.ravel())
    n = leftovers.find_nodes(code, tables.entry, sure, first, reads, leads, owner, ends)
    if n < 0:
        raise TooManyNodes
    begin = np.zeros(len(tables.entry), np.int32)
    begin[tables.entry >= 0] = np.arange(1, np.count_nonzero(tables.entry >= 0) + 1)
    edges = int(first[n])
    return Nodes(first[: n + 1], reads[:edges], leads[:edges], owner[:n], ends[:n], begin)


class Terminals:
    """The terminals of a grammar, as programs that read classes of characters and as what contexts try.

    Parameters
    ----------
    grammar, hints, others
        As of :class:`~detent.automata.dead_ends.Proof`.

    Attributes
    ----------
    n : int
        The number of terminals.

    Raises
    ------
    TooManyNodes
    """

    def __init__(self, grammar: LexedGrammar, hints: Hints, others: Mapping[int, set[int] | None]) -> None:
        self.hints, self.others = hints, others
        self.tables, self.parser = grammar.lexer, grammar.parser
        self.n = len(self.tables.entry)
        self.nodes = _nodes_of(grammar.lexer, (~self.asserting).astype(np.int32))

    @cached_property
    def asserting(self) -> Bools:
        """Terminals with assertions."""
        found = np.zeros(self.n, np.bool_)
        found[self.hints.owner[self.tables.code[:, 0] == ASSERT]] = True
        return found

    @cached_property
    def retyped(self) -> defaultdict[int, set[int]]:
        """The strings that are tokens of their own where a terminal matches them."""
        tables, found = self.tables, defaultdict[int, set[int]](set)
        matching = np.repeat(tables.order, np.diff(tables.retype_first))
        for terminal, string in zip(matching.tolist(), tables.retype.tolist(), strict=True):
            found[terminal].add(string)
        return found

    @cached_property
    def asked(self) -> Bools:
        """``(n_contexts, n_terminals)``: whether a parser in such a context has a use for a terminal."""
        return _grouped(self.parser.action != 0, self.parser.context, len(self.tables.order_first) - 1)

    @cached_property
    def before(self) -> Bytes:
        """``[t, u]``: whether terminal u is tried before t in some context that asks for t."""
        before = np.zeros((self.n, self.n), np.uint8)
        asked = self.asked | (self.tables.ignored != 0)
        leftovers.find_before(self.tables.order_first, self.tables.order, asked.view(np.uint8), before)
        return before

    @cached_property
    def follows(self) -> Bytes:
        """Which terminal can come behind which."""
        action = self.parser.action
        s, t = np.nonzero(action > 0)
        symbol = np.zeros(len(action), np.int64)
        symbol[action[s, t] - 1] = t  # a state is entered by one symbol only
        entered = np.flatnonzero(symbol)
        follows = _grouped(action[entered] != 0, symbol[entered], self.n).astype(np.uint8)
        ignored = self.tables.ignored != 0
        follows[:, ignored], follows[ignored] = 1, 1
        return follows

    @cached_property
    def meets_others(self) -> Bools:
        """The terminals behind which something can come that no lexer reads."""
        found: Bools = np.logical_or.reduce(self.follows[:, list(self.others)], axis=1)
        return found

    @cached_property
    def idle(self) -> Bools:
        """The terminals that are tried somewhere although the parser has no use for them."""
        tables = self.tables
        tried = np.zeros_like(self.asked)
        tried[np.repeat(np.arange(len(tried)), np.diff(tables.order_first)), tables.order] = True
        idle: Bools = (tried[self.parser.context] & (self.parser.action == 0)).any(axis=0)
        return idle

    @cached_property
    def entered(self) -> Ints:
        """By which nonterminal each state is entered, the number of all of them for none."""
        goto = self.parser.goto
        entered = np.full(len(goto), goto.shape[1], np.int32)
        s, nonterminal = np.nonzero(goto >= 0)
        entered[goto[s, nonterminal]] = nonterminal
        return entered

    def is_implied(self, t: int, other: int) -> bool:
        """Whether a parser that accepts one terminal where both are tried accepts the other one, too."""
        parser, ignored = self.parser, self.tables.ignored
        if ignored[other]:
            return True
        one = -1 if ignored[t] else t
        numbers = parser.rule_left, parser.goto.shape[1], one, other
        return not self.idle[other] and leftovers.implied(parser.action, self.entered, *numbers)

    def owed(self, terminal: int) -> list[int]:
        """The look states that matches of a terminal may owe."""
        tables, found = self.tables, set()
        pending, seen = [(int(tables.entry[terminal]), HOLDS, -1)], set()  # place, what is owed, what was read last
        while pending:
            thread = pending.pop()
            if thread in seen or thread[1] == FAILED:
                continue
            seen.add(thread)
            pc, look, last = thread
            op, a, b = tables.code[pc].tolist()
            if op == leftovers.MATCH:
                found.add(look)
            elif op == leftovers.CHARS:
                after = set(tables.look_next[look, tables.sets[a] != 0].tolist()) if look > HOLDS else {look}
                pending += [(b, to, a) for to in after]
            elif op == ASSERT:
                lefts = np.unique(tables.left_next[:, tables.sets[last] != 0]) if last >= 0 else slice(None)
                looks = np.unique(tables.look_enter[lefts, a]).tolist()
                pending += [(b, to, last) for to in {*looks, look if looks != [FAILED] else FAILED}]
            else:
                pending += [(a, look, last), (b, look, last)]
        return sorted(found - {HOLDS})

    @cached_property
    def looks(self) -> list[int]:
        """The look states that matches may owe, at once or some characters later."""
        found = {look for t in np.flatnonzero(self.asserting).tolist() for look in self.owed(t)}
        pending = list(found)
        for look in pending:
            new = set(np.unique(self.tables.look_next[look]).tolist()) - {FAILED, HOLDS} - found
            found |= new
            pending += new
        return sorted(found)

    def matches(self, words: list[list[int]]) -> Bytes:
        """``(n_words, n_terminals)``: which terminals match a word as a whole."""
        nodes, found = self.nodes, np.zeros((len(words), self.n), np.uint8)
        parts = (nodes.first, nodes.reads, nodes.leads, nodes.owner, nodes.ends, nodes.begin)
        leftovers.match_words(*parts, self.tables.sets, *flat(words), found)
        return found

    def read(self, threads: list[int], word: list[int]) -> list[int]:
        """Where nodes are behind a word, in the order of preference."""
        edges = self.nodes.edges
        for c in word:
            has = self.tables.sets[:, c].tolist()
            threads = list(dict.fromkeys([to for v in threads for reads, to in edges[v] if has[reads]]))
        return threads

    def possible(self, threads: list[int]) -> Bools:
        """The classes that some of the nodes can read."""
        reads = [reads for v in threads for reads, _ in self.nodes.edges[v]]
        found: Bools = np.logical_or.reduce(self.tables.sets[reads], axis=0)
        return found

    def left_behind(self, left: Bytes) -> Bools:
        """Whether ``left`` says anything, by the tags that tokens get."""
        tables = self.tables
        found: Bools = left != 0
        entry = np.repeat(np.arange(len(tables.order)), np.diff(tables.retype_first))
        for string, pattern in np.unique(np.stack([tables.retype, tables.order[entry]]), axis=1).T.tolist():
            found[string] |= found[pattern]
        found[lexer.DROPPED] = found[tables.ignored != 0].any(axis=0)
        return found


def flat(words: Sequence[Sequence[int]]) -> tuple[Ints, Ints]:
    """Words one behind the other, and where each ends."""
    ends = np.cumsum([0, *map(len, words)]).astype(np.int32)
    return np.array([c for word in words for c in word], np.int32), ends


def _grouped(rows: Bools, group: NDArray[np.integer[Any]], n: int) -> Bools:
    """The rows of each of ``n`` groups, joined by "or"."""
    out = np.zeros((n, rows.shape[1]), np.bool_)
    order = np.argsort(group, kind="stable")
    groups, first = np.unique(group[order], return_index=True)
    if len(groups):
        out[groups] = np.logical_or.reduceat(rows[order], first)
    return out
