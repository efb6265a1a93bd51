"""What drafts save: tokens per run of the model, time against plain decoding, forced tokens, and what trees cost.

Run ``python benchmarks/speculation.py``. Times are CPU time of this process, the runs of both sides interleaved.
``--maskbench FILE --tokenizer FOLDER`` counts the forced tokens of real documents; ``--model DIR --draft DIR
--device cuda`` takes other transformers models.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from engines import load_tokenizer
from maskbench import read_pack

import detent
from detent.model.data import Example
from detent.model.evaluate import SETS
from detent.sampler.guide import Guide
from detent.sampler.speculation.texts import forced_text, settled
from detent.sampler.speculation.tree import Tree, candidates, visit
from detent.speculation import to_speculation

GREEDY = detent.Masking(temperature=0)


def drafters(lm: detent.LanguageModel, draft: detent.LanguageModel | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "none (only forced tokens)": detent.Combined(),
        "prompt lookup": detent.PromptLookup(),
        "n-grams": detent.NGrams(),
        "recycling": detent.Recycling(),
        "forced text": detent.ForcedText(lm.vocabulary, lm.encode),
        "training-free": detent.training_free(lm),
    }
    if draft is not None:
        found["draft model"] = draft
    else:
        draft = detent.load_draft()
        model = to_speculation(draft, lm).drafter
        found |= {
            "draft model": draft,
            "copies, then draft model": detent.Combined(detent.PromptLookup(), model),
            "draft model, tree": replace(model, width=(2, 2, 1)),
            "foreign draft model": detent.load_draft(foreign=True),
        }
    return found


def extraction(n: int, kind: str = "seen") -> list[Example]:
    rng = Random(f"speculation {kind}")
    return [SETS[kind](rng) for _ in range(n)]


def speed(lm: detent.LanguageModel, draft: detent.LanguageModel | None, n: int, sampler: Any) -> None:
    """Tokens per run and time of the extraction task, one text at a time."""
    print(f"{n} texts to extract from, {sampler}\n")
    print(f"{'drafter':28}{'tokens/run':>12}{'accepted':>10}{'speed-up':>10}{'same':>7}")
    examples = extraction(n)
    for name, drafter in drafters(lm, draft).items():
        speculation = to_speculation(drafter, lm)
        write(lm, examples[0], sampler, speculation)
        times, tokens, runs, drafted, accepted, same = [0.0, 0.0], 0, 0, 0, 0, 0
        for example in examples:
            results = []
            for i, how in enumerate((None, speculation)):
                start = clock()
                results.append(write(lm, example, sampler, how))
                times[i] += clock() - start
            plain, result = results
            stats = result.stats
            tokens, runs = tokens + stats.n_tokens, runs + stats.n_forwards
            drafted, accepted = drafted + stats.n_drafted, accepted + stats.n_accepted
            same += plain.tokens == result.tokens
        rate = accepted / max(1, drafted)
        print(f"{name:28}{tokens / runs:12.2f}{rate:10.2f}{times[0] / times[1]:10.2f}{same:4}/{n}")


def write(lm: detent.LanguageModel, example: Example, sampler: Any, how: Any) -> Any:
    return detent.run(lm, example.text, example.schema, sampler=sampler, draft=how, seed=0, max_new_tokens=160)


def clock() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


def states(folder: str | None) -> None:
    """What it costs to undo a draft, and the masks of a tree against those of a chain."""
    tokenizer = load_tokenizer(folder)
    vocabulary = detent.Vocabulary.from_transformers(tokenizer)
    matcher = detent.Compiler(vocabulary).json_schema({"type": "string"}).matcher()
    assert matcher.accept_bytes(b'"')
    guide = Guide(vocabulary, matcher)
    letters = [token for token in range(len(vocabulary)) if vocabulary.token_bytes(token).isalpha()]
    chain, tree = Tree.chain(letters[:63]), Tree()
    for i in range(63):  # two children behind every node, the last depth excepted
        tree.add(i // 2, letters[i])
    costs = [median(lambda draft=draft: [candidates(guide) for _ in visit(draft, guide)]) for draft in (chain, tree)]
    print(f"masks of 64 nodes, {len(vocabulary)} tokens: chain {costs[0]:.0f} us, tree {costs[1] / costs[0]:.2f} of it")

    def advance() -> None:
        for token in letters[:8]:
            matcher.accept(token)

    print(f"rollback of 8 tokens: {median(lambda: matcher.rollback(8), before=advance):.2f} us")


def median(work: Callable[[], Any], before: Callable[[], Any] = lambda: None, n: int = 500) -> float:
    """Microseconds."""
    times = []
    for _ in range(n):
        before()
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1e6 * float(np.median(times))


def forced_share(path: Path, folder: str | None, number: int | None) -> None:
    """How many tokens of valid documents are forced, as the tokenizer cuts them."""
    tokenizer = load_tokenizer(folder)
    vocabulary = detent.Vocabulary.from_transformers(tokenizer)
    compiler = detent.Compiler(vocabulary)

    def encode(text: str) -> list[int]:
        ids: list[int] = tokenizer.encode(text, add_special_tokens=False)
        return ids

    n_tokens = n_forced = n_wrong = n_documents = 0
    for entry in read_pack(path, number, 0):
        try:
            grammar = compiler.json_schema(entry["schema"], whitespace="compact", order="fixed")
        except detent.GrammarError:
            continue
        for test in entry["tests"]:
            if not test["valid"]:
                continue
            text = json.dumps(test["data"], separators=(",", ":"), ensure_ascii=False)
            counts = _count(grammar, vocabulary, encode, encode(text))
            if counts is not None:
                n_documents += 1
                n_tokens, n_forced = n_tokens + counts[0], n_forced + counts[1]
                n_wrong += counts[2]
    print(f"{n_documents} valid documents, {n_tokens} tokens")
    print(f"forced: {100 * n_forced / n_tokens:.1f} %")
    print(f"drafted otherwise than the tokenizer cuts: {n_wrong} of {n_forced + n_wrong}")


def _count(grammar: Any, vocabulary: Any, encode: Any, ids: Sequence[int]) -> tuple[int, int, int] | None:
    guide = Guide(vocabulary, grammar.matcher())
    if grammar.matcher().validate(ids) < len(ids):
        return None
    n_forced = n_wrong = i = 0
    while i < len(ids):
        data, follows = forced_text(guide)
        forced = settled(vocabulary, encode, ids[:i], data, follows)
        right = 0
        while right < len(forced) and forced[right] == ids[i + right]:
            right += 1
        n_wrong += len(forced) - right
        n_forced += right
        for token in ids[i : i + max(1, right)]:
            guide.accept(token)
        i += max(1, right)
    return len(ids), n_forced, n_wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--number", type=int, default=60, help="texts, or schemas of the file")
    parser.add_argument("--model", help="a transformers model in place of the bundled one")
    parser.add_argument("--draft", help="a smaller transformers model of the same tokens")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--maskbench", type=Path, help="lines of schemas with their tests")
    parser.add_argument("--tokenizer", help="the tokens to count: a folder in Hugging Face form")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.maskbench:
        forced_share(options.maskbench, options.tokenizer, options.number)
        return
    lm = load(options.model, options.device) if options.model else detent.load()
    draft = load(options.draft, options.device) if options.draft else None
    for sampler in (GREEDY, detent.Masking()):
        speed(lm, draft, options.number, sampler)
        print()
    states(options.tokenizer)


def load(name: str, device: str) -> detent.LanguageModel:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(name, dtype="auto").to(device)
    return detent.load(model, AutoTokenizer.from_pretrained(name))


if __name__ == "__main__":
    main()
