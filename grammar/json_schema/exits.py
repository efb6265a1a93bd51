"""Exits: what the value of a member may be, each with what is left for the others.

Reading a member turns facts about it into demands on its value (:class:`~.facts.Child`); the formula that results is
decided into pairs (demand, residual of the rest). Demands occur in it as they are, never negated, and the engine goes
on with every exit at once, so a disjunction is taken apart without excluding its parts from each other.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import reduce
from itertools import repeat
from math import prod
from operator import or_
from typing import TYPE_CHECKING, Any

from .facts import CHILD, Child, Facts, Slot, slots
from .formula import AND, ATOM, FALSE, NOT, OR, TRUE, Formula, atoms, conjuncts, disjuncts
from .scalars import admits
from .values import canonical

if TYPE_CHECKING:
    from .goals import Goals

Exits = list[tuple[Formula, Formula]]  # what the value must be, and the residual of the rest
FEW_DEMANDS = 3  # up to so many, the value of no other member is guessed to tell them apart
GROUP = 8  # parts of a long formula that are worked out together
MUCH_MORE = 16  # times as many alternatives as sets of demands: most come out equal


def decide(goals: Goals, derived: Formula, value: Formula) -> Iterator[tuple[Formula, Formula]]:
    """The exits of a derivative, for a value that must meet ``value``.

    Raises
    ------
    LimitExceeded
        ``max_branches``: the demands can be met in too many ways; ``max_steps``.
    """
    formulas, facts = goals.formulas, goals.facts
    pending = [iter([(derived, value)])]  # alternatives are worked out as they are tried
    ways = 0
    while pending:
        step = next(pending[-1], None)
        if step is None:
            pending.pop()
            continue
        ways += 1
        goals.check_work()
        goals.check_ways(ways)
        f, value = step
        own = [p.atom.value for p in conjuncts(f) if _is_demand(p)]
        if own:
            value = formulas.all((value, *own))
            f = facts.all(p for p in conjuncts(f) if not _is_demand(p))
        if f is FALSE or not goals.satisfiable(goals.goal_of(value)):
            continue
        demands = [a for a in atoms(f, CHILD) if _is_demand(a)]
        if not demands:
            yield value, f
            continue
        listed = [a for a in demands if is_listed(goals, a.atom.value)]
        if listed:
            pending.append(_by_value(goals, f, listed, value))
        elif len(demands) > FEW_DEMANDS and (place := _tag(goals, f)) is not None:
            pending.append(zip(_by_tag(goals, f, place), repeat(value)))
        else:
            pending.append(zip(_alternatives(facts, f, demands), repeat(value)))


def united(goals: Goals, exits: Iterable[tuple[Formula, Formula]]) -> Exits:
    """Exits with one demand for each residual."""
    found: dict[Formula, list[Formula]] = {}
    for value, f in exits:
        found.setdefault(f, []).append(value)
    return [(goals.formulas.any(values), f) for f, values in found.items()]


def _is_demand(f: Formula) -> bool:
    return f.op == ATOM and isinstance(f.atom, Child)


def _alternatives(facts: Facts, f: Formula, demands: list[Formula]) -> Iterator[Formula]:
    """The parts of a disjunction; of a conjunction, those of its shortest disjunction with demands.

    Where few demands occur over and over, alternatives are the demands that are met.
    """
    choices = [p for p in conjuncts(f) if p.about & CHILD]
    choice = min(choices, key=lambda p: len(p.parts))
    if prod(len(p.parts) for p in choices) > MUCH_MORE << len(demands):
        demand = demands[0]
        yield facts.replace(f, lambda a: FALSE if a is demand else a, CHILD)
        yield facts.all((demand, facts.replace(f, lambda a: TRUE if a is demand else a, CHILD)))
    else:
        others = [p for p in conjuncts(f) if p is not choice]
        for option in _grouped(facts, choice):
            yield facts.all((option, *others))


def _grouped(facts: Facts, choice: Formula) -> Iterator[Formula]:
    """The parts of a disjunction, those without demands together."""
    free = []
    for option in disjuncts(choice):
        if option.about & CHILD:
            yield option
        else:
            free.append(option)
    if free:
        yield facts.any(free)


# ------------------------------------------------------------------------------------------ decided value by value
def _by_value(goals: Goals, f: Formula, choices: list[Formula], value: Formula) -> Iterator[tuple[Formula, Formula]]:
    """Decide demands that are lists: all at once, value by value."""
    classes = _classes(goals, [a.atom.value for a in choices])
    assume = assuming(goals.facts, f, choices)
    for answers, demand in reversed(classes.items()):  # what no list has comes first
        yield assume(answers), goals.formulas.all((value, demand))


def _tag(goals: Goals, f: Formula) -> int | None:
    """The listed member whose lists of scalars tell most alternatives apart, as tags do; None where there is none."""
    found: dict[int, int] = {}
    for a in f.atoms:
        if isinstance(a.atom, Slot) and is_listed(goals, a.atom.value) and _is_scalar(a.atom.value):
            found[a.atom.place] = found.get(a.atom.place, 0) + 1
    return max((place for place, n in found.items() if n > 1), key=lambda place: (found[place], -place), default=None)


def _by_tag(goals: Goals, f: Formula, place: int) -> Iterator[Formula]:
    """A formula as alternatives, one for each kind of values of another member, or that it is absent."""
    facts = goals.facts
    here = (a for a in atoms(f, slots([place])) if isinstance(a.atom, Slot) and a.atom.place == place)
    tags = [a for a in here if _is_scalar(a.atom.value)]
    classes = _classes(goals, [a.atom.value for a in tags])
    lacking = answers_of(a.atom.absent for a in tags)
    classes.setdefault(lacking, FALSE)
    assume = assuming(facts, f, tags)
    for answers, value in reversed(classes.items()):  # what no list has comes first
        yield facts.all((facts.slot(place, answers == lacking, value), assume(answers)))


Answers = tuple[int, int]  # bit sets: what is true, and what is false


def answers_of(given: Iterable[bool | None]) -> Answers:
    """Answers one by one; None leaves both open."""
    known = list(given)
    return sum(1 << k for k, a in enumerate(known) if a), sum(1 << k for k, a in enumerate(known) if a is False)


def assuming(facts: Facts, f: Formula, choices: list[Formula]) -> Callable[[Answers], Formula]:
    """From answers to a formula, when some of its atoms are true or false.

    Each part is worked out once for all answers that agree on the choices in it: most speak of few of them. So many
    parts are put into groups, of which most are alike for two answers that differ in little.
    """
    inside = {a.serial: 1 << k for k, a in enumerate(choices)}  # by serial, the choices in a part
    about = reduce(or_, (a.about for a in choices), 0)
    parts_of: dict[int, list[tuple[Formula, int]]] = {}  # the parts of a formula, with the choices in each
    done: dict[tuple[int, int, int], Formula] = {}

    def choices_in(f: Formula) -> int:
        found = inside.get(f.serial)
        if found is None:
            below = parts_of[f.serial] = []
            if f.op != ATOM:
                below += [(part, choices_in(part) if part.about & about else 0) for part in _in_groups(facts, f)]
            found = inside[f.serial] = reduce(or_, (here for _, here in below), 0)
        return found

    def worked_out(f: Formula, yes: int, no: int) -> Formula:
        if not yes | no:
            return f
        if f.op == ATOM:
            return TRUE if yes else FALSE
        neutral, zero = (TRUE, FALSE) if f.op == AND else (FALSE, TRUE)
        parts = []
        for part, here in parts_of[f.serial]:
            if here:
                key = part.serial, yes & here, no & here
                found = done.get(key)
                if found is None:
                    found = done[key] = worked_out(part, key[1], key[2])
                part = found
            if f.op == NOT:
                return facts.no(part)
            if part is zero:
                return zero
            if part is not neutral:
                parts.append(part)
        return (facts.all if f.op == AND else facts.any)(parts)

    def with_answers(answers: Answers) -> Formula:
        yes, no = answers
        return worked_out(f, yes & within, no & within)

    within = choices_in(f)
    return with_answers


def _in_groups(facts: Facts, f: Formula) -> Sequence[Formula]:
    """The parts of a formula; of very many, groups of neighbours, which formulas with more parts have as well."""
    if len(f.parts) <= GROUP:
        return f.parts
    size, join = GROUP, facts.all if f.op == AND else facts.any
    while size * GROUP < len(f.parts):
        size *= GROUP
    return [join(f.parts[k : k + size]) for k in range(0, len(f.parts), size)]


def _classes(goals: Goals, demands: list[Formula]) -> dict[Answers, Formula]:
    """Values by which of some demands they meet, with a formula for each class.

    Values that none of the demands lists are one class; there is no answer where they are not of one kind.
    """
    elsewhere = [*map(_elsewhere, demands)]
    other = yes, no = answers_of(elsewhere)
    either = [k for k, answer in enumerate(elsewhere) if answer is None]
    open_ = sum(1 << k for k in either)
    differ: dict[Hashable, int] = {}  # where the answer for a listed value is not that for others
    values: dict[Hashable, Any] = {}
    for k, demand in enumerate(demands):
        for key, v in _exceptions(goals, demand).items():
            values[key] = v
            differ[key] = differ.get(key, 0) | 1 << k
    groups: dict[Answers, list[Any]] = {}
    for key, v in values.items():
        met = sum(1 << k for k in either if admits(demands[k], v))
        turned = differ[key] & (yes | no)
        groups.setdefault((yes ^ turned | met, no ^ turned | open_ ^ met), []).append(v)
    rest = list(values.values())
    found = {answers: goals.one_of(members) for answers, members in groups.items()}
    found[other] = goals.formulas.no(goals.one_of(rest)) if rest else TRUE
    return found


def _exceptions(goals: Goals, demand: Formula) -> dict[Hashable, Any]:
    """The values on the lists of a demand for which the answer is not that for all others."""
    found = goals.exceptions.get(demand)
    if found is None:
        other = _elsewhere(demand)
        listed = {canonical(v): v for n in demand.atoms if n.atom.is_enumeration for v in n.atom.enum}
        found = goals.exceptions[demand] = {key: v for key, v in listed.items() if admits(demand, v) is not other}
    return found


def is_listed(goals: Goals, value: Formula) -> bool:
    """Whether a demand is a matter of lists: what is on none of them all meets it, or nothing does."""
    found = goals.are_listed.get(value)
    if found is None:
        is_told = _is_scalar(value) or all(n.atom.is_enumeration for n in value.atoms)
        found = goals.are_listed[value] = value.op >= 0 and is_told and _elsewhere(value) is not None
    return found


def _is_scalar(value: Formula) -> bool:
    return all(
        n.atom.is_scalar and not n.atom.lexical and (n.atom.enum is None or n.atom.is_listing) for n in value.atoms
    )


def _elsewhere(value: Formula) -> bool | None:
    """Whether values meet a demand that are on none of its lists; None where that depends on the value."""
    if value.op == ATOM:
        return False if value.atom.is_enumeration else None
    if value.op < 0:
        return value is TRUE
    found = {_elsewhere(part) for part in value.parts}
    if value.op == NOT:
        (answer,) = found
        return None if answer is None else not answer
    decisive = value.op == OR
    return decisive if decisive in found else None if None in found else not decisive


__all__ = ["Exits", "decide", "is_listed", "united"]
