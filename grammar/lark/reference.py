"""Lark's own reading of a grammar: slow, and right by definition.

It is what our reader is tested against, what tells the error where a grammar is broken, and the way out where our
reader cannot go on.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import GrammarError
from .flat import FlatGrammar, Rule, Terminal
from .imports import Loader
from .lalr import Automaton
from .tables import ACCEPT, END, ERROR

_NOWHERE = "the grammar"  # a path without a folder


def read(text: str, start: str, loader: Loader) -> FlatGrammar:
    """Read a grammar with Lark.

    Raises
    ------
    GrammarError
        With Lark's message: line, column and the text around.
    """
    from lark.load_grammar import load_grammar

    try:
        grammar, _ = load_grammar(text, loader.source or _NOWHERE, loader.for_lark(), False)  # type: ignore[no-untyped-call]
        terminals, rules, ignored = grammar.compile([start], set())
    except GrammarError:
        raise
    except Exception as error:  # whatever it is, Lark does not load the grammar
        raise _lark_error(error, text) from error
    patterns = {terminal.name: _terminal(terminal) for terminal in terminals}
    used = {symbol.name for rule in rules for symbol in rule.expansion if symbol.is_term}
    declared = tuple(Terminal(name, None) for name in sorted(used - patterns.keys()))
    flat = tuple(
        Rule(str(rule.origin.name), tuple(str(s.name) for s in rule.expansion), rule.options.priority or 0)
        for rule in rules
    )
    return FlatGrammar((*patterns.values(), *declared), flat, tuple(map(str, ignored)), start)


def _lark_error(error: Exception, text: str) -> GrammarError:
    """Lark's error as one of ours, with the place in the text where there is one."""
    from lark.exceptions import LarkError, UnexpectedInput

    place: BaseException | None = error
    while place is not None and not isinstance(place, UnexpectedInput):
        place = place.__context__
    if place is None or place.line < 1:
        return GrammarError(str(error) or type(error).__name__)
    told = error is not place and isinstance(error, LarkError)
    message = str(error) if told else f"{place}\n{place.get_context(text)}"
    return GrammarError(message, pointer=f"line {place.line}, column {place.column}")


def _terminal(terminal: Any) -> Terminal:
    pattern = terminal.pattern
    plain = pattern.type == "str"
    return Terminal(str(terminal.name), pattern.value, pattern.flags, plain, terminal.priority)


def automaton(grammar: FlatGrammar, terminals: dict[str, int], nonterminals: dict[str, int]) -> Automaton:
    """Lark's own table, numbered as ours.

    Raises
    ------
    GrammarError
        Reductions are in conflict.
    """
    from lark.common import ParserConf
    from lark.exceptions import LarkError
    from lark.grammar import NonTerminal, RuleOptions
    from lark.grammar import Rule as LarkRule
    from lark.grammar import Terminal as LarkTerminal
    from lark.parsers.lalr_analysis import LALR_Analyzer, Shift

    rules = [
        LarkRule(
            NonTerminal(rule.left),
            [LarkTerminal(s) if s in terminals else NonTerminal(s) for s in rule.right],
            options=RuleOptions(priority=rule.priority),
        )
        for rule in grammar.rules
    ]
    try:
        analyzer = LALR_Analyzer(ParserConf(rules, {}, [grammar.start]))
        analyzer.compute_lalr()  # type: ignore[no-untyped-call]
    except (LarkError, RecursionError) as error:
        raise _lark_error(error, "") from error
    table = analyzer.parse_table
    first = table.start_states[grammar.start]
    number = {state: i for i, state in enumerate([first, *(s for s in table.states if s != first)])}
    rule_number = {rule: i + 1 for i, rule in enumerate(rules)}
    action = np.full((len(number), len(terminals)), ERROR, np.int32)
    goto = np.full((len(number), len(nonterminals)), -1, np.int32)
    for state, row in table.states.items():
        for name, (kind, arg) in row.items():
            if name in nonterminals:
                goto[number[state], nonterminals[name]] = number[arg]
            else:
                value = number[arg] + 1 if kind is Shift else -1 - rule_number[arg]
                action[number[state], terminals[name]] = value
    action[number[table.end_states[grammar.start]], END] = ACCEPT
    return Automaton(action, goto, np.ones((len(rules) + 1, len(terminals)), np.uint8))
