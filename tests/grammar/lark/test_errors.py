"""What is refused, and how it is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lark
import pytest

from detent.automata.limits import Limits
from detent.grammar.errors import GrammarError, LimitExceeded
from detent.grammar.lark.compile import compile_lark

BROKEN = {
    "a missing colon": 'start A: "x"',
    "an open parenthesis": 'start: "a" (\n',
    "an unknown character": 'start: "a" §\n',
    "an undefined rule": "start: b",
    "an undefined terminal": "start: B",
    "no start": 'a: "x"',
    "a rule defined twice": 'start: "a"\nstart: "b"',
    "an expansion defined twice": 'start: [A] "y" | "y"\nA: "a"',
    "a broken pattern": "start: A\nA: /(/",
    "an empty terminal": 'start: A "x"\nA: ""',
    "a terminal that can be empty": "start: A\nA: /x?/",
    "a terminal that refers to itself": "start: A\nA: B\nB: A",
    "a rule in a terminal": 'start: A\nA: b\nb: "x"',
    "an alias in a terminal": 'start: A\nA: "x" -> y',
    "a bad range": 'start: "a"~3..2',
    "a bad escape": r'start: "\xzz"',
    "reductions in conflict": 'start: a | b\na: "x"\nb: "x"',
    "an unknown import": "%import nowhere.X\nstart: X",
    "a template with too few arguments": 'start: t{"a"}\nt{x, y}: x y',
    "an ignored rule": 'start: "a"\n%ignore start',
    "an ignored terminal without a pattern": '%declare X\n%ignore X\nstart: "a"',
    "a unicode property": "start: /\\p{L}/",
    "an alias inside": 'start: ("a" -> b) "c"',
    "extension of nothing": '%extend start: "a"',
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_grammars(what: str) -> None:
    """Lark refuses them, and we do; where Lark tells a place, we tell it, too."""
    with pytest.raises(Exception) as expected:
        lark.Lark(BROKEN[what], parser="lalr")
    with pytest.raises(GrammarError) as found:
        compile_lark(BROKEN[what])
    text = str(expected.value)
    if "at line" in text:
        assert text.replace("<string>", "the grammar") in str(found.value)
        assert found.value.pointer.startswith("line ")


def test_place_and_context() -> None:
    with pytest.raises(GrammarError) as error:
        compile_lark('start: "a"\nb c: "x"\n')
    assert error.value.pointer == "line 2, column 3"
    assert "b c" in error.value.reason and "\n  ^" in error.value.reason


def test_terminal_names_the_construct() -> None:
    with pytest.raises(GrammarError, match=r"terminal A cannot be enforced: it has a reference to a group") as error:
        compile_lark("start: A\nA: /(a|b)x\\1/")
    assert error.value.keyword == "A" and error.value.pointer == "line 2, column 1"
    with pytest.raises(GrammarError, match=r"endlessly many texts") as error:
        compile_lark('start: "x"\n     | /(?P<q>a*)(?P=q)b/')
    assert error.value.pointer == "line 2, column 8"


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("start: A\nA: /a{2000}/", {"regex_states": 1000}),
        ("start: A\nA: /((((a?){100}){100}){100}){100}x/", {}),
        ("start: A\nA: /(a{100}){1000}/", {}),
        ("start: A\nA: /(?=.*a.{20}).*b/", {"regex_states": 1000}),
        ('start: ["a"] ["b"] ["c"] ["d"] ["e"] ["f"] ["g"]', {"max_nodes": 100}),
        ('start: "a"~0..40 "b"~0..40', {"max_nodes": 1000}),
        ("start: " + " | ".join(f'"a" "a" "a" "a" "b{i}"' for i in range(60)), {"regex_states": 20}),  # many items
    ],
)
def test_limits(text: str, limits: dict[str, int]) -> None:
    with pytest.raises(LimitExceeded) as error:
        compile_lark(text, limits=Limits(**limits))
    assert error.value.limit in ("regex_states", "max_nodes")
    assert error.value.measured >= getattr(Limits(**limits), error.value.limit)


@pytest.mark.parametrize("argument", ["w{x}", "w{w{x}}"])
def test_templates_without_end(argument: str) -> None:
    with pytest.raises(GrammarError, match="without end") as caught:
        compile_lark(f'start: t{{"a"}}\nt{{x}}: x | t{{{argument}}}\nw{{y}}: "(" y ")" y')
    assert caught.value.keyword in ("t", "w")


def test_large_repetitions_of_nothing() -> None:
    assert len(compile_lark("start: A\nA: /((?:){65000}){65000}x((a?){3000}|b)*/").lexer.code) > 3000


def test_priorities_of_any_size() -> None:
    text = 'start: a | b\na: c\nb: d\nc.-1: "x"\nd.99999999999999999999: "x"\nT.88888888888888888888: "t"'
    assert (compile_lark(text).parser.action[1:, 0] != 0).any()


def test_deep_nesting() -> None:
    text = f'start: {"(" * 3000}A{")" * 3000}\nA: "a"'
    with pytest.raises(GrammarError):
        compile_lark(text)
    assert compile_lark(f'start: {"(" * 30}A{")" * 30}\nA: "a"').terminals == ("$END", "A")


def test_imports_from_the_caller(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "words.lark").write_text('%import .inner.letters (A)\nword: A+ "!"\n')
    (tmp_path / "inner" / "letters.lark").write_text('A: "a"\n')
    text = "%import .words (word)\nstart: word"

    def loader(base: Any, path: str) -> tuple[str, str]:
        if path != "words.lark":
            raise OSError(path)
        return path, 'word: "w"'

    with pytest.raises(GrammarError, match=r"no place is known to import \.words"):
        compile_lark(text)
    assert "A" in compile_lark(text, source=tmp_path / "main.lark").terminals[2]
    assert "A" in compile_lark(text, import_paths=[tmp_path]).terminals[2]
    assert compile_lark(text, import_paths=[loader, tmp_path]).terminals == ("$END", "W")
