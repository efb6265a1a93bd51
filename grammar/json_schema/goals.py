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
from contextlib import suppress
from functools import lru_cache, reduce
from itertools import chain, islice, starmap
from typing import Any, Generic, TypeVar

from .. import dfa as automata
from ..dfa import CharDfa
from ..errors import LimitExceeded, Unenforceable
from ..number import NumberSpec
from ..number_set import NumberSet
from ..text_set import TextSet
from . import scalars, typed
from .facts import Facts, only_counts
from .formula import ATOM, FALSE, NOT, OR, TRUE, Formula, Formulas, atoms, conjuncts, disjuncts
from .frames import ArrayFrame, ObjectFrame
from .nodes import ANY_TYPE, ARRAY, BOOLEAN, NULL, NUMBER, OBJECT, STRING, Node, Reader
from .overlaps import Overlaps
from .risks import Risks
from .scalars import can_be_written
from .values import Array, Literal, Number, Object, String, Value, canonical

_LITERALS = ((NULL, Literal("null"), None), (BOOLEAN, Literal("true"), True), (BOOLEAN, Literal("false"), False))
_ANY_NUMBER = Number(NumberSpec(None, False, None, False))
_ANY_STRING = String()

V = TypeVar("V")

MAX_SPELLED = 64  # words up to which a pattern over names is read as a list of names
MAX_APART = 16  # alternatives of one container that are followed apart; beyond, they stay a formula


class Lazy(Generic[V]):
    """The elements of an iterator, each worked out once."""

    def __init__(self, source: Iterator[V]) -> None:
        self.found: list[V] = []
        self.running = False
        self._source = source

    def __iter__(self) -> Iterator[V]:
        k = 0
        while k < len(self.found) or self._advance():
            yield self.found[k]
            k += 1

    def _advance(self) -> bool:
        self.running = True  # and stays so where there is an error: nothing is known of the rest then
        more = list(islice(self._source, 1))
        self.running = False
        self.found += more
        return bool(more)


class Goal:
    """A hash-consed conjunction of nodes and a formula over nodes.

    Attributes
    ----------
    nodes : tuple of Node
        Sorted, distinct, without the node that allows anything.
    rest : Formula
        What else must hold.
    satisfiable : bool or None
        None: not known yet.
    """

    __slots__ = ("begun", "candidates", "nodes", "rest", "satisfiable")

    def __init__(self, nodes: tuple[Node, ...], rest: Formula) -> None:
        self.nodes = nodes
        self.rest = rest
        self.candidates: tuple[Value, ...] | None = None
        self.begun: Lazy[Value] | None = None
        self.satisfiable: bool | None = None

    @property
    def pointer(self) -> str:
        """Where the first schema of the goal stands."""
        first = self.nodes[0] if self.nodes else next((a.atom for a in atoms(self.rest)), None)
        return first.place.pointer if first is not None else ""


class Goals:
    """All goals of one document.

    Parameters
    ----------
    reader : Reader
        Source of nodes.
    max_branches : int
        Limit on the ways to meet the disjunctions of one goal.
    max_depth : int
        Limit on the nesting of required values that is looked into.
    max_steps : int
        Limit on the formulas that one piece of work may join: alternatives that overlap can multiply.
    """

    def __init__(self, reader: Reader, *, max_branches: int, max_depth: int, max_steps: int = 100_000) -> None:
        self.reader = reader
        self.max_branches = max_branches
        self.max_depth = max_depth
        self.max_steps = max_steps
        self.lock = threading.RLock()  # for whoever asks after the document was compiled: several threads may
        self.formulas, self.typed = Formulas(), Formulas()
        self.facts = Facts(self.formulas, self._one_of)
        self.expanded: dict[tuple[int, int], Formula] = {}
        self.exceptions: dict[Formula, dict[Hashable, Any]] = {}
        self._goals: dict[Any, Goal] = {}
        self._open: dict[int, int] = {}  # goals being decided -> depth
        self._leaned = _NOTHING  # least depth of an open goal that a "no" relied on
        self._listing: set[Goal] = set()  # goals whose values are being listed
        self._started = 0
        self._structures: dict[tuple[int, int], list[Node]] = {}
        self._key_languages: dict[int, CharDfa] = {}
        self._words: dict[bytes, list[str] | None] = {}
        self._approximate = True  # until it is known which alternatives overlap
        self.overlaps = Overlaps(self, ())  # until they are found, any alternatives may hold together
        self._find_overlaps()

    def goal(self, nodes: Iterable[Node], rest: Formula = TRUE) -> Goal:
        """The goal of a conjunction."""
        distinct: dict[int, Node] = {}
        for node in nodes:
            if node.serial:
                node = node.alike or node
                distinct[node.serial] = node
        if len(distinct) > 1:
            distinct = {k: distinct[k] for k in sorted(distinct)}
        key = (*distinct, rest)
        found = self._goals.get(key)
        if found is None:
            found = self._goals[key] = Goal(tuple(distinct.values()), rest)
        return found

    def alone(self, node: Node | None) -> Goal:
        """The goal of one node; None: of anything."""
        if node is None:
            return self.goal(())
        return self._goals.get(((node.alike or node).serial, TRUE)) or self.goal((node,))

    def goal_of(self, value: Formula) -> Goal:
        """The goal of a formula over nodes."""
        if value is FALSE:
            return self.goal([self.reader.nothing])
        parts = conjuncts(value)
        rest = [p for p in parts if p.op != ATOM]
        return self.goal((p.atom for p in parts if p.op == ATOM), self.formulas.all(rest) if rest else TRUE)

    def value_of(self, node: Node) -> Formula:
        """The formula of one node; schemas of one text in one place share one."""
        if node.is_anything:
            return TRUE
        return self.formulas.atom(self.reader.representative(node)) if node.types else FALSE

    # ------------------------------------------------------------------------------------------- satisfiability
    def satisfiable(self, goal: Goal) -> bool:
        """Whether some value meets a goal."""
        if goal.satisfiable is not None:
            return goal.satisfiable
        if goal.rest is TRUE and (not goal.nodes or (len(goal.nodes) == 1 and _plainly_possible(goal.nodes[0]))):
            goal.satisfiable = True
            return True
        here = id(goal)
        if here in self._open:
            self._leaned = min(self._leaned, self._open[here])
            return False
        depth = len(self._open)
        if depth == 0:
            self.start_work()
        if depth >= self.max_depth:
            error = LimitExceeded("max_depth", depth + 1, self.max_depth, pointer=goal.pointer)
            error.subject = goal
            raise error
        outer, self._leaned = self._leaned, _NOTHING
        self._open[here] = depth
        began = self._work
        try:
            answer = self._is_simple(goal) or any(map(self._possible, self._one_by_one(goal)))
        except Unenforceable as error:
            self._blame(goal, error, began)
            raise
        finally:
            del self._open[here]
            leaned, self._leaned = self._leaned, min(outer, self._leaned)
        if answer or leaned >= depth:
            goal.satisfiable = answer
            if leaned >= depth:
                self._leaned = outer
        return answer

    def tentatively(self, ask: Callable[[], bool]) -> tuple[bool, bool]:
        """An answer, and whether a "no" is final (it did not lean on a goal that is being decided)."""
        outer, self._leaned = self._leaned, _NOTHING
        try:
            answer = ask()
        finally:
            leaned, self._leaned = self._leaned, min(outer, self._leaned)
        return answer, leaned == _NOTHING

    def surely_unsatisfiable(self, goal: Goal) -> bool:
        """Whether a goal is known to have no value, now and for good."""
        outer = self._leaned
        possible, final = self.tentatively(lambda: self.satisfiable(goal))
        self._leaned = outer
        return final and not possible

    @property
    def _work(self) -> int:
        return self.formulas.work + self.facts.work

    def _blame(self, goal: Goal, error: Unenforceable, began: int) -> None:
        """Note what an error is about: the innermost goal, or the one that most of the work was for."""
        much = 2 * (self._work - began) >= self._work - self._started
        if error.subject is None and (much or not (isinstance(error, LimitExceeded) and error.limit == "max_steps")):
            error.subject = goal

    def start_work(self) -> None:
        """Begin a piece of work that is bounded by ``max_steps``."""
        self._started = self._work

    def check_work(self) -> None:
        """Raise when the work under way has taken too many steps."""
        steps = self._work - self._started
        if steps > self.max_steps:
            raise LimitExceeded("max_steps", steps, self.max_steps)

    def check_ways(self, ways: int) -> None:
        """Raise when the demands on one value can be met in too many ways."""
        if ways > self.max_branches:
            raise LimitExceeded("max_branches", ways, self.max_branches, keyword="oneOf")

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
        return tuple(filter(self._possible, self.candidates(goal)))

    def reach(self, root: Goal) -> None:
        """Work out the goals that generation can meet where one of them might pass a limit.

        An error must come before the first token; the rest is left to be worked out as generation gets there. Goals of
        risky nodes alone may ask for more than any goal that generation meets, so their limits are not the last word.
        What may still be left out is looked for in every goal.
        """
        if self.reader.strict:
            if not (self.reader.compound or self.reader.connecting):
                return
            risks = Risks(self)
            with suppress(Unenforceable):
                self._walk([self.goal([node]) for node in risks.found], risks.may_lead_to_one)
                return
        self._walk([root], lambda _: True)

    def _walk(self, pending: list[Goal], is_met: Callable[[Goal], bool]) -> None:
        """Work out some goals with those inside them that are met."""
        met = set(pending)
        while pending:
            goal = pending.pop()
            try:
                children = self._checked_children(goal)
            except Unenforceable as error:
                self._blame(goal, error, self._started)
                raise
            for child in children:
                if child not in met and is_met(child):
                    met.add(child)
                    pending.append(child)

    def _checked_children(self, goal: Goal) -> list[Goal]:
        """The goals inside the values of a goal, when these are known to be within limits."""
        values = self.values(goal)
        for value in values:
            if isinstance(value, Object) and value.frame is not None:
                value.frame.check()
            elif isinstance(value, Number) and (value.spec.multiple_of is not None or value.spec.excluded):
                value.spec.encode()
        return [child for value in values for child in _children(value)]

    def candidates(self, goal: Goal) -> tuple[Value, ...]:
        """The same before satisfiability of children has been asked."""
        if goal.candidates is None:
            began = self._work
            try:
                found = tuple(dict.fromkeys(self._one_by_one(goal)))
            except Unenforceable as error:
                self._blame(goal, error, began)
                raise
            if goal.candidates is None:
                goal.candidates, goal.begun = found, None
        return goal.candidates

    def _is_simple(self, goal: Goal) -> bool:
        """Whether some branch surely has an instance, without looking at anything below it."""
        if goal.candidates is not None or goal.begun is not None:
            return False
        branches = self._branches_of(goal)
        if branches is not None and any(map(_plainly_possible_together, branches)):
            return True
        self._begin(goal, branches)
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

    def _begin(self, goal: Goal, branches: list[list[Node]] | None) -> None:
        if branches is None or len(branches) > 1:
            goal.begun = Lazy(self._work_out(goal, branches))
        else:  # there is nothing to put off
            goal.candidates = tuple(chain.from_iterable(map(self._residuals, branches)))

    def _work_out(self, goal: Goal, branches: list[list[Node]] | None) -> Iterator[Value]:
        if branches is None:
            yield from self._general(goal)
        else:
            for branch in branches:
                yield from self._residuals(branch)

    def _branches_of(self, goal: Goal) -> list[list[Node]] | None:
        return self._branches(goal) if goal.rest is TRUE else None

    # --------------------------------------------------------------------------------------------- finite goals
    def constant(self, value: Any) -> Formula:
        """The formula that only one value meets."""
        return self.formulas.atom(self.reader.constant(value, self.reader.document.root))

    def _one_of(self, constants: tuple[Formula, ...]) -> Formula:
        """The formula that only these values meet; scalars among them are one list, however many they are."""
        lists = [f.atom for f in constants if f.op == ATOM and f.atom.is_listing]
        parts = [f for f in constants if f.op != ATOM or not f.atom.is_listing]
        if lists:
            listing = self.reader.listing([v for node in lists for v in node.enum], lists[0].place)
            parts.append(self.formulas.atom(listing))
        return self.formulas.any(parts)

    def few(self, value: Formula, most: int) -> list[Formula] | None:
        """All values of a goal as constants, or None when there are more than ``most``."""
        found = self._few_values(self.goal_of(value), most)
        return None if found is None else [self.constant(v) for v in found]

    def _few_values(self, goal: Goal, most: int) -> list[Any] | None:
        if (not goal.nodes and goal.rest is TRUE) or goal in self._listing:
            return None  # a goal inside itself: its values nest without end
        found: dict[Any, Any] = {}
        self._listing.add(goal)
        try:
            for value in self.values(goal):
                more = self._instances(value, most)
                if more is None:
                    return None
                found |= {canonical(v): v for v in more}
                if len(found) > most:
                    return None
        finally:
            self._listing.remove(goal)
        return list(found.values())

    def has_few(self, value: Value, most: int) -> bool:
        """Whether a residual has no more instances than ``most``."""
        return self._instances(value, most) is not None

    def _instances(self, value: Value, most: int) -> list[Any] | None:
        """All instances of a residual, or None when there are more than ``most``."""
        if isinstance(value, Literal):
            return [{"null": None, "true": True, "false": False}[value.text]]
        if isinstance(value, Number):
            numbers = NumberSet.of(value.spec).values(most)
            return None if numbers is None else list(numbers)
        if isinstance(value, String):
            if value.words is not None:
                return list(value.words) if len(value.words) <= most else None
            words = TextSet.of(value.dfa, value.shortest, value.longest).words_if_few(most + len(value.avoid))
            return None if words is None else [w for w in words if w not in value.avoid]
        if isinstance(value, Array):
            return self._few_arrays(value, most)
        return self._few_objects(value, most)

    def _few_arrays(self, value: Array, most: int) -> list[Any] | None:
        frame, residual = value.frame, value.residual
        found: list[Any] = []
        pending: list[tuple[list[Any], Formula]] = [([], residual)]
        while pending:
            items, f = pending.pop()
            n = len(items)
            if (frame is None or frame.facts.closed(f)) and n >= value.shortest:
                found.append(items)
            if frame is None:
                goal = value.prefix[n] if n < len(value.prefix) else value.rest
                full = value.longest is not None and n >= value.longest
                exits = [] if full or not self.satisfiable(goal) else [(goal, f)]
            else:
                index = min(n, frame.width)
                then = min(index + 1, frame.width)
                exits = [(self.goal_of(v), after) for v, after in frame.live(frame.exits(f, index), then)]
            for goal, after in exits:
                members = self._few_values(goal, most)
                if members is None:
                    return None
                for v in members:
                    noted = after if frame is None else frame.facts.noted(after, self.constant(v))
                    pending.append(([*items, v], noted))
            if len(found) + len(pending) > 2 * most + 64:
                return None
        return _distinct(found, most)

    def _few_objects(self, value: Object, most: int) -> list[Any] | None:
        frame = value.frame
        if frame is None:
            free = value.free is not None and self.satisfiable(value.free)
            if free and value.most is None:
                return None
            if (free or value.patterns is not None) and (value.most is None or value.most > len(value.required)):
                return None
        elif frame.n_kinds and any(frame.is_live(value.residual, None, c) for c in range(frame.n_kinds)):
            return None
        pending: list[tuple[dict[str, Any], Formula]] = [({}, value.residual)]
        for k, (name, goal) in enumerate((*value.names, *value.extra)):
            further: list[tuple[dict[str, Any], Formula]] = []
            for members, f in pending:
                if frame is None:
                    full = value.most is not None and len(members) >= value.most
                    exits = [] if full or not self.satisfiable(goal) else [(goal, f)]
                    absent = f if name not in value.required else FALSE
                else:
                    exits = [(self.goal_of(v), after) for v, after in frame.live(frame.exits(f, k, None))]
                    absent = frame.facts.without(f, [k]) if frame.base.get(k, (True,))[0] else FALSE
                if absent is not FALSE:
                    further.append((members, absent))
                for demand, after in exits:
                    instances = self._few_values(demand, most)
                    if instances is None:
                        return None
                    further += [({**members, name: v}, after) for v in instances]
            if len(further) > 16 * most + 64:
                return None
            pending = further
        fits = [m for m, f in pending if frame is None or frame.facts.closed(f)]
        fits = [m for m in fits if value.fewest <= len(m) and (value.most is None or len(m) <= value.most)]
        return _distinct(fits, most)

    # ------------------------------------------------------------------------------------------------- branches
    def _find_overlaps(self) -> None:
        nodes = self.reader.compound.values()
        for node in nodes:
            node.any_of = tuple(self._listed_together(options) for options in node.any_of)
            node.one_of = tuple(self._listed_together(options, apart=True) for options in node.one_of)
        self.overlaps = Overlaps(self, nodes)
        self._approximate = False
        if self._goals and (
            self.overlaps or self.reader.connecting or any(map(_lists_containers, self.reader.nodes()))
        ):
            self._goals.clear()

    def _listed_together(self, options: list[Node], *, apart: bool = False) -> list[Node]:
        """Alternatives with those that only list scalars as one of them (``apart``: where they share no value)."""
        lists = [option for option in options if option.is_listing]
        if len(lists) < 2:
            return options
        values = [(canonical(v), v) for option in lists for v in option.enum or () if scalars.meets(option, v)]
        distinct = dict(values)
        if not distinct or (apart and len(distinct) < len(values)):
            return options
        together = self.reader.listing(list(distinct.values()), lists[0].place)
        return [together if option is lists[0] else option for option in options if option not in lists[1:]]

    def _branches(self, goal: Goal) -> list[list[Node]] | None:
        """The disjunctive normal form over nodes, as lists of nodes whose own constraints hold together.

        None where some node in place is no plain conjunction, or where the ways are too many.
        """
        compound = self.reader.compound
        if len(goal.nodes) == 1 and goal.nodes[0].serial not in compound:
            (node,) = goal.nodes
            return [[node]] if self._approximate or self.is_plain(node) else None
        work: list[tuple[list[Node], dict[int, Node], list[list[Node]]]] = [(list(reversed(goal.nodes)), {}, [])]
        done: list[list[Node]] = []
        while work:
            pending, flat, choices = work.pop()
            types = ANY_TYPE
            while pending:
                node = pending.pop()
                if node.serial in flat or node.is_anything:
                    continue
                if not (self._approximate or self.is_plain(node)):
                    return None
                flat[node.serial] = node
                pending.extend(reversed(node.all_of))
                choices += [*node.any_of, *node.one_of]
            for node in flat.values():
                types &= node.types
            if not types:
                continue
            if not choices:
                done.append(list(flat.values()))
            else:
                options = choices.pop()
                for option in reversed(options):
                    work.append(([option], dict(flat), list(choices)))
            if len(done) + len(work) > self.max_branches:
                return None
        return done

    def is_plain(self, node: Node) -> bool:
        """Whether a node is a conjunction of keywords and disjunctions."""
        return (
            node.is_conjunctive
            and not any(map(self.overlaps.exist, node.one_of))
            and not (node.enum is not None and _lists_containers(node))
        )

    # ------------------------------------------------------------------------------------------------- general
    def _general(self, goal: Goal) -> Iterator[Value]:
        """The residuals of a goal that is no plain conjunction: by type, as formulas."""
        formula = self.formulas.all((*map(self.formulas.atom, goal.nodes), goal.rest))
        for kind, literal, value in _LITERALS:
            if scalars.admits(self._typed(formula, kind), value):
                yield literal
        number = self._typed(formula, NUMBER)
        if number is not FALSE:
            listed = scalars.listed_numbers(number)
            yield from map(Number, scalars.numbers(number).specs if listed is None else listed)
        yield from self._texts(self._typed(formula, STRING), goal)
        for part in self._apart(self._typed(formula, ARRAY)):
            yield from self._framed_array(ArrayFrame(self, part))
        for part in self._apart(self._typed(formula, OBJECT)):
            yield from self._framed_object(ObjectFrame(self, part))

    def _typed(self, formula: Formula, kind: int) -> Formula:
        """A formula over nodes as one over what they say themselves of a type."""

        def walk(f: Formula) -> Formula:
            if f.op == ATOM:
                return typed.expand(self, f.atom, kind)
            if f.op == NOT:
                return self.typed.no(walk(f.parts[0]))
            if f.op < 0:
                return f
            return (self.typed.any if f.op == OR else self.typed.all)(map(walk, f.parts))

        found = walk(formula)
        return self.typed.grant(found, typed.Unknown) if self.reader.has_unknown else found

    def _texts(self, formula: Formula, goal: Goal) -> list[String]:
        if formula is FALSE:
            return []
        if formula is TRUE:
            return [_ANY_STRING]
        listed = scalars.listed_texts(formula)
        if listed is not None:
            return [String(words=tuple(listed))] if listed else []
        limit = self.reader.max_dfa_states
        avoid, formula = self._avoided(formula)
        try:
            found = scalars.texts(formula, limit)
            parts = found.parts(limit) if avoid else ()
            if parts and all(_can_avoid(dfa, longest) for dfa, _, longest in parts):
                return [String(None, *part, tuple(w for w in avoid if _fits(w, *part))) for part in parts]
            found &= ~TextSet.words(avoid, max_states=limit)
            words = found.words_if_few(MAX_SPELLED)
            if words is not None:
                return [String(words=words)] if words else []
            return [String(None, *part) for part in found.parts(limit)]
        except LimitExceeded as error:
            raise LimitExceeded(error.limit, error.measured, limit, pointer=goal.pointer) from error

    def _avoided(self, formula: Formula) -> tuple[list[str], Formula]:
        """Texts that a formula over nodes excludes one by one, and the rest of it."""
        avoid: set[str] = set()
        others = []
        for part in conjuncts(formula):
            node = part.parts[0].atom if part.op == NOT else None
            if node is not None and node.enum is not None and not (node.texts or node.shortest or node.longest):
                avoid.update(v for v in node.enum if isinstance(v, str) and can_be_written(v))
            else:
                others.append(part)
        return sorted(avoid, key=str.encode), self.typed.all(others)

    def _apart(self, formula: Formula) -> list[Formula]:
        """Alternatives of a container that are followed apart: those that each say something of its structure."""
        done = [formula] if formula is not FALSE else []
        while True:
            for k, f in enumerate(done):
                choice = next((p for p in conjuncts(f) if p.op == OR and _is_structural(p)), None)
                if choice is not None and len(done) + len(choice.parts) - 1 <= MAX_APART:
                    others = [p for p in conjuncts(f) if p is not choice]
                    split = [self.typed.all((*others, option)) for option in disjuncts(choice)]
                    done[k : k + 1] = [f for f in split if f is not FALSE]
                    break
            else:
                return list(dict.fromkeys(done))

    def _framed_array(self, frame: ArrayFrame) -> list[Array]:
        if frame.residual is FALSE:
            return []
        low, high, connected = _bounds(frame.residual)
        prefix = tuple(self.goal_of(frame.value(k)) for k in range(frame.width))
        rest = self.goal_of(frame.value(frame.width))
        if connected:
            return [Array(prefix, rest, 0, None, frame, frame.residual)]
        return [Array(prefix, rest, low, high)]

    def _framed_object(self, frame: ObjectFrame) -> list[Object]:
        if frame.residual is FALSE:
            return []
        low, high, connected = _bounds(frame.residual)
        goals = [self.goal_of(frame.value(None, c)) for c in range(frame.n_kinds)]
        keyed, _ = self._keyed(frame.keys, frame.kinds, goals)
        listed = [(name, self.goal_of(frame.value(k, None))) for k, name in enumerate(frame.names)]
        required = frozenset(frame.names[k] for k, (absent, _) in frame.base.items() if not absent)
        return [
            Object(
                tuple(listed[: frame.n_listed]),
                required,
                extra=tuple(listed[frame.n_listed :]),
                free=keyed if isinstance(keyed, Goal) else None,
                patterns=None if isinstance(keyed, Goal) else keyed,
                fewest=0 if connected else low,
                most=None if connected else high,
                frame=frame if connected else None,
                residual=frame.residual if connected else TRUE,
            )
        ]

    def listed(self, node: Node, kind: int) -> list[Node]:
        """The containers of one type in the ``enum`` of a node, as nodes that say what their members are."""
        key = (node.serial, kind)
        found = self._structures.get(key)
        if found is None:
            assert node.enum is not None
            values = [v for v in node.enum if scalars.kind_of(v) == kind]
            found = self._structures[key] = [self.reader.structure(v, node.place) for v in values]
        return found

    # -------------------------------------------------------------------------------------------- names of objects
    def names_of(
        self, nodes: Sequence[Node], present: Iterable[str], *, apart: bool = True
    ) -> tuple[list[str], int, CharDfa | None, list[int], list[set[bytes]]]:
        """The names that some nodes tell apart.

        Parameters
        ----------
        nodes : sequence of Node
        present : iterable of str
            Further names that are spoken of.
        apart : bool
            Leave listed names out of the automaton.

        Returns
        -------
        names : list of str
            Listed names, then those that finite patterns spell out.
        n_listed : int
        keys : CharDfa or None
            Automaton over all other names; None where they are of one kind.
        kinds : list of int
            Kind of each state of the automaton, -1 where no name may end.
        profiles : list of set of bytes
            Of each kind, the keys of the automata that its names match.
        """
        order = dict.fromkeys(name for n in nodes for name in n.properties)
        order |= dict.fromkeys(name for n in nodes for name in n.required) | dict.fromkeys(present)
        names = [name for name in order if can_be_written(name)]
        languages = self._languages(nodes)
        spelled = {key: words for key, d in languages.items() if (words := self._spelled(key, d)) is not None}
        extra = dict.fromkeys(word for words in spelled.values() for word in words if word not in order)
        rest = {key: d for key, d in languages.items() if key not in spelled}
        if not rest:
            return [*names, *extra], len(names), None, [], [set()]
        keys = list(rest)
        listed = [automata.from_words([*names, *extra])] if apart else []
        product, profiles = automata.product([*rest.values(), *listed], rest=True)
        numbers: dict[int, int] = {}
        kinds = [
            numbers.setdefault(profile, len(numbers)) if ending and profile < 1 << len(keys) else -1
            for profile, ending in zip(profiles, product.accept, strict=True)
        ]
        matched = [{key for k, key in enumerate(keys) if profile >> k & 1} for profile in numbers]
        return [*names, *extra], len(names), product, kinds, matched

    def _spelled(self, key: bytes, language: CharDfa) -> list[str] | None:
        """The words of an automaton over names, where these are few."""
        if key not in self._words:
            self._words[key] = automata.words(language, MAX_SPELLED)
        return self._words[key]

    def _languages(self, nodes: Iterable[Node]) -> dict[bytes, CharDfa]:
        """The automata that nodes judge names by."""
        found = {d.key: d for n in nodes for d, _ in n.patterns}
        for n in nodes:
            if n.property_names is not None:
                language = self._key_language(n.property_names)
                found[language.key] = language
        return found

    def _key_language(self, node: Node) -> CharDfa:
        """The names that ``propertyNames`` allows."""
        found = self._key_languages.get(node.serial)
        if found is None:
            texts = scalars.texts(self._typed(self.value_of(node), STRING), self.reader.max_dfa_states)
            found = self._key_languages[node.serial] = texts.automaton()
        return found

    def profile_of(self, name: str, nodes: Iterable[Node]) -> set[bytes]:
        """The keys of the automata that a name matches."""
        return {key for key, d in self._languages(nodes).items() if automata.matches(d, name)}

    def name_value(self, node: Node, name: str | None, matching: set[bytes]) -> Formula:
        """What a node itself asks of the value of a name (None: any that is not listed)."""
        if node.property_names is not None and self._key_language(node.property_names).key not in matching:
            return FALSE
        return self.formulas.all(self.value_of(child) for child in _child([node], name, matching))

    # ------------------------------------------------------------------------------------------------ residuals
    def _residuals(self, nodes: Sequence[Node]) -> list[Value]:
        """The residual of each type under a conjunction of plain constraints."""
        types = ANY_TYPE
        for node in nodes:
            types &= node.types
        if any(node.enum is not None for node in nodes):
            return self._enumerated(nodes)
        values: list[Value] = [literal for bit, literal, _ in _LITERALS if types & bit]
        if types & NUMBER:
            values.extend(_numbers(tuple(words for n in nodes if (words := scalars.number_words(n)))))
        if types & STRING:
            values.extend(self._string(nodes))
        if types & ARRAY:
            values.append(self._array(nodes))
        if types & OBJECT:
            values.append(self._object(nodes))
        return values

    def _enumerated(self, nodes: Sequence[Node]) -> list[Value]:
        """The scalars listed by ``enum`` and ``const`` that meet everything else."""
        listed = next(node for node in nodes if node.enum is not None)
        assert listed.enum is not None
        kept = [v for v in listed.enum if all(scalars.meets(n, v, is_listed=n is listed) for n in nodes)]
        values: list[Value] = []
        words = {v for v in kept if isinstance(v, str) and can_be_written(v)}
        if words:
            values.append(String(words=tuple(sorted(words, key=str.encode))))
        for v in kept:
            if v is None or isinstance(v, bool):
                values.append(Literal("null" if v is None else "true" if v else "false"))
            elif isinstance(v, (list, dict)):  # only met in the approximation
                values.append(Object((), frozenset()))
            elif not isinstance(v, str) and not scalars.is_far(v):
                values.append(Number(NumberSpec(v, False, v, False, lexical_integer=any(n.lexical for n in nodes))))
        return values

    def _string(self, nodes: Sequence[Node]) -> tuple[String, ...]:
        shortest = max(node.shortest for node in nodes) if nodes else 0
        bounds = [node.longest for node in nodes if node.longest is not None]
        longest = min(bounds) if bounds else None
        if longest is not None and shortest > longest:
            return ()
        texts = dict.fromkeys(t for node in nodes for t in (*node.texts, *node.narrowed))
        if not texts:
            return (String(None, None, shortest, longest) if shortest or bounds else _ANY_STRING,)
        limit = self.reader.max_dfa_states
        try:
            return _strings(tuple(texts), shortest, longest, limit)
        except LimitExceeded as error:
            raise LimitExceeded(error.limit, error.measured, limit, pointer=nodes[0].place.pointer) from error

    def _array(self, nodes: Sequence[Node]) -> Array:
        shortest = max((node.min_items for node in nodes), default=0)
        bounds = [node.max_items for node in nodes if node.max_items is not None]
        longest = min(bounds) if bounds else None
        width = max((len(node.prefix) for node in nodes), default=0)
        prefix = tuple(self.goal(item for node in nodes if (item := _item(node, k))) for k in range(width))
        rest = self.goal(node.items for node in nodes if node.items is not None)
        return Array(prefix, rest, shortest, longest)

    def _object(self, nodes: Sequence[Node]) -> Object:
        objects = [n for n in nodes if typed.says_something(n, OBJECT)]
        required = dict.fromkeys(name for n in objects for name in n.required)
        fewest = max((n.min_properties for n in objects), default=0)
        bounds = [n.max_properties for n in objects if n.max_properties is not None]
        most = min(bounds) if bounds else None
        if not any(n.patterns for n in objects):
            names = dict.fromkeys(name for n in objects for name in n.properties) | required
            names = {name: None for name in names if name in required or can_be_written(name)}
            if len(objects) == 1:
                own, other = objects[0].properties, objects[0].additional
                listed = tuple([(name, self.alone(own.get(name, other))) for name in names])
            else:
                listed = tuple([(name, self.goal(_child(objects, name, set()))) for name in names])
            free = self.goal(n.additional for n in objects if n.additional is not None)
            closed = len(objects) == 1 and free.nodes == (self.reader.nothing,)
            in_order = closed and not _is_sorted(list(objects[0].properties))
            return Object(listed, frozenset(required), free=free, fewest=fewest, most=most, in_order=in_order)
        members, n_listed, keyed = self._told_names(objects)
        return Object(
            tuple(members[:n_listed]),
            frozenset(required),
            extra=tuple(members[n_listed:]),
            free=keyed if isinstance(keyed, Goal) else None,
            patterns=None if isinstance(keyed, Goal) else keyed,
            fewest=fewest,
            most=most,
        )

    def _told_names(
        self, objects: Sequence[Node]
    ) -> tuple[list[tuple[str, Goal]], int, Goal | tuple[CharDfa, tuple[Goal | None, ...]] | None]:
        """What listed names may hold, how many are in the schema, and what others may hold.

        Listed names are left out of the automaton only where that matters: where from some prefix only finitely many
        names follow, all of them may be listed ones, which are never free.
        """
        for apart in (False, True):
            names, n_listed, dfa, kinds, profiles = self.names_of(objects, (), apart=apart)
            keyed, final = self._keyed(dfa, kinds, [self.goal(_child(objects, None, p)) for p in profiles])
            if not isinstance(keyed, tuple) or (final and not (automata.lengths(keyed[0])[1] >= 0).any()):
                break
        members = [(name, self.goal(_child(objects, name, self.profile_of(name, objects)))) for name in names]
        return members, n_listed, keyed

    def _keyed(
        self, dfa: CharDfa | None, kinds: list[int], goals: list[Goal]
    ) -> tuple[Goal | tuple[CharDfa, tuple[Goal | None, ...]] | None, bool]:
        """What names outside the list may hold, without those that nothing satisfies; and whether all of these are
        known (a goal that is being decided has no answer yet, and none may be kept)."""
        if dfa is None:
            return goals[0], True
        kept = [None if self.surely_unsatisfiable(goal) else goal for goal in goals]
        final = all(goal is None or goal.satisfiable for goal in kept)
        return told_apart(dfa, [kept[c] if c >= 0 else None for c in kinds]), final


_NOTHING = 1 << 30  # no open goal was relied upon


T = TypeVar("T", bound=Hashable)


def told_apart(dfa: CharDfa, values: Sequence[T | None]) -> T | tuple[CharDfa, tuple[T | None, ...]] | None:
    """The smallest automaton that tells the value of every text (None: none), or the value that all texts have."""
    numbers: dict[T | None, int] = {None: 0}
    merged, colours = automata.recolour(dfa, [numbers.setdefault(value, len(numbers)) for value in values])
    by_colour = list(numbers)
    if not merged.n_states:
        return None
    if merged.n_states == 1 and automata.absorbing(merged)[0]:
        return by_colour[colours[0]]
    return merged, tuple(by_colour[c] for c in colours)


def _distinct(values: list[Any], most: int) -> list[Any] | None:
    """Values without repetitions (exits may overlap), or None when there are more than ``most``."""
    found = {canonical(v): v for v in values}
    return list(found.values()) if len(found) <= most else None


def _can_avoid(dfa: CharDfa | None, longest: int | None) -> bool:
    """Whether a few texts can be left out at their closing quote, since others always go on from there."""
    if dfa is None:
        return longest != 0
    return longest is None and bool((automata.lengths(dfa)[1] < 0).all())


def _fits(text: str, dfa: CharDfa | None, shortest: int, longest: int | None) -> bool:
    long_enough = shortest <= len(text) and (longest is None or len(text) <= longest)
    return long_enough and (dfa is None or automata.matches(dfa, text))


def _lists_containers(node: Node) -> bool:
    """Whether a node has arrays or objects in its ``enum``."""
    return node.enum is not None and any(isinstance(v, (list, dict)) for v in node.enum)


def _is_structural(choice: Formula) -> bool:
    """Whether at least two alternatives each ask for something that a node says itself, and none excludes another."""
    if any(p.op == NOT for part in choice.parts for p in conjuncts(part)):
        return False
    return sum(any(p.op == ATOM and isinstance(p.atom, Node) for p in conjuncts(part)) for part in choice.parts) > 1


def _bounds(residual: Formula) -> tuple[int, int | None, bool]:
    """The counts that a residual asks for, and whether it asks for anything else."""
    low, high = 0, None
    if not only_counts(residual):
        return 0, None, True
    for part in conjuncts(residual):
        if part.op == NOT:
            high = part.parts[0].atom.least - 1
        else:
            low = part.atom.least
    return low, high, False


def _is_sorted(names: list[str]) -> bool:
    """Whether names stand in alphabetical order, as a program writes them and hardly a person who means an order."""
    return len(names) > 2 and names == sorted(names)


def _children(value: Value) -> Iterable[Goal]:
    """The goals that a residual names."""
    if isinstance(value, Array):
        return (*value.prefix, value.rest)
    if isinstance(value, Object):
        keyed = value.patterns[1] if value.patterns else ()
        named = (goal for _, goal in value.names + value.extra)
        return [goal for goal in (*named, value.free, *keyed) if goal is not None]
    return ()


def _plainly_possible(node: Node) -> bool:
    """Whether a node surely has an instance, without looking at anything below it."""
    return bool(
        node.types
        and node.enum is None
        and not (node.all_of or node.any_of or node.one_of)
        and node.is_conjunctive
        and (
            node.types & (NULL | BOOLEAN)
            or (node.types & OBJECT and not node.required and not node.min_properties)
            or (node.types & ARRAY and not node.min_items)
            or (node.types & STRING and not (node.texts or node.narrowed) and node.longest is None)
            or (node.types & NUMBER and not node.number and node.multiple is None)
        )
    )


def _plainly_possible_together(branch: list[Node]) -> bool:
    """Whether the own constraints of some nodes surely have an instance together: a literal, ``{}`` or ``[]``."""
    types = NULL | BOOLEAN | OBJECT | ARRAY
    for node in branch:
        types &= node.types
        if node.enum is not None:
            return False
        if node.required or node.min_properties:
            types &= ~OBJECT
        if node.min_items:
            types &= ~ARRAY
    return types != 0


def _item(node: Node, k: int) -> Node | None:
    """The node that item ``k`` must meet, or None."""
    return node.prefix[k] if k < len(node.prefix) else node.items


def _child(objects: Iterable[Node], name: str | None, matching: set[bytes]) -> Iterable[Node]:
    """Everything that object nodes say of one key: ``matching`` are the patterns it matches."""
    for node in objects:
        known = False
        if name is not None and name in node.properties:
            known = True
            yield node.properties[name]
        for automaton, child in node.patterns:
            if automaton.key in matching:
                known = True
                yield child
        if not known and node.additional is not None:
            yield node.additional


@lru_cache(maxsize=1024)
def _numbers(words: tuple[scalars.NumberWords, ...]) -> tuple[Number, ...]:
    """The residual of numbers, of what nodes say of them: at most one."""
    if not words:
        return (_ANY_NUMBER,)
    spec = reduce(NumberSpec.intersect, starmap(scalars.spec, words))
    return () if spec.is_empty() else (Number(spec),)


@lru_cache(maxsize=1024)
def _strings(texts: tuple[TextSet, ...], shortest: int, longest: int | None, max_states: int) -> tuple[String, ...]:
    """The residuals of strings: in every set of texts, and of such a length."""
    found = TextSet.of(None, shortest, longest, max_states=max_states)
    for other in texts:
        found &= other
    return tuple(String(None, *part) for part in found.parts(max_states))


__all__ = ["Goal", "Goals", "told_apart"]
