"""Carries that come to the same, and stacks that can be completed, by definition (:mod:`detent.automata.carries`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import product

from detent.grammar.lark.tables import ACCEPT, END, ParserTables

Pair = tuple[int, int]  # a context and a carry; a tag and a carry
DROPPED = 0


def after(context: int, tag: int, contexts: dict[int, list[int]]) -> list[int]:
    return [context] if tag == DROPPED else contexts.get(tag, [])


def alike(
    pairs: Iterable[Pair],
    endings: Callable[[int, int], frozenset[Pair]],
    may_stop: Callable[[int], bool],
    contexts: dict[int, list[int]],
) -> set[tuple[Pair, Pair]]:
    """The greatest relation of pairs such that each token of one has its like among those of the other."""
    pairs = list(pairs)
    same = {(p, q) for p, q in product(pairs, pairs) if p[0] == q[0] and may_stop(p[1]) == may_stop(q[1])}

    def follows(p: Pair, q: Pair) -> bool:
        return all(
            any(tag == t and all(((c, x), (c, y)) in same for c in after(p[0], tag, contexts)) for t, y in endings(*q))
            for tag, x in endings(*p)
        )

    while wrong := {(p, q) for p, q in same if not (follows(p, q) and follows(q, p))}:
        same -= wrong
    return same


def reduce(parser: ParserTables, stack: tuple[int, ...], tag: int, most: int) -> tuple[tuple[int, ...], int] | None:
    """The stack when all reductions before a terminal are done, and what the parser does then; None: it refuses."""
    for _ in range(most):
        act = int(parser.action[stack[-1], tag])
        if act == 0 or act > 0 or act == ACCEPT:
            return (stack, act) if act else None
        stack = stack[: len(stack) - int(parser.rule_length[-1 - act])]
        to = int(parser.goto[stack[-1], parser.rule_left[-1 - act]])
        if to < 0:
            return None
        stack = (*stack, to)
    return None


def can_end(
    parser: ParserTables,
    stack: tuple[int, ...],
    context: int,
    carry: int,
    endings: Callable[[int, int], frozenset[Pair]],
    may_stop: Callable[[int], bool],
    most: int,
) -> bool | None:
    """Whether some tokens lead from a stack to the end, in a context with a carry; None: not known after ``most``."""
    pending, seen = [(stack, context, carry)], {(stack, context, carry)}
    for stack, context, carry in pending:
        ending = reduce(parser, stack, END, 200) if may_stop(carry) else None
        if ending is not None and ending[1] == ACCEPT:
            return True
        if len(pending) > most:
            return None
        for tag, x in endings(context, carry):
            there, behind = stack, context
            if tag != DROPPED:
                found = reduce(parser, stack, tag, 200)
                if found is None or found[1] <= 0:
                    continue
                there = (*found[0], found[1] - 1)
                behind = int(parser.context[there[-1]])
            if (there, behind, x) not in seen:
                seen.add((there, behind, x))
                pending.append((there, behind, x))
    return False
