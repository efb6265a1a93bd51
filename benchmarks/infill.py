"""Texts with gaps: whether the answers are right, how long one question takes, what the grammar adds to a step of a
diffusion model, and the laws of what is drawn.

Run ``python benchmarks/infill.py`` for times, or name what to run: ``questions large steps agree runs laws ahead
regions legal``.
Times are processor time of this thread; the naive procedure of the tests (exhaustive, bottom-up) runs on the same
cases, in turn.
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
from detent.grammar.errors import GrammarError
from detent.infill import (
    MASK,
    AllIn,
    Blocks,
    Canvas,
    Denoising,
    Gap,
    Infiller,
    LookAhead,
    OneByOne,
    Schedule,
    Threshold,
    fill_regions,
)
from detent.model import denoiser
from tests.infill.cases import GRAMMARS, STRANGE, alphabet, random_case, writer
from tests.infill.laws import Middle, Pairs, drawn, furthest, generators, weight_error
from tests.infill.toys import Legal, Toy
from tests.naive.infill import Grammar

ANYTHING = "start: /(.|\\n)*/"


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


def asked(ids: list[int], vocab: list[str]) -> list[str | Gap]:
    """A canvas without ends as a text with gaps."""
    runs = [(masked, list(run)) for masked, run in itertools.groupby(ids, lambda token: token == MASK)]
    return [Gap(len(run), len(run)) if masked else "".join(vocab[t] for t in run) for masked, run in runs]


def large_texts(n: int) -> None:
    """Long texts with a dozen gaps; and the same question again after one token has changed, at random places."""
    print("\ntexts of 200 to 320 characters, 12 gaps, ms: median, p95, max")
    print("one token more, in random order: a fresh question, the canvas asked again, the token placed (means)")
    for name in ("json", "arithmetic", "c-like", "records"):
        rng, times, fresh, again, placed = Random(name), [], [], [], []
        vocab = sorted({char for seed in range(40) for char in large_text(name, Random(seed))})
        infiller = Infiller(GRAMMARS[name], vocab=vocab)
        while len(times) < 2 * n:
            text = large_text(name, rng)
            if len(text) > 320 or not set(text) <= set(vocab):
                continue
            cuts = sorted(rng.sample(range(1, len(text) - 3, 3), 12))
            parts = [text[a:b] for a, b in zip([0, *(c + 2 for c in cuts)], [*cuts, len(text)], strict=True)]
            for gap in (None, 2):
                times.append(timed(partial(infiller.completable, parts, max_gap_tokens=gap))[0])
            ids = [vocab.index(char) for char in text]
            masks = [c + k for c in cuts for k in (0, 1)]
            canvas = Canvas(infiller, len(text), ids=[MASK if i in masks else token for i, token in enumerate(ids)])
            for position in rng.sample(masks, len(masks)):
                for token in (ids[position], rng.randrange(len(vocab))):
                    known = [token if i == position else found for i, found in enumerate(canvas.ids)]
                    spent, expected = timed(partial(infiller.completable, asked(known, vocab)))
                    fresh.append(spent)
                    spent, found = timed(partial(canvas.allows, position, token))
                    again.append(spent)
                    assert found == expected
                spent, found = timed(partial(canvas.place, {position: ids[position]}))
                placed.append(spent)
                assert found
        means = [float(np.mean(each)) for each in (fresh, again, placed)]
        shares = f"{means[1] / means[0]:.0%} and {means[2] / means[0]:.0%}"
        row(name, times, "   fresh {:.3f}, again {:.3f}, placed {:.3f}:".format(*means), shares)


def agree(n: int) -> None:
    """Random cases of all grammars: the fewest tokens against the naive procedure, and each witness."""
    names = list(GRAMMARS | STRANGE)
    wrong, yes, refused = 0, 0, 0
    for i in range(n):
        text = (GRAMMARS | STRANGE)[names[i % len(names)]]
        case = random_case(text, Random(f"agree {i}"))
        parts = [part if isinstance(part, str) else Gap(*part) for part in case.parts]
        expected = Grammar(text).fewest_tokens(case.parts, case.vocab or alphabet(text, case))
        try:
            filling = Infiller(text, vocab=case.vocab).complete(parts)
        except GrammarError:
            refused += 1
            continue
        wrong += (filling and filling.n_tokens) != expected or (case.witnessed and filling is None)
        wrong += filling is not None and Grammar(text).fewest_tokens([filling.text], ["a"]) != 0
        yes += filling is not None
    print(f"\n{n} random cases of {len(names)} grammars: {wrong} wrong, {refused} refused, {yes} can be completed")


VOCABULARIES = {
    "json": [*'{}[]:,"a1 -.', '":', '"a"', "true", "},", '"}', "[1", "11"],
    "arithmetic": [*"()+-*/1a .", "(1", "+1", ")*", "12"],
    "brackets": ["(", ")", "[", "]", "<", ">", "()", "])", "(("],
    "smiles": [*"CNOcn()=#1[]H+@", "Cl", "Br", "c1", "=O", "(C"],
    "c-like": [*"ai0=;(){}<!, ", "int ", "if(", "while", "return ", "else ", "char", "*", "==", "&&"],
    "anbn": ["a", "b", "ab", "aa", "bb"],
    "palindrome": ["a", "b", "ab", "ba", "aa"],
    "records": [*'a1=,"\n ', "ab", "12", "a=", ",1"],
}
SCHEDULES: dict[str, Schedule] = {
    "one by one": OneByOne(),
    "random order": OneByOne("random"),
    "blocks": Blocks(8, Threshold(0.5)),
    "threshold": Threshold(0.5),
    "all in": AllIn(0.05),
}


def runs(n: int, length: int = 24) -> None:
    """A toy model under each grammar and schedule: how many texts are in the language, told by the naive procedure."""
    print(f"\n{n} runs of a toy model on {length} masks: valid, without a grammar, tests a token, longest run in ms")
    for name, vocab in VOCABULARIES.items():
        naive, cells = Grammar(GRAMMARS[name]), []
        known: dict[str, bool] = {}
        for schedule in SCHEDULES.values():
            counts = []
            slowest = 0.0
            for text in (GRAMMARS[name], ANYTHING):
                infiller, toy = Infiller(text, vocab=vocab), Toy(len(vocab) + 1, length, sharpness=2.0)
                blank, valid, tests, tokens = Canvas(infiller, length, [len(vocab)]), 0, 0, 0
                for seed in range(n if text != ANYTHING else n // 10):
                    canvas, rng = blank.fork(), np.random.default_rng(seed)
                    spent, (done,) = timed(partial(Denoising(schedule).run, toy, [canvas], [rng]))
                    slowest = max(slowest, spent)
                    tests, tokens = tests + done.n_tests, tokens + done.n_tokens
                    if done.text not in known:
                        known[done.text] = naive.fewest_tokens([done.text], ["a"]) == 0
                    valid += known[done.text] and len(done.ids) == length
                counts.append((valid, tests / tokens))
            cells.append(f"{counts[0][0]} ({counts[1][0] / (n // 10):.0%}, {counts[0][1]:.1f}, {slowest:.0f})")
        print(f"{name:12}", "  ".join(f"{cell:>22}" for cell in cells), flush=True)


def laws(n: int) -> None:
    """How far shares and weights are from what they should be, in standard errors."""
    print(f"\nlaws, {n} texts each: the furthest share, in standard errors (of how many texts)")
    for schedule in (Middle(), Pairs()):
        for length in (4, 5):
            counts, law = drawn(schedule, n, length=length)
            print(f"{type(schedule).__name__:8}{length} masks {furthest(counts, law):6.2f} ({len(law)})", flush=True)
    counts, law = drawn(Middle(), n // 10, weighted=True)
    print(f"weighted {n // 10} texts {furthest(counts, law):6.2f} ({len(law)})")
    print(f"mean of {n} weights {weight_error(n):6.2f}")


def ahead(n: int, length: int = 16) -> None:
    """Steps ahead against plain denoising: equal texts, and calls of the model."""
    print(f"\n{n} runs of a toy model on {length} masks, 3 steps ahead: equal texts, calls of the model")
    vocab = VOCABULARIES["json"]
    infiller = Infiller(GRAMMARS["json"], vocab=vocab)
    for name, schedule in SCHEDULES.items():
        done = []
        for run in (Denoising(schedule), LookAhead(Denoising(schedule), 3)):
            toy = Toy(len(vocab) + 1, length, sharpness=3.0)
            canvases = [Canvas(infiller, length, [len(vocab)]) for _ in range(n)]
            done.append(run.run(toy, canvases, generators(n)))
        equal = sum(a.ids == b.ids for a, b in zip(*done, strict=True))
        more = sum(b.n_steps > a.n_steps for a, b in zip(*done, strict=True))
        calls = [sum(each.n_steps for each in runs) for runs in done]
        print(f"{name:14}{equal:6} equal, {calls[0]:6} -> {calls[1]:6} calls, more in {more}", flush=True)


def regions(n: int, length: int = 24) -> None:
    """A toy model that writes from left to right into two or three regions of a text with a known completion."""
    print(f"\n{n} texts with regions, a toy model that writes from left to right: valid, tests a token, longest in ms")
    for name, text in GRAMMARS.items():
        rng, naive = Random(name), Grammar(text)
        texts = [text for text in (writer(text).write(rng, 20) for _ in range(200)) if 6 <= len(text) <= length]
        pairs = {text[i : i + 2] for text in texts for i in range(len(text) - 1)}
        vocab = sorted(set("".join(texts)) | set(sorted(pairs)[::3]))
        infiller, toy = Infiller(text, vocab=vocab), Toy(len(vocab) + 1, 4 * length, sharpness=2.0)
        valid, tests, tokens, times = 0, 0, 0, list[float]()
        while len(times) < n:
            text = rng.choice(texts)
            cuts = sorted(rng.sample(range(len(text) + 1), 2 * rng.choice([2, 3])))
            spans = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
            parts: list[list[int] | int] = [
                len(span) + rng.randrange(4) if i % 2 else [vocab.index(char) for char in span]
                for i, span in enumerate(spans)
            ]
            generator = np.random.default_rng(len(times))
            work = partial(fill_regions, toy, infiller, parts, generator, ends=[len(vocab)], prompt=[0])
            spent, done = timed(work)
            times.append(spent)
            tests, tokens = tests + done.n_tests, tokens + done.n_tokens
            at = 0
            for part in parts:  # what was fixed still stands where it stood
                size = part if isinstance(part, int) else len(part)
                assert isinstance(part, int) or done.ids[at : at + size] == part
                at += size
            valid += naive.fewest_tokens([done.text], ["a"]) == 0 and len(done.ids) == at
        print(f"{name:12}{valid:6}{tests / tokens:7.2f}{max(times):8.0f}", flush=True)


def legal(n: int, length: int = 24) -> None:
    """A model that gives 90 % of each marginal to tokens that go together: tests a token."""
    print(f"\n{n} runs of a model that is legal 90 % of the time, {length} masks: tests a token")
    for name, vocab in VOCABULARIES.items():
        blank, cells = Canvas(Infiller(GRAMMARS[name], vocab=vocab), length, [len(vocab)]), []
        for schedule in SCHEDULES.values():
            tests, tokens = 0, 0
            for generator in generators(n):
                canvas = blank.fork()
                model = Legal(canvas, len(vocab) + 1, 0.9)
                (done,) = Denoising(schedule).run(model, [canvas], [generator])
                tests, tokens = tests + done.n_tests, tokens + done.n_tokens
            cells.append(f"{tests / tokens:.2f}")
        print(f"{name:12}", "  ".join(f"{cell:>14}" for cell in cells), flush=True)


def wide(model: Any, length: int) -> None:
    """Let the bundled model take longer canvases: its places begin anew."""
    import torch

    embeddings = model.model.bert.embeddings
    places = embeddings.position_embeddings.weight.detach()
    n = length + len(places) - denoiser.LENGTH
    tiled = places.repeat(-(-n // len(places)), 1)[:n]
    embeddings.position_embeddings = torch.nn.Embedding.from_pretrained(tiled)
    embeddings.position_ids = torch.arange(n)[None]
    embeddings.token_type_ids = torch.zeros(1, n, dtype=torch.long)


def steps(n: int, length: int) -> None:
    """The bundled model on long canvases: what a step costs under a grammar and without one, in turn."""
    import torch

    torch.set_num_threads(1)
    print(f"\nsteps of the bundled model on {length} masks, ms: free, with the grammar, ratio, tests a token")
    for kind, grammar in (("json", GRAMMARS["json"]), ("math", GRAMMARS["arithmetic"])):
        model, tokenizer = denoiser.load(kind)
        wide(model, length)
        vocabulary = Vocabulary.from_transformers(tokenizer)
        infillers = [Infiller(text, vocab=vocabulary) for text in (ANYTHING, grammar)]
        for name, schedule in (("random order", OneByOne("random")), ("one by one", OneByOne())):
            spent, taken, tests, tokens = [0.0, 0.0], [0, 0], 0, 0
            for seed in range(n):
                for i, infiller in enumerate(infillers):
                    canvas, rng = Canvas(infiller, length), np.random.default_rng(seed)
                    run = Denoising(schedule, temperature=0.7)
                    more, (done,) = timed(partial(run.run, model, [canvas], [rng]))
                    spent[i], taken[i] = spent[i] + more, taken[i] + done.n_steps
                tests, tokens = tests + done.n_tests, tokens + done.n_tokens
            a, b = (time / count for time, count in zip(spent, taken, strict=True))
            print(f"{kind} {name:14}{a:7.2f}{b:7.2f}{b / a:7.2f}{tests / tokens:7.1f}", flush=True)


def denoising(n: int, length: int) -> None:
    """The bundled diffusion model with and without a grammar: the same schedule and seeds."""
    import torch

    torch.set_num_threads(1)
    print(f"\n{n} canvases of {length} masks, bundled model, ms of processor time a canvas")
    for kind, grammar in (("json", GRAMMARS["json"]), ("math", GRAMMARS["arithmetic"])):
        model, tokenizer = denoiser.load(kind)
        vocabulary = Vocabulary.from_transformers(tokenizer)
        for name, text in (("free", ANYTHING), (kind, grammar)):
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


PARTS = {
    "questions": lambda options: questions(options.cases),
    "large": lambda options: large_texts(max(2, options.cases // 6)),
    "steps": lambda options: (denoising(options.canvases, denoiser.LENGTH), steps(max(1, options.canvases // 10), 256)),
    "agree": lambda options: agree(options.random),
    "runs": lambda options: runs(options.runs),
    "laws": lambda options: laws(options.draws),
    "ahead": lambda options: ahead(options.runs // 2),
    "regions": lambda options: regions(options.runs // 2),
    "legal": lambda options: legal(options.runs // 10),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; by default the first three")
    parser.add_argument("--cases", type=int, default=120, help="of each grammar, for times")
    parser.add_argument("--canvases", type=int, default=20)
    parser.add_argument("--random", type=int, default=10_000, help="cases for agree")
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--draws", type=int, default=100_000)
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    for part in options.parts or list(PARTS)[:3]:
        PARTS[part](options)


if __name__ == "__main__":
    main()
