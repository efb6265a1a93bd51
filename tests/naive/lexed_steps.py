"""A slow, obvious recogniser over the tables of a lexed grammar: character by character, all hypotheses at once.

A hypothesis says where the tokens of the text so far end. When a thread matches, the token may end there, provided that
no thread before it ever matches (they are *avoided* from then on) and that what it owes holds (*demanded*); or a thread
before it will match later. Of a complete text exactly one hypothesis comes true.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from detent.grammar.lark.tables import ASSERT, CHARS, END, FAILED, HOLDS, MATCH, SPLIT, LexedGrammar

from .lexed import shift

DONE = -1  # pc of a thread that has matched and waits for what it owes
Thread: TypeAlias = "tuple[int, frozenset[int], int]"  # pc, look states owed, entry of `order`


@dataclass(frozen=True)
class Hypothesis:
    """The parser's stack, the threads of the token that is open, and what must not and must come true."""

    stack: tuple[int, ...]
    threads: tuple[Thread, ...]
    strings: tuple[tuple[int, Thread], ...]
    fresh: bool
    avoided: frozenset[Thread]
    demanded: frozenset[int]


class Recogniser:
    """All hypotheses of a text that grows."""

    def __init__(self, grammar: LexedGrammar) -> None:
        self.grammar, self.tables = grammar, grammar.lexer
        self.starts, self.cls = self.tables.starts.tolist(), self.tables.cls.tolist()
        self.left = 0
        self.hypotheses = {self.open((0,), frozenset(), frozenset())}

    def open(self, stack: tuple[int, ...], avoided: frozenset[Thread], demanded: frozenset[int]) -> Hypothesis:
        """Begin a token."""
        tables, context = self.tables, int(self.grammar.parser.context[stack[-1]])
        threads: list[Thread] = []
        strings: list[tuple[int, Thread]] = []
        for i in range(tables.order_first[context], tables.order_first[context + 1]):
            threads += self.follow((int(tables.entry[tables.order[i]]), frozenset(), i))
            for string in tables.retype[tables.retype_first[i] : tables.retype_first[i + 1]].tolist():
                strings += [(string, t) for t in self.follow((int(tables.entry[string]), frozenset(), i))]
        return Hypothesis(stack, tuple(threads), tuple(strings), True, avoided, demanded)

    def follow(self, thread: Thread) -> list[Thread]:
        """The threads that read or match, in order, which a thread becomes without reading."""
        found: dict[Thread, None] = {}
        stack = [thread]
        while stack:
            pc, owed, i = stack.pop()
            op, a, b = self.tables.code[pc].tolist()
            if op == SPLIT:
                stack += [(b, owed, i), (a, owed, i)]
            elif op == ASSERT:
                look = int(self.tables.look_enter[self.left, a])
                if look != FAILED:
                    stack.append((b, owed if look == HOLDS else owed | {look}, i))
            else:
                found[pc, owed, i] = None
        return list(found)

    def looks(self, owed: Iterable[int], c: int) -> frozenset[int] | None:
        """What is owed after a character; None where it has failed."""
        after = {int(self.tables.look_next[look, c]) for look in owed}
        return None if FAILED in after else frozenset(after - {HOLDS})

    def step_thread(self, thread: Thread, c: int) -> list[Thread]:
        pc, owed, i = thread
        after = self.looks(owed, c)
        if after is None:
            return []
        if pc == DONE:
            return [(DONE, after, i)]
        op, a, b = self.tables.code[pc].tolist()
        return self.follow((b, after, i)) if op == CHARS and self.tables.sets[a, c] else []

    def avoid(self, threads: Iterable[Thread]) -> frozenset[Thread] | None:
        """Threads to be avoided, those that match waiting for what they owe; None where one has matched."""
        found = set()
        for pc, owed, i in threads:
            done = pc == DONE or int(self.tables.code[pc, 0]) == MATCH
            if done and not owed:
                return None
            found.add((DONE if done else pc, owed, i))
        return frozenset(found)

    def read(self, text: str) -> bool:
        """Read characters; whether a hypothesis is left."""
        for char in text:
            c = self.cls[bisect_right(self.starts, ord(char)) - 1]
            before, self.left = self.hypotheses, int(self.tables.left_next[self.left, c])
            self.hypotheses = set()
            for hypothesis in before:
                self.step(hypothesis, c)
        return bool(self.hypotheses)

    def step(self, h: Hypothesis, c: int) -> None:
        demanded = self.looks(h.demanded, c)
        avoided = self.avoid(t for thread in h.avoided for t in self.step_thread(thread, c))
        if demanded is None or avoided is None:
            return
        strings = tuple((s, t) for s, thread in h.strings for t in self.step_thread(thread, c))
        threads: list[Thread] = []
        stepped = [t for thread in h.threads for t in self.step_thread(thread, c)]
        for thread in dict.fromkeys(stepped):
            pc, owed, i = thread
            if pc == DONE and not owed:
                break  # the token ended there: the threads behind it are out
            if pc != DONE and int(self.tables.code[pc, 0]) == MATCH:
                self.end(h, thread, threads, strings, avoided, demanded)
                if not owed:
                    break
                thread = (DONE, owed, i)
            threads.append(thread)
        if any(pc != DONE for pc, _, _ in threads):
            self.hypotheses.add(Hypothesis(h.stack, tuple(threads), strings, False, avoided, demanded))

    def end(
        self,
        h: Hypothesis,
        thread: Thread,
        before: list[Thread],
        strings: tuple[tuple[int, Thread], ...],
        avoided: frozenset[Thread],
        demanded: frozenset[int],
    ) -> None:
        """Add the hypothesis that the token ends here, by one thread."""
        _, owed, i = thread
        terminal, stack = int(self.tables.order[i]), list(h.stack)
        more = self.avoid(before)
        if more is None:
            return
        if not self.tables.ignored[terminal]:
            allowed = self.tables.retype[self.tables.retype_first[i] : self.tables.retype_first[i + 1]].tolist()
            matched = {s for s, (pc, _, j) in strings if j == i and int(self.tables.code[pc, 0]) == MATCH}
            tag = next((s for s in allowed if s in matched), terminal)
            if not shift(self.grammar, stack, tag):
                return
        self.hypotheses.add(self.open(tuple(stack), avoided | more, demanded | owed))

    def complete(self) -> bool:
        """Whether the text may end here."""
        ends = self.tables.look_end
        return any(
            h.fresh
            and all(ends[look] for look in h.demanded)
            and not any(pc == DONE and all(ends[look] for look in owed) for pc, owed, _ in h.avoided)
            and shift(self.grammar, list(h.stack), END)
            for h in self.hypotheses
        )


def accepts(grammar: LexedGrammar, text: str) -> bool:
    """Whether a text is a sentence."""
    recogniser = Recogniser(grammar)
    return recogniser.read(text) and recogniser.complete()
