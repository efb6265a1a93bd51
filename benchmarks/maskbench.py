"""Masks of engines side by side, on packs of schemas with instances in MaskBench's form.

Of each schema: the time from the schema to its first mask, then the time of a mask and a commit for every token of
every instance. An instance counts as accepted when every token of it is in the mask and the end is, after the last.
Then the time to the first mask once more: of the same schema, and of one that shares all but one property with it.

Engines take turns, each in a process of its own, so that what the machine does meanwhile meets all of them. A turn is
some fifty schemas: engines that change places after each find cold caches, and are measured by that. A schema that
takes longer than the limit costs its engine a new process.

    python benchmarks/maskbench.py --tokenizer FOLDER --pack PACK.jsonl.gz --sample 300
"""

from __future__ import annotations

import argparse
import gzip
import json
import multiprocessing
import random
from collections import deque
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter, perf_counter_ns
from typing import Any

import numpy as np
from engines import ENGINES, Engine, is_allowed, load_tokenizer
from rich.console import Console
from rich.progress import track
from rich.table import Table

PACK = Path(__file__).with_name("everyday.jsonl")
DEFAULT = ("detent", "llguidance")
PERCENTILES = (25, 50, 75, 90, 95, 99, 99.9, 100)
TURN = 50  # schemas
WARM = {"type": "object", "properties": {"a": {"type": "string", "maxLength": 9}, "b": {"type": "integer"}}}


@dataclass
class Measured:
    """What one schema cost one engine.

    Attributes
    ----------
    first_mask : float or None
        Microseconds from the schema to its first mask.
    again : float or None
        The same for the same schema, after its instances.
    changed : float or None
        The same for the schema with one property more, after that (None also where no object lists properties).
    masks : list of float
        Microseconds of each mask and commit.
    over, under : bool
        Whether an invalid instance was accepted; whether a valid one was rejected.
    error : str or None
        ``"compile: ..."``, ``"run: ..."``, ``"timeout"`` or ``"crash"``.
    """

    first_mask: float | None = None
    again: float | None = None
    changed: float | None = None
    masks: list[float] = field(default_factory=list)
    over: bool = False
    under: bool = False
    error: str | None = None

    @property
    def passing(self) -> bool:
        """Whether the engine took the schema and judged every instance rightly."""
        return self.error is None and not self.over and not self.under


def measure(engine: Engine, tokenizer: Any, line: dict[str, Any]) -> Measured:
    """Run one schema of a pack."""
    tests = [(test["valid"], encode(tokenizer, test["data"])) for test in line["tests"]]
    measured = Measured()
    try:
        measured.first_mask = first_mask(engine, line["schema"])
        for valid, ids in tests:
            accepted = accepts(engine, ids, tokenizer.eos_token_id, measured.masks)
            measured.over |= accepted and not valid
            measured.under |= valid and not accepted
        measured.again = first_mask(engine, line["schema"])
        other = with_another_property(line["schema"])
        measured.changed = None if other is None else first_mask(engine, other)
    except BaseException as error:  # engines raise all kinds, those of Rust's panics included
        if isinstance(error, KeyboardInterrupt):
            raise
        phase = "compile" if measured.first_mask is None else "run"
        measured.error = f"{phase}: {type(error).__name__}: {error}"[:300]
    return measured


def first_mask(engine: Engine, schema: Any) -> float:
    """Microseconds from a schema to its first mask."""
    start = perf_counter_ns()
    engine.compile(schema)
    engine.fill()
    return (perf_counter_ns() - start) / 1e3


def with_another_property(schema: Any) -> Any:
    """A copy of a schema with one property more in the outermost object that lists its properties; None without any."""
    copy = deepcopy(schema)
    pending = deque([copy])
    while pending:
        value = pending.popleft()
        if isinstance(value, list):
            pending.extend(value)
        elif isinstance(value, dict):
            if isinstance(value.get("properties"), dict):
                value["properties"]["one property more"] = {"type": "string", "maxLength": 7}
                return copy
            pending.extend(value.values())
    return None


def encode(tokenizer: Any, value: Any) -> list[int]:
    """The tokens of an instance."""
    ids: list[int] = tokenizer.encode(json.dumps(value, ensure_ascii=False), add_special_tokens=False)
    return ids


def accepts(engine: Engine, ids: list[int], eos: int, times: list[float]) -> bool:
    """Whether an engine allows a text to its end; appends the microseconds of each step."""
    engine.reset()
    for token in ids:
        start = perf_counter_ns()
        engine.fill()
        allowed = engine.commit(token)
        times.append((perf_counter_ns() - start) / 1e3)
        if not allowed:
            return False
    engine.fill()
    return is_allowed(engine.mask, eos)


def serve(connection: Connection, name: str, folder: str | None) -> None:
    """A worker: sends the engine's name and its set-up in seconds, then answers schemas."""
    tokenizer = load_tokenizer(folder)
    start = perf_counter()
    engine = ENGINES[name](tokenizer)
    setup = perf_counter() - start
    measure(engine, tokenizer, {"schema": WARM, "tests": [{"valid": True, "data": {"a": "x", "b": 1}}]})
    connection.send((engine.name, setup))
    while True:
        connection.send(measure(engine, tokenizer, connection.recv()))


class Worker:
    """An engine in its own process, which is replaced when it dies or takes too long."""

    def __init__(self, name: str, folder: str | None, limit: float) -> None:
        self.arguments, self.limit = (name, folder), limit
        self.title, self.setup = self._start()

    def _start(self) -> tuple[str, float]:
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(target=serve, args=(other, *self.arguments), daemon=True)
        self.process.start()
        other.close()
        title, setup = self.connection.recv()
        return title, setup

    def run(self, line: dict[str, Any]) -> Measured:
        """Measure one schema."""
        self.connection.send(line)
        try:
            if self.connection.poll(self.limit):
                measured: Measured = self.connection.recv()
                return measured
            reason = "timeout"
        except EOFError:
            reason = "crash"
        self.stop()
        self._start()
        return Measured(error=reason)

    def stop(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.join()


def read_pack(path: Path, sample: int | None, seed: int) -> list[dict[str, Any]]:
    """The lines of a pack, or a random sample of them."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    return lines if sample is None or sample >= len(lines) else random.Random(seed).sample(lines, sample)


def tally(rows: list[Measured]) -> dict[str, str]:
    """How many schemas ended how."""
    errors = [row.error for row in rows if row.error is not None]
    counts = {
        "schemas": len(rows),
        "passing": sum(row.passing for row in rows),
        "refused": sum(error.startswith("compile") for error in errors),
        "errors later": sum(error.startswith("run") for error in errors),
        "time-outs and crashes": sum(error in ("timeout", "crash") for error in errors),
        "schemas with valid rejected": sum(row.under for row in rows),
        "schemas with invalid accepted": sum(row.over for row in rows),
        "masks": sum(len(row.masks) for row in rows),
    }
    return {name: f"{count:,}" for name, count in counts.items()}


def times(rows: list[Measured]) -> dict[str, float]:
    """Means and percentiles in microseconds."""
    steps = [time for row in rows for time in row.masks]
    firsts = [row.first_mask for row in rows if row.first_mask is not None]
    found = {}
    again = [row.again for row in rows if row.again is not None]
    changed = [row.changed for row in rows if row.changed is not None]
    warm = {"first mask again": again, "first mask of a changed schema": changed}
    for name, values in {"mask + commit": steps, "first mask": firsts, **warm}.items():
        if values:
            found[f"{name}, mean"] = float(np.mean(values))
            found |= {f"{name}, p{q:g}": float(np.percentile(values, q)) for q in PERCENTILES}
    return found


def table(workers: list[Worker], rows: list[list[Measured]]) -> Table:
    """One column per engine, and the first engine's times by those of the second."""
    common = shared_times(rows)
    out = Table("", *(worker.title for worker in workers), title="times in µs, on the schemas that all engines take")
    if len(workers) > 1:
        out.add_column("ratio")
    for column in out.columns[1:]:
        column.justify = "right"
    counts = [tally(column) for column in rows]
    out.add_row("set-up, s", *(f"{worker.setup:.2f}" for worker in workers))
    for name in counts[0]:
        out.add_row(name, *(column[name] for column in counts))
    for name in common[0]:
        values = [column[name] for column in common]
        ratio = [f"{values[0] / values[1]:.3f}"] if len(values) > 1 else []
        out.add_row(name, *(f"{value:,.1f}" for value in values), *ratio)
    return out


def run(
    engines: Iterable[str], folder: str | None, lines: list[dict[str, Any]], limit: float
) -> tuple[list[Worker], list[list[Measured]]]:
    """Some engines on the same schemas, in turns: their workers, and a row per schema for each."""
    workers = [Worker(name, folder, limit) for name in engines]
    rows: list[list[Measured]] = [[] for _ in workers]
    for k in track(range(0, len(lines), TURN), "schemas", transient=True):
        for worker, column in zip(workers, rows, strict=True):
            column += [worker.run(line) for line in lines[k : k + TURN]]
    for worker in workers:
        worker.stop()
    return workers, rows


def shared_times(rows: list[list[Measured]]) -> list[dict[str, float]]:
    """The times of each engine on the schemas that all engines take."""
    shared = [all(row.error is None for row in line) for line in zip(*rows, strict=True)]
    return [times([row for row, both in zip(column, shared, strict=True) if both]) for column in rows]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, default=PACK, help="lines of JSON, also compressed as .gz")
    parser.add_argument("--tokenizer", help="a folder in Hugging Face form; by default the bundled model's")
    parser.add_argument("--engine", action="append", choices=ENGINES, help="may be given more than once")
    parser.add_argument("--sample", type=int, help="measure so many schemas, drawn at random")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=20, help="seconds for one schema")
    parser.add_argument("--list", action="store_true", help="also name the schemas that did not pass")
    arguments = parser.parse_args()
    lines = read_pack(arguments.pack, arguments.sample, arguments.seed)
    console = Console()
    workers, rows = run(arguments.engine or DEFAULT, arguments.tokenizer, lines, arguments.limit)
    console.print(table(workers, rows))
    if arguments.list:
        for worker, column in zip(workers, rows, strict=True):
            for line, row in zip(lines, column, strict=True):
                if not row.passing:
                    verdict = row.error or ("invalid accepted" if row.over else "valid rejected")
                    console.print(f"{worker.title}: {line['id']}: {verdict}", markup=False, highlight=False)


if __name__ == "__main__":
    main()
