"""Drafting over real grammars: exact laws of whole sentences, and nothing that another parser refuses.

``benchmarks/drafts.py`` does the same with 200,000 draws and 20,000 texts.
"""

from __future__ import annotations

from time import perf_counter

import numpy as np
import pytest

import detent
from detent import AWRS, Masking
from detent.sampler.guide import Guide
from detent.sampler.speculation.drafter import Combined
from detent.sampler.speculation.length import DraftLength

from .drafted import ALGORITHMS, DRAFTS, JUDGES, TOKENS, Law, Written
from .laws import assert_law

CASES = [(algorithm, draft) for algorithm in ALGORITHMS for draft in (DRAFTS if algorithm in "ABD" else DRAFTS[:1])]
SIZES = {"A": 500, "B": 300, "C(i)": 500, "C(ii)": 500, "D": 300}


@pytest.fixture(scope="module")
def written() -> Written:
    return Written()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.5])
@pytest.mark.parametrize(("algorithm", "draft"), CASES)
def test_whole_sentences_follow_the_masked_law(algorithm: str, draft: str, temperature: float) -> None:
    case = Law(7, temperature)
    assert_law(case.draw(algorithm, draft, SIZES[algorithm]), case.law)


def test_another_law_is_found() -> None:
    with pytest.raises(AssertionError, match="chi-square"):
        assert_law(Law(7, 1.0).draw("A", "independent", 500), Law(7, 1.5).law)


@pytest.mark.parametrize("name", JUDGES)
def test_nothing_is_written_that_another_parser_refuses(written: Written, name: str) -> None:
    """Pitfall 1 to 6, in one: with ends, refused tokens and half characters in the drafts."""
    for i, (kind, drafter) in enumerate(written.drafters(3).items()):
        sampler = AWRS() if kind in ("model", "nonsense") else Masking((1.0, 0.7, 1.4)[i % 3])
        rows = written.write(name, drafter, sampler, i, 6)
        assert list(written.violations(name, rows)) == [], kind
        rows += written.write(name, drafter, Masking(), i, 1, zeros=True)  # what is accepted at 0 must be possible
        assert list(written.violations(name, rows)) == [], kind


@pytest.mark.parametrize("name", JUDGES)
def test_greedy_texts_are_those_without_drafts(written: Written, name: str) -> None:
    greedy = Masking(temperature=0)
    plain = [row.tokens for row in written.write(name, Combined(), greedy, 0, 24)]
    for kind, drafter in written.drafters(5).items():
        assert [row.tokens for row in written.write(name, drafter, greedy, 0, 24)] == plain, kind


def test_undoing_eight_tokens_takes_microseconds(written: Written) -> None:
    matcher = written.grammars["JSON"].matcher()
    assert matcher.accept_bytes(b'{"name":"')
    times = []
    for _ in range(200):
        for letter in b"abcdefgh":
            assert matcher.accept(letter)
        start = perf_counter()
        matcher.rollback(8)
        times.append(perf_counter() - start)
    assert np.median(times) < 5e-6


def test_ten_thousand_random_steps_leave_the_state_of_the_tokens(written: Written) -> None:
    """After any script of steps, undoing and forks, the mask is that of a new guide which took the same tokens."""
    rng = np.random.default_rng(0)
    for name, grammar in written.grammars.items():
        guide = Guide(written.vocabulary, grammar.matcher())
        masks = np.zeros((2, -(-len(TOKENS) // 32)), np.int32)
        for step in range(2500):
            action = rng.integers(4)
            if action == 0 and guide.ids:
                guide.rollback(int(rng.integers(1, min(9, len(guide.ids) + 1))))
            elif action == 1:
                guide = guide.fork()
            elif len(guide.ids) < 40:
                guide.accept(int(rng.integers(len(TOKENS))) if action == 2 else int(rng.choice(list(b'{"(int [0'))))
            if step % 10 == 0:
                fresh = Guide(written.vocabulary, grammar.matcher())
                assert all(map(fresh.accept, guide.ids)), name
                fresh.fill_bitmask(masks, 0)
                guide.fill_bitmask(masks, 1)
                assert (masks[0] == masks[1]).all() and fresh.is_stopped() == guide.is_stopped(), name


# ------------------------------------------------------------------------------------------------------ draft lengths
def test_the_length_is_zero_where_drafting_does_not_pay() -> None:
    assert DraftLength(8, cost=0.0)() > 2
    assert DraftLength(8, cost=1.0)() == 0
    length = DraftLength(8, cost=0.4)
    assert length() > 0
    for _ in range(8):
        length.saw(4, 0)
    assert length() == 0
    for _ in range(40):  # what was seen fades
        length.saw(0, 0)
    assert length() > 0


def test_a_full_machine_reads_shorter_drafts() -> None:
    lengths = [DraftLength(8, cost=0.0)(n_rows) for n_rows in (1, 4, 16, 64)]
    assert lengths == sorted(lengths, reverse=True) and lengths[0] > lengths[-1]


def test_a_draft_costs_what_its_model_does() -> None:
    target, draft, foreign = detent.load(), detent.load_draft(), detent.load_draft(foreign=True)
    assert target.seconds is not None
    for lm in (draft, foreign):
        assert lm.seconds is not None
        made = detent.speculation.to_speculation(lm, target)
        assert lm.seconds / target.seconds < made.drafter.cost < 0.9
