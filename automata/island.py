"""JSON Schemas inside a grammar: the same goals and records as of a schema that stands alone, called like a rule."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from detent.grammar.errors import Unenforceable, Unsatisfiable
from detent.grammar.json_schema import Goal, Goals
from detent.grammar.json_schema.nodes import Node
from detent.grammar.json_schema.parts import GOALS
from detent.grammar.json_schema.reach import reach
from detent.grammar.json_schema.reader import Reader
from detent.grammar.json_schema.relaxing import relax

from .arena import Arena
from .limits import Limits
from .lowering import JsonLowering, Order

MAX_RELAXATIONS = 50  # keywords left out one by one because of limits that several pass together


def worked_out(reader: Reader, root_node: Node, limits: Limits) -> tuple[Goals, Goal]:
    """The goals of a document; where the reader may, without what passes limits."""
    if root_node.goal is not None:
        if not root_node.goal.satisfiable:
            raise Unsatisfiable("no value meets this schema.")
        return GOALS, root_node.goal
    depth, branches, steps = limits.max_depth, limits.max_branches, limits.max_steps
    for attempt in count():
        try:
            goals = Goals(reader, max_branches=branches, max_depth=depth, max_steps=steps)
            root = goals.goal([root_node])
            if not goals.satisfiable(root):
                raise Unsatisfiable("no value meets this schema.", pointer=goals.pointer(root))
            reach(goals, root)
        except Unenforceable as error:
            if reader.strict or attempt == MAX_RELAXATIONS or not relax(reader, error):
                raise
        else:
            return goals, root
    raise AssertionError


@dataclass(frozen=True, eq=False)
class JsonIsland:
    """A schema that was worked out, to be placed in an arena.

    Attributes
    ----------
    goals, root
        Its goals, and that of the whole value.
    order : Order
    whitespace : str
    has_free_names : bool
        Whether an object may have names that are not listed.
    """

    goals: Goals
    root: Goal
    order: Order
    whitespace: str
    has_free_names: bool

    first_bytes = b' \t\r\n"-0123456789[{tfn'

    def place(self, arena: Arena, names_end: int) -> JsonLowering:
        """Its lowering in an arena; ``names_end`` as of :class:`JsonLowering`."""
        return JsonLowering(
            arena, self.goals, self.root, order=self.order, whitespace=self.whitespace, names_end=names_end
        )
