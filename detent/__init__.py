"""Structured output for language models: only what the specification allows.

Importing this package loads neither numba nor torch: every public name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from detent.automata.batch import fill_bitmasks
    from detent.automata.compiled import Grammar
    from detent.automata.compiler import Compiler
    from detent.automata.limits import Limits
    from detent.automata.matcher import Matcher, allocate_bitmask
    from detent.automata.vocabulary import Vocabulary
    from detent.generation import generate, run, stream, structured
    from detent.grammar.errors import (
        DeadEnd,
        DetentError,
        GrammarError,
        LimitExceeded,
        Truncated,
        Unenforceable,
        Unsatisfiable,
        Violated,
        VocabularyError,
    )
    from detent.grammar.residual import Residual
    from detent.integrations import LogitsProcessor
    from detent.models import LanguageModel, load, load_draft
    from detent.results import Result, Results, Stats
    from detent.sampler.asap import ASAp
    from detent.sampler.awrs import AWRS, awrs_step
    from detent.sampler.beams import BeamSearch
    from detent.sampler.best import BestOf
    from detent.sampler.bitmask import apply_bitmask
    from detent.sampler.cars import CARS
    from detent.sampler.costs import Costs
    from detent.sampler.guide import Predicate
    from detent.sampler.mask_table import MaskTable
    from detent.sampler.masking import Masking
    from detent.sampler.smc import SMC
    from detent.sampler.speculation.drafter import Combined
    from detent.sampler.speculation.lookup import PromptLookup
    from detent.sampler.speculation.models import ModelDrafter, skip_layers
    from detent.sampler.speculation.tables import NGrams, Recycling
    from detent.sampler.speculation.texts import ForcedText, Translated
    from detent.sampler.stochastic_beams import StochasticBeams
    from detent.sampler.trie import Trie
    from detent.speculation import Speculation, training_free

_HOME = {
    "Vocabulary": "automata.vocabulary",
    "Compiler": "automata.compiler",
    "Grammar": "automata.compiled",
    "Limits": "automata.limits",
    "Matcher": "automata.matcher",
    "allocate_bitmask": "automata.matcher",
    "fill_bitmasks": "automata.batch",
    "apply_bitmask": "sampler.bitmask",
    "AWRS": "sampler.awrs",
    "ASAp": "sampler.asap",
    "BeamSearch": "sampler.beams",
    "BestOf": "sampler.best",
    "CARS": "sampler.cars",
    "Costs": "sampler.costs",
    "SMC": "sampler.smc",
    "StochasticBeams": "sampler.stochastic_beams",
    "Trie": "sampler.trie",
    "MaskTable": "sampler.mask_table",
    "Masking": "sampler.masking",
    "awrs_step": "sampler.awrs",
    "LanguageModel": "models",
    "load": "models",
    "load_draft": "models",
    "Predicate": "sampler.guide",
    "Result": "results",
    "Results": "results",
    "Residual": "grammar.residual",
    "Stats": "results",
    "generate": "generation",
    "run": "generation",
    "structured": "generation",
    "Speculation": "speculation",
    "training_free": "speculation",
    "stream": "generation",
    "Combined": "sampler.speculation.drafter",
    "PromptLookup": "sampler.speculation.lookup",
    "NGrams": "sampler.speculation.tables",
    "Recycling": "sampler.speculation.tables",
    "ForcedText": "sampler.speculation.texts",
    "Translated": "sampler.speculation.texts",
    "ModelDrafter": "sampler.speculation.models",
    "skip_layers": "sampler.speculation.models",
    "LogitsProcessor": "integrations",
    "DetentError": "grammar.errors",
    "GrammarError": "grammar.errors",
    "Unenforceable": "grammar.errors",
    "Unsatisfiable": "grammar.errors",
    "Violated": "grammar.errors",
    "LimitExceeded": "grammar.errors",
    "VocabularyError": "grammar.errors",
    "DeadEnd": "grammar.errors",
    "Truncated": "grammar.errors",
}

__all__ = [
    "AWRS",
    "CARS",
    "SMC",
    "ASAp",
    "BeamSearch",
    "BestOf",
    "Combined",
    "Compiler",
    "Costs",
    "DeadEnd",
    "DetentError",
    "ForcedText",
    "Grammar",
    "GrammarError",
    "LanguageModel",
    "LimitExceeded",
    "Limits",
    "LogitsProcessor",
    "MaskTable",
    "Masking",
    "Matcher",
    "ModelDrafter",
    "NGrams",
    "Predicate",
    "PromptLookup",
    "Recycling",
    "Residual",
    "Result",
    "Results",
    "Speculation",
    "Stats",
    "StochasticBeams",
    "Translated",
    "Trie",
    "Truncated",
    "Unenforceable",
    "Unsatisfiable",
    "Violated",
    "Vocabulary",
    "VocabularyError",
    "allocate_bitmask",
    "apply_bitmask",
    "awrs_step",
    "fill_bitmasks",
    "generate",
    "load",
    "load_draft",
    "run",
    "skip_layers",
    "stream",
    "structured",
    "training_free",
]
_OF_EXTRA = ("torch", "transformers", "safetensors", "tokenizers")
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "infill":
        return import_module("detent.infill")
    try:
        home = _HOME[name]
    except KeyError:
        raise AttributeError(f"module 'detent' has no attribute {name!r}") from None
    try:
        value = getattr(import_module(f"detent.{home}"), name)
    except ModuleNotFoundError as error:
        if error.name not in _OF_EXTRA:
            raise
        raise ModuleNotFoundError(
            f"detent.{name} needs {error.name}: pip install 'detent[hf]'", name=error.name
        ) from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
