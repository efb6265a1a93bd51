"""Context-free rules over characters: what GBNF, EBNF and structural tags are read into.

A rule is an expression of :mod:`~detent.grammar.regular`, made of `Chars`, `Seq`, `Alt` and `Repeat`, in which more
kinds of leaves may stand::

    Call(rule)           a text of another rule, or of the same
    Language(dfa)        a text of an automaton
    Token(token)         one token of the vocabulary that stands for no text
    Island(language)     a text of another specification, which only the engine knows how to read
    Rest(rule)           at the end of a body: it goes on, and ends, as the body of that rule does
    Exit(number)         at the end of a body: the rule ends by this exit
    Return(number)       at once behind a call: the rule that was called has ended by this exit

A rule may have several *exits*, which its callers tell apart: a call goes on at that `Return` of those behind it by
whose number the rule has ended. Such a rule ends all its texts with an `Exit`, has no empty text, and every call of it
is followed by a `Return`.

A grammar without calls that lead back to where they came from is regular; nothing here asks for that.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TypeVar, cast

from .dfa import CharDfa
from .regular import EMPTY, Alt, Epsilon, Regular, Repeat, Seq, _node, alt, repeat, seq

Key = TypeVar("Key", bound=Hashable)


class Call(Regular):
    """A text of a rule."""

    __slots__ = ("rule",)
    rule: str

    def __repr__(self) -> str:
        return f"<Call {self.rule}>"


class Rest(Regular):
    """The rest of a body is the body of a rule."""

    __slots__ = ("rule",)
    rule: str

    def __repr__(self) -> str:
        return f"<Rest {self.rule}>"


class Exit(Regular):
    """A rule ends by one of its exits."""

    __slots__ = ("number",)
    number: int

    def __repr__(self) -> str:
        return f"<Exit {self.number}>"


class Return(Regular):
    """The rule that was called has ended by one of its exits."""

    __slots__ = ("number",)
    number: int

    def __repr__(self) -> str:
        return f"<Return {self.number}>"


class Language(Regular):
    """A text of an automaton."""

    __slots__ = ("dfa",)
    dfa: CharDfa

    def __repr__(self) -> str:
        return f"<Language of {self.dfa.n_states} states>"


class Token(Regular):
    """One token of the vocabulary, by its number, that stands for no text."""

    __slots__ = ("token",)
    token: int

    def __repr__(self) -> str:
        return f"<Token {self.token}>"


class Island(Regular):
    """A text of another specification."""

    __slots__ = ("language",)
    language: Hashable

    def __repr__(self) -> str:
        return f"<Island {self.language!r:.40}>"


def call(rule: str) -> Regular:
    """A text of a rule."""
    return cast(Regular, _node(Call, rule))


def rest(rule: str) -> Regular:
    """The rest of a body."""
    return cast(Regular, _node(Rest, rule))


def leave(exit: int) -> Regular:
    """The end of a text by an exit."""
    return cast(Regular, _node(Exit, exit))


def back(exit: int) -> Regular:
    """The place behind a call whose text has ended by an exit."""
    return cast(Regular, _node(Return, exit))


def language(dfa: CharDfa) -> Regular:
    """A text of an automaton."""
    return cast(Regular, _node(Language, dfa)) if dfa.n_states else EMPTY


def token(number: int) -> Regular:
    """One special token."""
    return cast(Regular, _node(Token, number))


def island(language: Hashable) -> Regular:
    """A text of another specification; it has no empty one."""
    return cast(Regular, _node(Island, language))


def leaves(node: Regular) -> Iterator[Regular]:
    """The leaves of an expression, from left to right."""
    if isinstance(node, Seq | Alt):
        for part in node.parts:
            yield from leaves(part)
    elif isinstance(node, Repeat):
        yield from leaves(node.part)
    else:
        yield node


@dataclass(frozen=True, eq=False)
class Rules:
    """A grammar.

    Attributes
    ----------
    bodies : mapping of str to Regular
        By name; every rule that is called must be there.
    start : str
    """

    bodies: Mapping[str, Regular]
    start: str

    @cached_property
    def leaves(self) -> dict[str, list[Regular]]:
        """The leaves of each rule, each once, in the order in which they first come."""
        return {name: list(dict.fromkeys(leaves(body))) for name, body in self.bodies.items()}

    @cached_property
    def called(self) -> dict[str, dict[str, None]]:
        """What each rule calls or goes on as, by name."""
        return {
            name: {leaf.rule: None for leaf in found if isinstance(leaf, Call | Rest)}
            for name, found in self.leaves.items()
        }

    @cached_property
    def reachable(self) -> list[str]:
        """The rules that the start leads to, the start first."""
        found = {self.start: None}
        pending = [self.start]
        while pending:
            for name in self.called[pending.pop()]:
                if name not in found:
                    found[name] = None
                    pending.append(name)
        return list(found)

    @cached_property
    def nullable(self) -> frozenset[str]:
        """The rules that have the empty text."""
        return self._least(_has_empty)

    @cached_property
    def productive(self) -> frozenset[str]:
        """The rules that have any text."""
        return self._least(_has_text)

    @cached_property
    def solid(self) -> frozenset[str]:
        """The rules that have a text other than the empty one."""
        productive = self.productive
        return self._least(lambda node, known: _has_more(node, known, productive))

    @cached_property
    def exits(self) -> dict[str, frozenset[int]]:
        """The exits of each rule; none of a rule that just ends."""
        known = self.leaves.items()
        found = {name: frozenset(leaf.number for leaf in own if isinstance(leaf, Exit)) for name, own in known}
        rests = {name: [leaf.rule for leaf in own if isinstance(leaf, Rest)] for name, own in known}
        changed = True
        while changed:
            changed = False
            for name in chain.from_iterable(self.circles):
                more = found[name].union(*(found[rule] for rule in rests[name]))
                changed = changed or more != found[name]
                found[name] = more
        return found

    @cached_property
    def circles(self) -> list[Sequence[str]]:
        """The reachable rules that call each other, each circle behind what it calls."""
        return components(self.reachable, self.called.__getitem__)

    def _least(self, holds: Callable[[Regular, Set[str]], bool]) -> frozenset[str]:
        """The least set of rules whose bodies meet a property that depends on that set."""
        known: set[str] = set()
        while True:
            before = len(known)
            for name in chain.from_iterable(self.circles):
                if name not in known and holds(self.bodies[name], known):
                    known.add(name)
            if len(known) == before:
                return frozenset(known)


def renamed(rules: Rules, prefix: str) -> dict[str, Regular]:
    """The bodies of a grammar with a prefix to all names."""

    def rename(node: Regular) -> Regular:
        if isinstance(node, Call | Rest):
            return cast(Regular, _node(type(node), prefix + node.rule))
        if isinstance(node, Seq | Alt):
            parts = map(rename, node.parts)
            return seq(*parts) if isinstance(node, Seq) else alt(*parts)
        if isinstance(node, Repeat):
            return repeat(rename(node.part), node.low, node.high)
        return node

    return {prefix + name: rename(body) for name, body in rules.bodies.items()}


def _has_empty(node: Regular, nullable: Set[str]) -> bool:
    if isinstance(node, Seq):
        return all(_has_empty(part, nullable) for part in node.parts)
    if isinstance(node, Alt):
        return any(_has_empty(part, nullable) for part in node.parts)
    if isinstance(node, Repeat):
        return node.low == 0 or _has_empty(node.part, nullable)
    if isinstance(node, Language):
        return bool(node.dfa.accept[0])
    return node.rule in nullable if isinstance(node, Call | Rest) else isinstance(node, Epsilon)


def _has_text(node: Regular, productive: Set[str]) -> bool:
    if isinstance(node, Seq):
        return all(_has_text(part, productive) for part in node.parts)
    if isinstance(node, Alt):
        return any(_has_text(part, productive) for part in node.parts)
    if isinstance(node, Repeat):
        return node.low == 0 or _has_text(node.part, productive)
    return node.rule in productive if isinstance(node, Call | Rest) else node is not EMPTY


def _has_more(node: Regular, solid: Set[str], productive: Set[str]) -> bool:
    if isinstance(node, Seq):
        some = any(_has_more(part, solid, productive) for part in node.parts)
        return some and _has_text(node, productive)
    if isinstance(node, Alt):
        return any(_has_more(part, solid, productive) for part in node.parts)
    if isinstance(node, Repeat):
        return _has_more(node.part, solid, productive)
    if isinstance(node, Language):
        return bool((node.dfa.trans >= 0).any())
    if isinstance(node, Call | Rest):
        return node.rule in solid
    return not isinstance(node, Epsilon | Exit | Return) and node is not EMPTY


def components(nodes: Iterable[Key], edges: Callable[[Key], Iterable[Key]]) -> list[Sequence[Key]]:
    """Strongly connected components of a graph, each after those that it leads to (Tarjan 1972). O(nodes + edges)."""
    index: dict[Key, int] = {}
    low: dict[Key, int] = {}
    stack: list[Key] = []
    waiting: dict[Key, int] = {}  # where it stands on the stack
    found: list[Sequence[Key]] = []
    for root in nodes:
        if root in index:
            continue
        work = [(root, iter(edges(root)))]
        index[root] = low[root] = len(index)
        waiting[root] = len(stack)
        stack.append(root)
        while work:
            node, following = work[-1]
            for child in following:
                if child not in index:
                    index[child] = low[child] = len(index)
                    waiting[child] = len(stack)
                    stack.append(child)
                    work.append((child, iter(edges(child))))
                    break
                if child in waiting:
                    low[node] = min(low[node], index[child])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    members = stack[waiting[node] :]
                    del stack[waiting[node] :]
                    for member in members:
                        del waiting[member]
                    found.append(members)
    return found
