r"""Python patterns as sets of texts, the way :func:`re.match` reads them: the texts that a match from their start
covers.

That is not always the regular language that one reads. The first alternative after which the rest matches is taken, so
``\+|\+[1-9]`` is ``+`` alone, and a lazy ``".*?"`` ends at the first quote. It is what Lark's Earley parser with the
lexer ``dynamic_complete`` takes as a terminal (:mod:`.lark.scanner`), and infilling as well, whatever stands before.
"""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np

from . import dfa
from .dfa import CharDfa
from .errors import GrammarError, Unenforceable
from .lark import lexer
from .lark.flat import Terminal
from .lark.scanner import Beyond, Program, Scanner, Situations
from .regular import EMPTY
from .rules import Language

MAX_STATES = 10_000


@lru_cache(maxsize=1024)
def language(pattern: str, *, max_states: int = MAX_STATES) -> CharDfa:
    """Automaton of the texts that :func:`re.match` covers from the first character to the last.

    Raises
    ------
    GrammarError
        The pattern is not valid.
    Unenforceable
        It looks beyond its own match, has back-references, atomic groups or possessive repetitions, or matches the
        empty text, as no terminal may.
    LimitExceeded
        ``regex_states``.

    Examples
    --------
    >>> dfa = language(r"\\+|\\+[1-9]")
    >>> dfa.accepts("+"), dfa.accepts("+2")
    (True, False)
    """
    try:
        re.compile(pattern)
    except re.error as error:
        raise GrammarError(f"not a pattern of Python: {error}", keyword=pattern) from None
    try:
        tables = lexer.build([None, Terminal("T", pattern)], np.ones((1, 2), np.bool_), (), max_states)
    except GrammarError as error:
        raise Unenforceable(error.reason, keyword=pattern) from None
    situations = Situations(tables, max_states)
    scanner = Scanner(situations, Program((1,), ((),), every=True))
    found: dict[bytes, CharDfa] = {}
    try:
        for left in range(len(tables.left_next)):
            exits = scanner.exits(situations.number((left, frozenset(), frozenset())))
            texts = [part.dfa for ways in exits.values() for part in ways.values() if isinstance(part, Language)]
            whole = dfa.union(*texts) if texts else dfa.compile(EMPTY)
            found[whole.key] = whole
    except Beyond:
        found = {}
    if len(found) != 1:
        raise Unenforceable("an assertion in a terminal that is read without a lexer", keyword=pattern)
    return next(iter(found.values()))
