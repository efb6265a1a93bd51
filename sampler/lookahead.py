"""Any-order models several steps ahead: the text of plain denoising, in fewer calls of the model.

The marginals of one call say what the next steps would choose if they stayed as they are. So some steps are made on
copies of the canvas, the model is asked about all of these canvases at once, and the true steps follow the copies as
long as they come out the same (the idea of FreeDave and of self-speculative decoding of diffusion models). A draft is
drawn under the grammar as the true step is, and with the same random numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np
import torch

from detent.automata.canvas import Canvas
from detent.sampler.denoising import Denoised, Denoiser, Denoising, scores_of


@dataclass(frozen=True)
class LookAhead:
    """Fill canvases as :class:`Denoising` does, with its texts, its law and never more calls of the model.

    Parameters
    ----------
    denoising : Denoising
    depth : int
        Steps that are drafted; a call of the model sees 1 + `depth` canvases of each row.

    Notes
    -----
    The texts are the same as far as the scores of a canvas do not depend on the others in its batch.
    """

    denoising: Denoising = field(default_factory=Denoising)
    depth: int = 3

    def __post_init__(self) -> None:
        if self.depth < 1:
            raise ValueError(f"depth must be at least 1, not {self.depth}")

    def run(
        self, denoiser: Denoiser, canvases: Sequence[Canvas], generators: Sequence[np.random.Generator]
    ) -> list[Denoised]:
        """Fill canvases, all of one length; see :meth:`Denoising.run`. ``n_steps`` counts calls of the model."""
        out = [self.denoising.empty() for _ in canvases]
        before = [canvas.n_checks for canvas in canvases]
        drafts = {row: [canvas] for row, canvas in enumerate(canvases) if canvas.masks}
        while drafts:
            sizes = [len(each) for each in drafts.values()]
            scores = torch.split(scores_of(denoiser, [canvas for each in drafts.values() for canvas in each]), sizes)
            for (row, drafted), known in zip(list(drafts.items()), scores, strict=True):
                canvas, generator, done = canvases[row], generators[row], out[row]
                done.n_steps += 1
                n = self._follow(canvas, drafted, known, generator, done)
                drafts[row] = self._draft(canvas, known[n - 1], generator)
                if not canvas.masks:
                    del drafts[row]
        for canvas, done, checks in zip(canvases, out, before, strict=True):
            done.finish(canvas, checks)
        return out

    def _follow(
        self,
        canvas: Canvas,
        drafted: Sequence[Canvas],
        scores: torch.Tensor,
        generator: np.random.Generator,
        done: Denoised,
    ) -> int:
        """Make the true steps as long as the model was asked about the canvas they lead to; their number."""
        n = 0
        while n < len(drafted) and canvas.masks and (n == 0 or canvas.ids == drafted[n].ids):
            self.denoising.fill(canvas, scores[n], generator, done)
            n += 1
        return n

    def _draft(self, canvas: Canvas, scores: torch.Tensor, generator: np.random.Generator) -> list[Canvas]:
        """The canvas, and what it would become if the scores did not change."""
        drafted, unused, generator = [canvas], Denoised(log_weight=0.0), deepcopy(generator)
        for _ in range(self.depth):
            ahead = drafted[-1].fork()
            if ahead.masks:
                self.denoising.fill(ahead, scores, generator, unused)
            if not ahead.masks:
                break
            drafted.append(ahead)
        return drafted
