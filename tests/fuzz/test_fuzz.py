"""Two minutes of the fuzzer with fixed seeds, and what it has found before."""

from __future__ import annotations

import random
from typing import Any

import pytest

from detent.grammar.json_schema import keywords

from .checks import CHECKS
from .engine import Engine, Options
from .judges import Judges, NotStrict, parse
from .relaxing import FORGIVEN, RelaxingEngine
from .runner import Fuzzer
from .schemas import DRAFTS, circular, subschemas, write
from .shrink import shrink

CASES = 400  # per draft: about twenty seconds


# (check, schema, text, options) as the fuzzer prints them
FOUND = [
    ("under", {"$schema": DRAFTS[7], "patternProperties": {"^a": {"$ref": "#"}}}, '{"a":{"a":true}}', {}),
    ("over", {"$schema": DRAFTS[7], "oneOf": [True, {"properties": {"é": {"enum": ["é"]}}}]}, '{"é":"é"}', {}),
    ("under", {"$schema": DRAFTS[2019], "unevaluatedItems": {"type": "string"}, "contains": True}, "[true]", {}),
    ("error", {"$schema": DRAFTS[2020], "uniqueItems": True}, "[null,5e6170812900793378001,1]", {}),
    ("under", {"$schema": DRAFTS[7], "anyOf": [{"enum": ["1"]}, {"enum": ["1"]}, {"type": "null"}]}, '"1"', {}),
    ("order", {"$schema": DRAFTS[7], "patternProperties": {"^a?b?$": True}}, '{"\\u0061":{"":0},"a":{}}', {}),
    ("under", {"$schema": DRAFTS[7], "not": {"const": "ab", "maxLength": 0}}, '"ab"', {}),
]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


@pytest.mark.parametrize("draft", DRAFTS)
def test_random_schemas(engine: Engine, draft: int) -> None:
    fuzzer = Fuzzer(engine, 1, (draft,))
    for number in range(CASES):
        fuzzer.case(number)
    assert not fuzzer.tally.findings, "\n".join(map(str, fuzzer.tally.findings))
    counts = fuzzer.tally.counts
    assert min(counts["valid"], counts["invalid"], counts["walks done"], counts["masks by steps"]) > CASES
    assert sum(fuzzer.tally.disagreements.values()) < 0.01 * (counts["valid"] + counts["invalid"])


def test_what_is_left_out_only_widens() -> None:
    fuzzer = Fuzzer(RelaxingEngine(), 1, without=FORGIVEN)
    for number in range(CASES):
        fuzzer.case(number)
    assert not fuzzer.tally.findings, "\n".join(map(str, fuzzer.tally.findings))
    assert fuzzer.tally.counts["completions searched"] > CASES


@pytest.mark.parametrize(("check", "schema", "text", "options"), FOUND)
def test_found_before(engine: Engine, check: str, schema: Any, text: str, options: dict[str, Any]) -> None:
    assert CHECKS[check](engine, schema, text, Options(**options)) is None


def test_every_keyword_is_written() -> None:
    written: set[str] = set()
    for seed in range(3000):
        pending: list[Any] = [write(random.Random(seed), list(DRAFTS)[seed % len(DRAFTS)])]
        for schema in pending:  # grows while it is read
            written.update(schema if isinstance(schema, dict) else ())
            pending += [sub for _, sub in subschemas(schema)]
    assert keywords.READERS.keys() <= written


def test_cases_depend_on_nothing_but_their_number(engine: Engine) -> None:
    tallies = []
    for numbers in (range(20, 40), range(39, 19, -1)):
        fuzzer = Fuzzer(engine, 3)
        for number in numbers:
            fuzzer.case(number)
        tallies.append((fuzzer.tally.counts, fuzzer.tally.refused))
    assert tallies[0] == tallies[1]


def test_findings_shrink() -> None:
    schema = {"$schema": DRAFTS[7], "properties": {"a": {"allOf": [{"type": "string"}, {"const": "ab"}]}, "b": True}}

    def fails(smaller: Any, text: str) -> bool:
        return Judges(smaller).verdict(parse(text)) is False

    assert fails(schema, '{"b": [1, 2], "a": "b"}')
    assert shrink(schema, '{"b": [1, 2], "a": "b"}', fails) == ({"$schema": DRAFTS[7], "const": True}, "[]")


def test_the_judges_are_exact() -> None:
    cents = Judges({"$schema": DRAFTS[2020], "multipleOf": 0.01})
    assert [cents.verdict(parse(text)) for text in ("19.99", "0.3", "1e150", "0.015")] == [True, True, True, False]
    for draft, texts in ((4, "1"), (6, "1 1.0 10e-1 1e2")):
        integer = Judges({"$schema": DRAFTS[draft], "type": "integer"})
        assert [t for t in ("1", "1.0", "10e-1", "1e2", "1.5") if integer.verdict(parse(t))] == texts.split()
    for text in ('{"a":1,"\\u0061":2}', '"\\ud800"', "NaN", "[1,]"):
        with pytest.raises(NotStrict):
            parse(text)


def test_references_in_circles_are_not_written() -> None:
    assert circular({"allOf": [{"$ref": "#"}]})
    assert circular({"not": {"$ref": "#/$defs/one"}, "$defs": {"one": {"if": {"$ref": "#"}}}})
    assert not circular({"properties": {"a": {"$ref": "#"}}})
