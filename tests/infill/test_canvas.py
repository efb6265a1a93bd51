"""Canvases: what may be placed where, against exhaustion; and that a witness is always at hand."""

from __future__ import annotations

import json
from itertools import groupby
from random import Random

import numpy as np
import pytest

from detent.automata.canvas import BLANK, MASK, Canvas
from detent.automata.gaps import Gap
from detent.automata.infiller import Infiller, shared_chart
from detent.grammar.errors import Unsatisfiable
from detent.native import infill_board as board
from detent.native import infill_chart as chart
from tests.infill.cases import GRAMMARS, writer
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


def test_a_change_is_told_from_its_surroundings() -> None:
    """Neither the whole canvas is read, nor all that is left of the change, nor all that is right of it."""
    vocab = VOCABULARIES["json"]
    text = json.dumps([{"a" * (k % 5): [1, 11, {"a": "a1"}]} for k in range(40)], separators=(",", ":"))
    ids = [vocab.index(char) for char in text]
    for position in range(20, len(text) - 40, 7):
        around = ids.copy()
        around[position] = MASK
        canvas = Canvas(Infiller(GRAMMARS["json"], vocab=vocab), len(text), ids=around)
        assert all(canvas.allows(position, token) for token in {canvas.witness[position], ids[position]})
        first, last = canvas._witness._board[board.FIRST : board.LAST + 1].tolist()
        assert canvas.n_solved == 1 and (canvas.witness[position] == ids[position] or last - first < 200)


def fragments(text: str, vocab: list[str], rng: Random) -> list[int]:
    """A text cut into tokens at random."""
    ids = []
    while text:
        ids.append(rng.choice([i for i, token in enumerate(vocab) if text.startswith(token)]))
        text = text[len(vocab[ids[-1]]) :]
    return ids


@pytest.mark.parametrize("name", VOCABULARIES)
def test_long_canvases_agree_with_fresh_questions(name: str) -> None:
    """Random changes of canvases with many runs of masks, each as a question of its own."""
    vocab, rng = VOCABULARIES[name], Random(name)
    infiller = Infiller(GRAMMARS[name], vocab=vocab)
    for _ in range(6):
        ids: list[int] = []
        while not 15 < len(ids) < 90:
            text = writer(GRAMMARS[name]).write(rng, 60)
            ids = fragments(text, vocab, rng) if set(text) <= set("".join(vocab)) else []
            if name not in ("json", "arithmetic"):
                continue
            pool = {"json": ['{"a":1}', '[1,"a",true]', '"a1 -."', "[[]]"], "arithmetic": ["(1+a)", "1*a", "-a", "1.1"]}
            joined = [rng.choice(pool[name]) for _ in range(12)]
            text = f"[{','.join(joined)}]" if name == "json" else "+".join(joined)
            ids = fragments(text, vocab, rng)
        canvas = Canvas(infiller, len(ids), ids=[MASK if rng.random() < 0.5 else token for token in ids])
        while canvas.masks:
            position = rng.choice(canvas.masks)
            for token in rng.sample(range(len(vocab)), rng.choice([1, 1, 5])):
                changed = canvas.ids
                changed[position] = token
                expected = infiller.completable(asked(changed, vocab))
                assert canvas.allows(position, token) == expected
                if rng.random() < 0.4:
                    assert canvas.place({position: token}) == expected
                    assert infiller.completable(["".join(vocab[token] for token in canvas.witness)])
                    break


def asked(ids: list[int], vocab: list[str]) -> list[str | Gap]:
    """A canvas without ends as a text with gaps."""
    runs = [(is_mask, list(run)) for is_mask, run in groupby(ids, lambda token: token == MASK)]
    return [Gap(len(run), len(run)) if is_mask else "".join(vocab[t] for t in run) for is_mask, run in runs]


def test_charts_of_a_thread_stay() -> None:
    small = shared_chart(1 << 12, 10, 1)
    assert shared_chart(1 << 12, 10, 1) is small and shared_chart(1 << 11, 10, 1) is small
    large = shared_chart(1 << 19, 10, 1)
    assert len(large) > len(small) and shared_chart(1 << 12, 10, 1) is not large


@pytest.mark.nojit
def test_a_chart_that_was_cleared_is_as_new() -> None:
    """However full it was: few entries are undone one by one, many all at once."""
    infiller = Infiller(GRAMMARS["json"], vocab=VOCABULARIES["json"])
    C = chart.allocate(1 << 9, 40)
    empty = C.copy()
    for n in (2, 30):
        rows = np.zeros((n + 1, chart.SLOT_WORDS), np.int32)
        rows[:, chart.TOKEN_TO] = np.arange(n + 1) + 1
        rows[:, chart.SKIP_TO] = -1
        chart.solve(infiller.packed, infiller.tokens.packed, rows.ravel(), np.zeros(1, np.int32), C, n, 0)
        assert C[chart.ITEMS] > 1
        chart.clear(C)
        hashes = slice(empty[chart.ITEM_HASH], empty[chart.QUEUE])
        assert (C[hashes] == empty[hashes]).all() and (C[C[chart.HEADS] :] == -1).all()
        assert not C[[chart.ITEMS, chart.CALLS, chart.LINKS, chart.ENDS, chart.STATUS]].any()


def test_forks_do_not_know_of_each_other() -> None:
    canvas = Canvas(Infiller(GRAMMARS["anbn"], vocab=["a", "b"]), 6)
    other = canvas.fork()
    assert canvas.place({2: 0}) and other.ids == [MASK] * 6 and other.place({0: 0}) and canvas.ids[0] == MASK
    assert not canvas.allows(2, 1) and not other.allows(2, 1) and not canvas.allows(3, 0)


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
    canvas._witness.filling[:] = 0
    canvas._witness._read()
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


def test_what_is_spelled_alike_gets_the_answers_of_a_fresh_canvas() -> None:
    infiller = Infiller("start: /[ab]+c[ab]+/", vocab=["a", "b", "c", "ca", "cb", "z", "cz"])
    canvas, ids = Canvas(infiller, 5), [MASK] * 5
    for position, token in ((2, 2), (0, 1), (4, 0)):
        for at in range(5):
            for other in [*range(7), *range(7)]:
                asked = [other if i == at else known for i, known in enumerate(ids)]
                try:
                    Canvas(infiller, 5, ids=asked)
                    expected = ids[at] in (MASK, other)
                except Unsatisfiable:
                    expected = False
                assert canvas.allows(at, other) == expected
        assert canvas.place({position: token})
        ids[position] = token
