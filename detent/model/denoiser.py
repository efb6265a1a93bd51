"""The bundled masked-diffusion model: a small BERT that fills any mask of a JSON object or an arithmetic expression.

``python -m detent.model.denoiser --out DIR`` trains it on one CPU thread, in about a quarter of an hour. The law of the
masks is that of LLaDA (arXiv 2502.09992): a share of the tokens, uniform between none and all, is masked, and the loss
of a text is divided by that share. All positions of the canvas are learnt, those behind the text too, where the end of
text stands.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from detent.model import MODEL_DIR
from detent.model.words import FIRST_NAMES, PLACES

if TYPE_CHECKING:
    import torch
    from transformers import BertForMaskedLM

    from detent.sampler.denoising import MaskedLM

DENOISER_DIR = MODEL_DIR / "denoiser"
LENGTH = 40
KINDS = {"json": "An object: ", "math": "A sum: "}  # the prompts, in front of every canvas
BATCH, PEAK, WARM_UP = 48, 2e-3, 100
_TAGS = ("new", "old", "red", "blue", "big", "small", "fast", "slow")


def sample(rng: Random, kind: str) -> str:
    """A random text of a kind."""
    if kind == "math":
        return _expression(rng, 3)
    values: dict[str, Callable[[], object]] = {
        "name": lambda: rng.choice(FIRST_NAMES[:40]),
        "age": lambda: rng.randrange(10, 90),
        "city": lambda: rng.choice(PLACES[:20]),
        "tags": lambda: [rng.choice(_TAGS) for _ in range(rng.randrange(3))],
        "ok": lambda: rng.random() < 0.5,
        "size": lambda: {"x": rng.randrange(10), "y": rng.randrange(10)},
    }
    keys = rng.sample(list(values), rng.randrange(1, 4))
    return json.dumps({key: values[key]() for key in keys})


def _expression(rng: Random, depth: int) -> str:
    if depth == 0 or rng.random() < 0.25:
        return rng.choice([str(rng.randrange(100)), rng.choice("abcxyz")])
    left, right = _expression(rng, depth - 1), _expression(rng, depth - 1)
    text = f"{left} {rng.choice('+-*/')} {right}"
    return f"({text})" if rng.random() < 0.5 else text


def load(kind: str = "json") -> tuple[MaskedLM, Any]:
    """The model behind the prompt of a kind, and its tokenizer, which is the bundled one.

    Parameters
    ----------
    kind : {"json", "math"}
    """
    from transformers import AutoTokenizer, BertForMaskedLM

    from detent.sampler.denoising import MaskedLM

    tokenizer: Any = AutoTokenizer.from_pretrained(MODEL_DIR)
    model: Any = BertForMaskedLM.from_pretrained(DENOISER_DIR, dtype="float32")
    return MaskedLM(model.eval(), tokenizer.pad_token_id, tokenizer.encode(KINDS[kind])), tokenizer


def new_model(vocabulary_size: int) -> BertForMaskedLM:
    """An untrained model of half a million parameters."""
    from transformers import BertConfig, BertForMaskedLM

    config = BertConfig(
        vocab_size=vocabulary_size,
        hidden_size=128,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=384,
        max_position_embeddings=LENGTH + 8,
        type_vocab_size=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    model = BertForMaskedLM(config)
    model.set_attn_implementation("eager")  # twice as fast for short texts on a CPU
    return model


def batch(rng: Random, tokenizer: Any, prompts: dict[str, list[int]]) -> tuple[torch.Tensor, int]:
    """Prompts and texts of one kind, filled up with ends of text: int64 (BATCH, prompt + LENGTH), and the prompt's
    length."""
    import torch

    kind = rng.choice(list(prompts))
    rows: list[list[int]] = []
    while len(rows) < BATCH:
        ids = tokenizer.encode(sample(rng, kind))
        if len(ids) <= LENGTH:
            rows.append([*prompts[kind], *ids, *[tokenizer.eos_token_id] * (LENGTH - len(ids))])
    return torch.tensor(rows), len(prompts[kind])


def train(out: Path, seed: int, minutes: float) -> None:
    """Train for so many minutes, and save to `out`."""
    import torch
    from torch.nn.functional import cross_entropy
    from transformers import AutoTokenizer

    torch.manual_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(MODEL_DIR)
    prompts = {kind: tokenizer.encode(text) for kind, text in KINDS.items()}
    model, rng = new_model(len(tokenizer)), Random(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK, betas=(0.9, 0.98), weight_decay=0.01)
    began, step, running = time.monotonic(), 0, 0.0
    while (passed := (time.monotonic() - began) / (60 * minutes)) < 1:
        ids, skip = batch(rng, tokenizer, prompts)
        share = torch.rand(BATCH, 1).clamp_(min=1 / LENGTH)
        masked = torch.rand(ids.shape) < share
        masked[:, :skip] = False
        logits = model(input_ids=ids.masked_fill(masked, tokenizer.pad_token_id)).logits
        losses = cross_entropy(logits[masked], ids[masked], reduction="none")
        loss = (losses / share.expand_as(ids)[masked]).sum() / (BATCH * LENGTH)
        optimizer.param_groups[0]["lr"] = PEAK * min(1.0, (step + 1) / WARM_UP, 2 * (1 - passed))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step, running = step + 1, 0.98 * running + 0.02 * loss.item()
        if step % 100 == 0:
            print(f"step {step}  loss {running:.3f}", flush=True)  # noqa: T201
    model.half().save_pretrained(out)  # type: ignore[no-untyped-call]


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=DENOISER_DIR)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=15)
    options = parser.parse_args()
    torch.set_num_threads(1)
    train(options.out, options.seed, options.minutes)


if __name__ == "__main__":
    main()
