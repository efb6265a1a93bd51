"""Exits: what the value of a member may be, each with what is left for the others.

Reading a member turns facts about it into demands on its value (:class:`~.facts.Child`); the formula that results is
decided into pairs (demand, residual of the rest). Demands occur in it as they are, never negated, and the engine goes
on with every exit at once, so a disjunction is taken apart without excluding its parts from each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from .facts import Child, Facts, Slot
from .formula import AND, ATOM, FALSE, TRUE, Formula, atoms, conjuncts, disjuncts
from .scalars import admits
from .values import canonical

if TYPE_CHECKING:
    from .goals import Goals

Exits = list[tuple[Formula, Formula]]  # what the value must be, and the residual of the rest
FEW_DEMANDS = 3  # up to so many, the value of no other member is guessed to tell them apart


def decide(goals: Goals, derived: Formula, value: Formula) -> Iterator[tuple[Formula, Formula]]:
    """The exits of a derivative, for a value that must meet ``value``.

    Raises
    ------
    LimitExceeded
        ``max_branches``: the demands can be met in too many ways.
    """
    formulas, facts = goals.formulas, goals.facts
    pending = [(derived, value)]
    ways = 0
    while pending:
        ways += 1
        goals.check_ways(ways)
        f, value = pending.pop()
        own = [p.atom.value for p in conjuncts(f) if _is_demand(p)]
        if own:
            value = formulas.all((value, *own))
            f = facts.all(p for p in conjuncts(f) if not _is_demand(p))
        if f is FALSE or not goals.satisfiable(goals.goal_of(value)):
            continue
        demands = [a for a in atoms(f) if _is_demand(a)]
        if not demands:
            yield value, f
            continue
        listed = [a for a in demands if is_listed(a.atom.value)]
        if listed:
            pending += _by_value(goals, f, listed, value)
        elif len(demands) > FEW_DEMANDS and (place := _tag(f)) is not None:
            pending += ((g, value) for g in _by_tag(goals, f, place))
        else:
            pending += ((g, value) for g in _alternatives(facts, f))


def united(goals: Goals, exits: Iterable[tuple[Formula, Formula]]) -> Exits:
    """Exits with one demand for each residual."""
    found: dict[Formula, list[Formula]] = {}
    for value, f in exits:
        found.setdefault(f, []).append(value)
    return [(goals.formulas.any(values), f) for f, values in found.items()]


def open_demands(derived: Formula) -> int:
    """The number of demands of a derivative that are no matter of lists of scalars."""
    return sum(_is_demand(a) and not is_listed(a.atom.value) for a in atoms(derived))


def is_listed(value: Formula) -> bool:
    """Whether a demand is a matter of lists of scalars."""
    return value.op >= 0 and all(n.atom.is_listing for n in atoms(value))


def _is_demand(f: Formula) -> bool:
    return f.op == ATOM and isinstance(f.atom, Child)


def _alternatives(facts: Facts, f: Formula) -> Iterator[Formula]:
    """The parts of a disjunction; of a conjunction, those of its shortest disjunction with demands."""
    if f.op == AND:
        choices = [p for p in f.parts if any(map(_is_demand, atoms(p)))]
        choice = min(choices, key=lambda p: len(p.parts))
        others = [p for p in f.parts if p is not choice]
        return (facts.all((option, *others)) for option in _grouped(facts, choice))
    return _grouped(facts, f)


def _grouped(facts: Facts, choice: Formula) -> Iterator[Formula]:
    """The parts of a disjunction, those without demands together."""
    free = []
    for option in disjuncts(choice):
        if any(map(_is_demand, atoms(option))):
            yield option
        else:
            free.append(option)
    if free:
        yield facts.any(free)


# ------------------------------------------------------------------------------------------ decided value by value
def _by_value(goals: Goals, f: Formula, choices: list[Formula], value: Formula) -> Exits:
    """Decide demands that are lists of scalars: all at once, value by value."""
    found = []
    for answers, demand in _classes(goals, [a.atom.value for a in choices]).items():
        assume = {a: TRUE if yes else FALSE for a, yes in zip(choices, answers, strict=True)}
        then = goals.facts.replace(f, lambda a, assume=assume: assume.get(a, a))  # type: ignore[misc]
        found.append((then, goals.formulas.all((value, demand))))
    return found


def _tag(f: Formula) -> int | None:
    """The listed member of whose values a formula has most lists: often it says which alternative is meant."""
    found: dict[int, list[bool]] = {}
    for a in atoms(f):
        if isinstance(a.atom, Slot):
            found.setdefault(a.atom.place, []).append(a.atom.value.op < 0 or is_listed(a.atom.value))
    tags = [place for place, listed in found.items() if all(listed) and len(listed) > 1]
    return max(tags, key=lambda place: (len(found[place]), -place), default=None)


def _by_tag(goals: Goals, f: Formula, place: int) -> Iterator[Formula]:
    """A formula as alternatives, one for each kind of values of another member."""
    facts = goals.facts
    slots = [a for a in atoms(f) if isinstance(a.atom, Slot) and a.atom.place == place]
    kinds = _classes(goals, [a.atom.value for a in slots])
    lacking = tuple(a.atom.absent for a in slots)
    kinds.setdefault(lacking, FALSE)
    for answers, value in kinds.items():
        assume = {a: TRUE if yes else FALSE for a, yes in zip(slots, answers, strict=True)}
        then = facts.replace(f, lambda a, assume=assume: assume.get(a, a))  # type: ignore[misc]
        yield facts.all((facts.slot(place, answers == lacking, value), then))


def _classes(goals: Goals, demands: list[Formula]) -> dict[tuple[bool, ...], Formula]:
    """Values as they meet some demands that are lists of scalars: which they meet, and a formula for such values."""
    formulas, reader = goals.formulas, goals.reader
    place = reader.document.root
    values = {canonical(v): v for demand in demands for n in atoms(demand) for v in n.atom.enum}
    groups: dict[tuple[bool, ...], list[Any]] = {}
    for v in values.values():
        groups.setdefault(tuple(admits(demand, v) for demand in demands), []).append(v)
    other = tuple(formulas.replace(demand, lambda _: FALSE) is TRUE for demand in demands)
    groups.pop(other, None)
    rest = [v for members in groups.values() for v in members]
    found = {answers: formulas.atom(reader.listing(members, place)) for answers, members in groups.items()}
    found[other] = formulas.no(formulas.atom(reader.listing(rest, place))) if rest else TRUE
    return found


__all__ = ["Exits", "decide", "is_listed", "open_demands", "united"]
