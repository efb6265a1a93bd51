"""Documents as text, in the parts that they may share with others."""

from __future__ import annotations

import marshal
from itertools import repeat
from typing import Any, NamedTuple

NO_SHARING = 2  # the last version of marshal without references to what is one object
_DEFINITIONS = ("definitions", "$defs")
_NO_DEFINITIONS = marshal.dumps((None, None), NO_SHARING)


class Spelled(NamedTuple):
    """A document of plain JSON values as text: equal where documents are the same word for word.

    Attributes
    ----------
    members : tuple of bytes or None
        Each schema that the ``properties`` of its root hold; None where those are no object.
    definitions : bytes
        What ``definitions`` and ``$defs`` of its root hold.
    rest : bytes
        The root with names only in place of its members, and nothing in place of its definitions.
    n_bytes : int
        How long it is.
    """

    members: tuple[bytes, ...] | None
    definitions: bytes
    rest: bytes
    n_bytes: int

    def value(self) -> Any:
        """The document, as a copy that nobody else has."""
        root = marshal.loads(self.rest)
        if self.members is not None:
            root["properties"] = dict(zip(root["properties"], map(marshal.loads, self.members), strict=True))
        if self.definitions != _NO_DEFINITIONS:
            held = zip(_DEFINITIONS, marshal.loads(self.definitions), strict=True)
            root.update({keyword: value for keyword, value in held if keyword in root})
        return root


def spelled(schema: Any) -> Spelled | None:
    """A document as text; None where it does not consist of plain JSON values."""
    root, dumps = schema, marshal.dumps
    members, definitions, n_bytes = None, _NO_DEFINITIONS, 0
    try:
        if type(root) is dict:
            if type(properties := root.get("properties")) is dict:
                members = tuple(map(dumps, properties.values(), repeat(NO_SHARING)))
                n_bytes += sum(map(len, members))
                root = {**root, "properties": (*properties,)}
            if "definitions" in root or "$defs" in root:
                definitions = dumps((root.get("definitions"), root.get("$defs")), NO_SHARING)
                root = {**root, **{keyword: None for keyword in _DEFINITIONS if keyword in root}}
        rest = dumps(root, NO_SHARING)
    except ValueError:
        return None
    return _new(Spelled, (members, definitions, rest, n_bytes + len(definitions) + len(rest)))


_new = tuple.__new__  # half the time of calling Spelled
