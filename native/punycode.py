"""How long the Punycode of a label is (RFC 3492, section 6.3), without writing it."""

from __future__ import annotations

from .jit import kernel

BASE, T_MIN, T_MAX, SKEW, DAMP, BIAS, FIRST = 36, 1, 26, 38, 700, 72, 0x80


@kernel("i8(i8, i8)")
def n_digits(delta, bias):
    """Digits of a delta as a generalised variable-length integer."""
    count, k = 1, BASE
    while True:
        t = min(max(k - bias, T_MIN), T_MAX)
        if delta < t:
            return count
        delta = (delta - t) // (BASE - t)
        count += 1
        k += BASE


@kernel("i8(i8, i8, b1)")
def adapted(delta, n, is_first):
    """The bias after a delta, with ``n`` characters written."""
    delta = delta // DAMP if is_first else delta // 2
    delta += delta // n
    k = 0
    while delta > ((BASE - T_MIN) * T_MAX) // 2:
        delta //= BASE - T_MIN
        k += BASE
    return k + (BASE - T_MIN + 1) * delta // (delta + SKEW)


@kernel("i8(A, i8)")
def length(points, n):
    """Characters of the Punycode of the first ``n`` code points. O(n times distinct ones)."""
    ascii_only = 0
    for j in range(n):
        ascii_only += points[j] < FIRST
    out = ascii_only + (ascii_only > 0)
    written, least, delta, bias = ascii_only, FIRST, 0, BIAS
    while written < n:
        m = 0x110000
        for j in range(n):
            if least <= points[j] < m:
                m = int(points[j])
        delta += (m - least) * (written + 1)
        for j in range(n):
            if points[j] < m:
                delta += 1
            elif points[j] == m:
                out += n_digits(delta, bias)
                bias = adapted(delta, written + 1, written == ascii_only)
                delta = 0
                written += 1
        delta, least = delta + 1, m + 1
    return out


@kernel("i8(A, A)")
def longest_with(points, letters):
    """The greatest length when one of some letters stands in the last place of ``points``."""
    most = 0
    for j in range(len(letters)):
        points[len(points) - 1] = letters[j]
        most = max(most, length(points, len(points)))
    return most
