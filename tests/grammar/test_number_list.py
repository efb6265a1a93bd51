"""Lists of numbers: what they hold, and how much is kept of it."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from detent.grammar.decimals import is_plain
from detent.grammar.number_list import NumberList


def test_equal_numbers_are_one() -> None:
    assert NumberList.of([1, 1.0, Decimal("1.00"), 10, -0.0, 0]) == NumberList.of([10, 0, 1])
    assert NumberList.of([1]) != NumberList.of([1], lexical_integer=True)
    assert NumberList.of([1]) != NumberList.of([10])


@given(st.lists(st.integers() | st.decimals(allow_nan=False, allow_infinity=False, places=6), min_size=1))
def test_values_are_those_that_were_listed(values: list[int | Decimal]) -> None:
    found = NumberList.of(values).values
    assert found == tuple(sorted({*map(Decimal, values)}))
    assert all(is_plain(value) == (value == int(value)) for value in found)
