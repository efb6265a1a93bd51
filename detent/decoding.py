"""The decoding loop: a batch of rows, each with its own constraint, generator and end."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from detent.automata.matcher import allocate_bitmask
from detent.grammar.errors import LimitExceeded
from detent.sampler.base import NOTHING, Step
from detent.sampler.guide import Guides, only_token, pack, tokens_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from detent.sampler.base import Sampler
    from detent.sampler.guide import Guide
    from detent.sessions import Session


@dataclass
class Row:
    """One text being written.

    Attributes
    ----------
    prompt : list of int
        Ids of the prompt, not empty.
    guide : Guide
        What may be written.
    generator : numpy.random.Generator
        The randomness of this row alone.
    limit : int
        Most tokens to write, at least 1.
    tokens : list of int
        The tokens decided so far, drawn or forced.
    trace : list of Step
        The tokens whose probability is known: the forced ones wait until the model has run.
    n_read : int
        How many of the tokens the model has read: its last logits are those of token ``n_read``.
    stopped : bool
        Whether the text came to its end.
    dead : bool
        Whether no token is allowed behind what was written, because a predicate refuses them all.
    error : LimitExceeded or None
        The limit that this text met.
    n_masks, n_tries, n_forwards, n_drafted, n_accepted, mask_seconds, model_seconds
        See :class:`detent.results.Stats`.
    """

    prompt: list[int]
    guide: Guide
    generator: np.random.Generator
    limit: int
    sampler_state: Any = None
    mask: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    tokens: list[int] = field(default_factory=list)
    trace: list[Step] = field(default_factory=list)
    n_read: int = 0
    stopped: bool = False
    dead: bool = False
    error: LimitExceeded | None = None
    n_masks: int = 0
    n_tries: int = 0
    n_forwards: int = 0
    n_drafted: int = 0
    n_accepted: int = 0
    mask_seconds: float = 0.0
    model_seconds: float = 0.0

    @property
    def closed(self) -> bool:
        """Whether no token will be added."""
        return self.stopped or self.dead or self.error is not None or len(self.tokens) >= self.limit

    @property
    def done(self) -> bool:
        """Whether no token will be added and the probability of every token is known."""
        return self.closed and len(self.trace) == len(self.tokens)

    @property
    def unread(self) -> list[int]:
        """The tokens that the model must read next; the last token of a closed row need not be read."""
        return self.tokens[self.n_read : len(self.tokens) - self.closed]

    def take(self, token: int) -> bool:
        """Append a token, drawn or forced; false when it is not allowed, or meets a limit."""
        start = perf_counter()
        try:
            accepted = self.guide.accept(token)
        except LimitExceeded as error:
            self.error, accepted = error, False
        self.mask_seconds += perf_counter() - start
        if accepted:
            self.tokens.append(token)
            self.stopped = self.guide.is_stopped()
        return accepted

    def fill(self, masks: NDArray[np.int32], i: int) -> None:
        """Write the mask of what comes next into row ``i`` of some masks: nothing where a limit is met."""
        start = perf_counter()
        try:
            self.guide.fill_bitmask(masks, i)
        except LimitExceeded as error:
            self.error = error
            masks[i] = 0
        self.mask_seconds += perf_counter() - start
        self.n_masks += 1

    def may_end(self, mask: NDArray[np.int32]) -> bool:
        """Tell whether nothing but an end may follow, given the mask of what comes next."""
        ends = self.guide.vocabulary.eos_ids
        left = np.flatnonzero(mask)
        if not 0 < len(left) <= len(ends):
            return False
        tokens = tokens_of(mask)
        return set(tokens) <= set(ends) and any(map(self.guide.allows, tokens))


def decode(session: Session, rows: Sequence[Row], sampler: Sampler, n_tokens: int) -> None:
    """Write every row to its end or to its limit, in place.

    Forced tokens are taken at once and drawn from nothing, but the model still reads them: several at a time when
    every row has several, so that a block needs no padding.

    Parameters
    ----------
    session : Session
        A new session of the model.
    rows : sequence of Row
        Rows without tokens.
    sampler : Sampler
        How tokens are drawn.
    n_tokens : int
        Number of tokens in the vocabulary.
    """
    for row in rows:
        row.sampler_state = sampler.init()
        row.mask = pack(np.ones(n_tokens, np.bool_))
    with torch.inference_mode():
        look_ahead(rows, n_tokens)
        logits = timed(rows, lambda: _prefill(session, [row.prompt for row in rows])).unsqueeze(1)
        while True:
            _score_forced(rows, logits, sampler)
            _sample(rows, logits[:, -1], sampler, n_tokens)
            kept = [i for i, row in enumerate(rows) if not row.done]
            if not kept:
                return
            if len(kept) < len(rows):
                rows = [rows[i] for i in kept]
                session.select(kept)
            block = _next_block(rows, session.max_block)
            logits = timed(rows, partial(session.extend, block))


def _prefill(session: Session, prompts: Sequence[Sequence[int]]) -> torch.Tensor:
    """Start a session; what several rows ask is read once."""
    distinct = list(dict.fromkeys(map(tuple, prompts)))
    logits = session.prefill(distinct)
    if len(distinct) == len(prompts):
        return logits
    numbers = {prompt: number for number, prompt in enumerate(distinct)}
    rows = [numbers[tuple(prompt)] for prompt in prompts]
    session.select(rows)
    return logits[rows]


def _sample(rows: Sequence[Row], logits: torch.Tensor, sampler: Sampler, n_tokens: int) -> None:
    """Draw a token for the rows whose every token the model has read."""
    ready = [i for i, row in enumerate(rows) if row.n_read == len(row.tokens) and not row.closed]
    if not ready:
        return
    chosen = [rows[i] for i in ready]
    if len(ready) < len(rows):
        logits = logits[ready]
    states = [row.sampler_state for row in chosen]
    constraint = Guides([row.guide for row in chosen], np.stack([row.mask for row in chosen]))
    states, info = sampler.step(
        [row.sampler_state for row in chosen], logits, constraint, [row.generator for row in chosen]
    )
    tries = info.n_tries or [0] * len(chosen)
    for row, state, token, logprob, log_weight, n in zip(chosen, states, *info[:3], tries, strict=True):
        row.sampler_state = state
        row.n_tries += n
        if token == NOTHING:
            row.dead = True
            continue
        if row.take(token):
            row.trace.append(Step(token, False, logprob, log_weight))
        elif row.error is None:
            raise ValueError(f"the sampler drew token {token}, which is not allowed")
    look_ahead(chosen, n_tokens)


def look_ahead(rows: Sequence[Row], n_tokens: int) -> None:
    """Make the next mask of each row and take the tokens that are the only choice.

    One row after the other: a mask takes microseconds, less than it takes to hand it to another thread.
    """
    live = [row for row in rows if not (row.guide.is_free or row.stopped or row.dead or row.error)]
    masks = allocate_bitmask(len(live), n_tokens)
    for i, row in enumerate(live):
        row.mask = masks[i]
        row.fill(masks, i)
        while not row.closed and (token := only_token(row.mask)) is not None:
            if row.take(token):
                row.fill(masks, i)
            else:
                row.dead = True
        if row.closed and not (
            row.stopped or row.dead
        ):  # at the limit: complete all the same when only an end may follow
            row.stopped = row.may_end(row.mask)


def _score_forced(rows: Sequence[Row], logits: torch.Tensor, sampler: Sampler) -> None:
    """Score the tokens that were taken before the model had read up to them; logits are ``[rows, block, width]``."""
    block = range(logits.shape[1])
    places = [
        (i, j, token)
        for i, row in enumerate(rows)
        for j, token in zip(block, row.tokens[len(row.trace) :], strict=False)
    ]
    if not places:
        return
    row_index, block_index, tokens = (
        torch.tensor(column, device=logits.device) for column in zip(*places, strict=True)
    )
    scores = sampler.target(logits[row_index, block_index]).float()
    mass = scores.gather(1, tokens.unsqueeze(1)).squeeze(1) - scores.logsumexp(-1)
    for (i, _, token), log_weight in zip(places, mass.tolist(), strict=True):
        rows[i].trace.append(Step(token, True, 0.0, log_weight))


def _next_block(rows: Sequence[Row], max_block: int | None) -> list[list[int]]:
    unread = [row.unread for row in rows]
    size = min(map(len, unread))
    size = min(size, max_block or size)
    for row in rows:
        row.n_read += size
    return [tokens[:size] for tokens in unread]


def timed(rows: Sequence[Row], forward: Callable[[], torch.Tensor]) -> torch.Tensor:
    """Run the model, wait for its device, and share the time among the rows."""
    start = perf_counter()
    logits = forward()
    if logits.is_cuda:
        torch.cuda.synchronize(logits.device)
    share = (perf_counter() - start) / len(rows)
    for row in rows:
        row.model_seconds += share
        row.n_forwards += 1
    return logits
