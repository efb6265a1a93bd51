"""Charts: which nonterminals can be read between which places of a text with gaps.

A text with gaps is a row of *slots*. A place is a pair (slot, inside): ``(t, 0)`` is the boundary in front of slot
``t``, other numbers are bytes of its text, counted in the array of all texts, or nodes of the automaton of all tokens.
A slot is six numbers::

    offset, length   its text, as classes of bytes in a common array; then comes the boundary t + 1; length -1: any
                     bytes, and stay; length -2: one token of one byte
    token            where one token leads (t + 1: a mask, t: any number of tokens), -1: no token may stand here
    skip, cost       where one comes without reading, -1: nowhere; 1 if that takes a token (which spells nothing)
    final            1 if the text may end at boundary t

The chart is Earley's (An efficient context-free parsing algorithm, 1970) over a network (:mod:`detent.grammar.network`)
instead of dotted rules, and over a graph of places instead of positions. An *item* (place, state, call) says that the
nonterminal of a call has been read up to a state. A *call* (place, nonterminal) is shared by all that made it; its
*links* are those (item, state behind it), its *ends* the places where its nonterminal may end. Whichever of a link and
an end comes later meets the other, so loops of places need no order. Every slot is *closed* (calls and ends at its
boundary) and then *expanded* (its edges).

An item may carry the fewest tokens of its part of the text, and how they were read; then a place in a loop may be
improved and is looked at again.

A chart may have a *mark*: what lies behind it can be undone, what lies in front of it is not improved any more.

::

    chart   = header | items | calls | links | ends | hashes | queue | first item of each slot
    network = header | step | calls of each state (first, callee, behind) | final | start of each nonterminal
              | nonterminal of each state
    tokens  = header | edges of each node (first, class, to) | whether a token ends there
"""

from __future__ import annotations

import numpy as np

from .arena import mix
from .jit import kernel, prepare

prepare("texts with gaps")

# chart header: number and capacity of each kind, then absolute offsets
ITEMS, CALLS, LINKS, ENDS = 0, 1, 2, 3
CAPACITY = 4
STATUS, ACCEPTED, WEIGHED, QUEUE_HEAD, QUEUE_TAIL = 8, 9, 10, 11, 12
MARKED = 25  # what the mark was set for (:mod:`.infill_window`); 0: there is none
MARK = 26  # numbers of items, calls, links and ends in front of it
BASE = 16  # items, calls, links, ends, item hash, call hash, end hash, queue, heads
ITEM_HASH, CALL_HASH, END_HASH, QUEUE, HEADS = 20, 21, 22, 23, 24
CHART_HEADER = 40

ITEM, CALL, LINK, END = 9, 5, 4, 6  # words of each kind
SLOT, INSIDE, STATE, OF, NEXT, COST, FROM, HOW, FLAGS = range(9)
LINKED, QUEUED, CLOSED = 1, 2, 4
ENTERED = -1  # how an item came about: by skipping, by a return (an item >= 0), or by a byte
BYTE, TOKEN = 2, 3  # -BYTE - 2 * class; -TOKEN - 2 * class where a token ends with it

N_STATES, N_CLASSES, N_SYMBOLS, STEP, CALL_FIRST, CALLEE, BEHIND, FINAL, START, OWNER = range(10)
NETWORK_HEADER = 10
N_NODES, EDGE_FIRST, EDGE_CLASS, EDGE_TO, TOKEN_ENDS = range(5)
TOKENS_HEADER = 5

OFFSET, LENGTH, TOKEN_TO, SKIP_TO, SKIP_COST, MAY_END = range(6)
SLOT_WORDS = 6
ANY_BYTES, ONE_BYTE = -1, -2  # as lengths

NO, YES, FULL = 0, 1, 2


def allocate(n_items: int, n_slots: int) -> np.ndarray:
    """An empty chart.

    Parameters
    ----------
    n_items : int
        Capacity, a power of two: of items, and of calls, links and ends.
    n_slots : int
        Number of boundaries.

    Returns
    -------
    (words,) int32
    """
    sizes = [n_items * ITEM, n_items * CALL, n_items * LINK, n_items * END]
    sizes += [2 * n_items] * 3 + [n_items + 1, n_slots + 1]
    chart = np.full(CHART_HEADER + sum(sizes), -1, np.int32)
    chart[:CHART_HEADER] = 0
    chart[CAPACITY : CAPACITY + 4] = n_items
    chart[BASE : BASE + len(sizes)] = CHART_HEADER + np.cumsum([0, *sizes[:-1]])
    chart[ACCEPTED] = -1
    return chart


@kernel("i8(i8, i8, i8, i8)")
def _hash(a, b, c, d):
    return mix(mix(mix(mix(7, int(a)), int(b)), int(c)), int(d))


@kernel("void(A, i8)")
def _push(C, item):
    """Put an item into the queue, once."""
    at = C[BASE + ITEMS] + item * ITEM + FLAGS
    if not C[at] & QUEUED:
        C[at] |= QUEUED
        C[C[QUEUE] + C[QUEUE_TAIL]] = item
        C[QUEUE_TAIL] += 1
        if C[QUEUE_TAIL] > C[CAPACITY]:
            C[QUEUE_TAIL] = 0


@kernel("void(A, i8, i8, i8, i8, i8, i8, i8, i8)")
def _add_item(C, slot, inside, state, call, cost, source, how, current):
    """Add an item or improve it; those of the current slot are queued."""
    mask = 2 * int(C[CAPACITY]) - 1
    at = C[ITEM_HASH] + (_hash(slot, inside, state, call) & mask)
    end = C[ITEM_HASH] + mask
    while C[at] >= 0:
        item = C[BASE + ITEMS] + C[at] * ITEM
        if C[item + SLOT] == slot and C[item + INSIDE] == inside and C[item + STATE] == state and C[item + OF] == call:
            if C[WEIGHED] and cost < C[item + COST] and C[at] >= C[MARK]:
                C[item + COST], C[item + FROM], C[item + HOW] = cost, source, how
                C[item + FLAGS] &= ~CLOSED
                if slot == current:
                    _push(C, C[at])
            return
        at = at + 1 if at < end else C[ITEM_HASH]
    number = C[ITEMS]
    if number >= C[CAPACITY]:
        C[STATUS] = FULL
        return
    C[at] = number
    C[ITEMS] = number + 1
    item = C[BASE + ITEMS] + number * ITEM
    C[item + SLOT], C[item + INSIDE], C[item + STATE], C[item + OF] = slot, inside, state, call
    C[item + COST], C[item + FROM], C[item + HOW], C[item + FLAGS] = cost, source, how, 0
    C[item + NEXT] = C[C[HEADS] + slot]
    C[C[HEADS] + slot] = number
    if slot == current:
        _push(C, number)


@kernel("i8(A, A, i8, i8, i8, i8)")
def _call(G, C, slot, inside, symbol, current):
    """The call of a nonterminal at a place; a new one brings its first item along. -1: no room."""
    mask = 2 * int(C[CAPACITY]) - 1
    at = C[CALL_HASH] + (_hash(slot, inside, symbol, 1) & mask)
    end = C[CALL_HASH] + mask
    while C[at] >= 0:
        call = C[BASE + CALLS] + C[at] * CALL
        if C[call] == slot and C[call + 1] == inside and C[call + 2] == symbol:
            return int(C[at])
        at = at + 1 if at < end else C[CALL_HASH]
    number = C[CALLS]
    if number >= C[CAPACITY]:
        C[STATUS] = FULL
        return -1
    C[at] = number
    C[CALLS] = number + 1
    call = C[BASE + CALLS] + number * CALL
    C[call], C[call + 1], C[call + 2], C[call + 3], C[call + 4] = slot, inside, symbol, -1, -1
    _add_item(C, slot, inside, G[G[START] + symbol], number, 0, -1, ENTERED, current)
    return int(number)


@kernel("void(A, A, i8, i8)")
def _complete(S, C, number, current):
    """The nonterminal of an item's call may end where the item stands: everyone who called it goes on."""
    item = C[BASE + ITEMS] + number * ITEM
    slot, inside, number_of_call, cost = C[item + SLOT], C[item + INSIDE], C[item + OF], C[item + COST]
    mask = 2 * int(C[CAPACITY]) - 1
    at = C[END_HASH] + (_hash(number_of_call, slot, inside, 2) & mask)
    last = C[END_HASH] + mask
    while C[at] >= 0:
        end = C[BASE + ENDS] + C[at] * END
        if C[end] == number_of_call and C[end + 1] == slot and C[end + 2] == inside:
            break
        at = at + 1 if at < last else C[END_HASH]
    call = C[BASE + CALLS] + number_of_call * CALL
    if C[at] >= 0:
        end = C[BASE + ENDS] + C[at] * END
        if not C[WEIGHED] or cost >= C[end + 4]:
            return
    else:
        if C[ENDS] >= C[CAPACITY]:
            C[STATUS] = FULL
            return
        C[at] = C[ENDS]
        end = C[BASE + ENDS] + C[ENDS] * END
        C[ENDS] += 1
        C[end], C[end + 1], C[end + 2], C[end + 5] = number_of_call, slot, inside, C[call + 4]
        C[call + 4] = C[at]
    C[end + 3], C[end + 4] = number, cost
    if number_of_call == 0 and inside == 0 and S[slot * SLOT_WORDS + MAY_END]:
        best = C[ACCEPTED]
        if best < 0 or cost < C[C[BASE + ITEMS] + best * ITEM + COST]:
            C[ACCEPTED] = number
    link = C[call + 3]
    while link >= 0:
        entry = C[BASE + LINKS] + link * LINK
        caller = C[BASE + ITEMS] + C[entry + 1] * ITEM
        _add_item(C, slot, inside, C[entry + 2], C[caller + OF], C[caller + COST] + cost, C[entry + 1], number, current)
        link = C[entry + 3]


@kernel("void(A, A, i8, i8)")
def _predict(G, C, number, current):
    """What an item's state may call: link it to the calls, and go on behind those that have ended already."""
    item = C[BASE + ITEMS] + number * ITEM
    state = C[item + STATE]
    for k in range(G[G[CALL_FIRST] + state], G[G[CALL_FIRST] + state + 1]):
        behind = G[G[BEHIND] + k]
        called = _call(G, C, C[item + SLOT], C[item + INSIDE], G[G[CALLEE] + k], current)
        if called < 0:
            return
        call = C[BASE + CALLS] + called * CALL
        if not C[item + FLAGS] & LINKED:
            if C[LINKS] >= C[CAPACITY]:
                C[STATUS] = FULL
                return
            entry = C[BASE + LINKS] + C[LINKS] * LINK
            C[entry], C[entry + 1], C[entry + 2], C[entry + 3] = called, number, behind, C[call + 3]
            C[call + 3] = C[LINKS]
            C[LINKS] += 1
        end = C[call + 4]
        while end >= 0:
            e = C[BASE + ENDS] + end * END
            _add_item(C, C[e + 1], C[e + 2], behind, C[item + OF], C[item + COST] + C[e + 4], number, C[e + 3], current)
            end = C[e + 5]
    C[item + FLAGS] |= LINKED


@kernel("void(A, A, A, A, A, i8)")
def _follow(G, T, S, X, C, number):
    """The edges that leave the place of an item: bytes of the slot's text, or of all tokens, and what may be
    skipped."""
    item = C[BASE + ITEMS] + number * ITEM
    slot, inside, state = C[item + SLOT], C[item + INSIDE], C[item + STATE]
    call, cost = C[item + OF], C[item + COST]
    row = slot * SLOT_WORDS
    steps = G[STEP] + state * G[N_CLASSES]
    if S[row + LENGTH] > 0:
        at, stop = S[row + OFFSET], S[row + OFFSET] + S[row + LENGTH]
        if inside > 0:
            if not at < inside < stop:  # of a text that stood here before
                return
            at = inside
        c = X[at]
        to = G[steps + c]
        if to >= 0:
            if at + 1 < stop:
                _add_item(C, slot, at + 1, to, call, cost, number, -BYTE - 2 * c, slot)
            else:
                _add_item(C, slot + 1, 0, to, call, cost, number, -BYTE - 2 * c, slot)
        return
    if inside == 0 and S[row + SKIP_TO] >= 0:
        _add_item(C, S[row + SKIP_TO], 0, state, call, cost + S[row + SKIP_COST], number, ENTERED, slot)
    if S[row + LENGTH] == ONE_BYTE:
        for k in range(T[T[EDGE_FIRST]], T[T[EDGE_FIRST] + 1]):
            to = G[steps + T[T[EDGE_CLASS] + k]]
            if to >= 0 and T[T[TOKEN_ENDS] + T[T[EDGE_TO] + k]]:
                how = -TOKEN - 2 * T[T[EDGE_CLASS] + k]
                _add_item(C, slot + 1, 0, to, call, cost + 1, number, how, slot)
        return
    if S[row + LENGTH] == ANY_BYTES:
        for c in range(G[N_CLASSES]):
            if G[steps + c] >= 0:
                _add_item(C, slot, 0, G[steps + c], call, cost + 1, number, -BYTE - 2 * c, slot)
    if S[row + TOKEN_TO] < 0:
        return
    for k in range(T[T[EDGE_FIRST] + inside], T[T[EDGE_FIRST] + inside + 1]):
        c = T[T[EDGE_CLASS] + k]
        to = G[steps + c]
        if to >= 0:
            node = T[T[EDGE_TO] + k]
            if T[T[TOKEN_ENDS] + node]:
                _add_item(C, S[row + TOKEN_TO], 0, to, call, cost + 1, number, -TOKEN - 2 * c, slot)
            if T[T[EDGE_FIRST] + node] < T[T[EDGE_FIRST] + node + 1]:
                _add_item(C, slot, node, to, call, cost, number, -BYTE - 2 * c, slot)


@kernel("void(A, A, A, A, A, i8, i8, i8)")
def run_slot(G, T, S, X, C, slot, expand, since):
    """Close the boundary in front of a slot; and read the slot, too (`expand` 1). Items in front of the one numbered
    `since` are left as they are."""
    C[QUEUE_HEAD] = 0
    C[QUEUE_TAIL] = 0
    item = C[C[HEADS] + slot]
    while item >= since:
        _push(C, item)
        item = C[C[BASE + ITEMS] + item * ITEM + NEXT]
    waiting = C[QUEUE_TAIL] > 0
    while waiting and not C[STATUS]:
        number = C[C[QUEUE] + C[QUEUE_HEAD]]
        C[QUEUE_HEAD] += 1
        if C[QUEUE_HEAD] > C[CAPACITY]:
            C[QUEUE_HEAD] = 0
        at = C[BASE + ITEMS] + number * ITEM
        C[at + FLAGS] &= ~QUEUED
        if not C[at + FLAGS] & CLOSED:
            C[at + FLAGS] |= CLOSED
            if G[G[FINAL] + C[at + STATE]]:
                _complete(S, C, number, slot)
            _predict(G, C, number, slot)
        if expand:
            _follow(G, T, S, X, C, number)
        waiting = C[QUEUE_HEAD] != C[QUEUE_TAIL]


@kernel("i8(A, A, A, A, A, i8, i8)")
def solve(G, T, S, X, C, n_slots, first_only):
    """Read a whole text with gaps from the left.

    Parameters
    ----------
    G, T : int32 arrays
        Network and tokens.
    S : (n_slots + 1, 6) int32, flat
        Slots; the last one is the end of the text.
    X : int32 array
        Texts as classes of bytes.
    C : int32 array
        An empty chart; ``C[WEIGHED]`` asks for the fewest tokens.
    n_slots : int
    first_only : int
        Stop at the first way to finish.

    Returns
    -------
    int
        ``YES`` (``C[ACCEPTED]`` is the item that finished), ``NO``, or ``FULL``: the chart is too small.

    Notes
    -----
    Time O(items * links) at worst, cubic in the number of places; linear on plain text of a deterministic grammar.
    """
    _call(G, C, 0, 0, 0, -1)
    for slot in range(n_slots + 1):
        run_slot(G, T, S, X, C, slot, 1, 0)
        if C[STATUS]:
            return FULL
        if first_only and C[ACCEPTED] >= 0:
            return YES
    return YES if C[ACCEPTED] >= 0 else NO


@kernel("void(A)")
def mark(C):
    """Keep all that a chart holds."""
    for kind in range(4):
        C[MARK + kind] = C[kind]


@kernel("void(A)")
def cut(C):
    """Undo what lies behind the mark, in time that depends on that alone.

    It is undone in reverse: with linear probing, no entry that stays was found behind one that goes.
    """
    items, calls, links, ends = C[MARK], C[MARK + 1], C[MARK + 2], C[MARK + 3]
    mask = 2 * int(C[CAPACITY]) - 1
    for number in range(C[ENDS] - 1, ends - 1, -1):
        end = C[BASE + ENDS] + number * END
        C[C[BASE + CALLS] + C[end] * CALL + 4] = C[end + 5]
        at = C[END_HASH] + (_hash(C[end], C[end + 1], C[end + 2], 2) & mask)
        while C[at] != number:
            at = at + 1 if at < C[END_HASH] + mask else C[END_HASH]
        C[at] = -1
    for number in range(C[LINKS] - 1, links - 1, -1):
        entry = C[BASE + LINKS] + number * LINK
        C[C[BASE + CALLS] + C[entry] * CALL + 3] = C[entry + 3]
    for number in range(C[CALLS] - 1, calls - 1, -1):
        call = C[BASE + CALLS] + number * CALL
        at = C[CALL_HASH] + (_hash(C[call], C[call + 1], C[call + 2], 1) & mask)
        while C[at] != number:
            at = at + 1 if at < C[CALL_HASH] + mask else C[CALL_HASH]
        C[at] = -1
    for number in range(C[ITEMS] - 1, items - 1, -1):
        item = C[BASE + ITEMS] + number * ITEM
        C[C[HEADS] + C[item + SLOT]] = C[item + NEXT]
        at = C[ITEM_HASH] + (_hash(C[item + SLOT], C[item + INSIDE], C[item + STATE], C[item + OF]) & mask)
        while C[at] != number:
            at = at + 1 if at < C[ITEM_HASH] + mask else C[ITEM_HASH]
        C[at] = -1
    C[ITEMS], C[CALLS], C[LINKS], C[ENDS] = items, calls, links, ends
    C[STATUS], C[ACCEPTED] = 0, -1


@kernel("void(A)")
def clear(C):
    """Undo all that a chart holds."""
    for kind in range(4):
        C[MARK + kind] = 0
    C[MARKED] = 0
    if C[ITEMS] + C[CALLS] + C[LINKS] + C[ENDS] > C[CAPACITY] // 8:  # one after another is faster than here and there
        for at in range(C[ITEM_HASH], C[QUEUE]):
            C[at] = -1
        for at in range(C[HEADS], C.shape[0]):
            C[at] = -1
        for kind in range(4):
            C[kind] = 0
    cut(C)


@kernel("i8(A, A, A, A, i8)")
def trace(C, events, visits, pending, depth):
    """How items came about, from the end of the text to its beginning.

    Parameters
    ----------
    C : int32 array
        A chart.
    events : (n, 3) int32, flat
        Written: slot, class of a byte (-1: none), whether a token ends. The last one first.
    visits : (m, 3) int32, flat
        Written: number of events behind it, slot and state of every item on the way.
    pending : (m,) int32
        The items, the one that stands last in the text at the end: the accepted one, or one that has not returned yet
        behind those that called. Overwritten.
    depth : int
        Their number.

    Returns
    -------
    int
        ``n_events << 32 | n_visits``; -1 if the arrays are too short.
    """
    n_events, n_visits = 0, 0
    while depth:
        depth -= 1
        item = C[BASE + ITEMS] + pending[depth] * ITEM
        if 3 * n_visits + 3 > visits.shape[0] or depth + 2 > pending.shape[0] or 3 * n_events + 3 > events.shape[0]:
            return -1
        visits[3 * n_visits], visits[3 * n_visits + 1], visits[3 * n_visits + 2] = (
            n_events,
            C[item + SLOT],
            C[item + STATE],
        )
        n_visits += 1
        if C[item + FROM] < 0:
            continue
        pending[depth] = C[item + FROM]
        depth += 1
        source, how = C[BASE + ITEMS] + C[item + FROM] * ITEM, int(C[item + HOW])
        if how >= 0:
            pending[depth] = how
            depth += 1
        elif how < ENTERED or C[item + COST] > C[source + COST]:
            is_byte = how < ENTERED
            events[3 * n_events] = C[source + SLOT]
            events[3 * n_events + 1] = (-how - BYTE) // 2 if is_byte else -1
            events[3 * n_events + 2] = (-how - BYTE) % 2 if is_byte else 1
            n_events += 1
    return n_events << 32 | n_visits
