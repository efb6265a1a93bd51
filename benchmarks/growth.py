"""How the time of a mask and of compiling grows with the text, the schema and its numbers, as a table and as plots.

Of each size: the time to compile the schema, and of every mask and commit along one text, on states not seen before and
on the same states again. Times are of the processor. Fails when masks grow with the size, or compiling more than
linearly. A first mask may still grow while names or values begin with more and more different tokens; a vocabulary
soon has no more of them. Memory is touched beforehand: a virtual machine may take 5 ms for the first touch of a page of
2 MB, in whichever size comes upon it.

    python benchmarks/growth.py --tokenizer FOLDER --plots benchmarks/plots
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import process_time_ns
from typing import Any

import numpy as np
from engines import load_tokenizer
from rich.console import Console
from rich.table import Table

import detent
from detent.native import arena, memory

Json = Any
MASK_GROWTH = 2.0  # a mask by one at a tenth of the size: what is noise, and memory further away
COMPILE_POWER = 1.15  # of the time, in the characters of the schema
TOUCHED = 1 << 21  # words of each region of an arena: more than the largest schema takes
WARM = {"type": "array", "items": {"type": "object", "properties": {"a": {"enum": ["x", 1]}, "b": {"maxLength": 99}}}}


@dataclass(frozen=True)
class Series:
    """One thing that grows.

    Attributes
    ----------
    name : str
        What grows.
    sizes : tuple of int
    schema : function of the size
    instance : function of the size
        A valid text is written from it.
    """

    name: str
    sizes: tuple[int, ...]
    schema: Callable[[int], Json]
    instance: Callable[[int], Json]


def nested_schema(n: int) -> Json:
    """Objects ``n`` deep in a recursive schema."""
    node = {"type": "object", "properties": {"v": {"type": "integer"}, "next": {"$ref": "#/$defs/node"}}}
    return {"$ref": "#/$defs/node", "$defs": {"node": node | {"additionalProperties": False}}}


def nested(n: int) -> Json:
    """Objects ``n`` deep."""
    value: Json = {"v": 1}
    for _ in range(n - 1):
        value = {"v": 1, "next": value}
    return value


def deep_schema(n: int) -> Json:
    """A schema that is itself ``n`` deep."""
    schema: Json = {"type": "integer"}
    for k in range(n):
        schema = {"type": "object", "properties": {f"p{k % 7}": schema}, "required": [f"p{k % 7}"]}
    return schema


def deep(n: int) -> Json:
    """Its instance."""
    value: Json = 7
    for k in range(n):
        value = {f"p{k % 7}": value}
    return value


def properties(n: int, **keywords: Json) -> Json:
    """An object of ``n`` properties."""
    kinds: list[Json] = [
        {"type": "string"},
        {"type": "integer"},
        {"type": "boolean"},
        {"type": "string", "maxLength": 9},
    ]
    return {"type": "object", "properties": {f"name{k}": kinds[k % 4] for k in range(n)}, **keywords}


def some_properties(n: int) -> Json:
    """Sixteen of them, spread evenly."""
    values: list[Json] = ["some text", 12, True, "text"]
    return {f"name{k}": values[k % 4] for k in range(0, n, max(1, n // 16))}


SERIES = [
    Series(
        "length of the text (items)",
        (10, 100, 1_000, 10_000),
        lambda n: {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "integer"}}}},
        lambda n: [{"id": k % 97} for k in range(n)],
    ),
    Series(
        "length of a string",
        (100, 1_000, 10_000, 50_000),
        lambda n: {"type": "string"},
        lambda n: "some words " * (n // 11),
    ),
    Series("depth of the text", (5, 50, 200, 500), nested_schema, nested),
    Series("depth of the schema", (5, 20, 50, 100), deep_schema, deep),
    Series(
        "maxLength",
        (100, 1_000, 10_000, 100_000, 1_000_000),
        lambda n: {"type": "string", "maxLength": n},
        lambda n: "some words and more ",
    ),
    Series(
        "maxItems",
        (100, 1_000, 10_000, 100_000, 1_000_000),
        lambda n: {"type": "array", "items": {"type": "integer"}, "maxItems": n},
        lambda n: [12, 345, 6, 7] * 10,
    ),
    Series(
        "minItems",
        (100, 1_000, 5_000),
        lambda n: {"type": "array", "items": {"type": "integer"}, "minItems": n},
        lambda n: [k % 10 for k in range(n)],
    ),
    Series(
        "properties", (16, 64, 256, 1_000, 2_000), lambda n: properties(n, additionalProperties=False), some_properties
    ),
    Series(
        "required properties",
        (16, 64, 256, 1_000, 2_000),
        lambda n: properties(n, required=[f"name{k}" for k in range(n)], additionalProperties=False),
        lambda n: {f"name{k}": ["text", 12, True, "text"][k % 4] for k in range(n)},
    ),
    Series(
        "enum values",
        (50, 500, 5_000, 50_000),
        lambda n: {"enum": [f"value {k * 2654435761 % 2**32:08x}" for k in range(n)]},
        lambda n: f"value {(n - 1) * 2654435761 % 2**32:08x}",
    ),
    Series(
        "properties under maxProperties",
        (16, 64, 256, 1_000, 2_000),
        lambda n: properties(n, maxProperties=4, additionalProperties=False),
        lambda n: dict(islice(some_properties(n).items(), 4)),
    ),
]


@dataclass
class Point:
    """What one size costs, in microseconds.

    Attributes
    ----------
    size, words : int
        The size, and the characters of the schema.
    compile : float
        The quickest of several, with the first mask.
    first, warm : numpy.ndarray
        Mask and commit of each token, on states not seen before and on the same states again.
    """

    size: int
    words: int
    compile: float
    first: np.ndarray
    warm: np.ndarray


def measure(vocabulary: detent.Vocabulary, tokenizer: Any, series: Series, size: int, repeats: int) -> Point:
    """One size: of several runs, the quickest at each token."""
    schema, instance = series.schema(size), series.instance(size)
    ids = tokenizer.encode(json.dumps(instance), add_special_tokens=False)
    mask = detent.allocate_bitmask(1, len(vocabulary))
    compiles, firsts, warms = [], [], []
    for _ in range(repeats):
        compiler = detent.Compiler(vocabulary)
        warm = compiler.json_schema(WARM).matcher()
        walk(warm, tokenizer.encode('[{"a": 1, "b": "x"}]'), mask)
        touch(warm._A)
        start = process_time_ns()
        matcher = compiler.json_schema(schema).matcher()
        matcher.fill_bitmask(mask)
        compiles.append((process_time_ns() - start) / 1e3)
        firsts.append(walk(matcher, ids, mask))
        assert matcher.is_complete(), series.name
        matcher.reset()
        warms.append(walk(matcher, ids, mask))
    return Point(size, len(json.dumps(schema)), min(compiles), np.min(firsts, axis=0), np.min(warms, axis=0))


def touch(A: np.ndarray) -> None:
    """Make the memory resident that the regions of an arena use next."""
    for region in arena.REGIONS:
        base, size, used = (int(A[region + k]) for k in range(3))
        A[region + 3] = last = min(size, used + TOUCHED)
        runs = np.array([base + used, base + last], np.int32)
        memory.touch(A[: len(A) // 2 * 2].view(np.int64), runs, len(runs))


def walk(matcher: detent.Matcher, ids: list[int], mask: np.ndarray) -> np.ndarray:
    """Microseconds of each mask and commit."""
    times = np.empty(len(ids))
    for k, token in enumerate(ids):
        start = process_time_ns()
        matcher.fill_bitmask(mask)
        accepted = matcher.accept(token)
        times[k] = (process_time_ns() - start) / 1e3
        assert accepted, k
    return times


def failures(series: Series, points: list[Point]) -> list[str]:
    """What grows that should not: for ten times the size, at the far end, where all vocabularies are wide enough."""
    before, last = points[-2:]
    decades = max(1.0, np.log10(last.size / before.size))
    found = []
    for name, of in (("first", lambda p: p.first.mean()), ("again", lambda p: np.median(p.warm))):
        growth = (of(last) / of(before)) ** (1 / decades)
        if growth > MASK_GROWTH:
            found.append(f"{series.name}: a mask, {name}, takes {growth:.1f} times as long at ten times the size")
    if last.words > 1.5 * before.words:
        power = np.log(last.compile / before.compile) / np.log(last.words / before.words)
        if power > COMPILE_POWER:
            found.append(f"{series.name}: compiling grows with the power {power:.2f} of the schema")
    return found


def plot(folder: Path, series: Series, points: list[Point]) -> None:
    """A small picture: masks on the left axis, compiling on the right one."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams |= {"svg.hashsalt": "detent", "svg.fonttype": "none"}
    from matplotlib import pyplot

    figure, left = pyplot.subplots(figsize=(5, 3))
    sizes = [point.size for point in points]
    for name, values in (
        ("mask + commit, first time", [point.first.mean() for point in points]),
        ("mask + commit, again", [np.median(point.warm) for point in points]),
        ("compile + first mask", [point.compile for point in points]),
    ):
        left.loglog(sizes, values, "o-", label=name, markersize=3)
    left.set_xlabel(series.name)
    left.set_ylabel("µs")
    left.minorticks_off()
    left.grid(alpha=0.3)
    left.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(folder / f"{series.name.split(' (')[0].replace(' ', '-')}.svg", metadata={"Date": None})
    pyplot.close(figure)


def main() -> None:
    """Measure, print, draw; the exit status says whether something grows that should not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", help="a folder in Hugging Face form; by default the bundled model's")
    parser.add_argument("--plots", type=Path, help="a folder that takes one plot per series (needs matplotlib)")
    parser.add_argument("--only", help="series whose name contains this")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    tokenizer = load_tokenizer(arguments.tokenizer)
    vocabulary = detent.Vocabulary.from_transformers(tokenizer)
    title = f"detent {detent.__version__}, {len(vocabulary):,} tokens, processor time in µs"
    out = Table(
        "what grows",
        "size",
        "schema, characters",
        "compile + first mask",
        "mask, first: mean",
        "max",
        "again: median",
        "max",
        title=title,
    )
    failed = []
    for series in SERIES:
        if arguments.only and arguments.only not in series.name:
            continue
        points = [measure(vocabulary, tokenizer, series, size, arguments.repeats) for size in series.sizes]
        for point in points:
            times = point.compile, point.first.mean(), point.first.max(), np.median(point.warm), point.warm.max()
            out.add_row(series.name, f"{point.size:,}", f"{point.words:,}", *(f"{time:,.1f}" for time in times))
        out.add_section()
        failed += failures(series, points)
        if arguments.plots is not None:
            arguments.plots.mkdir(parents=True, exist_ok=True)
            plot(arguments.plots, series, points)
    console = Console(width=150)
    console.print(out)
    for line in failed:
        console.print(line, style="red")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
