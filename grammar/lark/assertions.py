"""Lookahead, lookbehind, word boundaries and anchors as tables (see :mod:`.tables`).

The automaton D of an assertion's marked texts says all: the state in which D is before the mark is a function of the
text read so far; the step on the mark leads to the state that must (must not) accept the rest of the text. States from
which every text is accepted, or none, are verdicts. The left states of a grammar are those of the product of all D
before the mark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .. import charset, dfa
from ..charset import CharSet
from ..errors import LimitExceeded
from ..regular import Regular
from .nodes import Assertion
from .tables import FAILED, HOLDS, I32, U8

MARK_POINT = 0xDFFF


@dataclass(frozen=True, eq=False)
class Marked:
    """The automaton of an assertion.

    Attributes
    ----------
    dfa : CharDfa
    sets : tuple of CharSet
        What must be told apart: the characters of each class, without the mark.
    mark : int
        Class of the mark.
    total : (n_states,) bool
        Whether every text is accepted from a state.
    """

    dfa: dfa.CharDfa
    sets: tuple[CharSet, ...]
    mark: int
    total: NDArray[np.bool_]


@lru_cache(maxsize=512)
def _marked(language: Regular, max_states: int) -> Marked:
    made = dfa.compile(language, max_states=max_states)
    sets = tuple(charset.intersection(points, charset.ANY) for points in made.class_sets)
    mark = int(made.cls[np.searchsorted(made.starts, MARK_POINT, "right") - 1])
    return Marked(made, sets, mark, dfa.absorbing(made) & made.accept.astype(bool))


class Assertions:
    """The assertions of a grammar.

    Parameters
    ----------
    found : sequence of Assertion
    max_states : int
        LimitExceeded is raised where an automaton, or their product, has more states.
    """

    def __init__(self, found: Sequence[Assertion], max_states: int) -> None:
        self._parts = [_marked(assertion.marked, max_states) for assertion in found]
        self._negative = [assertion.negative for assertion in found]
        self._max_states = max_states

    @property
    def sets(self) -> list[CharSet]:
        """Sets of characters that the classes of the grammar must tell apart."""
        return [points for part in self._parts for points in part.sets]

    def tables(self, points: I32) -> tuple[I32, I32, I32, U8]:
        """``left_next, look_enter, look_next, look_end``.

        Parameters
        ----------
        points : (n_classes,) int32
            A character of each class.
        """
        if not self._parts:
            left_next, look_next = np.zeros((1, len(points)), np.int32), np.zeros((2, len(points)), np.int32)
            look_next[HOLDS] = HOLDS
            return left_next, np.zeros((1, 0), np.int32), look_next, np.array([0, 1], np.uint8)
        columns = [part.dfa.cls[np.searchsorted(part.dfa.starts, points, "right") - 1] for part in self._parts]
        offsets = np.cumsum([2, *(part.dfa.n_states for part in self._parts)])
        left_next, left = self._left(columns, (points < 0xD800) | (points > 0xDFFF))
        look_next = np.zeros((offsets[-1], len(points)), np.int32)
        look_end = np.zeros(offsets[-1], np.uint8)
        look_next[HOLDS], look_end[HOLDS] = HOLDS, 1
        look_enter = np.zeros((len(left), len(self._parts)), np.int32)
        for j, (part, negative) in enumerate(zip(self._parts, self._negative, strict=True)):
            look = np.arange(part.dfa.n_states + 1) + offsets[j]
            look[:-1][part.total] = FAILED if negative else HOLDS
            look[-1] = HOLDS if negative else FAILED  # state -1: nothing is accepted any more
            look_next[offsets[j] : offsets[j + 1]] = look[part.dfa.trans[:, columns[j]]]
            look_end[offsets[j] : offsets[j + 1]] = part.dfa.accept != negative
            after = np.append(part.dfa.trans[:, part.mark], -1)
            look_enter[:, j] = look[after[left[:, j]]]
        return left_next, *_needed(look_enter, look_next, look_end)

    def _left(self, columns: list[I32], real: NDArray[np.bool_]) -> tuple[I32, I32]:
        """The product of the automata before the mark: ``next`` (n_left, n_classes), its parts (n_left, n_assertions).

        Classes that are not `real`, those of surrogates, lead back to the beginning: no text holds them.
        """
        n_classes = len(real)
        steps = [
            np.vstack([part.dfa.trans[:, column], np.full((1, n_classes), -1, np.int32)])
            for part, column in zip(self._parts, columns, strict=True)
        ]
        for part, step in zip(self._parts, steps, strict=True):
            step[:, ~real] = min(part.dfa.n_states, 1) - 1
        start = tuple(min(part.dfa.n_states, 1) - 1 for part in self._parts)
        number, order, rows = {start: 0}, [start], []
        for state in order:
            row = []
            for key in zip(*(step[s].tolist() for step, s in zip(steps, state, strict=True)), strict=True):
                if key not in number:
                    number[key] = len(order)
                    order.append(key)
                row.append(number[key])
            rows.append(row)
            if len(order) > self._max_states:
                raise LimitExceeded("regex_states", len(order), self._max_states)
        return np.array(rows, np.int32), np.array(order, np.int32).reshape(len(order), len(self._parts))


def _needed(look_enter: I32, look_next: I32, look_end: U8) -> tuple[I32, I32, U8]:
    """The tables with those look states only that can be reached."""
    keep = np.zeros(len(look_end), np.bool_)
    keep[:2] = True
    fresh = np.unique(look_enter)
    while len(fresh := fresh[~keep[fresh]]):
        keep[fresh] = True
        fresh = np.unique(look_next[fresh])
    number = np.cumsum(keep).astype(np.int32) - 1
    return number[look_enter], number[look_next[keep]], look_end[keep]
