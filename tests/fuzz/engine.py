"""detent, asked in the ways the fuzzer asks: whole texts, random walks, masks by brute force, completions by search."""

from __future__ import annotations

import heapq
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from detent import Compiler, GrammarError, Limits, Matcher, Unsatisfiable, Vocabulary, allocate_bitmask
from detent.automata.compiled import Grammar
from detent.native import keys
from tests.strategies import spellings_of, split, tokens

CLOSERS = b'"}],:0123456789'
MAX_EXPANDED, SEARCH_SECONDS = 600, 1  # states and processor time after which the search for a completion gives up
WORD_COST = 1


@dataclass(frozen=True)
class Options:
    """Options of ``Compiler.json_schema``."""

    order: str = "any"
    whitespace: str = "flexible"
    format_assertion: bool = True
    numbers: str = "any"


@dataclass(frozen=True)
class Walk:
    """A text written along random tokens: finished, cut off, or stopped where no token was allowed."""

    text: bytes
    end: str  # "done", "long" or "dead"
    stops: tuple[bytes, ...]  # the texts before some of the tokens


class Engine:
    """One compiler and one vocabulary for all schemas.

    Parameters
    ----------
    tokenizer : str, optional
        Folder of a Hugging Face tokenizer; by default a few hundred tokens that cut JSON in awkward places.

    Attributes
    ----------
    gave_up : int
        Searches for a completion that were given up.
    """

    def __init__(self, tokenizer: str | None = None) -> None:
        self.vocabulary = _vocabulary(tokenizer)
        self.compiler = Compiler(self.vocabulary, limits=Limits(cache_bytes=256 << 20))
        self.mask = allocate_bitmask(1, len(self.vocabulary))
        spelled = [self.vocabulary.token_bytes(t) or b"" for t in range(len(self.vocabulary))]
        self.closers = np.array([text[:1] != b"" and text[:1] in CLOSERS for text in spelled])
        self.text_tokens = np.array([bool(text) for text in spelled])
        self.single = {text[0]: t for t, text in reversed(list(enumerate(spelled))) if len(text) == 1}
        self.spellings = spellings_of(self.vocabulary)
        self.gave_up = 0

    def grammar(self, schema: Any, options: Options) -> Grammar:
        """Compile. Raises what the compiler raises."""
        return self.compiler.json_schema(schema, **asdict(options))

    def grammar_or_none(self, schema: Any, options: Options) -> Grammar | None:
        """Compile; None for a refusal (``Unsatisfiable`` is none)."""
        try:
            return self.grammar(schema, options)
        except Unsatisfiable:
            raise
        except GrammarError:
            return None

    def accepts(self, grammar: Grammar, text: str) -> bool:
        """Whether a text is a whole one."""
        matcher = grammar.matcher()
        return matcher.accept_bytes(text.encode()) and matcher.is_complete()

    def accepts_tokens(self, grammar: Grammar, text: str, rng: random.Random) -> bool:
        """The same, cut into tokens at random, each of which must be in its mask if and only if it is accepted."""
        matcher = grammar.matcher()
        for token in split(text.encode(), self.spellings, rng):
            allowed = bool(self.allowed(matcher)[token])
            if matcher.accept(token) != allowed:
                raise AssertionError(f"mask and accept differ about token {token} in {text!r}")
            if not allowed:
                return False
        return matcher.is_complete()

    def allowed(self, matcher: Matcher) -> Any:
        """The mask as an array of booleans."""
        matcher.fill_bitmask(self.mask)
        return np.unpackbits(self.mask[0].view(np.uint8), bitorder="little")[: len(self.vocabulary)].view(bool)

    def walk(self, grammar: Grammar, rng: random.Random, limit: int = 40) -> Walk:
        """Random tokens; those that tend to close values half of the time, and always after ``limit`` tokens."""
        matcher, text, stops = grammar.matcher(), b"", []
        for step in range(4 * limit):
            mask = self.allowed(matcher)
            closing = step >= limit or rng.random() < 0.5
            if matcher.is_complete() and (closing or not mask[self.text_tokens].any()):
                return Walk(text, "done", tuple(stops))
            mask &= self.text_tokens
            choice = np.flatnonzero(mask & self.closers) if closing else ()
            choice = choice if len(choice) else np.flatnonzero(mask)
            if not len(choice):
                return Walk(text, "dead", (*stops, text))
            if rng.random() < 0.15:
                stops.append(text)
            token = int(choice[rng.randrange(len(choice))])
            if not matcher.accept(token):
                raise AssertionError(f"token {token} is in the mask after {text!r}, but refused")
            text += self.vocabulary.token_bytes(token)
        return Walk(text, "long", tuple(stops))

    def mask_by_steps(self, matcher: Matcher) -> Any:
        """The mask, by trying every token."""
        found = np.zeros(len(self.vocabulary), dtype=bool)
        for token in range(len(self.vocabulary)):
            if matcher.accept(token):
                found[token] = True
                matcher.rollback()
        return found

    def completion(self, matcher: Matcher, words: Iterable[str] = ()) -> bytes | None:
        """A way to finish, the cheapest first; None if there is none.

        Parameters
        ----------
        matcher : Matcher
        words : iterable of str
            Texts worth trying as a whole beside the single bytes: keys and values that the schema names.

        Raises
        ------
        TimeoutError
            If the search gave up.
        """
        steps = {word.encode(): WORD_COST for word in words} | {bytes([byte]): _cost(byte) for byte in self.single}
        found = self._search(matcher, steps, _state)
        return self._search(matcher, steps, _place) if found is None and matcher._K is not None else found

    def _search(self, matcher: Matcher, steps: dict[bytes, int], place: Callable[[Matcher], Any]) -> bytes | None:
        """The cheapest way to finish; texts that are in one place are taken for one."""
        heap = [(0, 0, matcher.fork(), b"")]
        seen = {place(matcher)}
        expanded, end = 0, time.process_time() + SEARCH_SECONDS
        while heap:
            cost, _, here, text = heapq.heappop(heap)
            if here.is_complete():
                return text
            expanded += 1
            if expanded > MAX_EXPANDED or time.process_time() > end:
                raise TimeoutError
            mask = self.allowed(here)
            for step, price in steps.items():
                if mask[self.single[step[0]]] and here.accept_bytes(step):
                    where = place(here)
                    if where not in seen:
                        seen.add(where)
                        heapq.heappush(heap, (cost + price, len(seen), here.fork(), text + step))
                    here.rollback()
        return None


def _state(matcher: Matcher) -> int:
    return matcher.state


def _place(matcher: Matcher) -> tuple[int, bytes]:
    """What a text may go on with: its state, and the keys that it must not repeat."""
    K = matcher._K
    return matcher.state, b"" if K is None else K[[keys.MODE, *range(keys.HEADER, K[keys.USED])]].tobytes()


def _cost(byte: int) -> int:
    """What a byte costs a search for an end: little if it closes something, much if it opens something."""
    return 0 if byte in b"}]" else 1 if byte in b'",:' else 4 if byte in b"{[" else 9 if byte in b" \t\n\r\\" else 3


def _vocabulary(tokenizer: str | None) -> Vocabulary:
    if tokenizer is not None:
        from transformers import PreTrainedTokenizerFast

        return Vocabulary.from_transformers(PreTrainedTokenizerFast.from_pretrained(tokenizer))
    listed = tokens()
    return Vocabulary.from_tokens(listed, eos=[len(listed) - 3], special={"<pad>": len(listed) - 1})
