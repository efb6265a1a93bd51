"""Structural tags: free text, tags, islands that are JSON Schemas, special tokens."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from detent.automata.batch import fill_bitmasks
from detent.automata.compiled import Grammar
from detent.automata.compiler import Compiler
from detent.automata.matcher import allocate_bitmask
from detent.automata.vocabulary import Vocabulary
from detent.grammar.errors import GrammarError, Unenforceable
from detent.native import arena as layout
from tests.masks import allowed
from tests.strategies import tokens

PIECES = [b"<tool>", b"</tool>", b"<to", b'ol>{"', b'>{"x":1', b'a":1,"a"', b"hi <", b"</", b"1}</tool>", b'":1,"']


@pytest.fixture(scope="module")
def compiler() -> Compiler:
    listed = [*tokens()[:-3], *PIECES, None, None, None]
    n = len(listed)
    return Compiler(Vocabulary.from_tokens(listed, eos=[n - 1], special={"<|call|>": n - 2, "<|end|>": n - 3}))


def accepts(grammar: Grammar, text: str) -> bool:
    matcher = grammar.matcher()
    return matcher.accept_bytes(text.encode()) and matcher.is_complete()


def check(grammar: Grammar, good: list[str], bad: list[str]) -> None:
    assert [text for text in good if not accepts(grammar, text)] == []
    assert [text for text in bad if accepts(grammar, text)] == []


def tag(schema: Any, begin: str = "<tool>", end: Any = "</tool>") -> dict[str, Any]:
    return {"type": "tag", "begin": begin, "content": {"type": "json_schema", "json_schema": schema}, "end": end}


POINT = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
TOOLS = {"type": "triggered_tags", "triggers": ["<tool>"], "tags": [tag(POINT)]}
CALL, PAIR = '<tool>{"x": 1}</tool>', '<tool>{"x":1,"y":{"a":[]}}</tool>'


def test_free_text_with_tools(compiler: Compiler) -> None:
    check(
        compiler.structural_tag({"type": "structural_tag", "format": TOOLS}),
        ["", "hi", "a < b <tool", CALL, f"hi {CALL}{PAIR} bye", '<tool> { "x" :1\n} </tool>'],
        ["<tool>", "hi <tool>{}</tool>", "<tool>x", CALL[:-1], '<tool>{"x":1.5}</tool>'],
    )


def test_the_older_form(compiler: Compiler) -> None:
    older = {"structures": [{"begin": "<tool>", "schema": POINT, "end": "</tool>"}], "triggers": ["<to"]}
    check(
        compiler.structural_tag(json.dumps(older)), ["hi", CALL, f"<t{CALL}"], ["<to", "<tox", '<tool>{"y":1}</tool>']
    )


def test_choices_of_tools(compiler: Compiler) -> None:
    required = TOOLS | {"at_least_one": True}
    check(compiler.structural_tag(required), [CALL, f"{CALL} and {PAIR}"], ["", "hi", f"hi {CALL}"])
    one = TOOLS | {"stop_after_first": True}
    check(compiler.structural_tag(one), ["", "hi", f"hi {CALL}"], [f"{CALL} ", f"{CALL}{CALL}"])
    exactly = required | one | {"at_least_one": True}
    check(compiler.structural_tag(exactly), [CALL], ["", f"hi {CALL}", f"{CALL}."])
    check(compiler.structural_tag(tag(POINT)), [CALL, PAIR], ["", f" {CALL}", CALL + CALL])
    several = {"type": "tags_with_separator", "tags": [tag(POINT), tag({}, "<any>")], "separator": "\n"}
    check(compiler.structural_tag(several), ["", f"{CALL}\n<any>[1,{{}}]</tool>"], [f"{CALL}{CALL}", f"{CALL}\n"])


def test_reasoning_first(compiler: Compiler) -> None:
    think = {"type": "tag", "begin": "<think>", "content": {"type": "any_text"}, "end": ["</think>", "</t>"]}
    check(
        compiler.structural_tag({"type": "sequence", "elements": [think, TOOLS]}),
        ["<think></think>", f"<think>{CALL}</t></think>{CALL}", "<think>a</think></think>"],
        ["", "<think>", "<think>a", f"<think></think>{CALL[:-3]}"],
    )


@pytest.mark.parametrize(
    ("format_", "good", "bad"),
    [
        ({"type": "const_string", "value": "é"}, ["é"], ["", "e"]),
        ({"type": "regex", "pattern": "[ab]+|(?!b)c?"}, ["ab", "c", ""], ["cc"]),
        ({"type": "grammar", "grammar": 'root ::= "(" root ")" | x\nx ::= "x"'}, ["x", "((x))"], ["(x", ""]),
        ({"type": "any_text", "max_chars": 2, "excludes": ["ab"]}, ["", "é😀", "ba"], ["abc", "ab"]),
        ({"type": "or", "elements": [{"type": "const_string", "value": v} for v in "ab"]}, ["a", "b"], ["ab"]),
        ({"type": "repeat", "min": 1, "max": 2, "content": {"type": "const_string", "value": "a"}}, ["a", "aa"], [""]),
        ({"type": "plus", "content": {"type": "regex", "pattern": "a|b"}}, ["a", "abab"], ["", "c"]),
        ({"type": "optional", "content": {"type": "const_string", "value": "a"}}, ["", "a"], ["aa"]),
        (
            {"type": "dispatch", "rules": [["<a>", {"type": "const_string", "value": "1"}]], "excludes": ["!"]},
            ["", "x<a>1y<a>1"],
            ["<a>", "!", "<a>2"],
        ),
        (
            {"type": "tag", "begin": "[", "content": TOOLS, "end": "]"},
            ["[]", f"[hi {CALL} bye]"],
            [f"[hi]{CALL}", "[hi", "[]]"],
        ),
    ],
)
def test_formats(compiler: Compiler, format_: dict[str, Any], good: list[str], bad: list[str]) -> None:
    check(compiler.structural_tag(format_), good, bad)


def test_keys_are_followed_inside_islands_alone(compiler: Compiler) -> None:
    grammar = compiler.structural_tag(TOOLS)
    assert grammar.has_free_names
    check(
        grammar,
        ['{"a":1,"a":1} "', f'"{PAIR}{PAIR}', '<tool>{"x":1,"y":[{"x":1},{"x":1}],"z":{"x":2}}</tool>}]'],
        [
            '<tool>{"x":1,"y":1,"y":2}</tool>',
            '<tool>{"x":1,"y":{"a":1,"a":2}}</tool>',
            f'{CALL}<tool>{{"x":1,"x":1}}</tool>',
        ],
    )
    matcher = grammar.matcher()
    for piece in ('a "{ <to', 'ol>{"', 'x":1,"', "a"):
        assert matcher.accept_bytes(piece.encode())
    assert matcher.accept_bytes(b'":1,"')
    assert not matcher.accept_bytes(b'a"')
    matcher.rollback()
    assert matcher.accept_bytes(b'b":1,"a":2}</tool>"a","a"<tool>{"x":1,"a":1}')


def test_items_that_differ_and_labels_inside_islands(compiler: Compiler) -> None:
    schema = {"type": "array", "items": {"type": "integer"}, "uniqueItems": True}
    grammar = compiler.structural_tag(TOOLS | {"tags": [tag(schema)]})
    check(grammar, ["<tool>[1,2]</tool><tool>[1]</tool>"], ["<tool>[1,1]</tool>", "<tool>[1,2,1]</tool>"])
    both = {"type": "object", "properties": {"a": schema}}
    grammar = compiler.structural_tag(TOOLS | {"tags": [tag(both)]})
    check(
        grammar,
        ['<tool>{"a":[1,2],"b":1}</tool>'],
        ['<tool>{"a":[1,1]}</tool>', '<tool>{"a":[1,2],"b":1,"b":1}</tool>'],
    )


def test_masks_agree_with_what_is_accepted(compiler: Compiler) -> None:
    """And lead to no dead end: every text can be finished by tokens that the masks allow."""
    rng, vocabulary = random.Random(3), compiler.vocabulary
    special = set(vocabulary.special.values()) | set(vocabulary.eos_ids)
    closed = POINT | {"additionalProperties": {"type": "boolean"}}
    for schema in (POINT, closed, {"enum": ["a", 1]}, {"type": "string", "pattern": "^[ab]*$"}):
        grammar = compiler.structural_tag(TOOLS | {"tags": [tag(schema)], "at_least_one": True})
        matcher = grammar.matcher()
        for _ in range(25):
            mask = allowed(matcher)
            trial = {token for token in set(range(len(vocabulary))) - special if matcher.validate([token])}
            assert mask - special == trial
            assert (vocabulary.eos_ids[0] in mask) == matcher.is_complete()
            assert mask
            assert matcher.accept(rng.choice(sorted(mask)))
            if matcher.is_stopped():
                break


def test_special_tokens(compiler: Compiler) -> None:
    begin, end = compiler.vocabulary.special["<|call|>"], compiler.vocabulary.special["<|end|>"]
    call = {"type": "token", "token": "<|call|>"}
    whole = {
        "type": "tag",
        "begin": call,
        "content": {"type": "json_schema", "json_schema": POINT},
        "end": {"type": "token", "token": end},
    }
    matcher = compiler.structural_tag(whole).matcher()
    assert allowed(matcher) == {begin}
    assert matcher.forced_bytes() == b""
    assert matcher.forced_tokens()[0] == begin
    assert matcher.accept(begin)
    assert not matcher.accept(end)
    assert matcher.accept_bytes(b'{"x":12,"y":{}}')
    assert end in allowed(matcher)
    assert matcher.accept(end)
    assert matcher.is_complete()
    matcher.rollback(2)
    assert matcher.accept_bytes(b'{"x":3}')
    fork = matcher.fork()
    assert fork.accept(end)
    assert not matcher.is_complete()
    free = compiler.structural_tag(
        {"type": "token_triggered_tags", "trigger_tokens": ["<|call|>"], "tags": [whole]}
    ).matcher()
    assert free.is_complete()
    assert free.accept_bytes(b"hi ")
    assert begin in allowed(free)
    assert end not in allowed(free)


@pytest.mark.parametrize("schema", [POINT, POINT | {"additionalProperties": False}])
def test_a_special_token_in_a_full_arena(schema: Any) -> None:
    compiler = Compiler(Vocabulary.from_tokens([*(bytes([b]) for b in range(256)), None, None], [256], {"<s>": 257}))
    start = {"type": "token", "token": "<s>"}
    grammar = compiler.structural_tag(tag(schema, start, start))
    matcher, arena = grammar.matcher(), compiler.arenas.current
    arena.A[layout.STATE + 2] = arena.A[layout.STATE + 1]
    assert matcher.accept(257)
    assert compiler.arenas.current is not arena
    assert not matcher.accept(257)
    assert matcher.accept_bytes(b'{"x":1}')
    assert matcher.accept(257)
    assert matcher.is_complete()


def test_a_batch_of_grammars(compiler: Compiler) -> None:
    matchers = [compiler.structural_tag(TOOLS).matcher() for _ in range(3)]
    matchers += [compiler.gbnf('root ::= "a" root "b" | "c"').matcher(), compiler.json_schema(POINT).matcher()]
    for matcher, text in zip(matchers, ("", "hi <to", '<tool>{"x":1,"', "aa", '{"'), strict=True):
        assert matcher.accept_bytes(text.encode())
    together = allocate_bitmask(len(matchers), len(compiler.vocabulary))
    fill_bitmasks(matchers, together)
    one = allocate_bitmask(1, len(compiler.vocabulary))
    for row, matcher in enumerate(matchers):
        matcher.fill_bitmask(one)
        assert (one[0] == together[row]).all()


@pytest.mark.parametrize(
    ("wrong", "pointer", "kind"),
    [
        ({"type": "x"}, "", GrammarError),
        ({"type": "sequence", "elements": [{"type": "const_string"}]}, "/elements/0", GrammarError),
        ({"format": {"type": "json_schema", "json_schema": {"type": "x"}}}, "/format/json_schema", GrammarError),
        ({"type": "json_schema", "json_schema": {}, "style": "qwen_xml"}, "/style", Unenforceable),
        ({"type": "any_text", "max_tokens": 3}, "/max_tokens", Unenforceable),
        ({"type": "grammar", "grammar": "root ::= x"}, "/grammar", GrammarError),
        ({"type": "regex", "pattern": "("}, "/pattern", GrammarError),
        ({"type": "token", "token": "a"}, "/token", GrammarError),
        (TOOLS | {"triggers": ["x"]}, "/tags/0/begin", GrammarError),
        (TOOLS | {"triggers": ["<tool>", "y"]}, "/triggers", GrammarError),
        (TOOLS | {"excludes": ["<"]}, "", GrammarError),
        ({"type": "sequence", "elements": [{"type": "any_text"}, tag(POINT, "")]}, "", GrammarError),
        ({"type": "or", "elements": [tag({}, ""), {"type": "const_string", "value": ' {"a"'}]}, "", GrammarError),
    ],
)
def test_errors_say_where(compiler: Compiler, wrong: dict[str, Any], pointer: str, kind: type[GrammarError]) -> None:
    with pytest.raises(kind) as caught:
        compiler.structural_tag(wrong)
    assert caught.value.pointer == pointer


def test_islands_share_masks_with_plain_schemas(compiler: Compiler) -> None:
    """The inside of an island is the inside of any other value: no further pairs are built."""
    schema = {
        "type": "object",
        "properties": {"k": {"type": "string"}},
        "required": ["k"],
        "additionalProperties": False,
    }
    plain = compiler.json_schema(schema).matcher()
    island = compiler.structural_tag(TOOLS | {"tags": [tag(schema)]}).matcher()
    assert plain.accept_bytes(b'{"k": "ab')
    allowed(plain)
    pairs = int(compiler.arenas.current.A[layout.PAIR + 2])
    assert island.accept_bytes(b'<tool>{"k": "ab')
    inside = allowed(island)
    assert inside >= {token for token in allowed(plain) if b'"' not in compiler.vocabulary.token_bytes(token)}
    assert int(compiler.arenas.current.A[layout.PAIR + 2]) - pairs < 12 * layout.PAIR_STRIDE
