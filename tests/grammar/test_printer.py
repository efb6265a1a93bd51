from detent.grammar.json_schema import Goals
from detent.grammar.json_schema.document import Document
from detent.grammar.json_schema.printer import to_text
from detent.grammar.json_schema.reader import Reader


def text_of(schema: object) -> str:
    reader = Reader(Document(schema))
    root = reader.read()
    goals = Goals(reader, max_branches=100, max_depth=50)
    return to_text(goals, goals.goal([root]))


def test_prints_every_kind_of_value() -> None:
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 1},
            "size": {"enum": ["S", "L", None]},
            "count": {"type": "integer", "minimum": 0, "exclusiveMaximum": 10},
            "tags": {"type": "array", "items": {"type": "boolean"}, "maxItems": 3},
        },
        "required": ["name"],
        "additionalProperties": False,
    }
    assert text_of(schema).splitlines() == [
        'value = {"name"!: value1, "size": value2, "count": value3, "tags": value4}',
        "value1 = string{1,}",
        'value2 = "L" | "S" | null',
        "value3 = integer [0..10)",
        "value4 = [*value5]{0,3}",
        "value5 = true | false",
    ]


def test_recursion_is_printed_once() -> None:
    schema = {"type": "array", "items": {"$ref": "#"}}
    assert text_of(schema) == "value = [*value]"


def test_what_never_holds_is_nothing() -> None:
    assert text_of({"properties": {"a": False}, "type": "object"}).splitlines()[1] == "value1 = nothing"
