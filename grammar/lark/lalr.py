"""LALR(1) tables with Lark's way to resolve conflicts: shifts win, then rules with the highest priority."""

from __future__ import annotations

from dataclasses import dataclass

from ...native import lalr as kernels
from ..errors import LimitExceeded
from .tables import I32, U8


class Unresolved(Exception):
    """A conflict between reductions, or a grammar where Lark's own construction is not deterministic."""


@dataclass(frozen=True, eq=False)
class Grammar:
    """Rules of numbers.

    Attributes
    ----------
    left : (n_rules,) int32
        Nonterminals; rule 0 leads to the start rule's nonterminal, 0, and has none on its left side but stands for it.
    length : (n_rules,) int32
    right : (sum of length,) int32
        The symbols of all rules, as in :class:`.tables.ParserTables`.
    priority : (n_rules,) int32
    n_nonterminals, n_terminals : int
    """

    left: I32
    length: I32
    right: I32
    priority: I32
    n_nonterminals: int
    n_terminals: int


@dataclass(frozen=True, eq=False)
class Automaton:
    """Tables of a parser; see :class:`.tables.ParserTables`."""

    action: I32
    goto: I32
    lost: U8


def build(grammar: Grammar, max_states: int) -> Automaton:
    """The tables of a grammar.

    Raises
    ------
    Unresolved
    LimitExceeded
        There are more than `max_states` states, or more than eight items for each of so many.
    """
    rules = grammar.left, grammar.length, grammar.right, grammar.priority
    status, n_states, *tables = kernels.build(*rules, grammar.n_nonterminals, grammar.n_terminals, max_states)
    if status == kernels.FULL:
        raise LimitExceeded("regex_states", max(n_states, max_states) + 1, max_states)
    if status == kernels.UNRESOLVED:
        raise Unresolved
    return Automaton(*tables)
