"""Scannerless grammars: masks side by side with llguidance, and how they grow with the length and depth of a text.

python benchmarks/grammars.py --tokenizer FOLDER
"""

from __future__ import annotations

import argparse
import json
from statistics import mean, median, quantiles
from time import process_time
from typing import Any

from engines import load_tokenizer
from rich.console import Console
from rich.table import Table

import detent

JSON = r"""
root   ::= value
value  ::= (object | array | string | number | "true" | "false" | "null") ws
object ::= "{" ws (string ws ":" ws value ("," ws string ws ":" ws value)*)? "}"
array  ::= "[" ws (value ("," ws value)*)? "]"
string ::= "\"" ([^"\\\x00-\x1f] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4}))* "\""
number ::= "-"? ("0" | [1-9] [0-9]*) ("." [0-9]+)? ([eE] [-+]? [0-9]+)?
ws     ::= [ \t\r\n]*
"""
C = r"""
root ::= ws decl+
decl ::= func | var
var  ::= type decl1 ("," ws decl1)* ";" ws
decl1 ::= stars name ("[" ws expr? "]" ws)* ("=" ws assign)?
func ::= type stars name "(" ws (param ("," ws param)*)? ")" ws (block | ";" ws)
param ::= type stars name
type ::= ("const" sp)? ("int" | "char" | "float" | "double" | "long") sp
stars ::= ("*" ws)*
block ::= "{" ws stmt* "}" ws
stmt ::= block | var | expr? ";" ws | "return" (sp expr)? ";" ws | "break" ws ";" ws |
         "if" ws "(" ws expr ")" ws stmt ("else" sp stmt)? | "while" ws "(" ws expr ")" ws stmt |
         "for" ws "(" ws (var | expr? ";" ws) expr? ";" ws expr? ")" ws stmt
expr ::= assign | expr "," ws assign
assign ::= unary asgop ws assign | cond
cond ::= lor ("?" ws expr ":" ws cond)?
lor  ::= land | lor "||" ws land
land ::= eq | land "&&" ws eq
eq   ::= rel | eq ("==" | "!=") ws rel
rel  ::= sum | rel ("<" | ">" | "<=" | ">=") ws sum
sum  ::= prod | sum ("+" | "-") ws prod
prod ::= unary | prod ("*" | "/" | "%") ws unary
unary ::= ("-" | "!" | "*" | "&" | "++" | "--") ws unary | postfix
postfix ::= primary | postfix "[" ws expr "]" ws | postfix "(" ws (assign ("," ws assign)*)? ")" ws |
            postfix ("." | "->") ws name | postfix ("++" | "--") ws
primary ::= name | number | string | "(" ws expr ")" ws
asgop ::= "=" | "+=" | "-=" | "*=" | "/="
name ::= [A-Za-z_] [A-Za-z0-9_]* ws
number ::= [0-9]+ ("." [0-9]*)? ws
string ::= "\"" ([^"\\\n] | "\\" [^\n])* "\"" ws
sp ::= [ \t\n]+
ws ::= [ \t\n]*
"""
RECORD = {"name": "Ada Lovelace", "tags": ["a", "b c", "é"], "n": [1, -2.5, 3e10, True, None], "in": {"x": {"y": {}}}}
PROGRAM = """int sort(int *a, int n) {
  int i, j, t;
  for (i = 0; i < n - 1; i++)
    for (j = 0; j < n - i - 1; j++)
      if (a[j] > a[j + 1]) { t = a[j]; a[j] = a[j + 1]; a[j + 1] = t; }
  print("%d of %d\\n", i, n);
  return (a[0] + n) * 2;
}
"""


class Detent:
    """This library."""

    def __init__(self, tokenizer: Any) -> None:
        self.vocabulary = detent.Vocabulary.from_transformers(tokenizer)
        self.compiler = detent.Compiler(self.vocabulary)
        self.mask = detent.allocate_bitmask(1, len(self.vocabulary))

    def start(self, grammar: str) -> None:
        """Compile."""
        specification = self.compiler.json_schema({}) if grammar == "JSON Schema" else self.compiler.gbnf(grammar)
        self.matcher = specification.matcher()

    def again(self) -> None:
        """Back to the start of the text."""
        self.matcher.reset()

    def step(self, token: int) -> None:
        """A mask and a token."""
        self.matcher.fill_bitmask(self.mask)
        if not self.matcher.accept(token):
            raise ValueError(f"{self.vocabulary.token_bytes(token)!r} is refused")


class Llguidance:
    """The same grammars as Lark, by its own converter."""

    def __init__(self, tokenizer: Any) -> None:
        import llguidance
        import llguidance.hf
        import llguidance.numpy

        self.library, self.tokenizer = llguidance, llguidance.hf.from_tokenizer(tokenizer)
        self.mask = llguidance.numpy.allocate_token_bitmask(1, self.tokenizer.vocab_size)

    def start(self, grammar: str) -> None:
        """Compile."""
        from llguidance.gbnf_to_lark import any_to_lark

        if grammar == "JSON Schema":
            text = self.library.LLMatcher.grammar_from_json_schema({})
        else:
            text = self.library.LLMatcher.grammar_from_lark(any_to_lark(grammar))
        self.fresh = self.library.LLMatcher(self.tokenizer, text)
        if self.fresh.is_error():
            raise ValueError(self.fresh.get_error())
        self.again()

    def again(self) -> None:
        """Back to the start of the text."""
        self.matcher = self.fresh.deep_copy()

    def step(self, token: int) -> None:
        """A mask and a token."""
        self.library.numpy.fill_next_token_bitmask(self.matcher, self.mask, 0)
        if not self.matcher.consume_token(token):
            raise ValueError(self.matcher.get_error() or f"token {token} is refused")


def walk(engine: Any, ids: list[int]) -> list[float]:
    """Processor time of each mask and token of a text, in microseconds."""
    engine.again()
    times = []
    for token in ids:
        start = process_time()
        engine.step(token)
        times.append(1e6 * (process_time() - start))
    return times


def compare(tokenizer: Any, out: Table) -> None:
    """Each grammar on each engine: compiled, a first pass over a text, a second one."""
    texts = {"JSON": json.dumps(RECORD), "C": PROGRAM, "JSON Schema": json.dumps(RECORD)}
    grammars = {"JSON": JSON, "C": C, "JSON Schema": "JSON Schema"}
    for name, text in texts.items():
        ids = tokenizer.encode(text, add_special_tokens=False)
        for kind in (Detent, Llguidance):
            engine = kind(tokenizer)
            start = process_time()
            try:
                engine.start(grammars[name])
                made = 1e3 * (process_time() - start)
                cold, warm = walk(engine, ids), walk(engine, ids)
            except ValueError as error:
                out.add_row(name, kind.__name__, str(error)[:60])
                continue
            figures = (made, cold[0] / 1e3, mean(cold), quantiles(cold, n=100)[98], median(warm))
            out.add_row(name, kind.__name__, *(f"{figure:,.1f}" for figure in figures))


def growth(tokenizer: Any, out: Table) -> None:
    """Cold masks at the end of texts that grow in length or depth: the mean of the last 20, in microseconds."""
    cases = {
        "JSON, items of one array": (JSON, lambda n: "[" + "1, " * n),
        "JSON, arrays in each other": (JSON, lambda n: "[" * n),
        "C, operands of one sum": (C, lambda n: "int x = a" + " + b" * n),
        "C, parentheses in each other": (C, lambda n: "int x = " + "(" * n),
        "right recursion": ('root ::= "a," root | "a"', lambda n: "a," * n),
        "ambiguous sum": ('root ::= root "+" root | root root | "a"', lambda n: "a+a" * n),
    }
    for name, (grammar, text) in cases.items():
        row = []
        for n in (20, 200, 2000):
            engine = Detent(tokenizer)
            engine.start(grammar)
            row.append(f"{mean(walk(engine, tokenizer.encode(text(n), add_special_tokens=False))[-20:]):,.1f}")
        out.add_row(name, *row)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", help="a folder in Hugging Face form; by default the bundled model's")
    tokenizer = load_tokenizer(parser.parse_args().tokenizer)
    columns = ("compile ms", "first mask ms", "cold mean µs", "cold p99 µs", "warm p50 µs")
    side = Table("grammar", "engine", *columns, title="masks and tokens, processor time")
    compare(tokenizer, side)
    Console().print(side)
    grown = Table("text", "n = 20", "200", "2,000", title="cold masks at the end of a text, µs")
    growth(tokenizer, grown)
    Console().print(grown)


if __name__ == "__main__":
    main()
