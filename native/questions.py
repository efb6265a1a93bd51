"""Questions whether a text goes on behind an edge of an LR parser, and their answers.

Behind an edge (:mod:`.items`), a text can go on with some terminals in several ways: by an item that reads the edge
next, where the same must be asked behind its rule, about a shorter stack, or by a rule that begins with it, and then
about the same stack. What is asked where a rule ends, about all edges by which it may be read, is a *bundle*.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .jit import kernel, prepare

prepare("Lark grammars")

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
EVERY = (1 << 32) - 1  # all terminals of a word: sets of terminals are rows of words, 32 of them in each
NOTHING, STUCK = -1, -2  # what a rest of a rule begins with, if not with a terminal
NO, FULL, UNKNOWN = -1, -2, -3


@kernel("b1(int64[::1], i8)")
def has(row: I64, t: int) -> bool:
    """Whether a set has a terminal."""
    return (row[t >> 5] >> (t & 31)) & 1 != 0  # type: ignore[no-any-return]


@kernel("b1(int64[::1], i8)")
def add(row: I64, t: int) -> bool:
    """Add a terminal to a set; whether that changes it."""
    is_new = not has(row, t)
    row[t >> 5] |= 1 << (t & 31)
    return is_new


@kernel("i8(i8, int64[::1], int64[::1], int64[:,::1], A, int32[:,::1], int64[:,::1], A)")
def _ask(edge: int, one: I64, other: I64, offers: I64, head: I32, asked: I32, allowed: I64, counts: I32) -> int:
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
    for w in range(len(row)):
        row[w] = one[w] & other[w] & offers[edge, w]
        is_empty &= row[w] == 0
    if is_empty:
        return NO
    node = np.int64(head[edge])
    while node >= 0:
        same = True
        for w in range(len(row)):
            same &= row[w] == allowed[node, w]
        if same:
            return int(node)
        node = np.int64(asked[node, 1])
    asked[n, 0], asked[n, 1], head[edge] = edge, head[edge], n
    counts[0] = n + 1
    return int(n)


@kernel(
    "i8(i8, int64[::1], int64[::1], A, A, int64[:,::1], A, int32[:,::1], int64[:,::1], A, A, A)",
)
def _ask_all(
    item: int,
    one: I64,
    other: I64,
    context_first: I32,
    context: I32,
    offers: I64,
    head: I32,
    asked: I32,
    allowed: I64,
    bundle_first: I32,
    members: I32,
    counts: I32,
) -> int:
    """The number of a bundle: the questions whether a text goes on where the rule of an item ends, on any stack.

    Parameters
    ----------
    item : int
    one, other : (n_words,) int64
        What may come there, is in both.
    context_first, context, ends, offers
        See :func:`.derivations.find_offers`.
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


@kernel("void(A, A, int32[:,::1], int32[:,::1], int32[:,::1], A, A, A, A, A)")
def _list_readers(
    first: I32,
    right: I32,
    transition: I32,
    starts: I32,
    items: I32,
    begins: I32,
    item_at: I32,
    item_next: I32,
    start_at: I32,
    start_next: I32,
) -> None:
    """List the items and starts that read each edge next, and can be completed then.

    Parameters
    ----------
    first, right, transition, starts, items, begins
        See :func:`.derivations.find_texts`.
    item_at, start_at : (n_edges + 1,) int32, all -1, in and out
        The last one of each edge.
    item_next, start_next : int32, all -1, in and out
        The one before, -1 for none.
    """
    for item in range(len(items)):
        at, after = items[item, 0], np.int64(items[item, 3])
        if after >= 0 and at > first[items[item, 1]] and right[at] < 0 and begins[after] != STUCK:
            e = transition[items[item, 2], -1 - right[at]]
            item_next[item], item_at[e] = item_at[e], item
    k = 0
    while starts[k, 0] >= 0:
        after = np.int64(starts[k, 2])
        at = first[items[after, 1]]
        if starts[k, 1] >= 0 and items[after, 0] > at and right[at] < 0 and begins[after] != STUCK:
            e = transition[starts[k, 0], -1 - right[at]]
            start_next[k], start_at[e] = start_at[e], k
        k += 1


@kernel(
    "i8(int32[:,::1], int32[:,::1], A, int64[:,::1], A, A, A, A, A, A, A, int64[:,::1], A, int32[:,::1], int64[:,::1],"
    "A, A, A, A, int32[:,::1])",
    allocates=True,
)
def _find_options(
    starts: I32,
    items: I32,
    begins: I32,
    ends: I64,
    item_at: I32,
    item_next: I32,
    start_at: I32,
    start_next: I32,
    later: I32,
    context_first: I32,
    context: I32,
    offers: I64,
    head: I32,
    asked: I32,
    allowed: I64,
    bundle_first: I32,
    members: I32,
    counts: I32,
    option_first: I32,
    options: I32,
) -> int:
    """Find the ways to answer each question, and the questions that these lead to.

    Parameters
    ----------
    starts, items, begins, ends
        See :func:`.derivations.find_texts`.
    item_at, item_next, start_at, start_next
        See :func:`_list_readers`.
    later : (n_items,) int32, all UNKNOWN, in and out
        Bundles of the questions that are asked where the rule of an item ends, whatever comes next.
    context_first, context, offers, head, asked, allowed, bundle_first, members, counts
        See :func:`_ask_all`.
    option_first, options : int32, out
        See :func:`_solve`.

    Returns
    -------
    int
        0, or ``FULL``: there was no room.
    """
    every, q, n = np.full(ends.shape[1], EVERY, np.int64), 0, 0
    questions = (context_first, context, offers, head, asked, allowed, bundle_first, members, counts)
    while q < counts[0]:
        row, item, k = allowed[q], np.int64(item_at[asked[q, 0]]), np.int64(start_at[asked[q, 0]])
        while item >= 0 or k >= 0:
            bundle, other = NO, NO
            after = np.int64(items[item, 3] if item >= 0 else starts[k, 2])
            then = begins[after]
            if item >= 0 and then == NOTHING:
                bundle = _ask_all(item, row, ends[after], *questions)
            elif item >= 0 and has(row, then):
                if later[item] == UNKNOWN:
                    later[item] = _ask_all(item, every, ends[after], *questions)
                bundle = np.int64(later[item])
            elif item < 0 and (then == NOTHING or has(row, then)):
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
    return 0


@kernel(
    "i8(A, A, int32[:,::1], int32[:,::1], int32[:,::1], A, int64[:,::1], A, A, int64[:,::1], uint8[::1], uint8[::1])",
    nogil=True,
    allocates=True,
)
def find_living(
    first: I32,
    right: I32,
    transition: I32,
    starts: I32,
    items: I32,
    begins: I32,
    ends: I64,
    context_first: I32,
    context: I32,
    offers: I64,
    entered: U8,
    lives: U8,
) -> int:
    """Find the states from which a text goes on, whatever stack is below.

    Parameters
    ----------
    first, right, transition, starts, items, begins, ends
        See :func:`.derivations.find_texts`.
    context_first, context, offers
        See :func:`.derivations.find_offers`.
    entered : (n_states,) uint8
        The states that are asked about.
    lives : (n_states,) uint8, zeros, out

    Returns
    -------
    int
        0, or ``FULL``: there was no room.
    """
    n_edges, n_items, room = len(offers) - 1, len(items), 4 * len(offers) + 64
    item_at, item_next = np.full(n_edges + 1, -1, np.int32), np.full(n_items, -1, np.int32)
    start_at, start_next = np.full(n_edges + 1, -1, np.int32), np.full(len(starts), -1, np.int32)
    readers = (item_at, item_next, start_at, start_next)
    _list_readers(first, right, transition, starts, items, begins, *readers)
    head, asked = np.full(n_edges + 1, -1, np.int32), np.empty((room, 2), np.int32)
    allowed, counts = np.empty((room, ends.shape[1]), np.int64), np.zeros(3, np.int32)
    bundle_first, members = np.zeros(room + 2 * n_items, np.int32), np.empty(8 * len(context) + 64, np.int32)
    option_first, options = np.zeros(room + 1, np.int32), np.empty((16 * room, 2), np.int32)
    every, whole = np.full(ends.shape[1], EVERY, np.int64), np.full(n_items, UNKNOWN, np.int32)
    later = whole.copy()
    questions = (context_first, context, offers, head, asked, allowed, bundle_first, members, counts)
    for item in range(n_items):
        if entered[items[item, 2]] and begins[item] != STUCK:
            whole[item] = _ask_all(item, every, ends[item], *questions)
            if whole[item] == FULL:
                return FULL
    if _find_options(starts, items, begins, ends, *readers, later, *questions, option_first, options) == FULL:
        return FULL
    holds = np.zeros(counts[1], np.uint8)
    _solve(asked[: counts[0]], option_first, options, bundle_first, members, n_edges, holds)
    for item in range(n_items):
        if whole[item] >= 0 and holds[whole[item]]:
            lives[items[item, 2]] = 1
    return 0
