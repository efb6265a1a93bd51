"""The lexer tables of a grammar: programs, classes of characters, assertions, contexts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from .. import charset
from . import captures, contexts
from .assertions import Assertions
from .flat import Terminal
from .pattern import Unsupported
from .programs import Assembler
from .tables import LexerTables


def build(
    terminals: Sequence[Terminal | None],
    accepted: NDArray[np.bool_],
    ignored: Iterable[str],
    max_states: int,
    *,
    joined: bool = True,
) -> LexerTables:
    """Tables of the lexer.

    Parameters
    ----------
    terminals : sequence of Terminal or None
        By number; None is the end of the text.
    accepted : (n_contexts, n_terminals) bool
        The terminals of each context. Those of none are never read, whatever their patterns are.
    ignored : iterable of str
        Names of terminals that are dropped.
    max_states : int
        LimitExceeded is raised where there is more code, or an assertion needs more states.
    joined : bool
        Whether Lark joins the patterns of a context into one, as all of its lexers do but the dynamic ones.

    Raises
    ------
    GrammarError
        Lark refuses a terminal, or it cannot be enforced.
    """
    contexts.check(accepted, terminals, joined=joined)
    tried: NDArray[np.bool_] = np.logical_or.reduce(accepted, axis=0)
    terminals = [t if is_tried else None for t, is_tried in zip(terminals, tried.tolist(), strict=True)]
    assembler = Assembler(max_states)
    entry = [-1 if t is None else _program(t, number, assembler) for number, t in enumerate(terminals)]
    assertions = Assertions(list(assembler.assertions), max_states)
    starts, cls, member = charset.classes([*assembler.sets, *assertions.sets, charset.ANY])
    first = np.maximum.accumulate(cls).searchsorted(np.arange(member.shape[1]))  # they are numbered as they first come
    left_next, look_enter, look_next, look_end = assertions.tables(starts[first])
    code = np.fromiter(chain.from_iterable(assembler.code), np.int32, 3 * len(assembler.code)).reshape(-1, 3)
    sets = np.ascontiguousarray(member[: len(assembler.sets)])
    entries = np.array(entry, np.int32)
    matches = contexts.keywords(terminals, code, sets, entries, starts, cls)
    order_first, order, retype_first, retype = contexts.tables(accepted, terminals, matches)
    dropped = set(ignored)
    return LexerTables(
        starts=starts,
        cls=cls,
        sets=sets,
        code=code,
        entry=entries,
        order_first=order_first,
        order=order,
        retype_first=retype_first,
        retype=retype,
        ignored=np.array([t is not None and t.name in dropped for t in terminals], np.uint8),
        left_next=left_next,
        look_enter=look_enter,
        look_next=look_next,
        look_end=look_end,
    )


def _program(terminal: Terminal, number: int, assembler: Assembler) -> int:
    """Where the program of a terminal begins."""
    if terminal.text is None:
        return -1
    if terminal.is_literal or not terminal.pattern.refers:
        return assembler.program(terminal.node, number)
    try:
        return captures.program(terminal.node, number, assembler)
    except Unsupported as error:
        raise terminal.refused(error) from None
