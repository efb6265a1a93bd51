"""Minimal automata, the slow way: states are told apart until nothing changes."""

from __future__ import annotations

Rows = list[list[int]]  # the next state by state and class, -1 for none


def reachable(trans: Rows, colour: list[int]) -> tuple[Rows, list[int]]:
    """The part of an automaton that state 0 reaches, in the order in which it is met."""
    order, number = [0], {0: 0}
    for state in order:
        for to in trans[state]:
            if to >= 0 and to not in number:
                number[to] = len(order)
                order.append(to)
    return [[number.get(to, -1) for to in trans[state]] for state in order], [colour[state] for state in order]


def minimal(trans: Rows, colour: list[int]) -> tuple[Rows, list[int]]:
    """The smallest automaton with the same colour for every text, its states in the order of the first ones merged."""
    live = {state for state, c in enumerate(colour) if c}
    while more := {state for state, row in enumerate(trans) if state not in live and live & {*row}}:
        live |= more
    if 0 not in live:
        return [], []
    kept = sorted(live)
    group = dict.fromkeys(kept, 0)
    while True:
        told = {s: (group[s], colour[s], *(group.get(to, -1) for to in trans[s])) for s in kept}
        number: dict[tuple[int, ...], int] = {}
        then = {s: number.setdefault(told[s], len(number)) for s in kept}
        if len(number) == len({*group.values()}):
            break
        group = then
    first = {group[s]: s for s in reversed(kept)}
    heads = [first[g] for g in sorted(first)]
    return [[group.get(to, -1) for to in trans[s]] for s in heads], [colour[s] for s in heads]
