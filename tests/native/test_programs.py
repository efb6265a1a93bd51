"""Shortest ways through programs, and the strings that they match, against `re` and a search by hand."""

from __future__ import annotations

import re

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detent.grammar import charset
from detent.grammar.lark import pattern
from detent.grammar.lark.programs import Assembler
from detent.grammar.lark.tables import CHARS, MATCH, SPLIT
from detent.native import programs


@st.composite
def patterns(draw: st.DrawFn, depth: int = 3) -> str:
    """Patterns over a, b and c, in which order and greed matter."""
    if depth == 0 or draw(st.booleans()):
        return draw(st.sampled_from(["a", "b", "[ab]", "[^a]", "ab", "c", r"\b", "a(?!b)"]))
    kind = draw(st.sampled_from(["|", "", "*", "*?", "+", "+?", "?", "??", "{2}", "{1,3}?"]))
    inner = draw(patterns(depth - 1))
    if kind in ("|", ""):
        return f"(?:{inner}{kind}{draw(patterns(depth - 1))})"
    return f"(?:{inner}){kind}"


def assembled(texts: list[str]) -> tuple[Assembler, list[int], list[int], list[int], np.ndarray]:
    assembler = Assembler(10_000)
    entry = [assembler.program(pattern.read(text).node, number) for number, text in enumerate(texts)]
    starts, cls, member = charset.classes([*assembler.sets, charset.ANY])
    return assembler, entry, starts, cls, np.ascontiguousarray(member[: len(assembler.sets)])


def flat(assembler: Assembler) -> np.ndarray:
    return np.array(assembler.code, np.int32).reshape(-1)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.lists(patterns(), min_size=1, max_size=3), st.lists(st.text("abc", min_size=1, max_size=5), min_size=1))
def test_strings_that_are_matched(texts: list[str], strings: list[str]) -> None:
    assembler, entry, starts, cls, sets = assembled(texts)
    points = [ord(c) for string in strings for c in string]
    letters = np.array(cls, np.int32)[np.searchsorted(starts, points, "right") - 1]
    first = np.cumsum([0, *map(len, strings)]).astype(np.int32)
    found = np.ones((len(texts), len(strings)), np.uint8)
    found[0, 0] = 0  # not asked
    programs.match_strings(flat(assembler), np.array(entry, np.int32), sets, letters, first, found)
    assert found[0, 0] == programs.NO
    for p, text in enumerate(texts):
        for s, string in enumerate(strings):
            if (p, s) == (0, 0):
                continue
            match = re.match(text, string)
            if found[p, s] == programs.OPEN:
                assert r"\b" in text or "(?!" in text
            else:
                assert (found[p, s] == programs.YES) == (match is not None and match.end() == len(string))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(patterns(), min_size=1, max_size=3))
def test_shortest_ways(texts: list[str]) -> None:
    assembler, _, _, _, sets = assembled([*texts, "[^\\s\\S]a"])  # the last one has no text
    code, some_class = assembler.code, np.where(sets.any(axis=1), sets.argmax(axis=1), -1).astype(np.int32)
    first, char_class, then, owner = programs.ways(flat(assembler), some_class)
    far = len(code) + 1
    length = [0 if op == MATCH else far for op, _, _ in code]
    for _ in code:
        for pc, (op, a, b) in enumerate(code):
            step = length[b] + (op == CHARS) if op != CHARS or some_class[a] >= 0 else far
            length[pc] = min(length[pc], step, length[a] if op == SPLIT else far)
    for pc, (op, _, _) in enumerate(code):
        assert (first[pc] >= 0) == (length[pc] < far)
        if length[pc] == far:
            continue
        at, n = int(first[pc]), 0
        while code[at][0] != MATCH:
            op, a, b = code[at]
            assert op == CHARS and sets[a, char_class[at]] and length[b] == length[at] - 1
            assert first[b] == then[at]
            at, n = int(then[at]), n + 1
        assert n == length[pc] and owner[pc] == owner[at] == code[at][1]
