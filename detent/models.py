"""Language models: what turns a prompt into ids and ids into logits."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from inspect import signature
from typing import TYPE_CHECKING, Any

from detent.automata.compiler import Compiler
from detent.automata.vocabulary import Vocabulary
from detent.sessions import CachedSession, PlainSession, Session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from detent.grammar.types import JsonSchema
    from detent.sampler.base import Logits

LAYER_SECONDS = 2.5e-4  # of PyTorch and transformers, for each layer
CPU_BYTES, GPU_BYTES = 2e10, 2e12  # a second: what a core and what a large GPU read


@dataclass
class LanguageModel:
    """A causal language model with its vocabulary; every attribute may be replaced.

    Attributes
    ----------
    open_session : callable
        Makes a new :class:`detent.sessions.Session`.
    vocabulary : Vocabulary
        The bytes of each token.
    encode : callable
        From the text of a prompt, once the template is applied, to token ids.
    template : callable
        From the prompt and the JSON Schema of the answer (``None`` when there is no schema) to the text given to the
        model.
    max_length : int or None
        How many tokens a prompt and its answer may have together.
    open_prefixes : callable or None
        Makes a callable from prefixes to the logits that follow them, for strategies that go back to earlier prefixes.
        By default a new session reads every prefix from its first token on.
    open_texts : callable or None
        The same for drafting, where texts only grow: it forgets what was not asked about for more than ``max_idle``
        calls, 0 by default. By default ``open_prefixes``.
    seconds : float or None
        About how long a run over one token takes, next to other models on the same device: what a draft costs.
    compiler : Compiler
        Compiles and remembers grammars for this vocabulary.
    """

    open_session: Callable[[], Session] = field(repr=False)
    vocabulary: Vocabulary
    encode: Callable[[str], list[int]] = field(repr=False)
    template: Callable[[str, JsonSchema | None], str] = field(repr=False)
    max_length: int | None = None
    open_prefixes: Callable[[], Logits] | None = field(default=None, repr=False)
    open_texts: Callable[..., Logits] | None = field(default=None, repr=False)
    seconds: float | None = None
    compiler: Compiler = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.open_prefixes is None:
            self.open_prefixes = lambda: lambda prefixes: self.open_session().prefill(prefixes)
        if self.open_texts is None:
            self.open_texts = lambda max_idle=0: self.open_prefixes()  # type: ignore[misc]
        self.compiler = Compiler(self.vocabulary)


def load(
    model: Any = None,
    tokenizer: Any = None,
    *,
    encode: Callable[[str], list[int]] | None = None,
    template: Callable[[str, JsonSchema | None], str] | None = None,
) -> LanguageModel:
    """Make a model ready for :func:`detent.generate`.

    Parameters
    ----------
    model : transformers.PreTrainedModel or callable, optional
        A causal language model (switched to evaluation), or any callable from ids, int64 tensor ``[rows, length]``,
        to logits ``[rows, width]``. By default the tiny model that comes with detent: it works offline.
    tokenizer : transformers tokenizer or Vocabulary
        With a bare vocabulary, prompts are given as token ids, or as text with ``encode``.
    encode : callable, optional
        From text to token ids, in place of the tokenizer's own.
    template : callable, optional
        ``template(prompt, schema)`` is the text that the model reads. By default the tokenizer's chat template, with
        the prompt as the user's message; without one, the prompt itself.

    Returns
    -------
    LanguageModel

    Raises
    ------
    TypeError
        If a model comes without a tokenizer or the other way round, is a name, or is not a decoder.

    Examples
    --------
    >>> lm = load()
    >>> lm = load(lambda ids: torch.zeros(len(ids), 3), Vocabulary.from_tokens([b"a", b"b", b""], eos=[2]))
    """
    if model is None and tokenizer is None:
        return _load_bundled()
    if not callable(model):
        hint = "AutoModelForCausalLM.from_pretrained(name) of transformers loads one"
        raise TypeError(f"model must be a model or a function from ids to logits, not {model!r:.40}: {hint}")
    if tokenizer is None:
        raise TypeError("load(model, tokenizer) needs a tokenizer or a Vocabulary")
    is_network = hasattr(model, "config") and hasattr(model, "forward")
    config = model.config.get_text_config(decoder=True) if is_network else None
    if isinstance(tokenizer, Vocabulary):
        vocabulary, encode = tokenizer, encode or _ids_only
    else:
        vocabulary = Vocabulary.from_transformers(
            tokenizer, n=config and config.vocab_size, eos=_eos_ids(model, tokenizer)
        )
        encode = encode or partial(tokenizer.encode, add_special_tokens=not tokenizer.chat_template)
        if template is None and tokenizer.chat_template:
            template = partial(_chat, tokenizer)
    return LanguageModel(
        open_session=_sessions_of(model) if is_network else lambda: PlainSession(model),
        vocabulary=vocabulary,
        encode=encode,
        template=template or _prompt_itself,
        max_length=getattr(config, "max_position_embeddings", None),
        open_prefixes=_prefixes_of(model) if is_network else None,
        open_texts=_texts_of(model) if is_network else None,
        seconds=_seconds_of(model) if is_network else None,
    )


def load_draft(*, foreign: bool = False) -> LanguageModel:
    """Load a small model that drafts for the bundled one.

    Parameters
    ----------
    foreign : bool
        The one that has a tokenizer of its own.

    Returns
    -------
    LanguageModel

    Examples
    --------
    >>> detent.generate(detent.load(), "Ada is 36 years old.", Person, draft=load_draft())
    """
    from detent.model import MODEL_DIR

    if foreign:
        return _load_bundled(MODEL_DIR / "foreign-draft", MODEL_DIR / "foreign-draft")
    return _load_bundled(MODEL_DIR / "draft", MODEL_DIR)


def _load_bundled(weights: Path | None = None, tokens: Path | None = None) -> LanguageModel:
    from safetensors.torch import load_model
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    from detent.model import MODEL_DIR, format_prompt

    weights = weights or MODEL_DIR
    model = LlamaForCausalLM(LlamaConfig.from_pretrained(weights))  # in single precision, whatever the file has
    load_model(model, weights / "model.safetensors")
    return load(model, AutoTokenizer.from_pretrained(tokens or MODEL_DIR), template=format_prompt)


def _sessions_of(model: Any) -> Callable[[], Session]:
    """Choose the cached session where the architecture has a cache of keys and values that can be sliced by row."""
    if model.config.is_encoder_decoder:
        raise TypeError(f"{type(model).__name__} is not a decoder-only model")
    model.eval()
    if "past_key_values" in signature(model.forward).parameters and not getattr(model, "_is_stateful", False):
        return lambda: CachedSession(model)
    return lambda: PlainSession(lambda ids: model(ids.to(model.device)).logits[:, -1])


def _prefixes_of(model: Any) -> Callable[[], Logits] | None:
    """Choose the store of prefixes where the keys and values of one token are all that is kept of it."""
    from detent.prefixes import PrefixStore, keeps_everything

    if "past_key_values" not in signature(model.forward).parameters or getattr(model, "_is_stateful", False):
        return None
    return partial(PrefixStore, model) if keeps_everything(model) else None


def _texts_of(model: Any) -> Callable[..., Logits] | None:
    """Choose the cache of texts that grow where the model reads trees of tokens."""
    from detent.growing import GrowingTexts, reads_trees

    if "past_key_values" not in signature(model.forward).parameters or getattr(model, "_is_stateful", False):
        return None
    return partial(GrowingTexts, model) if reads_trees(model) else None


def _seconds_of(model: Any) -> float | None:
    """Estimate a run over one token: layers wait for Python, and every weight is read once.

    No clock is asked: drafts must have the same length whenever a text is written again.
    """
    n_bytes: int = sum(weight.nbytes for weight in model.parameters())
    layers: int | None = getattr(model.config.get_text_config(decoder=True), "num_hidden_layers", None)
    if layers is None:
        return None
    return LAYER_SECONDS * layers + n_bytes / (CPU_BYTES if model.device.type == "cpu" else GPU_BYTES)


def _eos_ids(model: Any, tokenizer: Any) -> list[int] | None:
    """Return the ends of text of the model's generation settings and of the tokenizer; ``None`` without settings."""
    declared = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    if declared is None:
        return None
    ids = declared if isinstance(declared, list) else [declared]
    return ids if tokenizer.eos_token_id is None else [*ids, tokenizer.eos_token_id]


def _chat(tokenizer: Any, prompt: str, schema: JsonSchema | None) -> str:
    messages = [{"role": "user", "content": prompt}]
    text: str = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    return text


def _prompt_itself(prompt: str, schema: JsonSchema | None) -> str:
    return prompt


def _ids_only(text: str) -> list[int]:
    raise TypeError("this model has no tokenizer: give the prompt as token ids, or load(..., encode=...)")
