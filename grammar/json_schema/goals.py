"""Goals: what a value must be, worked out on demand.

A goal is a conjunction of nodes, and perhaps a formula over further ones. Its branches are the ways to meet the
disjunctions inside; of each branch, each JSON type has one residual: the constraints of that type, merged. Children are
goals again, made by differentiating: the goal of a key is the conjunction of what every node says of that key. Where
nodes are no plain conjunction (``not``, ``if``, overlapping ``oneOf``, counts of members, ...), containers keep what
connects their members as a formula (:mod:`.frames`), and scalars are worked out by the algebra of sets.

A goal is satisfiable when some type can still be met; asked on demand, remembered, and "in progress" counts as no,
which is exact because a shortest witness repeats no goal.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from .. import dfa as automata
from ..dfa import CharDfa
from ..errors import LimitExceeded, Unenforceable
from ..text_set import TextSet
from . import general, plain, scalars
from .bounded import Bounded
from .branches import branches, listed_together, lists_containers
from .facts import Facts
from .few import Listing
from .formula import ATOM, FALSE, TRUE, Formula, Formulas, conjuncts
from .lazy import Lazy
from .nodes import ANYTHING, BOOLEAN, NOTHING, NULL, NUMBER, STRING, Node
from .overlaps import Overlaps
from .plainly import plainly_possible, plainly_possible_together
from .reader import Reader
from .scalars import can_be_written
from .values import Array, Object, Value

V = TypeVar("V")

_NO_DEPTH = 1 << 30  # no open goal was relied upon
NESTED = 30  # goals inside each other that Python's stack holds; those further inside are decided first


class Goal:
    """A hash-consed conjunction of nodes and a formula over nodes.

    Attributes
    ----------
    nodes : tuple of Node
        In the order in which they were met first, distinct, without the node that allows anything.
    rest : Formula
        What else must hold.
    satisfiable : bool or None
        None: not known yet.
    is_shared : bool
        Whether documents share the goal: that of one node which they share, or of anything.
    """

    __slots__ = ("begun", "candidates", "is_shared", "nodes", "rest", "satisfiable")

    def __init__(self, nodes: tuple[Node, ...], rest: Formula, *, is_shared: bool = False) -> None:
        self.nodes = nodes
        self.rest = rest
        self.is_shared = is_shared
        self.candidates: tuple[Value, ...] | None = None
        self.begun: Lazy[Value] | None = None
        self.satisfiable: bool | None = None

    @property
    def first(self) -> Node | None:
        """The first schema that the goal speaks of."""
        return self.nodes[0] if self.nodes else next((a.atom for a in self.rest.atoms), None)

    @property
    def pointer(self) -> str:
        """Where that stands, unless documents share it."""
        return "" if self.first is None else self.first.place.pointer


class _TooDeep(Exception):
    """A goal must be decided before those that it is inside of."""

    def __init__(self, goal: Goal) -> None:
        self.goal = goal


class Goals(Bounded):
    """All goals of one document.

    Parameters
    ----------
    reader : Reader
        Source of nodes.
    max_branches, max_depth, max_steps : int
        See :class:`.bounded.Bounded`.

    Attributes
    ----------
    most_open : int
        Goals that may be decided inside each other.
    """

    def __init__(self, reader: Reader, *, max_branches: int, max_depth: int, max_steps: int = 100_000) -> None:
        super().__init__(max_branches=max_branches, max_depth=max_depth, max_steps=max_steps)
        self.reader = reader
        self.lock = threading.RLock()  # for whoever asks after the document was compiled: several threads may
        self.formulas, self.typed = Formulas(), Formulas()
        self.facts = Facts(self.formulas, self._one_of)
        self.expanded: dict[tuple[int, int], Formula] = {}
        self.exceptions: dict[Formula, dict[Hashable, Any]] = {}
        self.are_listed: dict[Formula, bool] = {}
        self._goals: dict[Any, Goal] = {}
        self._goal_of: dict[Formula, Goal] = {}
        self._value_of: dict[int, Formula] = {}
        self._open: dict[int, int] = {}  # goals being decided -> depth
        self.most_open = min(max_depth, NESTED)
        self._leaned = _NO_DEPTH  # least depth of an open goal that a "no" relied on
        self.listing = Listing()
        self._structures: dict[tuple[int, int], list[Node]] = {}
        self.key_languages: dict[int, CharDfa] = {}
        self.said: dict[Hashable, dict[int, Formula]] = {}  # by members: what nodes say of them
        self.told: dict[Hashable, tuple[CharDfa, list[int], list[set[bytes]]]] = {}
        self.spelled: dict[bytes, list[str] | None] = {}
        self.approximate = True  # until it is known which alternatives overlap
        self.overlaps = Overlaps(self, ())  # until they are found, any alternatives may hold together
        self._find_overlaps()

    def goal(self, nodes: Iterable[Node], rest: Formula = TRUE) -> Goal:
        """The goal of a conjunction."""
        distinct: dict[int, Node] = {}
        for node in nodes:
            if node.serial:
                node = node.alike or node
                distinct[node.serial] = node
        if rest is TRUE and len(distinct) < 2:
            alone = next(iter(distinct.values()), ANYTHING).goal
            if alone is not None:
                return alone
        key = (*sorted(distinct), rest)
        found = self._goals.get(key)
        if found is None:
            found = self._goals[key] = Goal(tuple(distinct.values()), rest)
        return found

    def alone(self, node: Node | None) -> Goal:
        """The goal of one node; None: of anything."""
        if node is None:
            node = ANYTHING
        if node.goal is not None:
            return node.goal
        return self._goals.get(((node.alike or node).serial, TRUE)) or self.goal((node,))

    def pointer(self, goal: Goal) -> str:
        """Where the first schema of a goal stands in the document."""
        return "" if goal.first is None else self.reader.pointer(goal.first)

    def goal_of(self, value: Formula) -> Goal:
        """The goal of a formula over nodes."""
        found = self._goal_of.get(value)
        if found is None:
            parts = conjuncts(value)
            rest = [p for p in parts if p.op != ATOM]
            nodes = [NOTHING] if value is FALSE else [p.atom for p in parts if p.op == ATOM]
            found = self._goal_of[value] = self.goal(nodes, self.formulas.all(rest) if rest else TRUE)
        return found

    def value_of(self, node: Node) -> Formula:
        """The formula of one node; schemas of one text in one place share one."""
        found = self._value_of.get(node.serial)
        if found is None:
            if node.is_anything:
                return TRUE
            found = self.formulas.atom(self.reader.representative(node)) if node.types else FALSE
            self._value_of[node.serial] = found
        return found

    def satisfiable(self, goal: Goal) -> bool:
        """Whether some value meets a goal."""
        if goal.satisfiable is not None:
            return goal.satisfiable
        if goal.rest is TRUE and (not goal.nodes or (len(goal.nodes) == 1 and plainly_possible(goal.nodes[0]))):
            goal.satisfiable = True
            return True
        here = id(goal)
        if here in self._open:
            self._leaned = min(self._leaned, self._open[here])
            return False
        if not self._open:
            return self._decide_from(goal)
        if len(self._open) >= self.most_open:
            raise _TooDeep(goal)
        return self._decide(goal)

    def _decide_from(self, goal: Goal) -> bool:
        """Decide a goal that none is open around; what is too deep inside it is decided first, by itself."""
        if not self.in_piece:
            with self.piece(), self.within:
                return self._decide_from(goal)
        pending = [goal]
        while True:
            try:
                answer = self._decide(pending[-1])
            except _TooDeep as deep:
                if deep.goal in pending and self.most_open < self.max_depth:
                    self.most_open = self.max_depth  # what leads back must stay open on the way
                else:
                    self._put_off(deep.goal, pending)
                self.check_work()
            else:
                pending.pop()
                if not pending:
                    return answer

    def _put_off(self, goal: Goal, pending: list[Goal]) -> None:
        """Have a goal decided before those that wait for it."""
        depth, most = len(pending) * self.most_open, self.grace * self.max_depth
        if depth >= most:
            error = LimitExceeded("max_depth", depth + 1, most, pointer=self.pointer(goal))
            error.subject = goal
            raise error
        pending.append(goal)

    def _decide(self, goal: Goal) -> bool:
        """Whether a goal has a value, as far as those that are open let it be told."""
        here, depth = id(goal), len(self._open)
        outer, self._leaned = self._leaned, _NO_DEPTH
        self._open[here] = depth
        began = self.work
        try:
            answer = self._is_simple(goal) or any(map(self._possible, self._one_by_one(goal)))
        except Unenforceable as error:
            self.blame(goal, error, began)
            raise
        except _TooDeep:
            goal.begun = None
            raise
        finally:
            del self._open[here]
            leaned, self._leaned = self._leaned, min(outer, self._leaned)
        if answer or leaned >= depth:
            goal.satisfiable = answer
            if leaned >= depth:
                self._leaned = outer
        return answer

    def tentatively(self, ask: Callable[[], V]) -> tuple[V, bool]:
        """An answer, and whether it is final (it did not lean on a "no" for a goal that is being decided)."""
        outer, self._leaned = self._leaned, _NO_DEPTH
        try:
            answer = ask()
        finally:
            leaned, self._leaned = self._leaned, min(outer, self._leaned)
        return answer, leaned == _NO_DEPTH

    def surely_unsatisfiable(self, goal: Goal) -> bool:
        """Whether a goal is known to have no value, now and for good."""
        if goal.satisfiable is not None:
            return not goal.satisfiable
        outer = self._leaned
        possible, final = self.tentatively(lambda: self.satisfiable(goal))
        self._leaned = outer
        return final and not possible

    @property
    def work(self) -> int:
        """The steps that were taken so far."""
        return self.formulas.work + self.facts.work

    def begin(self) -> None:
        """Begin a piece of work that belongs to no larger one; one that was interrupted may have left goals open."""
        super().begin()
        self.most_open = min(self.max_depth, NESTED)
        self._open.clear()
        self._leaned = _NO_DEPTH
        self.listing.begin()

    def blame(self, goal: Goal, error: Unenforceable, began: int) -> None:
        """Note what an error is about: the innermost goal, or the one that most of the work was for."""
        much = 2 * (self.work - began) >= self.work_done
        if error.subject is None and (much or not (isinstance(error, LimitExceeded) and error.limit == "max_steps")):
            error.subject = goal

    def _possible(self, value: Value) -> bool:
        """Whether a residual has an instance."""
        if isinstance(value, Object):
            due = [(name, goal) for name, goal in value.names if name in value.required]
            if not all(can_be_written(name) and self.satisfiable(goal) for name, goal in due):
                return False
            if value.fewest > len(due) and not self._has_room(value):
                return False
            if value.most is not None and max(len(due), value.fewest) > value.most:
                return False
        if isinstance(value, Array):
            if value.longest is not None and value.shortest > value.longest:
                return False
            head = value.prefix[: value.shortest]
            if not all(map(self.satisfiable, head)):
                return False
            if value.shortest > len(value.prefix) and not self.satisfiable(value.rest):
                return False
        if isinstance(value, (Object, Array)) and value.frame is not None:
            return value.frame.possible(value.residual)
        return True

    def _has_room(self, value: Object) -> bool:
        """Whether so many different keys exist as an object asks for at least."""
        count = 0
        for _, goal in (*value.names, *value.extra):
            count += self.satisfiable(goal)
        if count >= value.fewest:
            return True
        if value.free is not None and self.satisfiable(value.free):
            return True
        if value.patterns is None:
            return False
        dfa, goals = value.patterns
        kept = [int(goal is not None and self.satisfiable(goal)) for goal in goals]
        return TextSet.of(automata.recolour(dfa, kept)[0]).size(value.fewest - count) >= value.fewest - count

    def values(self, goal: Goal) -> tuple[Value, ...]:
        """The ways to meet a goal, one per branch and JSON type, each of them satisfiable."""
        found = self.candidates(goal)
        if len(found) == 1 and goal.satisfiable:
            return found
        return tuple(filter(self._possible, found))

    def candidates(self, goal: Goal) -> tuple[Value, ...]:
        """The same before satisfiability of children has been asked."""
        if goal.is_shared and goal.candidates is None:
            choices = goal.nodes and goal.nodes[0].any_of
            found = self._of_choice(choices[0]) if choices else plain.residuals(self, goal.nodes)
            goal.candidates = tuple(dict.fromkeys(found))
        if goal.candidates is None:
            began = self.work
            try:
                values = tuple(dict.fromkeys(self._one_by_one(goal)))
            except Unenforceable as error:
                self.blame(goal, error, began)
                raise
            if goal.candidates is None:
                goal.candidates, goal.begun = values, None
        return goal.candidates

    def _of_choice(self, options: Sequence[Node]) -> list[Value]:
        """The residuals of the alternatives of a part."""
        return [value for option in options for value in self.candidates(self.alone(option))]

    def _is_simple(self, goal: Goal) -> bool:
        """Whether some branch surely has an instance, without looking at anything below it."""
        if goal.candidates is not None or goal.begun is not None:
            return False
        ways = self._branches_of(goal)
        if ways is not None and any(map(plainly_possible_together, ways)):
            return True
        self._begin(goal, ways)
        return False

    def _one_by_one(self, goal: Goal) -> Iterator[Value]:
        """The candidates, worked out as they are asked for: one that is possible is often enough."""
        if goal.candidates is not None:
            return iter(goal.candidates)
        if goal.begun is None:
            self._begin(goal, self._branches_of(goal))
        elif goal.begun.running:  # a goal inside itself
            return self._work_out(goal, self._branches_of(goal))
        return iter(goal.candidates or ()) if goal.begun is None else iter(goal.begun)

    def _begin(self, goal: Goal, ways: list[list[Node]] | None) -> None:
        if ways is None or len(ways) > 1:
            goal.begun = Lazy(self._work_out(goal, ways))
        else:  # there is nothing to put off
            goal.candidates = tuple(value for branch in ways for value in plain.residuals(self, branch))

    def _work_out(self, goal: Goal, ways: list[list[Node]] | None) -> Iterator[Value]:
        if ways is None:
            yield from general.residuals(self, goal)
        else:
            for branch in ways:
                yield from plain.residuals(self, branch)

    def _branches_of(self, goal: Goal) -> list[list[Node]] | None:
        return branches(self, goal) if goal.rest is TRUE else None

    def constant(self, value: Any) -> Formula:
        """The formula that only one value meets."""
        return self.formulas.atom(self.reader.constant(value, self.reader.document.root))

    def one_of(self, values: Iterable[Any]) -> Formula:
        """The formula that only some values meet."""
        containers: list[Any] = []
        plain: list[Any] = []
        for v in values:
            (containers if isinstance(v, list | dict) else plain).append(v)
        return self._choice(plain, map(self.constant, containers))

    def _one_of(self, constants: tuple[Formula, ...]) -> Formula:
        """The formula that only these values meet."""
        containers, values = [], []
        for f in constants:
            if f.op == ATOM and f.atom.is_listing:
                values += f.atom.enum
            else:
                containers.append(f)
        return self._choice(values, containers)

    def _choice(self, values: list[Any], others: Iterable[Formula]) -> Formula:
        """A choice among scalars, which are one list, however many they are, and others."""
        place = self.reader.document.root
        listed = [self.formulas.atom(self.reader.listing(values, place))] if values else []
        return self.formulas.any((*others, *listed))

    def without(self, value: Formula, constants: tuple[Formula, ...]) -> Formula:
        """What a list of scalars leaves when some constants (false: none) are taken from it: a list. O(length)."""
        left = scalars.without(value.atom, [f.atom.enum[0] for f in constants if f is not FALSE])
        values = [*left[STRING].values(), *left[NUMBER].values(), *left[BOOLEAN].values(), *left[NULL].values()]
        if len(values) < 2:
            return self.constant(values[0]) if values else FALSE
        node = self.reader.fresh(self.reader.document.root)
        node.enum, node.is_listing, node.enumerated = values, True, left
        return self.formulas.atom(node)

    def _find_overlaps(self) -> None:
        nodes = self.reader.compound.values()
        for node in nodes:
            node.any_of = tuple(listed_together(self, options) for options in node.any_of)
            node.one_of = tuple(listed_together(self, options, apart=True) for options in node.one_of)
        self.overlaps = Overlaps(self, nodes)
        self.approximate = False
        if self._goals and (self.overlaps or self.reader.connecting or any(map(lists_containers, self.reader.nodes()))):
            self._goals.clear()
            self._goal_of.clear()

    def listed(self, node: Node, kind: int) -> list[Node]:
        """The containers of one type in the ``enum`` of a node, as nodes that say what their members are."""
        key = (node.serial, kind)
        found = self._structures.get(key)
        if found is None:
            assert node.enum is not None
            values = [v for v in node.enum if scalars.kind_of(v) == kind]
            found = self._structures[key] = [self.reader.structure(v, node.place) for v in values]
        return found


ANYTHING.goal, NOTHING.goal = Goal((), TRUE, is_shared=True), Goal((NOTHING,), TRUE, is_shared=True)
ANYTHING.goal.satisfiable, NOTHING.goal.satisfiable = True, False


__all__ = ["Goal", "Goals"]
