"""What a text is worth: strict JSON, and two validators that share no code, with exact numbers."""

from __future__ import annotations

import decimal
import json
from decimal import MAX_EMAX, Decimal, InvalidOperation
from typing import Any

import jsonschema
import jsonschema_rs

from .schemas import DRAFTS, FORMATS

_EXACT = decimal.Context(prec=2000)


def _is_integer(_: Any, value: Any) -> bool:
    if isinstance(value, Decimal):
        return bool(value == value.to_integral_value(context=_EXACT))
    return isinstance(value, int) and not isinstance(value, bool)


def _python(draft: int) -> Any:
    """The validator in Python, with decimals as numbers."""
    names = {4: "Draft4", 6: "Draft6", 7: "Draft7", 2019: "Draft201909", 2020: "Draft202012"}
    plain = getattr(jsonschema, f"{names[draft]}Validator")
    if draft == 4:  # there 1.0 is no integer
        return plain
    return jsonschema.validators.extend(plain, type_checker=plain.TYPE_CHECKER.redefine("integer", _is_integer))


_PYTHON = {draft: _python(draft) for draft in DRAFTS}
_RUST = {
    4: jsonschema_rs.Draft4Validator,
    6: jsonschema_rs.Draft6Validator,
    7: jsonschema_rs.Draft7Validator,
    2019: jsonschema_rs.Draft201909Validator,
    2020: jsonschema_rs.Draft202012Validator,
}
_FORMATS = jsonschema.FormatChecker(formats=[name for name in FORMATS if name in jsonschema.FormatChecker.checkers])


class NotStrict(ValueError):
    """Text that is no JSON, writes a key twice, or holds a surrogate without its partner."""


def parse(text: str) -> Any:
    """The value of a text, numbers exact.

    Raises
    ------
    NotStrict
    """
    try:
        value = json.loads(text, parse_float=_decimal, object_pairs_hook=_object, parse_constant=_refuse)
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except ValueError as error:
        raise NotStrict(str(error)) from error
    return value


def _decimal(text: str) -> Decimal:
    """A number with a point or an exponent; it keeps a fraction, because draft 4 has 1e0 for no integer."""
    try:
        value = Decimal(text)
    except InvalidOperation:  # an exponent beyond all bounds, in place of which the greatest will do
        mantissa, exponent = text.lower().split("e")
        value = Decimal(f"{mantissa}e{'-' if exponent[0] == '-' else ''}{MAX_EMAX // 2}")
    return _EXACT.quantize(value, Decimal("1.0")) if 0 <= int(value.as_tuple().exponent) < 1000 else value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


class Judges:
    """Both validators of one schema.

    Parameters
    ----------
    schema : dict
        With ``$schema``.
    formats : bool
        Whether ``format`` is an assertion.
    """

    def __init__(self, schema: Any, *, formats: bool = True) -> None:
        draft = next(number for number, uri in DRAFTS.items() if uri == schema["$schema"])
        exact = json.loads(json.dumps(schema), parse_float=Decimal)
        at_the_end = json.dumps(schema).replace('$"', '\\\\Z"')  # in Python, $ also stands before a last newline
        unnamed = json.loads(at_the_end, parse_float=Decimal)
        del unnamed["$schema"]  # else it picks its own class
        self._python = _PYTHON[draft](unnamed, format_checker=_FORMATS if formats else None)
        self._rust = _RUST[draft](exact, validate_formats=formats)

    def verdicts(self, value: Any) -> tuple[bool | None, bool | None]:
        """What Python and Rust say; None where one of them breaks."""
        python: bool | None
        rust: bool | None
        try:
            with decimal.localcontext(_EXACT):
                python = self._python.is_valid(value)
        except Exception:
            python = None
        try:
            rust = self._rust.is_valid(value)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # a panic of Rust is no Exception
            rust = None
        return python, rust

    def verdict(self, value: Any) -> bool | None:
        """What both say; None where they differ."""
        python, rust = self.verdicts(value)
        return python if python == rust else None
