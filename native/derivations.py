"""Derivations from the stacks of an LR parser: texts of rules, and whether all stacks can be completed by such.

Rules, edges and items are those of :mod:`.items`. A stack is completed by texts of usable terminals, each of which the
parser must read as what it is meant to be, conflicts included.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .jit import kernel, prepare
from .questions import FULL, NOTHING, STUCK, add, find_living, has

prepare("Lark grammars")

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
END = 0


@kernel("void(int64[::1], int64[::1])")
def _copy(row: I64, out: I64) -> None:
    """Copy a set."""
    for w in range(len(out)):
        out[w] = row[w]


@kernel("i8(i8, i8, i8, uint8[::1], A, int64[:,::1], int64[::1], int64[::1])")
def _prepend(symbol: int, edge: int, then: int, usable: U8, opens: I32, fits: I64, ends: I64, out: I64) -> int:
    """What a text of a symbol and of what comes behind it begins with; ``STUCK`` if there is none.

    Parameters
    ----------
    symbol, edge : int
        A symbol, and the edge that reads it if it is a nonterminal.
    then : int
        What begins the text behind it.
    usable, opens, fits
        See :func:`find_texts`.
    ends : (n_words,) int64
        Before which terminals the text behind it is read as such, a set as of :mod:`.questions`.
    out : (n_words,) int64, out
        The same of both.
    """
    if then == STUCK:
        return STUCK
    if symbol >= 0:
        if not usable[symbol]:
            return STUCK
    elif edge < 0 or opens[edge] == STUCK or (then != NOTHING and not has(fits[edge], then)):
        return STUCK
    _copy(ends, out)
    if symbol < 0 and then == NOTHING:
        for w in range(len(out)):
            out[w] &= fits[edge, w]
    if symbol >= 0:
        return symbol
    return then if opens[edge] == NOTHING else np.int64(opens[edge])


@kernel("b1(int64[::1], int64[::1], int64[::1])")
def _add_common(row: I64, one: I64, other: I64) -> bool:
    """Add the members that two sets have in common to a third one; whether that changes it."""
    more = 0
    for w in range(len(row)):
        more |= one[w] & other[w] & ~row[w]
        row[w] |= one[w] & other[w]
    return more != 0


@kernel("b1(int64[::1], int64[::1])")
def _holds_all(row: I64, other: I64) -> bool:
    """Whether a set has all members of another one."""
    more = 0
    for w in range(len(row)):
        more |= other[w] & ~row[w]
    return more == 0


@kernel("void(int32[:,::1], int32[:,::1], A, A)")
def _count_by_rule(starts: I32, items: I32, item_first: I32, start_first: I32) -> None:
    """Where the items of each rule begin, and its starts.

    Parameters
    ----------
    starts, items
        See :func:`.items.find_places`.
    item_first, start_first : (n_rules + 1,) int32, zeros, out
    """
    for item in range(len(items)):
        item_first[items[item, 1] + 1] += 1
    k = 0
    while starts[k, 0] >= 0:
        start_first[items[starts[k, 2], 1] + 1] += 1
        k += 1
    for r in range(len(item_first) - 1):
        item_first[r + 1] += item_first[r]
        start_first[r + 1] += start_first[r]


@kernel(
    "void(A, A, A, A, A, int32[:,::1], int32[:,::1], int32[:,::1], uint8[::1], A, int64[:,::1], A, int64[:,::1], A, A,"
    "int64[::1])",
    nogil=True,
)
def _read_all(
    order: I32,
    item_first: I32,
    start_first: I32,
    first: I32,
    right: I32,
    transition: I32,
    starts: I32,
    items: I32,
    usable: U8,
    opens: I32,
    fits: I64,
    begins: I32,
    ends: I64,
    item_at: I32,
    edge_at: I32,
    row: I64,
) -> None:
    """Read rests of rules and whole rules, until nothing changes.

    Parameters
    ----------
    order, first, right, transition, starts, items, usable, opens, fits, begins, ends
        See :func:`find_texts`.
    item_first, start_first
        See :func:`_count_by_rule`.
    item_at, edge_at : (n_items,), (n_edges + 1,) int32, zeros, out
        The round in which each has changed last.
    row : (n_words,) int64
        For what is read.
    """
    changed, now, n_rules = True, 0, len(first) - 1
    while changed:
        changed = False
        now += 1
        for n in range(n_rules):
            r = n if now & 1 else n_rules - 1 - n
            for i in range(item_first[r], item_first[r + 1]):
                item = np.int64(order[i])
                after = np.int64(items[item, 3])
                if after < 0:
                    continue
                x = np.int64(right[items[item, 0]])
                edge = np.int64(transition[items[item, 2], -1 - x]) if x < 0 else -1
                if item_at[after] < now - 1 and (edge < 0 or edge_at[edge] < now - 1):
                    continue
                begin = _prepend(x, edge, begins[after], usable, opens, fits, ends[after], row)
                if begin != STUCK and (begin != begins[item] or not _holds_all(ends[item], row)):
                    begins[item], item_at[item] = begin, now
                    _copy(row, ends[item])
            is_empty = first[r] == first[r + 1]
            x = np.int64(0 if is_empty else right[first[r]])
            for k in range(start_first[r], start_first[r + 1]):
                edge, item = np.int64(starts[k, 1]), np.int64(starts[k, 2])
                by = np.int64(transition[starts[k, 0], -1 - x]) if x < 0 else -1
                if edge < 0 or (item_at[item] < now - 1 and (by < 0 or edge_at[by] < now - 1)):
                    continue
                begin = np.int64(begins[item])
                if is_empty:
                    _copy(ends[item], row)
                else:
                    begin = _prepend(x, by, begin, usable, opens, fits, ends[item], row)
                is_same = begin != STUCK and (opens[edge] == STUCK or opens[edge] == begin)
                if is_same and _add_common(fits[edge], row, row):
                    opens[edge], edge_at[edge] = begin, now
                    changed = True


@kernel(
    "void(int32[:,::1], A, A, A, int32[:,::1], int32[:,::1], int32[:,::1], A, uint8[::1], A, int64[:,::1], A,"
    "int64[:,::1])",
    nogil=True,
    allocates=True,
)
def find_texts(
    action: I32,
    first: I32,
    right: I32,
    number: I32,
    transition: I32,
    starts: I32,
    items: I32,
    order: I32,
    usable: U8,
    opens: I32,
    fits: I64,
    begins: I32,
    ends: I64,
) -> None:
    """Find texts of usable terminals that the parser reads as the nonterminals of edges, and as rests of rules.

    Parameters
    ----------
    action, first, right, number, transition, usable
        See :func:`completable`.
    starts, items, order
        See :func:`.items.find_places`.
    opens : (n_edges + 1,) int32, all STUCK, out
        What a text of an edge begins with.
    fits : (n_edges + 1, n_words) int64, zeros, out
        Before which terminals one that begins so is read as such.
    begins, ends : (n_items,) int32, all STUCK, (n_items, n_words) int64, out
        The same for the rest of the rule behind an item.

    Notes
    -----
    Rules stand in the order in which grammars are written, mostly from the whole to its parts, but some the other way
    round: they are read in both directions in turn, and a few rounds are enough. In each, only that is read again of
    which something has changed in the last round or in this one.
    """
    n_terminals, n_rules = len(usable), len(first) - 1
    item_first, start_first = np.zeros(n_rules + 1, np.int32), np.zeros(n_rules + 1, np.int32)
    _count_by_rule(starts, items, item_first, start_first)
    item_at, edge_at, row = np.zeros(len(items), np.int32), np.zeros(len(opens), np.int32), np.zeros_like(fits[0])
    texts = (first, right, transition, starts, items, usable, opens, fits, begins, ends, item_at, edge_at, row)
    for item in order:
        r = items[item, 1]
        if items[item, 0] == first[r + 1]:
            begins[item] = NOTHING
            for t in range(n_terminals):
                if action[items[item, 2], t] == -1 - number[r]:
                    add(ends[item], t)
    _read_all(order, item_first, start_first, *texts)


@kernel(
    "void(A, A, int32[:,::1], int32[:,::1], int32[:,::1], A, A, A, int64[:,::1], int32[:,::1], int64[:,::1])",
    nogil=True,
)
def find_offers(
    first: I32,
    right: I32,
    transition: I32,
    starts: I32,
    items: I32,
    context_first: I32,
    context: I32,
    begins: I32,
    ends: I64,
    from_to: I32,
    offers: I64,
) -> None:
    """Find what may come behind edges on the way to a completion, on some stack.

    Parameters
    ----------
    first, right, transition, starts, items, begins, ends
        See :func:`find_texts`.
    context_first, context
        See :func:`.items.find_places`.
    from_to : (len(context) + len(starts), 3) int32, out
        An edge, one where what comes behind the first may come as well, and the item that says what of it.
    offers : (n_edges + 1, n_words) int64, zeros but for the end of the text, out
    """
    n = 0
    for item in range(len(items)):
        at, after = items[item, 0], np.int64(items[item, 3])
        if after < 0 or at == first[items[item, 1]] or right[at] >= 0:
            continue
        edge, then = transition[items[item, 2], -1 - right[at]], begins[after]
        if then >= 0:
            add(offers[edge], then)
        for c in range(context_first[item], context_first[item + 1] if then == NOTHING else 0):
            if context[c] >= 0:
                from_to[n, 0], from_to[n, 1], from_to[n, 2] = context[c], edge, after
                n += 1
    k = 0
    while starts[k, 0] >= 0:
        s, of, after = starts[k, 0], starts[k, 1], np.int64(starts[k, 2])
        k += 1
        at, then = first[items[after, 1]], begins[after]
        if of < 0 or items[after, 0] == at or right[at] >= 0:
            continue
        edge = transition[s, -1 - right[at]]
        if then >= 0:
            add(offers[edge], then)
        elif then == NOTHING:
            from_to[n, 0], from_to[n, 1], from_to[n, 2] = of, edge, after
            n += 1
    changed, forward = True, False
    while changed:
        changed, forward = False, not forward
        for j in range(n):
            k = j if forward else n - 1 - j
            changed |= _add_common(offers[from_to[k, 1]], ends[from_to[k, 2]], offers[from_to[k, 0]])


@kernel("void(int32[:,::1], uint8[::1])")
def _find_entered(action: I32, entered: U8) -> None:
    """Find the states that a terminal leads to."""
    for s in range(action.shape[0]):
        for t in range(action.shape[1]):
            if action[s, t] > 0:
                entered[action[s, t] - 1] = 1


@kernel("b1(int32[:,::1], A, uint8[::1])", allocates=True)
def _all_go_on(items: I32, begins: I32, entered: U8) -> bool:
    """Whether each state that a terminal leads to has an item whose rest has a text."""
    goes_on = np.zeros(len(entered), np.uint8)
    for item in range(len(items)):
        goes_on[items[item, 2]] |= begins[item] != STUCK
    for s in range(len(entered)):
        if entered[s] and not goes_on[s]:
            return False
    return True


@kernel(
    "b1(int32[:,::1], A, A, A, i8, int32[:,::1], int32[:,::1], int32[:,::1], A, A, A, uint8[::1])",
    nogil=True,
    allocates=True,
)
def completable(
    action: I32,
    first: I32,
    right: I32,
    number: I32,
    n_edges: int,
    transition: I32,
    starts: I32,
    items: I32,
    order: I32,
    context_first: I32,
    context: I32,
    usable: U8,
) -> bool:
    """Whether every stack of a parser can be completed by terminals that are usable, as far as this test can tell.

    In each state that a terminal leads to, it looks for an item whose rest is made of usable terminals, and asks of
    every *edge* by which the rule may then be read (a state and a nonterminal): is there a way on behind it that begins
    with one of the terminals before which the parser reduces by that rule? A way on is another item, with the same
    questions behind its rest: about a shorter stack if something of its rule stands below, else about the same one.
    Texts, too, are those that the parser reads as such where they stand. So a conflict matters only where a completion
    needs the action that lost it.

    Parameters
    ----------
    action : int32
        See :class:`detent.grammar.lark.tables.ParserTables`.
    first, right : int32
        The right sides of the rules.
    number : (n_rules,) int32
        The numbers of the rules in `action`.
    n_edges, transition, starts, items, order, context_first, context
        See :func:`.items.find_places`.
    usable : (n_terminals,) uint8

    Notes
    -----
    O(items * contexts * terminals) and a few passes over the questions.
    """
    n_states, n_terminals = action.shape
    n_items, n_words = len(items), (n_terminals + 31) >> 5
    opens, fits = np.full(n_edges + 1, STUCK, np.int32), np.zeros((n_edges + 1, n_words), np.int64)
    begins, ends = np.full(n_items, STUCK, np.int32), np.zeros((n_items, n_words), np.int64)
    find_texts(action, first, right, number, transition, starts, items, order, usable, opens, fits, begins, ends)
    entered, lives = np.zeros(n_states, np.uint8), np.zeros(n_states, np.uint8)
    _find_entered(action, entered)
    if not has(fits[n_edges], END) or not _all_go_on(items, begins, entered):
        return False
    offers, from_to = np.zeros((n_edges + 1, n_words), np.int64), np.empty((len(context) + len(starts), 3), np.int32)
    add(offers[n_edges], END)
    find_offers(first, right, transition, starts, items, context_first, context, begins, ends, from_to, offers)
    parts = (first, right, transition, starts, items, begins, ends, context_first, context)
    if find_living(*parts, offers, entered, lives) == FULL:
        return False
    for s in range(n_states):
        if entered[s] and not lives[s]:
            return False
    return True
