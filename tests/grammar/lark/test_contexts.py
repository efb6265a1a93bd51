"""Patterns that only some contexts try, or none: Lark looks at those that it joins, and when."""

from __future__ import annotations

import re

import lark
import pytest

from detent.grammar.errors import GrammarError
from detent.grammar.lark.compile import compile_lark, earley_rules

from ...naive import rules as naive
from ...naive.lexed import accepts
from .cases import Case, case, oracle

APART = {
    "a terminal that can be empty": case('start: "a"+ B?\nx: T x*\nT: /b?/\nB: "b"', "a b aa"),
    "several": case('start: "a"+\nx: T y | U\ny: U? x T*\nT: /(?=a)/\nU: /c*/', "a b c"),
    "a back-reference": case('start: "a"+ B?\nx: T x*\nT: /(a|b)\\1/\nB: "b"', "a b aa"),
    "a conditional": case('start: "a"+\nx: T x*\nT: /(a)?(?(1)b|c)/', "a b c"),
    "groups of one name": case("start: (A B)+\nA: /(?P<q>a)b?/\nB: /(?P<q>b)|c/", "a b c"),
    "a group named like a terminal": case("start: (A B)+\nA: /(?P<B>a)b?/\nB: /b|c/", "a b c"),
    "flags of a whole pattern": case('start: "a"+\nx: T x*\nT: /(?i)b/', "a b B"),
}


def judged(parser: lark.Lark, text: str) -> bool:
    """Whether Lark accepts a text; where it looks for a better message, it joins all patterns, which may fail."""
    try:
        parser.parse(text)
    except (lark.exceptions.UnexpectedInput, re.error):
        return False
    return True


def agree(case: Case) -> bool:
    parser, grammar = oracle(case), compile_lark(case.grammar)
    found = set()
    for text in case.texts(100):
        assert accepts(grammar, text) == judged(parser, text), text
        found.add(judged(parser, text))
    return len(found) == 2


@pytest.mark.parametrize("name", APART)
def test_what_a_context_does_not_try(name: str) -> None:
    assert agree(APART[name])


@pytest.mark.parametrize(
    "text",
    [
        'start: "a" | x\nx: T x*\nT: /b?/',
        'start: "a"\nx: T x*\nT: /(/',
        'start: "a"\nT: /b?/\n%ignore T',
        'start: "a" (A | B)\nA: /(?P<q>a)b?/\nB: /(?P<q>b)|c/',
        'start: "a" A\nA: /(?P<q>a)b?/\nB: /(?P<q>b)|c/\n%ignore B',
        "start: A\nA: /(?i)a/",
    ],
)
def test_what_a_context_tries(text: str) -> None:
    """There Lark fails when it is made, or when it reads the first text that gets there."""
    with pytest.raises(Exception):  # noqa: B017  (of Lark, `re` or `regex`)
        lark.Lark(text, parser="lalr").parse("aa")
    with pytest.raises(GrammarError):
        compile_lark(text)


@pytest.mark.parametrize("name", [name for name in APART if "can be empty" in name or name == "several"])
@pytest.mark.parametrize("options", [("lalr", "basic"), ("earley", "dynamic"), ("earley", "dynamic_complete")])
def test_others_try_all(name: str, options: tuple[str, str]) -> None:
    text, (parser, lexer) = APART[name].grammar, options
    with pytest.raises(lark.exceptions.LarkError):
        lark.Lark(text, parser=parser, lexer=lexer)
    with pytest.raises(GrammarError, match="zero-width"):
        compile_lark(text, lexer_kind=lexer) if parser == "lalr" else earley_rules(text, lexer_kind=lexer)


@pytest.mark.parametrize("lexer", ["dynamic", "dynamic_complete"])
@pytest.mark.parametrize(
    "case",
    [
        APART["groups of one name"],
        case("start: A B A\nA: /(?i)a.?/\nB: /(?s)b./", "a A b B c ^ d"),
        case("start: A+\nA: /(?x) a # letter\n | b (?i:c) /", "a b c C _ #"),
        case("start: (A | B)+\nA: /(?ai)k\\w/\nB: /[é\u212a]/", "k K \u212a é a b"),
    ],
)
def test_patterns_that_stand_alone(case: Case, lexer: str) -> None:
    """Names of groups, and flags of whole patterns, of terminals that Lark does not join."""
    try:
        parser = lark.Lark(case.grammar, parser="earley", lexer=lexer)
    except lark.exceptions.GrammarError:
        with pytest.raises(GrammarError):
            earley_rules(case.grammar, lexer_kind=lexer)
        return
    recogniser = naive.Recogniser(earley_rules(case.grammar, lexer_kind=lexer))
    for text in case.texts(100):
        state = recogniser.read(recogniser.start, text.encode())
        assert (state is not None and recogniser.may_end(state)) == judged(parser, text), text
