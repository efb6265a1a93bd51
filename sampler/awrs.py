"""Adaptive weighted rejection sampling: no mask, any constraint, and an unbiased weight.

Lipkin et al. 2025, "Fast Controlled Generation from Language Models with Adaptive Weighted Rejection Sampling"
(arXiv:2504.05410). Tokens are drawn without replacement until one is allowed. Its weight estimates the mass of all
allowed tokens without bias; here from sums over what is left, so that a mass of 1e-11 is as good as any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from detent.sampler.base import NOTHING, Constraint, Info
from detent.sampler.bitmask import apply_bitmask
from detent.sampler.costs import Costs
from detent.sampler.law import Law
from detent.sampler.order import Drawn, draws, draws_behind

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class AWRS(Law):
    """Draw tokens of the model until the constraint allows one, and weigh it.

    Parameters
    ----------
    temperature, top_k, top_p, min_p : optional
        As for :class:`~detent.sampler.law.Law`. They shape the model's law *before* the constraint is asked: the
        weights refer to that law, and a row whose law has no allowed token is dead.
    accepts : int, optional
        By default the recursive weight, which costs one try more than an unweighted draw. With a number ``r >= 2``,
        tokens are tried until ``r`` draws with replacement were allowed: dearer, but of smaller variance from 3 on.

    Raises
    ------
    ValueError
        If an option is out of its range.

    Notes
    -----
    The token is drawn from the same law as by masking; ``log_weight`` differs from masking's only by noise. Where the
    candidates of a row are exact (a grammar without a predicate) they cost no try, and the weight is exact.
    Expected tries until the first allowed token: ``1 + sum(p_x / (p_x + Z))`` over forbidden ``x``, where ``Z`` is the
    allowed mass; until ``r`` accepts ``sum(1 - (Z / (Z + p_x))**r)`` over forbidden and ``sum(1 - (1 - p_x / Z)**r)``
    over allowed tokens.
    """

    accepts: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_accepts(self.accepts)

    def init(self) -> None:
        """Make the state of one row: there is none."""

    def target(self, logits: torch.Tensor) -> torch.Tensor:
        """Weights are those of the model's law under the options."""
        return self.scaled(logits)

    def step(
        self,
        states: Sequence[None],
        logits: torch.Tensor,
        constraint: Constraint,
        generators: Sequence[np.random.Generator],
    ) -> tuple[list[None], Info]:
        """Draw one token per row; see :class:`detent.sampler.base.Sampler`."""
        scores, log_norms = self._candidates(logits, constraint)
        orders = draws(scores, log_norms, generators)
        trials = [self._trial(order, constraint, row, generators[row]) for row, order in enumerate(orders)]
        return list(states), _info(trials)

    def step_behind(
        self,
        first: Sequence[int],
        logits: torch.Tensor,
        constraint: Constraint,
        generators: Sequence[np.random.Generator],
    ) -> Info:
        """Draw one token per row like :meth:`step`, where the first draw from the law of its candidates is known."""
        scores, log_norms = self._candidates(logits, constraint)
        rows = zip(first, scores, log_norms, generators, strict=True)
        orders = [draws_behind(*row) for row in rows]
        return _info([self._trial(order, constraint, row, generators[row]) for row, order in enumerate(orders)])

    def _candidates(self, logits: torch.Tensor, constraint: Constraint) -> tuple[torch.Tensor, list[float]]:
        """Return the logits of the law, without what is no candidate, and the log of the mass of each row."""
        scores = self.scaled(logits)
        log_norms: list[float] = scores.logsumexp(-1).tolist()
        scores = scores.clone() if scores.data_ptr() == logits.data_ptr() else scores
        apply_bitmask(scores, constraint.candidates)
        return scores, log_norms

    def _trial(self, order: Iterator[Drawn], constraint: Constraint, row: int, generator: np.random.Generator) -> Trial:
        if constraint.is_exact(row):
            return _take(order)
        return _try(order, _row_of(constraint.allows, row), self.accepts, generator)


class Trial(NamedTuple):
    """What came of one row."""

    token: int
    log_p: float
    log_weight: float
    n_tries: int


DEAD = Trial(NOTHING, -np.inf, -np.inf, 0)


def awrs_step(
    logits: torch.Tensor,
    check: Callable[[int, int], bool],
    generators: Sequence[np.random.Generator],
    *,
    accepts: int | None = None,
    mask: Callable[[int], NDArray[np.bool_]] | None = None,
    misses: int | Costs | None = None,
) -> Info:
    """Draw one weighted token per row, in any loop.

    Parameters
    ----------
    logits : torch.Tensor, float ``[rows, width]``
        Scores of the model, its temperature and truncations applied. Left as they are.
    check : callable
        ``check(row, token)`` tells whether the row may write the token.
    generators : sequence of numpy.random.Generator, length rows
        The randomness of each row.
    accepts : int, optional
        As for :class:`AWRS`.
    mask : callable, optional
        ``mask(row)`` makes the whole mask, bool ``[width]``. It is used after ``misses`` forbidden tokens, and the
        weight is then exact.
    misses : int or Costs, optional
        After how many. By default as many as take the time of a mask, measured over the rows of this call; with one
        :class:`Costs` for all calls, measured once. The law does not depend on it, but what is drawn does: give a
        number where draws must be reproducible.

    Returns
    -------
    Info
        ``tokens``, ``logprob``, ``log_weight``, ``n_tries``.

    Raises
    ------
    ValueError
        If ``accepts`` is below 2, or comes with a mask: only the recursive weight can go on with one.

    Examples
    --------
    >>> logits = torch.tensor([[0.0, 5.0, 1.0]])
    >>> awrs_step(logits, lambda row, token: token != 1, [np.random.default_rng(0)]).tokens
    [2]
    """
    _check_accepts(accepts)
    if accepts is not None and mask is not None:
        raise ValueError("a mask goes with the recursive weight: leave accepts out")
    costs = misses if isinstance(misses, Costs) else Costs()
    scores = logits.float()
    trials = []
    for row, order in enumerate(draws(scores, scores.logsumexp(-1).tolist(), generators)):
        allows = _row_of(check, row)
        if mask is None:
            trials.append(_try(order, allows, accepts, generators[row]))
        else:
            most = misses if isinstance(misses, int) else costs.misses
            give_up = partial(costs.mask, _masked(scores, mask, row, generators[row]))
            trials.append(_recursive(costs.watch(order), allows, most, give_up))
    return _info(trials)


def _check_accepts(accepts: int | None) -> None:
    if accepts is not None and accepts < 2:
        raise ValueError(f"accepts must be at least 2, not {accepts}")


def _row_of(check: Callable[[int, int], bool], row: int) -> Callable[[int], bool]:
    return lambda token: check(row, token)


def _info(trials: Sequence[Trial]) -> Info:
    return Info(
        [trial.token for trial in trials],
        [0.0 if trial.token == NOTHING else trial.log_p - trial.log_weight for trial in trials],
        [trial.log_weight for trial in trials],
        [trial.n_tries for trial in trials],
    )


def _take(order: Iterator[Drawn]) -> Trial:
    """Draw from candidates that are all allowed: their mass is known."""
    for token, log_p, log_rest in order:
        return Trial(token, log_p, log_rest, 0)
    return DEAD


def _try(
    order: Iterator[Drawn], allows: Callable[[int], bool], accepts: int | None, generator: np.random.Generator
) -> Trial:
    return _recursive(order, allows) if accepts is None else _geometric(order, allows, accepts, generator)


def _recursive(
    order: Iterator[Drawn], allows: Callable[[int], bool], misses: int = 0, give_up: Callable[[], Trial] | None = None
) -> Trial:
    """Weigh by the mass that was left, tossing for what is behind the accepted token.

    Given what was rejected, the accepted token has mass ``q`` of the ``rest``. The next draw is allowed with a
    probability of ``(Z / rest - q) / (1 - q)``, so the weight ``rest`` if it is and ``q * rest`` if not has mean ``Z``.
    So any unbiased weight may take over behind a rejection: ``give_up`` does after ``misses`` of them.
    """
    n_tries = 0
    for token, log_p, log_rest in order:
        n_tries += 1
        if allows(token):
            following = next(order, None)
            if following is None:
                return Trial(token, log_p, log_rest, n_tries)
            return Trial(token, log_p, log_rest if allows(following.token) else log_p, n_tries + 1)
        if give_up is not None and n_tries >= misses:
            return give_up()._replace(n_tries=n_tries)
    return DEAD._replace(n_tries=n_tries)


def _masked(
    scores: torch.Tensor, mask: Callable[[int], NDArray[np.bool_]], row: int, generator: np.random.Generator
) -> Callable[[], Trial]:
    """Draw from a row's whole mask, when it is called."""

    def draw_masked() -> Trial:
        log_norm = float(scores[row].logsumexp(-1))
        masked = scores[row].masked_fill(~torch.as_tensor(mask(row), device=scores.device), -torch.inf)
        return _take(draws(masked[None], [log_norm], [generator])[0])

    return draw_masked


def _geometric(
    order: Iterator[Drawn], allows: Callable[[int], bool], accepts: int, generator: np.random.Generator
) -> Trial:
    """Weigh by how many draws with replacement ``accepts`` allowed ones took.

    Draws of a token that was tried before are made up without trying it again. ``(r - 1) / (r + rejects - 1)`` is the
    unbiased estimate of least variance from the number of rejects (Haldane 1945), and the first allowed token does not
    depend on that number.
    """
    following = next(order, None)
    log_all = -np.inf if following is None else following.log_rest
    first: Drawn | None = None
    n_tries, hits, rejects, found = 0, 0, 0.0, 0.0  # found: mass of the allowed tokens that were tried
    while hits < accepts:
        left = 0.0 if following is None else float(np.exp(following.log_rest - log_all))
        alive = min(1.0, found + left)
        if alive == 0.0:
            return DEAD._replace(n_tries=n_tries)
        if alive < 1:
            rejects += np.floor(np.log1p(-generator.random()) / np.log1p(-alive))
        if following is None or generator.random() * alive < found:
            hits += 1
            continue
        n_tries += 1
        if allows(following.token):
            hits += 1
            first = first or following
            found += float(np.exp(following.log_p - log_all))
        else:
            rejects += 1
        following = next(order, None)
    assert first is not None
    log_weight = log_all + float(np.log(accepts - 1) - np.log(accepts + rejects - 1))
    return Trial(first.token, first.log_p, log_weight, n_tries)
