"""From the text of a Lark grammar to the tables that an engine runs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from ...automata.limits import Limits
from . import lalr, lexer, reference
from .flat import FlatGrammar, Terminal
from .imports import ImportPath, Loader
from .read import read
from .tables import END, ERROR, I32, LexedGrammar, ParserTables


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
    automaton, left, length = _parser(grammar, number, nonterminals, limits.regex_states)
    ignored = [number[name] for name in grammar.ignored]
    if lexer_kind == "basic":
        accepts, context = [range(1, len(terminals))], np.zeros(len(automaton.action), np.int32)
    else:
        accepts, context = _contexts(automaton.action, ignored)
    tables = lexer.build(terminals, accepts, grammar.ignored, limits.regex_states)
    parser = ParserTables(automaton.action, automaton.goto, left, length, context)
    return LexedGrammar(("$END", *(t.name for t in grammar.terminals)), tuple(nonterminals), tables, parser)


def _parser(
    grammar: FlatGrammar, terminals: dict[str, int], nonterminals: dict[str, int], max_states: int
) -> tuple[lalr.Automaton, I32, I32]:
    """The automaton, and left sides and lengths of the rules."""
    symbols = {name: len(nonterminals) + i for name, i in terminals.items()} | nonterminals
    right = ((0,), *(tuple([symbols[name] for name in rule.right]) for rule in grammar.rules))
    left = np.array([0, *(nonterminals[rule.left] for rule in grammar.rules)], np.int32)
    priority = np.array([0, *(rule.priority for rule in grammar.rules)], np.int32)
    length = np.array([len(symbols) for symbols in right], np.int32)
    try:
        numbers = lalr.Grammar(left, right, priority, len(nonterminals), len(terminals))
        return lalr.build(numbers, max_states), left, length
    except lalr.Unresolved:
        return reference.automaton(grammar, terminals, nonterminals), left, length


def _contexts(action: I32, ignored: list[int]) -> tuple[list[Iterable[int]], I32]:
    """The sets of terminals that states accept, and the number of each state's set."""
    accepted = action != ERROR
    accepted[:, END] = False
    accepted[:, ignored] = True
    sets, context = np.unique(np.packbits(accepted, axis=1), axis=0, return_inverse=True)
    found = np.unpackbits(sets, axis=1, count=action.shape[1])
    return [np.flatnonzero(row).tolist() for row in found], context.reshape(-1).astype(np.int32)
