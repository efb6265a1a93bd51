"""Adaptive sampling with approximate expected futures: masking that learns where its texts lead.

Park et al. 2024, "Grammar-Aligned Decoding" (arXiv:2405.21047).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from detent.sampler.attempts import Attempt, Attempts, Learning, draws_at

if TYPE_CHECKING:
    from detent.sampler.order import Drawn


@dataclass(frozen=True)
class ASAp(Attempts):
    """Draw texts by masking, corrected by what earlier texts showed of the mass that is valid behind each token.

    The first text is a sample of plain masking; as the trie learns, the law goes to the model's own among valid texts.
    No attempt fails, but where a predicate leads to a dead end.

    Parameters
    ----------
    temperature, top_k, top_p, min_p, batch, patience, trie : optional
        As for :class:`~detent.CARS`; attempts of a batch do not learn from each other.
    warmup : int
        How many attempts are only learnt from, at most.
    tolerance : float
        Warm-up ends early when the law is known to be this close to the right one, in total variation.

    Raises
    ------
    ValueError
        If an option is out of its range.

    Notes
    -----
    A valid text that was seen is drawn with its probability over ``U``, the mass that can be valid, and should be with
    its probability over ``Z <= U``. So with ``F``, the mass of the valid texts that were seen, the total variation
    between both laws is at most ``1 - F / U``: the bound that ``tolerance`` is compared with.

    ``log_z`` of the results is ``log U``, which falls to the log of the probability of a valid text.
    """

    warmup: int = 0
    tolerance: float = 0.0
    _masks_at_once: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.warmup < 0 or not 0 <= self.tolerance < 1:
            raise ValueError(
                f"warmup must be at least 0 and tolerance in [0, 1), not {self.warmup} and {self.tolerance}"
            )

    def _draw(self, state: Learning, attempt: Attempt) -> Drawn | None:
        for drawn in draws_at(attempt.node, attempt.generator):
            if attempt.guide.accept(drawn.token):
                return drawn
            self._refuse(state, attempt.node, drawn.token)
        return None

    def _is_ready(self, state: Learning) -> bool:
        return len(state.log_masses) >= self.warmup or state.gap <= self.tolerance
