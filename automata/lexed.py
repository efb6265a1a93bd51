"""Grammars with a lexer and LR tables in an arena: their tables, and the kernels that run them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import ref

import numpy as np
import numpy.typing as npt

from detent.grammar.errors import LimitExceeded, Unsatisfiable
from detent.grammar.lark.tables import CHARS, LexedGrammar, LexerTables
from detent.native import lexed_masks, lexed_steps, lexer, machine, positions, stacks

from .arena import Arena
from .dead_ends import Proof, Verdict
from .limits import Limits
from .liveness import Liveness
from .lowering import Placed, end_of_text
from .sentences import Hints, rules_of, spelled_classes, ways

Ints = npt.NDArray[np.int32]


def place_lexed(arena: Arena, grammar: LexedGrammar, limits: Limits) -> Placed:
    """A grammar with a lexer, above the end of the text.

    Raises
    ------
    Unsatisfiable
        The grammar has no text.
    LimitExceeded
        Whether a text is a dead end would take too long to decide.
    """
    machine.install(arena.A, machine.STEP, lexed_steps.step_lexed)
    machine.install(arena.A, machine.READ, lexed_masks.read_lexed)
    tables = grammar.lexer
    hints = ways(tables)
    verdict = Proof(grammar, hints, rules_of(grammar.parser)).run()
    at = _place_parser(arena, grammar, _place_lexer(arena, tables, hints, verdict))
    bottom = arena.state(arena.position(positions.K_LR, 0), end_of_text(arena))
    placed = Placed(0)
    if verdict.harmful.any():
        placed = Liveness(arena, grammar, at, plain_lives=verdict.lives, max_states=limits.regex_states)
        arena.A[at + stacks.G_LAZY] = arena.reserve(ref(placed))
        if not placed.begins(bottom, 0):
            raise Unsatisfiable("no text is split into the terminals of a sentence.", keyword=grammar.nonterminals[0])
    placed.start = int(lexed_steps.between(arena.A, at, bottom, 0))
    if placed.start <= 0:
        arena.full()
    return placed


def _put(arena: Arena, scalars: Mapping[int, int], parts: Mapping[int, npt.NDArray[Any]], length: int) -> int:
    """A record: its fields are numbers, or the addresses of arrays behind them."""
    header = np.zeros(length, np.int32)
    for name, number in scalars.items():
        header[name] = number
    place = length
    for name, part in parts.items():
        header[name] = place
        place += part.size
    at = arena.put(np.concatenate([header, *(part.ravel() for part in parts.values())], dtype=np.int32))
    arena.A[at + np.array(list(parts))] += at
    return at


def _place_parser(arena: Arena, grammar: LexedGrammar, lexer_at: int) -> int:
    parser = grammar.parser
    scalars = {
        stacks.G_LEXER: lexer_at,
        stacks.G_TERMINALS: parser.action.shape[1],
        stacks.G_NONTERMINALS: parser.goto.shape[1],
    }
    parts = {
        stacks.G_ACTION: parser.action,
        stacks.G_GOTO: parser.goto,
        stacks.G_LEFT: parser.rule_left,
        stacks.G_LENGTH: parser.rule_length,
        stacks.G_CONTEXT: parser.context,
    }
    return _put(arena, scalars, parts, stacks.G_RECORD)


def _place_lexer(arena: Arena, tables: LexerTables, hints: Hints, verdict: Verdict) -> int:
    n_classes, n_left = tables.sets.shape[1], tables.left_next.shape[0]
    real, spelled = spelled_classes(tables)
    ends = np.append(tables.starts[1:], 0x110000) - 1
    others = np.unique(tables.cls[real & (ends >= 128)])
    ascii_class = tables.cls[np.searchsorted(tables.starts, np.arange(128), side="right") - 1]
    n_terminals = len(tables.entry)
    if n_terminals > lexer.MAX_TERMINALS:
        raise LimitExceeded("terminals", n_terminals, lexer.MAX_TERMINALS)
    scalars = {
        lexer.L_TERMINALS: n_terminals,
        lexer.L_CLASSES: n_classes,
        lexer.L_INTERVALS: len(tables.starts),
        lexer.L_LEFTS: n_left,
        lexer.L_ASSERTIONS: tables.look_enter.shape[1],
        lexer.L_N_OTHERS: len(others),
        lexer.L_REPEATS: _repeats(tables, hints),
        lexer.L_CARRIES: not verdict.safe.all(),
        lexer.L_EXACT: _exactness(verdict),
    }
    parts: dict[int, npt.NDArray[Any]] = {
        lexer.L_STARTS: tables.starts,
        lexer.L_CLS: tables.cls,
        lexer.L_SETS: tables.sets,
        lexer.L_CODE: tables.code,
        lexer.L_OWNER: hints.owner,
        lexer.L_STAMPS: np.zeros(len(tables.code), np.int32),
        lexer.L_ASCII: ascii_class,
        lexer.L_ORDER_FIRST: tables.order_first,
        lexer.L_ORDER: tables.order,
        lexer.L_RETYPE_FIRST: tables.retype_first,
        lexer.L_RETYPE: tables.retype,
        lexer.L_ENTRY: tables.entry,
        lexer.L_IGNORED: tables.ignored,
        lexer.L_SAFE: verdict.safe,
        lexer.L_HARMFUL: verdict.harmful,
        lexer.L_LEFT_NEXT: tables.left_next,
        lexer.L_LOOK_ENTER: tables.look_enter,
        lexer.L_LOOK_NEXT: tables.look_next,
        lexer.L_LOOK_END: tables.look_end,
        lexer.L_BEGIN: np.zeros((len(tables.order_first) - 1) * n_left, np.int32),
        lexer.L_OTHERS: others,
        lexer.L_SPELLED: spelled,
        lexer.L_HINT_CLASS: hints.char_class,
        lexer.L_HINT_NEXT: hints.next,
    }
    return _put(arena, scalars, parts, lexer.L_RECORD)


def _exactness(verdict: Verdict) -> int:
    """What must be asked about dead ends at run time."""
    if not verdict.harmful.any():
        return lexer.PROVED
    return lexer.ASKED if verdict.lives and not verdict.owes else lexer.ALWAYS_ASKED


def _repeats(tables: LexerTables, hints: Hints) -> bool:
    """Whether some terminal has the same character so often that it may be a counted repetition."""
    reads = tables.code[:, 0] == CHARS
    pairs = np.stack([hints.owner[reads], tables.code[reads, 1]])
    return bool((np.unique(pairs, axis=1, return_counts=True)[1] >= MANY_READS).any())


MANY_READS = 10  # with fewer, sharing the tables of lexer states costs more than it saves
