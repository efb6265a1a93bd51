"""Number kernels against the naive judge: every prefix, both directions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detent.grammar import number_table as limits
from detent.grammar.number import NumberSpec
from detent.grammar.number_list import NumberList
from detent.grammar.number_set import NumberSet
from detent.native.number import num_accepts, num_start, num_step
from tests.naive import number as naive

ALPHABET = "0123456789.eE+-"
OFFSET = 3
State = tuple[int, ...]


class Machine:
    """A table at some offset of a larger array, and the kernels over it."""

    def __init__(self, spec: NumberSpec | NumberList) -> None:
        self.table = np.array([7] * OFFSET + list(spec.encode()) + [7], dtype=np.int32)
        self.start: State = tuple(num_start(self.table, OFFSET))

    def step(self, state: State, char: str) -> State | None:
        alive, *fields = num_step(self.table, OFFSET, *state, ord(char))
        assert all(-(2**31) <= field < 2**31 for field in fields)
        return tuple(map(int, fields)) if alive else None

    def accepts(self, state: State) -> bool:
        return bool(num_accepts(self.table, OFFSET, *state))

    def run(self, text: str) -> State | None:
        state: State | None = self.start
        for char in text:
            state = None if state is None else self.step(state, char)
        return state

    def takes(self, text: str) -> bool:
        state = self.run(text)
        return state is not None and self.accepts(state)

    def reach(self, state: State, most: int = 20_000) -> Iterator[tuple[State, str]]:
        """Reachable states with a shortest text to each, breadth first."""
        seen, queue = {state}, [(state, "")]
        for current, text in queue:
            yield current, text
            assert len(queue) < most
            for char in ALPHABET:
                after = self.step(current, char)
                if after is not None and after not in seen:
                    seen.add(after)
                    queue.append((after, text + char))

    def completion(self, state: State) -> str:
        """A shortest text from a state to acceptance."""
        return next(text for current, text in self.reach(state) if self.accepts(current))


@contextmanager
def small_limits() -> Iterator[None]:
    """Narrow exponents, so that the naive judge can try all of them."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("EXPONENT_MAX", 15), ("FREE_EXPONENT", 9), ("LOWEST_DECADE", -9), ("HIGHEST_DECADE", 11)):
            patch.setattr(limits, name, value)
        yield


decimals = st.builds(
    lambda n, e: Decimal((int(n < 0), tuple(map(int, str(abs(n)))), e)), st.integers(-1200, 1200), st.integers(-4, 2)
)
steps = st.sampled_from([None, "1", "2", "5", "3", "7", "10", "100", "0.5", "0.01", "0.25", "1.5", "12", "24", "0.07"])

excluded_steps = st.sampled_from(
    [
        "1",
        "2",
        "5",
        "3",
        "7",
        "10",
        "100",
        "1000",
        "6",
        "15",
        "16",
        "25",
        "0.5",
        "0.01",
        "0.25",
        "1.5",
        "24",
        "0.07",
        "0.2",
    ]
)


@st.composite
def specs(draw: st.DrawFn) -> NumberSpec:
    lo, hi = draw(st.none() | decimals), draw(st.none() | decimals)
    if lo is not None and hi is not None and lo > hi:
        lo, hi = hi, lo
    step = draw(st.none() | steps)
    excluded = draw(st.just([]) | st.lists(excluded_steps, min_size=1, max_size=3))
    return NumberSpec(
        lo,
        draw(st.booleans()),
        hi,
        draw(st.booleans()),
        integer=draw(st.booleans()),
        lexical_integer=draw(st.integers(0, 5)) == 0,
        multiple_of=None if step is None else Decimal(step),
        excluded=tuple(map(Decimal, excluded)),
        marked=draw(st.integers(0, 5)) == 0,
    )


signs = st.sampled_from(["", "-"])
wholes = st.just("0") | st.integers(1, 12_000).map(str)
fractions = st.just("") | st.from_regex(r"\.[0-9]{1,5}", fullmatch=True)
exponents = st.just("") | st.builds(
    "".join,
    st.tuples(
        st.sampled_from("eE"),
        st.sampled_from(["", "+", "-"]),
        st.integers(0, 12).map(str) | st.sampled_from(["00", "03", "007", "100", "0000"]),
    ),
)
texts = st.builds("".join, st.tuples(signs, wholes, fractions, exponents)) | st.text(ALPHABET, max_size=6)


def check_prefixes(spec: NumberSpec | NumberList, text: str) -> None:
    """Every prefix is alive, accepted and completed as the naive judge says, up to the first dead one."""
    machine = Machine(spec)
    for end in range(len(text) + 1):
        prefix = text[:end]
        state = machine.run(prefix)
        if state is None:
            assert not naive.is_alive(spec, prefix), prefix
            return
        assert machine.accepts(state) == naive.accepts(spec, prefix), prefix
        assert naive.accepts(spec, prefix + machine.completion(state)), prefix


@settings(derandomize=True, max_examples=150, deadline=None)
@given(specs().filter(lambda spec: not spec.is_empty()), st.lists(texts, min_size=3, max_size=6))
def test_agrees_with_naive_on_every_prefix(spec: NumberSpec, samples: list[str]) -> None:
    with small_limits():
        for text in samples:
            check_prefixes(spec, text)


@settings(derandomize=True, max_examples=50, deadline=None)
@given(specs().filter(lambda spec: not spec.is_empty()), st.data())
def test_agrees_with_naive_around_admitted_texts(spec: NumberSpec, data: st.DataObject) -> None:
    with small_limits():
        check_walk(spec, data)


def check_walk(spec: NumberSpec | NumberList, data: st.DataObject) -> None:
    """A walk that stays alive, so that digits follow the numbers for long: every way to leave it is tried."""
    machine = Machine(spec)
    state, text = machine.start, ""
    for _ in range(data.draw(st.integers(1, 8))):
        after = {char: machine.step(state, char) for char in ALPHABET}
        for char, next_state in after.items():
            assert (next_state is not None) == naive.is_alive(spec, text + char), text + char
            assert next_state is None or machine.accepts(next_state) == naive.accepts(spec, text + char), text + char
        alive = {char: next_state for char, next_state in after.items() if next_state is not None}
        if not alive:
            return
        char = data.draw(st.sampled_from(sorted(alive)))
        state, text = alive[char], text + char


@pytest.mark.parametrize(
    "spec",
    [
        NumberSpec(),
        NumberSpec(lo=0),
        NumberSpec(integer=True),
        NumberSpec(lo=1, hi=100, integer=True),
        NumberSpec(lo=-15, hi=3, hi_open=True),
        NumberSpec(lo=Decimal("99.5"), hi=Decimal("100.25"), lo_open=True),
        NumberSpec(lo=103, hi=111, multiple_of=7),
        NumberSpec(lo=0, lo_open=True, hi=1, multiple_of=Decimal("0.05")),
        NumberSpec(lo=Decimal("0.25"), hi=Decimal("0.25")),
        NumberSpec(lo=0, hi=0),
        NumberSpec(excluded=(1,)),
        NumberSpec(excluded=(Decimal("0.5"), 3)),
        NumberSpec(lo=-3, hi=14, integer=True, excluded=(2, 3, 5, 7, 11)),
        NumberSpec(lo=1, hi=9, multiple_of=Decimal("0.1"), excluded=(1, Decimal("0.4"))),
        NumberSpec(lo=2, hi=Decimal("2.5"), excluded=(1, Decimal("0.5"))),
        NumberSpec(hi=99, multiple_of=9, excluded=(18, 27, 45, 63)),
        NumberSpec(marked=True),
        NumberSpec(lo=0, hi=100, integer=True, marked=True),
        NumberSpec(lo=0, hi=100, lexical_integer=True, excluded=(7, 10)),
    ],
    ids=str,
)
def test_agrees_with_naive_on_all_short_texts(spec: NumberSpec) -> None:
    with small_limits():
        machine = Machine(spec)
        alive = {"": machine.start}
        for _ in range(3):
            longer = {text + char: machine.step(state, char) for text, state in alive.items() for char in ALPHABET}
            for text, state in longer.items():
                assert (state is not None) == naive.is_alive(spec, text), text
                assert state is None or machine.accepts(state) == naive.accepts(spec, text), text
            alive = {text: state for text, state in longer.items() if state is not None}


SETS = [
    ~NumberSet.of(NumberSpec(multiple_of=3)),
    ~NumberSet.of(NumberSpec(multiple_of=Decimal("0.5"), lo=0)),
    ~NumberSet.of(NumberSpec(lexical_integer=True, lo=-5, hi=12)),
    ~NumberSet.exactly([1, 2.5, 20]),
    NumberSet.of(NumberSpec(lo=1, hi=25, integer=True, excluded=(5,))) & ~NumberSet.exactly([2, 12]),
]


@pytest.mark.parametrize("numbers", SETS)
def test_one_specification_of_a_set_accepts_what_the_set_admits(numbers: NumberSet) -> None:
    """Every text of at most five letters, and every beginning of an accepted one."""
    machines = [Machine(spec) for spec in numbers.specs]
    alive = {""}
    for length in range(1, 6):
        for letters in product("0125.e-", repeat=length):
            text = "".join(letters)
            match = naive.NUMBER.fullmatch(text)
            takes = [machine.takes(text) for machine in machines] if text[:-1] in alive else []
            if match is None or abs(int(match[4] or 0)) > 99:  # (no exponent beyond the limits)
                assert not match or sum(takes) <= 1
            else:
                assert sum(takes) == numbers.admits(float(text) if match[3] or match[4] else int(text)), text
            if any(machine.run(text) is not None for machine in machines):
                alive.add(text)


@pytest.mark.parametrize(
    ("spec", "accepted", "dead"),
    [
        (NumberSpec(), "0 -0 -0.0e-000 12.50E+12 1e999 1e-12345 1e0005", "00 01 + . .5 -- 1.e 1e+- --1"),
        (NumberSpec(integer=True), "1.0 15e1 150e-1 0.5e1 -0 1e00199 0.0e7000", "1e-1 15e-1 1e200 0.05e199."),
        (NumberSpec(lexical_integer=True), "0 -0 10 -987654321987654321", "0. 1. 1e -1e 00"),
        (NumberSpec(lo=0), "-0 -0.0 -0e5 0.001 1e199 1e400", "-1 -0.1"),
        (NumberSpec(lo=0, lo_open=True), "0.0001 1", "- 0e"),
        (NumberSpec(lo=0, hi=100, integer=True), "100 100.0 1e2 0.1e3 1000e-1 99", "101 1001e 1e3 100.5e0 -1 1e-1"),
        (NumberSpec(lo=5), "5 5.0 0.5e1 500e-2 1e307 50e306", "-5 0e 5e-1 1e308 50e307"),
        (NumberSpec(hi=Decimal("-0.5"), hi_open=True), "-0.51 -5e0 -1", "1 0 -0e -0.5e- -0.50e-000 -1e308"),
        (NumberSpec(multiple_of=Decimal("0.01")), "0.01 1.10 12 1e-2 1.5e-1 100e-4", "1e-3 0.15e-1 0.001e-"),
        (NumberSpec(multiple_of=300), "300 3e2 0 0.03e4 -15000e-1", "3e- 1e 3.1e1 100e"),
        (NumberSpec(lo=100, hi=107, multiple_of=7), "105 1.05e2 105.0 1050e-1", "106 1040 1.04 100 10.4"),
        (NumberSpec(excluded=(1,)), "0.5 15e-1 12.01 -1.5 1.25e1 1e-3 10e-002", "0.0e 0e 12e0 15e-1. 1.5e1 1e-200"),
        (NumberSpec(excluded=(3,)), "1 -2.0 0.3 3.1 3e-1 33.3 3.1e1 10", "0e 3e0 0.3e1 1.2e1"),
        (NumberSpec(lo=3, hi=Decimal("3.5"), excluded=(1,)), "3.01 3.5 35e-1", "4 3e 3.6"),
        (NumberSpec(integer=True, excluded=(10,)), "1 7.0 12e0 10e-1 0.3e1", "1e1 1e+1 0e"),
        (NumberSpec(lexical_integer=True, excluded=(10,)), "1 101", "1. 1e"),
        (NumberSpec(marked=True), "1.0 1e0 0.0 12.5", "00"),
        (NumberSpec(lo=0, hi=1_000_000, multiple_of=999_983), "0 999983 9.99983e5", "999982 1 99998.4 8"),
    ],
    ids=str,
)
def test_examples_with_the_real_limits(spec: NumberSpec, accepted: str, dead: str) -> None:
    check_examples(spec, accepted, dead)


def check_examples(spec: NumberSpec | NumberList, accepted: str, dead: str) -> None:
    """Texts that are taken, and texts that nothing can follow."""
    machine = Machine(spec)
    for text in accepted.split():
        assert machine.takes(text) and naive.accepts(spec, text), text
    for text in dead.split():
        assert machine.run(text) is None, text


def test_bounds_of_hundreds_of_digits() -> None:
    third, near = "0." + "3" * 400, "0." + "3" * 399 + "4"
    machine = Machine(NumberSpec(lo=Decimal(third), hi=Decimal(near), lo_open=True))
    assert machine.takes(near) and machine.takes(third + "1") and machine.takes(near + "e0")
    assert not machine.takes(third) and machine.run(third) is not None and machine.run(near + "1") is None
    huge = Machine(NumberSpec(lo=-(10**308), hi=Decimal("1.7976931348623157e308")))
    assert huge.takes("17976931348623157" + "0" * 292) and huge.takes("-1" + "0" * 308) and huge.takes("-9.9e307")
    assert not huge.takes("17976931348623158" + "0" * 292) and not huge.takes("-1" + "0" * 307 + "1")


def test_decades_without_an_admitted_number_are_not_entered() -> None:
    """From 99e-308 on some multiple is left: exponents must lead there, over 1304 zeros at most."""
    step = Decimal("9e-308")
    spec = NumberSpec(hi=1, multiple_of=step, excluded=tuple(step * prime for prime in (2, 3, 5, 7, 11)))
    machine = Machine(spec)
    for zeros, alive in ((1303, True), (1304, True), (1305, False)):
        text = "0." + "0" * zeros
        assert (machine.run(text) is not None) == naive.is_alive(spec, text) == alive


def test_steps_of_any_decade() -> None:
    machine = Machine(NumberSpec(excluded=(Decimal("1e1500"),)))
    assert machine.takes("1" + "0" * 1499) and not machine.takes("1" + "0" * 1500)
    assert machine.takes("1" + "0" * 1500 + ".5") and machine.takes("1" + "0" * 1500 + "e-1")
    assert not machine.takes("1" + "0" * 1501 + "e-1") and not machine.takes("1" + "0" * 3000)
    assert machine.takes("1" + "0" * 1498 + "e1") and machine.run("1" + "0" * 1498 + "e2") is None
    tenths = Machine(NumberSpec(multiple_of=Decimal("1e-1000"), excluded=(Decimal("1e-999"), 7)))
    assert tenths.takes("7." + "0" * 999 + "1") and not tenths.takes("7." + "0" * 998 + "1")
    assert not tenths.takes("1") and tenths.run("7." + "0" * 1199 + "1") is None


@pytest.mark.parametrize("text", ["1" * 3000, "1" + "0" * 3000, "0." + "0" * 3000 + "1", "1." + "0" * 3000])
def test_counters_saturate(text: str) -> None:
    """Past the saturation points a digit leaves the state alone, and values keep their place."""
    for spec in (
        NumberSpec(lo=5),
        NumberSpec(integer=True),
        NumberSpec(hi=Decimal("0.5")),
        NumberSpec(multiple_of=3),
        NumberSpec(excluded=(1,)),
        NumberSpec(excluded=(30, Decimal("0.7"))),
        NumberSpec(multiple_of=Decimal("0.1"), excluded=(100,)),
    ):
        state, again = Machine(spec).run(text[:-1]), Machine(spec).run(text[:-2])
        assert Machine(spec).takes(text) == naive.accepts(spec, text)
        assert state is None or state[:3] == again[:3] or spec.multiple_of == 3


@pytest.mark.parametrize(
    ("spec", "most"),
    [
        (NumberSpec(), 11),
        (NumberSpec(lexical_integer=True), 4),
        (NumberSpec(lo=1, lexical_integer=True), 4),
        (NumberSpec(lo=0, hi=65535, lexical_integer=True), 40),
    ],
    ids=str,
)
def test_states_are_shared(spec: NumberSpec, most: int) -> None:
    machine = Machine(spec)
    assert sum(1 for _ in machine.reach(machine.start)) <= most


def test_unnoticed_digits_leave_the_state_alone() -> None:
    for spec in (NumberSpec(lo=0), NumberSpec(integer=True), NumberSpec(lo=1, integer=True)):
        machine = Machine(spec)
        assert machine.run("7") == machine.run("123456789") == machine.run("1000001")
    assert Machine(NumberSpec(lo=0)).run("7.5") == Machine(NumberSpec(lo=0)).run("0.00123")
