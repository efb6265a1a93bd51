"""Suspects: tokens that a state alone cannot decide, since they go on after a value that the state does not know.

Where the items of an array must differ, what may follow a comma depends on the item before it. The step by the comma
then asks for that value (``VALUE``). While tables are made, nobody can answer: tokens behind the comma are *sure* as
far as the record of the array promises (``AMPLE`` and its kin), dead where they are even if items may be equal
(``A_LOOSE``), and suspects otherwise. A matcher tries its suspects one by one.

Inside a string, the end of a label may wait for a verdict on it in the same way; tokens beyond are all suspects.
"""

from __future__ import annotations

from .arena import BUFFER, COWALK, FULL, POS, POS_STRIDE, STATE, STATE_STRIDE, STATUS, SUSPECTS, VALUE, take
from .collect import add_ids
from .jit import kernel
from .languages import (
    ANY,
    AUTOMATON,
    DFA_CLASSES,
    DFA_CLS,
    DFA_INTERVALS,
    DFA_LONGEST,
    DFA_STARTS,
    DFA_TRANS,
    SPEC_KIND,
    SPEC_MAX,
    SPEC_REF,
    interval_of,
)
from .positions import (
    A_LOOSE,
    A_MAX,
    A_UNIQUE,
    AMPLE,
    AMPLE_ARRAY,
    AMPLE_MINUS,
    AMPLE_OBJECT,
    AMPLE_TEXT,
    AMPLE_WORDS,
    K_ARRAY,
    K_STRING,
    lazy,
    position,
)
from .states import AT_BASE, S_COUNT, S_FLAGS, S_ITEMS, close_buffer, put_item
from .steps import step
from .strings import mode_range
from .suffixes import EDGE_STRIDE, edges, members, sort_words
from .trie import V_BYTE, V_CHILD, V_NODES, V_TOKFIRST, V_TOKIDS

# how far a sure text has come: no further, before an item, behind { or [, inside a string, at the end of what is sure,
# behind the quote of one of some words (of which a backslash may spell the first character)
NOWHERE, BEFORE, BRACE, BRACKET, INSIDE, LAST, QUOTED = 0, 1, 2, 3, 4, 5, 6


@kernel("i8(A, i8, i8)")
def sort_distinct(A, base, n):
    """Sort ``n`` words in place and drop repeats: how many are left."""
    sort_words(A, base, n)
    kept = 0
    for j in range(n):
        if kept == 0 or A[base + j] != A[base + kept - 1]:
            A[base + kept] = A[base + j]
            kept += 1
    return kept


@kernel("void(A, A, i8, i8)")
def add_suspects(A, source, at, n):
    """Note the tokens ``source[at : at + n]`` as suspects. There is room for all tokens, twice."""
    used, base = int(A[SUSPECTS + 2]), int(A[SUSPECTS])
    if used + n > A[SUSPECTS + 1]:
        used = sort_distinct(A, base, used)
    for j in range(n):
        A[base + used + j] = source[at + j]
    A[SUSPECTS + 2] = used + n


@kernel("void(A, A, A, i8, i8, i8)")
def note(A, V, source, at, n, sure):
    """Note tokens that end at one place."""
    if n == 0:
        return
    if sure:
        add_ids(A, source, at, n)
    else:
        add_suspects(A, source, at, n)


@kernel("void(A, A, i8)")
def suspect_below(A, V, x):
    """Note all tokens strictly below a suffix set as suspects: level by level those of a node are one slice."""
    if x < 0:
        return
    child, first, ids = int(V[V_CHILD]), int(V[V_TOKFIRST]), int(V[V_TOKIDS])
    at, n = members(A, V, x)
    for j in range(n):
        node = x if x < V[V_NODES] else int(A[at + j])
        start, stop = int(V[child + node]), int(V[child + node + 1])
        while start < stop:
            add_suspects(A, V, ids + int(V[first + start]), int(V[first + stop]) - int(V[first + start]))
            start, stop = int(V[child + start]), int(V[child + stop])


@kernel("i8(A, i8)")
def promises(A, state):
    """What is sure of what comes after a comma: bits of ``A_UNIQUE``."""
    items = int(A[A[STATE] + state * STATE_STRIDE + S_ITEMS])
    bits = 0
    for j in range(int(A[A[STATE] + state * STATE_STRIDE + S_COUNT])):
        at = int(A[POS]) + int(A[items + 2 * j]) * POS_STRIDE
        if A[at] == K_ARRAY and A[at + 5] != 0:
            arr = lazy(A, int(A[at + 1]))
            if A[arr + A_MAX] < 0 or A[at + 2] < A[arr + A_MAX]:
                bits |= A[at + 5] >> 1 if A[at + 5] > 1 else A[arr + A_UNIQUE]
    return bits


@kernel("i8(A, i8)")
def loosened(A, state):
    """The state if items may equal the one just read; 0 when that is not simply more than what may follow.

    Also 0 inside a string that waits for a verdict: there is no array.
    """
    start, is_pending = int(A[BUFFER + 2]), False
    items = int(A[A[STATE] + state * STATE_STRIDE + S_ITEMS])
    for j in range(int(A[A[STATE] + state * STATE_STRIDE + S_COUNT])):
        pos = int(A[items + 2 * j])
        at = int(A[POS]) + pos * POS_STRIDE
        if A[at] == K_ARRAY and A[at + 5] != 0:
            is_pending = True
            loose = int(A[at + 1]) if A[at + 5] > 1 else int(A[lazy(A, int(A[at + 1])) + A_LOOSE])
            if loose == 0:
                A[BUFFER + 2] = start
                return 0
            pos = position(A, K_ARRAY, loose, int(A[at + 2]), int(A[at + 3]), int(A[at + 4]), 0, 0, 0)
        put_item(A, pos, int(A[items + 2 * j + 1]))
    to = close_buffer(A, start)
    return to if is_pending else 0


@kernel("b1(A, i8, i8, i8)")
def goes_on_for_ever(A, dfa, q, mode):
    """Whether endlessly many texts follow from a state of an automaton, within a character if ``mode`` is not 0."""
    longest = int(A[dfa + DFA_LONGEST])
    if mode == 0:
        return A[longest + q] < 0
    starts, cls, n = int(A[dfa + DFA_STARTS]), int(A[dfa + DFA_CLS]), int(A[dfa + DFA_INTERVALS])
    row = int(A[dfa + DFA_TRANS]) + q * int(A[dfa + DFA_CLASSES])
    for part in range(3):
        first, last = mode_range(mode, part)
        lo = interval_of(A, dfa, first) if first <= last else n
        while lo < n and A[starts + lo] <= last:
            to = int(A[row + A[cls + lo]])
            if to >= 0 and A[longest + to] < 0:
                return True
            lo += 1
    return False


@kernel("b1(A, i8)")
def is_vast(A, state):
    """Whether more strings go on from inside one than are ever excluded: endlessly many, or any next character."""
    items = int(A[A[STATE] + state * STATE_STRIDE + S_ITEMS])
    for j in range(int(A[A[STATE] + state * STATE_STRIDE + S_COUNT])):
        at = int(A[POS]) + int(A[items + 2 * j]) * POS_STRIDE
        spec = int(A[at + 1])
        if A[at] != K_STRING:
            continue
        if A[spec + SPEC_KIND] == ANY:
            whole = int(A[at + 3]) + (A[at + 4] != 0)  # with the character that has begun
            if A[spec + SPEC_MAX] < 0 or whole < A[spec + SPEC_MAX]:
                return True
        elif (
            A[spec + SPEC_KIND] == AUTOMATON
            and A[spec + SPEC_MAX] < 0
            and goes_on_for_ever(A, int(A[spec + SPEC_REF]), int(A[at + 2]), int(A[at + 4]))
        ):
            return True
    return False


@kernel("i8(A, i8, i8, i8, i8)")
def goes_surely(A, bits, place, b, to):
    """The place after one more byte, which led to the state ``to``."""
    if place == INSIDE:
        return INSIDE if b != 34 and is_vast(A, to) else NOWHERE
    if place == NOWHERE or place == LAST:
        return NOWHERE
    if b == 32 or b == 10 or b == 13 or b == 9:
        return place
    if place == BEFORE:
        if b == 34 and bits & AMPLE_TEXT:
            return INSIDE
        if b == 123 and bits & AMPLE_OBJECT:
            return BRACE
        if b == 91 and bits & AMPLE_ARRAY:
            return BRACKET
        if b == 45 and bits & AMPLE_MINUS:
            return LAST
        if b == 34 and bits & AMPLE_WORDS:
            return QUOTED
    return LAST if (place == BRACE and b == 34) or (place == QUOTED and b == 92) else NOWHERE


@kernel("i8(A, A, A, i8, i8, i8, i8, i8, i8, i8, i8)")
def follow_doubt(A, V, source, at, n, y, b, here, place, bits, top):
    """Read one byte behind a doubtful comma, to tokens that end there and the suffixes ``y``: the new ``top``."""
    to, then = step(A, here, b), NOWHERE
    if A[STATUS] == VALUE:
        A[STATUS] = 0
        loose = loosened(A, here)
        if loose == 0:
            note(A, V, source, at, n, 0)
            suspect_below(A, V, y)
            return top
        to = step(A, loose, b) if loose > 0 else -1
    elif to > 0:
        then = goes_surely(A, bits, place, b, to)
    if to <= 0:
        return top
    note(A, V, source, at, n, 1 if then != NOWHERE else 0)
    if y < 0:
        return top
    if A[A[STATE] + to * STATE_STRIDE + S_FLAGS] & AT_BASE:
        suspect_below(A, V, y)
        return top
    if 3 * top + 3 > A[COWALK + 1]:
        A[STATUS] = FULL
        return top
    frame = int(A[COWALK]) + 3 * top
    A[frame], A[frame + 1], A[frame + 2] = y, to, then
    return top + 1


@kernel("void(A, A, A, i8, i8, i8, i8)")
def doubt(A, V, source, at, n, x, state):
    """Read a comma that ``state`` cannot (``VALUE``), and what is behind it.

    Parameters
    ----------
    source, at, n
        The tokens ``source[at : at + n]`` end at the comma.
    x : int
        The suffixes behind it, -1 for none.
    """
    A[STATUS] = 0
    bits = promises(A, state)
    loose = loosened(A, state)
    if loose == 0:
        note(A, V, source, at, n, bits & AMPLE)
        suspect_below(A, V, x)
    to = step(A, loose, 44) if loose > 0 else -1
    if to <= 0:
        return
    note(A, V, source, at, n, bits & AMPLE)
    if x < 0:
        return
    nodes, child, node_byte = int(V[V_NODES]), int(V[V_CHILD]), int(V[V_BYTE])
    first, ids, stack = int(V[V_TOKFIRST]), int(V[V_TOKIDS]), int(A[COWALK])
    A[stack], A[stack + 1], A[stack + 2] = x, to, BEFORE if bits & AMPLE else NOWHERE
    top = 1
    while top > 0 and A[STATUS] == 0:
        top -= 1
        frame = stack + 3 * top
        y, here, place = int(A[frame]), int(A[frame + 1]), int(A[frame + 2])
        if y < nodes:
            for c in range(int(V[child + y]), int(V[child + y + 1])):
                start = int(V[first + c])
                n, b = int(V[first + c + 1]) - start, int(V[node_byte + c])
                more = c if V[child + c] < V[child + c + 1] else -1
                top = follow_doubt(A, V, V, ids + start, n, more, b, here, place, bits, top)
            continue
        record = edges(A, V, y)
        if record == 0:
            return
        for e in range(int(A[record + 3])):
            edge = int(A[record + 2]) + e * EDGE_STRIDE
            b, more = int(A[edge]), int(A[edge + 1])
            top = follow_doubt(A, V, A, int(A[edge + 2]), int(A[edge + 3]), more, b, here, place, bits, top)


@kernel("i8(A, i8)")
def keep_suspects(A, region):
    """Write the suspects noted to a region (their number, then they in order): where; 0 when there are none."""
    n = int(A[SUSPECTS + 2])
    if n == 0:
        return 0
    base = int(A[SUSPECTS])
    n = sort_distinct(A, base, n)
    at = take(A, region, n + 1)
    if at < 0:
        return 0
    A[at] = n
    for j in range(n):
        A[at + 1 + j] = A[base + j]
    return at
