"""What a token leaves to the text behind it with ``dynamic_complete``.

Lark matches a terminal in the whole text; let s be what it finds. Then it matches again in each shorter beginning of s,
*taken out of the text*: nothing stands before it, and the text ends behind it. All these matches are tokens. So k
characters are one if s has k characters, or if the match in the first n characters of s ends at k, for some n that is
at least k and less than the length of s. The least such n asks for least: s must be longer than that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from .scanner import Situations, Thread

DONE = -1  # instead of an instruction: the thread has matched, and waits for what it owes
# Threads in order, and of each that has matched, whether this match makes the token one.
Judged: TypeAlias = "tuple[tuple[Thread, bool], ...]"


@dataclass(frozen=True, slots=True)
class Cut:
    """Threads that match in a beginning of s alone; those are good that have matched at the end of the token.

    Attributes
    ----------
    left : int
        Left state of the beginning.
    threads : Judged
    """

    left: int
    threads: Judged

    def after(self, s: Situations, c: int, *, good: bool = False) -> Cut:
        """The threads after a character of a class, where the token ends (good) or behind."""
        left = s.left_after(self.left, c)
        return Cut(left, advance(s, self.threads, left, c, good=good))


@dataclass(frozen=True, slots=True)
class Ending:
    """A token that is one if what follows is right.

    Attributes
    ----------
    whole : Judged
        Threads that match in the whole text.
    cut : Cut or None
        None where no beginning is looked for any more.
    found : bool
        Whether a beginning was found, so that s may be of any greater length.
    """

    whole: Judged
    cut: Cut | None
    found: bool

    def after(self, s: Situations, left: int, c: int) -> Ending | bool:
        """The same after a character of a class, or the verdict; `left` is the left state behind the character."""
        whole = advance(s, self.whole, left, c, good=self.found)
        return ending(s, whole, self.cut and self.cut.after(s, c), found=self.found)

    def may_end(self, s: Situations) -> bool:
        """Whether it is a token if the text ends here."""
        return _first_match(s, self.whole)


def ending(s: Situations, whole: Judged, cut: Cut | None, *, found: bool = False) -> Ending | bool:
    """The ending with these threads; True or False where nothing that follows can change what it is."""
    found = found or (cut is not None and _first_match(s, cut.threads))
    if cut and (found or not any(good for _, good in cut.threads)):
        cut = None
    threads = list(whole)
    while threads and not threads[-1][1] and (threads[-1][0][0] == DONE or not (found or cut)):
        threads.pop()  # to match like this is no better than not to match
    if not threads:
        return False
    (pc, owed, _), _ = threads[-1]
    if pc == DONE and not owed and all(good or (found and pc != DONE) for (pc, _, _), good in threads):
        return True
    return Ending(tuple(threads), cut, found)


def advance(s: Situations, threads: Judged, left: int, c: int, *, good: bool) -> Judged:
    """Threads after a character; `good` is what a match at this place is."""
    found: dict[Thread, bool] = {}
    for thread, judged in threads:
        for after in s.step(thread, left, c):
            pc, owed, _ = after
            found.setdefault(after, pc == DONE and (judged if thread[0] == DONE else good))
            if pc == DONE and not owed:
                return tuple(found.items())
    return tuple(found.items())


def _first_match(s: Situations, threads: Judged) -> bool:
    """Whether the match is good where the text ends."""
    return next((good for (pc, owed, _), good in threads if pc == DONE and s.all_hold(owed)), False)
