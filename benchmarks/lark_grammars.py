"""Masks of engines side by side, on Lark grammars with programs that Lark has judged.

A set is a folder with a folder for each grammar: ``grammar.lark``, ``meta.json`` (start, parser, lexer, or the package
resource that the grammar is) and ``valid.jsonl``, ``invalid.jsonl``, one program a line as a JSON string. Of each
grammar: the time from its text to the first mask, then that of a mask and a commit for every token of every program,
and the same again. A program counts as accepted when every token is in the mask and the end is, after the last.

The engines take turns, program by program, in one process, so that what the machine does meanwhile meets both.

    python benchmarks/lark_grammars.py --set FOLDER --tokenizer FOLDER
"""

from __future__ import annotations

import argparse
import importlib.resources
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np
from engines import ENGINES, is_allowed, load_tokenizer
from rich.console import Console
from rich.table import Table

WARM = ('start: (W "-" N ";")+\nW: /[a-z]+/\nN: /[0-9]+/\n%ignore " "\n', {"start": "start", "parser": "lalr"}, "w-1;")


@dataclass
class Measured:
    """What one grammar cost one engine: microseconds to the first mask, of each mask and commit, and the same again.

    ``wrong`` counts programs that were judged otherwise than by Lark; ``error`` says why there is nothing.
    """

    first_mask: float = 0.0
    masks: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)
    wrong: int = 0
    error: str = ""


def programs(folder: Path) -> Iterator[tuple[bool, str]]:
    """The programs of a grammar, and whether each is valid."""
    for name, is_valid in (("valid", True), ("invalid", False)):
        for line in (folder / f"{name}.jsonl").read_text().splitlines():
            yield is_valid, json.loads(line)


def read_grammar(folder: Path, meta: dict[str, Any]) -> str:
    """The text of a grammar."""
    if "resource" in meta:
        package, name = meta["resource"]
        return importlib.resources.files(package).joinpath(name).read_text()
    return (folder / "grammar.lark").read_text()


def without_priorities(text: str) -> str:
    """A grammar without the priorities that one of the engines does not know."""
    return re.sub(r"(?m)^([ \t]*[!?_]*[A-Za-z]\w*)\.-?\d+([ \t]*[:{])", r"\1\2", text)


def compile_grammar(engine: Any, text: str, meta: dict[str, Any]) -> float:
    """Compile a grammar and make its first mask, from the first spelling that the engine takes: microseconds."""
    failure: Exception | None = None
    for spelling in dict.fromkeys((text, without_priorities(text))):
        begin = perf_counter_ns()
        try:
            engine.compile_lark(spelling, meta)
            engine.fill()
        except (ValueError, RuntimeError) as error:
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


def measure(
    engines: dict[str, Any], text: str, meta: dict[str, Any], encoded: list[Any], eos: int
) -> dict[str, Measured]:
    """Measure one grammar on every engine."""
    found = {name: Measured() for name in engines}
    for name, engine in engines.items():
        try:
            found[name].first_mask = compile_grammar(engine, text, meta)
        except (ValueError, RuntimeError) as error:
            found[name].error = f"{type(error).__name__}: {error!s:.60}".replace("\n", " ")
    for second in (False, True):
        for is_valid, tokens in encoded:
            for name, engine in engines.items():
                one = found[name]
                if not one.error:
                    accepted = follow(engine, tokens, eos, one.again if second else one.masks)
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", type=Path, required=True)
    parser.add_argument("--tokenizer", help="folder; the bundled model's by default")
    parser.add_argument("--engine", action="append", choices=ENGINES)
    parser.add_argument("--only", action="append", help="name of a grammar")
    options = parser.parse_args()
    tokenizer = load_tokenizer(options.tokenizer)
    engines = {name: ENGINES[name](tokenizer) for name in options.engine or ENGINES}
    eos = tokenizer.eos_token_id
    measure(engines, WARM[0], WARM[1], [(True, tokenizer.encode(WARM[2], add_special_tokens=False))], eos)
    table = Table("grammar", "engine", "first mask ms", "mean us", "p50", "p99", "max", "again p50", "judged wrongly")
    total = {name: Measured() for name in engines}
    for folder in sorted(path for path in options.set.iterdir() if (path / "meta.json").exists()):
        if options.only and folder.name not in options.only:
            continue
        meta = json.loads((folder / "meta.json").read_text())
        encoded = [(valid, tokenizer.encode(text, add_special_tokens=False)) for valid, text in programs(folder)]
        found = measure(engines, read_grammar(folder, meta), meta, encoded, eos)
        everyone = not any(one.error for one in found.values())
        for name, one in found.items():
            table.add_row(*row(folder.name, engines[name].name, one))
            if everyone:
                total[name].first_mask += one.first_mask
                total[name].masks += one.masks
                total[name].again += one.again
                total[name].wrong += one.wrong
    for name, one in total.items():
        if one.masks:
            table.add_row(*row("all that every engine takes", engines[name].name, one))
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
