"""Which terminals can come next to each other: the classical sets FIRST and FOLLOW."""

from __future__ import annotations

from .flat import FlatGrammar


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
    nullable: set[str] = set()
    size = -1
    while size != (size := len(nullable) + sum(map(len, first.values()))):
        for rule in grammar.rules:
            for symbol in rule.right:
                first[rule.left] |= first[symbol]
                if symbol not in nullable:
                    break
            else:
                nullable.add(rule.left)
    size = -1
    while size != (size := sum(map(len, follow.values()))):
        for rule in grammar.rules:
            behind = follow[rule.left]
            for symbol in reversed(rule.right):
                follow[symbol] |= behind
                behind = behind | first[symbol] if symbol in nullable else first[symbol]
    return follow
