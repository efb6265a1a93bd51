"""Why no text of a Lark grammar leads into a dead end: a test that most grammars pass.

A text can be stuck although each of its tokens was allowed: the stack may have no completion, no text may be split
into the tokens that could come, or what is left of a longer token may swallow whatever comes. The test looks for texts
that always work: a *word* for each terminal, which every context that tries the terminal splits off as that terminal,
and behind each terminal a *separator*, an ignored token or nothing, such that no leftover
(:mod:`detent.native.leftovers`) ever matches. If every stack can be completed by terminals with such words, spelling
them finishes any text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detent.grammar.lark.tables import ASSERT, END, FAILED, HOLDS, LexedGrammar
from detent.native import derivations, items, leftovers, lexer, pruning

from .sentences import Hints, flat_rules, goes_on

Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]
MAX_NODES = 1 << 15  # beyond, the test is not tried: it takes addresses, if not memory, that grow with the square
MAX_SEPARATORS = 12


@dataclass(frozen=True, eq=False)
class Verdict:
    """What could be proved of a grammar.

    Attributes
    ----------
    safe : (n_terminals, n_terminals) uint8
        ``safe[t, u]``: whether leftovers of terminal u need not be remembered behind a token with tag t; ``safe[t, t]``
        also: what a match of t owes comes true.
    lives : bool
        Whether every stack can be completed behind a token that leaves nothing behind but what is safe.
    harmful : (n_terminals,) uint8
        Terminals whose leftovers are not safe everywhere because they can swallow what comes.
    owes : bool
        Whether matches may owe what does not come true.
    opens : bool
        Whether an island may begin as a longer token goes on for which the parser may have no use.
    """

    safe: Bytes
    lives: bool
    harmful: Bytes
    owes: bool
    opens: bool


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


def hopeful(grammar: LexedGrammar, others: Iterable[int]) -> LexedGrammar:
    """A grammar without what only begins rules that no text can complete; contexts still try what they tried.

    Parameters
    ----------
    grammar : LexedGrammar
    others : iterable of int
        The terminals that come although no lexer reads them.
    """
    parser, can_come = grammar.parser, (grammar.lexer.entry >= 0).astype(np.uint8)
    can_come[list(others)] = 1
    action, goto = parser.action.copy(), parser.goto.copy()
    pruning.prune(action, goto, *flat_rules(parser), parser.rule_left, parser.rule_length, can_come)
    return replace(grammar, parser=replace(parser, action=action, goto=goto))


class Proof:
    """The test of one grammar.

    Parameters
    ----------
    grammar : LexedGrammar
    hints : Hints
        Ways to a match.
    others : mapping of int to set of int or None
        Of the terminals that come although no lexer reads them, the classes of characters that their texts can begin
        with; None if the text of the lexer ends there.
    """

    def __init__(
        self,
        grammar: LexedGrammar,
        hints: Hints,
        others: Mapping[int, set[int] | None] = MappingProxyType({}),
    ) -> None:
        self._grammar, self._hints, self._others = grammar, hints, others
        self._tables, self._parser = grammar.lexer, grammar.parser
        self._n = len(self._tables.entry)
        self._completable: dict[bytes, bool] = {}  # of sets of terminals

    def run(self) -> Verdict:
        """Try to prove it."""
        nodes = nodes_of(self._grammar, (~self._asserting).astype(np.int32))
        n_terminals, opens = self._n, any(self._others.values())
        nothing = Verdict(
            np.zeros((n_terminals, n_terminals), np.uint8), False, np.ones(n_terminals, np.uint8), True, opens
        )
        if nodes is None:
            return nothing
        self._nodes = nodes
        separators, source = self._separators()
        words = [*separators, *self._words()]
        found, n = self._matches(words), len(separators)
        usable = self._usable(words[n:], found[n:])
        self._check_assertions(usable, words, n)
        for spared in (self._lost.any(axis=0), self._asserting):  # the fewer words, the less can match
            if self._can_be_completed(usable & ~spared):
                usable &= ~spared
        kept = [k for k in range(n) if k == 0 or not found[k, self._tables.ignored == 0].any()]
        for _ in range(2):  # the second time without the words of what does harm: it may be their own words that did it
            spelled = [word if usable[t] else [] for t, word in enumerate(words[n:])]
            tried = [*(separators[k] for k in kept), *spelled]
            sources = np.array([source[k] for k in kept], np.int32)
            separated = self._separated(tried, sources)
            if separated is None:
                return nothing
            safe, harmful, bad, left, choice, owes = separated
            into = self._into_islands(left)
            nothing = replace(nothing, opens=bool(into.any()))
            fewer = usable & (1 - harmful)
            if not harmful.any() or not self._can_be_completed(fewer):
                break
            usable = fewer
        touched = self._touched(tried, sources, left, bad, choice)
        if not self._begin_well(tried, sources, left, choice):
            return nothing
        if touched[np.unique(choice[nodes.begin > 0])].any():
            return nothing
        usable[touched[len(sources) :]] = 0
        if not self._can_be_completed(usable):
            return nothing
        unused = self._unused_in_islands(into, left, harmful)
        return Verdict(safe & (1 - unused), True, harmful, owes, bool(unused.any()))

    # ---------------------------------------------------------------------------------------------------- words
    @cached_property
    def _asserting(self) -> Bools:
        """Terminals with assertions."""
        found = np.zeros(self._n, np.bool_)
        found[self._hints.owner[self._tables.code[:, 0] == ASSERT]] = True
        return found

    def _words(self) -> list[list[int]]:
        """Classes of a shortest word of each terminal, assertions apart; of none, if there is none."""
        shortest = self._shortest()
        words = shortest.copy()
        for t in np.flatnonzero(~self._asserting).tolist():
            if len(words[t]) == 1:  # there may be others as short, of which less is left: a line's end, or a comment
                others = [[c] for c in self._characters(t, shortest)]
                if others:
                    words[t] = min(others, key=lambda word: self._n_next(t, word)) if len(others) > 1 else others[0]
        return words

    def _shortest(self) -> list[list[int]]:
        first, read, then = self._hints.first, self._hints.char_class.tolist(), self._hints.next.tolist()
        words = []
        for entry in self._tables.entry.tolist():
            word, pc = [], first[entry] if entry >= 0 else -1
            while pc >= 0 and read[pc] >= 0:
                word.append(read[pc])
                pc = then[pc]
            words.append(word)
        return words

    def _characters(self, terminal: int, shortest: list[list[int]]) -> list[int]:
        """A class of each set of which one character is a text of a terminal, and of no other in its place."""
        ends, found = self._nodes.ends, []
        taken = [shortest[u][0] for u in self._retyped[terminal] if len(shortest[u]) == 1]
        for reads, to in self._nodes.edges[self._nodes.begin[terminal]]:
            c = int(self._hints.some_class[reads]) if ends[to] else -1
            if c in taken:
                free = self._tables.sets[reads] & self._hints.spelled
                free[taken] = 0
                c = int(free.argmax()) if free.any() else -1
            if c >= 0:
                found.append(c)
        return found

    @cached_property
    def _retyped(self) -> defaultdict[int, set[int]]:
        """The strings that are tokens of their own where a terminal matches them."""
        tables, found = self._tables, defaultdict[int, set[int]](set)
        matching = np.repeat(tables.order, np.diff(tables.retype_first))
        for terminal, string in zip(matching.tolist(), tables.retype.tolist(), strict=True):
            found[terminal].add(string)
        return found

    def _n_next(self, terminal: int, word: list[int]) -> int:
        """How many classes a terminal can go on with behind a word."""
        return int(self._possible(self._read([int(self._nodes.begin[terminal])], word)).sum())

    def _possible(self, threads: list[int]) -> Bools:
        """The classes that some of the nodes can read."""
        reads = [reads for v in threads for reads, _ in self._nodes.edges[v]]
        found: Bools = np.logical_or.reduce(self._tables.sets[reads], axis=0)
        return found

    def _separators(self) -> tuple[list[list[int]], list[int]]:
        """The empty text and some words of ignored terminals, with their terminals."""
        tables, nodes = self._tables, self._nodes
        spelled = self._hints.spelled
        found: list[list[int]] = [[]]
        source = [0]
        for t in np.flatnonzero(tables.ignored).tolist():
            if self._asserting[t] or not nodes.begin[t]:
                continue
            for reads, to in nodes.edges[nodes.begin[t]]:
                if nodes.ends[to]:
                    for c in np.flatnonzero(tables.sets[reads] & spelled).tolist():
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
    def _asked(self) -> Bools:
        """``(n_contexts, n_terminals)``: whether a parser in such a context has a use for a terminal."""
        return _grouped(self._parser.action != 0, self._parser.context, len(self._tables.order_first) - 1)

    def _usable(self, words: list[list[int]], found: Bytes) -> Bytes:
        """Terminals whose word is taken for them in every context."""
        tables = self._tables
        has_word = np.array([len(word) > 0 for word in words])
        usable: Bytes = ((tables.ignored == 0) & has_word).astype(np.uint8)
        certain = (tables.ignored == 0) & ~self._asserting
        tried = (tables.order_first, tables.order, tables.retype_first, tables.retype)
        leftovers.keep_spelled(*tried, self._asked.view(np.uint8), found, certain.view(np.uint8), usable)
        usable[list(self._others)] = 1
        return usable

    def _check_assertions(self, usable: Bytes, words: list[list[int]], n_separators: int) -> None:
        """Keep terminals with assertions only if these hold in their words, whatever is before and behind."""
        for t in np.flatnonzero(usable & self._asserting).tolist():
            behind = [word for word in words[1:n_separators] if word]
            if not behind and not self._meets_others[t]:  # the end of the text is an empty word
                follows = np.flatnonzero(self._follows[t]).tolist()
                behind = [words[n_separators + u] for u in follows if usable[u] or u == END]
            usable[t] = len(behind) > 0 and all(
                self._matches_whole(t, words[n_separators + t], word, left)
                for word in behind
                for left in range(len(self._tables.left_next))
            )

    def _matches_whole(self, terminal: int, word: list[int], behind: list[int], left: int) -> bool:
        """Whether the first match of a terminal's program, in a left state, is its word; at the end: nothing behind."""
        tables, lefts = self._tables, [left]
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

    # ------------------------------------------------------------------------------------------------- separators
    @cached_property
    def _before(self) -> Bytes:
        """``[t, u]``: whether terminal u is tried before t in some context that asks for t."""
        before = np.zeros((self._n, self._n), np.uint8)
        asked = self._asked | (self._tables.ignored != 0)
        leftovers.find_before(self._tables.order_first, self._tables.order, asked.view(np.uint8), before)
        return before

    @cached_property
    def _follows(self) -> Bytes:
        """Which terminal can come behind which."""
        action = self._parser.action
        s, t = np.nonzero(action > 0)
        symbol = np.zeros(len(action), np.int64)
        symbol[action[s, t] - 1] = t  # a state is entered by one symbol only
        entered = np.flatnonzero(symbol)
        follows = _grouped(action[entered] != 0, symbol[entered], self._n).astype(np.uint8)
        ignored = self._tables.ignored != 0
        follows[:, ignored], follows[ignored] = 1, 1
        return follows

    def _separated(self, words: list[list[int]], source: Ints) -> tuple[Bytes, Bytes, Bytes, Bytes, Ints, bool] | None:
        """What is safe; terminals and nodes that do harm; what can be left; separators; whether matches owe in vain."""
        nodes, tables, n = self._nodes, self._tables, self._n
        programs = (nodes.first, nodes.reads, nodes.leads)
        spelled = tables.sets * self._hints.spelled.astype(np.uint8)
        meet = (spelled.astype(np.float32) @ spelled.T.astype(np.float32) > 0).astype(np.uint8)
        left, (both, longer) = np.zeros((n, len(nodes.owner)), np.uint8), np.zeros((2, n, n), np.uint8)
        matching, bad = np.zeros(n, np.uint8), np.zeros(len(nodes.owner), np.uint8)
        relations = (nodes.begin, meet, self._before, self._follows)
        seen = np.zeros((len(bad), len(bad)), np.uint8)
        if not leftovers.spread(*programs, nodes.owner, nodes.ends, *relations, seen, left, both, longer, matching):
            return None
        choice = np.where(nodes.begin > 0, -1, 0).astype(np.int32)
        arguments = (tables.sets, *self._flat(words), source, self._clean(words, source), self._follows, left)
        leftovers.choose(*programs, nodes.ends, *arguments, self._allowed(words, source, both), choice, bad)
        owing = choice < 0  # what matches of these owe does not come true behind any separator
        if owing.any():
            leftovers.choose(*programs, nodes.ends, *arguments, np.ones((n, len(source)), np.uint8), choice, bad)
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
        return safe, harmful, bad, (left != 0).astype(np.uint8), choice, bool(owing.any())

    def _clean(self, words: list[list[int]], source: Ints) -> Bytes:
        """Separators such that nothing that is tried where they stand matches behind them, whatever word comes next."""
        nodes, n = self._nodes, len(source)
        clean = np.ones(n, np.uint8)
        for k, t in enumerate(source[1:].tolist(), 1):
            tried = nodes.begin[(self._before[t] != 0) | (np.arange(self._n) == t)]
            behind = self._read([int(v) for v in tried if v], words[k])
            possible = self._possible(behind)
            clean[k] = not any(self._meets_a_match(behind, word) for word in words[n:] if word and possible[word[0]])
        return clean

    def _meets_a_match(self, threads: list[int], word: list[int]) -> bool:
        """Whether nodes match a word, or the beginning of one."""
        for c in word:
            threads = self._read(threads, [c])
            if any(self._nodes.ends[v] for v in threads):
                return True
        return False

    @cached_property
    def _meets_others(self) -> Bools:
        """The terminals behind which something can come that no lexer reads."""
        found: Bools = np.logical_or.reduce(self._follows[:, list(self._others)], axis=1)
        return found

    def _begin_well(self, words: list[list[int]], source: Ints, left: Bytes, choice: Ints) -> bool:
        """Whether nothing is left over behind the first character of what no lexer reads, wherever that may stand."""
        nodes = self._nodes
        for t in np.flatnonzero(self._meets_others & (nodes.begin > 0)).tolist():
            k = int(choice[t])
            behind = self._read(np.flatnonzero(left[t]).tolist(), words[k])
            tried = nodes.begin[(self._before[source[k]] != 0) | (np.arange(self._n) == source[k])] if k else []
            behind = [*behind, *self._read([int(v) for v in tried if v], words[k])]
            possible = self._possible(behind)
            for u, classes in self._others.items():
                if self._follows[t, u] and classes is not None and possible[sorted(classes)].any():
                    return False
        return True

    def _left_behind(self, left: Bytes) -> Bools:
        """Whether ``left`` says anything, by the tags that tokens get."""
        tables = self._tables
        found: Bools = left != 0
        entry = np.repeat(np.arange(len(tables.order)), np.diff(tables.retype_first))
        for string, pattern in np.unique(np.stack([tables.retype, tables.order[entry]]), axis=1).T.tolist():
            found[string] |= found[pattern]
        found[lexer.DROPPED] = found[tables.ignored != 0].any(axis=0)
        return found

    def _into_islands(self, left: Bytes) -> Bools:
        """The terminals of which what is left over can read the first character of an island, or looks beyond it."""
        nodes, tables, found = self._nodes, self._tables, np.zeros(self._n, np.bool_)
        if not any(self._others.values()):
            return found
        behind, node = self._left_behind(left), np.repeat(np.arange(len(nodes.owner)), np.diff(nodes.first))
        for number, classes in self._others.items():
            first = np.array(sorted(classes or ()), np.int32)
            begins = node[(tables.sets[:, first] != 0).any(axis=1)[nodes.reads]]
            here: Bools = behind[self._follows[:, number] != 0].any(axis=0)
            found[nodes.owner[begins[here[begins]]]] = True
            are_far = np.isin(first, tables.cls[np.append(tables.starts[1:], 0x110000) > 128])
            if (tables.look_next[self._looks][:, first] > HOLDS).any() or (self._looks and are_far.any()):
                found |= self._asserting
        return found

    @cached_property
    def _looks(self) -> list[int]:
        """The look states that matches may owe, at once or some characters later."""
        found = {look for t in np.flatnonzero(self._asserting).tolist() for look in self._owed(t)}
        pending = list(found)
        for look in pending:
            new = set(np.unique(self._tables.look_next[look]).tolist()) - {FAILED, HOLDS} - found
            found |= new
            pending += new
        return sorted(found)

    def _unused_in_islands(self, into: Bools, left: Bytes, harmful: Bytes) -> Bytes:
        """``[t, u]``: whether terminal u may go on in an island behind tag t, and the parser may have no use for it."""
        nodes, found = self._nodes, np.zeros((self._n, self._n), np.uint8)
        if not into.any():
            return found
        behind, doubtful = self._left_behind(left), (harmful != 0) | self._asserting
        ends = np.ones(len(nodes.owner), np.bool_)  # nodes of patterns from which what matches may always be a key word
        ends[nodes.leads[nodes.leads == np.repeat(np.arange(len(ends)), np.diff(nodes.first))]] = False
        for u in np.flatnonzero(into).tolist():
            here = behind & (nodes.owner == u)
            for t in np.flatnonzero(here.any(axis=1)).tolist():
                is_used = (t == u or self._is_implied(t, u)) and not (self._retyped[u] and (here[t] & ends).any())
                found[t, u] = doubtful[u] or not is_used
            if self._asserting[u]:
                own = sorted(self._retyped[u])
                found[own, own] = found[u, u] = 1
        found[lexer.DROPPED] = found[self._tables.ignored != 0].any(axis=0)
        found[lexer.DROPPED, lexer.DROPPED] = (np.diag(found) != 0)[self._tables.ignored != 0].any()
        return found

    def _touched(self, words: list[list[int]], source: Ints, left: Bytes, bad: Bytes, choice: Ints) -> Bools:
        """Of separators and words, those behind which something that can match may be left in a text of them."""
        nodes, n = self._nodes, len(source)
        terminal, begins = [*source.tolist(), *range(self._n)], np.unique(nodes.owner[bad != 0]).tolist()
        found, pending = set(), []
        for w, word in enumerate(words):
            for u in begins:
                if word and (u == terminal[w] or self._before[terminal[w], u]):
                    behind = self._read([nodes.begin[u]], word)
                    while u == terminal[w] and not self._asserting[u] and behind and not nodes.ends[behind[-1]]:
                        behind.pop()  # what the match was preferred to
                    pending += [(w, x) for x in behind]
        while pending:
            w, x = pending.pop()
            if (w, x) not in found and left[terminal[w], x]:
                found.add((w, x))
                behind = self._read([x], words[choice[terminal[w]]] if w >= n else [])
                for v in np.flatnonzero(self._follows[terminal[w]]).tolist() if behind else []:
                    pending += [(n + v, y) for y in self._read(behind, words[n + v]) if words[n + v]]
        touched = np.zeros(len(words), np.bool_)
        touched[[w for w, x in found if bad[x]]] = True
        return touched

    def _read(self, threads: list[int], word: list[int]) -> list[int]:
        """Where nodes are behind a word, in the order of preference."""
        edges = self._nodes.edges
        for c in word:
            has = self._tables.sets[:, c].tolist()
            threads = list(dict.fromkeys([to for v in threads for reads, to in edges[v] if has[reads]]))
        return threads

    def _spare_what_is_in_vain(self, safe: Bytes, longer: Bytes, matching: Bytes) -> None:
        """Take out terminals that may match, although others are taken, where the parser has no use for them."""
        for other in np.flatnonzero(matching).tolist():
            for t in np.flatnonzero(longer[:, other]).tolist():
                safe[t, other] &= self._is_implied(t, other)

    def _is_implied(self, t: int, other: int) -> bool:
        """Whether a parser that accepts one terminal where both are tried accepts the other one, too."""
        parser, ignored = self._parser, self._tables.ignored
        if ignored[other]:
            return True
        one = -1 if ignored[t] else t
        numbers = parser.rule_left, parser.goto.shape[1], one, other
        return not self._idle[other] and leftovers.implied(parser.action, self._entered, *numbers)

    @cached_property
    def _entered(self) -> Ints:
        """By which nonterminal each state is entered, the number of all of them for none."""
        goto = self._parser.goto
        entered = np.full(len(goto), goto.shape[1], np.int32)
        s, nonterminal = np.nonzero(goto >= 0)
        entered[goto[s, nonterminal]] = nonterminal
        return entered

    @cached_property
    def _idle(self) -> Bools:
        """The terminals that are tried somewhere although the parser has no use for them."""
        tables = self._tables
        tried = np.zeros_like(self._asked)
        tried[np.repeat(np.arange(len(tried)), np.diff(tables.order_first)), tables.order] = True
        idle: Bools = (tried[self._parser.context] & (self._parser.action == 0)).any(axis=0)
        return idle

    def _allowed(self, words: list[list[int]], source: Ints, both: Bytes) -> Bytes:
        """``(n_terminals, n_separators)``: which separators make what the matches of a terminal owe come true."""
        tables = self._tables
        allowed = np.ones((self._n, len(source)), np.uint8)
        for t in np.flatnonzero(self._asserting).tolist():
            owed = self._owed(t)
            if not owed:
                continue
            rivals = np.flatnonzero(both[:, t]).tolist()  # where these end, a match of t may still owe something
            if (tables.look_next[owed] > HOLDS).any() or not all(self._is_implied(u, t) for u in rivals):
                allowed[t] = 0
                continue
            for k in range(len(source)):
                next_words = [words[k]] if k else [words[len(source) + u] for u in np.flatnonzero(self._follows[t])]
                firsts = [word[0] for word in next_words if word]
                allowed[t, k] = (tables.look_next[owed][:, firsts] == HOLDS).all()
                if k == 0:
                    allowed[t, k] &= tables.look_end[owed].all() and not self._meets_others[t]
        return allowed

    def _owed(self, terminal: int) -> list[int]:
        """The look states that matches of a terminal may owe."""
        tables, found = self._tables, set()
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
    def _lost(self) -> Bytes:
        """Which rules have lost a conflict before which terminals."""
        return np.ascontiguousarray(self._parser.lost[self._parser.reduced])

    def _can_be_completed(self, usable: Bytes) -> bool:
        key = usable.tobytes()
        if key not in self._completable:
            self._completable[key] = goes_on(self._parser, usable) or self._is_completable(usable)
        return self._completable[key]

    def _is_completable(self, usable: Bytes) -> bool:
        number = np.array(self._parser.reduced, np.int32)
        _, *right_sides = self._rules
        found: bool = derivations.completable(self._parser.action, *right_sides, number, *self._places, usable)
        return found

    @cached_property
    def _rules(self) -> tuple[Ints, Ints, Ints]:
        return flat_rules(self._parser)

    @cached_property
    def _places(self) -> tuple[Any, ...]:
        """The items of the parser; see :func:`detent.native.items.find_places`."""
        found: tuple[Any, ...] = items.find_places(self._parser.action, self._parser.goto, *self._rules)
        return found


def _grouped(rows: Bools, group: NDArray[np.integer[Any]], n: int) -> Bools:
    """The rows of each of ``n`` groups, joined by "or"."""
    out = np.zeros((n, rows.shape[1]), np.bool_)
    order = np.argsort(group, kind="stable")
    groups, first = np.unique(group[order], return_index=True)
    if len(groups):
        out[groups] = np.logical_or.reduceat(rows[order], first)
    return out


__all__ = ["Proof", "Verdict", "hopeful"]
