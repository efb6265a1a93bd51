"""Facts about one object or array: the atoms of its residual, and how reading a member changes them.

A residual is a formula over facts: what must still hold of the members to come. Reading a member *differentiates* it: a
fact about that member becomes a demand on its value (a :class:`Child`), counts go down, facts about other members stay.
The result is decided into *exits*: pairs of what the value must be and the residual of the rest.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from functools import reduce
from operator import attrgetter, or_
from typing import Any, NamedTuple

from .formula import AND, ATOM, FALSE, NOT, SUBJECTS, TRUE, Formula, Formulas, atoms, conjuncts, polarity


class Slot(NamedTuple):
    """Member ``place`` (a listed name, or an item before the rest) is absent, where that is allowed, or has a value.

    Boolean operations on one member stay one slot, so a formula says one thing about each.
    """

    place: int
    absent: bool
    value: Formula


class Each(NamedTuple):
    """Every member of a kind (of free names, or the rest of the items) has such a value."""

    kind: int
    value: Formula


class AtLeast(NamedTuple):
    """There are so many members to come."""

    least: int


class Contains(NamedTuple):
    """So many items to come have such a value."""

    value: Formula
    least: int


class Unique(NamedTuple):
    """All items to come differ from each other and from those that are ``seen`` (constants, in a fixed order).

    ``pending``: an item was read since; its value is put among those seen when the next one begins.
    """

    seen: tuple[Formula, ...]
    pending: bool


class Child(NamedTuple):
    """The value now to be read is such."""

    value: Formula


# What facts are about, as bits: listed members share the lower ones, kinds of others the next.
_PLACES, _KINDS = SUBJECTS - 23, 20
EACH = (1 << _KINDS) - 1 << _PLACES
COUNT, UNIQUE, CHILD = (1 << _PLACES + _KINDS + k for k in range(3))
_SUBJECTS = {AtLeast: COUNT, Contains: COUNT, Unique: UNIQUE, Child: CHILD}


def slots(places: Iterable[int]) -> int:
    """What facts about some listed members are about."""
    return reduce(or_, (1 << place % _PLACES for place in places), 0)


def each(kind: int) -> int:
    """What facts about a kind of other members are about."""
    return 1 << _PLACES + kind % _KINDS


class Facts(Formulas):
    """The table of residuals of one document.

    Parameters
    ----------
    values : Formulas
        The table of formulas over nodes.
    one_of : callable
        From constants to the formula that is met by these values alone.
    """

    def __init__(self, values: Formulas, one_of: Callable[[tuple[Formula, ...]], Formula]) -> None:
        super().__init__()
        self.values, self.one_of = values, one_of
        self.grown: dict[Formula, tuple[Formula, Formula]] = {}  # by Unique: the one before, and what was seen since
        self._closed = {TRUE: True, FALSE: False}
        self._slots: dict[tuple[int, bool, Formula], Formula] = {}

    def subject(self, atom: Any) -> int:
        """See :meth:`Formulas.subject`."""
        if type(atom) is Slot:
            return 1 << atom.place % _PLACES
        if type(atom) is Each:
            return each(atom.kind)
        return _SUBJECTS.get(type(atom), UNIQUE)  # what is left out of a node is no fact, and seldom met

    def slot(self, place: int, absent: bool, value: Formula) -> Formula:
        """A :class:`Slot`, unless it is decided."""
        if value is (TRUE if absent else FALSE):
            return value
        key = place, absent, value
        found = self._slots.get(key)
        if found is None:
            found = self._slots[key] = self.atom(Slot(place, absent, value))
        return found

    def each(self, kind: int, value: Formula) -> Formula:
        """An :class:`Each`."""
        return TRUE if value is TRUE else self.atom(Each(kind, value))

    def at_least(self, count: int) -> Formula:
        """An :class:`AtLeast`."""
        return TRUE if count <= 0 else self.atom(AtLeast(count))

    def contains(self, value: Formula, count: int) -> Formula:
        """A :class:`Contains`."""
        if count <= 0 or value is TRUE:
            return self.at_least(count)
        return FALSE if value is FALSE else self.atom(Contains(value, count))

    def child(self, value: Formula) -> Formula:
        """A :class:`Child`."""
        return value if value is TRUE or value is FALSE else self.atom(Child(value))

    def no_atom(self, f: Formula) -> Formula:
        """Negation of an atom: that of a fact about one member is one again."""
        atom = f.atom
        if isinstance(atom, Slot):
            return self.slot(atom.place, not atom.absent, self.values.no(atom.value))
        if isinstance(atom, Child):
            return self.child(self.values.no(atom.value))
        return super().no_atom(f)

    def merge(self, op: int, flat: dict[int, Formula]) -> list[Formula] | None:
        """Facts of one subject as one fact."""
        groups: dict[tuple[object, ...], list[Formula]] = {}
        rest: list[Formula] = []
        for f in flat.values():
            subject = _subject(f, op)
            if subject is None:
                rest.append(f)
            else:
                groups.setdefault(subject, []).append(f)
        if len(groups) + len(rest) == len(flat):
            return self._counted(op, flat) if len(flat) > 1 else None
        return rest + [group[0] if len(group) == 1 else self._together(op, group) for group in groups.values()]

    def _together(self, op: int, group: list[Formula]) -> Formula:
        negated = group[0].op == NOT
        found = [f.parts[0].atom if negated else f.atom for f in group]
        first = found[0]
        join = self.values.all if (op == AND) != negated else self.values.any
        if isinstance(first, Slot):
            absent = (all if op == AND else any)(a.absent for a in found)
            return self.slot(first.place, absent, join(a.value for a in found))
        if isinstance(first, Child):
            return self.child(join(a.value for a in found))
        if isinstance(first, Each):
            fact = self.each(first.kind, join(a.value for a in found))
        else:
            count = (max if (op == AND) != negated else min)(a.least for a in found)
            fact = self.atom(first._replace(least=count))
        return self.no(fact) if negated else fact

    def _counted(self, op: int, flat: dict[int, Formula]) -> list[Formula] | None:
        """Settle a lower and an upper count of one subject where they exclude or imply each other."""
        low = {_measure(f.atom): f.atom.least for f in flat.values() if f.op == ATOM and _measure(f.atom)}
        for f in flat.values():
            if f.op == NOT and (measure := _measure(f.parts[0].atom)) and measure in low:
                least, limit = low[measure], f.parts[0].atom.least
                if op == AND and limit <= least:
                    return [FALSE]
                if op != AND and limit >= least:
                    return [TRUE]
        return None

    # -------------------------------------------------------------------------------------------------- derivatives
    def without(self, f: Formula, places: Iterable[int]) -> Formula:
        """The residual when some listed members do not occur."""
        gone = frozenset(places)

        def leaf(f: Formula) -> Formula:
            atom = f.atom
            if isinstance(atom, Slot) and atom.place in gone:
                return TRUE if atom.absent else FALSE
            return f

        return self.replace(f, leaf, slots(gone))

    def closed(self, f: Formula) -> bool:
        """Whether nothing more is needed: the container may end."""

        found = self._closed.get(f)
        if found is None:
            if f.op == ATOM:
                atom = f.atom
                found = isinstance(atom, (Each, Unique)) or (isinstance(atom, Slot) and atom.absent)
            elif f.op == NOT:
                found = not self.closed(f.parts[0])
            else:
                found = (all if f.op == AND else any)(map(self.closed, f.parts))
            self._closed[f] = found
        return found

    def derive(self, f: Formula, place: int | None, kind: int | None) -> Formula:
        """The residual after one member: a listed one, or one of a kind; with demands on its value."""

        def leaf(f: Formula) -> Formula:
            atom = f.atom
            if isinstance(atom, Slot):
                return self.child(atom.value) if atom.place == place else f
            if isinstance(atom, Each):
                return self.all((self.child(atom.value), f)) if atom.kind == kind else f
            if isinstance(atom, AtLeast):
                return self.at_least(atom.least - 1)
            if isinstance(atom, Unique):
                other = self.child(self.values.no(self.one_of(atom.seen)))
                return self.all((other, self.atom(Unique(atom.seen, True))))
            fewer = self.all((self.child(atom.value), self.contains(atom.value, atom.least - 1)))
            return self.any((fewer, self.all((self.child(self.values.no(atom.value)), f))))

        member = 0 if place is None else slots([place])
        return self.replace(f, leaf, member | (0 if kind is None else each(kind)) | COUNT | UNIQUE)

    def loose(self, f: Formula) -> Formula:
        """The residual if items may be equal."""
        return self.replace(f, lambda a: TRUE if isinstance(a.atom, Unique) else a, UNIQUE)

    def noted(self, f: Formula, value: Formula) -> Formula:
        """The residual once the value of the item read last is known."""

        def leaf(f: Formula) -> Formula:
            atom = f.atom
            if isinstance(atom, Unique) and atom.pending:
                seen = atom.seen
                k = bisect_left(seen, value.serial, key=attrgetter("serial"))
                if seen[k : k + 1] != (value,):
                    seen = (*seen[:k], value, *seen[k:])
                found = self.atom(Unique(seen, False))
                self.grown[found] = f, value
                return found
            return f

        return self.replace(f, leaf, UNIQUE)


def _subject(f: Formula, op: int) -> tuple[object, ...] | None:
    """What an atom speaks of, where several of them under ``op`` are one."""
    negated = f.op == NOT
    if f.op != ATOM and not negated:
        return None
    atom = f.parts[0].atom if negated else f.atom
    if isinstance(atom, Slot):
        return (Slot, atom.place)
    if isinstance(atom, Child):
        return (Child,)
    if isinstance(atom, Each):
        return (Each, atom.kind, negated) if (op == AND) != negated else None
    return (*_measure(atom), negated) if _measure(atom) else None


def _measure(atom: object) -> tuple[object, ...]:
    """What a count is about; empty for other facts."""
    if isinstance(atom, AtLeast):
        return (AtLeast,)
    return (Contains, atom.value.serial) if isinstance(atom, Contains) else ()


def places(f: Formula) -> dict[int, int]:
    """The listed members that a residual speaks of, with the number of times."""
    found: dict[int, int] = {}
    for a in f.atoms:
        if isinstance(a.atom, Slot):
            found[a.atom.place] = found.get(a.atom.place, 0) + 1
    return found


def unique(f: Formula) -> int:
    """Whether a residual asks for different items (1), for equal ones (2), for neither (0) or both somewhere (3)."""
    if f.op == ATOM:
        return int(isinstance(f.atom, Unique))
    found = 0
    for a in atoms(f, UNIQUE):
        if isinstance(a.atom, Unique):
            found |= polarity(f, a)
    return found


def seen(f: Formula) -> tuple[Formula, ...]:
    """The items that others must differ from, as constants."""
    return max((a.atom.seen for a in atoms(f, UNIQUE) if isinstance(a.atom, Unique)), key=len, default=())


def counts(f: Formula) -> bool:
    """Whether a residual counts members."""
    return any(isinstance(a.atom, AtLeast) for a in atoms(f, COUNT))


def only_counts(f: Formula) -> bool:
    """Whether a residual asks for numbers of members and nothing else."""
    parts = [p.parts[0] if p.op == NOT else p for p in conjuncts(f)]
    return all(p.op == ATOM and isinstance(p.atom, AtLeast) for p in parts)


def bounds(f: Formula) -> tuple[int, int | None, bool]:
    """The counts that a residual asks for, and whether it asks for anything else."""
    low, high = 0, None
    if not only_counts(f):
        return 0, None, True
    for part in conjuncts(f):
        if part.op == NOT:
            high = part.parts[0].atom.least - 1
        else:
            low = part.atom.least
    return low, high, False
