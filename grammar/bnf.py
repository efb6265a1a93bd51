r"""GBNF, the grammars of llama.cpp, and the EBNF of XGrammar, read into rules over characters.

Both consist of rules ``name ::= body`` with ``|``, groups, ``* + ? {m} {m,} {m,n}``, literals ``"..."``, character
classes ``[a-z]`` and ``[^...]``, and comments from ``#`` to the end of the line. A rule ends where the next one begins.

===============  ==============================================  ===================================================
                 GBNF                                            EBNF
===============  ==============================================  ===================================================
any character    ``.`` and ``[^]``                               ``[^]``
names            letters, digits, ``-`` and ``_``                the same and ``.``, no digit first
``\x``           two hexadecimal digits                          any number of them
other escapes    ``\n \r \t``, ``\u`` with 4, ``\U`` with 8      also ``\b \f \a \v \0 \e``
special tokens   ``<name>``, ``<[number]>``                      ``Token(number, ...)``
free text                                                        ``TagDispatch(("tag", rule), ...)``
===============  ==============================================  ===================================================

In both, a backslash before punctuation stands for the character itself. There is no lexer: a text is matched character
by character, and a grammar may be ambiguous or recursive in any way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from . import charset
from .charset import CharSet
from .errors import GrammarError
from .free_text import dispatch
from .regular import ANY_CHAR, Regular, alt, chars, literal, repeat, seq
from .rules import Rules, call, token

MAX_DEPTH = 200  # nested groups
_TOO_MANY = 10**9


@dataclass(frozen=True)
class Dialect:
    """What the two notations differ in.

    Attributes
    ----------
    title : str
    name : re.Pattern
    hexadecimal : re.Pattern
        ``\\x``, ``\\u`` and ``\\U`` with their digits.
    letters : dict of str to str
        What escaped letters stand for.
    raw_newlines : bool
        Whether a literal or class may hold a line break as it is.
    stacked : bool
        Whether a repetition may follow another.
    """

    title: str
    name: re.Pattern[str]
    hexadecimal: re.Pattern[str]
    letters: Mapping[str, str]
    raw_newlines: bool
    stacked: bool


_LETTERS = {"n": "\n", "r": "\r", "t": "\t"}
GBNF = Dialect(
    title="GBNF",
    name=re.compile(r"[A-Za-z0-9_-]+"),
    hexadecimal=re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})"),
    letters=_LETTERS,
    raw_newlines=True,
    stacked=True,
)
EBNF = Dialect(
    title="EBNF",
    name=re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*"),
    hexadecimal=re.compile(r"x([0-9A-Fa-f]+)|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})"),
    letters=_LETTERS | {"b": "\b", "f": "\f", "a": "\a", "v": "\v", "0": "\0", "e": "\x1b"},
    raw_newlines=False,
    stacked=False,
)

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_COUNT = re.compile(r"\{\s*([0-9]+)\s*(?:(,)\s*([0-9]*)\s*)?\}")
_MARKS = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_TOKEN = re.compile(r"<(?:\[([0-9]+)\]|[^<>\s]+)>")
_NUMBERS = re.compile(r"\(\s*([0-9]+(?:\s*,\s*[0-9]+)*)\s*\)")
_OPTION = re.compile(r"(loop_after_dispatch|excludes)\s*=\s*")
_FLAG = re.compile(r"true|false")


def parse(text: str, dialect: Dialect, *, start: str = "root", special: Mapping[str, int] | None = None) -> Rules:
    """Read a grammar.

    Parameters
    ----------
    text : str
    dialect : Dialect
        ``GBNF`` or ``EBNF``.
    start : str
        The rule of the whole text.
    special : mapping of str to int
        The tokens that stand for no text, by name.

    Raises
    ------
    GrammarError
        With line and column as its pointer.
    """
    return _Parser(text, dialect, special or {}).grammar(start)


class _Parser:
    def __init__(self, text: str, dialect: Dialect, special: Mapping[str, int]) -> None:
        self.text, self.dialect, self.special = text, dialect, special
        self.at, self.depth = 0, 0
        self.bodies: dict[str, Regular] = {}
        self.called: dict[str, int] = {}
        self.rule = re.compile(rf"({dialect.name.pattern})[ \t]*(?:::=)")

    def fail(self, reason: str, at: int | None = None, hint: str | None = None) -> NoReturn:
        """Raise with the place as line and column."""
        at = self.at if at is None else at
        line, column = self.text.count("\n", 0, at) + 1, at - (self.text.rfind("\n", 0, at) + 1) + 1
        raise GrammarError(reason, pointer=f"line {line}, column {column}", keyword=self.dialect.title, hint=hint)

    def skip(self) -> None:
        """White space and comments."""
        found = _SPACE.match(self.text, self.at)
        assert found is not None
        self.at = found.end()

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """A pattern at this place, if it is there, and the white space behind it."""
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
            self.skip()
        return found

    def mark(self, char: str) -> bool:
        """A character at this place, if it is there, and the white space behind it."""
        if not self.text.startswith(char, self.at):
            return False
        self.at += len(char)
        self.skip()
        return True

    def expect(self, char: str) -> None:
        """A character that must be there."""
        if not self.mark(char):
            self.fail(f"{char!r} is missing here")

    # --------------------------------------------------------------------------------------------------------- rules
    def grammar(self, start: str) -> Rules:
        self.skip()
        while self.at < len(self.text):
            at = self.at
            found = self.take(self.rule)
            if found is None:
                self.fail("a rule is expected here", hint="Write name ::= body.")
            name = found[1]
            if name in self.bodies:
                self.fail(f"rule {name} is defined a second time", at)
            self.bodies[name] = self.choice()
        for name, at in self.called.items():
            if name not in self.bodies:
                self.fail(f"rule {name} is not defined", at)
        if start not in self.bodies:
            raise GrammarError(f"there is no rule {start}.", pointer="line 1, column 1", keyword=self.dialect.title)
        return Rules(self.bodies, start)

    def choice(self) -> Regular:
        choices = [self.sequence()]
        while self.mark("|"):
            choices.append(self.sequence())
        return alt(*choices)

    def sequence(self) -> Regular:
        parts: list[Regular] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)" and not self.rule.match(self.text, self.at):
            parts.append(self.repeated(self.element()))
        return seq(*parts)

    def repeated(self, node: Regular) -> Regular:
        for times in range(_TOO_MANY):
            at = self.at
            found = self.take(_COUNT)
            if found is not None:
                low = int(found[1])
                high = low if found[2] is None else int(found[3]) if found[3] else None
            elif self.text[self.at : self.at + 1] in ("*", "+", "?"):
                low, high = _MARKS[self.text[self.at]]
                self.at += 1
                self.skip()
            else:
                return node
            if times and not self.dialect.stacked:
                self.fail("a repetition of a repetition", at, "Put the inner one in parentheses.")
            if high is not None and high < low:
                self.fail(f"a repetition from {low} to {high} times", at)
            if max(low, high or 0) >= _TOO_MANY:
                self.fail("a repetition of so many times", at)
            node = repeat(node, low, high)
        raise AssertionError

    def element(self) -> Regular:
        char, at = self.text[self.at], self.at
        if char == '"':
            return literal(self.string())
        if char == "[":
            return self.character_class()
        if self.mark("("):
            self.depth += 1
            if self.depth > MAX_DEPTH:
                self.fail(f"more than {MAX_DEPTH} groups in each other")
            node = self.choice()
            self.depth -= 1
            self.expect(")")
            return node
        if self.dialect is GBNF:
            if self.mark("."):
                return ANY_CHAR
            if (found := self.take(_TOKEN)) is not None:
                return token(self.token_id(int(found[1]) if found[1] else found[0], at))
        found = self.take(self.dialect.name)
        if found is None:
            self.fail(f"{char!r} begins nothing here")
        name = found[0]
        if self.dialect is EBNF and self.text.startswith("(", found.end()) and name in self.macros:
            return self.macros[name](self, at)
        self.called.setdefault(name, at)
        return call(name)

    # -------------------------------------------------------------------------------------------------- macros of EBNF
    def token_id(self, name: str | int, at: int) -> int:
        """The number of a special token."""
        if name not in (self.special if isinstance(name, str) else self.special.values()):
            self.fail(f"{name} is no special token of this vocabulary", at, "Other tokens are matched as text.")
        return self.special[name] if isinstance(name, str) else name

    def any_of_tokens(self, at: int) -> Regular:
        found = self.take(_NUMBERS)
        if found is None:
            self.fail("Token takes numbers of tokens")
        return alt(*(token(self.token_id(int(number), at)) for number in found[1].split(",")))

    def exclude_token(self, at: int) -> Regular:
        self.fail("ExcludeToken cannot be enforced: text has many spellings in tokens", at)

    def tag_dispatch(self, at: int) -> Regular:
        """Free text in which each tag opens a rule."""
        tags: list[tuple[str, Regular]] = []
        excludes: list[str] = []
        loop = True
        self.expect("(")
        while not self.mark(")"):
            if self.mark("("):
                trigger = self.string()
                self.expect(",")
                found, there = self.take(self.dialect.name), self.at
                if found is None:
                    self.fail("the name of a rule is expected here")
                self.called.setdefault(found[0], there)
                tags.append((trigger, call(found[0])))
                self.expect(")")
            elif (option := self.take(_OPTION)) is None:
                self.fail("a pair of tag and rule is expected here")
            elif option[1] == "excludes":
                excludes = self.strings()
            elif (flag := self.take(_FLAG)) is not None:
                loop = flag[0] == "true"
            else:
                self.fail("true or false is expected here")
            if not self.text.startswith(")", self.at):
                self.expect(",")
        try:
            return dispatch(tags, loop=loop, excludes=excludes)
        except GrammarError as error:
            self.fail(error.reason, at)

    macros: Mapping[str, Callable[[_Parser, int], Regular]] = {
        "Token": any_of_tokens,
        "ExcludeToken": exclude_token,
        "TagDispatch": tag_dispatch,
    }

    def strings(self) -> list[str]:
        found: list[str] = []
        self.expect("(")
        while not self.mark(")"):
            found.append(self.string())
            if not self.text.startswith(")", self.at):
                self.expect(",")
        return found

    # ---------------------------------------------------------------------------------------------------- characters
    def character(self, end: str) -> str | None:
        """One character of a literal or class that ``end`` closes; None at the end."""
        char = self.text[self.at : self.at + 1]
        if char == "" or (char == "\n" and not self.dialect.raw_newlines):
            self.fail(f"{end} is missing")
        self.at += 1
        if char == end:
            return None
        return self.escape() if char == "\\" else char

    def escape(self) -> str:
        """The character behind a backslash."""
        found = self.dialect.hexadecimal.match(self.text, self.at)
        if found is not None:
            point = int(found[found.lastindex or 0], 16)
            if point >= charset.END or 0xD800 <= point < 0xE000:
                self.fail("no such character")
            self.at = found.end()
            return chr(point)
        char = self.text[self.at : self.at + 1]
        known = self.dialect.letters.get(char) or (char if char.isascii() and char.isprintable() else "")
        if known == "" or (known == char and (char.isalnum() or char == " ")):
            self.fail(f"{self.dialect.title} has no escape \\{char}")
        self.at += 1
        return known

    def string(self) -> str:
        """A literal and the white space behind it."""
        if not self.text.startswith('"', self.at):
            self.fail("a string is expected here")
        self.at += 1
        out = []
        while (char := self.character('"')) is not None:
            out.append(char)
        self.skip()
        return "".join(out)

    def character_class(self) -> Regular:
        self.at += 1
        negative = self.text.startswith("^", self.at)
        self.at += negative
        sets: list[CharSet] = []
        while (first := self.character("]")) is not None:
            last: str | None = first
            if self.text.startswith("-", self.at) and not self.text.startswith("-]", self.at):
                at = self.at
                self.at += 1
                last = self.character("]")
                if last is None or last < first:
                    self.fail("a range out of order", at)
            sets.append(charset.interval(ord(first), ord(last or first)))
        self.skip()
        points = charset.union(charset.NONE, *sets)
        return chars(charset.complement(points) if negative else points)
