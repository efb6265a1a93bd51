"""Matchers: scripts of steps against a fresh matcher, what is forced, and what a refused token leaves behind."""

from __future__ import annotations

import random
import re
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detent.automata.compiled import Grammar
from detent.automata.compiler import Compiler
from detent.automata.limits import Limits
from detent.automata.matcher import Matcher, allocate_bitmask
from detent.automata.vocabulary import Vocabulary
from tests.masks import allowed
from tests.naive import masks as naive
from tests.naive.json_values import recogniser

QUICK = settings(
    derandomize=True, deadline=None, max_examples=60, suppress_health_check=list(HealthCheck), print_blob=False
)
SCHEMAS: list[Any] = [
    {"type": "object", "properties": {"a": {"type": "integer"}, "id": {"$ref": "#"}}, "required": ["a"]},
    {"enum": ["abc", "abd", {"id": [True, None]}, -12.5]},
    {"type": "array", "items": {"type": "string", "pattern": "^[a-z]{2,4}$"}, "minItems": 2, "maxItems": 3},
    {"const": {"a": {"b": [1, 2, "é😀"]}}},
    {"type": ["string", "null"], "maxLength": 4},
    {"type": "object", "patternProperties": {"^a*b?$": {"$ref": "#"}}, "additionalProperties": False},
]
History = list[int | bytes]


@pytest.fixture(scope="session")
def cramped(vocabulary: Vocabulary) -> Compiler:
    """A compiler whose arena is full again and again."""
    return Compiler(vocabulary, limits=Limits(cache_bytes=256 << 10))


def mask_of(matcher: Matcher) -> tuple[int, ...]:
    return tuple(sorted(allowed(matcher)))


def observe(matcher: Matcher) -> tuple[Any, ...]:
    """All that can be seen of a matcher."""
    return mask_of(matcher), matcher.is_complete(), matcher.is_stopped(), matcher.forced_bytes()


def replayed(grammar: Grammar, history: History) -> Matcher:
    matcher = grammar.matcher()
    for taken in history:
        assert matcher.accept(taken) if isinstance(taken, int) else matcher.accept_bytes(taken)
    return matcher


def act(matcher: Matcher, history: History, rng: random.Random) -> Matcher:
    """One random action, mirrored in the history."""
    tokens = matcher.grammar.vocabulary
    allowed = mask_of(matcher)
    action = rng.randrange(9)
    if action < 3 and allowed:
        token = rng.choice(allowed)
        assert matcher.accept(token)
        history.append(token)
    elif action == 3:
        token = rng.choice([*range(len(tokens)), -1, len(tokens), 2**31])
        assert matcher.accept(token) == (token in allowed)
        history += [token] * (token in allowed)
    elif action == 4:
        data = b"".join(tokens.token_bytes(rng.choice(allowed or (65,))) for _ in range(rng.randrange(3)))
        if matcher.accept_bytes(data):
            history.append(data)
    elif action == 5:
        n = rng.randrange(len(history) + 1)
        matcher.rollback(n)
        del history[len(history) - n :]
    elif action == 6 and rng.random() < 0.3:
        matcher.reset()
        history.clear()
    elif action == 7:
        fork = matcher.fork()
        if allowed:
            assert matcher.accept(rng.choice(allowed))
        return fork
    elif action == 8:
        walk = matcher.fork()
        some = [rng.choice(mask_of(walk) or (0,)) for _ in range(6) if walk.accept(rng.choice(mask_of(walk) or (0,)))]
        taken = matcher.fork()
        count = next((k for k, token in enumerate(some) if not taken.accept(token)), len(some))
        assert matcher.validate(some) == count
    return matcher


@given(st.sampled_from(SCHEMAS), st.booleans(), st.integers(0, 2**32 - 1))
@QUICK
def test_scripts(compiler: Compiler, cramped: Compiler, schema: Any, small: bool, seed: int) -> None:
    grammar = (cramped if small else compiler).json_schema(schema)
    rng = random.Random(seed)
    matcher, history = grammar.matcher(), list[int | bytes]()
    for _ in range(25):
        matcher = act(matcher, history, rng)
        assert observe(matcher) == observe(replayed(compiler.json_schema(schema), history))


@given(st.sampled_from(SCHEMAS), st.integers(0, 2**32 - 1))
@settings(QUICK, max_examples=25)
def test_what_is_forced(compiler: Compiler, schema: Any, seed: int) -> None:
    reference, rng = recogniser(schema, whitespace="compact"), random.Random(seed)
    matcher, text = compiler.json_schema(schema, whitespace="compact").matcher(), b""
    for _ in range(8):
        stacks = reference.read(reference.start, text)
        assert matcher.forced_bytes() == naive.forced_bytes(reference, stacks, 4096)
        forced = matcher.forced_tokens()
        for token in forced:
            assert mask_of(matcher) == (token,)
            assert matcher.accept(token)
        allowed = mask_of(matcher)
        assert len(allowed) != 1
        matcher.rollback(len(forced))
        if not mask_of(matcher):
            break
        token = rng.choice(mask_of(matcher))
        assert matcher.accept(token)
        if matcher.is_stopped():
            break
        text += compiler.vocabulary.token_bytes(token)


@pytest.mark.nojit
@pytest.mark.parametrize("pattern", ["[ab]", "^a", "ab", "a.?b", "^[^x]", "b$", "(aa|x)"])
def test_what_is_left_within_a_greatest_length(compiler: Compiler, pattern: str) -> None:
    least, most = 2, 4
    texts = ["".join(letters) for n in range(most + 1) for letters in product("abx", repeat=n)]
    valid = {text for text in texts if len(text) >= least and re.search(pattern, text)}
    beginnings = {text[:n] for text in valid for n in range(len(text) + 1)}
    schema = {"type": "string", "pattern": pattern, "minLength": least, "maxLength": most}
    grammar = compiler.json_schema(schema)
    tokens = {t: grammar.vocabulary.token_bytes(t) for t in range(len(grammar.vocabulary))}
    for text in beginnings:
        matcher = replayed(grammar, [b'"' + text.encode()])
        found = {tokens[t] for t in allowed(matcher)}
        for token in tokens.values():
            if token and not token.strip(b"abx"):
                assert (token in found) == (text + token.decode() in beginnings), (text, token)
        assert (b'"' in found) == (text in valid), text
    free = compiler.json_schema({**schema, "pattern": "[^]*"})
    states = {text: replayed(grammar, [b'"' + text.encode()]).state for text in beginnings}
    rest = {text: replayed(free, [b'"' + text.encode()]).state for text in beginnings}
    if not pattern.endswith("$"):  # where it has been found, nothing matters but the length
        assert all((states[text] == rest[text]) == bool(re.search(pattern, text)) for text in beginnings)


def test_the_end(compiler: Compiler) -> None:
    vocabulary = compiler.vocabulary
    matcher = compiler.json_schema({"enum": [1, 12]}).matcher()
    assert not any(map(matcher.accept, vocabulary.eos_ids))
    assert matcher.accept_bytes(b" 1")
    assert set(vocabulary.eos_ids) <= set(mask_of(matcher))
    for eos in vocabulary.eos_ids:
        assert matcher.accept(eos) and matcher.is_stopped() and matcher.is_complete()
        assert mask_of(matcher) == ()
        assert not matcher.accept(eos) and not matcher.accept(ord(" ")) and not matcher.accept_bytes(b" ")
        assert matcher.forced_bytes() == b"" and matcher.forced_tokens() == [] and matcher.validate([32]) == 0
        matcher.rollback(1)
        assert not matcher.is_stopped()
    assert matcher.accept_bytes(b"2\n") and matcher.is_complete()


@pytest.mark.nojit
def test_tokens_without_text_are_never_allowed(compiler: Compiler) -> None:
    vocabulary = compiler.vocabulary
    matcher = compiler.json_schema(True).matcher()
    assert matcher.accept_bytes(b'"')
    silent = [t for t in range(len(vocabulary)) if not vocabulary.token_bytes(t)]
    assert len(silent) > 5
    assert not set(silent).intersection(mask_of(matcher))
    assert not any(map(matcher.accept, silent))


def test_mistakes_of_the_caller(compiler: Compiler) -> None:
    matcher = compiler.json_schema(True).matcher()
    assert matcher.accept_bytes(b"[")
    with pytest.raises(ValueError, match="cannot undo 2 of 1"):
        matcher.rollback(2)
    with pytest.raises(ValueError, match="cannot undo -1"):
        matcher.rollback(-1)
    mask = allocate_bitmask(2, len(compiler.vocabulary))
    for row in (-1, 2):
        with pytest.raises(IndexError):
            matcher.fill_bitmask(mask, row)
    assert (mask == -1).all()
    assert matcher.accept_bytes(b"]")
