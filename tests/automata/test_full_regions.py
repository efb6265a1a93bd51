"""A region that is full while a kernel works: nothing half-made stays behind for other matchers of the arena."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from detent.automata.compiled import Grammar
from detent.automata.compiler import Compiler
from detent.automata.matcher import Matcher, allocate_bitmask
from detent.automata.vocabulary import Vocabulary
from detent.native import arena as layout
from detent.native import masks

REGIONS = ["POS", "STATE", "ITEM", "ROW", "SNODE", "MEMBER", "EDGE", "PAIR", "DENSE", "LIST", "RECIPE", "SET", "MERGED"]
FULL = -1  # result of a kernel
PROGRAMS = r"""
    start: statement+
    statement: NAME "=" sum ";" | "if" sum "{" statement* "}" | WORD "!"
    sum: atom (("+" | "-") atom)*
    atom: NAME | NUMBER | STRING | "(" sum ")"
    NAME: /[a-zé]+(?![0-9])/
    WORD.2: /[a-z]+[0-9]+/
    NUMBER: /[0-9]+(\.[0-9]+)?/
    STRING: /"([^"\\]|\\.)*"/s
    %ignore /[ \n]+/
    %ignore /#[^\n]*/
    %ignore /<!--.*?-->/s
    """
OBJECT = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 20}, "at": {"type": "string", "format": "date"}},
    "patternProperties": {"^x-": {"type": "array", "items": {"type": ["number", "null"]}, "uniqueItems": True}},
    "required": ["name"],
}
AMBIGUOUS = 'root ::= pair\npair ::= pair pair | "a" pair "b" | "a" pair | "c"'  # its states are united
WALKS: list[tuple[Callable[[Compiler], Grammar], list[str]]] = [
    (
        lambda c: c.lark(PROGRAMS),
        ['ab = 1+2.5; # x\nif (é) { c = "a\\"b"; d12 ! }', "if a { x1 ! <!-- b --> } y = z - 3;"],
    ),
    (lambda c: c.lark("start: (A | B)+\nA: /a(?=[ab]*c)/\nB: /[abc]/"), ["abcbaab"]),
    (lambda c: c.gbnf(AMBIGUOUS), ["aacbcacbcaaccbb"]),
    (lambda c: c.json_schema(OBJECT), ['{"name": "é\\u0041b", "x-a": [1, 2.5, null], "at": "2024-02-29"}']),
]


@pytest.mark.parametrize("region", REGIONS)
def test_a_full_region_leaves_nothing_half_made(vocabulary: Vocabulary, compiler: Compiler, region: str) -> None:
    dice, base, n_full = random.Random(region), getattr(layout, region), 0
    expected, found = allocate_bitmask(1, len(vocabulary)), allocate_bitmask(1, len(vocabulary))
    for compiled, texts in WALKS * 2:
        small = Compiler(vocabulary, cache_dir=False)
        one, other = compiled(compiler), compiled(small)
        for text in texts:
            left, right = one.matcher(), other.matcher()
            for byte in text.encode():
                for _ in range(dice.randrange(3)):
                    n_full += without_room(right, base, dice, mask_of, found) == FULL
                    n_full += without_room(right, base, dice, step_of, byte) == FULL
                left.fill_bitmask(expected)
                right.fill_bitmask(found)
                assert np.array_equal(expected, found), text
                assert left.accept_bytes(bytes([byte])) and right.accept_bytes(bytes([byte]))
        assert small.arenas.current is right._arena, "what was refused took no arena"
    assert n_full


def without_room(
    matcher: Matcher, base: int, dice: random.Random, ask: Callable[[Matcher, Any], int], argument: object
) -> int:
    """What a kernel returns while a region has little room left."""
    A, size = matcher._A, int(matcher._A[base + 1])
    A[base + 1] = min(size, int(A[base + 2]) + int(2 ** dice.uniform(0, dice.choice((4, 9, 14)))) - 1)
    try:
        return ask(matcher, argument)
    finally:
        A[base + 1] = size


def mask_of(matcher: Matcher, mask: np.ndarray) -> int:
    if matcher.state < masks.OWN:
        return int(masks.make_mask(matcher._A, matcher._V, mask, 0, matcher.state))
    return int(masks.make_mask_keyed(matcher._A, matcher._V, mask, 0, matcher.state, matcher._K))


def step_of(matcher: Matcher, byte: int) -> int:
    return int(masks.advance_bytes(matcher._A, matcher.state & masks.OWN - 1, np.array([byte], np.int32), 0))
