"""Which stacks of an LR parser are hopeless, and tables without what only leads there.

Rules are flat arrays: rule ``r`` has the left side ``left[r]`` (-1: the start rule) and the right side
``right[first[r]:first[r + 1]]``, nonterminals being ``-1 - number``. They are the rules by which the parser reduces.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .jit import kernel, prepare
from .minimise import group

prepare("Lark grammars")

I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]


@kernel("void(A, A, A, uint8[::1], i8, uint8[::1])", nogil=True, allocates=True)
def _find_whole(left: I32, first: I32, right: I32, usable: U8, n_nonterminals: int, whole: U8) -> None:
    """Find the rules that have a text of usable terminals.

    Parameters
    ----------
    left, first, right, usable
        See :func:`prune`.
    whole : (n_rules,) uint8, zeros, out
    """
    productive = np.zeros(n_nonterminals, np.uint8)  # of some, the rules are not among these
    changed = True
    while changed:
        changed = False
        for r in range(len(left) - 1, -1, -1):  # what is called is mostly defined behind its callers
            if whole[r]:
                continue
            whole[r] = 1
            for at in range(first[r], first[r + 1]):
                x = right[at]
                whole[r] &= usable[x] if x >= 0 else productive[-1 - x]
            if whole[r]:
                changed = True
                if left[r] >= 0:
                    productive[left[r]] = 1


@kernel("void(int32[:,::1], int32[:,::1], A, A, A, A, A, uint8[::1])", nogil=True, allocates=True)
def prune(
    action: I32, goto: I32, left: I32, first: I32, right: I32, rule_left: I32, rule_length: I32, usable: U8
) -> None:
    """Take out of the tables of a parser what only begins rules that no text can complete.

    A symbol is read in a state on the way to a sentence only if some rule goes on with it there that is begun, in a
    state below, on such a way, and has a text.

    Parameters
    ----------
    action, goto : int32, in and out
        See :class:`detent.grammar.lark.tables.ParserTables`.
    left, first, right : int32
    rule_left, rule_length : int32
        Of all rules, by the numbers that actions have.
    usable : (n_terminals,) uint8
        The terminals that can come.

    Notes
    -----
    Linear in the tables, and in the lengths of the rules that begin in each state.
    """
    n_states, n_terminals, n_nonterminals = len(action), action.shape[1], goto.shape[1]
    whole = np.zeros(len(left), np.uint8)
    _find_whole(left, first, right, usable, n_nonterminals, whole)
    shifts, reads = np.zeros((n_states, n_terminals), np.uint8), np.zeros((n_states, n_nonterminals), np.uint8)
    rules, rules_first = group(left + np.int32(1), n_nonterminals + 1)
    pending, n_pending = np.empty((n_states * n_nonterminals + 1, 2), np.int32), 1
    pending[0] = 0, -1
    while n_pending > 0:
        n_pending -= 1
        s, nonterminal = np.int64(pending[n_pending, 0]), pending[n_pending, 1]
        for r in rules[rules_first[nonterminal + 1] : rules_first[nonterminal + 2]]:
            if not whole[r]:
                continue
            state = s
            for at in range(first[r], first[r + 1]):
                x = np.int64(right[at])
                if x >= 0:
                    shifts[state, x] = 1
                    state = np.int64(action[state, x]) - 1
                else:
                    if not reads[state, -1 - x]:
                        reads[state, -1 - x] = 1
                        pending[n_pending] = state, -1 - x
                        n_pending += 1
                    state = np.int64(goto[state, -1 - x])
                if state < 0:
                    break
    for s in range(n_states):
        for t in range(n_terminals):
            act = action[s, t]
            is_empty = act < -1 and rule_length[-1 - act] == 0
            if (act > 0 and not shifts[s, t]) or (is_empty and not reads[s, rule_left[-1 - act]]):
                action[s, t] = 0
        for b in range(n_nonterminals):
            if not reads[s, b]:
                goto[s, b] = -1
