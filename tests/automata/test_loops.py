"""The loop sets of automata inside strings, against their definition."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from detent.automata.arena import Arena
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
    vocabulary = Vocabulary.from_tokens([bytes([b]) for b in range(256)] + [b"<eos>"], eos=[256])
    arena, dfa = Arena(vocabulary, 1 << 26), automata.compile(regex.parse(pattern))
    at = arena.dfa(dfa)
    loops = int(arena.A[at + languages.DFA_LOOPS])
    assert arena.A[loops : loops + dfa.n_states].tolist() == loops_by_character(arena, dfa)
