"""Whether any object that a document describes may have names that the document does not list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from .nodes import ARRAY, OBJECT, Node


def has_free_names(root: Node, nodes: Sequence[Node]) -> bool:
    """Whether some value may hold an object with a name that is not listed.

    A value meets the conjunction of all that its parent says of it, of which any one may close it. Only what each
    schema closes by itself is looked at, so the answer may be yes where others close it, and is never wrongly no.
    """
    values = {root.serial: root}
    for node in nodes:
        values.update((child.serial, child) for child in _children(node))
    every = [*values.values(), *nodes]
    return any(not closed.issuperset(values) for closed in (_closed(every, _lists_names), _closed(every, _lists_items)))


def _children(node: Node) -> Iterable[Node]:
    """Schemas of the values inside a value."""
    yield from node.properties.values()
    yield from (child for _, child in node.patterns)
    yield from node.prefix
    others = (node.additional, node.items, node.contains, node.unevaluated_properties, node.unevaluated_items)
    yield from (child for child in others if child is not None)


def _closed(nodes: Sequence[Node], closes: Callable[[Node], bool]) -> set[int]:
    """Serial numbers of the schemas that close a value, by themselves or by what they require of it besides."""
    closed = {node.serial for node in nodes if closes(node)}
    before = -1
    while before < len(closed):
        before = len(closed)
        for node in reversed(nodes):  # what a schema refers to was mostly read after it
            options = (*node.any_of, *node.one_of)
            if any(n.serial in closed for n in node.all_of) or any(all(n.serial in closed for n in o) for o in options):
                closed.add(node.serial)
    return closed


def _lists_names(node: Node) -> bool:
    if node.enum is not None or not node.types & OBJECT:
        return True
    return node.additional is not None and node.additional.types == 0 and not node.patterns


def _lists_items(node: Node) -> bool:
    if node.enum is not None or not node.types & ARRAY or node.items is not None:
        return True
    return node.max_items is not None and node.max_items <= len(node.prefix)
