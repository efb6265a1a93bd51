"""detent beside its peers: one run of all engines on a pack, a table, and a failure where detent falls behind.

Figures are ratios of engines that took turns on the same schemas; quiet machines give the same ratios as busy ones, but
for the tails. XGrammar takes part where it is installed.

    python benchmarks/compare.py --pack PACK.jsonl.gz --tokenizer FOLDER --tokenizer FOLDER --out benchmarks/results.md
"""

from __future__ import annotations

import argparse
import sys
from datetime import date
from importlib.util import find_spec
from pathlib import Path

from engines import ENGINES
from maskbench import PACK, Measured, Worker, read_pack, run, shared_times, tally

# the most that detent may take, by the best of the peers named: figure, ratio, peers
PEERS, RUST = ("llguidance", "xgrammar"), ("llguidance",)
TARGETS = {
    "mask + commit, mean": (1 / 6, RUST),
    "mask + commit, p25": (1 / 2, PEERS),
    "mask + commit, p50": (1 / 6, PEERS),
    "mask + commit, p75": (1 / 4, PEERS),
    "mask + commit, p90": (1 / 4, PEERS),
    "mask + commit, p99": (1 / 4, PEERS),
    "mask + commit, p99.9": (1 / 4, PEERS),
    "mask + commit, p100": (1, RUST),
    "first mask, p50": (1 / 4, RUST),
    "first mask, p90": (1 / 4, RUST),
    "first mask, p99": (1 / 4, RUST),
    "first mask again, p50": (1 / 10, RUST),
    "first mask again, p90": (1 / 10, RUST),
    "first mask again, p99": (1 / 10, RUST),
    "first mask of a changed schema, p50": (1 / 10, RUST),
    "first mask of a changed schema, p90": (1 / 10, RUST),
    "first mask of a changed schema, p99": (1 / 10, RUST),
}


def compared(names: list[str], workers: list[Worker], rows: list[list[Measured]]) -> tuple[list[str], list[str]]:
    """Lines of a table in Markdown, and the figures that fall behind."""
    found = dict(zip(names, shared_times(rows), strict=True))
    lines = [f"| | {' | '.join(worker.title for worker in workers)} | ratio | at most | |"]
    lines.append(f"|---|{'---:|' * (len(workers) + 2)}---|")
    counts = [tally(column) for column in rows]
    for kind in counts[0]:
        lines.append(f"| {kind} | {' | '.join(count[kind] for count in counts)} | | | |")
    behind = []
    for figure, own in found["detent"].items():
        cells, verdict = " | ".join(f"{found[name][figure]:,.1f}" for name in names), " | | "
        if figure in TARGETS:
            most, peers = TARGETS[figure]
            ratio = own / min(found[name][figure] for name in peers if name in found)
            if ratio > most:
                behind.append(f"{figure}: {ratio:.3f} of the best peer, at most {most:.3f}")
            verdict = f" {ratio:.3f} | {most:.3f} | {'**behind**' if ratio > most else 'ok'} "
        lines.append(f"| {figure} | {cells} |{verdict}|")
    return lines, behind


def main() -> None:
    """Measure, print and write; the exit status says whether some figure falls behind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, default=PACK, help="lines of JSON, also compressed as .gz")
    parser.add_argument(
        "--tokenizer", action="append", help="a folder in Hugging Face form; may be given more than once"
    )
    parser.add_argument("--sample", type=int, help="measure so many schemas, drawn at random")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=20, help="seconds for one schema")
    parser.add_argument("--out", type=Path, help="a file in Markdown that takes the tables")
    arguments = parser.parse_args()
    names = [name for name in ENGINES if name == "detent" or find_spec(name) is not None]
    schemas = read_pack(arguments.pack, arguments.sample, arguments.seed)
    text = [
        "# detent beside its peers",
        "",
        f"Written by `benchmarks/compare.py` on {date.today()}: {len(schemas):,} schemas of `{arguments.pack.name}`, "
        "one thread, engines in turns. Times in µs, on the schemas that all engines take.",
    ]
    behind = []
    for folder in arguments.tokenizer or [None]:
        title = "the bundled tokenizer" if folder is None else Path(folder).name
        lines, late = compared(names, *run(names, folder, schemas, arguments.limit))
        text += ["", f"## {title}", "", *lines]
        behind += [f"{title}: {figure}" for figure in late]
    print("\n".join(text))
    if arguments.out is not None:
        arguments.out.write_text("\n".join(text) + "\n", encoding="utf-8")
    print("\n".join(behind), file=sys.stderr)
    sys.exit(bool(behind))


if __name__ == "__main__":
    main()
