"""The grammars in ``examples/grammars``: read without Lark, and every verdict is Lark's."""

from __future__ import annotations

from pathlib import Path

import lark
import pytest
from detent.grammar.lark import read
from detent.grammar.lark.compile import compile_lark
from detent.grammar.lark.imports import Loader

from ...naive import lexed

FOLDER = Path(__file__).parents[3] / "examples" / "grammars"
VALID = {
    "json": ['{"a": [1, -2.5e3, true, null], "é\\n\\u00e9": {}}', " [ ]\n", '"x"', "0"],
    "arithmetic": ["x = 2 * (y + 3.5) ^ -2\nmax(x, y, 1) / 4\n\n", "", "-a - -b\r\nf()"],
    "sql": [
        "select a.b as c, count(*) from t left join u on t.x = u.x where a between 1 and 2 or not b like 'x''y'",
        "SELECT DISTINCT * FROM (SELECT 1 FROM x) AS y WHERE EXISTS (SELECT z.* FROM z) ORDER BY a DESC, b LIMIT 10;",
        'Select case when "a b" is not null then 1 else -2.5 end from t -- the end\n group by a having sum(a) > 1',
        "select 1 union all select 2",
    ],
    "python": [
        "def f(x: int = 1, *rest, **more) -> int: return x + 1\nprint(f(2)[0].y, *z, k=not a in b)\n",
        "if a if b else c: pass; break\nx = y = {'a': 1, \"b\": [i ** 2 for i in r if i is not None]}",
        "x += lambda a, b: a < b == c  # comment\nfrom os.path import join, split\n\n  \ns[1:2:3] = (1,)",
        "é = 'a' \"b\" r'''c'\n'''\n",
        "",
    ],
    "smiles": [
        "CC(=O)Oc1ccccc1C(=O)O", "C[C@@H](N)C(=O)[O-].[Na+]", "[13CH4]", "C%12CCCC%12", "F/C=C\\F", "[se]1cccc1", "[Fe++]",
    ],
    "log": [
        '10.0.255.1 - [01/Jan/2024:10:20:30 +0100] "GET /a/b?c=d HTTP/1.1" 200 512 "-" "curl \\"8\\""\n',
        '2024-02-29T23:59:59.123Z WARN db.pool: wait=12.5ms n=-3 who="a b" id=x-7\n2024-02-29T00:00:00Z INFO a: b=c\n',
    ],
}  # fmt: skip


def edits(text: str) -> list[str]:
    """A text, and what is near it."""
    found = [text[:-1], text[1:], text + text[:1], text.replace(" ", ""), text.swapcase(), text.replace("1", "x")]
    return found + [text[:i] + c + text[i + 1 :] for i, c in zip(range(0, len(text), 7), '.)( "=x,1\n', strict=False)]


@pytest.mark.parametrize("name", VALID)
def test_example(name: str) -> None:
    text = (FOLDER / f"{name}.lark").read_text("utf-8")
    read.own(text, "start", Loader(), 10_000)
    grammar, parser = compile_lark(text), lark.Lark(text, parser="lalr")
    for valid in VALID[name]:
        parser.parse(valid)
        assert lexed.accepts(grammar, valid)
        for near in edits(valid):
            try:
                parser.parse(near)
                expected = True
            except lark.exceptions.UnexpectedInput:
                expected = False
            assert lexed.accepts(grammar, near) == expected, near


def test_all_are_tested() -> None:
    assert {path.stem for path in FOLDER.glob("*.lark")} == set(VALID)
