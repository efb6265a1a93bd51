"""Edges: what a byte behind a lexer state does to the tokens that it is part of, and to those that are read on."""

from __future__ import annotations

from .arena import AHEAD, COWALK, FULL, SORT, STATUS
from .fronts import EDGE, ONLY, PREFIX, is_front
from .jit import kernel
from .languages import dfa_class, in_loop, settle
from .lexed_notes import FRAME, MAX_PATH, N_SHADOWS, ahead, end_edge, fall_back, leave, prefix
from .lexer import (
    ALWAYS_ASKED,
    F_ACCEPT,
    F_LATE,
    F_LIST,
    L_ASCII,
    L_EXACT,
    NONE,
    Q_ENDS,
    Q_PENDING,
    Q_TRANS,
    field,
    known,
    looks_back,
    place_of,
)
from .lexer_carries import carry_on, carry_owing
from .lexer_loops import target
from .lexer_steps import can_begin, lexer_step
from .lexer_tags import in_doubt, pending_at
from .positions import K_DOUBT, K_MATCH, position
from .sets import has_member
from .strings import CHAR, DEAD, utf8_step
from .suffixes import below, edge_byte, edge_range, edge_rest, edge_tokens, list_members, suffix_set, trie_parent
from .trie import V_BYTE

SHARED_FROM = 32  # tokens below a set from which a pair of its own pays when the set is met again
UNITED_BELOW = 512  # tokens below a set up to which it is united with others that are read from the same state


@kernel("i8(i8, A, i8, i8)")
def _bytes_back(b, A, depth, characters):
    """Length of the last characters of a path that ends with ``b``, which is not yet part of it."""
    path, n = int(A[AHEAD]) + int(A[AHEAD + 1]) - MAX_PATH, 0
    while characters > 0:
        last = b if n == 0 else int(A[path + depth - n])
        n += 1
        characters -= last & 0xC0 != 0x80
    return n


@kernel("i8(A, i8, i8, i8)")
def doubted(A, tags, q, mode):
    """A set of tags; where others must be asked for, minus the number of a position ``(K_DOUBT, tags, place)``."""
    return -position(A, K_DOUBT, tags, place_of(A, q, mode), 0, 0, 0, 0, 0) if in_doubt(A, q) else tags


@kernel("b1(A, i8, i8, i8)")
def covers(A, q, tags, tag):
    """Whether a token in a lexer state, ``tags`` being to come, is allowed wherever its shadow behind ``tag`` is."""
    return A[field(A, q, 1) + L_EXACT] != ALWAYS_ASKED and has_member(A, tags, tag)


@kernel("void(A, A, i8, i8, i8, i8, i8)")
def end_before(A, V, edge, tag, left, since, depth):
    """Note the shadow of the tokens at an edge: their text also ends at the last match, ``since`` bytes before it."""
    if edge_tokens(A, V, edge)[1]:
        A[int(A[COWALK]) + N_SHADOWS] += since >= depth
        fall_back(A, tag, left, since, depth, edge, ONLY)


@kernel("void(A, A, i8, i8, i8, i8, i8, i8, i8)")
def end_inside(A, V, x, mode, b, tag, left, since, depth):
    """Note the shadows of the tokens of a set that end inside the character that has begun, with ``b`` at last."""
    path, stack, top = int(A[AHEAD]) + int(A[AHEAD + 1]) - MAX_PATH, int(A[AHEAD]) + int(A[AHEAD + 1]) - 2 * MAX_PATH, 1
    stack += FRAME
    A[stack], A[stack + 1], A[stack + 2], A[stack + 3] = x, mode, b, depth
    while top > 0:
        top -= 1
        at = stack + 4 * top
        x, mode, n = int(A[at]), int(A[at + 1]), int(A[at + 3]) - depth
        A[path + depth + n - 1] = A[at + 2]
        first, last = edge_range(A, V, x)
        for edge in range(first, last):
            r, rest = utf8_step(mode, edge_byte(A, V, edge)), edge_rest(A, V, edge)
            if r == DEAD or r >= CHAR:
                continue
            end_before(A, V, edge, tag, left, since + n, depth + n)
            if rest >= 0:
                at = stack + 4 * top
                A[at], A[at + 1], A[at + 2], A[at + 3] = rest, r, edge_byte(A, V, edge), depth + n + 1
                top += 1


@kernel("void(A, A, i8, i8, i8, i8, i8)")
def end_owing(A, V, edge, b, q, inside, depth):
    """Note that the tokens at an edge may also end at matches some characters ago, if what these owe comes true."""
    cell = field(A, q, F_LIST) if edge_tokens(A, V, edge)[1] else 0
    while cell != 0:
        age = field(A, cell, 4) + (inside != 0) if field(A, cell, 0) == K_MATCH else 0
        if age != 0:
            since = _bytes_back(b, A, depth, age) - 1
            leave(A, field(A, cell, 1), carry_owing(A, q, cell), edge, prefix(A, depth, since) * PREFIX + ONLY)
        cell = field(A, cell, 3)


@kernel("i8(A, i8)")
def ends_in(A, q):
    """The tags of tokens that end in a state between characters (:func:`doubted`), remembered."""
    at = known(A, q) + Q_ENDS
    if A[at] == 0:
        tags = pending_at(A, q, 0)
        tags = doubted(A, tags, q, 0) if A[STATUS] == 0 else 0
        if A[STATUS] == 0:
            A[at] = tags
    return int(A[at])


@kernel("void(A, A, i8, i8, i8, i8, i8, i8, i8, i8)")
def pass_edge(A, V, edge, b, to, ends, tag, left, since, depth):
    """Note what an edge leads to: a state between characters with no late match, ``ends`` being its tags.

    As :func:`arrive_lexed` where no match may wait for what it owes without end.
    """
    since += 1
    if field(A, to, F_ACCEPT) != NONE:
        tag, left, since = field(A, to, F_ACCEPT), carry_on(A, to), 0
    end_edge(A, V, edge, ends, int(tag != NONE))
    if tag != NONE and since > 0 and not has_member(A, int(A[known(A, to) + Q_PENDING]), tag):
        end_before(A, V, edge, tag, left, since - 1, depth)
    rest = edge_rest(A, V, edge)
    if rest >= 0:
        ahead(A, rest, to, 0, tag, left, since, depth + 1, b, 0)


@kernel("void(A, A, i8, i8, i8, i8, i8, i8, i8, i8)")
def arrive_lexed(A, V, edge, b, to, inside, tag, left, since, depth):
    """Note what an edge leads to: lexer state ``to`` (-1: dead); ``tag`` is that of the last match, or ``NONE``."""
    late = field(A, to, F_LATE) if to > 0 and inside == 0 else 0
    if to > 0 and inside == 0 and late == 0 and A[field(A, to, 1) + L_EXACT] != ALWAYS_ASKED:
        ends = ends_in(A, to)
        if ends != 0:
            pass_edge(A, V, edge, b, to, ends, tag, left, since, depth)
        return
    if late != 0:
        tag, left = field(A, late, 1), field(A, late, 2)
        since = _bytes_back(b, A, depth, field(A, late, 3)) - 1
    if to < 0 or (late != 0 and field(A, to, F_LIST) == 0):
        if tag != NONE:
            fall_back(A, tag, left, since, depth, edge, EDGE)
        return
    since += 1
    if inside == 0 and field(A, to, F_ACCEPT) != NONE:
        tag, left, since = field(A, to, F_ACCEPT), carry_on(A, to), 0
    tags = pending_at(A, to, inside)
    if A[STATUS] != 0:
        return
    end_edge(A, V, edge, doubted(A, tags, to, inside), int(tag != NONE))
    if inside != 0 or A[field(A, to, 1) + L_EXACT] == ALWAYS_ASKED:
        end_owing(A, V, edge, b, to, inside, depth)
    rest, uncovered = edge_rest(A, V, edge), tag != NONE and since > 0 and not covers(A, to, tags, tag)
    if uncovered:
        end_before(A, V, edge, tag, left, since - 1, depth)
    if inside != 0 and tag != NONE and rest >= 0 and not (uncovered and is_front(A, V, rest)):
        then = target(A, to, inside)
        if then > 0 and field(A, then, F_ACCEPT) != NONE:  # the next match comes before anything else can
            if uncovered:
                end_inside(A, V, rest, inside, b, tag, left, since, depth + 1)
            since = 0
    if rest >= 0:
        ahead(A, rest, to, inside, tag, left, since, depth + 1, b, 0)


@kernel("void(A, A, i8, i8, i8, i8, i8, i8, i8, i8)")
def visit_edge(A, V, edge, b, q, mode, tag, left, since, depth):
    """Read the byte ``b`` of an edge from a lexer state."""
    r, L = utf8_step(mode, b), field(A, q, 1)
    to, inside = -1, 0
    if r >= CHAR:
        to = lexer_step(A, q, dfa_class(A, L, r & 0x1FFFFF))
    elif r != DEAD and can_begin(A, q, r):
        to, inside = q, settle(A, L, r)
    if A[STATUS] == 0 and r != DEAD:  # ill-formed text is that however it is split into tokens
        arrive_lexed(A, V, edge, b, to, inside, tag, left, since, depth)


@kernel("void(A, A, i8, i8, i8)")
def restore_path(A, V, end, node, n):
    """Write the last ``n`` bytes on the way to a trie node before ``end``."""
    for j in range(n):
        A[end - 1 - j] = V[V[V_BYTE] + node]
        node = trie_parent(V, node)


@kernel("void(A, A, i8, i8, i8)")
def leave_along(A, V, frame, q, node):
    """Read the byte that leads to a trie node below the set of a frame from the state ``q`` before it.

    The last match is that of ``q``, or of the frame, where no state on the way to ``q`` is a match.
    """
    path, n, depth = int(A[AHEAD]) + int(A[AHEAD + 1]) - MAX_PATH, 0, int(A[frame + 6])
    above = trie_parent(V, node)
    while above != A[frame]:
        n += 1
        above = trie_parent(V, above)
    if depth + n >= MAX_PATH:
        A[STATUS] = FULL
        return
    restore_path(A, V, path + depth + n, trie_parent(V, node), n)
    mark = int(A[AHEAD]) + int(A[AHEAD + 2])
    b, tag, left, since = int(V[V[V_BYTE] + node]), int(A[frame + 3]), int(A[frame + 4]), int(A[frame + 5]) + n
    if field(A, q, F_ACCEPT) != NONE:
        tag, left, since = field(A, q, F_ACCEPT), carry_on(A, q), 0
    visit_edge(A, V, node, b, q, 0, tag, left, since, depth + n)
    if mark < A[AHEAD] + A[AHEAD + 2]:
        A[mark + 7] = -n - 1


@kernel("b1(A, A, i8)")
def _is_small(A, V, at):
    """Whether a frame reads a set that others can be united with: however it was reached, the same is read from it."""
    x, q, mode = int(A[at]), int(A[at + 1]), int(A[at + 2])
    if is_front(A, V, x) or below(A, V, x) >= UNITED_BELOW:
        return False
    return (A[at + 3] == NONE or A[at + 5] == 0) and field(A, q, F_LIST) != 0 and not looks_back(A, q, mode)


@kernel("b1(A, i8, i8)")
def _same_place(A, at, other):
    """Whether two frames read from the same lexer state behind the same match."""
    for j in range(1, 5):
        if A[at + j] != A[other + j]:
            return False
    return True


@kernel("void(A, A, i8)")
def unite(A, V, mark):
    """Read small sets together that are read from the same state, of the frames from ``mark`` on. O(frames^2)."""
    base, pool, j = int(A[AHEAD]), int(A[SORT]), mark
    while j + FRAME < A[AHEAD + 2]:
        at, total, same = base + j, 0, 0
        if _is_small(A, V, at):
            for k in range(j + FRAME, int(A[AHEAD + 2]), FRAME):
                if _same_place(A, at, base + k) and _is_small(A, V, base + k):
                    total += below(A, V, int(A[base + k]))
                    same += 1
        if same > 0 and total + below(A, V, int(A[at])) >= SHARED_FROM:
            n, k = list_members(A, V, int(A[at]), pool), j + FRAME
            while k < A[AHEAD + 2]:
                if _same_place(A, at, base + k) and _is_small(A, V, base + k):
                    n += list_members(A, V, int(A[base + k]), pool + n)
                    A[AHEAD + 2] -= FRAME
                    for m in range(FRAME):
                        A[base + k + m] = A[base + int(A[AHEAD + 2]) + m]
                else:
                    k += FRAME
            A[at] = suffix_set(A, V, pool, n)
        j += FRAME


@kernel("void(A, A, i8, i8, i8)")
def visit_edges(A, V, x, frame, loop):
    """Read one level of a set from the lexer state of a frame, without the bytes of a loop set (0: none)."""
    q, mode, tag = int(A[frame + 1]), int(A[frame + 2]), int(A[frame + 3])
    left, since, depth, mark = int(A[frame + 4]), int(A[frame + 5]), int(A[frame + 6]), int(A[AHEAD + 2])
    L = field(A, q, 1)
    row, classes = int(A[known(A, q) + Q_TRANS]), int(A[L + L_ASCII])
    is_plain = row != 0 and mode == 0 and A[L + L_EXACT] != ALWAYS_ASKED
    first, last = edge_range(A, V, x)
    for edge in range(first, last):
        b = edge_byte(A, V, edge)
        if loop != 0 and in_loop(A, loop, b):
            continue
        to = int(A[row + A[classes + b]]) if is_plain and b < 0x80 else 0
        ends = int(A[known(A, to) + Q_ENDS]) if to > 0 and field(A, to, F_LATE) == 0 else 0
        if ends != 0:
            pass_edge(A, V, edge, b, to, ends, tag, left, since, depth)
        elif to >= 0:
            visit_edge(A, V, edge, b, q, mode, tag, left, since, depth)
        elif tag != NONE:
            fall_back(A, tag, left, since, depth, edge, EDGE)
        if A[STATUS] != 0:
            return
    if below(A, V, x) >= SHARED_FROM:
        unite(A, V, mark)
