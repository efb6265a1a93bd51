"""A schema document: its resources, anchors and references."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote, urldefrag, urljoin

from ..errors import GrammarError

DIALECTS = {
    "http://json-schema.org/draft-04/schema": 4,
    "http://json-schema.org/draft-06/schema": 6,
    "http://json-schema.org/draft-07/schema": 7,
    "https://json-schema.org/draft/2019-09/schema": 2019,
    "https://json-schema.org/draft/2020-12/schema": 2020,
}
LATEST = 2020

_SUBSCHEMA = (
    *("additionalItems", "additionalProperties", "contains", "contentSchema", "else", "if", "items", "not"),
    *("propertyNames", "then", "unevaluatedItems", "unevaluatedProperties"),
)
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
_MAPS = ("$defs", "definitions", "properties", "patternProperties", "dependentSchemas", "dependencies")


class Place(NamedTuple):
    """A schema and where it stands.

    Attributes
    ----------
    schema : object
        The schema itself (checked to be a mapping or a boolean by the node parser).
    root : object
        The root of the resource that it belongs to (what ``#`` means there).
    base : str
        URI of that resource.
    path : str or tuple
        JSON pointer from the root of the document that the user passed, in parts: a string, or a path and what follows.
    draft : int
        4, 6, 7, 2019 or 2020.
    """

    schema: Any
    root: Any
    base: str
    path: Any
    draft: int

    @property
    def pointer(self) -> str:
        """JSON pointer from the root of the document that the user passed."""
        path = self.path
        parts: list[str] = []
        while not isinstance(path, str):
            parts.extend(f"/{escape(part)}" for part in reversed(path[1:]))
            path = path[0]
        return path + "".join(reversed(parts))

    def child(self, schema: Any, *parts: str | int) -> Place:
        """The place of a subschema, entering a new resource where it has an identifier."""
        return enter(schema, self.root, self.base, (self.path, *parts), self.draft)


def escape(part: str | int) -> str:
    """One segment of a JSON pointer."""
    return part.replace("~", "~0").replace("/", "~1") if isinstance(part, str) else str(part)


def identifier(schema: Any, draft: int) -> str | None:
    """The URI reference that a schema names itself by (not an anchor), or None."""
    if not isinstance(schema, dict):
        return None
    value = schema.get("id" if draft == 4 else "$id")
    if not isinstance(value, str) or (draft <= 7 and ("$ref" in schema or value.startswith("#"))):
        return None
    return value


def dialect(schema: Any, default: int) -> int:
    """The draft that a schema declares."""
    declared = schema.get("$schema") if isinstance(schema, dict) else None
    return DIALECTS.get(declared.rstrip("#"), default) if isinstance(declared, str) else default


def enter(schema: Any, root: Any, base: str, path: Any, draft: int) -> Place:
    """A place, which is the root of its own resource where the schema names itself."""
    if not isinstance(schema, dict) or not ("$id" in schema or "id" in schema or "$schema" in schema):
        return Place(schema, root, base, path, draft)
    if "$schema" in schema:
        draft = dialect(schema, draft)
    own = identifier(schema, draft)
    if own is None:
        return Place(schema, root, base, path, draft)
    return Place(schema, schema, urldefrag(urljoin(base, own)).url, path, draft)


class Document:
    """A root schema with everything that its references can name.

    Parameters
    ----------
    schema : dict or bool
        The root.
    remotes : mapping of str to schema, optional
        Further documents by URI. Nothing is ever fetched.
    """

    def __init__(self, schema: Any, remotes: Mapping[str, Any] | None = None) -> None:
        self.root = enter(schema, schema, "", "", dialect(schema, LATEST))
        self._remotes = remotes or {}
        self._resources: dict[str, Place] | None = None
        self._anchors: dict[tuple[str, str], Place] = {}

    def resolve(self, ref: str, at: Place) -> Place:
        """The place that a reference names.

        Raises
        ------
        GrammarError
            If there is no such place; the message names the full URI.
        """
        if ref == "#" or ref.startswith("#/"):
            return self._point(Place(at.root, at.root, at.base, "", at.draft), ref[1:], ref, at)
        self._index()
        assert self._resources is not None
        uri, fragment = urldefrag(urljoin(at.base, ref))
        start = self._resources.get(uri) or self._remote(uri)
        if start is None:
            raise GrammarError(
                f"{ref!r} names {uri or 'this document'}, which is not here.",
                pointer=at.pointer,
                keyword="$ref",
                hint=f"Pass it as remotes={{{uri!r}: schema}}.",
            )
        if not fragment or fragment.startswith("/"):
            return self._point(start, fragment, ref, at)
        anchored = self._anchors.get((start.base, fragment)) or self._anchors.get((uri, fragment))
        if anchored is None:
            raise GrammarError(f"{uri}#{fragment} is not an anchor.", pointer=at.pointer, keyword="$ref")
        return anchored

    def _point(self, start: Place, fragment: str, ref: str, at: Place) -> Place:
        """Follow a JSON pointer, entering resources on the way."""
        place = start
        for raw in fragment.split("/")[1:]:
            part = unquote(raw).replace("~1", "/").replace("~0", "~")
            node = place.schema
            if isinstance(node, list) and part.isdigit() and int(part) < len(node):
                node = node[int(part)]
            elif isinstance(node, dict) and part in node:
                node = node[part]
            else:
                raise GrammarError(f"{ref!r} points at nothing.", pointer=at.pointer, keyword="$ref")
            place = place.child(node, part)
        return place

    def _index(self) -> None:
        """Find every resource and anchor of the document, once, when the first reference needs it."""
        if self._resources is None:
            self._resources = {"": self.root._replace(base=self.root.base)}
            self._collect(self.root)

    def _remote(self, uri: str) -> Place | None:
        """A document that the caller passed."""
        for key in (uri, uri + "#"):
            if key in self._remotes:
                schema = self._remotes[key]
                place = enter(schema, schema, uri, uri + "#", dialect(schema, self.root.draft))
                assert self._resources is not None
                self._resources[uri] = place
                self._collect(place)
                return place
        return None

    def _collect(self, start: Place) -> None:
        """Note the resources and anchors below a place."""
        assert self._resources is not None
        stack = [start]
        while stack:
            place = stack.pop()
            schema = place.schema
            if not isinstance(schema, dict):
                continue
            if place.root is schema:
                self._resources.setdefault(place.base, place)
            for anchor in _anchors_of(schema, place.draft):
                self._anchors.setdefault((place.base, anchor), place)
            stack.extend(_subschemas(place))


def _anchors_of(schema: Mapping[str, Any], draft: int) -> Iterator[str]:
    """Plain-name fragments that a schema declares."""
    for key in ("$anchor", "$dynamicAnchor"):
        if draft >= 2019 and isinstance(schema.get(key), str):
            yield schema[key]
    own = schema.get("id" if draft == 4 else "$id")
    if draft <= 7 and isinstance(own, str) and own.startswith("#") and len(own) > 1:
        yield own[1:]


def _subschemas(place: Place) -> Iterator[Place]:
    """Every schema that stands directly below one, under keywords that hold schemas."""
    schema = place.schema
    for key in _SUBSCHEMA:
        if isinstance(schema.get(key), dict):
            yield place.child(schema[key], key)
    for key in _LISTS:
        if isinstance(schema.get(key), list):
            for k, sub in enumerate(schema[key]):
                yield place.child(sub, key, k)
    for key in _MAPS:
        if isinstance(schema.get(key), dict):
            for name, sub in schema[key].items():
                yield place.child(sub, key, name)
