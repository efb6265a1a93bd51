"""Terminals as regular languages, where what follows a token decides whether it ends there.

A pattern's match may end at a place only if no thread of higher priority matches later, and if what its assertions say
of the following text comes true. So a token leaves *obligations* to the text behind it. Both they and the left state of
the assertions are finite, and their pair is a *situation*: an automaton over the rest of the text, in its canonical
form, so that equal obligations are one whoever left them. Situation 0 is the beginning of a text. Reading a terminal
from a situation leads to other situations, each with a regular language of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from ...native.minimise import canonical, minimise
from .. import dfa
from ..errors import LimitExceeded
from ..regular import Regular
from ..rules import language
from .endings import DONE, Ending
from .tables import ASSERT, CHARS, FAILED, HOLDS, MATCH, SPLIT, LexerTables

Thread: TypeAlias = "tuple[int, frozenset[int], int]"  # instruction, look states owed, which of the programs
# Left state, threads that must not match, look states that must hold, tokens that must prove to be some.
Raw: TypeAlias = "tuple[int, frozenset[Thread], frozenset[int], frozenset[Ending]]"
Exits: TypeAlias = "dict[int, Regular]"
NOTHING: frozenset[int] = frozenset()


class Situations:
    """All situations of a grammar, and what the programs do in them.

    Parameters
    ----------
    tables : LexerTables
    max_states : int
        LimitExceeded is raised where obligations or terminals need more.
    """

    def __init__(self, tables: LexerTables, max_states: int) -> None:
        self.tables, self.max_states = tables, max_states
        self.n_classes = tables.sets.shape[1]
        self._code = tables.code.tolist()
        self._sets = tables.sets.tolist()
        self._members = [[c for c, holds in enumerate(row) if holds] for row in self._sets]
        self._left_next, self._look_next = tables.left_next.tolist(), tables.look_next.tolist()
        self._look_enter, self._look_end = tables.look_enter.tolist(), tables.look_end.tolist()
        self._number: dict[bytes, int] = {}
        self._of_raw: dict[Raw, int] = {}
        self._next: dict[tuple[int, int], int] = {}
        self.raw: list[Raw] = []
        self.beginning(0)

    # ------------------------------------------------------------------------------------------------------- threads
    def follow(self, thread: Thread, left: int) -> list[Thread]:
        """The threads that read or have matched which a thread becomes without reading, in order."""
        found: dict[Thread, None] = {}
        pending = [thread]
        while pending:
            pc, owed, i = pending.pop()
            op, a, b = self._code[pc]
            if op == SPLIT:
                pending += ((b, owed, i), (a, owed, i))
            elif op == ASSERT:
                look = self._look_enter[left][a]
                if look != FAILED:
                    pending.append((b, owed if look == HOLDS else owed | {look}, i))
            else:
                found[(DONE if op == MATCH else pc), owed, i] = None
        return list(found)

    def step(self, thread: Thread, left: int, c: int) -> list[Thread]:
        """The threads after a character of a class; `left` is the left state behind it."""
        pc, owed, i = thread
        after = self.looks(owed, c)
        if after is None:
            return []
        if pc == DONE:
            return [(DONE, after, i)]
        _, a, b = self._code[pc]
        return self.follow((b, after, i), left) if self._sets[a][c] else []

    def classes(self, threads: Iterable[Thread]) -> list[int]:
        """The classes that some thread can read."""
        return sorted({c for pc, _, _ in threads if pc != DONE for c in self._members[self._code[pc][1]]})

    def looks(self, owed: frozenset[int], c: int) -> frozenset[int] | None:
        """What is owed after a character; None where it has failed."""
        if not owed:
            return owed
        after = {self._look_next[look][c] for look in owed}
        return None if FAILED in after else frozenset(after - {HOLDS})

    # ---------------------------------------------------------------------------------------------------- situations
    def after(self, situation: int, c: int) -> int:
        """The situation after a character, -1 where an obligation is broken."""
        key = situation, c
        found = self._next.get(key)
        if found is None:
            raw = self._raw_after(self.raw[situation], c)
            found = self._next[key] = -1 if raw is None else self.number(raw)
        return found

    def ends(self, situation: int) -> bool:
        """Whether the text may end in a situation."""
        return self._raw_ends(self.raw[situation])

    def with_more(self, situation: int, avoided: Iterable[Thread], demanded: frozenset[int]) -> int:
        """The situation with further obligations; -1 where they are broken at once."""
        left, known, looks, endings = self.raw[situation]
        more = _waiting(avoided)
        return -1 if more is None else self.number((left, known | more, looks | demanded, endings))

    def with_ending(self, situation: int, more: Ending | bool) -> int:
        """The situation with a token that may be one; -1 where it is none."""
        if isinstance(more, bool):
            return situation if more else -1
        left, avoided, looks, endings = self.raw[situation]
        return self.number((left, avoided, looks, endings | {more}))

    def free(self, situation: int) -> int:
        """The situation without its obligations."""
        return self.beginning(self.raw[situation][0])

    def beginning(self, left: int) -> int:
        """The situation of a left state without obligations."""
        return self.number((left, frozenset(), NOTHING, frozenset()))

    def is_met(self, situation: int, begins: Iterable[int]) -> bool:
        """Whether the obligations are surely met by texts that are empty or begin with one of some classes."""
        return self.ends(situation) and all(
            after >= 0 and self.free(after) == after for after in (self.after(situation, c) for c in begins)
        )

    def begins(self, terminal: int) -> set[int]:
        """The classes of characters with which a terminal can begin."""
        pending, seen, threads = [int(self.tables.entry[terminal])], set(), []
        while pending:
            pc = pending.pop()
            if pc not in seen:
                seen.add(pc)
                op, a, b = self._code[pc]
                if op == CHARS:
                    threads.append((pc, NOTHING, 0))
                else:
                    pending += (a, b) if op == SPLIT else (b,)
        return set(self.classes(threads))

    def _raw_after(self, raw: Raw, c: int) -> Raw | None:
        left, avoided, demanded, endings = raw
        left = self.left_after(left, c)
        looks = self.looks(demanded, c)
        more = _waiting(t for thread in avoided for t in self.step(thread, left, c))
        proved = {after for token in endings if (after := token.after(self, left, c)) is not True}
        if looks is None or more is None or False in proved:
            return None
        return left, more, looks, frozenset(proved)  # type: ignore[arg-type]  # there is no bool among them

    def _raw_ends(self, raw: Raw) -> bool:
        _, avoided, demanded, endings = raw
        broken = any(pc == DONE and self.all_hold(owed) for pc, owed, _ in avoided)
        return not broken and self.all_hold(demanded) and all(token.may_end(self) for token in endings)

    def left_after(self, left: int, c: int) -> int:
        """The left state after a character."""
        return int(self._left_next[left][c])

    def all_hold(self, owed: frozenset[int]) -> bool:
        """Whether all is met that is owed where the text ends."""
        return all(self._look_end[look] for look in owed)

    def number(self, raw: Raw) -> int:
        """The number of a situation: the same for all that differ in nothing that can follow."""
        found = self._of_raw.get(raw)
        if found is not None:
            return found
        order, place, rows = [raw], {raw: 0}, []
        for state in order:
            if len(order) > self.max_states:
                raise LimitExceeded("regex_states", len(order), self.max_states)
            row = []
            for c in range(self.n_classes):
                after = self._raw_after(state, c) if any(state[1:]) else None
                if after is not None and after not in place:
                    place[after] = len(order)
                    order.append(after)
                row.append(-1 if after is None else place[after])
            rows.append(row)
        trans = np.array(rows, np.int32)
        free = [not any(state[1:]) for state in order]
        colour = [4 * state[0] + 2 * free[i] + self._raw_ends(state) + 1 for i, state in enumerate(order)]
        key = b"".join(part.tobytes() for part in canonical(*minimise(trans, np.array(colour, np.int32))))
        number = self._of_raw[raw] = self._number.setdefault(key, len(self.raw))
        if number == len(self.raw):
            self.raw.append(raw)
        return number


def _waiting(threads: Iterable[Thread]) -> frozenset[Thread] | None:
    """Threads that are avoided; None where one has matched."""
    found = frozenset(threads)
    return None if any(pc == DONE and not owed for pc, owed, _ in found) else found


class Beyond(Exception):
    """A match of the text alone that owes something to the text behind it."""


@dataclass(frozen=True)
class Program:
    """What a scanner tries.

    Attributes
    ----------
    order : tuple of int
        Terminals, in order.
    strings : tuple of tuples of int
        For each of them the strings that take over its tag.
    every : bool
        Whether a token may end wherever a match of its text alone would, or only where the match in the whole text
        ends.
    """

    order: tuple[int, ...]
    strings: tuple[tuple[int, ...], ...]
    every: bool = False


# Threads in order (those that have matched wait for what they owe), what is read beside them, situation, ends here.
Config: TypeAlias = "tuple[tuple[Thread, ...], Any, int, frozenset[tuple[int, bool, int]]]"


class Scanner:
    """Reads tokens of one program.

    Parameters
    ----------
    situations : Situations
    program : Program
    """

    def __init__(self, situations: Situations, program: Program) -> None:
        self._situations, self._program = situations, program
        self._known: dict[int, dict[tuple[int, bool], Exits]] = {}

    def exits(self, situation: int) -> dict[tuple[int, bool], Exits]:
        """For each (tag, whether it is dropped): the situations behind it, and the texts that lead there from one."""
        found = self._known.get(situation)
        if found is None:
            found = self._known[situation] = self._read(situation)
        return found

    def _read(self, situation: int) -> dict[tuple[int, bool], Exits]:
        s, tables = self._situations, self._situations.tables
        order = [self._start(situation)]
        place, rows = {order[0]: 0}, []
        states: dict[tuple[int, bool, int], list[int]] = {}
        for number, config in enumerate(order):
            if number > s.max_states:
                raise LimitExceeded("regex_states", number, s.max_states)
            for end in config[3]:
                states.setdefault(end, []).append(number)
            row = [-1] * s.n_classes
            for c in s.classes(config[0]):
                after = self._step(config, c)
                if after is not None:
                    if after not in place:
                        place[after] = len(order)
                        order.append(after)
                    row[c] = place[after]
            rows.append(row)
        trans = np.array(rows, np.int32)
        found: dict[tuple[int, bool], Exits] = {}
        for (tag, dropped, to), accepting in sorted(states.items()):
            accept = np.zeros(len(order), np.int32)
            accept[accepting] = 1
            whole = dfa.CharDfa(tables.starts, tables.cls, trans, accept.astype(np.uint8))
            found.setdefault((tag, dropped), {})[to] = language(dfa.recolour(whole, accept.tolist())[0])
        return found

    def _start(self, situation: int) -> Config:
        s, tables = self._situations, self._situations.tables
        left = s.raw[situation][0]
        threads: dict[Thread, None] = {}
        strings: dict[Thread, None] = {}
        for i, terminal in enumerate(self._program.order):
            threads |= dict.fromkeys(s.follow((int(tables.entry[terminal]), NOTHING, i), left))
            for string in self._program.strings[i]:
                strings |= dict.fromkeys(s.follow((int(tables.entry[string]), NOTHING, string), left))
        return tuple(threads), tuple(strings), situation, frozenset()

    def _step(self, config: Config, c: int) -> Config | None:
        s = self._situations
        situation = s.after(config[2], c)
        if situation < 0:
            return None
        left = s.raw[situation][0]
        strings = {t: None for thread in config[1] for t in s.step(thread, left, c)}
        matched = {string for pc, _, string in strings if pc == DONE}
        threads: dict[Thread, None] = {}
        ends: set[tuple[int, bool, int]] = set()
        for thread, fresh in self._stepped(config[0], left, c):
            if thread in threads:
                continue
            pc, owed, i = thread
            if pc == DONE and fresh:
                if owed and self._program.every:
                    raise Beyond
                to = situation if self._program.every else s.with_more(situation, threads, owed)
                if to >= 0:
                    ends.add((*self._tag(i, matched), to))
            if pc == DONE and not owed:
                break  # a token ends here, or did where this thread matched: those behind it are out
            threads[thread] = None
        if not ends and all(pc == DONE for pc, _, _ in threads):
            return None
        return tuple(threads), tuple(t for t in strings if t[0] != DONE), situation, frozenset(ends)

    def _stepped(self, threads: Iterable[Thread], left: int, c: int) -> Iterator[tuple[Thread, bool]]:
        """Threads after a character, and whether they were reading before it."""
        for thread in threads:
            for after in self._situations.step(thread, left, c):
                yield after, thread[0] != DONE

    def _tag(self, i: int, matched: set[int]) -> tuple[int, bool]:
        terminal = self._program.order[i]
        if self._situations.tables.ignored[terminal]:
            return terminal, True
        return next((string for string in self._program.strings[i] if string in matched), terminal), False
