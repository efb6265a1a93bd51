"""Structured output for language models: only what the specification allows.

Importing this package loads neither numba nor torch: every public name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "Vocabulary": "automata.vocabulary",
    "Compiler": "automata.compiler",
    "Grammar": "automata.compiler",
    "Limits": "automata.compiler",
    "Matcher": "automata.matcher",
    "allocate_bitmask": "automata.matcher",
    "fill_bitmasks": "automata.matcher",
    "apply_bitmask": "sampler.bitmask",
    "LanguageModel": "models",
    "load": "models",
    "Result": "generation",
    "generate": "generation",
    "run": "generation",
    "structured": "generation",
    "LogitsProcessor": "integrations",
    "DetentError": "grammar.errors",
    "GrammarError": "grammar.errors",
    "Unsatisfiable": "grammar.errors",
    "LimitExceeded": "grammar.errors",
    "VocabularyError": "grammar.errors",
    "Truncated": "grammar.errors",
}

__all__ = sorted(_HOME)  # noqa: PLE0605
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    try:
        home = _HOME[name]
    except KeyError:
        raise AttributeError(f"module 'detent' has no attribute {name!r}") from None
    value = getattr(import_module(f"detent.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
