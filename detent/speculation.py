"""How texts are drafted: what ``draft=`` stands for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from detent.sampler.speculation.drafter import Combined, Drafter
from detent.sampler.speculation.lookup import PromptLookup
from detent.sampler.speculation.models import ModelDrafter
from detent.sampler.speculation.tables import NGrams
from detent.sampler.speculation.texts import ForcedText, Translated

if TYPE_CHECKING:
    from detent.models import LanguageModel


MAX_IDLE = 16  # calls: a draft model is not asked about the texts whose draft is long enough
GUESS_SECONDS = 1e-4  # of a guess beside its model's run: mask, law, draw
TRANSLATION_SECONDS = 4e-4  # both tokenizers, for each draft, most of which are short


@dataclass(frozen=True)
class Speculation:
    """How texts are drafted.

    Parameters
    ----------
    drafter : Drafter
        Who guesses. What it learns stays with it from run to run.
    length : int
        Most tokens to guess one after another; what is forced comes on top.
    adaptive : bool
        Whether to guess less, or nothing, where guesses seldom come true.
    future : callable, optional
        From the tokens of an answer so far to the log of a factor for each next token, float ``[width]``: how much of
        the model's mass behind it is valid, say. Masking then draws from its law times these factors.

    Raises
    ------
    ValueError
        If the length is below 1.

    Notes
    -----
    The law of the texts is that of plain decoding. Unless drafts are drawn from a model, so is each text: the same seed
    gives the same tokens.
    """

    drafter: Drafter
    length: int = 8
    adaptive: bool = True
    future: Callable[[list[int]], Any] | None = None

    def __post_init__(self) -> None:
        if self.length < 1:
            raise ValueError(f"length must be at least 1, not {self.length}")


def training_free(lm: LanguageModel) -> Combined:
    """Make a drafter that needs no other model: forced text, copies, and n-grams learnt while writing.

    Parameters
    ----------
    lm : LanguageModel
        The target.
    """
    try:
        lm.encode("")
    except TypeError:  # a bare vocabulary
        return Combined(PromptLookup(), NGrams())
    return Combined(ForcedText(lm.vocabulary, lm.encode), PromptLookup(), NGrams())


def to_speculation(draft: Any, lm: LanguageModel) -> Speculation:
    """Return what ``draft=`` stands for: ``True``, a language model, a drafter, or a speculation itself."""
    from detent.models import LanguageModel

    if isinstance(draft, Speculation):
        return draft
    if draft is True:
        return Speculation(training_free(lm))
    if isinstance(draft, LanguageModel):
        model = ModelDrafter(draft.open_texts(max_idle=MAX_IDLE))  # type: ignore[misc]
        is_foreign = draft.vocabulary != lm.vocabulary
        if draft.seconds and lm.seconds:
            beside = GUESS_SECONDS + is_foreign * TRANSLATION_SECONDS
            model = replace(model, cost=(draft.seconds + beside) / lm.seconds)
        if not is_foreign:
            return Speculation(model)
        return Speculation(Translated(lm.vocabulary, lm.encode, draft.vocabulary, draft.encode, model))
    if not hasattr(draft, "draft"):
        raise TypeError(f"draft must be True, a LanguageModel, a drafter or a Speculation, not {type(draft).__name__}")
    return Speculation(draft)
