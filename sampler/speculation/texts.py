"""Drafts that are texts: what the grammar forces, what a model with other tokens says."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from codecs import getincrementaldecoder
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, takewhile
from operator import itemgetter
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from detent.sampler.guide import Guide
from detent.sampler.speculation.drafter import Ask
from detent.sampler.speculation.tree import Tree, candidates

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detent.automata.vocabulary import Vocabulary
    from detent.sampler.speculation.drafter import Drafter, Seen

CONTEXT = 8  # tokens before a text that are tokenised again with it
MAX_FORCED = 256  # bytes of a draft


def retokenise(
    vocabulary: Vocabulary, encode: Callable[[str], list[int]], before: Sequence[int], data: bytes
) -> list[int]:
    """Return the tokens that a tokenizer gives to some bytes behind a text.

    Parameters
    ----------
    vocabulary : Vocabulary
    encode : callable
        From text to tokens. It may add tokens that stand for no bytes.
    before : sequence of int
        The text so far: its last tokens are tokenised again, since a tokenizer looks at both sides of a boundary.
    data : bytes
        What follows; a last character that is cut off is left out.

    Returns
    -------
    list of int
        Empty where the tokenizer would have cut the text so far in another way, so that no boundary stands there.
    """
    context = b"".join(map(vocabulary.token_bytes, before[-CONTEXT:]))
    while context and context[0] & 0xC0 == 0x80:  # in the middle of a character
        context = context[1:]
    try:
        text = (context + data).decode()
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data":
            return []
        text = (context + data)[: error.start].decode()
    left, whole = len(context), text.encode()
    tokens: list[int] = []
    for token in encode(text):
        piece = vocabulary.token_bytes(token)
        if not piece:
            continue
        if not whole.startswith(piece):
            return []
        whole = whole[len(piece) :]
        if left <= 0:
            tokens.append(token)
        left -= len(piece)
        if left < 0 and not tokens:
            return []
    return tokens


@lru_cache(maxsize=8)
def _bytes_as_tokens(vocabulary: Vocabulary) -> NDArray[np.int64]:
    """The token that spells each byte, int64 ``[256]``; -1 where there is none."""
    tokens = np.full(256, -1)
    for token in range(len(vocabulary) - 1, -1, -1):
        data = vocabulary.token_bytes(token)
        if len(data) == 1:
            tokens[data[0]] = token
    return tokens


def forced_text(guide: Guide, mask: NDArray[np.int32] | None = None) -> tuple[bytes, frozenset[int]]:
    """Return the bytes that can only come next, but for escapes, and those that can come behind them.

    Parameters
    ----------
    guide : Guide
        It is moved and put back.
    mask : numpy.ndarray, int32 ``[words]``, optional
        What may come next, if it is known.

    Returns
    -------
    data : bytes
        Up to where there is a choice, or the text may end. That any character of a JSON string may be written as an
        escape is no choice here. Bytes that are no tokens of their own are not seen.
    follows : frozenset of int
        The bytes between which there is a choice then.

    Notes
    -----
    One mask for each byte that is returned, and one more.
    """
    tokens = _bytes_as_tokens(guide.vocabulary)
    known, unknown = np.flatnonzero(tokens >= 0), np.flatnonzero(tokens < 0)
    ends = guide.vocabulary.eos_ids
    found = bytearray()
    try:
        while True:
            mask = candidates(guide) if mask is None else mask
            index = tokens[known]
            allowed = known[(mask[index >> 5] >> (index & 31) & 1).astype(np.bool_)]
            follows = frozenset([*allowed.tolist(), *unknown.tolist()])
            allowed = allowed[allowed != ord("\\")]
            may_end = any(mask[end >> 5] >> (end & 31) & 1 for end in ends)
            if may_end or len(found) == MAX_FORCED or len(allowed) != 1 or not guide.accept(int(tokens[allowed[0]])):
                return bytes(found), follows
            found.append(allowed[0])
            mask = None
    finally:
        guide.rollback(len(found))


@lru_cache(maxsize=8)
def _in_order(vocabulary: Vocabulary) -> list[bytes]:
    return sorted(filter(None, map(vocabulary.token_bytes, range(len(vocabulary)))))


@lru_cache(maxsize=1 << 14)
def _behind(vocabulary: Vocabulary, begin: bytes) -> frozenset[int]:
    """The bytes behind ``begin`` in tokens that begin like this."""
    pieces, found = _in_order(vocabulary), set()
    i = bisect_right(pieces, begin)
    while i < len(pieces) and pieces[i].startswith(begin):
        byte = pieces[i][len(begin)]
        found.add(byte)
        i = bisect_left(pieces, begin + bytes([byte + 1])) if byte < 255 else len(pieces)
    return frozenset(found)


def settled(
    vocabulary: Vocabulary,
    encode: Callable[[str], list[int]],
    before: Sequence[int],
    data: bytes,
    follows: frozenset[int],
) -> list[int]:
    """Return the tokens of some bytes behind a text that stay the same whatever follows.

    Parameters
    ----------
    vocabulary, encode, before, data
        As for :func:`retokenise`.
    follows : frozenset of int
        What the next byte can be.

    Returns
    -------
    list of int
        What follows matters through a token that begins among these bytes and reaches beyond them. A tokenizer that
        merges pairs cuts the text before that token as if it ended there: so what all places agree on where such a
        token can begin is settled.

    Notes
    -----
    At most as many texts are tokenised as the longest token has bytes; in JSON, one to three.
    """
    tokens = whole = retokenise(vocabulary, encode, before, data) if data else []
    ends = [*accumulate(len(vocabulary.token_bytes(token)) for token in whole)]
    for begin in range(len(data) - 1, -1, -1):
        if not tokens:
            break
        if follows.isdisjoint(_behind(vocabulary, data[begin:])):
            continue
        if begin in ends:
            other = whole[: ends.index(begin) + 1]
        else:
            other = retokenise(vocabulary, encode, before, data[:begin])
        tokens = [*map(itemgetter(0), takewhile(lambda pair: pair[0] == pair[1], zip(tokens, other, strict=False)))]
    return tokens


@dataclass(frozen=True)
class ForcedText:
    """What the grammar forces as text, as the tokenizer would cut it.

    Parameters
    ----------
    vocabulary : Vocabulary
    encode : callable
        From text to tokens.
    cost : float

    Notes
    -----
    Text may be forced where tokens are not: ``{"name":`` can be cut, and its letters escaped, in many ways. As a draft
    the usual one is lossless; the target may still spell it otherwise. The last tokens are held back where what
    follows might be merged with them.
    """

    vocabulary: Vocabulary
    encode: Callable[[str], list[int]]
    cost: float = 0.0
    is_sure: ClassVar[bool] = True

    def draft(self, asks: Sequence[Ask]) -> list[Tree]:
        return [Tree.chain(self._forced(ask)) for ask in asks]

    def _forced(self, ask: Ask) -> list[int]:
        return settled(self.vocabulary, self.encode, ask.text[ask.start :], *forced_text(ask.guide, ask.root))

    def learn(self, seen: Sequence[Seen]) -> None:
        """Nothing: the grammar is known."""


@dataclass(frozen=True)
class Translated:
    """A drafter over other tokens: its drafts go through text, and are masked as the target's own tokens.

    Parameters
    ----------
    vocabulary, encode
        Of the target.
    foreign_vocabulary, foreign_encode
        Of the drafter.
    drafter : Drafter
        Asked without a constraint, for its most likely tokens.

    Notes
    -----
    Tokens that stand for no bytes are left out of the text. Timor et al. 2025 (arXiv:2502.05202), the string-level way.
    """

    vocabulary: Vocabulary
    encode: Callable[[str], list[int]]
    foreign_vocabulary: Vocabulary
    foreign_encode: Callable[[str], list[int]]
    drafter: Drafter

    @property
    def cost(self) -> float:
        return self.drafter.cost

    def draft(self, asks: Sequence[Ask]) -> list[Tree]:
        trees = [Tree() for _ in asks]
        chosen: list[tuple[int, bytes]] = []
        foreign = []
        for i, ask in enumerate(asks):
            if ask.length < 1 or ask.guide.is_stopped():
                continue
            text, cut_off = _characters(b"".join(map(self.vocabulary.token_bytes, ask.text)))
            if ids := self.foreign_encode(text):
                chosen.append((i, cut_off))
                guide = Guide(self.foreign_vocabulary)
                foreign.append(Ask(ids, len(ids), guide, ask.length, None, ask.generator, candidates))
        for (i, cut_off), said in zip(chosen, self.drafter.draft(foreign), strict=True):
            data = b"".join(map(self.foreign_vocabulary.token_bytes, said.tokens[1:]))
            if data.startswith(cut_off):
                answer = asks[i].text[asks[i].start :]
                tokens = retokenise(self.vocabulary, self.encode, answer, data[len(cut_off) :])
                trees[i] = Tree.chain(tokens[: asks[i].length])
        return trees

    def learn(self, seen: Sequence[Seen]) -> None:
        """Nothing: what the target saw are other tokens."""


def _characters(data: bytes) -> tuple[str, bytes]:
    """Return the whole characters of a text, and the bytes of one that is cut off at its end."""
    decoder = getincrementaldecoder("utf-8")("replace")
    return decoder.decode(data), decoder.getstate()[0]
