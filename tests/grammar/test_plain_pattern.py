"""Patterns that a kernel reads, against the parser that reads all patterns."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detent.grammar import dfa, regex
from detent.grammar.errors import GrammarError
from detent.grammar.plain_pattern import compile_plain
from detent.native import patterns

PIECES = r"""
a b - _ é . \d \w \s \D \W \S \. \- \\ \$ \x41 \u00e9 \u2028 \n \0 \cA \b \1 \_ [ab] [^a] [a-c] [\w-.] [\d-a] [a\-z] []
[^] [\]] [^\s\S] [b-a] [\b] [\uD800-\uDFFF] [\u0000-\uFFFF] [^\x00-\x7F] ( (?: ) | * + ? *? +? ?? {2} {1,3} {0,2} {2,}
{0} {0,0} {1} {,2} {3,1} {12345} { } ] ^ $ (?=a) (?i) (?<x>
"""

PLAIN = r"""
a ^$ ^configure$ a|b|(c|d|)e ^https?:\/\/[^\s/$.?#].[^\s]*$ ^[a-zA-Z_][a-zA-Z0-9_-]*$ ^[\w-.][\d\-][^\S][]?[^]$
^a{,2}b{x}]$ ^(0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(0|[1-9]\d*)(-rc[0-9]{1,2}){0,1}$ ^(([a-z]|\d){1,3}?,)+?x{2}y{0}$
^\u0041\x2e\t$ ^(((((a)b)c)d)e)*$
"""
OTHERS = r"é ^a|b$ a|^b (^a) a$b \ba (a)\1 (?=a) (?i)a (?<x>a) \p{L} \u{41} ^a\\$ [\uD800] a{12345}"
WRONG = r"a\ [a\ * a** a{2}{3} a{3,1} ( ) (a [a [b-a] \q ^* a|* (?"

texts = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "^"]),
    st.lists(st.sampled_from(PIECES.split()), max_size=9).map("".join),
    st.sampled_from(["", "$"]),
)


@settings(max_examples=3_000, deadline=None, derandomize=True)
@given(texts)
def test_a_plain_pattern_means_what_the_parser_says(pattern: str) -> None:
    found = compile_plain(pattern, max_states=300)
    if found is not None:
        assert found == dfa.compile(regex.parse(pattern), max_states=20_000)


@pytest.mark.nojit
@pytest.mark.parametrize("pattern", ["", *PLAIN.split()])
def test_what_is_plain(pattern: str) -> None:
    found = compile_plain(pattern, max_states=1_000)
    assert found is not None and found == dfa.compile(regex.parse(pattern))


@pytest.mark.parametrize(
    "pattern",
    [*OTHERS.split(), *WRONG.split(), "(" * 100 + "(a)" + ")" * 100, "a" * patterns.MOST_CODE, "^" + "(a{9}){9}" * 60],
)
def test_what_is_left_to_the_parser(pattern: str) -> None:
    assert compile_plain(pattern, max_states=10_000) is None


def test_more_sets_than_there_is_room_for() -> None:
    sets = "".join(rf"[\u{256 + k:04x}]" for k in range(patterns.MOST_SETS))
    assert compile_plain(f"^{sets[: 8 * (patterns.MOST_SETS - 1)]}$", max_states=1_000) is not None
    assert compile_plain(f"^{sets}x$", max_states=1_000) is None


def test_large_ones_are_left_to_the_parser_which_says_so() -> None:
    assert compile_plain("(a|b)*a(a|b){9}", max_states=100) is None
    with pytest.raises(GrammarError, match="regex_states"):
        dfa.compile(regex.parse("(a|b)*a(a|b){9}"), max_states=100)
