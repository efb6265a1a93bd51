r"""Regular languages of Unicode texts as immutable, hash-consed expressions.

Equal expressions are one object, so identity is equality and any table may be keyed by a node. Build nodes with the
lower-case functions (:func:`seq`, :func:`alt`, ...), which also simplify::

    Empty                     no text                      Repeat(part, low, high)   low to high parts; None = no bound
    Epsilon                   the empty text               And(parts)                every part matches the same span
    Chars(points)             one character of a set       Not(part)                 the part does not match the span
    Seq(parts)                one part after another       Look(part, behind, negative)
    Alt(parts)                any part                     an empty span before (after) which `part` does (not) match

Only between the parser and :mod:`~detent.grammar.references` there are two more, which are not regular::

    Capture(group, part)      part, remembered              Reference(groups)         what a group matched

A node matches a *span* of a text. Only `Look` sees what is outside of the span: ``^`` is ``(?<![\s\S])``, ``$`` is
``(?![\s\S])``, and ``\b`` is made of four of them.
"""

from __future__ import annotations

from functools import lru_cache
from threading import RLock
from typing import Any, TypeVar
from weakref import ref

from . import charset
from .charset import CharSet


class Regular:
    """A node; see the module's table. Nodes are compared by identity and never change."""

    __slots__ = ("__weakref__",)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {to_text(self)}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _node, (type(self), *(getattr(self, name) for name in type(self).__slots__))


class Empty(Regular):
    __slots__ = ()


class Epsilon(Regular):
    __slots__ = ()


class Chars(Regular):
    __slots__ = ("points",)
    points: CharSet


class Seq(Regular):
    __slots__ = ("parts",)
    parts: tuple[Regular, ...]


class Alt(Regular):
    __slots__ = ("parts",)
    parts: tuple[Regular, ...]


class Repeat(Regular):
    __slots__ = ("high", "low", "part")
    part: Regular
    low: int
    high: int | None


class And(Regular):
    __slots__ = ("parts",)
    parts: tuple[Regular, ...]


class Not(Regular):
    __slots__ = ("part",)
    part: Regular


class Look(Regular):
    __slots__ = ("behind", "negative", "part")
    part: Regular
    behind: bool
    negative: bool


class Capture(Regular):
    __slots__ = ("group", "part")
    part: Regular
    group: int


class Reference(Regular):
    __slots__ = ("groups", "ignore_case")
    groups: tuple[int, ...]
    ignore_case: bool


R = TypeVar("R", bound=Regular)

FEW = 5_000  # nodes, up to which nobody looks which of them are gone

_pool: dict[tuple[Any, ...], ref[Any]] = {}  # a WeakValueDictionary takes most of the time of a small pattern
_enough = FEW  # nodes in the pool at which those that are gone leave
_lock = RLock()  # a finaliser may make nodes while one is put
_put = object.__setattr__


def _node(kind: type[R], *fields: Any) -> R:
    key = (kind, *fields)
    known = _pool.get(key)
    node = None if known is None else known()
    return _new(key) if node is None else node  # type: ignore[no-any-return]


def _new(key: tuple[Any, ...]) -> Any:
    """A node that nobody had when its key was looked up."""
    global _enough
    kind, *fields = key
    node = object.__new__(kind)
    for name, value in zip(kind.__slots__, fields, strict=True):
        _put(node, name, value)
    with _lock:
        known = _pool.get(key)
        found = None if known is None else known()
        if found is not None:
            return found
        _pool[key] = ref(node)
        if len(_pool) > _enough:
            _sweep()
            _enough = max(FEW, 2 * len(_pool))
    return node


def _sweep() -> None:
    """Let the nodes leave that are gone, then those that only their keys had kept."""
    before = -1
    while before != len(_pool):
        before = len(_pool)
        for key, known in [*_pool.items()]:
            if known() is None:
                _pool.pop(key, None)


EMPTY: Regular = _node(Empty)
EPSILON: Regular = _node(Epsilon)


def chars(points: CharSet) -> Regular:
    """One character of a set."""
    return _node(Chars, points) if points else EMPTY


ANY_CHAR = chars(charset.ANY)


@lru_cache(maxsize=1024)
def character(point: int) -> Regular:
    """One code point."""
    return chars(charset.interval(point, point))


def literal(text: str) -> Regular:
    """Exactly this text."""
    return seq(*(character(ord(c)) for c in text))


def seq(*parts: Regular) -> Regular:
    """One part after another."""
    flat: list[Regular] = []
    for part in parts:
        if type(part) is Seq:
            flat += part.parts
        elif part is EMPTY:
            return EMPTY
        elif part is not EPSILON:
            flat.append(part)
    if len(flat) < 2:
        return flat[0] if flat else EPSILON
    return _node(Seq, tuple(flat))


def alt(*parts: Regular) -> Regular:
    """Any of the parts; single characters become one set."""
    flat: dict[Regular, None] = {}
    sets: list[CharSet] = []
    for part in parts:
        for choice in part.parts if isinstance(part, Alt) else (part,):
            if isinstance(choice, Chars):
                sets.append(choice.points)
            elif choice is not EMPTY:
                flat[choice] = None
    if sets:
        flat[chars(charset.union(*sets))] = None
    if len(flat) < 2:
        return next(iter(flat), EMPTY)
    return _node(Alt, tuple(flat))


def repeat(part: Regular, low: int, high: int | None) -> Regular:
    """From `low` to `high` parts, or any number from `low` on where `high` is None."""
    if part is EPSILON or high == 0 or (part is EMPTY and low == 0):
        return EPSILON
    if part is EMPTY or (low == 1 and high == 1):
        return part
    return _node(Repeat, high, low, part)


ANY_TEXT = repeat(ANY_CHAR, 0, None)


def conj(*parts: Regular) -> Regular:
    """What every part matches."""
    flat: dict[Regular, None] = {}
    for part in parts:
        flat.update(dict.fromkeys(part.parts if isinstance(part, And) else (part,)))
    if EMPTY in flat:
        return EMPTY
    flat.pop(ANY_TEXT, None)
    if len(flat) < 2:
        return next(iter(flat), ANY_TEXT)
    return _node(And, tuple(flat))


def neg(part: Regular) -> Regular:
    """Every text that the part does not match."""
    if isinstance(part, Not):
        return part.part
    return {EMPTY: ANY_TEXT, ANY_TEXT: EMPTY}.get(part) or _node(Not, part)


def look(part: Regular, *, behind: bool = False, negative: bool = False) -> Regular:
    """An empty span before which (behind: after which) `part` matches, or does not."""
    if part is EMPTY or part is EPSILON:
        return EPSILON if negative == (part is EMPTY) else EMPTY
    return _node(Look, behind, negative, part)


def capture(part: Regular, group: int) -> Regular:
    """What `part` matches, to be referred to by the number of the group."""
    return _node(Capture, group, part)


def reference(*groups: int, ignore_case: bool = False) -> Regular:
    """The text of the one group that took part last, or the empty text."""
    return _node(Reference, groups, ignore_case)


START = look(ANY_CHAR, behind=True, negative=True)
STOP = look(ANY_CHAR, negative=True)


def _point(point: int) -> str:
    char = chr(point)
    if char in r"\^$.*+?()[]{}|-/&~":
        return "\\" + char
    return char if char.isprintable() and char != " " else f"\\u{{{point:X}}}"


def _set(points: CharSet) -> str:
    if points == charset.ANY:
        return r"[\s\S]"
    if len(points) == 2 and points[1] == points[0] + 1:
        return _point(points[0])
    negative = points[0] == 0 and points[-1] == charset.END
    if negative:
        points = charset.complement(points)
    ranges = [
        _point(a) if b == a + 1 else f"{_point(a)}-{_point(b - 1)}"
        for a, b in zip(points[::2], points[1::2], strict=True)
    ]
    return f"[{'^' * negative}{''.join(ranges)}]"


def to_text(node: Regular) -> str:
    """The expression in the syntax of ECMA-262, with ``&`` for And and ``~`` for Not."""
    if isinstance(node, Chars):
        return _set(node.points)
    if isinstance(node, Seq):
        return "".join(f"(?:{to_text(p)})" if isinstance(p, Alt) else to_text(p) for p in node.parts)
    if isinstance(node, Alt):
        return "|".join(map(to_text, node.parts))
    if isinstance(node, Repeat):
        high = "" if node.high is None else str(node.high)
        bounds = str(node.low) if node.low == node.high else f"{node.low},{high}"
        count = {"0,": "*", "1,": "+", "0,1": "?"}.get(bounds, f"{{{bounds}}}")
        text = to_text(node.part)
        return (text if isinstance(node.part, Chars) else f"(?:{text})") + count
    if isinstance(node, And):
        return f"(?:{'&'.join(f'(?:{to_text(p)})' for p in node.parts)})"
    if isinstance(node, Not):
        return f"(?:~(?:{to_text(node.part)}))"
    if isinstance(node, Look):
        return f"(?{'<' * node.behind}{'!' if node.negative else '='}{to_text(node.part)})"
    if isinstance(node, Capture):
        return f"({to_text(node.part)})"
    if isinstance(node, Reference):
        return "".join(f"\\{group}" for group in node.groups[:1])
    return "[]" if node is EMPTY else "(?:)"
