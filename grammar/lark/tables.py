"""What an engine runs: the tables of one grammar, flat arrays that know no tokenizer.

A text is read as Lark reads it. At a place between two tokens, the *context* of the parser's state names the terminals
that are tried there, in order; each is a program over classes of characters, whose first way to match (in the order of
Python's `re`) is the token. The token's tag is shifted, after whatever reductions the action table asks for.

How a context is lexed
----------------------
``order[order_first[c]:order_first[c + 1]]`` are the terminals of context ``c`` as one alternation: the programs run as
one ordered list of threads, and the first that matches wins, even if another one is longer. At entry ``i`` of `order`,
``retype[retype_first[i]:retype_first[i + 1]]`` are plain strings: when the token was matched by that entry, the first
of them that matches *exactly the same characters* gives the tag instead. A match by an entry with ``ignored[terminal]``
is dropped, whatever its tag would be; a tag that a retyping gives is always shifted, ignored or not. A context may be
empty: there nothing but the end of the text is possible.

How a program is read
---------------------
``code[pc]`` is ``(op, a, b)``:

========== ============================================================================================
``CHARS``  read a character whose class is in set ``a`` (``sets[a, class] != 0``), go on at ``b``
``SPLIT``  first try ``a``; where that fails, ``b`` (two equal targets are a jump)
``ASSERT`` go on at ``b`` if assertion ``a`` holds here
``MATCH``  terminal ``a`` has been read
========== ============================================================================================

A program never matches the empty text, and a loop without characters is never entered twice: an engine that keeps an
ordered list of threads without repetitions finds the same match as backtracking.

How an assertion is decided
---------------------------
All of them (lookahead, lookbehind, ``^``, ``$``, word boundaries) have one form. The *left state* is a function of all
characters from the beginning of the text (not of the token): ``left_next[left, class]``, 0 at the beginning. In left
state ``l``, assertion ``a`` becomes the *look state* ``look_enter[l, a]``: ``FAILED``, ``HOLDS``, or a state that reads
on beside the thread: ``look_next[look, class]`` for each character, ``look_end[look]`` is the verdict where the text
ends. A thread that owes several look states needs all of them. A match that still owes something is a match only when
the last of them is ``HOLDS``; threads behind it must be kept until then, and the token ended where it matched.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]

CHARS, SPLIT, ASSERT, MATCH = range(4)
FAILED, HOLDS = 0, 1

END = 0  # number of the terminal $END
ERROR = 0  # actions: 0 no action, s + 1 shift and go to state s, -1 - r reduce by rule r
ACCEPT = -1  # reduce by rule 0, which is "the start rule, then the end"


@dataclass(frozen=True, eq=False)
class LexerTables:
    """Terminals, and what is tried in which context.

    Attributes
    ----------
    starts, cls : (n_intervals,) int32
        First code points of consecutive intervals (``starts[0] == 0``, the last one ends at 0x10FFFF), and the class of
        their characters. No class holds surrogates together with other characters.
    sets : (n_sets, n_classes) uint8
        Sets of characters.
    code : (n, 3) int32
    entry : (n_terminals,) int32
        Where the program of a terminal begins; -1 for ``$END`` and for terminals that are only declared.
    order_first, order : (n_contexts + 1,), (n,) int32
    retype_first, retype : (len(order) + 1,), (m,) int32
    ignored : (n_terminals,) uint8
    left_next : (n_left, n_classes) int32
    look_enter : (n_left, n_assertions) int32
    look_next : (n_look, n_classes) int32
    look_end : (n_look,) uint8
    """

    starts: I32
    cls: I32
    sets: U8
    code: I32
    entry: I32
    order_first: I32
    order: I32
    retype_first: I32
    retype: I32
    ignored: U8
    left_next: I32
    look_enter: I32
    look_next: I32
    look_end: U8


@dataclass(frozen=True, eq=False)
class ParserTables:
    """An LALR(1) automaton.

    Attributes
    ----------
    action : (n_states, n_terminals) int32
        See `ERROR` and `ACCEPT`.
    goto : (n_states, n_nonterminals) int32
        Next state, -1 where there is none.
    rule_left, rule_length : (n_rules,) int32
        Nonterminal and number of symbols of each rule; rule 0 is the start.
    rule_right : tuple of tuples of int
        The symbols of each rule: terminals as they are, nonterminals as ``-1 - number``.
    context : (n_states,) int32
        Context in which the text is read on in a state. The start state is 0.
    lost : (n_rules, n_terminals) uint8
        1 where a reduction by a rule lost a conflict before a terminal, in some state.
    """

    action: I32
    goto: I32
    rule_left: I32
    rule_length: I32
    rule_right: tuple[tuple[int, ...], ...]
    context: I32
    lost: U8

    @cached_property
    def reduced(self) -> list[int]:
        """The numbers of the rules that the parser can reduce by: not of those that lost every conflict."""
        found: list[int] = np.flatnonzero(np.bincount(-1 - self.action[self.action < 0])).tolist()
        return found


@dataclass(frozen=True, eq=False)
class LexedGrammar:
    """A grammar with a lexer: what the engine of lexer and LR stack runs.

    Attributes
    ----------
    terminals : tuple of str
        Names; number 0 is ``$END``.
    nonterminals : tuple of str
        Names; number 0 is the start.
    lexer : LexerTables
    parser : ParserTables
    """

    terminals: tuple[str, ...]
    nonterminals: tuple[str, ...]
    lexer: LexerTables
    parser: ParserTables
