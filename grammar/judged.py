"""Automata over names with A-labels: whether a label is one is no matter of states, but is asked when it ends."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from . import dfa, idna
from .dfa import I32, CharDfa
from .regex import parse
from .regular import Regular, literal

# Stand for the verdicts on the label before them while an automaton is made.
_MARKS = "\U0010fffa\U0010fffb\U0010fffc\U0010fffd"
_SEPARATORS = re.compile("[.\u3002\uff0e\uff61]")
MAX_ASCII_NAME = 253


@dataclass(frozen=True, eq=False)
class JudgedDfa(CharDfa):
    """An automaton in which some states go on elsewhere once a verdict on the last label of the text is known.

    A state and what a verdict makes of it never read the same character. Without verdicts, every state can reach
    acceptance: no text is lost by a label that turns out not to be valid.

    Attributes
    ----------
    verdicts : (n_states, 4) int32
        The state after the verdicts of :mod:`.idna`, -1 where they do not help.
    """

    verdicts: I32

    @cached_property
    def key(self) -> bytes:
        """The whole automaton as bytes; no plain automaton has the same."""
        return b"judged" + CharDfa(self.starts, self.cls, self.trans, self.accept).key + self.verdicts.tobytes()

    def state_after(self, text: str) -> int:
        """The state that a text leads to, or -1; all labels before the last are judged."""
        state = 0
        for i, c in enumerate(self.classes(text)):
            to = int(self.trans[state, c])
            if to < 0:
                state = self.after_verdict(state, verdict(text[:i]))
                to = int(self.trans[state, c]) if state >= 0 else -1
            if to < 0:
                return -1
            state = to
        return state

    def accepts(self, text: str) -> bool:
        """Whether a text is accepted, its labels judged."""
        state = self.state_after(text)
        if state >= 0 and not self.accept[state]:
            state = self.after_verdict(state, verdict(text))
        return state >= 0 and bool(self.accept[state])

    def after_verdict(self, state: int, found: int | None) -> int:
        """The state that a verdict makes of a state, or -1."""
        return -1 if found is None else int(self.verdicts[state, found])


def verdict(name: str) -> int | None:
    """What is known of the last label of a text once it is looked at."""
    label = _SEPARATORS.split(name)[-1]
    if label[:4].lower() == "xn--":
        return idna.judge(label)
    return idna.ROOM if idna.has_room(label) else None


def after_verdict(found: int) -> Regular:
    """What stands for a verdict in what :func:`judged` is given."""
    return literal(_MARKS[found])


def with_verdicts(plain: CharDfa, verdicts: I32) -> JudgedDfa:
    """An automaton with a table of verdicts."""
    return JudgedDfa(plain.starts, plain.cls, plain.trans, plain.accept, verdicts)


def without_verdicts(marked: CharDfa) -> CharDfa:
    """The texts that need no verdict."""
    return dfa.intersection(marked, dfa.compile(parse(f"[^{_MARKS}]*", anchored=True)), max_states=marked.n_states)


def judged(marked: CharDfa) -> JudgedDfa:
    """An automaton without the transitions by marks, which become verdicts."""
    where = np.searchsorted(marked.starts, [ord(mark) for mark in _MARKS], "right") - 1
    classes = marked.cls[where]
    trans = marked.trans.copy()
    trans[:, classes] = -1
    return JudgedDfa(marked.starts, marked.cls, trans, marked.accept, marked.trans[:, classes].copy())


def ascii_names(dot: str) -> JudgedDfa:
    """Names of labels in ASCII, A-labels with at most 56 characters among them.

    In a name with a label that is written from the right, all labels keep the rules of RFC 5893.

    Parameters
    ----------
    dot : str
        A pattern for what stands between labels.
    """
    start, char, alphanumeric = "[Xx][Nn]--", r"[A-Za-z0-9\-]", "[A-Za-z0-9]"
    neutral, left, right = (_MARKS[found] for found in (idna.NEUTRAL, idna.LEFT, idna.RIGHT))
    a_label = rf"{start}{char}{{0,{idna.FREE - 1}}}{alphanumeric}"
    rescued = rf"{start}{char}{{{idna.FREE}}}{idna.RESCUE}"

    def names(first: str, marks: str) -> str:
        label = rf"(?!..--){first}(?:{char}{{0,61}}{alphanumeric})?|{a_label}[{marks}]|{rescued}"
        return rf"(?:{label})(?:{dot}(?:{label}))*"

    return judged(
        dfa.compile(parse(f"{names(alphanumeric, neutral + left)}|{names('[A-Za-z]', left + right)}", anchored=True))
    )


__all__ = [
    "MAX_ASCII_NAME",
    "JudgedDfa",
    "after_verdict",
    "ascii_names",
    "judged",
    "verdict",
    "with_verdicts",
    "without_verdicts",
]
