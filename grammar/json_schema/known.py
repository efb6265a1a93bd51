"""Objects of which every member is known by its text: of a document that differs little from others, hardly anything
is read.

What a plain schema means depends on nothing around it (see :mod:`.parts`). So where a document is a plain object and
some document before it has said the same of each member, its residual follows from the names and the members' goals.
"""

from __future__ import annotations

import marshal
from collections.abc import Hashable
from functools import cache
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from .dialects import DIALECTS, NEWEST
from .goals import Goal
from .keywords import READERS
from .nodes import ANYTHING, Node
from .parts import GOALS, Noted, by_text
from .plain import is_sorted
from .reader import NO_SHARING
from .scalars import can_be_written
from .values import Object

# what the root may say; other keywords say nothing as long as nothing refers to them
_SAID = frozenset({"$schema", "type", "properties", "required", "additionalProperties"})
_TOO_MUCH = frozenset(READERS) - _SAID
_TEXTS = {str}
_NODE, _N_SCHEMAS = itemgetter(0), itemgetter(1)
_IS_POSSIBLE, _IS_OPEN = attrgetter("satisfiable"), attrgetter("is_open")


class Known(NamedTuple):
    """A document that is a plain object of known members.

    Attributes
    ----------
    residual : Object
        All that it says.
    is_open : bool
        Whether some object in it may have names that are not listed.
    most_read : int
        It has no more schemas than that.
    """

    residual: Object
    is_open: bool
    most_read: int


def known_object(schema: dict[str, Any], *options: bool | int) -> Known | None:
    """A document of plain JSON values whose members are all known; None where it has to be read.

    Parameters
    ----------
    schema : dict
        Its root.
    options : bool and int
        ``plain_integers``, ``format_assertion`` and ``max_dfa_states`` of the reader.
    """
    said = schema.get
    properties, additional, declared = said("properties"), said("additionalProperties", True), said("$schema")
    dialect = NEWEST if declared is None else DIALECTS.get(declared.rstrip("#")) if type(declared) is str else None
    if said("type") != "object" or type(properties) is not dict or not _TOO_MUCH.isdisjoint(schema):
        return None
    if type(additional) is not bool or not _TEXTS.issuperset(map(type, properties)):
        return None
    found = _noted(schema, [*properties.values()], (dialect, *options))
    if found is None:
        return None
    nodes = [*map(_NODE, found)]
    goals = [node.goal or _goal_of(node) for node in nodes]
    required = _listed(said("required", []), properties)
    if required is None or not all(map(_IS_POSSIBLE, goals)) or not can_be_written("".join(properties)):
        return None
    residual = Object(
        tuple(zip(properties, goals, strict=True)),
        required,
        free=_goal_of(ANYTHING) if additional else None,
        in_order=not additional and not is_sorted([*properties]),
    )
    is_open = additional or any(map(_IS_OPEN, nodes))
    return Known(residual, is_open, 1 + sum(map(_N_SCHEMAS, found)))


def _noted(root: dict[str, Any], members: list[Any], meaning: Hashable) -> list[Noted] | None:
    """What is known of some schemas directly below a root, by their text; None where that is not all."""
    texts = [marshal.dumps(member, NO_SHARING) for member in members]
    found: list[Any] = [None] * len(texts)
    for known in by_text(root, meaning):
        found = [noted or known.get(text) for noted, text in zip(found, texts, strict=True)]
        if None not in found:
            return found
    return None


@cache
def _goal_of(node: Node) -> Goal:
    """The goal of a node that says nothing, or allows nothing: other parts have theirs."""
    goal = GOALS.alone(node)
    GOALS.satisfiable(goal)
    return goal


def _listed(names: Any, properties: dict[str, Any]) -> frozenset[str] | None:
    """The names that ``required`` has, if it is a list of some that are listed."""
    if type(names) is not list or not {*map(type, names)} <= _TEXTS:
        return None
    required = frozenset(names)
    return required if required <= properties.keys() else None
