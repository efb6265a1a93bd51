"""Train the demonstration model: a small Llama that extracts JSON from text, on one CPU thread.

Run ``python -m detent.model.train --out DIR --seed 0`` and, if it was stopped, run the same line again: it goes on from
the last checkpoint. The data of step `i` depend on the seed and on `i` alone, so a stopped run and a whole run see the
same documents. ``--shape`` trains the smaller models that draft for it.
"""

from __future__ import annotations

import argparse
import logging
import os
import time
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch.nn.functional import cross_entropy
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.utils.logging import disable_progress_bar

from detent.model.data import Example, sample
from detent.model.prompt import SCHEMA_HEADING

log = logging.getLogger(__name__)

END, PAD = "<|end|>", "<|pad|>"
STEPS = 4000
WARM_UP, DECAY = 200, 0.55
PEAK_LEARNING_RATE = {"muon": 2e-2, "adamw": 3e-3}
PLAIN_STEPS, REPORT_STEPS = 600, 1500
BATCH, BLOCK = 32, 20
MAX_TOKENS = 256


class Shape(NamedTuple):
    """What differs between the models: the tokens of the vocabulary, and the sizes of the network."""

    vocabulary: int
    width: int
    hidden: int
    layers: int
    heads: int


SHAPES = {
    "model": Shape(1024, 192, 448, 4, 6),  # 1.8 M parameters
    "draft": Shape(1024, 96, 224, 2, 4),  # 0.3 M, the tokens of the model
    "foreign-draft": Shape(640, 96, 224, 2, 4),  # 0.3 M, tokens of its own
}


def train_tokenizer(seed: int, n_tokens: int) -> PreTrainedTokenizerFast:
    """Return a byte-level BPE of the synthetic texts.

    Words, single digits and runs of punctuation are merged apart from each other, and a space belongs to no word: a
    value has the same tokens in the text as between the quotes of the answer, which makes copying easy to learn.
    """
    rng = Random(f"tokenizer {seed}")
    examples = [sample(rng, reports=0.0) for _ in range(20_000)]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"[^\W\d_]+|\d|_|\n|[^\w\n]+"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=n_tokens,
        special_tokens=[END, PAD],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((part for e in examples for part in (e.prompt, e.answer)), trainer)
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, eos_token=END, pad_token=PAD, clean_up_tokenization_spaces=False
    )


def new_model(tokenizer: PreTrainedTokenizerFast, shape: Shape) -> LlamaForCausalLM:
    """Return an untrained model."""
    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.width,
        intermediate_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config)


def new_optimizers(model: LlamaForCausalLM) -> list[torch.optim.Optimizer]:
    """Return Muon for the matrices between the layers and AdamW for the embedding and the norms."""
    matrices = [p for p in model.model.layers.parameters() if p.ndim == 2]
    others = [p for p in model.parameters() if not any(p is matrix for matrix in matrices)]
    return [
        torch.optim.Muon(matrices, lr=PEAK_LEARNING_RATE["muon"], weight_decay=0.01),
        torch.optim.AdamW(others, lr=PEAK_LEARNING_RATE["adamw"], betas=(0.9, 0.98), weight_decay=0.01),
    ]


def schedule(step: int, steps: int) -> float:
    """Return the share of the peak learning rate: a linear warm-up, a plateau, a linear decay over the last part."""
    return min(1.0, (step + 1) / WARM_UP, (steps - step) / (DECAY * steps))


def block(seed: int, index: int, tokenizer: PreTrainedTokenizerFast) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return the `index`-th block of batches ``(token ids, labels)``, each (BATCH, longest) int64.

    Documents of like length share a batch. The labels of the text are -100: only the schema and the answer are learnt.
    The keys of the schema stand in the text, so that copying is learnt from them as well, and much sooner.
    """
    rng = Random(f"block {seed} {index}")
    plain = max(0.0, 1 - index * BLOCK / PLAIN_STEPS)
    reports = 0.2 if index * BLOCK >= REPORT_STEPS else 0.0
    documents: list[tuple[list[int], int]] = []
    while len(documents) < BATCH * BLOCK:
        document = encode(sample(rng, plain, reports), tokenizer)
        if len(document[0]) <= MAX_TOKENS:
            documents.append(document)
    documents.sort(key=lambda document: len(document[0]))
    batches = [collate(documents[i : i + BATCH]) for i in range(0, len(documents), BATCH)]
    rng.shuffle(batches)
    return batches


def encode(example: Example, tokenizer: PreTrainedTokenizerFast) -> tuple[list[int], int]:
    """Return the tokens of a document and where its schema begins; prompt and answer never share a token."""
    cut = example.prompt.rindex(SCHEMA_HEADING) + len(SCHEMA_HEADING)
    parts = (example.prompt[:cut], example.prompt[cut:], example.answer)
    text, schema, answer = (tokenizer.backend_tokenizer.encode(part).ids for part in parts)
    return [*text, *schema, *answer, tokenizer.eos_token_id], len(text)


def collate(documents: list[tuple[list[int], int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return token ids and labels of one batch, filled up on the right: later places change nothing before them."""
    longest = max(len(ids) for ids, _ in documents)
    inputs = torch.zeros(len(documents), longest, dtype=torch.long)
    labels = torch.full_like(inputs, -100)
    for row, (ids, start) in enumerate(documents):
        inputs[row, : len(ids)] = torch.tensor(ids)
        labels[row, start : len(ids)] = inputs[row, start : len(ids)]
    return inputs, labels


def loss_of(model: LlamaForCausalLM, inputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the mean cross-entropy of the labelled tokens; the vocabulary is scored at those places only."""
    hidden = model.model(input_ids=inputs, use_cache=False).last_hidden_state[:, :-1]
    targets = labels[:, 1:]
    learnt = targets != -100
    return cross_entropy(model.lm_head(hidden[learnt]).float(), targets[learnt])


def train(out: Path, shape: Shape, seed: int, steps: int, minutes: float) -> None:
    """Train until `steps` steps are done or `minutes` have passed, and save to `out` at every checkpoint."""
    torch.manual_seed(seed)
    deadline = time.monotonic() + 60 * minutes
    tokenizer = _tokenizer(out, seed, shape.vocabulary)
    model = new_model(tokenizer, shape)
    # Eager attention is twice as fast as the fused kernel for short documents on a CPU.
    model.set_attn_implementation("eager")
    optimizers = new_optimizers(model)
    peaks = [optimizer.param_groups[0]["lr"] for optimizer in optimizers]
    checkpoint = out / "checkpoint.pt"
    step = _restore(checkpoint, model, optimizers)
    losses: list[float] = []
    while step < steps and time.monotonic() < deadline:
        for inputs, labels in block(seed, step // BLOCK, tokenizer)[: steps - step]:
            with torch.autocast("cpu", torch.bfloat16):
                loss = loss_of(model, inputs, labels)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for optimizer, peak in zip(optimizers, peaks, strict=True):
                optimizer.param_groups[0]["lr"] = peak * schedule(step, steps)
                optimizer.step()
                optimizer.zero_grad()
            losses.append(loss.item())
            step += 1
        if step % (5 * BLOCK) == 0:
            log.info("step %d  loss %.4f", step, sum(losses) / len(losses))
            losses.clear()
            _save(checkpoint, model, optimizers, step)
            export(model, tokenizer, out)
    _save(checkpoint, model, optimizers, step)
    export(model, tokenizer, out)


def export(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, out: Path) -> None:
    """Write the weights in half precision and the tokenizer; ``from_pretrained`` reads them into single precision."""
    half = {name: weight.half() for name, weight in model.state_dict().items() if name != "lm_head.weight"}
    model.save_pretrained(out, state_dict=half)
    tokenizer.save_pretrained(out)


def _tokenizer(out: Path, seed: int, n_tokens: int) -> PreTrainedTokenizerFast:
    if not (out / "tokenizer.json").exists():
        train_tokenizer(seed, n_tokens).save_pretrained(out)
    tokenizer: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(out)
    return tokenizer


def _restore(path: Path, model: LlamaForCausalLM, optimizers: list[torch.optim.Optimizer]) -> int:
    if not path.exists():
        return 0
    state: dict[str, Any] = torch.load(path)
    model.load_state_dict(state["model"])
    for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(saved)
    return int(state["step"])


def _save(path: Path, model: LlamaForCausalLM, optimizers: list[torch.optim.Optimizer], step: int) -> None:
    states = [optimizer.state_dict() for optimizer in optimizers]
    state = {"model": model.state_dict(), "optimizers": states, "step": step}
    torch.save(state, path.with_suffix(".new"))
    os.replace(path.with_suffix(".new"), path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of the model and its checkpoint")
    parser.add_argument("--shape", choices=SHAPES, default="model", help="which of the models")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=STEPS, help="length of the whole run")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after this time, to go on later")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    disable_progress_bar()  # type: ignore[no-untyped-call]
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    train(options.out, SHAPES[options.shape], options.seed, options.steps, options.minutes)


if __name__ == "__main__":
    main()
