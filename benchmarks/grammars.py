"""Masks of engines side by side on grammars: in BNF, or Lark's with programs that Lark has judged; and how masks grow.

A set of Lark grammars is a folder with a folder for each: ``grammar.lark``, ``meta.json`` (start, parser, lexer, or the
package resource that the grammar is) and ``valid.jsonl``, ``invalid.jsonl``, one program a line as a JSON string. Of
each grammar: the time from its text to the first mask, then that of a mask and a commit for every token of every
program, and the same again. A program counts as accepted when every token is in the mask and the end is, after the
last. The engines take turns, program by program, in one process, so that what the machine does meanwhile meets all.

Without a set, two grammars in BNF are measured in the same way, and then how masks of detent grow with a text.

    python benchmarks/grammars.py --tokenizer FOLDER
    python benchmarks/grammars.py --tokenizer FOLDER --set FOLDER
"""

from __future__ import annotations

import argparse
import importlib.resources
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import mean
from time import perf_counter_ns
from typing import Any

import numpy as np
from engines import ENGINES, is_allowed, load_tokenizer
from rich.console import Console
from rich.table import Table

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
WARM = 'start: (W "-" N ";")+\nW: /[a-z]+/\nN: /[0-9]+/\n%ignore " "\n'


@dataclass
class Case:
    """A grammar, how an engine compiles one of its spellings, and programs with whether each is valid."""

    name: str
    compile: Callable[[Any, str], None]
    spellings: list[str]
    programs: list[tuple[bool, str]]


@dataclass
class Measured:
    """What one grammar cost one engine: microseconds to the first mask, of each mask and commit, and the same again.

    ``wrong`` counts programs that were judged otherwise than they should be; ``error`` says why there is nothing.
    """

    first_mask: float = 0.0
    masks: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)
    wrong: int = 0
    error: str = ""


def bnf_case(name: str, text: str, programs: list[str]) -> Case:
    """A grammar in BNF with valid texts."""
    return Case(name, lambda engine, spelling: engine.compile_bnf(spelling), [text], [(True, p) for p in programs])


def lark_case(name: str, text: str, options: dict[str, Any], programs: list[tuple[bool, str]]) -> Case:
    """A Lark grammar; some engines know no priorities."""
    plain = re.sub(r"(?m)^([ \t]*[!?_]*[A-Za-z]\w*)\.-?\d+([ \t]*[:{])", r"\1\2", text)
    spellings = list(dict.fromkeys((text, plain)))
    return Case(name, lambda engine, spelling: engine.compile_lark(spelling, options), spellings, programs)


def lark_cases(folder: Path, only: list[str] | None) -> Iterator[Case]:
    """The grammars of a set."""
    for path in sorted(path.parent for path in folder.glob("*/meta.json")):
        if only and path.name not in only:
            continue
        meta, grammar = json.loads((path / "meta.json").read_text()), path / "grammar.lark"
        if "resource" in meta:
            package, name = meta["resource"]
            grammar = importlib.resources.files(package).joinpath(name)
        programs = [
            (is_valid, json.loads(line))
            for name, is_valid in (("valid", True), ("invalid", False))
            for line in (path / f"{name}.jsonl").read_text().splitlines()
        ]
        yield lark_case(path.name, grammar.read_text(), meta, programs)


def first_mask(engine: Any, case: Case) -> float:
    """Compile a grammar and make its first mask, from the first spelling that the engine takes: microseconds."""
    failure: Exception | None = None
    for spelling in case.spellings:
        begin = perf_counter_ns()
        try:
            case.compile(engine, spelling)
            engine.fill()
        except (ValueError, RuntimeError, NotImplementedError) as error:
            failure = failure or error
        else:
            return (perf_counter_ns() - begin) / 1e3
    assert failure is not None
    raise failure


def follow(engine: Any, tokens: list[int], eos: int, times: list[float]) -> bool:
    """Take a program token by token; whether it is accepted."""
    engine.reset()
    for token in tokens:
        begin = perf_counter_ns()
        engine.fill()
        allowed = engine.commit(token)
        times.append((perf_counter_ns() - begin) / 1e3)
        if not allowed:
            return False
    engine.fill()
    return is_allowed(engine.mask, eos)


def measure(engines: dict[str, Any], case: Case, tokenizer: Any) -> dict[str, Measured]:
    """Measure one grammar on every engine."""
    found = {name: Measured() for name in engines}
    for name, engine in engines.items():
        try:
            found[name].first_mask = first_mask(engine, case)
        except (ValueError, RuntimeError, NotImplementedError) as error:
            found[name].error = f"{type(error).__name__}: {error!s:.60}".replace("\n", " ")
    encoded = [(is_valid, tokenizer.encode(text, add_special_tokens=False)) for is_valid, text in case.programs]
    for second in (False, True):
        for is_valid, tokens in encoded:
            for name, engine in engines.items():
                one = found[name]
                if not one.error:
                    times = one.again if second else one.masks
                    accepted = follow(engine, tokens, tokenizer.eos_token_id, times)
                    one.wrong += accepted != is_valid and not second
    return found


def row(label: str, name: str, one: Measured) -> list[str]:
    """One line of the table."""
    if one.error:
        return [label, name, one.error, *[""] * 6]
    times, again = np.array(one.masks), np.array(one.again)
    quantiles = [f"{np.percentile(times, q):.0f}" for q in (50, 99, 100)]
    return [
        *(label, name, f"{one.first_mask / 1e3:.1f}", f"{times.mean():.1f}", *quantiles),
        *(f"{np.percentile(again, 50):.1f}", str(one.wrong)),
    ]


def compare(engines: dict[str, Any], cases: Iterator[Case], tokenizer: Any) -> Table:
    """A line for each grammar and engine, and the sums over what every engine takes."""
    out = Table("grammar", "engine", "first mask ms", "mean us", "p50", "p99", "max", "again p50", "judged wrongly")
    total = {name: Measured() for name in engines}
    for case in cases:
        found = measure(engines, case, tokenizer)
        everyone = not any(one.error for one in found.values())
        for name, one in found.items():
            out.add_row(*row(case.name, engines[name].name, one))
            if everyone:
                total[name].first_mask += one.first_mask
                total[name].masks += one.masks
                total[name].again += one.again
                total[name].wrong += one.wrong
    for name, one in total.items():
        if one.masks:
            out.add_row(*row("all that every engine takes", engines[name].name, one))
    return out


def growth(engine: Any, tokenizer: Any) -> Table:
    """New masks at the end of texts that grow in length or depth: the mean of the last 20."""
    out = Table("text", "n = 20", "200", "2,000", title="new masks at the end of a text, µs")
    texts: dict[str, tuple[str, Callable[[int], str]]] = {
        "JSON, items of one array": (JSON, lambda n: "[" + "1, " * n),
        "JSON, arrays in each other": (JSON, lambda n: "[" * n),
        "C, operands of one sum": (C, lambda n: "int x = a" + " + b" * n),
        "C, parentheses in each other": (C, lambda n: "int x = " + "(" * n),
        "right recursion": ('root ::= "a," root | "a"', lambda n: "a," * n),
        "ambiguous sum": ('root ::= root "+" root | root root | "a"', lambda n: "a+a" * n),
    }
    for name, (grammar, text) in texts.items():
        cells = []
        for n in (20, 200, 2000):
            times: list[float] = []
            fresh = engine(tokenizer)
            fresh.compile_bnf(grammar)
            follow(fresh, tokenizer.encode(text(n), add_special_tokens=False), tokenizer.eos_token_id, times)
            cells.append(f"{mean(times[-20:]):,.1f}")
        out.add_row(name, *cells)
    return out


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", help="a folder in Hugging Face form; by default the bundled model's")
    parser.add_argument("--set", type=Path, help="a folder of Lark grammars")
    parser.add_argument("--engine", action="append", choices=ENGINES, help="may be given more than once")
    parser.add_argument("--only", action="append", help="name of a grammar of the set")
    options = parser.parse_args()
    tokenizer, console = load_tokenizer(options.tokenizer), Console(width=140)
    names = options.engine or [name for name in ENGINES if find_spec(name) is not None]
    engines = {name: ENGINES[name](tokenizer) for name in names}
    if options.set is not None:
        measure(engines, lark_case("", WARM, {"start": "start", "parser": "lalr"}, [(True, "w-1;")]), tokenizer)
        console.print(compare(engines, lark_cases(options.set, options.only), tokenizer))
        return
    record = json.dumps(RECORD, ensure_ascii=False)
    cases = [bnf_case("JSON", JSON, [record]), bnf_case("C", C, [PROGRAM])]
    console.print(compare(engines, iter(cases), tokenizer))
    console.print(growth(ENGINES["detent"], tokenizer))


if __name__ == "__main__":
    main()
