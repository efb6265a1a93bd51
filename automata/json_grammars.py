"""JSON Schemas to grammars."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

from detent.grammar.json_schema.document import Document
from detent.grammar.json_schema.free_names import has_free_names
from detent.grammar.json_schema.known import Asked, Known, Reading, Readings, known_object
from detent.grammar.json_schema.parts import Parts
from detent.grammar.json_schema.reader import Reader
from detent.grammar.json_schema.spelled import Spelled
from detent.grammar.json_text import from_text
from detent.grammar.residual import Judge

from .arena import Arena
from .arenas import Arenas
from .compiled import Grammar
from .format_cache import FormatCache
from .island import JsonIsland, worked_out
from .lowering import Lowering, place_part, place_reading, place_values
from .records import Order

Whitespace = Literal["flexible", "bounded", "compact"]
Numbers = Literal["any", "plain"]
Options = tuple[Order, Whitespace, bool, bool, Numbers]  # also: whether formats are asserted, and all is enforced


class JsonGrammars:
    """Grammars of JSON Schemas over one vocabulary, which share what was read.

    Parameters
    ----------
    arenas : Arenas
    formats : FormatCache
    """

    def __init__(self, arenas: Arenas, formats: FormatCache) -> None:
        self.arenas, self.formats, self.readings = arenas, formats, Readings()

    def island(self, schema: Any, order: Order, whitespace: Whitespace) -> JsonIsland:
        """A schema inside another grammar."""
        reader = self.reader(Document(as_schema(schema), None), parts=Parts)
        node = reader.read()
        goals, root = worked_out(reader, node, self.arenas.limits)
        return JsonIsland(goals, root, order, whitespace, has_free_names(node, reader))

    def reader(self, document: Document, **options: Any) -> Reader:
        """The reader of a document, within the limits."""
        limits = self.arenas.limits
        within: dict[str, Any] = {"max_nodes": limits.max_nodes, "max_dfa_states": limits.regex_states}
        return Reader(document, formats=self.formats.texts, **{**within, **options})

    def read(
        self,
        reader: Reader,
        order: Order,
        whitespace: Whitespace,
        report: Callable[[], Mapping[str, Any]] | None = None,
        asked: Asked | None = None,
    ) -> Grammar:
        """The grammar of a document that is read; others may ask for its members if it has goals of its own.

        ``report``: who tells of a document that was read with parts.
        """
        root_node = reader.read()
        arenas = self.arenas
        goals, root = worked_out(reader, root_node, arenas.limits)
        is_open = has_free_names(root_node, reader)
        reading = None if root.is_shared else Reading(goals, root, is_open, reader.n_read)
        place: Callable[[Arena], Lowering]
        if reading is None:
            place = partial(place_part, root=root, order=order, whitespace=whitespace)
        else:
            place = partial(place_reading, reading=reading, order=order, whitespace=whitespace)
        if report is None:
            report = reader.report().copy
        if reader.relaxed:
            return Grammar(arenas, place, report, has_free_names=is_open, judge=_judge(reader))
        made = Grammar(
            arenas,
            place,
            report,
            has_free_names=is_open,
            content=lambda: JsonIsland(goals, root, order, whitespace, is_open),
            is_shared=reading is None,
        )
        if asked is not None and reading is not None:
            self.readings.note(asked, reading)
        return made


class JsonSource:
    """The text of a JSON Schema, of which a grammar is made, and read again when more is asked of that.

    Parameters
    ----------
    grammars : JsonGrammars
    text, remotes : Spelled or None
        The schema and what its references may name; None for what does not consist of plain JSON values.
    options : Options
    """

    __slots__ = ("_grammars", "_options", "_remotes", "_text")

    def __init__(self, grammars: JsonGrammars, text: Spelled | None, remotes: Spelled | None, options: Options) -> None:
        self._grammars, self._text, self._remotes, self._options = grammars, text, remotes, options

    def grammar(self, schema: Any, remotes: Mapping[str, Any] | None) -> Grammar:
        """Compile it, as the caller has it, who may change it later on."""
        text = self._text
        _, _, format_assertion, strict, numbers = self._options
        if text is None or self._remotes is None:
            return self._read(schema, remotes)
        if not strict or remotes:
            return self._read_copy()
        if type(schema) is not dict:
            return self._read(schema, None)
        limits = self._grammars.arenas.limits
        meaning = (numbers == "plain", format_assertion, limits.regex_states)
        found = known_object(schema, text, meaning, self._grammars.readings, self._options)
        if not isinstance(found, Known):
            return self._read(schema, None, found)
        if found.most_read > limits.max_nodes:
            return self._read(schema, None)
        return self._known(found)

    def _known(self, known: Known) -> Grammar:
        """The grammar of a document whose members are known; the rest is read when it is asked for."""
        order, whitespace, *_ = self._options
        reading, read = known.reading, self._read_copy
        return Grammar(
            self._grammars.arenas,
            partial(place_values, values=known.values, order=order, whitespace=whitespace, reading=reading),
            self._report,
            has_free_names=known.is_open,
            content=lambda: read().content,
            is_shared=True,
            keeps=0 if reading is None else reading.n_bytes,
        )

    def _read_copy(self) -> Grammar:
        """The grammar of what the caller gave, whatever has become of it."""
        return self._read(*self._copy())

    def _copy(self) -> tuple[Any, Mapping[str, Any] | None]:
        assert self._text is not None and self._remotes is not None
        return self._text.value(), self._remotes.value()

    def _read(self, schema: Any, remotes: Mapping[str, Any] | None, asked: Asked | None = None) -> Grammar:
        order, whitespace, _, strict, _ = self._options
        has_parts = strict and self._text is not None and self._remotes is not None
        reader = self._reader(Document(schema, remotes, self._text), parts=Parts if has_parts else None)
        if asked is not None and (nodes := reader.members()) is not None:
            known = asked.of_parts(nodes, 1 + reader.n_read)
            if known is not None and known.most_read <= reader.max_nodes:
                return self._known(known)
        return self._grammars.read(reader, order, whitespace, self._report if has_parts else None, asked)

    def _reader(self, document: Document, **options: Any) -> Reader:
        _, _, format_assertion, strict, numbers = self._options
        plain_integers = numbers == "plain"
        return self._grammars.reader(
            document, format_assertion=format_assertion, strict=strict, plain_integers=plain_integers, **options
        )

    def _report(self) -> dict[str, Any]:
        """What there is to tell of the schema: it is read again, without parts, which stand nowhere."""
        reader = self._reader(Document(*self._copy()), max_nodes=sys.maxsize)
        reader.read()
        return reader.report()


def as_schema(schema: Any) -> Any:
    """The JSON schema of a schema, JSON text or Python type."""
    if isinstance(schema, (dict, bool)):
        return schema
    if isinstance(schema, str):
        return from_text(schema)
    from detent.grammar.types import schema_of

    return schema_of(schema)


def _judge(reader: Reader) -> Judge:
    """The validator of what a reader left out."""
    root = reader.document.root
    formats = reader.formats if reader.format_assertion or root.dialect.asserts_format else None
    return Judge(root.schema, reader.document.remotes, draft=root.draft, formats=formats)
