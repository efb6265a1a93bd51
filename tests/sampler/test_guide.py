"""Guides: a grammar, a predicate, both, and a limit, against checking whole prefixes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import detent
from detent import Predicate
from detent.automata.matcher import allocate_bitmask
from detent.sampler.guide import Guide, Guides, clear_bits, pack, tokens_of, unpack

TOKENS = [b"a", b"b", b"ab", "é".encode(), "é".encode()[:1], "é".encode()[1:], b"", None]
EOS = len(TOKENS) - 1
ASKED = range(len(TOKENS))
TOKENS += [bytes([value]) for value in range(256)]  # a grammar needs them all
VOCABULARY = detent.Vocabulary.from_tokens(TOKENS, eos=[EOS])
GRAMMAR = detent.Compiler(VOCABULARY).regex("[abé]*b")


def no_double_a(text: str) -> bool:
    return text != "" and "aa" not in text


def make(grammar: bool, predicate: Predicate | None, limit: int | None) -> Guide:
    return Guide(VOCABULARY, GRAMMAR.matcher() if grammar else None, predicate, limit)


def naive_allows(ids: list[int], grammar: bool, predicate: Predicate | None, limit: int | None) -> bool:
    """Check a whole prefix, the end included, and every prefix before it."""
    data = b"".join(TOKENS[i] or b"" for i in ids)
    ended = ids[-1] == EOS
    if any(i == EOS for i in ids[:-1]) or (limit is not None and len(ids) >= limit and not ended):
        return False
    if grammar:
        matcher = GRAMMAR.matcher()
        if not all(matcher.accept(i) for i in ids):
            return False
    if predicate is None:
        return True
    if not ended and not grammar and predicate.on != "ids" and not TOKENS[ids[-1]]:
        return False
    if predicate.on == "ids":
        return predicate.prefix is None or ended or bool(predicate.prefix(ids))
    try:
        text = data.decode()
    except UnicodeDecodeError:
        if ended or b"\xa9" in data.replace("é".encode(), b"") or not data.endswith(b"\xc3"):
            return False
        text = data[:-1].decode(errors="replace")
        if "\ufffd" in text:
            return False
    function = predicate.complete if ended and (predicate.complete or text) else predicate.prefix
    return function is None or bool(function(text))


@settings(derandomize=True, max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["accept", "rollback", "fork", "ask"]), st.integers(0, EOS)), max_size=25),
    st.booleans(),
    st.sampled_from(
        [
            None,
            Predicate(no_double_a),
            Predicate(no_double_a, lambda text: len(text) > 1),
            Predicate(lambda ids: sum(ids) % 5 != 0, lambda ids: True, on="ids"),
        ]
    ),
    st.sampled_from([None, 1, 4]),
)
def test_guides_equal_checking_prefixes(
    script: list[tuple[str, int]], grammar: bool, predicate: Predicate | None, limit: int | None
) -> None:
    guide = make(grammar, predicate, limit)
    ids: list[int] = []
    for action, token in script:
        if action == "accept":
            allowed = naive_allows([*ids, token], grammar, predicate, limit)
            assert guide.accept(token) == allowed
            ids += [token] * allowed
        elif action == "rollback":
            n = min(token, len(ids))
            guide.rollback(n)
            ids = ids[: len(ids) - n]
        elif action == "fork":
            before, guide = guide, guide.fork()
            before.rollback(len(ids))
        else:
            expected = [t for t in ASKED if naive_allows([*ids, t], grammar, predicate, limit)]
            constraint = Guides([guide])
            assert [t for t in tokens_of(constraint.bitmask[0]) if t in ASKED] == expected
            assert set(expected) <= set(tokens_of(constraint.candidates[0]))
            assert [t for t in ASKED if guide.allows(t)] == expected
            assert constraint.is_exact(0) == (predicate is None)
        assert guide.ids == ids and guide.is_stopped() == (EOS in ids)


@pytest.mark.parametrize(
    ("on", "expected"), [("text", "ab"), ("bytes", b"ab\xc3"), ("ids", [0, 1, 4])], ids=lambda value: str(value)
)
def test_what_functions_take(on: Any, expected: Any) -> None:
    seen: list[Any] = []
    guide = make(False, Predicate(lambda prefix: bool(seen.append(prefix)) or True, on=on), None)
    assert all(guide.accept(token) for token in (0, 1, 4))
    assert seen[-1] == expected


def test_a_function_is_asked_once_about_a_token() -> None:
    guide = make(False, Predicate(no_double_a), None)
    for _ in range(3):
        assert guide.allows(0)
    assert guide.accept(0) and not guide.allows(0) and not guide.accept(0)
    assert guide.n_checks == guide.fork().n_checks == 2


@pytest.mark.parametrize("grammar", [False, True])
def test_a_function_that_fails_leaves_the_guide_as_it_was(grammar: bool) -> None:
    def fail_at_two(text: str) -> bool:
        if len(text) == 2:
            raise RuntimeError("no second letter")
        return True

    guide = make(grammar, Predicate(fail_at_two), None)
    assert guide.accept(0)
    for ask in (guide.accept, guide.allows):
        with pytest.raises(RuntimeError, match="second"):
            ask(1)
    assert guide.ids == [0] and guide.accept(2)


def test_a_guide_without_anything_is_free() -> None:
    assert make(False, None, None).is_free and not make(False, None, 3).is_free
    assert not make(False, None, None).accept(len(TOKENS))


@pytest.mark.parametrize("options", [{}, {"prefix": no_double_a, "on": "letters"}])
def test_predicates_are_checked(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"function|on must"):
        Predicate(**options)


def test_rollback_beyond_the_start() -> None:
    with pytest.raises(ValueError, match="cannot undo"):
        make(True, None, None).rollback(1)


@settings(derandomize=True, max_examples=50, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=100), st.data())
def test_bitmasks_and_back(allowed: list[bool], data: st.DataObject) -> None:
    mask = pack(np.array(allowed))
    assert mask.shape == allocate_bitmask(1, len(allowed))[0].shape
    assert unpack(mask, len(allowed)).tolist() == allowed
    assert unpack(mask, len(allowed) + 70).tolist() == allowed + [False] * 70
    tokens = [i for i, bit in enumerate(allowed) if bit]
    assert tokens_of(mask) == tokens
    cleared = data.draw(st.lists(st.integers(0, len(allowed) - 1)))
    clear_bits(mask, cleared)
    assert tokens_of(mask) == [i for i in tokens if i not in cleared]
