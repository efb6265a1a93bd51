"""Writes ``limits.md`` from the code: which keywords and formats are enforced, which are refused, the named limits.

python docs/make_limits.py
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from detent import Compiler, GrammarError, Limits, Vocabulary
from detent.grammar import formats
from detent.grammar.json_schema import nodes
from detent.grammar.number import EXPONENT_MAX, FREE_EXPONENT, HIGHEST_DECADE, LOWEST_DECADE, MAX_BOUND_PLACES

# Keywords that are enforced in some uses only: what is enforced, and a schema that is refused.
PARTLY: dict[str, tuple[str, Any]] = {
    "oneOf": (
        "branches of which no two can hold together; others are refused",
        {"oneOf": [{"type": "integer"}, {"type": "number"}]},
    ),
    "uniqueItems": ("where at most one item may stand", {"type": "array", "uniqueItems": True}),
    "minProperties": ("as far as `required` decides it", {"type": "object", "minProperties": 1}),
    "maxProperties": (
        "as far as the listed names of a closed object decide it",
        {"type": "object", "maxProperties": 1},
    ),
}
NOTES = [
    "`$id`, `$anchor`, `$defs` and `definitions` name places for `$ref`; `additionalItems` goes with listed `items`.",
    "What a `$ref` names must be in the document or in `remotes`. Keywords outside the specification say nothing.",
    "No key is ever written twice in an object; keys are compared by their characters.",
]


def refused(compiler: Compiler, schema: Any, keyword: str) -> bool:
    """Whether a schema is refused because of a keyword."""
    try:
        compiler.json_schema(schema)
    except GrammarError as error:
        return error.keyword == keyword
    return False


def keywords() -> list[str]:
    """The table of keywords."""
    compiler = Compiler(Vocabulary.from_tokens([*(bytes([value]) for value in range(256)), None], eos=[256]))
    partly = {name: text for name, (text, schema) in PARTLY.items() if refused(compiler, schema, name)}
    enforced = sorted(nodes._READERS.keys() - partly.keys())
    rows = ["| enforced | " + ", ".join(f"`{name}`" for name in enforced) + " |"]
    rows += [f"| in part | `{name}`: {text} |" for name, text in partly.items()]
    rows.append("| refused | " + ", ".join(f"`{name}`" for name in sorted(nodes._REFUSED)) + " |")
    return ["| | keywords |", "|---|---|", *rows]


def format_rows() -> list[str]:
    """The table of formats."""
    rows = []
    for name in sorted(formats._FIRST_DRAFT):
        note = formats.REFUSED.get(name) or formats.NARROWED.get(name, "")
        rows.append(f"| `{name}` | {'refused' if name in formats.REFUSED else 'enforced'} | {note} |")
    return ["| format | | |", "|---|---|---|", *rows]


def limit_rows() -> list[str]:
    """The named limits with their defaults, and their meaning as the class documents it."""
    lines = [line.strip() for line in (Limits.__doc__ or "").splitlines()]
    meaning = {field.name: lines[lines.index(f"{field.name} : int") + 1] for field in fields(Limits)}
    rows = [f"| `{field.name}` | {field.default:,} | {meaning[field.name]} |" for field in fields(Limits)]
    return ["| limit | default | |", "|---|---|---|", *rows]


def page() -> str:
    """The whole page."""
    parts = [
        ["# Limits", "", "Written by `python docs/make_limits.py` from the code; do not edit."],
        ["## JSON Schema keywords", "", *keywords(), "", *NOTES],
        ["## Formats", "", *format_rows(), "", "Unknown formats are annotations; `Grammar.explain()` lists them."],
        [
            "## Numbers",
            "",
            f"- A written exponent has at most {len(str(EXPONENT_MAX))} digits, and lies in ±{FREE_EXPONENT} unless",
            "  the schema says nothing of numbers.",
            f"- Where a bound cuts one side of zero, its values are 0 or in [10^{LOWEST_DECADE}, 10^{HIGHEST_DECADE}):",
            "  doubles.",
            f"- Bounds and multiples have at most {MAX_BOUND_PLACES:,} digits before or after the point.",
        ],
        ["## Named limits", "", "Fields of `detent.Limits`; passing one raises `LimitExceeded`.", "", *limit_rows()],
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("limits.md").write_text(page(), encoding="utf-8")
