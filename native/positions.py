"""Positions: what one item of a state is about to read, as hash-consed records ``(kind, f1 .. f7)``.

==========  =========================================  ==================================================
kind        fields                                     reads
==========  =========================================  ==================================================
K_BASE      exit                                       nothing: the end of the text that a table is about
K_END       ws                                         white space after the document
K_LITERAL   at, ws                                     fixed bytes (``true``, ``null``)
K_OPEN      spec, ws, avoid                            white space and the opening quote of a string
K_STRING    spec, q, count, mode, avoid                the inside of a string
K_KEY       object, seen, node, q, mode, count         the inside of a key
K_MEMBER    begin, ws                                  the colon behind a key, then the position ``begin``
K_OBJECT    object, seen, phase, ws, count             the punctuation of an object
K_ARRAY     array, index, phase, ws, pending           the punctuation of an array
K_NUMBER    spec, f0, f1, f2, f3, ws                   a number
K_TEXT      spec, q, mode                              raw text under an automaton
K_WORD      node                                       raw text out of a trie
K_TOKEN     token                                      one token that stands for no text
K_BETWEEN   grammar, stack                             nothing yet: the place between two tokens of a lexer
K_LEX       grammar, lexer state, mode, shadow, tail   the inside of a token of a lexer (:mod:`.lexed_steps`)
==========  =========================================  ==================================================

``ws`` counts white space already read (see :func:`space_step`), -1 once the token itself has begun. Objects, arrays
and goals are named by lazy numbers: ``A[LAZY + number]`` is the heap address of the record, 0 until it is lowered.
A goal is a list of start positions: reading one of them is a *call*, and the caller goes on where the value ends.

``avoid`` is a node in the trie of texts that a string must not be, 0 once the text is none of them. A string with
something in the field behind it stands for rows of tokens instead (:mod:`.apart`). ``pending``: what
may follow in the array depends on the value of the item just read, which its state does not know. 1 as such; in the
position that stands for all such arrays with one future, when their tokens are looked for, ``2 * A_UNIQUE + 1``.
"""

from __future__ import annotations

from .arena import FULL, LAZY, NEED, NEEDED, POS, POS_HASH, POS_STRIDE, STATUS, mix, take
from .jit import kernel
from .sets import has_member, kept_with

K_BASE, K_END, K_LITERAL, K_OPEN, K_STRING, K_KEY = 1, 2, 3, 4, 5, 6
K_MEMBER, K_OBJECT, K_ARRAY, K_NUMBER, K_TEXT, K_WORD, K_TOKEN, K_BETWEEN = 7, 8, 9, 10, 11, 12, 13, 14
K_LEX = 20
# records that no item reads: a state of an LR stack; a state of a lexer, the same inside a character; cells of lists
K_LR, K_LEXER, K_INSIDE, K_THREAD, K_MATCH, K_RETYPE, K_LATE, K_OWED, K_BYTE, K_SIGNATURE = range(21, 31)
# carries of lexers, states behind them; questions about dead ends; a state of a lexer some bytes behind a match;
# the same above a stack
K_CARRY, K_BEGUN, K_LIVES, K_DOUBT, K_BEHIND, K_PLACE = range(31, 37)
START, FIRST, NEXT, NAME = 0, 1, 2, 3  # phases of containers

# object record; in schema order, what has been seen is the index of the next name, O_NEXT the first required and O_LIVE
# the first possible name from each index on; in any order, and where members are counted, it is a set
O_NAMES, O_LIVE, O_TRIE, O_ORDER, O_FREE, O_SPEC, O_WS, O_GOALS, O_NEXT = 0, 1, 2, 3, 4, 5, 6, 7, 8
O_REQUIRED, O_SORTED, O_SET_WORDS, O_NONE_SEEN, O_TEXT, O_EXTRA, O_ALL = 9, 10, 11, 12, 13, 14, 15
O_FEWEST, O_MOST, O_CLOSES, O_RECORD = 16, 17, 18, 19
IN_ORDER, ANY_ORDER, ORDERED_SET, REQUIRED_IN_ORDER = 0, 1, 2, 3
EXITS = 1 << 30  # a goal from here on is the lazy number of a list of exits: (goal, record that goes on)
# array record
A_PREFIX, A_GOAL, A_MIN, A_MAX, A_GOALS, A_WS, A_CLOSES, A_UNIQUE, A_LOOSE = 0, 1, 2, 3, 4, 5, 6, 7, 8
# bits of A_UNIQUE: the items differ; whatever the last one was, another is possible; there are more texts, objects,
# arrays, numbers below 0 than are ever excluded (of free text: for every beginning that is not at its greatest length);
# whatever the last one was, another text is possible, other than the empty one
# A_LOOSE: the same array if its items could be equal, 0 where that is not simply more
DIFFERENT, AMPLE, AMPLE_TEXT, AMPLE_OBJECT, AMPLE_ARRAY, AMPLE_MINUS, AMPLE_WORDS = 1, 2, 4, 8, 16, 32, 64

# white space: 0 any amount, 1 none, 2 bounded and nothing read yet, 3 one space read, 4 + k a newline and k of indent
INDENT_MAX = 40


@kernel("i8(i8, i8)")
def space_step(ws, b):
    """White space read after one more byte, or -1 when it is not allowed there."""
    if ws == 0:
        return 0 if b == 32 or b == 10 or b == 13 or b == 9 else -1
    if ws == 2:
        return 3 if b == 32 else 4 if b == 10 else -1
    if 4 <= ws < 4 + INDENT_MAX and (b == 32 or b == 9):
        return ws + 1
    return -1


@kernel("i8(A, i8, i8, i8, i8, i8, i8, i8, i8)")
def position(A, kind, f1, f2, f3, f4, f5, f6, f7):
    """Number of a position, made if it is new; 0 with ``FULL`` set when there is no room."""
    h = mix(mix(mix(mix(kind, f1), f2), f3), f4)
    h = mix(mix(mix(h, f5), f6), f7)
    size = int(A[POS_HASH + 1])
    table, base = int(A[POS_HASH]), int(A[POS])
    slot = (h >> 11) & (size - 1)
    while A[table + slot] != 0:
        at = base + int(A[table + slot]) * POS_STRIDE
        if (
            A[at] == kind
            and A[at + 1] == f1
            and A[at + 2] == f2
            and A[at + 3] == f3
            and A[at + 4] == f4
            and A[at + 5] == f5
            and A[at + 6] == f6
            and A[at + 7] == f7
        ):
            return int(A[table + slot])
        slot = (slot + 1) & (size - 1)
    at = take(A, POS, POS_STRIDE)
    if at < 0 or A[POS + 2] > size * (POS_STRIDE // 2):
        A[STATUS] = FULL
        return 0
    A[at], A[at + 1], A[at + 2], A[at + 3] = kind, f1, f2, f3
    A[at + 4], A[at + 5], A[at + 6], A[at + 7] = f4, f5, f6, f7
    number = (at - base) // POS_STRIDE
    A[table + slot] = number
    return number


@kernel("i8(A, i8)")
def lazy(A, number):
    """Heap address of a lazy record, or 0 with ``NEED`` set when it has not been lowered."""
    at = int(A[A[LAZY] + number])
    if at == 0 and A[STATUS] == 0:
        A[STATUS], A[NEEDED] = NEED, number
    return at


@kernel("i8(A, i8, i8)")
def next_index(A, obj, seen):
    """In schema order: the index of the first name that may still come."""
    if A[obj + O_ORDER] == IN_ORDER:
        return seen
    names = int(A[obj + O_NAMES])
    for k in range(int(A[obj + O_ALL]), names - 1, -1):  # the last one stands for free names
        if has_member(A, seen, k):
            return names
    for k in range(names - 1, -1, -1):
        if has_member(A, seen, k):
            return k + 1
    return 0


@kernel("b1(A, i8, i8, i8)")
def in_turn(A, obj, seen, k):
    """Whether the order allows name ``k`` (from ``O_NAMES`` on: one outside the list) now."""
    order = A[obj + O_ORDER]
    if order == ANY_ORDER:
        return True
    if order == REQUIRED_IN_ORDER:
        need = int(A[obj + O_REQUIRED])
        if k >= A[obj + O_NAMES] or not has_member(A, need, k):
            return True
        for j in range(k >> 5):
            if A[need + j] & ~A[seen + j]:
                return False
        return A[need + (k >> 5)] & ~A[seen + (k >> 5)] & ((1 << (k & 31)) - 1) == 0
    index = next_index(A, obj, seen)
    due = int(A[A[obj + O_NEXT] + index])
    return due == A[obj + O_NAMES] if k >= A[obj + O_NAMES] else index <= k <= due


@kernel("i8(i8)")
def ones(word):
    """How many of the lower 32 bits are set."""
    n = 0
    word &= 0xFFFFFFFF
    while word != 0:
        word &= word - 1
        n += 1
    return n


@kernel("i8(A, i8, i8, i8)")
def spare(A, obj, seen, count):
    """How many members may come beside the required ones that have not been written; below 0: too few for those."""
    need, due = int(A[obj + O_REQUIRED]), 0
    for j in range(int(A[obj + O_SET_WORDS])):
        due += ones(int(A[need + j] & ~A[seen + j]))
    return int(A[obj + O_MOST]) - count - due


@kernel("b1(A, i8, i8, i8, i8)")
def fits(A, obj, seen, count, k):
    """Whether the bounds on the number of members can still be met after name ``k`` (-1: a free one)."""
    if A[obj + O_MOST] >= 0:
        is_due = k >= 0 and has_member(A, int(A[obj + O_REQUIRED]), k) and not has_member(A, seen, k)
        if spare(A, obj, seen, count) < (0 if is_due else 1):
            return False
    members, fewest = count + 1, int(A[obj + O_FEWEST])
    if members >= fewest or A[obj + O_FREE] >= 0 or A[obj + O_SPEC] >= 0:
        return True
    first = 0
    if A[obj + O_ORDER] == ORDERED_SET:
        first = int(A[obj + O_NAMES]) if k >= A[obj + O_NAMES] else k + 1
    for j in range(first, int(A[obj + O_ALL])):
        members += j != k and A[A[obj + O_GOALS] + j] >= 0 and not has_member(A, seen, j)
        if members >= fewest:
            return True
    return False


@kernel("b1(A, i8, i8, i8, i8)")
def name_allowed(A, obj, seen, count, k):
    """Whether name ``k`` of an object may be written now, after ``count`` members."""
    if A[A[obj + O_GOALS] + k] < 0:
        return False
    if A[obj + O_ORDER] != IN_ORDER and has_member(A, seen, k):
        return False
    if not in_turn(A, obj, seen, k):
        return False
    return (A[obj + O_MOST] < 0 and A[obj + O_FEWEST] == 0) or fits(A, obj, seen, count, k)


@kernel("b1(A, i8, i8, i8)")
def may_close(A, obj, seen, count):
    """Whether every required name has been written, and enough of them."""
    if count < A[obj + O_FEWEST] or not A[obj + O_CLOSES]:
        return False
    if A[obj + O_ORDER] == IN_ORDER:
        return A[A[obj + O_NEXT] + seen] == A[obj + O_NAMES]
    need = int(A[obj + O_REQUIRED])
    for j in range(int(A[obj + O_SET_WORDS])):
        if A[need + j] & ~A[seen + j]:
            return False
    return True


@kernel("b1(A, i8, i8, i8)")
def free_allowed(A, obj, seen, count):
    """Whether a name outside the list may be written now (in schema order: after every required one)."""
    if A[obj + O_FREE] < 0 and A[obj + O_SPEC] < 0:
        return False
    if not in_turn(A, obj, seen, int(A[obj + O_NAMES])):
        return False
    return A[obj + O_MOST] < 0 or fits(A, obj, seen, count, -1)


@kernel("i8(A, i8, i8)")
def first_due(A, obj, seen):
    """The first required name that has not been written, or the number of names."""
    need = int(A[obj + O_REQUIRED])
    for j in range(int(A[obj + O_SET_WORDS])):
        missing = A[need + j] & ~A[seen + j]
        if missing != 0:
            k = 0
            while (missing >> k) & 1 == 0:
                k += 1
            return 32 * j + k
    return int(A[obj + O_NAMES])


@kernel("b1(A, i8, i8, i8, i8)")
def any_word(A, obj, seen, count, node):
    """Whether an allowed name lies below a node of the trie of names. O(names below + all names / 32)."""
    sorted_names, need = int(A[obj + O_SORTED]), int(A[obj + O_REQUIRED])
    in_order, due = A[obj + O_ORDER] == REQUIRED_IN_ORDER, -1
    is_short = A[obj + O_MOST] >= 0 and spare(A, obj, seen, count) < 1
    for j in range(int(A[node + 4]), int(A[node + 5])):
        k = int(A[sorted_names + j])
        if in_order and has_member(A, need, k):
            due = first_due(A, obj, seen) if due < 0 else due
            if k != due:
                continue
        elif is_short and not has_member(A, need, k):
            continue
        if name_allowed(A, obj, seen, count, k):
            return True
    return False


@kernel("b1(A, i8, i8, i8)")
def may_go_on(A, obj, seen, count):
    """Whether some further member may be written."""
    if free_allowed(A, obj, seen, count):
        return True
    if A[obj + O_ORDER] != IN_ORDER:
        return any_word(A, obj, seen, count, int(A[obj + O_TRIE]))
    live, due = A[A[obj + O_LIVE] + seen], A[A[obj + O_NEXT] + seen]
    return (live < A[obj + O_NAMES] and live <= due) or (A[obj + O_EXTRA] != 0 and due == A[obj + O_NAMES])


@kernel("i8(A, i8, i8, i8)")
def after_name(A, obj, seen, k):
    """What has been seen after name ``k`` (-1: a free name)."""
    order, names = A[obj + O_ORDER], int(A[obj + O_NAMES])
    if order == IN_ORDER:
        return names if k < 0 or k >= names else k + 1
    words = int(A[obj + O_SET_WORDS])
    if k < 0:
        return seen if order != ORDERED_SET else kept_with(A, seen, words, int(A[obj + O_ALL]))
    return kept_with(A, seen, words, k)


@kernel("i8(A, i8, i8)")
def counted(A, obj, count):
    """One member more, counted only as far as the bounds can tell."""
    if A[obj + O_MOST] >= 0:
        return count + 1
    return min(count + 1, int(A[obj + O_FEWEST]))
