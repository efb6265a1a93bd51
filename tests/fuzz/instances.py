"""Random instances: led by the schema as far as that is easy, varied, and written in many ways."""

from __future__ import annotations

import itertools
import json
import math
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from .schemas import FORMATS, MULTIPLES, NAMES, NUMBERS, OTHERS, PATTERNS, SCALARS, STRINGS, TYPES, resolve

KINDS = {
    "object": ("properties", "required", "additionalProperties", "patternProperties", "minProperties", "propertyNames"),
    "array": ("items", "prefixItems", "minItems", "contains", "uniqueItems", "unevaluatedItems"),
    "string": ("pattern", "format", "minLength", "maxLength"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}


class Sampler:
    """Values that have a fair chance to meet a schema.

    Parameters
    ----------
    rng : random.Random
    root : dict
        The document.
    """

    def __init__(self, rng: random.Random, root: Any) -> None:
        self.rng, self.root = rng, root

    def many(self, count: int) -> Iterator[Any]:
        """Values: led ones, mutations of those, and a few that have nothing to do with the schema."""
        pool: list[Any] = []
        for _ in range(count):
            draw = self.rng.random()
            if draw < 0.5 or not pool:
                value = self.value([self.root])
            elif draw < 0.95:
                value = self.mutated(self.rng.choice(pool))
            else:
                value = self.anything()
            pool.append(value)
            yield value

    def value(self, schemas: list[Any], depth: int = 0) -> Any:
        """A value for schemas that all hold."""
        rng = self.rng
        flat = self._flat(schemas)
        listed = [v for s in flat for v in ([s["const"]] if "const" in s else s.get("enum", []))]
        if listed and rng.random() < 0.9:
            return rng.choice(listed)
        if depth > 5:
            return rng.choice(SCALARS)
        kind = self._kind(flat)
        if kind == "object":
            return self._object(flat, depth)
        if kind == "array":
            return self._array(flat, depth)
        if kind == "string":
            return self._string(flat)
        if kind in ("integer", "number"):
            return self._number(flat, kind)
        return None if kind == "null" else rng.random() < 0.5

    def _flat(self, schemas: list[Any]) -> list[dict[str, Any]]:
        """The schemas that apply in place, one branch of each choice."""
        found: list[dict[str, Any]] = []
        pending = list(schemas)
        while pending and len(found) < 40:
            schema = pending.pop()
            if not isinstance(schema, dict):
                continue
            found.append(schema)
            if isinstance(schema.get("$ref"), str):
                pending.append(resolve(self.root, self.root, schema["$ref"]))
            if "$dynamicRef" in schema or "$recursiveRef" in schema:
                pending.append(self.rng.choice([self.root, *self.root.get("$defs", {}).values()]))
            pending += schema.get("allOf", [])
            for keyword in ("anyOf", "oneOf"):
                if keyword in schema:
                    pending.append(self.rng.choice(schema[keyword]))
            if "if" in schema:
                pending += [schema["if"], schema.get("then")] if self.rng.random() < 0.5 else [schema.get("else")]
        return found

    def _kind(self, flat: list[dict[str, Any]]) -> str:
        kinds = set(TYPES)
        for schema in flat:
            given = schema.get("type")
            allowed = {given} if isinstance(given, str) else set(given or TYPES)
            kinds &= allowed | ({"integer"} if "number" in allowed else set())
        meant = [kind for kind, words in KINDS.items() if any(word in s for s in flat for word in words)]
        if likely := [kind for kind in meant if kind in kinds]:
            return self.rng.choice(likely)
        return self.rng.choice(sorted(kinds or TYPES))

    def _object(self, flat: list[dict[str, Any]], depth: int) -> dict[str, Any]:
        rng = self.rng
        names = [n for s in flat for n in (s.get("required") or []) if rng.random() < 0.95]
        names += [n for s in flat for n in s.get("properties", {}) if rng.random() < 0.5]
        for schema in flat:
            names += [rng.choice(PATTERNS[p]) for p in schema.get("patternProperties", {}) if rng.random() < 0.5]
        free = sum(s.get("additionalProperties", True) is not False for s in flat) == len(flat)
        least = max([s.get("minProperties", 0) for s in flat], default=0)
        for _ in range(rng.choice((0, 0, 1, 2)) * free):
            names.append(rng.choice((*NAMES, *OTHERS)))
        for name in rng.sample(NAMES, len(NAMES)):
            if len(set(names)) < least:
                names.append(name)
        most = min([s["maxProperties"] for s in flat if "maxProperties" in s], default=9)
        names = list(dict.fromkeys(names))
        if rng.random() < 0.8:
            names = names[:most]
        return {name: self.value(self._under(flat, name), depth + 1) for name in names}

    def _under(self, flat: list[dict[str, Any]], name: str) -> list[Any]:
        """The schemas for the value of a key (patterns by the examples that are known to match)."""
        found = []
        for schema in flat:
            here = [schema["properties"][name]] if name in schema.get("properties", {}) else []
            here += [sub for p, sub in schema.get("patternProperties", {}).items() if name in PATTERNS[p]]
            found += here or [schema.get("additionalProperties", schema.get("unevaluatedProperties"))]
        return found

    def _array(self, flat: list[dict[str, Any]], depth: int) -> list[Any]:
        rng = self.rng
        least = max([s.get("minItems", 0) for s in flat], default=0)
        most = min([s["maxItems"] for s in flat if "maxItems" in s], default=4)
        length = rng.randint(least, max(least, most))
        items = []
        for k in range(length):
            under = []
            for schema in flat:
                listed = schema.get("prefixItems", schema.get("items"))
                rest = schema.get("items", schema.get("unevaluatedItems"))
                if not isinstance(listed, list):
                    listed = []
                rest = schema.get("additionalItems") if isinstance(rest, list) else rest
                under.append(listed[k] if k < len(listed) else rest)
                if "contains" in schema and rng.random() < 0.5:
                    under.append(schema["contains"])
            items.append(self.value(under, depth + 1))
        return items

    def _string(self, flat: list[dict[str, Any]]) -> str:
        rng = self.rng
        known = [text for s in flat if "pattern" in s for text in PATTERNS[s["pattern"]]]
        known += [text for s in flat if "format" in s for text in FORMATS.get(s["format"], ())]
        if known and rng.random() < 0.9:
            return rng.choice(known)
        least = max([s.get("minLength", 0) for s in flat], default=0)
        most = min([s["maxLength"] for s in flat if "maxLength" in s], default=least + 3)
        return "".join(rng.choice('abé"\\😀1/') for _ in range(rng.randint(least, max(least, most))))

    def _number(self, flat: list[dict[str, Any]], kind: str) -> Any:
        rng = self.rng
        places = [s[k] for s in flat for k in KINDS["number"][:4] if not isinstance(s.get(k, True), bool)]
        step = rng.choice([s["multipleOf"] for s in flat if "multipleOf" in s] or [*MULTIPLES, 1])
        start = Decimal(str(rng.choice(places or NUMBERS)))
        unit = Decimal(str(step))
        value = Decimal(math.floor(start / unit) + rng.choice((-1, 0, 0, 1, 1, 2))) * unit
        if rng.random() < 0.3:
            value = start
        return plain(value.to_integral_value() if kind == "integer" else value)

    def anything(self, depth: int = 0) -> Any:
        """A value that no schema had a say in."""
        draw = self.rng.random()
        if depth > 2 or draw < 0.5:
            return self.rng.choice((*SCALARS, *STRINGS, *NUMBERS))
        if draw < 0.75:
            return [self.anything(depth + 1) for _ in range(self.rng.randint(0, 3))]
        names = self.rng.sample((*NAMES, *OTHERS), self.rng.randint(0, 3))
        return {name: self.anything(depth + 1) for name in names}

    def mutated(self, value: Any) -> Any:
        """A value that differs in one place."""
        rng = self.rng
        if isinstance(value, dict) and value and rng.random() < 0.8:
            items = list(value.items())
            at = rng.randrange(len(items))
            change = rng.random()
            if change < 0.5:
                items[at] = items[at][0], self.mutated(items[at][1])
            elif change < 0.7:
                del items[at]
            elif change < 0.85:
                items.append((rng.choice((*NAMES, *OTHERS)), rng.choice((items[at][1], self.anything(2)))))
            else:
                items[at] = rng.choice((*NAMES, *OTHERS)), items[at][1]
            return dict(items)
        if isinstance(value, list) and value and rng.random() < 0.8:
            items = list(value)
            at, change = rng.randrange(len(items)), rng.random()
            if change < 0.5:
                items[at] = self.mutated(items[at])
            elif change < 0.7:
                del items[at]
            else:
                items.insert(at, rng.choice((items[at], self.anything(2))))
            return items
        if isinstance(value, str) and rng.random() < 0.5:
            return rng.choice((value + "a", value[1:], value + value, "b" + value))
        if isinstance(value, (int, Decimal)) and not isinstance(value, bool) and rng.random() < 0.6:
            return plain(Decimal(str(value)) + Decimal(rng.choice(("1", "-1", "0.5", "0.01"))))
        return self.anything(1)


def plain(value: Decimal) -> Any:
    """An integer where the value is one."""
    return int(value) if value == value.to_integral_value() else value


# ------------------------------------------------------------------------------------------------------------- writing
def spell(value: Any, rng: random.Random, *, space: bool = True) -> str:
    """JSON text of a value: keys in any order, numbers and strings in any spelling, white space where it may stand."""
    gap = rng.choice(("", "", " ", "\n\t")) if space and rng.random() < 0.3 else ""
    if isinstance(value, dict):
        keys = rng.sample(list(value), len(value))
        inner = ",".join(
            f"{gap}{spell_string(k, rng)}{gap}:{gap}{spell(value[k], rng, space=space)}{gap}" for k in keys
        )
        return "{" + (inner or gap) + "}"
    if isinstance(value, list):
        return "[" + (",".join(f"{gap}{spell(item, rng, space=space)}{gap}" for item in value) or gap) + "]"
    if isinstance(value, str):
        return spell_string(value, rng)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return spell_number(Decimal(str(value)), rng)


def spell_string(text: str, rng: random.Random) -> str:
    """A JSON string, now and then with characters escaped that need not be."""
    if rng.random() < 0.8:
        return json.dumps(text, ensure_ascii=rng.random() < 0.3)
    out = []
    for char in text:
        units = char.encode("utf-16-be")
        escaped = "".join(f"\\u{units[k] << 8 | units[k + 1]:04{rng.choice('xX')}}" for k in range(0, len(units), 2))
        out.append(escaped if rng.random() < 0.5 else "\\/" if char == "/" else json.dumps(char)[1:-1])
    return f'"{"".join(out)}"'


def spell_number(value: Decimal, rng: random.Random) -> str:
    """A JSON number: as it is, with a fraction of zeros, or with an exponent."""
    sign, digits, exponent = value.normalize().as_tuple()
    assert isinstance(exponent, int)
    if value == 0:
        return rng.choice(("0", "0", "-0", "0.0", "0e3"))
    shift = rng.choice((0, 0, 0, 0, 0, 1, -1, -2, 2))
    if shift == 0:
        text = f"{value:f}"
        return text + (".0" if "." not in text and rng.random() < 0.15 else "")
    mantissa = Decimal((sign, digits, exponent + shift))
    return f"{mantissa:f}{rng.choice('eE')}{'+' if shift < 0 and rng.random() < 0.5 else ''}{-shift}"


def orders(value: Any) -> Iterator[Any]:
    """A value with its keys in every order."""
    if isinstance(value, dict):
        for keys in itertools.permutations(value):
            for items in itertools.product(*(list(orders(value[key])) for key in keys)):
                yield dict(zip(keys, items, strict=True))
    elif isinstance(value, list):
        yield from (list(items) for items in itertools.product(*(list(orders(item)) for item in value)))
    else:
        yield value


def n_orders(value: Any) -> int:
    """How many those are."""
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    own = math.factorial(len(value)) if isinstance(value, dict) else 1
    return own * math.prod(map(n_orders, children))
