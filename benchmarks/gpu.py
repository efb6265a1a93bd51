"""Masks on a CUDA device: applying them by the bandwidth of the card, and what a constrained step adds to a model.

python benchmarks/gpu.py [--tokenizer FOLDER]

Without a folder, the tokens are those of the bundled model, and the logits are padded to 128k.
The bound of a mask is the launch of a kernel, and reading and writing the affected logits (and reading the mask) at the
speed at which the card copies. The model has the shape of Llama 3.2 1B and random weights. Without a CUDA device,
``--device cpu --layers 1 --rows 4 --steps 20`` runs the same code, to see that it works; the bounds say nothing then.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

import torch
from engines import load_tokenizer
from rich.console import Console
from rich.table import Table

import detent

DTYPES = (torch.float32, torch.float16, torch.bfloat16)
APPLY_RATIO, STEP_RATIO = 1.2, 1.02  # by the bandwidth bound, and by the unconstrained step: at most
WARM, REPEATS = 10, 50
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name"],
}


def seconds(action: Callable[[], Any], device: torch.device, repeats: int = REPEATS) -> float:
    """The mean of many runs in a row on the device.

    A CUDA device gets them as one graph: launched one by one, short kernels would wait for the host.
    """
    for _ in range(WARM):
        action()
    wait(device)
    if device.type == "cuda":
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for _ in range(repeats):
                action()
        graph.replay()
        wait(device)
        start = perf_counter()
        graph.replay()
    else:
        start = perf_counter()
        for _ in range(repeats):
            action()
    wait(device)
    return (perf_counter() - start) / repeats


def host_seconds(action: Callable[[], Any], device: torch.device) -> float:
    """The mean of many runs in a row for the host, which does not wait for the device."""
    wait(device)
    start = perf_counter()
    for _ in range(REPEATS):
        action()
    took = perf_counter() - start
    wait(device)
    return took / REPEATS


def wait(device: torch.device) -> None:
    """Until the device has nothing left to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def bandwidth(device: torch.device) -> float:
    """Bytes read and written in a second, by copying a large tensor."""
    source = torch.empty(1 << (28 if device.type == "cuda" else 22), dtype=torch.float32, device=device)
    target = torch.empty_like(source)
    return 2 * source.nbytes / seconds(lambda: target.copy_(source), device)


def applied(grammar: Any, tokenizer: Any, rows: int, device: torch.device, out: Table) -> bool:
    """Applying masks to ``rows`` rows of logits: at the start of a text, inside a string, and both in turns."""
    n = len(grammar.vocabulary)
    start, inside = grammar.matcher(), grammar.matcher()
    for token in tokenizer.encode('{"name": "', add_special_tokens=False):
        assert inside.accept(token)
    table = detent.MaskTable(n, rows, device)
    speed, good = bandwidth(device), True
    one = torch.zeros(1, device=device)
    launch = seconds(lambda: one.fill_(0), device)
    for name, pair in (
        ("nearly all forbidden", (start, start)),
        ("few forbidden", (inside, inside)),
        ("mixed", (start, inside)),
    ):
        matchers = [pair[i % 2] for i in range(rows)]
        numbers = torch.from_numpy(table.rows(matchers)).to(device)
        for dtype in DTYPES:
            logits = torch.zeros(rows, n, dtype=dtype, device=device)
            detent.apply_bitmask(logits, table.masks, numbers)
            affected = int(torch.isinf(logits).sum())
            bound = launch + (2 * affected * logits.element_size() + rows * table.masks.shape[1] * 4) / speed

            def apply(logits: torch.Tensor = logits, numbers: torch.Tensor = numbers) -> None:
                detent.apply_bitmask(logits, table.masks, numbers)

            took, host = seconds(apply, device), host_seconds(apply, device)
            good &= took <= APPLY_RATIO * bound
            times = (f"{1e6 * value:.1f}" for value in (took, bound))
            out.add_row(f"{name}, {str(dtype)[6:]}", *times, f"{took / bound:.2f}", f"{1e6 * host:.1f}")
    return good


def model(n_tokens: int, layers: int, device: torch.device) -> Any:
    """A model of the shape of Llama 3.2 1B with random weights."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=n_tokens,
        hidden_size=2048,
        intermediate_size=8192,
        num_hidden_layers=layers,
        num_attention_heads=32,
        num_key_value_heads=8,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
    )
    torch.manual_seed(0)
    with torch.device(device):
        return LlamaForCausalLM(config).to(torch.bfloat16).eval()


def generated(lm: Any, grammar: Any, batch: int, steps: int, device: torch.device, *, constrained: bool) -> float:
    """Seconds of a step of greedy decoding: rows of masks are looked up while the model runs."""
    matchers = [grammar.matcher() for _ in range(batch)]
    table = detent.MaskTable(len(grammar.vocabulary), 1024, device)
    tokens, past, start = torch.zeros(batch, 1, dtype=torch.int64, device=device), None, 0.0
    for step in range(WARM + steps):
        if step == WARM:
            wait(device)
            start = perf_counter()
        out = lm(input_ids=tokens, past_key_values=past, use_cache=True)
        past, logits = out.past_key_values, out.logits[:, -1]
        if constrained:
            table.apply(logits, matchers)
        tokens = logits.argmax(-1, keepdim=True)
        for matcher, token in zip(matchers, tokens[:, 0].tolist(), strict=True):
            if constrained:
                assert matcher.accept(token)
                if matcher.is_stopped():
                    matcher.reset()
    return (perf_counter() - start) / steps


def main() -> None:
    """Measure and print; the exit status says whether some figure passes its bound."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", help="a folder in Hugging Face form; by default the bundled model's")
    parser.add_argument("--device", default="cuda")
    parser.add_argument(
        "--tokens", type=int, default=1 << 17, help="width of the logits, where the tokenizer has fewer"
    )
    parser.add_argument("--rows", type=int, default=256)
    parser.add_argument("--layers", type=int, default=16)
    parser.add_argument("--steps", type=int, default=200)
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        parser.error(
            "no CUDA device, so there is nothing to measure. "
            "To see that the code runs: --device cpu --layers 1 --rows 4 --steps 20"
        )
    tokenizer = load_tokenizer(arguments.tokenizer)
    vocabulary = detent.Vocabulary.from_transformers(tokenizer, max(arguments.tokens, len(tokenizer)))
    grammar = detent.Compiler(vocabulary).json_schema(SCHEMA)
    n, console = len(grammar.vocabulary), Console()
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    out = Table(
        "logits", "µs", "bound, µs", "ratio", "host, µs", title=f"apply_bitmask, {arguments.rows} x {n:,}, {name}"
    )
    good = applied(grammar, tokenizer, arguments.rows, device, out)
    console.print(out)
    out = Table("batch", "unconstrained, ms", "constrained, ms", "ratio", title="a whole step")
    with torch.inference_mode():
        lm = model(n, arguments.layers, device)
        for batch in (1, min(64, arguments.rows)):
            plain, masked = (
                min(generated(lm, grammar, batch, arguments.steps, device, constrained=on) for _ in range(3))
                for on in (False, True)
            )
            good &= masked <= STEP_RATIO * plain
            out.add_row(str(batch), f"{1e3 * plain:.3f}", f"{1e3 * masked:.3f}", f"{masked / plain:.3f}")
    console.print(out)
    sys.exit(not good)


if __name__ == "__main__":
    main()
