"""Free text that ends where one of some texts is complete: what triggers and closing tags are found in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from . import dfa as automata
from .dfa import CharDfa
from .errors import GrammarError
from .regular import ANY_CHAR, ANY_TEXT, Regular, alt, literal, repeat, seq
from .rules import language


def without(texts: Iterable[str]) -> CharDfa:
    """The texts in which none of some texts occurs (Aho and Corasick 1975, as a minimal automaton)."""
    return automata.complement(automata.compile(seq(ANY_TEXT, alt(*map(literal, texts)), ANY_TEXT)))


def until(text: str, others: Iterable[str] = ()) -> CharDfa:
    """The texts that end with ``text``, in which neither it nor any of the others occurs before that."""
    found = automata.compile(seq(ANY_TEXT, literal(text)))
    earlier = seq(ANY_TEXT, alt(*map(literal, {text, *others})), repeat(ANY_CHAR, 1, None))
    return automata.difference(found, automata.compile(earlier))


def dispatch(
    tags: Sequence[tuple[str, Regular]],
    *,
    loop: bool = True,
    excludes: Iterable[str] = (),
    at_least_one: bool = False,
) -> Regular:
    """Free text in which each of some triggers, once it is complete, must be followed by a text of its own.

    Parameters
    ----------
    tags : sequence of (str, Regular)
        Triggers and what follows each.
    loop : bool
        Whether free text goes on behind that; else the text ends there.
    excludes : iterable of str
        What the free text must not hold, either.
    at_least_one : bool
        Whether the text begins with a trigger, without free text before the first one.

    Raises
    ------
    GrammarError
        If a trigger or excluded text is empty, or one occurs in a trigger, which then would never be complete.
    """
    triggers = [trigger for trigger, _ in tags]
    ends = list(dict.fromkeys([*triggers, *excludes]))
    for text in ends:
        for trigger in triggers:
            if text == "" or (text != trigger and text in trigger):
                raise GrammarError(f"trigger {trigger!r} is never reached: {text!r} ends the free text before it.")
    by_trigger: dict[str, list[Regular]] = {}
    for trigger, body in tags:
        by_trigger.setdefault(trigger, []).append(body)
    free = language(without(ends)) if ends else ANY_TEXT
    first = [seq(literal(trigger), alt(*bodies)) for trigger, bodies in by_trigger.items()]
    found = [seq(language(until(trigger, ends)), alt(*bodies)) for trigger, bodies in by_trigger.items()]
    if not tags:
        return free
    if at_least_one:
        return seq(alt(*first), repeat(alt(*found), 0, None), free) if loop else alt(*first)
    return seq(repeat(alt(*found), 0, None), free) if loop else alt(free, *found)
