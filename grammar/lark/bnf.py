"""Rules without operators, as Lark makes them: which rules ``*`` and ``~`` become, and share, decides about conflicts.

Inner expressions become *trees*: a name, ``(ANY_OF, trees)`` or ``(SEQUENCE, trees)``. Equal trees share the rule of
their repetition. A tree is then multiplied out into sequences of names. Where an optional part in brackets is left out,
Lark puts placeholders for its children into the syntax tree; they stand in the sequences as `EMPTY` until equal
sequences were merged.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from itertools import chain, product
from math import prod
from typing import Any, TypeAlias

from ..errors import GrammarError, LimitExceeded
from .flat import Rule, Terminal
from .syntax import GROUP, LITERAL, RANGE, REPEAT, TEMPLATE, Alternatives, Definition, Item, NotRead
from .terminals import TerminalPattern, literal

Tree: TypeAlias = "str | tuple[int, tuple[Any, ...]]"
Sequences: TypeAlias = "list[tuple[str, ...]]"

ANY_OF, SEQUENCE = 0, 1
EMPTY = "\0"
NOTHING: Tree = (SEQUENCE, ())

LONG_REPEAT, FACTOR = 50, 5  # from this bound on, repetitions are made of rules for factors up to 5
MAX_TEMPLATES = 1000  # in the arguments of one: as deep as Lark could follow them

# Names that Lark gives to strings of punctuation.
_NAMES = dict(
    entry.rsplit(":", 1)
    for entry in ". DOT|, COMMA|: COLON|; SEMICOLON|+ PLUS|- MINUS|* STAR|/ SLASH|\\ BACKSLASH|? QMARK|! BANG|@ AT"
    "|# HASH|$ DOLLAR|% PERCENT|^ CIRCUMFLEX|& AMPERSAND|_ UNDERSCORE|< LESSTHAN|> MORETHAN|= EQUAL|\" DBLQUOTE|' QUOTE"
    "|` BACKQUOTE|~ TILDE|( LPAR|) RPAR|{ LBRACE|} RBRACE|[ LSQB|] RSQB|\n NEWLINE|\r\n CRLF|\t TAB".replace(
        " ", ":"
    ).split("|")
)
_NAMES |= {"|": "VBAR", " ": "SPACE"}
_ID_START = frozenset(("Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Pc"))
_ID_CONTINUE = _ID_START | {"Nd", "Nl"}


class Unseen(str):
    """The name of a terminal where it stands as a plain string: no child of the syntax tree, unless all are kept."""

    __slots__ = ()


class TerminalNames:
    """Names of all terminals of a grammar; literals in rules get theirs when they are first met.

    Parameters
    ----------
    terminals : list of Terminal
        Those that have a name; others are added.
    patterns : sequence of TerminalPattern
    """

    def __init__(self, terminals: list[Terminal], patterns: Sequence[TerminalPattern]) -> None:
        self.terminals = terminals
        self._names = {terminal.name for terminal in terminals}
        self._of = {pattern.key: terminal.name for terminal, pattern in zip(terminals, patterns, strict=True)}
        self._known: dict[tuple[Any, ...], str] = {}
        self._n_anonymous = 0

    def of(self, item: tuple[Any, ...]) -> str:
        """Name of the terminal that a literal or range is."""
        name = self._known.get(item)
        if name is None:
            pattern = literal(item)
            key = pattern.key
            name = self._of.get(key)
            if name is None:
                name = self._of[key] = self._new(pattern)
            name = self._known[item] = Unseen(name) if pattern.plain else name
        return name

    def _new(self, pattern: TerminalPattern) -> str:
        name = _indicative(pattern.text, self._names) if pattern.plain else None
        if name is None or name in self._names:
            name = f"__ANON_{self._n_anonymous}"
            self._n_anonymous += 1
        if name in self._names:
            raise NotRead("a name of Lark's own")
        self._names.add(name)
        self.terminals.append(pattern.terminal(name))
        return name

    @property
    def all(self) -> set[str]:
        """Names of the terminals that have a pattern."""
        return self._names


def _indicative(text: str, taken: Iterable[str]) -> str | None:
    if name := _NAMES.get(text):
        return name
    if text.isidentifier() if text.isascii() else _is_identifier(text):
        name = text.upper()
        return name if name not in taken else None
    return None


def _is_identifier(text: str) -> bool:
    categories = [unicodedata.category(char) for char in text]
    return (text[0] == "_" or categories[0] in _ID_START) and all(
        char == "_" or category in _ID_CONTINUE for char, category in zip(text, categories, strict=True)
    )


Found: TypeAlias = "list[tuple[int, tuple[Any, ...]]]"


def in_order(definition: Definition) -> Iterable[tuple[Any, ...]]:
    """Literals, ranges and uses of templates in the order in which Lark meets them: those deepest in its tree first."""
    found: Found = []
    _collect(definition.alternatives or (), 0, found)
    found.sort(key=lambda entry: -entry[0])
    return (item for _, item in found)


def _collect(alternatives: Alternatives, depth: int, found: Found) -> None:
    """Collect (depth of the parent in Lark's tree, item), from left to right; `depth` is that of the alternatives."""
    for items, alias in alternatives:
        for item in items:
            if not isinstance(item, str):
                _collect_item(item, depth + 1 + (alias is not None), found)


def _collect_item(item: tuple[Any, ...], depth: int, found: Found) -> None:
    kind = item[0]
    if kind in (LITERAL, RANGE):
        found.append((depth, item))
    elif kind in (REPEAT, TEMPLATE):
        for inner in item[2] if kind == TEMPLATE else item[1:2]:
            if not isinstance(inner, str):
                _collect_item(inner, depth + 1, found)
        if kind == TEMPLATE:
            found.append((depth, item))
    else:
        _collect(item[1], depth + (1 if kind == GROUP else 2), found)


class Rules:
    """The rules of a grammar without operators.

    Parameters
    ----------
    definitions : sequence of Definition
        Of rules and templates, in Lark's order.
    names : TerminalNames
    declared : set of str
        Terminals without a pattern.
    max_rules : int
        LimitExceeded is raised where there are more.

    Attributes
    ----------
    rules : list of Rule
    """

    def __init__(
        self, definitions: Sequence[Definition], names: TerminalNames, declared: set[str], max_rules: int
    ) -> None:
        self.rules: list[Rule] = []
        self._names, self._declared, self._max_rules = names, declared, max_rules
        self._templates = {definition.name: definition for definition in definitions if definition.params}
        self._instances: set[str] = set()
        self._repeats: dict[Any, str] = {}
        self._made: list[tuple[str, Tree]] = []
        self._bound: dict[str, str] = {}
        self._keep_all = False
        self._pending: list[tuple[str, Definition, dict[str, str]]] = [
            (definition.name, definition, {}) for definition in definitions if not definition.params
        ]
        for name, definition, bound in self._pending:  # grows
            self._define(name, definition, bound)
        for name, tree in self._made:
            self._add(name, [(sequence, None) for sequence in self._sequences(tree)], 0)
        if len({definition.name for _, definition, bound in self._pending if bound}) < len(self._templates):
            raise NotRead("a template that is not used")

    def _define(self, name: str, definition: Definition, bound: dict[str, str]) -> None:
        if definition.alternatives is None:
            raise NotRead("a rule that is only declared")
        self._bound, self._keep_all = bound, definition.keep_all
        if len(definition.literals) > 1 or self._templates:
            items = list(in_order(definition))
            for item in items:
                if item[0] != TEMPLATE:
                    self._names.of(item)
            for item in items:
                if item[0] == TEMPLATE:
                    self._instance(item)
        found: list[tuple[tuple[str, ...], str | None]] = []
        for parts, alias in definition.alternatives:
            if alias and name.startswith("_"):
                raise NotRead("an alias in an inlined rule")
            found += [(sequence, alias) for sequence in self._sequences(self._sequence(parts))]
        self._add(name, found, definition.priority)

    def _add(self, name: str, found: list[tuple[tuple[str, ...], str | None]], priority: int) -> None:
        sequences = [sequence for sequence, _ in dict.fromkeys(found)]
        rights = [tuple([x for x in names if x != EMPTY]) if EMPTY in names else names for names in sequences]
        distinct = dict.fromkeys(rights)
        if len(rights) - len(distinct) > rights.count(()) - (() in distinct):
            raise NotRead("a rule defined twice")
        self.rules += [Rule(name, right, priority) for right in distinct]
        if len(self.rules) > self._max_rules:
            raise LimitExceeded("max_nodes", len(self.rules), self._max_rules)

    def _sequence(self, items: tuple[Item, ...]) -> Tree:
        return SEQUENCE, tuple([self._bound.get(x, x) if type(x) is str else self._tree(x) for x in items])

    def _tree(self, item: Item) -> Tree:
        if isinstance(item, str):
            return self._bound.get(item, item)
        kind = item[0]
        if kind <= RANGE:
            return self._names.of(item)
        if kind == TEMPLATE:
            return self._instance(item)
        if kind == REPEAT:
            return self._repeated(*item[1:])
        tree = ANY_OF, tuple([self._sequence(parts) for parts, _ in item[1]])
        if kind == GROUP:
            return tree
        return ANY_OF, (tree, (SEQUENCE, (EMPTY,) * self._size(tree)))

    def _repeated(self, item: Item, op: str, low: int, high: int | None) -> Tree:
        tree = self._tree(item)
        if op == "~":
            return self._counted(tree, low, low if high is None else high)
        if op == "?":
            return ANY_OF, (tree, NOTHING)
        many = self._repeats.get(tree)
        if many is None:
            many = self._name(tree)
            self._made.append((many, (ANY_OF, ((SEQUENCE, (tree,)), (SEQUENCE, (many, tree))))))
        return many if op == "+" else (ANY_OF, (many, NOTHING))

    def _name(self, key: Any) -> str:
        name = self._repeats[key] = f"__{len(self._repeats)}"
        return name

    def _counted(self, tree: Tree, low: int, high: int) -> Tree:
        if high < LONG_REPEAT:
            return ANY_OF, tuple([(SEQUENCE, (tree,) * n) for n in range(low, high + 1)])
        least = tree
        for a, b in factors(low):
            least = self._times(a, b, least, tree)
        if low == high:
            return least
        times, fewer = tree, NOTHING
        *most, (a, b) = factors(high - low + 1)
        for c, d in most:
            fewer, times = self._fewer(c, d, times, fewer, tree), self._times(c, d, times, tree)
        return ANY_OF, ((SEQUENCE, (least, self._fewer(a, b, times, fewer, tree))),)

    def _times(self, a: int, b: int, target: Tree, tree: Tree) -> str:
        """A rule for a times `target`, then b times `tree`."""
        return self._rule((a, b, target, tree), ((SEQUENCE, (target,) * a + (tree,) * b),))

    def _fewer(self, a: int, b: int, target: Tree, fewer: Tree, tree: Tree) -> str:
        """A rule for fewer than that, where `fewer` is fewer than one `target`."""
        short = tuple((SEQUENCE, (target,) * i + (fewer,)) for i in range(a))
        long = tuple((SEQUENCE, (target,) * a + (tree,) * i) for i in range(b))
        return self._rule((a, b, target, tree, "fewer"), short + long)

    def _rule(self, key: Any, sequences: tuple[Tree, ...]) -> str:
        name = self._repeats.get(key)
        if name is None:
            name = self._name(key)
            self._made.append((name, (ANY_OF, sequences)))
        return name

    def _instance(self, item: tuple[Any, ...]) -> str:
        """A template with its arguments: a rule of its own."""
        name = self._bound.get(item[1], item[1])
        args = [self._tree(arg) for arg in item[2]]
        definition = self._templates.get(name)
        if definition is None or len(definition.params) != len(args):
            raise NotRead("a template that is not defined")
        full = f"{name}{{{','.join(map(str, args))}}}"
        if full.count("{") > MAX_TEMPLATES:
            reason = f"the arguments of template {name} hold more than {MAX_TEMPLATES} templates."
            raise GrammarError(reason, keyword=name, hint="It may call itself without end.")
        if full not in self._instances:
            self._instances.add(full)
            bound = {param: arg for param, arg in zip(definition.params, args, strict=True) if isinstance(arg, str)}
            self._pending.append((full, definition, bound))
        return full

    def _size(self, tree: Tree) -> int:
        """How many children an optional part has at most."""
        if isinstance(tree, str):
            if tree == EMPTY:
                return 0
            if self._keep_all and (tree in self._names.all or tree in self._declared):
                return 1
            return 0 if tree.startswith("_") or isinstance(tree, Unseen) else 1
        sizes = [self._size(part) for part in tree[1]]
        return max(sizes, default=0) if tree[0] == ANY_OF else sum(sizes)

    def _sequences(self, tree: Tree) -> Sequences:
        """The sequences of names that a tree stands for."""
        if isinstance(tree, str):
            return [(tree,)]
        kind, parts = tree
        if kind == SEQUENCE and tuple not in map(type, parts):  # only names
            return [parts]
        if len(parts) == 1:
            return self._sequences(parts[0])
        inner = [self._sequences(part) if type(part) is tuple else [(part,)] for part in parts]
        if kind == ANY_OF:
            return list(dict.fromkeys(chain.from_iterable(inner)))
        if (count := prod(map(len, inner))) > self._max_rules:
            raise LimitExceeded("max_nodes", count, self._max_rules)
        return list(dict.fromkeys([tuple(chain.from_iterable(way)) for way in product(*inner)]))


def factors(n: int) -> list[tuple[int, int]]:
    """Pairs (a, b) with ``a + b <= 5`` that make n: from m = 1, each turns m into ``a m + b``."""
    if n <= FACTOR:
        return [(n, 0)]
    a = next(a for a in range(FACTOR, 1, -1) if a + n % a <= FACTOR)
    return [*factors(n // a), (a, n % a)]
