"""Where the goals of a document might pass a limit: an upper bound, before any goal is worked out.

Only disjunctions and what is no conjunction multiply out, and only conjunctions of automata grow. So it is enough to
know which schemas may ever meet in one value: those in place of each other, and what they say of the same members.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from math import prod

from .free_names import children
from .nodes import Node, Reader


def risky(reader: Reader, is_plain: Callable[[Node], bool], max_branches: int) -> set[int]:
    """The serial numbers of the nodes on whose behalf some goal might pass a limit.

    Parameters
    ----------
    reader : Reader
    is_plain : callable
        Whether a node is a conjunction of keywords and disjunctions.
    max_branches : int
        Limit on the ways to meet the disjunctions of one goal.
    """
    if not (reader.compound or reader.connecting):
        return set()
    meetings = Meetings(reader)
    found = []
    for group in meetings.groups():
        nodes = group.nodes
        if _ways(nodes) > max_branches or _states(nodes) > reader.max_dfa_states or not all(map(is_plain, nodes)):
            found.append(group)
    return meetings.leading_to(found) if found else set()


def _ways(nodes: Iterable[Node]) -> int:
    """The most ways that there can be to meet the disjunctions of some nodes together."""
    return prod(len(options) for node in nodes for options in chain(node.any_of, node.one_of))


def _states(nodes: Iterable[Node]) -> int:
    """The most states that an automaton of some nodes together can have."""
    texts = {t for node in nodes for t in (*node.texts, *node.narrowed)}
    patterns = {dfa.key: dfa.n_states for node in nodes for dfa, _ in node.patterns}
    most = 0
    if len(texts) > 1:
        longest = max(max(node.shortest, node.longest or 0) for node in nodes)
        most = (longest + 1) * prod(sum(dfa.n_states for _, dfa in t.pieces) for t in texts)
    if len(patterns) > 1:
        listed = sum(len(name) for node in nodes for name in node.properties)
        most = max(most, (listed + 1) * prod(patterns.values()))
    return most


class Group:
    """Nodes of which some may be asked about the same value.

    Attributes
    ----------
    nodes : list of Node
    named : dict of str or int to Node
        What one of them says of a name, or of an item.
    spread : Node or None
        What one of them says of members that it does not name.
    """

    __slots__ = ("named", "nodes", "spread")

    def __init__(self, node: Node, spread: Node | None) -> None:
        self.nodes = [node]
        self.named: dict[str | int, Node] = {**node.properties, **dict(enumerate(node.prefix))}
        self.spread = spread


class Meetings:
    """The groups of nodes that may meet: in place of each other, or as what such nodes say of the same member.

    Disjoint sets, of which the smaller joins the larger: nearly linear.

    Parameters
    ----------
    reader : Reader
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._groups: dict[int, Group] = {}
        self._pending: list[tuple[Node, Node]] = []
        for node in chain(reader.compound.values(), reader.connecting):
            self._group(node)
            self._pending += [(node, other) for other in node.in_place()]
        while self._pending:
            self._unite(*self._pending.pop())

    def groups(self) -> Iterable[Group]:
        """The groups of nodes with others in place, and of nodes that meet others."""
        return {id(group): group for group in self._groups.values()}.values()

    def _group(self, node: Node) -> Group:
        found = self._groups.get(node.serial)
        if found is None:
            others = (*(child for _, child in node.patterns), node.additional, node.items)
            spread = [child for child in others if child is not None and not child.says_nothing]
            found = self._groups[node.serial] = Group(node, spread[0] if spread else None)
            if spread:
                self._pending += [(spread[0], child) for child in (*spread[1:], *found.named.values())]
        return found

    def _unite(self, a: Node, b: Node) -> None:
        if a is b or a.says_nothing or b.says_nothing:
            return
        into, gone = self._group(a), self._group(b)
        if into is gone:
            return
        if len(into.nodes) < len(gone.nodes):
            into, gone = gone, into
        strangers = list((into if into.spread is None else gone).named.values())
        spread = into.spread or gone.spread
        if spread is not None:
            self._pending += [(spread, child) for child in strangers]
        if into.spread is not None and gone.spread is not None:
            self._pending.append((into.spread, gone.spread))
        into.spread = spread
        for name, child in gone.named.items():
            known = into.named.setdefault(name, child)
            if known is not child:
                self._pending.append((known, child))
        into.nodes += gone.nodes
        for node in gone.nodes:
            self._groups[node.serial] = into

    def leading_to(self, groups: Iterable[Group]) -> set[int]:
        """The serial numbers of the nodes from which some groups can be reached, through members and in place."""
        above: dict[int, list[Node]] = {}
        for node in self._reader.nodes():
            for child in chain(children(node), node.in_place()):
                above.setdefault(child.serial, []).append(node)
        found: set[int] = set()
        pending = [node for group in groups for node in group.nodes]
        while pending:
            node = pending.pop()
            if node.serial not in found:
                group = self._groups.get(node.serial)
                for member in (node,) if group is None else group.nodes:
                    found.add(member.serial)
                    pending += above.get(member.serial, ())
        return found
