r"""The format ``regex``: patterns of ECMA-262 with flag u, as far as a finite automaton of a sensible size can tell.

Whether a pattern is valid depends on nested groups, on the order of two numbers or characters of any size, and on names
that must be equal. The automaton holds every pattern within these bounds, and none that is not valid:

* groups nest 8 deep; a lookahead or lookbehind stands in at most one group, and three more may nest inside;
* in ``{n,m}`` both numbers have one digit, or ``m`` has more digits, or as many (two or three) and a greater first one;
  ``{n0,nm}`` is fine, too;
* in ``[a-b]`` the first is a letter or digit of ASCII, a space, ``!``, or the first letter of an alphabet (``[а-я]``);
  or both are ``\xXX`` or ``\uXXXX``, and the first is 0, or 80 or 0100 or 8000 lies between the two;
* ``\1`` stands somewhere after the first group; there is one named group at most;
* ``\k<n>`` comes once, outside of all groups; the name has one letter, and from the group on there are only characters,
  ``.``, ``\d`` and its kin, with ``*``, ``+`` or ``?`` behind them;
* ``\p{...}`` is a general category by its short name; no ``(?i:...)``.
"""

from __future__ import annotations

from string import ascii_letters, digits

from . import dfa
from .dfa import CharDfa
from .regex import parse
from .regular import EMPTY, Regular, alt, literal, repeat, seq

MAX_DEPTH = 8
# Groups around a lookahead or lookbehind, and those inside.
MAX_AROUND, MAX_INSIDE = 1, 3

_SYNTAX = r"\^$.*+?()[]{}|/"
_CATEGORIES = (
    "L LC Lu Ll Lt Lm Lo M Mn Mc Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po S Sm Sc Sk So Z Zs Zl Zp C Cc Cf Cs Co Cn"
)

_FIRST = "ÀàΑαАаאءぁァ一가"


def _whole(pattern: str) -> Regular:
    return parse(pattern, anchored=True)


def _any_of(texts: list[str]) -> Regular:
    return alt(*map(_whole, texts))


def _escapes(more: str) -> Regular:
    r"""Escapes that stand anywhere, those of sets included, and of the characters of `more`."""
    syntax = "".join(rf"\{char}" for char in _SYNTAX)
    point = r"\\u\{0*(?:[0-9A-Fa-f]{1,5}|10[0-9A-Fa-f]{4})\}"
    category = rf"\\[pP]\{{(?:{'|'.join(_CATEGORIES.split())})\}}"
    return _whole(
        rf"\\(?:[dDwWsStnvfr0{syntax}{more}]|c[A-Za-z]|x[0-9A-Fa-f]{{2}}|u[0-9A-Fa-f]{{4}})|{point}|{category}"
    )


def _quantifier() -> Regular:
    pairs = [r"\d+,?", r"0,\d+", r"\d,[1-9]\d+", r"[1-9]\d,[1-9]\d{2,}", r"[1-9]\d\d,[1-9]\d{3,}"]
    for digit in range(1, 10):
        pairs.append(f"{digit},[{digit}-9]")
        pairs.append(rf"{digit}0,{digit}\d")
        if digit < 9:
            pairs += [rf"{digit}\d,[{digit + 1}-9]\d", rf"{digit}\d\d,[{digit + 1}-9]\d\d"]
    return seq(alt(_whole("[*+?]"), seq(literal("{"), _any_of(pairs), literal("}"))), _whole(r"\??"))


def _ranges() -> Regular:
    """Ranges of a class."""
    hexadecimal = "[0-9A-Fa-f]"
    found = [
        rf"{chr(first)}-[^\\\]\-\0-{chr(first - 1)}]" for first in map(ord, " !" + ascii_letters + digits + _FIRST)
    ]
    found += [
        rf"\\u0000-\\u{hexadecimal}{{4}}|\\x00-\\x{hexadecimal}{{2}}",
        rf"\\u00{hexadecimal}{{2}}-\\u(?:0[1-9A-Fa-f]|[1-9A-Fa-f]{hexadecimal}){hexadecimal}{{2}}",
        rf"\\u[0-7]{hexadecimal}{{3}}-\\u[89A-Fa-f]{hexadecimal}{{3}}|\\x[0-7]{hexadecimal}-\\x[89A-Fa-f]{hexadecimal}",
    ]
    return _any_of(found)


def _character_class() -> Regular:
    plain = alt(_whole(r"[^\\\]\-]"), _escapes(r"b\-"))
    run = seq(alt(plain, literal("-")), repeat(plain, 0, None))
    ranges = seq(repeat(run, 0, 1), _ranges())
    end = alt(seq(run, _whole("-?")), _whole(""))
    return seq(_whole(r"\[\^?"), repeat(ranges, 0, None), end, literal("]"))


def _named_pair() -> Regular:
    r"""A named group and ``\k`` with its name."""
    simple = _whole(
        rf"(?:(?:[^\^$\\.*+?()\[\]{{}}|]|\.|\\[dDwWsStnvfr{''.join(chr(92) + c for c in _SYNTAX)}])(?:[*+?]\??)?)*"
    )
    return alt(
        *(
            seq(literal(f"(?<{letter}>"), simple, literal(")"), simple, literal(rf"\k<{letter}>"))
            for letter in ascii_letters
        )
    )


def pattern_dfa() -> CharDfa:
    """The automaton of the format: 16,000 states, made in about a second."""
    atom = alt(_whole(r"[^\^$\\.*+?()\[\]{}|]|\.|\\1"), _escapes(""), _character_class())
    quantifier = repeat(_quantifier(), 0, 1)
    open_group, close = _whole(r"\((?:\?:|\?<[A-Za-z_$][\w$]*>)?"), literal(")")
    open_look, edges = _whole(r"\(\?<?[=!]"), _whole(r"\^|\$|\\[bB]|\|")

    def terms(depth: int, around: int, pair: Regular = EMPTY) -> Regular:
        """Terms in which groups nest so deep, and lookarounds in so many of them (-1: none)."""
        inside = seq(open_group, terms(depth - 1, around - 1), close) if depth else EMPTY
        looks = seq(open_look, terms(min(depth - 1, MAX_INSIDE), -1), close) if depth and around >= 0 else EMPTY
        return repeat(alt(edges, looks, seq(alt(atom, inside, pair), quantifier)), 0, None)

    return dfa.intersection(
        dfa.compile(terms(MAX_DEPTH, MAX_AROUND, _named_pair()), max_states=100_000),
        _references(),
        _names(),
        max_states=100_000,
    )


# What a pattern is made of, as far as groups and references are concerned.
_OTHER = r"(?:[^\\(\[]|\\(?:[^0-9]|0(?!\d))|\[(?:[^\]\\]|\\(?:[^0-9]|0(?!\d)))*\]|\(\?(?:[:=!]|<[=!]))"
_NAMED = r"\(\?<[A-Za-z_$]"
_UNNAMED = r"\((?!\?)"


def _references() -> CharDfa:
    group = f"(?:{_NAMED}|{_UNNAMED})"
    return dfa.compile(_whole(rf"{_OTHER}*(?:{group}(?:{_OTHER}|{group}|\\1(?!\d))*)?"))


def _names() -> CharDfa:
    others = rf"(?:{_OTHER}|{_UNNAMED}|\\1)*"
    return dfa.compile(_whole(rf"{others}(?:{_NAMED}{others})?"))
