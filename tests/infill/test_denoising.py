"""Any-order models: every schedule ends in the language, and the laws are those that are promised."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from detent.automata.canvas import Canvas
from detent.automata.infiller import Infiller
from detent.sampler.denoising import Denoising, MaskedLM
from detent.sampler.lookahead import LookAhead
from detent.sampler.regions import fill_regions
from detent.sampler.schedules import AllIn, Blocks, Local, OneByOne, Schedule, Threshold
from tests.infill.cases import GRAMMARS
from tests.infill.laws import Middle, Pairs, drawn, furthest, generators, weight_error
from tests.infill.test_canvas import VOCABULARIES
from tests.infill.toys import Legal, Sure, Toy
from tests.naive.infill import Grammar

SCHEDULES: list[Schedule] = [
    OneByOne(),
    OneByOne("left"),
    OneByOne("random"),
    Threshold(0.5),
    Local(0.5, 0.3, 3),
    AllIn(0.05),
    Blocks(6, Threshold(0.4)),
    Blocks(12, OneByOne(), units={1, 5}),
]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
@pytest.mark.parametrize("name", VOCABULARIES)
def test_every_text_is_in_the_language(name: str, schedule: Schedule) -> None:
    vocab = VOCABULARIES[name]
    infiller, naive, length = Infiller(GRAMMARS[name], vocab=vocab), Grammar(GRAMMARS[name]), 17
    toy = Toy(len(vocab) + 1, length)
    canvases = [Canvas(infiller, length, [len(vocab)]) for _ in range(4)]
    for done in Denoising(schedule).run(toy, canvases, generators(4)):
        assert naive.fewest_tokens([done.text], ["a"]) == 0
        assert len(done.ids) == length and min(done.ids) >= 0
    assert toy.calls <= length


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_no_more_steps_than_without_a_grammar(schedule: Schedule) -> None:
    """What a schedule chooses is filled, whatever the grammar: the steps of a model that does not look are the same."""
    vocab = VOCABULARIES["json"]
    target = [vocab.index(char) for char in '{"a":[1,1,1]}']
    steps = []
    for grammar in (GRAMMARS["json"], "start: /(.|\\n)*/"):
        canvas = Canvas(Infiller(grammar, vocab=vocab), len(target))
        (done,) = Denoising(schedule).run(Sure(target, len(vocab), 0.8), [canvas], generators(1))
        steps.append(done.n_steps)
    if schedule != OneByOne("random"):
        assert steps[0] == steps[1]
    assert steps[0] <= len(target)


def test_rows_do_not_depend_on_each_other() -> None:
    vocab = VOCABULARIES["json"]
    infiller, toy = Infiller(GRAMMARS["json"], vocab=vocab), Toy(len(vocab) + 1, 12)

    def run(seeds: list[int]) -> list[str]:
        canvases = [Canvas(infiller, 12, [len(vocab)]) for _ in seeds]
        return [done.text for done in Denoising().run(toy, canvases, [np.random.default_rng(s) for s in seeds])]

    assert run([1, 2, 3]) == [*run([1]), *run([2]), *run([3])]


N = 2_000


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("schedule", [Middle(), Pairs()])
def test_the_law_is_the_conditional_one(schedule: Schedule, weighted: bool) -> None:
    """Independent draws that are tested together have the law of one after another."""
    counts, law = drawn(schedule, N // 4 if weighted else N, weighted=weighted)
    assert len(law) >= 4 and law.total() == pytest.approx(1)
    assert furthest(counts, law) <= 4


def test_weights_are_unbiased() -> None:
    assert weight_error(N) <= 4


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_steps_ahead_change_no_text(schedule: Schedule, weighted: bool) -> None:
    """And no call of the model is added."""
    vocab, length = VOCABULARIES["json"], 14
    infiller = Infiller(GRAMMARS["json"], vocab=vocab)
    plain = Denoising(schedule, weighted=weighted)
    out = []
    for run in (plain, LookAhead(plain, 3)):
        canvases = [Canvas(infiller, length, [len(vocab)]) for _ in range(3)]
        out.append(run.run(Toy(len(vocab) + 1, length, 1, 3.0), canvases, generators(3)))
    for before, after in zip(*out, strict=True):
        assert after.ids == before.ids and after.n_steps <= before.n_steps
        assert after.log_weight == before.log_weight or not weighted
    assert schedule != OneByOne("left") or out[1][0].n_steps < out[0][0].n_steps


def test_few_tests_for_a_model_that_is_mostly_legal() -> None:
    target = [0] * 12 + [1] * 12  # the only text of this length
    infiller = Infiller(GRAMMARS["anbn"], vocab=["a", "b"])
    for schedule in (OneByOne("random"), Threshold(0.5), Blocks(8, Threshold(0.5))):
        canvases = [Canvas(infiller, len(target)) for _ in range(20)]
        done = Denoising(schedule).run(Sure(target, 2, 0.9), canvases, generators(20))
        assert sum(each.n_tests for each in done) <= 1.5 * sum(each.n_tokens for each in done)


@pytest.mark.parametrize("name", VOCABULARIES)
def test_few_tests_for_a_model_that_knows_a_filling(name: str) -> None:
    vocab = VOCABULARIES[name]
    blank = Canvas(Infiller(GRAMMARS[name], vocab=vocab), 24, [len(vocab)])
    for schedule in (OneByOne("random"), Threshold(0.5)):
        tests, tokens = 0, 0
        for generator in generators(10):
            canvas = blank.fork()
            (done,) = Denoising(schedule).run(Legal(canvas, len(vocab) + 1, 0.9), [canvas], [generator])
            tests, tokens = tests + done.n_tests, tokens + done.n_tokens
        assert tests <= 1.5 * tokens


def test_greedy() -> None:
    vocab = VOCABULARIES["json"]
    target = [vocab.index(char) for char in '{"a":[1,1,1]}']
    for schedule in (OneByOne(), AllIn(0.1)):
        canvas = Canvas(Infiller(GRAMMARS["json"], vocab=vocab), len(target))
        (done,) = Denoising(schedule, temperature=0).run(Sure(target, len(vocab), 0.3), [canvas], generators(1))
        assert done.text == '{"a":[1,1,1]}'
    assert done.n_steps == done.n_tests == 1


def test_masked_lm_of_transformers() -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        vocab_size=20, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    torch.manual_seed(0)
    model = MaskedLM(transformers.BertForMaskedLM(config).eval(), 19, prompt=[1, 2], suffix=[3])
    vocab = VOCABULARIES["json"][:18]
    canvas = Canvas(Infiller(GRAMMARS["json"], vocab=vocab), 10, ends=[18])
    (done,) = Denoising().run(model, [canvas], generators(1))
    json.loads(done.text)


def test_regions() -> None:
    vocab = VOCABULARIES["json"]
    infiller, end = Infiller(GRAMMARS["json"], vocab=vocab), len(vocab)
    toy = Toy(end + 1, 40)
    parts = [[vocab.index(char) for char in '{"a":['], 5, [vocab.index(char) for char in ',"'], 6, [vocab.index("}")]]
    lengths = set()
    for seed in range(25):
        done = fill_regions(toy, infiller, parts, np.random.default_rng(seed), ends=[end], prompt=[0, 1])
        value = json.loads(done.text)
        assert isinstance(value, dict) and done.text.startswith('{"a":[') and ',"' in done.text
        lengths.add(done.ids.index(vocab.index(",")))
        assert done.n_steps <= 11
    assert len(lengths) >= 1
    with pytest.raises(ValueError, match="prompt="):
        fill_regions(toy, infiller, [4], np.random.default_rng(0), ends=[end])


@pytest.mark.parametrize("options", [{"temperature": -1}, {"temperature": 0, "weighted": True}])
def test_wrong_options(options: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        Denoising(**options)
