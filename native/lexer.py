"""Lexers: ordered threads over classes of characters, made deterministic one transition at a time.

The terminals of a context are tried like one alternation of Python's ``re``. A lexer state is what such a search
could still do, as a list in the order of preference: *threads* (program counter, what the thread owes to
lookaheads) and *matches* that still owe something. The list is cut behind the first match that owes nothing, so the
match seen last is the token when all threads are dead (R. Cox, "Regular Expression Matching: the Virtual Machine
Approach", 2009). Strings that give a match another tag run beside the list, uncut.

A lexer state is a position ``(K_LEXER, lexer, list, retypes, accept, late, left, is start)``; the words behind it hold
what is known of it: ``Q_TRANS`` (memo of transitions by class), ``Q_PENDING`` (set of tags that can still come),
``Q_LOOP`` and ``Q_OTHERS``. ``accept`` is the tag of the token that ends here, ``DROPPED`` for an ignored one, -1 for
none. ``late``: a token that ended some characters ago, which is known only now: (tag, carry there, characters).

**Carries.** What the lexer takes along from token to token is its *carry*: as a rule the left state alone, a number
from 0 on. Where ``L_CARRIES`` is set, some tokens leave more behind (:mod:`.leftovers`): the threads that were
preferred to the match, which must never match from now on, and the lookaheads that the match owes. Such a carry is
minus the number of a position ``(K_CARRY, lexer, left state, leftovers, owed)``. A match among the leftovers kills
the state. Where no assertion is tried at the first character of a token, and the last character alone decides the left
state (``\\b``), that is not kept (``L_FORGETS``): states would differ in what nobody asks for.
"""

from __future__ import annotations

from .arena import FULL, POS, POS_STRIDE, ROW, STATUS, THREADS, take
from .jit import kernel, prepare
from .languages import DFA_CLS, DFA_STARTS, interval_of
from .positions import K_BEGUN, K_CARRY, K_INSIDE, K_LATE, K_LEXER, K_MATCH, K_OWED, K_RETYPE, K_THREAD, position
from .sets import has_member
from .strings import mode_range

prepare("Lark grammars")

# tables of a lexer; where the fields of an automaton mean the same, they stand at the same place (see languages.py)
L_TERMINALS, L_CLASSES, L_INTERVALS, L_STARTS, L_CLS, L_SETS, L_CODE, L_OWNER, L_STAMPS, L_ASCII = range(10)
L_STAMP, L_ORDER_FIRST, L_ORDER, L_RETYPE_FIRST, L_RETYPE, L_ENTRY, L_IGNORED, L_LEFTS, L_LEFT_NEXT = range(10, 19)
L_ASSERTIONS, L_LOOK_ENTER, L_LOOK_NEXT, L_LOOK_END, L_BEGIN, L_OTHERS, L_N_OTHERS, L_HINT_CLASS = range(19, 27)
L_HINT_NEXT, L_SPELLED, L_SEARCH, L_REPEATS, L_CARRIES, L_EXACT, L_SAFE, L_HARMFUL, L_FAR, L_FORGETS = range(27, 37)
L_RECORD = 37
PROVED, ASKED, ALWAYS_ASKED = 0, 1, 2  # L_EXACT: whether dead ends must be asked for; also where tags say enough

CHARS, SPLIT, ASSERT, MATCH = 0, 1, 2, 3
FAILED, HOLDS = 0, 1
NONE, DROPPED = -1, 0

F_LIST, F_RETYPES, F_ACCEPT, F_LATE, F_LEFT, F_START = 2, 3, 4, 5, 6, 7  # fields of a K_LEXER position
Q_TRANS, Q_PENDING, Q_LOOP, Q_OTHERS, Q_SEARCH, Q_TARGET, Q_AHEAD, Q_BYTES, Q_RECORD = range(9)
Q_ENDS = Q_TARGET  # of a state between characters
Q_ASKED = 1  # of a question (``K_LIVES``), behind its answer: the one asked before that is not answered (-1: none)
ALL_DEAD, ALL_ALIVE, MIXED = 1, 2, 3
BROKEN = 1 << 40

# scratch (region THREADS): threads and matches found, what is still to be followed, what was met that owes something
# (their number in the spare word of the region), strings that finish here, strings that go on, lists in the making
ENTRY_WORDS, MAX_THREADS, MAX_TERMINALS = 4, 8000, 60000
AT_STACK, AT_SEEN, AT_FINISHED, AT_STRINGS, AT_LIST = 32000, 64000, 80000, 96000, 112000
MAX_OWED = 2000
AT_TAGS, AT_WANTED, AT_QUEUE, AT_BITS = 114048, 116096, 118144, 122304  # sets of tags, lexer states, bytes
AT_MET, N_MET = 122880, 8192  # pairs that were met: see lexed_pairs.py
N_SEEN = 3


@kernel("i8(A, i8)")
def known(A, q):
    """Address of what is known of a lexer state, behind its position."""
    return int(A[POS]) + (q + 1) * POS_STRIDE


@kernel("i8(A, i8, i8)")
def field(A, number, k):
    """One field of a position."""
    return int(A[int(A[POS]) + number * POS_STRIDE + k])


@kernel("i8(A, i8, i8, i8, i8, i8, i8, i8, i8)")
def recorded(A, kind, f1, f2, f3, f4, f5, f6, f7):
    """As :func:`.positions.position`, with a record of ``Q_RECORD`` zero words behind it; 0 with ``FULL`` set."""
    last = int(A[POS + 2])
    number = position(A, kind, f1, f2, f3, f4, f5, f6, f7)
    if number > 0 and A[POS + 2] > last and take(A, POS, Q_RECORD) < 0:
        return 0
    return number


@kernel("i8(A, i8, i8)")
def with_owed(A, owed, look):
    """The ascending list ``owed`` with the look state ``look`` added."""
    head, rest = 0, owed
    kept = int(A[THREADS]) + AT_LIST
    while rest != 0 and field(A, rest, 1) < look:
        A[kept + head] = field(A, rest, 1)
        head += 1
        rest = field(A, rest, 2)
        if head == MAX_OWED:
            A[STATUS] = FULL
            return owed
    if rest == 0 or field(A, rest, 1) != look:
        rest = position(A, K_OWED, look, rest, 0, 0, 0, 0, 0)
    while head > 0:
        head -= 1
        rest = position(A, K_OWED, int(A[kept + head]), rest, 0, 0, 0, 0, 0)
    return rest


@kernel("i8(A, i8, i8, i8)")
def owed_after(A, L, owed, c):
    """What is owed after a character of class ``c``; -1 when a lookahead has failed."""
    after = 0
    while owed != 0:
        look = int(A[A[L + L_LOOK_NEXT] + field(A, owed, 1) * A[L + L_CLASSES] + c])
        if look == FAILED:
            return -1
        if look != HOLDS:
            after = with_owed(A, after, look)
        owed = field(A, owed, 2)
    return after


@kernel("i8(A, i8, i8)")
def kept_left(A, L, left):
    """What of a left state is kept: nothing (0) where the next character decides all that assertions can ask."""
    return 0 if A[L + L_FORGETS] else left


@kernel("void(A, i8, i8, i8, i8)")
def note(A, pc, owed, age, left):
    """Add a thread, or a match that owes something (``pc`` is then -1 - tag), to what was found."""
    n, base = int(A[THREADS + 2]), int(A[THREADS])
    if n == MAX_THREADS:
        A[STATUS] = FULL
        return
    at = base + ENTRY_WORDS * n
    A[at], A[at + 1], A[at + 2], A[at + 3] = pc, owed, age, left
    A[THREADS + 2] = n + 1


@kernel("i8(A, i8, i8, i8)")
def tag_of(A, L, terminal, n_finished):
    """The tag of a match: that of the first retyping string that finishes here, if one does."""
    if A[A[L + L_IGNORED] + terminal]:
        return DROPPED
    finished = int(A[THREADS]) + AT_FINISHED
    for k in range(n_finished):
        if A[finished + 2 * k] == terminal:
            return int(A[finished + 2 * k + 1])
    return terminal


@kernel("b1(A, i8, i8, i8)")
def met(A, L, pc, owed):
    """Whether an instruction was met before in this step with as little owed; it is now."""
    stamps = int(A[L + L_STAMPS])
    if A[stamps + pc] == A[L + L_STAMP]:
        return True
    if owed == 0:
        A[stamps + pc] = A[L + L_STAMP]
        return False
    n, seen = int(A[THREADS + N_SEEN]), int(A[THREADS]) + AT_SEEN
    for k in range(n):
        if A[seen + 2 * k] == pc and A[seen + 2 * k + 1] == owed:
            return True
    if n == MAX_THREADS:
        A[STATUS] = FULL
        return True
    A[seen + 2 * n], A[seen + 2 * n + 1] = pc, owed
    A[THREADS + N_SEEN] = n + 1
    return False


@kernel("i8(A, i8, i8, i8, i8, i8)")
def follow(A, L, pc, owed, left, n_finished):
    """Note all threads that ``pc`` leads to without a character: the tag of a match that owes nothing, or ``NONE``."""
    code, stack, top = int(A[L + L_CODE]), int(A[THREADS]) + AT_STACK, 1
    A[stack], A[stack + 1] = pc, owed
    while top > 0:
        top -= 1
        pc, owed = int(A[stack + 2 * top]), int(A[stack + 2 * top + 1])
        if met(A, L, pc, owed):
            continue
        at = code + 3 * pc
        op, a, b = A[at], int(A[at + 1]), int(A[at + 2])
        if op == CHARS:
            note(A, pc, owed, 0, 0)
        elif op == MATCH:
            tag = tag_of(A, L, a, n_finished)
            if owed == 0:
                return tag
            note(A, -1 - tag, owed, 0, kept_left(A, L, left))
        elif op == ASSERT:
            look = int(A[A[L + L_LOOK_ENTER] + left * A[L + L_ASSERTIONS] + a])
            if look != FAILED:
                A[stack + 2 * top], A[stack + 2 * top + 1] = b, owed if look == HOLDS else with_owed(A, owed, look)
                top += 1
        elif top + 2 > MAX_THREADS:
            A[STATUS] = FULL
        else:
            A[stack + 2 * top], A[stack + 2 * top + 1] = b, owed
            A[stack + 2 * top + 2], A[stack + 2 * top + 3] = a, owed
            top += 2
        if A[STATUS] != 0:
            return NONE
    return NONE


# ------------------------------------------------------------------------------------------------------------ carries
@kernel("i8(A, i8)")
def left_of(A, carry):
    """The left state of a carry."""
    return carry if carry >= 0 else field(A, -carry, 2)


@kernel("i8(A, i8)")
def leftovers_of(A, carry):
    """The leftovers of a carry: a chain of ``(K_THREAD, pc, owed)``, ``pc`` being -1 for a match; 0: none."""
    return 0 if carry >= 0 else field(A, -carry, 3)


@kernel("i8(A, i8)")
def owed_of(A, carry):
    """What a carry owes to lookaheads."""
    return 0 if carry >= 0 else field(A, -carry, 4)


@kernel("i8(A, i8, i8)")
def kept_leftovers(A, n, chain):
    """The first ``n`` things found, and a chain of leftovers, as one sorted chain without repetitions."""
    base, out, m = int(A[THREADS]), int(A[THREADS]) + AT_SEEN, 0
    while n > 0 or chain != 0:
        if n > 0:
            n -= 1
            pc, owed = max(int(A[base + ENTRY_WORDS * n]), -1), int(A[base + ENTRY_WORDS * n + 1])
        else:
            pc, owed, chain = field(A, chain, 1), field(A, chain, 2), field(A, chain, 3)
        if m == MAX_THREADS - 1:
            A[STATUS] = FULL
            return 0
        k = m
        while k > 0 and (A[out + 2 * k - 2] > pc or (A[out + 2 * k - 2] == pc and A[out + 2 * k - 1] > owed)):
            A[out + 2 * k], A[out + 2 * k + 1] = A[out + 2 * k - 2], A[out + 2 * k - 1]
            k -= 1
        A[out + 2 * k], A[out + 2 * k + 1] = pc, owed
        m += 1
    for k in range(m - 1, -1, -1):
        pc, owed = int(A[out + 2 * k]), int(A[out + 2 * k + 1])
        if chain == 0 or field(A, chain, 1) != pc or field(A, chain, 2) != owed:
            chain = position(A, K_THREAD, pc, owed, chain, 0, 0, 0, 0)
    return chain


@kernel("i8(A, i8, i8)")
def joined(A, owed, more):
    """Two lists of look states as one."""
    while more != 0:
        owed = with_owed(A, owed, field(A, more, 1))
        more = field(A, more, 2)
    return owed


@kernel("i8(A, i8, i8, i8, i8, i8)")
def carry_behind(A, L, carry, n, owed, tag):
    """The carry behind a match of ``tag`` that owes ``owed``, to which the first ``n`` things found were preferred.

    It is plain where all of them are of terminals that do no harm there, and nothing was carried before.
    """
    left, safe = left_of(A, carry), leftovers_of(A, carry) == 0 and owed_of(A, carry) == 0
    row = int(A[int(A[L + L_SAFE]) + tag])
    for k in range(n):
        entry = int(A[int(A[THREADS]) + ENTRY_WORDS * k])
        safe = safe and entry >= 0 and has_member(A, row, int(A[A[L + L_OWNER] + entry]))
    if safe and (owed == 0 or has_member(A, row, tag)):
        return left
    chain = kept_leftovers(A, n, leftovers_of(A, carry))
    return -position(A, K_CARRY, L, left, chain, joined(A, owed_of(A, carry), owed), 0, 0, 0)


@kernel("i8(A, i8)")
def carry_on(A, q):
    """The carry of a token that ends in state ``q``."""
    L, carry, cell, n = field(A, q, 1), field(A, q, F_LEFT), field(A, q, F_LIST), 0
    if A[L + L_CARRIES] == 0 or field(A, q, F_ACCEPT) == NONE:
        return carry
    A[THREADS + 2] = 0
    while cell != 0:
        is_thread = A[A[POS] + cell * POS_STRIDE] == K_THREAD
        note(A, field(A, cell, 1) if is_thread else -1, field(A, cell, 2), 0, 0)
        n += 1
        cell = field(A, cell, 3)
    return carry_behind(A, L, carry, n, 0, field(A, q, F_ACCEPT))


@kernel("i8(A, i8, i8)")
def carry_owing(A, q, cell):
    """The carry behind a match of state ``q`` if that is the token: what it owes must come true of what follows."""
    carry, owed = field(A, cell, 5), field(A, cell, 2)
    if carry < 0 or field(A, cell, 4) != 0:
        return carry
    return -position(A, K_CARRY, field(A, q, 1), carry, 0, owed, 0, 0, 0)


@kernel("b1(A, i8, i8)")
def ends_well(A, L, owed):
    """Whether all that is owed is true at the end of the text."""
    while owed != 0:
        if A[A[L + L_LOOK_END] + field(A, owed, 1)] == 0:
            return False
        owed = field(A, owed, 2)
    return True


@kernel("b1(A, i8)")
def may_stop(A, carry):
    """Whether the text may end with a carry: nothing left over matches there, and nothing is owed."""
    cell, L = leftovers_of(A, carry), 0 if carry >= 0 else field(A, -carry, 1)
    while cell != 0:
        if field(A, cell, 1) == -1 and ends_well(A, L, field(A, cell, 2)):
            return False
        cell = field(A, cell, 3)
    return ends_well(A, L, owed_of(A, carry))


@kernel("void(A, i8)")
def begin_finding(A, L):
    """Forget what was found before."""
    A[THREADS + 2], A[THREADS + N_SEEN] = 0, 0
    A[L + L_STAMP] += 1


@kernel("i8(A, i8, i8, i8, i8)")
def carried(A, L, carry, left, c):
    """A carry after a character of class ``c`` that leads to a left state; ``BROKEN`` when it came to grief."""
    kept = kept_left(A, L, left)
    if carry >= 0:
        return kept
    begin_finding(A, L)
    code, sets, classes = int(A[L + L_CODE]), int(A[L + L_SETS]), int(A[L + L_CLASSES])
    cell = leftovers_of(A, carry)
    while cell != 0 and A[STATUS] == 0:
        pc, owed = field(A, cell, 1), owed_after(A, L, field(A, cell, 2), c)
        cell = field(A, cell, 3)
        if pc < 0:
            matched = owed == 0
            if owed > 0:
                note(A, -1, owed, 0, 0)
        else:
            goes_on = owed >= 0 and A[sets + A[code + 3 * pc + 1] * classes + c] != 0
            matched = goes_on and follow(A, L, int(A[code + 3 * pc + 2]), owed, left, 0) != NONE
        if matched:
            return BROKEN
    owed = owed_after(A, L, owed_of(A, carry), c)
    if owed < 0 or A[STATUS] != 0:
        return BROKEN
    chain = kept_leftovers(A, int(A[THREADS + 2]), 0)
    return kept if chain == 0 and owed == 0 else -position(A, K_CARRY, L, kept, chain, owed, 0, 0, 0)


@kernel("i8(A, i8, i8, i8, i8, i8, i8)")
def keep_lexer_state(A, L, n_strings, accept, late, left, is_start):
    """The lexer state of what was found: its number, or -1 when nothing is left (or ``A[STATUS]`` is set)."""
    n, base, owner = int(A[THREADS + 2]), int(A[THREADS]), int(A[L + L_OWNER])
    if A[STATUS] != 0 or (n == 0 and accept == NONE and late == 0 and not is_start):
        return -1
    entries = 0
    for k in range(n - 1, -1, -1):
        at = base + ENTRY_WORDS * k
        pc, owed = int(A[at]), int(A[at + 1])
        if pc >= 0:
            entries = position(A, K_THREAD, pc, owed, entries, 0, 0, 0, 0)
        else:
            carry = int(A[at + 3])
            if A[at + 2] == 0 and A[L + L_CARRIES]:
                carry = carry_behind(A, L, left, k, owed, -1 - pc)
            entries = position(A, K_MATCH, -1 - pc, owed, entries, int(A[at + 2]), carry, 0, 0)
    retypes, strings = 0, base + AT_STRINGS
    for k in range(n_strings - 1, -1, -1):
        pc, terminal = int(A[strings + 2 * k]), int(A[strings + 2 * k + 1])
        for j in range(n):
            entry = int(A[base + ENTRY_WORDS * j])
            if entry >= 0 and A[owner + entry] == terminal:
                retypes = position(A, K_RETYPE, pc, terminal, retypes, 0, 0, 0, 0)
                break
    if A[STATUS] != 0:
        return -1
    q = recorded(A, K_LEXER, L, entries, retypes, accept, late, left, is_start)
    return q if A[STATUS] == 0 else -1


@kernel("i8(A, i8, i8)")
def in_string(A, L, pc):
    """Where a plain string reads its next character, or -1 - its tag when it has been read."""
    code = int(A[L + L_CODE])
    while A[code + 3 * pc] == SPLIT:
        pc = int(A[code + 3 * pc + 1])
    return -1 - int(A[code + 3 * pc + 1]) if A[code + 3 * pc] == MATCH else pc


@kernel("i8(A, i8, i8, i8)")
def lexer_start(A, L, context, carry):
    """The lexer state between two tokens; -1 when ``A[STATUS]`` is set. O(program) the first time."""
    left = left_of(A, carry)
    memo = int(A[L + L_BEGIN]) + context * int(A[L + L_LEFTS]) + left
    if carry < 0:
        memo = known(A, recorded(A, K_BEGUN, context, -carry, 0, 0, 0, 0, 0))
    if A[STATUS] != 0:
        return -1
    if A[memo] != 0:
        return int(A[memo])
    begin_finding(A, L)
    order, entry, n_strings = int(A[L + L_ORDER]), int(A[L + L_ENTRY]), 0
    first, strings = int(A[L + L_RETYPE_FIRST]), int(A[THREADS]) + AT_STRINGS
    for i in range(int(A[A[L + L_ORDER_FIRST] + context]), int(A[A[L + L_ORDER_FIRST] + context + 1])):
        terminal = int(A[order + i])
        follow(A, L, int(A[entry + terminal]), 0, left, 0)
        for j in range(int(A[first + i]), int(A[first + i + 1])):
            if n_strings == MAX_THREADS:
                A[STATUS] = FULL
                return -1
            pc = in_string(A, L, int(A[entry + A[A[L + L_RETYPE] + j]]))
            A[strings + 2 * n_strings], A[strings + 2 * n_strings + 1] = pc, terminal
            n_strings += 1
    q = keep_lexer_state(A, L, n_strings, NONE, 0, carry, 1)
    if q > 0:
        A[memo] = q
    return q


@kernel("i8(A, i8, i8, i8)")
def _compute_transition(A, L, q, c):
    """The lexer state after a character of class ``c``, computed."""
    code, sets, classes = int(A[L + L_CODE]), int(A[L + L_SETS]), int(A[L + L_CLASSES])
    left = int(A[A[L + L_LEFT_NEXT] + left_of(A, field(A, q, F_LEFT)) * classes + c])
    carry = carried(A, L, field(A, q, F_LEFT), left, c)
    if carry == BROKEN:
        return -1
    begin_finding(A, L)
    finished, strings = int(A[THREADS]) + AT_FINISHED, int(A[THREADS]) + AT_STRINGS
    n_strings, n_finished, cell = 0, 0, field(A, q, F_RETYPES)
    while cell != 0:
        at = code + 3 * field(A, cell, 1)
        if A[sets + A[at + 1] * classes + c]:
            pc = in_string(A, L, int(A[at + 2]))
            if pc < 0:
                A[finished + 2 * n_finished], A[finished + 2 * n_finished + 1] = field(A, cell, 2), -1 - pc
                n_finished += 1
            else:
                A[strings + 2 * n_strings], A[strings + 2 * n_strings + 1] = pc, field(A, cell, 2)
                n_strings += 1
        cell = field(A, cell, 3)
    accept, late, cell = NONE, 0, field(A, q, F_LIST)
    while cell != 0 and accept == NONE and late == 0 and A[STATUS] == 0:
        at = int(A[POS]) + cell * POS_STRIDE
        owed = owed_after(A, L, int(A[at + 2]), c) if A[at + 2] else 0
        if A[at] == K_THREAD:
            read = code + 3 * int(A[at + 1])
            if owed >= 0 and A[sets + A[read + 1] * classes + c]:
                accept = follow(A, L, int(A[read + 2]), owed, left, n_finished)
        elif owed > 0:
            note(A, -1 - int(A[at + 1]), owed, int(A[at + 4]) + 1, int(A[at + 5]))
        elif owed == 0:
            late = position(A, K_LATE, int(A[at + 1]), int(A[at + 5]), int(A[at + 4]) + 1, 0, 0, 0, 0)
        cell = int(A[at + 3])
    return keep_lexer_state(A, L, n_strings, accept, late, carry, 0)


@kernel("i8(A, i8, i8)")
def lexer_step(A, q, c):
    """The lexer state after a character of class ``c``, or -1: dead, or ``A[STATUS]`` is set."""
    L, at = field(A, q, 1), known(A, q)
    row = int(A[at + Q_TRANS])
    if row == 0:
        row = take(A, ROW, int(A[L + L_CLASSES]))
        if row < 0:
            return -1
        A[at + Q_TRANS] = row
    to = int(A[row + c])
    if to == 0:
        to = _compute_transition(A, L, q, c)
        if A[STATUS] != 0:
            return -1
        A[row + c] = to
    return to


# ----------------------------------------------------------------------------------------------- parts of characters
@kernel("i8(A, i8)")
def beyond_ascii(A, q):
    """Whether the characters beyond ASCII all kill a state, or none does, or some do; 0 with ``A[STATUS]`` set."""
    at, L = known(A, q), field(A, q, 1)
    if A[at + Q_OTHERS] == 0:
        dead, n = 0, int(A[L + L_N_OTHERS])
        for k in range(n):
            dead += lexer_step(A, q, int(A[A[L + L_OTHERS] + k])) < 0
            if A[STATUS] != 0:
                return 0
        A[at + Q_OTHERS] = ALL_DEAD if dead == n else ALL_ALIVE if dead == 0 else MIXED
    return int(A[at + Q_OTHERS])


@kernel("b1(A, i8, i8)")
def can_begin(A, q, mode):
    """Whether a character that has begun can be completed without killing the state."""
    found = beyond_ascii(A, q)
    if found != MIXED:
        return found == ALL_ALIVE
    L = field(A, q, 1)
    first, last = mode_range(mode, 0)
    lo, n = interval_of(A, L, first), int(A[L + L_INTERVALS])
    while lo < n and A[A[L + DFA_STARTS] + lo] <= last:
        c = int(A[A[L + DFA_CLS] + lo])
        if A[A[L + L_SPELLED] + c] and lexer_step(A, q, c) > 0:
            return True
        lo += 1
    return False


@kernel("i8(A, i8, i8)")
def place_of(A, q, mode):
    """The position that stands for a lexer state, or for one inside a character (``mode`` != 0); 0: no room."""
    return q if mode == 0 else recorded(A, K_INSIDE, q, mode, 0, 0, 0, 0, 0)


@kernel("b1(A, i8)")
def owes(A, q):
    """Whether a match in a state still owes something."""
    cell = field(A, q, F_LIST)
    while cell != 0:
        if A[A[POS] + cell * POS_STRIDE] == K_MATCH:
            return True
        cell = field(A, cell, 3)
    return False


@kernel("b1(A, i8, i8)")
def looks_back(A, q, mode):
    """Whether a match in a state still owes something that ended some characters before, or before one that has begun.

    What a match owes that ends in the state itself is decided by what follows.
    """
    cell = field(A, q, F_LIST)
    while cell != 0:
        if A[A[POS] + cell * POS_STRIDE] == K_MATCH and (mode != 0 or field(A, cell, 4) != 0):
            return True
        cell = field(A, cell, 3)
    return False


# ------------------------------------------------------------------------------------------------- the graph of states
@kernel("i8(A, i8)")
def ageless(A, q):
    """A state that stands for all that differ in nothing but how long ago something matched; 0: no room."""
    cell, n, base, late = field(A, q, F_LIST), 0, int(A[THREADS]) + AT_SEEN, field(A, q, F_LATE)
    while cell != 0 and n < MAX_THREADS:
        A[base + n] = cell
        n += 1
        cell = field(A, cell, 3)
    while n > 0:
        n -= 1
        at = int(A[POS]) + int(A[base + n]) * POS_STRIDE
        age = min(int(A[at + 4]), 1)
        cell = position(A, int(A[at]), int(A[at + 1]), int(A[at + 2]), cell, age, int(A[at + 5]), 0, 0)
    if late != 0:
        late = position(A, K_LATE, field(A, late, 1), field(A, late, 2), 1, 0, 0, 0, 0)
    L, retypes, accept = field(A, q, 1), field(A, q, F_RETYPES), field(A, q, F_ACCEPT)
    return recorded(A, K_LEXER, L, cell, retypes, accept, late, field(A, q, F_LEFT), field(A, q, F_START))


@kernel("i8(A, i8, i8, A)")
def completions(A, q, mode, found):
    """The states, ageless, without repetitions, that a character can lead to (``mode``: one that has begun); how many.

    Parameters
    ----------
    found : (n_classes,) int32, out
    """
    L, n = field(A, q, 1), 0
    first, last = mode_range(mode, 0) if mode != 0 else (0, 0x10FFFF)
    lo, intervals = interval_of(A, L, first), int(A[L + L_INTERVALS])
    A[L + L_SEARCH] += 1
    while lo < intervals and A[A[L + DFA_STARTS] + lo] <= last:
        c = int(A[A[L + DFA_CLS] + lo])
        to = lexer_step(A, q, c) if A[A[L + L_SPELLED] + c] else -1
        if A[STATUS] != 0:
            return 0
        to = ageless(A, to) if to > 0 else to
        if to > 0 and A[known(A, to) + Q_SEARCH] != A[L + L_SEARCH]:
            A[known(A, to) + Q_SEARCH] = A[L + L_SEARCH]
            found[n] = to
            n += 1
        lo += 1
    return n


@kernel("i8(A, i8, A)")
def endings(A, q, found):
    """The tokens that may end in a state, as pairs (tag, carry behind it) in ``found``; how many."""
    n, cell = 0, field(A, q, F_LIST)
    if field(A, q, F_ACCEPT) != NONE:
        found[0], found[1], n = field(A, q, F_ACCEPT), carry_on(A, q), 1
    while cell != 0 and 2 * n + 2 <= len(found):
        if A[A[POS] + cell * POS_STRIDE] == K_MATCH and field(A, cell, 4) == 0:
            found[2 * n], found[2 * n + 1] = field(A, cell, 1), field(A, cell, 5)
            n += 1
        cell = field(A, cell, 3)
    return n
