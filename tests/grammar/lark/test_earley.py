"""Grammars for Lark's Earley parser as rules over characters, against Lark itself."""

from __future__ import annotations

import sys

import lark
import pytest

from detent.grammar.errors import GrammarError
from detent.grammar.lark.compile import earley_rules
from detent.grammar.regular import literal
from detent.grammar.rules import Rules

from ...naive import rules as naive
from .cases import CASES, Case, case

AMBIGUOUS = {
    "expressions": case('start: start "+" start | start "*" start | "x"', "x + *"),
    "palindromes": case('start: "a" start "a" | "b" start "b" | "a"? | "b"', "a b aa"),
    "cyclic": case('start: a | "x"\na: start | a a | "y"', "x y"),
    "hidden": case('start: e start "a" | "b"\ne: | "c"', "a b c"),
    "munch": case('start: A A | A "b"\nA: /a+/\n%ignore " "', "a b _"),
    "split": case('start: (W | "-")+\nW: /[a-z]{2,3}/', "ab abc abcd a -"),
    "keyword_or_name": case('start: "if" NAME | NAME NAME\nNAME: /[a-z]+/\n%ignore /[ \\n]+/', "if _ x ^ i f"),
    "ignored_many": case('start: "a"* [B]\nB: /b c?/\n%ignore " "\n%ignore /#[^#]*#/', "a b c _ # bc"),
    "priorities": case('start: A | B C\nA.2: /ab?/\nB: "a"\nC.-1: /b+/', "a b ab"),
    "longest": case('start: N "." N | N ".." N\nN: /[0-9]+(\\.[0-9]+)?/', "1 . .. 12"),
    "conflict": case('start: a | b\na: "x" "y"\nb: "x" "y"', "x y"),
}


CUT = {
    "the lookahead sees the end": case("start: A+\nA: /a+(?!b)/", "a b aa"),
    "the lookahead needs more": case('start: A+ "b"?\nA: /a+(?=b)|aab/', "a b aab"),
    "another way in what is cut off": case('start: A "b"* "c"\nA: /ab(?=bc)|abb?|a/', "a b c"),
    "the match is longer than what is cut off": case('start: A ("b" | "c")*\nA: /a(?=.c)|abcc?|ab(?!c)/', "a b c"),
    "nothing before it": case("start: A B\nA: /[ab]/\nB: /(?<!a)b+|bc?/", "a b c"),
    "a beginning": case("start: (A | B)+\nA: /^a/\nB: /(?<=a)b+c|b+$/", "a b c"),
    "words": case('start: (W | "-")+\nW: /\\b[a-z]{2,3}\\b/', "ab abc abcd a -"),
    "the end of a line": case("start: A+\nA: /a+$|a\\n+/", "a ^"),
    "ignored": case("start: A+\nA: /a+(?!a)/\n%ignore /b+(?=a)/", "a b"),
    "many ends at once": case("start: A+\nA: /a*b(?!ab)|a(?=a*b$)|aa/", "a b"),
}


GROUPS = {
    "a quoted string": case('start: S ("," S)*\nS: /(?P<q>[\'b])(?:(?!(?P=q)).)*(?P=q)/', "' b , a"),
    "the first way": case('start: A "b"*\nA: /(?P<q>a|ab)c?(?P=q)/', "a b c ab"),
    "an atomic group": case('start: (A | "b")+\nA: /(?>a|ab)c?(?>b*)(?<!bb)/', "a b c"),
    "two possessive ones": case('start: (A | "c")+\nA: /(?:ab?)++c?/\n%ignore "b"', "a b c ab"),
    "a conditional": case('start: (A | "a")+\nA: /(?P<q>a)?b(?(q)c|b)/', "a b c"),
}


def rejects(case: Case, lexer: str, texts: int) -> set[bool]:
    """Compare texts; which verdicts were met."""
    parser = lark.Lark(case.grammar, parser="earley", lexer=lexer)
    recogniser, found = naive.Recogniser(earley_rules(case.grammar, lexer_kind=lexer)), set()
    for text in case.texts(texts):
        try:
            parser.parse(text)
            expected = True
        except lark.exceptions.UnexpectedInput:
            expected = False
        except (RuntimeError, KeyError):  # Lark does not know what to do with some ambiguities, and declared terminals
            continue
        state = recogniser.read(recogniser.start, text.encode())
        assert (state is not None and recogniser.may_end(state)) == expected, text
        found.add(expected)
    return found


@pytest.mark.parametrize("lexer", ["dynamic", "dynamic_complete", "basic"])
@pytest.mark.parametrize("name", [*CASES, *AMBIGUOUS])
def test_corner_cases(name: str, lexer: str) -> None:
    case = {**CASES, **AMBIGUOUS}[name]
    if lexer == "basic" and name in ("text_start", "word_boundary"):
        pytest.skip("Lark's check of collisions between terminals fails")
    assert False in rejects(case, lexer, 60)


@pytest.mark.parametrize("name", CUT)
def test_cut_texts(name: str) -> None:
    """Lark matches again in what is cut off, where assertions see neither what follows nor what was before."""
    assert rejects(CUT[name], "dynamic_complete", 250) == {False, True}


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.11")
@pytest.mark.parametrize("lexer", ["dynamic", "dynamic_complete", "basic"])
@pytest.mark.parametrize("name", GROUPS)
def test_groups(name: str, lexer: str) -> None:
    assert rejects(GROUPS[name], lexer, 150) == {False, True}


def test_names_of_groups() -> None:
    """Dynamic lexers match each pattern by itself: names and numbers are its own."""
    text = "start: A B\nA: /(?P<q>a|b)\\1/\nB: /(?P<q>c)|(?P<A>d)/"
    for lexer in ("dynamic", "dynamic_complete"):
        assert rejects(case(text, "aa bb a c d"), lexer, 100) == {False, True}
    with pytest.raises(GrammarError, match="by its number"):
        earley_rules(text, lexer_kind="basic")
    with pytest.raises(GrammarError, match="both have a group named A"):
        earley_rules(text.replace("\\1", ""), lexer_kind="basic")


def test_verdicts() -> None:
    """The dynamic lexer takes the longest match of each terminal, the complete one every match."""
    case = AMBIGUOUS["munch"]
    verdicts = {}
    for lexer in ("dynamic", "dynamic_complete"):
        recogniser = naive.Recogniser(earley_rules(case.grammar, lexer_kind=lexer))
        for text in ("aa", "a a", "aab", "aa aa"):
            state = recogniser.read(recogniser.start, text.encode())
            verdicts[lexer, text] = state is not None and recogniser.may_end(state)
    assert [text for (lexer, text), verdict in verdicts.items() if verdict and lexer == "dynamic"] == [
        "a a",
        "aab",
        "aa aa",
    ]
    assert verdicts["dynamic_complete", "aa"]


def test_islands() -> None:
    """Before an island the text ends, as far as the tokens can see."""
    text = '%declare DATA\nstart: NAME DATA "!" DATA?\nNAME: /[a-z]+/\n%ignore " "'
    rules: Rules = earley_rules(text, islands={"DATA": literal("data")})
    recogniser = naive.Recogniser(rules)
    for candidate, expected in [("x data!", True), ("xdata!data", True), ("x data", False), ("xdata ! data ", True)]:
        state = recogniser.read(recogniser.start, candidate.encode())
        assert (state is not None and recogniser.may_end(state)) == expected
    nothing = naive.Recogniser(earley_rules(text))
    assert not nothing.has_text
