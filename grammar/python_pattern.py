r"""Patterns of ECMA-262 as patterns of Python's :mod:`re` with the same meaning, for validators that use it.

Sets of characters are spelled out (``\d`` is ASCII, ``$`` the very end), references to groups that took no part match
nothing. What `re` cannot do remains: lookbehinds need a fixed width, and groups in a loop keep their last text.
"""

from __future__ import annotations

import re

from . import charset
from .charset import CharSet
from .regex import MAX_DEPTH, Parser

_GROUP = re.compile(r"\(\?(?:(?P<look><?[=!])|P?<(?P<name>[^>]*)>|(?P<on>[ims]*)(?:-(?P<off>[ims]*))?(?P<end>[:)]))")


def translate(pattern: str) -> str:
    r"""The pattern that `re.search` needs to find what ``pattern`` finds.

    Raises
    ------
    GrammarError
        It is no pattern of ECMA-262.

    Examples
    --------
    >>> translate(r"^\d$")
    '\\A[0-9]\\Z'
    """
    reader = Parser(pattern, MAX_DEPTH)
    reader.pattern_text()
    return _Translator(Parser(pattern, MAX_DEPTH), reader.names).text()


class _Translator:
    """One walk over the text of a pattern that is known to be right."""

    def __init__(self, reader: Parser, names: dict[str, tuple[int, ...]]) -> None:
        self.reader, self.pattern, self.names = reader, reader.pattern, names
        self.flags: list[frozenset[str]] = [frozenset()]  # of the groups that are open

    def text(self) -> str:
        found = []
        while self.reader.at < len(self.pattern):
            found.append(self.piece())
        return "".join(found)

    def piece(self) -> str:
        """What stands at the place of the reader, which moves on."""
        reader, at = self.reader, self.reader.at
        char = self.pattern[at]
        if char == "(":
            return self.group()
        reader.at += 1
        reader.flags = self.flags[-1]
        if char == ")":
            self.flags.pop()
        if char in "|)*+?" or (char == "{" and re.match(r"\{[0-9]+(,[0-9]*)?\}", self.pattern[at:])):
            reader.at = at + (self.pattern[at:].index("}") + 1 if char == "{" else 1)
            return self.pattern[at : reader.at]
        if char in "^$":
            return self.edge(char)
        if char == ".":
            return _spelled(charset.ANY if "s" in self.flags[-1] else charset.DOT)
        if char == "[":
            return _spelled(reader.character_class())
        return self.escape() if char == "\\" else re.escape(char)

    def edge(self, char: str) -> str:
        edge = r"\A" if char == "^" else r"\Z"
        if "m" not in self.flags[-1]:
            return edge
        beside = _spelled(charset.complement(charset.DOT))
        return rf"(?:\A|(?<={beside}))" if char == "^" else rf"(?:\Z|(?={beside}))"

    def escape(self) -> str:
        reader = self.reader
        char = self.pattern[reader.at]
        if char in "bB":
            reader.at += 1
            return r"(?a:\b)" if char == "b" else r"(?!(?a:\b))"  # Python's \B is not found in the empty text
        match = re.compile(r"([1-9][0-9]*)|k<([^>]*)>").match(self.pattern, reader.at)
        if match:
            reader.at = match.end()
            text = ""
            for group in reversed(self.names[match[1] or match[2]]):
                text = rf"(?({group})\{group}|{text})"
            return f"(?:{text})"
        found = reader.escape(in_class=False)
        return re.escape(chr(found)) if isinstance(found, int) else _spelled(found)

    def group(self) -> str:
        reader, flags = self.reader, self.flags
        match = _GROUP.match(self.pattern, reader.at)
        reader.at = match.end() if match else reader.at + 1
        if match is None or match["name"] is not None:
            flags.append(flags[-1])
            return "("
        if match["look"]:
            flags.append(flags[-1])
            return f"(?{match['look']}"
        on, off = match["on"] or "", match["off"] or ""
        changed = (flags[-1] | {*on}) - {*off}
        if match["end"] == ")":  # (?i) at the start
            flags[-1] = changed
            return "(?i)"
        flags.append(changed)
        return "(?" + on.replace("m", "").replace("s", "") + ("-i" if "i" in off else "") + ":"


def _spelled(points: CharSet) -> str:
    """A set of code points as a class; the empty one matches nothing."""
    spans = "".join(
        _escaped(first) if after == first + 1 else f"{_escaped(first)}-{_escaped(after - 1)}"
        for first, after in zip(points[::2], points[1::2], strict=True)
    )
    return f"[{spans}]" if spans else "(?!)"


def _escaped(point: int) -> str:
    char = chr(point)
    return char if char.isascii() and char.isalnum() else f"\\U{point:08x}"
