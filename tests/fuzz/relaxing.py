"""An engine that leaves out keywords by chance, as ``strict=False`` does: then it may only allow more."""

from __future__ import annotations

import json
import zlib
from functools import lru_cache
from typing import Any

from detent import Unsatisfiable
from detent.automata.compiled import Grammar
from detent.grammar.json_schema import relaxing
from detent.grammar.json_schema.document import Document
from detent.grammar.json_schema.nodes import Node
from detent.grammar.json_schema.reader import Reader

from .engine import Engine, Options

_KEYWORDS = {"pattern", "format", "minLength", "multipleOf", "minimum", "exclusiveMaximum", "enum", "const"}
KEYWORDS = _KEYWORDS | {"patternProperties"} | relaxing._MULTIPLYING.keys()
FORGIVEN = ("over",)  # the check that does not hold


class Forgetful(Reader):
    """A reader that leaves out one keyword in three, and some schemas; which ones follows from what they say."""

    def read(self) -> Node:
        root = super().read()
        for node in self.nodes():
            keywords = [k for k, v in node.place.schema.items() if k in KEYWORDS and _chance({k: v}, 3)]
            if _chance(node.place.schema, 40):
                self.leave_out_all(node, "chance")
            elif keywords:
                self.leave_out(node, keywords, "chance")
        return root


def _chance(value: Any, one_in: int) -> bool:
    return zlib.crc32(json.dumps(value).encode()) % one_in == 0


class RelaxingEngine(Engine):
    """An engine whose grammars leave out keywords."""

    def __init__(self, tokenizer: str | None = None) -> None:
        super().__init__(tokenizer)
        self._made = lru_cache(maxsize=64)(self._make)

    def grammar(self, schema: Any, options: Options) -> Grammar:
        """Compile, forgetting some keywords."""
        made = self._made(json.dumps(schema), options)
        if isinstance(made, Unsatisfiable):
            raise made
        return made

    def _make(self, text: str, options: Options) -> Grammar | Unsatisfiable:
        reader = Forgetful(
            Document(json.loads(text)),
            format_assertion=options.format_assertion,
            strict=False,
            plain_integers=options.numbers == "plain",
        )
        try:
            return self.compiler._json.read(reader, options.order, options.whitespace)  # type: ignore[arg-type]
        except Unsatisfiable as error:
            return error
