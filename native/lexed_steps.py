"""The step of a text that a lexer and an LR stack read.

The item is ``(K_LEX grammar, lexer state, mode, shadow, tail)`` above an LR stack: the token being read, and the stack
before it. The token ends where the lexer dies: its tag is shifted, and the byte is read as the first of the next token,
in the context of the new top of the stack.

**Shadows.** When the lexer dies later than the last token that could have ended, the bytes since then belong to the
next tokens. They are not read again: the state that would have followed goes along as the *shadow* (0: none), and
takes over when the lexer dies, or is forgotten when a longer token can end. ``mode`` is the character that has begun
(see :mod:`.strings`). ``tail``: the bytes behind a match that still owes a lookahead, the last one first; if it comes
to be a token, they are read again.

Where the text may end, the items of what follows the text stand beside the item, and so do tokens of the vocabulary
that are terminals: they are no text, so the token before ends as at the end of the text. Their state is part of the
position (``ends``, 0: none), because it is that of a shadow's item, too, while no longer token can end.

**Islands.** A terminal may be a text of another grammar. Between two tokens, its beginnings stand beside the item of
the lexer, above ``(K_BETWEEN grammar, stack)`` with the terminal shifted. Such a place is a call like any other
(:mod:`.calls`): what can be read there is worked out when the text gets there, so stacks need not be finitely many. A
grammar that stands inside another text is begun at such a place, too, above what follows it.

Where a text may have several stacks (``G_FORKS``), the stack is part of the position, since stacks are never united.

**Dead ends.** For most grammars it is proved beforehand that a text can be finished if the parser has a use for a tag
that its last token can still get. For the others (``L_EXACT``, see :mod:`.lexer`) it is asked for each lexer state and
stack: :func:`lives` gives up with ``NEED`` when the answer is not known, and :mod:`detent.automata.liveness` finds it.
"""

from __future__ import annotations

from .arena import BUFFER, CELLS, FULL, NEED, NEEDED, POS, POS_STRIDE, RULES, STATE, STATE_STRIDE, STATUS
from .calls import ENTER, bare_state, expand
from .jit import kernel
from .languages import dfa_class, settle
from .lexer import (
    ALWAYS_ASKED,
    ASKED,
    F_ACCEPT,
    F_LATE,
    F_LEFT,
    F_LIST,
    L_EXACT,
    NONE,
    PROVED,
    Q_ASKED,
    field,
    known,
    place_of,
    recorded,
)
from .lexer_carries import carry_on, carry_owing, may_stop
from .lexer_steps import can_begin, lexer_start, lexer_step
from .lexer_tags import in_doubt, match_at_end, pending_at
from .positions import K_BETWEEN, K_BYTE, K_LEX, K_LIVES, K_LR, K_MATCH, K_TOKEN, lazy, position
from .stacks import (
    END,
    G_ASKED,
    G_CONTEXT,
    G_FORKS,
    G_ISLANDS,
    G_LAZY,
    G_LEXER,
    G_TOKENS,
    accepts,
    accepts_some,
    after_tag,
    kept_stack,
    shift,
    top,
)
from .states import S_COUNT, S_ITEMS, close_buffer, emit_state, put_item, state_of
from .steps import step
from .strings import CHAR, DEAD, utf8_step

X_GRAMMAR, X_LEXER, X_MODE, X_SHADOW, X_TAIL, X_STACK, X_ENDS = 1, 2, 3, 4, 5, 6, 7  # fields of a K_LEX position
WHATEVER_BELOW = -1  # instead of a stack: any with a certain top
DEPTH, MAX_SHADOWS = 3, 1000  # shadows of shadows being stepped: spare word of region CELLS, and how many may be


@kernel("i8(A, i8)")
def below_bottom(A, cell):
    """The state of what follows the text, below the stack."""
    s, below = top(A, cell)
    while s != 0:
        s, below = top(A, below)
    return below


@kernel("i8(A, i8, i8)")
def context_of(A, G, cell):
    """The context in which the text is read on behind a token, above a stack."""
    return int(A[A[G + G_CONTEXT] + top(A, cell)[0]])


@kernel("b1(A, i8, i8, i8, i8)")
def lives(A, G, place, cell, context):
    """Whether some text leads from a lexer state above a stack to the end; False with ``NEED`` set: not known yet.

    Most answers are those of all stacks with the same top. ``context``: the one in which the token is read, and what
    follows if it is ignored.
    """
    memo = recorded(A, K_LIVES, place, WHATEVER_BELOW, context, top(A, cell)[0], 0, 0, 0)
    if A[STATUS] == 0 and A[known(A, memo)] == 0:
        memo = recorded(A, K_LIVES, place, kept_stack(A, cell), context, 0, 0, 0, 0)
    if A[STATUS] != 0:
        return False
    at = known(A, memo)
    if A[at] == 0:
        if A[at + Q_ASKED] == 0:
            A[at + Q_ASKED], A[G + G_ASKED] = A[G + G_ASKED] if A[G + G_ASKED] != 0 else -1, memo
        A[STATUS], A[NEEDED] = NEED, A[G + G_LAZY]
    return A[at] > 0


@kernel("i8(A, i8, A)")
def take_asked(A, G, found):
    """Take questions without an answer off their list: how many. From now on they may be asked again.

    Nothing comes between, as between two lines of Python another thread may ask.
    """
    n, memo = 0, A[G + G_ASKED]
    while memo > 0 and n < len(found):
        at = known(A, memo) + Q_ASKED
        found[n] = memo
        n += 1
        memo, A[at] = A[at], 0
    A[G + G_ASKED] = max(memo, 0)
    return n


@kernel("b1(A, i8, i8, i8)")
def begins(A, G, q, cell):
    """Whether a text can go on from a state between two tokens."""
    if A[A[G + G_LEXER] + L_EXACT] == ASKED:
        tags = pending_at(A, q, 0)
        if A[STATUS] != 0 or accepts_some(A, G, cell, tags):
            return A[STATUS] == 0
    return lives(A, G, q, cell, context_of(A, G, cell))


@kernel("b1(A, i8, i8, i8, i8)")
def may_get(A, G, cell, context, tags):
    """Whether tokens of a group are allowed above a stack; False with ``NEED`` set: not known yet.

    ``context``: see :func:`lives`; -1 for that of the stack.
    """
    if tags >= 0:
        return accepts_some(A, G, cell, tags)
    if A[A[G + G_LEXER] + L_EXACT] == ASKED and accepts_some(A, G, cell, field(A, -tags, 1)):
        return True
    return lives(A, G, field(A, -tags, 2), cell, context if context >= 0 else context_of(A, G, cell))


@kernel("i8(A, i8, i8, i8)")
def start_above(A, G, cell, carry):
    """The lexer state between two tokens above a stack; 0: a dead end, or ``A[STATUS]`` is set."""
    L = int(A[G + G_LEXER])
    q = lexer_start(A, L, context_of(A, G, cell), carry)
    if A[STATUS] == 0 and A[L + L_EXACT] != PROVED and not begins(A, G, q, cell):
        return 0
    return q if A[STATUS] == 0 else 0


@kernel("i8(A, i8, i8, i8)")
def behind_terminal(A, G, cell, terminal):
    """The state of the place behind a terminal, not yet entered; 0 when it is refused, or a dead end."""
    used = A[CELLS + 2]
    then, state = shift(A, G, cell, terminal), 0
    if then != 0:
        then = kept_stack(A, then)
        if A[STATUS] == 0 and start_above(A, G, then, 0) != 0:
            state = bare_state(A, position(A, K_BETWEEN, G, then, 0, 0, 0, 0, 0), then)
    A[CELLS + 2] = used
    return max(state, 0)


@kernel("i8(A, i8, i8)")
def end_state(A, G, cell):
    """The state of what may come if the text ends behind a stack; 0: nothing."""
    if A[G + G_TOKENS] == 0:
        return below_bottom(A, cell) if accepts(A, G, cell, END) else 0
    start = int(A[BUFFER + 2])
    if accepts(A, G, cell, END):
        emit_state(A, below_bottom(A, cell))
    first = int(A[G + G_TOKENS]) + top(A, cell)[0]
    for entry in range(int(A[first]), int(A[first + 1]), 2):
        then = behind_terminal(A, G, cell, int(A[entry]))
        if then != 0:
            put_item(A, position(A, K_TOKEN, int(A[entry + 1]), 0, 0, 0, 0, 0, 0), then)
    return max(close_buffer(A, start), 0)


@kernel("void(A, i8, i8, i8, i8, i8, i8, i8)")
def put_lexer(A, G, q, mode, shadow, tail, cell, ends):
    """Add the item of a lexer to the buffer, and what may come if the text ends there."""
    apart = cell if A[G + G_FORKS] != 0 else 0
    put_item(A, position(A, K_LEX, G, q, mode, shadow, tail, apart, ends), cell)
    if ends != 0:
        emit_state(A, ends)


@kernel("void(A, i8, i8)")
def put_islands(A, G, cell):
    """Add the beginnings of the islands that a stack accepts to the buffer."""
    first = int(A[G + G_ISLANDS]) + top(A, cell)[0]
    for entry in range(int(A[first]), int(A[first + 1]), 2):
        then = behind_terminal(A, G, cell, int(A[entry]))
        if then == 0:
            continue
        goal = lazy(A, int(A[entry + 1]))
        for j in range(int(A[goal]) if A[STATUS] == 0 else 0):
            put_item(A, int(A[goal + 1 + j]), then)


@kernel("void(A, i8, i8, i8, i8)")
def put_between(A, G, q, cell, ends):
    """Add what can be read between two tokens to the buffer; ``ends`` as of :func:`put_lexer`."""
    put_lexer(A, G, q, 0, 0, 0, cell, ends)
    if A[G + G_ISLANDS] != 0:
        put_islands(A, G, cell)


@kernel("i8(A, i8, i8, i8)")
def between(A, G, cell, carry):
    """The state between two tokens, above a stack that may be scratch; 0: a dead end; -1: ``A[STATUS]`` is set."""
    cell = kept_stack(A, cell)
    q = start_above(A, G, cell, carry) if A[STATUS] == 0 else 0
    if q == 0:
        return 0 if A[STATUS] == 0 else -1
    start, ends = int(A[BUFFER + 2]), end_state(A, G, cell) if may_stop(A, carry) else 0
    put_between(A, G, q, cell, ends)
    if A[RULES] != 0:
        expand(A, start)
    return close_buffer(A, start)


@kernel("void(A, i8, i8)")
def enter(A, pos, parent):
    """Add what can be read at a place between two tokens to the buffer; a text that is begun may not end at once."""
    at = int(A[POS]) + pos * POS_STRIDE
    G, cell, ends = int(A[at + 1]), int(A[at + 2]), 0
    if cell == 0:
        cell = state_of(A, position(A, K_LR, 0, 0, 0, 0, 0, 0, 0), parent)
    else:
        ends = end_state(A, G, cell)
    q = lexer_start(A, int(A[G + G_LEXER]), context_of(A, G, cell), 0) if A[STATUS] == 0 else 0
    if A[STATUS] == 0:
        put_between(A, G, q, cell, ends)


@kernel("i8(A, i8, i8, i8, i8)")
def behind_token(A, G, cell, tag, carry):
    """The state behind a token; 0 when its tag is refused."""
    used = A[CELLS + 2]
    cell = after_tag(A, G, cell, tag)
    state = between(A, G, cell, carry) if cell != 0 else 0
    A[CELLS + 2] = used
    return max(state, 0)


# ------------------------------------------------------------------------------------------------------------ tails
@kernel("i8(A, i8, i8)")
def turned(A, chain, characters):
    """The last characters of a chain of bytes (the last byte first) as a chain with the first one first."""
    out = 0
    while chain != 0 and characters > 0:
        b = field(A, chain, 1)
        out = position(A, K_BYTE, b, out, 0, 0, 0, 0, 0)
        characters -= b & 0xC0 != 0x80
        chain = field(A, chain, 2)
    return out


@kernel("i8(A, i8, i8, i8, i8)")
def tail_after(A, tail, b, q, mode):
    """What must be remembered of the text behind the oldest match that owes something, after byte ``b``."""
    oldest, cell = -1, field(A, q, F_LIST)
    while cell != 0:
        if A[A[POS] + cell * POS_STRIDE] == K_MATCH:
            oldest = max(oldest, field(A, cell, 4))
        cell = field(A, cell, 3)
    oldest += mode != 0
    if oldest <= 0:
        return 0
    chain, out = turned(A, position(A, K_BYTE, b, tail, 0, 0, 0, 0, 0), oldest), 0
    while chain != 0:
        out = position(A, K_BYTE, field(A, chain, 1), out, 0, 0, 0, 0, 0)
        chain = field(A, chain, 2)
    return out


@kernel("i8(A, i8, i8)")
def read_again(A, state, chain):
    """The state after a chain of bytes, the first one first; 0 when they are not allowed."""
    while chain != 0 and state > 0:
        state = step(A, state, field(A, chain, 1))
        chain = field(A, chain, 2)
    return max(state, 0)


# ------------------------------------------------------------------------------------------------------- end of text
@kernel("i8(A, i8)")
def ends_of(A, state):
    """The state of what may come if the text ends in a state; 0: nothing."""
    if state <= 0:
        return 0
    start, at = int(A[BUFFER + 2]), int(A[STATE]) + state * STATE_STRIDE
    items = int(A[at + S_ITEMS])
    for j in range(int(A[at + S_COUNT])):
        pos = int(A[POS]) + int(A[items + 2 * j]) * POS_STRIDE
        if A[pos] == K_LEX and A[pos + X_ENDS] != 0:
            emit_state(A, int(A[pos + X_ENDS]))
    return max(close_buffer(A, start), 0)


@kernel("i8(A, i8, i8, i8, i8, i8)")
def ends_after(A, G, cell, q, shadow, tail):
    """The same at an item of the lexer, outside characters and behind at least one."""
    if not may_stop(A, field(A, q, F_LEFT)):
        return 0
    match = match_at_end(A, q)
    if match != 0:
        state = behind_token(A, G, cell, field(A, match, 1), field(A, match, 5))
        return ends_of(A, read_again(A, state, turned(A, tail, field(A, match, 4))))
    accept = field(A, q, F_ACCEPT)
    if accept == NONE:
        return ends_of(A, shadow)
    used = A[CELLS + 2]
    cell = after_tag(A, G, cell, accept)
    found = end_state(A, G, cell) if cell != 0 else 0
    A[CELLS + 2] = used
    return found


# ------------------------------------------------------------------------------------------------------------- a step
@kernel("i8(A, i8, i8, i8, i8)")
def _behind(A, pos, parent, b, accepted):
    """The state after byte ``b`` if the token ended before it; 0 for none."""
    at = int(A[POS]) + pos * POS_STRIDE
    G, q, shadow = int(A[at + X_GRAMMAR]), int(A[at + X_LEXER]), int(A[at + X_SHADOW])
    state = behind_token(A, G, parent, accepted, carry_on(A, q)) if accepted != NONE else shadow
    if state <= 0 or A[STATUS] != 0:
        return 0
    return max(step(A, state, b), 0)


@kernel("b1(A, i8, i8, i8, i8, i8)")
def goes_on(A, G, q, mode, parent, tail):
    """Whether a text can go on from an item of the lexer, its shadow apart."""
    always = A[A[G + G_LEXER] + L_EXACT] == ALWAYS_ASKED
    if not always:
        tags = pending_at(A, q, mode)
        if A[STATUS] != 0 or accepts_some(A, G, parent, tags):
            return A[STATUS] == 0
    if (always or in_doubt(A, q)) and lives(A, G, place_of(A, q, mode), parent, context_of(A, G, parent)):
        return True
    cell = field(A, q, F_LIST) if always or mode != 0 else 0
    while cell != 0 and A[STATUS] == 0:  # a match some characters ago, if what it owes comes true
        age = field(A, cell, 4) + (mode != 0) if A[A[POS] + cell * POS_STRIDE] == K_MATCH else 0
        if age != 0:
            state = behind_token(A, G, parent, field(A, cell, 1), carry_owing(A, q, cell))
            if read_again(A, state, turned(A, tail, age)) != 0:
                return A[STATUS] == 0
        cell = field(A, cell, 3)
    return False


@kernel("void(A, i8, i8, i8)")
def _step(A, pos, parent, b):
    at = int(A[POS]) + pos * POS_STRIDE
    G, q, mode, tail = int(A[at + X_GRAMMAR]), int(A[at + X_LEXER]), int(A[at + X_MODE]), int(A[at + X_TAIL])
    L, r = int(A[G + G_LEXER]), utf8_step(mode, b)
    to, inside = -1, 0
    if r >= CHAR:
        to = lexer_step(A, q, dfa_class(A, L, r & 0x1FFFFF))
    elif r != DEAD and can_begin(A, q, r):
        to, inside = q, settle(A, L, r)
    if A[STATUS] != 0:
        return
    behind, late = 0, field(A, to, F_LATE) if to > 0 and inside == 0 else 0
    if late != 0:
        chain = turned(A, position(A, K_BYTE, b, tail, 0, 0, 0, 0, 0), field(A, late, 3))
        behind = read_again(A, behind_token(A, G, parent, field(A, late, 1), field(A, late, 2)), chain)
    elif to < 0 or inside != 0 or field(A, to, F_ACCEPT) == NONE:
        behind = _behind(A, pos, parent, b, field(A, q, F_ACCEPT) if mode == 0 else NONE)
    if A[STATUS] != 0:
        return
    if to < 0 or (late != 0 and field(A, to, F_LIST) == 0):
        if behind != 0:
            emit_state(A, behind)
        return
    tail = tail_after(A, tail, b, to, inside)
    if A[STATUS] != 0 or (behind == 0 and not goes_on(A, G, to, inside, parent, tail)) or A[STATUS] != 0:
        return
    ends = ends_after(A, G, parent, to, behind, tail) if inside == 0 else 0
    put_lexer(A, G, to, inside, behind, tail, parent, ends)


@kernel("i8(A, i8, i8, i8)", exported=True)
def step_lexed(A, pos, parent, b):
    """Emit what an item of a lexer is after one more byte; for ``ENTER``, what a place between two tokens is."""
    A[CELLS + DEPTH] += 1
    if A[CELLS + DEPTH] > MAX_SHADOWS:
        A[STATUS] = FULL
    elif b == ENTER:
        enter(A, pos, parent)
    else:
        _step(A, pos, parent, b)
    A[CELLS + DEPTH] -= 1
    return 0
