"""The names of objects that schemas tell apart: listed ones, those that patterns spell out, and kinds of others."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakKeyDictionary

from .. import dfa as automata
from ..dfa import CharDfa
from . import scalars
from .formula import FALSE, Formula
from .nodes import STRING, Node
from .scalars import can_be_written
from .typed import of_type

if TYPE_CHECKING:
    from .goals import Goal, Goals
    from .values import Others

T = TypeVar("T", bound=Hashable)

_MOST_NAMES = 1 << 14  # remembered per automaton
MAX_SPELLED = 64  # words up to which a pattern over names is read as a list of names


def names_of(
    goals: Goals, nodes: Sequence[Node], present: Iterable[str]
) -> tuple[list[str], int, dict[bytes, CharDfa]]:
    """The names that some nodes tell apart.

    Parameters
    ----------
    nodes : sequence of Node
    present : iterable of str
        Further names that are spoken of.

    Returns
    -------
    names : list of str
        Listed names, then those that finite patterns spell out.
    n_listed : int
    rest : dict of bytes to CharDfa
        By key, the automata that tell all other names apart.
    """
    order = dict.fromkeys(name for n in nodes for name in n.properties)
    order |= dict.fromkeys(name for n in nodes for name in n.required) | dict.fromkeys(present)
    names = [name for name in order if can_be_written(name)]
    languages = languages_of(goals, nodes)
    spelled = {key: words for key, d in languages.items() if (words := _spelled(goals, key, d)) is not None}
    extra = dict.fromkeys(word for words in spelled.values() for word in words if word not in order)
    return [*names, *extra], len(names), {key: d for key, d in languages.items() if key not in spelled}


def kinds_of(
    goals: Goals, languages: dict[bytes, CharDfa], words: Sequence[str], given: Iterable[Node]
) -> tuple[CharDfa | None, list[int], list[set[bytes]]]:
    """The kinds of names that some automata tell apart.

    Most kinds are mostly of no use: ``propertyNames`` allows few of the combinations of what patterns match.

    Parameters
    ----------
    languages : dict of bytes to CharDfa
    words : sequence of str
        Names that are left out.
    given : iterable of Node
        What holds in any case: names that one of these forbids are left out as well.

    Returns
    -------
    keys : CharDfa or None
        One automaton over all other names; None where they are of one kind.
    kinds : list of int
        Kind of each of its states, -1 where no name may end.
    profiles : list of set of bytes
        Of each kind, the keys of the automata that its names match.
    """
    if not languages:
        return None, [], [set()]
    needed = frozenset(needed.intersection(languages) for needed in _needed(goals, given))
    key = tuple(languages), tuple(words), needed
    found = goals.told.get(key)
    if found is None:
        found = goals.told[key] = _told(goals, languages, words, needed)
    return found


def _needed(goals: Goals, nodes: Iterable[Node]) -> Iterator[frozenset[bytes]]:
    """Sets of automata, of each of which a name that is not listed must match one: some nodes forbid all others."""
    for node in nodes:
        if node.property_names is not None:
            yield frozenset((_key_language(goals, node.property_names).key,))
        if node.additional is not None and goals.value_of(node.additional) is FALSE:
            yield frozenset(d.key for d, _ in node.patterns)


def _told(
    goals: Goals, languages: dict[bytes, CharDfa], words: Sequence[str], needed: Iterable[frozenset[bytes]]
) -> tuple[CharDfa, list[int], list[set[bytes]]]:
    """One automaton that tells which of some others accept a name, but for some words and names that match none of
    those that are needed, with the kind of each state and the profile of each kind."""
    listed = [automata.from_words(words)] if words else []
    bits = [sum(1 << k for k, key in enumerate(languages) if key in keys) for keys in needed]

    def matters(profile: int) -> bool:
        return profile < 1 << len(languages) and all(map(profile.__and__, bits))

    most = goals.reader.max_dfa_states
    members = [*languages.values(), *listed]
    product, profiles = automata.product(members, rest=True, matters=matters, max_states=most)
    numbers: dict[int, int] = {}
    kinds = [
        numbers.setdefault(profile, len(numbers)) if ending else -1
        for profile, ending in zip(profiles, product.accept, strict=True)
    ]
    return product, kinds, [{key for k, key in enumerate(languages) if profile >> k & 1} for profile in numbers]


def profiles_of(goals: Goals, names: Iterable[str], nodes: Iterable[Node]) -> list[set[bytes]]:
    """For each of some names, the keys of the automata that it matches."""
    found: list[tuple[str, set[bytes]]] = [(name, set()) for name in names]
    for key, language in languages_of(goals, nodes).items():
        known = _ACCEPTED.setdefault(language, {})
        for name, matching in found:
            accepted = known.get(name)
            if matches(language, name) if accepted is None else accepted:
                matching.add(key)
    return [matching for _, matching in found]


_ACCEPTED: WeakKeyDictionary[CharDfa, dict[str, bool]] = WeakKeyDictionary()


def matches(language: CharDfa, name: str) -> bool:
    """Whether an automaton accepts a name: the same few are asked about in every alternative of a schema."""
    known = _ACCEPTED.setdefault(language, {})
    found = known.get(name)
    if found is None:
        if len(known) == _MOST_NAMES:
            known.clear()
        found = known[name] = automata.matches(language, name)
    return found


def name_value(goals: Goals, node: Node, name: str | None, matching: set[bytes]) -> Formula:
    """What a node itself asks of the value of a name (None: any that is not listed)."""
    if node.property_names is not None and _key_language(goals, node.property_names).key not in matching:
        return FALSE
    values = [goals.value_of(child) for child in children_of((node,), name, matching)]
    return values[0] if len(values) == 1 else goals.formulas.all(values)


def keyed(goals: Goals, dfa: CharDfa | None, kinds: list[int], values: list[Goal]) -> tuple[Others, bool]:
    """What names outside the list may hold, without those that nothing satisfies; and whether all of these are
    known (a goal that is being decided has no answer yet, and none may be kept)."""
    if dfa is None:
        return values[0], True
    kept = [None if goals.surely_unsatisfiable(goal) else goal for goal in values]
    final = all(goal is None or goal.satisfiable for goal in kept)
    return told_apart(dfa, [kept[c] if c >= 0 else None for c in kinds]), final


def _spelled(goals: Goals, key: bytes, language: CharDfa) -> list[str] | None:
    """The words of an automaton over names, where these are few."""
    if key not in goals.spelled:
        goals.spelled[key] = automata.words(language, MAX_SPELLED)
    return goals.spelled[key]


def languages_of(goals: Goals, nodes: Iterable[Node]) -> dict[bytes, CharDfa]:
    """The automata that nodes judge names by."""
    found = {d.key: d for n in nodes for d, _ in n.patterns}
    for n in nodes:
        if n.property_names is not None:
            language = _key_language(goals, n.property_names)
            found[language.key] = language
    return found


def _key_language(goals: Goals, node: Node) -> CharDfa:
    """The names that ``propertyNames`` allows."""
    found = goals.key_languages.get(node.serial)
    if found is None:
        texts = scalars.texts(of_type(goals, goals.value_of(node), STRING), goals.reader.max_dfa_states)
        found = goals.key_languages[node.serial] = texts.automaton()
    return found


def told_apart(dfa: CharDfa, values: Sequence[T | None]) -> T | tuple[CharDfa, tuple[T | None, ...]] | None:
    """The smallest automaton that tells the value of every text (None: none), or the value that all texts have."""
    numbers: dict[T | None, int] = {None: 0}
    merged, colours = automata.recolour(dfa, [numbers.setdefault(value, len(numbers)) for value in values])
    by_colour = list(numbers)
    if not merged.n_states:
        return None
    if merged.n_states == 1 and automata.absorbing(merged)[0]:
        return by_colour[colours[0]]
    return merged, tuple(by_colour[c] for c in colours)


def children_of(objects: Iterable[Node], name: str | None, matching: set[bytes]) -> Iterable[Node]:
    """Everything that object nodes say of one key: ``matching`` are the patterns it matches."""
    for node in objects:
        known = False
        if name is not None and name in node.properties:
            known = True
            yield node.properties[name]
        for automaton, child in node.patterns:
            if automaton.key in matching:
                known = True
                yield child
        if not known and node.additional is not None:
            yield node.additional
