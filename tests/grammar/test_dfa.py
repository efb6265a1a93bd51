from __future__ import annotations

import os
import pickle
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detent.grammar import charset, dfa
from detent.grammar.errors import GrammarError, LimitExceeded
from detent.grammar.regex import parse
from detent.grammar.regular import (
    ANY_CHAR,
    ANY_TEXT,
    EMPTY,
    EPSILON,
    START,
    Regular,
    alt,
    chars,
    conj,
    literal,
    look,
    neg,
    repeat,
    seq,
)
from detent.native.minimise import minimise

from ..naive import regular as naive
from ..naive.minimal import minimal, reachable

ALPHABET = "abé"
TEXTS = naive.texts(ALPHABET, 4)
quick = settings(derandomize=True, deadline=None, max_examples=150)

letters = st.sets(st.sampled_from(ALPHABET), min_size=1).map(lambda s: chars(charset.of("".join(sorted(s)))))
leaves = st.one_of(letters, st.just(EPSILON), st.just(EMPTY), st.just(ANY_CHAR), st.just(ANY_TEXT))


def larger(parts: st.SearchStrategy[Regular]) -> st.SearchStrategy[Regular]:
    bounds = st.tuples(st.integers(0, 2), st.one_of(st.none(), st.integers(0, 2)))
    return st.one_of(
        st.lists(parts, min_size=2, max_size=3).map(lambda p: seq(*p)),
        st.lists(parts, min_size=2, max_size=3).map(lambda p: alt(*p)),
        st.lists(parts, min_size=2, max_size=2).map(lambda p: conj(*p)),
        st.tuples(parts, bounds).map(lambda p: repeat(p[0], p[1][0], p[1][1] and p[1][0] + p[1][1])),
        parts.map(neg),
    )


regulars = st.recursive(leaves, larger, max_leaves=6)


def accepted(automaton: dfa.CharDfa) -> list[str]:
    return [text for text in TEXTS if dfa.matches(automaton, text)]


@quick
@given(regulars)
def test_compile_accepts_what_the_expression_matches(node: Regular) -> None:
    assert accepted(dfa.compile(node)) == [text for text in TEXTS if naive.matches(node, text)]


@quick
@given(regulars, st.sampled_from(TEXTS))
def test_every_state_is_live(node: Regular, text: str) -> None:
    automaton = dfa.compile(node)
    state = 0 if automaton.n_states else -1
    for char in text:
        c = automaton.cls[np.searchsorted(automaton.starts, ord(char), "right") - 1]
        state = int(automaton.trans[state, c]) if state >= 0 else -1
    assert (state >= 0) == naive.viable_prefix(node, text, [*ALPHABET, "z"])


@quick
@given(regulars, regulars)
def test_algebra_is_that_of_sets(left: Regular, right: Regular) -> None:
    a, b = dfa.compile(left), dfa.compile(right)
    in_a, in_b = set(accepted(a)), set(accepted(b))
    assert set(accepted(dfa.intersection(a, b))) == in_a & in_b
    assert set(accepted(dfa.union(a, b))) == in_a | in_b
    assert set(accepted(dfa.difference(a, b))) == in_a - in_b
    assert set(accepted(dfa.complement(a))) == set(TEXTS) - in_a
    assert dfa.intersection(a, b) == dfa.compile(conj(left, right))
    assert dfa.complement(dfa.union(a, b)) == dfa.intersection(dfa.complement(a), dfa.complement(b))


@quick
@given(st.lists(regulars, min_size=1, max_size=3))
def test_no_product_has_more_states_than_bounded(nodes: list[Regular]) -> None:
    automata = [dfa.compile(node) for node in nodes]
    found = dfa.intersection(*automata, max_states=dfa.most_together(automata))  # checked before it is minimised
    assert all(a.n_states for a in automata) or not found.n_states


def test_products_with_few_late_states_have_few_states() -> None:
    starts, large = dfa.compile(parse("^(b|/)")), dfa.compile(parse("^(/a{50}|(bc){60})*$"))
    assert starts.n_states == 2
    assert dfa.most_together([starts, large]) == 1 + 2 + large.n_states


@quick
@given(st.lists(regulars, min_size=1, max_size=4), st.booleans())
def test_product_tells_who_accepts(nodes: list[Regular], rest: bool) -> None:
    automata = [dfa.compile(node) for node in nodes]
    joint, profile = dfa.product(automata, rest=rest)
    for text in TEXTS:
        wanted = sum(dfa.matches(a, text) << i for i, a in enumerate(automata))
        state = 0 if joint.n_states else -1
        for char in text:
            c = joint.cls[np.searchsorted(joint.starts, ord(char), "right") - 1]
            state = int(joint.trans[state, c]) if state >= 0 else -1
        assert wanted == (profile[state] if state >= 0 else 0)
        assert state >= 0 or not rest
        assert dfa.matches(joint, text) == (rest or wanted > 0)


@quick
@given(st.lists(regulars, min_size=1, max_size=3), st.sets(st.integers(0, 7)))
def test_profiles_that_do_not_matter_are_not_accepted(nodes: list[Regular], kept: set[int]) -> None:
    automata = [dfa.compile(node) for node in nodes]
    joint, profile = dfa.product(automata, rest=True, matters=kept.__contains__)
    assert all(joint.accept[state] or not told for state, told in enumerate(profile))
    for text in TEXTS:
        wanted = sum(dfa.matches(a, text) << i for i, a in enumerate(automata))
        assert dfa.matches(joint, text) == (wanted in kept)


@quick
@given(regulars)
def test_beginnings_of_texts(node: Regular) -> None:
    automaton = dfa.compile(node)
    for text in TEXTS:
        if dfa.matches(automaton, text):
            assert automaton.beginnings >> (min(ord(text[0]), 128) if text else 129) & 1
    for point in range(128) if automaton.n_states else ():
        goes_on = automaton.trans[0, next(automaton.classes(chr(point)))] >= 0
        assert automaton.beginnings >> point & 1 == goes_on


COUNTED = ["^.{2,8}$", "^[ab]{3}$", "^[^]{0,5}$", "^a{2,}$", "^a?a?a?$", "^(aa|a){2}$"]
NOT_COUNTED = ["^ab$", "^a{1,2}b?$", "^(aa)*$", "^a{2}$|^a{4}$", "^[ab]a{2}$", "^a{2}[ab]*$", "^a?$", "^a*$"]


@pytest.mark.parametrize("pattern", COUNTED)
def test_one_set_that_is_repeated(pattern: str) -> None:
    automaton = dfa.compile(parse(pattern))
    assert automaton.repeated is not None
    each, least, most = automaton.repeated
    (read,) = [found for found, to in zip(each.class_sets, each.trans[0], strict=True) if to == 0]
    assert each == dfa.compile(repeat(chars(read), 0, None))
    assert automaton == dfa.compile(repeat(chars(read), least, most))


@pytest.mark.parametrize("pattern", NOT_COUNTED)
def test_what_is_not_one_set_that_is_repeated(pattern: str) -> None:
    assert dfa.compile(parse(pattern)).repeated is None


@quick
@given(regulars)
def test_repeated_sets(node: Regular) -> None:
    automaton = dfa.compile(repeat(node, 2, 4))
    if automaton.n_states and automaton.repeated is not None:
        each, least, most = automaton.repeated
        (read,) = [found for found, to in zip(each.class_sets, each.trans[0], strict=True) if to == 0]
        assert automaton == dfa.compile(repeat(chars(read), least, most))


def test_what_begins_differently_has_no_text_together() -> None:
    def together(one: str, other: str) -> dfa.CharDfa:
        return dfa.intersection(dfa.compile(parse(one)), dfa.compile(parse(other)))

    assert together("^a", "^b") == together("^(a|$)", "^b?c") == together("^\u0100", "^x") == dfa.NO_TEXT
    assert together("^a?$", "^b?$") == dfa.compile(parse("^$"))
    assert together("^\u0100", "^[\u0100\u0101]$") == dfa.compile(parse("^\u0100$"))


def test_product_of_nothing() -> None:
    assert dfa.product([]) == (dfa.from_words([]), [])
    assert dfa.product([], rest=True) == (dfa.ALL_TEXTS, [0])


@quick
@given(regulars)
def test_automata_are_canonical(node: Regular) -> None:
    automaton = dfa.compile(node)
    assert dfa.compile(neg(neg(alt(node, node)))) == automaton
    assert automaton.starts[0] == 0
    assert (automaton.cls[1:] != automaton.cls[:-1]).all()
    assert len({column.tobytes() for column in automaton.trans.T}) == automaton.trans.shape[1]
    first_seen = list(dict.fromkeys(automaton.cls.tolist()))
    assert first_seen == list(range(automaton.trans.shape[1]))
    surrogate = automaton.cls[np.searchsorted(automaton.starts, 0xDABC, "right") - 1]
    assert (automaton.trans[:, surrogate] == -1).all()
    for array, kind in zip((automaton.starts, automaton.cls, automaton.trans, automaton.accept), "iiiB", strict=True):
        assert array.dtype.char == kind and array.flags.c_contiguous


@pytest.mark.parametrize(
    ("pattern", "is_absorbing"),
    [
        *((r"[\s\S]", True), (r"[^\uD800-\uDFFF]", True), (r"[^\uD900-\uDABC]", True), (r"[^\uE000]", False)),
        *((r"[^\uD900-\uF000]", False), (r"[^\uE000-\uFFFF]", False), (r"[^\uD7FF-\uD801]", False), (".", False)),
    ],
)
def test_states_that_every_character_leads_back_to(pattern: str, is_absorbing: bool) -> None:
    """Surrogates are no characters; intervals may begin among them, or end."""
    assert dfa.absorbing(dfa.compile(parse(f"^{pattern}*$"))).tolist() == [is_absorbing]


@quick
@given(st.lists(st.text(ALPHABET + "z\0\U0010ffff\ud800", max_size=4), max_size=12))
def test_words(words: list[str]) -> None:
    automaton = dfa.from_words(words)
    texts = [word for word in words if "\ud800" not in word]
    assert automaton == dfa.compile(alt(*map(literal, words)))
    assert all(dfa.matches(automaton, text) for text in texts)
    assert automaton.n_states == 0 or dfa.is_finite(automaton)


def test_many_words() -> None:
    words = [f"{i * 7919 % 100003:x}-{i % 97}" for i in range(5000)]
    automaton = dfa.from_words(words)
    assert all(dfa.matches(automaton, word) for word in words[::50])
    assert not dfa.matches(automaton, words[0] + "0")
    with pytest.raises(LimitExceeded, match="regex_states"):
        dfa.from_words(words, max_states=100)


@quick
@given(regulars)
def test_lengths(node: Regular) -> None:
    automaton = dfa.compile(node)
    shortest, longest, gapfree = dfa.lengths(automaton)
    # Lengths up to twice the number of states tell endless languages from finite ones.
    n = automaton.n_states
    possible = [{0} if a else set() for a in automaton.accept]
    for _ in range(2 * n + 2):
        possible = [
            own | {1 + length for t in row if t >= 0 for length in possible[t] if length <= 2 * n}
            for own, row in zip(possible, automaton.trans.tolist(), strict=True)
        ]
    for state, found in enumerate(possible):
        assert shortest[state] == min(found)
        assert longest[state] == (-1 if max(found) >= n else max(found))
    whole = all(len(f) == max(f) - min(f) + 1 for f in possible)
    assert gapfree == whole


@quick
@given(regulars)
def test_words_are_counted(node: Regular) -> None:
    automaton = dfa.compile(node)
    longest = dfa.lengths(automaton)[1]
    sizes = [sum(points[1::2]) - sum(points[::2]) for points in automaton.class_sets]

    @cache
    def count(state: int) -> int:
        after = zip(sizes, automaton.trans[state].tolist(), strict=True)
        return int(automaton.accept[state]) + sum(size * count(to) for size, to in after if to >= 0)

    for state, found in enumerate(dfa.word_counts(automaton).tolist()):
        assert found == (-1 if longest[state] < 0 else min(dfa.MANY, count(state)))


@quick
@given(regulars, st.integers(0, 3), st.one_of(st.none(), st.integers(0, 3)))
def test_restrict_length(node: Regular, low: int, high: int | None) -> None:
    automaton = dfa.compile(node)
    wanted = [t for t in accepted(automaton) if low <= len(t) and (high is None or len(t) <= high)]
    if high is None or low <= high:
        assert accepted(dfa.restrict_length(automaton, low, high)) == wanted


@pytest.mark.parametrize("characters", ["a", "[ab]", "[^c]"])
@pytest.mark.parametrize("bounds", [(0, 0), (0, 5), (1, 40), (7, 7)])
def test_counted_runs_of_one_set(characters: str, bounds: tuple[int, int]) -> None:
    low, high = bounds
    automaton, loop = (dfa.compile(parse(f"^{characters}{count}$")) for count in (f"{{{low},{high}}}", "*"))
    if high:
        assert dfa.counted_run(automaton) == (loop, low, high)


@quick
@given(regulars)
def test_counted_runs(node: Regular) -> None:
    automaton = dfa.compile(node)
    run = dfa.counted_run(automaton)
    if run is not None:
        loop, low, high = run
        assert dfa.restrict_length(loop, low, high) == automaton
        assert (loop.trans <= 0).all()


@quick
@given(regulars, st.integers(0, 3))
def test_counting_changes_nothing_else(node: Regular, seed: int) -> None:
    automaton = dfa.compile(seq(node, repeat(chars(charset.of("ab")), 0, seed), node))
    run, far = dfa.counting(automaton, automaton.accept, "abc", 1)
    for start in range(automaton.n_states):
        state = start
        for _ in range(far[start]):
            (then,) = set(automaton.trans[state, run[state]].tolist())
            assert then != state
            assert (run[then] == run[state]).all()
            assert automaton.accept[then] == automaton.accept[state]
            assert (automaton.trans[then, ~run[then]] == automaton.trans[state, ~run[state]]).all()
            state = then


def test_counting_is_found() -> None:
    automaton = dfa.compile(parse("^x[a-c]{1,9}-?$"))
    run, far = dfa.counting(automaton, automaton.accept, "a", 7)
    assert sorted(far.tolist()) == [0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7]  # before the letters, after all
    assert run.any(axis=1).sum() == 9
    assert not dfa.counting(automaton, automaton.accept, "a", 8)[1].any()


@quick
@given(regulars)
def test_example_is_a_shortest_text(node: Regular) -> None:
    automaton = dfa.compile(node)
    text = dfa.example(automaton)
    if text is None:
        assert automaton.n_states == 0
    else:
        assert dfa.matches(automaton, text) and len(text) == dfa.lengths(automaton)[0][0]


def naive_subsets(automaton: dfa.CharDfa) -> int:
    """Number of different residual languages, by Moore's partition."""
    block = [*automaton.accept.tolist(), 0]
    while True:
        rows = [tuple(block[t] for t in row) for row in automaton.trans.tolist()]
        rows.append((block[-1],) * automaton.trans.shape[1])
        signatures = list(zip(block, rows, strict=True))
        number = {signature: i for i, signature in enumerate(dict.fromkeys(signatures))}
        refined = [number[signature] for signature in signatures]
        if len(set(refined)) == len(set(block)):
            return len(set(refined)) - 1
        block = refined


@quick
@given(regulars)
def test_automata_are_minimal(node: Regular) -> None:
    automaton = dfa.compile(node)
    assert naive_subsets(automaton) == automaton.n_states


@quick
@given(st.data())
def test_minimise_merges_states_that_no_text_tells_apart(data: st.DataObject) -> None:
    n, k = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 3))
    rows = data.draw(st.lists(st.lists(st.integers(-1, n - 1), min_size=k, max_size=k), min_size=n, max_size=n))
    trans, colour = reachable(rows, data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)))
    out, kept = minimise(np.array(trans, np.int32), np.array(colour, np.int32))
    assert (out.tolist(), kept.tolist()) == minimal(trans, colour)


@pytest.mark.parametrize("every", [1, 2, 3, 40])
@pytest.mark.parametrize("back", [-1, 0, 70])
def test_minimise_goes_on_where_rounds_take_too_long(every: int, back: int) -> None:
    """Two chains of twins: each round tells one more pair of states from the others."""
    n = 80
    rows = [[1, n + 1, -1]]
    for first in (1, n + 1):
        rows += [[s + 1 if s + 1 < first + n else -1, back, -1] for s in range(first, first + n)]
    trans, colour = reachable(rows, [0, *2 * [int(k % every == 0) for k in range(n)]])
    out, kept = minimise(np.array(trans, np.int32), np.array(colour, np.int32))
    assert (out.tolist(), kept.tolist()) == minimal(trans, colour)


def test_minimise_drops_dead_states() -> None:
    trans = np.array([[1, 2], [-1, 1], [2, 2]], np.int32)
    out, colour = minimise(trans, np.array([0, 1, 0], np.int32))
    assert out.tolist() == [[1, -1], [-1, 1]] and colour.tolist() == [0, 1]


def test_limits() -> None:
    with pytest.raises(LimitExceeded, match="regex_states") as error:
        dfa.compile(parse("^a{30000}$"))
    assert error.value.measured > 10_000
    with pytest.raises(LimitExceeded, match="regex_states"):
        dfa.compile(parse("^(a{900}){900}$"))
    for pattern in ("a.{20}$", "^(.{0,1000}a){0,20}$", "a(?=b{0,99})(.{0,99}b){9}c(?<!a.{9})"):
        with pytest.raises(LimitExceeded, match="regex_states"):
            dfa.compile(parse(pattern))
    with pytest.raises(LimitExceeded, match="regex_states"):
        dfa.intersection(*(dfa.compile(parse(f"^(a{{{n}}})*$")) for n in (97, 101, 103)))


@pytest.mark.parametrize("pattern", ["^[^x]{1,255}$", r"^\d{0,99}$", "^.{0,4096}$", ".{0,4096}", "^.{3,4096}$"])
def test_large_counts(pattern: str) -> None:
    automaton = dfa.compile(parse(pattern))
    assert automaton.n_states <= 4099
    assert dfa.lengths(automaton)[2]


def test_assertion_inside_a_part_of_an_intersection_is_refused() -> None:
    with pytest.raises(GrammarError, match="assertion"):
        dfa.compile(seq(ANY_CHAR, conj(seq(START, ANY_CHAR), chars(charset.DIGIT))))
    assert dfa.matches(dfa.compile(conj(seq(START, ANY_CHAR), chars(charset.DIGIT))), "7")


def test_nodes_are_shared_and_immutable() -> None:
    node = seq(literal("ab"), repeat(ANY_CHAR, 1, 3))
    assert seq(literal("a"), literal("b"), repeat(ANY_CHAR, 1, 3)) is node
    assert pickle.loads(pickle.dumps(node)) is node
    with pytest.raises(AttributeError, match="immutable"):
        node.parts = ()  # type: ignore[attr-defined]
    assert repr(alt(node, neg(look(node)))) == r"<Alt ab[\s\S]{1,3}|(?:~(?:(?=ab[\s\S]{1,3})))>"


def test_kernels_without_jit_agree() -> None:
    code = (
        "from detent.grammar import dfa, regex;"
        r"d = dfa.compile(regex.parse(r'^(?!ab)(\w+|é\b)*$|x{2,5}'));"
        "w = dfa.from_words(['one', 'two', 'three']);"
        "p = dfa.product([d, w], rest=True)[0];"
        "print(d.key.hex(), w.key.hex(), p.key.hex(), dfa.lengths(w)[2])"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "NUMBA_DISABLE_JIT": off, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            check=True,
        ).stdout
        for off in "01"
    ]
    assert runs[0] == runs[1]
