"""The decoding loop with drafts: a run of the model reads many tokens, and each may become part of the text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import repeat
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from detent.decisions import Numbers, choose_all, fit, follow, law_under
from detent.decoding import Row, look_ahead, timed
from detent.grammar.errors import LimitExceeded
from detent.sampler.awrs import AWRS
from detent.sampler.base import Step
from detent.sampler.guide import Guides, only_token, pack
from detent.sampler.masking import Masking
from detent.sampler.speculation.drafter import Ask, Seen
from detent.sampler.speculation.length import DraftLength
from detent.sampler.speculation.tree import Tree, allowed, candidates, complete_masks, plant
from detent.sampler.speculation.verify import choose

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detent.sampler.base import Info, Logits, Sampler
    from detent.sampler.guide import Guide
    from detent.speculation import Speculation


class Round(NamedTuple):
    """One row in one run of the model.

    Attributes
    ----------
    row : Row
    tree : Tree
        What the model reads; its root is the text so far.
    depth : int
        Of the draft, before it was cut to what is allowed.
    """

    row: Row
    tree: Tree
    depth: int = 0

    @property
    def pending(self) -> range:
        """Lengths of the text at which a forced token waits for its probability."""
        return range(len(self.row.trace), len(self.row.tokens))

    @property
    def room(self) -> int:
        """How many tokens may still be written."""
        return self.row.limit - len(self.row.tokens)

    @property
    def prefixes(self) -> list[list[int]]:
        """What the model is asked about: the pending places, then the open nodes."""
        text = self.row.prompt + self.row.tokens
        before = [text[: len(self.row.prompt) + length] for length in self.pending]
        return before + [text + self.tree.path(node) for node in self.tree.open]


class Speculator:
    """Writes rows with drafts.

    Parameters
    ----------
    model : callable
        From prefixes to logits.
    sampler : Sampler
        Whose law the texts follow.
    speculation : Speculation
    n_tokens : int
        Number of tokens in the vocabulary.

    Notes
    -----
    The guide of a row only ever goes through tokens that are written: a draft is looked through and undone before
    anything is decided.

    ``Masking`` decides all nodes of all rows at once; of drafts that were drawn, it keeps each with the probability
    of the usual rule. Any other sampler draws node by node, and the text goes on along the draft as far as it agrees;
    ``AWRS`` also takes drawn drafts by that rule, before it asks the constraint, so that no mask is needed.
    """

    def __init__(self, model: Logits, sampler: Sampler, speculation: Speculation, n_tokens: int) -> None:
        self.model, self.sampler, self.speculation, self.n_tokens = model, sampler, speculation, n_tokens
        if speculation.future is not None and not isinstance(sampler, Masking):
            raise ValueError(f"future goes with Masking, not with {type(sampler).__name__}")

    def write(self, rows: Sequence[Row]) -> Iterator[None]:
        """Write every row to its end or to its limit, in place; stop behind every run of the model."""
        longest, cost = self.speculation.length, self.speculation.drafter.cost
        lengths = {id(row): DraftLength(longest, cost) for row in rows}
        for row in rows:
            row.sampler_state = self.sampler.init()
            row.mask = pack(np.ones(self.n_tokens, np.bool_))
        with torch.inference_mode():
            look_ahead(rows, self.n_tokens)
        while rows := [row for row in rows if not row.done]:
            with torch.inference_mode():
                self._round(rows, lengths)
            yield

    def _round(self, rows: Sequence[Row], lengths: dict[int, DraftLength]) -> None:
        rounds, logits = self._look(rows, lengths)
        rounds, drafted = self._score(rounds, logits)
        if not rounds:
            return
        written = [len(r.row.tokens) for r in rounds]
        if isinstance(self.sampler, Masking):
            self._decide_at_once(self.sampler, rounds, drafted[0] if len(drafted) == 1 else torch.cat(drafted))
        else:
            for r, at in zip(rounds, drafted, strict=True):
                self._decide_in_turn(r, at)
        seen = []
        for r, at, n in zip(rounds, drafted, written, strict=True):
            _count(r, lengths[id(r.row)], n)
            text = r.row.prompt + r.row.tokens
            read = [r.tree.tokens[node] if node else text[len(r.row.prompt) + n - 1] for node in r.tree.open]
            seen.append(Seen(text, len(r.row.tokens) - n, read, at))
        self.speculation.drafter.learn(seen)
        look_ahead([r.row for r in rounds if not r.row.closed], self.n_tokens)

    def _look(self, rows: Sequence[Row], lengths: dict[int, DraftLength]) -> tuple[list[Round], torch.Tensor]:
        """Run the model over drafts; over none where one of them meets a limit, to which no text may ever come."""
        before = [len(row.guide.ids) for row in rows]
        try:
            rounds = self._plan(rows, lengths, self.speculation.drafter.draft)
            return rounds, timed(rows, partial(self._read, rounds))
        except LimitExceeded:
            for row, n in zip(rows, before, strict=True):
                row.guide.rollback(len(row.guide.ids) - n)
        rounds = self._plan(rows, lengths, _nothing)
        return rounds, timed(rows, partial(self._read, rounds))

    def _read(self, rounds: Sequence[Round]) -> torch.Tensor:
        """Run the model and, while its device works, make the masks."""
        logits: torch.Tensor = self.model([prefix for r in rounds for prefix in r.prefixes])
        for r in rounds:
            start = perf_counter()
            complete_masks(r.tree, r.row.guide, r.room, exact=not isinstance(self.sampler, AWRS))
            r.row.mask_seconds += perf_counter() - start
            r.row.n_masks += len(r.tree.masks) - 1
        return logits

    # -------------------------------------------------------------------------------------------------------- before
    def _plan(
        self, rows: Sequence[Row], lengths: dict[int, DraftLength], draft: Callable[[Sequence[Ask]], list[Tree]]
    ) -> list[Round]:
        """Get drafts for the rows that go on; the others only wait for probabilities."""
        going_on = [row for row in rows if not row.closed]
        rounds = [Round(row, Tree()) for row in rows if row.closed]
        # where drafts are drawn, the text depends on their length, and a row must not depend on its neighbours
        n_rows = 1 if self._draws and getattr(self.speculation.drafter, "draws", True) else len(going_on)
        asks = [self._ask(row, lengths[id(row)], n_rows) for row in going_on]
        for row, ask, tree in zip(going_on, asks, draft(asks), strict=True):
            assert ask.root is not None
            tree.masks.setdefault(0, ask.root)
            rounds.append(Round(row, plant(tree, row.guide, row.limit - len(row.tokens)), max(tree.depths)))
        return rounds

    @property
    def _draws(self) -> bool:
        """Whether drafts may be drawn from a law."""
        return isinstance(self.sampler, Masking | AWRS) and self.sampler.temperature > 0

    def _ask(self, row: Row, lengths: DraftLength, n_rows: int) -> Ask:
        room = row.limit - len(row.tokens)

        def length_at(cost: float) -> int:
            return min(room, lengths(n_rows, cost) if self.speculation.adaptive else self.speculation.length)

        law = self._draft_law if self._draws else None
        root = row.mask if self._takes_candidates(row.guide) else allowed(row.guide, row.mask)
        text = row.prompt + row.tokens
        length = length_at(lengths.cost)
        return Ask(text, len(row.prompt), row.guide, length, law, row.generator, self._mask, root, length_at)

    def _mask(self, guide: Guide) -> NDArray[np.int32]:
        mask = candidates(guide)
        return mask if self._takes_candidates(guide) else allowed(guide, mask)

    def _takes_candidates(self, guide: Guide) -> bool:
        """Whether the sampler takes candidates as they are: AWRS asks the predicate about what it draws."""
        return guide.is_exact or isinstance(self.sampler, AWRS)

    def _draft_law(self, logits: torch.Tensor, masks: NDArray[np.int32]) -> torch.Tensor:
        """See :data:`detent.sampler.speculation.drafter.DraftLaw`."""
        return law_under(self.sampler, fit(logits.float(), self.n_tokens, -torch.inf), masks)

    # --------------------------------------------------------------------------------------------------------- after
    def _score(self, rounds: Sequence[Round], logits: torch.Tensor) -> tuple[list[Round], list[torch.Tensor]]:
        """Score what was forced before the model had read up to it; return the rows that go on, with their logits."""
        going_on, drafted, end = [], [], 0
        for r in rounds:
            tokens = [r.row.tokens[i] for i in r.pending]
            start, end = end + len(tokens), end + len(tokens) + len(r.tree.open)
            for token, mass in zip(tokens, self._log_masses(logits[start - len(tokens) : start], tokens), strict=True):
                r.row.trace.append(Step(token, True, 0.0, mass))
            if r.tree.open:
                going_on.append(r)
                drafted.append(logits[start:end])
        return going_on, drafted

    def _log_masses(self, logits: torch.Tensor, tokens: Sequence[int]) -> list[float]:
        """Return the log-probability that the model gives to each of some tokens."""
        if not tokens:
            return []
        scores = self.sampler.target(logits).float()
        index = torch.tensor(tokens, device=logits.device).unsqueeze(1)
        masses: list[float] = (scores.gather(1, index).squeeze(1) - scores.logsumexp(-1)).tolist()
        return masses

    def _decide_at_once(self, sampler: Masking, rounds: Sequence[Round], logits: torch.Tensor) -> None:
        masks = np.stack([r.tree.masks[node] for r in rounds for node in r.tree.open])
        numbers = [Numbers(r) for r in rounds]
        info = sampler.decide(logits, masks, partial(choose_all, rounds, numbers), self._futures(rounds, logits))
        steps = map(Step, info.tokens, repeat(False), info.logprob, info.log_weight)
        for r, used in zip(rounds, numbers, strict=True):
            at = dict(zip(r.tree.open, steps, strict=False))
            used.take(follow(r, lambda node, at=at: at[node]))  # type: ignore[misc]

    def _futures(self, rounds: Sequence[Round], logits: torch.Tensor) -> torch.Tensor | None:
        future = self.speculation.future
        if future is None:
            return None
        rows = [torch.as_tensor(future(r.row.tokens + r.tree.path(node))) for r in rounds for node in r.tree.open]
        return torch.stack(rows).to(logits.device, torch.float32)

    def _decide_in_turn(self, r: Round, logits: torch.Tensor) -> None:
        places = {node: logits[i : i + 1] for i, node in enumerate(r.tree.open)}

        def decide(node: int) -> Step:
            token = only_token(r.tree.masks[node])
            if token is not None:
                return Step(token, True, 0.0, self._log_masses(places[node], [token])[0])
            info = self._draw(r, node, places[node])
            r.row.n_tries += sum(info.n_tries)
            return Step(info.tokens[0], False, info.logprob[0], info.log_weight[0])

        follow(r, decide)

    def _draw(self, r: Round, node: int, logits: torch.Tensor) -> Info:
        row, mask = r.row, r.tree.masks[node][None]
        constraint = Guides([row.guide], mask)
        if isinstance(self.sampler, AWRS) and node in r.tree.laws:
            target = law_under(self.sampler, logits, mask)
            if target.any():
                drafted = [r.tree.tokens[child] for child in r.tree.children()[node]]
                uniforms = torch.from_numpy(row.generator.random((1, len(drafted) + 1)))
                children, draft = torch.tensor([drafted]), fit(r.tree.laws[node].unsqueeze(0), target.shape[1], 0.0)
                first = choose(target, *(part.to(target.device) for part in (uniforms, children, draft)))
                return self.sampler.step_behind(first.tolist(), logits, constraint, [row.generator])
        (row.sampler_state,), info = self.sampler.step([row.sampler_state], logits, constraint, [row.generator])
        return info


def _nothing(asks: Sequence[Ask]) -> list[Tree]:
    return [Tree() for _ in asks]


def _count(r: Round, length: DraftLength, n_before: int) -> None:
    """Tell the row and the length of its drafts how the draft did, ``n_before`` being what was written before it."""
    tree, row = r.tree, r.row
    n_accepted = sum(step.drafted for step in row.trace[n_before:])
    row.n_drafted += len(tree) - 1
    row.n_accepted += n_accepted
    node = max(range(len(tree)), key=tree.depths.__getitem__)
    guessed = []
    while node:
        guessed += [] if tree.parents[node] in tree.forced else [tree.depths[node]]
        node = tree.parents[node]
    length.saw(len(guessed) or bool(r.depth), sum(depth <= n_accepted for depth in guessed))
