"""What the tables of a Lark grammar say of texts: the rules of the parser, and shortest ways through the terminals."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from detent.grammar.lark.tables import END, LexerTables, ParserTables
from detent.native import programs

Ints = NDArray[np.int32]
Rule = tuple[int, tuple[int, ...]]  # left side; terminals as they are, nonterminals as -1 - number
START = -1  # left side of the rule that ends the text


def rules_of(parser: ParserTables) -> list[Rule]:
    """The rules that a parser can reduce by."""
    left = parser.rule_left.tolist()
    return [(left[rule] if rule else START, parser.rule_right[rule]) for rule in parser.reduced]


def flat_rules(parser: ParserTables) -> tuple[Ints, Ints, Ints]:
    """The same as :mod:`detent.native.items` reads them."""
    is_reduced = np.zeros(len(parser.rule_left), np.bool_)
    is_reduced[parser.reduced] = True
    left = parser.rule_left.copy()
    left[0] = START
    length = np.append(0, parser.rule_length[is_reduced])
    right = np.fromiter(chain.from_iterable(parser.rule_right), np.int32)[np.repeat(is_reduced, parser.rule_length)]
    return left[is_reduced], np.cumsum(length, dtype=np.int32), right


def goes_on(parser: ParserTables, usable: NDArray[np.uint8]) -> bool:
    """Whether every stack can be completed by usable terminals because no conflict was resolved before any of them.

    Then the parser reads what follows from its rules. A stack consists of beginnings of rules, one inside the other:
    it is enough that of each beginning, the rest has a text, or that of another rule of its nonterminal that begins
    with the same symbols. (A rule that has read no more than its own nonterminal need not have been begun: what is
    outside of it reads that, too.) False says nothing: see :func:`detent.native.derivations.completable`.
    """
    contested: NDArray[np.bool_] = np.logical_or.reduce(parser.lost, axis=0)
    left, right = (-1 - parser.rule_left).tolist(), parser.rule_right
    dead = {*np.flatnonzero(contested | (usable == 0)).tolist(), *left} - {END}
    before = 0
    while before != len(dead):  # mostly, what is called is defined behind its callers
        before = len(dead)
        for symbol, symbols in zip(reversed(left), reversed(right), strict=True):
            if symbol in dead and dead.isdisjoint(symbols):
                dead.remove(symbol)
    if contested[END] or not dead.isdisjoint(right[0]):
        return False
    doubtful = [(symbol, symbols) for symbol, symbols in zip(left, right, strict=True) if not dead.isdisjoint(symbols)]
    alike = defaultdict[int, list[tuple[int, ...]]](list)
    for symbol, symbols in zip(left[1:], right[1:], strict=True) if doubtful else ():
        alike[symbol].append(symbols)
    return all(
        any(other[:n] == symbols[:n] and dead.isdisjoint(other[n:]) for other in alike[symbol])
        for symbol, symbols in doubtful
        for n in range(2 if symbols[0] == symbol else 1, len(symbols))
    )


@dataclass(frozen=True, eq=False)
class Hints:
    """Shortest ways to a match, lookarounds apart.

    Attributes
    ----------
    first : list of int
        For each instruction, where such a way first reads a character, or matches; -1 where there is none.
    char_class, next : (n,) int32
        For each instruction that reads, the class that it reads on such a way, and where the way reads next.
    owner : (n,) int32
        The terminal of each instruction.
    some_class : (n_sets,) int32
        A class of each set that has characters, the first one; -1 for none.
    real, spelled : (n_intervals,) bool, (n_classes,) int32
        See :func:`spelled_classes`.
    """

    first: list[int]
    char_class: Ints
    next: Ints
    owner: Ints
    some_class: Ints
    real: NDArray[np.bool_]
    spelled: Ints


def spelled_classes(tables: LexerTables) -> tuple[NDArray[np.bool_], Ints]:
    """The intervals that hold no surrogates, and for each class whether it has such characters."""
    ends = np.append(tables.starts[1:], 0x110000) - 1
    real = ~((tables.starts >= 0xD800) & (ends <= 0xDFFF))
    spelled = np.zeros(tables.sets.shape[1], np.int32)
    spelled[tables.cls[real]] = 1
    return real, spelled


def ways(tables: LexerTables) -> Hints:
    """Find them; see :func:`detent.native.programs.ways`."""
    real, spelled = spelled_classes(tables)
    usable = (tables.sets != 0) & (spelled != 0)
    some_class = np.where(usable.any(axis=1), usable.argmax(axis=1), -1).astype(np.int32)
    first, char_class, then, owner = programs.ways(tables.code.ravel(), some_class)
    return Hints(first.tolist(), char_class, then, owner, some_class, real, spelled)


__all__ = ["START", "Hints", "Rule", "flat_rules", "goes_on", "rules_of", "spelled_classes", "ways"]
