"""Whole texts written with drafts: their law, by exact enumeration, and what every round leaves behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

import detent
from detent import AWRS, Masking, ModelDrafter, Speculation, rounds
from detent.decoding import Row
from detent.rounds import Speculator
from detent.sampler.speculation.drafter import Ask, Combined, Seen
from detent.sampler.speculation.tree import Tree, complete_masks, plant, visit
from tests.naive.texts import PROMPT, TOYS, Toy

from .laws import assert_law

DRAWS = 1000


# ----------------------------------------------------------------------------------------------------- the exact law
def naive_law(scores: np.ndarray, allowed: np.ndarray, sampler: Masking) -> np.ndarray:
    """Mask, temperature, top-k, top-p: one after the other, in double precision."""
    logits = np.where(allowed, scores, -np.inf)
    law = np.exp((logits - logits.max()) / sampler.temperature)
    order = np.argsort(-law, kind="stable")
    if sampler.top_k is not None:
        law[order[sampler.top_k :]] = 0
    law /= law.sum()
    if sampler.top_p is not None:
        before = np.cumsum(law[order]) - law[order]
        law[order[before >= sampler.top_p]] = 0
    return law / law.sum()


def naive_texts(toy: Toy, sampler: Masking) -> dict[str, float]:
    found: dict[str, float] = {}
    stack = [("", 1.0)]
    while stack:
        text, mass = stack.pop()
        allowed = [len(text) + 1 < toy.limit and toy.may_begin(text + letter) for letter in toy.letters]
        allowed.append(toy.is_good(text))
        law = naive_law(np.array(toy.scores(text)), np.array(allowed), sampler)
        for letter, share in zip([*toy.letters, None], law, strict=True):
            if share > 0 and letter is None:
                found[text] = mass * share
            elif share > 0:
                stack.append((text + str(letter), mass * share))
    return found


# -------------------------------------------------------------------------------------------------------- the drafts
def table(toy: Toy, change: Callable[[torch.Tensor, str], torch.Tensor]) -> Any:
    """A draft model: the target's logits, changed."""

    def model(prefixes: Sequence[Sequence[int]]) -> torch.Tensor:
        texts = [toy.text(ids[len(PROMPT) :]) for ids in prefixes]
        return torch.stack([change(row, text) for row, text in zip(toy.model(prefixes), texts, strict=True)])

    return model


def other(logits: torch.Tensor, text: str) -> torch.Tensor:
    rng = np.random.default_rng([3, len(text), *text.encode()])
    return torch.tensor(1.5 * rng.standard_normal(len(logits)), dtype=torch.float32)


def adversarial(toy: Toy, logits: torch.Tensor, text: str) -> torch.Tensor:
    """0.99 on what is not allowed."""
    legal = torch.tensor([*(toy.may_begin(text + letter) for letter in toy.letters), toy.is_good(text)])
    return torch.where(legal, logits.log_softmax(-1) - 4.6, 0.0)


def narrower(logits: torch.Tensor, text: str) -> torch.Tensor:
    """A draft that has never heard of the last tokens."""
    return other(logits, text)[:-1]


def wider(logits: torch.Tensor, text: str) -> torch.Tensor:
    return torch.cat([logits, torch.full((3,), 9.0)])


@dataclass
class Scripted:
    """Proposes the same tokens again and again, whatever they are."""

    tokens: list[int]
    cost: float = 0.0

    def draft(self, asks: Sequence[Ask]) -> list[Tree]:
        return [Tree.chain(self.tokens[: ask.length]) for ask in asks]

    def learn(self, seen: Sequence[Seen]) -> None:
        pass


@dataclass
class Branching(Scripted):
    """Proposes all of its tokens, two deep."""

    def draft(self, asks: Sequence[Ask]) -> list[Tree]:
        return [self._tree() for _ in asks]

    def _tree(self) -> Tree:
        tree = Tree()
        for token in self.tokens:
            node = tree.add(0, token)
            for following in self.tokens:
                tree.add(node, following)
        return tree


def drafter(toy: Toy, kind: str) -> Any:
    end = len(toy.letters)
    model = partial(ModelDrafter, confidence=0.0)
    made: dict[str, Callable[[], Any]] = {
        "equal": lambda: model(toy.model),
        "other": lambda: model(table(toy, other)),
        "adversarial": lambda: model(table(toy, partial(adversarial, toy))),
        "narrower": lambda: model(table(toy, narrower)),
        "wider": lambda: model(table(toy, wider)),
        "tree": lambda: model(table(toy, other), width=(3, 2)),
        "equal tree": lambda: model(toy.model, width=2),
        "script": lambda: Scripted([0, 1, end, 0, 0]),
        "branches": lambda: Branching([end, 1, 0]),
        "lookup": detent.PromptLookup,
        "n-grams": detent.NGrams,
        "recycling": lambda: detent.Recycling((2, 2)),
        "several": lambda: Combined(detent.NGrams(), model(table(toy, other))),
    }
    return made[kind]()


def start(toy: Toy, n: int, seed: int, by_mask: bool = True) -> list[Row]:
    queries = [toy.query([seed, i], by_mask=by_mask) for i in range(n)]
    return [Row(list(PROMPT), query.guide, query.generator, toy.limit) for query in queries]


def write(toy: Toy, rows: list[Row], sampler: Any, how: Speculation, model: Any = None) -> Counter[str]:
    for _ in Speculator(model or toy.model, sampler, how, len(toy.vocabulary)).write(rows):
        pass
    return Counter(toy.text(row.tokens) for row in rows if row.stopped)


CHAINS = ["equal", "other", "adversarial", "narrower", "wider"]
OTHERS = ["tree", "equal tree", "script", "branches", "lookup", "n-grams", "recycling", "several"]


@pytest.mark.parametrize("kind", [*CHAINS, *OTHERS])
@pytest.mark.parametrize("name", ["dyck", "wide"])
def test_texts_follow_the_masked_law(name: str, kind: str) -> None:
    toy = TOYS[name]
    length = 3 if name == "dyck" else 8
    assert_law(
        write(toy, start(toy, DRAWS, 0), Masking(), Speculation(drafter(toy, kind), length)), toy.law(masked=True)
    )


@pytest.mark.parametrize("kind", ["narrower", "wider", "recycling"])
@pytest.mark.parametrize("sampler", [Masking(), AWRS()], ids=["masking", "awrs"])
def test_logits_may_be_wider_than_the_vocabulary(sampler: Any, kind: str) -> None:
    """Pitfall 10: columns that are no tokens, the likeliest of all; and another width of the draft's logits."""
    toy = TOYS["wide"]
    how = Speculation(drafter(toy, kind), 3)
    assert_law(write(toy, start(toy, 500, 9), sampler, how, table(toy, wider)), toy.law(masked=True))


@pytest.mark.parametrize(
    "sampler",
    [Masking(temperature=0.5), Masking(temperature=1.5), Masking(top_k=2), Masking(1.5, top_k=4, top_p=0.8)],
    ids=["cold", "hot", "top-k", "top-p"],
)
@pytest.mark.parametrize("kind", ["other", "adversarial", "tree", "script"])
def test_options_apply_in_one_order_to_draft_and_target(kind: str, sampler: Masking) -> None:
    """Pitfall 8: truncation before the mask in one of the models and behind it in the other."""
    toy = TOYS["wide"]
    law = naive_texts(toy, sampler)
    assert_law(write(toy, start(toy, DRAWS, 2), sampler, Speculation(drafter(toy, kind), 3)), law)


@pytest.mark.parametrize("kind", ["equal", "other", "adversarial", "tree", "script", "branches"])
@pytest.mark.parametrize("name", ["dyck", "wide"])
def test_without_masks_by_adaptive_rejection(name: str, kind: str) -> None:
    toy = TOYS[name]
    rows = start(toy, DRAWS, 3, by_mask=False)
    counts = write(toy, rows, AWRS(), Speculation(drafter(toy, kind), 3))
    assert_law(counts, toy.law(masked=True))
    # the weights stay unbiased: each valid text comes with its mass
    weights = [np.exp(sum(step.log_weight for step in row.trace)) if row.stopped else 0.0 for row in rows]
    error = np.std(weights, ddof=1) / DRAWS**0.5
    assert np.mean(weights) == pytest.approx(sum(toy.masses().values()), abs=4.5 * error)


def test_masking_asks_a_predicate_about_every_candidate() -> None:
    toy = TOYS["wide"]
    counts = write(toy, start(toy, 400, 4, by_mask=False), Masking(), Speculation(drafter(toy, "other"), 3))
    assert_law(counts, toy.law(masked=True))


@pytest.mark.parametrize("kind", ["other", "script"])
def test_future_weights_make_the_law_of_the_grammar(kind: str) -> None:
    """With the exact mass behind every token, masking with drafts draws from the model given that it is valid."""
    toy = TOYS["skewed"]
    masses = toy.masses()

    def future(ids: list[int]) -> np.ndarray:
        text = toy.text(ids)
        law = toy.model([PROMPT + ids])[0].double().softmax(-1).numpy()
        begun = [sum(m for t, m in masses.items() if t.startswith(text + letter)) for letter in toy.letters]
        behind = np.array([*begun, masses.get(text, 0.0)])
        here = sum(m for t, m in masses.items() if t.startswith(text))
        with np.errstate(divide="ignore"):
            return np.log(behind / max(here, 1e-300)) - np.log(law)

    how = Speculation(drafter(toy, kind), 4, future=future)
    assert_law(write(toy, start(toy, DRAWS, 5), Masking(), how), toy.law())
    plain = write(toy, start(toy, DRAWS, 5), Masking(), replace(how, future=None))
    with pytest.raises(AssertionError):
        assert_law(plain, toy.law())
    with pytest.raises(ValueError, match="future goes with Masking"):
        Speculator(toy.model, AWRS(), how, 3)


# ------------------------------------------------------------------------------------------------------ wrong loops
def unmasked(sampler: Any, logits: torch.Tensor, masks: np.ndarray) -> torch.Tensor:
    """The law of the draft as it was before the mask."""
    return logits.float().softmax(-1)


def test_a_draft_law_without_the_mask_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pitfall 9: the right law was kept in the tree, the tokens were drawn from another."""
    toy = TOYS["wide"]
    right = rounds.law_under

    def wrong(sampler: Any, logits: torch.Tensor, masks: np.ndarray) -> torch.Tensor:
        law = right(sampler, logits, masks)
        return (law > 0) / (law > 0).sum(-1, keepdim=True) if sampler.temperature == 1 else law

    class Lying(ModelDrafter):
        def draft(self, asks: Sequence[Ask]) -> list[Tree]:
            trees = super().draft(asks)
            for tree in trees:
                for node, law in tree.laws.items():
                    tree.laws[node] = (law > 0) / (law > 0).sum()
            return trees

    counts = write(toy, start(toy, DRAWS, 6), Masking(), Speculation(Lying(table(toy, other), confidence=0.0), 3))
    with pytest.raises(AssertionError):
        assert_law(counts, toy.law(masked=True))
    monkeypatch.setattr(rounds, "law_under", wrong)  # a poor draft, but an honest one
    counts = write(toy, start(toy, DRAWS, 6), Masking(), Speculation(drafter(toy, "other"), 3))
    assert_law(counts, toy.law(masked=True))


# ----------------------------------------------------------------------------------------- the same texts, seed by seed
POINT_MASSES = ["script", "branches", "lookup", "n-grams", "recycling"]


@pytest.mark.parametrize("kind", POINT_MASSES)
@pytest.mark.parametrize("sampler", [Masking(), Masking(1.3, top_p=0.9), AWRS()], ids=["masking", "top-p", "awrs"])
def test_drafts_that_are_not_drawn_change_no_token(kind: str, sampler: Any) -> None:
    for name in ("dyck", "wide"):
        toy = TOYS[name]
        plain, drafted = (start(toy, 60, 8, by_mask=name == "dyck") for _ in range(2))
        write(toy, plain, sampler, Speculation(Combined()))
        write(toy, drafted, sampler, Speculation(drafter(toy, kind), 4))
        assert [row.tokens for row in plain] == [row.tokens for row in drafted]
        for one, two in zip(plain, drafted, strict=True):
            assert [step.log_weight for step in one.trace] == pytest.approx([s.log_weight for s in two.trace], abs=1e-5)
        assert sum(row.n_forwards for row in drafted) <= sum(row.n_forwards for row in plain)


@pytest.mark.parametrize("kind", [*CHAINS, *OTHERS])
def test_greedy_is_the_same_token_for_token(kind: str) -> None:
    for name, toy in TOYS.items():
        if name == "modulo":
            continue
        toys = [replace(toy, scores=partial(shifted, toy.scores, seed)) for seed in range(12)]
        for variant in toys:
            plain, drafted = start(variant, 1, 0), start(variant, 1, 0)
            write(variant, plain, Masking(temperature=0), Speculation(Combined()))
            write(variant, drafted, Masking(temperature=0), Speculation(drafter(variant, kind), 5))
            assert plain[0].tokens == drafted[0].tokens


def shifted(scores: Callable[[str], Sequence[float]], seed: int, text: str) -> list[float]:
    rng = np.random.default_rng([seed, len(text), *text.encode()])
    return [score + noise for score, noise in zip(scores(text), rng.standard_normal(9), strict=False)]


# --------------------------------------------------------------------------------------------------- after every round
class Watched:
    """A model that notes how many places each call asks for."""

    def __init__(self, toy: Toy) -> None:
        self.toy, self.asked = toy, 0

    def __call__(self, prefixes: Sequence[Sequence[int]]) -> torch.Tensor:
        self.asked = len(prefixes)
        return self.toy.model(prefixes)


@pytest.mark.parametrize("kind", [*CHAINS, *OTHERS])
@pytest.mark.parametrize("name", ["dyck", "wide"])
def test_every_round_leaves_the_state_of_the_tokens_alone(name: str, kind: str) -> None:
    """Pitfalls 2, 3 and 6: nothing of a draft stays behind, and a refused one only makes the round shorter."""
    toy = TOYS[name]
    for seed in range(12):
        (row,) = start(toy, 1, seed)
        watched, before = Watched(toy), (0, 1, 0, 0)  # the first mask is made before the first round
        speculator = Speculator(watched, Masking(), Speculation(drafter(toy, kind), 4), len(toy.vocabulary))
        for _ in speculator.write([row]):
            written, masks, drafted = len(row.trace), row.n_masks, row.n_drafted
            assert written > before[0] or row.dead, "a round settles at least one token"
            (fresh,) = start(toy, 1, seed)
            assert all(map(fresh.guide.accept, row.tokens))
            assert fresh.guide.ids == row.guide.ids == row.tokens
            assert fresh.guide.is_stopped() == row.guide.is_stopped() == row.stopped
            forced = len(row.tokens) - len(row.trace)  # what is read in the next round: drafts that cannot fail
            assert masks - before[1] <= drafted - before[2] + forced + 1
            assert watched.asked <= drafted - before[2] + before[3] + 1
            before = (written, masks, drafted, forced)
        assert row.dead or (row.stopped and toy.is_good(toy.text(row.tokens)))  # the limit makes dead ends


@pytest.mark.parametrize("length", range(1, 9))
def test_a_draft_equal_to_the_target_is_kept_whole(length: int) -> None:
    toy = replace(TOYS["dyck"], limit=40)
    (row,) = start(toy, 1, length)
    how = Speculation(drafter(toy, "equal"), length, adaptive=False)
    before, written = 0, []
    for _ in Speculator(toy.model, Masking(), how, len(toy.vocabulary)).write([row]):
        written.append(len(row.tokens) - before)
        before = len(row.tokens)
    assert all(n >= length + 1 for n in written[:-1])


# ------------------------------------------------------------------------------------------------ drafts beyond the end
def test_a_draft_may_go_on_behind_the_end() -> None:
    """Pitfall 1: nothing reaches a guide that has stopped, and the end can be undone."""
    toy = TOYS["dyck"]
    end = len(toy.letters)
    (row,) = start(toy, 1, 0)
    tree = plant(Tree.chain([0, 1, end, 0, end, end]), row.guide, 9)
    assert tree.tokens[1:] == [0, 1, end] and not row.guide.is_stopped() and row.guide.ids == []
    assert tree.open == [0, 1, 2]
    nodes = [(node, row.guide.is_stopped()) for node in visit(tree, row.guide)]
    assert nodes == [(0, False), (1, False), (2, False), (3, True)]
    assert row.guide.ids == []


def test_a_refused_token_leaves_nothing_behind() -> None:
    toy = TOYS["dyck"]
    (row,) = start(toy, 1, 0)
    tree = plant(Tree.chain([1, 0, 0]), row.guide, 9)
    assert tree.tokens[1:] == [] and tree.open == [0] and row.guide.ids == []


def test_no_draft_is_longer_than_the_room() -> None:
    toy = TOYS["dyck"]
    (row,) = start(toy, 1, 0)
    tree = plant(Tree.chain([0, 0, 1, 1]), row.guide, 2)
    assert tree.tokens[1:] == [0, 0] and tree.open == [0, 1]
    rows = start(toy, 30, 0)
    for row in rows:
        row.limit = 2
    write(toy, rows, Masking(), Speculation(drafter(toy, "equal"), 5))
    assert all(len(row.tokens) <= 2 for row in rows)


def test_pruned_branches_get_no_mask() -> None:
    toy = TOYS["wide"]
    (row,) = start(toy, 1, 0)
    made = []
    fill = type(row.guide).fill_bitmask

    def counted(guide: Any, mask: np.ndarray, i: int = 0) -> None:
        made.append(list(guide.ids))
        fill(guide, mask, i)

    tree = Tree()
    node = tree.add(0, 3)
    for token in range(8):
        tree.add(tree.add(node, token), 7)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(row.guide), "fill_bitmask", counted)
        planted = plant(tree, row.guide, 5)
        complete_masks(planted, row.guide, 5, exact=True)
    assert all(ids == sorted(ids) for ids in made) and len(made) == len(planted.open)


def test_options_are_checked() -> None:
    for wrong in (
        lambda: Speculation(Combined(), length=0),
        lambda: detent.PromptLookup(longest=1, shortest=2),
        lambda: detent.NGrams(order=1),
        lambda: detent.Recycling(()),
        lambda: ModelDrafter(lambda prefixes: prefixes, width=0),
    ):
        with pytest.raises(ValueError):
            wrong()
