"""Objects whose schemas are no plain conjunction: their names one after another, and whether the rest can be met."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import repeat
from typing import TYPE_CHECKING, Any

from .exits import is_listed
from .facts import EACH, Each, Slot, counts, only_counts, places
from .formula import FALSE, TRUE, Formula, atoms, conjuncts
from .frames import Frame, Leaf, subjects
from .names import kinds_of, languages_of, name_value, names_of, profiles_of
from .nodes import Node
from .typed import Present, evaluated_name

if TYPE_CHECKING:
    from .goals import Goals

FEW_DEMANDS = 8  # with so few facts about a member, it cannot have too many exits


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
        nodes, present = subjects(f)
        self._tell_names(f, nodes, present)
        while due := [self.names[k] for k, (absent, _) in self.base.items() if k >= self.n_listed and not absent]:
            present += due  # what must come is listed, although only patterns spell it out
            self._tell_names(f, nodes, present)
        self.counted = counts(self.residual) and not only_counts(self.residual)
        if self.counted:
            members = [self.facts.slot(k, *self.base.get(k, (True, TRUE))) for k in range(len(self.names))]
            self.residual = self.facts.all((*members, self.residual))
            self.base = {}

    def _tell_names(self, f: Formula, nodes: list[Node], present: list[str]) -> None:
        """Split a formula over some nodes into facts about the names that they and ``present`` tell apart."""
        goals = self.goals
        self.names, self.n_listed, rest = names_of(goals, nodes, present)
        given = [p.atom for p in conjuncts(f) if isinstance(p.atom, Node)]
        self.keys, self.kinds, profiles = kinds_of(goals, rest, self.names, given)
        self.n_kinds = len(profiles)
        self._spoken_of: dict[Formula, dict[int, list[Formula]]] = {}
        self._welcome: set[tuple[int, tuple[Formula, ...]]] = set()  # members with values that meet some demands
        self._index = {name: k for k, name in enumerate(self.names)}
        self._profiles = profiles
        self._matching = profiles_of(goals, self.names, nodes)
        alike = (*self.names, *map(frozenset, profiles))  # what a node itself says in all frames with these members
        self._said = goals.said.setdefault(alike, {})
        self._settle(self._facts(f))

    def _fact(self, atom: Any, leaf: Leaf) -> Formula:
        if isinstance(atom, Node):
            return self._own(atom)
        if isinstance(atom, Present):
            k = self._index.get(atom.name)
            return FALSE if k is None else self.facts.slot(k, False, TRUE)
        return super()._fact(atom, leaf)

    def _own(self, node: Node) -> Formula:
        """What a node says of the members itself."""
        found = self._said.get(node.serial)
        if found is None:
            found = self._said[node.serial] = self._work_out(node)
        return found

    def _work_out(self, node: Node) -> Formula:
        """The same for the first frame with these members."""
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

    def others(self) -> list[Formula]:
        """The same of each kind of names that are not listed."""
        return [self.value(None, kind) for kind in range(self.n_kinds)]

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
            (place, None)
            for place, facts in places(self.residual).items()
            if facts > few and not (few and self._has_few_values(place))
        ]
        kinds = [a.atom.kind for a in atoms(self.residual, EACH) if isinstance(a.atom, Each)]
        members += [(None, c) for c in range(self.n_kinds) if kinds.count(c) > few]
        for place, kind in members:
            yield from (demand for demand, _ in self.exits(self.residual, place, kind))

    def _has_few_values(self, place: int) -> bool:
        """Whether all facts about a listed member are lists of so few scalars that no limit is near: tags, mostly.

        Such facts are decided value by value, with each formula of the residual joined once at most.
        """
        facts = self._members_of(self.residual)[place]
        goals = self.goals
        if not all(is_listed(goals, fact) for fact in facts):
            return False
        values = sum(len(a.atom.enum or ()) for fact in facts for a in fact.atoms)
        return values < goals.max_branches and values * goals.work < goals.max_steps

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

    def touched(self, residual: Formula) -> Collection[int]:
        """Such members as numbers: places, and kinds from -1 downwards."""
        return range(-self.n_kinds, len(self.names)) if self.counted else self._members_of(residual).keys()

    def member(self, number: int) -> tuple[int | None, int | None]:
        """The place or the kind of a member that has such a number."""
        return (number, None) if number >= 0 else (None, _other(number))

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
            found = {}
            for a in f.atoms:
                fact = a.atom
                if isinstance(fact, Slot | Each):
                    member = fact.place if isinstance(fact, Slot) else _other(fact.kind)
                    found.setdefault(member, []).append(fact.value)
            self._spoken_of[f] = found  # as a whole: an interrupt would leave a part of it
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
        named = [(k, values) for k, values in self._members_of(f).items() if k >= 0]
        if not named:
            return None
        ranks = [(any(is_listed(self.goals, value) for value in values), len(values), -k) for k, values in named]
        return -max(ranks)[2]

    def _closes(self, f: Formula) -> bool:
        """Whether the residual is met when no further name comes (as far as the base allows that)."""
        if not self.facts.closed(f):
            return False
        return all(k < 0 or self.base.get(k, (True, TRUE))[0] for k in self._members_of(f))


def _other(kind: int | None) -> int:
    """A number for the members of a kind that no listed one has; of such a number, the kind."""
    assert kind is not None
    return -1 - kind
