"""From the text of a Lark grammar to the tables that an engine runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Literal

import numpy as np

from ...automata.limits import Limits
from ..errors import GrammarError
from . import lalr, lexer
from .flat import FlatGrammar, Terminal
from .imports import ImportPath, Loader
from .read import read
from .tables import END, ERROR, LexedGrammar, ParserTables


def compile_lark(
    text: str,
    *,
    start: str = "start",
    lexer_kind: Literal["contextual", "basic"] = "contextual",
    import_paths: Sequence[ImportPath] = (),
    source: str | os.PathLike[str] | None = None,
    limits: Limits = Limits(),  # noqa: B008  (frozen)
) -> LexedGrammar:
    """Compile a grammar for ``parser="lalr"``.

    Parameters
    ----------
    text : str
        The grammar.
    start : str
        The rule to begin with.
    lexer_kind : str
        "contextual" tries only the terminals that the parser has a use for, "basic" all of them.
    import_paths : sequence
        Folders, or functions ``(base, path) -> (where, text)``, for ``%import``.
    source : path or None
        File of the grammar, for relative imports.
    limits : Limits

    Raises
    ------
    GrammarError
        Lark refuses the grammar, or a terminal cannot be enforced.
    """
    return lexed(read(text, start, Loader(import_paths, source), limits.max_nodes), lexer_kind, limits)


def lexed(grammar: FlatGrammar, lexer_kind: str, limits: Limits) -> LexedGrammar:
    """Tables of a grammar that was read."""
    terminals: list[Terminal | None] = [None, *grammar.terminals]
    number = {t.name: i for i, t in enumerate(terminals) if t is not None}
    number["$END"] = END
    nonterminals = {grammar.start: 0}
    for rule in grammar.rules:
        nonterminals.setdefault(rule.left, len(nonterminals))
    for rule in grammar.rules:
        for symbol in rule.right:
            if symbol not in nonterminals and symbol not in number:
                raise GrammarError(f"Using an undefined rule: NonTerminal({symbol!r})")
    automaton = lalr.by_lark(grammar, number, nonterminals)
    ignored = {number[name] for name in grammar.ignored}
    if lexer_kind == "basic":
        accepts = [frozenset(range(1, len(terminals)))]
        context = [0] * len(automaton.action)
    else:
        known: dict[frozenset[int], int] = {}
        context = []
        for row in automaton.action:
            accept = frozenset(np.flatnonzero(row != ERROR).tolist()) | ignored
            context.append(known.setdefault(accept - {END}, len(known)))
        accepts = list(known)
    tables = lexer.build(terminals, accepts, grammar.ignored, limits.regex_states)
    parser = ParserTables(
        automaton.action, automaton.goto, automaton.rule_left, automaton.rule_length, np.array(context, np.int32)
    )
    return LexedGrammar(("$END", *(t.name for t in grammar.terminals)), tuple(nonterminals), tables, parser)
