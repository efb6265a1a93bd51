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
MARK = "\0"


@lru_cache(maxsize=1024)
def language(pattern: str, *, max_states: int = MAX_STATES) -> CharDfa:
    """Automaton of the texts that :func:`re.match` covers from the first character to the last.

    Raises
    ------
    GrammarError
        The pattern is not valid.
    Unenforceable
        It looks beyond its own match, or has references to groups with too many texts; or it matches the empty text
        and has assertions.
    LimitExceeded
        ``regex_states``.

    Examples
    --------
    >>> dfa = language(r"\\+|\\+[1-9]")
    >>> dfa.accepts("+"), dfa.accepts("+2")
    (True, False)
    """
    try:
        may_be_empty = re.compile(pattern).fullmatch("") is not None
    except re.error as error:
        raise GrammarError(f"not a pattern of Python: {error}", keyword=pattern) from None
    marked = f"{re.escape(MARK)}(?:{pattern})" if may_be_empty else pattern  # programs of terminals read something
    try:
        tables = lexer.build([None, Terminal("T", marked)], np.ones((1, 2), np.bool_), (), max_states, joined=False)
    except GrammarError as error:
        raise Unenforceable(error.reason, keyword=pattern) from None
    if may_be_empty and tables.look_enter.shape[1]:
        raise Unenforceable("an assertion in a terminal that may be empty", keyword=pattern)
    situations = Situations(tables, max_states)
    scanner = Scanner(situations, Program((1,), ((),), every=True))
    found: dict[bytes, CharDfa] = {}
    try:
        for left in range(len(tables.left_next)):
            exits = scanner.exits(situations.beginning(left))
            texts = [part.dfa for ways in exits.values() for part in ways.values() if isinstance(part, Language)]
            whole = dfa.union(*texts) if texts else dfa.compile(EMPTY)
            found[whole.key] = whole
    except Beyond:
        found = {}
    if len(found) != 1:
        raise Unenforceable("an assertion in a terminal that is read without a lexer", keyword=pattern)
    whole = next(iter(found.values()))
    return _behind_mark(whole) if may_be_empty else whole


def _behind_mark(whole: CharDfa) -> CharDfa:
    """What may follow the mark that all texts begin with."""
    order = np.arange(whole.n_states)
    first = int(whole.trans[0, next(whole.classes(MARK))])
    order[[0, first]] = first, 0
    trans = np.where(whole.trans >= 0, order[np.maximum(whole.trans, 0)], -1)[order]
    return dfa.union(CharDfa(whole.starts, whole.cls, trans.astype(np.int32), whole.accept[order]))
