"""Values of the synthetic texts: each kind gives a schema, a value and the way the text says it."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

from detent.model.words import FIRST_NAMES, JOBS, MONTHS, NUMBER_WORDS, PLACES, PLAIN_VALUES, made_up_word


class Spoken(NamedTuple):
    """A value together with its JSON Schema and its words in the text."""

    schema: dict[str, Any]
    value: Any
    words: str


STRING: dict[str, Any] = {"type": "string"}
_YES = ("yes", "true", "on", "Yes", "confirmed", "enabled")
_NO = ("no", "false", "off", "No", "not confirmed", "disabled")


def _string(value: str) -> Spoken:
    return Spoken(STRING, value, value)


def some_word(rng: Random) -> str:
    return rng.choice(PLAIN_VALUES) if rng.random() < 0.3 else made_up_word(rng)


def word(rng: Random) -> Spoken:
    value = some_word(rng)
    if rng.random() < 0.1:
        return Spoken(STRING, value, rng.choice(('"{}"', "'{}'")).format(value))
    return _string(value)


def _title(rng: Random, real: list[str], share: float) -> str:
    return rng.choice(real) if rng.random() < share else made_up_word(rng).capitalize()


def name(rng: Random) -> Spoken:
    first = _title(rng, FIRST_NAMES, 0.4)
    return _string(first if rng.random() < 0.4 else f"{first} {made_up_word(rng).capitalize()}")


def place(rng: Random) -> Spoken:
    return _string(_title(rng, PLACES, 0.4))


def company(rng: Random) -> Spoken:
    return _string(made_up_word(rng).capitalize() + rng.choice(("", " Ltd", " Inc", " GmbH", " & Co", " Labs")))


def job(rng: Random) -> Spoken:
    return _string(rng.choice(JOBS) if rng.random() < 0.6 else made_up_word(rng))


def phrase(rng: Random) -> Spoken:
    words = " ".join(some_word(rng) for _ in range(rng.choice((2, 2, 3, 4))))
    return _string(words.capitalize() if rng.random() < 0.3 else words)


def sentence(rng: Random) -> Spoken:
    return _string(" ".join(some_word(rng) for _ in range(rng.randint(4, 8))).capitalize())


def code(rng: Random) -> Spoken:
    letters = "".join(rng.choice("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(rng.choice((1, 2, 2, 3))))
    digits = "".join(rng.choice("0123456789") for _ in range(rng.choice((1, 2, 3, 4))))
    return _string(
        rng.choice((f"{letters}-{digits}", f"{letters}{digits}", f"#{digits}", f"{digits}{letters.lower()}"))
    )


def email(rng: Random) -> Spoken:
    user = made_up_word(rng) if rng.random() < 0.6 else f"{made_up_word(rng)}.{made_up_word(rng)}"
    value = f"{user}@{made_up_word(rng)}.{rng.choice(('org', 'com', 'net', 'io', 'de'))}"
    return Spoken({"type": "string", "format": "email"} if rng.random() < 0.4 else STRING, value, value)


def date(rng: Random) -> Spoken:
    year, month, day = rng.randint(1980, 2039), rng.randint(1, 12), rng.randint(1, 28)
    value = f"{year}-{month:02}-{day:02}"
    schema = {"type": "string", "format": "date"} if rng.random() < 0.7 else STRING
    named = rng.choice((f"{day} {MONTHS[month - 1]} {year}", f"{MONTHS[month - 1]} {day}, {year}"))
    return Spoken(schema, value, named if "format" in schema and rng.random() < 0.3 else value)


def time(rng: Random) -> Spoken:
    return _string(f"{rng.randint(0, 23):02}:{rng.choice((0, 5, 10, 15, 20, 30, 40, 45, 50)):02}")


def integer(rng: Random) -> Spoken:
    value = rng.randrange(10 ** rng.choice((1, 2, 2, 3, 3, 4, 5)))
    if value < len(NUMBER_WORDS) and rng.random() < 0.3:
        return Spoken({"type": "integer"}, value, NUMBER_WORDS[value])
    if rng.random() < 0.05:
        value = -value
    return Spoken({"type": "integer"}, value, f"{value}{rng.choice(_UNITS) if rng.random() < 0.2 else ''}")


def count(rng: Random) -> Spoken:
    value = rng.randint(2, 12) if rng.random() < 0.7 else rng.randint(2, 99)
    spelt = value < len(NUMBER_WORDS) and rng.random() < 0.3
    return Spoken({"type": "integer"}, value, NUMBER_WORDS[value] if spelt else str(value))


def age(rng: Random) -> Spoken:
    value = rng.randint(1, 99)
    return Spoken({"type": "integer"}, value, str(value))


_UNITS = (" kg", "%", " km", " euros", " cm", " days", " C", "g", " pieces", " dollars")


def number(rng: Random) -> Spoken:
    value = rng.randrange(10 ** rng.choice((2, 3, 4, 5))) / rng.choice((10, 100, 100))
    if rng.random() < 0.1:
        value = -value
    return Spoken({"type": "number"}, value, f"{value}{rng.choice(_UNITS) if rng.random() < 0.2 else ''}")


def price(rng: Random) -> Spoken:
    value = rng.randrange(10 ** rng.choice((3, 4, 5))) / 100
    words = rng.choice(("{}", "${}", "{} EUR", "€{}", "{} euros", "{} dollars", "USD {}")).format(value)
    return Spoken({"type": "number"}, value, words)


def boolean(rng: Random) -> Spoken:
    value = rng.random() < 0.5
    return Spoken({"type": "boolean"}, value, rng.choice(_YES if value else _NO))


def enum(rng: Random) -> Spoken:
    choices = list(dict.fromkeys(some_word(rng) for _ in range(rng.randint(2, 4))))
    value = rng.choice(choices)
    return Spoken({"enum": choices}, value, value)


def words(rng: Random) -> Spoken:
    values = [some_word(rng) for _ in range(rng.choice((0, 1, 2, 2, 3, 3, 4)))]
    return _listed(rng, STRING, values)


def names(rng: Random) -> Spoken:
    return _listed(rng, STRING, [_title(rng, FIRST_NAMES, 0.4) for _ in range(rng.choice((1, 2, 2, 3)))])


def integers(rng: Random) -> Spoken:
    return _listed(rng, {"type": "integer"}, [rng.randrange(1000) for _ in range(rng.choice((0, 1, 2, 3, 3, 4)))])


def _listed(rng: Random, items: dict[str, Any], values: list[Any]) -> Spoken:
    *head, last = map(str, values or ("none",))
    if head and rng.random() < 0.6:
        spoken = f"{', '.join(head)} and {last}"
    else:
        spoken = ", ".join((*head, last)) if rng.random() < 0.8 else json.dumps(values, ensure_ascii=False)
    return Spoken({"type": "array", "items": items}, values, spoken)


KINDS: dict[str, Callable[[Random], Spoken]] = {
    kind.__name__: kind
    for kind in (word, name, place, company, job, phrase, sentence, code, email, date, time, integer, count, age,
                 number, price, boolean, enum, words, names, integers)
}  # fmt: skip
SCALARS = (
    "word", "word", "word", "name", "phrase", "code", "email", "date", "time", "integer", "integer", "number", "price",
    "boolean", "enum", "enum",
)  # fmt: skip
LISTS = ("words", "words", "names", "integers")
