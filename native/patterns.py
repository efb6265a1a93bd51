"""Plain patterns of ECMA-262 as programs: characters, classes, groups, counts and alternatives.

Most patterns of schemas consist of nothing else. They are read here in one pass, by the rules of
:mod:`detent.grammar.regex`, which reads all others: whatever is not plain, and whatever is wrong, is left to it.

Instructions are those of :class:`detent.grammar.program.Code`, with targets relative to the instruction itself while a
pattern is read. So a fragment means the same wherever it stands: it is moved to make room for a split before it, and
copied where it is repeated.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .char_classes import END
from .dfa import ACCEPT, SPLIT, compiled
from .jit import kernel

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]

LABEL, X, Y = 0, 1, 2  # rows of code
N_CODE, N_POINTS, N_SETS, N_RANGES = 0, 1, 2, 3  # counts
# sets with a name, and those of characters that a dot matches, and of all; each after the end of its boundaries
DIGIT, WORD, SPACE, NO_DIGIT, NO_WORD, NO_SPACE, DOT, ANY, N_KNOWN = 0, 1, 2, 3, 4, 5, 6, 7, 8
MOST_CODE, MOST_SETS, MOST_POINTS, MOST_DEEP, MOST_DIGITS = 4_000, 500, 4_000, 100, 4
NO_BOUND = -1
NOT_PLAIN = -1
_SURROGATES, _BEHIND_SURROGATES = 0xD800, 0xE000
_FIRST_SET = END  # an escape that is no character is this and the number of a known set
_BACKSLASH, _HAT, _DOLLAR, _BAR, _DASH, _POINT, _COLON, _COMMA = map(ord, "\\^$|-.:,")
_ANY_TIMES, _ONCE_AND_MORE, _PERHAPS = map(ord, "*+?")
_GROUP, _GROUP_END, _CLASS, _CLASS_END, _COUNT, _COUNT_END = map(ord, "()[]{}")
_SETS, _SIGNS = tuple(map(ord, "dwsDWS")), tuple(zip(map(ord, "tnvfr"), b"\t\n\v\f\r", strict=True))
_BYTE, _UNIT = ord("x"), ord("u")


@kernel("i8(uint8[::1], i8)")
def _char(text: U8, at: int) -> int:
    """The character at a place; -1 at the end."""
    return int(text[at]) if at < len(text) else -1


@kernel("boolean(i8)")
def _is_digit(c: int) -> bool:
    """Whether a character is a digit."""
    return 48 <= c < 58


@kernel("i8(uint8[::1], i8, i8)")
def _hexadecimal(text: U8, at: int, n: int) -> int:
    """The number that so many digits spell; -1 if they do not."""
    found = 0
    for k in range(at, at + n):
        c = _char(text, k)
        if _is_digit(c):
            found = 16 * found + c - 48
        elif 65 <= c & ~32 < 71:
            found = 16 * found + (c & ~32) - 55
        else:
            return -1
    return found


@kernel("i8(uint8[::1], i8)")
def _escape(text: U8, at: int) -> int:
    """What is behind a backslash: a character or `_FIRST_SET` and more, times 8, and how long it is; or `NOT_PLAIN`."""
    c = _char(text, at)
    for k, name in enumerate(_SETS):
        if c == name:
            return (_FIRST_SET + k) * 8 + 1
    for name, means in _SIGNS:
        if c == name:
            return means * 8 + 1
    if c == _BYTE or c == _UNIT:
        n = 2 if c == _BYTE else 4
        found = _hexadecimal(text, at + 1, n)
        return NOT_PLAIN if found < 0 or _SURROGATES <= found < _BEHIND_SURROGATES else found * 8 + 1 + n
    if c < 0 or _is_digit(c) or 65 <= c & ~32 < 91:
        return NOT_PLAIN
    return int(c * 8 + 1)


@kernel("i8(uint8[::1], i8)")
def _atom(text: U8, at: int) -> int:
    """The same of a character with or without a backslash."""
    c = _char(text, at)
    if c != _BACKSLASH:
        return int(c * 8 + 1)
    found = _escape(text, at + 1)
    return NOT_PLAIN if found < 0 else found + 1


@kernel("void(int32[::1], int64[::1], i8, i8)")
def _put_range(ranges: I32, n: I64, first: int, past: int) -> None:
    """Take a range of characters into the class that is read, in ascending order."""
    k = n[N_RANGES]
    while k > 0 and ranges[2 * k - 2] > first:
        ranges[2 * k], ranges[2 * k + 1] = ranges[2 * k - 2], ranges[2 * k - 1]
        k -= 1
    ranges[2 * k], ranges[2 * k + 1] = first, past
    n[N_RANGES] += 1


@kernel("void(int32[::1], int64[::1], int32[::1], i8)")
def _put_known(ranges: I32, n: I64, known: I32, k: int) -> None:
    """The same for a set with a name."""
    for at in range(known[k - 1] if k else N_KNOWN, known[k], 2):
        _put_range(ranges, n, known[at], known[at + 1])


@kernel("i8(uint8[::1], i8, int32[::1], int32[::1], int64[::1])")
def _read_class(text: U8, at: int, known: I32, ranges: I32, n: I64) -> int:
    """Read a class behind its bracket (and hat); the place behind it, or `NOT_PLAIN`."""
    while _char(text, at) != _CLASS_END:
        if 2 * n[N_RANGES] + 64 > len(ranges) or at >= len(text):
            return NOT_PLAIN
        found = _atom(text, at)
        first, at = found >> 3, at + (found & 7)
        if found < 0:
            return NOT_PLAIN
        if first >= _FIRST_SET:
            _put_known(ranges, n, known, first - _FIRST_SET)
            continue
        last = first
        if _char(text, at) == _DASH and _char(text, at + 1) not in (_CLASS_END, -1):
            found = _atom(text, at + 1)
            last, at = found >> 3, at + 1 + (found & 7)
            if found < 0:
                return NOT_PLAIN
            if last >= _FIRST_SET:
                _put_known(ranges, n, known, last - _FIRST_SET)
                _put_range(ranges, n, _DASH, _DASH + 1)
                last = first
            if last < first:
                return NOT_PLAIN
        _put_range(ranges, n, first, last + 1)
    return at + 1


@kernel("i8(int32[::1], i8, i8, i8)")
def _put_piece(points: I32, n_points: int, first: int, past: int) -> int:
    """Append a range to the boundaries of a set, without surrogates; the number of all boundaries then."""
    for lo, hi in ((first, min(past, _SURROGATES)), (max(first, _BEHIND_SURROGATES), past)):
        if lo < hi:
            points[n_points], points[n_points + 1] = lo, hi
            n_points += 2
    return n_points


@kernel("i8(int32[::1], int64[::1], int32[::1], int32[::1], i8)")
def _put_set(ranges: I32, n: I64, points: I32, past: I32, negative: int) -> int:
    """Make a set of the class that was read: its number, or `NOT_PLAIN` where there is no room. Equal sets are one."""
    first = end = n[N_POINTS]
    if end + 2 * n[N_RANGES] + 8 > len(points) or n[N_SETS] == len(past):
        return NOT_PLAIN
    k, reached = 0, 0  # all below is in the set, or out of it
    while k < n[N_RANGES]:
        lo, hi = ranges[2 * k], ranges[2 * k + 1]
        k += 1
        while k < n[N_RANGES] and ranges[2 * k] <= hi:
            hi = max(hi, ranges[2 * k + 1])
            k += 1
        if negative:
            end = _put_piece(points, end, reached, lo)
        else:
            end = _put_piece(points, end, lo, hi)
        reached = hi
    if negative:
        end = _put_piece(points, end, reached, END)
    n[N_RANGES] = 0
    begin = 0
    for s in range(n[N_SETS]):
        k = 0
        while k < end - first and past[s] - begin == end - first and points[begin + k] == points[first + k]:
            k += 1
        if k == end - first and past[s] - begin == k:
            return s
        begin = past[s]
    past[n[N_SETS]], n[N_POINTS] = end, end
    n[N_SETS] += 1
    return int(n[N_SETS] - 1)


@kernel("void(int32[:,::1], int64[::1], i8, i8, i8)")
def _put(code: I32, n: I64, label: int, x: int, y: int) -> None:
    """Append an instruction, for which there is room."""
    code[LABEL, n[N_CODE]], code[X, n[N_CODE]], code[Y, n[N_CODE]] = label, x, y
    n[N_CODE] += 1


@kernel("void(int32[:,::1], int64[::1], i8, i8)")
def _split_before(code: I32, n: I64, start: int, y: int) -> None:
    """Move all from an instruction on by one, and put a split in front that goes on there or elsewhere."""
    for row in range(3):
        for i in range(n[N_CODE], start, -1):
            code[row, i] = code[row, i - 1]
    code[LABEL, start], code[X, start], code[Y, start] = SPLIT, 1, y
    n[N_CODE] += 1


@kernel("void(int32[:,::1], int64[::1], i8, i8)")
def _copy(code: I32, n: I64, start: int, size: int) -> None:
    """Append a copy of a fragment."""
    for row in range(3):
        for i in range(size):
            code[row, n[N_CODE] + i] = code[row, start + i]
    n[N_CODE] += size


@kernel("boolean(int32[:,::1], int64[::1], i8, i8, i8)")
def _repeat(code: I32, n: I64, start: int, low: int, high: int) -> bool:
    """Repeat the last fragment, which is not empty; False where there is no room."""
    size = n[N_CODE] - start
    times = max(low, high, 1)
    if size * times + 2 * times + n[N_CODE] > code.shape[1]:
        return False
    if high == 0:
        n[N_CODE] = start
        return True
    for _ in range(1, low):
        _copy(code, n, start, size)
    if high == NO_BOUND and low:
        _put(code, n, SPLIT, -size, 1)
    elif high == NO_BOUND:
        _split_before(code, n, start, size + 2)
        _put(code, n, SPLIT, -size - 1, -size - 1)
    else:
        if low == 0:  # the fragment itself is the first that may be left out
            _split_before(code, n, start, 0)
            first, copies = start, high - 1
        else:
            first, copies = n[N_CODE], high - low
        for _ in range(copies):
            _put(code, n, SPLIT, 1, 0)
            _copy(code, n, start + (low == 0), size)
        for split in range(first, n[N_CODE], size + 1):
            code[Y, split] = n[N_CODE] - split
    return True


@kernel("i8(uint8[::1], i8, int64[::1])")
def _quantifier(text: U8, at: int, bounds: I64) -> int:
    """How long the quantifier at a place is, its bounds apart; 0 for none, `NOT_PLAIN` for one to look at again."""
    c, start = _char(text, at), at
    bounds[0], bounds[1] = int(c == _ONCE_AND_MORE), 1 if c == _PERHAPS else NO_BOUND
    if c == _COUNT:
        digits = at + 1
        for k in range(2):
            at, count = digits, 0
            while _is_digit(_char(text, digits)) and digits - at < MOST_DIGITS:
                count, digits = 10 * count + _char(text, digits) - 48, digits + 1
            if _is_digit(_char(text, digits)):
                return NOT_PLAIN
            if k == 0 and digits == at:
                return 0
            bounds[k] = count if digits > at else NO_BOUND
            if k == 0 and _char(text, digits) != _COMMA:
                bounds[1] = count
                break
            digits += 1 - k
        if _char(text, digits) != _COUNT_END:
            return 0
        at = digits
    elif c not in (_ANY_TIMES, _ONCE_AND_MORE, _PERHAPS):
        return 0
    at += 1 + (_char(text, at + 1) == _PERHAPS)
    is_doubled = _char(text, at) in (_ANY_TIMES, _ONCE_AND_MORE, _PERHAPS, _COUNT)
    if is_doubled or (bounds[1] != NO_BOUND and bounds[1] < bounds[0]):
        return NOT_PLAIN
    return at - start


@kernel("i8(uint8[::1], i8, int32[::1], int32[::1], int32[::1], int32[::1], int64[::1], int64[::1])")
def _read_set(text: U8, at: int, known: I32, ranges: I32, points: I32, past: I32, n: I64, found: I64) -> int:
    """Read one character or set; the place behind it, or `NOT_PLAIN`. ``found``: gets the number of the set."""
    c, negative = _char(text, at), 0
    if c == _CLASS:
        negative = int(_char(text, at + 1) == _HAT)
        at = _read_class(text, at + 1 + negative, known, ranges, n)
    elif c == _POINT:
        _put_known(ranges, n, known, DOT)
        at += 1
    else:
        atom = _atom(text, at)
        at = at + (atom & 7) if atom >= 0 else NOT_PLAIN
        if atom >> 3 >= _FIRST_SET:
            _put_known(ranges, n, known, (atom >> 3) - _FIRST_SET)
        elif atom >= 0:
            _put_range(ranges, n, atom >> 3, (atom >> 3) + 1)
    if at < 0:
        return NOT_PLAIN
    found[0] = _put_set(ranges, n, points, past, negative)
    return at if found[0] >= 0 else NOT_PLAIN


@kernel("void(int32[:,::1], int64[::1], int32[::1], i8, i8)")
def _close_alternatives(code: I32, n: I64, jumps: I32, first: int, past: int) -> None:
    """Let the alternatives of a group lead behind it."""
    for k in range(first, past):
        code[X, jumps[k]] = code[Y, jumps[k]] = n[N_CODE] - jumps[k]


@kernel("i8(uint8[::1], int32[::1], int32[:,::1], int32[::1], int32[::1], int64[::1], boolean)", allocates=True)
def _read(text: U8, known: I32, code: I32, points: I32, past: I32, n: I64, is_anchored: bool) -> int:
    """Read a pattern without the anchors at its ends; 0, or `NOT_PLAIN`."""
    ranges, jumps = np.empty(1024, np.int32), np.empty(MOST_CODE, np.int32)
    found, bounds = np.zeros(1, np.int64), np.zeros(2, np.int64)
    frames = np.empty((MOST_DEEP, 3), np.int64)  # of each group around: its last alternative, its jumps, its beginning
    at = depth = n_jumps = first_jump = 0
    branch = start = n[N_CODE]
    while at < len(text):
        c = _char(text, at)
        if n[N_CODE] + 8 > MOST_CODE:
            return NOT_PLAIN
        if c == _BAR:
            if is_anchored and depth == 0:
                return NOT_PLAIN
            _split_before(code, n, branch, n[N_CODE] - branch + 2)
            jumps[n_jumps] = n[N_CODE]
            _put(code, n, SPLIT, 0, 0)
            branch, n_jumps, at = n[N_CODE], n_jumps + 1, at + 1
            continue
        if c == _GROUP:
            if _char(text, at + 1) == _PERHAPS:
                if _char(text, at + 2) != _COLON:
                    return NOT_PLAIN
                at += 2
            if depth == MOST_DEEP:
                return NOT_PLAIN
            frames[depth, 0], frames[depth, 1], frames[depth, 2] = branch, first_jump, start
            branch, first_jump, start = n[N_CODE], n_jumps, n[N_CODE]
            depth, at = depth + 1, at + 1
            continue
        if c == _GROUP_END:
            if depth == 0:
                return NOT_PLAIN
            _close_alternatives(code, n, jumps, first_jump, n_jumps)
            atom, n_jumps, depth, at = start, first_jump, depth - 1, at + 1
            branch, first_jump, start = frames[depth, 0], frames[depth, 1], frames[depth, 2]
        elif c in (_HAT, _DOLLAR) or _quantifier(text, at, bounds) != 0:
            return NOT_PLAIN
        else:
            atom = n[N_CODE]
            at = _read_set(text, at, known, ranges, points, past, n, found)
            if at < 0:
                return NOT_PLAIN
            _put(code, n, found[0], 0, 0)
        length = _quantifier(text, at, bounds)
        if length < 0:
            return NOT_PLAIN
        at += length
        if length and atom < n[N_CODE] and not _repeat(code, n, atom, bounds[0], bounds[1]):
            return NOT_PLAIN
    _close_alternatives(code, n, jumps, 0, n_jumps)
    return 0 if depth == 0 else NOT_PLAIN


@kernel("i8(int32[:,::1], int64[::1], int32[::1], int32[::1], int32[::1])", allocates=True)
def _any_text(code: I32, n: I64, known: I32, points: I32, past: I32) -> int:
    """Append a fragment that any text passes; 0, or `NOT_PLAIN` where there is no room."""
    ranges = np.empty(16, np.int32)
    _put_known(ranges, n, known, ANY)
    number = _put_set(ranges, n, points, past, 0)
    if number < 0 or n[N_CODE] + 8 > MOST_CODE:
        return NOT_PLAIN
    start = n[N_CODE]
    _put(code, n, number, 0, 0)
    return 0 if _repeat(code, n, start, 0, NO_BOUND) else NOT_PLAIN


@kernel(
    "Tuple((int32[::1], int32[::1], int32[:,::1], int32[::1], int64, int64))(uint8[::1], int32[::1], int64, int64)",
    nogil=True,
    allocates=True,
)
def compiled_pattern(text: U8, known: I32, max_states: int, max_size: int) -> tuple[I32, I32, I32, I32, int, int]:
    """The smallest automaton of the texts in which a pattern is found, if it is plain.

    Parameters
    ----------
    text : (n,) uint8
        Its characters, all of them ASCII.
    known : int32
        Where the boundaries of each known set end, and those boundaries.
    max_states, max_size : int

    Returns
    -------
    tuple
        As of :func:`.dfa.compiled`; the number of states is `NOT_PLAIN` where a pattern is not plain, or wrong.
    """
    code, n = np.empty((3, MOST_CODE), np.int32), np.zeros(4, np.int64)
    points, past = np.empty(MOST_POINTS, np.int32), np.empty(MOST_SETS, np.int32)
    end = len(text)
    is_fixed = end > 0 and text[0] == _HAT
    is_closed = end > 1 and text[end - 1] == _DOLLAR and text[end - 2] != _BACKSLASH
    inner = text[int(is_fixed) : end - int(is_closed)]
    failed = 0
    if not is_fixed:
        failed = _any_text(code, n, known, points, past)
    if failed == 0:
        failed = _read(inner, known, code, points, past, n, is_fixed or is_closed)
    if failed == 0 and not is_closed:
        failed = _any_text(code, n, known, points, past)
    if failed < 0:
        return past[:0], past[:0], code[:, :0].copy(), past[:0], np.int64(NOT_PLAIN), np.int64(0)
    _put(code, n, ACCEPT, 0, 0)
    n_code, n_sets = n[N_CODE], n[N_SETS]
    words = np.empty(3 * n_code + n_sets + n[N_POINTS], np.int32)
    for i in range(n_code):
        words[i], words[n_code + i], words[2 * n_code + i] = code[LABEL, i], code[X, i] + i, code[Y, i] + i
    words[3 * n_code : 3 * n_code + n_sets] = past[:n_sets]
    words[3 * n_code + n_sets :] = points[: n[N_POINTS]]
    starts, cls, trans, accept, n_states, size = compiled(words, n_code, n_sets, max_states, max_size)
    return starts, cls, trans, accept, n_states, size
