"""The prompt format and the synthetic documents of the demonstration model; nothing is trained here."""

from __future__ import annotations

import json
import re
from enum import Enum
from random import Random

import jsonschema
import pytest
from pydantic import BaseModel, TypeAdapter

from detent.model import MODEL_DIR, format_prompt
from detent.model.data import domain_example, note, plain_note, sample, spelt
from detent.model.domains import DOMAINS, UNSEEN_DOMAIN
from detent.model.prompt import describe
from detent.model.values import KINDS, LISTS, SCALARS
from detent.model.words import ADJECTIVES, NOUNS, UNSEEN_NOUNS


class Colour(str, Enum):
    red = "red"
    teal = "teal"


class Part(BaseModel):
    name: str
    size: float | None


class Mug(BaseModel):
    colour: Colour
    parts: list[Part]
    pair: tuple[int, bool]
    sizes: dict[str, int]


class Tree(BaseModel):
    children: list[Tree]


def test_prompt_of_a_pydantic_model() -> None:
    assert format_prompt(" A mug.\n", Mug.model_json_schema()) == (
        "### Text\nA mug.\n### Schema\n"
        '{"colour": "red"|"teal", "parts": [{"name": string, "size": number|null}], '
        '"pair": [integer, boolean], "sizes": {string: integer}}'
        "\n### JSON\n"
    )


def test_recursive_schema_is_cut_at_its_name() -> None:
    assert describe(Tree.model_json_schema()) == '{"children": [Tree]}'


@pytest.mark.parametrize(
    ("schema", "short"),
    [
        (True, "any"),
        (False, "never"),
        ({}, "any"),
        ({"type": ["string", "null"]}, "string|null"),
        ({"const": {"a": 1}}, '{"a": 1}'),
        ({"enum": ["é", 1, None]}, '"é"|1|null'),
        ({"oneOf": [{"type": "integer"}, {"type": "integer"}, {"type": "null"}]}, "integer|null"),
        ({"allOf": [{"$ref": "#/definitions/a~1b"}], "definitions": {"a/b": {"type": "null"}}}, "null"),
        ({"type": "string", "format": "date", "minLength": 3}, "date"),
        ({"type": "object"}, "object"),
        ({"type": "array"}, "[any]"),
        ({"properties": {"a b": {"items": True}}}, '{"a b": [any]}'),
        ({"anyOf": [{"$ref": "#/anyOf/1"}, {"type": "string"}]}, "string"),
        (TypeAdapter(list[int]).json_schema(), "[integer]"),
    ],
)
def test_describe(schema: dict[str, object] | bool, short: str) -> None:
    assert describe(schema) == short


def test_answers_fit_their_schemas() -> None:
    rng = Random(0)
    for _ in range(500):
        example = sample(rng, plain=0.2)
        jsonschema.Draft202012Validator(example.schema).validate(example.value)
        assert json.loads(example.answer) == example.value
        assert example.prompt.endswith("\n### JSON\n")


def test_examples_depend_on_the_seed_alone() -> None:
    first, again, other = ([sample(rng).prompt for _ in range(20)] for rng in (Random("a"), Random("a"), Random("b")))
    assert first == again != other


def test_plain_notes_state_every_value_beside_its_key() -> None:
    rng = Random(1)
    for _ in range(50):
        example = plain_note(rng)
        for value in filter(None, example.value.values()):
            assert re.search(rf": [\"']?{value}", example.text)


def test_keys_kept_out_of_training_stay_out() -> None:
    slots = [slot for domain in DOMAINS.values() for slot in domain.slots.values()]
    trained = {*NOUNS, *ADJECTIVES, *(part for slot in slots for key in slot.keys for part in key.split("_"))}
    assert trained.isdisjoint(UNSEEN_NOUNS)
    assert len(set(UNSEEN_NOUNS)) == len(UNSEEN_NOUNS)


def test_unseen_sets_can_be_drawn() -> None:
    rng = Random(2)
    for example in (note(rng, UNSEEN_NOUNS), domain_example(rng, UNSEEN_DOMAIN)):
        jsonschema.Draft202012Validator(example.schema).validate(example.value)


@pytest.mark.parametrize("domain", [*DOMAINS.values(), UNSEEN_DOMAIN])
def test_domains_use_slots_and_kinds_that_exist(domain) -> None:  # type: ignore[no-untyped-def]
    said = {slot for text in domain.texts for slot in re.findall(r"{(\w+)}", text)}
    assert said <= domain.slots.keys()
    assert all(slot.kind in KINDS for slot in domain.slots.values())


@pytest.mark.parametrize("kind", sorted({*KINDS, *SCALARS, *LISTS}))
def test_values_fit_their_schema(kind: str) -> None:
    rng = Random(kind)
    for _ in range(30):
        spoken = KINDS[kind](rng)
        jsonschema.Draft202012Validator(spoken.schema).validate(spoken.value)
        assert spoken.words


def test_keys_are_spelt_in_the_usual_ways() -> None:
    rng = Random(3)
    assert {spelt(rng, "ship date") for _ in range(50)} == {"ship_date", "shipDate", "ship date"}


def test_model_folder_is_the_package() -> None:
    assert MODEL_DIR.joinpath("prompt.py").is_file()
