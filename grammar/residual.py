"""What of a schema a grammar does not enforce, and the check that makes up for it: by an independent validator."""

from __future__ import annotations

import decimal
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any, NamedTuple

from .errors import Unenforceable, Violated
from .formats import NARROWED
from .json_schema.document import escape
from .json_schema.reader import Relaxed
from .python_pattern import translate
from .text_set import TextSet

Formats = Callable[[str, int], "TextSet | None"]

_CLASSES = {4: "Draft4", 6: "Draft6", 7: "Draft7", 2019: "Draft201909", 2020: "Draft202012"}
_EXACT = decimal.Context(prec=5_000)
_LONG = 2_000  # digits of an integer beyond which its decimal form is kept
# what stands under these keywords is no schema; under those, every value is one
_DATA = frozenset({"enum", "const", "default", "examples"})
_SCHEMAS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"})


class Violation(NamedTuple):
    """Something that is wrong with a text.

    Attributes
    ----------
    value, keyword : str
        JSON pointers of the wrong value in the text, and of the keyword in the schema.
    message : str
    """

    value: str
    keyword: str
    message: str

    def __str__(self) -> str:
        return f"at {self.value or '/'}: {self.message} ({self.keyword})"


@dataclass(frozen=True)
class Residual:
    """What was not enforced while a text was written, and whether it holds nevertheless.

    False as a condition where everything was enforced.

    Attributes
    ----------
    relaxed : tuple of Relaxed
        Pointer, keyword and reason of what ``strict=False`` left out.

    Examples
    --------
    >>> result = detent.run(lm, prompt, schema, strict=False)               # doctest: +SKIP
    >>> if result.residual and not result.residual.holds:                   # doctest: +SKIP
    ...     print(result.residual.violations)
    """

    relaxed: tuple[Relaxed, ...] = ()
    _text: str = field(default="", repr=False)
    _judge: Judge | None = field(default=None, repr=False)

    def __bool__(self) -> bool:
        return bool(self.relaxed)

    @cached_property
    def violations(self) -> tuple[Violation, ...]:
        """What is wrong with the text, by the whole schema; empty where everything was enforced.

        Raises
        ------
        ImportError
            If something was left out, and there is no validator.
        Unenforceable
            If the validator cannot check a pattern, either.
        """
        return self._judge.violations(self._text) if self.relaxed and self._judge is not None else ()

    @property
    def holds(self) -> bool:
        """Whether the text meets what was left out, too."""
        return not self.violations

    def check(self) -> None:
        """Raise where the text does not meet what was left out.

        Raises
        ------
        Violated
        ImportError
        """
        if self.violations:
            raise Violated(self.violations)


class Judge:
    """The package ``jsonschema`` for one schema, with exact numbers, patterns of ECMA-262, and the formats of detent.

    Parameters
    ----------
    schema : dict or bool
    remotes : mapping of str to schema, optional
    draft : int
        4, 6, 7, 2019 or 2020.
    formats : callable or None
        From the name of a format and a draft to its texts; None where formats are annotations.
    """

    def __init__(
        self, schema: Any, remotes: Mapping[str, Any] | None = None, *, draft: int, formats: Formats | None = None
    ) -> None:
        self._schema, self._remotes = _exact(schema), _exact(dict(remotes or {}))  # the caller's may change
        self._draft, self._formats = draft, formats
        self._names: set[str] = set()

    def violations(self, text: str) -> tuple[Violation, ...]:
        """What is wrong with a text.

        Raises
        ------
        ImportError
            If the package is missing.
        Unenforceable
            If a pattern asks for what Python's `re` cannot do, either.
        """
        try:
            value = json.loads(text, parse_float=self._number, parse_constant=_refuse)
        except ValueError as error:
            return (Violation("", "", f"the text is not JSON: {error}"),)
        with decimal.localcontext(_EXACT):
            return tuple(
                Violation(_pointer(error.absolute_path), _pointer(error.absolute_schema_path), error.message)
                for error in self._validator.iter_errors(value)
            )

    @cached_property
    def _validator(self) -> Any:
        try:
            import jsonschema
            from referencing import Registry, Resource
            from referencing.jsonschema import specification_with
        except ImportError as error:
            raise ImportError(
                "to check what strict=False left out, detent needs a validator: pip install 'detent[validate]'"
            ) from error
        from jsonschema_specifications import REGISTRY

        cls = getattr(jsonschema, f"{_CLASSES[self._draft]}Validator")
        dialect = specification_with(cls.ID_OF(cls.META_SCHEMA))
        resources = {
            uri: Resource.from_contents(self._readable(remote), default_specification=dialect)
            for uri, remote in self._remotes.items()
        }
        registry: Registry[Any] = REGISTRY.with_resources(resources.items()).crawl()
        schema = self._readable(self._schema)
        if isinstance(schema, dict):  # its dialect was read already, and may be one that the validator does not know
            schema = {keyword: value for keyword, value in schema.items() if keyword != "$schema"}
        return cls(schema, registry=registry, format_checker=None if self._formats is None else self._checker())

    def _checker(self) -> Any:
        """The formats of the schema by their texts here; where some are left out, by the package, too."""
        from jsonschema import FormatChecker

        assert self._formats is not None
        checker, other = FormatChecker(formats=()), FormatChecker()
        for name in sorted(self._names):
            texts = self._formats(name, self._draft)
            if texts is not None:
                known = other if name in NARROWED and name in other.checkers else None
                checker.checks(name)(_conforms(texts, name, known))
        return checker

    def _readable(self, schema: Any, *, names: bool = False) -> Any:
        """A schema as the package reads it: with patterns in Python's syntax."""
        if isinstance(schema, list):
            return [self._readable(item) for item in schema]
        if not isinstance(schema, dict):
            return schema
        found = {}
        for keyword, value in schema.items():
            if names:
                value = self._readable(value)
            elif keyword == "pattern" and isinstance(value, str):
                value = _python(value)
            elif keyword == "format" and isinstance(value, str):
                self._names.add(value)
            elif keyword == "patternProperties" and isinstance(value, dict):
                value = {_python(pattern): self._readable(member) for pattern, member in value.items()}
            elif keyword not in _DATA:
                value = self._readable(value, names=keyword in _SCHEMAS)
            found[keyword] = value
        return found

    def _number(self, text: str) -> Decimal | int:
        """A number with a point or an exponent: an integer where it is one, which 1.0 is since draft 6."""
        number = Decimal(text)
        if self._draft == 4 or number.adjusted() > _LONG or number != number.to_integral_value(context=_EXACT):
            return number
        return int(number)


def _python(pattern: str) -> str:
    translated = translate(pattern)
    try:
        re.compile(translated)
    except (re.error, OverflowError) as error:
        reason = f"the pattern {pattern!r} cannot be checked by Python's re: {error}."
        raise Unenforceable(reason, keyword="pattern") from error
    return translated


def _exact(value: Any) -> Any:
    """A copy of a JSON value with decimals for floats."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, list):
        return [_exact(item) for item in value]
    return {name: _exact(member) for name, member in value.items()} if isinstance(value, dict) else value


def _conforms(texts: TextSet, name: str, other: Any) -> Callable[[Any], bool]:
    def conforms(value: Any) -> bool:
        if not isinstance(value, str) or texts.matches(value):
            return True
        return other is not None and bool(other.conforms(value, name))

    return conforms


def _pointer(path: Iterable[str | int]) -> str:
    return "".join(f"/{escape(part)}" for part in path)


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
