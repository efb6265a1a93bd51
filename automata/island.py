"""JSON Schemas inside a grammar: the same goals and records as of a schema that stands alone, called like a rule."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from detent.grammar.errors import Unenforceable
from detent.grammar.json_schema import Array, Goal, Goals, Literal, Number, Object, String, Value
from detent.grammar.json_schema.bounded import GRACE
from detent.grammar.json_schema.conflicts import conflict
from detent.grammar.json_schema.nodes import Node
from detent.grammar.json_schema.parts import GOALS
from detent.grammar.json_schema.reach import reach
from detent.grammar.json_schema.reader import Reader
from detent.grammar.json_schema.relaxing import relax

from .arena import Arena
from .limits import Limits
from .lowering import JsonLowering
from .records import Order

MAX_RELAXATIONS = 50  # keywords left out one by one because of limits that several pass together


def worked_out(reader: Reader, root_node: Node, limits: Limits) -> tuple[Goals, Goal]:
    """The goals of a document; where the reader may, without what passes limits."""
    depth, branches, steps = limits.max_depth, limits.max_branches, limits.max_steps

    def goals_of(reader: Reader) -> Goals:
        return Goals(reader, max_branches=branches, max_depth=depth, max_steps=steps)

    if root_node.goal is not None:
        if not root_node.goal.satisfiable:
            raise conflict(reader, goals_of)
        return GOALS, root_node.goal
    for attempt in count():
        try:
            goals = goals_of(reader)
            root = goals.goal([root_node])
            if not goals.satisfiable(root):
                raise conflict(reader, goals_of)
            reach(goals, root)
        except Unenforceable as error:
            if reader.strict or attempt == MAX_RELAXATIONS or not relax(reader, error):
                raise
        else:
            goals.grace = GRACE
            if reader.strict:
                reader.document.close()
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
    spaced : bool
        Whether white space may stand before the value.
    """

    goals: Goals
    root: Goal
    order: Order
    whitespace: str
    has_free_names: bool
    spaced: bool = True

    is_nullable = False
    has_json = True

    @property
    def first_bytes(self) -> bytes:
        """The bytes that its texts can begin with."""
        found = {byte for value in self.goals.values(self.root) for byte in _first_bytes(value)}
        return bytes(sorted(found.union(b" \t\r\n") if self.spaced else found))

    def place(self, arena: Arena, names_end: int, followers: frozenset[int]) -> JsonLowering:
        """Its lowering in an arena; ``names_end`` as of :class:`JsonLowering`; what follows a value does not matter."""
        placed = JsonLowering(
            arena, self.goals, self.root, order=self.order, whitespace=self.whitespace, names_end=names_end
        )
        if not self.spaced:
            placed.begin_at_once()
        return placed


def _first_bytes(value: Value) -> bytes:
    if isinstance(value, Literal):
        return value.text[:1].encode()
    kinds: dict[type, bytes] = {Number: b"-0123456789", String: b'"', Array: b"[", Object: b"{"}
    return kinds[type(value)]
