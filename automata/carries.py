"""Which carries of a lexer come to the same, and the letters that can be read behind each.

A *letter* is a token together with the carry behind it. Carries, each in a context, are explored as far as they are
asked about, and put into *blocks* that no letters tell apart, by rounds of refinement (E. F. Moore,
"Gedanken-experiments on Sequential Machines", 1956): a few are enough. Letters and blocks are numbers; sets of letters
are integers, one bit each.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import TypeAlias

from detent.grammar.lark.tables import END
from detent.native.lexer import DROPPED
from detent.native.needs import ENDING, LIVING

Pair: TypeAlias = "tuple[int, int]"  # a context and a carry; a tag and a carry


class Carries:
    """The blocks of carries, and the letters.

    Parameters
    ----------
    endings : callable
        The tokens, as pairs (tag, carry behind), that can come in a context with a carry.
    may_stop : callable
        Whether the text may end with a carry.
    contexts : mapping of int to list of int
        The contexts that a terminal can lead to.
    spend : callable
        Told how many tokens are looked at.
    plain_lives : bool
        Whether every stack is alive with a plain carry.

    Attributes
    ----------
    tags : list of int
        The tag of each letter.
    letters : list of int
        Of each block, the letters that can come.
    behind_first, behind : list of int, list of (int, int)
        Behind letter x, the contexts it leads to and the blocks there: ``behind[behind_first[x]:behind_first[x + 1]]``.
    """

    def __init__(
        self,
        endings: Callable[[int, int], frozenset[Pair]],
        may_stop: Callable[[int], bool],
        contexts: Mapping[int, list[int]],
        spend: Callable[[int], None],
        *,
        plain_lives: bool,
    ) -> None:
        self._endings, self._may_stop, self._contexts, self._spend = endings, may_stop, contexts, spend
        self._plain_lives = plain_lives
        self._blocks: dict[Pair, int] = {}
        self._numbers: dict[Hashable, int] = {}  # of letters
        self._groups: dict[int, int] = {}  # of sets of letters, their blocks
        self.tags, self.letters = [END], [0]
        self.behind_first, self.behind = [0, 0], list[Pair]()

    def block(self, context: int, carry: int) -> int:
        """The block of a carry in a context."""
        if self._is_living(carry):
            return LIVING
        if (context, carry) not in self._blocks:
            self._explore((context, carry))
        return self._blocks[context, carry]

    def letter(self, context: int, tag: int, carry: int) -> int:
        """The number of a token that was read in a context."""
        return self._number(tag, {c: self.block(c, carry) for c in self._after(context, tag)})

    def group(self, context: int, tokens: Iterable[Pair]) -> int:
        """The block of a carry behind which no more than some tokens could come, and the text could not end."""
        letters = {self.letter(context, tag, carry) for tag, carry in tokens}
        bits = sum(1 << letter for letter in letters)
        if bits not in self._groups:
            self._groups[bits] = len(self.letters)
            self.letters.append(bits)
        return self._groups[bits]

    def _is_living(self, carry: int) -> bool:
        return self._plain_lives and carry >= 0

    def _after(self, context: int, tag: int) -> list[int]:
        return [context] if tag == DROPPED else self._contexts.get(tag, [])

    def _number(self, tag: int, blocks: dict[int, int]) -> int:
        key = tag, tuple(blocks.items())
        if key not in self._numbers:
            self._numbers[key] = len(self.tags)
            self.tags.append(tag)
            self.behind += key[1]
            self.behind_first.append(len(self.behind))
        return self._numbers[key]

    def _explore(self, pair: Pair) -> None:
        """Find the blocks of a carry in a context, and of all that can come behind it."""
        found, pending = {pair: self._endings(*pair)}, [pair]
        for context, before in pending:
            self._spend(len(found[context, before]))
            for tag, carry in found[context, before]:
                for there in [(c, carry) for c in self._after(context, tag)]:
                    if there not in found and there not in self._blocks and not self._is_living(carry):
                        found[there] = self._endings(*there)
                        pending.append(there)
        stops = {there: self._may_stop(there[1]) for there in found}
        n = self._put({there: (there[0], stops[there]) for there in found})
        while (more := self._put(self._looks(found))) > n:
            n = more
        for there, tokens in found.items():
            if self._blocks[there] == len(self.letters):
                letters = {self.letter(there[0], tag, carry) for tag, carry in tokens}
                self.letters.append(sum(1 << letter for letter in letters) | stops[there] << ENDING)

    def _put(self, looks: Mapping[Pair, Hashable]) -> int:
        """Put what looks alike into one new block each: how many there are."""
        numbers: dict[Hashable, int] = {}
        for there, look in looks.items():
            self._blocks[there] = len(self.letters) + numbers.setdefault(look, len(numbers))
        return len(numbers)

    def _looks(self, found: Mapping[Pair, frozenset[Pair]]) -> dict[Pair, Hashable]:
        """What tells carries apart, as far as their blocks tell those behind them apart."""
        signs: dict[tuple[int, int, int], int] = {}
        numbers: dict[Hashable, int] = {}
        looks: dict[Pair, Hashable] = {}
        for (context, before), tokens in found.items():
            self._spend(len(tokens))
            seen = set()
            for tag, carry in tokens:
                key = tag, carry, context if tag == DROPPED else -1
                if key not in signs:
                    row = tuple(self.block(c, carry) for c in self._after(context, tag))
                    signs[key] = numbers.setdefault((tag, row), len(numbers))
                seen.add(signs[key])
            looks[context, before] = self._blocks[context, before], frozenset(seen)
        return looks


__all__ = ["Carries"]
