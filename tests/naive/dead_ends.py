"""Whether the beginning of a text can be finished: a search among the hypotheses of the naive recogniser."""

from __future__ import annotations

import copy

from detent.grammar.lark.tables import LexedGrammar

from .lexed_steps import Recogniser


def can_be_finished(grammar: LexedGrammar, text: str, letters: str, most: int = 4_000) -> bool | None:
    """Whether some letters behind a text make it a sentence; None: not known after a search of ``most`` places."""
    recogniser = Recogniser(grammar)
    if not recogniser.read(text):
        return False
    pending, seen = [recogniser], {(frozenset(recogniser.hypotheses), recogniser.left)}
    for here in pending:
        if here.complete():
            return True
        if len(pending) > most:
            return None
        for letter in letters:
            there = copy.copy(here)
            if there.read(letter):
                key = frozenset(there.hypotheses), there.left
                if key not in seen:
                    seen.add(key)
                    pending.append(there)
    return False
