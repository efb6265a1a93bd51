"""Limits are passed before the first token; one that is passed in mid-text loses nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from detent.automata.compiled import Grammar
from detent.automata.compiler import Compiler
from detent.automata.limits import Limits
from detent.automata.lowering import JsonLowering
from detent.automata.matcher import Matcher
from detent.automata.records import Records
from detent.automata.vocabulary import Vocabulary
from detent.grammar.errors import LimitExceeded, Unenforceable
from detent.grammar.json_schema.bounded import GRACE
from detent.grammar.json_schema.goals import NESTED, Goals
from tests.masks import allowed


def multiples(p: int) -> dict[str, Any]:
    """Texts of so many characters: automata of two of them multiply."""
    return {"type": "string", "pattern": f"^(a{{{p}}})*$"}


def inside(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema that generation gets to late."""
    return {"type": "object", "properties": {"x": {"type": "object", "properties": {"y": schema}}}}


FIRST, SECOND = multiples(251), multiples(257)
TOO_MUCH: list[dict[str, Any]] = [
    {"type": "object", "oneOf": [{"properties": {"a": p}, "required": ["a"]} for p in (FIRST, SECOND)]},
    {"type": "object", "properties": {"a": FIRST}, "if": {"required": ["b"]}, "then": {"properties": {"a": SECOND}}},
    {
        "type": "object",
        "dependentSchemas": {"x": {"additionalProperties": FIRST}, "y": {"additionalProperties": SECOND}},
    },
    {"type": "array", "allOf": [{"contains": FIRST}, {"contains": SECOND}]},
    {"oneOf": [{"multipleOf": m} for m in (7, 11, 13, 17, 19, 23)]},
    {
        "type": "object",
        "allOf": [
            {"if": {"properties": {"a": {"multipleOf": m}}}, "then": {"required": [f"r{m}"]}} for m in (101, 103, 107)
        ],
    },
    {
        "type": "array",
        "allOf": [{"contains": {"type": "object", "required": [f"k{i}"]}, "maxContains": 3} for i in range(8)],
    },
]


@pytest.mark.parametrize("schema", TOO_MUCH)
def test_what_generation_would_get_to_late_is_refused(compiler: Compiler, schema: dict[str, Any]) -> None:
    with pytest.raises(Unenforceable):
        compiler.json_schema(inside(schema))


@pytest.mark.parametrize("optional", [False, True])
def test_required_values_may_nest_deeper_than_the_stack_of_python(vocabulary: Vocabulary, optional: bool) -> None:
    depth = 10 * NESTED
    schema: dict[str, Any] = {"oneOf": [{"type": "integer"}, {"multipleOf": 2}]}
    for _ in range(depth):
        schema = {"type": "array", "items": schema, "minItems": 1}
    limits = Limits() if optional else Limits(max_depth=500)
    matcher = Compiler(vocabulary, limits=limits).json_schema(inside(schema) if optional else schema).matcher()
    before, after = (b'{"x": {"y": ', b"}}") if optional else (b"", b"")
    assert matcher.accept_bytes(before + b"[" * depth + b"1" + b"]" * depth + after)
    assert matcher.is_complete()


def test_required_values_without_end_are_unsatisfiable() -> None:
    names = [f"n{k}" for k in range(3 * NESTED)]
    defs = {
        name: {"type": "object", "properties": {"x": {"$ref": f"#/$defs/{then}"}}, "required": ["x"]}
        for name, then in zip(names, names[1:] + names[:1], strict=True)
    }
    compiler = Compiler(Vocabulary.from_tokens([bytes([b]) for b in range(256)] + [b"<eos>"], eos=[256]))
    grammar = compiler.json_schema({"type": "object", "properties": {"a": {"$ref": "#/$defs/n0"}}, "$defs": defs})
    assert not grammar.matcher().accept_bytes(b'{"a"')


# ------------------------------------------------------------------------------------------------------- in mid-text
PREFIX = b'{"x": '
WAYS = [{"properties": {"p": {"minimum": k}, "q": {"maximum": k}}, "required": ["p"]} for k in range(5)]
CONNECTED = {"type": "object", "properties": {"x": {"type": "object", "oneOf": WAYS}, "z": {"type": "null"}}}


def goals_of(grammar: Grammar) -> Goals:
    lowering = grammar.bind().lowering
    assert isinstance(lowering, JsonLowering)
    return lowering.goals


ASKED: list[Callable[[Matcher], object]] = [
    lambda m: m.accept_bytes(b'{"p": 3, "q": 1}'),
    lambda m: m.validate([*b'{"p": 3, "q": 1}']),
    allowed,
    Matcher.forced_bytes,
    Matcher.forced_tokens,
]


@pytest.mark.parametrize("ask", ASKED)
def test_a_limit_in_mid_text_loses_nothing(ask: Callable[[Matcher], object]) -> None:
    """As if far more work had been asked for: nothing is granted in the middle of the text."""
    vocabulary = Vocabulary.from_tokens([bytes([b]) for b in range(256)] + [b"<eos>"], eos=[256])
    expected = Compiler(vocabulary).json_schema(CONNECTED).matcher()
    grammar = Compiler(vocabulary).json_schema(CONNECTED)
    matcher, goals = grammar.matcher(), goals_of(grammar)
    assert matcher.accept_bytes(PREFIX) and expected.accept_bytes(PREFIX)
    goals.grace = -1
    for _ in range(2):
        with pytest.raises(LimitExceeded):
            ask(matcher)
            matcher.accept_bytes(b'{"p"')
        assert matcher.fork().rollback() is None
    assert len(matcher._taken) == len(expected._taken)
    goals.grace = GRACE
    assert ask(matcher) == ask(expected)
    assert allowed(matcher) == allowed(expected)
    matcher.reset()
    assert matcher.accept_bytes(b'{"z": null}') and matcher.is_complete()


def test_what_is_written_ahead_may_pass_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what a text asks for itself can stop it; what was not written ahead is written when it is asked for."""
    vocabulary = Vocabulary.from_tokens([bytes([b]) for b in range(256)] + [b"[{", b"<eos>"], eos=[257])
    items = {"type": "array", "items": {"type": "object", "properties": {"p": {"type": "array", "items": CONNECTED}}}}
    schema = {"type": "object", "properties": {"x": {"oneOf": [items, {"type": "string"}]}}}
    expected = Compiler(vocabulary).json_schema(schema).matcher()
    matcher = Compiler(vocabulary).json_schema(schema).matcher()
    write, lower = Records.write, Records.lower
    asked: list[int] = []

    def note(records: Records, number: int) -> None:
        asked.append(number)
        lower(records, number)

    def give_up(records: Records, number: int) -> Sequence[int]:
        if number not in asked:
            raise LimitExceeded("max_steps", 2, 1)
        return write(records, number)

    monkeypatch.setattr(Records, "lower", note)
    monkeypatch.setattr(Records, "write", give_up)
    for text in (b'{"x": "', b'{"x": [{"p": [{"x": {"p": 3'):
        for m in (matcher, expected):
            m.reset()
            assert m.accept_bytes(text)
        assert allowed(matcher) == allowed(expected)
    assert not matcher.accept_bytes(b'}, {"x": {}')
