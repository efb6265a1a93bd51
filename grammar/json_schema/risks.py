"""Whether a document could pass a limit somewhere: an upper bound, from its nodes alone.

An error must come before the first token, but most documents are far from every limit, and working out all of their
goals to see it would cost more than the first mask. So sets of nodes are looked at that hold more than any goal does:
alternatives are put together as if all were asked at once. Where no such set can pass a limit, no goal can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from functools import partial
from itertools import chain, zip_longest
from math import prod
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from ..dfa import most_together
from ..errors import LimitExceeded
from ..number_table import MAX_MULTIPLE
from ..text_set import TextSet
from .branches import is_plain, lists_containers
from .free_names import children
from .names import matches
from .nodes import ARRAY, OBJECT, Node
from .plain import strings
from .typed import says_something

if TYPE_CHECKING:
    from .goals import Goal, Goals

FEW_NODES = 8  # up to so many that speak of one container, none of its members has too many exits

Nodes = dict[int, Node]  # by serial
Sizes = Callable[[Node], dict[Any, int]]  # what a node contributes to a product, by what it is
Key = tuple[int, ...]  # sorted serials


class Risks:
    """The sets of nodes that may be asked about one value.

    Parameters
    ----------
    goals : Goals

    Attributes
    ----------
    found : list of Node
        Those from which a set is put together that could pass a limit.
    are_large : bool
        Whether that may be a limit on automata, or on multiples.
    """

    def __init__(self, goals: Goals) -> None:
        self.goals = goals
        self.are_large = False
        self._closed: dict[int, Nodes] = {}
        self._plain: dict[int, bool] = {}
        self._weights: dict[int, tuple[int, int]] = {}
        self._sets: dict[Key, Nodes] = {}
        self._origins: dict[Key, set[Key]] = {}  # of sets of several nodes: the sets whose members they are
        self._members: dict[Key, list[Key]] = {}
        nodes = goals.reader.nodes()
        compound = goals.reader.compound
        self._negated = self._below_negations(nodes)
        inner = {n.serial for node in compound.values() for n in node.in_place()}
        alone = [n for n in nodes if n.serial in compound or _may_be_risky(n)]
        risky = self._risky(n for n in alone if n.serial not in inner)
        self.found: list[Node] = []
        self._known: set[int] = set()
        self._above: set[int] = set()
        if risky:  # a value that also stands in place of others asks for less than those
            values = {nodes[0].serial, *(child.serial for n in nodes for child in children(n))}
            risky += self._risky(n for n in alone if n.serial in inner and n.serial in values)
            above = _above(risky, self._origins)
            negating = self._negating(above)
            roots = {key[0]: self._sets[key][key[0]] for key in above if len(key) == 1}
            roots |= {serial: n for serial, n in negating.items() if not is_plain(goals, n)}
            self.found = [roots[serial] for serial in sorted(roots)]
            self._known.update(n.serial for n in nodes)
            self._above.update(goals.reader.representative(n).serial for n in negating.values())
            for key in above:  # formulas have the first node of those with one text
                self._above.update(key, (goals.reader.representative(n).serial for n in self._sets[key].values()))

    def _risky(self, alone: Iterable[Node]) -> list[Key]:
        """The sets that could pass a limit, of those that are put together from some nodes."""
        sets, members = self._sets, self._members
        risky: list[Key] = []
        pending = []
        for node in alone:
            key: Key = (node.serial,)
            sets[key] = {node.serial: node}
            pending.append(key)
        while pending:
            key = pending.pop()
            nodes = list(self._in_place(sets[key]).values())
            if self._is_risky(sets[key], nodes):
                risky.append(key)
            containers = [n for n in nodes if _has_members(n)]
            if len(containers) < 2 and not any(n.patterns for n in containers):
                continue  # what one node says of a member stands alone
            about = tuple(n.serial for n in containers)
            if about not in members:
                members[about] = []
                for child in _children(containers):
                    to = tuple(sorted(child))
                    members[about].append(to)
                    if to not in sets:
                        sets[to] = child
                        pending.append(to)
            for to in members[about]:
                self._origins.setdefault(to, set()).add(key)
        return [key for key in risky if not self._is_one_of_each(key)]

    def _below_negations(self, nodes: Iterable[Node]) -> dict[int, list[Node]]:
        """By serial number, the nodes whose negation may be asked of a value, with those that they are parts of."""
        pending: list[tuple[Node, Node]] = []
        for n in nodes if self.goals.reader.connecting or self.goals.overlaps else ():
            if not is_plain(self.goals, n):
                options = (option for choice in n.one_of if self.goals.overlaps.exist(choice) for option in choice)
                tests = (test for test, _, _ in n.conditions)
                pending += ((part, n) for part in chain(n.none_of, tests, options))
                pending += () if n.contains is None else ((n.contains, n),)
        found: dict[int, list[Node]] = {}
        while pending:
            node, whole = pending.pop()
            if node.serial not in found:
                found[node.serial] = []
                pending += ((part, node) for part in chain(node.in_place(), children(node)))
            found[node.serial].append(whole)
        return found

    def _negating(self, keys: Iterable[Key]) -> Nodes:
        """The nodes that negated ones among some sets are parts of, up to those that negate them."""
        found: Nodes = {}
        pending = [serial for key in keys for serial in key]
        while pending:
            for whole in self._negated.get(pending.pop(), ()):
                if whole.serial not in found:
                    found[whole.serial] = whole
                    pending.append(whole.serial)
        return found

    def _is_plain(self, node: Node) -> bool:
        """Whether nothing but conjunctions and disjunctions is ever asked of a node and those in place."""
        found = self._plain.get(node.serial)
        if found is None:
            found = self._plain[node.serial] = node.serial not in self._negated and is_plain(self.goals, node)
        return found

    def _weight(self, node: Node) -> tuple[int, int]:
        """How often a node speaks of the members of an object, and of those of an array."""
        found = self._weights.get(node.serial)
        if found is None:
            found = self._weights[node.serial] = (_weight(node, OBJECT), _weight(node, ARRAY))
        return found

    def may_lead_to_one(self, goal: Goal) -> bool:
        """Whether a goal may be, or contain, one that could pass a limit."""
        nodes = (*goal.nodes, *(a.atom for a in goal.rest.atoms))
        return all(n.serial in self._above or not (n.goal or n.serial in self._known) for n in nodes)

    def _in_place(self, roots: Nodes) -> Nodes:
        """Some nodes with all that are asked about the same value."""
        found: Nodes = {}
        for root in roots.values():
            closed = self._closure(root)
            if len(roots) == 1:
                return closed
            found.update(closed)
        return found

    def _closure(self, root: Node) -> Nodes:
        found = self._closed.get(root.serial)
        if found is None:
            found = self._closed[root.serial] = {root.serial: root}
            compound = self.goals.reader.compound
            pending = [root] if root.serial in compound else []
            while pending:
                for node in pending.pop().in_place():
                    if node.serial not in found and not node.says_nothing:
                        found[node.serial] = node
                        if node.serial in compound:
                            pending.append(node)
        return found

    def _is_risky(self, roots: Nodes, nodes: list[Node]) -> bool:
        """Whether constraints on one value may multiply beyond a limit."""
        plain = all(map(self._is_plain, nodes))
        if any(map(_is_sized, nodes)) and (_has_too_many_steps(nodes) or self._may_be_large(roots, nodes, plain)):
            self.are_large = True
            return True
        if not plain:
            if len(nodes) <= FEW_NODES and not any(n.enum or n.contains for n in nodes):
                return False  # each speaks of them once at most
            return max(map(sum, zip(*map(self._weight, nodes), strict=True))) > FEW_NODES
        return prod(map(_ways, roots.values())) > self.goals.max_branches

    def _may_be_large(self, roots: Nodes, nodes: list[Node], plain: bool) -> bool:
        """Whether automata may multiply beyond a limit."""
        for sizes_of, limit in self._limits:
            sizes: dict[Any, int] = {}
            for n in filter(_SIZED[sizes_of], nodes):
                for what, size in sizes_of(n).items():
                    sizes[what] = max(size, sizes.get(what, 0))
            if len(sizes) > 1 and prod(sizes.values()) > limit:
                if sizes_of is _texts and len(nodes) == 1:
                    return _is_large(nodes[0], limit, negated=not plain)
                return not plain or prod(_most(root, sizes_of) for root in roots.values()) > limit
        return False

    def _is_one_of_each(self, key: Key) -> bool:
        """Whether the nodes of a set are what alternatives say of a member, of which a value meets one at a time."""
        members = self._sets[key]
        below = list(self._in_place(members).values())
        if len(key) < 2 or _has_too_many_steps(below):
            return False
        bounds: list[tuple[Callable[[Node], int], int]]
        if all(map(self._is_plain, below)):
            bounds = [(partial(_most, sizes_of=sizes_of), limit) for sizes_of, limit in self._limits]
            bounds += [(_ways, self.goals.max_branches)]
        else:
            bounds = [(partial(self._joint, sizes_of=sizes_of), limit) for sizes_of, limit in self._limits]
            bounds += [(partial(self._sets_of, kind=kind), 1 << FEW_NODES) for kind in (OBJECT, ARRAY)]
        for origin in self._origins[key]:
            if len(origin) > 1 or not all(map(self._is_plain, self._in_place(self._sets[origin]).values())):
                return False
            root = self._sets[origin][origin[0]]
            if any(_most_of_member(root, members, bound) > limit for bound, limit in bounds):
                return False
        return True

    def _joint(self, node: Node, sizes_of: Sizes) -> int:
        """The product of all automata of a node and those in place."""
        return prod({what: size for n in self._closure(node).values() for what, size in sizes_of(n).items()}.values())

    def _sets_of(self, node: Node, kind: int) -> int:
        """The number of sets of nodes that speak of a container: a node, and those in place."""
        return 1 << sum(self._weight(n)[kind == ARRAY] for n in self._closure(node).values())

    @property
    def _limits(self) -> tuple[tuple[Sizes, int], ...]:
        limit = self.goals.reader.max_dfa_states
        return (_texts, limit), (_patterns, limit)


def _may_be_risky(node: Node) -> bool:
    """Whether a node alone could be asked too much."""
    several_texts = len(node.texts) + len(node.narrowed) + (node.longest is not None) > 1
    scalar = several_texts or node.multiple is not None
    return scalar or bool(node.patterns) or not node.is_conjunctive or lists_containers(node)


def _texts(node: Node) -> dict[Any, int]:
    """The sizes of the automata that strings are read by; a bound on the length may be built into them."""
    found: dict[Any, int] = {}
    for t in (*node.texts, *node.narrowed):
        found[tuple(id(d) for _, d in t.pieces)] = sum(d.n_states + 1 for _, d in t.pieces)
    if node.longest is not None:
        found["longest"] = node.longest + 1
    return found


def _is_large(node: Node, limit: int, *, negated: bool) -> bool:
    """Whether the strings of a node that stands alone may pass a limit. One automaton with a length is worked out."""
    texts = (*node.texts, *node.narrowed)
    if len(texts) > 1:
        whole = [dfa for t in texts for first, dfa in t.pieces if len(t.pieces) == 1]
        return negated or node.longest is not None or len(whole) < len(texts) or most_together(whole) > limit
    try:
        strings(texts, node.shortest, node.longest, limit)
        if negated:
            found = TextSet.of(None, node.shortest, node.longest, max_states=limit) & texts[0]
            (~found).parts(limit)
    except LimitExceeded:
        return True
    return False


def _patterns(node: Node) -> dict[Any, int]:
    """The sizes of the automata that names are read by."""
    return {id(d): d.n_states + 1 for d, _ in node.patterns}


_SIZED: dict[Sizes, Callable[[Node], Any]] = {  # which nodes contribute anything
    _texts: lambda node: node.texts or node.narrowed or node.longest is not None,
    _patterns: attrgetter("patterns"),
}


def _most(node: Node, sizes_of: Sizes) -> int:
    """A bound on a product over a plain node and those in place, whichever of its alternatives are taken."""
    found = prod(sizes_of(node).values()) * prod(_most(other, sizes_of) for other in node.all_of)
    return found * prod(max(_most(o, sizes_of) for o in options) for options in (*node.any_of, *node.one_of))


def _ways(node: Node) -> int:
    """How many ways there are to meet the disjunctions of a plain node and those in place."""
    if not (node.all_of or node.any_of or node.one_of):
        return 1
    found = prod(map(_ways, node.all_of))
    return found * prod(sum(map(_ways, options)) for options in (*node.any_of, *node.one_of))


def _most_of_member(node: Node, members: Nodes, bound: Callable[[Node], int]) -> int:
    """A bound on what a plain node and those in place say of a member together, ``members`` among them."""
    own = {child.serial: child for child in children(node) if child.serial in members}
    found = prod(map(bound, own.values())) * prod(_most_of_member(other, members, bound) for other in node.all_of)
    choices = (*node.any_of, *node.one_of)
    return found * prod(max(_most_of_member(o, members, bound) for o in options) for options in choices)


def _above(keys: list[Key], origins: dict[Key, set[Key]]) -> set[Key]:
    """Some sets with those from which they are reached, up to single nodes."""
    met, pending = set(keys), list(keys)
    while pending:
        more = origins.get(pending.pop(), set()) - met
        met |= more
        pending.extend(more)
    return met


def _weight(node: Node, kind: int) -> int:
    """How often a node speaks of the members of a container."""
    listed = sum(isinstance(v, list if kind == ARRAY else dict) for v in node.enum or ())
    counted = (node.min_contains, node.max_contains) if kind == ARRAY and node.contains is not None else ()
    return listed + says_something(node, kind) + sum(min(count, FEW_NODES) for count in counted if count is not None)


def _is_sized(node: Node) -> bool:
    """Whether a node says something of which automata or multiples are made."""
    scalar = node.texts or node.narrowed or node.longest is not None or node.multiple is not None
    return bool(scalar or node.patterns)


def _has_too_many_steps(nodes: list[Node]) -> bool:
    """Whether multiples could be too many to be told apart. Each alone is within limits."""
    steps = {n.multiple for n in nodes if n.multiple is not None}
    sizes = (int("".join(map(str, Decimal(repr(step)).as_tuple().digits))) for step in steps)
    return len(steps) > 1 and prod(sizes) > MAX_MULTIPLE


def _has_members(node: Node) -> bool:
    """Whether a node says something of members that it does not say of all values alike."""
    own = node.properties or node.patterns or node.additional or node.items or node.prefix
    return bool(own or node.contains or node.property_names or node.unevaluated_properties or node.unevaluated_items)


def _children(nodes: list[Node]) -> Iterator[Nodes]:
    """For each member that some nodes tell apart: all that they may say of it, where that are several nodes."""
    for members in (_names(nodes), _items(nodes)):
        for member in members:
            found = {n.serial: n for n in member if n is not None and not n.says_nothing and n.types}
            if len(found) > 1:
                yield found


def _names(nodes: list[Node]) -> Iterator[list[Node | None]]:
    others = [other for n in nodes for other in (n.additional, n.unevaluated_properties)]
    patterns = [pattern for n in nodes for pattern in n.patterns if not pattern[1].says_nothing]
    named: dict[str, list[Node | None]] = {}
    for n in nodes:
        for name, child in n.properties.items():
            named.setdefault(name, []).append(child)
    wider = [n for n in nodes if n.additional is not None and not n.additional.says_nothing]
    for name, own in named.items():
        if len(own) == 1 and not wider and not patterns:
            continue
        others_say = (n.additional for n in wider if name not in n.properties)
        yield [*own, *others_say, *(child for d, child in patterns if matches(d, name))]
    yield others + [child for _, child in patterns]


def _items(nodes: list[Node]) -> Iterator[list[Node | None]]:
    always = [n for node in nodes for n in (node.contains, node.unevaluated_items)]
    prefixes = [node.prefix for node in nodes]
    for at in zip_longest(*prefixes):
        yield [n or node.items for n, node in zip(at, nodes, strict=True)] + always
    yield [node.items for node in nodes] + always
