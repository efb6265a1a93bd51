"""Python types as specifications: the JSON Schema that a model must follow and the parser of what it wrote."""

from __future__ import annotations

import json
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from pydantic import (
    BaseModel,
    PydanticInvalidForJsonSchema,
    PydanticSchemaGenerationError,
    PydanticUserError,
    TypeAdapter,
)
from pydantic.json_schema import GenerateJsonSchema

from detent.grammar.errors import GrammarError
from detent.grammar.json_text import from_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic.json_schema import JsonSchemaValue

T = TypeVar("T")
JsonSchema: TypeAlias = "dict[str, Any] | bool"


@dataclass(frozen=True)
class OutputType(Generic[T]):
    """A type of result: its JSON Schema, and how its JSON text becomes a value.

    Attributes
    ----------
    schema : dict or bool
        JSON Schema, draft 2020-12 where it was made from a Python type.
    parse : callable
        From the JSON text to the value; raises ``ValueError`` when the text is not one.
    """

    schema: JsonSchema
    parse: Callable[[str], T]


class _Strict(GenerateJsonSchema):
    """Schemas of what a model should write, which is less than what a validator puts up with.

    Objects hold their own fields only, unless the type itself says otherwise, and a decimal is a number.
    """

    def model_schema(self, schema: Any) -> JsonSchemaValue:
        return _close(super().model_schema(schema))

    def dataclass_schema(self, schema: Any) -> JsonSchemaValue:
        return _close(super().dataclass_schema(schema))

    def typed_dict_schema(self, schema: Any) -> JsonSchemaValue:
        return _close(super().typed_dict_schema(schema))

    def decimal_schema(self, schema: Any) -> JsonSchemaValue:
        choices = super().decimal_schema(schema)
        return next((choice for choice in choices.get("anyOf", ()) if choice.get("type") == "number"), choices)


def schema_of(spec: Any) -> JsonSchema:
    """Return the JSON Schema of whatever :func:`output_type` takes."""
    return output_type(spec).schema


def _close(schema: JsonSchemaValue) -> JsonSchemaValue:
    if schema.get("type") == "object":
        schema.setdefault("additionalProperties", False)
    return schema


def output_type(spec: Any) -> OutputType[Any]:
    """Turn a specification into a schema and a parser.

    Parameters
    ----------
    spec : type, dict, bool or str
        Any type that pydantic's ``TypeAdapter`` takes, or a JSON Schema as an object or as JSON text.

    Returns
    -------
    OutputType
        For a Python type, values are instances of it; for a JSON Schema, they are what ``json.loads`` gives.

    Raises
    ------
    GrammarError
        If the type has no JSON Schema, a schema given as text is not JSON, or this is no specification at all.

    Examples
    --------
    >>> output_type(list[int]).schema
    {'items': {'type': 'integer'}, 'type': 'array'}
    >>> output_type(list[int]).parse("[1, 2]")
    [1, 2]
    """
    if isinstance(spec, dict | bool):
        return OutputType(spec, json.loads)
    if isinstance(spec, str):
        return OutputType(from_text(spec), json.loads)
    if isinstance(spec, list | tuple | set | bytes | int | float | PathLike | BaseModel):
        hint = "Pass a type, a JSON Schema as a dict or as JSON text, or a compiled grammar; a file must be read."
        raise GrammarError(f"{spec!r:.80} is no specification.", hint=hint)
    try:
        adapter = TypeAdapter(spec)
        return OutputType(adapter.json_schema(schema_generator=_Strict), adapter.validate_json)
    except (PydanticInvalidForJsonSchema, PydanticSchemaGenerationError, PydanticUserError) as error:
        raise GrammarError(f"{spec!r} has no JSON Schema: {error}") from error
