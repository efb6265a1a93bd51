"""Python types as specifications."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from detent import GrammarError
from detent.grammar.types import output_type


class Inner(BaseModel):
    n: int


class Outer(BaseModel):
    inner: Inner
    others: list[Inner] = []


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    n: int


class Keyed(TypedDict):
    kind: Literal["a", "b"]


@dataclass
class Point:
    x: float


class Colour(enum.Enum):
    RED = "red"
    TWO = 2


def test_objects_of_python_types_are_closed_all_the_way_down() -> None:
    schema: Any = output_type(Outer).schema
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["Inner"]["additionalProperties"] is False
    for closed in (Keyed, Point):
        assert output_type(closed).schema["additionalProperties"] is False  # type: ignore[index]
    assert output_type(Open).schema["additionalProperties"] is True  # type: ignore[index]


@pytest.mark.parametrize(
    ("spec", "text", "value"),
    [
        (Outer, '{"inner": {"n": 1}}', Outer(inner=Inner(n=1))),
        (Keyed, '{"kind": "b"}', {"kind": "b"}),
        (Point, '{"x": 1}', Point(1.0)),
        (Colour, "2", Colour.TWO),
        (Inner | None, "null", None),
        (list[Colour], '["red"]', [Colour.RED]),
        (Annotated[int, Field(gt=3)], "4", 4),
        (Decimal, "1.50", Decimal("1.50")),
        (dict[str, tuple[int, bool]], '{"k": [1, true]}', {"k": (1, True)}),
        ({"type": "integer"}, "4", 4),
        ('{"type": "integer"}', "4", 4),
        (True, "[]", []),
    ],
)
def test_parse_gives_the_value(spec: Any, text: str, value: Any) -> None:
    assert output_type(spec).parse(text) == value


def test_a_decimal_is_a_number() -> None:
    assert output_type(Decimal).schema == {"type": "number"}


def test_parse_raises_value_error() -> None:
    for spec in (int, {"type": "integer"}):
        with pytest.raises(ValueError):
            output_type(spec).parse("{")


@pytest.mark.parametrize("spec", [object(), "{", Callable[[int], int]])
def test_refuses_what_has_no_schema(spec: Any) -> None:
    with pytest.raises(GrammarError):
        output_type(spec)
