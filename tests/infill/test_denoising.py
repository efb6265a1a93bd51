"""Any-order models: every schedule ends in the language, and the laws are those that are promised."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
import torch

from detent.automata.canvas import Canvas
from detent.automata.infiller import Infiller
from detent.sampler.denoising import Denoised, Denoising, MaskedLM
from detent.sampler.regions import fill_regions
from detent.sampler.schedules import AllIn, Blocks, Local, OneByOne, Schedule, Threshold, View
from tests.infill.cases import GRAMMARS
from tests.infill.test_canvas import VOCABULARIES
from tests.infill.toys import Sure, Toy
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


def generators(n: int) -> list[np.random.Generator]:
    return [np.random.default_rng(i) for i in range(n)]


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


ANBN = ["a", "b", "ab", "aa", "bb"]
LENGTH, MID = 4, 1
N = 2_000


class Middle:
    """A schedule that does not depend on the draws: the mask in the middle."""

    def choose(self, view: View, generator: np.random.Generator) -> list[int]:
        return [int(view.masks[len(view.masks) // 2])]


class Pairs:
    """Two masks at once, the first and the last."""

    def choose(self, view: View, generator: np.random.Generator) -> list[int]:
        return [int(p) for p in dict.fromkeys([view.masks[0], view.masks[-1]])]


def law(canvas: Canvas, toy: Toy, choose: Callable[[list[int]], list[int]], infiller: Infiller) -> Counter[str]:
    """The law of one position after another, each given that the text can be completed, by enumeration."""
    found: Counter[str] = Counter()

    def go(ids: list[int], due: list[int], marginals: np.ndarray, mass: float) -> None:
        here = Canvas(infiller, LENGTH, canvas.ends, ids)
        due = [p for p in due if here.ids[p] < 0]
        if not here.masks:
            found[here.text()] += mass
            return
        if not due:
            due, marginals = choose(here.masks), toy.law(here.ids)
        allowed = [t for t in range(len(ANBN) + 1) if here.allows(due[0], t)]
        total = marginals[due[0], allowed].sum()
        for token in allowed:
            then = Canvas(infiller, LENGTH, canvas.ends, here.ids)
            assert then.place({due[0]: token})
            go(list(then.ids), due[1:], marginals, mass * marginals[due[0], token] / total)

    go(list(canvas.ids), [], np.empty(0), 1.0)
    return found


def assert_law(texts: list[str], expected: Counter[str]) -> None:
    """Each share within 4 standard errors, and nothing else."""
    counts = Counter(texts)
    assert set(counts) <= set(expected)
    for text, p in expected.items():
        assert abs(counts[text] / len(texts) - p) <= 4 * np.sqrt(p * (1 - p) / len(texts)) + 1e-9, text


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("schedule", [Middle(), Pairs()])
def test_the_law_is_the_conditional_one(schedule: Schedule, weighted: bool) -> None:
    """Independent draws that are tested together have the law of one after another."""
    infiller, toy = Infiller(GRAMMARS["anbn"], vocab=ANBN), Toy(len(ANBN) + 1, LENGTH, 3, 1.0)
    n = N // 4 if weighted else N
    canvases = [Canvas(infiller, LENGTH, [len(ANBN)]) for _ in range(n)]

    def choose(masks: list[int]) -> list[int]:
        view = View(np.array(masks), np.zeros(0), np.zeros(0), np.zeros(0, np.int64), [])
        return schedule.choose(view, np.random.default_rng(0))

    expected = law(canvases[0], toy, choose, infiller)
    assert len(expected) >= 4 and sum(expected.values()) == pytest.approx(1)
    done = Denoising(schedule, weighted=weighted).run(toy, canvases, generators(n))
    assert_law([each.text for each in done], expected)


def test_weights_are_unbiased() -> None:
    vocab = ["a", "b"]
    infiller, toy = Infiller(GRAMMARS["anbn"], vocab=vocab), Toy(3, LENGTH, 5, 1.0)
    canvas = Canvas(infiller, LENGTH, [2], [0])
    scores = toy(torch.tensor([[0, 3, 3, 3]]))[0]
    true = sum(toy.law([0, -1, -1, -1])[3, t] for t in range(3) if canvas.allows(3, t))
    assert 0.2 < true < 0.95

    class Last:
        def choose(self, view: View, generator: np.random.Generator) -> list[int]:
            return [3]

    rng, weights = np.random.default_rng(0), []
    for _ in range(N):
        done = Denoised(log_weight=0.0)
        Denoising(Last(), weighted=True).fill(Canvas(infiller, LENGTH, [2], [0]), scores, rng, done)
        weights.append(np.exp(done.log_weight))
    assert abs(np.mean(weights) - true) <= 4 * np.std(weights) / np.sqrt(N)


def test_few_tests_for_a_model_that_is_mostly_legal() -> None:
    target = [0] * 12 + [1] * 12  # the only text of this length
    infiller = Infiller(GRAMMARS["anbn"], vocab=["a", "b"])
    for schedule in (OneByOne("random"), Threshold(0.5), Blocks(8, Threshold(0.5))):
        canvases = [Canvas(infiller, len(target)) for _ in range(20)]
        done = Denoising(schedule).run(Sure(target, 2, 0.9), canvases, generators(20))
        assert sum(each.n_tests for each in done) <= 1.5 * sum(each.n_tokens for each in done)


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


@pytest.mark.parametrize("options", [{"temperature": -1}, {"temperature": 0, "weighted": True}])
def test_wrong_options(options: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        Denoising(**options)
