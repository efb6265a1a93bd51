"""Derivations from the stacks of an LR parser: which stacks are hopeless, and whether all others can be completed.

Rules are flat arrays: rule ``r`` has the left side ``left[r]`` (-1: the start rule) and the right side
``right[first[r]:first[r + 1]]``, nonterminals being ``-1 - number``. They are the rules by which the parser reduces.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .jit import kernel, prepare

prepare("Lark grammars")

I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]
END, NOTHING = 0, -1  # what a rest of a rule begins with


@kernel("void(A, A, A, uint8[::1], i8, uint8[::1])", nogil=True, allocates=True)
def _find_whole(left: I32, first: I32, right: I32, usable: U8, n_nonterminals: int, whole: U8) -> None:
    """Find the rules that have a text of usable terminals.

    Parameters
    ----------
    left, first, right, usable
        See :func:`completable`.
    whole : (n_rules,) uint8, zeros, out
    """
    productive = np.zeros(n_nonterminals, np.uint8)  # of some, the rules are not among these
    changed = True
    while changed:
        changed = False
        for r in range(len(left)):
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
    O(rules * states * length).
    """
    n_states, n_terminals, n_nonterminals = len(action), action.shape[1], goto.shape[1]
    whole = np.zeros(len(left), np.uint8)
    _find_whole(left, first, right, usable, n_nonterminals, whole)
    shifts, reads = np.zeros((n_states, n_terminals), np.uint8), np.zeros((n_states, n_nonterminals), np.uint8)
    pending, n_pending = np.empty((n_states * n_nonterminals + 1, 2), np.int32), 1
    pending[0] = 0, -1
    while n_pending > 0:
        n_pending -= 1
        s, nonterminal = np.int64(pending[n_pending, 0]), pending[n_pending, 1]
        for r in range(len(left)):
            if left[r] != nonterminal or not whole[r]:
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


@kernel(
    "void(int32[:,::1], int32[:,::1], A, A, A, A, int32[:,::1], uint8[:,::1])",
    nogil=True,
    allocates=True,
)
def find_clashes(
    action: I32, goto: I32, left: I32, first: I32, right: I32, number: I32, transition: I32, clashes: U8
) -> None:
    """Find before which terminals a nonterminal that is read in a state would not be reduced to, in the end.

    All ways to read it count. Of terminals that cannot come there, nothing is said.

    Parameters
    ----------
    action, goto : int32
    left, first, right : int32
    number : (n_rules,) int32
        The numbers of the rules in `action`.
    transition : (n_states, n_nonterminals) int32
        Numbers for where `goto` leads anywhere, else -1.
    clashes : (n_transitions, n_terminals) uint8, zeros, out

    Notes
    -----
    O(rules * states * (length + terminals)), times the length of the longest chain of rules that end with each other.
    """
    nullable, n_terminals = np.zeros(goto.shape[1], np.uint8), action.shape[1]
    path = np.zeros(len(right) + 1, np.int32)
    changed, is_first = True, True
    while changed:
        changed = False
        for r in range(len(left)):
            for s in range(len(action) if left[r] >= 0 else 0):
                if transition[s, left[r]] < 0:
                    continue
                end, state, row = np.int64(first[r]), np.int64(s), clashes[transition[s, left[r]]]
                while end < first[r + 1] and state >= 0:
                    path[end] = state
                    x = np.int64(right[end])
                    state = np.int64(goto[state, -1 - x]) if x < 0 else np.int64(action[state, x]) - 1
                    end += 1
                if state < 0:
                    continue
                if is_first:
                    for t in range(n_terminals):
                        row[t] |= action[state, t] != -1 - number[r]
                    changed = True
                is_empty = True
                while is_empty and end > first[r]:
                    end -= 1
                    is_empty = right[end] < 0 and nullable[-1 - right[end]] != 0
                    if right[end] < 0:
                        other = clashes[transition[path[end], -1 - right[end]]]
                        for t in range(n_terminals):
                            changed |= other[t] > row[t]
                            row[t] |= other[t]
                changed |= is_empty and not nullable[left[r]]
                nullable[left[r]] |= is_empty
        is_first = False


@kernel("void(A, A, A, uint8[::1], uint8[:,::1], i8, uint8[::1], A)", nogil=True, allocates=True)
def _find_texts(
    left: I32, first: I32, right: I32, usable: U8, lost: U8, n_nonterminals: int, good: U8, begins: I32
) -> None:
    """Find a text of usable terminals for each nonterminal that the parser reads as such, and so for rests of rules.

    Parameters
    ----------
    left, first, right, usable, lost
        See :func:`completable`.
    good, begins : (n_places + n_rules,) uint8, int32, out
        For the rest of rule r from place ``at`` on, at ``at + r``: whether it has such a text, and the terminal that
        the text begins with, ``NOTHING`` where it is empty.
    """
    has_text, opens = np.zeros(n_nonterminals, np.uint8), np.full(n_nonterminals, NOTHING, np.int32)
    clashes = np.zeros((n_nonterminals, len(usable)), np.uint8)  # of the texts
    changed = True
    while changed:
        changed = False
        for r in range(len(left)):
            end = np.int64(first[r + 1])
            good[end + r], begins[end + r] = 1, NOTHING if left[r] >= 0 else END
            for at in range(end - 1, first[r] - 1, -1):
                x, then = np.int64(right[at]), begins[at + 1 + r]
                begins[at + r] = x
                if x >= 0:
                    good[at + r] = good[at + 1 + r] and usable[x]
                else:
                    fits = has_text[-1 - x] and (then == NOTHING or not clashes[-1 - x, then])
                    good[at + r] = good[at + 1 + r] and fits
                    begins[at + r] = then if opens[-1 - x] == NOTHING else opens[-1 - x]
            if left[r] < 0 or has_text[left[r]] or not good[first[r] + r]:
                continue
            x, at = np.int64(left[r]), end - 1
            changed, has_text[x], opens[x], clashes[x] = True, 1, begins[first[r] + r], lost[r]
            while at >= first[r] and right[at] < 0:
                clashes[x] |= clashes[-1 - right[at]]
                at = at - 1 if opens[-1 - right[at]] == NOTHING else -1


@kernel(
    "b1(int32[:,::1], int32[:,::1], A, A, A, uint8[::1], uint8[:,::1], int32[:,::1], uint8[:,::1])",
    nogil=True,
    allocates=True,
)
def completable(
    action: I32,
    goto: I32,
    left: I32,
    first: I32,
    right: I32,
    usable: U8,
    lost: U8,
    transition: I32,
    clashes: U8,
) -> bool:
    """Whether every stack of a parser can be completed by terminals that are usable, as far as this test can tell.

    It asks for an item in each state whose rest is made of usable terminals, and for each nonterminal that is read
    there, for an item that goes on in such a way behind it. The parser takes the derivation that these items give,
    unless a reduction of it has lost a conflict before the terminal that comes next.

    Parameters
    ----------
    action, goto : int32
        See :class:`detent.grammar.lark.tables.ParserTables`.
    left, first, right : int32
        Rules: left sides (-1: the start rule), and their right sides ``right[first[r]:first[r + 1]]``, nonterminals
        being ``-1 - number``.
    usable : (n_terminals,) uint8
    lost : (n_rules, n_terminals) uint8
        Which rules have lost a conflict before which terminals, in some state.
    transition, clashes
        See :func:`find_clashes`; this is about what stands on the stack, `lost` about the texts that complete it.

    Notes
    -----
    O(rules * states * length).
    """
    n_states, n_nonterminals, n_rules = goto.shape[0], goto.shape[1], len(left)
    good, begins = np.zeros(len(right) + n_rules, np.uint8), np.zeros(len(right) + n_rules, np.int32)
    _find_texts(left, first, right, usable, lost, n_nonterminals, good, begins)
    ends, goes_on = np.zeros(n_states, np.uint8), np.zeros((n_states, n_nonterminals), np.uint8)
    for r in range(n_rules):
        ends[0] |= left[r] < 0 and good[first[r] + r]
        for s in range(1 if left[r] < 0 else n_states):
            if left[r] >= 0 and goto[s, left[r]] < 0:
                continue
            state = s
            for at in range(first[r], first[r + 1]):
                x = right[at]
                inside = at > first[r]
                if inside and good[at + r]:
                    ends[state] = 1
                if x < 0 and good[at + 1 + r] and (inside or left[r] < 0):
                    then, edge = begins[at + 1 + r], transition[state, -1 - x]
                    goes_on[state, -1 - x] |= edge >= 0 and (then == NOTHING or not clashes[edge, then])
                state = np.int64(goto[state, -1 - x]) if x < 0 else np.int64(action[state, x]) - 1
                if state < 0:
                    break
            if state >= 0:
                ends[state] = 1
    changed = True
    while changed:
        changed = False
        for r in range(n_rules):
            if left[r] < 0 or first[r] == first[r + 1] or right[first[r]] >= 0 or not good[first[r] + 1 + r]:
                continue
            b, then = -1 - np.int64(right[first[r]]), begins[first[r] + 1 + r]
            for s in range(n_states):
                if not goes_on[s, left[r]] or goes_on[s, b] or goto[s, left[r]] < 0 or goto[s, b] < 0:
                    continue
                if then == NOTHING or not clashes[transition[s, b], then]:
                    goes_on[s, b] = 1
                    changed = True
    entered = np.zeros(n_states, np.uint8)
    entered[0] = 1
    for s in range(n_states):
        entered[action[s][action[s] > 0] - 1] = 1
        entered[goto[s][goto[s] >= 0]] = 1
    for s in range(n_states):
        if entered[s] and not ends[s]:
            return False
        for b in range(n_nonterminals):
            if goto[s, b] >= 0 and not goes_on[s, b]:
                return False
    return True
