"""Why no text of a Lark grammar leads into a dead end: a test that most grammars pass.

A text can be stuck although each of its tokens was allowed: the stack may have no completion, no text may be split
into the tokens that could come, or what is left of a longer token may swallow whatever comes. The test looks for texts
that always work: a *word* for each terminal, which every context that tries the terminal splits off as that terminal,
and behind each terminal a *separator*, an ignored token or nothing, such that no leftover
(:mod:`detent.native.leftovers`) ever matches. If every stack can be completed by terminals with such words, spelling
them finishes any text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from detent.grammar.lark.tables import HOLDS, LexedGrammar
from detent.native import derivations, items, lexer, pruning

from .sentences import Hints, flat_rules, goes_on
from .separators import Chosen, Separators, candidates
from .shadowed import shadowed
from .terminal_words import Words
from .terminals import Bools, Bytes, Ints, Terminals, TooManyNodes


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


def hopeful(grammar: LexedGrammar, others: Iterable[int], never: Iterable[int] = ()) -> LexedGrammar:
    """A grammar without what only begins rules that no text can complete; contexts still try what they tried.

    Parameters
    ----------
    grammar : LexedGrammar
    others : iterable of int
        The terminals that come although no lexer reads them.
    never : iterable of int
        The terminals that never come although the lexer tries them.
    """
    parser, can_come = grammar.parser, (grammar.lexer.entry >= 0).astype(np.uint8)
    can_come[list(others)] = 1
    can_come[list(never)] = 0
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
        self._parser = grammar.parser
        self._completable: dict[bytes, bool] = {}  # of sets of terminals

    def run(self) -> Verdict:
        """Try to prove it."""
        n, opens = len(self._grammar.lexer.entry), any(self._others.values())
        nothing = Verdict(np.zeros((n, n), np.uint8), False, np.ones(n, np.uint8), True, opens)
        try:
            terminals = self._terminals
        except TooManyNodes:
            return nothing
        (separators, source), words = self._separators, self._words
        usable = self._fewest(words.usable.copy())
        matched = (terminals.matches(separators)[:, terminals.tables.ignored == 0] != 0).any(axis=1)
        kept = [k for k in range(len(separators)) if k == 0 or not matched[k]]
        sources = np.array([source[k] for k in kept], np.int32)
        for _ in range(2):  # the second time without the words of what does harm: it may be their own words that did it
            spelled = [word if usable[t] else [] for t, word in enumerate(words.texts)]
            tried = Separators(terminals, [*(separators[k] for k in kept), *spelled], sources)
            found = tried.chosen()
            if found is None:
                return nothing
            chosen = found
            into = self._into_islands(chosen.left)
            nothing = replace(nothing, opens=bool(into.any()))
            fewer = usable & (1 - chosen.harmful)
            if not chosen.harmful.any() or not self._can_be_completed(fewer):
                break
            usable = fewer
        touched = tried.touched(chosen)
        if not tried.begin_well(chosen) or touched[np.unique(chosen.choice[terminals.nodes.begin > 0])].any():
            return nothing
        usable[touched[len(sources) :]] = 0
        if not self._can_be_completed(usable):
            return nothing
        unused = self._unused_in_islands(into, chosen)
        return Verdict(chosen.safe & (1 - unused), True, chosen.harmful, chosen.owes, bool(unused.any()))

    def never(self) -> list[int]:
        """Terminals that never come although the lexer tries them; some may not be found."""
        try:
            tables = self._terminals.tables
        except TooManyNodes:
            return []
        doubtful = (tables.entry >= 0) & (tables.ignored == 0) & (self._words.usable == 0)
        return shadowed(self._terminals, np.flatnonzero(doubtful).tolist())

    @cached_property
    def _terminals(self) -> Terminals:
        return Terminals(self._grammar, self._hints, self._others)

    @cached_property
    def _separators(self) -> tuple[list[list[int]], list[int]]:
        return candidates(self._terminals)

    @cached_property
    def _words(self) -> Words:
        return Words(self._terminals, self._separators[0])

    def _fewest(self, usable: Bytes) -> Bytes:
        """Without the words that are not needed: the fewer words, the less can match."""
        for spared in (self._lost.any(axis=0), self._terminals.asserting):
            if self._can_be_completed(usable & ~spared):
                usable &= ~spared
        return usable

    def _into_islands(self, left: Bytes) -> Bools:
        """The terminals of which what is left over can read the first character of an island, or looks beyond it."""
        terminals = self._terminals
        nodes, tables, found = terminals.nodes, terminals.tables, np.zeros(terminals.n, np.bool_)
        if not any(terminals.others.values()):
            return found
        behind, node = terminals.left_behind(left), np.repeat(np.arange(len(nodes.owner)), np.diff(nodes.first))
        for number, classes in terminals.others.items():
            first = np.array(sorted(classes or ()), np.int32)
            begins = node[(tables.sets[:, first] != 0).any(axis=1)[nodes.reads]]
            here: Bools = behind[terminals.follows[:, number] != 0].any(axis=0)
            found[nodes.owner[begins[here[begins]]]] = True
            are_far = np.isin(first, tables.cls[np.append(tables.starts[1:], 0x110000) > 128])
            if (tables.look_next[terminals.looks][:, first] > HOLDS).any() or (terminals.looks and are_far.any()):
                found |= terminals.asserting
        return found

    def _unused_in_islands(self, into: Bools, chosen: Chosen) -> Bytes:
        """``[t, u]``: whether terminal u may go on in an island behind tag t, and the parser may have no use for it."""
        terminals = self._terminals
        nodes, found = terminals.nodes, np.zeros((terminals.n, terminals.n), np.uint8)
        if not into.any():
            return found
        behind, doubtful = terminals.left_behind(chosen.left), (chosen.harmful != 0) | terminals.asserting
        ends = np.ones(len(nodes.owner), np.bool_)  # nodes of patterns from which what matches may always be a key word
        ends[nodes.leads[nodes.leads == np.repeat(np.arange(len(ends)), np.diff(nodes.first))]] = False
        for u in np.flatnonzero(into).tolist():
            here = behind & (nodes.owner == u)
            for t in np.flatnonzero(here.any(axis=1)).tolist():
                may_be_key_word = terminals.retyped[u] and (here[t] & ends).any()
                is_used = (t == u or terminals.is_implied(t, u)) and not may_be_key_word
                found[t, u] = doubtful[u] or not is_used
            if terminals.asserting[u]:
                own = sorted(terminals.retyped[u])
                found[own, own] = found[u, u] = 1
        found[lexer.DROPPED] = found[terminals.tables.ignored != 0].any(axis=0)
        found[lexer.DROPPED, lexer.DROPPED] = (np.diag(found) != 0)[terminals.tables.ignored != 0].any()
        return found

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


__all__ = ["Proof", "Verdict", "hopeful"]
