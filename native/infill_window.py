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

Tokens that cannot stand at a position stay in the chart, behind its mark at first and then in front of it: they lead
nowhere, so the next token there is read on only where it leads elsewhere.
"""

from __future__ import annotations

from .infill_board import (
    FIRST,
    FRAME_CAPACITY,
    FRAME_WORDS,
    FRAMES,
    IDS,
    LAST,
    N_FRAMES,
    PATH,
    PATH_WORDS,
    SIZE,
    WITNESS,
    extend,
    lay_out,
)
from .infill_chart import (
    ACCEPTED,
    BASE,
    BEHIND,
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
    LINK,
    LINKED,
    LINKS,
    MARK,
    MARKED,
    N_STATES,
    N_SYMBOLS,
    NEXT,
    NO,
    OF,
    OWNER,
    SLOT,
    STATE,
    STATUS,
    WEIGHED,
    YES,
    _add_item,
    _hash,
    clear,
    cut,
    mark,
    run_slot,
)
from .jit import kernel

# answers beside NO, YES and FULL; UNSPELLED: yes, if the bytes of free masks can be spelled; KNOWN: nothing has changed
MAYBE, UNSPELLED, KNOWN = 3, 4, 5

_PLACED, _ANYWHERE = -2, -1  # as slots of calls that were made before the window: of a frame, or whatever they are
_TRIES = 1 << 10  # links looked at to find the frames of a path
# the rest of a chart's header: which window was read with which change, and the first call that may be any
_POSITION, _FIRST, _LAST, _N_EXACT, _CALLS = range(MARK + 4, MARK + 9)


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


@kernel("i8(A, A, i8, i8, i8)")
def _resume(B, C, version, position, n_exact):
    """Go back to the mark if a chart holds the same window, with whatever token where it changes; whether it does."""
    is_same = C[MARKED] == version and C[_POSITION] == position and C[_N_EXACT] == n_exact
    if is_same and C[_FIRST] == B[FIRST] and C[_LAST] == B[LAST]:
        cut(C)
        return 1
    C[_POSITION], C[_N_EXACT], C[_FIRST], C[_LAST] = position, n_exact, B[FIRST], B[LAST]
    return 0


@kernel("i8(A, A, A, A, i8, i8)")
def _verdict(G, B, C, chain, since, is_free):
    """What the items at the end of a window say."""
    last, size = int(B[LAST]), int(B[LAST]) - int(B[FIRST])
    found = UNSPELLED if is_free else YES
    if last == B[SIZE]:
        if C[ACCEPTED] >= 0:
            chain[0] = C[ACCEPTED]
            chain[chain.shape[0] - 1] = 1
            return found
        if B[FIRST] == 0:
            return NO
    wanted = B[PATH] + last * PATH_WORDS
    is_alive = 0
    number = int(C[C[HEADS] + size])
    while number >= since:
        item = C[BASE + ITEMS] + number * ITEM
        if last == B[SIZE]:
            if C[item + OF] == C[_CALLS] and G[G[FINAL] + C[item + STATE]]:  # only the whole text may end there
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


@kernel("i8(A, A, A, A, A, A, A, i8, i8, i8, i8, i8)")
def _read(G, T, W, B, S, C, chain, row, n_exact, changed, version, resumed):
    """Read a window that is known, from its beginning or from the slot that is `changed`; see :func:`ask`."""
    first, last = int(B[FIRST]), int(B[LAST])
    size, nowhere = last - first, last - first + 1
    is_free = lay_out(W, B, S, row, first, last, n_exact)
    if not resumed:
        clear(C)
        C[WEIGHED] = is_free
        _enter(B, C, chain, nowhere)
        C[_CALLS] = C[CALLS]
        if first > 0 and row == B[IDS]:
            _enter_anywhere(G, C, nowhere)
    since = 0  # the first item that is looked at
    far = 0  # a slot with items, as far as one is known
    for slot in range(changed if resumed else 0, size + 1):
        if C[STATUS]:
            return FULL
        if C[C[HEADS] + slot] < since:
            far = max(far, slot + 1)
            while far < size and C[C[HEADS] + far] < since:
                far += 1
            if far > size or C[C[HEADS] + far] < since:
                return NO
        elif slot != changed:
            run_slot(G, T, S, W, C, slot, 1 if slot < size else 0, since)
        else:
            if not resumed:
                run_slot(G, T, S, W, C, slot, 0, 0)
                mark(C)
                C[MARKED] = version
            run_slot(G, T, S, W, C, slot, 1, 0)
            since = int(C[MARK])
    return FULL if C[STATUS] else _verdict(G, B, C, chain, since, is_free)


@kernel("i8(A, A, A, A, A, A, A, i8, i8, i8, i8, i8, i8)")
def ask(G, T, W, B, S, C, chain, version, low, high, n_runs, n_fixed, n_exact):
    """Whether the ids of a board, changed somewhere, can be completed, as far as a window tells.

    Parameters
    ----------
    G, T : int32 arrays
        Network and tokens; see :mod:`.infill_chart`.
    W : int32 array
        What the tokens spell.
    B : int32 array
        The board; the path is that of the witness, which agrees with the ids but for the change. ``B[FIRST]`` and
        ``B[LAST]`` become the window. The window of a whole board needs no witness.
    S : (length + 1, 6) int32, flat
        Scratch for slots.
    C : int32 array
        A chart for two slots more than there are positions. What it holds of other tokens at the same position is used.
    chain : (n,) int32
        Scratch; more than the depth of any frame, twice. If the answer is yes: the items from which :func:`trace` goes
        back, and at the very end their number.
    version : int
        Of all of the board but for what was changed; not 0.
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
    if low < high and at == high:
        return KNOWN
    extend(B, low, high, n_runs, n_fixed)
    is_token = high == low + 1 and B[B[IDS] + low] >= 0
    changed = low - int(B[FIRST]) if is_token else -1
    resumed = _resume(B, C, version, low if is_token else -1, n_exact)
    found = _read(G, T, W, B, S, C, chain, B[IDS], n_exact, changed, version, resumed)
    if found == FULL and resumed:
        found = _read(G, T, W, B, S, C, chain, B[IDS], n_exact, changed, version, 0)
    if found == FULL:
        C[MARKED] = 0
    elif found == NO and C[MARKED]:
        mark(C)
    return found


@kernel("i8(A, A, A, A, A, A, A, A)")
def walk(G, T, W, B, S, C, chain, pending):
    """Make the path of the witness anew between ``B[FIRST]`` and ``B[LAST]``, from where and to where it is known.

    Parameters
    ----------
    G, T, W, B, S, C, chain
        As for :func:`ask`.
    pending : (n,) int32
        Scratch, as long as `chain`.

    Returns
    -------
    int
        ``YES``; ``NO``: the witness is no text of the language; ``FULL``: the chart, the frames or the scratch.
    """
    found = _read(G, T, W, B, S, C, chain, B[WITNESS], 0, -1, 0, 0)
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
