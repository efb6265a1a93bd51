"""Nodes: one schema each, as typed constraints."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import chain, count
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..dfa import CharDfa
from ..text_set import TextSet
from .document import Document, Place

if TYPE_CHECKING:
    from .goals import Goal

NULL, BOOLEAN, NUMBER, STRING, ARRAY, OBJECT = 1, 2, 4, 8, 16, 32
ANY_TYPE = 63
# attributes of a node that constrain nothing
_ASIDE = frozenset({"place", "serial", "left_out", "unknown", "is_conjunctive", "is_listing"})
_ASIDE |= {"alike", "goal", "open", "has_choices"}
_LISTING = _ASIDE | {"enum", "scalars", "enumerated"}


class Node:
    """One schema as constraints per type; absent ones are at their neutral value.

    Attributes
    ----------
    types : int
        Bit set of the JSON types allowed.
    integer : bool
        Numbers must be integers.
    enum : list or None
        The only values allowed.
    all_of : list of Node
        Schemas that hold as well (``allOf``, ``$ref``).
    any_of : list of list of Node
        Of each list, at least one holds.
    one_of : list of list of Node
        Of each list, exactly one holds.
    none_of : list of Node
        Schemas that do not hold.
    conditions : list of (Node, Node, Node)
        Where the first holds, the second does; else the third.
    dependent : list of (str, Node)
        Schemas that hold for objects with a given key.
    needed_with : list of (str, names)
        Keys that come with a given key.
    texts, narrowed : tuple of TextSet
        What strings must be; of those in ``narrowed`` some texts that would be right are left out.
    property_names : Node or None
        What keys must be, as strings.
    unevaluated_properties, unevaluated_items : Node or None
        What members and items must be that no other keyword here or in place has looked at.
    left_out : dict of str to str
        Keywords that cannot be enforced, and why.
    unknown : int
        Types of which the node leaves something out: whether such a value meets it, nobody can tell from the rest.
    is_conjunctive : bool
        Whether the constraints of the node itself are a plain conjunction (``one_of`` is looked at apart).
    alike : Node or None
        The first node that says the same, where the words of a schema alone decide that; it stands for all of them.
    goal : Goal or None
        Of a node that documents share: its goal, which they share as well.
    open : bool or None
        Of such a node: whether an object in it may have names that are not listed; None where nobody asked.
    has_choices : bool
        Of such a node: whether it or a node below it has alternatives.
    """

    types = ANY_TYPE
    unknown = 0
    left_out: Mapping[str, str] = MappingProxyType({})
    is_conjunctive = True
    alike: Node | None = None
    goal: Goal | None = None
    open: bool | None = None
    has_choices = False
    integer = lexical = unique = False
    enum: list[Any] | None = None
    scalars: set[Any] | None = None
    all_of: tuple[Node, ...] = ()
    any_of: tuple[list[Node], ...] = ()
    one_of: tuple[list[Node], ...] = ()
    none_of: tuple[Node, ...] = ()
    conditions: tuple[tuple[Node, Node, Node], ...] = ()
    dependent: tuple[tuple[str, Node], ...] = ()
    needed_with: tuple[tuple[str, tuple[str, ...]], ...] = ()
    property_names: Node | None = None
    unevaluated_properties: Node | None = None
    unevaluated_items: Node | None = None
    contains: Node | None = None
    min_contains = 1
    max_contains: int | None = None
    texts: tuple[TextSet, ...] = ()
    narrowed: tuple[TextSet, ...] = ()
    shortest = 0
    longest: int | None = None
    number: tuple[tuple[str, Any], ...] = ()
    multiple: Any = None
    properties: Mapping[str, Node] = MappingProxyType({})
    patterns: tuple[tuple[CharDfa, Node], ...] = ()
    additional: Node | None = None
    required: tuple[str, ...] = ()
    min_properties = 0
    max_properties: int | None = None
    prefix: tuple[Node, ...] = ()
    items: Node | None = None
    min_items = 0
    max_items: int | None = None

    # A document has many nodes with few constraints each: what is absent stays an attribute of the class.
    def __init__(self, place: Place, serial: int) -> None:
        self.place = place
        self.serial = serial

    @cached_property
    def enumerated(self) -> dict[int, dict[Hashable, Any]]:
        """What :mod:`.scalars` found out about the values of ``enum``, by type."""
        return {}

    def in_place(self) -> Iterator[Node]:
        """The nodes that are asked about the same value."""
        choices = chain.from_iterable(chain(self.any_of, self.one_of, self.conditions))
        return chain(self.all_of, choices, self.none_of, (node for _, node in self.dependent))

    def settle(self) -> None:
        """Work out ``is_conjunctive``."""
        self.is_conjunctive = not (
            self.none_of
            or self.conditions
            or self.dependent
            or self.needed_with
            or self.contains
            or self.property_names
            or self.unique
            or self.unevaluated_properties
            or self.unevaluated_items
        )

    @property
    def is_scalar(self) -> bool:
        """Whether the node concerns one value without members, nothing else in place, and nothing was left out."""
        plain = not (self.all_of or self.any_of or self.one_of or self.unknown) and self.is_conjunctive
        members = self.properties or self.patterns or self.required or self.additional or self.prefix or self.items
        return plain and not members

    @cached_property
    def is_listing(self) -> bool:
        """Whether the node is met by scalars that it lists and by nothing else."""
        if self.enum is None or self.lexical or not self.is_scalar:
            return False
        return not any(isinstance(v, (list, dict)) for v in self.enum)

    @property
    def is_enumeration(self) -> bool:
        """Whether the node is met by values that it lists and by nothing else: by all containers among them."""
        return self.is_listing or (self.enum is not None and self.only_lists and not self.unknown)

    @property
    def only_lists(self) -> bool:
        """Whether ``enum`` is all that the node says."""
        return vars(self).keys() <= _LISTING

    @property
    def is_constrained(self) -> bool:
        """Whether any constraint was read."""
        return not vars(self).keys() <= _ASIDE

    @property
    def says_nothing(self) -> bool:
        """Whether the schema is ``true`` or ``false``."""
        return self.serial < 2

    @property
    def is_anything(self) -> bool:
        """Whether the schema is ``true`` (or says nothing)."""
        return self.serial == 0


SERIALS = count(2)  # of all nodes of the process, since documents share some
ANYTHING, NOTHING = Node(Document(True).root, 0), Node(Document(False).root, 1)
NOTHING.types = 0


def in_place(nodes: Iterable[Node]) -> list[Node]:
    """Nodes with all that are asked about the same value."""
    found: dict[int, Node] = {}
    pending = list(nodes)
    while pending:
        node = pending.pop()
        if node.serial not in found:
            found[node.serial] = node
            pending.extend(node.in_place())
    return list(found.values())


def same(a: Any, b: Any) -> bool:
    """Equality of JSON values: numbers by value, never a boolean with a number."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, dict) and isinstance(b, dict):
        return len(a) == len(b) and all(k in b and same(v, b[k]) for k, v in a.items())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def listed(value: Any, node: Node) -> bool:
    """Whether a value is in the ``enum`` of a node. O(1) for scalars."""
    assert node.enum is not None
    if isinstance(value, (dict, list)):
        return any(same(value, v) for v in node.enum)
    if node.scalars is None:
        node.scalars = {(isinstance(v, bool), v) for v in node.enum if not isinstance(v, (dict, list))}
    return (isinstance(value, bool), value) in node.scalars
