"""What single steps cost: import, kernels, vocabulary, a mask, a token, a batch of masks.

python benchmarks/steps.py --tokenizer FOLDER
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from time import perf_counter, process_time, sleep
from typing import Any
from unittest.mock import patch

import numpy as np
from engines import load_tokenizer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

import detent
from detent.automata import helper

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 60},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "tags": {"type": "array", "items": {"enum": ["red", "green", "blue"]}},
    },
    "required": ["name", "age", "tags"],
    "additionalProperties": False,
}
INSTANCE = {"name": "Ada Lovelace, Countess of Lovelace", "age": 36, "tags": ["red", "blue", "green", "red"]}
REPEATS, COLD = 200, 5
HERE = Path(__file__).parent


def best(action: Callable[[], Any], repeats: int) -> float:
    """The seconds of the quickest of several runs: the one that the rest of the machine disturbed least."""
    times = []
    for _ in range(repeats):
        start = perf_counter()
        action()
        times.append(perf_counter() - start)
    return min(times)


def fresh(code: str, before: str = "", **environment: str) -> float:
    """The seconds of a piece of code in a new interpreter, behind another piece that is not timed."""
    timed = f"{before}\nfrom time import perf_counter\nt = perf_counter()\n{code}\nprint(perf_counter() - t)"
    done = subprocess.run(
        [sys.executable, "-c", timed],
        env=os.environ | environment,
        cwd=HERE,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def setup(tokenizer: Any, out: Table) -> None:
    """Import, compilation of the kernels, vocabulary."""
    out.add_row("import detent", seconds(min(fresh("import detent") for _ in range(3))))
    kernels = "import detent.automata.matcher"
    with tempfile.TemporaryDirectory() as folder:
        out.add_row("kernels, compiled on a new machine", seconds(fresh(kernels, NUMBA_CACHE_DIR=folder)))
        out.add_row("kernels, from the disk", seconds(fresh(kernels, NUMBA_CACHE_DIR=folder)))
    read = detent.Vocabulary.from_transformers
    n = len(read(tokenizer, cache_dir=False))
    out.add_row(f"vocabulary of {n:,}, read", seconds(best(lambda: read(tokenizer, cache_dir=False), 3)))
    with tempfile.TemporaryDirectory() as folder:
        read(tokenizer, cache_dir=folder)
        out.add_row(f"vocabulary of {n:,}, from the disk", seconds(best(lambda: read(tokenizer, cache_dir=folder), 3)))


def cold(folder: str | None, out: Table) -> None:
    """From the import to the first mask in a new process, which has loaded a tokenizer; bytecode and kernels exist."""
    tokenizer = f"from engines import load_tokenizer\ntokenizer = load_tokenizer({folder!r})"
    mask = f"""
import detent
vocabulary = detent.Vocabulary.from_transformers(tokenizer)
matcher = detent.Compiler(vocabulary).json_schema({SCHEMA!r}).matcher()
matcher.fill_bitmask(detent.allocate_bitmask(1, len(vocabulary)))"""
    with tempfile.TemporaryDirectory() as bytecode, tempfile.TemporaryDirectory() as full:
        installed = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": bytecode}

        def first_mask(cache: str) -> float:
            return fresh(mask, tokenizer, DETENT_CACHE_DIR=cache, **installed)

        first_mask(full)
        empty = [tempfile.mkdtemp(dir=full) for _ in range(COLD)]
        out.add_row("import to first mask, empty cache", spread([first_mask(cache) for cache in empty], seconds))
        out.add_row("import to first mask, from the disk", spread([first_mask(full) for _ in empty], seconds))


def steps(tokenizer: Any, out: Table) -> None:
    """A schema that was never seen; masks and tokens on states that were."""
    vocabulary = detent.Vocabulary.from_transformers(tokenizer)
    compiler = detent.Compiler(vocabulary)
    mask = detent.allocate_bitmask(1, len(vocabulary))

    def first_mask() -> None:
        detent.Compiler(vocabulary).json_schema(SCHEMA).matcher().fill_bitmask(mask)

    out.add_row("first mask, nothing shared", microseconds(best(first_mask, 5)))
    ids = tokenizer.encode(json.dumps(INSTANCE), add_special_tokens=False)
    matcher = compiler.json_schema(SCHEMA).matcher()

    def walk() -> None:
        matcher.reset()
        for token in ids:
            matcher.fill_bitmask(mask)
            matcher.accept(token)

    def walk_blindly() -> None:
        matcher.reset()
        for token in ids:
            matcher.accept(token)

    walk()
    both, tokens = best(walk, REPEATS) / len(ids), best(walk_blindly, REPEATS) / len(ids)
    out.add_row("fill_bitmask, state seen before", microseconds(both - tokens))
    out.add_row("accept, state seen before", microseconds(tokens))
    matcher.reset()
    out.add_row("fork", microseconds(best(lambda: [matcher.fork() for _ in range(100)], REPEATS) / 100))


def batches(tokenizer: Any, out: Table) -> None:
    """Masks of many rows: one after another, together, and with the helper; what that costs a server."""
    vocabulary = detent.Vocabulary.from_transformers(tokenizer)
    grammar = detent.Compiler(vocabulary).json_schema(SCHEMA)
    ids = tokenizer.encode(json.dumps(INSTANCE), add_special_tokens=False)
    for rows in (64, 256):
        matchers = [grammar.matcher() for _ in range(rows)]
        for i, matcher in enumerate(matchers):
            for token in ids[: i % len(ids)]:
                matcher.accept(token)
        mask = detent.allocate_bitmask(rows, len(vocabulary))
        together = np.empty_like(mask)

        def one_by_one(matchers: list[detent.Matcher] = matchers, mask: Any = mask) -> None:
            for i, matcher in enumerate(matchers):
                matcher.fill_bitmask(mask, i)

        def fill(matchers: list[detent.Matcher] = matchers, mask: Any = together) -> None:
            detent.fill_bitmasks(matchers, mask)

        one_by_one()
        fill()
        assert (mask == together).all()
        out.add_row(f"{rows} masks, one by one", microseconds(best(one_by_one, REPEATS)))
        one, two = in_turns(fill)
        out.add_row(f"{rows} masks, fill_bitmasks, one core", spread(one, microseconds))
        out.add_row(f"{rows} masks, fill_bitmasks, two cores", spread(two, microseconds))
        out.add_row(f"{rows} rows copied by NumPy, two threads against one", f"{copying(mask):.2f} times as fast")
        with patch.object(helper, "_helper", lambda: None):
            alone = processor_time(fill)
        out.add_row(f"{rows} masks every 10 ms, processor time, one core", microseconds(alone))
        out.add_row(f"{rows} masks every 10 ms, processor time, two cores", microseconds(processor_time(fill)))


def in_turns(fill: Callable[[], None]) -> tuple[list[float], list[float]]:
    """The seconds of single calls without the helper and with it, while both have cores of their own.

    On a busy machine, that needs another scheduler (as root, ``chrt --fifo 1``): else they may share a core.
    """
    one: list[float] = []
    two: list[float] = []
    for _ in range(REPEATS // 10):
        with patch.object(helper, "_helper", lambda: None):
            one += [timed(fill) for _ in range(50)]
        for _ in range(50):  # until the helper is awake
            fill()
        two += [timed(fill) for _ in range(50)]
        sleep(1e-3)
    return one, two


def copying(mask: NDArray[np.int32]) -> float:
    """How much quicker two threads copy rows than one does: what the machine's memory leaves to a second core."""
    halves = [(half, half.copy()) for half in np.array_split(mask, 2)]

    def copy(half: NDArray[np.int32], into: NDArray[np.int32]) -> None:
        for _ in range(REPEATS):
            np.copyto(into, half)

    def together(threads: ThreadPoolExecutor) -> None:
        for done in [threads.submit(copy, *half) for half in halves]:
            done.result()

    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(2) as two:
        return best(lambda: together(one), 10) / best(lambda: together(two), 10)


def timed(action: Callable[[], None]) -> float:
    """The seconds of one call."""
    start = perf_counter()
    action()
    return perf_counter() - start


def processor_time(fill: Callable[[], None]) -> float:
    """What a step of a server costs this process, in all its threads."""
    start = process_time()
    for _ in range(REPEATS):
        sleep(10e-3)
        fill()
    return (process_time() - start) / REPEATS


def spread(times: list[float], unit: Callable[[float], str]) -> str:
    """The quickest, and the middle."""
    return f"{unit(min(times))}, median {unit(median(times))}"


def seconds(value: float) -> str:
    """For people."""
    return f"{value:.3f} s"


def microseconds(value: float) -> str:
    """For people."""
    return f"{1e6 * value:,.2f} µs"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", help="a folder in Hugging Face form; by default the bundled model's")
    folder = parser.parse_args().tokenizer
    tokenizer = load_tokenizer(folder)
    out = Table("step", "time", title=f"detent {detent.__version__}, the quickest of several runs")
    out.columns[1].justify = "right"
    setup(tokenizer, out)
    cold(folder and str(Path(folder).resolve()), out)
    steps(tokenizer, out)
    batches(tokenizer, out)
    Console().print(out)


if __name__ == "__main__":
    main()
