"""Expressions as nondeterministic automata: one construction for all that have jumps, whatever their leaves become."""

from __future__ import annotations

from typing import Protocol

from .regular import EMPTY, Alt, Epsilon, Regular, Repeat, Seq


class Target(Protocol):
    """An automaton in the making."""

    def state(self) -> int:
        """A new state; may raise LimitExceeded."""

    def jump(self, at: int, to: int) -> None:
        """Let one state go on at another without reading."""

    def leaf(self, node: Regular, at: int, to: int) -> None:
        """Let one state go on at another behind a text of a leaf."""


def append(node: Regular, at: int, target: Target) -> int:
    """Append an expression behind a state: the state behind it (Thompson 1968). O(size with repeats written out)."""
    if isinstance(node, Seq):
        for part in node.parts:
            at = append(part, at, target)
        return at
    if isinstance(node, Repeat):
        return _append_repeat(node, at, target)
    to = target.state()
    if isinstance(node, Alt):
        for part in node.parts:
            target.jump(append(part, at, target), to)
    elif isinstance(node, Epsilon):
        target.jump(at, to)
    elif node is not EMPTY:
        target.leaf(node, at, to)
    return to


def _append_repeat(node: Repeat, at: int, target: Target) -> int:
    for _ in range(node.low):
        at = append(node.part, at, target)
    to = target.state()
    target.jump(at, to)
    if node.high is None:
        target.jump(append(node.part, to, target), to)
        return to
    for _ in range(node.high - node.low):
        at = append(node.part, at, target)
        target.jump(at, to)
    return to
