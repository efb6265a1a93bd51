"""Tokens that open keys: which of a vocabulary's tokens can write a whole key, or begin one, between their own quotes.

Only they can write a key twice, or lead into one that cannot be finished, without the matcher having stood inside that
key before. An opening is a quote at the start of a token or behind a comma, white space aside: one behind ``{`` opens
the first key of an object. Texts are decoded, as keys are compared.

A *bare* token ends behind a comma, or with the quote that follows it. A *second* token opens a key after it has ended
another one. Ordinary vocabularies have hundreds of openings, nearly all of them of keys that the token does not end,
and hardly any second token.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .jit import kernel
from .strings import CHAR, DEAD, QUOTE, char_step

I32 = npt.NDArray[np.int32]
CLOSED, BEGUN, BARE, SECOND = 0, 1, 2, 3
OPENING = 3  # words of an opening: token, place of its text in the table of texts, number of characters
MANY_KEYS, N_CLOSED, N_BEGUN, N_BARE, N_SECOND, TEXTS, RECORD = 0, 1, 2, 3, 4, 5, 6


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
        ``place`` after the text << 32 | where it ended << 2 | 0: not a string, 1: with a quote, 2: with the token, 3:
        with the token, inside a character.
    """
    mode = 0
    while at < end:
        r = char_step(mode, int(data[at]))
        if r == DEAD:
            return 0
        at += 1
        if r == QUOTE:
            return place << 32 | at << 2 | 1
        if r >= CHAR:
            texts[place] = r & 0x1FFFFF
            place += 1
            r = 0
        mode = r
    return place << 32 | at << 2 | (3 if mode else 2)


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
    ended, first, after_comma, second = 0, True, False, False
    for at in range(start, end):
        b = int(data[at])
        if is_space(b):
            continue
        if b == 34 and (first or after_comma):
            result = read_text(data, at + 1, end, texts, place)
            how, stop = result & 3, (result >> 2) & 0x3FFFFFFF
            length = (result >> 32) - place
            follow = skip_space(data, stop, end)
            closes = how == 1 and (follow == end or data[follow] == 58)
            begins = how == 3 or (how == 2 and length > 0)
            if closes or begins:
                found[n, 0], found[n, 1], found[n, 2] = CLOSED if closes else BEGUN, token, place
                found[n, 3] = length
                place += length
                n += 1
                second |= after_comma and ended > 0
        if b == 34:
            follow = skip_space(data, at + 1, end)
            ended += follow < end and data[follow] == 58
            if after_comma and at + 1 == end:
                found[n, 0], found[n, 1] = BARE, token
                n += 1
        first, after_comma = False, b == 44
    if after_comma:
        found[n, 0], found[n, 1] = BARE, token
        n += 1
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
            if found[k, 0] <= BEGUN:
                place = int(found[k, 2]) + int(found[k, 3])
    return most << 48 | n


def table(data: npt.NDArray[np.uint8], offsets: I32) -> I32:
    """The openings of a vocabulary.

    Parameters
    ----------
    data, offsets
        As in :func:`detent.native.trie.build_trie`.

    Returns
    -------
    (n,) int32
        The most keys that one token can end; the numbers of openings of whole keys, of begun ones, of bare tokens and
        of second ones; where the texts begin in this array; then the openings (``OPENING`` words each, whole keys
        first, both sorted by their texts), the tokens, and the code points of the texts.
    """
    quotes = np.flatnonzero(data == 34)
    owner = np.searchsorted(offsets, quotes, side="right") - 1
    commas = int(np.count_nonzero(data == 44))
    texts = np.empty(int((offsets[owner + 1] - quotes).sum()) + 1, np.int32)
    found = np.zeros((2 * len(quotes) + commas + 1, 4), np.int32)
    result = int(scan(data, offsets, found, texts))
    most, found = result >> 48, found[: result & 0xFFFFFFFFFFFF]
    lists: list[list[Any]] = [[], [], [], []]
    for kind, token, place, length in found.tolist():
        lists[kind].append((token, place, length) if kind <= BEGUN else token)
    for kind in (CLOSED, BEGUN):
        lists[kind].sort(key=lambda opening: texts[opening[1] : opening[1] + opening[2]].tolist())
    openings = np.array(lists[CLOSED] + lists[BEGUN], np.int32).reshape(-1)
    tokens = np.unique(lists[BARE]).astype(np.int32), np.array(lists[SECOND], np.int32)
    texts = texts[: int((found[:, 2] + found[:, 3]).max(initial=0))]
    start = RECORD + len(openings) + sum(map(len, tokens))
    openings[1::OPENING] += start
    head = [most, len(lists[CLOSED]), len(lists[BEGUN]), *map(len, tokens), start]
    return np.concatenate([head, openings, *tokens, texts], dtype=np.int32)
