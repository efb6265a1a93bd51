"""The definitions of a grammar and of those that it imports.

Lark gives imported definitions names of their own (``common__WS``) and keeps those that are needed. Names of terminals
inside of terminals stand for what they mean where they were written: they are looked up in their own module, whatever
the importing grammar overrides.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from .imports import Loader
from .syntax import (
    GROUP,
    MAYBE,
    REPEAT,
    TEMPLATE,
    Alternatives,
    Declare,
    Define,
    Definition,
    Ignore,
    Import,
    Item,
    NotRead,
    statements,
)
from .terminals import TerminalPattern, TerminalReader

MAX_EXPORTS = 64  # lists of imported names that are remembered for a module


class Entry(NamedTuple):
    """A definition under its name in a module, and the module and name where it was written."""

    definition: Definition
    home: Module
    local: str

    @property
    def pattern(self) -> TerminalPattern:
        """The pattern of a terminal."""
        return self.home.reader.pattern(self.local)


class Module:
    """A grammar that was read.

    Attributes
    ----------
    entries : dict
        Entries by name, in Lark's order.
    ignored : list of str
    """

    def __init__(self, text: str, source: Any, loader: Loader) -> None:
        self.entries: dict[str, Entry] = {}
        self.ignored: list[str] = []
        self._exported: dict[tuple[str, tuple[tuple[str, str], ...]], dict[str, Entry]] = {}
        self._loader, self._source = loader, source
        read = statements(text)
        imports: dict[tuple[str, ...], tuple[bool, dict[str, str]]] = {}
        for statement in read:
            if isinstance(statement, Import):
                relative, aliases = imports.setdefault(statement.path, (statement.relative, {}))
                if relative != statement.relative:
                    raise NotRead("a path that is relative and is not")
                aliases.update(statement.aliases)
        for path, (relative, aliases) in imports.items():
            self._import(path, relative, tuple(aliases.items()))
        for statement in read:
            if isinstance(statement, Define):
                self._define(statement.definition, statement.how)
            elif isinstance(statement, Declare):
                for name in statement.names:
                    self._define(Definition(name, _is_terminal(name), None), "")
            elif isinstance(statement, Ignore):
                self._ignore(statement.definition)
        self._check()

    @cached_property
    def reader(self) -> TerminalReader:
        """Reads the terminals that were written here."""
        return TerminalReader({name: entry for name, entry in self.entries.items() if entry.definition.is_terminal})

    def _define(self, definition: Definition, how: str) -> None:
        name, known = definition.name, self.entries.get(definition.name)
        if (known is None) != (how == "") or name.startswith("__"):
            raise NotRead("a name that is defined already, or is not")
        if how == "%extend":
            assert known is not None
            definition = _extended(known.definition, definition)
        self.entries[name] = Entry(definition, self, name)

    def _ignore(self, definition: Definition) -> None:
        alternatives = definition.alternatives
        assert alternatives is not None
        if len(alternatives) == 1 and len(alternatives[0][0]) == 1:
            item = alternatives[0][0][0]
            if isinstance(item, str) and _is_terminal(item):
                self.ignored.append(item)
                return
        name = f"__IGNORE_{len(self.ignored)}"
        self.ignored.append(name)
        self.entries[name] = Entry(definition._replace(name=name), self, name)

    def _check(self) -> None:
        """Every name must be defined, and be what its case says."""
        for entry in self.entries.values():
            definition = entry.definition
            if entry.home is not self:
                continue
            for param in definition.params:
                if param in self.entries or definition.params.count(param) > 1:
                    raise NotRead("a parameter with the name of a rule")
            for name in definition.symbols.difference(definition.params):
                found = self.entries.get(name)
                if found is None or found.definition.is_terminal != _is_terminal(name):
                    raise NotRead(f"a name that is not defined: {name}")
        if not self.entries.keys() >= set(self.ignored):
            raise NotRead("an ignored terminal that is not defined")

    def _import(self, path: tuple[str, ...], relative: bool, aliases: tuple[tuple[str, str], ...]) -> None:
        try:
            source, text = self._loader.load(path, relative, self._source)
        except OSError as error:
            raise NotRead(str(error)) from error
        fixed = self._loader.fixed and not self._loader.paths
        module = _package_module(text, source) if fixed else Module(text, source, self._loader)
        found = module.exported("__".join(path), aliases)
        if not self.entries.keys().isdisjoint(found):
            raise NotRead("an imported name that is defined already")
        self.entries.update(found)

    def exported(self, prefix: str, aliases: tuple[tuple[str, str], ...]) -> dict[str, Entry]:
        """What another grammar imports, and what that needs, under its names there."""
        found = self._exported.get((prefix, aliases))
        if found is None:
            if len(self._exported) >= MAX_EXPORTS:
                self._exported.clear()
            found = self._exported[prefix, aliases] = self._export(prefix, dict(aliases))
        return found

    def _export(self, prefix: str, aliases: dict[str, str]) -> dict[str, Entry]:
        def new(name: str) -> str:
            if name in aliases:
                return aliases[name]
            return f"_{prefix}__{name[1:]}" if name.startswith("_") else f"{prefix}__{name}"

        needed = dict.fromkeys(name for name in aliases if name in self.entries)
        pending = list(needed)
        while pending:
            definition = self.entries[pending.pop()].definition
            if not definition.is_terminal:
                more = [name for name in definition.symbols if name not in needed and name not in definition.params]
                needed.update(dict.fromkeys(more))
                pending += more
        found: dict[str, Entry] = {}
        for name, entry in self.entries.items():
            if name in needed:
                definition = _renamed(entry.definition, new(name), new)
                if definition.name in found:
                    raise NotRead("two imported names that are one")
                found[definition.name] = Entry(definition, entry.home, entry.local)
        return found


@lru_cache(maxsize=64)
def _package_module(text: str, source: str) -> Module:
    return Module(text, source, Loader())


def _renamed(definition: Definition, name: str, new: Callable[[str], str]) -> Definition:
    alternatives = definition.alternatives
    if definition.is_terminal or alternatives is None:
        return definition._replace(name=name)
    names = {old: new(old) for old in definition.symbols if old not in definition.params}
    symbols = frozenset(names.get(old, old) for old in definition.symbols)
    return definition._replace(name=name, alternatives=_renamed_in(alternatives, names), symbols=symbols)


def _renamed_in(alternatives: Alternatives, names: dict[str, str]) -> Alternatives:
    return tuple([(tuple([_renamed_item(item, names) for item in items]), alias) for items, alias in alternatives])


def _renamed_item(item: Item, names: dict[str, str]) -> Item:
    if isinstance(item, str):
        return names.get(item, item)
    kind: Any = item[0]
    if kind in (GROUP, MAYBE):
        return kind, _renamed_in(item[1], names)
    if kind == REPEAT:
        return kind, _renamed_item(item[1], names), *item[2:]
    if kind == TEMPLATE:
        return kind, names.get(item[1], item[1]), tuple(_renamed_item(arg, names) for arg in item[2])
    return item


def _extended(known: Definition, more: Definition) -> Definition:
    if (
        known.is_terminal
        or more.literals
        or known.params != more.params
        or None in (known.alternatives, more.alternatives)
    ):
        raise NotRead("a terminal or literal in an extension")
    alternatives = (*(more.alternatives or ()), *(known.alternatives or ()))
    return known._replace(alternatives=alternatives, symbols=known.symbols | more.symbols)


def _is_terminal(name: str) -> bool:
    return name.lstrip("_")[:1].isupper()
