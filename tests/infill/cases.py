"""Random texts with gaps over small grammars of eight kinds, each with a witness where one is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from random import Random

from lark.grammar import NonTerminal
from lark.load_grammar import load_grammar

from detent.grammar import leftmost

GRAMMARS = {
    "json": r"""
        start: value
        value: object | array | STRING | NUMBER | "true" | "false" | "null"
        object: "{" [pair ("," pair)*] "}"
        pair: STRING ":" value
        array: "[" [value ("," value)*] "]"
        STRING: /"([^"\\\x00-\x1f]|\\(["\\\/bfnrt]|u[0-9a-f]{4}))*"/
        NUMBER: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/
        %ignore " "
    """,
    "arithmetic": r"""
        start: expr
        expr: expr "+" term | expr "-" term | term
        term: term "*" factor | term "/" factor | factor
        factor: NUMBER | NAME | "-" factor | "(" expr ")"
        NUMBER: /[0-9]+(\.[0-9]+)?/
        NAME: /[a-z]+/
        %ignore " "
    """,
    "brackets": r"""
        start: item*
        item: "(" item* ")" | "[" item* "]" | "<" start ">"
    """,
    "smiles": r"""
        start: chain
        chain: branched | chain branched | chain BOND branched | chain "." branched
        branched: atom ring* branch*
        ring: BOND? RING
        branch: "(" BOND? chain ")"
        atom: ORGANIC | "[" ISOTOPE? SYMBOL CHIRAL? HCOUNT? CHARGE? "]"
        ORGANIC: "B" | "C" | "N" | "O" | "Cl" | "Br" | "c" | "n" | "o"
        SYMBOL: "H" | "C" | "N" | "Cl" | "c" | "se"
        ISOTOPE: /[0-9]+/
        CHIRAL: "@" | "@@"
        HCOUNT: /H[0-9]?/
        CHARGE: /\+[1-9]?|-[1-9]?/
        BOND: /[-=#:]/
        RING: /[0-9]|%[0-9][0-9]/
    """,
    "c-like": r"""
        start: statement*
        statement: TYPE NAME ("=" expr)? ";" | NAME "=" expr ";" | "if" "(" expr ")" statement ("else" statement)?
                 | "while" "(" expr ")" statement | "return" expr? ";" | "{" statement* "}"
        ?expr: expr OPERATOR expr | "!" expr | NAME | NUMBER | NAME "(" [expr ("," expr)*] ")" | "(" expr ")"
        TYPE: "int" | "char" "*"?
        OPERATOR: "+" | "-" | "<" | "==" | "&&"
        NAME: /[a-z_][a-z0-9_]*/
        NUMBER: /[0-9]+/
        %import common.WS
        %ignore WS
    """,
    "anbn": """
        start: "a" start "b" |
    """,
    "palindrome": """
        start: "a" start "a" | "b" start "b" | "a" | "b" |
    """,
    "records": r"""
        start: record (_NL record)* _NL?
        record: KEY "=" field ("," field)*
        field: NUMBER | WORD | ESCAPED_STRING
        _NL: "\n"
        KEY: /[a-z]+/
        WORD: /[a-z]+/
        NUMBER: /[0-9]+/
        %import common.ESCAPED_STRING
    """,
}

# left, hidden-left, cyclic and nullable recursion, ambiguity, and terminals that `re` reads differently
STRANGE = {
    "cyclic": 'start: start | a | "x"\n a: start | "(" start ")"',
    "hidden-left": 'start: empty start "x" | "y"\n empty: | "e"',
    "ambiguous": 'start: start start | start start start | "a" |',
    "indirect": 'start: b "s" | "s"\n b: c "b" | "b"\n c: start "c" | "c"',
    "nullable": 'start: a b a\n a: "x" | b\n b: "y"* |',
    "tail": 'start: "l" start | "r" start "r" | other\n other: "o" start | "!"',
    "charge": r"start: (SIGN | CHARGE)+ \n SIGN: /-/\n CHARGE: /\+|\+[1-9]/".replace(r"\n", "\n"),
    "lazy": "start: TEXT+\nTEXT: /<.*?>/",
    "unicode": "start: WORD (SEP WORD)*\nWORD: /[äöü€\U0001f600]+/\nSEP: /[^äöü€\U0001f600a-z\\x00-\\x7f]/",
}

Part = "str | tuple[int, int | None]"


@dataclass(frozen=True)
class Case:
    """Parts (pairs are gaps of so many tokens), a vocabulary, and whether some filling is known."""

    grammar: str
    parts: tuple[str | tuple[int, int | None], ...]
    vocab: tuple[str, ...] | None
    witnessed: bool


class Writer:
    """Writes random texts of a grammar."""

    def __init__(self, text: str) -> None:
        grammar, _ = load_grammar(text, "<grammar>", [], False)
        terminals, rules, self.ignored = grammar.compile(["start"], "*")
        self.terminals = {t.name: leftmost.language(t.pattern.to_regexp()) for t in terminals}
        self.rules: dict[str, list[list[tuple[bool, str]]]] = {}
        for rule in rules:
            expansion = [(isinstance(s, NonTerminal), str(s.name)) for s in rule.expansion]
            self.rules.setdefault(str(rule.origin.name), []).append(expansion)
        self.depth = dict.fromkeys(self.rules, 1 << 20)
        for _ in self.rules:
            for name, expansions in self.rules.items():
                self.depth[name] = min(self._depth(e) for e in expansions)

    def _depth(self, expansion: Sequence[tuple[bool, str]]) -> int:
        return 1 + max((self.depth[name] for is_rule, name in expansion if is_rule), default=0)

    def write(self, rng: Random, fuel: int) -> str:
        """A text; the more fuel, the longer."""
        out: list[str] = []
        stack = [(True, "start")]
        while stack:
            is_rule, name = stack.pop()
            if not is_rule:
                out.append(self._terminal(rng, name))
                if self.ignored and rng.random() < 0.15:
                    out.append(self._terminal(rng, rng.choice(self.ignored)))
                continue
            expansions = self.rules[name]
            fuel -= 1
            if fuel < 0:
                least = min(map(self._depth, expansions))
                expansions = [e for e in expansions if self._depth(e) == least]
            stack += reversed(rng.choice(expansions))
        return "".join(out)

    def _terminal(self, rng: Random, name: str) -> str:
        dfa = self.terminals[name]
        shortest, state, text = dfa.lengths[0], 0, ""
        while not dfa.accept[state] or ((dfa.trans[state] >= 0).any() and rng.random() < 0.5):
            ways = [(c, int(t)) for c, t in enumerate(dfa.trans[state]) if t >= 0]
            if len(text) > 6:
                ways = [(c, t) for c, t in ways if shortest[t] < shortest[state]]
                if not ways:
                    break
            c, state = rng.choice(ways)
            points = dfa.class_sets[c]
            low = rng.choice(points[::2])
            high = next(b for a, b in zip(points[::2], points[1::2], strict=True) if a == low)
            text += chr(low + rng.randrange(min(high - low, 26)))
        return text


@lru_cache(maxsize=64)
def writer(text: str) -> Writer:
    """The writer of a grammar."""
    return Writer(text)


def random_case(grammar: str, rng: Random, fuel: int = 12) -> Case:
    """Cut a random text, change it half of the time, and choose bounds for its gaps."""
    text = writer(grammar).write(rng, rng.randrange(1, fuel))
    other = writer(grammar).write(rng, rng.randrange(1, fuel))
    cuts = sorted(rng.randrange(len(text) + 1) for _ in range(2 * rng.randrange(0, 4)))
    edges = [0, *cuts, len(text)]
    spans = [text[a:b] for a, b in pairwise(edges)]
    vocab = _vocab(rng, text, other) if rng.random() < 0.4 else None
    mutated = rng.random() < 0.5
    if mutated:
        kept = rng.randrange(0, len(spans), 2)
        spans[kept] = _mutate(rng, spans[kept], text + other)
    kind = rng.choice(["free", "most", "exact"])
    parts: list[str | tuple[int, int | None]] = []
    witnessed = not mutated
    for i, span in enumerate(spans):
        if i % 2 == 0:
            parts.append(span)
            continue
        needed = len(span) if vocab is None else fewest(span, vocab)
        if needed is None:
            witnessed, needed = False, rng.randrange(4)
        if kind == "free":
            parts.append((0, None))
            continue
        n = max(0, needed + rng.choice([0, 0, 0, 1, 2, -1]))
        witnessed &= n == needed if kind == "exact" else n >= needed
        parts.append((n if kind == "exact" else 0, n))
    return Case(grammar, tuple(part for part in parts if part != ""), vocab, witnessed)


def fewest(text: str, vocab: Sequence[str]) -> int | None:
    """The fewest tokens that spell a text."""
    best: list[int | None] = [0] + [None] * len(text)
    for i in range(1, len(text) + 1):
        ways = [best[i - len(t)] for t in vocab if t and text[:i].endswith(t)]
        best[i] = min((1 + w for w in ways if w is not None), default=None)
    return best[-1]


def _vocab(rng: Random, *texts: str) -> tuple[str, ...]:
    joined = "".join(texts) or "a"
    tokens = {
        joined[i : i + rng.choice([1, 1, 2, 2, 3, 4])]
        for i in (rng.randrange(len(joined)) for _ in range(rng.randrange(2, 12)))
    }
    if rng.random() < 0.7:
        tokens |= set(joined[:20])
    return tuple(sorted(tokens))


def _mutate(rng: Random, text: str, letters: str) -> str:
    at = rng.randrange(len(text) + 1)
    letter = rng.choice(letters or "a")
    return rng.choice([text[:at] + letter + text[at:], text[:at] + text[at + 1 :], text[:at] + letter + text[at + 1 :]])


def alphabet(grammar: str, case: Case) -> tuple[str, ...]:
    """For gaps of single characters: one of each class that the terminals tell apart, and those of the texts."""
    chars = {char for part in case.parts if isinstance(part, str) for char in part}
    for dfa in writer(grammar).terminals.values():
        chars |= {chr(first) for points in dfa.class_sets for first in points[::2]}
    return tuple(sorted(char for char in chars if not "\ud800" <= char <= "\udfff"))
