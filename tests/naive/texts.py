"""Models small enough to enumerate every text: the exact laws that samplers are compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch

import detent
from detent.sampler.base import Query
from detent.sampler.guide import Guide, Predicate, pack

PROMPT = [0]


@dataclass(frozen=True)
class Toy:
    """A table as a model, a constraint, and a limit.

    Attributes
    ----------
    letters : str
        The tokens; the end of text comes behind them.
    scores : callable
        From what was written to the logits of letters and end.
    is_good : callable
        Whether a whole text is valid.
    may_begin : callable
        Whether a beginning may be written; ``is_good`` texts and their beginnings are among these.
    limit : int
        Most tokens, the end included.
    """

    letters: str
    scores: Callable[[str], Sequence[float]]
    is_good: Callable[[str], bool]
    may_begin: Callable[[str], bool]
    limit: int

    @property
    def vocabulary(self) -> detent.Vocabulary:
        return _vocabulary(self.letters)

    def model(self, prefixes: Sequence[Sequence[int]]) -> torch.Tensor:
        return torch.stack([self._logits("".join(self.letters[i] for i in ids[len(PROMPT) :])) for ids in prefixes])

    def _logits(self, text: str) -> torch.Tensor:
        return _logits(self, text)

    def query(self, seed: object, n: int | None = None, by_mask: bool = False) -> Query:
        """Ask for texts; the constraint is a predicate, or (``by_mask``) a grammar."""
        if by_mask:
            guide = Guide(self.vocabulary, ToyMatcher(self), None, self.limit)  # type: ignore[arg-type]
        else:
            guide = Guide(self.vocabulary, None, Predicate(self.may_begin, self.is_good), self.limit)
        return Query(list(PROMPT), guide, np.random.default_rng(seed), n)

    def text(self, ids: Sequence[int]) -> str:
        return "".join(self.letters[i] for i in ids if i < len(self.letters))

    def masses(self, masked: bool = False) -> dict[str, float]:
        """The probability of every valid text: under the model, or (``masked``) under masking, dead ends dropped."""
        end = len(self.letters)
        found: dict[str, float] = {}
        stack = [("", 1.0)]
        while stack:
            text, mass = stack.pop()
            law = _logits(self, text).double().softmax(-1).numpy()
            allowed = [len(text) + 1 < self.limit and self.may_begin(text + letter) for letter in self.letters]
            allowed.append(self.is_good(text) and self.may_begin(text))
            total = law[allowed].sum() if masked else 1.0
            for token, letter in enumerate([*self.letters, ""]):
                if not allowed[token]:
                    continue
                if token == end:
                    found[text] = mass * law[token] / total
                else:
                    stack.append((text + letter, mass * law[token] / total))
        return found

    def law(self, masked: bool = False) -> dict[str, float]:
        masses = self.masses(masked)
        total = sum(masses.values())
        return {text: mass / total for text, mass in masses.items()}


class ToyMatcher:
    """The constraint of a toy in the place of a grammar's matcher."""

    def __init__(self, toy: Toy, ids: Sequence[int] = ()) -> None:
        self.toy, self.ids = toy, list(ids)

    def _allows(self, token: int) -> bool:
        text = self.toy.text(self.ids)
        if token == len(self.toy.letters):
            return self.toy.is_good(text)
        return self.toy.may_begin(text + self.toy.letters[token])

    def accept(self, token: int) -> bool:
        allowed = self._allows(token)
        self.ids += [token] * allowed
        return allowed

    def rollback(self, n: int) -> None:
        del self.ids[len(self.ids) - n :]

    def fork(self) -> ToyMatcher:
        return ToyMatcher(self.toy, self.ids)

    def fill_bitmask(self, mask: np.ndarray, row: int) -> None:
        mask[row] = pack(np.array([self._allows(token) for token in range(len(self.toy.letters) + 1)]))


@cache
def _vocabulary(letters: str) -> detent.Vocabulary:
    return detent.Vocabulary.from_tokens([*(letter.encode() for letter in letters), None], eos=[len(letters)])


@cache
def _logits(toy: Toy, text: str) -> torch.Tensor:
    return torch.tensor(toy.scores(text), dtype=torch.float32)


def _always(text: str) -> bool:
    return True


def _skewed_scores(text: str) -> list[float]:
    """After ``a`` nearly nothing valid follows, after ``b`` everything; masking does not see it."""
    if not text:
        return [3.2, 0.0, -9.0]
    return [0.0, 4.0, 0.0] if text[0] == "a" else [0.5, 0.0 if text[-1] == "a" else 0.2, 1.0]


def _starts_alike(text: str) -> bool:
    return text[:1] != "a" or set(text) <= {"a"}


SKEWED = Toy("ab", _skewed_scores, _starts_alike, _starts_alike, 6)


def _hashed_scores(text: str) -> list[float]:
    return list(1.3 * np.random.default_rng([len(text), *text.encode()]).standard_normal(3))


def _balanced(text: str) -> bool:
    return text.count("(") == text.count(")") and _may_balance(text)


def _may_balance(text: str) -> bool:
    depth = 0
    for letter in text:
        depth += 1 if letter == "(" else -1
        if depth < 0:
            return False
    return depth <= 4


DYCK = Toy("()", _hashed_scores, _balanced, _may_balance, 8)


def _third(text: str) -> bool:
    return text.count("a") % 3 == 0


MODULO = Toy("ab", _hashed_scores, _third, _always, 6)  # a predicate that sees no dead end coming


def _rising(text: str) -> bool:
    return list(text) == sorted(text)


def _wide_scores(text: str) -> list[float]:
    rng = np.random.default_rng([9, len(text), *text.encode()])
    return [*(2 * rng.standard_normal(8)), 0.5 * len(text)]


WIDE = Toy("abcdefgh", _wide_scores, _rising, _rising, 5)

TOYS = {"skewed": SKEWED, "dyck": DYCK, "modulo": MODULO, "wide": WIDE}
