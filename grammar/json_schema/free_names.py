"""Whether any object that a document describes may have names that the document does not list."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

from .nodes import ARRAY, OBJECT, Node
from .reader import Reader


def has_free_names(root: Node, reader: Reader) -> bool:
    """Whether some value may hold an object with a name that is not listed.

    A value meets the conjunction of all that its parent says of it, of which any one may close it. Only what each
    schema closes by itself is looked at, so the answer may be yes where others close it, and is never wrongly no.
    """
    if root.goal is not None:
        return is_open(root)
    undecided = []
    shared = (node for whole in reader.compound.values() for node in whole.in_place() if node.goal is not None)
    for node in chain((root,), chain.from_iterable(map(children, chain(reader.nodes(), shared)))):
        if node.goal is not None:  # it stands for all below it
            if is_open(node):
                return True
        elif not (_lists_names(node) and _lists_items(node)):
            if node.serial not in reader.compound:
                return True
            undecided.append(node.serial)
    return bool(undecided) and not (
        _closed(reader, _lists_names).issuperset(undecided) and _closed(reader, _lists_items).issuperset(undecided)
    )


def is_open(part: Node) -> bool:
    """Whether an object in a part may have names that are not listed."""
    if part.open is None:
        if part.any_of:
            part.open = any(map(is_open, part.any_of[0]))
        else:
            part.open = not (_lists_names(part) and _lists_items(part)) or any(map(is_open, children(part)))
    return part.open


def children(node: Node) -> list[Node]:
    """Schemas of the values inside a value."""
    found = [*node.properties.values(), *[child for _, child in node.patterns], *node.prefix]
    others = (node.additional, node.items, node.contains, node.unevaluated_properties, node.unevaluated_items)
    found += [child for child in others if child is not None]
    return found


def _closed(reader: Reader, closes: Callable[[Node], bool]) -> set[int]:
    """Of the schemas with others in place, those that close a value, by themselves or by what they require besides."""
    closed: set[int] = set()

    def is_closed(node: Node) -> bool:
        return node.serial in closed or closes(node)

    for node in reader.compound.values():  # what is in place comes first
        options = (*node.any_of, *node.one_of)
        if is_closed(node) or any(map(is_closed, node.all_of)) or any(all(map(is_closed, o)) for o in options):
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
