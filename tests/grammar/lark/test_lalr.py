"""LALR tables against Lark's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detent.grammar.errors import GrammarError
from detent.grammar.lark import lalr, reference
from detent.grammar.lark.compile import _parser
from detent.grammar.lark.flat import FlatGrammar, Rule, Terminal
from detent.grammar.lark.imports import Loader
from detent.grammar.lark.read import read

from .cases import CASES


def same_up_to_numbers(a: lalr.Automaton, b: lalr.Automaton) -> None:
    """Both tables are one, when states are numbered as they are met from the start."""
    assert a.action.shape == b.action.shape and a.goto.shape == b.goto.shape
    number, order = {0: 0}, [0]
    for state in order:
        for x, y in [*zip(a.action[state], b.action[number[state]], strict=True)]:
            assert (x > 0) == (y > 0)
            if x <= 0:
                assert x == y
        to_a = [*(x - 1 for x in a.action[state] if x > 0), *(x for x in a.goto[state] if x >= 0)]
        to_b = [*(x - 1 for x in b.action[number[state]] if x > 0), *(x for x in b.goto[number[state]] if x >= 0)]
        assert np.array_equal(a.goto[state] >= 0, b.goto[number[state]] >= 0)
        for x, y in zip(to_a, to_b, strict=True):
            if x not in number:
                number[x] = y
                order.append(x)
            assert number[x] == y
    assert len(order) == len(a.action)


def compare(grammar: FlatGrammar) -> bool:
    """Compare our table with Lark's; whether there is one."""
    terminals = {"$END": 0} | {t.name: i + 1 for i, t in enumerate(grammar.terminals)}
    nonterminals = {grammar.start: 0}
    for rule in grammar.rules:
        nonterminals.setdefault(rule.left, len(nonterminals))
    try:
        expected = reference.automaton(grammar, terminals, nonterminals)
    except GrammarError:
        expected = None
    try:
        found, *_ = _parser(grammar, terminals, nonterminals, 50_000)
    except GrammarError:
        found = None
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        same_up_to_numbers(found, expected)
    return found is not None


@pytest.mark.nojit
@pytest.mark.parametrize("name", CASES)
def test_corner_cases(name: str) -> None:
    assert compare(read(CASES[name].grammar, "start", Loader(), 10_000))


def test_python() -> None:
    assert compare(read("%import python (test)\nstart: test", "start", Loader(), 10_000))


def test_larger_lookahead() -> None:
    """Lark takes the item ``a: "x" . b`` behind "x" for one that begins there, so that "y" may follow it."""
    text = 'start: a "d" | "x" "w"\na: "x" b\nb: a "y" | "z"'
    grammar = read(text, "start", Loader(), 10_000)
    assert compare(grammar)
    names = {"$END": 0} | {t.name: i + 1 for i, t in enumerate(grammar.terminals)}
    found, *_ = _parser(grammar, names, {"start": 0, "a": 1, "b": 2}, 100)
    stack = [0]
    stack.append(found.action[stack[-1], names["X"]] - 1)
    state = found.goto[stack[-1], 2]
    assert [name for name, t in names.items() if found.action[state, t]] == ["D", "Y"]


@st.composite
def grammars(draw: st.DrawFn) -> FlatGrammar:
    names = ["start", "a", "b", "c"][: draw(st.integers(1, 4))]
    terminals = ["X", "Y", "Z"]
    symbols = st.sampled_from(names + terminals)
    rules = []
    for name in names:
        for right in draw(st.lists(st.lists(symbols, max_size=3).map(tuple), min_size=1, max_size=3, unique=True)):
            rules.append(Rule(name, right, draw(st.integers(0, 2))))
    return FlatGrammar(tuple(Terminal(name, name, plain=True) for name in terminals), tuple(rules), (), "start")


@settings(max_examples=600, deadline=None, derandomize=True)
@given(grammars())
def test_random_grammars(grammar: FlatGrammar) -> None:
    compare(grammar)
