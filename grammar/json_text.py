"""Specifications as JSON text."""

from __future__ import annotations

import json
from typing import Any

from detent.grammar.errors import GrammarError


def from_text(text: str) -> Any:
    """Return the value of a JSON text: a schema, or a structural tag.

    Raises
    ------
    GrammarError
        If it is not JSON, as the name of a file is not.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        reason = f"{text!r:.60} is not JSON: {error.msg} in line {error.lineno}, column {error.colno}."
        hint = "A specification as a string is JSON text, not the name of a file."
        raise GrammarError(reason, hint=hint) from error
