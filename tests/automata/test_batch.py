"""Batches: the masks of single matchers, whoever writes them, and whatever goes wrong in between."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from types import FrameType
from typing import Any

import numpy as np
import pytest
from numba import config

from detent.automata import batch as batches
from detent.automata import helper
from detent.automata.batch import fill_bitmasks
from detent.automata.compiler import Compiler
from detent.automata.limits import Limits
from detent.automata.matcher import Bitmask, Matcher, allocate_bitmask
from detent.automata.vocabulary import Vocabulary
from detent.grammar.errors import LimitExceeded
from detent.native import batch
from detent.native.masks import OWN, STOPPED
from tests.automata.test_late_limits import CONNECTED, PREFIX, goals_of
from tests.masks import allowed

SCHEMAS: list[Any] = [
    {"type": "object", "properties": {"a": {"type": "integer"}, "id": {"$ref": "#"}}, "required": ["a"]},
    {"type": "object", "additionalProperties": {"type": "boolean"}},  # keys that must not come twice
    {"type": "array", "items": {"type": "string", "maxLength": 3}, "uniqueItems": True},
    {"enum": ["abc", "abd", {"id": [True, None]}, -12.5]},
]


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> Iterator[helper.Helper | None]:
    """The helper, of this test alone, for every batch, in lots of few rows, and without rests."""
    own = None if config.DISABLE_JIT else helper.Helper()  # type: ignore[attr-defined]
    monkeypatch.setattr(helper, "_helper", lambda: own)
    for name in ("SMALL", "LARGE", "REST", "LONGEST_REST"):
        monkeypatch.setattr(helper, name, 0)
    monkeypatch.setattr(batches, "LOT", 40)
    yield own
    if own is not None:
        own.stop()


def mixed(compiler: Compiler, rng: random.Random, n: int) -> list[Matcher]:
    """Matchers anywhere in texts of several grammars, ends included, some of them of another arena."""
    other, matchers = Compiler(compiler.vocabulary, limits=Limits(cache_bytes=32 << 20)), []
    for k in range(n):
        grammar = (other if k % 9 == 8 else compiler).json_schema(SCHEMAS[k % len(SCHEMAS)], order="any")
        matcher = grammar.matcher()
        for _ in range(rng.randrange(14)):
            matcher.accept(rng.choice(sorted(allowed(matcher)) or [0]))
        matchers.append(matcher)
    return matchers


def one_by_one(matchers: list[Matcher], mask: Bitmask) -> Bitmask:
    out = np.full_like(mask, -1)
    for row, matcher in enumerate(matchers):
        matcher.fill_bitmask(out, row)
    return out


def step(matchers: list[Matcher], rng: random.Random) -> None:
    for matcher in matchers:
        if not (tokens := sorted(allowed(matcher))):
            matcher.reset()
        else:
            matcher.accept(rng.choice(tokens))


@pytest.mark.nojit
def test_mixed_batches_equal_single_masks(compiler: Compiler, eager: helper.Helper | None) -> None:
    rng = random.Random(5)
    matchers = mixed(compiler, rng, 40)
    mask = allocate_bitmask(len(matchers), len(compiler.vocabulary))
    n_stopped = 0
    for _ in range(6):
        fill_bitmasks(matchers, mask)
        assert (mask == one_by_one(matchers, mask)).all()
        n_stopped += sum(matcher.is_stopped() for matcher in matchers)
        step(matchers, rng)
    assert n_stopped and any(OWN <= matcher.state < STOPPED for matcher in matchers)


def test_the_helper_writes_what_the_caller_would(compiler: Compiler, eager: helper.Helper | None) -> None:
    """Call after call for a while, so that it is awake in most of them."""
    rng = random.Random(6)
    matchers = mixed(compiler, rng, 60)
    mask = allocate_bitmask(len(matchers), len(compiler.vocabulary))
    wanted, ends = one_by_one(matchers, mask), monotonic() + 0.5
    while monotonic() < ends:
        mask[:] = -1
        fill_bitmasks(matchers, mask)
        assert (mask == wanted).all()
    assert eager is None or not eager.owner


def test_callers_in_several_threads(compiler: Compiler, eager: helper.Helper | None) -> None:
    """One of them has the helper, the others write alone."""

    def work(seed: int) -> bool:
        matchers = mixed(compiler, random.Random(seed), 30)
        mask = allocate_bitmask(len(matchers), len(compiler.vocabulary))
        wanted = one_by_one(matchers, mask)
        for _ in range(100):
            mask[:] = -1
            fill_bitmasks(matchers, mask)
            if (mask != wanted).any():
                return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(4)))


@pytest.mark.nojit
def test_rows_of_others_are_written_when_one_fails(eager: helper.Helper | None) -> None:
    vocabulary = Vocabulary.from_tokens([bytes([b]) for b in range(256)] + [b"<eos>"], eos=[256])
    compiler = Compiler(vocabulary)
    bad, good = compiler.json_schema(CONNECTED), compiler.json_schema({"type": "integer"})
    matchers = [(bad if k in (2, 4) else good).matcher() for k in range(6)]
    goals_of(bad).grace = -1  # as if far more work had been asked for: a goal takes none, what it begins with does
    for k in (2, 4):
        assert matchers[k].accept_bytes(PREFIX)
    mask = allocate_bitmask(9, len(vocabulary))
    with pytest.raises(LimitExceeded, match="row 7") as caught:
        fill_bitmasks(matchers, mask, rows=[8, 6, 7, 5, 3, 1])
    assert caught.value.row == 7
    wanted = one_by_one(matchers[:1], mask)[0]
    assert all((mask[row] == wanted).all() for row in (8, 6, 5, 1))
    assert not mask[[7, 3]].any() and (mask[[0, 2, 4]] == -1).all()
    fill_bitmasks(matchers[3:4], mask)


@pytest.mark.nojit
def test_what_is_no_matcher_loses_nothing(compiler: Compiler, eager: helper.Helper | None) -> None:
    matchers: list[Any] = mixed(compiler, random.Random(7), 12)
    mask = allocate_bitmask(len(matchers), len(compiler.vocabulary))
    wanted = one_by_one(matchers, mask)
    with pytest.raises(AttributeError):
        fill_bitmasks([*matchers[:-1], None], mask)
    with pytest.raises(ValueError, match="NaN"):
        fill_bitmasks(matchers, mask, [0.0, float("nan"), *range(2, len(matchers))])  # type: ignore[list-item]
    assert eager is None or not eager.owner
    fill_bitmasks(matchers, mask)
    assert (mask == wanted).all()


def test_wrong_rows_are_refused(compiler: Compiler) -> None:
    matchers = [compiler.json_schema({}).matcher() for _ in range(3)]
    mask = allocate_bitmask(3, len(compiler.vocabulary))
    for rows in ([0, 1, 3], [-1, 0, 1]):
        with pytest.raises(IndexError):
            fill_bitmasks(matchers, mask, rows)
    with pytest.raises(ValueError, match="2 rows for 3"):
        fill_bitmasks(matchers, mask, [0, 1])
    with pytest.raises(IndexError):
        fill_bitmasks([*matchers, matchers[0]], mask)
    fill_bitmasks([], mask)
    assert (mask == -1).all()


# -------------------------------------------------------------------------------------------------------- interrupts
def interrupted(call: Callable[[], None], after: int) -> bool:
    """Whether a call was interrupted before the so-many-th line of this package that it runs."""
    left = after

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        if frame.f_code.co_filename not in INTERRUPTED:
            return None
        if event == "line":
            left -= 1
            if left < 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


INTERRUPTED = {batches.__file__, helper.__file__}


def test_an_interrupt_loses_nothing(compiler: Compiler, eager: helper.Helper | None) -> None:
    matchers, mask = mixed(compiler, random.Random(5), 24), allocate_bitmask(24, len(compiler.vocabulary))
    wanted = one_by_one(matchers, mask)
    fill_bitmasks(matchers, mask)
    after = 0
    while interrupted(lambda: fill_bitmasks(matchers, mask), after):
        after += 1
        assert eager is None or not eager.owner
        if after % 7 == 0:
            mask[:] = -1
            fill_bitmasks(matchers, mask)
            assert (mask == wanted).all()
    assert after > 30


# ------------------------------------------------------------------------------------------------------- the helper
def test_one_core_has_no_helper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
    assert helper._helper.__wrapped__() is None


def test_it_rests_where_it_is_of_no_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer and longer, and it is not woken meanwhile."""
    clock, woken = [100.0], []
    monkeypatch.setattr(helper, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(helper.Helper, "_ring", lambda self: woken.append(clock[0]))
    one = helper.Helper()

    def call(result: int, n_words: int = helper.SMALL) -> int:
        """Whether the call of a batch has woken it."""
        before = len(woken)
        assert one.lend(one) and not one.lend(call)
        assert one.wake(n_words) is False
        one.give_back(call, result)
        assert one.owner
        one.give_back(one, result)
        assert not one.owner
        return len(woken) - before

    assert not call(batch.ASLEEP)  # the first for a long time
    clock[0] += helper.PATIENCE / 2
    assert call(batch.ASLEEP)
    clock[0] += 2 * helper.PATIENCE
    assert not call(batch.ASLEEP) and call(batch.ASLEEP) and call(batch.ASLEEP, helper.LARGE)
    for rest in (helper.REST, 2 * helper.REST, 4 * helper.REST):
        one.board[batch.PATIENCE] = 5
        for _ in range(helper.MOST_MISSED):
            call(batch.ALONE)
        assert one.board[batch.PATIENCE] == 0
        clock[0] += 0.9 * rest
        assert not call(batch.ASLEEP) and not call(batch.ASLEEP, helper.LARGE)
        clock[0] += 0.2 * rest
        assert not call(batch.ASLEEP) and call(batch.ASLEEP)
    call(batch.SHARED)
    assert one._rest == helper.REST


SCRIPT = """
import os, sys
from time import monotonic
from types import FrameType
import detent
from detent.automata import batch as batches
from detent.automata import batch, helper
helper.SMALL, helper.LARGE, helper.PATIENCE, batch.LOT = 0, 0, 0.5, 40
vocabulary = detent.Vocabulary.from_tokens([bytes([b]) for b in range(256)] + [b"<eos>"], eos=[256])
matchers = [detent.Compiler(vocabulary).json_schema({"type": "integer"}).matcher()] * 50
wanted, mask = (detent.allocate_bitmask(50, 257) for _ in range(2))
for row in range(50):
    matchers[0].fill_bitmask(wanted, row)

def work():
    for _ in range(50):
        mask[:] = -1
        detent.fill_bitmasks(matchers, mask)
        assert (mask == wanted).all()

work()
if hasattr(os, "fork"):
    child = os.fork()
    work()
    if child:
        assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(config.DISABLE_JIT, reason="no helper")  # type: ignore[attr-defined]
def test_forks_and_exits_while_it_is_awake() -> None:
    subprocess.run([sys.executable, "-W", "ignore", "-c", SCRIPT], check=True, timeout=60)
