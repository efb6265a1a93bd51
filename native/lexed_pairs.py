"""Pairs of a suffix set and a lexer state: what tokens of the set do to the lexer, whatever stands on the stack.

A pair holds *groups*, the tokens that end inside the last token of the lexer (as a dense row or a list) by the set of
tags which that may still get, and *exits*: for each tag that ended (with the left state there), the set of suffixes
that remain. A vocabulary token that ends where the lexer has passed a match without having died is both: its shadow
remains as an exit of no further bytes than its own (``ONLY``).

Sets are read level by level (:mod:`.lexed_edges`), but for three things. What stays in a loop comes from tables that no
grammar owns (:mod:`.lexed_looping`). Large sets, and those that are met again, have pairs of their own, also behind a
match (``K_BEHIND``: its exits ``BEFORE`` lack the bytes since then). Small ones that are read from one state are united
first.

This is what "Flexible and Efficient Grammar-Constrained Decoding" (Park et al., ICML 2025) computes offline, the
terminals that a vocabulary token can realise from a lexer state, worked out lazily and over sets of suffixes.
"""

from __future__ import annotations

from .arena import AHEAD, COWALK, ENDED, KEPT, LEFT, STATUS, THREADS, WANTED, mix
from .fronts import BELOW, is_front, open_set
from .jit import kernel
from .lexed_edges import SHARED_FROM, covers, restore_path, visit_edges
from .lexed_looping import looping_state, may_loop, visit_looping
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
    end_row,
    end_tokens,
    fall_back,
    keep,
    leave,
)
from .lexed_waiting import keep_waiting, resume, wait, waiting_frame
from .lexer import AT_MET, F_ACCEPT, F_LATE, F_LIST, L_ASCII, N_MET, NONE, field, looks_back, place_of
from .lexer_carries import carry_on
from .lexer_classes import alike
from .lexer_loops import NO_LOOP, alike_inside
from .lexer_steps import lexer_step
from .lexer_tags import pending_at
from .pair_table import find_pair
from .pairs import LOOP_FROM
from .positions import K_BEHIND, K_INSIDE, position
from .suffixes import below, edge_byte, edge_range, edge_rest, height
from .trie import V_NODES

SHARED_AT_ONCE = 512  # tokens below a set from which a pair of its own pays even if the set is met once
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
