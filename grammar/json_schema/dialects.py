"""Dialects: what ``$schema`` says of the keywords of a schema; the meta-schemas of five drafts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any

from ..errors import GrammarError

LATEST = 2020
_STANDARD = {2019: "https://json-schema.org/draft/2019-09/", 2020: "https://json-schema.org/draft/2020-12/"}
_FORMAT_ASSERTION = f"{_STANDARD[2020]}vocab/format-assertion"


class Dialect:
    """A draft and the part of it that is in force; compared by identity.

    Attributes
    ----------
    draft : int
        4, 6, 7, 2019 or 2020.
    ignored : frozenset of str
        Keywords of the draft whose vocabularies the meta-schema does not list.
    asserts_format : bool
        Whether ``format`` constrains strings whatever the caller says.
    """

    __slots__ = ("asserts_format", "draft", "ignored")

    def __init__(self, draft: int, ignored: frozenset[str] = frozenset(), asserts_format: bool = False) -> None:
        self.draft = draft
        self.ignored = ignored
        self.asserts_format = asserts_format


DIALECTS = {
    "http://json-schema.org/draft-04/schema": Dialect(4),
    "http://json-schema.org/draft-06/schema": Dialect(6),
    "http://json-schema.org/draft-07/schema": Dialect(7),
    "https://json-schema.org/draft/2019-09/schema": Dialect(2019),
    "https://json-schema.org/draft/2020-12/schema": Dialect(LATEST),
}
NEWEST = DIALECTS["https://json-schema.org/draft/2020-12/schema"]


def metaschema(uri: str) -> Any:
    """A meta-schema of the five drafts, or of one of their vocabularies, by its URI; None for any other URI."""
    if uri in DIALECTS:
        draft = DIALECTS[uri].draft
    else:
        draft = next((draft for draft, standard in _STANDARD.items() if uri.startswith(standard)), 0)
    return _metaschemas(draft).get(uri) if draft else None


@cache
def _metaschemas(draft: int) -> Mapping[str, Any]:
    """The meta-schemas of a draft, by URI: the files of a package that takes 20 ms to import."""
    package = find_spec("jsonschema_specifications")
    assert package is not None, "a dependency"
    folder = {2019: "draft201909", 2020: "draft202012"}.get(draft, f"draft{draft}")
    files = chain.from_iterable(
        Path(place, "schemas", folder).rglob("*") for place in package.submodule_search_locations or ()
    )
    found = [json.loads(file.read_text(encoding="utf-8")) for file in files if file.is_file() and file.name[0] != "."]
    return {(schema.get("$id") or schema["id"]).rstrip("#"): schema for schema in found}


class Dialects:
    """The dialects that one document may name.

    Parameters
    ----------
    remotes : mapping of str to schema
        Documents by URI (without an empty fragment), custom meta-schemas among them.
    """

    def __init__(self, remotes: Mapping[str, Any]) -> None:
        self._remotes = remotes
        self._custom: dict[str, Dialect | None] = {}

    def named(self, declared: str, pointer: str) -> Dialect | None:
        """The dialect of a ``$schema``, or None where it is not known.

        Raises
        ------
        GrammarError
            If its meta-schema requires a vocabulary that is not known.
        """
        uri = declared.rstrip("#")
        if uri in DIALECTS:
            return DIALECTS[uri]
        if uri not in self._custom:
            self._custom[uri] = None  # what a meta-schema that names itself gets
            self._custom[uri] = self._described(uri, pointer)
        return self._custom[uri]

    def _described(self, uri: str, pointer: str) -> Dialect | None:
        """The dialect that a custom meta-schema describes."""
        described = self._remotes.get(uri)
        if not isinstance(described, dict):
            return None
        declared, vocabularies = described.get("$schema"), described.get("$vocabulary")
        base = (self.named(declared, pointer) if isinstance(declared, str) else None) or NEWEST
        if not isinstance(vocabularies, dict):
            return base
        draft = next((d for d, standard in _STANDARD.items() if f"{standard}vocab/core" in vocabularies), base.draft)
        if draft not in _STANDARD:
            return base
        keywords = _vocabularies(draft)
        for name, required in vocabularies.items():
            if required is True and name not in keywords:
                reason = f"{uri} requires the vocabulary {name}, which is not known."
                raise GrammarError(reason, pointer=pointer, keyword="$schema")
        core = f"{_STANDARD[draft]}vocab/core"
        listed = frozenset().union(*(keywords[name] for name in {core, *vocabularies} & keywords.keys()))
        return Dialect(draft, frozenset().union(*keywords.values()) - listed, _FORMAT_ASSERTION in vocabularies)


@lru_cache(maxsize=2)
def _vocabularies(draft: int) -> Mapping[str, frozenset[str]]:
    """The vocabularies of a draft, by URI, with their keywords: those that their meta-schemas describe."""
    standard = _STANDARD[draft]
    names = {*metaschema(f"{standard}schema")["$vocabulary"]}
    if draft >= 2020:
        names.add(_FORMAT_ASSERTION)
    return {name: frozenset(metaschema(name.replace("/vocab/", "/meta/"))["properties"]) for name in names}
