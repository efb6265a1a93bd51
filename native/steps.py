"""The step of a state by one byte: what each kind of position does with it. It is computed once (:mod:`.memo`)."""

from __future__ import annotations

from .arena import BUFFER, POS, POS_STRIDE, RULES, STATE, STATE_STRIDE, STATUS, VALUE
from .calls import expand
from .jit import kernel
from .languages import (
    ANY,
    AUTOMATON,
    DFA_ABSORBS,
    DFA_ACCEPT,
    DFA_GOALS,
    SPEC_FREE,
    SPEC_KIND,
    SPEC_MAX,
    SPEC_MIN,
    SPEC_REF,
    SPEC_REST,
    alike_mode,
    dfa_can_start,
    dfa_fits,
    dfa_step,
    least_char,
    needs_verdict,
    settle,
    trie_char,
    trie_child,
)
from .machine import step_elsewhere
from .memo import BLOCKS, memo_row, remember
from .number import num_step
from .positions import (
    A_CLOSES,
    A_GOAL,
    A_GOALS,
    A_MAX,
    A_MIN,
    A_PREFIX,
    A_UNIQUE,
    A_WS,
    DIFFERENT,
    EXITS,
    FIRST,
    K_ARRAY,
    K_END,
    K_KEY,
    K_LEX,
    K_LITERAL,
    K_MEMBER,
    K_NUMBER,
    K_OBJECT,
    K_OPEN,
    K_STRING,
    K_TEXT,
    K_WORD,
    NAME,
    NEXT,
    O_ALL,
    O_FREE,
    O_GOALS,
    O_NONE_SEEN,
    O_SORTED,
    O_SPEC,
    O_TEXT,
    O_TRIE,
    O_WS,
    START,
    after_name,
    any_word,
    counted,
    free_allowed,
    lazy,
    may_close,
    may_go_on,
    name_allowed,
    position,
    space_step,
)
from .states import S_COUNT, S_EXPANDED, S_ITEMS, S_ROW, call, close_buffer, emit, emit_state
from .strings import CHAR, DEAD, LAST, QUOTE, UTF8, char_step, mode_range, utf8_step

NO_VALUE = -(1 << 62)  # results up to half of it: see ask_value


@kernel("i8(A, i8, i8)")
def clamp_count(A, spec, count):
    """Characters counted only as far as the bounds can tell them apart."""
    if A[spec + SPEC_MAX] < 0 and count > A[spec + SPEC_MIN]:
        return int(A[spec + SPEC_MIN])
    return count


@kernel("b1(i8, i8)")
def is_raw(mode, b):
    """Whether a byte is raw UTF-8 text rather than part of an escape."""
    return (mode == 0 and b != 92) or (mode & ~0xFFFFFF) == UTF8


@kernel("b1(A, i8, i8)")
def word_can_go_on(A, node, mode):
    """Whether a started escape can name a character that some word below ``node`` goes on with."""
    for part in range(3):
        first, last = mode_range(mode, part)
        if first <= last:
            found = least_char(A, node, first)
            if found >= 0 and (found & 0x1FFFFF) <= last:
                return True
    return False


@kernel("b1(A, i8, i8, i8, i8, i8)")
def name_can_go_on(A, obj, seen, count, node, mode):
    """The same for the names that an object still allows."""
    for part in range(3):
        first, last = mode_range(mode, part)
        while first <= last:
            found = least_char(A, node, first)
            if found < 0 or (found & 0x1FFFFF) > last:
                break
            if any_word(A, obj, seen, count, found >> 21):
                return True
            first = (found & 0x1FFFFF) + 1
    return False


@kernel("b1(A, i8, i8)")
def only_words(A, node, mode):
    """Whether every character that a started escape or character can be ends a word below ``node``."""
    for part in range(3):
        cp, last = mode_range(mode, part)
        while cp <= last:
            if 0xD800 <= cp <= 0xDFFF:
                cp = 0xE000
                continue
            found = least_char(A, node, cp)
            if found < 0 or found & 0x1FFFFF != cp or A[(found >> 21) + 3] < 0:
                return False
            cp += 1
    return True


@kernel("i8(A, i8, i8, b1)")
def avoid_step(A, node, r, last):
    """The node among texts to avoid after a part of a character (``r`` of :func:`char_step`).

    Parameters
    ----------
    last : bool
        Whether no further character may come: then none may lead to one of the texts.

    Returns
    -------
    int
        0 when no such text can come about any more, -1 when nothing else can.
    """
    if r >= CHAR:
        node = trie_char(A, node, r & 0x1FFFFF)
        if node < 0:
            return 0
        return -1 if last and A[node + 3] >= 0 else node
    if last and only_words(A, node, r):
        return -1
    return node if word_can_go_on(A, node, r) else 0


@kernel("void(A, i8, i8, i8, i8)")
def ask_verdict(A, spec, q, count, r):
    """Set ``VALUE`` where a part of a character can be read once the label before it has been judged."""
    if A[STATUS] == 0 and needs_verdict(A, spec, q, count, r):
        A[STATUS] = VALUE


@kernel("void(A, i8, i8, i8)")
def step_string(A, at, parent, b):
    """The inside of a string."""
    spec, q, count, mode, avoid = int(A[at + 1]), int(A[at + 2]), int(A[at + 3]), int(A[at + 4]), int(A[at + 5])
    kind = A[spec + SPEC_KIND]
    r = char_step(mode, b)
    if r == DEAD:
        return
    ref = int(A[spec + SPEC_REF])
    if r == QUOTE:
        if kind == AUTOMATON:
            good = A[A[ref + DFA_ACCEPT] + q] != 0
        else:
            good = kind == ANY or A[q + 3] >= 0
        if count >= A[spec + SPEC_MIN] and (avoid == 0 or A[avoid + 3] < 0):
            if good:
                emit_state(A, parent)
            elif kind == AUTOMATON:
                ask_verdict(A, spec, q, count, r)
        return
    full = r >= CHAR
    cp = r & 0x1FFFFF
    if mode == 0 and A[spec + SPEC_MAX] >= 0 and count >= A[spec + SPEC_MAX]:
        return
    if avoid != 0:
        avoid = avoid_step(A, avoid, r, count + 1 == A[spec + SPEC_MAX])
        if avoid < 0:
            return
    if kind == AUTOMATON:
        if full:
            to = dfa_step(A, ref, q, cp)
            if to < 0 or not dfa_fits(A, spec, ref, to, count + 1):
                ask_verdict(A, spec, q, count, r)
                return
            q = to
        elif dfa_can_start(A, spec, q, count, r):
            r = settle(A, ref, r) if avoid == 0 else r
        else:
            ask_verdict(A, spec, q, count, r)
            return
    elif kind == ANY:
        if avoid == 0 and (r & ~0xFFFFFF) == UTF8:
            r = alike_mode(r, 0, LAST + 1)
    else:
        if is_raw(mode, b):
            q = trie_child(A, q, b)
        elif full:
            q = trie_char(A, q, cp)
        elif not word_can_go_on(A, q, r):
            return
        if q < 0:
            return
    if full:
        count, r = clamp_count(A, spec, count + 1), 0
        if kind == AUTOMATON and A[spec + SPEC_REST] != 0 and A[A[ref + DFA_ABSORBS] + q]:
            spec, q = int(A[spec + SPEC_REST]), 0
    emit(A, position(A, K_STRING, spec, q, count, r, avoid, 0, 0), parent)


@kernel("void(A, i8, i8, i8)")
def step_text(A, at, parent, b):
    """Raw text under an automaton."""
    spec, q, mode = int(A[at + 1]), int(A[at + 2]), int(A[at + 3])
    r = utf8_step(mode, b)
    if r == DEAD:
        return
    if r >= CHAR:
        q, r = dfa_step(A, int(A[spec + SPEC_REF]), q, r & 0x1FFFFF), 0
        if q < 0:
            return
    elif dfa_can_start(A, spec, q, 0, r):
        r = settle(A, int(A[spec + SPEC_REF]), r)
    else:
        return
    emit(A, position(A, K_TEXT, spec, q, r, 0, 0, 0, 0), parent)


@kernel("void(A, i8, i8, i8, i8, i8, i8, i8)")
def emit_member(A, number, obj, seen, count, k, goal, parent):
    """Emit what follows key ``k`` (-1: a free one), whose value must meet ``goal``, once for each of its exits."""
    seen, count, ws = after_name(A, obj, seen, k), counted(A, obj, count), int(A[obj + O_WS])
    if goal < EXITS:
        call(A, goal, position(A, K_OBJECT, number, seen, NEXT, ws, count, 0, 0), parent, ws)
        return
    exits = lazy(A, goal - EXITS)
    for j in range(int(A[exits]) if exits else 0):
        back = position(A, K_OBJECT, int(A[exits + 2 * j + 2]), seen, NEXT, ws, count, 0, 0)
        call(A, int(A[exits + 2 * j + 1]), back, parent, ws)


@kernel("i8(A, i8, i8, i8, i8, i8, i8, i8)")
def after_key(A, number, obj, seen, count, k, goal, parent):
    """The state behind the closing quote of a key, as :func:`emit_member`."""
    start = int(A[BUFFER + 2])
    emit_member(A, number, obj, seen, count, k, goal, parent)
    return close_buffer(A, start)


@kernel("void(A, i8, i8, i8, i8, i8, i8, i8)")
def close_key(A, number, obj, seen, count, node, q, parent):
    """The closing quote of a key: which value follows depends on the name, or on what free names may hold."""
    goal, k = -1, -1
    if node >= 0 and A[node + 3] >= 0:
        k = int(A[A[obj + O_SORTED] + A[node + 3]])
        if not name_allowed(A, obj, seen, count, k):
            return
        goal = int(A[A[obj + O_GOALS] + k])
    elif free_allowed(A, obj, seen, count):
        if A[obj + O_SPEC] < 0:
            goal = int(A[obj + O_FREE])
        elif q >= 0:
            goal = int(A[A[A[A[obj + O_SPEC] + SPEC_REF] + DFA_GOALS] + q])
    if goal < 0:
        return
    emit_member(A, number, obj, seen, count, k, goal, parent)


@kernel("i8(A, i8, i8)")
def free_goal(A, obj, q):
    """What every free name may hold whatever is still to come of it, or -1 where that depends on the name."""
    spec = int(A[obj + O_SPEC])
    if spec < 0:
        return int(A[obj + O_FREE])
    dfa = int(A[spec + SPEC_REF])
    return int(A[A[dfa + DFA_GOALS] + q]) if q >= 0 and A[A[dfa + DFA_ABSORBS] + q] else -1


@kernel("void(A, i8, i8, i8)")
def step_key(A, at, parent, b):
    """The inside of a key: on the trie of names, under the automaton of free names, or both."""
    number, seen, node, q, mode = int(A[at + 1]), int(A[at + 2]), int(A[at + 3]), int(A[at + 4]), int(A[at + 5])
    count = int(A[at + 6])
    obj = lazy(A, number)
    r = char_step(mode, b)
    if r == DEAD:
        return
    if r == QUOTE:
        close_key(A, number, obj, seen, count, node, q, parent)
        return
    full = r >= CHAR
    cp = r & 0x1FFFFF
    raw = is_raw(mode, b)
    named = False
    if node >= 0:
        if raw:
            node = trie_child(A, node, b)
        elif full:
            node = trie_char(A, node, cp)
        if node >= 0:
            named = any_word(A, obj, seen, count, node) if raw or full else name_can_go_on(A, obj, seen, count, node, r)
    free = free_allowed(A, obj, seen, count)
    spec = int(A[obj + O_SPEC])
    if free and spec >= 0:
        if q < 0:
            free = False
        elif full:
            q = dfa_step(A, int(A[spec + SPEC_REF]), q, cp)
            free = q >= 0
        else:
            free = dfa_can_start(A, spec, q, 0, r)
    if not (named or free):
        return
    if full:
        r = 0
    goal = free_goal(A, obj, q) if free and node < 0 else -1
    if goal >= 0:
        then = after_key(A, number, obj, seen, count, -1, goal, parent)
        emit(A, position(A, K_STRING, int(A[obj + O_TEXT]), 0, 0, r, 0, 0, 0), then)
        return
    emit(A, position(A, K_KEY, number, seen, node, q if free else -1, r, count, 0), parent)


@kernel("void(A, i8, i8, i8)")
def step_object(A, at, parent, b):
    """The punctuation of an object."""
    number, seen, phase, ws, count = int(A[at + 1]), int(A[at + 2]), int(A[at + 3]), int(A[at + 4]), int(A[at + 5])
    space = space_step(ws, b)
    if space >= 0:
        emit(A, position(A, K_OBJECT, number, seen, phase, space, count, 0, 0), parent)
        return
    obj = lazy(A, number) if phase != START or b == 123 else 0
    if obj == 0:
        return
    start = int(A[obj + O_WS])
    if phase == START:
        emit(A, position(A, K_OBJECT, number, int(A[obj + O_NONE_SEEN]), FIRST, start, 0, 0, 0), parent)
    elif b == 34:
        if phase != NEXT and may_go_on(A, obj, seen, count):
            q = 0 if A[obj + O_SPEC] >= 0 and free_allowed(A, obj, seen, count) else -1
            node = int(A[obj + O_TRIE]) if q < 0 or A[obj + O_ALL] else -1  # no names are listed
            emit(A, position(A, K_KEY, number, seen, node, q, 0, count, 0), parent)
    elif b == 44:
        if phase == NEXT and may_go_on(A, obj, seen, count):
            emit(A, position(A, K_OBJECT, number, seen, NAME, start, count, 0, 0), parent)
    elif b == 125 and phase != NAME and may_close(A, obj, seen, count):
        emit_state(A, parent)


@kernel("void(A, i8, i8, i8)")
def call_item(A, number, index, parent):
    """Begin item ``index`` of an array; the index is counted only as far as the record can tell."""
    arr = lazy(A, number)
    goal = int(A[A[arr + A_GOALS] + index]) if index < A[arr + A_PREFIX] else int(A[arr + A_GOAL])
    after = index + 1
    if A[arr + A_MAX] < 0:
        after = min(after, max(int(A[arr + A_PREFIX]), int(A[arr + A_MIN])))
    ws, pending = int(A[arr + A_WS]), int(A[arr + A_UNIQUE]) & DIFFERENT
    if goal < EXITS:
        call(A, goal, position(A, K_ARRAY, number, after, NEXT, ws, pending, 0, 0), parent, -1)
        return
    exits = lazy(A, goal - EXITS)
    for j in range(int(A[exits]) if exits else 0):
        then = int(A[exits + 2 * j + 2])
        call(A, int(A[exits + 2 * j + 1]), position(A, K_ARRAY, then, after, NEXT, ws, pending, 0, 0), parent, -1)


@kernel("void(A, i8, i8, i8)")
def step_array(A, at, parent, b):
    """The punctuation of an array."""
    number, index, phase, ws, pending = int(A[at + 1]), int(A[at + 2]), int(A[at + 3]), int(A[at + 4]), int(A[at + 5])
    space = space_step(ws, b)
    if space >= 0:
        emit(A, position(A, K_ARRAY, number, index, phase, space, pending, 0, 0), parent)
        return
    if phase == START:
        if b != 91:
            return
        arr = lazy(A, number)
        if arr == 0:
            return
        if A[arr + A_MIN] == 0 and A[arr + A_CLOSES]:
            emit(A, position(A, K_ARRAY, number, 0, FIRST, int(A[arr + A_WS]), 0, 0, 0), parent)
        if A[arr + A_MAX] != 0:
            call_item(A, number, 0, parent)
        return
    arr = lazy(A, number)
    if arr == 0:
        return
    if b == 93:
        if index >= A[arr + A_MIN] and A[arr + A_CLOSES]:
            emit_state(A, parent)
    elif b == 44 and phase == NEXT and (A[arr + A_MAX] < 0 or index < A[arr + A_MAX]):
        if pending == 0:
            call_item(A, number, index, parent)
        elif A[STATUS] == 0:
            A[STATUS] = VALUE


@kernel("void(A, i8, i8, i8)")
def step_number(A, at, parent, b):
    """A number, after white space."""
    spec, ws = int(A[at + 1]), int(A[at + 6])
    f0, f1, f2, f3 = int(A[at + 2]), int(A[at + 3]), int(A[at + 4]), int(A[at + 5])
    if ws >= 0:
        space = space_step(ws, b)
        if space >= 0:
            emit(A, position(A, K_NUMBER, spec, f0, f1, f2, f3, space, 0), parent)
            return
    alive, f0, f1, f2, f3 = num_step(A, spec, f0, f1, f2, f3, b)
    if alive:
        emit(A, position(A, K_NUMBER, spec, int(f0), int(f1), int(f2), int(f3), -1, 0), parent)


@kernel("void(A, i8, i8, i8)")
def step_item(A, pos, parent, b):
    """Emit everything that an item can be after one more byte."""
    at = int(A[POS]) + pos * POS_STRIDE
    kind = A[at]
    if kind == K_STRING:
        step_string(A, at, parent, b)
    elif kind == K_OBJECT:
        step_object(A, at, parent, b)
    elif kind == K_KEY:
        step_key(A, at, parent, b)
    elif kind == K_MEMBER:
        space = space_step(int(A[at + 2]), b)
        if space >= 0:
            emit(A, position(A, K_MEMBER, int(A[at + 1]), space, 0, 0, 0, 0, 0), parent)
        elif b == 58:
            emit(A, int(A[at + 1]), parent)
    elif kind == K_ARRAY:
        step_array(A, at, parent, b)
    elif kind == K_NUMBER:
        step_number(A, at, parent, b)
    elif kind == K_OPEN:
        spec, avoid = int(A[at + 1]), int(A[at + 3])
        space = space_step(int(A[at + 2]), b)
        if space >= 0:
            emit(A, position(A, K_OPEN, spec, space, avoid, 0, 0, 0, 0), parent)
        elif b == 34:
            q = 0
            if A[spec + SPEC_KIND] > AUTOMATON:
                q, spec = int(A[spec + SPEC_REF]), int(A[spec + SPEC_FREE])
            emit(A, position(A, K_STRING, spec, q, 0, 0, avoid, 0, 0), parent)
    elif kind == K_LITERAL:
        text, ws = int(A[at + 1]), int(A[at + 2])
        space = space_step(ws, b) if ws >= 0 else -1
        if space >= 0:
            emit(A, position(A, K_LITERAL, text, space, 0, 0, 0, 0, 0), parent)
        elif A[text] == b:
            if A[text + 1] < 0:
                emit_state(A, parent)
            else:
                emit(A, position(A, K_LITERAL, text + 1, -1, 0, 0, 0, 0, 0), parent)
    elif kind == K_END:
        space = space_step(int(A[at + 1]), b)
        if space >= 0:
            emit(A, position(A, K_END, space, 0, 0, 0, 0, 0, 0), parent)
    elif kind == K_TEXT:
        step_text(A, at, parent, b)
    elif kind == K_WORD:
        node = trie_child(A, int(A[at + 1]), b)
        if node >= 0:
            emit(A, position(A, K_WORD, node, 0, 0, 0, 0, 0, 0), parent)
    elif kind == K_LEX:
        step_elsewhere(A, pos, parent, b)


@kernel("i8(A, i8, i8)")
def ask_value(A, state, read):
    """What reading comes to that stopped in ``state``, after ``read`` bytes, since it needs the value ended there."""
    A[STATUS] = 0
    return NO_VALUE + (read << 31 | state)


@kernel("i8(A, i8, i8, i8)")
def step_miss(A, state, b, row):
    """Compute one entry of a memo row."""
    at = int(A[STATE]) + state * STATE_STRIDE
    items = int(A[at + S_ITEMS])
    start = int(A[BUFFER + 2])
    for j in range(int(A[at + S_COUNT])):
        step_item(A, int(A[items + 2 * j]), int(A[items + 2 * j + 1]), b)
    if A[RULES] != 0:
        expand(A, start)
    to = close_buffer(A, start)
    if to > 0 and A[RULES] != 0:
        A[A[STATE] + to * STATE_STRIDE + S_EXPANDED] = to
    if A[STATUS] == 0:
        remember(A, row, b, to)
    return to if A[STATUS] == 0 else -1


@kernel("i8(A, i8, i8)")
def step(A, state, b):
    """The state after one more byte, or -1: dead, or not known because ``A[STATUS]`` is set."""
    row = int(A[A[STATE] + state * STATE_STRIDE + S_ROW])
    if row == 0:
        row = memo_row(A, state)
        if row == 0:
            return -1
    if (A[row + (b >> 5)] >> (b & 31)) & 1 == 0:
        return -1
    block = int(A[row + BLOCKS + (b >> 4)])
    to = int(A[block + (b & 15)]) if block != 0 else 0
    return to if to != 0 else step_miss(A, state, b, row)
