"""Bytes as a given number of tokens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from detent.automata.infiller import Infiller


def spell(
    letters: bytes, places: Iterable[tuple[int, int]], size: int, at_most: bool, infiller: Infiller
) -> list[int] | None:
    """Spell bytes in a number of tokens, by repeating one that leads nowhere new if need be.

    Parameters
    ----------
    letters : bytes
        Classes of bytes.
    places : iterable of (int, int)
        Numbers of letters, and states of the network behind so many.
    size : int
    at_most : bool
        Fewer tokens will do.
    infiller : Infiller
    """
    spellings, longest, step = infiller.tokens.spellings, infiller.tokens.longest, infiller.network.step
    heads = _counts(letters, spellings, longest)
    counts = [k for k in range(size + 1) if heads[-1] >> k & 1]
    if counts and (at_most or counts[-1] == size):
        return _split(letters, heads, counts[0] if at_most else size, spellings)
    for i, state in places:
        loops = [c for c in np.flatnonzero(step[state] == state).tolist() if bytes([c]) in spellings]
        if not loops or not heads[i]:
            continue
        tails = _counts(letters[i:], spellings, longest)
        ways = [(j, k) for j in range(i + 1) if heads[i] >> j & 1 for k in range(size - j) if tails[-1] >> k & 1]
        if ways:
            j, k = ways[0]
            middle = [spellings[bytes(loops[:1])]] * (size - j - k)
            return [*_split(letters[:i], heads, j, spellings), *middle, *_split(letters[i:], tails, k, spellings)]
    return None


def _counts(letters: bytes, spellings: Mapping[bytes, int], longest: int) -> list[int]:
    """Of every beginning, the numbers of tokens that spell it, as the bits of an integer."""
    counts = [1]
    for i in range(1, len(letters) + 1):
        ways = 0
        for length in range(1, min(i, longest) + 1):
            if counts[i - length] and letters[i - length : i] in spellings:
                ways |= counts[i - length] << 1
        counts.append(ways)
    return counts


def _split(letters: bytes, counts: Sequence[int], size: int, spellings: Mapping[bytes, int]) -> list[int]:
    """So many tokens that spell some bytes; `counts` says that there are such."""
    tokens: list[int] = []
    at = len(letters)
    while at:
        length = next(
            n
            for n in range(1, at + 1)
            if letters[at - n : at] in spellings and counts[at - n] >> (size - 1 - len(tokens)) & 1
        )
        tokens.append(spellings[letters[at - length : at]])
        at -= length
    return tokens[::-1]
