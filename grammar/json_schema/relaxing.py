"""What to leave out where keywords together ask for too much: one after another, until the rest can be enforced."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ..decimals import as_decimal
from ..errors import LimitExceeded, Unenforceable
from .goals import Goal
from .nodes import Node, in_place
from .reader import Reader

Blame = tuple[tuple[int, int], str]  # how much of it, and a keyword

# What makes alternatives multiply, first what is most to blame.
_MULTIPLYING: dict[str, Callable[[Node], object]] = {
    "oneOf": lambda node: node.one_of,
    "unevaluatedProperties": lambda node: node.unevaluated_properties,
    "unevaluatedItems": lambda node: node.unevaluated_items,
    "not": lambda node: node.none_of,
    "if": lambda node: node.conditions,
    "dependentSchemas": lambda node: node.dependent,
    "dependencies": lambda node: node.dependent or node.needed_with,
    "dependentRequired": lambda node: node.needed_with,
    "contains": lambda node: node.contains,
    "uniqueItems": lambda node: node.unique,
    "anyOf": lambda node: node.any_of,
    "minProperties": lambda node: node.min_properties,
    "minItems": lambda node: node.min_items,
}


def relax(reader: Reader, error: Unenforceable) -> bool:
    """Leave out one keyword that an error is about, or a whole schema where no keyword stands out.

    Schemas of the same words are one goal until it matters which of them is to blame.

    Returns
    -------
    bool
        False where nothing is left to leave out.
    """
    if not isinstance(error.subject, Goal):
        return False
    if reader.tell_apart():
        return True  # worked out again, an error names the very schemas that ask for too much
    own = set(reader.nodes())
    nodes = [node for node in _asked(error.subject) if node in own]
    blame = _blame_for(error)
    found = [(weight, keyword, node) for node in nodes for weight, keyword in blame(node)]
    found = [item for item in found if item[1] in item[2].place.schema and item[1] not in item[2].left_out]
    if found:
        _, keyword, node = max(found, key=lambda item: item[0])
        reader.leave_out(node, [keyword], error.reason)
        return True
    for node in nodes:
        if node.is_constrained:
            reader.leave_out_all(node, error.reason)
            return True
    return False


def _asked(goal: Goal) -> list[Node]:
    """The nodes that are asked about the values of a goal, or about the names in them."""
    nodes = in_place([*goal.nodes, *(a.atom for a in goal.rest.atoms)])
    return in_place([*nodes, *(n.property_names for n in nodes if n.property_names is not None)])


def _blame_for(error: Unenforceable) -> Callable[[Node], Iterable[Blame]]:
    """How to find the keywords of a node that an error is about."""
    if error.keyword == "multipleOf":
        return _steps
    if isinstance(error, LimitExceeded):
        return {"regex_states": _automata, "max_branches": _multiplying, "max_steps": _multiplying}.get(
            error.limit, _nothing
        )
    return _nothing


def _automata(node: Node) -> Iterator[Blame]:
    if node.patterns:
        yield (max(d.n_states for d, _ in node.patterns), 0), "patternProperties"
    sizes = [d.n_states for texts in (*node.texts, *node.narrowed) for _, d in texts.pieces]
    if sizes:
        yield (max(sizes), 1), "pattern"
        yield (max(sizes), 0), "format"


def _steps(node: Node) -> Iterator[Blame]:
    if node.multiple is not None:
        yield (len(as_decimal(node.multiple).as_tuple().digits), 0), "multipleOf"


def _multiplying(node: Node) -> Iterator[Blame]:
    size = sum(1 for _ in node.in_place())
    for rank, (keyword, used) in enumerate(_MULTIPLYING.items()):
        if used(node):
            yield (-rank, size), keyword


def _nothing(_: Node) -> Iterable[Blame]:
    return ()
