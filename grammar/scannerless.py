"""Lark's grammars read without a lexer: a text belongs to one if it can be cut into its terminals in any way.

These are the texts that Lark's own Earley parser takes with the lexer ``dynamic_complete``: every terminal stands for
the texts that :func:`re.match` covers (see :mod:`.leftmost`), no terminal is preferred to another, and priorities do
not matter. What is ignored may stand in front of and behind every terminal.
"""

from __future__ import annotations

from lark.exceptions import LarkError
from lark.grammar import NonTerminal
from lark.load_grammar import load_grammar

from . import leftmost
from .errors import GrammarError
from .regular import Regular, alt, repeat, seq
from .rules import Rules, call, language


def read_lark(text: str, start: str = "start") -> Rules:
    """Rules of a grammar in Lark's notation.

    Parameters
    ----------
    text : str
    start : str
        Name of the rule that a whole text must match.

    Raises
    ------
    GrammarError
        Lark does not take the grammar, or a terminal is declared without a pattern.
    Unenforceable
        A terminal looks beyond its own match, or is not regular.
    """
    try:
        grammar, _ = load_grammar(text, "<grammar>", [], False)  # type: ignore[no-untyped-call]
        terminals, productions, ignored = grammar.compile([start], "*")
    except (LarkError, AssertionError, KeyError) as error:
        raise GrammarError(f"Lark does not take this grammar: {str(error).strip()}") from None
    automata = {t.name: language(leftmost.language(t.pattern.to_regexp())) for t in terminals}
    for rule in productions:
        for symbol in rule.expansion:
            if not isinstance(symbol, NonTerminal) and symbol.name not in automata:
                raise GrammarError("this terminal is declared, but nothing says what it matches", keyword=symbol.name)
    between = repeat(alt(*(automata[name] for name in ignored)), 0, None)
    alternatives: dict[str, list[Regular]] = {}
    for rule in productions:
        parts = [
            call(str(symbol.name)) if isinstance(symbol, NonTerminal) else seq(automata[symbol.name], between)
            for symbol in rule.expansion
        ]
        alternatives.setdefault(str(rule.origin.name), []).append(seq(*parts))
    if start not in alternatives:
        raise GrammarError(f"there is no rule {start}", keyword=start)
    bodies = {name: alt(*parts) for name, parts in alternatives.items()}
    return Rules({"": seq(between, call(start)), **bodies}, "")
