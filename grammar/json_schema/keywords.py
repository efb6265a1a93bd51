"""The keywords: what each says of a node, one function each, in one table (:data:`READERS`)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from .. import dfa as automata
from .. import formats, regex
from ..decimals import as_decimal
from ..dfa import CharDfa
from ..errors import GrammarError, LimitExceeded, Unenforceable
from ..number import NumberSpec
from ..plain_pattern import compile_plain
from ..recent import Recent
from ..text_set import TextSet
from .dialects import LATEST
from .nodes import ARRAY, BOOLEAN, NULL, NUMBER, OBJECT, STRING, Node, same

if TYPE_CHECKING:
    from .reader import Reader

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


_PATTERNS = Recent[CharDfa](64 << 20)  # bytes of automata


def pattern_dfa(pattern: str, max_states: int) -> CharDfa:
    """Automaton of a ``pattern``: the text contains a match."""
    found = _PATTERNS.get((pattern, max_states))
    if found is None:
        found = compile_plain(pattern, max_states=max_states)
        if found is None:
            found = automata.compile(regex.parse(pattern), max_states=max_states)
        _PATTERNS.put((pattern, max_states), found, 1024 + 3 * found.n_bytes)  # the key itself, and what is derived
    return found


def format_texts(name: str, draft: int) -> TextSet | None:
    """Texts of a format as its draft defines it; a name of a later draft means what it means there."""
    found = formats.format_texts(name, draft=draft)
    return found if found is not None or draft == LATEST else formats.format_texts(name, draft=LATEST)


def _type(reader: Reader, node: Node, value: Any) -> None:
    names = (value,) if isinstance(value, str) else tuple(value)
    bits = 0
    for name in names:
        if name not in _TYPES:
            raise GrammarError(f"{name!r:.60} is not a JSON type.", pointer=node.place.pointer, keyword="type")
        bits |= _TYPES[name]
    node.types &= bits
    if "integer" in names and "number" not in names:
        node.integer = True
        node.lexical = reader.plain_integers or node.place.draft == 4


def _enum(reader: Reader, node: Node, value: Any) -> None:
    if not isinstance(value, list):
        raise TypeError
    for number in _numbers_in(value):
        _check_length(number)
    if node.enum is not None:
        value = [v for v in value if any(same(v, w) for w in node.enum)]
    node.enum = [deepcopy(v) if isinstance(v, dict | list) else v for v in value]  # the caller's may change


def _const(reader: Reader, node: Node, value: Any) -> None:
    if node.place.draft >= 6:
        _enum(reader, node, [value])


def _ref(reader: Reader, node: Node, value: Any) -> None:
    if not isinstance(value, str):
        raise TypeError
    node.all_of += (reader.node(reader.document.resolve(value, node.place)),)


def _dynamic_ref(reader: Reader, node: Node, keyword: str, value: Any) -> None:
    if not isinstance(value, str) or (keyword == "$recursiveRef" and value != "#"):
        raise TypeError
    node.all_of += (reader.node(reader.document.resolve_dynamic(value, node.place, keyword)),)


def _list(reader: Reader, node: Node, keyword: str, value: Any) -> list[Node]:
    if not isinstance(value, list) or not value:
        raise TypeError
    return [reader.below(node, sub, keyword, k) for k, sub in enumerate(value)]


def _all_of(reader: Reader, node: Node, value: Any) -> None:
    node.all_of += tuple(_list(reader, node, "allOf", value))


def _any_of(reader: Reader, node: Node, value: Any) -> None:
    node.any_of += (_list(reader, node, "anyOf", value),)


def _one_of(reader: Reader, node: Node, value: Any) -> None:
    branches = _list(reader, node, "oneOf", value)
    if len(branches) == 1:
        node.all_of += tuple(branches)
    else:
        node.one_of += (branches,)


def _one_of_loosely(reader: Reader, node: Node, value: Any) -> None:
    node.any_of += (_list(reader, node, "oneOf", value),)


def _not(reader: Reader, node: Node, value: Any) -> None:
    node.none_of += (reader.below(node, value, "not"),)


def _if(reader: Reader, node: Node, value: Any) -> None:
    schema = node.place.schema
    if node.place.draft >= 7:
        then = reader.below(node, schema.get("then", True), "then")
        other = reader.below(node, schema.get("else", True), "else")
        node.conditions += ((reader.below(node, value, "if"), then, other),)


def _dependencies(reader: Reader, node: Node, value: Any) -> None:
    check_names(value)
    for name, needs in value.items():
        if isinstance(needs, list):
            _dependent_required(reader, node, {name: needs})
        else:
            node.dependent += ((name, reader.below(node, needs, "dependencies", name)),)


def _dependent_schemas(reader: Reader, node: Node, value: Any) -> None:
    if node.place.draft >= 2019:
        check_names(value)
        node.dependent += tuple((n, reader.below(node, sub, "dependentSchemas", n)) for n, sub in value.items())


def _dependent_required(reader: Reader, node: Node, value: Any) -> None:
    check_names(value)
    for name, needs in value.items():
        if not isinstance(needs, list) or not all(isinstance(need, str) for need in needs):
            raise TypeError
        node.needed_with += ((name, tuple(dict.fromkeys(needs))),)


def _property_names(reader: Reader, node: Node, value: Any) -> None:
    if node.place.draft >= 6:
        node.property_names = _constraint(reader.below(node, value, "propertyNames"))


def _contains(reader: Reader, node: Node, value: Any) -> None:
    if node.place.draft < 6:
        return
    node.contains = reader.below(node, value, "contains")
    if node.place.draft >= 2019:
        schema = node.place.schema
        node.min_contains = _count(schema.get("minContains", 1))
        if "maxContains" in schema:
            node.max_contains = _count(schema["maxContains"])


def _unevaluated_properties(reader: Reader, node: Node, value: Any) -> None:
    if node.place.draft >= 2019:
        node.unevaluated_properties = reader.below(node, value, "unevaluatedProperties")


def _unevaluated_items(reader: Reader, node: Node, value: Any) -> None:
    if node.place.draft >= 2019:
        node.unevaluated_items = reader.below(node, value, "unevaluatedItems")


def _constraint(node: Node) -> Node | None:
    """A node, or None when it allows anything."""
    return None if node.is_anything else node


def check_names(value: Mapping[Any, Any]) -> None:
    """Refuse an object with a name that is no string: a Python dict may have one, JSON has none."""
    try:
        "".join(value)
    except TypeError:
        name = next(name for name in value if not isinstance(name, str))
        raise GrammarError(f"the name {name!r:.60} is not a string.") from None


def _properties(reader: Reader, node: Node, value: Any) -> None:
    check_names(value)
    node.properties = {name: reader.below(node, sub, "properties", name) for name, sub in value.items()}


def _pattern_properties(reader: Reader, node: Node, value: Any) -> None:
    check_names(value)
    for pattern, sub in value.items():
        try:
            automaton = pattern_dfa(pattern, reader.max_dfa_states)
        except Unenforceable as error:
            reader.relax(node, "patternProperties", error)
        else:
            node.patterns += ((automaton, reader.below(node, sub, "patternProperties", pattern)),)


def _additional(reader: Reader, node: Node, value: Any) -> None:
    node.additional = reader.below(node, value, "additionalProperties")


def _required(reader: Reader, node: Node, value: Any) -> None:
    if isinstance(value, bool) and node.place.draft == 4:  # a relic of draft 3 that validators ignore
        return
    if not isinstance(value, list) or not {*map(type, value)} <= {str}:
        raise TypeError
    node.required = tuple(dict.fromkeys(value))


def _items(reader: Reader, node: Node, value: Any) -> None:
    if isinstance(value, list):
        node.prefix = tuple(reader.below(node, sub, "items", k) for k, sub in enumerate(value))
        if "additionalItems" in node.place.schema:
            node.items = reader.below(node, node.place.schema["additionalItems"], "additionalItems")
    else:
        node.items = reader.below(node, value, "items")


def _prefix_items(reader: Reader, node: Node, value: Any) -> None:
    if node.place.draft >= 2020:
        node.prefix = tuple(reader.below(node, sub, "prefixItems", k) for k, sub in enumerate(value))


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)) or value < 0 or value != int(value):
        raise TypeError
    return int(value)


def _multiple(reader: Reader, node: Node, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)) or value <= 0:
        raise TypeError
    if len(as_decimal(value).as_tuple().digits) > FEW_DIGITS:
        NumberSpec(multiple_of=as_decimal(value)).encode()  # refuses steps that cannot be tracked
    _check_length(value)
    node.multiple = value


def _bound(node: Node, keyword: str, value: Any) -> None:
    schema = node.place.schema
    exclusive = "exclusive" + keyword[0].upper() + keyword[1:]
    if isinstance(value, bool) and keyword.startswith("exclusive"):
        return  # draft 4: read together with the bound
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise TypeError
    _check_length(value)
    node.number += ((exclusive if schema.get(exclusive) is True else keyword, value),)


def _pattern(reader: Reader, node: Node, value: Any) -> None:
    if not isinstance(value, str):
        raise TypeError
    automaton = pattern_dfa(value, reader.max_dfa_states)
    node.texts += (TextSet.of(automaton, max_states=reader.max_dfa_states),)


def _format(reader: Reader, node: Node, value: Any) -> None:
    if not isinstance(value, str):
        raise TypeError
    texts = None
    if reader.format_assertion or node.place.dialect.asserts_format:
        texts = reader.formats(value, node.place.draft)
    if texts is None:
        reader.annotations.append((node.place.pointer, value))
        return
    texts = replace(texts, max_states=reader.max_dfa_states)
    if value in formats.NARROWED:
        node.narrowed += (texts,)
        reader.has_narrowed = True
    else:
        node.texts += (texts,)


def _least(node: Node, attribute: str, value: Any) -> None:
    count = _count(value)
    if count > MOST:
        raise LimitExceeded("a count", count, MOST, hint="No text is that long.")
    setattr(node, attribute, count)


def _most(node: Node, attribute: str, value: Any) -> None:
    count = _count(value)
    setattr(node, attribute, count if count <= MOST else None)  # no text comes near it


def _unique(reader: Reader, node: Node, value: Any) -> None:
    node.unique = value is True


def _check_length(number: Any) -> None:
    """Refuse a number that is too long to be compared digit by digit."""
    plain = abs(number) < 1 << 64 if isinstance(number, int) else isinstance(number, float) and math.isfinite(number)
    if not plain:
        NumberSpec(number, False, number, False)


def _numbers_in(value: Any) -> Iterator[Any]:
    """Every number inside a JSON value, whose names must be strings."""
    if isinstance(value, (list, dict)):
        if isinstance(value, dict):
            check_names(value)
        for member in value.values() if isinstance(value, dict) else value:
            if not isinstance(member, str):
                yield from _numbers_in(member)
    elif isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        yield value


Read = Callable[["Reader", Node, Any], None]

LOOSELY: dict[str, Read] = {"oneOf": _one_of_loosely}

READERS: dict[str, Read] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "$ref": _ref,
    "$dynamicRef": lambda r, n, v: _dynamic_ref(r, n, "$dynamicRef", v) if n.place.draft >= 2020 else None,
    "$recursiveRef": lambda r, n, v: _dynamic_ref(r, n, "$recursiveRef", v) if n.place.draft == 2019 else None,
    "allOf": _all_of,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "properties": _properties,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional,
    "required": _required,
    "items": _items,
    "prefixItems": _prefix_items,
    "multipleOf": _multiple,
    "pattern": _pattern,
    "format": _format,
    "uniqueItems": _unique,
    "not": _not,
    "if": _if,
    "dependencies": _dependencies,
    "dependentSchemas": _dependent_schemas,
    "dependentRequired": lambda r, n, v: _dependent_required(r, n, v) if n.place.draft >= 2019 else None,
    "propertyNames": _property_names,
    "contains": _contains,
    "unevaluatedProperties": _unevaluated_properties,
    "unevaluatedItems": _unevaluated_items,
    "minLength": lambda r, n, v: _least(n, "shortest", v),
    "maxLength": lambda r, n, v: _most(n, "longest", v),
    "minItems": lambda r, n, v: _least(n, "min_items", v),
    "maxItems": lambda r, n, v: _most(n, "max_items", v),
    "minProperties": lambda r, n, v: _least(n, "min_properties", v),
    "maxProperties": lambda r, n, v: _most(n, "max_properties", v),
    "minimum": lambda r, n, v: _bound(n, "minimum", v),
    "maximum": lambda r, n, v: _bound(n, "maximum", v),
    "exclusiveMinimum": lambda r, n, v: _bound(n, "exclusiveMinimum", v),
    "exclusiveMaximum": lambda r, n, v: _bound(n, "exclusiveMaximum", v),
}
