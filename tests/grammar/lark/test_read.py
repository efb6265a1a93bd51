"""Our reader against Lark's: equal terminals and rules, on grammars and on what random edits make of them."""

from __future__ import annotations

import random
import re
from collections import Counter

import pytest

from detent.grammar.errors import GrammarError
from detent.grammar.lark import read, reference
from detent.grammar.lark.flat import FlatGrammar
from detent.grammar.lark.imports import Loader
from detent.grammar.lark.syntax import NotRead

from .cases import CASES

MORE = {
    "nested": """start: ((a | "x"~2)* [b "y"] (C D?)+)~0..2
a: "a" [C]
?b: [a] "z"
C: "c".."e" | "q"i
D.2: C+ | /d/s [C]""",
    "shared": 'start: x y\nx: ("a" "b")* "c"* C* [D]\ny: ("a" "b")+ | "c"+ "d"\nC: "c"\n_D: "d"\nD: "e"',
    "placeholders": 'start: [A] "x" | ["p"] "y" | [_c] "z" | [d]\nA: "a"\n_c: "c"\nd: "d"\n!e: [start]',
    "keep": '!start: ["a"] "b" | e\n!e: ["c" "d"] [A _B]\nA: "a"\n_B: "q"',
    "names": 'start: "if" "IF" "+" "++" "é" "_" "a b" /x/ /x/i "x"i "9" IF\nIF: "then"',
    "deep": 'start: a{"x", "y"} | "p" ("q" ["r" ("s" | "t")*])\na{b, c}: b "1" c "2" | a{c, "3"}',
    "templates": """start: sep{item, ","} | sep{"z", ";"} twice{sep{"n", "."}}
sep{x, s}: x (s x)*
twice{t}: t t | wrap{t}
wrap{t}: "(" t ")"
item.3: "i" | /i+/""",
    "higher": 'start: apply{pair, "a"}\napply{f, x}: f{x}\npair{x}: x x',
    "imports": """%import common (INT, WORD)
%import common.FLOAT -> NUMBER
%import common (WS, NEWLINE)
start: INT WORD NUMBER
%ignore WS""",
    "python": "%import python (test, name)\n%import python.STRING -> TEXT\nstart: test TEXT name",
    "long": 'start: "a"~0..100 b~50 | c~3..77\nb: "b"\nc: "c" [b]',
    "comments": r"""// one
start: a // two
  // three
  | b

# four
  | "#" "//" /\/\//
a: "x" \
  "y"
b: "z"
""",
    "unused": 'start: a\na: "x"\nb: c "y"\nc: b | "z"\nd: "w"\nT: "t"\n%ignore T\n%ignore " "\n%ignore /x/',
    "extended": 'start: a b\na: "x"\nb: "z"\n%extend a: b | b b\n%override b: "w"',
    "declared": '%declare A _B\nstart: A (_B "x")*',
    "escapes": r'start: "\"" "\\" "\n" "\\n" /\"/ /\\"/ /\// /[\\\/]/ "\x41\u0042\U00000043" "\'" /a\.b/ /\\\\/',
    "lines": "start: A\nA: /a\n b/x\n",
    "modifiers": '?start: x\n!?x: "a" -> one | "b" y\n?!y: "c"\n_z: "d"\n!_w: "e" _z\nv: _w',
    "priorities": 'start.5: A\nA.-3: "x"\nB.+2: "y"\nc.0: B',
}
TOKENS = re.compile(r'"[^"\n]*"i?|/[^/\n]*/[a-z]*|[A-Za-z_]+|\n|->|\S| ')


def normal(grammar: FlatGrammar) -> object:
    """A grammar without the names of rules that were made for repetitions."""
    names: dict[str, object] = {r.left: "" if r.left.startswith("__") else r.left for r in grammar.rules}
    for _ in range(8):
        made: dict[str, list[object]] = {}
        for r in grammar.rules:
            made.setdefault(r.left, []).append((tuple(names.get(s, s) for s in r.right), r.priority))
        names = {n: n if not n.startswith("__") else hash(frozenset(map(hash, rs))) for n, rs in made.items()}
    rules = Counter((names[r.left], tuple(names.get(s, s) for s in r.right), r.priority) for r in grammar.rules)
    return {t.name: t for t in grammar.terminals}, rules, set(grammar.ignored)


def agree(text: str) -> bool | None:
    """Check that what our reader reads is what Lark reads; whether it did, None where Lark refuses the text, too."""
    try:
        found = read.own(text, "start", Loader(), 10_000)
    except NotRead:
        found = None
    try:
        expected = reference.read(text, "start", Loader())
    except GrammarError:
        assert found is None, text
        return None
    if found is not None:
        assert normal(found) == normal(expected), text
    return found is not None


@pytest.mark.parametrize("name", [*CASES, *MORE])
def test_read_without_lark(name: str) -> None:
    text = MORE[name] if name in MORE else CASES[name].grammar
    assert agree(text) is (name != "override")


def test_random_edits() -> None:
    source = random.Random(0)
    texts = [case.grammar for case in CASES.values() if "import" not in case.grammar] + [
        text for text in MORE.values() if "import" not in text
    ]
    pool = sorted({token for text in texts for token in TOKENS.findall(text)})
    outcome = Counter()
    for _ in range(1500):
        tokens = TOKENS.findall(source.choice(texts))
        for _ in range(source.randint(1, 3)):
            at = source.randrange(len(tokens))
            how = source.random()
            tokens[at : at + (how < 0.7)] = [source.choice(pool)] if how > 0.3 else []
        outcome[agree("".join(tokens))] += 1
    assert outcome[True] > 300 and outcome[None] > 300 and outcome[False] < 60, outcome
