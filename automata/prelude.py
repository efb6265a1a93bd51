"""What nearly every grammar needs: tables of plain values and of runs of text, made once per vocabulary, kept on disk.

A new arena is given the records of a few plain schemas, always the same ones in the same order, and a few sets of
characters of which strings, comments and names of most languages consist. What the kernels make of them depends on the
vocabulary alone: it is read from disk, or made by walking through texts and then stored. The key of the file says what
the arena held before, so that a file always continues the arena that it is put into.
"""

from __future__ import annotations

import string
from functools import partial
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt

from detent.grammar.json_schema import Goals
from detent.grammar.json_schema.document import Document
from detent.grammar.json_schema.parts import Parts
from detent.grammar.json_schema.reader import Reader
from detent.native import arena as layout
from detent.native import masks, pair_table, pairs, suffixes, trie
from detent.native.files import Arrays
from detent.native.image import source_digest

from .arena import Arena
from .cache import DiskCache
from .limits import Limits
from .lowering import JsonLowering
from .vocabulary import Vocabulary

MIN_TOKENS = 4096  # below, tables are made as quickly as they are read
MIN_ROWS = 256  # of masks that an arena can hold: in smaller ones, what only some grammars need has no place

_KIND = "tables"
_SCALARS: dict[str, Any] = {
    "text": {"type": "string"},
    "count": {"type": "integer"},
    "share": {"type": "number"},
    "flag": {"type": "boolean"},
    "none": {"type": "null"},
    "some": {"type": "string", "minLength": 1},
    "short": {"type": "string", "maxLength": 9},
    "list": {"type": "array", "items": {"type": "string"}},
    "natural": {"type": "integer", "minimum": 0},
}
_STRING = r'"a b\n\"\u00e9\ud83d\ude00 é\\"'
PLAIN: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (True, (f'{{"a": [{_STRING}, -12.5e+3, 0], "b": {{"c": true, "d": false, "e": null}}, "f": {{}}}}', "[ 1 ]")),
    (
        {"type": "object", "properties": _SCALARS, "additionalProperties": False},
        (
            f'{{"text": {_STRING}, "count": -120, "share": -1.5e-3, "flag": true, "none": null}}',
            f'{{"some": {_STRING}, "short": "abcdefghi", "list": ["a", "b"], "natural": 12, "flag": false}}',
            '{\n  "text" : "a",\n  "list" : [\n    "b",\n    "c"\n  ]\n}',
        ),
    ),
)
# runs of text: any characters but some; some of ASCII
_ALL_BUT = ('"\\', '"\\\n', "'\\", "'\\\n", '"', "'", '"\n', "'\n", "\n", "\r\n", " \t\n\r\f\v", "")
_WORD = string.ascii_letters + string.digits + "_"
_LETTERS = string.ascii_letters + "_"
_BEYOND = bytes([*range(0xC4, 0xCB), 0xD0, 0xD1, 0xD3, 0xDA, *range(0xE5, 0xEA), 0xEB, 0xEC])  # where all are letters
_ONLY = (
    *map(str.encode, (_WORD, string.ascii_letters, string.ascii_lowercase, string.hexdigits)),
    _WORD.encode() + _BEYOND,
)
# names: the first bytes of their first characters, and of the others
_NAMES = tuple((_LETTERS.encode() + beyond, _WORD.encode() + beyond) for beyond in (b"", _BEYOND))
_BEGUN = [f" {letter}".encode() for letter in string.ascii_letters]  # words that follow a blank, as most do
_FIRST_BYTES = frozenset([*range(0x80), *range(0xC2, 0xF5)])  # of characters


def prepare(arena: Arena, vocabulary: Vocabulary, disk: DiskCache) -> Arrays | None:
    """Put the tables of plain values into a new arena, if they are worth it there.

    Returns
    -------
    dict or None
        The :func:`detent.native.arena.snapshot` of the arena, where they are.
    """
    A = arena.A
    if len(vocabulary) < MIN_TOKENS or A[layout.DENSE + 1] < MIN_ROWS * A[layout.WORDS] or disk.directory is None:
        return None
    starts = [_placed(arena, schema) for schema, _ in PLAIN]
    loops = [int(A[layout.FREE_LOOP]), *map(arena.loop, _loops())]
    arena.settle()
    key = blake2b(f"{source_digest()} {vocabulary.fingerprint} {_NAMES} {_BEGUN}".encode())
    for array in layout.in_use(A).values():
        key.update(array.data)
    kept = disk.load(_KIND, key.digest())
    if kept is not None:
        layout.restore(A, kept["runs"], kept["words"], kept["slots"], kept["values"])
        return kept
    for start, (_, texts) in zip(starts, PLAIN, strict=True):
        for text in texts:
            _walk(arena, start, text.encode())
    word = arena.loop([*_WORD.encode()])
    begun = [(node, word) for node in map(partial(_node, arena.V), _BEGUN) if node]
    names = [(_behind(arena, first), arena.loop([*others])) for first, others in _NAMES]
    for x, loop in [*((0, loop) for loop in loops), *begun, *names]:
        if x >= 0 and suffixes.below(A, arena.V, x) >= pairs.LOOP_FROM:
            pair_table.ask(A, x, -loop)
            pairs.build_asked(A, arena.V)
    made = layout.snapshot(A)
    disk.store(_KIND, key.digest(), made)
    return made


def _placed(arena: Arena, schema: Any) -> int:
    """The first state of a schema of which every record is written: the kernels will ask for none."""
    reader = Reader(Document(schema), parts=Parts)
    goals = Goals(reader, max_branches=Limits.max_branches, max_depth=Limits.max_depth)
    lowering = JsonLowering(arena, goals, goals.goal([reader.read()]), order="schema", whitespace="flexible")
    lowering.lower_all()
    return lowering.start


def _loops() -> list[list[int]]:
    """The loop sets whose tables are kept, by the first bytes of their characters."""
    return [[*_FIRST_BYTES.difference(text.encode())] for text in _ALL_BUT] + [[*text] for text in _ONLY]


def _node(V: npt.NDArray[np.int32], text: bytes) -> int:
    """The node of the trie that a text leads to; 0 for none."""
    child, node = int(V[trie.V_CHILD]), 0
    for byte in text:
        first, last = V[child + node : child + node + 2].tolist()
        node = first + int(np.searchsorted(V[int(V[trie.V_BYTE]) :][first:last], byte))
        if node == last or V[V[trie.V_BYTE] + node] != byte:
            return 0
    return node


def _behind(arena: Arena, first: bytes) -> int:
    """The suffix set of what is left of tokens behind some first bytes; -1: nothing."""
    A, nodes = arena.A, [node for byte in sorted(first) if (node := _node(arena.V, bytes([byte])))]
    A[A[layout.SORT] :][: len(nodes)] = nodes
    return int(suffixes.suffix_set(A, arena.V, int(A[layout.SORT]), len(nodes)))


def _walk(arena: Arena, state: int, text: bytes) -> None:
    """Make the mask of every state on the way through a text."""
    for byte in text:
        made = masks.prepare_mask(arena.A, arena.V, state)
        state = masks.advance_bytes(arena.A, state, np.array([byte], np.int32), 0)
        assert made == 0 < state, "a plain text, of which no record is lazy"
    masks.prepare_mask(arena.A, arena.V, state)
