"""Sets read from lexer states that loop: what stays in a loop comes from tables that no grammar owns."""

from __future__ import annotations

from .arena import COWALK, EXITS, IDS, SORT, STATUS
from .collect import start_collecting
from .jit import kernel
from .languages import in_loop
from .lexed_edges import covers, doubted, end_before, end_inside, leave_along, visit_edges
from .lexed_notes import N_SHADOWS, end_edge, end_row, end_tokens
from .lexed_words import read_words, without_words
from .lexer import F_ACCEPT, F_LATE, NONE, Q_BYTES, field, known
from .lexer_carries import carry_on
from .lexer_classes import loop_within
from .lexer_loops import NO_LOOP, forgets, lexer_loop, loop_ahead, target
from .lexer_tags import pending_at
from .pair_table import P_COUNT, P_EXIT, P_LIST, P_LISTS, P_ROW, P_ROWS, find_pair, keep_pair
from .pairs import LOOP_FROM
from .strings import utf8_step
from .suffixes import below, edge_byte, edge_range, edge_rest, height, members, suffix_set
from .tables import gather_loop, spread_loop
from .trie import V_CHAR, V_NODES

FAR_EXITS = 8192  # trie nodes that leave a loop up to which each of them is looked at
TABLE_FROM = 8192  # tokens below a set from which its table is made although it is read for the paths out of the loop


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
    What key words are made of is read as if it led there as well, and they are followed beside it.
    """
    x, tag, accept, led, n_words = int(A[frame]), int(A[frame + 3]), field(A, to, F_ACCEPT), loop, 0
    y = x
    if A[frame + 2] == 0 and A[frame + 1] != to:
        led = int(A[known(A, int(A[frame + 1])) + Q_BYTES])
    if led != loop and accept != NONE:
        led, n_words = read_words(A, V, frame, to, loop, led)
    if led != loop:
        y = behind_bytes(A, V, x, led)
        if y < V[V_NODES] or below(A, V, y) < LOOP_FROM:  # tables say nothing of a node's own edges
            visit_edges(A, V, x, frame, 0)
            return
    if A[STATUS] != 0:
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
        return
    rest = without_words(A, V, int(A[table + P_EXIT]), loop, n_words)
    if rest >= 0 and A[STATUS] == 0:
        A[frame + 1], A[frame + 2] = to, 0
        if accept != NONE:
            A[frame + 3], A[frame + 4], A[frame + 5] = accept, carry_on(A, to), 0
        A[frame + 6] += 1  # the match is none that stood before the set
        visit_edges(A, V, rest, frame, 0)
