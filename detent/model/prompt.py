"""The prompt of the demonstration model: a text, and the wanted JSON written as a short type.

The format, used alike in training and by ``detent.generate``::

    ### Text
    The mug is teal and costs 4.5.
    ### Schema
    {"colour": string, "price": number}
    ### JSON
    {"colour": "teal", "price": 4.5}

The answer has the keys in the order of the schema, the separators of ``json.dumps``, and ends with the end token.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

SCHEMA_HEADING = "\n### Schema\n"
_WORDS = {"object": "object", "array": "[any]"}


def format_prompt(text: str, schema: Mapping[str, Any] | bool | None) -> str:
    """Return the prompt that asks the demonstration model to extract `schema` from `text`.

    Parameters
    ----------
    text : str
        Where the values are to be found.
    schema : mapping, bool or None
        A JSON Schema; local references (``#/$defs/...``) are followed. None, like True, asks for anything.

    Examples
    --------
    >>> print(format_prompt("Ada is 36.", {"type": "object", "properties": {"age": {"type": "integer"}}}), end="")
    ### Text
    Ada is 36.
    ### Schema
    {"age": integer}
    ### JSON
    """
    return f"### Text\n{text.strip()}{SCHEMA_HEADING}{describe(True if schema is None else schema)}\n### JSON\n"


def describe(schema: Mapping[str, Any] | bool) -> str:
    """Return a JSON Schema as a short type such as ``{"name": string, "tags": [string], "state": "open"|"closed"}``.

    Only the shape is written: bounds, patterns and which keys are required are left to the mask. A reference that
    leads back to itself is written as its name.
    """
    return _describe(schema, schema, ())


def _describe(schema: Any, root: Any, above: tuple[str, ...]) -> str:
    if not isinstance(schema, Mapping):
        return "never" if schema is False else "any"
    if "$ref" in schema:
        return _reference(schema["$ref"], root, above)
    if "const" in schema:
        return _json(schema["const"])
    if "enum" in schema:
        return "|".join(map(_json, schema["enum"]))
    for keyword in ("anyOf", "oneOf", "allOf"):
        if keyword in schema:
            parts = dict.fromkeys(_describe(part, root, above) for part in schema[keyword])
            return ("&" if keyword == "allOf" else "|").join(parts)
    kinds = schema.get("type", _implied_type(schema))
    if isinstance(kinds, str):
        return _typed(kinds, schema, root, above)
    return "|".join(_typed(kind, schema, root, above) for kind in kinds)


def _typed(kind: str, schema: Mapping[str, Any], root: Any, above: tuple[str, ...]) -> str:
    if kind == "object" and "properties" in schema:
        members = (f"{_json(key)}: {_describe(part, root, above)}" for key, part in schema["properties"].items())
        return "{" + ", ".join(members) + "}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return "{string: " + _describe(schema["additionalProperties"], root, above) + "}"
    if kind == "array" and "prefixItems" in schema:
        return "[" + ", ".join(_describe(part, root, above) for part in schema["prefixItems"]) + "]"
    if kind == "array" and "items" in schema:
        return "[" + _describe(schema["items"], root, above) + "]"
    if kind == "string" and schema.get("format") in ("date", "time", "date-time", "email"):
        return str(schema["format"])
    return _WORDS.get(kind, kind)


def _reference(ref: str, root: Any, above: tuple[str, ...]) -> str:
    *_, name = ref.split("/")
    if ref in above or not ref.startswith("#"):
        return name or "any"
    target = root
    for step in ref[1:].split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        target = target[int(key)] if isinstance(target, list) else target[key]
    return _describe(target, root, (*above, ref))


def _implied_type(schema: Mapping[str, Any]) -> str:
    if "properties" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else "any"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
