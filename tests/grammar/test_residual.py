from __future__ import annotations

import builtins
from typing import Any

import pytest

from detent.grammar.errors import Unenforceable, Violated
from detent.grammar.json_schema.keywords import format_texts
from detent.grammar.json_schema.reader import Relaxed
from detent.grammar.residual import Judge, Residual

LEFT_OUT = (Relaxed("/a", "pattern", "too hard."),)


def valid(schema: Any, text: str, draft: int = 2020, **options: Any) -> bool:
    return not Judge(schema, draft=draft, **options).violations(text)


def test_nothing_left_out_is_false_and_holds() -> None:
    nothing = Residual()
    assert not nothing and nothing.holds
    nothing.check()


def test_violations_name_their_places() -> None:
    residual = Residual(LEFT_OUT, '{"a": "x", "b/": [1.5]}', Judge({"properties": SCHEMAS}, draft=2020))
    assert residual and not residual.holds and len(residual.violations) == 2
    assert [v[:2] for v in residual.violations] == [
        ("/a", "/properties/a/pattern"),
        ("/b~1/0", "/properties/b~1/items/multipleOf"),
    ]
    with pytest.raises(Violated, match=r"at /a: .*\(and 1 more\)") as caught:
        residual.check()
    assert caught.value.violations == residual.violations
    assert "a" in repr(residual) and "too hard" in repr(residual)


SCHEMAS = {"a": {"pattern": "^y"}, "b/": {"items": {"multipleOf": 1}}, "pattern": {"enum": [{"pattern": "("}]}}


@pytest.mark.parametrize("text", ["", "[1", "NaN", '{"a"'])
def test_what_is_not_json_does_not_hold(text: str) -> None:
    assert not Residual(LEFT_OUT, text, Judge(True, draft=7)).holds


def test_numbers_are_exact() -> None:
    assert valid({"multipleOf": 0.01}, "19.99") and not valid({"multipleOf": 0.01}, "19.995")
    assert valid({"multipleOf": 1e-7}, "1e300") and valid({"const": 0.1}, "1e-1")
    assert not valid({"maximum": 0.1}, "0.10000000000000000000001")
    assert valid({"type": "integer"}, "1.0") and not valid({"type": "integer"}, "1.0", draft=4)


def test_patterns_are_those_of_ecma_262() -> None:
    assert not valid({"pattern": r"^\d$"}, '"٣"') and not valid({"pattern": "^a$"}, '"a\\n"')
    names = {"patternProperties": {r"^\d$": {"type": "null"}}, "additionalProperties": False}
    assert valid(names, '{"1": null}') and not valid(names, '{"٣": null}')


@pytest.mark.parametrize("pattern", [r"\p{Script=Klingon}", "(?<=a+)b"])
def test_patterns_that_python_cannot_do_are_errors(pattern: str) -> None:
    with pytest.raises(Unenforceable):
        valid({"pattern": pattern}, '"b"')


def test_formats_are_asserted_as_asked() -> None:
    schema = {"items": {"format": "date"}}
    assert valid(schema, '["x"]') and not valid(schema, '["x"]', formats=format_texts)
    assert valid(schema, '["2026-02-28", 1]', formats=format_texts)
    assert not valid({"format": "time"}, '"12:00:00"', formats=format_texts)
    assert valid({"format": "time"}, '"12:00:00"', draft=4, formats=lambda name, draft: None)
    assert valid({"format": "regex"}, f'"{"(" * 9}{")" * 9}"', formats=format_texts)  # more than is ever written


def test_references_lead_to_remotes_and_meta_schemas_only() -> None:
    remotes = {"http://x.org/y": {"$defs": {"n": {"minimum": 0.5}}}}
    assert not valid({"$ref": "http://x.org/y#/$defs/n"}, "0.25", remotes=remotes)
    assert not valid({"$ref": "http://json-schema.org/draft-07/schema#"}, '{"type": 1}')
    with pytest.raises(Exception, match="nowhere"):
        valid({"$ref": "http://x.org/nowhere"}, "1")


def test_a_dialect_of_ones_own_is_read_as_its_draft() -> None:
    schema = {"$schema": "http://x.org/dialect", "prefixItems": [{"type": "null"}]}
    assert not valid(schema, "[1]") and valid(schema, "[1]", draft=7)


def test_without_the_package_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name == "jsonschema":
            raise ImportError(name)
        return original(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match=r"pip install 'detent\[validate\]'"):
        Residual(LEFT_OUT, "1", Judge({}, draft=7)).check()
    assert Residual().holds
