"""The arena: one int32 array that holds everything the kernels make.

An arena is allocated once, with a fixed capacity for every region, and never moves: memory far from what was touched
costs nothing, readers need no lock, and a cache that is full is simply a region that is full. ``A[STATUS]`` says why a
kernel gave up (``NEED``: a lazy node must be lowered first; ``FULL``: a region is full; ``SHORT``: the matcher's buffer
of keys is too short; ``VALUE``: the value that the text ends with must be known, see :mod:`.suspects`); it stays set
until the caller clears it, and nothing half-made is published.

::

    header | positions, states, memo rows, pairs, hash tables | suffix sets, dense rows, sets | scratch

Each region is three header words: base (absolute index), capacity and used (both in int32 words). Those that grow have
a fourth: up to where a thread makes them resident, ahead of what is used (:func:`soon_used`).
"""

from __future__ import annotations

import numpy as np

from .jit import kernel
from .memory import zeros

STATUS, NEEDED, WORDS, EOS, N_EOS, SPACE_LOOP, FREE_LOOP, MARKED = 0, 1, 2, 3, 4, 5, 6, 7
OK, NEED, FULL, SHORT, VALUE = 0, 1, 2, 3, 4
LENGTHS = 144  # table of free text by number of characters: see tables.py
WAITS, BANNED = 152, 153  # whether a pair waits for another; whether a name closed that is not allowed
FAR = 150  # of the table of a loop set that is being made: P_FAR of pair_table.py
DOT_LOOP, MARKED_DOT = 151, 163  # as FREE_LOOP and MARKED, for the characters of a dot in patterns: see languages.py
BYTE = 154  # a byte that is being tried
RULES = 155  # whether any automaton has calls

# regions: index of the base word; +1 capacity, +2 used, +3 resident where it grows
POS, POS_HASH, STATE, ITEM, STATE_HASH, ROW = 8, 12, 16, 20, 24, 28
SNODE, MEMBER, EDGE, SNODE_HASH = 32, 36, 40, 44
PAIR, PAIR_HASH, DENSE, DENSE_HASH, LIST, RECIPE = 48, 52, 56, 60, 64, 68
HEAP, LAZY, TRIE, SET, SET_HASH = 72, 76, 80, 84, 88
BUFFER, WORK, IDS, COWALK, EXITS, SORT, COUNTS, USED_ROWS, PENDING = 92, 96, 100, 104, 108, 112, 116, 120, 124
SCRATCH = 128  # sixteen words for small searches
SUSPECTS, EXITED, USED_LISTS, LATER = 156, 159, 160, 164  # EXITED: exits taken so far, of a pair or mask
SETS_BEFORE = 167  # words of suffix sets when the mask being made was begun
MERGED, MERGED_HASH, MERGING = 168, 172, 176
MACHINE = 180  # addresses of the kernels that step and read positions of a lexer: see machine.py
# scratch of lexers: see lexer.py, stacks.py, lexed_pairs.py
THREADS, CELLS, ENDED, LEFT, AHEAD, WANTED = 184, 188, 192, 196, 200, 204
BY_EXIT = 208  # scratch: exits with what remains behind them, of a rule that has several
KEPT, AGAIN = 212, 216  # pairs that wait for others (KEPT + 3: the last one): see waiting.py
RUNS = 220  # scratch of sorting
LEADS = 224  # scratch: where first bytes of characters lead, see automaton_pairs.py
HEADER = 228

POS_STRIDE = 8  # kind and seven fields
STATE_STRIDE = 8  # items, n_items, flags, memo row, recipe, suspects, expanded state, spare
TRIE_STRIDE = 6  # byte, first child, number of children, leaf, leaf range
SNODE_STRIDE = 6  # members, n_members, edges, n_edges, height, below
PAIR_STRIDE = 13  # see pair_table.py
MERGED_STRIDE = 3  # two states and the one that unites them; also -exit, parent and where it goes on: see states.py
PAIR_ROWS = 4

# share of the arena's words; hash tables are powers of two
_SHARES = {
    POS: 0.06,
    STATE: 0.08,
    ITEM: 0.04,
    MERGED: 0.005,
    ROW: 0.31,
    SNODE: 0.01,
    MEMBER: 0.035,
    EDGE: 0.03,
    PAIR: 0.05,
    DENSE: 0.12,
    LIST: 0.08,
    RECIPE: 0.04,
    HEAP: 0.04,
    LAZY: 0.01,
    TRIE: 0.03,
    SET: 0.01,
}
REGIONS = tuple(_SHARES)
_HASHES = {
    POS_HASH: 0.02,
    STATE_HASH: 0.02,
    SNODE_HASH: 0.002,
    MERGED_HASH: 0.002,
    PAIR_HASH: 0.008,
    DENSE_HASH: 0.0002,
    SET_HASH: 0.002,
}
_SCRATCH = {
    BUFFER: 1 << 17,
    WORK: 1 << 18,
    COWALK: 1 << 19,
    EXITS: 1 << 19,
    SORT: 1 << 19,
    COUNTS: 512,
    USED_ROWS: 64,
    USED_LISTS: 16,
    PENDING: 1 << 14,
    LATER: 1 << 16,
    MERGING: 1 << 16,
    THREADS: 1 << 17,
    CELLS: 1 << 18,
    AHEAD: 1 << 18,
    WANTED: 1 << 14,
    BY_EXIT: 1 << 16,
    AGAIN: 1 << 16,
    LEADS: 1 << 14,
}


SOON = 1 << 19  # most words of a region that are to be resident before they are used
SOON_SHARE = 16  # and no more than this part of it

# In huge pages: what every mask looks up, and what JSON Schemas fill, whose small pages would be slow to give back. Of
# the others, a grammar uses a little of each, and a huge page takes 0.4 to 7 ms when it is first touched.
_HUGE = (POS, STATE, ITEM, ROW, PAIR, LIST, RECIPE, HEAP, TRIE, *_HASHES)


def allocate(n_bytes: int, n_tokens: int) -> np.ndarray:
    """Lay out an empty arena.

    Parameters
    ----------
    n_bytes : int
        Upper bound of the memory that the arena can ever use, scratch aside.
    n_tokens : int
        Width of the masks in bits.

    Returns
    -------
    numpy.ndarray
        (words,) int32, zero; untouched pages are not resident.
    """
    total = n_bytes // 4
    sizes = {r: int(total * share) for r, share in _SHARES.items()}
    sizes |= {r: 1 << max(10, int(total * share).bit_length() - 1) for r, share in _HASHES.items()}
    sizes |= _SCRATCH | dict.fromkeys((IDS, SUSPECTS, ENDED), 2 * n_tokens + 1024) | {LEFT: 16 * n_tokens + (1 << 16)}
    sizes |= {KEPT: 8 * n_tokens + (1 << 18), RUNS: 16 * n_tokens + (1 << 19)}
    arena = zeros(HEADER + sum(sizes.values()), HEADER + sum(sizes[region] for region in _HUGE))
    base = HEADER
    for region in (*_HUGE, *(region for region in sizes if region not in _HUGE)):
        arena[region : region + 3] = base, sizes[region], 0
        base += sizes[region]
    arena[WORDS] = (n_tokens + 31) // 32
    for region, stride in ((POS, POS_STRIDE), (STATE, STATE_STRIDE), (PAIR, PAIR_STRIDE), (MERGED, MERGED_STRIDE)):
        arena[region + 2] = stride  # identifier 0 is "none"
    return arena


def in_use(arena: np.ndarray) -> dict[str, np.ndarray]:
    """What an arena holds, scratch and hash tables aside: its header and the used part of each region, as views."""
    parts = {"header": arena[:HEADER]}
    for region in _SHARES:
        base, _, used = arena[region : region + 3]
        parts[f"region {region}"] = arena[base : base + used]
    return parts


def snapshot(arena: np.ndarray) -> dict[str, np.ndarray]:
    """All that an arena holds, scratch aside, as arguments of :func:`restore`.

    Returns
    -------
    dict of str to (n,) int32
        ``runs``: where runs of words begin and how many each has, in turns; ``words``: of all runs; ``slots`` and
        ``values``: of the hash tables, what is filled and with what.
    """
    starts = [0, *arena[list(_SHARES)].tolist()]
    parts = [*in_use(arena).values()]
    slots = []
    for region in _HASHES:
        base, size = arena[region : region + 2]
        slots.append(base + np.flatnonzero(arena[base : base + size]))
    filled = np.concatenate(slots).astype(np.int32)
    runs = np.column_stack([starts, [*map(len, parts)]]).astype(np.int32).ravel()
    return {"runs": runs, "words": np.concatenate(parts), "slots": filled, "values": arena[filled]}


@kernel("void(A, A, A, A, A)", nogil=True)
def restore(A, runs, words, slots, values):
    """Put a snapshot into an arena of the same layout that holds nothing but the beginning of it.

    Nobody else may know the arena yet. It runs off the interpreter lock: most of its time are pages touched first.
    """
    done = 0
    for k in range(0, len(runs), 2):
        start, n = runs[k], runs[k + 1]
        for j in range(n):
            A[start + j] = words[done + j]
        done += n
    for k in range(len(slots)):
        A[slots[k]] = values[k]


@kernel("i8(A, A)")
def soon_used(A, runs):
    """What of the regions is used soon and was not made resident yet, which counts as resident from now on.

    A region that has grown is made resident by a part of its size, so that a long life needs few threads.

    Parameters
    ----------
    runs : (2 * len(REGIONS),) int32
        Filled with indices: where each run of words begins and ends.

    Returns
    -------
    int
        How many indices there are.
    """
    n = 0
    for region in REGIONS:
        base, size, used = int(A[region]), int(A[region + 1]), int(A[region + 2])
        ahead = min(SOON, size // SOON_SHARE)
        first = max(used, int(A[region + 3]))
        if first < min(size, used + ahead):
            last = min(size, used + ahead + max(ahead, used // 4))
            runs[n], runs[n + 1] = base + first, base + last
            A[region + 3] = last
            n += 2
    return n


@kernel("i8(A, i8, i8)")
def take(A, region, n):
    """Reserve ``n`` words of a region: absolute index, or -1 with ``FULL`` set."""
    used = int(A[region + 2])
    if used + n > A[region + 1]:
        A[STATUS] = FULL
        return -1
    A[region + 2] = used + n
    return int(A[region]) + used


@kernel("i8(i8, i8)")
def mix(h, x):
    """One round of a multiplicative hash on 63 bits (the same with and without the compiler)."""
    h = ((h ^ x) * 0x2545F4914F6CDD1D) & 0x7FFFFFFFFFFFFFFF
    return h ^ (h >> 29)
