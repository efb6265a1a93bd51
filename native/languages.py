"""What a string or key may spell: tries of words and automata over characters, as records in the arena.

Trie nodes (region TRIE, ``TRIE_STRIDE`` words): byte, first child, number of children, leaf (word number or -1), and
the range of sorted words below. Automaton record (region HEAP): see ``DFA_*``; a state is dead when it is -1, and every
other state can reach acceptance.

String specification (region HEAP): ``SPEC_KIND, SPEC_MIN, SPEC_MAX, SPEC_REF``: any text, a trie or an automaton, and
bounds on the number of characters (maximum -1: none), and the same specification without bounds (``SPEC_FREE``). Inside
a string, its node says all of a trie: there, ``SPEC_FREE`` is one specification for all tries. Of an automaton with
bounds, ``SPEC_REST`` is any text within the same bounds (0 where labels are judged on the way): what is left where
every character leads back, and what tells which tokens are short enough.
"""

from __future__ import annotations

from .arena import HEAP, SCRATCH, TRIE, TRIE_STRIDE, take
from .jit import kernel
from .strings import CHAR, DEAD, LAST, QUOTE, UTF8, mode_range, utf8_step

DFA_STATES, DFA_CLASSES, DFA_INTERVALS, DFA_STARTS, DFA_CLS, DFA_TRANS, DFA_ACCEPT = 0, 1, 2, 3, 4, 5, 6
DFA_SHORTEST, DFA_LONGEST, DFA_ASCII, DFA_GOALS, DFA_ABSORBS = 7, 8, 9, 10, 11
DFA_LOOPS, DFA_WORDS, DFA_SLACK, DFA_ENDS, DFA_VERDICTS, DFA_CALLS, DFA_COUNTS = 12, 13, 14, 15, 16, 17, 18
DFA_LENIENT, DFA_TEXT, DFA_RECORD = 19, 20, 21
SPEC_KIND, SPEC_MIN, SPEC_MAX, SPEC_REF, SPEC_FREE, SPEC_REST = 0, 1, 2, 3, 4, 5
ANY, AUTOMATON, WORDS_OF_TRIE = 0, 1, 2

# DFA_LENIENT: of each state, whether a text may end there, and wherever it goes from there

# DFA_TEXT: of an automaton over names that only counts characters, with one goal for all names, the specification of a
# string that is the same: in its state q, q characters were read (0: it is another one)

# DFA_VERDICTS: a table (0: none) of the states that each verdict on the last label of the text makes of a state
VERDICTS = 4

# DFA_CALLS: of a rule automaton, its table of calls (0: none): height; addresses of two arrays (0: none) with the
# address of a list behind its length for each state (0: none): the exits by which the rule may end there, and, behind a
# call, exits of the rule that was called with the state behind each; the address of an array that says which states
# read characters; of each state where its calls begin (and one more: where the last ones end); calls of two words each:
# goal, state behind it (TAIL: none)
CALLS_HEIGHT, CALLS_EXITS, CALLS_RETURNS, CALLS_READS, CALLS_FIRST = 0, 1, 2, 3, 4
TAIL = -1

# loop set: 256 bits (eight words); a byte beyond ASCII stands for every character whose UTF-8 form begins with it; and
# whether it is cut: see ``CUT``
LOOP_CUT, LOOP_RECORD = 8, 9
# DFA_COUNTS: of each state (0: of none) a cut loop set of ASCII characters, of which at least CUT do nothing but to
# count: each leads to a state that differs from the one before in how many more of them there may be
CUT = 32
# instead of a loop set: every character leads to a state that every character leads on from; the same of the characters
# that a dot matches, which are all but four, among them two that begin with the byte 0xE2
TOTAL, DOT = -1, -2
NOT_DOT = 0xE2


@kernel("i8(A, i8, i8)")
def interval_of(A, dfa, cp):
    """Number of the interval that a code point lies in. O(log intervals)."""
    starts = int(A[dfa + DFA_STARTS])
    lo, hi = 0, int(A[dfa + DFA_INTERVALS])
    while hi - lo > 1:
        mid = (lo + hi) >> 1
        if A[starts + mid] <= cp:
            lo = mid
        else:
            hi = mid
    return lo


@kernel("i8(A, i8, i8)")
def dfa_class(A, dfa, cp):
    """Class of a code point: table below 128, binary search above."""
    if cp < 128:
        return int(A[A[dfa + DFA_ASCII] + cp])
    return int(A[A[dfa + DFA_CLS] + interval_of(A, dfa, cp)])


@kernel("i8(A, i8, i8, i8)")
def dfa_step(A, dfa, q, cp):
    """Next state of an automaton, or -1."""
    return int(A[A[dfa + DFA_TRANS] + q * A[dfa + DFA_CLASSES] + dfa_class(A, dfa, cp)])


@kernel("b1(A, i8, i8, i8, i8)")
def dfa_fits(A, spec, dfa, q, count):
    """Whether ``q`` can reach acceptance within the bounds of ``spec`` after ``count`` characters.

    Exact because specifications with bounds are built only over automata whose lengths to acceptance have no gaps.
    """
    most = int(A[spec + SPEC_MAX])
    if most >= 0 and count + A[A[dfa + DFA_SHORTEST] + q] > most:
        return False
    longest = int(A[A[dfa + DFA_LONGEST] + q])
    return longest < 0 or count + longest >= A[spec + SPEC_MIN]


@kernel("i8(A, i8, i8)")
def trie_child(A, node, b):
    """Child of a trie node along a byte, or -1. Children are sorted: O(log children)."""
    first = int(A[node + 1])
    lo, hi = 0, int(A[node + 2])
    while lo < hi:
        mid = (lo + hi) >> 1
        if A[first + mid * TRIE_STRIDE] < b:
            lo = mid + 1
        else:
            hi = mid
    if lo < A[node + 2] and A[first + lo * TRIE_STRIDE] == b:
        return first + lo * TRIE_STRIDE
    return -1


@kernel("i8(A, i8, i8)")
def trie_char(A, node, cp):
    """Follow the UTF-8 form of a code point, or -1."""
    if cp < 0x80:
        return trie_child(A, node, cp)
    if cp < 0x800:
        node = trie_child(A, node, 0xC0 | cp >> 6)
    else:
        if cp < 0x10000:
            node = trie_child(A, node, 0xE0 | cp >> 12)
        else:
            node = trie_child(A, node, 0xF0 | cp >> 18)
            if node >= 0:
                node = trie_child(A, node, 0x80 | (cp >> 12) & 0x3F)
        if node >= 0:
            node = trie_child(A, node, 0x80 | (cp >> 6) & 0x3F)
    if node < 0:
        return -1
    return trie_child(A, node, 0x80 | cp & 0x3F)


@kernel("i8(A, i8, i8)")
def least_char(A, node, cp):
    """The least character >= ``cp`` that some word below ``node`` goes on with.

    Returns
    -------
    int
        ``child node << 21 | code point``, or -1. Depth first over at most four bytes; O(next characters) at worst.
    """
    top, at = 0, SCRATCH
    A[at], A[at + 1], A[at + 2] = node, 0, 0  # frames: node, next child, UTF-8 mode
    while top >= 0:
        at = SCRATCH + 3 * top
        here, k, mode = int(A[at]), int(A[at + 1]), int(A[at + 2])
        if k >= A[here + 2]:
            top -= 1
            continue
        A[at + 1] = k + 1
        child = int(A[here + 1]) + k * TRIE_STRIDE
        step = utf8_step(mode, int(A[child]))
        if step == DEAD:
            continue
        if step & CHAR:
            if step & 0x1FFFFF >= cp:
                return child << 21 | step & 0x1FFFFF
            continue
        if mode_range(step, 0)[1] < cp:
            continue
        top += 1
        A[at + 3], A[at + 4], A[at + 5] = child, 0, step
    return -1


@kernel("i8(A, i8, i8)")
def byte_at(A, text, k):
    """Byte ``k`` of a text with four bytes to a word, from its lowest one on."""
    return (int(A[text + (k >> 2)]) >> ((k & 3) << 3)) & 0xFF


@kernel("i8(A, A, i8, i8)")
def trie_build(A, words, ends, n):
    """Build a trie breadth first.

    Parameters
    ----------
    words : int32 array
        From ``ends`` on: where each word ends; then the bytes of the words, in ascending order and without repeats,
        one after another, as :func:`byte_at` reads them.
    n : int
        How many words there are.

    Returns
    -------
    int
        The root (absolute index), or -1 with ``FULL`` set. Leaf numbers are positions in the sorted order.
    """
    text = ends + n
    root = take(A, TRIE, TRIE_STRIDE)
    if root < 0:
        return -1
    A[root + 3], A[root + 4], A[root + 5] = -1, 0, n
    node, depth, level_end = root, 0, root
    while node <= level_end:
        last = level_end
        while node <= last:
            lo, hi = int(A[node + 4]), int(A[node + 5])
            start = (int(words[ends + lo - 1]) if lo else 0) + depth
            if lo < hi and start == words[ends + lo]:
                A[node + 3] = lo
                lo += 1
            first, count = -1, 0
            while lo < hi:
                b = byte_at(words, text, (int(words[ends + lo - 1]) if lo else 0) + depth)
                up = lo + 1
                while up < hi and byte_at(words, text, int(words[ends + up - 1]) + depth) == b:
                    up += 1
                child = take(A, TRIE, TRIE_STRIDE)
                if child < 0:
                    return -1
                A[child], A[child + 3], A[child + 4], A[child + 5] = b, -1, lo, up
                if count == 0:
                    first = child
                count += 1
                level_end = child
                lo = up
            A[node + 1], A[node + 2] = first, count
            node += TRIE_STRIDE
        depth += 1
    return root


@kernel("i8(A, i8)")
def copy_node(A, node):
    """A copy of a trie node, or -1 with ``FULL`` set."""
    at = take(A, TRIE, TRIE_STRIDE)
    for k in range(TRIE_STRIDE if at >= 0 else 0):
        A[at + k] = A[node + k]
    return at


@kernel("i8(A, i8, i8)")
def copy_with(A, node, b):
    """Copy the children of a trie node to the end of the region, with one more for a byte that has none.

    Returns
    -------
    int
        The child for the byte, or -1 with ``FULL`` set.
    """
    old, n = int(A[node + 1]), int(A[node + 2])
    k = 0
    while k < n and A[old + k * TRIE_STRIDE] < b:
        k += 1
    more = int(k == n or A[old + k * TRIE_STRIDE] != b)
    first = take(A, TRIE, (n + more) * TRIE_STRIDE)
    if first < 0:
        return -1
    child, size = first + k * TRIE_STRIDE, n * TRIE_STRIDE
    for j in range(k * TRIE_STRIDE):
        A[first + j] = A[old + j]
    for j in range(k * TRIE_STRIDE, size):
        A[first + j + more * TRIE_STRIDE] = A[old + j]
    if more:
        A[child], A[child + 1], A[child + 2], A[child + 3] = b, -1, 0, -1
    A[node + 1], A[node + 2] = first, n + more
    return child


@kernel("i8(A, i8, A)")
def trie_without(A, root, word):
    """The trie at ``root`` without one of its words: what lies beside the way to that one, both share.

    Returns
    -------
    int
        The new root, or -1 with ``FULL`` set. Leaf numbers stay as they are.
    """
    node, alone = root, 0  # below the node at depth ``alone``, its way leads to the word only
    for j in range(len(word)):
        if A[node + 2] > 1 or A[node + 3] >= 0:
            alone = j
        node = trie_child(A, node, int(word[j]))
    stays = A[node + 2] > 0 or len(word) == 0
    root = copy_node(A, root)
    if root < 0:
        return -1
    above, node = root, root
    for j in range(len(word) if stays else alone + 1):
        child = copy_with(A, node, int(word[j]))
        if child < 0:
            return -1
        above, node = node, child
    if stays:
        A[node + 3] = -1
        return root
    A[above + 2] -= 1
    for k in range(node, int(A[above + 1]) + int(A[above + 2]) * TRIE_STRIDE):
        A[k] = A[k + TRIE_STRIDE]
    return root


@kernel("i8(A, i8, A)")
def trie_with(A, root, word):
    """The trie at ``root`` with one more word: what lies beside the way to it, both share. O(children on the way).

    Returns
    -------
    int
        The new root, or -1 with ``FULL`` set. Of its nodes, bytes and children are right, and whether a word ends
        there: numbers of leaves and ranges of words are not.
    """
    root = copy_node(A, root)
    if root < 0:
        return -1
    node = root
    for j in range(len(word)):
        node = copy_with(A, node, int(word[j]))
        if node < 0:
            return -1
    A[node + 3] = 0
    return root


@kernel("i8(A, A)")
def heap_put(A, values):
    """Copy words to the heap: absolute index, or -1 with ``FULL`` set."""
    at = take(A, HEAP, len(values))
    if at >= 0:
        for k in range(len(values)):
            A[at + k] = values[k]
    return at


@kernel("UniTuple(i8, 2)(A, i8, i8, i8)")
def intervals_behind(A, dfa, mode, part):
    """The intervals of characters that can complete a started one (:func:`.mode_range`): first, and behind the last."""
    first, last = mode_range(mode, part)
    if first > last:
        return 0, 0
    return interval_of(A, dfa, first), interval_of(A, dfa, last) + 1


@kernel("b1(A, i8, i8, i8, i8)")
def dfa_can_start(A, spec, q, count, mode):
    """Whether a started character (``mode`` != 0) can be completed by an automaton within the bounds of ``spec``."""
    dfa = int(A[spec + SPEC_REF])
    cls, row = int(A[dfa + DFA_CLS]), int(A[dfa + DFA_TRANS]) + q * int(A[dfa + DFA_CLASSES])
    for part in range(3):
        lo, end = intervals_behind(A, dfa, mode, part)
        for k in range(lo, end):
            to = int(A[row + A[cls + k]])
            if to >= 0 and dfa_fits(A, spec, dfa, to, count + 1):
                return True
    return False


@kernel("i8(A, i8, i8, i8)")
def shortest_after(A, dfa, q, mode):
    """Fewest characters to acceptance behind a started one (``mode`` != 0); -1: an automaton cannot complete that."""
    cls, row = int(A[dfa + DFA_CLS]), int(A[dfa + DFA_TRANS]) + q * int(A[dfa + DFA_CLASSES])
    least = -1
    for part in range(3):
        lo, end = intervals_behind(A, dfa, mode, part)
        for k in range(lo, end):
            to = int(A[row + A[cls + k]])
            if to >= 0 and (least < 0 or A[A[dfa + DFA_SHORTEST] + to] < least):
                least = int(A[A[dfa + DFA_SHORTEST] + to])
    return least


@kernel("b1(A, i8, i8, i8, i8)")
def all_lead_to(A, dfa, q, b, to):
    """Whether every character whose UTF-8 form begins with ``b`` leads from ``q`` to the state ``to``."""
    r = utf8_step(0, b)
    if r >= CHAR:
        return dfa_step(A, dfa, q, b) == to
    first, last = mode_range(r, 0)
    if b == 0xED:  # the rest are surrogates
        last = 0xD7FF
    starts, cls = int(A[dfa + DFA_STARTS]), int(A[dfa + DFA_CLS])
    row = int(A[dfa + DFA_TRANS]) + q * int(A[dfa + DFA_CLASSES])
    k = interval_of(A, dfa, first)
    while k < A[dfa + DFA_INTERVALS] and A[starts + k] <= last:
        if A[row + A[cls + k]] != to:
            return False
        k += 1
    return True


@kernel("i8(A, i8, i8, i8)")
def state_behind(A, dfa, q, b):
    """The state to which every character leads whose UTF-8 form begins with ``b``; -1: dead; -2: it depends."""
    if b == 0xE0 or b == 0xED or b == 0xF0 or b == 0xF4:  # UTF-8 restricts what follows
        return -2
    to = dfa_step(A, dfa, q, mode_range(utf8_step(0, b), 0)[0])
    return to if all_lead_to(A, dfa, q, b, to) else -2


@kernel("b1(A, i8, i8, i8, i8)")
def needs_verdict(A, spec, q, count, r):
    """Whether a part of a character (``r`` of :func:`.strings.char_step`) can be read after some verdict only.

    ``q`` itself cannot read it. O(verdicts).
    """
    dfa = int(A[spec + SPEC_REF])
    if A[dfa + DFA_VERDICTS] == 0:
        return False
    for k in range(VERDICTS):
        then = int(A[A[dfa + DFA_VERDICTS] + VERDICTS * q + k])
        if then < 0:
            continue
        if r == QUOTE:
            good = A[A[dfa + DFA_ACCEPT] + then] != 0
        elif r >= CHAR:
            to = dfa_step(A, dfa, then, r & 0x1FFFFF)
            good = to >= 0 and dfa_fits(A, spec, dfa, to, count + 1)
        else:
            good = dfa_can_start(A, spec, then, count, r)
        if good:
            return True
    return False


@kernel("b1(A, i8, i8)")
def in_loop(A, loop, b):
    """Whether a byte at the start of a character belongs to a loop set."""
    return bool((A[loop + (b >> 5)] >> (b & 31)) & 1)


@kernel("i8(i8, i8, i8)")
def alike_mode(mode, first, end):
    """The mode that stands for every started raw character whose completions all lie in ``[first, end)``.

    Which of them it is does not matter to an automaton that treats the interval alike, so they share one position.
    Modes that UTF-8 itself restricts (after E0, ED, F0 and F4) stay as they are.
    """
    left, value = (mode >> 21) & 3, mode & 0x1FFFFF
    if left == 3 or (left == 2 and (value == 0 or value == 0xD)):
        return mode
    width = 6 * left
    if value << width < first or ((value + 1) << width) > end:
        return mode
    least = (first + (1 << width) - 1) >> width
    if left == 1:
        least = max(least, 2)
    elif least == 0 or least == 0xD:
        least += 1
    return UTF8 | left << 21 | min(least, value)


@kernel("i8(A, i8, i8)")
def settle(A, dfa, mode):
    """:func:`alike_mode` for the interval of an automaton that the started character begins in."""
    if (mode & ~0xFFFFFF) != UTF8:
        return mode
    value = (mode & 0x1FFFFF) << 6 * ((mode >> 21) & 3)
    starts, n = int(A[dfa + DFA_STARTS]), int(A[dfa + DFA_INTERVALS])
    lo = interval_of(A, dfa, value)
    return alike_mode(mode, int(A[starts + lo]), int(A[starts + lo + 1]) if lo + 1 < n else LAST + 1)
