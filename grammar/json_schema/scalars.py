"""Strings, numbers and literals: what formulas over nodes leave of them, by the algebra of sets."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from functools import partial, reduce
from typing import Any, TypeAlias, TypeVar

from ..decimals import as_decimal
from ..number import NumberSpec
from ..number_set import NumberSet
from ..text_set import TextSet
from .formula import AND, ATOM, FALSE, NOT, OR, TRUE, Formula, conjuncts
from .nodes import ARRAY, BOOLEAN, NULL, NUMBER, OBJECT, STRING, Node, listed
from .values import canonical

S = TypeVar("S", TextSet, NumberSet)


def texts(f: Formula, max_states: int) -> TextSet:
    """The strings that a formula over nodes admits.

    Where a format leaves out texts that might be right, its complement is not known: those texts meet neither.
    """
    return _fold(f, partial(text_of, max_states=max_states), TextSet.all(max_states=max_states))


def listed_texts(f: Formula) -> list[str] | None:
    """The strings that a formula over nodes admits where ``enum`` lists all candidates, else None."""
    found = _listed(f, STRING)
    return None if found is None else sorted(found)  # code points come in the order of their bytes


def listed_numbers(f: Formula) -> list[Any] | None:
    """The numbers that a formula over nodes admits where ``enum`` lists all candidates, and tells them from others."""
    if any(n.atom.lexical for n in f.atoms):
        return None
    found = _listed(f, NUMBER)
    return None if found is None or any(map(is_far, found)) else found


def _listed(f: Formula, kind: int) -> list[Any] | None:
    found = _candidates(f, kind)
    if found is None:
        return None
    candidates, others = dict(found), []
    for part in conjuncts(f):
        node = part.parts[0].atom if part.op == NOT else None
        if node is not None and node.is_listing:  # perhaps one of very many
            for key in enumerated(node, kind):
                candidates.pop(key, None)
        elif (known := _enumerated(part, kind)) is None:
            others.append(part)
        elif known is not found:
            candidates = {key: v for key, v in candidates.items() if key in known}
    values = candidates.values()
    return [v for v in values if all(admits(part, v) for part in others)] if others else list(values)


def _candidates(f: Formula, kind: int) -> dict[Hashable, Any] | None:
    """Values among which are all of a type that a formula admits; None where no ``enum`` says which."""
    if f.op == NOT or f.op < 0:
        return {} if f is FALSE else None
    listed = _enumerated(f, kind)
    if listed is not None or f.op == ATOM:
        return listed
    some = [c for c in (_candidates(part, kind) for part in f.parts) if c is not None]
    if f.op == AND:
        return min(some, key=len, default=None)
    return {k: v for c in some for k, v in c.items()} if len(some) == len(f.parts) else None


def _enumerated(f: Formula, kind: int) -> dict[Hashable, Any] | None:
    """The values of a type that a formula admits, where it is an ``enum`` or several to choose from."""
    if f.op != ATOM and f.op != OR:
        return None
    atoms = [f] if f.op == ATOM else f.parts
    if any(part.op != ATOM or part.atom.enum is None for part in atoms):
        return None
    lists = [enumerated(part.atom, kind) for part in atoms]
    return lists[0] if len(lists) == 1 else {key: v for values in lists for key, v in values.items()}


def enumerated(node: Node, kind: int) -> dict[Hashable, Any]:
    """The values of a type that an ``enum`` lists and the rest of its node admits; texts in ascending order."""
    values = node.enumerated.get(kind)
    if values is None:
        found = [v for v in node.enum or () if kind_of(v) == kind]
        if not node.only_lists:
            found = [v for v in found if meets(node, v, is_listed=True)]
        if kind == STRING:
            values = {v: v for v in sorted(found) if can_be_written(v)}  # a string is its own key
        else:
            values = {canonical(v): v for v in found}
        node.enumerated[kind] = values
    return values


def listed_values(node: Node) -> list[tuple[Hashable, Any]]:
    """The values that an ``enum`` lists and the rest of its node admits, with keys that equal ones share."""
    values = node.enum or []
    if not node.only_lists:
        values = [v for v in values if meets(node, v, is_listed=True)]
    return [(canonical(v), v) for v in values]


def without(node: Node, gone: Iterable[Any]) -> dict[int, dict[Hashable, Any]]:
    """The scalars that an ``enum`` lists and its node admits, less some values, by type."""
    left = {kind: dict(enumerated(node, kind)) for kind in (NULL, BOOLEAN, NUMBER, STRING)}
    texts = left[STRING]
    for v in gone:
        if type(v) is str:
            texts.pop(v, None)
        elif (kind := kind_of(v)) in left:
            left[kind].pop(canonical(v), None)
    return left


def admits(f: Formula, value: Any, negated: bool = False) -> bool:
    """Whether a scalar meets a formula over nodes."""
    if f.op == ATOM:
        return meets(f.atom, value, negated=negated)
    if f.op == NOT:
        return not admits(f.parts[0], value, True)
    if f.op < 0:
        return f is TRUE
    return (all if f.op == AND else any)(admits(part, value) for part in f.parts)


def meets(node: Node, value: Any, *, negated: bool = False, is_listed: bool = False) -> bool:
    """Whether a scalar meets what a node says itself.

    ``negated``: whether it may; some formats leave texts undecided. ``is_listed``: it is known to be in the ``enum``.
    """
    kind = kind_of(value)
    if not kind & node.types or (not is_listed and node.enum is not None and not listed(value, node)):
        return False
    if kind == STRING:
        longest = len(value) if node.longest is None else node.longest
        texts = node.texts if negated else (*node.texts, *node.narrowed)
        return node.shortest <= len(value) <= longest and all(t.matches(value) for t in texts)
    if kind == NUMBER:
        spec = spec_of(node)
        return spec is None or spec.admits(value)
    return True


def can_be_written(text: str) -> bool:
    """Whether a text has a UTF-8 form: one with a lone surrogate has none, so no JSON text can hold it."""
    return text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)


def numbers(f: Formula) -> list[NumberSpec]:
    """The numbers that a formula over nodes admits. Those that are excluded one by one are cut out of all others."""
    found, excluded = NumberSet.all(), list[Any]()
    for part in conjuncts(f):
        node = part.parts[0].atom if part.op == NOT else None
        if node is not None and node.enum is not None and spec_of(node) is None:
            excluded += [v for v in node.enum if kind_of(v) == NUMBER]
        else:
            found &= _fold(part, number_of, NumberSet.all())
    if far := [v for v in excluded if is_far(v)]:
        found &= ~_listed_numbers(far, True)
    gaps = sorted({as_decimal(v) for v in excluded if not is_far(v)})
    return [part for spec in found.specs for part in spec.without(gaps)]


def _fold(f: Formula, leaf: Callable[[Node, bool], S], everything: S) -> S:
    """The value of a formula in an algebra of sets; ``leaf`` is told whether an atom is negated."""
    if f.op == ATOM:
        return leaf(f.atom, False)
    if f.op == NOT:
        return ~leaf(f.parts[0].atom, True)
    if f.op < 0:
        return everything if f is TRUE else ~everything
    first, *others = f.parts
    result = _fold(first, leaf, everything)
    for part in others:
        other = _fold(part, leaf, everything)
        result = result & other if f.op == AND else result | other
    return result


def text_of(node: Node, negated: bool = False, *, max_states: int) -> TextSet:
    """The strings that a node itself admits (``negated``: and those of which that is not known)."""
    found = TextSet.of(None, node.shortest, node.longest, max_states=max_states)
    for texts in node.texts if negated else (*node.texts, *node.narrowed):
        found &= texts
    if node.enum is not None:
        found &= TextSet.words((v for v in node.enum if isinstance(v, str)), max_states=max_states)
    return found


def number_of(node: Node, negated: bool = False) -> NumberSet:
    """The numbers that a node itself admits (``negated``: and those of which that is not known).

    Integers that are to be written as digits alone are still integers in every spelling where they are excluded.
    """
    spec = spec_of(node)
    if negated and spec is not None and node.place.draft != 4:
        spec = replace(spec, lexical_integer=False)
    found = NumberSet.all() if spec is None else NumberSet.of(spec)
    if node.enum is not None:
        found &= _listed_numbers([v for v in node.enum if kind_of(v) == NUMBER], negated)
    return found


def _listed_numbers(values: list[Any], negated: bool) -> NumberSet:
    """Some numbers; ``negated``: and those that cannot be told from one of them.

    Bounds have so many places at most. So a complement leaves out huge and tiny numbers together, and with a number of
    very many digits its nearest neighbours.
    """
    numbers = list(map(as_decimal, values))
    found = NumberSet.exactly(v for v in numbers if not is_far(v))
    for v in filter(is_far, numbers) if negated else ():
        if abs(v.adjusted()) > MAX_DECADE:
            found |= _FAR
        else:
            low, high = (v.quantize(_TINY, rounding, _WIDE) for rounding in (ROUND_FLOOR, ROUND_CEILING))
            found |= NumberSet.of(NumberSpec(lo=low, hi=high))
    return found


def is_far(value: Any) -> bool:
    """Whether a number is too long to be told from its neighbours."""
    if type(value) is int:
        return bool(abs(value) >= _FAR_INTEGER)
    number = as_decimal(value)
    return abs(number.adjusted()) > MAX_DECADE or _places(number) > MAX_DECADE


def _places(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    return -exponent


MAX_DECADE = 600  # of a number that is told from all others, and its places after the point; doubles end at 308
_FAR_INTEGER = 10 ** (MAX_DECADE + 1)
_WIDE = Context(prec=3 * MAX_DECADE)
_TINY = Decimal(1).scaleb(-MAX_DECADE)
_HUGE = Decimal(1).scaleb(MAX_DECADE)
_FAR = reduce(
    NumberSet.__or__,
    [
        NumberSet.of(NumberSpec(lo=_HUGE)),
        NumberSet.of(NumberSpec(hi=-_HUGE)),
        NumberSet.of(NumberSpec(lo=0, lo_open=True, hi=_TINY)),
        NumberSet.of(NumberSpec(lo=-_TINY, hi=0, hi_open=True)),
    ],
)


# bounds by keyword, whether integers are asked for, whether written as digits alone, and the step
NumberWords: TypeAlias = "tuple[tuple[tuple[str, Any], ...], bool, bool, Any]"


def number_words(node: Node) -> NumberWords | None:
    """What a node says of numbers, or None when it says nothing."""
    if not (node.number or node.integer or node.multiple is not None):
        return None
    return node.number, node.integer, node.lexical, node.multiple


def spec_of(node: Node) -> NumberSpec | None:
    """Bounds and multiples of a node as one specification, or None when it has none."""
    words = number_words(node)
    return None if words is None else spec(*words)


def spec(bounds: tuple[tuple[str, Any], ...], integer: bool, lexical: bool, multiple: Any) -> NumberSpec:
    """The same of what it says."""
    lo = hi = None
    lo_open = hi_open = False
    for keyword, value in bounds:
        bound = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        is_open = keyword.startswith("exclusive")
        if keyword.endswith("inimum"):
            if lo is None or bound > lo or (bound == lo and is_open):
                lo, lo_open = bound, is_open
        elif hi is None or bound < hi or (bound == hi and is_open):
            hi, hi_open = bound, is_open
    step = None if multiple is None else Decimal(repr(multiple))
    return NumberSpec(lo, lo_open, hi, hi_open, integer, lexical, step)


_KINDS = {type(None): NULL, bool: BOOLEAN, int: NUMBER, float: NUMBER, str: STRING, list: ARRAY, dict: OBJECT}


def kind_of(value: Any) -> int:
    """Type bit of a Python value."""
    kind = _KINDS.get(type(value))
    if kind is not None:
        return kind
    if isinstance(value, str):
        return STRING
    if isinstance(value, list):
        return ARRAY
    return OBJECT if isinstance(value, dict) else NUMBER
