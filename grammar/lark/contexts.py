"""In which order the terminals of a context are tried, and which strings are keywords there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np

from ..errors import GrammarError
from .flat import Terminal
from .tables import I32


def ordered(terminals: Iterable[Terminal]) -> list[Terminal]:
    """Terminals with a pattern, in the order in which Lark tries them."""
    return sorted((t for t in terminals if t.text is not None), key=lambda t: t.order)


class Keywords:
    """Which strings a pattern of the same priority matches as a whole, for all terminals of a grammar."""

    def __init__(self, terminals: Sequence[Terminal]) -> None:
        strings = [t for t in terminals if t.plain]
        self._of: dict[str, list[Terminal]] = {}
        for terminal in terminals:
            if terminal.plain:
                continue
            matcher = re.compile(terminal.regexp)
            found = [s for s in strings if s.priority == terminal.priority and _is_match(matcher, s.text)]
            if found:
                self._of[terminal.name] = found

    def context(self, tried: Sequence[Terminal]) -> tuple[list[Terminal], list[list[Terminal]]]:
        """What is really tried of an ordered list, and for each entry the strings that take over its tag.

        A string leaves the list if a pattern of the list matches it under at least its own flags.
        """
        present = {t.name for t in tried if t.plain}
        keywords = {t.name: [s for s in self._of.get(t.name, ()) if s.name in present] for t in tried}
        hidden = {s.name for t in tried for s in keywords[t.name] if s.flags <= t.flags}
        left = [t for t in tried if t.name not in hidden]
        return left, [keywords[t.name] for t in left]


def _is_match(matcher: re.Pattern[str], text: str | None) -> bool:
    assert text is not None
    match = matcher.match(text)
    return match is not None and match.end() == len(text)


def check(terminals: Iterable[Terminal]) -> None:
    """Raise GrammarError for what Lark's lexers refuse: empty matches, and named groups that occur twice."""
    groups: dict[str, str] = {}
    for terminal in terminals:
        if terminal.text is None:
            continue
        if terminal.pattern.min_width == 0:
            raise GrammarError(
                f"Lexer does not allow zero-width terminals. ({terminal.name}: {terminal.regexp!r})",
                keyword=terminal.name,
            )
        for group in terminal.pattern.names:
            if other := groups.get(group):
                raise GrammarError(f"terminals {other} and {terminal.name} both have a group named {group}")
            groups[group] = terminal.name


def tables(
    contexts: Sequence[Iterable[Terminal]], number: dict[str, int], keywords: Keywords
) -> tuple[I32, I32, I32, I32]:
    """``order_first, order, retype_first, retype`` of contexts given as sets of terminals."""
    order_first, order, retype_first, retype = [0], [], [0], []
    for context in contexts:
        for terminal, strings in zip(*keywords.context(ordered(context)), strict=True):
            order.append(number[terminal.name])
            retype += [number[string.name] for string in strings]
            retype_first.append(len(retype))
        order_first.append(len(order))
    return tuple(np.array(part, np.int32) for part in (order_first, order, retype_first, retype))  # type: ignore[return-value]
