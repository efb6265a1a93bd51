"""Terminals that are said never to come are no tokens of any text, as Lark splits it."""

from __future__ import annotations

from itertools import product

import lark
import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from detent.automata.dead_ends import Proof, hopeful
from detent.automata.sentences import ways
from detent.automata.shadowed import shadowed
from detent.automata.terminals import Terminals
from detent.grammar.errors import Unsatisfiable
from detent.grammar.lark.compile import compile_lark
from tests.automata.test_dead_ends import check_masks, compiler_for


def said(text: str, lexer: str = "contextual") -> set[str]:
    """The names of the terminals that never come."""
    grammar = compile_lark(text, lexer_kind=lexer)
    terminals = Terminals(grammar, ways(grammar.lexer), {})
    tried = np.flatnonzero((grammar.lexer.entry >= 0) & (grammar.lexer.ignored == 0))
    return {grammar.terminals[t] for t in shadowed(terminals, tried.tolist())}


def tokens(lexer: lark.Lark, text: str) -> set[str]:
    """The types of the tokens of a text, up to where it cannot be split any more."""
    found = set()
    try:
        for token in lexer.lex(text):
            found.add(token.type)
    except lark.UnexpectedInput:
        pass
    return found


@st.composite
def lexers(draw: st.DrawFn) -> str:
    """Grammars that ask for any of some terminals, again and again."""
    part = st.tuples(st.sampled_from(["a", "b", "[ab]", "[b ]", ".", "(a|bb)"]), st.sampled_from(["", "", "+", "?"]))
    pattern = st.lists(part.map("".join), min_size=1, max_size=3).map(lambda parts: f"/{''.join(parts)}/")
    string = st.text(alphabet="ab ", min_size=1, max_size=3).map(lambda letters: f'"{letters}"')
    texts = draw(st.lists(st.one_of(pattern, pattern, string), min_size=1, max_size=4))
    rules = [f"T{i}{draw(st.sampled_from(['', '', '.1']))}: {text}" for i, text in enumerate(texts)]
    ignored = draw(st.sampled_from(["", "\n%ignore / +/", "\n%ignore /[ab]/"]))
    return f"start: ({' | '.join(f'T{i}' for i in range(len(texts)))})+\n" + "\n".join(rules) + ignored


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), print_blob=False)
@given(lexers())
def test_no_text_has_such_a_token(text: str) -> None:
    try:
        reference = lark.Lark(text, parser="lalr", lexer="basic")
    except lark.exceptions.LarkError:
        return
    never = said(text, "basic")
    come = set().union(*(tokens(reference, "".join(t)) for n in (1, 2, 3, 4) for t in product("ab ", repeat=n)))
    assert not never & come, text
    event("some never come" if never else "all may come")


@pytest.mark.parametrize(
    ("text", "never"),
    [
        ('start: ("a" NL)+\nNL: "\\n"\n%ignore /[ \\n]+/', {"NL"}),
        ('start: ("a" NL)+\nNL: /\\n+/\n%ignore /\\s+/', {"NL"}),
        ('start: ("a" NL)+\nNL.1: "\\n"\n%ignore /[ \\n]+/', set()),
        ("start: (A | B)+\nA: /a+/\nB: /ab/", {"B"}),
        ('start: (A | B)+\nA: /a+/\nB: "a"', set()),  # a string that a pattern matches is a token of its own
        ("start: (A | B)+\nA: /a+(?!b)/\nB: /ab/", set()),
        ("start: (A | B)+\nA: /ab+/\nB: /aa|ab/", set()),
        ('start: A | "x" B\nA: /a+/\nB: /ab/', set()),  # not tried where B may come
    ],
)
def test_examples(text: str, never: set[str]) -> None:
    assert said(text) == never


def test_a_comment_that_nothing_can_follow_is_no_statement() -> None:
    text = 'start: (N "=" N ";" | C NL)+\nN: /[a-z]/\nC: /-[^\\n]*\\n/\nNL: "\\n"\n%ignore /[ \\n]/'
    grammar = compile_lark(text)
    never = Proof(hopeful(grammar, ()), ways(grammar.lexer)).never()
    assert [grammar.terminals[t] for t in never] == ["NL"]
    compiler = compiler_for("a=;-\n")
    check_masks(compiler, text, "a=;-\n", "a=;-\n ", 2)
    assert not hasattr(compiler.lark(text).matcher()._placement.lowering, "_liveness")
    matcher = compiler.lark(text).matcher()
    assert matcher.accept_bytes(b"a=a;\n") and not matcher.accept_bytes(b"-")


def test_no_text_at_all() -> None:
    with pytest.raises(Unsatisfiable):
        compiler_for("a").lark('start: "a" NL\nNL: "\\n"\n%ignore /[ \\n]/')
