"""Records are written together with those that kernels ask for as soon as they have them."""

from __future__ import annotations

from typing import Any

import pytest

from detent.automata.arena import Arena
from detent.automata.compiler import Compiler
from detent.automata.vocabulary import Vocabulary
from tests.masks import allowed

ITEMS: dict[str, Any] = {"type": "object", "properties": {"k": {"type": "integer"}}}
WAYS = [{"properties": {"t": {"const": t}, "v": {"type": "object", "properties": {t: {}}}}} for t in "abcdefgh"]
TAGGED = {"type": "object", "oneOf": WAYS, "required": ["t"]}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"type": "array", "items": ITEMS}, b'{"x":'),
        ({"type": "array", "prefixItems": [ITEMS, {}]}, b'{"x":'),
        ({"type": "array", "items": TAGGED, "contains": {"required": ["v"]}}, b'{"x":'),
        (TAGGED, b'{"x": {"v":'),
    ],
)
def test_a_mask_asks_once_for_what_one_token_leads_through(
    value: dict[str, Any], text: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = [bytes([b]) for b in range(256)] + [b'[{"', b"<eos>"]
    compiler = Compiler(Vocabulary.from_tokens(tokens, eos=[257]))
    matcher = compiler.json_schema({"type": "object", "properties": {"x": value}}).matcher()
    assert matcher.accept_bytes(text)
    asked: list[int] = []
    resolve = Arena.resolve

    def note(arena: Arena, reason: int) -> None:
        asked.append(reason)
        resolve(arena, reason)

    monkeypatch.setattr(Arena, "resolve", note)
    assert allowed(matcher)
    assert len(asked) <= 1
