"""Lists of numbers against the naive judge, which looks at each of them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detent.grammar.number_list import NumberList
from tests.native.test_number import Machine, check_examples, check_prefixes, check_walk, decimals, small_limits, texts

ALIKE = ["0", "1", "10", "100", "12", "1.2", "0.12", "120", "1203", "0.012", "-1", "-12", "-0.1", "1e-4", "12e2"]
alike = st.sampled_from([Decimal(text) for text in ALIKE])


@st.composite
def lists(draw: st.DrawFn) -> NumberList:
    values = draw(st.lists(alike | decimals, min_size=1, max_size=8))
    if draw(st.integers(0, 4)):
        return NumberList.of(values)
    return NumberList.of(map(int, values), lexical_integer=True)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(lists(), st.lists(texts, min_size=3, max_size=6))
def test_agrees_with_naive_on_every_prefix(numbers: NumberList, samples: list[str]) -> None:
    with small_limits():
        for text in samples:
            check_prefixes(numbers, text)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(lists(), st.data())
def test_agrees_with_naive_around_listed_numbers(numbers: NumberList, data: st.DataObject) -> None:
    with small_limits():
        check_walk(numbers, data)


@pytest.mark.parametrize(
    ("numbers", "accepted", "dead"),
    [
        (NumberList.of([200, 404]), "200 2e2 2.0e+2 0.404e3 404.0 20000e-2 4040e-001", "3 - 201 41 0e 2e3 2e-1 40.41"),
        (NumberList.of([0, -5]), "0 -0 0.00e777 -5 -0.5E1", "5 0.1 -6 -5e1"),
        (NumberList.of([1, 10, 1000]), "1 10 1000 1e0 1e1 1e3 0.1e4 10000e-1 100e1", "1e2 11 1e-1. 2"),
        (NumberList.of([7, 70], lexical_integer=True), "7 70", "7. 7e 700 77"),
        (NumberList.of([Decimal("1e400"), 2]), "2 1" + "0" * 400, "1e 1e4 2e1"),
        (NumberList.of([1.5, 0.25]), "1.5 0.25 15e-1 2.5e-1 1.50", "15e-2 2.51 0.26"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_examples_with_the_real_limits(numbers: NumberList, accepted: str, dead: str) -> None:
    check_examples(numbers, accepted, dead)


def test_zeros_saturate() -> None:
    machine = Machine(NumberList.of([0, 5]))
    assert machine.run("0." + "0" * 1_100) == machine.run("0." + "0" * 3_000)
    assert machine.run("0." + "0" * 998 + "5") is not None and machine.run("0." + "0" * 999 + "5") is None
    assert machine.takes("5." + "0" * 3_000) and machine.run("5" + "0" * 1_100) is None
