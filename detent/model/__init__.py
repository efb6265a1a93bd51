"""The bundled demonstration model: weights, tokenizer and the recipe that made them."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from detent.model.prompt import format_prompt

MODEL_DIR = Path(str(files(__name__)))
"""Folder of the weights and the tokenizer, as ``from_pretrained`` takes it."""

__all__ = ["MODEL_DIR", "format_prompt"]


def __getattr__(name: str) -> Any:
    if name == "format_prompt":
        from detent.model.prompt import format_prompt

        return format_prompt
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
