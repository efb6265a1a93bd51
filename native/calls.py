"""Calls of rule automata: what a state is about to read once the rules that it may begin with have been entered.

The states of a rule automaton read characters and call (:data:`.languages.DFA_CALLS`). A *parent* is kept as it is:
where its automaton stands when the called text ends. A state from which bytes are read is *expanded*: beside each item
that calls stand the beginnings of what it calls, and so on; an item that only calls is left out. Parents that are not
expanded can lead back to themselves (``list: item*``), and stay finite.

The place between two tokens of a lexer (``K_BETWEEN``) is a call as well, of the next token: the machine that runs the
lexer says what can be read there (:mod:`.lexed_steps`).

No beginning leads back to itself, since recursion to the left was taken out (:mod:`detent.grammar.rule_automata`).
Automata have heights that fall along such calls, and the tallest item is expanded first, together with those of the
same position: so every beginning is expanded once, whatever the number of ways to it.
"""

from __future__ import annotations

from .arena import BUFFER, POS, POS_STRIDE, STATE, STATE_STRIDE, STATUS
from .jit import kernel
from .languages import CALLS_FIRST, CALLS_HEIGHT, CALLS_READS, DFA_CALLS, SPEC_REF
from .machine import step_elsewhere
from .positions import K_BETWEEN, K_TEXT, K_TOKEN, lazy, position
from .states import S_COUNT, S_EXPANDED, S_FLAGS, S_ITEMS, TOKENS, close_buffer, emit_state, put_item, state_of, unite

TALLEST, ENTER = 1 << 30, -1  # ENTER: instead of a byte, when a place between two tokens is entered


@kernel("i8(A, i8)")
def table_of_calls(A, pos):
    """Table of calls of a position's automaton, 0 when nothing is called there."""
    at = int(A[POS]) + pos * POS_STRIDE
    if A[at] != K_TEXT or A[at + 3] != 0:
        return 0
    table = int(A[A[A[at + 1] + SPEC_REF] + DFA_CALLS])
    if table == 0:
        return 0
    first = table + CALLS_FIRST + int(A[at + 2])
    return table if A[first] < A[first + 1] else 0


@kernel("void(A, i8, i8)")
def swap(A, a, b):
    """Exchange two items of the buffer."""
    A[a], A[b] = A[b], A[a]
    A[a + 1], A[b + 1] = A[b + 1], A[a + 1]


@kernel("i8(A, i8, i8, i8)")
def next_call(A, base, done, n):
    """Bring the tallest item among those from number ``done`` on to that place; those that do not call go before.

    Only a call leads to a start state, so all others are taller.

    Returns
    -------
    int
        The number of items that need no expansion; ``n`` when none is left.
    """
    best, tallest = -1, 0
    for j in range(done, n):
        pos = int(A[base + 2 * j])
        table, height = table_of_calls(A, pos), TALLEST
        if table == 0 and A[A[POS] + pos * POS_STRIDE] != K_BETWEEN:
            swap(A, base + 2 * done, base + 2 * j)
            if best == done:
                best = j
            done += 1
            continue
        if table != 0 and A[int(A[POS]) + pos * POS_STRIDE + 2] == 0:
            height = int(A[table + CALLS_HEIGHT])
        if best < 0 or height > tallest:
            best, tallest = j, height
    if best >= 0:
        swap(A, base + 2 * done, base + 2 * best)
    return done


@kernel("i8(A, i8, i8, i8)")
def merge_next(A, base, done, n):
    """Unite the items from number ``done`` on that have the position of that one: the number of items left."""
    pos, last = A[base + 2 * done], done + 1
    for j in range(done + 1, n):
        if A[base + 2 * j] == pos:
            swap(A, base + 2 * last, base + 2 * j)
            last += 1
    if last == done + 1:
        return n
    parent = unite(A, base, n, done, last)
    A[base + 2 * done + 1] = parent
    for j in range(last, n):
        swap(A, base + 2 * (done + 1 + j - last), base + 2 * j)
    return n - (last - done - 1)


@kernel("void(A, i8, i8, i8)")
def make_calls(A, table, pos, parent):
    """Add the beginnings of what a position calls to the buffer."""
    at = int(A[POS]) + pos * POS_STRIDE
    spec = int(A[at + 1])
    first = table + CALLS_FIRST + int(A[at + 2])
    for entry in range(int(A[first]), int(A[first + 1]), 2):
        then = parent
        if A[entry + 1] >= 0:
            then = state_of(A, position(A, K_TEXT, spec, int(A[entry + 1]), 0, 0, 0, 0, 0), parent)
        goal = lazy(A, int(A[entry]))
        if A[STATUS] != 0:
            return
        for j in range(int(A[goal])):
            put_item(A, int(A[goal + 1 + j]), then)


@kernel("void(A, i8)")
def expand(A, start):
    """Expand the items in the buffer from word ``start`` on. O(items * beginnings)."""
    base = int(A[BUFFER]) + start
    done = 0
    while A[STATUS] == 0:
        n = (int(A[BUFFER + 2]) - start) // 2
        done = next_call(A, base, done, n)
        if done == n:
            return
        n = merge_next(A, base, done, n)
        A[BUFFER + 2] = start + 2 * n
        if A[STATUS] != 0:
            return
        pos, parent = int(A[base + 2 * done]), int(A[base + 2 * done + 1])
        table = table_of_calls(A, pos)
        if table != 0 and A[A[table + CALLS_READS] + A[int(A[POS]) + pos * POS_STRIDE + 2]]:
            done += 1
        else:
            n -= 1
            swap(A, base + 2 * done, base + 2 * n)
            A[BUFFER + 2] = start + 2 * n
        if table != 0:
            make_calls(A, table, pos, parent)
        else:
            step_elsewhere(A, pos, parent, ENTER)


@kernel("i8(A, i8)")
def expanded(A, state):
    """A state with its calls made; -1 with ``A[STATUS]`` set."""
    at = int(A[STATE]) + state * STATE_STRIDE
    if A[at + S_EXPANDED] != 0:
        return int(A[at + S_EXPANDED])
    start = int(A[BUFFER + 2])
    emit_state(A, state)
    expand(A, start)
    to = close_buffer(A, start)
    if to > 0 and A[STATUS] == 0:
        A[at + S_EXPANDED] = to
        A[A[STATE] + to * STATE_STRIDE + S_EXPANDED] = to
        return to
    return -1


@kernel("i8(A, i8, i8)")
def bare_state(A, pos, parent):
    """The state of one item as it is: neither closed nor expanded."""
    start = int(A[BUFFER + 2])
    put_item(A, pos, parent)
    return close_buffer(A, start)


@kernel("i8(A, i8, i8)")
def take_token(A, state, token):
    """The state after a token that stands for no text; 0 when it is not allowed, or ``A[STATUS]`` is set."""
    at = int(A[STATE]) + state * STATE_STRIDE
    if A[at + S_FLAGS] & TOKENS == 0:
        return 0
    start, items = int(A[BUFFER + 2]), int(A[at + S_ITEMS])
    for j in range(int(A[at + S_COUNT])):
        pos = int(A[POS]) + int(A[items + 2 * j]) * POS_STRIDE
        if A[pos] == K_TOKEN and A[pos + 1] == token:
            emit_state(A, int(A[items + 2 * j + 1]))
    expand(A, start)
    return max(close_buffer(A, start), 0)
