"""Terminals: from what is written to the patterns that Lark makes of it, character for character.

The text of a pattern counts, not only its language: Lark orders terminals by length of match and of text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .flat import Terminal
from .pattern import Unsupported, read
from .syntax import GROUP, LITERAL, MAYBE, RANGE, REPEAT, Alternatives, Item, NotRead

if TYPE_CHECKING:
    from .modules import Entry

_ESCAPE = re.compile(r"\\(?:([\\'\"])|([nftr])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\s\S]?))")
_CONTROLS = {"n": "\n", "f": "\f", "t": "\t", "r": "\r"}
_KEPT = re.compile(r"\\([\s\S]?)")


class TerminalPattern:
    """A pattern as Lark holds it: a text, flags, and whether it is a plain string.

    Attributes
    ----------
    text : str
    flags : frozenset of str
    plain : bool
    """

    __slots__ = ("_regexp", "_widths", "flags", "plain", "text")

    def __init__(self, text: str, flags: frozenset[str] = frozenset(), plain: bool = False) -> None:
        self.text, self.flags, self.plain = text, flags, plain
        self._regexp: str | None = None
        self._widths: tuple[int, int] | None = None

    @property
    def key(self) -> tuple[str, frozenset[str], bool]:
        """Equal for what Lark takes to be one terminal."""
        return self.text, self.flags, self.plain

    @property
    def regexp(self) -> str:
        """The pattern with its flags around it."""
        if self._regexp is None:
            self._regexp = self.terminal("").regexp
        return self._regexp

    @property
    def order(self) -> tuple[int, int, int]:
        """Lark sorts alternatives inside a terminal by this key."""
        if self._widths is None:
            self._widths = (len(self.text), len(self.text)) if self.plain else _widths(self.regexp)
        return -self._widths[1], -self._widths[0], -len(self.text)

    def terminal(self, name: str, priority: int = 0) -> Terminal:
        """A terminal with this pattern."""
        return Terminal(name, self.text, self.flags, self.plain, priority)


def _widths(regexp: str) -> tuple[int, int]:
    try:
        found = read(regexp)
    except (Unsupported, re.error, OverflowError) as error:
        raise NotRead(str(error)) from error
    return found.min_width, found.max_width


@lru_cache(maxsize=4096)
def literal(item: tuple[Any, ...]) -> TerminalPattern:
    """The pattern of a literal or range."""
    if item[0] == RANGE:
        first, last = item[1], item[2]
        if len(unescaped(first[1:-1])) != 1 or len(unescaped(last[1:-1])) != 1:
            raise NotRead("a range of more than characters")
        return TerminalPattern(f"[{first[1:-1]}-{last[1:-1]}]")
    token: str = item[1]
    end = max(token.rfind("/"), token.rfind('"')) + 1
    flags = frozenset(token[end:])
    plain = token[0] == '"'
    if "\n" in token and (plain or "x" not in flags):
        raise NotRead("a newline in a literal")
    text = unescaped(token[1 : end - 1])
    if not text:
        raise NotRead("an empty literal")
    return TerminalPattern(text.replace("\\\\", "\\") if plain else text, flags, plain)


def unescaped(text: str) -> str:
    r"""Lark's own evaluation of escapes: ``\n``, ``\x41`` and the like become characters, others stay for `re`.

    Lark doubles the backslashes that are to stay, turns ``\"`` into a quote, and has Python evaluate the rest. The
    steps are kept apart here as they are there, because they meet in texts like ``\\"``.
    """
    if "\\" not in text:
        if "\r" in text or "\0" in text:
            raise NotRead("a control character")
        return text
    doubled = _KEPT.sub(_doubled, text).replace('\\"', '"').replace("'", "\\'")
    if "\r" in doubled or "\0" in doubled:
        raise NotRead("a control character")
    return _ESCAPE.sub(_evaluated, doubled)


def _doubled(match: re.Match[str]) -> str:
    char = match[1]
    if not char:
        raise NotRead("a backslash at the end")
    if char == "\\":
        return "\\\\\\\\"
    return match[0] if char in "Uuxnftr" else "\\" + match[0]


def _evaluated(match: re.Match[str]) -> str:
    if match[1]:
        return match[1]
    if match[2]:
        return _CONTROLS[match[2]]
    digits = match[3] or match[4] or match[5]
    if not digits or int(digits, 16) > 0x10FFFF:
        raise NotRead("an escape")
    return chr(int(digits, 16))


class TerminalReader:
    """Patterns of the terminals of one grammar, whose names stand for each other's patterns.

    Parameters
    ----------
    scope : mapping
        What the names stand for (entries with a definition and, where it was written elsewhere, its own pattern).
    """

    def __init__(self, scope: Mapping[str, Entry]) -> None:
        self._scope = scope
        self._known: dict[str, TerminalPattern | None] = {}

    def pattern(self, name: str) -> TerminalPattern:
        """The pattern of a terminal."""
        if name in self._known:
            found = self._known[name]
            if found is None:
                raise NotRead("a terminal that refers to itself")
            return found
        entry = self._scope.get(name)
        if entry is None or entry.definition.alternatives is None:
            raise NotRead("a terminal that is not defined")
        self._known[name] = None
        own = entry.home.reader is self
        found = self._known[name] = self.of(entry.definition.alternatives) if own else entry.pattern
        return found

    def of(self, alternatives: Alternatives) -> TerminalPattern:
        """The pattern of a whole definition."""
        if _n_sequences(alternatives) == 1 and not alternatives[0][0]:
            raise NotRead("an empty terminal")
        return self._alternatives(alternatives)

    def _alternatives(self, alternatives: Alternatives) -> TerminalPattern:
        found = [self._sequence(items) for items, _ in alternatives]
        if len(found) == 1:
            return found[0]
        found.sort(key=lambda pattern: pattern.order)
        return TerminalPattern(f"(?:{'|'.join(pattern.regexp for pattern in found)})")

    def _sequence(self, items: tuple[Item, ...]) -> TerminalPattern:
        if not items:
            return TerminalPattern("", plain=True)
        found = [self._item(item) for item in items]
        return found[0] if len(found) == 1 else TerminalPattern("".join(pattern.regexp for pattern in found))

    def _item(self, item: Item) -> TerminalPattern:
        if isinstance(item, str):
            return self.pattern(item)
        kind = item[0]
        if kind in (LITERAL, RANGE):
            return literal(item)
        if kind == GROUP:
            return self._alternatives(item[1])
        if kind == MAYBE:
            return _repeated(self._alternatives(item[1]), "?")
        if kind != REPEAT:
            raise NotRead("a template in a terminal")
        _, inner, op, low, high = item
        if op == "~":
            op = f"{{{low}}}" if high is None else f"{{{low},{high}}}"
        return _repeated(self._item(inner), op)


def _repeated(pattern: TerminalPattern, op: str) -> TerminalPattern:
    return TerminalPattern(f"(?:{pattern.regexp}){op}", pattern.flags)


def _n_sequences(alternatives: Alternatives) -> int:
    """How many sequences there are, also in groups; Lark refuses terminals with a single empty one."""
    return sum(1 + sum(map(_inner, items)) for items, _ in alternatives)


def _inner(item: Item) -> int:
    if isinstance(item, str):
        return 0
    if item[0] == REPEAT:
        return _inner(item[1])
    return _n_sequences(item[1]) if item[0] in (GROUP, MAYBE) else 0
