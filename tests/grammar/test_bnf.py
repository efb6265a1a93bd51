"""GBNF and EBNF as they are read: what each notation means, and where an error is."""

from __future__ import annotations

import pytest

from detent.grammar import bnf
from detent.grammar.bnf import EBNF, GBNF, Dialect
from detent.grammar.errors import GrammarError
from tests.naive.rules import Recogniser


def accepts(text: str, sample: str, dialect: Dialect = GBNF) -> bool:
    """Whether a grammar has a text, by Earley's algorithm."""
    reference = Recogniser(bnf.parse(text, dialect))
    found = reference.read(reference.start, sample.encode())
    return found is not None and reference.may_end(found)


@pytest.mark.parametrize(
    ("grammar", "good", "bad"),
    [
        ('root ::= "a" | "b" "c"', ["a", "bc"], ["ab", "", "b"]),
        ('root ::= ("a" | "b")+ "c"?', ["a", "abc", "bb"], ["c", ""]),
        ('root ::= "ab"*', ["", "abab"], ["aba"]),
        ('root ::= "a"{2} "b"{1,} "c"{0,2}', ["aab", "aabbcc"], ["ab", "aabccc", "aaab"]),
        ("root ::= [a-c] [^a-c] [-x] [a-]", ["axx-", "b--a"], ["aax-", "dxx-"]),
        (r'root ::= "\x41\u00e9\U0001F600\n\t\\\"" [\]\-\^]', ['Aé😀\n\t\\"]', 'Aé😀\n\t\\"^'], ["A"]),
        ('# a comment\nroot ::= a # another\n  # and one\na ::= "x"\n', ["x"], ["a"]),
        ('root ::= a |\n  "y"\na ::= "x" (\n  "1"\n  | "2"\n)', ["x1", "x2", "y"], ["x"]),
        ("root ::= . .", ["ab", "é\n"], ["a"]),
        ("root ::= [^]", ["a", "\n"], [""]),
        ('root ::= root "a" | "b"', ["b", "baa"], ["a", ""]),
        ('root ::= "a" |', ["a", ""], ["b"]),
        ('root ::= "a"+*', ["", "aaa"], ["b"]),
        ("root ::= [] | ()", [""], ["a"]),
    ],
)
def test_gbnf(grammar: str, good: list[str], bad: list[str]) -> None:
    assert [sample for sample in good if not accepts(grammar, sample)] == []
    assert [sample for sample in bad if accepts(grammar, sample)] == []


@pytest.mark.parametrize(
    ("grammar", "good", "bad"),
    [
        (r'root ::= "\x1F600\e\0\a\/" rule.x' '\nrule.x ::= ""', ["😀\x1b\0\a/"], ["😀"]),
        ('root ::= "a" b-c_d\nb-c_d ::=\n  "x"\n  | "y"', ["ax", "ay"], ["a"]),
        ('root ::= TagDispatch(("<a>", x), ("<b>", x))\nx ::= "1"', ["", "hi", "<a>1<b>1 <a", "<"], ["<a>", "<b>2"]),
        ('root ::= TagDispatch(("<a>", x), loop_after_dispatch=false)\nx ::= "1"', ["", "-<a>1"], ["<a>1 "]),
        ('root ::= TagDispatch(("<a>", x), excludes=("!",)) "!"\nx ::= "1"', ["!", "-<a>1-!"], ["!!", "<a>!"]),
    ],
)
def test_ebnf(grammar: str, good: list[str], bad: list[str]) -> None:
    assert [sample for sample in good if not accepts(grammar, sample, EBNF)] == []
    assert [sample for sample in bad if accepts(grammar, sample, EBNF)] == []


@pytest.mark.parametrize(
    ("dialect", "grammar", "place", "reason"),
    [
        (GBNF, 'root ::= "a" b', "line 1, column 14", "rule b is not defined"),
        (GBNF, 'root ::= "a"\n\nx ::= ("b"', "line 3, column 11", "')' is missing here"),
        (GBNF, 'root ::= "a"\nroot ::= "b"', "line 2, column 1", "rule root is defined a second time"),
        (GBNF, 'a ::= "a"', "line 1, column 1", "there is no rule root."),
        (GBNF, 'root ::= "a', "line 1, column 12", '" is missing'),
        (GBNF, "root ::= [b-a]", "line 1, column 12", "a range out of order"),
        (GBNF, r'root ::= "\q"', "line 1, column 12", r"GBNF has no escape \q"),
        (GBNF, 'root ::= "a"{3,2}', "line 1, column 13", "a repetition from 3 to 2 times"),
        (GBNF, "root = a", "line 1, column 1", "a rule is expected here"),
        (GBNF, "root ::= " + 300 * "(" + '"a"' + 300 * ")", "line 1, column 211", "more than 200 groups in each other"),
        (GBNF, "root ::= <think>", "line 1, column 10", "<think> is no special token of this vocabulary"),
        (EBNF, 'root ::= "a"*+', "line 1, column 14", "a repetition of a repetition"),
        (EBNF, 'root ::= "a\nb"', "line 1, column 12", '" is missing'),
        (EBNF, "root ::= ExcludeToken(1)", "line 1, column 10", "ExcludeToken cannot be enforced"),
    ],
)
def test_errors_say_where(dialect: Dialect, grammar: str, place: str, reason: str) -> None:
    with pytest.raises(GrammarError) as caught:
        bnf.parse(grammar, dialect)
    assert caught.value.pointer == place
    assert caught.value.reason.startswith(reason)


def test_special_tokens_by_name_and_number() -> None:
    special = {"<|call|>": 7}
    assert repr(bnf.parse("root ::= <|call|>", GBNF, special=special).bodies["root"]) == "<Token 7>"
    assert repr(bnf.parse("root ::= <[7]>", GBNF, special=special).bodies["root"]) == "<Token 7>"
    assert repr(bnf.parse("root ::= Token(7)", EBNF, special=special).bodies["root"]) == "<Token 7>"
