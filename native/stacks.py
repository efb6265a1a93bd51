"""LR stacks: which terminals a stack accepts, and the stack behind each.

A cell of a stack is a state of the core with one item, ``(K_LR, LR state)`` above the cell below; under the bottom
cell stands the state of what follows the text. So stacks are hash-consed like everything else. While a mask is put
together, cells that may never be needed again are scratch instead: cell ``-k`` is the ``k``-th triple (LR state, cell
below, the state that it has become; 0: none) of region CELLS.

The tables are Lark's (:mod:`detent.grammar.lark.tables`): 0 error, ``s + 1`` shift, ``-1 - r`` reduce by rule ``r``.
They lie in *combs*: the rows of a sparse table, moved against each other until no two entries meet. An entry is its
column, which tells whose it is, and its value. Of each state, ``S_ROW`` is the address of its row of actions, without
the reduction ``S_USUAL``, and ``S_BEFORE`` that of a bit set: the terminals before which it reduces by that;
``S_GOTO`` is the address of its row of next states, ``S_SOME`` that of the set of all terminals before which it does
something, and ``DROPPED``. ``S_SETTLES`` is the rule that the state reduces by whatever it does, 0 if there is none.
"""

from __future__ import annotations

from .arena import CELLS, FULL, POS, POS_STRIDE, STATE, STATE_STRIDE, STATUS
from .jit import kernel
from .lexer import DROPPED
from .positions import K_LR, position
from .sets import has_member
from .states import S_ITEMS, state_of

G_LEXER, G_TERMINALS, G_STATES, G_LEFT, G_LENGTH, G_CONTEXT = range(6)
# G_ISLANDS, G_TOKENS (0: none): of each LR state, where its terminals begin that are islands or tokens of the
# vocabulary (and one more: where the last ones end), then pairs of terminal and goal or token; G_FORKS: whether a text
# may have several stacks; G_AROUND: for a grammar inside a text, the nodes of the trie around what may follow it (0);
# G_LAZY: lazy number of what decides about dead ends; G_ASKED: what it was asked last; G_SPELLS: how masks that meet
# many stacks are read, see lexed_places.py
G_ISLANDS, G_TOKENS, G_FORKS, G_AROUND, G_LAZY, G_ASKED, G_SPELLS, G_RECORD = range(6, 14)
S_ROW, S_USUAL, S_BEFORE, S_GOTO, S_SOME, S_SETTLES, LR_STRIDE = range(7)
END, ACCEPT = 0, -1
CELL = 3  # words of a scratch cell


@kernel("UniTuple(i8, 2)(A, i8)")
def top(A, cell):
    """The LR state of a cell, and the cell below."""
    if cell < 0:
        at = int(A[CELLS]) - CELL * cell
        return int(A[at]), int(A[at + 1])
    items = int(A[int(A[STATE]) + cell * STATE_STRIDE + S_ITEMS])
    return int(A[int(A[POS]) + int(A[items]) * POS_STRIDE + 1]), int(A[items + 1])


@kernel("i8(A, i8, i8)")
def new_cell(A, s, below):
    """A scratch cell, or 0 with ``FULL`` set."""
    n = int(A[CELLS + 2]) + 1
    if CELL * n + CELL > A[CELLS + 1]:
        A[STATUS] = FULL
        return 0
    at = int(A[CELLS]) + CELL * n
    A[at], A[at + 1], A[at + 2] = s, below, 0
    A[CELLS + 2] = n
    return -n


@kernel("i8(A, i8, i8, i8)")
def action_on(A, G, s, terminal):
    """What the parser does in an LR state before a terminal."""
    at = int(A[G + G_STATES]) + s * LR_STRIDE
    entry = int(A[at + S_ROW]) + 2 * terminal
    if A[entry] == terminal:
        return int(A[entry + 1])
    return int(A[at + S_USUAL]) if has_member(A, int(A[at + S_BEFORE]), terminal) else 0


@kernel("i8(A, i8, i8, i8)")
def goto(A, G, s, nonterminal):
    """The LR state behind a nonterminal, -1 for none."""
    entry = int(A[int(A[G + G_STATES]) + s * LR_STRIDE + S_GOTO]) + 2 * nonterminal
    return int(A[entry + 1]) if A[entry] == nonterminal else -1


@kernel("i8(A, i8, i8, i8)")
def shift(A, G, cell, terminal):
    """The stack (of scratch cells on top) after a terminal and the reductions before it; 0 when it is refused.

    For ``END``: the bottom cell when the text may end.
    """
    s, below = top(A, cell)
    while A[STATUS] == 0:
        act = action_on(A, G, s, terminal)
        if act == 0:
            return 0
        if act > 0:
            return new_cell(A, act - 1, cell)
        rule = -1 - act
        for _ in range(int(A[A[G + G_LENGTH] + rule])):
            cell = below
            s, below = top(A, cell)
        if act == ACCEPT:
            return cell
        s, below = goto(A, G, s, int(A[A[G + G_LEFT] + rule])), cell
        if s < 0:
            return 0
        cell = new_cell(A, s, below)
    return 0


@kernel("i8(A, i8, i8, i8)")
def after_tag(A, G, cell, tag):
    """The stack after a token: an ignored one leaves it as it is."""
    return cell if tag == DROPPED else shift(A, G, cell, tag)


@kernel("b1(A, i8, i8, i8)")
def accepts(A, G, cell, terminal):
    """Whether a terminal is possible next; scratch is as before."""
    act = action_on(A, G, top(A, cell)[0], terminal)
    if act >= 0:
        return act > 0
    used = A[CELLS + 2]
    found = shift(A, G, cell, terminal) != 0
    A[CELLS + 2] = used
    return found


@kernel("b1(A, i8, i8, i8)")
def accepts_some(A, G, cell, tags):
    """Whether a stack accepts one of a set of tags. O(tags)."""
    some = int(A[int(A[G + G_STATES]) + top(A, cell)[0] * LR_STRIDE + S_SOME])
    for j in range((int(A[G + G_TERMINALS]) + 31) >> 5):
        word = int(A[tags + j]) & int(A[some + j]) & 0xFFFFFFFF
        while word != 0:
            k = 0
            while (word >> k) & 1 == 0:
                k += 1
            word ^= 1 << k
            tag = 32 * j + k
            if tag == DROPPED or accepts(A, G, cell, tag):
                return True
    return False


@kernel("i8(A, i8, i8)")
def settled(A, G, cell):
    """A stack (of scratch cells on top) after the reductions that come whatever terminal does; 0 when one is refused.

    LALR lookaheads are exact in this: a terminal before which a state that does nothing else does not reduce is not
    shifted by any state that the reduction leads to.
    """
    s, below = top(A, cell)
    rule = int(A[A[G + G_STATES] + s * LR_STRIDE + S_SETTLES])
    while rule != 0 and A[STATUS] == 0:
        for _ in range(int(A[A[G + G_LENGTH] + rule])):
            cell = below
            s, below = top(A, cell)
        s, below = goto(A, G, s, int(A[A[G + G_LEFT] + rule])), cell
        if s < 0:
            return 0
        cell = new_cell(A, s, below)
        rule = int(A[A[G + G_STATES] + s * LR_STRIDE + S_SETTLES])
    return cell


@kernel("i8(A, i8)")
def kept_stack(A, cell):
    """A stack whose scratch cells have become states; 0 when ``A[STATUS]`` is set."""
    n, base = CELL * (int(A[CELLS + 2]) + 1), int(A[CELLS])
    first = n
    while cell < 0 and A[base - CELL * cell + 2] == 0:  # note the chain behind the cells in use
        if n + 1 > A[CELLS + 1]:
            A[STATUS] = FULL
            return 0
        A[base + n] = cell
        n += 1
        cell = top(A, cell)[1]
    if cell < 0:
        cell = int(A[base - CELL * cell + 2])
    while n > first and A[STATUS] == 0:
        n -= 1
        scratch = int(A[base + n])
        cell = state_of(A, position(A, K_LR, top(A, scratch)[0], 0, 0, 0, 0, 0, 0), cell)
        if A[STATUS] == 0:
            A[base - CELL * scratch + 2] = cell
    return cell if A[STATUS] == 0 else 0
