"""Objects and arrays whose schemas are no plain conjunction: base, residual, and the exits of each member.

The *base* says of every member what its value must be, alone; the *residual* (:mod:`.facts`) holds what connects
members: alternatives, conditions, counts. Only members that the residual speaks of need more than their base.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import reduce
from operator import itemgetter, or_
from typing import TYPE_CHECKING, Any

from .exits import Exits, decide, united
from .facts import Each, Facts, Slot, each, slots
from .formula import ATOM, FALSE, TRUE, Formula, conjuncts
from .lazy import Lazy
from .nodes import Node
from .typed import Present, Unevaluated, Unknown

if TYPE_CHECKING:
    from .goals import Goals

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
            simpler = self._given(self._plainly_given) or self._given(self._surely_given)
            if simpler is None:
                return
            members = (self.facts.slot(k, *slot) for k, slot in base.items())
            f = self.facts.all((*members, *(self.facts.each(c, v) for c, v in rest.items()), simpler))

    def _given(self, leaf: Leaf) -> Formula | None:
        """The residual with facts about members that the base speaks of replaced; None where that changes nothing."""
        about = reduce(or_, map(each, self.rest), slots(self.base))
        simpler = self.facts.replace(self.residual, leaf, about)
        return None if simpler is self.residual else simpler

    def _plainly_given(self, f: Formula) -> Formula:
        """A fact of the residual in the light of the base, as far as the formulas show it: no goal is looked at."""
        atom, join = f.atom, self.goals.formulas.all
        if isinstance(atom, Each):
            given = self.rest.get(atom.kind, TRUE)
            return TRUE if join((given, atom.value)) is given else f
        if not isinstance(atom, Slot):
            return f
        given = self.base.get(atom.place, (True, TRUE))[1]
        both = join((given, atom.value))
        return self._slot(atom, FALSE if both is FALSE else TRUE if both is given else atom.value)

    def _surely_given(self, f: Formula) -> Formula:
        """The same as far as goals tell that have no value."""
        atom = f.atom
        if not isinstance(atom, Slot):
            return f
        given, value = self.base.get(atom.place, (True, TRUE))[1], atom.value
        if value is not TRUE and value is not FALSE:
            if self._never(self.goals.formulas.all((given, value))):
                value = FALSE
            elif not self.goals.reader.has_narrowed and self._never(
                self.goals.formulas.all((given, self.goals.formulas.no(value)))
            ):
                value = TRUE
        return self._slot(atom, value)

    def _slot(self, atom: Slot, value: Formula) -> Formula:
        """A fact about a listed member, with another value, where the base may say that the member is there."""
        may_lack = self.base.get(atom.place, (True, TRUE))[0]
        if not may_lack and value.op < 0:
            return value
        return self.facts.slot(atom.place, atom.absent and may_lack, value)

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

        Raises where a member has too many exits. Tags that surely have not are passed over, unless ``few`` is 0.
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


def subjects(f: Formula) -> tuple[list[Node], list[str]]:
    """The nodes whose own constraints a formula speaks of, and the names whose presence it asks for.

    Nodes come in the order in which they were first asked about: that of their serial numbers depends on what other
    documents have said before.
    """
    nodes: dict[int, tuple[int, Node]] = {}
    present: list[str] = []
    for a in f.atoms:
        atom = a.atom
        if isinstance(atom, Present):
            present.append(atom.name)
        elif isinstance(atom, Unevaluated):
            pending = [atom.node]
            while pending:
                node = pending.pop()
                nodes.setdefault(node.serial, (a.serial, node))
                present += [name for name, _ in node.dependent]
                pending.extend(node.in_place())
        else:
            nodes[atom.serial] = a.serial, atom
    return [node for _, node in sorted(nodes.values(), key=itemgetter(0))], present
