"""Writes ``limits.md`` from the code: which keywords and formats are enforced, which are refused, the named limits.

python docs/make_limits.py
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from detent import Limits
from detent.grammar import formats
from detent.grammar.json_schema.bounded import GRACE
from detent.grammar.json_schema.keywords import READERS
from detent.grammar.lark.captures import MAX_TEXTS
from detent.grammar.number import MAX_BOUND_PLACES
from detent.grammar.number_table import (
    EXPONENT_MAX,
    FREE_EXPONENT,
    HIGHEST_DECADE,
    LOWEST_DECADE,
    MAX_MODULUS,
    MAX_MULTIPLE,
)

NOTES = [
    "`$id`, `$anchor`, `$dynamicAnchor`, `$recursiveAnchor`, `$defs` and `definitions` name places for references;",
    "`additionalItems` goes with listed `items`.",
    "What a reference names must be in the document, in `remotes`, or a meta-schema of the five drafts.",
    "References that lead back to themselves without entering a value are refused. A `$schema` that is in `remotes`",
    "may leave out vocabularies with `$vocabulary`; one that is not known is read as the latest draft.",
    "Keywords outside the specification say nothing.",
    "No key is written twice in an object.",
    "Where alternatives overlap (`oneOf`, `not`, `if`) and a value can meet them in more than `max_branches` ways, or",
    "working that out takes more than `max_steps`, the schema is refused. Formats such as `hostname`, which leave out",
    "texts that would be right, leave these out under `not` as well. Of items that must differ, numbers beyond 600",
    "decimal places count as equal.",
]


LARK = [
    "In a terminal, a reference to a group (`\\1`, `(?P=q)`) is enforced where the group, with those beside it, has at",
    f"most {MAX_TEXTS:,} texts. What else is refused is listed under *Errors* in [grammars.md](grammars.md).",
]
LATE = [
    "Limits are looked for before the first token. Where members of an object or items of an array depend on each",
    "other, what a text may ask for is not all looked at then, but how such a value may begin. So while a text is",
    f"written, `max_steps`, `max_branches` and `max_depth` are granted {GRACE} times over; only a schema made for it",
    "gets beyond that, in some seconds. The method that was called raises `LimitExceeded` then, and nothing is",
    "lost: the matcher stands where it stood, can be rolled back, forked and asked again, and other matchers go on.",
    "`fill_bitmasks` writes the rows of all others, allows no token in the rows of such matchers, and raises the error",
    "of the first, whose `row` is that of the mask.",
    "",
    "`error.text` is what had been written. `detent.generate` raises the error; of `detent.run`, and in a batch, the",
    'row keeps it: `result.error`, with `result.text`, `result.tokens` and `result.finish == "error"`, and the other',
    "rows go on. A stream raises it behind what it gave out. Only rows that a sampler decides at once (AWRS, with",
    "predicates, strategies) end together, each with its own text; those of a strategy have `error.text` alone.",
    "",
    "For grammars whose masks ask whether a text can be finished, `proof_steps` and `regex_states` hold before the",
    "first token only; later questions share what is left of that work, and are all answered.",
    "",
    "The same as for schemas holds for `cache_bytes`: a full arena is replaced and the text is walked again there; the",
    "error comes where an empty one cannot hold the states of one text. A mask whose parts do not fit is made token by",
    "token, which takes a tenth of a second or more. Where Python's own stack is too short for a schema, that is a",
    "`LimitExceeded` of `max_depth`.",
]


def keywords() -> list[str]:
    """The list of keywords."""
    return ["Enforced: " + ", ".join(f"`{name}`" for name in sorted(READERS)) + "."]


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
            f"- A step, without powers of ten, is at most {MAX_MODULUS:,}; the least common multiple of several of",
            f"  which some are excluded, {MAX_MULTIPLE:,}.",
        ],
        ["## Lark grammars", "", *LARK],
        ["## Named limits", "", "Fields of `detent.Limits`; passing one raises `LimitExceeded`.", "", *limit_rows()],
        ["## When limits are met", "", *LATE],
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("limits.md").write_text(page(), encoding="utf-8")
