"""What may be left of longer tokens where a token ends, and texts that keep it from matching.

A lexer takes the token that its first alternative gives. So where a text is split at one of several possible ends,
what the lexer could still have read must never match: it is *left over*, and stays with the text until it is dead.
Here leftovers are worked out for terminals instead of states of lexers, one thread at a time, as if every terminal
were tried everywhere: a superset of what can be left, cheap enough for every grammar.

Threads are *nodes*: what the program of a terminal can do next, at its beginning or behind a character; node 0 is
none. The edges of node ``v`` are ``first[v]`` to ``first[v + 1]``, in the order of preference up to a match: edge
``e`` reads a character of the set ``reads[e]`` and leads to node ``leads[e]``. Assertions are passed over. Words are
classes of characters, ``letters[word[k]:word[k + 1]]``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .jit import kernel, prepare

prepare("Lark grammars")

I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]

CHARS, SPLIT, MATCH, TOO_MANY = 0, 1, 3, -1
WHOLE, PART = 1, 2  # how much of a word is matched
MATCHED = -1
MAX_PAIRS = 1 << 21
# a second thread: of another terminal that is tried before; left over of the terminal that has matched; of the same
# terminal; left over of another terminal than the one that has matched
BESIDE, LEFT, OWN, OTHER = 0, 1, 2, 3


@kernel("i8(A, A, A, A, A, A, A, A)", nogil=True, allocates=True)
def find_nodes(code: I32, entry: I32, sure: I32, first: I32, reads: I32, leads: I32, owner: I32, ends: I32) -> int:
    """Find the nodes of all programs; that of terminal t at its beginning is the t-th with an entry, from 1 on.

    Parameters
    ----------
    code, entry : (3 * n,), (n_terminals,) int32
        See :class:`detent.grammar.lark.tables.LexerTables`.
    sure : (n_terminals,) int32
        Whether a terminal's matches owe nothing, so that what comes behind one in the order of preference is cut off.
    first, reads, leads : int32, out
    owner, ends : int32, out
        The terminal of each node, and whether it has matched there.

    Returns
    -------
    int
        How many there are, or ``TOO_MANY``.
    """
    n_code = len(code) // 3
    node, begin = np.zeros(n_code, np.int32), np.zeros(len(first), np.int32)
    stamp, stack = np.zeros(n_code, np.int32), np.zeros(2 * n_code + 2, np.int32)
    n, used, v = 1, 0, 1
    for t in range(len(entry)):
        if entry[t] >= 0:
            if n + 2 >= len(first):
                return TOO_MANY
            node[entry[t]], begin[n], owner[n] = n, entry[t], t
            n += 1
    while v < n:
        first[v], stack[0], top = used, begin[v], 1
        while top > 0:
            top -= 1
            pc = np.int64(stack[top])
            if stamp[pc] == v:
                continue
            stamp[pc] = v
            op, a, b = code[3 * pc], code[3 * pc + 1], code[3 * pc + 2]
            if op == MATCH:
                ends[v] = 1
                top *= 1 - sure[owner[v]]
            elif op == CHARS:
                if used == len(reads) or n + 2 >= len(first):
                    return TOO_MANY
                if node[b] == 0:
                    node[b], begin[n], owner[n] = n, b, owner[v]
                    n += 1
                reads[used], leads[used] = a, node[b]
                used += 1
            else:
                stack[top] = b
                top += 1
                if op == SPLIT:
                    stack[top] = a
                    top += 1
        v += 1
    first[n] = used
    return n


@kernel("i8(A, A, A, uint8[:,::1], i8, i8, i8, uint8[:,::1], A, i8)", nogil=True)
def _go_together(
    first: I32,
    reads: I32,
    leads: I32,
    meet: U8,
    p: int,
    x: int,
    kind: int,
    seen: U8,
    pairs: I32,
    n_pairs: int,
) -> int:
    """Note the pairs of nodes to which a character can lead from two nodes; how many are then to be looked at.

    Of the same terminal, only what is preferred is left.
    """
    for e in range(first[p], first[p + 1]):
        for f in range(first[x], e + 1 if kind == OWN and p == x else first[x + 1]):
            to, other = leads[e], leads[f]
            if meet[reads[e], reads[f]] and not (seen[to, other] >> kind) & 1 and n_pairs <= MAX_PAIRS:
                seen[to, other] |= 1 << kind
                at = 3 * n_pairs
                pairs[at], pairs[at + 1], pairs[at + 2] = to, other, kind
                n_pairs += 1
    return n_pairs


@kernel(
    "b1(A, A, A, A, A, A, uint8[:,::1], uint8[:,::1], uint8[:,::1], uint8[:,::1], uint8[:,::1], uint8[:,::1],"
    "uint8[:,::1], uint8[::1])",
    nogil=True,
    allocates=True,
)
def spread(
    first: I32,
    reads: I32,
    leads: I32,
    owner: I32,
    ends: I32,
    begin: I32,
    meet: U8,
    before: U8,
    follows: U8,
    seen: U8,
    left: U8,
    both: U8,
    longer: U8,
    matching: U8,
) -> bool:
    """Find what can be left where each terminal ends: of what was tried beside it, or was left over before.

    Parameters
    ----------
    first, reads, leads, owner, ends : int32
        The nodes.
    begin : (n_terminals,) int32
        Node at the beginning of each terminal, 0 for none.
    meet : (n_sets, n_sets) uint8
        Which sets have a character in common.
    before : (n_terminals, n_terminals) uint8
        ``before[t, u]``: whether somewhere u is tried before t.
    follows : (n_terminals, n_terminals) uint8
        ``follows[t, u]``: whether u can come behind t.
    seen : (n_nodes, n_nodes) uint8, zeros
        Room to note pairs, few of which are met.
    left : (n_terminals, n_nodes) uint8, zeros, out
        One bit each for ``LEFT`` and ``OTHER``, and for ``OWN``: what would have made the match longer.
    both : (n_terminals, n_terminals) uint8, zeros, out
        ``both[t, u]``: whether terminal u, tried before t, matches some text that t matches, too.
    longer : (n_terminals, n_terminals) uint8, zeros, out
        ``longer[t, u]``: whether terminal u, tried before t, can go on where t matches.
    matching : (n_terminals,) uint8, zeros, out
        Terminals of which what was left over of them, where another one matched, can match inside a later token.

    Returns
    -------
    bool
        False when there are more than ``MAX_PAIRS`` pairs of threads to be followed together.
    """
    n_terminals = len(begin)
    seeded = np.zeros((n_terminals, len(owner)), np.uint8)
    pairs, n_pairs = np.empty(3 * (MAX_PAIRS + 1), np.int32), 0
    for t in range(n_terminals):
        for other in range(n_terminals):
            if begin[t] and begin[other] and (t == other or before[t, other]):
                a, b = np.int64(begin[t]), np.int64(begin[other])
                kind = OWN if t == other else BESIDE
                n_pairs = _go_together(first, reads, leads, meet, a, b, kind, seen, pairs, n_pairs)
                if n_pairs > MAX_PAIRS:
                    return False
    while n_pairs > 0:
        n_pairs -= 1
        p, x, kind = np.int64(pairs[3 * n_pairs]), np.int64(pairs[3 * n_pairs + 1]), np.int64(pairs[3 * n_pairs + 2])
        if (kind == LEFT or kind == OTHER) and ends[x]:
            matching[owner[x]] |= kind == OTHER
            continue
        n_pairs = _go_together(first, reads, leads, meet, p, x, kind, seen, pairs, n_pairs)
        if n_pairs > MAX_PAIRS:
            return False
        t = owner[p]
        if ends[p] and ends[x] and kind == BESIDE:
            both[t, owner[x]] = 1
        if not ends[p] or first[x] == first[x + 1]:
            continue
        longer[t, owner[x]] |= kind == BESIDE
        then = OTHER if kind == BESIDE or kind == OTHER else LEFT
        how = OWN if kind == OWN else then
        if (left[t, x] >> how) & 1:
            continue
        left[t, x] |= 1 << how
        for u in range(n_terminals):
            if follows[t, u] and begin[u] and not (seeded[u, x] >> then) & 1:
                seeded[u, x] |= 1 << then
                n_pairs = _go_together(first, reads, leads, meet, begin[u], x, then, seen, pairs, n_pairs)
                if n_pairs > MAX_PAIRS:
                    return False
    return True


@kernel("i8(A, A, A, A, uint8[:,::1], A, i8, i8, b1, A, i8, A)", nogil=True)
def _run(
    first: I32,
    reads: I32,
    leads: I32,
    ends: I32,
    sets: U8,
    letters: I32,
    a: int,
    b: int,
    may_match: bool,
    nodes: I32,
    n: int,
    mark: I32,
) -> int:
    """Let ``n`` nodes, in place, read ``letters[a:b]``: how many are left, or ``MATCHED`` where none may match."""
    half = len(nodes) // 2
    for k in range(a, b):
        m = 0
        mark[0] += 1
        for j in range(n):
            for e in range(first[nodes[j]], first[nodes[j] + 1]):
                to = leads[e]
                if sets[reads[e], letters[k]] and mark[to] != mark[0]:
                    if ends[to] and not may_match:
                        return MATCHED
                    mark[to] = mark[0]
                    nodes[half + m] = to
                    m += 1
        for j in range(m):
            nodes[j] = nodes[half + j]
        n = m
    return n


@kernel(
    "void(A, A, A, A, uint8[:,::1], A, A, A, uint8[::1], uint8[:,::1], uint8[:,::1], uint8[:,::1], A, uint8[::1])",
    nogil=True,
    allocates=True,
)
def choose(
    first: I32,
    reads: I32,
    leads: I32,
    ends: I32,
    sets: U8,
    letters: I32,
    word: I32,
    source: I32,
    clean: U8,
    follows: U8,
    left: U8,
    allowed: U8,
    choice: I32,
    bad: U8,
) -> None:
    """For each terminal, find a separator behind which no leftover matches, whatever word comes next.

    Parameters
    ----------
    first, reads, leads, ends, sets : int32, uint8
        The nodes and the sets of characters.
    letters, word : int32
        Separators, then a word of each terminal (empty where it has none).
    source : (n_separators,) int32
        The terminal of each separator; the first one is empty.
    clean : (n_separators,) uint8
        Whether what was tried beside a separator does not match, whatever word comes next. Only such are chosen.
    follows, left : uint8
        See :func:`spread`.
    allowed : (n_terminals, n_separators) uint8
    choice : (n_terminals,) int32, in and out
        A separator for those that have none (-1): the first that works for all leftovers, else the one that works for
        most. Behind its own terminal, one may make the last match longer.
    bad : (n_nodes,) uint8, in and out
        Leftovers that can match behind a separator that was chosen. They are not asked about again.
    """
    n_terminals, n_nodes, n_separators = left.shape[0], left.shape[1], len(source)
    nodes, more, mark = np.empty(2 * n_nodes, np.int32), np.empty(2 * n_nodes, np.int32), np.zeros(n_nodes, np.int32)
    blamed = np.zeros((n_separators, n_nodes), np.uint8)
    for strict in range(2):
        for t in range(n_terminals):
            best, fewest = -1, n_nodes + 1 if strict else 1
            for k in range(n_separators):
                if choice[t] >= 0 or not allowed[t, k] or not clean[k]:
                    continue
                blamed[k] = 0
                n_blamed = 0
                for x in range(n_nodes):
                    if not left[t, x] or bad[x]:
                        continue
                    nodes[0] = x
                    longer, a, b = k > 0 and source[k] == t and left[t, x] == 1 << OWN, word[k], word[k + 1]
                    n = _run(first, reads, leads, ends, sets, letters, a, b, longer, nodes, 1, mark)
                    good, u = n >= 0, 0
                    while good and n > 0 and u < n_terminals:
                        a, b = word[n_separators + u], word[n_separators + u + 1]
                        if follows[t, u] and a < b:
                            for j in range(n):
                                more[j] = nodes[j]
                            good = _run(first, reads, leads, ends, sets, letters, a, b, False, more, n, mark) >= 0
                        u += 1
                    if not good:
                        blamed[k, x] = 1
                        n_blamed += 1
                if n_blamed < fewest:
                    best, fewest = k, n_blamed
            if best >= 0:
                choice[t] = best
                for x in range(n_nodes):
                    bad[x] |= blamed[best, x]


@kernel("void(A, A, A, A, A, A, uint8[:,::1], A, A, uint8[:,::1])", nogil=True, allocates=True)
def match_words(
    first: I32, reads: I32, leads: I32, owner: I32, ends: I32, begin: I32, sets: U8, letters: I32, word: I32, found: U8
) -> None:
    """Which terminals match words, or the first characters of words.

    Parameters
    ----------
    found : (n_words, n_terminals) uint8, zeros, out
        ``WHOLE``, ``PART``, both or none.
    """
    n_nodes = len(owner)
    nodes, after, mark = np.empty(n_nodes, np.int32), np.empty(n_nodes, np.int32), np.zeros(n_nodes, np.int32)
    for w in range(len(word) - 1):
        n = 0
        for t in range(len(begin)):
            if begin[t]:
                nodes[n] = begin[t]
                n += 1
        for k in range(word[w], word[w + 1]):
            m = 0
            mark[0] += 1
            for j in range(n):
                for e in range(first[nodes[j]], first[nodes[j] + 1]):
                    to = leads[e]
                    if sets[reads[e], letters[k]] and mark[to] != mark[0]:
                        mark[to] = mark[0]
                        after[m] = to
                        m += 1
                        if ends[to]:
                            found[w, owner[to]] |= WHOLE if k + 1 == word[w + 1] else PART
            nodes[:m] = after[:m]
            n = m


# ------------------------------------------------------------------------------------------------------------ contexts
@kernel("void(A, A, uint8[:,::1], uint8[:,::1])", nogil=True)
def find_before(order_first: I32, order: I32, asked: U8, before: U8) -> None:
    """Which terminals are tried before others.

    Parameters
    ----------
    order_first, order : int32
        See :class:`detent.grammar.lark.tables.LexerTables`.
    asked : (n_contexts, n_terminals) uint8
        The terminals for which there is a use in a context.
    before : (n_terminals, n_terminals) uint8, zeros, out
        ``before[t, u]``: whether some context with a use for t tries u before t, or tries u but not t.
    """
    for c in range(asked.shape[0]):
        for t in range(asked.shape[1]):
            for i in range(order_first[c], order_first[c + 1] if asked[c, t] else order_first[c]):
                if order[i] == t:
                    break
                before[t, order[i]] = 1


@kernel("void(A, A, A, A, uint8[:,::1], uint8[:,::1], uint8[::1], uint8[::1])", nogil=True)
def keep_spelled(
    order_first: I32, order: I32, retype_first: I32, retype: I32, asked: U8, found: U8, certain: U8, usable: U8
) -> None:
    """Keep the terminals whose words are taken for them in all contexts that have a use for them.

    Parameters
    ----------
    order_first, order, retype_first, retype : int32
        See :class:`detent.grammar.lark.tables.LexerTables`.
    asked : (n_contexts, n_terminals) uint8
    found : (n_terminals, n_terminals) uint8
        ``found[t]``: which terminals match the word of t, as of :func:`match_words`.
    certain : (n_terminals,) uint8
        Terminals whose matches are tokens, whatever comes next.
    usable : (n_terminals,) uint8, in and out
    """
    for t in range(len(usable)):
        for c in range(len(order_first) - 1):
            if not usable[t] or not asked[c, t]:
                continue
            i, tag = order_first[c], -1
            while i < order_first[c + 1] and not found[t, order[i]]:
                i += 1
            if i < order_first[c + 1]:
                tag = order[i]
            if tag == t or (tag >= 0 and certain[tag] and found[t, tag] & WHOLE):
                j = retype_first[i]
                while j < retype_first[i + 1] and not found[t, retype[j]] & WHOLE:
                    j += 1
                if j < retype_first[i + 1]:
                    tag = retype[j]
            usable[t] = tag == t


# --------------------------------------------------------------------------------------------------------- the parser
@kernel("b1(int32[:,::1], A, A, i8, i8, i8)", nogil=True, allocates=True)
def implied(action: I32, entered: I32, rule_left: I32, n_nonterminals: int, t: int, other: int) -> bool:
    """Whether a stack that accepts terminal ``t`` (-1: any stack), and has a use for another one, accepts that, too.

    As far as one can see without the stack: the same reductions come before both, and then the other one is shifted.
    State s is entered by the nonterminal ``entered[s]``, `n_nonterminals` for none.
    """
    n_states = len(action)
    good, spoiled = np.ones(n_states, np.uint8), np.zeros(n_nonterminals + 1, np.uint8)
    changed = True
    while changed:
        changed = False
        for s in range(n_states):
            act = action[s, other]
            if not good[s] or act > 0 or (t >= 0 and action[s, t] == 0):
                continue
            if act == 0 or t < 0 or action[s, t] != act or spoiled[rule_left[-1 - act]]:
                good[s] = 0
                changed = True
                spoiled[entered[s]] = 1
    for s in range(n_states):
        if not good[s] and action[s, other] != 0:
            return False
    return True
