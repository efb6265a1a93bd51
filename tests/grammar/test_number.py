"""Number specifications as sets: exact membership, emptiness and intersection."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detent.grammar.errors import GrammarError, Unsatisfiable
from detent.grammar.number import MAX_BOUND_PLACES, NumberSpec
from detent.native.number_layout import SIDES

GRID = [Decimal(n) / 8 for n in range(-80, 81)]

bounds = st.none() | st.sampled_from([Decimal(n) / 4 for n in range(-14, 15)])
excluded = st.lists(
    st.sampled_from([Decimal(text) for text in ("0.5", "1", "1.5", "2", "3", "4", "5", "10")]), max_size=3
)
steps = st.none() | st.sampled_from([Decimal(text) for text in ("0.25", "0.5", "0.75", "1", "1.5", "2", "3")])
specs = st.builds(
    NumberSpec,
    bounds,
    st.booleans(),
    bounds,
    st.booleans(),
    st.booleans(),
    st.just(False),
    steps,
    excluded.map(tuple),
)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(specs, specs)
def test_intersection_admits_what_both_admit(first: NumberSpec, second: NumberSpec) -> None:
    both = first.intersect(second)
    assert [both.admits(v) for v in GRID] == [first.admits(v) and second.admits(v) for v in GRID]
    assert hash(both) == hash(second.intersect(first)) and both == second.intersect(first)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(specs, st.sets(st.sampled_from(GRID[::2]), max_size=12))
def test_numbers_without_some(spec: NumberSpec, gone: set[Decimal]) -> None:
    parts = spec.without(sorted(gone))
    assert [sum(part.admits(v) for part in parts) for v in GRID] == [v not in gone and spec.admits(v) for v in GRID]
    assert not any(part.is_empty() for part in parts) or parts == [spec]


@settings(derandomize=True, max_examples=300, deadline=None)
@given(specs)
def test_emptiness_is_exact(spec: NumberSpec) -> None:
    # All bounds are multiples of 1/4 within 3.5, so a number between them, if any, is on the grid of eighths.
    assert spec.is_empty() == (not any(spec.admits(value) for value in GRID))


@pytest.mark.parametrize(
    ("spec", "empty"),
    [
        (NumberSpec(lo=Decimal("0.2"), hi=Decimal("0.8"), integer=True), True),
        (NumberSpec(lo=0, hi=1, lo_open=True, hi_open=True, integer=True), True),
        (NumberSpec(lo=0, hi=0, lo_open=True), True),
        (NumberSpec(lo=1, hi=5, integer=True, multiple_of=6), True),
        (NumberSpec(lo=1, hi=12, multiple_of=4).intersect(NumberSpec(multiple_of=6)), False),
        (NumberSpec(lo=1, hi=11, multiple_of=4).intersect(NumberSpec(multiple_of=6)), True),
        (NumberSpec(lo=Decimal("1e-1000"), hi=Decimal("2e-1000"), hi_open=True, lo_open=True), False),
        (NumberSpec(lo=10**300, hi=10**300 + 6, lo_open=True, multiple_of=7), False),
        (NumberSpec(lo=2, hi=1), True),
    ],
    ids=str,
)
def test_empty_specifications_have_no_table(spec: NumberSpec, empty: bool) -> None:
    assert spec.is_empty() == empty
    if empty:
        with pytest.raises(Unsatisfiable, match="no number lies between the bounds"):
            spec.encode()
    else:
        assert all(-(2**31) <= value < 2**31 and type(value) is int for value in spec.encode())


def test_floats_stand_for_their_shortest_decimal() -> None:
    assert NumberSpec(lo=0.1).lo == Decimal("0.1")
    assert NumberSpec(multiple_of=Decimal("0.1")).admits(0.3)
    assert not NumberSpec(multiple_of=Decimal("0.1")).admits(0.1 + 0.2)
    assert not NumberSpec().admits(float("nan")) and not NumberSpec(lo=0).admits(float("inf"))


def test_integer_is_a_value_and_lexical_integer_a_text() -> None:
    assert NumberSpec(integer=True).admits(1.0) and NumberSpec(integer=True).admits(Decimal("15e1"))
    lexical = NumberSpec(lexical_integer=True)
    assert lexical.admits(10) and lexical.admits(Decimal("10"))
    assert not lexical.admits(1.0) and not lexical.admits(Decimal("1E+1")) and not lexical.admits(Decimal("1.0"))


@settings(derandomize=True, max_examples=300, deadline=None)
@given(specs, excluded)
def test_excluded_steps_have_one_form(spec: NumberSpec, more: list[Decimal]) -> None:
    both = replace(spec, excluded=(*spec.excluded, *more))
    assert both == replace(replace(spec, excluded=tuple(more)), excluded=(*reversed(more), *spec.excluded))
    for value in GRID:
        assert both.admits(value) == (spec.admits(value) and not any(value % step == 0 for step in more))
    for step in both.excluded:  # each excludes something of its own, unless bounds leave few multiples
        rest = replace(both, excluded=tuple(each for each in both.excluded if each != step))
        assert replace(rest, lo=None, hi=None).admits(step) and not both.admits(step)


@pytest.mark.parametrize(
    ("spec", "excluded"),
    [
        (NumberSpec(excluded=(2, 4, 3)), (2, 3)),
        (NumberSpec(multiple_of=2, excluded=(3, 5, 12)), (6, 10)),
        (NumberSpec(integer=True, excluded=(Decimal("0.5"),)), (1,)),
        (NumberSpec(lo=1, hi=5, integer=True, excluded=(3, 7)), (3,)),
        (NumberSpec(lo=1, hi=2, excluded=(3,)), ()),
    ],
    ids=str,
)
def test_excluded_steps_that_say_nothing_are_dropped(spec: NumberSpec, excluded: tuple[int, ...]) -> None:
    assert spec.excluded == excluded


def test_multiples_that_are_all_excluded_make_an_empty_specification() -> None:
    assert NumberSpec(multiple_of=2, excluded=(1,)).is_empty()
    assert NumberSpec(lo=3, hi=Decimal("3.5"), integer=True, excluded=(3,)).is_empty()
    assert NumberSpec(lo=3, hi=3, excluded=(1,)).is_empty() and NumberSpec(lo=0, hi=0, excluded=(7,)).is_empty()
    assert NumberSpec(lo=2, hi=10, integer=True, excluded=(2, 3, 5, 7)).is_empty()
    assert not NumberSpec(lo=2, hi=11, integer=True, excluded=(2, 3, 5, 7)).is_empty()
    assert (
        NumberSpec(marked=True, lexical_integer=True).is_empty()
        and not NumberSpec(marked=True, integer=True).is_empty()
    )


def test_spelling_is_one_or_the_other() -> None:
    for value in (1, Decimal(1), Decimal("1.0"), Decimal("1E+1"), 1.0, 0, -0.0):
        assert NumberSpec(lexical_integer=True).admits(value) != NumberSpec(marked=True).admits(value)


def test_the_decimal_context_does_not_matter() -> None:
    with localcontext() as context:
        context.prec = 3
        both = NumberSpec(multiple_of=Decimal("1.00001")).intersect(NumberSpec(lo=123456789, multiple_of=3))
        assert both.lo == 123456789 and both.multiple_of == Decimal(300003)
        assert not NumberSpec(hi=Decimal("1.23456789")).admits(Decimal("1.2345679"))


def test_both_signs_share_a_record_if_they_admit_the_same() -> None:
    assert NumberSpec(lo=-5, hi=5).encode()[SIDES + 1] == NumberSpec().encode()[SIDES + 1] == 0
    assert NumberSpec(lo=-5, hi=5, hi_open=True).encode()[SIDES + 1] > 0


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"lo": float("inf")}, r"at / \(minimum\): inf is not a finite number\."),
        ({"hi": Decimal("nan")}, r"at / \(maximum\): NaN is not a finite number\."),
        ({"multiple_of": 0}, r"at / \(multipleOf\): 0 is not a positive number\."),
        ({"hi": 10**MAX_BOUND_PLACES}, r"at / \(maximum\): the number is too long .* At most 2000 places"),
        ({"lo": Decimal("1e-3000")}, r"at / \(minimum\): the number is too long"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, object], reason: str) -> None:
    with pytest.raises(GrammarError, match=reason):
        NumberSpec(**arguments)


def test_steps_that_cannot_be_tracked_are_refused() -> None:
    assert NumberSpec(multiple_of=999_983_000).encode() and NumberSpec(multiple_of=Decimal("1e-9")).encode()
    assert NumberSpec(multiple_of=7, excluded=(99_991,)).encode()
    for excluded in ((999_983, 2), (Decimal("1e1500"), Decimal("3e-1000"))):
        with pytest.raises(
            GrammarError, match=r"\(multipleOf\): the steps .* at most 1000000, .* within 2,047 decades"
        ):
            NumberSpec(excluded=excluded).encode()
    with pytest.raises(GrammarError, match=r"\(multipleOf\): the step 1234567891 has more .* at most 1000000000"):
        NumberSpec(multiple_of=1_234_567_891).encode()
