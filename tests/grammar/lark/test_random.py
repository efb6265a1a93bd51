"""Random grammars and texts: every parser and lexer against Lark."""

from __future__ import annotations

from itertools import product

import lark
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from detent.grammar.errors import GrammarError
from detent.grammar.lark.compile import compile_lark, earley_rules

from ...naive import lexed
from ...naive import rules as naive

PATTERNS = [
    '"a"', '"ab"', '"b"', '"aa"i', '"c"', "/a+/", "/[ab]/", "/ab?/", "/a|ab/", "/[ab]+?/", "/a(?=b)/", "/a(?!b)/",
    "/(?<=a)b/", "/b\\b/", "/[abc]{2}/", "/[a-c]+/", "/(ab)+/", "/c*b/", "/b$/", '"a".."b"', '"a"~2', '"c" | "cc"',
]  # fmt: skip
TEXTS = ["".join(letters) for n in range(5) for letters in product("abc ", repeat=n)]


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A grammar."""
    terminals = [f"T{i}" for i in range(draw(st.integers(1, 4)))]
    rules = ["start", "x", "y"][: draw(st.integers(1, 3))]
    item = st.sampled_from(
        [*terminals, *rules, *PATTERNS[:5], "[T0]", "T0*", "(T0 | x)" if "x" in rules else "T0+", "T0~1..2"]
    )
    lines = []
    for name in terminals:
        priority = draw(st.sampled_from(["", "", ".1", ".2"]))
        lines.append(f"{name}{priority}: {draw(st.sampled_from(PATTERNS))}")
    for name in rules:
        sequence = st.lists(item, min_size=1, max_size=3).map(" ".join)
        lines.append(f"{name}: {' | '.join(draw(st.lists(sequence, min_size=1, max_size=3)))}")
    ignored = draw(st.sampled_from(["", '%ignore " "', "%ignore / +/", "%ignore T0"]))
    return "\n".join([*lines, ignored])


def oracle(text: str, **options: str) -> lark.Lark | None:
    """Lark, or None where it refuses a grammar."""
    try:
        return lark.Lark(text, **options)
    except Exception:  # its own errors among others
        return None


@settings(max_examples=200, deadline=None, derandomize=True)
@given(texts(), st.sampled_from(["contextual", "basic"]))
def test_lalr(text: str, lexer: str) -> None:
    parser = oracle(text, parser="lalr", lexer=lexer)
    try:
        grammar = compile_lark(text, lexer_kind=lexer)
    except GrammarError:
        assert parser is None
        return
    assume(parser is not None)
    for candidate in TEXTS:
        try:
            parser.parse(candidate)  # type: ignore[union-attr]
            expected = True
        except lark.exceptions.UnexpectedInput:
            expected = False
        assert lexed.accepts(grammar, candidate) == expected, (text, candidate)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(texts(), st.sampled_from(["dynamic", "dynamic_complete", "basic"]))
def test_earley(text: str, lexer: str) -> None:
    parser = oracle(text, parser="earley", lexer=lexer)
    try:
        recogniser = naive.Recogniser(earley_rules(text, lexer_kind=lexer))
    except GrammarError:
        assert parser is None
        return
    assume(parser is not None)
    for candidate in TEXTS[::7]:
        try:
            parser.parse(candidate)  # type: ignore[union-attr]
            expected = True
        except lark.exceptions.UnexpectedInput:
            expected = False
        except RuntimeError:
            continue
        state = recogniser.read(recogniser.start, candidate.encode())
        assert (state is not None and recogniser.may_end(state)) == expected, (text, candidate)
