"""Canvases: what may be placed where, against exhaustion; and that a witness is always at hand."""

from __future__ import annotations

import json
from random import Random

import pytest

from detent.automata.canvas import BLANK, MASK, Canvas
from detent.automata.infiller import Infiller
from detent.grammar.errors import Unsatisfiable
from tests.infill.cases import GRAMMARS
from tests.naive.infill import Grammar

VOCABULARIES = {
    "anbn": ["a", "b", "ab", "aa", "bb"],
    "palindrome": ["a", "b", "ab", "ba", "aa"],
    "brackets": ["(", ")", "[", "]", "()", "])", "(("],
    "json": [*'{}[]:,"a1 -.', '":', '"a"', "true", "},", '"}', "[1", "11"],
    "arithmetic": [*"()+-*/1a .", "(1", "+1", ")*", "12"],
}


def parts_of(ids: list[int], vocab: list[str], is_open: bool) -> list[str | tuple[int, int]] | None:
    """The canvas as parts for the naive procedure; None where a token stands behind an end."""
    end = ids.index(len(vocab)) if len(vocab) in ids else len(ids)
    if any(token not in (MASK, len(vocab)) for token in ids[end:]):
        return None
    parts: list[str | tuple[int, int]] = []
    masks = 0
    for token in [*ids[:end], None]:
        if token == MASK:
            masks += 1
            continue
        if masks:
            parts.append((0 if token is None and is_open else masks, masks))
        masks = 0
        if token is not None:
            parts.append(vocab[token])
    return parts


def check_witness(canvas: Canvas, naive: Grammar, vocab: list[str]) -> None:
    end = next((i for i, token in enumerate(canvas.witness) if token == len(vocab)), canvas.length)
    assert naive.fewest_tokens(["".join(vocab[token] for token in canvas.witness[:end])], ["a"]) == 0
    assert all(token in (MASK, found) for token, found in zip(canvas.ids, canvas.witness, strict=True))
    assert set(canvas.witness[end:]) <= {len(vocab)}


@pytest.mark.parametrize("name", VOCABULARIES)
def test_agrees_with_exhaustion(name: str) -> None:
    vocab, rng = VOCABULARIES[name], Random(name)
    infiller, naive = Infiller(GRAMMARS[name], vocab=vocab), Grammar(GRAMMARS[name])
    for _ in range(15):
        length, is_open = rng.randrange(1, 10), rng.random() < 0.6
        try:
            canvas = Canvas(infiller, length, [len(vocab)] if is_open else [])
        except Unsatisfiable:
            assert naive.fewest_tokens([(0 if is_open else length, length)], vocab) is None
            continue
        for _ in range(25):
            if not canvas.masks:
                break
            tokens = {
                rng.choice(canvas.masks): rng.randrange(len(vocab) + is_open) for _ in range(rng.choice([1, 1, 2]))
            }
            ids = list(canvas.ids)
            for position, token in tokens.items():
                ids[position] = token
            parts = parts_of(ids, vocab, is_open)
            expected = parts is not None and naive.fewest_tokens(parts, vocab) is not None
            before = list(canvas.ids)
            assert (canvas.filling(tokens) is not None) == expected, (before, tokens)
            assert canvas.ids == before
            if rng.random() < 0.5:
                assert canvas.place(tokens) == expected
                check_witness(canvas, naive, vocab)


def test_changes_of_one_token_read_little() -> None:
    """What can follow is soon what could follow before: the chart is not read to the end."""
    vocab = VOCABULARIES["json"]
    text = json.dumps([{"a" * (k % 5): [1, 11, {"a": "a1"}]} for k in range(40)], separators=(",", ":"))
    canvas = Canvas(Infiller(GRAMMARS["json"], vocab=vocab), len(text), ids=[vocab.index(char) for char in text])
    canvas.ids = [MASK] * len(text)  # every position may change, and the witness is the text
    for position in range(0, len(text) - 40, 7):
        if text[position : position + 2] == "1,":
            assert canvas._recheck(position, vocab.index("11"))
            assert canvas._top == position
            canvas._write(position, vocab.index("11"))
            assert canvas._read_to(len(text), position) and canvas._top <= position + 2
            canvas._write(position, canvas.witness[position])
            canvas._read_to(position, position)


@pytest.mark.nojit
def test_ends() -> None:
    vocab = ["a", "b"]
    canvas = Canvas(Infiller(GRAMMARS["anbn"], vocab=vocab), 6, ends=[2, 3])
    assert canvas.allows(0, 2) and canvas.allows(4, 3) and canvas.allows(1, 2)
    assert canvas.place({1: 0})
    assert not canvas.allows(1, 1) and not canvas.allows(0, 2) and not canvas.allows(3, 2)
    assert canvas.place({4: 2})
    assert canvas.ids == [MASK, 0, MASK, MASK, 2, 2]
    assert canvas.place({0: 0, 2: 1, 3: 1})
    assert canvas.text() == "aabb"


def test_an_end_shortens_the_witness() -> None:
    canvas = Canvas(Infiller("start: /a+/", vocab=["a"]), 4, ends=[1])
    canvas._take([0, 0, 0, 0])
    assert canvas.place({1: 1})
    assert canvas.ids == [MASK, 1, 1, 1] and canvas.witness == [0, 1, 1, 1]


def test_no_filling() -> None:
    infiller = Infiller(GRAMMARS["anbn"], vocab=["a", "b"])
    with pytest.raises(Unsatisfiable):
        Canvas(infiller, 3)
    with pytest.raises(Unsatisfiable):
        Canvas(infiller, 4, ids=[1])


@pytest.mark.nojit
def test_a_run_that_needs_exactly_its_masks() -> None:
    """Neither any bytes nor single ones fit: only counting tokens tells."""
    infiller = Infiller('start: "(" start ")" | "x"', vocab=["((", "))", "x"])
    assert Canvas(infiller, 9).witness == [0] * 4 + [2] + [1] * 4
    with pytest.raises(Unsatisfiable):
        Canvas(infiller, 8)


@pytest.mark.nojit
def test_regions() -> None:
    vocab = VOCABULARIES["json"]
    open_bracket, comma, close, one = (vocab.index(char) for char in "[,]1")
    ids = [open_bracket, MASK, MASK, MASK, comma, MASK, MASK, close]
    canvas = Canvas(Infiller(GRAMMARS["json"], vocab=vocab), len(ids), ids=ids, regions=[(1, 4), (5, 7)])
    assert not canvas.close(1)
    assert canvas.place({1: one}) and canvas.close(2)
    assert canvas.ids[:5] == [open_bracket, one, BLANK, BLANK, comma]
    assert canvas.place({5: one, 6: one})
    assert canvas.text() == "[1,11]"
