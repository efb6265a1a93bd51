"""Grammars: masks side by side, how they grow with a text, memory, and what a new or a known grammar costs.

Without options: JSON in three notations and a C subset in GBNF, on every engine that is installed; growth; memory after
many grammars. A *set* (``--set``) is a folder with a folder for each Lark grammar: ``grammar.lark``, ``meta.json``
(start, parser, lexer, or the package resource that the grammar is) and ``valid.jsonl``, ``invalid.jsonl``, one program
a line as a JSON string, which Lark has judged. A program counts as accepted when every token is in the mask and the end
is, after the last. The engines take turns, program by program, in one process.

``--syncode FOLDER`` is where ``pip install --no-deps --target FOLDER syncode interegular fire termcolor regex tqdm``
has put SynCode: its mask store is built offline, for minutes, so its grammars are few.

Times are of the processor, but for those of a second pass over the same texts, which are too short for its clock.

    python benchmarks/grammars.py --tokenizer FOLDER --set FOLDER --syncode FOLDER
"""

from __future__ import annotations

import argparse
import importlib.resources
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter_ns, process_time, process_time_ns
from types import ModuleType
from typing import Any

import numpy as np
from engines import ENGINES, is_allowed, load_tokenizer
from rich.console import Console
from rich.table import Table

import detent
from detent.automata.arena import used

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


LARK_JSON = r"""
start: value
?value: object | array | STRING | NUMBER | "true" | "false" | "null"
object: "{" [STRING ":" value ("," STRING ":" value)*] "}"
array: "[" [value ("," value)*] "]"
STRING: /"([^"\\\x00-\x1f]|\\(["\\\/bfnrt]|u[0-9a-fA-F]{4}))*"/
NUMBER: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/
%ignore /[ \t\r\n]+/
"""
WARM = 'start: (W "-" N ";")+\nW: /[a-z]+/\nN: /[0-9]+/\n%ignore " "\n'


@dataclass
class Measured:
    """What one grammar cost one engine: microseconds to the first mask, of each mask and commit, and the same again.

    ``wrong`` counts texts that were judged otherwise than they are; ``error`` says why there is nothing.
    """

    first_mask: float = 0.0
    masks: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)
    wrong: int = 0
    error: str = ""


@dataclass(frozen=True)
class Case:
    """A grammar, how an engine compiles it, and texts, each with whether it belongs to it."""

    name: str
    compile: Callable[[Any], None]
    texts: list[tuple[bool, str]]


def in_notations() -> Iterator[Case]:
    """JSON in three notations, and a C subset."""
    record = [(True, json.dumps(RECORD, ensure_ascii=False, indent=indent)) for indent in (None, 1)]
    yield Case("JSON, JSON Schema", lambda engine: engine.compile({}), record)
    yield Case("JSON, Lark", lambda engine: engine.compile_lark(LARK_JSON, {}), record)
    yield Case("JSON, GBNF", lambda engine: engine.compile_gbnf(JSON), record)
    yield Case("C subset, GBNF", lambda engine: engine.compile_gbnf(C), [(True, PROGRAM)])


def of_set(folder: Path, only: list[str] | None) -> Iterator[Case]:
    """The Lark grammars of a set."""
    for path in sorted(path.parent for path in folder.glob("*/meta.json")):
        if only and path.name not in only:
            continue
        meta = json.loads((path / "meta.json").read_text())
        if "resource" in meta:
            package, name = meta["resource"]
            text = importlib.resources.files(package).joinpath(name).read_text()
        else:
            text = (path / "grammar.lark").read_text()
        programs = [
            (kind == "valid", json.loads(line))
            for kind in ("valid", "invalid")
            for line in (path / f"{kind}.jsonl").read_text().splitlines()
        ]
        yield Case(path.name, lambda engine, text=text, meta=meta: compile_lark(engine, text, meta), programs)


def compile_lark(engine: Any, text: str, meta: dict[str, Any]) -> None:
    """Compile a grammar; without its priorities, where an engine does not know them."""
    try:
        engine.compile_lark(text, meta)
    except (ValueError, RuntimeError):
        plain = re.sub(r"(?m)^([ \t]*[!?_]*[A-Za-z]\w*)\.-?\d+([ \t]*[:{])", r"\1\2", text)
        if plain == text:
            raise
        engine.compile_lark(plain, meta)


def follow(engine: Any, tokens: list[int], eos: int, clock: Callable[[], int], times: list[float]) -> bool:
    """Take a text token by token; whether it is accepted."""
    engine.reset()
    for token in tokens:
        begin = clock()
        engine.fill()
        allowed = engine.commit(token)
        times.append((clock() - begin) / 1e3)
        if not allowed:
            return False
    engine.fill()
    return is_allowed(engine.mask, eos)


def measure(engines: dict[str, Any], case: Case, tokenizer: Any) -> dict[str, Measured]:
    """Measure one grammar on every engine."""
    found = {name: Measured() for name in engines}
    for name, engine in engines.items():
        begin = process_time_ns()
        try:
            case.compile(engine)
            engine.fill()
        except NotImplementedError as error:
            found[name].error = str(error)
        except (ValueError, RuntimeError) as error:
            found[name].error = f"{type(error).__name__}: {error!s:.50}".replace("\n", " ")
        found[name].first_mask = (process_time_ns() - begin) / 1e3
    encoded = [(valid, tokenizer.encode(text, add_special_tokens=False)) for valid, text in case.texts]
    for second in (False, True):
        for is_valid, tokens in encoded:
            for name, engine in engines.items():
                one = found[name]
                if one.error:
                    continue
                clock, times = (perf_counter_ns, one.again) if second else (process_time_ns, one.masks)
                accepted = follow(engine, tokens, tokenizer.eos_token_id, clock, times)
                one.wrong += accepted != is_valid and not second
    return found


def row(label: str, name: str, one: Measured) -> list[str]:
    """One line of the table."""
    if one.error:
        return [label, name, one.error, *[""] * 6]
    quantiles = [f"{np.percentile(one.masks, q):,.0f}" for q in (50, 99, 100)]
    return [
        *(label, name, f"{one.first_mask / 1e3:.1f}", f"{np.mean(one.masks):,.1f}", *quantiles),
        *(f"{np.percentile(one.again, 50):.1f}", str(one.wrong)),
    ]


def side_by_side(engines: dict[str, Any], cases: list[Case], tokenizer: Any) -> Table:
    """Each grammar on each engine, and all those that every engine takes together."""
    columns = ("grammar", "engine", "first mask ms", "mean µs", "p50", "p99", "max", "again p50", "judged wrongly")
    table = Table(*columns, title="masks and tokens")
    total = {name: Measured() for name in engines}
    for case in cases:
        found = measure(engines, case, tokenizer)
        everyone = not any(one.error for one in found.values())
        for name, one in found.items():
            table.add_row(*row(case.name, engines[name].name, one))
            if everyone:
                total[name].first_mask += one.first_mask
                total[name].masks += one.masks
                total[name].again += one.again
                total[name].wrong += one.wrong
    for name, one in total.items():
        if one.masks:
            table.add_row(*row("all that every engine takes", engines[name].name, one))
    return table


def growth(tokenizer: Any) -> Table:
    """Cold masks at the end of texts that grow in length or depth: the mean of the last 20, in microseconds."""
    cases = {
        "JSON, items of one array": (JSON, lambda n: "[" + "1, " * n),
        "JSON, arrays in each other": (JSON, lambda n: "[" * n),
        "C, operands of one sum": (C, lambda n: "int x = a" + " + b" * n),
        "C, parentheses in each other": (C, lambda n: "int x = " + "(" * n),
        "right recursion": ('root ::= "a," root | "a"', lambda n: "a," * n),
        "ambiguous sum": ('root ::= root "+" root | root root | "a"', lambda n: "a+a" * n),
        "ambiguous at every character": (
            'root ::= [a-z]+ | root root root " " | [a-z] root [a-z]',
            lambda n: "so on and on " * (n // 4),
        ),
    }
    table = Table("text", "n = 20", "200", "2,000", title="cold masks at the end of a text, µs")
    for name, (grammar, text) in cases.items():
        means = []
        for n in (20, 200, 2000):
            engine, times = ENGINES["detent"](tokenizer), list[float]()
            engine.compile_gbnf(grammar)
            follow(engine, tokenizer.encode(text(n), add_special_tokens=False), 0, process_time_ns, times)
            means.append(f"{np.mean(times[-20:]):,.1f}")
        table.add_row(name, *means)
    return table


def repeated(tokenizer: Any, cases: list[Case], count: int) -> Table:
    """Many grammars in one compiler: first masks of new ones and of those in the cache, and memory."""
    vocabulary = detent.Vocabulary.from_transformers(tokenizer)
    compiler = detent.Compiler(vocabulary)
    mask = detent.allocate_bitmask(1, len(vocabulary))
    engine = ENGINES["detent"](tokenizer)
    engine.compiler = compiler
    table = Table("grammars", "first mask, new: p50 ms", "p99", "cached: p50 µs", "arena MB", "allowed")
    new, cached = [], []
    for k in range(count):
        variant = compiler.lark if k % 2 else compiler.gbnf
        text = (LARK_JSON.replace("value", f"value_{k}") if k % 2 else C.replace("decl", f"decl-{k}")) + "\n"
        for times in (new, cached):
            begin = process_time_ns()
            variant(text).matcher().fill_bitmask(mask)
            times.append((process_time_ns() - begin) / 1e3)
        case = cases[k % len(cases)]
        case.compile(engine)
        for _, program in case.texts[:20]:
            follow(engine, tokenizer.encode(program, add_special_tokens=False), 0, process_time_ns, [])
    figures = (np.percentile(new, 50) / 1e3, np.percentile(new, 99) / 1e3, np.percentile(cached, 50))
    arena = sum(used(compiler.arenas.current).values()) / 1e6
    table.add_row(
        str(count), *(f"{x:.2f}" for x in figures), f"{arena:.0f}", f"{compiler.limits.cache_bytes / 1e6:.0f}"
    )
    return table


def set_up(tokenizer: Any, folder: Path, names: list[str]) -> Table:
    """Seconds of the processor from the text of a grammar to its first mask, and to the mask store of SynCode."""
    stores = TemporaryDirectory()  # they would go to the working directory, a hundred megabytes each
    os.environ["SYNCODE_CACHE"] = f"{stores.name}/"
    sys.path.append(str(folder))
    package = ModuleType("syncode")  # without its own imports: data sets, models
    package.__path__ = [str(folder / "syncode")]
    sys.modules["syncode"] = package
    from syncode.mask_store.mask_store import MaskStore  # type: ignore[import-not-found]
    from syncode.parsers.grammars.grammar import Grammar  # type: ignore[import-not-found]

    table = Table("grammar of SynCode", "terminals, rules", "detent s", "SynCode s", "ratio", title="set-up")
    engine = ENGINES["detent"](tokenizer)
    engine.compile_lark(WARM, {})
    engine.fill()
    for name in names:
        text = Grammar(name).ebnf
        begin = process_time()
        engine.compile_lark(text, {})
        engine.fill()
        ours = process_time() - begin
        begin = process_time()
        MaskStore.init_mask_store(Grammar(name), tokenizer, use_cache=False)
        theirs = process_time() - begin
        size = f"{len(re.findall(r'(?m)^[A-Z_]+[.0-9]* *:', text))}, {len(re.findall(r'(?m)^[!?]?[a-z_]+ *:', text))}"
        table.add_row(name, size, f"{ours:.4f}", f"{theirs:.1f}", f"{theirs / ours:,.0f}")
    return table


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", help="a folder in Hugging Face form; by default the bundled model's")
    parser.add_argument("--set", type=Path, help="folder of Lark grammars with programs")
    parser.add_argument("--only", action="append", help="name of a grammar of the set")
    parser.add_argument("--engine", action="append", choices=ENGINES)
    parser.add_argument("--syncode", type=Path, help="folder where SynCode is installed")
    parser.add_argument("--syncode-grammar", action="append", help="name of a grammar of SynCode; calc, c by default")
    options = parser.parse_args()
    tokenizer, console = load_tokenizer(options.tokenizer), Console(width=140)
    if options.syncode:
        console.print(set_up(tokenizer, options.syncode, options.syncode_grammar or ["calc", "c"]))
    engines = {name: ENGINES[name](tokenizer) for name in options.engine or ENGINES}
    measure(engines, Case("warm", lambda engine: engine.compile_lark(WARM, {}), [(True, "w-1;")]), tokenizer)
    cases = list(of_set(options.set, options.only)) if options.set else []
    if cases:
        console.print(side_by_side(engines, cases, tokenizer))
    console.print(side_by_side(engines, list(in_notations()), tokenizer))
    console.print(repeated(tokenizer, cases or list(in_notations()), 50))
    console.print(growth(tokenizer))


if __name__ == "__main__":
    main()
