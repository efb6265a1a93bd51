"""Parts: plain schemas that documents share, hash-consed by what they say.

Most of a document is plain: types, lists of words, bounds, and objects and arrays of such. What a plain schema means
depends on nothing around it, so all documents that say the same somewhere have one node there, with its goal, and with
the records of that goal in an arena. References to plain schemas are plain, too, unless they lead back. A document that
is plain as a whole costs one walk through its schemas, and the nodes of what no document before it has said.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

from ..errors import GrammarError
from .document import Document, Place
from .formula import TRUE
from .free_names import is_open
from .goals import Goal, Goals
from .keywords import READERS
from .nodes import ANYTHING, NOTHING, SERIALS, Node
from .reader import Reader, only_refers

if TYPE_CHECKING:
    from .dialects import Dialect

MOST_PARTS = 10_000  # kept at a time, of some two kilobytes each
MOST_DEEP = 16  # levels of a part, references included

_NAME, _VALUE, _SCHEMA, _SCHEMAS, _OTHER = range(1, 6)  # what a keyword holds; with other ones, a schema is no part
_HOLDS: dict[str, int] = dict.fromkeys(READERS, _OTHER) | dict.fromkeys(("$id", "id", "$schema"), _NAME)
_HOLDS |= dict.fromkeys(("type", "enum", "const", "required", "minimum", "maximum"), _VALUE)
_HOLDS |= dict.fromkeys(("exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength"), _VALUE)
_HOLDS |= dict.fromkeys(("minItems", "maxItems", "minProperties", "maxProperties"), _VALUE)
_HOLDS |= {"items": _SCHEMA, "additionalProperties": _SCHEMA, "properties": _SCHEMAS}
_BELOW = {"items": "items", "additionalProperties": "additional"}  # and where a node has it

_NODES: dict[Hashable, Node] = {}
GOALS = Goals(Reader(Document(True)), max_branches=1, max_depth=MOST_DEEP)  # of parts alone


class Parts:
    """The parts of one document.

    Parameters
    ----------
    reader : Reader
        Of the document.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._root = reader.document.root
        self._meant: tuple[Dialect, bool] = (self._root.dialect, reader.plain_integers)
        self._known: dict[int, Node | None] = {}  # by the schema, which the document keeps; None also while it is read
        self._depth = 0

    def __len__(self) -> int:
        return len(self._known)

    def covers(self, place: Place) -> bool:
        """Whether what is written in a place means the same as at the root."""
        root = self._root
        return place.resource is root.resource and place.dialect is root.dialect and place.scope is None

    def ranks(self) -> dict[int, int]:
        """The order of the parts in the document, by serial number; less than 0."""
        nodes = [node for node in self._known.values() if node is not None]
        return {node.serial: -k for k, node in enumerate(reversed(nodes), 1)}

    def find(self, schema: Any) -> Node | None:
        """The node of a schema where the root's meaning holds; None if it is no part."""
        if type(schema) is not dict:
            return ANYTHING if schema is True else NOTHING if schema is False else None
        key = id(schema)
        if key in self._known:
            return self._known[key]
        if self._depth == MOST_DEEP or len(self._known) >= self._reader.max_nodes:
            return None
        self._known[key] = None
        self._depth += 1
        found = self._known[key] = self._target(schema) if "$ref" in schema else self._node(schema)
        self._depth -= 1
        return found

    def _target(self, schema: dict[str, Any]) -> Node | None:
        """The part that a schema refers to."""
        if not only_refers(schema, self._root.draft) or "$id" in schema or "id" in schema or "$schema" in schema:
            return None
        try:
            place = self._reader.document.resolve(schema["$ref"], self._root)
        except GrammarError:
            return None
        return self.find(place.schema) if self.covers(place) else None

    def _node(self, schema: dict[str, Any]) -> Node | None:
        words: list[Hashable] = [self._meant]
        word: Hashable
        for keyword, value in schema.items():
            holds = _HOLDS.get(keyword)
            if holds is None:
                continue
            kind = type(value)
            if holds == _VALUE:
                if kind is str or kind is int or kind is float:  # equal ones mean the same, unlike booleans
                    word = value
                elif kind is list and all([type(v) is str for v in value]):
                    word = (keyword, *value)
                else:
                    return None
            elif holds == _SCHEMA:
                word = self.find(value)
                if word is None:
                    return None
            elif holds == _SCHEMAS and kind is dict:
                found = [self.find(sub) for sub in value.values()]
                if None in found:
                    return None
                word = (*value, *found)
            elif holds == _NAME and schema is self._root.schema:
                continue
            else:
                return None
            words.append(keyword)
            words.append(word)
        key = tuple(words)
        return _NODES.get(key) or self._new(schema, key)

    def _new(self, schema: dict[str, Any], key: Hashable) -> Node | None:
        """A part that no document has had, unless the reader has something to say about it."""
        place = Place({}, GOALS.reader.document.root.resource, "", self._root.dialect, None)  # keeps no document
        node = Node(place, next(SERIALS))
        for keyword, value in schema.items():
            holds = _HOLDS.get(keyword)
            if holds == _SCHEMA:
                setattr(node, _BELOW[keyword], self.find(value))
            elif holds == _SCHEMAS:
                node.properties = {name: self.find(sub) for name, sub in value.items()}
            elif holds == _VALUE:
                try:
                    READERS[keyword](self._reader, node, value)
                except (GrammarError, TypeError, AttributeError, ValueError, ArithmeticError):
                    return None
        if node.enum is not None:
            node.enum = [*node.enum]  # the caller's list may change
        node.alike, node.is_open = node, is_open(node)
        with GOALS.lock:
            node.goal = Goal((node,), TRUE, is_shared=True)
            GOALS.satisfiable(node.goal)
            if len(_NODES) >= MOST_PARTS:
                _NODES.clear()
            return _NODES.setdefault(key, node)


__all__ = ["GOALS", "Parts"]
