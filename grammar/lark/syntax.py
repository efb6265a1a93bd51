"""The text of a Lark grammar as statements.

The tokens are those of Lark's own lexer, and the grammar is Lark's. They are tried in its order but for those that none
before them can begin like: the most frequent come first. Whatever is not understood here
raises :class:`NotRead`; then Lark itself reads the text, and tells the error where there is one.

A definition is a tuple of alternatives ``(items, alias)``. An item is

=================================== ==============================================================
``"name"``                          a rule or terminal, or the parameter of a template
``(LITERAL, token)``                a string or pattern as it is written
``(RANGE, first, last)``            ``"a".."z"``
``(TEMPLATE, name, items)``         a template that is used
``(GROUP, alternatives)``           in parentheses
``(MAYBE, alternatives)``           in brackets
``(REPEAT, item, op, low, high)``   ``op`` is one of ``? * + ~``; bounds are for ``~`` (high None: exactly low)
=================================== ==============================================================
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

Item: TypeAlias = "str | tuple[Any, ...]"
Alternative: TypeAlias = "tuple[tuple[Item, ...], str | None]"
Alternatives: TypeAlias = "tuple[Alternative, ...]"

LITERAL, RANGE, TEMPLATE, GROUP, MAYBE, REPEAT = range(6)

# kinds of tokens: the numbers of the groups of the pattern, then those of punctuation
RULE, STRING, PUNCTUATION, TERMINAL, REGEXP, COMMENT, NL_OR, NL, BACKSLASH, NUMBER = range(1, 11)
WS, KEYWORD, MODIFIERS, DOTDOT, TO, OP, DOT, UNKNOWN = range(11, 19)
LBRA, LBRACE, LPAR, OR, RBRA, RBRACE, RPAR, TILDE, COLON, COMMA = range(19, 29)
END = 0
_TOKEN = re.compile(
    r"""[ \t]*(?:(_?[a-z][_a-z0-9]*)|("(?:\\"|\\\\|[^"\n])*?"i?)|([][{}()|~:,])|(_?[A-Z][_A-Z0-9]*)"""
    r"""|(/(?!/)(?:\\/|\\\\|[^/])*?/[imslux]*)|(\s*(?://|\#)[^\n]*)"""
    r"""|((?:\r?\n)+\s*\|)|((?:\r?\n)+\s*)|(\\[ ]*\n)|([+-]?\d+)|([ \t]+)"""
    r"""|(%override|%declare|%extend|%ignore|%import)|((?:!|!\??|\?!?)(?=[_a-z]))"""
    r"""|(\.\.)|(->)|([+*]|\?(?![a-z_]))|(\.(?!\.))|([\s\S]))"""
)
_PUNCTUATION = dict(zip("[{(|]})~:,", range(LBRA, COMMA + 1), strict=True))
_IGNORED = frozenset({COMMENT, BACKSLASH, WS})
_NAMES, _LITERALS, _OPENING = frozenset({RULE, TERMINAL}), frozenset({STRING, REGEXP}), frozenset({LPAR, LBRA})


class NotRead(Exception):
    """The text is not understood, or Lark refuses it."""


class Definition(NamedTuple):
    """A rule or terminal; `alternatives` is None where it is only declared.

    Attributes
    ----------
    name : str
    is_terminal : bool
    alternatives : tuple or None
    params : tuple of str
        Of a template.
    keep_all : bool
        The prefix ``!``.
    priority : int
    literals : tuple of str
        The literals, as written.
    symbols : frozenset of str
        The names.
    """

    name: str
    is_terminal: bool
    alternatives: Alternatives | None
    params: tuple[str, ...] = ()
    keep_all: bool = False
    priority: int = 0
    literals: tuple[str, ...] = ()
    symbols: frozenset[str] = frozenset()


class Define(NamedTuple):
    """A definition; `how` is "", "%override" or "%extend"."""

    definition: Definition
    how: str


class Ignore(NamedTuple):
    """``%ignore``: a terminal without a name."""

    definition: Definition


class Declare(NamedTuple):
    """``%declare``."""

    names: tuple[str, ...]


class Import(NamedTuple):
    """``%import``: names of another grammar and what they are called here."""

    path: tuple[str, ...]
    relative: bool
    aliases: tuple[tuple[str, str], ...]


Statement: TypeAlias = "Define | Ignore | Declare | Import"


@lru_cache(maxsize=32)
def statements(text: str) -> tuple[Statement, ...]:
    """Read the text of a grammar.

    Raises
    ------
    NotRead
    """
    try:
        return tuple(_Reader(text).statements())
    except (RecursionError, IndexError, ValueError) as error:
        raise NotRead(str(error)) from error


class _Reader:
    """Recursive descent over the tokens."""

    def __init__(self, text: str) -> None:
        kinds: list[int] = []
        values: list[str] = []
        for match in _TOKEN.finditer(text + "\n"):
            kind = match.lastindex or 0
            if kind not in _IGNORED:
                value = match[kind]
                if kind == UNKNOWN:
                    raise NotRead("an unknown character")
                kinds.append(_PUNCTUATION[value] if kind == PUNCTUATION else kind)
                values.append(value)
        self.kinds, self.values, self.at = [*kinds, END], [*values, ""], 0
        self.literals: list[str] = []
        self.symbols: set[str] = set()

    def expect(self, kind: int) -> str:
        if self.kinds[self.at] != kind:
            raise NotRead(f"unexpected {self.values[self.at]!r}")
        self.at += 1
        return self.values[self.at - 1]

    def take(self, kind: int) -> bool:
        if self.kinds[self.at] != kind:
            return False
        self.at += 1
        return True

    def statements(self) -> list[Statement]:
        found: list[Statement] = []
        while self.kinds[self.at] != END:
            if self.take(NL):
                continue
            if self.kinds[self.at] == KEYWORD:
                found += self.directive(self.expect(KEYWORD))
            else:
                found.append(Define(self.definition(), ""))
            self.expect(NL)
        return found

    def directive(self, keyword: str) -> list[Statement]:
        if keyword == "%import":
            return [self.imported()]
        if keyword == "%ignore":
            return [Ignore(self.body("", True))]
        if keyword == "%declare":
            names = [self.name()]
            while self.kinds[self.at] in (RULE, TERMINAL):
                names.append(self.name())
            return [Declare(tuple(names))]
        return [Define(self.definition(), keyword)]

    def name(self) -> str:
        return self.expect(RULE if self.kinds[self.at] == RULE else TERMINAL)

    def imported(self) -> Import:
        relative = self.take(DOT)
        path = [self.name()]
        while self.take(DOT):
            path.append(self.name())
        if self.take(LPAR):
            names = [self.name()]
            while self.take(COMMA):
                names.append(self.name())
            self.expect(RPAR)
            return Import(tuple(path), relative, tuple((name, name) for name in names))
        name = path.pop()
        alias = self.name() if self.take(TO) else name
        if not path:
            raise NotRead("nothing was imported")
        return Import(tuple(path), relative, ((name, alias),))

    def definition(self) -> Definition:
        if self.kinds[self.at] == TERMINAL:
            name = self.expect(TERMINAL)
            priority = int(self.expect(NUMBER)) if self.take(DOT) else 0
            self.expect(COLON)
            return self.body(name, True, priority=priority)
        modifiers = self.expect(MODIFIERS) if self.kinds[self.at] == MODIFIERS else ""
        name = self.expect(RULE)
        if name.startswith("_") and "?" in modifiers:
            raise NotRead("an inlined rule with ?")
        params: list[str] = []
        if self.take(LBRACE):
            params.append(self.expect(RULE))
            while self.take(COMMA):
                params.append(self.expect(RULE))
            self.expect(RBRACE)
        priority = int(self.expect(NUMBER)) if self.take(DOT) else 0
        self.expect(COLON)
        return self.body(name, False, tuple(params), "!" in modifiers, priority)

    def body(
        self, name: str, is_terminal: bool, params: tuple[str, ...] = (), keep_all: bool = False, priority: int = 0
    ) -> Definition:
        self.literals, self.symbols = [], set()
        alternatives = self.alternatives(top=not is_terminal)
        literals, symbols = tuple(self.literals), frozenset(self.symbols)
        return Definition(name, is_terminal, alternatives, params, keep_all, priority, literals, symbols)

    def alternatives(self, *, top: bool) -> Alternatives:
        kinds = self.kinds
        found = [self.alternative(top)]
        while kinds[self.at] in (OR, NL_OR):
            self.at += 1
            found.append(self.alternative(top))
        return tuple(found)

    def alternative(self, top: bool) -> Alternative:
        items: list[Item] = []
        kinds, values = self.kinds, self.values
        while True:
            kind = kinds[self.at]
            if kind in _NAMES:
                item: Item = values[self.at]
                self.at += 1
                self.symbols.add(item)  # type: ignore[arg-type]
                if kinds[self.at] == LBRACE:
                    if kind == TERMINAL:
                        raise NotRead("a terminal with arguments")
                    item = self.template(item)  # type: ignore[arg-type]
            elif kind in _LITERALS:
                item = self.literal()
            elif kind in _OPENING:
                self.at += 1
                item = (GROUP if kind == LPAR else MAYBE, self.alternatives(top=False))
                self.expect(RPAR if kind == LPAR else RBRA)
            else:
                break
            kind = kinds[self.at]
            if kind == OP:
                item = (REPEAT, item, values[self.at], 0, None)
                self.at += 1
            elif kind == TILDE:
                item = self.counted(item)
            items.append(item)
        if self.take(TO):
            if not top:
                raise NotRead("an alias inside an expression")
            return tuple(items), self.expect(RULE)
        return tuple(items), None

    def counted(self, item: Item) -> Item:
        self.expect(TILDE)
        low = int(self.expect(NUMBER))
        high = int(self.expect(NUMBER)) if self.take(DOTDOT) else None
        if low < 0 or (high is not None and high < low):
            raise NotRead("bad range")
        return REPEAT, item, "~", low, high

    def literal(self) -> Item:
        token = self.values[self.at]
        self.at += 1
        if self.kinds[self.at] == DOTDOT and token[0] == '"':
            self.at += 1
            last = self.expect(STRING)
            self.literals.append(f"{token}..{last}")
            return RANGE, token, last
        self.literals.append(token)
        return LITERAL, token

    def template(self, name: str) -> Item:
        self.expect(LBRACE)
        args = [self.value()]
        while self.take(COMMA):
            args.append(self.value())
        self.expect(RBRACE)
        return TEMPLATE, name, tuple(args)

    def value(self) -> Item:
        if self.kinds[self.at] not in (RULE, TERMINAL):
            return self.literal() if self.kinds[self.at] in (STRING, REGEXP) else self.expect(RULE)
        name = self.name()
        self.symbols.add(name)
        return self.template(name) if self.kinds[self.at] == LBRACE and name.islower() else name
