"""Regular expressions, one character at a time and straight from their meaning."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from detent.grammar import charset
from detent.grammar.references import groups
from detent.grammar.regular import (
    EMPTY,
    EPSILON,
    Alt,
    And,
    Capture,
    Chars,
    Epsilon,
    Look,
    Not,
    Reference,
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


Captures = frozenset[tuple[int, str]]


def captures(node: Regular, text: str, at: int, known: Captures, *, behind: bool = False) -> set[tuple[int, Captures]]:
    """Ends (behind: begins) of matches from a place, and what the groups hold then, as ECMA-262's matchers go."""
    if isinstance(node, Seq):
        found = {(at, known)}
        for part in node.parts[::-1] if behind else node.parts:
            found = {way for end, held in found for way in captures(part, text, end, held, behind=behind)}
        return found
    if isinstance(node, Alt):
        return set().union(*(captures(part, text, at, known, behind=behind) for part in node.parts))
    if isinstance(node, Capture):
        ways = captures(node.part, text, at, known, behind=behind)
        return {
            (
                end,
                frozenset(
                    {(g, t) for g, t in held if g != node.group} | {(node.group, text[min(at, end) : max(at, end)])}
                ),
            )
            for end, held in ways
        }
    if isinstance(node, Reference):
        word = next((t for g, t in known if g in node.groups), "")
        end = at - len(word) if behind else at + len(word)
        return {(end, known)} if end >= 0 and text[min(at, end) : max(at, end)] == word else set()
    if isinstance(node, Look):
        ways = captures(node.part, text, at, known, behind=node.behind)
        return {(at, known)} if bool(ways) != node.negative else set()
    if isinstance(node, Repeat):
        return _captured_rounds(node, text, at, known, behind=behind)
    if behind:
        return {(begin, known) for begin in range(at + 1) if at in ends(node, text, begin)}
    return {(end, known) for end in ends(node, text, at)}


def _captured_rounds(node: Repeat, text: str, at: int, known: Captures, *, behind: bool) -> set[tuple[int, Captures]]:
    inner = groups(node.part)
    now = {(at, known)}
    found = set(now) if node.low == 0 else set()
    for count in range(1, (node.high or node.low + len(text) + 1) + 1):
        rounds = set()
        for begin, held in now:
            kept = frozenset(pair for pair in held if pair[0] not in inner)
            for end, after in captures(node.part, text, begin, kept, behind=behind):
                if count <= node.low or end != begin:
                    rounds.add((end, after))
        now = rounds
        if count >= node.low:
            found |= now
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
