"""Programs of ordered threads against `re` itself."""

from __future__ import annotations

import re
import sys
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from detent.grammar.errors import GrammarError
from detent.grammar.lark import characters, lexer
from detent.grammar.lark.flat import Terminal
from detent.grammar.lark.tables import LexedGrammar, ParserTables

from ...naive.lexed import Lexer

TEXTS = st.text("abB _\n1ſé", max_size=8)


def tables(pattern: str, *, joined: bool = False) -> LexedGrammar:
    terminals = [None, Terminal("A", pattern)]
    return LexedGrammar(
        ("$END", "A"),
        (),
        lexer.build(terminals, np.ones((1, 2), np.bool_), [], 10_000, joined=joined),
        ParserTables(*[None] * 7),
    )


def agree(pattern: str, text: str) -> None:
    """Everywhere in the text, the program finds the match that `re` finds."""
    if Terminal("A", pattern).pattern.min_width == 0:
        pattern = f"(?:{pattern})[\\s\\S]"  # terminals are never empty
    grammar, compiled = tables(pattern), re.compile(pattern)
    machine = Lexer(grammar, text)
    for at in range(len(text) + 1):
        match = compiled.match(text, at)
        found = machine.match(int(grammar.lexer.entry[1]), at)
        assert found == (match and match.end()), (pattern, text, at)


ATOMS = st.sampled_from(
    ["a", "b", "B", ".", "[ab]", "[^a]", r"\w", r"\s", r"\d", r"\W", "1", " ", "é", r"\n", "(?s:.)", ""]
)
LOOKS = st.sampled_from(
    [
        r"\b",
        r"\B",
        "^",
        "$",
        r"\A",
        r"\Z",
        "(?m:^)",
        "(?m:$)",
        "(?=a)",
        "(?!b)",
        "(?<=a)",
        "(?<!b)",
        "(?<=ab)",
        "(?<!a.)",
    ]
)


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    quantified = st.tuples(
        inner, st.sampled_from(["*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,2}?", "{2,}", "{,2}"])
    ).map(lambda p: f"(?:{p[0]}){p[1]}")
    look = st.tuples(st.sampled_from(["=", "!"]), inner).map(lambda p: f"(?{p[0]}{p[1]})")
    flags = st.tuples(st.sampled_from(["i", "s", "m", "a", "is", "-i"]), inner).map(lambda p: f"(?{p[0]}:{p[1]})")
    return st.one_of(
        st.lists(inner, min_size=2, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda p: f"({'|'.join(p)})"),
        quantified,
        quantified,
        look,
        flags,
    )


PATTERNS = st.recursive(ATOMS | LOOKS, larger, max_leaves=8)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(PATTERNS, st.lists(TEXTS, min_size=3, max_size=3))
def test_random_patterns(pattern: str, texts: list[str]) -> None:
    for text in texts:
        agree(pattern, text)


CORNERS = [
    r"(|a)*",
    r"(|a)*?b",
    r"(|a){2,}",
    r"((|a)|b)*",
    r"(a?|b)*?",
    r"((a*)*b|ab)*",
    r"(|a|b){1,3}",
    r"(?:(?:|a)(?:|b))*",
    r"(?:\b|a)*",
    r"(a|ab)(c|bcd)?",
    r"a*+b",
    r"a{1,2}+b",
    r"a?+",
    r'"(?:[^"\\]|\\.)*?"',
    r"(?!(a|b)\b)\w+",
    r"(?=.*\b)a",
    r"(?!a(?!b))\w",
    r"(?<!(?<=a)b)\w",
    r"(?<=^a)b",
    r"(?!$)\w",
    r"(?=a$)a",
    r"(?i:ſ)",
    r"(?i:[^s])",
    r"(?i:[r-t])",
    r"(?ia:s)",
]


@pytest.mark.parametrize("pattern", CORNERS)
def test_corner_patterns(pattern: str) -> None:
    for text in ["", "a", "aab", "abcd", "ba b", "aaab\n", "a\nb\n", 'x"a\\"b"', "Ssſ", "bb ab a"]:
        agree(pattern, text)


GROUPS = [
    r"(a|b)x\1",
    r"(a|ab)(b|)\1c?",
    r"(?P<q>[ab'])[^ ]*?(?P=q)",
    r"(['a])(?:(?!\1).)*\1",
    r"(?:(a)|(b))+(?(1)\1|c)",
    r"(?:(a|bb)x?)*\1\1",
    r"(?:(a|bb)x?)*?\1\1",
    r"(a?)(?:\1)*b",
    r"(a?)(?:\1|b)*",
    r"(?:(a)|b)*\1",
    r"(a)?(?(1)b|c)",
    r"(a+)?b*(?(1)a)",
    r"((a|b)\2)\1",
    r"(?i:(a|b))\1",
    r"(a|B|ſ)(?i:\1)",
    r"(a|B|ſ)(?ia:\1)",
    r"(?<=(?:a))(a|b)(?=\1)",
    r"(a|b)(?<!\1b)a",
    r"([12]{1,2})-\1",
    r"(?(1)a|b)(c|b)?",
    r"(?i)ab",
    r"(?s).b",
    r"(?x) a b # c",
]


@pytest.mark.parametrize("pattern", GROUPS)
def test_groups(pattern: str) -> None:
    texts = ["", "axa", "axb", "aabb", "abab", "'ab'a'", "bbbbxbb", "aAa", "BbBB", "sſſS", "1-1 11-11", "cbab", "a c a"]
    for text in texts:
        agree(pattern, text)


@st.composite
def with_groups(draw: st.DrawFn) -> str:
    """Groups, and references to them in any place that `re` takes."""
    parts, n = [], 0
    for _ in range(draw(st.integers(2, 5))):
        part = draw(st.sampled_from(["a", "b", "ab", "[ab]", "a|ab", "", "a?b", "b{1,2}", "a|b"]))
        kind = draw(st.sampled_from(["group", "group", "text", "reference", "reference", "look", "whether", "atomic"]))
        if kind == "group":
            n += 1
            part = f"({part})"
        elif kind == "atomic" or not n:
            part = f"(?>{part})"
        elif kind != "text":
            g = draw(st.integers(1, n))
            part = {"reference": f"\\{g}", "look": f"(?!\\{g})", "whether": f"(?({g}){part.replace('|', '')}|b)"}[kind]
        parts.append(part if "|" not in part or "(" in part else f"(?:{part})")
        if n and draw(st.booleans()):
            parts = [f"(?:{''.join(parts)})" + draw(st.sampled_from(["*", "+?", "?", "{2}", "|a"]))]
    return f"(?:{''.join(parts)})c?"


@settings(max_examples=300, deadline=None, derandomize=True)
@given(with_groups(), st.lists(st.text("aabbcB", max_size=8), min_size=4, max_size=4))
def test_random_groups(pattern: str, texts: list[str]) -> None:
    try:
        tables(pattern)
    except GrammarError as error:
        assume("cannot be enforced" not in str(error))
    for text in texts:
        agree(pattern, text)


ATOMIC = [
    "(?>a|ab)c",
    "(?>ab|a)c?",
    "(?>a*b|a)",
    "(?>a*?b|a)b",
    "(ab)*+a",
    "(?:a|ab)++b?",
    "(?:ab?){1,2}+b",
    "(?:a|b){2}+",
    "a?+a",
    "(?>(?>a|ab)b?|b)b",
    r"(?>a+\b|a)",
    "(?>a(?=b)|a)b?",
    "(?=(?>a|ab)c)a",
    "(?>(a)b|(a))(?(1)a|b)",
    "(?>a{2,3}?)a",
    "(?>[ab]{1,2}b)",
]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.11")
@pytest.mark.parametrize("pattern", ATOMIC)
def test_atomic(pattern: str) -> None:
    for n in range(6):
        for letters in product("abc", repeat=n):
            agree(pattern, "".join(letters))


REFUSED = {
    r"(a*)\1": "endlessly many texts",
    r"(\w)\1": "more than 4000 texts",
    r"(?=(a|b))\1": "stands in a lookahead",
    "((?(1)a|b))+": "inside of this group",
    "(?>(?:a?)*b)": "a repetition of what may be empty in an atomic group",
    r"(?>(a|b)\1|c)d": "a reference to a group of the same atomic group",
}


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.11")
@pytest.mark.parametrize("pattern", REFUSED)
def test_refused(pattern: str) -> None:
    with pytest.raises(GrammarError, match=f"terminal A cannot be enforced: it has .*{REFUSED[pattern]}"):
        tables(pattern)


@pytest.mark.parametrize("pattern", [r"(a)\1", r"(a)(b)\2", "(a)?(?(1)b|c)", "(?i)a"])
def test_what_lark_reads_otherwise(pattern: str) -> None:
    """Lark's lexers join patterns into one: other groups have these numbers, and flags come too late."""
    tables(pattern)
    with pytest.raises(GrammarError, match="Lark's own pattern"):
        tables(pattern, joined=True)
    tables("(?P<q>a)(?P=q)(?(q)a)", joined=True)


@pytest.mark.parametrize("name", [r"\w", r"\d", r"\s", r"\W", r"\D", r"\S"])
def test_categories(name: str) -> None:
    text = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
    for flags in (0, re.ASCII):
        points = characters.category(name, bool(flags))
        expected = "".join(re.findall(name + "+", text, flags))
        spans = zip(points[::2], points[1::2], strict=True)
        assert "".join(chr(p) for a, b in spans for p in range(a, b)) == expected


def test_every_cased_character() -> None:
    points = [p for p in range(0x1E944) if not 0xD800 <= p < 0xE000]
    interesting = [p for p in points if len({chr(p), chr(p).lower(), chr(p).upper(), chr(p).casefold()}) > 1]
    assert len(interesting) > 2500
    for points in [
        (0x41, 0x5B),
        (0x61, 0x80),
        (0xB5, 0xB6),
        (0x130, 0x132),
        (0x1C80, 0x1C90),
        (0x10400, 0x10428),
        (0xDF, 0xE0),
    ]:
        compiled = re.compile(f"[{chr(points[0])}-{chr(points[1] - 1)}]", re.IGNORECASE)
        found = characters.ignoring_case(points, ascii_only=False)
        for point in interesting:
            assert characters.charset.contains(found, point) == bool(compiled.match(chr(point))), hex(point)
    for point in interesting:
        alike = characters.ignoring_case((point, point + 1), ascii_only=False)
        assert characters.one(point, characters.IGNORECASE) == alike, hex(point)
    for point in range(0x80):
        compiled = re.compile(re.escape(chr(point)), re.IGNORECASE)
        expected = {point, *(other for other in interesting if compiled.match(chr(other)))}
        points = characters.one(point, characters.IGNORECASE)
        assert {p for a, b in zip(points[::2], points[1::2], strict=True) for p in range(a, b)} == expected
