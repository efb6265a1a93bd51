"""The vocabulary as one flat array: every token's bytes and the breadth-first trie over them.

The trie of the tokens ``a``, ``ab`` and ``b`` has four nodes, numbered level by level::

    0 --a--> 1 --b--> 3        child_first = 1 3 4 4 4      token_first = 0 0 1 2 3
    0 --b--> 2                 byte        = 0 a b b        token_ids   = [a] [b] [ab]

so the children of a node, and the tokens that end in it, are both one slice. Whatever reads most of what is below a
node reads it in *preorder* instead (here 0, 1, 3, 2), in which that is one slice, too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from . import key_tokens
from .jit import kernel
from .strings import CHAR, DEAD, utf8_step

V_VERSION = 0
V_TOKENS = 1
V_NODES = 2
V_CHILD = 3
V_BYTE = 4
V_TOKFIRST = 5
V_TOKIDS = 6
V_TOKOFF = 7
V_TOKBYTES = 8
V_HEIGHT = 9
V_BELOW = 10
V_MAXLEN = 11
V_OPENINGS = 12
V_CLOSINGS = 13
V_CHAR = 14
V_PLACE = 15
V_STEP = 16
V_END = 17
V_TOKEN = 18
V_NODE = 19
V_HEADER = 32

LAYOUT_VERSION = 4

NO_TOKEN, SEVERAL = -1, -2  # instead of a token

NO_LEAD = 0x80  # stands for the first byte of a character where a byte belongs to none
STARTS_CHAR = 1 << 8

# Up to this many tokens an insertion sort beats a counting sort with its 257 counters.
_SMALL = 32


@kernel("void(int32[::1], int32[::1], int64, int64)", nogil=True, allocates=True)
def _insertion_sort(keys: npt.NDArray[np.int32], ids: npt.NDArray[np.int32], start: int, stop: int) -> None:
    """Sort ``keys[start:stop]`` in place, stably, and move ``ids`` along. Quadratic in ``stop - start``."""
    for i in range(start + 1, stop):
        key, token = keys[i], ids[i]
        j = i
        while j > start and keys[j - 1] > key:
            keys[j], ids[j] = keys[j - 1], ids[j - 1]
            j -= 1
        keys[j], ids[j] = key, token


@kernel("void(int32[::1], int32[::1], int64, int64, int32[::1])", nogil=True, allocates=True)
def _counting_sort(
    keys: npt.NDArray[np.int32], ids: npt.NDArray[np.int32], start: int, stop: int, spare: npt.NDArray[np.int32]
) -> None:
    """Sort ``keys[start:stop]``, all in 0..256, in place, stably, and move ``ids`` along. Linear.

    ``spare`` is scratch of at least ``2 * (stop - start)`` entries.
    """
    size = stop - start
    begin = np.zeros(258, np.int64)
    for i in range(start, stop):
        spare[i - start], spare[size + i - start] = keys[i], ids[i]
        begin[keys[i] + 1] += 1
    for key in range(257):
        begin[key + 1] += begin[key]
    for i in range(size):
        target = start + begin[spare[i]]
        begin[spare[i]] += 1
        keys[target], ids[target] = spare[i], spare[size + i]


@kernel("(uint8[::1], int32[::1])", nogil=True, allocates=True)
def build_trie(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int32]) -> tuple[npt.NDArray[np.int32], ...]:
    """Build the breadth-first trie of a list of tokens.

    Parameters
    ----------
    data : (n_bytes,) uint8
        The bytes of all tokens, one after the other.
    offsets : (n_tokens + 1,) int32
        Token ``i`` is ``data[offsets[i]:offsets[i + 1]]``; empty tokens are left out.

    Returns
    -------
    child_first : (n_nodes + 1,) int32
        The children of node ``i`` are ``child_first[i] .. child_first[i + 1] - 1``, by ascending byte.
    byte : (n_nodes,) int32
        The byte on the edge into each node (0 for the root).
    token_first : (n_nodes + 1,) int32
        The tokens that end at node ``i`` are ``token_ids[token_first[i]:token_first[i + 1]]``, ascending.
    token_ids : (n_matchable,) int32
    height : (n_nodes,) int32
        Length in bytes of the longest path below each node.
    below : (n_nodes,) int32
        Number of tokens that end at strict descendants of each node.

    Notes
    -----
    A most-significant-digit radix sort carried out breadth first: a node is the slice of ``ids`` that shares its
    prefix, and sorting that slice by the next byte yields its children. Time and memory are linear in ``n_bytes``.
    """
    ids = np.empty(offsets.size - 1, np.int32)
    n_ids = 0
    for token in range(offsets.size - 1):
        if offsets[token] < offsets[token + 1]:
            ids[n_ids] = token
            n_ids += 1
    keys = np.empty(n_ids, np.int32)
    spare = np.empty(2 * n_ids, np.int32)
    capacity = data.size + 1
    start, stop = np.empty(capacity, np.int32), np.empty(capacity, np.int32)
    child_first, byte = np.empty(capacity + 1, np.int32), np.empty(capacity, np.int32)
    token_first, token_ids = np.empty(capacity + 1, np.int32), np.empty(n_ids, np.int32)
    below = np.empty(capacity, np.int32)

    n_nodes, n_ended, depth, level = 1, 0, 0, 0
    start[0], stop[0], byte[0] = 0, n_ids, 0
    while level < n_nodes:
        level_end = n_nodes
        for node in range(level, level_end):
            a, b = int(start[node]), int(stop[node])
            # Key 0: the token ends here; otherwise one more than its next byte.
            for i in range(a, b):
                at = offsets[ids[i]] + depth
                keys[i] = 0 if at == offsets[ids[i] + 1] else 1 + int(data[at])
            if b - a <= _SMALL:
                _insertion_sort(keys, ids, a, b)
            else:
                _counting_sort(keys, ids, a, b, spare)

            token_first[node], child_first[node] = n_ended, n_nodes
            i = a
            while i < b and keys[i] == 0:
                token_ids[n_ended] = ids[i]
                n_ended += 1
                i += 1
            below[node] = b - i
            while i < b:
                key = keys[i]
                start[n_nodes], byte[n_nodes] = i, key - 1
                while i < b and keys[i] == key:
                    i += 1
                stop[n_nodes] = i
                n_nodes += 1
        level = level_end
        depth += 1
    child_first[n_nodes], token_first[n_nodes] = n_nodes, n_ended

    height = np.zeros(n_nodes, np.int32)
    for node in range(n_nodes - 1, -1, -1):
        for child in range(child_first[node], child_first[node + 1]):
            height[node] = max(height[node], height[child] + 1)
    return (
        child_first[: n_nodes + 1].copy(),
        byte[:n_nodes].copy(),
        token_first[: n_nodes + 1].copy(),
        token_ids,
        height,
        below[:n_nodes].copy(),
    )


@kernel("int32[::1](int32[::1], int32[::1])", allocates=True)
def characters(child_first: npt.NDArray[np.int32], byte: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Which character each byte of the trie belongs to.

    The text before a token, or before some bytes of it, is taken to end between characters. O(nodes).

    Parameters
    ----------
    child_first, byte
        As in :func:`build_trie`.

    Returns
    -------
    (n_nodes,) int32
        The first byte of the character that the byte of a node belongs to, ``NO_LEAD`` where no UTF-8 goes on with it;
        plus ``STARTS_CHAR`` where it is that byte.
    """
    found = np.full(byte.size, NO_LEAD, np.int32)
    modes = np.zeros(byte.size, np.int64)
    for node in range(byte.size):
        for c in range(child_first[node], child_first[node + 1]):
            mode = modes[node]
            r = utf8_step(mode, int(byte[c]))
            if r != DEAD:
                found[c] = byte[c] | STARTS_CHAR if mode == 0 else found[node] & 0xFF
                modes[c] = 0 if r >= CHAR else r
    return found


@kernel("UniTuple(int32[::1], 5)(int32[::1], int32[::1], int32[::1], int32[::1])", nogil=True, allocates=True)
def preorder(
    child_first: npt.NDArray[np.int32],
    byte: npt.NDArray[np.int32],
    token_first: npt.NDArray[np.int32],
    token_ids: npt.NDArray[np.int32],
) -> tuple[npt.NDArray[np.int32], ...]:
    """The trie with each node before its descendants, children by ascending byte. O(nodes).

    Parameters
    ----------
    child_first, byte, token_first, token_ids
        As in :func:`build_trie`.

    Returns
    -------
    place : (n_nodes,) int32
        Where each node stands.
    step : (n_nodes,) int32
        Of what stands at each place, the byte, and 256 times the depth.
    end : (n_nodes,) int32
        The place behind its last descendant.
    token : (n_nodes,) int32
        The token that ends there, ``NO_TOKEN`` or ``SEVERAL``.
    node : (n_nodes,) int32
    """
    n = byte.size
    place, step, end, token = np.zeros(n, np.int32), np.zeros(n, np.int32), np.zeros(n, np.int32), np.zeros(n, np.int32)
    node, size = np.zeros(n, np.int32), np.ones(n, np.int32)
    for x in range(n - 1, -1, -1):
        for c in range(child_first[x], child_first[x + 1]):
            size[x] += size[c]
    for x in range(n):
        at, first = place[x], token_first[x]
        n_tokens = token_first[x + 1] - first
        end[at], node[at], step[at] = at + size[x], x, step[at] | byte[x]
        token[at] = NO_TOKEN if n_tokens == 0 else token_ids[first] if n_tokens == 1 else SEVERAL
        to = at + 1
        for c in range(child_first[x], child_first[x + 1]):
            place[c], step[to] = to, ((step[at] >> 8) + 1) << 8
            to += size[c]
    return place, step, end, token, node


def pack(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Lay a vocabulary and its trie out in the one array that the kernels read.

    Parameters
    ----------
    data, offsets
        As in :func:`build_trie`.

    Returns
    -------
    (V_HEADER + ...,) int32
        Entries ``V_VERSION``, ``V_TOKENS``, ``V_NODES`` and ``V_MAXLEN`` of the header are numbers, the others are the
        positions of the arrays named in :func:`build_trie`, of ``offsets`` (``V_TOKOFF``), of ``data``
        (``V_TOKBYTES``, one byte an entry), of :func:`characters` (``V_CHAR``), those of :func:`preorder` (``V_PLACE``
        to ``V_NODE``), and the tables of :mod:`detent.native.key_tokens`.
    """
    child_first, byte, token_first, token_ids, height, below = build_trie(data, offsets)
    header = np.zeros(V_HEADER, np.int32)
    header[V_VERSION], header[V_TOKENS], header[V_NODES] = LAYOUT_VERSION, offsets.size - 1, byte.size
    header[V_MAXLEN] = height[0]
    parts: dict[int, npt.NDArray[np.integer[Any]]] = {
        V_CHILD: child_first,
        V_BYTE: byte,
        V_TOKFIRST: token_first,
        V_TOKIDS: token_ids,
        V_TOKOFF: offsets,
        V_HEIGHT: height,
        V_BELOW: below,
        V_CHAR: characters(child_first, byte),
        V_TOKBYTES: data,
        V_OPENINGS: key_tokens.openings(data, offsets),
        V_CLOSINGS: key_tokens.closings(data, offsets, child_first, byte),
    }
    fields = V_PLACE, V_STEP, V_END, V_TOKEN, V_NODE
    parts |= zip(fields, preorder(child_first, byte, token_first, token_ids), strict=True)
    position = V_HEADER
    for field, part in parts.items():
        header[field] = position
        position += part.size
    return np.concatenate([header, *parts.values()], dtype=np.int32)
