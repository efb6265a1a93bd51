r"""The formats of JSON Schema as automata.

Each is the grammar of the document that the specification names, as a pattern. Formats that no finite automaton of a
sensible size can hold are refused; what the others leave out or let through is said in :data:`NARROWED`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

from . import dfa
from .dfa import CharDfa
from .idn_format import idn_hostnames
from .judged import MAX_ASCII_NAME, ascii_names
from .pattern_format import pattern_dfa
from .regex import parse
from .text_set import TextSet

LATEST = 2020

# Formats that each draft of the specification was the first to define.
_SINCE = {
    4: "date-time email hostname ipv4 ipv6 uri",
    6: "uri-reference uri-template json-pointer",
    7: "date time idn-email idn-hostname iri iri-reference relative-json-pointer regex",
    2019: "duration uuid",
}
_FIRST_DRAFT = {name: draft for draft, names in _SINCE.items() for name in names.split()}

# Every text of the automaton is right, but some right ones are left out: a complement would hold these.
NARROWED = {
    "hostname": "since draft 7 a label that begins with xn-- has 56 characters at most, there must be room for 63, and"
    " it stands only in values that no other keyword constrains further.",
    "idn-hostname": "the same; labels beyond ASCII have 10 characters at most or are letters of one alphabet, none of"
    " them stands beside a label that begins with xn--, and more bounds, see `grammar/idn_format.py`.",
    "regex": "groups nest 8 deep, one named group, and more bounds, which `grammar/pattern_format.py` lists.",
}
# The specification asks for more than is checked.
WIDENED = {
    "idn-email": "any character beyond ASCII may stand in a label of the domain.",
}

# --- dates and times: RFC 3339, section 5.6 and appendix A -----------------------------------------------------------

_LEAP_YEAR = r"(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
_DATE = (
    r"(?:\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)"
    rf"|02-(?:0[1-9]|1\d|2[0-8]))|{_LEAP_YEAR}-02-29)"
)
_HOUR, _MINUTE, _FRACTION = r"(?:[01]\d|2[0-3])", r"[0-5]\d", r"(?:\.\d+)?"

_DURATION_TIME = r"T(?:\d+H(?:\d+M(?:\d+S)?)?|\d+M(?:\d+S)?|\d+S)"
_DURATION = rf"P(?:(?:\d+D|\d+M(?:\d+D)?|\d+Y(?:\d+M(?:\d+D)?)?)(?:{_DURATION_TIME})?|{_DURATION_TIME}|\d+W)"


def _time(date: str) -> CharDfa:
    """Times of day after a date; a second 60 only where it is 23:59:60 in UTC.

    The local time of 23:59 UTC is h:m at the offset +H:M with h = H, m = M - 1 (for M = 0 with h = H - 1, m = 59), and
    at -H:M with h = 23 - H, m = 59 - M. Hours and minutes are independent: two small automata are intersected.
    """
    leap = rf"60{_FRACTION}"

    def texts(*choices: str) -> CharDfa:
        return dfa.compile(parse(f"{date}(?:{'|'.join(choices)})", anchored=True))

    def pair(sign: str, hour: Callable[[int], int], minute: Callable[[int], int], minutes: range) -> CharDfa:
        hours = (f"{hour(h):02}:{_MINUTE}:{leap}{sign}{h:02}:{_MINUTE}" for h in range(24))
        same = (f"{_HOUR}:{minute(m):02}:{leap}{sign}{_HOUR}:{m:02}" for m in minutes)
        return dfa.intersection(texts(*hours), texts(*same), max_states=20_000)

    ordinary = rf"{_HOUR}:{_MINUTE}:{_MINUTE}{_FRACTION}(?:[Zz]|[+\-]{_HOUR}:{_MINUTE})"
    whole_hours = (f"{(h - 1) % 24:02}:59:{leap}\\+{h:02}:00" for h in range(24))
    return dfa.union(
        texts(ordinary, rf"23:59:{leap}[Zz]", *whole_hours),
        pair(r"\+", lambda h: h, lambda m: m - 1, range(1, 60)),
        pair("-", lambda h: 23 - h, lambda m: 59 - m, range(60)),
        max_states=20_000,
    )


# --- hosts: RFC 1034 section 3.1, RFC 5891 section 4.2.3.1, RFC 4291 section 2.2 -------------------------------------

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?"
_BYTE = r"(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])"
_IPV4 = rf"(?:{_BYTE}\.){{3}}{_BYTE}"


def _ipv6() -> str:
    group = "[0-9A-Fa-f]{1,4}"
    last = f"(?:{group}:{group}|{_IPV4})"
    forms = [f"(?:{group}:){{6}}{last}"]
    for after in range(6):
        tail = f"(?:{group}:){{{after}}}{last}"
        forms.append(f"(?:(?:{group}:){{0,{4 - after}}}{group})?::{tail}" if after < 5 else f"::{tail}")
    forms += [f"(?:(?:{group}:){{0,5}}{group})?::{group}", f"(?:(?:{group}:){{0,6}}{group})?::"]
    return f"(?:{'|'.join(forms)})"


_IPV6 = _ipv6()


def _hostname(draft: int) -> TextSet:
    """Labels of at most 63 characters, 253 in all; hyphens in places 3 and 4 of A-labels only, since draft 7."""
    reserved = "(?!..--)" if draft >= 7 else ""
    label = rf"{reserved}[A-Za-z0-9](?:[A-Za-z0-9\-]{{0,61}}[A-Za-z0-9])?"
    texts = TextSet.of(_automaton(rf"{label}(?:\.{label})*"), 1, MAX_ASCII_NAME)
    return replace(texts, whole=((ascii_names(r"\."), 1, MAX_ASCII_NAME),)) if draft >= 7 else texts


# --- mail: RFC 5321 section 4.1.2, RFC 6531 section 3.3 --------------------------------------------------------------


def _email(beyond_ascii: str) -> CharDfa:
    atom = rf"[A-Za-z0-9!#$%&'*+\-\/=?\^_`{{|}}~{beyond_ascii}]+"
    quoted = rf'"(?:[ !#-\[\]-~{beyond_ascii}]|\\[ -~])*"'
    letter = f"[A-Za-z0-9{beyond_ascii}]"
    label = rf"{letter}(?:[A-Za-z0-9\-{beyond_ascii}]*{letter})?"
    domain = rf"(?:{label}(?:\.{label})*|\[(?:{_IPV4}|IPv6:{_IPV6})\])"
    return _automaton(rf"(?:{atom}(?:\.{atom})*|{quoted})@{domain}")


# --- identifiers: RFC 3986 appendix A, RFC 3987 section 2.2, RFC 6570 section 2, RFC 6901 section 3 ------------------

_UCSCHAR = r"\u00A0-\uD7FF\uF900-\uFDCF\uFDF0-\uFFEF" + "".join(
    rf"\u{{{plane:X}{'1000' if plane == 14 else '0000'}}}-\u{{{plane:X}FFFD}}" for plane in range(1, 15)
)
_PRIVATE = r"\uE000-\uF8FF\u{F0000}-\u{FFFFD}\u{100000}-\u{10FFFD}"


def _identifier(*, relative: bool, beyond_ascii: str = "", private: str = "") -> CharDfa:
    """URI or IRI, with or without relative references."""
    unreserved, encoded = rf"A-Za-z0-9\-._~{beyond_ascii}", "%[0-9A-Fa-f]{2}"
    name = rf"(?:[{unreserved}!$&'()*+,;=]|{encoded})"
    char = rf"(?:[{unreserved}!$&'()*+,;=:@]|{encoded})"
    user = rf"(?:[{unreserved}!$&'()*+,;=:]|{encoded})*@"
    future = r"[vV][0-9A-Fa-f]+\.[A-Za-z0-9\-._~!$&'()*+,;=:]+"
    authority = rf"(?:{user})?(?:\[(?:{_IPV6}|{future})\]|{name}*)(?::\d*)?"
    rest = rf"(?:\/{char}*)*"
    query = rf"(?:\?(?:[{unreserved}!$&'()*+,;=:@\/?{private}]|{encoded})*)?"
    fragment = rf"(?:#(?:[{unreserved}!$&'()*+,;=:@\/?]|{encoded})*)?"

    def path(first: str) -> str:
        return rf"(?:\/\/{authority}{rest}|\/(?:{char}+{rest})?|{first}{rest}|)"

    absolute = rf"[A-Za-z][A-Za-z0-9+\-.]*:{path(char + '+')}"
    first = rf"(?:[{unreserved}!$&'()*+,;=@]|{encoded})+"
    return _automaton(rf"(?:{absolute}{f'|{path(first)}' if relative else ''}){query}{fragment}")


_VARIABLE_CHAR = "(?:[A-Za-z0-9_]|%[0-9A-Fa-f]{2})"
_VARIABLE = rf"{_VARIABLE_CHAR}(?:\.?{_VARIABLE_CHAR})*(?::[1-9]\d{{0,3}}|\*)?"
# Literals with the apostrophe, as RFC 6570's erratum 6937 has them.
_TEMPLATE = (
    rf"(?:[!#$&-;=?-\[\]_a-z~{_UCSCHAR}{_PRIVATE}]|%[0-9A-Fa-f]{{2}}"
    rf"|\{{[+#.\/;?&=,!@|]?{_VARIABLE}(?:,{_VARIABLE})*\}})*"
)
_POINTER = r"(?:\/(?:[^~\/]|~[01])*)*"


def _automaton(pattern: str) -> CharDfa:
    return dfa.compile(parse(pattern, anchored=True))


_BUILDERS: dict[str, Callable[[], CharDfa]] = {
    "date": lambda: _automaton(_DATE),
    "time": lambda: _time(""),
    "date-time": lambda: _time(_DATE + "[Tt]"),
    "duration": lambda: _automaton(_DURATION),
    "email": lambda: _email(""),
    "idn-email": lambda: _email(r"\u0080-\u{10FFFF}"),
    "ipv4": lambda: _automaton(_IPV4),
    "ipv6": lambda: _automaton(_IPV6),
    "uri": lambda: _identifier(relative=False),
    "uri-reference": lambda: _identifier(relative=True),
    "iri": lambda: _identifier(relative=False, beyond_ascii=_UCSCHAR, private=_PRIVATE),
    "iri-reference": lambda: _identifier(relative=True, beyond_ascii=_UCSCHAR, private=_PRIVATE),
    "uri-template": lambda: _automaton(_TEMPLATE),
    "json-pointer": lambda: _automaton(_POINTER),
    "regex": pattern_dfa,
    "relative-json-pointer": lambda: _automaton(rf"(?:0|[1-9]\d*)(?:#|{_POINTER})"),
    "uuid": lambda: _automaton("[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"),
}


def format_texts(name: str, *, draft: int = LATEST) -> TextSet | None:
    """The texts of a format, made once.

    Parameters
    ----------
    name : str
    draft : int
        4, 6, 7, 2019 or 2020.

    Returns
    -------
    TextSet or None
        None where the draft does not define the format: it is an annotation then. Of a format in `NARROWED`, the
        complement says nothing.
    """
    if draft < _FIRST_DRAFT.get(name, draft + 1):
        return None
    return _format(name, 7 if name == "hostname" and draft >= 7 else 4)


@cache
def as_dfa(texts: TextSet) -> CharDfa:
    """A set of texts as one automaton, without those that must be judged."""
    built = [
        dfa.restrict_length(d or dfa.ALL_TEXTS, a, b, max_states=100_000)
        for d, a, b in replace(texts, whole=()).parts()
    ]
    return dfa.union(*built, max_states=100_000)


@cache
def _format(name: str, draft: int) -> TextSet:
    if name == "hostname":
        return _hostname(draft)
    return idn_hostnames() if name == "idn-hostname" else TextSet.of(_BUILDERS[name]())
