"""Masks of Lark grammars against steps, token by token, and ends of text against a naive recogniser."""

from __future__ import annotations

import random
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detent.automata.compiled import Grammar
from detent.automata.compiler import Compiler
from detent.automata.limits import Limits
from detent.automata.matcher import Matcher
from detent.automata.vocabulary import Vocabulary
from detent.grammar.errors import GrammarError, LimitExceeded, Unsatisfiable
from detent.grammar.lark.compile import compile_lark
from detent.grammar.lark.tables import LexedGrammar
from detent.native import arena as layout
from detent.native.lexed_places import BY_PLACES, BY_STACKS, UNKNOWN
from detent.native.lexed_steps import X_GRAMMAR
from detent.native.positions import K_LEX
from detent.native.stacks import G_SPELLS
from tests.grammar.lark.cases import CASES, judged, oracle
from tests.masks import allowed, arenas_made
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
    "late": "start: (A | B | C)+\nA: /a/\nB: /a[^b]*b/\nC: /[^ab]/",
    "once": "start: A\nA: /a(b|c)/",
    "counted": "start: (A | B)+\nA.2: /[ab]{0,11}c/\nB: /[abcé]{1,12}[ \\/]/",
    "quoted": "start: (S | A)+\nS: /x([^x]|xx)*x/\nA: /[a-c]/" + SPACE,
    "first": "start: (S | A)+\nS: /x[^x\\/][^\\/]*\\//\nA: /[a-d]+/" + SPACE,
    "division": 'start: A ("/" A)*\nA: /[a-dé]+/\n%ignore /\\/\\/[^x]*x/' + SPACE,
    "wide words": 'start: ("ab" | NAME "x")+\nNAME: /[a-cé]+/' + SPACE,
    "marked": 'start: "<" A "/" (start | T)* "x"\nA: /[a-c]+/\nT: /[^<x]+/' + SPACE,
    "flags": "start: (S | A)+\nS: /\\/(\\\\\\/|[^\\/])*?\\/[bd]*/\nA: /[a-z]+/" + SPACE,
    "late, mostly": "start: (A | B | C)+\nA: /a/\nB: /a(cd|[^bc])[^b]*b/\nC: /[^ab]/",
    "most": "start: (W | A)+\nW: /[^x ]+/\nA.2: /[ab]{2}c/" + SPACE,
    "most lead": "start: (S | A)+\nS: /[^x\\/]+x/\nA.2: /a[bc]*\\//" + SPACE,
    "boundary": "start: (H | N)+\nH.2: /x[a-c]{2}\\b/\nN: /[a-cé+-]+/" + SPACE,
    "key": 'start: (K "/" | V)+\nK: /[a-dé]+(?=\\/)/\nV: /[a-dé]+x/' + SPACE,
    "key of two": 'start: (K "/" | V)+\nK: /[a-dé]+(?=\\/[ab])/\nV: /[a-dé]+(?=x)/\n%ignore /[ x]/',
    "cycle": "start: (H | B)+\nH: /x([ab]{2})+/\nB: /([a-dx]{4})*[a-d]\\//" + SPACE,
    "spelled": 'start: (word " " | "<" any* "-" | "|" sum "|")+\nword: letter (letter | digit)*\n'
    'letter: "a" | "b" | "c" | "é"\ndigit: "1"\nsum: digit* "." digit+\nany: /[^-]/',
    "spelled, held": 'start: stmt+\nstmt: "<" name "=" text "," | name "!"\nname: A (A | D)*\ntext: "(" (A | D)* ")"\n'
    "A: /[a-cé]/\nD: /[12]/",
    "spelled in fours": 'start: (four+ end)+\nfour: a a a a\nend: a "="\na: '
    + " | ".join(f'"{c}"' for c in "abcif.1+"),
    "spelled with words": 'start: (IF " " | name "=" | AX)+\nname: letter+\nletter: "a" | "b" | "i" | "f"\nIF: "if"\n'
    "AX: /ax?é/",
    "spelled, asked": 'start: s+\ns: "ab" name ";" | name "=" name ";" | "(" CHAR* ")"\nname: letter (letter | "1")*\n'
    'letter: "a" | "b" | "c" | "é"\nCHAR: /[^)]/',
    "spelled with spaces": 'start: (name "=" name ";" | "ab" "!" | "<" (A | B)* ">")+\nname: (A | B | C)+\n'
    'A: "a"\nB: "b"\nC: "c" | "ca"' + SPACE,
    "key words": 'start: ("bac" NAME | "ba" "/" | "cab" | NAME "/" NAME | "\\\\" "ba" "x")+\nNAME: /[a-dé]+/' + SPACE,
    "key words that go on": 'start: ("ba/c" "b" | "ba" "\\\\" | "da" NAME | NAME "/")+\nNAME: /[a-d][a-dx]*/' + SPACE,
    "key words that loop": 'start: (H "/" | "cab" | "ca" NAME | NAME " ")+\nNAME: /[a-dx]+/\nH.2: /b[ac]+/',
    "operators": 'start: sum\nsum: "/"* A | sum ("x" | "/" | "xx") sum | "\\\\" sum+ "\\\\"\nA: /[a-c]+x?/' + SPACE,
    "longer operators": 'start: A (("x" | "xx") B | "/" ("/" B | "x"))*\nA: /[a-c]+/\nB: "b"+ | "/" "b"' + SPACE,
    "rows": 'start: e+\ne: "a" e | "x" e "/" | "c" | "\\\\" "a"* "b" | "ab"\nX: "é"\n%ignore X' + SPACE,
    "one before": "start: (A | B)+\nA.2: /x[abc]+(?<=c)/\nB: /[a-cé]+/" + SPACE,
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


def check_walk(matcher: Matcher, tables: LexedGrammar, text: bytes, rng: random.Random, most: int) -> None:
    """Check masks on a random way of at most so many tokens, behind a text that was read."""
    vocabulary = matcher.grammar.vocabulary
    for _ in range(most):
        tokens = sorted(check_here(matcher, tables, text) - set(vocabulary.eos_ids))
        if not tokens:
            break
        token = rng.choice(tokens)
        assert matcher.accept(token)
        text += vocabulary.token_bytes(token)


@QUICK
@given(seed=st.integers(0, 2**32 - 1))
def test_walks(both: tuple[Grammar, LexedGrammar], seed: int) -> None:
    grammar, tables = both
    rng = random.Random(seed)
    check_walk(grammar.matcher(), tables, b"", rng, rng.randrange(1, 14))


@QUICK
@given(text=st.text(alphabet=LETTERS, max_size=12))
def test_texts(both: tuple[Grammar, LexedGrammar], text: str) -> None:
    grammar, tables = both
    matcher = grammar.matcher()
    is_sentence = matcher.accept_bytes(text.encode()) and matcher.is_complete()
    assert is_sentence == accepts(tables, text)


@pytest.mark.parametrize("name", CASES)
def test_corner_cases(compiler: Compiler, name: str) -> None:
    case = CASES[name]
    lark, rng = oracle(case), random.Random(name)
    options = {key: case.options[key] for key in ("start", "parser", "lexer") if key in case.options}
    texts = list(case.texts(60))
    try:
        grammar = compiler.lark(case.grammar, **options)
    except Unsatisfiable:
        assert not any(judged(lark, text) for text in texts)
        return
    for text in texts:
        matcher, data = grammar.matcher(), text.encode()
        is_sentence = True
        while data and is_sentence:  # in pieces that need not be characters
            n = rng.randint(1, 5)
            is_sentence, data = matcher.accept_bytes(data[:n]), data[n:]
        assert (is_sentence and matcher.is_complete()) == judged(lark, text), text


def test_machines_share_an_arena(compiler: Compiler) -> None:
    rules = compiler.gbnf('root ::= "a" root "b" | "c"').matcher()
    lexed, json = compiler.lark(GRAMMARS["arithmetic"]).matcher(), compiler.json_schema({"type": "integer"}).matcher()
    assert rules.accept_bytes(b"aacb") and lexed.accept_bytes(b"(a + ") and json.accept_bytes(b"1")
    assert {ord("b")} <= allowed(rules) and ord("(") in allowed(lexed) and ord(")") not in allowed(lexed)
    assert lexed.accept_bytes(b"b)") and lexed.is_complete() and json.is_complete()


@pytest.fixture(scope="module")
def wide() -> Compiler:
    """Thousands of tokens: whole tables go into rows, and shadows of the whole vocabulary into masks of their own.

    Long ones go on in a loop for longer than some tables look.
    """
    letters = ["a", "b", "c", "d", "x", "/", "\\", " ", "é"]
    tokens = [bytes([b]) for b in range(256)] + [
        "".join(t).encode() for n in (2, 3, 4) for t in product(letters, repeat=n)
    ]
    tokens += [letter * n + end for letter in (b"a", b" ") for n in (31, 32, 33, 40, 70) for end in (b"", b"/", b"x")]
    return Compiler(Vocabulary.from_tokens([*tokens, b"</s>"], eos=[len(tokens)]), cache_dir=False)


BEGINNINGS = {
    "escape": rb"/a\/",
    "comment": b"",
    "long lookahead": b"a",
    "shadows": b"aa",
    "counted": b"ab",
    "words": b"",
    "late": b"a",
    "quoted": b"xa",
    "first": b"x",
    "division": b"a/",
    "wide words": b"ab",
    "marked": b"<a/b",
    "wide": b"a",
    "flags": rb"/c\/",
    "late, mostly": b"a",
    "most": b"",
    "most lead": b"",
    "boundary": b"x",
    "one before": b"xa",
    "key words": b"",
    "operators": b"ax",
    "longer operators": b"ax",
    "rows": b"x",
    "key words that go on": b"",
    "key words that loop": b"",
    "key": b"a",
    "key of two": b"a",
    "cycle": b"xab",
}


@pytest.mark.parametrize("name", BEGINNINGS)
def test_large_vocabulary(wide: Compiler, name: str) -> None:
    grammar, tables = wide.lark(GRAMMARS[name]), compile_lark(GRAMMARS[name])
    rng = random.Random(name)
    for _ in range(3):
        matcher, text = grammar.matcher(), BEGINNINGS[name]
        assert not text or matcher.accept_bytes(text)
        check_walk(matcher, tables, text, rng, 5)


@pytest.fixture(scope="module")
def spelling() -> Compiler:
    """Most tokens are words of a few letters."""
    words = ["".join(t) for n in range(1, 6) for t in product("abcé", repeat=n)]
    ends = ["=", ";", " ", "1", ")", "(a", "=b", " ab", "11"]
    tokens = [bytes([b]) for b in range(256)] + [word.encode() for word in words]
    tokens += [(word + end).encode() for word in words if len(word) < 5 for end in ends] + [b"a\xc3", b"\xa9b="]
    return Compiler(Vocabulary.from_tokens([*tokens, b"</s>"], eos=[len(tokens)]), cache_dir=False)


def how_read(matcher: Matcher) -> int:
    """How masks of a grammar are read that meet many stacks."""
    A = matcher._A
    item = A[A[layout.STATE] + matcher.state * layout.STATE_STRIDE]
    assert A[A[layout.POS] + A[item] * layout.POS_STRIDE] == K_LEX
    return int(A[A[A[layout.POS] + A[item] * layout.POS_STRIDE + X_GRAMMAR] + G_SPELLS])


SPELLED = {
    "spelled": b"<a",
    "spelled, held": b"<",
    "spelled, asked": b"ab",
    "spelled with spaces": b"a ",
    "alternation": b"",
    "comment": b"",
    "nesting": None,
}


@pytest.mark.parametrize("name", SPELLED)
def test_words_that_are_spelled(spelling: Compiler, name: str) -> None:
    grammar, tables, begun = spelling.lark(GRAMMARS[name]), compile_lark(GRAMMARS[name]), SPELLED[name]
    rng = random.Random(name)
    for k in range(4):
        matcher, text = grammar.matcher(), b"" if k % 2 or begun is None else begun
        assert not text or matcher.accept_bytes(text)
        check_walk(matcher, tables, text, rng, 5)
    assert how_read(grammar.matcher()) == (UNKNOWN if begun is None else BY_PLACES)


def test_the_first_mask_that_is_read_by_places(spelling: Compiler) -> None:
    """Tables were built before that was known, in the scratch that the mask is collected in."""
    text = 'start: ("ab" name ";" | "<" name* ">")+\nname: l l l | l\nl: "a" | "b" | E\nE: /[éa]/\n%ignore / +/'
    grammar, tables = spelling.lark(text, lexer="basic"), compile_lark(text, lexer_kind="basic")
    for begun in ("a", "abé", "ab", "<"):
        matcher = grammar.matcher()
        assert matcher.accept_bytes(begun.encode())
        check_here(matcher, tables, begun.encode())
    assert how_read(grammar.matcher()) == BY_PLACES


def test_stacks_that_all_differ() -> None:
    tokens = [bytes(word) for n in range(2, 6) for word in product(b"abcdefgh", repeat=n)]
    tokens += [bytes([b]) for b in range(256)]
    compiler = Compiler(Vocabulary.from_tokens([*tokens, b"</s>"], eos=[len(tokens)]), cache_dir=False)
    matcher = compiler.lark("start: " + " | ".join(f'"{c}" start | "{c}"' for c in "abcdefgh")).matcher()
    words = {k for k, token in enumerate(tokens) if not token.strip(b"abcdefgh")}
    assert allowed(matcher) == words
    assert how_read(matcher) == BY_STACKS
    assert matcher.accept(1) and allowed(matcher) == words | {len(tokens)}


def test_what_is_never_asked_for_is_forgotten(compiler: Compiler) -> None:
    """The boundary is asked for inside a token alone, so words and other characters before it make no difference."""
    matchers = [compiler.lark(GRAMMARS["boundary"]).matcher() for _ in range(2)]
    assert matchers[0].accept_bytes(b"ab") and matchers[1].accept_bytes(b"a+")
    assert matchers[0].state == matchers[1].state
    matchers = [compiler.lark(GRAMMARS["lookbehind"]).matcher() for _ in range(2)]
    assert matchers[0].accept_bytes(b" ba") and matchers[1].accept_bytes(b" bb")
    assert matchers[0].state != matchers[1].state


@pytest.mark.parametrize("name", ["escape", "division", "most", "marked"])
def test_pairs_that_find_no_room_start_again(wide: Compiler, name: str) -> None:
    cramped = Compiler(wide.vocabulary, cache_dir=False)
    masks: list[list[set[int]]] = []
    for compiler in (wide, cramped):
        matcher = compiler.lark(GRAMMARS[name] + "\n").matcher()
        if compiler is cramped:
            compiler.arenas.current.A[layout.KEPT + 1] = 40
        masks.append([allowed(matcher)])
        for b in BEGINNINGS[name]:
            assert matcher.accept_bytes(bytes([b]))
            masks[-1].append(allowed(matcher))
    assert masks[0] == masks[1]


def test_shadow_ends_at_a_match() -> None:
    """After ``1.``, the letters go on with the shadow; ``5e`` passes a match, ``1.5``, which the parser refuses."""
    tokens = [bytes([b]) for b in range(256)] + [b"5e", b"ae", b"a5"]
    compiler = Compiler(Vocabulary.from_tokens([*tokens, b"</s>"], eos=[len(tokens)]), cache_dir=False)
    text = r"""
        start: INT "." NAME | "f" FLOAT
        NAME.4: /[a-z0-9]*[a-z]/
        FLOAT.3: /[0-9]+\.[0-9]+(e[0-9]+)?/
        INT.2: /[0-9]+/
        """
    matcher = compiler.lark(text, lexer="basic").matcher()
    assert matcher.accept_bytes(b"1.")
    got = allowed(matcher)
    assert got == {t for t in range(len(tokens)) if matcher.validate([t])}
    assert tokens.index(b"ae") in got and tokens.index(b"5e") not in got


def test_fork_and_rollback(compiler: Compiler) -> None:
    matcher = compiler.lark(GRAMMARS["arithmetic"]).matcher()
    assert matcher.accept_bytes(b"(a +")
    before, other = allowed(matcher), matcher.fork()
    assert other.accept_bytes(b" 1.5)")
    assert other.is_complete() and not matcher.is_complete()
    other.rollback(1)
    assert other.state == matcher.state and allowed(matcher) == before


def test_forced(compiler: Compiler) -> None:
    matcher = compiler.lark('start: "<a>" B\nB: "bc" | "bcd"').matcher()
    assert matcher.forced_bytes() == b"<a>bc"


@pytest.mark.parametrize(
    "text",
    [
        "start: A B\nA: /a+/\nB: /ab/",
        'start: A A | B "!"\nA: /a+/\nB: /ab/',
        'start: "x" start',
        'start: a\na: "x" b | "y" a\nb: "z" b',
    ],
)
def test_empty_grammars(compiler: Compiler, text: str) -> None:
    with pytest.raises(Unsatisfiable):
        compiler.lark(text)


def test_spelled_with_effort(compiler: Compiler) -> None:
    grammar = compiler.lark('start: A B\nA: /a+/\nB: /ab/ | "c"')
    assert grammar.matcher().accept_bytes(b"aac")


def test_what_fits_no_arena_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = [bytes([b]) for b in range(256)]
    limits = Limits(cache_bytes=1 << 20)
    compiler = Compiler(Vocabulary.from_tokens([*tokens, b"</s>"], eos=[256]), cache_dir=False, limits=limits)
    made = arenas_made(compiler, monkeypatch)
    with pytest.raises(LimitExceeded, match="cache_bytes"):
        compiler.lark("start: " + " | ".join(f'"w{k}"' for k in range(300)))
    assert len(made) <= 3
    assert compiler.lark('start: "x"').matcher().accept_bytes(b"x")


def test_arenas_are_renewed() -> None:
    tokens = [bytes([b]) for b in range(256)]
    limits = Limits(cache_bytes=1 << 20)
    compiler = Compiler(Vocabulary.from_tokens([*tokens, b"</s>"], eos=[256]), cache_dir=False, limits=limits)
    matcher = compiler.lark(GRAMMARS["nesting"]).matcher()
    first = compiler.arenas.current
    for k in range(60):
        assert matcher.accept_bytes(b"(a")
        other = compiler.lark(f'start: "x{k}"').matcher()
        assert allowed(other) == {ord("x")}
    assert compiler.arenas.current is not first
    assert matcher.accept_bytes(b")" * 60) and matcher.is_complete()
    with pytest.raises(LimitExceeded, match="cache_bytes"):
        for _ in range(2000):
            matcher.rollback(1)
            matcher.accept_bytes(b"(a ")
            matcher.accept_bytes(b"(a ")


def test_options(compiler: Compiler) -> None:
    assert compiler.lark('start: "a"', lexer="basic").matcher().accept_bytes(b"a")
    assert compiler.lark('one: "b"', start="one").matcher().accept_bytes(b"b")
    assert compiler.lark('start: "a"') is compiler.lark('start: "a"')
    with pytest.raises(ValueError, match="lalr"):
        compiler.lark('start: "a"', parser="cyk")  # type: ignore[arg-type]
    with pytest.raises(GrammarError):
        compiler.lark("start: missing")
