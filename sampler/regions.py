"""Infilling with left-to-right models: several regions between fixed tokens, each written with masks that know what
stands on its right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch

from detent.automata.canvas import MASK, Canvas
from detent.automata.infiller import Infiller
from detent.sampler.denoising import Denoised, in_order, stuck

Model = Callable[[torch.Tensor], torch.Tensor]


def fill_regions(
    model: Model,
    infiller: Infiller,
    parts: Sequence[Sequence[int] | int],
    generator: np.random.Generator,
    *,
    ends: Iterable[int] = (),
    prompt: Sequence[int] = (),
    temperature: float = 1.0,
) -> Denoised:
    """Write regions from left to right, in one pass: what was written is never taken back.

    A token is taken if the region can still be finished within its bound, all later regions within theirs, and the
    whole is a text of the grammar.

    Parameters
    ----------
    model : callable
        Token ids int64 ``[1, n]`` to scores ``[1, n, vocabulary]``. It sees the prompt and everything on the left.
    infiller : Infiller
        With a vocabulary.
    parts : sequence
        Fixed parts as token ids; a number n is a region of at most n tokens.
    generator : numpy.random.Generator
    ends : iterable of int
        Tokens with which the model ends a region. They are not written.
    prompt : sequence of int
        Tokens in front, which are no part of the text.
    temperature : float

    Returns
    -------
    Denoised
        ``ids`` holds ``BLANK`` where a region is shorter than it might be.

    Raises
    ------
    Unsatisfiable
        The fixed parts cannot be completed.
    ValueError
        The model would be asked about no tokens at all.
    """
    ids: list[int] = []
    regions: list[tuple[int, int]] = []
    for part in parts:
        start = len(ids)
        ids += [MASK] * part if isinstance(part, int) else list(part)
        if isinstance(part, int):
            regions.append((start, len(ids)))
    canvas = Canvas(infiller, len(ids), ids=ids, regions=regions)
    stops = frozenset(ends)
    out = Denoised()
    for start, stop in regions:
        for position in range(start, stop):
            if canvas.ids[position] != MASK:
                break
            written = [*prompt, *(token for token in canvas.ids[:position] if token >= 0)]
            if not written:
                raise ValueError("the text begins with a region: pass prompt=, at least a token that begins texts")
            out.n_steps += 1
            scores = model(torch.tensor([written]))[:, -1].float().cpu()
            out.n_tokens += _write(canvas, position, scores, stops, generator, temperature)
    out.text, out.ids, out.n_tests = canvas.text(), list(canvas.ids), canvas.n_checks
    return out


def _write(
    canvas: Canvas,
    position: int,
    scores: torch.Tensor,
    ends: frozenset[int],
    generator: np.random.Generator,
    temperature: float,
) -> bool:
    """Place a token, or end the region; whether a token was placed."""
    possible = torch.from_numpy(canvas.possible(scores.shape[1], ends))
    (order,) = in_order(scores.masked_fill(~possible, -torch.inf), temperature, generator)
    for token in order:
        if token in ends:
            if canvas.close(position):
                return False
        elif canvas.place({position: token}):
            return True
    raise stuck(position)
