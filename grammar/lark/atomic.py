r"""Atomic groups and possessive repetitions, by lookahead: ``(?>X)`` takes the first way through X, and no other.

A way is the first if none that `re` prefers leads through X. So where a way leaves a preferred one, it must be
certain that the preferred one leads nowhere: ``(?>a|ab)`` is ``a|(?!a)ab``, ``(?>a*b)`` is ``(?:a)*(?!aa*b)b``. What is
looked for is the preferred part and all that follows inside of X.
"""

from __future__ import annotations

from .nodes import (
    EMPTY,
    Choice,
    Conditional,
    Group,
    Look,
    Node,
    Repeat,
    Seq,
    assertion,
    groups,
    nullable,
    references,
)


class Unguarded(ValueError):
    """A part whose ways cannot be told apart by what follows."""


def atomic(node: Node, then: Node = EMPTY) -> Node:
    """A node that only has its first way.

    Parameters
    ----------
    node : Node
    then : Node
        What follows inside the atomic group.

    Raises
    ------
    Unguarded
        What may be empty is repeated, where `re` stops, or a way refers to what it reads itself.
    """
    if isinstance(node, Seq):
        made: list[Node] = []
        for part in reversed(node.parts):
            made.append(atomic(part, then))
            then = _joined(part, then)
        return Seq(tuple(made[::-1]))
    if isinstance(node, Choice):
        ways = [atomic(node.parts[0], then)]
        for i, part in enumerate(node.parts[1:], 1):
            ways.append(Seq((_never(_joined(Choice(node.parts[:i]), then)), atomic(part, then))))
        return Choice(tuple(ways))
    if isinstance(node, Repeat):
        return _repeat(node, then)
    if isinstance(node, Group):
        return Group(node.number, atomic(node.part, then), node.kept)
    if isinstance(node, Conditional):
        return Conditional(node.number, atomic(node.yes, then), atomic(node.no, then))
    return node


def _repeat(node: Repeat, then: Node) -> Node:
    part, low, high = node.part, node.low, node.high
    if nullable(part) and (low, high) != (0, 1) and low != high:
        raise Unguarded("a repetition of what may be empty in an atomic group")
    at: Node = EMPTY
    if high is None:
        rest = _rest(part, None, then)
        round_ = atomic(part, rest)
        if node.greedy:
            at = Seq((Repeat(round_, 0, None, True), _never(_joined(part, rest))))
        else:
            at = Repeat(Seq((_never(then), round_)), 0, None, False)
    for more in range(0 if high is None else high - low):
        rest = _rest(part, more, then)
        again = Seq((atomic(part, rest), at))
        if node.greedy:
            at = Choice((again, _never(_joined(part, rest))))
        else:
            at = Choice((EMPTY, Seq((_never(then), again))))
    for more in range(low):
        rest = _joined(Repeat(part, more, None if high is None else high - low + more, True), then)
        at = Seq((atomic(part, rest), at))
    return at


def _rest(part: Node, high: int | None, then: Node) -> Node:
    """Up to so many parts more, and what follows; nothing where that is always there."""
    return EMPTY if then == EMPTY else _joined(Repeat(part, 0, high, True), then)


def _joined(part: Node, then: Node) -> Node:
    return part if then == EMPTY else Seq((part, then))


def _never(node: Node) -> Node:
    """Nothing, where a node does not match."""
    if groups(node) & references(node):
        raise Unguarded("a reference to a group of the same atomic group")
    look = Look(node, behind=False, negative=True)
    return look if references(node) else assertion(look)
