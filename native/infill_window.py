"""Windows of a canvas: whether a change somewhere can be told from its surroundings.

A canvas has a *witness*, a filling of all its masks, and of that one reading: its *path*. At each boundary of two
positions the path is in some states of the network, each inside a *frame*: a call that has not ended. A frame knows the
frame around it and the state behind the call, so a state and a frame are all that matters for the text behind them.

A window is read twice at once, in one chart:

* from *anywhere*: any state, inside any calls whatever. If nothing is alive at the end of the window, no filling of the
  masks outside helps;
* from where the path enters it. If the path is met again at the end of the window, the witness stays outside of it.

So the smallest window that says yes or no is enough, and what lies beyond it is not looked at. At an end of the canvas
a window begins or ends as the text does, so the window of the whole canvas always says one of both.

::

    board = header | ids | witness | open | path of each boundary | frames
    words = number of tokens | first letter of each token, and of no more | letters

Ids are tokens, ``MASK``, or negative numbers that spell nothing. Where ``open`` is set, masks in front may take fewer
tokens. A row of the path is the first state there and its frame, and the last ones: a boundary is passed by going into
calls and out of them. A frame is three numbers: the one around it, the state behind it, its depth.
"""

from __future__ import annotations

import numpy as np

from .infill_chart import (
    ACCEPTED,
    ANY_BYTES,
    BASE,
    BEHIND,
    BOARD,
    CALL,
    CALL_FIRST,
    CALL_HASH,
    CALLEE,
    CALLS,
    CAPACITY,
    CLOSED,
    ENTERED,
    FINAL,
    FLAGS,
    FROM,
    FULL,
    HEADS,
    HOW,
    INSIDE,
    ITEM,
    ITEMS,
    LENGTH,
    LINK,
    LINKED,
    LINKS,
    MAY_END,
    N_STATES,
    N_SYMBOLS,
    NEXT,
    NO,
    OF,
    OFFSET,
    OWNER,
    SKIP_COST,
    SKIP_TO,
    SLOT,
    SLOT_WORDS,
    STATE,
    STATUS,
    TOKEN_TO,
    WEIGHED,
    YES,
    _add_item,
    _hash,
    cut,
    run_slot,
)
from .jit import kernel

MASK, BLANK = -1, -2  # no token yet, no token; smaller numbers are ends of the text
# answers beside NO, YES and FULL; UNSPELLED: yes, if the bytes of free masks can be spelled; KNOWN: nothing has changed
MAYBE, UNSPELLED, KNOWN = 3, 4, 5

SIZE, N_FRAMES, FRAME_CAPACITY, IDS, WITNESS, OPEN, PATH, FRAMES, FIRST, LAST = range(10)
BOARD_HEADER = 10
PATH_WORDS, FRAME_WORDS = 4, 3
_PLACED, _ANYWHERE = -2, -1  # as slots of calls that were made before the window: of a frame, or whatever they are
_TRIES = 1 << 10  # links looked at to find the frames of a path
# of the tokens that cannot stand at a position: on which board and where, how many effects they have, the latest one
VERSION, POSITION, N_EFFECTS, EFFECT, EFFECTS = range(5)
MEMORY = 64  # words
# the rest of a chart's header: the window that was read, and what the chart held where the slot that changes begins
_POSITION, _FIRST, _LAST, _N_EXACT, _CALLS, _MARKS = range(BOARD + 1, BOARD + 7)


def board(length: int) -> np.ndarray:
    """An empty board: all masks, a path without frames but the one of the whole text.

    Parameters
    ----------
    length : int
        Number of positions.

    Returns
    -------
    (words,) int32
    """
    n_frames = 64 + 16 * length
    sizes = [length, length, length + 1, PATH_WORDS * (length + 1), FRAME_WORDS * n_frames]
    B = np.zeros(BOARD_HEADER + sum(sizes), np.int32)
    B[IDS : IDS + len(sizes)] = BOARD_HEADER + np.cumsum([0, *sizes[:-1]])
    B[SIZE], B[FRAME_CAPACITY], B[N_FRAMES] = length, n_frames, 1
    B[B[IDS] : B[IDS] + 2 * length] = MASK
    B[B[FRAMES]] = -1
    return B


@kernel("void(A, i8, i8, i8, i8)")
def _extend(B, low, high, n_runs, n_fixed):
    """The window around positions `low` to `high` - 1: so many runs of masks on each side, each behind at most
    `n_fixed` tokens."""
    ids, size = int(B[IDS]), int(B[SIZE])
    while low > 0 and B[ids + low - 1] == MASK:
        low -= 1
    while high < size and B[ids + high] == MASK:
        high += 1
    for run in range(n_runs + 1):
        stop = max(0, low - n_fixed)
        while low > stop and B[ids + low - 1] != MASK:
            low -= 1
        while run < n_runs and low > 0 and B[ids + low - 1] == MASK:
            low -= 1
        stop = min(size, high + n_fixed)
        while high < stop and B[ids + high] != MASK:
            high += 1
        while run < n_runs and high < size and B[ids + high] == MASK:
            high += 1
    while high < size and B[ids + high] < BLANK:
        high += 1
    B[FIRST], B[LAST] = low, high


@kernel("i8(A, A, A, i8, i8, i8, i8)")
def _lay_out(W, B, S, row, first, last, n_exact):
    """Slots of a window: of the ids (`row` = ``B[IDS]``) or the witness; whether runs of more than `n_exact` masks are
    taken as any bytes."""
    is_free = 0
    at = first
    while at < last:
        token = int(B[row + at])
        s = (at - first) * SLOT_WORDS
        if token != MASK:
            begin = int(W[1 + token]) if token >= 0 else 0
            length = int(W[2 + token]) - begin if token >= 0 else 0
            S[s + OFFSET], S[s + LENGTH], S[s + TOKEN_TO] = begin, length, -1
            S[s + SKIP_TO], S[s + SKIP_COST], S[s + MAY_END] = -1 if length else at + 1 - first, 0, 0
            at += 1
            continue
        stop = at
        while stop < last and B[row + stop] == MASK:
            stop += 1
        is_open = B[B[OPEN] + stop] > 0
        if stop < B[SIZE] and B[row + stop] < BLANK:
            is_open = True
        for k in range(at, stop):
            s = (k - first) * SLOT_WORDS
            S[s + OFFSET], S[s + LENGTH], S[s + SKIP_COST], S[s + MAY_END] = 0, 0, 0, 0
            if stop - at > n_exact:
                S[s + TOKEN_TO], S[s + SKIP_TO] = -1, stop - first
            else:
                S[s + TOKEN_TO], S[s + SKIP_TO] = k + 1 - first, stop - first if is_open else -1
        if stop - at > n_exact:
            is_free = 1
            S[(at - first) * SLOT_WORDS + LENGTH] = ANY_BYTES
        at = stop
    s = (last - first) * SLOT_WORDS
    S[s + OFFSET], S[s + LENGTH], S[s + TOKEN_TO], S[s + SKIP_TO], S[s + SKIP_COST] = 0, 0, -1, -1, 0
    S[s + MAY_END] = 1 if last == B[SIZE] else 0
    return is_free


@kernel("i8(A, i8, i8)")
def _old_call(C, slot, inside):
    """A call that was made before the window."""
    number = int(C[CALLS])
    if number >= C[CAPACITY]:
        C[STATUS] = FULL
        return 0
    mask = 2 * int(C[CAPACITY]) - 1
    at = C[CALL_HASH] + (_hash(slot, inside, 0, 1) & mask)
    while C[at] >= 0:
        at = at + 1 if at < C[CALL_HASH] + mask else C[CALL_HASH]
    C[at] = number
    C[CALLS] = number + 1
    call = C[BASE + CALLS] + number * CALL
    C[call], C[call + 1], C[call + 2], C[call + 3], C[call + 4] = slot, inside, 0, -1, -1
    return number


@kernel("i8(A, i8, i8, i8, i8)")
def _old_caller(C, nowhere, inside, state, call):
    """An item of a call that stands before the window; its state is the one behind what it has called."""
    number = int(C[ITEMS])
    _add_item(C, nowhere, inside, state, call, 0, -1, ENTERED, -1)
    return number


@kernel("void(A, i8, i8, i8)")
def _link(C, call, caller, behind):
    if C[LINKS] >= C[CAPACITY]:
        C[STATUS] = FULL
        return
    entry, at = C[BASE + LINKS] + C[LINKS] * LINK, C[BASE + CALLS] + call * CALL
    C[entry], C[entry + 1], C[entry + 2], C[entry + 3] = call, caller, behind, C[at + 3]
    C[at + 3] = C[LINKS]
    C[LINKS] += 1


@kernel("void(A, A, A, i8)")
def _enter(B, C, stack, nowhere):
    """Begin where the path is, in its frame and those around it, up to the one that is open at the end as well."""
    first = B[PATH] + int(B[FIRST]) * PATH_WORDS
    low, high = int(B[first + 1]), int(B[B[PATH] + int(B[LAST]) * PATH_WORDS + 3])
    n = 0
    while low != high:  # up from the deeper one, until they meet
        if B[B[FRAMES] + low * FRAME_WORDS + 2] >= B[B[FRAMES] + high * FRAME_WORDS + 2]:
            stack[n] = low
            n += 1
            low = int(B[B[FRAMES] + low * FRAME_WORDS])
        else:
            high = int(B[B[FRAMES] + high * FRAME_WORDS])
    call = _old_call(C, _PLACED, low)
    while n:
        n -= 1
        frame = int(stack[n])
        behind = int(B[B[FRAMES] + frame * FRAME_WORDS + 1])
        caller = _old_caller(C, nowhere, frame, behind, call)
        call = _old_call(C, _PLACED, frame)
        _link(C, call, caller, behind)
    _add_item(C, 0, 0, B[first], call, 0, -1, ENTERED, -1)


@kernel("void(A, A, i8)")
def _enter_anywhere(G, C, nowhere):
    """Begin in any state inside any calls: whatever a nonterminal is called by goes on behind it, and so on.

    These states are closed: where they call or end, one comes to states that are there already.
    """
    base = int(C[CALLS])
    for symbol in range(G[N_SYMBOLS]):
        _old_call(C, _ANYWHERE, symbol)
    begin = int(C[ITEMS])
    for symbol in range(G[N_SYMBOLS]):
        _old_caller(C, nowhere, -1 - symbol, 0, base + symbol)
    for state in range(G[N_STATES]):
        owner = int(G[G[OWNER] + state])
        number = int(C[ITEMS])
        _add_item(C, 0, 0, state, base + owner, 0, -1, ENTERED, -1)
        if C[STATUS]:
            return
        C[C[BASE + ITEMS] + number * ITEM + FLAGS] = CLOSED | LINKED
        for k in range(G[G[CALL_FIRST] + state], G[G[CALL_FIRST] + state + 1]):
            _link(C, base + G[G[CALLEE] + k], begin + owner, G[G[BEHIND] + k])


@kernel("i8(A, A, i8, i8, A)")
def _meets(B, C, number, frame, chain):
    """Whether an item stands in a frame of the path; `chain`: the items that called on the way to it.

    Returns
    -------
    int
        Length of the chain, 0: no.
    """
    chain[0] = number
    top = int(C[BASE + CALLS])  # call 0 is the frame that is open before and behind the window
    outer = int(C[top + 1])
    depth = int(B[B[FRAMES] + frame * FRAME_WORDS + 2]) - int(B[B[FRAMES] + outer * FRAME_WORDS + 2])
    if depth == 0:
        return 1 if C[C[BASE + ITEMS] + number * ITEM + OF] == 0 else 0
    # chain[1 + k]: who called at the k-th frame from the inside; behind those, where each list of links goes on
    going = 2 + depth
    level = 0
    chain[going] = C[C[BASE + CALLS] + C[C[BASE + ITEMS] + number * ITEM + OF] * CALL + 3]
    tries = 0
    frames = frame
    while level >= 0 and tries < _TRIES:
        tries += 1
        link = int(chain[going + level])
        if link < 0:
            level -= 1
            if level >= 0:  # back to the frame inside
                frames = frame
                for _ in range(level):
                    frames = int(B[B[FRAMES] + frames * FRAME_WORDS])
            continue
        entry = C[BASE + LINKS] + link * LINK
        chain[going + level] = C[entry + 3]
        if C[entry + 2] != B[B[FRAMES] + frames * FRAME_WORDS + 1]:
            continue
        chain[1 + level] = C[entry + 1]
        call = int(C[C[BASE + ITEMS] + C[entry + 1] * ITEM + OF])
        if level == depth - 1:
            if call == 0:
                return depth + 1
            continue
        level += 1
        frames = int(B[B[FRAMES] + frames * FRAME_WORDS])
        chain[going + level] = C[C[BASE + CALLS] + call * CALL + 3]
    return 0


@kernel("i8(A, i8, i8)")
def _effect(C, slot, changed):
    """What can follow a changed slot, as a number: the sum of the hashes of the items behind it. -1 where one of them
    was called inside the slot."""
    total = 0
    number = int(C[C[HEADS] + slot])
    while number >= 0:
        item = C[BASE + ITEMS] + number * ITEM
        call = C[BASE + CALLS] + C[item + OF] * CALL
        if C[call] == changed and C[call + 1] > 0:
            return -1
        total = (total + _hash(C[item + STATE], C[item + OF], 0, 3)) & 0x7FFFFFFFFFFFFFFF
        number = int(C[item + NEXT])
    return total


@kernel("i8(A, A, int64[::1], i8)")
def _rewind(B, C, memory, n_exact):
    """Go back to the slot that changes if the chart holds the same window with another token there.

    Returns
    -------
    int
        The slot; 0: the chart holds something else.
    """
    slot = int(memory[POSITION]) - int(B[FIRST])
    is_same = C[BOARD] == memory[VERSION] and C[_POSITION] == memory[POSITION] and C[_N_EXACT] == n_exact
    if slot < 1 or not is_same or C[_FIRST] != B[FIRST] or C[_LAST] != B[LAST]:
        return 0
    version = int(C[BOARD])
    cut(C, C[_MARKS], C[_MARKS + 1], C[_MARKS + 2], C[_MARKS + 3])
    C[BOARD] = version
    for later in range(slot, int(B[LAST]) - int(B[FIRST]) + 1):
        number = int(C[C[HEADS] + later])
        while number >= 0:
            C[C[BASE + ITEMS] + number * ITEM + FLAGS] = 0
            number = int(C[C[BASE + ITEMS] + number * ITEM + NEXT])
    return slot


@kernel("i8(A, A, A, A, A, A, A, int64[::1], i8, i8)")
def _read(G, T, W, B, S, C, chain, memory, row, n_exact):
    """Read a window that is known; see :func:`ask`."""
    first, last = int(B[FIRST]), int(B[LAST])
    size, nowhere = last - first, last - first + 1
    is_free = _lay_out(W, B, S, row, first, last, n_exact)
    behind = int(memory[POSITION]) + 1 - first if row == B[IDS] else -1
    at = _rewind(B, C, memory, n_exact) if behind > 0 else 0
    if at == 0:
        cut(C, 0, 0, 0, 0)
        C[WEIGHED] = is_free
        _enter(B, C, chain, nowhere)
        C[_CALLS] = C[CALLS]
        if first > 0 and row == B[IDS]:
            _enter_anywhere(G, C, nowhere)
    anywhere = int(C[_CALLS])  # the first call that may be any
    memory[EFFECT] = -1
    far = 0  # a slot with items, as far as one is known
    for slot in range(at, size + 1):
        if C[STATUS]:
            return FULL
        if C[C[HEADS] + slot] < 0:
            far = max(far, slot + 1)
            while far < size and C[C[HEADS] + far] < 0:
                far += 1
            if far > size or C[C[HEADS] + far] < 0:
                return NO
            continue
        if slot == behind - 1 and slot > 0:  # (what stands there cannot be improved later: no text is empty)
            C[BOARD], C[_POSITION], C[_N_EXACT] = memory[VERSION], memory[POSITION], n_exact
            C[_FIRST], C[_LAST] = first, last
            for kind in range(4):
                C[_MARKS + kind] = C[kind]
        if slot == behind:
            memory[EFFECT] = _effect(C, slot, slot - 1)
            for k in range(memory[N_EFFECTS]):
                if memory[EFFECTS + k] == memory[EFFECT]:
                    return NO
        run_slot(G, T, S, W, C, slot, 1 if slot < size else 0)
    if C[STATUS]:
        return FULL
    found = YES if not is_free else UNSPELLED
    if last == B[SIZE]:
        if C[ACCEPTED] >= 0:
            chain[0] = C[ACCEPTED]
            chain[chain.shape[0] - 1] = 1
            return found
        if first == 0:
            return NO
    wanted = B[PATH] + last * PATH_WORDS
    is_alive = 0
    number = int(C[C[HEADS] + size])
    while number >= 0:
        item = C[BASE + ITEMS] + number * ITEM
        if last == B[SIZE]:
            if C[item + OF] == anywhere and G[G[FINAL] + C[item + STATE]]:  # only the whole text may end there
                is_alive = 1
        else:
            is_alive = 1
            if C[item + STATE] == B[wanted + 2]:
                n = _meets(B, C, number, B[wanted + 3], chain)
                if n:
                    chain[chain.shape[0] - 1] = n
                    return found
        number = int(C[item + NEXT])
    return MAYBE if is_alive else NO


@kernel("i8(A, A, A, A, A, A, A, int64[::1], i8, i8, i8, i8, i8, i8)")
def ask(G, T, W, B, S, C, chain, memory, version, low, high, n_runs, n_fixed, n_exact):
    """Whether the ids of a board, changed somewhere, can be completed, as far as a window tells.

    Parameters
    ----------
    G, T : int32 arrays
        Network and tokens; see :mod:`.infill_chart`.
    W : int32 array
        What the tokens spell.
    B : int32 array
        The board; the path is that of the witness, which agrees with the ids but for the change. ``B[FIRST]`` and
        ``B[LAST]`` become the window.
    S : (length + 1, 6) int32, flat
        Scratch for slots.
    C : int32 array
        A chart for two slots more than there are positions.
    chain : (n,) int32
        Scratch; more than the depth of any frame, twice. If the answer is yes: the items from which :func:`trace` goes
        back, and at the very end their number.
    memory : (MEMORY,) int64
        What is known of other tokens at this position from windows of this size: a token after which the same can
        follow as after one that cannot stand there cannot stand there either.
    version : int
        Of the ids, but for those that were changed, and of the witness.
    low, high : int
        The positions that were changed: from `low` to before `high`.
    n_runs, n_fixed : int
        How many runs of masks on each side belong to the window, and how many tokens in front of each of them.
    n_exact : int
        Runs of more masks are taken as any bytes whatever.

    Returns
    -------
    int
        ``YES``, ``NO``, ``MAYBE``; ``UNSPELLED``: yes if the runs that were taken as any bytes can be spelled;
        ``KNOWN``: yes, as in the witness; ``FULL``.
    """
    at = low
    while at < high and B[B[IDS] + at] == B[B[WITNESS] + at]:
        at += 1
    if at == high:
        return KNOWN
    place = low if high == low + 1 and B[B[IDS] + low] >= 0 else -1 - int(B[SIZE])
    if memory[VERSION] != version or memory[POSITION] != place or place < 0:
        memory[VERSION], memory[POSITION], memory[N_EFFECTS] = version, place, 0
    _extend(B, low, high, n_runs, n_fixed)
    found = _read(G, T, W, B, S, C, chain, memory, B[IDS], n_exact)
    if found == NO and memory[EFFECT] >= 0 and EFFECTS + memory[N_EFFECTS] < MEMORY:
        memory[EFFECTS + memory[N_EFFECTS]] = memory[EFFECT]
        memory[N_EFFECTS] += 1
    return found


@kernel("i8(A, A, A, A, A, A, A, A, int64[::1])")
def walk(G, T, W, B, S, C, chain, pending, memory):
    """Make the path of the witness anew between ``B[FIRST]`` and ``B[LAST]``, from where and to where it is known.

    Parameters
    ----------
    G, T, W, B, S, C, chain
        As for :func:`ask`.
    pending : (n,) int32
        Scratch, as long as `chain`.
    memory : (MEMORY,) int64
        Scratch.

    Returns
    -------
    int
        ``YES``; ``NO``: the witness is no text of the language; ``FULL``: the chart, the frames or the scratch.
    """
    found = _read(G, T, W, B, S, C, chain, memory, B[WITNESS], 0)
    if found != YES:
        return FULL if found == FULL else NO
    first, last = int(B[FIRST]), int(B[LAST])
    for at in range(first, last):
        B[B[PATH] + at * PATH_WORDS + 2] = -1
    end = B[PATH] + last * PATH_WORDS
    if last == B[SIZE]:
        B[end + 2], B[end + 3] = C[C[BASE + ITEMS] + C[ACCEPTED] * ITEM + STATE], 0
    depth = int(chain[chain.shape[0] - 1])
    frame = int(B[end + 3])
    for k in range(depth):  # the outermost one first: it comes last
        pending[2 * (depth - 1 - k)], pending[2 * (depth - 1 - k) + 1] = chain[k], frame
        frame = int(B[B[FRAMES] + frame * FRAME_WORDS])
    while depth:
        depth -= 1
        item, frame = C[BASE + ITEMS] + pending[2 * depth] * ITEM, int(pending[2 * depth + 1])
        if C[item + INSIDE] == 0 and C[item + SLOT] <= last - first:
            row = B[PATH] + (first + int(C[item + SLOT])) * PATH_WORDS
            if C[item + SLOT] < last - first and B[row + 2] < 0:
                B[row + 2], B[row + 3] = C[item + STATE], frame
            if C[item + SLOT] > 0:
                B[row], B[row + 1] = C[item + STATE], frame
        if C[item + FROM] < 0:
            continue
        if 2 * depth + 4 > pending.shape[0]:
            return FULL
        pending[2 * depth], pending[2 * depth + 1] = C[item + FROM], frame
        depth += 1
        if C[item + HOW] >= 0:
            called = C[BASE + CALLS] + C[C[BASE + ITEMS] + C[item + HOW] * ITEM + OF] * CALL
            inner = int(C[called + 1]) if C[called] == _PLACED else int(B[N_FRAMES])
            if C[called] != _PLACED:
                if inner >= B[FRAME_CAPACITY]:
                    return FULL
                new = B[FRAMES] + inner * FRAME_WORDS
                B[new], B[new + 1], B[new + 2] = frame, C[item + STATE], B[B[FRAMES] + frame * FRAME_WORDS + 2] + 1
                B[N_FRAMES] = inner + 1
            pending[2 * depth], pending[2 * depth + 1] = C[item + HOW], inner
            depth += 1
    return YES
