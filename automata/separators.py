"""What may stand behind the tokens of a Lark grammar such that nothing that is left over of them ever matches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detent.grammar.lark.tables import HOLDS
from detent.native import leftovers, lexer

from .terminals import Bools, Bytes, Ints, Terminals, flat

MAX_SEPARATORS = 12


@dataclass(frozen=True, eq=False)
class Chosen:
    """The separators of all terminals, and what is left over where texts use them.

    Attributes
    ----------
    choice : (n_terminals,) int32
        The separator of each; -1: what matches owe does not come true behind any.
    left : (n_terminals, n_nodes) uint8
        Which nodes can be left behind a token.
    bad : (n_nodes,) uint8
        Nodes that can match behind a separator.
    safe : (n_terminals, n_terminals) uint8
        As in :class:`~detent.automata.dead_ends.Verdict`.
    harmful : (n_terminals,) uint8
        The same.
    owes : bool
        The same.
    """

    choice: Ints
    left: Bytes
    bad: Bytes
    safe: Bytes
    harmful: Bytes
    owes: bool


def candidates(terminals: Terminals) -> tuple[list[list[int]], list[int]]:
    """The empty text and some words of ignored terminals, with their terminals."""
    tables, nodes = terminals.tables, terminals.nodes
    spelled = terminals.hints.spelled
    found: list[list[int]] = [[]]
    source = [0]
    for t in np.flatnonzero(tables.ignored).tolist():
        if terminals.asserting[t] or not nodes.begin[t]:
            continue
        for reads, to in nodes.edges[nodes.begin[t]]:
            if nodes.ends[to]:
                for c in np.flatnonzero(tables.sets[reads] & spelled).tolist():
                    found.append([c])
                    source.append(t)
    return found[:MAX_SEPARATORS], source[:MAX_SEPARATORS]


class Separators:
    """Some separators, tried with some words.

    Parameters
    ----------
    terminals : Terminals
    words : list of list of int
        The separators, the empty one first, and then a word of each terminal, empty if there is none.
    source : (n_separators,) int32
        The ignored terminals that the separators are words of.
    """

    def __init__(self, terminals: Terminals, words: list[list[int]], source: Ints) -> None:
        self._terminals, self.words, self.source = terminals, words, source

    def chosen(self) -> Chosen | None:
        """For each terminal the separator behind which what is left over never matches; None: too much work."""
        terminals = self._terminals
        nodes, tables, n = terminals.nodes, terminals.tables, terminals.n
        programs = (nodes.first, nodes.reads, nodes.leads)
        spelled = tables.sets * terminals.hints.spelled.astype(np.uint8)
        meet = (spelled.astype(np.float32) @ spelled.T.astype(np.float32) > 0).astype(np.uint8)
        left, (both, longer) = np.zeros((n, len(nodes.owner)), np.uint8), np.zeros((2, n, n), np.uint8)
        matching, bad = np.zeros(n, np.uint8), np.zeros(len(nodes.owner), np.uint8)
        relations = (nodes.begin, meet, terminals.before, terminals.follows)
        seen = np.zeros((len(bad), len(bad)), np.uint8)
        if not leftovers.spread(*programs, nodes.owner, nodes.ends, *relations, seen, left, both, longer, matching):
            return None
        choice = np.where(nodes.begin > 0, -1, 0).astype(np.int32)
        arguments = (tables.sets, *flat(self.words), self.source, self._clean(), terminals.follows, left)
        leftovers.choose(*programs, nodes.ends, *arguments, self._allowed(both), choice, bad)
        owing = choice < 0  # what matches of these owe does not come true behind any separator
        if owing.any():
            leftovers.choose(*programs, nodes.ends, *arguments, np.ones((n, len(self.source)), np.uint8), choice, bad)
        harmful = np.zeros(n, np.uint8)
        harmful[nodes.owner[bad != 0]] = 1
        entry = np.repeat(np.arange(len(tables.order)), np.diff(tables.retype_first))
        harmful[tables.retype[owing[tables.order[entry]]]] = 1  # key words share their pattern's matches
        harmful |= owing
        safe = np.repeat(1 - harmful[None, :], n, axis=0)
        self._spare_what_is_in_vain(safe, longer, matching)
        ignored = tables.ignored != 0
        safe[lexer.DROPPED] = safe[ignored].all(axis=0)
        safe[lexer.DROPPED, lexer.DROPPED] = not (owing & ignored).any()
        return Chosen(choice, (left != 0).astype(np.uint8), bad, safe, harmful, bool(owing.any()))

    def _clean(self) -> Bytes:
        """Separators such that nothing that is tried where they stand matches behind them, whatever word comes next."""
        terminals, n = self._terminals, len(self.source)
        clean = np.ones(n, np.uint8)
        for k, t in enumerate(self.source[1:].tolist(), 1):
            behind = terminals.read(self._tried(t), self.words[k])
            possible = terminals.possible(behind)
            words = [word for word in self.words[n:] if word and possible[word[0]]]
            clean[k] = not any(self._meets_a_match(behind, word) for word in words)
        return clean

    def _tried(self, t: int) -> list[int]:
        """The nodes that are tried where a terminal stands: its own, and those before it."""
        terminals = self._terminals
        begin = terminals.nodes.begin[(terminals.before[t] != 0) | (np.arange(terminals.n) == t)]
        return [int(v) for v in begin if v]

    def _meets_a_match(self, threads: list[int], word: list[int]) -> bool:
        """Whether nodes match a word, or the beginning of one."""
        terminals = self._terminals
        for c in word:
            threads = terminals.read(threads, [c])
            if any(terminals.nodes.ends[v] for v in threads):
                return True
        return False

    def begin_well(self, chosen: Chosen) -> bool:
        """Whether nothing is left over behind the first character of what no lexer reads, wherever that may stand."""
        terminals = self._terminals
        for t in np.flatnonzero(terminals.meets_others & (terminals.nodes.begin > 0)).tolist():
            k = int(chosen.choice[t])
            tried = self._tried(int(self.source[k])) if k else []
            behind = terminals.read(np.flatnonzero(chosen.left[t]).tolist(), self.words[k])
            possible = terminals.possible([*behind, *terminals.read(tried, self.words[k])])
            for u, classes in terminals.others.items():
                if terminals.follows[t, u] and classes is not None and possible[sorted(classes)].any():
                    return False
        return True

    def touched(self, chosen: Chosen) -> Bools:
        """Of separators and words, those behind which something that can match may be left in a text of them."""
        terminals = self._terminals
        nodes, words, n = terminals.nodes, self.words, len(self.source)
        terminal = [*self.source.tolist(), *range(terminals.n)]
        begins = np.unique(nodes.owner[chosen.bad != 0]).tolist()
        found, pending = set(), []
        for w, word in enumerate(words):
            for u in begins:
                if word and (u == terminal[w] or terminals.before[terminal[w], u]):
                    behind = terminals.read([nodes.begin[u]], word)
                    while u == terminal[w] and not terminals.asserting[u] and behind and not nodes.ends[behind[-1]]:
                        behind.pop()  # what the match was preferred to
                    pending += [(w, x) for x in behind]
        while pending:
            w, x = pending.pop()
            if (w, x) not in found and chosen.left[terminal[w], x]:
                found.add((w, x))
                behind = terminals.read([x], words[chosen.choice[terminal[w]]] if w >= n else [])
                for v in np.flatnonzero(terminals.follows[terminal[w]]).tolist() if behind else []:
                    pending += [(n + v, y) for y in terminals.read(behind, words[n + v]) if words[n + v]]
        touched = np.zeros(len(words), np.bool_)
        touched[[w for w, x in found if chosen.bad[x]]] = True
        return touched

    def _spare_what_is_in_vain(self, safe: Bytes, longer: Bytes, matching: Bytes) -> None:
        """Take out terminals that may match, although others are taken, where the parser has no use for them."""
        for other in np.flatnonzero(matching).tolist():
            for t in np.flatnonzero(longer[:, other]).tolist():
                safe[t, other] &= self._terminals.is_implied(t, other)

    def _allowed(self, both: Bytes) -> Bytes:
        """``(n_terminals, n_separators)``: which separators make what the matches of a terminal owe come true."""
        terminals = self._terminals
        tables = terminals.tables
        allowed = np.ones((terminals.n, len(self.source)), np.uint8)
        for t in np.flatnonzero(terminals.asserting).tolist():
            owed = terminals.owed(t)
            if not owed:
                continue
            rivals = np.flatnonzero(both[:, t]).tolist()  # where these end, a match of t may still owe something
            if (tables.look_next[owed] > HOLDS).any() or not all(terminals.is_implied(u, t) for u in rivals):
                allowed[t] = 0
                continue
            for k in range(len(self.source)):
                follows = np.flatnonzero(terminals.follows[t])
                next_words = [self.words[k]] if k else [self.words[len(self.source) + u] for u in follows]
                firsts = [word[0] for word in next_words if word]
                allowed[t, k] = (tables.look_next[owed][:, firsts] == HOLDS).all()
                if k == 0:
                    allowed[t, k] &= tables.look_end[owed].all() and not terminals.meets_others[t]
        return allowed
