"""Sets of numbers: Boolean laws by sampling, and what the specifications of a set say."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detent.grammar.errors import GrammarError
from detent.grammar.number import NumberSpec
from detent.grammar.number_set import NumberSet

D = Decimal
GRID = [D(n).scaleb(-2) for n in range(-1400, 1401, 25)]  # written with a point
GRID += [*range(-14, 15), D("1e30"), 10**30, D("-7e-30"), D("2.1e30"), 1.5, 4.0]

bounds = st.none() | st.sampled_from([D(n) / 4 for n in range(-14, 15)])
step_values = st.sampled_from([D(text) for text in ("0.25", "0.5", "0.75", "1", "1.5", "2", "3", "5", "10", "6")])
spellings = st.sampled_from([{}, {}, {}, {"lexical_integer": True}, {"marked": True}])
specs = st.builds(
    lambda lo, lo_open, hi, hi_open, step, excluded, spelling: NumberSpec(
        lo, lo_open, hi, hi_open, multiple_of=step, excluded=tuple(excluded), **spelling
    ),
    bounds,
    st.booleans(),
    bounds,
    st.booleans(),
    st.none() | step_values,
    st.lists(step_values, max_size=2),
    spellings,
)
leaves = st.builds(NumberSet.of, specs) | st.builds(
    NumberSet.exactly, st.lists(st.integers(-5, 5) | st.sampled_from([D("0.5"), 2.5]), max_size=4)
)
sets = st.recursive(
    leaves,
    lambda inner: (
        st.builds(lambda a, b: a & b, inner, inner)
        | st.builds(lambda a, b: a | b, inner, inner)
        | st.builds(lambda a: ~a, inner)
    ),
    max_leaves=4,
)


def of(**fields: object) -> NumberSet:
    return NumberSet.of(NumberSpec(**fields))  # type: ignore[arg-type]


def exactly_one(a: NumberSet, b: NumberSet) -> NumberSet:
    return (a & ~b) | (b & ~a)


def members(numbers: NumberSet | NumberSpec) -> list[bool]:
    return [numbers.admits(value) for value in GRID]


@settings(derandomize=True, max_examples=200, deadline=None)
@given(specs)
def test_a_set_of_one_specification_admits_what_it_admits(spec: NumberSpec) -> None:
    assert members(NumberSet.of(spec)) == members(spec)
    assert NumberSet.of(spec).is_empty() == spec.is_empty()


@settings(derandomize=True, max_examples=200, deadline=None)
@given(sets, sets)
def test_operators_are_those_of_membership(a: NumberSet, b: NumberSet) -> None:
    pairs = list(zip(members(a), members(b), strict=True))
    assert members(a & b) == [x and y for x, y in pairs]
    assert members(a | b) == [x or y for x, y in pairs]
    assert members(~a) == [not x for x, _ in pairs]


@settings(derandomize=True, max_examples=100, deadline=None)
@given(sets, sets, sets)
def test_boolean_laws(a: NumberSet, b: NumberSet, c: NumberSet) -> None:
    for left, right in [(~~a, a), (~(a & b), ~a | ~b), (a & (b | c), (a & b) | (a & c)), ((a & b) | (a & ~b), a)]:
        assert exactly_one(left, right).is_empty()
    for left, right in [(a & b, b & a), (a | b, b | a), (a & ~a, ~NumberSet.all()), (a | ~a, NumberSet.all())]:
        assert left == right and hash(left) == hash(right) and left.specs == right.specs


@settings(derandomize=True, max_examples=200, deadline=None)
@given(sets)
def test_specifications_are_disjoint_and_make_up_the_set(a: NumberSet) -> None:
    assert not any(spec.is_empty() for spec in a.specs)
    counts = [sum(spec.admits(value) for spec in a.specs) for value in GRID]
    assert counts == [int(x) for x in members(a)]
    assert a.is_empty() == (not a.specs) == (a.size(1) == 0)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(sets)
def test_size_counts_the_values(a: NumberSet) -> None:
    # Bounds and steps are multiples of 1/4, so what is finite within (-15, 15) lies on that grid.
    grid = [D(n) / 4 for n in range(-60, 61)]
    found = [v for v in grid if a.admits(v * D("1.00")) or (v == int(v) and a.admits(int(v)))]
    values = a.values(1000)
    assert (values is None) == (a.size(1001) == 1001)
    if values is not None:
        assert list(values) == found and a.size(1001) == len(found) and a.size(2) == min(2, len(found))
        assert a.values(len(found)) == values and (not found or a.values(len(found) - 1) is None)


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        (NumberSet.all(), [NumberSpec()]),
        (~NumberSet.all(), []),
        (~of(multiple_of=3), [NumberSpec(excluded=(3,))]),
        (~of(integer=True), [NumberSpec(excluded=(1,))]),
        (
            exactly_one(of(integer=True), of(lo=2)),
            [NumberSpec(hi=2, hi_open=True, integer=True), NumberSpec(lo=2, lo_open=True, excluded=(1,))],
        ),
        (
            exactly_one(of(multiple_of=5), of(multiple_of=3)),
            [NumberSpec(multiple_of=3, excluded=(15,)), NumberSpec(multiple_of=5, excluded=(15,))],
        ),
        (of(multiple_of=5) | of(multiple_of=3), [NumberSpec(multiple_of=3), NumberSpec(multiple_of=5, excluded=(15,))]),
        (
            ~NumberSet.exactly([1, 2.5]),
            [
                NumberSpec(hi=1, hi_open=True),
                NumberSpec(lo=1, lo_open=True, hi=D("2.5"), hi_open=True),
                NumberSpec(lo=D("2.5"), lo_open=True),
            ],
        ),
        (~of(lexical_integer=True), [NumberSpec(excluded=(1,)), NumberSpec(integer=True, marked=True)]),
        (of(lexical_integer=True) | of(marked=True), [NumberSpec()]),
        (of(hi=2, hi_open=True) | of(lo=2), [NumberSpec()]),
        (of(integer=True, hi=7) | of(integer=True, lo=3), [NumberSpec(integer=True)]),
        (NumberSet.exactly([1, 2, 3, 5]), [NumberSpec(lo=1, hi=3, integer=True), NumberSpec(lo=5, hi=5)]),
        (of(multiple_of=2, excluded=(1,)), []),
        (of(lo=3, hi=D("3.5"), integer=True, excluded=(3,)), []),
    ],
)
def test_specifications_of_common_sets(numbers: NumberSet, expected: list[NumberSpec]) -> None:
    assert list(numbers.specs) == expected
    assert numbers == ~~numbers


def test_many_constants_are_quick_and_their_complement_too() -> None:
    numbers = NumberSet.exactly(range(0, 2000, 2))
    assert numbers.size(10_000) == 1000 and len((~numbers).specs) == 1001
    assert (numbers & of(multiple_of=3)).size(1000) == 334
    assert of(lo=1, hi=10**12, integer=True, excluded=(2,)).size(10**15) == 10**12 // 2


def test_huge_numbers_are_not_built() -> None:
    numbers = ~of(multiple_of=7, lo=0)
    assert numbers.admits(D("1e999999")) and not numbers.admits(D("7e999999")) and numbers.admits(D("1e-999999"))


def test_too_many_steps_are_refused() -> None:
    numbers = NumberSet.all()
    with pytest.raises(GrammarError, match="too many multiples are combined"):
        for prime in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29):
            numbers &= ~of(multiple_of=prime)
