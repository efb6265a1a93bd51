"""Tags to come: which tags the token that is being read in a lexer state can still get."""

from __future__ import annotations

from .arena import POS, POS_STRIDE, STATUS, THREADS
from .jit import kernel
from .languages import DFA_CLS, DFA_STARTS, interval_of
from .lexer import (
    ALWAYS_ASKED,
    ASKED,
    AT_QUEUE,
    AT_TAGS,
    AT_WANTED,
    DROPPED,
    F_ACCEPT,
    F_LATE,
    F_LEFT,
    F_LIST,
    F_RETYPES,
    L_CLASSES,
    L_CODE,
    L_EXACT,
    L_HARMFUL,
    L_HINT_CLASS,
    L_HINT_NEXT,
    L_IGNORED,
    L_INTERVALS,
    L_LOOK_END,
    L_OWNER,
    L_SEARCH,
    L_SPELLED,
    L_TERMINALS,
    MATCH,
    NONE,
    Q_PENDING,
    Q_SEARCH,
    field,
    known,
    place_of,
)
from .lexer_carries import carry_on
from .lexer_steps import lexer_step
from .positions import K_MATCH, K_THREAD
from .sets import add_member, kept_set
from .strings import mode_range

MAX_SEARCH = 4096  # lexer states looked through for one tag that no thread reaches on its own way


@kernel("i8(A, i8)")
def match_at_end(A, q):
    """The first match of a state that owes nothing if the text ends here, as a cell; 0: none."""
    L, cell = field(A, q, 1), field(A, q, F_LIST)
    while cell != 0:
        at = int(A[POS]) + cell * POS_STRIDE
        if A[at] == K_MATCH:
            owed, good = int(A[at + 2]), True
            while owed != 0:
                good = good and A[A[L + L_LOOK_END] + field(A, owed, 1)] != 0
                owed = field(A, owed, 2)
            if good:
                return cell
        cell = int(A[at + 3])
    return 0


@kernel("void(A, i8, i8)")
def add_tags(A, q, tags):
    """Add the tags of tokens that end in a state, or end if the text does.

    Where dead ends must be asked for, only those are added of which it is known that a text can go on behind them.
    """
    if A[field(A, q, 1) + L_EXACT] == ASKED:
        if field(A, q, F_ACCEPT) != NONE and carry_on(A, q) >= 0:
            add_member(A, tags, field(A, q, F_ACCEPT))
        cell = field(A, q, F_LIST)
        while cell != 0:
            if A[A[POS] + cell * POS_STRIDE] == K_MATCH and field(A, cell, 4) == 0 and field(A, cell, 5) >= 0:
                add_member(A, tags, field(A, cell, 1))
            cell = field(A, cell, 3)
        return
    match = match_at_end(A, q)
    if match != 0:
        add_member(A, tags, field(A, match, 1))
    if field(A, q, F_ACCEPT) != NONE:
        add_member(A, tags, field(A, q, F_ACCEPT))


@kernel("void(A, i8, i8)")
def add_tags_behind(A, q, tags):
    """Add the tags of a state that lies ahead: those of tokens that ended a while before it, too."""
    add_tags(A, q, tags)
    if field(A, q, F_LATE) != 0 and A[field(A, q, 1) + L_EXACT] != ASKED:
        add_member(A, tags, field(A, field(A, q, F_LATE), 1))


@kernel("void(A, i8, i8, i8, i8)")
def walk_hint(A, L, q, pc, tags):
    """Let a thread take its shortest way to a match, and add the tags that the lexer gives on it."""
    code, hint = int(A[L + L_CODE]), int(A[L + L_HINT_CLASS])
    while q > 0 and A[hint + pc] >= 0:
        q = lexer_step(A, q, int(A[hint + pc]))
        if q > 0:
            add_tags_behind(A, q, tags)
        pc = int(A[A[L + L_HINT_NEXT] + pc])
        if A[code + 3 * pc] == MATCH:
            return


@kernel("i8(A, i8, i8)")
def _wanted(A, L, q):
    """The tags that the threads, matches and strings of a state are on the way to, as a set in scratch."""
    words, wanted = (int(A[L + L_TERMINALS]) + 31) >> 5, int(A[THREADS]) + AT_WANTED
    for j in range(words):
        A[wanted + j] = 0
    cell = field(A, q, F_LIST)
    while cell != 0:
        tag = field(A, cell, 1)
        if A[A[POS] + cell * POS_STRIDE] == K_THREAD:
            tag = int(A[A[L + L_OWNER] + tag])
            if A[A[L + L_IGNORED] + tag]:
                tag = DROPPED
        add_member(A, wanted, tag)
        cell = field(A, cell, 3)
    cell = field(A, q, F_RETYPES)
    while cell != 0:
        add_member(A, wanted, int(A[A[L + L_OWNER] + field(A, cell, 1)]))
        cell = field(A, cell, 3)
    return wanted


@kernel("b1(A, i8, i8, i8)")
def _lacks(A, tags, wanted, words):
    """Whether some tag that is wanted was not found."""
    for j in range(words):
        if A[wanted + j] & ~A[tags + j]:
            return True
    return False


@kernel("void(A, i8, i8, i8, i8, i8)")
def _search(A, L, q, tags, wanted, words):
    """Breadth-first search of the lexer states behind ``q`` for tags wanted and not yet found.

    Where it would pass ``MAX_SEARCH`` states, they are taken for found.
    """
    queue, n, k = int(A[THREADS]) + AT_QUEUE, 1, 0
    A[L + L_SEARCH] += 1
    A[queue] = q
    while k < n and _lacks(A, tags, wanted, words):
        for c in range(int(A[L + L_CLASSES])):
            to = lexer_step(A, int(A[queue + k]), c) if A[A[L + L_SPELLED] + c] else -1
            if A[STATUS] != 0:
                return
            if to < 0 or A[known(A, to) + Q_SEARCH] == A[L + L_SEARCH]:
                continue
            A[known(A, to) + Q_SEARCH] = A[L + L_SEARCH]
            if n == MAX_SEARCH:
                for j in range(words):
                    A[tags + j] |= A[wanted + j]
                return
            A[queue + n] = to
            n += 1
            add_tags_behind(A, to, tags)
        k += 1


@kernel("i8(A, i8)")
def pending(A, q):
    """The set of the tags that the token being read in ``q`` can still get; -1 with ``A[STATUS]`` set.

    Every tag is proved by a text: the shortest way of its own thread, or one found by a search among lexer states. A
    token that is known in ``q`` to have ended before is none of them: what follows it has begun.
    """
    at, L = known(A, q), field(A, q, 1)
    if A[at + Q_PENDING] == 0:
        words, tags = (int(A[L + L_TERMINALS]) + 31) >> 5, int(A[THREADS]) + AT_TAGS
        for j in range(words):
            A[tags + j] = 0
        add_tags(A, q, tags)
        cell = field(A, q, F_LIST)
        while cell != 0:
            if A[A[POS] + cell * POS_STRIDE] == K_THREAD:
                walk_hint(A, L, q, field(A, cell, 1), tags)
            cell = field(A, cell, 3)
        cell = field(A, q, F_RETYPES)
        while cell != 0:
            walk_hint(A, L, q, field(A, cell, 1), tags)
            cell = field(A, cell, 3)
        _search(A, L, q, tags, _wanted(A, L, q), words)
        found = kept_set(A, tags, words) if A[STATUS] == 0 else -1
        if found < 0:
            return -1
        A[at + Q_PENDING] = found
    return int(A[at + Q_PENDING])


@kernel("i8(A, i8, i8)")
def pending_at(A, q, mode):
    """As :func:`pending`, also inside a character that has begun: whatever it may become."""
    if mode == 0:
        return pending(A, q)
    place = place_of(A, q, mode)
    if A[STATUS] != 0:
        return -1
    at, L = known(A, place), field(A, q, 1)
    if A[at + Q_PENDING] == 0:
        words, tags = (int(A[L + L_TERMINALS]) + 31) >> 5, int(A[THREADS]) + AT_TAGS
        first, last = mode_range(mode, 0)
        lo, n, found = interval_of(A, L, first), int(A[L + L_INTERVALS]), 0
        while lo < n and A[A[L + DFA_STARTS] + lo] <= last:
            c = int(A[A[L + DFA_CLS] + lo])
            to = lexer_step(A, q, c) if A[A[L + L_SPELLED] + c] else -1
            lo += 1
            more = pending(A, to) if to > 0 else 0
            if A[STATUS] != 0:
                return -1
            if more != 0 and more != found:
                for j in range(words):
                    A[tags + j] = A[more + j] | (A[found + j] if found != 0 else 0)
                found = kept_set(A, tags, words)
                if found < 0:
                    return -1
        A[at + Q_PENDING] = found
    return int(A[at + Q_PENDING])


@kernel("b1(A, i8)")
def in_doubt(A, q):
    """Whether tokens that can still come of a state may have other tags, behind which a text may be stuck."""
    L, cell = field(A, q, 1), field(A, q, F_LIST)
    if A[L + L_EXACT] != ASKED:
        return A[L + L_EXACT] == ALWAYS_ASKED
    while cell != 0:
        is_thread = A[A[POS] + cell * POS_STRIDE] == K_THREAD
        if not is_thread and field(A, cell, 5) < 0:
            return True
        if is_thread and A[A[L + L_HARMFUL] + A[A[L + L_OWNER] + field(A, cell, 1)]]:
            return True
        cell = field(A, cell, 3)
    return field(A, q, F_LEFT) < 0 or carry_on(A, q) < 0
