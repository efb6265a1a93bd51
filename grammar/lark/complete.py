"""Terminals with ``dynamic_complete``, from situation to situation: :mod:`.endings` says what their tokens are."""

from __future__ import annotations

from .endings import DONE, Cut, advance, ending
from .scanner import Config, Scanner


class CompleteScanner(Scanner):
    """Reads all tokens of the one terminal of a program, also those that end before its match in the whole text.

    Beside its threads in the whole text, it has those in the text alone.
    """

    def _start(self, situation: int) -> Config:
        threads, _, _, ends = super()._start(situation)
        alone, _, _, _ = super()._start(0)
        return threads, Cut(0, tuple((thread, False) for thread in alone)), situation, ends

    def _step(self, config: Config, c: int) -> Config | None:
        s = self._situations
        threads, alone, before, _ = config
        situation = s.after(before, c)
        if situation < 0:
            return None
        whole = advance(s, tuple((thread, False) for thread in threads), s.raw[situation][0], c, good=True)
        cut = Cut(alone.left, tuple((thread, False) for thread, _ in alone.threads)).after(s, c, good=True)
        to = s.with_ending(situation, ending(s, whole, cut))
        ends = frozenset() if to < 0 else frozenset({(*self._tag(0, set()), to)})
        threads = tuple(thread for thread, _ in whole)
        if not ends and all(pc == DONE for pc, _, _ in threads):
            return None
        return threads, cut, situation, ends
