"""The part of the grammar IR that describes JSON values: what the engine lowers, and the naive recogniser reads.

A :class:`~detent.grammar.json_schema.goals.Goal` is a choice among these; containers name the goals of their children,
which are worked out only when somebody asks.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from ..decimals import significand
from ..dfa import CharDfa, is_finite
from ..number import NumberSpec
from ..number_list import NumberList
from .formula import TRUE, Formula
from .nodes import BOOLEAN, NULL

if TYPE_CHECKING:
    from .array_frames import ArrayFrame
    from .goals import Goal
    from .object_frames import ObjectFrame

# What names may hold that are not listed: all of them the same (None: there are no others), or it depends on the name,
# by the states of an automaton.
Others: TypeAlias = "Goal | tuple[CharDfa, tuple[Goal | None, ...]] | None"


@dataclass(frozen=True)
class Literal:
    """Fixed text: ``null``, ``true`` or ``false``."""

    text: str


@dataclass(frozen=True)
class Number:
    """A JSON number with a value in ``spec``."""

    spec: NumberSpec | NumberList


@dataclass(frozen=True)
class String:
    """A JSON string, judged by its decoded characters.

    Attributes
    ----------
    words : tuple of str or None
        The only strings allowed, sorted by their UTF-8 bytes (then ``dfa`` is None).
    dfa : CharDfa or None
        The language of the text.
    shortest, longest : int
        Bounds on the number of characters; ``longest`` None is no bound.
    avoid : tuple of str
        Texts that are left out, sorted by their UTF-8 bytes. After any text in it, endlessly many others follow.
    """

    words: tuple[str, ...] | None = None
    dfa: CharDfa | None = None
    shortest: int = 0
    longest: int | None = None
    avoid: tuple[str, ...] = ()

    @property
    def is_vast(self) -> bool:
        """Whether there are endlessly many such texts, or as many as there are characters."""
        if self.dfa is None:
            return self.words is None and self.longest != 0
        return self.longest is None and not is_finite(self.dfa)


@dataclass(slots=True, eq=False)
class Array:
    """A JSON array: item ``i`` meets ``prefix[i]``, or ``rest`` from ``len(prefix)`` on.

    ``longest`` is already cut where an item has no possible value. Where items depend on each other, ``residual`` says
    how, and ``frame`` what follows an item.
    """

    prefix: tuple[Goal, ...]
    rest: Goal
    shortest: int
    longest: int | None
    frame: ArrayFrame | None = None
    residual: Formula = TRUE

    def after(self, residual: Formula) -> Array:
        """The same array with another residual."""
        return Array(self.prefix, self.rest, self.shortest, self.longest, self.frame, residual)


@dataclass(slots=True, eq=False)
class Object:
    """A JSON object.

    Attributes
    ----------
    names : tuple of (str, Goal)
        Listed names in the order of the schema.
    required : frozenset of str
        Listed names that must occur.
    extra : tuple of (str, Goal)
        Names that patterns spell out: they stand among the free ones.
    others : Others, or callable
        What any other name may hold; None: no other name may occur. Where that takes deciding which goals have a value,
        it is worked out when somebody first asks: whether the object has an instance mostly depends on listed names.
    fewest, most : int
        Bounds on the number of members; ``most`` None is no bound.
    in_order : bool
        Whether one closed schema says everything: then the order of its required names means something.
    frame : ObjectFrame or None
        Where members depend on each other: what follows one of them.
    residual : Formula
        How they do, as facts about the members still to come.
    """

    names: tuple[tuple[str, Goal], ...]
    required: frozenset[str]
    extra: tuple[tuple[str, Goal], ...] = ()
    others: Others | Callable[[], Others] = None
    fewest: int = 0
    most: int | None = None
    in_order: bool = False
    frame: ObjectFrame | None = None
    residual: Formula = TRUE

    @property
    def free(self) -> Goal | None:
        """What any name that is not listed may hold, where that does not depend on the name."""
        others = self.told()
        return None if isinstance(others, tuple) else others

    @property
    def patterns(self) -> tuple[CharDfa, tuple[Goal | None, ...]] | None:
        """Instead of ``free`` where it does: an automaton over names and the goal of each of its states, None where the
        name may not end."""
        others = self.told()
        return others if isinstance(others, tuple) else None

    def told(self) -> Others:
        """What any name that is not listed may hold."""
        others = self.others
        if callable(others):
            others = self.others = others()
        return others

    def after(self, residual: Formula) -> Object:
        """The same object with another residual."""
        same = self.extra, self.others, self.fewest, self.most, self.in_order, self.frame
        return Object(self.names, self.required, *same, residual)


def canonical(value: Any) -> Hashable:
    """A key that equal JSON values share: numbers by value, members in any order, booleans apart from numbers."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return (type(value).__name__, value)
    if isinstance(value, list):
        return ("list", tuple(map(canonical, value)))
    if isinstance(value, dict):
        return ("dict", frozenset((name, canonical(member)) for name, member in value.items()))
    return ("number", *significand(value))


Value = Literal | Number | String | Array | Object

LITERALS = ((NULL, Literal("null"), None), (BOOLEAN, Literal("true"), True), (BOOLEAN, Literal("false"), False))
ANY_NUMBER = Number(NumberSpec(None, False, None, False))
ANY_STRING = String()
