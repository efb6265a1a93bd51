"""A-labels against the package idna, and the automata that wait for verdicts on them."""

from __future__ import annotations

import random

import numpy as np
import pytest

from detent.grammar import dfa, formats, idna
from detent.grammar.text_set import TextSet
from detent.native import punycode

# Letters, digits and what has rules of its own.
ALPHABETS = [
    "abl0-9",
    "\u00b7lab-",
    "אב׳״0a",
    "بيد\u200cا٠۰0",
    "कष\u094d\u200c\u200d",
    "\u30fbぁァ丈a",
    "αβ\u0375ς",
    "àéü-a0",
    "e\u0301\u0300a",
    "ßς་〇ĸÉ",
    "실례가\u1100",
]


def some_labels(count: int) -> list[str]:
    rng = random.Random(1)
    found = []
    for _ in range(count):
        alphabet = rng.choice(ALPHABETS)
        drawn = (rng.choice(alphabet) if rng.random() < 0.95 else chr(rng.randrange(0x80, 0xD800)) for _ in range(6))
        found.append("".join(list(drawn)[: rng.randrange(1, 7)]))
    return found


def test_a_labels_are_those_of_the_package_idna() -> None:
    package = pytest.importorskip("idna")
    valid = 0
    for label in some_labels(6000):
        a_label = "xn--" + label.encode("punycode").decode()
        try:
            package.ulabel(a_label)
            right = not label.isascii()
        except package.IDNAError:
            right = False
        assert (idna.judge(a_label) is not None) == right, a_label
        valid += right
    assert valid > 1000


def test_a_labels_are_their_only_form() -> None:
    assert idna.judge("xn--mnchen-3ya") == idna.judge("XN--MNCHEN-3YA") == idna.LEFT
    assert idna.judge("xn--0-gyc") == idna.NEUTRAL
    assert idna.judge("xn--4dbc5h") == idna.RIGHT
    for text in ("", "X", "a-", "-9uc", "example-", "7a", "0ca24w", "99999999", "mnchen-3y", "é"):
        assert idna.judge("xn--" + text) is None


def test_every_beginning_of_an_a_label_can_be_saved() -> None:
    rng = random.Random(2)
    for _ in range(500):
        begin = "".join(rng.choices("abz09-", k=idna.FREE))
        assert idna.judge(f"xn--{begin}{idna.RESCUE}") == idna.LEFT
    assert len(f"xn--{begin}{idna.RESCUE}") == 63


@pytest.mark.parametrize("name", ["hostname", "idn-hostname"])
def test_names_with_a_labels(name: str) -> None:
    texts = formats.format_texts(name)
    assert texts is not None
    yes = "xn--mnchen-3ya.de A.XN--4DBC5H xn--4dbc5h.a1 xn--ngba5hb2804a 1.xn--0-gyc xn--11b2ezcw70k.xn--11b2ezcs70k"
    no = "xn--4dbc5h.1a 1a.xn--4dbc5h xn--0-gyc.xn--4dbc5h xn--X xn--7a.a a.xn--l-fda ab--c xn--4dbc5h. .xn--4dbc5h"
    assert [text for text in yes.split() if not texts.matches(text)] == []
    assert [text for text in no.split() if texts.matches(text)] == []
    begin = "xn--" + "-" * idna.FREE
    assert texts.matches(begin + idna.RESCUE) and not texts.matches(begin + "a")


def test_no_beginning_needs_a_verdict() -> None:
    texts = formats.format_texts("hostname")
    assert texts is not None
    ((language, shortest, longest),) = texts.parts()
    assert language is not None and (shortest, longest) == (1, 253)
    assert (dfa.lengths(language)[0] >= 0).all() and language.n_states < 1000


def test_judged_texts_stand_alone() -> None:
    texts = formats.format_texts("hostname")
    assert texts is not None
    bounded = texts & TextSet.of(None, 0, 300)
    assert bounded == texts and bounded.matches("xn--4dbc5h") and TextSet.of(None, 1, 253) & texts == texts
    email = formats.format_texts("email")
    assert email is not None
    for other in (TextSet.of(None, 2), TextSet.of(None, 0, 252), email):
        assert not (texts & other).whole and not (texts | other).whole and not (~texts).whole
    plain = formats.as_dfa(texts)
    assert dfa.matches(plain, "a.b") and not dfa.matches(plain, "xn--4dbc5h")


def test_punycode_is_measured_as_it_is_written() -> None:
    rng = random.Random(3)
    for _ in range(500):
        pools = ["abc-0", "αβγώ", "а", "丈中文", "\U0010ffff\U0001f600"]
        label = "".join(rng.choice(rng.choice(pools)) for _ in range(rng.randrange(1, 60)))
        assert punycode.length(np.array([*map(ord, label)], np.int32), len(label)) == len(label.encode("punycode"))


@pytest.mark.parametrize("alphabet", idna.ALPHABETS, ids=min)
def test_labels_of_a_few_letters_always_fit(alphabet: frozenset[str]) -> None:
    rng, beyond = random.Random(5), sorted(letter for letter in alphabet if not letter.isascii())
    assert ord(beyond[-1]) - ord(beyond[0]) < 100
    for _ in range(2000):
        drawn = rng.sample(beyond, rng.randrange(1, 6)) + ["a"] * ("a" in alphabet)
        label = "".join(rng.choices(drawn, k=idna.MAX_LETTERS))
        assert len(label.encode("punycode")) <= idna.MAX_PUNYCODE


@pytest.mark.parametrize("alphabet", idna.ALPHABETS[1:], ids=min)
def test_long_labels_are_of_one_alphabet(alphabet: frozenset[str]) -> None:
    rng, letters = random.Random(4), sorted(alphabet)
    assert all(idna.judge_label(letters[-1] + letter) is not None for letter in letters)
    texts = formats.format_texts("idn-hostname")
    assert texts is not None
    for _ in range(6):
        label = letters[-1] + "".join(rng.choices(letters, k=idna.MAX_LETTERS - 1))
        while True:
            fits = [len((label + letter).encode("punycode")) <= idna.MAX_PUNYCODE for letter in letters]
            assert texts.matches(label) and texts.matches(label + rng.choice(letters)) == all(fits), label
            if not all(fits):
                break
            label += rng.choice(letters)
        assert idna.MAX_LETTERS < len(label) < 60
