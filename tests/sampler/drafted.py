"""Cases of drafting: a language small enough for the exact law of its token sequences, and grammars with judges."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jsonschema
import lark
import numpy as np
import torch

import detent
from detent import AWRS, Masking, ModelDrafter, Predicate, Speculation
from detent.decoding import Row
from detent.rounds import Speculator
from detent.sampler.guide import Guide, tokens_of
from detent.sampler.speculation.drafter import Ask, Combined, Seen
from detent.sampler.speculation.tree import Tree, candidates

PROMPT = [0]
Path = tuple[int, ...]

# ------------------------------------------------------------------------------------------------------- the exact law
BYTES = [bytes([value]) for value in range(256)]
LETTERS = [*BYTES, b"ab", b"cd", None]
END = len(LETTERS) - 1
STRANGE = [value for value in range(256) if chr(value) not in "abcd"]
PATTERN = "[ab]{1,3}(dcd|cd)[abd]|c[ab]?dd"  # forced tokens, forced bytes with more than one spelling, and choices
DRAFTS = ("equal", "independent", "adversarial")
ALGORITHMS = ("A", "B", "C(i)", "C(ii)", "D")


def longest_first(text: str) -> list[int]:
    return [LETTERS.index(piece.encode()) for piece in re.findall("ab|cd|.", text)]


@dataclass(frozen=True)
class Law:
    """A language under a random model: the exact law of its sentences, and rows that draw from it with drafts."""

    seed: int
    temperature: float = 1.0

    @cached_property
    def grammar(self) -> detent.Grammar:
        return _compiler().regex(PATTERN)

    @cached_property
    def legal(self) -> dict[Path, list[int]]:
        """What may follow each beginning."""
        found: dict[Path, list[int]] = {}

        def visit(guide: Guide) -> None:
            tokens = found[tuple(guide.ids)] = tokens_of(candidates(guide))
            for token in tokens:
                if token != END and guide.accept(token):
                    visit(guide)
                    guide.rollback(1)

        visit(Guide(self.grammar.vocabulary, self.grammar.matcher()))
        return found

    def scores(self, kind: str) -> np.ndarray:
        """Logits behind each beginning, by its number."""
        rng = np.random.default_rng([self.seed, kind != "equal"])
        scores: np.ndarray = 1.5 * rng.standard_normal((len(self.legal), len(LETTERS)))
        scores[:, STRANGE] -= 6  # bytes of no sentence at all
        if kind == "adversarial":  # 0.99 on what is not allowed
            for row, legal in zip(scores, self.legal.values(), strict=True):
                shares = np.exp(row[legal])
                row[:] = np.log(0.99 / (len(row) - len(legal)))
                row[legal] = np.log(0.01 * shares / shares.sum())
        return scores

    @cached_property
    def law(self) -> dict[Path, float]:
        """The probability of each sentence, without its end, under the mask of each step."""
        scores, numbers = self.scores("equal"), {path: i for i, path in enumerate(self.legal)}
        found: dict[Path, float] = {}
        stack: list[tuple[Path, float]] = [((), 1.0)]
        while stack:
            path, mass = stack.pop()
            legal = self.legal[path]
            shares = np.exp(scores[numbers[path]][legal] / self.temperature)
            for token, share in zip(legal, mass * shares / shares.sum(), strict=True):
                if token == END:
                    found[path] = float(share)
                else:
                    stack.append(((*path, token), float(share)))
        return found

    def model(self, kind: str) -> Callable[[Sequence[Sequence[int]]], torch.Tensor]:
        table = torch.tensor(self.scores(kind), dtype=torch.float32)
        numbers = {path: i for i, path in enumerate(self.legal)}
        return lambda prefixes: table[[numbers[tuple(prefix[len(PROMPT) :])] for prefix in prefixes]]

    def guide(self, algorithm: str) -> Guide:
        vocabulary = self.grammar.vocabulary
        if algorithm != "B":
            return Guide(vocabulary, self.grammar.matcher())
        legal = self.legal
        predicate = Predicate(lambda ids: tuple(ids) in legal, lambda ids: END in legal.get(tuple(ids), ()), on="ids")
        return Guide(vocabulary, None, predicate)

    def draw(self, algorithm: str, draft: str, n: int, seed: int = 0) -> Counter[Path]:
        """Draw sentences with drafts of three tokens.

        A is a draft model, verified token by token; B the same without masks; C(i) forced tokens, C(ii) forced bytes
        as a draft; D a tree.
        """
        drafters: dict[str, Any] = {
            "C(i)": Combined(),
            "C(ii)": detent.ForcedText(self.grammar.vocabulary, longest_first),
            "D": ModelDrafter(self.model(draft), width=(3, 2), confidence=0.0),
        }
        drafter = drafters.get(algorithm) or ModelDrafter(self.model(draft), confidence=0.0)
        sampler = (AWRS if algorithm == "B" else Masking)(self.temperature)
        how = Speculation(drafter, 3, adaptive=False)
        generators = [np.random.default_rng([self.seed, seed, i]) for i in range(n)]
        rows = [Row(list(PROMPT), self.guide(algorithm), generator, 12) for generator in generators]
        for _ in Speculator(self.model("equal"), sampler, how, len(LETTERS)).write(rows):
            pass
        assert all(row.stopped for row in rows)
        return Counter(tuple(row.tokens[:-1]) for row in rows)


_compilers: list[detent.Compiler] = []


def _compiler() -> detent.Compiler:
    if not _compilers:
        _compilers.append(detent.Compiler(detent.Vocabulary.from_tokens(LETTERS, eos=[END])))
    return _compilers[0]


# ---------------------------------------------------------------------------------------------- grammars with judges
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 12},
        "kind": {"enum": ["leaf", "node", "nodes"]},
        "size": {"type": "integer", "minimum": -5, "maximum": 1200},
        "parts": {"type": "array", "items": {"$ref": "#"}, "maxItems": 2},
    },
    "required": ["name", "kind"],
    "additionalProperties": False,
}
ARITHMETIC = """root ::= term ([-+*/] term)*
term ::= [0-9]+ ("." [0-9]+)? | "-" term | "(" root ")"
"""
BRACKETS = """root ::= ("(" root ")" | "[" root "]" | "{" root "}")*
"""
C_LIKE = r"""
start: function+
function: TYPE NAME "(" [TYPE NAME ("," TYPE NAME)*] ")" block
block: "{" statement* "}"
?statement: TYPE NAME "=" sum ";" | NAME "=" sum ";" | "return" sum ";"
    | "if" "(" test ")" block ["else" block] | "while" "(" test ")" block | block
test: sum ("<" | "==" | ">=") sum
?sum: product (("+" | "-") product)*
?product: atom (("*" | "/") atom)*
?atom: NAME | NUMBER | "-" atom | "(" sum ")" | NAME "(" [sum ("," sum)*] ")"
TYPE: "int" | "char" | "void"
NAME: /[a-z_][a-z0-9_]{0,3}/
NUMBER: /0|[1-9][0-9]*/
%ignore /[ \n]/
"""

PIECES = [
    b'{"', b'":', b'",', b'"name":"', b"kind", b'": "', b"node", b"leaf", b"}]", b'"}', b"],", b"()", b"((", b"))",
    b"{}", b"int ", b"char", b"return ", b"if(", b"while", b"else{", b") {", b";}", b" = ", b"==", b">=", b"+1", b"*(",
    b"12", "é".encode(), "日".encode(), b"\xa9",
]  # fmt: skip
TOKENS: list[bytes | None] = [*BYTES, *PIECES, None]
EOS = len(TOKENS) - 1


def is_json(text: str) -> bool:
    jsonschema.validate(json.loads(text), SCHEMA)
    return True


def is_arithmetic(text: str) -> bool:
    _parsers["arithmetic"].parse(text)
    return True


def is_balanced(text: str) -> bool:
    while (shorter := re.sub(r"\(\)|\[\]|\{\}", "", text)) != text:
        text = shorter
    return not text


def is_c_like(text: str) -> bool:
    _parsers["C-like"].parse(text)
    return True


_parsers = {
    "arithmetic": lark.Lark(
        'start: term (/[-+*\\/]/ term)*\nterm: /[0-9]+(\\.[0-9]+)?/ | "-" term | "(" start ")"', parser="lalr"
    ),
    "C-like": lark.Lark(C_LIKE, parser="lalr", maybe_placeholders=False),
}
JUDGES: dict[str, Callable[[str], bool]] = {
    "JSON": is_json,
    "arithmetic": is_arithmetic,
    "brackets": is_balanced,
    "C-like": is_c_like,
}


class Zeros(np.random.Generator):
    """A generator whose every uniform number is 0."""

    def random(self, *args: Any, **options: Any) -> Any:
        return super().random(*args, **options) * 0.0


class Nonsense:
    """Drafts anything: illegal tokens, ends in the middle, no tokens at all."""

    cost = 0.0

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def draft(self, asks: Sequence[Ask]) -> list[Tree]:
        return [Tree.chain(self.rng.choice([EOS, 34, 40, 41, *range(256, EOS)], 4).tolist()) for _ in asks]

    def learn(self, seen: Sequence[Seen]) -> None:
        pass


class Written:
    """Random texts of all grammars with all drafters, and which of them are not what they should be."""

    def __init__(self, seed: int = 0) -> None:
        self.vocabulary = detent.Vocabulary.from_tokens(TOKENS, eos=[EOS])
        compiler = detent.Compiler(self.vocabulary)
        self.grammars = {
            "JSON": compiler.json_schema(SCHEMA, whitespace="compact"),
            "arithmetic": compiler.gbnf(ARITHMETIC),
            "brackets": compiler.gbnf(BRACKETS),
            "C-like": compiler.lark(C_LIKE),
        }
        generator = torch.Generator().manual_seed(seed)
        self.tables = [2 * torch.randn(len(TOKENS), len(TOKENS), generator=generator) for _ in range(2)]
        for table in self.tables:
            table[:, [*range(32), *range(127, 256), ord("\\")]] -= 4
        closing = [token is None or (token[-1:] in b'"]})0;' and len(token) < 3) for token in TOKENS]
        self.closing = torch.tensor(closing, dtype=torch.float32)

    def model(self, table: int) -> Callable[[Sequence[Sequence[int]]], torch.Tensor]:
        """A table that looks at the last token, and is in a hurry to close what is open."""

        def logits(prefixes: Sequence[Sequence[int]]) -> torch.Tensor:
            hurry = torch.tensor([0.15 * len(prefix) for prefix in prefixes])
            return self.tables[table][[prefix[-1] for prefix in prefixes]] + hurry[:, None] * self.closing

        return logits

    def drafters(self, seed: int) -> dict[str, Any]:
        def encode(text: str) -> list[int]:
            return list(text.encode())

        copies = detent.PromptLookup()
        return {
            "forced": detent.ForcedText(self.vocabulary, encode),
            "lookup": copies,
            "n-grams": detent.NGrams(),
            "recycling": detent.Recycling((3, 2)),
            "model": ModelDrafter(self.model(1), confidence=0.0),
            "equal": ModelDrafter(self.model(0), confidence=0.0),
            "tree": ModelDrafter(self.model(1), width=(2, 2), confidence=0.0),
            "several": Combined(copies, detent.NGrams(), ModelDrafter(self.model(1))),
            "nonsense": Nonsense(seed),
        }

    def write(self, name: str, drafter: Any, sampler: Any, seed: int, n: int, zeros: bool = False) -> list[Row]:
        bits = [np.random.PCG64([seed, i]) for i in range(n)]
        generators = [Zeros(b) if zeros else np.random.Generator(b) for b in bits]
        rows = [
            Row([EOS, i % 256], Guide(self.vocabulary, self.grammars[name].matcher()), generator, 80)
            for i, generator in enumerate(generators)
        ]
        speculator = Speculator(self.model(0), sampler, Speculation(drafter, 4), len(TOKENS))
        for _ in speculator.write(rows):
            pass
        return rows

    def violations(self, name: str, rows: Sequence[Row]) -> Iterator[bytes]:
        """Yield what an independent parser refuses, or what the grammar refuses as a beginning."""
        for row in rows:
            text = b"".join(map(self.vocabulary.token_bytes, row.tokens))
            fine = row.guide.ids == row.tokens and not row.dead
            fine = fine and self.grammars[name].matcher().validate(row.tokens) == len(row.tokens)
            try:
                fine = fine and (not row.stopped or JUDGES[name](text.decode()))
            except (ValueError, jsonschema.ValidationError, lark.exceptions.LarkError):
                fine = False
            if not fine:
                yield text
