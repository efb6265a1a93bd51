"""The residuals of a formula over nodes, where these are no plain conjunction.

Containers keep what connects their members as a formula (:mod:`.frames`); scalars follow from the algebra of sets.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache, partial, reduce
from operator import and_
from typing import TYPE_CHECKING

from .. import dfa as automata
from ..dfa import CharDfa
from ..errors import LimitExceeded
from ..number_list import NumberList
from ..text_set import TextSet
from . import scalars
from .array_frames import ArrayFrame
from .facts import bounds
from .formula import ATOM, FALSE, NOT, OR, TRUE, Formula, conjuncts, disjuncts
from .names import MAX_SPELLED, keyed
from .nodes import ANY_TYPE, ARRAY, NUMBER, OBJECT, STRING, Node
from .object_frames import ObjectFrame
from .scalars import can_be_written
from .typed import of_type
from .values import ANY_STRING, LITERALS, Array, Number, Object, Others, String, Value

if TYPE_CHECKING:
    from .goals import Goal, Goals

MAX_APART = 16  # alternatives of one container that are followed apart; beyond, they stay a formula


def residuals(goals: Goals, goal: Goal) -> Iterator[Value]:
    """The residuals of a goal that is no plain conjunction: by type, as formulas."""
    formula = goals.formulas.all((*map(goals.formulas.atom, goal.nodes), goal.rest))
    types = reduce(and_, (part.atom.types for part in conjuncts(formula) if part.op == ATOM), ANY_TYPE)

    def of(kind: int) -> Formula:
        return of_type(goals, formula, kind) if types & kind else FALSE

    for kind, literal, value in LITERALS:
        if types & kind and scalars.admits(of(kind), value):
            yield literal
    number = of(NUMBER)
    if number is not FALSE:
        listed = scalars.listed_numbers(number)
        if listed is None:
            yield from map(Number, scalars.numbers(number))
        elif listed:
            yield Number(NumberList.of(listed))
    yield from _texts(goals, of(STRING), goal)
    for part in _apart(goals, of(ARRAY)):
        yield from _framed_array(goals, ArrayFrame(goals, part))
    for part in _apart(goals, of(OBJECT)):
        yield from _framed_object(goals, ObjectFrame(goals, part))


def _texts(goals: Goals, formula: Formula, goal: Goal) -> list[String]:
    if formula is FALSE:
        return []
    if formula is TRUE:
        return [ANY_STRING]
    listed = scalars.listed_texts(formula)
    if listed is not None:
        return [String(words=tuple(listed))] if listed else []
    limit = goals.reader.max_dfa_states
    avoid, formula = _avoided(goals, formula)
    try:
        found = scalars.texts(formula, limit)
        parts = found.parts(limit) if avoid else ()
        fitting = [text for text in avoid if any(_fits(text, *part) for part in parts)]
        stuck = {text for text in fitting if not all(_goes_on(text, *part) for part in parts)}
        if stuck:
            found &= ~TextSet.words(stuck, max_states=limit)
        avoid = [text for text in fitting if text not in stuck]
        words = None if avoid else found.words_if_few(MAX_SPELLED)
        if words is not None:
            return [String(words=words)] if words else []
        return [String(None, *part, tuple(w for w in avoid if _fits(w, *part))) for part in found.parts(limit)]
    except LimitExceeded as error:
        raise LimitExceeded(error.limit, error.measured, limit, pointer=goals.pointer(goal)) from error


def _avoided(goals: Goals, formula: Formula) -> tuple[list[str], Formula]:
    """Texts that a formula over nodes excludes one by one, and the rest of it."""
    avoid: set[str] = set()
    others = []
    for part in conjuncts(formula):
        node = part.parts[0].atom if part.op == NOT else None
        if node is not None and node.enum is not None and not (node.texts or node.shortest or node.longest is not None):
            avoid.update(v for v in node.enum if isinstance(v, str) and can_be_written(v))
        else:
            others.append(part)
    return sorted(avoid), goals.typed.all(others)


def _apart(goals: Goals, formula: Formula) -> list[Formula]:
    """Alternatives of a container that are followed apart: those that each say something of its structure."""
    done = [formula] if formula is not FALSE else []
    while True:
        for k, f in enumerate(done):
            choice = next((p for p in conjuncts(f) if p.op == OR and _is_structural(p)), None)
            if choice is not None and len(done) + len(choice.parts) - 1 <= MAX_APART:
                others = [p for p in conjuncts(f) if p is not choice]
                split = [goals.typed.all((*others, option)) for option in disjuncts(choice)]
                done[k : k + 1] = [f for f in split if f is not FALSE]
                break
        else:
            return list(dict.fromkeys(done))


def _framed_array(goals: Goals, frame: ArrayFrame) -> list[Array]:
    if frame.residual is FALSE:
        return []
    low, high, connected = bounds(frame.residual)
    prefix = tuple(goals.goal_of(frame.value(k)) for k in range(frame.width))
    rest = goals.goal_of(frame.value(frame.width))
    if connected:
        return [Array(prefix, rest, 0, None, frame, frame.residual)]
    return [Array(prefix, rest, low, high)]


def _framed_object(goals: Goals, frame: ObjectFrame) -> list[Object]:
    if frame.residual is FALSE:
        return []
    low, high, connected = bounds(frame.residual)
    listed = [(name, goals.goal_of(frame.value(k, None))) for k, name in enumerate(frame.names)]
    required = frozenset(frame.names[k] for k, (absent, _) in frame.base.items() if not absent)
    return [
        Object(
            tuple(listed[: frame.n_listed]),
            required,
            extra=tuple(listed[frame.n_listed :]),
            others=partial(_others, goals, frame),
            fewest=0 if connected else low,
            most=None if connected else high,
            frame=frame if connected else None,
            residual=frame.residual if connected else TRUE,
        )
    ]


def _others(goals: Goals, frame: ObjectFrame) -> Others:
    """What the base asks of names that are not listed."""
    return keyed(goals, frame.keys, frame.kinds, list(map(goals.goal_of, frame.others())))[0]


def _goes_on(text: str, dfa: CharDfa | None, shortest: int, longest: int | None) -> bool:
    """Whether a text can be left out at its closing quote, since endlessly many others go on from there."""
    if dfa is None:
        return longest != 0
    return not _fits(text, dfa, shortest, longest) or (longest is None and _read(dfa, text)[1])


def _fits(text: str, dfa: CharDfa | None, shortest: int, longest: int | None) -> bool:
    long_enough = shortest <= len(text) and (longest is None or len(text) <= longest)
    return long_enough and (dfa is None or _read(dfa, text)[0])


@lru_cache(maxsize=1 << 13)
def _read(dfa: CharDfa, text: str) -> tuple[bool, bool]:
    """Whether an automaton accepts a text, and also endlessly many that begin with it.

    Where items must differ, it is asked about all that came before, for each item.
    """
    is_text = automata.matches(dfa, text)
    return is_text, is_text and bool(automata.lengths(dfa)[1][dfa.state_after(text)] < 0)


def _is_structural(choice: Formula) -> bool:
    """Whether at least two alternatives each ask for something that a node says itself, and none excludes another."""
    if any(p.op == NOT for part in choice.parts for p in conjuncts(part)):
        return False
    return sum(any(p.op == ATOM and isinstance(p.atom, Node) for p in conjuncts(part)) for part in choice.parts) > 1
