"""The bundled diffusion models, and the example that shows them."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from detent.automata.canvas import Canvas
from detent.automata.infiller import Infiller
from detent.automata.vocabulary import Vocabulary
from detent.model import denoiser
from detent.sampler.denoising import Denoising
from detent.sampler.schedules import OneByOne, Threshold

ROOT = Path(__file__).parents[2]


def example() -> object:
    spec = importlib.util.spec_from_file_location("denoise", ROOT / "examples" / "denoise.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("kind", "grammar"), [("json", "JSON"), ("math", "MATH")])
def test_every_text_is_in_the_language(kind: str, grammar: str) -> None:
    model, tokenizer = denoiser.load(kind)
    vocabulary = Vocabulary.from_transformers(tokenizer)
    infiller = Infiller(getattr(example(), grammar), vocab=vocabulary)
    for schedule in (OneByOne("random"), Threshold(0.9)):
        canvases = [Canvas(infiller, denoiser.LENGTH, vocabulary.eos_ids) for _ in range(2)]
        runs = [np.random.default_rng(i) for i in range(2)]
        for done in Denoising(schedule, temperature=0.7).run(model, canvases, runs):
            assert infiller.completable([done.text]) and len(done.ids) == denoiser.LENGTH
            assert kind == "math" or isinstance(json.loads(done.text), dict)


def test_the_example_prints_a_canvas(capsys: pytest.CaptureFixture[str]) -> None:
    _, tokenizer = denoiser.load("math")
    infiller = Infiller("start: /a+/", vocab=Vocabulary.from_transformers(tokenizer))
    canvas = Canvas(infiller, 3)
    (token,) = tokenizer.encode("a", add_special_tokens=False)
    assert canvas.place({1: token})
    example().show(canvas, {1: token}, tokenizer)  # type: ignore[attr-defined]
    assert capsys.readouterr().out == "·a·\n"


def test_the_weights_are_small() -> None:
    folder = Path(denoiser.__file__).with_suffix("")
    assert sum(path.stat().st_size for path in folder.iterdir()) < 4 << 20
