"""Masks of Lark grammars against steps, token by token, and ends of text against a naive recogniser."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detent.automata.compiler import Compiler, Grammar
from detent.automata.matcher import Matcher, allocate_bitmask
from detent.automata.vocabulary import Vocabulary
from detent.grammar.lark.compile import compile_lark
from detent.grammar.lark.tables import LexedGrammar
from tests.naive.lexed import accepts

QUICK = settings(
    derandomize=True, deadline=None, max_examples=40, suppress_health_check=list(HealthCheck), print_blob=False
)
SPACE = '\n%ignore " "'
GRAMMARS = {
    "arithmetic": r"""
        start: sum
        ?sum: product | sum "+" product
        ?product: atom | product "*" atom
        ?atom: NUMBER | NAME | "(" sum ")"
        NAME: /[a-z]+/
        NUMBER: /[0-9]+(\.[0-9]+)?/
        %ignore " "
        """,
    "keywords": 'start: ("if" NAME | NAME "=" NAME)+\nNAME: /[a-z]+/' + SPACE,
    "fallback": 'start: (NUMBER | ".." | "." | NAME)+\nNUMBER: /[0-9]+(\\.[0-9]+)?/\nNAME: /[ab]+/',
    "comment": 'start: ("<" | "!" | "-" | A)+\nA: /[a-z]/\n%ignore /<!--.*?-->/s' + SPACE,
    "priority": "start: (A | B)+\nA.2: /[a-f]+/\nB: /[a-z]+x?/" + SPACE,
    "alternation": "start: (A | B)+\nA: /a|ab/\nB: /b|c/",
    "lazy": 'start: (S | "b")+\nS: /a.*?b/',
    "escape": 'start: ("/" | S | A)+\nS: /\\/(\\\\\\/|[^\\/])*?\\//\nA: /[a-z]+/' + SPACE,
    "lookahead": "start: (A | B | C)+\nA: /a+(?=b)/\nB: /[ab]/\nC: /a(?!b)[c ]/" + SPACE,
    "words": "start: (IF | NAME)+\nIF: /if\\b/\nNAME: /[a-z]+/" + SPACE,
    "ends": 'start: (A | B | "\\n")+\nA: /a$/m\nB: /[ab ]/',
    "lookbehind": "start: (A | B)+\nA: /(?<=b)a/\nB: /[ab]/" + SPACE,
    "long lookahead": "start: (A | B)+\nA: /a(?=[ab]*c)/\nB: /[abc]/",
    "shadows": "start: (A | B)+\nA: /a/\nB: /a[ab]*c|b/",
    "characters": "start: (A | B)+\nA: /é+/\nB: /[^é]/",
    "wide": 'start: ("é" | WORD)+\nWORD: /\\w+/' + SPACE,
    "case": 'start: ("if"i | NAME)+\nNAME: /[a-z]+/i' + SPACE,
    "nesting": 'start: list\nlist: "(" (list | A)* ")"\nA: /a/' + SPACE,
    "empty": 'start: a*\na: "(" ")" |  "(" a ")"' + SPACE,
    "left and right": 'start: l "," r\nl: l "a" | "a"\nr: "a" r | "a"',
    "newlines": "start: line (NL line)*\nline: A*\nA: /a/\nNL: /( *\\n)+/\n%ignore / +/",
    "once": "start: A\nA: /a(b|c)/",
}
TEXTS = "ab|a b| a|  |1+|1.|..|.5|(a|)*|))|if|i|f |ifa|<!|<!--|--|->|-->|a-|!-|abc|bca|aab|c|\\/|/a|a/|\n | \n|a\n|aa"
TEXTS += "|é|aé|éé| if|= |IF|x |ax|ac "
TOKENS = [*map(str.encode, TEXTS.split("|")), b"\xc3", b"\xa9a", b"a\xc3"]
LETTERS = "ab cif.1+*()<!->\\/é\nx=I,"


@pytest.fixture(scope="module")
def compiler() -> Compiler:
    tokens = [bytes([b]) for b in range(256)] + TOKENS
    return Compiler(Vocabulary.from_tokens([*tokens, b"</s>"], eos=[len(tokens)]), cache_dir=False)


@pytest.fixture(scope="module", params=list(GRAMMARS))
def both(request: pytest.FixtureRequest, compiler: Compiler) -> tuple[Grammar, LexedGrammar]:
    text = GRAMMARS[request.param]
    return compiler.lark(text), compile_lark(text)


def allowed(matcher: Matcher) -> set[int]:
    """The tokens of a mask."""
    mask = allocate_bitmask(1, len(matcher.grammar.vocabulary))
    matcher.fill_bitmask(mask)
    return set(np.flatnonzero(np.unpackbits(mask.view(np.uint8), bitorder="little")).tolist())


def check_here(matcher: Matcher, tables: LexedGrammar, text: bytes) -> set[int]:
    """Compare a mask with single steps, and the end of the text with the naive recogniser; returns the mask."""
    vocabulary = matcher.grammar.vocabulary
    got = allowed(matcher)
    wanted = {t for t in range(len(vocabulary)) if matcher.validate([t])}
    show = [sorted(map(vocabulary.token_bytes, some)) for some in (got - wanted, wanted - got)]
    assert got == wanted, (text, "wrong", show[0], "missing", show[1])
    ends = vocabulary.eos_ids[0] in got
    try:
        assert ends == accepts(tables, text.decode())
    except UnicodeDecodeError:
        assert not ends
    return got


@QUICK
@given(seed=st.integers(0, 2**32 - 1))
def test_walks(both: tuple[Grammar, LexedGrammar], seed: int) -> None:
    grammar, tables = both
    matcher, rng, text = grammar.matcher(), random.Random(seed), b""
    for _ in range(rng.randrange(1, 14)):
        tokens = sorted(check_here(matcher, tables, text) - set(grammar.vocabulary.eos_ids))
        if not tokens:
            break
        token = rng.choice(tokens)
        assert matcher.accept(token)
        text += grammar.vocabulary.token_bytes(token)


@QUICK
@given(text=st.text(alphabet=LETTERS, max_size=12))
def test_texts(both: tuple[Grammar, LexedGrammar], text: str) -> None:
    grammar, tables = both
    matcher = grammar.matcher()
    is_sentence = matcher.accept_bytes(text.encode()) and matcher.is_complete()
    assert is_sentence == accepts(tables, text)
