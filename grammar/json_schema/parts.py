"""Parts: plain schemas that documents share, hash-consed by what they say.

Most of a document is plain: types, lists of words, bounds, and objects and arrays of such. What a plain schema means
depends on nothing around it, so all documents that say the same somewhere have one node there, with its goal, and with
the records of that goal in an arena. References to plain schemas are plain, too, unless they lead back. A document that
is plain as a whole costs one walk through its schemas, and the nodes of what no document before it has said. Members of
its root are first looked up by their text, so a document that differs from another in one of them hardly walks at all.
What a text with references says depends on the definitions of its document, so those are looked up together.

Alternatives of plain schemas are plain where nothing is said beside them, but only in a document that is plain as a
whole: elsewhere they may have to be taken apart.
"""

from __future__ import annotations

import marshal
from collections.abc import Hashable, Sequence
from functools import cache, reduce
from itertools import compress, repeat
from operator import attrgetter, itemgetter, or_
from typing import TYPE_CHECKING, Any, TypeAlias

from ..errors import GrammarError
from .dialects import DIALECTS
from .document import DEFINITIONS, Document, Place, pointer_of
from .formula import TRUE
from .goals import Goal, Goals
from .keywords import READERS
from .nodes import ANYTHING, NOTHING, SERIALS, Node
from .plainly import plainly_possible
from .reader import ANNOTATIONS, Reader, only_refers
from .scalars import kind_of
from .spelled import NO_SHARING
from .values import String

if TYPE_CHECKING:
    from .dialects import Dialect
    from .spelled import Spelled

MOST_BYTES = 32 << 20  # of the parts that are kept when another document begins
OWN_BYTES = 2_000  # of a part without lists and automata
MEMBER_BYTES = 64  # of what a part lists; their texts are reckoned with the document that they stem from
TEXT_BYTES = 300  # of a text that is known, the text aside
MOST_TABLES = 16  # for parts of other dialects and options
MOST_DEEP = 16  # levels of a part, references included
TEXT_DEEP = 1  # levels of a document that are looked up by their text, before they are read

_NAMES = frozenset({"$id", "id", "$schema"})
# what a keyword holds; with other ones, a schema is no part
_NAME, _TEXT, _VALUE, _SCHEMA, _SCHEMAS, _CHOICE, _REFERENCE, _OTHER = range(8)
_HOLDS: dict[str, int] = dict.fromkeys(READERS, _OTHER) | dict.fromkeys(_NAMES, _NAME)
_HOLDS |= dict.fromkeys(("type", "enum", "required", "minimum", "maximum", "multipleOf"), _VALUE)
_HOLDS |= dict.fromkeys(("exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength"), _VALUE)
_HOLDS |= dict.fromkeys(("minItems", "maxItems", "minProperties", "maxProperties"), _VALUE)
_HOLDS |= {"items": _SCHEMA, "additionalProperties": _SCHEMA, "properties": _SCHEMAS}
_HOLDS |= {"anyOf": _CHOICE, "oneOf": _CHOICE}
_HOLDS |= {"const": _TEXT, "pattern": _TEXT, "format": _TEXT, "$ref": _REFERENCE}
_STRINGS = {str}
_SCALARS = {str, int, float, bool, type(None)}
_TYPE_ALONE = ANNOTATIONS | {"type"}
_CHOICES = frozenset({"anyOf", "oneOf"})
_HAS_CHOICES = attrgetter("has_choices")
# of a text: its part, how many schemas stand in it; for whoever reads nothing else, the goal of the part (None if no
# value meets it)
Noted: TypeAlias = "tuple[Node | None, int, Goal | None]"
_NODE, _N_SCHEMAS = itemgetter(0), itemgetter(1)
_UNKNOWN: Noted = None, 0, None
_BELOW = {"items": "items", "additionalProperties": "additional"}  # and where a node has it


class _Table:
    """The parts of one dialect and one choice of options: by their words, by the text of schemas (each with how many
    schemas stand in it), and those that are a type alone.

    The texts of schemas that refer to definitions are kept by the text of all definitions of their document.
    """

    __slots__ = ("by_definitions", "by_text", "by_type", "by_words", "n_bytes")

    def __init__(self) -> None:
        self.by_words: dict[Hashable, Node] = {}
        self.by_text: dict[bytes, Noted] = {}
        self.by_definitions: dict[bytes, dict[bytes, Noted]] = {}
        self.by_type: dict[str, Node] = {}
        self.n_bytes = 0

    def begin(self, n_bytes: int) -> None:
        """Reckon with the texts of another document. When there is too much already, all parts leave."""
        if self.n_bytes > MOST_BYTES:
            self.by_words.clear()
            self.by_text.clear()
            self.by_definitions.clear()
            self.by_type.clear()
            self.n_bytes = 0
        self.n_bytes += n_bytes

    def add(self, words: tuple[Any, ...], node: Node, n_listed: int) -> Node:
        """Keep a part, if there is none with its words: that with its words."""
        self.n_bytes += OWN_BYTES + MEMBER_BYTES * n_listed + (_size_of_texts(node) if node.texts else 0)
        node = self.by_words.setdefault(words, node)
        if len(words) == 2 and words[0] == "type" and type(words[1]) is str:
            self.by_type[words[1]] = node
        return node

    def note(self, text: bytes, node: Node, n_schemas: int, definitions: bytes | None = None) -> None:
        """Remember what a text says, beside some definitions where it refers to them."""
        texts = self.by_text if definitions is None else self.by_definitions.get(definitions)
        if texts is None:
            assert definitions is not None
            texts = self.by_definitions[definitions] = {}
            self.n_bytes += TEXT_BYTES + len(definitions)
        goal = node.goal
        texts[text] = node, n_schemas, goal if goal is not None and goal.satisfiable else None
        self.n_bytes += TEXT_BYTES + len(text)


def _size_of_texts(node: Node) -> int:
    """Bytes of the automata of a part, and of their products."""
    values = () if node.goal is None else node.goal.candidates or ()
    products = [value.dfa for value in values if isinstance(value, String) and value.dfa is not None]
    return sum(dfa.trans.nbytes for dfa in products + [dfa for texts in node.texts for _, dfa in texts.pieces])


_TABLES: dict[Hashable, _Table] = {}


def noted(text: Spelled, meaning: Hashable) -> list[Noted | None]:
    """What is known of the members of a root by their text; None where that is nothing.

    Parameters
    ----------
    text : Spelled
        The root.
    meaning : (Dialect, bool, bool, int)
        Its dialect, and the reader's ``plain_integers``, ``format_assertion`` and ``max_dfa_states``.
    """
    members, table = text.members or (), _TABLES.get(meaning)
    if table is None:
        return [None] * len(members)
    found = [*map(table.by_text.get, members)]
    if not all(found) and (beside := table.by_definitions.get(text.definitions)):
        found = [known or beside.get(member) for known, member in zip(found, members, strict=True)]
    return found


GOALS = Goals(Reader(Document(True)), max_branches=1, max_depth=MOST_DEEP)  # of parts alone


class Parts:
    """The parts of one document.

    Parameters
    ----------
    reader : Reader
        Of the document.

    Attributes
    ----------
    known : dict of int to Node or None
        What schemas are that were asked about, by their ``id``; None also while it is found out.
    n_read : int
        Schemas of the document that are parts, or in one.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._root = reader.document.root
        self.known: dict[int, Node | None] = {}  # the document keeps the schemas
        self._unread: list[Any] = []  # schemas that may be known by their text: nothing below those was looked at
        self._depth = 0
        self._targets: dict[str, Node | None] = {}  # of references
        self._n_references = 0  # that were followed; a schema that stands in two places counts as one
        self._leads_far = False  # whether one of them named something else than a definition
        self._members: list[Node | None] | None = None  # of the root
        self.n_read = self._n_choices = 0
        self._noted: list[Noted] = []  # what was known by its text and is not among them yet
        if len(_TABLES) > MOST_TABLES:
            _TABLES.clear()
        meaning = self._root.dialect, reader.plain_integers, reader.format_assertion, reader.max_dfa_states
        self._table = _TABLES.get(meaning) or _TABLES.setdefault(meaning, _Table())
        self._by_text, self._by_type = self._table.by_text, self._table.by_type
        text = reader.document.text
        self._table.begin(len(repr(self._root.schema)) if text is None else text.n_bytes)

    @property
    def n_choices(self) -> int:
        """How many of them have choices: they are read again by whoever cannot use them."""
        while self._noted:
            node, n_schemas, *_ = self._noted.pop()
            self._n_choices += n_schemas if node is not None and node.has_choices else 0
        return self._n_choices

    def pointer(self, node: Node) -> str:
        """Where a part first stands in the document, as a JSON pointer; of use where it is part of an error."""
        self._by_text = {}
        while self._unread:
            schema = self._unread.pop()
            self.known.pop(id(schema), None)
            self.find(schema)
        pending: list[tuple[Any, Any]] = [(self._root.schema, self._root.path)]
        while pending:
            value, path = pending.pop()
            if self.known.get(id(value)) is node:
                return pointer_of(path)
            inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
            pending += [(member, (path, key)) for key, member in reversed([*inner])]
        return ""

    def members(self) -> list[Node | None]:
        """What schemas under the ``properties`` of the root are: parts, or None."""
        if self._members is None:
            root, whole = self._root.schema, self._reader.document.text
            schemas = [*root["properties"].values()]
            is_asked_alone = id(root) not in self.known
            if is_asked_alone:
                self.known[id(root)] = None
            depth, self._depth = self._depth, 1
            self._members = self._find_all(schemas, None if whole is None else whole.members)
            self._depth = depth
            if is_asked_alone:
                del self.known[id(root)]
        return self._members

    def hold_at(self, place: Place) -> bool:
        """Whether the root's meaning holds at a place: elsewhere no schema is a part."""
        root = self._root
        return place.resource is root.resource and place.dialect is root.dialect and place.scope is None

    def find(self, schema: Any) -> Node | None:
        """The node of a schema where the root's meaning holds; None if it is no part."""
        if type(schema) is not dict:
            return ANYTHING if schema is True else NOTHING if schema is False else None
        known = self.known
        key = id(schema)
        if key in known:
            self._n_references += 1
            return known[key]
        found: Node | None
        if schema.keys() <= _TYPE_ALONE and type(name := schema.get("type")) is str:  # most of them are such
            found = known[key] = self._by_type.get(name)
            if found is not None:
                self.n_read += 1
                return found
        known[key] = None
        words: list[Hashable] = []
        has_choice = False
        word: Any
        for keyword, value in schema.items():
            holds = _HOLDS.get(keyword)
            if holds is None:
                continue
            kind = type(value)
            if kind is str and holds <= _VALUE:
                if holds == _NAME:
                    if schema is not self._root.schema and not self._says_nothing(keyword, value):
                        return None
                    continue
                word = value
            elif holds == _VALUE:
                if kind is list and (kinds := {*map(type, value)}) <= _SCALARS:
                    word = (keyword, *value) if kinds <= _STRINGS else (keyword, *map(type, value), *value)
                elif kind is int or kind is float:  # equal ones mean the same, unlike booleans
                    word = value
                else:
                    return None
            else:
                word = self._below(schema, holds, value)
                if word is None:
                    return None
                if holds == _REFERENCE:
                    known[key] = found = word
                    return found
                has_choice |= holds == _CHOICE
            words += keyword, word
        if has_choice and len(words) > 2:  # what holds together with alternatives is no part
            return None
        said = tuple(words)
        found = self._table.by_words.get(said) or (self._new(schema, said) if said else ANYTHING)
        if found is not None:
            known[key] = found
            self.n_read += 1
            self._n_choices += found.has_choices
        return found

    def _says_nothing(self, keyword: str, value: str) -> bool:
        """Whether a schema means the same without a name or dialect that it says: no name here, or the same dialect."""
        dialect = self._root.dialect
        if keyword == "$schema":
            return DIALECTS.get(value.rstrip("#")) is dialect
        return (keyword == "id") != (dialect.draft == 4)

    def _below(self, schema: dict[str, Any], holds: int, value: Any) -> Any:
        """What stands for schemas below one: a node, or names and nodes; None if some are no parts."""
        if self._depth == MOST_DEEP:
            return None
        word: Any = None
        self._depth += 1
        if holds == _SCHEMA:
            word = self.find(value)
        elif holds == _SCHEMAS and type(value) is dict:
            found = self.members() if schema is self._root.schema else self._find_all([*value.values()])
            word = None if None in found else (*value, *found)
        elif holds == _CHOICE and type(value) is list and value:
            found = self._find_all(value)
            word = None if None in found else tuple(found)
        elif holds == _REFERENCE:
            word = self._target(schema)
        self._depth -= 1
        return word

    def _find_all(self, schemas: list[Any], texts: Sequence[bytes] | None = None) -> list[Node | None]:
        """The parts of several schemas, of which the texts may be known."""
        if self._depth <= TEXT_DEEP and (texts := texts or _texts_of(schemas)) is not None:
            return self._find_by_text(schemas, texts)
        return [*map(self.find, schemas)]

    def _find_by_text(self, schemas: list[Any], texts: Sequence[bytes]) -> list[Node | None]:
        """The same near the root: by their text, where a document has said the same there before."""
        noted = [*map(self._by_text.get, texts, repeat(_UNKNOWN))]
        self._noted += noted
        self._unread += schemas
        self.n_read += sum(map(_N_SCHEMAS, noted))
        found = [*map(_NODE, noted)]
        self.known.update(compress(zip(map(id, schemas), found, strict=True), found))
        if None in found:
            found = [node or self._find_new(*new) for node, *new in zip(found, schemas, texts, strict=True)]
        return found

    def _find_new(self, schema: Any, text: bytes) -> Node | None:
        """The part of a schema whose text is new, which is noted."""
        n_read, n_references = self.n_read, self._n_references
        found = self.find(schema)
        if found is not None and self._n_references == n_references:
            self._table.note(text, found, self.n_read - n_read)
        elif found is not None and not self._leads_far and (whole := self._reader.document.text) is not None:
            self._table.note(text, found, self.n_read, whole.definitions)  # not less than stand in it
        return found

    def _target(self, schema: dict[str, Any]) -> Node | None:
        """The part that a schema refers to."""
        if len(schema) > 1 and not (only_refers(schema, self._root.draft) and _NAMES.isdisjoint(schema)):
            return None
        ref = schema["$ref"]
        if type(ref) is not str:
            return None
        self._n_references += 1
        if ref not in self._targets:
            self._targets[ref] = self._named(ref)
        return self._targets[ref]

    def _named(self, ref: str) -> Node | None:
        """The part with a name."""
        path, _, name = ref.rpartition("/")
        holder = self._root.schema.get(path[2:]) if path in DEFINITIONS else None
        if type(holder) is dict and name in holder and "~" not in name and "%" not in name:
            return self.find(holder[name])
        self._leads_far = True
        try:
            place = self._reader.document.resolve(ref, self._root)
        except GrammarError:
            return None
        return self.find(place.schema) if self.hold_at(place) else None

    def _new(self, schema: dict[str, Any], words: tuple[Any, ...]) -> Node | None:
        """A part that no document has had, unless the reader has something to say about it."""
        if words[0] in _CHOICES:
            return self._new_choice(words)
        reader = self._reader
        node = Node(_place(self._root.dialect), next(SERIALS))
        n_listed = 0
        try:
            pairs = iter(words)
            for keyword, word in zip(pairs, pairs, strict=True):
                holds = _HOLDS[keyword]
                if holds == _SCHEMA:
                    setattr(node, _BELOW[keyword], word)
                    node.has_choices |= word.has_choices
                elif holds == _SCHEMAS:
                    n_listed += len(word)
                    below = word[len(word) // 2 :]
                    node.properties = dict(zip(word, below, strict=False))  # the names come first
                    "".join(node.properties)  # an error where a name is no string
                    node.has_choices |= any(map(_HAS_CHOICES, below))
                else:
                    READERS[keyword](reader, node, schema[keyword])
            if node.enum is not None:
                n_listed += len(node.enum)
            is_product = len(node.texts) > (node.shortest == 0 and node.longest is None)
            is_limited = is_product and reader.max_dfa_states < GOALS.reader.max_dfa_states
            if node.narrowed or is_limited:
                return None
            node.alike = node
            goal = node.goal = Goal((node,), TRUE, is_shared=True)
            if is_product:
                GOALS.candidates(goal)  # which may pass a limit; nobody else knows the goal, so nobody need wait
            if plainly_possible(node):
                goal.satisfiable = True
            else:
                with GOALS.lock:
                    GOALS.satisfiable(goal)
        except (GrammarError, TypeError, AttributeError, ValueError, ArithmeticError):
            return None  # it is read once more, where errors say where they are
        return self._table.add(words, node, n_listed)

    def _new_choice(self, words: tuple[Any, ...]) -> Node | None:
        """The same of a part that is one of several: those of which the types tell which one it is, or any of them."""
        keyword, options = words
        types = [*map(_types, options)]
        together = reduce(or_, types)
        if keyword == "oneOf" and sum(types) > together:
            return None
        if sum([option.enum is not None for option in options]) > 1:  # better listed together
            return None
        node = Node(_place(self._root.dialect), next(SERIALS))
        node.types, node.any_of, node.has_choices = together, ([*options],), True
        node.alike = node
        goal = node.goal = Goal((node,), TRUE, is_shared=True)
        goal.satisfiable = any(option.goal.satisfiable for option in options)
        return self._table.add(words, node, len(options))


def _texts_of(schemas: list[Any]) -> list[bytes] | None:
    """Each schema as text; None where some do not consist of plain JSON values."""
    try:
        return [marshal.dumps(schema, NO_SHARING) for schema in schemas]
    except ValueError:
        return None


def _types(node: Node) -> int:
    """The types that values of a part can have, as bits."""
    return node.types if node.enum is None else reduce(or_, map(kind_of, node.enum), 0) & node.types


@cache
def _place(dialect: Dialect) -> Place:
    """Where parts stand: nowhere, so that they keep no document."""
    return Place({}, GOALS.reader.document.root.resource, "", dialect, None)


__all__ = ["GOALS", "Parts"]
