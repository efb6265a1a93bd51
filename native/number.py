"""JSON numbers under exact decimal bounds, one byte at a time.

A state is four int32 fields; states that can still become the same numbers have the same fields wherever that is
cheap. Its phase (bits 0-3 of f0) says what is written:

============================  ==============================  =========  ===========================  ==========
phase                         f0                              f1         f2                           f3
============================  ==============================  =========  ===========================  ==========
START, MINUS                  phase, sign
ZERO, ZERO_POINT, ZERO_TAIL   phase, sign, fraction digits               p, w (no digit but 0 yet)
WHOLE, POINT, TAIL            phase, sign, fraction digits    lower,     p, w                         N mod M
                                                              upper
E, E_SIGN                     phase                           first x    last x
E_DIGITS                      phase, digits to come           first x    last x                       exponent
============================  ==============================  =========  ===========================  ==========

The mantissa is ``0.D x 10^p``, and ``N / 10^f`` with an integer N and f fraction digits. ``lower`` and ``upper``
compare D with the digits of the two bounds: the number of digits that agree, LESS or GREATER. With a written exponent
x the value ``0.D x 10^q``, ``q = p + x``, is compared first by q, then by D. It is a multiple of ``M / 10^s`` iff M'
divides N and ``w + x >= 0``, with ``w = min(v2(N) - v2(M), v5(N) - v5(M)) + s - f``. For integers w is the place of
the last non-zero digit. The same holds of every excluded step, so the exponents that make a mantissa a wanted multiple
and no excluded one are an interval, too: it begins at -w and is as long as is kept in f3 above the residue, see
`exclude_digit`. (Without a wanted step it has no beginning, and w counts from the finest excluded step.) What a
specification cannot notice is not counted, so without bounds and multiples all whole parts are one state.

A state is returned only if some continuation, maybe empty, ends in an admitted number. That is decided by the interval
of exponents (or of further whole digits) that a mantissa can take; see `span_reaches`.
"""

from __future__ import annotations

from .jit import kernel
from .number_layout import (
    BASE,
    COMPARED,
    COPRIME,
    COVER,
    E_DIGITS,
    E_SIGN,
    EX_BASE,
    EX_COPRIME,
    EX_COUNT,
    EX_GAP,
    EX_MODULUS,
    EX_SPREAD,
    EX_STEP,
    EX_STEPS,
    EX_STRIDE,
    EXCLUDED,
    EXPONENT_DIGITS,
    EXPONENT_MAX,
    F_LAST,
    FLAGS,
    FREE,
    GREATER,
    HI_DIGITS,
    HI_LENGTH,
    HI_OPEN,
    HI_Q,
    INFINITE,
    LESS,
    LISTED,
    LO_DIGITS,
    LO_LENGTH,
    LO_OPEN,
    LO_Q,
    MINUS,
    MODULUS,
    NEVER,
    P_FIRST,
    P_LAST,
    PLACES,
    PLAIN_OK,
    POINT,
    POINT_OK,
    Q_FIRST,
    Q_LAST,
    RESIDUE,
    RESIDUE_BITS,
    SIDE_OK,
    SIDES,
    SMALLEST,
    START,
    TAIL,
    WHOLE,
    X_FIRST,
    X_LAST,
    ZERO,
    ZERO_OK,
    ZERO_POINT,
    ZERO_TAIL,
    E,
)
from .number_list import list_accepts, list_step

W_BIAS = 1 << 15


@kernel("i8(A, i8, i8, i8, i8)")
def compare_digit(A, digits, length, matched, digit):
    """Compare one more significant digit with a bound's; past its last digit the bound goes on with zeros."""
    if matched >= LESS:
        return matched
    if matched == length:
        return matched if digit == 0 else GREATER
    if digit == A[digits + matched]:
        return matched + 1
    return LESS if digit < A[digits + matched] else GREATER


@kernel("i8(A, i8, i8)")
def last_q(A, s, upper):
    """Greatest q that the upper bound leaves to the digits read, with or without more digits."""
    over = upper == GREATER or (upper == A[s + HI_LENGTH] and A[s + HI_OPEN] != 0)
    return int(A[s + HI_Q]) - over


@kernel("i8(A, i8, i8)")
def first_q(A, s, lower):
    """Least q that the lower bound leaves to the digits read and no more."""
    reached = lower == GREATER or (lower == A[s + LO_LENGTH] and A[s + LO_OPEN] == 0)
    return int(A[s + LO_Q]) + (not reached)


@kernel("b1(i8, i8)")
def divides(coprime, r):
    """Whether M' divides an integer that leaves r modulo a multiple of it."""
    return r == 0 or r % coprime == 0


@kernel("i8(A, i8, i8)")
def low_zeros(A, at, r):
    """``min(v(N) - k, 0)`` for N mod BASE^k = r, 10 no factor of N; v counts factors BASE; at: of BASE, k."""
    for missing in range(int(A[at + 1]), 0, -1):
        if r % A[at] != 0:
            return -missing
        r //= A[at]
    return 0


@kernel("UniTuple(i8, 2)(A, i8, i8, i8)")
def multiple_exponents(A, o, w, kept):
    """The interval of the exponents that make a complete mantissa a wanted multiple and no excluded one."""
    r = kept if A[o + EXCLUDED] == 0 else kept & RESIDUE
    if not divides(A[o + COPRIME], r):
        return INFINITE, -INFINITE
    if A[o + EXCLUDED] == 0:
        return -w, INFINITE
    free = kept >> RESIDUE_BITS
    last = INFINITE if free == NEVER else free - w - 1
    return (-INFINITE if A[o + A[o + EXCLUDED] + EX_STEP] == 0 else -w), last


@kernel("b1(A, i8, i8, i8)")
def is_multiple(A, o, w, kept):
    """Whether a complete mantissa without an exponent is a wanted multiple and no excluded one."""
    if A[o + EXCLUDED] == 0:
        return w >= 0 and divides(A[o + COPRIME], kept)
    first, last = multiple_exponents(A, o, w, kept)
    return first <= 0 <= last


@kernel("b1(A, i8, i8, i8, i8)")
def is_excluded(A, x, r, e, more):
    """Whether an excluded step divides ``N * 10^e + more``, in units of 10^-PLACES, for 0 < more < 10^e and N = r."""
    for i in range(A[x + EX_COUNT]):
        step = x + EX_STEPS + i * EX_STRIDE
        gap = int(A[step + EX_GAP])
        if gap < e and more % 10**gap == 0 and (r * 10 ** (e - gap) + more // 10**gap) % A[step + EX_MODULUS] == 0:
            return True
    return False


@kernel("b1(A, i8, i8, i8, i8, i8, i8)")
def holds_unexcluded(A, o, first, last, w, f, kept):
    """`holds_multiple` under excluded steps: tries the multiples up to the first that no excluded step divides.

    Complexity
    ----------
    O(COVER * excluded steps * the longest run of multiples that these steps cover), less than 2^8 a run.
    """
    x = o + A[o + EXCLUDED]
    step = int(A[x + EX_STEP])
    shift = int(A[o + PLACES]) - f
    if step == 0:
        return True
    least, most = multiple_exponents(A, o, w, kept)
    if max(first, least) <= min(last, most):
        return True
    r = kept & RESIDUE
    for e in range(max(first + shift, 0), last + shift + 1):
        width = 10**e
        more = step - r * width % step
        while more < width:
            if not is_excluded(A, x, r, e, more):
                return True
            more += step
    return False


@kernel("b1(A, i8, i8, i8, i8, i8, i8)")
def holds_multiple(A, o, first, last, w, f, kept):
    """`span_reaches` where no bound cuts: whether ``[N, N + 1) x 10^(x-f)`` holds a multiple for some x.

    Complexity
    ----------
    O(COVER), at most six divisions, without excluded steps.
    """
    most = last - f + int(A[o + PLACES])
    if most >= A[o + COVER]:
        return True
    if A[o + EXCLUDED] != 0:
        return holds_unexcluded(A, o, first, last, w, f, kept)
    if last + w >= 0 and divides(A[o + COPRIME], kept):
        return True
    modulus, least = int(A[o + MODULUS]), max(first - f + int(A[o + PLACES]), 0)
    width = 10**least
    for _ in range(least, most + 1):
        if (modulus - kept * width % modulus) % modulus < width:
            return True
        width *= 10
    return False


@kernel("b1(A, i8, i8, i8, i8, i8, i8, i8, i8, i8, i8)")
def span_reaches(A, o, s, first, last, lower, upper, p, w, f, kept):
    """Whether a mantissa, perhaps with more digits, times ``10^x`` is admitted for some x in [first, last].

    The bounds allow every x in the span to some continuation. Without multiples that is all. With them, the bounds are
    admitted themselves, so a continuation equal to a bound is; at every other x the whole interval
    ``[N, N + 1) x 10^(x-f)`` lies between the bounds, and what counts is whether it holds a multiple. Excluded steps
    alone leave a number in every interval, and bounds that they exclude are open.
    """
    if first > last:
        return False
    if A[o + MODULUS] == 0:
        return True
    if lower < LESS and first <= A[s + LO_Q] - p <= last:
        return True
    if upper < LESS and first <= A[s + HI_Q] - p <= last:
        return True
    return holds_multiple(A, o, first, last, w, f, kept)


@kernel("b1(A, i8, i8, i8, i8, i8, i8, i8, i8, i8)")
def mantissa_lives(A, o, s, phase, lower, upper, p, w, f, r):
    """Whether a mantissa with a non-zero digit can be continued to an admitted number.

    While whole digits are written each further one multiplies by ten, so there is no last x.
    """
    first = int(A[s + LO_Q]) + (lower == LESS) - p
    last = last_q(A, s, upper) - p
    end = last if phase == WHOLE else min(last, 0)
    if span_reaches(A, o, s, max(first, 0), end, lower, upper, p, w, f, r):
        return True
    if A[o + FLAGS] & POINT_OK == 0:
        return False
    first = max(first, int(A[s + X_FIRST]), int(A[s + Q_FIRST]) - p)
    last = min(last, int(A[s + Q_LAST]) - p)
    if phase != WHOLE:
        last = min(last, int(A[s + X_LAST]))
    return span_reaches(A, o, s, first, last, lower, upper, p, w, f, r)


@kernel("b1(A, i8, i8, i8, i8)")
def zero_lives(A, o, s, p, f):
    """Whether ``0`` or ``0.`` and zeros can be continued: as zero, or by a first digit at q <= p.

    From SMALLEST on every decade ``[10^(q-1), 10^q)`` holds a multiple.
    """
    if A[o + FLAGS] & ZERO_OK != 0:
        return True
    if A[o + FLAGS] & POINT_OK == 0:
        return False
    if A[o + MODULUS] != 0:
        p = min(p, -f)  # where one of them has saturated, the other counts
    first = max(int(A[s + LO_Q]), int(A[o + SMALLEST]))
    last = int(A[s + HI_Q])
    return first <= min(last, p) or max(first, int(A[s + Q_FIRST])) <= min(last, int(A[s + Q_LAST]), p + A[s + X_LAST])


@kernel("UniTuple(i8, 5)(i8, i8, i8, i8, i8)")
def exponent_digit(first, last, value, left, digit):
    """One more exponent digit where ``left`` may still come; each may be the last or not. Leading zeros are free."""
    if last == INFINITE:
        return 1, E_DIGITS, 0, INFINITE, 0
    value = value * 10 + digit
    left -= value != 0
    if left < 0:
        return 0, 0, 0, 0, 0
    most, width = value, 1
    lives = first <= value <= last
    for _ in range(left):
        width *= 10
        most = value * width + width - 1
        lives = lives or (value * width <= last and most >= first)
    if not lives:
        return 0, 0, 0, 0, 0
    if left == 0:
        return 1, E_DIGITS, 0, 0, 1
    if first <= value and most <= last:
        return 1, E_DIGITS | left << 8, 0, EXPONENT_MAX, min(value, 1)
    return 1, E_DIGITS | left << 8, max(first, value), min(last, most), value


@kernel("UniTuple(i8, 5)(i8, i8, i8, i8, i8)")
def exponent_step(f0, f1, f2, f3, byte):
    """One byte after ``e``."""
    phase = f0 & 15
    if 48 <= byte <= 57:
        if phase == E_DIGITS:
            return exponent_digit(f1, f2, f3, f0 >> 8, byte - 48)
        return exponent_digit(max(f1, 0), f2, 0, EXPONENT_DIGITS, byte - 48)
    if phase == E and (byte == 43 or byte == 45):
        first, last = (f1, f2) if byte == 43 else (-f2, -f1)
        if last >= 0:
            return 1, E_SIGN, max(first, 0), last, 0
    return 0, 0, 0, 0, 0


@kernel("UniTuple(i8, 5)(A, i8, i8, i8, i8, i8, i8)")
def zero_step(A, o, s, f0, p, w, digit):
    """The digit 0 before any other: of the whole part, or after the point."""
    phase, f = f0 & 15, f0 >> 8
    if phase <= MINUS:
        f0 = f0 - phase + ZERO
    elif phase == ZERO:
        return 0, 0, 0, 0, 0
    else:
        p = max(p - 1, int(A[s + P_FIRST]))
        if A[o + MODULUS] != 0:
            f = min(f + 1, int(A[s + F_LAST]))
        f0 = ZERO_TAIL | f0 & 16 | f << 8
    if not zero_lives(A, o, s, p, f):
        return 0, 0, 0, 0, 0
    return 1, f0, 0, p << 16 | w + W_BIAS, 0


@kernel("UniTuple(i8, 2)(A, i8, i8, i8, i8, i8, i8, i8)")
def exclude_digit(A, o, s, whole, digit, w, f, kept):
    """One digit under excluded steps: the new w, and the residue with the number of free exponents from -w on above it.

    Parameters
    ----------
    whole : int
        1 for a digit of the whole part.
    digit : int
        0-9.
    w : int
        As it was before the digit.
    f, kept : int
        Fraction digits and residue with it; above the residue the free exponents before.
    """
    x = o + A[o + EXCLUDED]
    r, free = kept & RESIDUE, kept >> RESIDUE_BITS
    if digit != 0:
        zeros, free = low_zeros(A, o + BASE, r), NEVER
        w = zeros + A[o + PLACES] - f
        for i in range(A[x + EX_COUNT]):
            step = x + EX_STEPS + i * EX_STRIDE
            if divides(A[step + EX_COPRIME], r):
                free = min(free, A[step + EX_GAP] + zeros - low_zeros(A, step + EX_BASE, r))
    elif whole:
        w = min(w + 1, max(-A[s + X_FIRST], 0) + A[x + EX_SPREAD])
    if free == NEVER and A[x + EX_STEP] == 0:
        w = 0  # no exponent is excluded, none is asked for
    return w, free << RESIDUE_BITS | r


@kernel("UniTuple(i8, 5)(A, i8, i8, i8, i8, i8, i8, i8)")
def digit_step(A, o, s, f0, f1, f2, f3, digit):
    """One digit of the mantissa."""
    phase, f, r = f0 & 15, f0 >> 8, 0
    if phase >= WHOLE and A[s + FREE] != 0:
        return 1, (WHOLE if phase == WHOLE else TAIL) | f0 & 16, f1, f2, f3
    p, w = (f2 >> 16, (f2 & 0xFFFF) - W_BIAS) if phase > MINUS else (0, 0)
    if phase < WHOLE and digit == 0:
        return zero_step(A, o, s, f0, p, w, digit)
    if phase == ZERO:
        return 0, 0, 0, 0, 0
    whole = phase <= MINUS or phase == WHOLE
    if phase < WHOLE:
        f1 = int(A[s + COMPARED])
    lower = compare_digit(A, o + A[s + LO_DIGITS], int(A[s + LO_LENGTH]), f1 & 0xFFFF, digit)
    upper = compare_digit(A, o + A[s + HI_DIGITS], int(A[s + HI_LENGTH]), f1 >> 16, digit)
    if whole:
        p = min(p + 1, int(A[s + P_LAST]))
    modulus = int(A[o + MODULUS])
    if modulus != 0:
        if modulus > 1:
            r = f3 if A[o + EXCLUDED] == 0 else f3 & RESIDUE
            r = (r * 10 + digit) % modulus
        if not whole:
            f = min(f + 1, int(A[s + F_LAST]))
        if A[o + EXCLUDED] != 0:
            w, r = exclude_digit(A, o, s, int(whole), digit, w, f, f3 & ~RESIDUE | r)
        elif digit != 0:
            w = low_zeros(A, o + BASE, r) + A[o + PLACES] - f
        elif whole:
            w = min(w + 1, max(-A[s + X_FIRST], 0))
    phase = WHOLE if whole else TAIL
    if not mantissa_lives(A, o, s, phase, lower, upper, p, w, f, r):
        return 0, 0, 0, 0, 0
    return 1, phase | f0 & 16 | f << 8, lower | upper << 16, p << 16 | w + W_BIAS, r


@kernel("UniTuple(i8, 5)(A, i8, i8, i8, i8, i8, i8)")
def point_step(A, o, s, f0, f1, f2, f3):
    """The point after the whole part."""
    phase = f0 & 15
    if A[o + FLAGS] & POINT_OK == 0 or (phase not in (ZERO, WHOLE)):
        return 0, 0, 0, 0, 0
    p, w = f2 >> 16, (f2 & 0xFFFF) - W_BIAS
    if phase == WHOLE:
        if not mantissa_lives(A, o, s, POINT, f1 & 0xFFFF, f1 >> 16, p, w, 0, f3):
            return 0, 0, 0, 0, 0
        return 1, POINT | f0 & 16, f1, f2, f3
    if not zero_lives(A, o, s, p, 0):
        return 0, 0, 0, 0, 0
    if A[s + FREE] != 0:
        return 1, POINT | f0 & 16, int(A[s + COMPARED]), f2, f3
    return 1, ZERO_POINT | f0 & 16, f1, f2, f3


@kernel("UniTuple(i8, 5)(A, i8, i8, i8, i8, i8, i8)")
def e_step(A, o, s, f0, f1, f2, f3):
    """The letter e after a complete mantissa: leaves the interval of the exponents that admit it."""
    phase = f0 & 15
    if A[o + FLAGS] & POINT_OK == 0 or phase <= MINUS or phase in (ZERO_POINT, POINT):
        return 0, 0, 0, 0, 0
    first, last = int(A[s + X_FIRST]), int(A[s + X_LAST])
    if phase < WHOLE:
        if A[o + FLAGS] & ZERO_OK == 0:
            return 0, 0, 0, 0, 0
        return 1, E, -INFINITE, INFINITE, 0
    p, w = f2 >> 16, (f2 & 0xFFFF) - W_BIAS
    first = max(first, first_q(A, s, f1 & 0xFFFF) - p, int(A[s + Q_FIRST]) - p)
    last = min(last, last_q(A, s, f1 >> 16) - p, int(A[s + Q_LAST]) - p)
    if A[o + MODULUS] != 0:
        least, most = multiple_exponents(A, o, w, f3)
        first, last = max(first, least), min(last, most)
    if first > last:
        return 0, 0, 0, 0, 0
    return 1, E, first, last, 0


@kernel("UniTuple(i8, 4)(A, i8)")
def num_start(A, o):
    """Return the fields before the first byte of a number.

    Parameters
    ----------
    A : (n,) int32
        Memory that holds the table of the specification (`NumberSpec.encode`).
    o : int
        Where the table starts.
    """
    return START, 0, 0, 0


@kernel("UniTuple(i8, 5)(A, i8, i8, i8, i8, i8, i8)")
def num_step(A, o, f0, f1, f2, f3, byte):
    """Read one byte.

    Parameters
    ----------
    A : (n,) int32
        Memory that holds the table of the specification (`NumberSpec.encode`).
    o : int
        Where the table starts.
    f0, f1, f2, f3 : int
        A state from `num_start` or `num_step`.
    byte : int
        0-255.

    Returns
    -------
    alive : int
        1 if some continuation of the text is an admitted number, else 0.
    g0, g1, g2, g3 : int
        The next state (zeros if dead), int32 values.

    Complexity
    ----------
    O(1); O(COVER) where the specification has multiples. Of a list: see :func:`detent.native.number_list.list_step`.
    """
    if A[o + FLAGS] & LISTED != 0:
        return list_step(A, o, f0, f1, f2, f3, byte)
    phase = f0 & 15
    if phase >= E:
        return exponent_step(f0, f1, f2, f3, byte)
    s = o + A[o + SIDES + (f0 >> 4 & 1)]
    if 48 <= byte <= 57:
        return digit_step(A, o, s, f0, f1, f2, f3, byte - 48)
    if byte == 46:
        return point_step(A, o, s, f0, f1, f2, f3)
    if byte == 101 or byte == 69:
        return e_step(A, o, s, f0, f1, f2, f3)
    if byte == 45 and phase == START:
        negative = A[o + SIDES + 1]
        if negative == 0:
            return 1, MINUS, 0, 0, 0
        return int(A[o + negative + SIDE_OK] != 0), MINUS | 16, 0, 0, 0
    return 0, 0, 0, 0, 0


@kernel("b1(A, i8, i8, i8, i8, i8)")
def num_accepts(A, o, f0, f1, f2, f3):
    """Return whether the text read so far is a complete and admitted number; parameters as in `num_step`."""
    if A[o + FLAGS] & LISTED != 0:
        return list_accepts(A, o, f0, f1, f2, f3)
    phase = f0 & 15
    if phase == E_DIGITS:
        return f0 >> 8 == 0 or f1 <= f3 <= f2
    flags = A[o + FLAGS]
    if phase in (ZERO, WHOLE) and flags & PLAIN_OK == 0:
        return False
    if phase in (ZERO, ZERO_TAIL):
        return flags & ZERO_OK != 0
    if phase not in (WHOLE, TAIL):
        return False
    if A[o + MODULUS] != 0 and not is_multiple(A, o, (f2 & 0xFFFF) - W_BIAS, f3):
        return False
    s = o + A[o + SIDES + (f0 >> 4 & 1)]
    return first_q(A, s, f1 & 0xFFFF) <= f2 >> 16 <= last_q(A, s, f1 >> 16)
