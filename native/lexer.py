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

Here are the tables and what a state is; :mod:`.lexer_threads` says where threads go, :mod:`.lexer_carries` what goes
along from token to token, :mod:`.lexer_steps` which state follows.
"""

from __future__ import annotations

from .arena import FULL, POS, POS_STRIDE, STATUS, take
from .jit import kernel, prepare
from .positions import K_INSIDE, K_MATCH, position

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
    if last + POS_STRIDE + Q_RECORD > A[POS + 1]:  # there is no position without its record
        A[STATUS] = FULL
        return 0
    number = position(A, kind, f1, f2, f3, f4, f5, f6, f7)
    if number > 0 and A[POS + 2] > last:
        take(A, POS, Q_RECORD)
    return number


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
