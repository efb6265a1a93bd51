"""JSON strings one byte at a time: UTF-8, escapes and surrogate pairs, judged by decoded characters.

A *mode* says where in a character the text stands: 0 between characters, else a tag in bits 24.. and a payload:

=======  ==========================================  =======================================
tag      the text so far                             payload
=======  ==========================================  =======================================
ESCAPE   a backslash
UTF8     the first bytes of a character              bytes to come (bits 21-22), value so far
HEX      ``\\u`` and k < 4 digits                     k (bits 20-21), value so far
PAIR     a high surrogate                            its ten bits
PAIR_U   a high surrogate and a backslash            its ten bits
LOW      a high surrogate, ``\\u`` and k < 4 digits   its ten bits (14-23), k (12-13), value
=======  ==========================================  =======================================
"""

from __future__ import annotations

from .jit import kernel

ESCAPE, UTF8, HEX, PAIR, PAIR_U, LOW = 1 << 24, 2 << 24, 3 << 24, 4 << 24, 5 << 24, 6 << 24
ALIKE = 7 << 24  # the first bytes of a character of which only the length matters: bytes to come
DEAD, QUOTE, CHAR = -1, 1 << 41, 1 << 40
LAST = 0x10FFFF


@kernel("i8(i8)")
def hex_value(b):
    """Value of a hexadecimal digit, or -1."""
    if 48 <= b <= 57:
        return b - 48
    if 97 <= b <= 102:
        return b - 87
    if 65 <= b <= 70:
        return b - 55
    return -1


@kernel("i8(i8)")
def short_escape(b):
    """Character named by ``\\b`` and its kin, or -1."""
    if b == 34 or b == 92 or b == 47:
        return b
    if b == 98:
        return 8
    if b == 102:
        return 12
    if b == 110:
        return 10
    if b == 114:
        return 13
    if b == 116:
        return 9
    return -1


@kernel("i8(i8, i8)")
def utf8_step(mode, b):
    """One byte of raw UTF-8: a new mode, ``CHAR | code point`` when the character is complete, or ``DEAD``.

    ``mode`` is 0 or has the tag UTF8. Overlong forms, surrogates and values past U+10FFFF are dead at the first byte
    that makes them certain.
    """
    if mode == 0:
        if b < 0x80:
            return CHAR | b
        if 0xC2 <= b <= 0xDF:
            return UTF8 | 1 << 21 | b & 0x1F
        if 0xE0 <= b <= 0xEF:
            return UTF8 | 2 << 21 | b & 0x0F
        if 0xF0 <= b <= 0xF4:
            return UTF8 | 3 << 21 | b & 0x07
        return DEAD
    if b & 0xC0 != 0x80:
        return DEAD
    left = (mode >> 21) & 3
    value = (mode & 0x1FFFFF) << 6 | b & 0x3F
    if left == 3 and not 0x10 <= value <= 0x10F:
        return DEAD
    if left == 2 and (value < 0x20 or 0x360 <= value <= 0x37F):
        return DEAD
    if left == 1:
        return CHAR | value
    return UTF8 | (left - 1) << 21 | value


@kernel("i8(i8, i8)")
def char_step(mode, b):
    """One byte inside a JSON string: a new mode, ``CHAR | code point``, ``QUOTE`` or ``DEAD``."""
    tag = mode & ~0xFFFFFF
    if mode == 0:
        if b == 34:
            return QUOTE
        if b == 92:
            return ESCAPE
        if b < 0x20:
            return DEAD
        return utf8_step(0, b)
    if tag == UTF8:
        return utf8_step(mode, b)
    if tag == ESCAPE:
        if b == 117:
            return HEX
        c = short_escape(b)
        return DEAD if c < 0 else CHAR | c
    if tag == PAIR:
        return PAIR_U | mode & 0x3FF if b == 92 else DEAD
    if tag == PAIR_U:
        return LOW | (mode & 0x3FF) << 14 if b == 117 else DEAD
    digit = hex_value(b)
    if digit < 0:
        return DEAD
    if tag == HEX:
        k = (mode >> 20) & 3
        value = (mode & 0xFFF) << 4 | digit
        if k < 3:
            if k == 1 and value >= 0xDC and value <= 0xDF:
                return DEAD
            return HEX | (k + 1) << 20 | value
        return PAIR | value & 0x3FF if 0xD800 <= value <= 0xDBFF else CHAR | value
    k = (mode >> 12) & 3
    value = (mode & 0xFFF) << 4 | digit
    if (k == 0 and value != 0xD) or (k == 1 and not 0xDC <= value <= 0xDF):
        return DEAD
    if k < 3:
        return LOW | mode & 0xFFC000 | (k + 1) << 12 | value
    return CHAR | 0x10000 + (((mode >> 14) & 0x3FF) << 10 | value & 0x3FF)


@kernel("UniTuple(i8, 2)(i8, i8)")
def mode_range(mode, part):
    """Code points that can still complete a started character, as closed intervals.

    Parameters
    ----------
    mode : int
        Not 0.
    part : int
        0, 1 or 2: a started ``\\u`` escape can name characters below the surrogates, above them, and pairs.

    Returns
    -------
    (int, int)
        First and last code point; first > last when the interval is empty.
    """
    tag = mode & ~0xFFFFFF
    if tag == ESCAPE:
        return (0, LAST) if part == 0 else (1, 0)
    if tag == UTF8:
        if part:
            return 1, 0
        left = (mode >> 21) & 3
        first = (mode & 0x1FFFFF) << 6 * left
        last = first | (1 << 6 * left) - 1
        if left == 2:
            first = max(first, 0x800)
        if left == 3:
            first = max(first, 0x10000)
        return first, min(last, LAST)
    if tag == HEX:
        shift = 4 * (4 - ((mode >> 20) & 3))
        first = (mode & 0xFFF) << shift
        last = first | (1 << shift) - 1
        if part == 0:
            return first, min(last, 0xD7FF)
        if part == 1:
            return max(first, 0xE000), last
        first, last = max(first, 0xD800), min(last, 0xDBFF)
        if first > last:
            return 1, 0
        return 0x10000 + ((first - 0xD800) << 10), 0x10000 + ((last - 0xD800) << 10) + 0x3FF
    if part:
        return 1, 0
    if tag == LOW:
        high = 0x10000 + (((mode >> 14) & 0x3FF) << 10)
        shift = 4 * (4 - ((mode >> 12) & 3))
        first = (mode & 0xFFF) << shift
        last = first | (1 << shift) - 1
        first, last = max(first, 0xDC00), min(last, 0xDFFF)
        return high + (first - 0xDC00), high + (last - 0xDC00)
    high = 0x10000 + ((mode & 0x3FF) << 10)
    return high, high + 0x3FF


@kernel("i8(i8, i8)")
def hex_digit(unit, k):
    """Digit ``k`` (0 to 3) of four hexadecimal ones, as a byte in lower case."""
    digit = (unit >> 4 * (3 - k)) & 15
    return 48 + digit if digit < 10 else 87 + digit


@kernel("i8(i8)")
def short_name(cp):
    """The letter of a character's short escape, or -1."""
    if cp == 34 or cp == 92 or cp == 47:
        return cp
    for letter in (98, 102, 110, 114, 116):
        if short_escape(letter) == cp:
            return letter
    return -1


@kernel("i8(i8, i8)")
def utf8_byte(cp, left):
    """The byte of a code point's UTF-8 form that ``left`` others follow."""
    return 0x80 | (cp >> 6 * left) & 0x3F


@kernel("i8(i8)")
def lead_byte(cp):
    """First byte of the UTF-8 form of a code point."""
    if cp < 0x80:
        return cp
    if cp < 0x800:
        return 0xC0 | cp >> 6
    return 0xE0 | cp >> 12 if cp < 0x10000 else 0xF0 | cp >> 18


@kernel("i8(i8, i8, i8)")
def spelled(mode, cp, way):
    """The next byte of a character in one of two ways (0, 1) to spell it, after what has begun; -1 if there is none."""
    tag = mode & ~0xFFFFFF
    if mode == 0:
        if way == 1:
            return 92
        return -1 if cp < 32 or cp == 34 or cp == 92 else lead_byte(cp)
    if tag == ESCAPE:
        return 117 if way == 0 else short_name(cp)
    if tag == HEX or tag == LOW:
        if tag == HEX:
            digit = hex_digit(cp if cp < 0x10000 else 0xD7C0 + (cp >> 10), (mode >> 20) & 3)
        else:
            digit = hex_digit(0xDC00 | cp & 0x3FF, (mode >> 12) & 3)
        return digit if way == 0 else digit - 32 if digit >= 97 else -1
    if way == 1:
        return -1
    if tag == UTF8:
        return utf8_byte(cp, ((mode >> 21) & 3) - 1)
    return 92 if tag == PAIR else 117
