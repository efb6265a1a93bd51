"""A diffusion model fills a JSON object and an arithmetic expression, in any order, and the grammar keeps them whole.

Run ``python examples/denoise.py``: it needs no network. The canvas is printed after every step, new tokens in green,
masks as dots.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np
import torch

from detent.automata.vocabulary import Vocabulary
from detent.infill import MASK, Canvas, Denoising, Infiller, OneByOne
from detent.model import denoiser

JSON = r"""
    start: object
    object: "{" [pair (", " pair)*] "}"
    pair: STRING ": " value
    value: object | STRING | NUMBER | "[" [value (", " value)*] "]" | "true" | "false" | "null"
    STRING: /"[a-zA-Z ]*"/
    NUMBER: /0|[1-9][0-9]*/
"""
MATH = r"""
    start: start OPERATOR start | "(" start ")" | /0|[1-9][0-9]*/ | /[a-z]/
    OPERATOR: / [-+*\/] /
"""
ANYTHING = "start: /(.|\\n)*/"
SCHEDULE = Denoising(OneByOne("random"), temperature=0.7)
GREEN, GREY, PLAIN = ("\033[32m", "\033[90m", "\033[0m") if sys.stdout.isatty() else ("", "", "")


def show(canvas: Canvas, new: dict[int, int], tokenizer: Any) -> None:
    """Print a canvas: the end of the text is left out."""
    pieces = []
    for position, token in enumerate(canvas.ids[: canvas.end]):
        text = "·" if token == MASK else tokenizer.decode([token])
        colour = GREY if token == MASK else GREEN if position in new else ""
        pieces.append(f"{colour}{text}{PLAIN if colour else ''}")
    print("".join(pieces))


def main() -> None:
    torch.set_num_threads(1)
    for kind, grammar in (("json", JSON), ("math", MATH)):
        model, tokenizer = denoiser.load(kind)
        vocabulary = Vocabulary.from_transformers(tokenizer)
        infiller = Infiller(grammar, vocab=vocabulary)
        end = tokenizer.eos_token_id
        print(f"\n{kind}, one canvas step by step:")
        canvas = Canvas(infiller, denoiser.LENGTH, [end])
        for step in SCHEDULE.steps(model, [canvas], [np.random.default_rng(1)]):
            show(canvas, step.filled[0], tokenizer)

        # the same model and draws under a grammar of all texts, which forbids nothing
        for name, rules in (("with the grammar", infiller), ("without", Infiller(ANYTHING, vocab=vocabulary))):
            canvases = [Canvas(rules, denoiser.LENGTH, [end]) for _ in range(50)]
            began = time.perf_counter()
            texts = SCHEDULE.run(model, canvases, [np.random.default_rng(i) for i in range(len(canvases))])
            seconds = time.perf_counter() - began
            valid = sum(infiller.completable([each.text]) for each in texts)
            print(f"{name}: {valid} of {len(canvases)} valid, {1e3 * seconds / len(canvases):.0f} ms each")


if __name__ == "__main__":
    main()
