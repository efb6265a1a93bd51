"""Which terminals can come next to each other: the classical sets FIRST and FOLLOW."""

from __future__ import annotations

from .flat import FlatGrammar


def nullable(grammar: FlatGrammar) -> set[str]:
    """The rules that have the empty text."""
    found: set[str] = set()
    size = -1
    while size != (size := len(found)):
        found.update(rule.left for rule in grammar.rules if found.issuperset(rule.right))
    return found


def followers(grammar: FlatGrammar) -> dict[str, set[str]]:
    """For each symbol the terminals that can follow it in a sentence, ignored ones left aside.

    Notes
    -----
    Aho, Lam, Sethi, Ullman, "Compilers", section 4.4.2. All rules count, also those that no sentence needs.
    """
    names = {rule.left for rule in grammar.rules}
    first: dict[str, set[str]] = {name: set() for name in names}
    follow: dict[str, set[str]] = {name: set() for name in names}
    for rule in grammar.rules:
        for symbol in rule.right:
            if symbol not in names:
                first[symbol], follow[symbol] = {symbol}, set()
    empty = nullable(grammar)
    size = -1
    while size != (size := sum(map(len, first.values()))):
        for rule in grammar.rules:
            for symbol in rule.right:
                first[rule.left] |= first[symbol]
                if symbol not in empty:
                    break
    size = -1
    while size != (size := sum(map(len, follow.values()))):
        for rule in grammar.rules:
            behind = follow[rule.left]
            for symbol in reversed(rule.right):
                follow[symbol] |= behind
                behind = behind | first[symbol] if symbol in empty else first[symbol]
    return follow
