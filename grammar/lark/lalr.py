"""LALR(1) tables with Lark's way to resolve conflicts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import GrammarError
from .flat import FlatGrammar
from .tables import ACCEPT, END, ERROR, I32


@dataclass(frozen=True, eq=False)
class Automaton:
    """Tables of a parser; see :class:`.tables.ParserTables`."""

    action: I32
    goto: I32
    rule_left: I32
    rule_length: I32


def by_lark(grammar: FlatGrammar, terminals: dict[str, int], nonterminals: dict[str, int]) -> Automaton:
    """Lark's own table."""
    import lark
    from lark.common import ParserConf
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
        analyzer.compute_lalr()
    except lark.exceptions.LarkError as error:
        raise GrammarError(str(error)) from error
    table = analyzer.parse_table
    first = table.start_states[grammar.start]
    order = [first, *(s for s in table.states if s != first)]
    number = {s: i for i, s in enumerate(order)}
    rule_number = {rule: i + 1 for i, rule in enumerate(rules)}
    action = np.full((len(order), len(terminals)), ERROR, np.int32)
    goto = np.full((len(order), len(nonterminals)), -1, np.int32)
    for state, row in table.states.items():
        for name, (kind, arg) in row.items():
            if name in nonterminals:
                goto[number[state], nonterminals[name]] = number[arg]
            else:
                value = number[arg] + 1 if kind is Shift else -1 - rule_number[arg]
                action[number[state], terminals[name]] = value
    action[number[table.end_states[grammar.start]], END] = ACCEPT
    left = [nonterminals[grammar.start], *(nonterminals[rule.left] for rule in grammar.rules)]
    length = [1, *(len(rule.right) for rule in grammar.rules)]
    return Automaton(action, goto, np.array(left, np.int32), np.array(length, np.int32))
