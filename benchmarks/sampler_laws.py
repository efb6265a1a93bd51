"""Whether samplers have the laws that they promise, in many draws, and whether wrong ones are found.

python benchmarks/sampler_laws.py [awrs | edges | tries | smc | cars | asap ...] [--scale 1.0]

The criteria are those of the tests (``tests/sampler/criteria.py``), on models small enough to enumerate. Each line has
the criterion that came nearest to its bound. ``--scale`` multiplies the numbers of draws.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))

from detent import CARS, ASAp
from tests.naive.texts import TOYS
from tests.sampler import criteria, wrong
from tests.sampler.laws import Finding


class Line(NamedTuple):
    """A sampler on a case; ``is_right``: whether it must pass, or must be found."""

    title: str
    n: int
    is_right: bool
    findings: Callable[[int], Iterable[Finding]]


def awrs() -> Iterator[Line]:
    """Weighted draws of one token."""
    for variant, options in criteria.VARIANTS.items():
        for name, case in criteria.CASES.items():
            yield Line(f"{variant}: {name}", 20_000, True, lambda n, c=case, o=options: _weighted(c, n, **o))
    for name, step in wrong.WEIGHTS.items():
        for case in wrong.WEIGHED_CASES:
            yield Line(f"{name}", 4_000, False, lambda n, c=case, s=step: _weighted(c, n, step=s))


def _weighted(case: criteria.Case, n: int, **options: Any) -> Iterator[Finding]:
    return criteria.weighted(case, *criteria.draw_tokens(case, n, **options)[:2])


def edges() -> Iterator[Line]:
    """Allowed mass from 1e-3 to e-200."""
    for mass in (1e-3, 1e-5, 1e-8, 1e-11, np.exp(-200)):
        for peaks in (1, 60):
            for accepts in (None, 3):
                title = f"mass {mass:.0e} behind {peaks}, accepts={accepts}"
                yield Line(title, 4_000, True, lambda n, m=mass, p=peaks, a=accepts: _little(m, p, n, accepts=a))
    for mass in (1e-8, 1e-11):
        yield Line(
            f"early stop: mass {mass:.0e}", 1_000, False, lambda n, m=mass: _little(m, 60, n, step=wrong.early_stop)
        )


def _little(mass: float, peaks: int, n: int, **options: Any) -> Iterator[Finding]:
    return criteria.little_mass(float(np.log(mass)), peaks, n, **options)


def tries() -> Iterator[Line]:
    """Tries for a weighted draw."""
    for width in (64, 1024, 8192, 32_768):
        for accepts in (None, 2, 3):
            title = f"{width:,} tokens, accepts={accepts}"
            yield Line(title, 1000, True, lambda n, w=width, a=accepts: criteria.tries(w, n, accepts=a))
    yield Line("full scan", 10, False, lambda n: criteria.tries(1024, n, wrong.full_scan))


def smc() -> Iterator[Line]:
    """Runs of 16 particles."""
    for name, (toy, sampler) in criteria.SMC_CASES.items():
        yield Line(name, 4_000, True, lambda n, t=toy, s=sampler: criteria.weighted_texts(t, s, n))
    for name, (toy, sampler) in wrong.PARTICLES.items():
        yield Line(name, 400, False, lambda n, t=toy, s=sampler: criteria.weighted_texts(t, s, n))


def cars() -> Iterator[Line]:
    """Fresh runs of four texts; the first and the fourth."""
    for name, toy in TOYS.items():
        for size in (1, 8):
            title = f"{name}, rounds of {size}"
            yield Line(title, 10_000, True, lambda n, t=toy, s=size: criteria.exact(t, CARS(batch=s), n, n % 2 == 0))
    for name in ("skewed", "dyck"):
        fall = criteria.attempts_fall
        yield Line(f"attempts, {name}", 40, True, lambda n, t=TOYS[name], f=fall: f(t, CARS(batch=1), n))
    for name, (toy, sampler) in wrong.ATTEMPTS.items():
        yield Line(name, 3000, False, lambda n, t=toy, s=sampler: criteria.exact(t, s, n))
    rejection = wrong.PlainRejection(batch=1)
    yield Line("plain rejection: law", 1000, True, lambda n: criteria.exact(TOYS["skewed"], rejection, n))
    yield Line("plain rejection: cost", 2, False, lambda n: criteria.attempts_fall(TOYS["skewed"], rejection, n))


def asap() -> Iterator[Line]:
    """Chains of 200 texts."""
    for name in ("skewed", "dyck", "wide"):
        law = criteria.goes_to_the_law
        yield Line(name, 120, True, lambda n, t=TOYS[name], f=law: f(t, ASAp(batch=1), n))
    yield Line("masking", 10, False, lambda n: criteria.goes_to_the_law(TOYS["skewed"], wrong.masking(200), n))


PARTS: dict[str, Callable[[], Iterator[Line]]] = {
    "awrs": awrs, "edges": edges, "tries": tries, "smc": smc, "cars": cars, "asap": asap
}  # fmt: skip


def main() -> int:
    """Print a table of each part that was asked for; 1 when one is not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="which tables; by default all")
    parser.add_argument("--scale", type=float, default=1.0, help="times the draws")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    console, n_bad = Console(width=140), 0
    for part in arguments.parts or PARTS:
        table = Table(title=f"{part}: {PARTS[part].__doc__}", title_justify="left")
        for column in ("sampler and case", "draws", "criterion nearest to its bound", "value", "bound", "", "s"):
            table.add_column(column, justify="left" if column in ("sampler and case", "") else "right")
        for line in PARTS[part]():
            n, start = max(2, int(line.n * arguments.scale)), process_time()
            findings = list(line.findings(n))
            nearest = max(findings, key=lambda f: f.value / f.bound if f.bound else float(f.value > 0))
            passed = all(finding.is_met for finding in findings)
            n_bad += passed != line.is_right
            verdict = ("right" if passed else "WRONG") if line.is_right else ("NOT FOUND" if passed else "found")
            table.add_row(
                line.title, f"{n:,}", nearest.what, f"{nearest.value:.3g}", f"{nearest.bound:.3g}", verdict,
                f"{process_time() - start:.1f}",
            )  # fmt: skip
        console.print(table)
    return int(n_bad > 0)


if __name__ == "__main__":
    sys.exit(main())
