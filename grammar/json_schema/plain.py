"""The residuals of a conjunction of nodes: the constraints of each JSON type, merged."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial, reduce
from itertools import starmap
from typing import TYPE_CHECKING

from .. import dfa as automata
from ..dfa import CharDfa
from ..errors import LimitExceeded
from ..number import NumberSpec
from ..number_list import NumberList
from ..recent import Recent
from ..text_set import TextSet
from . import scalars, typed
from .names import children_of, keyed, kinds_of, names_of, profiles_of
from .nodes import ANY_TYPE, ANYTHING, ARRAY, BOOLEAN, NOTHING, NULL, NUMBER, OBJECT, STRING, Node
from .scalars import can_be_written
from .values import ANY_NUMBER, ANY_STRING, LITERALS, Array, Literal, Number, Object, Others, String, Value

if TYPE_CHECKING:
    from .goals import Goals


def residuals(goals: Goals, nodes: Sequence[Node]) -> list[Value]:
    """The residual of each type under a conjunction of plain constraints."""
    types, is_listed = ANY_TYPE, False
    for node in nodes:
        types &= node.types
        is_listed |= node.enum is not None
    if is_listed:
        return _enumerated(goals, nodes)
    values: list[Value] = []
    if types & (NULL | BOOLEAN):
        values.extend(literal for bit, literal, _ in LITERALS if types & bit)
    if types & NUMBER:
        values.extend(_numbers(tuple(words for n in nodes if (words := scalars.number_words(n)))))
    if types & STRING:
        values.extend(_string(goals, nodes))
    if types & ARRAY:
        values.append(_array(goals, nodes))
    if types & OBJECT:
        is_alone = len(nodes) == 1 and not nodes[0].patterns
        values.append(_object_alone(goals, nodes[0]) if is_alone else _object(goals, nodes))
    return values


def _enumerated(goals: Goals, nodes: Sequence[Node]) -> list[Value]:
    """The scalars listed by ``enum`` and ``const`` that meet everything else."""
    listed = min((node for node in nodes if node.enum is not None), key=lambda node: len(node.enum or ()))
    if len(nodes) == 1 and listed.is_listing:
        texts = scalars.enumerated(listed, STRING)  # which may be known already
        if texts and len(texts) == len(listed.enum or ()):
            return [String(words=tuple(texts.values()))]
    kept = listed.enum or []
    if len(nodes) > 1 or not listed.only_lists:
        kept = [v for v in kept if all(scalars.meets(n, v, is_listed=n is listed) for n in nodes)]
    values: list[Value] = []
    words = {v for v in kept if isinstance(v, str) and can_be_written(v)}
    if words:
        values.append(String(words=tuple(sorted(words))))
    for v in kept:
        if v is None or isinstance(v, bool):
            values.append(Literal("null" if v is None else "true" if v else "false"))
        elif isinstance(v, (list, dict)):  # only met in the approximation
            values.append(Object((), frozenset()))
    numbers = [v for v in kept if scalars.kind_of(v) == NUMBER and not scalars.is_far(v)]
    if numbers:
        values.append(Number(NumberList.of(numbers, lexical_integer=any(n.lexical for n in nodes))))
    return values


def _string(goals: Goals, nodes: Sequence[Node]) -> tuple[String, ...]:
    shortest = max(node.shortest for node in nodes) if nodes else 0
    bounds = [node.longest for node in nodes if node.longest is not None]
    longest = min(bounds) if bounds else None
    if longest is not None and shortest > longest:
        return ()
    texts = dict.fromkeys(t for node in nodes for t in (*node.texts, *node.narrowed))
    if not texts:
        return (String(None, None, shortest, longest) if shortest or bounds else ANY_STRING,)
    limit = goals.reader.max_dfa_states
    try:
        return strings(tuple(texts), shortest, longest, limit)
    except LimitExceeded as error:
        raise LimitExceeded(error.limit, error.measured, limit, pointer=goals.reader.pointer(nodes[0])) from error


def _array(goals: Goals, nodes: Sequence[Node]) -> Array:
    shortest = max((node.min_items for node in nodes), default=0)
    bounds = [node.max_items for node in nodes if node.max_items is not None]
    longest = min(bounds) if bounds else None
    width = max((len(node.prefix) for node in nodes), default=0)
    prefix = tuple(goals.goal(item for node in nodes if (item := _item(node, k))) for k in range(width))
    rest = goals.goal(node.items for node in nodes if node.items is not None)
    return Array(prefix, rest, shortest, longest)


def _object(goals: Goals, nodes: Sequence[Node]) -> Object:
    objects = [n for n in nodes if typed.says_something(n, OBJECT)]
    required = dict.fromkeys(name for n in objects for name in n.required)
    fewest = max((n.min_properties for n in objects), default=0)
    bounds = [n.max_properties for n in objects if n.max_properties is not None]
    most = min(bounds) if bounds else None
    if not any(n.patterns for n in objects):
        names = dict.fromkeys(name for n in objects for name in n.properties) | required
        names = {name: None for name in names if name in required or can_be_written(name)}
        listed = tuple([(name, goals.goal(children_of(objects, name, set()))) for name in names])
        free = goals.goal(n.additional for n in objects if n.additional is not None)
        in_order = len(objects) == 1 and _says_an_order(objects[0])
        return Object(listed, frozenset(required), others=free, fewest=fewest, most=most, in_order=in_order)
    words, n_listed, rest = names_of(goals, objects, ())
    matching = profiles_of(goals, words, objects)
    members = [(word, goals.goal(children_of(objects, word, m))) for word, m in zip(words, matching, strict=True)]
    return Object(
        tuple(members[:n_listed]),
        frozenset(required),
        extra=tuple(members[n_listed:]),
        others=partial(_others, goals, objects, rest, words),
        fewest=fewest,
        most=most,
    )


def _object_alone(goals: Goals, node: Node) -> Object:
    """The same of one node without patterns, which is the common case."""
    own, other, required = node.properties, node.additional or ANYTHING, frozenset(node.required)
    if not required <= own.keys():
        own = {**own, **{name: other for name in node.required if name not in own}}
    if not "".join(own).isascii():
        own = {name: child for name, child in own.items() if name in required or can_be_written(name)}
    alone = goals.alone
    return Object(
        tuple(zip(own, [child.goal or alone(child) for child in own.values()], strict=True)),
        required,
        others=other.goal or alone(other),
        fewest=node.min_properties,
        most=node.max_properties,
        in_order=other is NOTHING and _says_an_order(node),
    )


def _says_an_order(node: Node) -> bool:
    """Whether the order of the names in a schema means something: in a closed one, unless it is alphabetical."""
    return node.additional is NOTHING and not is_sorted(list(node.properties))


def _others(goals: Goals, objects: Sequence[Node], languages: dict[bytes, CharDfa], names: list[str]) -> Others:
    """What names may hold that are not listed.

    Listed names are left out of the automaton only where that matters: where from some prefix only finitely many
    names follow, all of them may be listed ones, which are never free.
    """
    for words in ([], names):
        dfa, kinds, profiles = kinds_of(goals, languages, words, objects)
        others, final = keyed(goals, dfa, kinds, [goals.goal(children_of(objects, None, p)) for p in profiles])
        if not isinstance(others, tuple) or (final and not (automata.lengths(others[0])[1] >= 0).any()):
            break
    return others


def is_sorted(names: list[str]) -> bool:
    """Whether names stand in alphabetical order, as a program writes them and hardly a person who means an order."""
    return len(names) > 2 and names == sorted(names)


def _item(node: Node, k: int) -> Node | None:
    """The node that item ``k`` must meet, or None."""
    return node.prefix[k] if k < len(node.prefix) else node.items


@lru_cache(maxsize=1024)
def _numbers(words: tuple[scalars.NumberWords, ...]) -> tuple[Number, ...]:
    """The residual of numbers, of what nodes say of them: at most one."""
    if not words:
        return (ANY_NUMBER,)
    spec = reduce(NumberSpec.intersect, starmap(scalars.spec, words))
    return () if spec.is_empty() else (Number(spec),)


_STRINGS = Recent[tuple[String, ...]](64 << 20)  # bytes of automata


def strings(texts: tuple[TextSet, ...], shortest: int, longest: int | None, max_states: int) -> tuple[String, ...]:
    """The residuals of strings: in every set of texts, and of such a length."""
    key = texts, shortest, longest, max_states
    strings = _STRINGS.get(key)
    if strings is None:
        found = TextSet.of(None, shortest, longest, max_states=max_states)
        for other in texts:
            found &= other
        strings = tuple(String(None, *part) for part in found.parts(max_states))
        _STRINGS.put(key, strings, 1024 + sum(3 * string.dfa.n_bytes for string in strings if string.dfa is not None))
    return strings
