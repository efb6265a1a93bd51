"""JSON numbers that are among some listed ones, however they are written, one byte at a time.

The phases are those of :mod:`.number`, and so are the limits on exponents; one state stands for all numbers of the list
that the text can still become. By their digits these are a run of the list, which is sorted by digits as if zeros
without end followed them.

============================  ========================  ===========  =====  ===============
phase                         f0                        f1           f2     f3
============================  ========================  ===========  =====  ===============
START, MINUS                  phase, sign
ZERO, ZERO_POINT, ZERO_TAIL   phase, sign                            p
WHOLE, POINT, TAIL            phase, sign, digits read  first        p      behind the last
E                             phase, sign               first, or -1 p      behind the last
E_SIGN, E_DIGITS              the same, exponent        first, or -1 p      behind the last
============================  ========================  ===========  =====  ===============

Behind the letter e all numbers of the run have the digits of the mantissa and differ in q; -1 stands for zero, of which
any exponent is admitted. The sign of the exponent is kept beside that of the number.
"""

from __future__ import annotations

from .jit import kernel
from .number_layout import (
    E_DIGITS,
    E_SIGN,
    FLAGS,
    L_COUNT,
    L_DIGITS,
    L_ENTRIES,
    L_ENTRY,
    L_EXPONENT,
    L_LENGTH,
    L_LONGEST,
    L_P_FIRST,
    L_Q,
    L_Q_FIRST,
    L_Q_LAST,
    L_SIDES,
    MINUS,
    POINT,
    POINT_OK,
    START,
    TAIL,
    WHOLE,
    ZERO,
    ZERO_OK,
    ZERO_POINT,
    ZERO_TAIL,
    E,
)

ANY_EXPONENT = -1
_MINUS, _MINUS_EXPONENT = 16, 32  # bits of f0
_COUNT = 6  # bits below the digits read, or the exponent


@kernel("i8(A, i8, i8)")
def side_of(A, o, f0):
    """Address of the numbers of the sign that is written."""
    return o + A[o + L_SIDES + (f0 & _MINUS != 0)]


@kernel("i8(A, i8, i8, i8)")
def digit_of(A, o, entry, k):
    """A digit of a number; past its last digit it goes on with zeros."""
    return int(A[o + A[entry + L_DIGITS] + k]) if k < A[entry + L_LENGTH] else 0


@kernel("i8(A, i8, i8, i8, i8, i8, i8)")
def first_with(A, o, side, first, past, k, digit):
    """The first number of a run, alike up to there, with this digit or a greater one."""
    while first < past:
        middle = (first + past) // 2
        if digit_of(A, o, side + L_ENTRIES + middle * L_ENTRY, k) < digit:
            first = middle + 1
        else:
            past = middle
    return first


@kernel("i8(A, i8, i8, i8, i8)")
def past_complete(A, side, first, past, n):
    """The end of the numbers of a run that have no more digits than were read: they come first."""
    while first < past and A[side + L_ENTRIES + first * L_ENTRY + L_LENGTH] <= n:
        first += 1
    return first


@kernel("b1(A, i8, i8)")
def has_exponent(A, o, q):
    """Whether a number is written with an exponent, too."""
    return A[o + FLAGS] & POINT_OK != 0 and A[o + L_Q_FIRST] <= q <= A[o + L_Q_LAST]


@kernel("b1(A, i8, i8, i8, i8, i8, i8)")
def some_live(A, o, side, phase, first, past, p):
    """Whether some number of a run can be written from here on.

    Whole digits move the point to the right, zeros before the first digit to the left; exponents do the rest.
    """
    most = int(A[o + L_EXPONENT])
    moves_right, moves_left = phase == WHOLE, phase <= ZERO_TAIL
    for k in range(first, past):
        x = A[side + L_ENTRIES + k * L_ENTRY + L_Q] - p
        if x == 0 or (x > 0 and moves_right) or (x < 0 and moves_left):
            return True
        if has_exponent(A, o, x + p) and (x <= most or moves_right) and (x >= -most or moves_left):
            return True
    return False


@kernel("b1(A, i8, i8, i8)")
def zero_lives(A, o, side, p):
    """Whether ``0``, or ``0.`` and zeros, can be continued."""
    if A[o + FLAGS] & ZERO_OK != 0:
        return True
    return A[o + FLAGS] & POINT_OK != 0 and some_live(A, o, side, ZERO_TAIL, 0, int(A[side + L_COUNT]), p)


@kernel("UniTuple(i8, 5)(A, i8, i8, i8, i8, i8, i8)")
def digit_step(A, o, f0, f1, f2, f3, digit):
    """One digit of the mantissa."""
    phase, side, n, p = f0 & 15, side_of(A, o, f0), f0 >> _COUNT, f2
    if phase == ZERO:
        return 0, 0, 0, 0, 0
    if phase < WHOLE and digit == 0:
        p = 0 if phase <= MINUS else max(p - 1, int(A[side + L_P_FIRST]))
        phase = ZERO if phase <= MINUS else ZERO_TAIL
        return int(zero_lives(A, o, side, p)), phase | f0 & _MINUS, 0, p, 0
    if phase < WHOLE:
        n, f1, f3 = 0, 0, int(A[side + L_COUNT])
    whole = phase <= MINUS or phase == WHOLE
    p += whole
    first = first_with(A, o, side, f1, f3, n, digit)
    past = first_with(A, o, side, first, f3, n, digit + 1)
    phase = WHOLE if whole else TAIL
    if not some_live(A, o, side, phase, first, past, p):
        return 0, 0, 0, 0, 0
    return 1, phase | f0 & _MINUS | min(n + 1, int(A[side + L_LONGEST])) << _COUNT, first, p, past


@kernel("UniTuple(i8, 5)(A, i8, i8, i8, i8, i8)")
def point_step(A, o, f0, f1, f2, f3):
    """The point after the whole part."""
    phase, side = f0 & 15, side_of(A, o, f0)
    if A[o + FLAGS] & POINT_OK == 0 or (phase != ZERO and phase != WHOLE):
        return 0, 0, 0, 0, 0
    if phase == ZERO:
        return 1, f0 - ZERO + ZERO_POINT, f1, f2, f3  # whatever made the zero live is still to come
    return int(some_live(A, o, side, POINT, f1, f3, f2)), f0 - WHOLE + POINT, f1, f2, f3


@kernel("b1(A, i8, i8, i8, i8, i8)")
def exponent_lives(A, o, f0, f1, f2, f3):
    """Whether the exponent of some number of a run begins like that: zeros may stand before it."""
    side, sign, written = side_of(A, o, f0), -1 if f0 & _MINUS_EXPONENT else 1, f0 >> _COUNT
    for k in range(f1, f3):
        q = int(A[side + L_ENTRIES + k * L_ENTRY + L_Q])
        x = (q - f2) * sign
        if 0 <= x <= A[o + L_EXPONENT] and has_exponent(A, o, q):
            while x > written:
                x //= 10
            if x == written:
                return True
    return f1 == ANY_EXPONENT


@kernel("UniTuple(i8, 5)(A, i8, i8, i8, i8, i8)")
def e_step(A, o, f0, f1, f2, f3):
    """The letter e after a complete mantissa."""
    phase, side, sign = f0 & 15, side_of(A, o, f0), f0 & _MINUS
    if A[o + FLAGS] & POINT_OK == 0 or phase <= MINUS or phase == ZERO_POINT or phase == POINT:
        return 0, 0, 0, 0, 0
    if phase < WHOLE:
        return int(A[o + FLAGS] & ZERO_OK != 0), E, ANY_EXPONENT, 0, ANY_EXPONENT
    past = past_complete(A, side, f1, f3, f0 >> _COUNT)
    lives = exponent_lives(A, o, sign, f1, f2, past) or exponent_lives(A, o, sign | _MINUS_EXPONENT, f1, f2, past)
    return int(lives), E | sign, f1, f2, past


@kernel("UniTuple(i8, 5)(A, i8, i8, i8, i8, i8, i8)")
def exponent_step(A, o, f0, f1, f2, f3, byte):
    """One byte after ``e``."""
    phase = f0 & 15
    if 48 <= byte <= 57:
        written = (f0 >> _COUNT if phase == E_DIGITS else 0) * 10 + byte - 48
        g0 = E_DIGITS | f0 & (_MINUS | _MINUS_EXPONENT) | (0 if f1 == ANY_EXPONENT else written << _COUNT)
    elif phase == E and (byte == 43 or byte == 45):
        g0 = E_SIGN | f0 & _MINUS | (_MINUS_EXPONENT if byte == 45 else 0)
    else:
        return 0, 0, 0, 0, 0
    return int(exponent_lives(A, o, g0, f1, f2, f3)), g0, f1, f2, f3


@kernel("UniTuple(i8, 5)(A, i8, i8, i8, i8, i8, i8)")
def list_step(A, o, f0, f1, f2, f3, byte):
    """Read one byte: as :func:`detent.native.number.num_step`, of which this is a part.

    Complexity
    ----------
    O(log n) in the length of the list; O(n) where no exponent leads to one of the numbers that have these digits.
    """
    if f0 & 15 >= E:
        found = exponent_step(A, o, f0, f1, f2, f3, byte)
    elif 48 <= byte <= 57:
        found = digit_step(A, o, f0, f1, f2, f3, byte - 48)
    elif byte == 46:
        found = point_step(A, o, f0, f1, f2, f3)
    elif byte == 101 or byte == 69:
        found = e_step(A, o, f0, f1, f2, f3)
    elif byte == 45 and f0 == START:
        lives = A[o + FLAGS] & ZERO_OK != 0 or A[side_of(A, o, _MINUS) + L_COUNT] != 0
        found = int(lives), MINUS | _MINUS, 0, 0, 0
    else:
        found = 0, 0, 0, 0, 0
    return found if found[0] else (0, 0, 0, 0, 0)


@kernel("b1(A, i8, i8, i8, i8, i8)")
def list_accepts(A, o, f0, f1, f2, f3):
    """Whether the text read so far is one of the numbers."""
    phase, side = f0 & 15, side_of(A, o, f0)
    if phase == ZERO or phase == ZERO_TAIL:
        return A[o + FLAGS] & ZERO_OK != 0
    if phase == E_DIGITS:
        sign, lives = -1 if f0 & _MINUS_EXPONENT else 1, f1 == ANY_EXPONENT
        for k in range(f1, f3):
            lives |= A[side + L_ENTRIES + k * L_ENTRY + L_Q] - f2 == sign * (f0 >> _COUNT)
        return lives
    lives = False
    if phase == WHOLE or phase == TAIL:
        for k in range(f1, past_complete(A, side, f1, f3, f0 >> _COUNT)):
            lives |= A[side + L_ENTRIES + k * L_ENTRY + L_Q] == f2
    return lives
