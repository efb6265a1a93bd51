"""States: hash-consed sets of items (position, parent state).

The parent is the state that goes on when the item's value ends. Items of one position are merged by uniting their
parents, which is exact because L(q)P1 | L(q)P2 = L(q)(P1 | P2). Equal futures have equal numbers, so a matcher is one
integer, and the second element of an array walks through the states of the first.

State record: items (absolute index), number of items, flags, memo row (0: none yet), recipe of its mask (0: none yet),
tokens that the state alone cannot decide (0: none), the state with its calls made (0: not known, see :mod:`.calls`).
"""

from __future__ import annotations

from .arena import (
    BUFFER,
    FULL,
    ITEM,
    MERGED,
    MERGED_HASH,
    MERGED_STRIDE,
    MERGING,
    POS,
    POS_STRIDE,
    RULES,
    STATE,
    STATE_HASH,
    STATE_STRIDE,
    STATUS,
    mix,
    take,
)
from .jit import kernel
from .languages import CALLS_EXITS, CALLS_RETURNS, DFA_ACCEPT, DFA_CALLS, SPEC_REF
from .number import num_accepts
from .positions import K_BASE, K_END, K_MEMBER, K_NUMBER, K_TEXT, K_TOKEN, K_WORD, lazy, position

COMPLETE, AT_BASE, LIVE, TOKENS = 1, 2, 4, 8
BASE_STATE = 1
S_ITEMS, S_COUNT, S_FLAGS, S_ROW, S_RECIPE, S_SUSPECTS, S_EXPANDED = 0, 1, 2, 3, 4, 5, 6


@kernel("b1(A, i8)")
def ends(A, pos):
    """Whether the value at a position may end without reading another byte."""
    at = int(A[POS]) + pos * POS_STRIDE
    kind = A[at]
    if kind == K_NUMBER:
        return A[at + 6] < 0 and num_accepts(
            A, int(A[at + 1]), int(A[at + 2]), int(A[at + 3]), int(A[at + 4]), int(A[at + 5])
        )
    if kind == K_TEXT:
        dfa = int(A[A[at + 1] + SPEC_REF])
        return A[at + 3] == 0 and A[A[dfa + DFA_ACCEPT] + A[at + 2]] != 0
    return kind == K_WORD and A[A[at + 1] + 3] >= 0


@kernel("void(A, i8)")
def emit_state(A, state):
    """Add every item of a state to the buffer (states are closed: nothing else follows from them)."""
    n, base = int(A[BUFFER + 2]), int(A[BUFFER])
    at = int(A[STATE]) + state * STATE_STRIDE
    count = 2 * int(A[at + S_COUNT])
    if n + count > A[BUFFER + 1]:
        A[STATUS] = FULL
        return
    items = int(A[at + S_ITEMS])
    for j in range(count):
        A[base + n + j] = A[items + j]
    A[BUFFER + 2] = n + count


@kernel("void(A, i8, i8)")
def put_item(A, pos, parent):
    """Add an item to the buffer as it is."""
    n, base = int(A[BUFFER + 2]), int(A[BUFFER])
    if n + 2 > A[BUFFER + 1]:
        A[STATUS] = FULL
        return
    A[base + n], A[base + n + 1] = pos, parent
    A[BUFFER + 2] = n + 2


@kernel("void(A, i8, i8)")
def sort_items(A, base, n):
    """Shell sort of ``n`` items (pairs of words) by position, then parent; most states have one or two."""
    gap = 1
    while gap < n // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, n):
            p, s = A[base + 2 * i], A[base + 2 * i + 1]
            j = i
            while j >= gap:
                at = base + 2 * (j - gap)
                if A[at] < p or (A[at] == p and A[at + 1] <= s):
                    break
                A[base + 2 * j], A[base + 2 * j + 1] = A[at], A[at + 1]
                j -= gap
            A[base + 2 * j], A[base + 2 * j + 1] = p, s
        gap //= 3


@kernel("i8(A, i8, i8)")
def find_state(A, base, n):
    """Number of the state with these ``n`` sorted, distinct items, made if it is new; 0 with ``FULL`` set."""
    h = n
    for j in range(2 * n):
        h = mix(h, int(A[base + j]))
    size, table, states = int(A[STATE_HASH + 1]), int(A[STATE_HASH]), int(A[STATE])
    slot = (h >> 11) & (size - 1)
    while A[table + slot] != 0:
        at = states + int(A[table + slot]) * STATE_STRIDE
        if A[at + S_COUNT] == n:
            items, same = int(A[at + S_ITEMS]), True
            for j in range(2 * n):
                if A[items + j] != A[base + j]:
                    same = False
                    break
            if same:
                return int(A[table + slot])
        slot = (slot + 1) & (size - 1)
    items = take(A, ITEM, 2 * n)
    at = take(A, STATE, STATE_STRIDE)
    if items < 0 or at < 0 or A[STATE + 2] > size * (STATE_STRIDE // 2):
        A[STATUS] = FULL
        return 0
    flags = 0
    for j in range(n):
        A[items + 2 * j], A[items + 2 * j + 1] = A[base + 2 * j], A[base + 2 * j + 1]
        kind = A[A[POS] + A[base + 2 * j] * POS_STRIDE]
        if kind == K_BASE:
            flags |= AT_BASE
        else:
            flags |= LIVE
            if kind == K_END:
                flags |= COMPLETE
            elif kind == K_TOKEN:
                flags |= TOKENS
    A[at + S_ITEMS], A[at + S_COUNT], A[at + S_FLAGS] = items, n, flags
    A[at + S_ROW], A[at + S_RECIPE], A[at + S_SUSPECTS], A[at + S_EXPANDED] = 0, 0, 0, 0
    number = (at - states) // STATE_STRIDE
    A[table + slot] = number
    return number


@kernel("i8(A, i8, i8)")
def merged_slot(A, p, q):
    """Place in the table of united states for ``p`` and ``q``: where they are, or where they are to be put."""
    size, table = int(A[MERGED_HASH + 1]), int(A[MERGED_HASH])
    slot = (mix(mix(11, p), q) >> 11) & (size - 1)
    while A[table + slot] != 0:
        at = int(A[MERGED]) + int(A[table + slot]) * MERGED_STRIDE
        if A[at] == p and A[at + 1] == q:
            break
        slot = (slot + 1) & (size - 1)
    return table + slot


@kernel("i8(A, i8, i8)")
def merged(A, p, q):
    """The state that unites two, where that is known: 0 where it is not."""
    if p == q:
        return p
    slot = merged_slot(A, min(p, q), max(p, q))
    return int(A[A[MERGED] + A[slot] * MERGED_STRIDE + 2]) if A[slot] != 0 else 0


@kernel("b1(A, i8, i8)")
def wait_for(A, p, q):
    """Two states, or an exit and a state (:func:`merge`), are to be united first: noted on the stack ``MERGING``."""
    top = int(A[MERGING + 2])
    if top + 2 > A[MERGING + 1]:
        A[STATUS] = FULL
        return True
    A[A[MERGING] + top], A[A[MERGING] + top + 1] = p, q
    A[MERGING + 2] = top + 2
    return True


@kernel("i8(A, i8, i8)")
def join(A, p, q):
    """Unite two states of which every position occurs once, if their parents have been united: the state.

    Returns
    -------
    int
        0 when the parents of some position must be united first: their numbers are on the stack ``MERGING`` then.
    """
    at, other = int(A[STATE]) + p * STATE_STRIDE, int(A[STATE]) + q * STATE_STRIDE
    i, j = int(A[at + S_ITEMS]), int(A[other + S_ITEMS])
    last, end = i + 2 * int(A[at + S_COUNT]), j + 2 * int(A[other + S_COUNT])
    start, missing = int(A[BUFFER + 2]), False
    while i < last or j < end:
        if j == end or (i < last and A[i] < A[j]):
            put_item(A, int(A[i]), int(A[i + 1]))
            i += 2
        elif i == last or A[j] < A[i]:
            put_item(A, int(A[j]), int(A[j + 1]))
            j += 2
        else:
            parent = merged(A, int(A[i + 1]), int(A[j + 1]))
            if parent == 0 and A[i + 1] != 0:
                missing = wait_for(A, int(A[i + 1]), int(A[j + 1]))
            put_item(A, int(A[i]), parent)
            i += 2
            j += 2
        if A[STATUS] != 0:
            break
    n = (int(A[BUFFER + 2]) - start) // 2
    A[BUFFER + 2] = start
    return 0 if missing or A[STATUS] != 0 else find_state(A, int(A[BUFFER]) + start, n)


@kernel("i8(A, i8)")
def exits_of(A, pos):
    """Address of the list of exits by which a rule may end at a position where it may; 0 if it just ends."""
    at = int(A[POS]) + pos * POS_STRIDE
    if A[at] != K_TEXT:
        return 0
    table = int(A[A[A[at + 1] + SPEC_REF] + DFA_CALLS])
    if table == 0 or A[table + CALLS_EXITS] == 0:
        return 0
    return int(A[A[table + CALLS_EXITS] + A[at + 2]])


@kernel("i8(A, i8, i8)")
def come_back(A, pos, exit):
    """The position where a caller goes on whose place is ``pos`` when the rule has ended by an exit; 0: nowhere."""
    at = int(A[POS]) + pos * POS_STRIDE
    if A[at] == K_BASE:
        return position(A, K_BASE, exit, 0, 0, 0, 0, 0, 0)
    table = int(A[A[A[at + 1] + SPEC_REF] + DFA_CALLS]) if A[at] == K_TEXT else 0
    if table == 0 or A[table + CALLS_RETURNS] == 0:
        return 0
    ways = int(A[A[table + CALLS_RETURNS] + A[at + 2]])
    if ways == 0:
        return 0
    for k in range(0, int(A[ways]), 2):
        if A[ways + 1 + k] == exit:
            return position(A, K_TEXT, int(A[at + 1]), int(A[ways + 2 + k]), 0, 0, 0, 0, 0)
    return 0


@kernel("i8(A, i8, i8)")
def unite_known(A, base, n):
    """The state of ``n`` items, if the parents of those of one position have been united; 0 when they must be first."""
    sort_items(A, base, n)
    out, missing = 0, False
    for j in range(n):
        pos, parent = A[base + 2 * j], A[base + 2 * j + 1]
        if out > 0 and A[base + 2 * out - 2] == pos:
            before = int(A[base + 2 * out - 1])
            both = merged(A, before, int(parent)) if before != parent else before
            if both == 0 and before != parent:
                missing = wait_for(A, before, int(parent))
                both = before
            A[base + 2 * out - 1] = both
        else:
            A[base + 2 * out], A[base + 2 * out + 1] = pos, parent
            out += 1
    return 0 if missing or A[STATUS] != 0 else find_state(A, base, out)


@kernel("i8(A, i8, i8)")
def go_on(A, exit, state):
    """What follows in a parent when a rule has ended by an exit, if what follows in its own parents is known.

    Returns
    -------
    int
        -1 when nothing does; 0 when more must be known first, which is on the stack ``MERGING`` then.
    """
    start, missing = int(A[BUFFER + 2]), False
    at = int(A[STATE]) + state * STATE_STRIDE
    items = int(A[at + S_ITEMS])
    for j in range(int(A[at + S_COUNT])):
        pos, parent = come_back(A, int(A[items + 2 * j]), exit), int(A[items + 2 * j + 1])
        if pos == 0 or A[STATUS] != 0:
            continue
        put_item(A, pos, parent)
        if parent == 0 or not ends(A, pos):
            continue
        ways = exits_of(A, pos)
        if ways == 0:
            emit_state(A, parent)
        for k in range(int(A[ways]) if ways != 0 else 0):
            then = merged(A, -int(A[ways + 1 + k]), parent)
            if then == 0:
                missing = wait_for(A, -int(A[ways + 1 + k]), parent)
            elif then > 0:
                emit_state(A, then)
    n = (int(A[BUFFER + 2]) - start) // 2
    A[BUFFER + 2] = start
    if missing or A[STATUS] != 0:
        return 0
    return unite_known(A, int(A[BUFFER]) + start, n) if n > 0 else -1


@kernel("i8(A, i8, i8)")
def merge(A, p, q):
    """The state that unites two, all the way down; 0 with ``FULL`` set. Every two states are united once.

    Without this, an ambiguous grammar would have another state for every history of a text.

    ``p < 0`` is an exit: the state where the parent ``q`` goes on when a rule has ended by it; -1 for none.
    """
    bottom = int(A[MERGING + 2])
    if bottom + 2 > A[MERGING + 1]:
        A[STATUS] = FULL
        return 0
    base = int(A[MERGING])
    A[base + bottom], A[base + bottom + 1] = p, q
    A[MERGING + 2] = bottom + 2
    while A[MERGING + 2] > bottom and A[STATUS] == 0:
        top = int(A[MERGING + 2]) - 2
        a, b = int(A[base + top]), int(A[base + top + 1])
        found = merged(A, a, b)
        if found == 0:
            found = join(A, a, b) if a > 0 else go_on(A, -a, b)
            if found == 0:
                continue
            at = take(A, MERGED, MERGED_STRIDE)
            if at < 0 or A[MERGED + 2] > A[MERGED_HASH + 1] * (MERGED_STRIDE // 2):
                A[STATUS] = FULL
                break
            A[at], A[at + 1], A[at + 2] = min(a, b), max(a, b), found
            A[merged_slot(A, min(a, b), max(a, b))] = (at - int(A[MERGED])) // MERGED_STRIDE
        A[MERGING + 2] = top
    A[MERGING + 2] = bottom
    return merged(A, p, q) if A[STATUS] == 0 else 0


@kernel("void(A, i8, i8)")
def emit(A, pos, parent):
    """Add an item to the buffer, and its parent's items too when its value may end at once."""
    put_item(A, pos, parent)
    if parent <= 0 or not ends(A, pos):
        return
    ways = exits_of(A, pos)
    if ways == 0:
        emit_state(A, parent)
    for k in range(int(A[ways]) if ways != 0 else 0):
        then = merge(A, -int(A[ways + 1 + k]), parent)
        if then > 0:
            emit_state(A, then)


@kernel("i8(A, i8, i8, i8, i8)")
def unite(A, base, n, j, k):
    """The state that holds all items of the parents of items ``j .. k-1``; works behind the ``n`` items at ``base``.

    With rules, items of one position are united in turn; else that is left until the text gets there.
    """
    start = base + 2 * n - int(A[BUFFER])
    A[BUFFER + 2] = start
    if A[RULES] != 0:
        parent = int(A[base + 2 * j + 1])
        for m in range(j + 1, k):
            if A[STATUS] == 0:
                parent = merge(A, parent, int(A[base + 2 * m + 1]))
        A[BUFFER + 2] = start - 2 * n
        return parent
    for m in range(j, k):
        emit_state(A, int(A[base + 2 * m + 1]))
    if A[STATUS] != 0:
        return 0
    at, count = int(A[BUFFER]) + start, (int(A[BUFFER + 2]) - start) // 2
    A[BUFFER + 2] = start - 2 * n
    sort_items(A, at, count)
    out = 0
    for m in range(count):
        if m == 0 or A[at + 2 * m] != A[at + 2 * out - 2] or A[at + 2 * m + 1] != A[at + 2 * out - 1]:
            A[at + 2 * out], A[at + 2 * out + 1] = A[at + 2 * m], A[at + 2 * m + 1]
            out += 1
    return find_state(A, at, out)


@kernel("i8(A, i8)")
def close_buffer(A, start):
    """The state of the items in the buffer from word ``start`` on, which are removed; -1 when there are none.

    Items of one position get one parent: the set of all items of their parents (not merged further down, where it is
    only needed once the text gets there).
    """
    base = int(A[BUFFER]) + start
    n = (int(A[BUFFER + 2]) - start) // 2
    A[BUFFER + 2] = start
    if A[STATUS] != 0 or n == 0:
        return -1
    if n > 1:
        sort_items(A, base, n)
        out, j = 0, 0
        while j < n:
            pos, first = A[base + 2 * j], A[base + 2 * j + 1]
            k, parents = j + 1, 1
            while k < n and A[base + 2 * k] == pos:
                if A[base + 2 * k + 1] != A[base + 2 * k - 1]:
                    parents += 1
                k += 1
            parent = int(first)
            if parents > 1:
                parent = unite(A, base, n, j, k)
                if A[STATUS] != 0:
                    return -1
            A[base + 2 * out], A[base + 2 * out + 1] = pos, parent
            out += 1
            j = k
        n = out
    return find_state(A, base, n)


@kernel("i8(A, i8, i8)")
def state_of(A, pos, parent):
    """The closed state of one item."""
    start = int(A[BUFFER + 2])
    emit(A, pos, parent)
    return close_buffer(A, start)


@kernel("i8(A, i8, A)")
def with_positions(A, state, found):
    """A closed state with other positions for its items: ``found`` has one for each, -1 for none.

    Returns
    -------
    int
        -1 when no item is left, or ``A[STATUS]`` is set.
    """
    start = int(A[BUFFER + 2])
    items = int(A[A[STATE] + state * STATE_STRIDE + S_ITEMS])
    for j in range(len(found)):
        if found[j] >= 0:
            put_item(A, int(found[j]), int(A[items + 2 * j + 1]))
    return close_buffer(A, start)


@kernel("void(A, i8, i8, i8, i8)")
def call(A, goal, back, parent, colon):
    """Emit every way to begin a value of ``goal`` after which the text goes on at ``back`` (with ``parent`` above).

    ``colon``: the white space in front of the colon, of a member; else -1.
    """
    at = lazy(A, goal)
    if at == 0:
        return
    then = state_of(A, back, parent)
    if A[STATUS] != 0:
        return
    for j in range(int(A[at])):
        begin = int(A[at + 1 + j])
        emit(A, begin if colon < 0 else position(A, K_MEMBER, begin, colon, 0, 0, 0, 0, 0), then)


@kernel("i8(A, i8, i8)")
def state_of_call(A, goal, back):
    """The closed state before a value of ``goal`` after which the text goes on at ``back``; -1 when there is none."""
    start = int(A[BUFFER + 2])
    call(A, goal, back, 0, -1)
    return close_buffer(A, start)
