"""The memo of steps: which state follows a state by each byte, once that was computed.

The row of a state: 256 bits, set for the bytes that are not known to be dead; the addresses of sixteen blocks of
sixteen bytes each, 0 for a block of which no byte was read yet. A block holds states, -1 for dead, 0 for not known.
A row is born dead except where the items of the state can move, which spares most slow steps of a trie walk.
"""

from __future__ import annotations

from .arena import LAZY, POS, POS_STRIDE, ROW, STATE, STATE_STRIDE, TRIE_STRIDE, take
from .jit import kernel
from .languages import (
    ANY,
    AUTOMATON,
    DFA_ASCII,
    DFA_CLASSES,
    DFA_TRANS,
    DFA_VERDICTS,
    SPEC_KIND,
    SPEC_MAX,
    SPEC_MIN,
    SPEC_REF,
    VERDICTS,
)
from .positions import (
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
    O_FREE,
    O_SPEC,
    space_step,
)
from .states import S_COUNT, S_ITEMS, S_ROW

BLOCKS, ROW_WORDS, BLOCK = 8, 24, 16


@kernel("void(A, i8, i8)")
def mark(A, row, b):
    """A byte of a row is not known to be dead."""
    A[row + (b >> 5)] |= 1 << (b & 31) if b & 31 < 31 else -(1 << 31)


@kernel("void(A, i8, i8, i8)")
def mark_range(A, row, first, last):
    """The same for all bytes from ``first`` to ``last``."""
    for j in range(first >> 5, (last >> 5) + 1):
        low, high = max(first - 32 * j, 0), min(last - 32 * j, 31)
        bits = (1 << (high + 1)) - (1 << low)
        A[row + j] |= bits if high < 31 else bits - (1 << 32)


@kernel("void(A, i8, i8)")
def mark_trie(A, row, node):
    """The bytes that the words below a trie node go on with."""
    for j in range(int(A[node + 2])):
        mark(A, row, int(A[A[node + 1] + j * TRIE_STRIDE]))


@kernel("void(A, i8, i8)")
def mark_spaces(A, row, ws):
    """The white space that may follow ``ws``."""
    if ws >= 0:
        for b in (9, 10, 13, 32):
            if space_step(ws, b) >= 0:
                mark(A, row, b)


@kernel("void(A, i8)")
def mark_quotes(A, row):
    """The closing quote and the backslash."""
    mark(A, row, 34)
    mark(A, row, 92)


@kernel("void(A, i8, i8, i8)")
def mark_automaton(A, row, dfa, q):
    """The bytes that a state of an automaton might read."""
    trans = int(A[dfa + DFA_TRANS]) + q * int(A[dfa + DFA_CLASSES])
    ascii_class = int(A[dfa + DFA_ASCII])
    for b in range(128):
        if A[trans + A[ascii_class + b]] >= 0:
            mark(A, row, b)
    mark_range(A, row, 0xC2, 0xF4)


@kernel("void(A, i8, i8)")
def mark_item(A, row, pos):
    """Mark every byte that an item of a new state might read."""
    at = int(A[POS]) + pos * POS_STRIDE
    kind = A[at]
    if kind == K_STRING or kind == K_KEY or kind == K_TEXT:
        mode = int(A[at + 4] if kind == K_STRING else A[at + 5] if kind == K_KEY else A[at + 3])
        if mode != 0:
            mark_range(A, row, 0, 255)
            return
        if kind == K_KEY:
            obj = int(A[A[LAZY] + A[at + 1]])
            if A[obj + O_SPEC] < 0 and A[obj + O_FREE] < 0 and A[at + 3] >= 0:
                mark_trie(A, row, int(A[at + 3]))
                mark_quotes(A, row)
            else:
                mark_range(A, row, 0x20, 0xF4)
            return
        spec = int(A[at + 1])
        if A[spec + SPEC_KIND] == AUTOMATON:
            dfa, q = int(A[spec + SPEC_REF]), int(A[at + 2])
            mark_automaton(A, row, dfa, q)
            if A[dfa + DFA_VERDICTS] != 0:
                for k in range(VERDICTS):
                    then = int(A[A[dfa + DFA_VERDICTS] + VERDICTS * q + k])
                    if then >= 0:
                        mark_automaton(A, row, dfa, then)
            if kind == K_STRING:
                mark_quotes(A, row)
        elif A[spec + SPEC_KIND] == ANY:
            mark_range(A, row, 0x20, 0xF4)
        else:
            mark_trie(A, row, int(A[at + 2]))
            mark_quotes(A, row)
    elif kind == K_OBJECT:
        mark_spaces(A, row, int(A[at + 4]))
        for b in (34, 44, 123, 125):
            mark(A, row, b)
    elif kind == K_MEMBER:
        mark_spaces(A, row, int(A[at + 2]))
        mark(A, row, 58)
    elif kind == K_ARRAY:
        mark_spaces(A, row, int(A[at + 4]))
        for b in (44, 91, 93):
            mark(A, row, b)
    elif kind == K_NUMBER:
        mark_spaces(A, row, int(A[at + 6]))
        mark_range(A, row, 48, 57)
        for b in (43, 45, 46, 69, 101):
            mark(A, row, b)
    elif kind == K_OPEN:
        mark_spaces(A, row, int(A[at + 2]))
        mark(A, row, 34)
    elif kind == K_LITERAL:
        mark_spaces(A, row, int(A[at + 2]))
        mark(A, row, int(A[A[at + 1]]))
    elif kind == K_END:
        mark_spaces(A, row, int(A[at + 1]))
    elif kind == K_WORD:
        mark_trie(A, row, int(A[at + 1]))
    elif kind == K_LEX:
        mark_range(A, row, 0, 255)


@kernel("b1(A, i8, i8, i8)")
def remember(A, row, b, to):
    """Note that ``to`` follows by byte ``b``; False with ``FULL`` set."""
    block = int(A[row + BLOCKS + (b >> 4)])
    if block == 0:
        block = take(A, ROW, BLOCK)
        if block < 0:
            return False
        A[row + BLOCKS + (b >> 4)] = block
    A[block + (b & 15)] = to
    return True


@kernel("b1(A, i8)")
def is_free_text(A, state):
    """Whether a state is the inside of free text, to which every plain character leads back."""
    at = int(A[STATE]) + state * STATE_STRIDE
    pos = int(A[POS]) + int(A[A[at + S_ITEMS]]) * POS_STRIDE
    if A[at + S_COUNT] != 1 or A[pos] != K_STRING or A[pos + 4] != 0 or A[pos + 5] != 0:
        return False
    spec = int(A[pos + 1])
    return A[spec + SPEC_KIND] == ANY and A[spec + SPEC_MAX] < 0 and A[pos + 3] == A[spec + SPEC_MIN]


@kernel("i8(A, i8)")
def memo_row(A, state):
    """Make the memo row of a state: 0 with ``FULL`` set. What a region gives out is zero."""
    row = take(A, ROW, ROW_WORDS)
    if row < 0:
        return 0
    at = int(A[STATE]) + state * STATE_STRIDE
    items = int(A[at + S_ITEMS])
    for j in range(int(A[at + S_COUNT])):
        mark_item(A, row, int(A[items + 2 * j]))
    if is_free_text(A, state):
        for b in range(0x20, 0x80):
            if b != 34 and b != 92 and not remember(A, row, b, state):
                return 0
    A[at + S_ROW] = row
    return row
