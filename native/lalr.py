"""Kernels that build LALR(1) parsers: DeRemer and Pennello, "Efficient Computation of LALR(1) Look-Ahead Sets", 1982.

Symbols are numbers: nonterminals first, then terminals, of which the first is the end of the text. An *item* is a place
in a rule; those of all rules are numbered through, and ``after[i]`` is the symbol behind item i, or ``-1 - r`` where
rule r ends. Rule 0 is the start rule alone, ``rule_item[r]`` the first item of rule r. Rules of nonterminal A are
``rules[rules_first[A]:rules_first[A + 1]]``. Sets of terminals are rows of 64-bit words.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .jit import kernel, prepare
from .minimise import group, mix

prepare("Lark grammars")

I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]
Bits = NDArray[np.uint64]

OK, FULL, UNRESOLVED = range(3)
ONE = np.uint64(1)


@kernel("Tuple((A, A, A, uint8[::1]))(A, A, A, i8)", nogil=True, allocates=True)
def _items(left: I32, length: I32, right: I32, n_nonterminals: int) -> tuple[I32, I32, I32, U8]:
    """Number the places in rules: ``after``, ``rule_item``, left sides of items, whether all behind can be empty."""
    n_rules = length.shape[0]
    after = np.empty(right.shape[0] + n_rules, np.int32)
    item_left = np.empty(after.shape[0], np.int32)
    rule_item = np.empty(n_rules, np.int32)
    item = 0
    for r in range(n_rules):
        rule_item[r] = item
        for _ in range(length[r]):
            symbol = np.int64(right[item - r])
            after[item] = n_nonterminals + symbol if symbol >= 0 else -1 - symbol
            item_left[item] = left[r] if r else -1  # the start rule's own nonterminal is no symbol
            item += 1
        after[item] = -1 - r
        item_left[item] = left[r] if r else -1
        item += 1
    null = np.zeros(after.shape[0], np.uint8)
    nullable = np.zeros(n_nonterminals, np.uint8)
    is_new = True
    while is_new:
        is_new = False
        for r in range(n_rules - 1, -1, -1):
            item = rule_item[r] + length[r]
            null[item] = 1
            while item > rule_item[r]:
                item -= 1
                symbol = np.int64(after[item])
                null[item] = null[item + 1] if symbol < n_nonterminals and nullable[symbol] else 0
            if r and null[item] and not nullable[left[r]]:
                nullable[left[r]] = 1
                is_new = True
    return after, rule_item, item_left, null


@kernel("i8(A, A, A, A, i8, i8)", nogil=True)
def _put(after: I32, symbols: I32, head: I32, chain: I32, item: int, found: int) -> int:
    """Put an item into the list of the symbol that it reads; how many of the ``found`` symbols there are then."""
    symbol = after[item]
    if symbol >= 0:
        if head[symbol] == 0:
            symbols[found] = symbol
            found += 1
        chain[item] = head[symbol]
        head[symbol] = item + 1
    return found


@kernel("i8(A, A, i8, i8, A, A, A, A, A, A)", nogil=True)
def _sort_closure(
    after: I32,
    kernels: I32,
    begin: int,
    end: int,
    rule_item: I32,
    rules_first: I32,
    rules: I32,
    symbols: I32,
    head: I32,
    chain: I32,
) -> int:
    """Sort the items of a closure by the symbol that they read: lists ``head[symbol]``, ``chain[item]`` of items + 1.

    `head` must be zero before; `symbols` becomes the list of symbols. Returns their number.
    """
    n_nonterminals = rules_first.shape[0] - 1
    found = 0
    for at in range(begin, end):
        found = _put(after, symbols, head, chain, kernels[at], found)
    done = 0
    while done < found:
        nonterminal = symbols[done]
        done += 1
        if nonterminal >= n_nonterminals:
            continue
        for at in range(rules_first[nonterminal], rules_first[nonterminal + 1]):
            found = _put(after, symbols, head, chain, rule_item[rules[at]], found)
    return found


@kernel("i8(A, A, i8, i8, A, i8)", nogil=True)
def _state_of(kernels: I32, first: I32, begin: int, end: int, table: I32, n_states: int) -> int:
    """The state with the kernel ``kernels[begin:end]``; `n_states` if it is new, which the hash table then knows."""
    mixed = 0
    for at in range(begin, end):
        mixed = mix((mixed & 0x7FFFFFFF) ^ np.int64(kernels[at]))
    slot = mixed & (table.shape[0] - 1)
    while table[slot]:
        state = np.int64(table[slot]) - 1
        i = np.int64(first[state])
        if first[state + 1] - i == end - begin:
            at = np.int64(begin)
            while at < end and kernels[at] == kernels[i]:
                at += 1
                i += 1
            if at == end:
                return int(state)
        slot = (slot + 1) & (table.shape[0] - 1)
    table[slot] = n_states + 1
    return n_states


@kernel("Tuple((i8, i8))(A, A, A, A, A, A, A, int32[:,::1])", nogil=True, allocates=True)
def automaton(
    after: I32, rule_item: I32, rules_first: I32, rules: I32, first: I32, kernels: I32, table: I32, goto: I32
) -> tuple[int, int]:
    """The LR(0) automaton.

    Parameters
    ----------
    after, rule_item, rules_first, rules : int32
        The grammar.
    first : (max_states + 1,) int32, out
        The kernel of state s is ``kernels[first[s]:first[s + 1]]``, sorted; state 0 is the start.
    kernels : (n,) int32, out
    table : int32, zeros, a power of two greater than twice the number of states
    goto : (max_states, n_symbols) int32, out
        Next state, -1 where there is none.

    Returns
    -------
    status : OK or FULL
    n_states : int

    Notes
    -----
    Time and space are linear in the closures of all states.
    """
    n_symbols = goto.shape[1]
    head = np.zeros(n_symbols, np.int32)
    symbols = np.zeros(n_symbols, np.int32)
    chain = np.zeros(after.shape[0], np.int32)
    first[0] = 0
    first[1] = 1
    kernels[0] = rule_item[0]
    n_states = _state_of(kernels, first, 0, 1, table, 0) + 1
    state = 0
    while state < n_states:
        goto[state, :] = -1
        found = _sort_closure(
            after, kernels, first[state], first[state + 1], rule_item, rules_first, rules, symbols, head, chain
        )
        for s in range(found):
            symbol = symbols[s]
            begin = np.int64(first[n_states])
            end = begin
            item = np.int64(head[symbol]) - 1
            head[symbol] = 0
            while item >= 0:
                if end == kernels.shape[0]:
                    return FULL, n_states
                at = end
                while at > begin and kernels[at - 1] > item + 1:
                    kernels[at] = kernels[at - 1]
                    at -= 1
                kernels[at] = item + 1
                end += 1
                item = np.int64(chain[item]) - 1
            if n_states == goto.shape[0]:
                return FULL, n_states
            to = _state_of(kernels, first, begin, end, table, n_states)
            goto[state, symbol] = to
            if to == n_states:
                n_states += 1
                first[n_states] = end
        state += 1
    return OK, n_states


@kernel(
    "Tuple((i8, i8))(A, A, A, A, A, uint8[::1], A, A, int32[:,::1], int32[:,::1], A, A, A, A, A)",
    nogil=True,
)
def relations(
    after: I32,
    rule_item: I32,
    rules_first: I32,
    rules: I32,
    left: I32,
    null: NDArray[np.uint8],
    first: I32,
    kernels: I32,
    goto: I32,
    number: I32,
    source: I32,
    target: I32,
    back_state: I32,
    back_rule: I32,
    back_from: I32,
) -> tuple[int, int]:
    """The relations "includes" and "lookback" between transitions by nonterminals.

    Lark follows the items of A in a state that has a transition by A from wherever they stand, not only from the start
    of a rule, so that its look-ahead sets can be larger than LALR(1)'s. Its contextual lexer can tell the difference.

    Parameters
    ----------
    after, rule_item, rules_first, rules : int32
        The grammar.
    left : (n_items,) int32
        Nonterminal on the left side of each item's rule.
    null : (n_items,) uint8
        Whether all that is behind an item can be empty.
    first, kernels, goto : int32
        The automaton.
    number : (n_states, n_nonterminals) int32
        Numbers of the transitions, -1 where there is none.
    source, target : int32, out
        What follows `target` also follows `source`. Arrays without length are left alone: a first call counts.
    back_state, back_rule, back_from : int32, out
        In the state, the rule may be reduced before what follows transition `back_from`.

    Returns
    -------
    n_edges, n_lookbacks : int
    """
    n_edges, n_backs = 0, 0
    for state in range(number.shape[0]):
        for nonterminal in range(number.shape[1]):
            transition = number[state, nonterminal]
            if transition < 0:
                continue
            n_kernel = first[state + 1] - first[state]
            for i in range(n_kernel + rules_first[nonterminal + 1] - rules_first[nonterminal]):
                if i < n_kernel:
                    item = np.int64(kernels[first[state] + i])
                    if left[item] != nonterminal:
                        continue
                else:
                    item = np.int64(rule_item[rules[rules_first[nonterminal] + i - n_kernel]])
                to = np.int64(state)
                while after[item] >= 0:
                    symbol = after[item]
                    item += 1
                    if symbol < number.shape[1] and null[item]:
                        if source.shape[0]:
                            source[n_edges] = number[to, symbol]
                            target[n_edges] = transition
                        n_edges += 1
                    to = np.int64(goto[to, symbol])
                if i >= n_kernel:
                    if back_state.shape[0]:
                        back_state[n_backs] = to
                        back_rule[n_backs] = -1 - after[item]
                        back_from[n_backs] = transition
                    n_backs += 1
    return n_edges, n_backs


@kernel("i8(A, A, uint64[:,::1])", nogil=True, allocates=True)
def unite(first: I32, target: I32, sets: Bits) -> int:
    """Unite the set of each node with those of all nodes that it reaches (Tarjan's algorithm, as in the paper).

    Parameters
    ----------
    first, target : int32
        The edges of node x lead to ``target[first[x]:first[x + 1]]``.
    sets : (n_nodes, n_words) uint64, in and out

    Returns
    -------
    int
        Number of nodes that lie on cycles with others.
    """
    n, n_words = sets.shape
    depth = np.zeros(n, np.int32)
    edge = np.zeros(n, np.int32)
    component = np.zeros(n, np.int32)
    path = np.zeros(n, np.int32)
    done = n + 1
    n_cyclic, n_component = 0, 0
    for root in range(n):
        if depth[root]:
            continue
        path[0] = component[0] = root
        n_path = n_component = 1
        depth[root], edge[root] = 1, first[root]
        while n_path:
            x = path[n_path - 1]
            if edge[x] < first[x + 1]:
                y = target[edge[x]]
                if depth[y] == 0:
                    path[n_path] = component[n_component] = y
                    n_path += 1
                    n_component += 1
                    depth[y], edge[y] = n_component, first[y]
                    continue
                depth[x] = min(depth[x], depth[y])
                for w in range(n_words):
                    sets[x, w] |= sets[y, w]
                edge[x] += 1
                continue
            n_path -= 1
            if component[depth[x] - 1] == x:
                top = n_component
                while component[n_component - 1] != x:
                    n_component -= 1
                    z = component[n_component]
                    depth[z] = done
                    for w in range(n_words):
                        sets[z, w] = sets[x, w]
                if top > n_component:
                    n_cyclic += top - n_component + 1
                n_component -= 1
                depth[x] = done
    return n_cyclic


@kernel("i8(A, A, A, uint64[:,::1], A, int32[:,::1], uint8[:,::1])", nogil=True, allocates=True)
def _reduce(state: I32, rule: I32, transition: I32, follow: Bits, priority: I32, action: I32, lost: U8) -> int:
    """Enter reductions in a table of actions that holds the shifts, which win.

    Parameters
    ----------
    state, rule, transition : (n,) int32
        The relation "lookback", grouped by state and rule.
    follow : (n_transitions, n_words) uint64
    priority : (n_rules,) int32
        Of several rules the one with the highest priority is reduced.
    action : (n_states, n_terminals) int32, in and out
        0 none, s + 1 shift and go to s, -1 - r reduce by r.
    lost : (n_rules, n_terminals) uint8, zeros, out
        ``lost[r, t]``: whether in some state something else is done before terminal t than to reduce by rule r.

    Returns
    -------
    int
        Number of places where several rules have that priority.
    """
    n_terminals = action.shape[1]
    best = np.zeros(n_terminals, np.int32)
    tied = np.zeros(n_terminals, np.int32)
    ahead = np.zeros(follow.shape[1], np.uint64)
    n_conflicts = at = 0
    while at < state.shape[0]:
        s, r = state[at], rule[at]
        ahead[:] = 0
        while at < state.shape[0] and state[at] == s and rule[at] == r:
            for w in range(ahead.shape[0]):
                ahead[w] |= follow[transition[at], w]
            at += 1
        for t in range(n_terminals):
            if ahead[t >> 6] >> np.uint64(t & 63) & ONE:
                if best[t] == 0 or priority[r] > priority[best[t] - 1]:
                    if best[t] != 0:
                        lost[best[t] - 1, t] = 1
                    best[t], tied[t] = r + 1, 0
                else:
                    lost[r, t] = 1
                    tied[t] |= priority[r] == priority[best[t] - 1]
        if at < state.shape[0] and state[at] == s:
            continue
        for t in range(n_terminals):
            if tied[t]:
                n_conflicts += 1
            if best[t] and action[s, t] == 0:
                action[s, t] = -best[t]
            elif best[t]:
                lost[best[t] - 1, t] = 1
            best[t] = tied[t] = 0
    return n_conflicts


@kernel("Tuple((i8, i8, A, A, int32[:,::1]))(A, A, A, A, i8, i8)", nogil=True, allocates=True)
def _states(
    after: I32, rule_item: I32, rules_first: I32, rules: I32, n_symbols: int, max_states: int
) -> tuple[int, int, I32, I32, I32]:
    """The LR(0) automaton, in as much room as it needs: status, number of states, ``first, kernels, goto``."""
    room = min(np.int64(after.shape[0]), np.int64(max_states))
    while True:
        first = np.zeros(room + 2, np.int32)
        kernels = np.empty(8 * room + 64, np.int32)
        size = 2
        while size <= 2 * room + 1:
            size *= 2
        goto = np.empty((room, n_symbols), np.int32)
        status, n = automaton(after, rule_item, rules_first, rules, first, kernels, np.zeros(size, np.int32), goto)
        if status == OK or room == max_states:
            return status, n, first, kernels, goto[:n]
        room = min(4 * room, np.int64(max_states))


@kernel("Tuple((uint64[:,::1], i8))(int32[:,::1], int32[:,::1], uint8[::1], i8)", nogil=True, allocates=True)
def _read_behind(goto: I32, number: I32, nullable: U8, n: int) -> tuple[Bits, int]:
    """What can be read behind each of ``n`` transitions by nonterminals, and how many lie on cycles of empty ones."""
    n_nonterminals = number.shape[1]
    n_terminals = goto.shape[1] - n_nonterminals
    shifts = np.zeros((goto.shape[0], (n_terminals + 63) >> 6), np.uint64)
    empty = np.flatnonzero(nullable)
    follow = np.empty((n, shifts.shape[1]), np.uint64)
    first = np.zeros(n + 1, np.int32)
    target = np.empty(n * len(empty), np.int32)
    for state in range(goto.shape[0]):
        for t in range(n_terminals):
            if goto[state, n_nonterminals + t] >= 0:
                shifts[state, t >> 6] |= ONE << np.uint64(t & 63)
    x = n_edges = 0
    for state in range(number.shape[0]):
        for nonterminal in range(n_nonterminals):
            if number[state, nonterminal] < 0:
                continue
            to = goto[state, nonterminal]
            follow[x] = shifts[to]
            for other in empty:
                if number[to, other] >= 0:
                    target[n_edges] = number[to, other]
                    n_edges += 1
            x += 1
            first[x] = n_edges
    follow[number[0, 0], 0] |= ONE  # the end of the text
    return follow, unite(first, target[:n_edges], follow)


@kernel("Tuple((i8, i8, int32[:,::1], int32[:,::1], uint8[:,::1]))(A, A, A, A, i8, i8, i8)", nogil=True, allocates=True)
def build(
    left: I32, length: I32, right: I32, priority: I32, n_nonterminals: int, n_terminals: int, max_states: int
) -> tuple[int, int, I32, I32, U8]:
    """The tables of a grammar.

    Parameters
    ----------
    left, length : (n_rules,) int32
        Nonterminals on the left sides, and numbers of symbols on the right; rule 0 is the start rule.
    right : int32
        The symbols of all rules: terminals as they are, nonterminals as ``-1 - number``.
    priority : (n_rules,) int32
    n_nonterminals, n_terminals, max_states : int

    Returns
    -------
    status : OK, FULL (more than `max_states` states) or UNRESOLVED
    n_states : int
    action, goto, lost
        See :class:`detent.grammar.lark.tables.ParserTables`.
    """
    n_rules = length.shape[0]
    after, rule_item, item_left, null = _items(left, length, right, n_nonterminals)
    rules, rules_first = group(left[1:], n_nonterminals)
    rules += 1
    n_symbols = n_nonterminals + n_terminals
    status, n_states, first, kernels, symbol_goto = _states(after, rule_item, rules_first, rules, n_symbols, max_states)
    if status != OK:
        nothing = np.empty((0, 0), np.int32)
        return status, n_states, nothing, nothing, np.empty((0, 0), np.uint8)

    action = np.empty((n_states, n_terminals), np.int32)
    goto = np.empty((n_states, n_nonterminals), np.int32)
    number = np.full((n_states, n_nonterminals), -1, np.int32)
    n = 0
    for state in range(n_states):
        for t in range(n_terminals):
            action[state, t] = symbol_goto[state, n_nonterminals + t] + 1
        for nonterminal in range(n_nonterminals):
            goto[state, nonterminal] = symbol_goto[state, nonterminal]
            if goto[state, nonterminal] >= 0:
                number[state, nonterminal] = n
                n += 1
    nullable = np.zeros(n_nonterminals, np.uint8)
    for r in range(1, n_rules):
        nullable[left[r]] |= null[rule_item[r]]
    follow, n_cyclic = _read_behind(symbol_goto, number, nullable, n)

    none = np.empty(0, np.int32)
    grammar = (after, rule_item, rules_first, rules, item_left, null, first, kernels, symbol_goto, number)
    n_edges, n_backs = relations(*grammar, none, none, none, none, none)
    source, target = np.empty(n_edges, np.int32), np.empty(n_edges, np.int32)
    in_state, by, behind = np.empty(n_backs, np.int32), np.empty(n_backs, np.int32), np.empty(n_backs, np.int32)
    relations(*grammar, source, target, in_state, by, behind)
    order, edges_first = group(source, n)
    unite(edges_first, target[order], follow)

    order, _ = group(by, n_rules)
    by_state, _ = group(in_state[order], n_states)
    order = order[by_state]
    lost = np.zeros((n_rules, n_terminals), np.uint8)
    n_conflicts = _reduce(in_state[order], by[order], behind[order], follow, priority, action, lost)
    action[goto[0, 0], 0] = -1
    return UNRESOLVED if n_cyclic or n_conflicts else OK, n_states, action, goto, lost
