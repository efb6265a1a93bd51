"""The tables of grammars, run by an obvious recogniser, against Lark itself."""

from __future__ import annotations

import pytest

from detent.grammar.lark.compile import compile_lark

from ...naive import lexed, lexed_steps
from .cases import CASES, judged, oracle


@pytest.mark.parametrize("name", CASES)
def test_corner_cases(name: str) -> None:
    case = CASES[name]
    grammar = compile_lark(case.grammar, lexer_kind=case.options.get("lexer", "contextual"))
    parser, found = oracle(case), set()
    for text in case.texts(300):
        expected = judged(parser, text)
        assert lexed.accepts(grammar, text) == expected, text
        assert lexed_steps.accepts(grammar, text) == expected, text
        found.add(expected)
    assert found == {True, False}
