"""Reading: every schema that can be reached becomes a node before the first token."""

from __future__ import annotations

import json
import marshal
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from ..errors import GrammarError, LimitExceeded, Unenforceable
from ..text_set import TextSet
from .document import Document, Place, ScopeNeeded
from .keywords import CONCERNS, LOOSELY, READERS, format_texts
from .nodes import ANY_TYPE, ANYTHING, ARRAY, NOTHING, OBJECT, SERIALS, STRING, Node, in_place
from .spelled import NO_SHARING
from .values import canonical

if TYPE_CHECKING:
    from .parts import Parts

ANNOTATIONS = frozenset({"title", "description", "default", "examples", "$comment"})
# keywords that put schemas in place, and that are no plain conjunction of what they say of each member
_IN_PLACE = frozenset({"$ref", "$dynamicRef", "$recursiveRef", "allOf", "anyOf", "oneOf", "not", "if"})
_IN_PLACE |= {"dependencies", "dependentSchemas"}
_CONNECTING = frozenset({"not", "if", "dependencies", "dependentSchemas", "dependentRequired", "contains"})
_CONNECTING |= {"propertyNames", "uniqueItems", "unevaluatedProperties", "unevaluatedItems"}
# keywords that say all they do by their own value, wherever they stand
_SELF_CONTAINED = frozenset({"type", "enum", "const", "pattern", "format", "minLength", "maxLength", "multipleOf"})
_SELF_CONTAINED |= {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}


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
    parts : callable or None
        From the reader to the parts that its document shares with others; not where something may be left out.

    Attributes
    ----------
    annotations : list of (str, str)
        Pointers and formats (or unknown ``$schema``) of what constrains nothing; of parts, nothing of use.
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
        parts: Callable[[Reader], Parts] | None = None,
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
        self._referred: dict[tuple[Any, ...], Node] = {}  # by references that stand alone
        self._todo: list[Node] = []
        self.compound: dict[int, Node] = {}
        self.connecting: dict[int, Node] = {}
        self._constants: dict[Any, Node] = {}
        self._alike: dict[Any, Node] = {}
        self._representatives: dict[int, Node] = {}  # by serial number
        self._by_shape: dict[Hashable, dict[bytes | str | None, Node]] = {}  # the same by text, of each shape
        self.has_narrowed, self.has_unknown = plain_integers, False
        self.anything, self.nothing = ANYTHING, NOTHING
        self._parts = None
        self._here: dict[int, Node | None] | None = None  # parts, where such can stand below the node that is read
        if parts is not None and strict and not document.root.dialect.ignored:
            self._parts = parts(self)

    def read(self) -> Node:
        """The root node, with everything below it read."""
        try:
            root = self._read()
        except ScopeNeeded:  # rare: what was read so far is read again, with scopes
            self.document.keep_scopes()
            for nodes in (self._nodes, self._referred, self.compound, self.connecting, self._alike):
                nodes.clear()
            for noted in (self._todo, self.annotations):
                noted.clear()
            root = self._read()
        self.annotations += self.document.unknown.items()
        if self.compound:
            self._refuse_circles()
        if self.has_unknown:
            self._spread()
        return root

    def members(self) -> list[Node] | None:
        """The members of a root that is an object, if all of them are parts."""
        found = [None] if self._parts is None else self._parts.members()
        return None if None in found else cast("list[Node]", found)

    def _read(self) -> Node:
        whole = None if self._parts is None else self._parts.find(self.document.root.schema)
        root = node = whole or self.node(self.document.root)
        while True:
            n_parts = 0 if self._parts is None else self._parts.n_read
            if len(self._nodes) + n_parts > self.max_nodes and self.n_read > self.max_nodes:
                raise LimitExceeded("max_nodes", self.n_read, self.max_nodes, pointer=node.place.pointer)
            if not self._todo:
                return root
            node = self._todo.pop()
            self._fill(node)

    @property
    def relaxed(self) -> list[Relaxed]:
        """What is left out, in the order of reading."""
        if self.strict:
            return []
        found = (Relaxed(n.place.pointer, *item) for n in self._nodes.values() for item in n.left_out.items())
        return list(dict.fromkeys(found))

    def report(self) -> dict[str, Any]:
        """What a grammar tells of a document that was read without parts, which have no place in it."""
        assert self._parts is None
        return {"relaxed": self.relaxed, "annotations": [*dict.fromkeys(self.annotations)], "nodes": self.n_read}

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
        if self.has_unknown:
            self._spread()

    def leave_out_all(self, node: Node, reason: str) -> None:
        """Make a node one that says nothing, whatever its schema says."""
        place, serial = node.place, node.serial
        left_out = {keyword: reason for keyword in place.schema if keyword in READERS}
        vars(node).clear()
        node.place, node.serial, node.left_out, node.unknown = place, serial, left_out, ANY_TYPE
        self.has_unknown = True
        self._spread()

    def _spread(self) -> None:
        """Names of which nobody can tell whether they meet ``propertyNames`` leave open whether an object does."""
        for node in self.connecting.values():
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
        if "$ref" in schema and only_refers(schema, place.draft):
            return self._named(place)
        part = None
        if self._parts is not None and self._parts.hold_at(place):
            part = self._parts.find(schema)
        return part if part is not None and not part.has_choices else self._own(place)

    def _own(self, place: Place) -> Node:
        """The node of a place that is no part."""
        key = (id(place.schema), place.resource, place.dialect, place.scope)
        found = self._nodes.get(key)
        if found is None:
            found = self._nodes[key] = Node(place, next(SERIALS))
            self._todo.append(found)
        return found

    def _named(self, place: Place) -> Node:
        """The node that a schema names which says nothing itself: it needs none of its own."""
        first, passed = place, set()
        while isinstance(place.schema, dict) and "$ref" in place.schema and only_refers(place.schema, place.draft):
            if id(place.schema) in passed:
                raise _circle(first)
            passed.add(id(place.schema))
            place = self.document.resolve(place.schema["$ref"], place)
        return self.node(place)

    def nodes(self) -> list[Node]:
        """Every node read so far that no other document has."""
        return list(self._nodes.values())

    @property
    def n_read(self) -> int:
        """How many schemas were read. Those with choices are parts where nothing else was read."""
        parts, own = self._parts, len(self._nodes)
        if parts is None:
            return own
        return own + parts.n_read - parts.n_choices if own else parts.n_read

    def pointer(self, node: Node) -> str:
        """Where a node stands in this document."""
        if self._parts is None or node.goal is None:
            return node.place.pointer
        return self._again().pointer(node) if self.document.is_closed else self._parts.pointer(node)

    def _again(self) -> Reader:
        """One that has read the same document, which was closed meanwhile."""
        again = Reader(
            Document(self.document.again, self.document.remotes),
            formats=self.formats,
            format_assertion=self.format_assertion,
            strict=self.strict,
            plain_integers=self.plain_integers,
            max_nodes=self.max_nodes,
            max_dfa_states=self.max_dfa_states,
            parts=None if self._parts is None else type(self._parts),
        )
        again.read()
        return again

    def fresh(self, place: Place) -> Node:
        """A new node without constraints."""
        return Node(place, next(SERIALS))

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
            shape = (id(place.resource), place.dialect, place.scope, _shape_of(self.document.schema_of(place)))
            found = self._representatives[node.serial] = self._first_alike(node, shape)
        return found

    def _first_alike(self, node: Node, shape: Hashable) -> Node:
        """The first node of some shape with the text of this one; the only node of a shape needs no text."""
        by_text = self._by_shape.get(shape)
        if by_text is None:
            self._by_shape[shape] = {None: node}
            return node
        first = by_text.pop(None, None)
        if first is not None:
            by_text[_spelled(self.document.schema_of(first.place))] = first
        return by_text.setdefault(_spelled(self.document.schema_of(node.place)), node)

    def listing(self, values: list[Any], place: Place) -> Node:
        """A node that only some scalars meet."""
        if len(values) == 1:
            return self.constant(values[0], place)
        key = ("some", frozenset([v if type(v) is str else canonical(v) for v in values]))
        found = self._constants.get(key)
        if found is None:
            found = self._constants[key] = self.fresh(place)
            found.enum, found.is_listing = values, True
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
        self._here = self._parts.known if self._parts is not None and self._parts.hold_at(place) else None
        words: list[tuple[str, Any]] | None = []  # None once a keyword says more than its own value does
        for keyword, value in place.schema.items():
            read = READERS.get(keyword)
            if read is None:
                continue
            if node.left_out and keyword in node.left_out:
                if keyword not in LOOSELY:
                    continue
                read = LOOSELY[keyword]
            if keyword not in _SELF_CONTAINED:
                words = None
            elif words is not None:
                words.append((keyword, value))
            try:
                read(self, node, value)
            except Unenforceable as error:
                self.relax(node, keyword, error)
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
            node.alike = self._alike.setdefault((place.dialect, key), node)
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

    def relax(self, node: Node, keyword: str, error: Unenforceable) -> None:
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
        """The node of a subschema of the node that is read."""
        if self._here is not None and self._parts is not None:
            part = self._here[id(schema)] if id(schema) in self._here else self._parts.find(schema)
            if part is not None and not part.has_choices:
                return part
        place = node.place
        if type(schema) is dict and len(schema) == 1 and type(ref := schema.get("$ref")) is str:
            key = place.resource, ref, place.scope
            found = self._referred.get(key)
            if found is None:
                found = self._referred[key] = self.node(place.child(schema, *path))
            return found
        place = place.child(schema, *path)
        return self._own(place) if type(schema) is dict and schema and "$ref" not in schema else self.node(place)


def only_refers(schema: Mapping[str, Any], draft: int) -> bool:
    """Whether a schema with ``$ref`` says nothing else: until draft 7 it never does."""
    return isinstance(schema["$ref"], str) and (draft <= 7 or len(READERS.keys() & schema.keys()) == 1)


def _circle(place: Place) -> GrammarError:
    reason = "a reference leads back to itself without entering a value."
    return GrammarError(reason, pointer=place.pointer, keyword="$ref")


def _shape_of(schema: dict[str, Any]) -> Hashable:
    """What is seen of a schema at a glance: schemas that are the same word for word, annotations aside, share it."""
    return tuple([(keyword, _size_of(value)) for keyword, value in schema.items() if keyword not in ANNOTATIONS])


def _size_of(value: Any) -> Any:
    """What is seen of a value at a glance: its names, its length, or a text as it is."""
    kind = type(value)
    return tuple(value) if kind is dict else len(value) if kind is list else value if kind is str else kind


def _spelled(schema: dict[str, Any]) -> bytes | str:
    """A schema as text, the same for schemas that are the same word for word, annotations aside."""
    schema = {keyword: value for keyword, value in schema.items() if keyword not in ANNOTATIONS}
    try:
        return marshal.dumps(schema, NO_SHARING)
    except ValueError:
        return json.dumps(schema, default=repr)


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
