"""What an LALR grammar allows as the beginning of a text is what can be finished: nothing else, nothing less."""

from __future__ import annotations

import random
from itertools import product
from pathlib import Path
from typing import Literal
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detent.automata import liveness
from detent.automata.compiler import Compiler
from detent.automata.dead_ends import Proof, Verdict, hopeful
from detent.automata.limits import Limits
from detent.automata.sentences import ways
from detent.automata.vocabulary import Vocabulary
from detent.grammar.errors import GrammarError, LimitExceeded, Unsatisfiable
from detent.grammar.lark.compile import compile_lark
from tests.automata.test_lark_masks import allowed
from tests.grammar.lark.test_random import texts
from tests.naive.dead_ends import can_be_finished

EXAMPLES = Path(__file__).parents[2] / "examples" / "grammars"
MOST = 600  # places that the naive search looks at before it gives up


def compiler_for(letters: str) -> Compiler:
    """Tokens of up to three letters, all bytes, and the end."""
    tokens = ["".join(t).encode() for n in (1, 2, 3) for t in product(letters, repeat=n)]
    tokens = list(dict.fromkeys([*tokens, *(bytes([b]) for b in range(256))]))
    return Compiler(Vocabulary.from_tokens([*tokens, b"</s>"], eos=[len(tokens)]), cache_dir=False)


def check_masks(compiler: Compiler, text: str, letters: str, every: str, walks: int, **options: str) -> None:
    """Compare masks on some ways, of tokens of some letters, with the naive search among ``every`` letter."""
    tables = compile_lark(text, lexer_kind=options.get("lexer", "contextual"))
    try:
        grammar = compiler.lark(text, **options)  # type: ignore[arg-type]
    except Unsatisfiable:
        assert not can_be_finished(tables, "", every, MOST)
        return
    vocabulary, rng = grammar.vocabulary, random.Random(text)
    tried = [t for t in range(len(vocabulary)) if set(vocabulary.token_bytes(t)) <= set(letters.encode())]
    for _ in range(walks):
        matcher, so_far = grammar.matcher(), ""
        for _ in range(4):
            got = allowed(matcher) & set(tried) - set(vocabulary.eos_ids)
            for t in tried:
                if t in vocabulary.eos_ids:
                    continue
                there = so_far + vocabulary.token_bytes(t).decode()
                wanted = can_be_finished(tables, there, every, MOST)
                assert wanted is None or (t in got) == wanted, (text, options, there, wanted)
            if not got:
                break
            token = rng.choice(sorted(got))
            assert matcher.accept(token)
            so_far += vocabulary.token_bytes(token).decode()


@pytest.fixture(scope="module")
def compiler() -> Compiler:
    return compiler_for("abc ")


@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), print_blob=False)
@given(texts(), st.sampled_from(["contextual", "basic"]))
def test_random_grammars(compiler: Compiler, text: str, lexer: str) -> None:
    try:
        check_masks(compiler, text, "abc ", "abc AB", 1, lexer=lexer)
    except GrammarError:
        return


def unproved(proof: Proof) -> Verdict:
    """What is said of a grammar of which nothing could be proved."""
    n = len(proof._grammar.lexer.entry)
    return Verdict(np.zeros((n, n), np.uint8), lives=False, harmful=np.ones(n, np.uint8), owes=True, opens=True)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), print_blob=False)
@given(
    texts(),
    st.sampled_from(["contextual", "basic"]),
    st.sampled_from([1, liveness.AT_ONCE]),
    st.sampled_from([1, liveness.MOST]),
)
def test_random_grammars_without_a_proof(compiler: Compiler, text: str, lexer: str, at_once: int, most: int) -> None:
    with patch.object(Proof, "run", unproved), patch.multiple(liveness, AT_ONCE=at_once, MOST=most):
        try:
            check_masks(Compiler(compiler.vocabulary, cache_dir=False), text, "abc ", "abc AB", 1, lexer=lexer)
        except GrammarError:
            return


@pytest.mark.parametrize("start", ['"a" T', 'T "a"', '"a" T | T', '"a" T | "a"'])
@pytest.mark.parametrize("lexer", ["contextual", "basic"])
def test_a_word_that_is_a_string_is_no_word_of_another_terminal(compiler: Compiler, start: str, lexer: str) -> None:
    check_masks(compiler, f"start: {start}\nT: /a|ab/", "abc ", "abc AB", 1, lexer=lexer)


@pytest.mark.parametrize("start", ['"a" T', '"a" T "b"', '"a" T | "c"', 'T "a"'])
@pytest.mark.parametrize("assertion", ["(?=b)", "(?!b)", "$"])
def test_an_assertion_at_the_end_of_the_text(compiler: Compiler, start: str, assertion: str) -> None:
    check_masks(compiler, f"start: {start}\nT: /a{assertion}/", "abc ", "abc AB", 1)


# grammar, letters, a beginning that can be finished, and one that cannot
CASES = {
    "swallowed": ('start: A B "c"\nA: /a+/\nB: /ab/ | "b" | /a?c/', "abc", "a", ""),
    "unproductive": ('start: "a" | "b" x\nx: "c" x', "abc", "", "b"),
    "conflict": ('start: x "e" "y" | "a"\nx: "i" x | "i" x "e" x | "s"', "iesya", "is", ""),
    "no word": ('start: "a" (X | "c") | "b" X\n%declare X', "abc", "a", "b"),
    "comment": ('start: e "\\n"\n?e: "a" | "(" e ")"\n%ignore /#[^\\n]*/', "a(#\n)", "(a)", "(a#"),
    "key word": (
        'start: s+\n?s: "if" N s ["else" s] | "do" s "while" N | N ";"\nN: /[a-z]+/\n%ignore " "',
        "dowhile fsx;",
        "do if x x;else ",
        "do if x x;elsex",
    ),
    "not": ('start: N ("not" "in" N)?\nN: /[a-z]+/\n%ignore " "', "notia ", "a not ", "a nota"),
    "lookahead": ('start: A "d" | B "b" "c"\nA: /a(?!bc)/\nB: /a(?=bc)/', "abcd", "a", "abd"),
    "promise": ("start: A B | A C\nA: /a+(?=b)/\nB: /c/\nC: /bc*/", "abc", "ab", "ac"),
    "long lookahead": ('start: A "bd" | "a" "c"\nA: /a(?=bd)/', "abcd", "ab", "abc"),
    "left over": ('start: A "+" B\nA: /[0-9](\\+1)?/\nB: /1/', "01+", "0+1+", "0+0"),
    "comment in vain": ('start: "<" "!" N ("-" "-" ">")?\nN: /[a-z]+/\nC: /<!.*->/\n%ignore " "', "<!- a>", "<!a", ""),
    "no separator": (
        'start: "c" | A B | "c" C | "c" K\nA: "a"\nB: "b"\nC: "ab"\nK: "-b"\n%ignore "-"',
        "abc-",
        "c",
        "",
    ),
    "phrases": (
        'start: (N | K | F)+ ";"\nN: /[abc]+/\nK.2: "a b"\nF.2: "b c"\n%ignore /[ \\n]+/',
        "ab \nc;",
        "a b",
        "",
    ),
    "carried": ('start: T D | "c" O\nT: /aa/\nO: /aabb/\nD: /bba|ca/\n%ignore /~.*/', "abc~", "aac", ""),
    "merging": ('start: N (" " N)* ";"\nN: /a/ | /b(\\n\\n;)?/\n%ignore /\\n(a\\n)?/', "ab\n; ", "b\n", ""),
}


@pytest.mark.parametrize("name", CASES)
def test_dead_ends(name: str) -> None:
    text, letters, alive, dead = CASES[name]
    compiler, tables, every = compiler_for(letters[:4]), compile_lark(text), letters + letters.upper()
    for lexer in ("contextual", "basic"):
        check_masks(compiler, text, letters[:4], every, 1, lexer=lexer)
    matcher = compiler.lark(text).matcher()
    assert can_be_finished(tables, alive, every) and matcher.accept_bytes(alive.encode())
    if dead:
        assert not can_be_finished(tables, dead, every, MOST)
        matcher.reset()
        assert not matcher.accept_bytes(dead.encode())


# grammars with conflicts, with terminals that swallow a line, and with phrases of several words
PROVED = {
    "parentheses": 'start: t\n?t: A | "(" t ")" | "(" l ")"\nl: (t | "*" t) ("," (t | "*" t))*\nA: "a"',
    "string": 'start: (N | S | N "=" S)+\nN: /[a-z]+/\nS: /".*"/\n%ignore /[ \\n]/+',
    "words": 'start: w ("," w)*\nw: ' + " | ".join(f'"w{i}z"' for i in range(1500)),
    "phrase": 'start: (N | "read from" N | N "from" N)+\nN: /[a-z]+/\n%ignore /[ \\n]/+',
}


@pytest.mark.parametrize("name", PROVED)
def test_is_proved(name: str) -> None:
    grammar = hopeful(compile_lark(PROVED[name]), ())
    assert Proof(grammar, ways(grammar.lexer)).run().lives


@pytest.mark.parametrize("name", ["arithmetic", "json", "log", "smiles", "sql"])
def test_examples_are_proved(compiler: Compiler, name: str) -> None:
    grammar = compiler.lark((EXAMPLES / f"{name}.lark").read_text())
    assert not hasattr(grammar.matcher()._placement.lowering, "_liveness")


def test_brackets_of_python_hold_no_comments(compiler: Compiler) -> None:
    """Behind one, nothing could come but a new line, which is a token that brackets have no use for."""
    matcher = compiler.lark((EXAMPLES / "python.lark").read_text()).matcher()
    assert matcher.accept_bytes(b"a = 1 # one\nb = (a + ") and not matcher.accept_bytes(b"#")
    assert matcher.accept_bytes(b"1) #") and matcher.accept_bytes(b" two\n")


def test_too_large_to_decide() -> None:
    compiler = Compiler(compiler_for("a").vocabulary, cache_dir=False, limits=Limits(regex_states=50))
    with pytest.raises(LimitExceeded, match="regex_states"):
        compiler.lark('start: (A | "ab")+\nA: /a{1,9}b{1,9}c{1,9}(?=ab)/')


@pytest.mark.parametrize(
    ("text", "begun", "fits"),
    [
        ('start: A "c" | "q" B\nA: /x(?!y)/\nB: /xzw/', b"xz", False),  # A has ended, and no z can follow
        ('start: "c"\n%ignore / (?!a)/', b"c \xc3", False),  # no character beyond ASCII can follow
        ('start: "c" ("é" | "x")\n%ignore / (?!a)/', b"c \xc3", True),
        ('start: "c" ("é" | "x")\n%ignore / (?!a)/', b"c \xe3", False),
        ("start: A B\nA: /a(?!é)/\nB: /[éb]/", b"a\xc3", False),  # A allows others, B reads only this one
        ("start: A B\nA: /a(?!é)/\nB: /[éèb]/", b"a\xc3", True),
        ('start: (NUM | NAME)+\nNUM: /\\d+(?!\\w)/\nNAME: /[^\\W\\d]\\w*/\n%ignore " "', b"12\xc3", False),
    ],
)
@pytest.mark.parametrize("lexer", ["contextual", "basic"])
def test_what_follows_a_lookahead_has_begun(
    compiler: Compiler, text: str, begun: bytes, fits: bool, lexer: Literal["contextual", "basic"]
) -> None:
    matcher = compiler.lark(text, lexer=lexer).matcher()
    assert matcher.accept_bytes(begun[:-1])
    tokens = range(len(matcher.grammar.vocabulary))
    assert allowed(matcher) == {t for t in tokens if matcher.validate([t])}
    assert matcher.accept_bytes(begun[-1:]) == fits
    assert not fits or allowed(matcher)


def test_too_many_steps_to_the_first_text() -> None:
    compiler = Compiler(compiler_for("a").vocabulary, cache_dir=False, limits=Limits(proof_steps=100))
    with patch.object(Proof, "run", unproved), pytest.raises(LimitExceeded, match="proof_steps") as raised:
        compiler.lark((EXAMPLES / "python.lark").read_text())
    assert raised.value.measured <= 1_000


def test_all_that_can_be_asked_of_a_large_grammar_takes_few_steps(compiler: Compiler) -> None:
    with patch.object(Proof, "run", unproved):
        lowering = compiler.lark((EXAMPLES / "python.lark").read_text() + "\n").matcher()._placement.lowering
    needs = lowering._liveness._needs
    assert needs.solve(Limits().proof_steps) < 400_000
    assert needs.is_solved


def test_deep_stacks(compiler: Compiler) -> None:
    text = 'start: e "\\n"\n?e: "a" | "b" e "c"\n%ignore /#[^\\n]*/'
    matcher = compiler.lark(text).matcher()
    assert matcher.accept_bytes(b"b" * 3000 + b"a" + b"c" * 2999)
    assert not matcher.accept_bytes(b"#") and matcher.accept_bytes(b"c# \n") and matcher.is_complete()
