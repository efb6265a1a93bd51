"""A schema document: its resources, anchors and references."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import unquote, urljoin, urlsplit

from ..errors import GrammarError
from .dialects import DIALECTS, NEWEST, Dialect, Dialects, metaschema
from .spelled import Spelled, spelled

# what the value of a keyword is: a schema, several of them in a list or an object
_DATA, _ONE, _LIST, _MAP = 0, 1, 2, 4
_KEYWORDS_4 = {
    **dict.fromkeys(("additionalItems", "additionalProperties", "not"), _ONE),
    **dict.fromkeys(("allOf", "anyOf", "oneOf"), _LIST),
    **dict.fromkeys(("definitions", "dependencies", "patternProperties", "properties"), _MAP),
    "items": _ONE | _LIST,
}
_KEYWORDS_6 = {**_KEYWORDS_4, "contains": _ONE, "propertyNames": _ONE}
_KEYWORDS_7 = {**_KEYWORDS_6, "if": _ONE, "then": _ONE, "else": _ONE}
_KEYWORDS_2019 = {
    **_KEYWORDS_7,
    **dict.fromkeys(("contentSchema", "unevaluatedItems", "unevaluatedProperties"), _ONE),
    **dict.fromkeys(("$defs", "dependentSchemas"), _MAP),
}
_KEYWORDS_2020 = {**_KEYWORDS_2019, "prefixItems": _LIST}
_KEYWORDS = {4: _KEYWORDS_4, 6: _KEYWORDS_6, 7: _KEYWORDS_7, 2019: _KEYWORDS_2019, 2020: _KEYWORDS_2020}

DEFINITIONS = frozenset({"#/definitions", "#/$defs"})  # of the root
_INTO_DEFINITIONS = tuple(f"{place}/" for place in DEFINITIONS)
RECURSIVE = ""  # the name under which ``$recursiveAnchor`` is kept beside dynamic anchors


class ScopeNeeded(Exception):
    """A reference was met whose target depends on how it was reached, while scopes were not kept."""


class Resource:
    """A schema with a URI, and what stands below it up to the next such schema; compared by identity.

    Attributes
    ----------
    schema : object
        Its root: what ``#`` means.
    uri : str
        Without fragment; empty for a document that does not name itself.
    path : str or tuple
        Where it stands, as in :class:`Place`.
    dialect : Dialect
    anchors, dynamic : dict of str to Place
        Plain names, and those of them that dynamic references look for.
    """

    __slots__ = ("anchors", "dialect", "document", "dynamic", "indexed", "path", "schema", "uri")

    def __init__(self, document: Document, schema: Any, uri: str, path: Any, dialect: Dialect) -> None:
        self.document, self.schema, self.uri, self.path, self.dialect = document, schema, uri, path, dialect
        self.anchors: dict[str, Place] = {}
        self.dynamic: dict[str, Place] = {}
        self.indexed = False

    @property
    def root(self) -> Place:
        """The place of the root."""
        return _new_place(Place, (self.schema, self, self.path, self.dialect, None))


Scope = frozenset[tuple[str, Resource]]


class Place(NamedTuple):
    """A schema and where it stands.

    Attributes
    ----------
    schema : object
        The schema itself (checked to be a mapping or a boolean by the node parser).
    resource : Resource
        The resource that it belongs to.
    path : str or tuple
        JSON pointer from the root of the document that the user passed, in parts: a string, or a path and what follows.
    dialect : Dialect
        What its keywords mean.
    scope : frozenset or None
        The dynamic scope: of each dynamic anchor, the outermost resource on the way that declares it. None while no
        dynamic reference was met.
    """

    schema: Any
    resource: Resource
    path: Any
    dialect: Dialect
    scope: Scope | None

    @property
    def draft(self) -> int:
        """4, 6, 7, 2019 or 2020."""
        return self.dialect.draft

    @property
    def pointer(self) -> str:
        """JSON pointer from the root of the document that the user passed."""
        return pointer_of(self.path)

    def child(self, schema: Any, *parts: str | int) -> Place:
        """The place of a subschema, entering a new resource where it has an identifier."""
        if isinstance(schema, dict) and ("$id" in schema or "id" in schema or "$schema" in schema):
            return self.resource.document.enter(schema, self, (self.path, *parts))
        return _new_place(Place, (schema, self.resource, (self.path, *parts), self.dialect, self.scope))


_new_place = tuple.__new__  # half the time of calling Place, which documents do for each of their schemas


def escape(part: str | int) -> str:
    """One segment of a JSON pointer."""
    return part.replace("~", "~0").replace("/", "~1") if isinstance(part, str) else str(part)


def unescape(part: str) -> str:
    """The name that a segment of a JSON pointer stands for."""
    return part.replace("~1", "/").replace("~0", "~")


def pointer_of(path: Any) -> str:
    """The JSON pointer of a path in parts."""
    base, parts = _parts_of(path)
    return base + "".join([f"/{escape(part)}" for part in reversed(parts)])


def _parts_of(path: Any) -> tuple[str, list[str | int]]:
    """What a path begins with, and its parts, the last one first."""
    parts: list[str | int] = []
    while not isinstance(path, str):
        parts += reversed(path[1:])
        path = path[0]
    return path, parts


def join(base: str, ref: str) -> str:
    """A URI reference resolved against a base, by RFC 3986, section 5.2, for any scheme.

    The standard library resolves schemes that it knows and leaves references alone under others.
    """
    if ref.startswith("#"):
        return base + ref
    if base.startswith(("http:", "https:")) or "://" not in base or urlsplit(ref).scheme:
        return urljoin(base, ref)
    scheme, _, rest = base.partition("://")
    return scheme + urljoin(f"http://{rest}", ref).removeprefix("http")


def identifier(schema: Any, draft: int) -> str | None:
    """The URI reference that a schema names itself by, or None. Until draft 7 ``$ref`` hides what is beside it."""
    value = schema.get("id" if draft == 4 else "$id") if isinstance(schema, dict) else None
    if not isinstance(value, str) or (draft <= 7 and isinstance(schema.get("$ref"), str)):
        return None
    return value


class Document:
    """A root schema with everything that its references can name.

    Parameters
    ----------
    schema : dict or bool
        The root.
    remotes : mapping of str to schema, optional
        Further documents by URI. Nothing is ever fetched.
    text : Spelled, optional
        The root as text, where that is known.

    Attributes
    ----------
    root : Place
    remotes : dict of str to schema
    is_closed : bool
        Whether the caller may have changed the root since it was read.
    unknown : dict of str to str
        By JSON pointer, each ``$schema`` that names nothing that is known: read as the latest draft.
    """

    def __init__(self, schema: Any, remotes: Mapping[str, Any] | None = None, text: Spelled | None = None) -> None:
        if text is not None:
            self.text = text
        self.is_closed = False
        self.unknown: dict[str, str] = {}
        self.remotes = {uri.rstrip("#"): remote for uri, remote in remotes.items()} if remotes else {}
        self._entered: dict[tuple[int, str], Resource] = {}
        self._by_uri: dict[str, Resource] = {}
        self._resolved: dict[tuple[Resource, str], Place] = {}
        self.root = self._top(schema, "", "", NEWEST).root

    @cached_property
    def text(self) -> Spelled | None:
        """The root as text; None where it does not consist of plain JSON values."""
        return spelled(self.root.schema)

    def close(self) -> None:
        """From now on the caller may change the root: what is asked about it is told from its text."""
        self.is_closed = self.text is not None

    @cached_property
    def again(self) -> Any:
        """The root as it was when it was closed."""
        assert self.text is not None
        return self.text.value()

    def schema_of(self, place: Place) -> Any:
        """The schema of a place, as it was when the document was closed."""
        if not self.is_closed:
            return place.schema
        base, parts = _parts_of(place.path)
        if base:  # another document, which does not change
            return place.schema
        value = self.again
        for part in reversed(parts):
            value = value[int(part)] if isinstance(value, list) else value[part]
        return value

    @cached_property
    def _dialects(self) -> Dialects:
        return Dialects(self.remotes)

    def keep_scopes(self) -> None:
        """From now on places carry their dynamic scope (before any is read from the root again)."""
        self.root = self._scoped(self.root, frozenset())

    @property
    def leads_far(self) -> bool:
        """Whether a reference so far led elsewhere than into the definitions of the root, or did not stand in it."""
        here = self.root.resource
        is_near = (at is here and ref.startswith(_INTO_DEFINITIONS) for at, ref in self._resolved)
        return self.root.scope is not None or not all(is_near)

    # ------------------------------------------------------------------------------------------------ references
    def resolve(self, ref: str, at: Place, keyword: str = "$ref") -> Place:
        """The place that a reference names.

        Raises
        ------
        GrammarError
            If there is no such place; the message names the full URI.
        """
        found = self._resolved.get((at.resource, ref))
        if found is None:
            found = self._resolved[at.resource, ref] = self._named(ref, at, keyword)
        return found if at.scope is None else self._scoped(found, at.scope)

    def resolve_dynamic(self, ref: str, at: Place, keyword: str) -> Place:
        """The place that ``$dynamicRef`` or ``$recursiveRef`` names.

        Where the plain meaning is an anchor that was declared as dynamic, the outermost resource of the dynamic scope
        that declares the same name decides.

        Raises
        ------
        ScopeNeeded
            If the dynamic scope decides, and is not known.
        GrammarError
            As :meth:`resolve`.
        """
        target = self.resolve(ref, at, keyword)
        name = unquote(ref.partition("#")[2])
        self._index(target.resource)
        initial = target.resource.dynamic.get(name)
        if initial is None or initial.schema is not target.schema or (keyword == "$dynamicRef") == (name == RECURSIVE):
            return target
        if target.scope is None:
            raise ScopeNeeded
        outermost = next(resource for declared, resource in target.scope if declared == name)
        assert at.scope is not None
        return self._scoped(outermost.dynamic[name], at.scope)

    def _scoped(self, place: Place, scope: Scope) -> Place:
        """A place that is reached in a scope: its resource becomes the innermost."""
        resource = place.resource
        self._index(resource)
        if resource.dynamic:
            known = {name for name, _ in scope}
            if place.schema is not resource.schema:  # of a recursive anchor, the very schema must be on the way
                known.add(RECURSIVE)
            scope = scope.union((name, resource) for name in resource.dynamic if name not in known)
        return place._replace(scope=scope)

    def _named(self, ref: str, at: Place, keyword: str) -> Place:
        """The place that a reference names, without scope."""
        here = at.resource
        if ref == "#" or ref.startswith("#/"):
            uri, fragment = here.uri, ref[1:]
        else:
            uri, _, fragment = join(here.uri, ref).partition("#")
            self._index(here)
        start = here if uri == here.uri else self._resource(uri)
        if start is None:
            raise GrammarError(
                f"{ref!r} names {uri}, which is not here, and nothing is fetched.",
                pointer=at.pointer,
                keyword=keyword,
                hint=f"Pass it as remotes={{{uri!r}: schema}}.",
            )
        fragment = unquote(fragment)
        if not fragment or fragment.startswith("/"):
            found = self._follow(start.root, fragment)
        else:
            found = start.anchors.get(fragment)
        if found is None:
            there = "points at nothing" if fragment.startswith("/") else "is not an anchor"
            raise GrammarError(f"{uri}#{fragment} {there}.", pointer=at.pointer, keyword=keyword)
        return found

    def _follow(self, place: Place, pointer: str) -> Place | None:
        """Follow a JSON pointer, entering resources on the way where schemas are known to stand."""
        value, kind = place.schema, _ONE
        tail: tuple[str, ...] = ()
        for raw in pointer.split("/")[1:]:
            part = unescape(raw)
            holder = value
            if isinstance(value, list) and re.fullmatch("0|[1-9][0-9]*", part) and int(part) < len(value):
                value = value[int(part)]
            elif isinstance(value, dict) and part in value:
                value = value[part]
            else:
                return None
            if kind == _ONE:
                kind = _held(place.draft, part, value) if isinstance(holder, dict) else _DATA
            elif kind:
                kind = _ONE
            tail += (part,)
            if kind == _ONE:
                place, tail = place.child(value, *tail), ()
        return place.child(value, *tail) if tail else place

    # ------------------------------------------------------------------------------------------------- resources
    def enter(self, schema: dict[str, Any], parent: Place, path: Any) -> Place:
        """The place of a subschema that may name itself or its dialect."""
        dialect = self._dialect(schema, path, parent.dialect)
        own = identifier(schema, dialect.draft)
        uri = parent.resource.uri if own is None else join(parent.resource.uri, own).partition("#")[0]
        if uri == parent.resource.uri:
            return Place(schema, parent.resource, path, dialect, parent.scope)
        place = self._intern(schema, uri, path, dialect).root
        return place if parent.scope is None else self._scoped(place, parent.scope)

    def _top(self, schema: Any, uri: str, path: str, default: Dialect) -> Resource:
        """The resource at the root of a document."""
        dialect = self._dialect(schema, path, default)
        is_named = isinstance(schema, dict) and ("$id" in schema or "id" in schema)
        own = identifier(schema, dialect.draft) if is_named else None
        return self._intern(schema, uri if own is None else join(uri, own).partition("#")[0], path, dialect)

    def _intern(self, schema: Any, uri: str, path: Any, dialect: Dialect) -> Resource:
        found = self._entered.get((id(schema), uri))
        if found is None:
            found = self._entered[id(schema), uri] = Resource(self, schema, uri, path, dialect)
        return found

    def _dialect(self, schema: Any, path: Any, default: Dialect) -> Dialect:
        """The dialect that a schema declares."""
        declared = schema.get("$schema") if isinstance(schema, dict) else None
        if not isinstance(declared, str):
            return default
        found = DIALECTS.get(declared.rstrip("#")) or self._dialects.named(declared, pointer_of(path))
        if found is None:
            self.unknown[pointer_of(path)] = declared
        return found or default

    def _resource(self, uri: str) -> Resource | None:
        """The resource with a URI: of this document, a remote one, or a meta-schema."""
        self._index(self.root.resource)
        if uri not in self._by_uri:
            if uri in self.remotes:
                self._load(uri, self.remotes[uri])
            elif (schema := metaschema(uri)) is not None:
                self._load(uri, schema)
            else:  # it may be the name that a remote document, or a part of one, gives itself
                for other in self.remotes:
                    if uri not in self._by_uri and other not in self._by_uri:
                        self._load(other, self.remotes[other])
        return self._by_uri.get(uri)

    def _load(self, uri: str, schema: Any) -> None:
        """Take in another document."""
        resource = self._top(schema, uri, f"{uri}#", self.root.dialect)
        self._by_uri[uri] = resource
        self._index(resource)

    def _index(self, top: Resource) -> None:
        """Note the resources and anchors below the root of a resource, once."""
        stack = [] if top.indexed else [top.root]
        while stack:
            place = stack.pop()
            schema, resource = place.schema, place.resource
            if resource.schema is schema:
                if resource.indexed:
                    continue
                resource.indexed = True
                self._by_uri.setdefault(resource.uri, resource)
            if not isinstance(schema, dict):
                continue
            if place.draft == 2019 and resource.schema is schema and schema.get("$recursiveAnchor") is True:
                resource.dynamic[RECURSIVE] = place
            for name, is_dynamic in _anchors_of(schema, place.draft):
                resource.anchors.setdefault(name, place)
                if is_dynamic:
                    resource.dynamic.setdefault(name, place)
            stack.extend(reversed([*_subschemas(place)]))


def _anchors_of(schema: Mapping[str, Any], draft: int) -> Iterator[tuple[str, bool]]:
    """Plain-name fragments that a schema declares, each with whether dynamic references look for it."""
    if draft >= 2019:
        if isinstance(schema.get("$anchor"), str):
            yield schema["$anchor"], False
        if draft >= 2020 and isinstance(schema.get("$dynamicAnchor"), str):
            yield schema["$dynamicAnchor"], True
    elif own := identifier(schema, draft):
        name = own.partition("#")[2]
        if name and not name.startswith("/"):
            yield name, False


def _held(draft: int, keyword: str, value: Any) -> int:
    """What stands under a keyword of a schema: a schema, several of them, or data."""
    kind = _KEYWORDS[draft].get(keyword, _DATA)
    if isinstance(value, dict):
        return kind & (_ONE | _MAP)
    return kind & (_LIST if isinstance(value, list) else _ONE)


def _subschemas(place: Place) -> Iterator[Place]:
    """Every schema that stands directly below one, under keywords that hold schemas."""
    for key, value in place.schema.items():
        kind = _held(place.draft, key, value)
        if kind == _ONE:
            yield place.child(value, key)
        elif kind:
            for name, sub in value.items() if kind == _MAP else enumerate(value):
                yield place.child(sub, key, name)
