"""Interrupts (``KeyboardInterrupt``) at any line: what was under way is lost, and nothing half-made stays behind."""

from __future__ import annotations

import gc
import linecache
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from llvmlite.binding import address_of_symbol
from numba import config

from detent.automata import compiled
from detent.automata.compiler import Compiler
from detent.automata.matcher import Matcher, allocate_bitmask
from detent.automata.vocabulary import Vocabulary
from detent.grammar.json_schema.lazy import Lazy
from detent.native import machine

HERE = str(Path(compiled.__file__).parent.parent)
N_STOPS = 50  # of each case
SCHEMA = {
    "type": "object",
    "properties": {
        "kind": {"enum": ["a", "b"]},
        "tags": {"type": "array", "items": {"enum": ["x", "y", "z"]}, "uniqueItems": True},
        "at": {"type": "string", "format": "date", "maxLength": 12},
    },
    "patternProperties": {"^n_": {"type": "number", "multipleOf": 0.5}},
    "if": {"properties": {"kind": {"const": "a"}}},
    "then": {"required": ["tags"]},
    "else": {"properties": {"tags": {"maxItems": 1}}},
    "required": ["kind"],
}
LINES = r"""
    start: (_NL | line)+
    line: NAME "=" value _NL | "do" _NL _INDENT line+ _DEDENT
    value: NAME | /[0-9]+(?!\.)/ | "(" value ("," value)* ")"
    NAME: /[a-z]+/
    _NL: /(\n *)+/
    _INDENT: ">"
    _DEDENT: "<"
    %ignore " "
    """
CASES: list[tuple[Callable[[Compiler], Any], str]] = [
    (lambda c: c.json_schema(SCHEMA, order="any"), '{"kind": "a", "n_1": 1.5, "tags": ["x", "z"], "o": {"p": [null]}}'),
    (lambda c: c.json_schema(SCHEMA), '{"kind": "b", "tags": ["y"], "at": "2024-02-29"}'),
    (lambda c: c.lark(LINES), "ab = (c, 12)\n do\n > x = y\n <"),
    (lambda c: c.lark("start: (A | B)+\nA: /a(?=[ab]*c)/\nB: /[abc]/", lexer="basic"), "abcbaab"),
    (lambda c: c.gbnf('root ::= pair\npair ::= pair pair | "a" pair "b" | [c-e]+'), "acbdacdb"),
]


class Interrupt(BaseException):
    """As a signal raises it."""


class Tracer:
    """Counts lines of the library, and raises :class:`Interrupt` at one of them."""

    def __init__(self, stop: int) -> None:
        self.n_lines, self._stop, self.has_raised = 0, stop, False

    def __call__(self, frame: FrameType, event: str, argument: object) -> Tracer | None:
        if event == "call" and (not frame.f_code.co_filename.startswith(HERE) or _is_finalizer(frame)):
            return None
        if event == "line":
            self.n_lines += 1
            if self.n_lines >= self._stop and not _is_whole(frame):
                self._stop, self.has_raised = sys.maxsize, True
                raise Interrupt
        return self


def _is_finalizer(frame: FrameType) -> bool:
    """Whether this lets go of something: Python keeps to itself what is raised there, wherever a collection falls."""
    return frame.f_back is not None and frame.f_back.f_code.co_filename == weakref.__file__


def _is_whole(frame: FrameType) -> bool:
    """Whether no signal is looked at before a line: ``with`` is left, or ``finally`` begins, in one go."""
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
    return line.lstrip().startswith(("with ", "finally", "_end("))


def traced(work: Callable[[], object], stop: int) -> int:
    """Do some work up to a line: how many lines it had."""
    tracer, before = Tracer(stop), sys.gettrace()
    sys.settrace(tracer)
    try:
        work()
    except (Interrupt, SystemError):  # the latter of a call of compiled code that was interrupted
        if not tracer.has_raised:
            raise
    finally:
        sys.settrace(before)
    return tracer.n_lines


def masks(matcher: Matcher, text: str) -> list[bytes]:
    """The masks along a text."""
    mask, found = allocate_bitmask(1, len(matcher.grammar.vocabulary)), []
    for byte in text.encode():
        matcher.fill_bitmask(mask)
        found.append(mask.tobytes())
        assert matcher.accept_bytes(bytes([byte])), text
    return found


def test_no_alternative_is_lost() -> None:
    n_lines = traced(lambda: [*Lazy(iter("abc"))], sys.maxsize)
    assert n_lines > 20
    for stop in range(1, n_lines + 1):
        lazy = Lazy(iter("abc"))
        traced(lambda lazy=lazy: [*lazy], stop)  # type: ignore[misc]
        assert lazy.running or [*lazy] == [*"abc"], stop


@pytest.mark.parametrize("case", range(len(CASES)))
def test_an_interrupt_leaves_nothing_half_made(vocabulary: Vocabulary, compiler: Compiler, case: int) -> None:
    made, text = CASES[case]
    expected, thresholds = masks(made(compiler).matcher(), text), gc.get_threshold()
    n_lines = traced(lambda: masks(made(Compiler(vocabulary, cache_dir=False)).matcher(), text), sys.maxsize)
    assert n_lines > 1000
    for stop in np.linspace(1, n_lines, N_STOPS, dtype=int):
        other = Compiler(vocabulary, cache_dir=False)
        kept: list[Matcher] = []

        def work(other: Compiler = other, kept: list[Matcher] = kept) -> None:
            kept.append(made(other).matcher())
            masks(kept[0], text)

        traced(work, stop)
        assert gc.get_threshold() == thresholds
        assert masks(made(other).matcher(), text) == expected
        for matcher in kept:
            matcher.reset()
            assert masks(matcher, text) == expected


@pytest.mark.skipif(config.DISABLE_JIT, reason="nothing is called by addresses")
@pytest.mark.parametrize("n_before", [0, 1])
def test_addresses_of_kernels_are_written_together(
    vocabulary: Vocabulary, compiler: Compiler, monkeypatch: pytest.MonkeyPatch, n_before: int
) -> None:
    made, text = CASES[2]
    expected, other, known = masks(made(compiler).matcher(), text), Compiler(vocabulary, cache_dir=False), []

    def interrupted(name: str) -> int:
        if len(known) == n_before:
            raise Interrupt
        known.append(name)
        return address_of_symbol(name)

    with monkeypatch.context() as patched, pytest.raises(Interrupt):
        patched.setattr(machine, "address_of_symbol", interrupted)
        made(other)
    assert masks(made(other).matcher(), text) == expected
