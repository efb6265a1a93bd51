"""Arrays whose schemas are no plain conjunction: their items one after another, and whether the rest can be met."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from . import scalars
from .exits import Exits
from .facts import COUNT, UNIQUE, AtLeast, Contains, Slot, Unique, bounds, seen, unique
from .few import few
from .formula import ATOM, FALSE, TRUE, Formula, atoms, conjuncts
from .frames import Frame, Leaf, subjects
from .nodes import BOOLEAN, NULL, NUMBER, STRING, Node
from .typed import evaluated_item

if TYPE_CHECKING:
    from .goals import Goals


class ArrayFrame(Frame):
    """An array: items before ``width`` are listed members, the others of one kind."""

    def __init__(self, goals: Goals, f: Formula) -> None:
        super().__init__(goals)
        nodes, _ = subjects(f)
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

    def words(self, residual: Formula) -> tuple[list[str], int, int | None] | None:
        """The words of which each item is another one, and how many items there are, where that is all that is asked.

        Such an array goes on as long as words are left, and it needs no formula to tell which those are.
        """
        differ = [p for p in conjuncts(residual) if p.op == ATOM and isinstance(p.atom, Unique)]
        value = self.value(0)
        if self.width or not differ or value.op != ATOM or not value.atom.is_listing:
            return None
        kinds = [scalars.enumerated(value.atom, kind) for kind in (NULL, BOOLEAN, NUMBER)]
        low, high, connected = bounds(self.facts.all(p for p in conjuncts(residual) if p not in differ))
        return None if connected or any(kinds) else ([*scalars.enumerated(value.atom, STRING).values()], low, high)

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
    places = [a.atom.place + 1 for a in f.atoms if isinstance(a.atom, Slot)]
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
