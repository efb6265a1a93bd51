"""Where a text stands in its constraint: a grammar, any predicate on prefixes, or both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from detent.automata.matcher import allocate_bitmask

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detent.automata.matcher import Matcher
    from detent.automata.vocabulary import Vocabulary

KEPT = 1024  # verdicts of one place that are kept when a text goes on
AHEAD = 8  # forced tokens that strategies read in one run of the model: the logits of all of them are in memory


@dataclass(frozen=True)
class Predicate:
    """What a Python function says of a text: which beginnings are good, and which texts are whole.

    Parameters
    ----------
    prefix : callable, optional
        Takes a beginning; tells whether it may still become a good text. By default every beginning may.
    complete : callable, optional
        Takes a text; tells whether it may end there. By default every good beginning may.
    on : {"text", "bytes", "ids"}
        What the functions take. A text comes without a last character that is cut off in the middle of its bytes;
        bytes that no text has are refused before the functions are asked.

    Raises
    ------
    ValueError, TypeError
        If there is no function, or something else stands in its place.

    Notes
    -----
    Without a grammar, tokens that stand for no bytes are refused, but for functions on ids.

    A beginning that is refused must stay refused however it goes on. A beginning that is granted may come to a dead
    end: samplers then lose that text, and the exact ones only its weight.

    Examples
    --------
    >>> even = Predicate(complete=lambda text: len(text) % 2 == 0)
    """

    prefix: Callable[[Any], bool] | None = None
    complete: Callable[[Any], bool] | None = None
    on: Literal["text", "bytes", "ids"] = "text"

    def __post_init__(self) -> None:
        if self.prefix is None and self.complete is None:
            raise ValueError("a predicate needs a function: prefix, complete or both")
        for name, function in (("prefix", self.prefix), ("complete", self.complete)):
            if function is not None and not callable(function):
                raise TypeError(f"{name} must be a function, not {function!r:.60}")
        if self.on not in ("text", "bytes", "ids"):
            raise ValueError(f"on must be 'text', 'bytes' or 'ids', not {self.on!r}")

    def judge(self, ids: list[int], data: bytes, ended: bool) -> bool:
        """Tell whether a text may begin so or, when it has ``ended``, be so.

        Parameters
        ----------
        ids : list of int
            Its tokens, without EOS.
        data : bytes
            What they spell.
        ended : bool
        """
        # the beginning that a text without an end of its own rests on was granted, but for the empty one
        function = self.complete if ended and (self.complete is not None or ids) else self.prefix
        if self.on == "ids":
            return function is None or bool(function(ids))
        if self.on == "bytes":
            return function is None or bool(function(data))
        text = _decode(data, ended)
        return text is not None and (function is None or bool(function(text)))


def _decode(data: bytes, ended: bool) -> str | None:
    """Return the whole characters of a text; ``None`` for bytes that no text has."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        cut_off = error.reason == "unexpected end of data" and not ended
        return data[: error.start].decode() if cut_off else None


class Place:
    """What was found out at one beginning of a text, shared by all forks that come by.

    Attributes
    ----------
    verdicts : dict
        From tokens to whether they may be written.
    behind : dict
        From tokens that were taken to the places behind them.
    """

    __slots__ = ("behind", "verdicts")

    def __init__(self) -> None:
        self.verdicts: dict[int, bool] = {}
        self.behind: dict[int, Place] = {}

    def go(self, token: int) -> Place:
        """Return the place behind a token; verdicts on a whole mask are forgotten when the first guide goes on."""
        if len(self.verdicts) > KEPT:
            self.verdicts = dict.fromkeys([*self.behind, token], True)
        return self.behind.setdefault(token, Place())


class Guide:
    """Follows one text token by token, like a :class:`~detent.Matcher`, for any constraint.

    Parameters
    ----------
    vocabulary : Vocabulary
    matcher : Matcher, optional
        What the grammar says, from the start of the text on. Belongs to the guide from now on.
    predicate : Predicate, optional
        What no grammar says. Asked only about tokens that the matcher allows.
    limit : int, optional
        Most tokens of a text, its EOS included: the last of them can only be EOS.

    Attributes
    ----------
    is_exact : bool
        Whether ``fill_bitmask`` writes the allowed tokens, because there is no predicate.
    n_checks : int
        How often the predicate was asked, forks included.
    """

    __slots__ = (
        "_asked", "_data", "_matcher", "_n_tokens", "_places", "_predicate", "_stopped", "ids", "limit", "vocabulary",
    )  # fmt: skip

    def __init__(
        self,
        vocabulary: Vocabulary,
        matcher: Matcher | None = None,
        predicate: Predicate | None = None,
        limit: int | None = None,
    ) -> None:
        self.vocabulary, self.limit = vocabulary, limit
        self._matcher, self._predicate, self._n_tokens = matcher, predicate, len(vocabulary)
        self.ids: list[int] = []
        self._data = b""
        self._stopped = False
        self._places: list[Place | None] = [Place()]  # with a predicate: where it was, and is as soon as it asks
        self._asked = [0]  # shared with the forks

    @property
    def is_exact(self) -> bool:
        return self._predicate is None

    @property
    def n_checks(self) -> int:
        return self._asked[0]

    @property
    def is_free(self) -> bool:
        """Whether every token may be written everywhere."""
        return self._matcher is None and self._predicate is None and self.limit is None

    @property
    def text(self) -> str:
        """What the tokens spell, without EOS."""
        ids = self.ids[: len(self.ids) - self._stopped]
        return b"".join(map(self.vocabulary.token_bytes, ids)).decode("utf-8", errors="replace")

    def is_stopped(self) -> bool:
        """Whether EOS was taken."""
        return self._stopped

    def fill_bitmask(self, mask: NDArray[np.int32], row: int = 0) -> None:
        """Write the tokens that may come next into a row of a bitmask; with a predicate, a superset of them."""
        if self._stopped:
            mask[row] = 0
        elif self._matcher is not None:
            self._matcher.fill_bitmask(mask, row)
        else:
            mask[row] = _every_token(self.vocabulary, self._must_spell)
        if self._is_last:
            mask[row] &= _ends(self.vocabulary)

    def allows(self, token: int) -> bool:
        """Tell whether a token may come next."""
        if self._predicate is None:
            return self._is_open(token) and self._fits(token)
        verdicts = self._place.verdicts
        if token not in verdicts:
            verdicts[token] = self._is_open(token) and self._fits(token) and self._is_granted(token)
        return verdicts[token]

    def _is_open(self, token: int) -> bool:
        """Tell whether the limit and the end allow a token."""
        if self._stopped or not 0 <= token < self._n_tokens:
            return False
        return not self._is_last or token in self.vocabulary.eos_ids

    def _fits(self, token: int) -> bool:
        """Tell whether the grammar allows a token."""
        fits = self._matcher is None or self._matcher.accept(token)
        if fits and self._matcher is not None:
            self._matcher.rollback(1)
        return fits

    def _is_granted(self, token: int) -> bool:
        """Ask the predicate about a token."""
        assert self._predicate is not None
        ended = token in self.vocabulary.eos_ids
        new = b"" if ended else self.vocabulary.token_bytes(token)
        if self._must_spell and not (ended or new):
            return False
        self._asked[0] += 1
        return self._predicate.judge(self.ids + [token] * (not ended), self._data + new, ended)

    def accept(self, token: int) -> bool:
        """Take one token; false when it is not allowed, and the guide is then unchanged."""
        if not (self._is_open(token) if self._predicate is None else self.allows(token)):
            return False
        if self._matcher is not None and not self._matcher.accept(token):
            return False
        self._stopped = token in self.vocabulary.eos_ids
        if self._predicate is not None:
            self._places.append(None)
            if not self._stopped:
                self._data += self.vocabulary.token_bytes(token)
        self.ids.append(token)
        return True

    @property
    def _place(self) -> Place:
        place = self._places[-1]
        if place is None:
            before = self._places[-2]
            assert before is not None  # who took a token had asked about it there
            place = self._places[-1] = before.go(self.ids[-1])
        return place

    def take_forced(self, mask: NDArray[np.int32], most: int = AHEAD) -> list[int]:
        """Take the tokens that are the only choice, one after the other.

        Parameters
        ----------
        mask : numpy.ndarray, int32 ``[words]``
            Is filled with what may come behind them, as by ``fill_bitmask``; nothing where a predicate refuses the
            only token that the grammar leaves.
        most : int
            How many are taken at most.

        Returns
        -------
        list of int
            The tokens that were taken, an EOS included.
        """
        taken: list[int] = []
        self.fill_bitmask(mask[None])
        while len(taken) < most and (token := only_token(mask)) is not None:
            if not self.accept(token):
                mask[:] = 0
                break
            taken.append(token)
            self.fill_bitmask(mask[None])
        return taken

    def rollback(self, n: int = 1) -> None:
        """Undo the last ``n`` tokens."""
        if not 0 <= n <= len(self.ids):
            raise ValueError(f"cannot undo {n} of {len(self.ids)} tokens")
        if n == 0:
            return
        if self._matcher is not None:
            self._matcher.rollback(n)
        if self._predicate is not None:
            undone = self.ids[len(self.ids) - n : len(self.ids) - self._stopped]
            self._data = self._data[: len(self._data) - sum(len(self.vocabulary.token_bytes(i)) for i in undone)]
            del self._places[len(self._places) - n :]
        del self.ids[len(self.ids) - n :]
        self._stopped = False

    def fork(self) -> Guide:
        """An independent copy."""
        other = Guide.__new__(Guide)
        other.vocabulary, other.limit, other._predicate = self.vocabulary, self.limit, self._predicate
        other._n_tokens = self._n_tokens
        other._matcher = None if self._matcher is None else self._matcher.fork()
        other.ids, other._data, other._stopped = self.ids.copy(), self._data, self._stopped
        other._places, other._asked = self._places.copy(), self._asked
        return other

    @property
    def _must_spell(self) -> bool:
        """Whether tokens without bytes are refused, because what decides would not see them."""
        return self._matcher is None and self._predicate is not None and self._predicate.on != "ids"

    @property
    def _is_last(self) -> bool:
        return self.limit is not None and len(self.ids) >= self.limit - 1


class Guides:
    """Some guides as the constraint of a batch of rows.

    Parameters
    ----------
    guides : sequence of Guide
    candidates : numpy.ndarray, int32 ``[rows, words]``, optional
        Their masks, if these were made.
    """

    def __init__(self, guides: Sequence[Guide], candidates: NDArray[np.int32] | None = None) -> None:
        self.guides = guides
        self._candidates = candidates

    @property
    def candidates(self) -> NDArray[np.int32]:
        if self._candidates is None:
            self._candidates = allocate_bitmask(len(self.guides), len(self.guides[0].vocabulary))
            for row, guide in enumerate(self.guides):
                guide.fill_bitmask(self._candidates, row)
        return self._candidates

    @property
    def bitmask(self) -> NDArray[np.int32]:
        masks = self.candidates
        if all(guide.is_exact for guide in self.guides):
            return masks
        exact: NDArray[np.int32] = masks.copy()
        for guide, mask in zip(self.guides, exact, strict=True):
            if not guide.is_exact:  # the dear way: a predicate is asked about every candidate
                refused = [token for token in tokens_of(mask) if not guide.allows(token)]
                clear_bits(mask, refused)
        return exact

    def is_exact(self, row: int) -> bool:
        return self.guides[row].is_exact

    def allows(self, row: int, token: int) -> bool:
        return self.guides[row].allows(token)


def tokens_of(mask: NDArray[np.int32]) -> list[int]:
    """Return the tokens of one row of a bitmask, in order."""
    words = np.flatnonzero(mask)
    word, bit = np.unpackbits(mask[words, None].astype("<i4").view(np.uint8), axis=1, bitorder="little").nonzero()
    tokens: list[int] = (32 * words[word] + bit).tolist()
    return tokens


def only_token(mask: NDArray[np.int32]) -> int | None:
    """Return the one token of one row of a bitmask, or ``None`` when there are more (or none)."""
    words = np.flatnonzero(mask)
    if len(words) != 1:
        return None
    word = int(mask[words[0]]) & 0xFFFFFFFF
    return None if word & (word - 1) else 32 * int(words[0]) + word.bit_length() - 1


def clear_bits(mask: NDArray[np.int32], tokens: Sequence[int]) -> None:
    """Take tokens out of one row of a bitmask, in place."""
    index = np.asarray(tokens, np.int64)
    np.bitwise_and.at(mask, index >> 5, ~np.left_shift(np.int32(1), (index & 31).astype(np.int32)))


@lru_cache(maxsize=8)
def _every_token(vocabulary: Vocabulary, spelled: bool) -> NDArray[np.int32]:
    """Every token; ``spelled``: without those that stand for no bytes and are no end."""
    if not spelled:
        return pack(np.ones(len(vocabulary), np.bool_))
    return pack(vocabulary.spelled) | _ends(vocabulary)


@lru_cache(maxsize=8)
def _ends(vocabulary: Vocabulary) -> NDArray[np.int32]:
    ends = np.zeros(len(vocabulary), np.bool_)
    ends[list(vocabulary.eos_ids)] = True
    return pack(ends)


def pack(allowed: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return a row of a bitmask, int32 ``[ceil(n / 32)]``, from a bool array of ``n`` tokens."""
    bits = np.zeros(-(-len(allowed) // 32) * 32, np.bool_)
    bits[: len(allowed)] = allowed
    packed: NDArray[np.int32] = np.packbits(bits, bitorder="little").view("<i4").astype(np.int32)
    return packed


def unpack(mask: NDArray[np.int32], width: int) -> NDArray[np.bool_]:
    """Return a bool array of ``width`` tokens from a row of a bitmask; those beyond it are not allowed."""
    words = np.ascontiguousarray(mask, "<i4").view(np.uint8)
    return np.unpackbits(words, count=width, bitorder="little").astype(np.bool_)
