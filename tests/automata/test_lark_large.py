"""Grammars of hundreds of rules and thousands of words, which Lark takes a minute to load."""

from __future__ import annotations

import random

import pytest

from detent.automata.compiler import Compiler
from detent.automata.vocabulary import Vocabulary
from detent.grammar.lark.compile import compile_lark
from tests.naive.lexed import accepts

SOURCE = random.Random(5)
WORDS = sorted({"".join(SOURCE.choices("abcdefghij", k=SOURCE.randint(2, 6))) for _ in range(2600)})
VOCABULARY = Vocabulary.from_tokens([*(bytes([i]) for i in range(256)), b"ab", b" ", None], eos=[258])
ONE_RULE = "start: x+\nx: " + " | ".join(f'"{word}"' for word in WORDS) + '\n%ignore " "'
MANY_RULES = (
    "start: x+\nx: "
    + " | ".join(f"r{i}" for i in range(500))
    + "".join(f'\nr{i}: "{word}" NAME | "{word}" "(" x ")"' for i, word in enumerate(WORDS[:500]))
    + '\nNAME: /[a-z]+/\n%ignore " "'
)


@pytest.mark.parametrize("text", [ONE_RULE, MANY_RULES])
def test_many_words(text: str) -> None:
    """They fit the memory of a compiler, and are judged as their tables say."""
    grammar, tables, source = Compiler(VOCABULARY).lark(text), compile_lark(text), random.Random(1)
    found = set()
    for _ in range(12):
        parts = source.choices([*WORDS[:500:100], "(", ")", "z"], k=source.randint(1, 4))
        for joined in (" ".join(parts), "".join(parts)):
            matcher, expected = grammar.matcher(), accepts(tables, joined)
            found.add(expected)
            assert (matcher.accept_bytes(joined.encode()) and matcher.is_complete()) == expected, joined
    assert found == {False, True}
