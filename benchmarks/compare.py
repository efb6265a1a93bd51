"""detent beside its peers: each on a pack in turns with detent, a table, and a failure where detent falls behind.

Figures are ratios of two engines that took turns on the same schemas; quiet machines give the same ratios as busy ones,
but for the tails. Peers take part where they are installed; XGrammar, which compiles for seconds, on a sample.

    python benchmarks/compare.py --pack PACK.jsonl.gz --tokenizer FOLDER --tokenizer FOLDER --out benchmarks/results.md
"""

from __future__ import annotations

import argparse
import sys
from datetime import date
from importlib.util import find_spec
from pathlib import Path

from maskbench import PACK, Measured, Worker, read_pack, run, shared_times, tally

# the most that detent may take, by what the peer takes
_EVERY_PEER = {
    "mask + commit, p25": 1 / 2,
    "mask + commit, p50": 1 / 6,
    "mask + commit, p75": 1 / 4,
    "mask + commit, p90": 1 / 4,
    "mask + commit, p99": 1 / 4,
    "mask + commit, p99.9": 1 / 4,
}
_FIRST = {f"first mask, p{q}": 1 / 4 for q in (50, 90, 99)}
_FIRST |= {f"first mask {kind}, p{q}": 1 / 10 for kind in ("again", "of a changed schema") for q in (50, 90, 99)}
TARGETS = {
    "llguidance": {"mask + commit, mean": 1 / 6, **_EVERY_PEER, "mask + commit, p100": 1, **_FIRST},
    "xgrammar": _EVERY_PEER,
}
SLOW = {"xgrammar": 150}  # schemas to measure at most


def compared(peer: str, workers: list[Worker], rows: list[list[Measured]]) -> tuple[list[str], list[str]]:
    """Lines of a table in Markdown, detent and a peer side by side, and the figures that fall behind."""
    titles = " | ".join(worker.title for worker in workers)
    lines = [f"| | {titles} | ratio | at most | |", "|---|---:|---:|---:|---:|---|"]
    counts, times = [tally(column) for column in rows], shared_times(rows)
    lines += [f"| {kind} | {' | '.join(count[kind] for count in counts)} | | | |" for kind in counts[0]]
    behind = []
    for figure, own in times[0].items():
        other, verdict = times[1][figure], "| | "
        ratio, most = own / other, TARGETS[peer].get(figure)
        if most is not None:
            verdict = f"| {most:.3f} | {'**behind**' if ratio > most else 'ok'} "
            if ratio > most:
                behind.append(f"{figure}: {ratio:.3f} of {workers[1].title}, at most {most:.3f}")
        lines.append(f"| {figure} | {own:,.1f} | {other:,.1f} | {ratio:.3f} {verdict}|")
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
    peers = [name for name in TARGETS if find_spec(name) is not None]
    text = [
        "# detent beside its peers",
        "",
        f"Written by `benchmarks/compare.py` on {date.today()}: schemas of `{arguments.pack.name}`, one thread, "
        "engines in turns. Times in µs, on the schemas that both engines take.",
    ]
    behind = []
    for folder in arguments.tokenizer or [None]:
        title = "the bundled tokenizer" if folder is None else Path(folder).name
        for peer in peers:
            sample = min(arguments.sample or sys.maxsize, SLOW.get(peer, sys.maxsize))
            schemas = read_pack(arguments.pack, sample, arguments.seed)
            lines, late = compared(peer, *run(["detent", peer], folder, schemas, arguments.limit))
            text += ["", f"## {title}, {peer}: {len(schemas):,} schemas", "", *lines]
            behind += [f"{title}: {figure}" for figure in late]
    print("\n".join(text))
    if arguments.out is not None:
        arguments.out.write_text("\n".join(text) + "\n", encoding="utf-8")
    print("\n".join(behind), file=sys.stderr)
    sys.exit(bool(behind))


if __name__ == "__main__":
    main()
