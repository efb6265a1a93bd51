"""detent inside other libraries' generation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from detent.integrations.transformers import LogitsProcessor

__all__ = ["LogitsProcessor"]


def __getattr__(name: str) -> Any:
    if name == "LogitsProcessor":
        from detent.integrations.transformers import LogitsProcessor

        return LogitsProcessor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
