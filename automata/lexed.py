"""Grammars with a lexer and LR tables in an arena: their tables, and the kernels that run them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import ref

import numpy as np
import numpy.typing as npt

from detent.grammar.errors import LimitExceeded, Unsatisfiable
from detent.grammar.lark.tables import ASSERT, CHARS, HOLDS, SPLIT, LexedGrammar, LexerTables
from detent.native import arena as layout
from detent.native import combs, lexed_masks, lexed_steps, lexer, machine, masks, positions, stacks

from .arena import Arena, Lowers
from .dead_ends import Proof, Verdict, hopeful
from .lexed_islands import LexedIsland, nodes_around
from .lexing import Lexing
from .liveness import Liveness
from .lowering import Lowering, end_of_text
from .openings import Openings
from .sentences import Hints, ways
from .stuck import Check

Ints = npt.NDArray[np.int32]


class LexedLowering:
    """A Lark grammar with a lexer in one arena, lowered as a whole; what its islands need later, they lower themselves.

    Parameters
    ----------
    arena : Arena
    content : LexedIsland
    names_end : int or None
        As of :class:`JsonLowering`; None: the grammar stands alone.
    followers : frozenset of int
        The bytes that may follow a text of the grammar.

    Attributes
    ----------
    start : int
        The state before the first byte, when nothing follows the text.
    root : int
        The number of the goal of a text that is not empty.

    Raises
    ------
    Unsatisfiable
        The grammar has no text.
    LimitExceeded
        Whether a text is a dead end would take too long to decide.
    GrammarError
        A text may be stuck in an island: see :mod:`.stuck`.
    """

    def __init__(
        self,
        arena: Arena,
        content: LexedIsland,
        names_end: int | None = None,
        followers: frozenset[int] = frozenset(),
    ) -> None:
        if not arena.A[machine.STEP]:
            machine.install(arena.A, lexed_steps.step_lexed, lexed_masks.read_lexed)
        is_inside = names_end is not None
        self.arena = arena
        self.names_end = arena.put([0, 2**31 - 1]) if names_end is None else names_end
        behind = followers.union(content.first_bytes if content.islands else b"")
        self._islands = {t: island.place(arena, self.names_end, behind) for t, island in content.islands.items()}
        hints = ways(content.grammar.lexer)
        goals = {t: island.root for t, island in self._islands.items()}
        grammar, verdict = _proved(content, hints)
        at = _place_parser(arena, grammar, _place_lexer(arena, grammar.lexer, hints, verdict))
        arena.A[at + stacks.G_ISLANDS] = _by_state(arena, grammar, goals)
        arena.A[at + stacks.G_TOKENS] = _by_state(arena, grammar, content.tokens)
        if is_inside or content.numbers():
            arena.A[at + stacks.G_FORKS] = arena.A[layout.RULES] = 1
        if followers:
            arena.A[at + stacks.G_AROUND] = nodes_around(arena, followers)
        self._me: ref[Lowers] = ref(self)
        self.root = arena.reserve(self._me)
        arena.publish(self.root, arena.put([1, arena.position(positions.K_BETWEEN, at)]))
        bottom = arena.state(arena.position(positions.K_LR, 0), end_of_text(arena))
        if verdict.opens or verdict.harmful.any():
            self._look_ahead(grammar, content, hints, verdict, at, bottom)
        self.start = self._before_text(at, bottom)

    def _before_text(self, at: int, bottom: int) -> int:
        """The state before the first byte; what the kernel must know of the stacks behind an island is found out."""
        while (start := int(lexed_steps.between(self.arena.A, at, bottom, 0))) <= 0:
            self.arena.resolve(int(masks.why(self.arena.A)))
        return start

    def _look_ahead(
        self, grammar: LexedGrammar, content: LexedIsland, hints: Hints, verdict: Verdict, at: int, bottom: int
    ) -> None:
        """See that there is a text, and none that is stuck in an island."""
        arena, lives, liveness = self.arena, verdict.lives, None
        lexing = Lexing(arena, int(arena.A[at + stacks.G_LEXER]), grammar.lexer.sets.shape[1], content.limits)
        openings = Openings(lexing, content)
        if verdict.harmful.any():
            self._liveness = liveness = Liveness(arena, grammar.parser, at, lexing, openings, plain_lives=lives)
            arena.A[at + stacks.G_LAZY] = arena.reserve(ref(liveness))
            if not liveness.begins(bottom, 0):
                reason = "no text is split into the terminals of a sentence."
                raise Unsatisfiable(reason, keyword=grammar.nonterminals[0])
        if verdict.opens:
            Check(lexing, openings, content, grammar, hints, liveness, plain_lives=lives).run()

    def lower(self, number: int) -> None:
        """Never asked for."""
        raise AssertionError(number)

    def owns(self, number: int) -> bool:
        """See :class:`Lowering`."""
        return any(island.owns(number) for island in self._islands.values())

    def after_value(self, number: int, value: object) -> int:
        """See :class:`Lowering`: the one island that has this array knows."""
        return self._owner(number).after_value(number, value)

    def has_seen(self, number: int, value: object) -> bool:
        """See :class:`Lowering`."""
        return self._owner(number).has_seen(number, value)

    def _owner(self, number: int) -> Lowering:
        return next(island for island in self._islands.values() if island.owns(number))


def _proved(content: LexedIsland, hints: Hints) -> tuple[LexedGrammar, Verdict]:
    """The grammar without what no text can complete, and what could be proved of it."""
    grammar, others = hopeful(content.grammar, content.numbers()), content.openings()
    proof = Proof(grammar, hints, others)
    if never := proof.never():
        grammar = hopeful(grammar, content.numbers(), never)
        proof = Proof(grammar, hints, others)
    return grammar, proof.run()


def _by_state(arena: Arena, grammar: LexedGrammar, numbers: Mapping[int, int]) -> int:
    """Address of a table of the terminals of each LR state that no lexer reads, as of ``G_ISLANDS``; 0 for none."""
    if not numbers:
        return 0
    action = grammar.parser.action
    entries = [[word for t, goal in numbers.items() if row[t] for word in (t, goal)] for row in action]
    first = np.cumsum([len(action) + 1, *map(len, entries)])
    at = arena.put(np.concatenate([first, *entries]).astype(np.int32))
    arena.A[at : at + len(first)] += at
    return at


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
    usual = parser.action.min(axis=1, initial=0)[:, None]  # most states reduce by one rule at most
    before = (parser.action == usual) & (usual < 0)
    states = np.empty((len(parser.action), stacks.LR_STRIDE), np.int32)
    states[:, stacks.S_ROW] = _comb(arena, np.where(before, 0, parser.action), 0)
    states[:, stacks.S_USUAL] = usual[:, 0]
    states[:, stacks.S_BEFORE] = _bits(arena, before)
    some = parser.action != 0
    settled = (some == before).all(axis=1)
    some[:, lexer.DROPPED] = True
    states[:, stacks.S_SOME] = _bits(arena, some)
    states[:, stacks.S_SETTLES] = np.where(settled & (usual < stacks.ACCEPT)[:, 0], -1 - usual[:, 0], 0)
    states[:, stacks.S_GOTO] = _comb(arena, parser.goto, -1)
    scalars = {stacks.G_LEXER: lexer_at, stacks.G_TERMINALS: parser.action.shape[1]}
    parts = {
        stacks.G_STATES: states,
        stacks.G_LEFT: parser.rule_left,
        stacks.G_LENGTH: parser.rule_length,
        stacks.G_CONTEXT: parser.context,
    }
    return _put(arena, scalars, parts, stacks.G_RECORD)


def _comb(arena: Arena, table: Ints, absent: int) -> Ints:
    """Put a sparse table into a comb, equal rows once: the address of each row, see :mod:`detent.native.stacks`."""
    entries, place = combs.comb(np.ascontiguousarray(table), absent)
    at: Ints = arena.put(entries) + 2 * place
    return at


def _bits(arena: Arena, sets: npt.NDArray[np.bool_]) -> Ints:
    """Put sets as rows of bits, equal ones once: the address of each."""
    n_words = (sets.shape[1] + 31) // 32
    padded = np.zeros((len(sets), 4 * n_words), np.uint8)
    packed = np.packbits(sets, axis=1, bitorder="little")
    padded[:, : packed.shape[1]] = packed
    rows = padded.view("<i4")
    number, kept = combs.distinct(rows)
    at: Ints = arena.put(rows[kept].ravel()) + n_words * number
    return at


def _place_lexer(arena: Arena, tables: LexerTables, hints: Hints, verdict: Verdict) -> int:
    n_classes, n_left = tables.sets.shape[1], tables.left_next.shape[0]
    real, spelled = hints.real, hints.spelled
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
        lexer.L_FAR: _looks_far(tables),
        lexer.L_FORGETS: _forgets(tables),
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
        lexer.L_SAFE: _bits(arena, verdict.safe != 0),
        lexer.L_HARMFUL: verdict.safe.min(axis=0) == 0,  # all that may be carried, even if it cannot swallow what comes
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


def _looks_far(tables: LexerTables) -> bool:
    """Whether a lookahead may stay undecided for as long as it likes."""
    undecided = set(range(HOLDS + 1, len(tables.look_next)))
    after = {state: undecided.intersection(tables.look_next[state].tolist()) for state in undecided}
    while ended := {state for state in undecided if undecided.isdisjoint(after[state])}:
        undecided -= ended
    return bool(undecided)


def _forgets(tables: LexerTables) -> bool:
    """Whether what stands before a character is never asked for behind it: see :mod:`detent.native.lexer_carries`."""
    if len(tables.left_next) == 1 or (tables.left_next != tables.left_next[0]).any():
        return False
    pending: list[int] = tables.entry[tables.entry >= 0].tolist()
    seen: set[int] = set()
    while pending:
        op, a, b = tables.code[pending.pop()].tolist()
        if op == ASSERT:
            return False
        if op == SPLIT:
            pending += {a, b} - seen
            seen |= {a, b}
    return True


def _repeats(tables: LexerTables, hints: Hints) -> bool:
    """Whether some terminal has the same character so often that it may be a counted repetition."""
    reads = tables.code[:, 0] == CHARS
    pairs = hints.owner[reads].astype(np.int64) * len(tables.sets) + tables.code[reads, 1]
    return bool((np.unique(pairs, return_counts=True)[1] >= MANY_READS).any())


MANY_READS = 10  # with fewer, sharing the tables of lexer states costs more than it saves
