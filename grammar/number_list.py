"""Listed numbers, of which one is written, in any spelling."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from detent.native import number_layout as layout

from . import number_table
from .decimals import significand

_Entry: TypeAlias = tuple[bool, str, int]  # whether it is negative, its digits D, and q: the magnitude is 0.D x 10^q


@dataclass(frozen=True)
class NumberList:
    """Some numbers, however they are written.

    Parameters
    ----------
    entries : tuple of (bool, str, int)
        Of each number, distinct and sorted, whether it is negative, its significant digits D and q: the magnitude is
        ``0.D x 10^q``. Zero has no digits.
    lexical_integer : bool
        The text has neither point nor exponent; all numbers are integers then.

    Examples
    --------
    >>> NumberList.of([30, 1.0, 1])
    NumberList(entries=((False, '1', 1), (False, '3', 2)), lexical_integer=False)
    """

    entries: tuple[_Entry, ...]
    lexical_integer: bool = False

    @classmethod
    def of(cls, values: Iterable[Decimal | int | float], *, lexical_integer: bool = False) -> NumberList:
        """The list of some numbers, each of them exactly (a float stands for its ``repr``)."""
        return cls(tuple(sorted({significand(value) for value in values})), lexical_integer)

    @property
    def values(self) -> tuple[Decimal, ...]:
        """The numbers, in ascending order; integers without an exponent."""
        return tuple(sorted(_value(*entry) for entry in self.entries))

    def encode(self) -> NDArray[np.int32]:
        """The table of the kernels in :mod:`detent.native.number_list`. O(total digits)."""
        flags = layout.LISTED | layout.PLAIN_OK | (0 if self.lexical_integer else layout.POINT_OK)
        if _ZERO in self.entries:
            flags |= layout.ZERO_OK
        limits = number_table.EXPONENT_MAX, number_table.LOWEST_DECADE + 1, number_table.HIGHEST_DECADE
        positive = _side([(digits, q) for is_negative, digits, q in self.entries if digits and not is_negative], 0)
        negative = _side([(digits, q) for is_negative, digits, q in self.entries if is_negative], len(positive))
        sides = layout.L_HEADER, layout.L_HEADER + len(positive)
        return np.concatenate([(flags, *limits, *sides), positive, negative], dtype=np.int32, casting="unsafe")


_ZERO: _Entry = False, "", 0


def _value(is_negative: bool, digits: str, q: int) -> Decimal:
    zeros = q - len(digits)
    return Decimal(f"{'-' * is_negative}{digits}{'0' * zeros}e{min(zeros, 0)}") if digits else Decimal(0)


def _side(numbers: list[tuple[str, int]], offset: int) -> NDArray[np.int32]:
    """The numbers of one sign by their digits, which begin at an offset behind the header."""
    n = len(numbers)
    at = layout.L_HEADER + offset + layout.L_ENTRIES + layout.L_ENTRY * n
    digits = [digits for digits, _ in numbers]
    q, lengths = (np.fromiter(found, np.int32, n) for found in ((q for _, q in numbers), map(len, digits)))
    entries = np.empty((n, layout.L_ENTRY), np.int32)
    entries[:, layout.L_Q], entries[:, layout.L_LENGTH] = q, lengths
    entries[:, layout.L_DIGITS] = at + np.cumsum(lengths) - lengths
    # further to the left no exponent brings any of them back
    p_first = int(q.min(initial=0)) - number_table.EXPONENT_MAX - 2
    pool = np.frombuffer("".join(digits).encode("ascii"), np.uint8) - ord("0")
    header = n, lengths.max(initial=0), p_first
    return np.concatenate([header, entries.ravel(), pool], dtype=np.int32, casting="unsafe")
