"""Any-order models under a grammar: masks are filled with the model's own tokens, as far as the text can still be
completed.

A position is filled by drawing from the model's marginal without replacement until the canvas can be completed with the
token: that is the marginal's law given that it can, without a mask over the vocabulary. Several positions of one step
are drawn independently and tested as one filling. Where they do not go together, the most confident beginning that does
is found by bisection and the next position is drawn again. That is the same law as filling them one after another, in
fewer tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from detent.automata.canvas import MASK, Canvas
from detent.grammar.errors import Unsatisfiable
from detent.sampler.schedules import OneByOne, Schedule, View

F64 = NDArray[np.float64]


class Denoiser(Protocol):
    """A model that sees a whole canvas and says what may stand where.

    Attributes
    ----------
    mask_id : int
        The token that stands for "nothing yet".
    """

    mask_id: int

    def __call__(self, ids: torch.Tensor) -> torch.Tensor:
        """Scores of every token at every position: int64 ``[rows, length]`` to float ``[rows, length, vocabulary]``."""


class MaskedLM:
    """A masked language model of transformers as a :class:`Denoiser`, behind a prompt.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        Called with ``input_ids``; must return ``logits``.
    mask_id : int
    prompt : sequence of int
        Tokens in front of every canvas.
    suffix : sequence of int
        Tokens behind every canvas.
    """

    def __init__(
        self, model: torch.nn.Module, mask_id: int, prompt: Sequence[int] = (), suffix: Sequence[int] = ()
    ) -> None:
        self.model, self.mask_id = model, mask_id
        self._around = tuple(prompt), tuple(suffix)

    def __call__(self, ids: torch.Tensor) -> torch.Tensor:
        before, after = (ids.new_tensor(part).expand(len(ids), -1) for part in self._around)
        with torch.inference_mode():
            logits: torch.Tensor = self.model(input_ids=torch.cat([before, ids, after], dim=1)).logits
        return logits[:, before.shape[1] : before.shape[1] + ids.shape[1]]


@dataclass
class Denoised:
    """What became of one canvas.

    Attributes
    ----------
    text : str
    ids : list of int
    n_steps : int
        Calls of the model.
    n_tokens : int
        Masks that were filled by drawing.
    n_tests : int
        How often it was asked whether the canvas can be completed.
    log_weight : float
        Log of an unbiased estimate of the product, over all positions, of the mass of the tokens that could stand
        there; nan where it was not asked for.
    """

    text: str = ""
    ids: list[int] = field(default_factory=list)
    n_steps: int = 0
    n_tokens: int = 0
    n_tests: int = 0
    log_weight: float = float("nan")


class Step(NamedTuple):
    """What one call of the model led to: the canvas by row, and what was filled in which."""

    canvases: Sequence[Canvas]
    filled: list[dict[int, int]]


@dataclass(frozen=True)
class Denoising:
    """How canvases are filled.

    Parameters
    ----------
    schedule : Schedule
    temperature : float
        Scores are divided by it; 0 takes the most likely token that will do.
    weighted : bool
        Estimate the weight, which takes one test more for each token, and no joint tests.
    """

    schedule: Schedule = field(default_factory=OneByOne)
    temperature: float = 1.0
    weighted: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < float("inf"):
            raise ValueError(f"temperature must be finite and at least 0, not {self.temperature}")
        if self.weighted and self.temperature == 0:
            raise ValueError("a weight is the weight of a draw: temperature 0 draws nothing")

    def run(
        self, denoiser: Denoiser, canvases: Sequence[Canvas], generators: Sequence[np.random.Generator]
    ) -> list[Denoised]:
        """Fill canvases, all of one length.

        Parameters
        ----------
        denoiser : Denoiser
        canvases : sequence of Canvas
            They are filled in place.
        generators : sequence of numpy.random.Generator
            The randomness of each canvas, so that it does not depend on the others.
        """
        out = [Denoised(log_weight=0.0 if self.weighted else float("nan")) for _ in canvases]
        before = [canvas.n_checks for canvas in canvases]
        for _ in self.steps(denoiser, canvases, generators, out):
            pass
        for canvas, done, checks in zip(canvases, out, before, strict=True):
            done.text, done.ids, done.n_tests = canvas.text(), list(canvas.ids), canvas.n_checks - checks
        return out

    def steps(
        self,
        denoiser: Denoiser,
        canvases: Sequence[Canvas],
        generators: Sequence[np.random.Generator],
        out: Sequence[Denoised] | None = None,
    ) -> Iterator[Step]:
        """The same, step by step; one call of the model for all canvases that have masks."""
        done = out or [Denoised() for _ in canvases]
        while rows := [row for row, canvas in enumerate(canvases) if canvas.masks]:
            ids = torch.tensor([canvases[row].ids for row in rows]).clamp_(min=MASK)
            logits = denoiser(ids.masked_fill(ids == MASK, denoiser.mask_id))
            filled: list[dict[int, int]] = [{} for _ in canvases]
            for k, row in enumerate(rows):
                done[row].n_steps += 1
                filled[row] = self.fill(canvases[row], logits[k], generators[row], done[row])
            yield Step(canvases, filled)

    def fill(
        self, canvas: Canvas, logits: torch.Tensor, generator: np.random.Generator, done: Denoised
    ) -> dict[int, int]:
        """Fill the masks that the schedule chooses."""
        masks = np.array(canvas.masks)
        scores = logits[torch.from_numpy(masks)].double().cpu().numpy()
        view = _view(masks, scores, canvas.ids)
        positions = self.schedule.choose(view, generator)
        chosen = scores[np.searchsorted(masks, positions)]
        known = canvas.possible(scores.shape[1], canvas.ends)
        races = [Race.of(row, known & (row > -np.inf), self.temperature, generator) for row in chosen]
        filled: dict[int, int] = {}
        while len(filled) < len(positions):
            if self.weighted:
                race = races[len(filled)]
                token, log_weight = race.weighted(canvas, positions[len(filled)])
                done.log_weight += log_weight
                new = {positions[len(filled)]: token}
            else:
                new = _joint(canvas, positions[len(filled) :], races[len(filled) :])
            filled |= new
            done.n_tokens += len(new)
            if not canvas.masks:  # an end of the text fills what is behind it
                break
            gone = {p for p in positions if p not in filled and canvas.ids[p] != MASK}
            if gone:
                races = [race for p, race in zip(positions, races, strict=True) if p not in gone]
                positions = [p for p in positions if p not in gone]
        return filled


class Race:
    """Tokens of one position in the order of draws without replacement: each at its log-probability less the log of an
    exponential time."""

    def __init__(self, law: F64, keys: F64, possible: NDArray[np.bool_]) -> None:
        self._law, self._keys = law, np.where(possible, keys, -np.inf)
        self._order: list[int] = []
        self._at = 0

    @classmethod
    def of(cls, scores: F64, possible: NDArray[np.bool_], temperature: float, generator: np.random.Generator) -> Race:
        """The race of a row of scores; at temperature 0, in their order."""
        if temperature == 0:
            return cls(scores, scores, possible)
        law = scores / temperature
        return cls(law, law - np.log(generator.exponential(size=len(law))), possible)

    def __iter__(self) -> Iterator[int]:
        """The tokens that are left, the next one first."""
        while True:
            if not self._order:
                top = np.argpartition(-self._keys, min(31, len(self._keys) - 1))[:32]
                self._order = top[np.argsort(-self._keys[top], kind="stable")].tolist()
            if self._at == len(self._order):
                if len(self._order) == len(self._keys):
                    return
                self._order = np.argsort(-self._keys, kind="stable").tolist()
            token = self._order[self._at]
            if self._keys[token] == -np.inf:
                return
            yield token
            self._at += 1

    def first(self) -> int:
        """The next token, which stays the next."""
        return next(iter(self))

    def skip(self) -> None:
        """Leave the next token out from now on."""
        self._at += 1

    def weighted(self, canvas: Canvas, position: int) -> tuple[int, float]:
        """Place the first token that will do; the log of an unbiased estimate of the mass of all that would.

        Notes
        -----
        With the tokens in the order of their draws, let r be the mass from the accepted one on: the estimate is r if
        the next token would do as well (or there is none), else the mass of the accepted one alone (Lipkin et al. 2025,
        arXiv 2504.05410, by recursion).
        """
        log_total = np.logaddexp.reduce(self._law)
        order = list(self._ranked())
        for i, token in enumerate(order):
            if canvas.allows(position, token):
                rest = np.logaddexp.reduce(self._law[order[i:]])
                if i + 1 < len(order) and not canvas.allows(position, order[i + 1]):
                    rest = self._law[token]
                canvas.place({position: token})
                return token, float(rest - log_total)
        raise stuck(position)

    def _ranked(self) -> list[int]:
        order = np.argsort(-self._keys, kind="stable")
        ranked: list[int] = order[self._keys[order] > -np.inf].tolist()
        return ranked


def _joint(canvas: Canvas, positions: Sequence[int], races: Sequence[Race]) -> dict[int, int]:
    """Place the longest beginning of some draws that goes together, or else the first token of the first position that
    will do."""
    drawn = [race.first() for race in races]
    low, high = 0, len(positions)  # so many go together; so many might
    size = high
    while low < high:
        if canvas.place(dict(zip(positions[:size], drawn[:size], strict=True))):
            low = size
        else:
            high = size - 1
        size = (low + high + 1) // 2
    if low:
        if low < len(positions):
            races[low].skip()
        return dict(zip(positions[:low], drawn[:low], strict=True))
    races[0].skip()
    for token in races[0]:
        if canvas.place({positions[0]: token}):
            return {positions[0]: token}
    raise stuck(positions[0])


def stuck(position: int) -> Unsatisfiable:
    """The error of a model that gives no probability to anything that can be."""
    return Unsatisfiable(f"the model gives no probability to any token that can stand at position {position}")


def _view(masks: NDArray[np.int64], scores: F64, ids: Sequence[int]) -> View:
    two = -np.partition(-scores, 1, axis=1)[:, :2]
    total = np.logaddexp.reduce(scores, axis=1)
    first, second = np.exp(two[:, 0] - total), np.exp(two[:, 1] - total)
    return View(masks, first, first - second, scores.argmax(axis=1), ids)
