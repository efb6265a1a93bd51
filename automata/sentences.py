"""Whether any text belongs to a grammar with a lexer: a shortest sentence, spelled, or a search of all states.

A grammar whose parser has sentences can still be empty: with ``A: /a+/`` and ``B: /ab/``, no text is lexed as ``A B``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detent.grammar.errors import Unsatisfiable
from detent.grammar.lark.tables import CHARS, MATCH, SPLIT, LexedGrammar, LexerTables, ParserTables
from detent.native import masks, steps
from detent.native.arena import STATUS

from .arena import Arena

Ints = NDArray[np.int32]
MAX_STATES = 2_000  # searched where a shortest sentence cannot be spelled; beyond, a text is taken to exist
Rule = tuple[int, tuple[int, ...]]  # left side; terminals as they are, nonterminals as -1 - number


def rules_of(parser: ParserTables) -> list[Rule]:
    """The rules that a parser can reduce by, read off its automaton: a state is entered by one symbol only."""
    symbol, before = np.zeros((2, len(parser.action)), np.int64)
    s, x = np.nonzero(parser.action > 0)
    after = parser.action[s, x] - 1
    symbol[after], before[after] = x, s
    s, x = np.nonzero(parser.goto >= 0)
    after = parser.goto[s, x]
    symbol[after], before[after] = -1 - x, s
    acts, cells = np.unique(parser.action, return_index=True)
    where = zip(acts[acts < 0].tolist(), (cells[acts < 0] // parser.action.shape[1]).tolist(), strict=True)
    symbols, origins = symbol.tolist(), before.tolist()
    found = []
    for act, state in where:
        right = []
        for _ in range(parser.rule_length[-1 - act]):
            right.append(symbols[state])
            state = origins[state]
        found.append((int(parser.rule_left[-1 - act]) if act != -1 else START, tuple(reversed(right))))
    return found


START = -1  # left side of the rule that ends the text


def shortest_sentence(rules: list[Rule]) -> list[int] | None:
    """The terminals of a shortest sentence, or None when there is none."""
    length: dict[int, int] = {}
    best: dict[int, tuple[int, ...]] = {}
    changed = True
    while changed:
        changed = False
        for left, right in rules:
            total = 0
            for x in right:
                total += 1 if x >= 0 else length.get(-1 - x, UNKNOWN)
            if total < length.get(left, UNKNOWN):
                length[left], best[left], changed = total, right, True
    if START not in best:
        return None
    out, stack = [], list(reversed(best[START]))
    while stack:
        x = stack.pop()
        if x >= 0:
            out.append(x)
        elif len(out) + len(stack) > MAX_SENTENCE:
            break
        else:
            stack += reversed(best[-1 - x])
    return out


UNKNOWN, MAX_SENTENCE = 1 << 40, 4_000


@dataclass(frozen=True, eq=False)
class Hints:
    """Shortest ways to a match, lookarounds apart.

    Attributes
    ----------
    first : list of int
        For each instruction, where such a way first reads a character, or matches; -1 where there is none.
    char_class, next : (n,) int32
        For each instruction that reads, the class that it reads on such a way, and where the way reads next.
    owner : (n,) int32
        The terminal of each instruction.
    """

    first: list[int]
    char_class: Ints
    next: Ints
    owner: Ints


def spelled_classes(tables: LexerTables) -> tuple[NDArray[np.bool_], Ints]:
    """The intervals that hold no surrogates, and for each class whether it has such characters."""
    ends = np.append(tables.starts[1:], 0x110000) - 1
    real = ~((tables.starts >= 0xD800) & (ends <= 0xDFFF))
    spelled = np.zeros(tables.sets.shape[1], np.int32)
    spelled[tables.cls[real]] = 1
    return real, spelled


def ways(tables: LexerTables) -> Hints:
    """Find them from the matches backwards, the nearest instructions first."""
    code = tables.code.tolist()
    usable = (tables.sets != 0) & (spelled_classes(tables)[1] != 0)
    some_class = np.where(usable.any(axis=1), usable.argmax(axis=1), -1).tolist()
    before: list[list[int]] = [[] for _ in code]
    char_class, then, owner = (np.full(len(code), none, np.int32) for none in (-1, 0, 0))
    first: list[int] = [-1] * len(code)
    found: deque[tuple[int, int]] = deque()
    for pc, (op, a, b) in enumerate(code):
        if op == MATCH:
            found.append((pc, pc))
            owner[pc] = a
        elif op != CHARS or some_class[a] >= 0:
            before[b].append(pc)
            if op == SPLIT:
                before[a].append(pc)
    while found:
        pc, reading = found.popleft()
        if first[pc] >= 0:
            continue
        first[pc] = reading
        for other in before[pc]:
            owner[other] = owner[pc]
            if code[other][0] != CHARS:
                found.appendleft((other, reading))
            elif first[other] < 0:
                char_class[other], then[other] = some_class[code[other][1]], reading
                found.append((other, other))
    return Hints(first, char_class, then, owner)


class Speller:
    """Words of terminals.

    Parameters
    ----------
    tables : LexerTables
    hints : Hints
    """

    def __init__(self, tables: LexerTables, hints: Hints) -> None:
        self._tables, self._hints = tables, hints

    def letter(self, c: int) -> str:
        """A character of a class, one that can be printed if there is one."""
        tables = self._tables
        spans = np.flatnonzero(tables.cls == c)
        ends = np.append(tables.starts, 0x110000)[spans + 1]
        k = int(np.searchsorted(ends, PRINTED, side="right"))  # the first that reaches beyond what cannot be printed
        k = k if k < len(spans) else 0
        return chr(max(int(tables.starts[spans[k]]), min(PRINTED, int(ends[k]) - 1)))

    def word(self, terminal: int) -> str:
        """A shortest word of a terminal, lookarounds apart."""
        pc, out = self._hints.first[int(self._tables.entry[terminal])], ""
        while self._tables.code[pc, 0] != MATCH:
            out += self.letter(int(self._hints.char_class[pc]))
            pc = int(self._hints.next[pc])
        return out


PRINTED = 0x21


def check_satisfiable(arena: Arena, grammar: LexedGrammar, speller: Speller, start: int) -> None:
    """Refuse a grammar without any text.

    Raises
    ------
    Unsatisfiable
    """
    if masks.is_complete(arena.A, start):
        return
    sentence = shortest_sentence(rules_of(grammar.parser))
    if sentence is None:
        raise Unsatisfiable("no sequence of terminals ends the start rule.", keyword=grammar.nonterminals[0])
    if any(_leads_to_end(arena, start, text) for text in _spellings(grammar, speller, sentence)):
        return
    if not _some_end(arena, grammar, speller, start):
        raise Unsatisfiable("no text is split into the terminals of a sentence.", keyword=grammar.nonterminals[0])


def _spellings(grammar: LexedGrammar, speller: Speller, sentence: list[int]) -> Iterator[str]:
    """Texts that may be lexed as some terminals."""
    if any(grammar.lexer.entry[t] < 0 for t in sentence):
        return
    words = [speller.word(t) for t in sentence]
    ignored = [speller.word(t) for t in np.flatnonzero(grammar.lexer.ignored).tolist() if grammar.lexer.entry[t] >= 0]
    for gap in ("", " ", "\n", *ignored):
        yield gap.join(words)


def _leads_to_end(arena: Arena, start: int, text: str) -> bool:
    state = int(masks.advance_bytes(arena.A, start, np.frombuffer(text.encode(), np.uint8).astype(np.int32), 0))
    if state < 0:
        arena.full()
    return state > 0 and bool(masks.is_complete(arena.A, state))


def _some_end(arena: Arena, grammar: LexedGrammar, speller: Speller, start: int) -> bool:
    """Whether a text can end in some state behind ``start``, breadth first by characters; True beyond a limit."""
    letters = []
    for c in range(grammar.lexer.sets.shape[1]):
        letter = speller.letter(c)
        if not "\ud800" <= letter <= "\udfff":
            letters.append(letter.encode())
    found, seen = [start], {start}
    for state in found:
        for data in letters:
            to = state
            for b in data:
                to = int(steps.step(arena.A, to, b)) if to > 0 else -1
            if arena.A[STATUS] != 0:
                arena.full()
            if to > 0 and masks.is_complete(arena.A, to):
                return True
            if to > 0 and to not in seen:
                seen.add(to)
                found.append(to)
        if len(found) > MAX_STATES:
            return True
    return False


__all__ = ["Hints", "Speller", "check_satisfiable", "rules_of", "shortest_sentence", "spelled_classes", "ways"]
