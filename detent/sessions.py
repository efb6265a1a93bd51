"""Running a causal language model over a batch of growing texts."""

from __future__ import annotations

from collections import defaultdict
from inspect import signature
from typing import TYPE_CHECKING, Any, Protocol

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Session(Protocol):
    """A batch of texts on one model.

    Attributes
    ----------
    max_block : int or None
        How many tokens ``extend`` takes at once; ``None``: any number.
    """

    max_block: int | None

    def prefill(self, prompts: Sequence[Sequence[int]]) -> torch.Tensor:
        """Start with these non-empty prompts; return the logits ``[rows, width]`` that follow them."""

    def extend(self, tokens: Sequence[Sequence[int]]) -> torch.Tensor:
        """Append equally many tokens to every row; return the logits ``[rows, tokens, width]`` after each of them."""

    def select(self, rows: Sequence[int]) -> None:
        """Go on with these rows only, in this order; a row may be named more than once."""


class CachedSession:
    """A transformers model with left padding and a cache of keys and values.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        A causal language model whose ``forward`` takes ``past_key_values``.
    """

    max_block: int | None = None

    def __init__(self, model: Any) -> None:
        from detent.growing_cache import growing_cache

        self.model = model
        self.accepts = signature(model.forward).parameters.keys()
        self.cache: Any = growing_cache(model)
        self.attended = torch.empty(0, 0, dtype=torch.int64)

    def prefill(self, prompts: Sequence[Sequence[int]]) -> torch.Tensor:
        length = max(map(len, prompts))
        ids = torch.tensor([[0] * (length - len(prompt)) + list(prompt) for prompt in prompts])
        lengths = torch.tensor([len(prompt) for prompt in prompts])
        self.attended = (torch.arange(length) >= length - lengths.unsqueeze(1)).long().to(self.model.device)
        return self._forward(ids, keep=1)[:, 0]

    def extend(self, tokens: Sequence[Sequence[int]]) -> torch.Tensor:
        ids = torch.tensor(tokens)
        self.attended = torch.cat([self.attended, torch.ones_like(ids, device=self.model.device)], dim=1)
        return self._forward(ids, keep=ids.shape[1])

    def select(self, rows: Sequence[int]) -> None:
        index = torch.tensor(rows, device=self.model.device)
        self.cache.reorder_cache(index)
        self.attended = self.attended[index]

    def _forward(self, ids: torch.Tensor, keep: int) -> torch.Tensor:
        inputs: dict[str, Any] = {"input_ids": ids.to(self.model.device), "attention_mask": self.attended}
        if "position_ids" in self.accepts:
            inputs["position_ids"] = (self.attended.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        if "logits_to_keep" in self.accepts:
            inputs["logits_to_keep"] = keep
        output = self.model(**inputs, past_key_values=self.cache, use_cache=True)
        self.cache = output.past_key_values
        logits: torch.Tensor = output.logits[:, -keep:]
        return logits


class PlainSession:
    """Any callable from ids ``[rows, length]`` to logits ``[rows, width]``.

    It knows neither padding nor a cache, so rows of equal length are run together and each step runs whole texts.

    Parameters
    ----------
    model : callable
        Takes an int64 tensor of ids; gives a tensor or an array of scores of the token that follows each row.
    """

    max_block: int | None = 1

    def __init__(self, model: Callable[[torch.Tensor], Any]) -> None:
        self.model = model
        self.texts: list[list[int]] = []

    def prefill(self, prompts: Sequence[Sequence[int]]) -> torch.Tensor:
        self.texts = [list(prompt) for prompt in prompts]
        return self._logits()

    def extend(self, tokens: Sequence[Sequence[int]]) -> torch.Tensor:
        self.texts = [text + list(new) for text, new in zip(self.texts, tokens, strict=True)]
        return self._logits().unsqueeze(1)

    def select(self, rows: Sequence[int]) -> None:
        self.texts = [self.texts[row] for row in rows]

    def _logits(self) -> torch.Tensor:
        by_length: defaultdict[int, list[int]] = defaultdict(list)
        for row, text in enumerate(self.texts):
            by_length[len(text)].append(row)
        found: dict[int, torch.Tensor] = {}
        for rows in by_length.values():
            logits = torch.as_tensor(self.model(torch.tensor([self.texts[row] for row in rows])))
            if logits.ndim != 2 or len(logits) != len(rows):
                raise ValueError(f"the model must give logits [{len(rows)}, vocabulary], not {list(logits.shape)}")
            found.update(zip(rows, logits, strict=True))
        return torch.stack([found[row] for row in range(len(self.texts))])
