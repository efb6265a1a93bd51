"""The engines that are compared, behind one face: compile, then fill a mask and commit a token, in turn."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Protocol

import numpy as np


class Engine(Protocol):
    """One engine on one tokenizer.

    Attributes
    ----------
    name : str
        With its version.
    mask : numpy.ndarray, int32 ``[1, words]``
        What ``fill`` writes: bit ``t % 32`` of word ``t // 32`` is token ``t``.
    """

    name: str
    mask: np.ndarray

    def compile(self, schema: Any) -> None:
        """Make ready for a schema; raises whatever the engine raises for one that it refuses."""

    def compile_lark(self, text: str, options: Mapping[str, Any]) -> None:
        """Make ready for a Lark grammar, with Lark's own options ``start``, ``parser`` and ``lexer``."""

    def compile_gbnf(self, text: str) -> None:
        """Make ready for a grammar in GBNF."""

    def reset(self) -> None:
        """Go back to the start of the text."""

    def fill(self) -> None:
        """Write the mask of what comes next."""

    def commit(self, token: int) -> bool:
        """Take a token; False when the mask forbids it."""


class Detent:
    """This library."""

    def __init__(self, tokenizer: Any) -> None:
        import detent

        self.name = f"detent {detent.__version__}"
        vocabulary = detent.Vocabulary.from_transformers(tokenizer)
        self.compiler = detent.Compiler(vocabulary)
        self.mask = detent.allocate_bitmask(1, len(vocabulary))

    def compile(self, schema: Any) -> None:
        self.matcher = self.compiler.json_schema(schema).matcher()

    def compile_lark(self, text: str, options: Mapping[str, Any]) -> None:
        known = {name: options[name] for name in ("start", "parser", "lexer") if name in options}
        self.matcher = self.compiler.lark(text, **known).matcher()

    def compile_gbnf(self, text: str) -> None:
        self.matcher = self.compiler.gbnf(text).matcher()

    def reset(self) -> None:
        self.matcher.reset()

    def fill(self) -> None:
        self.matcher.fill_bitmask(self.mask)

    def commit(self, token: int) -> bool:
        return self.matcher.accept(token)


class Llguidance:
    """github.com/guidance-ai/llguidance, through its NumPy interface."""

    def __init__(self, tokenizer: Any) -> None:
        import llguidance
        import llguidance.hf
        import llguidance.numpy

        self.library = llguidance
        self.name = f"llguidance {llguidance.__version__}"
        self.tokenizer = llguidance.hf.from_tokenizer(tokenizer)
        self.mask = llguidance.numpy.allocate_token_bitmask(1, self.tokenizer.vocab_size)

    def compile(self, schema: Any) -> None:
        grammar = self.library.LLMatcher.grammar_from_json_schema(schema)
        self.fresh = self.library.LLMatcher(self.tokenizer, grammar)
        if self.fresh.is_error():
            raise ValueError(self.fresh.get_error())
        self.reset()

    def compile_lark(self, text: str, options: Mapping[str, Any]) -> None:
        start = options.get("start", "start")
        named = text if start == "start" else f"{text}\nstart: {start}\n"
        spelled = '%llguidance {"allow_initial_skip": true}\n' + named
        self.fresh = self.library.LLMatcher(self.tokenizer, self.library.LLMatcher.grammar_from_lark(spelled))
        self.reset()
        self.fill()  # some errors come with the first mask
        if self.fresh.is_error() or self.matcher.is_error():
            raise ValueError(self.fresh.get_error() or self.matcher.get_error())

    def compile_gbnf(self, text: str) -> None:
        from llguidance.gbnf_to_lark import any_to_lark

        self.compile_lark(any_to_lark(text), {})

    def reset(self) -> None:
        self.matcher = self.fresh.deep_copy()

    def fill(self) -> None:
        self.library.numpy.fill_next_token_bitmask(self.matcher, self.mask, 0)

    def commit(self, token: int) -> bool:
        allowed = is_allowed(self.mask, token)
        if allowed:
            self.matcher.consume_token(token)
        return allowed


class XGrammar:
    """github.com/mlc-ai/xgrammar."""

    def __init__(self, tokenizer: Any) -> None:
        import xgrammar

        self.library = xgrammar
        self.name = f"xgrammar {version('xgrammar')}"
        info = xgrammar.TokenizerInfo.from_huggingface(tokenizer, vocab_size=len(tokenizer))
        self.bits = xgrammar.allocate_token_bitmask(1, info.vocab_size)
        self.mask = self.bits.numpy()
        self.compiler = xgrammar.GrammarCompiler(info, max_threads=1, cache_enabled=False)

    def compile(self, schema: Any) -> None:
        self.grammar = self.compiler.compile_json_schema(json.dumps(schema), any_whitespace=True, strict_mode=False)
        self.reset()

    def compile_lark(self, text: str, options: Mapping[str, Any]) -> None:
        raise NotImplementedError("it reads no Lark grammars")

    def compile_gbnf(self, text: str) -> None:
        self.grammar = self.compiler.compile_grammar(text)
        self.reset()

    def reset(self) -> None:
        self.matcher = self.library.GrammarMatcher(self.grammar)

    def fill(self) -> None:
        self.matcher.fill_next_token_bitmask(self.bits)

    def commit(self, token: int) -> bool:
        return is_allowed(self.mask, token) and self.matcher.accept_token(token)


ENGINES: dict[str, Any] = {"detent": Detent, "llguidance": Llguidance, "xgrammar": XGrammar}


def is_allowed(mask: np.ndarray, token: int) -> bool:
    """Whether the first row of a mask has the bit of a token."""
    return bool(int(mask[0, token // 32]) >> (token % 32) & 1)


def load_tokenizer(folder: str | None) -> Any:
    """The tokenizer of a folder in Hugging Face form; None is the one of the bundled model."""
    from transformers import PreTrainedTokenizerFast

    from detent.model import MODEL_DIR

    return PreTrainedTokenizerFast.from_pretrained(folder or MODEL_DIR)
