"""The pushdown system of lexer and LR parser, solved step by step: see :mod:`detent.automata.needs`.

All that is known, and all that is still to be done, are *entries* of one table:

- nodes, of which it is asked what a stack needs below a state on its top: ``BETWEEN`` (state, block of carries) two
  tokens; ``AHEAD`` (state, set) of one of some letters; ``BELOW`` (state, node) a state that a node stands on, and
  ``ASKED`` the same, for whoever waits for an answer;
- ``LINK`` (source, node, is below): a node has what another one needs, and if so, below its own state;
- ``FACT`` (node, nonterminal, how many more): a need of a node, and its letters;
- ``READ`` (node, state): the letters that are read where a state stands on that of a node;
- ``SET``: a set of letters. Sets are rows of words, as of :mod:`.questions`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .jit import kernel, prepare
from .lexer import DROPPED
from .questions import add, has

prepare("Lark grammars")

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]

BETWEEN, AHEAD, BELOW, ASKED, LINK, FACT, READ, SET = range(8)
# fields of an entry: what it is, and its key, of three; the entry before in the bucket; whether it is queued
KIND, KEY, CHAIN, IS_QUEUED = 0, 1, 4, 5
FACTS, LINKS, N_FACTS, N_LINKS, IS_ALIVE = range(6, 11)  # of a node: the last fact and link, how many; if all meet it
NEXT, ROW = 6, 7  # of a fact or link, the one before of its node or source; of all that has letters, these
E_RECORD = 11
N_ENTRIES, N_ROWS, HEAD, N_QUEUED, N_STEPS, N_COUNTS = range(6)  # counts; entry 0 is none
ENDING, LIVING = 0, 0  # the letter of the end of the text; the block behind which every text can be finished
ACCEPT = -1
ANY = -1  # nonterminal, and how many more, of the need that all stacks meet
FULL = -1
ROOM_FOR_LETTER = 3  # entries that reading a set of letters may take for each letter that there is
_PRIME, _HASH = 1_000_003, (1 << 31) - 1

TABLE = "int32[:,::1], int64[:,::1], int64[:,::1], A, A, int64[::1]"
SYSTEM = "int32[:,::1], int32[:,::1], A, A, A, A, int64[:,::1], A, int32[:,::1]"


@kernel("i8(A, i8, i8, i8, i8)")
def _bucket(buckets: I32, kind: int, a: int, b: int, c: int) -> int:
    """Where the chain of an entry begins."""
    key = ((int(kind) * _PRIME + int(a)) * _PRIME + int(b)) * _PRIME + int(c)
    return key & (len(buckets) - 1)


@kernel("void(int32[:,::1], A, i8)")
def chain(entries: I32, buckets: I32, n: int) -> None:
    """Chain the first `n` entries; `buckets` holds zeros, a power of 2."""
    for e in range(1, n):
        at = _bucket(buckets, entries[e, KIND], entries[e, KEY], entries[e, KEY + 1], entries[e, KEY + 2])
        entries[e, CHAIN], buckets[at] = buckets[at], e


@kernel("i8(int32[:,::1], i8)")
def _owner(entries: I32, e: int) -> int:
    """The node that an entry is about."""
    kind = entries[e, KIND]
    return e if kind < LINK else int(np.int64(entries[e, KEY + 1 if kind == LINK else KEY]))


@kernel("b1(int32[:,::1], i8)")
def _is_urgent(entries: I32, e: int) -> bool:
    """Whether an entry is about the way from what is known to who asked, and not about what to know next."""
    if entries[e, KIND] == FACT and entries[e, KEY + 1] == ANY:
        return True
    return bool(entries[_owner(entries, e), KIND] == ASKED)


@kernel("void(" + TABLE + ", i8)")
def _push(entries: I32, known: I64, fresh: I64, buckets: I32, queue: I32, counts: I64, e: int) -> None:
    """Queue an entry, in front of all nodes to be begun if it follows from what is known, or is urgent."""
    if entries[e, IS_QUEUED]:
        return
    entries[e, IS_QUEUED] = 1
    last, n = len(queue) - 1, np.int64(counts[N_QUEUED])
    if entries[e, KIND] >= LINK or _is_urgent(entries, e):
        counts[HEAD], n = (counts[HEAD] - 1) & last, 0
    queue[(counts[HEAD] + n) & last] = e
    counts[N_QUEUED] += 1


@kernel("i8(" + TABLE + ", i8, i8, i8, i8)")
def find(
    entries: I32, known: I64, fresh: I64, buckets: I32, queue: I32, counts: I64, kind: int, a: int, b: int, c: int
) -> int:
    """The number of an entry. Of a new one nothing is known; a link is queued, and a node that is not begun at once."""
    at = _bucket(buckets, kind, a, b, c)
    e = np.int64(buckets[at])
    while e > 0:
        if entries[e, KIND] == kind and entries[e, KEY] == a and entries[e, KEY + 1] == b and entries[e, KEY + 2] == c:
            return int(e)
        e = np.int64(entries[e, CHAIN])
    e = np.int64(counts[N_ENTRIES])
    counts[N_ENTRIES] = e + 1
    for k in range(E_RECORD):
        entries[e, k] = 0
    entries[e, KIND], entries[e, KEY], entries[e, KEY + 1], entries[e, KEY + 2] = kind, a, b, c
    entries[e, CHAIN], buckets[at] = buckets[at], e
    if kind <= LINK and kind != AHEAD:
        _push(entries, known, fresh, buckets, queue, counts, e)
    elif kind > LINK:
        row = np.int64(counts[N_ROWS])
        counts[N_ROWS], entries[e, ROW] = row + 1, row
        for w in range(known.shape[1]):
            known[row, w] = fresh[row, w] = 0
    return int(e)


@kernel("i8(" + TABLE + ", int64[::1])")
def _find_set(entries: I32, known: I64, fresh: I64, buckets: I32, queue: I32, counts: I64, letters: I64) -> int:
    """The number of a set of letters."""
    a, b, number = 0, 0, 0
    for w in range(len(letters)):
        a = (a + int(letters[w]) * (2 * w + 1)) & _HASH
        b = (b + int(letters[w]) * (w * w + 7)) & _HASH
    while True:
        before = counts[N_ENTRIES]
        e = find(entries, known, fresh, buckets, queue, counts, SET, a, b, number)
        row, is_same = np.int64(entries[e, ROW]), True
        for w in range(len(letters)):
            if counts[N_ENTRIES] > before:
                known[row, w] = letters[w]
            is_same &= known[row, w] == letters[w]
        if is_same:
            return int(e)
        number += 1


@kernel("void(" + TABLE + ", i8, int64[::1])")
def _merge(entries: I32, known: I64, fresh: I64, buckets: I32, queue: I32, counts: I64, e: int, letters: I64) -> None:
    """Add letters to those of an entry, which is queued if some are new."""
    more, row = 0, np.int64(entries[e, ROW])
    for w in range(len(letters)):
        new = letters[w] & ~known[row, w]
        known[row, w] |= new
        fresh[row, w] |= new
        more |= new
    if more:
        _push(entries, known, fresh, buckets, queue, counts, e)


@kernel("void(" + TABLE + ", i8, i8, i8, int64[::1])")
def _need(
    entries: I32,
    known: I64,
    fresh: I64,
    buckets: I32,
    queue: I32,
    counts: I64,
    node: int,
    nonterminal: int,
    more: int,
    letters: I64,
) -> None:
    """Let a node have a need, unless all stacks meet those that it has."""
    if entries[node, IS_ALIVE]:
        return
    table, n = (entries, known, fresh, buckets, queue, counts), counts[N_ENTRIES]
    e = find(*table, FACT, node, nonterminal, more)
    if counts[N_ENTRIES] > n:
        entries[e, NEXT], entries[node, FACTS] = entries[node, FACTS], e
        entries[node, N_FACTS] += 1
        entries[node, IS_ALIVE] = nonterminal == ANY
    _merge(*table, e, letters)


@kernel("void(" + TABLE + ", int32[:,::1], i8, i8, int64[::1])")
def _go(
    entries: I32,
    known: I64,
    fresh: I64,
    buckets: I32,
    queue: I32,
    counts: I64,
    goto: I32,
    node: int,
    nonterminal: int,
    letters: I64,
) -> None:
    """Read a nonterminal above the state of a node, and then letters."""
    to = np.int64(goto[entries[node, KEY], nonterminal])
    if to >= 0 and not entries[node, IS_ALIVE]:
        table = (entries, known, fresh, buckets, queue, counts)
        _merge(*table, find(*table, READ, node, to, 0), letters)


@kernel("void(" + TABLE + ", int32[:,::1], i8, i8, int64[::1])")
def _tell(
    entries: I32,
    known: I64,
    fresh: I64,
    buckets: I32,
    queue: I32,
    counts: I64,
    goto: I32,
    link: int,
    fact: int,
    letters: I64,
) -> None:
    """Let the node of a link have a need of its source, before some letters."""
    table = (entries, known, fresh, buckets, queue, counts)
    node, is_below = np.int64(entries[link, KEY + 1]), np.int64(entries[link, KEY + 2])
    nonterminal, more = np.int64(entries[fact, KEY + 1]), np.int64(entries[fact, KEY + 2])
    counts[N_STEPS] += 1
    if nonterminal == ANY:
        _need(*table, node, ANY, ANY, letters)
    elif more >= is_below:
        _need(*table, node, nonterminal, more - is_below, letters)
    else:
        _go(*table, goto, node, nonterminal, letters)


@kernel("void(" + TABLE + "," + SYSTEM + ", i8, int64[::1], int64[::1])")
def _read(
    entries: I32,
    known: I64,
    fresh: I64,
    buckets: I32,
    queue: I32,
    counts: I64,
    action: I32,
    goto: I32,
    rule_left: I32,
    rule_length: I32,
    context: I32,
    tags: I32,
    block_letters: I64,
    behind_first: I32,
    behind: I32,
    node: int,
    letters: I64,
    alike: I64,
) -> None:
    """Read one of some letters in the state of a node. `letters` and `alike`, a set as well, are written to."""
    table, state, n = (entries, known, fresh, buckets, queue, counts), np.int64(entries[node, KEY]), len(tags)
    for letter in range(n):
        act = np.int64(action[state, tags[letter]])
        if act == 0 or not has(letters, letter):
            continue
        for k in range(behind_first[letter], behind_first[letter + 1] if act > 0 else 0):
            if behind[k, 0] == context[act - 1]:
                then = find(*table, BETWEEN, act - 1, behind[k, 1], 0)
                find(*table, LINK, find(*table, BELOW, state, then, 0), node, 0)
        if act > 0:
            continue
        alike[:] = 0
        for other in range(letter, n):
            if action[state, tags[other]] == act and has(letters, other):
                add(alike, other)
        for w in range(len(letters)):
            letters[w] &= ~alike[w]
        left, length = np.int64(rule_left[-1 - act]), np.int64(rule_length[-1 - act])
        if act == ACCEPT:
            _need(*table, node, ANY, ANY, alike)
        elif length > 0:
            _need(*table, node, left, length - 1, alike)
        else:
            _go(*table, goto, node, left, alike)


@kernel("i8(" + TABLE + "," + SYSTEM + ", i8, int64[::1], int64[::1])")
def find_ahead(
    entries: I32,
    known: I64,
    fresh: I64,
    buckets: I32,
    queue: I32,
    counts: I64,
    action: I32,
    goto: I32,
    rule_left: I32,
    rule_length: I32,
    context: I32,
    tags: I32,
    block_letters: I64,
    behind_first: I32,
    behind: I32,
    state: int,
    letters: I64,
    alike: I64,
) -> int:
    """The number of the node of what is needed ahead of some letters. `letters` and `alike`, a set, are written to."""
    table, n = (entries, known, fresh, buckets, queue, counts), counts[N_ENTRIES]
    system = (action, goto, rule_left, rule_length, context, tags, block_letters, behind_first, behind)
    node = find(*table, AHEAD, state, _find_set(*table, letters), 0)
    if node >= n:
        _read(*table, *system, node, letters, alike)
    return int(node)


@kernel("void(" + TABLE + "," + SYSTEM + ", i8, int64[::1], int64[::1])")
def _begin(
    entries: I32,
    known: I64,
    fresh: I64,
    buckets: I32,
    queue: I32,
    counts: I64,
    action: I32,
    goto: I32,
    rule_left: I32,
    rule_length: I32,
    context: I32,
    tags: I32,
    block_letters: I64,
    behind_first: I32,
    behind: I32,
    node: int,
    letters: I64,
    alike: I64,
) -> None:
    """Find what a node has its needs from. `letters` and `alike`, sets, are written to."""
    table = (entries, known, fresh, buckets, queue, counts)
    system = (action, goto, rule_left, rule_length, context, tags, block_letters, behind_first, behind)
    state, key = np.int64(entries[node, KEY]), np.int64(entries[node, KEY + 1])
    if entries[node, KIND] != BETWEEN:
        find(*table, LINK, key, node, 1)
        return
    letters[:] = 0
    if key == LIVING:
        add(letters, ENDING)
        _need(*table, node, ANY, ANY, letters)
        return
    for letter in range(len(tags)):
        if not has(block_letters[key], letter):
            continue
        if tags[letter] != DROPPED or letter == ENDING:
            add(letters, letter)
        else:
            find(*table, LINK, find(*table, BETWEEN, state, behind[behind_first[letter], 1], 0), node, 0)
    find(*table, LINK, find_ahead(*table, *system, state, letters, alike), node, 0)


@kernel("i8(" + TABLE + "," + SYSTEM + ", i8)", nogil=True, allocates=True)
def solve(
    entries: I32,
    known: I64,
    fresh: I64,
    buckets: I32,
    queue: I32,
    counts: I64,
    action: I32,
    goto: I32,
    rule_left: I32,
    rule_length: I32,
    context: I32,
    tags: I32,
    block_letters: I64,
    behind_first: I32,
    behind: I32,
    last_step: int,
) -> int:
    """Go on with what is queued: for some steps, and further with what is urgent.

    Parameters
    ----------
    entries : (capacity, E_RECORD) int32, in and out
    known, fresh : (capacity, n_words) int64, in and out
        Sets of letters; their members that nothing was done about.
    buckets : int32, in and out
        See :func:`chain`.
    queue : (capacity,) int32, in and out
        A ring; the capacity is a power of 2.
    counts : (N_COUNTS,) int64, in and out
    action, goto, rule_left, rule_length, context
        See :class:`detent.grammar.lark.tables.ParserTables`.
    tags : (n_letters,) int32
    block_letters : (n_blocks, n_words) int64
    behind_first, behind : (n_letters + 1,) int32, (n, 2) int32
        Behind letter x, the contexts and blocks ``behind[behind_first[x]:behind_first[x + 1]]``.
    last_step : int
        Steps after which only what is urgent is done.

    Returns
    -------
    int
        0, or ``FULL``: there was no room.
    """
    table = (entries, known, fresh, buckets, queue, counts)
    system = (action, goto, rule_left, rule_length, context, tags, block_letters, behind_first, behind)
    letters, alike = np.zeros(known.shape[1], np.int64), np.zeros(known.shape[1], np.int64)
    while counts[N_QUEUED]:
        e = np.int64(queue[counts[HEAD]])
        kind, node, source = entries[e, KIND], _owner(entries, e), np.int64(entries[e, KEY])
        if counts[N_STEPS] >= last_step and not _is_urgent(entries, e):
            return 0
        room = ROOM_FOR_LETTER * len(tags) + 4 + entries[node, N_LINKS]
        if kind == LINK:
            room += entries[source, N_FACTS]
        if counts[N_ENTRIES] + room > len(entries):
            return FULL
        counts[HEAD] = (counts[HEAD] + 1) & (len(queue) - 1)
        counts[N_QUEUED] -= 1
        counts[N_STEPS] += 1
        entries[e, IS_QUEUED] = 0
        if kind > LINK:
            letters[:] = fresh[entries[e, ROW]]
            fresh[entries[e, ROW], :] = 0
        if kind == FACT:
            link = np.int64(entries[node, LINKS])
            while link > 0:
                _tell(*table, goto, link, e, letters)
                link = np.int64(entries[link, NEXT])
        elif kind == LINK:
            entries[e, NEXT], entries[source, LINKS] = entries[source, LINKS], e
            entries[source, N_LINKS] += 1
            fact = np.int64(entries[source, FACTS])
            while fact > 0:
                _tell(*table, goto, e, fact, known[entries[fact, ROW]])
                fact = np.int64(entries[fact, NEXT])
        elif kind < LINK:
            _begin(*table, *system, node, letters, alike)
        elif not entries[node, IS_ALIVE]:
            there = find_ahead(*table, *system, np.int64(entries[e, KEY + 1]), letters, alike)
            find(*table, LINK, there, node, 1)
    return 0


@kernel("i8(int32[:,::1], int64[:,::1], i8, int64[:,::1])")
def copy_facts(entries: I32, known: I64, node: int, found: I64) -> int:
    """Copy the needs of a node: how many there are.

    Parameters
    ----------
    found : (N_FACTS of the node, 2 + n_words) int64, out
        Of each, the nonterminal, how many more, and the letters.
    """
    n, fact = 0, np.int64(entries[node, FACTS])
    while fact > 0:
        found[n, 0], found[n, 1] = entries[fact, KEY + 1], entries[fact, KEY + 2]
        for w in range(known.shape[1]):
            found[n, 2 + w] = known[entries[fact, ROW], w]
        n += 1
        fact = np.int64(entries[fact, NEXT])
    return n
