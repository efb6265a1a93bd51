"""Tables of loop sets over the whole vocabulary, against reading every token."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detent.automata.arena import Arena
from detent.automata.vocabulary import Vocabulary
from detent.native import pair_table, pairs, suffixes, trie
from detent.native.arena import LIST, WORDS

QUICK = settings(
    derandomize=True, deadline=None, max_examples=25, suppress_health_check=list(HealthCheck), print_blob=False
)
ALPHABET = ["a", "b", '"', "\\", " ", "\n", "é", "日", "😀"]
LEADS = sorted({text.encode()[0] for text in ALPHABET})
TOKENS = sorted({*(text.encode() for text in ALPHABET), b"\xc3", b"\xe6\x97", b"\xa9", b"a\xff", b"\x80"})


def inside(data: bytes, loop: set[int]) -> bool:
    """Whether a token stays inside a loop: characters that begin with its bytes, the last one perhaps unfinished."""
    at = 0
    while at < len(data):
        if data[at] not in loop:
            return False
        size = 1 if data[at] < 0x80 else 2 if data[at] < 0xE0 else 3 if data[at] < 0xF0 else 4
        piece = data[at : at + size]
        if len(piece) < size:
            return any(text.encode().startswith(piece) for text in ALPHABET)
        try:
            piece.decode()
        except UnicodeDecodeError:
            return False
        at += size
    return True


def table(arena: Arena, x: int, loop: int) -> tuple[set[int], set[int]]:
    """The tokens of a table, and the trie nodes below the root that it leaves the loop at."""
    A, V = arena.A, arena.V
    pair_table.ask(A, x, -loop)
    pairs.build_asked(A, V)
    at = pair_table.find_pair(A, x, -loop)
    assert at > 0
    row = np.zeros(int(A[WORDS]), np.int32)
    for k in range(int(A[at + pair_table.P_ROWS])):
        start = int(A[at + pair_table.P_ROW + k])
        row |= A[start : start + len(row)]
    found = set(np.flatnonzero(np.unpackbits(row.view(np.uint8), bitorder="little")).tolist())
    lists, n = int(A[at + pair_table.P_LIST]), int(A[at + pair_table.P_LISTS])
    assert lists >= A[LIST]
    for k in range(n):
        found |= set(A[int(A[lists + 2 * k]) :][: int(A[lists + 2 * k + 1])].tolist())
    found |= set(A[lists + 2 * n : lists + 2 * n + int(A[at + pair_table.P_COUNT])].tolist())
    left = int(A[at + pair_table.P_EXIT])
    if left < 0:
        return found, set()
    where, n = suffixes.members(A, V, left)
    return found, {left} if left < V[trie.V_NODES] else set(A[where : where + n].tolist())


def path(V: np.ndarray, text: bytes) -> int:
    """The trie node of a text."""
    node = 0
    for b in text:
        node = int(suffixes.trie_edge(V, node, b))
    return node


@QUICK
@given(
    loop=st.sets(st.sampled_from(LEADS)),
    others=st.sampled_from([(), tuple(range(0x23, 0x5B)), (*range(0x23, 0x5B), *range(0x62, 0xF5))]),
    texts=st.lists(st.lists(st.sampled_from(ALPHABET), min_size=2, max_size=5).map("".join), max_size=60),
)
def test_tables(loop: set[int], others: tuple[int, ...], texts: list[str]) -> None:
    chosen = loop | {b for b in others if b < 0x80 or b >= 0xC2}
    tokens = sorted({*TOKENS, *(text.encode() for text in texts)})
    arena = Arena(Vocabulary.from_tokens([*tokens, b"</s>"], eos=[len(tokens)]), 1 << 20)
    found, leaves = table(arena, 0, arena.loop(chosen))
    assert found == {k for k, token in enumerate(tokens) if inside(token, chosen)}
    prefixes = {token[:n] for token in tokens for n in range(1, len(token))}
    expected = set()
    for prefix in prefixes:
        try:
            prefix.decode()
        except UnicodeDecodeError:
            continue
        longer = {token[len(prefix)] for token in tokens if token.startswith(prefix) and len(token) > len(prefix)}
        if inside(prefix, chosen) and any(b < 0x80 or 0xC2 <= b <= 0xF4 for b in longer - chosen):
            expected.add(path(arena.V, prefix))
    assert leaves == expected
