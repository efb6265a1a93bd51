"""Writes ``json-schema.md`` from the code: every keyword and format, how it is enforced, and the coverage of engines.

    python docs/make_json_schema.py

Fails where a reader of a keyword has no description here, or a description no reader. Whether a keyword is enforced is
found by compiling its probes. The coverage is read from ``coverage.json``, which benchmarks/schema_suite.py writes.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from detent import Compiler, GrammarError, Vocabulary
from detent.grammar import formats
from detent.grammar.json_schema import keywords

DRAFTS = {4: "4", 6: "6", 7: "7", 2019: "2019-09", 2020: "2020-12"}
FIRST, LAST = min(DRAFTS), max(DRAFTS)
DIALECT = "http://json-schema.org/draft-07/schema#"


class Keyword(NamedTuple):
    """One keyword.

    Attributes
    ----------
    how : str
        How it is enforced.
    probes : tuple
        Schemas that use it, also in hard ways; one that is refused is shown.
    first, last : int
        The drafts that have it.
    """

    how: str
    probes: tuple[Any, ...]
    first: int = FIRST
    last: int = LAST


TYPES = {"type": ["integer", "string"]}
POSITIVE = {"minimum": 1}
EVEN = {"multipleOf": 2}

KEYWORDS = {
    "type": Keyword(
        "Decides how a value may begin. `integer` is any spelling of one (`1.0`, `10e-1`); in draft 4 digits alone.",
        (TYPES,),
    ),
    "enum": Keyword(
        "The listed strings are a trie; numbers match in every spelling, objects in every order.",
        ({"enum": [1, "a", {"a": []}]},),
    ),
    "const": Keyword("As an `enum` of one value.", ({"const": {"a": [1]}},), 6),
    "$ref": Keyword(
        "The schema that it names holds, too; up to draft 7 its siblings are hidden. Endless recursion is not entered.",
        ({"$ref": "#/$defs/a", "$defs": {"a": {"properties": {"b": {"$ref": "#"}}}}}, {"$ref": DIALECT}),
    ),
    "$dynamicRef": Keyword(
        "Resolved by the dynamic scope, which is part of the node.",
        ({"$dynamicAnchor": "a", "items": {"$dynamicRef": "#a"}},),
        2020,
    ),
    "$recursiveRef": Keyword(
        "As `$dynamicRef`.",
        (
            {
                "$schema": "https://json-schema.org/draft/2019-09/schema",
                "$recursiveAnchor": True,
                "items": {"$recursiveRef": "#"},
            },
        ),
        2019,
        2019,
    ),
    "allOf": Keyword(
        "Conjunction: each child is the conjunction of what every schema says of it.", ({"allOf": [POSITIVE, EVEN]},)
    ),
    "anyOf": Keyword(
        "Alternatives, read side by side for as long as several are open.", ({"anyOf": [POSITIVE, EVEN]},)
    ),
    "oneOf": Keyword(
        "Exactly one; a text may only end where one branch holds and no other.",
        ({"oneOf": [{"type": "string"}, {"type": "null"}]}, {"oneOf": [POSITIVE, EVEN]}),
    ),
    "not": Keyword(
        "The text may only end where the schema does not hold.", ({"not": EVEN}, {"not": {"required": ["a"]}})
    ),
    "if": Keyword("`if` and `then`, or not `if` and `else`.", ({"if": POSITIVE, "then": EVEN},), 7),
    "then": Keyword("Beside `if`.", ({"if": POSITIVE, "then": EVEN},), 7),
    "else": Keyword("Beside `if`.", ({"if": POSITIVE, "else": EVEN},), 7),
    "dependencies": Keyword(
        "A schema or further keys, once the key is there.",
        (
            {"$schema": DIALECT, "dependencies": {"a": ["b"]}},
            {"$schema": DIALECT, "dependencies": {"a": {"minProperties": 2}}},
        ),
        4,
        7,
    ),
    "dependentRequired": Keyword("Further keys, once the key is there.", ({"dependentRequired": {"a": ["b"]}},), 2019),
    "dependentSchemas": Keyword(
        "A schema for the object, once the key is there.", ({"dependentSchemas": {"a": {"minProperties": 2}}},), 2019
    ),
    "properties": Keyword(
        "Names are a trie over their decoded characters; a name is never written twice.",
        ({"properties": {"a": TYPES}},),
    ),
    "patternProperties": Keyword(
        "Automata over the decoded name, their product where they overlap.",
        ({"patternProperties": {"^a": TYPES, "b$": POSITIVE}},),
    ),
    "additionalProperties": Keyword(
        "What names hold that neither `properties` nor `patternProperties` of the same schema speak of.",
        ({"additionalProperties": TYPES},),
    ),
    "unevaluatedProperties": Keyword(
        "What names hold that no schema which holds in place has looked at.",
        ({"anyOf": [{"properties": {"a": POSITIVE}}, {"properties": {"b": TYPES}}], "unevaluatedProperties": False},),
        2019,
    ),
    "propertyNames": Keyword(
        "The automaton of the name is met with that of its schema.",
        ({"propertyNames": {"pattern": "^a"}}, {"propertyNames": {"not": {"const": "a"}}}),
        6,
    ),
    "required": Keyword(
        "Keys still due are part of the position; the object cannot close before.", ({"required": ["a", "b"]},)
    ),
    "minProperties": Keyword(
        "A count of the keys written.", ({"required": ["a"], "minProperties": 1}, {"minProperties": 1})
    ),
    "maxProperties": Keyword(
        "A count of the keys written; room is kept for those required.",
        ({"additionalProperties": False, "properties": {"a": True}, "maxProperties": 1}, {"maxProperties": 1}),
    ),
    "items": Keyword(
        "Every item, or the items after those listed; a list (up to 2019-09) is `prefixItems`.", ({"items": TYPES},)
    ),
    "prefixItems": Keyword("The first items, one schema each.", ({"prefixItems": [TYPES, POSITIVE]},), 2020),
    "additionalItems": Keyword(
        "The items after a list of `items`.",
        ({"$schema": DIALECT, "items": [TYPES], "additionalItems": False},),
        4,
        2019,
    ),
    "unevaluatedItems": Keyword(
        "The items that no schema which holds in place has looked at.",
        ({"anyOf": [{"prefixItems": [POSITIVE]}, {"prefixItems": [TYPES, TYPES]}], "unevaluatedItems": False},),
        2019,
    ),
    "minItems": Keyword("A count, saturated where no token can tell.", ({"minItems": 2},)),
    "maxItems": Keyword("A count, saturated where no token can tell.", ({"maxItems": 1000},)),
    "uniqueItems": Keyword(
        "Items written are compared by value.",
        (
            {"maxItems": 1, "uniqueItems": True},
            {"uniqueItems": True},
            {"uniqueItems": True, "items": {"enum": [1, 2, 3]}, "minItems": 3},
        ),
    ),
    "contains": Keyword("A count of the items that meet the schema.", ({"contains": POSITIVE},), 6),
    "minContains": Keyword("Beside `contains`.", ({"contains": POSITIVE, "minContains": 2},), 2019),
    "maxContains": Keyword("Beside `contains`.", ({"contains": POSITIVE, "maxContains": 2},), 2019),
    "minLength": Keyword("A count of decoded characters (code points).", ({"minLength": 3},)),
    "maxLength": Keyword("As `minLength`, of any size.", ({"maxLength": 100_000},)),
    "pattern": Keyword(
        "ECMA-262 in Unicode mode as an automaton over decoded characters; look-around is compiled away, and so are "
        "back-references to groups with few texts.",
        ({"pattern": "^(?!a).*\\bb\\b"},),
    ),
    "format": Keyword("An automaton; see below.", ({"format": "date-time"},)),
    "multipleOf": Keyword(
        "Exact decimal arithmetic on the digits written so far, with the bounds.", ({"multipleOf": 0.01, "minimum": 0},)
    ),
    "minimum": Keyword("Exact decimals of any length.", (POSITIVE,)),
    "maximum": Keyword("Exact decimals of any length.", ({"maximum": 1.5},)),
    "exclusiveMinimum": Keyword("As `minimum`; a boolean beside it in draft 4.", ({"exclusiveMinimum": 1},)),
    "exclusiveMaximum": Keyword("As `maximum`; a boolean beside it in draft 4.", ({"exclusiveMaximum": 1},)),
}
PARTNERS = {
    "then": "if",
    "else": "if",
    "minContains": "contains",
    "maxContains": "contains",
    "additionalItems": "items",
}
NAMING = "`$schema`, `$id` (`id` in draft 4), `$anchor`, `$dynamicAnchor`, `$recursiveAnchor`, `$defs`, `definitions`"
ANNOTATIONS = (
    "`title`, `description`, `default`, `examples`, `deprecated`, `readOnly`, `writeOnly`, `$comment`, `$vocabulary`, "
    "`contentEncoding`, `contentMediaType`, `contentSchema`"
)
SOURCES = {
    "date": "RFC 3339, leap years included",
    "time": "RFC 3339, a second 60 only where it is 23:59:60 in UTC",
    "date-time": "RFC 3339, as `date` and `time`",
    "duration": "RFC 3339, appendix A",
    "email": "RFC 5321",
    "idn-email": "RFC 6531",
    "hostname": "RFC 1123, labels and length",
    "idn-hostname": "RFC 5890",
    "ipv4": "RFC 2673",
    "ipv6": "RFC 4291",
    "uri": "RFC 3986",
    "uri-reference": "RFC 3986",
    "iri": "RFC 3987",
    "iri-reference": "RFC 3987",
    "uri-template": "RFC 6570",
    "json-pointer": "RFC 6901",
    "relative-json-pointer": "the draft of relative JSON pointers",
    "uuid": "RFC 4122",
    "regex": "ECMA-262",
}
HERE = Path(__file__).parent
RESULTS = HERE / "coverage.json"
COMMAND = "python benchmarks/schema_suite.py --suite SUITE --out docs/coverage.json"


def check() -> None:
    """Fail where descriptions and readers differ."""
    readers = keywords.READERS.keys()
    partners = {name for name, partner in PARTNERS.items() if partner in readers}
    if undescribed := readers - KEYWORDS.keys():
        raise SystemExit(f"keywords without a description: {', '.join(sorted(undescribed))}")
    if unread := KEYWORDS.keys() - readers - partners:
        raise SystemExit(f"descriptions without a reader: {', '.join(sorted(unread))}")
    if SOURCES.keys() != formats._FIRST_DRAFT.keys():
        raise SystemExit(f"formats differ: {', '.join(sorted(SOURCES.keys() ^ formats._FIRST_DRAFT.keys()))}")


def keyword_rows() -> list[str]:
    """The table of keywords."""
    compiler = Compiler(Vocabulary.from_tokens([*(bytes([value]) for value in range(256)), None], eos=[256]))
    rows = []
    for name, keyword in sorted(KEYWORDS.items(), key=lambda item: item[0].lstrip("$").lower()):
        refused = [probe for probe in keyword.probes if is_refused(compiler, probe)]
        status = "enforced" if not refused else "refused" if len(refused) == len(keyword.probes) else "in part"
        how = keyword.how if status != "refused" else ""
        if status == "in part":
            how += " Not yet: " + ", ".join(f"`{json.dumps(probe)}`" for probe in refused) + "."
        rows.append(f"| `{name}` | {span(keyword.first, keyword.last)} | {status} | {how} |")
    return ["| keyword | drafts | | how |", "|---|---|---|---|", *rows]


def is_refused(compiler: Compiler, schema: Any) -> bool:
    """Whether a schema does not compile."""
    try:
        compiler.json_schema(schema)
    except GrammarError:
        return True
    return False


def span(first: int, last: int) -> str:
    """Which drafts."""
    if first == last:
        return DRAFTS[first]
    return "all" if (first, last) == (FIRST, LAST) else f"{DRAFTS[first]} to {DRAFTS[last]}"


def format_rows() -> list[str]:
    """The table of formats."""
    rows = []
    for name, first in sorted(formats._FIRST_DRAFT.items()):
        note = (formats.NARROWED | formats.WIDENED).get(name, "")
        note = f": {note}" if note else ""
        rows.append(f"| `{name}` | {DRAFTS[first]} | {SOURCES[name]}{note} |")
    return ["| format | since | how |", "|---|---|---|", *rows]


# ------------------------------------------------------------------------------------------------------------ coverage
def results() -> dict[str, dict[str, Counter[str]]]:
    """Verdicts by engine and ``draft/file``, this library first."""
    read = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    names = sorted(read, key=lambda name: (not name.startswith("detent"), name))
    return {name: {place: Counter(counts) for place, counts in read[name].items()} for name in names}


def summed(counts: dict[str, Counter[str]], draft: str = "", file: str = "", *, asserted: bool = False) -> Counter[str]:
    """Verdicts of a draft or a file, of optional formats or of the rest."""
    found: Counter[str] = Counter()
    for place, verdicts in counts.items():
        of_draft, _, of_file = place.partition("/")
        if of_file.startswith("format/") == asserted and draft in ("", of_draft) and file in ("", of_file):
            found += verdicts
    return found


def cells(verdicts: Counter[str]) -> list[str]:
    """Right, valid rejected, invalid accepted, refused."""
    groups = (("pass", "unsat"), ("under",), ("over",), ("refused", "error"))
    return [f"{sum(verdicts[v] for v in group):,}" if sum(verdicts[v] for v in group) else "-" for group in groups]


def _year(draft: str) -> int:
    """A number that orders the folders of the suite: draft4 before draft2019-09."""
    return int(draft.removeprefix("draft").partition("-")[0])


def draft_rows(measured: dict[str, dict[str, Counter[str]]]) -> list[str]:
    """One row per draft and engine."""
    rows = [
        "| draft | tests | engine | right | valid rejected | invalid accepted | refused |",
        "|---|---|---|---|---|---|---|",
    ]
    drafts = dict.fromkeys(place.partition("/")[0] for counts in measured.values() for place in counts)
    places = [(draft, False) for draft in sorted(drafts, key=_year, reverse=True)] + [("", True)]
    for draft, asserted in places:
        for k, (name, counts) in enumerate(measured.items()):
            verdicts = summed(counts, draft, asserted=asserted)
            title = "all, optional formats" if asserted else draft.removeprefix("draft")
            left = [title, f"{verdicts.total():,}"] if k == 0 else ["", ""]
            rows.append("| " + " | ".join([*left, name, *cells(verdicts)]) + " |")
    return rows


def file_rows(measured: dict[str, dict[str, Counter[str]]]) -> list[str]:
    """One row per file of the suite: what each engine has right, and how many it gets wrong."""
    files = sorted({place.partition("/")[2] for counts in measured.values() for place in counts})
    head = ["file", "tests", *measured]
    rows = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for file in files:
        if file.startswith("format/"):
            continue
        columns = []
        for counts in measured.values():
            verdicts = summed(counts, file=file)
            wrong = verdicts["under"] + verdicts["over"]
            columns.append(f"{verdicts['pass'] + verdicts['unsat']}" + (f", **{wrong} wrong**" if wrong else ""))
        rows.append("| " + " | ".join([f"`{file}`", str(verdicts.total()), *columns]) + " |")
    return rows


PAGE = """\
# JSON Schema

Written by `python docs/make_json_schema.py` from the code; do not edit. Named limits are in [limits.md](limits.md).

A schema of drafts 4, 6, 7, 2019-09 and 2020-12 (by its `$schema`; without one, 2020-12) means here what it means to a
validator, for every spelling of a text. What cannot be enforced exactly raises `GrammarError` with JSON pointer and
keyword before the first token.

With `strict=False` such a keyword is left out instead: `Grammar.explain()["relaxed"]` lists pointer, keyword and
reason, and every valid text can still be written, also where the keyword stands under `not`, `if`, `oneOf` or in
the way of `unevaluatedProperties`, because what was left out is granted both ways there. A `oneOf` whose branches
overlap in too many ways is read as `anyOf`; where no keyword stands out, a whole subschema is left out. What is no
JSON Schema (wrong types, wrong patterns, references to nothing) and too large a document stay errors.
`Grammar.residual(text)` and `Result.residual` check a text by the whole schema, with the package `jsonschema`
(`detent[validate]`): numbers exact, patterns translated from ECMA-262, formats as below.

## Keywords

{keywords}

{naming} name places for references.
{annotations} constrain nothing.

## Formats

Strings are judged by their decoded characters. `format_assertion=False` takes all formats as annotations; unknown ones
always are, and `Grammar.explain()` lists them.

{formats}

## Coverage

The required tests of the official JSON Schema Test Suite, instances as the suite writes them, and those of the optional
formats with `format` asserted. A schema without instances that an engine calls unsatisfiable counts as right; time-outs
and crashes count as refused. detent takes keys in any order and remote documents as `remotes`; the other engines have
no such options. Up to 90 of XGrammar's refusals are schemas without instances, which it refuses in other words.

```
git clone --depth 1 https://github.com/json-schema-org/JSON-Schema-Test-Suite SUITE
{command} --engine detent
pip install llguidance==1.9.1 xgrammar==0.2.8 outlines_core==0.2.14
{command} --engine llguidance --engine xgrammar --engine outlines --limit 4
python docs/make_json_schema.py
```

{drafts}

By file of the suite, all drafts: tests judged rightly and wrongly; the others are refused.

{files}
"""


def page() -> str:
    """The whole page."""
    check()
    measured = results()
    tables = {
        "keywords": keyword_rows(),
        "formats": format_rows(),
        "drafts": draft_rows(measured),
        "files": file_rows(measured),
    }
    texts = {name: "\n".join(rows) for name, rows in tables.items()}
    return PAGE.format(**texts, naming=NAMING, annotations=ANNOTATIONS, command=COMMAND)


if __name__ == "__main__":
    (HERE / "json-schema.md").write_text(page(), encoding="utf-8")
