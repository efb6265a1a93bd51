"""Masks and steps by whole tokens: the calls that a matcher makes.

Where an object may have names that are not listed, a matcher keeps the keys of its text beside the state (``K``, see
:mod:`detent.native.keys`), and makes the calls whose names end in ``_keyed``. They give up for one more reason: a
buffer that is too short.

The mask of a state is kept as a *recipe*: a few shared dense rows to unite, a few shared lists of token ids, and ids of
its own. Recipe: number of rows, rows (absolute indices), number of lists, place and length of each, number of ids, ids.
"""

from __future__ import annotations

import numpy as np

from .arena import (
    BYTE,
    EOS,
    IDS,
    N_EOS,
    NEED,
    NEEDED,
    PENDING,
    POS,
    POS_STRIDE,
    RECIPE,
    RULES,
    SETS_BEFORE,
    SHORT,
    SNODE,
    STATE,
    STATE_STRIDE,
    STATUS,
    USED_LISTS,
    USED_ROWS,
    VALUE,
    WORDS,
    WORK,
    take,
)
from .calls import expanded, take_token
from .collect import add_ids, dense_row, has_work, is_costly, start_collecting
from .duplicates import follow, may_strike, strike
from .jit import kernel
from .keys import STEPS, restore
from .machine import read_elsewhere
from .pair_table import DENSE_FROM, ask, find_pair, leave_pair, plain_position, use_tokens
from .pairs import build_asked
from .plain import collect_plain
from .positions import AMPLE, K_LEX
from .states import COMPLETE, S_COUNT, S_FLAGS, S_ITEMS, S_RECIPE, S_SUSPECTS, TOKENS
from .steps import ask_value, step
from .suspects import keep_suspects, promises
from .trie import V_TOKBYTES, V_TOKENS, V_TOKOFF

MAX_ROWS = 4
NO_LIMIT = 1 << 30  # for SETS_BEFORE: a mask that is put together from pairs whatever it costs
NO_ROW = 2
OWN = 1 << 40  # added to a state whose recipe may not be the mask, because of the keys of the text
STOPPED = OWN << 1  # added to the last state when the end of the text was taken


@kernel("b1(A, A, i8, i8)")
def gather(A, V, x, state):
    """Collect the tokens of the suffixes ``x`` at every item of a state; returns False when ``A[STATUS]`` was set.

    Pairs that are missing are asked for.
    """
    if A[RULES] != 0:
        state = expanded(A, state)
        if state < 0:
            return False
    at = int(A[STATE]) + state * STATE_STRIDE
    items = int(A[at + S_ITEMS])
    for j in range(int(A[at + S_COUNT])):
        pos, parent = int(A[items + 2 * j]), int(A[items + 2 * j + 1])
        if A[A[POS] + pos * POS_STRIDE] == K_LEX:
            A[SETS_BEFORE] = NO_LIMIT
            if read_elsewhere(A, V, x, pos, parent) == 0:
                return False
            continue
        pos = plain_position(A, V, pos, x)
        pair = find_pair(A, x, pos)
        if pair == 0:
            ask(A, x, pos)
            continue
        use_tokens(A, pair)
        if parent > 0:
            leave_pair(A, V, pair, parent)
    return A[STATUS] == 0


@kernel("b1(A, A, i8)")
def collect(A, V, state):
    """Collect the mask of a state; False when pairs were missing, which are built now: they use the scratch.

    Also where it costs too much: see :func:`.collect.is_costly`.
    """
    start_collecting(A)
    A[PENDING + 2] = 0
    if not gather(A, V, 0, state):
        return False
    while has_work(A, V):
        A[WORK + 2] -= 2
        top = int(A[WORK]) + int(A[WORK + 2])
        if not gather(A, V, int(A[top]), int(A[top + 1])):
            return False
    if A[PENDING + 2] == 0:
        return A[STATUS] == 0 and not is_costly(A)
    build_asked(A, V)
    return False


@kernel("i8(A)")
def keep_recipe(A):
    """Write what was collected as a recipe: its place, or 0 with ``FULL`` set."""
    n_rows, n_lists, n_ids = int(A[USED_ROWS + 2]), int(A[USED_LISTS + 2]), int(A[IDS + 2])
    total = n_ids
    for j in range(0, n_lists, 2):
        total += int(A[A[USED_LISTS] + j + 1])
    if n_rows > MAX_ROWS or total > 4 * DENSE_FROM:
        A[A[USED_ROWS]] = dense_row(A, n_rows, 2)
        n_rows, n_lists, n_ids = 1, 0, 0
    out = take(A, RECIPE, n_rows + n_lists + n_ids + 3)
    if out < 0 or A[STATUS] != 0:
        return 0
    A[out] = n_rows
    for j in range(n_rows):
        A[out + 1 + j] = A[A[USED_ROWS] + j]
    at = out + 1 + n_rows
    A[at] = n_lists // 2
    for j in range(n_lists):
        A[at + 1 + j] = A[A[USED_LISTS] + j]
    at += 1 + n_lists
    A[at] = n_ids
    for j in range(n_ids):
        A[at + 1 + j] = A[A[IDS] + j]
    return out


@kernel("i8(A, A, i8)")
def recipe(A, V, state):
    """The recipe of a state's mask, made when it is first asked for; 0 when ``A[STATUS]`` says why not."""
    at = int(A[STATE]) + state * STATE_STRIDE
    if A[at + S_RECIPE] != 0:
        return int(A[at + S_RECIPE])
    A[SETS_BEFORE] = A[SNODE + 2]
    while not collect(A, V, state):
        if is_costly(A):
            if collect_plain(A, V, state):
                break
            A[SETS_BEFORE] = NO_LIMIT
        if A[STATUS] != 0:
            return 0
    A[SETS_BEFORE] = NO_LIMIT
    if A[at + S_FLAGS] & COMPLETE:
        add_ids(A, A, int(A[EOS]), int(A[N_EOS]))
    out = keep_recipe(A)
    if out == 0:
        return 0
    A[at + S_SUSPECTS] = keep_suspects(A, RECIPE)
    if A[STATUS] != 0:
        return 0
    A[at + S_RECIPE] = out
    return out


@kernel("void(A, int32[:, ::1], i8, i8, i8)")
def set_tokens(A, mask, row, ids, n):
    """Set the bits of ``n`` tokens listed at ``ids``."""
    line, base = np.uint64(row), np.uint64(ids)
    for j in range(np.uint64(n)):
        t = A[base + j]
        mask[line, np.uint64(t >> 5)] |= np.int32(1) << np.int32(t & 31)


@kernel("void(A, i8, int32[:, ::1], i8)")
def write_mask(A, made, mask, row):
    """Write a recipe into a row of a bitmask of the arena's width.

    Unsigned indices spare the test for negative ones, without which the loops become vector copies: 0.8 us instead of
    2.4 us for a row of 200k tokens.
    """
    words, line = np.uint64(A[WORDS]), np.uint64(row)
    n_rows = int(A[made])
    if n_rows == 0:
        for j in range(words):
            mask[line, j] = 0
    else:
        source = np.uint64(A[made + 1])
        for j in range(words):
            mask[line, j] = A[source + j]
        for k in range(1, n_rows):
            source = np.uint64(A[made + 1 + k])
            for j in range(words):
                mask[line, j] |= A[source + j]
    at = made + 1 + n_rows
    n_lists = int(A[at])
    for k in range(n_lists):
        set_tokens(A, mask, row, int(A[at + 1 + 2 * k]), int(A[at + 2 + 2 * k]))
    at += 1 + 2 * n_lists
    set_tokens(A, mask, row, at + 1, int(A[at]))


@kernel("i8(A)")
def why(A):
    """Why a call gave up: the number of the lazy record that it needs, -1: the arena is full, 0: ``K`` is too short."""
    reason = int(A[STATUS])
    A[STATUS] = 0
    return int(A[NEEDED]) if reason == NEED else 0 if reason == SHORT else -1


@kernel("i8(A, i8, i8)")
def give_up(A, state, read):
    """The result of steps that stopped before byte ``read``: 0 for a dead byte, else why.

    Returns
    -------
    int
        0; -2 - :func:`why`; or, when the value that ends there must be known first, see :func:`.steps.ask_value`.
    """
    if A[STATUS] == 0:
        return 0
    return ask_value(A, state, read) if A[STATUS] == VALUE else -2 - why(A)


@kernel("i8(A, A, int32[:, ::1], i8, i8)")
def make_mask(A, V, mask, row, state):
    """Mask of a state into ``mask[row]``.

    Parameters
    ----------
    mask : (rows, ceil(n / 32)) int32
        Bit ``t % 32`` of word ``t // 32`` is token ``t``.

    Returns
    -------
    int
        0 when done, 1 when the tokens in ``S_SUSPECTS`` are still to be tried, ``NO_ROW`` when ``mask`` has no such
        row, else -2 - :func:`why`.
    """
    if row < 0 or row >= mask.shape[0]:
        return NO_ROW
    made = recipe(A, V, state)
    if made == 0:
        return -2 - why(A)
    write_mask(A, made, mask, row)
    return 1 if A[A[STATE] + state * STATE_STRIDE + S_SUSPECTS] != 0 else 0


@kernel("i8(A, A, int32[:, ::1], i8, i8, A)")
def make_mask_keyed(A, V, mask, row, state, K):
    """As :func:`make_mask`, without what the keys of the text forbid."""
    state &= OWN - 1
    result = make_mask(A, V, mask, row, state)
    if result < 0 or result == NO_ROW:
        return result
    strike(A, V, mask, row, state, K)
    return result if A[STATUS] == 0 else -2 - why(A)


@kernel("i8(A, A, i8)")
def prepare_mask(A, V, state):
    """Make the recipe of a state without writing it: 0 when done, 1 when it is not the mask, else -2 - :func:`why`."""
    if state >= OWN:
        return 1
    if recipe(A, V, state) == 0:
        return -2 - why(A)
    return 1 if A[A[STATE] + state * STATE_STRIDE + S_SUSPECTS] != 0 else 0


@kernel("i8(A, A, i8, A)")
def with_own(A, V, state, K):
    """A state, with ``OWN`` if the keys of the text may forbid some of its mask."""
    return state | OWN if may_strike(A, V, K) else state


@kernel("i8(A, A, i8, A, i8, i8, i8, A)")
def take_step(A, V, state, data, first, read, last, K):
    """State after the bytes ``data[first:last]``, which become a step of ``K``; else as :func:`advance`.

    The bytes before ``read`` have led to ``state``: they concern ``K`` alone.
    """
    state = follow(A, V, state & OWN - 1, data, first, read, last, K)
    if state <= 0:
        return state if A[STATUS] == 0 else -2 - why(A)
    K[STEPS] += 1
    return with_own(A, V, state, K)


@kernel("i8(A, A, i8, i8)")
def advance(A, V, state, token):
    """State after one token; 0 when it is not allowed, and what :func:`give_up` says when it could not be read."""
    if token < 0 or token >= V[V_TOKENS]:
        return 0
    at = int(V[V_TOKOFF]) + token
    first, last = int(V[at]), int(V[at + 1])
    if first == last:
        to = take_token(A, state, token)
        return to if A[STATUS] == 0 else -2 - why(A)
    base = int(V[V_TOKBYTES])
    for j in range(first, last):
        to = step(A, state, int(V[base + j]))
        if to <= 0:
            return give_up(A, state, j - first)
        state = to
    return state


@kernel("void(A, A, i8, A, i8, int64[::1])")
def advance_each(A, V, state, tokens, read, found):
    """For each token, the state after its bytes from ``read`` on, as :func:`advance`, into ``found``."""
    at, base = int(V[V_TOKOFF]), int(V[V_TOKBYTES])
    for k in range(len(tokens)):
        first, last = int(V[at + tokens[k]]), int(V[at + tokens[k] + 1])
        here = state
        for j in range(first + read, last):
            to = step(A, here, int(V[base + j]))
            if to <= 0:
                here = give_up(A, here, j - first)
                break
            here = to
        found[k] = here


@kernel("i8(A, i8, A, i8)")
def advance_bytes(A, state, data, start):
    """State after the bytes ``data[start:]``, as :func:`advance`."""
    for j in range(start, len(data)):
        to = step(A, state, int(data[j]))
        if to <= 0:
            return give_up(A, state, j)
        state = to
    return state


@kernel("i8(A, A, i8, i8, A)")
def advance_keyed(A, V, state, token, K):
    """As :func:`advance`; the keys of the text go along, one step further."""
    if token < 0 or token >= V[V_TOKENS]:
        return 0
    at, base = int(V[V_TOKOFF]) + token, int(V[V_TOKBYTES])
    first, last = int(V[at]), int(V[at + 1])
    if first == last:
        state = take_token(A, state & OWN - 1, token)
        if state == 0:
            return 0 if A[STATUS] == 0 else -2 - why(A)
    return take_step(A, V, state, V, base + first, base + first, base + last, K)


@kernel("i8(A, A, i8, A, i8, A)")
def advance_bytes_keyed(A, V, state, data, start, K):
    """As :func:`advance_bytes`; the keys of the text go along, one step further, with all of ``data``."""
    return take_step(A, V, state, data, 0, start, len(data), K)


@kernel("i8(A, i8)")
def forced_byte(A, state):
    """The only byte that can follow a state; 256 when other things can, too; else as :func:`give_up`."""
    if A[A[STATE] + state * STATE_STRIDE + S_FLAGS] & (COMPLETE | TOKENS):
        return 256
    only, in_doubt = 256, False
    for b in range(256):
        to = step(A, state, b)
        if A[STATUS] == VALUE:
            A[STATUS] = 0
            to, in_doubt = -1, True
            if promises(A, state) & AMPLE:
                to, in_doubt = 1, False
        if A[STATUS] != 0:
            return -2 - why(A)
        if to > 0:
            if only < 256:
                return 256
            only = b
    return only if not in_doubt else ask_value(A, state, 0)


@kernel("i8(A, A, i8, A)")
def forced_byte_keyed(A, V, state, K):
    """As :func:`forced_byte`, without bytes that the keys of the text forbid."""
    state &= OWN - 1
    if A[A[STATE] + state * STATE_STRIDE + S_FLAGS] & (COMPLETE | TOKENS):
        return 256
    only, in_doubt = 256, False
    for b in range(256):
        A[BYTE] = b
        to = follow(A, V, state, A, BYTE, BYTE, BYTE + 1, K)
        if A[STATUS] != 0:
            return -2 - why(A)
        if to > 0:
            restore(K)
        if to < 0 and not promises(A, state) & AMPLE:
            in_doubt = True
        elif to != 0:
            if only < 256:
                return 256
            only = b
    return only if not in_doubt else ask_value(A, state, 0)


@kernel("b1(A, i8)")
def is_complete(A, state):
    """Whether the text may end here."""
    state &= OWN - 1
    return A[A[STATE] + state * STATE_STRIDE + S_FLAGS] & COMPLETE != 0
