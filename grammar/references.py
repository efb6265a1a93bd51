r"""Back-references compiled away: a group of finitely many texts is written once for each, with what refers to it.

``(a|bc)x\1`` is ``axa|bcxbc``. What ECMA-262 says of groups that took no part is kept: they refer to the empty text, as
do references before their group or inside it; each round of a repeat forgets the groups inside; a round beyond the
least number must not be empty; a lookbehind is read from its end.

A node is turned into its *ways*: for each choice of texts for the groups that are still referred to, the expression of
what leads to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn, TypeAlias

from . import charset, dfa
from .program import has_look
from .regular import (
    ANY_CHAR,
    ANY_TEXT,
    EMPTY,
    EPSILON,
    Alt,
    Capture,
    Look,
    Reference,
    Regular,
    Repeat,
    Seq,
    alt,
    chars,
    conj,
    look,
    repeat,
    seq,
)

# Texts of one group, and choices of texts that are followed side by side.
MAX_TEXTS = 4_000

# The group's number and its text, sorted.
Captured: TypeAlias = "tuple[tuple[int, str], ...]"
Ways: TypeAlias = "dict[Captured, Regular]"


def expand(node: Regular, fail: Callable[[int, str], NoReturn]) -> Regular:
    """The same texts without `Capture` and `Reference`.

    Parameters
    ----------
    node : Regular
    fail : callable
        Reports a group by its number and what is wrong with it.
    """
    return alt(*_Expansion(fail).ways(node, (), frozenset(), behind=False).values())


class _Expansion:
    def __init__(self, fail: Callable[[int, str], NoReturn]) -> None:
        self.fail = fail

    def ways(self, node: Regular, before: Captured, live: frozenset[int], *, behind: bool) -> Ways:
        """The ways through a node after some choices; `live` are the groups that later parts refer to."""
        if isinstance(node, Alt):
            return _united([self.ways(part, before, live, behind=behind) for part in node.parts])
        if isinstance(node, Seq):
            return self._sequence(node.parts, before, live, behind=behind)
        if isinstance(node, Repeat):
            return self._repeat(node, before, live, behind=behind)
        after = tuple(pair for pair in before if pair[0] in live)
        if isinstance(node, Capture):
            return self._capture(node, before, live, behind=behind)
        if isinstance(node, Reference):
            text = next((text for group, text in before if group in node.groups), "")
            return {after: _spelled(text, ignore_case=node.ignore_case)}
        if isinstance(node, Look):
            inside = self.ways(node.part, before, frozenset(), behind=node.behind)
            if live & groups(node.part):
                self.fail(min(live & groups(node.part)), "stands in a lookahead or lookbehind that ends before")
            return {after: look(alt(*inside.values()), behind=node.behind, negative=node.negative)}
        return {after: node}

    def _sequence(self, parts: Sequence[Regular], before: Captured, live: frozenset[int], *, behind: bool) -> Ways:
        ordered = parts[::-1] if behind else parts
        later = [live]
        for part in ordered[:0:-1]:
            later.append(later[-1] | references(part))
        found: Ways = {before: EPSILON}
        for part, needed in zip(ordered, reversed(later), strict=True):
            steps = [
                {after: seq(more, done) if behind else seq(done, more) for after, more in ways.items()}
                for captured, done in found.items()
                for ways in [self.ways(part, captured, needed, behind=behind)]
            ]
            found = _united(steps)
            if len(found) > MAX_TEXTS:
                self.fail(max(needed), f"has, with those beside it, more than {MAX_TEXTS} texts")
        return found

    def _repeat(self, node: Repeat, before: Captured, live: frozenset[int], *, behind: bool) -> Ways:
        inner = groups(node.part)
        outer = tuple(pair for pair in before if pair[0] not in inner)
        last = self.ways(node.part, outer, live, behind=behind)
        round_ = alt(*last.values())
        none = tuple(pair for pair in outer if pair[0] in live)
        if not live & inner:
            return {none: repeat(round_, node.low, node.high)}
        found: list[Ways] = [] if node.low else [{none: EPSILON}]
        if node.low:
            found.append(
                {after: _rounds(round_, node.low - 1, node.low - 1, part, behind) for after, part in last.items()}
            )
        if node.high is None or node.high > node.low:
            most = None if node.high is None else node.high - 1
            found.append(
                {
                    after: _rounds(round_, node.low, most, self._not_empty(part, live & inner), behind)
                    for after, part in last.items()
                }
            )
        return _united(found)

    def _not_empty(self, part: Regular, inner: frozenset[int]) -> Regular:
        if has_look(part):
            self.fail(min(inner), "is repeated together with an assertion")
        return conj(part, seq(ANY_CHAR, ANY_TEXT))

    def _capture(self, node: Capture, before: Captured, live: frozenset[int], *, behind: bool) -> Ways:
        inside = self.ways(node.part, before, live, behind=behind)
        if node.group not in live:
            return inside
        found: list[Ways] = []
        for after, part in inside.items():
            if has_look(part):
                self.fail(node.group, "holds an assertion")
            texts = dfa.words(dfa.compile(part), MAX_TEXTS)
            if texts is None:
                self.fail(node.group, f"has more than {MAX_TEXTS} texts")
            others = [pair for pair in after if pair[0] != node.group]
            found += [{tuple(sorted([*others, (node.group, text)])): _spelled(text)} for text in texts]
        return _united(found)


def _rounds(part: Regular, low: int, high: int | None, last: Regular, behind: bool) -> Regular:
    """Rounds of a repeat before the one that is read last."""
    others = repeat(part, low, high)
    return seq(last, others) if behind else seq(others, last)


def _united(choices: Sequence[Ways]) -> Ways:
    found: dict[Captured, list[Regular]] = {}
    for ways in choices:
        for captured, part in ways.items():
            if part is not EMPTY:
                found.setdefault(captured, []).append(part)
    return {captured: alt(*parts) for captured, parts in found.items()}


def _spelled(text: str, *, ignore_case: bool = False) -> Regular:
    points = (charset.interval(ord(char), ord(char)) for char in text)
    return seq(*(chars(charset.fold_case(p) if ignore_case else p) for p in points))


def _parts(node: Regular) -> tuple[Regular, ...]:
    if isinstance(node, Seq | Alt):
        return node.parts
    return (node.part,) if isinstance(node, Repeat | Look | Capture) else ()


def groups(node: Regular) -> frozenset[int]:
    """Groups that a node holds."""
    own = frozenset({node.group}) if isinstance(node, Capture) else frozenset()
    return own.union(*map(groups, _parts(node)))


def references(node: Regular) -> frozenset[int]:
    """Groups that a node refers to."""
    own = frozenset(node.groups) if isinstance(node, Reference) else frozenset()
    return own.union(*map(references, _parts(node)))
