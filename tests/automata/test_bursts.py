"""Pieces of work during which garbage collections wait."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier
from typing import Any

import pytest

from detent.automata.bursts import FEW, brief, burst
from detent.automata.compiler import Compiler
from detent.automata.matcher import allocate_bitmask
from detent.automata.vocabulary import Vocabulary


@pytest.fixture(autouse=True)
def thresholds() -> Iterator[tuple[int, int, int]]:
    """What the collector was set to, and is set to again."""
    before = gc.get_threshold()
    gc.set_threshold(50, 10, 10)
    yield 50, 10, 10
    gc.set_threshold(*before)


@burst
def inside(then: Any = None) -> Any:
    """What holds during a burst, or what happens there."""
    return gc.get_threshold() if then is None else then()


def test_thresholds_come_back(thresholds: tuple[int, int, int]) -> None:
    assert inside() == (0, 10, 10)
    assert gc.get_threshold() == thresholds
    assert inside(inside) == (0, 10, 10)
    assert inside(lambda: (inside(), gc.get_threshold()))[1] == (0, 10, 10)
    assert gc.get_threshold() == thresholds
    with pytest.raises(ZeroDivisionError):
        inside(lambda: 1 // 0)
    assert gc.get_threshold() == thresholds


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="collections no longer start where an object is made")
def test_a_call_behind_a_burst_does_not_pay_for_it() -> None:
    kept: list[tuple[int, ...]] = []
    started: list[str] = []

    def use_up() -> None:
        kept.extend((k, k, k, k, k) for k in range(5000))  # more than Python keeps free

    def note(phase: str, info: dict[str, int]) -> None:
        started.append(phase)

    inside(use_up)  # the collection that is due by now comes with the callback, made between two bursts
    gc.callbacks.append(note)
    try:
        inside(use_up)
        datetime(2026, 1, 1, 0, 0)  # a call that passes a tuple of five, as one of a kernel passes its arguments
        behind = bool(started)
        object().__reduce_ex__(2)
        assert started
    finally:
        gc.callbacks.remove(note)
    assert not behind


def test_brief_bursts_begin_where_a_collection_is_near() -> None:
    after = brief(gc.get_threshold)
    for threshold, is_held in ((gc.get_count()[0] + 10 * FEW, False), (FEW, True), (0, True)):
        gc.set_threshold(threshold, 10, 10)
        assert after() == (0 if is_held else threshold, 10, 10)
        assert gc.get_threshold() == (threshold, 10, 10)


def test_what_others_set_meanwhile_stays() -> None:
    inside(lambda: gc.set_threshold(77, 7, 7))
    assert gc.get_threshold() == (77, 7, 7)
    for change in (gc.disable, gc.enable):
        inside(change)
        assert gc.isenabled() == (change is gc.enable)


def test_bursts_of_several_threads(thresholds: tuple[int, int, int]) -> None:
    both = Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: inside(both.wait), range(2)))
        list(pool.map(lambda _: [inside() for _ in range(2000)], range(2)))
    assert gc.get_threshold() == thresholds


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_forked_processes_collect(thresholds: tuple[int, int, int]) -> None:
    def fork() -> int:
        child = os.fork()
        if child == 0:
            os._exit(gc.get_threshold() != thresholds)
        return os.waitpid(child, 0)[1]

    assert inside(fork) == 0


@pytest.fixture
def called() -> Iterator[Callable[..., Any]]:
    """Calls in which no collection may start, though their own objects make one due."""
    is_inside, inside_of = False, []

    def note(phase: str, _: Any) -> None:
        if is_inside and phase == "start":
            inside_of.append(phase)

    def call(function: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal is_inside
        gc.collect(0)
        is_inside = True
        result = function(*arguments)
        is_inside = False
        return result

    gc.callbacks.append(note)
    yield call
    gc.callbacks.remove(note)
    assert not inside_of


def test_no_collection_starts_inside_a_call(called: Callable[..., Any]) -> None:
    compiler, mask = Compiler(_bytes()), allocate_bitmask(1, 257)
    schema = {"type": "object", "properties": {f"k{k}": {"type": ["string", "null"]} for k in range(200)}}
    matcher = called(lambda: compiler.json_schema(schema).matcher())
    for byte in b'{"k7":"x","k8":null}':
        called(matcher.fill_bitmask, mask)
        assert called(matcher.accept, byte)
    kept = [[k] for k in range(200)]
    assert len(kept) == 200


def test_no_collection_starts_before_the_first_mask(called: Callable[..., Any]) -> None:
    """Compiling makes many objects, so a collection is due in the calls that follow."""
    compiler, mask = Compiler(_bytes()), allocate_bitmask(1, 257)

    def first(schema: dict[str, Any]) -> None:
        compiler.json_schema(schema).matcher().fill_bitmask(mask)

    for k in range(20):
        members = {f"k{k}-{n}": {"type": "integer", "minimum": k * n} for n in range(40)}
        called(first, {"type": "array", "items": {"type": "object", "properties": members, "minProperties": k}})


def _bytes() -> Vocabulary:
    return Vocabulary.from_tokens([*(bytes([b]) for b in range(256)), None], eos=[256])
