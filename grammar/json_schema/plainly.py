"""What surely has an instance, as far as it is known without working it out: most schemas say so at first sight."""

from __future__ import annotations

from .names import children_of
from .nodes import ANYTHING, ARRAY, BOOLEAN, NULL, NUMBER, OBJECT, STRING, Node
from .scalars import can_be_written


def plainly_possible(node: Node) -> bool:
    """Whether a node surely has an instance, as far as is known without working it out."""
    types = node.types
    if not types or node.all_of or node.any_of or node.one_of or not node.is_conjunctive:
        return False
    if types & STRING and _possible_text(node):
        return True
    if node.enum is not None:
        return node.is_listing and any(node.enumerated.values())
    return bool(
        types & (NULL | BOOLEAN)
        or (types & NUMBER and _possible_number(node))
        or (types & ARRAY and _possible_array(node))
        or (types & OBJECT and _possible_object(node))
    )


def _possible_text(node: Node) -> bool:
    """Whether some text is known to be possible."""
    if node.enum is None and not (node.texts or node.narrowed):
        return node.longest is None or node.shortest <= node.longest
    if node.shortest or node.longest is not None or node.narrowed:
        return False
    if node.enum is None:
        pieces = node.texts[0].pieces
        return len(node.texts) == len(pieces) == 1 and pieces[0][1].n_states > 0
    return not node.texts and any(isinstance(v, str) and can_be_written(v) for v in node.enum)


def _possible_number(node: Node) -> bool:
    """Whether some number is known to be possible."""
    if node.multiple is not None or len(node.number) > 2:
        return False
    said = dict(node.number)
    if len(said) < 2:  # there are numbers beyond any bound
        return True
    least, most = said.get("minimum"), said.get("maximum")
    return type(least) is int and type(most) is int and least <= most


def _possible_array(node: Node) -> bool:
    """Whether the items that an array node asks for are known to be possible."""
    if not node.min_items:
        return True
    goal = ANYTHING.goal if node.items is None else node.items.goal
    is_long = node.max_items is not None and node.min_items > node.max_items
    return not node.prefix and not is_long and goal is not None and bool(goal.satisfiable)


def _possible_object(node: Node) -> bool:
    """Whether the members that an object node asks for are known to be possible."""
    most = node.max_properties
    if node.min_properties > len(node.required) or (most is not None and most < len(node.required)):
        return False
    if node.patterns and node.required:
        return False
    for name in node.required:
        child = node.properties.get(name, node.additional)
        goal = None if child is None else child.goal
        if not (name.isascii() or can_be_written(name)) or not (
            child is None or (goal is not None and goal.satisfiable)
        ):
            return False
    return True


def plainly_possible_together(branch: list[Node]) -> bool:
    """Whether the own constraints of some nodes surely have an instance together.

    That is a literal, ``[]``, or an object with the members that are required, each of which one node speaks of.
    """
    types = NULL | BOOLEAN | OBJECT | ARRAY
    for node in branch:
        types &= node.types
        if node.enum is not None:
            return False
        if node.min_items:
            types &= ~ARRAY
    return bool(types & ~OBJECT or (types and _possible_members(branch)))


def _possible_members(branch: list[Node]) -> bool:
    """Whether the members that some nodes require surely are an object that they allow together."""
    required = {name for node in branch for name in node.required}
    for node in branch:
        most = node.max_properties
        if node.min_properties > len(required) or (most is not None and most < len(required)):
            return False
        if required and node.patterns:
            return False
    for name in required:
        asked = {child.serial: child for child in children_of(branch, name, set()) if not child.is_anything}
        if len(asked) > 1 or not (name.isascii() or can_be_written(name)):
            return False
        if not all(child.goal.satisfiable if child.goal else plainly_possible(child) for child in asked.values()):
            return False
    return True


__all__ = ["plainly_possible", "plainly_possible_together"]
