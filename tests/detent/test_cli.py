"""The command line."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from detent.cli import app
from detent.demo import TEXTS, show


def check(*arguments: str, text: str | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["check", *arguments], input=text)
    return result.exit_code, result.output


def test_check_tells_what_is_enforced(tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "integer", "minimum": 3}')
    code, output = check(str(schema))
    assert code == 0 and json.loads(output)["relaxed"] == []
    assert check("-", text=schema.read_text())[0] == 0


@pytest.mark.parametrize(("text", "code", "verdict"), [("4", 0, "valid"), ("2", 1, "invalid"), ("[", 1, "invalid")])
def test_check_judges_an_instance(tmp_path: Path, text: str, code: int, verdict: str) -> None:
    schema, instance = tmp_path / "schema.json", tmp_path / "instance.json"
    schema.write_text('{"type": "integer", "minimum": 3}')
    instance.write_text(text)
    found, output = check(str(schema), str(instance))
    assert found == code and output.split()[-1] == verdict


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        ('{"a": "x"}', 'line 1, column 7: not allowed\n{"a": "x"}\n      ^', "here may come -, 0-9, white space"),
        ('{"a":\n1', "line 2, column 2: the text ends too early\n1\n ^", "., 0-9, E, e, }, white space"),
        ('{"a": 1} {', "line 1, column 10: not allowed", "here may come white space"),
    ],
)
def test_check_shows_where_an_instance_is_wrong(tmp_path: Path, text: str, place: str, expected: str) -> None:
    schema, instance = tmp_path / "schema.json", tmp_path / "instance.json"
    closed = {"properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}
    schema.write_text(json.dumps({"type": "object", **closed}))
    instance.write_text(text)
    code, output = check(str(schema), str(instance))
    assert code == 1 and place in output and expected in output


def test_check_takes_files_that_exist(tmp_path: Path) -> None:
    assert check(str(tmp_path / "none.json"))[0] == 2
    assert check("-", str(tmp_path / "none.json"), text="{}")[0] == 2


def test_check_tells_and_checks_what_is_left_out(tmp_path: Path) -> None:
    schema, instance = tmp_path / "schema.json", tmp_path / "instance.json"
    schema.write_text(json.dumps({"pattern": r"^(a+)\1$"}))
    assert check(str(schema))[0] == 1
    code, output = check(str(schema), "--no-strict")
    assert code == 0 and json.loads(output)["relaxed"][0][:2] == ["", "pattern"]
    for text, verdict in (('"aa"', "valid"), ('"aaa"', "invalid")):
        instance.write_text(text)
        code, output = check(str(schema), str(instance), "--no-strict")
        assert code == (verdict != "valid") and output.split()[-1] == verdict


def test_check_takes_keys_in_any_order(tmp_path: Path) -> None:
    schema, instance = tmp_path / "schema.json", tmp_path / "instance.json"
    schema.write_text('{"properties": {"a": true, "b": true}, "required": ["a", "b"]}')
    instance.write_text('{"b": 1, "a": 2}')
    assert check(str(schema), str(instance))[0] == 0


def test_check_shows_errors_as_they_are() -> None:
    code, output = check("-", text='{"pattern": "([red]"}')
    assert code == 1 and "([red]" in output


@pytest.mark.parametrize("text", ["{", "false", '{"type": 7}'])
def test_check_refuses(text: str) -> None:
    code, output = check("-", text=text)
    assert code == 1 and "refused" in output


def test_demo_shows_every_text_and_both_shares() -> None:
    out = io.StringIO()
    show(12, 0, Console(file=out, width=200))
    shown = out.getvalue()
    assert all(text[:20] in shown for text, _ in TEXTS)
    assert "with the constraint" in shown and "without" in shown
