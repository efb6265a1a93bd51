"""A Lark grammar as Lark compiles it: terminals with their patterns, and rules without any operators."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from ..errors import GrammarError
from . import pattern
from .characters import IGNORECASE
from .nodes import Node
from .pattern import Pattern, Unsupported

BROKEN = (re.error, RecursionError, OverflowError, ValueError)


@dataclass(frozen=True)
class Terminal:
    """A terminal; `text` is None where it is only declared.

    Attributes
    ----------
    name : str
    text : str or None
        The string itself, or the pattern.
    flags : frozenset of str
    plain : bool
        Whether it is a string: strings are keywords to the patterns that match them.
    priority : int
    """

    name: str
    text: str | None
    flags: frozenset[str] = frozenset()
    plain: bool = False
    priority: int = 0

    @cached_property
    def regexp(self) -> str:
        """What Lark hands to `re`."""
        assert self.text is not None
        found = re.escape(self.text) if self.plain else self.text
        for flag in self.flags:
            found = f"(?{flag}:{found})"
        return found

    @cached_property
    def pattern(self) -> Pattern:
        """The pattern, read.

        Raises
        ------
        GrammarError
            Lark would not compile it, or it needs what has no program.
        """
        try:
            return pattern.read(self.regexp)
        except Unsupported as error:
            raise self.refused(error) from None
        except BROKEN as error:
            raise GrammarError(
                f"terminal {self.name} is not a pattern of Python's re: {error}", keyword=self.name
            ) from None

    def refused(self, error: Unsupported) -> GrammarError:
        """The error for what a pattern has."""
        return GrammarError(f"terminal {self.name} cannot be enforced: it has {error}", keyword=self.name)

    def check_joined(self) -> None:
        """Raise GrammarError where the pattern means something else, or nothing, as a group of another one."""
        try:
            pattern.check_joined(self.name, self.regexp)
        except Unsupported as error:
            raise self.refused(error) from None

    @property
    def is_broken(self) -> bool:
        """Whether `re` cannot read it, so that Lark cannot even sort it."""
        if not self.plain:
            try:
                pattern.parsed(self.regexp)
            except BROKEN:
                return True
        return False

    @property
    def is_literal(self) -> bool:
        """Whether it is a string with no flag that a pattern is needed for."""
        return self.plain and not self.flags - {"i"}

    @property
    def node(self) -> Node:
        """The tree of the pattern."""
        if self.is_literal and self.text:
            return pattern.literal(self.text, IGNORECASE if self.flags else 0)
        return self.pattern.node

    @property
    def order(self) -> tuple[Any, ...]:
        """Lark tries the terminals of a context by this key."""
        assert self.text is not None
        return -self.priority, -self.max_width, -len(self.text), self.name

    @property
    def max_width(self) -> int:
        """Length of the longest match; of a string, its own."""
        assert self.text is not None
        return len(self.text) if self.plain else self.pattern.max_width


class Rule(NamedTuple):
    """One expansion of a rule."""

    left: str
    right: tuple[str, ...]
    priority: int = 0


@dataclass(frozen=True)
class FlatGrammar:
    """Terminals, rules and what is ignored; `rules` of the start symbol are among them.

    Names of terminals are in upper case, those of rules are not.
    """

    terminals: tuple[Terminal, ...]
    rules: tuple[Rule, ...]
    ignored: tuple[str, ...]
    start: str
