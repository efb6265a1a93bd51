"""Memory and speed of one process that compiles many different schemas and writes masks for each.

Schemas are the lines of a pack and, between them, generated ones. Of each: compile it, and a mask and a commit for
every token of one instance. Resident memory must stay flat, and the last thousand schemas must be as quick as the
first.

    python benchmarks/memory.py --tokenizer FOLDER --pack PACK.jsonl.gz --schemas 10000
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import string
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from engines import load_tokenizer
from maskbench import PACK, read_pack
from rich.console import Console
from rich.table import Table

import detent
from detent.automata.arena import used

WORDS = ["id", "name", "state", "total", "unit", "tags", "owner", "kind", "value", "note", "count", "date", "url"]


def generated(rng: random.Random, depth: int = 0) -> tuple[Any, Any]:
    """A random schema with an instance; names and values are drawn anew, so that hardly any part comes twice."""
    word = "".join(rng.choices(string.ascii_lowercase, k=rng.randint(3, 9)))
    kind = rng.choice(["object", "object", "array", "text", "text", "pattern", "number", "integer", "enum", "any"])
    if depth == 0 or (kind == "object" and depth < 4):
        names = [f"{rng.choice(WORDS)}_{word}{k}" for k in range(rng.randint(1, 8))]
        members = {name: generated(rng, depth + 1) for name in names}
        schema = {"type": "object", "properties": {name: member for name, (member, _) in members.items()}}
        schema |= {"required": rng.sample(names, rng.randint(0, len(names)))} | rng.choice(
            [{}, {"additionalProperties": False}]
        )
        return schema, {name: value for name, (_, value) in members.items()}
    if kind == "array" and depth < 4:
        items, value = generated(rng, depth + 1)
        return {"type": "array", "items": items, "maxItems": rng.randint(2, 90)}, [value, value]
    if kind == "pattern":
        return {"type": "string", "pattern": f"^{word}-[0-9]{{{rng.randint(1, 9)},10}}$"}, f"{word}-0123456789"
    if kind == "number":
        return {"type": "number", "minimum": rng.randint(-999, 0), "maximum": rng.randint(7, 9999)}, 6.25
    if kind == "integer":
        return {"type": "integer", "multipleOf": rng.randint(1, 12)}, 27720
    if kind == "enum":
        return {"enum": [word + suffix for suffix in string.ascii_uppercase[: rng.randint(1, 26)]]}, word + "A"
    if kind == "any":
        return {"description": word}, {"any": [word]}
    return {"type": "string", "maxLength": rng.randint(20, 300)}, f"some {word}"


def workload(pack: list[dict[str, Any]], n: int, seed: int) -> Iterator[tuple[Any, list[Any]]]:
    """``n`` schemas, each with instances: the lines of the pack, spread among generated ones."""
    rng = random.Random(seed)
    for k in range(n):
        line = (k + 1) * len(pack) // n
        if line > k * len(pack) // n and line <= len(pack):
            yield pack[line - 1]["schema"], [test["data"] for test in pack[line - 1]["tests"][:1]]
        else:
            schema, value = generated(rng)
            yield schema, [value]


def resident() -> int:
    """Resident memory of this process in bytes (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def main() -> None:
    """Measure and print, a line per tenth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, default=PACK)
    parser.add_argument("--tokenizer", help="a folder in Hugging Face form; by default the bundled model's")
    parser.add_argument("--schemas", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    tokenizer = load_tokenizer(arguments.tokenizer)
    compiler = detent.Compiler(detent.Vocabulary.from_transformers(tokenizer))
    mask = detent.allocate_bitmask(1, len(compiler.vocabulary))
    pack = read_pack(arguments.pack, None, 0)
    title = f"detent {detent.__version__}; resident before the first schema: {resident() / 2**20:,.0f} MB"
    out = Table(
        "schemas",
        "compile, ms",
        "mask + commit, µs",
        "p99",
        "resident, MB",
        "arena, MB",
        "arenas",
        "objects",
        title=title,
    )
    arenas, compiles, steps = {id(compiler.arenas.current)}, [], []
    for k, (schema, values) in enumerate(workload(pack, arguments.schemas, arguments.seed), 1):
        texts = [tokenizer.encode(json.dumps(value, ensure_ascii=False), add_special_tokens=False) for value in values]
        start = process_time()
        try:
            matcher = compiler.json_schema(schema).matcher()
        except detent.GrammarError:
            continue
        finally:
            compiles.append(process_time() - start)
        for text in texts:
            matcher.reset()
            for token in text:
                start = process_time()
                matcher.fill_bitmask(mask)
                accepted = matcher.accept(token)
                steps.append(process_time() - start)
                if not accepted:
                    break
        arenas.add(id(compiler.arenas.current))
        if k % max(1, arguments.schemas // 10) == 0:
            gc.collect()
            full = sum(used(compiler.arenas.current).values())
            times = 1e3 * np.mean(compiles), 1e6 * np.mean(steps), 1e6 * np.percentile(steps, 99)
            sizes = resident() / 2**20, full / 2**20, len(arenas), len(gc.get_objects())
            out.add_row(f"{k:,}", *(f"{time:.2f}" for time in times), *(f"{size:,.0f}" for size in sizes))
            compiles, steps = [], []
    Console(width=110).print(out)


if __name__ == "__main__":
    main()
