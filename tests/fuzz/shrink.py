"""Smaller schemas and texts that show the same: greedy deletion."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from .schemas import circular

MAX_TRIES = 1500
Fails = Callable[[Any, str], bool]


def shrink(schema: Any, text: str, fails: Fails, tries: int = MAX_TRIES) -> tuple[Any, str]:
    """The smallest case found that still fails.

    Parameters
    ----------
    schema : dict
    text : str
    fails : callable
        Whether a schema and a text still show the finding; whatever it raises counts as no.
    tries : int
        Calls of ``fails``.
    """
    smaller = True
    while smaller and tries > 0:
        smaller = False
        for candidate in _candidates(schema, text):
            tries -= 1
            if tries <= 0:
                break
            if _holds(fails, *candidate):
                schema, text = candidate
                smaller = True
                break
    return schema, text


def _holds(fails: Fails, schema: Any, text: str) -> bool:
    try:
        return not circular(schema) and fails(schema, text)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # a smaller schema may be no schema at all, and one validator panics
        return False


def _candidates(schema: Any, text: str) -> Iterator[tuple[Any, str]]:
    """Cases that are one step smaller, the largest steps first."""
    for smaller in _smaller(schema, keep=("$schema",)):
        yield smaller, text
    with suppress(ValueError):
        value = json.loads(text)
        for simpler in (value, *_smaller(value)):
            spelled = json.dumps(simpler, ensure_ascii=False, separators=(",", ":"))
            if len(spelled) < len(text):
                yield schema, spelled
    size = len(text)
    while size := size // 2:
        for start in range(0, len(text), size):
            yield schema, text[:start] + text[start + size :]


def _smaller(value: Any, keep: tuple[str, ...] = ()) -> Iterator[Any]:
    """Values without one of their parts, or with a part in the place of the whole."""
    for path in _paths(value):
        part = _at(value, path)
        if path and path[-1] not in keep:
            yield _without(value, path)
        if isinstance(part, dict) and (path or not keep):
            yield from (_with(value, path, sub) for name, sub in part.items() if name not in keep)
        elif isinstance(part, list) and path:
            yield from (_with(value, path, sub) for sub in part)
        if path and path[-1] not in keep and part not in (True, {}, 0, "a"):
            yield from (_with(value, path, simple) for simple in (True, {}, 0, "a"))
    if keep and isinstance(value, dict):  # a schema: one of those below in its place
        kept = {name: value[name] for name in (*keep, "$id", "$defs", "definitions") if name in value}
        for path in _paths(value):
            part = _at(value, path)
            if path and isinstance(part, dict) and path[0] not in kept:
                yield {**kept, **part}


def _paths(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a value, from the outside in."""
    level = [here]
    while level:
        yield from level
        level = [
            (*path, key)
            for path in level
            for part in [_at(value, path)]
            for key in (part if isinstance(part, dict) else range(len(part)) if isinstance(part, list) else ())
        ]


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def _with(value: Any, path: tuple[Any, ...], part: Any) -> Any:
    if not path:
        return copy.deepcopy(part)
    value = copy.deepcopy(value)
    _at(value, path[:-1])[path[-1]] = copy.deepcopy(part)
    return value


def _without(value: Any, path: tuple[Any, ...]) -> Any:
    value = copy.deepcopy(value)
    del _at(value, path[:-1])[path[-1]]
    return value
