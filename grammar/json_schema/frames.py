"""Objects and arrays whose schemas are no plain conjunction: base, residual, and the exits of each member.

The *base* says of every member what its value must be, alone; the *residual* (:mod:`.facts`) holds what connects
members: alternatives, conditions, counts. Only members that the residual speaks of need more than their base.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import repeat
from typing import TYPE_CHECKING, Any

from .exits import Exits, decide, is_listed, united
from .facts import (
    COUNT,
    EACH,
    UNIQUE,
    AtLeast,
    Contains,
    Each,
    Facts,
    Slot,
    Unique,
    counts,
    only_counts,
    places,
    seen,
    slots,
    unique,
)
from .few import few
from .formula import ATOM, FALSE, TRUE, Formula, atoms, conjuncts
from .lazy import Lazy
from .names import languages_of, name_value, names_of, profiles_of
from .nodes import Node
from .typed import Present, Unevaluated, Unknown, evaluated_item, evaluated_name

if TYPE_CHECKING:
    from .goals import Goals

FEW_DEMANDS = 8  # with so few facts about a member, it cannot have too many exits
Leaf = Callable[[Formula], Formula]


class Frame:
    """What objects and arrays have in common.

    Attributes
    ----------
    base : dict of int to (bool, Formula)
        For each listed member whether it may be absent, and what its value must be.
    rest : dict of int to Formula
        The same for every kind of other members.
    residual : Formula
        What connects members, at the start; ``FALSE`` where there is no instance.
    """

    def __init__(self, goals: Goals) -> None:
        self.goals = goals
        self.facts: Facts = goals.facts
        self.base: dict[int, tuple[bool, Formula]] = {}
        self.rest: dict[int, Formula] = {}
        self.residual: Formula = TRUE
        self._possible: dict[Hashable, bool] = {}
        self._known_exits: dict[Hashable, Lazy[tuple[Formula, Formula]]] = {}

    def _facts(self, f: Formula) -> Formula:
        """A formula over what nodes say themselves, in terms of members."""
        done: dict[Formula, Formula] = {}

        def leaf(f: Formula) -> Formula:
            found = done.get(f)
            if found is None:
                found = done[f] = self._fact(f.atom, leaf)
            return found

        found = self.facts.replace(f, leaf)
        return self.facts.grant(found, Unknown) if self.goals.reader.has_unknown else found

    def _fact(self, atom: Any, leaf: Leaf) -> Formula:
        """What an atom of such a formula says of the members."""
        if isinstance(atom, Unknown):
            return self.facts.atom(atom)
        return self._unevaluated(atom.node, leaf) if isinstance(atom, Unevaluated) else self._own(atom)

    def _own(self, node: Node) -> Formula:
        raise NotImplementedError

    def _unevaluated(self, node: Node, leaf: Leaf) -> Formula:
        raise NotImplementedError

    def _settle(self, f: Formula) -> None:
        """Split a formula over facts into base and residual, and use the one to simplify the other."""
        while True:
            base, rest, others = {}, {}, []
            for part in conjuncts(f):
                atom = part.atom if part.op == ATOM else None
                if isinstance(atom, Slot):
                    base[atom.place] = (atom.absent, atom.value)
                elif isinstance(atom, Each):
                    rest[atom.kind] = atom.value
                else:
                    others.append(part)
            self.base, self.rest = base, rest
            self.residual = self.facts.all(others)
            simpler = self.facts.replace(self.residual, self._given_base, slots(base))
            if simpler is self.residual:
                return
            members = (self.facts.slot(k, *slot) for k, slot in base.items())
            f = self.facts.all((*members, *(self.facts.each(c, v) for c, v in rest.items()), simpler))

    def _given_base(self, f: Formula) -> Formula:
        """A fact of the residual in the light of the base."""
        atom = f.atom
        if not isinstance(atom, Slot):
            return f
        may_lack, given = self.base.get(atom.place, (True, TRUE))
        value = atom.value
        if value is not TRUE and value is not FALSE:
            if self._never(self.goals.formulas.all((given, value))):
                value = FALSE
            elif not self.goals.reader.has_narrowed and self._never(
                self.goals.formulas.all((given, self.goals.formulas.no(value)))
            ):
                value = TRUE
        if not may_lack:
            return value if value.op < 0 else self.facts.slot(atom.place, False, value)
        return self.facts.slot(atom.place, atom.absent, value)

    def _never(self, value: Formula) -> bool:
        """Whether a value surely does not exist (not: as far as a search under way can tell)."""
        return self.goals.surely_unsatisfiable(self.goals.goal_of(value))

    def live(self, exits: Iterable[tuple[Formula, Formula]], index: int = 0) -> Exits:
        """The exits after which the container can still be finished."""
        return united(self.goals, ((value, f) for value, f in exits if self._goes_on(value, f, index)))

    def _goes_on(self, value: Formula, f: Formula, index: int) -> bool:
        """Whether members exist that meet the residual ``f``, after one with a value of ``value``."""
        return self.possible(f, index)

    def next_members(self, residual: Formula, index: int) -> Iterator[tuple[Iterable[tuple[Formula, Formula]], int]]:
        """Of each member that may come next and that the residual speaks of: its exits, and the index behind it."""
        raise NotImplementedError

    def first_demands(self, few: int) -> Iterator[Formula]:
        """What the values of first members may have to meet of which the residual states more than ``few`` facts.

        Raises where a member has too many exits.
        """
        raise NotImplementedError

    def possible(self, residual: Formula, index: int = 0) -> bool:
        """Whether members exist that meet a residual (``index``: items already there)."""
        if residual.op < 0:
            return residual is TRUE
        return self._remembered((residual, index), lambda: self._search(residual, index))

    def _remembered(self, key: Hashable, search: Callable[[], bool]) -> bool:
        known = self._possible.get(key)
        if known is not None:
            return known
        found, is_final = self.goals.tentatively(search)
        if found or is_final:
            self._possible[key] = found
        return found

    def _search(self, residual: Formula, index: int) -> bool:
        raise NotImplementedError

    def _exits(
        self, key: Hashable, derived: Callable[[], tuple[Formula, Formula]]
    ) -> Iterable[tuple[Formula, Formula]]:
        """What a member may be, and the residual after it, each worked out once.

        ``derived``: the derivative, and what the value must be in any case.
        """
        known = self._known_exits.get(key)
        if known is None or known.running:
            known = self._known_exits[key] = Lazy(self._decided(key, *derived()))
        return known

    def _decided(self, key: Hashable, derived: Formula, value: Formula) -> Iterator[tuple[Formula, Formula]]:
        exits = decide(self.goals, derived, value)
        while True:
            found, is_final = self.goals.tentatively(lambda: next(exits, None))
            if not is_final:
                self._known_exits.pop(key, None)
            if found is None:
                return
            yield found


class ObjectFrame(Frame):
    """An object.

    Parameters
    ----------
    goals : Goals
    f : Formula
        Over what the nodes in place say themselves (:mod:`.typed`).

    Attributes
    ----------
    names : list of str
        Listed names: first ``n_listed`` in the order of the schema, then those that patterns spell out.
    keys : CharDfa or None
        Automaton over all other names, with the kind of each of its states (-1: the name may not end there) in
        ``kinds``; None where there is one kind only.
    counted : bool
        Whether the residual counts members beside other facts: then it keeps everything, and the base nothing.
    """

    def __init__(self, goals: Goals, f: Formula) -> None:
        super().__init__(goals)
        nodes, present = _subjects(f)
        self.names, self.n_listed, self.keys, self.kinds, profiles = names_of(goals, nodes, present)
        self.n_kinds = len(profiles)
        self._spoken_of: dict[Formula, dict[int, list[Formula]]] = {}
        self._welcome: set[tuple[int, tuple[Formula, ...]]] = set()  # members with values that meet some demands
        self._index = {name: k for k, name in enumerate(self.names)}
        self._profiles = profiles
        self._matching = profiles_of(goals, self.names, nodes)
        facts = self._facts(f)
        self._settle(facts)
        self.counted = counts(self.residual) and not only_counts(self.residual)
        if self.counted:
            members = [self.facts.slot(k, *self.base.get(k, (True, TRUE))) for k in range(len(self.names))]
            self.residual = self.facts.all((*members, self.residual))
            self.base = {}

    def _fact(self, atom: Any, leaf: Leaf) -> Formula:
        if isinstance(atom, Present):
            k = self._index.get(atom.name)
            return FALSE if k is None else self.facts.slot(k, False, TRUE)
        return super()._fact(atom, leaf)

    def _own(self, node: Node) -> Formula:
        """What a node says of the members itself."""
        facts = self.facts
        required = set(map(self._index.get, node.required))
        if None in required:
            return FALSE
        named, others = self._asked(node)
        parts = [facts.slot(k, k not in required, value) for k, value in named.items()]
        parts += [facts.each(c, value) for c, value in enumerate(others) if value is not TRUE]
        parts.append(facts.at_least(node.min_properties))
        if node.max_properties is not None:
            parts.append(facts.no(facts.at_least(node.max_properties + 1)))
        return facts.all(parts)

    def _asked(self, node: Node) -> tuple[dict[int, Formula], list[Formula]]:
        """What a node itself asks of the listed members that it says something of, and of each kind of others."""
        goals, own = self.goals, node.properties
        others: list[Formula] = []
        if node.patterns or node.property_names is not None:
            members = enumerate(zip(self.names, self._matching, strict=True))
            named = {k: name_value(goals, node, name, matching) for k, (name, matching) in members}
            languages = languages_of(goals, (node,)).keys()
            known: dict[frozenset[bytes], Formula] = {}  # kinds are many, those that a node tells apart are few
            for profile in self._profiles:
                matching = languages & profile
                if (met := frozenset(matching)) not in known:
                    known[met] = name_value(goals, node, None, matching)
                others.append(known[met])
            return named, others
        other = TRUE if node.additional is None else goals.value_of(node.additional)
        places = {name: self._index.get(name) for name in (*own, *node.required)} if other is TRUE else self._index
        named = {k: goals.value_of(own[name]) if name in own else other for name, k in places.items() if k is not None}
        return named, [other] * self.n_kinds

    def _unevaluated(self, node: Node, leaf: Leaf) -> Formula:
        """``unevaluatedProperties``: what nothing else has looked at meets a schema."""
        assert node.unevaluated_properties is not None
        facts = self.facts
        value = self.goals.value_of(node.unevaluated_properties)
        parts = []
        for k, (name, matching) in enumerate(zip(self.names, self._matching, strict=True)):
            looked_at = evaluated_name(self.goals, node, name, matching)
            parts.append(facts.any((facts.slot(k, True, value), facts.replace(looked_at, leaf))))
        for c, profile in enumerate(self._profiles):
            looked_at = evaluated_name(self.goals, node, None, profile)
            parts.append(facts.any((facts.each(c, value), facts.replace(looked_at, leaf))))
        return facts.all(parts)

    def value(self, place: int | None, kind: int | None) -> Formula:
        """What the base asks of a member's value."""
        if place is not None:
            return self.base.get(place, (True, TRUE))[1]
        assert kind is not None
        return self.rest.get(kind, TRUE)

    def exits(self, residual: Formula, place: int | None, kind: int | None) -> Iterable[tuple[Formula, Formula]]:
        """What a member's value may be, and the residual after it."""

        def derived() -> tuple[Formula, Formula]:
            found = self.facts.derive(residual, place, kind)
            if self.counted and place is not None:
                found = self.facts.all((found, self.facts.slot(place, True, FALSE)))
            return found, self.value(place, kind)

        return self._exits((residual, place, kind), derived)

    def first_demands(self, few: int) -> Iterator[Formula]:
        members: list[tuple[int | None, int | None]] = [
            (place, None) for place, facts in places(self.residual).items() if facts > few
        ]
        kinds = [a.atom.kind for a in atoms(self.residual, EACH) if isinstance(a.atom, Each)]
        members += [(None, c) for c in range(self.n_kinds) if kinds.count(c) > few]
        for place, kind in members:
            yield from (demand for demand, _ in self.exits(self.residual, place, kind))

    def next_members(self, residual: Formula, index: int) -> Iterator[tuple[Iterable[tuple[Formula, Formula]], int]]:
        members = [(place, None) for place in range(len(self.names))] + [(None, kind) for kind in range(self.n_kinds)]
        live = [m for m in members if self.touches(residual, *m) and self.is_live(residual, *m)]
        named = places(residual)
        for place, kind in sorted(live, key=lambda m: 0 if m[0] is None else -named.get(m[0], 0)):
            yield self.exits(residual, place, kind), 0

    def is_live(self, residual: Formula, place: int | None, kind: int | None) -> bool:
        """Whether a member may come now."""
        if place is not None and self._is_welcome(residual, place):
            return True
        return any(self.possible(f) for _, f in self.exits(residual, place, kind))

    def _is_welcome(self, residual: Formula, place: int) -> bool:
        """Whether a listed member may have a value with which every fact about it holds: that can do no harm."""
        if self.counted or not self.possible(residual):
            return False
        demands = tuple(self._members_of(residual).get(place, ()))
        if (place, demands) not in self._welcome:
            value = self.goals.formulas.all((self.value(place, None), *demands))
            if not self.goals.satisfiable(self.goals.goal_of(value)):
                return False
            self._welcome.add((place, demands))
        return True

    def touches(self, residual: Formula, place: int | None, kind: int | None) -> bool:
        """Whether a member changes the residual, or has demands on its value from there."""
        return self.counted or (_other(kind) if place is None else place) in self._members_of(residual)

    def _search(self, residual: Formula, index: int) -> bool:
        parts = self._independent(residual)
        return self._search_names(residual) if len(parts) < 2 else all(map(self.possible, parts))

    def _independent(self, residual: Formula) -> list[Formula]:
        """Parts of a conjunction that share no member."""
        if self.counted:
            return [residual]
        groups: list[tuple[set[int], list[Formula]]] = []
        for part in conjuncts(residual):
            subjects = set(self._members_of(part))
            members = [part]
            apart = []
            for group in groups:
                if group[0].isdisjoint(subjects):
                    apart.append(group)
                else:
                    subjects |= group[0]
                    members += group[1]
            groups = [*apart, (subjects, members)]
        return [self.facts.all(members) for _, members in groups]

    def _members_of(self, f: Formula) -> dict[int, list[Formula]]:
        """The listed members and the kinds of others that a formula speaks of, with the values it speaks of."""
        found = self._spoken_of.get(f)
        if found is None:
            found = self._spoken_of[f] = {}
            for a in atoms(f):
                fact = a.atom
                member = fact.place if isinstance(fact, Slot) else _other(fact.kind)
                found.setdefault(member, []).append(fact.value)
        return found

    def _search_names(self, residual: Formula) -> bool:
        """Decide the listed names one after another, then the kinds.

        Tags and names spoken of most come first. Where members are counted, every name matters, and they come in order.
        """
        seen: set[tuple[Formula, int]] = set()
        pending = [iter([(residual, 0)])]  # members are worked out as they are tried
        later: list[tuple[Formula, int]] = []  # with one free member more: few are tried before many
        while pending or later:
            if not pending:
                pending, later = [iter(later)], []
            step = next(pending[-1], None)
            if step is None:
                pending.pop()
                continue
            f, first = step
            if f is FALSE or (f, first) in seen:
                continue
            if f is TRUE or self._closes(f):
                return True
            seen.add((f, first))
            self.goals.check_work()
            k = self._next_name(f, first)
            if k is None:
                for c in range(self.n_kinds):
                    for _, after in self.exits(f, None, c) if self.touches(f, None, c) else ():
                        if after is TRUE or self._closes(after):
                            return True
                        later.append((after, len(self.names)))
                continue
            then = k + 1 if self.counted else 0
            pending.append(zip(self._after_name(f, k), repeat(then)))
        return False

    def _after_name(self, f: Formula, k: int) -> Iterator[Formula]:
        """The residuals with a listed name, and without it."""
        for _, after in self.exits(f, k, None):
            yield after
        if self.base.get(k, (True, TRUE))[0]:
            yield self.facts.without(f, [k])

    def _next_name(self, f: Formula, first: int) -> int | None:
        """The listed name to decide next, None when there is none."""
        if self.counted:
            return first if first < len(self.names) else None
        named = places(f)
        if not named:
            return None
        tags = {a.atom.place for a in atoms(f) if isinstance(a.atom, Slot) and is_listed(a.atom.value)}
        return max(named, key=lambda k: (k in tags, named[k], -k))

    def _closes(self, f: Formula) -> bool:
        """Whether the residual is met when no further name comes (as far as the base allows that)."""
        if not self.facts.closed(f):
            return False
        return all(self.base.get(k, (True, TRUE))[0] for k in places(f))


def _other(kind: int | None) -> int:
    """A number for the members of a kind that no listed one has."""
    assert kind is not None
    return -1 - kind


class ArrayFrame(Frame):
    """An array: items before ``width`` are listed members, the others of one kind."""

    def __init__(self, goals: Goals, f: Formula) -> None:
        super().__init__(goals)
        nodes, _ = _subjects(f)
        self.width = max((len(node.prefix) for node in nodes), default=0)
        self._left: dict[tuple[Formula, Formula], Formula] = {}  # of a list, by what may not be repeated
        self._settle(self._facts(f))
        needed = [k + 1 for k, (absent, _) in self.base.items() if not absent]
        if needed:
            self.base = {k: (True, value) for k, (_, value) in self.base.items()}
            self.residual = self.facts.all((self.residual, self.facts.at_least(max(needed))))

    def _own(self, node: Node) -> Formula:
        facts = self.facts
        parts = [facts.at_least(node.min_items)]
        if node.max_items is not None:
            parts.append(facts.no(facts.at_least(node.max_items + 1)))
        for k in range(self.width):
            item = node.prefix[k] if k < len(node.prefix) else node.items
            if item is not None and not item.is_anything:
                parts.append(facts.slot(k, True, self.goals.value_of(item)))
        if node.unique:
            parts.append(facts.atom(Unique((), False)))
        if node.items is not None and not node.items.is_anything:
            parts.append(facts.each(0, self.goals.value_of(node.items)))
        if node.contains is not None:
            value = self.goals.value_of(node.contains)
            parts.append(facts.contains(value, node.min_contains))
            if node.max_contains is not None:
                parts.append(facts.no(facts.contains(value, node.max_contains + 1)))
        return facts.all(parts)

    def _unevaluated(self, node: Node, leaf: Leaf) -> Formula:
        """``unevaluatedItems``: what nothing else has looked at meets a schema.

        An item counts as looked at when it meets a ``contains`` that holds; which of them hold is decided by cases.
        """
        assert node.unevaluated_items is not None
        facts, formulas = self.facts, self.goals.formulas
        value = self.goals.value_of(node.unevaluated_items)
        parts = []
        for k in range(self.width + 1):
            always, when_met = evaluated_item(self.goals, node, k if k < self.width else None)
            options: list[tuple[Formula, Formula]] = [(TRUE, value)]
            for holds, met in when_met:
                condition = facts.replace(holds, leaf)
                options += [(facts.all((c, condition)), formulas.any((v, met))) for c, v in options]
            choices = [facts.replace(always, leaf)]
            for condition, wanted in options:
                fact = facts.slot(k, True, wanted) if k < self.width else facts.each(0, wanted)
                choices.append(facts.all((condition, fact)))
            parts.append(facts.any(choices))
        return facts.all(parts)

    def value(self, index: int) -> Formula:
        """What the base asks of an item."""
        return self.base.get(index, (True, TRUE))[1] if index < self.width else self.rest.get(0, TRUE)

    def exits(self, residual: Formula, index: int) -> Iterable[tuple[Formula, Formula]]:
        """What an item may be, and the residual after it."""
        return self._exits((residual, index), lambda: self._derived(residual, index))

    def next_members(self, residual: Formula, index: int) -> Iterator[tuple[Iterable[tuple[Formula, Formula]], int]]:
        yield self.exits(residual, index), min(index + 1, self.width)

    def first_demands(self, few: int) -> Iterator[Formula]:
        return (demand for demand, _ in self.exits(self.residual, 0))

    def _derived(self, residual: Formula, index: int) -> tuple[Formula, Formula]:
        """The derivative, and what an item must be; of a list of scalars, those that were seen are struck out."""
        facts, value = self.facts, self.value(index)
        kind = 0 if index >= self.width else None
        differ = next((p for p in conjuncts(residual) if p.op == ATOM and isinstance(p.atom, Unique)), None)
        if differ is None or value.op != ATOM or not value.atom.is_listing:
            return facts.derive(residual, index, kind), value
        pending = facts.atom(Unique(differ.atom.seen, True))
        left = self._left[value, pending] = self._struck_out(value, differ)
        others = facts.derive(facts.all(p for p in conjuncts(residual) if p is not differ), index, kind)
        return facts.all((pending, others)), left

    def _struck_out(self, value: Formula, differ: Formula) -> Formula:
        """What a list of scalars leaves for an item that differs from those before."""
        if differ in self.facts.grown:
            before, seen = self.facts.grown[differ]
            left = self._left.get((value, before))
            if left is not None:
                return left if left is FALSE else self.goals.without(left, (seen,))
        return self.goals.without(value, differ.atom.seen)

    def live(self, exits: Iterable[tuple[Formula, Formula]], index: int = 0) -> Exits:
        """The exits after which the array can still be finished.

        Where items must differ, values are left out that later items cannot do without.
        """
        found = super().live(exits, index)
        return [(wise, f) for value, f in found for wise in self._wise(value, f, index)]

    def _goes_on(self, value: Formula, f: Formula, index: int) -> bool:
        if self.facts.closed(f):
            return True
        if f.op < 0 or not unique(f) & 2:
            return self.possible(f, index)
        return self._remembered((f, index, value), lambda: self._search(f, index, (value,)))

    def _wise(self, value: Formula, f: Formula, index: int) -> list[Formula]:
        """A demand on an item, less the values after which the rest of the array would be impossible."""
        if not unique(f) or f.op < 0 or self.facts.closed(f):
            return [value]
        formulas, goals = self.goals.formulas, self.goals
        most = len(seen(f)) + _due(f) + 1
        if unique(f) & 2 and not self.possible(self._noted(f, FALSE), index):
            return [formulas.all((value, formulas.any(self.value(k) for k in range(index, self.width + 1))))]
        listed = few(goals, value, most)
        if listed is not None:
            kept = [v for v in listed if self.possible(self._noted(f, v), index)]
            return [] if not kept else [value] if len(kept) == len(listed) else [formulas.any(kept)]
        wanted = {v for k in range(index, self.width + 1) for v in few(goals, self.value(k), most) or ()}
        lost = [v for v in wanted if not self.possible(self._noted(f, v), index)]
        return [formulas.all((value, formulas.no(formulas.any(sorted(lost, key=lambda v: v.serial)))))]

    def _noted(self, f: Formula, value: Formula) -> Formula:
        return self.facts.noted(f, value)

    def _search(self, residual: Formula, index: int, picks: Picks = ()) -> bool:
        """Go through the items. Where they must differ, finite choices are kept in mind: they need different values.

        ``picks``: where some must be equal, demands on items before.
        """
        differ, agree = unique(residual) & 1, unique(residual) & 2
        if differ and agree:
            first, second = self._cases(residual)
            return self.possible(first, index) or self._search(second, index, picks)
        seen: set[tuple[Formula, int, Picks]] = set()
        pending: list[tuple[Formula, int, Picks]] = [(residual, index, picks)]
        while pending:
            f, index, picks = pending.pop()
            if f is FALSE or (f, index, picks) in seen:
                continue
            if f is TRUE or self.facts.closed(f):
                return True
            seen.add((f, index, picks))
            self.goals.check_work()
            then = min(index + 1, self.width)
            for value, after in self.exits(f, index):
                more = picks
                if agree:
                    if any(self._meets(value, pick) for pick in picks):
                        pending.append((self._with_equals(after), then, picks))
                    more = (*picks, value) if value not in picks else picks
                elif differ and (listed := few(self.goals, value, len(picks) + _due(f) + 1)) is not None:
                    self.facts.work += len(picks)
                    more = tuple(sorted((*picks, tuple(listed)), key=_serials))
                    if not _representatives(more):
                        continue
                pending.append((after, then, more))
        return False

    def _cases(self, residual: Formula) -> tuple[Formula, Formula]:
        """The residual of items that differ, and that of items of which some are equal."""
        differ = next(a for a in atoms(residual, UNIQUE) if isinstance(a.atom, Unique))
        facts = self.facts
        return facts.all((differ, facts.loose(residual))), facts.all((facts.no(differ), self._with_equals(residual)))

    def _meets(self, value: Formula, pick: object) -> bool:
        assert isinstance(pick, Formula)
        return self.goals.satisfiable(self.goals.goal_of(self.goals.formulas.all((value, pick))))

    def _with_equals(self, f: Formula) -> Formula:
        """The residual when two items are equal."""
        return self.facts.replace(f, lambda a: FALSE if isinstance(a.atom, Unique) else a, UNIQUE)


Picks = tuple[Any, ...]  # demands on the items before, or the few values they allow


def _serials(values: tuple[Formula, ...]) -> tuple[int, ...]:
    return tuple(v.serial for v in values)


def _due(f: Formula) -> int:
    """Items still to come at least, as far as a residual counts them."""
    counts = [a.atom.least for a in atoms(f, COUNT) if isinstance(a.atom, (AtLeast, Contains))]
    places = [a.atom.place + 1 for a in atoms(f) if isinstance(a.atom, Slot)]
    return sum(counts) + max(places, default=0)


def _representatives(choices: Picks) -> bool:
    """Whether different values can be chosen from every list (augmenting paths)."""
    taken: dict[Formula, int] = {}

    def place(k: int, tried: set[Formula]) -> bool:
        values = choices[k]
        assert isinstance(values, tuple)
        for value in values:
            if value not in tried:
                tried.add(value)
                if value not in taken or place(taken[value], tried):
                    taken[value] = k
                    return True
        return False

    return all(place(k, set()) for k in range(len(choices)))


def _subjects(f: Formula) -> tuple[list[Node], list[str]]:
    """The nodes whose own constraints a formula speaks of, and the names whose presence it asks for."""
    nodes: dict[int, Node] = {}
    present: list[str] = []
    for a in atoms(f):
        atom = a.atom
        if isinstance(atom, Present):
            present.append(atom.name)
        elif isinstance(atom, Unevaluated):
            pending = [atom.node]
            while pending:
                node = pending.pop()
                nodes[node.serial] = node
                present += [name for name, _ in node.dependent]
                pending.extend(node.in_place())
        else:
            nodes[atom.serial] = atom
    return [nodes[k] for k in sorted(nodes)], present
