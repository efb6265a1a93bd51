"""Suffix sets: what is left of tokens after their first bytes have been read, over the one trie of the vocabulary.

A set is named by a number. Below the number of trie nodes it is that node: the suffixes are the paths strictly below
it. From there on it is a *merged* set, the union of several nodes, with a record in the arena; its children are
grouped by byte when it is first walked, so merging costs what is looked at (a lazy subset construction on the trie).

Record: members (absolute index), number, edges (absolute index, 0 until grouped), number, height, tokens below.
Edge: byte, set of suffixes below (-1: none), tokens that end there (absolute index), number.
"""

from __future__ import annotations

from .arena import (
    COUNTS,
    EDGE,
    FULL,
    LIST,
    MEMBER,
    RUNS,
    SNODE,
    SNODE_HASH,
    SNODE_STRIDE,
    SORT,
    STATUS,
    mix,
    take,
)
from .jit import kernel
from .trie import V_BELOW, V_BYTE, V_CHILD, V_HEIGHT, V_NODES, V_TOKFIRST, V_TOKIDS

EDGE_STRIDE = 4
FEW_EDGES = 20  # edges up to which they are sorted one by one


@kernel("i8(A, A, i8)")
def height(A, V, x):
    """Length in bytes of the longest suffix."""
    nodes = int(V[V_NODES])
    if x < nodes:
        return int(V[V[V_HEIGHT] + x])
    return int(A[A[SNODE] + (x - nodes) * SNODE_STRIDE + 4])


@kernel("i8(A, A, i8)")
def below(A, V, x):
    """Number of tokens with a non-empty suffix in the set."""
    nodes = int(V[V_NODES])
    if x < nodes:
        return int(V[V[V_BELOW] + x])
    return int(A[A[SNODE] + (x - nodes) * SNODE_STRIDE + 5])


@kernel("UniTuple(i8, 2)(A, A, i8)")
def members(A, V, x):
    """Where the trie nodes of a set are listed (a plain node is not) and how many they are."""
    nodes = int(V[V_NODES])
    if x < nodes:
        return 0, 1
    at = int(A[SNODE]) + (x - nodes) * SNODE_STRIDE
    return int(A[at]), int(A[at + 1])


@kernel("i8(A, A, i8, i8)")
def list_members(A, V, x, to):
    """Copy the trie nodes of a set to ``to``: how many they are."""
    at, n = members(A, V, x)
    if x < V[V_NODES]:
        A[to] = x
        return 1
    for j in range(n):
        A[to + j] = A[at + j]
    return n


@kernel("i8(A, i8, i8, i8)")
def run_end(A, base, start, n):
    """Where the ascending run that begins at ``start`` of ``n`` words ends."""
    end = start + 1
    while end < n and A[base + end - 1] <= A[base + end]:
        end += 1
    return min(end, n)


@kernel("i8(A, i8, i8, i8)")
def _merge_runs(A, base, to, n):
    """Merge each two ascending runs that follow each other from ``base`` to ``to``: how many runs there are then."""
    start, runs = 0, 0
    while start < n:
        middle = run_end(A, base, start, n)
        end = run_end(A, base, middle, n)
        j, k = start, middle
        for place in range(to + start, to + end):
            if k >= end or (j < middle and A[base + j] <= A[base + k]):
                A[place] = A[base + j]
                j += 1
            else:
                A[place] = A[base + k]
                k += 1
        start, runs = end, runs + 1
    return runs


@kernel("void(A, i8, i8)")
def sort_words(A, base, n):
    """Natural merge sort of ``n`` words in place, ascending: unions are of few lists in order. O(n log(runs))."""
    source, to, runs = base, int(A[RUNS]), n
    if n > A[RUNS + 1]:
        A[STATUS] = FULL
        return
    while runs > 1:
        runs = _merge_runs(A, source, to, n)
        source, to = to, source
    if source != base:
        for j in range(n):
            A[base + j] = A[source + j]


@kernel("i8(A, A, i8, i8)")
def _new_set(A, V, nodes_at, n):
    """The record of a set of the ``n`` trie nodes at ``nodes_at``, without edges; -1 with ``FULL`` set."""
    at, kept = take(A, SNODE, SNODE_STRIDE), take(A, MEMBER, n)
    if at < 0 or kept < 0:
        return -1
    tall, total = 0, 0
    for j in range(n):
        node = int(A[nodes_at + j])
        A[kept + j] = node
        tall = max(tall, int(V[V[V_HEIGHT] + node]))
        total += int(V[V[V_BELOW] + node])
    A[at], A[at + 1], A[at + 2], A[at + 3], A[at + 4], A[at + 5] = kept, n, 0, 0, tall, total
    return at


@kernel("i8(A, A, i8, i8)")
def suffix_set(A, V, base, n):
    """The set united from ``n`` trie nodes at ``base`` (reordered in place): its number, or -1 when nothing is left."""
    nodes, child = int(V[V_NODES]), int(V[V_CHILD])
    kept = 0
    for j in range(n):
        node = int(A[base + j])
        if V[child + node] < V[child + node + 1]:
            A[base + kept] = node
            kept += 1
    if kept == 0:
        return -1
    sorted_already = True
    for j in range(1, kept):
        if A[base + j - 1] >= A[base + j]:
            sorted_already = False
            break
    if not sorted_already:
        sort_words(A, base, kept)
    n, h = 1, mix(kept, int(A[base]))
    for j in range(1, kept):
        if A[base + j] != A[base + n - 1]:
            A[base + n] = A[base + j]
            n += 1
            h = mix(h, int(A[base + j]))
    if n == 1:
        return int(A[base])
    size, table, sets = int(A[SNODE_HASH + 1]), int(A[SNODE_HASH]), int(A[SNODE])
    slot = (h >> 11) & (size - 1)
    while A[table + slot] != 0:
        number = int(A[table + slot]) - 1
        at = sets + number * SNODE_STRIDE
        if A[at + 1] == n:
            members, same = int(A[at]), True
            for j in range(n):
                if A[members + j] != A[base + j]:
                    same = False
                    break
            if same:
                return nodes + number
        slot = (slot + 1) & (size - 1)
    at = _new_set(A, V, base, n)
    if at < 0 or A[SNODE + 2] > size * (SNODE_STRIDE // 2):
        A[STATUS] = FULL
        return -1
    number = (at - sets) // SNODE_STRIDE
    A[table + slot] = number + 1
    return nodes + number


@kernel("i8(A, A, i8, i8, i8)")
def subtract(A, V, x, nodes_at, n):
    """The set ``x`` (-1: none) without the ``n`` trie nodes at ``nodes_at``, which are sorted; -1: nothing is left."""
    if n == 0:
        return x
    if x < V[V_NODES]:
        for j in range(n):
            if A[nodes_at + j] == x:
                return -1
        return x
    sort_words(A, nodes_at, n)
    at = int(A[SNODE]) + (x - int(V[V_NODES])) * SNODE_STRIDE
    members, pool, kept = int(A[at]), int(A[SORT]), 0
    j = 0
    for k in range(int(A[at + 1])):
        node = A[members + k]
        while j < n and A[nodes_at + j] < node:
            j += 1
        if j == n or A[nodes_at + j] != node:
            A[pool + kept] = node
            kept += 1
    return suffix_set(A, V, pool, kept)


@kernel("i8(A, A, i8, i8)")
def intersection(A, V, x, y):
    """The trie nodes that two sets (-1: none) have in common; -1: there are none."""
    if x == y or x < 0 or y < 0:
        return x if x == y else -1
    pool, end = int(A[SORT]), int(A[SORT]) + int(A[SORT + 1])
    n = list_members(A, V, x, pool)
    m = list_members(A, V, y, pool + n)
    if pool + n + m > end:
        A[STATUS] = FULL
        return -1
    kept, j = 0, 0
    for k in range(n):
        node = A[pool + k]
        while j < m and A[pool + n + j] < node:
            j += 1
        if j < m and A[pool + n + j] == node:
            A[pool + kept] = node
            kept += 1
    return suffix_set(A, V, pool, kept)


@kernel("UniTuple(i8, 2)(A, A, i8, i8, i8)")
def _tokens_at(A, V, pool, start, stop):
    """Copy the tokens that end at the nodes ``pool[start:stop]`` to a list: its place and length."""
    first, ids = int(V[V_TOKFIRST]), int(V[V_TOKIDS])
    n = 0
    for j in range(start, stop):
        node = int(A[pool + j])
        n += V[first + node + 1] - V[first + node]
    at = take(A, LIST, n)
    if at < 0:
        return 0, 0
    k = at
    for j in range(start, stop):
        node = int(A[pool + j])
        for t in range(int(V[first + node]), int(V[first + node + 1])):
            A[k] = V[ids + t]
            k += 1
    return at, n


@kernel("void(A, A, i8, i8, i8)")
def _sort_by_byte(A, V, nodes_at, n, pool):
    """Copy ``n`` trie nodes to ``pool``, stably sorted by their bytes. O(n), or O(n^2) for few."""
    node_byte, counts = int(V[V_BYTE]), int(A[COUNTS])
    if n <= FEW_EDGES:
        for j in range(n):
            node, k = A[nodes_at + j], pool + j
            b = V[node_byte + node]
            while k > pool and V[node_byte + A[k - 1]] > b:
                A[k] = A[k - 1]
                k -= 1
            A[k] = node
        return
    for b in range(257):
        A[counts + b] = 0
    for j in range(n):
        A[counts + V[node_byte + A[nodes_at + j]] + 1] += 1
    for b in range(256):
        A[counts + b + 1] += A[counts + b]
    for j in range(n):
        b = int(V[node_byte + A[nodes_at + j]])
        A[pool + A[counts + b]] = A[nodes_at + j]
        A[counts + b] += 1


@kernel("void(A, A, i8, i8, i8)")
def _keep_edges(A, V, at, nodes_at, n):
    """Make the edges of the set at ``at``: they lead to the ``n`` trie nodes at ``nodes_at``, sorted by byte here."""
    node_byte, pool, distinct = int(V[V_BYTE]), int(A[SORT]), 1
    _sort_by_byte(A, V, nodes_at, n, pool)
    for j in range(1, n):
        distinct += V[node_byte + A[pool + j]] != V[node_byte + A[pool + j - 1]]
    first = take(A, EDGE, distinct * EDGE_STRIDE)
    if first < 0:
        return
    start = 0
    for e in range(distinct):
        b, stop = int(V[node_byte + A[pool + start]]), start + 1
        while stop < n and V[node_byte + A[pool + stop]] == b:
            stop += 1
        tokens, n_tokens = _tokens_at(A, V, pool, start, stop)
        edge = first + e * EDGE_STRIDE
        A[edge], A[edge + 2], A[edge + 3] = b, tokens, n_tokens
        A[edge + 1] = suffix_set(A, V, pool + start, stop - start)
        start = stop
    if A[STATUS] == 0:
        A[at + 2], A[at + 3] = first, distinct


@kernel("i8(A, A, i8)")
def edges(A, V, x):
    """Record of a merged set with its edges grouped; 0 with ``FULL`` set. O(children of the members)."""
    at = int(A[SNODE]) + (x - int(V[V_NODES])) * SNODE_STRIDE
    if A[at + 2] != 0:
        return at
    members, n, child = int(A[at]), int(A[at + 1]), int(V[V_CHILD])
    total, most = 0, int(A[SORT + 1]) // 2
    pool = int(A[SORT]) + most
    for j in range(n):
        node = int(A[members + j])
        first, stop = int(V[child + node]), int(V[child + node + 1])
        if total + stop - first > most:
            A[STATUS] = FULL
            return 0
        for c in range(first, stop):
            A[pool + total] = c
            total += 1
    _keep_edges(A, V, at, pool, total)
    return at if A[STATUS] == 0 else 0


@kernel("i8(A, A, i8, i8, i8, i8)")
def set_behind(A, V, nodes_at, n, parents_at, n_parents):
    """A set of the ``n_parents`` trie nodes at ``parents_at``, of whose edges only some are kept; -1: there are none.

    The edges lead to the ``n`` nodes at ``nodes_at``. The set is shared by whoever keeps its number; it is not sorted.
    """
    if n == 0:
        return -1
    at = _new_set(A, V, parents_at, n_parents)
    if at < 0 or n > A[SORT + 1]:
        A[STATUS] = FULL
        return -1
    _keep_edges(A, V, at, nodes_at, n)
    return int(V[V_NODES]) + (at - int(A[SNODE])) // SNODE_STRIDE


@kernel("i8(A, i8, i8, i8)")
def rank(A, base, n, least):
    """How many of ``n`` ascending words at ``base`` are below a number. O(log n)."""
    lo, hi = 0, n
    while lo < hi:
        mid = (lo + hi) >> 1
        if A[base + mid] < least:
            lo = mid + 1
        else:
            hi = mid
    return lo


@kernel("i8(A, i8, i8)")
def trie_edge(V, node, b):
    """Child of a node of the vocabulary's trie along a byte, or -1. O(log children)."""
    child, node_byte = int(V[V_CHILD]) + node, int(V[V_BYTE])
    first, end = int(V[child]), int(V[child + 1])
    edge = first + rank(V, node_byte + first, end - first, b)
    return edge if edge < end and V[node_byte + edge] == b else -1


@kernel("i8(A, i8)")
def trie_parent(V, node):
    """The node of the vocabulary's trie whose child a node is. O(log nodes)."""
    child = int(V[V_CHILD])
    lo, hi = 0, node
    while hi - lo > 1:
        mid = (lo + hi) >> 1
        if V[child + mid] <= node:
            lo = mid
        else:
            hi = mid
    return lo


@kernel("UniTuple(i8, 2)(A, A, i8)")
def edge_range(A, V, x):
    """The edges of a suffix set, first and behind the last, by ascending byte.

    An edge is named by the trie node that it leads to, or beyond their number by its place among those of merged sets.
    """
    nodes = int(V[V_NODES])
    if x < nodes:
        return int(V[V[V_CHILD] + x]), int(V[V[V_CHILD] + x + 1])
    at = edges(A, V, x)
    if at == 0:
        return 0, 0
    first = nodes + (int(A[at + 2]) - int(A[EDGE])) // EDGE_STRIDE
    return first, first + int(A[at + 3])


@kernel("i8(A, A, i8)")
def edge_byte(A, V, edge):
    """The byte of an edge."""
    nodes = int(V[V_NODES])
    return int(V[V[V_BYTE] + edge]) if edge < nodes else int(A[A[EDGE] + (edge - nodes) * EDGE_STRIDE])


@kernel("i8(A, A, i8)")
def edge_rest(A, V, edge):
    """The suffixes behind an edge, -1 when there are none."""
    nodes, child = int(V[V_NODES]), int(V[V_CHILD])
    if edge < nodes:
        return edge if V[child + edge] < V[child + edge + 1] else -1
    return int(A[A[EDGE] + (edge - nodes) * EDGE_STRIDE + 1])


@kernel("UniTuple(i8, 2)(A, A, i8)")
def edge_tokens(A, V, edge):
    """The tokens that end at an edge: where they are listed (in ``V`` for a trie node, else in ``A``), their number."""
    nodes = int(V[V_NODES])
    if edge < nodes:
        start = int(V[V[V_TOKFIRST] + edge])
        return int(V[V_TOKIDS]) + start, int(V[V[V_TOKFIRST] + edge + 1]) - start
    at = int(A[EDGE]) + (edge - nodes) * EDGE_STRIDE
    return int(A[at + 2]), int(A[at + 3])


@kernel("i8(A, A, i8, i8)")
def edge_along(A, V, x, b):
    """The edge of a suffix set along a byte, or -1. O(log edges)."""
    if x < V[V_NODES]:
        return trie_edge(V, x, b)
    lo, end = edge_range(A, V, x)
    hi = end
    while lo < hi:
        mid = (lo + hi) >> 1
        if edge_byte(A, V, mid) < b:
            lo = mid + 1
        else:
            hi = mid
    return lo if lo < end and edge_byte(A, V, lo) == b else -1
