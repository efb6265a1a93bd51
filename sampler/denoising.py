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
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from detent.automata.canvas import MASK, Canvas
from detent.grammar.errors import Unsatisfiable
from detent.sampler.awrs import awrs_step
from detent.sampler.base import NOTHING
from detent.sampler.order import draws
from detent.sampler.schedules import OneByOne, Schedule, View


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

    def finish(self, canvas: Canvas, n_checks: int) -> None:
        """Take the text of a canvas that had been asked so often before."""
        self.text, self.ids, self.n_tests = canvas.text(), canvas.ids, canvas.n_checks - n_checks


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
        out = [self.empty() for _ in canvases]
        before = [canvas.n_checks for canvas in canvases]
        for _ in self.steps(denoiser, canvases, generators, out):
            pass
        for canvas, done, checks in zip(canvases, out, before, strict=True):
            done.finish(canvas, checks)
        return out

    def empty(self) -> Denoised:
        """What has become of a canvas before the first step."""
        return Denoised(log_weight=0.0 if self.weighted else float("nan"))

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
            logits = scores_of(denoiser, [canvases[row] for row in rows])
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
        scores = logits[torch.from_numpy(masks)].float().cpu()
        positions = self.schedule.choose(view_of(masks, scores, canvas.ids), generator)
        chosen = scores[np.searchsorted(masks, positions)]
        possible = torch.from_numpy(canvas.possible(chosen.shape[1], canvas.ends))
        if self.weighted:
            filled = _place_weighted(canvas, positions, chosen / self.temperature, possible, generator, done)
        else:
            orders = in_order(chosen.masked_fill(~possible, -torch.inf), self.temperature, generator)
            filled = _place_jointly(canvas, positions, orders)
        done.n_tokens += len(filled)
        return filled


def scores_of(denoiser: Denoiser, canvases: Sequence[Canvas]) -> torch.Tensor:
    """Scores of every token at every position of some canvases."""
    ids = torch.tensor([canvas.ids for canvas in canvases]).clamp_(min=MASK)
    return denoiser(ids.masked_fill(ids == MASK, denoiser.mask_id))


def _place_jointly(canvas: Canvas, positions: Sequence[int], orders: Sequence[Iterator[int]]) -> dict[int, int]:
    """Place the longest beginning of the draws that goes together, another token at the position behind it, and so
    on."""
    filled: dict[int, int] = {}
    due = [(p, next(order, NOTHING), order) for p, order in zip(positions, orders, strict=True)]
    for position, token, _ in due:
        if token == NOTHING:
            raise stuck(position)
    while due:
        n = _place_longest(canvas, [(position, token) for position, token, _ in due])
        filled |= {position: token for position, token, _ in due[:n]}
        masked = set(canvas.masks)  # an end of the text fills what is behind it
        if n < len(due) and due[n][0] in masked:
            position, _, order = due[n]
            filled[position] = _place_one(canvas, position, order)
            masked = set(canvas.masks)
        due = [each for each in due[n:] if each[0] in masked]
    return filled


def _place_one(canvas: Canvas, position: int, order: Iterator[int]) -> int:
    """Place the next token that will do."""
    for token in order:
        if canvas.place({position: token}):
            return token
    raise stuck(position)


def _place_longest(canvas: Canvas, drawn: Sequence[tuple[int, int]]) -> int:
    """Place the longest beginning of some draws that goes together, found by bisection; its length."""
    low, high = 0, len(drawn)  # so many go together; so many might
    size = high
    while low < high:
        if canvas.place(dict(drawn[:size])):
            low = size
        else:
            high = size - 1
        size = (low + high + 1) // 2
    return low


def _place_weighted(
    canvas: Canvas,
    positions: Sequence[int],
    scores: torch.Tensor,
    possible: torch.Tensor,
    generator: np.random.Generator,
    done: Denoised,
) -> dict[int, int]:
    """Place tokens one by one, each with an unbiased estimate of the mass of all that could stand there."""
    filled: dict[int, int] = {}
    for position, row in zip(positions, scores, strict=True):
        if canvas.ids[position] != MASK:
            continue
        info = awrs_step(row[None], partial(_can_stand, canvas, possible, position), [generator])
        (token,) = info.tokens
        if token == NOTHING:
            raise stuck(position)
        canvas.place({position: token})
        filled[position] = token
        done.log_weight += info.log_weight[0]
    return filled


def _can_stand(canvas: Canvas, possible: torch.Tensor, position: int, row: int, token: int) -> bool:
    return bool(possible[token]) and canvas.allows(position, token)


def in_order(scores: torch.Tensor, temperature: float, generator: np.random.Generator) -> list[Iterator[int]]:
    """The tokens of each row in the order of draws without replacement; at temperature 0, the likeliest first."""
    if temperature == 0:
        orders = scores.argsort(dim=1, descending=True, stable=True)
        n_finite = (scores > -torch.inf).sum(1).tolist()
        return [iter(order[:n]) for order, n in zip(orders.tolist(), n_finite, strict=True)]
    scores = scores / temperature
    norms: list[float] = scores.logsumexp(1).tolist()
    return [(each.token for each in row) for row in draws(scores, norms, [generator] * len(norms))]


def stuck(position: int) -> Unsatisfiable:
    """The error of a model that gives no probability to anything that can be."""
    return Unsatisfiable(f"the model gives no probability to any token that can stand at position {position}")


def view_of(masks: NDArray[np.int64], scores: torch.Tensor, ids: Sequence[int]) -> View:
    """What a schedule sees: the scores of each mask, float ``[masks, vocabulary]``."""
    top = scores.topk(2, dim=1)
    first, second = (top.values - scores.logsumexp(1, keepdim=True)).exp().double().numpy().T
    return View(masks, first, first - second, top.indices[:, 0].numpy(), ids)
