"""Fronts: suffix sets that begin at some edges of the vocabulary's trie, or a few bytes before them.

A token of a lexer ends where the lexer dies, and that is known one byte late or more: what is left of a vocabulary
token begins *with* the edge that killed the lexer, after the bytes since the last match. A front is a set of members,
two words each: what is read last (``BELOW``: all suffixes of a set; ``EDGE``: one edge and what is below; ``ONLY``: the
tokens that end at one edge), and before it the *prefix*, a chain of ``K_BYTE`` cells, the first byte first (0: none).

Large sets behind one byte are not merged: such a front has several edges with one byte.

A front has a number and a record like a merged set (:mod:`.suffixes`), with the negative number of members; once its
edges are grouped by byte (:func:`open_set`), it is read like any other.
"""

from __future__ import annotations

from .arena import (
    COUNTS,
    FULL,
    LEFT,
    LIST,
    MEMBER,
    SNODE,
    SNODE_HASH,
    SNODE_STRIDE,
    SORT,
    STATUS,
    mix,
    take,
)
from .arena import (
    EDGE as EDGES,
)
from .jit import kernel
from .lexer import field
from .states import sort_items
from .suffixes import EDGE_STRIDE, below, edge_byte, edge_range, edge_rest, edge_tokens, members, suffix_set
from .trie import V_NODES

BELOW, EDGE, ONLY = 0, 1, 2
PREFIX = 4  # factor of the prefix in a member's second word
ALONE_FROM = 64  # tokens below a set from which it gets an edge of its own instead of being merged with others
FEW = 8  # members of a merged set up to which they are looked at one by one: what is large has pairs already
FEW_EDGES = 16  # edges in the making up to which they are sorted one by one
ROW = 4  # words of an edge in the making: edge (-1: none), rest and its code (-1: none), byte


@kernel("b1(A, A, i8)")
def is_front(A, V, x):
    """Whether a suffix set is a front."""
    return x >= V[V_NODES] and A[int(A[SNODE]) + (x - int(V[V_NODES])) * SNODE_STRIDE + 1] < 0


@kernel("i8(A, A, i8, i8)")
def plain_union(A, V, base, n):
    """The union of the sets that ``n`` members ``BELOW`` name (none of them a front); -1: nothing is left."""
    nodes, at = int(V[V_NODES]), base + 2 * n
    k = 0
    for j in range(n):
        x = int(A[base + 2 * j])
        if x < nodes:
            A[at + k] = x
            k += 1
        else:
            record = int(A[SNODE]) + (x - nodes) * SNODE_STRIDE
            if at + k + A[record + 1] >= A[SORT] + A[SORT + 1] and base < A[LEFT]:
                A[STATUS] = FULL
                return -1
            for m in range(int(A[record + 1])):
                A[at + k] = A[int(A[record]) + m]
                k += 1
    return suffix_set(A, V, at, k)


@kernel("i8(A, A, i8, i8)")
def front(A, V, base, n):
    """The set of ``n`` members at ``base`` (reordered in place, with room behind them): its number; -1: empty.

    Members without a prefix that are fronts themselves were replaced by their members before.
    """
    nodes = int(V[V_NODES])
    sort_items(A, base, n)
    kept, plain = 0, True
    for j in range(n):
        x, code = A[base + 2 * j], A[base + 2 * j + 1]
        if kept and A[base + 2 * kept - 2] == x and A[base + 2 * kept - 1] == code:
            continue
        A[base + 2 * kept], A[base + 2 * kept + 1] = x, code
        kept += 1
        plain = plain and code == BELOW
    if plain:
        return plain_union(A, V, base, kept)
    h = mix(11, kept)
    for j in range(2 * kept):
        h = mix(h, int(A[base + j]))
    size, table, sets = int(A[SNODE_HASH + 1]), int(A[SNODE_HASH]), int(A[SNODE])
    slot = (h >> 11) & (size - 1)
    while A[table + slot] != 0:
        number = int(A[table + slot]) - 1
        at = sets + number * SNODE_STRIDE
        if A[at + 1] == -kept:
            listed, same = int(A[at]), True
            for j in range(2 * kept):
                if A[listed + j] != A[base + j]:
                    same = False
                    break
            if same:
                return nodes + number
        slot = (slot + 1) & (size - 1)
    at, listed = take(A, SNODE, SNODE_STRIDE), take(A, MEMBER, 2 * kept)
    if at < 0 or listed < 0 or A[SNODE + 2] > size * (SNODE_STRIDE // 2):
        A[STATUS] = FULL
        return -1
    for j in range(2 * kept):
        A[listed + j] = A[base + j]
    A[at], A[at + 1], A[at + 2], A[at + 3], A[at + 4], A[at + 5] = listed, -kept, 0, 0, 0, 0
    number = (at - sets) // SNODE_STRIDE
    A[table + slot] = number + 1
    return nodes + number


@kernel("i8(A, i8, i8, i8, i8, i8)")
def _place(A, n, b, edge, rest, code):
    """Add an edge in the making to ``n`` of them, in the upper half of region SORT: how many there are then."""
    half = int(A[SORT + 1]) // 2
    at = int(A[SORT]) + half + ROW * n
    if ROW * n + ROW > half:
        A[STATUS] = FULL
        return n
    A[at], A[at + 1], A[at + 2], A[at + 3] = edge, rest, code, b
    return n + 1


@kernel("i8(A, A, i8, i8, i8)")
def _place_edge(A, V, total, edge, rest):
    """Add an edge to ``total`` edges in the making, once for each member of what is behind it: their number then."""
    b = edge_byte(A, V, edge)
    if rest < V[V_NODES] or is_front(A, V, rest) or members(A, V, rest)[1] > FEW:
        return _place(A, total, b, edge, rest, BELOW)
    at, n = members(A, V, rest)
    for j in range(n):
        total = _place(A, total, b, edge if j == 0 else -1, int(A[at + j]), BELOW)
    return total


@kernel("i8(A, A, i8, i8)")
def _expand(A, V, base, n):
    """The edges of ``n`` members at ``base``, as edges in the making: how many there are."""
    total = 0
    for j in range(n):
        x, code = int(A[base + 2 * j]), int(A[base + 2 * j + 1])
        prefix, kind = code // PREFIX, code % PREFIX
        if prefix != 0:
            b, code = field(A, prefix, 1), field(A, prefix, 2) * PREFIX + kind
            total = _place(A, total, b, -1, x, code)
        elif kind == BELOW:
            first, last = edge_range(A, V, x)
            for e in range(first, last):
                total = _place_edge(A, V, total, e, edge_rest(A, V, e))
        else:
            total = _place_edge(A, V, total, x, edge_rest(A, V, x) if kind == EDGE else -1)
    return total


@kernel("void(A, i8, i8)")
def _copy_row(A, source, to):
    """Copy one edge in the making."""
    A[to], A[to + 1], A[to + 2], A[to + 3] = A[source], A[source + 1], A[source + 2], A[source + 3]


@kernel("i8(A, i8)")
def _sort_by_byte(A, n):
    """Move ``n`` edges in the making to the lower half of region SORT, stably sorted: how many bytes they have."""
    to, counts, distinct = int(A[SORT]), int(A[COUNTS]), 0
    source = to + int(A[SORT + 1]) // 2
    if n <= FEW_EDGES:
        for j in range(n):
            b, k = A[source + ROW * j + 3], j
            while k > 0 and A[to + ROW * k - 1] > b:
                _copy_row(A, to + ROW * k - ROW, to + ROW * k)
                k -= 1
            _copy_row(A, source + ROW * j, to + ROW * k)
        for j in range(n):
            distinct += j == 0 or A[to + ROW * j + 3] != A[to + ROW * j - 1]
        return distinct
    for b in range(257):
        A[counts + b] = 0
    for j in range(n):
        A[counts + A[source + ROW * j + 3] + 1] += 1
    for b in range(256):
        distinct += A[counts + b + 1] > 0
        A[counts + b + 1] += A[counts + b]
    for j in range(n):
        at = counts + int(A[source + ROW * j + 3])
        _copy_row(A, source + ROW * j, to + ROW * int(A[at]))
        A[at] += 1
    return distinct


@kernel("i8(A, A, i8, i8)")
def _tokens(A, V, start, stop):
    """List the tokens that end at edges in the making, two words behind the place returned being the length."""
    n = 0
    for j in range(start, stop):
        edge = int(A[int(A[SORT]) + ROW * j])
        if edge >= 0:
            n += edge_tokens(A, V, edge)[1]
    at = take(A, LIST, n + 1)
    if at < 0:
        return 0
    A[at] = n
    k = at + 1
    for j in range(start, stop):
        edge = int(A[int(A[SORT]) + ROW * j])
        if edge >= 0:
            source, m = edge_tokens(A, V, edge)
            for t in range(m):
                A[k + t] = V[source + t] if edge < V[V_NODES] else A[source + t]
            k += m
    return at


@kernel("i8(A, A, i8, i8, i8)")
def with_members(A, V, base, n, x):
    """Add the members of the front ``x`` to ``n`` members at ``base``: how many there are then."""
    at = int(A[SNODE]) + (x - int(V[V_NODES])) * SNODE_STRIDE
    listed, more = int(A[at]), -int(A[at + 1])
    for j in range(2 * more):
        A[base + 2 * n + j] = A[listed + j]
    return n + more


@kernel("b1(A, A, i8)")
def is_alone(A, V, at):
    """Whether the rest of an edge in the making (its words at ``at``) is large, and not merged with others."""
    x = int(A[at + 1])
    return x >= 0 and A[at + 2] == BELOW and not is_front(A, V, x) and below(A, V, x) >= ALONE_FROM


@kernel("i8(A, A, i8, i8, i8)")
def _rest(A, V, start, stop, total):
    """The set behind some edges in the making: its number, or -1."""
    base, n = int(A[SORT]) + ROW * total, 0
    for j in range(start, stop):
        at = int(A[SORT]) + ROW * j
        x, code = int(A[at + 1]), int(A[at + 2])
        if x < 0 or is_alone(A, V, at):
            continue
        if code == BELOW and is_front(A, V, x):
            n = with_members(A, V, base, n, x)
        else:
            A[base + 2 * n], A[base + 2 * n + 1] = x, code
            n += 1
        if base + 2 * n > A[SORT] + A[SORT + 1] * 3 // 4:
            A[STATUS] = FULL
            return -1
    return front(A, V, base, n) if n else -1


@kernel("b1(A, A, i8)")
def open_set(A, V, x):
    """Group the edges of a set, if it is a front and this was not done before; False with ``FULL`` set."""
    if not is_front(A, V, x):
        return True
    at = int(A[SNODE]) + (x - int(V[V_NODES])) * SNODE_STRIDE
    if A[at + 2] != 0:
        return True
    listed, n = int(A[at]), -int(A[at + 1])
    for j in range(n):  # what is merged is grouped first: it uses the same scratch
        if A[listed + 2 * j + 1] == BELOW:
            edge_range(A, V, int(A[listed + 2 * j]))
    total = _expand(A, V, listed, n)
    if A[STATUS] != 0:
        return False
    distinct = _sort_by_byte(A, total)
    for j in range(total):
        distinct += is_alone(A, V, int(A[SORT]) + ROW * j)
    first, start, tokens_below = take(A, EDGES, distinct * EDGE_STRIDE), 0, 0
    if first < 0:
        return False
    e = 0
    while start < total:
        b, stop = int(A[int(A[SORT]) + ROW * start + 3]), start + 1
        while stop < total and A[int(A[SORT]) + ROW * stop + 3] == b:
            stop += 1
        listed, edge = _tokens(A, V, start, stop), first + e * EDGE_STRIDE
        A[edge], A[edge + 1], A[edge + 2], A[edge + 3] = b, _rest(A, V, start, stop, total), listed + 1, A[listed]
        if A[STATUS] != 0:
            return False
        tokens_below += A[edge + 3] + (below(A, V, int(A[edge + 1])) if A[edge + 1] >= 0 else 0)
        e += A[edge + 1] >= 0 or A[edge + 3] > 0
        for j in range(start, stop):
            row = int(A[SORT]) + ROW * j
            if is_alone(A, V, row):
                edge = first + e * EDGE_STRIDE
                A[edge], A[edge + 1], A[edge + 2], A[edge + 3] = b, A[row + 1], 0, 0
                tokens_below += below(A, V, int(A[edge + 1]))
                e += 1
        start = stop
    A[at + 2], A[at + 3], A[at + 5] = first, e, tokens_below
    return True
