"""Modules side by side: none before what it builds on, and each once."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Thread

import pytest

from detent.native import workers
from detent.native.workers import Plan, graph_of, run_all

GRAPH = {"top": {"left", "right"}, "left": {"base"}, "right": {"base"}, "base": set(), "alone": set()}


def test_what_most_build_on_comes_first() -> None:
    plan = Plan(GRAPH)
    assert [plan.take(), plan.take()] == ["base", "alone"]
    plan.done("base")
    assert {plan.take(), plan.take()} == {"left", "right"}
    for module in ("alone", "left", "right"):
        plan.done(module)
    assert plan.take() == "top"
    plan.done("top")
    assert plan.take() is None


def test_threads_share_a_plan() -> None:
    plan, taken, done = Plan(GRAPH), [], set()

    def work() -> None:
        while (module := plan.take()) is not None:
            taken.append((module, GRAPH[module] <= done))
            done.add(module)
            plan.done(module)

    threads = [Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted((module, True) for module in GRAPH)


def test_the_graph_is_that_of_the_imports() -> None:
    graph = graph_of(["trie"])
    assert {"jit", "strings"} <= set(graph)
    assert "key_tokens" in graph["trie"]
    assert "masks" not in graph


def test_a_process_that_breaks_off_leaves_its_work_to_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "graph_of", lambda modules: {"missing": set(), "files": {"missing"}})
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    error = run_all([], f"open({str(tmp_path / 'behind')!r}, 'w')", os.environ | {"NUMBA_DISABLE_JIT": "1"}, ())
    assert (tmp_path / "behind").exists()
    assert error.startswith("ImportError cannot import name 'missing'")


def test_what_raises_no_exception_is_no_error() -> None:
    assert run_all([], "import sys", os.environ | {"NUMBA_DISABLE_JIT": "1"}, ()) == ""
