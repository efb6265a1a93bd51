"""Derivations from the stacks of an LR parser: which stacks are hopeless, and whether all others can be completed.

Rules are flat arrays: rule ``r`` has the left side ``left[r]`` (-1: the start rule) and the right side
``right[first[r]:first[r + 1]]``, nonterminals being ``-1 - number``. They are the rules by which the parser reduces.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .jit import kernel, prepare

prepare("Lark grammars")

I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]
END, NOTHING, STUCK = 0, -1, -2  # what a rest of a rule begins with
NO, FULL, UNKNOWN = -1, -2, -3


@kernel("void(A, A, A, uint8[::1], i8, uint8[::1])", nogil=True, allocates=True)
def _find_whole(left: I32, first: I32, right: I32, usable: U8, n_nonterminals: int, whole: U8) -> None:
    """Find the rules that have a text of usable terminals.

    Parameters
    ----------
    left, first, right, usable
        See :func:`completable`.
    whole : (n_rules,) uint8, zeros, out
    """
    productive = np.zeros(n_nonterminals, np.uint8)  # of some, the rules are not among these
    changed = True
    while changed:
        changed = False
        for r in range(len(left)):
            if whole[r]:
                continue
            whole[r] = 1
            for at in range(first[r], first[r + 1]):
                x = right[at]
                whole[r] &= usable[x] if x >= 0 else productive[-1 - x]
            if whole[r]:
                changed = True
                if left[r] >= 0:
                    productive[left[r]] = 1


@kernel("void(int32[:,::1], int32[:,::1], A, A, A, A, A, uint8[::1])", nogil=True, allocates=True)
def prune(
    action: I32, goto: I32, left: I32, first: I32, right: I32, rule_left: I32, rule_length: I32, usable: U8
) -> None:
    """Take out of the tables of a parser what only begins rules that no text can complete.

    A symbol is read in a state on the way to a sentence only if some rule goes on with it there that is begun, in a
    state below, on such a way, and has a text.

    Parameters
    ----------
    action, goto : int32, in and out
        See :class:`detent.grammar.lark.tables.ParserTables`.
    left, first, right : int32
    rule_left, rule_length : int32
        Of all rules, by the numbers that actions have.
    usable : (n_terminals,) uint8
        The terminals that can come.

    Notes
    -----
    O(rules * states * length).
    """
    n_states, n_terminals, n_nonterminals = len(action), action.shape[1], goto.shape[1]
    whole = np.zeros(len(left), np.uint8)
    _find_whole(left, first, right, usable, n_nonterminals, whole)
    shifts, reads = np.zeros((n_states, n_terminals), np.uint8), np.zeros((n_states, n_nonterminals), np.uint8)
    pending, n_pending = np.empty((n_states * n_nonterminals + 1, 2), np.int32), 1
    pending[0] = 0, -1
    while n_pending > 0:
        n_pending -= 1
        s, nonterminal = np.int64(pending[n_pending, 0]), pending[n_pending, 1]
        for r in range(len(left)):
            if left[r] != nonterminal or not whole[r]:
                continue
            state = s
            for at in range(first[r], first[r + 1]):
                x = np.int64(right[at])
                if x >= 0:
                    shifts[state, x] = 1
                    state = np.int64(action[state, x]) - 1
                else:
                    if not reads[state, -1 - x]:
                        reads[state, -1 - x] = 1
                        pending[n_pending] = state, -1 - x
                        n_pending += 1
                    state = np.int64(goto[state, -1 - x])
                if state < 0:
                    break
    for s in range(n_states):
        for t in range(n_terminals):
            act = action[s, t]
            is_empty = act < -1 and rule_length[-1 - act] == 0
            if (act > 0 and not shifts[s, t]) or (is_empty and not reads[s, rule_left[-1 - act]]):
                action[s, t] = 0
        for b in range(n_nonterminals):
            if not reads[s, b]:
                goto[s, b] = -1


@kernel("i8(int32[:,::1], int32[:,::1], i8, i8)")
def _step(action: I32, goto: I32, state: int, symbol: int) -> int:
    """The state behind a symbol, negative for none."""
    if symbol < 0:
        return int(np.int64(goto[state, -1 - symbol]))
    return int(np.int64(action[state, symbol])) - 1


@kernel("i8(int32[:,::1], int32[:,::1], A, A, A, int32[:,::1], i8, int32[:,::1], int32[:,::1], A)", allocates=True)
def _find_items(
    action: I32,
    goto: I32,
    left: I32,
    first: I32,
    right: I32,
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
        See :func:`completable`.
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
        for stuck in range(2):
            for s in range(n_states if left[r] >= 0 else 1 - stuck):
                edge = np.int64(transition[s, left[r]]) if left[r] >= 0 else n_edges
                if (edge < 0) != (stuck == 1) or (stuck and not length):
                    continue
                state, at, last = np.int64(s), 0, -1
                if length:
                    state, at = _step(action, goto, s, right[first[r]]), 1
                if state < 0:
                    continue
                item = np.int64(known[state, at])
                is_known = item >= begin
                if stuck and not is_known:
                    continue  # it reads another rule
                starts[n_starts, 0], starts[n_starts, 1], starts[n_starts, 2] = s, edge, item if is_known else n_items
                n_starts += 1
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
        n_ordered = begin
        for at in range(length, -1, -1):
            for item in range(begin, n_items):
                if items[item, 0] == first[r] + at:
                    order[n_ordered] = item
                    n_ordered += 1
    starts[n_starts, 0] = -1
    return n_items


@kernel("i8(i8, i8, i8, uint8[::1], A, uint8[:,::1], uint8[::1], uint8[::1])")
def _prepend(symbol: int, edge: int, then: int, usable: U8, opens: I32, fits: U8, ends: U8, out: U8) -> int:
    """What a text of a symbol and of what comes behind it begins with; ``STUCK`` if there is none.

    Parameters
    ----------
    symbol, edge : int
        A symbol, and the edge that reads it if it is a nonterminal.
    then : int
        What begins the text behind it.
    usable, opens, fits
        See :func:`_find_texts`.
    ends : (n_terminals,) uint8
        Before which terminals the text behind it is read as such.
    out : (n_terminals,) uint8, out
        The same of both.
    """
    if then == STUCK:
        return STUCK
    if symbol >= 0:
        if not usable[symbol]:
            return STUCK
    elif edge < 0 or opens[edge] == STUCK or (then != NOTHING and not fits[edge, then]):
        return STUCK
    for t in range(len(out)):
        out[t] = ends[t] & fits[edge, t] if symbol < 0 and then == NOTHING else ends[t]
    if symbol >= 0:
        return symbol
    return then if opens[edge] == NOTHING else np.int64(opens[edge])


@kernel(
    "void(int32[:,::1], A, A, A, int32[:,::1], int32[:,::1], int32[:,::1], A, uint8[::1], A, uint8[:,::1], A,"
    "uint8[:,::1])",
    nogil=True,
    allocates=True,
)
def _find_texts(
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
    fits: U8,
    begins: I32,
    ends: U8,
) -> None:
    """Find texts of usable terminals that the parser reads as the nonterminals of edges, and as rests of rules.

    Parameters
    ----------
    action, first, right, number, transition, usable
        See :func:`completable`.
    starts, items, order
        See :func:`_find_items`.
    opens : (n_edges + 1,) int32, all STUCK, out
        What a text of an edge begins with.
    fits : (n_edges + 1, n_terminals) uint8, zeros, out
        Before which terminals one that begins so is read as such.
    begins, ends : (n_items,) int32, all STUCK, (n_items, n_terminals) uint8, out
        The same for the rest of the rule behind an item.
    """
    n_terminals = len(usable)
    row = np.zeros(n_terminals, np.uint8)
    for item in order:
        r = items[item, 1]
        if items[item, 0] == first[r + 1]:
            begins[item] = NOTHING
            for t in range(n_terminals):
                ends[item, t] = action[items[item, 2], t] == -1 - number[r]
    changed = True
    while changed:
        changed = False
        for item in order:
            if items[item, 3] >= 0:
                x, after = np.int64(right[items[item, 0]]), items[item, 3]
                edge = np.int64(transition[items[item, 2], -1 - x]) if x < 0 else -1
                begins[item] = _prepend(x, edge, begins[after], usable, opens, fits, ends[after], ends[item])
        k = 0
        while starts[k, 0] >= 0:
            s, edge, item = starts[k, 0], np.int64(starts[k, 1]), starts[k, 2]
            k += 1
            if edge < 0:
                continue
            r = items[item, 1]
            begin = np.int64(begins[item])
            if first[r] == first[r + 1]:
                row[:] = ends[item]
            else:
                x = np.int64(right[first[r]])
                by = np.int64(transition[s, -1 - x]) if x < 0 else -1
                begin = _prepend(x, by, begin, usable, opens, fits, ends[item], row)
            if begin != STUCK and (opens[edge] == STUCK or opens[edge] == begin):
                for t in range(n_terminals):
                    if row[t] > fits[edge, t]:
                        fits[edge, t] = 1
                        opens[edge] = begin
                        changed = True


@kernel("b1(uint8[::1], uint8[::1], uint8[::1])")
def _add(row: U8, one: U8, other: U8) -> bool:
    """Add the members that two sets have in common to a third one; whether that changes it."""
    changed = False
    for t in range(len(row)):
        more = one[t] & other[t]
        changed |= more > row[t]
        row[t] |= more
    return changed


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


@kernel(
    "void(A, A, int32[:,::1], int32[:,::1], int32[:,::1], A, A, A, uint8[:,::1], uint8[:,::1])",
    nogil=True,
)
def _find_offers(
    first: I32,
    right: I32,
    transition: I32,
    starts: I32,
    items: I32,
    context_first: I32,
    context: I32,
    begins: I32,
    ends: U8,
    offers: U8,
) -> None:
    """Find what may come behind edges on the way to a completion, on some stack.

    Parameters
    ----------
    first, right, transition, starts, items, begins, ends
        See :func:`_find_texts`.
    context_first, context : int32
        The edges by which the rule of item ``i`` may be read: ``context[context_first[i]:context_first[i + 1]]``.
    offers : (n_edges + 1, n_terminals) uint8, zeros but for the end of the text, out
    """
    changed = True
    while changed:
        changed = False
        for item in range(len(items)):
            at, after = items[item, 0], np.int64(items[item, 3])
            if after < 0 or at == first[items[item, 1]] or right[at] >= 0:
                continue
            row, then = offers[transition[items[item, 2], -1 - right[at]]], begins[after]
            if then >= 0:
                changed |= row[then] == 0
                row[then] = 1
            for c in range(context_first[item], context_first[item + 1] if then == NOTHING else 0):
                changed |= context[c] >= 0 and _add(row, ends[after], offers[context[c]])
        k = 0
        while starts[k, 0] >= 0:
            s, edge, after = starts[k, 0], np.int64(starts[k, 1]), np.int64(starts[k, 2])
            k += 1
            at, then = first[items[after, 1]], begins[after]
            if edge < 0 or items[after, 0] == at or right[at] >= 0:
                continue
            row = offers[transition[s, -1 - right[at]]]
            if then >= 0:
                changed |= row[then] == 0
                row[then] = 1
            elif then == NOTHING:
                changed |= _add(row, ends[after], offers[edge])


@kernel("i8(i8, uint8[::1], uint8[::1], uint8[:,::1], A, int32[:,::1], uint8[:,::1], A)")
def _ask(edge: int, one: U8, other: U8, offers: U8, head: I32, asked: I32, allowed: U8, counts: I32) -> int:
    """The number of the question whether some text goes on behind an edge with a terminal of two sets.

    Returns
    -------
    int
        ``NO`` if there is no such terminal; ``FULL`` if there is no room.
    """
    n = np.int64(counts[0])
    if n == len(asked):
        return FULL
    row, is_empty = allowed[n], True
    for t in range(len(row)):
        row[t] = one[t] & other[t] & offers[edge, t]
        is_empty &= row[t] == 0
    if is_empty:
        return NO
    node = np.int64(head[edge])
    while node >= 0:
        same = True
        for t in range(len(row)):
            same &= row[t] == allowed[node, t]
        if same:
            return int(node)
        node = np.int64(asked[node, 1])
    asked[n, 0], asked[n, 1], head[edge] = edge, head[edge], n
    counts[0] = n + 1
    return int(n)


@kernel(
    "i8(i8, uint8[::1], uint8[::1], A, A, uint8[:,::1], A, int32[:,::1], uint8[:,::1], A, A, A)",
)
def _ask_all(
    item: int,
    one: U8,
    other: U8,
    context_first: I32,
    context: I32,
    offers: U8,
    head: I32,
    asked: I32,
    allowed: U8,
    bundle_first: I32,
    members: I32,
    counts: I32,
) -> int:
    """The number of a bundle: the questions whether a text goes on where the rule of an item ends, on any stack.

    Parameters
    ----------
    item : int
    behind : (n_terminals,) uint8
        What may come there, beside what the parser asks for.
    context_first, context, ends, offers
        See :func:`_find_offers`.
    head : (n_edges + 1,) int32
        The last question of each edge, -1 for none.
    asked, allowed
        Of each question: the edge, the one before of the same edge; the terminals with which a text may go on.
    bundle_first, members : int32
    counts : (3,) int32
        How many questions, bundles, members there are.

    Returns
    -------
    int
        ``NO`` if one of them is answered so; ``FULL`` if there is no room.
    """
    bundle, n = np.int64(counts[1]), np.int64(counts[2])
    if bundle + 1 >= len(bundle_first) or n + context_first[item + 1] - context_first[item] > len(members):
        return FULL
    for c in range(context_first[item], context_first[item + 1]):
        edge = np.int64(context[c])
        if edge < 0:
            return NO
        node = _ask(edge, one, other, offers, head, asked, allowed, counts)
        if node < 0:
            return int(node)
        members[n] = node
        n += 1
    bundle_first[bundle + 1] = n
    counts[1], counts[2] = bundle + 1, n
    return int(bundle)


@kernel("void(int32[:,::1], A, int32[:,::1], A, A, i8, uint8[::1])", nogil=True, allocates=True)
def _solve(
    asked: I32, option_first: I32, options: I32, bundle_first: I32, members: I32, end_edge: int, holds: U8
) -> None:
    """Answer all questions: the greatest solution as to shorter stacks, the least as to the same stack.

    Parameters
    ----------
    asked : (n, 2) int32
        See :func:`_ask_all`.
    option_first, options : int32
        Ways to a yes: a bundle, about shorter stacks, and ``NO``; or ``NO`` and a question about the same stack.
    bundle_first, members : int32
    end_edge : int
        The edge behind which the text ends.
    holds : (n_bundles,) uint8, out
        Which bundles are all yes.
    """
    n = len(asked)
    yes, now = np.ones(n, np.uint8), np.zeros(n, np.uint8)
    changed = True
    while changed:
        for b in range(len(holds)):
            holds[b] = 1
            for m in range(bundle_first[b], bundle_first[b + 1]):
                holds[b] &= yes[members[m]]
        for q in range(n):
            now[q] = asked[q, 0] == end_edge
            for k in range(option_first[q], option_first[q + 1]):
                now[q] |= options[k, 0] >= 0 and holds[options[k, 0]]
        grown = True
        while grown:
            grown = False
            for q in range(n):
                for k in range(option_first[q], option_first[q + 1]):
                    if not now[q] and options[k, 1] >= 0 and now[options[k, 1]]:
                        now[q] = 1
                        grown = True
        changed = False
        for q in range(n):
            changed |= yes[q] != now[q]
            yes[q] = now[q]


@kernel(
    "i8(A, A, int32[:,::1], int32[:,::1], int32[:,::1], A, uint8[:,::1], A, A, uint8[:,::1], uint8[::1], A,uint8[::1])",
    nogil=True,
    allocates=True,
)
def _complete(
    first: I32,
    right: I32,
    transition: I32,
    starts: I32,
    items: I32,
    begins: I32,
    ends: U8,
    context_first: I32,
    context: I32,
    offers: U8,
    entered: U8,
    room: I32,
    lives: U8,
) -> int:
    """Find the states from which a text goes on, whatever stack is below.

    Parameters
    ----------
    first, right, transition, starts, items, begins, ends
        See :func:`_find_texts`.
    context_first, context, offers
        See :func:`_find_offers`.
    entered : (n_states,) uint8
        The states that are asked about.
    room : (2,) int32
        How many questions, and how many members of bundles there may be.
    lives : (n_states,) uint8, zeros, out

    Returns
    -------
    int
        0, or ``FULL``: there was no room.
    """
    n_edges, n_items = len(offers) - 1, len(items)
    item_at, item_next = np.full(n_edges + 1, -1, np.int32), np.full(n_items, -1, np.int32)
    start_at, start_next = np.full(n_edges + 1, -1, np.int32), np.full(len(starts), -1, np.int32)
    for item in range(n_items):
        at, after = items[item, 0], items[item, 3]
        if after >= 0 and at > first[items[item, 1]] and right[at] < 0 and begins[after] != STUCK:
            e = transition[items[item, 2], -1 - right[at]]
            item_next[item], item_at[e] = item_at[e], item
    k = 0
    while starts[k, 0] >= 0:
        after = starts[k, 2]
        at = first[items[after, 1]]
        if starts[k, 1] >= 0 and items[after, 0] > at and right[at] < 0 and begins[after] != STUCK:
            e = transition[starts[k, 0], -1 - right[at]]
            start_next[k], start_at[e] = start_at[e], k
        k += 1
    head, asked = np.full(n_edges + 1, -1, np.int32), np.empty((room[0], 2), np.int32)
    allowed, counts = np.empty((room[0], ends.shape[1]), np.uint8), np.zeros(3, np.int32)
    bundle_first, members = np.zeros(room[0] + 2 * n_items, np.int32), np.empty(room[1], np.int32)
    option_first, options, n = np.zeros(room[0] + 1, np.int32), np.empty((16 * room[0], 2), np.int32), 0
    every, whole = np.ones(ends.shape[1], np.uint8), np.full(n_items, UNKNOWN, np.int32)
    later = whole.copy()
    questions = (context_first, context, offers, head, asked, allowed, bundle_first, members, counts)
    for item in range(n_items):
        if entered[items[item, 2]] and begins[item] != STUCK:
            whole[item] = _ask_all(item, every, ends[item], *questions)
            if whole[item] == FULL:
                return FULL
    q = 0
    while q < counts[0]:
        row, item, k = allowed[q], np.int64(item_at[asked[q, 0]]), np.int64(start_at[asked[q, 0]])
        while item >= 0 or k >= 0:
            bundle, other = NO, NO
            after = np.int64(items[item, 3] if item >= 0 else starts[k, 2])
            then = begins[after]
            if item >= 0 and then == NOTHING:
                bundle = _ask_all(item, row, ends[after], *questions)
            elif item >= 0 and row[then]:
                if later[item] == UNKNOWN:
                    later[item] = _ask_all(item, every, ends[after], *questions)
                bundle = np.int64(later[item])
            elif item < 0 and (then == NOTHING or row[then]):
                one = row if then == NOTHING else every
                other = _ask(starts[k, 1], one, ends[after], offers, head, asked, allowed, counts)
            if bundle == FULL or other == FULL or n == len(options):
                return FULL
            if bundle != NO or other != NO:
                options[n, 0], options[n, 1] = bundle, other
                n += 1
            if item >= 0:
                item = np.int64(item_next[item])
            else:
                k = np.int64(start_next[k])
        q += 1
        option_first[q] = n
    holds = np.zeros(counts[1], np.uint8)
    _solve(asked[:q], option_first, options, bundle_first, members, n_edges, holds)
    for item in range(n_items):
        if whole[item] >= 0 and holds[whole[item]]:
            lives[items[item, 2]] = 1
    return 0


@kernel("b1(int32[:,::1], int32[:,::1], A, A, A, A, uint8[::1])", nogil=True, allocates=True)
def completable(action: I32, goto: I32, left: I32, first: I32, right: I32, number: I32, usable: U8) -> bool:
    """Whether every stack of a parser can be completed by terminals that are usable, as far as this test can tell.

    In each state that a terminal leads to, it looks for an item whose rest is made of usable terminals, and asks of
    every *edge* by which the rule may then be read (a state and a nonterminal): is there a way on behind it that begins
    with one of the terminals before which the parser reduces by that rule? A way on is another item, with the same
    questions behind its rest: about a shorter stack if something of its rule stands below, else about the same one.
    Texts, too, are those that the parser reads as such where they stand. So a conflict matters only where a completion
    needs the action that lost it.

    Parameters
    ----------
    action, goto : int32
        See :class:`detent.grammar.lark.tables.ParserTables`.
    left, first, right : int32
        Rules: left sides (-1: the start rule), and their right sides ``right[first[r]:first[r + 1]]``, nonterminals
        being ``-1 - number``.
    number : (n_rules,) int32
        The numbers of the rules in `action`.
    usable : (n_terminals,) uint8

    Notes
    -----
    O(rules * states * length + items * contexts * terminals) and a few passes over the questions.
    """
    n_states, n_terminals = action.shape
    transition, n_edges = np.full(goto.shape, -1, np.int32), 0
    for s in range(n_states):
        for b in range(goto.shape[1]):
            if goto[s, b] >= 0:
                transition[s, b] = n_edges
                n_edges += 1
    n_starts, room = 2, 0
    for r in range(len(left)):
        n = 1
        for s in range(n_states if left[r] >= 0 else 0):
            begins_here = transition[s, left[r]] >= 0
            n += begins_here or (first[r] < first[r + 1] and _step(action, goto, s, right[first[r]]) >= 0)
        n_starts += n
        room += n * (first[r + 1] - first[r] + 1)
    starts, items, order = np.empty((n_starts, 3), np.int32), np.empty((room, 4), np.int32), np.empty(room, np.int32)
    n_items = _find_items(action, goto, left, first, right, transition, n_edges, starts, items, order)
    items, order = items[:n_items], order[:n_items]
    opens, fits = np.full(n_edges + 1, STUCK, np.int32), np.zeros((n_edges + 1, n_terminals), np.uint8)
    begins, ends = np.full(n_items, STUCK, np.int32), np.zeros((n_items, n_terminals), np.uint8)
    _find_texts(action, first, right, number, transition, starts, items, order, usable, opens, fits, begins, ends)
    if not fits[n_edges, END]:
        return False
    context_first = np.zeros(n_items + 1, np.int32)
    _list_contexts(starts, items, context_first, context_first[:0])
    total = 0
    for i in range(n_items + 1):
        total += context_first[i]
        context_first[i] = total - context_first[i]
    context = np.empty(total, np.int32)
    _list_contexts(starts, items, context_first, context)
    context_first[1:] = context_first[:-1].copy()
    context_first[0] = 0
    offers = np.zeros((n_edges + 1, n_terminals), np.uint8)
    offers[n_edges, END] = 1
    _find_offers(first, right, transition, starts, items, context_first, context, begins, ends, offers)
    entered, lives = np.zeros(n_states, np.uint8), np.zeros(n_states, np.uint8)
    for s in range(n_states):
        for t in range(n_terminals):
            if action[s, t] > 0:
                entered[action[s, t] - 1] = 1
    limits = np.array([4 * n_edges + 64, 8 * total + 64], np.int32)
    parts = (first, right, transition, starts, items, begins, ends, context_first, context)
    if _complete(*parts, offers, entered, limits, lives) == FULL:
        return False
    for s in range(n_states):
        if entered[s] and not lives[s]:
            return False
    return True
