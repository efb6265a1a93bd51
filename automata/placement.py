"""A grammar in one arena, and what the kernels leave to Python there: states that depend on a value of the text.

Where the items of an array must differ, no state knows the value just read. A kernel that needs it stops before the
comma; the matcher reads the value out of its history, and goes on from the state that :meth:`Placement.after` names.
States are remembered by value, so the same items cost little the second time. Inside a string, a kernel stops in the
same way before the end of a label that must be judged, and the value is the verdict.
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from detent.grammar.json_schema.values import canonical
from detent.native import arena as layout
from detent.native import languages, masks, positions, states, steps

from .arena import Arena
from .lowering import Lowering

Words = npt.NDArray[np.int32]


@dataclass
class Suspects:
    """Tokens of one state that first end the same value in the same way.

    Attributes
    ----------
    ending : bytes
        Their bytes up to the comma that the value decides.
    state : int
        The state there.
    is_final : bool
        Whether no further comma follows, so that this value decides everything.
    array : int
        The record of the array, where every new string is as good as another; else 0.
    strings : list of (int, str)
        Then: tokens that the string between their commas decides, with that string.
    tokens : list of (int, bytes)
        Each with its bytes.
    found : dict of int to list of int
        By state after the value: the tokens that go on.
    """

    ending: bytes
    state: int
    is_final: bool
    array: int
    strings: list[tuple[int, str]] = field(default_factory=list)
    tokens: list[tuple[int, bytes]] = field(default_factory=list)
    found: dict[int, list[int]] = field(default_factory=dict)


class Placement:
    """A grammar in one arena.

    Parameters
    ----------
    arena : Arena
    lowering : Lowering

    Attributes
    ----------
    start : int
        The state before the first byte.
    """

    def __init__(self, arena: Arena, lowering: Lowering) -> None:
        self.arena, self.lowering, self.start = arena, lowering, lowering.start
        self._after: dict[tuple[int, Hashable], int] = {}
        self._suspects: dict[int, list[Suspects]] = {}
        self._positions: dict[int, list[tuple[int, ...]]] = {}  # of states that a value decides

    def is_in_string(self, state: int) -> bool:
        """Whether a state stands inside a string."""
        return self._items(state)[0][0] == positions.K_STRING

    def after(self, state: int, value: Any) -> int:
        """The state of a text that led to ``state``, 0 for none.

        ``value``: the JSON value that the text ends with; inside a string, the verdict on its last label.
        """
        key = state, canonical(value)
        found = self._after.get(key)
        if found is None:
            found = self._after[key] = self._replace(state, value)
        return found

    def _items(self, state: int) -> list[tuple[int, ...]]:
        """The positions of a state."""
        found = self._positions.get(state)
        if found is None:
            found = self._positions[state] = self._read_items(state)
        return found

    def _read_items(self, state: int) -> list[tuple[int, ...]]:
        A = self.arena.A
        at = int(A[layout.STATE]) + state * layout.STATE_STRIDE
        items, count = int(A[at + states.S_ITEMS]), int(A[at + states.S_COUNT])
        base, stride = int(A[layout.POS]), layout.POS_STRIDE
        starts = [base + number * stride for number in A[items : items + 2 * count : 2].tolist()]
        return [tuple(A[start : start + stride].tolist()) for start in starts]

    def _replace(self, state: int, value: Any) -> int:
        kept: list[int] = []
        for item in self._items(state):
            kind, array, index, phase, space, pending = item[:6]
            if kind == positions.K_STRING:
                kept.append(self._after_verdict(item, value))
            elif kind == positions.K_ARRAY and pending:
                kept.append(self.arena.position(kind, self.lowering.after_value(array, value), index, phase, space))
            else:
                kept.append(self.arena.position(*item))
        found = int(states.with_positions(self.arena.A, state, np.array(kept, dtype=np.int32)))
        if self.arena.A[layout.STATUS] != 0:
            self.arena.full()
        return max(found, 0)

    def _after_verdict(self, item: tuple[int, ...], found: int | None) -> int:
        """What a verdict makes of a position inside a string: -1 where nothing goes on."""
        A, (kind, spec, q, *others) = self.arena.A, item
        is_automaton = A[spec + languages.SPEC_KIND] == languages.AUTOMATON
        table = int(A[A[spec + languages.SPEC_REF] + languages.DFA_VERDICTS]) if is_automaton else 0
        if table == 0:
            return self.arena.position(*item)
        row = A[table + languages.VERDICTS * q : table + languages.VERDICTS * (q + 1)].tolist()
        if max(row) < 0:
            return self.arena.position(*item)
        then = -1 if found is None else row[found]
        return -1 if then < 0 else self.arena.position(kind, spec, then, *others)

    def suspects(self, state: int) -> list[Suspects]:
        """The tokens that :func:`detent.native.masks.make_mask` leaves undecided in a state, grouped."""
        found = self._suspects.get(state)
        if found is None:
            groups: dict[tuple[bytes, int, bool], Suspects] = {}
            A = self.arena.A
            at = int(A[A[layout.STATE] + state * layout.STATE_STRIDE + states.S_SUSPECTS])
            tokens = A[at + 1 : at + 1 + int(A[at])].copy()
            results = np.empty(len(tokens), np.int64)
            masks.advance_each(A, self.arena.V, state, tokens, 0, results)
            for token, result in zip(tokens.tolist(), results.tolist(), strict=True):
                data = self.arena.token_bytes(token)
                while not needs_value(result):
                    assert result < 0, "a suspect needs a value"
                    self.arena.resolve(-2 - result)
                    result = masks.advance(A, self.arena.V, state, token)
                read, there = stopped_at(result)
                key = data[:read], there, b"," not in data[read + 1 :]
                group = groups.get(key)
                if group is None:
                    group = groups[key] = Suspects(*key, self._array_of_strings(there))
                string = _ITEM.fullmatch(data, read) if group.array else None
                if string is None:
                    group.tokens.append((token, data))
                else:
                    group.strings.append((token, json.loads(string.group(1))))
            found = self._suspects[state] = list(groups.values())
        return found

    def _array_of_strings(self, state: int) -> int:
        """The record of the one array that waits for a value, if it can hold any number of strings; else 0."""
        A = self.arena.A
        pending = [item for item in self._items(state) if item[0] == positions.K_ARRAY and item[5]]
        if len(pending) != 1:
            return 0
        number = pending[0][1]
        at = int(A[int(A[layout.LAZY]) + number])
        return number if A[at + positions.A_UNIQUE] & positions.AMPLE_TEXT else 0

    def is_new(self, array: int, last: Any, value: str) -> bool:
        """Whether ``value`` differs from the items of an array, the last of which is ``last``."""
        return canonical(last) != canonical(value) and not self.lowering.has_seen(array, value)


def needs_value(result: int) -> bool:
    """Whether a kernel stopped because the value that ends there must be known first."""
    return result < steps.NO_VALUE // 2


def stopped_at(result: int) -> tuple[int, int]:
    """How many bytes such a kernel had read, and the state it had reached."""
    place = int(result) - steps.NO_VALUE
    return place >> 31, place & 0x7FFFFFFF


# --------------------------------------------------------------------------------------------- the last value of a text
_SPACES = re.compile(rb"[ \t\r\n]*")
_ITEM = re.compile(rb',[ \t\r\n]*("(?:[^"\\]|\\.)*")[ \t\r\n]*(?:,[ \t\r\n]*"?)?')  # and the beginning of another
_SCALAR = re.compile(rb"[^][{}:, \t\r\n]+")
# backwards, a string begins at its closing quote and ends at the first quote with no backslash in front of it
_PIECE = re.compile(rb'"(?:[^"]|"(?=\\))*"(?=[^\\])|[][{}]|[^"\][{}]+')
_DEPTH = {b"]": 1, b"}": 1, b"[": -1, b"{": -1}


def last_value(text: bytes, *, is_whole: bool) -> Any:
    """The JSON value that a valid beginning of a JSON text ends with, white space aside.

    Parameters
    ----------
    text : bytes
        The end of the text.
    is_whole : bool
        Whether it is all of it.

    Returns
    -------
    object
        Numbers are int or Decimal; ``Ellipsis`` when the value begins before ``text``.
    """
    if text.endswith(b'"'):  # mostly a string without a backslash
        start = text.rfind(b'"', 0, -1)
        if start > 0 and text.find(b"\\", start - 1) < 0:
            return text[start + 1 : -1].decode()
    backwards = text[::-1] + b"\n" * is_whole
    spaces = _SPACES.match(backwards)
    assert spaces is not None
    start = end = spaces.end()
    depth = 0
    while True:
        scalar = None if depth or backwards[end : end + 1] in b'"]}' else _SCALAR.match(backwards, end)
        piece = scalar or _PIECE.match(backwards, end)
        if piece is None or piece.end() == len(backwards):
            return ...
        depth += _DEPTH.get(piece.group(), 0)
        end = piece.end()
        if depth == 0:
            return _DECODER.decode(backwards[start:end][::-1].decode())


def _integer(digits: str) -> int | Decimal:
    return int(digits) if len(digits) < MAX_DIGITS else Decimal(digits)


def _decimal(text: str) -> Decimal:
    """A number with its exponent cut to what a decimal can hold: beyond, no two are told apart anyway."""
    mantissa, _, exponent = text.lower().partition("e")
    digits = exponent.lstrip("+-").lstrip("0")[: MAX_EXPONENT_DIGITS + 1]
    if len(digits) > MAX_EXPONENT_DIGITS:
        digits = "9" * MAX_EXPONENT_DIGITS
    return Decimal(f"{mantissa}e{'-' if exponent.startswith('-') else ''}{digits or 0}")


MAX_EXPONENT_DIGITS = 16
MAX_DIGITS = 4000  # Python reads no longer integers from text
_DECODER = json.JSONDecoder(parse_float=_decimal, parse_int=_integer)


def last_value_of(chunks: Iterable[bytes]) -> Any:
    """The same of a text that is given in pieces, the last one first; only as many are taken as the value needs."""
    taken: list[bytes] = []
    due = 4
    for chunk in chunks:
        taken.append(chunk)
        if len(taken) == due:
            due *= 2
            value = last_value(b"".join(reversed(taken)), is_whole=False)
            if value is not ...:
                return value
    return last_value(b"".join(reversed(taken)), is_whole=True)


# ------------------------------------------------------------------------------------------------------- open strings
# inside a string, a quote has a backslash in front of it
_OPENING = re.compile(rb'(?<!\\)"(?:[^"]|(?<=\\)")*$')
_BEGUN = re.compile(rb"\\(?:u[0-9A-Fa-f]{0,3})?$")


def open_string(chunks: Iterable[bytes]) -> bytes:
    """The string that a text ends in, from its quote on; the text is given in pieces, the last one first."""
    text = b""
    for chunk in chunks:
        text = chunk + text
        found = _OPENING.search(text)
        if found is not None and found.start() > 0:
            break
    found = _OPENING.search(text)
    assert found is not None, "inside a string"
    return found.group()


def characters(string: bytes) -> str:
    """The characters of an open string, without one that has only begun."""
    return str(json.loads(_BEGUN.sub(b"", string).decode("utf-8", "ignore") + '"', strict=False))


__all__ = [
    "Placement",
    "Suspects",
    "characters",
    "last_value",
    "last_value_of",
    "needs_value",
    "open_string",
    "stopped_at",
]
