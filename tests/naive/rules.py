"""Rules over characters by Earley's algorithm as it is written down: sets of items, one for each character."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TypeAlias

from detent.automata.vocabulary import Vocabulary
from detent.grammar import charset
from detent.grammar.charset import CharSet
from detent.grammar.regular import EMPTY, EPSILON, Alt, Chars, Epsilon, Regular, Repeat, Seq, alt, repeat, seq
from detent.grammar.rules import Call, Exit, Language, Rest, Return, Rules, call

Symbol: TypeAlias = "str | CharSet"
Production: TypeAlias = "tuple[Symbol, ...]"
Item: TypeAlias = "tuple[str, Production, int, int]"  # name, production, dot, where it began
Text: TypeAlias = (
    "tuple[tuple[frozenset[Item], ...], bytes]"  # the sets so far, and the bytes of a character that has begun
)


@dataclass
class Productions:
    """A grammar as productions of names and sets of characters, without those that have no text."""

    by_name: dict[str, list[Production]] = field(default_factory=dict)
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def name(self, node: Regular) -> str:
        """A name for the texts of an expression."""
        name = f" {next(self._numbers)}"
        self.by_name[name] = []
        self.by_name[name] += self.choices(node)
        return name

    def choices(self, node: Regular) -> list[Production]:
        if isinstance(node, Alt):
            return [choice for part in node.parts for choice in self.choices(part)]
        return [] if node is EMPTY else [self.symbols(node)]

    def symbols(self, node: Regular) -> Production:
        if isinstance(node, Seq):
            return tuple(symbol for part in node.parts for symbol in self.symbols(part))
        if isinstance(node, Chars):
            return (node.points,)
        if isinstance(node, Epsilon):
            return ()
        if isinstance(node, Call):
            return (node.rule,)
        if isinstance(node, Repeat):
            return self._repeat(node)
        if isinstance(node, Language):
            return self._automaton(node)
        return (self.name(node),)

    def _repeat(self, node: Repeat) -> Production:
        part = self.name(node.part)
        rest = f" {next(self._numbers)}"
        if node.high is None:
            self.by_name[rest] = [(), (part, rest)]
            return (part,) * node.low + (rest,)
        self.by_name[rest] = [(), (part,)]
        return (part,) * node.low + (rest,) * (node.high - node.low)

    def _automaton(self, node: Language) -> Production:
        prefix, sets = f" {next(self._numbers)}.", node.dfa.class_sets
        for state, row in enumerate(node.dfa.trans.tolist()):
            found: list[Production] = [(sets[c], f"{prefix}{to}") for c, to in enumerate(row) if to >= 0]
            self.by_name[f"{prefix}{state}"] = [*found, *([()] if node.dfa.accept[state] else [])]
        return (f"{prefix}0",)

    def least(self, holds: object = None) -> set[str]:
        """The names that have a text; with ``holds``, those with a text made of names alone: the empty one."""
        found: set[str] = set()
        while True:
            more = {
                name
                for name, productions in self.by_name.items()
                if any(all(s in found if isinstance(s, str) else holds is None for s in p) for p in productions)
            }
            if more == found:
                return found
            found = more


def without_exits(rules: Rules) -> Rules:
    """The same language with a rule for each exit of a rule."""

    def returned(node: Regular, exit: int) -> Regular:
        """What comes behind a call that has ended by an exit."""
        if isinstance(node, Alt):
            return alt(*(returned(part, exit) for part in node.parts))
        if isinstance(node, Seq):
            return seq(returned(node.parts[0], exit), *node.parts[1:])
        assert isinstance(node, Return)
        return EPSILON if node.number == exit else EMPTY

    def by_exit(node: Regular, exit: int) -> Regular:
        """The texts that leave by an exit; 0: that just end."""
        if isinstance(node, Exit):
            return EPSILON if node.number == exit else EMPTY
        if isinstance(node, Rest):
            return call(f"{node.rule}#{exit}")
        if isinstance(node, Call):
            return call(f"{node.rule}#0")
        if isinstance(node, Alt):
            return alt(*(by_exit(part, exit) for part in node.parts))
        if not isinstance(node, Seq):
            return repeat(by_exit(node.part, exit), node.low, node.high) if isinstance(node, Repeat) else node
        for k, part in enumerate(node.parts):
            if isinstance(part, Call) and rules.exits[part.rule]:
                before, then, last = seq(*node.parts[:k]), node.parts[k + 1], seq(*node.parts[k + 2 :])
                ways = [
                    seq(call(f"{part.rule}#{own}"), by_exit(seq(returned(then, own), last), exit))
                    for own in rules.exits[part.rule]
                ]
                return seq(by_exit(before, exit), alt(*ways))
        return seq(*(by_exit(part, exit) for part in node.parts))

    bodies = {
        f"{name}#{exit}": by_exit(body, exit)
        for name, body in rules.bodies.items()
        for exit in rules.exits[name] or [0]
    }
    return Rules(bodies, f"{rules.start}#0")


class Recogniser:
    """The texts of a grammar, read character by character."""

    def __init__(self, rules: Rules) -> None:
        rules = without_exits(rules)
        grammar = Productions()
        for name, body in rules.bodies.items():
            grammar.by_name[name] = grammar.choices(body)
        productive = grammar.least()
        self.productions = {
            name: [p for p in productions if all(not isinstance(s, str) or s in productive for s in p)]
            for name, productions in grammar.by_name.items()
        }
        grammar.by_name = self.productions
        self.nullable = grammar.least("empty")
        self.top: Production = (rules.start,)
        self.has_text = rules.start in productive
        self.start: Text = ((self._closed({("", self.top, 0, 0)}, ()),), b"")

    def _closed(self, items: set[Item], before: tuple[frozenset[Item], ...]) -> frozenset[Item]:
        """Predict and complete."""
        here, pending = set(items), list(items)
        while pending:
            name, production, dot, origin = pending.pop()
            new: list[Item] = []
            if dot == len(production):
                waiting = before[origin] if origin < len(before) else here
                new = [(n, p, d + 1, o) for n, p, d, o in waiting if d < len(p) and p[d] == name]
            elif isinstance(symbol := production[dot], str):
                new = [(symbol, p, 0, len(before)) for p in self.productions[symbol]]
                if symbol in self.nullable:
                    new.append((name, production, dot + 1, origin))
            for item in new:
                if item not in here:
                    here.add(item)
                    pending.append(item)
        return frozenset(here)

    def _sets(self, text: Text) -> list[CharSet]:
        """What the next character may be."""
        return [s for _, p, d, _ in text[0][-1] if d < len(p) and not isinstance(s := p[d], str)]

    def read(self, text: Text | None, data: bytes) -> Text | None:
        """The text after more bytes; None when nothing can be made of it."""
        for b in data:
            if text is None:
                return None
            text = self._byte(text, b)
        return text

    def _byte(self, text: Text, b: int) -> Text | None:
        sets, begun = text[0], text[1] + bytes([b])
        points = _completions(begun)
        if not any(charset.intersection(points, s) for s in self._sets(text)):
            return None
        try:
            char = begun.decode()
        except UnicodeDecodeError:
            return sets, begun
        moved = {
            (n, p, d + 1, o)
            for n, p, d, o in sets[-1]
            if d < len(p) and not isinstance(s := p[d], str) and charset.contains(s, ord(char))
        }
        return (*sets, self._closed(moved, sets)), b""

    def may_end(self, text: Text) -> bool:
        """Whether the text is complete."""
        return not text[1] and ("", self.top, 1, 0) in text[0][-1]


def _completions(begun: bytes) -> CharSet:
    """The characters whose UTF-8 form begins with some bytes."""
    lead = begun[0]
    size = 1 if lead < 0x80 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
    least, most = begun + b"\x80" * (size - len(begun)), begun + b"\xbf" * (size - len(begun))
    if lead in range(0x80, 0xC2) or lead > 0xF4 or len(begun) > size:
        return charset.NONE
    mask = 0x7F if size == 1 else 0xFF >> size + 1

    def point(data: bytes) -> int:
        value = data[0] & mask
        for b in data[1:]:
            value = value << 6 | b & 0x3F
        return value

    if any(b & 0xC0 != 0x80 for b in begun[1:]):
        return charset.NONE
    first, last = point(least), point(most)
    first = max(first, (0, 0, 0x80, 0x800, 0x10000)[size])
    return charset.interval(first, min(last, 0x10FFFF)) if first <= min(last, 0x10FFFF) else charset.NONE


def allowed(recogniser: Recogniser, text: Text, vocabulary: Vocabulary) -> set[int]:
    """The tokens after which some text can be finished, and the ends of sequence where the text is complete."""
    known: dict[bytes, Text | None] = {b"": text}

    def after(data: bytes) -> Text | None:
        if data not in known:
            known[data] = recogniser.read(after(data[:-1]), data[-1:])
        return known[data]

    spelled = ((token, vocabulary.token_bytes(token)) for token in range(len(vocabulary)))
    found = {token for token, data in spelled if data and after(data) is not None}
    return found | set(vocabulary.eos_ids) if recogniser.may_end(text) else found
