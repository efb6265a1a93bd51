"""What drafts may not change, at full size: exact laws, greedy texts, grammars. The tests do the same in small.

Run ``python benchmarks/drafts.py laws``, ``greedy`` or ``violations``; ``--only NAME`` for one algorithm (``C`` for
both of them), drafter or grammar.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

import detent
from tests.detent.test_speculation import KINDS, Pick, drafters
from tests.detent.tiny import EOS, TOKENS, WIDTH, encode, make_llama
from tests.sampler.drafted import ALGORITHMS, DRAFTS, JUDGES, Law, Written
from tests.sampler.laws import chi_square_p, total_variation

SEEDS, BATCH = 20, 32
GREEDY = detent.Masking(temperature=0)


def laws(only: str | None, number: int) -> None:
    """Chi-square of each seed; total variation of all draws against that of 50 plain samples of the same size."""
    print(f"{'':6} {'draft':12} {'T':>4} {'draws':>8} {'p > 0.001':>10} {'variation':>10} {'at most':>8}")
    for algorithm in ALGORITHMS:
        if not algorithm.startswith(only or ""):
            continue
        for temperature in (1.0, 0.5, 1.5):
            for draft in DRAFTS if algorithm in "ABD" else DRAFTS[:1]:
                hard = temperature == 1 and (draft == "independent" or algorithm not in "ABD")
                law_check(algorithm, draft, temperature, number // (1 if hard else 10) // SEEDS)


def law_check(algorithm: str, draft: str, temperature: float, n: int) -> None:
    case = Law(int(10 * temperature), temperature)
    total: Counter[tuple[int, ...]] = Counter()
    n_fine = 0
    for seed in range(SEEDS):
        counts = case.draw(algorithm, draft, n, seed)
        n_fine += chi_square_p(counts, case.law) > 0.001
        total += counts
    size, shares = n * SEEDS, np.array(list(case.law.values()))
    plain = np.random.default_rng(0).multinomial(size, shares / shares.sum(), size=50)
    noise = np.abs(plain / size - shares).sum(1) / 2
    measured, bound = total_variation(total, case.law), noise.mean() + 4 * noise.std()
    name = "-" if algorithm.startswith("C") else draft
    print(
        f"{algorithm:6} {name:12} {temperature:4} {size:8,} {n_fine:7}/{SEEDS} {measured:10.4f} {bound:8.4f}",
        flush=True,
    )
    assert n_fine >= SEEDS - 1 and measured <= bound


def greedy(only: str | None, number: int) -> None:
    """Texts of a random model, token for token."""
    llama = make_llama()
    lm = detent.load(llama, detent.Vocabulary.from_tokens(TOKENS, eos=[EOS], n=WIDTH), encode=encode)
    rng = np.random.default_rng(0)
    prompts = [rng.integers(97, 123, rng.integers(1, 20)).tolist() for _ in range(number)]
    options = {"sampler": GREEDY, "max_new_tokens": 60, "whitespace": "compact", "batch_size": BATCH}
    plain = detent.run(lm, prompts, Pick, **options)
    for kind in KINDS:
        if only in (None, kind):
            drafted = detent.run(lm, prompts, Pick, draft=drafters(lm, llama)[kind], **options)
            same = sum(one.tokens == two.tokens for one, two in zip(plain, drafted, strict=True))
            runs = sum(result.stats.n_forwards for result in drafted)
            print(f"{kind:22} {same}/{number} equal, {sum(len(r.tokens) for r in drafted) / runs:.2f} tokens a run")


def violations(only: str | None, number: int) -> None:
    """Random texts of each grammar with every drafter, one in eight with uniform numbers that are all 0."""
    written = Written()
    print(f"{'':12} {'texts':>7} {'whole':>7} {'wrong':>6}")
    for name in JUDGES:
        if only not in (None, name):
            continue
        n_texts = n_whole = n_wrong = batch = 0
        every = written.drafters(0)
        while n_texts < number // len(JUDGES):
            kind = list(every)[batch % len(every)]
            temperature = (1.0, 0.7, 1.4)[batch // len(every) % 3]
            rows = written.write(name, every[kind], detent.Masking(temperature), batch, BATCH, zeros=batch % 8 == 7)
            n_texts, batch = n_texts + len(rows), batch + 1
            n_whole += sum(row.stopped for row in rows)
            n_wrong += len(list(written.violations(name, rows)))
        print(f"{name:12} {n_texts:7,} {n_whole:7,} {n_wrong:6}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("laws", "greedy", "violations"))
    parser.add_argument("--only")
    parser.add_argument("--number", type=int, help="draws (200,000), texts per drafter (500), or texts (20,000)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    work, number = {"laws": (laws, 200_000), "greedy": (greedy, 500), "violations": (violations, 20_000)}[options.what]
    work(options.only, options.number or number)


if __name__ == "__main__":
    main()
