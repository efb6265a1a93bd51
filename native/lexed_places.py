"""Masks read place by place, where a walk along stacks would meet too many of them.

A *place* is a stack, a lexer state above it, and the context that this one began in. Where a grammar spells words by
character, each character is a token, and there would be as many places as texts, but for three things:

A stack is *settled* (:func:`.stacks.settled`): what is reduced whatever comes is reduced at once, so letters that are
terminals of their own lead to one stack. The context stays that of the state before, in which Lark goes on reading.

Settled stacks are kept, so equal ones are one: a place is a record ``(K_PLACE, stack, lexer state, mode, context)``.
The words behind it hold its loop and the last of the entries that are to be read from it. Sets of suffixes that are to
be read from one place are united where there are many.

Characters that are tokens by themselves and lead back to their place are a loop set: what stays among them comes from
the tables that no grammar owns (:mod:`.tables`), as within a token.

The first mask of a grammar that meets too many stacks is read so, and then all are (``G_SPELLS``), until one meets too
many that differ, as where each letter is the beginning of a rule of its own.
"""

from __future__ import annotations

from .arena import AHEAD, CELLS, LEFT, NEED, NEEDED, STATE, STATE_STRIDE, STATUS, THREADS
from .collect import add_list, add_row
from .fronts import BELOW, EDGE, front, is_front, with_members
from .jit import kernel
from .languages import LOOP_RECORD, in_loop, settle
from .lexed_apart import SPARE, first_ahead, leave_to_islands, put_ahead, take_ahead
from .lexed_edges import doubted
from .lexed_looping import loop_table
from .lexed_notes import EXIT, GROUP, R_EXITS, R_GROUPS, R_N_EXITS, R_N_GROUPS
from .lexed_pairs import lexed_pair
from .lexed_steps import context_of, may_get
from .lexer import (
    AT_BITS,
    DROPPED,
    F_ACCEPT,
    F_LATE,
    F_LIST,
    F_START,
    L_ASCII,
    NONE,
    field,
    known,
    place_of,
    recorded,
)
from .lexer_carries import carry_on
from .lexer_loops import NO_LOOP, target
from .lexer_steps import lexer_start, lexer_step
from .lexer_tags import pending_at
from .pair_table import P_EXIT, find_pair, use_tokens
from .pairs import LOOP_FROM
from .positions import K_PLACE, K_SIGNATURE
from .sets import add_member, kept_set
from .stacks import G_ISLANDS, G_LAZY, G_LEXER, G_SPELLS, after_tag, kept_stack, settled
from .strings import utf8_step
from .suffixes import below, edge_byte, edge_range, members
from .trie import V_NODES

F_CELL, F_STATE, F_MODE, F_CONTEXT = 1, 2, 3, 4  # fields of a place
P_LOOP, P_LATEST = 0, 1  # words behind it: its loop set (0: not known); the last entry to be read from it
E_PLACE, E_SET, E_BEFORE, ENTRY = 0, 1, 2, 3  # an entry: the one before it of the same place, plus one (0: none)
MANY = 8  # entries of a place from which their sets are united
LIKELY = (97, 65, 48)  # characters of which one leads back to its place where a grammar spells words: a A 0
UNKNOWN, BY_PLACES, BY_STACKS = 0, 1, 2  # G_SPELLS
MOST = 4096  # states of new stacks up to which a mask is read by places
BUILT, ASKING, READ = 0, 1, 2  # tables had to be built; stacks must be asked for dead ends; all is read


# ------------------------------------------------------------------------------------------------------------- places
@kernel("i8(A, i8, i8, i8, i8, i8)")
def _place_above(A, G, cell, context, carry, is_ignored):
    """The place behind a token, above a stack with scratch cells on top; 0: there is none, or ``A[STATUS]`` is set."""
    if not is_ignored:
        context = context_of(A, G, cell)
    q, cell = lexer_start(A, int(A[G + G_LEXER]), context, carry), settled(A, G, cell)
    if q < 0 or cell == 0 or A[STATUS] != 0:
        return 0
    cell = kept_stack(A, cell)
    return recorded(A, K_PLACE, cell, q, 0, context, 0, 0, 0) if cell > 0 else 0


@kernel("void(A, i8, i8)")
def _read_behind(A, place, x):
    """A set is still to be read from a place."""
    base, used, latest = first_ahead(A), int(A[AHEAD + SPARE]), known(A, place) + P_LATEST
    at = put_ahead(A, ENTRY)
    if at == 0:
        return
    before = base + int(A[latest])
    is_before = before < at and A[before + E_PLACE] == place
    A[at + E_PLACE], A[at + E_SET], A[at + E_BEFORE] = place, x, int(A[latest]) + 1 if is_before else 0
    A[latest] = used


@kernel("i8(A, A, i8)")
def _union(A, V, chain):
    """The union of the sets of a chain: pairs of a set and the rest of the chain."""
    base, n = int(A[LEFT]), 0
    while chain != 0:
        x, chain = field(A, chain, 1), field(A, chain, 2)
        if is_front(A, V, x):
            n = with_members(A, V, base, n, x)
        else:
            A[base + 2 * n], A[base + 2 * n + 1] = x, BELOW
            n += 1
    return front(A, V, base, n)


@kernel("i8(A, A, i8, i8, i8)")
def _united(A, V, place, x, before):
    """A set, united with those of other entries of its place, named by the one before, if they are many.

    Entries that are united with it are taken out: their place is 0. A few are read each from its own pairs, which other
    masks have. Fronts are united with fronts: the others are those that tables of loops know.
    """
    base, room, is_alone, many, other = first_ahead(A), int(A[LEFT + 1]) // 2, is_front(A, V, x), 1, before
    while other != 0:
        many += 1
        other = int(A[base + other - 1 + E_BEFORE])
    if many < MANY:
        return x
    chain = recorded(A, K_SIGNATURE, x, 0, -7, 0, 0, 0, 0)
    while before != 0 and A[STATUS] == 0:
        entry = base + before - 1
        y, before = int(A[entry + E_SET]), int(A[entry + E_BEFORE])
        room -= 2 + 2 * abs(members(A, V, y)[1])
        if is_front(A, V, y) == is_alone and A[entry + E_PLACE] != 0 and room > 0:
            chain, A[entry + E_PLACE] = recorded(A, K_SIGNATURE, y, chain, -7, 0, 0, 0, 0), 0
    if A[STATUS] != 0:
        return x
    if A[known(A, chain)] == 0:
        A[known(A, chain)] = _union(A, V, chain)
    return int(A[known(A, chain)])


# -------------------------------------------------------------------------------------------------------------- loops
@kernel("i8(A, i8, i8)")
def _behind_first(A, q, b):
    """The lexer state that every character leads to whose UTF-8 form begins with ``b``; -1: none, or several."""
    L = field(A, q, 1)
    if b < 0x80:
        return lexer_step(A, q, int(A[A[L + L_ASCII] + b]))
    return target(A, q, settle(A, L, utf8_step(0, b)))


@kernel("b1(A, i8, i8, i8)")
def _leads_back(A, G, place, to):
    """Whether a token ends in a lexer state whatever follows, is allowed, and leads back to a place."""
    if to <= 0 or field(A, to, F_LIST) != 0 or field(A, to, F_LATE) != 0 or field(A, to, F_ACCEPT) == NONE:
        return False
    cell, context, tag, used = field(A, place, F_CELL), field(A, place, F_CONTEXT), field(A, to, F_ACCEPT), A[CELLS + 2]
    then = after_tag(A, G, cell, tag)
    leads = then != 0 and _place_above(A, G, then, context, carry_on(A, to), tag == DROPPED) == place
    A[CELLS + 2] = used
    if not leads or A[STATUS] != 0:
        return False
    tags = pending_at(A, to, 0)
    tags = doubted(A, tags, to, 0) if A[STATUS] == 0 else 0
    return A[STATUS] == 0 and may_get(A, G, cell, context, tags)


@kernel("i8(A, i8, i8)")
def _find_loop(A, G, place):
    """As :func:`_place_loop`, computed."""
    q, found = field(A, place, F_STATE), False
    for b in LIKELY:
        found = found or _leads_back(A, G, place, _behind_first(A, q, b))
    if not found and A[STATUS] == 0:
        return NO_LOOP
    bits, last, leads, asked = int(A[THREADS]) + AT_BITS, 0, False, False
    for j in range(LOOP_RECORD):
        A[bits + j] = 0
    for b in range(0xF5):
        to = _behind_first(A, q, b) if b < 0x80 or b >= 0xC2 else -1
        if A[STATUS] == NEED:  # all that must be asked is asked together
            A[STATUS], asked = 0, True
        elif A[STATUS] != 0:
            return NO_LOOP
        if to != last:
            last, leads = to, _leads_back(A, G, place, to)
        if leads:
            add_member(A, bits, b)
    if asked and A[STATUS] == 0:
        A[STATUS] = NEED
    return kept_set(A, bits, LOOP_RECORD) if A[STATUS] == 0 else NO_LOOP


@kernel("i8(A, i8, i8)")
def _place_loop(A, G, place):
    """The characters that lead from a place between two tokens back to it, as a loop set; ``NO_LOOP``: there are none.

    Only where no island may stand between them.
    """
    at = known(A, place) + P_LOOP
    if A[at] == 0:
        is_between = field(A, field(A, place, F_STATE), F_START) != 0 and field(A, place, F_MODE) == 0
        loop = _find_loop(A, G, place) if is_between and A[G + G_ISLANDS] == 0 else NO_LOOP
        if A[STATUS] != 0:
            return NO_LOOP
        A[at] = loop
    return int(A[at])


@kernel("i8(A, A, i8, i8)")
def _leaving(A, V, x, loop):
    """The suffixes of a trie node that begin with no character of a loop set; -1: there are none."""
    base, n = int(A[LEFT]), 0
    first, last = edge_range(A, V, x)
    for edge in range(first, last):
        if not in_loop(A, loop, edge_byte(A, V, edge)):
            A[base + 2 * n], A[base + 2 * n + 1] = edge, EDGE
            n += 1
    return front(A, V, base, n) if n else -1


# ------------------------------------------------------------------------------------------------------------ reading
@kernel("b1(A, i8, i8, i8, i8)")
def add_groups(A, G, cell, context, pair):
    """Collect the groups of a pair that a stack allows; whether something is to be asked of the stack first.

    ``context``: as of :func:`.lexed_steps.may_get`.
    """
    asked, first = False, int(A[pair + R_GROUPS])
    for at in range(first, first + GROUP * int(A[pair + R_N_GROUPS]), GROUP):
        if may_get(A, G, cell, context, int(A[at])):
            if A[at + 1] != 0:
                add_row(A, int(A[at + 1]))
            else:
                add_list(A, int(A[at + 2]), int(A[at + 3]))
        if A[STATUS] == NEED:
            A[STATUS], asked = 0, True
    return asked


@kernel("void(A, A, i8, i8, i8)")
def _leave(A, V, G, place, exit_at):
    """What remains behind an exit of a pair is still to be read from the place that it leads to."""
    tag, carry, x, used = int(A[exit_at]), int(A[exit_at + 1]), int(A[exit_at + 2]), A[CELLS + 2]
    then = after_tag(A, G, field(A, place, F_CELL), tag)
    if then != 0 and A[G + G_ISLANDS] != 0:
        leave_to_islands(A, V, G, then, x)
    to = _place_above(A, G, then, field(A, place, F_CONTEXT), carry, tag == DROPPED) if then != 0 else 0
    A[CELLS + 2] = used
    if to > 0:
        _read_behind(A, to, x)


@kernel("i8(A, A, i8, i8, i8, i8)")
def _read_set(A, V, G, place, x, went):
    """Read a set from a place by its pair: how it went, when ``went`` says so of what was read before."""
    q, mode = field(A, place, F_STATE), field(A, place, F_MODE)
    cell, context = field(A, place, F_CELL), field(A, place, F_CONTEXT)
    pair = find_pair(A, x, place_of(A, q, mode))
    if pair == 0:
        pair, went = lexed_pair(A, V, x, q, mode), BUILT
        if pair == 0:
            return BUILT
    if went != BUILT and add_groups(A, G, cell, context, pair):
        went = ASKING
    for k in range(int(A[pair + R_N_EXITS])):
        _leave(A, V, G, place, int(A[pair + R_EXITS]) + EXIT * k)
    return went


@kernel("i8(A, A, i8, i8, i8, i8)")
def _read_place(A, V, G, place, x, went):
    """As :func:`_read_set`; what characters lead back to the place is read from the tables of loops."""
    loop = _place_loop(A, G, place) if not is_front(A, V, x) and below(A, V, x) >= LOOP_FROM else NO_LOOP
    if A[STATUS] == NEED:
        A[STATUS] = 0
        return min(went, ASKING)
    if loop == NO_LOOP or A[STATUS] != 0:
        return _read_set(A, V, G, place, x, went)
    went = went if find_pair(A, x, -loop) != 0 else BUILT
    table = loop_table(A, V, x, loop)
    if table == 0:
        return BUILT
    if went != BUILT:
        use_tokens(A, table)
    rest = _leaving(A, V, x, loop) if x < V[V_NODES] else -1
    if rest >= 0:
        went = _read_set(A, V, G, place, rest, went)
    if A[table + P_EXIT] >= 0 and A[STATUS] == 0:
        went = _read_set(A, V, G, place, int(A[table + P_EXIT]), went)
    return went


@kernel("i8(A, A, i8, i8, i8, i8, i8)")
def read_places(A, V, G, x, q, mode, cell):
    """Collect the tokens of a set read from a lexer state above a stack; 0 when tables had to be built.

    All that must be asked of stacks (:func:`.lexed_steps.lives`) is asked together, once no table is missing.
    Where too many stacks differ, all starts again by stacks.
    """
    went, n_states = READ, int(A[STATE + 2])
    A[CELLS + 2], A[AHEAD + SPARE] = 0, 0
    place = recorded(A, K_PLACE, cell, q, mode, context_of(A, G, cell), 0, 0, 0)
    if place > 0:
        _read_behind(A, place, x)
    while A[AHEAD + SPARE] > 0 and A[STATUS] == 0:
        if int(A[STATE + 2]) - n_states > MOST * STATE_STRIDE:
            A[G + G_SPELLS] = BY_STACKS
            return 0
        at = take_ahead(A, ENTRY)
        place = int(A[at + E_PLACE])
        if place != 0:
            went = _read_place(A, V, G, place, _united(A, V, place, int(A[at + E_SET]), int(A[at + E_BEFORE])), went)
    if went == ASKING and A[STATUS] == 0:
        A[STATUS], A[NEEDED] = NEED, A[G + G_LAZY]
    return 1 if went == READ and A[STATUS] == 0 else 0
