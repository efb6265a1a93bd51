"""Items of an LR parser: the places in rules where its states stand, and above which stacks.

Rules are flat arrays: rule ``r`` has the left side ``left[r]`` (-1: the start rule) and the right side
``right[first[r]:first[r + 1]]``, nonterminals being ``-1 - number``. They are the rules by which the parser reduces. An
*edge* is a state and a nonterminal that is read there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .jit import kernel, prepare
from .minimise import group

prepare("Lark grammars")

I32 = NDArray[np.int32]
PLACES = "Tuple((i8, int32[:,::1], int32[:,::1], int32[:,::1], A, A, A))"


@kernel("i8(int32[:,::1], int32[:,::1], i8, i8)")
def _step(action: I32, goto: I32, state: int, symbol: int) -> int:
    """The state behind a symbol, negative for none."""
    if symbol < 0:
        return int(np.int64(goto[state, -1 - symbol]))
    return int(np.int64(action[state, symbol])) - 1


@kernel("Tuple((A, A))(int32[:,::1], int32[:,::1])", allocates=True)
def _list_readers(action: I32, goto: I32) -> tuple[I32, I32]:
    """The states that read a symbol, in rising order: of :func:`_column` c, ``states[first[c]:first[c + 1]]``."""
    n_terminals, n = action.shape[1], 0
    for s in range(len(action)):
        for t in range(n_terminals):
            n += action[s, t] > 0
        for b in range(goto.shape[1]):
            n += goto[s, b] >= 0
    column, state, n = np.empty(n, np.int32), np.empty(n, np.int32), 0
    for s in range(len(action)):
        for c in range(n_terminals + goto.shape[1]):
            if (action[s, c] > 0) if c < n_terminals else goto[s, c - n_terminals] >= 0:
                column[n], state[n] = c, s
                n += 1
    order, first = group(column, n_terminals + goto.shape[1])
    return first, state[order]


@kernel("i8(A, A, A, i8, i8)")
def _column(left: I32, first: I32, right: I32, n_terminals: int, r: int) -> int:
    """The symbol that is read where a rule begins: its first one, or its left side if it has none."""
    symbol = np.int64(right[first[r]]) if first[r] < first[r + 1] else -1 - np.int64(left[r])
    return symbol if symbol >= 0 else n_terminals - 1 - symbol  # type: ignore[no-any-return]


@kernel("i8(int32[:,::1], int32[:,::1], A, A, i8, i8, i8, i8, int32[:,::1], int32[:,::1], i8)")
def _walk(
    action: I32,
    goto: I32,
    first: I32,
    right: I32,
    r: int,
    state: int,
    at: int,
    begin: int,
    known: I32,
    items: I32,
    n_items: int,
) -> int:
    """Note the items on the way through a rule from a state on, up to one that is known: how many there are then.

    Parameters
    ----------
    r, at, state : int
        The rule, how many of its symbols have been read, and where that leads.
    begin : int
        The first item of the rule.
    known : (n_states, longest rule + 1) int32, in and out
        The items of states and numbers of symbols; those before `begin` are of other rules.
    items : int32, in and out
        See :func:`_find_items`.
    """
    last, length = -1, first[r + 1] - first[r]
    while state >= 0:
        item = np.int64(known[state, at])
        is_known = item >= begin
        if not is_known:
            item = n_items
            known[state, at] = item
            items[item, 0], items[item, 1], items[item, 2], items[item, 3] = first[r] + at, r, state, -1
            n_items += 1
        if last >= 0:
            items[last, 3] = item
        last = item
        state = -1 if is_known or at == length else _step(action, goto, state, right[first[r] + at])
        at += 1
    return n_items


@kernel(
    "i8(int32[:,::1], int32[:,::1], A, A, A, A, A, int32[:,::1], i8, int32[:,::1], int32[:,::1], A)", allocates=True
)
def _find_items(
    action: I32,
    goto: I32,
    left: I32,
    first: I32,
    right: I32,
    readers_first: I32,
    readers: I32,
    transition: I32,
    n_edges: int,
    starts: I32,
    items: I32,
    order: I32,
) -> int:
    """Find the places in rules where states stand, and where rules begin.

    Parameters
    ----------
    action, goto, left, first, right, transition
        See :func:`find_places`.
    readers_first, readers
        See :func:`_list_readers`.
    starts : (n_starts, 3) int32, out
        Each state in which a rule may begin: the state, its edge by the left side (-1 where it has none: who reads the
        rule there is stuck), and the item behind the first symbol, if there is one.
    items : (n_items, 4) int32, out
        The place in `right` and the rule, the state, and the item behind the next symbol, -1 for none.
    order : (n_items,) int32, out
        Items such that those of a rule's end come first.

    Returns
    -------
    int
        The number of items; behind the last start, a state -1.
    """
    n_states, n_starts, n_items = len(action), 0, 0
    longest = 1
    for r in range(len(left)):
        longest = max(longest, first[r + 1] - first[r])
    known = np.full((n_states, longest + 1), -1, np.int32)
    for r in range(len(left)):
        begin, length = n_items, np.int64(first[r + 1] - first[r])
        column = _column(left, first, right, action.shape[1], r)
        for stuck in range(2):
            for k in range(readers_first[column], readers_first[column + 1]):
                s = np.int64(readers[k])
                if left[r] < 0 and s > 0:
                    break
                edge = np.int64(transition[s, left[r]]) if left[r] >= 0 else n_edges
                if (edge < 0) != (stuck == 1):
                    continue
                state, at = np.int64(s), 0
                if length:
                    state, at = _step(action, goto, s, right[first[r]]), 1
                item = np.int64(known[state, at])
                is_known = item >= begin
                if stuck and not is_known:
                    continue  # it reads another rule
                starts[n_starts, 0], starts[n_starts, 1], starts[n_starts, 2] = s, edge, item if is_known else n_items
                n_starts += 1
                n_items = _walk(action, goto, first, right, r, state, at, begin, known, items, n_items)
        n_ordered = begin
        for place in range(length, -1, -1):
            for item in range(begin, n_items):
                if items[item, 0] == first[r] + place:
                    order[n_ordered] = item
                    n_ordered += 1
    starts[n_starts, 0] = -1
    return n_items


@kernel("void(int32[:,::1], int32[:,::1], A, A)", nogil=True)
def _list_contexts(starts: I32, items: I32, ends: I32, context: I32) -> None:
    """List the edges by which rules are read behind which items stand, or count them if there is no room.

    Parameters
    ----------
    starts, items
        See :func:`_find_items`.
    ends : (n_items + 1,) int32, in and out
        Where the list of each item ends so far.
    context : int32, out
    """
    k = 0
    while starts[k, 0] >= 0:
        item = np.int64(starts[k, 2])
        while item >= 0:
            if len(context):
                context[ends[item]] = starts[k, 1]
            ends[item] += 1
            item = np.int64(items[item, 3])
        k += 1


@kernel("i8(int32[:,::1], int32[:,::1])")
def _number_edges(goto: I32, transition: I32) -> int:
    """Number the edges by state and nonterminal, as in `transition` (-1: none); how many there are."""
    n_edges = 0
    for s in range(goto.shape[0]):
        for b in range(goto.shape[1]):
            transition[s, b] = -1
            if goto[s, b] >= 0:
                transition[s, b] = n_edges
                n_edges += 1
    return n_edges


@kernel("UniTuple(i8, 2)(A, A, A, A, i8)")
def _count(left: I32, first: I32, right: I32, readers_first: I32, n_terminals: int) -> tuple[int, int]:
    """How many starts and items there are at most."""
    n_starts, n_items = 1, 0
    for r in range(len(left)):
        column = _column(left, first, right, n_terminals, r)
        n = readers_first[column + 1] - readers_first[column]
        n_starts += n
        n_items += n * (first[r + 1] - first[r] + 1)
    return n_starts, n_items


@kernel(PLACES + "(int32[:,::1], int32[:,::1], A, A, A)", nogil=True, allocates=True)
def find_places(action: I32, goto: I32, left: I32, first: I32, right: I32) -> tuple[int, I32, I32, I32, I32, I32, I32]:
    """Find the items of a parser, and by which edges their rules may be read.

    Parameters
    ----------
    action, goto : int32
        See :class:`detent.grammar.lark.tables.ParserTables`.
    left, first, right : int32

    Returns
    -------
    n_edges : int
    transition : (n_states, n_nonterminals) int32
        The number of each edge, -1 for none. The start rule has the edge `n_edges`.
    starts, items, order : int32
        See :func:`_find_items`.
    context_first, context : int32
        The edges by which the rule of item ``i`` may be read: ``context[context_first[i]:context_first[i + 1]]``.

    Notes
    -----
    Linear in the tables, and in the lengths of the rules that may begin in each state.
    """
    transition = np.empty(goto.shape, np.int32)
    n_edges = _number_edges(goto, transition)
    by = _list_readers(action, goto)
    n_starts, room = _count(left, first, right, by[0], action.shape[1])
    starts, items, order = np.empty((n_starts, 3), np.int32), np.empty((room, 4), np.int32), np.empty(room, np.int32)
    n_items = _find_items(action, goto, left, first, right, *by, transition, n_edges, starts, items, order)
    items, order = items[:n_items], order[:n_items]
    context_first, total = np.zeros(n_items + 1, np.int32), 0
    _list_contexts(starts, items, context_first, context_first[:0])
    for i in range(n_items + 1):
        total += context_first[i]
        context_first[i] = total - context_first[i]
    context = np.empty(total, np.int32)
    _list_contexts(starts, items, context_first, context)
    context_first[1:] = context_first[:-1].copy()
    context_first[0] = 0
    return n_edges, transition, starts, items, order, context_first, context
