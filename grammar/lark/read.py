"""From the text of a grammar to its terminals and rules: our own reader, or Lark where that one cannot go on."""

from __future__ import annotations

from itertools import chain

from ..errors import GrammarError
from . import reference
from .bnf import Rules, TerminalNames
from .flat import FlatGrammar, Rule, Terminal
from .imports import Loader
from .modules import Module
from .syntax import NotRead


def read(text: str, start: str, loader: Loader, max_rules: int) -> FlatGrammar:
    """Read a grammar.

    Raises
    ------
    GrammarError
        Lark refuses it.
    LimitExceeded
        There are more than `max_rules` rules.
    """
    try:
        found = own(text, start, loader, max_rules)
    except (NotRead, RecursionError):
        found = reference.read(text, start, loader)
    real = {terminal.name for terminal in found.terminals if terminal.text is not None}
    for name in found.ignored:
        if name not in real:
            raise GrammarError(f"Ignore terminals are not defined: {name}", keyword=name)
    defined = {rule.left for rule in found.rules} | {terminal.name for terminal in found.terminals}
    names = start, *chain.from_iterable([rule.right for rule in found.rules])
    if not defined.issuperset(names):
        name = next(name for name in names if name not in defined)
        raise GrammarError(f"Using an undefined rule: {name}", keyword=name)
    return found


def own(text: str, start: str, loader: Loader, max_rules: int) -> FlatGrammar:
    """Read a grammar without Lark.

    Raises
    ------
    NotRead
    """
    module = Module(text, loader.source, loader)
    terminals: list[Terminal] = []
    patterns, declared, rules = [], set(), []
    for name, entry in module.entries.items():
        definition = entry.definition
        if not definition.is_terminal:
            rules.append(definition)
        elif definition.alternatives is None:
            declared.add(name)
        else:
            patterns.append(entry.pattern)
            terminals.append(patterns[-1].terminal(name, definition.priority))
    made = Rules(rules, TerminalNames(terminals, patterns), declared, max_rules).rules
    made = without_unused(made, start)
    used = set(chain.from_iterable([rule.right for rule in made]))
    known = {terminal.name for terminal in terminals}
    kept = [t for t in terminals if t.name in used or t.name in module.ignored]
    kept += [Terminal(name, None) for name in sorted((declared & used) - known)]
    return FlatGrammar(tuple(kept), tuple(made), tuple(module.ignored), start)


def without_unused(rules: list[Rule], start: str) -> list[Rule]:
    """Leave out rules that no other rule names, as long as there are any; circles of rules stay, as they do in Lark."""
    while True:
        used = {name for rule in rules for name in rule.right if name != rule.left}
        used.add(start)
        left = [rule for rule in rules if rule.left in used]
        if len(left) == len(rules):
            return left
        rules = left
