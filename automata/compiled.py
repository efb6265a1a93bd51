"""A compiled specification: a grammar that makes matchers and explains itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias

from detent.grammar.errors import GrammarError, LimitExceeded
from detent.grammar.residual import Judge, Residual
from detent.grammar.rules import Rules

from .arena import Arena, ArenaFull
from .arenas import Arenas, Renewals
from .bursts import brief, burst
from .island import JsonIsland
from .lowering import Lowering
from .matcher import Matcher
from .placement import Placement

if TYPE_CHECKING:
    from .lexed_islands import LexedIsland

    Embeddable: TypeAlias = JsonIsland | Rules | LexedIsland


class Grammar:
    """A compiled specification; immutable, and usable from many threads.

    Attributes
    ----------
    vocabulary : Vocabulary
        The tokens that masks are about.
    has_free_names : bool
        Whether an object may have names that are not listed: matchers then follow the keys of their text.
    has_islands : bool
        Whether the text is JSON in parts only.
    is_shared : bool
        Whether hardly anything was made for it alone: its parts are those of others.
    keeps : int
        Bytes of the text of another specification that it keeps.
    """

    def __init__(
        self,
        arenas: Arenas,
        place: Callable[[Arena], Lowering],
        report: Callable[[], Mapping[str, Any]],
        *,
        has_free_names: bool = False,
        has_islands: bool = False,
        content: Callable[[], Embeddable] | None = None,
        judge: Judge | None = None,
        is_shared: bool = False,
        keeps: int = 0,
    ) -> None:
        self._arenas, self.vocabulary = arenas, arenas.vocabulary
        self.has_free_names, self.has_islands = has_free_names, has_islands
        self.is_shared, self.keeps = is_shared, keeps
        self._judge, self._content = judge, content
        self._made: Embeddable | None = None  # of the content
        self._place = place
        self._report = report
        self._lock = threading.Lock()
        self._placed: Placement | None = self._place_in(arenas.current)

    @brief
    def matcher(self) -> Matcher:
        """A matcher at the start of the text."""
        return Matcher(self)

    @property
    def content(self) -> Embeddable:
        """What stands for it inside another grammar.

        Raises
        ------
        GrammarError
            For a schema of which something was left out (``strict=False``).
        """
        if self._content is None:
            raise GrammarError("a schema of which something was left out cannot be an island.", keyword="islands")
        with self._lock:
            if self._made is None:
                self._made = self._content()
            return self._made

    def explain(self) -> dict[str, Any]:
        """What is enforced, relaxed and only annotated, and how large the grammar is.

        Returns
        -------
        dict
            ``relaxed``: list of (pointer, keyword, reason) of what is not enforced (only with ``strict=False``);
            ``annotations``: list of (pointer, format or unknown ``$schema``) that constrain nothing;
            ``nodes``: schemas read.
        """
        return dict(self._report())

    def residual(self, text: str) -> Residual:
        """What is not enforced, and whether it holds for a text that was written: true where there is any."""
        relaxed = () if self._judge is None else tuple(self._report()["relaxed"])
        return Residual(relaxed, text, self._judge)

    def bind(self) -> Placement:
        """This grammar in the arena in use."""
        placed, arena = self._placed, self._arenas.current
        return placed if placed is not None and placed.arena is arena else self._placed_again(arena)

    @burst
    def _placed_again(self, arena: Arena) -> Placement:
        with self._lock:
            placed = self._placed
            if placed is None or placed.arena is not arena:
                placed = self._placed = self._place_in(arena)
        return placed

    def rebind(self, full: Arena) -> Arena:
        """Go on outside of an arena that is full; where that is."""
        with self._lock:
            if self._placed is None or self._placed.arena is full:
                self._placed = self._place_outside(full)
            return self._placed.arena

    def leave(self, full: Arena) -> None:
        """Keep an arena that is full no longer; matchers that stand there do.

        It takes no lock, as who renews an arena may have it. At worst a placement that another thread makes meanwhile
        is forgotten, and made again.
        """
        placed = self._placed
        if placed is not None and placed.arena is full:
            self._placed = None

    def _place_in(self, arena: Arena) -> Placement:
        """Place the grammar in an arena, or outside of it where it is full."""
        try:
            return Placement(arena, self._place(arena))
        except ArenaFull:
            return self._place_outside(arena)

    def _place_outside(self, full: Arena) -> Placement:
        """Place the grammar in another arena: the next one may have been filled by other grammars meanwhile."""
        renewals = Renewals()
        while not renewals.are_enough():
            full = self._arenas.renew(full)
            renewals.note(full)
            with suppress(ArenaFull):
                return Placement(full, self._place(full))
        raise self.too_large()

    def too_large(self) -> LimitExceeded:
        """The error for a grammar that does not fit an arena of its own."""
        return self._arenas.too_large()
