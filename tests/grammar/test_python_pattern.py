from __future__ import annotations

import re

import pytest
from hypothesis import given

from detent.grammar import dfa, regex
from detent.grammar.errors import GrammarError
from detent.grammar.python_pattern import translate

from ..naive import regular as naive
from .test_regex import TEXTS, patterns, quick

EDGES = [
    *(
        r"^\d+$",
        "a.c",
        "a{,3}",
        "x{2,}?y",
        "a]}",
        r"\/\-\cJ",
        r"\u{61}\x62",
        r"^[\w-.]+$",
        "(?=a)b|[]",
        "[^]",
        r"\p{Lu}",
    ),
    *("(?i)[^a]b", "(?i:A)a", "(?s:.)b", "(?m:^a$)", "(?s-i:a.)", "(?<!a)b", r"\bab\b", r"^\B$"),
    *(r"(?<x>a|b)\k<x>", r"^(?:(a)|b)\1$", r"(?<x>a)|(?<x>b)", r"^(?:(?<x>a)|(?<x>b))\k<x>$", r"(a)\1{2}"),
]


@quick
@given(patterns)
def test_the_same_texts_are_found(pattern: str) -> None:
    if r"\b_|\n" in pattern:
        return  # a lookbehind of two widths
    automaton, compiled = dfa.compile(regex.parse(pattern)), re.compile(translate(pattern))
    assert [t for t in TEXTS if compiled.search(t)] == [t for t in TEXTS if dfa.matches(automaton, t)]


@pytest.mark.parametrize("pattern", EDGES)
def test_where_the_syntaxes_differ(pattern: str) -> None:
    automaton, compiled = dfa.compile(regex.parse(pattern)), re.compile(translate(pattern))
    texts = naive.texts("abAx{3}\n٣", 4)
    assert [t for t in texts if compiled.search(t)] == [t for t in texts if dfa.matches(automaton, t)]


def test_references_to_endless_groups() -> None:
    doubled = re.compile(translate(r"^(a+)b\1$"))
    assert [t for t in ("aba", "aabaa", "abaa", "aba\n") if doubled.search(t)] == ["aba", "aabaa"]


def test_wrong_patterns_are_refused() -> None:
    with pytest.raises(GrammarError):
        translate("([")
