"""The pushdown system of lexer and LR parser, solved step by step: see :mod:`detent.automata.needs`.

All that is known, and all that is still to be done, are *entries* of one table:

- nodes, of which it is asked what a stack needs below a state on its top: ``BETWEEN`` (state, block of carries) two
  tokens; ``AHEAD`` (state, set) of one of some letters; ``BELOW`` (state, node) a state that a node stands on;
  ``ASKED`` (state, needs) a state that is to meet some needs, for whoever waits for an answer;
- ``LINK`` (source, node, is below): a node has what another one needs, and if so, below its own state;
- ``FACT`` (node, nonterminal, how many more): a need of a node, and its letters;
- ``READ`` (node, state): the letters that are read where a state stands on that of a node;
- ``SET``: a set of letters. Sets are rows of words, as of :mod:`.questions`;
- ``NEED`` (nonterminal, how many more), and ``NEEDS`` (need, set, the others): a list;
- ``MET`` (cell of a stack, needs): whether the stack meets them; ``PLACE`` (lexer state, context): the block of what
  can come there: see :mod:`.liveness`.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .jit import kernel, prepare
from .lexer import DROPPED
from .questions import add, has
from .stacks import ACCEPT

prepare("Lark grammars")

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]

BETWEEN, AHEAD, BELOW, ASKED, LINK, FACT, READ, SET, NEED, NEEDS, MET, PLACE = range(12)
# fields of an entry: what it is, and its key, of three; the entry before in the bucket; the one behind it in the queue
KIND, KEY, CHAIN, AFTER = 0, 1, 4, 5
NOWHERE = -1  # the entry behind one that is not queued
# of a node: the last fact and link, how many, whether all stacks meet it, its list of needs (-1: not made)
FACTS, LINKS, N_FACTS, N_LINKS, IS_ALIVE, LISTED = range(6, 12)
NEXT, ROW, VALUE = 6, 7, 7  # of a fact or link, the one before of its node or source; its letters; what is known
E_RECORD = 12
# counts; the queue: its first entry, the last node for the question that is asked (0: none yet), its last entry
N_ENTRIES, N_ROWS, N_STEPS, HEAD, TAIL, LAST, N_COUNTS = range(7)  # (entry 0 is none)
ENDING, LIVING = 0, 0  # the letter of the end of the text; the block behind which every text can be finished
ANY = -1  # nonterminal, and how many more, of the need that all stacks meet
FULL = -1
ROOM_FOR_LETTER = 4  # entries that reading a set of letters may take for each letter that there is
_PRIME, _HASH = 1_000_003, (1 << 31) - 1

# entries, sets of letters, their members that nothing was done about, buckets, counts; see :func:`solve`
Table: TypeAlias = "tuple[I32, I64, I64, I32, I64]"
# action, goto, left sides and lengths of rules, contexts, tags, letters of blocks, where what is behind begins, and it
System: TypeAlias = "tuple[I32, I32, I32, I32, I32, I32, I64, I32, I32]"
TABLE = "Tuple((int32[:,::1], int64[:,::1], int64[:,::1], A, int64[::1]))"
SYSTEM = "Tuple((int32[:,::1], int32[:,::1], A, A, A, A, int64[:,::1], A, int32[:,::1]))"


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


@kernel("void(" + TABLE + ", i8)")
def _push(table: Table, e: int) -> None:
    """Queue an entry.

    What follows from what is known comes first, then who waits; a node behind the last one for the same question.
    """
    entries, counts = table[0], table[4]
    if entries[e, AFTER] != NOWHERE:
        return
    is_first, tail = entries[e, KIND] >= ASKED, np.int64(counts[TAIL])
    if is_first or tail == 0:
        entries[e, AFTER], counts[HEAD] = counts[HEAD], e
    else:
        entries[e, AFTER], entries[tail, AFTER] = entries[tail, AFTER], e
    if entries[e, AFTER] == 0:
        counts[LAST] = e
    if not is_first:
        counts[TAIL] = e


@kernel("i8(int32[:,::1], int64[::1])")
def _pop(entries: I32, counts: I64) -> int:
    """Take the first entry off the queue."""
    e = np.int64(counts[HEAD])
    counts[HEAD], entries[e, AFTER] = entries[e, AFTER], NOWHERE
    if counts[HEAD] == 0:
        counts[LAST] = 0
    if counts[TAIL] == e:
        counts[TAIL] = counts[LAST]
    return int(e)


@kernel("i8(" + TABLE + ", i8, i8, i8, i8)")
def find(table: Table, kind: int, a: int, b: int, c: int) -> int:
    """The number of an entry. Of a new one nothing is known; a link is queued, and a node that others do not begin."""
    entries, known, fresh, buckets, counts = table
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
    entries[e, AFTER], entries[e, LISTED] = NOWHERE, -1
    entries[e, CHAIN], buckets[at] = buckets[at], e
    if kind in (BETWEEN, ASKED, LINK):
        _push(table, e)
    elif FACT <= kind <= SET:
        row = np.int64(counts[N_ROWS])
        counts[N_ROWS], entries[e, ROW] = row + 1, row
        for w in range(known.shape[1]):
            known[row, w] = fresh[row, w] = 0
    return int(e)


@kernel("i8(" + TABLE + ", i8, i8)")
def _find_below(table: Table, state: int, source: int) -> int:
    """The number of the node of a state that a node stands on."""
    n = table[4][N_ENTRIES]
    node = find(table, BELOW, state, source, 0)
    if node >= n:
        find(table, LINK, source, node, 1)
    return int(node)


@kernel("i8(" + TABLE + ", int64[::1])")
def find_set(table: Table, letters: I64) -> int:
    """The number of a set of letters."""
    entries, known, counts = table[0], table[1], table[4]
    a, b, number = 0, 0, 0
    for w in range(len(letters)):
        a = (a + int(letters[w]) * (2 * w + 1)) & _HASH
        b = (b + int(letters[w]) * (w * w + 7)) & _HASH
    while True:
        before = counts[N_ENTRIES]
        e = find(table, SET, a, b, number)
        row, is_same = np.int64(entries[e, ROW]), True
        for w in range(len(letters)):
            if counts[N_ENTRIES] > before:
                known[row, w] = letters[w]
            is_same &= known[row, w] == letters[w]
        if is_same:
            return int(e)
        number += 1


@kernel("void(" + TABLE + ", i8, int64[::1])")
def _merge(table: Table, e: int, letters: I64) -> None:
    """Add letters to those of an entry, which is queued if some are new."""
    entries, known, fresh = table[0], table[1], table[2]
    more, row = 0, np.int64(entries[e, ROW])
    for w in range(len(letters)):
        new = letters[w] & ~known[row, w]
        known[row, w] |= new
        fresh[row, w] |= new
        more |= new
    if more:
        entries[_owner(entries, e), LISTED] = -1
        _push(table, e)


@kernel("void(" + TABLE + ", i8, i8, i8, int64[::1])")
def _need(table: Table, node: int, nonterminal: int, more: int, letters: I64) -> None:
    """Let a node have a need, unless all stacks meet those that it has."""
    entries, counts = table[0], table[4]
    if entries[node, IS_ALIVE]:
        return
    n = counts[N_ENTRIES]
    e = find(table, FACT, node, nonterminal, more)
    if counts[N_ENTRIES] > n:
        entries[e, NEXT], entries[node, FACTS] = entries[node, FACTS], e
        entries[node, N_FACTS] += 1
        entries[node, IS_ALIVE] = nonterminal == ANY
    _merge(table, e, letters)


@kernel("void(" + TABLE + ", int32[:,::1], i8, i8, int64[::1])")
def _go(table: Table, goto: I32, node: int, nonterminal: int, letters: I64) -> None:
    """Read a nonterminal above the state of a node, and then letters."""
    entries = table[0]
    to = np.int64(goto[entries[node, KEY], nonterminal])
    if to >= 0 and not entries[node, IS_ALIVE]:
        _merge(table, find(table, READ, node, to, 0), letters)


@kernel("void(" + TABLE + ", int32[:,::1], i8, i8, i8, i8, int64[::1])")
def _tell(table: Table, goto: I32, node: int, is_below: int, nonterminal: int, more: int, letters: I64) -> None:
    """Let a node have what is needed above it or, if it `is_below`, above its state."""
    table[4][N_STEPS] += 1
    if nonterminal == ANY:
        _need(table, node, ANY, ANY, letters)
    elif more >= is_below:
        _need(table, node, nonterminal, more - is_below, letters)
    else:
        _go(table, goto, node, nonterminal, letters)


@kernel("void(" + TABLE + ", int32[:,::1], i8, i8, int64[::1])")
def _pass_on(table: Table, goto: I32, link: int, fact: int, letters: I64) -> None:
    """Let the node of a link have a need of its source, before some letters."""
    entries = table[0]
    node, is_below = np.int64(entries[link, KEY + 1]), np.int64(entries[link, KEY + 2])
    nonterminal, more = np.int64(entries[fact, KEY + 1]), np.int64(entries[fact, KEY + 2])
    _tell(table, goto, node, is_below, nonterminal, more, letters)


@kernel("void(" + TABLE + "," + SYSTEM + ", i8, int64[::1], int64[::1])")
def _read(table: Table, system: System, node: int, letters: I64, alike: I64) -> None:
    """Read one of some letters in the state of a node. `letters` and `alike`, a set as well, are written to."""
    action, goto, rule_left, rule_length, context, tags, _, behind_first, behind = system
    state, n = np.int64(table[0][node, KEY]), len(tags)
    for letter in range(n):
        act = np.int64(action[state, tags[letter]])
        if act == 0 or not has(letters, letter):
            continue
        for k in range(behind_first[letter], behind_first[letter + 1] if act > 0 else 0):
            if behind[k, 0] == context[act - 1]:
                then = find(table, BETWEEN, act - 1, behind[k, 1], 0)
                find(table, LINK, _find_below(table, state, then), node, 0)
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
            _need(table, node, ANY, ANY, alike)
        elif length > 0:
            _need(table, node, left, length - 1, alike)
        else:
            _go(table, goto, node, left, alike)


@kernel("i8(" + TABLE + "," + SYSTEM + ", i8, int64[::1], int64[::1])")
def find_ahead(table: Table, system: System, state: int, letters: I64, alike: I64) -> int:
    """The number of the node of what is needed ahead of some letters. `letters` and `alike`, a set, are written to."""
    n = table[4][N_ENTRIES]
    node = find(table, AHEAD, state, find_set(table, letters), 0)
    if node >= n:
        _read(table, system, node, letters, alike)
    return int(node)


@kernel("void(" + TABLE + "," + SYSTEM + ", i8, int64[::1], int64[::1])")
def _begin(table: Table, system: System, node: int, letters: I64, alike: I64) -> None:
    """Find what a node has its needs from. `letters` and `alike`, sets, are written to."""
    entries, known, goto = table[0], table[1], system[1]
    tags, block_letters, behind_first, behind = system[5:]
    state, key = np.int64(entries[node, KEY]), np.int64(entries[node, KEY + 1])
    if entries[node, KIND] == ASKED:
        while key > 0:
            need, row = np.int64(entries[key, KEY]), np.int64(entries[entries[key, KEY + 1], ROW])
            nonterminal, more = np.int64(entries[need, KEY]), np.int64(entries[need, KEY + 1])
            _tell(table, goto, node, 1, nonterminal, more, known[row])
            key = np.int64(entries[key, KEY + 2])
        return
    letters[:] = 0
    if key == LIVING:
        add(letters, ENDING)
        _need(table, node, ANY, ANY, letters)
        return
    for letter in range(len(tags)):
        if not has(block_letters[key], letter):
            continue
        if tags[letter] != DROPPED or letter == ENDING:
            add(letters, letter)
        else:
            find(table, LINK, find(table, BETWEEN, state, behind[behind_first[letter], 1], 0), node, 0)
    find(table, LINK, find_ahead(table, system, state, letters, alike), node, 0)


@kernel("i8(" + TABLE + "," + SYSTEM + ", i8)", nogil=True, allocates=True)
def solve(table: Table, system: System, last_step: int) -> int:
    """Go on with what is queued, for some steps.

    Parameters
    ----------
    table : tuple, in and out
        Entries, (capacity, E_RECORD) int32; sets of letters and their members that nothing was done about,
        (capacity, n_words) int64; buckets, see :func:`chain`; counts, (N_COUNTS,) int64.
    system : tuple
        What :class:`detent.grammar.lark.tables.ParserTables` says of actions, gotos, left sides and lengths of rules,
        and contexts; the tags of letters; (n_blocks, n_words) int64, the letters of blocks; (n_letters + 1,) and (n, 2)
        int32: behind letter x, contexts and blocks stand from its number in the first to the next one in the second.
    last_step : int
        Steps at which to stop.

    Returns
    -------
    int
        0, or ``FULL``: there was no room.
    """
    entries, known, fresh, _, counts = table
    goto, tags = system[1], system[5]
    letters, alike = np.zeros(known.shape[1], np.int64), np.zeros(known.shape[1], np.int64)
    while counts[HEAD] > 0:
        e = np.int64(counts[HEAD])
        kind, node, source = entries[e, KIND], _owner(entries, e), np.int64(entries[e, KEY])
        if counts[N_STEPS] >= last_step:
            return 0
        room = ROOM_FOR_LETTER * len(tags) + 6 + entries[node, N_LINKS]
        if kind == LINK:
            room += entries[source, N_FACTS]
        needs = np.int64(entries[e, KEY + 1]) if kind == ASKED else np.int64(0)
        while needs > 0:
            room, needs = room + 1, np.int64(entries[needs, KEY + 2])
        if counts[N_ENTRIES] + room > len(entries):
            return FULL
        counts[N_STEPS] += _pop(entries, counts) > 0
        if kind > LINK:
            letters[:] = fresh[entries[e, ROW]]
            fresh[entries[e, ROW], :] = 0
        if kind == FACT:
            link = np.int64(entries[node, LINKS])
            while link > 0:
                _pass_on(table, goto, link, e, letters)
                link = np.int64(entries[link, NEXT])
        elif kind == LINK:
            entries[e, NEXT], entries[source, LINKS] = entries[source, LINKS], e
            entries[source, N_LINKS] += 1
            fact = np.int64(entries[source, FACTS])
            while fact > 0:
                _pass_on(table, goto, e, fact, known[entries[fact, ROW]])
                fact = np.int64(entries[fact, NEXT])
        elif kind < LINK:
            _begin(table, system, node, letters, alike)
        elif not entries[node, IS_ALIVE]:
            there = find_ahead(table, system, np.int64(entries[e, KEY + 1]), letters, alike)
            find(table, LINK, _find_below(table, np.int64(entries[node, KEY]), there), node, 0)
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
