"""Front ends beside JSON Schema, options, and errors by their data."""

from __future__ import annotations

from threading import Event
from weakref import finalize

import numpy as np
import pytest

from detent.automata.batch import fill_bitmasks
from detent.automata.compiled import Grammar
from detent.automata.compiler import Compiler
from detent.automata.limits import Limits
from detent.automata.matcher import allocate_bitmask
from detent.automata.vocabulary import Vocabulary
from detent.grammar import dfa, regex
from detent.grammar.errors import GrammarError, LimitExceeded, Unsatisfiable, VocabularyError
from tests.masks import allowed


def accepts(grammar: Grammar, text: str) -> bool:
    matcher = grammar.matcher()
    return matcher.accept_bytes(text.encode()) and matcher.is_complete()


def mask_of(grammar: Grammar, prefix: bytes) -> set[int]:
    matcher = grammar.matcher()
    assert matcher.accept_bytes(prefix)
    return allowed(matcher)


def test_what_the_caller_changes_in_a_list_of_values_afterwards_changes_nothing(compiler: Compiler) -> None:
    values = [{"q": 1}, "x"]
    grammar = compiler.json_schema({"properties": {"a": {"enum": values}}})
    values[0]["q"] = 2
    values.append("y")
    assert accepts(grammar, '{"a": "x"}') and accepts(grammar, '{"a": {"q": 1}}')
    assert not accepts(grammar, '{"a": "y"}') and not accepts(grammar, '{"a": {"q": 2}}')


@pytest.mark.parametrize("pattern", [r"\d{3}-\d{4}", "[a-zé😀]+", "(ab|a)(bc)?", "", r"\p{Lu}\w*"])
@pytest.mark.parametrize("prefix", ["", "5", "555-", "a", "ab", "é", "Z"])
def test_regex_masks_are_those_of_the_automaton(compiler: Compiler, pattern: str, prefix: str) -> None:
    grammar, vocabulary = compiler.regex(pattern), compiler.vocabulary
    language = dfa.compile(regex.parse(pattern, anchored=True))
    if not grammar.matcher().accept_bytes(prefix.encode()):
        return
    expected = {
        token
        for token in range(len(vocabulary))
        if vocabulary.token_bytes(token)
        and grammar.matcher().accept_bytes(prefix.encode() + vocabulary.token_bytes(token))
    }
    if dfa.matches(language, prefix):
        expected |= set(vocabulary.eos_ids)
    assert mask_of(grammar, prefix.encode()) == expected


def test_regex_matches_whole_text_or_part(compiler: Compiler) -> None:
    assert accepts(compiler.regex("b+"), "bb") and not accepts(compiler.regex("b+"), "abb")
    assert accepts(compiler.regex("b+", anchored=False), "abba")


def test_a_regex_without_text_is_unsatisfiable(compiler: Compiler) -> None:
    with pytest.raises(Unsatisfiable):
        compiler.regex("a(?!.*)b")


@pytest.mark.parametrize("schema", ['{"enum": []}', '{"type": "array", "items": {"enum": []}, "minItems": 1}'])
def test_a_list_of_nothing_is_unsatisfiable(compiler: Compiler, schema: str) -> None:
    with pytest.raises(Unsatisfiable):
        compiler.json_schema(schema)


def test_choice(compiler: Compiler) -> None:
    grammar = compiler.choice(["yes", "no", "nope", "naïve"])
    assert all(accepts(grammar, word) for word in ("yes", "no", "nope", "naïve"))
    assert not accepts(grammar, "nop") and not accepts(grammar, "noo")
    matcher = grammar.matcher()
    matcher.accept_bytes(b"y")
    assert matcher.forced_bytes() == b"es"
    with pytest.raises(Unsatisfiable):
        compiler.choice([])


@pytest.mark.parametrize("text", ["7", "-12", "0"])
def test_plain_integers(compiler: Compiler, text: str) -> None:
    assert accepts(compiler.json_schema({"type": "integer"}, numbers="plain"), text)


@pytest.mark.parametrize("text", ["7.0", "70e-1", "1E2"])
def test_other_spellings_of_integers(compiler: Compiler, text: str) -> None:
    assert accepts(compiler.json_schema({"type": "integer"}), text)
    assert not accepts(compiler.json_schema({"type": "integer"}, numbers="plain"), text)


def test_equal_schemas_share_a_grammar(compiler: Compiler) -> None:
    first = compiler.json_schema({"type": "string", "maxLength": 7})
    assert compiler.json_schema('{"type": "string", "maxLength": 7}') is first
    assert compiler.json_schema({"type": "string", "maxLength": 7}, order="any") is not first


def test_a_schema_as_text_must_be_json(compiler: Compiler) -> None:
    with pytest.raises(GrammarError, match="line 1, column 9"):
        compiler.json_schema('{"type":')


@pytest.mark.parametrize("option", [{"order": "sorted"}, {"whitespace": "none"}, {"numbers": "roman"}])
def test_unknown_options_are_refused(compiler: Compiler, option: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="is none of"):
        compiler.json_schema({}, **option)  # type: ignore[arg-type]


def test_names_without_utf8_cannot_occur(compiler: Compiler) -> None:
    grammar = compiler.json_schema(
        {"type": "object", "properties": {"\ud800": {}, "a": {}}, "enum": [{}, {"a": "\udfff"}]}
    )
    assert accepts(grammar, "{}") and not accepts(grammar, '{"a": ""}')
    with pytest.raises(Unsatisfiable):
        compiler.json_schema({"type": "object", "required": ["\ud800"]})


def test_masks_of_the_wrong_shape_are_refused(compiler: Compiler) -> None:
    matcher = compiler.json_schema({}).matcher()
    mask = allocate_bitmask(2, len(compiler.vocabulary))
    with pytest.raises(IndexError):
        matcher.fill_bitmask(mask, 2)
    for wrong in (mask[:, :-1].copy(), np.zeros((2, mask.shape[1] + 1), np.int32)):
        with pytest.raises(ValueError, match="allocate_bitmask"):
            matcher.fill_bitmask(wrong)
        with pytest.raises(ValueError, match="allocate_bitmask"):
            fill_bitmasks([matcher], wrong)


def test_counts_beyond_any_text(compiler: Compiler) -> None:
    assert accepts(compiler.json_schema({"type": "string", "maxLength": 10**18}), '"abc"')
    with pytest.raises(LimitExceeded) as caught:
        compiler.json_schema({"type": "array", "items": {"minItems": 10**18, "type": "array"}})
    assert (caught.value.pointer, caught.value.keyword) == ("/items", "minItems")


def test_a_vocabulary_that_cannot_spell_every_text_is_refused() -> None:
    vocabulary = Vocabulary.from_tokens([b"a", b"b", None], eos=[2])
    with pytest.raises(VocabularyError, match="single bytes"):
        Compiler(vocabulary).json_schema({})


def test_limits_are_named(vocabulary: Vocabulary) -> None:
    nested: dict[str, object] = {"type": "integer"}
    for _ in range(40):
        nested = {"type": "object", "properties": {"a": nested}, "required": ["a"]}
    with pytest.raises(LimitExceeded) as caught:
        Compiler(vocabulary, limits=Limits(max_depth=10)).json_schema(nested)
    assert caught.value.limit == "max_depth"
    assert Compiler(vocabulary).json_schema(nested).matcher().accept_bytes(b'{"a":' * 40 + b"1")


def test_a_limit_deep_inside_is_met_before_the_first_token(compiler: Compiler) -> None:
    parts = [{"properties": {f"k{i}": {"type": "string"}}} for i in range(12)]
    options = [{"properties": {"p": part, "q": part}} for part in parts]  # p may meet any set of the twelve
    schema: dict[str, object] = {"type": "object", "oneOf": options}
    for _ in range(9):
        schema = {"type": "object", "properties": {"a": schema}}
    with pytest.raises(LimitExceeded) as caught:
        compiler.json_schema(schema)
    assert (caught.value.limit, caught.value.keyword) == ("max_branches", "oneOf")


@pytest.mark.nojit
def test_many_alternatives_of_one_place_stay_one_formula(compiler: Compiler) -> None:
    options = [[{"required": [f"k{i}{j}"]} for j in range(4)] for i in range(7)]  # 4^7 ways
    grammar = compiler.json_schema({"type": "object", "allOf": [{"anyOf": group} for group in options]})
    matcher = grammar.matcher()
    assert matcher.accept_bytes(b"{" + b", ".join(b'"k%d3": 0' % i for i in range(7)))
    assert matcher.fork().accept_bytes(b"}")
    matcher.rollback()
    assert matcher.accept_bytes(b"{" + b", ".join(b'"k%d3": 0' % i for i in range(6)))
    assert not matcher.fork().accept_bytes(b"}")


def test_the_next_arena_is_made_ahead(vocabulary: Vocabulary, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = Compiler(vocabulary, cache_dir=False)
    first = compiler.arenas.current
    monkeypatch.setattr("detent.automata.arenas.CHECKED_EVERY", 1)
    monkeypatch.setattr("detent.automata.arenas.SOON_FULL", -1.0)
    before = compiler.json_schema({"type": "integer"}).matcher()
    assert compiler.arenas.current is first and compiler.arenas._spare is not None
    spare = compiler.arenas._spare.result()
    monkeypatch.setattr("detent.automata.arenas.NEARLY_FULL", -1.0)
    after = compiler.json_schema({"type": "boolean"}).matcher()
    assert compiler.arenas.current is spare and spare is not first
    assert after.accept_bytes(b"true") and before.accept_bytes(b"12") and before.is_complete()


def test_nobody_waits_for_the_next_arena(vocabulary: Vocabulary, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = Compiler(vocabulary, cache_dir=False)
    first = compiler.arenas.current
    for name, value in (("CHECKED_EVERY", 1), ("SOON_FULL", -1.0), ("NEARLY_FULL", -1.0)):
        monkeypatch.setattr(f"detent.automata.arenas.{name}", value)
    makes = Event()
    monkeypatch.setattr(compiler.arenas, "_new", lambda make=compiler.arenas._new: makes.wait() and make())
    for k in range(3):
        compiler.regex(f"a{{{k}}}")
        assert compiler.arenas.current is first
    makes.set()
    assert compiler.arenas._spare is not None and compiler.arenas._spare.result() is not first
    compiler.regex("b")
    assert compiler.arenas.current is not first


def test_old_arenas_go_and_their_grammars_stay(vocabulary: Vocabulary) -> None:
    compiler = Compiler(vocabulary, cache_dir=False)
    schemas = [{"type": "object", "properties": {f"k{k}": {"maxLength": k}}} for k in range(20)]
    grammars = [compiler.json_schema(schema) for schema in schemas]
    matcher, gone = grammars[7].matcher(), Event()
    finalize(compiler.arenas.current, gone.set)
    assert matcher.accept_bytes(b'{"k7"')
    compiler.arenas.renew(compiler.arenas.current)
    for grammar, schema in zip(grammars, schemas, strict=True):
        assert compiler.json_schema(schema) is grammar
        assert grammar.matcher()._arena is compiler.arenas.current
    assert not gone.is_set() and matcher.accept_bytes(b': "1234567"') and not matcher.accept_bytes(b', "k7"')
    del matcher
    assert gone.wait(10)


def test_a_text_goes_on_when_its_grammar_has_left(vocabulary: Vocabulary) -> None:
    compiler = Compiler(vocabulary, cache_dir=False)
    grammar = compiler.json_schema({"type": "array", "items": {"type": "integer"}})
    matcher, full = grammar.matcher(), compiler.arenas.current
    assert matcher.accept_bytes(b"[1, ")
    compiler.arenas.renew(full)
    grammar.leave(full)
    grammar.rebind(full)  # as at the end of the arena
    matcher._move()
    assert matcher._arena is compiler.arenas.current and matcher.accept_bytes(b"2]") and matcher.is_complete()
