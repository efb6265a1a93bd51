"""Whether a document could pass a limit somewhere: an upper bound, from its nodes alone.

An error must come before the first token, but most documents are far from every limit, and working out all of their
goals to see it would cost more than the first mask. So sets of nodes are looked at that hold more than any goal does:
alternatives are put together as if all were asked at once. Where no such set can pass a limit, no goal can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from functools import lru_cache
from itertools import zip_longest
from math import prod
from typing import TYPE_CHECKING, Any

from .. import dfa as automata
from ..number_table import MAX_MODULUS
from .formula import atoms
from .free_names import children
from .nodes import ARRAY, OBJECT, Node
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
    """

    def __init__(self, goals: Goals) -> None:
        self.goals = goals
        self._closed: dict[int, Nodes] = {}
        self._sets: dict[Key, Nodes] = {}
        self._origins: dict[Key, set[Key]] = {}  # of sets of several nodes: the sets whose members they are
        self._members: dict[Key, list[Key]] = {}
        nodes = goals.reader.nodes()
        compound = goals.reader.compound
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
            self.found = [self._sets[key][key[0]] for key in sorted(above) if len(key) == 1]
            self._known.update(n.serial for n in nodes)
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
                    if len(child) > 1:
                        to = tuple(sorted(child))
                        members[about].append(to)
                        if to not in sets:
                            sets[to] = child
                            pending.append(to)
            for to in members[about]:
                self._origins.setdefault(to, set()).add(key)
        return [key for key in risky if not self._is_one_of_each(key)]

    def may_lead_to_one(self, goal: Goal) -> bool:
        """Whether a goal may be, or contain, one that could pass a limit."""
        nodes = (*goal.nodes, *(a.atom for a in atoms(goal.rest)))
        return all(n.serial in self._above or n.serial not in self._known for n in nodes)

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
        plain = all(map(self.goals.is_plain, nodes))
        if _has_too_many_steps(nodes) or (
            not plain and any(sum(_weight(n, kind) for n in nodes) > FEW_NODES for kind in (OBJECT, ARRAY))
        ):
            return True
        for sizes_of, limit in self._limits:
            sizes: dict[Any, int] = {}
            for n in nodes:
                for what, size in sizes_of(n).items():
                    sizes[what] = max(size, sizes.get(what, 0))
            if len(sizes) > 1 and prod(sizes.values()) > limit:
                return not plain or prod(_most(root, sizes_of) for root in roots.values()) > limit
        return plain and prod(map(_ways, nodes)) > self.goals.max_branches

    def _is_one_of_each(self, key: Key) -> bool:
        """Whether the nodes of a set are what alternatives say of a member, of which a value meets one at a time."""
        members = self._sets[key]
        below = list(self._in_place(members).values())
        if len(key) < 2 or _has_too_many_steps(below) or not all(map(self.goals.is_plain, below)):
            return False
        for origin in self._origins[key]:
            if len(origin) > 1 or not all(map(self.goals.is_plain, self._in_place(self._sets[origin]).values())):
                return False
            root = self._sets[origin][origin[0]]
            if any(_most_of_member(root, members, sizes_of) > limit for sizes_of, limit in self._limits):
                return False
            if _most_of_member(root, members, _own_ways) > self.goals.max_branches:
                return False
        return True

    @property
    def _limits(self) -> tuple[tuple[Sizes, int], ...]:
        limit = self.goals.reader.max_dfa_states
        return (_texts, limit), (_patterns, limit)


def _may_be_risky(node: Node) -> bool:
    """Whether a node alone could be asked too much."""
    return bool(node.texts or node.patterns or node.enum or node.multiple is not None or not node.is_conjunctive)


def _texts(node: Node) -> dict[Any, int]:
    """The sizes of the automata that strings are read by; a bound on the length may be built into them."""
    found: dict[Any, int] = {}
    for t in (*node.texts, *node.narrowed):
        found[tuple(id(d) for _, d in t.pieces)] = sum(d.n_states + 1 for _, d in t.pieces)
    if node.longest is not None:
        found["longest"] = node.longest + 1
    return found


def _patterns(node: Node) -> dict[Any, int]:
    """The sizes of the automata that names are read by."""
    return {id(d): d.n_states + 1 for d, _ in node.patterns}


def _ways(node: Node) -> int:
    """How many ways there are to take one alternative of each kind."""
    return prod(map(len, (*node.any_of, *node.one_of)))


def _own_ways(node: Node) -> dict[Any, int]:
    return {"ways": _ways(node)}


def _most(node: Node, sizes_of: Sizes) -> int:
    """A bound on a product over a plain node and those in place, whichever of its alternatives are taken."""
    found = prod(sizes_of(node).values()) * prod(_most(other, sizes_of) for other in node.all_of)
    return found * prod(max(_most(o, sizes_of) for o in options) for options in (*node.any_of, *node.one_of))


def _most_of_member(node: Node, members: Nodes, sizes_of: Sizes) -> int:
    """The same over what a plain node and those in place say of a member, ``members`` among them."""
    own = {child.serial: child for child in children(node) if child.serial in members}
    found = prod(_most(child, sizes_of) for child in own.values())
    found *= prod(_most_of_member(other, members, sizes_of) for other in node.all_of)
    choices = (*node.any_of, *node.one_of)
    return found * prod(max(_most_of_member(o, members, sizes_of) for o in options) for options in choices)


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
    return listed + says_something(node, kind)


def _has_too_many_steps(nodes: list[Node]) -> bool:
    """Whether multiples could be too many to be told apart."""
    steps = {n.multiple for n in nodes if n.multiple is not None}
    return prod(int("".join(map(str, Decimal(repr(step)).as_tuple().digits))) for step in steps) > MAX_MODULUS


def _has_members(node: Node) -> bool:
    """Whether a node says something of members that it does not say of all values alike."""
    own = node.properties or node.patterns or node.additional or node.items or node.prefix
    return bool(own or node.contains or node.property_names or node.unevaluated_properties or node.unevaluated_items)


def _children(nodes: list[Node]) -> Iterator[Nodes]:
    """For each member that some nodes tell apart: all that they may say of it."""
    for members in (_names(nodes), _items(nodes)):
        for member in members:
            found = {n.serial: n for n in member if n is not None and not n.says_nothing and n.types}
            if found:
                yield found


def _names(nodes: list[Node]) -> Iterator[list[Node | None]]:
    others = [other for n in nodes for other in (n.additional, n.unevaluated_properties)]
    patterns = [pattern for n in nodes for pattern in n.patterns if not pattern[1].says_nothing]
    if len(nodes) == 1 and not patterns:
        yield from ([n] for n in (*nodes[0].properties.values(), *others, nodes[0].property_names))
        return
    for name in dict.fromkeys(name for n in nodes for name in n.properties):
        matched = [child for d, child in patterns if _matches(d, name)]
        yield [*(n.properties.get(name, n.additional) for n in nodes), *matched]
    yield others + [child for _, child in patterns]
    yield from ([n.property_names] for n in nodes)


_matches = lru_cache(maxsize=1 << 14)(automata.matches)  # many sets tell the same names apart


def _items(nodes: list[Node]) -> Iterator[list[Node | None]]:
    always = [n for node in nodes for n in (node.contains, node.unevaluated_items)]
    prefixes = [node.prefix for node in nodes]
    for at in zip_longest(*prefixes):
        yield [n or node.items for n, node in zip(at, nodes, strict=True)] + always
    yield [node.items for node in nodes] + always
