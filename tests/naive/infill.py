"""Texts with gaps by exhausting relations between the states of an automaton of all fillings, bottom-up.

Built differently from :mod:`detent.infill` on purpose: Lark's rules as they are instead of a network, characters
instead of bytes, each token a chain of its own, relations (from, to) of every symbol worked out for all states whether
they are asked for or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lark.grammar import NonTerminal
from lark.load_grammar import load_grammar

from detent.grammar import leftmost

Relation = dict[tuple[int, int], int]  # fewest tokens from one state to another


@dataclass
class Fillings:
    """The automaton of all fillings: edges (from, character, to, tokens) and free edges; it begins at 0."""

    edges: list[tuple[int, str, int, int]] = field(default_factory=list)
    free: list[tuple[int, int, int]] = field(default_factory=list)
    size: int = 1

    def state(self) -> int:
        self.size += 1
        return self.size - 1

    def text(self, at: int, text: str, cost: int, to: int | None = None) -> int:
        """A chain of characters, whose last one costs so many tokens."""
        end = self.state() if to is None else to
        if not text:
            self.free.append((at, end, cost))
            return end
        for i, char in enumerate(text):
            last = i == len(text) - 1
            follow = end if last else self.state()
            self.edges.append((at, char, follow, cost if last else 0))
            at = follow
        return end


def fillings(parts: Sequence[str | tuple[int, int | None]], vocab: Sequence[str]) -> tuple[Fillings, int]:
    """The automaton of parts, where a pair (low, high) is a gap; and its last state."""
    nfa, at = Fillings(), 0
    for part in parts:
        if isinstance(part, str):
            at = nfa.text(at, part, 0)
            continue
        low, high = part
        exit_state = nfa.state()
        for _ in range(low):
            at = _token(nfa, at, vocab, None)
        nfa.free.append((at, exit_state, 0))
        if high is None:
            _token(nfa, at, vocab, at)
        for _ in range((high or low) - low):
            at = _token(nfa, at, vocab, None)
            nfa.free.append((at, exit_state, 0))
        at = exit_state
    return nfa, at


def _token(nfa: Fillings, at: int, vocab: Sequence[str], to: int | None) -> int:
    end = nfa.state() if to is None else to
    for token in vocab:
        nfa.text(at, token, 1, end)
    return end


class Grammar:
    """Lark's rules and terminals."""

    def __init__(self, text: str, start: str = "start") -> None:
        grammar, _ = load_grammar(text, "<grammar>", [], False)
        terminals, rules, ignored = grammar.compile([start], "*")
        self.terminals = {t.name: leftmost.language(t.pattern.to_regexp()) for t in terminals}
        self.start, self.ignored = start, ignored
        self.rules = [
            (str(rule.origin.name), [(isinstance(s, NonTerminal), str(s.name)) for s in rule.expansion])
            for rule in rules
        ]

    def fewest_tokens(self, parts: Sequence[str | tuple[int, int | None]], vocab: Sequence[str]) -> int | None:
        """The fewest tokens with which the gaps can be filled; None if they cannot."""
        nfa, end = fillings(parts, vocab)
        free = _closure({(i, i): 0 for i in range(nfa.size)}, {(a, b): c for a, b, c in nfa.free})
        skipped = free
        if self.ignored:
            one: Relation = {}
            for name in self.ignored:
                _update(one, _terminal(nfa, free, self.terminals[name]))
            skipped = _closure(free, one)
        terminals = {name: _join(_terminal(nfa, free, dfa), skipped) for name, dfa in self.terminals.items()}
        known: dict[str, Relation] = {name: {} for name, _ in self.rules}
        changed = True
        while changed:
            changed = False
            for name, expansion in self.rules:
                relation = free
                for is_rule, symbol in expansion:
                    relation = _join(relation, known[symbol] if is_rule else terminals[symbol])
                changed |= _update(known[name], relation)
        return _join(skipped, known[self.start]).get((0, end))


def _update(known: Relation, new: Relation) -> bool:
    """Whether the new relation says more."""
    better = {pair: cost for pair, cost in new.items() if cost < known.get(pair, 1 << 30)}
    known.update(better)
    return bool(better)


def _join(first: Relation, second: Relation) -> Relation:
    by_source: dict[int, list[tuple[int, int]]] = {}
    for (a, b), cost in second.items():
        by_source.setdefault(a, []).append((b, cost))
    out: Relation = {}
    for (a, b), cost in first.items():
        for c, more in by_source.get(b, ()):
            if cost + more < out.get((a, c), 1 << 30):
                out[a, c] = cost + more
    return out


def _closure(start: Relation, step: Relation) -> Relation:
    """What any number of steps leads to from a relation."""
    known = dict(start)
    while _update(known, _join(known, step)):
        pass
    return known


def _terminal(nfa: Fillings, free: Relation, dfa: leftmost.CharDfa) -> Relation:
    """Pairs of states between which a text of a terminal can be read."""
    out: Relation = {}
    if not dfa.n_states:
        return out
    edges: dict[int, list[tuple[int, int, int]]] = {}
    for a, char, b, cost in nfa.edges:
        edges.setdefault(a, []).append((next(iter(dfa.classes(char))), b, cost))
    skips: dict[int, list[tuple[int, int]]] = {}
    for a, b, cost in nfa.free:
        skips.setdefault(a, []).append((b, cost))
    for source in range(nfa.size):
        best = {(source, 0): 0}
        pending = [(source, 0)]
        while pending:
            at, state = pending.pop(0)
            cost = best[at, state]
            if dfa.accept[state] and cost < out.get((source, at), 1 << 30):
                out[source, at] = cost
            following = [((b, state), cost + more) for b, more in skips.get(at, ())]
            for c, b, more in edges.get(at, ()):
                to = int(dfa.trans[state, c])
                if to >= 0:
                    following.append(((b, to), cost + more))
            for place, total in following:
                if total < best.get(place, 1 << 30):
                    best[place] = total
                    pending.append(place)
    return out
