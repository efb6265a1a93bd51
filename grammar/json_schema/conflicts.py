"""Where a schema without instances contradicts itself, so that its author need not search for the place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from ..errors import DetentError, Unsatisfiable
from .document import Document, escape, unescape
from .goals import Goals
from .keywords import READERS
from .nodes import Node
from .reader import Reader

Goaling: TypeAlias = "Callable[[Reader], Goals]"  # the goals of a document, within the caller's limits


def conflict(reader: Reader, goals_of: Goaling) -> Unsatisfiable:
    """The error for a document without instances.

    It names the innermost schema without instances that every value of the root, or every object or array among them,
    has to meet, and keywords there of which each alone is too much. The document is read again for each of those.

    Parameters
    ----------
    reader : Reader
        Of the document.
    goals_of : callable
        Makes the goals for a reader.
    """
    again = _alike(reader, reader.document.root.schema)
    try:
        pointer = _innermost(goals_of(again), again.read())
    except DetentError:  # a member asks for too much: that the whole has no instance is known without it
        return Unsatisfiable("no value meets this schema.", pointer=reader.document.root.pointer)
    blamed = [keyword for keyword in _keywords_at(reader, pointer) if _is_possible(reader, goals_of, pointer, keyword)]
    if len(blamed) > 2 and "type" in blamed:
        blamed.remove("type")  # the others are at odds over values of that type
    hint = f"Without {' or without '.join(blamed)} there would be one." if len(blamed) > 1 else None
    keyword = blamed[0] if len(blamed) == 1 else None
    return Unsatisfiable("no value meets this schema.", pointer=pointer, keyword=keyword, hint=hint)


def _alike(reader: Reader, schema: Any) -> Reader:
    """A reader with the options of another, by which every schema is read by itself."""
    return Reader(
        Document(schema, reader.document.remotes),
        formats=reader.formats,
        format_assertion=reader.format_assertion,
        strict=reader.strict,
        plain_integers=reader.plain_integers,
        max_nodes=reader.max_nodes,
        max_dfa_states=reader.max_dfa_states,
    )


def _innermost(goals: Goals, node: Node) -> str:
    """The pointer of the innermost impossible schema that an impossible one depends on."""
    pointer, passed = node.place.pointer, {node.serial}
    while True:
        found = next(((path, n) for path, n in _needed(node) if not goals.satisfiable(goals.alone(n))), None)
        if found is None:
            return pointer
        path, node = found
        if node.says_nothing:  # false: one node wherever it is written
            return f"{pointer}/{path}"
        if node.serial in passed:
            return pointer
        passed.add(node.serial)
        pointer = node.place.pointer


def _needed(node: Node) -> Iterator[tuple[str, Node]]:
    """The schemas that each value, object or array has to meet itself or with a member, and how one gets there."""
    for inner in node.all_of:
        yield "allOf", inner
    for name in node.required:
        if name in node.properties:
            yield f"properties/{escape(name)}", node.properties[name]
    for k, inner in enumerate(node.prefix[: node.min_items]):
        yield f"{'prefixItems' if 'prefixItems' in node.place.schema else 'items'}/{k}", inner
    if node.items is not None and node.min_items > len(node.prefix):
        yield "items", node.items
    if node.contains is not None and node.min_contains > 0:
        yield "contains", node.contains


def _keywords_at(reader: Reader, pointer: str) -> list[str]:
    """The constraints of the schema at a pointer; none where that is not in the document itself."""
    schema = _at(reader.document.root.schema, pointer)
    return [keyword for keyword in schema if keyword in READERS] if isinstance(schema, dict) else []


def _at(document: Any, pointer: str) -> Any:
    """What stands at a pointer, or None."""
    for part in pointer.split("/")[1:]:
        name = unescape(part)
        if isinstance(document, dict):
            document = document.get(name)
        else:
            document = document[int(name)] if isinstance(document, list) and name.isdigit() else None
    return document


def _is_possible(reader: Reader, goals_of: Goaling, pointer: str, keyword: str) -> bool:
    """Whether the schema at a pointer has instances without one of its keywords."""
    again = _alike(reader, _without(reader.document.root.schema, pointer.split("/")[1:], keyword))
    try:
        root = again.read()
        nodes = [node for node in (root, *again.nodes()) if node.place.pointer == pointer and not node.says_nothing]
        goals = goals_of(again)
        return all(goals.satisfiable(goals.alone(node)) for node in nodes)
    except DetentError:
        return False


def _without(document: Any, path: list[str], keyword: str) -> Any:
    """A copy of a document, but for one keyword of the schema at a path."""
    if not path:
        return {k: v for k, v in document.items() if k != keyword}
    name, rest = unescape(path[0]), path[1:]
    if isinstance(document, dict):
        return {k: _without(v, rest, keyword) if k == name else v for k, v in document.items()}
    return [_without(v, rest, keyword) if str(k) == name else v for k, v in enumerate(document)]
