"""Islands and special tokens in Lark grammars, and Lark grammars in structural tags, against naive recognisers."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detent.automata.compiled import Grammar
from detent.automata.compiler import Compiler
from detent.automata.matcher import Matcher
from detent.automata.vocabulary import Vocabulary
from detent.grammar.errors import GrammarError, Unsatisfiable
from detent.grammar.lark.compile import compile_lark
from tests.masks import allowed
from tests.naive import islands as naive
from tests.naive.lexed import accepts as is_sentence

PIECES = b'ab|ba|aab|c |b c|({"a"|{"a":|1}|})|}) |f(|x)|</t>|x</t>|+1</|<t>|<t>x|a</t>b|"a"|[1,1|1,|,1]|true'.split(
    b"|"
)
CALL, END = 256 + len(PIECES), 257 + len(PIECES)
QUICK = settings(derandomize=True, deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def compiler() -> Compiler:
    listed = [*(bytes([b]) for b in range(256)), *PIECES, None, None, None]
    vocabulary = Vocabulary.from_tokens(listed, eos=[END + 1], special={"<|call|>": CALL, "<|end|>": END})
    return Compiler(vocabulary, cache_dir=False)


def reads(grammar: Grammar, *pieces: str | int) -> bool:
    """Whether a text with special tokens in it belongs to a grammar; every mask on the way is compared with steps."""
    matcher = grammar.matcher()
    steps = [step for piece in pieces for step in ([piece] if isinstance(piece, int) else piece.encode())]
    for place, step in enumerate(steps):
        if place < 12:  # deeper, the same masks come again
            check(matcher)
        special = step >= 256
        if not (matcher.accept(step) if special else matcher.accept_bytes(bytes([step]))):
            return False
    check(matcher)
    return matcher.is_complete()


def check(matcher: Matcher) -> None:
    """Compare a mask with single steps."""
    vocabulary = matcher.grammar.vocabulary
    got, wanted = allowed(matcher), {t for t in range(len(vocabulary)) if matcher.validate([t])}
    assert got == wanted, [vocabulary.token_bytes(t) or t for t in got ^ wanted]


POINT = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
CALLS = 'start: (NAME "(" ARGS ")")+\nNAME: /[a-z]+/\n%declare ARGS\n%ignore " "'


@pytest.mark.parametrize("parser", ["lalr", "earley"])
def test_schemas_as_arguments(compiler: Compiler, parser: Any) -> None:
    grammar = compiler.lark(CALLS, parser=parser, islands={"ARGS": POINT})
    assert grammar.has_free_names
    assert compiler.lark(CALLS, parser=parser, islands={"ARGS": dict(POINT)}) is grammar
    assert compiler.lark(CALLS, parser=parser, islands={"ARGS": {}}) is not grammar
    for text in ('f({"a":1})', 'f ( { "a" : 1 } ) g({"a":-1})', 'f({"a":1,"b":{"a":[{}]},"c":"{"})'):
        assert reads(grammar, text), text
    for text in ("f(1)", 'f({"b":1})', 'f({"a":1,"a":2})', 'f({"a":1}', 'f({"a":1,"b":{"c":1,"c":1}})', '{"a":1}'):
        assert not reads(grammar, text), text


def test_text_that_a_longer_token_gives_back(compiler: Compiler) -> None:
    grammar = compiler.lark('start: T J\nT: /c+b|c/\n%declare J\n%ignore " "', islands={"J": compiler.regex("ca?")})
    assert reads(grammar, "cc ")  # behind the first c, the token "c " is an island and white space, or a longer T
    assert reads(grammar, "ccbca")


def test_python_types(compiler: Compiler) -> None:
    grammar = compiler.lark('start: X ("," X)*\n%declare X', islands={"X": list[int]})
    assert reads(grammar, "[1, 2],[],[ 3 ]")
    assert not reads(grammar, "[1,2],[true]")


def test_equal_items_inside_an_island(compiler: Compiler) -> None:
    unique = {"type": "array", "items": {"type": "integer"}, "uniqueItems": True}
    grammar = compiler.lark('start: (X ";")+\n%declare X', islands={"X": unique})
    assert reads(grammar, "[1,2,11];[1];")
    assert not reads(grammar, "[1,2,1];")
    matcher = grammar.matcher()
    assert matcher.accept(256 + PIECES.index(b"[1,1"))
    assert not matcher.accept_bytes(b"]")
    assert matcher.accept_bytes(b"1];")
    assert matcher.is_complete()


def test_special_tokens(compiler: Compiler) -> None:
    text = "start: (CALL NAME ARGS STOP)+ TEXT?\nNAME: /[a-z]+/\nTEXT: /[^<]+/\n%declare ARGS CALL STOP"
    for parser in ("lalr", "earley"):
        grammar = compiler.lark(
            text,
            parser=parser,
            islands={"ARGS": POINT},
            tokens={"CALL": "<|call|>", "STOP": END},  # type: ignore[arg-type]
        )
        assert reads(grammar, CALL, 'f{"a":1}', END)
        assert reads(grammar, CALL, 'f{"a":1}', END, CALL, 'ab{"a":1,"b":2}', END, "so it is")
        assert not reads(grammar, CALL, 'f{"a":1}')
        assert not reads(grammar, 'f{"a":1}', END)
        assert not reads(grammar, CALL, "f", END)


def test_a_token_ends_the_text_of_the_lexer(compiler: Compiler) -> None:
    grammar = compiler.lark(
        "start: (N | STOP | D)+\nN: /[0-9]+(\\.[0-9]+)?/\nD: /\\.+/\n%declare STOP", tokens={"STOP": END}
    )
    for pieces in (("1", END), ("1.5", END, "2"), ("1.", END, ".1"), (END, END, "1..")):
        assert reads(grammar, *pieces), pieces
    assert not reads(grammar, "1", CALL)


def test_grammars_inside_grammars(compiler: Compiler) -> None:
    parts = {
        "R": compiler.regex("[ab]+c?"),
        "G": compiler.gbnf('root ::= "(" root ")" | "x"'),
        "L": compiler.lark('start: N ("+" N)*\nN: /[0-9]+/'),
        "E": compiler.lark('start: "<" start ">" | "<>"', parser="earley"),
        "W": compiler.choice(["one", "two"]),
    }
    grammar = compiler.lark('start: ((R | G | L | E | W) ";")+\n%declare R G L E W', islands=parts)
    assert reads(grammar, "abac;(((x)));1+22;<<>>;two;")
    for text in ("abca;", "((x);", "1+;", "<>>;", "x", ";"):
        assert not reads(grammar, text), text
    nested = compiler.lark('start: "{" (X | start)* "}"\n%declare X', islands={"X": grammar})
    assert reads(nested, "{1+1;{}{{one;two;}}}")
    assert not reads(nested, "{1+1;{}{{one;tw;}}}")


@pytest.mark.parametrize("text", ["s: R s | R", "s: s R | R", "s: R R s | R", "s: R | s s"])
def test_islands_next_to_each_other(compiler: Compiler, text: str) -> None:
    parser: Any = "earley" if "s s" in text else "lalr"
    grammar = compiler.lark(text + "\n%declare R", start="s", parser=parser, islands={"R": compiler.regex("a|bb*")})
    assert reads(grammar, "abbaabb" + "b" * 40 + "aa" * ("R R" not in text))
    assert not reads(grammar, "abc")


ISLANDS = ["[ab]+", "a(ba)*", "b|bc", "[ab ]b", "c+a?"]
PATTERNS = ["/a+/", "/[ab]+/", '"a"', '"b"', "/ab?/", "/a(?=b)/", "/b\\b/", "/(?<=a)b/", "/c+b|c/", '"ab"', '" "']


@st.composite
def grammars(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A grammar that declares ``I``, ``J`` and ``K``, and the patterns of the islands ``I`` and ``J``."""
    rules = ["start", "x"][: draw(st.integers(1, 2))]
    item = st.sampled_from(["T0", "T1", "I", "J", "K", "I", *rules, "T0?"])
    lines = ["%declare I J K", *(f"T{k}: {draw(st.sampled_from(PATTERNS))}" for k in range(2))]
    for name in rules:
        sequence = st.lists(item, min_size=1, max_size=3).map(" ".join)
        lines.append(f"{name}: {' | '.join(draw(st.lists(sequence, min_size=1, max_size=3)))}")
    if draw(st.booleans()):
        lines.append('%ignore " "')
    return "\n".join(lines), [draw(st.sampled_from(ISLANDS)) for _ in range(2)]


def pieces_of(text: str) -> list[naive.Piece]:
    """A text in which ``!`` is a special token."""
    return [CALL if part == "!" else part for part in re.split("(!)", text) if part]


def is_stuck(matcher: Matcher, alphabet: bytes = b"abc ") -> bool:
    """Whether some text leads into a dead end: a search of the states that letters lead to; some hundred at most."""
    number = {matcher.state: 0}
    pending, before = [matcher], [[] for _ in range(MOST + 6)]
    ends = set()
    for here, one in enumerate(pending):
        if one.is_complete() or len(pending) > MOST:
            ends.add(here)
        for letter in (*alphabet, CALL) if here not in ends else ():
            there = one.fork()
            if there.accept(letter):
                if there.state not in number:
                    number[there.state] = len(pending)
                    pending.append(there)
                before[number[there.state]].append(here)
    todo = list(ends)
    for here in todo:
        new = [one for one in before[here] if one not in ends]
        ends.update(new)
        todo += new
    return len(ends) < len(pending)


MOST = 300


@QUICK
@given(grammars())
def test_random_grammars(compiler: Compiler, drawn: tuple[str, list[str]]) -> None:
    text, patterns = drawn
    used = {name for name in "IJK" if re.search(rf": .*\b{name}\b", text)}
    islands = {name: pattern for name, pattern in zip("IJ", patterns, strict=True) if name in used}
    tokens = {"K": CALL} if "K" in used else {}
    try:
        tables = compile_lark(text)
        grammar = compiler.lark(
            text, islands={name: compiler.regex(pattern) for name, pattern in islands.items()}, tokens=tokens
        )
    except (GrammarError, Unsatisfiable):
        return
    number = {name: k for k, name in enumerate(tables.terminals)}
    languages = {number[name]: re.compile(pattern).fullmatch for name, pattern in islands.items()}
    taken = {number[name]: token for name, token in tokens.items()}
    for letters in product("abc !", repeat=4):
        pieces = pieces_of("".join(letters).rstrip())
        matcher = grammar.matcher()
        got = all(matcher.accept(p) if isinstance(p, int) else matcher.accept_bytes(p.encode()) for p in pieces)
        assert (got and matcher.is_complete()) == naive.accepts(tables, pieces, languages, taken), (
            text,
            patterns,
            pieces,
        )  # type: ignore[arg-type]
    for candidate in ("abab", "a b!ab", "ccab", "!aba"):
        reads(grammar, *pieces_of(candidate))
    assert not is_stuck(grammar.matcher()), (text, patterns)


WORDS = "N: /[a-z]+/\n%declare W STOP"


@pytest.mark.parametrize("ignored", ["", '%ignore " "'])
def test_a_word_that_swallows_an_island(compiler: Compiler, ignored: str) -> None:
    """Without white space between them, a name goes on to the end of the letters, so no island comes behind it."""
    islands = {"W": compiler.regex("[a-z]+")}
    matcher = compiler.lark(f'start: N W ";" | N "!"\n{WORDS}\n{ignored}', islands=islands).matcher()
    assert matcher.accept_bytes(b"ab") and not matcher.accept_bytes(b";")
    assert matcher.accept_bytes(b" ") == bool(ignored) and matcher.accept_bytes(b"b;" if ignored else b"!")
    if not ignored:
        with pytest.raises(Unsatisfiable):
            compiler.lark(f'start: N W ";"\n{WORDS}', islands=islands)


LONGER = 'start: "(" A X ")" | "," B\nA: /%s/\nB: /%s/\n%%declare X'
SPACES = '\n%ignore " "'
LETTERS = b"abcd (),;"


@pytest.mark.parametrize(
    ("text", "island", "lexer"),
    [
        (LONGER % ("a", "abc"), "bc|d", "basic"),  # the island can be ended, but not behind "b"
        (LONGER % ("a", "abc") + SPACES, "bc", "basic"),  # with white space before it, it can be ended
        (LONGER % ("a", "a bc") + SPACES, " ?bc", "basic"),
        (LONGER % ("a", r"abc\)"), "bc", "basic"),  # only what is behind the island makes the longer token
        (LONGER % ("a", r"abc *\)") + SPACES, "bc", "basic"),
        (LONGER % ("a", "ab(?!d)"), "bc|d", "basic"),  # what B owes comes true
        (LONGER % ("a", "aé"), "é|c", "basic"),  # the first byte of a character does not break A yet
        (LONGER % (r"a\b", "abc"), "é|,", "contextual"),
    ],
)
def test_islands_that_cannot_be_told_from_a_longer_token(
    compiler: Compiler, text: str, island: str, lexer: Any
) -> None:
    with pytest.raises(GrammarError, match=r"island X cannot be told .* behind A"):
        compiler.lark(text, lexer=lexer, islands={"X": compiler.regex(island)})


@pytest.mark.parametrize(
    ("text", "island"),
    [
        (LONGER % ("a", "abc"), "bc"),
        ('start: "(" A X ")" | "," B\nA: "ab"\nB: /[ab]+(,b)?/\n%declare X', ",b"),  # B matches key words
    ],
)
def test_islands_that_a_longer_token_takes_every_time(compiler: Compiler, text: str, island: str) -> None:
    """There is no text with such an island, so what leads to it is not begun."""
    matcher = compiler.lark(text, lexer="basic", islands={"X": compiler.regex(island)}).matcher()
    assert not matcher.accept_bytes(b"(") and not is_stuck(matcher, LETTERS)
    with pytest.raises(Unsatisfiable):
        compiler.lark('start: A X ";"\nA: /a(bc)*/\n%declare X', islands={"X": compiler.regex("bc")})


@pytest.mark.parametrize(
    ("text", "island", "lexer"),
    [
        (LONGER % ("a", "abc"), "bc", "contextual"),  # B is not tried there
        (LONGER % ("a", "abc"), "bd|c", "basic"),  # by its second character, the island is told from B
        (LONGER % ("a", "abc"), "b+c", "basic"),
        (LONGER % ("a", "ab*d"), "b+", "basic"),  # behind the island, B cannot go on
        (LONGER % ("a", "ab*,"), "[b,]+", "basic"),
        (LONGER % ("a", "a c") + SPACES, " ?c", "basic"),  # behind the space, there may be another one
        (LONGER % ("a", "a c") + "\n%ignore / +/", " ?c", "basic"),
        (LONGER % ("a", "acb|a bc") + "\n%ignore / +/", " ?b", "basic"),
        ('start: A X ";"\nA: /a(b*c)?/\n%declare X', "b+c", "contextual"),  # A may be longer, and then comes X
        ('start: A X ";" | B ";"\nA: /a/\nB: /abc/\n%declare X', "b+c", "contextual"),  # B may come as well
        ('start: "(" A X ")"\nA: /a/\n%ignore /abc/\n%declare X', "bc", "contextual"),  # "abc", and then comes A
        ('start: (X ";")+\n%ignore /b,/\n%declare X', "b|bc", "contextual"),
        ('start: "a" X X ";"\n%ignore /,b?c/\n%declare X', "bc|b", "basic"),
        ('start: (Q X Q | T)+\nQ: ","\nT: /,,,[^,]*,,,/\n%declare X', "[^,]+", "contextual"),
    ],
)
def test_islands_that_begin_like_a_longer_token(compiler: Compiler, text: str, island: str, lexer: Any) -> None:
    grammar = compiler.lark(text, lexer=lexer, islands={"X": compiler.regex(island)})
    assert not is_stuck(grammar.matcher(), LETTERS)


def test_two_islands_and_a_longer_token(compiler: Compiler) -> None:
    text = 'start: "(" A X Y ")" | "," B\nA: /a/\nB: /%s/\n%%declare X Y'
    islands = {"X": compiler.choice(["b"]), "Y": compiler.choice(["cd", "d"])}
    with pytest.raises(GrammarError, match=r"island [XY] cannot be told"):
        compiler.lark(text % "abcd", lexer="basic", islands=islands)
    assert not is_stuck(compiler.lark(text % "abd", lexer="basic", islands=islands).matcher(), LETTERS)


def test_of_islands_with_recursion_the_first_character_must_tell(compiler: Compiler) -> None:
    islands = {"X": compiler.gbnf('root ::= "b" root "c" | "d"')}
    with pytest.raises(GrammarError, match=r"island X cannot be told .* behind A"):
        compiler.lark(LONGER % ("a", "abc"), lexer="basic", islands=islands)
    assert not is_stuck(compiler.lark(LONGER % ("a", "acb"), lexer="basic", islands=islands).matcher(), LETTERS)


@QUICK
@given(
    st.sampled_from(["a", "ab?", "a+", "[ab]", "a(bc)?", r"a\b", "a(?!bc)"]),
    st.sampled_from(["abc", "ab*c", "[ab]+c", "a b", "a[bc ]*c", "abcb?", "ab(?!c)"]),
    st.sampled_from(["bc", "b+", "[bc]+", "b|cb", " ?b", "c( b)*", "[abc ]+"]),
    st.sampled_from(["", SPACES, "\n%ignore / +/", "\n%ignore /bca?/", "\n%ignore /,c/"]),
    st.sampled_from(["basic", "contextual"]),
)
def test_random_longer_tokens(compiler: Compiler, a: str, b: str, island: str, ignored: str, lexer: Any) -> None:
    """What is not refused has no dead end, and the texts that it should have."""
    text = LONGER % (a, b) + ignored
    tables = compile_lark(text, lexer_kind=lexer)
    try:
        grammar = compiler.lark(text, lexer=lexer, islands={"X": compiler.regex(island)})
    except (GrammarError, Unsatisfiable):
        return
    assert not is_stuck(grammar.matcher(), b"abc (),")
    languages = {tables.terminals.index("X"): re.compile(island).fullmatch}
    for letters in product("abc ", repeat=3):
        for piece in (f"({''.join(letters).strip()})", f",{''.join(letters)}"):
            matcher = grammar.matcher()
            got = matcher.accept_bytes(piece.encode()) and matcher.is_complete()
            assert got == naive.accepts(tables, [piece], languages, {}), piece  # type: ignore[arg-type]


def test_behind_an_island_there_must_be_a_way_on(compiler: Compiler) -> None:
    """Behind "b", a line can only be a comment, which nothing ends."""
    text = 'start: "a" W "\\n" | "b" W x\nx: C "!"\nC: /#.*/\n%declare W STOP'
    matcher = compiler.lark(text, islands={"W": compiler.regex("[0-9]")}).matcher()
    assert not matcher.accept_bytes(b"b") and matcher.accept_bytes(b"a1\n") and matcher.is_complete()


@pytest.mark.parametrize("island", ["b", "bé", {"enum": [1, 12]}])
def test_a_text_may_begin_with_an_island_where_a_comment_never_ends(compiler: Compiler, island: Any) -> None:
    """What may come behind the island is asked for before the first byte: the text may not be a comment to its end."""
    compiled = compiler.regex(island) if isinstance(island, str) else island
    grammar = compiler.lark("start: (X A)+\nA: /a\\b/\n%declare X\n%ignore /#.*/", islands={"X": compiled})
    text = island if isinstance(island, str) else "12"
    assert reads(grammar, text + "a") and reads(grammar, text + "a# b") and not reads(grammar, text + "a" + text)
    assert not grammar.matcher().accept_bytes(b"#") and not is_stuck(grammar.matcher(), b"ab12#\n \xc3\xa9")


@pytest.mark.parametrize(
    "text",
    [
        CALLS,
        "start: (STOP N ARGS STOP)+ T?\nN: /[a-z]+/\nT: /[^<]+/\n%declare ARGS STOP",
        'start: ARGS ("," ARGS)*\n%declare ARGS',
    ],
)
def test_grammars_with_islands_are_proved(compiler: Compiler, text: str) -> None:
    tokens: Any = {"STOP": END} if "STOP" in text else {}
    lowering = compiler.lark(text, islands={"ARGS": POINT}, tokens=tokens).matcher()._placement.lowering
    assert not hasattr(lowering, "_liveness")


# ------------------------------------------------------------------------------------------------------ structural tags
SUM = """
    start: sum?
    ?sum: atom | sum ("+" | "<" | "</") atom
    ?atom: NAME | N | "(" sum ")"
    NAME: /[a-z]+/
    N: /[0-9]+(\\.[0-9]+)?/
    %ignore " "
    """


def tagged(text: str, begin: str = "<t>", end: Any = "</t>", **options: Any) -> dict[str, Any]:
    return {"type": "tag", "begin": begin, "content": {"type": "lark", "grammar": text, **options}, "end": end}


@pytest.mark.parametrize("parser", ["lalr", "earley"])
def test_lark_in_a_tag(compiler: Compiler, parser: str) -> None:
    tags = {"type": "triggered_tags", "triggers": ["<t>"], "tags": [tagged(SUM, parser=parser)]}
    grammar = compiler.structural_tag(tags)
    good = ("hi <t>x+1.5</t> bye", "<t>x</t></t>", "<t></t>", "<t> </t>", "<t>x < y</t><t>z</t>", "<t>1</t>.5")
    for text in good:
        assert reads(grammar, text), text
    for text in ("<t>(x </t></t>)</t>", "<t>x", "<t>+</t>", "<t>1.</t>", "<t>x</t"):
        assert not reads(grammar, text), text


@QUICK
@given(st.lists(st.sampled_from(["x", "1", ".", "</t>", "</", "t", ">", "(", ")", " ", "+", "<t>"]), max_size=9))
def test_any_split_of_a_tag(compiler: Compiler, parts: list[str]) -> None:
    grammar = compiler.structural_tag({"type": "plus", "content": tagged(SUM)})
    tables, text = compile_lark(SUM), "<t>" + "".join(parts) + "</t>"
    good = {0}  # where whole tags end
    for at in range(len(text)):
        if at in good and text.startswith("<t>", at):
            ends = [m.start() for m in re.finditer("</t>", text) if m.start() >= at + 3]
            good |= {end + 4 for end in ends if is_sentence(tables, text[at + 3 : end])}
    assert reads(grammar, text) == (len(text) in good), text


def test_a_special_token_closes_a_tag(compiler: Compiler) -> None:
    grammar = compiler.structural_tag(tagged(SUM, "<|call|>", {"token": "<|end|>"}) | {"begin": {"token": "<|call|>"}})
    assert reads(grammar, CALL, "1+x", END)
    assert reads(grammar, CALL, END)
    assert not reads(grammar, CALL, "1+", END)


def test_what_follows_may_be_any_text(compiler: Compiler) -> None:
    grammar = compiler.structural_tag({"type": "sequence", "elements": [tagged(SUM, end=[""]), {"type": "any_text"}]})
    assert reads(grammar, "<t>1+x and more </t>")
    assert reads(grammar, "<t>))")
    assert not reads(grammar, "<tt")


def test_errors(compiler: Compiler) -> None:
    with pytest.raises(GrammarError, match="declares and uses"):
        compiler.lark('start: "a"', islands={"X": POINT})
    with pytest.raises(GrammarError, match="declares and uses"):
        compiler.lark('start: "a"', parser="earley", islands={"X": POINT})
    with pytest.raises(GrammarError, match="empty text"):
        compiler.lark("start: X\n%declare X", islands={"X": compiler.regex("a*")})
    with pytest.raises(GrammarError, match="no special token"):
        compiler.lark("start: X\n%declare X", tokens={"X": "a"})
    with pytest.raises(Unsatisfiable):
        compiler.lark("start: X Y\n%declare X Y", islands={"X": POINT})
    with pytest.raises(GrammarError, match="left out"):
        compiler.lark("start: X\n%declare X", islands={"X": compiler.json_schema({"pattern": "(a+)\\1"}, strict=False)})
    with pytest.raises(GrammarError) as caught:
        compiler.structural_tag(tagged("start: a"))
    assert caught.value.pointer == "/content/grammar"


@pytest.mark.parametrize(
    "text",
    [
        'start: X | "{" "}"\n%declare X',
        'start: X | STRING\nSTRING: /"[^"]*"/\n%declare X',
        "start: NAME X\nNAME: /a({!)?/\n%declare X",
        "start: NAME X\nNAME: /a(?={.)/\n%declare X",
        "start: X | Y\n%declare X Y",
    ],
)
def test_values_that_cannot_be_told_from_other_text(compiler: Compiler, text: str) -> None:
    islands = {"X": {}, "Y": POINT} if "Y" in text else {"X": {}}
    with pytest.raises(GrammarError, match="cannot be told"):
        compiler.lark(text, islands=islands)
