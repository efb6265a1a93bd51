"""Nodes: one schema, read once into typed constraints; every reachable schema is read before the first token."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cached_property, lru_cache
from itertools import chain
from types import MappingProxyType
from typing import Any, NamedTuple

from .. import dfa as automata
from .. import formats, regex
from ..decimals import as_decimal
from ..dfa import CharDfa
from ..errors import GrammarError, LimitExceeded, Unenforceable
from ..number import NumberSpec
from ..text_set import TextSet
from .dialects import LATEST, Dialect
from .document import Document, Place, ScopeNeeded
from .values import canonical

NULL, BOOLEAN, NUMBER, STRING, ARRAY, OBJECT = 1, 2, 4, 8, 16, 32
ANY_TYPE = 63
FEW_DIGITS = 9  # with so many, a step can be tracked
MOST = 1 << 30  # the largest count that kernels can hold; no text has that many characters or items
_TYPES = {
    "null": NULL,
    "boolean": BOOLEAN,
    "integer": NUMBER,
    "number": NUMBER,
    "string": STRING,
    "array": ARRAY,
    "object": OBJECT,
}

# The types that a keyword speaks of; others may speak of any.
_CONCERNS = {
    STRING: "pattern format minLength maxLength",
    NUMBER: "multipleOf minimum maximum exclusiveMinimum exclusiveMaximum",
    ARRAY: "items prefixItems contains uniqueItems unevaluatedItems minItems maxItems",
    OBJECT: "properties patternProperties additionalProperties propertyNames unevaluatedProperties required "
    "dependencies dependentSchemas dependentRequired minProperties maxProperties",
}
CONCERNS = {keyword: kind for kind, keywords in _CONCERNS.items() for keyword in keywords.split()}

_ANNOTATIONS = frozenset({"title", "description", "default", "examples", "$comment"})
_TYPE_ALONE = _ANNOTATIONS | {"type"}
# keywords that put schemas in place, and that are no plain conjunction of what they say of each member
_IN_PLACE = frozenset({"$ref", "$dynamicRef", "$recursiveRef", "allOf", "anyOf", "oneOf", "not", "if"})
_IN_PLACE |= {"dependencies", "dependentSchemas"}
_CONNECTING = frozenset({"not", "if", "dependencies", "dependentSchemas", "dependentRequired", "contains"})
_CONNECTING |= {"propertyNames", "uniqueItems", "unevaluatedProperties", "unevaluatedItems"}
# keywords that say all they do by their own value, wherever they stand
_SELF_CONTAINED = frozenset({"type", "enum", "const", "pattern", "format", "minLength", "maxLength", "multipleOf"})
_SELF_CONTAINED |= {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
# attributes of a node that constrain nothing
_ASIDE = frozenset({"place", "serial", "left_out", "unknown", "is_conjunctive", "is_listing", "alike", "words"})


_LISTING = _ASIDE | {"enum", "scalars"}


class Relaxed(NamedTuple):
    """A keyword that ``strict=False`` leaves out.

    Attributes
    ----------
    pointer : str
        JSON pointer of the schema that holds it.
    keyword : str
    reason : str
        Why it cannot be enforced.
    """

    pointer: str
    keyword: str
    reason: str


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
    words : tuple or None
        Those words.
    """

    types = ANY_TYPE
    unknown = 0
    left_out: Mapping[str, str] = MappingProxyType({})
    is_conjunctive = True
    alike: Node | None = None
    words: Hashable = None
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


@lru_cache(maxsize=4096)
def pattern_dfa(pattern: str, max_states: int) -> CharDfa:
    """Automaton of a ``pattern``: the text contains a match."""
    return automata.compile(regex.parse(pattern), max_states=max_states)


def format_texts(name: str, draft: int) -> TextSet | None:
    """Texts of a format as its draft defines it; a name of a later draft means what it means there."""
    found = formats.format_texts(name, draft=draft)
    return found if found is not None or draft == LATEST else formats.format_texts(name, draft=LATEST)


class Reader:
    """Reads every schema that can be reached from the root into nodes.

    Parameters
    ----------
    document : Document
        Where references are resolved.
    formats : callable
        From the name of a format and a draft to its texts, or None.
    format_assertion : bool
        Whether ``format`` constrains strings.
    strict : bool
        Whether a keyword that cannot be enforced is an error (else it is noted in ``relaxed``).
    plain_integers : bool
        Whether integers are written without point and exponent.
    max_nodes, max_dfa_states : int
        Limits.

    Attributes
    ----------
    compound : dict of int to Node
        By serial number, nodes with others in place; once all is read, each stands behind those.
    connecting : dict of int to Node
        By serial number, nodes that are no plain conjunction.
    """

    def __init__(
        self,
        document: Document,
        *,
        formats: Callable[[str, int], TextSet | None] = format_texts,
        format_assertion: bool = True,
        strict: bool = True,
        plain_integers: bool = False,
        max_nodes: int = 200_000,
        max_dfa_states: int = 50_000,
    ) -> None:
        self.document = document
        self.formats = formats
        self.format_assertion = format_assertion
        self.strict = strict
        self.plain_integers = plain_integers
        self.max_nodes = max_nodes
        self.max_dfa_states = max_dfa_states
        self.annotations: list[tuple[str, str]] = []
        self._nodes: dict[tuple[Any, ...], Node] = {}
        self._todo: list[Node] = []
        self.compound: dict[int, Node] = {}
        self.connecting: dict[int, Node] = {}
        self._constants: dict[Any, Node] = {}
        self._alike: dict[Any, Node] = {}
        self._by_type: dict[tuple[str, Dialect], Node] = {}
        self._representatives: dict[Any, Node] = {}
        self.has_narrowed = self.has_unknown = False
        self.anything = Node(document.root._replace(schema=True), 0)
        self.nothing = Node(document.root._replace(schema=False), 1)
        self.nothing.types = 0
        self._serial = 2

    def read(self) -> Node:
        """The root node, with everything below it read."""
        try:
            root = self._read()
        except ScopeNeeded:  # rare: what was read so far is read again, with scopes
            self.document.keep_scopes()
            for nodes in (self._nodes, self.compound, self.connecting, self._alike, self._by_type):
                nodes.clear()
            for noted in (self._todo, self.annotations):
                noted.clear()
            root = self._read()
        self.annotations.extend(self.document.unknown.items())
        self._refuse_circles()
        self._spread()
        return root

    def _read(self) -> Node:
        root = self.node(self.document.root)
        while self._todo:
            node = self._todo.pop()
            if len(self._nodes) > self.max_nodes:
                raise LimitExceeded("max_nodes", len(self._nodes), self.max_nodes, pointer=node.place.pointer)
            self._fill(node)
        return root

    @property
    def relaxed(self) -> list[Relaxed]:
        """What is left out, in the order of reading."""
        found = (Relaxed(n.place.pointer, *item) for n in self._nodes.values() for item in n.left_out.items())
        return list(dict.fromkeys(found))

    def tell_apart(self) -> bool:
        """Let no node stand for others any more, so that each can be relaxed by itself; False where none did."""
        shared = [n for n in self._nodes.values() if n.alike is not None and n.alike is not n]
        for node in shared:
            node.alike = None
        return bool(shared)

    def leave_out(self, node: Node, keywords: Iterable[str], reason: str) -> None:
        """Read a node again without some keywords, or as little of them as can be told (``oneOf``: as ``anyOf``)."""
        known = {**node.left_out, **dict.fromkeys(keywords, reason)}
        place, serial = node.place, node.serial
        vars(node).clear()
        node.place, node.serial, node.left_out = place, serial, known
        self._fill(node)
        self._spread()

    def leave_out_all(self, node: Node, reason: str) -> None:
        """Make a node one that says nothing, whatever its schema says."""
        place, serial = node.place, node.serial
        left_out = {keyword: reason for keyword in place.schema if keyword in _READERS}
        vars(node).clear()
        node.place, node.serial, node.left_out, node.unknown = place, serial, left_out, ANY_TYPE
        self.has_unknown = True
        self._spread()

    def _spread(self) -> None:
        """Names of which nobody can tell whether they meet ``propertyNames`` leave open whether an object does."""
        for node in self.connecting.values() if self.has_unknown else ():
            if node.property_names is not None and any(n.unknown & STRING for n in in_place([node.property_names])):
                node.unknown |= OBJECT

    def _refuse_circles(self) -> None:
        """Refuse references that lead back to where they stand without entering a value: they have no meaning."""
        entered: set[int] = set()
        done: dict[int, Node] = {}
        stack = list(self.compound.values())
        while stack:
            node = stack.pop()
            if node.serial in entered:  # met again: everything below it is done
                entered.remove(node.serial)
                done[node.serial] = node
            elif node.serial not in done:
                entered.add(node.serial)
                stack.append(node)
                for inner in node.in_place():
                    if inner.serial in entered:
                        raise _circle(node.place)
                    if inner.serial in self.compound:
                        stack.append(inner)
        self.compound = done

    def node(self, place: Place) -> Node:
        """The node of a place (filled later, so references may be circular)."""
        schema = place.schema
        if schema is True or schema == {}:
            return self.anything
        if schema is False:
            return self.nothing
        if not isinstance(schema, dict):
            raise GrammarError(f"a schema is an object or a boolean, not {schema!r:.60}.", pointer=place.pointer)
        if "$ref" in schema and _only_refers(place):
            return self._named(place)
        key = (id(schema), place.resource, place.dialect, place.scope)
        found = self._nodes.get(key)
        if found is None:
            self._serial += 1
            found = self._nodes[key] = Node(place, self._serial)
            self._todo.append(found)
        return found

    def _named(self, place: Place) -> Node:
        """The node that a schema names which says nothing itself: it needs none of its own."""
        first, passed = place, set()
        while isinstance(place.schema, dict) and "$ref" in place.schema and _only_refers(place):
            if id(place.schema) in passed:
                raise _circle(first)
            passed.add(id(place.schema))
            place = self.document.resolve(place.schema["$ref"], place)
        return self.node(place)

    def nodes(self) -> list[Node]:
        """Every node read so far."""
        return list(self._nodes.values())

    def fresh(self, place: Place) -> Node:
        """A new node without constraints."""
        return Node(place, self.next_serial())

    def next_serial(self) -> int:
        """A number that no node has yet."""
        self._serial += 1
        return self._serial

    def constant(self, value: Any, place: Place) -> Node:
        """A node that only ``value`` meets; equal values share one."""
        key = canonical(value)
        found = self._constants.get(key)
        if found is None:
            found = self._constants[key] = self.fresh(place)
            found.enum = [value]
        return found

    def representative(self, node: Node) -> Node:
        """The first node with the same schema, annotations aside, where references mean the same."""
        place = node.place
        if node.alike is not None:
            return node.alike
        if not isinstance(place.schema, dict) or node.enum is not None:
            return node
        found = self._representatives.get(node.serial)
        if found is None:
            text = json.dumps({k: v for k, v in place.schema.items() if k not in _ANNOTATIONS}, default=repr)
            key = (id(place.resource), place.dialect, place.scope, text)
            found = self._representatives.setdefault(key, node)
            self._representatives[node.serial] = found
        return found

    def listing(self, values: list[Any], place: Place) -> Node:
        """A node that only some scalars meet."""
        if len(values) == 1:
            return self.constant(values[0], place)
        key = ("some", frozenset(map(canonical, values)))
        found = self._constants.get(key)
        if found is None:
            found = self._constants[key] = self.fresh(place)
            found.enum = values
        return found

    def structure(self, value: Any, place: Place) -> Node:
        """A node that only an array or object meets, by what it says of its members."""
        node = self.fresh(place)
        if isinstance(value, list):
            node.types = ARRAY
            node.prefix = tuple(self.constant(item, place) for item in value)
            node.items, node.min_items, node.max_items = self.nothing, len(value), len(value)
        else:
            node.types = OBJECT
            node.properties = {name: self.constant(item, place) for name, item in value.items()}
            node.required, node.additional = tuple(value), self.nothing
        return node

    def _fill(self, node: Node) -> None:
        place = node.place
        if ignored := place.dialect.ignored:
            in_force = {k: v for k, v in place.schema.items() if k not in ignored}
            place = node.place = place._replace(schema=in_force)
        words: list[tuple[str, Any]] | None = []  # None once a keyword says more than its own value does
        for keyword, value in place.schema.items():
            read = _READERS.get(keyword)
            if read is None:
                continue
            if node.left_out and keyword in node.left_out:
                if keyword not in _LOOSELY:
                    continue
                read = _LOOSELY[keyword]
            if keyword not in _SELF_CONTAINED:
                words = None
            elif words is not None:
                words.append((keyword, value))
            try:
                read(self, node, value)
            except Unenforceable as error:
                self._relax(node, keyword, error)
            except GrammarError as error:
                if not error.pointer:
                    error.pointer, error.keyword = place.pointer, keyword
                raise
            except (TypeError, AttributeError, ValueError, ArithmeticError) as error:
                reason = f"{value!r:.60} is not a value of this keyword."
                raise GrammarError(reason, pointer=place.pointer, keyword=keyword) from error
        if node.left_out:
            self._note_unknown(node)
        elif words is not None and (key := _words_of(words)) is not None:
            node.alike, node.words = self._alike.setdefault((place.dialect, key), node), key
        if words is None:
            self._note_kind(node)

    def _note_kind(self, node: Node) -> None:
        """Note whether a node puts others in place, and whether it is a plain conjunction."""
        if not _IN_PLACE.isdisjoint(node.place.schema):
            self.compound[node.serial] = node
        if not _CONNECTING.isdisjoint(node.place.schema):
            node.settle()
            if not node.is_conjunctive:
                self.connecting[node.serial] = node

    def _relax(self, node: Node, keyword: str, error: Unenforceable) -> None:
        """Leave out what cannot be enforced where the caller allows that, else raise."""
        if self.strict:
            error.pointer, error.keyword = node.place.pointer, keyword
            error.hint = " ".join(filter(None, (error.hint, "strict=False leaves it out and lists it in explain().")))
            raise error
        node.left_out = {**node.left_out, keyword: error.reason}

    def _note_unknown(self, node: Node) -> None:
        """Draw the consequences of what was left out."""
        self.has_unknown = True
        if "patternProperties" in node.left_out and node.additional is not None:
            reason = "which names are additional depends on patternProperties."
            node.left_out = {**node.left_out, "additionalProperties": reason}
            node.additional = self.anything
        for keyword in node.left_out:
            node.unknown |= CONCERNS.get(keyword, ANY_TYPE)

    def below(self, node: Node, schema: Any, *path: str | int) -> Node:
        """The node of a subschema; where nothing is left out, one for all that say no more than the same type."""
        if type(schema) is not dict or not self.strict or not schema.keys() <= _TYPE_ALONE:
            return self.node(node.place.child(schema, *path))
        key = (str(schema.get("type")), node.place.dialect)
        found = self._by_type.get(key)
        if found is None:
            found = self._by_type[key] = self.node(node.place.child(schema, *path))
        return found

    # ------------------------------------------------------------------------------------------------- keywords
    def _type(self, node: Node, value: Any) -> None:
        names = (value,) if isinstance(value, str) else tuple(value)
        bits = 0
        for name in names:
            if name not in _TYPES:
                raise GrammarError(f"{name!r:.60} is not a JSON type.", pointer=node.place.pointer, keyword="type")
            bits |= _TYPES[name]
        node.types &= bits
        if "integer" in names and "number" not in names:
            node.integer = True
            node.lexical = self.plain_integers or node.place.draft == 4
            self.has_narrowed |= self.plain_integers

    def _enum(self, node: Node, value: Any) -> None:
        if not isinstance(value, list):
            raise TypeError
        for number in _numbers_in(value):
            _check_length(number)
        node.enum = value if node.enum is None else [v for v in value if any(same(v, w) for w in node.enum)]

    def _const(self, node: Node, value: Any) -> None:
        if node.place.draft >= 6:
            self._enum(node, [value])

    def _ref(self, node: Node, value: Any) -> None:
        if not isinstance(value, str):
            raise TypeError
        node.all_of += (self.node(self.document.resolve(value, node.place)),)

    def _dynamic_ref(self, node: Node, keyword: str, value: Any) -> None:
        if not isinstance(value, str) or (keyword == "$recursiveRef" and value != "#"):
            raise TypeError
        node.all_of += (self.node(self.document.resolve_dynamic(value, node.place, keyword)),)

    def _list(self, node: Node, keyword: str, value: Any) -> list[Node]:
        if not isinstance(value, list) or not value:
            raise TypeError
        return [self.below(node, sub, keyword, k) for k, sub in enumerate(value)]

    def _all_of(self, node: Node, value: Any) -> None:
        node.all_of += tuple(self._list(node, "allOf", value))

    def _any_of(self, node: Node, value: Any) -> None:
        node.any_of += (self._list(node, "anyOf", value),)

    def _one_of(self, node: Node, value: Any) -> None:
        branches = self._list(node, "oneOf", value)
        if len(branches) == 1:
            node.all_of += tuple(branches)
        else:
            node.one_of += (branches,)

    def _one_of_loosely(self, node: Node, value: Any) -> None:
        node.any_of += (self._list(node, "oneOf", value),)

    def _not(self, node: Node, value: Any) -> None:
        node.none_of += (self.below(node, value, "not"),)

    def _if(self, node: Node, value: Any) -> None:
        schema = node.place.schema
        if node.place.draft >= 7:
            then = self.below(node, schema.get("then", True), "then")
            other = self.below(node, schema.get("else", True), "else")
            node.conditions += ((self.below(node, value, "if"), then, other),)

    def _dependencies(self, node: Node, value: Any) -> None:
        for name, needs in value.items():
            if isinstance(needs, list):
                self._dependent_required(node, {name: needs})
            else:
                node.dependent += ((name, self.below(node, needs, "dependencies", name)),)

    def _dependent_schemas(self, node: Node, value: Any) -> None:
        if node.place.draft >= 2019:
            node.dependent += tuple((n, self.below(node, sub, "dependentSchemas", n)) for n, sub in value.items())

    def _dependent_required(self, node: Node, value: Any) -> None:
        for name, needs in value.items():
            if not isinstance(needs, list) or not all(isinstance(need, str) for need in needs):
                raise TypeError
            node.needed_with += ((name, tuple(dict.fromkeys(needs))),)

    def _property_names(self, node: Node, value: Any) -> None:
        if node.place.draft >= 6:
            node.property_names = self._constraint(self.below(node, value, "propertyNames"))

    def _contains(self, node: Node, value: Any) -> None:
        if node.place.draft < 6:
            return
        node.contains = self.below(node, value, "contains")
        if node.place.draft >= 2019:
            schema = node.place.schema
            node.min_contains = self._count(node, schema.get("minContains", 1))
            if "maxContains" in schema:
                node.max_contains = self._count(node, schema["maxContains"])

    def _unevaluated_properties(self, node: Node, value: Any) -> None:
        if node.place.draft >= 2019:
            node.unevaluated_properties = self.below(node, value, "unevaluatedProperties")

    def _unevaluated_items(self, node: Node, value: Any) -> None:
        if node.place.draft >= 2019:
            node.unevaluated_items = self.below(node, value, "unevaluatedItems")

    def _constraint(self, node: Node) -> Node | None:
        """A node, or None when it allows anything."""
        return None if node.is_anything else node

    def _properties(self, node: Node, value: Any) -> None:
        node.properties = {name: self.below(node, sub, "properties", name) for name, sub in value.items()}

    def _pattern_properties(self, node: Node, value: Any) -> None:
        for pattern, sub in value.items():
            try:
                automaton = pattern_dfa(pattern, self.max_dfa_states)
            except Unenforceable as error:
                self._relax(node, "patternProperties", error)
            else:
                node.patterns += ((automaton, self.below(node, sub, "patternProperties", pattern)),)

    def _additional(self, node: Node, value: Any) -> None:
        node.additional = self.below(node, value, "additionalProperties")

    def _required(self, node: Node, value: Any) -> None:
        if isinstance(value, bool) and node.place.draft == 4:  # a relic of draft 3 that validators ignore
            return
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            raise TypeError
        node.required = tuple(dict.fromkeys(value))

    def _items(self, node: Node, value: Any) -> None:
        if isinstance(value, list):
            node.prefix = tuple(self.below(node, sub, "items", k) for k, sub in enumerate(value))
            if "additionalItems" in node.place.schema:
                node.items = self.below(node, node.place.schema["additionalItems"], "additionalItems")
        else:
            node.items = self.below(node, value, "items")

    def _prefix_items(self, node: Node, value: Any) -> None:
        if node.place.draft >= 2020:
            node.prefix = tuple(self.below(node, sub, "prefixItems", k) for k, sub in enumerate(value))

    def _count(self, node: Node, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)) or value < 0 or value != int(value):
            raise TypeError
        return int(value)

    def _multiple(self, node: Node, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)) or value <= 0:
            raise TypeError
        if len(as_decimal(value).as_tuple().digits) > FEW_DIGITS:
            NumberSpec(multiple_of=as_decimal(value)).encode()  # refuses steps that cannot be tracked
        _check_length(value)
        node.multiple = value

    def _bound(self, node: Node, keyword: str, value: Any) -> None:
        schema = node.place.schema
        exclusive = "exclusive" + keyword[0].upper() + keyword[1:]
        if isinstance(value, bool) and keyword.startswith("exclusive"):
            return  # draft 4: read together with the bound
        if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
            raise TypeError
        _check_length(value)
        node.number += ((exclusive if schema.get(exclusive) is True else keyword, value),)

    def _pattern(self, node: Node, value: Any) -> None:
        if not isinstance(value, str):
            raise TypeError
        automaton = pattern_dfa(value, self.max_dfa_states)
        node.texts += (TextSet.of(automaton, max_states=self.max_dfa_states),)

    def _format(self, node: Node, value: Any) -> None:
        if not isinstance(value, str):
            raise TypeError
        texts = None
        if self.format_assertion or node.place.dialect.asserts_format:
            texts = self.formats(value, node.place.draft)
        if texts is None:
            self.annotations.append((node.place.pointer, value))
            return
        texts = replace(texts, max_states=self.max_dfa_states)
        if value in formats.NARROWED:
            node.narrowed += (texts,)
            self.has_narrowed = True
        else:
            node.texts += (texts,)

    def _least(self, node: Node, attribute: str, value: Any) -> None:
        count = self._count(node, value)
        if count > MOST:
            raise LimitExceeded("a count", count, MOST, hint="No text is that long.")
        setattr(node, attribute, count)

    def _most(self, node: Node, attribute: str, value: Any) -> None:
        count = self._count(node, value)
        setattr(node, attribute, count if count <= MOST else None)  # no text comes near it

    def _unique(self, node: Node, value: Any) -> None:
        node.unique = value is True


def _only_refers(place: Place) -> bool:
    """Whether a schema with ``$ref`` says nothing else: until draft 7 it never does."""
    schema = place.schema
    return isinstance(schema["$ref"], str) and (place.draft <= 7 or len(_READERS.keys() & schema.keys()) == 1)


def _circle(place: Place) -> GrammarError:
    reason = "a reference leads back to itself without entering a value."
    return GrammarError(reason, pointer=place.pointer, keyword="$ref")


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


def _check_length(number: Any) -> None:
    """Refuse a number that is too long to be compared digit by digit."""
    plain = abs(number) < 1 << 64 if isinstance(number, int) else isinstance(number, float) and math.isfinite(number)
    if not plain:
        NumberSpec(number, False, number, False)


def _words_of(said: list[tuple[str, Any]]) -> Hashable:
    """A key that schemas share whose keywords say the same by their values alone; None where values are not plain."""
    words: list[Hashable] = []
    for keyword, value in said:
        if type(value) is list and all(type(v) is str for v in value):
            value = (keyword, *value)
        elif type(value) not in _UNMISTAKABLE:
            return None
        words += (keyword, value)
    return tuple(words)


_UNMISTAKABLE = (str, int, float)  # equal values mean the same; a boolean would be taken for a number


def _numbers_in(value: Any) -> Iterator[Any]:
    """Every number inside a JSON value."""
    if isinstance(value, (list, dict)):
        for member in value.values() if isinstance(value, dict) else value:
            if not isinstance(member, str):
                yield from _numbers_in(member)
    elif isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        yield value


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


_LOOSELY: dict[str, Callable[[Reader, Node, Any], None]] = {"oneOf": Reader._one_of_loosely}

_READERS: dict[str, Callable[[Reader, Node, Any], None]] = {
    "type": Reader._type,
    "enum": Reader._enum,
    "const": Reader._const,
    "$ref": Reader._ref,
    "$dynamicRef": lambda r, n, v: r._dynamic_ref(n, "$dynamicRef", v) if n.place.draft >= 2020 else None,
    "$recursiveRef": lambda r, n, v: r._dynamic_ref(n, "$recursiveRef", v) if n.place.draft == 2019 else None,
    "allOf": Reader._all_of,
    "anyOf": Reader._any_of,
    "oneOf": Reader._one_of,
    "properties": Reader._properties,
    "patternProperties": Reader._pattern_properties,
    "additionalProperties": Reader._additional,
    "required": Reader._required,
    "items": Reader._items,
    "prefixItems": Reader._prefix_items,
    "multipleOf": Reader._multiple,
    "pattern": Reader._pattern,
    "format": Reader._format,
    "uniqueItems": Reader._unique,
    "not": Reader._not,
    "if": Reader._if,
    "dependencies": Reader._dependencies,
    "dependentSchemas": Reader._dependent_schemas,
    "dependentRequired": lambda r, n, v: r._dependent_required(n, v) if n.place.draft >= 2019 else None,
    "propertyNames": Reader._property_names,
    "contains": Reader._contains,
    "unevaluatedProperties": Reader._unevaluated_properties,
    "unevaluatedItems": Reader._unevaluated_items,
    "minLength": lambda r, n, v: r._least(n, "shortest", v),
    "maxLength": lambda r, n, v: r._most(n, "longest", v),
    "minItems": lambda r, n, v: r._least(n, "min_items", v),
    "maxItems": lambda r, n, v: r._most(n, "max_items", v),
    "minProperties": lambda r, n, v: r._least(n, "min_properties", v),
    "maxProperties": lambda r, n, v: r._most(n, "max_properties", v),
    "minimum": lambda r, n, v: r._bound(n, "minimum", v),
    "maximum": lambda r, n, v: r._bound(n, "maximum", v),
    "exclusiveMinimum": lambda r, n, v: r._bound(n, "exclusiveMinimum", v),
    "exclusiveMaximum": lambda r, n, v: r._bound(n, "exclusiveMaximum", v),
}
