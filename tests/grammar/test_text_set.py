from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detent.grammar import dfa
from detent.grammar.dfa import CharDfa
from detent.grammar.errors import LimitExceeded
from detent.grammar.regex import parse
from detent.grammar.text_set import Part, TextSet

from ..naive import regular as naive

ALPHABET = "ab"
TEXTS = naive.texts(ALPHABET, 6)
LONGEST = len(TEXTS[-1])
PATTERNS = ["^a*$", "^(aa)*$", "b", "^ab?$", "^(a|bb)*$", "^(a{3}|a{5})$", "^$", "^(a|b{4})$", "^a", r"^[\s\S]{3}$"]
quick = settings(derandomize=True, deadline=None, max_examples=150)


def automaton(pattern: str) -> CharDfa:
    return dfa.compile(parse(pattern))


def letters(language: CharDfa) -> CharDfa:
    return dfa.intersection(language, automaton("^[ab]*$"))


# A set and the texts over the alphabet that are in it.
Pair = tuple[TextSet, frozenset[str]]


def bounded(pattern: str | None, shortest: int, width: int | None) -> Pair:
    language = None if pattern is None else automaton(pattern)
    longest = None if width is None else shortest + width
    kept = [t for t in TEXTS if shortest <= len(t) and (longest is None or len(t) <= longest)]
    return TextSet.of(language, shortest, longest), frozenset(
        t for t in kept if language is None or dfa.matches(language, t)
    )


leaves: st.SearchStrategy[Pair] = st.one_of(
    st.builds(
        bounded,
        st.one_of(st.none(), st.sampled_from(PATTERNS)),
        st.integers(0, 4),
        st.one_of(st.none(), st.integers(-1, 4)),
    ),
    st.sets(st.sampled_from(TEXTS), max_size=4).map(lambda words: (TextSet.words(words), frozenset(words))),
)


def larger(pairs: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    both = st.tuples(pairs, pairs)
    return st.one_of(
        both.map(lambda p: (p[0][0] & p[1][0], p[0][1] & p[1][1])),
        both.map(lambda p: (p[0][0] | p[1][0], p[0][1] | p[1][1])),
        pairs.map(lambda p: (~p[0], frozenset(TEXTS) - p[1])),
    )


sets = st.recursive(leaves, larger, max_leaves=5)


def in_part(part: Part, text: str) -> bool:
    language, shortest, longest = part
    fits = shortest <= len(text) and (longest is None or len(text) <= longest)
    return fits and (language is None or dfa.matches(language, text))


def has_dead_end(part: Part) -> bool:
    """Whether some text that counting alone lets through has no continuation within the bounds."""
    language, shortest, longest = part
    if language is None or longest is None:
        return False
    low, high, _ = dfa.lengths(language)
    for text in naive.texts(ALPHABET, min(longest, 5)):
        state = 0
        for char in text:
            state = state if state < 0 else int(language.trans[state, _class(language, char)])
        if state < 0:
            continue
        window = range(max(shortest - len(text), int(low[state])), longest - len(text) + 1)
        if window and (high[state] < 0 or high[state] >= window[0]):
            ahead = dfa.restrict_length(_from(language, state), window[0], window[-1])
            if not ahead.n_states:
                return True
    return False


def _class(language: CharDfa, char: str) -> int:
    return next(
        c
        for c, points in enumerate(language.class_sets)
        if any(a <= ord(char) < b for a, b in zip(points[::2], points[1::2], strict=True))
    )


def _from(language: CharDfa, state: int) -> CharDfa:
    order = [state, *(s for s in range(language.n_states) if s != state)]
    number = {s: i for i, s in enumerate(order)} | {-1: -1}
    trans = language.trans[order].copy()
    trans[:] = [[number[t] for t in row] for row in trans.tolist()]
    return dfa.intersection(CharDfa(language.starts, language.cls, trans, language.accept[order]), dfa.ALL_TEXTS)


@quick
@given(sets)
def test_operations_are_those_of_sets(pair: Pair) -> None:
    found, texts = pair
    assert {text for text in TEXTS if found.matches(text)} == texts
    assert (~~found & ~found).is_empty() and (~(~~found) & found).is_empty()
    assert hash(found & found) == hash(found) and found & found == found == found | found
    assert (found & ~found).is_empty() and (~(found | ~found)).is_empty()
    assert not texts or not found.is_empty()


@quick
@given(sets)
def test_parts_are_disjoint_and_can_be_counted(pair: Pair) -> None:
    found, texts = pair
    parts = found.parts()
    for text in TEXTS:
        assert sum(in_part(part, text) for part in parts) == (text in texts)
    assert bool(parts) != found.is_empty()
    assert not any(map(has_dead_end, parts))


@quick
@given(sets)
def test_sizes_and_words_are_those_of_the_list(pair: Pair) -> None:
    within = pair[0] & TextSet.of(automaton("^[ab]*$"), 0, LONGEST)
    size = len(pair[1])
    assert within.size(1000) == size
    assert within.size(3) == min(size, 3)
    assert within.words_if_few(1000) == tuple(sorted(pair[1]))
    assert within.words_if_few(size) == tuple(sorted(pair[1]))
    assert not size or within.words_if_few(size - 1) is None


def test_lengths_alone_make_no_automaton() -> None:
    any_text = TextSet.all()
    short, long = TextSet.of(longest=10_000), TextSet.of(shortest=5_000)
    assert (~short).parts() == ((None, 10_001, None),)
    assert (short & long).parts() == ((None, 5_000, 10_000),)
    assert ((short & ~long) | (long & ~short)).parts() == ((None, 0, 4_999), (None, 10_001, None))
    assert short | long == any_text and (~any_text).parts() == ()
    assert (TextSet.of(longest=5) & TextSet.of(shortest=6)).is_empty()
    huge = TextSet.of(automaton("^a*$"), 10**12, 10**12 + 5)
    assert huge.size(100) == 6 and huge.words_if_few(10) is None and not huge.is_empty()
    assert TextSet.of(automaton("^(aa)*$"), 10**12 + 1, 10**12 + 1).is_empty()
    assert TextSet.of(automaton("^(a|b)*$"), 0, 10**12).size(10**9) == 10**9
    assert TextSet.of(automaton("^(aa|b{4})*$"), 10**9, 10**9 + 1).size(10**6) == 10**6


def test_size_counts_characters() -> None:
    assert TextSet.of(longest=1).size(10**7) == 0x110000 - 0x800 + 1
    assert TextSet.of(longest=2).size(10**9) == 10**9
    assert TextSet.of(automaton(r"^\d{3}$")).size(10**4) == 1000
    assert TextSet.of(automaton("^a*$")).size(50) == 50


def test_bounds_are_built_in_where_counting_is_not_enough() -> None:
    gaps = automaton("^(aaa)*$")
    assert TextSet.of(gaps, 3, 4).parts() == ((automaton("^aaa$"), 0, None),)
    assert TextSet.of(gaps, 4, 5).parts() == ()
    assert TextSet.of(automaton("^a*$"), 3, 5).parts() == ((automaton("^a*$"), 3, 5),)
    assert TextSet.of(automaton("^a{2,4}$"), 1, 5).parts() == ((automaton("^a{2,4}$"), 0, None),)


def test_automata_have_a_limit() -> None:
    a, b = TextSet.of(automaton("a.{6}b")), TextSet.of(automaton("b.{6}a"))
    with pytest.raises(LimitExceeded, match="regex_states"):
        TextSet(a.pieces, 100) & TextSet(b.pieces, 100)
    assert not (a & b).is_empty()
    with pytest.raises(LimitExceeded, match="regex_states"):
        TextSet.of(automaton("^(aaa)*$"), 3, 4).parts(2)


def test_surrogates_are_in_no_text() -> None:
    assert not TextSet.all().matches("\ud800") and not (~TextSet.words(["a"])).matches("\ud800")
    assert TextSet.words(["\ud800", "a"]).words_if_few(5) == ("a",)


def test_large_automata_take_little_time() -> None:
    words = TextSet.words(str(i) for i in range(20_000))
    begin = time.perf_counter()
    assert (words & TextSet.of(longest=3)).size(10**6) == 1000
    assert (~words).size(5) == 5
    assert time.perf_counter() - begin < 5
