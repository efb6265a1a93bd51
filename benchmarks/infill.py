"""Texts with gaps: how long one question takes, and what the grammar adds to a step of a diffusion model.

Run ``python benchmarks/infill.py``. Times are processor time of this thread; the naive procedure of the tests
(exhaustive, bottom-up) runs on the same cases, in turn.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from detent.automata.vocabulary import Vocabulary
from detent.infill import Canvas, Denoising, Gap, Infiller, Threshold
from detent.model import denoiser
from tests.infill.cases import GRAMMARS, alphabet, random_case, writer
from tests.naive.infill import Grammar


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Milliseconds, and what came out."""
    began = time.process_time()
    out = work()
    return 1e3 * (time.process_time() - began), out


def row(name: str, times: list[float], *more: str) -> None:
    """One line: median, 95th percentile and maximum."""
    p50, p95 = np.percentile(times, [50, 95])
    print(f"{name:12}{p50:9.3f}{p95:9.3f}{max(times):9.3f}", *more)


def questions(n: int) -> None:
    """Random cases of eight grammars, each once with warm kernels and a compiled grammar."""
    print(f"{n} random cases a grammar, ms{'':8}median, p95, max; naive median, max; wrong")
    for name, text in GRAMMARS.items():
        rng, naive, times, slow, wrong = Random(name), Grammar(text), [], [], 0
        for _ in range(n):
            case = random_case(text, rng, fuel=20)
            infiller = Infiller(text, vocab=case.vocab)
            parts = [part if isinstance(part, str) else Gap(*part) for part in case.parts]
            infiller.completable(["x"])
            spent, found = timed(partial(infiller.completable, parts))
            naive_spent, expected = timed(partial(naive.fewest_tokens, case.parts, case.vocab or alphabet(text, case)))
            times.append(spent)
            slow.append(naive_spent)
            wrong += found != (expected is not None)
        row(name, times, f"   {np.median(slow):9.2f}{max(slow):9.1f}   {wrong}")


def large_text(name: str, rng: Random, n: int = 200) -> str:
    """A text of a little more than n characters."""
    begin, between, end = {
        "json": ("[", ", ", "]"),
        "arithmetic": ("", " + ", ""),
        "c-like": ("", "", ""),
        "records": ("", "\n", ""),
    }[name]
    pieces: list[str] = []
    while sum(map(len, pieces)) < n:
        pieces.append(writer(GRAMMARS[name]).write(rng, 25).strip() or "{}")
    return begin + between.join(pieces) + end


def large_texts(n: int) -> None:
    """Long texts with a dozen gaps; and the same question again after one token has changed, at random places."""
    print("\ntexts of 200 to 320 characters, 12 gaps, ms: median, p95, max; one token more: fresh, canvas")
    for name in ("json", "arithmetic", "c-like", "records"):
        rng, times, fresh, again = Random(name), [], [], []
        vocab = sorted({char for seed in range(40) for char in large_text(name, Random(seed))})
        infiller = Infiller(GRAMMARS[name], vocab=vocab)
        while len(times) < n:
            text = large_text(name, rng)
            if len(text) > 320 or not set(text) <= set(vocab):
                continue
            cuts = sorted(rng.sample(range(1, len(text) - 3, 3), 12))
            parts = [text[a:b] for a, b in zip([0, *(c + 2 for c in cuts)], [*cuts, len(text)], strict=True)]
            for gap in (None, 2):
                times.append(timed(partial(infiller.completable, parts, max_gap_tokens=gap))[0])
            ids = [vocab.index(char) for char in text]
            masks = [c + k for c in cuts for k in (0, 1)]
            canvas = Canvas(infiller, len(text), ids=[-1 if i in masks else token for i, token in enumerate(ids)])
            for position in rng.sample(masks, 12):
                for token in (ids[position], rng.randrange(len(vocab))):
                    known = [token if i == position else found for i, found in enumerate(canvas.ids)]
                    runs = itertools.groupby(known, lambda found: found < 0)
                    spelled = [(masked, list(run)) for masked, run in runs]
                    parts = [
                        Gap(len(run), len(run)) if masked else "".join(vocab[t] for t in run) for masked, run in spelled
                    ]
                    spent, expected = timed(partial(infiller.completable, parts))
                    fresh.append(spent)
                    spent, found = timed(partial(canvas.allows, position, token))
                    again.append(spent)
                    assert found == expected
                assert canvas.place({position: ids[position]})
        row(
            name,
            times,
            f"   fresh {np.mean(fresh):.3f}, again {np.mean(again):.3f}: {np.mean(again) / np.mean(fresh):.0%}",
        )


def denoising(n: int, length: int) -> None:
    """The bundled diffusion model with and without a grammar: the same schedule and seeds."""
    import torch

    torch.set_num_threads(1)
    print(f"\n{n} canvases of {length} masks, bundled model, ms of processor time a canvas")
    for kind, grammar in (("json", GRAMMARS["json"]), ("math", GRAMMARS["arithmetic"])):
        model, tokenizer = denoiser.load(kind)
        vocabulary = Vocabulary.from_transformers(tokenizer)
        for name, text in (("free", "start: /(.|\\n)*/"), (kind, grammar)):
            infiller = Infiller(text, vocab=vocabulary)
            canvases = [Canvas(infiller, length, vocabulary.eos_ids) for _ in range(n)]
            generators = [np.random.default_rng(i) for i in range(n)]
            run = Denoising(Threshold(0.9), temperature=0.5)
            spent, done = timed(partial(run.run, model, canvases, generators))
            tests = sum(each.n_tests for each in done) / sum(each.n_tokens for each in done)
            steps = np.mean([each.n_steps for each in done])
            valid = sum(Infiller(grammar).completable([each.text]) for each in done)
            print(
                f"{kind} {name:8}{spent / n:9.1f} ms, {steps:5.1f} steps, {tests:.2f} tests a token, {valid}/{n} valid"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=120)
    parser.add_argument("--canvases", type=int, default=20)
    options = parser.parse_args()
    questions(options.cases)
    large_texts(max(2, options.cases // 6))
    denoising(options.canvases, denoiser.LENGTH)


if __name__ == "__main__":
    main()
