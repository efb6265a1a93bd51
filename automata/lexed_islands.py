"""Islands in Lark grammars, and Lark grammars as islands: what stands where declared terminals do."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from detent.grammar.errors import GrammarError, Unsatisfiable
from detent.grammar.lark.compile import check_declared
from detent.grammar.lark.tables import ASSERT, CHARS, END, HOLDS, MATCH, SPLIT, LexedGrammar, LexerTables
from detent.grammar.regular import EPSILON, Regular, alt
from detent.grammar.rule_automata import RuleAutomata
from detent.grammar.rules import Rules, Token, call, island, renamed
from detent.native import trie

from . import byte_sets
from .arena import Arena
from .island import JsonIsland
from .limits import Limits
from .lowering import Lowering
from .rule_lowering import RuleIsland
from .sentences import START, Rule, rules_of

Declared: TypeAlias = "JsonIsland | Rules | LexedIsland | Regular"  # (a special token is an expression)
Content: TypeAlias = "JsonIsland | RuleIsland | LexedIsland"
OPENING = b'"[{'


@dataclass(frozen=True, eq=False)
class LexedIsland:
    """A Lark grammar with a lexer, the islands in it, and its tokens of the vocabulary.

    Attributes
    ----------
    grammar : LexedGrammar
    islands : mapping of int to Content
        What terminals stand for, by number.
    tokens : mapping of int to int
        The tokens that terminals are.
    limits : Limits
    """

    grammar: LexedGrammar
    islands: Mapping[int, Content] = field(default_factory=dict)
    tokens: Mapping[int, int] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)

    @property
    def has_free_names(self) -> bool:
        """Whether an object of an island may have names that are not listed."""
        return any(inside.has_free_names for inside in self.islands.values())

    @property
    def is_nullable(self) -> bool:
        """Whether the empty text belongs to the grammar: the lookaheads of the first state are exact."""
        return bool(self.grammar.parser.action[0, END])

    @property
    def has_json(self) -> bool:
        """Whether a text can hold JSON values."""
        return any(inside.has_json for inside in self.islands.values())

    @cached_property
    def first_bytes(self) -> bytes:
        """The bytes that a token of any kind can begin with."""
        terminals = np.flatnonzero(self.grammar.lexer.entry >= 0).tolist()
        found = _bytes_of(self.grammar.lexer, first_classes(self.grammar.lexer, terminals))
        return bytes(sorted(found.union(*(inside.first_bytes for inside in self.islands.values()))))

    def place(self, arena: Arena, names_end: int | None, followers: frozenset[int]) -> Lowering:
        """Its lowering in an arena; ``names_end`` is None where it stands alone."""
        from .lexed import LexedLowering

        return LexedLowering(arena, self, names_end, followers)

    def numbers(self) -> dict[int, object]:
        """The terminals that no lexer reads."""
        return {**self.islands, **self.tokens}

    def openings(self) -> dict[int, set[int] | None]:
        """The classes of characters that texts of islands may begin with; None for tokens of the vocabulary."""
        lexer = self.grammar.lexer
        found: dict[int, set[int] | None] = dict.fromkeys(self.tokens)
        beyond = set(lexer.cls[-np.count_nonzero(lexer.starts >= 128) - 1 :].tolist())  # of characters beyond ASCII
        for number, inside in self.islands.items():
            first = bytes(b for b in inside.first_bytes if b < 128)
            found[number] = _classes_of(lexer, first) | (beyond if len(first) < len(inside.first_bytes) else set())
        return found

    def check(self) -> None:
        """Refuse what cannot be followed, and grammars of which no text is left.

        Raises
        ------
        Unsatisfiable
        GrammarError
            If an island has the empty text, or a JSON value could be told apart from other text too late.
        """
        names = self.grammar.terminals
        for number, inside in self.islands.items():
            if inside.is_nullable:
                raise GrammarError(
                    f"the island {names[number]} has the empty text, as no terminal may.",
                    keyword=names[number],
                    hint="Leave the empty text out of it, and write ? behind the terminal.",
                )
            if inside.has_json and set(inside.first_bytes) & set(OPENING):
                self._check_json(number)
        known = [n for n, entry in enumerate(self.grammar.lexer.entry) if n == END or entry >= 0]
        if not has_sentence(rules_of(self.grammar.parser), {*known, *self.numbers()}):
            raise Unsatisfiable("no sequence of terminals ends the start rule.", keyword=self.grammar.nonterminals[0])

    def _check_json(self, number: int) -> None:
        """No other text may begin like a JSON value where that stands, nor may the token before it go on like one.

        Keys of objects are followed, and items of arrays compared, beside the state, which must tell where they are.
        """
        parser, lexer, names = self.grammar.parser, self.grammar.lexer, self.grammar.terminals
        classes = _classes_of(lexer, OPENING)
        here = np.flatnonzero(parser.action[:, number] != 0)
        beside = {t for s in here.tolist() for t in _tried(lexer, int(parser.context[s]))}
        wrong = [t for t in sorted(beside) if classes & first_classes(lexer, [t])]
        wrong += [
            other
            for other, inside in self.islands.items()
            if other != number and (parser.action[here, other] != 0).any() and set(OPENING) & set(inside.first_bytes)
        ]
        if wrong:
            raise _ambiguous(names[number], names[wrong[0]], "may begin like it at the same place")
        entered_by = {int(t) for s, t in np.argwhere(parser.action > 0) if int(parser.action[s, t]) - 1 in here}
        before = {t for t in entered_by if t and lexer.entry[t] >= 0} | {t for t in beside if lexer.ignored[t]}
        for context in range(len(lexer.order_first) - 1):
            tried = _tried(lexer, context)
            for t in sorted(before & set(tried)):
                for other in tried:
                    if runs_on(lexer, t, other, classes):
                        raise _ambiguous(names[number], names[other], f"may go on with it behind {names[t]}")
        undecided = lexer.look_next[:, sorted(classes)][HOLDS + 1 :] > HOLDS
        if undecided.any():
            raise _ambiguous(names[number], "of some terminal", "lookahead reads on into it")


def has_sentence(rules: Iterable[Rule], terminals: set[int]) -> bool:
    """Whether the start rule has a sentence of some terminals."""
    productive: set[int] = set()
    before = -1
    while before < len(productive):
        before = len(productive)
        productive.update(
            left for left, right in rules if all(x in terminals if x >= 0 else -1 - x in productive for x in right)
        )
    return START in productive


def with_islands(grammar: LexedGrammar, declared: Mapping[str, Declared], limits: Limits) -> LexedIsland:
    """A grammar with what its declared terminals stand for.

    Raises
    ------
    GrammarError, Unsatisfiable
        See :meth:`LexedIsland.check`.
    LimitExceeded
    """
    number = {name: k for k, name in enumerate(grammar.terminals) if k != END and grammar.lexer.entry[k] < 0}
    check_declared(declared, number)
    tokens = {number[name]: value.token for name, value in declared.items() if isinstance(value, Token)}
    islands = {
        number[name]: RuleIsland(RuleAutomata(value, limits.rule_states)) if isinstance(value, Rules) else value
        for name, value in declared.items()
        if not isinstance(value, Regular)
    }
    found = LexedIsland(grammar, islands, tokens, limits)
    if declared:
        found.check()
    return found


def embedded(declared: Mapping[str, Declared]) -> tuple[dict[str, Regular], dict[str, Regular]]:
    """What declared terminals stand for as expressions, and the bodies of the rules that these call."""
    leaves: dict[str, Regular] = {}
    bodies: dict[str, Regular] = {}
    for name, value in declared.items():
        if isinstance(value, Rules):
            bodies |= renamed(value, f"{name}/")
            leaves[name] = call(f"{name}/{value.start}")
        else:
            leaves[name] = value if isinstance(value, Regular) else leaf(value)
    return leaves, bodies


def leaf(content: JsonIsland | LexedIsland) -> Regular:
    """A text of another specification as an expression."""
    return alt(EPSILON, island(content)) if content.is_nullable else island(content)


def _ambiguous(name: str, other: str, what: str) -> GrammarError:
    return GrammarError(
        f"the JSON value {name} cannot be told from other text: {other} {what}.",
        keyword=name,
        hint="Write a terminal before the value that tells them apart.",
    )


# ------------------------------------------------------------------------------------------------ programs of terminals
def _tried(lexer: LexerTables, context: int) -> list[int]:
    """The terminals of a context, strings that are matched by others included."""
    first, last = int(lexer.order_first[context]), int(lexer.order_first[context + 1])
    strings = lexer.retype[lexer.retype_first[first] : lexer.retype_first[last]]
    return [*lexer.order[first:last].tolist(), *strings.tolist()]


def _closure(lexer: LexerTables, pc: int) -> list[int]:
    """The instructions that read or match which one leads to; assertions may hold."""
    found, pending = {pc: None}, [pc]
    while pending:
        op, a, b = lexer.code[pending.pop()].tolist()
        for to in (a, b) if op == SPLIT else (b,) if op == ASSERT else ():
            if to not in found:
                found[to] = None
                pending.append(to)
    return [pc for pc in found if lexer.code[pc, 0] in (CHARS, MATCH)]


def first_classes(lexer: LexerTables, terminals: Iterable[int]) -> set[int]:
    """The classes of characters that some terminals begin with."""
    reading = [pc for t in terminals for pc in _closure(lexer, int(lexer.entry[t])) if lexer.code[pc, 0] == CHARS]
    return set(np.flatnonzero(lexer.sets[lexer.code[reading, 1]].any(axis=0)).tolist())


def runs_on(lexer: LexerTables, terminal: int, other: int, classes: set[int]) -> bool:
    """Whether a word of a terminal, with a character of some classes behind it, is a beginning of another's word."""
    start = int(lexer.entry[terminal]), int(lexer.entry[other])
    seen, pending = {start}, deque([start])
    behind = sorted(classes)
    while pending:
        first, second = (_closure(lexer, pc) for pc in pending.popleft())
        readers = [pc for pc in second if lexer.code[pc, 0] == CHARS]
        if any(lexer.code[pc, 0] == MATCH for pc in first) and lexer.sets[lexer.code[readers, 1]][:, behind].any():
            return True
        for p in first:
            for q in readers if lexer.code[p, 0] == CHARS else ():
                pair = int(lexer.code[p, 2]), int(lexer.code[q, 2])
                if pair not in seen and (lexer.sets[lexer.code[p, 1]] & lexer.sets[lexer.code[q, 1]]).any():
                    seen.add(pair)
                    pending.append(pair)
    return False


def _classes_of(lexer: LexerTables, characters: bytes) -> set[int]:
    return set(lexer.cls[np.searchsorted(lexer.starts, list(characters), side="right") - 1].tolist())


def _bytes_of(lexer: LexerTables, classes: set[int]) -> set[int]:
    """The bytes that characters of some classes begin with."""
    holds = np.zeros((1, lexer.sets.shape[1]), np.bool_)
    holds[0, sorted(classes)] = True
    return set(np.flatnonzero(byte_sets.begins(lexer.starts, lexer.cls, holds)[0]).tolist())


# -------------------------------------------------------------------------------------------- the text around a grammar
def nodes_around(arena: Arena, followers: frozenset[int]) -> int:
    """Address of a bit for each node of the trie: whether a token through it has one of some bytes. O(trie)."""
    key = "around", followers
    found = arena.goals.get(key)
    if found is None:
        marked = _marked(arena.V, followers)
        bits = np.zeros(-(-len(marked) // 32) * 32, np.bool_)
        bits[: len(marked)] = marked
        found = arena.goals[key] = arena.put(np.packbits(bits, bitorder="little").view(np.int32))
    return found


def _marked(V: npt.NDArray[np.int32], followers: frozenset[int]) -> npt.NDArray[np.bool_]:
    n = int(V[trie.V_NODES])
    child = V[int(V[trie.V_CHILD]) :][: n + 1].astype(np.int64)
    wanted = np.zeros(256, np.bool_)
    wanted[list(followers)] = True
    below = wanted[V[int(V[trie.V_BYTE]) :][:n]]
    below[0] = False
    parent = np.repeat(np.arange(n), np.diff(child))  # of the nodes from number 1 on
    levels = [(0, 1)]
    while levels[-1][0] < levels[-1][1]:
        levels.append((int(child[levels[-1][0]]), int(child[levels[-1][1]])))
    for lo, hi in levels[1:]:
        below[lo:hi] |= below[parent[lo - 1 : hi - 1]]
    above: npt.NDArray[np.bool_] = below.copy()
    for lo, hi in reversed(levels[1:]):
        np.logical_or.at(above, parent[lo - 1 : hi - 1], above[lo:hi])
    return above


__all__ = [
    "Content",
    "Declared",
    "LexedIsland",
    "embedded",
    "first_classes",
    "leaf",
    "nodes_around",
    "runs_on",
    "with_islands",
]
