"""Writes ``everyday.jsonl``: schemas of everyday work with instances, in MaskBench's form.

Each line is ``{"id", "schema", "tests": [{"valid", "data"}]}``. The valid instances are written by hand; the invalid
ones are mutants of them that ``jsonschema`` rejects.

    python benchmarks/everyday.py
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

PACK = Path(__file__).with_name("everyday.jsonl")
MUTANTS = 6  # of each instance

Json = Any
TEXT, INTEGER, NUMBER, BOOLEAN = ({"type": name} for name in ("string", "integer", "number", "boolean"))
NAME = {"type": "string", "minLength": 1, "maxLength": 60}
DATE, EMAIL, UUID, IPV4 = ({"type": "string", "format": name} for name in ("date", "email", "uuid", "ipv4"))
MONEY = {"type": "number", "minimum": 0, "maximum": 1_000_000}
COUNT = {"type": "integer", "minimum": 0, "maximum": 10_000}
SHARE = {"type": "number", "minimum": 0, "maximum": 1}


def record(*optional: str, closed: bool = True, **properties: Json) -> Json:
    """The schema of an object whose members are required unless they are named as optional."""
    required = [name for name in properties if name not in optional]
    schema = {"type": "object", "properties": properties, "required": required}
    return schema | {"additionalProperties": False} if closed else schema


def some(items: Json, **bounds: int) -> Json:
    """The schema of an array."""
    return {"type": "array", "items": items, **bounds}


def among(*values: Json) -> Json:
    """The schema of a choice among values."""
    return {"enum": list(values)}


def code(pattern: str) -> Json:
    """The schema of a string that is spelled after a pattern."""
    return {"type": "string", "pattern": pattern}


def maybe(schema: Json) -> Json:
    """The schema of a value or null, as pydantic writes it."""
    return {"anyOf": [schema, {"type": "null"}]}


ADDRESS = record("zip", street=NAME, city=NAME, zip=code("^[0-9]{4,5}$"))
TREE = {
    "$ref": "#/$defs/folder",
    "$defs": {
        "folder": record("files", "folders", name=NAME, files=some(NAME), folders=some({"$ref": "#/$defs/folder"}))
    },
}
EXPRESSION = {
    "$defs": {
        "term": {"anyOf": [NUMBER, code("^[a-z][a-z0-9_]*$"), {"$ref": "#/$defs/operation"}]},
        "operation": record(
            operator=among("+", "-", "*", "/"), left={"$ref": "#/$defs/term"}, right={"$ref": "#/$defs/term"}
        ),
    },
    "$ref": "#/$defs/term",
}
SHAPE = {
    "anyOf": [
        record(kind={"const": "circle"}, radius={"type": "number", "exclusiveMinimum": 0}),
        record(kind={"const": "box"}, width=NUMBER, height=NUMBER),
        record("label", kind={"const": "point"}, label=TEXT),
    ]
}

SCHEMAS: dict[str, tuple[Json, list[Json]]] = {
    "person": (
        record("nickname", name=NAME, age=COUNT, nickname=maybe(NAME)),
        [{"name": "Ada Lovelace", "age": 36}, {"name": "Zoë", "age": 0, "nickname": None}],
    ),
    "address": (
        ADDRESS,
        [{"street": "Rämistrasse 101", "city": "Zürich", "zip": "8092"}, {"street": "1 Main St", "city": "Ely"}],
    ),
    "invoice": (
        record(
            "paid",
            number=code("^INV-[0-9]{4}-[0-9]{3,6}$"),
            date=DATE,
            customer=record(name=NAME, address=ADDRESS),
            lines=some(record(item=NAME, quantity=COUNT, price=MONEY), minItems=1, maxItems=20),
            total=MONEY,
            paid=BOOLEAN,
        ),
        [
            {
                "number": "INV-2025-0042",
                "date": "2025-03-14",
                "customer": {"name": "Hana & Co.", "address": {"street": "Via Po 3", "city": "Turin", "zip": "10123"}},
                "lines": [
                    {"item": "kettle, 1.7 l", "quantity": 12, "price": 8.5},
                    {"item": 'lamp "Nord"', "quantity": 1, "price": 19.9},
                ],
                "total": 121.9,
                "paid": False,
            }
        ],
    ),
    "order": (
        record(
            "note",
            customer=NAME,
            items=some(record(sku=code("^[A-Z]{2}-[0-9]+$"), count={"type": "integer", "minimum": 1}), minItems=1),
            shipping=among("standard", "express", "pickup"),
            note={"type": "string", "maxLength": 200},
        ),
        [
            {"customer": "Leo", "items": [{"sku": "GT-240", "count": 2}], "shipping": "pickup"},
            {"customer": "Mina", "items": [{"sku": "AB-1", "count": 1}], "shipping": "express", "note": "ring twice"},
        ],
    ),
    "contact": (
        record("phone", name=NAME, email=EMAIL, phone=code(r"^\+[0-9]{1,3} [0-9 ]{4,14}$")),
        [{"name": "Ravi", "email": "ravi@example.org", "phone": "+41 44 668 18 00"}],
    ),
    "meeting": (
        record(title=NAME, day=DATE, start=code("^([01][0-9]|2[0-3]):[0-5][0-9]$"), attendees=some(NAME, maxItems=50)),
        [{"title": "Quarterly budget", "day": "2024-02-29", "start": "14:30", "attendees": ["Ada", "Ravi"]}],
    ),
    "ticket": (
        record(
            summary={"type": "string", "maxLength": 120},
            severity=among("low", "normal", "high", "urgent"),
            labels=some(NAME, maxItems=5),
        ),
        [
            {"summary": "printer drops every second page", "severity": "high", "labels": ["printer", "paper"]},
            {"summary": "", "severity": "low", "labels": []},
        ],
    ),
    "sensor reading": (
        record(sensor=code("^[A-Z]+-[0-9]+$"), value=NUMBER, unit=among("C", "F", "K"), alarm=BOOLEAN),
        [{"sensor": "KX-20", "value": -21.5, "unit": "C", "alarm": False}],
    ),
    "time series": (
        record(name=NAME, points=some({"type": "array", "prefixItems": [INTEGER, NUMBER], "items": False})),
        [{"name": "load", "points": [[0, 0.25], [60, 1.5], [120, 3]]}],
    ),
    "coordinates": (
        record(
            "altitude",
            latitude={"type": "number", "minimum": -90, "maximum": 90},
            longitude={"type": "number", "minimum": -180, "maximum": 180},
            altitude=NUMBER,
        ),
        [{"latitude": 47.3769, "longitude": 8.5417, "altitude": 408}, {"latitude": -33.9, "longitude": 18.4}],
    ),
    "rating": (
        record(stars={"type": "integer", "minimum": 1, "maximum": 5}, comment=TEXT),
        [{"stars": 4, "comment": "👍"}],
    ),
    "sentiment": (
        record(label=among("positive", "neutral", "negative"), confidence=SHARE),
        [{"label": "neutral", "confidence": 0.62}],
    ),
    "yes or no": (BOOLEAN, [True, False]),
    "label": (among("spam", "ham", "unsure"), ["ham"]),
    "list of names": (some(NAME, minItems=1, maxItems=10), [["Ada", "Grace", "Edsger"], ["Ken"]]),
    "entities": (
        some(record(text=NAME, kind=among("person", "place", "company"), start=COUNT, end=COUNT)),
        [[{"text": "Oslo", "kind": "place", "start": 10, "end": 14}], []],
    ),
    "translation": (
        record(source=code("^[a-z]{2}$"), target=code("^[a-z]{2}$"), text=TEXT),
        [{"source": "de", "target": "en", "text": 'a \\ and a "quote"\nand a line'}],
    ),
    "tool call": (
        {
            "anyOf": [
                record(tool={"const": "search"}, arguments=record("limit", query=NAME, limit=COUNT)),
                record(tool={"const": "weather"}, arguments=record(city=NAME, unit=among("metric", "imperial"))),
                record(tool={"const": "stop"}),
            ]
        },
        [
            {"tool": "search", "arguments": {"query": "constrained decoding", "limit": 10}},
            {"tool": "weather", "arguments": {"city": "Lima", "unit": "metric"}},
            {"tool": "stop"},
        ],
    ),
    "shape": (SHAPE, [{"kind": "circle", "radius": 1.5}, {"kind": "box", "width": 2, "height": 3}, {"kind": "point"}]),
    "folders": (
        TREE,
        [{"name": "root", "files": ["a.txt"], "folders": [{"name": "src", "folders": [{"name": "lib", "files": []}]}]}],
    ),
    "expression": (
        EXPRESSION,
        [{"operator": "+", "left": "x1", "right": {"operator": "*", "left": 2, "right": "y"}}, 7],
    ),
    "settings": (
        record(
            "timeout",
            "retries",
            "proxy",
            host=among("localhost", "example.org"),
            port={"type": "integer", "minimum": 1, "maximum": 65535},
            timeout={"type": "number", "exclusiveMinimum": 0},
            retries=COUNT,
            proxy=maybe(IPV4),
        ),
        [
            {"host": "localhost", "port": 8080, "timeout": 2.5, "proxy": "10.0.0.1"},
            {"host": "example.org", "port": 443},
        ],
    ),
    "environment": (
        {"type": "object", "patternProperties": {"^[A-Z][A-Z0-9_]*$": TEXT}, "additionalProperties": False},
        [{"HOME": "/home/ada", "LANG": "C.UTF-8"}, {}],
    ),
    "word counts": ({"type": "object", "additionalProperties": COUNT}, [{"the": 12, "détente": 1, "a b": 3}]),
    "user": (
        record("roles", id=UUID, email=EMAIL, roles=some(among("reader", "writer", "owner"), maxItems=3)),
        [{"id": "6f0d3e0c-1a52-4c3e-9b1f-0242ac120002", "email": "zoe@example.com", "roles": ["reader", "owner"]}],
    ),
    "open record": (
        record(closed=False, id=INTEGER, status=among("open", "closed")),
        [{"id": 7, "status": "open", "extra": {"any": [1, None]}}],
    ),
    "employee": (
        {
            "allOf": [
                {"type": "object", "properties": {"name": NAME}, "required": ["name"]},
                {"type": "object", "properties": {"salary": MONEY, "manager": maybe(NAME)}, "required": ["salary"]},
            ]
        },
        [{"name": "Omar", "salary": 5100.5, "manager": None}],
    ),
    "recipe": (
        record(
            title=NAME,
            servings={"type": "integer", "minimum": 1, "maximum": 50},
            ingredients=some(record("unit", name=NAME, amount=NUMBER, unit=among("g", "ml", "tsp")), minItems=1),
            steps=some(TEXT, minItems=1),
        ),
        [
            {
                "title": "Crêpes",
                "servings": 4,
                "ingredients": [{"name": "flour", "amount": 250, "unit": "g"}, {"name": "eggs", "amount": 3}],
                "steps": ["Whisk.", "Rest for 30 minutes.", "Fry in butter."],
            }
        ],
    ),
    "matrix": (some(some(NUMBER, minItems=2, maxItems=2), minItems=2, maxItems=2), [[[1, 0.5], [-2e3, 0]]]),
    "chess move": (code("^[KQRBN]?[a-h]?x?[a-h][1-8](=[QRBN])?[+#]?$"), ["Nxf3+", "e8=Q"]),
    "version": (
        record(name=code("^[a-z][a-z0-9-]*$"), version=code("^[0-9]+(\\.[0-9]+){2}$")),
        [{"name": "detent", "version": "0.1.0"}],
    ),
    "reasoned answer": (
        record(reasoning=some(record(step=COUNT, thought=TEXT), minItems=1, maxItems=8), answer=INTEGER),
        [{"reasoning": [{"step": 1, "thought": "17 is prime."}, {"step": 2, "thought": "So is 19."}], "answer": 36}],
    ),
    "survey": (
        record(*(f"q{i}" for i in range(2, 13)), **{f"q{i}": among("agree", "disagree", None) for i in range(1, 13)}),
        [{"q1": "agree", "q3": None, "q12": "disagree"}, {"q1": None}],
    ),
    "anything": (True, [{"a": [1, "two", None]}, -0.5e-3]),
}


def places(value: Json, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Paths to every value inside one, itself included."""
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


def changes(value: Json) -> list[Json]:
    """What might stand in the place of a value by mistake."""
    if isinstance(value, bool) or value is None:
        return [str(value).lower(), 0, [value]]
    if isinstance(value, (int, float)):
        return [str(value), -value - 1, value * 100_000 + 0.125, None]
    if isinstance(value, str):
        return ["", value + " ?", value.upper() + "x" * 80, 17, None]
    if isinstance(value, list):
        return [[], value * 30, {}, [*value[:1], None]]
    dropped = [{name: child for name, child in value.items() if name != gone} for gone in value]
    return [*dropped, value | {"unexpected": 1}, [value], "{}"]


def mutants(value: Json, generator: random.Random) -> Iterator[Json]:
    """Copies of a value with one place changed, in random order."""
    every = [(path, k) for path in places(value) for k in range(len(changes(_at(value, path))))]
    generator.shuffle(every)
    for path, k in every:
        changed = {"": copy.deepcopy(value)}
        holder: Json = changed
        for key in (steps := ["", *path])[:-1]:
            holder = holder[key]
        holder[steps[-1]] = changes(holder[steps[-1]])[k]
        yield changed[""]


def _at(value: Json, path: tuple[str | int, ...]) -> Json:
    for key in path:
        value = value[key]
    return value


def tests_of(schema: Json, instances: list[Json], generator: random.Random) -> list[Json]:
    """The instances, and some mutants of each that are no instances."""
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    tests = [{"valid": True, "data": instance} for instance in instances]
    for instance in instances:
        validator.validate(instance)
        wrong = (mutant for mutant in mutants(instance, generator) if not validator.is_valid(mutant))
        tests += [{"valid": False, "data": mutant} for mutant in islice(wrong, MUTANTS)]
    return tests


def main() -> None:
    """Write the pack beside this file."""
    generator = random.Random(0)
    with PACK.open("w", encoding="utf-8") as file:
        for name, (schema, instances) in SCHEMAS.items():
            line = {"id": name, "schema": schema, "tests": tests_of(schema, instances, generator)}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
