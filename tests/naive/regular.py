"""Regular expressions, one character at a time and straight from their meaning."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from detent.grammar import charset
from detent.grammar.regular import (
    EMPTY,
    EPSILON,
    Alt,
    And,
    Chars,
    Epsilon,
    Look,
    Not,
    Regular,
    Repeat,
    Seq,
    alt,
    conj,
    neg,
    repeat,
    seq,
)


def matches(node: Regular, text: str) -> bool:
    """Whether the expression matches the whole text."""
    return len(text) in ends(node, text, 0)


def ends(node: Regular, text: str, start: int) -> set[int]:
    """Ends of the spans that begin at `start` and match; assertions see the whole text."""
    if isinstance(node, Epsilon):
        return {start}
    if isinstance(node, Chars):
        return {start + 1} if start < len(text) and charset.contains(node.points, ord(text[start])) else set()
    if isinstance(node, Seq):
        found = {start}
        for part in node.parts:
            found = {end for middle in found for end in ends(part, text, middle)}
        return found
    if isinstance(node, Alt):
        return set().union(*(ends(part, text, start) for part in node.parts))
    if isinstance(node, Repeat):
        return _repeated(node, text, start)
    if isinstance(node, And):
        return set.intersection(*(ends(part, text, start) for part in node.parts))
    if isinstance(node, Not):
        return set(range(start, len(text) + 1)) - ends(node.part, text, start)
    if isinstance(node, Look):
        if node.behind:
            holds = any(start in ends(node.part, text, begin) for begin in range(start + 1))
        else:
            holds = bool(ends(node.part, text, start))
        return {start} if holds != node.negative else set()
    return set()


def _repeated(node: Repeat, text: str, start: int) -> set[int]:
    at, found = {start}, set()
    # Beyond the length of the text, one more round adds only empty parts.
    for count in range(node.low + len(text) + 2):
        if count >= node.low and (node.high is None or count <= node.high):
            found |= at
        at = {end for middle in at for end in ends(node.part, text, middle)}
    return found


def nullable(node: Regular) -> bool:
    """Whether the empty text matches."""
    return matches(node, "")


def derivative(node: Regular, char: str) -> Regular:
    """What may follow a character (Brzozowski 1964); without assertions."""
    if isinstance(node, Chars):
        return EPSILON if charset.contains(node.points, ord(char)) else EMPTY
    if isinstance(node, Seq):
        first, rest = node.parts[0], seq(*node.parts[1:])
        out = seq(derivative(first, char), rest)
        return alt(out, derivative(rest, char)) if nullable(first) else out
    if isinstance(node, Alt):
        return alt(*sorted({derivative(part, char) for part in node.parts}, key=repr))
    if isinstance(node, And):
        return conj(*sorted({derivative(part, char) for part in node.parts}, key=repr))
    if isinstance(node, Not):
        return neg(derivative(node.part, char))
    if isinstance(node, Repeat):
        low = 0 if nullable(node.part) else max(node.low - 1, 0)
        high = None if node.high is None else node.high - 1
        return seq(derivative(node.part, char), repeat(node.part, low, high))
    if isinstance(node, Look):
        raise NotImplementedError("an assertion has no derivative")
    return EMPTY


def viable_prefix(node: Regular, text: str, alphabet: Iterable[str]) -> bool:
    """Whether some continuation over an alphabet makes the text match."""
    for char in text:
        node = derivative(node, char)
    seen, todo = {node}, [node]
    while todo:
        node = todo.pop()
        if nullable(node):
            return True
        for char in alphabet:
            after = derivative(node, char)
            if after not in seen:
                seen.add(after)
                todo.append(after)
    return False


def texts(alphabet: str, longest: int) -> list[str]:
    """Every text over an alphabet, shortest first."""
    return ["".join(t) for n in range(longest + 1) for t in product(alphabet, repeat=n)]
