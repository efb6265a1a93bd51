"""Branches: the ways to meet the disjunctions of a goal, each a conjunction of nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .nodes import ANY_TYPE, Node
from .scalars import listed_values

if TYPE_CHECKING:
    from .goals import Goal, Goals


def branches(goals: Goals, goal: Goal) -> list[list[Node]] | None:
    """The disjunctive normal form over nodes, as lists of nodes whose own constraints hold together.

    None where some node in place is no plain conjunction, or where the ways are too many.
    """
    compound = goals.reader.compound
    if len(goal.nodes) == 1 and goal.nodes[0].serial not in compound:
        (node,) = goal.nodes
        return [[node]] if goals.approximate or is_plain(goals, node) else None
    work: list[tuple[list[Node], dict[int, Node], list[list[Node]]]] = [(list(reversed(goal.nodes)), {}, [])]
    done: list[list[Node]] = []
    while work:
        pending, flat, choices = work.pop()
        types = ANY_TYPE
        while pending:
            node = pending.pop()
            if node.serial in flat or node.is_anything:
                continue
            if not (goals.approximate or is_plain(goals, node)):
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
        if len(done) + len(work) > goals.max_branches:
            return None
    return done


def is_plain(goals: Goals, node: Node) -> bool:
    """Whether a node is a conjunction of keywords and disjunctions."""
    return (
        node.is_conjunctive
        and not any(map(goals.overlaps.exist, node.one_of))
        and not (node.enum is not None and lists_containers(node))
    )


def listed_together(goals: Goals, options: list[Node], *, apart: bool = False) -> list[Node]:
    """Alternatives with those that only list scalars as one of them (``apart``: where they share no value)."""
    lists = [option for option in options if option.is_listing]
    if len(lists) < 2:
        return options
    values = [pair for option in lists for pair in listed_values(option)]
    distinct = dict(values)
    if not distinct or (apart and len(distinct) < len(values)):
        return options
    together = goals.reader.listing(list(distinct.values()), lists[0].place)
    first = options.index(lists[0])  # an option may stand there twice
    return [*options[:first], together, *(option for option in options[first:] if not option.is_listing)]


def lists_containers(node: Node) -> bool:
    """Whether a node has arrays or objects in its ``enum``."""
    return node.enum is not None and not node.is_listing and any(isinstance(v, (list, dict)) for v in node.enum)
