"""Matchers: where one text stands in a grammar. One integer and the history that rollback needs.

Where objects may have names that are not listed, the keys of the text go along in a buffer, so that none is written
twice (:mod:`detent.native.keys`). Where items of an array must differ, values are read out of the history
(:mod:`.placement`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from detent.grammar.errors import LimitExceeded
from detent.grammar.judged import verdict
from detent.native import keys, masks
from detent.native.arena import WORDS
from detent.native.jit import direct

from .arena import ArenaFull
from .arenas import Renewals
from .bursts import burst
from .placement import Placement, Suspects, characters, last_value_of, needs_value, open_string, stopped_at

if TYPE_CHECKING:
    from .compiled import Grammar

Bitmask = npt.NDArray[np.int32]

# what runs for every token goes without the dispatcher; the arrays are the matcher's own, or were checked
_advance, _advance_keyed = direct(masks.advance), direct(masks.advance_keyed)
_make_mask, _make_mask_keyed = direct(masks.make_mask), direct(masks.make_mask_keyed)
OWN, STOPPED = masks.OWN, masks.STOPPED
_NO_KEYS = {islands: keys.new_buffer(0, islands=islands) for islands in (False, True)}  # copied sooner than made
_BRACKETS = re.compile(rb"[][{}]")


def allocate_bitmask(rows: int, n_tokens: int) -> Bitmask:
    """A bitmask with every token allowed.

    Parameters
    ----------
    rows : int
        Number of sequences.
    n_tokens : int
        ``len(vocabulary)``.

    Returns
    -------
    numpy.ndarray
        (rows, ceil(n_tokens / 32)) int32; bit ``t % 32`` of word ``t // 32`` is token ``t``.
    """
    return np.full((rows, (n_tokens + 31) // 32), -1, dtype=np.int32)


class Matcher:
    """Follows one text token by token. Made by :meth:`detent.Grammar.matcher`; not shared between threads.

    What is asked for the first time may raise :class:`~detent.LimitExceeded`, which is rare: nothing is lost then, the
    matcher stands where it stood, and ``error.text`` is the text so far. What was asked before costs a look-up: a token
    O(1), a mask O(vocabulary / 32), whatever the length of the text. A matcher that was interrupted in the middle of a
    call (``KeyboardInterrupt``) is to be reset, or rolled back by a step.

    Examples
    --------
    >>> matcher = compiler.json_schema({"type": "integer"}).matcher()      # doctest: +SKIP
    >>> matcher.accept(token_id), matcher.is_complete()                    # doctest: +SKIP
    (True, True)
    """

    __slots__ = (
        *("_A", "_K", "_V", "_arena", "_eos", "_mask", "_placement", "_states", "_taken"),
        *("grammar", "state"),
    )

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self._eos = grammar.vocabulary.eos_ids
        # what was accepted, and the state before each; no pairs, which would be objects for the garbage collector
        self._taken: list[int | bytes] = []
        self._states: list[int] = []
        self._mask: Bitmask | None = None  # the last one that was checked
        placement = grammar.bind()
        self._bind(placement)
        self._K: npt.NDArray[np.int32] | None = None
        if grammar.has_free_names:
            K = self._K = _NO_KEYS[grammar.has_islands].copy()
            K[keys.ENDS] = placement.lowering.names_end
            self.state = int(masks.with_own(self._A, self._V, placement.start, K))

    def _bind(self, placement: Placement) -> None:
        self._placement, self._arena = placement, placement.arena
        self._A, self._V = self._arena.A, self._arena.V
        self.state = placement.start

    def __repr__(self) -> str:
        return f"Matcher(state={self.state}, steps={len(self._taken)}, complete={self.is_complete()})"

    # ------------------------------------------------------------------------------------------------------- steps
    def accept(self, token_id: int) -> bool:
        """Take one token.

        Parameters
        ----------
        token_id : int

        Returns
        -------
        bool
            False when the token is not allowed here; the state is then unchanged. The end-of-sequence token is
            allowed exactly when the text is complete, and nothing is allowed after it.
        """
        before, K = self.state, self._K
        if before >= STOPPED:
            return False
        if K is None:
            after = _advance(self._A, self._V, before, token_id)
        else:
            after = _advance_keyed(self._A, self._V, before, token_id, K)
        if after < 0:
            after = self._retry(token_id)
            before = self.state
        if after == 0:
            if token_id in self._eos and masks.is_complete(self._A, before):
                self._note(before, token_id)
                self.state = before | STOPPED
                return True
            return False
        self._states.append(before)
        self._taken.append(token_id)
        self.state = after
        return True

    def _note(self, before: int, taken: int | bytes) -> None:
        self._states.append(before)
        self._taken.append(taken)

    def _retry(self, token_id: int) -> int:
        data = self._arena.token_bytes(token_id)
        return self._until(Matcher._read, data) if data else self._until(Matcher._take_special, token_id)

    def _read(self, data: bytes) -> int:
        """The state after some bytes."""
        return self._follow(self.state, data)

    def _take_special(self, token_id: int) -> int:
        """The state after a token that stands for no text."""
        if self._K is None:
            return int(masks.advance(self._A, self._V, self.state, token_id))
        return int(masks.advance_keyed(self._A, self._V, self.state, token_id, self._K))

    def accept_bytes(self, data: bytes) -> bool:
        """Take bytes that need not be whole tokens; all of them or none."""
        if self.state >= STOPPED:
            return False
        after = self._until(Matcher._read, data)
        if after == 0:
            return False
        self._note(self.state, data)
        self.state = after
        return True

    def _follow(self, state: int, data: bytes, read: int = 0, *, keyed: bool = True, string: bytes = b"") -> int:
        """The state after ``data``, of which ``read`` bytes have led from here to ``state``; 0 when it is not allowed.

        ``keyed``: with the keys of the text, where they matter; they are then one step further. ``string``: the open
        string that the text ends in, if that is known.
        """
        array = np.frombuffer(data, dtype=np.uint8).astype(np.int32)
        while True:
            if self._K is None or not keyed:
                result = int(masks.advance_bytes(self._A, state, array, read))
            else:
                result = int(masks.advance_bytes_keyed(self._A, self._V, state, array, read, self._K))
            if result >= 0:
                return result
            if needs_value(result):
                if keyed and self._K is not None and self.grammar.has_islands and len(array) > 1:
                    return self._follow_slowly(state, data)
                read, state = stopped_at(result)
                state = self._placement.after(state, self._value(state, data[:read], string))
                if state == 0:
                    return 0
            else:
                self._resolve(result)

    def _follow_slowly(self, state: int, data: bytes) -> int:
        """The same byte by byte, as one step of the keys: where a value is asked for, the bytes before it are over."""
        assert self._K is not None
        steps, taken, after = int(self._K[keys.STEPS]), len(self._taken), 0
        try:
            for k in range(len(data)):
                before, state = state, self._follow(state, data[k : k + 1])
                if state == 0:
                    break
                self._note(before, data[k : k + 1])
            after = state
        finally:
            done = len(self._taken) - taken
            del self._states[taken:], self._taken[taken:]
            if after:
                self._K[keys.STEPS] = steps + 1
            elif done:
                keys.rollback(self._K, done)
        return after

    def _resolve(self, result: int) -> None:
        """Do what a kernel asked for when it gave up."""
        if self._K is not None and result == TOO_SHORT:
            self._K = keys.larger(self._K)
        else:
            self._arena.resolve(-2 - result)

    def _value(self, state: int, data: bytes = b"", string: bytes = b"") -> Any:
        """What ``state`` waits for, which ``data`` leads to: the JSON value before it, or the verdict on a label."""
        chunks = chain((data,), (string,) if string else self._text_backwards())
        if self._placement.is_in_string(state):
            return verdict(characters(open_string(chunks)))
        return last_value_of(chain((data,), self._text_backwards()))

    def _text_backwards(self) -> Iterator[bytes]:
        for taken in reversed(self._taken):
            yield taken if isinstance(taken, bytes) else self._arena.token_bytes(taken)

    @burst
    def _until(self, attempt: Callable[..., int], *arguments: Any, result: int = 0) -> int:
        """Repeat a method of this class until it has all it needs: results below 0 are -2 - what it gave up for.

        ``result``: that of an attempt which was made already, if it gave up.
        """
        renewals = Renewals()
        try:
            while True:
                try:
                    if result < 0:
                        self._resolve(result)
                    result = attempt(self, *arguments)
                    if result >= 0:
                        return int(result)
                except ArenaFull:
                    if renewals.are_enough():
                        raise self.grammar.too_large() from None
                    renewals.note(self.grammar.rebind(self._arena))
                    self._move()
                    result = 0
        except LimitExceeded as error:
            error.text = b"".join(reversed([*self._text_backwards()])).decode("utf-8", errors="replace")
            raise

    def _move(self) -> None:
        """Walk the same history in the arena that the grammar is in now; all of it, or nothing changes."""
        other = Matcher(self.grammar)
        for taken in self._taken:
            done = other.accept_bytes(taken) if isinstance(taken, bytes) else other.accept(taken)
            assert done, "a text stays valid in every arena"
        self._bind(other._placement)
        self.state, self._states, self._taken, self._K = other.state, other._states, other._taken, other._K

    def rollback(self, n: int = 1) -> None:
        """Undo the last ``n`` accepted tokens (or byte strings). O(n), whatever they did.

        Raises
        ------
        ValueError
            If fewer were accepted.
        """
        if not 0 <= n <= len(self._taken):
            raise ValueError(f"cannot undo {n} of {len(self._taken)} steps")
        left = len(self._taken) - n
        if self._K is not None and self._K[keys.STEPS] > left:
            keys.rollback(self._K, int(self._K[keys.STEPS]) - left)
        if len(self._states) > left:
            self.state = self._states[left]
            del self._states[left:], self._taken[left:]

    def reset(self) -> None:
        """Go back to the start."""
        self.rollback(len(self._taken))

    def fork(self) -> Matcher:
        """An independent copy. O(steps) for the history; nothing else is copied but the keys of the text."""
        other = Matcher.__new__(Matcher)
        other.grammar, other._eos, other._mask = self.grammar, self._eos, self._mask
        other._bind(self._placement)
        other.state = self.state
        other._states, other._taken = self._states.copy(), self._taken.copy()
        other._K = None if self._K is None else self._K.copy()
        return other

    # ----------------------------------------------------------------------------------------------------- queries
    def is_complete(self) -> bool:
        """Whether the text may end here."""
        return bool(masks.is_complete(self._A, self.state))

    def is_stopped(self) -> bool:
        """Whether the end-of-sequence token was taken."""
        return self.state >= STOPPED

    def fill_bitmask(self, mask: Bitmask, row: int = 0) -> None:
        """Write the tokens allowed next into a row of a bitmask.

        Parameters
        ----------
        mask : (rows, ceil(n / 32)) int32, C-contiguous
            Made by :func:`allocate_bitmask`. The matcher keeps a reference to it, to check it once only.
        row : int

        Raises
        ------
        IndexError, TypeError, ValueError
            For a row out of range and a mask of another width, type or layout.
        LimitExceeded
            ``cache_bytes``, where the states of the text itself do not fit.
        """
        if mask is not self._mask:
            check_mask(mask, self._A)
            self._mask = mask
        state = self.state
        if state < OWN:
            result = _make_mask(self._A, self._V, mask, row, state)
        elif state >= STOPPED:
            check_row(mask, row)
            mask[row] = 0
            return
        else:
            result = _make_mask_keyed(self._A, self._V, mask, row, state, self._K)
        if result:
            self._finish(mask, row, result)

    def _finish(self, mask: Bitmask, row: int, result: int) -> None:
        """Write a mask for which a kernel needs more (``result`` < 0), or of which the text decides some tokens."""
        check_row(mask, row)
        gave_up = result if result < 0 else 0  # ``min`` makes an iterator, which could start a collection
        try:
            self._until(Matcher._make_mask, mask, row, result=gave_up)
        except LimitExceeded as error:
            if error.limit != "cache_bytes":
                raise
            self._try_each(mask, row)

    def _try_each(self, mask: Bitmask, row: int) -> None:
        """Write a mask of which an arena cannot hold what it is put together from: only one token at a time must fit.

        O(tokens) steps: a tenth of a second or more.
        """
        bits = np.zeros(32 * mask.shape[1], np.bool_)
        for token in range(len(self.grammar.vocabulary)):
            bits[token] = self.validate((token,))
        mask[row] = np.packbits(bits, bitorder="little").view(np.int32)

    def _make_mask(self, mask: Bitmask, row: int) -> int:
        if self._K is None:
            result = int(masks.make_mask(self._A, self._V, mask, row, self.state))
        else:
            result = int(masks.make_mask_keyed(self._A, self._V, mask, row, self.state, self._K))
        if result > 0:
            for group in self._placement.suspects(self.state & masks.OWN - 1):
                for token in self._cleared(group):
                    mask[row, token >> 5] |= np.int32(1) << np.int32(token & 31)
        return min(result, 0)

    def _cleared(self, group: Suspects) -> list[int]:
        """The suspects of one group that the value before them allows."""
        value, is_new = self._value(group.state, group.ending), self._placement.is_new
        in_string = self._K is not None and self._placement.is_in_string(group.state)
        strings = [token for token, string in group.strings if is_new(group.array, value, string)]
        if self._K is not None:
            strings = strings if self._repeats_no_key(group.ending, in_string) else []
        if not group.tokens:
            return strings
        state = self._placement.after(group.state, value)
        found = group.found.get(state)
        if found is None:
            read = len(group.ending)
            found = self._going_on(state, group.tokens, read) if state else []
            if group.is_final:
                group.found[state] = found
        if self._K is not None:
            found = [token for token in found if self._repeats_no_key(self._arena.token_bytes(token), in_string)]
        return strings + found

    def _going_on(self, state: int, tokens: list[tuple[int, bytes]], read: int) -> list[int]:
        """The tokens that can be read from ``state`` on, which their first ``read`` bytes have led to."""
        numbers, results = np.array([token for token, _ in tokens], np.int32), np.empty(len(tokens), np.int64)
        string = open_string(self._text_backwards()) if self._placement.is_in_string(state) else b""
        self._follow(state, tokens[0][1], read, keyed=False, string=string)  # others need most of the same records
        masks.advance_each(self._A, self._V, state, numbers, read, results)
        return [
            token
            for (token, data), result in zip(tokens, results.tolist(), strict=True)
            if result > 0 or (result < 0 and self._follow(state, data, read, keyed=False, string=string) > 0)
        ]

    def _repeats_no_key(self, data: bytes, in_string: bool) -> bool:
        """Whether bytes that the grammar allows are allowed by the keys of the text.

        ``in_string``: they begin inside a string, perhaps a key; else in an array, and no key comes without a bracket.
        """
        if not in_string and not _BRACKETS.search(data):
            return True
        allowed = self._follow(self.state, data) > 0
        if allowed:
            keys.rollback(self._K, 1)
        return allowed

    def prepare(self) -> bool:
        """Work out the mask of this state without writing it.

        Returns
        -------
        bool
            Whether that is all: else :meth:`fill_bitmask` must write the mask, since the text decides some tokens, or
            no arena can hold all that the mask takes.
        """
        try:
            return self._until(Matcher._prepare) == 0
        except LimitExceeded as error:
            if error.limit != "cache_bytes":
                raise
            return False

    def _prepare(self) -> int:
        return int(masks.prepare_mask(self._A, self._V, self.state))

    def validate(self, tokens: Iterable[int]) -> int:
        """How many of these tokens would be accepted one after another; the state is unchanged. O(tokens)."""
        taken = len(self._taken)
        try:
            for token in tokens:
                if not self.accept(int(token)):
                    break
            return len(self._taken) - taken
        finally:
            self.rollback(len(self._taken) - taken)

    def forced_bytes(self) -> bytes:
        """The bytes that can only come next (empty where there is a choice or the text may end)."""
        out, taken = bytearray(), len(self._taken)
        try:
            while not self.is_stopped() and len(out) < MAX_FORCED:
                byte = self._until(Matcher._forced_byte)
                if byte == NO_BYTE or not self.accept_bytes(bytes((byte,))):
                    break
                out.append(byte)
        finally:
            self.rollback(len(self._taken) - taken)
        return bytes(out)

    def _forced_byte(self) -> int:
        result = self._forced_byte_after(self.state)
        if needs_value(result):
            _, state = stopped_at(result)
            if self._placement.is_in_string(state):
                return NO_BYTE
            result = self._forced_byte_after(self._placement.after(state, self._value(state)))
        return result

    def _forced_byte_after(self, state: int) -> int:
        if self._K is None:
            return int(masks.forced_byte(self._A, state))
        return int(masks.forced_byte_keyed(self._A, self._V, state, self._K))

    def forced_tokens(self) -> list[int]:
        """Tokens that can only come next: while the mask has a single bit.

        Unlike a tokenisation of :meth:`forced_bytes`, taking them never narrows the model's choice.
        """
        mask = allocate_bitmask(1, len(self.grammar.vocabulary))
        out: list[int] = []
        taken = len(self._taken)
        try:
            while not self.is_stopped() and len(out) < MAX_FORCED:
                self.fill_bitmask(mask)
                token = _only(mask)
                if token is None:
                    break
                out.append(token)
                self.accept(token)
        finally:
            self.rollback(len(self._taken) - taken)
        return out


def _only(mask: Bitmask) -> int | None:
    """The token of a mask of one row that allows just one."""
    words = np.flatnonzero(mask[0])
    if len(words) != 1:
        return None
    word = int(mask[0, words[0]]) & 0xFFFFFFFF
    return None if word & (word - 1) else 32 * int(words[0]) + word.bit_length() - 1


def check_mask(mask: Bitmask, arena: npt.NDArray[np.int32]) -> None:
    """Refuse what a kernel would write outside of."""
    if not isinstance(mask, np.ndarray):
        raise TypeError(f"a mask is a NumPy array, not {type(mask).__name__}: use allocate_bitmask, or tensor.numpy()")
    if mask.dtype != _INT32 or mask.ndim != 2 or not mask.flags.c_contiguous or not mask.flags.writeable:
        raise ValueError(
            "a mask is a contiguous, writable (rows, words) int32 array, as allocate_bitmask makes it, "
            f"not {mask.ndim}-dimensional {mask.dtype}"
        )
    if mask.shape[1] != arena[WORDS]:
        raise ValueError(f"a mask of {mask.shape[1]} words for a vocabulary of {arena[WORDS]}: use allocate_bitmask")


def check_row(mask: Bitmask, row: int) -> None:
    if not 0 <= row < mask.shape[0]:
        raise IndexError(f"row {row} of a mask of {mask.shape[0]} rows")


_INT32 = np.dtype(np.int32)
NO_BYTE = 256  # result of a kernel that finds no byte forced
TOO_SHORT = -2  # result of a kernel that finds the buffer of keys too short
MAX_FORCED = 4096  # an endless forced text does not exist, but a very long one might
