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
from detent.grammar.number import MAX_BOUND_PLACES
from detent.grammar.number_table import EXPONENT_MAX, FREE_EXPONENT, HIGHEST_DECADE, LOWEST_DECADE, MAX_MODULUS

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
    "`$id`, `$anchor`, `$dynamicAnchor`, `$recursiveAnchor`, `$defs` and `definitions` name places for references;",
    "`additionalItems` goes with listed `items`.",
    "What a reference names must be in the document, in `remotes`, or a meta-schema of the five drafts.",
    "References that lead back to themselves without entering a value are refused. A `$schema` that is in `remotes`",
    "may leave out vocabularies with `$vocabulary`; one that is not known is read as the latest draft.",
    "Keywords outside the specification say nothing.",
    "A key that the schema lists is never written twice; that of any other key is not tracked yet.",
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
        rows.append(f"| `{name}` | {(formats.NARROWED | formats.WIDENED).get(name, '')} |")
    return ["| format | |", "|---|---|", *rows]


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
            "- Zero, and a sign of which every number is admitted, take any exponent. Elsewhere a written",
            f"  exponent lies in ±{FREE_EXPONENT}; on a side of zero that a bound cuts, it has at most",
            f"  {len(str(EXPONENT_MAX))} digits after leading zeros, and values that are written with one lie in",
            f"  [10^{LOWEST_DECADE}, 10^{HIGHEST_DECADE}): doubles.",
            f"- Bounds and multiples have at most {MAX_BOUND_PLACES:,} digits before or after the point.",
            "- The least common multiple of all steps that a value must or must not be a multiple of,",
            f"  without powers of ten, is at most {MAX_MODULUS:,}.",
        ],
        ["## Named limits", "", "Fields of `detent.Limits`; passing one raises `LimitExceeded`.", "", *limit_rows()],
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("limits.md").write_text(page(), encoding="utf-8")
