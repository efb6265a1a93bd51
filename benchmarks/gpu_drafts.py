"""Drafts at the size of real models: what masks add to a round, what forced text saves, and what a batch gains.

python benchmarks/gpu_drafts.py --tokenizer FOLDER

The models have the shapes of Llama 3 8B and of a draft of 0.5B, and random weights: they agree with each other as
nearly uniform laws do. Without a CUDA device, ``--device cpu --layers 2 --width 64`` runs the same code, to see that it
works. The exit status says whether some figure passes its bound.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from time import perf_counter
from typing import Any

import numpy as np
import torch
from engines import load_tokenizer
from gpu import seconds, wait
from rich.console import Console
from rich.table import Table

import detent
from detent.decoding import Row
from detent.growing import GrowingTexts
from detent.rounds import Speculator
from detent.sampler.guide import Guide
from detent.speculation import Speculation

LENGTH, ROUNDS, WARM = 5, 40, 8
STEP_RATIO, APPLY_SECONDS, FORCED_GAIN, BATCH_GAIN = 1.05, 2e-4, 1.24, 3.0
FREE = {"type": "array", "items": {"type": "string"}}
KEYS = ["invoice_number", "customer_reference", "date_of_delivery", "payment_reference", "total_amount"]
FORCED = {"type": "object", "properties": {key: {"type": "integer"} for key in KEYS}, "required": KEYS}


def shape(n_tokens: int, width: int, layers: int, device: torch.device) -> Any:
    """A model of Llama's kind with random weights, its heads of 64 or 128 units."""
    from transformers import LlamaConfig, LlamaForCausalLM

    heads = max(1, width // (128 if width >= 2048 else 64))
    config = LlamaConfig(
        vocab_size=n_tokens,
        hidden_size=width,
        intermediate_size=int(3.5 * width),
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=max(1, heads // 4),
        max_position_embeddings=4096,
    )
    torch.manual_seed(0)
    with torch.device(device):
        model = LlamaForCausalLM(config)
    return model.to(torch.bfloat16 if device.type == "cuda" else torch.float32).eval()


class Checked:
    """The target; whether all its logits were numbers is asked at the end, so that nothing waits for the device."""

    def __init__(self, model: Any) -> None:
        self.texts, self.finite = GrowingTexts(model), torch.tensor(True, device=model.device)

    def __call__(self, prefixes: Any) -> torch.Tensor:
        logits = self.texts(prefixes)
        self.finite &= logits.isfinite().all()
        return logits


def rounds(model: Any, drafter: Any, vocabulary: Any, grammar: Any, batch: int) -> Iterator[list[Row]]:
    """Write a batch; stop behind every run of the target."""
    rows = []
    for i in range(batch):
        guide = Guide(vocabulary, grammar and grammar.matcher())
        rows.append(Row(list(range(3 + i, 131 + i)), guide, np.random.default_rng(i), 1024))
    how = Speculation(drafter, LENGTH, adaptive=False)
    for _ in Speculator(model, detent.Masking(), how, len(vocabulary)).write(rows):
        yield rows


def measure(writing: Iterator[list[Row]], device: torch.device, grammar: Any) -> tuple[float, float]:
    """Seconds of a round, and tokens of all rows in a second; what was written follows the grammar."""
    before, start, n = 0, 0.0, 0
    rows: list[Row] = []
    for n, rows in enumerate(writing, 1):
        if n == WARM:
            wait(device)
            before, start = sum(len(row.tokens) for row in rows), perf_counter()
        if n == WARM + ROUNDS:
            break
    wait(device)
    took = perf_counter() - start
    for row in rows if grammar else []:
        assert grammar.matcher().validate(row.tokens) == len(row.tokens)
    written = sum(len(row.tokens) for row in rows) - before
    return took / (n - WARM), written / took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", help="a folder in Hugging Face form; by default the bundled model's")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--layers", type=int, default=32)
    parser.add_argument("--width", type=int, default=4096)
    options = parser.parse_args()
    device, tokenizer = torch.device(options.device), load_tokenizer(options.tokenizer)
    vocabulary = detent.Vocabulary.from_transformers(tokenizer)
    compiler, n = detent.Compiler(vocabulary), len(vocabulary)
    free, forced = compiler.json_schema(FREE), compiler.json_schema(FORCED, whitespace="compact")
    target = shape(n, options.width, options.layers, device)
    draft = shape(n, max(64, options.width // 4), max(1, 3 * options.layers // 4), device)

    def model_drafter() -> Any:
        return detent.ModelDrafter(GrowingTexts(draft), confidence=0.0)

    def written(grammar: Any, drafter: Any, batch: int = 1) -> tuple[float, float]:
        model = Checked(target)
        figures = measure(rounds(model, drafter, vocabulary, grammar, batch), device, grammar)
        assert model.finite
        return figures

    out = Table("", "measured", "asked")
    good = True

    def row(name: str, text: str, asked: str, passed: bool) -> None:
        nonlocal good
        good &= passed
        out.add_row(name, text, asked)

    plain, masked = (min(written(g, model_drafter())[0] for _ in range(3)) for g in (None, free))
    ratio = masked / plain
    row(
        f"round of {LENGTH} drafts, {1e3 * plain:.2f} ms: grammar", f"{ratio:.3f}", f"{STEP_RATIO}", ratio <= STEP_RATIO
    )

    masks = np.full((LENGTH + 1, -(-n // 32)), 0x55555555, np.int32)
    logits = torch.zeros(LENGTH + 1, n, device=device)
    took = seconds(lambda: detent.apply_bitmask(logits, masks), device)
    row(f"masks on {LENGTH + 1} x {n:,}, copied and applied", f"{1e6 * took:.0f} us", "200 us", took <= APPLY_SECONDS)

    def encode(text: str) -> list[int]:
        ids: list[int] = tokenizer.encode(text, add_special_tokens=False)
        return ids

    forced_text = detent.ForcedText(vocabulary, encode)
    speeds = [whole(forced, drafter, target) for drafter in (detent.Combined(), forced_text)]
    gain = speeds[1] / speeds[0]
    row("time of a token, forced text as draft", f"{gain:.2f}", f"{FORCED_GAIN}", gain >= FORCED_GAIN)

    alone, together = (written(free, model_drafter(), batch)[1] for batch in (1, 8))
    gain = together / alone
    row("tokens in a second, 8 rows by 1", f"{gain:.2f}", f"{BATCH_GAIN}", gain >= BATCH_GAIN)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    out.title = f"{options.layers} layers of {options.width}, {name}"
    Console().print(out)
    sys.exit(not good)


def whole(grammar: Any, drafter: Any, target: Any) -> float:
    """Tokens in a second, over whole texts."""
    n, start = 0, 0.0
    for repeat in range(6):
        if repeat == 1:
            start = perf_counter()
        *_, rows = rounds(Checked(target), drafter, grammar.vocabulary, grammar, 1)
        n += len(rows[0].tokens) * (repeat > 0)
    return n / (perf_counter() - start)


if __name__ == "__main__":
    main()
