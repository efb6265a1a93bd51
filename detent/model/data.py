"""Synthetic text-to-JSON extraction: an endless stream of (text, schema, value), all random names.

Three sources are mixed. *Notes* are lists of facts with random keys ("the colour is teal; size: 4"): they teach to read
any key of the schema, to find its words in the text and to copy what stands beside them. *Domains* are everyday
sentences in which a key names a role ("Kora ordered two mugs"). *Reports* hold rows, to be written as a list of
objects, and longer free text. Keys, their order, the values and what is left out are drawn anew each time, so that
nothing but the schema tells what to answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from detent.model.domains import DOMAINS, Domain
from detent.model.prompt import format_prompt
from detent.model.values import KINDS, LISTS, SCALARS, Spoken
from detent.model.words import ADJECTIVES, FILLERS, NOUNS, REQUESTS, made_up_word


@dataclass(frozen=True)
class Example:
    """One document: what is read, what is wanted, and the right answer."""

    text: str
    schema: dict[str, Any]
    value: Any

    @property
    def prompt(self) -> str:
        return format_prompt(self.text, self.schema)

    @property
    def answer(self) -> str:
        return json.dumps(self.value, ensure_ascii=False)


@dataclass(frozen=True)
class Fact:
    """A member of the answer, and how the text says it (``words`` is None when the text is silent)."""

    key: str
    phrase: str
    schema: dict[str, Any]
    value: Any
    words: str | None


CLAUSES = (
    "{k}: {v}", "{k}: {v}", "{k}: {v}", "{k} = {v}", "{k} {v}", "{k} - {v}", "{k} is {v}", "the {k} is {v}",
    "the {k} is {v}", "its {k} is {v}", "a {k} of {v}", "with a {k} of {v}", "{v} as {k}", "{v} is the {k}",
    "the {k} was {v}", "we chose {v} for the {k}", "the {k} must be {v}", "{v} ({k})", "set {k} to {v}",
)  # fmt: skip
SEPARATORS = (", ", ". ", "; ", "\n", "\n- ", " | ")
LIST_SEPARATORS = SEPARATORS[1:]


def sample(rng: Random, plain: float = 0.0, reports: float = 0.2) -> Example:
    """Draw one example.

    Parameters
    ----------
    rng : random.Random
        Source of all choices.
    plain : float
        Probability of a plain note (``key: word`` pairs), the first lesson of the curriculum.
    reports : float
        Probability of a report, the last lesson.
    """
    draw = rng.random()
    if draw < plain:
        return plain_note(rng)
    if draw > 1 - reports:
        return report(rng)
    if draw < plain + 0.45 * (1 - plain):
        return domain_example(rng, rng.choice(list(DOMAINS.values())))
    return note(rng)


def plain_note(rng: Random) -> Example:
    """Return a note whose facts all read ``key: word``."""
    facts = [_fact(rng, phrase, "word") for phrase in distinct_phrases(rng, rng.randint(1, 5))]
    told = facts if rng.random() < 0.5 else rng.sample(facts, len(facts))
    text = ", ".join(f"{fact.phrase}: {fact.words}" for fact in told)
    return _example(text, facts)


def note(rng: Random, nouns: Sequence[str] = NOUNS) -> Example:
    """Return a note: facts under random keys, some of them not asked for, some asked for and not told."""
    phrases = distinct_phrases(rng, rng.choice((1, 2, 3, 3, 4, 4, 5, 6)), nouns)
    facts = [_fact(rng, phrase) for phrase in phrases]
    if rng.random() < 0.2:
        inner = [_fact(rng, phrase, rng.choice(SCALARS)) for phrase in distinct_phrases(rng, 2, nouns, taken=phrases)]
        facts[0] = _nested(rng, phrases[0], inner)
    wanted = rng.sample(facts, rng.randint(max(1, len(facts) - 2), len(facts)))
    text = _dressed(rng, _told(rng, facts))
    if rng.random() < 0.06:
        asked = wanted[0]
        return Example(f"{text}\nWhat is the {asked.phrase}?", asked.schema, asked.value)
    return _example(text, wanted)


def domain_example(rng: Random, domain: Domain) -> Example:
    """Return an everyday text with the keys of its slots; now and then a key the text says nothing about."""
    template = rng.choice(domain.texts)
    said = {slot: KINDS[domain.slots[slot].kind](rng) for slot in re.findall(r"{(\w+)}", template)}
    facts: dict[str, Fact] = {}
    for slot, spoken in said.items():
        key = rng.choice(domain.slots[slot].keys)
        facts.setdefault(key, Fact(key, key, _maybe_null(rng, spoken.schema), spoken.value, spoken.words))
    unsaid = [slot for name, slot in domain.slots.items() if name not in said]
    if unsaid and rng.random() < 0.15:
        slot = rng.choice(unsaid)
        key = rng.choice(slot.keys)
        facts.setdefault(key, Fact(key, key, _nullable(KINDS[slot.kind](rng).schema), None, None))
    wanted = rng.sample(list(facts.values()), rng.randint(max(1, len(facts) - 2), len(facts)))
    text = template.format(**{slot: spoken.words for slot, spoken in said.items()})
    return _example(_dressed(rng, text), wanted)


ROWS = (
    ("{quantity} {item}", ", "), ("{quantity} x {item}", "; "), ("{quantity} {item} at {price}", " and "),
    ("{quantity} {item} at {price} each", ", "), ("{quantity} x {item} ({price})", "\n- "), ("{item}: {price}", ", "),
    ("{item}, {quantity}, {price}", "\n"), ("{item} ({quantity})", ", "), ("{item} | {price}", "\n"),
)  # fmt: skip
ROW_KINDS = {"item": "word", "quantity": "count", "price": "price"}
ROW_KEYS = {
    "item": ("item", "name", "product", "article"),
    "quantity": ("quantity", "count", "qty", "number", "amount"),
    "price": ("price", "unit_price", "cost"),
}
LIST_KEYS = ("items", "lines", "products", "articles", "rows", "entries", "order", "list", "positions")


def report(rng: Random) -> Example:
    """Return a text with rows that make a list of objects, under a few facts, one of them a whole sentence."""
    phrases = distinct_phrases(rng, rng.choice((1, 1, 2, 3)))
    facts = [_fact(rng, phrase, rng.choice(("sentence", "name", *SCALARS))) for phrase in phrases]
    table = _goods(rng) if rng.random() < 0.6 else _records(rng, phrases)
    told = _told(rng, facts)
    lead = rng.choice((f"{table.phrase}: ", "", "\n", "We need ", f"The {table.phrase} are "))
    text = f"{told}\n{lead}{table.words}" if rng.random() < 0.5 else f"{lead}{table.words}. {told}"
    wanted = [table, *(fact for fact in facts if rng.random() < 0.8)]
    return _example(_dressed(rng, text), rng.sample(wanted, len(wanted)))


def _goods(rng: Random) -> Fact:
    """Return rows as an order has them: how many of what for how much."""
    layout, separator = rng.choice(ROWS)
    slots = re.findall(r"{(\w+)}", layout)
    keys = {slot: rng.choice(ROW_KEYS[slot]) for slot in rng.sample(slots, len(slots))}
    rows = [{slot: KINDS[ROW_KINDS[slot]](rng) for slot in keys} for _ in range(rng.choice((1, 2, 2, 3)))]
    told = (layout.format(**{slot: spoken.words for slot, spoken in row.items()}) for row in rows)
    return _table(
        rng.choice(LIST_KEYS), list(keys.values()), [list(row.values()) for row in rows], separator.join(told)
    )


def _records(rng: Random, taken: Sequence[str]) -> Fact:
    """Return rows that name their fields."""
    phrase, *columns = distinct_phrases(rng, 3, taken=taken)
    kinds = [rng.choice(("word", "name", "integer", "number", "code", "boolean")) for _ in columns]
    rows = [[KINDS[kind](rng) for kind in kinds] for _ in range(rng.choice((1, 2, 2, 3)))]
    layout, separator = rng.choice((("({})", ", "), ("{}", "; "), ("{}", "\n"), ("- {}", "\n")))
    pair = rng.choice(("{} {}", "{}: {}", "{} = {}"))
    told = (
        layout.format(", ".join(pair.format(column, spoken.words) for column, spoken in zip(columns, row, strict=True)))
        for row in rows
    )
    return _table(phrase, [spelt(rng, column) for column in columns], rows, separator.join(told))


def _table(phrase: str, keys: Sequence[str], rows: Sequence[Sequence[Spoken]], words: str) -> Fact:
    row = object_schema({key: spoken.schema for key, spoken in zip(keys, rows[0], strict=True)})
    value = [{key: spoken.value for key, spoken in zip(keys, row, strict=True)} for row in rows]
    return Fact(phrase.replace(" ", "_"), phrase, {"type": "array", "items": row}, value, words)


def distinct_phrases(rng: Random, n: int, nouns: Sequence[str] = NOUNS, taken: Sequence[str] = ()) -> list[str]:
    """Return `n` names of things, no word of which occurs twice or in `taken`."""
    used = set(" ".join(taken).split())
    phrases: list[str] = []
    while len(phrases) < n:
        head = rng.choice(nouns) if rng.random() < 0.6 else made_up_word(rng)
        phrase = f"{rng.choice(ADJECTIVES)} {head}" if rng.random() < 0.15 else head
        if used.isdisjoint(phrase.split()):
            used.update(phrase.split())
            phrases.append(phrase)
    return phrases


def spelt(rng: Random, phrase: str) -> str:
    """Return a phrase as a key: ``ship date`` becomes ``ship_date``, ``shipDate`` or ``ship date``."""
    style = rng.random()
    if style < 0.7:
        return phrase.replace(" ", "_")
    if style < 0.9:
        first, *rest = phrase.split()
        return first + "".join(word.capitalize() for word in rest)
    return phrase


def _fact(rng: Random, phrase: str, kind: str | None = None) -> Fact:
    kind = kind or rng.choice(LISTS if rng.random() < 0.15 else SCALARS)
    spoken = KINDS[kind](rng)
    key = spelt(rng, phrase)
    if rng.random() < 0.04:
        said = rng.choice((None, None, "none", "unknown", "not given"))
        return Fact(key, phrase, _nullable(spoken.schema), None, said)
    return Fact(key, phrase, _maybe_null(rng, spoken.schema), spoken.value, spoken.words)


def _nested(rng: Random, phrase: str, inner: Sequence[Fact]) -> Fact:
    told = ", ".join(f"{fact.phrase}: {fact.words}" for fact in inner if fact.words is not None)
    if rng.random() < 0.5:
        told = f"({told})"
    example = _example("", rng.sample(inner, len(inner)))
    return Fact(spelt(rng, phrase), phrase, example.schema, example.value, told)


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _maybe_null(rng: Random, schema: dict[str, Any]) -> dict[str, Any]:
    return _nullable(schema) if rng.random() < 0.06 else schema


def _told(rng: Random, facts: Sequence[Fact]) -> str:
    """Say every fact that has words, in random order, in one style or in many."""
    holds_list = any(isinstance(fact.value, (list, dict)) for fact in facts)
    separator = rng.choice(LIST_SEPARATORS if holds_list else SEPARATORS)
    style = rng.choice(CLAUSES) if rng.random() < 0.5 else None
    clauses = []
    for fact in rng.sample(facts, len(facts)):
        if fact.words is None:
            continue
        clause = _clause(rng, fact, style or rng.choice(CLAUSES))
        capital = rng.random() < 0.3 and not clause.startswith(fact.words)
        clauses.append(clause[0].upper() + clause[1:] if capital else clause)
    return separator.join(clauses) + ("." if separator != "\n" and rng.random() < 0.6 else "")


def _clause(rng: Random, fact: Fact, style: str) -> str:
    if isinstance(fact.value, bool) and rng.random() < 0.3:
        return f"{'with' if fact.value else rng.choice(('without', 'no'))} {fact.phrase}"
    if "enum" in fact.schema and rng.random() < 0.2:
        return rng.choice(("it is {}", "this one is {}", "{}")).format(fact.words)
    if isinstance(fact.value, dict):
        style = "{k}: {v}"
    return style.format(k=fact.phrase, v=fact.words)


def _dressed(rng: Random, text: str) -> str:
    """Put a text between sentences that say nothing, or under a request."""
    if rng.random() < 0.15:
        text = f"{rng.choice(FILLERS)} {text}"
    if rng.random() < 0.15:
        text = f"{text} {rng.choice(FILLERS)}"
    if rng.random() < 0.15:
        text = f"{rng.choice(REQUESTS)} {text}"
    return text


def _example(text: str, facts: Sequence[Fact]) -> Example:
    schema = object_schema({fact.key: fact.schema for fact in facts})
    return Example(text, schema, {fact.key: fact.value for fact in facts})


def object_schema(properties: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object with all of these members and no other."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
