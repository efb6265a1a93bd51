"""Pairs of a suffix set and a lexer state: what tokens of the set do to the lexer, whatever stands on the stack.

A pair holds *groups*, the tokens that end inside the last token of the lexer (as a dense row or a list) by the set of
tags which that may still get, and *exits*: for each tag that ended (with the left state there), the set of suffixes
that remain. A vocabulary token that ends where the lexer has passed a match without having died is both: its shadow
remains as an exit of no further bytes than its own (``ONLY``).

Sets are read level by level, but for three things. What stays in a loop comes from tables that no grammar owns. Large
sets, and those that are met again, have pairs of their own, also behind a match (``K_BEHIND``: its exits ``BEFORE``
lack the bytes since then). Small ones that are read from one state are united first.

This is what "Flexible and Efficient Grammar-Constrained Decoding" (Park et al., ICML 2025) computes offline, the
terminals that a vocabulary token can realise from a lexer state, worked out lazily and over sets of suffixes.
"""

from __future__ import annotations

from .arena import AHEAD, COWALK, ENDED, EXITS, FULL, IDS, KEPT, LEFT, SORT, STATUS, THREADS, WANTED, mix
from .collect import start_collecting
from .fronts import BELOW, EDGE, ONLY, PREFIX, is_front, open_set
from .jit import kernel
from .languages import dfa_class, in_loop, settle
from .lexed_notes import (
    BEFORE,
    EXIT,
    FRAME,
    GROUP,
    LAST_GROUP,
    MAX_PATH,
    MISSING,
    N_GROUPS,
    N_ROWS,
    N_SHADOWS,
    R_EXITS,
    R_GROUPS,
    R_N_EXITS,
    R_N_GROUPS,
    ahead,
    end_edge,
    end_row,
    end_tokens,
    fall_back,
    keep,
    leave,
    prefix,
)
from .lexed_waiting import keep_waiting, resume, wait, waiting_frame
from .lexer import (
    ALWAYS_ASKED,
    AT_MET,
    F_ACCEPT,
    F_LATE,
    F_LIST,
    L_ASCII,
    L_EXACT,
    N_MET,
    NONE,
    Q_BYTES,
    Q_ENDS,
    Q_PENDING,
    Q_TRANS,
    can_begin,
    carry_on,
    carry_owing,
    field,
    known,
    lexer_step,
    looks_back,
    place_of,
)
from .lexer_classes import alike, loop_within
from .lexer_loops import NO_LOOP, alike_inside, forgets, lexer_loop, loop_ahead, target
from .lexer_tags import in_doubt, pending_at
from .pair_table import P_COUNT, P_EXIT, P_LIST, P_LISTS, P_ROW, P_ROWS, find_pair, keep_pair
from .pairs import LOOP_FROM
from .positions import K_BEHIND, K_DOUBT, K_INSIDE, K_MATCH, position
from .sets import has_member
from .strings import CHAR, DEAD, utf8_step
from .suffixes import (
    below,
    edge_byte,
    edge_range,
    edge_rest,
    edge_tokens,
    height,
    list_members,
    members,
    suffix_set,
    trie_parent,
)
from .tables import gather_loop, spread_loop
from .trie import V_BYTE, V_CHAR, V_NODES

SHARED_FROM = 32  # tokens below a set from which a pair of its own pays when the set is met again
SHARED_AT_ONCE = 512  # the same, whether it is or not
UNITED_BELOW = 512  # tokens below a set up to which it is united with others that are read from the same state
FAR_EXITS = 8192  # trie nodes that leave a loop up to which each of them is looked at
TABLE_FROM = 8192  # tokens below a set from which its table is made although it is read for the paths out of the loop
# tokens beyond which the shadows of the match at which a token begins are left to a mask of their own
MANY_SHADOWS = 2048


@kernel("void(A, A, i8, i8)")
def use_pair(A, V, pair, frame):
    """Take over the groups and exits of a pair that was built."""
    groups, exits, passed = int(A[pair + R_GROUPS]), int(A[pair + R_EXITS]), int(A[frame + 3] != NONE)
    for k in range(int(A[pair + R_N_GROUPS])):
        at = groups + GROUP * k
        matched = int(A[at + 4]) | passed
        if A[at + 1] != 0:
            end_row(A, int(A[at + 1]), int(A[at]), matched)
        else:
            end_tokens(A, A, int(A[at + 2]), int(A[at + 3]), int(A[at]), matched)
    for k in range(int(A[pair + R_N_EXITS])):
        at = exits + EXIT * k
        if A[at] == BEFORE:
            since, depth = int(A[frame + 5]), int(A[frame + 6])
            fall_back(A, int(A[frame + 3]), int(A[frame + 4]), since, depth, int(A[at + 2]), BELOW)
        else:
            leave(A, int(A[at]), int(A[at + 1]), int(A[at + 2]), BELOW)


@kernel("i8(A, i8, i8, i8)")
def doubted(A, tags, q, mode):
    """A set of tags; where others must be asked for, minus the number of a position ``(K_DOUBT, tags, place)``."""
    return -position(A, K_DOUBT, tags, place_of(A, q, mode), 0, 0, 0, 0, 0) if in_doubt(A, q) else tags


@kernel("i8(A, A, i8, i8)")
def loop_table(A, V, x, loop):
    """The table of what stays in a loop set, which all grammars share, built if need be; 0 with ``A[STATUS]`` set."""
    if find_pair(A, x, -loop) == 0:
        start_collecting(A)
        rest = gather_loop(A, V, x, loop)
        if A[STATUS] == 0:
            keep_pair(A, x, -loop, rest)
    return find_pair(A, x, -loop) if A[STATUS] == 0 else 0


@kernel("void(A, i8, i8, i8)")
def end_looping(A, table, q, passed):
    """Note the tokens of the table of a loop (0: those just collected), which end in the lexer state ``q``.

    ``passed``: whether they have passed a match before they come to the loop.
    """
    tags = pending_at(A, q, 0)
    tags = doubted(A, tags, q, 0) if A[STATUS] == 0 else 0
    if A[STATUS] != 0:
        return
    matched = int(passed or field(A, q, F_ACCEPT) != NONE)
    if table == 0:
        end_tokens(A, A, int(A[IDS]), int(A[IDS + 2]), tags, matched)
        return
    for j in range(int(A[table + P_ROWS])):
        end_row(A, int(A[table + P_ROW + j]), tags, matched)
    at, n = int(A[table + P_LIST]), int(A[table + P_LISTS])
    for j in range(n):
        end_tokens(A, A, int(A[at + 2 * j]), int(A[at + 2 * j + 1]), tags, matched)
    end_tokens(A, A, at + 2 * n, int(A[table + P_COUNT]), tags, matched)


@kernel("i8(i8, A, i8, i8)")
def _bytes_back(b, A, depth, characters):
    """Length of the last characters of a path that ends with ``b``, which is not yet part of it."""
    path, n = int(A[AHEAD]) + int(A[AHEAD + 1]) - MAX_PATH, 0
    while characters > 0:
        last = b if n == 0 else int(A[path + depth - n])
        n += 1
        characters -= last & 0xC0 != 0x80
    return n


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


@kernel("i8(A, i8, i8)")
def loop_for(A, q, n):
    """The loop set of a state for texts of at most ``n`` bytes."""
    loop = lexer_loop(A, q)
    return loop_within(A, q, n) if loop == NO_LOOP and A[STATUS] == 0 else loop


@kernel("UniTuple(i8, 2)(A, A, i8)")
def looping_state(A, V, frame):
    """The state that loops, and that characters of its loop lead to from a frame, and the loop set.

    A character that has begun must belong to the loop. ``NO_LOOP`` where none is known.
    """
    x, q, mode = int(A[frame]), int(A[frame + 1]), int(A[frame + 2])
    if mode == 0:
        to = loop_ahead(A, q) if x < V[V_NODES] else -1
        if to > 0 or A[STATUS] != 0:
            return to, lexer_loop(A, to) if to > 0 else NO_LOOP
        return q, loop_for(A, q, height(A, V, x)) if field(A, q, F_LATE) == 0 else NO_LOOP
    to = target(A, q, mode) if x < V[V_NODES] else -1
    if to <= 0 or A[STATUS] != 0 or not forgets(A, to):
        return to, NO_LOOP
    loop = loop_for(A, to, height(A, V, x))
    return to, loop if loop != NO_LOOP and in_loop(A, loop, int(V[V[V_CHAR] + x]) & 0xFF) else NO_LOOP


@kernel("b1(A, A, i8, i8)")
def may_loop(A, V, frame, to):
    """Whether the tokens of a frame that stay in the loop of ``to`` need no shadow, and the others can be found.

    Shadows end where ``to`` is reached, if that is a match: then only tokens that end inside a character before have
    one (:func:`end_begun`).
    """
    tag, since, is_here = int(A[frame + 3]), int(A[frame + 5]), A[frame + 1] == to and A[frame + 2] == 0
    if tag == NONE or (is_here and since == 0):
        return True
    tags, accepts = pending_at(A, to, 0), field(A, to, F_ACCEPT) != NONE
    if A[STATUS] == 0 and covers(A, to, tags, tag):
        return accepts or A[frame] < V[V_NODES]
    return A[STATUS] == 0 and accepts and not is_here and A[frame + 2] == 0


@kernel("void(A, A, i8, i8, i8)")
def end_begun(A, V, frame, to, loop):
    """Note the shadows of tokens of a frame that end inside a first character of a loop set, which leads to ``to``.

    They do not count among those that are left to a mask of their own: vocabularies have some hundred such tokens.
    """
    x, q, tag, left = int(A[frame]), int(A[frame + 1]), int(A[frame + 3]), int(A[frame + 4])
    since, depth, shadows, tags = int(A[frame + 5]), int(A[frame + 6]), int(A[COWALK]) + N_SHADOWS, pending_at(A, to, 0)
    if tag == NONE or q == to or A[frame + 2] != 0 or A[STATUS] != 0 or covers(A, to, tags, tag):
        return
    n = A[shadows]
    first, last = edge_range(A, V, x)
    for edge in range(first, last):
        b, rest = edge_byte(A, V, edge), edge_rest(A, V, edge)
        if b >= 0x80 and in_loop(A, loop, b):
            end_before(A, V, edge, tag, left, since, depth)
            if rest >= 0:
                end_inside(A, V, rest, utf8_step(0, b), b, tag, left, since + 1, depth + 1)
    A[shadows] = n


@kernel("void(A, A, i8, i8, i8)")
def restore_path(A, V, end, node, n):
    """Write the last ``n`` bytes on the way to a trie node before ``end``."""
    for j in range(n):
        A[end - 1 - j] = V[V[V_BYTE] + node]
        node = trie_parent(V, node)


@kernel("void(A, A, i8, i8, i8)")
def leave_along(A, V, frame, q, node):
    """Read the byte that leads to a trie node below the set of a frame, the bytes before it in the loop of ``q``."""
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
    b, tag, left, since = int(V[V[V_BYTE] + node]), int(A[frame + 3]), int(A[frame + 4]), int(A[frame + 5])
    visit_edge(A, V, node, b, q, 0, tag, left, since + n, depth + n)
    if mark < A[AHEAD] + A[AHEAD + 2]:
        A[mark + 7] = -n - 1


@kernel("i8(A, A, i8, i8)")
def behind_bytes(A, V, node, loop):
    """The union of what is left of tokens behind the edges of a trie node that a loop set has; -1: nothing."""
    pool, n = int(A[SORT]), 0
    first, last = edge_range(A, V, node)
    for edge in range(first, last):
        if in_loop(A, loop, edge_byte(A, V, edge)):
            A[pool + n] = edge
            n += 1
    return suffix_set(A, V, pool, n)


@kernel("void(A, A, i8, i8, i8, i8)")
def end_led(A, V, node, loop, to, passed):
    """Note the tokens that end at the edges of a trie node that a loop set has, which lead to the lexer state ``to``.

    ``passed`` as of :func:`end_looping`.
    """
    tags, accept = pending_at(A, to, 0), field(A, to, F_ACCEPT)
    tags = doubted(A, tags, to, 0) if A[STATUS] == 0 else 0
    first, last = edge_range(A, V, node)
    for edge in range(first, last):
        b = edge_byte(A, V, edge)
        if in_loop(A, loop, b) and A[STATUS] == 0:
            end_edge(A, V, edge, tags, int(passed or (b < 0x80 and accept != NONE)))


@kernel("void(A, A, i8, i8)")
def note_paths(A, V, x, loop):
    """Note the trie nodes by which tokens of a set leave a loop set: of a single node those of its children not."""
    start_collecting(A)
    at, n = members(A, V, x)
    for j in range(n):
        spread_loop(A, V, int(A[at + j]) if at else x, loop, at > 0)


@kernel("void(A, A, i8, i8, i8)")
def visit_looping(A, V, frame, to, loop):
    """Read the set of a frame from which characters of a loop set lead to the state ``to``, and stay there.

    Where not all of its characters do, what is behind those that do is read as a set of its own.
    Where the last match lies before the loop, the bytes since then count: each path out of it is followed by itself.
    """
    x, tag, accept, led = int(A[frame]), int(A[frame + 3]), field(A, to, F_ACCEPT), loop
    y = x
    if A[frame + 2] == 0 and A[frame + 1] != to:
        led = int(A[known(A, int(A[frame + 1])) + Q_BYTES])
    if led != loop:
        y = behind_bytes(A, V, x, led)
        if y < V[V_NODES] or below(A, V, y) < LOOP_FROM:  # tables say nothing of a node's own edges
            visit_edges(A, V, x, frame, 0)
            return
    table, one_by_one, is_new = find_pair(A, y, -loop), tag != NONE and accept == NONE, False
    if table == 0 and (not one_by_one or below(A, V, y) >= TABLE_FROM):
        table, is_new = loop_table(A, V, y, loop), True
        if table == 0:
            return
    if one_by_one:
        if not is_new:  # else the paths have just been noted
            note_paths(A, V, y, loop)
        if A[EXITS + 2] > FAR_EXITS:
            visit_edges(A, V, x, frame, 0)
            return
    end_looping(A, table, to, int(tag != NONE))
    if y != x:
        end_led(A, V, x, led, to, int(tag != NONE))
    if accept != NONE and A[STATUS] == 0:
        end_begun(A, V, frame, to, led)
    if x < V[V_NODES] and A[frame + 2] == 0 and A[STATUS] == 0:
        visit_edges(A, V, x, frame, led)
    if one_by_one:
        for k in range(int(A[EXITS + 2])):
            if A[STATUS] == 0:
                leave_along(A, V, frame, to, int(A[int(A[EXITS]) + k]))
    elif A[table + P_EXIT] >= 0 and A[STATUS] == 0:
        A[frame + 1], A[frame + 2] = to, 0
        if accept != NONE:
            A[frame + 3], A[frame + 4], A[frame + 5] = accept, carry_on(A, to), 0
        A[frame + 6] += 1  # the match is none that stood before the set
        visit_edges(A, V, int(A[table + P_EXIT]), frame, 0)


@kernel("b1(A, i8, i8)")
def met_before(A, x, place):
    """Whether this was asked before, as far as a table of fixed size remembers: an error costs time alone."""
    h = mix(mix(11, x), place)
    at, mark = int(A[THREADS]) + AT_MET + (h >> 11) % N_MET, (h >> 30) & 0x7FFFFFFF
    found = A[at] == mark
    A[at] = mark
    return found


@kernel("i8(A, A, i8)")
def shadows_ahead(A, V, frame):
    """About how many tokens of a frame have a shadow behind its match: those that live on after one character."""
    x, q, tag, found = int(A[frame]), int(A[frame + 1]), int(A[frame + 3]), 0
    first, last = edge_range(A, V, x) if A[frame + 2] == 0 else (0, 0)
    for edge in range(first, last):
        b, rest = edge_byte(A, V, edge), edge_rest(A, V, edge)
        to = lexer_step(A, q, int(A[A[field(A, q, 1) + L_ASCII] + b])) if b < 0x80 and rest >= 0 else -1
        if to <= 0 or field(A, to, F_ACCEPT) != NONE or field(A, to, F_LATE) != 0:
            continue
        tags = pending_at(A, to, 0)
        if A[STATUS] == 0 and not covers(A, to, tags, tag):
            found += below(A, V, rest)
    return found


@kernel("b1(A, A, i8)")
def is_light(A, V, frame):
    """Whether a frame reads so few tokens below a trie node that neither pairs nor tables pay."""
    x = int(A[frame])
    return x < V[V_NODES] and below(A, V, x) < SHARED_FROM and field(A, int(A[frame + 1]), F_LIST) != 0


@kernel("void(A, A, i8)")
def put_path(A, V, frame):
    """Write the byte that leads to a frame behind those before it, or the whole way where it came out of a loop."""
    depth, end = int(A[frame + 6]), int(A[AHEAD]) + int(A[AHEAD + 1]) - MAX_PATH
    if A[frame + 7] < 0:
        restore_path(A, V, end + depth, int(A[frame]), -int(A[frame + 7]))
    elif depth > 0:
        A[end + depth - 1] = A[frame + 7]


@kernel("void(A, A, i8)")
def visit_frame(A, V, frame):
    """Read the set of a frame: whole where the lexer can read nothing, from a pair of its own, or level by level."""
    x, q, mode, tag = int(A[frame]), int(A[frame + 1]), int(A[frame + 2]), int(A[frame + 3])
    left, since, depth = int(A[frame + 4]), int(A[frame + 5]), int(A[frame + 6])
    if mode == 0 and field(A, q, F_LIST) == 0:
        if tag != NONE:
            fall_back(A, tag, left, since, depth, x, BELOW)
        return
    if A[frame + 8] == 0 and not looks_back(A, q, mode) and below(A, V, x) >= SHARED_FROM:
        like = q
        if mode != 0:
            like = alike_inside(A, q, mode)
        elif not is_front(A, V, x):
            like = alike(A, q, height(A, V, x))
        place = place_of(A, like, mode)
        if tag != NONE and since > 0:
            place = position(A, K_BEHIND, place, tag, left, 0, 0, 0, 0)
        pair = find_pair(A, x, place) if A[STATUS] == 0 else 0
        if pair != 0:
            use_pair(A, V, pair, frame)
            return
        if below(A, V, x) >= SHARED_AT_ONCE or met_before(A, x, place):
            if tag != NONE and since > 0 and since == depth:
                A[int(A[COWALK]) + N_SHADOWS] += shadows_ahead(A, V, frame)
            A[frame + 1] = place
            wait(A, frame)
            return
    if not is_front(A, V, x) and not looks_back(A, q, mode) and below(A, V, x) >= LOOP_FROM:
        to, loop = looping_state(A, V, frame)
        if loop != NO_LOOP and A[STATUS] == 0 and may_loop(A, V, frame, to):
            visit_looping(A, V, frame, to, loop)
            return
    if A[STATUS] == 0 and open_set(A, V, x):
        visit_edges(A, V, x, frame, 0)


@kernel("i8(A)")
def scratch_frame(A):
    """Where the frame that is being read stands."""
    return int(A[AHEAD]) + int(A[AHEAD + 1]) - 2 * MAX_PATH


@kernel("void(A, A, i8, i8, i8, i8, i8, i8)")
def _collect(A, V, x, q, mode, tag, left, since):
    """Collect one pair, the last match being ``since`` bytes before the set begins; frames that lack a pair wait."""
    base = int(A[COWALK])
    A[base + N_GROUPS], A[base + N_ROWS], A[base + LAST_GROUP], A[base + N_SHADOWS] = 0, 0, 0, 0
    A[ENDED + 2], A[LEFT + 2], A[AHEAD + 2], A[WANTED + MISSING] = 0, 0, 0, 0
    ahead(A, x, q, mode, tag, left, since, 0, 0, 1)
    frame = scratch_frame(A)
    while A[AHEAD + 2] > 0 and A[STATUS] == 0 and (x != 0 or A[base + N_SHADOWS] <= MANY_SHADOWS):
        A[AHEAD + 2] -= FRAME
        top = int(A[AHEAD]) + int(A[AHEAD + 2])
        put_path(A, V, top)
        if is_light(A, V, top):
            visit_edges(A, V, int(A[top]), top, 0)
            continue
        for j in range(FRAME):
            A[frame + j] = A[top + j]
        visit_frame(A, V, frame)


@kernel("i8(A, A, i8, i8)")
def _begin(A, V, x, place):
    """Collect the pair (x, place) from the start: whether the shadows of the match at which it begins are left out."""
    behind, start, wanted = field(A, place, 0) == K_BEHIND, A[KEPT + 2], A[WANTED + 2]
    at = field(A, place, 1) if behind else place
    inside = field(A, at, 0) == K_INSIDE
    q, mode = field(A, at, 1) if inside else at, field(A, at, 2) if inside else 0
    if behind:
        _collect(A, V, x, q, mode, field(A, place, 2), field(A, place, 3), 1)
        return 0
    tag = field(A, q, F_ACCEPT) if mode == 0 else NONE
    _collect(A, V, x, q, mode, tag, carry_on(A, q), 0)
    if x != 0 or A[int(A[COWALK]) + N_SHADOWS] <= MANY_SHADOWS or A[STATUS] != 0:
        return 0
    A[KEPT + 2], A[WANTED + 2] = start, wanted  # pairs behind the match are not needed
    _collect(A, V, x, q, mode, NONE, carry_on(A, q), 0)
    return 1


@kernel("void(A, A, i8, i8)")
def _build(A, V, x, place):
    """Build one pair, or go on where it waited, or ask for others that must be built first."""
    in_shadow, at, end = resume(A, x, place)
    start, frame = int(A[KEPT + 2]), scratch_frame(A)
    if in_shadow < 0:
        in_shadow = _begin(A, V, x, place)
    while at < end and A[STATUS] == 0:
        at = waiting_frame(A, at, frame)
        pair = find_pair(A, int(A[frame]), int(A[frame + 1]))
        if pair != 0:
            use_pair(A, V, pair, frame)
        else:
            wait(A, frame)
    if A[STATUS] == 0 and A[WANTED + MISSING]:
        keep_waiting(A, x, place, in_shadow, start)
    elif A[STATUS] == 0:
        keep(A, V, x, place, in_shadow)


@kernel("i8(A, A, i8, i8, i8)")
def lexed_pair(A, V, x, q, mode):
    """The pair of a set and a lexer state, built with all that it waits for; 0 when ``A[STATUS]`` says why not."""
    place, base, kept, last = place_of(A, q, mode), int(A[WANTED]), A[KEPT + 2], A[KEPT + 3]
    if A[STATUS] != 0:
        return 0
    A[base], A[base + 1], A[WANTED + 2], A[KEPT + 3] = x, place, 2, 0
    while A[WANTED + 2] > 0 and A[STATUS] == 0:
        top = base + int(A[WANTED + 2]) - 2
        if find_pair(A, int(A[top]), int(A[top + 1])) == 0:
            _build(A, V, int(A[top]), int(A[top + 1]))
            if A[WANTED + MISSING]:
                continue
        A[WANTED + 2] -= 2
    A[KEPT + 2], A[KEPT + 3] = kept, last
    return find_pair(A, x, place) if A[STATUS] == 0 else 0
