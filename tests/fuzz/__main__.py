"""Compare detent with two validators on random schemas, instances and walks.

python -m tests.fuzz --minutes 60 --seed 1
python -m tests.fuzz --case 1:4711                      # one case again
python -m tests.fuzz --minutes 10 --tokenizer FOLDER    # a Hugging Face tokenizer instead of the small vocabulary
"""

from __future__ import annotations

import argparse
import faulthandler
import sys
import time

from rich.console import Console

from .checks import CHECKS
from .engine import Engine
from .runner import Fuzzer
from .schemas import DRAFTS


def main() -> int:
    """Run for some minutes, report, and say by the exit status whether anything was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--case", help="SEED:NUMBER, as a finding names it")
    parser.add_argument("--tokenizer", help="a folder in Hugging Face form")
    parser.add_argument("--draft", type=int, action="append", choices=DRAFTS, help="only this draft")
    parser.add_argument("--without", action="append", choices=CHECKS, help="leave out this check")
    arguments = parser.parse_args()
    faulthandler.enable()
    console = Console(soft_wrap=True, highlight=False, markup=False)
    engine = Engine(arguments.tokenizer)
    seed, number = map(int, arguments.case.split(":")) if arguments.case else (arguments.seed, 0)
    fuzzer = Fuzzer(engine, seed, tuple(arguments.draft or DRAFTS), tuple(arguments.without or ()))
    start = shown = time.monotonic()
    while True:
        known = len(fuzzer.tally.findings)
        fuzzer.case(number)
        for finding in fuzzer.tally.findings[known:]:
            console.print(str(finding))
        now = time.monotonic()
        number += 1
        if arguments.case or now - start > 60 * arguments.minutes:
            break
        if now - shown > 60:
            shown = now
            console.print(f"{(now - start) / 60:.0f} min, {number:,} cases, {len(fuzzer.tally.findings)} findings")
    fuzzer.tally.counts["searches given up"] = engine.gave_up
    for line in fuzzer.tally.lines():
        console.print(line)
    for kind, count in fuzzer.tally.kinds.most_common():
        console.print(f"FOUND {count:5} {kind}")
    return int(bool(fuzzer.tally.findings))


if __name__ == "__main__":
    sys.exit(main())
