"""Compare detent with two validators on random schemas, instances and walks.

python -m tests.fuzz --minutes 60 --seed 1
python -m tests.fuzz --case 1:4711                      # one case again
python -m tests.fuzz --minutes 10 --tokenizer FOLDER    # a Hugging Face tokenizer instead of the small vocabulary
python -m tests.fuzz --minutes 10 --relaxing            # with keywords left out by chance, as strict=False does
"""

from __future__ import annotations

import argparse
import faulthandler
import multiprocessing
import sys
import time
from typing import Any

from rich.console import Console

from .checks import CHECKS
from .engine import Engine
from .relaxing import FORGIVEN, RelaxingEngine
from .runner import Fuzzer
from .schemas import DRAFTS

CONSOLE = Console(soft_wrap=True, highlight=False, markup=False)


def main() -> int:
    """Run for some minutes, report, and say by the exit status whether anything was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--case", help="SEED:NUMBER, as a finding names it")
    parser.add_argument("--tokenizer", help="a folder in Hugging Face form")
    parser.add_argument("--draft", type=int, action="append", choices=DRAFTS, help="only this draft")
    parser.add_argument("--without", action="append", choices=CHECKS, help="leave out this check")
    parser.add_argument("--relaxing", action="store_true", help="leave out keywords of the schemas by chance")
    arguments = parser.parse_args()
    if arguments.case:
        arguments.seed, first = map(int, arguments.case.split(":"))
    else:
        first = 0
    number = multiprocessing.Value("q", first, lock=False)
    worker = multiprocessing.Process(target=work, args=(arguments, number))
    worker.start()
    worker.join()
    if (worker.exitcode or 0) < 0:
        CONSOLE.print(f"FOUND case {arguments.seed}:{number.value} ended the process with signal {-worker.exitcode}")
    return int(worker.exitcode != 0)


def work(arguments: argparse.Namespace, number: Any) -> None:
    """The fuzzer, in a process of its own: what kills it leaves the number of the case behind."""
    faulthandler.enable()
    engine = (RelaxingEngine if arguments.relaxing else Engine)(arguments.tokenizer)
    without = (*(arguments.without or ()), *(FORGIVEN if arguments.relaxing else ()))
    fuzzer = Fuzzer(engine, arguments.seed, tuple(arguments.draft or DRAFTS), without)
    start = shown = time.monotonic()
    while True:
        known = len(fuzzer.tally.findings)
        fuzzer.case(number.value)
        for finding in fuzzer.tally.findings[known:]:
            CONSOLE.print(str(finding))
        now = time.monotonic()
        if arguments.case or now - start > 60 * arguments.minutes:
            break
        number.value += 1
        if now - shown > 60:
            shown = now
            CONSOLE.print(
                f"{(now - start) / 60:.0f} min, {number.value:,} cases, {len(fuzzer.tally.findings)} findings"
            )
    fuzzer.tally.counts["searches given up"] = engine.gave_up
    for line in fuzzer.tally.lines():
        CONSOLE.print(line)
    for kind, count in fuzzer.tally.kinds.most_common():
        CONSOLE.print(f"FOUND {count:5} {kind}")
    sys.exit(bool(fuzzer.tally.findings))


if __name__ == "__main__":
    sys.exit(main())
