"""Terminals, rules and networks."""

from __future__ import annotations

import re
from itertools import product
from random import Random

import pytest

from detent.grammar import charset, network
from detent.grammar.leftmost import language
from detent.grammar.scannerless import read_lark
from tests.infill.cases import GRAMMARS

PATTERNS = [
    r"\+|\+[1-9]", r'".*?"', r'".*?(?<!\\)(\\\\)*?"', "(a|ab)(c|bcd)?", "(a*)*b", "(|a)*b?", "(a?){2,3}b", "(a|b?)*?c",
    "a{2,4}?b", "(?i:ab)+", "[^a]b?", "(a??b??)*", r"\w+|\s", "((a|)(b|))*c", "(a*?|b){1,2}", r"[a\d]+?(?<=1)",
]  # fmt: skip


def agree(pattern: str, letters: str, length: int) -> None:
    dfa = language(pattern)
    for size in range(length + 1):
        for chars in product(letters, repeat=size):
            text = "".join(chars)
            match = re.match(pattern, text)
            assert (dfa.n_states > 0 and dfa.accepts(text)) == (match is not None and match.end() == size), (
                pattern,
                text,
            )


@pytest.mark.parametrize("pattern", PATTERNS)
def test_terminals_are_what_re_matches(pattern: str) -> None:
    agree(pattern, 'abc+1"\\', 4)


def test_random_terminals_are_what_re_matches() -> None:
    rng = Random(0)

    def pattern(depth: int) -> str:
        kind = rng.random()
        if depth == 0 or kind < 0.3:
            return rng.choice(["a", "b", "[ab]"])
        if kind < 0.5:
            return pattern(depth - 1) + pattern(depth - 1)
        if kind < 0.7:
            return f"(?:{pattern(depth - 1)}|{rng.choice([pattern(depth - 1), ''])})"
        return f"(?:{pattern(depth - 1)})" + rng.choice(["*", "+", "?", "*?", "+?", "??", "{1,2}", "{2}", "{0,2}?"])

    for _ in range(300):
        agree(pattern(4), "ab", 5)


def test_utf8_of_sets() -> None:
    points = (0x7E, 0x81, 0x7FE, 0x802, 0xD7FF, 0xD800, 0xE000, 0xE001, 0xFFFE, 0x10003, 0x10FFFF, 0x110000)
    spelled = {bytes(each) for spans in network.utf8(points) for each in product(*(range(a, b + 1) for a, b in spans))}
    expected = {chr(p).encode() for a, b in zip(points[::2], points[1::2], strict=True) for p in range(a, b)}
    assert spelled == expected
    assert sum(1 for _ in network.utf8(charset.ANY)) < 20


def test_recursion_at_the_edges_becomes_loops() -> None:
    compiled = network.compile(read_lark(GRAMMARS["arithmetic"]))
    assert len(compiled.first) == 2  # the start, and what parentheses hold
    assert not any(
        callee == compiled.owner[state] == 0 for state, calls in enumerate(compiled.calls) for callee, _ in calls
    )
