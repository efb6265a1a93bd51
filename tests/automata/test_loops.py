"""The loop sets of automata inside strings, against their definition."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detent.automata.arena import Arena, ArenaFull
from detent.automata.vocabulary import Vocabulary
from detent.grammar import dfa as automata
from detent.grammar import regex
from detent.grammar.dfa import CharDfa
from detent.native import arena as layout
from detent.native import languages

EDGES = {k << 6 | low for k in range(0x110000 >> 6) for low in (0, 0x3F)}  # of what begins with the same bytes
POINTS = np.array(sorted({*range(0x3000), *EDGES} - {*range(0xD800, 0xE000)}))
LEADS = np.array([chr(point).encode()[0] for point in POINTS.tolist()])


def loops_by_character(arena: Arena, dfa: CharDfa) -> list[int]:
    """The loop sets of an automaton, from its definition."""
    classes = dfa.cls[dfa.starts.searchsorted(POINTS, side="right") - 1]
    is_raw = (POINTS >= 32) & (POINTS != 34) & (POINTS != 92)

    def closed(is_member: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        read = dfa.trans[:, [*set(classes[is_member].tolist())]]
        inside = (read >= 0).all(axis=1)
        for _ in range(dfa.n_states):
            inside = inside & inside[read].all(axis=1)
        return inside

    dots, everything = closed(~np.isin(POINTS, [10, 13, 0x2028, 0x2029])), closed(POINTS >= 0)
    found = []
    for state in range(dfa.n_states):
        in_loop = np.zeros(256, dtype=bool)
        in_loop[LEADS] = True
        in_loop[LEADS[(dfa.trans[state, classes] != state) | ~is_raw]] = False
        loop = arena.loop(np.flatnonzero(in_loop)) if in_loop.any() else 0
        if everything[state] and loop != arena.A[layout.FREE_LOOP]:
            loop = languages.TOTAL
        elif dots[state] and loop not in (arena.A[layout.DOT_LOOP], arena.A[layout.FREE_LOOP]):
            loop = languages.DOT
        found.append(loop)
    return found


@pytest.mark.parametrize(
    "pattern",
    [
        *("^.+@.+$", "^[a-z]+$", "a", r"^[^\n]*x?$", r"^[^\u2028]*$", r"^[^\u2028\u2029\r\n]+$", r"^[\s\S]+$"),
        *("^é*[^é]$", r"^(\uFFFF|[^\uE000])*$", "^(?!a).*$", r"^[\uD7FF\uE000]*$", r'^["\\]*$', r"^[^\uE000-\uFFFF]*$"),
    ],
)
def test_loop_sets_of_automata(pattern: str) -> None:
    """Automata may say anything of surrogates, which no text has: intervals may begin among them, or end."""
    check(pattern)


_BOUNDS = (0x20, 0x22, 0x61, 0x7F, 0x80, 0x7FF, 0x800, 0x2027, 0x2029, 0xD7FF, 0xDABC, 0xE000, 0xF000, 0xFFFF, 0x10FFFF)
_SPANS = st.lists(st.sampled_from(_BOUNDS), min_size=2, max_size=2).map(sorted)
_SETS = st.builds(
    lambda sign, spans: "[" + sign + "".join(rf"\u{{{lo:X}}}-\u{{{hi:X}}}" for lo, hi in spans) + "]",
    st.sampled_from(["", "^"]),
    st.lists(_SPANS, min_size=1, max_size=3),
)
_ITEMS = st.builds(str.__add__, st.one_of(_SETS, st.just(".")), st.sampled_from(["", "*", "+", "?", "{1,3}"]))


@given(st.lists(_ITEMS, min_size=1, max_size=3).map("".join))
@settings(derandomize=True, deadline=None, max_examples=60)
def test_loop_sets_of_random_automata(inner: str) -> None:
    check(f"^{inner}$")


def reachable(dfa: automata.CharDfa) -> list[set[int]]:
    """The states to which any text leads from each state."""
    found = [{state} for state in range(dfa.n_states)]
    for _ in range(dfa.n_states):
        steps = [{int(to) for state in behind for to in dfa.trans[state] if to >= 0} for behind in found]
        found = [behind | more for behind, more in zip(found, steps, strict=True)]
    return found


def check(pattern: str) -> None:
    """What an arena holds of an automaton, against its definition: of strings, and of names."""
    dfa = automata.compile(regex.parse(pattern))
    if not dfa.n_states:
        return
    expected = loops_by_character(_ARENA, dfa)
    for goals in (None, [7] * dfa.n_states):
        at = _ARENA.dfa(dfa, goals)

        def part(field: int, n: int = dfa.n_states, at: int = at) -> list[int]:
            begin = int(_ARENA.A[at + field])
            return _ARENA.A[begin : begin + n].tolist()  # type: ignore[no-any-return]

        assert part(languages.DFA_LOOPS) == expected
        assert part(languages.DFA_ASCII, 128) == [*dfa.classes("".join(map(chr, range(128))))]
        assert part(languages.DFA_TRANS, dfa.trans.size) == dfa.trans.ravel().tolist()
        assert part(languages.DFA_ACCEPT) == dfa.accept.tolist()
        assert part(languages.DFA_SHORTEST) + part(languages.DFA_LONGEST) == np.concatenate(dfa.lengths[:2]).tolist()
        assert _ARENA.A[at + languages.DFA_SLACK] == dfa.lengths[0].max()
        assert part(languages.DFA_ABSORBS) == automata.absorbing(dfa).tolist()
        assert part(languages.DFA_LENIENT) == [int(dfa.accept[[*behind]].all()) for behind in reachable(dfa)]
        if goals is not None:
            assert part(languages.DFA_GOALS) == goals
            counts = automata.word_counts(dfa)
            assert part(languages.DFA_WORDS) == counts.tolist()
            assert _ARENA.A[at + languages.DFA_ENDS] == (counts >= 0).any()


@pytest.mark.parametrize("n_left", [0, 4, 40, 200])
def test_automata_without_room(n_left: int) -> None:
    """What is larger than the room that is left is refused, and writes nothing."""
    A, language = _ARENA.A, automata.compile(regex.parse("^[a-z]{1,9}-?$"))
    n_used = int(A[layout.HEAP + 2])
    A[layout.HEAP + 2] = A[layout.HEAP + 1] - n_left
    before = A.copy()
    try:
        with pytest.raises(ArenaFull):
            _ARENA.dfa(language, [7] * language.n_states)
        assert np.array_equal(A, before)
    finally:
        A[layout.HEAP + 2] = n_used


_ARENA = Arena(Vocabulary.from_tokens([bytes([b]) for b in range(256)] + [b"<eos>"], eos=[256]), 1 << 26)
