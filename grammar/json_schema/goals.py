"""Goals: what a value must be, worked out on demand.

A goal is a conjunction of nodes (later: any formula over them). Its branches are the ways to meet the disjunctions
inside; of each branch, each JSON type has one residual: the constraints of that type, merged. Children are goals again,
made by differentiating: the goal of a key is the conjunction of what every node says of that key.

A goal is satisfiable when some type can still be met; asked on demand, remembered, and "in progress" counts as no,
which is exact because a shortest witness repeats no goal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from decimal import Decimal
from typing import Any

from .. import dfa as automata
from ..dfa import CharDfa
from ..errors import GrammarError, LimitExceeded
from ..number import NumberSpec
from .nodes import ANY_TYPE, ARRAY, BOOLEAN, NULL, NUMBER, OBJECT, STRING, Node, Reader
from .nodes import listed as is_listed
from .values import Array, Literal, Number, Object, String, Value

_LITERALS = ((NULL, "null"), (BOOLEAN, "true"), (BOOLEAN, "false"))
_ANY_NUMBER = Number(NumberSpec(None, False, None, False))
_ANY_STRING = String()


MAX_SPELLED = 64  # words up to which a pattern over names is read as a list of names


class Goal:
    """A hash-consed conjunction of nodes.

    Attributes
    ----------
    nodes : tuple of Node
        Sorted, distinct, without the node that allows anything.
    satisfiable : bool or None
        None: not known yet.
    """

    __slots__ = ("candidates", "nodes", "satisfiable")

    def __init__(self, nodes: tuple[Node, ...]) -> None:
        self.nodes = nodes
        self.candidates: tuple[Value, ...] | None = None
        self.satisfiable: bool | None = None

    @property
    def pointer(self) -> str:
        """Where the first schema of the goal stands."""
        return self.nodes[0].place.pointer if self.nodes else ""


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
    """

    def __init__(self, reader: Reader, *, max_branches: int, max_depth: int) -> None:
        self.reader = reader
        self.max_branches = max_branches
        self.max_depth = max_depth
        self._goals: dict[tuple[int, ...], Goal] = {}
        self._open: dict[int, int] = {}  # goals being decided -> depth
        self._leaned = 1 << 30  # least depth of an open goal that a "no" relied on
        self._bare: dict[int, Node] = {}

    def goal(self, nodes: Iterable[Node]) -> Goal:
        """The goal of a conjunction."""
        distinct = {n.serial: n for n in nodes if not n.is_anything}
        key = tuple(sorted(distinct))
        found = self._goals.get(key)
        if found is None:
            found = self._goals[key] = Goal(tuple(distinct[k] for k in key))
        return found

    # ------------------------------------------------------------------------------------------- satisfiability
    def satisfiable(self, goal: Goal) -> bool:
        """Whether some value meets a goal."""
        if goal.satisfiable is not None:
            return goal.satisfiable
        if not goal.nodes or (len(goal.nodes) == 1 and _plainly_possible(goal.nodes[0])):
            goal.satisfiable = True
            return True
        here = id(goal)
        if here in self._open:
            self._leaned = min(self._leaned, self._open[here])
            return False
        depth = len(self._open)
        if depth >= self.max_depth:
            raise LimitExceeded("max_depth", depth + 1, self.max_depth, pointer=goal.pointer)
        outer, self._leaned = self._leaned, 1 << 30
        self._open[here] = depth
        try:
            answer = any(map(self._possible, self.candidates(goal)))
        finally:
            del self._open[here]
            leaned, self._leaned = self._leaned, min(outer, self._leaned)
        if answer or leaned >= depth:
            goal.satisfiable = answer
            if leaned >= depth:
                self._leaned = outer
        return answer

    def _possible(self, value: Value) -> bool:
        """Whether a residual has an instance."""
        if isinstance(value, Object):
            due = [(name, goal) for name, goal in value.names if name in value.required]
            return all(can_be_written(name) and self.satisfiable(goal) for name, goal in due)
        if isinstance(value, Array):
            if value.longest is not None and value.shortest > value.longest:
                return False
            head = value.prefix[: value.shortest]
            return all(map(self.satisfiable, head)) and (
                value.shortest <= len(value.prefix) or self.satisfiable(value.rest)
            )
        return True

    def values(self, goal: Goal) -> tuple[Value, ...]:
        """The ways to meet a goal, one per branch and JSON type, each of them satisfiable."""
        return tuple(filter(self._possible, self.candidates(goal)))

    def reach(self, root: Goal) -> None:
        """Work out every goal that generation can meet, where one of them might pass a limit.

        An error must come before the first token. Only disjunctions multiply out and only conjunctions of automata
        grow, so a document without them is left to be worked out as generation gets there.
        """
        nodes = self.reader.nodes()
        if not any(n.any_of or n.one_of for n in nodes) and not (any(n.all_of for n in nodes) and _has_automata(nodes)):
            return
        met, pending = {root}, [root]
        while pending:
            for value in self.values(pending.pop()):
                for child in _children(value):
                    if child not in met:
                        met.add(child)
                        pending.append(child)

    def candidates(self, goal: Goal) -> tuple[Value, ...]:
        """The same before satisfiability of children has been asked."""
        if goal.candidates is None:
            found: dict[Value, None] = {}
            for branch in self._branches(goal):
                for value in self._residuals(branch):
                    found[value] = None
            goal.candidates = tuple(found)
        return goal.candidates

    # ------------------------------------------------------------------------------------------------- branches
    def _branches(self, goal: Goal) -> list[list[Node]]:
        """The disjunctive normal form over nodes, as lists of nodes whose own constraints hold together."""
        work: list[tuple[list[Node], dict[int, Node], list[list[Node]]]] = [(list(reversed(goal.nodes)), {}, [])]
        done: list[list[Node]] = []
        while work:
            pending, flat, choices = work.pop()
            types = ANY_TYPE
            while pending:
                node = pending.pop()
                if node.serial in flat or node.is_anything:
                    continue
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
                raise LimitExceeded(
                    "max_branches", len(done) + len(work), self.max_branches, pointer=goal.pointer, keyword="anyOf"
                )
        return done

    def check(self, node: Node) -> None:
        """Refuse what the residuals of a node cannot carry yet."""
        if node.one_of:
            self._check_one_of(node)
        if node.unique and (node.max_items is None or node.max_items > 1):
            self.reader.refuse(node, "uniqueItems")
        if node.min_properties > len(node.required):
            self.reader.refuse(node, "minProperties")
        closed = node.additional is not None and node.additional.types == 0 and not node.patterns
        if node.max_properties is not None and not (closed and len(node.properties) <= node.max_properties):
            self.reader.refuse(node, "maxProperties")

    def _check_one_of(self, node: Node) -> None:
        """Refuse a ``oneOf`` unless no value can meet two of its branches (then it reads like ``anyOf``)."""
        for options in node.one_of:
            for k, first in enumerate(options):
                for second in options[k + 1 :]:
                    if self.satisfiable(self.goal([self._without_choices(node), first, second])):
                        reason = f"{first.place.pointer} and {second.place.pointer} can hold together."
                        self.reader.refuse(node, "oneOf", reason + " Overlapping branches are not enforced yet.")
                        return

    def _without_choices(self, node: Node) -> Node:
        """A node's own constraints alone."""
        found = self._bare.get(node.serial)
        if found is None:
            found = copy(node)
            found.serial = self.reader.next_serial()
            found.all_of = found.any_of = found.one_of = ()
            self._bare[node.serial] = found
        return found

    # ------------------------------------------------------------------------------------------------ residuals
    def _residuals(self, nodes: Sequence[Node]) -> list[Value]:
        """The residual of each type under a conjunction of plain constraints."""
        types = ANY_TYPE
        for node in nodes:
            types &= node.types
        if any(node.enum is not None for node in nodes):
            return self._enumerated(nodes)
        values: list[Value] = [Literal(text) for bit, text in _LITERALS if types & bit]
        if types & NUMBER:
            values.extend(_number(nodes))
        if types & STRING:
            values.extend(self._string(nodes))
        if types & ARRAY:
            values.append(self._array(nodes))
        if types & OBJECT:
            values.append(self._object(nodes))
        return values

    def _enumerated(self, nodes: Sequence[Node]) -> list[Value]:
        """The values listed by ``enum`` and ``const`` that meet everything else."""
        listed = next(node for node in nodes if node.enum is not None)
        assert listed.enum is not None
        kept = [v for v in listed.enum if all(self.holds(n, v, listed=n is listed) for n in nodes)]
        values: list[Value] = []
        words = {v for v in kept if isinstance(v, str) and can_be_written(v)}
        if words:
            values.append(String(words=tuple(sorted(words, key=str.encode))))
        for v in kept:
            if v is None or isinstance(v, bool):
                values.append(Literal("null" if v is None else "true" if v else "false"))
            elif isinstance(v, (int, float, Decimal)):
                number = NumberSpec(v, False, v, False, lexical_integer=any(n.lexical for n in nodes))  # type: ignore[arg-type]
                values.append(Number(number))
            elif isinstance(v, list):
                goals = tuple(self.goal([self.reader.constant(item, listed.place)]) for item in v)
                values.append(Array(goals, self.goal([self.reader.nothing]), len(v), len(v)))
            elif isinstance(v, dict):
                names = tuple((k, self.goal([self.reader.constant(item, listed.place)])) for k, item in v.items())
                values.append(Object(names, frozenset(v)))
        return values

    def _string(self, nodes: Sequence[Node]) -> list[String]:
        shortest = max(node.shortest for node in nodes) if nodes else 0
        bounds = [node.longest for node in nodes if node.longest is not None]
        longest = min(bounds) if bounds else None
        dfas = list({d.key: d for node in nodes for d in node.dfas}.values())
        if longest is not None and shortest > longest:
            return []
        if not dfas:
            return [String(None, None, shortest, longest) if shortest or bounds else _ANY_STRING]
        language = dfas[0]
        try:
            for other in dfas[1:]:
                language = automata.intersection(language, other)
            if shortest or longest is not None:
                language, shortest, longest = _bounded(language, shortest, longest, self.reader.max_dfa_states)
        except LimitExceeded as error:
            raise LimitExceeded(
                error.limit, error.measured, self.reader.max_dfa_states, pointer=nodes[0].place.pointer
            ) from error
        return [String(None, language, shortest, longest)] if language.n_states else []

    def _array(self, nodes: Sequence[Node]) -> Array:
        shortest = max((node.min_items for node in nodes), default=0)
        bounds = [node.max_items for node in nodes if node.max_items is not None]
        longest = min(bounds) if bounds else None
        width = max((len(node.prefix) for node in nodes), default=0)
        prefix = tuple(self.goal(item for node in nodes if (item := _item(node, k))) for k in range(width))
        rest = self.goal(node.items for node in nodes if node.items is not None)
        return Array(prefix, rest, shortest, longest)

    def _object(self, nodes: Sequence[Node]) -> Object:
        objects = [n for n in nodes if n.properties or n.patterns or n.additional is not None or n.required]
        required = dict.fromkeys(name for n in objects for name in n.required)
        names = dict.fromkeys(name for n in objects for name in n.properties) | required
        names = {name: None for name in names if name in required or can_be_written(name)}
        patterns = {d.key: d for n in objects for d, _ in n.patterns}
        if not patterns:
            listed = tuple((name, self.goal(_child(objects, name, set()))) for name in names)
            free = self.goal(n.additional for n in objects if n.additional is not None)
            return Object(listed, frozenset(required), free=free)
        spelled = {key: words for key, d in patterns.items() if (words := automata.words(d, MAX_SPELLED)) is not None}
        extra = dict.fromkeys(word for words in spelled.values() for word in words if word not in names)

        def goal_of(name: str) -> Goal:
            return self.goal(_child(objects, name, {key for key, d in patterns.items() if automata.matches(d, name)}))

        keyed = self._free_names(
            objects, {key: d for key, d in patterns.items() if key not in spelled}, [*names, *extra]
        )
        return Object(
            tuple((name, goal_of(name)) for name in names),
            frozenset(required),
            extra=tuple((name, goal_of(name)) for name in extra),
            free=keyed if isinstance(keyed, Goal) else None,
            patterns=None if isinstance(keyed, Goal) else keyed,
        )

    def _free_names(
        self, objects: Sequence[Node], patterns: Mapping[bytes, CharDfa], names: list[str]
    ) -> Goal | tuple[CharDfa, tuple[Goal | None, ...]] | None:
        """What names outside the list may hold: one goal, or an automaton over names with the goal of each state."""
        keys = list(patterns)
        if not keys:
            return self.goal(_child(objects, None, set()))
        inputs = [patterns[k] for k in keys]
        keyed = self._keyed(objects, keys, *automata.product(inputs, rest=True))
        if keyed is not None and not isinstance(keyed, Goal) and (automata.lengths(keyed[0])[1] >= 0).any():
            # from some prefix only finitely many names follow: all of them may be listed ones, which are never free
            keyed = self._keyed(objects, keys, *automata.product([*inputs, automata.from_words(names)], rest=True))
        return keyed

    def _keyed(
        self, objects: Sequence[Node], keys: list[bytes], product: CharDfa, profiles: list[int]
    ) -> Goal | tuple[CharDfa, tuple[Goal | None, ...]] | None:
        """Goals for the states of an automaton that tells which patterns a name matches, and whether it is listed."""
        numbers: dict[Goal | None, int] = {None: 0}
        colours = []
        for profile, ending in zip(profiles, product.accept, strict=True):
            goal: Goal | None = None
            if ending and profile < 1 << len(keys):
                goal = self.goal(_child(objects, None, {key for k, key in enumerate(keys) if profile >> k & 1}))
            colours.append(numbers.setdefault(goal if goal and self.satisfiable(goal) else None, len(numbers)))
        merged, colours = automata.recolour(product, colours)
        if not merged.n_states:
            return None
        by_colour = list(numbers)
        if merged.n_states == 1 and automata.absorbing(merged)[0]:
            return by_colour[colours[0]]
        return merged, tuple(by_colour[c] for c in colours)

    # --------------------------------------------------------------------------------------------- plain values
    def holds(self, node: Node, value: Any, *, listed: bool = False) -> bool:
        """Whether a given value meets a node (for ``enum`` and ``const`` beside other keywords).

        ``listed``: the value is known to be in the node's own ``enum``.
        """
        if not _kind(value) & node.types or (node.integer and not _is_integer(value, node.lexical)):
            return False
        if not listed and node.enum is not None and not is_listed(value, node):
            return False
        if not all(self.holds(n, value) for n in node.all_of):
            return False
        if not all(any(self.holds(n, value) for n in options) for options in node.any_of):
            return False
        if not all(sum(self.holds(n, value) for n in options) == 1 for options in node.one_of):
            return False
        if isinstance(value, str):
            longest = len(value) if node.longest is None else node.longest
            return node.shortest <= len(value) <= longest and all(automata.matches(d, value) for d in node.dfas)
        if isinstance(value, list):
            most = len(value) if node.max_items is None else node.max_items
            return node.min_items <= len(value) <= most and all(
                self.holds(item, v) for k, v in enumerate(value) if (item := _item(node, k)) is not None
            )
        if isinstance(value, dict):
            most = len(value) if node.max_properties is None else node.max_properties
            if not node.min_properties <= len(value) <= most or not all(k in value for k in node.required):
                return False
            return all(
                self.holds(child, v)
                for k, v in value.items()
                for child in _child([node], k, {d.key for d, _ in node.patterns if automata.matches(d, k)})
            )
        if isinstance(value, bool) or value is None:
            return True
        return all(number.spec.admits(value) for number in _number([node])) and bool(_number([node]))


def _has_automata(nodes: Iterable[Node]) -> bool:
    """Whether strings or names are read by automata."""
    return any(n.dfas or n.patterns for n in nodes)


def _children(value: Value) -> Iterable[Goal]:
    """The goals that a residual names."""
    if isinstance(value, Array):
        return (*value.prefix, value.rest)
    if isinstance(value, Object):
        keyed = value.patterns[1] if value.patterns else ()
        named = (goal for _, goal in value.names + value.extra)
        return [goal for goal in (*named, value.free, *keyed) if goal is not None]
    return ()


def can_be_written(text: str) -> bool:
    """Whether a text has a UTF-8 form: one with a lone surrogate has none, so no JSON text can hold it."""
    return text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)


def _plainly_possible(node: Node) -> bool:
    """Whether a node surely has an instance, without looking at anything below it."""
    return bool(
        node.types
        and node.enum is None
        and not (node.all_of or node.any_of or node.one_of)
        and (
            node.types & (NULL | BOOLEAN)
            or (node.types & OBJECT and not node.required)
            or (node.types & ARRAY and not node.min_items)
            or (node.types & STRING and not node.dfas and node.longest is None)
            or (node.types & NUMBER and not node.number and node.multiple is None)
        )
    )


def _kind(value: Any) -> int:
    """Type bit of a Python value."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, str):
        return STRING
    if isinstance(value, list):
        return ARRAY
    return OBJECT if isinstance(value, dict) else NUMBER


def _is_integer(value: Any, lexical: bool) -> bool:
    """Whether a value may stand where integers are asked for (other types are not concerned)."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return True
    return isinstance(value, int) if lexical else value == int(value)


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


def _number(nodes: Iterable[Node]) -> list[Number]:
    """The residual of numbers: at most one."""
    spec = None
    for node in nodes:
        if not (node.number or node.integer or node.multiple is not None):
            continue
        lo = hi = None
        lo_open = hi_open = False
        for keyword, value in node.number:
            bound = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
            is_open = keyword.startswith("exclusive")
            if keyword.endswith("inimum"):
                if lo is None or bound > lo or (bound == lo and is_open):
                    lo, lo_open = bound, is_open
            elif hi is None or bound < hi or (bound == hi and is_open):
                hi, hi_open = bound, is_open
        step = None if node.multiple is None else Decimal(repr(node.multiple))
        own = NumberSpec(lo, lo_open, hi, hi_open, node.integer, node.lexical, step)
        spec = own if spec is None else spec.intersect(own)
    if spec is None:
        return [_ANY_NUMBER]
    return [] if spec.is_empty() else [Number(spec)]


def _bounded(language: CharDfa, shortest: int, longest: int | None, max_states: int) -> tuple[CharDfa, int, int | None]:
    """A language with bounds on its length: counted beside the automaton where that is exact, else built in."""
    if not language.n_states:
        return language, 0, None
    low, high, _ = automata.lengths(language)
    if low[0] >= shortest and (longest is None or 0 <= high[0] <= longest):
        return language, 0, None
    if (longest is not None and low[0] > longest) or 0 <= high[0] < shortest:
        return automata.from_words([]), 0, None
    if longest is None or automata.gaps_below(language, longest - shortest + 1):
        return language, shortest, longest
    return automata.restrict_length(language, shortest, longest, max_states=max_states), 0, None


__all__ = ["Goal", "Goals", "GrammarError"]
