"""From the text of a Lark grammar to the tables that an engine runs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from ...automata.limits import Limits
from ..errors import GrammarError
from ..regular import Regular
from ..rules import Rules
from . import earley, lalr, lexer, reference
from .flat import FlatGrammar, Terminal
from .imports import ImportPath, Loader
from .read import read
from .tables import END, ERROR, I32, LexedGrammar, ParserTables


def compile_lark(
    text: str,
    *,
    start: str = "start",
    lexer_kind: str = "contextual",
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
    LimitExceeded
    """
    grammar = read(text, start, Loader(import_paths, source), limits.max_nodes)
    with _located(text, grammar):
        return lexed(grammar, lexer_kind, limits)


def earley_rules(
    text: str,
    *,
    start: str = "start",
    lexer_kind: str = "dynamic",
    import_paths: Sequence[ImportPath] = (),
    source: str | os.PathLike[str] | None = None,
    islands: Mapping[str, Regular] | None = None,
    limits: Limits = Limits(),  # noqa: B008  (frozen)
) -> Rules:
    """Compile a grammar for ``parser="earley"``: to rules over characters.

    Parameters
    ----------
    text, start, import_paths, source, limits
        As for :func:`compile_lark`.
    lexer_kind : str
        "dynamic", "dynamic_complete" or "basic".
    islands : mapping or None
        What declared terminals stand for.

    Raises
    ------
    GrammarError
        Lark refuses the grammar, or a terminal cannot be enforced.
    LimitExceeded
    """
    grammar = read(text, start, Loader(import_paths, source), limits.max_nodes)
    check_declared(islands or (), (terminal.name for terminal in grammar.terminals if terminal.text is None))
    terminals = _numbered(grammar)
    numbers = {terminal.name: number for number, terminal in enumerate(terminals) if terminal is not None}
    every, joined = np.ones((1, len(terminals)), np.bool_), lexer_kind == "basic"
    with _located(text, grammar):
        tables = lexer.build(terminals, every, grammar.ignored, limits.regex_states, joined=joined)
    return earley.convert(grammar, tables, numbers, lexer_kind, islands or {}, limits.regex_states, limits.max_nodes)


@contextmanager
def _located(text: str, grammar: FlatGrammar) -> Iterator[None]:
    """Let errors about a terminal say where it is written, if it is written in the text itself."""
    try:
        yield
    except GrammarError as error:
        terminal = next((t for t in grammar.terminals if t.name == error.keyword and t.text), None)
        if terminal is not None and not error.pointer:
            name, pattern = re.escape(terminal.name), re.escape(f"/{terminal.text}/")
            found = re.search(rf"^[ \t]*(?=[!?]*{name}\b)", text, re.MULTILINE) or re.search(pattern, text)
            if found:
                at = found.end() if not found[0].strip() else found.start()
                error.pointer = f"line {text.count(chr(10), 0, at) + 1}, column {at - text.rfind(chr(10), 0, at)}"
        raise


def check_declared(names: Iterable[str], declared: Iterable[str]) -> None:
    """Refuse names of islands and tokens that are no declared terminals.

    Raises
    ------
    GrammarError
    """
    for name in set(names).difference(declared):
        raise GrammarError(
            f"{name} is no terminal that the grammar declares and uses.",
            keyword=name,
            hint=f"Write %declare {name}, and use it in a rule.",
        )


def lexed(grammar: FlatGrammar, lexer_kind: str, limits: Limits) -> LexedGrammar:
    """Tables of a grammar that was read."""
    terminals = _numbered(grammar)
    number = {t.name: i for i, t in enumerate(terminals) if t is not None} | {"$END": END}
    nonterminals = {grammar.start: 0}
    for rule in grammar.rules:
        nonterminals.setdefault(rule.left, len(nonterminals))
    automaton, left, length, right = _parser(grammar, number, nonterminals, limits.regex_states)
    ignored = [number[name] for name in grammar.ignored]
    if lexer_kind == "basic":
        accepted, context = np.ones((1, len(terminals)), np.bool_), np.zeros(len(automaton.action), np.int32)
    else:
        accepted, context = _contexts(automaton.action, ignored)
    tables = lexer.build(terminals, accepted, grammar.ignored, limits.regex_states)
    parser = ParserTables(automaton.action, automaton.goto, left, length, right, context, automaton.lost)
    return LexedGrammar(("$END", *(t.name for t in grammar.terminals)), tuple(nonterminals), tables, parser)


def _numbered(grammar: FlatGrammar) -> list[Terminal | None]:
    """Terminals by number; the end of the text is number 0."""
    return [None, *grammar.terminals]


def _parser(
    grammar: FlatGrammar, terminals: dict[str, int], nonterminals: dict[str, int], max_states: int
) -> tuple[lalr.Automaton, I32, I32, tuple[tuple[int, ...], ...]]:
    """The automaton, and left sides, lengths and right sides of the rules."""
    symbols = terminals | {name: -1 - i for name, i in nonterminals.items()}
    right = ((-1,), *(tuple([symbols[name] for name in rule.right]) for rule in grammar.rules))
    left = np.array([0, *(nonterminals[rule.left] for rule in grammar.rules)], np.int32)
    ranks = {value: rank for rank, value in enumerate(sorted({rule.priority for rule in grammar.rules}))}
    priority = np.array([0, *(ranks[rule.priority] for rule in grammar.rules)], np.int32)
    length = np.array([len(symbols) for symbols in right], np.int32)
    flat = np.array(list(chain.from_iterable(right)), np.int32)
    try:
        numbers = lalr.Grammar(left, length, flat, priority, len(nonterminals), len(terminals))
        return lalr.build(numbers, max_states), left, length, right
    except lalr.Unresolved:
        return reference.automaton(grammar, terminals, nonterminals), left, length, right


def _contexts(action: I32, ignored: list[int]) -> tuple[NDArray[np.bool_], I32]:
    """The sets of terminals that states accept, and the number of each state's set."""
    accepted = action != ERROR
    accepted[:, END] = False
    accepted[:, ignored] = True
    every, n = accepted.tobytes(), accepted.shape[1]
    rows = [every[at : at + n] for at in range(0, len(every), n)]
    number = {row: i for i, row in enumerate(dict.fromkeys(rows))}
    sets = np.frombuffer(b"".join(number), np.bool_).reshape(len(number), -1)
    return sets, np.array([number[row] for row in rows], np.int32)
