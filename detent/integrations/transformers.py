"""A logits processor for ``model.generate`` of transformers."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b
from typing import TYPE_CHECKING

import transformers

from detent.automata.batch import fill_bitmasks
from detent.automata.compiled import Grammar
from detent.automata.matcher import allocate_bitmask
from detent.sampler.bitmask import apply_bitmask

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from detent.automata.matcher import Matcher


class LogitsProcessor(transformers.LogitsProcessor):
    """Allow only what a grammar allows, in ``model.generate(logits_processor=[processor])``.

    Works for greedy search and sampling, batches, beams, assisted decoding, and again for the next call: what a row
    may write is found from its own ids. A row that is one token longer than a row seen before goes on from there;
    any other row is a new prompt. So rows may be reordered between calls and lengths may go back.

    Parameters
    ----------
    grammar : Grammar
        What the text after the prompt must follow, compiled for the model's vocabulary.
    memory : int
        How many rows of the past are remembered; at least the rows of a batch times the tokens of a draft.

    Raises
    ------
    TypeError
        If this is no compiled grammar.

    Examples
    --------
    >>> lm = detent.load(model, tokenizer)
    >>> processor = detent.LogitsProcessor(lm.compiler.json_schema(Invoice))
    >>> model.generate(**tokenizer("Invoice: ", return_tensors="pt"), logits_processor=[processor])
    """

    supports_continuous_batching = False

    def __init__(self, grammar: Grammar, memory: int = 4096) -> None:
        if not isinstance(grammar, Grammar):
            kind = type(grammar).__name__
            raise TypeError(f"grammar must be compiled, by lm.compiler.json_schema for example, not be a {kind}")
        self.grammar = grammar
        self.memory = memory
        self._matchers: OrderedDict[bytes, Matcher | None] = OrderedDict()

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Mask the scores of the next tokens.

        Parameters
        ----------
        input_ids : torch.Tensor, int64 ``[rows, length]``
            Prompts and what was written after them.
        scores : torch.Tensor, float ``[rows, width]``
            Left as they are.

        Returns
        -------
        torch.Tensor, float ``[rows, width]``
            Minus infinity where a token is forbidden. Rows that are past their end, or that hold a token which was
            never allowed (a rejected draft, a dead beam), are not masked.
        """
        matchers = [self._matcher(ids) for ids in input_ids.cpu().numpy()]
        live = [matcher for matcher in matchers if matcher is not None and not matcher.is_stopped()]
        masks = allocate_bitmask(len(live), len(self.grammar.vocabulary))
        fill_bitmasks(live, masks)
        numbers = iter(range(len(live)))
        rows = [-1 if matcher is None or matcher.is_stopped() else next(numbers) for matcher in matchers]
        scores = scores.clone()
        apply_bitmask(scores, masks, rows)
        return scores

    def _matcher(self, ids: NDArray[np.int64]) -> Matcher | None:
        """Return the state after these ids; ``None`` when the last of them was not allowed."""
        key = _digest(ids)
        if key not in self._matchers:
            before = _digest(ids[:-1])
            if before in self._matchers:
                self._matchers[key] = _advance(self._matchers[before], int(ids[-1]))
            else:
                self._matchers[key] = self.grammar.matcher()
            if len(self._matchers) > self.memory:
                self._matchers.popitem(last=False)
        self._matchers.move_to_end(key)
        return self._matchers[key]


def _digest(ids: NDArray[np.int64]) -> bytes:
    return blake2b(ids.tobytes(), digest_size=16).digest()


def _advance(matcher: Matcher | None, token: int) -> Matcher | None:
    if matcher is None or matcher.is_stopped():
        return matcher
    after = matcher.fork()
    return after if after.accept(token) else None
