"""What the tokens of a vocabulary can do to keys: end one that was begun, write one, or begin one.

A *closing* is a node of the trie where a text read inside a string has just ended with a quote. An *opening* is a quote
at the start of a token or behind a comma, white space aside, that begins a key (one behind ``{`` begins the first key
of an object, which never was there before): whether the token ends that key or not, only it can write or begin a key
without the matcher having stood inside that key. Texts are decoded, as keys are compared.

A *partial* token opens a key and ends inside its first character. A *bare* one ends behind a comma, or with a key of
which it says nothing: behind a quote that follows a comma, or a backslash. A *second* one opens a key after it has
ended another one, or is bare and writes a key. Ordinary vocabularies have hundreds of openings, nearly all of them of
keys that the token does not end, and no partial or second token.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .jit import kernel
from .strings import CHAR, DEAD, ESCAPE, HEX, QUOTE, char_step

I32 = npt.NDArray[np.int32]
CLOSED, BEGUN, PARTIAL, BARE, SECOND = 0, 1, 2, 3, 4
ENTRY = 3  # words of an opening or closing: token or node, place of its text in the table, number of characters
MANY_KEYS, N_CLOSED, N_BEGUN, N_PARTIAL, N_BARE, N_SECOND, OPENINGS = 0, 1, 2, 3, 4, 5, 6
BROKEN, ENDED, WHOLE, ESCAPING, INSIDE = 0, 1, 2, 3, 4  # how a text ends
FILTER_BITS = 1 << 14  # of a filter of the texts of closings: a text whose bit is clear is none
N_CLOSINGS, FILTER, CLOSINGS = 0, 1, 1 + (1 << 14 >> 5)


@kernel("b1(i8)")
def is_space(b):
    """Whether a byte is white space of JSON."""
    return b == 32 or b == 10 or b == 13 or b == 9


@kernel("i8(uint8[::1], i8, i8)")
def skip_space(data, at, end):
    """The first place from ``at`` on that holds no white space."""
    while at < end and is_space(int(data[at])):
        at += 1
    return at


@kernel("i8(uint8[::1], i8, i8, int32[::1], i8)")
def read_text(data, at, end, texts, place):
    """Decode the inside of a string from ``at`` on.

    Returns
    -------
    int
        ``place`` after the text << 32 | where it ended << 3 | how: ``BROKEN``, ``ENDED`` by a quote, or with the token:
        ``WHOLE`` behind a character, ``ESCAPING`` where any character can follow, else ``INSIDE`` a character.
    """
    mode = 0
    while at < end:
        r = char_step(mode, int(data[at]))
        if r == DEAD:
            return BROKEN
        at += 1
        if r == QUOTE:
            return place << 32 | at << 3 | ENDED
        if r >= CHAR:
            texts[place] = r & 0x1FFFFF
            place += 1
            r = 0
        mode = r
    how = WHOLE if mode == 0 else ESCAPING if mode == ESCAPE or mode == HEX else INSIDE
    return place << 32 | at << 3 | how


@kernel("i8(uint8[::1], i8, i8, int32[:, ::1], i8, int32[::1], i8, i8)")
def scan_token(data, start, end, found, n, texts, place, token):
    """Note what one token opens.

    Parameters
    ----------
    found : (n_found, 4) int32
        ``CLOSED`` to ``SECOND``, token, place of its text, number of characters; filled from row ``n`` on.

    Returns
    -------
    int
        The most keys that the token can end << 48 | the new ``n``.
    """
    ended, before, whole, bare, second = 0, 0, False, False, False  # `before`: the byte before, white space aside
    for at in range(start, end):
        b = int(data[at])
        if is_space(b):
            continue
        if b == 34:
            if before == 0 or before == 44 or before == 123:
                result = read_text(data, at + 1, end, texts, place)
                how, stop, length = result & 7, (result >> 3) & 0x1FFFFFFF, (result >> 32) - place
                follow = skip_space(data, stop, end)
                closes = how == ENDED and (follow == end or data[follow] == 58)
                whole |= closes and follow < end
                begins = how == INSIDE or (how >= WHOLE and length > 0)
                if before != 123 and (closes or begins):
                    found[n, 0] = CLOSED if closes else BEGUN if length > 0 else PARTIAL
                    found[n, 1], found[n, 2], found[n, 3] = token, place, length
                    place += length
                    n += 1
                    second |= before == 44 and ended > 0
                bare |= length == 0 and (how == ESCAPING or (how == WHOLE and before == 44))
            follow = skip_space(data, at + 1, end)
            ended += follow < end and data[follow] == 58
        before = b
    if bare or before == 44:
        found[n, 0], found[n, 1] = BARE, token
        n += 1
        second |= whole
    if second:
        found[n, 0], found[n, 1] = SECOND, token
        n += 1
    return ended << 48 | n


@kernel("i8(uint8[::1], int32[::1], int32[:, ::1], int32[::1])")
def scan(data, offsets, found, texts):
    """Note what every token opens: keys that one token can end, at most << 48 | number of rows of ``found``."""
    n, place, most = 0, 0, 0
    for token in range(len(offsets) - 1):
        start, end = int(offsets[token]), int(offsets[token + 1])
        if start == end:
            continue
        before = n
        result = scan_token(data, start, end, found, n, texts, place, token)
        n, most = result & 0xFFFFFFFFFFFF, max(most, result >> 48)
        for k in range(before, n):
            if found[k, 0] <= PARTIAL:
                place = int(found[k, 2]) + int(found[k, 3])
    return most << 48 | n


@kernel("i8(int32[::1], int32[::1], uint8[::1], i8, i8)")
def node_of(child_first, byte, data, at, end):
    """Node of a trie that some bytes lead to."""
    node = 0
    while at < end:
        node = int(child_first[node])
        while byte[node] != data[at]:
            node += 1
        at += 1
    return node


@kernel("i8(uint8[::1], int32[::1], int32[::1], int32[::1], int32[::1], int32[:, ::1], int32[::1])")
def scan_closings(data, offsets, tokens, child_first, byte, found, texts):
    """Note the closings of some tokens in ``found`` (node, place, number of characters); returns their number."""
    n, place = 0, 0
    for k in range(len(tokens)):
        start, end = int(offsets[tokens[k]]), int(offsets[tokens[k] + 1])
        result = read_text(data, start, end, texts, place)
        if result & 7 == ENDED:
            found[n, 0] = node_of(child_first, byte, data, start, (result >> 3) & 0x1FFFFFFF)
            found[n, 1], found[n, 2] = place, (result >> 32) - place
            place = result >> 32
            n += 1
    return n


@kernel("i8(i8, i8)")
def hash_before(h, cp):
    """Hash of a text from the hash of all but its first character (0: of no text); 32 bits."""
    return (h * 31 + cp + 1) & 0xFFFFFFFF


@kernel("i8(i8)")
def filter_bit(h):
    """Bit of the filter for a text with this hash."""
    return (h ^ h >> 14) & (FILTER_BITS - 1)


@kernel("void(int32[:, ::1], int32[::1], int32[::1])")
def fill_filter(entries, texts, out):
    """Set the bits of the texts of some entries."""
    for k in range(len(entries)):
        h = 0
        for j in range(int(entries[k, 2]) - 1, -1, -1):
            h = hash_before(h, int(texts[entries[k, 1] + j]))
        bit = filter_bit(h)
        out[bit >> 5] |= np.int32(1) << np.int32(bit & 31)


def openings(data: npt.NDArray[np.uint8], offsets: I32) -> I32:
    """The openings of a vocabulary.

    Parameters
    ----------
    data, offsets
        As in :func:`detent.native.trie.build_trie`.

    Returns
    -------
    (n,) int32
        The most keys that one token can end; the numbers of openings of whole keys, of begun ones, of partial tokens,
        of bare ones and of second ones; then the openings (whole keys first, both sorted by their texts), those
        tokens, and the texts.

    Notes
    -----
    Measured on one core with 200k tokens: 6 ms.
    """
    quotes = np.flatnonzero(data == 34)
    texts = np.empty(_room(data, offsets, quotes), np.int32)
    found = np.zeros((3 * len(quotes) + int(np.count_nonzero(data == 44)), 4), np.int32)
    result = int(scan(data, offsets, found, texts))
    most, found = result >> 48, found[: result & 0xFFFFFFFFFFFF]
    listed = [found[found[:, 0] == kind, 1:] for kind in (CLOSED, BEGUN, PARTIAL, BARE, SECOND)]
    tokens = [np.unique(rows[:, 0]) for rows in listed[PARTIAL:]]
    entries = [_by_text(rows, texts) for rows in listed[:PARTIAL]]
    return _table([most, *map(len, entries), *map(len, tokens)], np.concatenate(entries), texts, *tokens)


def closings(data: npt.NDArray[np.uint8], offsets: I32, child_first: I32, byte: I32) -> I32:
    """The closings of a vocabulary.

    Parameters
    ----------
    data, offsets
        As in :func:`detent.native.trie.build_trie`.
    child_first, byte
        Its trie.

    Returns
    -------
    (n,) int32
        Their number, the filter, the closings, sorted by their texts, and the texts.
    """
    quotes = np.flatnonzero(data == 34)
    tokens = np.unique(np.searchsorted(offsets, quotes, side="right") - 1).astype(np.int32)
    texts = np.empty(int((offsets[tokens + 1] - offsets[tokens]).sum()), np.int32)
    found = np.zeros((len(tokens), ENTRY), np.int32)
    n = int(scan_closings(data, offsets, tokens, child_first, byte, found, texts))
    rows = found[np.unique(found[:n, 0], return_index=True)[1]]
    bits = np.zeros(FILTER_BITS // 32, np.int32)
    fill_filter(rows, texts, bits)
    return _table([len(rows), *bits.tolist()], _by_text(rows, texts), texts)


def _room(data: npt.NDArray[np.uint8], offsets: I32, quotes: npt.NDArray[np.int64]) -> int:
    """The characters that follow quotes in their tokens, at most."""
    return int((offsets[np.searchsorted(offsets, quotes, side="right")] - quotes).sum())


def _by_text(rows: I32, texts: I32) -> I32:
    """Entries sorted by their texts."""
    keys = [texts[place : place + length].tolist() for _, place, length in rows.tolist()]
    return rows[sorted(range(len(rows)), key=keys.__getitem__)]


def _table(head: list[int], entries: I32, texts: I32, *tokens: I32) -> I32:
    """Numbers, entries, tokens and texts as one array, in which the entries then find their texts."""
    start = len(head) + entries.size + sum(map(len, tokens))
    used = int((entries[:, 1] + entries[:, 2]).max(initial=0))
    entries = entries + np.array([0, start, 0], np.int32)
    return np.concatenate([head, entries.ravel(), *tokens, texts[:used]], dtype=np.int32)
