"""LALR(1) tables with Lark's way to resolve conflicts: shifts win, then rules with the highest priority."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from ...native import lalr as kernels
from ...native.minimise import group
from ..errors import LimitExceeded
from .tables import ACCEPT, END, ERROR, I32, U8


class Unresolved(Exception):
    """A conflict between reductions, or a grammar where Lark's own construction is not deterministic."""


@dataclass(frozen=True, eq=False)
class Grammar:
    """Rules of numbers.

    Attributes
    ----------
    left : (n_rules,) int32
        Nonterminals; rule 0 leads to the start rule's nonterminal, 0, and has none on its left side but stands for it.
    right : tuple of tuples
        See :class:`.tables.ParserTables`.
    priority : (n_rules,) int32
    n_nonterminals, n_terminals : int
    """

    left: I32
    right: tuple[tuple[int, ...], ...]
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
        There are more than `max_states` states.
    """
    n = grammar.n_nonterminals
    lengths = np.array([len(right) for right in grammar.right], np.int32)
    rule_item = (np.cumsum(lengths + 1) - lengths - 1).astype(np.int32)
    after = np.empty(int(lengths.sum()) + len(lengths), np.int32)
    ends = rule_item + lengths
    inside = np.ones(len(after), np.bool_)
    inside[ends] = False
    symbols = np.fromiter(chain.from_iterable(grammar.right), np.int32)
    after[inside] = np.where(symbols < 0, -1 - symbols, symbols + n)  # the kernels count nonterminals first
    after[ends] = -1 - np.arange(len(lengths), dtype=np.int32)
    rules, rules_first = group(grammar.left[1:], n)
    rules = rules + np.int32(1)
    first, kernel_items, goto = _automaton(after, rule_item, rules_first, rules, n + grammar.n_terminals, max_states)

    nullable = _nullable(grammar)
    null = _null_behind(after, nullable)
    left = np.repeat(grammar.left, lengths + 1)
    left[0] = -1  # the start rule's own nonterminal is no symbol
    left[1] = -1
    number = np.full((len(goto), n), -1, np.int32)
    states, nonterminals = np.nonzero(goto[:, :n] >= 0)
    number[states, nonterminals] = np.arange(len(states), dtype=np.int32)

    shifts = goto[:, n:] >= 0
    follow = _packed(shifts)[goto[states, nonterminals]]
    follow[number[0, 0], END >> 6] |= np.uint64(1 << (END & 63))
    reads = number[goto[states, nonterminals]][:, nullable]
    source, column = np.nonzero(reads >= 0)
    if kernels.unite(*_edges(source.astype(np.int32), reads[source, column], len(states)), follow):
        raise Unresolved
    tables = (after, rule_item, rules_first, rules, left, null, first, kernel_items, goto, number)
    nothing = np.empty(0, np.int32)
    n_edges, n_backs = kernels.relations(*tables, *(nothing,) * 5)
    edges = np.empty((2, n_edges), np.int32)
    back = np.empty((3, n_backs), np.int32)
    kernels.relations(*tables, edges[0], edges[1], back[0], back[1], back[2])
    kernels.unite(*_edges(edges[0], edges[1], len(states)), follow)

    action = np.where(shifts, goto[:, n:] + 1, ERROR).astype(np.int32)
    order, _ = group(back[0], len(goto))
    state, rule, transition = back[0, order], back[1, order], back[2, order]
    lost = np.zeros((len(grammar.right), grammar.n_terminals), np.uint8)
    if kernels.reductions(state, rule, transition, follow, grammar.priority, action, lost):
        raise Unresolved
    action[goto[0, 0], END] = ACCEPT
    return Automaton(action, np.ascontiguousarray(goto[:, :n]), lost)


def _automaton(
    after: I32, rule_item: I32, rules_first: I32, rules: I32, n_symbols: int, max_states: int
) -> tuple[I32, I32, I32]:
    """Kernels of the states and where symbols lead."""
    room = min(2 * len(after), max_states)
    while True:
        first = np.zeros(room + 2, np.int32)
        kernel_items = np.empty(8 * room + 64, np.int32)
        table = np.zeros(1 << (2 * room + 1).bit_length(), np.int32)
        goto = np.empty((room, n_symbols), np.int32)
        status, n_states = kernels.automaton(after, rule_item, rules_first, rules, first, kernel_items, table, goto)
        if status == kernels.OK:
            return first, kernel_items, goto[:n_states]
        if room >= max_states:  # of states, or of items, of which there is room for 8 each
            raise LimitExceeded("regex_states", max(n_states, max_states) + 1, max_states)
        room = min(4 * room, max_states)


def _nullable(grammar: Grammar) -> NDArray[np.bool_]:
    """Which nonterminals can be empty."""
    rules = zip(grammar.left.tolist()[1:], grammar.right[1:], strict=True)
    pending = [(left, right) for left, right in rules if not right or max(right) < 0]
    known: set[int] = set()
    while found := {left for left, right in pending if known.issuperset(right)}:
        known.update(-1 - left for left in found)
        pending = [(left, right) for left, right in pending if -1 - left not in known]
    nullable = np.zeros(grammar.n_nonterminals, np.bool_)
    nullable[[-1 - symbol for symbol in known]] = True
    return nullable


def _null_behind(after: I32, nullable: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """For each item whether all that follows in its rule can be empty."""
    can = np.zeros(len(after), np.bool_)
    nonterminal = (after >= 0) & (after < len(nullable))
    can[nonterminal] = nullable[after[nonterminal]]
    # an item is bad itself, or the next bad place comes before the end of its rule
    bad = np.flatnonzero((after >= 0) & ~can)
    end = np.flatnonzero(after < 0)
    places = np.arange(len(after))
    next_bad = np.append(bad, len(after))[np.searchsorted(bad, places)]
    return (next_bad > end[np.searchsorted(end, places)]).astype(np.uint8)


def _packed(rows: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Rows of truth values as rows of words."""
    packed = np.packbits(rows, axis=1, bitorder="little")
    padded = np.zeros((len(rows), -(-packed.shape[1] // 8) * 8), np.uint8)
    padded[:, : packed.shape[1]] = packed
    return padded.view("<u8").astype(np.uint64)


def _edges(source: I32, target: I32, n: int) -> tuple[I32, I32]:
    """Edges grouped by their sources."""
    order, first = group(source, n)
    return first, np.ascontiguousarray(target[order])
