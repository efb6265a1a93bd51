"""The lexer of keys against a plain one, steps undone, and the tables of tokens that write keys."""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detent.native import key_tokens, keys, strings, trie
from tests.naive.json_values import decoded

QUICK = settings(derandomize=True, deadline=None, max_examples=150)
TEXTS = st.text(st.sampled_from('ab"\\\n\té😀\u0800\uffff'), max_size=4)
VALUES = st.recursive(
    st.one_of(st.none(), st.integers(-5, 5), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)


def keys_of(K: Any) -> list[list[str]]:
    """The keys of the open objects, the innermost first."""
    out, last, frame = [], int(K[keys.LAST]), int(K[keys.TOP])
    while frame:
        names = []
        while last:
            text = K[last + keys.E_TEXT : last + keys.E_TEXT + K[last + keys.E_LENGTH]]
            names.append("".join(map(chr, text)))
            last = int(K[last + keys.E_BEFORE])
        if K[frame + keys.F_OBJECT]:
            out.append(names[::-1])
        last, frame = int(K[frame + keys.F_LAST]), int(K[frame + keys.F_PARENT])
    return out


def open_keys(value: Any) -> list[tuple[bytes, list[list[str]]]]:
    """Pieces of a text in compact form, and the keys of the open objects after each of them."""
    pieces: list[tuple[bytes, list[list[str]]]] = []

    def write(part: Any, around: list[list[str]]) -> None:
        if isinstance(part, dict):
            names: list[str] = []
            pieces.append((b"{", [names.copy(), *around]))
            for k, (name, inner) in enumerate(part.items()):
                names.append(name)
                text = "," * (k > 0) + json.dumps(name, ensure_ascii=k % 2 == 0)
                pieces.append((text.encode(), [names.copy(), *around]))
                pieces.append((b":", [names.copy(), *around]))
                write(inner, [names.copy(), *around])
            pieces.append((b"}", around))
        elif isinstance(part, list):
            for k, item in enumerate(part):
                pieces.append((b"," if k else b"[", around))
                write(item, around)
            pieces.append((b"]" if part else b"[]", around))
        else:
            pieces.append((json.dumps(part).encode(), around))

    write(value, [])
    return pieces


def read(K: Any, data: bytes) -> tuple[bool, Any]:
    """Take some bytes as one step, in a buffer that is large enough, or none of them."""
    while not keys.has_room(K, len(data)):
        K = keys.larger(K)
    keys.save(K)
    for b in data:
        if not keys.lex(K, b):
            keys.restore(K)
            return False, K
    K[keys.STEPS] += 1
    return True, K


@given(VALUES, st.integers(0, 2**32 - 1))
@QUICK
def test_keys_of_the_open_objects(value: Any, seed: int) -> None:
    rng, K = random.Random(seed), keys.new_buffer(0)
    pieces, at = open_keys(value), 0
    while at < len(pieces):
        taken, K = read(K, pieces[at][0])
        assert taken
        assert keys_of(K) == pieces[at][1]
        at += 1
        if rng.random() < 0.3:
            n = min(at, rng.randrange(1, 4))
            keys.rollback(K, n)
            at -= n
            assert keys_of(K) == (pieces[at - 1][1] if at else [])
    assert K[keys.MODE] == keys.OUTSIDE and K[keys.TOP] == 0


@pytest.mark.parametrize(
    ("text", "good"),
    [
        (b'{"a":1,"b":{"a":[{"a":2},{"a":3}]},"c"', True),
        (b'{"a":1,"a"', False),
        (b'{"a":{"b":1},"\\u0061"', False),
        (b'{"\\ud83d\\ude00":1,"\xf0\x9f\x98\x80"', False),
        (b'{"\\/":1,"/"', False),
        (b'{"":1,""', False),
        (b'{"":"","a":"","ab":"a","b":"a"', True),
        (b'[{"a":1},{"a":1},"a","a"', True),
        (b'[{"x":"a\\"","a":"x","\\u0078"', False),
    ],
)
def test_keys_are_compared_by_their_characters(text: bytes, good: bool) -> None:
    K = keys.new_buffer(0)
    before = K.copy()
    assert read(K, text)[0] == good
    if not good:
        assert (K[: keys.HEADER] == before[: keys.HEADER]).all()
        assert read(K, text[: text.rindex(b'"')])[0]


@given(st.characters(exclude_categories=["Cs"]))
@QUICK
def test_every_spelling_of_a_character(char: str) -> None:
    """Following the ways to go on from byte to byte gives every JSON text of the character, and no other."""
    found, pending = set(), [(0, b"")]
    while pending:
        mode, text = pending.pop()
        for way in range(2):
            b = int(strings.spelled(mode, ord(char), way))
            if b < 0:
                continue
            r = int(strings.char_step(mode, b))
            if r >= strings.CHAR:
                assert r == strings.CHAR | ord(char)
                found.add(text + bytes([b]))
            else:
                pending.append((r, text + bytes([b])))
    units = char.encode("utf-16-be").hex()
    spellings = {char.encode(), *(b"\\" + bytes([letter]) for letter in b'"\\/bfnrt')}
    escapes = [spelling for spelling in found if spelling[:2] == b"\\u"]
    assert len(escapes) == 2 ** sum(digit.isalpha() for digit in units)
    assert all(decoded(spelling) == char for spelling in escapes)
    assert found.difference(escapes) == {spelling for spelling in spellings if decoded(spelling) == char}


def entries(table: Any, at: int, n: int) -> list[tuple[int, str]]:
    rows = table[at : at + key_tokens.ENTRY * n].reshape(-1, key_tokens.ENTRY).tolist()
    return [(which, "".join(map(chr, table[place : place + size]))) for which, place, size in rows]


def test_tables_of_a_vocabulary() -> None:
    tokens = {
        b'"a":': ("closed", "a"),
        b' "\\u0061b" ': ("closed", "ab"),
        b'1,"b"': ("closed", "b"),
        b'","c': ("begun", "c"),
        b'"\\': ("bare", None),
        b'"\\u0': ("partial", None),
        b'"\xc3': ("partial", None),
        b'"d\\': ("begun", "d"),
        b'},"': ("bare", None),
        b'}, ': ("bare", None),
        b'"e':  ("begun", "e"),
        b'{"f': None,
        b'["g': None,
        b':"h': None,
        b'"i",': ("bare", None),
        b'":1,"j"': ("closed", "j"),
        b'{"k":1,': ("bare", None),
    }  # fmt: skip
    data = np.frombuffer(bytearray(b"".join(tokens)), np.uint8)
    offsets = np.cumsum([0, *map(len, tokens)]).astype(np.int32)
    table = key_tokens.openings(data, offsets)
    sizes = table[key_tokens.N_CLOSED : key_tokens.OPENINGS].tolist()
    numbers = list(tokens)
    closed = entries(table, key_tokens.OPENINGS, sizes[0])
    begun = entries(table, key_tokens.OPENINGS + key_tokens.ENTRY * sizes[0], sizes[1])
    assert [text for _, text in closed] == sorted(text for _, text in closed)
    found = {
        (numbers[token], kind, text) for kind, some in (("closed", closed), ("begun", begun)) for token, text in some
    }
    at = key_tokens.OPENINGS + key_tokens.ENTRY * (sizes[0] + sizes[1])
    for kind, n in zip(("partial", "bare", "second"), sizes[2:], strict=True):
        found |= {(numbers[token], kind, None) for token in table[at : at + n].tolist()}
        at += n
    wanted = {(token, *what) for token, what in tokens.items() if what}
    assert found == wanted | {(b'":1,"j"', "second", None), (b'{"k":1,', "second", None)}
    assert table[key_tokens.MANY_KEYS] == 1


@given(st.lists(st.binary(max_size=3).map(lambda b: b'a"\\u'[: len(b)] + b + b'"')))
@QUICK
def test_closings(tokens: list[bytes]) -> None:
    data = np.frombuffer(bytearray(b"".join(tokens)), np.uint8)
    offsets = np.cumsum([0, *map(len, tokens)]).astype(np.int32)
    child_first, byte = trie.build_trie(data, offsets)[:2]
    table = key_tokens.closings(data, offsets, child_first, byte)
    found = entries(table, key_tokens.CLOSINGS, int(table[key_tokens.N_CLOSINGS]))
    wanted = set()
    for token in tokens:
        for end in range(len(token)):
            try:
                text = json.loads(b'"' + token[: end + 1])
            except ValueError:
                continue
            if not any("\ud800" <= char <= "\udfff" for char in text):
                wanted.add((token[: end + 1], text))
            break
    assert sorted(text for _, text in found) == sorted(text for _, text in wanted)
    assert [text for _, text in found] == sorted(text for _, text in found)
    for _, text in found:
        h = 0
        for char in reversed(text):
            h = int(key_tokens.hash_before(h, ord(char)))
        bit = int(key_tokens.filter_bit(h))
        assert table[key_tokens.FILTER + (bit >> 5)] >> (bit & 31) & 1
