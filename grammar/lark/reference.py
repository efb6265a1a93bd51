"""Lark's own reading of a grammar: slow, and right by definition.

It is what our reader is tested against, what tells the error where a grammar is broken, and the way out where our reader cannot go on.
"""

from __future__ import annotations

from typing import Any

from ..errors import GrammarError
from .flat import FlatGrammar, Rule, Terminal
from .imports import Loader

_NOWHERE = "the grammar"  # a path without a folder


def read(text: str, start: str, loader: Loader) -> FlatGrammar:
    """Read a grammar with Lark.

    Raises
    ------
    GrammarError
        With Lark's message: line, column and the text around.
    """
    import lark
    from lark.load_grammar import load_grammar

    try:
        grammar, _ = load_grammar(text, loader.source or _NOWHERE, loader.for_lark(), False)
        terminals, rules, ignored = grammar.compile([start], set())
    except (lark.exceptions.LarkError, OSError, RecursionError, AssertionError, ValueError) as error:
        raise lark_error(error) from error
    patterns = {terminal.name: _terminal(terminal) for terminal in terminals}
    used = {symbol.name for rule in rules for symbol in rule.expansion if symbol.is_term}
    declared = tuple(Terminal(name, None) for name in sorted(used - patterns.keys()))
    flat = tuple(
        Rule(str(rule.origin.name), tuple(str(s.name) for s in rule.expansion), rule.options.priority or 0)
        for rule in rules
    )
    return FlatGrammar((*patterns.values(), *declared), flat, tuple(map(str, ignored)), start)


def lark_error(error: Exception) -> GrammarError:
    """Lark's error as one of ours."""
    line = getattr(error, "line", None)
    place = f"line {line}, column {error.column}" if line and line > 0 else ""  # type: ignore[attr-defined]
    return GrammarError(str(error) or type(error).__name__, pointer=place)


def _terminal(terminal: Any) -> Terminal:
    pattern = terminal.pattern
    plain = pattern.type == "str"
    return Terminal(str(terminal.name), pattern.value, pattern.flags, plain, terminal.priority)
