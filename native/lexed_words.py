"""Key words among names: read as names, but for the few places where they are none.

A name is read from a state that loops. Where it may become a key word, each beginning of one has a lexer state of its
own, and what is left of tokens there would be a set of its own, with a table that nobody else has: a grammar of
thirty key words would make a hundred. But such a state *goes along* with the one that loops: a token that ends in it
can be all that it can be there. So the set is read from the state that loops, out of one table, and beside it the key
words are followed along the trie. Tokens that end at beginnings of key words may be these as well; bytes that end a
key word where they would end a name are taken out of what leaves the loop.
"""

from __future__ import annotations

from .arena import BY_EXIT, EXITS, FULL, SNODE, SNODE_STRIDE, STATUS, THREADS, WORK
from .jit import kernel
from .languages import LOOP_RECORD, in_loop
from .lexed_edges import ends_in, leave_along
from .lexed_notes import end_edge
from .lexer import ALWAYS_ASKED, AT_BITS, F_ACCEPT, L_ASCII, L_EXACT, NONE, field
from .lexer_carries import carry_on
from .lexer_loops import all_lead, forgets
from .lexer_steps import can_begin, lexer_step
from .sets import add_member, kept_set
from .strings import DEAD, utf8_step
from .suffixes import below, rank, set_behind, sort_words
from .trie import STARTS_CHAR, V_BYTE, V_CHAR, V_CHILD, V_NODES

WORTH = 16  # tokens that a table has for each trie node that is read beside it, at least


@kernel("i8(A, i8, i8)")
def _after(A, q, b):
    """The lexer state behind a character of ASCII."""
    return lexer_step(A, q, int(A[A[field(A, q, 1) + L_ASCII] + b]))


@kernel("b1(A, i8, i8)")
def _goes_along(A, q, to):
    """Whether a token that ends in ``q`` is allowed wherever one that ends in ``to`` is, both being matches."""
    if q <= 0 or field(A, q, F_ACCEPT) == NONE or not forgets(A, q):
        return False
    tags, more = ends_in(A, to), ends_in(A, q)
    if A[STATUS] != 0 or tags <= 0 or more <= 0:
        return False
    for j in range(int(A[tags - 1])):
        if A[tags + j] & ~A[more + j] != 0:
            return False
    return True


@kernel("i8(A, i8, i8, i8, i8)")
def _with_words(A, q, to, loop, led):
    """The bytes of a loop set that lead from ``q`` to ``to`` (``led``), or to states that go along with it."""
    bits = int(A[THREADS]) + AT_BITS
    for j in range(LOOP_RECORD):
        A[bits + j] = A[led + j]
    for b in range(0x80):
        if in_loop(A, loop, b) and not in_loop(A, led, b) and _goes_along(A, _after(A, q, b), to):
            add_member(A, bits, b)
    return kept_set(A, bits, LOOP_RECORD)


@kernel("b1(A, i8, i8, i8)")
def _die_alike(A, q, to, b):
    """Whether a byte that leaves the loop of ``to`` leads from both states to one, or kills both."""
    if b < 0x80:
        return _after(A, q, b) == _after(A, to, b)
    r = utf8_step(0, b)
    return r == DEAD or not (can_begin(A, q, r) or can_begin(A, to, r))


@kernel("i8(A, A, i8, i8, i8, i8, i8, i8)")
def _leave_word(A, V, frame, node, q, to, loop, n):
    """Read what leaves the loop behind a trie node that leads to ``q``, as far as it is not read alike from ``to``.

    The edges are listed behind ``n`` others: how many there are then.
    """
    alike = field(A, q, F_ACCEPT) == field(A, to, F_ACCEPT) and carry_on(A, q) == carry_on(A, to)
    for c in range(int(V[V[V_CHILD] + node]), int(V[V[V_CHILD] + node + 1])):
        b = int(V[V[V_BYTE] + c])
        if in_loop(A, loop, b) or (alike and _die_alike(A, q, to, b)) or A[STATUS] != 0:
            continue
        if n == A[BY_EXIT + 1]:
            A[STATUS] = FULL
            return n
        A[int(A[BY_EXIT]) + n] = c
        n += 1
        leave_along(A, V, frame, q, c)
    return n


@kernel("i8(A, A, i8, i8, i8, i8)")
def _follow_words(A, V, frame, to, loop, led):
    """Read what is below the set of a frame from states that go along with ``to``: edges that are not read from that.

    They are listed in region BY_EXIT. -1: a state does not go along, or too much is below such states. What was noted
    until then is right, and read again.
    """
    x, stack, used, n, most = int(A[frame]), int(A[WORK]), 2, 0, below(A, V, int(A[frame])) // WORTH
    A[stack], A[stack + 1] = x, A[frame + 1]
    while used > 0 and A[STATUS] == 0:
        used -= 2
        node, q = int(A[stack + used]), int(A[stack + used + 1])
        if node != x:
            n = _leave_word(A, V, frame, node, q, to, loop, n)
        for c in range(int(V[V[V_CHILD] + node]), int(V[V[V_CHILD] + node + 1])):
            b = int(V[V[V_BYTE] + c])
            if not in_loop(A, led if node == x else loop, b) or all_lead(A, q, b, to):
                continue
            then, most = _after(A, q, b) if b < 0x80 else NONE, most - 1
            if most < 0 or not _goes_along(A, then, to) or used + 2 > A[WORK + 1]:
                return -1
            end_edge(A, V, c, ends_in(A, then), 1)
            A[stack + used], A[stack + used + 1] = c, then
            used += 2
    return n


@kernel("UniTuple(i8, 2)(A, A, i8, i8, i8, i8)")
def read_words(A, V, frame, to, loop, led):
    """Read the key words below the set of a frame (a trie node), of whose loop set the bytes ``led`` lead to ``to``.

    Returns
    -------
    led : int
        The bytes behind which the set can be read from ``to``, as a loop set.
    n : int
        How many edges that leave the loop must not be read from there (:func:`without_words`).
    """
    q = int(A[frame + 1])
    if A[field(A, q, 1) + L_EXACT] == ALWAYS_ASKED:
        return led, 0
    wider = _with_words(A, q, to, loop, led)
    n = _follow_words(A, V, frame, to, loop, wider) if A[STATUS] == 0 and wider != led else 0
    if n < 0 or A[STATUS] != 0:
        return led, 0
    sort_words(A, int(A[BY_EXIT]), n)
    return wider, n


@kernel("i8(A, A, i8, i8, i8)")
def without_words(A, V, x, loop, n):
    """What leaves a loop (``x``, out of its table) without the first ``n`` edges listed in region BY_EXIT."""
    if n == 0 or x < 0:
        return x
    at, child, edges, parents = int(A[SNODE]) + (x - int(V[V_NODES])) * SNODE_STRIDE, int(V[V_CHILD]), 0, 0
    for j in range(int(A[at + 1])):
        parent = int(A[int(A[at]) + j])
        first, last, before = int(V[child + parent]), int(V[child + parent + 1]), edges
        k = rank(A, int(A[BY_EXIT]), n, first)
        for c in range(first, last):
            char = int(V[V[V_CHAR] + c])
            if k < n and A[int(A[BY_EXIT]) + k] == c:
                k += 1
            elif char & STARTS_CHAR and not in_loop(A, loop, char & 0xFF):
                A[int(A[EXITS]) + edges] = c
                edges += 1
        if edges > before:
            A[int(A[WORK]) + parents] = parent
            parents += 1
    return set_behind(A, V, int(A[EXITS]), edges, int(A[WORK]), parents)
