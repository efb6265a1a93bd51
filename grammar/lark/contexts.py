"""In which order the terminals of a context are tried, and which strings are keywords there."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import GrammarError
from .flat import Terminal
from .programs import Row
from .tables import ASSERT, CHARS, I32, MATCH, SPLIT

Bools = NDArray[np.bool_]


class Keywords:
    """Which strings a pattern of the same priority matches as a whole, for all terminals of a grammar.

    Parameters
    ----------
    code, entry : list
        The programs.
    member : list of lists
        ``member[set][class]`` is true where a set holds a class.
    starts, cls : list of int
        The classes of characters.
    """

    def __init__(
        self, code: list[Row], entry: list[int], member: list[list[int]], starts: list[int], cls: list[int]
    ) -> None:
        self._code, self._entry, self._member = code, entry, member
        self._starts, self._cls = starts, cls

    def table(self, terminals: Sequence[Terminal | None]) -> Bools:
        """``(n, n)``: whether the pattern of one terminal matches the string that the other one is."""
        found = np.zeros((len(terminals), len(terminals)), np.bool_)
        strings = [
            (i, t, tuple([self._cls[bisect_right(self._starts, ord(char)) - 1] for char in t.text]))
            for i, t in enumerate(terminals)
            if t is not None and t.plain and t.text is not None
        ]
        for i, terminal in enumerate(terminals):
            if terminal is None or terminal.text is None or terminal.plain:
                continue
            machine = _Machine(self._code, self._member, self._entry[i])
            for j, string, classes in strings:
                if string.priority != terminal.priority or not machine.may_begin(classes[0]):
                    continue
                found[i, j] = machine.is_match(classes)
                if machine.has_assertion:  # it was met on the way
                    match = re.match(terminal.regexp, string.text or "")
                    found[i, j] = match is not None and match.end() == len(classes)
        return found


class _Machine:
    """The program of one terminal, run over strings of classes; what it meets is remembered.

    Assertions are passed over, and noted.
    """

    def __init__(self, code: list[Row], member: list[list[int]], entry: int) -> None:
        self._code, self._member = code, member
        self.has_assertion = False
        self._next: dict[tuple[tuple[int, ...], int], tuple[int, ...]] = {}
        self._start = self._closure([entry])
        self._first = [member[a] for a in {code[pc][1] for pc in self._start if pc >= 0}]

    def _closure(self, pending: list[int]) -> tuple[int, ...]:
        """Threads that read, in order, up to the first that matches (-1)."""
        found: dict[int, None] = {}
        pending.reverse()
        seen = set()
        while pending:
            pc = pending.pop()
            if pc in seen:
                continue
            seen.add(pc)
            op, a, b = self._code[pc]
            if op == SPLIT:
                pending += (b, a)
            elif op == MATCH:
                found[-1] = None
                break
            elif op == ASSERT:
                self.has_assertion = True
                pending.append(b)
            else:
                assert op == CHARS
                found[pc] = None
        return tuple(found)

    def may_begin(self, c: int) -> bool:
        """Whether a match can begin with a class of characters."""
        return any([row[c] for row in self._first])

    def is_match(self, classes: tuple[int, ...]) -> bool:
        """Whether the first match of a string is all of it."""
        threads = self._start
        for c in classes:
            after = self._next.get((threads, c))
            if after is None:
                read = [self._code[pc] for pc in threads if pc >= 0]
                after = self._closure([b for _, a, b in read if self._member[a][c]])
                self._next[threads, c] = after
            threads = after
        return -1 in threads


def check(terminals: Sequence[Terminal]) -> None:
    """Raise GrammarError for what Lark's lexers refuse: empty matches, and names of groups that are not unique.

    Lark joins the patterns into one, in which each terminal is a group with its name.
    """
    groups = {terminal.name: terminal.name for terminal in terminals}
    for terminal in terminals:
        if terminal.text is None or (terminal.plain and terminal.text and not terminal.flags):
            continue
        if terminal.pattern.min_width == 0:
            raise GrammarError(
                f"Lexer does not allow zero-width terminals. ({terminal.name}: {terminal.regexp!r})",
                keyword=terminal.name,
            )
        for group in terminal.pattern.names:
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
        See :class:`Keywords`.
    """
    real = [i for i, t in enumerate(terminals) if t is not None and t.text is not None]
    rank = np.array(sorted(real, key=lambda i: terminals[i].order), np.int64)  # type: ignore[union-attr]
    covers = matches.copy()
    flags = [frozenset() if t is None else t.flags for t in terminals]
    for j in (j for j, own in enumerate(flags) if own):
        covers[:, j] &= [flags[j] <= other for other in flags]
    tried = accepted & ~(accepted.astype(np.float32) @ covers.astype(np.float32) > 0)
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
