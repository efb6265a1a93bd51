"""What the tables of a Lark grammar say of texts: the rules of the parser, and shortest ways through the terminals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detent.grammar.lark.tables import LexerTables, ParserTables
from detent.native import programs

Ints = NDArray[np.int32]
Rule = tuple[int, tuple[int, ...]]  # left side; terminals as they are, nonterminals as -1 - number


def rules_of(parser: ParserTables) -> list[Rule]:
    """The rules that a parser can reduce by."""
    left = parser.rule_left.tolist()
    return [(left[rule] if rule else START, parser.rule_right[rule]) for rule in parser.reduced]


START = -1  # left side of the rule that ends the text


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
    real, spelled : (n_intervals,) bool, (n_classes,) int32
        See :func:`spelled_classes`.
    """

    first: list[int]
    char_class: Ints
    next: Ints
    owner: Ints
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
    return Hints(first.tolist(), char_class, then, owner, real, spelled)


__all__ = ["START", "Hints", "Rule", "rules_of", "spelled_classes", "ways"]
