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
from detent.sampler.speculation.texts import forced_text, retokenise
from detent.sampler.speculation.tree import Tree, complete_masks, plant

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
        found |= {
            "draft model": detent.load_draft(),
            "draft model, tree": detent.ModelDrafter(detent.load_draft().open_prefixes(), width=(2, 2, 1)),
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
        speculation = detent.speculation.to_speculation(drafter, lm)
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


def states() -> None:
    """What it costs to undo a draft, and a tree against as many masks of chains."""
    lm = detent.load()
    grammar = lm.compiler.json_schema({"type": "object", "properties": {"colour": {"type": "string"}}})
    tokens = lm.encode('{"colour": "teal", "size": "some", "weight": "four"')
    matcher = grammar.matcher()

    def undo() -> None:
        for token in tokens[4:12]:
            matcher.accept(token)
        matcher.rollback(8)

    def only_forward() -> None:
        for token in tokens[4:12]:
            matcher.accept(token)

    for token in tokens[:4]:
        matcher.accept(token)
    both = best(undo)
    forward = best(lambda: (only_forward(), matcher.rollback(0)), after=lambda: matcher.rollback(8))
    print(f"\nrollback of 8 tokens: {1e6 * (both - forward):.2f} us (accepting them: {1e6 * forward:.2f} us)")

    def guide() -> Guide:
        standing = Guide(lm.vocabulary, grammar.matcher())
        for token in tokens[:6]:
            assert standing.accept(token)
        return standing

    letters = [token for token in range(len(lm.vocabulary)) if lm.vocabulary.token_bytes(token).isalpha()]
    chain, tree = Tree.chain(letters[:63]), Tree()
    for token in letters[:62]:
        tree.add(tree.add(0, token) if len(tree) < 22 else (len(tree) - 20) // 2 + 1, token)
        if len(tree) >= 64:
            break
    one, other = guide(), guide()
    print(
        f"masks of a tree of {len(tree)} nodes against a chain of {len(chain)}: "
        f"{best(lambda: complete(tree, one)) / len(tree) / (best(lambda: complete(chain, other)) / len(chain)):.2f}"
    )


def complete(tree: Tree, guide: Guide) -> None:
    planted = plant(Tree(tree.tokens, tree.parents, tree.depths), guide, 1000)
    complete_masks(planted, guide, 1000, exact=True)


def best(work: Callable[[], Any], after: Callable[[], Any] = lambda: None, n: int = 300) -> float:
    times = []
    for _ in range(n):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
        after()
    return float(np.median(times))


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
        data = forced_text(guide)
        forced = retokenise(vocabulary, encode, ids[:i], data) if data else []
        if data and b"".join(map(vocabulary.token_bytes, ids[i:])) != data:
            forced = forced[:-1]  # what follows might be merged with it
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
    parser.add_argument("--tokenizer", help="the tokens to count in: a folder in Hugging Face form")
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
    states()


def load(name: str, device: str) -> detent.LanguageModel:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(name, dtype="auto").to(device)
    return detent.load(model, AutoTokenizer.from_pretrained(name))


if __name__ == "__main__":
    main()
