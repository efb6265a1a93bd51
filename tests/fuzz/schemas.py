"""Random schemas over every keyword of a draft, with few names and values, so that keywords meet."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

DRAFTS = {
    4: "http://json-schema.org/draft-04/schema#",
    6: "http://json-schema.org/draft-06/schema#",
    7: "http://json-schema.org/draft-07/schema#",
    2019: "https://json-schema.org/draft/2019-09/schema",
    2020: "https://json-schema.org/draft/2020-12/schema",
}
NAMES = ("a", "b", "ab", "é", "")
OTHERS = ("x", "aa", "bb", "\ue000")  # that no schema lists; the last is the first character behind surrogates
PATTERNS = {  # with texts that match; read alike by ECMA-262, Python and Rust
    "^a": ("a", "ab"),
    "b$": ("b", "ab"),
    "^[ab]+$": ("a", "bab"),
    "^a?b?$": ("", "ab"),
    "a|b": ("a", "é b"),
    "^[^a]{1,3}$": ("é", "1.2"),
    "^(?!a)": ("", "b"),
    "^[0-9]{2}$": ("07",),
    "^(é|aa)*$": ("", "éaa"),
    "^[^\ue000-\uffff]*$": ("", "bb"),
}
FORMATS = {
    "date": ("2024-02-29",),
    "ipv4": ("1.2.3.4",),
    "ipv6": ("::1",),
    "uuid": ("123e4567-e89b-12d3-a456-426614174000",),
    "no-such-format": ("b",),
}
STRINGS = ("", "a", "b", "ab", "é", 'a"', "\\", "\n", "😀b", "2023-02-29", "07", "\ue000b")
NUMBERS = (0, 1, 2, 3, -1, 0.5, 1.5, -2.25, 10, 100)
MULTIPLES = (1, 2, 3, 0.5, 0.1, 0.01, 1.5, 10)
TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")
SCALARS = (None, True, False, *STRINGS[:5], *NUMBERS[:8], "1")
ROOT, OTHER = "http://fuzz.test/root", "other"
IN_PLACE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else")
MAX_DEPTH = 4


class Keyword(NamedTuple):
    """How a keyword is written: its group, the drafts that have it, and a maker of its value."""

    group: str
    first: int
    last: int
    make: Callable[[Author], Any]


class Author:
    """Writes one schema.

    Parameters
    ----------
    rng : random.Random
    draft : int
        4, 6, 7, 2019 or 2020.
    size : int
        Schemas to write before only leaves follow.
    """

    def __init__(self, rng: random.Random, draft: int, size: int) -> None:
        self.rng, self.draft, self.size = rng, draft, size
        self.depth = 0
        self.used: set[str] = set()
        self.by_group: dict[str, list[str]] = {}
        for name, keyword in KEYWORDS.items():
            if keyword.first <= draft <= keyword.last:
                self.by_group.setdefault(keyword.group, []).append(name)
        self.definitions = "$defs" if draft >= 2019 else "definitions"
        self.resources = draft >= 2019 and rng.random() < 0.25

    def document(self) -> dict[str, Any]:
        """A whole schema."""
        root: dict[str, Any] = {"$schema": DRAFTS[self.draft]}
        body = self.node()
        root |= body if isinstance(body, dict) else {"allOf": [{"type": list(TYPES)}]}
        if self.resources:
            root["$id"] = ROOT
        if self.used:
            definitions = {name: self.node() for name in ("one", "two")}
            if self.resources:
                self._scopes(root, definitions)
            elif self.draft >= 2019:
                definitions["one"] = {"$anchor": "here", "allOf": [definitions["one"]]}
            root[self.definitions] = definitions
        return root

    def _scopes(self, root: dict[str, Any], definitions: dict[str, Any]) -> None:
        """Make the second definition a resource, and anchors that references find by the dynamic scope."""
        keyword, value = ("$dynamicAnchor", "node") if self.draft == 2020 else ("$recursiveAnchor", True)
        for name, schema in definitions.items():
            definitions[name] = schema if isinstance(schema, dict) else {"allOf": [schema]}
        definitions["two"]["$id"] = OTHER
        places = [root, definitions["two"]]  # of one resource each: an anchor is declared once in a resource
        for place in places:
            if self.rng.random() < 0.7:
                place[keyword] = value
        if self.draft == 2020:
            definitions["two"][keyword] = value

    def node(self) -> Any:
        """A schema."""
        rng = self.rng
        self.size -= 1
        if self.draft >= 6 and rng.random() < 0.06:
            return rng.random() < 0.6
        self.depth += 1
        leaf = self.depth > MAX_DEPTH or self.size <= 0
        groups = ("string", "number", "value") if leaf else tuple(WEIGHTS)
        schema: dict[str, Any] = {}
        for _ in range(rng.choice((1, 1, 1, 2))):
            group = rng.choices(groups, [WEIGHTS[g] for g in groups])[0]
            if group == "reference":
                keyword, target = self._reference()
                schema[keyword] = target
                continue
            if group in TYPED and rng.random() < 0.6:
                schema["type"] = group if group != "number" else rng.choice(("number", "integer"))
            known = self.by_group[group]
            for name in rng.sample(known, min(len(known), rng.choice(TYPED.get(group, (1,))))):
                schema[name] = KEYWORDS[name].make(self)
                self._partners(schema, name)
        if isinstance(schema.get("items"), bool):  # beside it the validator in Python trips over additionalItems
            schema.pop("additionalItems", None)
        if rng.random() < 0.02:
            foreign = [n for n, k in KEYWORDS.items() if not k.first <= self.draft <= k.last and n not in schema]
            name = rng.choice([n for n in foreign if not n.startswith("exclusive")])
            schema[name] = KEYWORDS[name].make(self)
        self.depth -= 1
        return schema

    def _partners(self, schema: dict[str, Any], name: str) -> None:
        """Keywords that mean something only beside another."""
        rng = self.rng
        if name == "if":
            for other in ("then", "else"):
                if rng.random() < 0.7:
                    schema[other] = self.node()
        elif name == "contains" and self.draft >= 2019:
            if rng.random() < 0.5:
                schema["minContains"] = rng.choice((0, 1, 2))
            if rng.random() < 0.4:
                schema["maxContains"] = rng.choice((1, 2))
        elif isinstance(schema[name], list) and name in ("items", "prefixItems") and rng.random() < 0.6:
            schema["items" if name == "prefixItems" else "additionalItems"] = self.node()
        elif name in ("minimum", "maximum") and self.draft == 4 and rng.random() < 0.3:
            schema["exclusiveM" + name[1:]] = True

    def _reference(self) -> tuple[str, str]:
        """A reference to somewhere in the document."""
        rng = self.rng
        if rng.random() < 0.3:
            return "$ref", ROOT if self.resources else "#"
        self.used.add("one")
        if self.resources:
            dynamic = ("$dynamicRef", "#node") if self.draft == 2020 else ("$recursiveRef", "#")
            return rng.choice((dynamic, dynamic, ("$ref", OTHER), ("$ref", f"{ROOT}#/$defs/one")))
        if self.draft >= 2019 and rng.random() < 0.2:
            return "$ref", "#here"
        return "$ref", f"#/{self.definitions}/{rng.choice(('one', 'two'))}"

    def some(self, values: Sequence[Any], most: int = 3) -> list[Any]:
        """A few of some values."""
        return self.rng.sample(values, min(len(values), self.rng.randint(1, most)))

    def nodes(self, most: int = 3) -> list[Any]:
        """A few schemas."""
        return [self.node() for _ in range(self.rng.randint(1, most))]

    def count(self) -> int:
        """A bound on a number of things."""
        return self.rng.choice((0, 1, 1, 2, 2, 3))

    def value(self, depth: int = 0) -> Any:
        """A JSON value."""
        if depth > 1 or self.rng.random() < 0.7:
            return self.rng.choice(SCALARS)
        if self.rng.random() < 0.5:
            return [self.value(depth + 1) for _ in range(self.rng.randint(0, 2))]
        return {name: self.value(depth + 1) for name in self.some(NAMES, 2)}

    def values(self) -> list[Any]:
        """Distinct JSON values."""
        found: list[Any] = []
        for _ in range(self.rng.randint(1, 4)):
            value = self.value()
            if not any(_equal(value, other) for other in found):
                found.append(value)
        return found


def _equal(a: Any, b: Any) -> bool:
    return bool(a == b) and isinstance(a, bool) == isinstance(b, bool)


def _dependencies(author: Author) -> Any:
    return {
        name: author.some(NAMES, 2) if author.rng.random() < 0.5 else author.node() for name in author.some(NAMES, 2)
    }


def _additional(author: Author) -> Any:
    return author.rng.random() < 0.1 if author.rng.random() < 0.5 else author.node()


def _format(author: Author) -> Any:
    return author.rng.choice([name for name in FORMATS if name != "uuid" or author.draft >= 2019])


def _items(author: Author) -> Any:
    return author.nodes() if author.draft <= 2019 and author.rng.random() < 0.4 else author.node()


def _named(names: Sequence[str]) -> Callable[[Author], Any]:
    return lambda author: {name: author.node() for name in author.some(names)}


def _one_of(values: Sequence[Any]) -> Callable[[Author], Any]:
    return lambda author: author.rng.choice(values)


TYPED = {"object": (1, 2, 3), "array": (1, 2, 3), "string": (1, 2), "number": (1, 2)}
WEIGHTS = {"object": 8, "array": 5, "string": 2, "number": 2, "value": 3, "logic": 6, "reference": 3}
KEYWORDS: dict[str, Keyword] = {
    "type": Keyword("value", 4, 2020, lambda a: a.some(TYPES) if a.rng.random() < 0.4 else a.rng.choice(TYPES)),
    "enum": Keyword("value", 4, 2020, Author.values),
    "const": Keyword("value", 6, 2020, Author.value),
    "allOf": Keyword("logic", 4, 2020, Author.nodes),
    "anyOf": Keyword("logic", 4, 2020, Author.nodes),
    "oneOf": Keyword("logic", 4, 2020, Author.nodes),
    "not": Keyword("logic", 4, 2020, Author.node),
    "if": Keyword("logic", 7, 2020, Author.node),
    "properties": Keyword("object", 4, 2020, _named(NAMES)),
    "patternProperties": Keyword("object", 4, 2020, _named(tuple(PATTERNS))),
    "additionalProperties": Keyword("object", 4, 2020, _additional),
    "required": Keyword("object", 4, 2020, lambda a: a.some(NAMES)),
    "minProperties": Keyword("object", 4, 2020, Author.count),
    "maxProperties": Keyword("object", 4, 2020, Author.count),
    "propertyNames": Keyword("object", 6, 2020, Author.node),
    "dependencies": Keyword("object", 4, 7, _dependencies),
    "dependentRequired": Keyword("object", 2019, 2020, lambda a: {n: a.some(NAMES, 2) for n in a.some(NAMES, 2)}),
    "dependentSchemas": Keyword("object", 2019, 2020, _named(NAMES)),
    "unevaluatedProperties": Keyword("object", 2019, 2020, _additional),
    "items": Keyword("array", 4, 2020, _items),
    "prefixItems": Keyword("array", 2020, 2020, Author.nodes),
    "additionalItems": Keyword("array", 4, 2019, _additional),
    "minItems": Keyword("array", 4, 2020, Author.count),
    "maxItems": Keyword("array", 4, 2020, Author.count),
    "uniqueItems": Keyword("array", 4, 2020, lambda a: a.rng.random() < 0.9),
    "contains": Keyword("array", 6, 2020, Author.node),
    "unevaluatedItems": Keyword("array", 2019, 2020, _additional),
    "pattern": Keyword("string", 4, 2020, _one_of(tuple(PATTERNS))),
    "format": Keyword("string", 4, 2020, _format),
    "minLength": Keyword("string", 4, 2020, Author.count),
    "maxLength": Keyword("string", 4, 2020, Author.count),
    "minimum": Keyword("number", 4, 2020, _one_of(NUMBERS)),
    "maximum": Keyword("number", 4, 2020, _one_of(NUMBERS)),
    "exclusiveMinimum": Keyword("number", 6, 2020, _one_of(NUMBERS)),
    "exclusiveMaximum": Keyword("number", 6, 2020, _one_of(NUMBERS)),
    "multipleOf": Keyword("number", 4, 2020, _one_of(MULTIPLES)),
}


def write(rng: random.Random, draft: int) -> dict[str, Any]:
    """A random schema whose references never lead back to themselves without entering a value."""
    while True:
        schema = Author(rng, draft, rng.choice((2, 4, 6, 9, 14))).document()
        if not circular(schema):
            return schema


# ---------------------------------------------------------------------------------------------------------- references
def resolve(root: Any, resource: Any, ref: str) -> Any:
    """What a reference of this module's kinds names; None where that is gone (while a schema is shrunk)."""
    uri, _, fragment = ref.partition("#")
    start = resource if not uri else root if uri == ROOT else _definition(root, "two")
    if fragment.startswith("/"):
        return _definition(start, fragment.rsplit("/", 1)[1])
    return _definition(root, "one") if fragment == "here" else start


def _definition(start: Any, name: str) -> Any:
    if not isinstance(start, dict):
        return None
    return start.get("$defs", start.get("definitions", {})).get(name)


def subschemas(schema: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """The schemas directly below one, with their paths."""
    if not isinstance(schema, dict):
        return
    for keyword, value in schema.items():
        if keyword in ("properties", "patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions"):
            if isinstance(value, dict):
                yield from (((keyword, name), sub) for name, sub in value.items() if not isinstance(sub, list))
        elif keyword in ("allOf", "anyOf", "oneOf", "prefixItems", "items") and isinstance(value, list):
            yield from (((keyword, k), sub) for k, sub in enumerate(value))
        elif isinstance(value, (dict, bool)) and keyword not in ("const", "uniqueItems", "$recursiveAnchor"):
            yield (keyword,), value


def circular(root: Any) -> bool:
    """Whether some schema is asked about the very value that it is being asked about."""
    places: list[tuple[Any, Any]] = [(root, root)]
    for schema, resource in places:  # grows while it is read
        for _, sub in subschemas(schema):
            if isinstance(sub, dict):
                places.append((sub, sub if "$id" in sub else resource))
    scoped = [schema for schema, _ in places if "$dynamicAnchor" in schema or "$recursiveAnchor" in schema]
    following: dict[int, list[int]] = {}
    for schema, resource in places:
        targets = []
        for path, sub in subschemas(schema):
            if path[0] in (*IN_PLACE, "dependentSchemas", "dependencies"):
                targets.append(sub)
        if isinstance(schema.get("$ref"), str):
            targets.append(resolve(root, resource, schema["$ref"]))
        if "$dynamicRef" in schema or "$recursiveRef" in schema:
            targets += [*scoped, resource]
        following[id(schema)] = [id(target) for target in targets if isinstance(target, dict)]
    return _has_cycle(following)


def _has_cycle(following: dict[int, list[int]]) -> bool:
    waiting = {node: len(targets) for node, targets in following.items()}
    before: dict[int, list[int]] = {}
    for node, targets in following.items():
        for target in targets:
            before.setdefault(target, []).append(node)
    done = [node for node, count in waiting.items() if not count]
    for node in done:  # grows while it is read
        for other in before.get(node, []):
            waiting[other] -= 1
            if not waiting[other]:
                done.append(other)
    return len(done) < len(following)


def words(schema: Any) -> set[str]:
    """JSON texts of keys (with the colon) and values that a schema speaks of."""
    found: set[str] = {"0", '""', *(f"{json.dumps(name)}:" for name in NAMES)}
    pending = [schema]
    for each in pending:  # grows while it is read
        if isinstance(each, dict):
            for keyword in ("properties", "dependentSchemas", "dependencies"):
                found.update(f"{json.dumps(name)}:" for name in each.get(keyword, ()))
            values = [*each.get("enum", ()), *([each["const"]] if "const" in each else [])]
            values += [*PATTERNS.get(each.get("pattern", ""), ()), *FORMATS.get(each.get("format", ""), ())]
            found.update(json.dumps(value, separators=(",", ":")) for value in values)
            pending += [sub for _, sub in subschemas(each)]
    return found
