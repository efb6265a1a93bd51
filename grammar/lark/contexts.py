"""In which order the terminals of a context are tried, and which strings are keywords there."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...native import programs as kernels
from ..errors import GrammarError
from .flat import Terminal
from .tables import I32, U8

Bools = NDArray[np.bool_]


def keywords(terminals: Sequence[Terminal | None], code: I32, sets: U8, entry: I32, starts: I32, cls: I32) -> Bools:
    """``(n, n)``: whether the pattern of one terminal matches the string that the other one, of its priority, is.

    Parameters
    ----------
    terminals : sequence of Terminal or None
    code, sets, entry, starts, cls : arrays
        The programs, see :class:`.tables.LexerTables`.
    """
    matched = np.zeros((len(terminals), len(terminals)), np.bool_)
    real = [(i, t) for i, t in enumerate(terminals) if t is not None and t.text is not None]
    strings, patterns = [(i, t) for i, t in real if t.plain], [(i, t) for i, t in real if not t.plain]
    if not strings or not patterns:
        return matched
    texts = [t.text or "" for _, t in strings]
    points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), "<u4")
    letters = cls[np.searchsorted(starts, points, "right") - 1]
    first = np.cumsum([0, *map(len, texts)]).astype(np.int32)
    priority = np.array([t.priority for _, t in strings])
    found = np.array([priority == t.priority for _, t in patterns]).astype(np.uint8)
    rows, columns = [i for i, _ in patterns], [i for i, _ in strings]
    kernels.match_strings(code.ravel(), entry[rows], sets, letters, first, found)
    for p, s in np.argwhere(found == kernels.OPEN).tolist():
        match = re.match(patterns[p][1].regexp, texts[s])
        found[p, s] = match is not None and match.end() == len(texts[s])
    matched[np.ix_(rows, columns)] = found
    return matched


def check(accepted: Bools, terminals: Sequence[Terminal | None], *, joined: bool) -> None:
    """Raise GrammarError for what Lark's lexers refuse, and for what means something else in them than by itself.

    Parameters
    ----------
    accepted : (n_contexts, n_terminals) bool
        The terminals of each context.
    terminals : sequence of Terminal or None
    joined : bool
        Whether Lark joins the patterns of a context into one, in which each terminal is a group with its name.
    """
    real = [(i, t) for i, t in enumerate(terminals) if t is not None and t.text is not None]
    patterns = [(i, t) for i, t in real if not t.text or not t.is_literal]
    tried: Bools = np.logical_or.reduce(accepted, axis=0)
    for number, terminal in patterns:
        if not tried[number] and not terminal.is_broken:
            continue
        if terminal.pattern.min_width == 0:
            raise GrammarError(
                f"Lexer does not allow zero-width terminals. ({terminal.name}: {terminal.regexp!r})",
                keyword=terminal.name,
            )
        if joined:
            terminal.check_joined()
    named = [(i, t, group) for i, t in patterns if tried[i] for group in sorted(t.pattern.names)]
    for context in accepted if joined and named else ():
        groups = {t.name: t.name for i, t in real if context[i]}
        for terminal, group in ((t, group) for i, t, group in named if context[i]):
            if other := groups.get(group):
                raise GrammarError(f"terminals {other} and {terminal.name} both have a group named {group}.")
            groups[group] = terminal.name


def tables(accepted: Bools, terminals: Sequence[Terminal | None], matches: Bools) -> tuple[I32, I32, I32, I32]:
    """``order_first, order, retype_first, retype``.

    A string is not tried in a context if a pattern of the context matches it, under at least its own flags.

    Parameters
    ----------
    accepted : (n_contexts, n_terminals) bool
        The terminals of each context.
    terminals : sequence of Terminal or None
    matches : (n_terminals, n_terminals) bool
        See :func:`keywords`.
    """
    real = [i for i, t in enumerate(terminals) if t is not None and t.text is not None]
    rank = np.array(sorted(real, key=lambda i: terminals[i].order), np.int64)  # type: ignore[union-attr]
    covers = matches.copy()
    flags = [frozenset() if t is None else t.flags for t in terminals]
    for own in set(flags) - {frozenset()}:
        few, same = np.array([(not own <= other, own == other) for other in flags]).T
        covers[np.ix_(few, same)] = False
    covering = covers.any(axis=1)
    tried = accepted & ~(accepted[:, covering].astype(np.float32) @ covers[covering].astype(np.float32) > 0)
    context, place = np.nonzero(tried[:, rank])
    order = rank[place]
    first = np.searchsorted(context, np.arange(len(accepted) + 1))
    places, retypes = [order[:0]], [order[:0]]
    for i in np.flatnonzero(matches.any(axis=1)).tolist():
        tried_at, strings = np.flatnonzero(order == i), rank[matches[i, rank]]
        row, column = np.nonzero(accepted[np.ix_(context[tried_at], strings)])
        places.append(tried_at[row])
        retypes.append(strings[column])
    place = np.concatenate(places)
    retype = np.concatenate(retypes)[np.argsort(place, kind="stable")]
    counts = np.bincount(place + 1, minlength=len(order) + 1)
    found = (first, order, np.cumsum(counts), retype)
    return tuple(np.array(part, np.int32) for part in found)  # type: ignore[return-value]
