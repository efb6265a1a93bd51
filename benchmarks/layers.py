"""Where the time of masks and commits goes, layer by layer, and how far from the floor that is.

Runs a pack once in one process, and asks the arena what each call had to make: nothing (a recipe or state seen before),
a recipe of pairs that exist, new pairs, or records that Python had to write first.

    python benchmarks/layers.py --pack PACK.jsonl.gz --sample 300 --tokenizer FOLDER
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np
from engines import load_tokenizer
from maskbench import PACK, encode, read_pack
from rich.console import Console
from rich.table import Table

import detent
from detent.native import arena as layout
from detent.native import masks, states
from detent.native.jit import direct

MASK_LAYERS = ("recipe seen before", "recipe of pairs", "new pairs", "new records")
STEP_LAYERS = ("states seen before", "new steps", "new states", "new records")


class Layers:
    """Times by what a call had to make."""

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = defaultdict(list)

    def add(self, layer: str, nanoseconds: int) -> None:
        """Note one call."""
        self.times[layer].append(nanoseconds / 1e3)

    def rows(self, order: tuple[str, ...]) -> list[tuple[str, ...]]:
        """Layer, share of calls, share of time, mean, median, p99 and greatest time."""
        total = sum(map(len, self.times.values()))
        spent = sum(map(sum, self.times.values()))
        found = []
        for layer in order:
            times = np.array(self.times[layer] or [0.0])
            shares = len(self.times[layer]) / total, times.sum() / spent
            parts = times.mean(), *np.percentile(times, [50, 99, 100])
            found.append((layer, *(f"{100 * share:.2f} %" for share in shares), *(f"{part:,.2f}" for part in parts)))
        return found


def marks(arena: Any) -> tuple[int, ...]:
    """How much of each region is in use, and how many records wait."""
    A = arena.A
    return int(A[layout.HEAP + 2]), int(A[layout.PAIR + 2]), int(A[layout.STATE + 2]), int(A[layout.ROW + 2])


def profile(
    compiler: detent.Compiler, tokenizer: Any, lines: list[dict[str, Any]]
) -> tuple[Layers, Layers, Counter[str]]:
    """Masks and steps of all instances by layer, and what the masks consist of."""
    mask = detent.allocate_bitmask(1, len(compiler.vocabulary))
    fills, steps, kinds = Layers(), Layers(), Counter[str]()
    for line in lines:
        try:
            matcher = compiler.json_schema(line["schema"]).matcher()
        except detent.GrammarError:
            continue
        for test in line["tests"]:
            matcher.reset()
            for token in encode(tokenizer, test["data"]):
                arena = compiler.arenas.current
                before, known = marks(arena), recipe_of(arena, matcher.state)
                start = perf_counter_ns()
                matcher.fill_bitmask(mask)
                middle = perf_counter_ns()
                between = marks(arena)
                made = MASK_LAYERS[0 if known else 1]
                if between[1] != before[1]:
                    made = MASK_LAYERS[2]
                if between[0] != before[0]:
                    made = MASK_LAYERS[3]
                fills.add(made, middle - start)
                count_parts(arena, matcher.state, kinds)
                start = perf_counter_ns()
                accepted = matcher.accept(token)
                middle = perf_counter_ns()
                after = marks(arena)
                changed = [a != b for a, b in zip(after, between, strict=True)]
                steps.add(STEP_LAYERS[3 if changed[0] else 2 if changed[2] else 1 if changed[3] else 0], middle - start)
                if not accepted:
                    break
    return fills, steps, kinds


def recipe_of(arena: Any, state: int) -> int:
    """Where the recipe of a state is, 0 for none."""
    at = int(arena.A[layout.STATE]) + (state & masks.OWN - 1) * layout.STATE_STRIDE
    return int(arena.A[at + states.S_RECIPE])


def count_parts(arena: Any, state: int, kinds: Counter[str]) -> None:
    """Count what a mask is put together from."""
    A, made = arena.A, recipe_of(arena, state)
    rows = int(A[made])
    lists = int(A[made + 1 + rows])
    ids = int(A[made + 2 + rows + 2 * lists])
    suspects = A[int(A[layout.STATE]) + (state & masks.OWN - 1) * layout.STATE_STRIDE + states.S_SUSPECTS]
    kinds["masks"] += 1
    kinds["of one shared row and nothing else"] += rows == 1 and lists + ids == 0
    kinds["with shared rows"] += rows > 0
    kinds["with shared lists"] += lists > 0
    kinds["with ids of their own"] += ids > 0
    kinds["with suspects"] += bool(suspects)
    kinds["of which the keys of the text may take tokens out"] += state >= masks.OWN
    kinds["shared rows"] += rows
    kinds["ids of their own"] += ids


def quickest(action: Any, repeats: int = 2_000) -> float:
    """Microseconds of the quickest of many calls, the clock aside."""
    times = np.empty(repeats)
    for k in range(repeats):
        start = perf_counter_ns()
        action()
        times[k] = perf_counter_ns() - start
    clock = np.empty(repeats)
    for k in range(repeats):
        start = perf_counter_ns()
        clock[k] = perf_counter_ns() - start
    return float(times.min() - clock.min()) / 1e3


def floors(compiler: detent.Compiler, tokenizer: Any) -> list[tuple[str, str]]:
    """The least that a mask and a step can take here, and what they take on states seen before."""
    grammar = compiler.json_schema({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]})
    matcher, mask = grammar.matcher(), detent.allocate_bitmask(1, len(compiler.vocabulary))
    for token in tokenizer.encode('{"a": "some', add_special_tokens=False):
        matcher.fill_bitmask(mask)
        matcher.accept(token)
    (word,) = tokenizer.encode(" words", add_special_tokens=False)[:1]
    row, other = mask[0], mask[0].copy()
    complete, A, state = direct(masks.is_complete), compiler.arenas.current.A, matcher.state

    def step() -> None:
        matcher.fill_bitmask(mask)
        matcher.accept(word)

    found = [
        ("a Python function that does nothing", quickest(lambda: None)),
        ("a kernel that does next to nothing", quickest(lambda: complete(A, state))),
        (f"copying a row of {row.nbytes:,} bytes (NumPy)", quickest(lambda: np.copyto(other, row))),
        ("fill_bitmask inside a string, seen before", quickest(lambda: matcher.fill_bitmask(mask))),
        ("accept inside a string, seen before", quickest(lambda: matcher.accept(word))),
        ("both", quickest(step)),
    ]
    return [(name, f"{time:.2f}") for name, time in found]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, default=PACK)
    parser.add_argument("--sample", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tokenizer", help="a folder in Hugging Face form; by default the bundled model's")
    arguments = parser.parse_args()
    tokenizer = load_tokenizer(arguments.tokenizer)
    compiler = detent.Compiler(detent.Vocabulary.from_transformers(tokenizer))
    lines = read_pack(arguments.pack, arguments.sample, arguments.seed)
    floor = floors(compiler, tokenizer)
    fills, steps, kinds = profile(compiler, tokenizer, lines)
    console = Console(width=120)
    title = f"detent {detent.__version__}, {len(compiler.vocabulary):,} tokens, {len(lines):,} schemas, µs"
    for name, layers, order in (("mask", fills, MASK_LAYERS), ("commit", steps, STEP_LAYERS)):
        table = Table(name, "of calls", "of time", "mean", "p50", "p99", "p100", title=title)
        for row in layers.rows(order):
            table.add_row(*row)
        console.print(table)
    table = Table("what masks consist of", "", title=f"{kinds['masks']:,} masks")
    for kind, count in kinds.items():
        per = f"{count / kinds['masks']:.2f} a mask" if kind.endswith(("rows", "own")) and "with" not in kind else ""
        table.add_row(kind, per or f"{100 * count / kinds['masks']:.2f} %")
    console.print(table)
    table = Table("floor", "µs")
    for row in floor:
        table.add_row(*row)
    console.print(table)


if __name__ == "__main__":
    main()
